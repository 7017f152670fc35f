"""Parquet files as tables."""

import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from onelayer.data.tables import Found
from onelayer.errors import OneLayerError, first_line

BATCH_ROWS = 1 << 16


def parquet_file(path: Path) -> Found:
    """Return a Parquet file as a table; an index that pandas stored is known as one.

    Raises:
        OneLayerError: if it is damaged.
    """
    file = opened(path)
    schema = file.schema_arrow
    try:
        names = schema.names
    except UnicodeDecodeError as error:
        raise OneLayerError(f"{path}: damaged (the name of a column is not in UTF-8)") from error
    try:
        written = (schema.metadata or {}).get(b"pandas", b"{}")
        index = [name for name in json.loads(written).get("index_columns", []) if isinstance(name, str)]
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise OneLayerError(f"{path}: what pandas wrote about its columns is damaged ({error})") from error

    def read(places: Sequence[int], _: Collection[int] = ()) -> Iterator[pa.RecordBatch]:
        chosen = [names[i] for i in places]
        return batches(path, range(file.metadata.num_row_groups), chosen, BATCH_ROWS)

    return Found(str(path), names, schema.types, read, index=index)


def opened(path: Path) -> pq.ParquetFile:
    """Return a file, opened.

    Raises:
        OneLayerError: if it cannot be read as Parquet.
    """
    try:
        return pq.ParquetFile(path, pre_buffer=False)
    except (OSError, pa.ArrowException, UnicodeDecodeError) as error:
        raise OneLayerError(f"{path}: cannot be read as Parquet ({first_line(error)})") from error


def batches(path: Path, groups: Sequence[int], columns: list[str], size: int) -> Iterator[pa.RecordBatch]:
    """Yield some columns of some row groups, in batches of at most ``size`` rows.

    Raises:
        OneLayerError: if the file is damaged.
    """
    with opened(path) as file:
        try:
            for batch in file.iter_batches(size, groups, columns, use_threads=False):
                batch.validate(full=True)  # strings that are not UTF-8
                yield batch.select(columns)
        except (OSError, pa.ArrowException) as error:
            raise OneLayerError(f"{path}: damaged ({first_line(error)})") from error
