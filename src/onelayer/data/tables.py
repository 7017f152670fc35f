"""Tables from wherever they come: text files, Parquet, JSON lines, Excel, databases, queries, and frames from Python.

A table is read as often as it is needed, batch by batch. Rows are counted from 1 below the line with the names.
"""

import difflib
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, reduce
from operator import or_
from pathlib import Path
from typing import Any

import pyarrow as pa

from onelayer.data.arrow import strings
from onelayer.data.arrow_types import common_type, missing_where
from onelayer.data.columns import Profile, Range
from onelayer.data.delimited import Delimited
from onelayer.data.frames import from_python
from onelayer.data.places import files_of, is_address, partition_of
from onelayer.data.profiling import settled, show_all
from onelayer.data.reading import AS_FOUND, Reading
from onelayer.data.spelling import Spelling
from onelayer.data.spool import NumbersKept
from onelayer.data.string_columns import profiler_of
from onelayer.errors import OneLayerError

Batches = Iterator[pa.RecordBatch]
Ranges = Callable[[], Mapping[str, Range]]
HELD = 1 << 26  # bytes of a text file up to which it is kept in memory once it was read
DATABASES = (".sqlite", ".sqlite3", ".db", ".duckdb")
SHOWN = 8  # names in a message
UNNAMED = ("", "Unnamed: 0")  # what pandas writes for a column that has no name


