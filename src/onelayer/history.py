"""How a training run went, epoch by epoch."""

from dataclasses import asdict, dataclass
from typing import Any

STILL_FALLING = 0.02  # of the loss in the last epoch that is worth a word


@dataclass(frozen=True)
class EpochRecord:
    """One row of the history. ``held_out_*`` are None without held-out rows, accuracies for regression."""

    epoch: int
    train_loss: float
    train_accuracy: float | None
    held_out_loss: float | None
    held_out_accuracy: float | None
    seconds: float


@dataclass(frozen=True)
class History:
    """How a training run went; the model itself was changed in place.

    Attributes:
        start_loss: the loss on (a sample of) the training rows before the first step.
        epochs: a record for each epoch, the first first.
    """

    start_loss: float
    epochs: tuple[EpochRecord, ...] = ()

    def still_falling(self) -> tuple[str, ...]:
        """Return a sentence if training ended while the loss was still falling, so that the result is no minimum."""
        losses = [self.start_loss, *(record.train_loss for record in self.epochs)]
        if len(losses) < 3 or losses[-1] >= (1 - STILL_FALLING) * losses[-2]:
            return ()
        fell = 1 - losses[-1] / losses[-2]
        return (
            f"the loss was still falling, by {fell:.1%} in the last epoch, so this is not yet the minimum: train for "
            "more epochs, or take the exact solution with --solver auto",
        )

    def to_json(self) -> dict[str, Any]:
        """Return the history as JSON values, for a checkpoint."""
        return {"start_loss": self.start_loss, "history": [asdict(record) for record in self.epochs]}

    @staticmethod
    def from_json(values: dict[str, Any]) -> "History":
        """Return what ``to_json`` wrote."""
        return History(values["start_loss"], tuple(EpochRecord(**r) for r in values["history"]))
