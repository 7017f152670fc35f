"""Products of CSR rows with thin matrices, and of their transpose, by compiled loops that copy no value of the rows.

SciPy needs a copy of the rows for magnitudes or squares, and another for products in float32.
"""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.engines.threads import sum_of
from onelayer.solvers import kernels

Array = NDArray[Any]

PARTS = 4  # of rows that threads share
SUMS = 2  # parts of rows that have sums of their own
ENOUGH = 8  # stored values for each column, from which on these take less time than to add to the same ones
PART = 2**17  # stored values of which NumPy makes copies at once


def stored(X: Any) -> tuple[Array, Array, Array]:
    """Return the values, columns and starts of rows in CSR in the types that kernels take."""
    values = X.data.astype(np.float64, copy=False)
    return values, X.indices.astype(np.int32, copy=False), X.indptr.astype(np.int64, copy=False)


def row_parts(X: Any, count: int = PARTS) -> list[tuple[int, int]]:
    """Return the first row, and the one after the last, of parts of rows in CSR with about as many stored values."""
    ends = np.searchsorted(X.indptr, [X.indptr[-1] * k // count for k in range(1, count)])
    return list(pairwise([0, *ends.tolist(), X.shape[0]]))


def value_parts(X: Any) -> Iterator[slice]:
    """Yield which values of rows in CSR are worked on at once."""
    for start in range(0, X.nnz, PART):
        yield slice(start, min(start + PART, X.nnz))


def stored_counts(X: Any) -> NDArray[np.int64]:
    """Return how many values of each column (d,) of rows in CSR are stored."""
    counts = np.zeros(X.shape[1], np.int64)
    for part in value_parts(X):
        counts += np.bincount(X.indices[part], minlength=X.shape[1])
    return counts


def sparse_forward(X: Any, W: Array, taken: str = "v", is_shared: bool = False) -> Array:
    """Return the products (m, k) of rows (m, d) with W (d, k), in the precision of W.

    Args:
        X: in CSR.
        W: in float32 or float64.
        taken: of each value of X: "v" itself, "a" its magnitude, "s" its square.
        is_shared: whether threads do parts of the rows.
    """
    W, rows = np.ascontiguousarray(W), stored(X)
    products, is_float = np.empty((X.shape[0], W.shape[1]), W.dtype), W.dtype == np.float32

    def term(part: tuple[int, int]) -> list[Any]:
        kernels.sparse_forward(*rows, W, products[slice(*part)], W.shape[1], *part, taken, is_float)
        return []

    if products.size:
        sum_of(term, row_parts(X, PARTS if is_shared else 1))
    return products


def sparse_backward(X: Any, R: Array, sums: Array, taken: str = "v", is_shared: bool = False) -> None:
    """Add the products (d, k) of the transpose of rows (m, d) with R (m, k) to sums, in their precision.

    Args:
        X: as above.
        R: for each row.
        sums: (d, k) or with further rows, in C's order, in float32 or float64.
        taken: as above.
        is_shared: likewise.
    """
    R, rows, is_float = np.ascontiguousarray(R, sums.dtype), stored(X), sums.dtype == np.float32
    parts = row_parts(X, SUMS if is_shared and X.nnz >= ENOUGH * len(sums) else 1)

    def term(part: tuple[int, int]) -> list[Array]:
        own = sums if part == parts[0] else np.zeros_like(sums)
        kernels.sparse_backward(*rows, R[slice(*part)], own, R.shape[1], *part, taken, is_float)
        return [own]

    if R.size:
        sum_of(term, parts)


def sparse_product(X: Any, w: Array) -> Array:
    """Return the product (m,) of rows (m, d) with w (d,) in float64; threads do parts."""
    return sparse_forward(X, w[:, None], is_shared=True)[:, 0]


def sparse_sums(X: Any, r: Array, taken: str = "v") -> Array:
    """Return Σ rᵢ xᵢ (d,) of rows (m, d) in float64, or of what is ``taken`` of them; threads do parts."""
    sums = np.zeros((X.shape[1], 1))
    sparse_backward(X, r[:, None], sums, taken, is_shared=True)
    return sums[:, 0]
