"""The experiments of the lesson on PyTorch's own parts: the same training as from scratch, step for step.

Parameter vectors and paths are those of the lesson from scratch: (d + 1,), the weights and then the bias, and
(steps + 1, d + 1). Everything is float64.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.optim import SGD
from torch.utils.data import DataLoader, TensorDataset

from onelayer import LinearRegression
from onelayer.functional import (
    absolute_loss,
    huber_loss,
    huber_loss_gradient,
    squared_loss,
    squared_loss_gradient,
)
from onelayer.lab.lessons.from_scratch import experiment as scratch
from onelayer.lab.lessons.from_scratch.experiment import (
    EPOCHS,
    TRUE,
    Array,
    Batch,
    data,
    data_iter,
    flat,
    losses_on,
    start_at,
)
from onelayer.solvers.batches import Batches, epoch_order, seeded_generator

Loss = Callable[[Tensor, Tensor], Tensor]
Moment = tuple[str, Tensor | None]  # its name, and the gradient then

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


def reductions(rows: Batches, lr: float, batch_size: int) -> dict[str, Array]:
    """Return three paths: the loss as a sum with η, as a mean with η, and as a mean with η·|B|."""
    total, mean = nn.MSELoss(reduction="sum"), nn.MSELoss(reduction="mean")
    return {
        "sum": train(rows, total, lr, batch_size),
        "mean": train(rows, mean, lr, batch_size),
        "scaled-mean": train(rows, mean, lr * batch_size, batch_size),
    }


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


# What the lesson's scenes show

NAMES = ["part-w1", "part-w2", "part-b"]
SUM_RATE = 0.002  # of the sum of the squared errors
EXAMPLES = 24  # of the line with an outlier


examples = scratch.examples  # the data of both lessons' pages


def parts() -> dict[str, Any]:
    """Return what PyTorch says of the network, and its parameters (d + 1,) after each line of ``build_net``."""
    net = build_net(2)
    with torch.random.fork_rng(devices=()):  # the order of other draws stays what it was
        torch.manual_seed(2)
        made = parameters_of(nn.Linear(2, 1, dtype=torch.float64))
    built = parameters_of(net)
    return {
        "layer": str(net[0]),
        "shapes": [str(tuple(tensor.shape)) for tensor in net.state_dict().values()],
        "places": [0, 1, 2],
        "values": [[], made, np.append(built[:2], made[2:]), built, built],
        "drawn": shown(built[:2].tolist()),
    }


def shown(numbers: list[float]) -> str:
    """Return numbers as a page shows them."""
    return ", ".join(f"{number:.4f}" for number in numbers).replace("-", "−")


def both(
    lr: float, times: float, batch_size: int, start_w1: float, start_w2: float, step: int
) -> dict[str, Any]:
    """Return training from scratch with η and training with MSELoss and ``times`` η, from one start."""
    rows = data()
    by_hand = scratch.train(rows, start_at(start_w1, start_w2), lr, batch_size, EPOCHS)
    path = train(rows, nn.MSELoss(), times * lr, batch_size, start=(start_w1, start_w2))
    now = min(step, len(path) - 1)
    before = path[max(0, now - 1)]
    X, y = minibatch(rows, batch_size, max(0, now - 1))
    net = network_at(before)
    batch_loss = nn.MSELoss()(net(X), y)
    batch_loss.backward()
    return {
        "scratch_w1": by_hand[:, 0],
        "scratch_w2": by_hand[:, 1],
        "w1": path[:, 0],
        "w2": path[:, 1],
        "scratch_losses": losses_on(rows, by_hand),
        "losses": losses_on(rows, path),
        "gap": largest_gap(by_hand, path),
        "apart": np.abs(by_hand[now] - path[now]).max(),
        "last": len(path) - 1,
        "rows": len(y),
        "batch_loss": batch_loss.item(),
        "slope": gradient_of(net),
        "here": path[now],
        "wanted": 0.5,
    }


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


def checked() -> dict[str, Any]:
    """Return how far training with PyTorch, and its minibatches, are from those from scratch, for each batch size."""
    rows, found = data(), []
    for size in BATCH_SIZES:
        ours = scratch.train(rows, start_at(0.0, 0.0), 0.03, size, EPOCHS)
        theirs = train(rows, nn.MSELoss(), 0.015, size, start=(0.0, 0.0))
        found.append((largest_gap(ours, theirs), np.abs(np.subtract(*epoch_both_ways(rows, size))).max()))
    halves, loaded = zip(*found, strict=True)
    slopes = batch_gradients(rows, 10)
    return {
        "sizes": [f"size-{size}" for size in BATCH_SIZES],
        "halves": halves,
        "loaded": loaded,
        "none": 0,
        "names": NAMES,
        "mse": slopes["mse"],
        "twice": 2 * slopes["formula"],
    }


def means(size: int, factor: float, mean_step: int) -> dict[str, Any]:
    """Return training with the sum of the squared errors, and with their mean and ``factor`` times the rate."""
    rows = data()
    total = train(rows, nn.MSELoss(reduction="sum"), SUM_RATE, size, start=(0.0, 0.0))
    mean = train(rows, nn.MSELoss(), factor * SUM_RATE, size, start=(0.0, 0.0))
    scaled = train(rows, nn.MSELoss(), size * SUM_RATE, size, start=(0.0, 0.0))
    now = min(mean_step, len(mean) - 1)
    return {
        "sum_w1": total[:, 0],
        "sum_w2": total[:, 1],
        "mean_w1": mean[:, 0],
        "mean_w2": mean[:, 1],
        "sum_losses": losses_on(rows, total),
        "mean_losses": losses_on(rows, mean),
        "gap": largest_gap(total, mean),
        "apart": np.abs(total[now] - mean[now]).max(),
        "scaled_gap": largest_gap(total, scaled),
        "end": total[-1],
        "scaled_end": scaled[-1],
        "names": NAMES,
        "last": len(mean) - 1,
        "rate": factor * SUM_RATE,
        "wanted": 10 * SUM_RATE,
    }


def gradients() -> dict[str, Any]:
    """Return what ``net[0].weight.grad`` is before and after each call, and the gradient by the formula."""
    rows = data()
    states = gradient_states(rows, 10)
    found = batch_gradients(rows, 10)
    return {
        "grads": ["None" if grad is None else shown(grad.tolist()) for grad in states.values()],
        "places": [0, 1],
        "heights": [[], *([0, 0] if grad is None else grad for grad in states.values())],
        "names": NAMES,
        "half": found["half"],
        "formula": found["formula"],
        "two_calls": found["twice"],
        "twice_one": 2 * found["mse"],
        "which": "adds" if np.allclose(found["twice"], 2 * found["mse"]) else "replaces",
    }


def loading(workers: int = 4) -> dict[str, Any]:
    """Return how long the minibatches of an epoch take (ms): one indexing operation each, and ``DataLoader``."""
    rows = data()
    dataset, order = TensorDataset(rows.X, rows.y), epoch_order(len(rows), 0, 1)

    def loader(n: int) -> "DataLoader[tuple[Tensor, ...]]":
        wait = 60 if n else 0  # seconds
        return DataLoader(dataset, 10, sampler=order.tolist(), num_workers=n, timeout=wait)

    times = [
        milliseconds(lambda: [rows.batch(index) for index in order.split(10)]),
        milliseconds(lambda: list(loader(0))),
        milliseconds(lambda: list(loader(workers)), repeats=1),
    ]
    return {
        "ways": ["by-index", "by-loader", "by-workers"],
        "places": [0, 1, 2],
        "times": times,
        "by_index": times[0],
        "by_workers": times[2],
        "ratio": times[2] / times[0],
        "verdict": "workers-slower" if not times[2] < times[0] else "workers-faster",
    }


def milliseconds(run: Callable[[], object], repeats: int = 3) -> float:
    """Return the shortest of some runs' times; NaN where this machine cannot start processes."""
    times = []
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # PyTorch's, where there are fewer cores than workers
            for _ in range(repeats):
                start = perf_counter()
                run()
                times.append(1e3 * (perf_counter() - start))
    except (OSError, RuntimeError):
        return float("nan")
    return min(times)


