"""The one way from rows, a loss and a penalty to the minimum, whichever iteration finds it."""

import math
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Source
from onelayer.double_double import EPS
from onelayer.engines.threads import sums_share_threads
from onelayer.errors import OneLayerError
from onelayer.losses import Loss
from onelayer.penalties import ElasticNet, Ridge
from onelayer.solvers.downhill import Sizes
from onelayer.solvers.fit import Fit, Found, Minimum, Watch
from onelayer.solvers.lbfgs import lbfgs
from onelayer.solvers.moments import FEW_COLUMNS
from onelayer.solvers.newton import newton
from onelayer.solvers.newton_cg import newton_cg
from onelayer.solvers.objective import Objective
from onelayer.solvers.penalty_path import PenaltyPath
from onelayer.solvers.scaling import RowsScaling
from onelayer.solvers.wide import RowSpace, has_row_space, hidden

Array = NDArray[Any]

MOST_DENSE = 600  # parameters: up to here the whole Hessian is formed and factored in each step
# Products of features in a whole Hessian: beyond them many passes for gradients take less time than a few for it.
MOST_PRODUCTS = 2 * 10**9
MOST_FOR_READING = 300  # of a row, up to which they take less time than to read it again for many gradients
ROUNDING = 4  # units in the last place of an objective
LARGEST_DENSE = 10_000  # parameters whose Hessian may be asked for: 800 MB


def minimise(
    rows: Source,
    loss: Loss,
    penalty: Ridge | ElasticNet,
    fit_intercept: bool = True,
    solver: str = "auto",
    tol: float = 1e-6,
    max_iter: int = 1000,
    sizes: Sizes | None = None,
    start: tuple[Array, Array] | None = None,
    watch: Watch = lambda state: False,
) -> Minimum:
    """Return the minimum of Σᵢ cᵢ ℓ(W xᵢ + b, yᵢ) + penalty(W) to a gap of ``tol`` times itself, or nearly.

    Args:
        rows: features, targets that the loss knows, weights.
        loss: ℓ.
        penalty: on W.
        fit_intercept: whether b is free; else it is 0.
        solver: with a ridge "newton" for few parameters, "lbfgs" for many, or many rows of several classes,
            "newton-cg" for very many sparse features; "auto" takes one of these. With an elastic net "proximal" or
            "auto".
        tol: the gap to reach, relative to the objective.
        max_iter: the largest number of steps.
        sizes: where "auto" and lbfgs do what.
        start: W (k, d) and b (k,) to begin at, such as the minimum for a penalty near this one; else they are 0.
        watch: is told of each step.

    Raises:
        OneLayerError: if no row has a weight, the rows have an offset for other outputs, there are too many parameters
            for newton, or the solver is not one for the penalty.
    """
    if solver != "auto" and isinstance(penalty, ElasticNet) != (solver == "proximal"):
        raise OneLayerError(
            f"solver {solver!r} is not for {type(penalty).__name__}: with an l1, bounds or groups it is 'proximal', "
            "without them 'newton', 'lbfgs' or 'newton-cg'; 'auto' takes the right one"
        )
    offset = rows.first().offset
    if offset is not None and offset.shape[1] != loss.n_outputs:
        raise OneLayerError(
            f"offsets must be (n, {loss.n_outputs}), one for each output, not (n, {offset.shape[1]})"
        )
    rows = rows.distinct()
    with sums_share_threads() if rows.n_features <= FEW_COLUMNS else nullcontext():
        if isinstance(penalty, ElasticNet):
            return PenaltyPath(rows, loss, fit_intercept, start).minimum(penalty, tol, max_iter)
        settings = fit_intercept, solver, tol, max_iter, sizes or Sizes()
        return _minimum(rows, loss, penalty, *settings, start, watch)


def _minimum(
    rows: Source,
    loss: Loss,
    penalty: Ridge,
    fit_intercept: bool,
    solver: str,
    tol: float,
    max_iter: int,
    sizes: Sizes,
    start: tuple[Array, Array] | None,
    watch: Watch,
) -> Minimum:
    rows, exponent = rows.weights_near_one()
    penalty = penalty.times_power(-exponent)
    scaling = RowsScaling.of(rows, fit_intercept)
    objective = Objective(rows, loss, penalty, scaling, fit_intercept)
    if has_row_space(objective):
        space = RowSpace.of(objective)
        inside = None if start is None else space.there(*start)
        fit = _minimum(
            *(space.rows, loss, Ridge(1.0), fit_intercept, solver, tol / 2, max_iter, sizes, inside),
            watch=lambda state: watch(lambda: space.back(Fit(*state(), solver))),
        )
        lower = fit.objective - fit.gap - hidden(space.rows, loss.steepness, fit.objective)
        first = fit.history[0] if start is None else objective.value_at_zero()
        found = Found([], lower, fit.history, fit.is_exhausted, first, fit.is_stopped)
        solver, weights = fit.solver, [space.back(fit)]
    else:
        solver, found = _found(
            *(objective, _standard(objective, start), solver, tol, max_iter, sizes),
            watch=lambda V: watch(lambda: _in_user_units(objective, V)),
        )
        weights = [_in_user_units(objective, V) for V in found.candidates]
    return _judged(objective, weights, found, tol, solver).times_power(exponent)


