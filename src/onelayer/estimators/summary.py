"""The table of a linear regression's coefficients, as it is printed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onelayer.inference import Coefficients
from onelayer.inference.coefficients import aligned
from onelayer.inference.covariance import FTest
from onelayer.inference.goodness import Goodness

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Summary:
    """The coefficients of y = Xw + b + ε with ε ~ N(0, σ²), and how well the data determine them (section 3.1.3).

    Attributes:
        coefficients: of one target.
        goodness: how well they explain the rows.

    Example:
        >>> from onelayer import LinearRegression, houses
        >>> rows = houses().train
        >>> summary = LinearRegression().fit(rows.X, rows.y[:, 0]).summary(cov="HC3")
        >>> summary.terms
        ('intercept', 'x1', 'x2')
        >>> summary.interval[1].round(2)
        array([ 86.97, 104.86])
    """

    coefficients: Coefficients
    goodness: Goodness

    @property
    def n(self) -> int:
        """The number of rows, without those of weight 0."""
        return self.goodness.n

    @property
    def sigma(self) -> float:
        """The estimate of σ, in units of y; of a row of weight 1."""
        return self.goodness.sigma

    @property
    def r2(self) -> float:
        """The share of y's variance that is explained; without an intercept, of its mean square."""
        return self.goodness.r2

    @property
    def adjusted_r2(self) -> float:
        """The same, of variances that are not biased by the number of coefficients."""
        return self.goodness.adjusted_r2

    @property
    def f(self) -> FTest:
        """The test that all coefficients but the intercept are 0; robust where the errors are."""
        return self.goodness.f

    @property
    def log_likelihood(self) -> float:
        """The logarithm of the likelihood of normal noise; NaN if the fit is perfect."""
        return self.goodness.log_likelihood

    @property
    def aic(self) -> float:
        """Akaike's criterion, of coefficients without σ."""
        return self.goodness.aic

    @property
    def bic(self) -> float:
        """Schwarz's criterion, likewise."""
        return self.goodness.bic

    @property
    def terms(self) -> tuple[str, ...]:
        """The name of each coefficient (p,); the intercept, if there is one, is the first."""
        return self.coefficients.terms

    @property
    def estimate(self) -> Array:
        """The coefficients (p,)."""
        return np.asarray(self.coefficients.estimate[0])

    @property
    def std_err(self) -> Array:
        """Their standard errors (p,); NaN where dependent features leave a coefficient undetermined."""
        return np.asarray(self.coefficients.std_err[0])

    @property
    def degrees_of_freedom(self) -> int:
        """The number of rows beyond that of coefficients that they determine; σ is estimated with so many."""
        return self.goodness.n - self.goodness.rank

    @property
    def t(self) -> Array:
        """The estimates in units of their standard errors (p,); NaN if the fit is perfect."""
        return np.asarray(self.coefficients.statistic[0])

    @property
    def p(self) -> Array:
        """How probable a t this far from 0 is where the true coefficient is 0 (p,)."""
        return np.asarray(self.coefficients.p[0])

    @property
    def interval(self) -> Array:
        """The lower and upper end of each confidence interval (p, 2)."""
        return np.asarray(self.coefficients.interval[0])

    def __str__(self) -> str:
        lines = aligned(self.coefficients.cells(0))
        lines += [
            f"{self.n} rows, {self.degrees_of_freedom} degrees of freedom, σ = {self.sigma:.6g}, R² = {self.r2:.6f}",
        ]
        if not np.isnan(self.log_likelihood):
            lines += [
                f"adjusted R² = {self.adjusted_r2:.6f}, {self.f} for all slopes",
                f"log-likelihood {self.log_likelihood:.6g}, AIC {self.aic:.6g}, BIC {self.bic:.6g}",
            ]
        return "\n".join([*lines, *self.coefficients.notes])
