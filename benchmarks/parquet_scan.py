"""Both exact solvers on 2 GB of Parquet, each in a process of its own: seconds and peak memory.

    python benchmarks/parquet_scan.py [--rows N]

5,000,000 rows of 50 features (2 GB as float64) in 16 files, written to a temporary folder first. On the first file the
answers are compared with those of the same rows in memory.
"""

import argparse
import resource
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from onelayer import Timer
from onelayer.data.rows import Rows, Source
from onelayer.data.scanning import scan
from onelayer.losses import CrossEntropy
from onelayer.penalties import Ridge
from onelayer.solvers.direct import least_squares
from onelayer.solvers.minimise import minimise

FILES, FEATURES, CLASSES = 16, 50, 3
NAMES = [f"x{j}" for j in range(FEATURES)]


def write(folder: Path, rows: int) -> list[Path]:
    """Write the files and return their paths."""
    paths = []
    for i in range(FILES):
        generator = np.random.default_rng(i)
        Z = generator.normal(size=(rows // FILES, FEATURES))
        columns = dict(zip(NAMES, (Z * np.arange(1, FEATURES + 1) + 100).T, strict=True))
        columns["y"] = Z @ np.linspace(-1, 1, FEATURES) + generator.normal(size=len(Z))
        scores = Z[:, :CLASSES] + generator.gumbel(size=(len(Z), CLASSES))
        columns["label"] = scores.argmax(axis=1)
        paths.append(folder / f"{i:02}.parquet")
        pq.write_table(pa.table(columns), paths[-1], row_group_size=100_000, compression="zstd")
    return paths


def rows_of(paths: list[Path], task: str) -> Source:
    """Return the rows of files for a task."""
    return scan(paths, "y" if task == "regression" else "label", NAMES, as_classes=task == "classes")


def fit(rows: Source) -> Any:
    """Return the exact solution for the rows' task."""
    if rows.task == "regression":
        return least_squares(rows)
    return minimise(rows, CrossEntropy(CLASSES), Ridge(1.0))


def solve(paths: list[Path], task: str) -> tuple[float, float, Any]:
    """Return the seconds, the peak memory in MB and the fit."""
    timer = Timer()
    found = fit(rows_of(paths, task))
    seconds = timer.stop()
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, found


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=5_000_000)
    with tempfile.TemporaryDirectory() as folder:
        paths = write(Path(folder), parser.parse_args().rows)
        with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
            for task in ("regression", "classes"):
                seconds, peak, _ = pool.submit(solve, paths, task).result()
                print(f"{task}: {seconds:.1f} s, peak memory {peak:.0f} MB", flush=True)
        for task in ("regression", "classes"):
            rows = rows_of(paths[:1], task)
            block = rows.gathered()
            part, whole = fit(rows), fit(Rows(block.X, block.y, rows.task))
            if task == "regression":
                worst = np.abs(part.weight / whole.weight - 1).max()
                print(f"regression, a part against memory: largest relative difference {worst:.1e}")
            else:
                apart = abs(part.objective - whole.objective)
                print(
                    f"classes, a part against memory: objectives {apart:.1e} apart, gaps {part.gap + whole.gap:.1e}"
                )


if __name__ == "__main__":
    main()
