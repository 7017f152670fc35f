"""The experiments of the lesson on Fashion-MNIST, without a notebook: images, their pixels, batches, and timing.

Images are bytes (28, 28), rows of features are bytes (784,); batches of them are floats between 0 and 1. Rows, columns
and features are counted from 1, as in the formulas.
"""

from collections.abc import Callable, Iterable
from functools import partial

import pyarrow as pa
import torch
from torch import Tensor

from onelayer import Rows, Timer, concise, fashion_mnist, mlp, softmax_regression
from onelayer.data import epoch_order
from onelayer.solvers import sgd

# The names of the classes' labels in the prose, by number.
CLASSES = {
    name: number
    for number, name in enumerate(
        (
            "t-shirt",
            "trouser",
            "pullover",
            "dress",
            "coat",
            "sandal",
            "shirt",
            "sneaker",
            "bag",
            "ankle-boot",
        )
    )
}
SIDE = 28  # pixels
BATCH_SIZE = 256
LEARNING_RATE = 0.1
BATCH_SIZES = (1, 4, 16, 64, 256, 1024, 4096)
PAGE, PREVIEW = 20, 10  # images on a page of a class, and of a batch
FAR_LESS = 0.5  # of the time of training: what reading may take at most
WINDOW = 2  # pixels on each side of the one that is picked


def images_of(rows: Rows) -> Tensor:
    """Return the features (n, 784) of images as images (n, 28, 28), bytes as they are; nothing is copied."""
    return rows.X.view(-1, SIDE, SIDE)


def numbers_of_class(rows: Rows, label: int) -> Tensor:
    """Return which rows have a label, as their numbers from 0, (m,)."""
    return torch.nonzero(rows.y == label)[:, 0]


def class_counts(rows: Rows) -> list[int]:
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


def read_batches(rows: Rows, order: Tensor, batch_size: int = BATCH_SIZE) -> None:
    """Read all rows once, in batches, as floats: one indexing operation a batch."""
    for index in order.split(batch_size):
        rows.batch(index)


def read_bytes(rows: Rows, order: Tensor) -> None:
    """Read all rows once, in batches, as bytes: nothing is converted."""
    for index in order.split(BATCH_SIZE):
        rows.take(index)


def read_in_order(rows: Rows) -> None:
    """Read all rows once, in batches of neighbours, as floats: nothing is gathered."""
    for _batch in rows.blocks(BATCH_SIZE):
        continue


def read_one_by_one(rows: Rows, order: Tensor) -> None:
    """Read all rows once, one image at a time, and put the batches together, as a data set of items is read."""
    for index in order.split(BATCH_SIZE):
        items = [(rows.X[i].float() / 255, rows.y[i]) for i in index.tolist()]
        torch.stack([X for X, _ in items])
        torch.stack([y for _, y in items])


def shortest_times(parts: dict[str, Callable[[], object]], rounds: int = 3) -> dict[str, float]:
    """Run each part in turn, several rounds, and return the shortest time of each, in seconds.

    Other work on the machine can only make a run longer: the shortest is the closest to what the part itself takes.
    """
    timers = {name: Timer() for name in parts}
    for _ in range(rounds):
        for name, part in parts.items():
            timers[name].start()
            part()
            timers[name].stop()
    return {name: min(timer.times) for name, timer in timers.items()}


def reading_and_training() -> dict[str, float]:
    """Return the seconds of a pass over the training images in batches of 256: only read, and trained on.

    Training is that of softmax regression, ``fused`` and ``concise``, and of an ``mlp`` with 256 hidden units. Each
    reads its batches itself.
    """
    data = fashion_mnist()
    rows, order = data.train, epoch_order(len(data.train), seed=0, epoch=1)
    linear, deep = softmax_regression(SIDE**2, len(CLASSES)), mlp(SIDE**2, 256, len(CLASSES))
    rest = (rows, order, BATCH_SIZE, LEARNING_RATE)
    return shortest_times(
        {
            "read": lambda: read_batches(rows, order),
            "fused": lambda: sgd.train_epoch(linear, *rest),
            "concise": lambda: concise.train_epoch(linear, *rest),
            "mlp": lambda: concise.train_epoch(deep, *rest),
        },
        rounds=2,
    )


def reading_by_batch_size(batch_sizes: Iterable[int] = BATCH_SIZES) -> dict[int, float]:
    """Return the seconds of reading all training images once, by batch size."""
    rows = fashion_mnist().train
    order = epoch_order(len(rows), seed=0, epoch=1)
    times = shortest_times({f"{size}": partial(read_batches, rows, order, size) for size in batch_sizes})
    return {int(size): seconds for size, seconds in times.items()}


def ways_of_reading() -> dict[str, float]:
    """Return the seconds of reading all training images once, in four ways."""
    rows = fashion_mnist().train
    order = epoch_order(len(rows), seed=0, epoch=1)
    return shortest_times(
        {
            "one-by-one": lambda: read_one_by_one(rows, order),
            "in-batches": lambda: read_batches(rows, order),
            "in-order": lambda: read_in_order(rows),
            "bytes": lambda: read_bytes(rows, order),
        }
    )
