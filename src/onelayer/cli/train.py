"""``onelayer train``: train a model, show what it learned, and keep it."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from onelayer.cli import options
from onelayer.cli.console import EpochPrinter, busy, decimal, print_json, print_table, say
from onelayer.timer import Timer

if TYPE_CHECKING:
    from onelayer.data import Dataset
    from onelayer.experiments import Run
    from onelayer.settings import Plan, Settings

MOST_COEFFICIENTS = 40


def train(
    data: options.Data,
    target: options.Target = None,
    features: options.Features = None,
    categorical: options.Categorical = None,
    missing: options.Missing = "error",
    model: options.ModelKind = None,
    task: options.Task = None,
    transpose: options.Transpose = False,
    way: Annotated[
        Literal["fused", "scratch", "concise"] | None,
        typer.Option(help="The implementation; fused if not given, concise for mlp and phm."),
    ] = None,
    solver: Annotated[
        Literal["auto", "direct", "newton", "lbfgs", "sgd", "exact"],
        typer.Option(
            help="sgd, or the exact minimum: direct for numbers, newton or lbfgs for classes, auto for what suits; "
            "exact is an old name of auto."
        ),
    ] = "sgd",
    c: Annotated[
        float,
        typer.Option(
            "--C", help="exact softmax regression: weight of the data against ½‖W‖², as in scikit-learn."
        ),
    ] = 1.0,
    epochs: options.Epochs = 10,
    batch_size: options.BatchSize = 256,
    lr: options.LearningRate = 0.1,
    valid: options.Valid = None,
    hidden: options.Hidden = 256,
    phm_n: options.PhmN = 2,
    seed: options.Seed = 0,
    device: options.Device = "auto",
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where to; runs/DATA-MODEL if not given. Replaces an earlier run."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an earlier run stopped.")] = False,
    as_json: options.Json = False,
) -> None:
    """Train on DATA and write the model, its history and pictures to a folder."""
    timer = Timer()
    with busy(f"reading {data}"):
        from onelayer.settings import Settings

        dataset = options.open_dataset(data, target, features, categorical, missing, model, task, transpose)
    chosen = Settings(
        model=model,
        way=way,
        solver=solver,
        C=c,
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        valid=valid,
        seed=seed,
        hidden=hidden,
        phm_n=phm_n,
        device=device,
    )
    plan = _plan(chosen, dataset)
    folder = out or Path("runs") / f"{dataset.name}-{plan.model}"
    seconds = {"load": timer.stop()}
    if not as_json:
        _print_plan(dataset, plan)
    run, files = _train_into(folder, dataset, plan, resume, as_json)
    seconds |= run.seconds
    if as_json:
        print_json(summary(run, seconds, folder))
    else:
        _print_result(run, seconds)
        say(f"wrote {folder}/: {', '.join(files)}")


def _plan(settings: "Settings", dataset: "Dataset") -> "Plan":
    """Return what the settings mean for the data; an old name among them is said in a line of its own."""
    with warnings.catch_warnings(record=True) as old_names:
        warnings.simplefilter("always", FutureWarning)
        plan = settings.for_data(dataset)
    for warning in old_names:
        say(f"warning: {warning.message}", stderr=True)
    return plan


def summary(run: "Run", seconds: dict[str, float], folder: Path) -> dict[str, Any]:
    """Return what ``--json`` prints."""
    plan = run.plan
    return {
        "data": run.model.data,
        "model": plan.model,
        "way": None if plan.is_exact else plan.way,
        "solver": plan.solver,
        "epochs": len(run.history.epochs),
        "parameters": run.parameters,
        **run.scores,
        "seconds": {stage: round(value, 6) for stage, value in seconds.items()},
        "out": str(folder),
    }


def _train_into(
    folder: Path, dataset: "Dataset", plan: "Plan", resume: bool, quiet: bool
) -> "tuple[Run, list[str]]":
    """Train with checkpoints in ``folder`` and write the report there."""
    from onelayer import experiments
    from onelayer.preparing import prepare
    from onelayer.run_folder import CHECKPOINT_FILE, run_folder

    with run_folder(folder):
        prepared = prepare(dataset, plan)
        checkpoint = experiments.checkpoint_for(prepared, plan, folder / CHECKPOINT_FILE)
        if resume and checkpoint and checkpoint.source is None:
            say(f"there is nothing to resume in {folder}: training from the first epoch", stderr=True)
        held_out = "valid" if plan.valid else "test"
        try:
            with EpochPrinter(plan.epochs, held_out, quiet) as on_epoch:
                run = experiments.train_prepared(
                    prepared, plan, checkpoint=checkpoint, resume=resume, on_epoch=on_epoch
                )
        except KeyboardInterrupt:
            if checkpoint:
                say(stderr=True)
                say("interrupted; the same command with --resume goes on", stderr=True)
            raise
        return run, _write_report(run, folder, checkpoint.latest if checkpoint else None)


def _write_report(run: "Run", folder: Path, checkpoint: bytes | None) -> list[str]:
    from onelayer.errors import OneLayerError

    with busy("drawing"):
        from onelayer import reports  # matplotlib takes half a second: not before training

        try:
            return reports.write(run, folder, checkpoint)
        except OneLayerError as error:
            if checkpoint is None:
                raise
            raise OneLayerError(
                f"{error}; once that is mended, --resume finishes without training again"
            ) from error


def _print_plan(dataset: "Dataset", plan: "Plan") -> None:
    rows = f"{len(dataset.train):,} rows"
    if dataset.test is not None:
        rows += f" and {len(dataset.test):,} to test"
    goal = f"{len(dataset.classes)} classes" if dataset.classes else f"predict {dataset.target}"
    say(f"{dataset.name}: {rows}, {dataset.n_features:,} features, {goal}")
    how = (
        "the exact solution" + (f", C = {plan.C:g}" if plan.model == "softmax" else "")
        if plan.is_exact
        else f"{plan.way} SGD, learning rate {plan.lr:g}, batches of {plan.batch_size}"
    )
    say(f"{plan.model}: {how}, seed {plan.seed}")
    say()


def _print_result(run: "Run", seconds: dict[str, float]) -> None:
    say()
    scores = run.scores
    if run.model.classes:
        for part in ("train", "valid", "test"):
            if scores.get(f"{part}_accuracy") is not None:
                say(f"{part} accuracy {scores[f'{part}_accuracy']:.4f}")
    else:
        if run.model.hidden_weight is None:
            _print_coefficients(run)
        rows = {"train": "the training rows", "valid": "held-out rows", "test": "the test rows"}
        say(f"R² {decimal(scores['r2'])}, RMSE {scores['rmse']:,.6g} on {rows[scores['evaluated_on']]}")
    say(
        f"{run.parameters:,} parameters; load {seconds['load']:.2f} s, fit {seconds['fit']:.2f} s, "
        f"evaluate {seconds['evaluate']:.2f} s"
    )


def _print_coefficients(run: "Run") -> None:
    """Print the coefficients in the user's units, if they are few enough to read."""
    names, weights = run.model.features, run.model.weight[0].tolist()
    if len(names) <= MOST_COEFFICIENTS:
        rows = [("(bias)", f"{run.model.bias[0].item():,.6g}")]
        rows += [(name, f"{weight:,.6g}") for name, weight in zip(names, weights, strict=True)]
        print_table(["feature", f"{run.model.target} per unit"], rows)
