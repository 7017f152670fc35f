"""What a run does otherwise where rows are in files: samples of them to show, and passes over all of them to judge."""

from dataclasses import replace
from typing import Any

import numpy as np

from onelayer.cross_validation import FOLDS, CrossValidation
from onelayer.data.dataset import Dataset
from onelayer.data.rows import Block, Rows, Source
from onelayer.data.scaling import TableScaling
from onelayer.data.scan import Scan
from onelayer.engines.threads import Threads
from onelayer.errors import OneLayerError
from onelayer.evaluation import evaluate
from onelayer.learning import learn
from onelayer.model import Model
from onelayer.preparing import Prepared
from onelayer.settings import Plan

SAMPLE = 20_000  # rows that are pictured


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


def prepare_scan(rows: Scan, dataset: Dataset, plan: Plan) -> Prepared:
    """Hold some of the units out, if the plan says so, and take samples of both sides.

    Args:
        rows: of a scan.
        dataset: what ``dataset_of_scan`` returned for them.
        plan: how they are to be trained on.

    Raises:
        OneLayerError: if the plan needs rows in memory, or a side would have no unit.
    """
    if plan.cov in ("cluster", "HAC"):
        what = f"--cov {plan.cov}"
        raise OneLayerError(f"{what} takes rows in memory: leave out --memory and --cluster, or {what}")
    if not plan.valid:
        return _prepared(rows, None, dataset, plan)
    ends = np.floor(np.arange(rows.n_parts + 1) * plan.valid)
    is_held_out = np.diff(ends) > 0
    if not is_held_out.any():
        raise OneLayerError(
            f"valid holds out parts of the files, and a share of {plan.valid:g} of {rows.n_parts} is none: choose a "
            "larger share, 0, or write smaller row groups"
        )
    kept, held_out = (rows.take(np.flatnonzero(side)) for side in (~is_held_out, is_held_out))
    return _prepared(kept, held_out, replace(dataset, train=_sample_of(kept)), plan)


def _prepared(rows: Scan, held_out: Scan | None, dataset: Dataset, plan: Plan) -> Prepared:
    """Return samples in the units that the solver takes, with all rows beside them."""
    name, held_out_raw = "train", None
    if held_out is not None:
        name, held_out_raw = "valid", _sample_of(held_out)
    if plan.is_exact:
        scaling = TableScaling(dataset.train, rows.recipe.fill)
        return Prepared(dataset, dataset.train, held_out_raw, held_out_raw, name, scaling, rows, held_out)
    if isinstance(rows.engine, Threads):  # the memory is for the shuffled rows
        rows = replace(rows, engine=replace(rows.engine, n_held=0, _held=(None, {})))
    by_all = TableScaling(dataset.train, rows.recipe.fill, rows)
    train, held = (
        None if part is None else by_all.apply(part.dense(), np.float32)
        for part in (dataset.train, held_out_raw)
    )
    assert train is not None
    return Prepared(dataset, train, held, held_out_raw, name, by_all, rows, held_out)


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


def on_left_out(prepared: Prepared, plan: Plan) -> CrossValidation | None:
    """Return how good a model of four fifths of the units is on the others; None if there are fewer than five.

    A penalty that was chosen is taken: to choose it again would take as long again.
    """
    from onelayer.selection.splits import unit_splits

    rows = prepared.all_rows
    if rows.n_parts < FOLDS:
        return None
    kept, left_out = unit_splits(rows.n_parts, FOLDS)[-1]
    model = learn(replace(prepared, whole=rows.take(kept)), replace(plan, cv=0)).model
    scores = _scores(rows.take(left_out), model)
    return CrossValidation(scores, (scores,))


def scores_of_parts(prepared: Prepared, model: Model) -> dict[str, Any]:
    """Return how good a model is on all rows that it has learned from, and on all that were held out."""
    parts = {"train": _scores(prepared.all_rows, model)}
    if prepared.whole_held_out is not None:
        parts["valid"] = _scores(prepared.whole_held_out, model)
    judged = "valid" if "valid" in parts else "train"
    scores: dict[str, Any] = {"evaluated_on": judged}
    if model.classes:
        of_parts = {f"{part}_{name}": v for part, found in parts.items() for name, v in found.items()}
        return scores | {"test_accuracy": None} | of_parts
    r2 = parts["train"].get("r2")
    scores["train_loss"] = None if r2 is None else (1 - r2) / 2
    return scores | {"r2": parts[judged].get("r2"), "rmse": parts[judged]["rmse"]}


def _scores(rows: Source, model: Model) -> dict[str, float]:
    """Return accuracy and loss, or R², if there is one, and the root mean squared error, of a model on all rows."""
    scores = evaluate(rows, model).scores
    return {name: scores[name] for name in ("accuracy", "loss", "r2", "rmse") if scores.get(name) is not None}
