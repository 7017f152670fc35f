"""What each column of a table is: a number, a truth value, a category, a date, a code, or text, by one rule.

The rule looks at the whole column. Of a column of strings, spaces at the ends aside and where nothing is missing:

1. All cells are numbers in one spelling: a number; but if one has a zero before other digits, as 01067, a code.
2. All are words for true and false, such as yes and no: a truth value.
3. All are dates: a date.
4. Otherwise, if more than half are numbers: a number with cells that are not, which is an error.
5. If few values differ, a category; if more than half of the rows do, or, where most cells have digits in them, more
   than a tenth of the rows and 20 do, it is text, from which nothing can be learned as it stands.

Cells such as NA and null are missing values in columns of numbers, truth values and dates, and categories elsewhere.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from onelayer.data.arrow import blanked, first_true, stored_floats, string, strings
from onelayer.data.arrow_types import as_strings, is_number, is_scalar, is_string
from onelayer.data.spelling import (
    DATE,
    FALSE,
    LARGEST_INTEGER,
    MISSING,
    PLAIN,
    POINT,
    SPELLINGS,
    TRUE,
    Spelling,
    all_match,
    as_floats,
    tells_day_first,
    trimmed,
    without,
)
from onelayer.data.text_rows import Form

Kind = Literal[
    "number", "boolean", "category", "date", "code", "text", "mixed", "ambiguous", "empty", "other"
]

COUNTED = 1_000  # different values up to which numbers are counted
MOST_LEVELS = 10_000  # of a category
SHARE_OF_TEXT = 0.5  # of rows that differ, from which on strings are text
SHARE_OF_CODES = 0.1  # the same where most cells have digits in them
FEW = 20  # values that may be categories in any case


@dataclass(frozen=True)
class Profile:
    """What is known of a column after one look at all of it.

    Attributes:
        name: the column.
        kind: what it is.
        n: rows.
        missing: how many have no value.
        distinct: how many values differ; None if more than were counted.
        low, high: the range of numbers, as numbers.
        spellings: that all numbers of the column are in; the first one is meant, unless the table tells otherwise.
        has_points: whether there is a point, or an exponent, in a number.
        day_first: of dates, whether 02/03 is in March; None if no cell tells.
        example: a row, from 1, and a cell that shows why it is not a number, or text.
        first_missing: the row, from 1, in which the first value is missing.
        levels: the different values, as strings in order, of anything but numbers, dates and text.
        tokens: how many cells are NA, null and the like, by cell: missing values in a number, categories elsewhere.
        type_name: of the column in Arrow, if it has one of its own.
        is_plain: whether all cells are numbers that any program reads as they stand, or empty.
    """

    name: str
    kind: Kind
    n: int
    missing: int
    distinct: int | None
    low: float | None = None
    high: float | None = None
    spellings: tuple[Spelling, ...] = (POINT,)
    has_points: bool = False
    day_first: bool | None = None
    example: tuple[int, str] | None = None
    first_missing: int | None = None
    levels: tuple[str, ...] = ()
    tokens: dict[str, int] = field(default_factory=dict)
    type_name: str = ""
    is_plain: bool = False

    @property
    def is_constant(self) -> bool:
        """Whether all values are the same."""
        return self.distinct == 1 and not self.missing

    @property
    def is_running_number(self) -> bool:
        """Whether the values may be those of a counter: n integers from 0 or 1 on, all different."""
        return (
            self.kind == "number"
            and self.low in (0, 1)
            and self.high == (self.low or 0) + self.n - 1
            and not self.missing
            and (self.distinct is None or self.distinct == self.n)
        )


class TypedProfiler:
    """Looks at a column that has a type of its own, batch by batch."""

    form = Form.TEXT  # its values come as they are

    def __init__(self, name: str, kind: pa.DataType) -> None:
        self.name, self.type = name, kind
        self.n = self.missing = 0
        self.first_missing: int | None = None
        self.low, self.high = np.inf, -np.inf
        self.values: Any = None

    def add(self, values: Any) -> None:
        """Take in more rows: an Arrow array."""
        if pa.types.is_floating(self.type):
            values = blanked(values, pc.is_nan(values))
        self.first_missing = self.first_missing or _first_null(values, self.n)
        self.n += len(values)
        self.missing += values.null_count
        if is_number(self.type):
            limits = pc.min_max(values.cast(pa.float64(), safe=False)).as_py()
            if limits["min"] is not None:
                self.low, self.high = min(self.low, limits["min"]), max(self.high, limits["max"])
        if is_number(self.type) or pa.types.is_boolean(self.type):
            self.values = with_new(self.values, values, COUNTED)

    def profile(self) -> Profile:
        """Return what the column is."""
        distinct = None if self.values is None or len(self.values) > COUNTED else len(self.values)
        kind: Kind = "other"
        if self.missing == self.n:
            kind = "empty"
        elif pa.types.is_boolean(self.type):
            kind = "boolean"
        elif pa.types.is_date(self.type) or pa.types.is_timestamp(self.type):
            kind = "date"
        elif is_number(self.type):
            kind = "number"
            if pa.types.is_integer(self.type) and max(abs(self.low), abs(self.high)) >= LARGEST_INTEGER:
                kind = "code"
        has_range = kind in ("number", "code") and np.isfinite(self.low)
        return Profile(
            self.name,
            kind,
            self.n,
            self.missing,
            distinct,
            low=float(self.low) if has_range else None,
            high=float(self.high) if has_range else None,
            first_missing=self.first_missing,
            levels=_in_order(as_strings(self.values)) if kind == "boolean" else (),
            type_name=str(self.type),
        )


@dataclass(frozen=True)
class Range:
    """What a file's own statistics say of a column of numbers or booleans, in which no value is null.

    Attributes:
        n: rows.
        low, high: the least and the greatest value; NaN counts as neither.
    """

    n: int
    low: Any
    high: Any

    def __or__(self, other: "Range") -> "Range":
        """Return what is known of the rows of both."""
        return Range(self.n + other.n, min(self.low, other.low), max(self.high, other.high))

    def profile(self, name: str, kind: pa.DataType) -> Profile | None:
        """Return the profile of the column, of an Arrow type; None if it takes a look, for NaN may be all that varies.

        A value that is NaN is not known to be missing.
        """
        is_boolean = pa.types.is_boolean(kind)
        if self.low == self.high and not (is_boolean or pa.types.is_integer(kind)):
            return None
        profiler = TypedProfiler(name, kind)
        profiler.n, profiler.low, profiler.high = self.n, float(self.low), float(self.high)
        if is_boolean or self.low == self.high:
            profiler.values = pc.unique(pa.array([self.low, self.high], kind))
        return profiler.profile()


class CellsProfiler:
    """Looks at a column of strings, batch by batch.

    A batch of plain numbers is converted at once; of any other, what a spelling allows is tried on different values.
    """

    def __init__(self, name: str, is_category: bool = False, type_name: str = "") -> None:
        self.name, self.is_category, self.type_name = name, is_category, type_name
        self.n = self.null = self.numeric = self.with_digits = 0
        self.low, self.high = np.inf, -np.inf
        self.is_integer, self.has_leading_zero, self.is_plain = True, False, True
        self.spellings = [] if is_category else [POINT, *SPELLINGS]
        self.may_be_truth = self.may_be_date = not is_category
        self.first_null: int | None = None
        self.first_token: int | None = None
        self.order: dict[str, None] = {}  # of ordered categories
        self.tokens: dict[str, int] = {}
        self.values: Any = None  # different ones, while they are few enough
        self.dates: Any = None
        self.odd: tuple[int, str] | None = None

    @property
    def form(self) -> Form:
        """How cells have to be written for their numbers to tell as much as the strings, given those that were seen.

        Whole numbers do at any time. Others rule spellings out, and are strings apart from what they are as numbers.
        Another thread may ask while rows are taken in: what is true here stays true.
        """
        if self.is_category:
            return Form.TEXT
        if self.is_integer:
            return Form.WHOLE
        if self.values is None or len(self.values) <= COUNTED or any(s.decimal != "." for s in self.spellings):
            return Form.TEXT
        return {(): Form.TEXT, (POINT,): Form.NUMBER}.get(tuple(self.spellings), Form.DECIMAL)

    def add(self, values: Any) -> Any:
        """Take in more rows; return them as float64 if all are numbers.

        Args:
            values: an Arrow array of strings, or of categories; or float64, where all cells were of the column's form.
        """
        if pa.types.is_float64(values.type) and not self.is_category:
            self._add_floats(values)
            return values
        if pa.types.is_dictionary(values.type) and values.type.ordered:
            self.order |= dict.fromkeys(trimmed(as_strings(values.dictionary)).drop_null().to_pylist())
        cells = as_strings(values)
        # Numbers as they should be are the rule, and there may be many.
        floats = None if self.is_category else as_floats(cells)
        if floats is None:
            self.is_plain = False
            cells = trimmed(cells)
            floats = None if self.is_category else as_floats(cells)
        if floats is None:
            self._add_other(cells)
        else:
            self._add_numbers(cells, floats)
        self._count(cells)
        return floats

    def _count(self, cells: Any) -> None:
        self.first_null = self.first_null or _first_null(cells, self.n)
        self.null += cells.null_count
        self.n += len(cells)

    def _add_floats(self, floats: Any) -> None:
        self._count(floats)
        if floats.null_count == len(floats):
            return
        self.may_be_truth = self.may_be_date = False
        self._add_range(floats)
        if self.values is None or len(self.values) <= COUNTED:  # then they are whole
            whole = pc.unique(floats).cast(pa.int64())
            self.values = with_new(self.values, whole.cast(pa.large_string()), COUNTED)

    def _add_numbers(self, cells: Any, floats: Any) -> None:
        if cells.null_count == len(cells):
            return
        if floats.null_count > cells.null_count:  # nan is a number to Arrow
            self._count_tokens(cells)
        self.may_be_truth = self.may_be_date = False
        if len(self.spellings) > 1 or self.is_integer:
            has_few = self.values is not None and len(self.values) <= COUNTED
            known = without(pc.unique(cells) if has_few else cells, MISSING)
            witness = first_true(pc.match_substring_regex(known, "[.eE]"))
            self.is_integer = self.is_integer and witness < 0
            if witness >= 0 and len(self.spellings) > 1:
                cell = known[witness].as_py()  # rules most out before all cells are looked at
                self.spellings = [
                    s
                    for s in self.spellings
                    if s == POINT or (re.match(s.pattern, cell) and all_match(known, s.pattern))
                ]
        self._add_plain(cells, floats)

    def _add_range(self, floats: Any) -> None:
        self.numeric += len(floats) - floats.null_count
        known = stored_floats(floats if not floats.null_count else floats.drop_null())
        if known is not None:  # NumPy is ten times as fast as Arrow's min_max
            self.low, self.high = min(self.low, float(known.min())), max(self.high, float(known.max()))

    def _add_plain(self, cells: Any, floats: Any) -> None:
        self._add_range(floats)
        self._look_for_zeros(cells)
        most = COUNTED if self.numeric else MOST_LEVELS
        self.values = with_new(self.values, cells, most)

    def _add_other(self, cells: Any) -> None:
        counted = pc.value_counts(cells)
        unique, counts = counted.field("values"), counted.field("counts")
        known = without(unique, MISSING).drop_null()
        if len(known) < len(unique.drop_null()):
            self._count_tokens(cells)
        self.spellings = [s for s in self.spellings if all_match(known, s.pattern)]
        if self.may_be_truth:
            words = pc.is_in(pc.utf8_lower(known), value_set=strings((*TRUE, *FALSE)))
            self.may_be_truth = bool(pc.all(words).as_py() is not False)
        self.may_be_date = self.may_be_date and all_match(known, DATE)
        if self.may_be_date:
            self.dates = with_new(self.dates, known, MOST_LEVELS)
        if POINT in self.spellings:
            rest = without(cells, MISSING)
            self._add_plain(cells, as_floats(POINT.plain(rest)))
            return
        plain = pc.match_substring_regex(unique, PLAIN)
        self.numeric += int(pc.sum(counts.filter(plain)).as_py() or 0)
        has_digits = pc.match_substring_regex(unique, r"\d")
        self.with_digits += int(pc.sum(counts.filter(has_digits)).as_py() or 0)
        self._look_for_zeros(unique)
        self.values = with_new(self.values, unique, MOST_LEVELS)
        if self.odd is None:
            place = first_true(pc.and_(pc.invert(plain), pc.invert(pc.is_in(unique, value_set=strings(MISSING)))))
            if place >= 0:
                row = first_true(pc.equal(cells, unique[place]))  # the first one, for values are in the order of rows
                self.odd = (self.n + row + 1, unique[place].as_py())

    def _look_for_zeros(self, cells: Any) -> None:
        if self.is_integer and not self.has_leading_zero:
            zeros = cells.filter(pc.starts_with(cells, "0"))
            if len(zeros):
                self.has_leading_zero = bool(pc.any(pc.match_substring_regex(zeros, r"^0\d+$")).as_py())

    def _count_tokens(self, cells: Any) -> None:
        if self.first_token is None:
            place = first_true(pc.is_in(cells, value_set=strings(MISSING)))
            self.first_token = self.n + place + 1
        for token in MISSING:
            count = pc.sum(pc.equal(cells, string(token))).as_py()
            if count:
                self.tokens[token] = self.tokens.get(token, 0) + count

    def profile(self) -> Profile:
        """Return what the column is, if nothing else is known of how numbers are spelled in its table."""
        kind = self._kind()
        has_levels = kind in ("category", "code", "text")  # then NA is one
        distinct = 0 if self.values is None else len(self.values)
        has_range = kind == "number" and POINT in self.spellings and np.isfinite(self.low)
        return Profile(
            name=self.name,
            kind=kind,
            n=self.n,
            missing=self.null + (0 if has_levels else sum(self.tokens.values())),
            distinct=distinct - (0 if has_levels else len(self.tokens))
            if distinct <= COUNTED or has_levels
            else None,
            low=float(self.low) if has_range else None,
            high=float(self.high) if has_range else None,
            spellings=tuple(self.spellings),
            has_points=not self.is_integer,
            day_first=tells_day_first(self.dates) if kind == "date" else None,
            example=self.odd,
            first_missing=self._first_missing(has_levels),
            levels=_in_order(self.values, self.order) if kind in ("category", "code", "boolean") else (),
            tokens=dict(self.tokens),
            type_name=self.type_name,
            is_plain=self.is_plain and kind == "number" and not self.tokens and has_range,
        )

    def _first_missing(self, has_levels: bool) -> int | None:
        rows = [row for row in (self.first_null, None if has_levels else self.first_token) if row is not None]
        return min(rows, default=None)

    def _kind(self) -> Kind:
        known = self.n - self.null - sum(self.tokens.values())
        if self.is_category:
            return "category" if self.null < self.n else "empty"
        if not known:
            return "empty" if self.null == self.n or not self.n else self._levels()
        if self.spellings:
            if self.has_leading_zero and self.is_integer:
                return "code"
            largest = max(abs(self.low), abs(self.high))
            is_large = self.is_integer and LARGEST_INTEGER <= largest < np.inf
            return "code" if POINT in self.spellings and is_large else "number"
        if self.may_be_truth:
            return "boolean"
        if self.may_be_date:
            return "date"
        return "mixed" if 2 * self.numeric > known else self._levels()

    def _levels(self) -> Kind:
        """Return whether strings are few enough to be categories."""
        distinct, rows = len(self.values), self.n - self.null
        if distinct > MOST_LEVELS or (distinct > FEW and distinct > SHARE_OF_TEXT * rows):
            return "text"
        if distinct > FEW and 2 * self.with_digits > rows and distinct > SHARE_OF_CODES * rows:
            return "text"
        return "text" if distinct == rows > 2 else "category"


def profiler_of(name: str, kind: pa.DataType, is_category: bool = False) -> "Profiler":
    """Return what looks at a column of an Arrow type."""
    if is_string(kind) or (is_category and is_scalar(kind)):
        return CellsProfiler(
            name, is_category or pa.types.is_dictionary(kind), "" if is_string(kind) else str(kind)
        )
    return TypedProfiler(name, kind)


Profiler = TypedProfiler | CellsProfiler


def _first_null(values: Any, before: int) -> int | None:
    """Return the number of the first row without a value, from 1, given how many rows are before."""
    return before + first_true(values.is_null()) + 1 if values.null_count else None


def _in_order(levels: Any, order: Collection[str] = ()) -> tuple[str, ...]:
    """Return strings in an order of their own, if there is one, or else: numbers by size, others by code point."""
    found = [] if levels is None else levels.to_pylist()
    if order:
        place = {level: i for i, level in enumerate(order)}
        return tuple(sorted(found, key=lambda level: place.get(level, len(place))))
    try:
        return tuple(sorted(found, key=float))
    except ValueError:
        return tuple(sorted(found))


def with_new(seen: Any, values: Any, most: int) -> Any:
    """Return different values with those of another array; no longer kept up where they are more than ``most``."""
    if seen is not None and len(seen) > most:
        return seen
    return pc.unique(pa.concat_arrays([*([] if seen is None else [seen]), values])).drop_null()
