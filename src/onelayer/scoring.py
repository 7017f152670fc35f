"""How good a trained model is on rows in the user's units."""

from math import sqrt
from typing import Any

import torch
from torch import Tensor

from onelayer.artifacts import TrainedModel
from onelayer.data import Rows
from onelayer.data.scaling import mean_and_std
from onelayer.functional import cross_entropy


def regression_scores(model: TrainedModel, rows: Rows) -> dict[str, float | None]:
    """Return R², None if the target is constant, and the root mean squared error in the target's unit."""
    squares = (model.outputs(rows.X) - rows.y).square().sum().item()
    _, std = mean_and_std(rows.y)
    spread = std.square().sum().item() * len(rows)
    r2 = 1 - squares / spread if spread else None
    return {"r2": r2, "rmse": sqrt(squares / rows.y.numel())}


def classification_scores(model: TrainedModel, rows: Rows) -> dict[str, Any]:
    """Return accuracy and mean cross-entropy (nats), overall and the accuracy of each class."""
    outputs = model.outputs(rows.X)
    right = outputs.argmax(dim=1) == rows.y
    classes = {}
    for number, name in enumerate(model.classes):
        of_class = rows.y == number
        n = int(of_class.sum())
        classes[name] = {"rows": n, "accuracy": float(right[of_class].double().mean()) if n else None}
    return {
        "accuracy": float(right.double().mean()),
        "loss": float(cross_entropy(outputs, rows.y)),
        "classes": classes,
    }


def confusion_counts(labels: Tensor, predicted: Tensor, n_classes: int) -> Tensor:
    """Return how often each true class (row) was taken for each class (column): (n,), (n,) to (q, q)."""
    pairs = labels * n_classes + predicted
    return torch.bincount(pairs, minlength=n_classes**2).view(n_classes, n_classes)
