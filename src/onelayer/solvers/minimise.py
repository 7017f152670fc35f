"""The one way from rows, a loss and a penalty to the minimum, whichever iteration finds it."""

import math
from dataclasses import replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from onelayer.data.joint import Block, Rows
from onelayer.data.scaling import Scaling
from onelayer.errors import OneLayerError
from onelayer.losses import Loss
from onelayer.penalties import Ridge
from onelayer.solvers.bounds import UNITS
from onelayer.solvers.fit import Fit, Found
from onelayer.solvers.lbfgs import Sizes, lbfgs
from onelayer.solvers.newton import newton
from onelayer.solvers.objective import EPS, Objective
from onelayer.solvers.wide import is_wide, row_space

Array = NDArray[Any]

MOST_DENSE = 600  # parameters: up to here the whole Hessian is formed and factored in each step
LARGEST_DENSE = 10_000  # parameters whose Hessian may be asked for: 800 MB
MOST_DOUBLE = 2**22  # features: if they are stored in fewer bits, float32 takes the first steps beyond them


def minimise(
    rows: Rows,
    loss: Loss,
    penalty: Ridge,
    fit_intercept: bool = True,
    solver: Literal["auto", "newton", "lbfgs"] = "auto",
    tol: float = 1e-6,
    max_iter: int = 1000,
    sizes: Sizes | None = None,
    most_double: int = MOST_DOUBLE,
) -> Fit:
    """Return the minimum of Σᵢ cᵢ ℓ(W xᵢ + b, yᵢ) + penalty(W) to a gap of ``tol`` times itself, or nearly.

    Args:
        rows: features, targets that the loss knows, weights.
        loss: ℓ.
        penalty: on W.
        fit_intercept: whether b is free; else it is 0.
        solver: "newton" for few parameters, "lbfgs" for many; "auto" takes the one or the other.
        tol: the gap to reach, relative to the objective.
        max_iter: the largest number of steps.
        sizes: what lbfgs does where.
        most_double: features in float32 or bytes beyond which lbfgs begins in float32.

    Raises:
        OneLayerError: if no row has a weight, or there are too many parameters for newton.
    """
    scaling = Scaling.of(rows, fit_intercept)
    objective = Objective(rows, loss, penalty, scaling, fit_intercept)
    if (
        rows.in_memory
        and is_wide(rows.X)
        and math.isfinite(loss.steepness)
        and np.all(np.asarray(penalty.strength) > 0)
    ):
        return _in_row_space(objective, solver, tol, max_iter)
    n_parameters = math.prod(objective.shape)
    if solver == "newton" and n_parameters > LARGEST_DENSE:
        raise OneLayerError(
            f"solver 'newton' forms a matrix of all {n_parameters} parameters, and takes {LARGEST_DENSE} at most: "
            "use 'lbfgs' (or 'auto')"
        )
    if solver == "newton" or (solver == "auto" and n_parameters <= MOST_DENSE):
        solver, found = "newton", newton(objective, tol, max_iter)
    else:
        stages = [objective]
        is_narrow = rows.X.dtype in (np.float32, np.uint8) and not rows.is_sparse
        if is_narrow and len(rows) * rows.n_features > most_double:
            stages.insert(0, replace(objective, dtype=np.float32))
        solver, found = "lbfgs", lbfgs(stages, tol, max_iter, sizes or Sizes())
    return _finished(objective, found, tol, solver)


def _finished(objective: Objective, found: Found, tol: float, solver: str) -> Fit:
    """Return the fit in the user's units, its value and gap those of the weights as they are stored."""
    scaling = objective.scaling
    d = objective.rows.n_features
    best: tuple[float, Array, Array] | None = None
    for V in found.candidates:
        bias = V[:, d] if objective.fit_intercept else np.zeros(len(V))
        if objective.loss.is_coupled and objective.fit_intercept:
            bias = bias - bias.mean()
        W, b = scaling.to_user(V[:, :d], bias)
        value = _value(objective, W, b)
        if best is None or value < best[0]:
            best = value, W, b
        if value <= found.history[-1]:
            break
    assert best is not None
    return _judged(objective, best, found, tol, solver)


def _judged(
    objective: Objective, best: tuple[float, Array, Array], found: Found, tol: float, solver: str
) -> Fit:
    value, W, b = best
    unit = objective.scaling.weight_unit
    gap = max(0.0, value - max(0.0, found.lower - _left_out(objective)))
    is_unbounded = objective.is_hopeless(value, found.history[0])
    # Far from every row's loss of a model that knows nothing, a gap is nothing to speak of, whatever F is itself.
    is_small = gap <= tol * value or gap <= EPS * found.history[0]
    return Fit(
        weight=W,
        bias=b,
        objective=value * unit,
        gap=gap * unit,
        history=[v * unit for v in found.history],
        converged=is_small and not is_unbounded,
        solver=solver,
        is_exhausted=found.is_exhausted,
        is_unbounded=is_unbounded,
    )


def _in_row_space(objective: Objective, solver: Any, tol: float, max_iter: int) -> Fit:
    """Return the fit of more columns than rows, from coordinates of the rows in which the penalty is ½ ‖W‖²."""
    rows, scaling, loss = objective.rows, objective.scaling, objective.loss
    root = np.sqrt(objective.penalty.columns(rows.n_features) / scaling.weight_unit)
    X = np.where(
        np.isfinite(scaling.scales),
        (Block(rows.X, rows.y, None, rows.unit).dense() - scaling.means) / root,
        0,
    )
    coordinates, basis = row_space(X)
    inner = replace(rows, X=coordinates, unit=1.0)
    fit = minimise(
        inner, loss, Ridge(scaling.weight_unit), objective.fit_intercept, solver, tol / 2, max_iter
    )
    W, b = fit.weight @ basis.T / root, fit.bias
    b = scaling.moved(W, b, -1.0) if objective.fit_intercept else b
    value, unit = _value(objective, W, b), scaling.weight_unit
    # What rounding of the coordinates may hide: outputs of the best weights, which are at most this large
    norms = np.linalg.norm(coordinates, axis=1) * (1 if rows.c is None else rows.c / unit)
    hidden = UNITS * EPS * math.sqrt(len(rows)) * float(norms.sum()) * loss.steepness * math.sqrt(2 * value)
    found = Found(
        [], (fit.objective - fit.gap) / unit - hidden, [v / unit for v in fit.history], fit.is_exhausted
    )
    return _judged(objective, (value, W, b), found, tol, fit.solver)


def _value(objective: Objective, W: Array, b: Array) -> float:
    """Return F at W (k, d) and b (k,) in the user's units."""
    V, bias = objective.scaling.from_user(W, b)
    V = np.column_stack([V, bias]) if objective.fit_intercept else V

    def term(block: Block) -> list[float]:
        losses, _, _ = objective.loss.at(objective.columns(block, written_out=True).forward(V), block.y)
        return [float((losses * objective.weights(block)).sum())]

    return float(objective.rows.sum(term)[0]) + objective.penalty.value(W) / objective.scaling.weight_unit


def _left_out(objective: Objective) -> float:
    """Return what columns that count as constant could take from F at most, if they vary by rounding."""
    scaling = objective.scaling
    varies = ~np.isfinite(scaling.scales) & (scaling.deviations > 0)
    if not varies.any():
        return 0.0
    strength = objective.penalty.columns(len(varies))[varies] / scaling.weight_unit
    slope = scaling.total * scaling.deviations[varies] * objective.loss.steepness
    with np.errstate(divide="ignore"):
        return float((slope**2 / strength).sum()) / 2
