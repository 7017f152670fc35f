"""The Hessian of an objective at a point as an operator: its products take two passes over the rows, and no room."""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Block
from onelayer.solvers.columns import is_near
from onelayer.solvers.objective import Objective, Point

Array = NDArray[Any]


class Hessian:
    """Products with the second derivative of F at a point.

    They lead to a direction, which need not be precise: those of sparse rows are in float32, whose sums over columns
    take half the memory, and so half the time that is lost on waiting for it.

    Attributes:
        dtype: of the products.
    """

    def __init__(self, objective: Objective, point: Point) -> None:
        is_rough = objective.rows.is_sparse and is_near(objective.scaling, np.float32)
        self.dtype = np.dtype(np.float32 if is_rough else objective.dtype)
        self.objective, self.point = replace(objective, dtype=self.dtype), point
        self._ridge = objective.ridge.astype(self.dtype)
        self._kept: dict[int, tuple[Array, NDArray[np.intp]]] = {}

    def times(self, direction: Array) -> Array:
        """Return the product with a direction (k, p)."""
        [product] = self.objective.rows.sum(partial(self._product, direction))
        product += self._ridge * direction
        return np.asarray(product)

    def diagonal(self) -> Array:
        """Return the diagonal (k, p)."""
        [squares] = self.objective.rows.sum(self._squares)
        squares += self._ridge
        return np.asarray(squares)

    def _curvature(self, block: Block) -> tuple[Array, NDArray[np.intp]]:
        """Return h (k, m) of a block's rows, and which is the largest (m,): kept if the rows are in memory."""
        found = self._kept.get(block.start)
        if found is None:
            _, _, h = self.objective.loss.at(self.objective.outputs_at(self.point, block), block.y)
            found = h.astype(self.dtype, copy=False), h.argmax(axis=0)
            if self.objective.rows.in_memory:
                self._kept[block.start] = found
        return found

    def _product(self, direction: Array, block: Block) -> list[Array]:
        columns, (h, likeliest) = self.objective.columns(block), self._curvature(block)
        outputs = columns.forward(direction)
        if self.objective.loss.is_coupled:
            # Seen from the likeliest output, whose own change is then made of the others': no digit of theirs is lost.
            outputs -= outputs[likeliest, np.arange(len(block))]
            outputs -= (h * outputs).sum(axis=0)
        outputs *= h
        if block.c is not None:
            outputs *= block.c
        return [columns.backward(outputs)]

    def _squares(self, block: Block) -> list[Array]:
        columns, (h, _) = self.objective.columns(block, written_out=True), self._curvature(block)
        return [columns.squares(self.objective.weights(block) * self.objective.own_curvature(h))]
