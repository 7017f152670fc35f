"""Passes over the rows one after another, with a checkpoint after each: what every way of SGD has in common."""

from collections.abc import Callable, Mapping
from itertools import repeat
from typing import Any, Protocol

from numpy.typing import NDArray

from onelayer.checkpoints import Checkpoint
from onelayer.errors import DivergenceError
from onelayer.history import History
from onelayer.solvers.descent import descend
from onelayer.solvers.epoch import EpochScore

START_ROWS, START_VALUES = 4096, 4096 * 784  # that the loss before the first step is measured on


class Learner(Protocol):
    """A model that learns in place."""

    may_rise: bool  # the loss, to any height, as with optimizers that feel their way at first

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what has been learned, by name, and what an optimizer keeps."""
        ...

    def put(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Take what ``arrays`` returned, and raise OneLayerError if it is not the like of one's own."""
        ...

    def start_loss(self) -> float:
        """Return the loss on (a sample of) the training rows."""
        ...

    def begin(self, epoch: int) -> None:
        """Be told of the number of the first pass, and remember what has been learned before it."""
        ...

    def one_epoch(self, epoch: int, lr: float) -> EpochScore:
        """Make a pass over the rows."""
        ...

    def held_out(self) -> EpochScore | None:
        """Return how well the model does on rows that are held out, if there are any."""
        ...

    def divergence(self, epoch: int, lr: float, start: float, loss: float) -> DivergenceError:
        """Go back to where the first pass began, and say of one that its loss ended far above that of the start."""
        ...


def learn(
    learner: Learner,
    *,
    lr: float,
    epochs: int,
    checkpoint: Checkpoint | None,
    resume: bool,
    after: History | None = None,
    on_epoch: Callable[[History], None] = lambda history: None,
) -> History:
    """Make passes up to the number ``epochs`` and return how they went; see ``training.fit`` for the arguments.

    Raises:
        DivergenceError: if the loss grows without end; the learner is then where it was at the start.
        OneLayerError: if the checkpoint is of another run, or cannot be written.
    """
    if checkpoint and resume:
        after = checkpoint.load(learner.put) or after
    if checkpoint and after is None:
        checkpoint.begin()
    so_far = after or History(learner.start_loss())
    first = len(so_far.epochs) + 1
    learner.begin(first)

    def diverged(epoch: int, lr: float, loss: float) -> DivergenceError:
        return learner.divergence(epoch, lr, so_far.start_loss, loss)

    def after_epoch(history: History) -> None:
        if checkpoint:
            checkpoint.save(learner.arrays(), history)
        on_epoch(history)

    try:
        return descend(
            learner.one_epoch,
            repeat(lr, epochs + 1 - first),
            so_far=so_far,
            diverged=diverged,
            first_epoch=first,
            held_out=learner.held_out,
            may_rise=learner.may_rise,
            on_epoch=after_epoch,
        )
    except Exception as error:
        if checkpoint and (isinstance(error, DivergenceError) or not checkpoint.kept):
            checkpoint.discard()
        raise


def sampled(n: int, width: int) -> slice:
    """Return which of n rows of so many values the loss before the first step is measured on."""
    return slice(0, n, max(1, n // max(1, min(START_ROWS, START_VALUES // width))))


def divergence_message(epoch: int, lr: float, start: float, loss: float) -> str:
    """Return what to say of any run that diverges."""
    return f"training diverged in epoch {epoch} with learning rate {lr:g}: the loss went from {start:.4g} to {loss:.4g}"


def sgd_divergence(epoch: int, lr: float, start: float, loss: float, largest: float) -> DivergenceError:
    """Return what to say of plain SGD that diverges, given 2/λ_max at the start."""
    advice = f"try --lr {min(lr, largest) / 2:.1g}"
    if lr < largest:  # on average over the rows the steps are short enough, in single batches they are not
        advice += " or a larger --batch-size"
    return DivergenceError(
        f"{divergence_message(epoch, lr, start, loss)}; the largest stable learning rate for these data is about "
        f"{largest:.2g} (2/λ_max at the start); {advice}",
        lr,
        largest,
    )
