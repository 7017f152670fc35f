"""Encoding: how the columns of a table become numbers.

A number or a boolean is one feature. A string or category column is one-hot: a feature for each category,
called ``column=category``.
"""

import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from onelayer.data.arrow import mask_of, numbers_of, strings
from onelayer.data.dataset import Dataset, Missing
from onelayer.data.rows import Rows
from onelayer.data.tables import quoted
from onelayer.errors import OneLayerError, named

MAX_CATEGORIES = 1000
LARGEST = 1e100  # the square of a number has to stay finite, and sums of such squares
NUMBER = r"^\s*[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?\s*$"
# What people write for numbers besides: thousands separators, currencies, per cent. Not a category, and no number yet.
NEAR_NUMBER = r"^\s*[$€£¥￥]?\s*[-+]?(\d{1,3}(,\d{3})+|\d+)(\.\d+)?\s*[%$€元]?\s*$"


@dataclass(frozen=True)
class Column:
    """A column that is a feature: a number if ``categories`` is None, else one-hot."""

    name: str
    categories: tuple[str, ...] | None = None

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features that the column becomes."""
        if self.categories is None:
            return (self.name,)
        return tuple(f"{self.name}={category}" for category in self.categories)

    def encode(self, values: pa.ChunkedArray, out: NDArray[np.float64]) -> None:
        """Write the column as numbers to ``out`` (n, features), NaN where a value is missing.

        Raises:
            OneLayerError: for text in a numeric column, an infinite number or an unknown category.
        """
        if self.categories is None:
            out[:, 0] = _numbers(values, self.name)
            return
        codes = _codes(values, self.name, self.categories)
        out[:] = 0
        out[np.arange(len(codes)), codes] = 1
        out[codes < 0] = np.nan


@dataclass(frozen=True)
class Encoding:
    """How the columns of a table become features, and what to do with a row that lacks one."""

    columns: tuple[Column, ...]
    missing: Missing = "error"

    @property
    def features(self) -> tuple[str, ...]:
        """The names of all features, in order."""
        return tuple(feature for column in self.columns for feature in column.features)

    @property
    def numeric(self) -> frozenset[str]:
        """The names of the columns that are numbers."""
        return frozenset(column.name for column in self.columns if column.categories is None)

    def encode(self, table: pa.Table, name: str) -> NDArray[np.float64]:
        """Return the features (n, d) of a table; a missing value is NaN unless that is an error.

        Raises:
            OneLayerError: if a column is absent or holds something else than it did in training.
        """
        absent = [column.name for column in self.columns if column.name not in table.column_names]
        if absent:
            raise OneLayerError(
                f"{name}: lacks the column {quoted(absent)}; it has {quoted(table.column_names)}"
            )
        if self.missing == "error":
            _refuse_missing(table, [column.name for column in self.columns], name)
        X = np.empty((table.num_rows, len(self.features)))
        start = 0
        with named(name):
            for column in self.columns:
                end = start + len(column.features)
                column.encode(table[column.name], X[:, start:end])
                start = end
        return X

    def to_json(self) -> dict[str, Any]:
        """Return the encoding as JSON values, for a model file."""
        columns = [{"name": c.name, "categories": c.categories} for c in self.columns]
        return {"missing": self.missing, "columns": columns}

    @staticmethod
    def from_json(values: dict[str, Any]) -> "Encoding":
        """Return what ``to_json`` wrote."""
        columns = (
            Column(c["name"], None if c["categories"] is None else tuple(c["categories"]))
            for c in values["columns"]
        )
        return Encoding(tuple(columns), values["missing"])


@dataclass(frozen=True)
class Target:
    """The column to predict: a number if ``classes`` is empty, else one of the classes."""

    name: str
    classes: tuple[str, ...] = ()

    @property
    def is_text(self) -> bool:
        """Whether a class is a text such as 01, which would not come back if it were read as a number."""
        return not all(re.fullmatch(r"-?(0|[1-9]\d*)|true|false", c) for c in self.classes)

    def encode(self, table: pa.Table, name: str) -> tuple[NDArray[Any], NDArray[np.bool_]]:
        """Return the target, class numbers (n,) or numbers (n, 1), and which rows have one (n,).

        Raises:
            OneLayerError: if the column is absent, or holds text, infinity or an unknown class.
        """
        if self.name not in table.column_names:
            raise OneLayerError(
                f"{name}: has no target column {self.name!r}; it has {quoted(table.column_names)}"
            )
        with named(name):
            if self.classes:
                codes = _codes(table[self.name], self.name, self.classes)
                return codes, codes >= 0
            numbers = _numbers(table[self.name], self.name)
        return numbers[:, None], ~np.isnan(numbers)


def dataset_from_table(
    table: pa.Table,
    name: str,
    target: str | None,
    features: Iterable[str] | None = None,
    missing: Missing = "error",
    as_classes: bool = False,
    categorical: Collection[str] = (),
) -> Dataset:
    """Return a table as a data set without a test set; see ``onelayer.open_data`` for the arguments.

    Raises:
        OneLayerError: if the target or a feature is absent or unusable, or values are missing and
            ``missing`` does not say what to do.
    """
    if missing not in get_args(Missing):
        raise OneLayerError(f"missing must be one of {', '.join(get_args(Missing))}, not {missing!r}")
    target, chosen = _choose(table, name, target, features, categorical)
    if missing == "error":
        _refuse_missing(table, [*chosen, target], name)
    with named(name):
        encoding = Encoding(tuple(_infer_column(table[c], c, c in categorical) for c in chosen), missing)
        goal = _infer_target(table[target], target, as_classes or target in categorical)
    X = encoding.encode(table, name)
    y, known = goal.encode(table, name)
    if missing == "mean" and not known.all():
        raise OneLayerError(
            f"{name}: the target {target!r} has {_n_missing(table[target])}; a target cannot be filled "
            "with a mean: use --missing drop"
        )
    if missing == "drop":
        keep = known & ~np.isnan(X).any(axis=1)
        if not keep.any():
            raise OneLayerError(f"{name}: every row has a missing value; none is left with drop")
        X, y = X[keep], y[keep]
    rows = Rows(X, y, "classes" if goal.classes else "regression")
    return Dataset(name, rows, None, encoding.features, target, goal.classes, encoding=encoding)


def _choose(
    table: pa.Table,
    name: str,
    target: str | None,
    features: Iterable[str] | None,
    categorical: Collection[str],
) -> tuple[str, list[str]]:
    """Return the names of the target and of the feature columns, if they are there and make sense."""
    if target is None:
        raise OneLayerError(
            f"{name}: which column is to be predicted? Name it with --target (target= in Python); "
            f"there are {quoted(table.column_names)}"
        )
    if isinstance(features, str) or isinstance(categorical, str):
        raise OneLayerError(f"columns must be a list of names, such as [{features or categorical!r}]")
    chosen = [c for c in table.column_names if c != target] if features is None else list(features)
    for what, columns in (("target", [target]), ("feature", chosen), ("categorical", categorical)):
        for column in columns:
            if column not in table.column_names:
                raise OneLayerError(
                    f"{name}: has no {what} column {column!r}; it has {quoted(table.column_names)}"
                )
    if len(set(chosen)) < len(chosen):
        raise OneLayerError(f"{name}: a feature is named twice in {quoted(chosen)}")
    if not chosen or target in chosen:
        raise OneLayerError(f"{name}: the target {target!r} cannot be the only feature or one of them")
    return target, chosen


def _infer_column(values: pa.ChunkedArray, name: str, categorical: bool) -> Column:
    if not categorical and _is_numeric(values, name):
        return Column(name)
    categories = distinct_strings(values, name)
    if len(categories) > MAX_CATEGORIES:
        raise OneLayerError(
            f"column {name!r} has {len(categories):,} different texts in {len(values):,} rows, more than "
            f"the {MAX_CATEGORIES:,} that are made one-hot; leave it out with --features"
        )
    return Column(name, categories)


def _infer_target(values: pa.ChunkedArray, name: str, as_classes: bool) -> Target:
    is_text = _is_text(_plain(values).type)
    if not (pa.types.is_boolean(values.type) or (as_classes and is_text)) and _is_numeric(values, name):
        if not as_classes:
            return Target(name)
        numbers = np.unique(_numbers(values.drop_null(), name))
        numbers = numbers[~np.isnan(numbers)]
        fractions = numbers[numbers != np.floor(numbers)]
        if len(fractions) or len(numbers) > MAX_CATEGORIES:
            why = (
                f"{fractions[0]:g} is no whole number" if len(fractions) else f"{len(numbers):,} are too many"
            )
            raise OneLayerError(f"target {name!r} is no class: {why}; use --model linear")
    classes = distinct_strings(values, name)
    if len(classes) < 2:
        raise OneLayerError(f"target {name!r} has just one class, {classes[0]!r}: nothing to learn")
    if len(classes) > MAX_CATEGORIES:
        raise OneLayerError(f"target {name!r} has {len(classes):,} different texts: too many classes")
    return Target(name, classes)


def _is_numeric(values: pa.ChunkedArray, name: str) -> bool:
    """Tell a column of numbers from one of categories; half the texts being numbers makes it numeric."""
    kind = values.type
    if pa.types.is_null(kind):
        raise OneLayerError(f"column {name!r} is empty in every row; leave it out with --features")
    if (
        pa.types.is_boolean(kind)
        or pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
    ):
        return True
    if pa.types.is_dictionary(kind):
        return False
    if _is_text(kind):
        known = values.drop_null().cast(pa.large_string())
        numbers = pc.match_substring_regex(known, f"{NUMBER}|{NEAR_NUMBER}")
        return len(known) > 0 and 2 * pc.sum(numbers).as_py() > len(known)
    raise OneLayerError(
        f"column {name!r} is of type {kind}, not a number, a boolean or text; convert it to a number "
        "or leave it out with --features"
    )


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _numbers(values: pa.ChunkedArray, name: str) -> NDArray[np.float64]:
    """Return a column as float64 (n,), NaN where missing."""
    values = _plain(values)
    if _is_text(values.type):
        values = values.cast(pa.large_string())
        odd = mask_of(pc.invert(pc.match_substring_regex(values, NUMBER)))
        if odd.any():
            row = int(odd.argmax())
            raise OneLayerError(
                f"column {name!r}, row {row + 1}: {values[row].as_py()!r} is not a number "
                "(digits, with a point for decimals and nothing between thousands); if the column is a "
                "category, name it with --categorical"
            )
        values = pc.utf8_trim_whitespace(values)
    try:
        floats = values.cast(pa.float64(), safe=False)
    except pa.ArrowException as error:
        raise OneLayerError(f"column {name!r} is of type {values.type}, not a number") from error
    numbers: NDArray[np.float64] = numbers_of(floats, np.float64, np.nan)
    excessive = np.abs(numbers) > LARGEST
    if excessive.any():
        row = int(excessive.argmax())
        what = "infinite" if np.isinf(numbers[row]) else f"{numbers[row]:g}, too large to compute with"
        raise OneLayerError(f"column {name!r}, row {row + 1}: the value is {what}")
    return numbers


def _plain(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a dictionary-encoded (categorical) column as its texts, any other as it is."""
    if not pa.types.is_dictionary(values.type):
        return values
    chunks = [_cast_to_text(c.dictionary).take(c.indices) for c in values.chunks]
    return pa.chunked_array(chunks, pa.large_string())


