"""Ridge regression for many penalties from one factorisation: of the Gram matrix (d, d), or of the kernel (n, n).

In the eigenvectors of XᵀCX of centred features, or of √C X Xᵀ √C, a penalty is a number that is added to the
eigenvalues, so each further one costs no more than a product (Hastie, Tibshirani and Friedman 2009, sections 3.4.1 and
18.3.5).
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onelayer.double_double import EPS
from onelayer.solvers.moments import Moments

Array = NDArray[np.float64]

RESOLVED = 1e7  # largest eigenvalue, by the least one and the penalty, up to which products of features have digits


@dataclass(frozen=True, eq=False)
class RidgePath:
    """Solutions for several penalties.

    Attributes:
        alphas: the penalties (a,).
        weight: W for each (a, q, d).
        bias: b for each (a, q).
    """

    alphas: Array
    weight: Array
    bias: Array


@dataclass(frozen=True, eq=False)
class Primal:
    """The eigenvectors of the Gram matrix of tall data.

    Attributes:
        moments: of the rows.
        values: eigenvalues of XᵀCX (d,), centred.
        vectors: in its columns (d, d).
        cross: XᵀCY (d, q) in them.
    """

    moments: Moments
    values: Array
    vectors: Array
    cross: Array

    @staticmethod
    def of(moments: Moments, gram: Array, cross: Array) -> "Primal":
        """Return that of the sums of ``moments.sums_of``."""
        values, vectors = np.linalg.eigh(gram)
        return Primal(moments, np.maximum(values, 0), vectors, vectors.T @ cross)

    def resolves(self, alphas: Array) -> NDArray[np.bool_]:
        """Return for which penalties (a,) the factor has enough digits."""
        return np.asarray(self.values.max(initial=0) <= RESOLVED * (self.values.min(initial=np.inf) + alphas))

    def path(self, alphas: Array) -> RidgePath:
        """Return the solutions for penalties (a,)."""
        shrunk = self.cross.T[:, None] / (self.values + alphas[:, None])  # (q, a, d)
        weight = (shrunk @ self.vectors.T).swapaxes(0, 1)
        return RidgePath(alphas, weight, self.moments.y_mean - weight @ self.moments.mean)


@dataclass(frozen=True, eq=False)
class Dual:
    """The eigenvectors of the kernel of wide data, but for that of the intercept, along which all is explained.

    Attributes:
        values: eigenvalues (r,) of ZZᵀ for rows Z = √C (X − x̄).
        vectors: in its columns (n, r), with r = n, or n − 1 with an intercept.
    """

    values: Array
    vectors: Array

    @staticmethod
    def of_kernel(kernel: Array, root: Array, fit_intercept: bool) -> "Dual":
        """Return that of ZZᵀ (n, n); the intercept's eigenvector, √c (n,), is made that of the largest value."""
        unit, top = root / np.linalg.norm(root), 2 * float(np.abs(kernel).sum(axis=0).max()) or 1.0
        values, vectors = np.linalg.eigh(kernel + top * np.outer(unit, unit) if fit_intercept else kernel)
        end = len(values) - int(fit_intercept)
        return Dual(np.maximum(values[:end], 0), vectors[:, :end])

    @staticmethod
    def of_rows(Z: Array, root: Array, fit_intercept: bool) -> "Dual":
        """Return that of rows Z (n, d) without forming their squares: with twice the digits, for several times the time."""
        if fit_intercept:
            top = 2 * float(np.linalg.norm(Z)) or 1.0
            Z = np.column_stack([Z, root * (top / np.linalg.norm(root))])
        vectors, sizes, _ = np.linalg.svd(Z, full_matrices=len(Z) > Z.shape[1])
        values = np.pad(sizes**2, (0, len(Z) - len(sizes)))[int(fit_intercept) :]
        return Dual(values, vectors[:, int(fit_intercept) :])

    def resolves(self, alphas: Array) -> bool:
        """Return whether the factor of the kernel has enough digits for all penalties (a,)."""
        return bool(self.values.max(initial=0) <= RESOLVED * (self.values.min(initial=np.inf) + alphas.min()))

    def coefficients(self, V: Array, alphas: Array) -> Array:
        """Return (ZZᵀ + α)⁻¹ V for V = √C (Y − ȳ) (n, q) and penalties (a,), as (n, a, q)."""
        shrunk = (self.vectors.T @ V)[:, None] / (self.values[:, None] + alphas)[:, :, None]
        return np.asarray(np.tensordot(self.vectors, shrunk, axes=1))

    def weights(self, Z: Array, V: Array, alphas: Array) -> Array:
        """Return W (a, q, d), which is Zᵀ times the coefficients, but for those that no column explains."""
        is_explained = self.values > len(Z) * EPS * self.values.max(initial=0)
        found = Dual(self.values[is_explained], self.vectors[:, is_explained]).coefficients(V, alphas)
        n, a, q = found.shape
        return np.asarray((found.reshape(n, a * q).T @ Z).reshape(a, q, -1))

    def diagonal(self, alphas: Array) -> Array:
        """Return the diagonal of (ZZᵀ + α)⁻¹ less the intercept's part, for penalties (a,), as (n, a)."""
        return np.asarray(np.square(self.vectors) @ (1 / (self.values[:, None] + alphas)))
