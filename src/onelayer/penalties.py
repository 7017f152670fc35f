"""Penalties that solvers add to a loss: what a large weight costs, in the user's units."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Ridge:
    """½ Σⱼ λⱼ Σₖ Wₖⱼ².

    Attributes:
        strength: λ, not negative: a number, or one for each column (d,).
    """

    strength: float | Array

    def value(self, weight: Array) -> float:
        """Return the penalty of W (k, d)."""
        return 0.5 * float(np.square(np.sqrt(self.strength) * weight).sum())

    def columns(self, d: int) -> Array:
        """Return λ of each of d columns (d,)."""
        return np.broadcast_to(np.asarray(self.strength, np.float64), d)

    def times_power(self, exponent: int) -> "Ridge":
        """Return the penalty times 2^exponent."""
        with np.errstate(over="ignore", under="ignore"):
            return Ridge(np.ldexp(self.strength, exponent))
