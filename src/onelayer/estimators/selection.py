"""What the estimators that choose their penalty have in common: folds, errors of a path, and the rule that chooses."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import check_cv

from onelayer.data.rows import Rows
from onelayer.data.scaling import RunningMoments
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


@dataclass(frozen=True, eq=False)
class Candidates:
    """A path of penalties of one kind, with errors on rows that its models have not seen.

    Attributes:
        l1_ratio: the kind.
        penalties: (a,) from the strongest to the weakest: alpha or C.
        weight: W of the models of all rows (a, k, d).
        bias: b (a, k).
        errors: of models of some rows on others.
    """

    l1_ratio: float
    penalties: Array
    weight: Array
    bias: Array
    errors: Errors


def chosen(candidates: Sequence[Candidates], rule: str) -> tuple[Candidates, int]:
    """Return the path that has the least mean error, and the number of the penalty that the rule chooses on it."""
    best = min(candidates, key=lambda path: float(path.errors.mean.min()))
    return best, best.errors.chosen(rule)


def results(name: str, candidates: Sequence[Candidates]) -> dict[str, Array]:
    """Return ``cv_results_``: numbers for each penalty of each path, one path after the other."""

    def joined(of: Callable[[Candidates], Array]) -> Array:
        return np.concatenate([of(path) for path in candidates])

    found = {
        name: joined(lambda path: path.penalties),
        "l1_ratio": joined(lambda path: np.full(len(path.penalties), path.l1_ratio)),
        "mean_error": joined(lambda path: path.errors.mean),
        "standard_error": joined(lambda path: path.errors.standard_error),
    }
    if candidates[0].errors.folds is not None:
        found["fold_errors"] = joined(lambda path: np.asarray(path.errors.folds))
    return found


def path_of(name: str, found: Candidates, is_vector: bool = False) -> dict[str, Array]:
    """Return ``path_``: penalties, coefficients, and how many features have any that is not 0."""
    weight, bias = (part[:, 0] if is_vector else part for part in (found.weight, found.bias))
    n_features = np.count_nonzero(found.weight.any(axis=1), axis=1)
    return {name: found.penalties, "coef": weight, "intercept": bias, "n_features": n_features}


def ratios(given: Any) -> list[float]:
    """Return the kinds of penalties to choose from, one or several l1_ratio.

    Raises:
        OneLayerError: if they are not numbers from 0 to 1, each once.
    """
    try:
        values = np.atleast_1d(np.asarray(given, np.float64)).tolist()
    except (TypeError, ValueError):
        values = []
    if not values or not all(0 <= value <= 1 for value in values) or len(set(values)) < len(values):
        raise OneLayerError(f"l1_ratio must be a number from 0 to 1, or a list of them, not {given!r}")
    return [float(value) for value in values]


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


def ridge_penalties(rows: Rows, fit_intercept: bool, n: int, decades: float) -> Array:
    """Return ridges from 10 times the sum of squares of all columns down to 10^(−decades) times that of the median one.

    The first leave nothing of the weights, the last leave them as they are without a penalty, or nearly.
    """
    moments = RunningMoments.of_rows(rows)
    squares = moments.variance if fit_intercept else moments.variance + np.square(moments.mean)
    squares = squares[squares > 0] * moments.total[squares > 0]
    if not len(squares):
        squares = np.ones(1)
    return np.geomspace(10 * squares.sum(), np.median(squares) / 10**decades, n)


def row_splits(cv: Any, X: Any, y: Any, groups: Any) -> list[Split]:
    """Return the splits of rows by scikit-learn's conventions for ``cv``, not shuffled if it is a number.

    Raises:
        OneLayerError: if a split has no rows on one of its sides, or there are none.
    """
    return _checked([(np.asarray(a), np.asarray(b)) for a, b in check_cv(cv).split(X, y, groups)])


def fold_weights(splits: Sequence[Split], c: Array | None) -> Array:
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
