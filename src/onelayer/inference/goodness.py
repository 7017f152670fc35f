"""How well a least squares fit explains its rows: R², the F test of all slopes, likelihood, AIC and BIC."""

import math
from dataclasses import dataclass

import numpy as np

from onelayer.data.rows import Source
from onelayer.inference.covariance import FTest


@dataclass(frozen=True)
class Goodness:
    """Of one target.

    Attributes:
        n: the number of rows, without those of weight 0.
        rank: how many coefficients they determine, the intercept among them.
        sigma: the estimate of the noise's standard deviation, in units of the target.
        r2: the share of the target's variance that is explained; without an intercept, of its mean square.
        adjusted_r2: the same, of variances that are not biased by the number of coefficients.
        f: the test that all coefficients but the intercept are 0.
        log_likelihood: of normal noise whose variance is that of the residuals over the weights of the rows.
        aic: −2 log-likelihood + 2 p. The coefficients alone count as p, as in statsmodels; R counts σ too.
        bic: −2 log-likelihood + p log n, likewise.
    """

    n: int
    rank: int
    sigma: float
    r2: float
    adjusted_r2: float
    f: FTest
    log_likelihood: float
    aic: float
    bic: float

    @staticmethod
    def of(
        n: int,
        rank: int,
        has_intercept: bool,
        sigma: float,
        tss: float,
        log_weights: float,
        f: FTest | None = None,
        is_perfect: bool = False,
    ) -> "Goodness":
        """Return it.

        Args:
            n: the number of rows, without those of weight 0.
            rank: how many coefficients they determine.
            has_intercept: whether the intercept is one of these.
            sigma: of the noise, from n − rank degrees of freedom.
            tss: Σ c (y − ȳ)², without an intercept Σ c y²; 0 if the target does not vary.
            log_weights: Σ log c.
            f: if it is not the classical test, the robust one.
            is_perfect: whether residuals are rounding; then likelihoods and tests say nothing and are NaN.
        """
        slopes, degrees = rank - has_intercept, n - rank
        rss = sigma**2 * degrees
        r2 = 1 - rss / tss if tss > 0 else math.nan
        adjusted = 1 - (n - has_intercept) / degrees * (1 - r2)
        if f is None:
            statistic = (tss - rss) / slopes / sigma**2 if slopes and sigma > 0 and tss > 0 else math.nan
            f = FTest.of(statistic, (slopes, degrees))
        if is_perfect:
            f = FTest(math.nan, f.degrees, math.nan)
        likelihood = math.nan
        if not is_perfect and rss > 0:
            likelihood = -n / 2 * (math.log(2 * math.pi * rss / n) + 1) + log_weights / 2
        aic, bic = (-2 * likelihood + price * rank for price in (2, math.log(n)))
        return Goodness(n, rank, sigma, r2, adjusted, f, likelihood, aic, bic)


def log_weights(rows: Source) -> float:
    """Return Σ log c over the rows whose weight is not 0."""
    if not rows.has_weights:
        return 0.0
    [total] = rows.sum(lambda block: [0.0 if block.c is None else np.log(block.c[block.c > 0]).sum()])
    return float(total)
