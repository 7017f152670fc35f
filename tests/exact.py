"""Least squares in rational arithmetic, which rounds nothing: what tests hold the solvers against.

Every float64 is an integer times a power of two, so the normal equations of stored numbers have integer coefficients,
and elimination without fractions (Bareiss 1968) solves them exactly. It takes milliseconds for 100 × 8, and about a
second for 300 × 30.
"""

import math
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property

import numpy as np

UNIT = 2.0**-53  # the largest relative error of rounding to float64
PRIMES = (2**31 - 1, 2**31 - 19)  # products of two residues fit in int64


def as_integers(values):
    """Return integers of any size, and the exponent E for which values = integers · 2^E, exactly."""
    values = np.asarray(values, np.float64)
    if not np.isfinite(values).all():
        raise ValueError("exact arithmetic is for finite numbers")
    fractions, exponents = np.frexp(values)
    mantissas = (fractions * 2.0**53).astype(np.int64)
    is_zero = mantissas == 0
    low_bits = np.where(is_zero, 1, mantissas & -mantissas)
    trailing = np.log2(low_bits.astype(np.float64)).astype(np.int64)
    exponents = exponents.astype(np.int64) - 53 + trailing
    common = int(exponents[~is_zero].min()) if not is_zero.all() else 0
    shifts = np.where(is_zero, 0, exponents - common)
    return (mantissas >> trailing).astype(object) << shifts.astype(object), common


def power_of_two(exponent):
    return Fraction(2**exponent) if exponent >= 0 else Fraction(1, 2**-exponent)


def independent_rows(rows):
    """Return the indices of a largest set of linearly independent rows of an integer matrix.

    Elimination is modulo a prime: rows that are independent there are independent, and the converse fails for one
    prime in about a thousand million. The larger of two answers is taken.
    """
    return max((_independent_rows(rows, prime) for prime in PRIMES), key=len)


def _independent_rows(rows, prime):
    left, indices, found = (rows % prime).astype(np.int64), np.arange(len(rows)), []
    for column in range(rows.shape[1]):
        candidates = np.flatnonzero(left[:, column])
        if not len(candidates):
            continue
        pivot = candidates[0]
        found.append(int(indices[pivot]))
        row = left[pivot]
        left, indices = np.delete(left, pivot, axis=0), np.delete(indices, pivot)
        factors = left[:, column] * pow(int(row[column]), -1, prime) % prime
        left = (left - factors[:, None] * row % prime) % prime
    return sorted(found)


def solve(matrix, right):
    """Return integers z and a denominator: matrix · z / denominator = right, for a positive definite matrix."""
    both, previous = np.column_stack([matrix, right]), 1
    for k in range(len(both)):
        pivot = both[k, k]
        others = np.arange(len(both)) != k
        both[others] = (both[others] * pivot - np.outer(both[others, k], both[k])) // previous
        previous = pivot
    return both[:, -1], previous


