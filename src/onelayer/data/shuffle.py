"""Rows of files in a random order for SGD: on disk each goes to a bucket at random, and buckets fit in memory."""

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.dataset import random_stream
from onelayer.data.rows import Rows
from onelayer.data.scan import Scan, together
from onelayer.data.spool import TemporaryFolder
from onelayer.engines.memory import BASE
from onelayer.errors import OneLayerError

BUCKET = 2**25  # bytes, at most about, unless waiting for so many buckets would take more than one of them
BUFFER = 2**16  # bytes of a bucket that are written at once, at least
COPIES = 4  # of a bucket, that are in hand
TORCH = 200 << 20  # bytes that PyTorch takes, and steps of it


def bytes_of_sgd(rows: Scan) -> int:
    """Return how much memory a process takes to learn from shuffled rows."""
    return BASE + TORCH + COPIES * _size_of(rows)


def _size_of(rows: Scan) -> int:
    """Return about how large a bucket is."""
    return max(BUCKET, math.isqrt(len(rows) * _width_of(rows) * BUFFER))


def _width_of(rows: Scan) -> int:
    """Return the bytes of a row."""
    return 8 * (rows.n_features + 1 + rows.has_weights)


class ShuffledRows:
    """Rows in buckets on disk, which of them are in which at random.

    Buckets one after another, each in a random order, are all rows in a random order: one that is drawn anew for each
    pass, but for which rows are together in a bucket (an external shuffle, as in Sanders 1998, *Random permutations on
    distributed, external and hierarchical memory*).

    Args:
        rows: of a scan, one number or class to predict.
        seed: sets which rows go where.
        ready: what becomes of the rows of a bucket, such as to bring them to standard units.

    Raises:
        OneLayerError: if the features are sparse.
    """

    def __init__(self, rows: Scan, seed: int, ready: Callable[[Rows], Rows] = lambda rows: rows) -> None:
        if rows.is_sparse:
            raise OneLayerError("SGD takes no sparse features: use an exact solver")
        self._seed, self._d, self.has_weights = seed, rows.n_features, rows.has_weights
        self._task, self._ready, self._n = rows.task, ready, len(rows)
        self.n_buckets = max(1, -(-len(rows) * _width_of(rows) // _size_of(rows)))
        self._folder = TemporaryFolder()
        self._write(rows)

    def __len__(self) -> int:
        return self._n

    def buckets(self, epoch: int, batch_size: int) -> Iterator[Rows]:
        """Yield the rows of each bucket, in an order that differs from pass to pass.

        Those beyond whole batches are left over for the next bucket, so that a pass has as many steps as one over all
        rows at once.
        """
        generator, left = random_stream(self._seed, 0, epoch), None
        for number in generator.permutation(self.n_buckets):
            rows = self.bucket(int(number))
            rows = rows if left is None else together([left, rows], self._task)
            order, whole = generator.permutation(len(rows)), len(rows) - len(rows) % batch_size
            left = rows.take(order[whole:])
            if whole:
                yield rows.take(order[:whole])
        if left is not None and len(left):
            yield left

    def bucket(self, number: int) -> Rows:
        """Return the rows of a bucket in the order in which they were read."""
        found = np.fromfile(self._path(number)).reshape(-1, self._d + 1 + self.has_weights)
        c, y = found[:, -1] if self.has_weights else None, found[:, self._d]
        y = y.astype(np.int64) if self._task == "classes" else y
        return self._ready(Rows(found[:, : self._d], y, self._task, c))

    def _path(self, number: int) -> Path:
        return self._folder.path / f"{number}.rows"

    def _write(self, rows: Scan) -> None:
        waiting: list[list[NDArray[Any]]] = [[] for _ in range(self.n_buckets)]
        size = np.zeros(self.n_buckets, np.int64)
        for unit in rows.units:
            for block in rows.recipe.blocks(unit):
                columns = [
                    block.dense(),
                    block.y.reshape(-1, 1),
                    *([block.row_weights()[:, None]] if rows.has_weights else []),
                ]
                table = np.concatenate(columns, axis=1)
                which = random_stream(self._seed, 1, block.start).integers(self.n_buckets, size=len(block))
                order = np.argsort(which, kind="stable")
                ends = np.searchsorted(which[order], np.arange(1, self.n_buckets))
                for number, part in enumerate(np.split(table[order], ends)):
                    waiting[number].append(part)
                    size[number] += part.nbytes
                    if size[number] >= BUFFER:
                        self._append(number, waiting[number])
                        waiting[number], size[number] = [], 0
        for number, parts in enumerate(waiting):
            self._append(number, parts)

    def _append(self, number: int, parts: list[NDArray[Any]]) -> None:
        with self._path(number).open("ab") as file:
            for part in parts:
                file.write(np.ascontiguousarray(part).tobytes())
