"""A lower bound on the minimum of a loss and an elastic net, by the duality gap of the columns.

At any V the losses are above their tangents, so F(U) ≥ F(V) − Σⱼ [pⱼ(V·ⱼ) + gⱼ·V·ⱼ + pⱼ*(−gⱼ)], with the gradient g of
the losses and the conjugate p* of a column's penalty (Fenchel's inequality; Kim, Koh, Lustig, Boyd and Gorinevsky 2007,
*An interior-point method for large-scale l1-regularized least squares*, section 3.3). Two things stand in the way.

The conjugate is infinite where a slope is beyond l1 and nothing else holds the weight. But the best U has Σ l1 ‖U·ⱼ‖ of
at most what F is at V, as losses are not negative: with l1 larger by a share ε, F grows by at most ε times that.

Columns without any penalty, such as the intercept's ones, need a gradient of exactly 0. There are such weights near V:
to move to them takes from F what the Newton decrement of these columns leaves at most, and changes the other slopes by
at most what the curvature between both allows (see ``bounds``).

Where l1 is small beside the rounding of slopes, ε is large. Then penalties give way to their tangents (see
``tangents``), and the weights that have one are free as well.
"""

import math
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.double_double import EPS
from onelayer.penalties import ElasticNet
from onelayer.solvers.bounds import UNITS, Audit, Factor, audit, remainder
from onelayer.solvers.objective import Objective, Point
from onelayer.solvers.quadratic import Quadratic
from onelayer.solvers.some_columns import with_columns
from onelayer.solvers.tangents import Tangents

Array = NDArray[Any]

SHARES = 4.0 ** -np.arange(12)  # of the largest ε, that are tried
CLEAR = 100  # times the slopes that should be 0: what is so much larger is not meant to be
MOST_FREE = 3_000  # weights without a penalty, whose Hessian is formed


def free_weights(net: ElasticNet, V: Array, gradient: Array) -> NDArray[np.bool_]:
    """Return which weights (k, p) have no penalty and no bound that clearly holds them."""
    is_open = (net.l1 == 0) & (net.l2 == 0) & ~(np.isfinite(net.lower) & np.isfinite(net.upper))
    held = (net.lower >= V) & (gradient > 0) | (net.upper <= V) & (gradient < 0)
    off = float(np.abs(gradient[is_open & ~held]).max(initial=0.0))
    return np.asarray(is_open & ~(held & (np.abs(gradient) > CLEAR * off)))


def column_gap(net: ElasticNet, V: Array, gradient: Array, error: Array, reach: float) -> float:
    """Return by how much F is above a bound that its columns give, where Σ l1 ‖U·ⱼ‖ ≤ ``reach`` for the best U.

    Args:
        net: of each column (p,).
        V: (k, p), between the bounds.
        gradient: of the losses (k, p).
        error: how far off that may be (k, p).
        reach: see above.
    """
    here = net.value(V) + float((gradient * V + error * np.abs(V)).sum())
    ends = [-gradient - error, error - gradient]
    if net.is_grouped or not net.has_bounds:
        ends = [-np.copysign(np.abs(gradient) + error, gradient)]
    needed, most = (_largest_share(net, [of(end) for end in ends]) for of in (net.unheld, net.excess))
    least = math.inf
    for share in np.unique(needed + (most - needed) * np.append(SHARES, 0)):
        epsilon = share + 8 * EPS * (1 + share)
        wider = replace(net, l1=net.l1 * (1 + epsilon))
        # the larger end of each weight: with bounds, conjugates are taken one output at a time
        split = [np.split(end, len(end)) if len(ends) > 1 else [end] for end in ends]
        parts = [
            np.max([wider.conjugate(U) for U in of_output], axis=0) for of_output in zip(*split, strict=True)
        ]
        least = min(least, here + float(np.sum(parts)) + epsilon * reach)
    return max(least, 0.0)


