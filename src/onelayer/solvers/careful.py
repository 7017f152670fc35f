"""The careful way for least squares: the solution of the problem as it is stored, rounded once.

The problem is solved in coordinates in which the features are nearly orthonormal, and corrected with residuals in
twice the working precision until the next correction is of no account (Björck 1967, *Iterative refinement of linear
least squares solutions*; Demmel, Hida, Li and Riedy 2009, *Extra-precise iterative refinement for overdetermined least
squares problems*). Where features are dependent, the solution is that of least norm.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Source
from onelayer.double_double import EPS, DoubleDouble
from onelayer.solvers.coordinates import (
    RESOLVED,
    Coordinates,
    Directions,
    Problem,
    orthogonal,
    scaled,
    without_null,
)
from onelayer.solvers.fit import LeastSquaresFit
from onelayer.solvers.inverse import Span
from onelayer.solvers.moments import ALIKE, Moments, are_alike, check_sums, relative_size
from onelayer.solvers.small import MOST_VALUES

Array = NDArray[np.float64]

TAME = 1e-6  # least eigenvalue of a scaled Gram matrix above which float64 has digits to spare in T
NEAR = 1e8  # squares of columns about 0, by those about their means, up to which the bias costs T no digits
NEGLIGIBLE = 2.0**-80  # a correction as a share of what the target varies by
MOST_CORRECTIONS = 30
COMPARABLE = (
    1e8  # ratio of columns' sizes up to which the norm of their weights in the user's units has digits
)


def solve_carefully(rows: Source, moments: Moments, gram: Array, alpha: float) -> LeastSquaresFit:
    """Return the solution, corrected until a further correction would be lost to rounding.

    Where columns differ so much in size that digits of their weights cannot be compared, the norm that is least is that
    in units of their sizes: it costs least when it is stored.

    Args:
        rows: what to solve.
        moments: of the rows.
        gram: XᵀCX (d, d), centred.
        alpha: the penalty on weights.
    """
    problem, d = Problem.of(rows, moments, alpha), len(gram)
    lengths = np.sqrt(moments.spread + alpha)
    varies = lengths > (0 if alpha else 1) * moments.rounding
    relative = (gram + alpha * np.eye(d))[np.ix_(varies, varies)] / lengths[varies] / lengths[varies, None]
    values, vectors = np.linalg.eigh(relative)
    start = np.zeros((d, len(values)))
    start[varies] = vectors / np.sqrt(np.maximum(values, RESOLVED)) / lengths[varies, None]
    is_known = values > RESOLVED
    directions = Directions(start[:, is_known], start[:, ~is_known], np.eye(d)[:, ~varies])
    is_scaled = not are_alike(lengths[varies], COMPARABLE)
    is_near = bool((moments.squares <= NEAR * moments.spread)[varies].all())
    return _solve(problem, directions, is_near and bool(values.min(initial=1) > TAME), is_scaled)


def solve_wide(rows: Source, alpha: float, fit_intercept: bool) -> LeastSquaresFit:
    """Return the solution for many more columns than rows: a combination of the rows, so n coordinates do.

    What a penalty on ‖W‖² leaves of W, and what the solution of least norm keeps, is its part in the span of the rows
    (the representer theorem; Hastie, Tibshirani and Friedman 2009, section 18.3.5). Where columns differ much in size
    and nothing is penalised, the norm that is least is that in units of their sizes: it costs least when it is stored.
    A penalty that conditions the problem well makes float64 enough: then the dual is solved.
    """
    from onelayer.solvers.dual import solve_dual

    if alpha and len(rows) * rows.n_features > MOST_VALUES:
        fit = solve_dual(rows, alpha, fit_intercept)
        if fit is not None:
            return fit
    block = rows.gathered()
    X, y, c = block.dense(), block.y, block.row_weights()
    d, total = X.shape[1], float(c.sum())
    mean, y_mean = (c @ X / total, c @ y / total) if fit_intercept else (np.zeros(d), np.zeros(y.shape[1]))
    with np.errstate(over="ignore", invalid="ignore"):
        Z = (X - mean) * np.sqrt(c)[:, None]
        squares, spread, variation = c @ X**2, (Z**2).sum(axis=0), c @ (y - y_mean) ** 2
    check_sums(rows, squares, spread, variation)
    moments = Moments(total if fit_intercept else None, mean, y_mean, squares, spread, variation)
    problem = Problem.of(rows, moments, alpha)
    is_scaled = not alpha and not are_alike(np.sqrt(spread), ALIKE)
    unit = problem.unit[:d] if is_scaled else np.ones(d)
    Z /= unit
    values, vectors = np.linalg.eigh(Z @ Z.T)
    start = Z.T @ vectors
    lengths = np.linalg.norm(start, axis=0)
    start, lengths, values = (
        part[..., lengths > d * EPS * lengths.max()] for part in (start, lengths, values)
    )
    start = start / unit[:, None] / (lengths * np.sqrt(lengths**2 + alpha))
    is_known = values + alpha > RESOLVED * (values.max(initial=0) + alpha)
    directions = Directions(start[:, is_known], start[:, ~is_known], np.zeros((d, 0)))
    fit = _solve(problem, directions, is_scaled=is_scaled)
    return replace(fit, rank=d) if alpha else fit


def _solve(
    problem: Problem, directions: Directions, is_tame: bool = False, is_scaled: bool = False
) -> LeastSquaresFit:
    """Return the solution, given directions of the weights in the user's units to begin with.

    Args:
        problem: what to solve.
        directions: independent ones.
        is_tame: whether products with them lose few digits in float64.
        is_scaled: whether the norm that is least is that in units of the columns' sizes.
    """
    d = problem.rows.n_features
    in_units = (
        part * problem.unit[:d, None] for part in (directions.known, directions.rest, directions.null)
    )
    coordinates = orthogonal(problem, Directions(*in_units), is_tame)
    coordinates = without_null(problem, coordinates, is_scaled)
    theta, rss, error, corrections = _refined(problem, coordinates)
    weight, bias, lost = stored(problem, theta)
    T, span = coordinates.T, _span(problem, coordinates.T[:d], is_scaled)
    rank = T.shape[1] - (len(T) - d)
    turn = _root(coordinates.inverse[:rank, :rank])
    inverse = problem.moments.inverse(T[:d, :rank] @ turn / problem.unit[:d, None], span)
    return LeastSquaresFit(
        weight=weight.T,
        bias=bias,
        solver="direct",
        rank=rank,
        identified=inverse.identified(),
        inverse=inverse,
        rss=rss + lost,
        tss=problem.moments.variation,
        rounding=problem.moments.rounding_of(weight, bias),
        error=error,
        sensitivity=coordinates.sensitivity,
        corrections=corrections,
    )


def _root(matrix: Array) -> Array:
    """Return R (r, r) with RRᵀ a positive matrix, or nearly positive where rounding has won."""
    try:
        return np.asarray(np.linalg.cholesky(matrix))
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
        return np.asarray(vectors * np.sqrt(np.maximum(values, 0)))


def _refined(problem: Problem, coordinates: Coordinates) -> tuple[DoubleDouble, Array, float, int]:
    """Return θ (p, q), its residuals' squares (q,), its relative error and the number of corrections."""
    inverse, has_bias = coordinates.inverse, problem.moments.n is not None
    u = inverse @ coordinates.cross
    theta, previous, rate, corrections = coordinates.times(u), 1.0, 1.0, 0
    while corrections < MOST_CORRECTIONS:
        gradient, rss = problem.gradient(theta)
        slope = down = coordinates.transposed_times(gradient)
        if problem.penalty.any():
            down = coordinates.transposed_times(gradient - theta * problem.penalty[:, None])
        step = inverse @ down
        size = relative_size(step, (u[: len(u) - has_bias] ** 2).sum(axis=0), rss, (u**2).sum(axis=0))
        if corrections and not size < previous / 2:  # as good as it gets
            break
        rate, previous, corrections = size / previous, size, corrections + 1
        theta, u = theta + coordinates.times(step), u + step
        rss = np.maximum(rss - (step * (2 * slope - down)).sum(axis=0), 0)
        if size * rate <= NEGLIGIBLE:
            break
    return theta, rss, previous * rate, corrections


