"""How data are to be read where they do not say so themselves: what the user may tell."""

from dataclasses import dataclass

from onelayer.errors import OneLayerError


@dataclass(frozen=True)
class Reading:
    """How to read a table; what is None is found out, and said.

    Attributes:
        sep: what separates cells: one character, or ``"tab"``.
        decimal: the decimal mark, ``"."`` or ``","``.
        thousands: the mark between thousands: a comma, a point, a space or an apostrophe.
        header_row: the number of the line with the names of the columns, from 1; 0 if there is none.
        comment: what a line that is a comment begins with.
        na: cells that mean that a value is missing, in all columns.
        encoding: of a text file.
        sheet: of an Excel workbook; the first one if it is not given.
        table: of a database; needed if it has several.
        sql: a query whose result is the table.
        transpose: of images, whether rows and columns change places; None: as a model learned them, or not.

    Raises:
        OneLayerError: if one cannot be.
    """

    sep: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    header_row: int | None = None
    comment: str | None = None
    na: tuple[str, ...] = ()
    encoding: str | None = None
    sheet: str | None = None
    table: str | None = None
    sql: str | None = None
    transpose: bool | None = None

    def __post_init__(self) -> None:
        for what, value, allowed in (
            ("decimal", self.decimal, (".", ",")),
            ("thousands", self.thousands, (",", ".", " ", "'")),
        ):
            if value is not None and value not in allowed:
                raise OneLayerError(f"{what} must be one of {' '.join(map(repr, allowed))}, not {value!r}")
        if self.decimal is not None and self.decimal == self.thousands:
            raise OneLayerError(f"decimal and thousands cannot both be {self.decimal!r}")
        if self.sep is not None and len(self.separator or "") != 1:
            raise OneLayerError(f"sep must be one character, such as ';', or 'tab', not {self.sep!r}")
        if self.header_row is not None and self.header_row < 0:
            raise OneLayerError(f"header_row must be at least 0, not {self.header_row}")

    @property
    def separator(self) -> str | None:
        """``sep`` as a character."""
        return "\t" if self.sep in ("tab", r"\t") else self.sep


AS_FOUND = Reading()