def offered() -> dict[str, Any]:
    """Return what PyTorch offers, and Huber's loss by PyTorch and by the library for several thresholds."""
    deltas = (0.1, 1.0, 2.5)
    found = [huber_both_ways(delta) for delta in deltas]
    names = ("theirs", "ours", "their_slope", "our_slope")
    return {
        "losses": ", ".join(offered_losses()),
        "initialisers": ", ".join(offered_initialisers()),
        "residuals": [
            f"δ = {delta}, r = {r:g}".replace("-", "−")
            for delta, one in zip(deltas, found, strict=True)
            for r in one.residual
        ],
        **{name: np.concatenate([getattr(one, name) for one in found]) for name in names},
    }


def pull(delta: float, residual: float) -> dict[str, Any]:
    """Return three losses and their derivatives over the residual, and Huber's loss at one residual."""
    grid = torch.from_numpy(np.linspace(-6, 6, 121))
    zero, at = torch.zeros_like(grid), torch.tensor([residual], dtype=torch.float64)
    value = huber_loss(at, torch.zeros(1, dtype=torch.float64), delta).item()
    slope = huber_loss_gradient(at, torch.zeros(1, dtype=torch.float64), delta).item()
    return {
        "grid": grid.numpy(),
        "squared": squared_loss(grid, zero).numpy(),
        "absolute": absolute_loss(grid, zero).numpy(),
        "huber": huber_loss(grid, zero, delta).numpy(),
        "squared_slope": squared_loss_gradient(grid, zero).numpy(),
        "absolute_slope": torch.sign(grid).numpy(),
        "huber_slope": huber_loss_gradient(grid, zero, delta).numpy(),
        "value": value,
        "slope": slope,
        "square": residual**2 / 2,
        "before": [residual - 0.8, value - 0.8 * slope],
        "after": [residual + 0.8, value + 0.8 * slope],
    }


