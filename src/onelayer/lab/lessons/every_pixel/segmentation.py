"""Scenes with a class for each pixel, and a layer that names it from the pixels around.

A scene is one picture of bytes (h, w), 0 for paper, with a label for each pixel.
"""

from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (PyTorch's own idiom)

from onelayer import models, training
from onelayer.data import PIXEL_UNIT, Rows
from onelayer.lab.lessons.softmax_regression.runs import SEED, dataset, test_rows
from onelayer.scoring import confusion_counts
from onelayer.solvers.batches import Batches

SIDE = 28
SCENES = 50  # of each kind, and as many others to measure on
KINDS = {"trouser": 1, "bag": 8, "ankle-boot": 9}  # their labels in the data set
CLASSES = ("background", *KINDS)


@dataclass(frozen=True)
class Scenes:
    """Pictures with a label for each pixel.

    Attributes:
        images: bytes (m, 28, 28).
        labels: (m, 28, 28), 0 for background, else 1, 2, … for the kinds in their order.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]


@cache
def scenes(part: Literal["train", "test"]) -> Scenes:
    """Return the first pictures of each kind; whatever is not blank belongs to the thing in it."""
    rows = dataset().train if part == "train" else test_rows()
    images, labels = [], []
    for number, label in enumerate(KINDS.values(), start=1):
        chosen = rows.X[rows.y == label][:SCENES].reshape(-1, SIDE, SIDE)
        images.append(chosen)
        labels.append((chosen > 0) * np.int64(number))
    return Scenes(np.concatenate(images), np.concatenate(labels))


def window_rows(seen: Scenes, window: int) -> Rows:
    """Return a row for each pixel: the bytes of the ``window`` × ``window`` pixels around it, and its label.

    ``window`` is odd. Beyond the edge there is paper.
    """
    margin = window // 2
    padded = np.pad(seen.images, ((0, 0), (margin, margin), (margin, margin)))
    views = sliding_window_view(padded, (window, window), axis=(1, 2))
    features = np.array(views).reshape(-1, window**2)  # a copy: the views share their memory
    return Rows(features, seen.labels.ravel(), "classes", unit=PIXEL_UNIT)


@dataclass(frozen=True)
class Segmented:
    """A model that names the class of each pixel.

    Attributes:
        weight: (q, window²); ``bias``: (q,).
        labels: what it says of the test scenes (m, 28, 28).
        overlap: intersection over union of each class (q,), over all pixels of the test scenes.
    """

    weight: Tensor
    bias: Tensor
    labels: NDArray[np.int64]
    overlap: NDArray[np.float64]


@cache
def segment(window: int) -> Segmented:
    """Train softmax regression on the pixels of the training scenes, and name those of the test scenes."""
    q = len(KINDS) + 1
    model = models.softmax_regression(window**2, q, SEED)
    training.fit(model, window_rows(scenes("train"), window), epochs=3, batch_size=256, lr=0.1, seed=SEED)
    rows = window_rows(scenes("test"), window)
    with torch.inference_mode():
        predicted = torch.cat([model(X).argmax(dim=1) for X, _, _ in Batches.like(model, rows).blocks()])
    return Segmented(
        model.weight.detach(),
        model.bias.detach(),
        predicted.view(-1, SIDE, SIDE).numpy(),
        intersection_over_union(confusion_counts(rows.y, predicted.numpy(), q)),
    )


def intersection_over_union(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return, for each class, pixels that are and were named so, over those that are or were; from counts (q, q)."""
    both = np.diag(counts)
    either = counts.sum(axis=0) + counts.sum(axis=1) - both
    return np.asarray(both / either)


def logits_both_ways(model: Segmented, window: int) -> tuple[Tensor, Tensor]:
    """Return the logits (q, 28, 28) of the first test scene: by one convolution, and row by row."""
    first = Scenes(scenes("test").images[:1], scenes("test").labels[:1])
    X = torch.from_numpy(window_rows(first, window).X).double() / 255
    by_rows = F.linear(X, model.weight.double(), model.bias.double()).T.reshape(-1, SIDE, SIDE)
    return logits(model, window, first.images[0]), by_rows


def logits(model: Segmented, window: int, image: NDArray[np.uint8]) -> Tensor:
    """Return the logits (q, 28, 28) of all pixels of an image of bytes (28, 28), by one convolution in float64."""
    kernel = model.weight.double().view(-1, 1, window, window)
    pixels = torch.from_numpy(image)[None, None].double() / 255
    return F.conv2d(pixels, kernel, model.bias.double(), padding=window // 2)[0]
