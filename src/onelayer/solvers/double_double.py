"""Arithmetic in twice the working precision: about 32 digits, as the sum of two float64 values.

From error-free transformations of sums and products (Dekker 1971, *A floating-point technique for extending the
available precision*; Knuth, *The Art of Computer Programming* 2, section 4.2.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Union

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Operand = Union["DoubleDouble", Array]

SPLITTER = 2.0**27 + 1  # parts a float64 into two halves of 26 bits


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

    @classmethod
    def zeros(cls, *shape: int) -> "DoubleDouble":
        """Return an array of zeros."""
        return cls.of(np.zeros(shape))

    @classmethod
    def stack(cls, parts: "Sequence[DoubleDouble]") -> "DoubleDouble":
        """Return arrays of one shape as the columns of a new last axis."""
        return cls(np.stack([p.high for p in parts], axis=-1), np.stack([p.low for p in parts], axis=-1))

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
        return x[0] if len(x.high) else DoubleDouble.zeros(*x.high.shape[1:])

    def __getitem__(self, index: Any) -> "DoubleDouble":
        return DoubleDouble(self.high[index], self.low[index])

    def __neg__(self) -> "DoubleDouble":
        return DoubleDouble(-self.high, -self.low)

    def __add__(self, other: Operand) -> "DoubleDouble":
        high, low = (other.high, other.low) if isinstance(other, DoubleDouble) else (other, np.float64(0))
        total, error = two_sum(self.high, high)
        return _normalised(total, error + self.low + low)

    def __sub__(self, other: Operand) -> "DoubleDouble":
        return self + (-other)

    def __mul__(self, other: Operand) -> "DoubleDouble":
        high, low = (other.high, other.low) if isinstance(other, DoubleDouble) else (other, np.float64(0))
        product, error = two_product(self.high, high)
        return _normalised(product, error + self.low * high + self.high * low)

    def __truediv__(self, other: Array) -> "DoubleDouble":
        quotient = self.high / other
        rest = self - DoubleDouble(*two_product(quotient, other))
        return _normalised(quotient, rest.high / other)


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
