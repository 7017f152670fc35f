"""The covariance of the contrasts of a softmax regression: from the information at its weights, or by a sandwich.

A contrast is what distinguishes the weights of a class from those of the reference. The sandwich is H⁻¹ M H⁻¹, with the
information H and the squares M of the scores (White 1982, *Maximum likelihood estimation of misspecified models*).
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Block
from onelayer.errors import OneLayerError
from onelayer.inference.information import IDENTIFIED, Fitted, Information
from onelayer.inference.robust import Robust, meat
from onelayer.solvers.columns import Standardised

Array = NDArray[np.float64]

ROUNDED = 1e-9  # of two numbers that cancel, what may be left


@dataclass(frozen=True, eq=False)
class Covariance:
    """How far the contrasts of m outputs, with p coefficients each, may be from the true ones.

    It is kept in scaled coordinates, in which digits hold whatever the units of the features. The intercept, if it is
    free, is the last coefficient of an output.

    Attributes:
        matrix: (m p, m p) of scaled coordinates.
        null: (m p, r) orthonormal directions in them that the data leave open.
        scale: (m, p) scaled coordinates are these times contrasts for standardised columns.
        mean: (d,) what is taken from a feature to standardise it.
        column: (d,) what it is then divided by.
        is_open: (m, p) coefficients of which nothing is known, or which have no finite value.
    """

    matrix: Array
    null: Array
    scale: Array
    mean: Array
    column: Array
    is_open: NDArray[np.bool_]

    def __post_init__(self) -> None:
        (m, p), d, size = self.scale.shape, len(self.column), self.scale.size
        fits = self.matrix.shape == (size, size) and self.null.shape[:1] == (size,) and d <= p <= d + 1
        if not (fits and self.is_open.shape == (m, p) and self.mean.shape == (d,)):
            raise OneLayerError("the parts of the covariance of coefficients do not fit together")

    @property
    def rank(self) -> int:
        """How many combinations of the coefficients the data determine."""
        return int(self.null.shape[0] - self.null.shape[1])

    def std_err(self) -> Array:
        """Return the standard errors (m, p) in the user's units; NaN where not identified."""
        (m, p), d = self.scale.shape, len(self.column)
        C = self.matrix.reshape(m, p, m, p)
        variances = np.einsum("ajaj->aj", C) / np.square(self.scale)
        if p > d:
            functional = np.append(-self.mean / self.column, 1.0) / self.scale
            variances[:, d] = np.einsum("aj,ajal,al->a", functional, C, functional)
        variances[:, :d] /= np.square(self.column)
        is_known = ~self.is_open
        if self.null.shape[1]:
            each = np.eye(m * p).reshape(m * p, m, p)
            is_known &= self.determines(self.functionals(each)).reshape(m, p)
        return np.where(is_known, root(variances), np.nan)

    def in_user_units(self) -> Array:
        """Return the covariance (m p, m p) of the contrasts in the user's units; NaN where not identified."""
        (m, p), d = self.scale.shape, len(self.column)
        back = np.diag(np.append(1 / self.column, np.ones(p - d)))
        back[d:, :d] = -self.mean / self.column
        blocks = self._standard().transpose(0, 2, 1, 3)
        found = (back @ blocks @ back.T).transpose(0, 2, 1, 3).reshape(m * p, m * p)
        is_unknown = np.isnan(self.std_err()).ravel()
        found[is_unknown] = found[:, is_unknown] = np.nan
        return np.asarray(found)

    def functionals(self, combinations: Array) -> Array:
        """Return combinations (r, m, p) of contrasts in the user's units as ones (r, m p) of scaled coordinates."""
        d = len(self.column)
        found = np.array(combinations, np.float64)
        if found.shape[2] > d:
            found[..., :d] -= found[..., d:] * self.mean
        found[..., :d] /= self.column
        return np.asarray((found / self.scale).reshape(len(found), -1))

    def of(self, functionals: Array) -> Array:
        """Return the covariance (r, r) of combinations (r, m p) of scaled coordinates; NaN where not identified."""
        found = functionals @ self.matrix @ functionals.T
        is_unknown = ~self.determines(functionals)
        found[is_unknown] = found[:, is_unknown] = np.nan
        return np.asarray(found)

    def std_err_of(self, functionals: Array) -> Array:
        """Return the standard errors (r,) of combinations (r, m p) of scaled coordinates; NaN where not identified."""
        variances = ((functionals @ self.matrix) * functionals).sum(axis=1)
        return np.where(self.determines(functionals), root(variances), np.nan)

    def determines(self, functionals: Array) -> NDArray[np.bool_]:
        """Return which combinations (r, m p) of scaled coordinates the data determine (r,)."""
        parts = np.linalg.norm(functionals @ self.null, axis=1)
        is_known = np.asarray(parts <= IDENTIFIED * np.linalg.norm(functionals, axis=1))
        if self.is_open.any():
            d = len(self.column)
            R = functionals.reshape(-1, *self.scale.shape) * self.scale
            of_intercept = R[..., d:] * self.mean if R.shape[2] > d else np.zeros(1)
            R[..., :d] = R[..., :d] * self.column + of_intercept
            R[..., :d][np.abs(R[..., :d]) <= ROUNDED * np.abs(of_intercept)] = 0
            is_known &= ~(R[:, self.is_open] != 0).any(axis=1)
        return is_known

    def standardised(self, X: Array) -> Array:
        """Return features (n, d) as columns z (n, p), with ones for the intercept."""
        Z = (X - self.mean) / self.column
        return np.column_stack([Z, np.ones(len(Z))]) if self.scale.shape[1] > len(self.column) else Z

    def of_outputs(self, Z: Array) -> Array:
        """Return the covariances (n, m, m) of the outputs V z of rows z (n, p)."""
        m, p = self.scale.shape
        C, found = self._standard(), np.empty((len(Z), m, m))
        for a in range(m):
            found[:, a] = ((Z @ C[a].reshape(p, m * p)).reshape(-1, m, p) @ Z[:, :, None])[..., 0]
        return found

    def _standard(self) -> Array:
        """Return the covariance (m, p, m, p) of contrasts for standardised columns."""
        m, p = self.scale.shape
        return np.asarray(self.matrix.reshape(m, p, m, p) / self.scale / self.scale[:, :, None, None])


