"""Arguments and options that several commands share."""

import csv
import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, get_type_hints

import typer

from onelayer.cli.console import say

if TYPE_CHECKING:
    from onelayer.data import Dataset
    from onelayer.data.decisions import Choices
    from onelayer.data.reading import Reading
    from onelayer.data.scan import Scan
    from onelayer.data.tables import Table

MAX_SEED = 2**63 - 1  # what torch.Generator takes

Data = Annotated[
    str,
    typer.Argument(
        metavar="DATA",
        help="fashion-mnist, houses or synthetic; a folder of IDX files; a table: text, Parquet, JSON lines, Excel, "
        "SQLite, DuckDB, a folder of such files, or a pattern.",
    ),
]
DataOrQuery = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA",
        help="fashion-mnist, houses or synthetic; a folder of IDX files; a table: text, Parquet, JSON lines, Excel, "
        "SQLite, DuckDB, a folder of such files, or a pattern. Not needed with --sql.",
    ),
]
Model = Annotated[Path, typer.Argument(metavar="MODEL", help="The folder of a run, or a model.safetensors.")]
ModelKind = Annotated[
    Literal["softmax", "linear", "mlp", "phm"] | None,
    typer.Option(help="The network; softmax for classes and linear for numbers if not given."),
]
Task = Annotated[
    Literal["classification", "regression"] | None,
    typer.Option(help="What a numeric target means to mlp and phm; regression if not given."),
]
Seed = Annotated[
    int, typer.Option(min=0, max=MAX_SEED, help="Sets the weights, the split and the order of the rows.")
]
# Panels of the help
SGD, EXACT, ERRORS = "SGD", "The exact solution and its penalty", "Errors of the coefficients"
Epochs = Annotated[
    int | None, typer.Option(help="Passes over the training rows; 10 if not given.", rich_help_panel=SGD)
]
BatchSize = Annotated[int | None, typer.Option(help="Rows per step; 256 if not given.", rich_help_panel=SGD)]
LearningRate = Annotated[
    float | None, typer.Option("--lr", help="The learning rate; 0.1 if not given.", rich_help_panel=SGD)
]
Valid = Annotated[
    float | None,
    typer.Option(
        help="Share of the rows to hold out. If not given, 0.2 for SGD without a test set, else 0: an exact solution "
        "of a table is judged by cross-validation."
    ),
]
Hidden = Annotated[int, typer.Option(help="Units in the hidden layer of the MLP.", rich_help_panel=SGD)]
PhmN = Annotated[int, typer.Option(help="n of the PHM layer.", rich_help_panel=SGD)]
Device = Annotated[
    str | None,
    typer.Option(
        help="cpu, cuda, mps, or auto: CUDA if there is one, but the CPU for one layer in the fused way.",
        rich_help_panel=SGD,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]


@dataclass(frozen=True)
class ReadingOptions:
    """How a table is to be read where it does not say so itself."""

    PANEL: ClassVar = "How the table is read"

    sep: Annotated[
        str | None, typer.Option(metavar="CHAR", help="What separates cells, or tab; found out if not given.")
    ] = None
    decimal: Annotated[str | None, typer.Option(metavar="CHAR", help="The decimal mark.")] = None
    thousands: Annotated[str | None, typer.Option(metavar="CHAR", help="The mark between thousands.")] = None
    header_row: Annotated[
        int | None,
        typer.Option(metavar="LINE", help="The line with the names of the columns; 0 if none has."),
    ] = None
    comment: Annotated[
        str | None, typer.Option(metavar="CHAR", help="What lines that are comments begin with.")
    ] = None
    na: Annotated[
        list[str] | None,
        typer.Option(metavar="CELL", help="A cell that means a missing value, in any column."),
    ] = None
    encoding: Annotated[
        str | None, typer.Option(metavar="NAME", help="Of a text file; found out if not given.")
    ] = None
    sheet: Annotated[str | None, typer.Option(metavar="NAME", help="Of an Excel workbook.")] = None
    table: Annotated[str | None, typer.Option(metavar="NAME", help="Of a SQLite or DuckDB file.")] = None
    transpose: Annotated[
        bool | None,
        typer.Option(
            help="Images lie on their side, as EMNIST's do. If not given, as in training.", show_default=False
        ),
    ] = None

    @property
    def reading(self) -> "Reading":
        """The same for the library."""
        from onelayer.data.reading import Reading

        values = {f.name: getattr(self, f.name) for f in fields(ReadingOptions)}
        return Reading(**{**values, "na": tuple(self.na or ())})


@dataclass(frozen=True)
class TableOptions(ReadingOptions):
    """What of a table is to be learned from, and how it is to be read."""

    PANEL: ClassVar = "The table"

    target: Annotated[str | None, typer.Option(help="The column to predict (tables).")] = None
    features: Annotated[
        list[str] | None,
        typer.Option(metavar="A,B", help="The columns to predict from; all others if not given."),
    ] = None
    exclude: Annotated[list[str] | None, typer.Option(metavar="A,B", help="Columns to leave out.")] = None
    categorical: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A,B", help="Columns that are categories although they look like numbers or text."
        ),
    ] = None
    reference: Annotated[
        list[str] | None,
        typer.Option(metavar="COLUMN=LEVEL", help="The level that the others of a category are relative to."),
    ] = None
    date_parts: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="What of dates counts: year, month, day, weekday, hour, days."),
    ] = None
    date_as: Annotated[Literal["days"] | None, typer.Option(help="Dates as numbers: days since 1970.")] = None
    formula: Annotated[
        str | None,
        typer.Option(
            metavar="FORMULA", help='Such as "price ~ area * city + log(age)", instead of features.'
        ),
    ] = None
    missing: Annotated[
        Literal["error", "mean", "drop"],
        typer.Option(help="Missing values: stop, fill in the column's mean, or drop the row."),
    ] = "error"
    weight: Annotated[str | None, typer.Option(metavar="COLUMN", help="The column of the rows' weights.")] = (
        None
    )
    offset: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="A column that is added to the prediction as it is, or to the logit of the second of two classes.",
        ),
    ] = None
    groups: Annotated[
        list[str] | None,
        typer.Option(
            metavar="A,B",
            help="One column or two whose values say which rows depend on each other: errors allow for it (--cov "
            "cluster), and cross-validation leaves groups together.",
        ),
    ] = None
    sql: Annotated[
        str | None,
        typer.Option(metavar="QUERY", help="Instead of DATA: \"select … from 'sales.parquet' where …\"."),
    ] = None

    @property
    def reading(self) -> "Reading":
        """See ``ReadingOptions``."""
        from dataclasses import replace

        return replace(super().reading, sql=self.sql)

    def open(self, source: str | None, model: str | None, task: str | None) -> "Dataset":
        """Open the data that a command was given; a numeric target is a class if the model or task says so.

        Raises:
            OneLayerError: if they cannot be used.
        """
        from onelayer.data.sources import BUNDLED_TABLES, is_table, open_images, open_table
        from onelayer.errors import OneLayerError

        self._check_named(source)
        if source is not None and not is_table(source):
            given = [f.name for f in fields(self) if getattr(self, f.name) != f.default]
            of_tables = [name.replace("_", "-") for name in given if name != "transpose"]
            if of_tables:
                raise OneLayerError(f"{source} is images: --{of_tables[0]} is for tables")
            return _said(open_images(source, bool(self.transpose)))
        self._check_is_table()
        from onelayer.data.from_table import dataset_of

        name, table = open_table(source, self.reading)
        as_classes = _are_classes(model, task)
        dataset = dataset_of(table, name, self._choices(table, BUNDLED_TABLES.get(source or ""), as_classes))
        _check_task(task, dataset.target, dataset.classes)
        return dataset

    def scan(self, source: str | None, model: str | None, task: str | None, memory: int | None) -> "Scan":
        """Open a table that stays in files; a numeric target is a class if the model or task says so.

        Raises:
            OneLayerError: if it cannot be used, or is images.
        """
        from onelayer.data.scanning import found, scan_of
        from onelayer.data.sources import BUNDLED_TABLES, IN_MEMORY, is_table
        from onelayer.errors import OneLayerError

        self._check_named(source)
        if source is not None and not is_table(source):
            raise OneLayerError(f"{source} {IN_MEMORY}")
        self._check_is_table()
        files = found(source, self.reading)
        target = BUNDLED_TABLES.get(source or "")
        rows = scan_of(files, self._choices(files.table, target, _are_classes(model, task)), memory)
        _check_task(task, rows.made.target.name, rows.classes)
        return rows

    def _check_named(self, source: str | None) -> None:
        """Raise OneLayerError if the data have no name, or two."""
        from onelayer.errors import OneLayerError

        if source is None and self.sql is None:
            raise OneLayerError("which data? Name them, DATA, or give a query with --sql")
        if source is not None and self.sql is not None:
            raise OneLayerError(f"--sql names the data itself: leave out {source}")

    def _check_is_table(self) -> None:
        """Raise OneLayerError if something is said of a table that is for images."""
        from onelayer.data.sources import NOT_IMAGES
        from onelayer.errors import OneLayerError

        if self.transpose is not None:
            raise OneLayerError(NOT_IMAGES)

    def _choices(self, table: "Table", target: str | None, as_classes: bool) -> "Choices":
        from onelayer.data.decisions import Choices
        from onelayer.errors import OneLayerError

        if self.date_parts and self.date_as:
            raise OneLayerError("--date-parts and --date-as exclude each other; days is a part too")
        parts = [part.strip() for part in (self.date_parts or self.date_as or "").split(",") if part.strip()]
        return Choices(
            target=self.target if self.target is not None or self.formula is not None else target,
            features=None if self.features is None else names_in(self.features, table.places),
            exclude=names_in(self.exclude or (), table.places),
            missing=self.missing,
            as_classes=as_classes,
            categorical=names_in(self.categorical or (), table.places),
            references=dict(_pair(text) for text in self.reference or ()),
            date_parts=parts,
            weight=self.weight,
            offset=self.offset,
            groups=names_in(self.groups or (), table.places),
            formula=self.formula,
        )


