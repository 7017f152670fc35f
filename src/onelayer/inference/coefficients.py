"""The table of a model's coefficients: estimates, standard errors, statistics, p and intervals."""

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Real
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import OneLayerError

Array = NDArray[np.float64]

LEAST_P = 1e-300  # that is shown as a number
FAR_TAIL = 1e100  # of Student's t: beyond it the probability is a power of it to the last digit


@dataclass(frozen=True)
class Coefficients:
    """The coefficients of a model with what the rows say of their errors: k outputs with p coefficients each.

    Attributes:
        terms: (p,) "intercept" first, if it is free, then the features.
        outputs: (k,) names: targets, "" for the only one; of classes, all but the reference.
        reference: the class that the others are compared with, None for targets.
        estimate: (k, p). For classes, what a feature's unit adds to the logarithm of the odds of the output's class
            against the reference.
        std_err: (k, p); NaN where the rows do not determine a coefficient, or its error is not known.
        distribution: of the statistic, if the true coefficient is 0.
        degrees_of_freedom: of Student's t; infinite for the normal distribution.
        level: the probability with which an interval holds the true coefficient.
        is_perfect: (k,) whether residuals are no more than rounding; then they say nothing of errors.
        notes: sentences on what is not determined, and why, and on what the errors rest.

    Example:
        >>> from onelayer import LinearRegression, houses
        >>> rows = houses().train
        >>> coefficients = LinearRegression().fit(rows.X, rows.y[:, 0]).summary().coefficients
        >>> coefficients.terms
        ('intercept', 'x1', 'x2')
        >>> coefficients.interval[0, 1].round(2)
        array([92.47, 99.36])
    """

    terms: tuple[str, ...]
    outputs: tuple[str, ...]
    reference: str | None
    estimate: Array
    std_err: Array
    distribution: Literal["t", "normal"]
    degrees_of_freedom: float
    level: float
    is_perfect: NDArray[np.bool_]
    notes: tuple[str, ...] = ()

    @property
    def statistic(self) -> Array:
        """The estimates in units of their standard errors (k, p); NaN for a perfect fit."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.is_perfect[:, None], np.nan, self.estimate / self.std_err)

    @property
    def p(self) -> Array:
        """How probable a statistic at least this far from 0 is where the true coefficient is 0 (k, p)."""
        return two_sided_p(
            self.statistic, np.inf if self.distribution == "normal" else self.degrees_of_freedom
        )

    @property
    def interval(self) -> Array:
        """The lower and upper end of each confidence interval (k, p, 2)."""
        degrees = np.inf if self.distribution == "normal" else self.degrees_of_freedom
        return interval_of(self.estimate, self.std_err, self.level, degrees)

    def __str__(self) -> str:
        lines = []
        for k, output in enumerate(self.outputs):
            head = output if self.reference is None else f"{output} against {self.reference}"
            lines += [*([head] if head else []), *aligned(self.cells(k)), ""]
        return "\n".join([*lines[:-1], *self.notes])

    def cells(self, k: int) -> list[tuple[str, ...]]:
        """Return the table of output k as it is printed: the names of its columns, and a line for each term.

        Without any errors it is the estimates that are not 0.
        """
        if np.isnan(self.std_err).all():
            shown = [(t, w) for t, w in zip(self.terms, self.estimate[k].tolist(), strict=True) if w]
            return [("", "estimate"), *((term, f"{estimate:.6g}") for term, estimate in shown)]
        statistic = "z" if self.distribution == "normal" else "t"
        found: list[tuple[str, ...]] = [
            ("", "estimate", "std. error", statistic, "p", f"{100 * self.level:g}% from", "to")
        ]
        parts = (self.estimate, self.std_err, self.statistic, self.p, self.interval)
        for term, estimate, error, value, p, (low, high) in zip(
            self.terms, *(part[k] for part in parts), strict=True
        ):
            numbers = ((error, ".4g"), (value, ".3f"), (p, ".3g"), (low, ".6g"), (high, ".6g"))
            cells = ["–" if np.isnan(number) else format(number, form) for number, form in numbers]
            cells[2] = "<1e-300" if p < LEAST_P else cells[2]
            found.append((term, f"{estimate:.6g}", *cells))
        return found


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Return the lines of a table: the first column to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join([row[0].ljust(widths[0]), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
        for row in rows
    ]


def said_p(p: float) -> str:
    """Return the p of a test with its name: "p = 0.012", or "p < 1e-300" of what is too small for a number."""
    return f"p < {LEAST_P:g}" if p < LEAST_P else f"p = {p:.3g}"


def two_sided_p(statistic: Array | float, degrees: float) -> Array:
    """Return how probable a |t| at least this large is by chance, of Student's t; normal if ``degrees`` is infinite."""
    # SciPy takes as long to import as a table to solve, and its scipy.stats as long as PyTorch.
    from scipy.special import erfc, stdtr

    size = np.abs(statistic)
    if degrees == np.inf:
        return np.asarray(erfc(size / np.sqrt(2)))
    tail = 2 * stdtr(degrees, -np.minimum(size, FAR_TAIL))
    return np.asarray(tail * (FAR_TAIL / np.maximum(size, FAR_TAIL)) ** degrees)


def quantile(level: float, degrees: float) -> float:
    """Return how many standard errors an interval of a level reaches to each side, by the same distribution."""
    from scipy.special import ndtri, stdtrit

    tail = (1 - level) / 2
    return -float(ndtri(tail) if degrees == np.inf else stdtrit(degrees, tail))


def interval_of(estimate: Array, std_err: Array, level: float, degrees: float) -> Array:
    """Return the lower and upper ends of intervals of estimates (...), (..., 2), by the same distribution."""
    half = quantile(level, degrees) * std_err
    return np.stack([estimate - half, estimate + half], axis=-1)


def hypothesis_lines(names: Sequence[str], estimate: Array, std_err: Array, degrees: float) -> list[str]:
    """Return a line for each hypothesis (h,): how far it is from holding, by the same distribution."""
    letter, statistic = "z" if degrees == np.inf else "t", estimate / std_err
    p = two_sided_p(statistic, degrees)
    return [
        f"{name}: off by {off:.6g}, standard error {error:.4g}, {letter} = {value:.3f}, {said_p(chance)}"
        for name, off, error, value, chance in zip(names, estimate, std_err, statistic, p, strict=True)
    ]


def check_level(level: float, name: str = "level") -> None:
    """Raise OneLayerError if the probability of an interval is not between 0 and 1."""
    if isinstance(level, bool) or not isinstance(level, Real) or not 0 < level < 1:
        raise OneLayerError(f"{name} must be between 0 and 1, such as 0.95, not {level!r}")


def with_intercept(features: Sequence[str], fit_intercept: bool) -> tuple[str, ...]:
    """Return the names of the coefficients: the intercept, if it is free, and the features."""
    return ("intercept", *features) if fit_intercept else tuple(features)
