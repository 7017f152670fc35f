"""Features that are too many for memory: rows of float64 in a temporary file, read back where they are needed."""

import mmap
import os
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from onelayer.data.arrow import numbers_of, stored_floats

Array = NDArray[np.float64]

LARGE = 1 << 24  # bytes, from which on they are mapped: to clear memory and copy to it takes longer
CHUNK = 1 << 15  # rows that are read at once for a column


class TemporaryFolder:
    """A folder that goes when nobody holds it any more.

    Attributes:
        path: of it.
    """

    def __init__(self) -> None:
        self.path = Path(tempfile.mkdtemp(prefix="onelayer-"))
        weakref.finalize(self, shutil.rmtree, self.path, ignore_errors=True)


class Storage:
    """A temporary file without a name, which goes when nobody holds it any more."""

    def __init__(self) -> None:
        self.descriptor, name = tempfile.mkstemp(prefix="onelayer-")
        os.unlink(name)  # noqa: PTH108
        weakref.finalize(self, os.close, self.descriptor)

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.descriptor, rest) :]

    def read(self, offset: int, size: int) -> NDArray[np.uint8]:
        """Return bytes from an offset on; what is large is not copied, but for the pages that are written to."""
        if size >= LARGE:
            before = offset % mmap.ALLOCATIONGRANULARITY
            pages = mmap.mmap(self.descriptor, before + size, access=mmap.ACCESS_COPY, offset=offset - before)
            return np.frombuffer(pages, np.uint8, size, before)
        data, done = np.empty(size, np.uint8), 0
        while done < size:  # the system may read less at once
            done += os.preadv(self.descriptor, [data.data[done:]], offset + done)
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
        self,
        storage: Storage,
        width: int,
        rows: NDArray[np.int64] | int,
        fill: Array | None = None,
        columns: slice | list[int] = slice(None),
    ) -> None:
        """Take the rows of a file: the first ones, if a number is given, or those of certain numbers, which ascend.

        Args:
            storage: what holds them.
            width: how many numbers a row has there.
            rows: how many, or which.
            fill: what stands for missing values (d,).
            columns: those that are features.
        """
        self._storage, self._width, self._rows, self._fill, self._columns = (
            storage,
            width,
            rows,
            fill,
            columns,
        )
        d = len(range(width)[columns] if isinstance(columns, slice) else columns)
        self.shape = (rows if isinstance(rows, int) else len(rows), d)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, tuple):
            rows, columns = index
            parts = [self[i : i + CHUNK][:, columns].copy() for i in range(0, len(self), CHUNK)]
            return np.concatenate(parts)[rows]
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            return self._read(start, max(start, stop))[::step]
        index = np.asarray(index)
        if index.dtype == bool:
            kept = np.flatnonzero(index)
            chosen = kept if isinstance(self._rows, int) else self._rows[kept]
            return Spool(self._storage, self._width, chosen, self._fill, self._columns)
        places = index if isinstance(self._rows, int) else self._rows[index]
        return np.stack([self._at(int(place), 1)[0] for place in places]) if len(places) else self._read(0, 0)

    def filled(self, values: Array) -> "Spool":
        """Return a view with a value for each column (d,) in the place of what is missing."""
        return Spool(self._storage, self._width, self._rows, values, self._columns)

    def columns(self, places: list[int]) -> "Spool":
        """Return a view of some columns, of a spool that has all."""
        first, is_run = places[0], places == list(range(places[0], places[0] + len(places)))
        chosen = slice(first, first + len(places)) if is_run else places
        return Spool(self._storage, self._width, self._rows, None, chosen)

    def _read(self, start: int, stop: int) -> Array:
        if isinstance(self._rows, int) or start == stop:
            return self._at(start, stop - start)
        rows = self._rows[start:stop]
        first = int(rows[0])
        return self._at(first, int(rows[-1]) + 1 - first)[rows - first]

    def _at(self, place: int, n: int) -> Array:
        size = self._width * 8
        data = self._storage.read(place * size, n * size)
        X = data.view(np.float64).reshape(n, self._width)[:, self._columns]
        return X if self._fill is None else np.where(np.isnan(X), self._fill, X)


class SpoolWriter:
    """Takes features (m, d) block by block, and gives them back as a ``Spool``."""

    def __init__(self, d: int) -> None:
        self._storage = Storage()
        self.d, self.n = d, 0

    def add(self, X: Array) -> None:
        """Write more rows."""
        self._storage.write(np.ascontiguousarray(X, np.float64).reshape(-1).view(np.uint8).data)
        self.n += len(X)

    def spool(self) -> Spool:
        """Return all rows."""
        return Spool(self._storage, self.d, self.n)


class NumbersKept:
    """Columns that are numbers from the first row to the last, kept as they come by, so as not to be read again."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._writer: SpoolWriter | None = None
        # For some rows: to get new memory for each takes longer than to fill it.
        self._room = np.empty((0, 0))

    def add(self, columns: Mapping[str, pa.Array | None]) -> None:
        """Take in more rows: float64 (m,) by name, or None for a column that has something else among these rows."""
        if not self._names:
            self._names = tuple(name for name, values in columns.items() if values is not None)
            self._writer = SpoolWriter(len(self._names)) if self._names else None
        if self._writer is None:
            return
        found = [values for name in self._names if (values := columns[name]) is not None]
        if len(found) < len(self._names):
            self._writer = None
            return
        if len(self._room) < len(found[0]):
            self._room = np.empty((len(found[0]), len(found)))
        X = self._room[: len(found[0])]
        for j, values in enumerate(found):
            stored = stored_floats(values)
            X[:, j] = numbers_of(pa.chunked_array([values]), np.float64, np.nan) if stored is None else stored
        self._writer.add(X)

    def of(self, names: Sequence[str]) -> Spool | None:
        """Return all rows with some columns, if they were kept."""
        if self._writer is None or not set(names) <= set(self._names):
            return None
        return self._writer.spool().columns([self._names.index(name) for name in names])
