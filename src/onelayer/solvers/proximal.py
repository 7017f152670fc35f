"""Proximal Newton with working sets: the minimum of a loss and an elastic net, or lasso, group lasso, or bounds.

A step minimises a quadratic model of the losses, with the penalty as it is, for the weights that are not 0 or want to
leave it (Lee, Sun and Saunders 2014, *Proximal Newton-type methods*). Columns that stay at 0 are looked at only when
the others are settled (Tibshirani et al. 2012, *Strong rules for discarding predictors in lasso-type problems*;
Massias, Gramfort and Salmon 2018, *Celer*). A pass over the rows for a gradient costs little beside one for a Hessian,
so a Hessian stays in use, also from one penalty to the next, until steps with it no longer come closer fast enough.
"""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.double_double import EPS
from onelayer.penalties import ElasticNet
from onelayer.solvers.dual_bound import dual_bound, estimated_gap
from onelayer.solvers.fit import Found
from onelayer.solvers.objective import Objective, Point
from onelayer.solvers.quadratic import Quadratic
from onelayer.solvers.some_columns import with_columns

Array = NDArray[Any]

NEAR = 0.8  # share of l1 from which a slope is expected to matter soon
GROWTH = 2  # times the columns that are not 0: as many are looked at next
FEWEST = 100  # columns that are looked at, if there are so many
MOST_MODEL = 3_000  # weights that move in one step
SLOW = (
    0.25  # share of the gap that is left after a step with an old Hessian, from which on a new one is formed
)
ARMIJO = 1e-4
HALVINGS = 40
NOISE = 8 * EPS  # share of F: what falls by less may be rounding
FALL = 1e-3  # share of the gap that is aimed at: what falls by less is not worth a new model
MOST_STALLS = 2  # times that the gap does not fall, nor F
SHARE = 0.1  # of the gap of all columns: so far the working set is settled


