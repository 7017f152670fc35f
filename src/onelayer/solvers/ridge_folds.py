"""K-fold cross-validation of ridge regression for many penalties at the price of about one pass over the rows.

Each fold costs an eigendecomposition of the Gram matrix of the others (``folds``), and each penalty a product.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Divisible, Rows, Source
from onelayer.solvers.direct import MOST_SPARSE_FEATURES, least_squares
from onelayer.solvers.folds import (
    FoldErrors,
    Split,
    Sums,
    check_learnable,
    mean_errors,
    part_of,
    parts_of,
    sums_of_splits,
)
from onelayer.solvers.moments import FAR
from onelayer.solvers.ridge_path import LARGEST
from onelayer.solvers.spectra import Dual, Primal, RidgePath, WideRows, solution

Array = NDArray[np.float64]


def fold_errors(
    rows: Divisible, splits: Sequence[Split], alphas: Array, fit_intercept: bool = True
) -> FoldErrors:
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
    check_learnable(rows, splits)
    is_wide = isinstance(rows, Rows) and min(len(train) for train, _ in splits) <= d
    if isinstance(rows, Rows) and is_wide and len(rows) <= LARGEST:
        wide = WideRows.of(rows.gathered(), fit_intercept)
        path = wide.path(wide.factor(alphas), alphas)
        errors = _by_kernel(rows, splits, alphas, fit_intercept)
        return FoldErrors(replace(path, alphas=given), errors, np.ones(len(given), bool))
    parts = parts_of(rows, splits)
    if rows.is_sparse and d > MOST_SPARSE_FEATURES:
        paths = (_one_by_one(part, alphas, fit_intercept) for part in parts)
    else:
        sums = sums_of_splits(rows, splits, fit_intercept)
        paths = (_by_gram(*each, alphas, fit_intercept) for each in zip(sums, parts, strict=True))
    path = replace(next(paths), alphas=given)
    pairs = zip(paths, splits, strict=True)
    errors = np.stack([mean_errors(part, part_of(rows, test)) for part, (_, test) in pairs], axis=1)
    return FoldErrors(path, errors, np.ones(len(given), bool))


# Tall data


def _by_gram(sums: Sums, rows: Source, alphas: Array, fit_intercept: bool) -> RidgePath:
    """Return the path of rows from their sums, and where these lack digits from the rows."""
    factor = Primal.of(sums.moments, sums.gram, sums.cross)
    path, is_resolved = factor.path(alphas), factor.resolves(alphas)
    for a in np.flatnonzero(~is_resolved):
        found = solution(rows, sums.moments, sums.gram, sums.cross, float(alphas[a]), fit_intercept)
        path.weight[a], path.bias[a] = found.weight, found.bias
    return path


def _one_by_one(rows: Source, alphas: Array, fit_intercept: bool) -> RidgePath:
    fits = [least_squares(rows, float(alpha), fit_intercept) for alpha in alphas]
    return RidgePath(alphas, np.stack([fit.weight for fit in fits]), np.stack([fit.bias for fit in fits]))


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
            errors.append(mean_errors(inside.path(inside.factor(alphas), alphas), outside))
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
