"""Tables of databases, results of queries, and JSON lines, by DuckDB and sqlite3."""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pyarrow as pa

from onelayer.data.delimited import connect
from onelayer.data.tables import Found, quoted
from onelayer.errors import OneLayerError, first_line

BATCH_ROWS = 1 << 16


def query(sql: str) -> Found:
    """Return the result of a query, in which files stand as ``'sales.parquet'``, as a table.

    Raises:
        OneLayerError: if DuckDB refuses it.
    """
    return _relation("the query", connect(), sql)


def json_lines(path: Path) -> Found:
    """Return a file with a JSON object in each line as a table.

    Raises:
        OneLayerError: if a line is not one.
    """
    name = str(path).replace("'", "''")
    return _relation(
        str(path), connect(), f"from read_json('{name}', format='newline_delimited', sample_size=-1)"
    )


def database(path: Path, table: str | None) -> Found:
    """Return a table of a DuckDB or SQLite file; it has to be named if there are several.

    Raises:
        OneLayerError: if the file is damaged, or there is no such table.
    """
    with path.open("rb") as file:
        is_sqlite = file.read(6) == b"SQLite"
    return _sqlite(path, table) if is_sqlite else _duckdb(path, table)


def _duckdb(path: Path, table: str | None) -> Found:
    import duckdb

    try:
        connection = connect(str(path), read_only=True)
        names = [
            name
            for (name,) in connection.execute("select table_name from information_schema.tables").fetchall()
        ]
    except duckdb.Error as error:
        raise OneLayerError(f"{path}: cannot be opened ({first_line(error)})") from error
    return _relation(str(path), connection, f"from {_quoted_name(_chosen(path, names, table))}")


def _relation(name: str, connection: Any, sql: str) -> Found:
    import duckdb

    def batches(places: Sequence[int], _: Collection[int] = ()) -> Iterator[pa.RecordBatch]:
        try:
            chosen = ", ".join(_quoted_name(schema.names[i]) for i in places)
            yield from connection.cursor().sql(f"select {chosen} from ({sql})").to_arrow_reader(BATCH_ROWS)
        except (duckdb.Error, OSError) as error:  # the latter once rows have been read
            raise OneLayerError(f"{name}: {first_line(error)}") from error

    try:
        schema = connection.sql(f"from ({sql}) limit 0").to_arrow_table().schema
    except duckdb.Error as error:
        raise OneLayerError(f"{name}: {first_line(error)}") from error
    return Found(name, schema.names, schema.types, batches)


def _quoted_name(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _chosen(path: Path, names: list[str], table: str | None) -> str:
    if table is None and len(names) == 1:
        return names[0]
    if table not in names:
        problem = "has several tables" if table is None else f"has no table {table!r}"
        raise OneLayerError(f"{path}: {problem}; name one with --table: {quoted(names) or 'there is none'}")
    return str(table)


def _sqlite(path: Path, table: str | None) -> Found:
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute(
                "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite_%'"
            )
            chosen = _chosen(path, [name for (name,) in rows], table)
            cursor = connection.execute(f"select * from {_quoted_name(chosen)}")
            names = [column[0] for column in cursor.description]
            columns = list(zip(*cursor.fetchall(), strict=True)) or [()] * len(names)
    except sqlite3.Error as error:
        raise OneLayerError(f"{path}: cannot be read ({first_line(error)})") from error
    return cells_table(str(path), names, columns)


def cells_table(name: str, names: Sequence[str], columns: Sequence[Sequence[Any]]) -> Found:
    """Return columns of Python values as a table; a column of several types becomes strings, which are looked at.

    Raises:
        OneLayerError: if a value is of a type that no column has.
    """
    from onelayer.data.tables import arrow_table

    arrays = []
    for column, values in zip(names, columns, strict=True):
        try:
            arrays.append(pa.array(values))
        except (pa.ArrowInvalid, pa.ArrowTypeError):
            strings = [
                None if value is None else value if isinstance(value, str) else f"{value}" for value in values
            ]
            arrays.append(pa.array(strings, pa.large_string()))
        except (pa.ArrowException, OverflowError) as error:
            raise OneLayerError(f"{name}: column {column!r} cannot be read ({first_line(error)})") from error
    return arrow_table(name, pa.Table.from_arrays(arrays, names=list(map(str, names))))
