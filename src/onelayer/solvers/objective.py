"""What the iterative solvers minimise, as sums over rows: F(V) = Σᵢ cᵢ ℓ(V zᵢ, yᵢ) + ½ Σ λ V².

V are weights (k, p) for standardised columns z (see ``columns``). Standardising costs nothing in the answer, for the
penalty is carried over exactly, and makes the units of the columns indifferent.
"""

import math
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from onelayer.data.rows import Block, Rows, Source
from onelayer.double_double import EPS
from onelayer.losses import Loss, coupled_curvature, own_curvature
from onelayer.penalties import Ridge
from onelayer.solvers.columns import Sparse, Standardised, Stored, is_near
from onelayer.solvers.scaling import RowsScaling
from onelayer.solvers.thin_softmax import MOST_OUTPUTS, Thin, is_thin

Array = NDArray[Any]

TINY = float(np.finfo(np.float64).tiny)
MOST_KEPT = 2**22  # features that are kept written out, 32 MB: for so few another copy is no matter
MOST_RIDGE = 1e250  # beyond it a weight is 0 anyway


@dataclass
class Point:
    """F and its derivatives at V.

    Attributes:
        V: (k, p).
        value: F.
        gradient: (k, p).
        inner: Σᵢ cᵢ times the curvature by the outputs (k, k), empty if it was not asked for, or is not known yet.
        outputs: (k, n), if the rows are in memory and ``inner`` was asked for.
        hessian: (k p, k p), empty if it was not asked for; for coupled outputs, that of their contrasts.
    """

    V: Array
    value: float
    gradient: Array
    inner: Array = field(default_factory=lambda: np.zeros((0, 0)))
    outputs: Array | None = field(default=None, repr=False)
    hessian: Array = field(default_factory=lambda: np.zeros((0, 0)))


