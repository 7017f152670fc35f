"""The experiments of the lesson on vectorization: what a loop costs, what one call costs, and why.

Times are in seconds, each the best lap. Fields that end in ``_shown`` are times as text.
"""

import math
from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from onelayer import LinearRegression
from onelayer.engines.threads import one_thread
from onelayer.lab.lessons.linear_regression.model import load, predict, predict_row_by_row
from onelayer.timer import Timer
from onelayer.vectorization import MOST_LAPS, Additions, add_both_ways, add_in_a_loop, add_in_one_call, laps

FEW = 8  # elements that are added step by step
RACE = 1_000  # elements of the race
# Lengths of vectors; the last takes the loop the better part of 1 s.
SWEEP = (1, 10, 100, 1_000, 10_000, 100_000)
BATCHES = (1, 3, 10, 30, 100, 300, 1_000, 2_930)
PARTS = ("turn", "read", "add", "write", "empty", "plain", "call")


def shown(seconds: float) -> str:
    """Return a time with three digits in the unit that suits it, from ns to s; a dash for zero."""
    if seconds <= 0:
        return "–"
    seconds = float(f"{seconds:.3g}")  # 999.9 µs is 1 ms
    units = {0: "s", -3: "ms", -6: "µs", -9: "ns"}
    power = min(0, max(-9, 3 * math.floor(math.log10(seconds) / 3)))
    return f"{seconds / 10**power:,.3g} {units[power]}"


def best(timer: Timer) -> float:
    """Return the best lap: other programs can make a lap longer, never shorter."""
    return min(timer.times)


@cache
def vectors() -> dict[str, Any]:
    """Return two short float32 vectors of normal random numbers, (8,) each."""
    generator = torch.Generator().manual_seed(3)
    a, b = (torch.randn(FEW, generator=generator) for _ in "ab")
    return {"a": a.numpy().astype(np.float64), "b": b.numpy().astype(np.float64)}


def adding(first: float, turn: int) -> dict[str, Any]:
    """Return what both ways have added after some turns of the loop; ``first`` is the first element of a.

    Elements that are not there yet are NaN. The one call has all of them from the first turn on.
    """
    numbers = vectors()
    a, b = (torch.tensor(numbers[name], dtype=torch.float32) for name in "ab")
    a[0] = first
    by_loop, by_call = add_in_a_loop(a[:turn], b[:turn]), add_in_one_call(a, b)
    now = max(turn - 1, 0)
    rest = [math.nan] * FEW
    return {
        "places": (places := np.arange(1, FEW + 1)),
        "left": places - 0.15,
        "right": places + 0.15,
        "a": a.numpy(),
        "sums": by_call.tolist(),
        "by_loop": [*by_loop.tolist(), *rest[turn:]],
        "by_call": by_call.tolist() if turn else rest,
        "lit": [now] if turn else [],
        "i": now,
        "a_here": a[now].item(),
        "b_here": b[now].item(),
        "c_here": by_call[now].item(),
        "calls": 4 * turn + min(turn, 1),  # c is made by one
        "call": min(turn, 1),
        "loop_so_far": by_loop.tolist(),
        "call_so_far": by_call[:turn].tolist(),
    }


def so_far(timer: Timer) -> list[float]:
    """Return the best of the first k laps for k from 0 to 20, (21,): NaN for none; a lap that was not run adds none."""
    laps_run = [*timer.times, *[math.inf] * (MOST_LAPS - len(timer.times))]
    return [math.nan, *np.minimum.accumulate(laps_run).tolist()]


def race() -> dict[str, Any]:
    """Add two vectors of ``RACE`` elements in both ways: all laps, and the elements where the results differ most."""
    both = add_both_ways(RACE)
    loop, call = best(both.loop), best(both.call)
    worst = int((both.by_loop - both.by_call).abs().argmax())
    loops, calls = so_far(both.loop), so_far(both.call)
    return {
        "n": RACE,
        "loop_numbers": np.arange(len(both.loop.times)) + 1,
        "call_numbers": np.arange(len(both.call.times)) + 1,
        "loop_laps": both.loop.times,
        "call_laps": both.call.times,
        "loop_so_far": loops,
        "call_so_far": calls,
        "loop_best": ["–", *map(shown, loops[1:])],
        "call_best": ["–", *map(shown, calls[1:])],
        "ratio_so_far": np.divide(loops, calls),
        "loop_shown": shown(loop),
        "call_shown": shown(call),
        "ratio": both.ratio,
        "orders": math.log10(both.ratio),
        "compared": ["farthest", "all"],
        "by_loop": [both.by_loop[worst].item(), both.by_loop.sum().item()],
        "by_call": [both.by_call[worst].item(), both.by_call.sum().item()],
    }


