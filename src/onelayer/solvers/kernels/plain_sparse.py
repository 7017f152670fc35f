"""The sums of ``compiled_sparse.c`` in NumPy: what they mean, and what runs where it could not be compiled.

Rows are CSR features (n, d) by their stored values, the column of each (int32), and where each row starts among them,
with their number at the end (n + 1,) (int64). Some are meant: from ``first`` to ``last``, which is left out.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

Array = NDArray[Any]

TAKEN: dict[str, Callable[[Array], Array]] = {"v": np.asarray, "a": np.abs, "s": np.square}


def sparse_products(
    values: NDArray[np.float32],
    columns: NDArray[np.int32],
    starts: NDArray[np.int64],
    c: NDArray[np.float64],
    w: NDArray[np.float32],
    sums: NDArray[np.float32],
    first: int,
    last: int,
    shift: float,
    /,
) -> float:
    """Add Σ xᵢ oᵢ to sums, with oᵢ = cᵢ (xᵢᵀw − shift), and return Σ oᵢ, both over the rows that are meant.

    Args:
        values: of the rows, as ``columns`` and ``starts``.
        columns: see above.
        starts: see above.
        c: of each row (n,).
        w: (d,).
        sums: (d,).
        first: row.
        last: row, which is left out.
        shift: what is taken from each product.
    """
    X = _rows(values, columns, starts, first, last, "v", len(w))
    outputs = c[first:last] * (X @ w - shift)
    sums += X.T @ outputs.astype(np.float32)
    return float(outputs.sum())


def sparse_forward(
    values: NDArray[np.float64],
    columns: NDArray[np.int32],
    starts: NDArray[np.int64],
    W: Array,
    products: Array,
    k: int,
    first: int,
    last: int,
    kind: str,
    is_float: bool,
    /,
) -> None:
    """Set the products (last − first, k) of the rows with W (d, k).

    Args:
        values: of the rows, as ``columns`` and ``starts``.
        columns: see above.
        starts: see above.
        W: (d, k) in the precision of the products.
        products: (last − first, k).
        k: columns of W.
        first: row.
        last: row, which is left out.
        kind: of what is taken of each value: "v" itself, "a" its magnitude, "s" its square.
        is_float: whether the products are float32; else they are float64.
    """
    X = _rows(values, columns, starts, first, last, kind, len(W))
    products[:] = X.astype(np.float32) @ W if is_float else X @ W


def sparse_backward(
    values: NDArray[np.float64],
    columns: NDArray[np.int32],
    starts: NDArray[np.int64],
    R: Array,
    sums: Array,
    k: int,
    first: int,
    last: int,
    kind: str,
    is_float: bool,
    /,
) -> None:
    """Add the products (d, k) of the rows' transpose with R (last − first, k) to sums; see ``sparse_forward``."""
    X = _rows(values, columns, starts, first, last, kind, len(sums))
    sums += X.astype(np.float32).T @ R if is_float else X.T @ R


def _rows(
    values: Array, columns: Array, starts: Array, first: int, last: int, kind: str, d: int
) -> sparse.csr_array:
    part = slice(int(starts[first]), int(starts[last]))
    parts = TAKEN[kind](values[part]), columns[part], starts[first : last + 1] - starts[first]
    return sparse.csr_array(parts, shape=(last - first, d))
