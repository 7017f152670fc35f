"""Bringing columns to mean 0 and variance 1 for training, and putting what was learned back into the user's units.

Gradient descent on standardised columns needs one learning rate for all of them. Nothing is lost: an affine map of
standardised features is an affine map of the features.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from onelayer.data.rows import Block, Rows, Source, Terms, block_rows
from onelayer.double_double import EPS, two_product
from onelayer.engines.threads import added
from onelayer.errors import OneLayerError

Array = NDArray[Any]

ROUNDING = 16 * EPS  # how far apart, relatively, rounding may bring equal numbers
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
    def of(X: Any, c: Array | None = None) -> "RunningMoments":
        """Return those of features X (n, d) of weights c (n,), or 1; see ``of_rows``."""
        return RunningMoments.of_rows(Rows(X, np.zeros(X.shape[0]), "regression", c))

    @staticmethod
    def of_rows(rows: Source, values: Callable[[Block], Array] = Block.dense) -> "RunningMoments":
        """Return those of rows wherever they are, dense or not, block by block, in two passes.

        Args:
            rows: features, targets and weights.
            values: the columns (m, d) of a block that are meant, the features if not given.

        Raises:
            OneLayerError: if squares of features overflow.
        """
        origin = _first_values(
            values(rows.first())
        )  # for a constant column differences from it are exactly 0

        def sums(block: Block) -> list[Array]:
            X, c = values(block), block.row_weights()
            return [c @ ~np.isnan(X), c @ (_filled(X, origin) - origin)]

        total, step = rows.sum(lambda block: _by_parts(sums, block))
        with np.errstate(over="ignore", invalid="ignore"):
            mean = origin + step / np.where(total > 0, total, 1)

        def squares(block: Block) -> list[Array]:
            with np.errstate(over="ignore", invalid="ignore"):
                return [block.row_weights() @ np.square(_filled(values(block), mean) - mean)]

        variance = rows.sum(lambda block: _by_parts(squares, block))[0] / np.where(total > 0, total, 1)
        if not np.isfinite(variance).all():
            raise OneLayerError("some features are so large that their squares overflow: use another unit")
        return RunningMoments(total, mean, variance)

    def with_rows(self, X: Array, c: Array) -> "RunningMoments":
        """Return those with more rows X (n, d) of weights c (n,) (Chan, Golub and LeVeque 1983).

        Raises:
            OneLayerError: if squares of features overflow.
        """
        more = RunningMoments.of(X, c)
        total = self.total + more.total
        weight = more.total / np.where(total > 0, total, 1)
        step = more.mean - self.mean
        with np.errstate(over="ignore"):
            spread = self.variance * (1 - weight) + more.variance * weight + step**2 * weight * (1 - weight)
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
    """The scaling of a table's features and, if it is a number, of its target, worked out when it is asked for.

    Args:
        rows: float features (n, d), in which NaN means missing; features in CSR stay as they are.
        fill: what stands for missing values (d,), if it is not the means of these rows, which may be a sample.
        whole: the rows that they are a sample of, by which the scaling goes; else by the sample.
    """

    rows: Rows
    fill: Array | None = None
    whole: Source | None = None

    @cached_property
    def features(self) -> Scaling:
        """That of d columns."""
        rows, d = self.rows, self.rows.n_features
        if rows.is_sparse:
            return Scaling(np.zeros(d), np.ones(d))
        moments = RunningMoments.of(rows.X) if self.whole is None else RunningMoments.of_rows(self.whole)
        found = moments.scaling()
        return found if self.fill is None else replace(found, mean=self.fill)

    @cached_property
    def target(self) -> Scaling:
        """That of q columns; with scale 1 for a constant target, and for classes nothing but that."""
        if self.rows.task == "classes":
            return Scaling(np.zeros(1), np.ones(1))
        found = (
            RunningMoments.of(self.rows.y)
            if self.whole is None
            else RunningMoments.of_rows(self.whole, lambda block: block.y)
        ).scaling()
        return replace(found, scale=np.where(np.isfinite(found.scale), found.scale, 1))

    def apply(self, rows: Rows, dtype: DTypeLike) -> Rows:
        """Return the rows with missing values filled and everything in standard units, features as ``dtype``."""
        y = rows.y if rows.task == "classes" else self.target.apply(rows.y, np.float64)
        return replace(rows, X=self.features.apply(rows.X, dtype), y=y)


def _by_parts(terms: Terms, block: Block) -> list[Array]:
    """Return the sums of terms over blocks that are small even where they are made dense."""
    return added(map(terms, block.split(block_rows(block.X.shape[1]))))


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
