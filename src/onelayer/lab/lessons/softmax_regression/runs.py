"""How the lesson's networks are trained: settings, rows to learn from and to choose by, and runs epoch by epoch."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from onelayer import fashion_mnist, models, training
from onelayer.data import Dataset, Rows
from onelayer.errors import DivergenceError
from onelayer.solvers.epoch import EpochScore

HIDDEN = 256
SEED = 0
LAST = 3  # epochs that count in the end: a single one is noisy


@dataclass(frozen=True)
class Setting:
    """What to train, and how.

    Attributes:
        model: "softmax", "mlp" or "phm".
        lr: the learning rate.
        batch_size: rows per step.
        epochs: passes over the training rows.
        n: of the PHM layer.
        whole: whether all 60,000 images train; else a sixth of them is held out for validation.
    """

    model: str
    lr: float
    batch_size: int
    epochs: int
    n: int = 2
    whole: bool = False


BOOK = Setting("softmax", lr=0.1, batch_size=256, epochs=10, whole=True)


@dataclass(frozen=True)
class Trained:
    """A model during training or after it.

    Attributes:
        model: as it is by now.
        train, valid, test: a score for each epoch, of which the first is before training; the training score is
            measured while an epoch goes on; ``valid`` is empty if no rows are held out.
        seconds: how long each epoch took, without measuring.
        diverged: why training stopped, or None.
    """

    model: nn.Module
    train: tuple[EpochScore, ...]
    valid: tuple[EpochScore, ...]
    test: tuple[EpochScore, ...]
    seconds: tuple[float, ...] = ()
    diverged: DivergenceError | None = None


@cache
def dataset() -> Dataset:
    """Return Fashion-MNIST. It is the same object for all who ask: nothing may change it."""
    return fashion_mnist()


@cache
def split() -> tuple[Rows, Rows]:
    """Return 50,000 of the training images to learn from, and 10,000 to choose settings by."""
    rest, valid = dataset().hold_out(1 / 6, SEED)
    assert valid is not None, "a sixth is held out"
    return rest.train, valid


def test_rows() -> Rows:
    """Return the 10,000 test images."""
    rows = dataset().test
    assert rows is not None
    return rows


class MLP(nn.Module):
    """The perceptron of the notes' appendix: 784 pixels, 256 hidden units, ten classes."""

    def __init__(self, input_size: int = 784, hidden_size: int = 256, num_classes: int = 10) -> None:
        super().__init__()
        self.fc1 = nn.Linear(input_size, hidden_size)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(hidden_size, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        """Map images (n, 784) to logits (n, 10)."""
        logits: Tensor = self.fc2(self.relu(self.fc1(x)))
        return logits


def new_model(kind: str, n: int = 2) -> nn.Module:
    """Return a network from 784 pixels to 10 logits with its first weights."""
    d, q = dataset().n_features, dataset().n_outputs
    if kind == "mlp":
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            return MLP(d, HIDDEN, q)
    return models.phm(d, q, n, SEED) if kind == "phm" else models.softmax_regression(d, q, SEED)


_finished: dict[Setting, Trained] = {}  # a lesson looks at some runs from several sides


def stages(setting: Setting) -> Iterator[Trained]:
    """Yield a model before training and after each epoch, until it has been trained or training has diverged."""
    if setting in _finished:
        yield _finished[setting]
        return
    model, history = new_model(setting.model, setting.n), None
    rows, valid = (dataset().train, None) if setting.whole else split()
    way: Any = "fused" if setting.model == "softmax" else "concise"

    def measured(before: Trained, train: EpochScore, *seconds: float) -> Trained:
        held = () if valid is None else (training.evaluate(model, valid),)
        test = training.evaluate(model, test_rows())
        return Trained(
            model,
            (*before.train, train),
            (*before.valid, *held),
            (*before.test, test),
            (*before.seconds, *seconds),
        )

    latest = measured(Trained(model, (), (), ()), training.evaluate(model, rows))
    yield latest
    for epoch in range(1, setting.epochs + 1):
        try:
            history = training.fit(
                model,
                rows,
                way=way,
                epochs=epoch,
                batch_size=setting.batch_size,
                lr=setting.lr,
                seed=SEED,
                after=history,
            )
        except DivergenceError as error:
            latest = Trained(model, latest.train, latest.valid, latest.test, latest.seconds, error)
            yield latest
            break
        record = history.epochs[-1]
        latest = measured(latest, EpochScore(record.train_loss, record.train_accuracy), record.seconds)
        yield latest
    if not setting.whole:
        _finished[setting] = latest


def train(setting: Setting) -> Trained:
    """Return a model after training."""
    *_, last = stages(setting)
    return last


def curves(trained: Trained) -> dict[str, Any]:
    """Return a run as fields: its scores for each epoch from 0, and what became of it."""
    found: dict[str, Any] = {
        f"{part}_{what}": [round(getattr(score, what), 5) for score in getattr(trained, part)]
        for part in ("train", "valid", "test")
        for what in ("loss", "accuracy")
    }
    diverged = trained.diverged
    return found | {
        "last": len(trained.train) - 1,
        "diverged": diverged is not None,
        "fate": "diverged" if diverged else "",
    }


def mean_of_last(trained: Trained, what: str) -> float:
    """Return the mean validation "loss" or "accuracy" of the last epochs."""
    return float(np.mean([getattr(score, what) for score in trained.valid[-LAST:]]))
