"""The careful way for least squares: the solution of the problem as it is stored, rounded once.

In suitable coordinates (w, b) = T u the features become B = [X 1]T with columns that are nearly orthonormal, whatever
those of X are. T is a matrix of float64 numbers and B is worked out in twice the working precision, so nothing is lost
by the change. The solution is corrected with residuals in twice the working precision until the next correction is of
no account (Björck 1967, *Iterative refinement of linear least squares solutions*; Demmel, Hida, Li and Riedy 2009,
*Extra-precise iterative refinement for overdetermined least squares problems*).

A direction in which the features vary by less than the rounding of their stored values tells nothing, and is left out:
the solution is then that of least norm. What rounding amounts to follows from the columns as they are, before their
means are taken away.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from onelayer.data.joint import Block, Source
from onelayer.engines.threads import added
from onelayer.solvers.double_double import DoubleDouble, Sliced, slice_bits
from onelayer.solvers.fit import LeastSquaresFit
from onelayer.solvers.moments import EPS, Moments, are_alike

Array = NDArray[np.float64]

ROUNDINGS = 4.0  # of stored values: a direction whose length is at most so many of them is none
TAME = 1e-6  # least eigenvalue of a scaled Gram matrix above which float64 has digits to spare in T
CANCELLED = (
    1e-8  # share of a column's square that has to be left when others are taken away, for its digits to count
)
RESOLVED = 1e-12  # eigenvalue of a scaled Gram matrix above which some digits of it are right
MOST_CHANGES = 8  # of coordinates
MOST_EXACT = (
    2**24
)  # multiplications: up to here B is worked out in twice the working precision unless T is tame
NEGLIGIBLE = 2.0**-80  # a correction as a share of what the target varies by
FLOOR = 64 * EPS  # the least that a target is taken to vary by, as a share of its size
MOST_CORRECTIONS = 30
EXACT_VALUES = 2**16  # of [X 1] that are sliced at once
IDENTIFIED = 1e-6  # how far, relatively, a coefficient may be from the span of the features


@dataclass(frozen=True)
class Problem:
    """Least squares on columns in units of their own size, with a column of ones for a free bias.

    Attributes:
        rows: the rows, in the user's units.
        moments: of the rows, likewise.
        unit: (p,) the size of each column, a power of two; 1 for the ones.
        penalty: (p,) on the square of each coefficient in these units; 0 for the bias.
    """

    rows: Source
    moments: Moments
    unit: Array
    penalty: Array

    @classmethod
    def of(cls, rows: Source, moments: Moments, alpha: float) -> "Problem":
        """Return the problem with a penalty of ``alpha`` on the weights in the user's units."""
        size: Array = np.sqrt(moments.squares / max(1.0, moments.n or float(len(rows))))
        unit = np.where(size > 0, np.ldexp(1.0, np.frexp(size)[1]), 1.0)
        bias = np.ones(int(moments.n is not None))
        return cls(rows, moments, np.r_[unit, bias], np.r_[alpha / unit**2, 0 * bias])

    def with_bias(self, start: Array) -> Array:
        """Return directions (p, r + 1) of mean 0, and the bias as the last one, from weights (d, r)."""
        n = self.moments.n
        if n is None:
            return start
        mean = self.moments.mean / self.unit[:-1]
        ends = np.r_[np.zeros(len(start)), 1 / np.sqrt(n)]
        directions: Array = np.concatenate([start, -(mean @ start)[None]])
        return np.concatenate([directions, ends[:, None]], axis=1)

    def sliced(self, block: Block) -> Sliced:
        """Return the features of some rows, and the ones, in slices of as many bits as all products allow."""
        X = block.dense()
        if len(self.unit) > X.shape[1]:
            X = np.concatenate([X, np.ones((len(X), 1))], axis=1)
        sliced = Sliced.of(X, slice_bits(max(X.shape)))
        return replace(sliced, scale=sliced.scale / self.unit)

    def parts(self, block: Block) -> "list[Block]":
        """Return a block in parts that stay in the processor's cache when they are sliced."""
        return list(block.split(max(64, EXACT_VALUES // max(1, len(self.unit)))))

    def products(self, T: Array, exact: bool) -> tuple[Array, Array]:
        """Return BᵀCB + TᵀPT (r, r) and BᵀCY (r, q) of B = [X 1]T, which may be rounded in float64 throughout."""
        d = self.rows.n_features
        mean, directions = self.moments.mean / self.unit[:d], T[:d] / self.unit[:d, None]
        constant = T[d] + mean @ T[:d] if len(T) > d else 0.0

        def terms(block: Block) -> list[Array]:
            sums = []
            for part in self.parts(block):
                if exact:
                    sliced = self.sliced(part)
                    B = _product(sliced, T).rounded()
                else:
                    B = (part.dense() - self.moments.mean) @ directions + constant
                Y = part.y
                if part.c is not None:
                    root = np.sqrt(part.c)[:, None]
                    B, Y = B * root, Y * root
                sums.append([B.T @ B, B.T @ Y])
            return added(sums)

        gram, cross = self.rows.sum(terms)
        return gram + (T * self.penalty[:, None]).T @ T, cross

    def gradient(self, theta: DoubleDouble) -> tuple[DoubleDouble, Array]:
        """Return [X 1]ᵀCr (p, q) and rᵀCr (q,) for the residuals r = Y − [X 1]θ, in twice the working precision."""

        def terms(block: Block) -> list[DoubleDouble | Array]:
            sums: list[list[DoubleDouble | Array]] = []
            for part in self.parts(block):
                sliced = self.sliced(part)
                residuals = -_product(sliced, theta) + part.y
                weighted = residuals if part.c is None else residuals * part.c[:, None]
                gradient = _transposed_product(sliced, weighted)
                sums.append([gradient, (residuals.rounded() * weighted.rounded()).sum(axis=0)])
            return added(sums)

        gradient, rss = self.rows.sum(terms)
        return gradient, rss


def _product(sliced: Sliced, right: DoubleDouble | Array) -> DoubleDouble:
    """Return the product (m, q) of a matrix (m, p) in slices with another one (p, q)."""
    other = Sliced.of(_scaled(right, sliced.scale[:, None]), sliced.bits)
    return _scaled(sliced.times(other), other.scale)


def _transposed_product(sliced: Sliced, right: DoubleDouble) -> DoubleDouble:
    """Return the product (p, q) of the transpose of a matrix (m, p) in slices with another one (m, q)."""
    other = Sliced.of(right, sliced.bits)
    return _scaled(sliced.transposed_times(other), sliced.scale[:, None] * other.scale)


def _scaled(values: DoubleDouble | Array, powers: Array) -> DoubleDouble:
    """Return values multiplied by powers of two: without rounding."""
    if isinstance(values, DoubleDouble):
        return DoubleDouble(values.high * powers, values.low * powers)
    return DoubleDouble.of(values * powers)


# Coordinates


@dataclass(frozen=True)
class Directions:
    """Directions of the weights, in columns.

    Attributes:
        known: (d, k) in which the features are nearly orthonormal.
        rest: (d, m) of unknown length, up to about 1.
        null: (d, l) in which they do not vary.
    """

    known: Array
    rest: Array
    null: Array


@dataclass(frozen=True)
class Coordinates:
    """Coordinates u of the coefficients, θ = T u, in which the features are nearly orthonormal.

    Attributes:
        T: (p, r): directions of the weights, and the bias as the last one, if it is free.
        gram: BᵀCB + TᵀPT (r, r) of B = [X 1]T.
        cross: BᵀCY (r, q).
        null: (d, d − rank) weights that change no prediction, in columns.
        is_tame: whether products with T lose few digits in float64.
    """

    T: Array
    gram: Array
    cross: Array
    null: Array
    is_tame: bool

    def times(self, u: Array) -> DoubleDouble:
        """Return T u (p, q)."""
        return DoubleDouble.of(self.T @ u) if self.is_tame else _product(self._sliced, u)

    def transposed_times(self, gradient: DoubleDouble) -> Array:
        """Return Tᵀg (r, q), rounded."""
        if self.is_tame:
            return np.asarray(self.T.T @ gradient.rounded())
        return _transposed_product(self._sliced, gradient).rounded()

    @property
    def _sliced(self) -> Sliced:
        return Sliced.of(self.T, slice_bits(max(self.T.shape)))


def solve_carefully(rows: Source, moments: Moments, gram: Array, alpha: float) -> LeastSquaresFit:
    """Return the solution, corrected until a further correction would be lost to rounding.

    Args:
        rows: what to solve.
        moments: of the rows.
        gram: XᵀCX (d, d), centred.
        alpha: the penalty on weights.
    """
    problem, d = Problem.of(rows, moments, alpha), len(gram)
    lengths = np.sqrt(moments.spread + alpha)
    varies = lengths > (0 if alpha else ROUNDINGS) * moments.rounding
    scaled = (gram + alpha * np.eye(d))[np.ix_(varies, varies)] / lengths[varies] / lengths[varies, None]
    values, vectors = np.linalg.eigh(scaled)
    start = np.zeros((d, len(values)))
    start[varies] = vectors / np.sqrt(np.maximum(values, RESOLVED)) / lengths[varies, None]
    is_known = values > RESOLVED
    directions = Directions(start[:, is_known], start[:, ~is_known], np.eye(d)[:, ~varies])
    return _solve(problem, directions, is_tame=bool(values.min(initial=1) > TAME))


def solve_wide(rows: Source, alpha: float, fit_intercept: bool) -> LeastSquaresFit:
    """Return the solution for many more columns than rows: a combination of the rows, so n coordinates do.

    What a penalty on ‖W‖² leaves of W, and what the solution of least norm keeps, is its part in the span of the rows
    (the representer theorem; Hastie, Tibshirani and Friedman 2009, section 18.3.5). Where columns differ much in size
    and nothing is penalised, the norm that is least is that in units of their deviations.
    """
    block = rows.gathered()
    X, y, c = block.dense(), block.y, np.ones(len(rows)) if block.c is None else block.c
    d, total = X.shape[1], float(c.sum())
    mean, y_mean = (c @ X / total, c @ y / total) if fit_intercept else (np.zeros(d), np.zeros(y.shape[1]))
    Z = (X - mean) * np.sqrt(c)[:, None]
    spread, variation = (Z**2).sum(axis=0), c @ (y - y_mean) ** 2
    moments = Moments(total if fit_intercept else None, mean, y_mean, c @ X**2, spread, variation)
    is_scaled = not alpha and not are_alike(np.sqrt(spread))
    size = np.where(spread > 0, np.sqrt(spread), 1.0) if is_scaled else np.ones(d)
    Z /= size
    values, vectors = np.linalg.eigh(Z @ Z.T)
    start = Z.T @ vectors
    lengths = np.linalg.norm(start, axis=0)
    start, lengths, values = (
        part[..., lengths > d * EPS * lengths.max()] for part in (start, lengths, values)
    )
    start = start / size[:, None] / lengths**2
    is_known = values > RESOLVED * values.max(initial=0)
    directions = Directions(start[:, is_known], start[:, ~is_known], np.zeros((d, 0)))
    fit = _solve(Problem.of(rows, moments, alpha), directions, is_scaled=is_scaled)
    return replace(fit, rank=d) if alpha else fit


def _solve(
    problem: Problem, directions: Directions, is_tame: bool = False, is_scaled: bool = False
) -> LeastSquaresFit:
    """Return the solution, given directions of the weights in the user's units to begin with.

    Args:
        problem: what to solve.
        directions: independent ones.
        is_tame: whether products with them lose few digits in float64.
        is_scaled: whether the norm that is least is that in units of the columns' deviations.
    """
    d = problem.rows.n_features
    in_units = (
        part * problem.unit[:d, None] for part in (directions.known, directions.rest, directions.null)
    )
    coordinates = _without_null(problem, _orthogonal(problem, Directions(*in_units), is_tame))
    theta, rss, error, corrections = _refined(problem, coordinates)
    weight, bias, lost = _stored(problem, theta)
    T, inverse = coordinates.T, np.zeros((d + 1, d + 1))
    p = len(T)
    inverse[:p, :p] = T @ np.linalg.inv(coordinates.gram) @ T.T
    inverse[:p, :p] /= np.outer(problem.unit, problem.unit)
    return LeastSquaresFit(
        weight=weight.T,
        bias=bias,
        solver="direct",
        rank=T.shape[1] - (p - d),
        identified=_identified(problem, T[:d], is_scaled),
        inverse=inverse,
        rss=rss + lost,
        tss=problem.moments.variation,
        rounding=problem.moments.rounding_of(weight, bias),
        error=error,
        corrections=corrections,
    )


def _orthogonal(problem: Problem, directions: Directions, is_tame: bool) -> Coordinates:
    """Return coordinates in which the features are nearly orthonormal, without directions that rounding could make.

    What is known is taken away from the rest. Eigenvectors of what is left show which directions of it are shorter than
    they seemed; stretched, these show in the next Gram matrix with all their digits.
    """
    known, rest, null = directions.known, directions.rest, directions.null
    squares = problem.moments.squares / problem.unit[: len(known)] ** 2
    for _ in range(MOST_CHANGES):
        T = problem.with_bias(np.concatenate([known, rest], axis=1))
        is_small = len(problem.rows) * T.size <= MOST_EXACT
        gram, cross = problem.products(T, not is_tame and (is_small or rest.size > 0))
        if not rest.shape[1]:
            break
        k = known.shape[1]
        new = slice(k, k + rest.shape[1])
        old = np.r_[0:k, new.stop : T.shape[1]]
        share = np.linalg.solve(gram[np.ix_(old, old)], gram[old, new])
        values, vectors = np.linalg.eigh(gram[new, new] - gram[new, old] @ share)
        # Both are differences: where nearly all is taken away, what is left is rounding.
        least = np.maximum(
            CANCELLED * ((gram[new, new] @ vectors) * vectors).sum(axis=0), RESOLVED * values[-1]
        )
        before, rest = squares @ (rest @ vectors) ** 2, (rest - known @ share[:k]) @ vectors
        after = squares @ rest**2
        is_new = after > CANCELLED**2 * before
        is_real = values > (ROUNDINGS * EPS) ** 2 * after
        is_known = values > least
        null = np.c_[null, rest[:, is_new & ~is_real]]
        rest /= np.sqrt(np.maximum(np.maximum(values, least), np.finfo(float).tiny))
        known = np.c_[known, rest[:, is_new & is_real & is_known]]
        rest = rest[:, is_new & is_real & ~is_known]
    return Coordinates(T, gram, cross, null, is_tame)


def _without_null(problem: Problem, coordinates: Coordinates) -> Coordinates:
    """Return the coordinates with directions that have no part in those that change no prediction."""
    T, null, d = coordinates.T, coordinates.null, problem.rows.n_features
    if not null.shape[1]:
        return coordinates
    unit = problem.unit[:d, None]
    basis = linalg.qr(null / unit / np.linalg.norm(null / unit, axis=0), mode="economic")[0]
    weights = T[:d] / unit
    weights = (weights - basis @ (basis.T @ weights)) * unit
    if len(T) == d:
        return replace(coordinates, T=weights)
    return replace(coordinates, T=np.r_[weights, T[d:] + problem.moments.mean @ ((T[:d] - weights) / unit)])


def _refined(problem: Problem, coordinates: Coordinates) -> tuple[DoubleDouble, Array, float, int]:
    """Return θ (p, q), its residuals' squares (q,), its relative error and the number of corrections."""
    inverse = np.linalg.inv(coordinates.gram)
    u = inverse @ coordinates.cross
    theta, previous, rate, corrections = coordinates.times(u), 1.0, 1.0, 0
    while corrections < MOST_CORRECTIONS:
        gradient, rss = problem.gradient(theta)
        slope = down = coordinates.transposed_times(gradient)
        if problem.penalty.any():
            down = coordinates.transposed_times(gradient - theta * problem.penalty[:, None])
        step = inverse @ down
        size = _relative_size(step, u, rss, problem.moments.n is not None)
        if not size < previous / 2:  # as good as it gets
            break
        rate, previous, corrections = size / previous, size, corrections + 1
        theta, u = theta + coordinates.times(step), u + step
        rss = np.maximum(rss - (step * (2 * slope - down)).sum(axis=0), 0)
        if size * rate <= NEGLIGIBLE:
            break
    return theta, rss, previous * rate, corrections


def _relative_size(step: Array, u: Array, rss: Array, has_bias: bool) -> float:
    """Return the largest size of a step (r, q) as a share of what a target varies by, or of its rounding errors."""
    variation = (u[: len(u) - has_bias] ** 2).sum(axis=0) + rss
    rounding = (FLOOR**2) * (u**2).sum(axis=0)
    scale = np.sqrt(np.maximum(np.maximum(variation, rounding), np.finfo(float).tiny))
    return float((np.linalg.norm(step, axis=0) / scale).max(initial=0))


def _stored(problem: Problem, theta: DoubleDouble) -> tuple[Array, Array, Array]:
    """Return W (d, q) and b (q,) rounded, and what the rounding adds to the residuals' squares (q,).

    Of the rounding errors of the weights, what they have in common is what they do to the prediction of the means.
    """
    d, moments = problem.rows.n_features, problem.moments
    exact = _scaled(theta, 1 / problem.unit[:, None])
    stored = exact.rounded()
    change = (exact - stored).rounded()
    lost = moments.spread @ change[:d] ** 2
    if moments.n is None:
        return stored, np.zeros(stored.shape[1]), lost
    return stored[:d], stored[d], lost + moments.n * (change[d] + moments.mean @ change[:d]) ** 2


def _identified(problem: Problem, T: Array, is_scaled: bool) -> NDArray[np.bool_]:
    """Return which weights, and last the bias, are determined: combinations of the rows, whose span T (d, r) gives."""
    d, moments = len(T), problem.moments
    has_bias = moments.n is not None
    if T.shape[1] - has_bias == d:
        return np.ones(d + 1, bool)
    size = np.sqrt(np.where(moments.spread > 0, moments.spread, moments.squares))
    size = np.where(size > 0, size, 1.0)
    span = T[:, : T.shape[1] - has_bias] / problem.unit[:d, None]
    Q = linalg.qr(span * size[:, None] if is_scaled else span / size[:, None], mode="economic")[0]
    mean = moments.mean / size
    functionals = np.c_[np.eye(d), mean / max(float(np.linalg.norm(mean)), np.finfo(float).tiny)]
    rest = functionals - Q @ (Q.T @ functionals)
    return np.asarray(np.linalg.norm(rest, axis=0) <= IDENTIFIED)
