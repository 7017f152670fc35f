"""The table of a linear regression's coefficients, as it is printed."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onelayer.inference import Coefficients

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Summary:
    """The coefficients of y = Xw + b + ε with ε ~ N(0, σ²), and how well the data determine them (section 3.1.3).

    Attributes:
        coefficients: of one target.
        n: the number of rows, without those of weight 0.
        sigma: the estimate of σ, in units of y.
        r2: the share of y's variance that is explained.
    """

    coefficients: Coefficients
    n: int
    sigma: float
    r2: float

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
        """The number of rows beyond that of coefficients that they determine."""
        return int(self.coefficients.degrees_of_freedom)

    @property
    def t(self) -> Array:
        """The estimates in units of their standard errors (p,); NaN if the fit is perfect."""
        return np.asarray(self.coefficients.statistic[0])

    @property
    def p(self) -> Array:
        """How probable a |t| this large is where the true coefficient is 0 (p,)."""
        return np.asarray(self.coefficients.p[0])

    @property
    def interval(self) -> Array:
        """The lower and upper end of each confidence interval (p, 2)."""
        return np.asarray(self.coefficients.interval[0])

    def __str__(self) -> str:
        rows = self.coefficients.cells(0)
        widths = [max(len(cell) for cell in column) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(
                [row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))]
            )
            for row in rows
        ]
        lines.append(
            f"{self.n} rows, {self.degrees_of_freedom} degrees of freedom, σ = {self.sigma:.6g}, R² = {self.r2:.6f}"
        )
        return "\n".join([*lines, *self.coefficients.notes])
