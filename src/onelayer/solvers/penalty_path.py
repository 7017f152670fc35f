"""Minima of one loss on the same rows for one elastic net after another, each from where the one before has ended."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Source
from onelayer.errors import OneLayerError
from onelayer.losses import CrossEntropy, Loss
from onelayer.penalties import ElasticNet, Ridge
from onelayer.solvers.fit import Found, Minimum
from onelayer.solvers.objective import MOST_RIDGE, Objective
from onelayer.solvers.proximal import Proximal
from onelayer.solvers.scaling import RowsScaling

Array = NDArray[Any]

NULL_TOL = 1e-12  # of the model without any column that has an l1
NULL_STEPS = 100


class PenaltyPath:
    """Rows and a loss whose minima with elastic nets are wanted.

    Args:
        rows: features, targets that the loss knows, weights.
        loss: ℓ.
        fit_intercept: whether b is free; else it is 0.
        start: W (k, d) and b (k,) to begin at, where they are better than zeros.

    Raises:
        OneLayerError: if no row has a weight.
    """

    def __init__(
        self,
        rows: Source,
        loss: Loss,
        fit_intercept: bool = True,
        start: tuple[Array, Array] | None = None,
    ) -> None:
        rows, self.exponent = rows.weights_near_one()
        scaling = RowsScaling.of(rows, fit_intercept)
        self.objective = Objective(rows, loss, Ridge(0.0), scaling, fit_intercept)
        self._start = start
        self._solver: Proximal | None = None

    def minimum(self, penalty: ElasticNet, tol: float = 1e-6, max_iter: int = 1000) -> Minimum:
        """Return the minimum of Σᵢ cᵢ ℓ(W xᵢ + b, yᵢ) + penalty(W), as ``minimise`` does.

        Raises:
            OneLayerError: if the penalty has other columns than the rows.
        """
        penalty = self._written(penalty)
        found = self._found(self._standardised(penalty), tol, max_iter)
        return self._judged(penalty, found, tol).times_power(self.exponent)

    def critical(self, penalty: ElasticNet) -> float:
        """Return the least number that l1 has to be multiplied by so that all columns that have one are out.

        It is that of the slopes where the other columns alone are in; 0 if no column has an l1.

        Raises:
            OneLayerError: if a column that has an l1 may not be 0 by its bounds.
        """
        penalty = self._written(penalty)
        has_l1 = penalty.l1 > 0
        if (np.asarray((penalty.lower > 0) | (penalty.upper < 0)) & has_l1).any():
            raise OneLayerError("no penalty is so large that columns are out whose bounds leave 0 out")
        net = self._standardised(penalty)
        out = net.l1 > 0
        lower, upper = np.where(out, 0.0, net.lower), np.where(out, 0.0, net.upper)
        self._found(replace(net, lower=lower, upper=upper, is_grouped=False), NULL_TOL, NULL_STEPS)
        assert self._solver is not None
        beyond = replace(net, l1=np.zeros_like(net.l1)).excess(-self._solver.point.gradient)
        beyond = beyond if net.is_grouped else beyond.max(axis=0)
        return float((beyond[out] / np.asarray(net.l1)[out]).max(initial=0.0))

    def _written(self, penalty: ElasticNet) -> ElasticNet:
        d = self.objective.rows.n_features
        for name in ("l1", "l2", "lower", "upper"):
            if np.shape(getattr(penalty, name)) not in ((), (1,), (d,)):
                raise OneLayerError(
                    f"the penalty's {name} is for {np.size(getattr(penalty, name)):,} columns, but there are {d:,}"
                )
        return penalty.times_power(-self.exponent).columns(d)

    def _standardised(self, penalty: ElasticNet) -> ElasticNet:
        """Return the penalty of standardised columns (p,), with constant ones held at 0, and the ones free."""
        scale = self.objective.scaling.scale
        varies, one = np.isfinite(scale), np.ones(int(self.objective.fit_intercept))
        s = np.where(varies, scale, 1.0)
        with np.errstate(over="ignore", invalid="ignore", under="ignore"):
            l1 = np.where(varies, np.minimum(penalty.l1 / s, MOST_RIDGE), MOST_RIDGE)
            l2 = np.where(varies, np.minimum(penalty.l2 / s / s, MOST_RIDGE), 1.0)
            lower, upper = (
                np.where(varies & np.isfinite(part), part * s, np.copysign(np.inf, side))
                for part, side in ((penalty.lower, -1), (penalty.upper, 1))
            )
        return ElasticNet(
            np.append(l1, 0 * one),
            np.append(l2, 0 * one),
            np.append(lower, -np.inf * one),
            np.append(upper, np.inf * one),
            penalty.is_grouped,
        )

    def _found(self, net: ElasticNet, tol: float, max_iter: int) -> Found:
        if self._solver is None:
            self._solver = Proximal(self.objective, net, np.zeros(self.objective.shape))
            if self._start is not None:
                V, bias = self.objective.scaling.input_to_standard(*self._start)
                V = np.column_stack([V, bias]) if self.objective.fit_intercept else V
                there = Proximal(self.objective, net, np.clip(V, net.lower, net.upper))
                self._solver = min(self._solver, there, key=lambda solver: solver.value)
        return self._solver.run(net, tol, max_iter)

    def _in_user_units(self, penalty: ElasticNet, V: Array) -> tuple[Array, Array]:
        objective, d = self.objective, self.objective.rows.n_features
        found, V = V[:, :d], V.copy()
        if objective.loss.is_coupled:  # what is common to the outputs, and neither penalised nor bounded
            common = np.append(
                (penalty.l1 == 0) & (penalty.l2 == 0) & np.isinf(penalty.lower) & np.isinf(penalty.upper),
                np.ones(int(objective.fit_intercept), bool),
            )
            V[:, common] -= V[:, common].mean(axis=0)
        bias = V[:, d] if objective.fit_intercept else np.zeros(len(V))
        W, b = objective.scaling.input_to_user(V[:, :d], bias)
        net = self._standardised(penalty).take(np.arange(d))
        inside = np.where(net.lower >= found, penalty.lower, np.where(net.upper <= found, penalty.upper, W))
        inside = np.clip(inside, penalty.lower, penalty.upper)  # rounding, and constant columns
        if objective.fit_intercept:
            b = b - (inside - W) @ objective.scaling.mean
            b = b - b.mean() if objective.loss.is_coupled else b
        return inside, b

    def _judged(self, penalty: ElasticNet, found: Found, tol: float) -> Minimum:
        W, b = self._in_user_units(penalty, found.candidates[0])
        value = self.objective.value_of(W, b) + penalty.value(W)
        gap = max(0.0, value - max(0.0, found.lower + self._of_constant(penalty, W)))
        bound = np.where(W > 0, penalty.upper, penalty.lower)  # in whose way a weight grows
        is_free = (penalty.l1 == 0) & (penalty.l2 == 0) & np.isinf(bound)
        is_unbounded = self.objective.has_no_minimum(W, b, is_free, value, found.first)
        return found.minimum(W, b, value, gap, tol=tol, solver="proximal", is_unbounded=is_unbounded)

    def _of_constant(self, penalty: ElasticNet, W: Array) -> float:
        """Return what columns that count as constant add to the minimum at least, below 0 if they vary by rounding."""
        scaling, loss = self.objective.scaling, self.objective.loss
        at = np.flatnonzero(~np.isfinite(scaling.scale))
        if not len(at):
            return 0.0
        of, here = penalty.take(at), W[:, at]
        slope = scaling.total * np.where(scaling.deviation[at] > 0, scaling.deviation[at], 0.0)
        slope = slope * loss.steepness if slope.any() else slope
        slopes = np.zeros_like(here)
        slopes[: 1 if of.is_grouped else None] = slope
        most = float((np.maximum(of.conjugate(slopes), of.conjugate(-slopes))).sum())
        return -most - float((slope * np.abs(here)).sum())


def softmax_path(
    rows: Source,
    n_classes: int,
    penalty: ElasticNet,
    Cs: Any = 100,
    fit_intercept: bool = True,
    tol: float = 1e-6,
    max_iter: int = 1000,
    shortest: float = 1e-3,
) -> tuple[Array, list[Minimum]]:
    """Return some C, the least first, and the minima of Σᵢ cᵢ ℓᵢ + penalty(W) / C for each.

    Args:
        rows: features, class numbers and weights.
        n_classes: q.
        penalty: for C = 1: ``ElasticNet(l1_ratio, 1 - l1_ratio)``, perhaps of each column.
        Cs: (m,), increasing; or how many, from the largest at which all columns with an l1 are out, evenly by their
            logarithms, up to that over ``shortest``.
        fit_intercept: see ``minimise``.
        tol: likewise.
        max_iter: likewise.
        shortest: the share of the largest penalty at which the path ends.

    Raises:
        OneLayerError: if no column has an l1, so that no C is the first; or as ``minimise``.
    """
    path = PenaltyPath(rows, CrossEntropy(n_classes), fit_intercept)
    if isinstance(Cs, int):
        critical = path.critical(penalty)
        if not critical > 0:
            raise OneLayerError(
                "the path starts where the l1 leaves all columns out, but none matters: name the Cs"
            )
        Cs = np.geomspace(1, 1 / shortest, Cs) / critical
    return np.asarray(Cs, np.float64), [path.minimum(scaled(penalty, 1 / C), tol, max_iter) for C in Cs]


def scaled(penalty: ElasticNet, factor: float) -> ElasticNet:
    """Return a penalty whose strengths are multiplied by a number; bounds stay."""
    return replace(penalty, l1=np.asarray(penalty.l1) * factor, l2=np.asarray(penalty.l2) * factor)
