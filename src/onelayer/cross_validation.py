"""Cross-validation: how good models like one are on rows that they have not seen."""

from dataclasses import dataclass, replace
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from onelayer.data.dataset import Dataset, folds
from onelayer.exact import all_outputs, solve
from onelayer.model import log_softmax
from onelayer.preparing import prepare
from onelayer.settings import Plan

FOLDS = 5
FEWEST_ROWS = 6


@dataclass(frozen=True)
class CrossValidation:
    """Scores on rows that were left out, fold by fold, and of all together.

    Attributes:
        folds: how many there were.
        scores: over all rows: ``r2`` and ``rmse``, or ``accuracy`` and ``loss``.
        spread: the standard deviation of each over the folds; for ``r2`` of what ``rmse`` makes of it.
    """

    folds: int
    scores: dict[str, float]
    spread: dict[str, float]


def cross_validate(dataset: Dataset, plan: Plan, n_folds: int = FOLDS) -> CrossValidation | None:
    """Return the scores of exact solutions of all folds but one, on that one; None if there are too few rows.

    Rows are assigned at random, by the seed of the plan, and so that each fold has a like share of each class.
    """
    rows = dataset.train
    n = len(rows)
    if n < FEWEST_ROWS:
        return None
    fold = folds(rows, min(n_folds, n), plan.seed)
    outputs = np.empty((n, dataset.n_outputs))
    for k in range(fold.max() + 1):
        part = replace(dataset, train=rows.take(fold != k), test=None)
        prepared = prepare(part, replace(plan, valid=0.0))
        solution = solve(prepared, plan)
        weight, bias = all_outputs(solution.fit, dataset.n_outputs)
        outputs[fold == k] = prepared.filled(rows.take(fold == k)).X @ weight.T + bias
    if rows.task == "classes":
        return _of_classes(outputs, rows.y, fold)
    return _of_numbers(outputs, rows.y, fold)


def _of_classes(
    outputs: NDArray[np.float64], y: NDArray[np.int64], fold: NDArray[np.int64]
) -> CrossValidation:
    right = outputs.argmax(axis=1) == y
    loss = -log_softmax(outputs)[np.arange(len(y)), y]
    parts = {"accuracy": right.astype(float), "loss": loss}
    return CrossValidation(
        int(fold.max()) + 1,
        {name: float(values.mean()) for name, values in parts.items()},
        {name: _spread(_means(values, fold)) for name, values in parts.items()},
    )


def _of_numbers(
    outputs: NDArray[np.float64], y: NDArray[np.float64], fold: NDArray[np.int64]
) -> CrossValidation:
    squares = np.square(outputs - y).sum(axis=1)
    total = float(np.square(y - y.mean(axis=0)).sum(axis=1).mean())
    by_fold = _means(squares, fold)
    scores = {"rmse": sqrt(squares.mean())} | ({"r2": 1 - float(squares.mean()) / total} if total else {})
    spread = {"rmse": _spread(np.sqrt(by_fold))} | ({"r2": _spread(by_fold / total)} if total else {})
    return CrossValidation(len(by_fold), scores, spread)


def _means(values: NDArray[np.float64], fold: NDArray[np.int64]) -> NDArray[np.float64]:
    return np.asarray(np.bincount(fold, values) / np.bincount(fold))


def _spread(values: NDArray[np.float64]) -> float:
    return float(values.std(ddof=1))
