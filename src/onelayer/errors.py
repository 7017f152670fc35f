"""The errors that a user can mend: each message says what is wrong, where, and what to do."""

import math
from collections.abc import Sequence

SHOWN = 6  # names in a message


class OneLayerError(ValueError):
    """Bad input. ``str(error)`` is one sentence or two for the person who gave it."""


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


class PrecisionWarning(UserWarning):
    """A solution has fewer correct digits than float64 holds.

    Args:
        error: how far, relatively, it may be from the exact solution.
    """

    def __init__(self, error: float) -> None:
        digits = max(0, math.floor(-math.log10(error))) if 0 < error < 1 else 0
        super().__init__(
            f"about {digits} digits of the coefficients are correct: the features are too nearly dependent, or differ "
            "too much in size, for more"
        )


class DivergenceError(OneLayerError):
    """Training moved away from the minimum because the learning rate is too large.

    Attributes:
        lr: the learning rate that was used.
        largest_stable_lr: 2/λ_max of the loss, estimated from the data.
    """

    def __init__(self, message: str, lr: float, largest_stable_lr: float) -> None:
        super().__init__(message)
        self.lr = lr
        self.largest_stable_lr = largest_stable_lr
