"""The experiments of the lesson on SGD: gradient descent on house prices, and how large its steps may be.

Parameters are (3,): the weights of area and age, and the bias. Features and prices are standardised unless a function
says otherwise; then parameters and losses have no unit. The loss is the mean over the rows of ½(ŷ − y)².
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cache
from itertools import count, repeat
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer import LinearRegression, houses, models
from onelayer.data.rows import Rows
from onelayer.data.scaling import TableScaling
from onelayer.errors import DivergenceError
from onelayer.lab.lessons.linear_regression.experiment import (
    gradient,
    hessian,
    load,
    mean_loss,
    normal_equations,
)
from onelayer.preparing import prepare
from onelayer.settings import Settings
from onelayer.sgd_runs import descend as train
from onelayer.sgd_runs import stable_lr
from onelayer.solvers.batches import epoch_order, stream_seed
from onelayer.solvers.stability import largest_stable_lr

Array = NDArray[np.float64]

FAR = 1e9  # a parameter beyond this is lost: no answer here is that large
PRECISION = 1e-8  # relative, of the largest learning rate that converges
CHECKPOINT = 100  # steps after which one direction outweighs the others in the gradient
VANISHED = 1e-9  # of the gradient's length: what is left may be rounding
STEPS = 200  # of the walk
TRIED_STEPS = 60  # with each learning rate
SETTLED = 2000  # steps, of which the second half counts
TRIED_RATES = tuple(10 ** (exponent / 2) for exponent in range(-8, 2))
TRIED_BATCHES = (16, 64, 256)


def standardised() -> tuple[Array, Array]:
    """Return features X (2930, 2) and prices y (2930,), each column with mean 0 and standard deviation 1."""
    rows = houses().train
    standard = TableScaling(rows).apply(rows, np.float64)
    return standard.X, standard.y[:, 0]


def in_dollars(parameters: Array) -> Array:
    """Return weights and bias (3,) for features in ft² and years and a price in USD, from standardised ones."""
    scaling = TableScaling(houses().train)
    weight, bias = scaling.features.input_to_user(parameters[None, :-1], parameters[-1:])
    return np.append(*scaling.target.output_to_user(weight, bias))


def minimum(X: Array, y: Array) -> Array:
    """Return the parameters (d + 1,) at the minimum of the loss, from the normal equations."""
    weight, bias = normal_equations(X, y)
    return np.append(weight, bias)


def batches(n: int, batch_size: int, seed: int) -> Iterator[NDArray[np.int64]]:
    """Yield the numbers of the rows of one minibatch after another: each epoch visits all n rows in a new order."""
    for epoch in count(1):
        for batch in epoch_order(n, seed, epoch).split(batch_size):
            yield batch.numpy()


def rows_read(n: int, batch_size: int, steps: int) -> int:
    """Return how many rows the first ``steps`` batches of n rows hold: the last of each epoch may be shorter."""
    epochs, more = divmod(steps, -(-n // batch_size))
    return epochs * n + more * batch_size


def descend(X: Array, y: Array, start: Array, lrs: Array, batch_size: int, seed: int = 0) -> Array:
    """Return the parameters before and after each step of minibatch SGD, (steps + 1, d + 1) (section 3.1.1.4).

    Args:
        X: features (n, d).
        y: targets (n,).
        start: parameters (d + 1,) to start from.
        lrs: the learning rate of each step, (steps,).
        batch_size: rows per step; the last batch of an epoch may be shorter.
        seed: sets the order of the rows.

    Once a parameter is beyond ``FAR`` the walk ends.
    """
    return _walk(X, y, start, lrs, batches(len(X), batch_size, seed))


def descend_on_all(X: Array, y: Array, start: Array, lr: float, steps: int) -> Array:
    """Return the path (steps + 1, d + 1) of plain gradient descent: each step uses all rows. It ends as ``descend``."""
    return _walk(X, y, start, np.full(steps, lr), repeat(slice(None)))


def _walk(X: Array, y: Array, start: Array, lrs: Array, rows: Iterable[NDArray[np.int64] | slice]) -> Array:
    path = [start]
    for lr, batch in zip(lrs, rows, strict=False):  # rows never end
        here = path[-1]
        path.append(here - lr * gradient(X[batch], y[batch], here[:-1], here[-1]))
        if np.abs(path[-1]).max() > FAR:
            break
    return np.array(path)


def rise(X: Array, y: Array, path: Array) -> Array:
    """Return how far the loss is above its minimum, L − L* = ½ ΔᵀHΔ, for parameters (k, d + 1): (k,).

    The quadratic form keeps its digits next to the minimum, where the difference of two losses has none left.
    """
    away = path - minimum(X, y)
    above: Array = np.einsum("ki,ij,kj->k", away, hessian(X), away) / 2
    return above


def measured_rise(X: Array, y: Array, parameters: Array) -> float:
    """Return L − L* for parameters (d + 1,) as the difference of two losses, each computed from its residuals."""
    best = minimum(X, y)
    return mean_loss(X, y, parameters[:-1], parameters[-1]) - mean_loss(X, y, best[:-1], best[-1])


def predicted_rise(X: Array, y: Array, start: Array, lr: float, steps: int) -> Array:
    """Return what ``rise`` must be on the path of plain gradient descent, (steps + 1,), without walking it.

    Each step multiplies the distance from the minimum along an eigenvector of H by 1 − ηλ.
    """
    curvature, directions = np.linalg.eigh(hessian(X))
    distance = directions.T @ (start - minimum(X, y))
    factor = (1 - lr * curvature) ** np.arange(steps + 1)[:, None]
    above: Array = (curvature * (factor * distance) ** 2).sum(axis=1) / 2
    return above


def stability_bound(X: Array) -> float:
    """Return 2/λ_max: plain gradient descent converges for learning rates below it (Goh 2017, *Distill*)."""
    return float(2 / np.linalg.eigvalsh(hessian(X))[-1])


def converges(X: Array, y: Array, lr: float) -> bool:
    """Whether plain gradient descent converges, judged by walking: does the gradient get shorter, or vanish?

    It is compared after ``CHECKPOINT`` steps and after twice as many. For learning rates about as large as can be, the
    direction that matters is by then nearly all that is left of it.
    """
    path = descend_on_all(X, y, np.zeros(X.shape[1] + 1), lr, 2 * CHECKPOINT)
    if len(path) <= 2 * CHECKPOINT:
        return False
    start, early, late = (
        np.linalg.norm(gradient(X, y, at[:-1], at[-1])) for at in path[[0, CHECKPOINT, 2 * CHECKPOINT]]
    )
    return bool(late < early or late < VANISHED * start)


def largest_converging_lr(X: Array, y: Array) -> float:
    """Return the largest learning rate for which plain gradient descent converges, found by bisection alone."""
    *_, (low, high) = bisection(X, y)
    return (low + high) / 2


def bisection(X: Array, y: Array) -> Iterator[tuple[float, float]]:
    """Yield a learning rate that converges and one that does not, closer each time."""
    low = high = 1e-9
    while converges(X, y, high):
        low, high = high, 4 * high
    yield low, high
    while high - low > PRECISION * high:
        middle = (low + high) / 2
        low, high = (middle, high) if converges(X, y, middle) else (low, middle)
        yield low, high


def decreasing_lrs(first: float, half_after: int, steps: int) -> Array:
    """Return learning rates (steps,) that fall as first / (1 + k / half_after) (Robbins and Monro 1951)."""
    lrs: Array = first / (1 + np.arange(steps) / half_after)
    return lrs


@dataclass(frozen=True)
class Scaling:
    """Plain gradient descent on the houses in one scaling of their columns.

    Attributes:
        name: "standardised" or "raw".
        smallest: the smallest eigenvalue λ_min of the loss's Hessian.
        largest: the largest, λ_max.
        best_lr: 2 / (λ_max + λ_min), which shrinks the slowest direction fastest.
        share: (steps + 1,) the rise of the loss above its minimum as a share of that at the start, with ``best_lr``.
    """

    name: str
    smallest: float
    largest: float
    best_lr: float
    share: Array

    @property
    def condition(self) -> float:
        """The condition number κ = λ_max / λ_min."""
        return self.largest / self.smallest

    @property
    def factor(self) -> float:
        """What is left of the slowest direction's distance after a step with ``best_lr``: (κ − 1) / (κ + 1)."""
        return (self.condition - 1) / (self.condition + 1)

    @property
    def lost(self) -> float:
        """What a step takes away of that distance, as a share: 2 / (κ + 1)."""
        return 2 / (self.condition + 1)

    @property
    def steps_for_a_thousandth(self) -> int:
        """After how many steps a thousandth of that distance is left."""
        return int(np.ceil(np.log(1e-3) / np.log(self.factor)))


