"""Softmax regression by minibatch SGD on columns that are standardised on the way, over all rows or chunk by chunk.

Minimises ½ ‖W‖² + C Σ cᵢ ℓᵢ, divided by C Σ c: the mean cross-entropy with weight decay 1/(C Σ c). Between passes W
and b are those of the features in their own units; a pass brings them to columns of mean 0 and variance 1, where one
learning rate does for all, and back. So new rows may change the means and variances without harm.
"""

import copy
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from onelayer.data.rows import Rows
from onelayer.data.scaling import Scaling
from onelayer.errors import DivergenceError
from onelayer.history import History
from onelayer.losses import as_one_output, as_two_outputs
from onelayer.solvers.batches import Batches, choose_device, epoch_order
from onelayer.solvers.descent import descend
from onelayer.solvers.epoch import EpochScore
from onelayer.solvers.fit import Watch
from onelayer.solvers.fused import train_epoch
from onelayer.solvers.module_score import score_of
from onelayer.solvers.stability import largest_stable_lr

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Coefficients:
    """What has been learned, for features in their own units.

    Attributes:
        weight: W (k, d); with two classes k is 1, for the logit of the second.
        bias: b (k,).
    """

    weight: Array
    bias: Array


class SoftmaxDescent:
    """A layer that learns from rows in standard units, and its coefficients in the user's.

    With two classes the layer has two outputs, of which the coefficients are the difference. A penalty of
    λ (‖w₀‖² + ‖w₁‖²) is then one of ½ λ ‖w₁ − w₀‖², and steps with half the rate make the difference move by the whole.

    Args:
        rows: features (n, d), classes (n,) and weights (n,).
        scaling: brings the features to standard units.
        start: the coefficients to start from.
        n_classes: q.
        fit_intercept: whether b is free; else it is 0.
        device: where to compute.

    Raises:
        OneLayerError: if there is no such device.
    """

    def __init__(
        self,
        rows: Rows,
        scaling: Scaling,
        start: Coefficients,
        n_classes: int,
        fit_intercept: bool,
        device: str,
    ) -> None:
        self.scaling = scaling
        self.is_binary = n_classes == 2
        standard = replace(rows, X=scaling.apply(rows.X, rows.X.dtype))
        dtype = torch.float32 if rows.X.dtype == np.float32 else torch.float64
        self.rows = Batches.of(standard, choose_device(device), dtype)
        layer = nn.utils.skip_init(
            nn.Linear, rows.n_features, n_classes, bias=fit_intercept, dtype=self.rows.dtype
        )
        self.layer = layer.to(self.rows.X.device)
        weight, bias = scaling.input_to_standard(start.weight, start.bias)
        if self.is_binary:
            weight, bias = as_two_outputs(weight, bias)
        with torch.no_grad():
            self.layer.weight.copy_(torch.from_numpy(weight))
            if fit_intercept:
                self.layer.bias.copy_(torch.from_numpy(bias))

    def coefficients(self) -> Coefficients:
        """Return the layer's coefficients for features in their own units."""
        weight = self.layer.weight.detach().cpu().double().numpy()
        bias = np.zeros(len(weight))
        if self.layer.bias is not None:
            bias = self.layer.bias.detach().cpu().double().numpy()
        if self.is_binary:
            weight, bias = as_one_output(weight, bias)
        return Coefficients(*self.scaling.input_to_user(weight, bias))

    def _weight_and_bias(self) -> tuple[Array, Array]:
        found = self.coefficients()
        return found.weight, found.bias

    def loss(self) -> float:
        """Return the weighted mean cross-entropy."""
        return score_of(self.layer, self.rows).loss

    def learning_rate(self, batch_size: int, are_all: bool) -> float:
        """Return the largest learning rate for minibatches, of these rows if they are all, 2/(λ_max + λ_batch).

        λ_max is the largest curvature of the mean loss at W = 0. λ_batch is what a random batch of m rows adds:
        that of a row, its ‖z‖² + 1 divided by the number of classes, times 1/m, or (n − m) / (m (n − 1)) if there
        are n rows in all. Their sum is the expected smoothness of Gower et al. 2019 (*SGD: general analysis and
        improved rates*), with the mean row in place of the largest.
        """
        n, m = len(self.rows), min(batch_size, len(self.rows))
        d, q = self.layer.in_features, self.layer.out_features
        square = 1.0 if self.rows.c is None else float(self.rows.c.square().mean())
        of_a_row = square * (d + 1) / q
        share = (n - m) / (m * max(1, n - 1)) if are_all else 1 / m
        curvature = 2 * self._factor / self.largest_stable_lr() + of_a_row * share
        return 2 * self._factor / curvature if curvature else 1.0

    def largest_stable_lr(self) -> float:
        """Return 2/λ_max of the mean loss at W = 0."""
        untrained = copy.deepcopy(self.layer)
        for parameter in untrained.parameters():
            nn.init.zeros_(parameter)
        return self._factor * largest_stable_lr(untrained, self.rows)

    @property
    def _factor(self) -> int:
        return 2 if self.is_binary else 1

    def descend(
        self,
        lrs: Sequence[float],
        batch_size: int,
        decay: float,
        seed: int,
        first_pass: int,
        watch: Watch = lambda state: False,
    ) -> list[float]:
        """Make a pass over the rows for each learning rate.

        Args:
            lrs: η of each pass, for the coefficients.
            batch_size: rows per step.
            decay: λ of ½ λ ‖W‖² beside the mean loss; W is that of the features in their own units.
            seed: sets the order of the rows.
            first_pass: the number of the first pass, on which the order depends too.
            watch: is told of each pass.

        Returns:
            The mean loss of each pass: that of each batch before its step.

        Raises:
            DivergenceError: if the learning rate is too large for the data.
        """
        penalty = torch.from_numpy(self._factor * decay / self.scaling.scale**2).to(self.layer.weight)
        start = max(self.loss(), math.log(self.layer.out_features))

        def one_epoch(epoch: int, lr: float) -> EpochScore:
            order = epoch_order(len(self.rows), seed, epoch)
            return train_epoch(self.layer, self.rows, order, batch_size, lr / self._factor, penalty=penalty)

        def diverged(_: int, lr: float, loss: float) -> DivergenceError:
            advised = self.learning_rate(batch_size, are_all=False) / 2
            return DivergenceError(
                f"training diverged with learning rate {lr:g}: the loss went from {start:.4g} to {loss:.4g}; for these "
                f"data, standardised, try lr={advised:.1g}, or lr='auto'",
                lr,
                self.largest_stable_lr(),
            )

        history = descend(
            one_epoch,
            lrs,
            so_far=History(start),
            diverged=diverged,
            first_epoch=first_pass,
            on_epoch=lambda _: watch(self._weight_and_bias),
        )
        return [record.train_loss for record in history.epochs]
