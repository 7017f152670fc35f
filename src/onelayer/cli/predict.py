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
    if out is not None and out.resolve() == Path(data).resolve():
        raise OneLayerError(f"{out}: is the data themselves; write the predictions to another file")
    with busy(f"predicting {data}"):
        trained = TrainedModel.load(model)
        rows, found = predictions(trained, data)
        name = f"predicted_{trained.target}"
        if out is not None and out.suffix == ".parquet":
            content = _parquet(rows, name, found)
        else:
            content = _csv(rows, name, found, data)
    if out is None:
        sys.stdout.buffer.write(content)
    else:
        write_whole({out: content})
        print(f"wrote {len(found):,} predictions to {out}")


def predictions(trained: "TrainedModel", source: str) -> "tuple[pa.Table, pa.Array]":
    """Return the rows of a source and what is predicted for each; null where a row is incomplete."""
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
    if f"predicted_{trained.target}" in table.column_names:
        raise OneLayerError(f"{source}: already has a column 'predicted_{trained.target}'; rename or drop it")
    return table, column


def _parquet(rows: "pa.Table", name: str, found: "pa.Array") -> bytes:
    from io import BytesIO

    import pyarrow.parquet

    buffer = BytesIO()
    pyarrow.parquet.write_table(rows.append_column(name, found), buffer)
    return buffer.getvalue()


def _csv(rows: "pa.Table", name: str, found: "pa.Array", source: str) -> bytes:
    """Return the rows as CSV. Those of a CSV file stay as they stand there: 007 and NA are the user's."""
    import csv
    from io import StringIO

    from onelayer.data.tables import is_delimited, read_text

    if is_delimited(source):
        rows = read_text(Path(source))
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([*rows.column_names, name])
    for batch in rows.append_column(name, found).to_batches(max_chunksize=10_000):
        writer.writerows(zip(*(column.to_pylist() for column in batch.columns), strict=True))
    return text.getvalue().encode()
