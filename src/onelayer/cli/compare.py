"""``onelayer compare``: the exact solution, SGD three ways, an MLP and PHM layers, side by side."""

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onelayer.cli import options
from onelayer.cli.console import decimal, print_json, print_table, tracked

if TYPE_CHECKING:
    from onelayer.data import Dataset
    from onelayer.settings import Plan


@options.with_groups
def compare(
    data: options.DataOrQuery = None,
    *,
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
    """Train each network on DATA and rank them by their scores on rows that they have not seen.

    Those are the test rows of images, and of a table each fifth of its rows in turn (cross-validation), unless --valid
    says how many to hold out.
    """
    from onelayer.settings import Settings

    dataset = table.open(data, None, task)
    base = Settings(
        solver="sgd",
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        valid=valid,
        seed=seed,
        hidden=hidden,
        device=device,
    ).for_data(dataset)
    is_table = dataset.encoding is not None
    largest = max(dataset.n_features, dataset.n_outputs)
    grid = [
        *([Settings(seed=seed, valid=valid).for_data(dataset)] if is_table and task is None else []),
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
    measure = _validated if is_table and valid is None else _held_out
    results = [measure(dataset, plan) for plan in tracked(grid, "comparing")]
    key = "accuracy" if dataset.classes else "r2"
    results.sort(
        key=lambda result: -inf if result["diverged"] or result[key] is None else result[key], reverse=True
    )
    if as_json:
        print_json({"data": dataset.name, "epochs": epochs, "results": results})
        return
    title = {"accuracy": "accuracy", "r2": "R²"}[key]
    print_table(
        ["model", "solver", "parameters", title, "± over folds", "seconds"],
        (
            (
                r["model"],
                r["way"] or "exact",
                f"{r['parameters']:,}",
                "diverged" if r["diverged"] else decimal(r[key]),
                decimal(r["spread"].get(key)),
                decimal(r["seconds"]),
            )
            for r in results
        ),
        left=2,
    )


def _about(dataset: "Dataset", plan: "Plan") -> dict[str, Any]:
    from onelayer.models import parameter_count
    from onelayer.sgd_runs import build

    return {
        "model": f"phm n={plan.phm_n}" if plan.model == "phm" else plan.model,
        "solver": plan.solver,
        "way": None if plan.is_exact else plan.way,
        "parameters": parameter_count(build(plan, dataset)),
    }


def _validated(dataset: "Dataset", plan: "Plan") -> dict[str, Any]:
    """Cross-validate one network; one that diverges has no scores."""
    from onelayer.cross_validation import cross_validate
    from onelayer.errors import DivergenceError, OneLayerError
    from onelayer.timer import Timer

    timer = Timer()
    try:
        found = cross_validate(dataset, plan)
    except DivergenceError:
        return _about(dataset, plan) | {"diverged": True, "spread": {}, "seconds": None}
    if found is None:
        raise OneLayerError(f"{dataset.name}: has too few rows to compare by; give --valid 0")
    seconds = round(timer.stop(), 6)
    none = dict.fromkeys(() if dataset.classes else ("r2",))
    scores = none | found.scores | {"spread": found.spread, "seconds": seconds}
    return _about(dataset, plan) | {"diverged": False, "evaluated_on": "folds"} | scores


def _held_out(dataset: "Dataset", plan: "Plan") -> dict[str, Any]:
    """Train one network and measure it on the rows held out; one that diverges has no scores."""
    from onelayer.errors import DivergenceError
    from onelayer.experiments import train_prepared
    from onelayer.preparing import prepare

    about = _about(dataset, plan)
    try:
        run = train_prepared(prepare(dataset, plan), plan)
    except DivergenceError:
        return about | {"diverged": True, "spread": {}, "seconds": None}
    part = run.scores["evaluated_on"]
    key = "accuracy" if dataset.classes else "r2"
    score = run.scores.get(f"{part}_accuracy") if key == "accuracy" else run.scores["r2"]
    return about | {
        "diverged": False,
        **run.scores,
        key: score,
        "spread": {},
        "seconds": round(run.seconds["fit"], 6),
    }
