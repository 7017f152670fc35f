"""How well rows determine the weights of a softmax regression: the observed information and its inverse.

The information is the Hessian of the objective where the weights are (Efron and Hinkley 1978), for contrasts of the
outputs with one of them, the reference. It is formed for standardised columns and its inverse brought to the user's
units, so that the units of the features do not matter.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Block, Source
from onelayer.double_double import EPS
from onelayer.losses import CrossEntropy
from onelayer.penalties import Ridge
from onelayer.solvers.objective import Objective
from onelayer.solvers.scaling import RowsScaling

Array = NDArray[np.float64]

RESOLVED = (
    16 * EPS
)  # times the parameters: eigenvalues that are no more, of a diagonal of about 1, are rounding
IDENTIFIED = 1e-6  # share of a coefficient's direction that may lie in what the data leave open


@dataclass(frozen=True, eq=False)
class Fitted:
    """A softmax regression at its weights, with the rows to sum over.

    Attributes:
        objective: of rows with weights of at most 1.
        V: weights (k, p) for standardised columns, centred if there is an output for each class.
        totals: (q,) the weight of each class's rows.
        n: the number of rows, without those of weight 0.
        exponent: the user's weights of rows are 2^exponent times these.
        reference: the class that the others are compared with.
    """

    objective: Objective
    V: Array
    totals: Array
    n: int
    exponent: int
    reference: int

    @staticmethod
    def of(
        rows: Source, weight: Array, bias: Array, penalty: Ridge, fit_intercept: bool, reference: int = 0
    ) -> "Fitted":
        """Return the regression with weights (q, d) and bias (q,) of all q classes, also if these are two."""
        q = len(weight)
        rows, exponent = rows.weights_near_one()
        scaling = RowsScaling.of(rows, fit_intercept)
        objective = Objective(rows, CrossEntropy(q), penalty.times_power(-exponent), scaling, fit_intercept)
        origin = (weight.mean(axis=0), bias.mean()) if objective.loss.is_coupled else (weight[0], bias[0])
        first = 0 if objective.loss.is_coupled else 1
        V, standard_bias = scaling.input_to_standard(weight[first:] - origin[0], bias[first:] - origin[1])
        V = np.column_stack([V, standard_bias]) if fit_intercept else V

        def counts(block: Block) -> list[Any]:
            c = block.row_weights()
            return [np.bincount(block.y, c, q), int(np.count_nonzero(c))]

        totals, n = rows.sum(counts)
        return Fitted(objective, V, totals, n, exponent, reference)

    @property
    def compared(self) -> list[int]:
        """The outputs (m,) that are compared with the reference."""
        if not self.objective.loss.is_coupled:
            return [0]
        return [a for a in range(len(self.totals)) if a != self.reference]

    def at(self, V: Array) -> "Fitted":
        """Return the regression with other weights."""
        return replace(self, V=V)

    def contrasts(self) -> Array:
        """Return what distinguishes the weights (m, p) of the compared outputs from the reference's."""
        if not self.objective.loss.is_coupled:
            return self.V
        return np.asarray(self.V[self.compared] - self.V[self.reference])

    def whole(self, contrasts: Array) -> Array:
        """Return weights (k, p) of all outputs for contrasts (m, p), with zeros for the reference."""
        if not self.objective.loss.is_coupled:
            return contrasts
        return np.insert(contrasts, self.reference, 0.0, axis=0)

    def without_penalty(self) -> "Fitted":
        """Return the regression of the likelihood alone, at the same weights."""
        return replace(self, objective=replace(self.objective, penalty=Ridge(0.0)))

    def information(self, curvature: tuple[Array, Array] | None = None) -> "Information":
        """Return the information of the contrasts, from one pass over the rows.

        The penalty on all outputs is, where their sum is 0, one on contrasts with the mean output.

        Args:
            curvature: ``objective.information(V)``, if it is known already; it takes the pass.
        """
        objective, outputs = self.objective, self.compared
        gradient, H = objective.information(self.V) if curvature is None else curvature
        gradient = gradient + objective.ridge * self.V
        (m, p), k = (len(outputs), H.shape[1]), len(H)
        H = H[np.ix_(outputs, range(p), outputs, range(p))]
        common = 1 / k if objective.loss.is_coupled else 0.0
        column, ridge = self.columns()
        for j, strength in enumerate(ridge):
            H[:, j, :, j] += strength * (np.eye(m) - common)
        shares = (self.totals / self.totals.sum())[outputs if objective.loss.is_coupled else [1]]
        scale = np.sqrt(np.add.outer(self.totals.sum() * shares * (1 - shares), (1 - common) * ridge))
        scale = np.where(scale > 0, scale, 1.0)
        H /= scale
        H /= scale[:, :, None, None]
        inverse, null = _inverted(H.reshape(m * p, m * p))
        held = (np.eye(m) - common) * ridge[:, None, None] / scale.T[:, :, None] / scale.T[:, None]
        held *= np.einsum("ajbj->jab", inverse.reshape(m, p, m, p))
        functional = np.append(-objective.scaling.mean / column, 1.0)
        return Information(
            gradient[outputs] / scale,
            inverse.reshape(m, p, m, p),
            null.reshape(m, p, -1),
            scale,
            column,
            functional if objective.fit_intercept else np.zeros(0),
            self.exponent,
            m * p - null.shape[1] - float(held.sum()),
        )

    def columns(self) -> tuple[Array, Array]:
        """Return the scales of the columns (d,), of a constant one its size, and the ridge (p,) for these."""
        scaling, ridge = self.objective.scaling, self.objective.ridge.copy()
        is_constant = ~np.isfinite(scaling.scale)
        size = np.where(scaling.mean != 0, np.abs(scaling.mean), 1.0)
        column = np.where(is_constant, size, scaling.scale)
        strength = self.objective.penalty.columns(len(column))
        ridge[: len(column)][is_constant] = (strength / column / column)[is_constant]
        return column, ridge


