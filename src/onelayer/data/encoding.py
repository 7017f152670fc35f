"""Encoding: how the columns of a table become features, in training and whenever rows are predicted later.

A number or a truth value is one feature. A category is one feature for each level but one, the reference, called
``column=level``: what they add is relative to it. A date is a feature for each part of it that was asked for.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from onelayer.data.arrow import stored_floats
from onelayer.data.arrow_types import is_string
from onelayer.data.cells import Unknown, Values, codes_in, dates_in, numbers_in, truths_in
from onelayer.data.columns import Profile
from onelayer.data.dataset import Missing
from onelayer.data.design import Design, Levels
from onelayer.data.formula import LARGEST, Formula

ColumnKind = Literal["number", "boolean", "category", "date"]
DatePart = Literal["days", "year", "month", "day", "weekday", "hour"]

MANY_FEATURES = 64  # of categories, from which on rows are kept sparse
DATE_PARTS: dict[str, Callable[[Values], Values]] = {  # of days since 1970
    "days": lambda days: days,
    "year": lambda days: _calendar(days, "Y") + 1970,
    "month": lambda days: _calendar(days, "M") % 12 + 1,
    "day": lambda days: np.floor(days) - _month_starts(days) + 1,
    "weekday": lambda days: (np.floor(days) + 3) % 7,
    "hour": lambda days: np.floor((days - np.floor(days)) * 24 + 1e-9),
}


def _calendar(days: Values, unit: str) -> Values:
    whole = np.where(np.isnan(days), 0, np.floor(days)).astype("datetime64[D]").astype(f"datetime64[{unit}]")
    return np.where(np.isnan(days), np.nan, whole.astype(np.int64).astype(np.float64))


def _month_starts(days: Values) -> Values:
    months = np.where(np.isnan(days), 0, _calendar(days, "M")).astype(np.int64).astype("datetime64[M]")
    return months.astype("datetime64[D]").astype(np.int64).astype(np.float64)


@dataclass(frozen=True)
class Column:
    """A column that becomes features.

    Attributes:
        name: the column.
        kind: how it does.
        levels: of a category, in order; else none.
        reference: the level that has no feature; None if each has one.
        parts: of a date.
        decimal, thousands: how numbers were spelled in training, for new rows that leave it open.
    """

    name: str
    kind: ColumnKind = "number"
    levels: tuple[str, ...] = ()
    reference: str | None = None
    parts: tuple[str, ...] = ()
    decimal: str = "."
    thousands: str = ""

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features that the column becomes."""
        if self.kind == "category":
            return tuple(f"{self.name}={level}" for level in self.levels if level != self.reference)
        return tuple(f"{self.name}.{part}" for part in self.parts) if self.kind == "date" else (self.name,)

    def numbers(self, values: Any, profile: Profile, start: int) -> Values:
        """Return a column that is not a category as features (n, features), NaN where a value is missing.

        Args:
            values: an Arrow array.
            profile: of the column in the table that it is from.
            start: how many rows of the table are before these, for errors.

        Raises:
            OneLayerError: for a value that is not what the column holds; it says where.
        """
        if self.kind == "date":
            days = dates_in(values, profile, start)
            return np.stack([DATE_PARTS[part](days) for part in self.parts], axis=1)
        if self.kind == "boolean" and is_string(values.type):
            return truths_in(values, self.name, start)[:, None]
        return numbers_in(values, profile, start)[:, None]


