"""The files of onelayer: tensors in the safetensors format, a description of them in JSON, and a checksum over it all.

The description is the only entry of the file's metadata. It begins with a SHA-256 of the whole file, taken with
zeros in the place of its own digits; so it is known whether a file is as it was written before any of it is parsed.
Files of the first version, which have no checksum, can be read as well, with a warning. Their metadata is under
another name, so that no slip of a few bits makes a new file pass for an old one.
"""

import json
import warnings
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from onelayer.errors import OneLayerError, named
from onelayer.schema import items, list_of, record, text, whole

ENTRY = "onelayer-file"
FIRST_ENTRY = "onelayer"  # in files of the first version
DIGITS = 64
START = f'{{"__metadata__":{{"{ENTRY}":"{{\\"sha256\\":\\"'.encode()  # of the header, before the digits
LARGEST_HEADER = 100_000_000  # bytes, as in the safetensors library

# The library has no NumPy types for others, and our files hold no others.
DTYPES = ("F64", "F32", "I64", "I32", "I16", "I8", "U64", "U32", "U16", "U8", "BOOL")
TENSOR = record(
    {"dtype": text(*DTYPES), "shape": list_of(whole(0)), "data_offsets": items(whole(0), whole(0))}
)


@dataclass(frozen=True)
class Content:
    """What a file holds.

    Attributes:
        is_first: whether it is of the first version of its format.
        description: JSON values about the tensors; not yet compared with any schema.
        tensors: by name.
    """

    is_first: bool
    description: dict[str, Any]
    tensors: dict[str, NDArray[Any]]


def to_bytes(form: str, description: Mapping[str, Any], tensors: Mapping[str, NDArray[Any]]) -> bytes:
    """Return a file of the format ``form``; equal arguments give equal bytes.

    Raises:
        OneLayerError: if the description is too large.
    """
    about = {"sha256": "0" * DIGITS, "format": form, **description}
    entry = json.dumps(about, ensure_ascii=False, separators=(",", ":"))
    contiguous = {name: tensor.copy(order="C") for name, tensor in tensors.items()}
    content = bytearray(safetensors.numpy.save(contiguous, {ENTRY: entry}))
    if int.from_bytes(content[:8], "little") > LARGEST_HEADER:
        raise OneLayerError(f"the names in it take more than {LARGEST_HEADER:,} bytes")
    content[_digits_place()] = sha256(content).hexdigest().encode()
    return bytes(content)


def read(path: Path, form: str, first: str) -> Content:
    """Return the content of a file of the format ``form``, or of the one of the first version, ``first``.

    Raises:
        OneLayerError: if the file is missing, damaged or of another format.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise OneLayerError(f"{path}: cannot be read ({error.strerror})") from error
    with about_file(path):
        return _from_bytes(content, form, first)


def about_file(path: Path) -> AbstractContextManager[None]:
    """Put the name of a file before the message of an error about its content."""
    return named(f"{path}: damaged or not a file of onelayer")


def warn_of_no_checksum(content: Content, path: Path) -> None:
    """Warn that a file of the first version may have been damaged without a trace."""
    if content.is_first:
        warnings.warn(
            f"{path}: was written by an earlier version, without a checksum: if a number in it was damaged, it does "
            "not show",
            stacklevel=3,
        )


def _from_bytes(content: bytes, form: str, first: str) -> Content:
    header_size = int.from_bytes(content[:8], "little")
    if not 0 < header_size <= min(LARGEST_HEADER, len(content) - 8):
        raise OneLayerError("it is not a safetensors file, or a part is missing")
    has_checksum = content.startswith(START, 8)
    if has_checksum:
        _verify(content)
    header = _parsed(content[8 : 8 + header_size], "the header")
    metadata = header.pop("__metadata__", {})
    for name, entry in header.items():
        TENSOR(entry, name)
    expected, key = (form, ENTRY) if has_checksum else (first, FIRST_ENTRY)
    if not isinstance(metadata, dict) or list(metadata) != [key] or not isinstance(metadata[key], str):
        raise OneLayerError(f"it has no description; expected the format {form!r}")
    description = _parsed(metadata[key].encode(errors="surrogatepass"), "the description")
    found = description.pop("format", None)
    if found != expected:
        raise OneLayerError(f"its format is {found!r}, expected {form!r}")
    description.pop("sha256", None)
    try:
        return Content(not has_checksum, description, safetensors.numpy.load(content))
    except (safetensors.SafetensorError, ValueError) as error:
        raise OneLayerError(f"its tensors cannot be read ({error})") from error


def _digits_place() -> slice:
    start = 8 + len(START)
    return slice(start, start + DIGITS)


def _verify(content: bytes) -> None:
    place = _digits_place()
    blank = content[: place.start] + b"0" * DIGITS + content[place.stop :]
    if content[place] != sha256(blank).hexdigest().encode():
        raise OneLayerError("its checksum does not match: it was changed, or cut short, after it was written")


def _parsed(encoded: bytes, what: str) -> dict[str, Any]:
    """Return a JSON object without repeated names."""
    try:
        found = json.loads(encoded.decode(), object_pairs_hook=_distinct)
    except (ValueError, RecursionError) as error:
        raise OneLayerError(f"{what} is not valid JSON ({error})") from error
    if not isinstance(found, dict):
        raise OneLayerError(f"{what} is not a JSON object")
    return found


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a name is repeated")
    return values
