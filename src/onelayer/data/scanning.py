"""From what the user names to a scan: Parquet as it is, and anything else once it is kept, as numbers or as Parquet."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from onelayer.data.dataset import Missing
from onelayer.data.decisions import Choices, Decisions, decide
from onelayer.data.from_table import as_read, needed
from onelayer.data.parquet import parquet_file
from onelayer.data.places import files_of
from onelayer.data.reading import AS_FOUND, Reading
from onelayer.data.scaling import RunningMoments
from onelayer.data.scan import Recipe, Scan
from onelayer.data.sources import BUNDLED_TABLES, open_table
from onelayer.data.spelling import POINT, as_floats
from onelayer.data.spool import TemporaryFolder
from onelayer.data.tables import Found, Table, one_table, open_files
from onelayer.data.units import LEAST_UNIT, planned
from onelayer.engines.memory import PAGES, bytes_in, shares_of
from onelayer.engines.threads import Threads
from onelayer.errors import OneLayerError


def scan(
    source: Any,
    target: str | None = None,
    features: Sequence[str] | None = None,
    missing: Missing = "error",
    as_classes: bool = False,
    categorical: Collection[str] = (),
    *,
    exclude: Collection[str] = (),
    references: Mapping[str, str] | None = None,
    date_parts: Sequence[str] = (),
    weight: str | None = None,
    offset: str | None = None,
    formula: str | None = None,
    reading: Reading = AS_FOUND,
    memory: str | int | None = None,
) -> Scan:
    """Return the rows of files of any size, which estimators take in the place of X and y.

    Parquet is read again in each pass; what fits into memory stays there. Text, databases and queries are read once and
    kept in a temporary folder. Columns are what they are to ``onelayer.open_data``.

    Args:
        source: a Parquet file, a folder of them, perhaps in partitions such as ``year=2026``, a pattern, an address
            such as ``s3://bucket/sales``, or a list of these; or any table that ``open_data`` reads.
        target: the column to predict: classes if it holds strings or booleans.
        features: the columns to predict from; all others if not given.
        missing: what to do with missing values: ``"error"``, fill with the ``"mean"``, or ``"drop"`` the row.
        as_classes: whether a target of numbers is one of classes.
        categorical: columns that are categories although they look like numbers or text.
        exclude: columns that are not features.
        references: by column, the level of a category that the others are relative to; the first one if not given.
        date_parts: what of dates counts: some of days, year, month, day, weekday, hour.
        weight: the column of the rows' weights.
        offset: the column of what is known beforehand of the outputs.
        formula: such as ``price ~ area * city + log(age)``, in the place of target and features.
        reading: how to read text, where it does not say so itself.
        memory: how much the process may take, such as ``"2GB"``; if not given, half of what is free for rows.

    Raises:
        OneLayerError: if there are no rows, or a column is absent or cannot be used; as ``open_data``.

    Example:
        >>> from onelayer import LinearRegression, scan
        >>> rows = scan("houses", memory="1GB")
        >>> LinearRegression().fit(rows).coef_.round(2)
        array([   95.92, -1085.82])
    """
    if target is None and formula is None and isinstance(source, str):
        target = BUNDLED_TABLES.get(source)
    choices = Choices(
        target,
        features,
        exclude,
        missing,
        as_classes,
        categorical,
        references or {},
        date_parts,
        weight,
        offset,
        formula=formula,
    )
    return scan_of(found(source, reading), choices, None if memory is None else bytes_in(memory))


@dataclass(frozen=True)
class Source:
    """What a source is.

    Attributes:
        files: the Parquet files, none if it is something else, or some of their values mean that one is missing.
        table: all of it.
    """

    files: list[Found]
    table: Table


def scan_of(source: Source, choices: Choices, memory: int | None = None) -> Scan:
    """Return the rows of files as ``scan`` does.

    Raises:
        OneLayerError: as ``scan``, and if rows are grouped.
    """
    if choices.groups:
        raise OneLayerError("rows of groups have to fit in memory: leave groups out, or the scan")
    made = decide(source.table, choices, trusts_statistics=bool(source.files))
    rows = scan_as(source, made, memory)
    if choices.missing == "mean":
        rows = replace(rows, recipe=replace(rows.recipe, fill=RunningMoments.of_rows(rows).mean))
    return _complete(rows) if choices.missing == "drop" else rows


def scan_as(source: Source, made: Decisions, memory: int | None = None) -> Scan:
    """Return the rows of files whose columns are what was decided.

    Raises:
        OneLayerError: if there are no rows, or they cannot be read.
    """
    files, table, columns = source.files, source.table, len(needed(made))
    kept, folder = None, None
    if not files:
        kept = as_read(made)
        if kept is None:
            folder = TemporaryFolder()
            files = [_written(table, made, folder.path / "rows.parquet")]
        else:
            files = [_in_groups(table, len(kept), _group_rows(columns))]
    units = planned(files, max(columns, len(made.encoding.features)))
    if not units:
        raise OneLayerError(f"{table.name}: has no rows")
    width = 8 * (len(made.encoding.features) + 1 + (made.weight is not None) + (made.offset is not None))
    largest = max(max(file.groups) for file in files if file.groups)
    reading = columns * min(PAGES, 3 * 8 * largest)
    sizes = [unit.n * width for unit in units]
    walkers, n_held = shares_of(memory, reading, len(made.encoding.features) + 1, sizes)
    engine, n = Threads(walkers, n_held), sum(unit.n for unit in units)
    return Scan(units, Recipe(made, kept=kept), n, engine, reading, kept or folder)


def found(source: Any, reading: Reading = AS_FOUND) -> Source:
    """Return what a source is, ready to be read.

    Raises:
        OneLayerError: if there is none, or it cannot be read.
    """
    if isinstance(source, (list, tuple)):
        places = [place for one in source for place in files_of(str(one))]
        if not places:
            raise OneLayerError("there are no files to read")
    elif reading.sql is None and isinstance(source, (str, Path)) and str(source) not in BUNDLED_TABLES:
        places = files_of(str(source))
    else:
        return Source([], open_table(source, reading)[1])
    files = open_files(places, reading)
    table = one_table(files, reading, None if isinstance(source, (list, tuple)) else str(source))
    is_as_stored = all(one.is_parquet for one in files) and not reading.na
    return Source(files if is_as_stored else [], table)


def _complete(rows: Scan) -> Scan:
    """Return rows of which incomplete ones are left out, with their number and a note."""
    [n] = rows.sum(lambda block: [float(len(block))])
    if not n:
        raise OneLayerError("every row has a missing value; none is left")
    if n == len(rows):
        return rows
    said = f"{len(rows) - int(n):,} of {len(rows):,} rows are dropped: a value is missing"
    made = replace(rows.made, notes=(*rows.made.notes, said))
    return replace(rows, n=int(n), recipe=replace(rows.recipe, made=made))


def _written(table: Table, made: Decisions, path: Path) -> Found:
    """Write the columns of a table that are needed as Parquet, and return the file."""
    names = needed(made)
    plain = [c for c in names if made.profiles[c].is_plain and made.profiles[c].spellings == (POINT,)]
    few = [name for name in names if made.profiles[name].distinct is not None]
    writer: Any = None
    for batch in table.batches(names, plain):
        columns = [_stored(column, name in plain) for name, column in zip(names, batch.columns, strict=True)]
        stored = pa.RecordBatch.from_arrays(columns, names)
        # Of numbers that all differ a dictionary is of no use, and zstd makes them smaller by a twentieth only.
        writer = writer or pq.ParquetWriter(path, stored.schema, compression="lz4", use_dictionary=few)
        writer.write_batch(stored, row_group_size=_group_rows(len(names)))
    writer.close()
    return parquet_file(str(path))


def _stored(values: Any, is_plain: bool) -> Any:
    floats = as_floats(values) if is_plain and not pa.types.is_float64(values.type) else None
    return values if floats is None else floats


def _in_groups(table: Table, n: int, size: int) -> Found:
    """Return the rows that were kept of a table as a file whose row groups have a certain size."""
    groups = [min(size, n - start) for start in range(0, n, size)]
    return Found(table.name, table.columns, table.types, table.read, groups=groups)


def _group_rows(columns: int) -> int:
    return max(1024, LEAST_UNIT // columns)
