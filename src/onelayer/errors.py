"""The errors that a user can mend: each message says what is wrong, where, and what to do."""

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

SHOWN = 6  # names in a message


class OneLayerError(ValueError):
    """Bad input. ``str(error)`` is one sentence or two for the person who gave it.

    Example:
        >>> from onelayer import OneLayerError, synthetic
        >>> try:
        ...     synthetic(n=0)
        ... except OneLayerError as error:
        ...     print(error)
        need n ≥ 1, d ≥ 1 and sigma ≥ 0, not n=0, d=2, sigma=0.01
    """


class LinearDependenceWarning(UserWarning):
    """Some features are linear combinations of others, so that the data leave some weights undetermined.

    Args:
        n_features: how many features there are.
        rank: how many of them are linearly independent.
        undetermined: the names of the coefficients that the data leave open.
    """

    def __init__(self, n_features: int, rank: int, undetermined: Sequence[str]) -> None:
        shown = ", ".join(undetermined[:SHOWN]) + (", …" if len(undetermined) > SHOWN else "")
        super().__init__(
            f"the {n_features} features are linearly dependent: they have rank {rank}. Of all the weights that fit "
            f"equally well, coef_ has the smallest; these are not determined by the data: {shown}"
        )


class SeparationWarning(UserWarning):
    """Features separate classes, so that without a penalty some weights have no finite maximum-likelihood value."""


class PrecisionWarning(UserWarning):
    """Coefficients have fewer digits than they are shown with."""

    @classmethod
    def of_solution(cls, error: float) -> "PrecisionWarning":
        """Return that the solver came to the exact solution by a relative error only."""
        return cls(
            f"about {_digits(error)} digits of the coefficients are correct: the features are too nearly dependent, or "
            "differ too much in size, for more"
        )

    @classmethod
    def of_data(cls, sensitivity: float) -> "PrecisionWarning":
        """Return that rounding of the features moves the exact solution by so much, relatively."""
        return cls(
            f"the features are so nearly dependent that about {_digits(sensitivity)} digits of the coefficients are "
            "determined: the others depend on how the features were rounded when they were stored"
        )


def _digits(error: float) -> int:
    return max(0, math.floor(-math.log10(error))) if 0 < error < 1 else 0


class DivergenceError(OneLayerError):
    """Training moved away from the minimum because the learning rate is too large.

    Attributes:
        lr: the learning rate that was used.
        largest_stable_lr: 2/λ_max of the loss, estimated from the data; None of another optimizer than SGD.

    Example:
        >>> from onelayer import DivergenceError, Settings, houses, train
        >>> try:
        ...     train(houses(), Settings(solver="sgd", lr=3.0))
        ... except DivergenceError as error:
        ...     print(f"{error.lr:g} was used, {error.largest_stable_lr:.1f} is stable")
        3 was used, 1.6 is stable
    """

    def __init__(self, message: str, lr: float, largest_stable_lr: float | None) -> None:
        super().__init__(message)
        self.lr = lr
        self.largest_stable_lr = largest_stable_lr


@contextmanager
def named(name: object) -> Iterator[None]:
    """Put the name of what it is about before the message of an error in the block, unless it is there already."""
    try:
        yield
    except OneLayerError as error:
        if str(error).startswith(f"{name}: "):
            raise
        raise OneLayerError(f"{name}: {error}") from error


def first_line(error: Exception) -> str:
    """Return the first line of another library's message; what follows speaks of its insides."""
    return str(error).partition("\n")[0]


@contextmanager
def torch_needed(what: str) -> Iterator[None]:
    """Name the extra to install if the block imports torch, which ``what`` needs, and it is not there.

    Raises:
        OneLayerError: in place of ModuleNotFoundError.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != "torch":
            raise
        raise OneLayerError(f"{what} needs PyTorch; install with: pip install 'onelayer[torch]'") from error
