"""Features that are too many for memory: rows of float64 in a temporary file, read back where they are needed."""

import os
import tempfile
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

CHUNK = 1 << 15  # rows that are read at once for a column


class Storage:
    """A temporary file without a name, which goes when nobody holds it any more."""

    def __init__(self) -> None:
        self.descriptor, name = tempfile.mkstemp(prefix="onelayer-")
        os.unlink(name)  # noqa: PTH108
        weakref.finalize(self, os.close, self.descriptor)

    def write(self, data: bytes) -> None:
        """Append bytes."""
        while data:
            data = data[os.write(self.descriptor, data) :]

    def read(self, offset: int, size: int) -> bytearray:
        """Return bytes from an offset on."""
        data = bytearray()
        while len(data) < size:  # the system reads at most 2 GB at once
            data += os.pread(self.descriptor, size - len(data), offset + len(data))
        return data


class Spool:
    """Features (n, d) in a file, which are sliced as an array is: a slice of rows is read, a mask is a view.

    Attributes:
        shape: (n, d).
        dtype: float64.
        ndim: 2.
    """

    dtype = np.dtype(np.float64)
    ndim = 2

    def __init__(
        self, storage: Storage, d: int, rows: NDArray[np.int64] | int, fill: Array | None = None
    ) -> None:
        """Take the rows of a file: the first ones, if a number is given, or those of certain numbers, which ascend."""
        self._storage, self._rows, self._fill = storage, rows, fill
        self.shape = (rows if isinstance(rows, int) else len(rows), d)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, tuple):
            rows, columns = index
            parts = [self[i : i + CHUNK][:, columns] for i in range(0, len(self), CHUNK)]
            return np.concatenate(parts)[rows]
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            return self._read(start, max(start, stop))[::step]
        index = np.asarray(index)
        if index.dtype == bool:
            kept = np.flatnonzero(index)
            chosen = kept if isinstance(self._rows, int) else self._rows[kept]
            return Spool(self._storage, self.shape[1], chosen, self._fill)
        places = index if isinstance(self._rows, int) else self._rows[index]
        return np.stack([self._at(int(place), 1)[0] for place in places]) if len(places) else self._read(0, 0)

    def filled(self, values: Array) -> "Spool":
        """Return a view with a value for each column (d,) in the place of what is missing."""
        return Spool(self._storage, self.shape[1], self._rows, values)

    def _read(self, start: int, stop: int) -> Array:
        if isinstance(self._rows, int) or start == stop:
            return self._at(start, stop - start)
        rows = self._rows[start:stop]
        first = int(rows[0])
        return self._at(first, int(rows[-1]) + 1 - first)[rows - first]

    def _at(self, place: int, n: int) -> Array:
        size = self.shape[1] * 8
        data = self._storage.read(place * size, n * size)
        X = np.frombuffer(data).reshape(n, self.shape[1])
        return X if self._fill is None else np.where(np.isnan(X), self._fill, X)


class SpoolWriter:
    """Takes features (m, d) block by block, and gives them back as a ``Spool``."""

    def __init__(self, d: int) -> None:
        self._storage = Storage()
        self.d, self.n = d, 0

    def add(self, X: Array) -> None:
        """Write more rows."""
        self._storage.write(np.ascontiguousarray(X, np.float64).tobytes())
        self.n += len(X)

    def spool(self) -> Spool:
        """Return all rows."""
        return Spool(self._storage, self.d, self.n)