@dataclass(frozen=True, eq=False)
class Table:
    """Rows of named columns that can be read again and again.

    Attributes:
        name: what errors call it.
        columns: their names, all different.
        types: of the columns, in Arrow; cells of a text file are strings.
        notes: what was found out about how it is written, a line each.
        unnamed: columns that have no name of their own there.
        index: columns that are an index which pandas stored.
        likely_decimal: the decimal mark that goes with how cells are separated.
        is_slow: whether to read it takes long, as of much text.
        reading: what the user said.
        read: yields batches with the columns of the given numbers; of the second ones, cells are known to be plain
            numbers, and may come as float64.
        ranges: returns those of columns that the files' own statistics tell.
    """

    name: str
    columns: tuple[str, ...]
    types: tuple[pa.DataType, ...]
    notes: tuple[str, ...]
    unnamed: frozenset[str]
    index: frozenset[str]
    likely_decimal: str
    is_slow: bool
    reading: Reading
    read: Callable[[Sequence[int], Collection[int]], Batches]
    ranges: Ranges = dict

    @cached_property
    def places(self) -> dict[str, int]:
        """The number of each column by its name."""
        return {name: i for i, name in enumerate(self.columns)}

    def batches(self, columns: Iterable[str], plain: Iterable[str] = (), as_stored: bool = False) -> Batches:
        """Yield all rows, with the given columns; the cells of some are known to be plain numbers.

        What the user says is a missing value is null, unless values are wanted as they are stored.

        Raises:
            OneLayerError: if there is no such column, or a row is broken.
        """
        names = list(columns)
        numbers = {self.place(name) for name in plain} if as_stored or not self.reading.na else set()
        for batch in self.read([self.place(name) for name in names], numbers):
            found = pa.RecordBatch.from_arrays(batch.columns, names)
            yield found if as_stored else self.with_missing(found)

    def with_missing(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Return rows as they are stored with nulls in the place of what the user says is a missing value."""
        if not self.reading.na:
            return batch
        columns = [missing_where(values, self.reading.na) for values in batch.columns]
        return pa.RecordBatch.from_arrays(columns, batch.schema.names)

    def place(self, column: str, what: str = "column") -> int:
        """Return the number of a column.

        Raises:
            OneLayerError: if there is none of this name; it shows those with the most similar names.
        """
        found = self.places.get(column)
        if found is None:
            raise OneLayerError(f"{self.name}: has no {what} {column!r}; {self._nearest(column)}")
        return found

    def _nearest(self, column: str) -> str:
        if len(self.columns) <= SHOWN:
            return f"it has {quoted(self.columns)}"
        near = difflib.get_close_matches(column, self.columns[:10_000], 3, 0.5)
        shown = f"did you mean {quoted(near)}?" if near else f"it begins with {quoted(self.columns[:SHOWN])}"
        return f"of its {len(self.columns):,} columns, {shown}" if not near else shown

    def profiles(
        self,
        columns: Sequence[str],
        categorical: Iterable[str] = (),
        expected: Mapping[str, Spelling] | None = None,
        kept: NumbersKept | None = None,
        trusts_statistics: bool = False,
    ) -> dict[str, Profile]:
        """Return what each column is, after one look at all rows; how numbers are spelled is the table's business.

        Where a column leaves that open, it is what ``expected`` says for it, if anything. What ``kept`` takes in, is
        all columns that are strings and numbers. Columns that the files' own statistics tell need no look, if those
        who read them do not mind to come upon NaN.

        Raises:
            OneLayerError: if there are no rows, or one is broken.
        """
        chosen, told = set(categorical), dict[str, Profile]()
        if trusts_statistics and not self.reading.na:
            for name, its in self.ranges().items():
                if name in columns and name not in chosen:
                    profile = its.profile(name, self.types[self.place(name)])
                    told |= {} if profile is None else {name: profile}
        if told and len(told) == len(set(columns)):
            return {name: told[name] for name in columns}
        return {**self._seen([c for c in columns if c not in told], chosen, expected or {}, kept), **told}

    def _seen(
        self,
        columns: Sequence[str],
        chosen: Collection[str],
        expected: Mapping[str, Spelling],
        kept: NumbersKept | None,
    ) -> dict[str, Profile]:
        """Return what each column is, after one look at all rows."""
        profilers = {c: profiler_of(c, self.types[self.place(c)], c in chosen) for c in columns}
        n = show_all(self.batches(columns), profilers, kept)
        if not n:
            raise OneLayerError(f"{self.name}: has no rows")
        found = {name: profiler.profile() for name, profiler in profilers.items()}
        return settled(found, self.reading, self.likely_decimal, expected)


# Where tables come from


@dataclass(frozen=True)
class Found:
    """A table as a file, a database or a frame has it: names may be missing or repeated.

    Attributes:
        name: for errors.
        names: of the columns.
        types: of the columns.
        read: as in ``Table``.
        notes: for the user.
        index: the names of columns that are a stored index.
        likely_decimal: as in ``Table``.
        is_slow: likewise.
        is_parquet: whether it is a Parquet file.
        groups: of such a file, how many rows each row group has.
        ranges: returns those of columns that the file's own statistics tell.
        constants: the last columns, which are the same in all rows.
    """

    name: str
    names: Sequence[str]
    types: Sequence[pa.DataType]
    read: Callable[[Sequence[int], Collection[int]], Batches]
    notes: Sequence[str] = ()
    index: Sequence[str] = ()
    likely_decimal: str = "."
    is_slow: bool = False
    is_parquet: bool = False
    groups: Sequence[int] = ()
    ranges: Ranges = dict
    constants: Mapping[str, str | None] = field(default_factory=dict)


def open_table(source: Any, reading: Reading = AS_FOUND) -> Table:
    """Return the table that a path names, or a pandas, polars or Arrow table, ready to be read.

    Args:
        source: the path of a file, of a folder of files of one kind, or a pattern such as ``data/*.csv``; or a frame.
        reading: how to read it, where it does not say so itself.

    Raises:
        OneLayerError: if there is none, it cannot be read, or a column's name is there more than once.
    """
    if reading.sql is not None:
        from onelayer.data.databases import query

        return _checked(query(reading.sql), reading)
    if not isinstance(source, (str, Path)):
        return _checked(arrow_table("the table", from_python(source)), reading)
    return one_table(open_files(files_of(str(source)), reading), reading, str(source))


def open_files(places: Sequence[str], reading: Reading = AS_FOUND) -> list[Found]:
    """Return the tables in files; of several, also what their folders say of all their rows, as ``year=2026``.

    Raises:
        OneLayerError: if one cannot be read.
    """
    files = [_from_file(place, reading) for place in places]
    return [_with_constants(found, partition_of(found.name)) for found in files] if len(files) > 1 else files


def one_table(files: Sequence[Found], reading: Reading = AS_FOUND, name: str | None = None) -> Table:
    """Return the rows of files with the same columns, one file after another, as a table.

    Raises:
        OneLayerError: if the columns differ, or one is there more than once.
    """
    parts = [_checked(found, reading) for found in files]
    return parts[0] if len(parts) == 1 else _joined(name or parts[0].name, parts)


def arrow_table(name: str, table: pa.Table, notes: Sequence[str] = (), index: Sequence[str] = ()) -> Found:
    """Return an Arrow table in memory as one that is found."""

    def read(places: Sequence[int], _: Collection[int] = ()) -> Batches:
        return iter(table.select(list(places)).to_batches())

    return Found(name, table.column_names, table.schema.types, read, notes, index)


def _checked(found: Found, reading: Reading) -> Table:
    """Return a table whose columns have names that differ; those of none are numbered."""
    given = [name.strip() for name in found.names]
    counts = Counter(name for name in given if name)
    repeated = [name for name, count in counts.items() if count > 1]
    if repeated:
        raise OneLayerError(f"{found.name}: the column name {quoted(repeated)} stands more than once")
    names = [name or _new_name(i, counts) for i, name in enumerate(given)]
    unnamed = frozenset(name for name, old in zip(names, given, strict=True) if old in UNNAMED)
    index = frozenset(found.index)
    return Table(
        found.name,
        tuple(names),
        tuple(found.types),
        tuple(found.notes),
        unnamed,
        index,
        found.likely_decimal,
        found.is_slow,
        reading,
        found.read,
        lambda: {name.strip(): its for name, its in found.ranges().items()},
    )


def _new_name(place: int, taken: Counter[str]) -> str:
    name = f"column{place + 1}"
    while name in taken:
        name += "_"
    return name


def _joined(name: str, parts: Sequence[Table]) -> Table:
    """Return the rows of several tables with the same columns, one after another."""
    first = parts[0]
    types = list(first.types)
    for part in parts[1:]:
        if set(part.columns) != set(first.columns):
            differ = sorted(set(part.columns) ^ set(first.columns))
            raise OneLayerError(
                f"{part.name}: has other columns than {first.name}: they differ in {quoted(differ)}"
            )
        for i, column in enumerate(first.columns):
            kind = part.types[part.place(column)]
            common = common_type(types[i], kind)
            if common is None:
                raise OneLayerError(
                    f"{part.name}: column {column!r} is of type {kind}, in the files before it of type {types[i]}"
                )
            types[i] = common

    def read(places: Sequence[int], plain: Collection[int]) -> Batches:
        for part in parts:
            names, numbers = [first.columns[i] for i in places], [first.columns[i] for i in plain]
            for batch in part.batches(names, numbers, as_stored=True):
                columns = [
                    column if i in plain else column.cast(types[i])
                    for i, column in zip(places, batch.columns, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(columns, names)

    notes = (*first.notes, f"{len(parts)} files")
    is_slow = any(part.is_slow for part in parts)

    def ranges() -> dict[str, Range]:
        told = [part.ranges() for part in parts]
        common = set.intersection(*map(set, told))
        return {column: reduce(or_, (its[column] for its in told)) for column in common}

    return replace(
        first, name=name, types=tuple(types), notes=notes, is_slow=is_slow, read=read, ranges=ranges
    )


def _with_constants(found: Found, constants: Mapping[str, str | None]) -> Found:
    """Return a table with columns of strings that are the same in all rows, unless it has them itself."""
    new = {name: value for name, value in constants.items() if name not in found.names}
    if not new:
        return found
    n_own, names = len(found.names), [*found.names, *new]

    def read(places: Sequence[int], plain: Collection[int]) -> Batches:
        own, wanted = [place for place in places if place < n_own] or [0], [names[place] for place in places]
        for batch in found.read(own, plain):
            named_ones = pa.RecordBatch.from_arrays(batch.columns, [names[place] for place in own])
            yield with_columns(named_ones, wanted, new)

    types = [*found.types, *[pa.large_string()] * len(new)]
    return replace(found, names=names, types=types, read=read, constants=new)


def with_columns(
    batch: pa.RecordBatch, names: Sequence[str], constants: Mapping[str, str | None]
) -> pa.RecordBatch:
    """Return the columns of these names in order: of rows, or of strings that are the same in all of them."""
    if not constants:
        return batch
    columns = [
        pa.repeat(strings([constants[name]])[0], len(batch)) if name in constants else batch.column(name)
        for name in names
    ]
    return pa.RecordBatch.from_arrays(columns, list(names))


def _from_file(place: str, reading: Reading) -> Found:
    """Return the table in a file, whose kind its first bytes tell, or else its name."""
    if is_address(place):
        from onelayer.data.parquet import parquet_file

        return parquet_file(place)
    path = Path(place)
    try:
        with path.open("rb") as file:
            start = file.read(16)
    except OSError as error:
        raise OneLayerError(f"{path}: cannot be read ({error.strerror})") from error
    name = path.name.lower()
    if start.startswith(b"PAR1") or name.endswith(".parquet"):
        from onelayer.data.parquet import parquet_file

        return parquet_file(place)
    if start.startswith(b"PK") or name.endswith(".xlsx"):
        from onelayer.data.excel import workbook

        return workbook(path, reading.sheet)
    if start.startswith(b"SQLite format 3") or start[8:12] == b"DUCK" or name.endswith(DATABASES):
        from onelayer.data.databases import database

        return database(path, reading.table)
    if name.removesuffix(".gz").removesuffix(".zst").endswith((".jsonl", ".ndjson")):
        from onelayer.data.databases import json_lines

        return json_lines(path)
    return _delimited(path, reading)


def _delimited(path: Path, reading: Reading) -> Found:
    """Return a text file; a small one stays in memory once it was read, for it is read at least twice."""
    file = Delimited(path, reading)
    names = file.dialect.names
    kept: list[pa.RecordBatch] = []
    is_large = path.stat().st_size > HELD

    def read(places: Sequence[int], plain: Collection[int]) -> Batches:
        if not kept and not is_large:
            kept.extend(file.batches(range(len(names))))
        if kept:
            return (batch.select(list(places)) for batch in kept)
        return file.batches(places, plain)

    likely = "," if file.dialect.separator == ";" else "."
    return Found(str(path), names, [pa.large_string()] * len(names), read, file.notes, (), likely, is_large)


def quoted(names: Sequence[str]) -> str:
    """Return names as they are shown in an error, the first few of many."""
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(repr(str(name)[:60]) for name in names[:SHOWN]) + more
