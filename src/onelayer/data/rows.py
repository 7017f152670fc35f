"""Rows: where features, targets and weights come from, and the one thing that solvers ask of them, a sum over all.

``rows.sum(terms)`` adds what ``terms`` returns for each block of rows. Blocks come in shares, which several threads
may walk; they are cut by the shape of the rows alone, so the sum has the same bits for any number of threads.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, Protocol, get_args

import numpy as np
from numpy.typing import DTypeLike, NDArray

from onelayer.data.given import array_of, features_of, labels_of, numbers_of, offset_of, weights_of
from onelayer.data.spool import Spool
from onelayer.engines.threads import added, sum_of
from onelayer.errors import OneLayerError

Array = NDArray[Any]
Task = Literal["regression", "classes"]

PIXEL_UNIT = 1 / 255  # bytes are pixels
LEAST_SHARE = 4096  # rows: fewer are done before a thread has started
LEAST_VALUES = 2**16  # of features, likewise
VALUES_PER_COLUMN = 16  # that a share of CSR stores at least
MOST_SHARES = 32
BLOCK_VALUES = 2**18  # that many features stay in the processor's cache
LARGEST_SPARSE = 2**17  # rows of CSR in a block, which is used as it is


@dataclass(frozen=True)
class Block:
    """Some rows that are worked on together.

    Attributes:
        X: features (m, d) as they are stored: floats, bytes, or CSR.
        y: class numbers (m,), or numbers (m, q).
        c: weights (m,), or None for 1.
        unit: what a stored feature is multiplied by.
        start: the number of the first row, for what a solver keeps of each row in memory.
        offset: what is known beforehand of the outputs and added to them (m, k), or None for 0.
    """

    X: Any
    y: Array
    c: Array | None
    unit: float = 1.0
    start: int = 0
    offset: Array | None = None

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Take the arrays of a pickle, which may lie anywhere in a message between processes."""
        for name, value in state.items():
            object.__setattr__(self, name, array_of(value, name) if isinstance(value, np.ndarray) else value)

    def __len__(self) -> int:
        return len(self.y)

    def dense(self, dtype: DTypeLike = np.float64) -> Array:
        """Return the features (m, d) as floats; a copy only where they are stored otherwise."""
        X = np.asarray(self.X if isinstance(self.X, np.ndarray) else self.X.toarray(), dtype)
        return X if self.unit == 1 else X * X.dtype.type(self.unit)

    def features(self) -> Any:
        """Return the features (m, d) in float64: dense, or in CSR where they are stored so."""
        return self.dense() if isinstance(self.X, np.ndarray) else self.X.astype(np.float64, copy=False)

    def row_weights(self) -> Array:
        """Return the weights (m,) of the rows, ones if none were given."""
        return np.ones(len(self)) if self.c is None else self.c

    def part(self, start: int, end: int) -> "Block":
        """Return the rows from ``start`` to ``end`` of the block; values are not copied."""
        if start == 0 and end >= len(self) and not isinstance(self.X, Spool):
            return self
        rows = slice(start, min(end, len(self)))
        X = _csr_rows(self.X, rows) if hasattr(self.X, "indptr") else self.X[rows]
        c, offset = (None if v is None else v[rows] for v in (self.c, self.offset))
        return replace(self, X=X, y=self.y[rows], c=c, start=self.start + start, offset=offset)

    def take(self, index: NDArray[np.intp]) -> "Block":
        """Return the rows at ``index`` (m,), in that order; ``start`` means nothing for them."""
        c, offset = (None if v is None else v[index] for v in (self.c, self.offset))
        return replace(self, X=self.X[index], y=self.y[index], c=c, offset=offset)

    def split(self, size: int) -> "Iterator[Block]":
        """Yield the rows in blocks of at most ``size``; no rows are one block of none."""
        for start in range(0, max(len(self), 1), size):
            yield self.part(start, start + size)


Terms = Callable[[Block], Sequence[Any]]


class Source(Protocol):
    """Rows wherever they come from: what solvers ask of them."""

    @property
    def task(self) -> Task:
        """Whether the target is a number or a class."""
        ...

    @property
    def n_features(self) -> int:
        """The number of features d."""
        ...

    @property
    def is_sparse(self) -> bool:
        """Whether the features come in CSR."""
        ...

    @property
    def in_memory(self) -> bool:
        """Whether a solver may keep numbers for each row: for others they are worked out again."""
        ...

    def __len__(self) -> int: ...

    def first(self) -> Block:
        """Return the first block: for the shapes, and for numbers near the means."""
        ...

    def gathered(self) -> Block:
        """Return all rows as one block, for problems of few rows."""
        ...

    @property
    def has_weights(self) -> bool:
        """Whether rows have weights; else they are 1."""
        ...

    def distinct(self) -> "Source":
        """Return rows whose sums of a loss are the same: where it pays, each kind once, with the weight of all."""
        ...

    def less_offset(self) -> "Source":
        """Return the rows with numbers to predict less the offset, which says the same of squared errors."""
        ...

    def weights_near_one(self) -> "tuple[Source, int]":
        """Return the rows with weights of at most 1, those given times 2⁻ᵏ, and k: exactly, and far from overflow."""
        ...

    def sum(self, terms: Terms, walks: bool = False) -> list[Any]:
        """Return the sums over all rows, one by one, of what ``terms`` returns for a block of them.

        ``terms`` returns numbers or arrays of its own, which are added to in place. It is called from several threads.
        If it ``walks`` a block by itself, and so takes no memory for each value, blocks in memory are long.
        """
        ...