@cache
def sweep(lengths: tuple[int, ...] = SWEEP) -> list[Additions]:
    """Add in both ways at each of the lengths, once."""
    return [add_both_ways(n) for n in lengths]


def lengths(n: float) -> dict[str, Any]:
    """Return both times and their ratio over the length of the vectors, and, measured afresh, at length n."""
    runs, here = sweep(), add_both_ways(round(n))
    loop, call = best(here.loop), best(here.call)
    return {
        "ns": SWEEP,
        "loop": [best(run.loop) for run in runs],
        "call": [best(run.call) for run in runs],
        "ratios": [run.ratio for run in runs],
        "loop_here": loop,
        "call_here": call,
        "ratio": here.ratio,
        "loop_shown": shown(loop),
        "call_shown": shown(call),
    }


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
        return {part: best(laps(ways[part])[0]) / n for part in PARTS}


def add_one(a: Tensor, b: Tensor, c: Tensor, i: int) -> None:
    """Do what ``c[i] = a[i] + b[i]`` does, one call into the library in each line."""
    first = a[i]
    second = b[i]
    total = first + second
    c[i] = total


def apart() -> dict[str, Any]:
    """Time the parts of one turn: ``clock`` is the time so far after each line of ``add_one``, in µs."""
    seconds = one_turn()
    lines = [seconds["read"], seconds["read"], seconds["add"], seconds["write"]]
    return {
        "clock": np.cumsum([0.0, *lines]) * 1e6,
        "top": 1.2e6 * max(sum(lines), seconds["turn"]),
        "whole": seconds["turn"] * 1e6,
        "parts": [seconds[part] for part in PARTS],
        "places": np.arange(len(PARTS))[::-1],
        "above": np.arange(len(PARTS))[::-1] + 0.32,
        "turn_and_call": [PARTS.index("turn"), PARTS.index("call")],
        "parts_shown": [shown(seconds[part]) for part in PARTS],
        **{f"{part}_shown": shown(value) for part, value in seconds.items()},
        "sum_shown": shown(sum(lines)),
        "plain_ratio": seconds["plain"] / seconds["call"],
        "truth": "calls",
    }


@cache
def _fitted() -> tuple[NDArray[np.float64], NDArray[np.float64], float]:
    X, y = load()
    model = LinearRegression().fit(X, y)
    return X, model.coef_, float(model.intercept_)


def predict_both_ways(n: int) -> tuple[float, float, NDArray[np.float64], NDArray[np.float64]]:
    """Predict n houses row by row and by one product: return both best laps, and the predictions (n,) of both."""
    X, weight, bias = _fitted()
    with one_thread():
        slow, by_loop = laps(partial(predict_row_by_row, X[:n], weight, bias))
        fast, by_call = laps(partial(predict, X[:n], weight, bias))
    return best(slow), best(fast), by_loop, by_call


@cache
def batches() -> list[tuple[float, float]]:
    """Time both ways of predicting for each number of houses, once."""
    return [predict_both_ways(n)[:2] for n in BATCHES]


def model(houses: float) -> dict[str, Any]:
    """Time the two ways of predicting prices for more and more houses at once, and, afresh, for so many."""
    n = round(houses)
    loop, call = np.transpose(batches())
    slow, fast, by_loop, by_call = predict_both_ways(n)
    worst = int(np.abs(by_loop - by_call).argmax())
    return {
        "sizes": BATCHES,
        "loop_each": loop / BATCHES,
        "call_each": call / BATCHES,
        "loop_here": slow / n,
        "call_here": fast / n,
        "ratio": slow / fast,
        "first_ratio": loop[0] / call[0],
        "last_ratio": (last := loop[-1] / call[-1]),
        "loop_shown": shown(slow),
        "call_shown": shown(fast),
        "truth": "much" if last > 10 else "little",
        "compared": ["farthest", "all"],
        "by_loop": [by_loop[worst], by_loop.sum()],
        "by_call": [by_call[worst], by_call.sum()],
        "allowed": [1e-6, 1e-3],
    }
