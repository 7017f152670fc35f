"""Bringing columns to mean 0 and variance 1 for training, and putting what was learned back into the user's units.

Gradient descent on standardised columns needs one learning rate for all of them. Nothing is lost: an affine map of
standardised features is an affine map of the features.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from onelayer.data.rows import Rows, block_rows
from onelayer.double_double import EPS, two_product
from onelayer.errors import OneLayerError

Array = NDArray[Any]

CONSTANT = 4 * EPS  # a deviation this small, relative to the mean, is rounding


@dataclass(frozen=True, eq=False)
class RunningMoments:
    """Weighted means and variances of columns over all rows seen so far, missing values (NaN) left out.

    Attributes:
        total: the sum of the weights of the values of each column (d,).
        mean: (d,).
        variance: (d,).
    """

    total: Array
    mean: Array
    variance: Array

    @staticmethod
    def of(X: Array, c: Array | None = None) -> "RunningMoments":
        """Return those of rows X (n, d) of weights c (n,), or 1."""
        nothing = np.zeros(X.shape[1])
        return RunningMoments(nothing, nothing, nothing).with_rows(X, np.ones(len(X)) if c is None else c)

    @staticmethod
    def of_rows(rows: Rows) -> "RunningMoments":
        """Return those of rows wherever they are, dense or not, block by block."""
        nothing = np.zeros(rows.n_features)
        found = RunningMoments(nothing, nothing, nothing)
        for block in rows.gathered().split(block_rows(rows.n_features)):
            found = found.with_rows(block.dense(), block.row_weights())
        return found

    def with_rows(self, X: Array, c: Array) -> "RunningMoments":
        """Return those with more rows X (n, d) of weights c (n,) (Chan, Golub and LeVeque 1983).

        Raises:
            OneLayerError: if squares of features overflow.
        """
        size, nothing = block_rows(X.shape[1]), np.zeros(X.shape[1])
        blocks = [slice(i, i + size) for i in range(0, len(X), size)]
        origin = _first_values(X[:size])  # sums of differences from it are exactly 0 for a constant column
        with np.errstate(over="ignore", invalid="ignore"):
            added = sum((c[b] @ ~np.isnan(X[b]) for b in blocks), nothing)
            share = 1 / np.where(added > 0, added, 1)
            mean = origin + sum((c[b] @ (_filled(X[b], origin) - origin) for b in blocks), nothing) * share
            variance = sum((c[b] @ np.square(_filled(X[b], mean) - mean) for b in blocks), nothing) * share
            total = self.total + added
            weight = added / np.where(total > 0, total, 1)
            step = mean - self.mean
            spread = self.variance * (1 - weight) + variance * weight + step**2 * weight * (1 - weight)
        if not np.isfinite(spread).all():
            raise OneLayerError("some features are so large that their squares overflow: use another unit")
        return RunningMoments(total, self.mean + step * weight, spread)

    def scaling(self, centred: bool = True) -> "Scaling":
        """Return what gives columns mean 0 and variance 1; not centred, a mean square of 1."""
        shift = self.mean if centred else np.zeros_like(self.mean)
        scale = np.sqrt(self.variance + (self.mean - shift) ** 2)
        return Scaling(shift, np.where(scale > CONSTANT * np.abs(self.mean), scale, np.inf))


@dataclass(frozen=True, eq=False)
class Scaling:
    """Columns in standard units: x = mean + scale · z.

    Attributes:
        mean: (d,); it also stands in for missing values.
        scale: (d,), infinite for a constant column, which then is 0 in standard units and gets weight 0.
    """

    mean: Array
    scale: Array

    def apply(self, X: Array, dtype: DTypeLike) -> Array:
        """Return rows X (n, d) in standard units, missing values filled."""
        Z = np.empty(X.shape, dtype)
        size = block_rows(X.shape[1])
        for i in range(0, len(X), size):
            Z[i : i + size] = np.nan_to_num((X[i : i + size] - self.mean) / self.scale)
        return Z

    def input_to_user(self, weight: Array, bias: Array) -> tuple[Array, Array]:
        """Return the affine map of columns as they are that equals (h, d), (h,) on standardised ones.

        The bias belongs to the weight as it is rounded.
        """
        user_weight = weight.astype(np.float64) / self.scale
        return user_weight, self.moved(user_weight, bias, -1.0)

    def input_to_standard(self, weight: Array, bias: Array) -> tuple[Array, Array]:
        """Return the affine map of standardised columns that equals (h, d), (h,) on columns as they are."""
        return weight * np.where(np.isfinite(self.scale), self.scale, 0), self.moved(weight, bias, 1.0)

    def moved(self, weight: Array, bias: Array, sign: float) -> Array:
        """Return b ± W · mean (h,), summed exactly and rounded once."""
        if not self.mean.any():
            return bias
        mean = np.r_[1.0, self.mean]
        return np.array([_exact_dot(np.r_[b, sign * w], mean) for w, b in zip(weight, bias, strict=True)])

    def output_to_user(self, weight: Array, bias: Array) -> tuple[Array, Array]:
        """Return the affine map to columns as they are from (q, h), (q,) to standardised ones."""
        return weight.astype(np.float64) * self.scale[:, None], bias * self.scale + self.mean


@dataclass(frozen=True, eq=False)
class TableScaling:
    """The scaling of a table's features and, if it is a number, of its target.

    Attributes:
        features: of d columns.
        target: of q columns; with scale 1 for a constant target, and for classes nothing but that.
    """

    features: Scaling
    target: Scaling

    @staticmethod
    def of(rows: Rows) -> "TableScaling":
        """Learn from float features (n, d), in which NaN means missing; features in CSR stay as they are."""
        d = rows.n_features
        features = Scaling(np.zeros(d), np.ones(d)) if rows.is_sparse else RunningMoments.of(rows.X).scaling()
        if rows.task == "classes":
            return TableScaling(features, Scaling(np.zeros(1), np.ones(1)))
        target = RunningMoments.of(rows.y).scaling()
        return TableScaling(
            features, replace(target, scale=np.where(np.isfinite(target.scale), target.scale, 1))
        )

    def apply(self, rows: Rows, dtype: DTypeLike) -> Rows:
        """Return the rows with missing values filled and everything in standard units, features as ``dtype``."""
        y = rows.y if rows.task == "classes" else self.target.apply(rows.y, np.float64)
        return replace(rows, X=self.features.apply(rows.X, dtype), y=y)


def _filled(X: Array, value: Array) -> NDArray[np.float64]:
    """Return X (m, d) as float64 with a value for each column (d,) in the place of NaN."""
    return np.where(np.isnan(X), value, X.astype(np.float64))


def _first_values(X: Array) -> NDArray[np.float64]:
    """Return a value of each column (d,), or 0 where all are missing."""
    row = np.isnan(X).argmin(axis=0)
    first: NDArray[np.float64] = np.nan_to_num(X[row, np.arange(X.shape[1])].astype(np.float64))
    return first


def _exact_dot(a: Array, b: Array) -> float:
    """Return Σ aᵢ bᵢ, rounded once: an exact sum of exact products of mantissas."""
    (p, m), (q, n) = np.frexp(a), np.frexp(b)
    parts = np.ldexp(two_product(p, q), m + n)
    return math.fsum(parts.ravel().tolist()) if np.isfinite(parts).all() else math.nan
