"""The experiments of the lesson on PyTorch's own parts: what its scenes show, as the page has it."""

import warnings
from collections.abc import Callable
from functools import cache
from time import perf_counter
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from onelayer import LinearRegression
from onelayer.functional import (
    absolute_loss,
    huber_loss,
    huber_loss_gradient,
    squared_loss,
    squared_loss_gradient,
)
from onelayer.lab.lessons.concise.training import (
    batch_gradients,
    build_net,
    compare_robustness,
    epoch_both_ways,
    gradient_of,
    gradient_states,
    huber_both_ways,
    largest_gap,
    minibatch,
    network_at,
    offered_initialisers,
    offered_losses,
    parameters_of,
    train,
    with_outliers,
)
from onelayer.lab.lessons.from_scratch import training as scratch
from onelayer.lab.lessons.from_scratch.experiment import (
    examples as examples,  # the data of both lessons' pages
)
from onelayer.lab.lessons.from_scratch.training import EPOCHS, TRUE, Array, data, losses_on, start_at
from onelayer.solvers.batches import epoch_order, seeded_generator

BATCH_SIZES = (10, 20, 50, 100, 200)  # each divides 1,000 examples; a slider would wait for smaller ones
NAMES = ["part-w1", "part-w2", "part-b"]
SUM_RATE = 0.002  # of the sum of the squared errors
EXAMPLES = 24  # of the line with an outlier


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


def checked() -> dict[str, Any]:
    """Return how far PyTorch's training is from that from scratch, and how many rows are in place, by batch size."""
    rows, found = data(), []
    for size in BATCH_SIZES:
        ours = scratch.train(rows, start_at(0.0, 0.0), 0.03, size, EPOCHS)
        theirs = train(rows, nn.MSELoss(), 0.015, size, start=(0.0, 0.0))
        found.append(
            (largest_gap(ours, theirs), int(np.all(np.equal(*epoch_both_ways(rows, size)), 1).sum()))
        )
    halves, loaded = zip(*found, strict=True)
    slopes = batch_gradients(rows, 10)
    return {
        "sizes": [str(size) for size in BATCH_SIZES],
        "halves": halves,
        "limits": [1e-12] * len(halves),
        "loaded": loaded,
        "examples": len(rows),
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
    states, zero = gradient_states(rows, 10), [0, 0]
    found = batch_gradients(rows, 10)
    return {
        "grads": ["None" if grad is None else shown(grad.tolist()) for grad in states.values()],
        "places": [0, 1],
        "heights": [zero, *(zero if grad is None else grad for grad in states.values())],
        "beside": [-0.32, 0.68],  # what was there after one call, left of what is there after two
        "once": [zero, zero, zero, states["after-one"], zero],
        "none": [[""] * 2, *(["None" if grad is None else ""] * 2 for grad in states.values())],
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
        "absolute_slope": torch.where(grid == 0, torch.nan, torch.sign(grid)).numpy(),  # it has none at 0
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


def drag(outlier_x: float, outlier_y: float, line_delta: float) -> dict[str, Any]:
    """Return the lines of least squares and of Huber's loss through points of which one has been dragged away."""
    given = line()
    x, y = np.append(given["x"], outlier_x), np.append(given["y"], outlier_y)
    clean, squares = least_squares_line(given["x"], given["y"]), least_squares_line(x, y)
    huber = huber_line(x, y, line_delta)
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
        "cut": min(abs(huber[0] * outlier_x + huber[1] - outlier_y), line_delta),
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
