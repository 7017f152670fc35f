"""Cells of Arrow arrays as numbers, truth values, dates and levels of categories; errors name the row."""

import difflib
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from onelayer.data.arrow import first_true, mask_of, numbers_of, strings
from onelayer.data.arrow_types import as_strings, is_number, is_string
from onelayer.data.columns import Profile
from onelayer.data.formula import LARGEST
from onelayer.data.spelling import (
    DATE,
    FALSE,
    MISSING,
    POINT,
    TRUE,
    as_floats,
    days_of,
    floats_of,
    trimmed,
    truth,
    without,
)
from onelayer.data.tables import quoted
from onelayer.errors import OneLayerError

Values = NDArray[np.float64]
Unknown = Literal["error", "ignore"]


def numbers_in(values: Any, profile: Profile, start: int = 0) -> Values:
    """Return numbers or truth values as float64 (n,), NaN where missing.

    Raises:
        OneLayerError: if a value is something else, infinite or too large; it says in which row.
    """
    if pa.types.is_null(values.type):
        return np.full(len(values), np.nan)
    if is_string(values.type):
        values = _converted(values, profile, start)
    elif not (is_number(values.type) or pa.types.is_boolean(values.type)):
        raise OneLayerError(f"column {profile.name!r} is of type {values.type}, not a number")
    numbers = floats_of(pa.chunked_array([values]))
    excessive = np.abs(numbers) > LARGEST
    if excessive.any():
        row = int(excessive.argmax())
        what = "infinite" if np.isinf(numbers[row]) else f"{numbers[row]:g}, too large to compute with"
        raise OneLayerError(f"column {profile.name!r}, row {start + row + 1}: the value is {what}")
    return numbers


def _converted(values: Any, profile: Profile, start: int) -> Any:
    spelling = profile.spellings[0] if profile.spellings else POINT
    cells = as_strings(values)
    if spelling == POINT and not profile.tokens:
        floats = as_floats(cells)
        if floats is not None:
            return floats
    cells = without(trimmed(cells), MISSING)
    row = first_true(pc.invert(pc.match_substring_regex(cells, spelling.pattern)))
    if row >= 0:
        raise OneLayerError(
            f"column {profile.name!r}, row {start + row + 1}: {cells[row].as_py()!r} is not a number"
        )
    return spelling.plain(cells).cast(pa.float64())


def truths_in(values: Any, name: str, start: int = 0) -> Values:
    """Return words such as yes and no as 1 and 0 (n,), NaN where missing.

    Raises:
        OneLayerError: if a word is another one.
    """
    cells = without(trimmed(as_strings(values)), MISSING)
    found = truth(cells)
    odd = np.isnan(found) & mask_of(pa.chunked_array([cells.is_valid()]))
    if odd.any():
        row = int(odd.argmax())
        raise OneLayerError(
            f"column {name!r}, row {start + row + 1}: {cells[row].as_py()!r} is neither true nor false"
        )
    return found


def dates_in(values: Any, profile: Profile, start: int = 0) -> Values:
    """Return dates as days since 1970 (n,), NaN where missing.

    Raises:
        OneLayerError: if a value is not a date.
    """
    if is_string(values.type):
        values = without(trimmed(as_strings(values)), MISSING)
        row = first_true(pc.invert(pc.match_substring_regex(values, DATE)))
        if row >= 0:
            raise OneLayerError(
                f"column {profile.name!r}, row {start + row + 1}: {values[row].as_py()!r} is not a date"
            )
    elif not pa.types.is_temporal(values.type):
        raise OneLayerError(f"column {profile.name!r} is of type {values.type}, not a date")
    return days_of(values, profile.name, profile.day_first, start)


def codes_in(
    values: Any, name: str, levels: Sequence[str], start: int = 0, unknown: Unknown = "error"
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Return the number of each value's level (n,), −1 where missing or unknown, and which are unknown (n,).

    Raises:
        OneLayerError: if one is unknown and that is an error; it shows the levels that look most alike.
    """
    cells = trimmed(as_strings(values))
    found = pc.index_in(cells, value_set=strings(levels))
    codes: NDArray[np.int64] = numbers_of(pa.chunked_array([found]), np.int32, -1).astype(np.int64)
    strange = (codes < 0) & mask_of(pa.chunked_array([cells.is_valid()]))
    if strange.any():  # NA is a missing value where no level is called so
        strange &= ~mask_of(pa.chunked_array([pc.is_in(cells, value_set=strings(MISSING))]))
    if strange.any() and _are_truth_values(levels):  # True in a file, true in a frame, yes in another
        values_of_levels = [float(level.lower() in TRUE) for level in levels]
        truths = truth(cells)
        for code, value in enumerate(values_of_levels):
            codes[strange & (truths == value)] = code
        strange &= np.isnan(truths)
    if strange.any() and unknown == "error":
        row = int(strange.argmax())
        cell = cells[row].as_py()
        near = difflib.get_close_matches(cell, levels, 3) or list(levels)
        raise OneLayerError(
            f"column {name!r}, row {start + row + 1}: {cell!r} is not one of the {len(levels):,} known values, such as "
            f"{quoted(near[:3])}"
        )
    return codes, strange


def _are_truth_values(levels: Sequence[str]) -> bool:
    """Return whether there are two levels, a word for true and one for false."""
    lower = [level.lower() for level in levels]
    return len(levels) == 2 and {*map(TRUE.__contains__, lower)} == {*map(FALSE.__contains__, lower)} == {
        False,
        True,
    }