def _largest_share(net: ElasticNet, excesses: list[Array]) -> float:
    """Return by how much l1 has to grow, relatively, to hold slopes that are beyond it by so much."""
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(
            (np.max(excesses, axis=0) > 0) & (net.l1 > 0), np.max(excesses, axis=0) / net.l1, 0.0
        )
    return float(shares.max(initial=0.0))


def estimated_gap(net: ElasticNet, point: Point) -> float:
    """Return the gap at a point but for rounding and the curvature of what is free, which are taken to be modest."""
    free = free_weights(net, point.V, point.gradient)
    off = float(np.abs(point.gradient[free]).max(initial=0.0))
    if free.all():  # no other slope tells how far off these are: by a step of 1 for each, at most about
        return off
    gradient = np.where(free, 0.0, point.gradient)
    error = np.where(free, 0.0, off)
    return column_gap(net, point.V, gradient, error, point.value + net.value(point.V))


def dual_bound(objective: Objective, net: ElasticNet, point: Point, enough: float) -> float:
    """Return a lower bound on the minimum of the losses and the penalty ``net`` (p,) of the columns.

    Args:
        objective: of the losses alone.
        net: of the columns, and of the intercept's ones.
        point: of the losses alone, with a V between the bounds.
        enough: a gap below which a sharper account of rounding, which takes a pass, is not worth it.
    """
    free = free_weights(net, point.V, point.gradient)
    if free.sum() > MOST_FREE:
        return 0.0
    value = point.value + net.value(point.V)
    quick, nothing, lower = _quick_audit(objective, point), Tangents.none(point), 0.0
    if quick is not None:
        lower = _bound(objective, net, point, free, quick, nothing)
    if value - lower <= enough:
        return lower
    found = audit(objective, point)
    lower = max(lower, _bound(objective, net, point, free, found, nothing))
    if value - lower <= enough:
        return lower
    tangents = Tangents.at(net, point, objective.loss.is_coupled)
    if not tangents.where.any() or (free | tangents.where).sum() > MOST_FREE:
        return lower
    return max(lower, _bound(objective, net, point, free, found, tangents))


def _bound(
    objective: Objective,
    net: ElasticNet,
    point: Point,
    free: NDArray[np.bool_],
    found: Audit,
    tangents: Tangents,
) -> float:
    value, free = point.value + net.value(point.V), free | tangents.where
    error = found.gradient_error + UNITS * EPS * np.abs(tangents.slope)
    gradient = point.gradient + tangents.slope
    left, growth = 0.0, 0.0
    if free.any():
        model = _held(_model_of_free(objective, point, free), tangents.curvature, objective.loss.is_coupled)
        at = model.outputs, model.columns
        left, growth = _freed(objective, point, model, gradient[at], error[at], found.output_error)
    if not math.isfinite(left):
        return 0.0
    error = np.where(free, 0.0, error + growth * np.sqrt(found.squares))
    V = np.where(tangents.where, np.clip(0.0, net.lower, net.upper), point.V)
    left += tangents.lost + column_gap(net, V, np.where(free, 0.0, gradient), error, value)
    return max(0.0, value - left - found.value_error - UNITS * EPS * net.value(point.V))


def _freed(
    objective: Objective, point: Point, model: Quadratic, gradient: Array, error: Array, output_error: float
) -> tuple[float, float]:
    """Return what moving free weights to where their slopes are 0 takes from F, and how much of the curvature's root.

    The other slopes change by at most the latter times √Σ c h z².

    Args:
        objective: of the losses.
        point: likewise.
        model: of F for the free weights (m,).
        gradient: of F by these (m,).
        error: how far off that may be (m,).
        output_error: see ``Audit``.
    """
    factor = Factor(model.H)
    inverse = factor.inverse()
    lost = (factor.jitter + UNITS * EPS * math.sqrt(len(inverse))) * float(np.trace(inverse))
    if not lost < 0.5:
        return math.inf, math.inf
    g, e = gradient / factor.scales, error / factor.scales
    decrement = math.sqrt(max(float(g @ inverse @ g), 0)) + float(e @ np.sqrt(inverse.diagonal()))
    decrement = (decrement + output_error) / math.sqrt(1 - lost)
    inverse = inverse / factor.scales / factor.scales[:, None]
    rho = objective.loss.skewness * math.sqrt(_largest_form(objective, point, model, inverse) / (1 - lost))
    left = remainder(decrement, rho)
    if not math.isfinite(left):
        return left, left
    moved = decrement if rho == 0 else -math.log1p(-rho * decrement) / rho
    return left, math.exp(rho * moved) * moved


