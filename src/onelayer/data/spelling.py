"""How numbers, truth values and dates are spelled in cells, and what they are as numbers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from onelayer.data.arrow import blanked, mask_of, numbers_of, string, strings
from onelayer.errors import OneLayerError

# Cells that mean that a value is missing where the other cells of the column are numbers, dates or truth values
MISSING = (
    *("NA", "N/A", "n/a", "na", "NaN", "nan", "-nan", "-NaN", "NULL", "null", "None", "<NA>", "#N/A", "#NA"),
    *("-", "--", "–", "—", "?", ".", "..", "...", "…", ":"),
)
TRUE = ("true", "yes", "t", "y", "ja", "是", "wahr", "oui")
FALSE = ("false", "no", "f", "n", "nein", "否", "falsch", "non")
PLAIN = r"^[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?$"
SPACES = " \u00a0\u202f'"
HEAD = 16  # cells of which one tells mostly that a column is not of numbers
LARGEST_INTEGER = 2**53  # up to here float64 tells integers apart


@dataclass(frozen=True)
class Spelling:
    """How the numbers of a column are spelled.

    Attributes:
        decimal: the decimal mark.
        thousands: the mark between thousands, or "".
    """

    decimal: str = "."
    thousands: str = ""

    @property
    def pattern(self) -> str:
        """A regular expression for such numbers; the thousands mark may be left out of all."""
        point = "\\" + self.decimal
        if not self.thousands:
            return rf"^[-+]?(\d+{point}?\d*|{point}\d+)([eE][-+]?\d+)?$"
        mark = f"[{SPACES}]" if self.thousands == " " else "\\" + self.thousands
        return rf"^[-+]?(\d+|\d{{1,3}}({mark}\d{{3}})+)({point}\d+)?$"

    def plain(self, cells: Any) -> Any:
        """Return cells with a decimal point, without a plus, spaces or thousands marks, which Arrow can convert."""
        if self.thousands:
            marks = f"[{SPACES}]" if self.thousands == " " else "\\" + self.thousands
            cells = pc.replace_substring_regex(cells, marks, "")
        if self.decimal != ".":
            cells = pc.replace_substring(cells, self.decimal, ".")
        return pc.replace_substring_regex(cells, r"^\+", "")

    def __str__(self) -> str:
        names = {",": "comma", ".": "point", " ": "space", "'": "apostrophe"}
        thousands = [f"thousands {names[self.thousands]}"] if self.thousands else []
        return ", ".join([*([] if self.decimal == "." else [f"decimal {names[self.decimal]}"]), *thousands])


POINT = Spelling()
# What else is tried, the likeliest first
SPELLINGS = (Spelling(","), Spelling(".", ","), Spelling(".", " "), Spelling(",", "."), Spelling(",", " "))


def trimmed(cells: Any) -> Any:
    """Return strings without spaces at their ends, null where nothing is left."""
    cells = pc.utf8_trim_whitespace(cells)
    return blanked(cells, pc.equal(cells, string("")))


def without(cells: Any, tokens: Sequence[str]) -> Any:
    """Return strings, null in the place of certain ones."""
    return blanked(cells, pc.is_in(cells, value_set=strings(tokens))) if tokens else cells


def as_floats(cells: Any) -> Any:
    """Return strings as Arrow's float64, or None if one is not a number in plain spelling; nan becomes null."""
    try:
        if len(cells) > HEAD:
            pc.cast(cells[:HEAD], pa.float64())  # to refuse each of many cells takes long
        floats = pc.cast(cells, pa.float64())
    except pa.ArrowInvalid:
        return None
    is_nan = pc.is_nan(floats)
    if not pc.any(is_nan).as_py():
        return floats
    spelled = pc.unique(cells.filter(is_nan))  # Arrow takes nan(9) and NAN, too
    return blanked(floats, is_nan) if pc.all(pc.is_in(spelled, strings(MISSING))).as_py() else None


def all_match(cells: Any, pattern: str) -> bool:
    """Return whether each string, nulls aside, matches a regular expression."""
    return bool(pc.all(pc.match_substring_regex(cells, pattern)).as_py() is not False)


def truth(cells: Any) -> NDArray[np.float64]:
    """Return strings such as yes and no as 1 and 0 (n,), NaN where null or neither."""
    lower = pc.utf8_lower(cells)
    found = np.full(len(cells), np.nan)
    for words, value in ((TRUE, 1.0), (FALSE, 0.0)):
        found[mask_of(pa.chunked_array([pc.is_in(lower, value_set=strings(words))]))] = value
    return found