def _are_classes(model: str | None, task: str | None) -> bool:
    return model == "softmax" or task == "classification"


def _check_task(task: str | None, target: str, classes: Sequence[str]) -> None:
    """Raise OneLayerError if the target is a class, and the task is another one."""
    from onelayer.errors import OneLayerError

    if task == "regression" and classes:
        raise OneLayerError(f"--task regression: the target {target!r} is a class, not a number")


def _said(images: "Dataset") -> "Dataset":
    """Return images, and say in a line of its own which labels they have if these are not 0, 1, 2 and so on."""
    from onelayer.data.idx_folder import label_numbers, shown_labels

    if label_numbers(images.classes) != list(range(len(images.classes))):
        say(f"{images.name}: the classes are the labels {shown_labels(images.classes)}", stderr=True)
    return images


def names_in(texts: Sequence[str], columns: Any) -> list[str]:
    """Return the names in lists such as ``a,b`` or ``"area, m2",b``; a list that is itself a column is its name."""
    found: list[str] = []
    for text in texts:
        try:
            names = [text] if text in columns else next(csv.reader([text], skipinitialspace=True), [])
        except csv.Error:  # a line end outside of quotes
            names = [text]
        found += [name if name in columns else name.strip() for name in names]
    return found


def _pair(text: str) -> tuple[str, str]:
    from onelayer.errors import OneLayerError

    column, separator, level = text.partition("=")
    if not separator:
        raise OneLayerError(f"--reference {text}: expected COLUMN=LEVEL")
    return column.strip(), level.strip()


