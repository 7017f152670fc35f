"""The exact solution of a one-layer model as a run asks for it, and what the user should be told of it."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import PrecisionWarning
from onelayer.inference import Coefficients
from onelayer.preparing import Prepared
from onelayer.settings import Plan
from onelayer.solvers.fit import Fit, LeastSquaresFit

IMPRECISE = 1e-9  # relative error of a solution that is worth a word
SENSITIVE = 1e-3  # relative change by rounding of the data, likewise
TOLERANCE = (
    1e-10  # of an objective, so that coefficients are off by no more than a trifle of their standard errors
)
IMPRECISE_MINIMUM = 1e-6  # gap over the objective that is worth a word
FALLBACK_C = 1.0  # where classes can be separated, so that without a penalty there is no finite minimum


@dataclass(frozen=True)
class Solution:
    """What an exact solver found.

    Attributes:
        fit: the minimum.
        C: of softmax regression, as it was taken in the end.
        warnings: what the user should know, a sentence each.
    """

    fit: Fit
    C: float
    warnings: tuple[str, ...]


def solve(prepared: Prepared, plan: Plan) -> Solution:
    """Return the minimum for the training rows, with warnings about what the data do not determine.

    Where classes can be separated and nothing is penalised, there is none: C = 1 is taken then, and a warning says so.
    """
    rows, dataset, is_free = prepared.train, prepared.dataset, prepared.fit_intercept
    if plan.model == "linear":
        from onelayer.solvers.direct import least_squares

        squares = least_squares(rows, plan.alpha, is_free)
        return Solution(squares, plan.C, tuple(_of_least_squares(squares, plan)))
    # SciPy takes as long to import as an epoch of training, and the others do without it.
    from onelayer.losses import CrossEntropy
    from onelayer.penalties import Ridge
    from onelayer.solvers.minimise import minimise

    tol = IMPRECISE_MINIMUM if dataset.image_shape else TOLERANCE
    fit = minimise(rows, CrossEntropy(dataset.n_outputs), Ridge(1 / plan.C), is_free, plan.solver, tol)
    if math.inf == plan.C:
        from onelayer.inference import separation_notes

        notes = separation_notes(rows, fit.weight, fit.bias, dataset.features, dataset.classes, is_free)
        if notes or fit.is_unbounded:
            penalised = solve(prepared, replace(plan, C=FALLBACK_C))
            said = "without a penalty there is no finite solution: C = 1 was taken; --C chooses another"
            return replace(penalised, warnings=(*notes, said))
    if fit.gap <= IMPRECISE_MINIMUM * fit.objective:
        return Solution(fit, plan.C, ())
    above = (
        f"the objective may be above its minimum by up to {fit.gap:.2g}, of {fit.objective:.6g}: rounding, or the "
        "number of steps, allowed no more"
    )
    return Solution(fit, plan.C, (above,))


def _of_least_squares(fit: LeastSquaresFit, plan: Plan) -> list[str]:
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


def coefficients_of(solution: Solution, prepared: Prepared, plan: Plan) -> Coefficients:
    """Return the coefficients of a model of a table, with their errors."""
    fit, dataset, rows = solution.fit, prepared.dataset, prepared.train
    if isinstance(fit, LeastSquaresFit):
        from onelayer.inference import linear_coefficients

        n = len(rows) if rows.c is None else int((rows.c > 0).sum())
        return linear_coefficients(fit, dataset.features, n, prepared.fit_intercept, plan.alpha)
    from onelayer.inference import softmax_coefficients
    from onelayer.penalties import Ridge

    ridge = Ridge(1 / solution.C)
    return softmax_coefficients(
        rows, fit.weight, fit.bias, ridge, dataset.features, dataset.classes, prepared.fit_intercept
    )


def all_outputs(fit: Fit, q: int) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
    """Return W (q, d) and b (q,): of two classes, whose fit is one logit, an output each."""
    from onelayer.losses import as_two_outputs

    return as_two_outputs(fit.weight, fit.bias) if len(fit.bias) < q else (fit.weight, fit.bias)
