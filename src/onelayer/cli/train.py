"""``onelayer train``: train a model, show what it learned, and keep it."""

import shlex
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from onelayer.cli import far, options
from onelayer.cli.console import EpochPrinter, busy, counted, decimal, print_json, print_table, say
from onelayer.timer import Timer

if TYPE_CHECKING:
    from onelayer.cross_validation import CrossValidation
    from onelayer.data import Dataset
    from onelayer.experiments import Run
    from onelayer.inference import Coefficients
    from onelayer.selection.choice import Choice
    from onelayer.settings import Plan, Settings

MOST_COEFFICIENTS = 40
MOST_NOTES = 20


@options.with_table_options
def train(
    data: options.DataOrQuery = None,
    *,
    table: options.TableOptions,
    model: options.ModelKind = None,
    task: options.Task = None,
    way: Annotated[
        Literal["fused", "scratch", "concise"] | None,
        typer.Option(
            help="The implementation; fused if not given, concise for mlp and phm.",
            rich_help_panel=options.SGD,
        ),
    ] = None,
    solver: Annotated[
        Literal["auto", "direct", "newton", "lbfgs", "sgd", "exact"] | None,
        typer.Option(
            help="sgd, or the exact minimum: direct for numbers, newton or lbfgs for classes, auto for what suits; "
            "exact is an old name of auto. If not given, one layer on a table is solved exactly, "
            "unless --epochs, --batch-size, --lr, --way or --device ask for sgd; all else by sgd."
        ),
    ] = None,
    c: Annotated[
        float | None,
        typer.Option(
            "--C",
            help="Softmax regression: weight of the data against ½‖W‖², as in scikit-learn. If not given, tables "
            "have no penalty, images 1.",
            rich_help_panel=options.EXACT,
        ),
    ] = None,
    alpha: Annotated[
        float,
        typer.Option(
            help="Linear regression: weight of ‖W‖², as in scikit-learn's Ridge.",
            rich_help_panel=options.EXACT,
        ),
    ] = 0.0,
    l1_ratio: Annotated[
        float,
        typer.Option(
            help="How much of the penalty is ‖W‖₁, which leaves features out; 1 is the lasso, and the rest the "
            "elastic net. In the units of the columns.",
            rich_help_panel=options.EXACT,
        ),
    ] = 0.0,
    cv: Annotated[
        int,
        typer.Option(
            metavar="FOLDS",
            help="Choose the penalty, alpha or C, from a path of them by the error on folds left out, such as 5.",
            rich_help_panel=options.EXACT,
        ),
    ] = 0,
    rule: Annotated[
        Literal["min", "1se"],
        typer.Option(
            help="With --cv: the penalty of the least error, or the strongest one within a standard error of it.",
            rich_help_panel=options.EXACT,
        ),
    ] = "min",
    cov: Annotated[
        Literal["classical", "HC0", "HC1", "HC2", "HC3", "cluster", "HAC"] | None,
        typer.Option(
            help="What standard errors are robust to: HC0 to HC3 to unequal variances, cluster to rows of a group, HAC "
            "to the rows before. If not given, classical; with --groups cluster.",
            rich_help_panel=options.ERRORS,
        ),
    ] = None,
    lags: Annotated[
        int | None,
        typer.Option(
            help="With --cov HAC: how many rows before a row depend on it; by the number of rows if not given.",
            rich_help_panel=options.ERRORS,
        ),
    ] = None,
    epochs: options.Epochs = None,
    batch_size: options.BatchSize = None,
    lr: options.LearningRate = None,
    valid: options.Valid = None,
    hidden: options.Hidden = 256,
    phm_n: options.PhmN = 2,
    seed: options.Seed = 0,
    device: options.Device = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where to; runs/DATA-MODEL if not given. Replaces an earlier run."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where an earlier run stopped.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be done with the data, and stop.")
    ] = False,
    lang: Annotated[Literal["en", "zh"], typer.Option(help="The language of report.html.")] = "en",
    as_json: options.Json = False,
    memory: far.Memory = None,
    cluster: far.Cluster = None,
    insecure: far.Insecure = False,
    tls_ca: far.TlsCa = None,
    tls_cert: far.TlsCert = None,
    tls_key: far.TlsKey = None,
) -> None:
    """Train on DATA and write the model, its history and a report to a folder."""
    timer = Timer()
    where = far.Far(memory, cluster, insecure, tls_ca, tls_cert, tls_key)
    from onelayer.settings import Settings

    chosen = Settings(
        model=model,
        way=way,
        solver=solver,
        C=c,
        alpha=alpha,
        l1_ratio=l1_ratio,
        cv=cv,
        rule=rule,
        cov=cov,
        lags=lags,
        epochs=epochs,
        batch_size=batch_size,
        lr=lr,
        valid=valid,
        seed=seed,
        hidden=hidden,
        phm_n=phm_n,
        device=device,
    )
    if where.is_asked:
        _train_far(where, table, data, chosen, task, out, (resume, dry_run, as_json), lang)
        return
    with busy(f"reading {data or 'the query'}"):
        dataset = table.open(data, model, task)
    plan = _plan(chosen, dataset)
    folder = out or Path("runs") / f"{dataset.name}-{plan.model}"
    seconds = {"load": timer.stop()}
    if dry_run and as_json:
        print_json({"data": dataset.name, "rows": len(dataset.train), **_about_data(dataset)})
    if not as_json:
        _print_plan(dataset, plan)
    if dry_run:
        return
    run, files = _train_into(folder, dataset, plan, resume, as_json, lang)
    _report_on(run, seconds | run.seconds, folder, files, as_json)