def root(variances: Array) -> Array:
    """Return standard errors; NaN for variances below 0, as two ways of few groups may leave."""
    return np.sqrt(np.where(variances < 0, np.nan, variances))


def covariance(
    fitted: Fitted, information: Information, is_open: NDArray[np.bool_], robust: Robust
) -> Covariance:
    """Return the covariance of the contrasts: the inverse of the information, or a sandwich with it.

    Weights of rows are frequencies, to robust errors too: a row of weight 2 is two rows, of one group and one time.

    Raises:
        OneLayerError: if a small-sample correction needs more rows.
    """
    size, power = information.scale.size, 2.0**-information.exponent
    inverse = information.inverse.reshape(size, size)
    found = Covariance(
        inverse * power,
        information.null.reshape(size, -1),
        information.scale,
        fitted.objective.scaling.mean,
        information.column,
        is_open,
    )
    if robust.cov == "classical":
        return found
    rows, rank = fitted.objective.rows, found.rank
    robust = replace(robust, n=round(float(fitted.totals.sum()) / power))
    if robust.cov in ("HC1", "cluster") and robust.n <= rank:
        raise OneLayerError(
            f"cov={robust.cov!r} corrects for few rows, and {robust.n} (weights of rows are frequencies) are not more "
            f"than the {rank} coefficients"
        )
    if robust.cov in ("cluster", "HAC"):
        power = 1.0
    squares = meat(rows, lambda block: scores(fitted, information.scale, found, robust, block), robust)
    return replace(found, matrix=robust.correction(rank) * power * (inverse @ squares @ inverse))


def unknown(fitted: Fitted) -> Covariance:
    """Return the covariance where nothing is known: no coefficient has a finite value."""
    column, _ = fitted.columns()
    shape = len(fitted.compared), fitted.V.shape[1]
    size = shape[0] * shape[1]
    return Covariance(
        np.zeros((size, size)),
        np.zeros((size, 0)),
        np.ones(shape),
        fitted.objective.scaling.mean,
        column,
        np.ones(shape, bool),
    )


def scores(fitted: Fitted, scale: Array, classical: Covariance, robust: Robust, block: Block) -> Array:
    """Return what each row of a block adds to the gradient by scaled coordinates (n, m p), as ``meat`` squares it."""
    objective, outputs = fitted.objective, fitted.compared
    columns = Standardised(block, objective.scaling, objective.fit_intercept)
    _, R, h = objective.loss.at(objective.outputs(columns, fitted.V, block), block.y)
    residuals = R[outputs].T
    if robust.cov in ("HC2", "HC3"):
        residuals = _leveraged(residuals, *_root(fitted, h), classical.of_outputs(columns.Z), robust.cov)
    c = block.row_weights()[:, None]
    residuals = residuals * (c if robust.cov in ("cluster", "HAC") else np.sqrt(c))
    S = residuals[:, :, None] * (columns.Z[:, None] / scale)
    return np.asarray(S.reshape(len(block), scale.size))


def _root(fitted: Fitted, h: Array) -> tuple[Array, Array]:
    """Return what gives L of each row, for which L Lᵀ is the curvature by the outputs: D (n, m) and u (n, m).

    L = D (1 − u uᵀ / (1 + r)) with the root r of the reference's probability; with one output u = 0.
    """
    outputs = fitted.compared
    if not fitted.objective.loss.is_coupled:
        return np.sqrt(h.T), np.zeros_like(h.T)
    D = np.sqrt(h[outputs].T)
    return D, D / np.sqrt(1 + np.sqrt(h[fitted.reference]))[:, None]


def _leveraged(residuals: Array, D: Array, u: Array, G: Array, cov: str) -> Array:
    """Return residuals (n, m) as they would be about without what the row itself does to the fit.

    That is (1 − W G)^−½ r for HC2 and (1 − W G)⁻¹ r for HC3, with a row's curvature W = L Lᵀ by its outputs and the
    covariance G of these (n, m, m). With one output W G is the leverage of weighted least squares, as R's
    ``sandwich::vcovHC`` has it; with several this is what Bell and McCaffrey (2002) do to clusters.
    """
    L = D[:, :, None] * (np.eye(D.shape[1]) - u[:, :, None] * u[:, None, :])
    LtG = L.transpose(0, 2, 1) @ G
    leverages, vectors = np.linalg.eigh(LtG @ L)
    left = np.maximum(1 - leverages, np.finfo(float).eps)
    # f(W G) = 1 + L g(Lᵀ G L) Lᵀ G, where f(x) = 1 + x g(x): no curvature, which may be 0, is inverted.
    g = 1 / left if cov == "HC3" else 1 / (left + np.sqrt(left))
    inner = vectors.transpose(0, 2, 1) @ (LtG @ residuals[:, :, None])
    return np.asarray(residuals + (L @ (vectors @ (g[:, :, None] * inner)))[..., 0])
