"""Moments: means, squares and products of the columns of rows, what one pass over them gives."""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Block, Rows, Source, block_rows
from onelayer.double_double import EPS
from onelayer.engines.threads import added
from onelayer.errors import OneLayerError
from onelayer.solvers import kernels
from onelayer.solvers.inverse import Inverse, Span
from onelayer.solvers.kernels import plain_gram

Array = NDArray[np.float64]

FLOOR = 64 * EPS  # the least that a target is taken to vary by, as a share of its size
FAR = 100.0  # deviations between a column's mean and 0, beyond which it is centred before it is squared
FEW_COLUMNS = 500  # up to here matrices (d, d) cost little, although there are fewer rows
MOST_COLUMNS = 512  # beyond them a linear algebra library multiplies faster than a compiled loop
ALIKE = 1e4  # ratio of sizes up to which columns need no scaling, and their weights are compared in the user's units


@dataclass(frozen=True)
class Moments:
    """Means, and sums of squares about them and about 0.

    Attributes:
        n: the sum of the weights, or None without an intercept: then nothing is centred.
        mean: x̄ (d,), zeros if nothing is centred.
        y_mean: ȳ (q,), likewise.
        squares: Σ c x² (d,).
        spread: Σ c (x − x̄)² (d,).
        tss: Σ c (y − ȳ)² (q,).
    """

    n: float | None
    mean: Array
    y_mean: Array
    squares: Array
    spread: Array
    tss: Array

    def of(self, targets: NDArray[np.intp]) -> "Moments":
        """Return those of the rows with these targets alone."""
        return replace(self, y_mean=self.y_mean[targets], tss=self.tss[targets])

    def inverse(self, half: Array, span: Span | None = None) -> Inverse:
        """Return the inverse of the problem, given a factor (d, r) of that of its centred features."""
        return Inverse(half, self.mean, 1 / math.sqrt(self.n) if self.n else None, span)

    @property
    def rounding(self) -> Array:
        """The length (d,) that the rounding of its stored values gives to a column, at most about."""
        return np.asarray(EPS * np.sqrt(self.squares))

    @property
    def is_far(self) -> bool:
        """Whether a column is so far from 0 that products of its values lose digits unless it is centred first."""
        return bool((self.spread * FAR**2 < self.squares).any())

    @property
    def variation(self) -> Array:
        """Σ c (y − ȳ)² of each target (q,), and 0 where it is no more than rounding."""
        return np.where(self.tss > (4 * EPS * self.y_mean) ** 2 * (self.n or 0.0), self.tss, 0.0)

    def rounding_of(self, weight: Array, bias: Array) -> Array:
        """Return the residuals' squares (q,) that rounding weights (d, q), a bias (q,) and targets may cause."""
        n = self.n or 0.0
        return np.asarray(EPS**2 * (self.squares @ weight**2 + n * (bias**2 + self.y_mean**2) + self.tss))


def is_wide(rows: Source) -> bool:
    """Return whether rows are dense, with more columns than rows, and many: then n coordinates do for d columns."""
    return rows.n_features > max(len(rows), FEW_COLUMNS) and not rows.is_sparse


def relative_size(step: Array, explained: Array, rss: Array, total: Array) -> float:
    """Return the largest size of a step among the targets, as a share of what a target varies by, or of its rounding.

    Args:
        step: (r, q) in coordinates in which the features are orthonormal, or nearly.
        explained: the square (q,) of the solution in these coordinates, without the bias.
        rss: the residuals' squares (q,).
        total: the targets' squares (q,).
    """
    variation = np.maximum(explained + rss, FLOOR**2 * total)
    scale = np.sqrt(np.maximum(variation, np.finfo(float).tiny))
    return float((np.linalg.norm(step, axis=0) / scale).max(initial=0))


def are_alike(sizes: Array, ratio: float) -> bool:
    """Return whether the sizes of columns (d,) that vary differ by no more than a ratio."""
    used = sizes[sizes > 0]
    return not len(used) or bool(used.max() <= ratio * used.min())


