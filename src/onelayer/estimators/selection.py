"""What the estimators that choose their penalty have in common: scikit-learn's splitters, and what they show."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import check_cv

from onelayer.errors import OneLayerError
from onelayer.estimators.parameters import warn_user
from onelayer.selection.choice import Candidates, Choice
from onelayer.selection.splits import FOLDS, checked, unit_splits
from onelayer.solvers.folds import Split

Array = NDArray[Any]


def results(name: str, choice: Choice) -> dict[str, Array]:
    """Return ``cv_results_``: numbers for each penalty of each path, one path after the other."""

    def joined(of: Callable[[Candidates], Array]) -> Array:
        return np.concatenate([of(path) for path in choice.candidates])

    found = {
        name: joined(lambda path: path.penalties),
        "l1_ratio": joined(lambda path: np.full(len(path.penalties), path.l1_ratio)),
        "mean_error": joined(lambda path: path.errors.mean),
        "standard_error": joined(lambda path: path.errors.standard_error),
        "converged": joined(lambda path: path.converged),
    }
    if choice.path.errors.folds is not None:
        found["fold_errors"] = joined(lambda path: np.asarray(path.errors.folds))
    return found


def warn_of_unconverged(choice: Choice, tol: float) -> None:
    """Warn if models that the penalty was chosen by are not as near their minimum as ``tol`` asks for."""
    if choice.n_unconverged:
        n = sum(len(path.penalties) for path in choice.candidates)
        warn_user(
            f"with {choice.n_unconverged} of {n} penalties, a model on some of the rows is not as near its minimum as "
            f"tol={tol:g} asks for, so that their errors may be off: see cv_results_['converged']; raise max_iter, or "
            "leave out the weakest penalties",
            ConvergenceWarning,
        )


def path_of(name: str, choice: Choice, is_vector: bool = False) -> dict[str, Array]:
    """Return ``path_``: penalties, coefficients, and how many features have any that is not 0."""
    found = choice.path
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


def scan_splits(cv: Any, rows: Any) -> list[Split]:
    """Return folds of a scan, of which each leaves out every K-th of the units, given their number or None.

    Raises:
        OneLayerError: if ``cv`` is something else, or there are fewer units than folds.
    """
    if cv is None:
        return unit_splits(rows.n_parts, FOLDS)
    if not isinstance(cv, int | np.integer):
        raise OneLayerError(f"of a scan, parts of the files are left out: cv is their number, not {cv!r}")
    return unit_splits(rows.n_parts, int(cv))


def row_splits(cv: Any, X: Any, y: Any, groups: Any) -> list[Split]:
    """Return the splits of rows by scikit-learn's conventions for ``cv``, not shuffled if it is a number.

    Raises:
        OneLayerError: if a split has no rows on one of its sides, or there are none.
    """
    return checked([(np.asarray(a), np.asarray(b)) for a, b in check_cv(cv).split(X, y, groups)])
