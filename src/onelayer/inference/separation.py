"""Separation: whether the likelihood of a softmax regression has its greatest value only at infinite weights.

There is a direction of the weights along which no row's class becomes less probable, and some row's more (Albert and
Anderson 1984, *On the existence of maximum likelihood estimates in logistic regression models*). Where one feature is
enough for that, the least and greatest values of each class say so exactly. Where it takes several, the fit tells: it
puts every row on its side, or one more Newton step still moves outputs by about 1, and each of them to its side.

A penalty holds finite what is separated without it. Then the Newton step towards the fit without a penalty mostly
proves that nothing is separated; where it does not, that fit is sought.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Block, Source
from onelayer.inference.information import Fitted, Information
from onelayer.solvers.newton import newton

Array = NDArray[Any]

FAR = 1e8  # standard units along a direction of separation, to where what it separates has no curvature left
DECIDED = 1e3  # difference of logits that leaves a class no probability: there a row says nothing any more
MOVED = 0.3  # change of a logit by a Newton step, which is about 1 under separation and about 0 at a minimum
ASTRAY = 1e-3  # part of a step that may be due to weights that are not quite at their finite values
MOST_STEPS = 10
FREED, MOST_FREEING = 1e-6, 100  # relative gap and steps of a fit without the penalty, from the one with it
MOST_FREED = 4e9  # products in a step of the fit without the penalty, so that it takes a second at most


@dataclass
class Extent:
    """The least and greatest of some numbers; ``+=`` joins those of other rows, so that ``rows.sum`` finds all."""

    low: Array
    high: Array

    def __iadd__(self, other: "Extent") -> "Extent":
        self.low, self.high = np.minimum(self.low, other.low), np.maximum(self.high, other.high)
        return self


@dataclass(frozen=True)
class Split:
    """A feature that separates some classes from the others.

    Attributes:
        feature: its number.
        above: the classes of its larger values; the others have the smaller ones.
        low: the greatest value of the others.
        high: the least value of ``above``; where it equals ``low``, rows of both sides may have it.
    """

    feature: int
    above: tuple[int, ...]
    low: float
    high: float


@dataclass(frozen=True, eq=False)
class Ascent:
    """A combination of weights along which the likelihood still grows: the Newton step at a fit.

    Attributes:
        takes_part: (m, p) which coefficients of the contrasts it moves, the intercept's last.
        is_separation: whether it moves no row to a wrong side, and so goes on without end; else the fit is not at its
            minimum, and it is unknown whether there is one.
        sides: the classes that it moves together, each with the others of its side.
        is_complete: whether it moves all rows of these sides apart; else some stay where they are.
    """

    takes_part: NDArray[np.bool_]
    is_separation: bool
    sides: tuple[tuple[int, ...], ...]
    is_complete: bool


@dataclass(frozen=True, eq=False)
class Separation:
    """What separates classes.

    Attributes:
        splits: by one feature each.
        is_complete: whether all rows are on their side of all classes, so that no weight has a finite value.
        ascent: by several features, or None.
        information: of the contrasts that are left where the splits have gone to infinity (Geyer 2009, *Likelihood
            inference in exponential families and directions of recession*); None if there are none.
        limit: the regression there.
    """

    splits: list[Split]
    is_complete: bool
    ascent: Ascent | None = None
    information: Information | None = None
    limit: Fitted | None = None


def separations(fitted: Fitted) -> tuple[Separation, Separation]:
    """Return what leaves coefficients without a finite value, and what the penalty alone keeps from that.

    It takes a pass over the rows for the values of the features, and the one for the information; where classes are
    separated, or nearly, some more.
    """
    objective = fitted.objective
    found = splits(objective.rows, len(fitted.totals), objective.fit_intercept)
    strength = objective.penalty.columns(len(objective.scaling.scale))
    if not strength.any():
        return separation(fitted, found), Separation([], False)
    curvature = objective.information(fitted.V)
    is_free = strength == 0
    if not is_free.any():
        without_end = Separation([], False, None, fitted.information(curvature), fitted)
        return without_end, held_separation(fitted, curvature, found)
    without_end = separation(fitted, found)
    if without_end.splits or without_end.ascent is not None:
        held = [split for split in found if not is_free[split.feature]]
        return without_end, Separation(held, False)
    return without_end, held_separation(fitted, curvature, found)


def separation(fitted: Fitted, found: list[Split]) -> Separation:
    """Return what separates classes by features without a penalty, given the regression as near its minimum as it came.

    Where it is unclear what still moves, Newton steps are taken: finite weights come to rest in them.

    Args:
        fitted: the regression.
        found: its ``splits``.
    """
    objective = fitted.objective
    strength = objective.penalty.columns(len(objective.scaling.scale))
    is_free = np.isfinite(objective.scaling.scale) & (strength == 0)
    found = [split for split in found if is_free[split.feature]]
    gone = FAR * _direction(fitted, found)
    now = limit = fitted.at(fitted.V + gone)
    then = information = limit.information()
    for _ in range(MOST_STEPS):
        if not strength.any() and _leads(now, now.V, gone)[0] > 0:
            return Separation(found, True)
        ascent = _ascent(now, then, gone)
        if ascent is None or ascent.is_separation:
            break
        now = now.at(now.V + now.whole(then.step() / then.scale))
        then = now.information()
    return Separation(found, False, ascent, information, limit)


def held_separation(fitted: Fitted, curvature: tuple[Array, Array], found: list[Split]) -> Separation:
    """Return what would separate the classes of a penalised regression if it had no penalty.

    There is separation unless some positive number θ for each row and each class but its own balances the gradients of
    their logits (Stiemke 1915). Near the minimum those are the probabilities after a Newton step to it, if positive.
    What several features separate is not looked for where that would take long, unless the fit shows it.

    Args:
        fitted: the regression.
        curvature: ``objective.information(V)`` of it.
        found: its ``splits``.
    """
    plain, nothing = fitted.without_penalty(), np.zeros_like(fitted.V)
    if _leads(plain, plain.V, nothing)[0] > 0:
        return Separation(found, True)
    if (fitted.n + fitted.V.size) * fitted.V.size**2 > MOST_FREED or _is_balanced(
        plain, plain.information(curvature)
    ):
        return Separation(found, False)
    freed = separation(plain.at(newton(plain.objective, plain.V, FREED, MOST_FREEING).candidates[-1]), found)
    is_clear = freed.ascent is None or freed.ascent.is_separation
    return replace(freed, ascent=freed.ascent if is_clear else None)


def _is_balanced(fitted: Fitted, information: Information) -> bool:
    """Return whether a Newton step from here proves that nothing is separated."""
    if information.null.shape[2]:
        flat = fitted.whole(information.on_null(fitted.contrasts()) / information.scale)
        if max(map(abs, _leads(fitted, flat, np.zeros_like(fitted.V)))) > MOVED:
            return False
    step, objective = fitted.whole(information.step() / information.scale), fitted.objective

    def least(block: Block) -> list[Extent]:
        columns = objective.columns(block, written_out=True)
        outputs = objective.outputs(columns, fitted.V, block)
        moves, at = columns.forward(step), np.arange(len(block))
        if not objective.loss.is_coupled:
            outputs, moves = (np.vstack([np.zeros(len(block)), part]) for part in (outputs, moves))
        P = np.exp(outputs - outputs.max(axis=0))
        mean = (P * moves).sum(axis=0) / P.sum(axis=0)
        changes = moves - mean
        changes[block.y, at] = np.inf
        found = changes[:, block.row_weights() > 0].min(initial=np.inf)
        return [Extent(found, found)]

    [extent] = objective.rows.sum(least)
    return bool(extent.low > ASTRAY - 1)


def splits(rows: Source, n_classes: int, fit_intercept: bool) -> list[Split]:
    """Return all ways in which a feature by itself separates classes, from one pass; rows of weight 0 do not count."""

    def extents(block: Block) -> list[Extent]:
        shape = (n_classes, rows.n_features)
        found = Extent(np.full(shape, np.inf), np.full(shape, -np.inf))
        for label in np.unique(block.y):
            X = block.X[(block.y == label) & (block.row_weights() > 0)]
            if X.shape[0]:
                low, high = X.min(axis=0), X.max(axis=0)
                found.low[label] = low.toarray().ravel() if rows.is_sparse else low
                found.high[label] = high.toarray().ravel() if rows.is_sparse else high
        return [found]

    [extent] = rows.sum(extents)
    present = np.flatnonzero((extent.low < np.inf).all(axis=1))
    if len(present) < 2:
        return []
    unit = rows.first().unit
    low, high = extent.low[present] * unit, extent.high[present] * unit
    order = np.lexsort((high.T, low.T)).T  # of the classes by their values, for each feature
    low, high = np.take_along_axis(low, order, 0), np.take_along_axis(high, order, 0)
    reached, ahead = np.maximum.accumulate(high)[:-1], low[1:]
    is_split = (reached <= ahead) & (low[0] < high.max(axis=0))
    is_split &= (low[:-1] < high[1:]) | (reached < ahead)  # two classes of one value are not told apart
    if not fit_intercept:
        is_split &= (reached <= 0) & (ahead >= 0)
    return [
        Split(
            int(j),
            tuple(sorted(present[order[i + 1 :, j]].tolist())),
            float(reached[i, j]),
            float(ahead[i, j]),
        )
        for j, i in np.argwhere(is_split.T)
    ]


def _direction(fitted: Fitted, found: list[Split]) -> Array:
    """Return weights (k, p) for standardised columns, along which all of these splits become sharper."""
    V, scaling = np.zeros_like(fitted.V), fitted.objective.scaling
    is_coupled, fit_intercept = fitted.objective.loss.is_coupled, fitted.objective.fit_intercept
    for split in found:
        j = split.feature
        outputs = list(split.above) if is_coupled else [0]
        sign = 1.0 if is_coupled or 1 in split.above else -1.0
        V[outputs, j] += sign
        if fit_intercept:
            middle = split.low / 2 + split.high / 2
            V[outputs, -1] += sign * (scaling.mean[j] - middle) / scaling.scale[j]
    return V


def _leads(fitted: Fitted, V: Array, gone: Array, side: Array | None = None) -> tuple[float, float]:
    """Return the least and the greatest lead at V (k, p) of a row's label over a class that ``gone`` leaves open.

    Given the number of the side (q,) of each class, those of classes on the same side do not count.
    """
    objective = fitted.objective

    def leads(block: Block, weights: Array) -> Array:
        outputs = objective.columns(block, written_out=True).forward(weights)
        if objective.loss.is_coupled:
            return np.asarray(outputs[block.y, np.arange(len(block))] - outputs)
        return np.asarray(np.where(block.y, outputs, -outputs))

    def term(block: Block) -> list[Extent]:
        is_open = (leads(block, gone) < DECIDED) & (block.row_weights() > 0)
        if objective.loss.is_coupled:
            is_open[block.y, np.arange(len(block))] = False
            is_open &= side is None or side[:, None] != side[block.y]
        counted = leads(block, V)[is_open]
        return [Extent(counted.min(initial=np.inf), counted.max(initial=-np.inf))]

    [extent] = objective.rows.sum(term)
    return float(extent.low), float(extent.high)


def _ascent(fitted: Fitted, information: Information, gone: Array) -> Ascent | None:
    """Return a direction in which outputs still move, although the objective hardly falls; None at a minimum.

    It is where the weights have gone so far that no curvature is left, or else the Newton step. Directions of dependent
    features have no curvature either, but move no output.
    """
    flat = information.on_null(fitted.at(fitted.V - gone).contrasts())
    return _moved(fitted, information, flat, gone) or _moved(fitted, information, information.step(), gone)


def _moved(fitted: Fitted, information: Information, step: Array, gone: Array) -> Ascent | None:
    """Return what a step (m, p) in scaled coordinates does, or None if it hardly moves an output."""
    least, greatest = _leads(fitted, fitted.whole(step / information.scale), gone)
    if max(greatest, -least) < MOVED:
        return None
    parts = information.parts(step[..., None])
    side = _sides(fitted, step / information.scale)
    sides = [tuple(np.flatnonzero(side == number).tolist()) for number in np.unique(side[side >= 0])]
    apart, _ = _leads(fitted, fitted.whole(step / information.scale), gone, side)
    is_separation = least >= -ASTRAY * greatest
    return Ascent(parts > ASTRAY * parts.max(), is_separation, tuple(sides), apart > ASTRAY * greatest)


def _sides(fitted: Fitted, step: Array) -> NDArray[np.int_]:
    """Return each class's side (q,), -1 without rows: classes that a step (m, p) moves alike are on one side."""
    moves = np.zeros((len(fitted.totals), step.shape[1]))
    moves[[a for a in range(len(moves)) if a != fitted.reference] if len(step) > 1 else [1]] = step
    far = np.abs(moves[:, None] - moves).max(axis=2) > ASTRAY * np.abs(moves).max()
    side: NDArray[np.int_] = np.argmin(far, axis=1)  # the first class that it is not far from
    side[fitted.totals == 0] = -1
    return side
