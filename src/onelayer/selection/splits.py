"""Splits of rows into those that models learn from and those that they are judged by, as arrays of row numbers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Divisible
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


def fold_weights(rows: Divisible, splits: Sequence[Split]) -> NDArray[np.float64]:
    """Return how much the rows (K,) weigh that each split judges by."""
    return rows.weights_of([test for _, test in splits])[:, 0]


def check_classes(rows: Divisible, splits: Sequence[Split], names: Sequence[Any]) -> None:
    """Look whether models of all splits learn from each class, of which there are names (q,).

    Raises:
        OneLayerError: if a class has no weight at all, or a split leaves out all its rows; it names both.
    """
    of_all, *of_splits = rows.weights_of(
        [np.arange(rows.n_parts), *(train for train, _ in splits)], len(names)
    )
    if not of_all.all():
        raise OneLayerError(
            f"the rows of class {names[int(of_all.argmin())]!r} have no weight: leave them out"
        )
    for k, weights in enumerate(of_splits, start=1):
        if not weights.all():
            raise OneLayerError(
                f"fold {k} leaves out all rows of class {names[int(weights.argmin())]!r} that have a weight: spread "
                "classes over folds"
            )


def unit_splits(n_units: int, n_folds: int) -> list[Split]:
    """Return splits of a scan's units, of which every K-th one is left out at a time.

    Raises:
        OneLayerError: if there are fewer units than folds, or fewer than two folds.
    """
    if n_folds < 2:
        raise OneLayerError(f"cv must be 2 or more, not {n_folds}")
    if n_units < n_folds:
        raise OneLayerError(
            f"{n_folds} folds of the files need as many parts, and there are {n_units}: choose fewer folds (cv), write "
            "smaller row groups, or read the rows into memory"
        )
    return splits_by(np.arange(n_units) % n_folds)
