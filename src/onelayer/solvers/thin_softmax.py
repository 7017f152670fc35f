"""Cross-entropy of few outputs over stored rows, by a kernel that reads each feature once.

Means and scales go into the weights, as in ``columns.Stored``.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from onelayer.data.rows import Block
from onelayer.data.scaling import Scaling
from onelayer.losses import CrossEntropy, Loss, coupled_curvature
from onelayer.solvers import kernels

Array = NDArray[Any]

MOST_OUTPUTS = 64  # linear algebra multiplies by more of them faster
ALIGNMENT = 32  # numbers that a row of weights is a multiple of


def is_thin(loss: Loss, block: Block) -> bool:
    """Return whether the kernel is for this loss and these rows."""
    X = block.X
    return (
        isinstance(loss, CrossEntropy)
        and loss.n_outputs <= MOST_OUTPUTS
        and block.offset is None
        and isinstance(X, np.ndarray)
        and X.dtype.name in kernels.FORMATS
        and X.flags.c_contiguous
    )


@dataclass(frozen=True)
class Thin:
    """Weights for rows as they are stored.

    Attributes:
        weight: (k, width) for features, a constant 1, and padding.
        means, scales: of the features as they are stored (d,).
        fit_intercept: whether the last of the standardised columns is one of ones.
    """

    weight: Array
    means: Array
    scales: Array
    fit_intercept: bool

    @classmethod
    def of(cls, V: Array, unit: float, scaling: Scaling, fit_intercept: bool, dtype: DTypeLike) -> "Thin":
        """Return what weights V (k, p) for standardised columns are for features in ``unit``, in ``dtype``."""
        d = len(scaling.mean)
        means, scales = scaling.mean / unit, scaling.scale / unit
        weight = np.zeros((len(V), -(-(d + 1) // ALIGNMENT) * ALIGNMENT), dtype)
        W = V[:, :d] / scales
        weight[:, :d] = W
        weight[:, d] = (V[:, d] if fit_intercept else 0) - W @ means
        return cls(weight, means, scales, fit_intercept)

    def sums(self, kept: Array | None, block: Block) -> list[Any]:
        """Return the losses' sum, its gradient (k, width) and the curvature by the outputs (k, k).

        Outputs are kept in their rows' places (n, k), if there are any.
        """
        k, of_block = len(self.weight), slice(block.start, block.start + len(block))
        outputs = np.empty((len(block), k), self.weight.dtype) if kept is None else kept[of_block]
        sums, products = np.zeros(self.weight.shape), np.zeros((k, k))
        factors = None if block.c is None else np.ascontiguousarray(block.c, np.float64)
        X, y = np.ascontiguousarray(block.X), np.ascontiguousarray(block.y, np.int64)
        loss = kernels.softmax_sums(X, y, self.weight, factors, outputs, sums, products)
        return [loss, sums, coupled_curvature(products) if k > 1 else products]

    def gradient(self, sums: Array) -> Array:
        """Return the gradient (k, p) by weights of standardised columns from that by the weights here."""
        d = len(self.means)
        totals = sums[:, d]
        found = (sums[:, :d] - np.outer(totals, self.means)) / self.scales
        return np.column_stack([found, totals]) if self.fit_intercept else found
