"""The experiments of lesson 4, without a notebook: what a loop costs, what one call costs, and why."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import pyarrow as pa
import torch
from torch import Tensor

from onelayer import LinearRegression
from onelayer.engines.threads import one_thread
from onelayer.lab.lessons.linear_regression.experiment import load, predict, predict_row_by_row
from onelayer.timer import Timer
from onelayer.vectorization import add_both_ways, add_in_a_loop, add_in_one_call, laps

# Lengths of vectors; the last takes the loop the better part of 1 s.
SWEEP = (1, 10, 100, 1_000, 10_000, 100_000)
PARTS = ("turn", "read", "add", "write", "empty", "plain", "call")


def length(power: float) -> int:
    """Return 10 to a power, rounded: how long the vectors are for a position of the slider."""
    return round(10**power)


def shown(seconds: float) -> str:
    """Return a time with three digits in the unit that suits it, from ns to s; a dash for zero."""
    if seconds <= 0:
        return "–"
    seconds = float(f"{seconds:.3g}")  # 999.9 µs is 1 ms
    units = {0: "s", -3: "ms", -6: "µs", -9: "ns"}
    power = min(0, max(-9, 3 * math.floor(math.log10(seconds) / 3)))
    return f"{seconds / 10**power:,.3g} {units[power]}"


def times_faster(ratio: float) -> str:
    """Return a ratio of two times with three digits, without an exponent."""
    return f"{float(f'{ratio:.3g}'):,.12g}"


def orders_of_magnitude(ratio: float) -> float:
    """Return log₁₀ of a ratio of two times: 2 for a hundred times as fast."""
    return math.log10(ratio)


def one_turn(n: int = 1_000) -> dict[str, float]:
    """Time the parts of one turn of the loop, and what it is up against, in seconds per element.

    Returns:
        ``turn``: c[i] = a[i] + b[i] as a whole; ``read``: a[i], once; ``add``: the sum of two tensors of one
        element; ``write``: into c[i]; ``empty``: a turn that does nothing; ``plain``: the sum of two Python
        floats from lists; ``call``: the sum of all elements in one call.
    """
    a, b = (torch.randn(n, generator=torch.Generator().manual_seed(seed)) for seed in (0, 1))
    c, first, second = torch.zeros(n), a[0], b[0]
    a_list, b_list = a.tolist(), b.tolist()

    def read() -> None:
        for i in range(n):
            a[i]

    def add() -> None:
        for _ in range(n):
            first + second

    def write() -> None:
        for i in range(n):
            c[i] = first

    def empty() -> None:
        for _ in range(n):
            pass

    def plain() -> list[float]:
        return [a_list[i] + b_list[i] for i in range(n)]

    ways: dict[str, Callable[[], object]] = {
        "turn": lambda: add_in_a_loop(a, b),
        "read": read,
        "add": add,
        "write": write,
        "empty": empty,
        "plain": plain,
        "call": lambda: add_in_one_call(a, b),
    }
    with one_thread():
        return {part: min(laps(ways[part])[0].times) / n for part in PARTS}


@dataclass(frozen=True)
class Sweep:
    """Both ways to add at many lengths of the vectors.

    Attributes:
        lengths: the lengths n.
        loop: the best lap of the loop for each, in seconds.
        call: the best lap of the one call for each, in seconds.
    """

    lengths: tuple[int, ...]
    loop: tuple[float, ...]
    call: tuple[float, ...]

    @property
    def ratios(self) -> tuple[float, ...]:
        """How many times faster the one call is at each length."""
        return tuple(loop / call for loop, call in zip(self.loop, self.call, strict=True))

    def times(self) -> pa.Table:
        """Return ``n``, ``way`` ("loop" or "call") and ``seconds``, a row for each length and way."""
        ways = ["loop"] * len(self.lengths) + ["call"] * len(self.lengths)
        return pa.table({"n": self.lengths * 2, "way": ways, "seconds": self.loop + self.call})


def sweep(lengths: tuple[int, ...] = SWEEP) -> Sweep:
    """Time both ways to add at each of the lengths."""
    runs = [add_both_ways(n) for n in lengths]
    return Sweep(
        lengths, tuple(min(run.loop.times) for run in runs), tuple(min(run.call.times) for run in runs)
    )


@dataclass(frozen=True)
class HousePredictions:
    """The prices of all houses that least squares predicts, row by row and in one product.

    Attributes:
        rows: how many houses.
        loop: the laps of the sums that are written out.
        call: the laps of the matrix product.
        by_loop: the predictions (n,) from the sums, in USD.
        by_call: the predictions (n,) from the product, in USD.
    """

    rows: int
    loop: Timer
    call: Timer
    by_loop: Tensor
    by_call: Tensor


def predict_houses() -> HousePredictions:
    """Time the two functions of lesson 1 that predict the prices of 2,930 houses."""
    X, y = load()
    model = LinearRegression().fit(X, y)
    weight, bias = model.coef_, float(model.intercept_)
    with one_thread():
        loop, by_loop = laps(lambda: predict_row_by_row(X, weight, bias))
        call, by_call = laps(lambda: predict(X, weight, bias))
    return HousePredictions(len(X), loop, call, torch.from_numpy(by_loop), torch.from_numpy(by_call))
