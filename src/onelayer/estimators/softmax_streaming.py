"""Passes of minibatch SGD for ``SoftmaxRegression``, from where earlier ones have ended."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import check_random_state

from onelayer.data.rows import Rows
from onelayer.data.scaling import RunningMoments
from onelayer.errors import torch_needed
from onelayer.estimators.array_api import plain
from onelayer.estimators.callbacks import FitTask
from onelayer.solvers.fit import Watch

if TYPE_CHECKING:
    from onelayer.solvers.softmax_sgd import Coefficients, SoftmaxDescent

MAX_SEED = 2**31 - 1
STREAMING_SHARE = 0.1  # of the largest stable rate: the noise that stays is in proportion to it


class Progress(NamedTuple):
    """How far SGD has come, for ``partial_fit`` to go on.

    Attributes:
        n_seen: the number of rows seen; each counts once, however many passes were made over it.
        weight: the sum of their weights.
        n_measured: ``n_seen`` when the learning rate was last found.
        seed: sets the order of the rows.
    """

    n_seen: int
    weight: float
    n_measured: int
    seed: int


def told(task: FitTask, of_all: Callable[..., tuple[Any, Any]] = lambda *pair: pair) -> Watch:
    """Return what reports the steps of a solver: their W and b, as ``of_all`` makes them those of all classes."""
    return lambda state: task.on_step(
        lambda: dict(zip(("coef_", "intercept_"), of_all(*state()), strict=True))
    )


class SoftmaxStreaming:
    """Learns by SGD, and keeps how far it has come."""

    C: float
    fit_intercept: bool
    solver: str
    class_weight: Any
    lr: float | str
    batch_size: int
    epochs: int
    random_state: Any
    device: str
    classes_: NDArray[Any]
    coef_: Any
    intercept_: Any
    lr_: float
    history_: list[float]
    n_iter_: NDArray[np.int32]
    _has_offset: bool
    _progress: Progress

    def _begin(self, d: int) -> None:
        """Set what SGD goes on from to none; coefficients, if there are any, stay."""
        self._column_means, self._column_variances = np.zeros(d), np.zeros(d)
        self._progress = Progress(0, 0.0, 0, int(check_random_state(self.random_state).randint(MAX_SEED)))
        self.history_: list[float] = []

    def _learn(
        self,
        X: NDArray[Any],
        labels: NDArray[np.int64],
        weights: NDArray[np.float64],
        are_all: bool,
        task: FitTask | None = None,
    ) -> "SoftmaxDescent":
        """Make passes of SGD over the rows, ``epochs`` if they are all that there are, else one."""
        with torch_needed("SoftmaxRegression(solver='sgd')"):
            from onelayer.solvers.softmax_sgd import SoftmaxDescent

        q, d, before = len(self.classes_), X.shape[1], Progress(*self._progress)
        seen = RunningMoments(np.full(d, before.weight), self._column_means, self._column_variances)
        moments, total = seen.with_rows(X, weights), before.weight + float(weights.sum())
        start = self._reached(d)
        scaling = moments.scaling(centred=self.fit_intercept)
        rows = SoftmaxDescent(
            Rows(X, labels, "classes", weights), scaling, start, q, self.fit_intercept, self.device
        )
        n_seen, n_measured = before.n_seen + len(X), before.n_measured
        if not isinstance(self.lr, str):
            self.lr_ = float(self.lr)
        elif n_seen >= 2 * n_measured:
            self.lr_, n_measured = rows.learning_rate(self.batch_size, are_all), n_seen
        lrs = np.full(self.epochs if are_all else 1, self.lr_)
        if isinstance(self.lr, str):
            lrs *= 1 - np.arange(self.epochs) / self.epochs if are_all else STREAMING_SHARE
        decay = 1 / (self.C * total)
        passes = lrs.tolist(), self.batch_size, decay, before.seed, len(self.history_) + 1
        losses = rows.descend(*passes, watch=told(task) if task else lambda state: False)
        found = rows.coefficients()
        self.coef_, self.intercept_ = found.weight, found.bias
        self.history_ = [*self.history_, *losses]
        self.n_iter_ = np.array([len(self.history_)], np.int32)
        self._column_means, self._column_variances = moments.mean, moments.variance
        self._progress = Progress(n_seen, total, n_measured, before.seed)
        return rows

    def _reached(self, d: int) -> "Coefficients":
        """Return the coefficients so far, zeros at the start."""
        from onelayer.solvers.softmax_sgd import Coefficients

        k = 1 if len(self.classes_) == 2 else len(self.classes_)
        return Coefficients(
            getattr(plain(self), "coef_", np.zeros((k, d))), getattr(self, "intercept_", np.zeros(k))
        )

    def _learn_scan(self, rows: Any, task: FitTask) -> None:
        """Make ``epochs`` passes of SGD over the rows of a scan, in an order that is as good as random."""
        with torch_needed("SoftmaxRegression(solver='sgd')"):
            from onelayer.solvers.softmax_sgd import SoftmaxDescent

        from onelayer.data.shuffle import ShuffledRows

        moments = RunningMoments.of_rows(rows)
        total, seed = float(moments.total[0]), self._progress.seed
        shuffled, scaling = ShuffledRows(rows, seed), moments.scaling(centred=self.fit_intercept)
        how = len(self.classes_), self.fit_intercept, self.device

        def descent(part: Rows) -> SoftmaxDescent:
            return SoftmaxDescent(part, scaling, self._reached(rows.n_features), *how)

        is_auto = isinstance(self.lr, str)
        self.lr_ = (
            descent(shuffled.bucket(0)).learning_rate(self.batch_size, False) if is_auto else float(self.lr)
        )
        tell = told(task)
        for epoch in range(self.epochs):
            lr, losses, counts = self.lr_ * (1 - epoch / self.epochs if is_auto else 1), [], []
            for part in shuffled.buckets(epoch, self.batch_size):
                its = descent(part)
                losses += its.descend([lr], self.batch_size, 1 / (self.C * total), seed, epoch + 1)
                counts.append(float(part.c.sum()) if part.c is not None else len(part))
                found = its.coefficients()
                self.coef_, self.intercept_ = found.weight, found.bias
            self.history_ = [*self.history_, float(np.average(losses, weights=counts))]
            if tell(lambda: (self.coef_, self.intercept_)):
                break
        self.n_iter_ = np.array([len(self.history_)], np.int32)
        self._column_means, self._column_variances = moments.mean, moments.variance
        self._progress = Progress(len(rows), total, len(rows), seed)
