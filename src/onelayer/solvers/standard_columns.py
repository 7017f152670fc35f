"""Rows as solvers of sparse weights see them: columns of length 1, of which a few at a time are worked on.

In z = √c (x − x̄) / scale, with scales that make columns as long as 1, the units of features do not matter, and the
intercept is out of the way. There are three kinds. Tall rows are summed once, and their Gram matrix is all that is used
of them; wide rows stay as they are, dense or sparse, and the Gram matrix is that of the columns in use.
"""

from dataclasses import dataclass
from functools import partial
from itertools import pairwise, starmap
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Block, Rows, Source, block_rows
from onelayer.data.scaling import Scaling
from onelayer.double_double import EPS
from onelayer.engines.threads import sum_of
from onelayer.penalties import ElasticNet
from onelayer.solvers.bounds import UNITS
from onelayer.solvers.direct import MOST_SPARSE_FEATURES, residual_products
from onelayer.solvers.iterative import CentredColumns
from onelayer.solvers.kernels import descend_dense, descend_sparse
from onelayer.solvers.moments import FAR, FEW_COLUMNS, Moments, sums_of
from onelayer.solvers.scaling import RowsScaling
from onelayer.solvers.sparse_rows import sparse_product

Array = NDArray[Any]

LARGEST_GRAM = 4096  # columns: 128 MB
# A step takes as long by products of a sparse column with so many others as by its own values, which lie apart.
MANY = 1000
PER_VALUE = 8  # or where columns have many values, so many times their number
PARTS = 4  # of the columns that threads share


@dataclass(frozen=True)
class Look:
    """What is known of the residuals r (n,) of a target at weights V (d,).

    Attributes:
        slope: Zᵀr (d,).
        squares: ‖r‖².
        slack: how far rounding may have taken ``slope`` (d,), for the r it is of.
        moved: how far rounding may have taken that r from y − ZV.
        value_error: how far it may have taken ½ ‖r‖².
    """

    slope: Array
    squares: float
    slack: Array
    moved: float
    value_error: float


