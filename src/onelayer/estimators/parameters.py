"""What estimators check before they fit: parameters, features; and how they stay as they were after an error."""

import datetime
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.utils import compute_class_weight
from sklearn.utils._param_validation import InvalidParameterError, validate_parameter_constraints
from sklearn.utils.validation import validate_data

from onelayer.data.dataset import numbered_features
from onelayer.errors import OneLayerError
from onelayer.penalties import ElasticNet, Ridge

DTYPES = (np.float64, np.float32)
KINDS_OF_LABELS: dict[str, tuple[type, ...]] = {  # in this order: a bool is an int
    "the boolean": (bool, np.bool_),
    "the number": (int, float, np.integer, np.floating),
    "the string": (str,),
}
ITERABLES = (list, tuple, set, dict, np.ndarray)  # several labels a row are for scikit-learn to refuse
PLAIN = frozenset({type(None), bool, int, float, str})  # what parameters mostly are: equal ones are alike
EXACT = 2**53  # integers up to here are float64 numbers, each of its own


def check_parameters(estimator: BaseEstimator, constraints: dict[str, list[Any]]) -> None:
    """Compare the parameters of an estimator with what they may be, unless scikit-learn's configuration says not to.

    Raises:
        OneLayerError: if one is of a wrong type or out of range; it says what it may be.
    """
    if get_config()["skip_parameter_validation"]:
        return
    values = [getattr(estimator, name) for name in constraints]
    if constraints is type(estimator)._parameter_constraints and PLAIN.issuperset(map(type, values)):
        _check_plain(type(estimator), *values)  # type: ignore[arg-type]  # mypy: a class has no hash
    else:
        _check_values(type(estimator), constraints, values)


@lru_cache(maxsize=256, typed=True)
def _check_plain(kind: type[BaseEstimator], *values: Any) -> None:
    """Check once what thousands of small fits have in common; errors are not remembered."""
    _check_values(kind, kind._parameter_constraints, values)


def _check_values(
    kind: type[BaseEstimator], constraints: dict[str, list[Any]], values: Sequence[Any]
) -> None:
    try:
        given = dict(zip(constraints, values, strict=True))
        validate_parameter_constraints(constraints, given, kind.__name__)
    except InvalidParameterError as error:
        raise OneLayerError(str(error)) from None


def penalty_of_targets(alpha: Any, q: int) -> NDArray[np.float64]:
    """Return the penalty on each target's weights (q,), or one (1,) for all.

    Raises:
        OneLayerError: if there are neither one nor q of them, or they are not finite and 0 or more.
    """
    if type(alpha) is float and 0 <= alpha < np.inf:
        return np.array([alpha])
    try:
        found = np.asarray(alpha, np.float64).reshape(-1)
    except (TypeError, ValueError):
        raise OneLayerError(f"alpha must be a number, or one for each target, not {alpha!r}") from None
    if len(found) not in (1, q):
        raise OneLayerError(f"alpha has {len(found)} penalties, and y {q} targets: give one, or one for each")
    if not (np.isfinite(found).all() and (found >= 0).all()):
        raise OneLayerError(f"alpha must be finite and not negative, not {alpha!r}")
    return found


def warn_user(warning: Warning | str, category: type[Warning] | None = None) -> None:
    """Warn at the line from which this package, or scikit-learn on the way to it, was called."""
    depth, frame = 2, sys._getframe(1)  # of the caller
    while frame.f_back and frame.f_globals.get("__name__", "").partition(".")[0] in ("onelayer", "sklearn"):
        depth, frame = depth + 1, frame.f_back
    warnings.warn(warning, category, stacklevel=depth)


@contextmanager
def unchanged_on_error(estimator: BaseEstimator) -> Iterator[None]:
    """Give the estimator its attributes back if an error follows."""
    before = dict(estimator.__dict__)
    try:
        yield
    except BaseException:
        estimator.__dict__.clear()
        estimator.__dict__.update(before)
        raise


