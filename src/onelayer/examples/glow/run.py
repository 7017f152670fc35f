"""Train Glow on Fashion-MNIST, count its bits, and show what it makes."""

import math
import zlib
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import TensorDataset

from onelayer.data.bundled import FASHION_MNIST_CLASSES
from onelayer.data.rows import Rows
from onelayer.examples.glow.flow import Glow
from onelayer.training import fit

STROKES = [  # of 4, 7 and 0, in a square of side 1, y downwards
    [(0.6, 0.9), (0.6, 0.1), (0.2, 0.65), (0.8, 0.65)],
    [(0.2, 0.1), (0.8, 0.1), (0.4, 0.9)],
    [(0.5 + 0.28 * math.cos(a / 4), 0.5 + 0.4 * math.sin(a / 4)) for a in range(27)],
]


def images(rows: Rows, n: int | None) -> TensorDataset:
    """Return all or the first n images (n, 1, 28, 28), bytes, with their classes (n,)."""
    return TensorDataset(torch.tensor(rows.X[:n]).unflatten(1, (1, 28, 28)), torch.tensor(rows.y[:n]))


def one_cycle(progress: float) -> float:
    """Return a factor of the learning rate that rises in a twentieth of the steps, then falls as a cosine to 0."""
    return min(1.0, 20 * progress) * (1 + math.cos(math.pi * progress)) / 2


def train(rows: TensorDataset, n_steps: int, width: int, device: torch.device, **how: Any) -> Glow:
    """Return a Glow that has learned from bytes (n, 1, 28, 28); ``how`` is for ``onelayer.fit``."""
    X = rows.tensors[0]
    with torch.random.fork_rng():
        torch.manual_seed(how["seed"])
        model = Glow(torch.bincount(X.flatten(), minlength=256), n_steps, width)
        model(X[:500].float())  # which sets each ActNorm
    model.to(device)
    for parameter in model.parameters():  # an image far out in the noise must not undo the others' work
        if parameter.requires_grad:
            parameter.register_hook(lambda gradient: gradient / gradient.norm().clamp(min=1))
    adam = partial(torch.optim.Adam, betas=(0.9, 0.99))
    fit(model, rows, loss=lambda bits, y: bits, optimizer=adam, schedule=one_cycle, **how)
    return model.cpu()


@torch.no_grad()
def bits(model: Glow, X: Tensor) -> float:
    """Return the mean bits per dimension of bytes (n, 1, 28, 28), a bound, with noise that is always the same."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return float(torch.cat([model(part.float()) for part in X.split(500)]).mean())


def independent_bits(train: Tensor, test: Tensor) -> float:
    """Return the bits per dimension if each pixel is drawn by itself, from its histogram in the training images."""
    counts = [np.bincount(pixel, minlength=256) + 1 for pixel in train.flatten(1).T.numpy()]
    pixels = zip(counts, test.flatten(1).T.numpy(), strict=True)
    return float(np.mean([-np.log2(count[pixel] / count.sum()).mean() for count, pixel in pixels]))


def zlib_bits(X: Tensor) -> float:
    """Return the bits per dimension of images that zlib compresses one by one."""
    return 8 * sum(len(zlib.compress(image.numpy().tobytes(), 9)) for image in X) / X.numel()


def digits(n: int) -> Tensor:
    """Draw digits (n, 1, 28, 28), white strokes on black, each in a place and of a size of its own."""
    draw = np.random.default_rng(0)
    pixel, drawn = np.stack(np.meshgrid(np.arange(28), np.arange(28)), -1)[:, :, None], []
    for i in range(n):
        points = draw.uniform(12, 16, 2) + draw.uniform(16, 22) * (np.array(STROKES[i % 3]) - 0.5)
        start, along = points[:-1], np.diff(points, axis=0)
        share = (((pixel - start) * along).sum(-1) / (along**2).sum(-1)).clip(0, 1)[..., None]
        distance = np.linalg.norm(pixel - start - share * along, axis=-1).min(-1)
        drawn.append((255 * (2 - distance).clip(0, 1)).astype(np.uint8))
    return torch.from_numpy(np.stack(drawn))[:, None]


@torch.no_grad()
def strips(model: Glow, train: TensorDataset, test: TensorDataset) -> dict[str, Tensor]:
    """Return rows of ten images (10, 1, 28, 28) by what they show."""

    def decoded(noise: Tensor) -> Tensor:
        return model.to_levels(noise).clamp(max=255).byte()

    def noise_of(name: str, of: TensorDataset, n: int) -> Tensor:  # of the first n images of a class
        X, y = of.tensors
        return model.to_noise(X[y == FASHION_MNIST_CLASSES.index(name)][:n] + 0.5)[0]

    draws, shown = torch.randn(30, 784, generator=torch.Generator().manual_seed(0)), test.tensors[0][:10]
    found = {f"samples, T = {t}": decoded(t * z) for t, z in zip((0.6, 0.8, 1), draws.split(10), strict=True)}
    found |= {"test images": shown, "there and back": decoded(model.to_noise(shown + 0.5)[0])}
    share = torch.linspace(0, 1, 10)[:, None]
    for a, b in (("t-shirt", "dress"), ("sneaker", "ankle boot"), ("trouser", "bag")):
        ends = noise_of(a, test, 1), noise_of(b, test, 1)
        found[f"{a} to {b}"] = decoded((1 - share).sqrt() * ends[0] + share.sqrt() * ends[1])
    direction = noise_of("dress", train, 500).mean(0) - noise_of("t-shirt", train, 500).mean(0)
    ways = noise_of("t-shirt", test, 1) + 2 * share * direction
    return found | {"t-shirt + s (dresses − t-shirts)": decoded(ways)}
