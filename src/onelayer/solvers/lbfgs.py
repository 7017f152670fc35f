"""L-BFGS for many parameters (Nocedal and Wright 2006, chapter 7), started from parts of the Hessian.

The parts are one block for each output, which says how the features vary together among the rows that the output is
still undecided on; or, with very many columns, the diagonal.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.solvers.downhill import Descent, Inverse, Sizes, dot
from onelayer.solvers.fit import Found
from onelayer.solvers.hessian import Hessian
from onelayer.solvers.hessian_blocks import sampled_factors, solve_each
from onelayer.solvers.objective import Objective, Point

Array = NDArray[Any]

MEMORY = 20  # pairs
LEAST = 1e-10  # curvature by an output, relative to the largest


def lbfgs(
    stages: list[Objective],
    start: Array,
    tol: float,
    max_iter: int,
    sizes: Sizes,
    watch: Callable[[Array], bool] = lambda V: False,
) -> Found:
    """Go from V to where F is within ``tol`` of itself from its minimum, or as near as ``max_iter`` steps come.

    Args:
        stages: the objective, perhaps in lower precision first, in float64 at last.
        start: V (k, p).
        tol: relative to F.
        max_iter: steps.
        sizes: where one way gives way to another.
        watch: is told V (k, p) after each step, and returns whether to stop there.
    """
    descent = LBFGS(stages[0], start, tol, max_iter, sizes, watch)
    for objective in stages:
        descent.change_to(objective)
        if not descent.is_stopped:
            descent.run()
    return descent.found()


@dataclass
class LBFGS(Descent):
    """Steps by pairs of earlier steps and changes of the gradient, and by parts of the Hessian that grow old.

    The objective may be exchanged for itself in another precision: what is known of its curvature stays.
    """

    pairs: list[tuple[Array, Array]] = field(default_factory=list)
    age: int = 0
    patience: int = 0

    def _direction(self) -> tuple[Array, float]:
        if not self.has_inverse or self.age >= self.patience:
            self._renew_inverse()
        direction = -self._newton_like(self.point.gradient)
        if dot(direction, self.point.gradient) >= 0:
            self.pairs = []
            direction = -self._newton_like(self.point.gradient)
        self.age += 1
        return direction, self.t if self.pairs else 1.0

    def _tries_again(self) -> bool:
        if self.age == 1 or not self.is_fine:  # the parts were new, or float64 will do better
            return False
        self.age = self.patience  # try with new ones
        return True

    def _learn(self, before: Point) -> None:
        step, change = self.point.V - before.V, self.point.gradient - before.gradient
        if dot(step, change) > 0:
            self.pairs = [*self.pairs[-MEMORY + 1 :], (step, change)]

    def _newton_like(self, gradient: Array) -> Array:
        """Return H⁻¹ times the gradient (k, p), with L-BFGS's H (algorithm 7.4 of Nocedal and Wright)."""
        rest, shares = gradient, []
        for step, change in reversed(self.pairs):
            shares.append(dot(step, rest) / dot(step, change))
            rest = rest - shares[-1] * change
        result = self.inverse(rest)
        for (step, change), share in zip(self.pairs, reversed(shares), strict=True):
            result = result + (share - dot(change, result) / dot(step, change)) * step
        return result

    def _renew_inverse(self) -> None:
        is_first, before = not self.has_inverse, (self.inverse, self.pairs)
        if self.objective.shape[1] <= self.sizes.block:
            self.inverse = self._block_inverse()
        else:
            self.inverse = self._diagonal_inverse(Hessian(self.objective, self.point))
        self.has_inverse = True
        self.pairs, self.age = [], 0
        self.patience = self.sizes.patience if is_first else 2 * self.patience
        promised = dot(self.inverse(self.point.gradient), self.point.gradient) / 2
        if not (is_first or promised <= self.point.value):  # where all outputs are decided, though wrongly
            self.inverse, self.pairs = before

    def _block_inverse(self) -> Inverse:
        """Return the inverse of the Hessian's diagonal blocks, one for each output, from a sample of the rows.

        An output's sample has the rows that it is least decided on, and some of the others. Where V = 0 all blocks are
        alike but for their size.
        """
        objective, sizes = self.objective, self.objective.spread_at(self.point)
        total = objective.scaling.total
        is_large = len(objective.rows) * objective.rows.n_features > self.sizes.most_double
        dtype = np.float32 if is_large else np.float64  # what is approximate need not be precise
        sampled = partial(sampled_factors, objective, self.point, self.sizes.rows_per_column, dtype)
        if not self.point.V.any():
            share = sizes / total
            [factor] = sampled([None], np.array([total]), objective.ridge / share.mean())
            return self._centred(
                lambda gradient: solve_each([factor] * len(share), gradient) / share[:, None]
            )
        # Of an output that is decided on all rows, a step soon makes a curvature of many times what is left.
        factors = sampled(range(len(sizes)), sizes, objective.ridge + LEAST * sizes.max())
        return self._centred(lambda gradient: solve_each(factors, gradient))
