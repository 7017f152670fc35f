"""The experiments of the lesson on training: how settings are chosen, and what the networks have learned.

Images are bytes (784,), or (28, 28), 0 for paper and 255 for ink, as Fashion-MNIST stores them.
"""

from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import nn
from torch.optim import Optimizer
from torch.utils.data import DataLoader

from onelayer import d2l, functional, models, training
from onelayer.estimators import SoftmaxRegression
from onelayer.lab.lessons.fashion_mnist.experiment import CLASSES
from onelayer.lab.lessons.softmax.experiment import phm_parameters as weight_parameters
from onelayer.lab.lessons.softmax_regression.learned import (
    SHOWN,
    SNAPSHOTS,
    answers,
    book,
    book_network,
    half,
    judge,
    perceptron,
    rounded,
)
from onelayer.lab.lessons.softmax_regression.runs import (
    BOOK,
    SEED,
    Setting,
    curves,
    dataset,
    mean_of_last,
    new_model,
    split,
    stages,
    test_rows,
    train,
)
from onelayer.scoring import confusion_counts
from onelayer.solvers.stability import largest_stable_lr

SIDE = 28
FAINT = 25  # bytes up to here may be the noise of a photo's paper
EPOCHS, LONG = 30, 60  # of the grid, and of the question whether longer is better
SHORT, FEW = 10, 5  # epochs of what takes longer, and for each point of a curve over settings
EARLY = slice(8, 13)  # around the tenth epoch

Loader = DataLoader[Any]


# Choosing the settings


def run(lr: float, batch_size: float) -> Iterator[dict[str, Any]]:
    """Train softmax regression on 50,000 images, and yield the scores so far after each epoch."""
    for trained in stages(Setting("softmax", lr, int(batch_size), EPOCHS)):
        yield curves(trained)


def rates() -> Iterator[dict[str, Any]]:
    """Yield the validation loss after a few epochs for learning rates from small to large; NaN where it diverged."""
    lrs = (0.001, 0.003, 0.01, 0.03, 0.1, 0.2, 0.3, 0.5, 1, 3, 10)
    losses: list[float] = []
    for lr in lrs:
        trained = train(Setting("softmax", lr, 256, FEW))
        losses.append(np.nan if trained.diverged else mean_of_last(trained, "loss"))
        yield {"lrs": lrs[: len(losses)], "losses": losses, "largest": largest_lr()}


def batches() -> Iterator[dict[str, Any]]:
    """Yield, for batches from small to large, the accuracy after a few epochs and the time that an epoch takes."""
    sizes, accuracies, seconds = (32, 128, 512, 2048, 8192), [], []
    for size in sizes:
        trained = train(Setting("softmax", 0.1, size, FEW))
        accuracies.append(mean_of_last(trained, "accuracy"))
        seconds.append(min(trained.seconds))  # what other programs do meanwhile makes the others slower
        found = {"sizes": sizes[: len(seconds)], "accuracies": accuracies, "seconds": seconds}
        yield found | {"better": "smaller" if accuracies[0] > accuracies[-1] else "larger"}


def long() -> Iterator[dict[str, Any]]:
    """Train for many epochs, yield the scores so far, and what became of the accuracy after the tenth epoch."""
    for trained in stages(Setting("softmax", 0.1, 256, LONG)):
        accuracy = np.array([score.accuracy for score in trained.valid], float)
        if len(accuracy) <= EARLY.start:
            continue  # too soon to compare
        early, late = accuracy[EARLY].mean(), accuracy[-10:].mean()
        trend = "falls" if late < early - 0.01 else "rises" if late > early + 0.01 else "levels"
        gaps = [valid.loss - train.loss for train, valid in zip(trained.train, trained.valid, strict=True)]
        yield curves(trained) | {
            "trend": trend,
            "early": early,
            "late": late,
            "early_gap": np.mean(gaps[EARLY]),
            "late_gap": np.mean(gaps[-10:]),
        }


