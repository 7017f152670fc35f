"""``onelayer tune``: choose the learning rate and batch size on held-out rows."""

import math
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from onelayer.cli import options
from onelayer.cli.console import decimal, print_json, print_table, say, tracked

if TYPE_CHECKING:
    from onelayer.preparing import Prepared
    from onelayer.settings import Plan

POINTS_A_DECADE = 2


@options.with_table_options
def tune(
    data: options.Data,
    table: options.TableOptions,
    model: options.ModelKind = None,
    task: options.Task = None,
    lr: Annotated[
        str, typer.Option("--lr", metavar="LOW:HIGH", help="The range of learning rates, or a list A,B,C.")
    ] = "1e-4:1",
    batch_size: Annotated[str, typer.Option(metavar="A,B", help="The batch sizes.")] = "32,256",
    epochs: Annotated[int, typer.Option(help="Passes over the training rows.")] = 5,
    valid: Annotated[float, typer.Option(help="Share of the training rows to hold out.")] = 0.2,
    hidden: options.Hidden = 256,
    phm_n: options.PhmN = 2,
    seed: options.Seed = 0,
    device: options.Device = None,
    as_json: options.Json = False,
) -> None:
    """Try learning rates and batch sizes on DATA and rank them by the loss on held-out training rows.

    A test set stays untouched.
    """
    from onelayer.errors import OneLayerError
    from onelayer.preparing import prepare
    from onelayer.settings import Settings
    from onelayer.sgd_runs import stable_lr

    dataset = table.open(data, model, task)
    plan = Settings(
        model=model,
        epochs=epochs,
        valid=valid,
        seed=seed,
        hidden=hidden,
        phm_n=phm_n,
        device=device,
    ).for_data(dataset)
    if not valid:
        raise OneLayerError("tuning needs rows to judge by: --valid must be above 0")
    rates = _rates(lr)
    grid = [
        replace(plan, lr=rate, batch_size=size)
        for size in options.whole_numbers("--batch-size", batch_size)
        for rate in rates
    ]
    prepared = prepare(dataset, plan)
    limit = stable_lr(prepared, plan)
    trials = [_trial(prepared, candidate) for candidate in tracked(grid, "tuning")]
    trials.sort(key=lambda trial: math.inf if trial["valid_loss"] is None else trial["valid_loss"])
    best = trials[0]
    if best["diverged"]:
        raise OneLayerError(f"every learning rate diverged; try some below {min(limit, *rates) / 2:.1g}")
    if as_json:
        print_json(
            {
                "data": dataset.name,
                "model": plan.model,
                "stable_lr": limit if math.isfinite(limit) else None,
                "best": best,
                "trials": trials,
            }
        )
        return
    _print_trials(trials)
    say(f"largest stable learning rate, 2/λ_max at the start: {limit:.3g}")
    say(f"best: --lr {best['lr']:g} --batch-size {best['batch_size']}")


def _trial(prepared: "Prepared", plan: "Plan") -> dict[str, Any]:
    """Train once; a run that diverges has no losses."""
    from onelayer.errors import DivergenceError
    from onelayer.sgd_runs import descend

    about = {"lr": plan.lr, "batch_size": plan.batch_size}
    try:
        last = descend(prepared, plan)[1].epochs[-1]
    except DivergenceError:
        return about | {"diverged": True, "train_loss": None, "valid_loss": None, "valid_accuracy": None}
    return about | {
        "diverged": False,
        "train_loss": last.train_loss,
        "valid_loss": last.held_out_loss,
        "valid_accuracy": last.held_out_accuracy,
    }


def _print_trials(trials: list[dict[str, Any]]) -> None:
    has_accuracy = any(trial["valid_accuracy"] is not None for trial in trials)
    columns = ["lr", "batch size", "train loss", "valid loss", *(["valid accuracy"] if has_accuracy else [])]
    rows = []
    for trial in trials:
        values = [trial["train_loss"], trial["valid_loss"], trial["valid_accuracy"]][: 2 + has_accuracy]
        cells = ["diverged" if trial["diverged"] else decimal(value) for value in values]
        rows.append([f"{trial['lr']:g}", f"{trial['batch_size']}", *cells])
    print_table(columns, rows, left=0)


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
