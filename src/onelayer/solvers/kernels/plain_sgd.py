"""What ``compiled_sgd.c`` does, in NumPy: what it means, and what runs where it could not be compiled."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SCORED_AT_ONCE = 512  # rows


def sgd_pass(
    X: Array,
    targets: Array,
    order: NDArray[np.int64],
    weight: Array,
    factors: Array | None,
    decay: Array | None,
    one: float,
    step: float,
    batch_size: int,
    threads: int,
    /,
) -> tuple[float, int]:
    """Take a step of SGD with each batch of rows; return the sum of losses before the steps, and how many were right.

    Args:
        X: features (n, d), bytes or floats.
        targets: labels (n,) for cross-entropy, or numbers (n, q) for half the squared error.
        order: the numbers of the rows to visit.
        weight: (q, width), of features, of a constant one, and of padding that is 0; changed in place.
        factors: (n,) that losses of rows are multiplied by, or None for 1.
        decay: (width,) that weights are multiplied by after each step, or None for 1.
        one: the constant feature.
        step: what the mean gradient of a batch is multiplied by; if it is 0, rows are scored alone.
        batch_size: rows per step.
        threads: at most; linear algebra has its own here.
    """
    loss, right = 0.0, 0
    batch_size = batch_size if step else SCORED_AT_ONCE
    for start in range(0, len(order), batch_size):
        rows = order[start : start + batch_size]
        features = np.zeros((len(rows), weight.shape[1]), weight.dtype)
        features[:, : X.shape[1]] = X[rows]
        features[:, X.shape[1]] = one
        derivatives, losses, n_right = _derivatives(features @ weight.T, targets[rows])
        if factors is not None:
            derivatives *= factors[rows, None]
            losses *= factors[rows]
        loss, right = loss + float(losses.sum(dtype=np.float64)), right + n_right
        if step:
            weight -= weight.dtype.type(step / len(rows)) * (derivatives.T @ features)
            if decay is not None:
                weight *= decay
    return loss, right


def shuffle(order: NDArray[np.int64], jumps: NDArray[np.int64], /) -> None:
    """Swap each number of ``order`` (n,), but the last, with that so many places further on (n − 1,), in place."""
    found = order.tolist()
    for i, jump in enumerate(jumps.tolist()):
        found[i], found[i + jump] = found[i + jump], found[i]
    order[:] = found


def _derivatives(outputs: Array, targets: Array) -> tuple[Array, Array, int]:
    """Return the derivatives of the losses of outputs (m, q), the losses (m,), and how many labels were right."""
    if targets.ndim == 2:
        difference = outputs - targets
        return difference, np.square(difference).sum(axis=1) / 2, 0
    rows = np.arange(len(targets))
    n_right = int((outputs.argmax(axis=1) == targets).sum())
    with np.errstate(invalid="ignore"):  # of outputs that are infinite the loss is NaN, which ends the run
        shifted = outputs - outputs.max(axis=1, keepdims=True)
        powers = np.exp(shifted)
        sums = powers.sum(axis=1, keepdims=True)
        derivatives = powers / sums
        losses = np.log(sums[:, 0]) - shifted[rows, targets]
    derivatives[rows, targets] -= 1
    return derivatives, losses, n_right
