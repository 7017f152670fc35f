"""Splits of rows into those that models learn from and those that they are judged by, as arrays of row numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import OneLayerError
from onelayer.solvers.folds import Split

FOLDS = 5
ALWAYS_LEARNED = -1  # the fold of a row that no model is judged by


def splits_by(fold: NDArray[np.integer[Any]]) -> list[Split]:
    """Return a split for each fold: its rows judge models of all others.

    Args:
        fold: the number of each row's fold (n,), from 0; a row of −1 is in no fold, so that all models learn from it.
    """
    numbers = range(int(fold.max(initial=ALWAYS_LEARNED)) + 1)
    return checked([(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in numbers])


def spread(labels: NDArray[np.int64], n_folds: int) -> NDArray[np.int64]:
    """Return folds (n,) that share each class evenly, in the order of the rows; the only row of a class is in none.

    Raises:
        OneLayerError: if there are fewer rows than folds, or fewer than two folds.
    """
    if not 2 <= n_folds <= len(labels):
        raise OneLayerError(f"cv must be from 2 to the number of rows, {len(labels)}, not {n_folds}")
    fold = np.full(len(labels), ALWAYS_LEARNED)
    repeated = np.flatnonzero(np.bincount(labels)[labels] > 1)
    order = repeated[np.argsort(labels[repeated], kind="stable")]
    fold[order] = np.arange(len(order)) % n_folds
    return fold


def checked(splits: Sequence[Split]) -> list[Split]:
    """Return splits if there are any, and each has rows on both sides.

    Raises:
        OneLayerError: if not.
    """
    if not splits or any(not len(train) or not len(test) for train, test in splits):
        raise OneLayerError("a fold has no rows to learn from or to judge by: use fewer folds, or others")
    return list(splits)


def fold_weights(splits: Sequence[Split], c: NDArray[Any] | None) -> NDArray[np.float64]:
    """Return how much the rows (K,) weigh that each split judges by, given the weights of all rows (n,)."""
    return np.array([float(len(test) if c is None else c[test].sum()) for _, test in splits])


def check_classes(splits: Sequence[Split], labels: NDArray[np.int64], c: Any, names: Sequence[Any]) -> None:
    """Look whether models of all splits learn from each class.

    Args:
        splits: K of them.
        labels: the numbers of the rows' classes (n,).
        c: weights (n,), or None for 1.
        names: of the classes (q,).

    Raises:
        OneLayerError: if a class has no weight at all, or a split leaves out all its rows; it names both.
    """
    weights = np.ones(len(labels)) if c is None else c

    def absent(index: Any) -> Any:
        """Return a class that some rows do not have, or None."""
        sums = np.bincount(labels[index], weights[index], len(names))
        return None if (sums > 0).all() else names[int(sums.argmin())]

    if (name := absent(slice(None))) is not None:
        raise OneLayerError(f"the rows of class {name!r} have no weight: leave them out")
    for k, (train, _) in enumerate(splits, start=1):
        if (name := absent(train)) is not None:
            raise OneLayerError(
                f"fold {k} leaves out all rows of class {name!r} that have a weight: spread classes over folds"
            )
