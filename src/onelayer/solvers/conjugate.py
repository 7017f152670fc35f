"""Ridge of many sparse features by conjugate gradients on the normal equations, where these are well conditioned.

A step reads the stored values once, for the products with the rows and with their transpose, and several threads share
them (Hestenes and Stiefel 1952, *Methods of conjugate gradients for solving linear systems*). Steps are in float32, and
start again from the residuals in float64 (Moler 1967, *Iterative refinement in floating point*). No eigenvalue of the
matrix is below the least penalty, so the gradient bounds how far the weights are off.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator

from onelayer.double_double import EPS
from onelayer.engines.threads import sum_of, sums_share_threads
from onelayer.solvers import kernels
from onelayer.solvers.direct import PRECISE
from onelayer.solvers.sparse_rows import row_parts, stored, value_parts

Array = NDArray[np.float64]
Rough = NDArray[np.float32]

START = 1e-6  # the share of a gradient that a start leaves to the next one, whose gradient is in float64
MOST_STARTS = 8
MOST_STEPS = 200  # of a start: more are for ill-conditioned problems


class CentredGram:
    """ZᵀCZ + P of centred rows Z in CSR, as an operator in float32.

    Args:
        X: (n, d) the rows, neither centred nor scaled.
        c: (n,) their weights.
        factor: (d,) what columns are multiplied by.
        mean: (d,) what is taken from them then.
        penalty: (d,) the diagonal of P.
    """

    def __init__(self, X: Any, c: Array, factor: Array, mean: Array, penalty: Array) -> None:
        values, columns, starts = stored(X)
        scaled = np.empty(X.nnz, np.float32)
        for part in value_parts(X):
            scaled[part] = values[part] * factor[columns[part]]
        self.stored, self.parts, self.c = (scaled, columns, starts), row_parts(X), c
        self.mean, self.penalty, self.least = mean, penalty.astype(np.float32), float(penalty.min())

    def times(self, w: Rough) -> Rough:
        """Return the product with w (d,)."""
        shift = float(self.mean @ w)

        def products(part: tuple[int, int]) -> list[Any]:
            sums = np.zeros_like(w)
            total = kernels.sparse_products(*self.stored, self.c, w, sums, *part, shift)
            return [sums, total]

        sums, total = sum_of(products, self.parts)
        sums -= (total * self.mean).astype(np.float32)
        sums += self.penalty * w
        return np.asarray(sums)


def settle(operator: LinearOperator, target: Array, gram: CentredGram) -> tuple[Array, float, int] | None:
    """Return the solution (d,), how far it is off relatively, at most, and the steps; None if these do not lead there.

    Args:
        operator: rows above those of the penalty, A (m, d).
        target: (m,).
        gram: AᵀA, whose least eigenvalue is at least its least penalty.
    """
    solution, steps, least = np.zeros(operator.shape[1]), 0, gram.least
    slope, left = operator.rmatvec(target), np.inf
    with sums_share_threads():
        for _ in range(MOST_STARTS if least > 0 else 0):
            step, count = _descended(slope, gram, PRECISE * least * float(np.linalg.norm(solution)))
            solution, steps = solution + step, steps + count
            slope = operator.rmatvec(target - operator.matvec(solution))
            before, left = left, float(np.linalg.norm(slope))
            size = float(np.linalg.norm(solution))
            if left <= PRECISE * least * size:
                return solution, max(left / least / size, EPS) if size else 0.0, steps
            if count == MOST_STEPS or not left < before / 2:
                return None
    return None


def _descended(slope: Array, gram: CentredGram, goal: float) -> tuple[Array, int]:
    """Return about the w (d,) of which AᵀA w is the slope (d,), and the steps that it took.

    They end where the rest is as short as the goal, or as float32 takes it.
    """
    length = float(np.linalg.norm(slope))
    if not 0 < length < np.inf:
        return np.zeros_like(slope), 0
    rest = (slope / length).astype(np.float32)
    w, direction, square = np.zeros_like(rest), rest, float(rest @ rest)
    enough = max(START, goal / length) ** 2
    for step in range(MOST_STEPS):
        if square <= enough:
            return length * w.astype(np.float64), step
        product = gram.times(direction)
        curvature = float(direction @ product)
        if not curvature > 0:
            break
        w += direction * np.float32(square / curvature)
        rest = rest - product * np.float32(square / curvature)
        before, square = square, float(rest @ rest)
        direction = rest + direction * np.float32(square / before)
    return length * w.astype(np.float64), MOST_STEPS
