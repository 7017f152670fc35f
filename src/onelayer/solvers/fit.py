"""What a solver has found."""

from dataclasses import dataclass, field
from typing import Any

from numpy.typing import NDArray

Array = NDArray[Any]


@dataclass(frozen=True)
class Fit:
    """The minimum of Σᵢ cᵢ ℓ(W xᵢ + b, yᵢ) + penalty(W), or how near a solver came.

    Attributes:
        weight: W (k, d), for the user's features.
        bias: b (k,).
        objective: the value at W and b as they are stored.
        gap: an upper bound on how far that is above the minimum.
        history: the value before each step and at the end.
        converged: whether the gap is as small as it was to be.
        solver: "newton" or "lbfgs".
        is_exhausted: whether the steps were used up.
        is_unbounded: whether there is no finite minimum: nothing is penalised, and the data are separable.
    """

    weight: Array
    bias: Array
    objective: float
    gap: float
    history: list[float] = field(repr=False)
    converged: bool
    solver: str
    is_exhausted: bool = False
    is_unbounded: bool = False


@dataclass
class Found:
    """Where an iteration has ended.

    Attributes:
        candidates: weights (k, p) for standardised columns, the last ones those that F is known of.
        lower: a lower bound on the minimum.
        history: F before each step and at the end.
        is_exhausted: whether the steps were used up.
    """

    candidates: list[Array]
    lower: float
    history: list[float]
    is_exhausted: bool
