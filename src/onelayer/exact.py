"""The exact solution of a one-layer model as a run asks for it, and what the user should be told of it."""

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.dataset import folds
from onelayer.data.rows import Rows, Source
from onelayer.errors import OneLayerError, PrecisionWarning
from onelayer.inference import Coefficients
from onelayer.inference.robust import Robust
from onelayer.intervals import Errors
from onelayer.preparing import Prepared
from onelayer.settings import Plan
from onelayer.solvers.fit import ElasticNetFit, Fit, LeastSquaresFit

if TYPE_CHECKING:
    from onelayer.penalties import ElasticNet, Ridge
    from onelayer.selection.choice import Choice
    from onelayer.solvers.folds import Split

IMPRECISE = 1e-9  # relative error of a solution that is worth a word
SENSITIVE = 1e-3  # relative change by rounding of the data, likewise
TOLERANCE = (
    1e-10  # of an objective, so that coefficients are off by no more than a trifle of their standard errors
)
CLOSE_ENOUGH = 1e-6  # gap, likewise, of models that are compared by their errors
IMPRECISE_MINIMUM = 1e-6  # gap over the objective that is worth a word
MOST_SWEEPS = 10_000  # of coordinate descent
MOST_KEPT = 2**20  # values of a covariance that a model keeps: 8 MB
FALLBACK_C = 1.0  # where classes can be separated, so that without a penalty there is no finite minimum


@dataclass(frozen=True)
class Solution:
    """What an exact solver found.

    Attributes:
        fit: the minimum.
        plan: as it was followed: with the penalty that was taken in the end.
        warnings: what the user should know, a sentence each.
        choice: what the penalty was chosen from, if it was.
    """

    fit: Fit
    plan: Plan
    warnings: tuple[str, ...]
    choice: "Choice | None" = None


def solve(prepared: Prepared, plan: Plan) -> Solution:
    """Return the minimum for the training rows, with warnings about what the data do not determine.

    The penalty is chosen first, if the plan says so. Where classes can be separated and nothing is penalised, there is
    no minimum: C = 1 is taken then, and a warning says so.
    """
    rows, dataset, is_free = prepared.all_rows, prepared.dataset, prepared.fit_intercept
    if plan.cv:
        choice = choose(prepared, plan)
        with_it = replace(plan, cv=0)
        is_linear = plan.model == "linear"
        with_it = replace(with_it, alpha=choice.penalty) if is_linear else replace(with_it, C=choice.penalty)
        found = solve(prepared, with_it)
        return replace(found, plan=replace(found.plan, cv=plan.cv), choice=choice)
    if plan.model == "linear":
        squares = _least_squares(rows, plan, is_free)
        return Solution(squares, plan, tuple(_of_least_squares(squares, plan)))
    # SciPy takes as long to import as an epoch of training, and the others do without it.
    from onelayer.losses import CrossEntropy
    from onelayer.solvers.minimise import minimise

    tol = IMPRECISE_MINIMUM if dataset.image_shape else TOLERANCE
    fit = minimise(rows, CrossEntropy(dataset.n_outputs), _penalty(plan), is_free, plan.solver, tol)
    if math.inf == plan.C:
        from onelayer.inference import separation_notes

        notes = separation_notes(rows, fit.weight, fit.bias, dataset.names, dataset.classes, is_free)
        if notes or fit.is_unbounded:
            penalised = solve(prepared, replace(plan, C=FALLBACK_C))
            said = "without a penalty there is no finite solution: C = 1 was taken; --C chooses another"
            return replace(penalised, warnings=(*notes, said))
    return Solution(fit, plan, tuple(_above(fit.gap, fit.objective)))


def choose(prepared: Prepared, plan: Plan) -> "Choice":
    """Return the penalty that predicts best, by models of all folds but one, on that one, in turn.

    Raises:
        OneLayerError: if there are fewer rows or groups than it takes, or a class is in one fold only.
    """
    rows, splits = prepared.all_rows, _splits(prepared, plan)
    how: dict[str, Any] = {"fit_intercept": prepared.fit_intercept, "rule": plan.rule, "tol": CLOSE_ENOUGH}
    if plan.model == "linear":
        from onelayer.selection.least_squares import choose_alpha
        from onelayer.solvers.net_path import Family

        return choose_alpha(rows, [Family(plan.l1_ratio)], splits=splits, **how)
    from onelayer.selection.softmax import choose_C

    penalty = {plan.l1_ratio: _penalty(replace(plan, C=1.0))}
    return choose_C(rows, prepared.dataset.classes, penalty, splits=splits, **how)