@dataclass
class Proximal:
    """Steps down the losses of an objective and a penalty.

    Attributes:
        objective: the losses alone, for all columns.
        net: the penalty of each column (p,), and of the intercept's ones.
        V: (k, p), between the bounds.
        point: the losses at V, of all columns.
        history: F before each step and at the end.
        model: a quadratic model, perhaps an old one.
    """

    objective: Objective
    net: ElasticNet
    V: Array
    tol: float = field(init=False)
    max_iter: int = field(init=False)
    point: Point = field(init=False)
    history: list[float] = field(default_factory=list)
    model: Quadratic | None = None
    is_new: bool = False  # whether the last step was by a model of where it began
    lower: float = 0.0
    first: float = field(init=False)
    columns: NDArray[np.intp] = field(init=False)
    part: Objective = field(init=False)

    def __post_init__(self) -> None:
        self.point = self.objective.at(self.V, inner=True)
        self.first = self.objective.value_at_zero()
        self.columns, self.part = np.zeros(0, np.intp), self.objective

    @property
    def value(self) -> float:
        """F at V."""
        return self.point.value + self.net.value(self.point.V)

    @property
    def is_exhausted(self) -> bool:
        """Whether the steps were used up."""
        return len(self.history) > self.max_iter

    def run(self, net: ElasticNet, tol: float, max_iter: int) -> Found:
        """Descend until the gap is small, the steps are used up, or rounding hides further progress.

        Where it ends the next one starts, perhaps for another penalty.
        """
        self.net, self.tol, self.max_iter, self.lower = net, tol, max_iter, 0.0
        V = np.clip(self.V, net.lower, net.upper)
        if (V != self.V).any():
            self.V, self.point = V, self.objective.at(V, inner=True)
        self.history = [self.value]
        best, stalled = np.inf, 0
        while True:
            value, left = self.value, estimated_gap(self.net, self.point)
            enough = self.tol * value
            if left <= enough and self._is_certified(enough):
                break
            stalled = 0 if left < 0.9 * best else stalled + 1
            best = min(best, left)
            if self.is_exhausted or self._is_nothing(value):
                break
            self._select()
            target = max(SHARE * min(left, value), enough / 3) if left > enough else left / 10
            self._settle(target * SHARE**stalled)  # what the chosen columns leave may cost the others more
            if stalled > MOST_STALLS and not self.value < value - self._least_fall(value):
                break
        self._is_certified(self.tol * self.value)
        return Found([self.V], self.lower, self.history, self.is_exhausted, self.first)

    def _is_certified(self, enough: float) -> bool:
        """Return whether F is known to be near enough to the minimum."""
        value = self.value
        if value - self.lower > self.tol * self.lower:
            self.lower = max(self.lower, dual_bound(self.objective, self.net, self.point, enough))
        return value - self.lower <= self.tol * self.lower

    def _least_fall(self, value: float) -> float:
        """Return the fall of F that is worth a step."""
        return max(NOISE, FALL * self.tol) * value

    def _is_nothing(self, value: float) -> bool:
        """Return whether F is nothing beside that of a model that knows nothing, as where classes can be separated."""
        return value <= EPS * self.first

    # Columns

    def _select(self) -> None:
        """Choose the columns that may move: those that are not 0, and those that most want to leave it."""
        V, net, p = self.V, self.net, self.objective.shape[1]
        slopes = net.norms(self.point.gradient)
        slopes = slopes if net.is_grouped else slopes.max(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            pull = np.where(net.l1 > 0, slopes / net.l1, np.inf)
        excess = net.excess(-self.point.gradient)
        excess = excess if net.is_grouped else excess.max(axis=0)
        kept = V.any(axis=0) | (net.l1 == 0)
        wanted = kept | (excess > 0) | (pull > NEAR)
        size = max(FEWEST, GROWTH * int(kept.sum()))
        if wanted.sum() > size:
            pull[kept] = np.inf
            wanted = kept | (pull >= np.partition(pull, -size)[-size])
        inside = np.zeros(p, bool)
        inside[self.columns] = True
        if (wanted & ~inside).any() or not len(self.columns):
            self._restrict(np.flatnonzero(wanted | inside & kept) if wanted.sum() < p / 2 else np.arange(p))

    def _restrict(self, columns: NDArray[np.intp]) -> None:
        self.columns, self.part = columns, with_columns(self.objective, columns)

    # Steps

    def _settle(self, target: float) -> None:
        """Make steps with the chosen columns until what they leave is at most ``target``, and look at all again."""
        at, net = self.columns, self.net.take(self.columns)
        point = replace(self.point, V=self.V[:, at], gradient=self.point.gradient[:, at])
        value, before, fell = self.history[-1], np.inf, np.inf
        while True:
            left = min(estimated_gap(net, point), value)
            if left <= target or self.is_exhausted or self._is_nothing(value):
                break
            if left > SLOW * before:
                if self.is_new and fell <= self._least_fall(value):
                    break
                self.model = None
            ahead = self._ahead(point, net)
            if ahead is None:
                break
            point, before = ahead, left
            self.history.append(point.value + net.value(point.V))
            fell, value = value - self.history[-1], self.history[-1]
        self.V = self.V.copy()
        self.V[:, at] = point.V
        self.point = self.objective.at(self.V, inner=True)

    def _ahead(self, point: Point, net: ElasticNet) -> Point | None:
        """Return a lower point, by a new model if an old one does not lead there; None if rounding hides it."""
        self.is_new = False
        self._prepare(point, net)
        ahead = self._advance(point, net)
        if ahead is None and not self.is_new:
            self.model = None
            self._prepare(point, net)
            ahead = self._advance(point, net)
        return ahead

    def _prepare(self, point: Point, net: ElasticNet) -> None:
        """See to it that there is a model for all weights that should move."""
        V, slopes = point.V, -point.gradient
        free = np.broadcast_to(net.l1 == 0, V.shape)
        moving = (V != 0) | free | np.broadcast_to(net.excess(slopes) > 0, V.shape)
        full = np.zeros((len(V), self.objective.shape[1]), bool)
        full[:, self.columns] = moving
        if self.model is not None and not (full & ~self.model.active).any():
            return
        near = moving | np.broadcast_to(net.norms(slopes) > NEAR * net.l1, V.shape)
        if near.sum() > MOST_MODEL:
            near = self._largest_pulls(point, net, moving)
        model = Quadratic.at(self.part, V, near)
        full[:, self.columns] = near
        self.model = replace(model, active=full, columns=self.columns[model.columns])
        self.is_new = True

    def _largest_pulls(self, point: Point, net: ElasticNet, moving: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Return the weights that a proximal gradient step would move most."""
        rate = 1 / self.objective.scaling.total
        change = np.abs(net.step(point.V - rate * point.gradient, rate) - point.V)
        if net.is_grouped:
            change = np.broadcast_to(change.max(axis=0), change.shape)
        least = np.partition(change[moving], -min(MOST_MODEL, int(moving.sum())))[-MOST_MODEL:].min()
        large: NDArray[np.bool_] = change >= least
        return moving & large

    def _advance(self, point: Point, net: ElasticNet) -> Point | None:
        """Return a point that is lower by enough, on the way to the model's minimum; None if rounding hides it."""
        assert self.model is not None
        full = np.zeros((2, *self.V.shape))
        full[0][:, self.columns], full[1][:, self.columns] = point.V, point.gradient
        penalty = net.value(point.V)
        with np.errstate(over="ignore", invalid="ignore"):
            goal = self.model.step(full[0], full[1], self.net)[:, self.columns]
            step = goal - point.V
            promised = float((point.gradient * step).sum()) + net.value(goal) - penalty
        if not np.isfinite(promised):  # the losses have hardly any curvature left: no minimum is near
            return None
        value, t = point.value + penalty, 1.0
        for _ in range(HALVINGS if self.is_new else 1):
            V = goal if t == 1 else point.V + t * step
            ahead = self.part.at(V)
            change = ahead.value + net.value(V) - value
            if change <= ARMIJO * t * promised or (promised <= 0 and abs(change) <= 4 * EPS * value):
                return ahead
            t /= 2 if np.isfinite(change) else 16
        return None
