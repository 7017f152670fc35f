"""From a data set and settings to a trained, measured model. torch comes in for SGD alone."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from onelayer.cross_validation import CrossValidation, cross_validate
from onelayer.data.dataset import Dataset
from onelayer.errors import OneLayerError
from onelayer.exact import coefficients_of
from onelayer.history import History
from onelayer.inference import Coefficients
from onelayer.learning import learn
from onelayer.model import Model
from onelayer.preparing import Prepared, prepare
from onelayer.scoring import classification_scores, regression_scores
from onelayer.settings import Plan, Settings
from onelayer.solvers.fit import Fit
from onelayer.timer import Timer

if TYPE_CHECKING:
    from onelayer.checkpoints import Checkpoint
    from onelayer.selection.choice import Choice

DEFAULTS = Settings()


@dataclass(frozen=True)
class Run:
    """A finished training run.

    Attributes:
        model: the trained model in the user's units.
        prepared: the rows it was trained and measured on.
        plan: how.
        parameters: how many numbers it learned.
        fit: what the exact solver found; None if the solver was SGD.
        history: the history; without records if the solver was exact.
        coefficients: what the rows say of the errors of the fit; None for SGD and for images.
        choice: what the penalty was chosen from, if it was.
        cross_validation: how good such models are on rows that they have not seen, if it was asked for.
        warnings: what the user should know of the result, a sentence each.
        outputs: of the model for the rows of each part, ``"train"`` and perhaps ``"valid"`` and ``"test"``, (n, q).
        scores: ``train_loss`` and, for classes, ``train_accuracy``, ``test_accuracy`` (None if no row was held
            out); for regression ``r2`` and ``rmse`` (in the target's unit). The loss of a regression is that of the
            standardised target. Scores other than ``train_…`` are of the rows that ``evaluated_on`` names.
        seconds: ``fit`` and ``evaluate``.
    """

    model: Model
    prepared: Prepared
    plan: Plan
    parameters: int
    fit: Fit | None
    history: History
    outputs: dict[str, NDArray[np.float64]]
    scores: dict[str, Any]
    coefficients: Coefficients | None
    choice: "Choice | None"
    cross_validation: CrossValidation | None
    warnings: tuple[str, ...]
    seconds: dict[str, float]


def train(
    dataset: Dataset,
    settings: Settings = DEFAULTS,
    *,
    checkpoint: Path | None = None,
    resume: bool = False,
    on_epoch: Callable[[History], None] = lambda history: None,
) -> Run:
    """Train a model on a data set, with a checkpoint after each epoch if a path for it is given.

    With ``resume`` the run goes on from its checkpoint, if there is one, and ends with the same weights, bit
    for bit, as a run that was never interrupted.

    Raises:
        OneLayerError: if the settings do not fit each other, the data or the checkpoint.
        DivergenceError: if the learning rate is too large.

    Example:
        >>> from onelayer import houses, train
        >>> run = train(houses())
        >>> round(run.scores["r2"], 4), run.model.features
        (0.6591, ('area', 'age'))
    """
    if not isinstance(dataset, Dataset):
        raise OneLayerError(
            f"train takes a data set, not {type(dataset).__name__}: onelayer.open_data(…) makes one"
        )
    plan = settings.for_data(dataset)
    prepared = prepare(dataset, plan)
    memory = checkpoint_for(prepared, plan, checkpoint) if checkpoint else None
    run = train_prepared(prepared, plan, checkpoint=memory, resume=resume, on_epoch=on_epoch)
    if memory:
        memory.finish()
    return run


def checkpoint_for(prepared: Prepared, plan: Plan, path: Path) -> "Checkpoint | None":
    """Return the checkpoint of a run, to be kept at ``path``; None if the solver has no epochs."""
    if plan.is_exact:
        return None
    from onelayer.checkpoints import Checkpoint, checksum

    settings = asdict(plan) | {
        "epochs": 0,
        "device": "",
    }  # these may change, everything else makes it another run
    return Checkpoint(path, settings, checksum(prepared.train.X, prepared.train.y), plan.epochs)


def train_prepared(
    prepared: Prepared,
    plan: Plan,
    *,
    checkpoint: "Checkpoint | None" = None,
    resume: bool = False,
    on_epoch: Callable[[History], None] = lambda history: None,
) -> Run:
    """Train on rows that ``prepare`` or ``prepare_scan`` returned and measure the result; see ``train``."""
    timer = Timer()
    learned = learn(prepared, plan, checkpoint, resume, on_epoch)
    seconds = {"fit": timer.stop()}
    timer.start()
    model, solution = learned.model, learned.solution
    outputs = {name: model.outputs(rows.X, rows.offset) for name, rows in prepared.parts.items()}
    scores = _scores(outputs, model, prepared)
    validated = _validated(prepared, learned.plan) if solution and not prepared.has_held_out else None
    seconds["evaluate"] = timer.stop()
    timer.start()
    is_table = model.image_shape is None
    coefficients = None
    if solution and is_table:
        coefficients, errors = coefficients_of(solution, prepared, learned.plan)
        model = replace(model, errors=errors)
    seconds["errors"] = timer.stop()
    return Run(
        model,
        prepared,
        learned.plan,
        learned.parameters,
        solution.fit if solution else None,
        learned.history,
        outputs,
        scores,
        coefficients,
        solution.choice if solution else None,
        validated,
        solution.warnings if solution else learned.history.still_falling(),
        seconds,
    )


def _validated(prepared: Prepared, plan: Plan) -> CrossValidation | None:
    """Return how good such models are on rows that they have not seen."""
    if prepared.whole is not None:
        from onelayer.scan_runs import on_left_out

        return on_left_out(prepared, plan)
    # With the penalty that was chosen: to choose it again in each fold would take as long again for each.
    return cross_validate(prepared.dataset, replace(plan, cv=0))


def _scores(outputs: dict[str, NDArray[np.float64]], model: Model, prepared: Prepared) -> dict[str, Any]:
    """Return how good outputs are on the rows that were learned from and on those that the run is judged by."""
    if prepared.whole is not None:
        from onelayer.scan_runs import scores_of_parts

        return scores_of_parts(prepared, model)
    parts, (judged, rows), classes = prepared.parts, prepared.judged_by, model.classes
    scores: dict[str, Any] = {"evaluated_on": judged}
    if not classes:
        train, scale = parts["train"], 1 if prepared.scaling is None else prepared.scaling.target.scale
        squares = np.square((outputs["train"] - train.y) / scale).sum(axis=1)
        scores["train_loss"] = float(np.average(squares, weights=train.c)) / 2
        return scores | regression_scores(outputs[judged], rows.y, rows.c)
    scores |= {"test_accuracy": None}
    for name, part in parts.items():
        found = classification_scores(outputs[name], part.y, classes, part.c)
        scores |= {f"{name}_loss": found["loss"], f"{name}_accuracy": found["accuracy"]}
    return scores
