"""The Hessian's diagonal blocks, one for each output, from samples of the rows: what L-BFGS starts from."""

from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from onelayer.data.rows import Block
from onelayer.engines.threads import one_thread, sum_of
from onelayer.solvers.bounds import Factor
from onelayer.solvers.columns import Standardised
from onelayer.solvers.objective import Objective, Point

Array = NDArray[Any]
Part = tuple[Block, NDArray[np.intp], Array]  # rows of a block at an index, and the roots of their weights

LARGEST = 1e30  # far from the limits of float32
MOST_SAMPLED = 2**24  # values of the sampled rows that are in memory at once: 64 MB in float32
SHARES = 4  # of the rows of a single sample


def sampled_factors(
    objective: Objective,
    point: Point,
    rows_per_column: int,
    dtype: DTypeLike,
    outputs: Sequence[int | None],
    totals: Array,
    ridge: Array,
) -> list[Factor]:
    """Return the factors of Σᵢ wᵢ zᵢ zᵢᵀ + diag(λ) (p, p) of some outputs, from a sample of rows for each.

    An output's sample has the rows that it is least decided on, and some of the others. A weight w below a threshold
    becomes the threshold with the probability that it is of it, or else 0: about so many rows are left as the block
    needs.

    Args:
        objective: of which rows.
        point: where.
        rows_per_column: in a sample, about.
        dtype: of the factors.
        outputs: which; w is c times the curvature by the output, or for None c alone.
        totals: the sum of w of each.
        ridge: λ (p,).
    """
    rows, p = objective.rows, objective.shape[1]
    size = rows_per_column * p
    thresholds = totals / size if len(rows) > size else np.zeros(len(totals))
    diagonal = np.minimum(ridge, LARGEST).astype(dtype)
    at_once = len(outputs) if rows.in_memory else max(1, MOST_SAMPLED // (size * p))
    factors: list[Factor] = []
    for first in range(0, len(outputs), at_once):
        some = slice(first, first + at_once)
        samples = rows.sum(partial(_samples, objective, point, outputs[some], thresholds[some], dtype))
        factors += _factors(objective, samples, diagonal)
    return factors


def solve_each(factors: list[Factor], gradient: Array) -> Array:
    """Return the solution (k, p) of each factor for its row of the gradient (k, p), no number above ``LARGEST``."""
    with np.errstate(over="ignore", invalid="ignore"):  # where an output has no curvature left
        solved = np.stack([factor.solve(slope) for factor, slope in zip(factors, gradient, strict=True)])
    return np.asarray(np.nan_to_num(solved, nan=0.0, posinf=LARGEST, neginf=-LARGEST))


def _samples(
    objective: Objective,
    point: Point,
    outputs: Sequence[int | None],
    thresholds: Array,
    dtype: DTypeLike,
    block: Block,
) -> list[list[Part]]:
    """Return a block's rows in the sample of each output, as lists of one."""
    c = np.broadcast_to(np.asarray(objective.weights(block), np.float64), len(block))
    w = c[None]
    numbers = [k for k in outputs if k is not None]
    if numbers:
        _, _, h = objective.loss.at(objective.outputs_at(point, block), block.y)
        some = h[numbers[0] : numbers[-1] + 1]
        w = c * objective.own_curvature(some)
    random = np.random.default_rng(block.start).random(len(block))
    threshold = thresholds[:, None]
    w = np.where(w >= threshold, w, np.where(random * threshold < w, threshold, 0))
    number, row = np.nonzero(w)
    roots = np.sqrt(w[number, row]).astype(dtype)
    ends = np.searchsorted(number, np.arange(len(outputs) + 1))
    parts = [(row[start:end], roots[start:end]) for start, end in pairwise(ends)]
    if objective.rows.in_memory:
        return [[(block, *part)] for part in parts]
    return [[(block.take(index), np.arange(len(index)), roots)] for index, roots in parts]


def _factors(objective: Objective, samples: list[list[Part]], diagonal: Array) -> list[Factor]:
    """Return the factors of samples, one a thread; where there is a single one, threads share its rows."""
    if len(samples) > 1:
        return list(
            sum_of(
                lambda parts: [[Factor(_gram(objective, parts, diagonal.dtype) + np.diag(diagonal))]], samples
            )[0]
        )
    [parts] = samples
    shares = [parts[i::SHARES] for i in range(min(SHARES, len(parts)))]
    [gram] = sum_of(lambda some: [_gram(objective, some, diagonal.dtype)], shares)
    with one_thread():
        return [Factor(gram + np.diag(diagonal))]


def _gram(objective: Objective, parts: list[Part], dtype: DTypeLike) -> Array:
    """Return Σ w z zᵀ (p, p) over a sample, whose parts are some rows of a block each."""
    Z = np.empty((sum(len(index) for _, index, _ in parts), objective.shape[1]), dtype)
    end = 0
    for block, index, roots in parts:
        start, end = end, end + len(index)
        its = Block(block.X[index], block.y[index], None, block.unit)
        columns = Standardised(its, objective.scaling, objective.fit_intercept, dtype)
        np.multiply(columns.Z, roots[:, None], out=Z[start:end])
    return np.asarray(Z.T @ Z)
