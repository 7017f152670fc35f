"""Rows of files in a random order, by way of the disk: each goes to a bucket at random, and buckets fit in memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.dataset import random_stream
from onelayer.data.rows import Rows
from onelayer.data.scan import Scan
from onelayer.data.spool import TemporaryFolder

BUCKET = 2**27  # bytes, at most about
BUFFER = 2**16  # bytes of a bucket that are written at once, at least


class ShuffledRows:
    """Rows of classes in buckets on disk, which of them are in which at random.

    Buckets one after another, each in a random order, are all rows in a random order: one that is drawn anew for each
    pass, but for which rows are together in a bucket (an external shuffle, as in Sanders 1998, *Random permutations on
    distributed, external and hierarchical memory*).

    Args:
        rows: of a scan with dense features.
        seed: sets which rows go where.
    """

    def __init__(self, rows: Scan, seed: int) -> None:
        self._seed, self._d, self._has_weights = seed, rows.n_features, rows.has_weights
        width = 8 * (self._d + 1 + self._has_weights)
        self.n_buckets = max(1, -(-len(rows) * width // BUCKET))
        self._folder = TemporaryFolder()
        self._write(rows, width)

    def buckets(self, epoch: int) -> Iterator[Rows]:
        """Yield the rows of each bucket, in an order that differs from pass to pass."""
        for number in random_stream(self._seed, 0, epoch).permutation(self.n_buckets):
            yield self.bucket(int(number))

    def bucket(self, number: int) -> Rows:
        """Return the rows of a bucket in the order in which they were read."""
        found = np.fromfile(self._path(number)).reshape(-1, self._d + 1 + self._has_weights)
        c = found[:, -1] if self._has_weights else None
        return Rows(found[:, : self._d], found[:, self._d].astype(np.int64), "classes", c)

    def _path(self, number: int) -> Path:
        return self._folder.path / f"{number}.rows"

    def _write(self, rows: Scan, width: int) -> None:
        waiting: list[list[NDArray[Any]]] = [[] for _ in range(self.n_buckets)]
        size = np.zeros(self.n_buckets, np.int64)
        for unit in rows.units:
            for block in rows.recipe.blocks(unit):
                columns = [
                    block.dense(),
                    block.y[:, None],
                    *([block.row_weights()[:, None]] if rows.has_weights else []),
                ]
                table = np.concatenate(columns, axis=1)
                which = random_stream(self._seed, 1, block.start).integers(self.n_buckets, size=len(block))
                order = np.argsort(which, kind="stable")
                ends = np.searchsorted(which[order], np.arange(1, self.n_buckets))
                for number, part in enumerate(np.split(table[order], ends)):
                    waiting[number].append(part)
                    size[number] += part.nbytes
                    if size[number] >= max(BUFFER, width):
                        self._append(number, waiting[number])
                        waiting[number], size[number] = [], 0
        for number, parts in enumerate(waiting):
            self._append(number, parts)

    def _append(self, number: int, parts: list[NDArray[Any]]) -> None:
        with self._path(number).open("ab") as file:
            for part in parts:
                file.write(np.ascontiguousarray(part).tobytes())
