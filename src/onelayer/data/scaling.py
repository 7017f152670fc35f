"""Standardising the columns of a table for training, and putting the result back into the user's units."""

from dataclasses import dataclass

import torch
from torch import Tensor

from onelayer.data.rows import Rows


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
        X = rows.X.double()
        mean = torch.nan_to_num(X.nanmean(dim=0))
        std = (X - mean).square().nanmean(dim=0).nan_to_num().sqrt()
        # A column of one value repeated has a computed deviation of rounding errors, not of 0.
        constant = std <= 1e-12 * mean.abs()
        inverse_std = torch.where(constant, 0.0, 1 / std)
        if rows.is_classification:
            return Standardizer(mean, inverse_std, torch.zeros(1), torch.ones(1))
        y = rows.y.double()
        target_std = y.std(dim=0, correction=0)
        target_std[target_std == 0] = 1
        return Standardizer(mean, inverse_std, y.mean(dim=0), target_std)

    def transform(self, rows: Rows, dtype: torch.dtype) -> Rows:
        """Return the rows with missing values filled and everything in standard units."""
        X = torch.nan_to_num((rows.X - self.mean) * self.inverse_std)
        y = rows.y
        if not rows.is_classification:
            y = ((y - self.target_mean) / self.target_std).to(dtype)
        return Rows(X.to(dtype), y)

    def unscale_input(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Return the affine map of raw features that equals (h, d), (h,) on standardised ones."""
        raw_weight = weight.double() * self.inverse_std
        return raw_weight, bias.double() - raw_weight @ self.mean

    def unscale_output(self, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
        """Return the affine map to the target's units from (q, h), (q,) to standard units."""
        raw_bias = bias.double() * self.target_std + self.target_mean
        return weight.double() * self.target_std[:, None], raw_bias
