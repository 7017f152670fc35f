"""``onelayer evaluate``: measure a trained model on data."""

from typing import TYPE_CHECKING, Any

from onelayer.cli import far, options
from onelayer.cli.console import busy, decimal, print_json, print_table, say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from onelayer.evaluation import Evaluation


@options.with_groups
def evaluate(
    model: options.Model,
    data: options.Data,
    table: options.ReadingOptions,
    where: far.Far,
    as_json: options.Json = False,
) -> None:
    """Measure MODEL on DATA: the test images of a folder, or every row of a table; in brackets, 95% intervals.

    A table may be larger than memory.
    """
    from onelayer import evaluation
    from onelayer.diagnostics import LEVEL
    from onelayer.inputs import labelled_rows, labelled_scan
    from onelayer.model import Model

    trained = Model.load(model)
    if where.is_asked:
        with where.rows(lambda memory: labelled_scan(trained, data, table.reading, memory)) as rows:
            found = evaluation.evaluate(rows, trained)
    else:
        with busy(f"reading {data}"):
            found = evaluation.evaluate(labelled_rows(trained, data, table.reading), trained)
    if as_json:
        about = {"model": str(model), "data": data, "rows": found.rows}
        intervals = {name: None if ends is None else ends.tolist() for name, ends in found.intervals.items()}
        print_json(about | found.scores | {"level": LEVEL, "intervals": intervals})
    else:
        (_print_of_classes if trained.classes else _print_of_numbers)(found)


def _print_of_numbers(found: "Evaluation") -> None:
    r2, rmse = _range(found.intervals["r2"], ".4f"), _range(found.intervals["rmse"], ",.6g")
    scores = f"R² {decimal(found.scores['r2'])}{r2}, RMSE {found.scores['rmse']:,.6g}{rmse}"
    say(f"{scores} on {found.rows:,} rows")


def _print_of_classes(found: "Evaluation") -> None:
    scores = found.scores
    print_table(
        ["class", "rows", "right"],
        (
            (name, f"{entry['rows']:,}", decimal(entry["accuracy"]))
            for name, entry in scores["classes"].items()
        ),
    )
    shown = _range(found.intervals["accuracy"], ".4f")
    say(f"accuracy {scores['accuracy']:.4f}{shown}, loss {scores['loss']:.4f} on {found.rows:,} rows")


def _range(interval: "NDArray[Any] | None", form: str) -> str:
    """Return the ends of a 95% interval in brackets; nothing if there is none."""
    return "" if interval is None else f" ({interval[0]:{form}} to {interval[1]:{form}})"
