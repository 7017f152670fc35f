"""Threads of this process walk the shares of rows, and linear algebra keeps to one thread meanwhile.

A linear algebra library shares a product among threads too, but has little to share where the product is thin.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from threading import Lock
from typing import Any, TypeVar

from threadpoolctl import OpenBLASController, ThreadpoolController

Share = TypeVar("Share")

# Limits are the process's. The first who wants one sets it and the last takes it back, so they may overlap and nest.
_lock = Lock()
_holders = 0
_limits: Any = None

# How many threads sums may have although linear algebra is kept to one; None: as many as that.
_walkers: ContextVar[int | None] = ContextVar("walkers", default=None)


@cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


@contextmanager
def one_thread() -> Iterator[None]:
    """Let linear algebra use one thread: each of ours is at work already, or arithmetic alone is to be timed."""
    global _holders, _limits
    with _lock:
        if not _holders:
            _limits = _controller().limit(limits=1)
        _holders += 1
    try:
        yield
    finally:
        with _lock:
            _holders -= 1
            if not _holders:
                # Who set the limit need not be who takes it back, and only the former is listened to.
                OpenBLASController.clear_controlling_thread(force=True)
                _limits.restore_original_limits()
                OpenBLASController.clear_controlling_thread(force=True)


def thread_count() -> int:
    """Return how many threads linear algebra may use: as the environment or the user has set it, or one of ours."""
    with _lock:
        libraries = _controller().select(user_api="blas").info()
    return max((library["num_threads"] for library in libraries), default=1)


@contextmanager
def sums_share_threads() -> Iterator[None]:
    """Keep linear algebra to one thread in the block; sums over shares have as many as it had.

    For many small matrices: NumPy and SciPy bring a library each, and threads of one that wait for more work take the
    processor from the other's.
    """
    token = _walkers.set(thread_count())
    try:
        with one_thread():
            yield
    finally:
        _walkers.reset(token)


def sum_of(function: Callable[[Share], Sequence[Any]], shares: Sequence[Share]) -> list[Any]:
    """Return the sums, one by one, of what ``function`` returns for each share, added in their order."""
    threads = min(_walkers.get() or thread_count(), len(shares)) if len(shares) > 1 else 1
    if threads < 2:
        return added(map(function, shares))
    with one_thread(), ThreadPoolExecutor(threads) as pool:
        return added(pool.map(function, shares))


def added(parts: Iterable[Sequence[Any]]) -> list[Any]:
    """Return the sums of sequences, one by one. The first one's arrays are changed."""
    totals: list[Any] = []
    for part in parts:
        if not totals:
            totals = list(part)
            continue
        for i, value in enumerate(part):
            totals[i] += value
    return totals
