"""Linear regression with PyTorch's own parts: the same training as from scratch, step for step, and other losses.

Parameter vectors and paths are those of the lesson from scratch: (d + 1,), the weights and then the bias, and
(steps + 1, d + 1). Everything is float64.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import SGD
from torch.utils.data import DataLoader, TensorDataset

from onelayer.functional import huber_loss, huber_loss_gradient, squared_loss, squared_loss_gradient
from onelayer.lab.lessons.from_scratch.training import EPOCHS, TRUE, Array, Batch, data_iter, flat
from onelayer.solvers.batches import Batches, epoch_order, seeded_generator

Loss = Callable[[Tensor, Tensor], Tensor]
Moment = tuple[str, Tensor | None]  # its name, and the gradient then

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
    generator = torch.Generator().manual_seed(seed)
    layer.weight.data.normal_(0, 0.01, generator=generator)
    layer.bias.data.fill_(0)
    return nn.Sequential(layer)


def train_epoch(batches: Iterable[Batch], net: nn.Module, loss: Loss, trainer: SGD) -> Iterator[Array]:
    """Take one step for each minibatch of an epoch, and yield the parameters (d + 1,) after it."""
    for X, y in batches:
        batch_loss = loss(net(X), y)
        trainer.zero_grad()
        batch_loss.backward()
        trainer.step()
        yield parameters_of(net)


def train(
    rows: Batches,
    loss: Loss,
    lr: float,
    batch_size: int,
    epochs: int = EPOCHS,
    seed: int = 0,
    start: tuple[float, ...] = (),
) -> Array:
    """Train with ``torch.optim.SGD`` and return the path; ``start`` sets the weights that it starts from."""
    net = network_at(np.append(start, 0)) if start else build_net(rows.X.shape[1], seed)
    trainer = SGD(net.parameters(), lr=lr)
    path = [parameters_of(net)]
    for epoch in range(1, epochs + 1):
        path += train_epoch(load_array(rows, batch_size, seed, epoch), net, loss, trainer)
    return np.array(path)


def parameters_of(net: nn.Module) -> Array:
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


def look_at_gradients(layer: nn.Linear, loss: Loss, X: Tensor, y: Tensor) -> Iterator[Moment]:
    """Yield the gradient (1, d) that a layer holds at some moments, with their names."""
    yield "at-first", layer.weight.grad
    loss(layer(X), y).backward()
    yield "after-one", layer.weight.grad
    loss(layer(X), y).backward()
    yield "after-two", layer.weight.grad
    layer.zero_grad()
    yield "after-zero", layer.weight.grad


def gradient_states(rows: Batches, batch_size: int) -> dict[str, Array | None]:
    """Return what ``look_at_gradients`` yields for the first minibatch and a new network, (d,) each."""
    X, y = next(iter(load_array(rows, batch_size, seed=0, epoch=1)))
    layer: Any = build_net(X.shape[1])[0]
    moments = look_at_gradients(layer, nn.MSELoss(), X, y)
    return {moment: None if grad is None else grad[0].clone().numpy() for moment, grad in moments}


# Other losses


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
    """Train with MSELoss at η = 0.05 and with HuberLoss, δ = 1, at η = 0.1, for 30 epochs of minibatches of 200."""
    wrong = with_outliers(rows, share)
    return Robust(
        share,
        train(wrong, nn.MSELoss(), 0.05, 200, epochs=30)[-1],
        train(wrong, nn.HuberLoss(), 0.1, 200, epochs=30)[-1],
    )


def offered_losses() -> list[str]:
    """Return the names of the losses in ``torch.nn``, as installed here."""
    return sorted(name for name in dir(nn) if name.endswith("Loss"))


def offered_initialisers() -> list[str]:
    """Return the names of the functions in ``torch.nn.init`` that fill a tensor, as installed here."""
    names = (name for name in dir(nn.init) if name.endswith("_") and not name.startswith("_"))
    return sorted(name for name in names if callable(getattr(nn.init, name)))


def minibatch(rows: Batches, batch_size: int, step: int) -> Batch:
    """Return the minibatch of a step, 0 and on."""
    epoch, at = divmod(step, -(-len(rows) // batch_size))
    return rows.batch(epoch_order(len(rows), 0, epoch + 1).split(batch_size)[at])


def network_at(parameters: Array) -> nn.Sequential:
    """Return a network with weights and bias (d + 1,)."""
    layer = nn.Linear(len(parameters) - 1, 1, dtype=torch.float64)
    layer.weight.data[0] = torch.from_numpy(parameters[:-1])
    layer.bias.data.fill_(parameters[-1])
    return nn.Sequential(layer)
