"""Reading tables: CSV, TSV and Parquet files, pandas, polars and Arrow. Rows are counted from 1 below the header."""

import csv
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv

from onelayer.data.arrow import column_of
from onelayer.data.dataset import Dataset
from onelayer.errors import OneLayerError, first_line

CSV_BLOCK = 16 << 20  # bytes; no row may be longer, and types are inferred from the first block
NOT_UTF8 = "is not in UTF-8; save it as UTF-8 (in Excel: CSV UTF-8)"


def read_table(path: Path, as_text: Callable[[str], bool] = lambda column: False) -> pa.Table:
    """Return a CSV (comma), TSV (tab) or Parquet file as a table, by its ending.

    In a CSV or TSV file the type of a column is inferred, unless ``as_text`` is true of its name: then its cells are
    the texts that stand there, 007 and not 7. A pandas index in a Parquet file is left out.

    Raises:
        OneLayerError: if the file cannot be read, is malformed, has no rows or repeats a column name.
    """
    try:
        if path.suffix.lower() == ".parquet":
            from pyarrow import parquet  # takes a tenth of what a command on a CSV file takes

            table = _without_pandas_index(parquet.read_table(path))
            table.validate(full=True)  # strings that are not UTF-8, which nothing has looked at yet
        else:
            _refuse_stray_quotes(path, _delimiter(path))
            table = _read_delimited(path, pyarrow.csv.ConvertOptions(strings_can_be_null=True), as_text)
        return checked_table(table, str(path))
    except UnicodeDecodeError as error:  # in the header
        raise OneLayerError(f"{path}: {NOT_UTF8}") from error
    except (pa.ArrowInvalid, csv.Error) as error:
        raise OneLayerError(f"{path}: {_first_line(error)}") from error
    except OSError as error:
        raise OneLayerError(f"{path}: cannot be read ({_first_line(error)})") from error


def is_delimited(source: str) -> bool:
    """Tell whether ``source`` names a CSV or TSV file."""
    return Path(source).suffix.lower() in (".csv", ".tsv")


def table_from(data: Any) -> pa.Table:
    """Return a pandas, polars or Arrow table as an Arrow table. A pandas index is left out.

    Raises:
        OneLayerError: if ``data`` is none of them, has no rows or repeats a column name.
    """
    is_pandas = type(data).__module__.partition(".")[0] == "pandas"
    if not (isinstance(data, pa.Table) or hasattr(data, "__arrow_c_stream__")):
        raise OneLayerError(
            f"cannot read data from {type(data).__name__}: expected a name, a path, or a pandas, "
            "polars or Arrow table"
        )
    try:
        table = pa.Table.from_pandas(data, preserve_index=False) if is_pandas else pa.table(data)
    except (pa.ArrowException, AttributeError, TypeError, ValueError) as error:
        raise OneLayerError(f"the {type(data).__name__} is no table: {_first_line(error)}") from error
    return checked_table(table, "the table")


def read_text(path: Path) -> pa.Table:
    """Return a CSV or TSV file with each cell as the text that stands there; see ``read_table``."""
    return _read_delimited(path, pyarrow.csv.ConvertOptions(), lambda column: True)


def table_of(dataset: Dataset) -> pa.Table:
    """Return the training rows of a numeric data set as a table, the target last."""
    columns = np.hstack([dataset.train.X, dataset.train.y]).T
    return pa.Table.from_arrays([column_of(c) for c in columns], names=[*dataset.features, dataset.target])


def checked_table(table: pa.Table, name: str) -> pa.Table:
    """Return the table if it has rows and its column names differ; else raise OneLayerError."""
    repeated = sorted({c for c in table.column_names if table.column_names.count(c) > 1})
    if repeated:
        raise OneLayerError(f"{name}: the column name {quoted(repeated)} stands more than once")
    if not table.num_rows:
        raise OneLayerError(f"{name}: has no rows")
    return table


def _read_delimited(
    path: Path, convert: pyarrow.csv.ConvertOptions, as_text: Callable[[str], bool]
) -> pa.Table:
    read = pyarrow.csv.ReadOptions(block_size=CSV_BLOCK)
    delimiter = _delimiter(path)
    parse = pyarrow.csv.ParseOptions(delimiter=delimiter, newlines_in_values=True)
    convert.column_types = {name: pa.string() for name in _header(path, delimiter) if as_text(name.strip())}
    table = pyarrow.csv.read_csv(path, read_options=read, parse_options=parse, convert_options=convert)
    if any(pa.types.is_binary(kind) for kind in table.schema.types):
        raise OneLayerError(f"{path}: {NOT_UTF8}")
    only = table.column_names[0]
    if table.num_columns == 1 and ";" in only:
        raise OneLayerError(
            f"{path}: has one column, {only!r}; separate the columns by commas, not semicolons"
        )
    return table.rename_columns([name.strip() for name in table.column_names])


def _delimiter(path: Path) -> str:
    return "\t" if path.suffix.lower() == ".tsv" else ","


def _refuse_stray_quotes(path: Path, delimiter: str) -> None:
    """Raise OneLayerError if a quote that stands for itself, such as that of 5", makes one cell of several rows.

    A quoted cell may have several lines. If something else than the end of the cell follows its second quote, or if
    each of its lines has as many cells as the header, then the quotes are two that do not belong together.
    """
    with path.open("rb") as file:
        if not any(b'"' in chunk for chunk in iter(lambda: file.read(CSV_BLOCK), b"")):
            return
    lines: list[str] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(_recorded(file, lines), delimiter=delimiter, strict=True)
        n_rows, width = 0, len(next(filter(None, reader), []))
        while True:
            lines.clear()
            try:
                row = next(reader, None)
                is_several_rows = len(lines) > 1 < width and {
                    line.count(delimiter) + 1 for line in lines
                } == {width}
            except csv.Error:
                is_several_rows = True
            if is_several_rows:
                raise OneLayerError(
                    f'{path}: row {n_rows + 1}: a quote (") begins a cell that does not end in its row; within a '
                    'cell, write a quote twice and put the cell in quotes: "5"" pipe"'
                )
            if row is None:
                return
            n_rows += bool(row)


def _recorded(file: Iterable[str], lines: list[str]) -> Iterator[str]:
    """Yield the lines of a file, each of which is then in ``lines`` as well."""
    for line in file:
        lines.append(line)
        yield line


def _header(path: Path, delimiter: str) -> list[str]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return next((row for row in csv.reader(file, delimiter=delimiter) if row), [])


def _without_pandas_index(table: pa.Table) -> pa.Table:
    try:
        about = table.schema.pandas_metadata or {}
    except ValueError as error:
        raise pa.ArrowInvalid(f"what pandas wrote about its columns is damaged ({error})") from error
    index = [name for name in about.get("index_columns", []) if isinstance(name, str)]
    return table.drop_columns([name for name in index if name.startswith("__index_level_")])


def _first_line(error: Exception) -> str:
    return re.sub(r"^(CSV parse error|Parquet): ", "", first_line(error))


def quoted(names: Iterable[str]) -> str:
    """Return names as they are shown in an error."""
    return ", ".join(repr(name) for name in names)
