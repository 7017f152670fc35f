"""From prepared rows and a plan to a model, by whichever solver the plan names. torch comes in for SGD alone."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import OneLayerError, torch_needed
from onelayer.exact import Solution, all_outputs, solve
from onelayer.history import History
from onelayer.model import Model
from onelayer.preparing import Prepared
from onelayer.settings import SOLVERS, Plan

if TYPE_CHECKING:
    from onelayer.checkpoints import Checkpoint
    from onelayer.layer_runs import Layers

BEYOND = "SGD of more than one layer, or in another way than fused,"


@dataclass(frozen=True)
class Learned:
    """A model, and how it came about.

    Attributes:
        model: in the user's units.
        plan: as it was followed: where no penalty leaves no minimum, with the penalty that was taken.
        parameters: how many numbers were learned; a PHM layer has fewer than its whole weight.
        solution: of an exact solver, else None.
        history: of SGD; without epochs if the solver was exact.
    """

    model: Model
    plan: Plan
    parameters: int
    solution: Solution | None
    history: History


def learn(
    prepared: Prepared,
    plan: Plan,
    checkpoint: "Checkpoint | None" = None,
    resume: bool = False,
    on_epoch: Callable[[History], None] = lambda history: None,
) -> Learned:
    """Return the model that a plan leads to; see ``onelayer.train`` for the arguments.

    Raises:
        OneLayerError: if the plan does not fit the data or the checkpoint.
        DivergenceError: if the learning rate is too large.
    """
    if plan.is_exact:
        if resume:
            raise OneLayerError("the exact solvers have no epochs to resume; leave out --resume")
        solution = solve(prepared, plan)
        name = solution.fit.solver if solution.fit.solver in SOLVERS[plan.model] else plan.solver
        plan = replace(solution.plan, solver=name)
        weight, bias = all_outputs(solution.fit, prepared.dataset.n_outputs)
        parameters = solution.fit.weight.size + solution.fit.bias.size * prepared.fit_intercept
        model = _model(weight, bias, None, prepared, plan)
        return Learned(model, plan, parameters, solution, History(0.0))
    layers, history = descend(prepared, plan, checkpoint, resume, on_epoch)
    model = _model(layers.weight, layers.bias, layers.hidden, prepared, plan)
    return Learned(model, plan, layers.parameters, None, history)


def descend(
    prepared: Prepared,
    plan: Plan,
    checkpoint: "Checkpoint | None" = None,
    resume: bool = False,
    on_epoch: Callable[[History], None] = lambda history: None,
) -> "tuple[Layers, History]":
    """Return what SGD comes to, in the user's units, and how; see ``learn``."""
    from onelayer import layer_runs

    if layer_runs.is_for_numpy(plan):
        return layer_runs.descend(prepared, plan, checkpoint, resume, on_epoch)
    with torch_needed(BEYOND):
        from onelayer import sgd_runs
    module, history = sgd_runs.descend(prepared, plan, checkpoint, resume, on_epoch)
    return sgd_runs.in_user_units(module, prepared), history


def stable_lr(prepared: Prepared, plan: Plan) -> float:
    """Return 2/λ_max for these data at the initial weights."""
    from onelayer import layer_runs

    if layer_runs.is_for_numpy(plan):
        return layer_runs.stable_lr(prepared, plan)
    with torch_needed(BEYOND):
        from onelayer import sgd_runs
    return sgd_runs.stable_lr(prepared, plan)


def _model(
    weight: NDArray[np.floating],
    bias: NDArray[np.floating],
    hidden: tuple[NDArray[np.floating], NDArray[np.floating]] | None,
    prepared: Prepared,
    plan: Plan,
) -> Model:
    """Return what was learned as a model of the data set."""
    dataset, scaling = prepared.dataset, prepared.scaling
    filled = scaling is not None and dataset.encoding is not None and dataset.encoding.missing == "mean"
    return Model(
        weight=weight,
        bias=bias,
        hidden_weight=None if hidden is None else hidden[0],
        hidden_bias=None if hidden is None else hidden[1],
        kind=plan.model,
        data=dataset.name,
        target=dataset.target,
        classes=dataset.classes,
        features=dataset.features,
        image_shape=dataset.image_shape,
        encoding=dataset.encoding,
        feature_mean=scaling.features.mean if scaling is not None and filled else None,
        settings=asdict(plan),
        is_transposed=dataset.is_transposed,
        offset=dataset.offset,
    )
