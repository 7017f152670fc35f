"""Tangents of an elastic net at some weights: linear bounds from below, with which the weights can move freely."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onelayer.penalties import ElasticNet
from onelayer.solvers.objective import MOST_RIDGE, Point

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Tangents:
    """Functions t u + ½ l2 u² of some weights that are nowhere above their penalties.

    Attributes:
        where: (k, p) which weights these are.
        slope: of the functions at V (k, p), 0 for other weights.
        curvature: l2 (k, p), 0 for other weights.
        lost: by how much the penalties at V are above the functions.
    """

    where: NDArray[np.bool_]
    slope: Array
    curvature: Array
    lost: float

    @classmethod
    def none(cls, point: Point) -> "Tangents":
        """Return those of no weight."""
        nothing = np.zeros_like(point.V)
        return cls(np.zeros(point.V.shape, bool), nothing, nothing, 0.0)

    @classmethod
    def at(cls, net: ElasticNet, point: Point, is_coupled: bool) -> "Tangents":
        """Return those of weights that have an l1 and are not 0, nor at a bound, and of those that want to leave 0.

        Args:
            net: of each column (p,).
            point: of the losses, with V (k, p) between the bounds.
            is_coupled: whether what is added to all of a column's weights changes no loss. Then tangents of all of a
                column's weights add up to 0 if there is no l2: else nothing would hold these.
        """
        V, g, l1 = point.V, point.gradient, np.asarray(net.l1)
        inside, is_out = (net.lower < V) & (net.upper > V), net.norms(V) == 0
        where = np.where(is_out, net.excess(-g) > 0, inside) & (l1 > 0) & (l1 < MOST_RIDGE)
        with np.errstate(divide="ignore", invalid="ignore"):
            direction = np.where(is_out, -g / np.maximum(net.norms(g), l1), V / net.norms(V))
        t = np.where(where, l1 * direction, 0.0)
        if is_coupled:
            columns = where.all(axis=0) & (np.asarray(net.l2) == 0)
            t[:, columns] = _balanced(net.take(columns), t[:, columns], V[:, columns])
        lost = (l1 * net.norms(np.where(where, V, 0.0))).sum() - float((t * V).sum())
        curvature = np.where(where, net.l2, 0.0)
        return cls(where, t + curvature * V, curvature, max(float(lost), 0.0))


def _balanced(net: ElasticNet, t: Array, V: Array) -> Array:
    """Return slopes (k, p) that add up to 0 over the outputs and are not beyond l1, those at weights of 0 first."""
    if not net.is_grouped:
        at_0 = V == 0
        with np.errstate(divide="ignore", invalid="ignore"):
            t = np.where(at_0, np.clip(t - t.sum(axis=0) / at_0.sum(axis=0), -net.l1, net.l1), t)
    t = t - t.mean(axis=0)
    largest = net.norms(t) if net.is_grouped else np.abs(t).max(axis=0)
    return np.asarray(t / np.maximum(largest / net.l1, 1.0))
