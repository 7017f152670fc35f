"""``onelayer evaluate``: measure a trained model on data."""

from onelayer.cli import options
from onelayer.cli.console import busy, decimal, print_json, print_table, say


@options.with_table_options
def evaluate(
    model: options.Model, data: options.Data, table: options.ReadingOptions, as_json: options.Json = False
) -> None:
    """Measure MODEL on DATA: the test images of a folder, or every row of a table."""
    from onelayer.inputs import labelled_inputs_for
    from onelayer.model import Model
    from onelayer.scoring import classification_scores, regression_scores

    trained = Model.load(model)
    with busy(f"reading {data}"):
        X, y = labelled_inputs_for(trained, data, table.reading)
    about = {"model": str(model), "data": data, "rows": len(y)}
    if not trained.classes:
        scores = regression_scores(trained, X, y)
        if as_json:
            print_json(about | scores)
        else:
            say(f"R² {decimal(scores['r2'])}, RMSE {scores['rmse']:,.6g} on {len(y):,} rows")
        return
    results = classification_scores(trained, X, y)
    if as_json:
        print_json(about | results)
        return
    print_table(
        ["class", "rows", "right"],
        (
            (name, f"{entry['rows']:,}", decimal(entry["accuracy"]))
            for name, entry in results["classes"].items()
        ),
    )
    say(f"accuracy {results['accuracy']:.4f}, loss {results['loss']:.4f} on {len(y):,} rows")
