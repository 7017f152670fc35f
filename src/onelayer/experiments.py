"""From a data set and settings to a trained, measured model: what train, tune and compare have in common."""

import zlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from math import sqrt
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from onelayer import models, training
from onelayer.artifacts import TrainedModel, read_tensors, tensors_to_bytes, write_whole
from onelayer.data.rows import Dataset, Rows
from onelayer.data.scaling import Standardizer
from onelayer.errors import DivergenceError, OneLayerError
from onelayer.losses import cross_entropy
from onelayer.solvers.least_squares import least_squares
from onelayer.solvers.stability import largest_stable_lr
from onelayer.timer import Timer
from onelayer.training import Fit, Way

ModelKind = Literal["softmax", "linear", "mlp", "phm"]
Solver = Literal["sgd", "exact"]

CHECKPOINT_FORMAT = "onelayer-checkpoint-1"
DEFAULT_VALID = 0.2


@dataclass(frozen=True)
class Settings:
    """How to train.

    Attributes:
        model: the network.
        way: which of the three implementations of SGD.
        solver: minibatch SGD, or the exact solution of linear regression.
        epochs: passes over the training rows.
        batch_size: rows a step.
        lr: the learning rate.
        valid: the share of the training rows that is held out for validation.
        seed: sets the initial weights, the split and the order of the rows.
        hidden: units in the MLP's hidden layer.
        phm_n: n of the PHM layer.
        device: where to compute.
    """

    model: ModelKind
    way: Way = "fused"
    solver: Solver = "sgd"
    epochs: int = 10
    batch_size: int = 256
    lr: float = 0.1
    valid: float = 0.0
    seed: int = 0
    hidden: int = 256
    phm_n: int = 2
    device: str = "auto"

    def check(self, dataset: Dataset) -> None:
        """Raise OneLayerError if the settings do not fit each other or the data."""
        training.check_settings(self.epochs, self.batch_size, self.lr)
        if not 0 <= self.valid < 1:
            raise OneLayerError(f"valid must be at least 0 and below 1, not {self.valid}")
        if self.hidden < 1:
            raise OneLayerError(f"hidden must be at least 1, not {self.hidden}")
        if self.model == "linear" and dataset.classes:
            raise OneLayerError(
                f"the target {dataset.target!r} is one of {len(dataset.classes)} classes; linear "
                "regression predicts a number: use --model softmax"
            )
        if self.model == "softmax" and not dataset.classes:
            raise OneLayerError(
                f"the target {dataset.target!r} is a number; softmax regression predicts a class: "
                "use --model linear"
            )
        if self.solver == "exact" and self.model != "linear":
            raise OneLayerError(f"the exact solver is for --model linear, not {self.model}")
        if self.model in ("mlp", "phm") and self.way != "concise":
            raise OneLayerError(f"only --way concise trains the model {self.model}, not {self.way}")


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
    settings: Settings,
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
    """Train on rows that ``prepare`` returned; see ``train``."""
    settings.check(prepared.dataset)
    module = build(settings, prepared.dataset).to(prepared.train.X.device)
    timer = Timer()
    if settings.solver == "exact":
        weight, bias = least_squares(prepared.train)
        module = module.double()
        module.load_state_dict({"weight": weight, "bias": bias})
        fit = Fit(0.0)
    else:
        fit = _descend(module, prepared, settings, checkpoint, resume, on_epoch)
    seconds = {"fit": timer.stop()}
    timer.start()
    trained = in_user_units(module, prepared, settings)
    scores = _scores(module, trained, prepared)
    seconds["evaluate"] = timer.stop()
    parameters = models.parameter_count(module)
    return Run(trained, prepared, settings, parameters, fit, scores, seconds)


