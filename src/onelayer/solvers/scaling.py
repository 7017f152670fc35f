"""What standardises the columns of all rows, however far from 0 and of whatever size they are."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from onelayer.data.rows import Block, Source
from onelayer.data.scaling import Scaling
from onelayer.double_double import EPS
from onelayer.errors import OneLayerError
from onelayer.solvers import kernels
from onelayer.solvers.sparse_rows import sparse_backward, stored_counts

Array = NDArray[Any]

ROUNDING = (
    2 * EPS
)  # deviation of a column, relative to its mean, that the rounding of stored numbers explains
LEAST = 1e-300  # a deviation whose inverse is a number
SMALL = 2.0**-64  # there are never so many rows that a sum of numbers this much smaller overflows
FAR = 2.0**540  # squares of numbers this much smaller or larger are far from the limits of float64
NEAR = 1e4  # mean square about another place, by that about the mean, up to which the latter keeps its digits


@dataclass(frozen=True, eq=False)
class RowsScaling(Scaling):
    """The scaling of the columns of any rows, with Σ c z = 0 and Σ c z² = Σ c.

    An affine map of z is an affine map of x, so nothing is lost and the user's units do not matter. Without an
    intercept the means are zeros, and a sparse column is centred only if all its values are stored.

    Attributes:
        deviation: (d,) the root of the mean square of x − mean. ``scale`` is the same, but infinite where it is 0 or
            the rounding of stored numbers explains it: there z = 0.
        total: Σ c.
    """

    deviation: Array
    total: float

    @staticmethod
    def of(rows: Source, fit_intercept: bool = True) -> "RowsScaling":
        """Learn from all rows, whose weights are at most 1: in two passes, or one if they are read again in each.

        Raises:
            OneLayerError: if no row has a weight.
        """
        d = rows.n_features
        if not rows.in_memory and not rows.is_sparse:
            total, means, square = _about_first(rows, fit_intercept)
            if total > 0:
                return RowsScaling._of(means, np.sqrt(square), total)

        def first_pass(block: Block) -> list[Any]:
            c = block.row_weights()
            with np.errstate(over="ignore"):
                if sparse.issparse(block.X):
                    sums = np.zeros((d, 1))
                    sparse_backward(block.X, c[:, None] * SMALL, sums)
                    return [float(c.sum()), sums[:, 0] * block.unit, stored_counts(block.X)]
                return [float(c.sum()), _sums(block, c * SMALL, np.zeros(d), np.ones(d))[0], 0]

        total, sums, stored = rows.sum(first_pass)
        if not total > 0:
            raise OneLayerError("no row has a weight above 0")
        means = sums / (total * SMALL) if fit_intercept else np.zeros(d)
        if rows.is_sparse:
            means = np.where(stored == len(rows), means, 0)
        shift, square, factor = _moments(rows, means, total)
        if fit_intercept and not rows.is_sparse:
            square = np.maximum(square - shift**2, 0)
            means = means + shift / factor
        return RowsScaling._of(means, np.sqrt(square) / factor, total)

    @staticmethod
    def _of(means: Array, deviations: Array, total: float) -> "RowsScaling":
        constant = deviations <= np.maximum(ROUNDING * np.abs(means), LEAST)
        return RowsScaling(means, np.where(constant, np.inf, deviations), deviations, total)


def _about_first(rows: Source, fit_intercept: bool) -> tuple[float, Array, Array]:
    """Return Σ c, means (d,) and mean squares about them (d,), or Σ c = 0 if one pass does not give their digits.

    Sums are about the means of the first rows, or without an intercept about 0.
    """
    block = rows.first()
    shift = block.dense().mean(axis=0) if fit_intercept else np.zeros(rows.n_features)

    def term(block: Block) -> list[Any]:
        c = block.row_weights()
        with np.errstate(over="ignore", invalid="ignore"):
            Z = block.dense() - shift
            return [float(c.sum()), c @ Z, c @ np.square(Z)]

    total, sums, squares = rows.sum(term)
    if not total > 0:
        return 0.0, shift, shift
    with np.errstate(over="ignore", invalid="ignore"):
        step, square = sums / total, squares / total
        spread = square - step**2
    is_fine = np.isfinite(square) & (square > 1 / FAR)
    if fit_intercept:
        is_fine &= spread * NEAR >= square
    if not (is_fine | ((sums == 0) & (squares == 0))).all():
        return 0.0, shift, square
    return (total, shift + step, spread) if fit_intercept else (total, shift, square)


def _moments(rows: Source, means: Array, total: float) -> tuple[Array, Array, Array]:
    """Return mean and mean square (d,) of factor · (x − mean), and the factor.

    The factor is 1, or a power of two where squares would over- or underflow.
    """
    factor = np.ones_like(means)

    def term(block: Block) -> list[Array]:
        share = block.row_weights() / total
        with np.errstate(over="ignore", invalid="ignore"):
            if sparse.issparse(block.X):
                X, squares = centred(block, means), np.zeros((len(means), 1))
                sparse_backward(X if (factor == 1).all() else X * factor, share[:, None], squares, "s")
                return [np.zeros_like(means), squares[:, 0]]
            return list(_sums(block, share, means, factor))

    shift, square = rows.sum(term)
    huge, tiny = ~np.isfinite(square), square < 1 / FAR
    if huge.any() or (tiny & (square > 0)).any():
        factor = np.where(huge, 1 / FAR, np.where(tiny, FAR, 1.0))
        shift, square = rows.sum(term)
    return shift, square, factor


def _sums(block: Block, c: Array, means: Array, factor: Array) -> tuple[Array, Array]:
    """Return Σ c z and Σ c z² (d,) of a dense block, where z = factor · (x − mean) and factors are powers of two."""
    sums, squares = np.zeros_like(means), np.zeros_like(means)
    X, unit = (block.X, block.unit) if block.X.dtype.name in kernels.FORMATS else (block.dense(), 1.0)
    X = np.ascontiguousarray(X)
    kernels.column_moments(X, np.ascontiguousarray(c), unit * factor, means * factor, sums, squares)
    return sums, squares


def centred(block: Block, means: Array) -> Any:
    """Return a block's CSR (m, d) with the mean of its column taken from each stored value; not copied if that is 0."""
    if block.unit == 1 and block.X.dtype == np.float64 and not means.any():
        return block.X
    X = block.X.astype(np.float64) * block.unit
    if means.any():
        X.data = X.data - means[X.indices]
    return X
