"""The covariance of a least squares fit's coefficients, and what follows from it: errors, tests, intervals."""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import block_rows
from onelayer.errors import OneLayerError
from onelayer.inference.coefficients import check_level, hypothesis_lines, interval_of, said_p
from onelayer.solvers.inverse import Inverse

Array = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class FTest:
    """A test by the F distribution.

    Attributes:
        statistic: F; NaN where it is not known.
        degrees: of freedom, of what is tested and of the errors.
        p: how probable an F at least this large is where the hypothesis is true.
    """

    statistic: float
    degrees: tuple[int, int]
    p: float

    @staticmethod
    def of(statistic: float, degrees: tuple[int, int]) -> "FTest":
        """Return the test with this statistic."""
        from scipy.special import fdtrc

        return FTest(statistic, degrees, float(fdtrc(*degrees, statistic)))

    def __str__(self) -> str:
        return f"F({self.degrees[0]}, {self.degrees[1]}) = {self.statistic:.6g}, {said_p(self.p)}"


@dataclass(frozen=True, eq=False)
class Covariance:
    """The covariance of the weights and the bias of one target.

    Attributes:
        inverse: of the fit.
        middle: (r, r) the covariance in its coordinates.
        degrees: of freedom of Student's t.
    """

    inverse: Inverse
    middle: Array
    degrees: int

    @staticmethod
    def classical(inverse: Inverse, sigma: float, n: int) -> "Covariance":
        """Return that of n rows whose noise has one standard deviation, or so over the root of its row's weight."""
        return Covariance(inverse, np.eye(inverse.size) * sigma**2, n - inverse.size)

    def matrix(self) -> Array:
        """Return the covariance (d + 1, d + 1), the bias last; NaN for what the rows do not determine."""
        J = self.inverse.coefficients()
        known = self.inverse.identified()
        return np.where(np.logical_and.outer(known, known), J @ self.middle @ J.T, np.nan)

    def std_err(self) -> Array:
        """Return the standard errors (d + 1,), the bias's last; NaN likewise, and where a variance is negative."""
        return np.where(self.inverse.identified(), self._root(self.inverse.coefficients()), np.nan)

    def of_predictions(self, X: Any) -> Array:
        """Return the standard errors of the means of rows X (m, d); NaN for what the rows of the fit leave open."""
        size, errors = block_rows(X.shape[1]), []
        for start in range(0, X.shape[0], size):
            part = X[start : start + size]
            error = self._root(self.inverse.coordinates(part))
            errors.append(np.where(self.inverse.determines(part), error, np.nan))
        return np.concatenate(errors) if errors else np.zeros(0)

    def _root(self, U: Array) -> Array:
        """Return the standard errors (m,) of combinations U (m, r) of the coordinates."""
        variances = np.einsum("mr,mr->m", U @ self.middle, U)
        return np.sqrt(np.where(variances >= 0, variances, np.nan))

    def test(self, R: Array, difference: Array, names: tuple[str, ...]) -> "WaldTest":
        """Return the Wald test that combinations R (k, d + 1) of the coefficients are what they are to be.

        Args:
            R: in the order of the weights, and last the bias.
            difference: (k,) how far the estimates are from that.
            names: (k,) of the hypotheses.

        Raises:
            OneLayerError: if the rows do not determine a combination, or one follows from the others.
        """
        for name, is_known in zip(names, self.inverse.determines(R[:, :-1], R[:, -1]), strict=True):
            if not is_known:
                raise OneLayerError(
                    f"{name}: the rows do not determine it, for features are linearly dependent"
                )
        U = self.inverse.combined(R)
        errors = self._root(U)
        scale = np.linalg.norm(U, axis=1)
        V = (U / scale[:, None]) @ self.middle @ (U / scale[:, None]).T
        if not scale.all() or _is_singular((U / scale[:, None]) @ (U / scale[:, None]).T):
            raise OneLayerError(
                "one of the hypotheses follows from the others, or contradicts them: leave it out"
            )
        f = wald(difference / scale, V, self.degrees)
        return WaldTest(names, difference, errors, f)


@dataclass(frozen=True, eq=False)
class WaldTest:
    """A test of one or several linear hypotheses together.

    Attributes:
        hypotheses: (k,) as they were written.
        estimate: (k,) how far the left side is from the right, or the combination from its value.
        std_err: (k,) of that.
        f: the test of all of them.
    """

    hypotheses: tuple[str, ...]
    estimate: Array
    std_err: Array
    f: FTest

    @property
    def t(self) -> Array:
        """The estimates in units of their standard errors (k,); each has the degrees of freedom of the errors."""
        return self.estimate / self.std_err

    @property
    def p(self) -> float:
        """How probable an F at least this large is where all hypotheses are true."""
        return self.f.p

    def interval(self, level: float = 0.95) -> Array:
        """Return the lower and upper end of the confidence interval of each estimate (k, 2)."""
        check_level(level)
        return interval_of(self.estimate, self.std_err, level, self.f.degrees[1])

    def __str__(self) -> str:
        lines = hypothesis_lines(self.hypotheses, self.estimate, self.std_err, self.f.degrees[1])
        return "\n".join([*lines, str(self.f)])


def wald(difference: Array, V: Array, degrees: int) -> FTest:
    """Return the test that a difference (k,) with covariance V (k, k) is 0; NaN if V is singular.

    That is so of few groups: the rank of what they say is one less than there are.
    """
    k, scale = len(difference), np.sqrt(np.maximum(V.diagonal(), 0))
    if not k or not (scale > 0).all() or _is_singular(V / np.outer(scale, scale)):
        return FTest.of(np.nan, (k, degrees))
    z = difference / scale
    return FTest.of(float(z @ np.linalg.solve(V / np.outer(scale, scale), z)) / k, (k, degrees))


def _is_singular(correlation: Array) -> bool:
    return bool(np.linalg.eigvalsh(correlation)[0] <= 16 * len(correlation) * EPS)


Interval = Literal["confidence", "prediction"]


def prediction_interval(
    covariance: Covariance, X: Any, prediction: Array, kind: Interval, level: float, sigma: float
) -> Array:
    """Return the intervals (m, 2) of predictions (m,) for rows X (m, d), NaN where the rows of the fit leave them open.

    "confidence" is that of the mean of targets with these features, and "prediction" that of one more target, whose
    noise has the standard deviation σ, as that of a row of weight 1 has.
    """
    error = covariance.of_predictions(X)
    if kind == "prediction":
        error = np.hypot(error, sigma)
    return interval_of(prediction, error, level, covariance.degrees)
