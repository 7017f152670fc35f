"""Newton's method for few parameters: the whole Hessian in each pass over the rows."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.double_double import EPS
from onelayer.solvers.bounds import Factor, newton_bound
from onelayer.solvers.fit import Found
from onelayer.solvers.objective import Objective, Point

Array = NDArray[Any]

ARMIJO = 1e-4  # share of the decrease that the slope promises
HALVINGS = 60
FAR = 0.05  # decrease that is promised, relative to F: then steps are too short where losses flatten
LONGEST = 2.0


def newton(
    objective: Objective,
    start: Array,
    tol: float,
    max_iter: int,
    watch: Callable[[Array], bool] = lambda V: False,
) -> Found:
    """Go from V to where F is within ``tol`` of itself from its minimum, or as near as ``max_iter`` steps come.

    ``watch`` is told V (k, p) after each step, and returns whether to stop there.
    """
    point = objective.at(start, hessian=True)
    first = objective.value_at_zero() if start.any() else point.value
    history, lower, stretch = [point.value], 0.0, 1.0
    while True:
        factor = Factor(point.hessian)
        step = -factor.solve(point.gradient.reshape(-1)).reshape(point.V.shape)
        objective.centre(step)
        decrease = -float(np.vdot(step, point.gradient))
        is_last = decrease <= EPS * point.value or len(history) > max_iter
        is_last = is_last or objective.is_hopeless(point.value, first)
        if is_last or decrease / 2 <= tol * point.value:
            lower = max(lower, newton_bound(objective, point, factor))
            is_last = is_last or point.value - lower <= tol * lower
        ahead = None if is_last else _advance(objective, point, step, decrease, stretch)
        if ahead is None:
            break
        stretch = _stretch(step, point, ahead) if decrease > FAR * point.value else 1.0
        point = ahead
        history.append(point.value)
        if watch(point.V):
            lower = max(lower, newton_bound(objective, point, Factor(point.hessian)))
            return Found([point.V], lower, history, False, first, is_stopped=True)
    if not is_last:
        lower = max(lower, newton_bound(objective, point, factor))
    return Found([point.V + step, point.V], lower, history, len(history) > max_iter, first)


def _stretch(step: Array, point: Point, ahead: Point) -> float:
    """Return how much longer the step should have been, by the slopes at both ends: the next one is likely alike."""
    before, after = float(np.vdot(step, point.gradient)), float(np.vdot(step, ahead.gradient))
    return min(max(before / (before - after), 1.0), LONGEST) if before < after else 1.0


def _advance(objective: Objective, point: Point, step: Array, decrease: float, t: float) -> Point | None:
    """Return the first point on halved steps that is low enough, or None if rounding hides whether any is."""
    for _ in range(HALVINGS):
        ahead = objective.at(point.V + t * step, hessian=True)
        change = ahead.value - point.value
        if change <= -ARMIJO * t * decrease:
            return ahead
        if abs(change) <= 4 * EPS * point.value:
            slope = float(np.vdot(step, ahead.gradient))
            return ahead if abs(slope) <= decrease / 2 else None
        t /= 2 if np.isfinite(change) else 16
    return None
