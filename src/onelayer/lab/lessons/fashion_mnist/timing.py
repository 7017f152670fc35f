"""How long reading Fashion-MNIST takes: beside training, by the size of a batch, and in several ways."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn

from onelayer import Timer, fashion_mnist, mlp, softmax_regression
from onelayer.solvers import concise
from onelayer.solvers.batches import Batches, epoch_order

BATCH_SIZE = 256
LEARNING_RATE = 0.1
BATCH_SIZES = (1, 4, 16, 64, 256, 1024, 4096)
UNDISTURBED = 10  # the percentile of the batches' times that stands for all


def training_images() -> Batches:
    """Return the 60,000 training images."""
    return Batches.of(fashion_mnist().train)


def undisturbed(laps: list[float]) -> float:
    """Return the 10th percentile of the times of batches that are equally large, in seconds.

    Other work on the machine makes some batches slower and none faster: it moves this far less than the mean.
    """
    return float(np.percentile(laps, UNDISTURBED))


@dataclass(frozen=True)
class TimedBatches(Batches):
    """Batches that keep the times of reading each batch, and of what is done with it before the next one is read.

    Attributes:
        reading: the times of reading.
        training: the times from one batch to the next; the first one ends when the first batch is asked for.
    """

    reading: Timer = field(default_factory=Timer)
    training: Timer = field(default_factory=Timer)

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return the rows at ``index`` as ``Batches.batch`` does, and note the time."""
        self.training.stop()
        self.reading.start()
        features_and_labels = super().batch(index)
        self.reading.stop()
        self.training.start()
        return features_and_labels


def reading_and_training(model: nn.Module, rows: Batches) -> dict[str, float]:
    """Train a model for an epoch of batches of 256, and return how long the pass reads and how long it trains.

    Both are in seconds: what an undisturbed batch takes, times the number of batches.
    """
    timed = TimedBatches(rows.X, rows.y, rows.task, rows.dtype, rows.unit)
    concise.train_epoch(model, timed, epoch_order(len(rows), seed=0, epoch=1), BATCH_SIZE, LEARNING_RATE)
    batches = len(rows) / BATCH_SIZE
    return {
        "reading": batches * undisturbed(timed.reading.times),
        "training": batches * undisturbed(timed.training.times[1:]),
    }


def shares_of_models() -> dict[str, dict[str, float]]:
    """Return the seconds that reading and training take of a pass over all images, by model."""
    data = fashion_mnist()
    d, q = data.n_features, data.n_outputs
    models = {"linear": softmax_regression(d, q), "mlp": mlp(d, 256, q)}
    return {name: reading_and_training(model, training_images()) for name, model in models.items()}


def pass_time(read: Callable[[Tensor], object], order: Tensor, batch_size: int = BATCH_SIZE) -> float:
    """Read batch after batch, and return the seconds that a pass takes when nothing disturbs it."""
    timer = Timer()
    for index in order.split(batch_size):
        timer.start()
        read(index)
        timer.stop()
    return undisturbed(timer.times) * len(order) / batch_size


def reading_by_batch_size(batch_sizes: Iterable[int] = BATCH_SIZES) -> dict[int, float]:
    """Return the seconds of reading all training images once, by batch size."""
    rows = training_images()
    order = epoch_order(len(rows), seed=0, epoch=1)
    return {size: pass_time(rows.batch, order, size) for size in batch_sizes}


def read_one_by_one(rows: Batches, index: Tensor) -> tuple[Tensor, Tensor]:
    """Return a batch that is put together from single images, as a data set of items is read."""
    items = [(rows.as_floats(rows.X[i]), rows.y[i]) for i in index.tolist()]
    return torch.stack([x for x, _ in items]), torch.stack([y for _, y in items])


def read_neighbours(rows: Batches, index: Tensor) -> tuple[Tensor, Tensor]:
    """Return a batch of rows that follow one another: nothing is gathered."""
    neighbours = slice(int(index[0]), int(index[-1]) + 1)
    return rows.as_floats(rows.X[neighbours]), rows.y[neighbours]


def ways_of_reading() -> dict[str, float]:
    """Return the seconds of reading all training images once, in four ways."""
    rows = training_images()
    shuffled, in_order = epoch_order(len(rows), seed=0, epoch=1), torch.arange(len(rows))
    return {
        "one-by-one": pass_time(lambda index: read_one_by_one(rows, index), shuffled),
        "in-batches": pass_time(rows.batch, shuffled),
        "in-order": pass_time(lambda index: read_neighbours(rows, index), in_order),
        "bytes": pass_time(rows.take, shuffled),
    }
