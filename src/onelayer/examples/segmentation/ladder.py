"""The ladder: each rung learns from the same scenes and is measured on every pixel of the test scenes."""

import math
import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import TensorDataset

from onelayer.examples.segmentation.networks import FCN, SoftmaxOfPatches, UNet
from onelayer.examples.segmentation.scenes import Scenes
from onelayer.training import fit

MEASURED_AT_ONCE = 50  # scenes
FEW = 4_000, 2, 2.0  # scenes and epochs that one layer needs, and what its learning rate is multiplied by
OVERFIT_STEPS = 200


@dataclass(frozen=True)
class Rung:
    """A model, how many scenes it learns from, how often, and what its learning rate is multiplied by."""

    name: str
    model: nn.Module
    scenes: int
    epochs: int
    lr: float = 1.0


@dataclass(frozen=True)
class Score:
    """Pixels by true class (rows) and answer (columns): ``counts`` (q, q)."""

    counts: NDArray[np.int64]

    @property
    def accuracy(self) -> float:
        """The share of pixels that are answered right."""
        return float(self.counts.trace() / self.counts.sum())

    @property
    def iou(self) -> NDArray[np.float64]:
        """Of each class (q,): pixels both true and answered, over pixels either; NaN where there are none."""
        both = self.counts.diagonal()
        either = self.counts.sum(axis=0) + self.counts.sum(axis=1) - both
        return np.where(either > 0, both / np.maximum(either, 1), np.nan)

    @property
    def mean_iou(self) -> float:
        """The mean over the classes, the background among them."""
        return float(np.nanmean(self.iou))


def ladder(q: int, scenes: int, epochs: int, width: int) -> list[Rung]:
    """Return the rungs for q classes: softmax regression; an FCN, on half the scenes for half the epochs; a U-Net."""
    few = min(scenes, FEW[0]), min(epochs, FEW[1]), FEW[2]
    patches = [Rung(f"softmax {k}×{k}", SoftmaxOfPatches(k, q), *few) for k in (1, 9, 21)]
    fcn = Rung("FCN", FCN(q, width), -(-scenes // 2), -(-epochs // 2))
    return [*patches, fcn, Rung("U-Net", UNet(q, width), scenes, epochs)]


def up_and_down(progress: float) -> float:
    """Return the learning rate's factor: up for a tenth of the steps, then down to 0 along a cosine."""
    return progress / 0.1 if progress < 0.1 else (1 + math.cos(math.pi * (progress - 0.1) / 0.9)) / 2


def learn(rung: Rung, scenes: Scenes, *, lr: float, **how: Any) -> float:
    """Train a rung's model in place by Adam and return the CPU seconds; ``how`` are arguments of ``onelayer.fit``."""
    start = time.process_time()
    data = TensorDataset(*map(torch.from_numpy, scenes.first(rung.scenes)))
    how |= {"optimizer": torch.optim.Adam, "schedule": up_and_down, "lr": lr * rung.lr}
    fit(rung.model, data, epochs=rung.epochs, **how)
    return time.process_time() - start


@torch.inference_mode()
def answers(model: nn.Module, pixels: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return the likeliest class of each pixel (n, h, w), in the mean over a scene and its mirror image."""
    device, found = next(model.eval().parameters()).device, []
    for X in torch.from_numpy(pixels).split(MEASURED_AT_ONCE):
        X = X.to(device).float()
        both = model(X).softmax(1) + model(X.flip(-1)).softmax(1).flip(-1)
        found.append(both.argmax(1).cpu().numpy())
    return np.concatenate(found)


def measure(model: nn.Module, scenes: Scenes, q: int) -> Score:
    """Return what a model of q classes answers to scenes."""
    pairs = scenes.labels.astype(np.int64) * q + answers(model, scenes.pixels)
    return Score(np.bincount(pairs.ravel(), minlength=q * q).reshape(q, q))


def overfitted(model: nn.Module, scene: Scenes, q: int, lr: float) -> Score:
    """Train a new model on one scene alone: if it cannot learn even that, something is wrong."""
    many = Scenes(*(values.repeat(OVERFIT_STEPS, axis=0) for values in scene))
    learn(Rung("one scene", model, OVERFIT_STEPS, 1), many, lr=lr, batch_size=1)
    return measure(model, scene, q)
