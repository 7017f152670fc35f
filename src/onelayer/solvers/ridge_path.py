"""Leave-one-out errors of ridge regression, for many penalties at the price of about one.

A model without row i misses it by rᵢ / (1 − hᵢ), where r are the residuals of the model with all rows and h are its
leverages, cᵢ/Σc + cᵢ (xᵢ − x̄)ᵀ (XᵀCX + α)⁻¹ (xᵢ − x̄) with features centred by their weighted means: exactly, with
weights and intercept too (Allen 1974, *The relationship between variable selection and data augmentation and a method
for prediction*). Where rows are not more than columns, both r and 1 − h are nearly 0; their ratio is that of
√C⁻¹ Q √C y and the diagonal of Q = (ZZᵀ + α)⁻¹ for Z = √C (X − x̄), less the intercept's direction: there
nothing cancels.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Block, Rows, block_rows
from onelayer.engines.threads import added
from onelayer.errors import OneLayerError
from onelayer.solvers.direct import least_squares
from onelayer.solvers.inverse import Inverse
from onelayer.solvers.moments import Moments, sums_of
from onelayer.solvers.spectra import Primal, RidgePath, WideRows

Array = NDArray[np.float64]

LARGEST = 10_000  # rows or columns of the matrix that is factored: 800 MB
FEW_ROWS = (
    200  # for which the kernel is always factored: it costs nothing, and rows of leverage 1 cost it no digits
)
SOME_ROWS = 1_000  # for which it is if products of the columns lack digits


@dataclass(frozen=True, eq=False)
class LeaveOneOut:
    """What leaving out each row in turn says of several penalties.

    Attributes:
        path: the solutions for all rows.
        error: the mean over rows, by their weights, of the squared error of the model without the row, itself the mean
            over the targets (a,).
        standard_error: of this mean over independent rows (a,).
    """

    path: RidgePath
    error: Array
    standard_error: Array


def leave_one_out(rows: Rows, alphas: Array, fit_intercept: bool = True) -> LeaveOneOut:
    """Return the errors of rows that models have not seen, and the models of all rows, for each of several penalties.

    Args:
        rows: features (n, d), targets (n, q) and weights; rows of weight 0 do not count.
        alphas: penalties on ‖W‖² (a,), above 0.
        fit_intercept: whether b is free; else it is 0.

    Raises:
        OneLayerError: if a penalty is not above 0, there are fewer than two rows with a weight, or the smaller of n and
            d is too large to factor a matrix of it.
    """
    alphas = np.asarray(alphas, np.float64)
    if not (alphas > 0).all():
        raise OneLayerError(
            "leave-one-out needs penalties above 0: without one, a row may be all that fixes a weight"
        )
    rows = rows.less_offset()
    if rows.c is not None and not rows.c.all():
        rows = rows.take(rows.c > 0)
    n, d = len(rows), rows.n_features
    if n < 2:
        raise OneLayerError(f"leave-one-out needs at least two rows with a weight above 0, not {n}")
    if min(n, d) > LARGEST:
        raise OneLayerError(
            f"leave-one-out factors a matrix of {min(n, d):,} rows, more than {LARGEST:,}: use folds (cv=5)"
        )
    rows, exponent = rows.weights_near_one()
    strengths = np.ldexp(alphas, -exponent)
    if n <= max(d, FEW_ROWS):
        found = _by_kernel(rows, strengths, fit_intercept)
    else:
        found = _by_gram(rows, strengths, fit_intercept)
    return replace(found, path=replace(found.path, alphas=alphas))


# Tall data


def _by_gram(rows: Rows, alphas: Array, fit_intercept: bool) -> LeaveOneOut:
    moments, gram, cross = sums_of(rows, fit_intercept)
    factor = Primal.of(moments, gram, cross)
    is_resolved = factor.resolves(alphas)
    if not is_resolved.all() and len(rows) <= SOME_ROWS:
        return _by_kernel(rows, alphas, fit_intercept, is_careful=True)
    path, sums = factor.path(alphas), np.zeros((2, len(alphas)))
    unit = float(moments.tss.sum()) or 1.0  # of squared errors, whose squares are summed
    if is_resolved.any():
        inverses = 1 / (factor.values[:, None] + alphas[is_resolved])

        def by_spectrum(Z: Array) -> Array:
            return np.asarray(np.square(Z @ factor.vectors) @ inverses)

        sums[:, is_resolved] = _error_sums(rows, moments, path.weight[is_resolved], by_spectrum, unit)
    for a in np.flatnonzero(~is_resolved):  # one after the other, but to the last digit
        fit = least_squares(rows, float(alphas[a]), fit_intercept)
        path.weight[a], path.bias[a] = fit.weight, fit.bias
        if fit.inverse is None:
            raise OneLayerError(
                f"a penalty of {alphas[a]:.2g} is too small beside so many sparse features for leave-one-out: use "
                "larger ones, or folds (cv=5)"
            )
        by_factor = partial(_forms, fit.inverse)
        sums[:, [a]] = _error_sums(rows, moments, fit.weight[None], by_factor, unit)
    return _judged(path, sums, rows, unit)


def _forms(inverse: Inverse, Z: Array) -> Array:
    """Return (xᵢ − x̄)ᵀ (XᵀCX + α)⁻¹ (xᵢ − x̄) (m, 1) of centred rows (m, d)."""
    return np.asarray(np.square(Z @ inverse.half).sum(axis=1, keepdims=True))


def _error_sums(
    rows: Rows, moments: Moments, weight: Array, forms: Callable[[Array], Array], unit: float
) -> Array:
    """Return Σ c e and Σ c e² (2, a) of squared left-out errors e in units.

    Args:
        rows: all of them.
        moments: of the rows.
        weight: W for each penalty (a, q, d).
        forms: takes centred rows (m, d) to their (xᵢ − x̄)ᵀ (XᵀCX + α)⁻¹ (xᵢ − x̄) (m, a).
        unit: of squared errors.
    """
    a, q, d = weight.shape
    of_intercept = 1 / moments.n if moments.n else 0.0
    stacked = weight.reshape(a * q, d).T

    def terms(block: Block) -> list[Array]:
        return added(map(of_part, block.split(block_rows(max(d, a * q)))))

    def of_part(part: Block) -> list[Array]:
        Z, c = part.dense() - moments.mean, part.row_weights()
        residuals = (part.y - moments.y_mean)[:, None] - (Z @ stacked).reshape(-1, a, q)
        rest = 1 - c[:, None] * (forms(Z) + of_intercept)
        squares = np.square(residuals / rest[..., None]).mean(axis=2) / unit
        return [np.stack([c @ squares, c @ np.square(squares)])]

    return np.asarray(rows.sum(terms)[0])


# Wide data


def _by_kernel(rows: Rows, alphas: Array, fit_intercept: bool, is_careful: bool = False) -> LeaveOneOut:
    """Return the errors from the rows' products (n, n), or if they lack digits from the rows themselves."""
    wide = WideRows.of(rows.gathered(), fit_intercept)
    factor, V = wide.factor(alphas, is_careful), wide.targets
    unit = float(np.square(V).sum()) or 1.0
    errors = factor.coefficients(V, alphas) / (factor.diagonal(alphas) * wide.root[:, None])[..., None]
    squares, c = np.square(errors).mean(axis=2) / unit, rows.gathered().row_weights()
    sums = np.stack([c @ squares, c @ np.square(squares)])
    return _judged(wide.path(factor, alphas), sums, rows, unit)


def _judged(path: RidgePath, sums: Array, rows: Rows, unit: float) -> LeaveOneOut:
    """Return means and their standard errors, given Σ c e and Σ c e² (2, a) of squared errors in units."""
    total = float(len(rows) if rows.c is None else rows.c.sum())
    mean, square = sums / total
    variance = np.maximum(square - mean**2, 0) / (len(rows) - 1)
    return LeaveOneOut(path, mean * unit, np.sqrt(variance) * unit)
