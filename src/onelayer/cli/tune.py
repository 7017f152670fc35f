"""``onelayer tune``: choose the learning rate and batch size on held-out rows."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onelayer.cli import options
from onelayer.cli.console import decimal, print_json, print_table, say, tracked

if TYPE_CHECKING:
    from onelayer.data import Dataset
    from onelayer.preparing import Prepared
    from onelayer.settings import Plan

POINTS_A_DECADE = 2
DIVERGED: dict[str, Any] = {"diverged": True, "loss": None, "accuracy": None, "spread": None}


@options.with_groups
def tune(
    data: options.DataOrQuery = None,
    *,
    table: options.TableOptions,
    model: options.ModelKind = None,
    task: options.Task = None,
    lr: Annotated[
        str, typer.Option("--lr", metavar="LOW:HIGH", help="The range of learning rates, or a list A,B,C.")
    ] = "1e-4:1",
    batch_size: Annotated[str, typer.Option(metavar="A,B", help="The batch sizes.")] = "32,256",
    epochs: Annotated[int, typer.Option(help="Passes over the training rows.")] = 5,
    valid: Annotated[
        float | None,
        typer.Option(
            help="Share of the training rows to hold out. If not given, 0.2 of images, and tables are cross-validated."
        ),
    ] = None,
    hidden: options.Hidden = 256,
    phm_n: options.PhmN = 2,
    seed: options.Seed = 0,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Try learning rates and batch sizes on DATA and rank them by the loss on training rows that were left out.

    A test set stays untouched.
    """
    from onelayer.errors import OneLayerError
    from onelayer.learning import stable_lr
    from onelayer.preparing import prepare
    from onelayer.settings import Settings

    dataset = table.open(data, model, task)
    is_validated = dataset.encoding is not None and valid is None
    plan = Settings(
        model=model,
        solver="sgd",
        epochs=epochs,
        valid=0.0 if is_validated else 0.2 if valid is None else valid,
        seed=seed,
        hidden=hidden,
        phm_n=phm_n,
        device=device,
    ).for_data(dataset)
    if valid == 0:
        raise OneLayerError("tuning needs rows to judge by: --valid must be above 0")
    rates = _rates(lr)
    grid = [
        replace(plan, lr=rate, batch_size=size)
        for size in options.whole_numbers("--batch-size", batch_size)
        for rate in rates
    ]
    prepared = prepare(dataset, plan)
    limit = stable_lr(prepared, plan)
    trials = [
        _validated(dataset, candidate) if is_validated else _held_out(prepared, candidate)
        for candidate in tracked(grid, "tuning")
    ]
    trials.sort(key=lambda trial: math.inf if trial["loss"] is None else trial["loss"])
    best = trials[0]
    if best["diverged"]:
        raise OneLayerError(f"every learning rate diverged; try some below {min(limit, *rates) / 2:.1g}")
    if as_json:
        print_json(
            {
                "data": dataset.name,
                "model": plan.model,
                "judged_by": "folds" if is_validated else "valid",
                "stable_lr": limit,
                "best": best,
                "trials": trials,
            }
        )
        return
    _print_trials(trials)
    say(f"largest stable learning rate, 2/λ_max at the start: {limit:.3g}")
    say(f"best: --lr {best['lr']:g} --batch-size {best['batch_size']}")


def _held_out(prepared: "Prepared", plan: "Plan") -> dict[str, Any]:
    """Train once and measure on the rows held out; a run that diverges has no loss."""
    from onelayer.errors import DivergenceError
    from onelayer.learning import descend

    about = {"lr": plan.lr, "batch_size": plan.batch_size}
    try:
        last = descend(prepared, plan)[1].epochs[-1]
    except DivergenceError:
        return about | DIVERGED
    accuracy = last.held_out_accuracy
    return about | {"diverged": False, "loss": last.held_out_loss, "accuracy": accuracy, "spread": None}


def _validated(dataset: "Dataset", plan: "Plan") -> dict[str, Any]:
    """Cross-validate; the loss of numbers is their root mean squared error, in the target's unit."""
    from onelayer.cross_validation import cross_validate
    from onelayer.errors import DivergenceError, OneLayerError

    about = {"lr": plan.lr, "batch_size": plan.batch_size}
    try:
        found = cross_validate(dataset, plan)
    except DivergenceError:
        return about | DIVERGED
    if found is None:
        raise OneLayerError(f"{dataset.name}: has too few rows to tune on")
    name = "loss" if dataset.classes else "rmse"
    scores = {"loss": found.scores[name], "accuracy": found.scores.get("accuracy")}
    return about | {"diverged": False, **scores, "spread": found.spread.get(name)}


def _print_trials(trials: list[dict[str, Any]]) -> None:
    names = ("loss", "spread", "accuracy")
    shown = [name for name in names if any(trial[name] is not None for trial in trials)]
    titles = {"loss": "loss", "spread": "± over folds", "accuracy": "accuracy"}
    rows = []
    for trial in trials:
        cells = ["diverged" if trial["diverged"] else decimal(trial[name]) for name in shown]
        rows.append([f"{trial['lr']:g}", f"{trial['batch_size']}", *cells])
    print_table(["lr", "batch size", *(titles[name] for name in shown)], rows, left=0)


def _rates(text: str) -> list[float]:
    """Read a list A,B,C, or LOW:HIGH as a geometric grid with both ends."""
    from onelayer.errors import OneLayerError

    try:
        if ":" not in text:
            return [float(part) for part in text.split(",")]
        low, high = (float(part) for part in text.split(":"))
        if not 0 < low < high < math.inf:
            raise ValueError
        start, decades = math.log10(low), math.log10(high) - math.log10(low)
        steps = max(1, round(POINTS_A_DECADE * decades))
        return [float(f"{10 ** (start + decades * i / steps):.2g}") for i in range(steps + 1)]
    except ValueError:
        raise OneLayerError(f"--lr {text}: expected LOW:HIGH, such as 1e-4:1, or numbers A,B,C") from None
