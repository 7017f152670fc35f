"""Section 3.1.2: two vectors added element by element in Python and in one call, both timed."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor

from onelayer.engines.threads import one_thread
from onelayer.timer import Timer

MOST_LAPS = 20
PATIENCE = 0.1  # seconds after which no further lap of a way is started

T = TypeVar("T")


def add_in_a_loop(a: Tensor, b: Tensor) -> Tensor:
    """Return a + b for vectors (n,), one element at a time."""
    c = torch.zeros_like(a)
    for i in range(len(a)):
        c[i] = a[i] + b[i]
    return c


def add_in_one_call(a: Tensor, b: Tensor) -> Tensor:
    """Return a + b for vectors (n,), all elements in one call."""
    return a + b


@dataclass(frozen=True)
class Additions:
    """The sum of two vectors of n elements, worked out in both ways.

    Attributes:
        n: the length of the vectors.
        loop: the laps of ``add_in_a_loop``.
        call: the laps of ``add_in_one_call``.
        by_loop: the sum (n,) from the loop.
        by_call: the sum (n,) from the one call.
    """

    n: int
    loop: Timer
    call: Timer
    by_loop: Tensor
    by_call: Tensor

    @property
    def ratio(self) -> float:
        """How many times faster the one call is, best lap against best lap: other work only ever adds time."""
        return min(self.loop.times) / min(self.call.times)


def add_both_ways(n: int, seed: int = 0) -> Additions:
    """Add two float32 vectors of normal random numbers (n,) in both ways, each in up to 20 laps.

    Both run on one thread: what they differ in is vectorization alone.
    """
    generator = torch.Generator().manual_seed(seed)
    a, b = torch.randn(n, generator=generator), torch.randn(n, generator=generator)
    with one_thread():
        call, by_call = laps(lambda: add_in_one_call(a, b))
        loop, by_loop = laps(lambda: add_in_a_loop(a, b))
    return Additions(n, loop, call, by_loop, by_call)


def laps(work: Callable[[], T]) -> tuple[Timer, T]:
    """Run ``work`` 20 times; after a tenth of a second no further lap is started.

    Returns:
        The timer with the laps, and the last result.
    """
    timer = Timer()
    while True:
        timer.start()
        result = work()
        timer.stop()
        if len(timer.times) == MOST_LAPS or timer.sum() > PATIENCE:
            return timer, result
