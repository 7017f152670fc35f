"""The fused way: minibatch SGD by closed-form gradients, straight from bytes, in place.

For a batch X (m, d) both models have the gradient P X / m, where the columns of P (q, m) are the derivatives of the
loss with respect to the outputs: ŷ − y for squares, softmax(o) − one_hot(y) for cross-entropy. So a step is two matrix
products, which ``kernels/compiled_sgd.c`` makes from rows that are copied into the processor's cache once. Besides:

- The bias is one more column of the weight matrix, against a constant feature. One product does both.
- Bytes go in as they are, 0 … 255. Learning v = w/255 on them is the same as learning w on pixels in [0, 1]: the
  logits are equal, and v's step is w's divided by 255². The constant feature is 255 then.
- A batch is cut into parts whose gradients are added in their order: the weights have the same bits on any number of
  threads.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.engines.threads import thread_count
from onelayer.solvers import kernels
from onelayer.solvers.epoch import EpochScore
from onelayer.solvers.kernels import plain_sgd

Array = NDArray[Any]

ALIGNMENT = 32  # numbers that a row of weights is a multiple of
MOST_COMPILED = 2**17  # weights; linear algebra multiplies by more of them faster
AT_ONCE = 2**27  # features that are visited before Ctrl-C is heeded


def train_epoch(
    weight: Array,
    bias: Array | None,
    X: Array,
    y: Array,
    order: NDArray[np.int64],
    *,
    batch_size: int,
    lr: float,
    one: float = 1.0,
    factors: Array | None = None,
    penalty: Array | None = None,
) -> EpochScore:
    """Train linear or softmax regression for one pass over rows, and return how it did before each step.

    Args:
        weight: (q, d) in float32 or float64, changed in place.
        bias: (q,) likewise, or None for 0.
        X: features (n, d), bytes or floats.
        y: labels (n,), whole numbers below q, for softmax regression; or numbers (n, q).
        order: the rows' numbers, in the order to visit them.
        batch_size: rows per step; the last batch may be shorter.
        lr: the learning rate η of w ← w − η/m Σ ∂l.
        one: how the feature 1 is stored: 255 for pixels.
        factors: (n,) what the losses of the rows are multiplied by.
        penalty: λ (d,) of ½ Σ λⱼ ‖wⱼ‖² on the weights of each feature, added to the mean loss. It is weight decay,
            w ← (w − η/m Σ ∂l) / (1 + ηλ): in this form no penalty is too strong for a learning rate.
    """
    whole, decay = _whole(weight, bias, one), None
    if penalty is not None:
        decay = np.ones(whole.shape[1], whole.dtype)
        decay[: len(penalty)] = 1 / (1 + lr * penalty)
    score = _passed(
        whole,
        X,
        y,
        order,
        min(batch_size, len(order)),
        constant=0.0 if bias is None else one,
        step=lr / one**2,
        factors=factors,
        decay=decay,
    )
    d = weight.shape[1]
    weight[:] = whole[:, :d] * one
    if bias is not None:
        bias[:] = whole[:, d] * one
    return score


def score_of(
    weight: Array, bias: Array | None, X: Array, y: Array, one: float = 1.0, factors: Array | None = None
) -> EpochScore:
    """Return the mean loss and, for classes, the accuracy on all rows; see ``train_epoch`` for the arguments."""
    order = np.arange(len(X))
    constant = 0.0 if bias is None else one
    return _passed(_whole(weight, bias, one), X, y, order, 1, constant=constant, factors=factors)


def _whole(weight: Array, bias: Array | None, one: float) -> Array:
    """Return weights and bias, for features as they are stored, as one matrix (q, d + 1 + padding)."""
    q, d = weight.shape
    whole = np.zeros((q, -(-(d + 1) // ALIGNMENT) * ALIGNMENT), weight.dtype)
    whole[:, :d] = weight / weight.dtype.type(one)
    if bias is not None:
        whole[:, d] = bias / weight.dtype.type(one)
    return whole


def _passed(
    whole: Array,
    X: Array,
    y: Array,
    order: NDArray[np.int64],
    batch_size: int,
    *,
    constant: float,
    step: float = 0.0,
    factors: Array | None = None,
    decay: Array | None = None,
) -> EpochScore:
    """Take the steps, some batches at a time, or with a step of 0 score the rows alone."""
    is_like = X.dtype == whole.dtype or (X.dtype == np.uint8 and whole.dtype == np.float32)
    make = kernels.sgd_pass if is_like and whole.size <= MOST_COMPILED else plain_sgd.sgd_pass
    span = batch_size * max(1, AT_ONCE // (batch_size * max(1, X.shape[1])))
    loss, n_right, n = 0.0, 0, len(order)
    for start in range(0, n, span):
        part = order[start : start + span]
        found = make(X, y, part, whole, factors, decay, constant, step, batch_size, thread_count())
        loss, n_right = loss + found[0], n_right + found[1]
    return EpochScore(loss / n, n_right / n if y.ndim == 1 else None)
