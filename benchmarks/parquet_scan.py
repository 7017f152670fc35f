"""Both exact solvers on 2 GB of Parquet, in processes of their own: seconds and peak memory.

    python benchmarks/parquet_scan.py [--rows N]

5,000,000 rows of 50 features (2 GB as float64) in 16 files, written to a temporary folder first. On the first file the
answer is compared with that of the same rows in memory.
"""

import argparse
import resource
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from onelayer import Timer
from onelayer.data.joint import Rows
from onelayer.data.scan import scan
from onelayer.solvers.direct import least_squares

FILES, FEATURES = 16, 50


def write(folder: Path, rows: int) -> list[Path]:
    """Write the files and return their paths."""
    paths = []
    for i in range(FILES):
        generator = np.random.default_rng(i)
        X = generator.normal(size=(rows // FILES, FEATURES)) * np.arange(1, FEATURES + 1) + 100
        columns = {f"x{j}": X[:, j] for j in range(FEATURES)}
        columns["y"] = X @ np.linspace(-1, 1, FEATURES) + generator.normal(size=len(X))
        paths.append(folder / f"{i:02}.parquet")
        pq.write_table(pa.table(columns), paths[-1], row_group_size=100_000, compression="zstd")
    return paths


def solve(paths: list[Path]) -> tuple[float, float, np.ndarray]:
    """Return the seconds, the peak memory in MB and the coefficients of least squares."""
    timer = Timer()
    fit = least_squares(scan(paths, "y"))
    seconds = timer.stop()
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, np.r_[fit.bias, fit.weight[0]]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=5_000_000)
    with tempfile.TemporaryDirectory() as folder:
        paths = write(Path(folder), parser.parse_args().rows)
        with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
            seconds, peak, _ = pool.submit(solve, paths).result()
            print(f"least squares: {seconds:.1f} s, peak memory {peak:.0f} MB")
            part = pool.submit(solve, paths[:1]).result()[2]
        table = pq.read_table(paths[0])
        X, y = (
            np.stack([table[c].to_numpy() for c in names], axis=1)
            for names in (table.column_names[:-1], ["y"])
        )
        whole = least_squares(Rows(X, y, "regression"))
        expected = np.r_[whole.bias, whole.weight[0]]
        print(f"largest relative difference from memory, on a part: {np.abs(part / expected - 1).max():.1e}")


if __name__ == "__main__":
    main()
