"""Standardising the columns of a table for training, and putting the result back into the user's units."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import sparse
from torch import Tensor

from onelayer.data import joint
from onelayer.data.rows import BLOCK_ROWS, Rows
from onelayer.errors import OneLayerError

Array = NDArray[Any]

EPS = float(np.finfo(np.float64).eps)
ROUNDING = (
    2 * EPS
)  # deviation of a column, relative to its mean, that the rounding of stored numbers explains
LEAST = 1e-300  # a deviation whose inverse is a number
SMALL = 2.0**-64  # there are never so many rows that a sum of numbers this much smaller overflows
FAR = 2.0**540  # squares of numbers this much smaller or larger are far from the limits of float64
CONSTANT = 1e-12  # relative deviation below which a column counts as constant


@dataclass(frozen=True)
class Standardizer:
    """Means and scales of features and target, learned from training rows.

    Gradient descent on features of mean 0 and variance 1 needs one learning rate for all of them. Nothing is
    lost: an affine map of standardised features is an affine map of the features.

    Attributes:
        mean: (d,) mean of each feature without its missing values; it also stands in for them.
        inverse_std: (d,) 1 / standard deviation, and 0 for a constant feature, which then gets weight 0.
        target_mean: (q,) and
        target_std: (q,) of a regression target; 0 and 1 for classes.
    """

    mean: Tensor
    inverse_std: Tensor
    target_mean: Tensor
    target_std: Tensor

    @staticmethod
    def fit(rows: Rows) -> "Standardizer":
        """Learn from float features (n, d), in which NaN means missing."""
        mean, std = mean_and_std(rows.X)
        inverse_std = torch.where(std > 0, 1 / std, 0.0)
        if rows.is_classification:
            return Standardizer(mean, inverse_std, torch.zeros(1), torch.ones(1))
        target_mean, target_std = mean_and_std(rows.y)
        return Standardizer(mean, inverse_std, target_mean, torch.where(target_std > 0, target_std, 1.0))

    def transform(self, rows: Rows, dtype: torch.dtype) -> Rows:
        """Return the rows with missing values filled and everything in standard units."""
        X = torch.empty(rows.X.shape, dtype=dtype)
        for raw, standard in zip(rows.X.split(BLOCK_ROWS), X.split(BLOCK_ROWS), strict=True):
            standard.copy_(torch.nan_to_num((raw - self.mean) * self.inverse_std))
        y = rows.y
        if not rows.is_classification:
            y = ((y - self.target_mean) / self.target_std).to(dtype)
        return Rows(X, y)

    def unscale_input(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Return the affine map of raw features that equals (h, d), (h,) on standardised ones."""
        raw_weight = weight.double() * self.inverse_std
        return raw_weight, bias.double() - raw_weight @ self.mean

    def unscale_output(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Return the affine map to the target's units from (q, h), (q,) to standard units."""
        raw_bias = bias.double() * self.target_std + self.target_mean
        return weight.double() * self.target_std[:, None], raw_bias


def mean_and_std(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and standard deviation of each column (n, d), NaN left out, summed block by block in float64.

    A column of one value repeated has a computed deviation of rounding errors; it is given as 0.
    """
    blocks = values.split(BLOCK_ROWS)
    count = sum((~b.isnan()).sum(dim=0) for b in blocks)
    mean = torch.nan_to_num(sum(b.double().nansum(dim=0) for b in blocks) / count)
    squares = sum((b.double() - mean).square().nansum(dim=0) for b in blocks)
    std = torch.nan_to_num(squares / count).sqrt()
    return mean, torch.where(std > CONSTANT * mean.abs(), std, 0.0)


@dataclass(frozen=True)
class Scaling:
    """What standardises the columns of any rows: x = mean + scale · z, with Σ c z = 0 and Σ c z² = Σ c.

    An affine map of z is an affine map of x, so nothing is lost and the user's units do not matter.

    Attributes:
        means: (d,), zeros without an intercept. A sparse column is centred only if all its values are stored.
        deviations: (d,) the root of the mean square of x − mean.
        scales: (d,) the same, but infinite where it is 0 or the rounding of stored numbers explains it: there z = 0.
        total: Σ c.
    """

    means: Array
    deviations: Array
    scales: Array
    total: float

    @staticmethod
    def of(rows: joint.Source, fit_intercept: bool = True) -> "Scaling":
        """Learn from all rows, in two passes; their weights are at most 1.

        Raises:
            OneLayerError: if no row has a weight.
        """
        d = rows.n_features

        def first_pass(block: joint.Block) -> list[Any]:
            c = _weights(block)
            with np.errstate(over="ignore"):
                if sparse.issparse(block.X):
                    return [
                        float(c.sum()),
                        block.X.T @ (c * SMALL),
                        np.bincount(block.X.indices, minlength=d),
                    ]
                return [float(c.sum()), (c * SMALL) @ block.X, 0]

        total, sums, stored = rows.sum(first_pass)
        if not total > 0:
            raise OneLayerError("no row has a weight above 0")
        means = sums * (rows.first().unit / (total * SMALL)) if fit_intercept else np.zeros(d)
        if rows.is_sparse:
            means = np.where(stored == len(rows), means, 0)
        shift, square, factor = _moments(rows, means, total)
        if fit_intercept and not rows.is_sparse:
            square = np.maximum(square - shift**2, 0)
            means = means + shift / factor
        deviations = np.sqrt(square) / factor
        constant = deviations <= np.maximum(ROUNDING * np.abs(means), LEAST)
        return Scaling(means, deviations, np.where(constant, np.inf, deviations), total)

    def to_user(self, weight: Array, bias: Array) -> tuple[Array, Array]:
        """Return W (k, d) and b (k,) for x from those for z. b belongs to W as it is rounded."""
        W: Array = weight / self.scales
        return W, self.moved(W, bias, -1.0)

    def from_user(self, weight: Array, bias: Array) -> tuple[Array, Array]:
        """Return the weights (k, d) and biases (k,) for z of those for x, the biases without loss of digits."""
        V = weight * np.where(np.isfinite(self.scales), self.scales, 0)
        return V, self.moved(weight, bias, 1.0)

    def moved(self, W: Array, bias: Array, sign: float) -> Array:
        """Return b ± W · mean, summed exactly and rounded once."""
        if not self.means.any():
            return bias
        means = np.r_[1.0, self.means]
        return np.array([_exact_dot(np.r_[b, sign * w], means) for w, b in zip(W, bias, strict=True)])


def _exact_dot(a: Array, b: Array) -> float:
    """Return Σ aᵢ bᵢ, rounded once (Dekker's product of mantissas, and an exact sum)."""
    (p, m), (q, n) = np.frexp(a), np.frexp(b)
    p_high, q_high = (x * 134217729.0 - (x * 134217729.0 - x) for x in (p, q))  # 2²⁷ + 1 splits 53 bits
    p_low, q_low = p - p_high, q - q_high
    product = p * q
    error = ((p_high * q_high - product) + p_high * q_low + p_low * q_high) + p_low * q_low
    parts = np.ldexp([product, error], m + n)
    return math.fsum(parts.ravel().tolist()) if np.isfinite(parts).all() else math.nan


def _weights(block: joint.Block) -> Array:
    """Return the weights (m,) of a block's rows."""
    return np.ones(len(block)) if block.c is None else block.c


def _moments(rows: joint.Source, means: Array, total: float) -> tuple[Array, Array, Array]:
    """Return mean and mean square (d,) of factor · (x − mean), and the factor.

    The factor is 1, or a power of two where squares would over- or underflow.
    """
    factor = np.ones_like(means)

    def term(block: joint.Block) -> list[Array]:
        share = _weights(block) / total
        with np.errstate(over="ignore", invalid="ignore"):
            if sparse.issparse(block.X):
                X = centred(block, means)
                return [np.zeros_like(means), (X * factor).power(2).T @ share]
            Z = block.dense() * factor - means * factor
            return [share @ Z, share @ np.square(Z)]

    shift, square = rows.sum(term)
    huge, tiny = ~np.isfinite(square), square < 1 / FAR
    if huge.any() or (tiny & (square > 0)).any():
        factor = np.where(huge, 1 / FAR, np.where(tiny, FAR, 1.0))
        shift, square = rows.sum(term)
    return shift, square, factor


def centred(block: joint.Block, means: Array) -> Any:
    """Return a block's CSR (m, d) with the mean of its column taken from each stored value."""
    X = block.X.astype(np.float64) * block.unit
    if means.any():
        X.data = X.data - means[X.indices]
    return X
