"""Mutants of files, 300 a format unless FUZZ_MUTANTS=20000 (say) is in the environment, and limits while one is read.

The same seed gives the same mutants. A format's own test file says what the originals are, how a mutant is read, and
which strings (``tokens``) mean something in the format; see test_fuzz_idx.py.
"""

import os
import signal
import struct
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import numpy as np
import pytest

from onelayer.errors import OneLayerError

N_MUTANTS = int(os.environ.get("FUZZ_MUTANTS", "300"))
SECONDS = 20  # for one mutant: far more than any takes, so that only a loop without end reaches it
EXTREMES = (0, 1, 2, 127, 128, 255, 256, 2**15, 2**16 - 1, 2**16, 2**31 - 1, 2**31, 2**32 - 1)
FORMS = (">I", "<I", ">H", "<H")


def mutant(
    original: bytes, r: np.random.Generator, tokens: Sequence[bytes] = (), other: bytes = b""
) -> bytes:
    """Return a copy with one to four mutations; ``other`` is a file that parts may come from."""
    content = bytearray(original)
    operations: list[Callable[[bytearray, np.random.Generator], None]] = [flip_bit, set_byte, set_integer]
    if (
        r.random() < 0.7
    ):  # else the file keeps its size, without which little else is looked at in some formats
        operations += [insert, delete, repeat, swap, cut_short, append]
        operations += [lambda c, r: graft(c, r, other)] * bool(other)
        operations += [lambda c, r: insert_token(c, r, tokens)] * (2 * bool(tokens))
    for _ in range(r.integers(1, 5)):
        operations[r.integers(len(operations))](content, r)
    return bytes(content)


def place(content: bytearray, r: np.random.Generator) -> int:
    """Return an offset, every other time one of the first 24: headers are where most is decided."""
    end = min(len(content), 24) if r.random() < 0.5 else len(content)
    return int(r.integers(end + 1))


def stretch(content: bytearray, r: np.random.Generator) -> slice:
    start = place(content, r)
    return slice(start, start + int(r.integers(1, 2 + len(content) // int(r.choice([2, 8, 32])))))


def flip_bit(content: bytearray, r: np.random.Generator) -> None:
    at = place(content, r)
    content[at : at + 1] = bytes(byte ^ (1 << r.integers(8)) for byte in content[at : at + 1])


def set_byte(content: bytearray, r: np.random.Generator) -> None:
    at = place(content, r)
    content[at : at + 1] = bytes([r.integers(256)])


def set_integer(content: bytearray, r: np.random.Generator) -> None:
    form = FORMS[r.integers(len(FORMS))]
    size = struct.calcsize(form)
    at = place(content, r)
    content[at : at + size] = struct.pack(form, EXTREMES[r.integers(len(EXTREMES))] % 256**size)


def insert(content: bytearray, r: np.random.Generator) -> None:
    at = place(content, r)
    content[at:at] = r.bytes(int(r.integers(1, 9)))


def insert_token(content: bytearray, r: np.random.Generator, tokens: Sequence[bytes]) -> None:
    at = place(content, r)
    content[at : at + int(r.integers(3))] = tokens[r.integers(len(tokens))]


def delete(content: bytearray, r: np.random.Generator) -> None:
    del content[stretch(content, r)]


def repeat(content: bytearray, r: np.random.Generator) -> None:
    part = stretch(content, r)
    content[part.stop : part.stop] = content[part] * int(r.integers(1, 4))


def swap(content: bytearray, r: np.random.Generator) -> None:
    part = stretch(content, r)
    moved = content[part]
    del content[part]
    at = place(content, r)
    content[at:at] = moved


def cut_short(content: bytearray, r: np.random.Generator) -> None:
    del content[place(content, r) :]


def append(content: bytearray, r: np.random.Generator) -> None:
    content += r.bytes(int(r.integers(1, 17))) if r.random() < 0.5 else bytes(int(r.integers(1, 5000)))


def graft(content: bytearray, r: np.random.Generator, other: bytes) -> None:
    content[stretch(content, r)] = other[stretch(bytearray(other), r)]


def seeds() -> Iterator[np.random.Generator]:
    """Yield a generator for each mutant."""
    for seed in range(N_MUTANTS):
        yield np.random.default_rng(seed)


@contextmanager
def limits(name: str, most_bytes: int) -> Iterator[None]:
    """Let the block end in OneLayerError, of one line, and in no other error; nor may it take long or much memory."""

    def stop(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(SECONDS)
    tracemalloc.start()
    try:
        yield
    except OneLayerError as error:
        assert str(error) and "\n" not in str(error), f"{name}: {error}"
    except BaseException as error:
        pytest.fail(f"{name}: {type(error).__name__}: {error}")
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    assert peak <= most_bytes, f"{name}: took {peak:,} bytes"
