"""The experiments of the lesson on Fashion-MNIST: images, their pixels, batches, and how long reading takes.

Images are bytes (28, 28), rows of features are bytes (784,); batches of them are floats between 0 and 1. Rows, columns
and features are counted from 1, as in the formulas.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import interpolate

from onelayer import fashion_mnist, softmax_regression, training
from onelayer.data import PIXEL_UNIT, Rows
from onelayer.data.bundled import FASHION_MNIST_CLASSES
from onelayer.lab.lessons.fashion_mnist.timing import (
    BATCH_SIZE,
    reading_by_batch_size,
    shares_of_models,
    training_images,
    ways_of_reading,
)
from onelayer.solvers.batches import Batches, epoch_order
from onelayer.solvers.draws import stream_seed

# The names of the classes in the prose of lessons, by number.
CLASSES = tuple(name.replace(" ", "-") for name in FASHION_MNIST_CLASSES)
SIDE = 28  # pixels
SHOWN = 100  # images of each class that a page has
PAGE = 20  # images side by side
WINDOW = 2  # pixels on each side of the one that is picked


def numbers_of_class(rows: Batches, label: int) -> Tensor:
    """Return which rows have a label, as their numbers from 0, (m,)."""
    return torch.nonzero(rows.y == label)[:, 0]


def class_counts(rows: Batches) -> list[int]:
    """Return how many rows each class has."""
    return torch.bincount(rows.y, minlength=len(CLASSES)).tolist()


def feature_number(row: int, column: int) -> int:
    """Return which feature the pixel in a row and a column is: the rows of the image follow one another."""
    return SIDE * (row - 1) + column


def neighbourhood(image: Tensor, row: int, column: int) -> list[list[int | None]]:
    """Return the bytes in a window of 5 × 5 around a pixel, row by row; None is outside the image."""
    around = range(-WINDOW, WINDOW + 1)

    def byte(i: int, j: int) -> int | None:
        inside = 1 <= i <= SIDE and 1 <= j <= SIDE
        return int(image[i - 1, j - 1]) if inside else None

    return [[byte(row + down, column + right) for right in around] for down in around]


# What the page shows of the images that it has


@cache
def stored() -> dict[str, Any]:
    """Return the first ``SHOWN`` training images of each class, (1000, 784), and their numbers in the file, from 0."""
    rows = training_images()
    numbers = torch.cat([numbers_of_class(rows, label)[:SHOWN] for label in range(len(CLASSES))])
    return {"images": rows.X[numbers].numpy(), "numbers": numbers.numpy().astype(np.int32)}


@cache
def orders() -> dict[str, Any]:
    """Return the seeds of the orders of ten epochs, and the pixel that each pixel in turn changes places with."""
    swaps = np.random.default_rng(0).integers(np.arange(SIDE**2), SIDE**2)
    seeds = [stream_seed(0, epoch) & 0xFFFFFFFF for epoch in range(1, 11)]
    return {"seeds": seeds, "swaps": swaps.astype(np.int32)}


def image_of(label: str, page: int, picture: int) -> Tensor:
    """Return one of the stored images, (28, 28): a picture, from 0, of a page, from 1, of a class."""
    place = SHOWN * CLASSES.index(label) + PAGE * (page - 1) + picture
    return torch.from_numpy(stored()["images"][place]).view(SIDE, SIDE)


@cache
def counts() -> dict[str, Any]:
    """Return how many images each class has in both parts of the data set."""
    data, found = fashion_mnist(), {}
    for part, rows in (("train", data.train), ("test", data.test)):
        assert rows is not None, "the bundled files are complete"
        found[part] = class_counts(Batches.of(rows))
    return {
        "names": list(CLASSES),
        "labels": list(range(len(CLASSES))),
        "train": found["train"],
        "test": found["test"],
        "parts": ["train-part", "test-part"],
        "smallest": [min(found["train"]), min(found["test"])],
        "largest": [max(found["train"]), max(found["test"])],
        "train_size": sum(found["train"]),
        "test_size": sum(found["test"]),
    }


def browse(label: str, page: int, picture: int) -> dict[str, Any]:
    """Return a page of a class, and how much ink the picked picture has: 0 for white, 1 for black."""
    first = SHOWN * CLASSES.index(label) + PAGE * (page - 1)
    shown = slice(first, first + PAGE)
    return {
        "pixels": stored()["images"][shown],
        "captions": [f"{number + 1:,}" for number in stored()["numbers"][shown]],
        "class": CLASSES.index(label),
        "number": int(stored()["numbers"][first + picture]) + 1,
        "ink": float(image_of(label, page, picture).double().mean() / 255),
    }


def pixel(label: str, page: int, picture: int, row: int, column: int) -> dict[str, Any]:
    """Return a pixel of an image as a byte and as a feature, what is around it, and the largest step to a neighbour."""
    image = image_of(label, page, picture)
    around = neighbourhood(image, row, column)
    byte, centre = int(image[row - 1, column - 1]), WINDOW
    beside = (
        around[centre - 1][centre],
        around[centre + 1][centre],
        *around[centre][centre - 1 : centre + 2 : 2],
    )
    corners, half = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)), WINDOW + 0.5
    return {
        "image": image.flatten().numpy(),
        "box_x": [column + half * across for across, _ in corners],
        "box_y": [row + half * down for _, down in corners],
        "box_top": row - half - 1,
        "byte": byte,
        "value": byte / 255,
        "feature": feature_number(row, column),
        "around": around,
        "step": max(abs(byte - other) for other in beside if other is not None),
    }


def flatten(label: str, page: int, picture: int, place: int) -> dict[str, Any]:
    """Return an image, the features that a flatten layer makes of it, and where the feature at ``place`` comes from."""
    image = image_of(label, page, picture)
    features = nn.Flatten()(image[None].double() / 255)[0]
    row, column = divmod(max(place, 1) - 1, SIDE)
    corners = [(0, 0), (1, 0), (1, 1), (0, 1), (0, 0)]
    return {
        "image": image.flatten().numpy(),
        "features": [float("nan"), *features.tolist()],  # counted from 1
        "row": row + 1,
        "column": column + 1,
        "box_x": [column + 0.5 + across for across, _ in corners],
        "box_y": [row + 0.5 + down for _, down in corners],
        "at_place": float(image[row, column]) / 255,
        "at_feature": float(features[max(place, 1) - 1]),
        "byte": int(image[row, column]),
    }


def pixel_order(swapped: int) -> NDArray[np.int64]:
    """Return the order (784,) of pixels after the first ``swapped`` have each changed places with a later one."""
    order, swaps = np.arange(SIDE**2), orders()["swaps"]
    for i in range(swapped):
        order[[i, swaps[i]]] = order[[swaps[i], i]]
    return order


def scramble(example: int, swapped: int) -> dict[str, Any]:
    """Return an image of each class, with the pixels of all of them in one and the same order."""
    order = pixel_order(swapped)
    return {
        "pixels": stored()["images"][example - 1 :: SHOWN][:, order],
        "names": list(CLASSES),
        "moved": int((order != np.arange(SIDE**2)).sum()),
    }


def permuted(epochs: int = 5) -> dict[str, Any]:
    """Train softmax regression on images as they are, and on images whose pixels are all shuffled in the same way.

    Both start from the same weights, each at its pixel.
    """
    data, order = fashion_mnist(), pixel_order(SIDE**2)
    assert data.test is not None, "the bundled files are complete"
    found: dict[str, Any] = {}
    weights = {}
    for name, at in (("plain", np.arange(SIDE**2)), ("shuffled", order)):
        rows, test = (
            Rows(np.ascontiguousarray(part.X[:, at]), part.y, "classes", unit=PIXEL_UNIT)
            for part in (data.train, data.test)
        )
        model = softmax_regression(SIDE**2, len(CLASSES))
        model.weight.data = model.weight.data[:, at]
        history = training.fit(model, rows, test, epochs=epochs)
        found[name] = [epoch.held_out_accuracy for epoch in history.epochs]
        weights[name] = model.weight.detach().numpy()
    back = weights["shuffled"][:, np.argsort(order)]
    templates = np.concatenate([weights["plain"], weights["shuffled"], back])
    gap = abs(found["plain"][-1] - found["shuffled"][-1])
    return found | {
        "epochs": list(range(1, epochs + 1)),
        "templates": templates.astype(np.float16),
        "captions": [*CLASSES, *["as-shuffled"] * 10, *["put-back"] * 10],
        "difference": "same" if gap < 0.005 else "little-worse" if gap < 0.1 else "much-worse",
        "gap": float(np.abs(weights["plain"] - back).max()),
    }


def read_epoch(rows: Batches, batch_size: int, seed: int, epoch: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield features as floats (m, 784) and labels (m,) of one batch after another, in the order of an epoch."""
    order = epoch_order(len(rows), seed, epoch)
    for index in order.split(batch_size):
        pixels, y = rows.X[index], rows.y[index]
        X = pixels.to(torch.float32) / 255
        yield X, y