@dataclass(frozen=True)
class Encoding:
    """How the columns of a table become features.

    Attributes:
        columns: what becomes of each.
        missing: what to do with a row that lacks a value.
        formula: what becomes of them together; None if each is for itself.
    """

    columns: tuple[Column, ...]
    missing: Missing = "error"
    formula: Formula | None = None

    @property
    def fit_intercept(self) -> bool:
        """Whether the bias is free."""
        return self.formula is None or self.formula.intercept

    @cached_property
    def design(self) -> Design | None:
        """The features that the formula makes of the columns.

        Raises:
            OneLayerError: if it cannot.
        """
        if self.formula is None:
            return None
        categories = (column for column in self.columns if column.kind == "category")
        levels = {c.name: Levels(c.levels, c.levels.index(c.reference or c.levels[0])) for c in categories}
        return Design(self.formula, levels)

    @property
    def features(self) -> tuple[str, ...]:
        """The names of all features, in order."""
        if self.design is not None:
            return self.design.features
        return tuple(feature for column in self.columns for feature in column.features)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        return tuple(column.name for column in self.columns)

    @property
    def categories(self) -> tuple[str, ...]:
        """The names of the columns that are categories."""
        return tuple(column.name for column in self.columns if column.kind == "category")

    @property
    def is_sparse(self) -> bool:
        """Whether most features of a row are 0, as those of many categories are, so that rows are kept in CSR."""
        return (
            self.missing != "mean"
            and sum(len(column.features) for column in self.columns if column.kind == "category")
            >= MANY_FEATURES
        )

    def encode(
        self,
        batch: pa.RecordBatch,
        profiles: Mapping[str, Profile],
        start: int = 0,
        unknown: Unknown = "error",
    ) -> tuple[Any, NDArray[np.bool_]]:
        """Return the features (n, d) of some rows, dense or in CSR, and which rows have a level that is unknown (n,).

        A missing value is NaN in all features of its column; so is an unknown level, if it is to be ignored.

        Args:
            batch: rows with all columns of the encoding, in its order.
            profiles: of the columns in the table that the rows are from.
            start: how many rows of the table are before these.
            unknown: what to do with a level that training did not have.

        Raises:
            OneLayerError: if a column holds something else than it did in training.
        """
        if self.design is None and all(column.kind == "number" for column in self.columns):
            return self._all_numbers(batch, profiles, start), np.zeros(len(batch), bool)
        parts: list[Any] = []
        strange = np.zeros(len(batch), bool)
        for column, values in zip(self.columns, batch.columns, strict=True):
            if column.kind != "category":
                parts.append(column.numbers(values, profiles[column.name], start))
                continue
            codes, is_strange = codes_in(values, column.name, column.levels, start, unknown)
            strange |= is_strange
            reference = None if self.design else column.reference
            parts.append(one_hot(codes, replace(column, reference=reference), self.is_sparse))
        if self.design is not None:
            kinds = (column.kind == "category" for column in self.columns)
            blocks = [
                part if is_category else part[:, 0] for part, is_category in zip(parts, kinds, strict=True)
            ]
            place = f"the formula, after row {start:,}" if start else "the formula"
            return self.design.matrix(dict(zip(self.names, blocks, strict=True)), place), strange
        if self.is_sparse:
            return sparse.csr_array(sparse.hstack(parts, format="csr")), strange
        return np.concatenate(parts, axis=1) if parts else np.empty((len(batch), 0)), strange

    def _all_numbers(self, batch: pa.RecordBatch, profiles: Mapping[str, Profile], start: int) -> Values:
        """Return the features (n, d) where all columns are numbers; those stored as float64 are copied just once."""
        X = np.empty((len(batch), len(self.columns)))
        for j, (column, values) in enumerate(zip(self.columns, batch.columns, strict=True)):
            stored = stored_floats(values)
            X[:, j] = column.numbers(values, profiles[column.name], start)[:, 0] if stored is None else stored
        if X.size and not (X.min() >= -LARGEST and X.max() <= LARGEST):  # also where a value is missing
            for column, values in zip(self.columns, batch.columns, strict=True):
                column.numbers(values, profiles[column.name], start)
        return X

    def to_json(self) -> dict[str, Any]:
        """Return the encoding as JSON values, for a model file."""
        columns = [asdict(column) for column in self.columns]
        formula = None if self.formula is None else self.formula.to_json()
        return {"missing": self.missing, "columns": columns, "formula": formula}

    @staticmethod
    def from_json(values: dict[str, Any]) -> "Encoding":
        """Return what ``to_json`` wrote."""
        formula = values.get("formula")
        found = None if formula is None else Formula.from_json(formula)
        return Encoding(tuple(_column(c) for c in values["columns"]), values["missing"], found)


def _column(values: dict[str, Any]) -> Column:
    if "categories" in values:  # an earlier version: each level has a feature
        levels = values["categories"]
        return Column(values["name"]) if levels is None else Column(values["name"], "category", tuple(levels))
    return Column(**{**values, "levels": tuple(values["levels"]), "parts": tuple(values["parts"])})


@dataclass(frozen=True)
class Target:
    """The column to predict: a number if ``classes`` is empty, else one of the classes."""

    name: str
    classes: tuple[str, ...] = ()

    def encode(self, values: Any, profile: Profile, start: int = 0) -> NDArray[Any]:
        """Return the target of some rows: class numbers (n,), −1 where missing, or numbers (n, 1), NaN where missing.

        Args:
            values: an Arrow array.
            profile: of the column in the table that the rows are from.
            start: how many rows of the table are before these.

        Raises:
            OneLayerError: if a value is not a number, infinite, or an unknown class.
        """
        if self.classes:
            return codes_in(values, self.name, self.classes, start)[0]
        return numbers_in(values, profile, start)[:, None]


def one_hot(codes: NDArray[np.int64], column: Column, is_sparse: bool) -> Any:
    """Return the features (n, features) of a category from the numbers of its levels (n,); NaN where −1."""
    kept = [i for i, level in enumerate(column.levels) if level != column.reference]
    places = np.full(len(column.levels), -1)
    places[kept] = np.arange(len(kept))
    n = len(codes)
    if not is_sparse:
        X = np.zeros((n, len(kept)))
        place = places[codes]
        rows = np.flatnonzero((codes >= 0) & (place >= 0))
        X[rows, place[rows]] = 1
        X[codes < 0] = np.nan
        return X
    place = np.where(codes < 0, 0, places[codes])  # NaN in one feature is enough for a row to be incomplete
    rows = np.flatnonzero(place >= 0)
    data = np.where(codes[rows] < 0, np.nan, 1.0)
    return sparse.csr_array((data, (rows, place[rows])), shape=(n, len(kept)))
