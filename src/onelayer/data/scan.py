"""A scan of Parquet files: rows that are read again for each sum over them, and never held in memory as a whole.

A unit is a file and some of its row groups, of about the same size whatever the files' own division. Units are the
shares of such rows: they depend on the files alone, and are added in their order, so sums have the same bits again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from onelayer.data.arrow import numbers_of
from onelayer.data.encoding import MAX_CATEGORIES, Column, Encoding, Target, distinct_strings
from onelayer.data.rows import Block, Task, Terms, block_rows
from onelayer.data.tables import quoted
from onelayer.engines.threads import added, sum_of
from onelayer.errors import OneLayerError, first_line

Array = NDArray[Any]

UNIT_VALUES = 2**24  # values of a unit: 128 MB as float64, of which a batch at a time is in memory
LEVEL_ROWS = 2**16  # that are searched at once for categories


@dataclass(frozen=True)
class Unit:
    """Some row groups of a file that are read one after another.

    Attributes:
        path: the file.
        groups: the numbers of the row groups.
        start: the number of the first row, counted over all files.
    """

    path: Path
    groups: tuple[int, ...]
    start: int


@dataclass(frozen=True)
class Scan:
    """Rows of Parquet files, in the place of ``Rows`` where solvers ask for sums over them.

    Attributes:
        units: the shares.
        encoding: how columns become features.
        target: the column to predict.
        weight: the column of the rows' weights, or None for 1.
        n: the number of rows.
    """

    units: tuple[Unit, ...]
    encoding: Encoding
    target: Target
    weight: str | None
    n: int

    @property
    def in_memory(self) -> bool:
        """They are not."""
        return False

    @property
    def is_sparse(self) -> bool:
        """They are not."""
        return False

    def __len__(self) -> int:
        return self.n

    @property
    def n_features(self) -> int:
        """The number of features d."""
        return len(self.encoding.features)

    @property
    def task(self) -> Task:
        """What the target is."""
        return "classes" if self.target.classes else "regression"

    def weights_near_one(self) -> "tuple[Scan, int]":
        """Return the rows as they are: see ``Source``."""
        return self, 0

    def first(self) -> Block:
        """See ``Source``."""
        return next(self._blocks(self.units[0]))

    def gathered(self) -> Block:
        """See ``Source``."""
        blocks = [block for unit in self.units for block in self._blocks(unit)]
        c = None if self.weight is None else np.concatenate([block.c for block in blocks])
        return Block(np.concatenate([b.X for b in blocks]), np.concatenate([b.y for b in blocks]), c)

    def sum(self, terms: Terms) -> list[Any]:
        """See ``Source``."""
        return sum_of(lambda unit: added(map(terms, self._blocks(unit))), self.units)

    def _blocks(self, unit: Unit) -> Iterator[Block]:
        start = unit.start
        columns = [column.name for column in self.encoding.columns]
        named = [*columns, self.target.name, *([self.weight] if self.weight else [])]
        for batch in _batches(unit.path, unit.groups, named, block_rows(self.n_features)):
            table = pa.Table.from_batches([batch])
            name = f"{unit.path}, after row {start:,}"
            X = self.encoding.encode(table, name)
            y, known = self.target.encode(table, name)
            if not known.all():
                raise OneLayerError(f"{name}: the target {self.target.name!r} has a missing value")
            yield Block(X, np.asarray(y), self._weights(table, name), 1.0, start)
            start += len(X)

    def _weights(self, table: pa.Table, name: str) -> Array | None:
        if self.weight is None:
            return None
        c = numbers_of(table[self.weight].cast(pa.float64()), np.float64, np.nan)
        if not (np.isfinite(c).all() and (c >= 0).all()):
            raise OneLayerError(
                f"{name}: the weight {self.weight!r} has a value that is missing, infinite or negative"
            )
        return c


def scan(
    paths: Sequence[Path],
    target: str,
    features: Sequence[str] | None = None,
    weight: str | None = None,
    as_classes: bool = False,
) -> Scan:
    """Return the rows of Parquet files of one schema, for solvers that sum over them.

    Numbers and booleans are features as they are; columns of strings become one feature for each category, which one
    pass over the files finds.

    Args:
        paths: the files, in order.
        target: the column to predict: classes if it holds strings or booleans.
        features: the columns to predict from; all others if not given.
        weight: the column of the rows' weights.
        as_classes: whether a target of numbers is one of classes.

    Raises:
        OneLayerError: if there are no rows, a column is absent or of another type than numbers, booleans and strings.
    """
    schema = _schema(paths)
    chosen = [c for c in schema.names if c not in (target, weight)] if features is None else list(features)
    for column in (*chosen, target, *([weight] if weight else [])):
        if column not in schema.names:
            raise OneLayerError(f"{paths[0]}: has no column {column!r}; it has {quoted(schema.names)}")
    units, n = _units(paths, len(chosen) + 1)
    if not n:
        raise OneLayerError(f"{paths[0]}: has no rows")
    goal = schema.field(target)
    is_class = not _is_number(goal) or as_classes or pa.types.is_boolean(goal.type)
    levels = [c for c in chosen if not _is_number(schema.field(c))] + ([target] if is_class else [])
    found = _levels(units, levels)
    columns = tuple(Column(c, found[c] if c in levels else None) for c in chosen)
    classes = found[target] if is_class else ()
    if is_class and len(classes) < 2:
        raise OneLayerError(f"{paths[0]}: target {target!r} has just one class: nothing to learn")
    return Scan(units, Encoding(columns), Target(target, classes), weight, n)


def _schema(paths: Sequence[Path]) -> pa.Schema:
    if not paths:
        raise OneLayerError("there are no files to read")
    schemas = [_opened(path).schema_arrow for path in paths]
    for path, schema in zip(paths, schemas, strict=True):
        if not schema.equals(schemas[0]):
            raise OneLayerError(f"{path}: has other columns, or columns of other types, than {paths[0]}")
    return schemas[0]


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, pre_buffer=False)
    except (OSError, pa.ArrowException) as error:
        raise OneLayerError(f"{path}: cannot be read as Parquet ({first_line(error)})") from error


def _batches(path: Path, groups: Sequence[int], columns: list[str], size: int) -> Iterator[pa.RecordBatch]:
    with _opened(path) as file:
        try:
            yield from file.iter_batches(size, groups, columns, use_threads=False)
        except (OSError, pa.ArrowException) as error:
            raise OneLayerError(f"{path}: damaged ({first_line(error)})") from error


def _units(paths: Sequence[Path], columns: int) -> tuple[tuple[Unit, ...], int]:
    """Return the units of the files, and the number of rows."""
    units, start = [], 0
    for path in paths:
        with _opened(path) as file:
            sizes = [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]
        groups: list[int] = []
        rows = 0
        for i, size in enumerate(sizes):
            groups.append(i)
            rows += size
            if rows * columns >= UNIT_VALUES or i == len(sizes) - 1:
                if rows:
                    units.append(Unit(path, tuple(groups), start))
                start, groups, rows = start + rows, [], 0
    return tuple(units), start


def _is_number(field: pa.Field) -> bool:
    """Tell numbers and booleans from strings, and refuse anything else."""
    types, kind = pa.types, field.type
    if types.is_integer(kind) or types.is_floating(kind) or types.is_decimal(kind) or types.is_boolean(kind):
        return True
    if types.is_string(kind) or types.is_large_string(kind) or types.is_dictionary(kind):
        return False
    raise OneLayerError(
        f"column {field.name!r} is of type {kind}, neither a number nor a string: convert it, or leave it out"
    )


def _levels(units: Sequence[Unit], columns: list[str]) -> dict[str, tuple[str, ...]]:
    """Return the different values of each column as strings, in order: numbers by size, strings by code point."""
    found: dict[str, list[pa.Array]] = {column: [] for column in columns}
    for unit in units if columns else ():
        for batch in _batches(unit.path, unit.groups, columns, LEVEL_ROWS):
            for column, seen in found.items():
                values = batch[column]
                values = values.dictionary_decode() if pa.types.is_dictionary(values.type) else values
                found[column] = [pc.unique(pa.concat_arrays([*seen, values]))]
                if len(found[column][0]) > MAX_CATEGORIES:
                    raise OneLayerError(
                        f"{unit.path}: column {column!r} has more than {MAX_CATEGORIES:,} different values, too many "
                        "for a feature or a class each"
                    )
    return {column: distinct_strings(pa.chunked_array(seen), column) for column, seen in found.items()}
