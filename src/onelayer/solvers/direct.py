"""The direct way for linear regression: the analytic solution of section 3.1.1.3, fast and to the last digit.

Tall data take one pass that sums the centred Gram matrix, a Cholesky factor and, where digits ask for it, a second pass
that corrects the solution with its residuals. Data that are small or ill-conditioned, and those of dependent features,
go the careful way (``careful.py``), unless rows are no more than columns (``dual.py``, ``interpolation.py``); many
sparse features are solved without their Gram matrix (``iterative.py``).
"""

import math
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Block, Rows, Source, block_rows
from onelayer.double_double import EPS, DoubleDouble
from onelayer.engines.threads import added
from onelayer.solvers.by_penalty import by_penalty
from onelayer.solvers.fit import LeastSquaresFit
from onelayer.solvers.moments import Moments, is_wide, relative_size, sums_of
from onelayer.solvers.small import MOST_VALUES, solve_small

Array = NDArray[np.float64]

ILL_CONDITIONED = 1e6  # condition of the scaled Gram matrix above which its digits are not trusted
CORRECTED = 1e-8  # a correction this small has left an error of about its square
MOST_CORRECTIONS = 10
ROUNDED = 256 * EPS  # what sums over blocks are off by, relatively, at most about
PRECISE = 1e-11  # error of a solution that is not worth another pass over the rows
UNEXPLAINED = 1e-3  # share of a target, below which it takes the rows themselves to say how much it is
MOST_FACTORED = 2**26  # values of the factors of different penalties: 512 MB
MOST_SPARSE_FEATURES = 2_000  # beyond them a sparse problem is solved without its Gram matrix


def least_squares(
    rows: Source, alpha: float | Array = 0.0, fit_intercept: bool = True, careful: bool | None = None
) -> LeastSquaresFit:
    """Return the exact solution; the one of least norm ‖W‖ where features are linearly dependent.

    Tall, well-conditioned data take ½ n d² multiplications, a block of memory for each thread, and one pass.

    Args:
        rows: features (n, d), targets (n, q) and weights.
        alpha: the penalty on weights; or (q,) that on the weights of each target, for rows in memory.
        fit_intercept: whether b is free; else it is 0.
        careful: whether to go the careful way; if None, where the problem is small or ill-conditioned.

    Raises:
        OneLayerError: if a value is not finite, or so large that its square overflows.
    """
    rows = rows.less_offset()
    rows, exponent = rows.weights_near_one()
    penalties = np.array([_scaled(value, -exponent) for value in np.atleast_1d(alpha).tolist()])
    fit = None if careful else solve_small(rows, penalties, fit_intercept)
    fit = fit or _solve(rows, penalties, fit_intercept, careful)
    return replace(fit, exponent=exponent) if exponent else fit


def _solve(rows: Source, alpha: Array, fit_intercept: bool, careful: bool | None) -> LeastSquaresFit:
    # What the usual, tall and well-conditioned problem does without is imported where it is needed.
    if isinstance(rows, Rows) and rows.is_sparse and rows.n_features > MOST_SPARSE_FEATURES:
        rows.check_finite()
        from onelayer.solvers.iterative import solve_iteratively

        return by_penalty(rows, alpha, lambda part, one, _: solve_iteratively(part, one, fit_intercept))
    from onelayer.solvers.careful import solve_carefully, solve_wide

    if is_wide(rows):
        return by_penalty(rows, alpha, lambda part, one, _: solve_wide(part, one, fit_intercept))
    if not careful and isinstance(rows, Rows) and rows.in_memory and not alpha.any():
        from onelayer.solvers.interpolation import interpolate, may_interpolate

        met = interpolate(rows, fit_intercept) if may_interpolate(rows, fit_intercept) else None
        if met is not None:
            return met
    moments, gram, cross = sums_of(rows, fit_intercept)
    if careful is None:
        careful = len(rows) * rows.n_features <= MOST_VALUES or not moments.variation.all()
    n_penalties = len(np.unique(alpha))
    fit = None
    if not careful and n_penalties * len(gram) ** 2 <= max(MOST_FACTORED, len(gram) ** 2):
        fit = _solve_by_cholesky(rows, moments, gram, cross, alpha)
    if fit is not None:
        return fit

    def solve(part: Source, one: float, targets: NDArray[np.intp]) -> LeastSquaresFit:
        its, fit = moments.of(targets), None
        if not careful and n_penalties > 1:
            fit = _solve_by_cholesky(part, its, gram, cross[:, targets], np.array([one]))
        return fit if fit is not None else solve_carefully(part, its, gram, one)

    return by_penalty(rows, alpha, solve)


def _scaled(value: float, exponent: int) -> float:
    """Return value · 2^exponent, at most the largest number whose square is finite."""
    try:
        return min(math.ldexp(value, exponent), 1e150)
    except OverflowError:
        return 1e150


# The fast way


def _solve_by_cholesky(
    rows: Source, moments: Moments, gram: Array, cross: Array, alpha: Array
) -> LeastSquaresFit | None:
    """Return the solution by the Gram matrix, or None if too few of its digits are right.

    Targets of different penalties share the passes over the rows: each has its factor (d, d) of the one matrix.
    """
    distinct = np.unique(alpha)
    factors = [inverse_factor(gram, value, moments.rounding) for value in distinct]
    found = [factor for factor in factors if factor is not None]
    if len(found) < len(factors):
        return None
    halves = [half for half, _ in found]
    error = ROUNDED * max(condition for _, condition in found)
    if len(halves) == 1 and error <= PRECISE:
        explained = np.square(halves[0].T @ cross).sum(axis=0)
        if (explained <= (1 - UNEXPLAINED) * moments.tss).all():
            return solve_by_factors(rows, moments, halves, cross, alpha, error)
    return solve_by_factors(rows, moments, halves, cross, alpha)


