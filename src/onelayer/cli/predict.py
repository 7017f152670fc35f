"""``onelayer predict``: apply a trained model to new rows."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from onelayer.cli import options
from onelayer.cli.console import busy, counted, say, write_data

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

    from onelayer.inference.covariance import Interval
    from onelayer.inputs import Inputs
    from onelayer.model import Model


@options.with_table_options
def predict(
    model: options.Model,
    data: options.Data,
    table: options.ReadingOptions,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="A .csv or .parquet file; standard output if not given."
        ),
    ] = None,
    proba: Annotated[
        bool, typer.Option("--proba", help="Also a column p_CLASS with the probability of each class.")
    ] = False,
    interval: Annotated[
        Literal["confidence", "prediction"] | None,
        typer.Option(
            help="Also the ends of an interval, in columns _low and _high: confidence, of the mean or of each "
            "class's probability, which then have a column too; prediction, of a new observation of a number."
        ),
    ] = None,
    level: Annotated[
        float, typer.Option(help="With --interval: how probable it is to hold what it is for.")
    ] = 0.95,
    unknown: Annotated[
        Literal["error", "ignore"] | None,
        typer.Option(
            help="A category that training did not have: stop, or predict nothing for its row. If not given, stop "
            "unless the model was trained with --missing drop."
        ),
    ] = None,
) -> None:
    """Predict with MODEL for each row of DATA; DATA may be without the target or labels.

    A table comes back with one more column; for images there is a row with the number of each image.
    """
    from onelayer.errors import OneLayerError
    from onelayer.files import write_whole
    from onelayer.inputs import inputs_for
    from onelayer.model import Model

    if out is not None and out.suffix not in (".csv", ".parquet"):
        raise OneLayerError(f"{out}: the name must end in .csv or .parquet")
    if out is not None and out.exists() and Path(data).exists() and out.samefile(data):
        raise OneLayerError(f"{out}: is the data themselves; write the predictions to another file")
    with busy(f"predicting {data}"):
        trained = Model.load(model)
        if proba and not trained.classes:
            raise OneLayerError("--proba is for classes; this model predicts a number")
        inputs = inputs_for(trained, data, table.reading, unknown)
        rows, found = predictions(trained, inputs, proba, interval, level)
        is_parquet = out is not None and out.suffix == ".parquet"
        content = _parquet(rows, found) if is_parquet else _csv(rows, found, data)
    if out is None:
        write_data(content)
    else:
        write_whole({out: content})
        if out.is_file():  # a pipe or a terminal may be standard output itself
            say(f"wrote {counted(len(rows), 'prediction')} to {out}")
    _say_what_is_left_out(inputs)


def _say_what_is_left_out(inputs: "Inputs") -> None:
    n_missing = int((~inputs.kept).sum()) - inputs.n_unknown
    for n, why in (
        (inputs.n_unknown, "a category that training did not have"),
        (n_missing, "a value is missing"),
    ):
        if n:
            say(f"{counted(n, 'row')} without a prediction: {why}", stderr=True)


def predictions(
    model: "Model",
    inputs: "Inputs",
    proba: bool = False,
    interval: "Interval | None" = None,
    level: float = 0.95,
) -> "tuple[pa.Table, dict[str, pa.Array]]":
    """Return the rows of a source and, by column name, what is predicted for each; null where a row is incomplete.

    The first column is the predicted class or number; with ``proba`` the probability of each class follows, and with
    ``interval`` the ends of those of the number, or of each probability. See ``Model.predict_interval``.

    Raises:
        OneLayerError: if such a column is there already, and as ``Model.predict``.
    """
    import numpy as np
    import pyarrow as pa

    from onelayer.data.arrow import column_of
    from onelayer.errors import OneLayerError

    predicted, name = model.predict(inputs), f"predicted_{model.target}"
    columns = {name: predicted} if predicted.ndim == 1 else _numbered(name, predicted)
    if proba or (interval is not None and model.classes):
        columns |= {f"p_{c}": p for c, p in zip(model.classes, model.predict_proba(inputs).T, strict=True)}
    if interval is not None:
        ends = model.predict_interval(inputs, interval, level)
        names = [f"p_{c}" for c in model.classes] or [name]
        for k, ends_of in enumerate(np.moveaxis(ends, 1, 0) if model.classes else [ends]):
            columns |= {f"{names[k]}_low": ends_of[:, 0], f"{names[k]}_high": ends_of[:, 1]}
    table = inputs.table.held() if inputs.table else None
    if table is None:
        table = pa.Table.from_arrays([column_of(np.arange(1, len(inputs.kept) + 1))], ["image"])
    for name in columns:
        if name in table.column_names:
            raise OneLayerError(f"{inputs.name}: already has a column {name!r}; rename or drop it")
    return table, {name: column_of(values, inputs.kept) for name, values in columns.items()}


def _numbered(name: str, values: "NDArray[Any]") -> "dict[str, NDArray[Any]]":
    """Return the columns of values (n, q), numbered from 1."""
    return {f"{name}_{k}": column for k, column in enumerate(values.T, start=1)}


def _joined(rows: "pa.Table", found: "dict[str, pa.Array]") -> "pa.Table":
    for name, column in found.items():
        rows = rows.append_column(name, column)
    return rows


def _parquet(rows: "pa.Table", found: "dict[str, pa.Array]") -> bytes:
    from io import BytesIO

    import pyarrow.parquet

    buffer = BytesIO()
    pyarrow.parquet.write_table(_joined(rows, found), buffer)
    return buffer.getvalue()


def _csv(rows: "pa.Table", found: "dict[str, pa.Array]", source: str) -> bytes:
    """Return the rows as CSV. Those of a text file stay as they stand there: 007 and NA are the user's."""
    import csv

    import pyarrow as pa

    from onelayer.errors import OneLayerError

    for field in rows.schema:
        if any(holds_bytes(field.type) for holds_bytes in (pa.types.is_binary, pa.types.is_large_binary)):
            raise OneLayerError(f"{source}: column {field.name!r} holds bytes; write a .parquet file (--out)")
    lines: list[str] = []
    # The module quotes the characters of its line end: with \r\n also a cell that holds a bare \r.
    writer = csv.writer(_Lines(lines), lineterminator="\r\n")
    writer.writerow([*rows.column_names, *found])
    try:
        for batch in _joined(_plain_times(rows), found).to_batches(max_chunksize=10_000):
            writer.writerows(zip(*(column.to_pylist() for column in batch.columns), strict=True))
    except (pa.ArrowException, OverflowError, ValueError) as error:
        raise OneLayerError(f"{source}: does not fit into CSV ({error}); write a .parquet file") from error
    return "".join(lines).encode()


class _Lines:
    """A file for ``csv.writer`` that keeps each row with a plain line end."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines

    def write(self, row: str) -> None:
        self.lines.append(row.removesuffix("\r\n") + "\n")


def _plain_times(rows: "pa.Table") -> "pa.Table":
    """Return the table with dates and times as text, which Python's own types cannot all hold."""
    import pyarrow as pa

    for i, field in enumerate(rows.schema):
        if pa.types.is_temporal(field.type):
            rows = rows.set_column(i, field.name, rows.column(i).cast(pa.string()))
    return rows
