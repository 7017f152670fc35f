"""What the estimators that choose their penalty have in common: folds, errors of a path, and the rule that chooses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import check_cv

from onelayer.errors import OneLayerError

Array = NDArray[Any]
Split = tuple[NDArray[np.intp], NDArray[np.intp]]

FOLDS = 5


@dataclass(frozen=True, eq=False)
class Errors:
    """How far models of a path of penalties are off on rows that they have not seen.

    Attributes:
        mean: (a,) from the strongest penalty to the weakest.
        standard_error: of the mean (a,).
        folds: the error on each fold (a, K), or None where each row is one.
    """

    mean: Array
    standard_error: Array
    folds: Array | None = None

    @staticmethod
    def of_folds(errors: Array, weights: Array) -> "Errors":
        """Return the mean over folds by the weights (K,) of their rows, which is the mean over rows, and its error.

        The standard error is that of a weighted mean of K independent numbers, as R's ``cv.glmnet`` has it.
        """
        counted = weights > 0
        errors, share = errors[:, counted], weights[counted] / weights[counted].sum()
        mean = errors @ share
        variance = np.square(errors - mean[:, None]) @ share
        return Errors(mean, np.sqrt(variance / max(len(share) - 1, 1)), errors)

    def chosen(self, rule: str) -> int:
        """Return the number of the penalty that the rule chooses.

        It is that of the least mean error, the strongest of several; by "1se" the strongest whose error is at most one
        standard error above it (Breiman, Friedman, Olshen and Stone 1984, section 3.4.3).
        """
        best = int(self.mean.argmin())
        if rule == "min":
            return best
        return int((self.mean <= self.mean[best] + self.standard_error[best]).argmax())

    def results(self, **penalties: Array) -> dict[str, Array]:
        """Return them as the dictionary ``cv_results_``, beside the penalties."""
        found = {**penalties, "mean_error": self.mean, "standard_error": self.standard_error}
        return found if self.folds is None else {**found, "fold_errors": self.folds}


def checked_penalties(given: Any, name: str) -> Array | None:
    """Return penalties that a user has given as an array (a,), or None if there is only their number.

    Raises:
        OneLayerError: if they are not positive numbers, each once.
    """
    if given is None or isinstance(given, int | np.integer):
        return None
    try:
        values = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        values = np.zeros(0)
    if values.ndim != 1 or not len(values) or not (np.isfinite(values) & (values > 0)).all():
        raise OneLayerError(
            f"{name} must be a number of penalties, or a list of positive numbers, not {given!r}"
        )
    if len(np.unique(values)) < len(values):
        raise OneLayerError(f"{name} holds a penalty twice: {given!r}")
    return values


def row_splits(cv: Any, X: Any, y: Any, groups: Any) -> list[Split]:
    """Return the splits of rows by scikit-learn's conventions for ``cv``, not shuffled if it is a number.

    Raises:
        OneLayerError: if a split has no rows on one of its sides, or there are none.
    """
    return _checked([(np.asarray(a), np.asarray(b)) for a, b in check_cv(cv).split(X, y, groups)])


def fold_weights(splits: list[Split], c: Array | None) -> Array:
    """Return how much the rows (K,) weigh that each split judges by."""
    return np.array([float(len(test) if c is None else c[test].sum()) for _, test in splits])


def class_splits(
    cv: Any, X: Any, y: Any, labels: NDArray[np.int64], weights: Array, groups: Any
) -> list[Split]:
    """Return the splits of rows of classes.

    If ``cv`` is a number, each class is spread evenly over the folds, and the only row of a class is never left out, so
    that all classes are in all training sets.

    Args:
        cv: a number, or what scikit-learn takes.
        X: features (n, d).
        y: the labels (n,), as they were given.
        labels: the numbers of the rows' classes (n,).
        weights: of the rows (n,).
        groups: for splitters that need them.

    Raises:
        OneLayerError: if a class has no weight in what a split learns from, or a split has no rows.
    """
    if isinstance(cv, int | np.integer):
        splits = _checked(list(_stratified(labels, int(cv))))
    else:
        splits = row_splits(cv, X, y, groups)
    q = int(labels.max()) + 1
    present = np.bincount(labels, weights, q) > 0
    for k, (train, _) in enumerate(splits, start=1):
        absent = present & ~(np.bincount(labels[train], weights[train], q) > 0)
        if absent.any():
            name = np.unique(y)[absent.argmax()]
            raise OneLayerError(
                f"fold {k} leaves out all rows of class {name!r}: give cv as a number, which spreads classes over folds"
            )
    return splits


def _stratified(labels: NDArray[np.int64], n_folds: int) -> Iterator[Split]:
    if not 2 <= n_folds <= len(labels):
        raise OneLayerError(f"cv must be from 2 to the number of rows, {len(labels)}, not {n_folds}")
    fold = np.full(len(labels), -1)
    repeated = np.flatnonzero(np.bincount(labels)[labels] > 1)
    order = repeated[np.argsort(labels[repeated], kind="stable")]
    fold[order] = np.arange(len(order)) % n_folds
    for k in range(min(n_folds, len(order))):
        yield np.flatnonzero(fold != k), np.flatnonzero(fold == k)


def _checked(splits: Sequence[Split]) -> list[Split]:
    if not splits or any(not len(train) or not len(test) for train, test in splits):
        raise OneLayerError(
            "cv leaves a fold without rows to learn from or to judge by: use another splitter"
        )
    return list(splits)
