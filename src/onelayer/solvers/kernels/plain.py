"""The loops of ``compiled.c`` in NumPy: what they mean, and what runs where they could not be compiled.

All find the V (m,) of least ½ ‖r‖² + Σⱼ l1ⱼ |Vⱼ| + ½ Σⱼ l2ⱼ Vⱼ² within bounds, for residuals r = y − ZV, by exact
steps in one coordinate after another (Friedman, Hastie and Tibshirani 2010, *Regularization paths for generalized
linear models via coordinate descent*). Sweeps go over all columns, then over those of weights that are not 0 until
these settle, and again over all. They end when steps of one sweep over all columns lower the objective by no more than
``tol``, or the sweeps are used up. ``weight`` and what is kept of the residuals are changed in place; the number of
sweeps is returned.
"""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SETTLED = 0.01  # of what a sweep over all columns gained: where those in use gain less, it is time for all


def descend_gram(
    gram: Array,
    slope: Array,
    weight: Array,
    l1: Array,
    l2: Array,
    lower: Array,
    upper: Array,
    tol: float,
    max_sweeps: int,
    /,
) -> int:
    """Descend by the Gram matrix ZᵀZ (m, m), or more columns, which are not looked at; ``slope`` is Zᵀr (m,)."""
    gram = gram[:, : len(slope)]

    def step(j: int) -> float:
        size = gram[j, j]
        change = _change(slope[j], size, weight[j], l1[j], l2[j], lower[j], upper[j])
        if change == 0:
            return 0.0
        weight[j] += change
        slope[:] -= change * gram[j]
        return float((size + l2[j]) * change * change)

    return _sweeps(step, weight, tol, max_sweeps)


def descend_dense(
    columns: Array,
    size: Array,
    residual: Array,
    weight: Array,
    l1: Array,
    l2: Array,
    lower: Array,
    upper: Array,
    tol: float,
    max_sweeps: int,
    /,
) -> int:
    """Descend by the columns of Z, of squared lengths ``size`` (m,), each a row of (m, n); ``residual`` is r (n,)."""

    def step(j: int) -> float:
        z = columns[j]
        change = _change(float(z @ residual), size[j], weight[j], l1[j], l2[j], lower[j], upper[j])
        if change == 0:
            return 0.0
        weight[j] += change
        residual[:] -= change * z
        return float((size[j] + l2[j]) * change * change)

    return _sweeps(step, weight, tol, max_sweeps)


def descend_sparse(
    values: Array,
    rows: NDArray[np.int32],
    starts: NDArray[np.int64],
    mean: Array,
    root: Array,
    size: Array,
    residual: Array,
    weight: Array,
    l1: Array,
    l2: Array,
    lower: Array,
    upper: Array,
    tol: float,
    max_sweeps: int,
    /,
) -> int:
    """Descend by sparse columns that are centred without being written out: Z = S − root meanᵀ, with rootᵀZ = 0.

    S is what CSC stores, ``values`` in ``rows``, those of a column from one of ``starts`` (m + 1,) on to the next;
    ``mean`` is (m,), and ``root`` (n,) has the roots of the rows' weights. ``size`` (m,) are the squared lengths of the
    columns of Z, and ``residual`` is r (n,), with rootᵀr = 0.
    """
    total = float(root @ root)
    shift = 0.0  # r is what is stored and shift · root

    def step(j: int) -> float:
        nonlocal shift
        part = slice(starts[j], starts[j + 1])
        where, z = rows[part], values[part]
        slope = float(z @ residual[where]) + shift * (total * mean[j])
        change = _change(slope, size[j], weight[j], l1[j], l2[j], lower[j], upper[j])
        if change == 0:
            return 0.0
        weight[j] += change
        residual[where] -= change * z
        shift += change * mean[j]
        return float((size[j] + l2[j]) * change * change)

    sweeps = _sweeps(step, weight, tol, max_sweeps)
    residual += shift * root
    return sweeps


def _change(
    slope: float, size: float, weight: float, l1: float, l2: float, lower: float, upper: float
) -> float:
    """Return the exact step of a coordinate whose column has the squared length ``size``."""
    if not size + l2 > 0:
        return 0.0
    goal = slope + size * weight
    beyond = abs(goal) - l1
    best = np.copysign(beyond, goal) / (size + l2) if beyond > 0 else 0.0
    return float(min(max(best, lower), upper) - weight)


def _sweeps(step: Callable[[int], float], weight: Array, tol: float, max_sweeps: int) -> int:
    """Take ``step`` over all columns and over those that are in use in turn; it returns twice what it gained."""
    sweeps = 0
    while sweeps < max_sweeps:
        sweeps += 1
        gained = sum(map(step, range(len(weight))))
        if gained <= 2 * tol:
            break
        settled = max(2 * tol, SETTLED * gained)
        while sweeps < max_sweeps:
            sweeps += 1
            if sum(step(j) for j in range(len(weight)) if weight[j] != 0) <= settled:
                break
    return sweeps