@cache
def line() -> dict[str, Any]:
    """Return points (24,) near the straight line y = 4.2 + 2x."""
    x = np.linspace(-3, 3, EXAMPLES)
    noise = torch.randn(EXAMPLES, generator=seeded_generator(0), dtype=torch.float64).numpy()
    return {"x": x, "y": TRUE[2] + TRUE[0] * x + 0.5 * noise}


def least_squares_line(x: Array, y: Array) -> Array:
    """Return slope and height (2,) of the line of least squares through points (n,)."""
    model = LinearRegression().fit(x[:, None], y)
    return np.append(model.coef_, model.intercept_)


def huber_line(x: Array, y: Array, delta: float, rounds: int = 200) -> Array:
    """Return slope and height (2,) of the line with the smallest sum of Huber's losses, by reweighted least squares."""
    A = np.column_stack([x, np.ones(len(x))])
    found = least_squares_line(x, y)
    for _ in range(rounds):
        r = torch.from_numpy(A @ found - y)
        cut = huber_loss_gradient(r, torch.zeros_like(r), delta)
        weight = torch.where(r == 0, 1.0, cut / r).numpy()
        found = np.linalg.solve((A.T * weight) @ A, (A.T * weight) @ y)
    return found


def drag(outlier_x: float, outlier_y: float, delta: float) -> dict[str, Any]:
    """Return the lines of least squares and of Huber's loss through points of which one has been dragged away."""
    given = line()
    x, y = np.append(given["x"], outlier_x), np.append(given["y"], outlier_y)
    clean, squares = least_squares_line(given["x"], given["y"]), least_squares_line(x, y)
    huber = huber_line(x, y, delta)
    ends = np.array([-4.0, 4.0])
    heights = {
        name: fit[0] * ends + fit[1]
        for name, fit in (("clean", clean), ("squares", squares), ("huber", huber))
    }
    return {
        "ends": ends,
        **heights,
        "squares_fit": squares,
        "huber_fit": huber,
        "squares_moved": np.abs(heights["squares"] - heights["clean"]).max(),
        "huber_moved": np.abs(heights["huber"] - heights["clean"]).max(),
        "pull": abs(squares[0] * outlier_x + squares[1] - outlier_y),
        "cut": min(abs(huber[0] * outlier_x + huber[1] - outlier_y), delta),
    }


def wrong_labels() -> dict[str, Any]:
    """Return what the two losses learn from labels of which a share is 20 too large."""
    rows = data()
    found = [compare_robustness(rows, share) for share in (0.0, 0.05, 0.2)]
    learned = np.array([parameters for one in found for parameters in (one.squared, one.huber)])
    return {
        "shares": [f"{one.share:.0%}" for one in found for _ in range(2)],
        "losses": ["MSELoss", "HuberLoss"] * len(found),
        "w1": learned[:, 0],
        "w2": learned[:, 1],
        "b": learned[:, 2],
        "places": [0, 1, 2],
        "squared_b": learned[::2, 2],
        "huber_b": learned[1::2, 2],
        "names": ["share-5", "share-20"],
        "squared": [one.distances[0] for one in found[1:]],
        "huber": [one.distances[1] for one in found[1:]],
        "lift": scratch.exact(with_outliers(rows, 0.05))[-1] - TRUE[-1],
    }
