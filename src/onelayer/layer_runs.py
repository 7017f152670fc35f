"""Training one layer on prepared rows by SGD in the fused way, on NumPy: the part of an experiment without torch."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from onelayer.checkpoint_file import check_like
from onelayer.checkpoints import Checkpoint
from onelayer.data.rows import Rows
from onelayer.epochs import learn, sampled, sgd_divergence
from onelayer.errors import DivergenceError, OneLayerError
from onelayer.history import History
from onelayer.preparing import Prepared
from onelayer.settings import Plan
from onelayer.solvers import draws, sgd
from onelayer.solvers.curvature import SAMPLE, largest_stable_lr
from onelayer.solvers.epoch import EpochScore, check_settings, mean_score

if TYPE_CHECKING:
    from onelayer.data.shuffle import ShuffledRows

Array = NDArray[np.floating]

INITIAL_STD = 0.01  # of weights, as in models.py, which needs torch


@dataclass(frozen=True, eq=False)
class Layers:
    """What a network has learned, in the user's units.

    Attributes:
        weight: (q, h) and
        bias: (q,) of the output layer.
        hidden: the weight (h, d) and the bias (h,) of an MLP's hidden layer, else None; then h is d.
        parameters: how many numbers the network learned; a PHM layer has fewer than its whole weight.
    """

    weight: Array
    bias: Array
    hidden: tuple[Array, Array] | None
    parameters: int


def is_for_numpy(plan: Plan) -> bool:
    """Whether a plan is to train one layer in the fused way, and not on a device that the user names."""
    return plan.way == "fused" and plan.model in ("linear", "softmax") and plan.device in ("auto", "cpu")


def descend(
    prepared: Prepared,
    plan: Plan,
    checkpoint: Checkpoint | None = None,
    resume: bool = False,
    on_epoch: Callable[[History], None] = lambda history: None,
) -> tuple[Layers, History]:
    """Train a layer ``is_for_numpy`` and measure it on the held-out rows alone; see ``onelayer.train``.

    Raises:
        OneLayerError: if the checkpoint is of another run, or a value is missing or infinite.
        DivergenceError: if the learning rate is too large.
    """
    check_settings(plan.epochs, plan.batch_size, plan.lr)
    learner = _LayerLearner(prepared, plan)
    history = learn(
        learner,
        lr=plan.lr,
        epochs=plan.epochs,
        checkpoint=checkpoint,
        resume=resume and checkpoint is not None,
        on_epoch=on_epoch,
    )
    weight, bias, scaling = learner.weight, learner.bias, prepared.scaling
    if scaling is not None:
        weight, bias = scaling.target.output_to_user(*scaling.features.input_to_user(weight, bias))
    return Layers(weight, bias, None, learner.weight.size + learner.bias.size), history


def stable_lr(prepared: Prepared, plan: Plan) -> float:
    """Return 2/λ_max for these data at the initial weights."""
    return _LayerLearner(prepared, plan).stable_lr()


def rows_to_learn(prepared: Prepared, plan: Plan) -> "Rows | ShuffledRows":
    """Return the rows in standard units; those of files are shuffled by way of the disk."""
    whole, scaling = prepared.whole, prepared.scaling
    if whole is None or scaling is None:
        return prepared.train
    from onelayer.data.scan import Scan
    from onelayer.data.shuffle import ShuffledRows

    assert isinstance(whole, Scan)
    return ShuffledRows(whole, plan.seed, lambda rows: scaling.apply(rows, np.float32))


class _LayerLearner:
    """A layer in float32 that learns from rows that stay the same, or from parts of those of files."""

    may_rise = False

    def __init__(self, prepared: Prepared, plan: Plan) -> None:
        self.batch_size, self.seed = plan.batch_size, plan.seed
        d, q = prepared.dataset.n_features, prepared.dataset.n_outputs
        rows, self.shuffled = rows_to_learn(prepared, plan), None
        if not len(rows):
            raise OneLayerError("there are no rows to train on")
        if not isinstance(rows, Rows):
            self.shuffled, rows = rows, rows.bucket(0)
        self.first = _ready(rows)
        self.measured = None if prepared.held_out is None else _ready(prepared.held_out)
        self.weight = draws.normals(q * d, INITIAL_STD, plan.seed).reshape(q, d)
        self.bias = np.zeros(q, np.float32)

    def arrays(self) -> dict[str, NDArray[Any]]:
        return {"weight": self.weight, "bias": self.bias}

    def put(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        check_like(self.arrays(), arrays)
        self.weight, self.bias = arrays["weight"].copy(), arrays["bias"].copy()

    def start_loss(self) -> float:
        rows = self.first
        return self._score(rows.take(np.arange(len(rows))[sampled(len(rows), rows.n_features)])).loss

    def begin(self, epoch: int) -> None:
        self.initial = {name: array.copy() for name, array in self.arrays().items()}

    def one_epoch(self, epoch: int, lr: float) -> EpochScore:
        scores, sizes = [], []
        for part in self._parts(epoch):
            order = draws.epoch_order(len(part), self.seed, epoch)
            score = sgd.train_epoch(
                self.weight,
                self.bias,
                *_examples(part),
                order,
                batch_size=self.batch_size,
                lr=lr,
                **_how(part),
            )
            scores.append(score)
            sizes.append(len(part))
        return mean_score(scores, sizes)

    def _parts(self, epoch: int) -> Iterator[Rows]:
        if self.shuffled is None:
            yield self.first
            return
        yield from map(_ready, self.shuffled.buckets(epoch, self.batch_size))

    def held_out(self) -> EpochScore | None:
        return None if self.measured is None else self._score(self.measured)

    def _score(self, rows: Rows) -> EpochScore:
        return sgd.score_of(self.weight, self.bias, *_examples(rows), **_how(rows))

    def divergence(self, epoch: int, lr: float, start: float, loss: float) -> DivergenceError:
        self.put(self.initial)
        return sgd_divergence(epoch, lr, start, loss, self.stable_lr())

    def stable_lr(self) -> float:
        """Return 2/λ_max at the weights as they are, from some of the rows."""
        rows = self.first.take(draws.epoch_order(len(self.first), 0, 0)[:SAMPLE])
        layer = self.weight.astype(np.float64), self.bias.astype(np.float64)
        return largest_stable_lr(*layer, rows.X * np.float64(rows.unit), rows.task == "classes", rows.c)


def _ready(rows: Rows) -> Rows:
    """Return rows as bytes or float32, with weights of mean 1.

    Raises:
        OneLayerError: if they are sparse, or a value is missing or infinite.
    """
    if rows.is_sparse:
        raise OneLayerError("SGD takes no sparse features: use an exact solver, or X.toarray() if X is small")
    rows.check_finite()
    X = rows.X if rows.X.dtype == np.uint8 else np.ascontiguousarray(rows.X, np.float32)
    return replace(rows, X=X, c=None if rows.c is None else rows.c / rows.c.mean())


def _examples(rows: Rows) -> tuple[NDArray[Any], NDArray[Any]]:
    return rows.X, rows.y if rows.task == "classes" else rows.y.astype(np.float32)


def _how(rows: Rows) -> dict[str, Any]:
    return {"one": 1 / rows.unit, "factors": None if rows.c is None else rows.c.astype(np.float32)}
