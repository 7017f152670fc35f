"""How large a learning rate may be for one layer: 2/λ_max of its loss's Hessian, by closed forms (section 3.1.1.4)."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

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
    product: Array = np.random.default_rng(0).normal(size=(len(weight), with_one.shape[1]))
    curvature = 0.0
    for _ in range(MAX_ITERATIONS):
        norm = np.linalg.norm(product)
        if norm == 0:
            return float("inf")
        moved = with_one @ (product / norm).T
        if p is not None:
            moved = p * (moved - (p * moved).sum(axis=1, keepdims=True))
        product = moved.T @ weighted / len(X)
        previous, curvature = curvature, float(np.linalg.norm(product))
        if abs(curvature - previous) <= TOLERANCE * curvature:
            break
    return 2 / curvature if curvature > 0 else float("inf")


def _probabilities(outputs: Array) -> Array:
    powers: Array = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    powers /= powers.sum(axis=1, keepdims=True)
    return powers
