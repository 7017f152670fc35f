"""Delimited text files, CSV and its kin: how one is written is found out and said; DuckDB reads its rows as strings.

DuckDB's sniffer decides what separates and quotes cells. Which line has the names of the columns is decided here, for
the sniffer may leave lines out without a word: lines before it are left out only if they are empty, comments or titles.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from onelayer.data.plain_text import PlainText, plain_text
from onelayer.data.reading import Reading
from onelayer.errors import OneLayerError, first_line

if TYPE_CHECKING:
    import duckdb

HEAD = 1 << 18  # characters that the names of columns are looked for in
HEAD_LINES = 200
LONGEST_LINE = 32 << 20  # bytes
BATCH_ROWS = 1 << 16
SEPARATORS = (",", ";", "\t", "|")
SEPARATOR_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", " ": "space"}
COMMENTS = ("#", "%", "//")
NUMBER_LIKE = re.compile(r"\s*[-+]?[\d.,]*\d[\d.,]*([eE][-+]?\d+)?%?\s*")


@dataclass(frozen=True)
class Dialect:
    """How a file is written.

    Attributes:
        separator: between cells.
        quote: around cells that have separators in them, or "" if quotes stand for themselves.
        escape: before a quote within such a cell.
        comment: what comments begin with, or "".
        skip: how many lines there are before the rows.
        names: of the columns, "" where a column has none.
        notes: what was found, for the user.
    """

    separator: str
    quote: str
    escape: str
    comment: str
    skip: int
    names: tuple[str, ...]
    notes: tuple[str, ...]


class Delimited:
    """A delimited file, whose cells are strings as they stand there; an empty cell without quotes is null."""

    def __init__(self, path: Path, reading: Reading) -> None:
        """Look at the file.

        Raises:
            OneLayerError: if it cannot be read, or its first lines do not make a table.
        """
        self.path, self._text = path, plain_text(path, reading.encoding)
        self._connection = connect()
        lines = _head(self._text.path)
        if not any(line.strip() for line in lines):
            raise OneLayerError(f"{path}: has no rows")
        self.dialect = _dialect(self._connection, path, self._text, lines, reading)
        self.notes = (*_notes_on(self._text), *self.dialect.notes)
        self._settle_quotes()

    def batches(self, columns: Sequence[int]) -> Iterator[pa.RecordBatch]:
        """Yield the rows with the columns of these numbers, in order, as large strings.

        Raises:
            OneLayerError: if a row has more or fewer cells than there are columns; it says in which line.
        """
        chosen = ", ".join(f"c{i}" for i in columns)
        try:
            relation = self._connection.cursor().sql(
                f"select {chosen} from {self._source(self.dialect.quote)}"
            )
            for batch in relation.to_arrow_reader(BATCH_ROWS):
                yield pa.RecordBatch.from_arrays(
                    [column.cast(pa.large_string()) for column in batch.columns],
                    [self.dialect.names[i] for i in columns],
                )
        except _duckdb_error() as error:
            raise OneLayerError(f"{self.path}: {self._plain_words(str(error))}") from error

    def _source(self, quote: str) -> str:
        dialect = self.dialect
        options = {
            "auto_detect": "false",
            "delim": _literal(dialect.separator),
            "quote": _literal(quote),
            "escape": _literal(dialect.escape if quote else ""),
            "comment": _literal(dialect.comment),
            "header": "false",
            "skip": str(dialect.skip),
            "strict_mode": "true",
            "null_padding": "false",
            "nullstr": "''",
            "allow_quoted_nulls": "false",
            "max_line_size": str(LONGEST_LINE),
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
        """Let quotes stand for themselves where that alone makes each line a row: those of 5" belong to no pair."""
        if not self._text.has_quotes:
            return
        if self.dialect.quote:
            alone = self._count("")
            paired = alone and self._count(self.dialect.quote)
            if alone is None or (paired is not None and alone <= paired):
                return
        self.dialect = replace(self.dialect, quote="", escape="")
        note = 'a quote (") stands for itself: taken in pairs, quotes would not leave each line a row'
        self.notes = (*self.notes, note)

    def _plain_words(self, message: str) -> str:
        """Return what DuckDB says of a row in one sentence."""
        place = re.search(r"on Line: (\d+)", message)
        if place is None:
            return first_line(Exception(message))
        line = self._place(int(place[1]))
        cells = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", message)
        if cells:
            return (
                f"{line} has {cells[2]} cell{'s' if cells[2] != '1' else ''} where there are {cells[1]} columns; mend "
                f"the row, or say what separates cells with --sep (now {self.dialect.separator!r})"
            )
        if "unterminated quote" in message:
            return (
                f'{line}: a quote (") begins a cell that does not end; within a cell, write a quote twice and put the '
                'cell in quotes: "5"" pipe"'
            )
        if "Maximum line size" in message:
            return f"{line} is longer than {LONGEST_LINE >> 20} MB, which no row of a table is"
        why = re.search(r"Original Line:.*?\n(?P<why>[A-Z][^\n]*)", message, re.DOTALL)
        return f"{line}: {why['why'] if why else first_line(Exception(message))}"

    def _place(self, line: int) -> str:
        """Return the number of a line, and of the row if each row is a line."""
        if self.dialect.quote and self._text.has_quotes:
            return f"line {line:,}"
        with self._text.path.open("rb") as file:
            rows = sum(
                1 for i, text in enumerate(islice(file, line)) if i >= self.dialect.skip and text.strip()
            )
        return f"line {line:,} (row {rows:,})"


