"""What Arrow's types are to a table: numbers, strings, or the levels of a category."""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from onelayer.data.arrow import blanked, column_of, number, strings
from onelayer.data.spelling import LARGEST_INTEGER, PLAIN

NUMBER = re.compile(PLAIN)


def as_strings(values: Any) -> Any:
    """Return an Arrow array as large strings: 3.0 as "3", true as "true", a category as its name."""
    if pa.types.is_dictionary(values.type):
        return as_strings(values.dictionary).take(values.indices)
    if pa.types.is_floating(values.type) or pa.types.is_decimal(values.type):
        values = values.cast(pa.float64())
        values = blanked(values, pc.is_nan(values))
        is_whole = pc.and_(
            pc.equal(pc.floor(values), values), pc.less(pc.abs(values), number(LARGEST_INTEGER))
        )
        whole = pc.if_else(is_whole, values, number(0)).cast(pa.int64())
        return pc.if_else(is_whole, whole.cast(pa.large_string()), values.cast(pa.large_string()))
    return values.cast(pa.large_string())


def is_string(kind: pa.DataType) -> bool:
    """Tell strings, and Arrow's categories."""
    types = pa.types
    if types.is_dictionary(kind):
        return is_scalar(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def is_scalar(kind: pa.DataType) -> bool:
    """Tell types whose values can be the levels of a category."""
    types = pa.types
    return is_string(kind) or is_number(kind) or types.is_boolean(kind) or types.is_temporal(kind)


def common_type(one: pa.DataType, other: pa.DataType) -> pa.DataType | None:
    """Return a type that columns of both types can be read as, or None."""
    types = pa.types
    if one == other or types.is_null(other):
        return one
    if types.is_null(one):
        return other
    if is_string(one) and is_string(other):
        are_ordered = [kind.ordered for kind in (one, other) if types.is_dictionary(kind)]
        words = pa.large_string()
        return pa.dictionary(pa.int32(), words, all(are_ordered)) if are_ordered else words
    if is_number(one) and is_number(other):
        exact = all(types.is_integer(kind) and kind != pa.uint64() for kind in (one, other))
        return pa.int64() if exact else pa.float64()
    return pa.timestamp("us") if types.is_temporal(one) and types.is_temporal(other) else None


def is_number(kind: pa.DataType) -> bool:
    """Tell Arrow's numbers, booleans aside."""
    types = pa.types
    return bool(types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind))


def missing_where(values: pa.Array, na: Sequence[str]) -> pa.Array:
    """Return an array (n,), null where a string, without spaces at its ends, or a number is one of those of ``na``."""
    if is_string(values.type):
        cells = pc.utf8_trim_whitespace(as_strings(values))
        return blanked(values, pc.is_in(cells, value_set=strings(na)))
    if is_number(values.type):
        numbers = [float(cell) for cell in na if NUMBER.fullmatch(cell)]
        if numbers:
            return blanked(
                values, pc.is_in(values.cast(pa.float64()), value_set=column_of(np.array(numbers)))
            )
    return values
