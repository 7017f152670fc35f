"""How long is a pass of batches over the images, and from a CSV file or Parquet files to coefficients?

The book reads each image through PIL in a DataLoader with 4 workers (section 3.5.3); all see the same batches.
The tables have 20 features; each way ends with the same least-squares coefficients. DuckDB's scan of the file
is a floor.
"""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from _measure import Case, Contender, main, once, same_numbers, size
from sgd_epoch import BATCH_SIZE, WORKERS, book_loader, loaders

ROWS, FEATURES = size(1_000_000, 20_000), 20
NAMES = [f"x{j}" for j in range(FEATURES)]


def a_pass(loader_of: Callable[..., Any], X: np.ndarray, y: np.ndarray) -> list[float]:
    """Pass over a loader, and return what its first batches sum up to."""
    import torch

    torch.manual_seed(0)
    return [float(X.sum()) if i < 3 else 0.0 for i, (X, _) in enumerate(loader_of(X, y))]


def by_pil(X: np.ndarray, y: np.ndarray) -> Any:
    return book_loader(X, y, shuffle=True)


def by_tensors(X: np.ndarray, y: np.ndarray) -> Any:
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    rows = TensorDataset(torch.from_numpy(X).float().div(255), torch.from_numpy(y))
    return DataLoader(rows, BATCH_SIZE, shuffle=True)


def write(folder: Path) -> dict[str, Path]:
    """Write uniform features and a target that is their sum, but for noise, as CSV and as Parquet."""
    import duckdb

    columns = ", ".join(f"random() * {j + 1} as x{j}" for j in range(FEATURES))
    duckdb.sql(
        f"create table t as select *, {' + '.join(NAMES)} + random() as y from (select {columns} from range({ROWS}))"
    )
    paths = {kind: folder / f"table.{kind.lower()}" for kind in ("CSV", "Parquet")}
    duckdb.sql(f"copy t to '{paths['CSV']}' (format csv)")
    duckdb.sql(f"copy t to '{paths['Parquet']}' (format parquet, compression zstd)")
    duckdb.sql("drop table t")
    return paths


def onelayer(path: Any) -> Any:
    from onelayer import LinearRegression, scan

    return LinearRegression().fit(scan(path, target="y")).coef_


def by_numpy(module: str, kinds: dict[str, str], path: Path) -> np.ndarray:
    """Read by a package, and solve by scikit-learn."""
    from sklearn.linear_model import LinearRegression

    readers = {kind: import_module(f"{module}{part}") for kind, part in kinds.items()}

    kind = path.suffix[1:]
    reader = readers[kind]
    rows = getattr(reader, f"read_{kind}", getattr(reader, "read_table", None))(path)
    X = np.column_stack([rows[name].to_numpy() for name in NAMES])
    return LinearRegression().fit(X, rows["y"].to_numpy()).coef_


WHOLE = {"csv": "", "parquet": ""}
PARTS = {"csv": ".csv", "parquet": ".parquet"}


def scan(path: Any) -> Any:
    import duckdb

    return sum(len(batch) for batch in duckdb.sql(f"from '{path}'").to_arrow_reader(65_536))


def images() -> tuple[np.ndarray, np.ndarray]:
    from onelayer import fashion_mnist

    rows = fashion_mnist().train
    return rows.X, rows.y.astype(np.int64)


def table_case(kind: str) -> Case:
    return Case(
        f"{kind} of {ROWS:,} × {FEATURES} to coefficients",
        make=lambda folder: (write(folder)[kind],),
        contenders=[
            Contender("onelayer", onelayer, ("onelayer.estimators",), "ours"),
            *(
                Contender(
                    f"{module} and scikit-learn",
                    partial(by_numpy, module, parts),
                    (module, "sklearn.linear_model"),
                )
                for module, parts in (("polars", WHOLE), ("pandas", WHOLE), ("pyarrow", PARTS))
            ),
            Contender("DuckDB's scan", scan, role="floor"),
        ],
        equal=same_numbers("coefficients", 1e-8),
        measure=once,
        headlines=("seconds",),
    )


CASES = [
    Case(
        f"a pass over 60,000 images in batches of {BATCH_SIZE}",
        make=lambda folder: images(),
        contenders=[
            Contender(
                "onelayer.d2l", partial(a_pass, lambda X, y: loaders()[0]), ("torch",), "ours", loaders
            ),
            Contender(f"DataLoader: PIL, {WORKERS} workers", partial(a_pass, by_pil), ("torch", "PIL")),
            Contender("DataLoader of tensors", partial(a_pass, by_tensors), ("torch",)),
        ],
        equal=same_numbers("sums of the first batches", 1e-6),
        warm_up=lambda: [part[:600] for part in images()],
        measure=once,
        headlines=("seconds",),
    ),
    table_case("CSV"),
    table_case("Parquet"),
]

if __name__ == "__main__":
    main(__doc__, CASES)
