"""The experiments of the lesson on training: 60,000 images, three models, and what they have learned.

``pixels`` are bytes (28, 28) or (784,), 0 for paper and 255 for ink, as Fashion-MNIST stores them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn

from onelayer import fashion_mnist, functional, models, training
from onelayer.data import Dataset, Rows
from onelayer.errors import DivergenceError
from onelayer.estimators import SoftmaxRegression
from onelayer.history import History
from onelayer.lab.lessons.softmax.experiment import phm_parameters as weight_parameters
from onelayer.scoring import confusion_counts
from onelayer.solvers.batches import Batches
from onelayer.solvers.epoch import EpochScore
from onelayer.solvers.stability import largest_stable_lr

SIDE = 28
HIDDEN = 256
SEED = 0
SHOWN = 10  # templates and mistakes
LAST = 3  # epochs whose accuracies are averaged: a single one is noisy
SLOW = 2000  # steps of softmax regression that take about a second
FAINT = 25  # bytes up to here may be the noise of a photo's paper


@dataclass(frozen=True)
class Setting:
    """What to train, and how.

    Attributes:
        model: "softmax", "mlp" or "phm".
        lr: the learning rate.
        batch_size: rows a step.
        epochs: passes over the training set.
        n: of the PHM layer.
    """

    model: str
    lr: float
    batch_size: int
    epochs: int
    n: int = 2

    @property
    def is_slow(self) -> bool:
        """Whether training takes so long that it should be seen to move."""
        steps = self.epochs * len(data().train) / self.batch_size
        return self.model != "softmax" or steps > SLOW


@dataclass(frozen=True)
class Trained:
    """A model after training.

    Attributes:
        setting: how it was trained.
        model: trained, or as at the start if training diverged.
        history: its history.
        diverged: why training stopped, or None.
    """

    setting: Setting
    model: nn.Module
    history: History
    diverged: DivergenceError | None = None

    @property
    def seconds(self) -> float:
        """How long the epochs took, without measuring."""
        return sum(record.seconds for record in self.history.epochs)


@cache
def data() -> Dataset:
    """Return Fashion-MNIST. It is the same object for all who ask: nothing may change it."""
    return fashion_mnist()


def new_model(kind: str, n: int = 2) -> nn.Module:
    """Return a network from 784 pixels to 10 logits with its first weights."""
    d, q = data().n_features, data().n_outputs
    if kind == "mlp":
        return models.mlp(d, HIDDEN, q, SEED)
    return models.phm(d, q, n, SEED) if kind == "phm" else models.softmax_regression(d, q, SEED)


def train(setting: Setting, on_epoch: Callable[[], None] = lambda: None) -> Trained:
    """Train on the 60,000 training images, and measure on the 10,000 test images after each epoch."""
    model = new_model(setting.model, setting.n)
    latest = History(0.0)

    def report(history: History) -> None:
        nonlocal latest
        latest = history
        on_epoch()

    try:
        history = training.fit(
            model,
            data().train,
            data().test,
            way="fused" if setting.model == "softmax" else "concise",
            epochs=setting.epochs,
            batch_size=setting.batch_size,
            lr=setting.lr,
            seed=SEED,
            on_epoch=report,
        )
    except DivergenceError as error:
        return Trained(setting, model.eval(), latest, error)
    return Trained(setting, model, history)


def curve(history: History) -> pa.Table:
    """Return the history as a long table: ``epoch``, ``part`` (train, test), ``loss`` and ``accuracy``."""
    columns: dict[str, list[object]] = {"part": [], "epoch": [], "loss": [], "accuracy": []}
    for part, prefix in (("train", "train"), ("test", "held_out")):
        columns["part"] += [part for _ in history.epochs]
        columns["epoch"] += [record.epoch for record in history.epochs]
        for what in ("loss", "accuracy"):
            columns[what] += [getattr(record, f"{prefix}_{what}") for record in history.epochs]
    return pa.table(columns)


def templates(model: nn.Module) -> NDArray[np.float32]:
    """Return weights on the pixels (10, 28, 28): of each class, or of the ten units of an MLP that count most."""
    if isinstance(model, models.MLP):
        reach = model.hidden.weight.norm(dim=1) * model.output.weight.norm(dim=0)
        weight = model.hidden.weight[reach.topk(SHOWN).indices]
    else:
        weight = model.weight  # type: ignore[assignment] # of an nn.Linear or a PHMLinear
    return np.asarray(weight.detach().view(-1, SIDE, SIDE))


@dataclass(frozen=True)
class Judged:
    """What a model says about the test images.

    Attributes:
        counts: how often each true class (row) was taken for each class (column), (10, 10).
        worst: the numbers of the wrong answers that it was surest of, the surest first.
        predicted: the most probable class of each image (n,).
        probability: its probability (n,).
    """

    counts: NDArray[np.int64]
    worst: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probability: NDArray[np.float32]


@torch.inference_mode()
def judge(model: nn.Module) -> Judged:
    """Return the model's answers on the 10,000 test images."""
    rows = Batches.like(model, test_rows())
    logits = torch.cat([model(X) for X, _, _ in rows.blocks()])
    probability, predicted = functional.softmax(logits).max(dim=1)
    sureness = torch.where(predicted != rows.y, probability, -1.0)
    return Judged(
        confusion_counts(rows.y.numpy(), predicted.numpy(), data().n_outputs),
        sureness.topk(SHOWN).indices.numpy(),
        predicted.numpy(),
        probability.numpy(),
    )


