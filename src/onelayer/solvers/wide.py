"""Dense features with more columns than rows: the best weights are combinations of the rows, so n coordinates do.

What a penalty on ‖W‖² leaves of W is its part in the span of the rows (the representer theorem; Hastie, Tibshirani and
Friedman 2009, section 18.3.5). In an orthonormal basis of that span the problem has n features instead of d, and the
same norms.
"""

import math
from dataclasses import dataclass
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


@dataclass(frozen=True, eq=False)
class RowSpace:
    """Rows in an orthonormal basis of their span, for the penalty ½ ‖W‖².

    Attributes:
        rows: their coordinates (n, n).
        basis: (d, n), of the columns divided by ``root``.
        root: the roots of the penalties of the columns (d,).
        objective: for the features as they are.
    """

    rows: Rows
    basis: Array
    root: Array
    objective: Objective

    @staticmethod
    def of(objective: Objective) -> "RowSpace":
        """Return the span of the rows of an objective."""
        gathered, scaling = objective.rows.gathered(), objective.scaling
        root = np.sqrt(objective.penalty.columns(objective.rows.n_features))
        X = np.where(np.isfinite(scaling.scale), (gathered.dense() - scaling.mean) / root, 0)
        basis, triangle = linalg.qr(X.T, mode="economic", overwrite_a=True, check_finite=False)
        coordinates = np.ascontiguousarray(triangle.T)
        rows = Rows(coordinates, gathered.y, objective.rows.task, gathered.c, offset=gathered.offset)
        return RowSpace(rows, basis, root, objective)

    def there(self, W: Array, b: Array) -> tuple[Array, Array]:
        """Return the weights (k, n) and the bias (k,) for the coordinates that say the same of the rows."""
        return W * self.root @ self.basis, self._moved(W, b, 1.0)

    def back(self, fit: Fit) -> tuple[Array, Array]:
        """Return W (k, d) and b (k,) for the features of a fit of the coordinates."""
        W = fit.weight @ self.basis.T / self.root
        return W, self._moved(W, fit.bias, -1.0)

    def _moved(self, W: Array, b: Array, sign: float) -> Array:
        return self.objective.scaling.moved(W, b, sign) if self.objective.fit_intercept else b


def hidden(rows: Rows, steepness: float, value: float) -> float:
    """Return what rounding of the coordinates may hide: by the outputs of any weights as good as those of ``value``."""
    lengths = np.linalg.norm(rows.X, axis=1) * (1 if rows.c is None else rows.c)
    relative = UNITS * EPS * math.sqrt(len(rows))
    return relative * float(lengths.sum()) * steepness * math.sqrt(2 * value)
