"""The experiments of lesson 2, without a notebook: gradient descent on house prices, and how large its steps may be.

Parameters are (3,): the weights of area and age, and the bias. Features and prices are standardised unless a function
says otherwise; then parameters and losses have no unit. The loss is the mean over the rows of ½(ŷ − y)².
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import count, repeat

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from onelayer import LinearRegression, houses
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
from onelayer.solvers.batches import epoch_order

Array = NDArray[np.float64]

FAR = 1e9  # a parameter beyond this is lost: no answer here is that large
PRECISION = 1e-8  # relative, of the largest learning rate that converges
CHECKPOINT = 100  # steps after which one direction outweighs the others in the gradient
VANISHED = 1e-9  # of the gradient's length: what is left may be rounding
TRIED_RATES = tuple(10 ** (exponent / 2) for exponent in range(-8, 2))
TRIED_BATCHES = (8, 32, 256)


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
    low = high = 1e-9
    while converges(X, y, high):
        low, high = high, 4 * high
    while high - low > PRECISION * high:
        middle = (low + high) / 2
        low, high = (middle, high) if converges(X, y, middle) else (low, middle)
    return (low + high) / 2


def rise_by_rate(X: Array, y: Array, start: Array, steps: int, lrs: Array) -> pa.Table:
    """Return L − L* after ``steps`` steps of plain gradient descent: columns ``lr``, ``measured`` and ``predicted``."""
    measured = [float(rise(X, y, descend_on_all(X, y, start, lr, steps)[-1:])[0]) for lr in lrs]
    predicted = [float(predicted_rise(X, y, start, lr, steps)[-1]) for lr in lrs]
    return pa.table({"lr": lrs, "measured": measured, "predicted": predicted})


def contours(X: Array, y: Array, levels: int = 9, points: int = 73) -> pa.Table:
    """Return ellipses of equal loss in the plane of the two weights, with the best bias, 0, for standardised data.

    The columns are ``w1``, ``w2``, the ``order`` of the points on an ellipse, and its ``loss``. The ellipses are evenly
    spaced, as on a map of a bowl.
    """
    curvature, directions = np.linalg.eigh(hessian(X)[:2, :2])
    centre, angle = minimum(X, y), np.linspace(0, 2 * np.pi, points)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    least = mean_loss(X, y, centre[:2], centre[2])
    tables = []
    for above in 0.06 * np.arange(1, levels + 1) ** 2:
        ring = centre[:2] + circle * np.sqrt(2 * above / curvature) @ directions.T
        columns = {"w1": ring[:, 0], "w2": ring[:, 1], "order": angle, "loss": np.full(points, least + above)}
        tables.append(pa.table(columns))
    return pa.concat_tables(tables)


def decreasing_lrs(first: float, half_after: int, steps: int) -> Array:
    """Return learning rates (steps,) that fall as first / (1 + k / half_after) (Robbins and Monro 1951)."""
    lrs: Array = first / (1 + np.arange(steps) / half_after)
    return lrs


def restlessness(X: Array, y: Array, lrs: tuple[float, ...], batch_sizes: tuple[int, ...]) -> pa.Table:
    """Return how far above the minimum SGD with a constant learning rate stays, on average, once it has arrived.

    It starts at the minimum and takes 2,000 steps, of which the second half counts. The columns are ``lr``,
    ``batch_size`` and ``rise``.
    """
    rows = []
    for batch_size in batch_sizes:
        for lr in lrs:
            path = descend(X, y, minimum(X, y), np.full(2000, lr), batch_size)
            above = float(rise(X, y, path[1000:]).mean())
            rows.append({"lr": lr, "batch_size": batch_size, "rise": above})
    return pa.Table.from_pylist(rows)


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


def shares_by_rate(lrs: Array, steps: int) -> pa.Table:
    """Return how much of the loss's rise is left after ``steps`` steps of plain gradient descent from 0.

    The columns are ``scaling``, ``lr``, ``share`` (of the rise at the start, infinite where the walk ended early), and
    ``diverged``: whether it is more than at the start.
    """
    rows = []
    for name, (X, y) in scalings().items():
        for lr in lrs:
            path = descend_on_all(X, y, np.zeros(3), lr, steps)
            first, last = rise(X, y, path[[0, -1]])
            share = float(last / first) if len(path) > steps else np.inf
            rows.append({"scaling": name, "lr": float(lr), "share": share, "diverged": share > 1})
    return pa.Table.from_pylist(rows)


@dataclass(frozen=True)
class Tuned:
    """Learning rates and batch sizes, tried out.

    Attributes:
        trials: a row each: ``lr``, ``batch_size``, ``train_loss`` and ``valid_loss``, both None if it diverged.
        best: the trial with the least loss on the validation rows.
        stable: 2/λ_max of the training rows.
        exact: the loss of the exact solution for the training rows, on the validation rows.
    """

    trials: pa.Table
    best: dict[str, float]
    stable: float
    exact: float


def tune(split: int = 0, epochs: int = 5) -> Tuned:
    """Train on 80% of the houses with each learning rate and batch size, and judge by the others, as ``onelayer tune``.

    ``split`` is the seed: it says which rows are held out.
    """
    plan = Settings(epochs=epochs, valid=0.2, seed=split).for_data(houses())
    prepared = prepare(houses(), plan)
    assert prepared.held_out is not None, "a fifth of the rows is held out"
    trials = []
    for batch_size in TRIED_BATCHES:
        for lr in TRIED_RATES:
            trial: dict[str, float | None] = {"lr": lr, "batch_size": batch_size}
            try:
                last = train(prepared, replace(plan, lr=lr, batch_size=batch_size))[1].epochs[-1]
                trial |= {"train_loss": last.train_loss, "valid_loss": last.held_out_loss}
            except DivergenceError:
                trial |= {"train_loss": None, "valid_loss": None}
            trials.append(trial)
    best = min(trials, key=lambda trial: np.inf if trial["valid_loss"] is None else trial["valid_loss"])
    exact = LinearRegression().fit(prepared.train.X, prepared.train.y[:, 0])
    residual = exact.predict(prepared.held_out.X) - prepared.held_out.y[:, 0]
    return Tuned(
        pa.Table.from_pylist(trials),
        {name: value for name, value in best.items() if value is not None},
        stable_lr(prepared, plan),
        float(np.mean(residual.astype(np.float64) ** 2) / 2),
    )
