"""Least squares: the alpha and the l1_ratio that predict best, by leave-one-out or by folds."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Divisible, Rows
from onelayer.errors import OneLayerError
from onelayer.selection.choice import Candidates, Choice, Errors, Rule
from onelayer.selection.splits import fold_weights
from onelayer.selection.strengths import descending, is_number_of, ridge_penalties
from onelayer.solvers.folds import FoldErrors, Split
from onelayer.solvers.net_folds import net_errors
from onelayer.solvers.net_path import Family
from onelayer.solvers.ridge_folds import fold_errors
from onelayer.solvers.ridge_path import leave_one_out

Array = NDArray[np.float64]

PENALTIES = 100
DECADES = 6  # of ridges below the squares of a usual column; above the sum of those of all there is one
RIDGE = Family(0.0)


def is_ridge(family: Family) -> bool:
    """Return whether a penalty is the same multiple of the square of each weight, so that closed forms hold."""
    return not family.l1_ratio and bool(np.all(family.factor == 1)) and not family.at(1.0).has_bounds


def choose_alpha(
    rows: Divisible,
    families: Sequence[Family] = (RIDGE,),
    alphas: Any = PENALTIES,
    splits: Sequence[Split] | None = None,
    *,
    fit_intercept: bool = True,
    rule: Rule = "min",
    tol: float = 1e-6,
    max_iter: int = 10_000,
) -> Choice:
    """Return the alpha and the kind of penalty whose models are least off on rows that they have not seen.

    They minimise Σ cᵢ ‖yᵢ − W xᵢ − b‖² + alpha Σⱼ fⱼ ((1 − l1_ratio) Wⱼ² + 2 l1_ratio |Wⱼ|), over all rows or over
    those that a split learns from: alpha is the same number for both. Errors are means of squares over rows, by their
    weights, and over targets.

    Args:
        rows: features (n, d), dense or sparse, targets (n, q), weights and offsets; a scan too.
        families: the kinds to choose from, such as ``[Family(0.0), Family(0.5)]``; what they say of their l1_ratio is
            in ``Choice.l1_ratio``.
        alphas: penalties to choose from, positive; or how many, evenly spaced in their logarithms: ridges from 10 times
            the sum of squares of the centred features to 10⁻⁶ times that of a usual one, their median; with an
            l1_ratio from the least that leaves all features out to 10⁻⁴ of it, 10⁻² if they outnumber rows.
        splits: the numbers of the rows, of a scan of its units, that models learn from and are judged by, K pairs;
            None for leave-one-out, in closed form, which is for ridges of rows in memory alone.
        fit_intercept: whether b is free; else it is 0.
        rule: "min" or "1se", see ``Errors.chosen``.
        tol: the gap to reach with an l1_ratio, factors or bounds, relative to the objective.
        max_iter: the largest number of sweeps over features for each penalty.

    Raises:
        OneLayerError: if leave-one-out is asked for other penalties than ridges, alphas are not positive, or a split
            leaves nothing to learn from or to judge by.
    """
    given = int(alphas) if is_number_of(alphas) else descending(alphas, "alphas")
    if splits is not None:
        weights = fold_weights(rows, splits)
        of_folds = _of_folds(rows, families, given, splits, fit_intercept, tol, max_iter)
        found = [(each.path, Errors.of_folds(each.errors, weights), each.converged) for each in of_folds]
    elif not isinstance(rows, Rows):
        raise OneLayerError("leave-one-out takes rows in memory: use folds (cv=5)")
    elif all(map(is_ridge, families)):
        left_out = leave_one_out(rows, _ridges(rows, given, fit_intercept), fit_intercept)
        errors = Errors(left_out.error, left_out.standard_error)
        found = [(left_out.path, errors, np.ones(len(errors.mean), bool))] * len(families)
    else:
        raise OneLayerError(
            "leave-one-out is for a ridge alone, without l1_ratio, factors or bounds: use folds (cv=5)"
        )
    kinds = zip(families, found, strict=True)
    return Choice(
        [
            Candidates(family.l1_ratio, path.alphas, path.weight, path.bias, errors, converged)
            for family, (path, errors, converged) in kinds
        ],
        rule,
    )


def _of_folds(
    rows: Divisible,
    families: Sequence[Family],
    given: int | Array,
    splits: Sequence[Split],
    fit_intercept: bool,
    tol: float,
    max_iter: int,
) -> Iterator[FoldErrors]:
    """Yield what folds say of each kind of penalty."""
    nets = [family for family in families if not is_ridge(family)]
    of_nets = iter(net_errors(rows, splits, nets, given, fit_intercept, tol, max_iter) if nets else ())
    for family in families:
        if is_ridge(family):
            yield fold_errors(rows, splits, _ridges(rows, given, fit_intercept), fit_intercept)
        else:
            yield next(of_nets)


def _ridges(rows: Divisible, given: int | Array, fit_intercept: bool) -> Array:
    return ridge_penalties(rows, fit_intercept, given, DECADES) if isinstance(given, int) else given
