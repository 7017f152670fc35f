"""``onelayer train``: train a model, show what it learned, and keep it."""

import shlex
import sys
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from onelayer.cli import far, options
from onelayer.cli.console import EpochPrinter, busy, print_json, say, say_interrupted
from onelayer.cli.results import about_data, print_plan, print_result, summary
from onelayer.timer import Timer

if TYPE_CHECKING:
    from onelayer.data import Dataset
    from onelayer.data.scan import Scan
    from onelayer.experiments import Run
    from onelayer.preparing import Prepared
    from onelayer.settings import Plan, Settings


@options.with_groups
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
        Literal["auto", "direct", "newton", "lbfgs", "newton-cg", "sgd", "exact"] | None,
        typer.Option(
            help="sgd, or the exact minimum: direct for numbers, newton, lbfgs or newton-cg for classes, "
            "auto for what suits; exact is an old name of auto. If not given, one layer on a table is solved exactly, "
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
    where: far.Far,
) -> None:
    """Train on DATA and write the model, its history and a report to a folder."""
    timer = Timer()
    from onelayer.preparing import prepare
    from onelayer.run_folder import run_folder
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
        print_json({"data": dataset.name, "rows": len(dataset.train), **about_data(dataset)})
    if not as_json:
        print_plan(dataset, plan)
    if dry_run:
        return
    with run_folder(folder):
        flags = resume, as_json
        run, files = _by_epochs(folder, prepare(dataset, plan), plan, flags, lang)
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
    from onelayer.run_folder import run_folder
    from onelayer.scan_runs import dataset_of_scan, prepare_scan

    resume, is_dry, as_json = flags
    timer = Timer()
    with where.rows(lambda memory: table.scan(data, chosen.model, task, memory)) as rows:
        dataset = dataset_of_scan(rows, "query" if data is None else stem(data))
        plan = _plan(chosen, dataset)
        folder = out or Path("runs") / f"{dataset.name}-{plan.model}"
        seconds = {"load": timer.stop()}
        if not as_json:
            print_plan(dataset, plan, len(rows))
        if is_dry:
            if as_json:
                print_json({"data": dataset.name, "rows": len(rows), **about_data(dataset)})
            return
        with run_folder(folder):
            if plan.is_exact:
                run, files = _by_passes(folder, rows, dataset, plan, resume, lang)
            else:
                where.check_sgd(rows)
                prepared = prepare_scan(rows, dataset, plan)
                run, files = _by_epochs(folder, prepared, plan, (resume, as_json), lang)
    _report_on(run, seconds | run.seconds, folder, files, as_json)


def _by_passes(
    folder: Path, rows: "Scan", dataset: "Dataset", plan: "Plan", resume: bool, lang: Literal["en", "zh"]
) -> "tuple[Run, list[str]]":
    """Solve exactly, with a journal of the passes over files in ``folder``, and write the report there."""
    from onelayer.experiments import train_prepared
    from onelayer.pass_journal import Journal
    from onelayer.run_folder import PASSES
    from onelayer.scan_runs import prepare_scan

    journal = Journal(rows.engine, folder / PASSES, rows, plan, resume)
    try:
        run = train_prepared(prepare_scan(rows.walked_by(journal), dataset, plan), plan)
    except KeyboardInterrupt:
        say_interrupted()
        raise
    if journal.replayed:
        say(f"resumed: the sums of {journal.replayed} passes were there", stderr=True)
    files = _write_report(run, folder, None, lang)
    journal.remove()
    return run, files


def _report_on(run: "Run", seconds: dict[str, float], folder: Path, files: list[str], as_json: bool) -> None:
    """Print what a run came to."""
    if as_json:
        print_json(summary(run, seconds, folder))
    else:
        print_result(run, seconds)
        say(f"wrote {folder}/: {', '.join(files)}")


def _plan(settings: "Settings", dataset: "Dataset") -> "Plan":
    """Return what the settings mean for the data; an old name among them is said in a line of its own."""
    with warnings.catch_warnings(record=True) as old_names:
        warnings.simplefilter("always", FutureWarning)
        plan = settings.for_data(dataset)
    for warning in old_names:
        say(f"warning: {warning.message}", stderr=True)
    return plan


def _by_epochs(
    folder: Path,
    prepared: "Prepared",
    plan: "Plan",
    flags: tuple[bool, bool],
    lang: Literal["en", "zh"],
) -> "tuple[Run, list[str]]":
    """Train with checkpoints in ``folder``, if the solver has epochs, and write the report there."""
    from onelayer import experiments
    from onelayer.run_folder import CHECKPOINT_FILE

    resume, quiet = flags
    checkpoint = experiments.checkpoint_for(prepared, plan, folder / CHECKPOINT_FILE)
    if resume and checkpoint and checkpoint.source is None:
        say(f"there is nothing to resume in {folder}: training from the first epoch", stderr=True)
    if plan.model == "mlp" and not quiet:
        from onelayer.sgd_runs import build

        for line in [*str(build(plan, prepared.dataset)).splitlines(), ""]:
            say(line)
    try:
        with EpochPrinter(plan.epochs, "valid" if plan.valid else "test", quiet) as on_epoch:
            run = experiments.train_prepared(
                prepared, plan, checkpoint=checkpoint, resume=resume, on_epoch=on_epoch
            )
    except KeyboardInterrupt:
        if checkpoint:
            say_interrupted()
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
