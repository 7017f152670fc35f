"""Rows of delimited text without quotes, in chunks that threads read; cells of numbers come as float64 at once.

All that is not plain is left to ``delimited.py``: quotes, rows of another length, and numbers spelled in any other way,
which stay strings. ``compiled_cells.c`` has the loops.
"""

import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from enum import IntEnum
from functools import cache
from io import BufferedReader
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from onelayer.data.arrow import column_of, joined_strings
from onelayer.engines.memory import keep_freed_memory
from onelayer.engines.threads import KEPT

try:
    from onelayer.data.compiled_cells import count_lines, join_cells, read_cells

    IS_COMPILED = True
except ImportError:  # there was no compiler when the package was installed
    IS_COMPILED = False

SEPARATORS = "\t;|,^~: "  # that are no part of a number
FIRST, CHUNK = 1 << 20, 1 << 21  # bytes of text that are read at once: while columns are new, and then
NEW = 3  # chunks that are read one by one, for what they hold tells how to read the next ones
TAIL, NEWLINE = 1 << 14, ord("\n")
THREADS = min(4, os.cpu_count() or 1)
LOWEST, HIGHEST = -342, 308  # powers of ten, of numbers of 19 digits, beyond which none is a float64


class Form(IntEnum):
    """How the cells of a column are written, if they may come as float64; strings if a chunk has any other cell."""

    TEXT = 0  # in any way: strings are wanted
    NUMBER = 1  # as 1.5, .5, -2 or 3e8, without a plus before or a space
    DECIMAL = (
        2  # as 1.5 or -2, without an exponent: what may have commas or spaces between thousands elsewhere
    )
    WHOLE = 3  # as 12 or -3, without zeros before, up to 2⁵³: each number is one string, and each string one number
    KNOWN = 4  # in a way that Arrow and DuckDB read alike: strings are not wanted


Forms = Callable[[int], Form]  # of the column of a number; it is asked before each chunk


def as_text(_: Any) -> Form:
    """Say that strings are wanted of any column."""
    return Form.TEXT


class IrregularError(Exception):
    """A row is not plain: there are quotes in it, or more or fewer cells than columns."""


def plain_rows(
    path: Path,
    skip: int,
    separator: str,
    width: int,
    columns: Sequence[int],
    form: Forms,
    sizes: tuple[int, int] = (FIRST, CHUNK),
) -> Iterator[list[pa.Array]]:
    """Yield some columns of the rows of a file in UTF-8, in order, as large strings, null where empty, or as float64.

    Args:
        path: the file, of lines that all end alike.
        skip: lines before the first row.
        separator: between cells, one of ``SEPARATORS``.
        width: cells of a row, more than one.
        columns: the numbers of the wanted columns.
        form: of each.
        sizes: bytes of the first chunk, and of the others.

    Raises:
        IrregularError: once all rows are yielded that come before the first one that is not plain.
    """
    keep_freed_memory(KEPT)
    running: deque[Future[tuple[list[pa.Array], bool]]] = deque()
    with path.open("rb") as file, ThreadPoolExecutor(THREADS) as pool:
        for _ in range(skip):
            file.readline()
        for i, text in enumerate(_chunks(file, sizes)):
            kinds = np.zeros(width, np.uint8)
            kinds[list(columns)] = [form(column) for column in columns]
            running.append(pool.submit(_columns, text, separator, kinds, columns))
            while len(running) > (0 if i < NEW else THREADS):
                yield from _checked(running.popleft())
        while running:
            yield from _checked(running.popleft())


def _checked(future: Future[tuple[list[pa.Array], bool]]) -> Iterator[list[pa.Array]]:
    """Yield the columns of a chunk, and raise IrregularError if they end before it does."""
    columns, is_whole = future.result()
    if len(columns[0]):
        yield columns
    if not is_whole:
        raise IrregularError


def _chunks(file: BufferedReader, sizes: tuple[int, int]) -> Iterator[NDArray[np.uint8]]:
    """Yield the bytes of the rest of a file in whole lines, each with its end."""
    rest, size = np.empty(0, np.uint8), sizes[0]
    while True:
        data = np.empty(len(rest) + size + 1, np.uint8)
        data[: len(rest)] = rest
        n = file.readinto(data[len(rest) : -1].data)
        end = len(rest) + n
        if n < size and end and data[end - 1] != NEWLINE:
            data[end] = NEWLINE  # of the last line
            end += 1
        whole = _last_end(data[:end])
        if whole:
            yield data[:whole]
            size = sizes[1]
        rest = data[whole:end].copy()
        if not n:
            return


def _last_end(data: NDArray[np.uint8]) -> int:
    """Return where the last whole line ends, 0 if there is none."""
    for start in (max(0, len(data) - TAIL), 0):
        found = bytes(data[start:]).rfind(b"\n")
        if found >= 0:
            return start + found + 1
    return 0


def _columns(
    text: NDArray[np.uint8], separator: str, kinds: NDArray[np.uint8], columns: Sequence[int]
) -> tuple[list[pa.Array], bool]:
    """Return some columns of lines, and whether all lines are plain; no line after one that is not is read."""
    lines, width = count_lines(text), len(kinds)
    starts = np.empty((lines, width + 1), np.int32)
    values = np.empty((width, lines))
    n, used = read_cells(text, ord(separator), powers_of_five(), LOWEST, kinds, starts, values)
    found = [
        _strings(text, starts[:n], j) if kinds[j] == Form.TEXT else _numbers(values[j, :n]) for j in columns
    ]
    return found, used == len(text)


def _numbers(values: NDArray[np.float64]) -> pa.Array:
    is_empty = np.isnan(values)
    return column_of(values, ~is_empty if is_empty.any() else None)


def _strings(text: NDArray[np.uint8], starts: NDArray[np.int32], column: int) -> pa.Array:
    sizes = starts[:, column + 1] - starts[:, column] - 1
    offsets = np.zeros(len(starts) + 1, np.int64)
    np.cumsum(sizes, out=offsets[1:])
    joined = np.empty(int(offsets[-1]), np.uint8)
    join_cells(text, starts, column, offsets, joined)
    return joined_strings(offsets, joined, sizes > 0)


@cache
def powers_of_five() -> NDArray[Any]:
    """Return 5^q for q from ``LOWEST`` to ``HIGHEST`` (k, 3): its first 64 bits, the next 64, and e.

    It is at least these bits times 2^e, and less than one more of them times 2^e. The third number is in two's
    complement.
    """
    found = []
    for q in range(LOWEST, HIGHEST + 1):
        power = 5 ** abs(q)
        e = power.bit_length() - 128 if q >= 0 else -127 - power.bit_length()
        bits = (power << 128) >> (128 + e) if q >= 0 else (1 << -e) // power
        found.append((bits >> 64, bits & (2**64 - 1), e % 2**64))
    return np.array(found, np.uint64)