def connect(path: str = ":memory:", **options: Any) -> "duckdb.DuckDBPyConnection":
    """Return a connection to DuckDB that downloads nothing and keeps to a part of the memory."""
    import duckdb

    settings = {"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    return duckdb.connect(path, config={**settings, "memory_limit": "400MB"}, **options)


def _duckdb_error() -> type[Exception]:
    import duckdb

    found: type[Exception] = duckdb.Error
    return found


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _head(path: Path) -> list[str]:
    """Return the first lines, all of them whole."""
    with path.open(encoding="utf-8", newline="\n") as file:
        text = file.read(HEAD)
        text += file.readline(LONGEST_LINE) if text and not text.endswith("\n") else ""
    return [line.rstrip("\r") for line in text.removeprefix("\ufeff").split("\n")]


def _notes_on(text: PlainText) -> list[str]:
    compression = [f"{text.compression}-compressed"] if text.compression else []
    return [*compression, *([] if text.encoding in ("utf-8", "ascii") else [f"encoding {text.encoding}"])]


def _dialect(
    connection: "duckdb.DuckDBPyConnection", path: Path, text: PlainText, lines: list[str], reading: Reading
) -> Dialect:
    comment = reading.comment or ""
    separator, quote, escape = _sniffed(connection, path, text, lines, reading)
    rows = _cells(lines[:HEAD_LINES], separator, quote)
    body = [cells for _, _, cells in rows if not _is_comment(cells, comment)]
    width = Counter(len(cells) for cells in body[1:] or body).most_common(1)[0][0] if body else 1
    notes = [] if separator == "," else [f"separator {SEPARATOR_NAMES.get(separator, repr(separator))}"]
    place = _header(path, rows, width, reading)
    if place is None:
        names, skip = [f"column{i + 1}" for i in range(width)], 0
        notes.append("no line with names: the columns are called column1, column2, …")
    else:
        start, skip, names = rows[place]
        if place:
            shown = " ".join(filter(None, rows[0][2]))[:40]
            lines_said = "line 1 is" if start == 1 else f"lines 1 to {start} are"
            notes.append(f"{lines_said} skipped ({shown!r}): the header is line {start + 1}")
        after = [cells for _, _, cells in rows[place + 1 :] if not _is_comment(cells, comment)]
        names, more = _named(names, after, width)
        notes += more
    return Dialect(separator, quote, escape or quote, comment, skip, tuple(names), tuple(notes))


def _sniffed(
    connection: "duckdb.DuckDBPyConnection", path: Path, text: PlainText, lines: list[str], reading: Reading
) -> tuple[str, str, str]:
    """Return separator, quote and escape: as DuckDB's sniffer finds them, or if it finds one column, the commonest."""
    quotes_seen = any('"' in line for line in lines)
    first = max(lines[:HEAD_LINES], key=lambda line: sum(map(line.count, SEPARATORS)), default="")
    likely = max(SEPARATORS, key=first.count)
    given = reading.separator or ("\t" if path.name.lower().split(".")[1:2] == ["tsv"] else None)
    option = f", delim={_literal(given)}" if given else ""
    try:
        [(separator, quote, escape, n)] = connection.execute(
            f"select Delimiter, Quote, Escape, len(Columns) from sniff_csv({_literal(str(text.path))}{option})"
        ).fetchall()
    except _duckdb_error():
        separator, quote, escape, n = given or likely, '"', '"', 1
    separator, quote, escape = ("" if s in ("(empty)", "\0") else s for s in (separator, quote, escape))
    if given or n < 2:
        separator = given or (likely if first.count(likely) else ",")
    if not quote and not (quotes_seen and n > 1):
        quote, escape = '"', '"'  # the sniffer has seen none; there may be some further down
    return separator, quote, escape


def _cells(lines: list[str], separator: str, quote: str) -> list[tuple[int, int, list[str]]]:
    """Return the first line of each row, counted from 0, the line after it, and its cells; empty lines are left out."""
    how: dict[str, Any] = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    reader = csv.reader((line + "\n" for line in lines), delimiter=separator, **how)
    rows, start = [], 0
    csv.field_size_limit(LONGEST_LINE)
    with suppress(csv.Error):  # a row that is cut off here, or that is broken: DuckDB will say
        for cells in reader:
            if cells:
                rows.append((start, reader.line_num, [cell.strip() for cell in cells]))
            start = reader.line_num
    return rows


def _is_comment(cells: Sequence[str], comment: str) -> bool:
    return cells[0].startswith((comment,) if comment else COMMENTS) if cells else True


def _header(path: Path, rows: list[tuple[int, int, list[str]]], width: int, reading: Reading) -> int | None:
    """Return which row has the names of the columns; None if the user says that none has."""
    if reading.header_row == 0:
        return None
    for place, (start, _, cells) in enumerate(rows):
        if reading.header_row is not None:
            if start == reading.header_row - 1:
                return place
            continue
        is_title = width > 1 and sum(map(bool, cells)) <= 1
        if _is_comment(cells, reading.comment or "") or is_title:
            continue
        numbers = [cell for cell in cells if NUMBER_LIKE.fullmatch(cell)]
        if numbers and 2 * len(numbers) >= sum(map(bool, cells)):
            raise OneLayerError(
                f"{path}: line {start + 1} should have the names of the columns, but has numbers ({numbers[0]!r}); say "
                "with --header-row which line has them, or --header-row 0 if none has"
            )
        return place
    if reading.header_row is not None:
        raise OneLayerError(
            f"{path}: line {reading.header_row} does not begin a row, so it cannot have names"
        )
    return 0


def _named(names: list[str], after: list[list[str]], width: int) -> tuple[list[str], list[str]]:
    """Return a name for each column, perhaps "", and notes; a row may have an end of its own, or a name before it."""
    rows = [cells for cells in after if len(cells) == width]
    if len(names) == width - 1 and rows:
        if all(not cells[-1] for cells in rows):
            return names, ["a separator at the end of each row is left out"]
        return ["", *names], ["the first column has no name: it has the names of the rows"]
    return names, []
