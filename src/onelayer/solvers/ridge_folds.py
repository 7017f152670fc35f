"""K-fold cross-validation of ridge regression for many penalties at the price of about one pass over the rows.

The Gram matrix of the rows outside a fold is the sum of those of the other folds, about their common mean (Chan, Golub
and LeVeque 1983): all terms are positive, so that no digits cancel, whichever fold has the largest rows. Each fold then
costs an eigendecomposition, and each penalty a product.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from operator import add

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Block, Rows, block_rows
from onelayer.engines.threads import added
from onelayer.errors import OneLayerError
from onelayer.solvers.direct import MOST_SPARSE_FEATURES, least_squares
from onelayer.solvers.moments import FAR, Moments, sums_of
from onelayer.solvers.ridge_path import LARGEST
from onelayer.solvers.spectra import Dual, Primal, RidgePath, WideRows

Array = NDArray[np.float64]
Split = tuple[
    NDArray[np.intp], NDArray[np.intp]
]  # the numbers of the rows to learn from, and of those to judge by

MOST_KEPT = 2**26  # numbers in the sums of all folds, 512 MB; beyond them each fold's rows are summed anew


@dataclass(frozen=True, eq=False)
class Sums:
    """Moments and centred products of some rows; ``+`` joins those of others."""

    moments: Moments
    gram: Array
    cross: Array

    @staticmethod
    def of(rows: Rows, fit_intercept: bool) -> "Sums":
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
    """

    path: RidgePath
    errors: Array


def fold_errors(rows: Rows, splits: Sequence[Split], alphas: Array, fit_intercept: bool = True) -> FoldErrors:
    """Return the errors of models of the rows that each split learns from, and the models of all rows.

    Args:
        rows: features (n, d), targets (n, q) and weights.
        splits: K of them.
        alphas: penalties on ‖W‖² (a,); each is the same number for all splits.
        fit_intercept: whether b is free; else it is 0.

    Raises:
        OneLayerError: if no row that a split learns from has a weight.
    """
    given = np.asarray(alphas, np.float64)
    rows, exponent = rows.less_offset().weights_near_one()
    alphas, d = np.ldexp(given, -exponent), rows.n_features
    if not all(_weighs(rows, train) for train, _ in splits):
        raise OneLayerError("no row that a fold learns from has a weight above 0: use fewer folds")
    if min(len(train) for train, _ in splits) <= d and len(rows) <= LARGEST:
        wide = WideRows.of(rows.gathered(), fit_intercept)
        path = wide.path(wide.factor(alphas), alphas)
        return FoldErrors(replace(path, alphas=given), _by_kernel(rows, splits, alphas, fit_intercept))
    parts = [rows, *(rows.take(train) for train, _ in splits)]
    if rows.is_sparse and d > MOST_SPARSE_FEATURES:
        paths = (_one_by_one(part, alphas, fit_intercept) for part in parts)
    else:
        sums = sums_of_splits(rows, splits, fit_intercept)
        paths = (_by_gram(*each, alphas, fit_intercept) for each in zip(sums, parts, strict=True))
    path = replace(next(paths), alphas=given)
    errors = [_errors(path, rows.take(test)) for path, (_, test) in zip(paths, splits, strict=True)]
    return FoldErrors(path, np.stack(errors, axis=1))


# Tall data


def sums_of_splits(rows: Rows, splits: Sequence[Split], fit_intercept: bool) -> Iterator[Sums]:
    """Yield the sums of all rows, and of those that each split learns from: of all other folds, or else its own."""
    size = len(splits) * rows.n_features * (rows.n_features + rows.y.shape[1])
    if not (_are_folds(splits, len(rows)) and size <= MOST_KEPT):
        yield Sums.of(rows, fit_intercept)
        yield from (Sums.of(rows.take(train), fit_intercept) for train, _ in splits)
        return
    of_folds = [
        Sums.of(rows.take(test), fit_intercept) if _weighs(rows, test) else None for _, test in splits
    ]
    for left_out in (None, *range(len(splits))):
        yield reduce(add, (sums for k, sums in enumerate(of_folds) if k != left_out and sums is not None))


def _weighs(rows: Rows, index: NDArray[np.intp]) -> bool:
    return rows.c is None or bool(rows.c[index].any())


def _are_folds(splits: Sequence[Split], n: int) -> bool:
    """Return whether each row is in one of the test sets, and each split learns from all rows of the others."""
    tested = np.concatenate([test for _, test in splits])
    is_partition = len(tested) == n and len(np.unique(tested)) == n
    return is_partition and all(
        len(train) + len(test) == n and not np.isin(train, test, kind="table").any() for train, test in splits
    )


def _by_gram(sums: Sums, rows: Rows, alphas: Array, fit_intercept: bool) -> RidgePath:
    """Return the path of rows from their sums, and where these lack digits from the rows."""
    factor = Primal.of(sums.moments, sums.gram, sums.cross)
    path, is_resolved = factor.path(alphas), factor.resolves(alphas)
    if not is_resolved.all():
        careful = _one_by_one(rows, alphas[~is_resolved], fit_intercept)
        path.weight[~is_resolved], path.bias[~is_resolved] = careful.weight, careful.bias
    return path


def _one_by_one(rows: Rows, alphas: Array, fit_intercept: bool) -> RidgePath:
    fits = [least_squares(rows, float(alpha), fit_intercept) for alpha in alphas]
    return RidgePath(alphas, np.stack([fit.weight for fit in fits]), np.stack([fit.bias for fit in fits]))


def _errors(path: RidgePath, rows: Rows) -> Array:
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


# Wide data


def _by_kernel(rows: Rows, splits: Sequence[Split], alphas: Array, fit_intercept: bool) -> Array:
    """Return the errors by splits from one kernel (n, n) of all rows, centred by the means of each split."""
    kernel = WideRows.of(replace(rows.gathered(), c=None), fit_intercept).kernel()
    errors = []
    for train, test in splits:
        train = train if rows.c is None else train[rows.c[train] > 0]
        inside, outside = WideRows.of(rows.take(train).gathered(), fit_intercept), rows.take(test)
        known, across = kernel[np.ix_(train, train)], kernel[np.ix_(test, train)]
        size = known.trace()
        if fit_intercept:
            known, across = _centred(known, across, np.square(inside.root))
        factor = Dual.of_kernel(known * inside.root * inside.root[:, None], inside.root, fit_intercept)
        if known.trace() * FAR**2 < size or not factor.resolves(alphas):
            errors.append(_errors(inside.path(inside.factor(alphas), alphas), outside))
            continue
        coefficients = factor.coefficients(inside.targets, alphas)
        predicted = np.tensordot(across * inside.root, coefficients, axes=1) + inside.y_mean
        squares = np.square(outside.y[:, None] - predicted).mean(axis=2)
        c = outside.gathered().row_weights()
        errors.append(c @ squares / (c.sum() or 1.0))
    return np.stack(errors, axis=1)


def _centred(known: Array, across: Array, c: Array) -> tuple[Array, Array]:
    """Return products of training rows (n, n), and of others with them (m, n), about the means by weights c (n,)."""
    share = c / c.sum()
    means = known @ share
    rest = means - share @ means
    return known - means[:, None] - rest, across - (across @ share)[:, None] - rest
