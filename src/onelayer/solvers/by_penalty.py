"""Least squares where each target has a penalty of its own: those that share one are solved together."""

from collections.abc import Callable
from dataclasses import replace
from functools import reduce
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Rows, Source
from onelayer.errors import OneLayerError
from onelayer.solvers.fit import LeastSquaresFit

Array = NDArray[np.float64]
Targets = NDArray[np.intp]
SomeRows = TypeVar("SomeRows", bound=Source)


def by_penalty(
    rows: SomeRows, alpha: Array, solve: Callable[[SomeRows, float, Targets], LeastSquaresFit]
) -> LeastSquaresFit:
    """Return the solution for the penalty of each target.

    Args:
        rows: features (n, d), targets (n, q) and weights.
        alpha: (q,), or (1,) for all targets.
        solve: returns the solution for some targets, given rows with these alone, their penalty and their numbers.

    Raises:
        OneLayerError: if penalties differ and the rows are not in memory.
    """
    distinct, which = np.unique(alpha, return_inverse=True)
    if len(distinct) == 1:
        return solve(rows, float(alpha[0]), np.arange(rows.first().y.shape[1]))
    if not isinstance(rows, Rows):
        raise OneLayerError("a penalty for each target needs rows in memory")
    parts = [np.flatnonzero(which == k) for k in range(len(distinct))]
    fits = [
        solve(replace(rows, y=rows.y[:, targets]), float(value), targets)
        for value, targets in zip(distinct, parts, strict=True)
    ]
    order = np.argsort(np.concatenate(parts))
    return _in_order(reduce(_joined, fits), order)


def _joined(one: LeastSquaresFit, other: LeastSquaresFit) -> LeastSquaresFit:
    """Return the solutions for the targets of the one and then of the other, with the worst that is known of both."""
    by_rank = sorted((one, other), key=lambda fit: np.inf if fit.rank is None else fit.rank)
    return LeastSquaresFit(
        weight=np.concatenate([one.weight, other.weight]),
        bias=np.concatenate([one.bias, other.bias]),
        solver=one.solver,
        rank=by_rank[0].rank,
        identified=one.identified & other.identified,
        inverse=None,
        rss=np.concatenate([one.rss, other.rss]),
        tss=np.concatenate([one.tss, other.tss]),
        rounding=np.concatenate([one.rounding, other.rounding]),
        error=max(one.error, other.error),
        sensitivity=max(one.sensitivity, other.sensitivity),
        corrections=max(one.corrections, other.corrections),
    )


def _in_order(fit: LeastSquaresFit, order: Targets) -> LeastSquaresFit:
    """Return the fit with its targets in another order."""
    return replace(
        fit,
        weight=fit.weight[order],
        bias=fit.bias[order],
        rss=fit.rss[order],
        tss=fit.tss[order],
        rounding=fit.rounding[order],
    )
