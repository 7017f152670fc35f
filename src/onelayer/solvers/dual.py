"""Ridge of dense rows with more columns than rows, by its dual: as many unknowns as rows.

Of centred rows Z and targets V the weights are Zᵀa with (ZZᵀ + alpha) a = V, and the residuals are alpha a (Saunders,
Gammerman and Vovk 1998, *Ridge regression learning algorithm in dual variables*). The features are read in panels of
columns, so that what is made of them stays in the processor's cache.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from onelayer.data.rows import Block, Source
from onelayer.engines.threads import sum_of, sums_share_threads
from onelayer.solvers.direct import (
    CORRECTED,
    ILL_CONDITIONED,
    MOST_CORRECTIONS,
    PRECISE,
    ROUNDED,
    bias_at_zero,
)
from onelayer.solvers.fit import LeastSquaresFit
from onelayer.solvers.moments import FAR, Moments, check_sums, relative_size

Array = NDArray[np.float64]

PANEL_VALUES = 2**20  # of features that are worked on at once: 8 MB
LEAST_PANEL = 256  # columns, of which matrix products are not thin


@dataclass(frozen=True)
class CentredRows:
    """Rows less their means, each times the root of its weight: Z (n, d), of which no copy is kept.

    Attributes:
        block: the rows.
        root: (n, 1) of the weights.
        n: the sum of the weights, or None without an intercept: then nothing is centred.
        mean: x̄ (d,).
        is_far: whether columns are so far from 0 that they are centred before they are multiplied.
    """

    block: Block
    root: Array
    n: float | None
    mean: Array
    is_far: bool = False

    @staticmethod
    def of(block: Block, fit_intercept: bool) -> "CentredRows":
        """Return rows whose means are not known yet."""
        c = block.row_weights()
        return CentredRows(
            block, np.sqrt(c)[:, None], float(c.sum()) if fit_intercept else None, np.zeros(block.X.shape[1])
        )

    def sums(self) -> tuple[Array, Array, Array]:
        """Return BBᵀ (n, n) of rows B that are centred if they are far, and Σ c x (d,) and Σ c x² (d,) of these."""
        totals, squares = np.empty_like(self.mean), np.empty_like(self.mean)

        def products(part: slice) -> list[Array]:
            B = self._shifted(part)
            B = B if self.block.c is None else B * self.root
            totals[part], squares[part] = self.root[:, 0] @ B, np.einsum("ij,ij->j", B, B)
            return [B @ B.T]

        [kernel] = sum_of(products, self.panels)
        return kernel, totals, squares

    @cached_property
    def panels(self) -> list[slice]:
        """Parts of the columns, cut by the shape alone."""
        n, d = self.block.X.shape
        size = max(LEAST_PANEL, PANEL_VALUES // n)
        return [slice(start, min(start + size, d)) for start in range(0, d, size)]

    def features(self, part: slice) -> Array:
        """Return some columns as they are (n, m) in float64."""
        X = np.asarray(self.block.X[:, part], np.float64)
        return X if self.block.unit == 1 else X * self.block.unit

    def times(self, weight: Array) -> Array:
        """Return Z W (n, q) for W (d, q)."""
        mean = np.zeros(1) if self.is_far else self.mean @ weight

        def product(part: slice) -> list[Array]:
            return [self._shifted(part) @ weight[part]]

        [outputs] = sum_of(product, self.panels)
        return np.asarray((outputs - mean) * self.root)

    def transposed_times(self, dual: Array) -> Array:
        """Return ZᵀA (d, q) for A (n, q)."""
        weighted = dual * self.root
        found = np.empty((len(self.mean), dual.shape[1]))

        def product(part: slice) -> list[Array]:
            found[part] = self._shifted(part).T @ weighted
            return []

        sum_of(product, self.panels)
        return found if self.is_far else found - np.outer(self.mean, weighted.sum(axis=0))

    def _shifted(self, part: slice) -> Array:
        X = self.features(part)
        return X - self.mean[part] if self.is_far else X


def solve_dual(rows: Source, alpha: float, fit_intercept: bool) -> LeastSquaresFit | None:
    """Return the minimum for a penalty above 0, or None where it is for the careful way.

    That is so where a target does not vary, and where too few digits of ZZᵀ + alpha are right.
    """
    Z = CentredRows.of(rows.gathered(), fit_intercept)
    if not Z.root.any():
        return None
    with sums_share_threads():
        with np.errstate(over="ignore", invalid="ignore"):
            Z, moments, kernel, lost = _summed(Z, alpha)
        check_sums(rows, kernel, moments.squares, moments.tss)
        factor = Factor.of(kernel) if moments.tss.all() else None
        if factor is None or factor.condition > ILL_CONDITIONED:
            return None
        return _corrected(Z, moments, alpha, factor, ROUNDED * factor.condition * lost)


def _summed(Z: CentredRows, alpha: float) -> tuple[CentredRows, Moments, Array, float]:
    """Return the rows with their means, their moments, ZZᵀ + alpha (n, n), and how many digits that lost, as a factor.

    Products of rows as they are can be centred afterwards, but for digits that cancel. Where they are many, another
    pass sums products of centred rows.
    """
    kernel, totals, squares = Z.sums()
    y, c, n, lost = Z.block.y, Z.block.row_weights(), Z.n, 1.0
    if n is None:
        zeros = np.zeros(y.shape[1])
        moments = Moments(None, Z.mean, zeros, squares, squares, c @ y**2)
    else:
        mean, y_mean, stored = totals / n, c @ y / n, kernel.diagonal().copy()
        moments = Moments(
            n, mean, y_mean, squares, np.maximum(squares - n * mean**2, 0), c @ (y - y_mean) ** 2
        )
        share = Z.root[:, 0] / np.sqrt(n)  # the direction that centring takes away
        along = kernel @ share
        kernel -= np.column_stack([along, share]) @ np.stack([share, along - (share @ along) * share])
        lost = max(1.0, float((stored / np.maximum(kernel.diagonal() + alpha, alpha)).max()))
        Z = replace(Z, mean=mean, is_far=moments.is_far or lost > FAR)
        if Z.is_far:
            kernel, _, spread = Z.sums()
            moments, lost = replace(moments, squares=spread + n * mean**2, spread=spread), 1.0
        # Targets have no part in that direction: there ZZᵀ may be anything.
        kernel += (kernel.trace() / len(kernel)) * np.outer(share, share)
    kernel[np.diag_indices_from(kernel)] += alpha
    return Z, moments, kernel, lost


@dataclass(frozen=True)
class Factor:
    """A Cholesky factor of a symmetric matrix that is scaled to a diagonal of ones.

    Attributes:
        factor: (n, n), upper.
        scale: (n,) the roots of the diagonal.
        condition: of the scaled matrix in the 1-norm, at most about.
    """

    factor: Array
    scale: Array
    condition: float

    @staticmethod
    def of(matrix: Array) -> "Factor | None":
        """Return it, or None if the matrix is not positive."""
        scale = np.sqrt(np.maximum(matrix.diagonal(), 0))
        if not scale.all():
            return None
        scaled = matrix / scale
        scaled /= scale[:, None]
        size = float(np.linalg.norm(scaled, 1))
        factor, failed = lapack.dpotrf(scaled.T, clean=0, overwrite_a=1)  # it is symmetric
        share = 0.0 if failed else lapack.dpocon(factor, size)[0]
        return Factor(factor, scale, 1 / share) if share else None

    def solve(self, right: Array) -> Array:
        """Return the matrix's inverse times another one (n, q)."""
        found, _ = lapack.dpotrs(self.factor, right / self.scale[:, None])
        return np.asarray(found / self.scale[:, None])


