"""Batches of rows: of one size, and written one after another as CSV or Parquet."""

import csv
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from onelayer.errors import OneLayerError

CSV_ROWS = 10_000  # that are Python values at once
GROUP, GROUP_ROWS = 1 << 25, 1 << 20  # bytes and rows of a row group


def resized(batches: Iterable[pa.RecordBatch], size: int) -> Iterator[pa.RecordBatch]:
    """Yield the same rows in batches of ``size``, but for the last one."""
    held: list[pa.RecordBatch] = []
    n = 0
    for batch in batches:
        start = 0
        while n + len(batch) - start >= size:
            part = batch.slice(start, size - n)
            yield from _joined([*held, part])
            held, n, start = [], 0, start + len(part)
        if start < len(batch):
            held.append(batch.slice(start))
            n += len(batch) - start
    if held:
        yield from _joined(held)


def _joined(batches: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """Return batches as one, or as few where a column of strings has more bytes than one can have."""
    return batches if len(batches) == 1 else pa.Table.from_batches(batches).combine_chunks().to_batches()


class Writer(AbstractContextManager["Writer"]):
    """Writes batches of the same columns to a file, which is complete at the end of the block, and stays open."""

    @abstractmethod
    def write(self, batch: pa.RecordBatch) -> None:
        """Write more rows.

        Raises:
            OneLayerError: if they have no form in such a file.
        """


def writer_for(path: Path) -> Callable[[IO[bytes]], Writer]:
    """Return what writes batches to a file of this name.

    Raises:
        OneLayerError: if it ends neither in .csv nor in .parquet.
    """
    writers: dict[str, Callable[[IO[bytes]], Writer]] = {".csv": CsvWriter, ".parquet": ParquetWriter}
    if path.suffix not in writers:
        raise OneLayerError(f"{path}: the name must end in .csv or .parquet")
    return writers[path.suffix]


class ParquetWriter(Writer):
    """Writes Parquet, in row groups of a bounded size."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._writer: pq.ParquetWriter | None = None
        self._held: list[pa.RecordBatch] = []
        self._size = self._n = 0

    def write(self, batch: pa.RecordBatch) -> None:
        """Write more rows, or keep them for the next row group."""
        if self._size + batch.nbytes > GROUP or self._n + len(batch) > GROUP_ROWS:
            self._write_group()
        self._held.append(batch)
        self._size, self._n = self._size + batch.nbytes, self._n + len(batch)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._write_group()
                if self._writer is not None:
                    self._writer.close()
        finally:
            if self._writer is not None:
                self._writer.is_open = (
                    False  # of a file that is given up it would write the end once it is collected
                )

    def _write_group(self) -> None:
        if self._held:
            table = pa.Table.from_batches(self._held)
            self._writer = self._writer or pq.ParquetWriter(self._file, table.schema)
            self._writer.write_table(table)
        self._held, self._size, self._n = [], 0, 0


class CsvWriter(Writer):
    """Writes CSV in UTF-8. Cells of a text file stay as they stand there: 007 and NA are the user's."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._lines: list[str] = []
        # The module quotes the characters of its line end: with \r\n also a cell that holds a bare \r.
        self._writer = csv.writer(_Lines(self._lines), lineterminator="\r\n")
        self._has_names = False

    def write(self, batch: pa.RecordBatch) -> None:
        """Write more rows, and the names of the columns before the first ones.

        Raises:
            OneLayerError: if a column holds bytes, or a value has no form in Python.
        """
        if not self._has_names:
            _refuse_bytes(batch.schema)
            self._writer.writerow(batch.schema.names)
            self._has_names = True
        for start in range(0, len(batch), CSV_ROWS):
            try:
                rows = _plain_times(batch.slice(start, CSV_ROWS))
                self._writer.writerows(zip(*(column.to_pylist() for column in rows.columns), strict=True))
            except (pa.ArrowException, OverflowError, ValueError) as error:
                raise OneLayerError(f"does not fit into CSV ({error}); write a .parquet file") from error
            self._flush()

    def __exit__(self, *_: object) -> None:
        self._flush()

    def _flush(self) -> None:
        self._file.write("".join(self._lines).encode())
        self._lines.clear()


class _Lines:
    """A file for ``csv.writer`` that keeps each row with a plain line end."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def write(self, row: str) -> None:
        self.lines.append(row.removesuffix("\r\n") + "\n")


def _refuse_bytes(schema: pa.Schema) -> None:
    for field in schema:
        if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
            raise OneLayerError(f"column {field.name!r} holds bytes; write a .parquet file (--out)")


def _plain_times(rows: pa.RecordBatch) -> pa.RecordBatch:
    """Return the rows with dates and times as text, which Python's own types cannot all hold."""
    columns = [
        column.cast(pa.string()) if pa.types.is_temporal(column.type) else column for column in rows.columns
    ]
    return pa.RecordBatch.from_arrays(columns, rows.schema.names)
