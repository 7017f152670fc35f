"""Delimited text files, CSV and its kin: how one is written is found out and said; DuckDB reads its rows as strings."""

import csv
import os
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from onelayer.data.dialect import COMMENTS, csv_reader, dialect_of
from onelayer.data.plain_text import LONGEST_LINE, PlainText, plain_text, without_lines
from onelayer.data.reading import Reading
from onelayer.errors import OneLayerError, first_line, named

if TYPE_CHECKING:
    import duckdb

HEAD = 1 << 18  # characters that the names of columns are looked for in
BATCH_ROWS = 1 << 14
MOST_JOINED = 10_000  # rows of several lines that are looked at
UNCLEAR = (
    'does a quote (") begin a cell of several lines here, or stand for itself? Put the cell in quotes and write the '
    'quote twice, as in "5"" pipe", or take out the line end'
)
BATCH_CELLS = 1 << 22
MEMORY = 400  # MB for DuckDB
WIDE = 2_000  # columns, from which on DuckDB asks for more, of which it needs little


class Delimited:
    """A delimited file, whose cells are strings as they stand there; an empty cell without quotes is null."""

    def __init__(self, path: Path, reading: Reading) -> None:
        """Look at the file.

        Raises:
            OneLayerError: if it cannot be read, or its first lines do not make a table.
        """
        self.path, self._text = path, plain_text(path, reading.encoding, reading.comment)
        lines = _head(self._text.path)
        if not any(line.strip() for line in lines):
            raise OneLayerError(f"{path}: has no rows")
        with named(path):
            self.dialect = dialect_of(lines, reading)
        if any(line.count(self.dialect.quote or '"') % 2 for line in lines[: self.dialect.skip]):
            # DuckDB would count a quoted line end in them as no end of a line, and leave out a row.
            self._text = without_lines(self._text, self.dialect.skip)
            self.dialect = replace(self.dialect, skip=0)
        width = len(self.dialect.names)
        self._connection = (
            _shared(os.getpid()).cursor() if width < WIDE else connect(megabytes=MEMORY + width // 5)
        )
        self._stamp = _stamp(self._text.path)
        self.notes = (*_notes_on(self._text), *self.dialect.notes)
        self._settle_quotes()

    def batches(self, columns: Sequence[int], plain: Collection[int] = ()) -> Iterator[pa.RecordBatch]:
        """Yield the rows with the columns of these numbers, in order, as large strings; plain numbers as float64.

        Raises:
            OneLayerError: if a row has more or fewer cells than there are columns, it says in which line; or if the
                file was changed since it was looked at.
        """
        chosen = ", ".join(f"c{i}::double" if i in plain else f"c{i}" for i in columns)
        try:
            only = "" if len(self.dialect.names) > 1 else " where c0 is not null"  # an empty line
            source = f"{self._source(self.dialect.quote)}{only}"
            relation = self._connection.cursor().sql(f"select {chosen} from {source}")
            for batch in relation.to_arrow_reader(max(1, min(BATCH_ROWS, BATCH_CELLS // len(columns)))):
                yield pa.RecordBatch.from_arrays(batch.columns, [self.dialect.names[i] for i in columns])
        except (_duckdb_error(), OSError) as error:  # the latter once rows have been read
            raise OneLayerError(f"{self.path}: {self._plain_words(str(error))}") from error
        if _stamp(self._text.path) != self._stamp:
            raise OneLayerError(f"{self.path}: was changed while it was read")

    def _source(self, quote: str) -> str:
        dialect = self.dialect
        options = {
            "auto_detect": "false",
            "delim": _literal(dialect.separator),
            "quote": _literal(quote),
            "escape": _literal(dialect.escape if quote else ""),
            "comment": "''",  # DuckDB would cut cells, too
            "header": "false",
            "skip": str(dialect.skip),
            "strict_mode": "true",
            "null_padding": "false",
            "nullstr": "''",
            "allow_quoted_nulls": "false",
            "max_line_size": str(LONGEST_LINE),
            "buffer_size": str(LONGEST_LINE),  # of which each thread has a few
            "columns": "{" + ", ".join(f"c{i}: 'VARCHAR'" for i in range(len(dialect.names))) + "}",
        }
        given = ", ".join(f"{name}={value}" for name, value in options.items())
        return f"read_csv({_literal(str(self._text.path))}, {given})"

    def _count(self, quote: str) -> int | None:
        """Return the number of rows if quotes are so, or None if some row does not fit then."""
        try:
            [(n,)] = self._connection.execute(f"select count(*) from {self._source(quote)}").fetchall()
        except _duckdb_error():
            return None
        return int(n)

    def _settle_quotes(self) -> None:
        """Let quotes stand for themselves where that alone makes each line a row: those of 5" belong to no pair.

        Raises:
            OneLayerError: if it is not clear whether a pair joins lines to a row.
        """
        quote = self.dialect.quote
        if not self._text.has_quotes:
            return
        if quote:
            alone = self._count("")
            paired = self._count(quote) if alone or len(self.dialect.names) > 1 else None
            if alone is None:
                if paired is not None:
                    self._refuse_rows_in_cells(quote)
                return
            if paired is not None and (alone <= paired or len(self.dialect.names) == 1):
                return
            if paired is not None:
                self._refuse_unclear_quotes()
                return
        self.dialect = replace(self.dialect, quote="", escape="")
        note = 'a quote (") stands for itself: taken in pairs, quotes would not leave each line a row'
        self.notes = (*self.notes, note)

    def _refuse_rows_in_cells(self, quote: str) -> None:
        """Raise OneLayerError if each line of a row of several has as many cells as there are columns."""
        mark, width = self.dialect.separator, len(self.dialect.names)
        cells = ", ".join(f"coalesce(c{i}, '')" for i in range(width))
        text = f"concat_ws({_literal(mark)}, {cells})"
        rows = self._connection.execute(
            f"select {text} from {self._source(quote)} where contains({text}, chr(10)) limit {MOST_JOINED}"
        ).fetchall()
        for (row,) in rows:
            lines = row.split("\n")
            if all(line.count(mark) == width - 1 for line in lines):
                with self._text.path.open(encoding="utf-8-sig", newline="\n") as file:
                    inner = next(
                        (i for i, line in enumerate(file) if line.rstrip("\r\n") == lines[1].rstrip("\r")), 1
                    )
                raise OneLayerError(f"{self.path}: line {inner}: {UNCLEAR}")

    def _refuse_unclear_quotes(self) -> None:
        """Raise OneLayerError unless quotes within lines show that whoever wrote the file puts cells in them."""
        mark = re.escape(self.dialect.separator)
        whole = re.compile(rf'(^|{mark})"([^"]|"")*"(?={mark}|\r?$)|[^{mark}]""')
        unclear = None
        with self._text.path.open(encoding="utf-8-sig", newline="\n") as file:
            for i, line in enumerate(file):
                if i < self.dialect.skip or '"' not in line:
                    continue
                if whole.search(line.rstrip("\n")):
                    return
                unclear = unclear or i + 1
        raise OneLayerError(f"{self.path}: line {unclear}: {UNCLEAR}")

    def _plain_words(self, message: str) -> str:
        """Return what DuckDB says of a row in one sentence."""
        place = re.search(r"on Line: (\d+)", message)
        if place is None:
            return first_line(Exception(message))
        line = self._line(int(place[1]))
        cells = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
        if cells:
            text = next(iter(re.findall(r"Original Line: ?(.*)", message)), "")
            mark = next((mark for mark in COMMENTS if text.startswith(mark)), None)
            cure = (
                f"if it is a comment, say so with --comment {mark!r}"
                if mark
                else f"mend the row, or say what separates cells with --sep (now {self.dialect.separator!r})"
            )
            n = f"{cells[2]} cell{'s' if cells[2] != '1' else ''}"
            return f"{line} has {n} where there are {cells[1]} columns; {cure}"
        if "unterminated quote" in message:
            return (
                f'{line}: a quote (") begins a cell that does not end; within a cell, write a quote twice and put the '
                'cell in quotes: "5"" pipe"'
            )
        if "Maximum line size" in message:
            return f"{line} is longer than {LONGEST_LINE >> 20} MB, which no row of a table is"
        why = re.search(r"Original Line:.*?\n(?P<why>[A-Z][^\n]*)", message, re.DOTALL)
        return f"{line}: {why['why'] if why else first_line(Exception(message))}"

    def _line(self, line: int) -> str:
        """Return which line has a broken row, given the number that DuckDB says, which counts a row as one line."""
        if self.dialect.quote and self._text.has_quotes:
            return f"line {self._first_broken_line() or line:,}"
        with self._text.path.open("rb") as file:
            rows = sum(
                1 for i, text in enumerate(islice(file, line)) if i >= self.dialect.skip and text.strip()
            )
        return f"line {line:,} (row {rows:,})"

    def _first_broken_line(self) -> int | None:
        """Return the line, from 1, in which the first row begins that has too few or too many cells, or never ends."""
        dialect, start = self.dialect, self.dialect.skip
        with self._text.path.open(encoding="utf-8-sig", newline="\n") as file:
            lines = islice(file, start, None)
            reader = csv_reader(lines, dialect.separator, dialect.quote, dialect.escape)
            try:
                for cells in reader:
                    if cells and len(cells) != len(dialect.names):
                        return start + 1
                    start = dialect.skip + reader.line_num
            except csv.Error:
                return start + 1
        return None


def connect(path: str = ":memory:", megabytes: int = MEMORY, **options: Any) -> "duckdb.DuckDBPyConnection":
    """Return a connection to DuckDB that downloads nothing and keeps to a part of the memory."""
    import duckdb

    settings: dict[str, Any] = {
        "autoinstall_known_extensions": "false",
        "autoload_known_extensions": "false",
        "arrow_large_buffer_size": "true",  # strings of more than 2 GB in a batch
        "memory_limit": f"{megabytes}MB",
    }
    return duckdb.connect(path, config=settings, **options)


@cache
def _shared(process: int) -> "duckdb.DuckDBPyConnection":
    """Return one connection for all files of this process: to open it takes longer than to read a small file."""
    return connect()


def _duckdb_error() -> type[Exception]:
    import duckdb

    found: type[Exception] = duckdb.Error
    return found


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _stamp(path: Path) -> tuple[int, int, int] | None:
    """Return what changes with a file: its number, size and time; None if it is gone."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns


def _head(path: Path) -> list[str]:
    """Return the first lines, all of them whole."""
    with path.open(encoding="utf-8", newline="\n") as file:
        text = file.read(HEAD)
        text += file.readline(LONGEST_LINE) if text and not text.endswith("\n") else ""
    return [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]


def _notes_on(text: PlainText) -> list[str]:
    compression = [f"{text.compression}-compressed"] if text.compression else []
    encoding = [] if text.encoding in ("utf-8", "ascii") else [f"encoding {text.encoding}"]
    comments = [f"{text.n_comments:,} lines that are comments are left out"] if text.n_comments else []
    return [*compression, *encoding, *comments]
