"""Softmax regression by minibatch SGD on columns that are standardised on the way, over all rows or chunk by chunk.

Minimises ½ ‖W‖² + C Σ cᵢ ℓᵢ, divided by C Σ c: the mean cross-entropy with weight decay 1/(C Σ c). Between passes W
and b are those of the features in their own units; a pass brings them to columns of mean 0 and variance 1, where one
learning rate does for all, and back. So new rows may change the means and variances without harm.
"""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from onelayer.data import Rows, epoch_order
from onelayer.errors import DivergenceError, OneLayerError
from onelayer.functional import mean_loss
from onelayer.solvers.sgd import train_epoch
from onelayer.solvers.stability import DIVERGED, largest_stable_lr

Array = NDArray[np.float64]

BLOCK_ROWS = 4096


@dataclass(frozen=True)
class Moments:
    """Weighted means and variances of columns over all rows seen so far.

    Attributes:
        total: the sum of the weights.
        mean: (d,).
        variance: (d,).
    """

    total: float
    mean: Array
    variance: Array

    @staticmethod
    def none(d: int) -> "Moments":
        """Return those of no rows."""
        return Moments(0.0, np.zeros(d), np.zeros(d))

    def with_rows(self, X: NDArray[np.floating], weights: Array) -> "Moments":
        """Return those with more rows X (n, d) of weights (n,) (Chan, Golub and LeVeque 1983).

        Raises:
            OneLayerError: if squares of features overflow.
        """
        added = float(weights.sum())
        blocks = [slice(i, i + BLOCK_ROWS) for i in range(0, len(X), BLOCK_ROWS)]
        with np.errstate(over="ignore", invalid="ignore"):
            mean = sum(weights[b] @ X[b].astype(np.float64) for b in blocks) / added
            variance = sum(weights[b] @ (X[b] - mean) ** 2 for b in blocks) / added
            total = self.total + added
            step = mean - self.mean
            joint = Moments(
                total,
                self.mean + step * (added / total),
                (self.variance * self.total + variance * added + step**2 * (self.total * added / total))
                / total,
            )
        if not np.isfinite(joint.variance).all():
            raise OneLayerError("some features are so large that their squares overflow: use another unit")
        return joint

    def scaling(self, centred: bool) -> tuple[Array, Array]:
        """Return shifts and scales (d,) for z = (x − shift) / scale; not centred, columns get mean square 1."""
        shift = self.mean if centred else np.zeros_like(self.mean)
        scale = np.sqrt(self.variance + (self.mean - shift) ** 2)
        constant = scale <= 4 * np.finfo(np.float64).eps * np.abs(self.mean)  # a deviation that is rounding
        return shift, np.where(constant, 1.0, scale)


@dataclass(frozen=True)
class Coefficients:
    """What has been learned, for features in their own units.

    Attributes:
        weight: W (k, d); with two classes k is 1, for the logit of the second.
        bias: b (k,).
    """

    weight: Array
    bias: Array


