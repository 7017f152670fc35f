"""The files of a finished run: the model, the history, the page, and the last checkpoint."""

import csv
from io import StringIO
from pathlib import Path

from onelayer.experiments import Run
from onelayer.reports.findings import NOTHING_MORE, Extras, findings
from onelayer.reports.page import page
from onelayer.reports.words import Language
from onelayer.run_folder import CHECKPOINT_FILE, HISTORY_FILE, MODEL_FILE, REPORT_FILE, replace_run


def write(
    run: Run,
    folder: Path,
    checkpoint: bytes | None = None,
    extras: Extras = NOTHING_MORE,
    language: Language = "en",
) -> list[str]:
    """Put everything that a run leaves in the place of an earlier run, and return the names of the results.

    Args:
        run: a finished run.
        folder: where to.
        checkpoint: the content of its last checkpoint.
        extras: what the page tells besides.
        language: of the page.

    Raises:
        OneLayerError: if a file cannot be written; then none is.
    """
    files = {MODEL_FILE: run.model.to_bytes()}
    if run.history.epochs:
        files[HISTORY_FILE] = history_csv(run).encode()
    files[REPORT_FILE] = page(findings(run, extras), language).encode()
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
