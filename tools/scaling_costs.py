"""The cost model of docs/scaling.md: fitted to passes on this machine, and checked on data that it has not seen.

    python tools/scaling_costs.py

Passes of softmax regression over Parquet files in a temporary folder (0.4 GB), by 1, 2 and 4 local Dask workers of one
thread that keep nothing: each pass reads, though from this machine's memory, where files just written are. Costs are
fitted to as many workers as there are cores at most; more of them share the cores, and are only shown. At the end two
workers are compared with one over a pass of seconds.
"""

import math
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.optimize import nnls

import onelayer
from onelayer.data.rows import Block
from onelayer.losses import CrossEntropy

WORKERS, CORES = (1, 2, 4), os.cpu_count() or 1
FEATURES, FAN_IN, PASSES = 50, 16, 5
SMALL, LARGE = 12_500, 50_000  # rows of a file
SIZES = [(SMALL, 16), (SMALL, 32), (SMALL, 64), (LARGE, 4), (LARGE, 8), (LARGE, 16)]  # and how many files
FITTED = [(*size, classes) for size in SIZES for classes in (3, 20)]
LONG = (LARGE, 16, 200)  # a pass of seconds, by which two workers are compared with one
CHECKED = [(LARGE, 24, 10), LONG]  # more rows, and more arithmetic, than any that is fitted

Key = tuple[int, int, int, int]


@dataclass(frozen=True)
class Load:
    """What a pass has to do.

    Attributes:
        megabytes: the size of the features and the target, decoded.
        gigaflop: the arithmetic in 10⁹ operations.
        units: how many there are.
        sum_kb: the size of a unit's sums.
        workers: how many there are, each with a core of its own.
    """

    megabytes: float
    gigaflop: float
    units: int
    sum_kb: float
    workers: int

    @property
    def depth(self) -> int:
        """The levels of the tree of sums."""
        levels, left = 0, self.units
        while left > 1:
            levels, left = levels + 1, math.ceil(left / FAN_IN)
        return levels

    def columns(self) -> list[float]:
        """Return how often each cost is paid."""
        moved = self.depth * FAN_IN * self.sum_kb
        shared = [v / self.workers for v in (self.megabytes, self.gigaflop, self.units)]
        return [*shared, self.units, self.depth, moved, 1.0]


@dataclass(frozen=True)
class Costs:
    """Seconds of a pass.

    Attributes:
        megabyte, gigaflop, unit: of a worker, to read and decode, to compute, and to open a unit.
        task: of the scheduler.
        level, kilobyte: of the tree of sums, for each level and for each kB that a worker receives there.
        constant: of each pass.
    """

    megabyte: float
    gigaflop: float
    unit: float
    task: float
    level: float
    kilobyte: float
    constant: float

    def seconds(self, load: Load) -> float:
        """Return how long a pass takes."""
        return float(np.dot(load.columns(), astuple(self)))


def fitted(loads: Sequence[Load], seconds: Sequence[float]) -> Costs:
    """Return the costs, none of them negative, that leave the smallest sum of squares of relative errors."""
    A = np.array([load.columns() for load in loads]) / np.array(seconds)[:, None]
    lengths = np.linalg.norm(A, axis=0)
    lengths[lengths == 0] = 1
    found, _ = nnls(A / lengths, np.ones(len(A)))
    return Costs(*(float(v) for v in found / lengths))


@dataclass(frozen=True)
class Gradient:
    """The loss and the gradient of softmax regression for a block of rows.

    Attributes:
        weight, bias: (q, d), (q,).
    """

    weight: Any
    bias: Any

    def __call__(self, block: Block) -> list[Any]:
        """Return the terms of a block."""
        X = block.dense()
        losses, R, _ = CrossEntropy(len(self.bias)).at(self.weight @ X.T + self.bias[:, None], block.y)
        return [float(losses.sum()), R @ X, R.sum(axis=1)]


def opened(folder: Path, client: Any) -> Any:
    """Return the rows of a folder's files, for workers to walk, that read them again in each pass."""
    return onelayer.scan(f"{folder}/*.parquet", target="y").on(client, holds=False)


@contextmanager
def workers(count: int) -> Iterator[Any]:
    """Start workers of one thread on this machine, which only it can reach, and return their client."""
    from distributed import Client

    from onelayer.engines.dask import local_cluster

    with local_cluster(count) as cluster, Client(cluster) as client:
        client.wait_for_workers(count)
        yield client


