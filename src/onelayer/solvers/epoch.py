"""What the three ways of SGD have in common: their names, their settings, and what a pass over the data returns."""

import math
from typing import Literal, NamedTuple

from onelayer.errors import OneLayerError

Way = Literal["fused", "scratch", "concise"]


class EpochScore(NamedTuple):
    """How the model did on each batch before it learned from it, averaged over the epoch's rows.

    Attributes:
        loss: cross-entropy in nats, or ½(ŷ − y)² summed over the outputs.
        accuracy: the share of rows whose class was right; None for regression.
    """

    loss: float
    accuracy: float | None


def check_settings(epochs: int, batch_size: int, lr: float) -> None:
    """Raise OneLayerError if a setting of SGD is out of range."""
    if epochs < 1:
        raise OneLayerError(f"epochs must be at least 1, not {epochs}")
    if batch_size < 1:
        raise OneLayerError(f"batch size must be at least 1, not {batch_size}")
    if not (lr > 0 and math.isfinite(lr)):
        raise OneLayerError(f"the learning rate must be a positive number, not {lr}")