def _train_far(
    where: far.Far,
    table: options.TableOptions,
    data: str | None,
    chosen: "Settings",
    task: str | None,
    out: Path | None,
    flags: tuple[bool, bool, bool],
    lang: Literal["en", "zh"],
) -> None:
    """Train on rows that stay in files; see ``train``."""
    from onelayer.data.table_names import stem
    from onelayer.pass_journal import Journal
    from onelayer.run_folder import PASSES, run_folder
    from onelayer.scan_runs import check_plan, dataset_of_scan, train_scan

    resume, is_dry, as_json = flags
    timer = Timer()
    with where.rows(lambda memory: table.scan(data, chosen.model, task, memory)) as rows:
        dataset = dataset_of_scan(rows, "query" if data is None else stem(data))
        plan = _plan(chosen, dataset)
        check_plan(plan)
        folder = out or Path("runs") / f"{dataset.name}-{plan.model}"
        seconds = {"load": timer.stop()}
        if not as_json:
            _print_plan(dataset, plan, len(rows))
        if is_dry:
            if as_json:
                print_json({"data": dataset.name, "rows": len(rows), **_about_data(dataset)})
            return
        with run_folder(folder):
            journal = Journal(rows.engine, folder / PASSES, rows, plan, resume)
            try:
                run = train_scan(rows.walked_by(journal), dataset, chosen)
            except KeyboardInterrupt:
                say("\ninterrupted; the same command with --resume goes on", stderr=True)
                raise
            if journal.replayed:
                say(f"resumed: the sums of {journal.replayed} passes were there", stderr=True)
            files = _write_report(run, folder, None, lang)
            journal.remove()
    _report_on(run, seconds | run.seconds, folder, files, as_json)


def _report_on(run: "Run", seconds: dict[str, float], folder: Path, files: list[str], as_json: bool) -> None:
    """Print what a run came to."""
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
        "coefficients": None if run.coefficients is None else coefficients_json(run.coefficients, plan.cov),
        "penalty": _penalty_json(run),
        "cross_validation": None if run.cross_validation is None else run.cross_validation.to_json(),
        **_about_data(run.prepared.dataset),
        "warnings": list(run.warnings),
        "seconds": {stage: round(value, 6) for stage, value in seconds.items()},
        "out": str(folder),
    }


