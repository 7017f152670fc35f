"""The sums of ``compiled_sparse.c`` in NumPy: what they mean, and what runs where it could not be compiled."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def sparse_products(
    values: Array,
    columns: NDArray[np.int32],
    starts: NDArray[np.int64],
    c: Array,
    w: Array,
    sums: Array,
    first: int,
    last: int,
    shift: float,
    /,
) -> float:
    """Add Σ xᵢ oᵢ to sums, with oᵢ = cᵢ (xᵢᵀw − shift), and return Σ oᵢ, both over rows from ``first`` to ``last``.

    Args:
        values: of CSR features (n, d), those that are stored.
        columns: of each value, its number from 0 to d − 1.
        starts: of each row among the values, and their number (n + 1,).
        c: of each row (n,).
        w: (d,).
        sums: (d,).
        first: row.
        last: row, which is left out.
        shift: what is taken from each product.
    """
    part = slice(int(starts[first]), int(starts[last]))
    row = np.repeat(np.arange(last - first), np.diff(starts[first : last + 1]))
    products = np.bincount(row, values[part] * w[columns[part]], last - first)
    outputs = c[first:last] * (products - shift)
    sums += np.bincount(columns[part], values[part] * outputs[row], len(sums))
    return float(outputs.sum())
