"""The sums of ``compiled_gram.c`` in NumPy: what they mean, and what runs where it could not be compiled."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def sum_products(
    X: Array, Y: Array, x_shift: Array, y_shift: Array, products: Array, root: Array | None, /
) -> None:
    """Write VᵀV of the columns V = root · [X − x_shift, Y − y_shift, 1].

    Args:
        X: (n, d), with its values in any order.
        Y: (n, q), likewise.
        x_shift: of each column (d,).
        y_shift: likewise (q,).
        products: (d + q + 1, d + q + 1), to which the sums are written.
        root: of the weight of each row (n,), or None for 1.
    """
    V = np.concatenate([X - x_shift, Y - y_shift, np.ones((len(X), 1))], axis=1)
    if root is not None:
        V *= root[:, None]
    # NumPy sees that the result is symmetric, and makes half of it.
    np.matmul(V.T, V, out=products)
