"""The experiments of the lesson on SGD, scene by scene.

Parameters are (3,): the weights of area and age, and the bias. Features and prices are standardised unless a function
says otherwise; then parameters and losses have no unit.
"""

from contextlib import suppress
from dataclasses import replace
from functools import cache
from typing import Any

import numpy as np

from onelayer import LinearRegression, houses, models
from onelayer.data.rows import Rows
from onelayer.errors import DivergenceError
from onelayer.lab.lessons.linear_regression.model import hessian, load
from onelayer.lab.lessons.sgd.descent import (
    batches,
    bisection,
    compare_scalings,
    contours,
    decreasing_lrs,
    descend,
    descend_on_all,
    in_dollars,
    largest_converging_lr,
    measured_rise,
    minimum,
    predicted_rise,
    rise,
    rows_read,
    scalings,
    stability_bound,
    standardised,
)
from onelayer.preparing import prepare
from onelayer.settings import Settings
from onelayer.sgd_runs import descend as train
from onelayer.sgd_runs import stable_lr
from onelayer.solvers.draws import stream_seed
from onelayer.solvers.stability import largest_stable_lr

START = np.array([-1.0, 0.6, 0.0])  # of the walks whose start is not the reader's
STEPS = 200  # of the walk
TRIED_STEPS = 60  # with each learning rate
SETTLED = 2000  # steps, of which the second half counts
LONG = 3000  # steps of the walks that arrive
TRIED_RATES = tuple(10 ** (exponent / 2) for exponent in range(-8, 2))
TRIED_BATCHES = (16, 64, 256)


@cache
def standard() -> dict[str, Any]:
    """Return the standardised houses with the loss's Hessian H (3, 3) and minimum (3,).

    Beside them are the seeds of orders, for each draw and epoch, and ellipses of equal loss in the weights' plane,
    (9, 73) each.
    """
    X, y = standardised()
    rings = contours(X, y)

    def epochs(seed: int) -> int:
        return -(-(LONG if seed == 0 else STEPS) // (len(X) // 256))

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
    slope[np.abs(slope) < 1e-14] = 0  # at the minimum it is rounding alone
    return {
        "w1": path[:, 0],
        "w2": path[:, 1],
        "rises": rises,
        "taken": taken,
        "read": rows_read(n, size, now),
        "rise": rises[now],
        "here": here,
        "before": before,
        "next": path[min(now + 1, taken)],
        "slope": slope,
        "summed": len(lit) * slope,
        "lit": lit,
        "rows": len(lit),
        "ended": "walk-lost" if now == taken < STEPS else "",
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
        "steps": len(path) - 1,
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

    ``asked`` is the fate of the walk that the reader is asked about: η = 0.2, constant, and batches of 16. One with all
    rows, or with a falling learning rate, is on its way as long as it has not arrived.
    """
    X, y = standardised()
    lrs = decreasing_lrs(settle_lr, 5, SETTLED) if schedule == "falling" else np.full(SETTLED, settle_lr)
    if settle_batch == "all":
        path = descend_on_all(X, y, START, lrs, SETTLED)
    else:
        path = descend(X, y, START, lrs, int(settle_batch))
    rises, half = rise(X, y, path), len(path) // 2
    if len(path) <= SETTLED:
        fate = "fate-leaves"
    elif rises[half:].mean() < 1e-12:
        fate = "fate-arrives"
    else:
        fate = "fate-nears" if settle_batch == "all" or schedule == "falling" else "fate-hovers"
    return {
        "fate": fate,
        "asked": "fate-hovers",
        "rises": rises,
        "w1": path[:, 0],
        "w2": path[:, 1],
        "mean": rises[half:].mean(),
    }


@cache
def destination() -> dict[str, Any]:
    """Return the analytic solution in dollars, (3,), and ``to_dollars`` (3, 4), which takes parameters and 1 there.

    With all rows a walk has arrived when it is within a billionth of it, with minibatches within a tenth of its
    standard error.
    """
    exact = LinearRegression().fit(*load())
    analytic, origin = np.append(exact.coef_, exact.intercept_), in_dollars(np.zeros(3))
    return {
        "to_dollars": np.column_stack([*(in_dollars(one) - origin for one in np.eye(3)), origin]),
        "analytic": analytic,
        "names": ["area-weight", "age-weight", "bias"],
        "billionth": 1e-9 * np.abs(analytic),
        "tenth": np.append(exact.std_err_, exact.intercept_std_err_) / 10,
    }


def arrived(arrived_lr: float, arrived_batch: int) -> dict[str, Any]:
    """Return how far above the minimum two walks are, of ``LONG`` steps each, and where they end, in dollars.

    One uses all rows, the other minibatches with a learning rate that falls from the same value. ``asked`` is how many
    steps the former takes until a millionth of its distance is left, for η = 0.5.
    """
    X, y = standardised()
    by_all = descend_on_all(X, y, START, arrived_lr, LONG)
    by_batches = descend(X, y, START, decreasing_lrs(arrived_lr, 5, LONG), arrived_batch)
    to_dollars = destination()["to_dollars"]
    ends = [to_dollars @ [*path[-1], 1.0] for path in (by_all, by_batches)]
    return {
        "by_all": rise(X, y, by_all),
        "by_batches": rise(X, y, by_batches),
        "all_reached": ends[0],
        "sgd_reached": ends[1],
        "off": float((np.abs(ends[1] - destination()["analytic"]) / destination()["tenth"]).max()) / 10,
        "asked": "thirty",
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
    """Return how the distance shrinks with the best learning rate of each scaling, and what makes the difference.

    The distance is √(L − L*): in units that differ from weight to weight no other is of use.
    """
    found = compare_scalings(steps=10)
    standard_one, raw = found
    rows = ("smallest", "largest", "condition", "best_lr", "lost", "steps_for_a_thousandth")
    return {
        "standardised": np.sqrt(standard_one.share),
        "raw": np.sqrt(raw.share),
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