class Divisible(Source, Protocol):
    """Rows that are left out in parts, to judge by: single rows where these are in memory, units of a scan."""

    @property
    def n_parts(self) -> int:
        """How many parts there are."""
        ...

    def take(self, index: NDArray[np.intp]) -> "Divisible":
        """Return the rows of the parts at ``index``, numbers."""
        ...

    def weights_of(self, parts: Sequence[NDArray[np.intp]], n_classes: int = 1) -> NDArray[np.float64]:
        """Return how much rows of each class weigh (K, q) in each of K choices of parts; numbers are all of class 0."""
        ...

    def less_offset(self) -> "Divisible":
        """See ``Source``."""
        ...

    def weights_near_one(self) -> "tuple[Divisible, int]":
        """See ``Source``."""
        ...


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows in memory, or at least their targets and weights.

    Args:
        X: features (n, d): an array, a CPU tensor or a sparse matrix. Floats and bytes stay as they are; other numbers
            become float64, other sparse formats CSR.
        y: class numbers (n,) from 0, or numbers (n,) or (n, q).
        task: whether y is classes or numbers. If it is not given, whole numbers (n,) are classes and everything else
            is a regression; this holds for what is given here, and no other part of the library asks again.
        c: weights (n,), not negative, or None for 1.
        unit: what a stored feature is multiplied by: 1/255 for pixels.
        offset: what is known beforehand of the outputs and added to them, (n,) or (n, k), or None for 0. The outputs
            are those of the loss: the q numbers to predict, or the logits of the classes, of two that of the second.
        groups: (n, w) the number of each row's group, by w ways of grouping: rows of a group depend on each other.

    Attributes:
        y: class numbers (n,) as int64, or numbers (n, q) as float64.

    Raises:
        OneLayerError: if the shapes disagree, or values are not numbers, labels below 0, or weights negative.

    Example:
        >>> from onelayer import Rows
        >>> rows = Rows([[1.0, 2.0], [3.0, 4.0]], [0, 1])
        >>> len(rows), rows.n_features, rows.task
        (2, 2, 'classes')
    """

    X: Any
    y: Array
    task: Task
    c: Array | None
    unit: float
    offset: Array | None
    groups: NDArray[np.int64] | None

    def __init__(
        self,
        X: Any,
        y: Any,
        task: Task | None = None,
        c: Any = None,
        unit: float = 1.0,
        offset: Any = None,
        groups: NDArray[np.int64] | None = None,
    ) -> None:
        y = array_of(y, "the target")
        if task is None:
            task = "classes" if y.ndim == 1 and y.dtype.kind in "biu" else "regression"
        if task not in get_args(Task):
            raise OneLayerError(f"task must be one of {', '.join(get_args(Task))}, not {task!r}")
        given = {
            "X": features_of(X),
            "y": labels_of(y) if task == "classes" else numbers_of(y),
            "task": task,
            "c": None if c is None else weights_of(c),
            "unit": unit,
            "offset": None if offset is None else offset_of(offset),
            "groups": groups,
        }
        for name, value in given.items():
            object.__setattr__(self, name, value)
        each = {"targets": self.y, "weights": self.c, "offsets": self.offset, "groups": self.groups}
        for name, value in each.items():
            if value is not None and len(value) != len(self):
                raise OneLayerError(f"there are {len(self):,} rows of features, but {len(value):,} {name}")

    def __len__(self) -> int:
        return int(self.X.shape[0])

    @property
    def in_memory(self) -> bool:
        """Whether the features are."""
        return not isinstance(self.X, Spool)

    @property
    def n_features(self) -> int:
        """The number of features d."""
        return int(self.X.shape[1])

    @property
    def is_sparse(self) -> bool:
        """Whether the features are in CSR."""
        return hasattr(self.X, "indptr")

    @property
    def has_weights(self) -> bool:
        """See ``Source``."""
        return self.c is not None

    def dense(self) -> "Rows":
        """Return the rows with dense features."""
        return replace(self, X=self.X.toarray()) if self.is_sparse else self

    @property
    def n_parts(self) -> int:
        """See ``Divisible``."""
        return len(self)

    def weights_of(self, parts: Sequence[NDArray[np.intp]], n_classes: int = 1) -> NDArray[np.float64]:
        """See ``Divisible``."""
        y = self.y if self.task == "classes" and n_classes > 1 else np.zeros(len(self), np.int64)
        c = np.ones(len(self)) if self.c is None else self.c
        return np.array([np.bincount(y[index], c[index], n_classes) for index in parts])

    def take(self, index: Any) -> "Rows":
        """Return the rows at ``index``, numbers or a mask (n,)."""
        c, offset, groups = (None if v is None else v[index] for v in (self.c, self.offset, self.groups))
        return replace(self, X=self.X[index], y=self.y[index], c=c, offset=offset, groups=groups)

    def distinct(self) -> "Rows":
        """Return the rows as they are: see ``Source``."""
        return self

    def less_offset(self) -> "Rows":
        """See ``Source``."""
        return self if self.offset is None else replace(self, y=self.y - self.offset, offset=None)

    def weights_near_one(self) -> "tuple[Rows, int]":
        """See ``Source``."""
        if self.c is None or not self.c.max(initial=0) > 0:
            return self, 0
        exponent = int(np.frexp(self.c.max())[1])
        return replace(self, c=np.ldexp(self.c, -exponent)), exponent

    def gathered(self) -> Block:
        """See ``Source``."""
        return Block(self.X, self.y, self.c, self.unit, offset=self.offset)

    def first(self) -> Block:
        """See ``Source``."""
        return next(self._blocks(0, min(len(self), LEAST_SHARE)))

    def sum(self, terms: Terms, walks: bool = False) -> list[Any]:
        """See ``Source``."""
        n, shares = len(self), self.n_shares
        ends = [n * i // shares for i in range(shares + 1)]
        parts = list(pairwise(ends))
        return sum_of(lambda part: added(map(terms, self._blocks(*part, walks and self.in_memory))), parts)

    @property
    def n_shares(self) -> int:
        """How many shares threads may have of a sum, which do not depend on how many threads there are."""
        least = max(LEAST_SHARE, LEAST_VALUES // max(self.n_features, 1))
        return max(1, min(MOST_SHARES, len(self) // least, self._most_sparse_shares()))

    def _most_sparse_shares(self) -> int:
        """Return how many shares of CSR have so many stored values that adding up columns takes no time beside them.

        It is a power of two, so that as many threads have as much to do.
        """
        if not self.is_sparse:
            return MOST_SHARES
        shares = int(self.X.nnz) // (VALUES_PER_COLUMN * max(self.n_features, 1))
        return 1 << max(shares.bit_length() - 1, 0)

    def _blocks(self, start: int, end: int, is_one: bool = False) -> Iterator[Block]:
        size = LARGEST_SPARSE if self.is_sparse else end if is_one else block_rows(self.n_features)
        yield from self.gathered().part(start, end).split(size)

    def check_finite(self) -> None:
        """Raise OneLayerError, with column and row, if a feature or a number to predict is NaN or infinite."""
        if not self.in_memory:
            return  # what was read from a table is finite
        for what, values in (("feature", self.X), ("target", self.y)):
            stored = np.asarray(values.data) if hasattr(values, "indptr") else values
            if stored.dtype.kind != "f" or np.isfinite(stored).all():
                continue
            first = np.argwhere(~np.isfinite(stored))[0]
            row, column = _place(values, int(first[0])) if hasattr(values, "indptr") else first
            place, value = f"column {column + 1}, row {row + 1}", stored[tuple(first)]
            found = "NaN" if np.isnan(value) else value
            raise OneLayerError(f"{what} in {place} is {found}: fill it in or leave the row out")


def _place(X: Any, number: int) -> tuple[int, int]:
    """Return the row and the column of a stored value of CSR."""
    return int(np.searchsorted(X.indptr, number, "right")) - 1, int(X.indices[number])


def _csr_rows(X: Any, rows: slice) -> Any:
    """Return rows of CSR without a copy of their values: indexing makes one, and so does SciPy of parts it is given."""
    start, end = X.indptr[rows.start], X.indptr[rows.stop]
    found = type(X)((rows.stop - rows.start, X.shape[1]), dtype=X.dtype)
    found.data, found.indices = X.data[start:end], X.indices[start:end]
    found.indptr = X.indptr[rows.start : rows.stop + 1] - start
    return found


def complete_rows(X: Any) -> NDArray[np.bool_]:
    """Return which rows of features (n, d), dense or CSR, have none that is NaN (n,)."""
    if isinstance(X, np.ndarray):
        return np.asarray(~np.isnan(X).any(axis=1))
    rows = np.repeat(np.arange(X.shape[0]), np.diff(X.indptr))
    return np.asarray(np.bincount(rows[np.isnan(X.data)], minlength=X.shape[0]) == 0)


def rows_counted(rows: Source) -> int:
    """Return how many rows have a weight."""
    if not rows.has_weights:
        return len(rows)
    [n] = rows.sum(lambda block: [float((block.row_weights() > 0).sum())])
    return int(n)


def block_rows(d: int) -> int:
    """Return how many rows of d features are a block."""
    return max(512, BLOCK_VALUES // max(d, 1))
