"""``onelayer compare``: the three ways, an MLP and PHM layers, side by side."""

from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onelayer.cli import options
from onelayer.cli.console import decimal, print_json, print_table, tracked

if TYPE_CHECKING:
    from onelayer.preparing import Prepared
    from onelayer.settings import Plan


@options.with_table_options
def compare(
    data: options.Data,
    table: options.TableOptions,
    task: options.Task = None,
    epochs: Annotated[int, typer.Option(help="Passes over the training rows.")] = 10,
    batch_size: options.BatchSize = None,
    lr: options.LearningRate = None,
    valid: options.Valid = None,
    hidden: options.Hidden = 256,
    phm_n: Annotated[str, typer.Option(metavar="A,B", help="The values of n to try.")] = "2,4,8",
    seed: options.Seed = 0,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Train each network on DATA and show its score, its parameters and its seconds an epoch."""
    from onelayer.preparing import prepare
    from onelayer.settings import Settings

    dataset = table.open(data, None, task)
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
        *(
            replace(base, model="phm", way="concise", phm_n=n)
            for n in options.whole_numbers("--phm-n", phm_n)
            if n <= largest
        ),
        replace(base, model="mlp", way="concise"),
    ]
    prepared = prepare(dataset, base)
    results = [_result(prepared, plan) for plan in tracked(grid, "comparing")]
    if as_json:
        print_json({"data": dataset.name, "epochs": epochs, "results": results})
        return
    part = results[0].get("evaluated_on", "test")
    key, title = (f"{part}_accuracy", f"{part} accuracy") if dataset.classes else ("r2", f"{part} R²")
    print_table(
        ["model", "way", "parameters", title, "seconds an epoch"],
        (
            (
                r["model"],
                r["way"],
                f"{r['parameters']:,}",
                "diverged" if r["diverged"] else decimal(r[key]),
                decimal(r["seconds_an_epoch"]),
            )
            for r in results
        ),
        left=2,
    )


def _result(prepared: "Prepared", plan: "Plan") -> dict[str, Any]:
    """Train one network; one that diverges has no scores."""
    from onelayer.errors import DivergenceError
    from onelayer.experiments import train_prepared
    from onelayer.models import parameter_count
    from onelayer.sgd_runs import build

    name = f"phm n={plan.phm_n}" if plan.model == "phm" else plan.model
    about = {
        "model": name,
        "way": plan.way,
        "parameters": parameter_count(build(plan, prepared.dataset)),
    }
    try:
        run = train_prepared(prepared, plan)
    except DivergenceError:
        return about | {"diverged": True, "seconds_an_epoch": None}
    seconds = median(record.seconds for record in run.history.epochs)
    return about | {"diverged": False, **run.scores, "seconds_an_epoch": round(seconds, 6)}
