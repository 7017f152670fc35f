"""How a delimited text file is written, decided from its first lines: what separates and quotes cells, where names are.

The separator is the one under which most rows have as many cells as the line with the names. (DuckDB's sniffer goes
by the types of cells instead, takes the commas in 1,5;2,5 for separators, and may leave lines out without a word.)
Lines before the names are left out only if they are empty, comments, titles of one cell, or a preamble that an empty
line ends; and that is said.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from onelayer.data.plain_text import LONGEST_LINE
from onelayer.data.reading import Reading
from onelayer.errors import OneLayerError

HEAD_LINES = 200
CONSISTENT = 0.8  # share of rows below a title that have to have as many cells
SEPARATORS = ("\t", ";", "|", ",")  # where several fit equally, the first one: commas are in cells more often
RARE_SEPARATORS = ("^", "~", ":", " ")  # only if all rows have as many cells
SEPARATOR_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar", " ": "space"}
COMMENTS = ("#", "%", "//")
NUMBER_LIKE = re.compile(r"[-+]?[\d.,]*\d[\d.,]*([eE][-+]?\d+)?%?")
YEAR = re.compile(r"(1[89]|20)\d\d")
FOREIGN = {'{"': "JSON", "[{": "JSON", "[[": "JSON", "<": "HTML or XML"}  # by how a file begins
HINT = re.compile(r'"?sep=(.)"?')  # a first line that Excel understands

Row = tuple[int, int, list[str]]  # its first line, counted from 0; the line after it; its cells


@dataclass(frozen=True)
class Dialect:
    """How a file is written.

    Attributes:
        separator: between cells.
        quote: around cells that have separators in them, or "" if quotes stand for themselves.
        escape: before a quote within such a cell.
        skip: how many lines there are before the rows.
        names: of the columns, "" where a column has none.
        notes: what was found, for the user.
    """

    separator: str
    quote: str
    escape: str
    skip: int
    names: tuple[str, ...]
    notes: tuple[str, ...]


def dialect_of(lines: Sequence[str], reading: Reading) -> Dialect:
    """Return how a file is written.

    Args:
        lines: the first lines, whole, without their ends.
        reading: what the user said.

    Raises:
        OneLayerError: if no line can have the names of the columns, or it is not clear which one does.
    """
    _refuse_foreign(lines)
    hint = HINT.fullmatch(lines[0])
    given = reading.separator or (hint[1] if hint else None)
    if hint and reading.header_row is None:
        lines = ["", *lines[1:]]
    found = _likeliest(lines, [given] if given else SEPARATORS, reading)
    if given is None and (found is None or not (found.has_names or found.splits_first_row)):
        found = _likeliest(lines, RARE_SEPARATORS, reading)
        if found is None or not found.fits:
            _refuse_aligned(lines)
            found = None
    if found is None:  # one column
        found = _Candidate(
            lines, given or ("\x1f" if any("," in line for line in lines) else ","), '"', '"', reading
        )
    return found.dialect()


def _likeliest(lines: Sequence[str], separators: Sequence[str], reading: Reading) -> "_Candidate | None":
    """Return the best way to read the lines as more than one column, or None if there is none."""
    text = "\n".join(lines[:HEAD_LINES])
    candidates = [
        _Candidate(lines, separator, quote, escape, reading)
        for separator in separators
        if separator in text
        for quote, escape in _quotings(text, separator)
    ]
    return max((c for c in candidates if c.width > 1), key=_rank, default=None)


def _quotings(text: str, separator: str) -> list[tuple[str, str]]:
    """Return what may quote cells, with what stands before a quote within a cell; "" for nothing."""
    mark = re.escape(separator)
    is_escaped = re.search(rf'\\"[^{mark}\n]', text) and not re.search(rf'[^{mark}\n\\]""[^{mark}\n]', text)
    found = [('"', "\\" if is_escaped else '"')]
    if '"' in text:
        found.append(("", ""))
    begin = len(re.findall(rf"(?:^|{mark})'", text, re.MULTILINE))
    end = len(re.findall(rf"'(?={mark}|$)", text, re.MULTILINE))
    return [*found, ("'", "'")] if 0 < begin == end else found


def _rank(candidate: "_Candidate") -> tuple[bool, float, bool, float]:
    return candidate.has_names, round(candidate.share, 2), bool(candidate.quote), candidate.number_share


class _Candidate:
    """The first lines, taken apart in one way."""

    def __init__(
        self, lines: Sequence[str], separator: str, quote: str, escape: str, reading: Reading
    ) -> None:
        self.separator, self.quote, self.escape, self.reading = separator, quote, escape, reading
        rows = _cells(lines[:HEAD_LINES], separator, quote, escape)
        first = (reading.header_row or 1) - 1
        self.rows = [row for row in rows if row[0] >= first]
        self.body = [row[2] for row in self.rows if not row[2][0].startswith(COMMENTS)]
        widths = Counter(map(len, self.body[1:] or self.body))
        first_width = len(self.body[0]) if self.body else 1
        self.width = max(widths, key=lambda width: (widths[width], width == first_width, width), default=1)
        self.problem = ""
        self.place = self._header() if reading.header_row != 0 else None
        self.has_names = not self.problem
        self.share = self._share(self.body)
        if (
            self.place
            and self.share < 1
            and self._share([row[2] for row in self.rows[self.place :]]) < CONSISTENT
        ):
            self.has_names = False  # prose with a few separators rather than a title above a table

    def _share(self, rows: Sequence[list[str]]) -> float:
        """Return the share of rows with as many cells as most have; names may lack that of the first column."""
        header = None if self.place is None or self.problem else self.rows[self.place][2]
        return sum(len(cells) == self.width or cells is header for cells in rows) / max(1, len(rows))

    @property
    def fits(self) -> bool:
        """Whether all rows have as many cells."""
        return self.has_names and self.share == 1

    @property
    def splits_first_row(self) -> bool:
        """Whether the first row has more than one cell."""
        return bool(self.body) and len(self.body[0]) > 1

    @property
    def number_share(self) -> float:
        """The share of cells that are numbers."""
        cells = [cell for row in self.body for cell in row if cell]
        return sum(map(_is_number, cells)) / max(1, len(cells))

    def dialect(self) -> Dialect:
        """Return the dialect.

        Raises:
            OneLayerError: if no line can have the names.
        """
        if self.problem:
            raise OneLayerError(self.problem)
        name = SEPARATOR_NAMES.get(self.separator, repr(self.separator))
        notes = [] if self.separator == "," else [f"separator {name}"]
        if self.place is None:
            names, skip = [f"column{i + 1}" for i in range(self.width)], 0
            notes.append("no line with names: the columns are called column1, column2, …")
        else:
            start, skip, cells = self.rows[self.place]
            if self.place:
                shown = " ".join(filter(None, self.rows[0][2]))[:40]
                said = "line 1 is" if start == 1 else f"lines 1 to {start} are"
                notes.append(f"{said} skipped ({shown!r}): the header is line {start + 1}")
            names, more = self._named(cells)
            notes += more
        return Dialect(self.separator, self.quote, self.escape, skip, tuple(names), tuple(notes))

    def _header(self) -> int | None:
        """Return which row has the names of the columns; ``problem`` tells if none has."""
        if self.reading.header_row is not None:
            if not self.rows or self.rows[0][0] != self.reading.header_row - 1:
                self.problem = f"line {self.reading.header_row} does not begin a row, so it cannot have names"
            return 0
        was_ended, unclear = True, None
        for place, (start, end, cells) in enumerate(self.rows):
            is_last_before_gap = place + 1 < len(self.rows) and self.rows[place + 1][0] > end
            if cells[0].startswith(COMMENTS) or (self.width > 1 and sum(map(bool, cells)) <= 1):
                was_ended = True
                continue
            if len(cells) == self.width or self._is_short_header(place) or self._is_long_header(cells):
                if unclear is not None and not was_ended:
                    break
                self._check_names(start, cells)
                return place
            unclear = unclear if unclear is not None else place
            was_ended = is_last_before_gap
        if unclear is None:
            self.problem = (
                "no line has the names of the columns; say with --header-row which one, or 0 if none has"
            )
            return 0
        start, _, cells = self.rows[unclear]
        self.problem = (
            f"line {start + 1} has {len(cells)} cell{'s' if len(cells) != 1 else ''} where most lines have "
            f"{self.width}: say with --header-row which line has the names of the columns, or mend the line"
        )
        return unclear

    def _check_names(self, start: int, cells: list[str]) -> None:
        numbers = [cell for cell in cells if _is_number(cell)]
        rest = sum(map(bool, cells)) - len(numbers)
        others = [cell for cell in numbers if not YEAR.fullmatch(cell)]
        if numbers and (not rest or len(others) >= rest):
            self.problem = (
                f"line {start + 1} should have the names of the columns, but has numbers ({numbers[0]!r}); say with "
                "--header-row which line has them, or --header-row 0 if none has"
            )

    def _is_short_header(self, place: int) -> bool:
        """Return whether there is a name for all columns but one: that of names of the rows, or an empty one."""
        after = [cells for _, _, cells in self.rows[place + 1 :]]
        if len(self.rows[place][2]) != self.width - 1 or not after:
            return False
        if any(len(cells) != self.width or '"' in "".join(cells) for cells in after[:10]):
            return False
        if all(not cells[-1] for cells in after):
            return True
        names = [cells[0] for cells in after]
        running = [str(i + 1) for i in range(len(after))]
        if len(set(names)) < len(names) or (any(map(_is_number, names)) and names != running):
            return False
        first, second = (
            sum(map(_is_number, cells[1:])) for cells in (after[0], after[min(1, len(after) - 1)])
        )
        return first >= second and self.width > 2

    def _is_long_header(self, cells: list[str]) -> bool:
        """Return whether the names, but not the rows, have a separator at their end."""
        return len(cells) == self.width + 1 and not cells[-1]

    def _named(self, names: list[str]) -> tuple[list[str], list[str]]:
        """Return a name for each column, perhaps "", and notes."""
        if self._is_long_header(names):
            return names[:-1], ["a separator at the end of the names is left out"]
        after = [cells for _, _, cells in self.rows[(self.place or 0) + 1 :] if len(cells) == self.width]
        if len(names) == self.width - 1 and after:
            if all(not cells[-1] for cells in after):
                return names, ["a separator at the end of each row is left out"]
            return ["", *names], ["the first column has no name: it has the names of the rows"]
        return names, []


def _cells(lines: Sequence[str], separator: str, quote: str, escape: str) -> list[Row]:
    """Return the rows; empty lines are left out, and what follows a row that is broken or cut off."""
    reader = csv_reader((line + "\n" for line in lines), separator, quote, escape)
    rows, start = [], 0
    with suppress(csv.Error):  # DuckDB will say what is wrong
        for cells in reader:
            if cells:
                rows.append((start, reader.line_num, [cell.strip() for cell in cells]))
            start = reader.line_num
    return rows


def csv_reader(lines: Iterable[str], separator: str, quote: str, escape: str) -> Any:
    """Return what Python's csv module makes of lines that end with a line feed."""
    how: dict[str, Any] = {"quotechar": quote} if quote else {"quoting": csv.QUOTE_NONE}
    if escape != quote:
        how |= {"doublequote": False, "escapechar": escape}
    csv.field_size_limit(LONGEST_LINE)
    return csv.reader(lines, delimiter=separator, **how)


def _is_number(cell: str) -> bool:
    return NUMBER_LIKE.fullmatch(cell) is not None


def _refuse_foreign(lines: Sequence[str]) -> None:
    start = next((line for line in lines if line.strip()), "").lstrip()
    for mark, name in FOREIGN.items():
        if start.startswith(mark):
            cure = "; if each line is an object, name the file .jsonl" if name == "JSON" else ""
            raise OneLayerError(f"begins as {name} does ({start[:20]!r}), not as a delimited text file{cure}")


def _refuse_aligned(lines: Sequence[str]) -> None:
    """Raise OneLayerError if runs of spaces align columns."""
    rows = [line.split() for line in lines[:HEAD_LINES] if line.strip()]
    numbers = [_is_number(cell) for row in rows[1:] for cell in row]
    if len(set(map(len, rows))) == 1 and len(rows[0]) > 1 and 2 * sum(numbers) > len(numbers) > 0:
        raise OneLayerError(
            "its columns are aligned by several spaces: replace each run of spaces by one tab, or give --sep"
        )
