"""Coordinates for least squares in which the features are nearly orthonormal, whatever those of the user are.

In coordinates (w, b) = T u the features are B = [X 1]T. T is a matrix of float64 numbers and B is worked out in twice
the working precision, so nothing is lost by the change.

A direction in which the features vary by less than the rounding of their stored values tells nothing, and is left out.
What rounding amounts to follows from the columns as they are, before their means are taken away.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Block, Source
from onelayer.double_double import EPS, DoubleDouble, Sliced, slice_bits
from onelayer.engines.threads import added
from onelayer.solvers.moments import Moments

Array = NDArray[np.float64]

# The share of a column's square that has to be left when others are taken away, for its digits to count
CANCELLED = 1e-8
RESOLVED = 1e-12  # eigenvalue of a scaled Gram matrix above which some digits of it are right
MOST_CHANGES = 8  # of coordinates
CHANGED = 1e6  # growth of the features' squares up to which other coordinates lose no digits that count
MOST_EXACT = (
    2**24
)  # multiplications: up to here B is worked out in twice the working precision, unless T is tame
EXACT_VALUES = 2**16  # of [X 1] that are sliced at once


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

    def products(self, T: Array, is_exact: NDArray[np.bool_]) -> tuple[Array, Array]:
        """Return BᵀCB + TᵀPT (r, r) and BᵀCY (r, q) of B = [X 1]T.

        Columns that are to be exact (r,) are worked out in twice the working precision, the others in float64.
        """
        d = self.rows.n_features
        mean, directions = self.moments.mean / self.unit[:d], T[:d] / self.unit[:d, None]
        constant = T[d] + mean @ T[:d] if len(T) > d else np.zeros(T.shape[1])

        def terms(block: Block) -> list[Array]:
            sums = []
            for part in self.parts(block):
                B = np.empty((len(part), T.shape[1]))
                if is_exact.any():
                    B[:, is_exact] = product(self.sliced(part), T[:, is_exact]).rounded()
                if not is_exact.all():
                    Z = part.dense() - self.moments.mean
                    B[:, ~is_exact] = Z @ directions[:, ~is_exact] + constant[~is_exact]
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
                residuals = -product(sliced, theta) + part.y
                weighted = residuals if part.c is None else residuals * part.c[:, None]
                gradient = transposed_product(sliced, weighted)
                sums.append([gradient, (residuals.rounded() * weighted.rounded()).sum(axis=0)])
            return added(sums)

        gradient, rss = self.rows.sum(terms)
        return gradient, rss


def product(sliced: Sliced, right: DoubleDouble | Array) -> DoubleDouble:
    """Return the product (m, q) of a matrix (m, p) in slices with another one (p, q)."""
    scale = sliced.scale[:, None]
    other = Sliced.of(scaled(right, scale) if isinstance(right, DoubleDouble) else right * scale, sliced.bits)
    return scaled(sliced.times(other), other.scale)


def transposed_product(sliced: Sliced, right: DoubleDouble) -> DoubleDouble:
    """Return the product (p, q) of the transpose of a matrix (m, p) in slices with another one (m, q)."""
    other = Sliced.of(right, sliced.bits)
    return scaled(sliced.transposed_times(other), sliced.scale[:, None] * other.scale)


def scaled(values: DoubleDouble, powers: Array) -> DoubleDouble:
    """Return values multiplied by powers of two: without rounding."""
    return DoubleDouble(values.high * powers, values.low * powers)


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
        sensitivity: see ``LeastSquaresFit``.
    """

    T: Array
    gram: Array
    cross: Array
    null: Array
    is_tame: bool
    sensitivity: float

    def times(self, u: Array) -> DoubleDouble:
        """Return T u (p, q)."""
        return DoubleDouble.of(self.T @ u) if self.is_tame else product(self._sliced, u)

    def transposed_times(self, gradient: DoubleDouble) -> Array:
        """Return Tᵀg (r, q), rounded."""
        if self.is_tame:
            return np.asarray(self.T.T @ gradient.rounded())
        return transposed_product(self._sliced, gradient).rounded()

    @cached_property
    def inverse(self) -> Array:
        """The inverse of ``gram`` (r, r)."""
        return np.asarray(np.linalg.inv(self.gram))

    @cached_property
    def _sliced(self) -> Sliced:
        return Sliced.of(self.T, slice_bits(max(self.T.shape)))


