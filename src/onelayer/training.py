"""Training any model by SGD in any of the three ways, with resuming, and measuring it."""

from collections.abc import Callable
from itertools import repeat
from typing import TYPE_CHECKING

import torch
from torch import nn

from onelayer.data.given import NUMBERS
from onelayer.data.rows import Rows
from onelayer.errors import DivergenceError, OneLayerError
from onelayer.history import History
from onelayer.solvers import concise, scratch, sgd
from onelayer.solvers.batches import Batches, epoch_order
from onelayer.solvers.descent import descend, score_of
from onelayer.solvers.epoch import EpochScore, Way, check_settings, mean_score
from onelayer.solvers.stability import largest_stable_lr

if TYPE_CHECKING:
    from onelayer.data.shuffle import ShuffledRows

WAYS = {"fused": sgd.train_epoch, "scratch": scratch.train_epoch, "concise": concise.train_epoch}

START_SAMPLE = 4096


def fit(
    model: nn.Module,
    rows: "Rows | ShuffledRows",
    held_out: Rows | None = None,
    *,
    way: Way = "fused",
    epochs: int = 10,
    batch_size: int = 256,
    lr: float = 0.1,
    seed: int = 0,
    resume: History | None = None,
    on_epoch: Callable[[History], None] = lambda history: None,
) -> History:
    """Train ``model`` in place by minibatch SGD and return how it went.

    The model is in evaluation mode afterwards. If it draws random numbers itself, as dropout does, those are
    not set by ``seed``.

    Args:
        model: from features (n, d) to outputs (n, q); the rows are brought to its device and float type.
        rows: the examples to learn from; ``"fused"`` heeds their weights, which the other ways refuse. Those of files
            come shuffled, in parts that fit in memory.
        held_out: examples to measure it on after each epoch.
        way: ``"fused"`` and ``"scratch"`` train an ``nn.Linear``, ``"concise"`` any module.
        epochs: passes over the rows in total, resumed ones included.
        batch_size: rows per step.
        lr: the learning rate η.
        seed: sets the order of the rows in each epoch.
        resume: what an earlier call returned or last reported; ``model`` has its weights then.
        on_epoch: called after each epoch with the history so far.

    Raises:
        DivergenceError: if the learning rate is too large for the data; it says how large it may be.
        OneLayerError: if a setting is out of range, the way cannot train the model, a value is missing or infinite,
            or a label is beyond the model's outputs.
    """
    check_settings(epochs, batch_size, lr)
    _check_way(way, model, rows)
    if not len(rows):
        raise OneLayerError("there are no rows to train on")
    batches = _fitting(model, rows if isinstance(rows, Rows) else rows.bucket(0))
    held_out_batches = None if held_out is None else _fitting(model, held_out)
    initial = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    so_far = resume or History(_start_loss(model, batches))
    first = len(so_far.epochs) + 1

    def one_epoch(epoch: int, lr: float) -> EpochScore:
        parts = (
            [batches]
            if isinstance(rows, Rows)
            else (_fitting(model, part) for part in rows.buckets(epoch, batch_size))
        )
        scores, sizes = [], []
        for part in parts:
            order = epoch_order(len(part), seed, epoch)
            scores.append(WAYS[way](model, part, order, batch_size, lr))  # type: ignore[arg-type] # _check_way has looked
            sizes.append(len(part))
        return mean_score(scores, sizes)

    def diverged(epoch: int, lr: float, loss: float) -> DivergenceError:
        model.load_state_dict(initial)
        return _divergence(model, batches, lr, epoch, so_far.start_loss, loss)

    return descend(
        model,
        one_epoch,
        repeat(lr, epochs + 1 - first),
        so_far=so_far,
        diverged=diverged,
        first_epoch=first,
        held_out=held_out_batches,
        on_epoch=on_epoch,
    )


def evaluate(model: nn.Module, rows: Rows) -> EpochScore:
    """Return the mean loss and, for classes, the accuracy of the model on all rows.

    Raises:
        OneLayerError: if there are no rows, a value is missing or infinite, or a label is beyond the model's outputs.
    """
    if not len(rows):
        raise OneLayerError("there are no rows to evaluate on")
    return score_of(model, _fitting(model, rows))


def _check_way(way: Way, model: nn.Module, rows: "Rows | ShuffledRows") -> None:
    """Raise OneLayerError if there is no such way, or it cannot train the model on the rows."""
    if way not in WAYS:
        raise OneLayerError(f"way must be one of {', '.join(WAYS)}, not {way!r}")
    if way != "concise" and not isinstance(model, nn.Linear):
        raise OneLayerError(f"only the concise way trains {type(model).__name__}, not {way}")
    if way != "fused" and rows.has_weights:
        raise OneLayerError(f"only the fused way heeds the weights of rows, not {way}")


def _fitting(model: nn.Module, rows: Rows) -> Batches:
    """Return the rows as batches for a model.

    Raises:
        OneLayerError: if a value is missing or infinite, the rows have other features or targets than a linear model,
            or labels beyond the outputs of any.
    """
    rows.check_finite()
    if isinstance(model, nn.Linear) and model.in_features != rows.n_features:
        raise OneLayerError(f"the model takes {model.in_features} features, the rows have {rows.n_features}")
    batches = Batches.like(model, rows)
    if not len(rows):
        return batches
    q = model.out_features if isinstance(model, nn.Linear) else _n_outputs(model, batches)
    if rows.task == "classes" and rows.y.max() >= q:
        row = int((rows.y >= q).argmax())
        raise OneLayerError(
            f"the model has {q} outputs, but there is a label {rows.y[row]}, first in row {row + 1}{NUMBERS}"
        )
    if rows.task == "regression" and rows.y.shape[1] != q:
        raise OneLayerError(f"the model has {q} outputs, but the rows have {rows.y.shape[1]} targets")
    return batches


@torch.inference_mode()
def _n_outputs(model: nn.Module, batches: Batches) -> int:
    """Return how many outputs a model has, as seen from the first row."""
    X, _ = batches.batch(torch.zeros(1, dtype=torch.int64, device=batches.X.device))
    return int(model.eval()(X).shape[-1])


def _start_loss(model: nn.Module, batches: Batches) -> float:
    n = len(batches)
    chosen = torch.arange(0, n, max(1, n // START_SAMPLE), device=batches.X.device)
    return score_of(model, batches.take(chosen)).loss


def _divergence(
    model: nn.Module, batches: Batches, lr: float, epoch: int, start: float, loss: float
) -> DivergenceError:
    largest = largest_stable_lr(model, batches)
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
