"""The fused way for modules of PyTorch: on the CPU ``sgd.py``, on other devices the same steps on tensors.

On a device outputs are kept as (q, m): v Xᵀ and P X are the shapes in which thin matrices are multiplied fastest. A
batch is multiplied in a few parts, whose gradients are added up.
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from onelayer.solvers import sgd
from onelayer.solvers.batches import Batches
from onelayer.solvers.epoch import EpochScore

ALIGNMENT = 16  # floats; rows that start on a cache line multiply a third faster
PARTS = 4  # of a batch
SCORED_AT_ONCE = 16384  # rows; few calls, and the outputs still fit in the cache
FLOATS = (torch.float32, torch.float64)  # that NumPy has too


def train_epoch(
    model: nn.Linear,
    rows: Batches,
    order: Tensor,
    batch_size: int,
    lr: float,
    *,
    penalty: Tensor | None = None,
) -> EpochScore:
    """Train linear or softmax regression for one pass over ``rows``, as the rows' task says.

    Args:
        model: changed in place; with ``bias=False`` there is none to learn.
        rows: features (n, d), bytes or floats of the model's type; labels (n,) or numbers (n, q). Their weights
            multiply the losses of the rows.
        order: the rows' numbers (n,) in the order to visit them.
        batch_size: rows per step; the last batch may be shorter.
        lr: the learning rate η of w ← w − η/m Σ ∂l.
        penalty: λ (d,) of weight decay; see ``sgd.train_epoch``.
    """
    if not is_for_numpy(model):
        return _train_on_device(model, rows, order, batch_size, lr, penalty)
    return sgd.train_epoch(
        *_arrays(model, rows),
        order.numpy(),
        batch_size=batch_size,
        lr=lr,
        penalty=None if penalty is None else penalty.numpy(),
        **_how(rows),
    )


def score_of(model: nn.Linear, rows: Batches) -> EpochScore:
    """Return the mean loss and, for classes, the accuracy of a model ``is_for_numpy`` on all rows."""
    return sgd.score_of(*_arrays(model, rows), **_how(rows))


def is_for_numpy(model: nn.Module) -> bool:
    """Whether the model is one layer, in memory that NumPy sees."""
    return isinstance(model, nn.Linear) and model.weight.device.type == "cpu" and model.weight.dtype in FLOATS


def _arrays(model: nn.Linear, rows: Batches) -> tuple[sgd.Array, sgd.Array | None, sgd.Array, sgd.Array]:
    """Return the model's parameters, of which a change is the model's, and the rows."""
    bias = None if model.bias is None else model.bias.detach().numpy()
    return model.weight.detach().numpy(), bias, rows.X.numpy(), rows.y.numpy()


def _how(rows: Batches) -> dict[str, Any]:
    return {"one": rows.stored_one, "factors": None if rows.c is None else rows.c.numpy()}


@torch.inference_mode()
def _train_on_device(
    model: nn.Linear, rows: Batches, order: Tensor, batch_size: int, lr: float, penalty: Tensor | None
) -> EpochScore:
    n = len(order)
    batch_size = min(batch_size, n)
    weight, features = _workspace(model, rows, batch_size)
    decay = (
        None
        if penalty is None
        else F.pad(1 / (1 + lr * penalty), (0, weight.shape[1] - len(penalty)), value=1)
    )
    order = order.to(rows.X.device, torch.int32)  # a third faster to gather by than int64
    full = n - n % batch_size
    span = batch_size * max(1, SCORED_AT_ONCE // batch_size)
    loss, correct = 0.0, 0
    for batches in (*order[:full].split(span), order[full:]):
        if len(batches):
            m = min(batch_size, len(batches))
            row_factors = None if rows.c is None else rows.c.index_select(0, batches)
            outputs, targets = _descend(weight, features[:m], rows, batches, lr, row_factors, decay)
            loss += _loss(outputs, targets, rows.are_classes, row_factors)
            correct += int((outputs.max(1).indices == targets).sum()) if rows.are_classes else 0
    d, one = model.in_features, rows.stored_one
    model.weight.copy_(weight[:, :d] * one)
    if model.bias is not None:
        model.bias.copy_(weight[:, d] * one)
    return EpochScore(loss / n, correct / n if rows.are_classes else None)


def _workspace(model: nn.Linear, rows: Batches, batch_size: int) -> tuple[Tensor, Tensor]:
    """Return the weights and bias as one matrix (q, d + 1 + padding), and a batch of that width.

    The padding is zero in the batch and so never learns.
    """
    d, one = model.in_features, rows.stored_one
    width = -(-(d + 1) // ALIGNMENT) * ALIGNMENT
    weight = model.weight.new_zeros(model.out_features, width)
    weight[:, :d] = model.weight / one
    features = model.weight.new_zeros(batch_size, width)
    if model.bias is not None:
        weight[:, d] = model.bias / one
        features[:, d] = one
    return weight, features


def _descend(
    weight: Tensor,
    features: Tensor,
    rows: Batches,
    order: Tensor,
    lr: float,
    row_factors: Tensor | None,
    decay: Tensor | None,
) -> tuple[Tensor, Tensor]:
    """Take a step of SGD with each of some batches of m rows, of which ``order`` (k·m,) has the numbers.

    ``weight`` (q, width) is changed in place, and multiplied by ``decay`` (width,) after each step; ``features``
    (m, width) is room for a batch; ``row_factors`` (k·m,) multiply the losses. Returns the outputs
    before each step, in parts of r rows (k·m/r, q, r), and the targets: labels (k·m/r, r) or numbers in the
    shape of the outputs.
    """
    m, width = features.shape
    q, d = len(weight), rows.X.shape[1]
    parts = PARTS if m % PARTS == 0 else 1
    r = m // parts
    x = features.view(parts, r, width)
    given, stored = features[:, :d], rows.X.new_empty(m, d)
    shared_weight = weight.expand(parts, q, width)
    dl_do, gradients = weight.new_empty(parts, q, r), weight.new_empty(parts, q, width)
    outputs = weight.new_empty(len(order) // m, parts, q, r)
    targets = rows.y.index_select(0, order).view(len(order) // m, parts, r, -1).transpose(2, 3)
    minus_one = weight.new_full((parts, 1, r), -1.0)
    step = weight.new_full((parts,), -lr / (m * rows.stored_one**2))
    factors = None if row_factors is None else row_factors.view(-1, parts, 1, r)
    for k, (i, o, y) in enumerate(zip(order.split(m), outputs.unbind(), targets.unbind(), strict=True)):
        torch.index_select(rows.X, 0, i, out=stored)
        given.copy_(stored)
        torch.bmm(shared_weight, x.transpose(1, 2), out=o)
        if rows.are_classes:
            torch.softmax(o, 1, out=dl_do)
            dl_do.scatter_add_(1, y, minus_one)
        else:
            torch.sub(o, y, out=dl_do)
        if factors is not None:
            dl_do.mul_(factors[k])
        torch.bmm(dl_do, x, out=gradients)
        weight.view(-1).addmv_(gradients.view(parts, -1).t(), step)  # sums, scales and adds in one pass
        if decay is not None:
            weight.mul_(decay)
    outputs, targets = outputs.flatten(0, 1), targets.flatten(0, 1)
    return outputs, targets.squeeze(1) if rows.are_classes else targets


def _loss(outputs: Tensor, targets: Tensor, are_classes: bool, row_factors: Tensor | None) -> float:
    """Return the summed loss of outputs (k, q, r) and targets as ``_descend`` returns them."""
    if are_classes:
        losses = F.cross_entropy(outputs, targets, reduction="none")
    else:
        losses = (outputs - targets).square().sum(1) / 2
    return float(losses.sum() if row_factors is None else losses.view(-1) @ row_factors)