class StandardisedRows:
    """Rows brought to mean 0 and variance 1, and coefficients brought there and back.

    With two classes the layer has two outputs, of which the coefficients are the difference. A penalty of
    λ (‖w₀‖² + ‖w₁‖²) is then one of ½ λ ‖w₁ − w₀‖², and steps with half the rate make the difference move by the whole.

    Attributes:
        rows: of the device and type to compute with.
        weights: c (n,) divided by their mean.
        layer: from standardised features to one output for each class.
    """

    def __init__(
        self,
        X: NDArray[np.floating],
        labels: NDArray[np.int64],
        weights: Array,
        moments: Moments,
        coefficients: Coefficients,
        n_classes: int,
        fit_intercept: bool,
        device: torch.device,
    ) -> None:
        self.shift, self.scale = moments.scaling(fit_intercept)
        self.is_binary = n_classes == 2
        Z = np.empty_like(X)
        for i in range(0, len(X), BLOCK_ROWS):
            Z[i : i + BLOCK_ROWS] = (X[i : i + BLOCK_ROWS] - self.shift) / self.scale
        features = torch.from_numpy(Z)
        dtype = torch.float32 if device.type == "mps" else features.dtype  # MPS knows no float64
        self.rows = Rows(features, torch.from_numpy(labels)).to(device, dtype)
        self.weights = torch.from_numpy(weights / weights.mean()).to(device, dtype)
        layer = nn.utils.skip_init(nn.Linear, X.shape[1], n_classes, bias=fit_intercept, dtype=dtype)
        self.layer = layer.to(device)
        self._set(coefficients)

    def _set(self, coefficients: Coefficients) -> None:
        weight = coefficients.weight * self.scale
        bias = coefficients.bias + coefficients.weight @ self.shift
        if self.is_binary:
            weight, bias = np.vstack([-weight, weight]) / 2, np.r_[-bias, bias] / 2
        with torch.no_grad():
            self.layer.weight.copy_(torch.from_numpy(weight))
            if self.layer.bias is not None:
                self.layer.bias.copy_(torch.from_numpy(bias))

    def coefficients(self) -> Coefficients:
        """Return the layer's coefficients for features in their own units."""
        weight = self.layer.weight.detach().cpu().double().numpy()
        bias = np.zeros(len(weight))
        if self.layer.bias is not None:
            bias = self.layer.bias.detach().cpu().double().numpy()
        if self.is_binary:
            weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
        weight = weight / self.scale
        return Coefficients(weight, bias - weight @ self.shift)

    @torch.inference_mode()
    def loss(self) -> float:
        """Return the weighted mean cross-entropy."""
        blocks = zip(self.rows.blocks(BLOCK_ROWS), self.weights.split(BLOCK_ROWS), strict=True)
        losses = [mean_loss(self.layer(X), y, c).item() * len(y) for (X, y), c in blocks]
        return math.fsum(losses) / len(self.rows)

    def learning_rate(self, batch_size: int, are_all: bool) -> float:
        """Return the largest learning rate for minibatches, of these rows if they are all, 2/(λ_max + λ_batch).

        λ_max is the largest curvature of the mean loss at W = 0. λ_batch is what a random batch of m rows adds:
        that of a row, its ‖z‖² + 1 divided by the number of classes, times 1/m, or (n − m) / (m (n − 1)) if there
        are n rows in all. Their sum is the expected smoothness of Gower et al. 2019 (*SGD: general analysis and
        improved rates*), with the mean row in place of the largest.
        """
        n, m = len(self.rows), min(batch_size, len(self.rows))
        d, q = self.layer.in_features, self.layer.out_features
        of_a_row = float(self.weights.square().mean()) * (d + 1) / q
        share = (n - m) / (m * max(1, n - 1)) if are_all else 1 / m
        curvature = 2 * self._factor / self.largest_stable_lr() + of_a_row * share
        return 2 * self._factor / curvature if curvature else 1.0

    def largest_stable_lr(self) -> float:
        """Return 2/λ_max of the mean loss at W = 0."""
        untrained = copy.deepcopy(self.layer)
        for parameter in untrained.parameters():
            nn.init.zeros_(parameter)
        return self._factor * largest_stable_lr(untrained, self.rows, row_weights=self.weights)

    @property
    def _factor(self) -> int:
        return 2 if self.is_binary else 1

    def descend(
        self, lrs: Sequence[float], batch_size: int, decay: float, seed: int, first_pass: int
    ) -> list[float]:
        """Make a pass over the rows for each learning rate.

        Args:
            lrs: η of each pass, for the coefficients.
            batch_size: rows a step.
            decay: λ of ½ λ ‖W‖² beside the mean loss; W is that of the features in their own units.
            seed: sets the order of the rows.
            first_pass: the number of the first pass, of which the order depends too.

        Returns:
            The mean loss of each pass: that of each batch before its step.

        Raises:
            DivergenceError: if the learning rate is too large for the data.
        """
        penalty = torch.from_numpy(self._factor * decay / self.scale**2).to(self.layer.weight)
        start = max(self.loss(), math.log(self.layer.out_features))
        losses = []
        for number, lr in enumerate(lrs, first_pass):
            order = epoch_order(len(self.rows), seed, number)
            score = train_epoch(
                self.layer,
                self.rows,
                order,
                batch_size,
                lr / self._factor,
                row_weights=self.weights,
                penalty=penalty,
            )
            if not score.loss <= DIVERGED * start:
                raise self._divergence(lr, start, score.loss, batch_size)
            losses.append(score.loss)
        return losses

    def _divergence(self, lr: float, start: float, loss: float, batch_size: int) -> DivergenceError:
        return DivergenceError(
            f"training diverged with learning rate {lr:g}: the loss went from {start:.4g} to {loss:.4g}; for these "
            f"data, standardised, try lr={self.learning_rate(batch_size, are_all=False) / 2:.1g}, or lr='auto'",
            lr,
            self.largest_stable_lr(),
        )
