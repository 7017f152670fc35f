"""From a data set and settings to a trained, measured model: what train, tune and compare have in common."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from onelayer import models, training
from onelayer.artifacts import TrainedModel
from onelayer.checkpoints import Checkpoint
from onelayer.data.rows import Dataset, Rows, as_features
from onelayer.data.scaling import Standardizer
from onelayer.errors import DivergenceError, OneLayerError
from onelayer.scoring import regression_scores
from onelayer.settings import Settings
from onelayer.solvers.stability import largest_stable_lr
from onelayer.timer import Timer
from onelayer.training import Fit

DEFAULTS = Settings()


@dataclass(frozen=True)
class Prepared:
    """Rows ready to train on.

    Attributes:
        dataset: the data set, its training rows without those held out, in the user's units.
        train: its training rows in standard units (a table) or as bytes (images).
        held_out: the rows to measure on after each epoch, likewise; None if there are none.
        held_out_raw: the same in the user's units.
        held_out_name: ``"valid"``, ``"test"``, or ``"train"`` where there are no other rows.
        scaler: what standardised a table; None for images.
    """

    dataset: Dataset
    train: Rows
    held_out: Rows | None
    held_out_raw: Rows | None
    held_out_name: str
    scaler: Standardizer | None

    @property
    def judged_by(self) -> tuple[str, Rows]:
        """The rows, in the user's units, that a run is judged by: those of ``"test"``, ``"valid"`` or ``"train"``."""
        if self.dataset.test is not None:
            return "test", self.dataset.test
        if self.held_out_raw is not None:
            return "valid", self.held_out_raw
        return "train", self.dataset.train


@dataclass(frozen=True)
class Run:
    """A finished training run.

    Attributes:
        model: the trained model in the user's units.
        prepared: the rows it was trained and measured on.
        settings: how.
        parameters: how many numbers it learned.
        fit: the history; without records if the solver was exact.
        scores: ``train_loss`` and, for classes, ``train_accuracy``, ``test_accuracy`` (None if no row was held
            out); for regression ``r2`` and ``rmse`` (in the target's unit). Scores other than ``train_…`` are of
            the rows that ``evaluated_on`` names.
        seconds: ``fit`` and ``evaluate``.
    """

    model: TrainedModel
    prepared: Prepared
    settings: Settings
    parameters: int
    fit: Fit
    scores: dict[str, Any]
    seconds: dict[str, float]


def train(
    dataset: Dataset,
    settings: Settings = DEFAULTS,
    *,
    checkpoint: Path | None = None,
    resume: bool = False,
    on_epoch: Callable[[Fit], None] = lambda fit: None,
) -> Run:
    """Train a model on a data set, with a checkpoint after each epoch if a path for it is given.

    With ``resume`` the run goes on from that checkpoint, if there is one, and ends with the same weights, bit
    for bit, as a run that was never interrupted.

    Raises:
        OneLayerError: if the settings do not fit each other, the data or the checkpoint.
        DivergenceError: if the learning rate is too large.
    """
    prepared = prepare(dataset, settings)
    return train_prepared(prepared, settings, checkpoint=checkpoint, resume=resume, on_epoch=on_epoch)


def train_prepared(
    prepared: Prepared,
    settings: Settings,
    *,
    checkpoint: Path | None = None,
    resume: bool = False,
    on_epoch: Callable[[Fit], None] = lambda fit: None,
) -> Run:
    """Train on rows that ``prepare`` returned and measure the result; see ``train``."""
    settings = settings.for_data(prepared.dataset)
    timer = Timer()
    if settings.solver == "exact":
        if resume:
            raise OneLayerError("the exact solver has no epochs to resume; leave out --resume")
        module, fit = _solve(prepared, settings), Fit(0.0)
    else:
        module, fit = descend(prepared, settings, checkpoint, resume, on_epoch)
    seconds = {"fit": timer.stop()}
    timer.start()
    trained = in_user_units(module, prepared, settings)
    scores = _scores(module, trained, prepared)
    seconds["evaluate"] = timer.stop()
    parameters = models.parameter_count(module)
    return Run(trained, prepared, settings, parameters, fit, scores, seconds)


def _solve(prepared: Prepared, settings: Settings) -> nn.Module:
    # SciPy takes as long to import as an epoch of training, and SGD does without it.
    from onelayer.data import joint
    from onelayer.losses import CrossEntropy
    from onelayer.penalties import Ridge
    from onelayer.solvers.direct import least_squares
    from onelayer.solvers.minimise import minimise

    X, y = prepared.train.X.cpu().numpy(), prepared.train.y.cpu().numpy()
    if settings.model == "linear":
        exact = least_squares(joint.Rows(X, y.astype(np.float64), "regression"))
        weight, bias = exact.weight, exact.bias
    else:
        q = len(prepared.dataset.classes)
        rows = joint.Rows(X, y, "classes", unit=1 / prepared.train.feature_unit)
        optimum = minimise(rows, CrossEntropy(q), Ridge(1 / settings.C))
        weight, bias = optimum.weight, optimum.bias
        if q == 2:  # one logit is as good as two that differ by it
            weight, bias = np.vstack([-weight, weight]) / 2, np.hstack([-bias, bias]) / 2
    module = build(settings, prepared.dataset).to(as_features(prepared.train.X[:1]).dtype)
    module.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
    return module


