"""Regressions from Parquet files: onelayer against Spark, Dask-ML, scikit-learn's SGD, Vowpal Wabbit and duckreg.

    pip install 'onelayer[bench]'     # and Java 17 or later for Spark; what is not installed is left out
    python benchmarks/scale.py [softmax | logistic | linear] [--rows 1000000] [--runs 1] [--without spark] [--slow]

50 float32 features in FILES files; 1,000,000 rows are 0.2 GB decoded. softmax has ten classes and logistic two: both
minimise ½ ‖W‖² + Σ ℓ(W xᵢ + b, yᵢ), which is C = 1 in scikit-learn's terms. linear is least squares. Each fit is in a
process of its own. "start" is the seconds that it takes, after Python, NumPy and PyArrow, until its packages are
imported and its session runs (Spark's with its JVM); "fit" those from the names of the files to coefficients; "CPU"
what its threads work in "fit", which depends less on what else the machine does; "peak" the sum of the peaks of the
memory of the process and of those that it has started (Linux). One function evaluates the objectives of all, from the
files and in float64. "excess" is how far they are above ours, relative to it. Of ours the gap is shown, relative too:
how far it is above the minimum at most, which is certified (of least squares: what a Newton step would gain). The
ratio at the end is to the fastest of the others that come to within TARGET of ours.

Peers are shown as they are by default, and as they come to the minimum. What they do differently:

- Spark's regParam counts for the mean loss: it is 1 / n here, with standardization=False. It keeps its rows in memory.
  Its JVM may take 8 GB, and the peak is what it has chosen to take.
- Dask-ML has no softmax regression. It takes labels of ten classes without a word, as numbers, and predicts False or
  True. Its rows are persisted, or it would read them in each step. It penalises the intercept as well; newton has no
  penalty. Of its five solvers admm, the default, takes minutes, and is run with --slow.
- SGDClassifier fits several classes one against the rest, which is another objective. Its rate is "invscaling" and its
  weights are averages: with its default rate ten passes over 100,000 rows end at more than twice the minimum.
- Vowpal Wabbit has no softmax regression either: --oaa is one against the rest. It reads text, which DuckDB writes from
  the files; that is part of "fit".
- duckreg counts rows that are alike. Here none are, so it has all in memory. Its logistic models have no penalty; that
  of two classes makes one step from the minimum for some of the rows. Its softmax takes minutes, and is run with
  --slow. With DuckDB 2 it fails (0.4.1): --python duckreg=PATH/bin/python is its own environment, with an older one.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

FILES, FEATURES, CLASSES = 8, 50, 10
NAMES = [f"x{j}" for j in range(FEATURES)]
TARGETS = {"softmax": "label", "logistic": "is_dear", "linear": "price"}
CORES = os.cpu_count() or 1
LITTLE = "400MB"  # of memory, of which next to nothing is left to keep rows: they are read again in each pass
TARGET = 1e-6  # an excess up to which a minimum counts as found: the tolerance of ours
MOST = 300  # seconds of a process, after which it is ended
INSTALL = {
    "spark": "pip install pyspark, and Java 17 or later",
    "dask_ml": "pip install dask-ml",
    "sgd": "pip install scikit-learn",
    "vowpal_wabbit": "pip install vowpalwabbit",
    "duckreg": "pip install duckreg, in an environment with duckdb<2",
}

Array = np.ndarray[Any, Any]
Fit = Iterator[
    Any
]  # stops when packages are imported, and again with weights (q, d), biases (q,) and a gap, if known


# Data, and what is minimised


def write(folder: Path, rows: int) -> list[str]:
    """Write the files and return their paths. Neighbouring features are correlated."""
    W = np.random.default_rng(1).normal(size=(CLASSES, FEATURES)) / 4
    paths = []
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
        paths.append(str(folder / f"{i:02}.parquet"))
        pq.write_table(pa.table(columns), paths[-1], row_group_size=50_000, compression="zstd")
    return paths


def blocks(paths: list[str], task: str, size: int = 20_000) -> Iterator[tuple[Array, Array]]:
    """Yield features (n, d) as float32 and the target (n,)."""
    for path in paths:
        for batch in pq.ParquetFile(path).iter_batches(size, columns=[*NAMES, TARGETS[task]]):
            *columns, y = (column.to_numpy(zero_copy_only=False) for column in batch.columns)
            yield np.column_stack(columns), y


def objective(paths: list[str], task: str, weight: Array, bias: Array) -> float:
    """Return the objective of weights (q, d) and biases (q,); two classes have one output."""
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


def squares_above(paths: list[str], weight: Array, bias: Array) -> float:
    """Return how far the sum of squares of weights (1, d) is above the least one: one Newton step goes there."""
    gram, gradient = 0.0, 0.0
    for X, y in blocks(paths, "linear"):
        A = np.column_stack([X.astype(np.float64), np.ones(len(X))])
        gram, gradient = gram + A.T @ A, gradient + A.T @ (y - A @ np.append(weight[0], bias))
    return float(gradient @ np.linalg.solve(gram, gradient))


# Ours and its peers


def onelayer(paths: list[str], task: str, memory: str | None = None) -> Fit:
    from onelayer import LinearRegression, SoftmaxRegression, scan

    yield
    if task == "linear":
        line = LinearRegression().fit(scan(paths, TARGETS[task], NAMES, memory=memory))
        yield line.coef_, line.intercept_, None
    model = SoftmaxRegression(C=1.0).fit(scan(paths, TARGETS[task], NAMES, as_classes=True, memory=memory))
    yield model.coef_, model.intercept_, model.gap_


def spark(paths: list[str], task: str, **settings: Any) -> Fit:
    from pyspark.ml.classification import LogisticRegression
    from pyspark.ml.feature import VectorAssembler
    from pyspark.ml.regression import LinearRegression
    from pyspark.sql import SparkSession

    plain = {"spark.driver.memory": "8g", "spark.driver.host": "127.0.0.1", "spark.ui.enabled": "false"}
    session = SparkSession.builder.master(f"local[{CORES}]").config(map=plain).getOrCreate()
    yield
    table = session.read.parquet(*paths)
    rows = VectorAssembler(inputCols=NAMES, outputCol="features").transform(table)
    rows = rows.select("features", TARGETS[task])
    if task == "linear":
        line = LinearRegression(labelCol=TARGETS[task], solver="normal").fit(rows)
        yield line.coefficients.toArray(), line.intercept, None
    settings |= {"regParam": 1 / table.count(), "standardization": False}
    model = LogisticRegression(labelCol=TARGETS[task], **settings).fit(rows)
    yield model.coefficientMatrix.toArray(), model.interceptVector.toArray(), None


def dask_ml(paths: list[str], task: str, **settings: Any) -> Fit:
    import dask.dataframe as dd
    from dask_ml.linear_model import LinearRegression, LogisticRegression

    yield
    rows = dd.read_parquet(paths, columns=[*NAMES, TARGETS[task]]).to_dask_array().persist()
    rows.compute_chunk_sizes()  # features and target are cut from one array: as two, they may get other chunks
    model = (
        LinearRegression(C=1e12, **settings) if task == "linear" else LogisticRegression(C=1.0, **settings)
    )
    model.fit(rows[:, :-1], rows[:, -1])
    yield model.coef_, model.intercept_, None


def sgd(paths: list[str], task: str, passes: int = 1) -> Fit:
    from sklearn.linear_model import SGDClassifier

    yield
    rate = {"learning_rate": "invscaling", "eta0": 0.01, "power_t": 0.25}
    model = SGDClassifier(loss="log_loss", alpha=1 / count(paths), average=True, random_state=0, **rate)
    for _ in range(passes):
        for X, y in blocks(paths, task):
            model.partial_fit(X, y, np.arange(CLASSES if task == "softmax" else 2))
    yield model.coef_, model.intercept_, None


def vowpal_wabbit(paths: list[str], task: str, options: str) -> Fit:
    import duckdb
    from vowpalwabbit import Workspace

    yield
    with tempfile.TemporaryDirectory(dir=Path(paths[0]).parent) as folder:
        text, weights = Path(folder) / "rows.vw", Path(folder) / "weights"
        values = ", ".join(f"'{j}:' || {name}" for j, name in enumerate(NAMES))
        label = f"case {TARGETS[task]} when 1 then '1 |' else '-1 |' end"
        duckdb.sql(
            f"copy (select {label}, {values} from read_parquet({paths})) to '{text}' "
            "(format csv, delimiter ' ', header false, quote '')"
        )
        plain = "--loss_function logistic --holdout_off -b 8 --predict_only_model --quiet -k"
        plain += f" -d {text} --cache_file {text}.cache --readable_model {weights}"
        Workspace(f"{plain} {options.format(alpha=1 / count(paths))}").finish()
        lines = weights.read_text().partition("\n:0\n")[2].split()
    found = dict(line.split(":")[:2] for line in lines)
    weight = [float(found.pop(str(j), 0)) for j in range(FEATURES)]
    [bias] = found.values()
    yield weight, float(bias), None


def duckreg(paths: list[str], task: str) -> Fit:
    from duckreg import DuckLogisticRegression, DuckMultinomialLogisticRegression, DuckRegression

    yield
    kinds = {"linear": DuckRegression, "logistic": DuckLogisticRegression}
    given = {"cluster_col": ""} if task == "linear" else {}
    model = kinds.get(task, DuckMultinomialLogisticRegression)(
        db_name=":memory:",
        table_name=f"read_parquet({paths})",
        formula=f"{TARGETS[task]} ~ {' + '.join(NAMES)}",
        seed=0,
        n_bootstraps=0,
        **given,
    )
    model.fit()
    found = np.atleast_2d(model.point_estimate)
    if task == "softmax":  # the last class is at 0; centred, the same model has the least penalty
        found = np.vstack([found, np.zeros(FEATURES + 1)])
        found -= found.mean(axis=0)
    yield found[:, 1:], found[:, 0], None


TIGHT = {"tol": 1e-9, "maxIter": 10_000}
LBFGS = {"solver": "lbfgs", "tol": 1e-8, "max_iter": 1000, "solver_kwargs": {"normalize": False}}
BFGS = "--bfgs --passes 300 --l2 1 --no_bias_regularization"
OURS = [("onelayer", onelayer, {}), (f"onelayer, memory={LITTLE!r}", onelayer, {"memory": LITTLE})]
SPARK = [("Spark", spark, {}), (f"Spark, tol={TIGHT['tol']}", spark, TIGHT)]
SGD = [("SGDClassifier, 1 pass", sgd, {}), ("SGDClassifier, 10 passes", sgd, {"passes": 10})]
DASK = [("Dask-ML, lbfgs", dask_ml, LBFGS), ("Dask-ML, newton", dask_ml, {"solver": "newton"})]
WABBIT = {"bfgs": BFGS, "bfgs, termination 1e-9": f"{BFGS} --termination 1e-9 --mem 50"}
WABBIT |= {"10 passes": "--passes 10 --l2 {alpha}"}
VW = [(f"Vowpal Wabbit, {name}", vowpal_wabbit, {"options": options}) for name, options in WABBIT.items()]
ADMM, DUCKREG = ("Dask-ML, admm", dask_ml, {}), ("duckreg", duckreg, {})
PEERS = {
    "softmax": [*OURS, *SPARK, *SGD, DUCKREG],
    "logistic": [*OURS, *SPARK, *DASK, ADMM, *SGD, *VW, DUCKREG],
    "linear": [*OURS, SPARK[0], *DASK, ADMM, DUCKREG],
}
SLOW = [("softmax", "duckreg"), ("logistic", "Dask-ML, admm"), ("linear", "Dask-ML, admm")]


# What is measured, and how


def used(process: int | str) -> Array:
    """Return processor seconds and the peak memory in MB of a process and those it started (Linux); else NaN."""
    folder = Path(f"/proc/{process}")
    if not folder.exists():
        return np.array([math.nan, math.nan])
    times = (folder / "stat").read_text().rpartition(")")[2].split()[11:13]
    lines = (folder / "status").read_text().splitlines()
    peak = sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))  # 0 of one that has ended
    started = " ".join(path.read_text() for path in folder.glob("task/*/children")).split()
    own = np.array([sum(map(int, times)) / os.sysconf("SC_CLK_TCK"), peak / 1024])
    return own + sum(used(child) for child in started)


def fit(task: str, row: int, paths: list[str]) -> dict[str, Any]:
    """Return what a row of the table found, and what that took, in this process."""
    _, peer, settings = PEERS[task][row]
    begun = time.perf_counter()
    steps = peer(paths, task, **settings)
    next(steps)
    ready, (before, _) = time.perf_counter(), used(os.getpid())
    weight, bias, gap = next(steps)
    done, (after, peak) = time.perf_counter(), used(os.getpid())
    return {
        "start": ready - begun,
        "fit": done - ready,
        "cpu": after - before,
        "peak": peak,
        "weight": np.reshape(weight, (-1, FEATURES)).tolist(),
        "bias": np.ravel(bias).tolist(),
        "gap": gap,
    }


def run(python: str, task: str, row: int, paths: list[str]) -> dict[str, Any]:
    """Return what ``fit`` returns, in a process of its own; raises LookupError with the reason if there is nothing."""
    command = [python, __file__, "--fit", task, str(row), *paths]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=MOST)
    except subprocess.TimeoutExpired:
        raise LookupError(f"takes more than {MOST} s") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing was said"])[-1]
        how = INSTALL.get(PEERS[task][row][1].__name__)
        is_absent = last.startswith("ModuleNotFoundError") or "JAVA_GATEWAY" in last
        raise LookupError(f"is not installed: {how}" if is_absent else f"failed: {last[:200]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def count(paths: list[str]) -> int:
    """Return the number of rows."""
    return sum(pq.read_metadata(path).num_rows for path in paths)


def table(task: str, paths: list[str], given: argparse.Namespace) -> None:
    """Print a row for ours and for each peer, and how many times as fast ours is as the fastest that comes as near."""
    pythons = dict(pair.split("=", 1) for pair in given.python)
    print(f"\n{task:36}{'start s':>9}{'fit s':>9}{'CPU s':>9}{'peak MB':>9}{'excess':>14}")
    seconds: dict[str, float] = {}
    least = math.inf
    for row, (name, peer, _) in enumerate(PEERS[task]):
        if peer.__name__ in given.without or ((task, name) in SLOW and not given.slow):
            continue
        try:
            python = pythons.get(peer.__name__, sys.executable)
            runs = [run(python, task, row, paths) for _ in range(given.runs)]
        except LookupError as error:
            print(f"{name:36}{error}", flush=True)
            continue
        weight, bias = np.array(runs[-1]["weight"]), np.array(runs[-1]["bias"])
        value, gap = objective(paths, task, weight, bias), runs[-1]["gap"]
        if peer is onelayer:
            least = min(least, value)
            gap = squares_above(paths, weight, bias) if task == "linear" else gap
        excess = f"{value / least - 1:+.1e}" if gap is None else f"gap {gap / value:.0e}"
        start, took, cpu, peak = (median(one[k] for one in runs) for k in ("start", "fit", "cpu", "peak"))
        print(f"{name:36}{start:9.2f}{took:9.2f}{cpu:9.2f}{peak:9.0f}{excess:>14}", flush=True)
        if value <= (1 + TARGET) * least:
            seconds[name] = took
    ours = seconds.pop(OURS[0][0])
    others = {name: took for name, took in seconds.items() if not name.startswith("onelayer")}
    if others:
        fastest = min(others, key=lambda name: others[name])
        print(
            f"{others[fastest] / ours:.1f} times as fast as {fastest}, the fastest within {TARGET:.0e}",
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("tasks", nargs="*", default=list(PEERS))
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=1, help="of each, of which medians are shown")
    parser.add_argument("--without", nargs="*", default=[], choices=INSTALL, help="peers to leave out")
    parser.add_argument("--python", nargs="*", default=[], help="a peer's own interpreter, as duckreg=PATH")
    parser.add_argument("--slow", action="store_true", help="run what takes many minutes too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        paths = write(Path(folder), given.rows)
        decoded = 4 * count(paths) * FEATURES / 1e9
        print(f"{count(paths):,} rows in {FILES} files, {decoded:.2f} GB decoded; {CORES} cores, ", end="")
        print(f"load before: {os.getloadavg()[0]:.1f}")
        for task in given.tasks:
            table(task, paths, given)
    print(f"\nload after: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--fit"]:
        print(json.dumps(fit(sys.argv[2], int(sys.argv[3]), sys.argv[4:])))
    else:
        main()
