"""What ``compiled_moments.c`` does, in NumPy: what it means, and what runs where it could not be compiled."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

PART = 2**18  # numbers that are worked on at once, in the processor's cache


def column_moments(
    X: NDArray[Any], weights: Array, times: Array, less: Array, sums: Array, squares: Array, /
) -> None:
    """Add Σᵢ wᵢ zᵢⱼ and Σᵢ wᵢ zᵢⱼ² to sums and squares (d,), where zᵢⱼ = xᵢⱼ tⱼ − lⱼ.

    Args:
        X: features (m, d), bytes or floats.
        weights: w (m,).
        times: t (d,).
        less: l (d,).
        sums: (d,).
        squares: (d,).
    """
    width = max(1, PART // max(len(X), 1))
    with np.errstate(over="ignore", invalid="ignore"):
        for j in range(0, X.shape[1], width):
            part = slice(j, j + width)
            Z = X[:, part] * times[part] - less[part]
            sums[part] += weights @ Z
            squares[part] += weights @ np.square(Z)
