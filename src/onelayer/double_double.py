"""Arithmetic in twice the working precision: about 32 digits, as the sum of two float64 values.

Sums and products of numbers are error-free transformations (Dekker 1971, *A floating-point technique for extending the
available precision*; Knuth, *The Art of Computer Programming* 2, section 4.2.2). Products of matrices are sums of
products of slices, each of so few bits that a linear algebra library multiplies them without any rounding (Ozaki,
Ogita, Oishi and Rump 2012, *Error-free transformations of matrix multiplication by using fast routines of matrix
multiplication*): they take the time of ten ordinary products, and have the same bits whatever the library's order.
"""

import math
from dataclasses import dataclass
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Operand = Union["DoubleDouble", Array]

EPS = float(np.finfo(np.float64).eps)  # of the working precision
SPLITTER = 2.0**27 + 1  # parts a float64 into two halves of 26 bits
SLICES = 3


@dataclass(frozen=True)
class DoubleDouble:
    """An array whose elements are ``high + low``, with |low| at most half a unit in the last place of high.

    Sums and products are elementwise, with another one or with float64 values, and broadcast as NumPy's do.
    """

    high: Array
    low: Array

    __array_ufunc__ = None  # so that NumPy leaves array * DoubleDouble to us

    @classmethod
    def of(cls, values: Array) -> "DoubleDouble":
        """Return float64 values in twice their precision."""
        return cls(values, np.zeros_like(values))

    def rounded(self) -> Array:
        """Return the nearest float64 values."""
        return self.high + self.low

    def sum(self) -> "DoubleDouble":
        """Return the sum along the first axis, pairwise."""
        x = self
        while len(x.high) > 1:
            half = len(x.high) // 2
            odd = x[2 * half :]
            x = x[:half] + x[half : 2 * half]
            if len(odd.high):
                x = DoubleDouble(np.concatenate([x.high, odd.high]), np.concatenate([x.low, odd.low]))
        return x[0] if len(x.high) else DoubleDouble.of(np.zeros(x.high.shape[1:]))

    def __getitem__(self, index: Any) -> "DoubleDouble":
        return DoubleDouble(self.high[index], self.low[index])

    def __neg__(self) -> "DoubleDouble":
        return DoubleDouble(-self.high, -self.low)

    def __add__(self, other: Operand) -> "DoubleDouble":
        if isinstance(other, DoubleDouble):
            total, error = two_sum(self.high, other.high)
            return _normalised(total, error + self.low + other.low)
        total, error = two_sum(self.high, other)
        return _normalised(total, error + self.low)

    def __sub__(self, other: Operand) -> "DoubleDouble":
        return self + (-other)

    def __mul__(self, other: Operand) -> "DoubleDouble":
        if isinstance(other, DoubleDouble):
            product, error = two_product(self.high, other.high)
            return _normalised(product, error + self.low * other.high + self.high * other.low)
        product, error = two_product(self.high, other)
        return _normalised(product, error + self.low * other)


def two_sum(a: Array, b: Array) -> tuple[Array, Array]:
    """Return the rounded sum a + b and its rounding error, exactly."""
    total = a + b
    b_part = total - a
    return total, (a - (total - b_part)) + (b - b_part)


def two_product(a: Array, b: Array) -> tuple[Array, Array]:
    """Return the rounded product a · b and its rounding error, exactly unless it over- or underflows."""
    product = a * b
    a_high, a_low = _halves(a)
    b_high, b_low = _halves(b)
    return product, ((a_high * b_high - product) + a_high * b_low + a_low * b_high) + a_low * b_low


def _halves(a: Array) -> tuple[Array, Array]:
    shifted = SPLITTER * a
    high = shifted - (shifted - a)
    return high, a - high


def _normalised(high: Array, low: Array) -> DoubleDouble:
    total = high + low
    return DoubleDouble(total, low - (total - high))


# Products of matrices


@dataclass(frozen=True)
class Sliced:
    """A matrix (m, k) whose columns are scaled by powers of two to numbers up to 1, as slices of few bits.

    Attributes:
        whole: the scaled matrix, rounded.
        slices: its leading bits, the next ones, and so on.
        rests: what the first slice leaves, the first two, and so on, rounded.
        scale: (k,) what the columns were divided by.
        bits: of each slice.
    """

    whole: Array
    slices: list[Array]
    rests: list[Array]
    scale: Array
    bits: int

    @classmethod
    def of(cls, values: Operand, bits: int) -> "Sliced":
        """Return a matrix in slices of so many bits."""
        high = values.high if isinstance(values, DoubleDouble) else values
        scale = np.ldexp(1.0, np.frexp(np.abs(high).max(axis=0, initial=0))[1])
        whole = rest = high / scale
        low = values.low / scale if isinstance(values, DoubleDouble) else None
        slices, rests = [], []
        for k in range(1, SLICES + 1):
            shifter = 1.5 * 2.0 ** (52 - k * bits)
            slices.append((rest + shifter) - shifter)  # rounded to a multiple of 2^(−k · bits)
            rest = rest - slices[-1]
            if low is not None:
                rest, low = two_sum(rest, low)
            rests.append(rest)
        return cls(whole, slices, rests, scale, bits)

    def times(self, right: "Sliced") -> DoubleDouble:
        """Return the product with a matrix (k, q), both as they are scaled."""
        return _product(self.slices, self.rests[-1], right)

    def transposed_times(self, right: "Sliced") -> DoubleDouble:
        """Return the product of the transposed matrix (k, m) with a matrix (m, q), both as they are scaled."""
        return _product([part.T for part in self.slices], self.rests[-1].T, right)


def slice_bits(k: int) -> int:
    """Return how many bits slices may have so that sums of k products of two of them are exact."""
    return (53 - math.ceil(math.log2(SLICES * max(k, 1)))) // 2


def _product(slices: list[Array], rest: Array, right: Sliced) -> DoubleDouble:
    """Sum the products of slices by the order of their size; from order SLICES on, rounding is of no account."""
    q = right.whole.shape[1]
    orders: list[Array] = []
    for i, part in enumerate(slices):
        count = SLICES - i
        products = part @ np.concatenate([*right.slices[:count], right.rests[count - 1]], axis=1)
        blocks = [products[:, j * q : (j + 1) * q] for j in range(count + 1)]
        if not i:
            orders = blocks
            continue
        for j, block in enumerate(blocks):
            orders[i + j] = orders[i + j] + block
    orders[-1] = orders[-1] + rest @ right.whole
    total, errors = orders[0], np.zeros(1)
    for order in orders[1:]:
        total, error = two_sum(total, order)
        errors = errors + error
    return _normalised(total, errors)
