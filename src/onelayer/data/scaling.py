"""Standardising the columns of a table for training, and putting the result back into the user's units."""

from dataclasses import dataclass

import torch
from torch import Tensor

from onelayer.data.rows import BLOCK_ROWS, Rows

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
