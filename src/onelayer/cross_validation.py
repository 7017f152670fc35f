"""Cross-validation: how good models like one are on rows that they have not seen."""

from dataclasses import dataclass, replace
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.dataset import Dataset, folds
from onelayer.data.rows import Rows
from onelayer.learning import learn
from onelayer.model import log_softmax
from onelayer.preparing import prepare
from onelayer.scoring import total_variance
from onelayer.settings import Plan

FOLDS = 5
FEWEST_ROWS = 6
LARGE = 2**25  # features, of which one fold in five is enough to judge by


@dataclass(frozen=True)
class CrossValidation:
    """Scores on rows that were left out.

    Attributes:
        scores: over all rows: ``r2`` and ``rmse``, or ``accuracy`` and ``loss``.
        folds: the same of each fold; ``r2`` against the variance of all rows.
    """

    scores: dict[str, float]
    folds: tuple[dict[str, float], ...]

    @property
    def spread(self) -> dict[str, float]:
        """The standard deviation of each score over the folds; none of a single one."""
        if len(self.folds) < 2:
            return {}
        return {name: float(np.std([fold[name] for fold in self.folds], ddof=1)) for name in self.scores}

    def to_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {"scores": self.scores, "spread": self.spread, "folds": list(self.folds)}


def cross_validate(dataset: Dataset, plan: Plan, n_folds: int = FOLDS) -> CrossValidation | None:
    """Return the scores of models of all folds but one, on that one, in turn; None if there are too few rows.

    Of very many rows one fold is enough. Rows are assigned at random, by the seed of the plan, and so that each fold
    has a like share of each class.
    """
    rows = dataset.train
    if rows.c is not None and not rows.c.all():
        rows = rows.take(rows.c > 0)
    n = len(rows)
    if n < FEWEST_ROWS:
        return None
    fold = folds(rows, min(n_folds, n), plan.seed)
    if not fold.any():  # the rows are all of one group
        return None
    outputs = np.empty((n, dataset.n_outputs))
    n_measured = 1 if n * rows.n_features > LARGE else int(fold.max()) + 1
    for k in range(n_measured):
        outputs[fold == k] = _outputs_on(fold == k, rows, dataset, plan)
    is_measured = fold < n_measured
    outputs, y, fold = outputs[is_measured], rows.y[is_measured], fold[is_measured]
    c = np.ones(len(y)) if rows.c is None else rows.c[is_measured]
    if rows.task == "classes":
        right = outputs.argmax(axis=1) == y
        loss = -log_softmax(outputs)[np.arange(len(y)), y]
        values = {"accuracy": right.astype(float), "loss": loss}
    else:
        values = {"squares": np.square(outputs - y).sum(axis=1)}
    variance = 0.0 if rows.task == "classes" else total_variance(y, c)
    means = [
        {name: float(np.average(v[fold == k], weights=c[fold == k])) for name, v in values.items()}
        for k in range(n_measured)
    ]
    whole = {name: float(np.average(v, weights=c)) for name, v in values.items()}
    return CrossValidation(_scores(whole, variance), tuple(_scores(part, variance) for part in means))


def _outputs_on(left_out: NDArray[np.bool_], rows: Rows, dataset: Dataset, plan: Plan) -> NDArray[Any]:
    """Return the outputs for the rows that are left out of a model; the copies of rows go when it is done."""
    part = replace(dataset, train=rows.take(~left_out), test=None)
    of_all = replace(plan, valid=0.0)
    model = learn(prepare(part, of_all), of_all).model
    its = rows.take(left_out)
    return model.outputs(its.X, its.offset)


def _scores(means: dict[str, float], variance: float) -> dict[str, float]:
    """Return scores from means over rows; R² only of a target that varies."""
    if "squares" not in means:
        return means
    found = {"rmse": sqrt(means["squares"])}
    return found | ({"r2": 1 - means["squares"] / variance} if variance else {})
