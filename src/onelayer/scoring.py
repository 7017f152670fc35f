"""How good the outputs of a model are, in the user's units."""

from collections.abc import Sequence
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.scaling import ROUNDING
from onelayer.model import log_softmax


def regression_scores(
    outputs: NDArray[np.float64], y: NDArray[Any], c: NDArray[np.float64] | None = None
) -> dict[str, float | None]:
    """Return R², None if the target is constant, and the root mean squared error in the target's unit.

    Args:
        outputs: predictions (n, q).
        y: targets (n, q).
        c: weights (n,), or None for 1.
    """
    unexplained = float(np.average(np.square(outputs - y), axis=0, weights=c).sum())
    variance = total_variance(y, c)
    return {"r2": 1 - unexplained / variance if variance else None, "rmse": sqrt(unexplained / y.shape[1])}


def total_variance(y: NDArray[Any], c: NDArray[np.float64] | None = None) -> float:
    """Return the sum of the variances of targets y (n, q), of rows of weights c (n,), leaving out what is rounding."""
    variances = np.average(np.square(y - np.average(y, axis=0, weights=c)), axis=0, weights=c)
    return float(variances[varies(y)].sum())


def varies(y: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which targets of y (n, q) vary by more than rounding (q,)."""
    found: NDArray[np.bool_] = np.ptp(y, axis=0) > ROUNDING * np.abs(y).max(axis=0)
    return found


def classification_scores(
    outputs: NDArray[np.float64],
    labels: NDArray[Any],
    classes: Sequence[str],
    c: NDArray[np.float64] | None = None,
) -> dict[str, Any]:
    """Return accuracy and mean cross-entropy (nats), overall and the accuracy of each class.

    Args:
        outputs: logits (n, q).
        labels: class numbers (n,).
        classes: their names (q,).
        c: weights (n,), or None for 1; the accuracies of classes are of rows without them.
    """
    predicted = outputs.argmax(axis=1)
    counts = confusion_counts(labels, predicted, len(classes))
    right, rows = counts.diagonal(), counts.sum(axis=1)
    losses = -log_softmax(outputs)[np.arange(len(labels)), labels]
    return {
        "accuracy": float(np.average(predicted == labels, weights=c)),
        "loss": float(np.average(losses, weights=c)),
        "classes": {
            name: {"rows": int(n), "accuracy": int(k) / int(n) if n else None}
            for name, n, k in zip(classes, rows, right, strict=True)
        },
    }


def confusion_counts(labels: NDArray[Any], predicted: NDArray[Any], n_classes: int) -> NDArray[np.int64]:
    """Return how often each true class (row) was taken for each class (column): (n,), (n,) to (q, q)."""
    pairs = labels.astype(np.int64) * n_classes + predicted
    return np.bincount(pairs, minlength=n_classes**2).reshape(n_classes, n_classes)
