"""Arrow columns as NumPy arrays and back, by their buffers.

PyArrow's own conversions import pandas, where it is installed, to look whether a value is one of its. That takes as
long as all the rest of a command on a table; so does a Python value where a function wants a scalar.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def mask_of(values: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return booleans (n,), false where missing."""
    bits = [np.zeros(0, bool), *(_bits(c, 1) & _bits(c, 0) for c in values.chunks)]
    return np.concatenate(bits)


def numbers_of(values: pa.ChunkedArray, dtype: type[np.generic], missing: float) -> NDArray[Any]:
    """Return numbers (n,) of an Arrow type that NumPy calls ``dtype``, ``missing`` in the place of a null."""
    parts: list[NDArray[Any]] = []
    for chunk in values.chunks:
        if len(chunk):
            offset = chunk.offset * np.dtype(dtype).itemsize
            stored = np.frombuffer(chunk.buffers()[1], dtype, len(chunk), offset)
            is_whole = not chunk.null_count
            parts.append(
                stored if is_whole else np.where(_bits(chunk, 0), stored, np.asarray(missing, dtype))
            )
    return np.concatenate(parts) if parts else np.zeros(0, dtype)


def stored_floats(values: pa.Array) -> NDArray[np.float64] | None:
    """Return float64 of which none is null (n,), without a copy; None if the array is of anything else."""
    if not pa.types.is_float64(values.type) or values.null_count or not len(values):
        return None
    return np.frombuffer(values.buffers()[1], np.float64, len(values), values.offset * 8)


def column_of(values: NDArray[Any], known: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return floats, integers or strings (n,) as an Arrow array, null where they are not known (n,)."""
    if values.dtype == object:
        return strings(values.tolist(), known)
    values = np.ascontiguousarray(values)
    kind = pa.from_numpy_dtype(values.dtype)
    return pa.Array.from_buffers(kind, len(values), [_validity(known), pa.py_buffer(values)])


def strings(values: Iterable[str | None], known: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return strings (n,) as an Arrow array, null where they are not known (n,)."""
    encoded = [b"" if value is None else value.encode() for value in values]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int64)
    buffers = [_validity(known), pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.large_string(), len(encoded), buffers)


def blanked(values: pa.Array, mask: Any) -> Any:
    """Return an Arrow array (n,), null where a mask (n,) is true."""
    return pc.if_else(mask, pa.nulls(1, values.type)[0], values)


def first_true(mask: Any) -> int:
    """Return the place of the first true value of an Arrow array (n,), −1 if there is none."""
    return int(pc.index(mask, pa.nulls(1).is_null()[0]).as_py())


def string(value: str) -> pa.Scalar:
    """Return a string as an Arrow scalar."""
    return strings([value])[0]


def number(value: float) -> pa.Scalar:
    """Return a number as an Arrow scalar."""
    return column_of(np.array([value], np.float64))[0]


def _validity(known: NDArray[np.bool_] | None) -> pa.Buffer | None:
    if known is None or known.all():
        return None
    return pa.py_buffer(np.packbits(known, bitorder="little"))


def _bits(chunk: pa.Array, number: int) -> NDArray[np.bool_]:
    """Return a buffer of bits of an array, 0 for which values are there and 1 for booleans themselves, (n,)."""
    buffer = chunk.buffers()[number]
    if buffer is None or not len(chunk):
        return np.ones(len(chunk), bool)
    end = chunk.offset + len(chunk)
    bits = np.unpackbits(np.frombuffer(buffer, np.uint8), bitorder="little", count=end)
    return bits[chunk.offset :].astype(bool)
