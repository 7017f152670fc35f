"""``onelayer predict``: apply a trained model to new rows."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from onelayer.cli import options
from onelayer.cli.console import busy

if TYPE_CHECKING:
    import pyarrow as pa

    from onelayer.artifacts import TrainedModel


def predict(
    model: options.Model,
    data: options.Data,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", metavar="FILE", help="A .csv or .parquet file; standard output if not given."
        ),
    ] = None,
) -> None:
    """Predict with MODEL for each row of DATA; DATA may be without the target or labels.

    A table comes back with one more column; for images there is a row with the number of each image.
    """
    from onelayer.artifacts import TrainedModel, write_whole
    from onelayer.errors import OneLayerError

    if out is not None and out.suffix not in (".csv", ".parquet"):
        raise OneLayerError(f"{out}: the name must end in .csv or .parquet")
    with busy(f"predicting {data}"):
        table = predictions(TrainedModel.load(model), data)
        content = _file_content(table, out.suffix if out is not None else ".csv")
    if out is None:
        sys.stdout.buffer.write(content)
    else:
        write_whole({out: content})
        print(f"wrote {table.num_rows:,} predictions to {out}")


def _file_content(table: "pa.Table", suffix: str) -> bytes:
    """Return the table as the content of a .csv or .parquet file."""
    from io import BytesIO

    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    from onelayer.errors import OneLayerError

    buffer = BytesIO()
    try:
        if suffix == ".parquet":
            pyarrow.parquet.write_table(table, buffer)
        else:
            pyarrow.csv.write_csv(table, buffer)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise OneLayerError(
            f"a column of the table does not fit into a CSV file ({error}); write a .parquet file with --out"
        ) from error
    return buffer.getvalue()


def predictions(trained: "TrainedModel", source: str) -> "pa.Table":
    """Return the table with the column ``predicted_TARGET`` added; null where the row was incomplete."""
    import numpy as np
    import pyarrow as pa

    from onelayer.errors import OneLayerError
    from onelayer.inference import inputs_for

    inputs = inputs_for(trained, source)
    outputs = trained.outputs(inputs.X)
    if trained.classes:
        found = pa.array(trained.classes).take(pa.array(outputs.argmax(dim=1).numpy()))
    else:
        found = pa.array(outputs[:, 0].numpy())
    place = np.cumsum(inputs.kept.numpy()) - 1
    column = found.take(pa.array(place, mask=~inputs.kept.numpy()))
    table = inputs.table
    if table is None:
        table = pa.table({"image": pa.array(range(1, len(column) + 1))})
    name = f"predicted_{trained.target}"
    if name in table.column_names:
        raise OneLayerError(f"{source}: already has a column {name!r}; rename or drop it")
    return table.append_column(name, column)
