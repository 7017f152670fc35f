"""Steps down an objective until a bound on its minimum is near: what L-BFGS and Newton's conjugate gradients share."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Block
from onelayer.double_double import EPS
from onelayer.solvers.bounds import Factor, newton_bound, ridge_bound
from onelayer.solvers.fit import Found
from onelayer.solvers.hessian import Hessian
from onelayer.solvers.objective import Objective, Point

Array = NDArray[Any]
Inverse = Callable[[Array], Array]

FLAT = 0.5  # share of the slope that may be left at the end of a step
TRIALS = 30  # points on a line; one is usual
INTERCEPT_STEPS = 100
HOPELESS = 100  # times the gap to reach: from here on another bound than the penalty's is tried


@dataclass(frozen=True)
class Sizes:
    """Where one way to know the curvature gives way to another.

    Attributes:
        block: columns up to which a block for each output is factored.
        certificate: parameters up to which the whole Hessian is formed once where the penalty alone gives no bound.
        rows_per_column: in the sample of rows that a block is summed from.
        patience: steps with the first parts of the Hessian; each later ones serve twice as many, as they change less.
        most_double: features, or outputs, of all rows beyond which the first steps are in float32.
    """

    block: int = 3_000
    certificate: int = 3_000
    rows_per_column: int = 8
    patience: int = 12
    most_double: int = 2**22


def _unchanged(gradient: Array) -> Array:
    """Stand in for an inverse before the first one."""
    return gradient


@dataclass
class Descent:
    """Steps down an objective until the gap is small, the steps are used up, or rounding hides further progress.

    The objective may be exchanged for itself in another precision: what is known of its curvature stays.
    """

    objective: Objective
    start: Array
    tol: float
    max_iter: int
    sizes: Sizes
    watch: Callable[[Array], bool]
    point: Point = field(init=False)
    first: float = field(init=False)
    history: list[float] = field(default_factory=list)
    lower: float = 0.0
    inverse: Inverse = _unchanged
    has_inverse: bool = False
    t: float = 1.0
    next_try: int = 0
    is_exhausted: bool = False
    is_stopped: bool = False

    def __post_init__(self) -> None:
        self.point = self.objective.at(self.start, inner=True)
        self.first = self.objective.value_at_zero() if self.start.any() else self.point.value

    @property
    def is_fine(self) -> bool:
        """Whether products with rows are in float64."""
        return np.dtype(self.objective.dtype) == np.float64

    def change_to(self, objective: Objective) -> None:
        """Go on with this objective, from the weights that have been reached."""
        if objective is not self.objective:
            self.objective = objective
            self.point = objective.at(self.point.V, inner=True)

    def run(self) -> None:
        """Descend."""
        while not self._has_arrived():
            self.history.append(self.point.value)
            if len(self.history) > self.max_iter:
                self.is_exhausted = True
                return
            if self.objective.is_hopeless(self.point.value, self.first):
                return
            goes_on = self._step()
            if self.watch(self.point.V):
                self.is_stopped = True
                break
            if not goes_on:
                return
        self.history.append(self.point.value)

    def _step(self) -> bool:
        """Go a step, and return whether it led further than rounding does, or there is something else to try."""
        before = self.point
        direction, t = self._direction()
        # Bounds take V as centred. A direction is, but for rounding, which is of the size of what it was made of.
        direction = direction.astype(np.float64)
        self.objective.centre(direction)
        self.point = self._line_search(direction, t)
        least = float(np.finfo(np.dtype(self.objective.dtype)).eps) / 2
        if before.value - self.point.value <= least * before.value and not self._tries_again():
            return False
        self._learn(before)
        return True

    def found(self) -> Found:
        """Return where the descent has ended, with the best bound that can be had there."""
        if self.point.value - self.lower > self.tol * self.lower:
            self._bound_by_ridge()
            if self.point.value - self.lower > self.tol * self.lower:
                self._bound_by_hessian()
        return Found(
            *([self.point.V], self.lower, self.history, self.is_exhausted, self.first, self.is_stopped)
        )

    # The gap

    def _has_arrived(self) -> bool:
        """Return whether the gap is small enough: in float64 by a bound that is one, where an estimate promises it."""
        enough = self.tol * self.point.value
        estimate = self._estimated_gap()
        if estimate <= enough:
            if not self.is_fine:
                return True
            self._bound_by_ridge()
        elif self._ridge_is_hopeless(estimate, enough):
            decrease = dot(self._newton_like(self.point.gradient), self.point.gradient)
            if decrease <= enough / 10:
                self.next_try = 2 * len(self.history)
                self._bound_by_hessian()
        return self.point.value - self.lower <= self.tol * self.lower

    def _ridge_is_hopeless(self, estimate: float, enough: float) -> bool:
        is_due = self.has_inverse and len(self.history) >= self.next_try
        return self.is_fine and is_due and estimate > HOPELESS * enough

    def _estimated_gap(self) -> float:
        """Return the gap by the penalty and the intercepts, but for what they have to do with each other."""
        objective, gradient = self.objective, self.point.gradient
        d = objective.shape[1] - int(objective.fit_intercept)
        ridge = objective.ridge[:d]
        squares = np.square(gradient[:, :d])
        with np.errstate(divide="ignore"):
            left = float(np.divide(squares, ridge, out=squares, where=squares > 0).sum())
        if objective.fit_intercept and left / 2 <= self.tol * self.point.value:  # else it is far anyway
            inner = objective.inner_at(self.point)
            left += float(gradient[:, d] @ self._intercept_factor(inner).solve(gradient[:, d]))
        return left / 2

    def _intercept_factor(self, inner: Array) -> Factor:
        shift = np.trace(inner) / len(inner) ** 2 if self.objective.loss.is_coupled else 0.0
        return Factor(inner + shift)

    def _bound_by_ridge(self) -> None:
        if (self.objective.ridge[: self.objective.rows.n_features] > 0).all():
            self._set_best_intercept()
            self.lower = max(self.lower, ridge_bound(self.objective, self.point))

    def _bound_by_hessian(self) -> None:
        if math.prod(self.objective.shape) <= self.sizes.certificate:
            point = self.objective.at(self.point.V, inner=True, hessian=True)
            factor = Factor(point.hessian)
            self.lower = max(self.lower, newton_bound(self.objective, point, factor))

    def _set_best_intercept(self) -> None:
        """Set b to the best for W, by Newton's method on the outputs, which stay in memory if the rows do.

        Of many outputs the curvature is that of the first step: to work it out takes as long as many more steps.
        """
        objective = self.objective
        if not objective.fit_intercept:
            return
        V, best = self.point.V, math.inf
        shift: Array = np.zeros(len(V))
        held = [objective.inner_at(self.point)] if objective.has_many_outputs else []
        for _ in range(INTERCEPT_STEPS):
            terms = partial(_intercept_terms, objective, self.point, shift, not held)
            by_intercept, *inner = objective.rows.sum(terms)
            size = float(np.abs(by_intercept).max())
            if size >= best / 2:
                break
            best, best_shift = size, shift
            step = -self._intercept_factor((held or inner)[0]).solve(by_intercept)
            shift = shift + np.clip(step, -1, 1)  # far from the best b, Newton's steps are too long
        V = V.copy()
        V[:, -1] += best_shift
        self.point = objective.at(V, inner=True)

    # What kinds of descent differ in

    def _direction(self) -> tuple[Array, float]:
        """Return where to go from the point (k, p), and how far along it to look first."""
        raise NotImplementedError

    def _newton_like(self, gradient: Array) -> Array:
        """Return about H⁻¹ times the gradient (k, p), by what is known of H."""
        return self.inverse(gradient)

    def _tries_again(self) -> bool:
        """Return whether there is anything else to try where a step led no further than rounding does."""
        return False

    def _learn(self, before: Point) -> None:
        """Take note of the step from the point before."""

    # What they have in common

    def _diagonal_inverse(self, hessian: Hessian) -> Inverse:
        """Return the inverse of the Hessian's diagonal."""
        diagonal = hessian.diagonal()
        np.maximum(diagonal, diagonal.max() * EPS, out=diagonal)
        return self._centred(lambda gradient: gradient / diagonal)

    def _centred(self, inverse: Inverse) -> Inverse:
        """Return an inverse that leaves out what is common to coupled outputs."""

        def centred(gradient: Array) -> Array:
            step = inverse(gradient)
            self.objective.centre(step)
            return step

        return centred

    def _line_search(self, direction: Array, t: float) -> Point:
        """Return a point on the line that is low enough and flat enough, or the lowest seen (Wolfe's conditions)."""
        start, objective = self.point, self.objective
        promised = -dot(direction, start.gradient)
        slack = float(np.finfo(np.dtype(objective.dtype)).eps) * start.value
        low, high, best = 0.0, math.inf, start
        slope_low = -promised
        for _ in range(TRIALS):
            ahead = objective.at(start.V + t * direction, inner=True)
            if not math.isfinite(ahead.value):
                high, t = t, t / 16
                continue
            slope = dot(direction, ahead.gradient)
            is_low = ahead.value <= start.value - 1e-4 * t * promised + slack
            if is_low and ahead.value < best.value:
                best = ahead
            if is_low and abs(slope) <= FLAT * promised:
                self.t = t
                return ahead
            if slope < 0 and is_low:
                secant = t - slope * (t - low) / (slope - slope_low) if slope > slope_low else math.inf
                low, slope_low = t, slope
                t = min(max(secant, 1.1 * t), 4 * t) if high == math.inf else (low + high) / 2
            else:
                secant = low - slope_low * (t - low) / (slope - slope_low) if slope > slope_low else 0.0
                high = t
                inside = low + 0.1 * (high - low) < secant < low + 0.9 * (high - low)
                t = secant if inside and np.isfinite(secant) else (low + high) / 2
        return best


def dot(A: Array, B: Array) -> float:
    """Return Σ A B of two matrices; none is copied if both lie in memory in the same order, be it C's or Fortran's."""
    order: Literal["C", "F"] = "F" if A.flags.f_contiguous else "C"
    return float(np.vdot(A.ravel(order), B.ravel(order)))


def _intercept_terms(
    objective: Objective, point: Point, shift: Array, curves: bool, block: Block
) -> list[Array]:
    """Return the slope of the losses by a shift (k,) of the outputs at a point, and their curvature if it is wanted."""
    c = objective.weights(block)
    _, R, h = objective.loss.at(objective.outputs_at(point, block) + shift[:, None], block.y)
    slope = (R * c).sum(axis=1)
    return [slope, objective.curvature(h, c)] if curves else [slope]