def stored(problem: Problem, theta: DoubleDouble) -> tuple[Array, Array, Array]:
    """Return W (d, q) and b (q,) rounded, and what the rounding adds to the residuals' squares (q,).

    Of the rounding errors of the weights, what they have in common is what they do to the prediction of the means.
    """
    d, moments = problem.rows.n_features, problem.moments
    exact = scaled(theta, 1 / problem.unit[:, None])
    stored = exact.rounded()
    change = (exact - stored).rounded()
    lost = moments.spread @ change[:d] ** 2
    if moments.n is None:
        return stored, np.zeros(stored.shape[1]), lost
    return stored[:d], stored[d], lost + moments.n * (change[d] + moments.mean @ change[:d]) ** 2


def _span(problem: Problem, T: Array, is_scaled: bool) -> Span | None:
    """Return the span of the centred rows, which T (d, r) gives; None if it is all there is."""
    d, moments = len(T), problem.moments
    rank = T.shape[1] - (moments.n is not None)
    if rank == d:
        return None
    size = np.sqrt(np.where(moments.spread > 0, moments.spread, moments.squares))
    size = np.where(size > 0, size, 1.0)
    unit = problem.unit[:d, None]
    span = T[:, :rank] / unit
    return Span(np.linalg.qr(span * (unit**2 if is_scaled else 1.0) / size[:, None])[0], size)
