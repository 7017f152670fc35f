"""How good a trained model is on rows in the user's units."""

from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.model import Model, log_softmax

ROUNDING = 16 * float(np.finfo(np.float64).eps)  # how far apart, relatively, rounding may bring equal numbers


def regression_scores(model: Model, X: NDArray[Any], y: NDArray[Any]) -> dict[str, float | None]:
    """Return R², None if the target is constant, and the root mean squared error in the target's unit.

    Args:
        model: a regression.
        X: features (n, d) in the user's units.
        y: targets (n, q).
    """
    errors = float(np.square(model.outputs(X) - y).sum())
    spread = float(np.square(y - y.mean(axis=0))[:, varies(y)].sum())
    return {"r2": 1 - errors / spread if spread else None, "rmse": sqrt(errors / y.size)}


def varies(y: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which targets of y (n, q) vary by more than rounding (q,)."""
    found: NDArray[np.bool_] = np.ptp(y, axis=0) > ROUNDING * np.abs(y).max(axis=0)
    return found


def classification_scores(model: Model, X: NDArray[Any], labels: NDArray[Any]) -> dict[str, Any]:
    """Return accuracy and mean cross-entropy (nats), overall and the accuracy of each class.

    Args:
        model: a classifier.
        X: features (n, d), bytes for pixels.
        labels: class numbers (n,).
    """
    outputs = model.outputs(X)
    counts = confusion_counts(labels, outputs.argmax(axis=1), len(model.classes))
    right, rows = counts.diagonal(), counts.sum(axis=1)
    return {
        "accuracy": int(right.sum()) / len(labels),
        "loss": -float(log_softmax(outputs)[np.arange(len(labels)), labels].mean()),
        "classes": {
            name: {"rows": int(n), "accuracy": int(k) / int(n) if n else None}
            for name, n, k in zip(model.classes, rows, right, strict=True)
        },
    }


def confusion_counts(labels: NDArray[Any], predicted: NDArray[Any], n_classes: int) -> NDArray[np.int64]:
    """Return how often each true class (row) was taken for each class (column): (n,), (n,) to (q, q)."""
    pairs = labels.astype(np.int64) * n_classes + predicted
    return np.bincount(pairs, minlength=n_classes**2).reshape(n_classes, n_classes)
