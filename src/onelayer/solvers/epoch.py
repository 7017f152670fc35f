"""What each way of training returns for one pass over the data."""

from typing import NamedTuple


class EpochScore(NamedTuple):
    """How the model did on each batch before it learned from it, averaged over the epoch's rows.

    Attributes:
        loss: cross-entropy in nats, or ½(ŷ − y)² summed over the outputs.
        accuracy: the share of rows whose class was right; None for regression.
    """

    loss: float
    accuracy: float | None
