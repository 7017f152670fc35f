"""Rows of features and targets in memory, the data set they belong to, and the order they are visited in."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch import Tensor

from onelayer.errors import OneLayerError

if TYPE_CHECKING:
    from onelayer.data.encoding import Encoding

Missing = Literal["error", "mean", "drop"]

PIXEL_MAX = 255
BLOCK_ROWS = 1024  # few enough for the floats of 784 pixels to stay in the cache


@dataclass(frozen=True)
class Rows:
    """Examples: one row each of features and of the target.

    Attributes:
        X: features (n, d). Bytes are pixels: they stay bytes in memory, and count as value / 255.
        y: class labels (n,) as int64, or numbers (n, q) for regression.
    """

    X: Tensor
    y: Tensor

    def __len__(self) -> int:
        return len(self.X)

    @property
    def is_classification(self) -> bool:
        """Whether the target is a class."""
        return not self.y.is_floating_point()

    @property
    def feature_unit(self) -> float:
        """What a stored value has to be divided by to give the feature: 255 for bytes, else 1."""
        return float(PIXEL_MAX) if self.X.dtype == torch.uint8 else 1.0

    def take(self, index: Tensor) -> "Rows":
        """Return the rows at ``index`` (m,), copied, as they are stored."""
        return Rows(self.X.index_select(0, index), self.y.index_select(0, index))

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features as floats (m, d) and the targets of the rows at ``index`` (m,)."""
        rows = self.take(index)
        return as_features(rows.X), rows.y

    def blocks(self, size: int = BLOCK_ROWS) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield all rows in order as (features as floats, targets), ``size`` rows at a time."""
        for X, y in zip(self.X.split(size), self.y.split(size), strict=True):
            yield as_features(X), y

    def to(self, device: str | torch.device, dtype: torch.dtype | None = None) -> "Rows":
        """Return the rows on another device, their floats in another type if one is given."""
        return Rows(*(t.to(device, dtype if t.is_floating_point() else None) for t in (self.X, self.y)))


def as_features(X: Tensor) -> Tensor:
    """Return stored features (n, d) as floats, pixels between 0 and 1."""
    return X.float().div_(PIXEL_MAX) if X.dtype == torch.uint8 else X


@dataclass(frozen=True)
class Dataset:
    """A named data set: training rows, perhaps a test set, and what the columns mean.

    Attributes:
        name: for file names and reports.
        train: the rows to learn from. In a table, a missing value that is to be filled is NaN.
        test: rows that the data set itself sets aside, or None.
        features: the name of each feature; empty for images.
        target: the name of the target.
        classes: the name of each class; empty for regression.
        image_shape: (height, width) if a row is an image.
        encoding: how table columns became features, if it was a table.
    """

    name: str
    train: Rows
    test: Rows | None
    features: tuple[str, ...]
    target: str
    classes: tuple[str, ...]
    image_shape: tuple[int, int] | None = None
    encoding: "Encoding | None" = None

    @property
    def n_features(self) -> int:
        """The number of features d."""
        return self.train.X.shape[1]

    @property
    def n_outputs(self) -> int:
        """The number of outputs q that a model of these data needs."""
        return len(self.classes) if self.classes else self.train.y.shape[1]

    def hold_out(self, fraction: float, seed: int) -> "tuple[Dataset, Rows | None]":
        """Split ``fraction`` of the training rows off at random, for validation.

        Returns the data set with the rows that stay, in their order, and the rows that left, or None if
        ``fraction`` is 0.

        Raises:
            OneLayerError: if a side would have no rows.
        """
        if fraction == 0:
            return self, None
        n = len(self.train)
        n_held = round(fraction * n)
        if not 0 < n_held < n:
            raise OneLayerError(
                f"cannot hold out {fraction:g} of {n} rows: at least one row has to be on each side "
                "(--valid 0 holds out none)"
            )
        order = torch.randperm(n, generator=seeded_generator(seed, 0))
        kept, held = (part.sort().values for part in (order[n_held:], order[:n_held]))
        return replace(self, train=self.train.take(kept)), self.train.take(held)


def epoch_order(n: int, seed: int, epoch: int) -> Tensor:
    """Return the order (n,) in which ``epoch`` (1, 2, …) visits n rows.

    It depends on nothing but its arguments: every way of training sees the same batches, and a run that
    resumes after an epoch goes on exactly as if it had never stopped.
    """
    return torch.randperm(n, generator=seeded_generator(seed, epoch))


def seeded_generator(seed: int, *stream: int) -> torch.Generator:
    """Return a generator for one of the independent random streams of a seed (NumPy's ``SeedSequence``)."""
    sequence = np.random.SeedSequence(seed, spawn_key=stream)
    return torch.Generator().manual_seed(int(sequence.generate_state(1, np.uint64)[0]) >> 1)
