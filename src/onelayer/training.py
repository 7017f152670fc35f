"""Training any model by SGD in any of the three ways, with resuming, and measuring it."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import NDArray
from torch import nn
from torch.utils.data import TensorDataset

from onelayer.checkpoints import Checkpoint, checksum
from onelayer.data.given import NUMBERS
from onelayer.data.rows import Rows
from onelayer.epochs import divergence_message, learn, sampled, sgd_divergence
from onelayer.errors import DivergenceError, OneLayerError
from onelayer.history import History
from onelayer.module_state import arrays_of, put_into
from onelayer.solvers import concise, fused, scratch
from onelayer.solvers.batches import Batches, Loss, epoch_order
from onelayer.solvers.draws import stream_seed
from onelayer.solvers.epoch import EpochScore, Way, check_settings, mean_score
from onelayer.solvers.module_score import score_of
from onelayer.solvers.optimizers import MakeOptimizer, Schedule, follow, made, names_of
from onelayer.solvers.stability import largest_stable_lr

if TYPE_CHECKING:
    from onelayer.data.shuffle import ShuffledRows

WAYS = {"fused": fused.train_epoch, "scratch": scratch.train_epoch, "concise": concise.train_epoch}

DRAWS = 1  # the random stream of a seed that a model's own draws come from


def fit(
    model: nn.Module,
    rows: "Rows | ShuffledRows | TensorDataset",
    held_out: Rows | TensorDataset | None = None,
    *,
    way: Way | None = None,
    loss: Loss | None = None,
    optimizer: MakeOptimizer | None = None,
    schedule: Schedule | None = None,
    epochs: int = 10,
    batch_size: int = 256,
    lr: float = 0.1,
    seed: int = 0,
    checkpoint: Checkpoint | Path | str | None = None,
    resume: bool = False,
    after: History | None = None,
    on_epoch: Callable[[History], None] = lambda history: None,
) -> History:
    """Train ``model`` in place by minibatch SGD, or another optimizer, and return how it went.

    The model is in evaluation mode afterwards. What it draws itself while it learns, such as dropout, is set by
    ``seed`` too, anew in each epoch; PyTorch's generator is then as it was before.

    Args:
        model: from features (n, d) to outputs (n, q), or from (n, …) to whatever the loss takes; the rows are brought
            to its device and float type.
        rows: the examples to learn from. ``"fused"`` heeds their weights, which the other ways refuse. Those of files
            come shuffled, in parts that fit in memory. A ``TensorDataset`` has features (n, …) and targets (n, …) of
            any shape: whole numbers are classes, such as one for each pixel. Its bytes stay bytes, of which the model
            gets the numbers 0 to 255 as floats.
        held_out: examples to measure it on after each epoch.
        way: ``"fused"`` and ``"scratch"`` train an ``nn.Linear`` by SGD, ``"concise"`` any module. If it is not given,
            fused where that will do, else concise.
        loss: from outputs and the targets of a batch to a tensor, whose mean is minimised. If it is not given,
            cross-entropy for classes, and ½ Σ(ŷ − y)² of a row for numbers.
        optimizer: called as ``optimizer(model.parameters(), lr=lr)``, such as ``torch.optim.Adam``; SGD if not given.
        schedule: from the share of all steps that is done, 0 to below 1, to what ``lr`` is multiplied by.
        epochs: passes over the rows in total, resumed ones included.
        batch_size: rows per step.
        lr: the learning rate η.
        seed: sets the order of the rows in each epoch.
        checkpoint: a file for the weights, the optimizer's state and the history after each epoch. (Of a ``Checkpoint``
            the caller says when it has finished.)
        resume: go on from the checkpoint, if there is one, to the same weights, bit for bit, as without a stop.
        after: what an earlier call returned or last reported, to go on after it; ``model`` has its weights then.
        on_epoch: called after each epoch with the history so far.

    Raises:
        DivergenceError: if the loss grows without end; for plain SGD it says how large the learning rate may be.
        OneLayerError: if a setting is out of range, the way cannot train the model, a value is missing or infinite, a
            label is beyond the model's outputs, or the checkpoint is of another run.

    Example:
        >>> from onelayer import fit, linear_regression, synthetic
        >>> rows = synthetic().train
        >>> model = linear_regression(d=2, q=1)
        >>> history = fit(model, rows, epochs=3, lr=0.03, batch_size=10)
        >>> model.weight.data.round(decimals=2)
        tensor([[ 2.0000, -3.4000]])
    """
    check_settings(epochs, batch_size, lr)
    way = _way_for(model, rows, way, is_plain=(loss, optimizer, schedule) == (None, None, None))
    own = made(optimizer or torch.optim.SGD, model, lr) if optimizer or schedule else None
    learner = _ModuleLearner(model, rows, held_out, loss, own, way, batch_size, seed)
    how = {
        "way": way,
        "batch_size": batch_size,
        "lr": lr,
        "seed": seed,
        **names_of(model, loss, optimizer, schedule),
    }
    keeper = _checkpoint(checkpoint, how | {"epochs": epochs if schedule else 0}, learner.first, epochs)
    if resume and keeper is None:
        raise OneLayerError("resume needs the checkpoint that an earlier call left")
    if own and schedule:
        learner.follow(schedule, epochs)
    with torch.random.fork_rng(devices=[learner.first.X.device] if learner.first.X.is_cuda else []):
        history = learn(
            learner, lr=lr, epochs=epochs, checkpoint=keeper, resume=resume, after=after, on_epoch=on_epoch
        )
    model.eval()
    if keeper and keeper is not checkpoint:
        keeper.finish()
    return history


def evaluate(model: nn.Module, rows: Rows | TensorDataset, loss: Loss | None = None) -> EpochScore:
    """Return the mean loss and, for classes, the accuracy of the model on all rows; see ``fit`` for the arguments.

    Raises:
        OneLayerError: if there are no rows, a value is missing or infinite, or a label is beyond the model's outputs.

    Example:
        >>> from onelayer import evaluate, fashion_mnist, softmax_regression
        >>> model = softmax_regression(d=784, q=10)
        >>> round(evaluate(model, fashion_mnist().test).loss, 1)
        2.3
    """
    if not len(rows):
        raise OneLayerError("there are no rows to evaluate on")
    return score_of(model, _fitting(model, rows, loss))


class _ModuleLearner:
    """A module that learns in one of the ways from rows that stay the same, or from parts of those of files."""

    def __init__(
        self,
        model: nn.Module,
        rows: "Rows | ShuffledRows | TensorDataset",
        held_out: Rows | TensorDataset | None,
        loss: Loss | None,
        optimizer: torch.optim.Optimizer | None,
        way: Way,
        batch_size: int,
        seed: int,
    ) -> None:
        if not len(rows):
            raise OneLayerError("there are no rows to train on")
        self.model, self.loss, self.optimizer = model, loss, optimizer
        self.batch_size, self.seed, self.steps = batch_size, seed, -(-len(rows) // batch_size)
        self.shuffled: ShuffledRows | None = None
        if not isinstance(rows, Rows | TensorDataset):
            self.shuffled, rows = rows, rows.bucket(0)
        self.first = _fitting(model, rows, loss)
        self.measured = None if held_out is None else _fitting(model, held_out, loss)
        self.train = partial(concise.train_epoch, optimizer=optimizer) if optimizer else WAYS[way]
        self.may_rise = optimizer is not None or loss is not None
        self.schedule: tuple[Schedule, int] | None = None

    def follow(self, schedule: Schedule, epochs: int) -> None:
        """Multiply the learning rate by what a schedule says of so many passes."""
        self.schedule = schedule, epochs * self.steps

    def arrays(self) -> dict[str, NDArray[Any]]:
        return arrays_of(self.model, self.optimizer)

    def put(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        put_into(arrays, self.model, self.optimizer)

    def start_loss(self) -> float:
        n, width = len(self.first), self.first.X[:1].numel()
        chosen = torch.arange(n, device=self.first.X.device)[sampled(n, width)]
        return score_of(self.model, self.first.take(chosen)).loss

    def begin(self, epoch: int) -> None:
        self.initial = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        if self.optimizer and self.schedule:
            follow(self.schedule[0], self.optimizer, (epoch - 1) * self.steps, self.schedule[1])

    def one_epoch(self, epoch: int, lr: float) -> EpochScore:
        scores, sizes = [], []
        self.model.train()
        torch.manual_seed(stream_seed(self.seed, epoch, DRAWS))
        for part in self._parts(epoch):
            order = epoch_order(len(part), self.seed, epoch)
            scores.append(self.train(self.model, part, order, self.batch_size, lr))  # type: ignore[arg-type] # _way_for has looked
            sizes.append(len(part))
        return mean_score(scores, sizes)

    def _parts(self, epoch: int) -> Iterator[Batches]:
        if self.shuffled is None:
            yield self.first
            return
        for part in self.shuffled.buckets(epoch, self.batch_size):
            yield _fitting(self.model, part, self.loss)

    def held_out(self) -> EpochScore | None:
        return None if self.measured is None else score_of(self.model, self.measured)

    def divergence(self, epoch: int, lr: float, start: float, loss: float) -> DivergenceError:
        self.model.load_state_dict(self.initial)
        if self.optimizer is not None:  # 2/λ_max says nothing of other steps than the gradient
            what = divergence_message(epoch, lr, start, loss)
            return DivergenceError(f"{what}; try a smaller one, such as {lr / 10:.1g}", lr, None)
        return sgd_divergence(epoch, lr, start, loss, largest_stable_lr(self.model, self.first))


def _way_for(
    model: nn.Module, rows: "Rows | ShuffledRows | TensorDataset", way: Way | None, *, is_plain: bool
) -> Way:
    """Return the way to train, if it can train the model on the rows.

    Raises:
        OneLayerError: if there is no such way, or it cannot.
    """
    is_linear = isinstance(model, nn.Linear) and is_plain and not isinstance(rows, TensorDataset)
    way = way or ("fused" if is_linear else "concise")
    if way not in WAYS:
        raise OneLayerError(f"way must be one of {', '.join(WAYS)}, not {way!r}")
    if way != "concise" and not is_linear:
        what = type(model).__name__ if is_plain else "by another loss, optimizer or schedule"
        what = "on a TensorDataset" if isinstance(rows, TensorDataset) else what
        raise OneLayerError(f"only the concise way trains {what}, not {way}")
    if way != "fused" and not isinstance(rows, TensorDataset) and rows.has_weights:
        raise OneLayerError(f"only the fused way heeds the weights of rows, not {way}")
    return way


def _checkpoint(
    given: Checkpoint | Path | str | None, settings: dict[str, Any], rows: Batches, epochs: int
) -> Checkpoint | None:
    """Return the checkpoint of a run, made where a path was given."""
    if given is None or isinstance(given, Checkpoint):
        return given
    return Checkpoint(Path(given), settings, checksum(rows.X.cpu().numpy(), rows.y.cpu().numpy()), epochs)


def _fitting(model: nn.Module, rows: Rows | TensorDataset, loss: Loss | None = None) -> Batches:
    """Return the rows as batches for a model.

    Raises:
        OneLayerError: if a value is missing or infinite, the rows have other features or targets than a linear model,
            or labels beyond the outputs of any.
    """
    if isinstance(rows, Rows):
        rows.check_finite()
        if isinstance(model, nn.Linear) and model.in_features != rows.n_features:
            raise OneLayerError(
                f"the model takes {model.in_features} features, the rows have {rows.n_features}"
            )
    batches = replace(Batches.like(model, rows), loss=loss)
    if loss is None and len(batches):
        _check_targets(
            batches, _output_shape(model, batches), "" if isinstance(rows, TensorDataset) else NUMBERS
        )
    return batches


def _check_targets(batches: Batches, shape: tuple[int, ...], hint: str) -> None:
    """Raise OneLayerError unless targets suit outputs of a shape: labels below its first number, or as many numbers."""
    y, q = batches.y, shape[0] if shape else 1
    if not batches.are_classes:
        if y.shape[1:] != shape:
            n_targets, n_outputs = ("×".join(map(str, s)) or "1" for s in (y.shape[1:], shape))
            raise OneLayerError(f"the model has {n_outputs} outputs, but the rows have {n_targets} targets")
        return
    if int(y.min()) >= 0 and int(y.max()) < q:
        return
    y = y.long()
    place = tuple(int(i) for i in ((y < 0) | (y >= q)).nonzero()[0])
    raise OneLayerError(
        f"the model has {q} outputs, but there is a label {int(y[place])}, first in row {place[0] + 1}{hint}"
    )


@torch.inference_mode()
def _output_shape(model: nn.Module, batches: Batches) -> tuple[int, ...]:
    """Return the shape of a row's outputs, as seen from the first row."""
    X, _ = batches.batch(torch.zeros(1, dtype=torch.int64, device=batches.X.device))
    return tuple(model.eval()(X).shape[1:])
