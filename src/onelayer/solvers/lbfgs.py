"""L-BFGS for many parameters (Nocedal and Wright 2006, chapter 7), started from parts of the Hessian.

The parts are one block for each output, which says how the features vary together among the rows that the output is
still undecided on; or, with very many columns, the diagonal.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Block
from onelayer.double_double import EPS
from onelayer.solvers.bounds import Factor, newton_bound, ridge_bound
from onelayer.solvers.fit import Found
from onelayer.solvers.hessian_blocks import sampled_factors, solve_each
from onelayer.solvers.objective import Objective, Point

Array = NDArray[Any]
Inverse = Callable[[Array], Array]

MEMORY = 20  # pairs
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


def lbfgs(
    stages: list[Objective],
    start: Array,
    tol: float,
    max_iter: int,
    sizes: Sizes,
    watch: Callable[[Array], bool] = lambda V: False,
) -> Found:
    """Go from V to where F is within ``tol`` of itself from its minimum, or as near as ``max_iter`` steps come.

    Args:
        stages: the objective, perhaps in lower precision first, in float64 at last.
        start: V (k, p).
        tol: relative to F.
        max_iter: steps.
        sizes: where one way gives way to another.
        watch: is told V (k, p) after each step, and returns whether to stop there.
    """
    descent = Descent(stages[0], start, tol, max_iter, sizes, watch)
    for objective in stages:
        descent.change_to(objective)
        if not descent.is_stopped:
            descent.run()
    return descent.found()


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
    pairs: list[tuple[Array, Array]] = field(default_factory=list)
    inverse: Inverse = _unchanged
    has_inverse: bool = False
    age: int = 0
    patience: int = 0
    next_try: int = 0
    is_exhausted: bool = False
    is_stopped: bool = False
    t: float = 1.0

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
        least = (
            float(np.finfo(np.dtype(self.objective.dtype)).eps) / 2
        )  # decrease that is not rounding, relative to F
        while not self._has_arrived():
            self.history.append(self.point.value)
            if len(self.history) > self.max_iter:
                self.is_exhausted = True
                return
            if self.objective.is_hopeless(self.point.value, self.first):
                return
            before = self.point
            self._step()
            if self.watch(self.point.V):
                self.is_stopped = True
                break
            if before.value - self.point.value <= least * before.value:
                if self.age == 1 or not self.is_fine:  # the parts were new, or float64 will do better
                    return
                self.age = self.patience  # try with new ones
            step, change = self.point.V - before.V, self.point.gradient - before.gradient
            if np.vdot(step, change) > 0:
                self.pairs = [*self.pairs[-MEMORY + 1 :], (step, change)]
        self.history.append(self.point.value)

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
            decrease = float(np.vdot(self._newton_like(self.point.gradient), self.point.gradient))
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
        with np.errstate(divide="ignore", invalid="ignore"):
            left = float(np.where(gradient[:, :d], gradient[:, :d] ** 2 / ridge, 0).sum())
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
        """Set b to the best for W, by Newton's method on the outputs, which stay in memory if the rows do."""
        objective = self.objective
        if not objective.fit_intercept:
            return
        V, best = self.point.V, math.inf
        shift: Array = np.zeros(len(V))
        for _ in range(INTERCEPT_STEPS):
            by_intercept, inner = objective.rows.sum(partial(_intercept_terms, objective, self.point, shift))
            size = float(np.abs(by_intercept).max())
            if size >= best / 2:
                break
            best, best_shift = size, shift
            step = -self._intercept_factor(inner).solve(by_intercept)
            shift = shift + np.clip(step, -1, 1)  # far from the best b, Newton's steps are too long
        V = V.copy()
        V[:, -1] += best_shift
        self.point = objective.at(V, inner=True)

    # Steps

    def _step(self) -> None:
        if not self.has_inverse or self.age >= self.patience:
            self._renew_inverse()
        direction = -self._newton_like(self.point.gradient)
        if np.vdot(direction, self.point.gradient) >= 0:
            self.pairs = []
            direction = -self._newton_like(self.point.gradient)
        self.age += 1
        self.point = self._line_search(direction)

    def _newton_like(self, gradient: Array) -> Array:
        """Return H⁻¹ times the gradient (k, p), with L-BFGS's H (algorithm 7.4 of Nocedal and Wright)."""
        rest, shares = gradient, []
        for step, change in reversed(self.pairs):
            shares.append(np.vdot(step, rest) / np.vdot(step, change))
            rest = rest - shares[-1] * change
        result = self.inverse(rest)
        for (step, change), share in zip(self.pairs, reversed(shares), strict=True):
            result = result + (share - np.vdot(change, result) / np.vdot(step, change)) * step
        return result

    def _line_search(self, direction: Array) -> Point:
        """Return a point on the line that is low enough and flat enough, or the lowest seen (Wolfe's conditions)."""
        start, objective = self.point, self.objective
        promised = -float(np.vdot(direction, start.gradient))
        slack = float(np.finfo(np.dtype(objective.dtype)).eps) * start.value
        low, high, t, best = 0.0, math.inf, self.t if self.pairs else 1.0, start
        slope_low = -promised
        for _ in range(TRIALS):
            ahead = objective.at(start.V + t * direction, inner=True)
            slope = float(np.vdot(direction, ahead.gradient))
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

    # Parts of the Hessian

    def _renew_inverse(self) -> None:
        is_first, before = not self.has_inverse, (self.inverse, self.pairs)
        if self.objective.shape[1] <= self.sizes.block:
            self.inverse = self._block_inverse()
        else:
            self.inverse = self._diagonal_inverse()
        self.has_inverse = True
        self.pairs, self.age = [], 0
        self.patience = self.sizes.patience if is_first else 2 * self.patience
        promised = float(np.vdot(self.inverse(self.point.gradient), self.point.gradient)) / 2
        if not (is_first or promised <= self.point.value):  # where all outputs are decided, though wrongly
            self.inverse, self.pairs = before

    def _block_inverse(self) -> Inverse:
        """Return the inverse of the Hessian's diagonal blocks, one for each output, from a sample of the rows.

        An output's sample has the rows that it is least decided on, and some of the others. Where V = 0 all blocks are
        alike but for their size.
        """
        objective, sizes = self.objective, self.objective.spread_at(self.point)
        total = objective.scaling.total
        is_large = len(objective.rows) * objective.rows.n_features > self.sizes.most_double
        dtype = np.float32 if is_large else np.float64  # what is approximate need not be precise
        sampled = partial(sampled_factors, objective, self.point, self.sizes.rows_per_column, dtype)
        if not self.point.V.any():
            share = sizes / total
            [factor] = sampled([None], np.array([total]), objective.ridge / share.mean())
            return self._centred(
                lambda gradient: solve_each([factor] * len(share), gradient) / share[:, None]
            )
        factors = sampled(range(len(sizes)), sizes, objective.ridge)
        return self._centred(lambda gradient: solve_each(factors, gradient))

    def _diagonal_inverse(self) -> Inverse:
        """Return the inverse of the Hessian's diagonal."""
        [squares] = self.objective.rows.sum(partial(_squares_terms, self.objective, self.point.V))
        diagonal = squares + self.objective.ridge
        diagonal = np.maximum(diagonal, diagonal.max() * EPS)
        return self._centred(lambda gradient: gradient / diagonal)

    def _centred(self, inverse: Inverse) -> Inverse:
        """Return an inverse that leaves out what is common to coupled outputs: it changes nothing."""
        if not self.objective.loss.is_coupled:
            return inverse

        def centred(gradient: Array) -> Array:
            step = inverse(gradient)
            return np.asarray(step - step.mean(axis=0))

        return centred


# Sums over rows


def _intercept_terms(objective: Objective, point: Point, shift: Array, block: Block) -> list[Array]:
    """Return slope and curvature of the losses by a shift (k,) of the outputs at a point."""
    c = objective.weights(block)
    _, R, h = objective.loss.at(objective.outputs_at(point, block) + shift[:, None], block.y)
    return [(R * c).sum(axis=1), objective.curvature(h, c)]


def _squares_terms(objective: Objective, V: Array, block: Block) -> list[Array]:
    columns = objective.columns(block, written_out=True)
    _, _, h = objective.loss.at(objective.outputs(columns, V, block), block.y)
    return [columns.squares(objective.weights(block) * objective.own_curvature(h))]