def _splits(prepared: Prepared, plan: Plan) -> "list[Split]":
    """Return folds of the rows, drawn by the seed; of a scan every K-th of its units."""
    from onelayer.selection.splits import ALWAYS_LEARNED, splits_by, unit_splits

    rows = prepared.all_rows
    if not isinstance(rows, Rows):
        return unit_splits(rows.n_parts, plan.cv)
    if len(rows) < plan.cv:
        raise OneLayerError(
            f"{plan.cv} folds need as many rows, and there are {len(rows)}: choose fewer (cv)"
        )
    fold = folds(rows, plan.cv, plan.seed)
    if not fold.any():
        raise OneLayerError("the rows are all of one group, so that no fold leaves any to learn from")
    if rows.task == "classes":
        fold[np.bincount(rows.y)[rows.y] == 1] = ALWAYS_LEARNED
    return splits_by(fold)


def _least_squares(rows: Source, plan: Plan, fit_intercept: bool) -> LeastSquaresFit:
    if not plan.l1_ratio:
        from onelayer.solvers.direct import least_squares

        return least_squares(rows, plan.alpha, fit_intercept)
    from onelayer.solvers.elastic_net import elastic_net
    from onelayer.solvers.net_path import Family

    penalties = [Family(plan.l1_ratio).at(plan.alpha)]
    return elastic_net(rows, penalties, fit_intercept, TOLERANCE, MOST_SWEEPS)


def _penalty(plan: Plan) -> "Ridge | ElasticNet":
    from onelayer.penalties import ElasticNet, Ridge

    if plan.l1_ratio:
        return ElasticNet(plan.l1_ratio / plan.C, (1 - plan.l1_ratio) / plan.C)
    return Ridge(1 / plan.C)


def _above(gap: float, objective: float) -> list[str]:
    """Return a word on an objective that may be above its minimum by more than a trifle."""
    if gap <= IMPRECISE_MINIMUM * objective:
        return []
    return [
        f"the objective may be above its minimum by up to {gap:.2g}, of {objective:.6g}: rounding, or the "
        "number of steps, allowed no more"
    ]


def _of_least_squares(fit: LeastSquaresFit, plan: Plan) -> list[str]:
    if isinstance(fit, ElasticNetFit):
        return _above(float(fit.gap.sum()), float(fit.objective.sum()))
    found, d = [], fit.weight.shape[1]
    if fit.rank is not None and fit.rank < d and not plan.alpha:
        n_open = int((~fit.identified[:-1]).sum())
        found.append(
            f"the {d:,} features are linearly dependent, of rank {fit.rank:,}: {n_open:,} coefficients are not "
            "determined by the data, and are the smallest that fit"
        )
    if not fit.error <= IMPRECISE:
        found.append(str(PrecisionWarning.of_solution(fit.error)))
    elif fit.sensitivity > SENSITIVE and not plan.alpha:
        found.append(str(PrecisionWarning.of_data(fit.sensitivity)))
    return found


def coefficients_of(solution: Solution, prepared: Prepared, plan: Plan) -> tuple[Coefficients, Errors | None]:
    """Return the coefficients of a model of a table with their errors, and what the model keeps of these.

    Raises:
        OneLayerError: if the errors that the plan asks for need other rows, or lags.
    """
    fit, dataset, rows = solution.fit, prepared.dataset, prepared.all_rows
    robust = Robust.for_rows(
        rows, plan.cov, prepared.train.groups if plan.cov == "cluster" else None, plan.lags
    )
    if isinstance(fit, LeastSquaresFit):
        from onelayer.inference.linear import linear_coefficients, linear_covariances

        covariances = linear_covariances(fit, rows, robust, plan.alpha)
        found = linear_coefficients(
            *(fit, dataset.names, robust.n, prepared.fit_intercept, plan.alpha),
            covariances=covariances,
            robust=robust,
        )
        if not covariances or covariances[0].inverse.half.size > MOST_KEPT:
            return found, None
        return found, Errors(plan.cov, covariances[0], float(fit.sigma(covariances[0].degrees)[0]))
    from onelayer.inference.softmax import net_coefficients, softmax_errors
    from onelayer.penalties import Ridge

    if plan.l1_ratio:
        return net_coefficients(
            fit.weight, fit.bias, dataset.names, dataset.classes, prepared.fit_intercept
        ), None
    found, covariance = softmax_errors(
        *(rows, fit.weight, fit.bias, Ridge(1 / plan.C), dataset.names, dataset.classes),
        prepared.fit_intercept,
        robust=robust,
    )
    if covariance is None or covariance.matrix.size > MOST_KEPT:
        return found, None
    return found, Errors(plan.cov, covariance)


def all_outputs(fit: Fit, q: int) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
    """Return W (q, d) and b (q,): of two classes, whose fit is one logit, an output each."""
    from onelayer.losses import as_two_outputs

    return as_two_outputs(fit.weight, fit.bias) if len(fit.bias) < q else (fit.weight, fit.bias)