def test_rows() -> Rows:
    """Return the 10,000 test images."""
    rows = data().test
    assert rows is not None
    return rows


@torch.inference_mode()
def classify(model: nn.Module, pixels: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the probability of each class (10,) for one image of bytes (28, 28)."""
    X = torch.from_numpy(np.ascontiguousarray(pixels)).view(1, -1).float() / 255
    return np.asarray(functional.softmax(model(X))[0])


def fitted(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return a drawing (28, 28) moved and scaled to fill the image, as the clothes of Fashion-MNIST do.

    An image without ink, or with no more than a faint trace of it, is returned as it is.
    """
    inked = pixels > FAINT
    rows, columns = np.flatnonzero(inked.any(axis=1)), np.flatnonzero(inked.any(axis=0))
    if not len(rows):
        return pixels
    ink = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = SIDE / max(ink.shape)
    height, width = (max(1, round(side * scale)) for side in ink.shape)
    scaled = Image.fromarray(ink).resize((width, height), Image.Resampling.BILINEAR)
    whole = np.zeros((SIDE, SIDE), np.uint8)
    top, left = (SIDE - height) // 2, (SIDE - width) // 2
    whole[top : top + height, left : left + width] = np.asarray(scaled)
    return whole


# The questions


def accuracy_at_the_end(history: History) -> float:
    """Return the mean test accuracy over the last epochs."""
    last = [record.held_out_accuracy for record in history.epochs[-LAST:]]
    return float(np.mean([accuracy for accuracy in last if accuracy is not None]))


def fastest_epoch(history: History) -> float:
    """Return the seconds of the fastest epoch: what other programs do meanwhile makes the others slower."""
    return min(record.seconds for record in history.epochs)


def sweep(settings: list[Setting], on_run: Callable[[], None] = lambda: None) -> pa.Table:
    """Train with each setting: a row each, with ``accuracy`` and ``seconds`` None where it diverged."""
    rows = []
    for setting in settings:
        trained = train(setting)
        outcome = (
            {"accuracy": None, "seconds": None}
            if trained.diverged
            else {"accuracy": accuracy_at_the_end(trained.history), "seconds": fastest_epoch(trained.history)}
        )
        rows.append(vars(setting) | outcome)
        on_run()
    return pa.Table.from_pylist(rows)


def phm_parameters(n: int) -> int:
    """Return the number of parameters of a PHM layer from 784 to 10 by the formula: n³ + n⌈10/n⌉⌈784/n⌉ + 10."""
    d, q = data().n_features, data().n_outputs
    return weight_parameters(d, q, n) + q


@dataclass(frozen=True)
class Optimum:
    """The exact minimum of mean cross-entropy + ‖W‖²/2n, and where SGD stands.

    Attributes:
        objective: at the minimum found; ``sgd_objective``: where SGD stopped.
        gap: how far the minimum found may be above the true one.
        test: loss and accuracy on the test images, of the minimum; ``sgd_test``: of SGD.
    """

    objective: float
    sgd_objective: float
    gap: float
    test: EpochScore
    sgd_test: EpochScore


def optimum(sgd: nn.Linear) -> Optimum:
    """Go to the minimum by second-order information, and compare it with a model that SGD has trained."""
    train_rows, n = data().train, len(data().train)
    exact = SoftmaxRegression(tol=1e-4).fit(train_rows.X / np.float32(255), train_rows.y)
    held = test_rows()
    with torch.inference_mode():
        sgd_objective = training.evaluate(sgd, train_rows).loss + float(sgd.weight.square().sum()) / (2 * n)
    probability, labels = exact.predict_proba(held.X / np.float32(255)), held.y
    test = EpochScore(
        -float(np.log(probability[np.arange(len(labels)), labels]).mean()),
        float((probability.argmax(axis=1) == labels).mean()),
    )
    return Optimum(exact.objective_ / n, sgd_objective, exact.gap_ / n, test, training.evaluate(sgd, held))


@cache
def largest_lr() -> float:
    """Return 2/λ_max of the loss at the first weights: with smaller steps, gradient descent on all rows goes down."""
    return largest_stable_lr(new_model("softmax"), data().train)
