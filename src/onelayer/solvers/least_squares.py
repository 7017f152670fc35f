"""The exact way for linear regression: the analytic solution of section 3.1.1.3, fast and to the last digit.

Tall data take one pass that sums the centred Gram matrix, a Cholesky factor, and a second pass that corrects the
solution with its residuals. Data that are small or ill-conditioned take an orthogonal factor instead, and are corrected
with residuals in twice the working precision until the solution stands still: what comes out is the solution of the
problem as it is stored, rounded (Björck 1967, *Iterative refinement of linear least squares solutions*; Demmel, Hida,
Li and Riedy 2009, *Extra-precise iterative refinement for overdetermined least squares problems*).
"""

import math
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse
from scipy.linalg import LinAlgWarning
from scipy.sparse.linalg import LinearOperator, lsmr

from onelayer.errors import OneLayerError
from onelayer.solvers.double_double import DoubleDouble, two_product
from onelayer.solvers.parallel import blocks, sum_over_rows
from onelayer.solvers.wide import is_wide, row_space

Array = NDArray[np.float64]

EPS = float(np.finfo(np.float64).eps)
SMALL = 5_000  # values of X: so few that the most careful way takes a few milliseconds
ILL_CONDITIONED = (
    1e-6  # reciprocal condition of the scaled Gram matrix below which its digits are not trusted
)
MOST_SPARSE_FEATURES = 2_000  # beyond them a sparse problem is solved without its Gram matrix
ITERATIVE_TOLERANCE = 1e-12
LSMR_OUT_OF_STEPS = 7  # its code for having reached ``maxiter``
CANCELLED = 1e-4  # share of a column's sum of squares that centring must leave, or it is centred first
CORRECTED = 1e-8  # a correction this small has left an error of about its square
MOST_CORRECTIONS = 10
MOST_EXACT_INVERSE = 10**6  # n d²: so few operations that the inverse can be corrected too
INVERSE_CORRECTIONS = 3


