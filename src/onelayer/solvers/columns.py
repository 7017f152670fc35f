"""The features of a block of rows as solvers see them: standardised, with a column of ones for the intercept.

Weights are (k, p), a row for each output, with p = d + 1 columns if there is an intercept, else d.
"""

from copy import copy
from typing import Any, Protocol

import numpy as np
from numpy.typing import DTypeLike, NDArray
from scipy import sparse

from onelayer.data.rows import Block, block_rows
from onelayer.solvers.scaling import RowsScaling, centred
from onelayer.solvers.sparse_rows import sparse_backward, sparse_forward
from onelayer.solvers.thin_softmax import MOST_OUTPUTS

Array = NDArray[Any]

# Digits that centring through the weights loses are those of |mean| / scale. So far it may go in float64, or float32.
NEAR = {np.dtype(np.float64): 1e3, np.dtype(np.float32): 30.0}
MODERATE = 1e12  # scales from its inverse up to it are far from float32's limits
PRODUCT_ROWS = 512  # whose products of pairs of columns stay in the processor's cache


class Columns(Protocol):
    """Standardised columns (m, p) of a block of rows, as an operator."""

    def forward(self, weight: Array) -> Array:
        """Return the outputs (k, m) of weights (k, p)."""
        ...

    def backward(self, residuals: Array) -> Array:
        """Return Σᵢ rₖᵢ zᵢ (k, p) in float64."""
        ...


class Standardised:
    """Rows z, with ones, written out (m, p)."""

    def __init__(
        self, block: Block, scaling: RowsScaling, fit_intercept: bool, dtype: DTypeLike = np.float64
    ):
        d = block.X.shape[1]
        self.Z = np.empty((len(block), d + int(fit_intercept)), dtype)
        X = block.dense()
        np.subtract(X, scaling.mean, out=self.Z[:, :d], casting="same_kind")
        self.Z[:, :d] *= (1 / scaling.scale).astype(dtype)
        self.Z[:, d:] = 1

    def forward(self, weight: Array) -> Array:
        """See ``Columns``."""
        return np.asarray(weight.astype(self.Z.dtype, copy=False) @ self.Z.T)

    def backward(self, residuals: Array) -> Array:
        """See ``Columns``."""
        return np.asarray(residuals @ self.Z, np.float64)

    def gram(self, row_weights: Array) -> Array:
        """Return Σᵢ wᵢ zᵢ zᵢᵀ (p, p) for row weights (m,)."""
        rooted = self.Z * np.sqrt(row_weights)[:, None]
        return np.asarray(
            rooted.T @ rooted
        )  # half the work of another product: NumPy sees that it is symmetric

    def pair_grams(self, left: Array, right: Array, pairs: list[tuple[int, int]]) -> Array:
        """Return Σᵢ lₐᵢ r_bᵢ zᵢ zᵢᵀ (pairs, p, p) of each of some pairs (a, b) of row weights (k, m).

        Where pairs are many and columns few, one product of all pairs of weights with all pairs of columns is several
        times faster than many thin ones.
        """
        p = self.Z.shape[1]
        if len(pairs) < p:
            return np.stack([self.gram(left[a] * right[b]) for a, b in pairs])
        first, second = np.array(pairs).T
        start, columns = np.cumsum([0, *range(p, 0, -1)]), np.ascontiguousarray(self.Z.T)
        products = np.empty((start[-1], PRODUCT_ROWS), self.Z.dtype)
        sums = np.zeros((len(pairs), start[-1]))
        for i in range(0, len(self.Z), PRODUCT_ROWS):
            part = slice(i, min(i + PRODUCT_ROWS, len(self.Z)))
            P = products[:, : part.stop - i]
            for j in range(p):
                np.multiply(columns[j, part], columns[j:, part], out=P[start[j] : start[j + 1]])
            sums += (left[first, part] * right[second, part]) @ P.T
        G, (upper, lower) = np.empty((len(pairs), p, p)), np.triu_indices(p)
        G[:, upper, lower] = G[:, lower, upper] = sums
        return G

    def squares(self, row_weights: Array) -> Array:
        """Return Σᵢ wₖᵢ zᵢⱼ² (k, p) for row weights (k, m)."""
        return np.asarray(row_weights @ np.square(self.Z))

    def forms(self, matrix: Array) -> Array:
        """Return zᵢᵀ M zᵢ (m,) for a matrix (p, p)."""
        return np.asarray(((self.Z @ matrix) * self.Z).sum(axis=1))

    def absolute(self) -> "Standardised":
        """Return the same with each value's magnitude."""
        found = copy(self)
        found.Z = np.abs(self.Z)
        return found


