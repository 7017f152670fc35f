"""One file of images or labels in IDX, the format of MNIST and its kin, plain or compressed by gzip or Zstandard.

Format: two zero bytes, a byte for the type, a byte for the number of dimensions, each dimension as a big-endian
32-bit integer, then the values, big-endian too (yann.lecun.com/exdb/mnist). Whether and how a file is compressed is
told by its first bytes, not by its name (RFC 1952 for gzip, RFC 8878 for Zstandard).
"""

import gzip
import math
import os
import stat
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import OneLayerError, first_line

GZIP, ZSTANDARD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"
CHUNK = 1 << 20  # bytes that are decompressed at a time

BYTES = {0x08: "u1"}
INTEGERS = BYTES | {0x09: "i1", 0x0B: ">i2", 0x0C: ">i4"}

Bytes = NDArray[np.uint8]
Labels = NDArray[np.int64]


def read_images(path: Path, transpose: bool = False) -> tuple[Bytes, tuple[int, int]]:
    """Return the images of an IDX file as rows of bytes (n, height·width), and (height, width).

    With ``transpose`` rows and columns of each image change places, as EMNIST's have to.

    Raises:
        OneLayerError: if the file cannot be read, is corrupt, has no images, or is not an IDX file of images of bytes.
    """
    images = _read_idx(path, 3, BYTES)
    if not images.size:
        raise OneLayerError(f"{path}: has no images")
    if transpose:
        images = images.transpose(0, 2, 1)
    n, height, width = images.shape
    return images.reshape(n, height * width), (height, width)


def read_labels(path: Path) -> Labels:
    """Return the labels (n,) of an IDX file of bytes or of integers of 8, 16 or 32 bits.

    Raises:
        OneLayerError: if the file cannot be read, is corrupt, or is not an IDX file of labels.
    """
    return _read_idx(path, 1, INTEGERS).astype(np.int64)


def _read_idx(path: Path, dimensions: int, types: dict[int, str]) -> NDArray[Any]:
    """Return the values of an IDX file with that many dimensions, of one of the types.

    They are copied into memory: pages of a mapped file would change, or go, when somebody writes to it. No more
    memory is taken than there are values in the file, whatever its header says, and no more than its header says.
    """
    try:
        with _opened(path) as (stream, size):
            dtype, shape = _header(path, stream, dimensions, types)
            header_size, n_bytes = 4 + 4 * dimensions, math.prod(shape) * dtype.itemsize
            if size is not None and size != header_size + n_bytes:
                raise _wrong_size(path, shape, header_size + n_bytes, size)
            content = _content(stream, n_bytes, is_there=size is not None)
            if len(content) < n_bytes:
                raise _wrong_size(path, shape, header_size + n_bytes, header_size + len(content))
            if stream.read(1):
                raise _wrong_size(path, shape, header_size + n_bytes, None)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise OneLayerError(f"{path}: corrupt or truncated gzip file ({error})") from error
    except OSError as error:
        raise OneLayerError(f"{path}: cannot be read ({error.strerror or first_line(error)})") from error
    return content.view(dtype).reshape(shape)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, int | None]]:
    """Open a file to read what is in it, decompressed; with its size, or None if only reading can tell."""
    if not stat.S_ISREG(path.stat().st_mode):  # to open a pipe would wait for its writer
        raise OneLayerError(f"{path}: is not a regular file")
    with path.open("rb") as file:
        start = file.peek(len(ZSTANDARD))
        if start.startswith(GZIP):
            with gzip.GzipFile(fileobj=file) as stream:
                yield stream, None  # type: ignore[misc] # a BinaryIO in all but its declaration
        elif start.startswith(ZSTANDARD):
            import pyarrow  # takes 0.1 s, and few files need it

            with pyarrow.input_stream(file, compression="zstd") as stream:
                yield stream, None
        else:
            yield file, os.fstat(file.fileno()).st_size


def _header(
    path: Path, stream: BinaryIO, dimensions: int, types: dict[int, str]
) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return the type and the shape that the header at the beginning of an IDX file promises."""
    header = stream.read(4 + 4 * dimensions)
    is_header = len(header) == 4 + 4 * dimensions and header[:2] == b"\0\0" and header[3] == dimensions
    if not (is_header and header[2] in types):
        what = "images of bytes" if dimensions == 3 else "integer labels"
        third = f"{'/'.join(f'{code:02x}' for code in types)}"
        raise OneLayerError(
            f"{path}: not an IDX file of {what}: it begins with {header[:4].hex(' ') or 'nothing'}, "
            f"expected 00 00 {third} 0{dimensions} and its size"
        )
    return np.dtype(types[header[2]]), struct.unpack(f">{dimensions}I", header[4:])


def _content(stream: BinaryIO, n_bytes: int, is_there: bool) -> Bytes:
    """Return the next ``n_bytes``, or fewer if the stream ends; memory for all at once only if they are there."""
    if is_there:
        whole = np.empty(n_bytes, np.uint8)
        return whole[: stream.readinto(whole)]  # type: ignore[attr-defined]
    grown = bytearray()
    while len(grown) < n_bytes and (chunk := stream.read(min(CHUNK, n_bytes - len(grown)))):
        grown += chunk
    return np.frombuffer(grown, np.uint8)


def _wrong_size(path: Path, shape: tuple[int, ...], expected: int, found: int | None) -> OneLayerError:
    """Return the error about a file that has ``found`` bytes, None for more than expected."""
    is_short = found is not None and found < expected
    return OneLayerError(
        f"{path}: {'truncated' if is_short else 'too long'}: its header promises {expected:,} bytes "
        f"({' × '.join(map(str, shape))} values), it has {'more' if found is None else f'{found:,}'}"
    )