@cache
def largest_lr() -> float:
    """Return 2/λ_max of the loss at the first weights: with smaller steps, gradient descent on all rows goes down."""
    return largest_stable_lr(new_model("softmax"), dataset().train)


# The book's listing


def softmax_concise(train_iter: Loader, test_iter: Loader, num_epochs: int = 10) -> nn.Module:
    """Train softmax regression as the notes' last listing does, and return it."""
    net = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))

    def init_weights(m: nn.Module) -> None:
        if type(m) is nn.Linear:
            nn.init.normal_(m.weight, std=0.01)

    net.apply(init_weights)
    loss = nn.CrossEntropyLoss(reduction="none")
    trainer = torch.optim.SGD(net.parameters(), lr=0.1)
    d2l.train_ch3(net, train_iter, test_iter, loss, num_epochs, trainer)
    return net


def one_pass(net: nn.Module, train_iter: Loader, loss: nn.Module, trainer: Optimizer) -> tuple[float, float]:
    """Train for one pass as ``train_ch3`` does, and return the training loss and accuracy, means over the pass."""
    metric = d2l.Accumulator(3)
    for X, y in train_iter:
        y_hat = net(X)
        losses = loss(y_hat, y)
        trainer.zero_grad()
        losses.mean().backward()
        trainer.step()
        metric.add(losses.sum().item(), d2l.accuracy(y_hat, y), y.numel())
    return metric[0] / metric[2], metric[1] / metric[2]


def by_the_book() -> Iterator[dict[str, Any]]:
    """Train as ``softmax_concise`` does, and yield after each epoch the scores so far, and what a batch makes.

    Fields with an entry for each epoch, from 0: before it, the mean loss of 256 images, the length of its gradient, and
    how far a step along it moves the weights.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        train_iter, test_iter = d2l.load_data_fashion_mnist(256)
        layer = nn.Linear(784, 10)
        nn.init.normal_(layer.weight, std=0.01)
        net = nn.Sequential(nn.Flatten(), layer)
        loss = nn.CrossEntropyLoss(reduction="none")
        trainer = torch.optim.SGD(net.parameters(), lr=0.1)
        names = ("train_loss", "train_accuracy", "batch_loss", "slope", "moved", "test_accuracy")
        found: dict[str, Any] = {"book": 0.83} | {name: [None] for name in names}
        for epoch in range(1, BOOK.epochs + 1):
            X, y = train_iter.dataset[: train_iter.batch_size]
            batch_loss = loss(net(X), y).mean()
            (slope,) = torch.autograd.grad(batch_loss, layer.weight)
            scores = one_pass(net, train_iter, loss, trainer)
            length = slope.norm().item()
            moved, tested = length * trainer.param_groups[0]["lr"], d2l.evaluate_accuracy(net, test_iter)
            made = (*scores, batch_loss.item(), length, moved, tested)
            for name, value in zip(names, made, strict=True):
                found[name] = [*found[name], value]
            yield found | {"last": epoch, "tested": found["test_accuracy"][-1]}


# What a network has learned


@cache
def garments() -> dict[str, Any]:
    """Return ``examples`` (10, 784): the first training image of each class."""
    rows = dataset().train
    return {"examples": rows.X[[int(np.argmax(rows.y == k)) for k in range(len(CLASSES))]]}


@cache
def drawing() -> dict[str, Any]:
    """Return the image that is on the pad at first, ``drawing`` (784,)."""
    return {"drawing": test_rows().X[1]}


CORNERS = {
    "slow-small": Setting("softmax", 0.001, 128, EPOCHS),
    "slow-large": Setting("softmax", 0.001, 4096, EPOCHS),
    "fast-small": Setting("softmax", 1, 128, EPOCHS),
    "fast-large": Setting("softmax", 0.3, 4096, EPOCHS),
    "middle": Setting("softmax", 0.1, 256, EPOCHS),
}


def corner(network: str) -> Iterator[dict[str, Any]]:
    """Yield the templates of a network from the edge of the grid, and what it mistakes on the validation images."""
    for trained in stages(CORNERS[network]):
        model, valid = rounded(trained.model), split()[1]
        predicted, _ = judge(model, valid)
        yield {
            "templates": half(model.weight),
            "classes": CLASSES,
            "mistaken": confusion_counts(valid.y, predicted, len(CLASSES)),
            "share": np.mean(predicted == valid.y),
            "strongest": float(model.weight.detach().abs().max()),
        }


# What the page computes itself: sums over the pixels of one image


def scored(
    pixels: NDArray[np.uint8], weight: NDArray[np.float16], bias: NDArray[np.float16]
) -> dict[str, Any]:
    """Return what each pixel (784,) adds to each class's logit, (10, 784), the logits and the probabilities (10,)."""
    parts = weight.astype(float) * (pixels / 255)
    logits = parts.sum(axis=1) + bias
    probability = np.asarray(functional.softmax(torch.from_numpy(logits[None]))[0])
    return {
        "parts": parts,
        "logits": logits,
        "probability": probability,
        "says": CLASSES[int(logits.argmax())],
        "sureness": probability.max(),
        "places": list(range(9, -1, -1)),
    }