@dataclass
class Objective:
    """F for some rows, loss and penalty.

    Attributes:
        rows, loss, scaling: what the sums are of.
        penalty: in the user's units, for columns of any scale.
        fit_intercept: whether the last column is one of ones, without penalty.
        dtype: what products with the rows are computed in; sums and weights are float64.
    """

    rows: Source
    loss: Loss
    penalty: Ridge
    scaling: RowsScaling
    fit_intercept: bool
    dtype: DTypeLike = np.float64
    ridge: Array = field(init=False, repr=False)
    _stored: bool = field(init=False, repr=False)
    _kept: dict[int, Standardised] = field(init=False, repr=False, default_factory=dict)

    def __post_init__(self) -> None:
        scales = self.scaling.scale
        strength = self.penalty.columns(len(scales))
        with np.errstate(over="ignore", divide="ignore"):
            ridge = np.where(
                np.isfinite(scales), strength / scales / scales, 1.0
            )  # a constant column has weight 0
        self.ridge = np.append(np.minimum(ridge, MOST_RIDGE), np.zeros(int(self.fit_intercept)))
        self._stored = is_near(self.scaling, self.dtype)

    @property
    def shape(self) -> tuple[int, int]:
        """The shape (k, p) of V."""
        return self.loss.n_outputs, len(self.ridge)

    def columns(self, block: Block, written_out: bool = False) -> Any:
        """Return the columns of a block, as they are stored if that will do, or ``written_out``."""
        if self.rows.is_sparse:
            is_single = isinstance(self.rows, Rows) and self.rows.n_shares == 1
            return Sparse(block, self.scaling, self.fit_intercept, self.dtype, is_shared=is_single)
        if self._stored and not written_out:
            return Stored(block, self.scaling, self.fit_intercept, self.dtype)
        found = self._kept.get(block.start)
        if found is None:
            found = Standardised(block, self.scaling, self.fit_intercept, self.dtype)
            if self.rows.in_memory and len(self.rows) * self.rows.n_features <= MOST_KEPT:
                self._kept[block.start] = found
        return found

    def weights(self, block: Block) -> Array | float:
        """Return the weights of a block's rows (m,), or 1."""
        return 1.0 if block.c is None else block.c

    def at(self, V: Array, inner: bool = False, hessian: bool = False) -> Point:
        """Return F and its derivatives at V, in one pass."""
        first, outputs, is_kept = self.rows.first(), None, inner and self.rows.in_memory
        if self._stored and not hessian and is_thin(self.loss, first):
            thin = Thin.of(V, first.unit, self.scaling, self.fit_intercept, self.dtype)
            kept = np.empty((len(self.rows), len(V)), self.dtype) if is_kept else None
            value, sums, *rest = self.rows.sum(partial(thin.sums, kept), walks=True)
            gradient, outputs = thin.gradient(sums), None if kept is None else kept.T
        else:
            outputs = np.empty((len(V), len(self.rows)), self.dtype) if is_kept else None
            value, gradient, *rest = self.rows.sum(partial(self._terms, V, inner, hessian, outputs))
        gradient += self.ridge * V
        point = Point(V, float(value) + self.penalty_of(V), gradient, outputs=outputs)
        if inner and rest:
            point.inner = rest[0]
        if hessian:
            point.hessian = self._assembled(rest[-1]).reshape(V.size, V.size)
        return point

    @property
    def has_many_outputs(self) -> bool:
        """Whether their curvature, of k² products a row, takes longer than the gradient: then it waits to be used."""
        return self.loss.is_coupled and self.loss.n_outputs > max(MOST_OUTPUTS, 2 * self.shape[1])

    def inner_at(self, point: Point) -> Array:
        """Return Σᵢ cᵢ times the curvature by the outputs (k, k), known or worked out."""
        if not len(point.inner):
            [point.inner] = self.rows.sum(partial(self._inner_terms, point))
        return point.inner

    def spread_at(self, point: Point) -> Array:
        """Return the diagonal (k,) of ``inner_at``, which takes no products of outputs."""
        if len(point.inner):
            return point.inner.diagonal()
        return np.asarray(self.rows.sum(partial(self._spread_terms, point))[0])

    def _spread_terms(self, point: Point, block: Block) -> list[Array]:
        _, _, h = self.loss.at(self.outputs_at(point, block), block.y)
        return [(self.weights(block) * self.own_curvature(h)).sum(axis=1, dtype=np.float64)]

    def _inner_terms(self, point: Point, block: Block) -> list[Array]:
        _, _, h = self.loss.at(self.outputs_at(point, block), block.y)
        return [self.curvature(h, self.weights(block))]

    def information(self, V: Array) -> tuple[Array, Array]:
        """Return the gradient (k, p) and the Hessian (k, p, k, p) of the losses alone at V, in one pass."""
        _, gradient, grams = self.rows.sum(partial(self._terms, V, False, True, None))
        return gradient, self._curved(grams)

    def _terms(self, V: Array, inner: bool, hessian: bool, kept: Array | None, block: Block) -> list[Any]:
        columns, c = self.columns(block, written_out=hessian), self.weights(block)
        outputs = self.outputs(columns, V, block)
        if kept is not None:
            kept[:, block.start : block.start + len(block)] = outputs
        losses, R, h = self.loss.at(outputs, block.y)
        R *= c
        terms: list[Any] = [float((losses * c).sum(dtype=np.float64)), columns.backward(R)]
        if inner and not self.has_many_outputs:
            terms.append(self.curvature(h, c))
        if hessian:
            terms.append(self._grams(columns, h, c))
        return terms

    def outputs(self, columns: Any, V: Array, block: Block) -> Array:
        """Return the outputs (k, m) of a block's columns at V, its offset included: the one place that adds it."""
        outputs = columns.forward(V)
        if block.offset is not None:
            outputs += block.offset.T.astype(outputs.dtype, copy=False)
        return np.asarray(outputs)

    def outputs_at(self, point: Point, block: Block) -> Array:
        """Return the outputs (k, m) of a block, kept or worked out again."""
        if point.outputs is None:
            return self.outputs(self.columns(block), point.V, block)
        return point.outputs[:, block.start : block.start + len(block)]

    def curvature(self, h: Array, c: Array | float) -> Array:
        """Return Σᵢ cᵢ times the curvature by the outputs (k, k) of a block's h (k, m)."""
        h = h.astype(np.float64, copy=False)
        return coupled_curvature((h * c) @ h.T) if self.loss.is_coupled else np.diag((h * c).sum(axis=1))

    def own_curvature(self, h: Array) -> Array:
        """Return the curvature by each output alone (k, m): the diagonals of what ``curvature`` sums."""
        return own_curvature(h) if self.loss.is_coupled else h

    def centre(self, V: Array) -> None:
        """Take away what is common to coupled outputs from V (k, p), in place: it changes no loss."""
        if self.loss.is_coupled:
            k = len(V)
            V -= np.full(k, 1 / k, V.dtype) @ V  # means of few numbers each take NumPy many times as long

    def _grams(self, columns: Any, h: Array, c: Array | float) -> Array:
        """Return Σᵢ c h z zᵀ of each output, or Σᵢ c hₐ h_b z zᵀ of each pair (a < b), (pairs, p, p)."""
        ch = h * c
        if not self.loss.is_coupled:
            return np.stack([columns.gram(w) for w in ch])
        pairs = list(combinations(range(len(h)), 2))
        if (h == h[:1]).all():  # as where V = 0
            return np.broadcast_to(
                columns.gram(ch[0] * h[0]), (len(pairs), *self.shape[1:], *self.shape[1:])
            ).copy()
        return np.asarray(columns.pair_grams(ch, h, pairs))

    def _curved(self, grams: Array) -> Array:
        """Return the losses' Hessian (k, p, k, p).

        With Σh = 1 the blocks of a row sum to 0, so those of pairs give all, without loss.
        """
        k, p = self.shape
        H = np.zeros((k, p, k, p))
        if self.loss.is_coupled:
            for (a, b), G in zip(combinations(range(k), 2), grams, strict=True):
                H[a, :, a] += G
                H[b, :, b] += G
                H[a, :, b] = H[b, :, a] = -G
        else:
            for a, G in enumerate(grams):
                H[a, :, a] = G
        return H

    def _assembled(self, grams: Array) -> Array:
        """Return the Hessian (k, p, k, p) of F, made definite where outputs are coupled."""
        H = self._curved(grams)
        diagonal = np.einsum("apap->ap", H)
        diagonal += self.ridge
        if self.loss.is_coupled:
            self._hold_common(H, diagonal)
        return H

    def _hold_common(self, H: Array, diagonal: Array) -> None:
        """Make the Hessian definite for what is common to the outputs of a column, which changes no loss.

        With centred V the penalty is that of the contrasts alone. A square of weighted sums holds the rest; it leaves
        the solution for a centred gradient as it is, but for its common part, and weights by the diagonal condition it.
        """
        k, p = self.shape
        columns = np.arange(p)
        H[:, columns, :, columns] -= (self.ridge / k)[:, None, None]
        held = diagonal / np.sqrt(np.maximum(diagonal.sum(axis=0), TINY))
        H[:, columns, :, columns] += held.T[:, :, None] * held.T[:, None, :]

    def penalty_of(self, V: Array) -> float:
        """Return ½ Σ λ V²."""
        with np.errstate(over="ignore"):
            terms = V * self.ridge  # first: a weight without a penalty counts nothing, whatever its size
            terms *= V
            return 0.5 * float(terms.sum())

    def is_hopeless(self, value: float, first: float) -> bool:
        """Return whether F falls to 0 without an end: nothing is penalised, and the data are separable."""
        return not np.any(self.penalty.strength) and value <= EPS * first

    def has_no_minimum(self, W: Array, b: Array, is_free: Any, value: float, first: float) -> bool:
        """Return whether F falls to 0 without an end, as free weights, (k, d) or (d,), separate the classes."""
        if not (np.any(is_free) and value <= EPS * first):
            return False
        losses = replace(self, penalty=Ridge(0.0))
        return losses.value_of(np.where(is_free, W, 0.0), b) <= math.sqrt(EPS) * first

    def value_of(self, W: Array, b: Array) -> float:
        """Return F at W (k, d) and b (k,) in the user's units."""
        V, bias = self.scaling.input_to_standard(W, b)
        V = np.column_stack([V, bias]) if self.fit_intercept else V

        def term(block: Block) -> list[float]:
            outputs = self.outputs(self.columns(block, written_out=True), V, block)
            losses, _, _ = self.loss.at(outputs, block.y)
            return [float((losses * self.weights(block)).sum())]

        return float(self.rows.sum(term)[0]) + self.penalty.value(W)

    def value_at_zero(self) -> float:
        """Return F at V = 0, that of a model that knows nothing; no product with the features is formed."""
        k = self.loss.n_outputs

        def term(block: Block) -> list[float]:
            outputs = np.zeros((k, len(block))) if block.offset is None else block.offset.T
            losses, _, _ = self.loss.at(outputs, block.y)
            return [float((losses * self.weights(block)).sum())]

        return float(self.rows.sum(term)[0])

    def mean_offset(self) -> Array:
        """Return the mean of the offset (k,), by the rows' weights."""

        def term(block: Block) -> list[Array]:
            return [
                np.zeros(self.loss.n_outputs) if block.offset is None else block.row_weights() @ block.offset
            ]

        return np.asarray(self.rows.sum(term)[0] / self.scaling.total)

    def left_out(self) -> float:
        """Return what columns that count as constant could take from F at most, if they vary by rounding."""
        scaling = self.scaling
        varies = ~np.isfinite(scaling.scale) & (scaling.deviation > 0)
        if not varies.any():
            return 0.0
        slope = scaling.total * scaling.deviation[varies] * self.loss.steepness
        with np.errstate(divide="ignore"):
            return float((slope**2 / self.penalty.columns(len(varies))[varies]).sum()) / 2
