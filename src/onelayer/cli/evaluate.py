"""``onelayer evaluate``: measure a trained model on data."""

from typing import TYPE_CHECKING, Any

from onelayer.cli import options
from onelayer.cli.console import busy, decimal, print_json, print_table, say

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from onelayer.model import Model


@options.with_table_options
def evaluate(
    model: options.Model, data: options.Data, table: options.ReadingOptions, as_json: options.Json = False
) -> None:
    """Measure MODEL on DATA: the test images of a folder, or every row of a table; in brackets, 95% intervals."""
    from onelayer.inputs import labelled_inputs_for
    from onelayer.model import Model

    trained = Model.load(model)
    with busy(f"reading {data}"):
        rows = labelled_inputs_for(trained, data, table.reading)
        outputs = trained.outputs(rows.X, rows.offset)
    about = {"model": str(model), "data": data, "rows": len(rows)}
    if trained.classes:
        _of_classes(trained, outputs, rows.y, about, as_json)
    else:
        _of_numbers(outputs, rows.y, about, as_json)


def _of_numbers(outputs: "NDArray[Any]", y: "NDArray[Any]", about: dict[str, Any], as_json: bool) -> None:
    from onelayer.diagnostics import LEVEL, r2_interval, rmse_interval
    from onelayer.scoring import regression_scores

    scores, errors = regression_scores(outputs, y), (outputs - y)[:, 0]
    intervals = {"r2": r2_interval(errors, y[:, 0]), "rmse": rmse_interval(errors)}
    if as_json:
        print_json(about | scores | {"level": LEVEL, "intervals": _plain(intervals)})
        return
    r2, rmse = (_range(intervals[name], ",.6g" if name == "rmse" else ".4f") for name in ("r2", "rmse"))
    say(f"R² {decimal(scores['r2'])}{r2}, RMSE {scores['rmse']:,.6g}{rmse} on {len(y):,} rows")


def _of_classes(
    model: "Model", outputs: "NDArray[Any]", y: "NDArray[Any]", about: dict[str, Any], as_json: bool
) -> None:
    from onelayer.diagnostics import LEVEL, wilson
    from onelayer.scoring import classification_scores

    results = classification_scores(outputs, y, model.classes)
    interval = wilson(round(results["accuracy"] * len(y)), len(y))
    if as_json:
        print_json(about | results | {"level": LEVEL, "intervals": _plain({"accuracy": interval})})
        return
    print_table(
        ["class", "rows", "right"],
        (
            (name, f"{entry['rows']:,}", decimal(entry["accuracy"]))
            for name, entry in results["classes"].items()
        ),
    )
    shown = _range(interval, ".4f")
    say(f"accuracy {results['accuracy']:.4f}{shown}, loss {results['loss']:.4f} on {len(y):,} rows")


def _plain(intervals: "dict[str, NDArray[Any] | None]") -> dict[str, list[float] | None]:
    return {name: None if ends is None else ends.tolist() for name, ends in intervals.items()}


def _range(interval: "NDArray[Any] | None", form: str) -> str:
    """Return the ends of a 95% interval in brackets; nothing if there is none."""
    return "" if interval is None else f" ({interval[0]:{form}} to {interval[1]:{form}})"
