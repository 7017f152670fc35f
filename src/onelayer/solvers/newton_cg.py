"""Newton's method for very many parameters: conjugate gradients find each step, no nearer than it is worth.

The Hessian is not formed: a product with it reads the rows as often as a gradient does (Nocedal and Wright 2006,
section 7.1). With no more of the Hessian than its diagonal to begin with, that takes fewer readings than L-BFGS, and
no earlier steps are kept.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.engines.threads import sums_share_threads
from onelayer.solvers.downhill import Descent, Sizes, dot
from onelayer.solvers.fit import Found
from onelayer.solvers.hessian import Hessian
from onelayer.solvers.objective import Objective

Array = NDArray[Any]

MOST_LEFT = 0.5  # of the gradient after a step, by the diagonal; less where a step is as good as the last
LITTLE = 0.2  # of the gap to reach, that a step leaves at the least
MOST_PRODUCTS = 250  # of a step


def newton_cg(
    objective: Objective,
    start: Array,
    tol: float,
    max_iter: int,
    sizes: Sizes,
    watch: Callable[[Array], bool] = lambda V: False,
) -> Found:
    """Go from V to where F is within ``tol`` of itself from its minimum, or as near as ``max_iter`` steps come.

    Args:
        objective: F.
        start: V (k, p).
        tol: relative to F.
        max_iter: steps.
        sizes: where one way gives way to another.
        watch: is told V (k, p) after each step, and returns whether to stop there.
    """
    with sums_share_threads():
        descent = NewtonCG(objective, start, tol, max_iter, sizes, watch)
        descent.run()
        return descent.found()


class NewtonCG(Descent):
    """Steps by the Hessian itself, as conjugate gradients see it."""

    def _direction(self) -> tuple[Array, float]:
        """Return about −H⁻¹ times the gradient (k, p), the nearer the less F can fall; 1 is its length."""
        hessian = Hessian(self.objective, self.point)
        self.inverse, self.has_inverse = self._diagonal_inverse(hessian), True
        gradient = self.point.gradient
        size = float(
            max(gradient.max(), -gradient.min())
        )  # in its unit squares are far from float32's limits
        rest = np.divide(gradient, -size, dtype=hessian.dtype, casting="same_kind")
        step, direction = np.zeros_like(rest), self.inverse(rest)
        square = dot(rest, direction)
        enough = min(MOST_LEFT**2, square * size / self.point.value * size) * square
        for _ in range(MOST_PRODUCTS):
            product = hessian.times(direction)
            curvature = dot(direction, product)
            if not curvature > 0:
                break
            step += direction * (square / curvature)
            product *= square / curvature
            rest -= product
            ahead = self.inverse(rest)
            before, square = square, dot(rest, ahead)
            if square <= enough or self._leaves_little(rest, size):
                break
            direction *= square / before
            direction += ahead
        return (step if step.any() else direction) * size, 1.0

    def _leaves_little(self, rest: Array, size: float) -> bool:
        """Return whether the gap at the end of a step is small, by the quadratic model and the penalty."""
        d = self.objective.rows.n_features
        squares = np.einsum("kp,kp->p", rest[:, :d], rest[:, :d])
        with np.errstate(divide="ignore", invalid="ignore"):
            left = size * float((squares / self.objective.ridge[:d]).sum()) * size
        return left / 2 <= LITTLE * self.tol * self.point.value
