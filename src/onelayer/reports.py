"""What a training run leaves in its folder: the model, the history, and pictures of what was learned."""

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from onelayer import plots
from onelayer.experiments import Run
from onelayer.model import log_softmax
from onelayer.run_folder import CHECKPOINT_FILE, HISTORY_FILE, MODEL_FILE, replace_run
from onelayer.scoring import confusion_counts

WORST = 20
ROWS_OF = {"test": "test rows", "valid": "held-out rows", "train": "training rows"}


def write(run: Run, folder: Path, checkpoint: bytes | None = None) -> list[str]:
    """Put everything that a run leaves in the place of an earlier run, and return the names of the results.

    ``checkpoint`` is the content of its last checkpoint.

    Raises:
        OneLayerError: if a file cannot be written; then none is.
    """
    files = {MODEL_FILE: run.model.to_bytes()}
    if run.history.epochs:
        files[HISTORY_FILE] = history_csv(run).encode()
    files |= {name: plots.png(figure) for name, figure in pictures(run).items()}
    replace_run(folder, files | ({CHECKPOINT_FILE: checkpoint} if checkpoint else {}))
    return list(files)


def history_csv(run: Run) -> str:
    """Return the history as CSV: one row an epoch; columns without values are left out."""
    held_out = run.prepared.held_out_name
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    records = [vars(record) for record in run.history.epochs]
    columns = [name for name, value in records[0].items() if value is not None]
    writer.writerow(column.replace("held_out", held_out) for column in columns)
    writer.writerows([record[column] for column in columns] for record in records)
    return text.getvalue()


def pictures(run: Run) -> dict[str, Figure]:
    """Return the figures that fit the run, by file name."""
    figures = {}
    held_out = run.prepared.held_out_name
    if run.history.epochs:
        figures["curve.png"] = plots.curve(run.history.epochs, held_out)
    part, rows = run.prepared.judged_by
    name = ROWS_OF[part]
    X, y = rows.X, rows.y
    outputs = run.model.outputs(X)
    if not run.model.classes:
        prediction, target = outputs[:, 0], y[:, 0]
        figures["predicted.png"] = plots.predicted_against_true(prediction, target, run.model.target, name)
        figures["residuals.png"] = plots.residuals(prediction, target, run.model.target, name)
        return figures
    shape, classes = run.model.image_shape, run.model.classes
    if shape and run.model.hidden_weight is None:
        figures["templates.png"] = plots.templates(run.model.weight, shape, classes)
    predicted = outputs.argmax(axis=1)
    counts = confusion_counts(y, predicted, len(classes))
    figures["confusion.png"] = plots.confusion(counts, classes, name)
    if shape and (predicted != y).any():
        figures["mistakes.png"] = _mistakes(X, y, outputs, classes, shape)
    return figures


def _mistakes(
    X: NDArray[Any],
    y: NDArray[Any],
    outputs: NDArray[np.float64],
    classes: tuple[str, ...],
    shape: tuple[int, int],
) -> Figure:
    """Draw the wrong answers that the model was surest of: true class → predicted, with its probability."""
    predicted, probability = outputs.argmax(axis=1), np.exp(log_softmax(outputs).max(axis=1))
    wrong = (predicted != y).nonzero()[0]
    worst = wrong[np.argsort(-probability[wrong], kind="stable")[:WORST]]
    titles = [f"{classes[y[i]]}\n→ {classes[predicted[i]]} {probability[i]:.0%}" for i in worst]
    return plots.images(X[worst], shape, titles)
