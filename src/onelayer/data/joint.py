"""Rows: where features, targets and weights come from, and the one thing that solvers ask of them, a sum over all.

``rows.sum(terms)`` adds what ``terms`` returns for each block of rows. Blocks come in shares, which several threads
may walk; they are cut by the number of rows alone, so the sum has the same bits for any number of threads.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse

from onelayer.engines.threads import added, sum_of

Array = NDArray[Any]
Task = Literal["regression", "classes"]

PIXEL_UNIT = 1 / 255  # bytes are pixels
LEAST_SHARE = 4096  # rows: fewer are done before a thread has started
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
    """

    X: Any
    y: Array
    c: Array | None
    unit: float = 1.0
    start: int = 0

    def __len__(self) -> int:
        return len(self.y)

    def dense(self, dtype: DTypeLike = np.float64) -> Array:
        """Return the features (m, d) as floats; a copy only where they are stored otherwise."""
        X = self.X.toarray() if sparse.issparse(self.X) else self.X
        X = np.asarray(X, dtype)
        return X if self.unit == 1 else X * X.dtype.type(self.unit)

    def features(self) -> Any:
        """Return the features (m, d) in float64: dense, or in CSR where they are stored so."""
        return self.X.astype(np.float64, copy=False) if sparse.issparse(self.X) else self.dense()

    def split(self, size: int) -> "Iterator[Block]":
        """Yield the rows in blocks of at most ``size``: CSR comes in large ones, which are too large when dense."""
        for i in range(0, max(len(self), 1), size):
            rows = slice(i, i + size)
            c = None if self.c is None else self.c[rows]
            yield replace(self, X=self.X[rows], y=self.y[rows], c=c, start=self.start + i)


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

    def weights_near_one(self) -> "tuple[Source, int]":
        """Return the rows with weights of at most 1, those given times 2⁻ᵏ, and k: exactly, and far from overflow."""
        ...

    def sum(self, terms: Terms) -> list[Any]:
        """Return the sums over all rows, one by one, of what ``terms`` returns for a block of them.

        ``terms`` returns numbers or arrays of its own, which are added to in place. It is called from several threads.
        """
        ...


@dataclass(frozen=True)
class Rows:
    """Rows in memory.

    Attributes:
        X: features (n, d): floats, bytes, or CSR.
        y: class numbers (n,) from 0, or numbers (n, q) as float64.
        task: whether the target is a number or a class; never guessed from a type.
        c: weights (n,), not negative, or None for 1.
        unit: what a stored feature is multiplied by: 1/255 for pixels.
    """

    X: Any
    y: Array
    task: Task
    c: Array | None = None
    unit: float = 1.0

    @property
    def in_memory(self) -> bool:
        """They are."""
        return True

    def __len__(self) -> int:
        return int(self.X.shape[0])

    @property
    def n_features(self) -> int:
        """The number of features d."""
        return int(self.X.shape[1])

    @property
    def is_sparse(self) -> bool:
        """Whether the features are in CSR."""
        return bool(sparse.issparse(self.X))

    def take(self, index: Any) -> "Rows":
        """Return the rows at ``index``, numbers or a mask (n,)."""
        c = None if self.c is None else self.c[index]
        return replace(self, X=self.X[index], y=self.y[index], c=c)

    def weights_near_one(self) -> "tuple[Rows, int]":
        """See ``Source``."""
        if self.c is None or not self.c.max(initial=0) > 0:
            return self, 0
        exponent = int(np.frexp(self.c.max())[1])
        return replace(self, c=np.ldexp(self.c, -exponent)), exponent

    def gathered(self) -> Block:
        """See ``Source``."""
        return Block(self.X, self.y, self.c, self.unit)

    def first(self) -> Block:
        """See ``Source``."""
        return next(self._blocks(0, min(len(self), LEAST_SHARE)))

    def sum(self, terms: Terms) -> list[Any]:
        """See ``Source``."""
        n = len(self)
        shares = max(1, min(MOST_SHARES, n // LEAST_SHARE))
        ends = [n * i // shares for i in range(shares + 1)]
        parts = list(pairwise(ends))
        return sum_of(lambda part: added(map(terms, self._blocks(*part))), parts)

    def _blocks(self, start: int, end: int) -> Iterator[Block]:
        size = LARGEST_SPARSE if self.is_sparse else block_rows(self.n_features)
        for i in range(start, max(end, start + 1), size):  # no rows are one block of none
            rows = slice(i, min(i + size, end))
            c = None if self.c is None else self.c[rows]
            X = _sliced(self.X, rows) if self.is_sparse else self.X[rows]
            yield Block(X, self.y[rows], c, self.unit, i)


def _sliced(X: Any, rows: slice) -> Any:
    """Return rows of CSR without a copy of their values, which indexing would make."""
    start, end = X.indptr[rows.start], X.indptr[rows.stop]
    parts = X.data[start:end], X.indices[start:end], X.indptr[rows.start : rows.stop + 1] - start
    return sparse.csr_array(parts, shape=(rows.stop - rows.start, X.shape[1]))


def block_rows(d: int) -> int:
    """Return how many rows of d features are a block."""
    return max(512, BLOCK_VALUES // max(d, 1))
