"""Penalties to choose from, where only their number is given."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Source
from onelayer.data.scaling import RunningMoments
from onelayer.errors import OneLayerError


def descending(given: Any, name: str) -> NDArray[np.float64]:
    """Return penalties (a,) that someone has given, from the largest to the least.

    Raises:
        OneLayerError: if they are not positive numbers, each once.
    """
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
    return np.sort(values)[::-1]


def is_number_of(given: Any) -> bool:
    """Return whether penalties are given by their number alone."""
    return isinstance(given, int | np.integer)


def ridge_penalties(rows: Source, fit_intercept: bool, n: int, decades: float) -> NDArray[np.float64]:
    """Return ridges from 10 times the sum of squares of all columns down to 10^(−decades) times that of the median one.

    The first leave nothing of the weights, the last leave them as they are without a penalty, or nearly.
    """
    moments = RunningMoments.of_rows(rows)
    squares = moments.variance if fit_intercept else moments.variance + np.square(moments.mean)
    squares = squares[squares > 0] * moments.total[squares > 0]
    if not len(squares):
        squares = np.ones(1)
    return np.geomspace(10 * squares.sum(), np.median(squares) / 10**decades, n)
