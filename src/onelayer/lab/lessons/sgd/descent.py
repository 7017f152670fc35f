"""Gradient descent on house prices: walks over the loss, how large a step may be, and what standardising gains.

Parameters are (3,): the weights of area and age, and the bias. Features and prices are standardised unless a function
says otherwise; then parameters and losses have no unit. The loss is the mean over the rows of ½(ŷ − y)².
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import count, repeat

import numpy as np
from numpy.typing import NDArray

from onelayer import houses
from onelayer.data.scaling import TableScaling
from onelayer.lab.lessons.linear_regression.model import (
    gradient,
    hessian,
    load,
    mean_loss,
    normal_equations,
)
from onelayer.solvers.batches import epoch_order

Array = NDArray[np.float64]

FAR = 1e9  # a parameter beyond this is lost: no answer here is that large
PRECISION = 1e-8  # relative, of the largest learning rate that converges
CHECKPOINT = 100  # steps after which one direction outweighs the others in the gradient
VANISHED = 1e-9  # of the gradient's length: what is left may be rounding


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


def descend_on_all(X: Array, y: Array, start: Array, lr: float | Array, steps: int) -> Array:
    """Return the path (steps + 1, d + 1) of plain gradient descent: each step uses all rows. It ends as ``descend``."""
    return _walk(X, y, start, np.broadcast_to(lr, steps), repeat(slice(None)))


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
