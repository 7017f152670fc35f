"""Rows of categories, of which many are alike: those that differ, with the weights of all that are like them."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.encoding import Column, Encoding
from onelayer.data.rows import Block

MOST = 2**22  # features of all combinations of levels and classes: 32 MB
REPEATS = 16  # rows to a combination, from which on counting them pays


@dataclass(frozen=True)
class Combinations:
    """All combinations of the levels of categories, and of a class, numbered.

    Attributes:
        sizes: the number of levels of each column, and of the classes.
        strides: (d,) what a feature that is 1 adds to the number of a combination.
    """

    sizes: tuple[int, ...]
    strides: NDArray[np.float64]

    @staticmethod
    def of(encoding: Encoding, n_classes: int) -> "Combinations | None":
        """Return those of the columns of a table, or None if there are too many, or a column is no category."""
        columns = encoding.columns
        plain = encoding.formula is None and encoding.missing != "mean"
        if not plain or not columns or any(column.kind not in ("category", "boolean") for column in columns):
            return None
        sizes = (*(len(column.features) + 1 for column in columns), n_classes)
        if prod(sizes) * len(encoding.features) > MOST:
            return None
        strides = [_steps(column) * prod(sizes[i + 1 :]) for i, column in enumerate(columns)]
        return Combinations(sizes, np.concatenate(strides))

    def weights(self, block: Block) -> NDArray[np.float64]:
        """Return how much the rows of each combination weigh in a block."""
        number = (block.features() @ self.strides).astype(np.intp) + block.y
        return np.asarray(np.bincount(number, block.row_weights(), prod(self.sizes)), np.float64)

    def features(self, numbers: NDArray[np.intp]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Return the features (m, d) and the classes (m,) of some combinations."""
        *levels, y = np.unravel_index(numbers, self.sizes)
        ones: Sequence[Any] = [
            level[:, None] == np.arange(1, size) for level, size in zip(levels, self.sizes[:-1], strict=True)
        ]
        return np.concatenate(ones, axis=1).astype(np.float64), y


def _steps(column: Column) -> NDArray[np.float64]:
    """Return the numbers of a column's levels that have a feature; that of the reference is 0."""
    return np.arange(1.0, len(column.features) + 1)
