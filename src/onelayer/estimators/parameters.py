"""Parameters of estimators, checked by scikit-learn's declarations; estimators that an error leaves as they were."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import InvalidParameterError, validate_parameter_constraints

from onelayer.errors import OneLayerError


def check_parameters(estimator: BaseEstimator, constraints: dict[str, list[Any]]) -> None:
    """Compare the parameters of an estimator with what they may be.

    Raises:
        OneLayerError: if one is of a wrong type or out of range; it says what it may be.
    """
    try:
        validate_parameter_constraints(
            constraints, estimator.get_params(deep=False), type(estimator).__name__
        )
    except InvalidParameterError as error:
        raise OneLayerError(str(error)) from None


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
