"""How good a model is on rows wherever they are, by sums over them: scores and their intervals."""

from dataclasses import dataclass
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Block
from onelayer.diagnostics import Blocks, ErrorMoments, wilson
from onelayer.model import Model, log_softmax

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How good a model is.

    Attributes:
        rows: how many rows say so.
        scores: ``r2``, None for a constant target, and ``rmse``; or ``accuracy``, ``loss`` and for each of ``classes``
            how many ``rows`` it has, and their ``accuracy``, None for none.
        intervals: 95% intervals (2,) of ``r2`` and ``rmse``, or of ``accuracy``; None where there is none. They are for
            rows without weights.
    """

    rows: int
    scores: dict[str, Any]
    intervals: dict[str, Array | None]


def evaluate(rows: Blocks, model: Model) -> Evaluation:
    """Return how good a model is on rows in the user's units, after one pass over them.

    Scores go by the weights of rows, if these have any, but for those of single classes.

    Raises:
        OneLayerError: if a row cannot be read, or none is complete.
    """
    return _of_classes(rows, model) if model.classes else _of_numbers(rows, model)


def _outputs(model: Model, block: Block) -> Array:
    return model.outputs(block.X, block.offset, block.start + 1 + np.arange(len(block)))


def _of_classes(rows: Blocks, model: Model) -> Evaluation:
    q = len(model.classes)
    rows.first()  # raises if there is none

    def terms(block: Block) -> list[Any]:
        c, y, outputs = block.row_weights(), block.y, _outputs(model, block)
        is_right, losses = outputs.argmax(axis=1) == y, -log_softmax(outputs)[np.arange(len(y)), y]
        counts = [np.bincount(y, minlength=q), np.bincount(y[is_right], minlength=q)]
        return [*counts, float(c.sum()), float(c @ is_right), float(c @ losses)]

    n, right, total, weight_right, loss = rows.sum(terms)
    each = zip(model.classes, n.tolist(), right.tolist(), strict=True)
    scores = {
        "accuracy": weight_right / total,
        "loss": loss / total,
        "classes": {name: {"rows": m, "accuracy": k / m if m else None} for name, m, k in each},
    }
    return Evaluation(int(n.sum()), scores, {"accuracy": wilson(int(right.sum()), int(n.sum()))})


def _of_numbers(rows: Blocks, model: Model) -> Evaluation:
    def errors(block: Block) -> Array:
        found: Array = _outputs(model, block)[:, 0] - block.y[:, 0]
        return found

    n, found = ErrorMoments.of_blocks(rows, errors)
    scores = {"r2": found.r2, "rmse": sqrt(found.mean_square)}
    return Evaluation(n, scores, {"r2": found.r2_interval(), "rmse": found.rmse_interval()})
