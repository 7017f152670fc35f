"""The errors that a user can mend: each message says what is wrong, where, and what to do."""


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
