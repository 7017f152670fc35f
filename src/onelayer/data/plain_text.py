"""Text files as people have them, compressed or not and in any common encoding, as plain UTF-8."""

import codecs
import os
import re
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from onelayer.errors import OneLayerError

CHUNK = 1 << 20
COMPRESSIONS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2"}  # by their first bytes
UNHARMED = 256 << 20  # bytes that any compressed file may become
LARGEST_RATIO = 200  # beyond that: real tables shrink to a tenth, and a file of zeros to a thousandth
MARKS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
PAIRED = (
    0.9  # share of high bytes in runs of an even length, from which on text is Chinese rather than Latin-1
)


@dataclass(frozen=True)
class PlainText:
    """A text file that can be read as it is: UTF-8, not compressed, one kind of line ends.

    Attributes:
        path: the file, or a copy of it that is removed when this is no longer used.
        encoding: that of the original.
        compression: likewise, or None.
        has_quotes: whether it has a double quote anywhere.
    """

    path: Path
    encoding: str
    compression: str | None
    has_quotes: bool


def plain_text(path: Path, encoding: str | None = None) -> PlainText:
    """Return a text file as UTF-8, copied to a temporary file if it is anything else; in bounded memory.

    Args:
        path: the file.
        encoding: of the file; found out if it is not given: UTF-8, UTF-16, GB18030 or Latin-1.

    Raises:
        OneLayerError: if it cannot be read, is not text, or becomes suspiciously large.
    """
    copies: list[Path] = []
    try:
        source, compression = path, _compression(path)
        if compression:
            source = _temporary(copies)
            _inflate(path, source, compression)
        found, has_quotes, is_mixed = _survey(path, source, encoding)
        if found != "utf-8" or is_mixed:
            copy = _temporary(copies)
            _transcode(path, source, copy, found)
            source = copy
        text = PlainText(source, found.removesuffix("-sig"), compression, has_quotes)
    except OSError as error:
        _remove(copies)
        raise OneLayerError(f"{path}: cannot be read ({error.strerror or error})") from error
    except OneLayerError:
        _remove(copies)
        raise
    weakref.finalize(text, _remove, copies)
    return text


def _temporary(copies: list[Path]) -> Path:
    descriptor, name = tempfile.mkstemp(prefix="onelayer-")
    os.close(descriptor)
    copies.append(Path(name))
    return copies[-1]


def _remove(copies: list[Path]) -> None:
    for copy in copies:
        copy.unlink(missing_ok=True)


def _compression(path: Path) -> str | None:
    with path.open("rb") as file:
        start = file.read(4)
    return next((name for mark, name in COMPRESSIONS.items() if start.startswith(mark)), None)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    return iter(lambda: file.read(CHUNK), b"")


def _inflate(path: Path, target: Path, compression: str) -> None:
    most = max(UNHARMED, LARGEST_RATIO * path.stat().st_size)
    size = 0
    with target.open("wb") as out, pa.input_stream(path, compression=compression) as file:
        while chunk := file.read(CHUNK):
            size += len(chunk)
            if size > most:
                raise OneLayerError(
                    f"{path}: inflates to more than {LARGEST_RATIO} times its size, which no table does; if it is one, "
                    "give it inflated"
                )
            out.write(chunk)


def _survey(path: Path, source: Path, encoding: str | None) -> tuple[str, bool, bool]:
    """Return the encoding, whether there are quotes, and whether lines end in several ways."""
    with source.open("rb") as file:
        start = file.read(8192)
    guess = encoding or next((name for mark, name in MARKS.items() if start.startswith(mark)), None)
    if guess is None and b"\0" in start:
        guess = _utf16_without_mark(path, start)
    name = _codec(path, guess or "utf-8")
    decoder = codecs.getincrementaldecoder(name)()
    ends, unix, has_quotes, is_valid, last = 0, 0, False, True, b""
    with source.open("rb") as file:
        for chunk in _chunks(file):
            has_quotes = has_quotes or b'"' in chunk
            ends += chunk.count(b"\r\n") + (last == b"\r" and chunk[:1] == b"\n")
            unix += chunk.count(b"\n")
            last = chunk[-1:]
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                if guess is not None:
                    raise OneLayerError(f"{path}: is not in {guess} ({error.reason})") from error
                is_valid = False
                break
    if not is_valid:
        return _eight_bit(source), True, True
    return name, has_quotes, 0 < ends < unix and name == "utf-8"


def _codec(path: Path, encoding: str) -> str:
    try:
        return codecs.lookup(encoding).name
    except LookupError as error:
        raise OneLayerError(
            f"{path}: there is no encoding called {encoding!r}; common ones are utf-8, utf-16, gb18030, latin-1"
        ) from error


def _utf16_without_mark(path: Path, start: bytes) -> str:
    """Return which kind of UTF-16 has zeros where these bytes have them: in half of all places, for Latin letters."""
    for offset, name in ((1, "utf-16-le"), (0, "utf-16-be")):
        half = start[offset::2]
        if half.count(0) > 0.7 * len(half) and not start[1 - offset :: 2].count(0):
            return name
    raise OneLayerError(f"{path}: is not a text file: it has bytes of 0")


def _eight_bit(source: Path) -> str:
    """Return GB18030 if all is valid in it and bytes above 127 come in pairs, as Chinese does; else Latin-1."""
    decoder = codecs.getincrementaldecoder("gb18030")()
    paired = high = 0
    with source.open("rb") as file:
        for chunk in _chunks(file):
            lengths = [len(run) for run in re.findall(rb"[\x80-\xff]+", chunk)]
            high += sum(lengths)
            paired += sum(length for length in lengths if not length % 2)
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                return "latin-1"
    return "gb18030" if paired > PAIRED * high else "latin-1"


def _transcode(path: Path, source: Path, target: Path, encoding: str) -> None:
    """Write a file as UTF-8, each line with a line feed at its end."""
    try:
        with (
            source.open(encoding=encoding, newline=None) as file,
            target.open("w", encoding="utf-8", newline="\n") as out,
        ):
            while chunk := file.read(CHUNK):
                out.write(chunk)
    except UnicodeError as error:
        raise OneLayerError(f"{path}: is not in {encoding} ({error})") from error
