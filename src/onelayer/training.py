"""The epoch loop for any model and any of the three ways: history, resuming, and stopping when it diverges."""

import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import torch
from torch import nn

from onelayer import concise, scratch
from onelayer.data import Rows, epoch_order
from onelayer.errors import DivergenceError, OneLayerError
from onelayer.functional import mean_loss
from onelayer.solvers import sgd
from onelayer.solvers.epoch import EpochScore
from onelayer.solvers.stability import DIVERGED, largest_stable_lr
from onelayer.timer import Timer

Way = Literal["fused", "scratch", "concise"]
WAYS = {"fused": sgd.train_epoch, "scratch": scratch.train_epoch, "concise": concise.train_epoch}

START_SAMPLE = 4096
DEVICES = ("cpu", "cuda", "mps")


@dataclass(frozen=True)
class EpochRecord:
    """One row of the history. ``held_out_*`` are None without held-out rows, accuracies for regression."""

    epoch: int
    train_loss: float
    train_accuracy: float | None
    held_out_loss: float | None
    held_out_accuracy: float | None
    seconds: float


@dataclass(frozen=True)
class Fit:
    """How a training run went; the model itself was changed in place.

    Attributes:
        start_loss: the loss on (a sample of) the training rows before the first step.
        history: a record for each epoch, the first first.
    """

    start_loss: float
    history: tuple[EpochRecord, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return the fit as JSON values, for a checkpoint."""
        return asdict(self)

    @staticmethod
    def from_json(values: dict[str, Any]) -> "Fit":
        """Return what ``to_json`` wrote."""
        return Fit(values["start_loss"], tuple(EpochRecord(**r) for r in values["history"]))


def fit(
    model: nn.Module,
    rows: Rows,
    held_out: Rows | None = None,
    *,
    way: Way = "fused",
    epochs: int = 10,
    batch_size: int = 256,
    lr: float = 0.1,
    seed: int = 0,
    resume: Fit | None = None,
    on_epoch: Callable[[Fit], None] = lambda fit: None,
) -> Fit:
    """Train ``model`` in place by minibatch SGD and return how it went.

    The model is in evaluation mode afterwards. If it draws random numbers itself, as dropout does, those are
    not set by ``seed``.

    Args:
        model: from features (n, d) to outputs (n, q); the rows are brought to its device and float type.
        rows: the examples to learn from.
        held_out: examples to measure it on after each epoch.
        way: ``"fused"`` and ``"scratch"`` train an ``nn.Linear``, ``"concise"`` any module.
        epochs: passes over the rows in total, resumed ones included.
        batch_size: rows a step.
        lr: the learning rate η.
        seed: sets the order of the rows in each epoch.
        resume: what an earlier call returned or last reported; ``model`` has its weights then.
        on_epoch: called after each epoch with the fit so far.

    Raises:
        DivergenceError: if the learning rate is too large for the data; it says how large it may be.
        OneLayerError: if a setting is out of range or the way cannot train the model.
    """
    check_settings(epochs, batch_size, lr)
    if way not in WAYS:
        raise OneLayerError(f"way must be one of {', '.join(WAYS)}, not {way!r}")
    if way != "concise" and not isinstance(model, nn.Linear):
        raise OneLayerError(f"only the concise way trains {type(model).__name__}, not {way}")
    _check_fits(model, rows)
    rows = _like_model(model, rows)
    held_out = _like_model(model, held_out) if held_out is not None else None
    initial = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    so_far = resume or Fit(_start_loss(model, rows))
    for epoch in range(len(so_far.history) + 1, epochs + 1):
        timer = Timer()
        model.train()
        score = WAYS[way](model, rows, epoch_order(len(rows), seed, epoch), batch_size, lr)  # type: ignore[arg-type]
        seconds = timer.stop()
        if not score.loss <= DIVERGED * so_far.start_loss:
            model.load_state_dict(initial)
            raise _divergence(model, rows, lr, epoch, so_far.start_loss, score.loss)
        held = evaluate(model, held_out) if held_out is not None else None
        record = EpochRecord(
            epoch,
            score.loss,
            score.accuracy,
            held.loss if held else None,
            held.accuracy if held else None,
            seconds,
        )
        so_far = Fit(so_far.start_loss, (*so_far.history, record))
        on_epoch(so_far)
    model.eval()
    return so_far


@torch.inference_mode()
def evaluate(model: nn.Module, rows: Rows) -> EpochScore:
    """Return the mean loss and, for classes, the accuracy of the model on all rows.

    Raises:
        OneLayerError: if there are no rows.
    """
    if not len(rows):
        raise OneLayerError("there are no rows to evaluate on")
    rows = _like_model(model, rows)
    model.eval()
    loss, correct = 0.0, 0
    for X, y in rows.blocks():
        outputs = model(X)
        loss += mean_loss(outputs, y).item() * len(y)
        if rows.is_classification:
            correct += int((outputs.argmax(dim=1) == y).sum())
    return EpochScore(loss / len(rows), correct / len(rows) if rows.is_classification else None)


def _check_fits(model: nn.Module, rows: Rows) -> None:
    """Raise OneLayerError if the rows have other features than a linear model, or labels beyond its outputs."""
    if not isinstance(model, nn.Linear):
        return
    if model.in_features != rows.X.shape[1]:
        raise OneLayerError(f"the model takes {model.in_features} features, the rows have {rows.X.shape[1]}")
    if rows.is_classification and len(rows) and int(rows.y.max()) >= model.out_features:
        raise OneLayerError(
            f"the model has {model.out_features} outputs, but there is a label {int(rows.y.max())}"
        )


def _like_model(model: nn.Module, rows: Rows) -> Rows:
    parameter = next(model.parameters())
    return rows.to(parameter.device, parameter.dtype)


def choose_device(name: str) -> torch.device:
    """Return the device called ``name``; ``"auto"`` takes CUDA if there is one, else the CPU.

    Raises:
        OneLayerError: if there is no such device on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        if device.type not in DEVICES:
            raise RuntimeError(f"onelayer knows {', '.join(DEVICES)}")
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise OneLayerError(f"device {name!r} is not available: {reason}") from error
    return device


def check_settings(epochs: int, batch_size: int, lr: float) -> None:
    """Raise OneLayerError if a setting of SGD is out of range."""
    if epochs < 1:
        raise OneLayerError(f"epochs must be at least 1, not {epochs}")
    if batch_size < 1:
        raise OneLayerError(f"batch size must be at least 1, not {batch_size}")
    if not (lr > 0 and math.isfinite(lr)):
        raise OneLayerError(f"the learning rate must be a positive number, not {lr}")


def _start_loss(model: nn.Module, rows: Rows) -> float:
    n = len(rows)
    if not n:
        raise OneLayerError("there are no rows to train on")
    chosen = torch.arange(0, n, max(1, n // START_SAMPLE), device=rows.X.device)
    return evaluate(model, rows.take(chosen)).loss


def _divergence(
    model: nn.Module, rows: Rows, lr: float, epoch: int, start: float, loss: float
) -> DivergenceError:
    largest = largest_stable_lr(model, rows)
    advice = f"try --lr {min(lr, largest) / 2:.1g}"
    if lr < largest:  # on average over the rows the steps are short enough, in single batches they are not
        advice += " or a larger --batch-size"
    return DivergenceError(
        f"training diverged in epoch {epoch} with learning rate {lr:g}: the loss went from {start:.4g} "
        f"to {loss:.4g}; the largest stable learning rate for these data is about {largest:.2g} "
        f"(2/λ_max at the start); {advice}",
        lr,
        largest,
    )
