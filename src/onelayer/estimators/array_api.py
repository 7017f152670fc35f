"""Arrays that are not NumPy's (PyTorch, CuPy, …), where scikit-learn dispatches on the array API standard.

Fitting is on the CPU in float64: rows are taken there, and what was learned is moved to where the features are.
Predictions are worked out there. scikit-learn has no public name for what tells namespaces apart; its private ones are
used in this file alone.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn import get_config
from sklearn.base import BaseEstimator
from sklearn.utils._array_api import (
    _convert_to_numpy,
    _is_numpy_namespace,
    _max_precision_float_dtype,
    get_namespace_and_device,
)
from sklearn.utils.validation import check_is_fitted, validate_data

from onelayer.estimators.parameters import DTYPES, refuse_unlike_numbers

P = ParamSpec("P")
Result = TypeVar("Result")
NUMBERS = "biuf"  # kinds of NumPy arrays that other namespaces have too


@dataclass(frozen=True)
class Space:
    """Where arrays are: a namespace of the array API standard, not NumPy's, and a device."""

    xp: Any
    device: Any

    @classmethod
    def of(cls, values: Any) -> "Space | None":
        """Return where values are; None for NumPy arrays and what becomes one, and if dispatch is switched off."""
        if not get_config()["array_api_dispatch"]:
            return None
        xp, is_array, device = get_namespace_and_device(values)
        return None if not is_array or _is_numpy_namespace(xp) else cls(xp, device)

    @property
    def dtypes(self) -> list[Any]:
        """The types of floats that features may have: float64 only where the device knows it."""
        largest = _max_precision_float_dtype(self.xp, self.device)
        return [largest] if largest == self.xp.float32 else [largest, self.xp.float32]

    def array(self, values: NDArray[Any]) -> Any:
        """Return NumPy's numbers as an array here."""
        if values.dtype == np.float64 and self.dtypes == [self.xp.float32]:
            values = values.astype(np.float32)
        return self.xp.asarray(np.ascontiguousarray(values).reshape(values.shape), device=self.device)


def to_numpy(values: Any) -> Any:
    """Return an array of another namespace as NumPy's; everything else as it is."""
    space = Space.of(values)
    return values if space is None else _convert_to_numpy(values, space.xp)


def in_space(values: NDArray[Any], space: Space | None) -> Any:
    """Return NumPy's numbers where they are wanted."""
    return values if space is None else space.array(values)


def fits_numpy(method: Callable[P, Result]) -> Callable[P, Result]:
    """Let ``fit`` or ``partial_fit``, written for NumPy, take arrays of any namespace.

    What is learned is moved to where the features are, but for classes that are strings.
    """

    @wraps(method)
    def in_any_namespace(*args: P.args, **kwargs: P.kwargs) -> Result:
        if not get_config()["array_api_dispatch"]:
            return method(*args, **kwargs)
        estimator, X = args[0], args[1] if len(args) > 1 else kwargs.get("X")
        space, before = Space.of(X), dict(vars(estimator))
        _replace_arrays(estimator, to_numpy)
        try:
            given = [estimator, *map(to_numpy, args[1:])]
            result = method(*given, **{name: to_numpy(value) for name, value in kwargs.items()})
        except BaseException:
            vars(estimator).update(before)
            raise
        if space is not None:
            _replace_arrays(
                estimator,
                lambda value: (
                    space.array(np.asarray(value))
                    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind in NUMBERS
                    else value
                ),
            )
        return result

    return in_any_namespace


def _replace_arrays(estimator: Any, change: Callable[[Any], Any]) -> None:
    """Replace what was learned, but not the parameters, by what ``change`` makes of it."""
    parameters = estimator.get_params(deep=False)
    for name, value in vars(estimator).items():
        if name not in parameters and hasattr(value, "dtype"):
            setattr(estimator, name, change(value))


def in_numpy(method: Callable[P, Result]) -> Callable[P, Result]:
    """Let a method of a fitted estimator that is written for NumPy's dense arrays work on what it has learned."""

    @wraps(method)
    def on_plain(*args: P.args, **kwargs: P.kwargs) -> Result:
        given: Any = (plain(args[0]), *args[1:])
        return method(*given, **kwargs)

    return on_plain


