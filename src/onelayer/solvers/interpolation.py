"""Least squares that meets every target: as many columns as rows or a few more, of independent rows, and no penalty.

The weights of least norm are a combination of the centred rows, by a QR factor of their transpose (Golub and Van Loan
2013, *Matrix Computations*, section 5.6.2), and are corrected with residuals in twice the working precision. No other
coordinates are made, so it is a hundredth of the careful way's work; what is not clear here is left to that.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import lapack

from onelayer.data.rows import Block, Rows
from onelayer.double_double import EPS, DoubleDouble
from onelayer.engines.threads import sum_of
from onelayer.solvers.careful import stored
from onelayer.solvers.coordinates import MOST_EXACT, Problem, product, scaled
from onelayer.solvers.fit import LeastSquaresFit
from onelayer.solvers.inverse import IDENTIFIED
from onelayer.solvers.moments import ALIKE, Moments, are_alike, check_sums

Array = NDArray[np.float64]

CLEAR = 1e-8  # sensitivity up to which there is no doubt that rows are independent
MOST_CORRECTIONS = 5
ENOUGH = 2.0**-64  # error, relatively, of which rounding the weights leaves nothing
POWER_STEPS, POWER_VECTORS = 3, 4


def may_interpolate(rows: Rows, fit_intercept: bool) -> bool:
    """Return whether rows are dense, no more than the coefficients, and too many for the careful way to be quick."""
    n, d = rows.X.shape
    return not rows.is_sparse and n - fit_intercept <= d and n * n * d > MOST_EXACT


def interpolate(rows: Rows, fit_intercept: bool) -> LeastSquaresFit | None:
    """Return the solution, or None where it is for the careful way.

    That is so where rows are nearly dependent, columns differ much in size, or a target does not vary.
    """
    block = rows.gathered()
    if block.c is not None and not block.c.all():
        block = block.take(np.flatnonzero(block.c))
    if len(block) <= fit_intercept:
        return None
    Z = np.array(block.dense())
    with np.errstate(over="ignore", invalid="ignore"):
        moments, centre = _centre(Z, block, fit_intercept)
    check_sums(rows, moments.squares, moments.tss)
    if not (moments.variation.all() and are_alike(np.sqrt(moments.spread), ALIKE)):
        return None
    span = RowSpan.of(Z, centre)
    largest = math.sqrt(float(moments.squares.max()) / float(block.row_weights().mean()))
    sensitivity = EPS * largest * span.inverse_norm()
    return _corrected(rows, block, moments, span, sensitivity) if sensitivity <= CLEAR else None


def _centre(Z: Array, block: Block, fit_intercept: bool) -> tuple[Moments, Array | None]:
    """Take their means from the columns of Z (n, d), if there is an intercept; return the moments, and the means (d,).

    These are without the weights of rows, which those that are met exactly do not ask for.
    """
    c, n, d = block.row_weights(), float(block.row_weights().sum()), Z.shape[1]
    if not fit_intercept:
        squares, tss = np.einsum("i,ij,ij->j", c, Z, Z), c @ block.y**2
        return Moments(None, np.zeros(d), np.zeros(block.y.shape[1]), squares, squares, tss), None
    centre, y_mean = Z.mean(axis=0), c @ block.y / n
    Z -= centre
    shift = c @ Z / n
    mean, spread = centre + shift, np.maximum(np.einsum("i,ij,ij->j", c, Z, Z) - n * shift**2, 0)
    moments = Moments(n, mean, y_mean, spread + n * mean**2, spread, c @ (block.y - y_mean) ** 2)
    is_constant = np.sqrt(spread) <= 4 * moments.rounding
    Z[:, is_constant], spread[is_constant] = 0, 0
    return moments, centre


@dataclass(frozen=True, eq=False)
class RowSpan:
    """The span of m centred rows, by a QR factor of their transpose.

    Attributes:
        qr: (d, m) R, and below it the reflections that are Q, as LAPACK stores them.
        tau: (m,) of these.
        centre: (d,) what the rows are centred about; None if they are not.
    """

    qr: Array
    tau: Array
    centre: Array | None

    @staticmethod
    def of(Z: Array, centre: Array | None) -> "RowSpan":
        """Return the span of centred rows (n, d), which are overwritten."""
        rows = Z if centre is None else _without_mean(Z)
        work = int(lapack.dgeqrf_lwork(*rows.T.shape)[0])
        qr, tau, _, _ = lapack.dgeqrf(rows.T, lwork=work, overwrite_a=1)
        return RowSpan(qr, tau, centre)

    def inverse_norm(self) -> float:
        """Return the 2-norm of R⁻¹, nearly, by the power method; infinite if R has no inverse."""
        if not np.diagonal(self.qr).all():
            return math.inf
        vectors = np.random.default_rng(0).normal(size=(self.qr.shape[1], POWER_VECTORS))
        for _ in range(POWER_STEPS):
            vectors /= np.linalg.norm(vectors, axis=0)
            vectors = self._solved(self._solved(vectors, 1), 0)
        return math.sqrt(np.linalg.norm(vectors, axis=0).max())

    def meeting(self, targets: Array) -> Array:
        """Return the coefficients (p, q), the bias last, of the least weights whose outputs are these (n, q)."""
        if self.centre is None:
            return self._meeting(targets)
        mean = targets.mean(axis=0)
        weight = self._meeting(_without_mean(targets - mean))
        return np.concatenate([weight, (mean - self.centre @ weight)[None]])

    def _meeting(self, targets: Array) -> Array:
        u = self._solved(targets, 1)
        return self._turned(np.concatenate([u, np.zeros((len(self.qr) - len(u), u.shape[1]))]))

    def rest(self) -> Array:
        """Return an orthonormal basis (d, d − m) of the weights that change no prediction."""
        d, m = self.qr.shape
        return self._turned(np.eye(d, d - m, -m))

    def _solved(self, right: Array, is_transposed: int) -> Array:
        return np.asarray(lapack.dtrtrs(self.qr, right, trans=is_transposed)[0])

    def _turned(self, coordinates: Array) -> Array:
        """Return Q times coordinates (d, q)."""
        given = "L", "N", self.qr, self.tau, coordinates
        return np.asarray(lapack.dormqr(*given, int(lapack.dormqr(*given, -1)[1][0]))[0])


def _without_mean(Z: Array) -> Array:
    """Return centred columns (n, q) in coordinates (n − 1, q) at right angles to a column of ones; Z is overwritten.

    They are reflected so that the ones become a multiple of the first unit vector.
    """
    Z[1:] -= Z[0] / (math.sqrt(len(Z)) + 1)
    return Z[1:]


def _corrected(
    rows: Rows, block: Block, moments: Moments, span: RowSpan, sensitivity: float
) -> LeastSquaresFit | None:
    """Return the solution, corrected until a further correction would be lost to rounding; None if that is never.

    What changes no prediction is corrected likewise, as if its targets were 0, and then taken from the weights.
    """
    problem, rest = Problem.of(rows, moments, 0.0), span.rest()
    d, q, unit = rows.n_features, block.y.shape[1], problem.unit[:, None]
    whole = replace(block, y=np.concatenate([block.y, np.zeros((len(block), rest.shape[1]))], axis=1))
    start = np.concatenate([span.meeting(block.y - moments.y_mean)[:d], rest], axis=1)
    bias = np.pad(moments.y_mean, (0, rest.shape[1])) - moments.mean @ start
    theta = DoubleDouble.of(np.concatenate([start, bias[None]])[: len(unit)] * unit)
    length, previous = np.linalg.norm(start, axis=0), 1.0
    for corrections in range(1, MOST_CORRECTIONS + 1):
        residuals = _residuals(problem, whole, theta)
        step = span.meeting(residuals)
        theta, size = theta + step * unit, float((np.linalg.norm(step[:d], axis=0) / length).max())
        rate, previous = size / previous, size
        if not size * rate <= ENOUGH:
            continue
        theta = _of_least_norm(theta[:, :q], theta[:, q:], problem.unit[:d])
        weight, bias, lost = stored(problem, theta)
        return LeastSquaresFit(
            weight=weight.T,
            bias=bias,
            solver="direct",
            rank=span.qr.shape[1],
            identified=_identified(rest, moments),
            inverse=None,  # no row is left to say how far the coefficients are off
            rss=block.row_weights() @ (rate * residuals[:, :q]) ** 2 + lost,
            tss=moments.variation,
            rounding=moments.rounding_of(weight, bias),
            error=size * rate,
            sensitivity=sensitivity,
            corrections=corrections,
        )
    return None


def _of_least_norm(theta: DoubleDouble, null: DoubleDouble, unit: Array) -> DoubleDouble:
    """Return coefficients (p, q) without their part in nearly orthonormal ones (p, k) that change no prediction."""
    d = len(unit)
    weights, directions = (scaled(part[:d], 1 / unit[:, None]) for part in (theta, null))
    for k in range(directions.high.shape[1]):
        share = (weights * directions[:, k : k + 1]).sum().rounded()
        theta = theta - null[:, k : k + 1] * share
    return theta


def _residuals(problem: Problem, block: Block, theta: DoubleDouble) -> Array:
    """Return what coefficients θ (p, q) leave of the targets (n, q), worked out in twice the working precision."""
    parts, rest = problem.parts(block), np.empty_like(block.y)

    def part_of(k: int) -> list[Array]:
        part = parts[k]
        start = part.start - block.start
        residuals = -product(problem.sliced(part), theta) + part.y
        rest[start : start + len(part)] = residuals.rounded()
        return []

    sum_of(part_of, range(len(parts)))
    return rest


def _identified(rest: Array, moments: Moments) -> NDArray[np.bool_]:
    """Return which weights, and last the bias, are the same whatever is added of the rest (d, k): (d + 1,)."""
    is_bias = np.linalg.norm(moments.mean @ rest) <= IDENTIFIED * np.linalg.norm(moments.mean)
    return np.append(np.square(rest).sum(axis=1) <= IDENTIFIED**2, is_bias)
