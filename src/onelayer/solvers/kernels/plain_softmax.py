"""What ``compiled_softmax.c`` does, in NumPy: what it means, and what runs where it could not be compiled."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.losses import CrossEntropy

Array = NDArray[Any]


def softmax_sums(
    X: Array,
    labels: NDArray[np.int64],
    weight: Array,
    factors: NDArray[np.float64] | None,
    outputs: Array,
    gradient: NDArray[np.float64],
    products: NDArray[np.float64],
    /,
) -> float:
    """Add gradient and products of cross-entropy to sums, write the outputs, and return the sum of the losses.

    Args:
        X: features (m, d), bytes or floats.
        labels: (m,), whole numbers below k; for two classes with one output, 0 or 1.
        weight: (k, width) of features, of a constant 1, and of padding that is 0.
        factors: (m,) that losses are multiplied by, or None for 1.
        outputs: (m, k).
        gradient: by the weights (k, width).
        products: Σ c hhᵀ (k, k) of what the curvature by the outputs is made of, or with one output Σ c h.
    """
    d, c = X.shape[1], 1.0 if factors is None else factors
    rows = X.astype(weight.dtype, copy=False)
    outputs[:] = rows @ weight[:, :d].T + weight[:, d]
    loss = CrossEntropy(max(2, len(weight)), is_single=len(weight) == 1)
    losses, R, h = loss.at(outputs.T, labels)
    R = R * c
    gradient[:, :d] += R @ rows
    gradient[:, d] += R.sum(axis=1, dtype=np.float64)
    products += (h * c) @ h.T if loss.is_coupled else (h * c).sum(dtype=np.float64)
    return float((losses * c).sum(dtype=np.float64))
