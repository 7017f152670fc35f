"""``onelayer compare``: the three ways, an MLP and PHM layers, side by side."""

from dataclasses import replace
from statistics import median
from typing import Annotated, Any

import typer

from onelayer.cli import options
from onelayer.cli.console import print_json, print_table, tracked


def compare(
    data: options.Data,
    target: options.Target = None,
    features: options.Features = None,
    missing: options.Missing = "error",
    task: options.Task = None,
    epochs: options.Epochs = 10,
    batch_size: options.BatchSize = 256,
    lr: options.LearningRate = 0.1,
    valid: options.Valid = None,
    hidden: options.Hidden = 256,
    phm_n: Annotated[str, typer.Option(metavar="A,B", help="The values of n to try.")] = "2,4,8",
    seed: options.Seed = 0,
    device: options.Device = "auto",
    as_json: options.Json = False,
) -> None:
    """Train each network on DATA and show its score, its parameters and its seconds an epoch."""
    from onelayer.experiments import prepare, train_prepared
    from onelayer.settings import Settings

    dataset = options.open_dataset(data, target, features, missing, None, task)
    base = Settings(
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        valid=valid,
        seed=seed,
        hidden=hidden,
        device=device,
    ).for_data(dataset)
    largest = max(dataset.n_features, dataset.n_outputs)
    grid = [
        replace(base, way="scratch"),
        replace(base, way="concise"),
        replace(base, way="fused"),
        *(replace(base, model="phm", way="concise", phm_n=n) for n in _numbers(phm_n) if n <= largest),
        replace(base, model="mlp", way="concise"),
    ]
    prepared = prepare(dataset, grid[0])
    results: list[dict[str, Any]] = []
    for settings in tracked(grid, "comparing"):
        run = train_prepared(prepared, settings)
        name = settings.model + (f" n={settings.phm_n}" if settings.model == "phm" else "")
        seconds = median(record.seconds for record in run.fit.history)
        results.append(
            {"model": name, "way": settings.way, "parameters": run.parameters}
            | run.scores
            | {"seconds_an_epoch": round(seconds, 6)}
        )
    if as_json:
        print_json({"data": dataset.name, "epochs": epochs, "results": results})
        return
    part = results[0]["evaluated_on"]
    score = f"{part}_accuracy" if dataset.classes else "r2"
    print_table(
        [
            "model",
            "way",
            "parameters",
            f"{part} {'accuracy' if dataset.classes else 'R²'}",
            "seconds an epoch",
        ],
        (
            (r["model"], r["way"], f"{r['parameters']:,}", f"{r[score]:.4f}", f"{r['seconds_an_epoch']:.4f}")
            for r in results
        ),
        left=2,
    )


def _numbers(text: str) -> list[int]:
    from onelayer.errors import OneLayerError

    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise OneLayerError(f"--phm-n {text}: expected whole numbers A,B,C") from None
