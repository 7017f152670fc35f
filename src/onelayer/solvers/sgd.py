"""The fused way: minibatch SGD by closed-form gradients, straight from bytes, in place.

For a batch X (m, d) both models have the gradient Pᵀ X / m, where P is the derivative of the loss by the output:
ŷ − y for squares, softmax(o) − one_hot(y) for cross-entropy. So a step is two matrix products. Three things make
them fast:

- The bias is one more column of the weight matrix, against a constant feature. One product does both.
- Bytes go in as they are, 0 … 255. Learning v = w/255 on them is the same as learning w on pixels in [0, 1]: the
  logits are equal, and v's step is w's divided by 255². The constant feature is 255 then.
- Outputs are kept as (q, m): v Xᵀ and P X are the shapes in which MKL multiplies a thin matrix fastest.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from onelayer.data import Rows
from onelayer.solvers.epoch import EpochScore

ALIGNMENT = 16  # floats; rows that start on a cache line multiply a third faster
SCORED_AT_ONCE = 16384  # rows; few calls, and the outputs still fit in the cache


@torch.inference_mode()
def train_epoch(model: nn.Linear, rows: Rows, order: Tensor, batch_size: int, lr: float) -> EpochScore:
    """Train linear or softmax regression for one pass over ``rows``, as the target's type says.

    Args:
        model: changed in place.
        rows: features (n, d), bytes or floats of the model's type; labels (n,) or numbers (n, q).
        order: the rows' numbers (n,) in the order to visit them.
        batch_size: rows a step; the last batch may be shorter.
        lr: the learning rate η of w ← w − η/m Σ ∂l.
    """
    batch_size = min(batch_size, len(order))
    unit = rows.feature_unit
    weight, x = _workspace(model, rows, batch_size)
    n, d, q = len(order), model.in_features, model.out_features
    given, stored = x[:, :d], rows.X.new_empty(batch_size, d)
    dl_do = weight.new_empty(q, batch_size)
    minus_one = weight.new_full((1, batch_size), -1.0)
    span = batch_size * max(1, SCORED_AT_ONCE // batch_size)
    outputs = weight.new_empty(q, span)
    order = order.to(rows.X.device, torch.int32)  # a third faster to gather by than int64
    targets = _targets_by_column(rows, order)

    loss, correct = 0.0, 0
    for index, target in zip(order.split(span), targets.split(span, 1), strict=True):
        output = outputs[:, : len(index)]
        for i, y, o in zip(
            index.split(batch_size),
            target.split(batch_size, 1),
            output.split(batch_size, 1),
            strict=True,
        ):
            m = len(i)
            if m < len(x):  # the last batch
                x, given, stored, dl_do = x[:m], given[:m], stored[:m], dl_do[:, :m]
                minus_one = minus_one[:, :m]
            torch.index_select(rows.X, 0, i, out=stored)
            given.copy_(stored)
            torch.mm(weight, x.t(), out=o)
            if rows.is_classification:
                torch.softmax(o, 0, out=dl_do)
                dl_do.scatter_add_(0, y, minus_one)
            else:
                torch.sub(o, y, out=dl_do)
            weight.addmm_(dl_do, x, alpha=-lr / (m * unit**2))
        span_loss, span_correct = _score(output, target)
        loss += span_loss
        correct += span_correct

    model.weight.copy_(weight[:, :d] * unit)
    model.bias.copy_(weight[:, d] * unit)
    return EpochScore(loss / n, correct / n if rows.is_classification else None)


def _workspace(model: nn.Linear, rows: Rows, batch_size: int) -> tuple[Tensor, Tensor]:
    """Return the weights and bias as one matrix (q, d + 1 + padding), and a batch of that width.

    The padding is zero in the batch and so never learns.
    """
    d, unit = model.in_features, rows.feature_unit
    width = -(-(d + 1) // ALIGNMENT) * ALIGNMENT
    weight = model.weight.new_zeros(model.out_features, width)
    weight[:, :d] = model.weight / unit
    weight[:, d] = model.bias / unit
    features = model.weight.new_zeros(batch_size, width)
    features[:, d] = unit
    return weight, features


def _targets_by_column(rows: Rows, order: Tensor) -> Tensor:
    """Return the targets in the order of the epoch: labels (1, n), or numbers (q, n)."""
    targets = rows.y.index_select(0, order)
    return targets.unsqueeze(0) if rows.is_classification else targets.t()


def _score(outputs: Tensor, targets: Tensor) -> tuple[float, int]:
    """Return the summed loss and the number of right classes of outputs (q, m)."""
    if targets.is_floating_point():
        return float((outputs - targets).square().sum(dtype=torch.float64)) / 2, 0
    losses = F.cross_entropy(outputs.unsqueeze(0), targets, reduction="none")
    right = outputs.max(0).indices.eq(targets[0]).sum()
    return float(losses.sum(dtype=torch.float64)), int(right)
