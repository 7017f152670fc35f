"""The features of a linear model as an operator: standardised, with a column of ones, and never centred in place.

A second-order method needs four things of the features: logits, gradients, and weighted sums of squares and products.
Working on standardised columns costs nothing in the answer, for the penalty is carried over exactly, and makes float32
go as far as it can. Weights are (k, p), a row for each output, with p = d + 1 columns if there is an intercept. Logits
are (k, n): a thin matrix is multiplied fastest in that shape, and sums over outputs run along memory.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from onelayer.errors import OneLayerError
from onelayer.solvers.parallel import blocks, sum_over_rows

Array = NDArray[Any]

BLOCK_ROWS = 512
# How far the mean of a column that is left as it is may be from 0, in units of its scale
FARTHEST = {np.dtype(np.float32): 30.0, np.dtype(np.float64): 1e5}
SMALLEST = 1e-12  # scale of one; the largest is its inverse: both far from float32's limits


class Design(Protocol):
    """Standardised features as an operator (n, p)."""

    shape: tuple[int, int]
    dtype: Any

    def forward(self, weight: Array) -> Array:
        """Return the logits (k, n) of weights (k, p)."""
        ...

    def backward(self, residuals: Array) -> Array:
        """Return the gradient (k, p) of residuals (k, n)."""
        ...

    def squares(self, row_weights: Array) -> Array:
        """Return Σᵢ wₖᵢ zᵢⱼ² (k, p) for row weights (k, n)."""
        ...

    def gram(self, row_weights: Array) -> Array:
        """Return Σᵢ wᵢ zᵢ zᵢᵀ (p, p) for row weights (n,); rows of weight 0 are left out."""
        ...


@dataclass(frozen=True)
class Scaling:
    """What standardises the columns, x = mean + scale · z, and adds a column of ones for the intercept.

    Attributes:
        means: (d,), zeros if nothing is centred.
        scales: (d,).
        fit_intercept: whether there is a column of ones.
    """

    means: Array
    scales: Array
    fit_intercept: bool

    @classmethod
    def of(cls, X: Any, weight: Array, fit_intercept: bool) -> "Scaling":
        """Return the scaling for features X (n, d), the mean over rows of weights (n,).

        Sparse features are scaled to a mean square of 1, and not centred. A column without variation is left.

        Raises:
            OneLayerError: if squares of features overflow.
        """
        share = weight / weight.sum()
        if sparse.issparse(X):
            means, squares = np.zeros(X.shape[1]), X.multiply(X).T @ share
        else:
            shift = X[:BLOCK_ROWS].mean(axis=0, dtype=np.float64)

            def part_sums(part: slice) -> list[Array]:
                first, second = np.zeros(X.shape[1]), np.zeros(X.shape[1])
                for rows in blocks(part, BLOCK_ROWS):
                    Z = X[rows] - shift
                    first += share[rows] @ Z
                    second += share[rows] @ (Z * Z)
                return [first, second]

            first, squares = sum_over_rows(part_sums, len(X))
            means = shift + first
            squares -= first**2
            if not fit_intercept:
                means, squares = np.zeros_like(means), squares + means**2
        if not np.isfinite(squares).all():
            raise OneLayerError("some features are so large that their squares overflow: use another unit")
        scales = np.sqrt(np.maximum(squares, 0))
        noise = 4 * np.finfo(np.float64).eps * np.abs(means)
        scales[scales <= noise] = 1
        return cls(means, scales, fit_intercept)

    def is_near(self, dtype: Any) -> bool:
        """Return whether columns as they are would do in ``dtype``: near enough to 0, and neither tiny nor huge."""
        return bool(
            (np.abs(self.means) <= FARTHEST[np.dtype(dtype)] * self.scales).all()
            and self.scales.min(initial=1) >= SMALLEST
            and self.scales.max(initial=1) <= 1 / SMALLEST
        )

    def apply(self, X: Array, dtype: Any) -> Array:
        """Return standardised rows (m, d) of a block of dense features (m, d)."""
        if X.dtype == dtype and self.is_near(dtype):
            return np.asarray((X - self.means.astype(dtype)) * (1 / self.scales).astype(dtype))
        return np.asarray((X - self.means) / self.scales).astype(dtype)

    def penalty(self, strength: float) -> Array:
        """Return the penalty (p,) on each column's squared weight that is ``strength`` on the user's; 0 on ones."""
        columns: Array = np.append(strength / self.scales**2, np.zeros(int(self.fit_intercept)))
        return columns

    def to_user(self, weight: Array) -> tuple[Array, Array]:
        """Return W (k, d) and b (k,) for the user's features from weights (k, p) for standardised ones."""
        V, b = self.parts(weight)
        W: Array = V / self.scales
        return W, b - W @ self.means

    def parts(self, weight: Array) -> tuple[Array, Array]:
        """Return weights (k, d) and intercepts (k,) from both (k, p)."""
        d = len(self.scales)
        return weight[:, :d], weight[:, d] if self.fit_intercept else np.zeros(len(weight))


