"""Text files as people have them, compressed or not and in any common encoding, as plain UTF-8."""

import codecs
import os
import re
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa

from onelayer.errors import OneLayerError

CHUNK = 1 << 20
LONGEST_LINE = 16 << 20  # bytes
COMPRESSIONS = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd", b"BZh": "bz2"}  # by their first bytes
UNHARMED = 256 << 20  # bytes that any compressed file may become
LARGEST_RATIO = 200  # beyond that: real tables shrink to a tenth, and a file of zeros to a thousandth
MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
GB_LETTER = re.compile(rb"[\x81-\xfe](?:[0-9][\x81-\xfe][0-9]|[\x40-\x7e\x80-\xfe])")
COMMON = (
    0.7  # share of letters with two high bytes, or four bytes, from which on text is Chinese, not Latin-1
)
CONTROLS = frozenset(range(0x80, 0xA0))  # in Latin-1, while Windows-1252 has letters and marks there
UNDEFINED = frozenset((0x81, 0x8D, 0x8F, 0x90, 0x9D))  # in Windows-1252


@dataclass(frozen=True)
class PlainText:
    """A text file that can be read as it is: UTF-8, not compressed, one kind of line ends.

    Attributes:
        path: the file, or a copy of it that is removed when this is no longer used.
        encoding: that of the original.
        compression: likewise, or None.
        has_quotes: whether it has a double quote anywhere.
        n_comments: how many lines were comments, and are empty now.
    """

    path: Path
    encoding: str
    compression: str | None
    has_quotes: bool
    n_comments: int


def plain_text(path: Path, encoding: str | None = None, comment: str | None = None) -> PlainText:
    """Return a text file as UTF-8, copied to a temporary file if it is anything else; in bounded memory.

    Args:
        path: the file.
        encoding: of the file; found out if it is not given: UTF-8, UTF-16, GB18030, Windows-1252 or Latin-1.
        comment: what lines begin with that are to become empty.

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
        n_comments = 0
        if found != "utf-8" or is_mixed or comment:
            copy = _temporary(copies)
            n_comments = _transcode(path, source, copy, found, comment)
            source = copy
        text = PlainText(source, found.removesuffix("-sig"), compression, has_quotes, n_comments)
    except OSError as error:
        _remove(copies)
        raise OneLayerError(f"{path}: cannot be read ({error.strerror or error})") from error
    except OneLayerError:
        _remove(copies)
        raise
    weakref.finalize(text, _remove, copies)
    return text


def without_lines(text: PlainText, n: int) -> PlainText:
    """Return a copy whose first n lines are empty."""
    copies: list[Path] = []
    copy = _temporary(copies)
    with text.path.open("rb") as file, copy.open("wb") as out:
        for _ in range(n):
            file.readline()
        out.write(b"\n" * n)
        shutil.copyfileobj(file, out, CHUNK)
    found = replace(text, path=copy)
    weakref.finalize(found, _remove, copies)
    return found


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
    ends, has_quotes = LineEnds(), False
    with source.open("rb") as file:
        for chunk in _chunks(file):
            has_quotes = has_quotes or b'"' in chunk
            ends.add(chunk)
            if ends.run > LONGEST_LINE:
                raise OneLayerError(
                    f"{path}: line {_lines(source, file.tell()) + 1:,} is longer than {LONGEST_LINE >> 20} MB, as no "
                    "row of a table is"
                )
            if b"\0" in chunk and "16" not in name and "32" not in name:
                raise OneLayerError(f"{path}: is not a text file: it has bytes of 0")
            try:
                if not chunk.isascii() or decoder.getstate()[0]:
                    decoder.decode(chunk)
            except UnicodeDecodeError as error:
                if guess is not None:
                    raise OneLayerError(f"{path}: is not in {guess} ({error.reason})") from error
                return _eight_bit(source), True, True
        if guess is None and decoder.getstate()[0]:  # the end of a letter is missing
            return _eight_bit(source), True, True
    return name, has_quotes, ends.are_mixed


def _lines(source: Path, size: int) -> int:
    """Return how many lines end within the first bytes of a file."""
    with source.open("rb") as file:
        return sum(file.read(min(CHUNK, size - start)).count(b"\n") for start in range(0, size, CHUNK))


class LineEnds:
    """Tells how lines end, of a file that is taken in chunk by chunk.

    Attributes:
        returns: how many carriage returns there are.
        feeds: how many line feeds; of a chunk without carriage returns, which is the rule, at least one if it has any.
        pairs: how many line feeds follow a carriage return.
        run: how many bytes came since the last chunk with an end of a line.
    """

    def __init__(self) -> None:
        self.returns = self.feeds = self.pairs = 0
        self.last = b""
        self.run = 0

    def add(self, chunk: bytes) -> None:
        """Take in more of a file."""
        has_feeds, has_returns = b"\n" in chunk, b"\r" in chunk
        self.run = 0 if has_feeds or has_returns else self.run + len(chunk)
        if self.last == b"\r" or has_returns:
            self.feeds += chunk.count(b"\n")
            self.returns += chunk.count(b"\r")
            self.pairs += chunk.count(b"\r\n") + (self.last == b"\r" and chunk[:1] == b"\n")
        else:
            self.feeds += has_feeds
        self.last = chunk[-1:]

    @property
    def are_mixed(self) -> bool:
        """Whether they do so in several ways, or all with a carriage return alone, which else is part of a cell."""
        return (self.returns > 0 and not self.feeds) or 0 < self.pairs < self.feeds


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
    """Return GB18030 if all is valid in it and most letters are of its common part; else Windows-1252 or Latin-1."""
    decoder = codecs.getincrementaldecoder("gb18030")()
    letters = common = 0
    seen: set[int] = set()
    is_chinese = True
    with source.open("rb") as file:
        for chunk in _chunks(file):
            seen |= set(chunk) & CONTROLS
            found = GB_LETTER.findall(chunk)
            letters += len(found)
            common += sum(len(letter) == 4 or letter[1] >= 0xA1 for letter in found)
            try:
                is_chinese = is_chinese and decoder.decode(chunk) is not None
            except UnicodeDecodeError:
                is_chinese = False
    if is_chinese and common > COMMON * letters and not decoder.getstate()[0]:
        return "gb18030"
    return "cp1252" if seen and not seen & UNDEFINED else "latin-1"


def _transcode(path: Path, source: Path, target: Path, encoding: str, comment: str | None) -> int:
    """Write a file as UTF-8, each line with a line feed at its end; return how many comments became empty lines."""
    n_comments = 0
    with source.open("rb") as file:
        has_feeds = b"\n" in file.read(CHUNK)
    try:
        with (
            source.open(encoding=encoding, newline="\n" if has_feeds else None) as text,
            target.open("w", encoding="utf-8", newline="\n") as out,
        ):
            while lines := text.readlines(CHUNK):
                for line in lines:
                    if "\0" in line:
                        raise OneLayerError(f"{path}: is not a text file: it has bytes of 0")
                    is_comment = comment is not None and line.startswith(comment)
                    n_comments += is_comment
                    out.write("\n" if is_comment else line.replace("\r\n", "\n"))
    except UnicodeError as error:
        raise OneLayerError(f"{path}: is not in {encoding} ({error})") from error
    return n_comments
