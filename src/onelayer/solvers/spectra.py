"""Ridge regression for many penalties from one factorisation: of the Gram matrix (d, d), or of the kernel (n, n).

In the eigenvectors of XᵀCX of centred features, or of √C X Xᵀ √C, a penalty is a number that is added to the
eigenvalues, so each further one costs no more than a product (Hastie, Tibshirani and Friedman 2009, sections 3.4.1 and
18.3.5).
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Block, Source
from onelayer.double_double import EPS
from onelayer.engines.threads import added
from onelayer.solvers.direct import inverse_factor, least_squares
from onelayer.solvers.moments import Moments

Array = NDArray[np.float64]

RESOLVED = (
    1e7  # largest eigenvalue, by the least one and the penalty, up to which products of features have digits
)
PART = 2**24  # values of centred features at a time, 128 MB


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
        """Return the solutions for penalties (a,), of no use for those that the factor does not resolve."""
        with np.errstate(divide="ignore", invalid="ignore"):
            shrunk = self.cross.T[:, None] / (self.values + alphas[:, None])  # (q, a, d)
            weight = (shrunk @ self.vectors.T).swapaxes(0, 1)
            return RidgePath(alphas, weight, self.moments.y_mean - weight @ self.moments.mean)


@dataclass(frozen=True, eq=False)
class Solution:
    """The solution for one penalty, for which the eigenvectors of all have too few digits.

    Attributes:
        weight: W (q, d).
        bias: b (q,).
        half: H (d, r) with HHᵀ = (XᵀCX + α)⁻¹ for centred features; None if it was not found.
    """

    weight: Array
    bias: Array
    half: Array | None


def solution(
    rows: Source, moments: Moments, gram: Array, cross: Array, alpha: float, fit_intercept: bool
) -> Solution:
    """Return the solution for a penalty: by the Gram matrix in units of the columns, or else the careful way.

    The eigenvectors of features in different units have digits of the largest ones alone; their Cholesky factor has
    digits of all.
    """
    factor = inverse_factor(gram, alpha, moments.rounding)
    if factor is not None:
        half = factor[0]
        weight = (half @ (half.T @ cross)).T
        return Solution(weight, moments.y_mean - weight @ moments.mean, half)
    fit = least_squares(rows, alpha, fit_intercept)
    return Solution(fit.weight, fit.bias, None if fit.inverse is None else fit.inverse.half)


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
        """Return that of rows Z (n, d) without forming products: with twice the digits, for several times the time."""
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

    def diagonal(self, alphas: Array) -> Array:
        """Return the diagonal of (ZZᵀ + α)⁻¹ less the intercept's part, for penalties (a,), as (n, a)."""
        return np.asarray(np.square(self.vectors) @ (1 / (self.values[:, None] + alphas)))

    def explained(self) -> "Dual":
        """Return it without the directions that no column has a part in, whose weights are rounding."""
        is_explained = self.values > len(self.vectors) * EPS * self.values.max(initial=0)
        return Dual(self.values[is_explained], self.vectors[:, is_explained])


@dataclass(frozen=True, eq=False)
class WideRows:
    """Few rows of many columns, centred and times the roots of their weights: Z = √C (X − x̄) and V = √C (Y − ȳ).

    Attributes:
        block: the rows as they are.
        mean, y_mean: x̄ (d,) and ȳ (q,), zeros without an intercept.
        root: √c (n,).
        fit_intercept: whether they are centred.
    """

    block: Block
    mean: Array
    y_mean: Array
    root: Array
    fit_intercept: bool

    @staticmethod
    def of(block: Block, fit_intercept: bool) -> "WideRows":
        """Return those of a block of rows."""
        c = block.row_weights()
        mean, y_mean = np.zeros(block.X.shape[1]), np.zeros(block.y.shape[1])
        if fit_intercept:
            mean, y_mean = (block.X.T @ c) * (block.unit / c.sum()), c @ block.y / c.sum()
        return WideRows(block, mean, y_mean, np.sqrt(c), fit_intercept)

    @property
    def targets(self) -> Array:
        """V (n, q)."""
        return np.asarray((self.block.y - self.y_mean) * self.root[:, None])

    def parts(self) -> Iterator[Array]:
        """Yield Z, dense, some columns at a time."""
        X = self.block.X if isinstance(self.block.X, np.ndarray) else self.block.X.tocsc()
        size = max(1, PART // len(self.root))
        for start in range(0, len(self.mean), size):
            columns = slice(start, start + size)
            Z = replace(self.block, X=X[:, columns]).dense() - self.mean[columns]
            yield Z * self.root[:, None]

    def kernel(self) -> Array:
        """Return ZZᵀ (n, n)."""
        return np.asarray(added([Z @ Z.T] for Z in self.parts())[0])

    def factor(self, alphas: Array, is_careful: bool = False) -> Dual:
        """Return the factor of the kernel, or if its products lack digits for a penalty of Z itself."""
        found = None if is_careful else Dual.of_kernel(self.kernel(), self.root, self.fit_intercept)
        if found is None or not found.resolves(alphas):
            found = Dual.of_rows(np.concatenate(list(self.parts()), axis=1), self.root, self.fit_intercept)
        return found

    def path(self, factor: Dual, alphas: Array) -> RidgePath:
        """Return the solutions for penalties (a,)."""
        found = factor.explained().coefficients(self.targets, alphas)
        n, a, q = found.shape
        stacked = found.reshape(n, a * q).T
        weight = np.concatenate([stacked @ Z for Z in self.parts()], axis=1).reshape(a, q, -1)
        return RidgePath(alphas, weight, self.y_mean - weight @ self.mean)