class DenseDesign:
    """Dense features. Rows stay as they are where that loses no digits: centring and scaling go into the weights.

    A column that is far from 0 in units of its scale would lose them. Then the rows are standardised, in a copy or,
    if there is to be none (``in_memory``), block by block each time.
    """

    def __init__(self, X: Array, scaling: Scaling, dtype: Any, in_memory: bool = True) -> None:
        self.dtype, self.scaling = np.dtype(dtype), scaling
        self.shape = (len(X), X.shape[1] + int(scaling.fit_intercept))
        is_near = scaling.is_near(self.dtype)
        is_copied = in_memory and not (is_near and X.dtype == dtype)
        self._X = self._copied(X) if is_copied else X
        self._is_raw = not is_copied and is_near  # the weights are scaled instead of the rows
        self._is_streamed = not is_copied and not is_near

    def _copied(self, X: Array) -> Array:
        Z = np.empty(X.shape, self.dtype)

        def fill(part: slice) -> list[Array]:
            for rows in blocks(part, BLOCK_ROWS):
                Z[rows] = self.scaling.apply(X[rows], self.dtype)
            return [np.zeros(0)]

        sum_over_rows(fill, len(X))
        return Z

    def _rows(self, rows: Any, standardised: bool) -> Array:
        X = self._X[rows]
        if self._is_streamed or (self._is_raw and standardised):
            return self.scaling.apply(X, self.dtype)
        return np.asarray(X, self.dtype)

    def forward(self, weight: Array) -> Array:
        """See ``Design``."""
        W, b = self.scaling.to_user(weight) if self._is_raw else self.scaling.parts(weight)
        W, b = np.ascontiguousarray(W, self.dtype), b[:, None].astype(self.dtype)
        logits: Array = np.empty((len(W), len(self._X)), self.dtype)

        def fill(part: slice) -> list[Array]:
            for rows in blocks(part, BLOCK_ROWS):
                np.matmul(W, self._rows(rows, standardised=False).T, out=logits[:, rows])
            logits[:, part] += b
            return [np.zeros(0)]

        sum_over_rows(fill, len(self._X))
        return logits

    def backward(self, residuals: Array) -> Array:
        """See ``Design``."""

        def part_sums(part: slice) -> list[Array]:
            sums = np.zeros((len(residuals), self._X.shape[1]))
            for rows in blocks(part, BLOCK_ROWS):
                sums += residuals[:, rows] @ self._rows(rows, standardised=False)
            return [sums, residuals[:, part].sum(axis=1, dtype=np.float64)]

        sums, totals = sum_over_rows(part_sums, len(self._X))
        if self._is_raw:
            sums = (sums - np.outer(totals, self.scaling.means)) / self.scaling.scales
        return np.c_[sums, totals] if self.scaling.fit_intercept else np.asarray(sums)

    def squares(self, row_weights: Array) -> Array:
        """See ``Design``."""

        def part_sums(part: slice) -> list[Array]:
            sums = np.zeros((len(row_weights), self._X.shape[1]))
            for rows in blocks(part, BLOCK_ROWS):
                sums += row_weights[:, rows] @ np.square(self._rows(rows, standardised=True))
            return [sums, row_weights[:, part].sum(axis=1)]

        sums, totals = sum_over_rows(part_sums, len(self._X))
        return np.c_[sums, totals] if self.scaling.fit_intercept else np.asarray(sums)

    def gram(self, row_weights: Array) -> Array:
        """See ``Design``."""
        used = np.flatnonzero(row_weights)
        roots: Array = np.sqrt(row_weights[used]).astype(self.dtype)

        def part_sums(part: slice) -> list[Array]:
            d = self._X.shape[1]
            sums, border = np.zeros((d, d), self.dtype), np.zeros(d, self.dtype)
            for rows in blocks(part, 2 * BLOCK_ROWS):
                Z = self._rows(used[rows], standardised=True) * roots[rows, None]
                sums += Z.T @ Z
                border += roots[rows] @ Z
            return [sums, border]

        sums, border = sum_over_rows(part_sums, len(used))
        if not self.scaling.fit_intercept:
            return np.asarray(sums)
        return np.block([[sums, border[:, None]], [border[None], roots @ roots]])


class SparseDesign:
    """Features in CSR, scaled but not centred; only stored values are touched."""

    def __init__(self, X: Any, scaling: Scaling) -> None:
        self.dtype = np.float64
        scaled = X.astype(np.float64) @ sparse.diags_array(1 / scaling.scales)
        ones = np.ones((X.shape[0], int(scaling.fit_intercept)))
        self._Z = sparse.hstack([scaled, ones], format="csr") if ones.size else sparse.csr_array(scaled)
        self._transposed = self._Z.T.tocsr()
        self.shape = self._Z.shape

    def forward(self, weight: Array) -> Array:
        """See ``Design``."""
        return np.ascontiguousarray((self._Z @ np.ascontiguousarray(weight.T)).T)

    def backward(self, residuals: Array) -> Array:
        """See ``Design``."""
        return np.asarray(self._transposed @ residuals.T).T

    def squares(self, row_weights: Array) -> Array:
        """See ``Design``."""
        return np.asarray(self._transposed.power(2) @ row_weights.T).T

    def gram(self, row_weights: Array) -> Array:
        """See ``Design``."""
        return np.asarray((self._transposed @ sparse.diags_array(row_weights) @ self._Z).toarray())
