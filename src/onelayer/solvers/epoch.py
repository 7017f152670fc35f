"""What the three ways of SGD have in common: their names, their settings, and what a pass over the data returns."""

import math
from collections.abc import Sequence
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


def mean_score(scores: Sequence[EpochScore], sizes: Sequence[int]) -> EpochScore:
    """Return the score of an epoch from those of its parts, by how many rows each of them has."""
    accuracies = [score.accuracy for score in scores if score.accuracy is not None]
    return EpochScore(
        _mean([score.loss for score in scores], sizes), _mean(accuracies, sizes) if accuracies else None
    )


def _mean(values: Sequence[float], sizes: Sequence[int]) -> float:
    if len(values) == 1:
        return values[0]
    return math.fsum(v * n for v, n in zip(values, sizes, strict=True)) / sum(sizes)


SMALLEST_LR, LARGEST_LR = (
    1e-30,
    1e30,
)  # float32 holds them, and what they become when divided by a batch and its unit
LARGEST_COUNT = 2**31 - 1


def check_settings(epochs: int, batch_size: int, lr: float) -> None:
    """Raise OneLayerError if a setting of SGD is out of range."""
    check_count("epochs", epochs)
    check_count("batch size", batch_size)
    if not lr > 0 or math.isinf(lr):
        raise OneLayerError(f"the learning rate must be a positive number, not {lr}")
    if not SMALLEST_LR <= lr <= LARGEST_LR:
        raise OneLayerError(
            f"the learning rate must be from {SMALLEST_LR:g} to {LARGEST_LR:g}, not {lr:g}: steps are float32 numbers"
        )


def check_count(what: str, count: int) -> None:
    """Raise OneLayerError unless a number of things is from 1 to 2³¹ − 1."""
    if not 1 <= count <= LARGEST_COUNT:
        limit = "at least 1" if count < 1 else f"at most {LARGEST_COUNT:,}"
        raise OneLayerError(f"{what} must be {limit}, not {count}")
