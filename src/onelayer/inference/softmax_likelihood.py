"""How well a softmax regression fits its rows: its likelihood, beside that of the model that knows no features."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Rows
from onelayer.inference.information import Fitted
from onelayer.penalties import Ridge
from onelayer.solvers.minimise import minimise
from onelayer.solvers.objective import Objective
from onelayer.solvers.scaling import RowsScaling

Array = NDArray[np.float64]

NULL_TOL = 1e-12  # gap of the model without features, relative to its objective


@dataclass(frozen=True)
class Likelihood:
    """The likelihood of a fit. Weights of rows are frequencies.

    Attributes:
        log_likelihood: Σ cᵢ log p of the label, at the weights that were fitted.
        null_log_likelihood: the greatest without features: each class has its share of the rows. Without an intercept,
            all classes of which there are rows have the same probability. Offsets stay.
        total: Σ cᵢ.
        effective: how many free parameters the fit is worth: those that the data determine, or with a penalty the trace
            of the information times the inverse of the penalised one (Hastie and Tibshirani 1990, *Generalized Additive
            Models*, section 6.8).
        df: how many parameters more than the null has the data determine.
        is_penalised: whether there is a penalty; then there is no likelihood ratio test.
    """

    log_likelihood: float
    null_log_likelihood: float
    total: float
    effective: float
    df: int
    is_penalised: bool

    @property
    def lr(self) -> float:
        """The likelihood ratio statistic, 2 (log L − log L₀); it is χ² with ``df`` degrees if no feature matters."""
        return 2 * (self.log_likelihood - self.null_log_likelihood)

    @property
    def lr_p(self) -> float:
        """How probable a statistic at least this large is if no feature matters; NaN with a penalty."""
        from scipy.special import chdtrc

        return float("nan") if self.is_penalised or not self.df else float(chdtrc(self.df, max(self.lr, 0.0)))

    @property
    def mcfadden_r2(self) -> float:
        """McFadden's R², 1 − log L / log L₀ (1974, *Conditional logit analysis of qualitative choice behavior*)."""
        return (
            1 - self.log_likelihood / self.null_log_likelihood if self.null_log_likelihood else float("nan")
        )

    @property
    def aic(self) -> float:
        """Akaike's criterion, −2 log L + 2 ``effective``."""
        return -2 * self.log_likelihood + 2 * self.effective

    @property
    def bic(self) -> float:
        """Schwarz's criterion, −2 log L + log(Σc) ``effective``."""
        return -2 * self.log_likelihood + float(np.log(self.total)) * self.effective


def loss_of(fitted: Fitted, weight: Array, bias: Array) -> float:
    """Return Σ cᵢ ℓ of weights (q, d), or (1, d) for two classes, and bias (q,) or (1,), in one pass."""
    objective = fitted.objective
    loss = objective.value_of(weight, bias) - objective.penalty.value(weight)
    return float(np.ldexp(loss, fitted.exponent))


def likelihood(fitted: Fitted, loss: float, effective: float, rank: int) -> Likelihood:
    """Return how well a fit fits.

    Args:
        fitted: the regression.
        loss: its Σ cᵢ ℓ.
        effective: how many free parameters it is worth.
        rank: how many the data determine.
    """
    present = np.ldexp(fitted.totals[fitted.totals > 0], fitted.exponent)
    total = float(present.sum())
    null, free = -total * float(np.log(len(present))), 0
    if fitted.objective.fit_intercept:
        null, free = float(present @ np.log(present / total)), len(present) - 1
    if fitted.objective.rows.first().offset is not None:
        null = _null_with_offset(fitted)
    is_penalised = bool(np.any(fitted.objective.penalty.strength))
    return Likelihood(-loss, null, total, effective, rank - free, is_penalised)


def _null_with_offset(fitted: Fitted) -> float:
    """Return the greatest log-likelihood of rows with offsets, but without features."""
    block, loss = fitted.objective.rows.gathered(), fitted.objective.loss
    nothing = np.zeros((len(block), 1))
    rows = Rows(nothing, block.y, "classes", block.c, offset=block.offset)
    if fitted.objective.fit_intercept:
        least = minimise(rows, loss, Ridge(1.0), tol=NULL_TOL).objective
    else:
        scaling = RowsScaling.of(rows, False)
        objective = Objective(rows, loss, Ridge(1.0), scaling, False)
        least = objective.at(np.zeros(objective.shape)).value
    return -float(np.ldexp(least, fitted.exponent))
