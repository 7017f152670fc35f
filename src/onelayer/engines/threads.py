"""Threads of this process walk the shares of rows, and linear algebra keeps to one thread meanwhile.

A linear algebra library shares a product among threads too, but has little to share where the product is thin.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from threading import Lock
from typing import Any, TypeVar

from threadpoolctl import OpenBLASController, ThreadpoolController

from onelayer.engines.memory import keep_freed_memory

Share = TypeVar("Share")
Read = Callable[[Any], Iterable[Any]]
Watch = Callable[[int, int], None]  # is told of units that are done, of how many

KEPT = 32 << 20  # bytes of blocks that are freed, and used for the next ones

# Limits are the process's. The first who wants one sets it and the last takes it back, so they may overlap and nest.
_lock = Lock()
_holders = 0
_limits: Any = None

# How many threads sums may have although linear algebra is kept to one; None: as many as that.
_walkers: ContextVar[int | None] = ContextVar("walkers", default=None)

# Threads that many sums have one after the other: to start them takes longer than a small sum.
_pool: ContextVar[ThreadPoolExecutor | None] = ContextVar("pool", default=None)


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
    if _pool.get() is not None:
        yield
        return
    walkers = _walkers.get() or thread_count()
    with one_thread(), ThreadPoolExecutor(walkers) as pool:
        tokens = _walkers.set(walkers), _pool.set(pool)
        try:
            yield
        finally:
            _walkers.reset(tokens[0])
            _pool.reset(tokens[1])


def has_idle_threads() -> bool:
    """Return whether the caller walks alone where several threads could, so that files may be decoded by the others."""
    return (_walkers.get() or 1) > 1


def sum_of(function: Callable[[Share], Sequence[Any]], shares: Sequence[Share], most: int = 0) -> list[Any]:
    """Return the sums, one by one, of what ``function`` returns for each share, added by one tree.

    Args:
        function: what to sum.
        shares: of what.
        most: threads, if not as many as linear algebra has.
    """
    threads = (
        min(_walkers.get() or thread_count(), len(shares), most or len(shares)) if len(shares) > 1 else 1
    )
    if threads < 2:
        return tree_sum(map(function, shares))
    kept = _pool.get() if threads == _walkers.get() else None
    with one_thread(), nullcontext(kept) if kept else ThreadPoolExecutor(threads) as pool:
        if len(shares) in (threads, 2 * threads):
            return tree_sum(_with_own(pool, function, shares, len(shares) // threads))
        return tree_sum(_in_order(pool, function, shares, threads + 2))


def _with_own(
    pool: ThreadPoolExecutor, function: Callable[[Share], Sequence[Any]], shares: Sequence[Share], each: int
) -> Iterator[Sequence[Any]]:
    """Yield the sums of one or two shares for each thread, of which the caller's is the first.

    So there is a thread less to be woken, and to have memory of its own that C's library keeps for it.
    """

    def of_group(start: int) -> list[Any]:
        return tree_sum(map(function, shares[start : start + each]))

    others = [pool.submit(of_group, start) for start in range(each, len(shares), each)]
    token = _walkers.set(1)
    try:
        own = of_group(0)
    finally:
        _walkers.reset(token)
    yield own
    for other in others:
        yield other.result()


def _in_order(
    pool: ThreadPoolExecutor, function: Callable[[Share], Sequence[Any]], shares: Sequence[Share], ahead: int
) -> Iterator[Sequence[Any]]:
    """Yield results in the order of shares, of which no more than ``ahead`` are begun before they are wanted."""
    running: deque[Future[Sequence[Any]]] = deque()
    try:
        for share in shares:
            if len(running) == ahead:
                yield running.popleft().result()
            running.append(pool.submit(function, share))
        while running:
            yield running.popleft().result()
    finally:
        for future in running:
            future.cancel()


def tree_sum(parts: Iterable[Sequence[Any]]) -> list[Any]:
    """Return the sums of sequences, one by one, added by a binary tree that depends on their number alone.

    The left branch of n parts has the largest power of two of them that is less than n. So the sum of the sums of
    every 2ᵏ parts has the same bits as the sum of all. Arrays are changed.
    """
    branches: list[tuple[int, Sequence[Any]]] = []  # sizes fall, each a power of two
    for part in parts:
        size = 1
        while branches and branches[-1][0] == size:
            part = added([branches.pop()[1], part])
            size *= 2
        branches.append((size, part))
    total: Sequence[Any] = branches.pop()[1] if branches else []
    while branches:
        total = added([branches.pop()[1], total])
    return list(total)


def added(parts: Iterable[Sequence[Any]]) -> list[Any]:
    """Return the sums of sequences, one by one, in their order. The first one's arrays are changed."""
    totals: list[Any] = []
    for part in parts:
        if not totals:
            totals = list(part)
            continue
        for i, value in enumerate(part):
            totals[i] += value
    return totals


@dataclass(eq=False)
class Threads:
    """Threads of this process walk units of files; the first that are walked stay in memory as they were read.

    Attributes:
        most: threads; 0 for as many as linear algebra has.
        n_held: how many units stay in memory.
    """

    most: int = 0
    n_held: int = 0
    _watch: Watch | None = field(default=None, repr=False)
    _held: tuple[Read | None, dict[Any, list[Any]]] = field(default=(None, {}), repr=False)

    def tell(self, watch: Watch) -> None:
        """Tell of each unit that is done from now on, from any thread."""
        self._watch = watch

    def sum(self, read: Read, terms: Callable[[Any], Sequence[Any]], units: Sequence[Any]) -> list[Any]:
        """Return the sums of what ``terms`` returns for all blocks that ``read`` yields for each unit."""
        keep_freed_memory(KEPT)
        if self._held[0] != read:
            self._held = read, {}
        held, done = self._held[1], count(1)
        for unit in units:
            if len(held) < self.n_held:
                held.setdefault(unit, [])

        def blocks(unit: Any) -> Iterable[Any]:
            if unit not in held:
                return read(unit)
            held[unit] = held[unit] or list(read(unit))
            return held[unit]

        def of_unit(unit: Any) -> list[Any]:
            found = added(map(terms, blocks(unit)))
            if self._watch:
                self._watch(next(done), len(units))
            return found

        with sums_share_threads():
            return sum_of(of_unit, units, self.most)
