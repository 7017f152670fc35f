"""The experiments of the lesson on every pixel: channels mixed and unmixed, and a class for each pixel.

A colour picture is three clothes of Fashion-MNIST as its channels, floats (3, h, w) from 0 to 1. A scene is one
picture of bytes (h, w), 0 for paper, with a label for each pixel.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np
import pyarrow as pa
import torch
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (PyTorch's own idiom)

from onelayer import fashion_mnist, models, training
from onelayer.data import PIXEL_UNIT, Dataset, Rows
from onelayer.estimators import LinearRegression
from onelayer.scoring import confusion_counts
from onelayer.solvers.batches import Batches

SIDE = 28
SEED = 0
PICTURES = 20  # colour pictures that the layer learns from
SCENES = 50  # of each kind, and as many others to measure on
KINDS = {"trouser": 1, "bag": 8, "ankle-boot": 9}  # their labels in the data set
WINDOWS = (1, 3, 5, 9, 13, 17, 21)  # pixels on a side
EPOCHS = 10


@cache
def data() -> Dataset:
    """Return Fashion-MNIST. It is the same object for all who ask: nothing may change it."""
    return fashion_mnist()


# A layer at each pixel


@cache
def colour_pictures() -> Tensor:
    """Return colour pictures (n, 3, 28, 28): each three training images, one a channel."""
    pixels = torch.from_numpy(data().train.X[: 3 * PICTURES]).float() / 255
    return pixels.view(PICTURES, 3, SIDE, SIDE)


def convolution_and_layer(weight: Tensor, image: Tensor) -> tuple[Tensor, Tensor]:
    """Return what a 1×1 convolution and a linear layer at each pixel make of an image.

    Args:
        weight: (q, channels).
        image: (channels, h, w).

    Returns:
        Both results (q, h, w).
    """
    by_convolution = F.conv2d(image[None], weight[:, :, None, None])[0]
    by_layer = F.linear(image.permute(1, 2, 0), weight).permute(2, 0, 1)
    return by_convolution, by_layer


# Glow: channels mixed, and unmixed


def mixing(share: float) -> Tensor:
    """Return the weights (3, 3) that move ``share`` of each channel's value into the mean of all three."""
    return (1 - share) * torch.eye(3) + share / 3 * torch.ones(3, 3)


def map_log_determinant(weight: Tensor, side: int) -> float:
    """Return log |det J| of a 1×1 convolution on pictures (c, side, side), J by autograd for all inputs at once."""
    channels = len(weight)

    def convolve(flat: Tensor) -> Tensor:
        return F.conv2d(flat.view(1, channels, side, side), weight[:, :, None, None]).flatten()

    jacobian = torch.autograd.functional.jacobian(
        convolve, torch.zeros(channels * side**2, dtype=weight.dtype)
    )
    return float(torch.linalg.slogdet(jacobian).logabsdet)


def pixel_rows(share: float) -> Rows:
    """Return a row for each pixel of the colour pictures: its mixed channels, and as target the true ones, (n, 3)."""
    channels = colour_pictures().permute(0, 2, 3, 1).reshape(-1, 3)
    return Rows(channels @ mixing(share).T, channels, "regression")


@dataclass(frozen=True)
class Unmixed:
    """A layer that has learned to undo a mixture.

    Attributes:
        share: how much was mixed.
        mixed: the first colour picture (3, 28, 28), its channels mixed.
        restored: what the layer makes of it.
        gaps: the largest entry of |W M − I| at the start and after each epoch.
    """

    share: float
    mixed: Tensor
    restored: Tensor
    gaps: tuple[float, ...]


def unmix(share: float) -> Unmixed:
    """Train linear regression, a row for each pixel, to find the true channels in the mixed ones."""
    rows, M = pixel_rows(share), mixing(share)
    model = models.linear_regression(3, 3, SEED)

    def gap() -> float:
        return float((model.weight.detach() @ M - torch.eye(3)).abs().max())

    gaps = [gap()]
    training.fit(
        model, rows, epochs=EPOCHS, batch_size=64, lr=0.2, seed=SEED, on_epoch=lambda _: gaps.append(gap())
    )
    mixed = convolution_and_layer(M, colour_pictures()[0])[0]
    with torch.inference_mode():
        restored = F.conv2d(mixed[None], model.weight[:, :, None, None], model.bias)[0]
    return Unmixed(share, mixed, restored, tuple(gaps))


def exact_unmixing(share: float) -> NDArray[np.float64]:
    """Return the weights (3, 3) that least squares finds for the same task, without steps."""
    rows = pixel_rows(share)
    weight: NDArray[np.float64] = LinearRegression().fit(rows.X, rows.y).coef_
    return weight


def gaps_table(runs: list[Unmixed]) -> pa.Table:
    """Return how far from the inverse each run was, a row for each ``share`` and ``epoch``: ``gap``."""
    return pa.Table.from_pylist(
        [
            {"share": run.share, "epoch": epoch, "gap": gap}
            for run in runs
            for epoch, gap in enumerate(run.gaps)
        ]
    )


# Segmentation: a class for each pixel


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
    rows = data().train if part == "train" else data().test
    assert rows is not None
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
    image = torch.from_numpy(first.images).float() / 255
    kernel = model.weight.view(-1, 1, window, window)
    by_convolution = F.conv2d(image[None], kernel, model.bias, padding=window // 2)[0]
    X = torch.from_numpy(window_rows(first, window).X).float() / 255
    return by_convolution, F.linear(X, model.weight, model.bias).T.reshape(by_convolution.shape)


def window_sweep(on_run: Callable[[], None] = lambda: None) -> pa.Table:
    """Train with each window: ``window`` and ``overlap``, the mean over the classes."""
    rows = []
    for window in WINDOWS:
        rows.append({"window": window, "overlap": float(segment(window).overlap.mean())})
        on_run()
    return pa.Table.from_pylist(rows)
