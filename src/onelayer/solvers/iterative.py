"""Least squares for sparse features that are too many for their Gram matrix, by products with columns of one size."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, lsmr

from onelayer.data.rows import Rows
from onelayer.errors import OneLayerError
from onelayer.solvers.conjugate import CentredGram, settle
from onelayer.solvers.fit import LeastSquaresFit
from onelayer.solvers.moments import ALIKE, Moments, are_alike
from onelayer.solvers.sparse_rows import sparse_product, sparse_sums, stored_counts, value_parts

Array = NDArray[np.float64]

TOLERANCE = 1e-14
MOST_RESTARTS = 5
CONVERGED = 1e-13  # a correction as a share of the solution


class CentredColumns:
    """Centred and scaled columns of CSR features as a linear operator, without storing a value that is 0.

    Attributes:
        n: the sum of the weights.
        mean: (d,) of the columns in the user's units, zeros without an intercept.
        size: (d,) what the columns are divided by.
        factor: (d,) its inverse, or 0 for a constant column.
        X: (n, d) the rows in the user's units, of which only columns without zeros are centred.
        rest: (d,) what is to be taken from scaled columns of X.
    """

    def __init__(self, rows: Rows, fit_intercept: bool) -> None:
        X = _float64(rows.X)
        self.c = rows.gathered().row_weights()
        self.n = float(self.c.sum())
        if not self.n > 0:
            raise OneLayerError("no row has a weight above 0")
        self.mean = sparse_sums(X, self.c) / self.n if fit_intercept else np.zeros(X.shape[1])
        # A column without zeros may be far from 0; its mean is taken away from the stored values themselves.
        full = stored_counts(X) == X.shape[0]
        shift, rest = np.where(full, self.mean, 0.0), self.mean
        if shift.any():
            X = X.copy()
            for part in value_parts(X):
                X.data[part] -= shift[X.indices[part]]
            rest = sparse_sums(X, self.c) / self.n
        spread = np.sqrt(np.maximum(sparse_sums(X, self.c, "s") - self.n * rest**2, 0))
        self.mean = np.where(full, shift + rest, self.mean)
        noise = np.finfo(float).eps * np.sqrt(self.n) * np.abs(self.mean)
        self.varies = spread > 4 * noise
        if are_alike(spread[self.varies], ALIKE):
            spread = np.full_like(spread, spread.max(initial=1))
        self.size = np.where(self.varies, spread, 1.0)
        self.X, self.factor = X, self.varies / self.size
        self.rest = self.factor * rest
        self.root = np.sqrt(self.c)

    def scaled(self) -> Any:
        """Return the rows (n, d) in CSR with scaled columns that are not centred, as a copy."""
        X = self.X.copy()
        for part in value_parts(X):
            X.data[part] *= self.factor[X.indices[part]]
        return X

    def gram(self, alpha: float) -> CentredGram:
        """Return the products of the rows of ``operator`` with themselves, as an operator."""
        return CentredGram(self.X, self.c, self.factor, self.rest, alpha / self.size**2)

    def operator(self, alpha: float) -> LinearOperator:
        """Return the rows, each times the root of its weight, above those of the penalty."""
        (n, d), rest, root = self.X.shape, self.rest, self.root
        penalty = np.sqrt(alpha) / self.size

        def forward(w: Array) -> Array:
            w = w.ravel()
            outputs = root * (sparse_product(self.X, self.factor * w) - rest @ w)
            return np.concatenate([outputs, penalty * w]) if alpha else outputs

        def backward(r: Array) -> Array:
            weighted = root * r[:n]
            sums = self.factor * sparse_sums(self.X, weighted) - rest * weighted.sum()
            return np.asarray(sums + penalty * r[n:] if alpha else sums)

        return LinearOperator(
            (n + (d if alpha else 0), d), matvec=forward, rmatvec=backward, dtype=np.float64
        )


def _float64(X: Any) -> Any:
    """Return rows in CSR in float64, the same arrays if they are."""
    return sparse.csr_array((X.data.astype(np.float64, copy=False), X.indices, X.indptr), shape=X.shape)


def solve_iteratively(rows: Rows, alpha: float, fit_intercept: bool) -> LeastSquaresFit:
    """Return the solution by conjugate gradients; without a penalty, or where that conditions it ill, by LSMR.

    LSMR (Fong and Saunders 2011) is started again from its residuals until it stands still.
    Where features are dependent it is the one of least norm: in the user's units, or if the columns differ much in
    size, in units of their deviations.
    """
    columns, d = CentredColumns(rows, fit_intercept), rows.n_features
    operator, gram = columns.operator(alpha), columns.gram(alpha)
    y_mean = columns.c @ rows.y / columns.n if fit_intercept else np.zeros(rows.y.shape[1])
    V = columns.root[:, None] * (rows.y - y_mean)
    weight, rss, error, iterations = np.zeros((d, V.shape[1])), np.zeros(V.shape[1]), 0.0, 0
    solver = "conjugate gradients"
    for k, v in enumerate(V.T):
        target = np.concatenate([v, np.zeros(operator.shape[0] - len(v))])
        found = settle(operator, target, gram)
        if found is None:
            found, solver = _settled(operator, target), "lsmr"
        weight[:, k], share, count = found
        error, iterations = max(error, share), max(iterations, count)
        rss[k] = float(np.square(v - (operator @ weight[:, k])[: len(v)]).sum())
    weight /= columns.size[:, None]
    bias = y_mean - columns.mean @ weight
    spread = (columns.size * columns.varies) ** 2
    squares = spread + columns.n * columns.mean**2
    moments = Moments(
        columns.n if fit_intercept else None, columns.mean, y_mean, squares, spread, (V**2).sum(axis=0)
    )
    return LeastSquaresFit(
        weight=weight.T,
        bias=bias,
        solver=solver,
        rank=None,
        identified=np.ones(d + 1, bool),
        inverse=None,
        rss=rss,
        tss=moments.variation,
        rounding=moments.rounding_of(weight, bias),
        error=error,
        sensitivity=np.nan,
        corrections=iterations,
    )


def _settled(operator: LinearOperator, target: Array) -> tuple[Array, float, int]:
    """Return the solution (d,), the last correction's share of it, and the number of iterations."""
    solution, share, iterations = np.zeros(operator.shape[1]), np.inf, 0
    for _ in range(MOST_RESTARTS):
        rest = target - operator @ solution
        step, _, count, *_ = lsmr(
            operator, rest, atol=TOLERANCE, btol=TOLERANCE, conlim=0, maxiter=10 * min(operator.shape)
        )
        solution, iterations = solution + step, iterations + count
        size, previous = float(np.linalg.norm(solution)), share
        share = float(np.linalg.norm(step)) / size if size else 0.0
        if share <= CONVERGED or not share < previous / 2:
            break
    return solution, share, iterations