def batches(batch_size: int, epoch: int, batch: int) -> dict[str, Any]:
    """Return a batch of the stored images, from 1, in the order of an epoch; 0 is before the first."""
    labels = torch.arange(len(CLASSES)).repeat_interleave(SHOWN)
    rows = Batches(torch.from_numpy(stored()["images"]), labels, "classes", unit=PIXEL_UNIT)
    parts = epoch_order(len(rows), 0, epoch).split(batch_size)
    now = min(batch, len(parts))
    index = parts[now - 1] if now else torch.empty(0, dtype=torch.int64)
    X, y = list(read_epoch(rows, batch_size, 0, epoch))[now - 1] if now else (torch.zeros(1, 1), index)
    pixels = rows.X[index]
    full = -(-len(rows) // batch_size) - 1  # batches before the last, which may be shorter
    of_class = class_counts(Batches(pixels, y, "classes"))
    return {
        "pixels": pixels[:PAGE].numpy(),
        "captions": [CLASSES[label] for label in y[:PAGE]],
        "counts": of_class,
        "least": min(of_class),
        "even": len(index) / len(CLASSES),
        "rows": len(index),
        "shown": min(PAGE, len(index)),
        "places": list(range(len(CLASSES))),
        "index": index[:3].numpy(),
        "brightest": int(pixels.max()) if now else 0,
        "largest": float(X.max()),
        "last": len(parts),
        "seen": sum(len(part) for part in parts[:now]),
        "checked": ["batches-in-pass", "last-batch", "visited-once"],
        "counted": [len(parts), len(parts[-1]), len(torch.cat(parts).unique())],
        "expected": [full + 1, len(rows) - full * batch_size, len(rows)],
        "all": len(rows),
    }


def resize(label: str, page: int, picture: int, side: int) -> dict[str, Any]:
    """Return an image at another size: each new pixel is a mean of those around it (bilinear)."""
    image = image_of(label, page, picture)
    scaled = interpolate(image[None, None].double(), (side, side), mode="bilinear", antialias=True)[0, 0]
    parameters = sum(part.numel() for part in softmax_regression(side**2, len(CLASSES)).parameters())
    return {
        "images": [image.flatten().numpy(), scaled.flatten().numpy()],
        "captions": [f"{SIDE} × {SIDE}", f"{side} × {side}"],
        "features": side**2,
        "parameters": parameters,
        "megabytes": 60_000 * side**2 / 1e6,
        "floats": 4 * 60_000 * side**2 / 1e6,
    }


# What the lesson asks about time


def share_of_reading() -> dict[str, Any]:
    """Return the seconds of reading and of training in a pass, by model, and their ratio for one layer."""
    measured = shares_of_models()
    ratio = measured["linear"]["reading"] / measured["linear"]["training"]
    return {
        "reading": [seconds["reading"] for seconds in measured.values()],
        "training": [seconds["training"] for seconds in measured.values()],
        "places": [0, 1],
        "ratio": ratio,
        "share": "longer" if ratio > 1.5 else "alike" if ratio > 2 / 3 else "fraction",
        "most": 1.15 * max(max(seconds.values()) for seconds in measured.values()),
        "left": [-0.2, 0.8],
        "right": [0.2, 1.2],
    }


def by_batch_size() -> dict[str, Any]:
    """Return the seconds of a pass by batch size, and what each further batch costs."""
    seconds = reading_by_batch_size()
    more = len(training_images()) * (1 - 1 / BATCH_SIZE)
    return {
        "sizes": list(seconds),
        "seconds": list(seconds.values()),
        "ratio": seconds[1] / seconds[BATCH_SIZE],
        "overhead": (seconds[1] - seconds[BATCH_SIZE]) / more * 1e6,
    }


def compare_ways() -> dict[str, Any]:
    """Return the seconds of a pass in four ways, and what taking images one by one costs: the most, or not."""
    seconds = ways_of_reading()
    return {
        "places": list(range(len(seconds))),
        "seconds": list(seconds.values()),
        "most": 1.15 * max(seconds.values()),
        "ratio": seconds["one-by-one"] / seconds["in-batches"],
        "dearest": "each-alone" if seconds["one-by-one"] > 2 * seconds["in-batches"] else "random-order",
    }
