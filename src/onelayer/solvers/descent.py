"""The epoch loop of SGD: one pass over the rows after another, their history, and an end when the loss diverges."""

import math
from collections.abc import Callable, Iterable

from onelayer.errors import DivergenceError
from onelayer.history import EpochRecord, History
from onelayer.solvers.epoch import EpochScore
from onelayer.timer import Timer

# Steps that are short enough never leave the loss above its start. Steps that are too long make a quadratic loss grow
# without end, and softmax's, whose gradient is bounded, settle at a height in proportion to the learning rate: on
# Fashion-MNIST at twice the start when η is some seven times 2/λ_max. A whole epoch at twice the loss of the untrained
# model is beyond what the noise of minibatches does, and nothing is being learned.
DIVERGED = 2.0


def descend(
    one_epoch: Callable[[int, float], EpochScore],
    lrs: Iterable[float],
    *,
    so_far: History,
    diverged: Callable[[int, float, float], DivergenceError],
    first_epoch: int = 1,
    held_out: Callable[[], EpochScore | None] = lambda: None,
    may_rise: bool = False,
    on_epoch: Callable[[History], bool | None] = lambda history: None,
) -> History:
    """Make a pass over the rows for each learning rate and return the history, the earlier one included.

    Args:
        one_epoch: makes a pass over the rows, given its number and its learning rate.
        lrs: η of each pass.
        so_far: the history that is continued, with the loss that no epoch may leave at twice its height.
        diverged: makes the error from the number of the epoch, its learning rate and its loss.
        first_epoch: the number of the first pass.
        held_out: measures the model after each epoch, if there are rows to measure it on.
        may_rise: that the loss may be at any height, as with optimizers that feel their way at first.
        on_epoch: called after each epoch with the history so far; if it returns True, there is no further one.

    Raises:
        DivergenceError: as ``diverged`` makes it.
    """
    for epoch, lr in enumerate(lrs, first_epoch):
        timer = Timer()
        score = one_epoch(epoch, lr)
        seconds = timer.stop()
        is_well = math.isfinite(score.loss) if may_rise else score.loss <= DIVERGED * so_far.start_loss
        if not is_well:
            raise diverged(epoch, lr, score.loss)
        held_loss, held_accuracy = held_out() or (None, None)
        record = EpochRecord(epoch, score.loss, score.accuracy, held_loss, held_accuracy, seconds)
        so_far = History(so_far.start_loss, (*so_far.epochs, record))
        if on_epoch(so_far):
            break
    return so_far
