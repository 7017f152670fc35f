"""The scratch way: tensors and autograd only, as sections 3.2 and 3.6 of the book build it up. For reading."""

import torch
from torch import Tensor, nn

from onelayer.errors import OneLayerError
from onelayer.functional import cross_entropy, squared_loss
from onelayer.solvers.batches import Batches
from onelayer.solvers.epoch import EpochScore


def affine(X: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Return XWᵀ + b: features (n, d) to outputs (n, q)."""
    return X @ weight.T + bias


def sgd(parameters: list[Tensor], lr: float, batch_size: int) -> None:
    """Take one step of minibatch stochastic gradient descent and clear the gradients.

    The gradients are those of the batch's summed loss; dividing by ``batch_size`` makes the step independent
    of it.
    """
    with torch.no_grad():
        for parameter in parameters:
            if parameter.grad is None:
                raise OneLayerError("a parameter has no gradient: call backward() on the loss first")
            parameter -= lr * parameter.grad / batch_size
            parameter.grad.zero_()


def train_epoch(model: nn.Linear, rows: Batches, order: Tensor, batch_size: int, lr: float) -> EpochScore:
    """Train linear or softmax regression for one pass over ``rows``, as the rows' task says.

    See ``onelayer.solvers.sgd.train_epoch`` for the arguments. Of ``model`` only its two tensors are used.
    """
    weight, bias = model.weight, model.bias
    loss_sum, correct = 0.0, 0
    for index in order.to(rows.X.device).split(batch_size):
        X, y = rows.batch(index)
        outputs = affine(X, weight, bias)
        loss = cross_entropy if rows.are_classes else squared_loss
        batch_loss = loss(outputs, y, reduction="sum")
        batch_loss.backward()
        sgd([weight, bias], lr, len(y))
        loss_sum += batch_loss.item()
        if rows.are_classes:
            correct += int((outputs.argmax(dim=1) == y).sum())
    n = len(order)
    return EpochScore(loss_sum / n, correct / n if rows.are_classes else None)
