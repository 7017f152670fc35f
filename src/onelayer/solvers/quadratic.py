"""A quadratic model of a loss for some of its weights, and its minimum with a penalty by coordinate descent.

Each step of proximal Newton minimises ½ δᵀHδ + gᵀδ + penalty(v + δ). Descent goes through the coordinates, or through
the groups of a column's, one at a time (Friedman, Hastie and Tibshirani 2010, *Regularization paths for generalized
linear models via coordinate descent*), and keeps the gradient g + Hδ, so that a coordinate that stays costs nothing.
"""

from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse

from onelayer.data.rows import Block
from onelayer.penalties import ElasticNet
from onelayer.solvers.columns import Sparse
from onelayer.solvers.kernels import descend_gram, descend_groups
from onelayer.solvers.net_equations import solve_exactly
from onelayer.solvers.objective import Objective

Array = NDArray[Any]

SINGLE = 2**31  # multiplications from which a Hessian is formed in float32: a model need not be precise
DAMPING = 8.0  # units in the last place that are added to the diagonal, lest rounding makes it indefinite
SWEEPS = 1000
PRECISION = 1e-4  # share of what the first sweep gains: so little the last one gains


@dataclass
class Quadratic:
    """The loss's Hessian at some V for the weights that may move.

    Attributes:
        active: (k, p) which weights these are.
        outputs, columns: (m,) what each belongs to, sorted by columns.
        H: (m, m).
    """

    active: NDArray[np.bool_]
    outputs: NDArray[np.intp]
    columns: NDArray[np.intp]
    H: Array

    @classmethod
    def at(
        cls, objective: Objective, V: Array, active: NDArray[np.bool_], dtype: DTypeLike | None = None
    ) -> "Quadratic":
        """Return the model at V in one pass over the rows; for many products of weights in float32."""
        m = int(active.sum())
        if dtype is None:
            dtype = np.float64 if len(objective.rows) * m * m < SINGLE else np.float32
        [H] = objective.rows.sum(partial(_curvature, objective, V, active, dtype))
        outputs, columns = np.nonzero(active)
        order = np.lexsort((outputs, columns))
        H = H[np.ix_(order, order)].astype(np.float64)
        H = (H + H.T) / 2
        H.flat[:: m + 1] *= 1 + DAMPING * float(np.finfo(dtype).eps)
        return cls(active, outputs[order], columns[order], H)

    def step(self, V: Array, gradient: Array, net: ElasticNet) -> Array:
        """Return the V (k, p) that minimises the model with a penalty, from V and the loss's gradient there.

        Args:
            V: (k, p).
            gradient: (k, p).
            net: of the columns (p,).
        """
        at = self.outputs, self.columns
        slope, weight = -gradient[at], V[at]
        before = weight.copy()
        if net.is_grouped:
            l1, l2, _, _ = net.take(self.columns[self.starts[:-1]]).arrays()
            descend = partial(descend_groups, self.H, slope, weight, l1, l2, self.starts, self.curvatures)
        else:
            its = net.take(self.columns)
            descend = partial(descend_gram, self.H, slope, weight, *its.arrays())
        descend(0.0, 1)
        gained = (
            float((self.H.diagonal() + np.asarray(net.l2)[self.columns]) @ np.square(weight - before)) / 2
        )
        if descend(PRECISION * gained, SWEEPS) >= SWEEPS and not net.is_grouped:
            solve_exactly(self.H, slope, weight, its)
            descend(PRECISION * gained, SWEEPS)
        found = V.copy()
        found[at] = weight
        return found

    @cached_property
    def starts(self) -> NDArray[np.int64]:
        """Where the weights of each column start, and m."""
        return np.concatenate([[0], np.flatnonzero(np.diff(self.columns)) + 1, [len(self.columns)]])

    @cached_property
    def curvatures(self) -> Array:
        """The largest eigenvalue of each column's part of H."""
        ends = zip(self.starts[:-1], self.starts[1:], strict=True)
        return np.array([np.linalg.eigvalsh(self.H[s:e, s:e])[-1] for s, e in ends])


def _curvature(
    objective: Objective, V: Array, active: NDArray[np.bool_], dtype: DTypeLike, block: Block
) -> list[Array]:
    """Return Σᵢ cᵢ (diag(h) − hhᵀ) ⊗ zzᵀ, or without hhᵀ, of the active weights (m, m), sorted by outputs."""
    columns, c = objective.columns(block, written_out=True), objective.weights(block)
    _, _, h = objective.loss.at(objective.outputs(columns, V, block), block.y)
    Z = _written(columns, dtype)
    ends = np.cumsum(active.sum(axis=1))
    starts = ends - active.sum(axis=1)
    root = np.sqrt(np.asarray(h * c, dtype))
    is_coupled = objective.loss.is_coupled
    H = np.zeros((ends[-1], ends[-1]), dtype)
    parts = [_taken(Z, np.flatnonzero(row)) for row in active]
    if is_coupled:
        weighted = [_times(part, np.asarray(a * np.sqrt(c), dtype)) for part, a in zip(parts, h, strict=True)]
        B = sparse.hstack(weighted, format="csr") if sparse.issparse(Z) else np.concatenate(weighted, axis=1)
        H -= _gram(B)
    shrunk = np.sqrt(np.maximum(1 - h, 0)).astype(dtype) if is_coupled else np.ones((len(h), 1), dtype)
    for part, start, end, w in zip(parts, starts, ends, root * shrunk, strict=True):
        H[start:end, start:end] = _gram(_times(part, w))
    return [H]


def _written(columns: Any, dtype: DTypeLike) -> Any:
    """Return standardised columns with ones, (m, p): dense, or in CSR."""
    if not isinstance(columns, Sparse):
        return columns.Z.astype(dtype, copy=False)
    X = sparse.csr_array(columns.X.multiply(1 / columns.scales))
    if columns.fit_intercept:
        X = sparse.hstack([X, np.ones((X.shape[0], 1))], format="csr")
    return X.astype(dtype)


def _taken(Z: Any, index: NDArray[np.intp]) -> Any:
    return Z if len(index) == Z.shape[1] else Z[:, index]


def _times(Z: Any, w: Array) -> Any:
    return sparse.csr_array(Z.multiply(w[:, None])) if sparse.issparse(Z) else Z * w[:, None]


def _gram(B: Any) -> Array:
    return np.asarray((B.T @ B).toarray() if sparse.issparse(B) else B.T @ B)
