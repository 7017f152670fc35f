"""Penalties that solvers add to a loss: what a large weight costs, in the user's units."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import OneLayerError

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


@dataclass(frozen=True, eq=False)
class ElasticNet:
    """Σⱼ l1ⱼ ‖W·ⱼ‖ + ½ Σⱼ l2ⱼ ‖W·ⱼ‖₂², infinite where a weight is not between lowerⱼ and upperⱼ.

    The first norm is ‖·‖₁, which leaves out single weights, or if ``is_grouped`` ‖·‖₂, which leaves out a column for
    all outputs (Zou and Hastie 2005; Yuan and Lin 2006). Attributes are a number each, or one for each column (d,).

    Attributes:
        l1, l2: strengths, not negative.
        lower, upper: bounds of each weight, which may be infinite, and need not be on both sides of 0.
        is_grouped: whether a column is left out for all outputs or for none.

    Raises:
        OneLayerError: if a strength is negative or not finite, a lower bound is above the upper one, no finite number
            is between them, or there are bounds in groups.
    """

    l1: float | Array
    l2: float | Array = 0.0
    lower: float | Array = -np.inf
    upper: float | Array = np.inf
    is_grouped: bool = False

    def __post_init__(self) -> None:
        for name in ("l1", "l2"):
            if not (np.isfinite(getattr(self, name)) & (np.asarray(getattr(self, name)) >= 0)).all():
                raise OneLayerError(f"the penalty {name} must be finite and not negative")
        lower, upper = np.asarray(self.lower), np.asarray(self.upper)
        if not ((lower <= upper) & (lower < np.inf) & (upper > -np.inf)).all():
            raise OneLayerError("bounds of weights must leave numbers between them: lower is above upper")
        if self.is_grouped and self.has_bounds:
            raise OneLayerError("weights in groups have no bounds: leave out the bounds, or the groups")

    @property
    def has_bounds(self) -> bool:
        """Whether any weight is bounded."""
        return bool(np.isfinite(self.lower).any() or np.isfinite(self.upper).any())

    def columns(self, d: int) -> "ElasticNet":
        """Return the same with all numbers written out for each of d columns."""
        return self._each(lambda part: np.broadcast_to(np.asarray(part, np.float64), d))

    def in_units(self, scale: Array) -> "ElasticNet":
        """Return the same penalty as one of V = W · scale (k, d): of columns divided by their scales (d,)."""
        with np.errstate(invalid="ignore", over="ignore"):
            lower, upper = (
                np.where(np.isfinite(part), part * scale, part) for part in (self.lower, self.upper)
            )
            return ElasticNet(self.l1 / scale, self.l2 / scale / scale, lower, upper, self.is_grouped)

    def arrays(self) -> tuple[Array, Array, Array, Array]:
        """Return l1, l2, lower and upper, once they are written out, each as float64 that lies in one piece."""
        parts = [
            np.ascontiguousarray(part, np.float64) for part in (self.l1, self.l2, self.lower, self.upper)
        ]
        return parts[0], parts[1], parts[2], parts[3]

    def take(self, index: Any) -> "ElasticNet":
        """Return the penalty of some of the columns, once it is written out for each."""
        return self._each(lambda part: part[index])

    def times_power(self, exponent: int) -> "ElasticNet":
        """Return the penalty times 2^exponent; bounds stay."""
        with np.errstate(over="ignore", under="ignore"):
            l1, l2 = np.ldexp(self.l1, exponent), np.ldexp(self.l2, exponent)
        return ElasticNet(l1, l2, self.lower, self.upper, self.is_grouped)

    def value(self, weight: Array) -> float:
        """Return the penalty of W (k, d)."""
        if ((weight < self.lower) | (weight > self.upper)).any():
            return np.inf
        return float((self.l1 * self.norms(weight)).sum()) + Ridge(self.l2).value(weight)

    def step(self, weight: Array, rate: float | Array = 1.0) -> Array:
        """Return the proximal step: the V (k, d) of least Σⱼ ‖V·ⱼ − W·ⱼ‖² / 2 rateⱼ + penalty(V)."""
        lengths = self.norms(weight)
        with np.errstate(invalid="ignore", divide="ignore"):
            kept = np.where(lengths > 0, np.maximum(1 - rate * np.asarray(self.l1) / lengths, 0), 0.0)
        return np.clip(weight * kept / (1 + rate * np.asarray(self.l2)), self.lower, self.upper)

    def conjugate(self, slope: Array) -> Array:
        """Return the largest Σₖ Uₖⱼ Wₖⱼ − penaltyⱼ(W·ⱼ) of any W·ⱼ, (d,), for slopes U (k, d).

        It is infinite beyond l1 where neither l2 nor a bound holds the weight. It is the penalty's part of the dual:
        Σ ℓ(W xᵢ) + penalty(W) is at least −Σ ℓ*(−θᵢ) − Σⱼ conjugateⱼ(Σ θᵢ xᵢⱼ) for any θ.
        """
        found = self._unbounded(np.maximum(self.norms(slope) - self.l1, 0))
        if self.is_grouped:
            return found
        if not self.has_bounds:
            return np.asarray(found.sum(axis=0))
        # Where the best weight is beyond a bound, or nowhere finite, the best is at the bound.
        weight = self._best(slope)
        is_held = np.isfinite(weight) & ((weight <= self.lower) | (weight >= self.upper))
        weight = np.where(is_held, weight, 0)
        held = weight * slope - self.l1 * np.abs(weight) - np.square(weight) * self.l2 / 2
        return np.asarray(np.where(is_held, held, found).sum(axis=0))

    def excess(self, slope: Array) -> Array:
        """Return by how much slopes U (k, d) are beyond what l1 holds, ‖U·ⱼ‖ − l1ⱼ or 0: a column is out if it is 0.

        It is (k, d), or (d,) for groups; a side on which a weight may not leave 0 does not count.
        """
        if self.is_grouped:
            return np.maximum(self.norms(slope) - self.l1, 0)
        up = np.where(np.asarray(self.upper) > 0, slope - self.l1, 0)
        down = np.where(np.asarray(self.lower) < 0, -slope - self.l1, 0)
        return np.asarray(np.maximum(np.maximum(up, down), 0))

    def unheld(self, slope: Array) -> Array:
        """Return the part of ``excess`` that neither l2 nor a bound holds: the conjugate is infinite if it is not 0."""
        is_soft = np.asarray(self.l2) == 0
        if self.is_grouped:
            return np.where(is_soft, self.excess(slope), 0)
        up = np.where(is_soft & np.isinf(self.upper), slope - self.l1, 0)
        down = np.where(is_soft & np.isinf(self.lower), -slope - self.l1, 0)
        return np.asarray(np.maximum(np.maximum(up, down), 0))

    def _each(self, change: Callable[[Any], Array]) -> "ElasticNet":
        """Return the penalty with the same numbers in other places, which were checked once."""
        found = copy(self)
        for name in ("l1", "l2", "lower", "upper"):
            object.__setattr__(found, name, change(getattr(self, name)))
        return found

    def norms(self, weight: Array) -> Array:
        """Return what l1 counts of W (k, d): magnitudes, or in groups the lengths (d,) of columns."""
        return np.asarray(np.linalg.norm(weight, axis=0) if self.is_grouped else np.abs(weight))

    def _unbounded(self, beyond: Array) -> Array:
        """Return the conjugate where nothing is bounded, given by how much slopes are beyond l1."""
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            return np.where(beyond > 0, beyond / self.l2 * beyond / 2, 0.0)

    def _best(self, slope: Array) -> Array:
        """Return the weight at which the supremum of the conjugate is reached; infinite where it is nowhere."""
        beyond = np.sign(slope) * np.maximum(np.abs(slope) - self.l1, 0)
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            weight = np.where(beyond == 0, 0.0, beyond / self.l2)
        return np.clip(weight, self.lower, self.upper)