@dataclass(frozen=True)
class Problem:
    """Minimise Σᵢ cᵢ ‖yᵢ − W xᵢ − b‖² + alpha ‖W‖².

    Attributes:
        X: features (n, d), float32 or float64; dense, or sparse in CSR.
        Y: targets (n, q), float64.
        sample_weight: c (n,), not negative, or None for 1.
        alpha: the penalty on weights.
        fit_intercept: whether b is free; else it is 0.
    """

    X: Any
    Y: Array
    sample_weight: Array | None = None
    alpha: float = 0.0
    fit_intercept: bool = True

    @property
    def total_weight(self) -> float:
        """Σ cᵢ."""
        return float(len(self.Y)) if self.sample_weight is None else float(self.sample_weight.sum())

    def blocks(self, part: slice = slice(None)) -> Iterator[tuple[Any, Array, Array | None]]:
        """Yield the rows in ``part`` of X, Y and c block by block, of a size that stays in the processor's cache."""
        d = max(1, self.X.shape[1])
        size = 1 + max(min(1024, 2**23 // d), 2**18 // d)
        start, stop, _ = part.indices(len(self.Y))
        for rows in blocks(slice(start, stop), size):
            yield self.X[rows], self.Y[rows], None if self.sample_weight is None else self.sample_weight[rows]

    def dense_blocks(self, part: slice = slice(None)) -> Iterator[tuple[Array, Array, Array | None]]:
        """Yield what ``blocks`` yields, X as a dense float64 array."""
        for X, Y, c in self.blocks(part):
            yield (X.toarray() if sparse.issparse(X) else X).astype(np.float64, copy=False), Y, c


@dataclass(frozen=True)
class LeastSquaresFit:
    """The solution of a least squares problem, and what its statistics need.

    Attributes:
        weight: W (q, d).
        bias: b (q,).
        rank: of the centred features, below d if they are linearly dependent; None if it was not found.
        method: "cholesky", "qr", "svd" or "lsmr": how the system was solved.
        corrections: how many passes corrected the solution; for "lsmr" its iterations.
        rss: Σ cᵢ rᵢ² of each target's residuals (q,).
        tss: Σ cᵢ (yᵢ − ȳ)² of each target (q,); without an intercept Σ cᵢ yᵢ².
        inverse: the inverse of [X 1]ᵀC[X 1] + alpha (without the 1 if there is no intercept), or None if
            features are linearly dependent or too many.
    """

    weight: Array
    bias: Array
    rank: int | None
    method: str
    corrections: int
    rss: Array
    tss: Array
    inverse: Array | None = field(repr=False, default=None)


@dataclass(frozen=True)
class Factor:
    """The inverse of the centred Gram matrix, factored: half · halfᵀ.

    Attributes:
        means: x̄ (d,); zeros without an intercept.
        half: (d, rank).
        total_weight: Σ cᵢ, or None without an intercept.
        method: how it was found.
        null: an orthonormal basis (d, d − rank) of the weights that change no prediction, or None.
    """

    means: Array
    half: Array
    total_weight: float | None
    method: str
    null: Array | None = None

    def step(self, gradient: Array, total_residual: Array) -> tuple[Array, Array]:
        """Return what to add to Wᵀ (d, q) and b (q,), given XᵀCr − x̄ 1ᵀCr (d, q) and 1ᵀCr (q,)."""
        weight = self.half @ (self.half.T @ gradient)
        if self.total_weight is None:
            return weight, np.zeros(weight.shape[1])
        return weight, total_residual / self.total_weight - self.means @ weight

    def inverse(self) -> Array:
        """Return the inverse of [X 1]ᵀC[X 1] + alpha, without the 1 if there is no intercept."""
        inner = self.half @ self.half.T
        if self.total_weight is None:
            return inner
        border = -inner @ self.means
        corner = 1 / self.total_weight - self.means @ border
        return np.block([[inner, border[:, None]], [border[None], np.array([[corner]])]])


def least_squares(problem: Problem, method: str = "auto") -> LeastSquaresFit:
    """Return the exact solution; the one of least norm ‖W‖ where features are linearly dependent.

    Tall, well-conditioned data take n d² multiplications, one block of memory and two passes.

    Args:
        problem: what to minimise.
        method: "cholesky" for the fast way and "qr" for the careful one; "auto" is careful with problems that
            are small or ill-conditioned. The fast way gives way to the careful one where the Gram matrix is
            singular to rounding.
    """
    if sparse.issparse(problem.X) and problem.X.shape[1] > MOST_SPARSE_FEATURES:
        return _solve_iteratively(problem)
    if is_wide(problem.X):
        coordinates, basis = row_space(problem.X)
        fit = least_squares(replace(problem, X=coordinates), method)
        rank = basis.shape[0] if problem.alpha else fit.rank
        return replace(fit, weight=fit.weight @ basis.T, rank=rank, inverse=None)
    means, y_means, gram, cross, tss = moments(problem)
    is_careful = method == "qr" or (method == "auto" and problem.X.shape[0] * problem.X.shape[1] <= SMALL)
    least_rcond = ILL_CONDITIONED if method == "auto" else EPS
    factor = None if is_careful else cholesky_factor(problem, means, gram, least_rcond)
    if factor is None:
        return _solve_carefully(problem, orthogonal_factor(problem, means))
    weight = factor.half @ (factor.half.T @ cross)
    bias = y_means - means @ weight
    size, corrections = np.inf, 0
    while size > CORRECTED and corrections < MOST_CORRECTIONS:
        gradient, total_residual, rss = _gradient(problem, weight, bias)
        steps = factor.step(gradient - np.outer(means, total_residual), total_residual)
        size = max(_relative(steps[0], weight), _relative(steps[1], bias))
        weight, bias, corrections = weight + steps[0], bias + steps[1], corrections + 1
    return LeastSquaresFit(
        weight=weight.T,
        bias=bias,
        rank=len(weight),
        method=factor.method,
        corrections=corrections,
        rss=rss,
        tss=tss,
        inverse=factor.inverse(),
    )


def moments(problem: Problem) -> tuple[Array, Array, Array, Array, Array]:
    """Return x̄ (d,), ȳ (q,), the centred sums XᵀCX (d, d) and XᵀCY (d, q), and Σ c (y − ȳ)² (q,).

    Without an intercept the means are 0 and nothing is centred. One pass sums the products as they are, and centres
    the sums, which is exact but for digits that cancel. Where they are many, because a column is far from 0, another
    pass sums the products of centred rows.
    """
    d, q = problem.X.shape[1], problem.Y.shape[1]
    y_shift = problem.Y[:1024].mean(axis=0) if problem.fit_intercept else np.zeros(q)
    is_sparse = sparse.issparse(problem.X)
    sums = _sparse_sums(problem, y_shift) if is_sparse else _dense_sums(problem, np.zeros(d), y_shift)
    if not problem.fit_intercept:
        return np.zeros(d), y_shift, sums[0], sums[1][:, :q], sums[2].diagonal()[:q]
    centred = _centred(*sums)
    if not all(np.isfinite(part).all() for part in centred):
        raise OneLayerError("some values are so large that their squares overflow: use another unit")
    if (centred[2].diagonal() < CANCELLED * sums[0].diagonal()).any():
        x_shift = centred[0]
        centred = _centred(*_dense_sums(problem, x_shift, y_shift))
        centred = (x_shift + centred[0], *centred[1:])
    x_mean, y_mean, gram, cross, tss = centred
    return x_mean, y_shift + y_mean, gram, cross, tss


def _centred(gram: Array, border: Array, corner: Array) -> tuple[Array, Array, Array, Array, Array]:
    """Return means and centred sums from XᵀCX (d, d), XᵀC[Y 1] (d, q + 1) and [Y 1]ᵀC[Y 1]."""
    n = corner[-1, -1]
    x_mean, y_mean = border[:, -1] / n, corner[:-1, -1] / n
    tss = np.maximum(corner.diagonal()[:-1] - n * y_mean**2, 0)
    return (
        x_mean,
        y_mean,
        gram - n * np.outer(x_mean, x_mean),
        border[:, :-1] - n * np.outer(x_mean, y_mean),
        tss,
    )


def _dense_sums(problem: Problem, x_shift: Array, y_shift: Array) -> list[Array]:
    """Return XᵀCX (d, d), XᵀC[Y 1] (d, q + 1) and [Y 1]ᵀC[Y 1], of rows relative to a shift."""
    d, q = problem.X.shape[1], problem.Y.shape[1]

    def part_sums(part: slice) -> list[Array]:
        gram, border, corner = np.zeros((d, d)), np.zeros((d, q + 1)), np.zeros((q + 1, q + 1))
        for X, Y, c in problem.dense_blocks(part):
            Z = X - x_shift if x_shift.any() else X
            V = np.c_[Y - y_shift, np.ones(len(Y))]
            if c is not None:
                root = np.sqrt(c)[:, None]
                Z, V = Z * root, V * root
            gram += Z.T @ Z  # half the work of another product: NumPy sees that it is symmetric
            border += Z.T @ V
            corner += V.T @ V
        return [gram, border, corner]

    return sum_over_rows(part_sums, len(problem.Y))


def _sparse_sums(problem: Problem, y_shift: Array) -> list[Array]:
    """Return what ``_dense_sums`` returns without a shift of X, from the stored values only."""
    c = np.ones(len(problem.Y)) if problem.sample_weight is None else problem.sample_weight
    X = problem.X.astype(np.float64)
    V = np.c_[problem.Y - y_shift, np.ones(len(c))]
    weighted = V * c[:, None]
    return [(X.T @ X.multiply(c[:, None]).tocsr()).toarray(), X.T @ weighted, V.T @ weighted]


def cholesky_factor(problem: Problem, means: Array, gram: Array, least_rcond: float) -> Factor | None:
    """Return the factor of a Gram matrix (d, d), or None if too few of its digits would be right."""
    gram = gram + problem.alpha * np.eye(len(gram))
    scales = np.sqrt(np.maximum(gram.diagonal(), 0))
    if (scales <= _noise(problem, means)).any():
        return None
    scaled = gram / scales / scales[:, None]
    triangle, failed = linalg.lapack.dpotrf(scaled)
    if failed or linalg.lapack.dpocon(triangle, np.abs(scaled).sum(axis=0).max())[0] < least_rcond:
        return None
    return _triangular_factor(problem, means, triangle, scales, "cholesky")


def orthogonal_factor(problem: Problem, means: Array) -> Factor:
    """Return the factor from a QR decomposition of the centred rows, block by block.

    Where its triangle is singular to rounding, the singular value decomposition parts what the data determine
    from what they do not.
    """
    d = len(means)
    triangle = np.diag(np.full(d, np.sqrt(problem.alpha))) if problem.alpha else np.empty((0, d))
    for X, _, c in problem.dense_blocks():
        Z = X - means
        if c is not None:
            Z *= np.sqrt(c)[:, None]
        triangle = linalg.qr(np.vstack([triangle, Z]), mode="r", overwrite_a=True, check_finite=False)[0][:d]
    scales = np.linalg.norm(triangle, axis=0)
    is_constant = scales <= _noise(problem, means)
    scales[is_constant] = 1
    triangle = np.where(is_constant, 0, triangle / scales)
    tolerance = EPS * max(problem.X.shape)
    if len(triangle) == d and not is_constant.any() and linalg.lapack.dtrcon(triangle)[0] > tolerance:
        return _triangular_factor(problem, means, triangle, scales, "qr")
    _, values, directions = linalg.svd(triangle)
    rank = int((values > tolerance * values[:1]).sum())
    half = directions[:rank].T / values[:rank] / scales[:, None]
    null = linalg.qr(directions[rank:].T / scales[:, None], mode="economic")[0]
    return Factor(means, half, _intercept_weight(problem), "svd", null if rank < d else None)


def _triangular_factor(problem: Problem, means: Array, triangle: Array, scales: Array, method: str) -> Factor:
    half = np.triu(linalg.lapack.dtrtri(triangle)[0]) / scales[:, None]
    return Factor(means, half, _intercept_weight(problem), method)


def _intercept_weight(problem: Problem) -> float | None:
    return problem.total_weight if problem.fit_intercept else None


def _noise(problem: Problem, means: Array) -> Array:
    """Return the length (d,) that rounding alone gives to a column that is centred."""
    return np.abs(means) * (4 * EPS * math.sqrt(problem.total_weight))


def _gradient(problem: Problem, weight: Array, bias: Array) -> tuple[Array, Array, Array]:
    """Return XᵀCr − alpha Wᵀ (d, q), 1ᵀCr (q,) and rᵀCr (q,) for the residuals r = Y − XWᵀ − b."""

    def part_sums(part: slice) -> list[Array]:
        gradient, total, rss = np.zeros_like(weight), np.zeros_like(bias), np.zeros_like(bias)
        for X, Y, c in problem.blocks(part):
            residuals = Y - X @ weight - bias
            weighted = residuals if c is None else residuals * c[:, None]
            gradient += X.T @ weighted
            total += weighted.sum(axis=0)
            rss += (residuals * weighted).sum(axis=0)
        return [gradient, total, rss]

    gradient, total, rss = sum_over_rows(part_sums, len(problem.Y))
    return gradient - problem.alpha * weight, total, rss


# Sparse features, too many for their Gram matrix


def _solve_iteratively(problem: Problem) -> LeastSquaresFit:
    """Return the solution of least norm by LSMR (Fong and Saunders 2011), centring without storing it."""
    n, d = problem.X.shape
    c = np.ones(n) if problem.sample_weight is None else problem.sample_weight
    root, X = np.sqrt(c), problem.X.astype(np.float64)
    means, y_means = np.zeros(d), np.zeros(problem.Y.shape[1])
    if problem.fit_intercept:
        means, y_means = X.T @ c / c.sum(), c @ problem.Y / c.sum()
    centred = LinearOperator(
        (n, d),
        matvec=lambda w: root * (X @ w - means @ w),
        rmatvec=lambda r: X.T @ (root * r) - means * (root @ r),
        dtype=np.float64,
    )
    V = root[:, None] * (problem.Y - y_means)
    runs = [
        lsmr(
            centred,
            v,
            damp=np.sqrt(problem.alpha),
            atol=ITERATIVE_TOLERANCE,
            btol=ITERATIVE_TOLERANCE,
            conlim=0,
            maxiter=10 * min(n, d),
        )
        for v in V.T
    ]
    if any(run[1] == LSMR_OUT_OF_STEPS for run in runs):
        warnings.warn(
            f"{d} sparse features, and the iterations ran out: the coefficients are not exact. Columns of very "
            "different sizes are the usual cause: scale them",
            LinAlgWarning,
            stacklevel=4,
        )
    weight = np.array([run[0] for run in runs])
    residuals = V - np.stack([centred @ w for w in weight], axis=1)
    return LeastSquaresFit(
        weight=weight,
        bias=y_means - weight @ means,
        rank=None,
        method="lsmr",
        corrections=max(run[2] for run in runs),
        rss=(residuals**2).sum(axis=0),
        tss=(V**2).sum(axis=0),
    )


# The careful way: residuals in twice the working precision


def _solve_carefully(problem: Problem, factor: Factor) -> LeastSquaresFit:
    """Return the solution, corrected until a further correction would be lost to rounding."""
    d, q = problem.X.shape[1], problem.Y.shape[1]
    weight, bias = DoubleDouble.zeros(d, q), DoubleDouble.zeros(q)
    previous, corrections = np.inf, 0
    while True:
        gradient, total, rss = _careful_gradient(problem, weight, bias)
        steps = _careful_step(factor, gradient, total)
        size = max(_relative(steps[0], weight.high), _relative(steps[1], bias.high))
        if size > previous / 2 or corrections == MOST_CORRECTIONS:  # as good as it gets
            break
        weight, bias = weight + steps[0], bias + steps[1]
        if size < EPS / 8:
            break
        previous, corrections = size, corrections + 1
    if factor.null is not None:
        idle = factor.null @ (factor.null.T @ weight.high)
        weight, bias = weight - idle, bias + factor.means @ idle
    rank = factor.half.shape[1]
    return LeastSquaresFit(
        weight=weight.rounded().T,
        bias=bias.rounded(),
        rank=rank,
        method=factor.method,
        corrections=corrections,
        rss=rss.rounded(),
        tss=_careful_tss(problem),
        inverse=_careful_inverse(problem, factor) if rank == d else None,
    )


def _relative(step: Array, value: Array) -> float:
    """Return the largest of |step| / |value|; a value of 0 is measured by the largest of its kind."""
    size = np.where(value, np.abs(value), np.abs(value).max(initial=0))
    with np.errstate(divide="ignore", invalid="ignore"):
        return float(np.where(step, np.abs(step) / size, 0).max(initial=0))


def _careful_step(factor: Factor, gradient: DoubleDouble, total: DoubleDouble) -> tuple[Array, Array]:
    """Return ``factor.step`` of a gradient that is not centred yet."""
    centred = gradient - total[None] * factor.means[:, None]
    return factor.step(centred.rounded(), total.rounded())


def _careful_gradient(
    problem: Problem, weight: DoubleDouble, bias: DoubleDouble
) -> tuple[DoubleDouble, DoubleDouble, DoubleDouble]:
    """Return what ``_gradient`` returns, in twice the working precision."""
    q = len(bias.high)
    gradient = weight * np.asarray(-problem.alpha)
    total, rss = DoubleDouble.zeros(q), DoubleDouble.zeros(q)
    for X, Y, c in problem.dense_blocks():
        targets = []
        for k in range(q):
            residuals = -((weight[:, k, None] * X.T).sum() + bias[k, None]) + Y[:, k]
            weighted = residuals if c is None else residuals * c
            targets.append(((weighted[:, None] * X).sum(), weighted.sum(), (residuals * weighted).sum()))
        sums = [DoubleDouble.stack(parts) for parts in zip(*targets, strict=True)]
        gradient, total, rss = gradient + sums[0], total + sums[1], rss + sums[2]
    return gradient, total, rss


def _careful_tss(problem: Problem) -> Array:
    """Return Σ c (y − ȳ)² of each target as Σ c y² − (Σ c y)² / Σ c; without an intercept Σ c y²."""
    c = np.ones(len(problem.Y)) if problem.sample_weight is None else problem.sample_weight
    weighted = DoubleDouble(*two_product(problem.Y, c[:, None]))
    squares, total = (weighted * problem.Y).sum(), weighted.sum()
    if problem.fit_intercept:
        squares = squares - total * total / np.asarray(problem.total_weight)
    return squares.rounded()


def _careful_inverse(problem: Problem, factor: Factor) -> Array:
    """Return ``factor.inverse()``, corrected with residuals in twice the working precision if that is cheap."""
    n, d = problem.X.shape
    if n * d**2 > MOST_EXACT_INVERSE:
        return factor.inverse()
    matrix = _careful_matrix(problem)
    p = len(matrix.high)
    weight, bias = DoubleDouble.zeros(d, p), DoubleDouble.zeros(p)
    for _ in range(INVERSE_CORRECTIONS):
        parts = [(matrix[:d] * weight[:, j, None]).sum() for j in range(p)]
        if problem.fit_intercept:
            parts = [part + matrix[d] * bias[j] for j, part in enumerate(parts)]
        residual = -DoubleDouble.stack(parts) + np.eye(p)
        total = residual[d] if problem.fit_intercept else DoubleDouble.zeros(p)
        steps = _careful_step(factor, residual[:d], total)
        weight, bias = weight + steps[0], bias + steps[1]
    return np.vstack([weight.rounded(), bias.rounded()[None]])[:p]


def _careful_matrix(problem: Problem) -> DoubleDouble:
    """Return [X 1]ᵀC[X 1] + alpha, without the 1 if there is no intercept, in twice the working precision."""
    d = problem.X.shape[1]
    ones = int(problem.fit_intercept)
    matrix = DoubleDouble.of(np.diag(np.r_[np.full(d, problem.alpha), np.zeros(ones)]))
    for X, _, c in problem.dense_blocks():
        A = np.c_[X, np.ones((len(X), ones))]
        weighted = DoubleDouble.of(A) if c is None else DoubleDouble(*two_product(A, c[:, None]))
        matrix = matrix + DoubleDouble.stack([(weighted[:, j, None] * A).sum() for j in range(d + ones)])
    return matrix
