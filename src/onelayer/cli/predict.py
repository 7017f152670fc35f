"""``onelayer predict``: apply a trained model to new rows."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from onelayer.cli import options
from onelayer.cli.console import busy, counted, data_output, say


@options.with_groups
def predict(
    model: options.Model,
    data: options.Data,
    table: options.ReadingOptions,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="A .csv or .parquet file, which appears when it is complete; standard output if not given.",
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
    """Predict with MODEL for each row of DATA; DATA may be without the target or labels, and larger than memory.

    A table comes back with one more column; for images there is a row with the number of each image.
    """
    from onelayer.data.batches import CsvWriter, writer_for
    from onelayer.errors import OneLayerError
    from onelayer.files import whole_file
    from onelayer.model import Model
    from onelayer.predictions import Wanted, write_predictions

    writer_to = CsvWriter if out is None else writer_for(out)
    if out is not None and out.exists() and Path(data).exists() and out.samefile(data):
        raise OneLayerError(f"{out}: is the data themselves; write the predictions to another file")
    trained = Model.load(model)
    if proba and not trained.classes:
        raise OneLayerError("--proba is for classes; this model predicts a number")
    wanted = Wanted(trained, proba, interval, level)
    place = data_output() if out is None else whole_file(out)
    with place as file, busy(f"predicting {data}"), writer_to(file) as writer:
        written = write_predictions(wanted, data, writer, table.reading, unknown)
    if out is not None and out.is_file():  # a pipe or a terminal may be standard output itself
        say(f"wrote {counted(written.rows, 'prediction')} to {out}")
    for n, why in (
        (written.unknown, "a category that training did not have"),
        (written.missing, "a value is missing"),
    ):
        if n:
            say(f"{counted(n, 'row')} without a prediction: {why}", stderr=True)
