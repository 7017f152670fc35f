"""Lower bounds on the minimum of an objective, which hold whatever led to the point they are taken at.

Losses are never below 0, so 0 is one. Two others take F at V and subtract what may be left.

With λ > 0 the tangent and the penalty alone leave Σ g² / 2λ: the duality gap. It says nothing where λ is tiny.

The Hessian H at V says more. Let D² = gᵀH⁻¹g, and let ρ bound how far along δ a row's outputs move, times the loss's
skewness, where δᵀHδ = 1. On V + tδ the second derivative is at least e^(−ρht) times h² = δᵀHδ, so F grows at least to
F − Dh + (e^(−ρh) + ρh − 1)/ρ². The least of that over h, for ρD < 1, leaves (ρD + (1 − ρD) log(1 − ρD))/ρ², about D²/2
(Bach 2010, *Self-concordant analysis for logistic regression*; Sun and Tran-Dinh 2019, *Generalized self-concordant
functions: a recipe for Newton-type methods*).

Rounding of F, g and H counts as what it can be at most, but for a modest factor: sums of n numbers are rarely off by
more than a few units in the last place of the sum of their magnitudes.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import blas, lapack

from onelayer.data.rows import Block
from onelayer.double_double import EPS
from onelayer.solvers.objective import Objective, Point

Array = NDArray[Any]

UNITS = 16  # in the last place: rounding of a sum, relative to that of magnitudes
POWER = 16  # the largest of many numbers is at most the sum of this power of them, rooted


def remainder(decrement: float, rho: float) -> float:
    """Return what is left at most where the Newton decrement is D: ω(ρD)/ρ², infinite from ρD = 1 on."""
    a = rho * decrement
    if not a < 1:
        return math.inf
    if a < 0.1:
        return decrement**2 / 2 * (1 + a / 2)  # a bound on the series 1 + a/3 + a²/6 + …
    return (a + (1 - a) * math.log1p(-a)) / rho**2


class Factor:
    """The Cholesky factor of a matrix (p, p) scaled to a diagonal of ones, made definite where rounding spoiled it.

    Attributes:
        jitter: what was added to the diagonal of ones.
    """

    def __init__(self, matrix: Array) -> None:
        self.scales: Array = np.sqrt(np.maximum(matrix.diagonal(), np.finfo(matrix.dtype).tiny))
        scaled = matrix / self.scales / self.scales[:, None]
        eps = float(np.finfo(matrix.dtype).eps)
        self.jitter, added = 4 * eps * math.sqrt(len(matrix)), 0.0
        self._potrf, self._potrs, self._potri, self._trsv = (
            (lapack.spotrf, lapack.spotrs, lapack.spotri, blas.strsv)
            if matrix.dtype == np.float32
            else (lapack.dpotrf, lapack.dpotrs, lapack.dpotri, blas.dtrsv)
        )
        while True:
            scaled.flat[:: len(matrix) + 1] += self.jitter - added
            added = self.jitter
            self._triangle, failed = self._potrf(scaled)
            if not failed:
                return
            self.jitter *= 100

    def solve(self, right: Array) -> Array:
        """Return the solution for right sides (p,) or (p, q)."""
        scales = self.scales if right.ndim == 1 else self.scales[:, None]
        solution = (right / scales).astype(self._triangle.dtype)
        if right.ndim == 1:  # potrs would copy the triangle for it
            for is_transposed in (1, 0):
                solution = self._trsv(self._triangle, solution, trans=is_transposed)
        else:
            solution = self._potrs(self._triangle, solution)[0]
        return np.asarray(solution / scales)

    def inverse(self) -> Array:
        """Return the inverse (p, p) of the matrix scaled to a diagonal of ones."""
        upper = np.triu(self._potri(self._triangle)[0])
        return np.asarray(upper + np.triu(upper, 1).T)


@dataclass
class Audit:
    """What bounds need to know of a point, summed over rows.

    Attributes:
        value_error: how far rounding may have taken F.
        gradient_error: the same for its gradient (k, p) at the outputs as they were computed.
        output_error: the length of how far off these are, by the curvature of F: as much the decrement may be off.
        largest: the largest zᵀQz of any row with a weight, for a given Q.
        squares: Σᵢ cᵢ hₖᵢ zᵢⱼ² (k, p), or 0 if they were not asked for.
    """

    value_error: float
    gradient_error: Array
    output_error: float
    largest: float
    squares: Array


def audit(objective: Objective, point: Point, Q: Array | None = None, has_squares: bool = True) -> Audit:
    """Return the rounding at a point, and what else bounds need, in one pass: squares, or forms of Q."""
    unit = float(np.trace(Q)) if Q is not None else 1.0  # the power of a form over it does not overflow
    sizes = np.abs(point.V)
    loss, gradient, curved, powers, squares = objective.rows.sum(
        partial(_audit_terms, objective, point, sizes, Q, unit, has_squares and Q is None)
    )
    gradient += objective.ridge * sizes
    gradient *= UNITS * EPS
    return Audit(
        UNITS * EPS * (float(loss) + 2 * objective.penalty_of(point.V) + 2 * abs(point.value)),
        gradient,
        UNITS * EPS * math.sqrt(float(curved)),
        unit * float(powers) ** (1 / POWER),
        squares,
    )


def _audit_terms(
    objective: Objective,
    point: Point,
    sizes: Array,
    Q: Array | None,
    unit: float,
    has_squares: bool,
    block: Block,
) -> list[Any]:
    columns, c = objective.columns(block, written_out=True), objective.weights(block)
    _, R, h = objective.loss.at(objective.outputs_at(point, block), block.y)
    powers = 0.0
    if Q is not None:
        forms = np.maximum(columns.forms(Q), 0) / unit
        powers = float((np.where(np.asarray(c) > 0, forms, 0) ** POWER).sum())
    squares = columns.squares(h * c) if has_squares else np.zeros((1, 1))
    columns = columns.absolute()
    reach = columns.forward(sizes)  # what the outputs are sums of
    if block.offset is not None:
        reach += np.abs(block.offset.T)
    R = np.abs(R) * c
    curved = float((h * np.square(reach) * c).sum())
    return [float((R * reach).sum()), columns.backward(R), curved, powers, squares]


def newton_bound(objective: Objective, point: Point, factor: Factor) -> float:
    """Return a lower bound on the minimum from a point with its Hessian, factored."""
    k, p = objective.shape
    inverse = factor.inverse()
    # The Hessian is at least 1 − lost times the factored matrix: rounding is small beside its smallest eigenvalue.
    lost = (factor.jitter + UNITS * EPS * math.sqrt(k * p)) * float(np.trace(inverse))
    if not lost < 0.5:
        return 0.0
    scales = factor.scales.reshape(k, p)
    gradient = (point.gradient / scales).reshape(-1)
    decrement = math.sqrt(max(float(gradient @ inverse @ gradient), 0))
    # range² or square of the outputs' change: at most their squares' sum, whose largest is at most this form's
    blocks = inverse.reshape(k, p, k, p)
    Q = np.einsum("apaq->pq", blocks / scales[:, :, None, None] / scales)
    found = audit(objective, point, Q)
    error = found.gradient_error.reshape(-1) / factor.scales
    decrement += float(error @ np.sqrt(inverse.diagonal())) + found.output_error
    rho = objective.loss.skewness * math.sqrt(found.largest)
    left = remainder(decrement / math.sqrt(1 - lost), rho / math.sqrt(1 - lost))
    return max(0.0, point.value - left - found.value_error)


def ridge_bound(objective: Objective, point: Point) -> float:
    """Return a lower bound on the minimum from a point whose intercepts are the best for its weights, or nearly so.

    Moving to the best ones changes F by what the decrement by intercepts leaves, and the gradient by weights by at
    most what the curvature between both allows (Cauchy and Schwarz).
    """
    k, p = objective.shape
    d = p - int(objective.fit_intercept)
    ridge = objective.ridge[:d]
    gradient = point.gradient[:, :d]
    if (ridge == 0).any():
        return 0.0
    is_coupled = objective.loss.is_coupled
    found = audit(objective, point, has_squares=not is_coupled)
    error, left = found.gradient_error[:, :d], 0.0
    if objective.fit_intercept:
        inner = objective.inner_at(point)
        inner = inner + (np.trace(inner) / k**2 if is_coupled else 0)
        factor = Factor(inner)
        inverse = factor.inverse() / factor.scales / factor.scales[:, None]
        by_intercept = point.gradient[:, d]
        decrement = math.sqrt(max(float(by_intercept @ inverse @ by_intercept), 0))
        decrement += float(found.gradient_error[:, d] @ np.sqrt(inverse.diagonal())) + found.output_error
        rho = objective.loss.skewness * math.sqrt(float(np.trace(inverse)))
        left = remainder(decrement, rho)
        if not math.isfinite(left):
            return 0.0
        moved = decrement if rho == 0 else -math.log1p(-rho * decrement) / rho
        # Of coupled outputs Σh is 1, so no square is above Σ c z², which is Σ c.
        squares = objective.scaling.total if is_coupled else found.squares[:, :d]
        error += math.exp(rho * moved) * moved * np.sqrt(squares)
    error += np.abs(gradient)
    left += float((np.square(error, out=error) / ridge).sum()) / 2
    return max(0.0, point.value - left - found.value_error)
