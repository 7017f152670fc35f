"""Training a network on prepared rows by SGD, and handing it over as a model: the part of an experiment with torch."""

from collections.abc import Callable

from torch import nn

from onelayer import models, training
from onelayer.checkpoints import Checkpoint
from onelayer.data.dataset import Dataset
from onelayer.history import History
from onelayer.layer_runs import Array, Layers, rows_to_learn
from onelayer.preparing import Prepared
from onelayer.settings import Plan
from onelayer.solvers.batches import choose_device
from onelayer.solvers.stability import largest_stable_lr


def descend(
    prepared: Prepared,
    plan: Plan,
    checkpoint: Checkpoint | None = None,
    resume: bool = False,
    on_epoch: Callable[[History], None] = lambda history: None,
) -> tuple[nn.Module, History]:
    """Train a new network by SGD and measure it on the held-out rows alone; see ``onelayer.train``.

    Raises:
        OneLayerError: if there is no such device, or the checkpoint is of another run.
        DivergenceError: if the learning rate is too large.
    """
    module = build(plan, prepared.dataset).to(choose_device(plan.device))
    history = training.fit(
        module,
        rows_to_learn(prepared, plan),
        prepared.held_out,
        way=plan.way,
        epochs=plan.epochs,
        batch_size=plan.batch_size,
        lr=plan.lr,
        seed=plan.seed,
        checkpoint=checkpoint,
        resume=resume and checkpoint is not None,
        on_epoch=on_epoch,
    )
    return module, history


def build(plan: Plan, dataset: Dataset) -> nn.Module:
    """Return the network with its initial weights, float32 on the CPU.

    Raises:
        OneLayerError: if n of a PHM layer does not fit.
    """
    d, q, seed = dataset.n_features, dataset.n_outputs, plan.seed
    if plan.model == "mlp":
        return models.mlp(d, plan.hidden, q, seed)
    if plan.model == "phm":
        return models.phm(d, q, plan.phm_n, seed)
    if plan.model == "linear":
        return models.linear_regression(d, q, seed)
    return models.softmax_regression(d, q, seed)


def stable_lr(prepared: Prepared, plan: Plan) -> float:
    """Return 2/λ_max for these data at the initial weights."""
    return largest_stable_lr(build(plan, prepared.dataset).to(choose_device(plan.device)), prepared.train)


def in_user_units(module: nn.Module, prepared: Prepared) -> Layers:
    """Return what the network has learned, with the standardisation worked into its weights."""
    hidden, output = None, module
    if isinstance(module, models.MLP):
        hidden, output = _parameters_of(module.fc1), module.fc2
    weight, bias = _parameters_of(output)
    if prepared.scaling is not None:
        if hidden is None:
            weight, bias = prepared.scaling.features.input_to_user(weight, bias)
        else:
            hidden = prepared.scaling.features.input_to_user(*hidden)
        weight, bias = prepared.scaling.target.output_to_user(weight, bias)
    return Layers(weight, bias, hidden, models.parameter_count(module))


def _parameters_of(layer: nn.Module) -> tuple[Array, Array]:
    """Return copies of the weight (q, d), worked out if the layer keeps it in parts, and of the bias (q,)."""
    if not isinstance(layer, nn.Linear | models.PHMLinear):
        raise TypeError(f"{type(layer).__name__} is not an affine layer")
    return layer.weight.detach().cpu().numpy().copy(), layer.bias.detach().cpu().numpy().copy()
