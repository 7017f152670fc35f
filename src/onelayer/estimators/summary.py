"""The table of a linear regression's coefficients, with what the normal noise model says of their errors."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Summary:
    """The coefficients of y = Xw + b + ε with ε ~ N(0, σ²), and how well the data determine them (section 3.1.3).

    Attributes:
        terms: the name of each coefficient (p,); the intercept, if there is one, is the first.
        estimate: the coefficients (p,).
        std_err: their standard errors (p,); NaN where dependent features leave a coefficient undetermined.
        n: the number of rows, without those of weight 0.
        rank: the number of coefficients that the data determine.
        sigma: the estimate of σ, in units of y.
        r2: the share of y's variance that is explained.
        confidence: the probability with which the intervals hold the true coefficients.
        is_perfect: whether the residuals are no more than rounding; then they say nothing of errors.
    """

    terms: tuple[str, ...]
    estimate: Array
    std_err: Array
    n: int
    rank: int
    sigma: float
    r2: float
    confidence: float = 0.95
    is_perfect: bool = False

    @property
    def degrees_of_freedom(self) -> int:
        """The number of rows beyond that of coefficients that they determine."""
        return self.n - self.rank

    @property
    def t(self) -> Array:
        """The estimates in units of their standard errors (p,); NaN if the fit is perfect."""
        if self.is_perfect:
            return np.full(len(self.estimate), np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            return self.estimate / self.std_err

    @property
    def p(self) -> Array:
        """How probable a |t| this large is where the true coefficient is 0 (p,)."""
        return np.asarray(2 * stats.t.sf(np.abs(self.t), self.degrees_of_freedom))

    @property
    def interval(self) -> Array:
        """The lower and upper end of each confidence interval (p, 2)."""
        half = stats.t.ppf((1 + self.confidence) / 2, self.degrees_of_freedom) * self.std_err
        return np.stack([self.estimate - half, self.estimate + half], axis=1)

    def __str__(self) -> str:
        percent = f"{100 * self.confidence:g}%"
        rows = [("", "estimate", "std. error", "t", "p", f"{percent} from", "to")]
        columns = zip(self.terms, self.estimate, self.std_err, self.t, self.p, self.interval, strict=True)
        for term, estimate, error, t, p, (low, high) in columns:
            numbers = ((error, ".4g"), (t, ".3f"), (p, ".3g"), (low, ".6g"), (high, ".6g"))
            cells = ("–" if np.isnan(value) else format(value, form) for value, form in numbers)
            rows.append((term, f"{estimate:.6g}", *cells))
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
        return "\n".join([*lines, *self._notes()])

    def _notes(self) -> list[str]:
        notes = []
        open_ones = [term for term, error in zip(self.terms, self.std_err, strict=True) if np.isnan(error)]
        if open_ones:
            notes.append(
                f"not determined, for features are linearly dependent: {', '.join(open_ones)}; of all the values that "
                "fit equally well, these are the smallest"
            )
        if self.is_perfect and np.isnan(self.r2):
            notes.append("the target does not vary: there is nothing to explain, and no t and p")
        elif self.is_perfect:
            notes.append("an essentially perfect fit: the residuals are rounding, and say nothing of t and p")
        return notes
