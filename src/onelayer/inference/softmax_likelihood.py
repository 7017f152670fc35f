"""How well a softmax regression fits its rows: its likelihood, beside that of the model that knows no features."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Block
from onelayer.double_double import EPS
from onelayer.inference.information import Fitted

Array = NDArray[np.float64]

NOWHERE = 1e4  # how far the logit of a class without rows is below the others
SHORTEST = 1e-8  # part of a Newton step


@dataclass(frozen=True)
class Likelihood:
    """The likelihood of a fit. Weights of rows are frequencies.

    Attributes:
        log_likelihood: Σ cᵢ log p of the label, at the weights that were fitted.
        null_log_likelihood: the greatest without features: each class has its share of the rows. Without an intercept,
            all classes of which there are rows have the same probability. An offset is part of the null too.
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


def _least_loss(fitted: Fitted) -> float:
    """Return the least Σ cᵢ ℓ of a regression with an offset and without features, by Newton's method."""
    objective, has_rows = fitted.objective, fitted.totals > 0
    loss, k = objective.loss, objective.loss.n_outputs

    def at(b: Array) -> tuple[float, Array, Array]:
        def terms(block: Block) -> list[Any]:
            known = np.zeros((len(block), k)) if block.offset is None else block.offset
            losses, R, h = loss.at(known.T + b[:, None], block.y)
            c = block.row_weights()
            return [float(losses @ c), R @ c, objective.curvature(h, c)]

        value, gradient, H = objective.rows.sum(terms)
        return float(value), gradient, H

    b = np.where(has_rows, 0.0, -NOWHERE) if loss.is_coupled else np.zeros(k)
    value, gradient, H = at(b)
    while objective.fit_intercept:
        step, t = -np.linalg.pinv(H, hermitian=True) @ gradient, 1.0
        ahead = at(b + t * step)
        while ahead[0] > value and t > SHORTEST:
            t /= 2
            ahead = at(b + t * step)
        if not value - ahead[0] > 4 * EPS * value:
            break
        b, (value, gradient, H) = b + t * step, ahead
    return value


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
        null = -float(np.ldexp(_least_loss(fitted), fitted.exponent))
    is_penalised = bool(np.any(fitted.objective.penalty.strength))
    return Likelihood(-loss, null, total, effective, rank - free, is_penalised)