def _descend(
    module: nn.Module,
    prepared: Prepared,
    settings: Settings,
    checkpoint: Path | None,
    resume: bool,
    on_epoch: Callable[[Fit], None],
) -> Fit:
    """Train by SGD with checkpoints; a run that diverged leaves none, for there is nothing to resume."""
    memory = _Checkpoint(checkpoint, settings, prepared) if checkpoint else None
    earlier = memory.load(module) if memory and resume else None
    if memory and earlier is None:
        memory.path.unlink(missing_ok=True)

    def after_epoch(fit: Fit) -> None:
        if memory:
            memory.save(module, fit)
        on_epoch(fit)

    try:
        return training.fit(
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
            memory.path.unlink(missing_ok=True)
        raise


def default_valid(dataset: Dataset) -> float:
    """Return the share to hold out if the user does not say: none where there is a test set."""
    return 0.0 if dataset.test is not None else DEFAULT_VALID


def prepare(dataset: Dataset, settings: Settings) -> Prepared:
    """Hold rows out, standardise a table, and move everything to the device.

    Raises:
        OneLayerError: if a side of the split would be empty, or there is no such device.
    """
    settings.check(dataset)
    device = training.choose_device(settings.device)
    dataset, valid = dataset.hold_out(settings.valid, settings.seed)
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
        try:
            return models.phm(d, q, settings.phm_n, seed)
        except ValueError as error:
            raise OneLayerError(f"--phm-n: {error}") from error
    if settings.model == "linear":
        return models.linear_regression(d, q, seed)
    return models.softmax_regression(d, q, seed)


def in_user_units(module: nn.Module, prepared: Prepared, settings: Settings) -> TrainedModel:
    """Return the trained module with the standardisation worked into its weights."""
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


def regression_scores(model: TrainedModel, rows: Rows) -> dict[str, float | None]:
    """Return R², None if the target is constant, and the root mean squared error in the target's unit."""
    squares = (model.outputs(rows.X) - rows.y).square().sum().item()
    spread = (rows.y - rows.y.mean(dim=0)).square().sum().item()
    r2 = 1 - squares / spread if spread else None
    return {"r2": r2, "rmse": sqrt(squares / rows.y.numel())}


def classification_scores(model: TrainedModel, rows: Rows) -> dict[str, Any]:
    """Return accuracy and mean cross-entropy (nats), overall and the accuracy of each class."""
    outputs = model.outputs(rows.X)
    right = outputs.argmax(dim=1) == rows.y
    classes = {}
    for number, name in enumerate(model.classes):
        of_class = rows.y == number
        n = int(of_class.sum())
        classes[name] = {"rows": n, "accuracy": float(right[of_class].double().mean()) if n else None}
    return {
        "accuracy": float(right.double().mean()),
        "loss": float(cross_entropy(outputs, rows.y)),
        "classes": classes,
    }


def stable_lr(prepared: Prepared, settings: Settings) -> float:
    """Return 2/λ_max for these data at the initial weights."""
    return largest_stable_lr(build(settings, prepared.dataset).to(prepared.train.X.device), prepared.train)


def _scores(module: nn.Module, trained: TrainedModel, prepared: Prepared) -> dict[str, Any]:
    device = prepared.train.X.device
    on_train = training.evaluate(module.to(device), prepared.train)
    scores: dict[str, Any] = {"evaluated_on": prepared.held_out_name, "train_loss": on_train.loss}
    if not prepared.dataset.classes:
        raw = prepared.held_out_raw if prepared.held_out_raw is not None else prepared.dataset.train
        return scores | regression_scores(trained, raw)
    scores |= {"train_accuracy": on_train.accuracy, "test_accuracy": None}
    if prepared.held_out_name == "valid":
        assert prepared.held_out is not None
        held = training.evaluate(module, prepared.held_out)
        scores |= {"valid_loss": held.loss, "valid_accuracy": held.accuracy}
    test = prepared.dataset.test
    if test is not None:
        held = training.evaluate(module, test.to(device))
        scores |= {"evaluated_on": "test", "test_loss": held.loss, "test_accuracy": held.accuracy}
    return scores


class _Checkpoint:
    """The state of a run after its latest epoch, in one file."""

    def __init__(self, path: Path, settings: Settings, prepared: Prepared) -> None:
        self.path = path
        self.epochs = settings.epochs
        # The number of epochs may grow and the device may change; everything else makes it another run.
        self.settings = asdict(replace(settings, epochs=0, device=""))
        train = prepared.train.to("cpu")
        self.data = zlib.crc32(train.y.numpy().data, zlib.crc32(train.X.numpy().data))

    def save(self, module: nn.Module, fit: Fit) -> None:
        about = {"settings": self.settings, "data": self.data, "fit": fit.to_json()}
        write_whole({self.path: tensors_to_bytes(CHECKPOINT_FORMAT, module.state_dict(), about)})

    def load(self, module: nn.Module) -> Fit | None:
        if not self.path.exists():
            return None
        tensors, about = read_tensors(self.path, CHECKPOINT_FORMAT)
        for name, value in self.settings.items():
            if about["settings"].get(name) != value:
                raise OneLayerError(
                    f"{self.path}: is of a run with {name} {about['settings'].get(name)}, not {value}; "
                    "use the same settings or start without --resume"
                )
        if about["data"] != self.data:
            raise OneLayerError(f"{self.path}: is of a run on other data; start without --resume")
        fit = Fit.from_json(about["fit"])
        if len(fit.history) > self.epochs:
            raise OneLayerError(
                f"{self.path}: has {len(fit.history)} epochs already, more than {self.epochs}; "
                "raise --epochs or start without --resume"
            )
        module.load_state_dict(tensors)
        return fit