def write(folder: Path) -> dict[int, list[Path]]:
    """Write as many files of each size as are needed, and return their paths by their rows."""
    paths: dict[int, list[Path]] = {SMALL: [], LARGE: []}
    for rows, found in paths.items():
        for i in range(max(files for size, files, _ in FITTED + CHECKED if size == rows)):
            generator = np.random.default_rng((rows, i))
            X = generator.normal(size=(rows, FEATURES)).astype(np.float32)
            columns = {f"x{j}": X[:, j] for j in range(FEATURES)}
            columns["y"] = np.array(["a", "b", "c"])[np.argmax(X[:, :3], axis=1)]
            found.append(folder / f"{rows}-{i:03}.parquet")
            pq.write_table(pa.table(columns), found[-1], compression="zstd", use_dictionary=["y"])
    return paths


def gathered(folder: Path, paths: Sequence[Path]) -> Path:
    """Return a folder of these files, which are not copied."""
    chosen = folder / f"{paths[0].stem}-{len(paths)}"
    if not chosen.exists():
        chosen.mkdir()
        for path in paths:
            (chosen / path.name).hardlink_to(path)
    return chosen


def load_of(key: Key, units: int) -> Load:
    """Return what a pass has to do."""
    rows, files, classes, count = key
    n, parameters = rows * files, classes * (FEATURES + 1)
    megabytes, gigaflop = 4 * n * (FEATURES + 1) / 1e6, 4 * n * parameters / 1e9
    return Load(megabytes, gigaflop, units, 8 * parameters / 1000, min(count, CORES))


def seconds_of(rows: Any, classes: int) -> float:
    """Return the time of a pass."""
    weight = np.random.default_rng(classes).normal(size=(classes, FEATURES))
    timer = onelayer.Timer()
    rows.sum(Gradient(weight, np.zeros(classes)))
    return timer.stop()


def times() -> dict[Key, tuple[Load, float]]:
    """Return what each pass has to do and its seconds, by its rows of a file, files, classes and workers.

    The time is the shortest of several, which are apart: whatever else the machine does only adds to it.
    """
    found: dict[Key, tuple[Load, float]] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        paths = write(folder)
        stored = sum(path.stat().st_size for path in paths[LARGE]) / len(paths[LARGE])
        print(f"a file is {stored / (4 * LARGE * (FEATURES + 1)):.2f} of its size decoded")
        print(f"{CORES} cores, load before: {os.getloadavg()[0]:.1f}\n")
        for count in WORKERS:
            chosen = FITTED + CHECKED if count <= CORES else CHECKED
            with workers(count) as client:
                data = {key: opened(gathered(folder, paths[key[0]][: key[1]]), client) for key in chosen}
                for _ in range(PASSES):
                    for size, rows in data.items():
                        key = (*size, count)
                        load, best = found.get(key, (load_of(key, len(rows.units)), math.inf))
                        found[key] = load, min(best, seconds_of(rows, size[2]))
    return found


def main() -> None:
    """Fit the costs, and check them on passes that were not fitted."""
    found = times()
    known = {key: passed for key, passed in found.items() if key[:3] in FITTED}
    costs = fitted(*zip(*known.values(), strict=True))
    print("| cost | seconds |\n| --- | ---: |")
    for field in fields(Costs):
        print(f"| {field.name} | {getattr(costs, field.name):.3g} |")
    errors = [abs(costs.seconds(load) / took - 1) for load, took in known.values()]
    print(
        f"\nfitted to {len(known)} passes: relative error {median(errors):.0%} median, {max(errors):.0%} largest"
    )
    print("\n| not fitted: rows | units | classes | workers | predicted, s | measured, s | error |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: | ---: |")
    for key in sorted(found.keys() - known.keys()):
        rows, files, classes, count = key
        load, took = found[key]
        cores = "" if count <= CORES else f" on {CORES} cores"
        predicted = costs.seconds(load)
        cells = [
            f"{rows * files:,}",
            load.units,
            classes,
            f"{count}{cores}",
            f"{predicted:.3f}",
            f"{took:.3f}",
        ]
        print("|", *(f"{cell} |" for cell in cells), f"{predicted / took - 1:+.0%} |")
    one, two = (found[*LONG, count][1] for count in (1, 2))
    print(f"\na pass of {one:.2f} s by one worker takes two {two:.2f} s: {one / two:.2f} times as fast")


if __name__ == "__main__":
    main()
