"""K folds of rows: what models of all folds but one learn from, and how far they are off on that one.

The Gram matrix of the rows outside a fold is the sum of those of the other folds, about their common mean (Chan, Golub
and LeVeque 1983): all terms are positive, so that no digits cancel, whichever fold has the largest rows. One pass over
the rows is enough for all folds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Block, Divisible, Rows, Source, block_rows
from onelayer.engines.threads import added
from onelayer.errors import OneLayerError
from onelayer.solvers.moments import Moments, sums_of
from onelayer.solvers.net_path import ElasticNetPath
from onelayer.solvers.spectra import RidgePath

Array = NDArray[np.float64]
Split = tuple[
    NDArray[np.intp], NDArray[np.intp]
]  # the numbers of the rows to learn from, and of those to judge by; of a scan those of its units
Path = RidgePath | ElasticNetPath

MOST_KEPT = 2**26  # numbers in the sums of all folds, 512 MB; beyond them each fold's rows are summed anew


@dataclass(frozen=True, eq=False)
class Sums:
    """Moments and centred products of some rows; ``+`` joins those of others."""

    moments: Moments
    gram: Array
    cross: Array

    @staticmethod
    def of(rows: Source, fit_intercept: bool) -> "Sums":
        """Return those of rows."""
        return Sums(*sums_of(rows, fit_intercept))

    def __add__(self, other: "Sums") -> "Sums":
        a, b = self.moments, other.moments
        gram, cross = self.gram + other.gram, self.cross + other.cross
        n, step, y_step, tss = None, np.zeros_like(a.mean), np.zeros_like(a.y_mean), a.tss + b.tss
        if a.n is not None and b.n is not None:
            n = a.n + b.n
            step, y_step, weight = b.mean - a.mean, b.y_mean - a.y_mean, a.n * b.n / n
            gram = gram + weight * np.outer(step, step)
            cross = cross + weight * np.outer(step, y_step)
            tss = tss + weight * y_step**2
            step, y_step = step * (b.n / n), y_step * (b.n / n)
        moments = Moments(
            n, a.mean + step, a.y_mean + y_step, a.squares + b.squares, gram.diagonal().copy(), tss
        )
        return Sums(moments, gram, cross)


@dataclass(frozen=True, eq=False)
class FoldErrors:
    """What folds say of several penalties.

    Attributes:
        path: the solutions for all rows.
        errors: the mean squared error (a, K) on the rows that each split judges by, by their weights, and over targets.
        converged: whether all models with a penalty are as near their minimum as they were to be (a,).
    """

    path: Path
    errors: Array
    converged: NDArray[np.bool_]


def parts_of(rows: Divisible, splits: Sequence[Split]) -> Iterator[Divisible]:
    """Yield all rows, and those that each split learns from."""
    yield rows
    for train, _ in splits:
        yield part_of(rows, train)


def part_of(rows: Divisible, index: NDArray[np.intp]) -> Divisible:
    """Return some of the rows; of features in a file, a view of them in the order that they have there."""
    if rows.in_memory or not isinstance(rows, Rows):
        return rows.take(index)
    mask = np.zeros(len(rows), bool)
    mask[index] = True
    return rows.take(mask)


def mean_errors(path: Path, rows: Source) -> Array:
    """Return the mean squared error of each model of a path (a,) on some rows, 0 if none of them has a weight."""
    a, q, d = path.weight.shape
    stacked = path.weight.reshape(a * q, d).T

    def terms(block: Block) -> list[Array]:
        return added(map(of_part, block.split(block_rows(max(d, a * q)))))

    def of_part(part: Block) -> list[Array]:
        predicted = np.asarray(part.features() @ stacked).reshape(-1, a, q)
        c = part.row_weights()
        return [c @ np.square(part.y[:, None] - predicted - path.bias).mean(axis=2), np.array([c.sum()])]

    squares, total = rows.sum(terms)
    return np.asarray(squares / (total if total > 0 else 1.0))


def sums_of_splits(rows: Divisible, splits: Sequence[Split], fit_intercept: bool) -> Iterator[Sums]:
    """Yield the sums of all rows, and of those that each split learns from: of all other folds, or else its own."""
    size = len(splits) * rows.n_features * (rows.n_features + rows.first().y.shape[1])
    if not (_are_folds(splits, rows.n_parts) and size <= MOST_KEPT):
        yield Sums.of(rows, fit_intercept)
        yield from (Sums.of(part_of(rows, train), fit_intercept) for train, _ in splits)
        return
    weighs = rows.weights_of([test for _, test in splits])[:, 0] > 0
    of_folds = [
        Sums.of(part_of(rows, test), fit_intercept) if has_weight else None
        for has_weight, (_, test) in zip(weighs, splits, strict=True)
    ]
    for left_out in (None, *range(len(splits))):
        yield reduce(add, (sums for k, sums in enumerate(of_folds) if k != left_out and sums is not None))


def check_learnable(rows: Divisible, splits: Sequence[Split]) -> None:
    """Raise OneLayerError if no row that a split learns from has a weight."""
    if not rows.weights_of([train for train, _ in splits]).all():
        raise OneLayerError("no row that a fold learns from has a weight above 0: use fewer folds")


def _are_folds(splits: Sequence[Split], n: int) -> bool:
    """Return whether each row is in one of the test sets, and each split learns from all rows of the others."""
    tested = np.concatenate([test for _, test in splits])
    is_partition = len(tested) == n and len(np.unique(tested)) == n
    return is_partition and all(
        len(train) + len(test) == n and not np.isin(train, test, kind="table").any() for train, test in splits
    )