@dataclass(frozen=True, eq=False)
class Information:
    """The information of contrasts, inverted where it can be. Scaled coordinates make its diagonal about 1.

    Attributes:
        gradient: of the objective (m, p), in scaled coordinates.
        inverse: (m, p, m, p) in scaled coordinates, on what the data determine.
        null: (m, p, r) orthonormal scaled directions that the data leave open.
        scale: (m, p) scaled coordinates of contrasts for standardised columns.
        column: (d,) the scales of the columns.
        intercept: (p,) the combination of weights for standardised columns that is the intercept in the user's units;
            empty without one.
        exponent: the user's weights of rows are 2^exponent times those of the sums.
        effective: how many parameters that are free do as much as these: the trace of the inverse times the
            information without the penalty; without one, how many the data determine.
    """

    gradient: Array
    inverse: Array
    null: Array
    scale: Array
    column: Array
    intercept: Array
    exponent: int
    effective: float

    def parts(self, directions: Array) -> Array:
        """Return how much each coefficient (m, p) in the user's units takes part in scaled directions (m, p, r)."""
        found = np.linalg.norm(directions, axis=2)
        if len(self.intercept):
            functional = self.intercept / self.scale
            functional /= np.linalg.norm(functional, axis=1, keepdims=True)
            found[:, -1] = np.linalg.norm(np.einsum("aj,ajr->ar", functional, directions), axis=1)
        return np.asarray(found)

    def step(self) -> Array:
        """Return the Newton step (m, p), in scaled coordinates."""
        return np.asarray(-np.einsum("ajbl,bl->aj", self.inverse, self.gradient))

    def on_null(self, contrasts: Array) -> Array:
        """Return the scaled part (m, p) of contrasts for standardised columns that the data leave open."""
        return np.asarray(self.null @ np.einsum("ajr,aj->r", self.null, contrasts * self.scale))

    def distance(self) -> float:
        """Return how many standard errors the minimum is away, at most for any combination of the coefficients."""
        square = -float(np.vdot(self.step(), self.gradient))
        return float(np.sqrt(max(square, 0.0))) / self._per_weight()

    def _per_weight(self) -> float:
        return float(2.0 ** (-self.exponent / 2))


def _inverted(matrix: Array) -> tuple[Array, Array]:
    """Return the inverse (n, n) of a scaled Hessian on the span of its eigenvectors but for those of 0, and these."""
    n = len(matrix)
    least = RESOLVED * n
    try:
        half = np.linalg.inv(np.linalg.cholesky(matrix))
    except np.linalg.LinAlgError:
        half = np.full((n, n), np.inf)
    if np.square(half).sum() * least < 1:  # the trace of the inverse
        return half.T @ half, np.zeros((n, 0))
    values, vectors = np.linalg.eigh(matrix)
    is_known = values > least
    known = vectors[:, is_known]
    return (known / values[is_known]) @ known.T, vectors[:, ~is_known]
