"""The features of a linear model as an operator: standardised, with a column of ones, and never centred in place.

A second-order method needs four things of the features: logits, gradients, and weighted sums of squares and products.
Working on standardised columns costs nothing in the answer, for the penalty is carried over exactly, and makes float32
go as far as it can. Weights are (k, p), a row for each output, with p = d + 1 columns if there is an intercept.
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


class Design(Protocol):
    """Features as an operator (n, p)."""

    shape: tuple[int, int]
    dtype: Any

    def forward(self, weight: Array) -> Array:
        """Return the logits (n, k) of weights (k, p)."""
        ...

    def backward(self, residuals: Array) -> Array:
        """Return the gradient (k, p) of residuals (n, k)."""
        ...

    def squares(self, row_weights: Array) -> Array:
        """Return Σᵢ wᵢₖ zᵢⱼ² (k, p) for row weights (n, k)."""
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

    def apply(self, X: Array, dtype: Any) -> Array:
        """Return standardised rows (n, p) of dense features (n, d)."""
        Z = np.empty((len(X), X.shape[1] + int(self.fit_intercept)), dtype)
        np.subtract(X, self.means, out=Z[:, : X.shape[1]], casting="same_kind")
        Z[:, : X.shape[1]] /= self.scales.astype(dtype)
        Z[:, X.shape[1] :] = 1
        return Z

    def penalty(self, strength: float) -> Array:
        """Return the penalty (p,) on each column's squared weight that is ``strength`` on the user's; 0 on ones."""
        columns: Array = np.append(strength / self.scales**2, np.zeros(int(self.fit_intercept)))
        return columns

    def to_user(self, weight: Array) -> tuple[Array, Array]:
        """Return W (k, d) and b (k,) for the user's features from weights (k, p) for standardised ones."""
        d = len(self.scales)
        W: Array = weight[:, :d] / self.scales
        b: Array = weight[:, d] - W @ self.means if self.fit_intercept else np.zeros(len(W))
        return W, b


class DenseDesign:
    """Dense features, standardised once in memory (``dtype``) or block by block each time (float64)."""

    def __init__(self, X: Array, scaling: Scaling, dtype: Any, in_memory: bool = True) -> None:
        self.X, self.scaling, self.dtype = X, scaling, dtype
        self.shape = (len(X), X.shape[1] + int(scaling.fit_intercept))
        self._Z = np.empty(self.shape, dtype) if in_memory else None
        if self._Z is not None:
            Z = self._Z

            def fill(part: slice) -> list[Array]:
                for rows in blocks(part, BLOCK_ROWS):
                    Z[rows] = scaling.apply(X[rows], dtype)
                return [np.zeros(0)]

            sum_over_rows(fill, len(X))

    def _rows(self, rows: Any) -> Array:
        return self.scaling.apply(self.X[rows], self.dtype) if self._Z is None else self._Z[rows]

    def forward(self, weight: Array) -> Array:
        """See ``Design``."""
        logits: Array = np.empty((self.shape[0], len(weight)), self.dtype)
        columns: Array = np.ascontiguousarray(weight.T, self.dtype)

        def fill(part: slice) -> list[Array]:
            for rows in blocks(part, BLOCK_ROWS):
                np.matmul(self._rows(rows), columns, out=logits[rows])
            return [np.zeros(0)]

        sum_over_rows(fill, self.shape[0])
        return logits

    def backward(self, residuals: Array) -> Array:
        """See ``Design``."""

        def part_sums(part: slice) -> list[Array]:
            gradient = np.zeros((residuals.shape[1], self.shape[1]), self.dtype)
            for rows in blocks(part, BLOCK_ROWS):
                gradient += residuals[rows].T @ self._rows(rows)
            return [gradient]

        return np.asarray(sum_over_rows(part_sums, self.shape[0])[0])

    def squares(self, row_weights: Array) -> Array:
        """See ``Design``."""

        def part_sums(part: slice) -> list[Array]:
            sums = np.zeros((row_weights.shape[1], self.shape[1]), self.dtype)
            for rows in blocks(part, BLOCK_ROWS):
                sums += row_weights[rows].T @ np.square(self._rows(rows))
            return [sums]

        return np.asarray(sum_over_rows(part_sums, self.shape[0])[0])

    def gram(self, row_weights: Array) -> Array:
        """See ``Design``."""
        used = np.flatnonzero(row_weights)
        roots: Array = np.sqrt(row_weights[used])[:, None].astype(self.dtype)

        def part_sums(part: slice) -> list[Array]:
            sums = np.zeros((self.shape[1], self.shape[1]), self.dtype)
            for rows in blocks(part, 2 * BLOCK_ROWS):
                Z = self._rows(used[rows]) * roots[rows]
                sums += Z.T @ Z
            return [sums]

        return np.asarray(sum_over_rows(part_sums, len(used))[0])


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
        return np.asarray(self._Z @ np.ascontiguousarray(weight.T))

    def backward(self, residuals: Array) -> Array:
        """See ``Design``."""
        return np.asarray(self._transposed @ residuals).T

    def squares(self, row_weights: Array) -> Array:
        """See ``Design``."""
        return np.asarray(self._transposed.power(2) @ row_weights).T

    def gram(self, row_weights: Array) -> Array:
        """See ``Design``."""
        return np.asarray((self._transposed @ sparse.diags_array(row_weights) @ self._Z).toarray())