def _held(model: Quadratic, curvature: Array, is_coupled: bool) -> Quadratic:
    """Return the model with a curvature (k, p) of its own for each weight.

    What all outputs have in common changes no loss. Where nothing else holds it, it is held by as much as the rest.
    """
    l2, k = curvature[model.outputs, model.columns], len(curvature)
    H = model.H.copy()
    if is_coupled:
        is_whole = (np.bincount(model.columns)[model.columns] == k) & (l2 == 0)
        together = (model.columns[:, None] == model.columns) & is_whole
        H += together * np.sqrt(np.outer(H.diagonal(), H.diagonal())) / k
    H.flat[:: len(H) + 1] += l2
    return replace(model, H=H)


def _model_of_free(objective: Objective, point: Point, free: NDArray[np.bool_]) -> Quadratic:
    """Return the model for the free weights, from what the point knows if these are the intercept alone."""
    k, p = objective.shape
    if len(point.inner) and objective.fit_intercept and not free[:, : p - 1].any():
        return Quadratic(free, np.arange(k), np.full(k, p - 1), point.inner)
    used = _used(objective, point, np.asarray(free.any(axis=0)))
    model = Quadratic.at(with_columns(objective, used), point.V[:, used], free[:, used], np.float64)
    return replace(model, active=free, columns=used[model.columns])


def _largest_form(objective: Objective, point: Point, model: Quadratic, inverse: Array) -> float:
    """Return at least the largest square of the change of a row's outputs along δ with δᵀHδ = 1."""
    p = objective.shape[1]
    if objective.fit_intercept and (model.columns == p - 1).all():
        return float(np.trace(inverse))
    is_free = np.zeros(p, bool)
    is_free[model.columns] = True
    used = _used(objective, point, is_free)
    place = np.searchsorted(used, model.columns)
    Q = np.zeros((len(used), len(used)))
    same = model.outputs[:, None] == model.outputs
    np.add.at(Q, (place[:, None], place), inverse * same)
    part = replace(point, V=point.V[:, used], gradient=point.gradient[:, used])
    return audit(with_columns(objective, used), part, Q).largest


def _used(objective: Objective, point: Point, wanted: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Return the columns that are wanted or that outputs depend on."""
    is_used = wanted | point.V.any(axis=0)
    is_used[len(is_used) - int(objective.fit_intercept) :] = True
    return np.flatnonzero(is_used)


def _quick_audit(objective: Objective, point: Point) -> Audit | None:
    """Return what ``audit`` does without a pass, from Σ c z² = Σ c and Cauchy's inequality; None if it can't."""
    loss, scaling = objective.loss, objective.scaling
    if not math.isfinite(loss.steepness * loss.smoothness) or objective.rows.first().offset is not None:
        return None
    far = np.where(np.isfinite(scaling.scale), np.abs(scaling.mean) / scaling.scale, 0.0)
    reach = np.append(1 + far, np.ones(int(objective.fit_intercept)))
    total, lengths = scaling.total, np.abs(point.V) @ reach
    steep = UNITS * EPS * total * loss.steepness
    return Audit(
        steep * float(np.linalg.norm(lengths)) + UNITS * EPS * 2 * point.value,
        np.broadcast_to(steep * reach, point.V.shape),
        UNITS * EPS * math.sqrt(total * loss.smoothness) * float(np.linalg.norm(lengths)),
        math.inf,
        np.full(point.V.shape, total * loss.smoothness),
    )
