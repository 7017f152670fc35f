"""What the lesson's networks have learned: weights as a page has them, rounded to float16, and answers judged so."""

from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from onelayer import functional, training
from onelayer.data import Rows
from onelayer.lab.lessons.fashion_mnist.experiment import CLASSES
from onelayer.lab.lessons.softmax_regression.runs import (
    BOOK,
    MLP,
    Setting,
    dataset,
    new_model,
    stages,
    test_rows,
    train,
)
from onelayer.scoring import confusion_counts
from onelayer.solvers.batches import Batches

SHOWN = 10  # templates and mistakes
SNAPSHOTS = (0, 1, 2, 3, 5, 10)  # epochs of the book's run whose weights are shown
CELL = 3  # images of a cell of the confusion matrix


def rounded(model: nn.Module) -> nn.Linear:
    """Return a linear model with the weights that a page has: those of ``model`` in float16."""
    linear = nn.Linear(dataset().n_features, dataset().n_outputs)
    with torch.no_grad():
        linear.weight.copy_(model.weight.half())  # type: ignore[arg-type]
        linear.bias.copy_(model.bias.half())  # type: ignore[arg-type]
    return linear


def half(parameter: Tensor) -> NDArray[np.float16]:
    """Return weights as a page has them."""
    return np.asarray(parameter.detach().half())


@cache
def book() -> dict[str, Any]:
    """Return the book's run, trained on all 60,000 images: ``weights`` (6, 10, 784) and ``biases`` at ``snapshots``.

    ``tested`` is the test accuracy of each.
    """
    found: dict[str, list[Any]] = {"weights": [], "biases": [], "tested": []}
    for epoch, trained in enumerate(stages(BOOK)):
        if epoch in SNAPSHOTS:
            model = rounded(trained.model)
            found["weights"].append(half(model.weight))
            found["biases"].append(half(model.bias))
            found["tested"].append(training.evaluate(model, test_rows()).accuracy)
    return {
        "snapshots": list(SNAPSHOTS),
        "classes": list(CLASSES),
        "weights": np.array(found["weights"]),
        "biases": np.array(found["biases"]),
        "tested": found["tested"],
    }


def book_network() -> nn.Linear:
    """Return the network of the book's run at its end, with the weights that the page has."""
    found, model = book(), new_model("softmax")
    weights = {"weight": found["weights"][-1], "bias": found["biases"][-1]}
    model.load_state_dict({name: torch.from_numpy(values).float() for name, values in weights.items()})
    assert isinstance(model, nn.Linear)
    return model


@cache
def perceptron() -> dict[str, Any]:
    """Return the weights of an MLP that has been trained on all 60,000 images, and its test accuracy."""
    model = train(Setting("mlp", 0.1, 128, 6, whole=True)).model
    names = {
        "hidden": "fc1.weight",
        "hidden_bias": "fc1.bias",
        "output": "fc2.weight",
        "output_bias": "fc2.bias",
    }
    state = {name: half(model.state_dict()[place]) for name, place in names.items()}
    halved = MLP()
    halved.load_state_dict({place: torch.from_numpy(state[name]).float() for name, place in names.items()})
    return state | {"mlp_tested": training.evaluate(halved, test_rows()).accuracy}


@torch.inference_mode()
def judge(model: nn.Module, images: Rows) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the most probable class of each image (n,), and its probability (n,)."""
    logits = torch.cat([model(X) for X, _, _ in Batches.like(model, images).blocks()])
    probability, predicted = functional.softmax(logits).max(dim=1)
    return predicted.numpy(), probability.numpy()


@cache
def answers() -> dict[str, Any]:
    """Return what the book's network says of the test images: ``counts`` (10, 10), and images of answers.

    ``cells`` says of each image in ``cell_images`` which cell of ``counts`` it is from, row by row; the surest come
    first. ``worst_images`` are the mistakes that the network was surest of.
    """
    rows = test_rows()
    predicted, probability = judge(book_network(), rows)
    counts, cell = confusion_counts(rows.y, predicted, len(CLASSES)), len(CLASSES) * rows.y + predicted
    by_sureness = np.argsort(-probability, kind="stable")
    kept = np.concatenate([by_sureness[cell[by_sureness] == k][:CELL] for k in range(100)])
    worst = by_sureness[(predicted != rows.y)[by_sureness]][:SHOWN]
    pairs = {"pair-shirt": (0, 6), "pair-coat": (2, 4), "pair-shirt-coat": (4, 6), "pair-boot": (7, 9)}
    both = counts + counts.T
    pair = max(pairs, key=lambda pair: both[pairs[pair]])
    one, other = pairs[pair]
    return {
        "counts": counts,
        "pair": pair,
        "pair_there": counts[one, other],
        "pair_back": counts[other, one],
        "pair_both": both[one, other],
        "cells": cell[kept],
        "cell_images": rows.X[kept],
        "cell_sureness": [f"{share:.0%}" for share in probability[kept]],
        "worst_images": rows.X[worst],
        "worst_true": rows.y[worst],
        "worst_predicted": predicted[worst],
        "worst_sureness": [float(share) for share in probability[worst]],
        "worst_names": [CLASSES[k] for k in predicted[worst]],
    }