class Stored:
    """Dense rows as they are stored: means and scales go into the weights, so no row is copied."""

    def __init__(
        self, block: Block, scaling: RowsScaling, fit_intercept: bool, dtype: DTypeLike = np.float64
    ):
        self.X = np.asarray(block.X, dtype)
        self.means, self.scales = scaling.mean / block.unit, scaling.scale / block.unit
        self.fit_intercept = fit_intercept

    def forward(self, weight: Array) -> Array:
        """See ``Columns``."""
        d = self.X.shape[1]
        W = weight[:, :d] / self.scales
        b = -(W @ self.means) + (weight[:, d] if self.fit_intercept else 0)
        # OpenBLAS multiplies these in the other order in two thirds of the time, where there is little to transpose.
        if self.X.dtype == np.float32 and len(W) <= MOST_OUTPUTS:
            outputs = np.ascontiguousarray((self.X @ W.astype(np.float32).T).T)
        else:
            outputs = W.astype(self.X.dtype, copy=False) @ self.X.T
        outputs += b[:, None].astype(self.X.dtype, copy=False)
        return np.asarray(outputs)

    def backward(self, residuals: Array) -> Array:
        """See ``Columns``."""
        totals = residuals.sum(axis=1, dtype=np.float64)
        sums = np.asarray(residuals @ self.X, np.float64)
        sums -= np.outer(totals, self.means)
        sums /= self.scales
        return np.column_stack([sums, totals]) if self.fit_intercept else sums


class Sparse:
    """Rows in CSR. Zeros are not touched, and columns with zeros not centred.

    Products are in ``dtype``. Matrices are the transposes of what kernels go through, (p, k) and (m, k), in C's order.
    Threads may share a block; else they have one each.
    """

    def __init__(
        self,
        block: Block,
        scaling: RowsScaling,
        fit_intercept: bool,
        dtype: DTypeLike = np.float64,
        is_shared: bool = False,
    ):
        self.X = centred(block, scaling.mean)
        self.scales, self.factors = scaling.scale, (1 / scaling.scale).astype(dtype)
        self.fit_intercept, self.dtype, self.is_shared = fit_intercept, np.dtype(dtype), is_shared
        self.taken = "v"  # of each value: itself, or its magnitude

    def forward(self, weight: Array) -> Array:
        """See ``Columns``."""
        d = self.X.shape[1]
        W = np.multiply(
            weight[:, :d].T, self.factors[:, None], dtype=self.dtype, order="C", casting="same_kind"
        )
        outputs = sparse_forward(self.X, W, self.taken, self.is_shared)
        if self.fit_intercept:
            outputs += weight[:, d].astype(self.dtype)
        return np.ascontiguousarray(outputs.T)

    def backward(self, residuals: Array) -> Array:
        """See ``Columns``; the sums are in ``dtype`` too."""
        return self._backward(residuals, self.taken, self.factors)

    def squares(self, row_weights: Array) -> Array:
        """Return Σᵢ wₖᵢ zᵢⱼ² (k, p) for row weights (k, m)."""
        return self._backward(row_weights, "s", self.factors**2)

    def _backward(self, row_weights: Array, taken: str, factors: Array) -> Array:
        d = self.X.shape[1]
        sums = np.zeros((d + int(self.fit_intercept), len(row_weights)), self.dtype)
        sparse_backward(self.X, row_weights.T, sums, taken, self.is_shared)
        sums[:d] *= factors[:, None]
        sums[d:] = row_weights.sum(axis=1)
        return sums.T

    def gram(self, row_weights: Array) -> Array:
        """Return Σᵢ wᵢ zᵢ zᵢᵀ (p, p) for row weights (m,)."""
        weighted = sparse.csr_array(self.X.multiply(row_weights[:, None]))
        G = (self.X.T @ weighted).toarray() / self.scales / self.scales[:, None]
        if not self.fit_intercept:
            return np.asarray(G)
        border = (self.X.T @ row_weights) / self.scales
        return np.block([[G, border[:, None]], [border[None], row_weights.sum()]])

    def pair_grams(self, left: Array, right: Array, pairs: list[tuple[int, int]]) -> Array:
        """Return Σᵢ lₐᵢ r_bᵢ zᵢ zᵢᵀ (pairs, p, p) of each of some pairs (a, b) of row weights (k, m)."""
        return np.stack([self.gram(left[a] * right[b]) for a, b in pairs])

    def forms(self, matrix: Array) -> Array:
        """Return zᵢᵀ M zᵢ (m,) for a matrix (p, p)."""
        d, size = self.X.shape[1], block_rows(len(matrix))
        M = matrix[:d, :d] / self.scales / self.scales[:, None]
        parts = [self.X[i : i + size] for i in range(0, self.X.shape[0], size)]
        forms = np.concatenate([np.asarray(X.multiply(X @ M).sum(axis=1)).ravel() for X in parts])
        if self.fit_intercept:
            forms += self.X @ (2 * matrix[:d, d] / self.scales) + matrix[d, d]
        return forms

    def absolute(self) -> "Sparse":
        """Return the same with each value's magnitude."""
        found = copy(self)
        found.taken = "a"
        return found


def is_near(scaling: RowsScaling, dtype: DTypeLike) -> bool:
    """Return whether stored rows will do in ``dtype``: near 0 in units of their scales, which are moderate."""
    varying = np.isfinite(scaling.scale)
    means, scales = np.abs(scaling.mean[varying]), scaling.scale[varying]
    return bool(
        (means <= NEAR[np.dtype(dtype)] * scales).all()
        and scales.min(initial=1) >= 1 / MODERATE
        and scales.max(initial=1) <= MODERATE
    )
