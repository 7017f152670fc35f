"""The equations of the weights that an elastic net leaves in use: linear ones, once signs have settled."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from onelayer.penalties import ElasticNet

Array = NDArray[Any]

LARGEST_EXACT = 2_000  # weights whose equations are solved as such
MOST_EXACT = 10  # times weights that come to 0 are dropped from these
# Share of the largest square, by column: so that equations of dependent columns have a solution.
JITTER = 1e-14
DEPENDENT = 1e-6  # share of the largest pivot, below which columns are looked on as dependent
NOTHING = 1e-13  # and eigenvalues, beside the largest, as 0
MOST_DEPENDENT = 500  # dependent columns whose equations are solved with the shortest step


def solve_exactly(gram: Array, slope: Array, v: Array, penalty: ElasticNet) -> None:
    """Solve the equations of weights in use (m,), as far as signs and bounds allow; they and slopes change in place."""
    l1, l2, lower, upper = penalty.arrays()
    m = len(v)
    free = np.where(l1 > 0, v != 0, True) & (v > lower) & (v < upper)
    for _ in range(MOST_EXACT):
        used = np.flatnonzero(free)
        if not 0 < len(used) <= LARGEST_EXACT:
            return
        sign = np.sign(v[used])
        matrix = gram[np.ix_(used, used)]
        matrix.flat[:: len(used) + 1] += l2[used] + JITTER * len(used) * matrix.diagonal().max()
        down = slope[used] - l1[used] * sign - l2[used] * v[used]
        if not np.isfinite(down).all():  # weights on their way to infinity, where nothing holds them
            return
        try:
            step = _solved(matrix, down, shortest=not l1[used].any())
        except linalg.LinAlgError:
            return
        # A weight stops where it meets its bound or, if it has l1, 0.
        least, most = lower[used], upper[used]
        least = np.where((l1[used] > 0) & (sign > 0), np.maximum(least, 0), least)
        most = np.where((l1[used] > 0) & (sign < 0), np.minimum(most, 0), most)
        ends = np.where(step > 0, most, least)
        with np.errstate(divide="ignore", invalid="ignore"):
            room = np.where(step != 0, (ends - v[used]) / step, np.inf)
        part = min(1.0, float(room.min(initial=1.0)))
        stopped = (room <= part) & (part < 1)
        before = v.copy()
        v[used] = np.where(stopped, ends, v[used] + part * step)
        slope -= (v - before) @ gram[:, :m]
        if part == 1:
            return
        free[used[stopped]] = False


def _solved(matrix: Array, down: Array, shortest: bool) -> Array:
    """Return a solution of positive semidefinite equations.

    Args:
        matrix: (m, m).
        down: (m,).
        shortest: whether to return the shortest solution where columns are dependent. Without l1 what others have more
            is rounding, much enlarged; with l1 it leads to weights of 0.
    """
    factor = linalg.cho_factor(matrix.T, overwrite_a=not shortest, check_finite=False)  # .T is not copied
    pivots = np.diag(factor[0])
    if not shortest or len(down) > MOST_DEPENDENT or pivots.min() > DEPENDENT * pivots.max():
        return np.asarray(linalg.cho_solve(factor, down))
    return np.asarray(linalg.lstsq(matrix, down, NOTHING, check_finite=False)[0])
