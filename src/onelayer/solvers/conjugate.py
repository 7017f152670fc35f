"""Ridge of many sparse features by conjugate gradients on the normal equations, where these are well conditioned.

A step reads the stored values once, for the products with the rows and with their transpose, and several threads share
them (Hestenes and Stiefel 1952, *Methods of conjugate gradients for solving linear systems*). No eigenvalue of the
matrix is below the least penalty, so the gradient bounds how far the weights are off.
"""

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator

from onelayer.double_double import EPS
from onelayer.engines.threads import sum_of, sums_share_threads
from onelayer.solvers import kernels
from onelayer.solvers.direct import PRECISE

Array = NDArray[np.float64]

PARTS = 4  # of the rows, with about as many stored values
START = 1e-6  # the share of a gradient that a start leaves to the next one, whose gradient is of the rows themselves
MOST_STARTS = 4
MOST_STEPS = 200  # of a start: more are for ill-conditioned problems


class CentredGram:
    """ZᵀCZ + P of centred rows Z in CSR, as an operator.

    Args:
        X: (n, d) the rows, not centred.
        c: (n,) their weights.
        mean: (d,) what is taken from them.
        penalty: (d,) the diagonal of P.
    """

    def __init__(self, X: Any, c: Array, mean: Array, penalty: Array) -> None:
        self.stored = X.data, X.indices.astype(np.int32, copy=False), X.indptr.astype(np.int64)
        self.c, self.mean, self.penalty = c, mean, penalty
        starts = self.stored[2]
        ends = np.searchsorted(starts, [starts[-1] * k // PARTS for k in range(1, PARTS)])
        self.parts = list(pairwise([0, *ends.tolist(), len(c)]))

    def times(self, w: Array) -> Array:
        """Return the product with w (d,)."""
        shift = float(self.mean @ w)

        def products(part: tuple[int, int]) -> list[Array | float]:
            sums = np.zeros_like(w)
            total = kernels.sparse_products(*self.stored, self.c, w, sums, *part, shift)
            return [sums, total]

        sums, total = sum_of(products, self.parts)
        return np.asarray(sums - total * self.mean + self.penalty * w)


def settle(operator: LinearOperator, target: Array, gram: CentredGram) -> tuple[Array, float, int] | None:
    """Return the solution (d,), how far it is off relatively, at most, and the steps; None if these do not lead there.

    Args:
        operator: rows above those of the penalty, A (m, d).
        target: (m,).
        gram: AᵀA, whose least eigenvalue is at least its least penalty.
    """
    solution, steps, least = np.zeros(operator.shape[1]), 0, float(gram.penalty.min())
    with sums_share_threads():
        for _ in range(MOST_STARTS if least > 0 else 0):
            slope = operator.rmatvec(target - operator.matvec(solution) if steps else target)
            goal = PRECISE * least * float(np.linalg.norm(solution))
            found = _descended(slope, gram, max(START * float(np.linalg.norm(slope)), goal))
            if found is None:
                return None
            step, rest, count = found
            solution, steps = solution + step, steps + count
            bound = rest / least
            size = float(np.linalg.norm(solution))
            if bound <= PRECISE * size:
                return solution, max(bound / size, EPS) if size else 0.0, steps
    return None


def _descended(slope: Array, gram: CentredGram, goal: float) -> tuple[Array, float, int] | None:
    """Return w (d,) of which AᵀA w is the slope (d,) but for a rest, its size, and the steps; None if these do not do.

    The rest is to be no longer than the goal.
    """
    w, direction, square = np.zeros_like(slope), slope, float(slope @ slope)
    for step in range(MOST_STEPS):
        if square <= goal**2:
            return w, float(np.sqrt(square)), step
        product = gram.times(direction)
        curvature = float(direction @ product)
        if not curvature > 0:
            return None
        length = square / curvature
        w += length * direction
        slope = slope - length * product
        before, square = square, float(slope @ slope)
        direction = slope + (square / before) * direction
    return None