def descend(
    prepared: Prepared,
    settings: Settings,
    checkpoint: Path | None = None,
    resume: bool = False,
    on_epoch: Callable[[Fit], None] = lambda fit: None,
) -> tuple[nn.Module, Fit]:
    """Train a new network by SGD and measure it on the held-out rows alone; see ``train``.

    A run that diverges takes the checkpoints that it wrote itself away again.
    """
    settings = settings.for_data(prepared.dataset)
    assert settings.way is not None, "for_data has chosen it"
    module = build(settings, prepared.dataset).to(prepared.train.X.device)
    memory = Checkpoint(checkpoint, settings, prepared.train) if checkpoint else None
    earlier = memory.load(module) if memory and resume else None

    def after_epoch(fit: Fit) -> None:
        if memory:
            memory.save(module, fit)
        on_epoch(fit)

    try:
        fit = training.fit(
            module,
            prepared.train,
            prepared.held_out,
            way=settings.way,
            epochs=settings.epochs,
            batch_size=settings.batch_size,
            lr=settings.lr,
            seed=settings.seed,
            resume=earlier,
            on_epoch=after_epoch,
        )
    except DivergenceError:
        if memory:
            memory.discard()
        raise
    return module, fit


def prepare(dataset: Dataset, settings: Settings) -> Prepared:
    """Hold rows out, standardise a table, and move everything to the device.

    Raises:
        OneLayerError: if a side of the split would be empty, or there is no such device.
    """
    settings = settings.for_data(dataset)
    device = training.choose_device("cpu" if settings.solver == "exact" else settings.device)
    dataset, valid = dataset.hold_out(settings.valid or 0.0, settings.seed)
    held_out = valid if valid is not None else dataset.test
    name = "valid" if valid is not None else "test" if held_out is not None else "train"
    if dataset.encoding is None:
        rows, held, scaler = dataset.train, held_out, None
    else:
        dtype = torch.float64 if settings.solver == "exact" else torch.float32
        scaler = Standardizer.fit(dataset.train)
        rows = scaler.transform(dataset.train, dtype)
        held = scaler.transform(held_out, dtype) if held_out is not None else None
    return Prepared(dataset, rows.to(device), held.to(device) if held else None, held_out, name, scaler)


def build(settings: Settings, dataset: Dataset) -> nn.Module:
    """Return the network with its initial weights, float32 on the CPU.

    Raises:
        OneLayerError: if n of a PHM layer does not fit.
    """
    d, q, seed = dataset.n_features, dataset.n_outputs, settings.seed
    if settings.model == "mlp":
        return models.mlp(d, settings.hidden, q, seed)
    if settings.model == "phm":
        return models.phm(d, q, settings.phm_n, seed)
    if settings.model == "linear":
        return models.linear_regression(d, q, seed)
    return models.softmax_regression(d, q, seed)


def in_user_units(module: nn.Module, prepared: Prepared, settings: Settings) -> TrainedModel:
    """Return the trained module with the standardisation worked into its weights."""
    assert settings.model is not None, "for_data has chosen it"
    hidden_weight = hidden_bias = filled = None
    output = module
    if isinstance(module, models.MLP):
        output = module.output
        hidden_weight, hidden_bias = _parameters_of(module.hidden)
    weight, bias = _parameters_of(output)
    dataset, scaler = prepared.dataset, prepared.scaler
    if scaler is not None and dataset.encoding is not None:
        if hidden_weight is None or hidden_bias is None:
            weight, bias = scaler.unscale_input(weight, bias)
        else:
            hidden_weight, hidden_bias = scaler.unscale_input(hidden_weight, hidden_bias)
        weight, bias = scaler.unscale_output(weight, bias)
        filled = scaler.mean if dataset.encoding.missing == "mean" else None
    return TrainedModel(
        weight=weight,
        bias=bias,
        hidden_weight=hidden_weight,
        hidden_bias=hidden_bias,
        kind=settings.model,
        data=dataset.name,
        target=dataset.target,
        classes=dataset.classes,
        features=dataset.features,
        image_shape=dataset.image_shape,
        encoding=dataset.encoding,
        feature_mean=filled,
        settings=asdict(settings),
    )


def _parameters_of(layer: nn.Module) -> tuple[Tensor, Tensor]:
    """Return copies of the weight (q, d), worked out if the layer keeps it in parts, and of the bias (q,)."""
    assert isinstance(layer, nn.Linear | models.PHMLinear)
    return layer.weight.detach().cpu().clone(), layer.bias.detach().cpu().clone()


def stable_lr(prepared: Prepared, settings: Settings) -> float:
    """Return 2/λ_max for these data at the initial weights."""
    return largest_stable_lr(build(settings, prepared.dataset).to(prepared.train.X.device), prepared.train)


def _scores(module: nn.Module, trained: TrainedModel, prepared: Prepared) -> dict[str, Any]:
    part, rows = prepared.judged_by
    on_train = training.evaluate(module, prepared.train)
    scores: dict[str, Any] = {"evaluated_on": part, "train_loss": on_train.loss}
    if not prepared.dataset.classes:
        return scores | regression_scores(trained, rows)
    scores |= {"train_accuracy": on_train.accuracy, "test_accuracy": None}
    if prepared.held_out_name == "valid":
        assert prepared.held_out is not None
        held = training.evaluate(module, prepared.held_out)
        scores |= {"valid_loss": held.loss, "valid_accuracy": held.accuracy}
    if part == "test":
        held = training.evaluate(module, rows)
        scores |= {"test_loss": held.loss, "test_accuracy": held.accuracy}
    return scores
