"""What rows determine of the coefficients of least squares, and how well: coordinates in which they are independent."""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.double_double import EPS

Array = NDArray[np.float64]

IDENTIFIED = 1e-6  # how far, relatively, a combination of coefficients may be from the span of the rows
FAR = 100.0  # times what is left: products with sparse rows that lose more digits are made of dense ones


@dataclass(frozen=True, eq=False)
class Span:
    """The span of centred rows where features are dependent.

    Attributes:
        basis: (d, r) orthonormal, in units of the columns.
        size: (d,) these units.
    """

    basis: Array
    size: Array


@dataclass(frozen=True, eq=False)
class Inverse:
    """The inverse of [X 1]ᵀC[X 1] + alpha, on what the rows determine, by its factor: it is J Jᵀ.

    Coefficients are J u of coordinates u, and a row x is uᵀ = ((x − x̄)ᵀ half, level) in them. For the rows of a fit
    without a penalty these are orthonormal: Σ c u uᵀ = I. So c uᵀu is a row's leverage, and uᵀu is the variance of a
    prediction in units of that of the noise.

    Attributes:
        half: (d, r).
        mean: x̄ (d,), zeros without an intercept.
        level: 1 / √(Σ c); None without an intercept.
        span: of the rows; None if they determine all coefficients.
    """

    half: Array
    mean: Array
    level: float | None
    span: Span | None = None

    @property
    def size(self) -> int:
        """The number of coordinates: of coefficients that the rows determine."""
        return int(self.half.shape[1]) + (self.level is not None)

    def coefficients(self) -> Array:
        """Return J (d + 1, r): what each coordinate does to the weights, and last the bias; 0 if it is not free."""
        J = np.vstack([self.half, -(self.mean @ self.half)])
        if self.level is None:
            return J
        return np.column_stack([J, [*np.zeros(len(self.half)), self.level]])

    def coordinates(self, X: Any) -> Array:
        """Return rows X (m, d), dense or CSR, in the coordinates (m, r)."""
        return self.with_level(self.centred(X, self.half))

    def centred(self, X: Any, right: Array) -> Array:
        """Return (X − x̄) right (m, q) for rows X (m, d), dense or CSR, and a matrix (d, q)."""
        is_dense = isinstance(X, np.ndarray)
        if is_dense or np.abs(self.mean @ self.half).max(initial=0) > FAR * (self.level or 0):
            X = X if is_dense else X.toarray()
            return np.asarray((X - self.mean if self.mean.any() else X) @ right)
        return np.asarray(X @ right - self.mean @ right)

    def with_level(self, U: Array, bias: Array | float = 1.0) -> Array:
        """Return coordinates (m, r) with that of the bias, of which a row has so much, after the others."""
        if self.level is None:
            return U
        return np.column_stack([U, np.broadcast_to(bias * self.level, len(U))])

    def combined(self, R: Array) -> Array:
        """Return combinations R (k, d + 1) of the weights and the bias in the coordinates (k, r)."""
        return self.with_level((R[:, :-1] - np.outer(R[:, -1], self.mean)) @ self.half, R[:, -1])

    def determines(self, X: Any, bias: Array | float = 1.0) -> NDArray[np.bool_]:
        """Return for which combinations (m,) of weights X (m, d) and the bias (m,) the rows say what they are.

        That of a prediction is its row, and 1 of the bias.
        """
        if self.span is None:
            return np.ones(X.shape[0], bool)
        X = X if isinstance(X, np.ndarray) else X.toarray()
        Z = (X - np.multiply.outer(np.broadcast_to(bias, len(X)), self.mean)) / self.span.size
        rest = Z - (Z @ self.span.basis) @ self.span.basis.T
        rounding = 16 * EPS * np.linalg.norm(X / self.span.size, axis=1)
        return np.asarray(np.linalg.norm(rest, axis=1) <= IDENTIFIED * np.linalg.norm(Z, axis=1) + rounding)

    def identified(self) -> NDArray[np.bool_]:
        """Return which weights, and last the bias, the rows determine (d + 1,)."""
        d = len(self.half)
        if self.span is None:
            return np.ones(d + 1, bool)
        is_in_span = np.square(self.span.basis).sum(axis=1) >= 1 - IDENTIFIED**2
        return np.append(is_in_span, self.determines(np.zeros((1, d))))

    def matrix(self) -> Array:
        """Return the inverse itself (d + 1, d + 1)."""
        J = self.coefficients()
        return J @ J.T

    def variances(self) -> Array:
        """Return the diagonal of the inverse (d + 1,)."""
        found = np.empty(len(self.half) + 1)
        np.square(self.half).sum(axis=1, out=found[:-1])
        bias = self.mean @ self.half
        found[-1] = bias @ bias + (self.level or 0.0) ** 2
        return found

    def times_power(self, exponent: int) -> "Inverse":
        """Return that of the same rows with weights times 2^exponent."""
        if not exponent:
            return self
        factor = math.ldexp(math.sqrt(2.0 ** (-exponent % 2)), -exponent // 2)
        level = None if self.level is None else self.level * factor
        return replace(self, half=self.half * factor, level=level)
