"""The experiments of the lesson on every pixel: channels mixed and unmixed, and a class for each pixel.

A colour picture is three clothes of Fashion-MNIST as its channels, cyan, magenta and yellow ink: (3, h, w) from 0 to 1.
What is drawn in colour is "inks", (3 · h · w,) from 0 to 255.
"""

from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 (PyTorch's own idiom)

from onelayer import functional, models, training
from onelayer.data import Rows
from onelayer.estimators import LinearRegression
from onelayer.lab.lessons.every_pixel.segmentation import (
    CLASSES,
    KINDS,
    SCENES,
    SIDE,
    logits,
    logits_both_ways,
    scenes,
    segment,
)
from onelayer.lab.lessons.every_pixel.whole import generated as generated
from onelayer.lab.lessons.every_pixel.whole import seen as seen
from onelayer.lab.lessons.softmax_regression.runs import SEED, dataset
from onelayer.solvers.draws import stream_seed

Array = NDArray[np.float64]

PICTURES = 20  # colour pictures that the layer learns from
WINDOWS = (1, 5, 9, 13, 17, 21)  # pixels on a side
EPOCHS = 10
SHARES = (0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
SHOWN = 2  # the colour picture that is shown: a sneaker, a pullover and a sandal
# Inks for positive and negative numbers, and for the classes: 255 less the red, green and blue of a colour.
FOR, AGAINST = (255, 141, 77), (42, 161, 255)
PALETTE = ((16, 16, 16), (255, 141, 77), (42, 161, 255), (255, 97, 140))


# A layer at each pixel


@cache
def colour_pictures() -> Tensor:
    """Return colour pictures (n, 3, 28, 28), float64: each three training images, one a channel."""
    pixels = torch.from_numpy(dataset().train.X[: 3 * PICTURES]).double() / 255
    return pixels.view(PICTURES, 3, SIDE, SIDE)


def at_every_pixel(image: Tensor, weight: Tensor) -> Tensor:
    """Return the outputs (q, h, w) of a linear layer at each pixel of an image (channels, h, w), pixel by pixel."""
    output = image.new_empty(len(weight), *image.shape[1:])
    for r in range(image.shape[1]):
        for c in range(image.shape[2]):
            x = image[:, r, c]
            output[:, r, c] = weight @ x
    return output


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
    return (1 - share) * torch.eye(3, dtype=torch.float64) + share / 3 * torch.ones(3, 3, dtype=torch.float64)


def jacobian(weight: Tensor, side: int) -> Tensor:
    """Return J of a 1×1 convolution on pictures (c, side, side), by autograd, pixel after pixel: (side² c, side² c)."""
    channels = len(weight)

    def convolve(flat: Tensor) -> Tensor:
        return F.conv2d(flat.view(1, channels, side, side), weight[:, :, None, None]).flatten()

    found: Tensor = torch.autograd.functional.jacobian(
        convolve, torch.zeros(channels * side**2, dtype=weight.dtype)
    )
    by_channel = found.view(channels, side**2, channels, side**2)
    return by_channel.permute(1, 0, 3, 2).reshape(found.shape)


def map_log_determinant(weight: Tensor, side: int) -> float:
    """Return log |det J| of a 1×1 convolution on pictures (c, side, side), from the whole of J."""
    return float(torch.linalg.slogdet(jacobian(weight, side)).logabsdet)


def pixel_rows(share: float) -> Rows:
    """Return a row for each pixel of the colour pictures: its mixed channels, and as target the true ones, (n, 3)."""
    channels = colour_pictures().permute(0, 2, 3, 1).reshape(-1, 3)
    return Rows(channels @ mixing(share).T, channels, "regression")


@cache
def start() -> dict[str, Any]:
    """Return the colour pictures as bytes, the layer's first weights, and the seeds of the epochs' orders."""
    model = models.linear_regression(3, 3, SEED).double()
    return {
        "pictures": dataset().train.X[: 3 * PICTURES].reshape(PICTURES, 3, SIDE**2),
        "weight": model.weight.detach().numpy(),
        "bias": model.bias.detach().numpy(),
        "seeds": [stream_seed(SEED, epoch) & 0xFFFFFFFF for epoch in range(1, EPOCHS + 1)],
    }


@cache
def unmixing(share: float, lr: float = 0.2) -> tuple[tuple[Tensor, Tensor], ...]:
    """Return weights (3, 3) and bias (3,) of a layer that learns to undo a mixture, at the start and by epoch."""
    model = models.linear_regression(3, 3, SEED).double()
    path = [(model.weight.detach().clone(), model.bias.detach().clone())]
    training.fit(
        model,
        pixel_rows(share),
        epochs=EPOCHS,
        batch_size=64,
        lr=lr,
        seed=SEED,
        on_epoch=lambda _: path.append((model.weight.detach().clone(), model.bias.detach().clone())),
    )
    return tuple(path)


def gaps_of(share: float, lr: float = 0.2) -> list[float]:
    """Return how far the learned weights are from the inverse: the largest entry of |WM − I|, at first and by epoch."""
    M, eye = mixing(share), torch.eye(3, dtype=torch.float64)
    return [float((weight @ M - eye).abs().max()) for weight, _ in unmixing(share, lr)]


def exact_unmixing(share: float) -> NDArray[np.float64]:
    """Return the weights (3, 3) that least squares finds for the same task, without steps."""
    rows = pixel_rows(share)
    weight: NDArray[np.float64] = LinearRegression().fit(rows.X, rows.y).coef_
    return weight


# What is shown


def signed_inks(values: Array) -> Array:
    """Return numbers (n,) as inks (3n,): blue above 0 and orange below, strongest at 1 and −1."""
    size = np.minimum(1, np.abs(values))
    return np.concatenate(
        [size * np.where(values > 0, plus, minus) for plus, minus in zip(FOR, AGAINST, strict=True)]
    )


def labelled_inks(image: NDArray[np.uint8], labels: NDArray[np.int64]) -> Array:
    """Return an image of bytes (28, 28) as inks (2352,): pixels in the colour of their class, darker under ink."""
    dark = 0.6 * image.ravel() / 255
    return np.concatenate(
        [
            dark * 255 + (1 - dark) * np.array(of_class)[labels.ravel()]
            for of_class in zip(*PALETTE, strict=True)
        ]
    )


def frame(row: int, column: int, window: int) -> dict[str, list[float]]:
    """Return the outline of the window around a pixel, counted from 1."""
    half, corners = window / 2, ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    return {"box_x": [column + half * x for x, _ in corners], "box_y": [row + half * y for _, y in corners]}


def convolution(w1: float, w2: float, w3: float, place: int) -> dict[str, Any]:
    """Return a colour picture, and a new channel of it as far as a layer has come, from pixel to pixel."""
    image, weight = colour_pictures()[SHOWN], torch.tensor([[w1, w2, w3]], dtype=torch.float64)
    row, column = divmod(max(place, 1) - 1, SIDE)
    by_convolution, by_layer = convolution_and_layer(weight, image)
    so_far = np.where(np.arange(SIDE**2) < place, by_layer.flatten().numpy(), 0)
    images = [(255 * image).flatten().numpy(), signed_inks(so_far)]
    for inks in images:
        inks[SIDE * row + column :: SIDE**2] = 255  # the pixel that the layer is at is black
    return {
        "images": images,
        "captions": ["picture", "output"],
        "row": row + 1,
        "column": column + 1,
        "x": image[:, row, column].numpy(),
        "o": float(by_layer[0, row, column]),
        "sum_by_convolution": float(by_convolution.sum()),
        "sum_by_layer": float(by_layer.sum()),
    }


def glow(share: float) -> dict[str, Any]:
    """Return a colour picture before and after a mixture of its channels, and how much the mixture shrinks."""
    M, image, shares = mixing(share), colour_pictures()[SHOWN], np.linspace(0, 0.95, 39)
    mixed = convolution_and_layer(M, image)[0]
    determinant = float(torch.linalg.det(M))
    return {
        "images": [(255 * picture).flatten().numpy() for picture in (image, mixed)],
        "captions": ["original", "mixed"],
        "on": float(M[0, 0]),
        "off": float(M[0, 1]),
        "det": determinant,
        "log_det": float(np.log(determinant)),
        "shares": shares,
        "dets": [float(torch.linalg.det(mixing(float(s)))) for s in shares],
    }


def unmix(share: float, lr: float, epoch: int) -> dict[str, Any]:
    """Return what a layer makes of the mixed picture after some epochs of learning to undo the mixture."""
    M, (weight, bias) = mixing(share), unmixing(share, lr)[epoch]
    mixed = convolution_and_layer(M, colour_pictures()[SHOWN])[0]
    restored = F.conv2d(mixed[None], weight[:, :, None, None], bias)[0]
    gaps = gaps_of(share, lr)
    return {
        "images": [(255 * picture).flatten().numpy() for picture in (mixed, restored)],
        "captions": ["mixed", "unmixed"],
        "gaps": gaps,
        "gap": [gaps[epoch], gaps[0]],
        "on": float(weight[0, 0]),
        "off": float(weight[0, 1]),
    }


def mixtures() -> dict[str, Any]:
    """Return how far from the inverse training comes, by epoch, for mixtures from weak to strong."""
    found = {f"share_{round(100 * share)}": gaps_of(share) for share in SHARES}
    last = [gaps[-1] for gaps in found.values()]
    worst = (
        "strong-worst" if last[-1] > 10 * last[0] else "weak-worst" if last[0] > 10 * last[-1] else "alike"
    )
    return found | {"worst": worst, "first": last[0], "last": last[-1]}


def exact(share: float) -> dict[str, Any]:
    """Return the weights that least squares finds for a mixture, beside its inverse."""
    found, inverse = exact_unmixing(share), np.linalg.inv(mixing(share).numpy())
    entries = [f"w{row}{column}" for row in "₁₂₃" for column in "₁₂₃"]
    shares = np.linspace(0, 0.95, 39)
    grown = shares / (1 - shares)
    return {
        "found": found,
        "names": entries,
        "entries": found.ravel(),
        "inverses": inverse.ravel(),
        "shares": shares,
        "own": 1 + 2 / 3 * grown,
        "others": -grown / 3,
    }


def determinant(share: float, side: int = 3) -> dict[str, Any]:
    """Return J of the mixture on pictures of 3 × 3 pixels, and log |det J|, in full and from one pixel."""
    return {
        "jacobian": [jacobian(mixing(share), side).flatten().numpy().astype(np.float16)],
        "full": map_log_determinant(mixing(share), side),
        "by_pixel": side**2 * float(mixing(share).logdet()),
        "side": side,
    }


@cache
def trained() -> dict[str, Any]:
    """Return weights and biases of the models for each window, and five test scenes of each kind, (15, 784)."""
    found = {str(window): segment(window) for window in WINDOWS}
    return {
        "weights": {name: one.weight.numpy() for name, one in found.items()},
        "biases": {name: one.bias.numpy() for name, one in found.items()},
        "tests": scenes("test").images[examples()].reshape(-1, SIDE**2),
    }


def examples() -> list[int]:
    """Return the numbers of five test scenes of each kind, one kind after the other in turn."""
    return [i + SCENES * kind for i in range(5) for kind in range(len(KINDS))]


def sample() -> dict[str, Any]:
    """Return the image that the pad has at first: a bag."""
    return {"sample": scenes("test").images[SCENES].ravel()}


def look(window: int, example: int, row: int, column: int) -> dict[str, Any]:
    """Return what the model says of each pixel of a test scene, and what it sees at one of them."""
    number = examples()[example - 1]
    image, truth = scenes("test").images[number], scenes("test").labels[number]
    scores, here = logits(segment(window), window, image), (row - 1, column - 1)
    said, probabilities = scores.argmax(dim=0).numpy(), functional.softmax(scores[:, *here])
    return frame(row, column, window) | {
        "image": labelled_inks(image, said),
        "above": row - window / 2 - 1,
        **{f"p{i}": [float(p)] for i, p in enumerate(probabilities)},
        "said": CLASSES[int(said[here])],
        "truth": CLASSES[int(truth[here])],
        "likely": float(probabilities.max()),
        "right": float((said == truth).mean()),
        "right_ink": float((said == truth)[truth > 0].mean()),
    }


def drawn(drawing: NDArray[np.uint8], window: int) -> dict[str, Any]:
    """Return what the model says of each pixel of a drawing (784,), and what share of the ink is of each kind."""
    image = np.asarray(drawing, np.uint8).reshape(SIDE, SIDE)
    said = logits(segment(window), window, image).numpy().argmax(axis=0)
    ink = said[image > 0]
    shares = [float((ink == kind).sum()) / max(len(ink), 1) for kind in range(len(CLASSES))]
    return {
        "image": labelled_inks(image, said),
        **dict(zip(("paper", "trousers", "bags", "boots"), shares, strict=True)),
    }


def by_window() -> dict[str, Any]:
    """Return the mean intersection over union by the side of the window, and logits computed in two ways."""
    models_by_window = {window: segment(window) for window in WINDOWS}
    both = [logits_both_ways(model, window) for window, model in models_by_window.items()]
    return {
        "windows": list(WINDOWS),
        "names": [f"{window} × {window}" for window in WINDOWS],
        "overlaps": [float(model.overlap.mean()) for model in models_by_window.values()],
        "by_convolution": [float(one.sum()) for one, _ in both],
        "by_rows": [float(other.sum()) for _, other in both],
    }


def overlaps(window: int) -> dict[str, Any]:
    """Return the intersection over union of each class, and five test scenes with the truth and with the answer."""
    model, seen, shown = segment(window), scenes("test"), examples()[:5]
    return {
        "pictures": [
            labelled_inks(seen.images[i], labels[i]).astype(np.uint8)
            for labels in (seen.labels, model.labels)
            for i in shown
        ],
        "captions": ["truth"] * 5 + ["answer"] * 5,
        **{f"overlap{i}": [float(value)] for i, value in enumerate(model.overlap)},
        "things": float(model.overlap[1:].mean()),
        "best": CLASSES[int(model.overlap.argmax())],
        "accuracy": float((model.labels == seen.labels).mean()),
    }