def plain(estimator: Any) -> Any:
    """Return a fitted estimator as methods written for NumPy need it: itself, or a copy with NumPy's dense arrays."""
    coef = getattr(estimator, "coef_", None)
    if coef is None or isinstance(coef, np.ndarray):
        return estimator
    found = copy.copy(estimator)
    vars(found).update(vars(estimator))  # the rows of its fit, too
    if sparse.issparse(coef):
        found.coef_ = coef.toarray().reshape((*np.shape(estimator.intercept_), -1))
    else:
        _replace_arrays(found, lambda value: np.asarray(as_numpy(value))[()])
    return found


def as_numpy(values: Any) -> Any:
    """Return any array as NumPy's, wherever it is and whether or not scikit-learn dispatches now."""
    if isinstance(values, np.ndarray | np.generic) or sparse.issparse(values):
        return values
    if hasattr(values, "__array_namespace__"):
        return np.asarray(_convert_to_numpy(values, values.__array_namespace__()))
    return np.asarray(values.cpu() if hasattr(values, "cpu") else values)


def outputs_of(estimator: Any, X: Any, method: str) -> tuple[NDArray[Any], Space | None]:
    """Return W x + b, (n, k) or as ``coef_`` has it (n,), and where it is if not in NumPy.

    Args:
        estimator: fitted; its ``coef_`` may be sparse.
        X: features (n, d) as they are given.
        method: the name of the one that asks.

    Raises:
        OneLayerError, ValueError: if it is not fitted, or X is malformed or not where the estimator learned from.
    """
    check_is_fitted(estimator)
    space = check_same_space(X, estimator, method)
    if space is not None:
        X = validate_data(estimator, X, dtype=space.dtypes, reset=False)
        weight = estimator.coef_
        X = space.xp.astype(X, weight.dtype)
        return X @ (weight if weight.ndim == 1 else weight.T) + estimator.intercept_, space
    refuse_unlike_numbers(X)
    X = validate_data(estimator, X, accept_sparse="csr", dtype=DTYPES, reset=False)
    product = X @ estimator.coef_.T
    product = product.toarray() if sparse.issparse(product) else product
    is_row = sparse.issparse(estimator.coef_) and np.ndim(estimator.intercept_) == 0
    return np.asarray((product[:, 0] if is_row else product) + estimator.intercept_), None


# What follows is typed as NumPy's, for that is what nearly everybody gets; here it is an array of another namespace.


def probabilities(logits: Any, space: Space) -> NDArray[Any]:
    """Return the probability of each class (n, q) from logits (n, q), or (n,) with two classes."""
    found: NDArray[Any] = space.xp.exp(log_probabilities(logits, space))
    return found


def log_probabilities(logits: Any, space: Space) -> NDArray[Any]:
    """Return its logarithm, likewise."""
    xp = space.xp
    found: NDArray[Any]
    if logits.ndim == 1:
        zero = xp.zeros_like(logits)
        found = xp.stack([-xp.logaddexp(zero, logits), -xp.logaddexp(zero, -logits)], axis=1)
    else:
        shifted = logits - xp.max(logits, axis=1, keepdims=True)
        found = shifted - xp.log(xp.sum(xp.exp(shifted), axis=1, keepdims=True))
    return found


def labels_of(logits: Any, classes: Any, space: Space) -> NDArray[Any]:
    """Return the most probable class (n,): with the logits, or in NumPy if classes are strings."""
    xp = space.xp
    chosen = xp.astype(logits > 0, xp.int64) if logits.ndim == 1 else xp.argmax(logits, axis=1)
    is_text = isinstance(classes, np.ndarray)
    found: NDArray[Any] = classes[to_numpy(chosen)] if is_text else xp.take(classes, chosen, axis=0)
    return found


def check_same_space(X: Any, estimator: BaseEstimator, method: str) -> Space | None:
    """Return where features are.

    Raises:
        ValueError: if that is not where the estimator learned from, as scikit-learn's estimators do.
    """
    if not get_config()["array_api_dispatch"]:
        return None
    space, learned = Space.of(X), Space.of(estimator.coef_)
    if space == learned:
        return space
    here, there = ("NumPy" if s is None else f"{s.xp.__name__} on {s.device}" for s in (space, learned))
    raise ValueError(
        f"Inputs passed to {type(estimator).__name__}.{method}() must use the same namespace and the same device as "
        f"those passed to fit(): they are {here}, and it was fitted with {there}; convert X, or fit again"
    )
