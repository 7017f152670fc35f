"""What ``onelayer train`` says of a run: its plan, what it learned and how well, as lines or as JSON."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from onelayer.cli.console import counted, decimal, print_table, say

if TYPE_CHECKING:
    from onelayer.cross_validation import CrossValidation
    from onelayer.data import Dataset
    from onelayer.experiments import Run
    from onelayer.inference import Coefficients
    from onelayer.selection.choice import Choice
    from onelayer.settings import Plan

MOST_COEFFICIENTS = 40
MOST_NOTES = 20


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
        **about_data(run.prepared.dataset),
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


def about_data(dataset: "Dataset") -> dict[str, Any]:
    """Return what the columns of the data are, as JSON values."""
    return {
        "target": dataset.target,
        "classes": list(dataset.classes),
        "features": list(dataset.features),
        "notes": list(dataset.notes),
    }


def print_plan(dataset: "Dataset", plan: "Plan", n: int | None = None) -> None:
    """Print what is to be learned from what, and how; n rows, if these are but a sample."""
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


def print_result(run: "Run", seconds: dict[str, float]) -> None:
    """Print what was learned, and how well."""
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