def sums(garment: str, row: int) -> dict[str, Any]:
    """Return the sums over the first rows of pixels of an image, with the book's weights."""
    pixels = garments()["examples"][CLASSES.index(garment)].copy()
    pixels[SIDE * row :] = 0
    return scored(pixels, book()["weights"][-1], book()["biases"][-1])


def templates(after: float) -> dict[str, Any]:
    """Return the weights (10, 784) after some epochs of the book's run, and the test accuracy."""
    i = SNAPSHOTS.index(int(after))
    weights = book()["weights"][i]
    return {"templates": weights, "share": book()["tested"][i], "strongest": np.abs(weights).max()}


def confused(true: int, predicted: int) -> dict[str, Any]:
    """Return images of a cell of the confusion matrix, and how many it has."""
    found = answers()
    (kept,) = np.nonzero(found["cells"] == 10 * true + predicted)
    return {
        "images": found["cell_images"][kept],
        "captions": [found["cell_sureness"][i] for i in kept],
        "count": found["counts"][int(true), int(predicted)],
        "is": CLASSES[int(true)],
        "said": CLASSES[int(predicted)],
    }


def mistake(worst: int) -> dict[str, Any]:
    """Return what each pixel of a mistake adds to the lead of the class that was said over the true one."""
    found, weight, bias = answers(), book()["weights"][-1].astype(float), book()["biases"][-1].astype(float)
    true, said = found["worst_true"][int(worst)], found["worst_predicted"][int(worst)]
    parts = (weight[said] - weight[true]) * (found["worst_images"][int(worst)] / 255)
    return {
        "decided": [parts],
        "lead": parts.sum() + bias[said] - bias[true],
        "is": CLASSES[true],
        "said": CLASSES[said],
        "sureness": found["worst_sureness"][int(worst)],
    }


def drawn(drawing: NDArray[np.uint8]) -> dict[str, Any]:
    """Return what the book's network and the perceptron say of a drawing (784,), moved and scaled to fill the frame."""
    pixels = fitted(np.asarray(drawing, np.uint8).reshape(SIDE, SIDE)).ravel()
    mlp = perceptron()
    hidden = np.maximum(0, mlp["hidden"].astype(float) @ (pixels / 255) + mlp["hidden_bias"])
    logits = mlp["output"].astype(float) @ hidden + mlp["output_bias"]
    probability = np.asarray(functional.softmax(torch.from_numpy(logits[None]))[0])
    first = scored(pixels, book()["weights"][-1], book()["biases"][-1])
    return first | {
        "second": probability,
        "second_says": CLASSES[int(logits.argmax())],
        "second_sureness": probability.max(),
        "agree": logits.argmax() == first["logits"].argmax(),
        "above": [9.2 - k for k in range(10)],
        "below": [8.8 - k for k in range(10)],
    }


