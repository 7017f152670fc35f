"""K-fold cross-validation of elastic nets: a path of penalties for each fold, with warm starts.

The folds of rows that are summed, as tall ones are, share one pass over them (``folds``), whatever the number of paths.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from onelayer.data.rows import Divisible
from onelayer.engines.threads import sums_share_threads
from onelayer.solvers.folds import (
    FoldErrors,
    Split,
    check_learnable,
    mean_errors,
    part_of,
    parts_of,
    sums_of_splits,
)
from onelayer.solvers.net_path import Family, path_of, shortest_path
from onelayer.solvers.standard_columns import StandardColumns, SummedColumns, are_summed, standard_columns

Array = NDArray[np.float64]


def net_errors(
    rows: Divisible,
    splits: Sequence[Split],
    families: Sequence[Family],
    alphas: ArrayLike | int = 100,
    fit_intercept: bool = True,
    tol: float = 1e-6,
    max_iter: int = 10_000,
) -> list[FoldErrors]:
    """Return for each kind of penalty the errors of models of the rows that splits learn from, and the path of all.

    Args:
        rows: features (n, d), dense or sparse, targets (n, q) and weights.
        splits: K of them.
        families: kinds of penalties.
        alphas: penalties (a,), or how many, as in ``elastic_net_path``; each is the same number for all splits.
        fit_intercept: whether b is free; else it is 0.
        tol: the gap to reach, relative to the objective.
        max_iter: the largest number of sweeps over columns for a penalty.

    Raises:
        OneLayerError: if no row that a split learns from has a weight, or as ``elastic_net_path``.
    """
    rows, exponent = rows.less_offset().weights_near_one()
    check_learnable(rows, splits)
    with sums_share_threads():
        parts = _columns(rows, splits, fit_intercept)
        columns = next(parts)
        how = shortest_path(rows), tol, max_iter, exponent
        paths = [path_of(columns, family, alphas, *how) for family in families]
        found = [
            FoldErrors(
                path, np.zeros((len(path.alphas), len(splits))), np.asarray(path.converged.all(axis=1))
            )
            for path in paths
        ]
        for k, (columns, (_, test)) in enumerate(zip(parts, splits, strict=True)):
            judged = part_of(rows, test)
            for family, of_all in zip(families, found, strict=True):
                path = path_of(columns, family, of_all.path.alphas, *how)
                of_all.errors[:, k] = mean_errors(path, judged)
                of_all.converged[:] &= path.converged.all(axis=1)
    return found


def _columns(rows: Divisible, splits: Sequence[Split], fit_intercept: bool) -> Iterator[StandardColumns]:
    """Yield the columns of all rows, and of those that each split learns from."""
    fewest = min(len(train) for train, _ in splits)
    if not are_summed(rows, fewest):
        yield from (standard_columns(part, fit_intercept) for part in parts_of(rows, splits))
        return
    for sums, part in zip(sums_of_splits(rows, splits, fit_intercept), parts_of(rows, splits), strict=True):
        yield SummedColumns(part, sums.moments, sums.gram, sums.cross)
