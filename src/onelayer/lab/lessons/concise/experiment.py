"""The experiments of lesson 7, without a notebook: the same training with PyTorch's own parts, step for step.

Parameter vectors and paths are those of lesson 6: (d + 1,), the weights and then the bias, and (steps + 1, d + 1).
Everything is float64.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from onelayer.functional import (
    absolute_loss,
    huber_loss,
    huber_loss_gradient,
    squared_loss,
    squared_loss_gradient,
)
from onelayer.lab.lessons.from_scratch.experiment import EPOCHS, TRUE, Array, data_iter, flat
from onelayer.solvers.batches import Batches, epoch_order, seeded_generator

Loss = Callable[[Tensor, Tensor], Tensor]

BATCH_SIZES = (10, 20, 50, 100, 200)  # each divides 1,000 examples; a slider would wait for smaller ones
OUTLIER = 20.0  # what is added to a label that was recorded wrongly


# Training


def load_array(rows: Batches, batch_size: int, seed: int, epoch: int) -> "DataLoader[tuple[Tensor, ...]]":
    """Return PyTorch's iterator over minibatches, in the order in which the loop from scratch visits them."""
    dataset = TensorDataset(rows.X, rows.y)
    order: list[int] = epoch_order(len(rows), seed, epoch).tolist()
    return DataLoader(dataset, batch_size, sampler=order, generator=torch.Generator())


def build_net(d: int, seed: int = 0) -> nn.Sequential:
    """Return a network of one linear layer, its weights drawn from N(0, 0.01²) and its bias 0."""
    layer = nn.Linear(d, 1, dtype=torch.float64)
    layer.weight.data.normal_(0, 0.01, generator=torch.Generator().manual_seed(seed))
    layer.bias.data.fill_(0)
    return nn.Sequential(layer)


def train(
    rows: Batches, loss: Loss, lr: float, batch_size: int, epochs: int = EPOCHS, seed: int = 0
) -> Array:
    """Train with ``torch.optim.SGD`` and return the path."""
    net = build_net(rows.X.shape[1], seed)
    trainer = torch.optim.SGD(net.parameters(), lr=lr)
    path = [parameters_of(net)]
    for epoch in range(1, epochs + 1):
        for X, y in load_array(rows, batch_size, seed, epoch):
            batch_loss = loss(net(X), y)
            trainer.zero_grad()
            batch_loss.backward()
            trainer.step()
            path.append(parameters_of(net))
    return np.array(path)


def parameters_of(net: nn.Sequential) -> Array:
    """Return the weights and the bias of a network of one linear layer, (d + 1,)."""
    return flat(list(net.parameters()))


def largest_gap(path: Array, other: Array) -> float:
    """Return how far two paths of one length are apart at most, in any parameter after any step."""
    return float(np.abs(path - other).max())


# What the framework's parts do


def epoch_both_ways(rows: Batches, batch_size: int, seed: int = 0) -> tuple[Array, Array]:
    """Return all minibatches of the first epoch (n, d + 1), features and label, from scratch and from PyTorch."""
    iterators = data_iter(rows, batch_size, seed, 1), load_array(rows, batch_size, seed, 1)
    ours, theirs = (
        torch.cat([torch.cat([X, y], dim=1) for X, y in batches]).numpy() for batches in iterators
    )
    return ours, theirs


def batch_gradients(rows: Batches, batch_size: int) -> dict[str, Array]:
    """Return the gradients (d + 1,) that the first minibatch leaves in a new network, by what was done.

    ``"mse"`` is MSELoss; ``"half"`` the mean of ½(ŷ − y)²; ``"formula"`` the closed form of the latter; ``"twice"`` is
    MSELoss after two calls of ``backward`` without ``zero_grad`` in between.
    """
    X, y = next(iter(load_array(rows, batch_size, seed=0, epoch=1)))
    net = build_net(X.shape[1])
    residual = squared_loss_gradient(net(X), y).detach()
    found = {"formula": np.append((residual.T @ X / len(y)).numpy(), residual.mean())}
    for name, loss, calls in (
        ("mse", nn.MSELoss(), 1),
        ("half", lambda prediction, label: squared_loss(prediction, label, "mean"), 1),
        ("twice", nn.MSELoss(), 2),
    ):
        net.zero_grad()
        for _ in range(calls):
            loss(net(X), y).backward()
        found[name] = gradient_of(net)
    return found


def gradient_of(net: nn.Sequential) -> Array:
    """Return what ``net[0].weight.grad`` and ``net[0].bias.grad`` hold, as one vector (d + 1,)."""
    layer: Any = net[0]
    return flat([layer.weight.grad, layer.bias.grad])


