"""How much memory there is, and how much of it a pass over units takes."""

import ctypes
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from onelayer.errors import OneLayerError

BASE = 280 << 20  # bytes that Python and its libraries take
WALKER = 48 << 20  # bytes that a thread has in hand: a batch, and blocks of it, perhaps decoded by several
PAGES = 11 << 18  # bytes of each column that it reads besides: a page as it is stored and as it is read
SHARE = 0.5  # of the memory that is free, if the user does not say how much may be taken
UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
BINARY = {"KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}


def bytes_in(text: str | int) -> int:
    """Return a number of bytes, such as 2GB, 512MiB or a number.

    Raises:
        OneLayerError: if it is something else.
    """
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([KMGT]?I?)B?\s*", str(text).upper())
    factor = (UNITS | BINARY).get(found[2]) if found else None
    if not found or factor is None or not float(found[1]):
        raise OneLayerError(f"memory must be such as 2GB or 500MB, not {text!r}")
    return int(float(found[1]) * factor)


def available() -> int:
    """Return how many bytes of memory are free, or allowed to the process's control group."""
    found = 2**30
    with suppress(OSError, ValueError):  # not every system tells
        found = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    for limit, used in _limits():
        with suppress(OSError, ValueError):  # "max" is none
            found = min(found, int(limit.read_text()) - int(used.read_text()))
    return max(found, 0)


def _limits() -> Iterator[tuple[Path, Path]]:
    """Yield the files that say how much memory control groups of this process may have, and have."""
    names = {
        "": ("memory.max", "memory.current"),
        "memory": ("memory.limit_in_bytes", "memory.usage_in_bytes"),
    }
    with suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            for controller in set(controllers.split(",")) & set(names):
                root = Path("/sys/fs/cgroup") / controller
                for folder in (root / path.lstrip("/"), root):  # the latter in a container
                    yield folder / names[controller][0], folder / names[controller][1]


def needed(reading: int, features: int) -> int:
    """Return how many bytes a process of one thread takes; see ``shares_of``."""
    return BASE + WALKER + reading + 3 * 8 * features**2


def shares_of(memory: int | None, reading: int, features: int, sizes: list[int]) -> tuple[int, int]:
    """Return how many threads may walk units at once, 0 for any number, and how many units may stay in memory.

    Args:
        memory: bytes that the process may take; None for a share of what is free.
        reading: bytes that a thread needs to read files.
        features: d of the matrices (d, d) that each thread adds up.
        sizes: bytes of each unit in memory.

    Raises:
        OneLayerError: if it is too little for one thread.
    """
    walker = needed(reading, features) - BASE
    if memory is None:
        walkers, left = 0, int(SHARE * available())
    else:
        if memory < BASE + walker:
            raise OneLayerError(f"memory must be at least {-(-(BASE + walker) // 10**6)}MB for these files")
        walkers = min((memory - BASE) // walker, os.cpu_count() or 1)
        left = memory - BASE - walkers * walker
    held = 0
    for size in sizes:
        left -= size + size // 8
        if left < 0:
            break
        held += 1
    return walkers, held


@cache
def keep_freed_memory(size: int) -> None:
    """Let this process use freed memory again, up to a number of bytes of it, instead of giving it back at once.

    Else the system hands out, and clears, the memory of each block anew, which takes a third of a pass, or, as Dask
    sets up its workers, as long as the arithmetic. Where the C library has no such switch, nothing is changed.
    """
    trim_threshold, mmap_threshold = -1, -3  # of glibc's malloc.h
    with suppress(OSError, AttributeError, TypeError):
        library = ctypes.CDLL(None)
        library.mallopt(trim_threshold, size)
        library.mallopt(mmap_threshold, 32 << 20)  # the most that glibc itself comes to by and by