def _texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return values as text: 3.0 as '3', True as 'true', a category as its name."""
    values = _plain(values)
    if pa.types.is_floating(values.type):
        values = pc.if_else(pc.is_nan(values), None, values)
        with suppress(pa.ArrowInvalid):  # a fraction stays as it is
            values = values.cast(pa.int64())
    return _cast_to_text(values)


def _cast_to_text(values: Any) -> Any:
    """Return an Arrow array, chunked or not, as one of texts."""
    try:
        return values.cast(pa.large_string())
    except pa.ArrowException as error:
        raise OneLayerError(f"a column of type {values.type} cannot be made one-hot") from error


def distinct_strings(values: pa.ChunkedArray, name: str) -> tuple[str, ...]:
    """Return the different values as text, in order: numbers by size, text by code point."""
    distinct = _texts(values).unique().drop_null().to_pylist()
    if not distinct:
        raise OneLayerError(f"column {name!r} is empty in every row; leave it out with --features")
    kind = values.type
    by_size = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
    return tuple(sorted(distinct, key=float) if by_size else sorted(distinct))


def _codes(values: pa.ChunkedArray, name: str, categories: tuple[str, ...]) -> NDArray[np.int64]:
    """Return the number of each value's category (n,), −1 where missing."""
    texts = _texts(values)
    found = pc.index_in(texts, value_set=strings(categories))
    codes: NDArray[np.int64] = numbers_of(found, np.int32, -1).astype(np.int64)
    unknown = (codes < 0) & mask_of(texts.is_valid())
    if unknown.any():
        row = int(unknown.argmax())
        shown = quoted(categories[:10]) + (", …" if len(categories) > 10 else "")
        raise OneLayerError(
            f"column {name!r}, row {row + 1}: {texts[row].as_py()!r} is not one of the known values ({shown})"
        )
    return codes


def _refuse_missing(table: pa.Table, columns: list[str], name: str) -> None:
    gaps = [c for c in columns if _missing_mask(table[c]).any()]
    if gaps:
        rest = ", ".join(f"{c!r} has {_n_missing(table[c])}" for c in gaps[1:6])
        row = int(_missing_mask(table[gaps[0]]).argmax()) + 1
        raise OneLayerError(
            f"{name}: column {gaps[0]!r} has {_n_missing(table[gaps[0]])}, the first in row {row}"
            f"{'; ' + rest if rest else ''}{', …' if len(gaps) > 6 else ''}; train with --missing mean "
            "or --missing drop, or mend the table"
        )


def _missing_mask(values: pa.ChunkedArray) -> NDArray[np.bool_]:
    """Return where a value is null or NaN (n,)."""
    return mask_of(values.is_null(nan_is_null=True))


def _n_missing(values: pa.ChunkedArray) -> str:
    count = int(_missing_mask(values).sum())
    return f"{count:,} missing value{'s' if count > 1 else ''}"
