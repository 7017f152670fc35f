"""Wald's test of linear hypotheses on the contrasts of a softmax regression."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import OneLayerError
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
        statistic: (R θ − r)ᵀ (R V Rᵀ)⁻¹ (R θ − r), with the covariance V of θ; χ² if the hypothesis holds.
        df: the number of hypotheses that do not follow from each other.
    """

    statistic: float
    df: int

    @property
    def p(self) -> float:
        """How probable a statistic at least this large is if the hypothesis holds."""
        from scipy.special import chdtrc

        return float(chdtrc(self.df, self.statistic))

    def __str__(self) -> str:
        return f"χ²({self.df}) = {self.statistic:.6g}, p = {self.p:.3g}"


def wald_test(R: Any, r: Any, estimate: Array, covariance: Covariance, fit_intercept: bool) -> WaldTest:
    """Test R θ = r for contrasts θ = ``estimate`` (m, p), whose intercept is the first if it is free.

    Args:
        R: (h, m p), or (m p,) for one hypothesis; θ is taken output by output.
        r: (h,), or a number for all.
        estimate: (m, p).
        covariance: of the contrasts.
        fit_intercept: whether the intercept is among them.

    Raises:
        OneLayerError: if shapes do not fit, hypotheses contradict each other or are none, or the data do not determine
            what they are about.
    """
    R = np.atleast_2d(np.asarray(R, np.float64))
    if R.ndim != 2 or R.shape[1] != estimate.size or not np.isfinite(R).all():
        raise OneLayerError(
            f"R must have {estimate.size} finite numbers, one for each coefficient, not {R.shape}"
        )
    r = np.asarray(r, np.float64)
    if r.shape not in ((), (1,), (len(R),)) or not np.isfinite(r).all():
        raise OneLayerError(
            f"r must be a finite number, or one for each of the {len(R)} rows of R, not {r.shape}"
        )
    off = R @ estimate.ravel() - r
    combinations = R.reshape(len(R), *estimate.shape)
    functionals = covariance.functionals(np.roll(combinations, -1, axis=2) if fit_intercept else combinations)
    is_known = covariance.determines(functionals)
    if not is_known.all():
        number = int(np.flatnonzero(~is_known)[0]) + 1
        raise OneLayerError(
            f"the rows do not determine what hypothesis {number} is about: see the notes of summary()"
        )
    V = covariance.of(functionals)
    size = np.sqrt(V.diagonal())
    if not (size > 0).all():
        raise OneLayerError(f"hypothesis {int(np.flatnonzero(~(size > 0))[0]) + 1} is about no coefficient")
    values, vectors = np.linalg.eigh(V / np.outer(size, size))
    is_free = values > RESOLVED * len(values)
    along = vectors.T @ (off / size)
    if (np.abs(along[~is_free]) > CONTRADICTED).any():
        raise OneLayerError("the hypotheses contradict each other: no coefficients satisfy all of them")
    return WaldTest(float((np.square(along[is_free]) / values[is_free]).sum()), int(is_free.sum()))
