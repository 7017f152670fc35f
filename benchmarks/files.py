"""How long does regression take from Parquet files that need not fit memory?

50 float32 features in 8 files. Softmax regression with ten classes and logistic regression minimise ½ ‖W‖² + Σ
ℓ(W xᵢ + b, yᵢ), which is C = 1 in scikit-learn's terms; the last case is least squares. The session's start
(Spark's JVM) is not measured; reading is. One function evaluates the objectives of all, from the files and in
float64, and who is more than 1e-6 above the least counts in no ratio. What peers do differently:

- Spark's regParam counts for the mean loss: it is 1 / n here, with standardization=False and a tolerance that
  comes near enough.
- Dask-ML has no softmax regression, and penalises the intercept as well; newton has no penalty. admm, its
  default, takes minutes.
- SGDClassifier fits several classes one against the rest, which is another objective; so does Vowpal Wabbit,
  which reads text: writing that is part of its time.
"""

import os
import tempfile
from collections.abc import Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from _measure import Case, Contender, main, once, same_objective, size

ROWS, FILES, FEATURES, CLASSES = size(200_000, 16_000), 8, 50, 10
NAMES = [f"x{j}" for j in range(FEATURES)]
TARGETS = {"softmax": "label", "logistic": "is_dear", "linear": "price"}
WHAT = {
    "softmax": "softmax with ten classes",
    "logistic": "softmax with two classes",
    "linear": "least squares",
}
LITTLE = "450MB"  # of memory, of which next to nothing is left to keep rows: they are read again in each pass


