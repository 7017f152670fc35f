"""Dense features with more columns than rows: the best weights are combinations of the rows, so n coordinates do.

What a penalty on ‖W‖² leaves of W is its part in the span of the rows (the representer theorem; Hastie, Tibshirani and
Friedman 2009, section 18.3.5). In an orthonormal basis of that span the problem has n features instead of d, and the
same norms.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from onelayer.data.rows import Rows
from onelayer.double_double import EPS
from onelayer.solvers.bounds import UNITS
from onelayer.solvers.fit import Fit
from onelayer.solvers.moments import is_wide
from onelayer.solvers.objective import Objective

Array = NDArray[Any]


def has_row_space(objective: Objective) -> bool:
    """Return whether rows have fewer coordinates than columns, which are many, dense and all penalised."""
    rows = objective.rows
    is_bounded = math.isfinite(
        objective.loss.steepness
    )  # so that rounding of the coordinates can be bounded too
    return is_wide(rows) and is_bounded and bool((objective.penalty.columns(rows.n_features) > 0).all())


def in_row_space(objective: Objective) -> tuple[Rows, Callable[[Fit], tuple[Array, Array]]]:
    """Return the rows' coordinates (n, n), for the penalty ½ ‖W‖², and what takes a fit of them back to W and b."""
    gathered, scaling = objective.rows.gathered(), objective.scaling
    root = np.sqrt(objective.penalty.columns(objective.rows.n_features))
    X = np.where(np.isfinite(scaling.scale), (gathered.dense() - scaling.mean) / root, 0)
    basis, triangle = linalg.qr(X.T, mode="economic", overwrite_a=True, check_finite=False)
    rows = Rows(np.ascontiguousarray(triangle.T), gathered.y, objective.rows.task, gathered.c)

    def back(fit: Fit) -> tuple[Array, Array]:
        W = fit.weight @ basis.T / root
        return W, scaling.moved(W, fit.bias, -1.0) if objective.fit_intercept else fit.bias

    return rows, back


def hidden(rows: Rows, steepness: float, value: float) -> float:
    """Return what rounding of the coordinates may hide: by the outputs of any weights as good as those of ``value``."""
    lengths = np.linalg.norm(rows.X, axis=1) * (1 if rows.c is None else rows.c)
    relative = UNITS * EPS * math.sqrt(len(rows))
    return relative * float(lengths.sum()) * steepness * math.sqrt(2 * value)
