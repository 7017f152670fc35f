"""Least squares with an elastic net for many strengths of the penalty, from the largest one down."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from onelayer.data.rows import Source
from onelayer.double_double import EPS
from onelayer.engines.threads import sums_share_threads
from onelayer.errors import OneLayerError
from onelayer.penalties import ElasticNet
from onelayer.solvers.elastic_net import Net
from onelayer.solvers.standard_columns import StandardColumns, standard_columns

Array = NDArray[Any]

SHORTEST = (
    1e-4  # the last penalty as a share of the first; of wide data, which small ones leave undetermined:
)
SHORTEST_WIDE = 1e-2
EXACT = 1e-14  # gap of the minimum without penalised columns, relative to the objective
MOST_SWEEPS = 10_000
LEAST_RATIO = (
    1e-3  # an l1_ratio that is less counts as this where the first penalty is chosen: a ridge leaves none out
)


@dataclass(frozen=True)
class ElasticNetPath:
    """The minima of Σ cᵢ rᵢ² + alpha Σⱼ fⱼ ((1 − l1_ratio) Wⱼ² + 2 l1_ratio |Wⱼ|) for m penalties, largest first.

    Attributes:
        alphas: (m,).
        weight: W (m, q, d), for the user's features.
        bias: b (m, q).
        objective: the value (m, q) at W and b as they are stored.
        gap: an upper bound (m, q) on how far that is above the minimum.
        n_iter: the numbers of sweeps (m, q) over columns.
        converged: whether a gap is as small as it was to be (m, q).
    """

    alphas: Array
    weight: Array
    bias: Array
    objective: Array
    gap: Array
    n_iter: NDArray[np.int_]
    converged: NDArray[np.bool_]


@dataclass(frozen=True)
class Family:
    """Penalties that differ by their strength alpha alone.

    Attributes:
        l1_ratio: how much of the penalty is ‖W‖₁, from 0 to 1.
        factor: fⱼ, not negative: a number, or one for each column (d,); 0 leaves a column free.
        lower, upper: bounds of weights, a number or (d,).
    """

    l1_ratio: float = 1.0
    factor: ArrayLike = 1.0
    lower: ArrayLike = -np.inf
    upper: ArrayLike = np.inf

    def at(self, alpha: float) -> ElasticNet:
        """Return the penalty for ½ Σ cᵢ rᵢ²: half of what the objective has."""
        factor = np.asarray(self.factor, np.float64)
        strength = alpha * factor
        lower, upper = np.asarray(self.lower, np.float64), np.asarray(self.upper, np.float64)
        return ElasticNet(self.l1_ratio * strength, (1 - self.l1_ratio) * strength, lower, upper)


def elastic_net_path(
    rows: Source,
    family: Family | None = None,
    alphas: ArrayLike | int = 100,
    *,
    fit_intercept: bool = True,
    shortest: float | None = None,
    tol: float = 1e-6,
    max_iter: int = 10_000,
) -> ElasticNetPath:
    """Return the minima for penalties from the largest one down, each from where the one before has led.

    Args:
        rows: features (n, d), dense or sparse, targets (n, q) and weights.
        family: the kind of penalty; None is the lasso.
        alphas: the penalties (m,), in any order; or how many, evenly spaced in their logarithms from the least one
            that leaves all penalised columns out of all targets.
        fit_intercept: whether b is free; else it is 0.
        shortest: the last of chosen penalties as a share of the first; None is 1e-4, or 1e-2 if columns outnumber rows.
        tol: the gap to reach, relative to the objective.
        max_iter: the largest number of sweeps over columns for a penalty.

    Raises:
        OneLayerError: if a penalty is negative, values are so large that their squares overflow, or no row has a
            weight.
    """
    rows = rows.less_offset()
    rows, exponent = rows.weights_near_one()
    shortest = shortest_path(rows) if shortest is None else shortest
    with sums_share_threads():
        columns = standard_columns(rows, fit_intercept)
        return path_of(columns, family or Family(), alphas, shortest, tol, max_iter, exponent)


def shortest_path(rows: Source) -> float:
    """Return the last of chosen penalties as a share of the first."""
    return SHORTEST_WIDE if rows.n_features > len(rows) else SHORTEST


def path_of(
    columns: StandardColumns,
    family: Family,
    alphas: ArrayLike | int = 100,
    shortest: float = SHORTEST,
    tol: float = 1e-6,
    max_iter: int = 10_000,
    exponent: int = 0,
) -> ElasticNetPath:
    """Return the same for columns, such as ``SummedColumns(None, *sums)`` where sums are all there is of some rows.

    Weights of their rows are near 1, and those that are meant 2^exponent times as large.
    """
    net = null_net(columns, family)
    if isinstance(alphas, int):
        first = largest_alpha(net, family) or 1.0  # where none is needed, any does
        strengths = np.geomspace(first, first * shortest, alphas)
    else:
        given = np.sort(np.asarray(alphas, np.float64).ravel())[::-1]
        if not (np.isfinite(given) & (given >= 0)).all():
            raise OneLayerError("penalties must be finite and not negative")
        strengths = np.ldexp(given, -exponent)
    net.tol, net.max_iter = tol, max_iter
    q, d = len(net.states), len(columns.mean)
    weight, bias, found = np.empty((len(strengths), q, d)), np.empty((len(strengths), q)), []
    for k, alpha in enumerate(strengths):
        net.change_to([family.at(float(alpha))])
        net.solve_all()
        weight[k], bias[k] = net.weights()
        found.append(net.values())
    objective, gap, n_iter, converged = (np.array(part) for part in zip(*found, strict=True))
    return ElasticNetPath(
        alphas=np.ldexp(strengths, exponent),
        weight=weight,
        bias=bias,
        objective=2 * np.ldexp(objective, exponent),
        gap=2 * np.ldexp(gap, exponent),
        n_iter=n_iter,
        converged=converged,
    )


def null_net(columns: StandardColumns, family: Family) -> Net:
    """Return targets at their minima where penalised columns are left out: at 0, or at the bound nearest to it."""
    is_penalised = np.asarray(family.factor) > 0
    lower, upper = np.asarray(family.lower, np.float64), np.asarray(family.upper, np.float64)
    nearest = np.clip(0.0, lower, upper)
    held = ElasticNet(
        0.0, 0.0, np.where(is_penalised, nearest, lower), np.where(is_penalised, nearest, upper)
    )
    net = Net(columns, [held], EXACT, MOST_SWEEPS)
    if not is_penalised.all():
        net.solve_all()
    return net


def largest_alpha(net: Net, family: Family) -> float:
    """Return the least alpha that leaves all penalised columns out, given where they are, for all targets."""
    d = len(net.columns.mean)
    factor, lower, upper = (
        np.broadcast_to(np.asarray(part, np.float64), d)
        for part in (family.factor, family.lower, family.upper)
    )
    nearest = np.clip(np.zeros(d), lower, upper)
    ratio = max(family.l1_ratio, LEAST_RATIO)
    cost = factor * (ratio + (1 - ratio) * np.abs(nearest))  # of the first step away, for alpha = 1
    found = 0.0
    for state in net.states:
        slope = state.bound.look.slope * net.columns.scale
        up, down = np.where(upper > nearest, slope, 0), np.where(lower < nearest, -slope, 0)
        gain = np.maximum(np.maximum(up, down), 0)
        found = max(found, float((gain[factor > 0] / cost[factor > 0]).max(initial=0)))
    return found * (1 + 4 * EPS)
