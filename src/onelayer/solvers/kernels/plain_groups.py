"""The loop of ``compiled_groups.c`` in NumPy: what it means, and what runs where it could not be compiled."""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SETTLED = 0.01  # of what a sweep over all groups gained: where those in use gain less, it is time for all
MOST_STEPS = 100  # within a group
PRECISE = 1e-3  # the last step within a group, relative to all of them


def descend_groups(
    gram: Array,
    slope: Array,
    weight: Array,
    l1: Array,
    l2: Array,
    starts: NDArray[np.int64],
    largest: Array,
    tol: float,
    max_sweeps: int,
    /,
) -> int:
    """Find the V (m,) of least ½ ‖r‖² + Σ l1 ‖V_G‖₂ + ½ Σ l2 ‖V_G‖₂² over groups G of weights, by blocks.

    Sweeps are as in ``plain``. A group goes to its minimum by proximal gradient steps, which need its own part of
    the Gram matrix alone (Yuan and Lin 2006, *Model selection and estimation in regression with grouped variables*).

    Args:
        gram: ZᵀZ (m, m).
        slope: Zᵀr (m,), changed in place.
        weight: V (m,), changed in place.
        l1: of each group (g,).
        l2: of each group (g,).
        starts: of the groups, and m (g + 1,).
        largest: at least the largest eigenvalue of each group's part of the Gram matrix (g,).
        tol: what steps of one sweep over all groups may gain at the end.
        max_sweeps: the largest number of sweeps.
    """

    def step(j: int) -> float:
        at = slice(starts[j], starts[j + 1])
        change = _change(gram[at, at], slope[at], weight[at], l1[j], l2[j], largest[j] + l2[j])
        if not change.any():
            return 0.0
        weight[at] += change
        slope[:] -= change @ gram[at]
        return float((largest[j] + l2[j]) * (change @ change))

    count, sweeps = len(l1), 0
    while sweeps < max_sweeps:
        sweeps += 1
        gained = sum(map(step, range(count)))
        if gained <= 2 * tol:
            break
        settled = max(2 * tol, SETTLED * gained)
        while sweeps < max_sweeps:
            sweeps += 1
            if sum(step(j) for j in range(count) if weight[starts[j] : starts[j + 1]].any()) <= settled:
                break
    return sweeps


def _change(gram: Array, slope: Array, start: Array, l1: float, l2: float, curvature: float) -> Array:
    """Return the step of a group to its minimum."""
    change = np.zeros_like(start)
    if not curvature > 0:
        return change
    for _ in range(MOST_STEPS):
        weight = start + change
        goal = weight + (slope - l2 * weight - gram @ change) / curvature
        length = float(np.sqrt(goal @ goal))
        kept = max(1 - l1 / curvature / length, 0.0) if length > 0 else 0.0
        before, change = change, kept * goal - start
        if not np.abs(change - before).max() > PRECISE * np.abs(change).max():
            break
    return change