def floats_of(values: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return Arrow numbers or booleans as float64 (n,), NaN where null."""
    numbers: NDArray[np.float64] = numbers_of(values.cast(pa.float64(), safe=False), np.float64, np.nan)
    return numbers


# Dates

DATE = (
    r"^(\d{4}[-/]\d{1,2}[-/]\d{1,2}|\d{1,2}[./-]\d{1,2}[./-]\d{4})"
    r"([T ]\d{1,2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$"
)
YEAR_FIRST = r"^(?P<year>\d{4})[-/](?P<month>\d{1,2})[-/](?P<day>\d{1,2})"
YEAR_LAST = r"^(?P<first>\d{1,2})[./-](?P<second>\d{1,2})[./-](?P<year>\d{4})"
CLOCK = r"[T ](?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?"


def days_of(values: Any, column: str, day_first: bool | None, start: int = 0) -> NDArray[np.float64]:
    """Return dates as days since 1970 (n,), with the time of day as a fraction; NaN where null.

    Args:
        values: strings that match ``DATE``, or an Arrow array of dates or timestamps.
        column: its name, for errors.
        day_first: whether 02/03/2024 is in March; None if the column does not tell.
        start: how many rows of the table are before these, for errors.

    Raises:
        OneLayerError: if that matters and is not known, or there is no such day.
    """
    if not pa.types.is_large_string(values.type):
        stamps = values.cast(pa.timestamp("us"), safe=False)
        micros = numbers_of(pa.chunked_array([stamps.cast(pa.int64())]), np.int64, np.iinfo(np.int64).min)
        days = micros / 86400e6
        days[micros == np.iinfo(np.int64).min] = np.nan
        return days
    parts = _date_parts(values, column, day_first, start)
    clock = _groups(values, CLOCK, ("hour", "minute", "second"))
    months = (parts["year"] - 1970) * 12 + parts["month"] - 1
    known = ~np.isnan(months)
    starts = np.full(len(months), np.nan)
    month_starts = np.where(known, months, 0).astype("datetime64[M]")
    starts[known] = month_starts.astype("datetime64[D]").astype(float)[known]
    lengths = ((month_starts + 1).astype("datetime64[D]") - month_starts.astype("datetime64[D]")).astype(
        float
    )
    wrong = known & ~(
        (parts["month"] >= 1) & (parts["month"] <= 12) & (parts["day"] >= 1) & (parts["day"] <= lengths)
    )
    if wrong.any():
        row = int(wrong.argmax())
        raise OneLayerError(
            f"column {column!r}, row {start + row + 1}: there is no day {values[row].as_py()!r}"
        )
    late = (clock["hour"] > 23) | (clock["minute"] > 59) | (clock["second"] > 59)
    if late.any():
        row = int(late.argmax())
        raise OneLayerError(
            f"column {column!r}, row {start + row + 1}: there is no time of day in {values[row].as_py()!r}"
        )
    seconds = sum(
        np.nan_to_num(clock[name]) * size for name, size in (("hour", 3600), ("minute", 60), ("second", 1))
    )
    return np.asarray(starts + parts["day"] - 1 + seconds / 86400)


def tells_day_first(cells: Any) -> bool | None:
    """Return whether dates such as 13/02/2024 begin with the day; None if none of them tells."""
    parts = _groups(cells, YEAR_LAST, ("first", "second"))
    if all_match(cells, r"^\d{1,2}\.\d{1,2}\.|^\d{4}"):
        return True  # with points the day is always first, and after a year there is no question
    if (parts["first"] > 12).any():
        return True
    return False if (parts["second"] > 12).any() else None


def _date_parts(
    values: Any, column: str, day_first: bool | None, start: int
) -> dict[str, NDArray[np.float64]]:
    parts = _groups(values, YEAR_FIRST, ("year", "month", "day"))
    turned = _groups(values, YEAR_LAST, ("first", "second", "year"))
    is_turned = ~np.isnan(turned["year"])
    if is_turned.any():
        if day_first is None:
            row = int(is_turned.argmax())
            raise OneLayerError(
                f"column {column!r}, row {start + row + 1}: does the day or the month come first in "
                f"{values[row].as_py()!r}? No cell tells; write dates as 2024-03-31"
            )
        day, month = ("first", "second") if day_first else ("second", "first")
        for name, source in (("year", "year"), ("month", month), ("day", day)):
            parts[name] = np.where(is_turned, turned[source], parts[name])
    return parts


def _groups(cells: Any, pattern: str, names: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Return the groups of a regular expression as numbers (n,) by name, NaN where it does not match."""
    found = pc.extract_regex(cells, pattern)
    numbers = {}
    for name in names:
        digits = pc.struct_field(found, name)
        numbers[name] = floats_of(
            pa.chunked_array([blanked(digits, pc.equal(digits, string("").cast(digits.type)))])
        )
    return numbers
