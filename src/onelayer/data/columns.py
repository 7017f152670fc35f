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

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from onelayer.data.arrow import blanked, first_true
from onelayer.data.arrow_types import as_strings, is_number
from onelayer.data.spelling import LARGEST_INTEGER, POINT, Spelling

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
        self.first_missing = self.first_missing or first_null(values, self.n)
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
            levels=in_order(as_strings(self.values)) if kind == "boolean" else (),
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


def first_null(values: Any, before: int) -> int | None:
    """Return the number of the first row without a value, from 1, given how many rows are before."""
    return before + first_true(values.is_null()) + 1 if values.null_count else None


def in_order(levels: Any, order: Collection[str] = ()) -> tuple[str, ...]:
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
