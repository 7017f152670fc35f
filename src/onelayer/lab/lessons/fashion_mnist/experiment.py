"""The experiments of the lesson on Fashion-MNIST, without a notebook: images, their pixels, batches, and timing.

Images are bytes (28, 28), rows of features are bytes (784,); batches of them are floats between 0 and 1. Rows, columns
and features are counted from 1, as in the formulas.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn

from onelayer import Timer, fashion_mnist, mlp, softmax_regression
from onelayer.data.bundled import FASHION_MNIST_CLASSES
from onelayer.solvers import concise
from onelayer.solvers.batches import Batches, epoch_order

# The names of the classes in the prose of lessons, by number.
CLASSES = tuple(name.replace(" ", "-") for name in FASHION_MNIST_CLASSES)
SIDE = 28  # pixels
BATCH_SIZE = 256
LEARNING_RATE = 0.1
BATCH_SIZES = (1, 4, 16, 64, 256, 1024, 4096)
PAGE, PREVIEW = 20, 10  # images on a page of a class, and of a batch
UNDISTURBED = 10  # the percentile of the batches' times that stands for all
WINDOW = 2  # pixels on each side of the one that is picked


def training_images() -> Batches:
    """Return the 60,000 training images."""
    return Batches.of(fashion_mnist().train)


def images_of(rows: Batches) -> Tensor:
    """Return the features (n, 784) of images as images (n, 28, 28), bytes as they are; nothing is copied."""
    return rows.X.view(-1, SIDE, SIDE)


def numbers_of_class(rows: Batches, label: int) -> Tensor:
    """Return which rows have a label, as their numbers from 0, (m,)."""
    return torch.nonzero(rows.y == label)[:, 0]


def class_counts(rows: Batches) -> list[int]:
    """Return how many rows each class has."""
    return torch.bincount(rows.y, minlength=len(CLASSES)).tolist()


def feature_number(row: int, column: int) -> int:
    """Return which feature the pixel in a row and a column is: the rows of the image follow one another."""
    return SIDE * (row - 1) + column


def pixels(image: Tensor) -> pa.Table:
    """Return an image as a table with a line for each pixel: ``row``, ``column``, ``feature``, ``byte``, ``value``.

    ``value`` is byte / 255, the number that a model gets.
    """
    places = [(row, column) for row in range(1, SIDE + 1) for column in range(1, SIDE + 1)]
    values = image.flatten().tolist()
    return pa.table(
        {
            "row": [row for row, _ in places],
            "column": [column for _, column in places],
            "feature": [feature_number(*place) for place in places],
            "byte": values,
            "value": [value / 255 for value in values],
        }
    )


def neighbourhood(image: Tensor, row: int, column: int) -> list[list[int | None]]:
    """Return the bytes in a window of 5 × 5 around a pixel, row by row; None is outside the image."""
    around = range(-WINDOW, WINDOW + 1)

    def byte(i: int, j: int) -> int | None:
        inside = 1 <= i <= SIDE and 1 <= j <= SIDE
        return int(image[i - 1, j - 1]) if inside else None

    return [[byte(row + down, column + right) for right in around] for down in around]


# Reading, timed


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
    models = {
        "linear": softmax_regression(SIDE**2, len(CLASSES)),
        "mlp": mlp(SIDE**2, 256, len(CLASSES)),
    }
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
