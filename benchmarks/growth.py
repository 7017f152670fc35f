"""How does the time of a fit grow with rows n, features d and outputs q?

Each curve is over up to three decades, the others held; softmax regression makes STEPS steps of lbfgs, for the
number that it needs depends on the data. The exponent is fitted to the larger half of the sizes, on a log-log
scale, and stands beside that of the number of operations: n d² for least squares, n d q for a step. Below,
fixed costs count, so exponents are smaller.
"""

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from _measure import QUICK, result_of, show, size
from _pictures import COLOURS, panels, save
from _tables import table

STEPS, ROUNDS = 10, size(3, 1)
LONGEST = size(1.0, 0.05)  # seconds of fits of one size, after which a curve ends


@dataclass(frozen=True)
class Curve:
    """A curve: what grows, to which sizes, from what, and the exponent of the number of operations."""

    model: str
    axis: str
    sizes: tuple[int, ...]
    held: dict[str, int]
    theory: float


def decades(first: int, last: int) -> tuple[int, ...]:
    """Return about two sizes a factor of ten."""
    return tuple(
        np.unique(np.geomspace(first, last, 2 * round(np.log10(last / first)) + 1).astype(int)).tolist()
    )


CURVES = (
    Curve("least squares", "n", decades(1_000, 1_000_000), {"d": 50, "q": 1}, 1),
    Curve("least squares", "d", decades(3, 3_000), {"n": 10_000, "q": 1}, 2),
    Curve("least squares", "q", decades(1, 1_000), {"n": 20_000, "d": 50}, 1),
    Curve("softmax", "n", decades(1_000, 1_000_000), {"d": 20, "q": 5}, 1),
    Curve("softmax", "d", decades(3, 3_000), {"n": 5_000, "q": 5}, 1),
    Curve("softmax", "q", decades(2, 2_000), {"n": 5_000, "d": 20}, 1),
)


def problem(model: str, n: int, d: int, q: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    X = generator.normal(size=(n, d))
    if model == "least squares":
        return X, X[:, :1] + generator.normal(size=(n, q))
    return X, np.concatenate([np.arange(q), generator.integers(q, size=n - q)])


def makers() -> dict[str, dict[str, Callable[[], Any]]]:
    """Return models by what they do, and by package."""
    from sklearn import linear_model

    import onelayer

    return {
        "least squares": {
            "onelayer": onelayer.LinearRegression,
            "scikit-learn": linear_model.LinearRegression,
        },
        "softmax": {
            "onelayer": lambda: onelayer.SoftmaxRegression(solver="lbfgs", max_iter=STEPS, tol=1e-12),
            "scikit-learn": lambda: linear_model.LogisticRegression(max_iter=STEPS, tol=1e-12),
        },
    }


def timed(make: Callable[[], Any], X: np.ndarray, y: np.ndarray) -> float:
    """Return the median time of a fit."""
    times = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        make().fit(X, y)
        times.append(time.perf_counter() - start)
        if sum(times) > LONGEST:
            break
    return median(times)


def measured(curve: Curve, makers_of: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    """Return the seconds of each package for the sizes, until a fit takes too long."""
    found: dict[str, list[float]] = {name: [] for name in makers_of}
    for value in curve.sizes:
        X, y = problem(curve.model, **{**curve.held, curve.axis: value})
        for name, times in found.items():
            if len(times) < 3 or times[-1] < LONGEST:
                times.append(timed(makers_of[name], X, y))
    return found


def exponent(sizes: tuple[int, ...], seconds: list[float]) -> float:
    """Return the slope of the larger half of a curve on a log-log scale."""
    half = len(seconds) // 2
    return float(np.polyfit(np.log(sizes[half : len(seconds)]), np.log(seconds[half:]), 1)[0])


def main() -> None:
    assert __doc__ is not None
    warnings.simplefilter("ignore")  # after STEPS steps nothing has converged
    drawn, axes = panels(2, 3, 7.5, 4.5)
    models, rows, curves = makers(), [], []
    for curve, axis in zip(CURVES, axes.flat, strict=True):
        found = measured(curve, models[curve.model])
        for colour, (name, seconds) in zip(COLOURS, found.items(), strict=False):
            slope = exponent(curve.sizes, seconds)
            axis.plot(
                curve.sizes[: len(seconds)], seconds, "o-", ms=3, color=colour, label=f"{name}: {slope:.2f}"
            )
            ends = f"{curve.sizes[0]:,} to {curve.sizes[len(seconds) - 1]:,}"
            held = ", ".join(f"{key} = {value:,}" for key, value in curve.held.items())
            rows.append([curve.model, curve.axis, held, ends, name, f"{slope:.2f}", f"{curve.theory:g}"])
            curves.append({"model": curve.model, "axis": curve.axis, "name": name, "seconds": seconds})
            curves[-1]["sizes"] = list(curve.sizes[: len(seconds)])
        axis.set_title(f"{curve.model}, theory {curve.theory:g}")
        axis.set_xlabel(curve.axis)
        axis.set_ylabel("seconds")
        axis.legend(frameon=False)
    if not QUICK:
        save(drawn, Path(__file__).with_name("results") / "growth.svg")
    head = ["", "grows", "held", "sizes", "", "exponent", "theory"]
    show(result_of("growth.py", __doc__, [], curves=curves, tables=[table(head, rows)], picture="growth.svg"))


if __name__ == "__main__":
    main()