def _found(
    objective: Objective,
    start: Array,
    solver: str,
    tol: float,
    max_iter: int,
    sizes: Sizes,
    watch: Callable[[Array], bool],
) -> tuple[str, Found]:
    n_parameters = math.prod(objective.shape)
    if solver == "newton" and n_parameters > LARGEST_DENSE:
        raise OneLayerError(
            f"solver 'newton' forms a matrix of all {n_parameters} parameters, and takes {LARGEST_DENSE} at most: "
            "use 'lbfgs' (or 'auto')"
        )
    if solver == "newton" or (solver == "auto" and n_parameters <= MOST_DENSE and _suits_newton(objective)):
        return "newton", newton(objective, start, tol, max_iter, watch)
    rows, stages = objective.rows, [objective]
    # With no more than the diagonal to begin with, L-BFGS reads the rows half as often again, or twice. Of dense rows
    # the kernel makes a gradient in a third of the time of a product with the Hessian.
    if solver == "newton-cg" or (solver == "auto" and rows.is_sparse and objective.shape[1] > sizes.block):
        return "newton-cg", newton_cg(objective, start, tol, max_iter, sizes, watch)
    width = max(rows.n_features, objective.loss.n_outputs)
    is_large = len(rows) * width > sizes.most_double and not rows.is_sparse
    if is_large:
        stages.insert(0, replace(objective, dtype=np.float32))
    return "lbfgs", lbfgs(stages, start, tol, max_iter, sizes, watch)


def _suits_newton(objective: Objective) -> bool:
    """Return whether a few passes for the whole Hessian take less time than many for gradients."""
    (k, p), rows = objective.shape, objective.rows
    pairs = k * (k - 1) // 2 if objective.loss.is_coupled else k
    if not rows.in_memory and p * pairs <= MOST_FOR_READING:
        return True
    return len(rows) * p**2 * pairs <= MOST_PRODUCTS


def _standard(objective: Objective, start: tuple[Array, Array] | None) -> Array:
    """Return V (k, p) to begin at: W and b, or what makes up for the mean offset, or 0 where that is better."""
    nothing = np.zeros(objective.shape)
    if start is not None:
        V, bias = objective.scaling.input_to_standard(*start)
        V = np.column_stack([V, bias]) if objective.fit_intercept else V
        objective.centre(V)
    elif objective.rows.first().offset is not None and objective.fit_intercept:
        V = nothing.copy()
        V[:, -1] = -objective.mean_offset()
    else:
        return nothing
    return V if objective.at(V).value < objective.value_at_zero() else nothing


def _in_user_units(objective: Objective, V: Array) -> tuple[Array, Array]:
    d = objective.rows.n_features
    bias = V[:, d] if objective.fit_intercept else np.zeros(len(V))
    if objective.loss.is_coupled and objective.fit_intercept:
        bias = bias - bias.mean()
    return objective.scaling.input_to_user(V[:, :d], bias)


def _judged(
    objective: Objective, weights: list[tuple[Array, Array]], found: Found, tol: float, solver: str
) -> Minimum:
    """Return the fit with the best of some W and b, its value and gap those of these numbers as they are stored."""
    value, W, b = math.inf, *weights[0]
    for candidate in weights:
        its_value = objective.value_of(*candidate)
        if its_value < value:
            value, (W, b) = its_value, candidate
        # A last step of Newton's that rounding hides is one.
        if value <= found.history[-1] * (1 + ROUNDING * EPS):
            break
    gap = max(0.0, value - max(0.0, found.lower - objective.left_out()))
    is_free = objective.penalty.columns(W.shape[1]) == 0
    is_unbounded = objective.has_no_minimum(W, b, is_free, value, found.first)
    return found.minimum(W, b, value, gap, tol=tol, solver=solver, is_unbounded=is_unbounded)
