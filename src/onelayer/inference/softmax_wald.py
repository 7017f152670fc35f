"""Wald's test of linear hypotheses on the contrasts of a softmax regression."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import OneLayerError
from onelayer.inference.coefficients import check_level, hypothesis_lines, interval_of, said_p
from onelayer.inference.softmax_covariance import Covariance

Array = NDArray[np.float64]

RESOLVED = (
    1e-12  # eigenvalues of correlations that are no more are rounding: of hypotheses that follow from others
)
CONTRADICTED = 1e-6  # standard errors by which a hypothesis may miss what follows from the others


@dataclass(frozen=True)
class WaldTest:
    """What the data say of R θ = r.

    Attributes:
        hypotheses: (h,) as they were written.
        estimate: R θ − r (h,), how far each is from holding.
        std_err: (h,) of that.
        statistic: (R θ − r)ᵀ (R V Rᵀ)⁻¹ (R θ − r), with the covariance V of θ; χ² if the hypotheses hold.
        df: the number of hypotheses that do not follow from each other.
    """

    hypotheses: tuple[str, ...]
    estimate: Array
    std_err: Array
    statistic: float
    df: int

    @property
    def z(self) -> Array:
        """How far each hypothesis is from holding, in standard errors (h,)."""
        return np.asarray(self.estimate / self.std_err)

    def interval(self, level: float = 0.95) -> Array:
        """Return the lower and upper end of the confidence interval of each ``estimate`` (h, 2)."""
        check_level(level)
        return interval_of(self.estimate, self.std_err, level, np.inf)

    @property
    def p(self) -> float:
        """How probable a statistic at least this large is if the hypotheses hold."""
        from scipy.special import chdtrc

        return float(chdtrc(self.df, self.statistic))

    def __str__(self) -> str:
        lines = hypothesis_lines(self.hypotheses, self.estimate, self.std_err, np.inf)
        return "\n".join([*lines, f"χ²({self.df}) = {self.statistic:.6g}, {said_p(self.p)}"])


def wald_test(
    R: Any,
    r: Any,
    estimate: Array,
    covariance: Covariance,
    fit_intercept: bool,
    names: tuple[str, ...] | None = None,
) -> WaldTest:
    """Test R θ = r for contrasts θ = ``estimate`` (m, p), whose intercept is the first if it is free.

    Args:
        R: (h, m p), or (m p,) for one hypothesis; θ is taken output by output.
        r: (h,), or a number for all.
        estimate: (m, p).
        covariance: of the contrasts.
        fit_intercept: whether the intercept is among them.
        names: (h,) of the hypotheses; "hypothesis 1" and so on if they have none.

    Raises:
        OneLayerError: if shapes do not fit, hypotheses contradict each other or are none, or the data do not determine
            what they are about.
    """
    try:
        R, r = np.atleast_2d(np.asarray(R, np.float64)), np.asarray(r, np.float64)
    except (TypeError, ValueError) as error:
        raise OneLayerError(
            f"hypotheses are a string, such as '[b]x1 = 2 * [c]x1, x2', or numbers R (h, m p) with r (h,): {error}"
        ) from None
    if R.ndim != 2 or R.shape[1] != estimate.size or not len(R) or not np.isfinite(R).all():
        raise OneLayerError(
            f"R must be finite numbers (h, {estimate.size}), a column for each coefficient, not {R.shape}"
        )
    if r.shape not in ((), (1,), (len(R),)) or not np.isfinite(r).all():
        raise OneLayerError(
            f"r must be a finite number, or one for each of the {len(R)} rows of R, not {r.shape}"
        )
    names = names or tuple(f"hypothesis {i + 1}" for i in range(len(R)))
    off = R @ estimate.ravel() - r
    combinations = R.reshape(len(R), *estimate.shape)
    functionals = covariance.functionals(np.roll(combinations, -1, axis=2) if fit_intercept else combinations)
    is_known = covariance.determines(functionals)
    if not is_known.all():
        name = names[int(np.flatnonzero(~is_known)[0])]
        raise OneLayerError(f"the rows do not determine what {name} is about: see the notes of summary()")
    V = covariance.of(functionals)
    size = np.sqrt(V.diagonal())
    if not (size > 0).all():
        raise OneLayerError(f"{names[int(np.flatnonzero(~(size > 0))[0])]} is about no coefficient")
    values, vectors = np.linalg.eigh(V / np.outer(size, size))
    is_free = values > RESOLVED * len(values)
    along = vectors.T @ (off / size)
    if (np.abs(along[~is_free]) > CONTRADICTED).any():
        raise OneLayerError("the hypotheses contradict each other: no coefficients satisfy all of them")
    statistic = float((np.square(along[is_free]) / values[is_free]).sum())
    return WaldTest(names, off, size, statistic, int(is_free.sum()))
