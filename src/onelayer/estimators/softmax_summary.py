"""The summary of a softmax regression, as it is printed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onelayer.inference.coefficients import Coefficients, aligned, said_p
from onelayer.inference.robust import Robust
from onelayer.inference.softmax_likelihood import Likelihood

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SoftmaxSummary:
    """The coefficients of a softmax regression, how well the rows determine them, and how well the model fits.

    Attributes:
        coefficients: what a feature's unit adds to the logarithm of the odds of each of m classes against the
            reference, with errors.
        likelihood: how well the model fits.
        n: the number of rows, without those of weight 0.
        robust: what the errors are robust to.

    Example:
        >>> from sklearn.datasets import load_breast_cancer
        >>> from onelayer import SoftmaxRegression
        >>> X, y = load_breast_cancer(return_X_y=True)
        >>> summary = SoftmaxRegression().fit(X[:, :2], y).summary()
        >>> summary.odds_ratio[:, 1:].round(3), summary.odds_ratio_interval[:, 1:].round(3)
        (array([[0.351, 0.805]]), array([[[0.289, 0.427],
                [0.749, 0.865]]]))
    """

    coefficients: Coefficients
    likelihood: Likelihood
    n: int
    robust: Robust

    @property
    def terms(self) -> tuple[str, ...]:
        """The name of each coefficient (p,); the intercept, if there is one, is the first."""
        return self.coefficients.terms

    @property
    def outputs(self) -> tuple[str, ...]:
        """The classes that are compared with the reference (m,)."""
        return self.coefficients.outputs

    @property
    def reference(self) -> str:
        """The class that they are compared with."""
        return str(self.coefficients.reference)

    @property
    def estimate(self) -> Array:
        """The coefficients (m, p)."""
        return self.coefficients.estimate

    @property
    def std_err(self) -> Array:
        """Their standard errors (m, p); NaN where a coefficient is not determined, as the notes say."""
        return self.coefficients.std_err

    @property
    def z(self) -> Array:
        """The estimates in units of their standard errors (m, p)."""
        return self.coefficients.statistic

    @property
    def p(self) -> Array:
        """How probable a z this far from 0 is where the true coefficient is 0 (m, p)."""
        return self.coefficients.p

    @property
    def interval(self) -> Array:
        """The lower and upper end of each confidence interval (m, p, 2)."""
        return self.coefficients.interval

    @property
    def odds_ratio(self) -> Array:
        """What a feature's unit multiplies the odds by (m, p); of the intercept, the odds where all features are 0."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(self.estimate))

    @property
    def odds_ratio_interval(self) -> Array:
        """The ends of its confidence interval (m, p, 2), which are those of the coefficient's."""
        with np.errstate(over="ignore"):
            return np.asarray(np.exp(self.interval))

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences on what is not determined, and why, and on what the errors rest."""
        return self.coefficients.notes

    def __str__(self) -> str:
        lines = []
        for k, output in enumerate(self.outputs):
            lines += [f"{output} against {self.reference}", *aligned(self._cells(k)), ""]
        fit = self.likelihood
        lines.append(
            f"{self.n} rows, log-likelihood {fit.log_likelihood:.6g}, McFadden's R² = {fit.mcfadden_r2:.6f}, "
            f"AIC = {fit.aic:.6g}, BIC = {fit.bic:.6g}"
        )
        if not fit.is_penalised and fit.df:
            lines.append(f"against no features: χ²({fit.df}) = {fit.lr:.6g}, {said_p(fit.lr_p)}")
        if self.robust.cov != "classical":
            lines.append(f"errors: {self.robust}")
        elif not fit.is_penalised:
            lines.append("errors: from the curvature of the likelihood at its maximum (observed information)")
        return "\n".join([*lines, *self.notes])

    def _cells(self, k: int) -> list[tuple[str, ...]]:
        """Return the table of an output: that of its coefficients, and odds ratios beside it."""
        heads, *rows = self.coefficients.cells(k)
        ratios = np.column_stack([self.odds_ratio[k], self.odds_ratio_interval[k]])
        shown = [["–" if np.isnan(number) else f"{number:.4g}" for number in row] for row in ratios]
        return [(*heads, "odds ratio", *heads[-2:])] + [
            (*cells, *more) for cells, more in zip(rows, shown, strict=True)
        ]
