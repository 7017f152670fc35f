"""The penalties that a model's was chosen from: the error of each, and what becomes of the features along them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onelayer.experiments import Run
from onelayer.reports.terms import feature_names

Array = NDArray[np.float64]

MOST_LINES = 10  # features whose effects are drawn


@dataclass(frozen=True, eq=False)
class Path:
    """A path of penalties, from the strongest to the weakest.

    Attributes:
        strength: (a,) logarithms to base 10 of alpha, or of 1 / C.
        error: (a,) mean squared error, or cross-entropy in nats, on rows left out.
        standard_error: (a,) of that.
        best: the number of the penalty with the least error.
        chosen: the number of the one chosen.
        names: (m,) the features whose effects are largest.
        effects: (a, m) what they change with one standard deviation, of classes the root of the squares' sum.
    """

    strength: Array
    error: Array
    standard_error: Array
    best: int
    chosen: int
    names: tuple[str, ...]
    effects: Array


def path(run: Run, deviation: Array) -> Path | None:
    """Return the path that the penalty was chosen from, if it was; ``deviation`` (d,) is that of each feature."""
    if run.choice is None:
        return None
    found = run.choice.path
    sign = 1 if run.plan.model == "linear" else -1
    weight = found.weight * deviation
    effects = weight[:, 0] if weight.shape[1] == 1 else np.sqrt(np.square(weight).sum(axis=1))
    largest = np.argsort(-np.abs(effects).max(axis=0), kind="stable")[:MOST_LINES]
    names = feature_names(run.model)
    return Path(
        sign * np.log10(found.penalties),
        found.errors.mean,
        found.errors.standard_error,
        int(found.errors.mean.argmin()),
        run.choice.number,
        tuple(names[j] for j in largest.tolist()),
        effects[:, largest],
    )