def scalings() -> dict[str, tuple[Array, Array]]:
    """Return the houses in each scaling, by its name; "raw" is ft², years and USD."""
    return {"standardised": standardised(), "raw": load()}


def compare_scalings(steps: int) -> list[Scaling]:
    """Run plain gradient descent at its best learning rate on the houses, standardised and as they are."""
    found = []
    for name, (X, y) in scalings().items():
        smallest, *_, largest = map(float, np.linalg.eigvalsh(hessian(X)))
        best = 2 / (smallest + largest)
        above = rise(X, y, descend_on_all(X, y, np.zeros(3), best, steps))
        found.append(Scaling(name, smallest, largest, best, above / above[0]))
    return found


# What the lesson's scenes show


@cache
def standard() -> dict[str, Any]:
    """Return the standardised houses with the loss's Hessian H (3, 3) and minimum (3,).

    Beside them are the seeds of orders, for each draw and epoch, and ellipses of equal loss in the weights' plane,
    (9, 73) each.
    """
    X, y = standardised()
    rings = contours(X, y)

    def epochs(seed: int) -> int:
        return -(-(SETTLED if seed == 0 else STEPS) // (len(X) // 256))

    seeds = [
        [stream_seed(seed, epoch) & 0xFFFFFFFF for epoch in range(1, epochs(seed) + 1)] for seed in range(21)
    ]
    return {
        "X": X,
        "y": y,
        "H": hessian(X),
        "minimum": minimum(X, y),
        "seeds": seeds,
        "ring_w1": rings[:, :, 0],
        "ring_w2": rings[:, :, 1],
    }


def contours(X: Array, y: Array, levels: int = 9, points: int = 73) -> Array:
    """Return ellipses of equal loss (levels, points, 2) in the plane of the two weights, with the bias at its best, 0.

    They are evenly spaced, as on a map of a bowl.
    """
    curvature, directions = np.linalg.eigh(hessian(X)[:2, :2])
    angle = np.linspace(0, 2 * np.pi, points)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    above = 0.06 * np.arange(1, levels + 1)[:, None, None] ** 2
    rings: Array = minimum(X, y)[:2] + circle * np.sqrt(2 * above / curvature) @ directions.T
    return rings


def walk(
    lr: float, batch_size: int | str, start_w1: float, start_w2: float, draw: int, step: int
) -> dict[str, Any]:
    """Return a walk of ``STEPS`` steps over the loss, and where it is after ``step`` of them."""
    X, y = standardised()
    n = len(X)
    size = n if batch_size == "all" else int(batch_size)
    start = np.array([start_w1, start_w2, 0.0])
    lrs = np.full(STEPS, lr)
    path = descend(X, y, start, lrs, size, draw) if size < n else descend_on_all(X, y, start, lr, STEPS)
    taken = len(path) - 1
    now, rises = min(step, taken), rise(X, y, path)
    order = batches(n, size, draw)
    lit = [next(order) for _ in range(now)][-1] if now and size < n else np.arange(n if now else 0)
    before, here = path[max(0, now - 1)], path[now]
    slope = (before - here) / lr
    return {
        "w1": path[:, 0],
        "w2": path[:, 1],
        "rises": rises,
        "taken": taken,
        "read": rows_read(n, size, now),
        "rise": rises[now],
        "here": here,
        "before": before,
        "slope": slope,
        "lit": lit,
        "rows": len(lit),
        "lost": taken < STEPS,
    }


def by_rate(lr: float, start_w1: float, start_w2: float) -> dict[str, Any]:
    """Return L − L* after ``TRIED_STEPS`` steps with all rows for many learning rates, and for this one."""
    X, y = standardised()
    start, lrs = np.array([start_w1, start_w2, 0.0]), np.linspace(0.04, 2, 50)
    ends = [descend_on_all(X, y, start, rate, TRIED_STEPS)[-1] for rate in lrs]
    predicted = [predicted_rise(X, y, start, rate, TRIED_STEPS)[-1] for rate in lrs]
    path = descend_on_all(X, y, start, lr, TRIED_STEPS)
    return {
        "lrs": lrs,
        "measured": rise(X, y, np.array(ends)),
        "predicted": predicted,
        "walked": measured_rise(X, y, path[-1]),
        "expected": (expected := predicted_rise(X, y, start, lr, len(path) - 1)[-1]),
        "rounding": 1e-14 + 1e-9 * expected,
        "bound": stability_bound(X),
        "curvature": np.linalg.eigvalsh(hessian(X)),
    }


def search() -> dict[str, Any]:
    """Return the bisection for the largest learning rate that converges, and what eigenvalues and power method say."""
    (X, y), (raw_X, raw_y) = scalings().values()
    ends = np.array(list(bisection(X, y)))
    power = largest_stable_lr(models.linear_regression(2).double(), Rows(X, y, "regression"))
    return {
        "low": ends[:, 0],
        "high": ends[:, 1],
        "last": len(ends) - 1,
        "names": ["standardised", "raw", "power-method"],
        "found": [ends[-1].mean(), largest_converging_lr(raw_X, raw_y), power],
        "bounds": [stability_bound(X), stability_bound(raw_X), stability_bound(X)],
        "allowed": [1e-6, 1e-6, 1e-3],
        "bound": stability_bound(X),
    }


def settle(settle_lr: float, settle_batch: int | str, schedule: str) -> dict[str, Any]:
    """Return how far above the minimum SGD stays with a constant or a falling learning rate, over ``SETTLED`` steps.

    ``asked`` is the fate of the walk that the reader is asked about: η = 0.2, constant, and batches of 16.
    """
    X, y = standardised()
    start = np.array([-1.0, 0.6, 0.0])
    lrs = decreasing_lrs(settle_lr, 5, SETTLED) if schedule == "falling" else np.full(SETTLED, settle_lr)
    if settle_batch == "all":
        path = _walk(X, y, start, lrs, repeat(slice(None)))
    else:
        path = descend(X, y, start, lrs, int(settle_batch))
    rises, half = rise(X, y, path), len(path) // 2
    return {
        "fate": "fate-leaves"
        if len(path) <= SETTLED
        else "fate-hovers"
        if rises[half:].mean() > 1e-12
        else "fate-arrives",
        "asked": "fate-hovers",
        "rises": rises,
        "w1": path[:, 0],
        "w2": path[:, 1],
        "mean": rises[half:].mean(),
    }


def arrived() -> dict[str, Any]:
    """Return how far above the minimum two walks are: with all rows, and with minibatches and a falling learning rate.

    Beside where they end, in dollars, is the analytic solution, and how far from it they may be.
    """
    X, y = standardised()
    exact = LinearRegression().fit(*load())
    analytic = np.append(exact.coef_, exact.intercept_)
    start = np.array([-1.0, 0.6, 0.0])
    by_all = descend_on_all(X, y, start, 1.0, 300)
    by_batches = descend(X, y, start, decreasing_lrs(0.5, half_after=5, steps=3000), batch_size=64)
    return {
        "by_all": rise(X, y, by_all).astype(np.float32),
        "by_batches": rise(X, y, by_batches).astype(np.float32),
        "names": [f"{way}-{name}" for way in ("all", "sgd") for name in ("w1", "w2", "bias")],
        "reached": [*in_dollars(by_all[-1]), *in_dollars(by_batches[-1])],
        "analytic": [*analytic, *analytic],
        "allowed": [*(1e-9 * np.abs(analytic)), *(np.append(exact.std_err_, exact.intercept_std_err_) / 10)],
    }


def rates() -> dict[str, Any]:
    """Return the share of L − L* that is left after 100 steps from 0, for each learning rate and scaling."""
    lrs = 10.0 ** np.arange(-8, 1.01, 0.25)
    found: dict[str, Any] = {"lrs": lrs}
    for name, (X, y) in scalings().items():
        paths = [descend_on_all(X, y, np.zeros(3), lr, 100) for lr in lrs]
        ends = np.array([path[-1] for path in paths])
        share = rise(X, y, ends) / rise(X, y, np.zeros((1, 3)))
        share[[len(path) <= 100 for path in paths]] = np.inf
        found |= {
            name: share,
            f"{name}_bound": stability_bound(X),
            f"{name}_diverged": np.flatnonzero(share > 1),
        }
    return found


def standardising() -> dict[str, Any]:
    """Return how the loss falls with the best learning rate of each scaling, and what makes the difference."""
    found = compare_scalings(steps=10)
    standard_one, raw = found
    rows = ("smallest", "largest", "condition", "best_lr", "lost", "steps_for_a_thousandth")
    return {
        "standardised": standard_one.share,
        "raw": raw.share,
        "names": list(rows),
        "by_standardised": [getattr(standard_one, name) for name in rows],
        "by_raw": [getattr(raw, name) for name in rows],
        "steps": standard_one.steps_for_a_thousandth,
        "times": "over-a-million"
        if raw.steps_for_a_thousandth > 1e6 * standard_one.steps_for_a_thousandth
        else "ten",
    }


def tune(split: int = 0, epochs: int = 5) -> dict[str, Any]:
    """Train on 80% of the houses with each learning rate and batch size, and judge by the others, as ``onelayer tune``.

    ``split`` is the seed: it says which rows are held out. Losses that diverged are NaN.
    """
    plan = Settings(epochs=epochs, valid=0.2, seed=split).for_data(houses())
    prepared = prepare(houses(), plan)
    assert prepared.held_out is not None, "a fifth of the rows is held out"
    losses = np.full((len(TRIED_BATCHES), len(TRIED_RATES)), np.nan)
    for i, batch_size in enumerate(TRIED_BATCHES):
        for j, lr in enumerate(TRIED_RATES):
            with suppress(DivergenceError):
                last = train(prepared, replace(plan, lr=lr, batch_size=batch_size))[1].epochs[-1]
                assert last.held_out_loss is not None, "rows are held out"
                losses[i, j] = last.held_out_loss
    row, column = np.unravel_index(np.nanargmin(losses), losses.shape)
    exact = LinearRegression().fit(prepared.train.X, prepared.train.y[:, 0])
    residual = exact.predict(prepared.held_out.X) - prepared.held_out.y[:, 0]
    return {
        "lrs": TRIED_RATES,
        **{f"batch_{size}": line for size, line in zip(TRIED_BATCHES, losses, strict=True)},
        "best_lr": TRIED_RATES[column],
        "best_batch": TRIED_BATCHES[row],
        "best_loss": losses[row, column],
        "diverged": int(np.isnan(losses).sum()),
        "stable": stable_lr(prepared, plan),
        "exact": float(np.mean(residual.astype(np.float64) ** 2) / 2),
    }
