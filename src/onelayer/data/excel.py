"""Sheets of Excel workbooks as tables."""

from dataclasses import replace
from pathlib import Path

from onelayer.data.databases import cells_table
from onelayer.data.tables import Found, quoted
from onelayer.errors import OneLayerError, first_line


def workbook(path: Path, sheet: str | None) -> Found:
    """Return a sheet of a workbook, the first one if none is named; its first row that is not empty has the names.

    Raises:
        OneLayerError: if openpyxl is not installed, the file is not a workbook, or there is no such sheet.
    """
    try:
        import openpyxl
    except ImportError as error:
        raise OneLayerError(
            f"{path}: Excel needs openpyxl; install with: pip install 'onelayer[excel]'"
        ) from error
    try:
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except Exception as error:  # a zip file of anything: openpyxl has no error of its own for most
        raise OneLayerError(f"{path}: is not an Excel workbook ({first_line(error)})") from error
    if sheet is not None and sheet not in book.sheetnames:
        raise OneLayerError(f"{path}: has no sheet {sheet!r}; it has {quoted(book.sheetnames)}")
    sheet_rows = book[sheet or book.sheetnames[0]].iter_rows(values_only=True)
    rows = [row for row in sheet_rows if any(cell is not None for cell in row)]
    width = max(map(len, rows), default=0)
    body = [row for row in rows if width == 1 or sum(cell is not None for cell in row) > 1]
    if not body:
        raise OneLayerError(f"{path}: the sheet has no rows")
    header, *rest = ([*row, *[None] * (width - len(row))] for row in body)
    names = ["" if cell is None else str(cell) for cell in header]
    columns = list(zip(*rest, strict=True)) or [()] * width
    found = cells_table(str(path), names, columns)
    others = [name for name in book.sheetnames if name != (sheet or book.sheetnames[0])]
    notes = (
        [f"sheet {sheet or book.sheetnames[0]!r}; there is also {quoted(others)}"]
        if others and not sheet
        else []
    )
    skipped = len(rows) - len(body)
    notes += [f"{skipped} row{'s' if skipped > 1 else ''} of a single cell left out"] if skipped else []
    return replace(found, notes=notes)