def class_weights(
    given: Any, classes: NDArray[Any], labels: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return what the parameter ``class_weight`` makes each class (q,) weigh.

    Args:
        given: "balanced", so that each class in the data weighs the same, or a dictionary from class to weight.
        classes: all classes (q,).
        labels: the numbers of the rows' classes (n,).
        weights: of the rows (n,).

    Raises:
        OneLayerError: if the dictionary has other classes, or weights that are negative or infinite.
    """
    if isinstance(given, str):
        sums = np.bincount(labels, weights, len(classes))
        balanced = np.ones(len(sums))
        np.divide(sums.sum() / max(np.count_nonzero(sums), 1), sums, out=balanced, where=sums > 0)
        return balanced
    try:
        found = compute_class_weight(given, classes=classes, y=classes[labels])
    except (TypeError, ValueError) as error:
        raise OneLayerError(f"class_weight: {error}") from error
    if not (np.isfinite(found).all() and (found >= 0).all()):
        raise OneLayerError(f"class_weight must be finite and not negative, not {given!r}")
    return np.asarray(found, np.float64)


def estimator_penalty(
    strength: float, l1_ratio: float, is_grouped: bool, factors: Any, lower: Any, upper: Any, d: int
) -> Ridge | ElasticNet:
    """Return strength · (l1_ratio ‖W‖₁ + ½ (1 − l1_ratio) ‖W‖²) with a factor for each column, perhaps in bounds.

    Args:
        strength: not negative.
        l1_ratio: from 0 to 1.
        is_grouped: whether the first norm is Σⱼ ‖W·ⱼ‖₂.
        factors: see ``of_features``; likewise the next two.
        lower: of weights, or None.
        upper: likewise.
        d: the number of columns.

    Raises:
        OneLayerError: if one of them is out of range.
    """
    given, least, most = of_features(factors, lower, upper, d)
    scale = strength * given
    if not np.isfinite(scale).all():
        raise OneLayerError("penalty_factors are too large for this C")
    l1, l2 = l1_ratio * scale, (1 - l1_ratio) * scale
    if lower is None and upper is None:
        return ElasticNet(l1, l2, is_grouped=is_grouped) if np.any(l1) else Ridge(scale)
    return ElasticNet(l1, l2, least, most, is_grouped)


def of_features(
    factors: Any, lower: Any, upper: Any, d: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return what the penalty of each of d features is multiplied by, and the bounds of its weights.

    Args:
        factors: not negative, a number or (d,); None is 1.
        lower: a number or (d,); None is −∞.
        upper: likewise; None is ∞.
        d: the number of features.

    Raises:
        OneLayerError: if they are not numbers, or not one for each feature, or factors are negative or not finite.
    """
    given = {"penalty_factors": (factors, 1.0), "lower": (lower, -np.inf), "upper": (upper, np.inf)}
    found = [
        _numbers_for(name, default if values is None else values, d)
        for name, (values, default) in given.items()
    ]
    if not (np.isfinite(found[0]) & (found[0] >= 0)).all():
        raise OneLayerError("penalty_factors must be finite and not negative; 0 leaves a feature free")
    return found[0], found[1], found[2]


def _numbers_for(name: str, values: Any, d: int) -> NDArray[np.float64]:
    """Return a parameter that is a number or one for each feature, (d,), as numbers."""
    try:
        found = np.asarray(values, np.float64)
    except (TypeError, ValueError) as error:
        raise OneLayerError(f"{name} must be numbers, not {values!r}") from error
    if found.shape not in ((), (d,)):
        raise OneLayerError(
            f"{name} must be a number or one for each of the {d:,} features, not {found.shape}"
        )
    if np.isnan(found).any():
        raise OneLayerError(f"{name} must not be NaN: a weight without a bound has -inf or inf")
    return found


def feature_names(estimator: Any) -> tuple[str, ...]:
    """Return the names of the features of a fitted estimator (d,), x1 to x_d if X had none."""
    names = getattr(estimator, "feature_names_in_", None)
    return numbered_features(estimator.n_features_in_) if names is None else tuple(map(str, names))


def plain_labels(y: Any) -> Any:
    """Return labels as an array of their type where they come as objects, as pandas keeps them; else as they are.

    Strings stay objects. A list is looked at as one of objects: NumPy would make strings of its numbers in silence.

    Args:
        y: labels (n,), of any type.

    Raises:
        OneLayerError: if a label is missing, of several types, or neither a string, a number nor a boolean; it names
            the first.
    """
    labels = np.array(y, object) if isinstance(y, list | tuple) else np.asarray(y)
    if (
        labels.dtype != object
        or not labels.ndim
        or any(isinstance(label, ITERABLES) for label in labels.flat)
    ):
        return y
    kinds = [_kind_of(label, row) for row, label in enumerate(labels.flat, start=1)] or ["the string"]
    other = next((row for row, kind in enumerate(kinds) if kind != kinds[0]), None)
    if other is not None:
        raise OneLayerError(
            f"y has labels of several types: {kinds[0]} {labels.flat[0]!r} in row 1, but {kinds[other]} "
            f"{labels.flat[other]!r} in row {other + 1}; make them one, such as with y.astype(str)"
        )
    if kinds[0] == "the string":
        return y if isinstance(y, list | tuple) else labels
    are_whole = all(isinstance(label, int | np.integer) for label in labels.flat)
    try:
        return labels.astype(bool if kinds[0] == "the boolean" else np.int64 if are_whole else np.float64)
    except OverflowError:
        raise OneLayerError(
            "y has integers beyond 64 bits; labels that large have to be strings: y.astype(str)"
        ) from None


def _kind_of(label: Any, row: int) -> str:
    """Return what a label is, with its article."""
    if label is None or type(label).__name__ in ("NAType", "NaTType") or label != label:
        raise OneLayerError(
            f"y has {label} in row {row}: a row without a label teaches nothing; leave it out"
        )
    for kind, types in KINDS_OF_LABELS.items():
        if isinstance(label, types):
            return kind
    raise OneLayerError(
        f"y has {label!r} in row {row}, of type {type(label).__name__}: labels are strings, numbers or booleans"
    )


def validated_numbers(estimator: BaseEstimator, X: Any, y: Any) -> tuple[Any, NDArray[Any]]:
    """Return features X (n, d) and numbers y (n,) or (n, q) for ``fit``, and set what the estimator knows of features.

    Whether X is finite is seen where it is read: to look beforehand takes as long as a third of a fit. scikit-learn
    takes longer to find out that arrays of floats are what they are than a small fit takes; so they are told here, and
    whatever is not as it must be goes there, for its words.

    Raises:
        OneLayerError: as ``refuse_unlike_numbers`` does.
        ValueError: if X or y are malformed.
    """
    if (
        is_of_floats(X)
        and is_of_floats(y)
        and X.ndim == 2
        and X.size
        and y.ndim in (1, 2)
        and y.size
        and len(X) == len(y)
        and np.isfinite(y).all()
    ):
        estimator.n_features_in_ = X.shape[1]
        vars(estimator).pop("feature_names_in_", None)
        return X, y
    refuse_unlike_numbers(X)
    refuse_unlike_numbers(y)
    how = {"dtype": DTYPES, "accept_sparse": "csr", "ensure_all_finite": False}
    X, y = validate_data(estimator, X, y, y_numeric=True, multi_output=True, **how)
    return X, y


def is_of_floats(values: Any) -> bool:
    """Tell a NumPy array of float64 or float32 in this machine's byte order, of no subclass."""
    return type(values) is np.ndarray and values.dtype in DTYPES


def refuse_unlike_numbers(X: Any) -> None:
    """Look for what scikit-learn would turn into other numbers in silence: dates, and integers beyond float64.

    Args:
        X: features or targets before they are validated, an array or a table of any kind.

    Raises:
        OneLayerError: if there are any; it says where and what to do.
    """
    if is_of_floats(X):
        return
    for where, values in _suspects(X):
        if values.dtype.kind in "Mm" or (values.dtype.kind == "O" and any(map(_is_time, values.flat))):
            raise OneLayerError(
                f"{where} dates or times, which are not numbers: turn them into numbers of a unit and a start that "
                "mean something, such as days since the first"
            )
        merged = _merged(values)
        if merged is not None:
            raise OneLayerError(
                f"{where} the integer {merged}, which float64 does not tell from its neighbours: identifiers are not "
                "features; else subtract a start, or divide, before conversion"
            )


def _suspects(X: Any) -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield columns of a table, or an array as a whole, unless they are floats or booleans."""
    names = getattr(X, "column_names", getattr(X, "columns", None))
    if names is None or not hasattr(X, "__getitem__"):
        if sparse.issparse(X):
            values = X.tocoo().data
        else:
            values = np.asarray(X) if hasattr(X, "__array__") else np.asarray(X, object)
        if values.dtype.kind in "MmOiu":
            yield "there are", values
        return
    for name in dict.fromkeys(names):
        values = np.asarray(X[name])
        if values.dtype.kind in "MmOiu":
            yield f"column {str(name)!r} holds", values


def _is_time(value: Any) -> bool:
    return isinstance(
        value, datetime.date | datetime.time | datetime.timedelta | np.datetime64 | np.timedelta64
    )


def _merged(values: NDArray[Any]) -> int | None:
    """Return an integer that is not a float64, or None if there is none."""
    if values.dtype.kind == "O":
        whole = (int(v) for v in values.flat if isinstance(v, int | np.integer))
        return next((v for v in whole if abs(v) > EXACT and (abs(v) >= 2**1024 or int(float(v)) != v)), None)
    if values.dtype.kind not in "iu" or values.dtype.itemsize < 8:
        return None
    large = values[(values > EXACT) | (values < -EXACT)]
    return next((int(v) for v in large.flat if int(float(v)) != int(v)), None)
