"""What solvers return: the weights of a minimum, and what each kind of solver knows of them besides."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from onelayer.double_double import EPS
from onelayer.solvers.inverse import Inverse

Array = NDArray[np.float64]

# Told of each step, with what gives W and b where it has ended, in the user's units; returns whether to stop there.
Watch = Callable[[Callable[[], tuple[Array, Array]]], bool]


@dataclass(frozen=True)
class Fit:
    """The weights and the bias at a minimum, or as near as a solver came.

    Attributes:
        weight: W (q, d), for the user's features.
        bias: b (q,).
        solver: the name of the one that was used.
    """

    weight: Array
    bias: Array
    solver: str


@dataclass(frozen=True)
class LeastSquaresFit(Fit):
    """The minimum of Σᵢ cᵢ ‖yᵢ − W xᵢ − b‖² + alpha ‖W‖², and what its statistics need.

    The solver is "direct", or "conjugate gradients" or "lsmr" for many sparse features.

    Attributes:
        rank: of the centred features, below d if they are linearly dependent; None if it was not found.
        identified: (d + 1,) which weights, and last the bias, the data determine although features are dependent.
        inverse: that of [X 1]ᵀC[X 1] + alpha on what is determined; None if it was not found.
        rss: Σ cᵢ rᵢ² of each target's residuals with these weights (q,).
        tss: Σ cᵢ (yᵢ − ȳ)² of each target (q,), 0 where it is rounding; without an intercept Σ cᵢ yᵢ².
        rounding: the residuals' squares (q,) that rounding the weights, the bias and the targets may cause.
        error: how far, relatively, the solution may be from the exact one of the stored numbers.
        sensitivity: how far, relatively, rounding of the stored numbers themselves may move it; NaN if not found.
        exponent: inverse and sums are for weights times 2^(−exponent), lest they overflow.
        corrections: how many passes corrected the solution; of many sparse features the iterations.
    """

    rank: int | None
    identified: NDArray[np.bool_]
    inverse: Inverse | None = field(repr=False)
    rss: Array
    tss: Array
    rounding: Array
    error: float
    sensitivity: float
    corrections: int
    exponent: int = 0

    def sigma(self, degrees: int) -> Array:
        """Return the estimate of the noise's standard deviation (q,), given the degrees of freedom."""
        return np.ldexp(np.sqrt(np.ldexp(self.rss / degrees, self.exponent % 2)), self.exponent // 2)

    def std_err(self, degrees: int) -> Array:
        """Return the standard errors of the weights and the bias (q, d + 1); NaN where they are not determined."""
        if self.inverse is None:
            return np.full((len(self.weight), len(self.identified)), np.nan)
        errors = np.sqrt((self.rss / degrees)[:, None] * self.inverse.variances())
        errors[:, ~self.identified] = np.nan
        return errors


@dataclass(frozen=True, kw_only=True)
class ElasticNetFit(LeastSquaresFit):
    """The minimum of Σᵢ cᵢ ‖yᵢ − W xᵢ − b‖² + 2 penalty(W), of each target on its own.

    The solver is "coordinate descent"; ``error`` is left to ``gap``.

    Attributes:
        objective: the value (q,) at W and b as they are stored.
        gap: an upper bound (q,) on how far that is above the minimum.
        n_iter: the numbers of sweeps (q,) over columns.
        converged: whether a gap is as small as it was to be (q,).
    """

    objective: Array
    gap: Array
    n_iter: NDArray[np.int_]
    converged: NDArray[np.bool_]


@dataclass(frozen=True)
class Minimum(Fit):
    """The minimum of Σᵢ cᵢ ℓ(W xᵢ + b, yᵢ) + penalty(W), with a bound on how far from it the solver may be.

    The solver is "newton", "lbfgs" or "newton-cg", or "proximal" for an elastic net.

    Attributes:
        objective: the value at W and b as they are stored.
        gap: an upper bound on how far that is above the minimum.
        history: the value before each step and at the end.
        converged: whether the gap is as small as it was to be.
        is_exhausted: whether the steps were used up.
        is_unbounded: whether there is no finite minimum: nothing is penalised, and the data are separable.
        is_stopped: whether who watches the steps has ended them.
    """

    objective: float
    gap: float
    history: list[float] = field(repr=False)
    converged: bool
    is_exhausted: bool = False
    is_unbounded: bool = False
    is_stopped: bool = False

    def times_power(self, exponent: int) -> "Minimum":
        """Return the fit of the same rows with weights and penalty times 2^exponent; values may become infinite."""
        with np.errstate(over="ignore", under="ignore"):
            values = np.ldexp([self.objective, self.gap, *self.history], exponent).tolist()
        return replace(self, objective=values[0], gap=values[1], history=values[2:])


@dataclass
class Found:
    """Where an iteration has ended.

    Attributes:
        candidates: weights (k, p) for standardised columns, the last ones those that F is known of.
        lower: a lower bound on the minimum.
        history: F before each step and at the end.
        is_exhausted: whether the steps were used up.
        first: F at V = 0.
        is_stopped: whether who watches the steps has ended them.
    """

    candidates: list[Array]
    lower: float
    history: list[float]
    is_exhausted: bool
    first: float
    is_stopped: bool = False

    def minimum(
        self,
        weight: Array,
        bias: Array,
        value: float,
        gap: float,
        *,
        tol: float,
        solver: str,
        is_unbounded: bool,
    ) -> Minimum:
        """Return the minimum of this value and gap, at weights and bias as they are stored."""
        # A gap that is rounding beside the loss of a model that knows nothing is no gap, however small F itself is.
        is_small = gap <= tol * value or gap <= EPS * self.first
        return Minimum(
            weight=weight,
            bias=bias,
            objective=value,
            gap=gap,
            history=self.history,
            converged=is_small and not is_unbounded,
            solver=solver,
            is_exhausted=self.is_exhausted,
            is_unbounded=is_unbounded,
            is_stopped=self.is_stopped,
        )