def write(folder: Path, rows: int = ROWS) -> list[str]:
    """Write the files, and return their paths. Neighbouring features are correlated."""
    W = np.random.default_rng(1).normal(size=(CLASSES, FEATURES)) / 4
    for i in range(FILES):
        generator = np.random.default_rng((0, i))
        X = generator.normal(size=(rows // FILES, FEATURES))
        X[:, 1:] += 0.5 * X[:, :-1]
        X = (X + 0.3).astype(np.float32)
        columns = dict(zip(NAMES, X.T, strict=True))
        logits = X @ W.T + generator.gumbel(size=(len(X), CLASSES))
        columns["label"] = logits.argmax(axis=1).astype(np.int32)
        columns["is_dear"] = (logits[:, 0] > logits[:, 1]).astype(np.int32)
        columns["price"] = X @ W[2] + generator.normal(size=len(X))
        pq.write_table(
            pa.table(columns), folder / f"{i:02}.parquet", row_group_size=50_000, compression="zstd"
        )
    return sorted(map(str, folder.glob("*.parquet")))


def blocks(paths: list[str], task: str, most: int = 20_000) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield features (n, d) as float32 and the target (n,)."""
    for path in paths:
        for batch in pq.ParquetFile(path).iter_batches(most, columns=[*NAMES, TARGETS[task]]):
            *columns, y = (column.to_numpy(zero_copy_only=False) for column in batch.columns)
            yield np.column_stack(columns), y


def objective(task: str, found: tuple[Any, Any], paths: list[str]) -> float:
    """Return the objective of weights (q, d) and biases (q,); two classes have one output."""
    weight, bias = np.reshape(found[0], (-1, FEATURES)), np.ravel(found[1])
    total = 0.0 if task == "linear" else np.square(weight).sum() / 2
    for X, y in blocks(paths, task):
        outputs = X.astype(np.float64) @ weight.T + bias
        if task == "linear":
            total += np.square(y - outputs[:, 0]).sum()
        elif task == "logistic":
            total += np.logaddexp(0, np.where(y == 1, -1, 1) * outputs[:, 0]).sum()
        else:
            total += (np.logaddexp.reduce(outputs, axis=1) - outputs[np.arange(len(y)), y]).sum()
    return float(total)


def onelayer(task: str, memory: str | None, paths: list[str]) -> tuple[Any, Any]:
    from onelayer import LinearRegression, SoftmaxRegression, scan

    model = LinearRegression() if task == "linear" else SoftmaxRegression(C=1.0)
    model.fit(scan(paths, TARGETS[task], NAMES, as_classes=task != "linear", memory=memory))
    return model.coef_, model.intercept_


@cache
def spark_session() -> Any:
    from pyspark.sql import SparkSession

    plain = {"spark.driver.memory": "8g", "spark.driver.host": "127.0.0.1", "spark.ui.enabled": "false"}
    return SparkSession.builder.master(f"local[{os.cpu_count()}]").config(map=plain).getOrCreate()


def spark(task: str, paths: list[str]) -> tuple[Any, Any]:
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import VectorAssembler
    from pyspark.ml.regression import LinearRegression

    table = spark_session().read.parquet(*paths)
    rows = VectorAssembler(inputCols=NAMES, outputCol="features").transform(table)
    rows = rows.select("features", TARGETS[task])
    if task == "linear":
        line = LinearRegression(labelCol=TARGETS[task], solver="normal").fit(rows)
        return line.coefficients.toArray(), line.intercept
    tight = {"regParam": 1 / table.count(), "standardization": False, "tol": 1e-9, "maxIter": 10_000}
    model = LogisticRegression(labelCol=TARGETS[task], **tight).fit(rows)
    return model.coefficientMatrix.toArray(), model.interceptVector.toArray()


def dask_ml(task: str, paths: list[str], **settings: Any) -> tuple[Any, Any]:
    import dask.dataframe as dd
    from dask_ml.linear_model import LinearRegression, LogisticRegression

    kind = LinearRegression if task == "linear" else LogisticRegression

    rows = dd.read_parquet(paths, columns=[*NAMES, TARGETS[task]]).to_dask_array().persist()
    rows.compute_chunk_sizes()  # features and target are cut from one array: as two, they may get other chunks
    model = kind(C=1e12 if task == "linear" else 1.0, **settings).fit(rows[:, :-1], rows[:, -1])
    return model.coef_, model.intercept_


def sgd(task: str, passes: int, paths: list[str]) -> tuple[Any, Any]:
    from sklearn.linear_model import SGDClassifier

    rate = {"learning_rate": "invscaling", "eta0": 0.01, "power_t": 0.25}
    model = SGDClassifier(loss="log_loss", alpha=1 / ROWS, average=True, random_state=0, **rate)
    for _ in range(passes):
        for X, y in blocks(paths, task):
            model.partial_fit(X, y, np.arange(CLASSES if task == "softmax" else 2))
    return model.coef_, model.intercept_


def vowpal_wabbit(task: str, paths: list[str]) -> tuple[Any, Any]:
    import duckdb
    from vowpalwabbit import Workspace

    options = "--bfgs --passes 300 --l2 1 --no_bias_regularization --termination 1e-9 --mem 50"

    with tempfile.TemporaryDirectory(dir=Path(paths[0]).parent) as folder:
        text, weights = Path(folder) / "rows.vw", Path(folder) / "weights"
        values = ", ".join(f"'{j}:' || {name}" for j, name in enumerate(NAMES))
        label = f"case {TARGETS[task]} when 1 then '1 |' else '-1 |' end"
        duckdb.sql(
            f"copy (select {label}, {values} from read_parquet({paths})) to '{text}' "
            "(format csv, delimiter ' ', header false, quote '')"
        )
        plain = "--loss_function logistic --holdout_off -b 8 --predict_only_model --quiet -k"
        Workspace(
            f"{plain} -d {text} --cache_file {text}.cache --readable_model {weights} {options}"
        ).finish()
        lines = weights.read_text().partition("\n:0\n")[2].split()
    found = dict(line.split(":")[:2] for line in lines)
    weight = [float(found.pop(str(j), 0)) for j in range(FEATURES)]
    return weight, [float(value) for value in found.values()]


LBFGS = {"solver": "lbfgs", "tol": 1e-8, "max_iter": 1000, "solver_kwargs": {"normalize": False}}


def contenders(task: str) -> list[Contender]:
    """Return who can do a task."""
    found = [
        Contender("onelayer", partial(onelayer, task, None), ("onelayer.estimators",), role="ours"),
        Contender(
            f"onelayer, memory={LITTLE!r}", partial(onelayer, task, LITTLE), ("onelayer.estimators",), "own"
        ),
        Contender("Spark MLlib", partial(spark, task), ("pyspark.ml", "java"), before=spark_session),
    ]
    if task != "softmax":
        dask = ("dask_ml.linear_model", "dask.dataframe")
        found.append(Contender("Dask-ML, newton", partial(dask_ml, task, solver="newton"), dask))
        found.append(Contender("Dask-ML, lbfgs", partial(dask_ml, task, **LBFGS), dask))
    if task == "logistic":
        found.append(Contender("Vowpal Wabbit, bfgs", partial(vowpal_wabbit, task), ("vowpalwabbit",)))
    if task != "linear":
        found.append(
            Contender("SGDClassifier, 3 passes", partial(sgd, task, 3), ("sklearn.linear_model",), "other")
        )
    return found


CASES = [
    Case(
        f"{WHAT[task]} from Parquet, {ROWS:,} × {FEATURES}",
        make=lambda folder: (write(folder),),
        contenders=contenders(task),
        equal=same_objective("objective", 1e-6),
        judge=partial(objective, task),
        measure=once,
        headlines=("seconds",),
        limit=60.0,
    )
    for task in (*TARGETS,)[size(0, 1) :]  # Spark's many small steps take half a minute
]

if __name__ == "__main__":
    main(__doc__, CASES)