def orthogonal(problem: Problem, directions: Directions, is_tame: bool) -> Coordinates:
    """Return coordinates in which the features are nearly orthonormal, without directions that rounding could make.

    What is known is taken away from the rest. Eigenvectors of what is left show which directions of it are shorter than
    they seemed; stretched, these show in the next Gram matrix with all their digits.
    """
    start, null = np.c_[directions.known, directions.rest], directions.null
    is_known = np.arange(start.shape[1]) < directions.known.shape[1]
    is_delicate = ~is_known  # made from differences that leave few digits
    squares = problem.moments.squares / problem.unit[: len(start)] ** 2
    for change in range(MOST_CHANGES):
        if change == MOST_CHANGES - 1:
            start, is_delicate, is_known = start[:, is_known], is_delicate[is_known], is_known[is_known]
        T = problem.with_bias(start)
        is_small = len(problem.rows) * T.size <= MOST_EXACT
        is_exact = np.zeros(T.shape[1], bool)
        is_exact[: len(is_delicate)] = is_delicate
        gram, cross = problem.products(T, is_exact | (is_small and not is_tame))
        is_known &= np.abs(_variances(gram, len(is_known)) - 1) < 0.5
        if is_known.all():
            break
        old = np.r_[np.flatnonzero(is_known), len(is_known) : T.shape[1]]
        new = np.flatnonzero(~is_known)
        share = np.linalg.solve(gram[np.ix_(old, old)], gram[np.ix_(old, new)])
        inner, known, rest = gram[np.ix_(new, new)], start[:, is_known], start[:, ~is_known]
        values, vectors = np.linalg.eigh(inner - gram[np.ix_(new, old)] @ share)
        # Both are differences: where nearly all is taken away, what is left is rounding.
        least = np.maximum(CANCELLED * ((inner @ vectors) * vectors).sum(axis=0), RESOLVED * values[-1])
        before, rest = squares @ (rest @ vectors) ** 2, (rest - known @ share[: known.shape[1]]) @ vectors
        after = squares @ rest**2
        is_new = after > CANCELLED**2 * before
        is_real = values > EPS**2 * after
        null = np.c_[null, rest[:, is_new & ~is_real]]
        rest /= np.sqrt(np.maximum(np.maximum(values, least), np.finfo(float).tiny))
        start = np.c_[known, rest[:, is_new & is_real]]
        is_delicate = np.r_[is_delicate[is_known], np.ones(start.shape[1] - known.shape[1], bool)]
        is_known = np.r_[np.ones(known.shape[1], bool), (values > least)[is_new & is_real]]
    lengths = np.sqrt(np.maximum(_variances(gram, len(is_known)), np.finfo(float).tiny))
    sensitivity = EPS * float((np.sqrt(squares @ start**2) / lengths).max(initial=0))
    return Coordinates(T, gram, cross, null, is_tame, sensitivity)


def _variances(gram: Array, r: int) -> Array:
    """Return the squares of the first r columns without their means: without their share in the bias, if it is free."""
    shares = gram[:r, r:] ** 2 / gram.diagonal()[r:]
    return np.asarray(gram.diagonal()[:r] - shares.sum(axis=1))


def without_null(problem: Problem, coordinates: Coordinates, is_scaled: bool) -> Coordinates:
    """Return the coordinates with directions that have no part in those that change no prediction.

    Weights are at right angles in the user's units, or if ``is_scaled`` in units of the columns' sizes. Where what is
    taken away, enlarged by how far it reaches, does change predictions, directions stay as they are.
    """
    null, d = coordinates.null, problem.rows.n_features
    if not null.shape[1]:
        return coordinates
    unit = np.ones((d, 1)) if is_scaled else problem.unit[:d, None]
    null = null / unit / np.linalg.norm(null / unit, axis=0)
    basis = np.linalg.qr(null)[0] if null.shape[1] > 1 else null
    weights = coordinates.T[:d, : coordinates.T.shape[1] - (len(coordinates.T) - d)] / unit
    T = problem.with_bias((weights - basis @ (basis.T @ weights)) * unit)
    gram, cross = problem.products(T, np.ones(T.shape[1], bool))
    before, after = (np.linalg.eigvalsh(matrix).max(initial=0) for matrix in (coordinates.gram, gram))
    if not after <= CHANGED * before:
        return coordinates
    return replace(coordinates, T=T, gram=gram, cross=cross)