def solve_by_factors(
    rows: Source,
    moments: Moments,
    halves: list[Array],
    cross: Array,
    alpha: Array,
    error: float | None = None,
) -> LeastSquaresFit:
    """Return the solution by factors of inverses, corrected with the residuals of the rows.

    Args:
        rows: features (n, d) and targets (n, q).
        moments: of them.
        halves: H (d, r) for each penalty, in ascending order, with HHᵀ = (XᵀCX + alpha)⁻¹ on the span of the rows.
        cross: XᵀCY (d, q), centred.
        alpha: the penalty of each target (q,), or one for all.
        error: of the solution relatively, at most about, where it needs no correction and another pass is saved.
    """
    d = len(cross)
    which = np.searchsorted(np.unique(alpha), np.broadcast_to(alpha, cross.shape[1]))

    def times(v: Array, is_transposed: bool = False) -> Array:
        """Return the factor of each target's penalty, or its transpose, times its column of v (d, q)."""
        if len(halves) == 1:
            return (halves[0].T if is_transposed else halves[0]) @ v
        product = np.empty_like(v)
        for k, half in enumerate(halves):
            product[:, which == k] = (half.T if is_transposed else half) @ v[:, which == k]
        return product

    u = times(cross, is_transposed=True)
    weight, bias, size, corrections = times(u), moments.y_mean, np.inf, 0  # the bias at x̄
    total = (moments.n or 0.0) * moments.y_mean**2 + moments.tss
    rss = moments.tss - (u**2).sum(axis=0) - alpha * (weight**2).sum(axis=0)
    while error is None and size > CORRECTED and corrections < MOST_CORRECTIONS:
        gradient, residual, rss = residual_products(rows, moments, weight, bias)
        penalised = gradient - alpha * weight
        down = times(penalised, is_transposed=True)
        step, shift = times(down), residual / moments.n if moments.n else np.zeros_like(bias)
        whole = np.concatenate([down, np.sqrt(moments.n or 0.0) * shift[None]])
        size = relative_size(whole, (u**2).sum(axis=0), rss, total)
        rss = rss - np.einsum("jk,jk->k", step, 2 * gradient - penalised) - shift * residual
        u, weight, bias, corrections = u + down, weight + step, bias + shift, corrections + 1
    bias, lost = bias_at_zero(moments, weight, bias)
    return LeastSquaresFit(
        weight=weight.T,
        bias=bias,
        solver="direct",
        rank=d,
        identified=np.ones(d + 1, bool),
        inverse=moments.inverse(halves[0]) if len(halves) == 1 else None,
        rss=np.maximum(rss, 0) + (moments.n or 0.0) * lost**2,
        tss=moments.variation,
        rounding=moments.rounding_of(weight, bias),
        error=size**2 if error is None else error,
        sensitivity=EPS * math.sqrt(max((moments.squares @ half**2).max(initial=0) for half in halves)),
        corrections=corrections,
    )


def inverse_factor(gram: Array, alpha: float, rounding: Array) -> tuple[Array, float] | None:
    """Return H (d, d) with HHᵀ the inverse of the Gram matrix with the penalty, and its condition when it is scaled.

    None if it has too few digits.
    """
    gram = gram + alpha * np.eye(len(gram)) if alpha else gram
    scales = np.sqrt(np.maximum(gram.diagonal(), 0))
    if not (scales > rounding / math.sqrt(EPS)).all():
        return None
    scaled = gram / scales / scales[:, None]
    try:
        half = np.linalg.inv(np.linalg.cholesky(scaled)).T
    except np.linalg.LinAlgError:
        return None
    norms = [float(np.abs(matrix).sum(axis=0).max(initial=0)) for matrix in (scaled, half @ half.T)]
    condition = norms[0] * norms[1]
    return (half / scales[:, None], condition) if condition <= ILL_CONDITIONED else None


def residual_products(rows: Source, moments: Moments, weight: Array, bias: Array) -> list[Array]:
    """Return ZᵀCr (d, q), 1ᵀCr (q,) and rᵀCr (q,) for the residuals r = Y − ZWᵀ − b of the rows Z = X − x̄."""
    mean = moments.mean
    is_far = moments.is_far
    constant = bias - moments.y_mean - (0 if is_far else mean @ weight)

    def terms(block: Block) -> list[Array]:
        if is_far and rows.is_sparse:
            return added(of_part(part) for part in block.split(block_rows(rows.n_features)))
        return of_part(block)

    def of_part(block: Block) -> list[Array]:
        X = block.dense() - mean if is_far else block.features()
        residuals = (block.y - moments.y_mean) - X @ weight - constant
        weighted = residuals if block.c is None else residuals * block.c[:, None]
        return [X.T @ weighted, weighted.sum(axis=0), (residuals * weighted).sum(axis=0)]

    gradient, total, rss = rows.sum(terms)
    return [gradient if is_far else gradient - np.outer(mean, total), total, rss]


def bias_at_zero(moments: Moments, weight: Array, bias: Array) -> tuple[Array, Array]:
    """Return the bias (q,) of features as they are, and what rounding took from it.

    Given are weights (d, q) and the bias (q,) of centred features.
    """
    exact = -(DoubleDouble.of(weight) * moments.mean[:, None]).sum() + bias
    return exact.rounded(), (exact - exact.rounded()).rounded()
