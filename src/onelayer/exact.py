"""The exact solution of a one-layer model as a run asks for it, and what the user should be told of it."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Rows
from onelayer.history import History
from onelayer.settings import Plan
from onelayer.solvers.fit import Fit

IMPRECISE = 1e-9  # relative error of a solution that is worth a word
SENSITIVE = 1e-3  # relative change by rounding of the data, likewise
STILL_FALLING = 0.01  # of the loss in the last epoch, likewise
FALLBACK_C = 1.0  # where classes can be separated, so that without a penalty there is no finite minimum


@dataclass
class Told:
    """What the user should know of a result, a sentence each."""

    sentences: list[str] = field(default_factory=list)

    def about_epochs(self, history: History) -> None:
        """Say so if training ended while the loss was still falling."""
        losses = [history.start_loss, *(record.train_loss for record in history.epochs)]
        if len(losses) > 2 and losses[-1] < (1 - STILL_FALLING) * losses[-2]:
            fell = 1 - losses[-1] / losses[-2]
            self.sentences.append(
                f"the loss was still falling, by {fell:.1%} in the last epoch: the result is not the minimum; "
                "train for more epochs, or take the exact solution (--solver auto)"
            )


def minimum(rows: Rows, plan: Plan, q: int, told: Told) -> Fit:
    """Return the minimum for rows in the user's units, and add to ``told`` what it lacks."""
    if plan.model == "linear":
        return _linear(rows, plan, told)
    # SciPy takes as long to import as an epoch of training, and the others do without it.
    from onelayer.losses import CrossEntropy
    from onelayer.penalties import Ridge
    from onelayer.solvers.minimise import minimise

    loss = CrossEntropy(q)
    fit = minimise(rows, loss, Ridge(1 / plan.C), solver=plan.solver)
    if fit.is_unbounded:
        told.sentences.append(
            "the classes can be separated, so that without a penalty there is no finite minimum: C = 1 was taken; "
            "--C changes it"
        )
        return minimum(rows, replace(plan, C=FALLBACK_C), q, told)
    if not fit.converged:
        told.sentences.append(
            f"the objective is above its minimum by up to {fit.gap:.2g}, of {fit.objective:.6g}: rounding, or the "
            "number of steps, allowed no more"
        )
    return fit


def _linear(rows: Rows, plan: Plan, told: Told) -> Fit:
    from onelayer.errors import PrecisionWarning
    from onelayer.solvers.direct import least_squares

    fit = least_squares(rows, plan.alpha)
    if fit.rank is not None and fit.rank < rows.n_features and not plan.alpha:
        open_ones = int((~fit.identified[:-1]).sum())
        told.sentences.append(
            f"the {rows.n_features:,} features are linearly dependent, of rank {fit.rank:,}: {open_ones:,} "
            "coefficients are not determined by the data, and are the smallest that fit"
        )
    if not fit.error <= IMPRECISE:
        told.sentences.append(str(PrecisionWarning.of_solution(fit.error)))
    elif fit.sensitivity > SENSITIVE and not plan.alpha:
        told.sentences.append(str(PrecisionWarning.of_data(fit.sensitivity)))
    return fit


def all_outputs(fit: Fit, q: int) -> tuple[NDArray[np.floating[Any]], NDArray[np.floating[Any]]]:
    """Return W (q, d) and b (q,): of two classes, whose fit is one logit, an output each."""
    from onelayer.losses import as_two_outputs

    return as_two_outputs(fit.weight, fit.bias) if len(fit.bias) < q else (fit.weight, fit.bias)
