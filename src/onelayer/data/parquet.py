"""Parquet files as tables."""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from onelayer.data.columns import Range
from onelayer.data.delimited import connect
from onelayer.data.places import is_address, store_of
from onelayer.data.tables import Found
from onelayer.engines.threads import has_idle_threads
from onelayer.errors import OneLayerError, first_line

BATCH_ROWS = 1 << 16
LARGE_GROUP = 1 << 25  # bytes of a row group as it is stored: a larger one is read bit by bit
BUFFER = 1 << 18  # bytes of each column that are then read at once


def parquet_file(place: str) -> Found:
    """Return a Parquet file, by its path or address, as a table; an index that pandas stored is known as one.

    Raises:
        OneLayerError: if it is damaged.
    """
    with opened(place) as file:
        schema, metadata = file.schema_arrow, file.metadata
        try:
            names = schema.names
        except UnicodeDecodeError as error:
            raise OneLayerError(f"{place}: damaged (the name of a column is not in UTF-8)") from error
        try:
            written = (schema.metadata or {}).get(b"pandas", b"{}")
            index = [name for name in json.loads(written).get("index_columns", []) if isinstance(name, str)]
        except (ValueError, AttributeError, TypeError, RecursionError) as error:
            raise OneLayerError(
                f"{place}: what pandas wrote about its columns is damaged ({error})"
            ) from error
        groups = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]

    def read(places: Sequence[int], _: Collection[int] = ()) -> Iterator[pa.RecordBatch]:
        return batches(place, range(len(groups)), [names[i] for i in places], BATCH_ROWS)

    def ranges() -> dict[str, Range]:
        return _ranges(place, schema)

    return Found(place, names, schema.types, read, index=index, is_parquet=True, groups=groups, ranges=ranges)


def _ranges(place: str, schema: pa.Schema) -> dict[str, Range]:
    """Return what the statistics of all row groups say of columns of numbers and booleans without a null.

    DuckDB reads them: of damaged ones it says so, where PyArrow ends the process.
    """
    kinds = dict(zip(schema.names, schema.types, strict=True))
    if is_address(place) or set(place) & set("*?["):
        return {}
    wanted = "row_group_num_rows, path_in_schema, stats_min_value, stats_max_value, stats_null_count"
    try:
        told = connect().execute(f"select {wanted} from parquet_metadata(?)", [place]).fetchall()
    except Exception:  # whatever is wrong with them, the rows themselves will tell
        return {}
    found: dict[str, Range] = {}
    silent: set[str] = set()
    for n, name, low, high, n_null in told:
        read = _reader(kinds.get(name))
        if read is None or not n:
            continue
        if low is None or high is None or n_null != 0:
            silent.add(name)
            continue
        its = Range(n, read(low), read(high))
        if not its.low <= its.high:
            silent.add(name)
        found[name] = found[name] | its if name in found else its
    return {name: its for name, its in found.items() if name not in silent}


def _reader(kind: pa.DataType | None) -> Callable[[str], Any] | None:
    """Return what reads the statistics of a column of an Arrow type; None if they are not used."""
    types = pa.types
    if kind is None or kind in (pa.uint64(), pa.float16()):
        return None
    if types.is_boolean(kind):
        return "true".__eq__
    return int if types.is_integer(kind) else float if types.is_floating(kind) else None


def opened(place: str, **how: Any) -> pq.ParquetFile:
    """Return a file, opened as PyArrow may be told.

    Raises:
        OneLayerError: if it cannot be read as Parquet.
    """
    try:
        if not is_address(place):
            return pq.ParquetFile(place, pre_buffer=False, **how)
        store, path = store_of(place)
        return pq.ParquetFile(path, filesystem=store, pre_buffer=True, **how)
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise OneLayerError(f"{place}: cannot be read as Parquet ({first_line(error)})") from error


def _for_groups(place: str, groups: Sequence[int]) -> pq.ParquetFile:
    """Return a file whose row groups take a bounded share of memory, however large they are."""
    file = opened(place)
    size = max((file.metadata.row_group(i).total_byte_size for i in groups), default=0)
    if size <= LARGE_GROUP or is_address(place):
        return file
    file.close()
    return opened(place, metadata=file.metadata, buffer_size=BUFFER)


def batches(place: str, groups: Sequence[int], columns: list[str], size: int) -> Iterator[pa.RecordBatch]:
    """Yield some columns of some row groups, in batches of at most ``size`` rows.

    Raises:
        OneLayerError: if the file is damaged, or has fewer row groups.
    """
    group = -1
    try:
        with _for_groups(place, groups) as file:
            for group in groups:
                for batch in file.iter_batches(size, [group], columns, use_threads=has_idle_threads()):
                    batch.validate(full=True)  # strings that are not UTF-8
                    yield batch.select(columns)
    except (OSError, pa.ArrowException, IndexError) as error:
        raise OneLayerError(f"{place}: row group {group + 1} is damaged ({first_line(error)})") from error