def _corrected(
    Z: CentredRows, moments: Moments, alpha: float, factor: Factor, error: float
) -> LeastSquaresFit:
    """Return the solution by a factor of the dual, corrected with residuals where its relative error asks for it."""
    V, d = (Z.block.y - moments.y_mean) * Z.root, len(moments.mean)
    total = (moments.n or 0.0) * moments.y_mean**2 + moments.tss
    dual, bias, size, corrections = factor.solve(V), moments.y_mean, np.inf, 0  # the bias at x̄
    weight = Z.transposed_times(dual)
    while error > PRECISE and size > CORRECTED and corrections < MOST_CORRECTIONS:
        rest = V - Z.times(weight) - alpha * dual
        if moments.n is not None:
            shift = (Z.root * rest).sum(axis=0) / moments.n
            rest, V, bias = rest - Z.root * shift, V - Z.root * shift, bias + shift
        size = relative_size(rest, np.zeros(1), moments.tss, total)
        step = factor.solve(rest)
        dual, weight, corrections = dual + step, weight + Z.transposed_times(step), corrections + 1
        error = size**2
    bias, lost = bias_at_zero(moments, weight, bias)
    return LeastSquaresFit(
        weight=weight.T,
        bias=bias,
        solver="direct",
        rank=d,
        identified=np.ones(d + 1, bool),
        inverse=None,
        rss=np.square(alpha * dual).sum(axis=0) + (moments.n or 0.0) * lost**2,
        tss=moments.variation,
        rounding=moments.rounding_of(weight, bias),
        error=error,
        sensitivity=np.nan,
        corrections=corrections,
    )