def _penalty_json(run: "Run") -> dict[str, Any] | None:
    """Return the penalty, and how it was chosen; None if there is none."""
    plan, choice = run.plan, run.choice
    if not (plan.is_exact and plan.is_penalised):
        return None
    name = plan.penalty_name
    found = {name: plan.strength, "l1_ratio": plan.l1_ratio}
    if choice is None:
        return found
    errors = choice.path.errors
    path = {"mean_error": errors.mean.tolist(), "standard_error": errors.standard_error.tolist()}
    return found | {
        "folds": plan.cv,
        "rule": plan.rule,
        "path": {name: choice.path.penalties.tolist(), **path},
    }


def _about_data(dataset: "Dataset") -> dict[str, Any]:
    return {
        "target": dataset.target,
        "classes": list(dataset.classes),
        "features": list(dataset.features),
        "notes": list(dataset.notes),
    }


def _train_into(
    folder: Path, dataset: "Dataset", plan: "Plan", resume: bool, quiet: bool, lang: Literal["en", "zh"]
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
        return run, _write_report(run, folder, checkpoint.latest if checkpoint else None, lang)


def _write_report(run: "Run", folder: Path, checkpoint: bytes | None, lang: Literal["en", "zh"]) -> list[str]:
    from onelayer.errors import OneLayerError

    with busy("writing the report"):
        from onelayer import reports

        extras = reports.Extras.of(run, shlex.join(["onelayer", *sys.argv[1:]]))
        try:
            return reports.write(run, folder, checkpoint, extras, lang)
        except OneLayerError as error:
            if checkpoint is None:
                raise
            raise OneLayerError(
                f"{error}; once that is mended, --resume finishes without training again"
            ) from error


def _print_plan(dataset: "Dataset", plan: "Plan", n: int | None = None) -> None:
    rows = counted(n or len(dataset.train), "row")
    if dataset.test is not None:
        rows += f" and {len(dataset.test):,} to test"
    goal = f"{len(dataset.classes)} classes" if dataset.classes else f"predict {dataset.target}"
    is_dropping = dataset.encoding is not None and dataset.encoding.missing == "drop"
    # Who drops rows wants to know at once how many went, and what was not taken for missing.
    first = [note for note in dataset.notes if is_dropping and ("dropped" in note or "is a category" in note)]
    rest = [note for note in dataset.notes if note not in first]
    say("; ".join([f"{dataset.name}: {rows}, {counted(dataset.n_features, 'feature')}, {goal}", *first]))
    for note in rest[:MOST_NOTES]:
        say(f"  {note}")
    if len(rest) > MOST_NOTES:
        say(f"  and {len(rest) - MOST_NOTES:,} more notes; --json has them all")
    how = (
        f"the exact solution{_penalty(plan)}"
        if plan.is_exact
        else f"{plan.way} SGD, learning rate {plan.lr:g}, batches of {plan.batch_size}"
    )
    say(f"{plan.model}: {how}, seed {plan.seed}")
    if not plan.is_exact:
        say()


def _penalty(plan: "Plan") -> str:
    name = plan.penalty_name
    kind = f", l1_ratio = {plan.l1_ratio:g}" if plan.l1_ratio else ""
    if plan.cv:
        return f", {name} chosen by {plan.cv} folds{kind}"
    return f", {name} = {plan.strength:g}{kind}" if plan.is_penalised else ""


def _print_result(run: "Run", seconds: dict[str, float]) -> None:
    say()
    scores = run.scores
    if run.model.classes:
        for part in ("train", "valid", "test"):
            if scores.get(f"{part}_accuracy") is not None:
                say(f"{part} accuracy {scores[f'{part}_accuracy']:.4f}")
        if run.coefficients is not None:
            _print_coefficients(run)
    else:
        if run.model.hidden_weight is None:
            _print_coefficients(run)
        rows = {"train": "the training rows", "valid": "held-out rows", "test": "the test rows"}
        say(f"R² {decimal(scores['r2'])}, RMSE {scores['rmse']:,.6g} on {rows[scores['evaluated_on']]}")
    if run.choice:
        say(_chosen(run.plan, run.choice))
    if run.plan.l1_ratio:
        weight = run.model.weight
        say(f"{int((weight != 0).any(axis=0).sum()):,} of {counted(weight.shape[1], 'feature')} in the model")
    if run.cross_validation:
        say(_on_new_rows(run.cross_validation, bool(run.choice)))
    for sentence in run.warnings:
        say(f"warning: {sentence}", stderr=True)
    say(
        f"{counted(run.parameters, 'parameter')}; load {seconds['load']:.2f} s, fit {seconds['fit']:.2f} s, "
        f"evaluate {seconds['evaluate']:.2f} s"
    )


def _chosen(plan: "Plan", choice: "Choice") -> str:
    """Return which penalty was chosen, and by which errors."""
    errors, number, n = choice.path.errors, choice.number, len(choice.path.penalties)
    strength = f"{plan.penalty_name} = {plan.strength:.4g}"
    what = "mean squared error" if plan.model == "linear" else "loss"
    found = f"{strength} of {n} chosen: {what} {errors.mean[number]:.4g} ± {errors.standard_error[number]:.2g} on rows "
    ends = {0: "the strongest penalty tried", n - 1: "the weakest penalty tried: the rows hardly ask for one"}
    return f"{found}left out ({plan.cv} folds)" + (f"; it is {ends[number]}" if number in ends else "")


def _on_new_rows(validated: "CrossValidation", is_chosen: bool) -> str:
    """Return how good such models are on rows that they have not seen, with the spread over the folds."""
    names = {"r2": "R²", "rmse": "RMSE", "accuracy": "accuracy", "loss": "loss"}
    shown = ("r2", "rmse") if "rmse" in validated.scores else ("accuracy", "loss")
    scores, spread, n_folds = validated.scores, validated.spread, len(validated.folds)
    said = {key: f"{names[key]} {scores[key]:,.4g}" for key in shown if key in scores}
    parts = [text + (f" ± {spread[key]:.2g}" if key in spread else "") for key, text in said.items()]
    how = f"{n_folds} folds, ± their deviation" if n_folds > 1 else "a fifth"
    how += "; the penalty was chosen on the same rows" if is_chosen else ""
    return f"on rows left out ({how}): {', '.join(parts)}"


def _print_coefficients(run: "Run") -> None:
    """Print the coefficients in the user's units, with errors if there are any, if they are few enough to read."""
    if run.coefficients is None:
        names, weights = run.model.features, run.model.weight[0].tolist()
        if len(names) <= MOST_COEFFICIENTS:
            pairs = [("(bias)", f"{run.model.bias[0].item():,.6g}")]
            pairs += [(name, f"{weight:,.6g}") for name, weight in zip(names, weights, strict=True)]
            print_table(["feature", f"{run.model.target} per unit"], pairs)
        return
    found = run.coefficients
    tables = [found.cells(k) for k in range(len(found.outputs))]
    if sum(len(rows) - 1 for rows in tables) <= MOST_COEFFICIENTS:
        for output, (header, *rows) in zip(found.outputs, tables, strict=True):
            name = f"log odds of {output} against {found.reference}" if found.reference else run.model.target
            print_table([name, *header[1:]], rows)
    for note in found.notes:
        say(f"  {note}")


def coefficients_json(found: "Coefficients", cov: str) -> dict[str, Any]:
    """Return a table of coefficients as JSON values, with what their errors are robust to."""
    parts = {
        "estimate": found.estimate,
        "std_err": found.std_err,
        "statistic": found.statistic,
        "p": found.p,
        "low": found.interval[..., 0],
        "high": found.interval[..., 1],
    }
    outputs = [
        [
            {"term": term, **{name: float(values[k, j]) for name, values in parts.items()}}
            for j, term in enumerate(found.terms)
        ]
        for k in range(len(found.outputs))
    ]
    return {
        "reference": found.reference,
        "distribution": found.distribution,
        "cov": cov,
        "level": found.level,
        "outputs": dict(zip(found.outputs, outputs, strict=True)),
        "notes": list(found.notes),
    }
