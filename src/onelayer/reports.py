"""What a training run leaves in its folder: the model, the history, and pictures of what was learned."""

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from onelayer import checkpoints, plots
from onelayer.experiments import Run
from onelayer.files import write_whole
from onelayer.model import MODEL_FILE, log_softmax
from onelayer.scoring import confusion_counts

HISTORY_FILE = "history.csv"
WORST = 20
ROWS_OF = {"test": "test rows", "valid": "held-out rows", "train": "training rows"}


def write(run: Run, folder: Path) -> list[str]:
    """Write everything that a run leaves, drop what only an earlier run left, and return the file names.

    Raises:
        OneLayerError: if a file cannot be written; then none is.
    """
    files = {MODEL_FILE: run.model.to_bytes()}
    if run.fit.history:
        files[HISTORY_FILE] = history_csv(run).encode()
    files |= {name: plots.png(figure) for name, figure in pictures(run).items()}
    write_whole({folder / name: content for name, content in files.items()})
    of_sgd = set() if run.fit.history else {HISTORY_FILE, checkpoints.FILE}
    for stale in (of_sgd | set(_PICTURES)) - files.keys():
        (folder / stale).unlink(missing_ok=True)
    return list(files)


_PICTURES = (
    "curve.png",
    "templates.png",
    "confusion.png",
    "mistakes.png",
    "predicted.png",
    "residuals.png",
)


def history_csv(run: Run) -> str:
    """Return the history as CSV: one row an epoch; columns without values are left out."""
    held_out = run.prepared.held_out_name
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    records = [vars(record) for record in run.fit.history]
    columns = [name for name, value in records[0].items() if value is not None]
    writer.writerow(column.replace("held_out", held_out) for column in columns)
    writer.writerows([record[column] for column in columns] for record in records)
    return text.getvalue()


def pictures(run: Run) -> dict[str, Figure]:
    """Return the figures that fit the run, by file name."""
    figures = {}
    held_out = run.prepared.held_out_name
    if run.fit.history:
        figures["curve.png"] = plots.curve(run.fit.history, held_out)
    part, rows = run.prepared.judged_by
    name = ROWS_OF[part]
    X, y = np.asarray(rows.X), np.asarray(rows.y)
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
