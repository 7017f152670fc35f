"""A quadratic model of a loss for some of its weights, and its minimum with a penalty by coordinate descent.

Each step of proximal Newton minimises ½ δᵀHδ + gᵀδ + penalty(v + δ). Descent goes through the coordinates, or through
the groups of a column's, one at a time (Friedman, Hastie and Tibshirani 2010, *Regularization paths for generalized
linear models via coordinate descent*), and keeps the gradient g + Hδ, so that a coordinate that stays costs nothing.
"""

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse

from onelayer.data.rows import Block
from onelayer.double_double import EPS
from onelayer.penalties import ElasticNet
from onelayer.solvers.columns import Sparse
from onelayer.solvers.objective import Objective

try:
    from onelayer.solvers._kernels import quadratic as compiled
except ImportError:
    compiled = None

Array = NDArray[Any]

SINGLE = 2**31  # multiplications from which a Hessian is formed in float32: a model need not be precise
DAMPING = 8.0  # units in the last place that are added to the diagonal, lest rounding makes it indefinite
SWEEPS = 1000
INNER = 100  # steps within a group
PRECISION = 0.01  # share of the first sweep's largest change, in slopes, at which descent ends


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
        cls, objective: Objective, V: Array, active: NDArray[np.bool_], dtype: DTypeLike = None
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
        found = V.copy()
        at = self.outputs, self.columns
        found[at] = descend(self.H, gradient[at], V[at], net.take(self.columns), self.columns)
        return found


def _curvature(
    objective: Objective, V: Array, active: NDArray[np.bool_], dtype: DTypeLike, block: Block
) -> list[Array]:
    """Return Σᵢ cᵢ (diag(h) − hhᵀ) ⊗ zzᵀ, or without hhᵀ, of the active weights (m, m), sorted by outputs."""
    columns, c = objective.columns(block, written_out=True), objective.weights(block)
    _, _, h = objective.loss.at(columns.forward(V), block.y)
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


def descend(H: Array, gradient: Array, v: Array, net: ElasticNet, groups: Array) -> Array:
    """Return the minimum (m,) of ½ δᵀHδ + gᵀδ + penalty(v + δ), or nearly, by coordinate descent.

    Args:
        H: (m, m).
        gradient: g (m,).
        v: (m,), where it starts.
        net: of each weight (m,).
        groups: (m,) sorted numbers of the groups, if the penalty has any.
    """
    m = len(v)
    ends = np.append(np.flatnonzero(np.diff(groups)) + 1, m) if net.is_grouped else np.arange(1, m + 1)
    starts = np.append(0, ends)
    if net.is_grouped:
        blocks = zip(starts[:-1], ends, strict=True)
        curvature = np.array([np.linalg.eigvalsh(H[s:e, s:e])[-1] for s, e in blocks])
    else:
        curvature = H.diagonal().copy()
    least = EPS * float((curvature * np.maximum.reduceat(np.abs(v), starts[:-1])).max(initial=0))
    v, net = v.copy(), net.columns(m)
    arrays = [H, gradient.copy(), v, net.l1, net.l2, net.lower, net.upper, starts, curvature]
    run = _descend if compiled is None else compiled.descend
    run(*map(np.ascontiguousarray, arrays[:1]), *arrays[1:3], *map(np.ascontiguousarray, arrays[3:]),
        net.is_grouped, SWEEPS, PRECISION, least)
    return v


def _descend(
    H: Array,
    g: Array,
    v: Array,
    l1: Array,
    l2: Array,
    lower: Array,
    upper: Array,
    starts: Array,
    curvature: Array,
    is_grouped: bool,
    most: int,
    precision: float,
    least: float,
) -> int:
    """Change g and v in place, as the compiled kernel does; return the number of sweeps."""
    enough = -1.0
    for sweep in range(1, most + 1):
        off = 0.0
        for s, e, largest in zip(starts[:-1], starts[1:], curvature + l2[starts[:-1]], strict=True):
            if not largest > 0:
                continue
            new = _block_minimum(H[s:e, s:e], g[s:e], v[s:e], l1[s], l2[s], largest)
            new = np.clip(new, lower[s], upper[s])
            change = new - v[s:e]
            if change.any():
                v[s:e] = new
                g += change @ H[s:e]
                off = max(off, float(np.abs(change).max()) * largest)
        if enough < 0:
            enough = max(precision * off, least)
        if not off > enough:
            return sweep
    return most


def _block_minimum(
    H: Array, g: Array, start: Array, l1: float, l2: float, largest: float
) -> Array:
    """Return the minimum for one block of weights, by proximal gradient steps if it has several."""
    v = start
    for _ in range(INNER):
        u = v - (g + H @ (v - start) + l2 * v) / largest
        length = np.linalg.norm(u)
        new = u * max(1 - l1 / largest / length, 0) if length else u
        if len(v) == 1 or np.abs(new - v).max() <= 1e-3 * np.abs(new - start).max():
            return new
        v = new
    return v