@dataclass(frozen=True)
class Exact:
    """The minimiser of Σ cᵢ (yᵢ − w·xᵢ − b)² + alpha ‖w‖² for stored numbers; that of least ‖w‖ if there are many.

    Attributes:
        X: features (n, d), any float type.
        y: targets (n,).
        c: weights (n,), not negative; None for 1.
        alpha: the penalty on w.
        fit_intercept: whether b is free; else it is 0.
    """

    X: np.ndarray
    y: np.ndarray
    c: np.ndarray | None = None
    alpha: float = 0.0
    fit_intercept: bool = True

    @cached_property
    def _used(self):
        return np.ones(len(self.y), bool) if self.c is None else np.asarray(self.c) > 0

    @cached_property
    def _integers(self):
        """(X, y, c) as integers and the exponents of each, without the rows that have no weight."""
        c = np.ones(len(self.y)) if self.c is None else self.c
        return [as_integers(np.asarray(part)[self._used]) for part in (self.X, self.y, c)]

    @cached_property
    def _row_space(self):
        """Independent rows, centred on the first one if there is an intercept, that span all of them."""
        (X, _), *_ = self._integers
        rows = X - X[0] if self.fit_intercept else X
        return rows[independent_rows(rows)]

    @property
    def rank(self):
        """The rank of the features, centred if there is an intercept."""
        return len(self._row_space)

    @cached_property
    def _solution(self):
        (X, x_exponent), (y, y_exponent), (c, c_exponent) = self._integers
        d = X.shape[1]
        basis = np.eye(d, dtype=int).astype(object) if self.alpha or self.rank == d else self._row_space
        V = X @ basis.T
        gram, cross, square, total = (V * c[:, None]).T @ V, V.T @ (c * y), (c * y) @ y, 1
        if self.fit_intercept:
            total, x_sum, y_sum = c.sum(), V.T @ c, c @ y
            gram = total * gram - np.outer(x_sum, x_sum)
            cross, square = total * cross - x_sum * y_sum, total * square - y_sum**2
        penalty = Fraction(float(self.alpha)) * total * power_of_two(-2 * x_exponent - c_exponent)
        gram = gram * penalty.denominator + np.eye(len(gram), dtype=int).astype(object) * penalty.numerator
        z, denominator = solve(gram, cross * penalty.denominator)
        least = Fraction(square * denominator - z @ cross, total * denominator)
        unit = power_of_two(y_exponent - x_exponent)
        weight = [Fraction(w, denominator) * unit for w in basis.T @ z]
        return weight, least * power_of_two(2 * y_exponent + c_exponent)

    @property
    def weight(self):
        """The weights w, d fractions."""
        return self._solution[0]

    @property
    def objective(self):
        """The minimum, a fraction; without a penalty the least residual sum of squares."""
        return self._solution[1]

    @cached_property
    def bias(self):
        """The intercept b, a fraction."""
        if not self.fit_intercept:
            return Fraction(0)
        (X, x_exponent), (y, y_exponent), (c, _) = self._integers
        means = [Fraction(m, c.sum()) * power_of_two(x_exponent) for m in X.T @ c]
        return Fraction(c @ y, c.sum()) * power_of_two(y_exponent) - sum(
            m * w for m, w in zip(means, self.weight, strict=True)
        )

    @cached_property
    def total_sum(self):
        """Σ c (y − ȳ)², without an intercept Σ c y², as a fraction."""
        _, (y, y_exponent), (c, c_exponent) = self._integers
        centre = Fraction((c @ y) ** 2, c.sum()) if self.fit_intercept else 0
        return ((c * y) @ y - centre) * power_of_two(2 * y_exponent + c_exponent)

    def residual_sum(self, weight, bias):
        """Return Σ c (y − w·x − b)² of stored weights (d,) and a stored bias, as a fraction."""
        (X, x_exponent), (y, y_exponent), (c, c_exponent) = self._integers
        (w, w_exponent), (b, b_exponent) = as_integers(weight), as_integers([bias])
        lowest = min(y_exponent, x_exponent + w_exponent, b_exponent)
        fitted = (X @ w) * 2 ** (x_exponent + w_exponent - lowest) + b[0] * 2 ** (b_exponent - lowest)
        residuals = y * 2 ** (y_exponent - lowest) - fitted
        return Fraction((residuals * c) @ residuals) * power_of_two(2 * lowest + c_exponent)

    def rounded(self, dtype=np.float64):
        """Return the weights (d,) and the bias as they are stored."""
        weight = np.array([float(w) for w in self.weight], np.float64).reshape(self.X.shape[1])
        return weight.astype(dtype), dtype(float(self.bias))

    def storing_cost(self, weight_unit=UNIT, bias_unit=UNIT):
        """Return the most that rounding w and b to a relative unit each adds to the residual sum, as a fraction.

        At the minimum the gradient is 0, so an error (δ, β) of the coefficients adds Σ c (δ·x + β)² exactly, and
        rounding makes |δⱼ| ≤ unit |wⱼ| and |β| ≤ unit |b|. What underflows when it is stored is not counted.
        """
        weight, bias = self.rounded()
        X = np.abs(np.asarray(self.X, np.float64)[self._used])
        errors = weight_unit * (X @ np.abs(weight)) + bias_unit * abs(float(bias))
        _, _, (c, c_exponent) = self._integers
        squares = [Fraction(float(e)) ** 2 * int(k) for e, k in zip(errors, c, strict=True)]
        return sum(squares) * power_of_two(c_exponent)

    # How well the stored numbers determine the solution

    @cached_property
    def centred(self):
        """Features (n', d) and targets (n',) less their means, and √c: float64, each rounded once.

        The rows are those that have a weight, the means are 0 without an intercept, and the largest c counts as 1.
        """
        (X, x_exponent), (y, y_exponent), (c, _) = self._integers
        X, y, total = X.reshape(len(c), -1), y[:, None], 1
        if self.fit_intercept:
            total = c.sum()
            X, y = (values * total - c @ values for values in (X, y))
        root = np.sqrt(np.array([k / max(c) for k in c], float))
        return _quotients(X, total, x_exponent), _quotients(y, total, y_exponent)[:, 0], root

    @cached_property
    def lengths(self):
        """How far each column (d,) is from its mean, or without an intercept from 0: its length, weighted."""
        X, _, root = self.centred
        return column_lengths(root[:, None] * X)

    @cached_property
    def _directions(self):
        """Left singular vectors and singular values, as many as the rank, of the columns scaled to length 1."""
        X, _, root = self.centred
        scaled = root[:, None] * X / np.where(self.lengths > 0, self.lengths, 1)
        left, values, _ = np.linalg.svd(scaled, full_matrices=False)
        return left[:, : self.rank], values[: self.rank]

    @property
    def singular_values(self):
        """Singular values of the centred columns, scaled to length 1, as many as the exact rank."""
        return self._directions[1]

    @cached_property
    def rounding(self):
        """How far storing X in float64 may move the scaled columns: the Frobenius norm of 2⁻⁵³ |x|, scaled."""
        *_, root = self.centred
        plain = column_lengths(root[:, None] * np.asarray(self.X, np.float64)[self._used])
        varies = self.lengths > 0
        return UNIT * float(np.linalg.norm(plain[varies] / self.lengths[varies]))

    @property
    def noise(self):
        """The singular value up to which rounding may have made a direction.

        It is four times the rounding: twice, for columns may come from an operation, which rounds as well; and again
        twice, for singular values are themselves right to a few 1e-16 only.
        """
        return 4 * self.rounding

    @property
    def depends_by_rounding(self):
        """Whether columns that are independent as stored may not be after a change within their rounding."""
        return bool(self.rank) and float(self.singular_values[-1]) <= self.noise

    @cached_property
    def sensitivity(self):
        """The relative change of the scaled weights that a change of X by its rounding can cause (first order)."""
        scaled_weight = float(np.linalg.norm(self.rounded()[0] * self.lengths))
        if not self.rank or scaled_weight == 0:
            return math.inf
        smallest = float(self.singular_values[-1])
        residual = math.sqrt(self.objective / self._largest_weight)
        return self.rounding * (1 / smallest + residual / scaled_weight / smallest**2)

    def truncated_sum(self, tolerance):
        """Return the residual sum, to float64, without directions of singular values up to a tolerance; a fraction."""
        _, y, root = self.centred
        left, values = self._directions
        left, target = left[:, values > tolerance], root * y
        rest = target - left @ (left.T @ target)
        return Fraction(float(rest @ rest)) * self._largest_weight

    @property
    def _largest_weight(self):
        *_, (c, c_exponent) = self._integers
        return int(max(c)) * power_of_two(c_exponent)


def _quotients(integers, divisor, exponent):
    """Return integers / divisor · 2^exponent as float64, each rounded once."""
    up, down = 2 ** max(exponent, 0), divisor * 2 ** max(-exponent, 0)
    return np.array([[v * up / down for v in row] for row in integers.tolist()], float).reshape(
        integers.shape
    )


def column_lengths(columns):
    """Return the Euclidean norms (d,) of columns (n, d), whose squares may overflow or vanish."""
    largest = np.abs(columns).max(axis=0, initial=0)
    return largest * np.linalg.norm(columns / np.where(largest > 0, largest, 1), axis=0)
