"""A named data set: its rows, what its columns mean, and rows of it held out for validation."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import numpy as np

from onelayer.data.rows import Rows
from onelayer.errors import OneLayerError

if TYPE_CHECKING:
    from onelayer.data.encoding import Encoding

Missing = Literal["error", "mean", "drop"]


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
        is_transposed: whether rows and columns of the images changed places when they were read.
    """

    name: str
    train: Rows
    test: Rows | None
    features: tuple[str, ...]
    target: str
    classes: tuple[str, ...]
    image_shape: tuple[int, int] | None = None
    encoding: "Encoding | None" = None
    is_transposed: bool = False

    @property
    def n_features(self) -> int:
        """The number of features d."""
        return self.train.n_features

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
        is_held = np.zeros(n, bool)
        is_held[random_stream(seed, 0).choice(n, n_held, replace=False)] = True
        return replace(self, train=self.train.take(~is_held)), self.train.take(is_held)


def random_stream(seed: int, *stream: int) -> np.random.Generator:
    """Return a generator for one of the independent random streams of a seed (NumPy's ``SeedSequence``)."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=stream))
