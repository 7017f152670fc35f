"""A run on rows that do not fit in memory: fitted and scored by passes over all of them, pictured by a sample."""

from dataclasses import replace
from typing import Any

import numpy as np

from onelayer.cross_validation import CrossValidation
from onelayer.data.dataset import Dataset
from onelayer.data.rows import Block, Rows
from onelayer.data.scaling import TableScaling
from onelayer.data.scan import Scan
from onelayer.errors import OneLayerError
from onelayer.evaluation import evaluate
from onelayer.exact import coefficients_of
from onelayer.experiments import DEFAULTS, Run
from onelayer.learning import Learned, learn
from onelayer.model import Model
from onelayer.preparing import Prepared
from onelayer.settings import Plan, Settings
from onelayer.timer import Timer

SAMPLE = 20_000  # rows that are pictured
FOLDS = 5  # of the units, one of which is left out to judge by


def dataset_of_scan(rows: Scan, name: str) -> Dataset:
    """Return a sample of the rows of a scan as a data set, with notes on all of them."""
    made, sample = rows.made, _sample_of(rows)
    said = f"pictures are of {len(sample):,} rows, from the start of each of {len(rows.units):,} parts of the files"
    notes = (*made.notes, said) if len(sample) < len(rows) else made.notes
    features, target = made.encoding.features, made.target
    return Dataset(
        *(name, sample, None, features, target.name, target.classes),
        encoding=made.encoding,
        notes=notes,
        offset=made.offset,
    )


def train_scan(rows: Scan, dataset: Dataset, settings: Settings = DEFAULTS) -> Run:
    """Train on all rows of a scan by passes over them, and measure the result.

    How good such models are on new rows is said by one of four fifths of the units, on the last fifth.

    Args:
        rows: of a scan.
        dataset: what ``dataset_of_scan`` returned for them.
        settings: how; for an exact solver.

    Raises:
        OneLayerError: if the settings need rows in memory, or do not fit each other or the data.
    """
    plan = settings.for_data(dataset)
    check_plan(plan)
    timer = Timer()
    learned = _learned(rows, dataset, plan)
    seconds = {"fit": timer.stop()}
    timer.start()
    model, prepared, solution = learned.model, _prepared(rows, dataset), learned.solution
    assert solution is not None
    scores = _train_scores(rows, model)
    validated = _on_left_out(rows, dataset, learned.plan)
    seconds["evaluate"] = timer.stop()
    timer.start()
    coefficients, errors = coefficients_of(solution, prepared, learned.plan)
    seconds["errors"] = timer.stop()
    return Run(
        replace(model, errors=errors),
        prepared,
        learned.plan,
        learned.parameters,
        solution.fit,
        learned.history,
        {"train": model.outputs(dataset.train.X, dataset.train.offset)},
        scores,
        coefficients,
        solution.choice,
        validated,
        solution.warnings,
        seconds,
    )


def check_plan(plan: Plan) -> None:
    """Raise OneLayerError if a plan needs the rows in memory."""
    needs = {
        "SGD": not plan.is_exact,
        "--valid": plan.valid > 0,
        f"--cov {plan.cov}": plan.cov in ("cluster", "HAC"),
    }
    for what, is_asked in needs.items():
        if is_asked:
            raise OneLayerError(f"{what} takes rows in memory: leave out --memory and --cluster, or {what}")


def _prepared(rows: Scan, dataset: Dataset) -> Prepared:
    scaling = TableScaling(dataset.train, rows.recipe.fill)
    return Prepared(dataset, dataset.train, None, None, "train", scaling, rows)


def _learned(rows: Scan, dataset: Dataset, plan: Plan) -> Learned:
    return learn(_prepared(rows, dataset), plan)


def _sample_of(rows: Scan) -> Rows:
    """Return some rows from the start of each unit."""
    share = -(-SAMPLE // len(rows.units))
    parts: list[Block] = []
    for unit in rows.units:
        block = next((block for block in rows.recipe.blocks(unit) if len(block)), None)
        if block is not None:
            parts.append(
                block.take(np.unique(np.linspace(0, len(block) - 1, min(share, len(block))).astype(np.intp)))
            )
    return rows.joined(parts)


def _on_left_out(rows: Scan, dataset: Dataset, plan: Plan) -> CrossValidation | None:
    """Return how good a model of four fifths of the units is on the others; None if there are fewer than five.

    A penalty that was chosen is taken: to choose it again would take as long again.
    """
    is_left_out = np.arange(rows.n_parts) % FOLDS == FOLDS - 1
    if not is_left_out.any():
        return None
    model = _learned(rows.take(np.flatnonzero(~is_left_out)), dataset, replace(plan, cv=0)).model
    scores = _scores(rows.take(np.flatnonzero(is_left_out)), model)
    return CrossValidation(scores, (scores,))


def _train_scores(rows: Scan, model: Model) -> dict[str, Any]:
    found = _scores(rows, model)
    if model.classes:
        return {"evaluated_on": "train", "test_accuracy": None} | {f"train_{k}": v for k, v in found.items()}
    loss = None if found.get("r2") is None else (1 - found["r2"]) / 2
    return {"evaluated_on": "train", "train_loss": loss, "r2": found.get("r2"), "rmse": found["rmse"]}


def _scores(rows: Scan, model: Model) -> dict[str, float]:
    """Return accuracy and loss, or R², if there is one, and the root mean squared error, of a model on all rows."""
    scores = evaluate(rows, model).scores
    return {name: scores[name] for name in ("accuracy", "loss", "r2", "rmse") if scores.get(name) is not None}
