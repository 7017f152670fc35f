"""Sums over rows, each thread taking its share of them: everything a linear model learns from data is one.

A linear algebra library shares a product among threads too, but has little to share where the product is thin.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from threading import Lock
from typing import Any

from threadpoolctl import ThreadpoolController, threadpool_limits

LEAST_ROWS = 4096  # a share: fewer are done before a thread has started

# Limits are the process's: if two of them overlapped, the later one would restore the earlier one's limit for good.
_LOCK = Lock()


def blocks(part: slice, size: int) -> Iterator[slice]:
    """Yield slices of at most ``size`` rows that make up ``part``, whose start and stop are given."""
    for start in range(part.start, part.stop, size):
        yield slice(start, min(start + size, part.stop))


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def thread_count() -> int:
    """Return how many threads NumPy's linear algebra may use, as the environment or the user has set it."""
    counts = [library["num_threads"] for library in _controller().info() if library["user_api"] == "blas"]
    return max(counts, default=1)


@contextmanager
def one_thread() -> Iterator[None]:
    """Do all arithmetic on one thread, for times that compare arithmetic alone. Others that limit threads wait."""
    with _LOCK, threadpool_limits(1):
        yield


def sum_over_rows(function: Callable[[slice], Sequence[Any]], n: int) -> list[Any]:
    """Return the sums, one by one, of what ``function`` returns for slices that make up all n rows."""
    with _LOCK:
        threads = min(thread_count(), n // LEAST_ROWS)
    if threads < 2:
        return list(function(slice(0, n)))
    ends = [n * i // threads for i in range(threads + 1)]
    slices = [slice(start, end) for start, end in pairwise(ends)]
    with _LOCK, _controller().limit(limits=1, user_api="blas"), ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(function, slices))
    return [sum(values[1:], values[0]) for values in zip(*parts, strict=True)]
