"""The errors that a user can mend: each message says what is wrong, where, and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager


class OneLayerError(ValueError):
    """Bad input. ``str(error)`` is one sentence or two for the person who gave it."""


class LinearDependenceWarning(UserWarning):
    """Some features are linear combinations of others, so that the data leave the weights undetermined.

    Args:
        n_features: how many features there are.
        rank: how many of them are linearly independent.
    """

    def __init__(self, n_features: int, rank: int) -> None:
        super().__init__(
            f"the {n_features} features are linearly dependent: they have rank {rank}. Of all the weights that fit "
            "equally well, coef_ has the smallest"
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