def with_groups(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command, in the place of each argument that is of a dataclass, the options that are its fields.

    Those of the class itself come before those that it inherits, and each is in the ``PANEL`` of the class it is from.
    """
    signature = inspect.signature(command, eval_str=True)
    groups: dict[str, Any] = {
        p.name: p.annotation for p in signature.parameters.values() if is_dataclass(p.annotation)
    }
    parameters: list[inspect.Parameter] = []
    for parameter in signature.parameters.values():
        if parameter.name in groups:
            parameters += _options_of(groups[parameter.name])
        else:
            parameters.append(parameter.replace(kind=parameter.KEYWORD_ONLY))

    @wraps(command)
    def with_options(**values: Any) -> None:
        made = {
            name: group(**{f.name: values.pop(f.name) for f in fields(group)})
            for name, group in groups.items()
        }
        command(**values, **made)

    with_options.__signature__ = signature.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_options.__annotations__ = {}
    return with_options


def _options_of(group: Any) -> list[inspect.Parameter]:
    hints, options = get_type_hints(group, include_extras=True), []
    default = {f.name: f.default for f in fields(group)}
    for origin in group.__mro__[:-1]:
        for name in filter(default.__contains__, inspect.get_annotations(origin)):
            hints[name].__metadata__[0].rich_help_panel = origin.PANEL
            options.append(
                inspect.Parameter(
                    name, inspect.Parameter.KEYWORD_ONLY, default=default[name], annotation=hints[name]
                )
            )
    return options


def whole_numbers(option: str, text: str) -> list[int]:
    """Read A,B,C.

    Raises:
        OneLayerError: if it is something else.
    """
    from onelayer.errors import OneLayerError

    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise OneLayerError(f"{option} {text}: expected whole numbers A,B,C") from None
