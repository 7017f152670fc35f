"""Losses that solvers minimise: what a wrong output costs, with its gradient and curvature, in NumPy.

A loss says nothing of features, penalties or solvers, and combines with each of them. Outputs are (k, m) for a block of
m rows: thin matrices are multiplied fastest in that shape, and sums over outputs run along memory.
"""

import math
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


class Loss(Protocol):
    """A convex loss of a row's outputs, never below 0.

    Attributes:
        n_outputs: k.
        is_coupled: whether the curvature by a row's outputs is diag(h) − hhᵀ with Σh = 1, so that the same number
            added to all outputs changes nothing; else it is diag(h).
        steepness: the largest length of the gradient of a row, perhaps infinite.
        smoothness: the largest h of a row, perhaps infinite.
        skewness: along a line on which a row's outputs move at velocity u, the third derivative is at most
            ``skewness`` ‖u‖ times the second (generalised self-concordance: Bach 2010, *Self-concordant analysis for
            logistic regression*).
    """

    @property
    def n_outputs(self) -> int: ...  # noqa: D102

    @property
    def is_coupled(self) -> bool: ...  # noqa: D102

    @property
    def steepness(self) -> float: ...  # noqa: D102

    @property
    def smoothness(self) -> float: ...  # noqa: D102

    @property
    def skewness(self) -> float: ...  # noqa: D102

    def at(self, outputs: Array, y: Array) -> tuple[Array, Array, Array]:
        """Return the losses (m,), their gradient (k, m) and h (k, m) of their curvature, at outputs (k, m)."""
        ...


@dataclass(frozen=True)
class Squared:
    """½ ‖o − y‖² for numbers y (m, k)."""

    n_outputs: int = 1
    is_coupled = False
    steepness = math.inf
    smoothness = 1.0
    skewness = 0.0

    def at(self, outputs: Array, y: Array) -> tuple[Array, Array, Array]:
        """See ``Loss``."""
        residuals = outputs - y.T
        return np.square(residuals).sum(axis=0) / 2, residuals, np.ones_like(residuals)


@dataclass(frozen=True)
class CrossEntropy:
    """−log p of the label, where p is the softmax of the outputs; labels (m,) are numbers from 0.

    Two classes have one output, the logit of class 1; that of class 0 is 0. Nobody else needs to know.

    Attributes:
        n_classes: q.
        is_single: whether there is one output; False also gives two classes, or one, an output each.
    """

    n_classes: int
    is_single: bool | None = None

    @property
    def n_outputs(self) -> int:
        """One for each class, or a single one for two."""
        return self.n_classes if self.is_coupled else 1

    @property
    def is_coupled(self) -> bool:
        """Whether there are several outputs."""
        return self.n_classes != 2 if self.is_single is None else not self.is_single

    @property
    def steepness(self) -> float:
        """The length of p − y where p is another label."""
        return math.sqrt(2) if self.is_coupled else 1.0

    @property
    def smoothness(self) -> float:
        """The largest probability, or of one logit the largest p (1 − p)."""
        return 1.0 if self.is_coupled else 0.25

    @property
    def skewness(self) -> float:
        """The third central moment is at most the range times the variance, and the range at most √2 ‖u‖."""
        return math.sqrt(2) if self.is_coupled else 1.0

    def at(self, outputs: Array, y: Array) -> tuple[Array, Array, Array]:
        """See ``Loss``. Digits hold where p of the label is near 1 too: the other classes are summed without it."""
        if not self.is_coupled:
            return _logistic(outputs, y)
        index = np.arange(len(y))
        P = np.exp(outputs - outputs.max(axis=0))
        of_label = P[y, index]
        R = P.copy()
        R[y, index] = 0
        others = R.sum(axis=0)
        total = others + of_label
        with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
            losses = np.where(others < of_label, np.log1p(others / of_label), np.log(total / of_label))
        hopeless = of_label == 0  # below the smallest number
        if hopeless.any():
            losses[hopeless] = (outputs.max(axis=0) - outputs[y, index] + np.log(total))[hopeless]
        P /= total
        R /= total
        R[y, index] = -others / total
        return losses, R, P


def coupled_curvature(products: Array) -> Array:
    """Return Σᵢ cᵢ (diag(h) − hhᵀ) (k, k) from Σᵢ cᵢ hhᵀ.

    With Σh = 1 what is beside the diagonal sums to it, without a difference: it has digits where h is near 1 too.
    """
    curvature = -products
    np.fill_diagonal(curvature, 0)
    np.fill_diagonal(curvature, -curvature.sum(axis=1))
    return curvature


def own_curvature(h: Array) -> Array:
    """Return h (1 − h) (k, m) of coupled outputs: the largest of a row's is left by the sum of the others."""
    index = np.arange(h.shape[1])
    largest = h.argmax(axis=0)
    others = h.copy()
    others[largest, index] = 0
    left = 1 - others
    left[largest, index] = others.sum(axis=0)
    left *= h
    return np.asarray(left)


def as_two_outputs(weight: Array, bias: Array) -> tuple[Array, Array]:
    """Return the outputs of both classes, (2, d) and (2,), for the one logit of class 1, (1, d) and (1,).

    Of all that differ by it, these have the least squares.
    """
    return np.vstack([-weight, weight]) / 2, np.hstack([-bias, bias]) / 2


def as_one_output(weight: Array, bias: Array) -> tuple[Array, Array]:
    """Return the logit of class 1, (1, d) and (1,), for the outputs of both classes, (2, d) and (2,)."""
    return weight[1:] - weight[:1], bias[1:] - bias[:1]


def _logistic(outputs: Array, y: Array) -> tuple[Array, Array, Array]:
    z = outputs[0]
    margin = np.where(y, z, -z)  # how far on the label's side
    small = np.exp(-np.abs(margin))
    share = 1 / (1 + small)
    wrong = np.where(margin > 0, small * share, share)  # 1 − p of the label
    losses = np.log1p(small) + np.maximum(-margin, 0)
    return losses, np.where(y, -wrong, wrong)[None], (small * share * share)[None]