def gradient_states(rows: Batches, batch_size: int) -> dict[str, Array | None]:
    """Return ``net[0].weight.grad`` (d,) before ``backward``, after it, and after ``zero_grad``."""
    X, y = next(iter(load_array(rows, batch_size, seed=0, epoch=1)))
    net = build_net(X.shape[1])
    layer: Any = net[0]
    states = {"before": layer.weight.grad}
    nn.MSELoss()(net(X), y).backward()
    states["after"] = layer.weight.grad
    net.zero_grad()
    states["cleared"] = layer.weight.grad
    return {name: None if grad is None else grad[0].numpy() for name, grad in states.items()}


def reductions(rows: Batches, lr: float, batch_size: int) -> dict[str, Array]:
    """Return three paths: the loss as a sum with η, as a mean with η, and as a mean with η·|B|."""
    total, mean = nn.MSELoss(reduction="sum"), nn.MSELoss(reduction="mean")
    return {
        "sum": train(rows, total, lr, batch_size),
        "mean": train(rows, mean, lr, batch_size),
        "scaled-mean": train(rows, mean, lr * batch_size, batch_size),
    }


# Other losses


def loss_shapes(delta: float, points: int = 121) -> pa.Table:
    """Return three losses over the residual: columns ``residual``, ``loss`` (its name) and ``value``."""
    residual = torch.linspace(-6, 6, points, dtype=torch.float64)
    zero = torch.zeros_like(residual)
    values = {
        "squared": squared_loss(residual, zero),
        "absolute": absolute_loss(residual, zero),
        "huber": huber_loss(residual, zero, delta),
    }
    return pa.concat_tables(
        pa.table({"residual": residual.numpy(), "loss": [name] * points, "value": value.numpy()})
        for name, value in values.items()
    )


@dataclass(frozen=True)
class Huber:
    """Huber's loss and its derivative at some residuals, (k,) each, from PyTorch and from the library."""

    residual: Array
    theirs: Array
    ours: Array
    their_slope: Array
    our_slope: Array


def huber_both_ways(delta: float) -> Huber:
    """Compute Huber's loss with ``nn.HuberLoss`` and autograd, and with the library's two formulas."""
    residual = torch.tensor([-5.0, -0.4, 0.0, 0.7, 3.0], dtype=torch.float64, requires_grad=True)
    zero = torch.zeros_like(residual)
    theirs = nn.HuberLoss(reduction="none", delta=delta)(residual, zero)
    (their_slope,) = torch.autograd.grad(theirs.sum(), residual)
    ours, our_slope = huber_loss(residual, zero, delta), huber_loss_gradient(residual, zero, delta)
    return Huber(*(t.detach().numpy() for t in (residual, theirs, ours, their_slope, our_slope)))


@dataclass(frozen=True)
class Robust:
    """What two losses learn from labels of which some are wrong.

    Attributes:
        share: the share of labels that are wrong.
        squared: the parameters (d + 1,) learned with MSELoss.
        huber: the parameters (d + 1,) learned with HuberLoss.
    """

    share: float
    squared: Array
    huber: Array

    @property
    def distances(self) -> tuple[float, float]:
        """How far the parameters of ``squared`` and of ``huber`` are from the true ones."""
        squared, huber = (float(np.linalg.norm(learned - TRUE)) for learned in (self.squared, self.huber))
        return squared, huber


def with_outliers(rows: Batches, share: float, seed: int = 0) -> Batches:
    """Return the rows with ``OUTLIER`` added to a share of the labels, chosen at random."""
    chosen = torch.randperm(len(rows), generator=seeded_generator(seed))[: round(share * len(rows))]
    y = rows.y.clone()
    y[chosen] += OUTLIER
    return replace(rows, y=y)


def compare_robustness(rows: Batches, share: float) -> Robust:
    """Train with MSELoss at η = 0.015 and with HuberLoss, δ = 1, at η = 0.03, for ten epochs of minibatches of 10."""
    wrong = with_outliers(rows, share)
    return Robust(
        share,
        train(wrong, nn.MSELoss(), 0.015, 10, epochs=10)[-1],
        train(wrong, nn.HuberLoss(), 0.03, 10, epochs=10)[-1],
    )


def offered_losses() -> list[str]:
    """Return the names of the losses in ``torch.nn``, as installed here."""
    return sorted(name for name in dir(nn) if name.endswith("Loss"))


def offered_initialisers() -> list[str]:
    """Return the names of the functions in ``torch.nn.init`` that fill a tensor, as installed here."""
    names = (name for name in dir(nn.init) if name.endswith("_") and not name.startswith("_"))
    return sorted(name for name in names if callable(getattr(nn.init, name)))