def units(drawing: NDArray[np.uint8], unit: int) -> dict[str, Any]:
    """Return the weights (10, 784) of the perceptron's hidden units that count most, and their sums over a drawing."""
    mlp, pixels = perceptron(), fitted(np.asarray(drawing, np.uint8).reshape(SIDE, SIDE)).ravel() / 255
    hidden = mlp["hidden"].astype(float)
    reach = np.linalg.norm(hidden, axis=1) * np.linalg.norm(mlp["output"].astype(float), axis=0)
    shown = np.argsort(-reach, kind="stable")[:SHOWN]
    sums = hidden[shown] @ pixels + mlp["hidden_bias"][shown]
    return {
        "units": hidden[shown],
        "passed": [f"{max(0, total):.1f}" for total in sums],
        "unit_parts": [hidden[shown[int(unit)]] * pixels],
        "unit_number": int(unit) + 1,
        "unit_sum": sums[int(unit)],
        "passes_on": max(0.0, sums[int(unit)]),
    }


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


# Other models, and the exact minimum


def second_layer(mlp_lr: float, mlp_batch: float) -> Iterator[dict[str, Any]]:
    """Yield the validation scores of the MLP and of softmax regression in the same setting, epoch by epoch."""
    one = train(Setting("softmax", mlp_lr, int(mlp_batch), SHORT))
    for two in stages(Setting("mlp", mlp_lr, int(mlp_batch), SHORT)):
        yield {
            "one": [score.accuracy for score in one.valid],
            "two": [score.accuracy for score in two.valid],
            "parameters": models.parameter_count(two.model),
            "one_parameters": models.parameter_count(one.model),
            "lead": 100 * (mean_of_last(two, "accuracy") - mean_of_last(one, "accuracy")),
        }


def fewer_parameters(phm_lr: float) -> Iterator[dict[str, Any]]:
    """Yield the accuracy and the parameters of PHM layers with more and more parts n."""
    sizes, accuracies, counted = (1, 2, 4, 8, 14), [], []
    for n in sizes:
        trained = train(Setting("phm", phm_lr, 256, FEW, n))
        accuracies.append(mean_of_last(trained, "accuracy"))
        counted.append(models.parameter_count(trained.model))
        yield {
            "n": sizes[: len(counted)],
            "names": [f"n = {n}" for n in sizes[: len(counted)]],
            "accuracies": accuracies,
            "counted": counted,
            "formula": [phm_parameters(n) for n in sizes[: len(counted)]],
        }


def phm_parameters(n: int) -> int:
    """Return the number of parameters of a PHM layer from 784 to 10 by the formula: n³ + n⌈10/n⌉⌈784/n⌉ + 10."""
    d, q = dataset().n_features, dataset().n_outputs
    return weight_parameters(d, q, n) + q


def optimum() -> dict[str, Any]:
    """Go to the minimum of mean cross-entropy + ‖W‖²/2n by second-order information, and compare with the book's SGD.

    ``by_sgd`` and ``by_exact`` have the objective and the test loss, ``tested`` the test accuracies of both; ``gap`` is
    how far the minimum found may be above the true one.
    """
    rows, held, sgd = dataset().train, test_rows(), book_network()
    n = len(rows)
    exact = SoftmaxRegression(tol=1e-4).fit(rows.X / np.float32(255), rows.y)
    probability, labels = exact.predict_proba(held.X / np.float32(255)), held.y
    loss = -float(np.log(probability[np.arange(len(labels)), labels]).mean())
    tested = training.evaluate(sgd, held)
    penalty = float(sgd.weight.detach().square().sum()) / (2 * n)
    accuracies = [float(tested.accuracy or 0), float((probability.argmax(axis=1) == labels).mean())]
    points = 100 * (accuracies[1] - accuracies[0])
    return {
        "by_sgd": [training.evaluate(sgd, rows).loss + penalty, tested.loss],
        "by_exact": [exact.objective_ / n, loss],
        "before": [-0.2, 0.8],
        "after": [0.2, 1.2],
        "tested": accuracies,
        "rise": "rise-little" if points < 1 else "rise-some" if points < 3 else "rise-much",
        "gap": exact.gap_ / n,
    }
