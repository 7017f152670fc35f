"""Least squares of few rows, compiled: in about 32 digits, rounded once, in some microseconds."""

import math

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Rows, Source
from onelayer.double_double import EPS
from onelayer.solvers import kernels
from onelayer.solvers.fit import LeastSquaresFit
from onelayer.solvers.moments import Moments

MOST_VALUES = 5_000  # of features: of so few the careful way would take a millisecond


def solve_small(rows: Source, alpha: NDArray[np.float64], fit_intercept: bool) -> LeastSquaresFit | None:
    """Return the solution for few dense rows, or None if they are more, or columns depend on each other too nearly.

    Then, and where a column does not vary, it is for the careful way to say what the rows determine.
    """
    if kernels.least_squares is None or not isinstance(rows, Rows) or not rows.in_memory or rows.is_sparse:
        return None
    n, d, q = len(rows), rows.n_features, rows.y.shape[1]
    if n * d > MOST_VALUES or n < d or len(set(alpha.tolist())) > 1:
        return None
    block = rows.gathered()
    weight, bias, half, rss = np.empty((q, d)), np.empty(q), np.zeros((d, d)), np.empty(q)
    means, squares, spread = np.empty(d + q), np.zeros(d + q), np.empty(d + q)
    found = weight, bias, half, means, squares, spread, rss
    total = kernels.least_squares(block.dense(), block.y, block.c, *found, float(alpha[0]), fit_intercept)
    if total is None:
        return None
    moments = Moments(
        total if fit_intercept else None, means[:d], means[d:], squares[:d], spread[:d], spread[d:]
    )
    return LeastSquaresFit(
        weight=weight,
        bias=bias,
        solver="direct",
        rank=d,
        identified=np.ones(d + 1, bool),
        inverse=moments.inverse(half),
        rss=rss,
        tss=moments.variation,
        rounding=moments.rounding_of(weight.T, bias),
        error=EPS,
        sensitivity=EPS * math.sqrt((moments.squares @ half**2).max(initial=0)),
        corrections=0,
    )
