"""How large a learning rate may be for one layer: 2/λ_max of its loss's Hessian, by closed forms (section 3.1.1.4)."""

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
V = TypeVar("V", bound=Any)

SAMPLE = 4096  # rows
MAX_ITERATIONS = 100
TOLERANCE = 1e-4


def largest_stable_lr(weight: Array, bias: Array, X: Array, are_classes: bool, c: Array | None) -> float:
    """Return 2/λ_max of the Hessian of the mean loss at W (q, d) and b (q,): see ``stability.largest_stable_lr``.

    λ_max comes from the power method on products of the Hessian with V (q, d + 1), which for squares are V X̃ᵀX̃ / n,
    and for cross-entropy P X̃ / n, where P has p ∘ u − p (p·u) in the column of a row with probabilities p and u = V x̃.

    Args:
        weight: of float64, as the rest.
        bias: b.
        X: features (n, d), of no more than ``SAMPLE`` rows.
        are_classes: whether the loss is cross-entropy; else it is half the squared error.
        c: weights (n,) of the rows, or None for 1.
    """
    with_one = np.column_stack([X, np.ones(len(X))])
    weighted = with_one if c is None else with_one * c[:, None]
    p = _probabilities(X @ weight.T + bias) if are_classes else None

    def times(vector: Array) -> Array:
        moved = with_one @ vector.T
        if p is not None:
            moved = p * (moved - (p * moved).sum(axis=1, keepdims=True))
        return np.asarray(moved.T @ weighted / len(X))

    start = np.random.default_rng(0).normal(size=(len(weight), with_one.shape[1]))
    return stable_lr(times, start, lambda vector: float(np.linalg.norm(vector)))


def stable_lr(times: Callable[[V], V], start: V, norm: Callable[[V], float]) -> float:
    """Return 2/λ_max, by the power method.

    Args:
        times: multiplies a vector by the matrix, symmetric and nowhere negative.
        start: a random vector, of NumPy or PyTorch.
        norm: of a vector.
    """
    product, curvature = start, 0.0
    for _ in range(MAX_ITERATIONS):
        length = norm(product)
        if length == 0:
            return float("inf")
        product = times(product / length)
        previous, curvature = curvature, norm(product)
        if abs(curvature - previous) <= TOLERANCE * curvature:
            break
    return 2 / curvature if curvature > 0 else float("inf")


def _probabilities(outputs: Array) -> Array:
    powers: Array = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    return powers