def sums_of(rows: Source, fit_intercept: bool) -> tuple[Moments, Array, Array]:
    """Return the moments of the rows, and the centred XᵀCX (d, d) and XᵀCY (d, q).

    One pass sums the products as they are, and centres the sums, which is exact but for digits that cancel. Where they
    are many, because a column or a target is far from 0, another pass sums the products of centred rows. Columns that
    are read again in each pass are about the means of the first rows at once.
    """
    d, block = rows.n_features, rows.first()
    q = block.y.shape[1]
    x_shift, y_shift = np.zeros(d), block.y.mean(axis=0) if fit_intercept else np.zeros(q)
    with np.errstate(over="ignore", invalid="ignore"):
        if fit_intercept and not rows.in_memory and not rows.is_sparse:
            x_shift = block.dense().mean(axis=0)
        raw = _raw_sums(rows, x_shift, y_shift)
    check_sums(rows, raw)
    lengths, totals = np.split(raw.diagonal()[:-1], [d])  # squared, of features and targets
    squares = lengths + x_shift * (2 * raw[:d, -1] + raw[-1, -1] * x_shift)
    if not fit_intercept:
        plain = Moments(None, np.zeros(d), y_shift, squares, squares, totals.copy())
        return plain, raw[:d, :d], raw[:d, d:-1]
    if not raw[-1, -1] > 0:
        raise OneLayerError("no row has a weight above 0")
    centred = _centred(raw, x_shift, y_shift, squares)
    moments = centred[0]
    is_far = bool((moments.spread * FAR**2 < lengths).any())
    if is_far or (moments.tss * FAR**2 < totals).any():
        shift = moments.mean if is_far else x_shift
        centred = _centred(_raw_sums(rows, shift, moments.y_mean), shift, moments.y_mean, squares)
    return centred


def check_sums(rows: Source, *sums: Array) -> None:
    """Raise OneLayerError if sums of squares are not finite: because a value is not, or is too large."""
    if all(np.isfinite(part).all() for part in sums):
        return
    if isinstance(rows, Rows):
        rows.check_finite()
    raise OneLayerError("some values are so large that their squares overflow: use another unit")


def _raw_sums(rows: Source, x_shift: Array, y_shift: Array) -> Array:
    """Return VᵀCV (d + q + 1, d + q + 1) of the columns V = [X, Y, 1] relative to a shift."""
    is_shifted = bool(x_shift.any())

    def terms(block: Block) -> list[Array]:
        if rows.is_sparse and not is_shifted:
            return [_sparse_products(block, y_shift)]
        size = len(block) if _is_walked(block) else block_rows(rows.n_features)
        return added([_products(part, x_shift, y_shift)] for part in block.split(max(size, 1)))

    [sums] = rows.sum(terms, walks=not rows.is_sparse)
    return np.asarray(sums)


def _is_walked(block: Block) -> bool:
    """Return whether the compiled loop goes through the features as they are stored: then nothing is copied."""
    X = block.X
    is_float = isinstance(X, np.ndarray) and X.dtype == np.float64 and block.unit == 1
    return kernels.IS_COMPILED and is_float and X.shape[1] <= MOST_COLUMNS


def _products(block: Block, x_shift: Array, y_shift: Array) -> Array:
    products = np.empty([len(x_shift) + len(y_shift) + 1] * 2)
    sum_products = kernels.sum_products if len(x_shift) <= MOST_COLUMNS else plain_gram.sum_products
    root = None if block.c is None else np.sqrt(block.c)
    sum_products(block.dense(), block.y, x_shift, y_shift, products, root)
    return products


def _sparse_products(block: Block, y_shift: Array) -> Array:
    X, V = block.features(), np.concatenate([block.y - y_shift, np.ones((len(block), 1))], axis=1)
    weighted, scaled = (
        (V, X) if block.c is None else (V * block.c[:, None], X.multiply(block.c[:, None]).tocsr())
    )
    border = X.T @ weighted
    return np.block([[(X.T @ scaled).toarray(), border], [border.T, V.T @ weighted]])


def _centred(raw: Array, x_shift: Array, y_shift: Array, squares: Array) -> tuple[Moments, Array, Array]:
    d, n = len(x_shift), float(raw[-1, -1])
    x_mean, y_mean = raw[:d, -1] / n, raw[d:-1, -1] / n  # about the shift
    gram = raw[:d, :d] - np.outer(n * x_mean, x_mean)
    cross = raw[:d, d:-1] - np.outer(n * x_mean, y_mean)
    spread = np.maximum(gram.diagonal(), 0)
    tss = np.maximum(raw.diagonal()[d:-1] - n * y_mean**2, 0)
    return Moments(n, x_shift + x_mean, y_shift + y_mean, squares, spread, tss), gram, cross
