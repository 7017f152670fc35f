"""``onelayer evaluate``: measure a trained model on data."""

from onelayer.cli import options
from onelayer.cli.console import busy, decimal, print_json, print_table


def evaluate(model: options.Model, data: options.Data, as_json: options.Json = False) -> None:
    """Measure MODEL on DATA: the test images of a folder, or every row of a table."""
    from onelayer.artifacts import TrainedModel
    from onelayer.inference import labelled_rows_for
    from onelayer.scoring import classification_scores, regression_scores

    trained = TrainedModel.load(model)
    with busy(f"reading {data}"):
        rows = labelled_rows_for(trained, data)
    about = {"model": str(model), "data": data, "rows": len(rows)}
    if not trained.classes:
        scores = regression_scores(trained, rows)
        if as_json:
            print_json(about | scores)
        else:
            print(f"R² {decimal(scores['r2'])}, RMSE {scores['rmse']:,.6g} on {len(rows):,} rows")
        return
    results = classification_scores(trained, rows)
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
    print(f"accuracy {results['accuracy']:.4f}, loss {results['loss']:.4f} on {len(rows):,} rows")
