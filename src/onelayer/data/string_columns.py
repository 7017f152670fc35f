"""A column of strings, looked at batch by batch: which spellings, words and levels all its cells so far allow."""

import re
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from onelayer.data.arrow import first_true, stored_floats, string, strings
from onelayer.data.arrow_types import as_strings, is_scalar, is_string
from onelayer.data.columns import (
    COUNTED,
    FEW,
    MOST_LEVELS,
    SHARE_OF_CODES,
    SHARE_OF_TEXT,
    Kind,
    Profile,
    TypedProfiler,
    first_null,
    in_order,
    with_new,
)
from onelayer.data.spelling import (
    DATE,
    FALSE,
    LARGEST_INTEGER,
    MISSING,
    PLAIN,
    POINT,
    SPELLINGS,
    TRUE,
    all_match,
    as_floats,
    tells_day_first,
    trimmed,
    without,
)


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

    def add(self, values: Any) -> Any:
        """Take in more rows: an Arrow array of strings, or of categories; return it as float64 if all are numbers."""
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
        self.first_null = self.first_null or first_null(cells, self.n)
        self.null += cells.null_count
        self.n += len(cells)
        return floats

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

    def _add_plain(self, cells: Any, floats: Any) -> None:
        self.numeric += len(floats) - floats.null_count
        known = stored_floats(floats.drop_null())
        if known is not None:  # NumPy is ten times as fast as Arrow's min_max
            self.low, self.high = min(self.low, float(known.min())), max(self.high, float(known.max()))
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
            place = first_true(
                pc.and_(pc.invert(plain), pc.invert(pc.is_in(unique, value_set=strings(MISSING))))
            )
            if place >= 0:
                row = first_true(
                    pc.equal(cells, unique[place])
                )  # the first one, for values are in the order of rows
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
            levels=in_order(self.values, self.order) if kind in ("category", "code", "boolean") else (),
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