class StandardColumns(Protocol):
    """Columns z of length 1, or 0 where a column is constant, and the targets, without their means.

    Attributes:
        total: Σ c, or 0 without an intercept.
        mean: (d,), zeros without an intercept; for all columns but those of zeros alone.
        scale: (d,), 1 where a column is constant.
        varies: (d,) whether it is not.
        most_products: columns up to which it pays to keep their products with each other.
        y_mean: (q,), zeros without an intercept.
        y_squares: (q,) ‖y‖².
    """

    total: float
    mean: Array
    scale: Array
    varies: NDArray[np.bool_]
    most_products: int
    y_mean: Array
    y_squares: Array

    def look(self, target: int, V: Array) -> Look:
        """Return what is known of a target's residuals at V (d,)."""
        ...

    def closer(self, V: Array) -> list[Look] | None:
        """Return the same for all targets at V (q, d), from the rows themselves; None if ``look`` does that already."""
        ...

    def gram(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Array:
        """Return products of some columns with others."""
        ...

    def descend(
        self, target: int, index: NDArray[np.intp], V: Array, penalty: ElasticNet, tol: float, sweeps: int
    ) -> int:
        """Sweep over the columns at ``index``, of which the penalty is, without their Gram matrix; V (d,) changes."""
        ...


def standard_columns(rows: Source, fit_intercept: bool) -> StandardColumns:
    """Return the kind of columns that suits the rows, whose weights are near 1."""
    if are_summed(rows, len(rows)):
        return SummedColumns.of(rows, fit_intercept)
    assert isinstance(rows, Rows)
    return SparseColumns(rows, fit_intercept) if rows.is_sparse else DenseColumns(rows, fit_intercept)


def are_summed(rows: Source, n: int) -> bool:
    """Return whether ``SummedColumns`` suit n of the rows: all that are not in memory, and tall ones."""
    if not (isinstance(rows, Rows) and rows.in_memory):
        return True
    if rows.is_sparse:
        return rows.n_features <= MOST_SPARSE_FEATURES
    return rows.n_features <= FEW_COLUMNS or rows.n_features <= min(n, LARGEST_GRAM)


def _as_scale(spread: Array, rounding: Array) -> tuple[Array, NDArray[np.bool_]]:
    """Return the scales (d,) of columns, and which vary by more than rounding, given the roots of squares."""
    varies = spread > 4 * rounding
    return np.where(varies, spread, 1.0), varies


class SummedColumns:
    """Tall rows, of which sums are all that is kept.

    Args:
        rows: to look closer; None if they are gone.
        moments: of the rows.
        gram: XᵀCX (d, d), centred.
        cross: XᵀCY (d, q), centred.
    """

    def __init__(self, rows: Source | None, moments: Moments, gram: Array, cross: Array) -> None:
        self._rows, self._moments, self.most_products = rows, moments, len(gram)
        self.total, self.mean, self.y_mean = moments.n or 0.0, moments.mean, moments.y_mean
        self.y_squares = moments.tss
        self.scale, self.varies = _as_scale(np.sqrt(moments.spread), moments.rounding)
        inverse = self.varies / self.scale
        self._gram = gram * inverse * inverse[:, None]
        self._gram.flat[:: len(gram) + 1] = self.varies
        self._cross = cross * inverse[:, None]
        # Sums of values that are not centred lose the digits that their means take.
        lost = np.ones(len(inverse)) if moments.is_far else np.sqrt(moments.squares) * inverse
        self._reach = np.where(self.varies, lost, 0.0)

    @staticmethod
    def of(rows: Source, fit_intercept: bool) -> "SummedColumns":
        """Sum the rows.

        Raises:
            OneLayerError: if values are so large that their squares overflow, or no row has a weight.
        """
        return SummedColumns(rows, *sums_of(rows, fit_intercept))

    def look(self, target: int, V: Array) -> Look:
        """See ``StandardColumns``."""
        used = np.flatnonzero(V)
        v, cross = V[used], self._cross[:, target]
        # Rows of the matrix that are picked out are copied: of many, the rest does not matter.
        fitted = v @ self._gram[used] if len(used) < len(V) / 4 else V @ self._gram
        slope = cross - fitted
        squares = float(self.y_squares[target] - v @ (cross + slope)[used])
        sizes = FAR * np.sqrt(self.y_squares[target]) + float(self._reach @ np.abs(V))
        moved = UNITS * EPS * float(sizes)
        return Look(slope, max(squares, 0.0), moved * self._reach, 0.0, moved * float(sizes))

    def closer(self, V: Array) -> list[Look] | None:
        """See ``StandardColumns``."""
        if self._rows is None:
            return None
        weight = (V / self.scale).T
        slope, _, squares = residual_products(self._rows, self._moments, weight, self.y_mean)
        slope = slope * (self.varies / self.scale)[:, None]
        looks = []
        for k, square in enumerate(squares):
            length = float(np.sqrt(square))
            moved = UNITS * EPS * (float(np.sqrt(self.y_squares[k])) + float(self._reach @ np.abs(V[k])))
            slack = UNITS * EPS * length * self._reach
            looks.append(Look(slope[:, k], float(square), slack, moved, moved * (length + moved)))
        return looks

    def gram(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Array:
        """See ``StandardColumns``."""
        return np.asarray(self._gram[np.ix_(rows, columns)])

    def descend(
        self, target: int, index: NDArray[np.intp], V: Array, penalty: ElasticNet, tol: float, sweeps: int
    ) -> int:
        """See ``StandardColumns``."""
        raise NotImplementedError("the whole Gram matrix is there")


class _WideColumns:
    """What dense and sparse columns share: the targets (q, n) times the roots of the rows' weights."""

    total: float
    mean: Array
    scale: Array
    varies: NDArray[np.bool_]
    most_products: int
    reach: Array

    def __init__(self, rows: Rows, fit_intercept: bool) -> None:
        block = rows.gathered()
        c = block.row_weights()
        self.root = np.sqrt(c)
        self.y_mean = c @ block.y / c.sum() if fit_intercept else np.zeros(block.y.shape[1])
        self.y = np.ascontiguousarray(((block.y - self.y_mean) * self.root[:, None]).T)
        self.y_squares = np.square(self.y).sum(axis=1)

    def look(self, target: int, V: Array) -> Look:
        """See ``StandardColumns``."""
        r = self.residual(target, V)
        length = float(np.linalg.norm(r))
        sizes = np.sqrt(self.y_squares[target]) + float(self.reach @ np.abs(V))
        moved = UNITS * EPS * float(sizes)
        return Look(
            self.slopes(r), length**2, UNITS * EPS * length * self.reach, moved, moved * (length + moved)
        )

    def closer(self, V: Array) -> list[Look] | None:
        """See ``StandardColumns``."""
        return None

    def residual(self, target: int, V: Array) -> Array:
        """Return r (n,) at V (d,)."""
        raise NotImplementedError

    def slopes(self, r: Array) -> Array:
        """Return Zᵀr (d,)."""
        raise NotImplementedError


class DenseColumns(_WideColumns):
    """Dense rows that stay as they are; columns in use are written out, one after another."""

    def __init__(self, rows: Rows, fit_intercept: bool) -> None:
        super().__init__(rows, fit_intercept)
        scaling = RowsScaling.of(rows, fit_intercept)
        self._rows, self.most_products = rows, LARGEST_GRAM
        self.total = scaling.total if fit_intercept else 0.0
        self.mean = scaling.mean
        self.varies = np.isfinite(scaling.scale)
        self.scale = np.where(self.varies, scaling.scale * np.sqrt(scaling.total), 1.0)
        far = np.abs(self.mean) * np.sqrt(scaling.total) / self.scale
        self._is_far = bool((far[self.varies] > FAR).any())
        self.reach = np.where(self.varies, 1.0 if self._is_far else np.sqrt(1 + far**2), 0.0)
        self._written = np.empty((0, len(rows)))
        self._index = np.zeros(0, np.intp)  # of the columns written out, in their order
        self._position = np.full(len(self.mean), -1)

    def slopes(self, r: Array) -> Array:
        """Return Zᵀr (d,)."""
        weighted, sums = self.root * r, np.zeros(len(self.mean))
        ends = np.linspace(0, len(sums), PARTS + 1, dtype=int).tolist()
        sum_of(partial(self._add_slopes, weighted, sums), list(starmap(slice, pairwise(ends))))
        sums = sums if self._is_far else sums - self.mean * float(weighted.sum())
        return np.asarray(sums * (self.varies / self.scale))

    def _add_slopes(self, weighted: Array, sums: Array, columns: slice) -> list[Any]:
        """Add products of residuals with some columns to the sums (d,)."""
        whole, mean = Block(self._rows.X[:, columns], self._rows.y, None, self._rows.unit), self.mean[columns]
        is_copied = self._is_far or whole.X.dtype != np.float64 or whole.unit != 1
        for block in whole.split(block_rows(len(mean)) if is_copied else len(whole)):
            X = block.dense() - mean if self._is_far else block.dense()
            sums[columns] += weighted[block.start : block.start + len(block)] @ X
        return []

    def columns(self, index: NDArray[np.intp]) -> Array:
        """Return columns, each a row of (m, n); not copied if they were first asked for in this order."""
        self._write_out(index)
        position = self._position[index]
        start = int(position[0]) if len(position) else 0
        if (position == np.arange(start, start + len(position))).all():
            return self._written[start : start + len(position)]
        return np.asarray(self._written[position])

    def _write_out(self, index: NDArray[np.intp]) -> None:
        new = index[self._position[index] < 0]
        first, count = len(self._index), len(self._index) + len(new)
        if count > len(self._written):
            larger = np.empty((2 * count, len(self._rows)))
            larger[:first] = self._written[:first]
            self._written = larger
        values = self._written[first:count]
        values[:] = self._rows.X[:, new].T
        values *= self._rows.unit
        values -= self.mean[new, None]
        values *= (self.varies / self.scale)[new, None]
        values *= self.root
        self._position[new] = np.arange(first, count)
        self._index = np.append(self._index, new)

    def residual(self, target: int, V: Array) -> Array:
        """Return r (n,) at V (d,)."""
        self._write_out(np.flatnonzero(V))
        return np.asarray(self.y[target] - V[self._index] @ self._written[: len(self._index)])

    def gram(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Array:
        """See ``StandardColumns``."""
        return np.asarray(self.columns(rows) @ self.columns(columns).T)

    def descend(
        self, target: int, index: NDArray[np.intp], V: Array, penalty: ElasticNet, tol: float, sweeps: int
    ) -> int:
        """See ``StandardColumns``."""
        r, weight, size = self.residual(target, V), V[index], self.varies[index].astype(np.float64)
        done = descend_dense(self.columns(index), size, r, weight, *penalty.arrays(), tol, sweeps)
        V[index] = weight
        return done


class SparseColumns(_WideColumns):
    """Sparse rows, stored by columns, and centred without being written out."""

    def __init__(self, rows: Rows, fit_intercept: bool) -> None:
        super().__init__(rows, fit_intercept)
        given = CentredColumns(rows, fit_intercept)
        self.total, self.mean = given.n if fit_intercept else 0.0, given.mean
        S = given.scaled()
        S.data *= np.repeat(given.root, np.diff(S.indptr))
        S = S.tocsc()
        squares = np.add.reduceat(np.append(np.square(S.data), 0), S.indptr[:-1]) * (np.diff(S.indptr) > 0)
        spread = np.sqrt(np.maximum(squares - given.n * given.rest**2, 0))
        self.varies = given.varies & (spread > 4 * EPS * np.sqrt(squares))
        length = np.where(self.varies, spread, 1.0)
        S.data *= np.repeat(self.varies / length, np.diff(S.indptr))
        self.scale = np.where(self.varies, length * given.size, 1.0)
        self._S, self._center = S, self.varies * given.rest / length
        self.most_products = min(max(MANY, PER_VALUE * S.nnz // S.shape[1]), LARGEST_GRAM)
        self.reach = np.where(self.varies, np.sqrt(squares) / length, 0.0)

    def slopes(self, r: Array) -> Array:
        """Return Zᵀr (d,)."""
        return np.asarray((sparse_product(self._S.T, r) - self._center * float(self.root @ r)) * self.varies)

    def residual(self, target: int, V: Array) -> Array:
        """Return r (n,) at V (d,)."""
        used = np.flatnonzero(V)
        fitted = self._S[:, used] @ V[used] - self.root * float(self._center[used] @ V[used])
        return np.asarray(self.y[target] - fitted)

    def gram(self, rows: NDArray[np.intp], columns: NDArray[np.intp]) -> Array:
        """See ``StandardColumns``."""
        products = (self._S[:, rows].T @ self._S[:, columns]).toarray()
        return np.asarray(
            products - float(self.root @ self.root) * np.outer(self._center[rows], self._center[columns])
        )

    def descend(
        self, target: int, index: NDArray[np.intp], V: Array, penalty: ElasticNet, tol: float, sweeps: int
    ) -> int:
        """See ``StandardColumns``."""
        r, weight, size = self.residual(target, V), V[index], self.varies[index].astype(np.float64)
        S = self._S[:, index]
        stored = S.data, S.indices.astype(np.int32), S.indptr.astype(np.int64)
        done = descend_sparse(
            *stored, self._center[index], self.root, size, r, weight, *penalty.arrays(), tol, sweeps
        )
        V[index] = weight
        return done


def to_user(columns: StandardColumns, V: Array) -> tuple[Array, Array]:
    """Return W (q, d) and b (q,) for features as they are, given weights V (q, d) of the standard columns."""
    W, used = V / columns.scale, V.any(axis=0)
    means = Scaling(columns.mean[used], columns.scale[used])
    return W, means.moved(W[:, used], columns.y_mean, -1.0)
