"""The coefficients of linear regression with their errors: of normal noise (section 3.1.3 of the book), or robust."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Source
from onelayer.errors import OneLayerError
from onelayer.inference.coefficients import Coefficients, check_level, with_intercept
from onelayer.inference.covariance import Covariance
from onelayer.inference.design import Design
from onelayer.inference.robust import Robust
from onelayer.solvers.fit import LeastSquaresFit

Array = NDArray[np.float64]

ROUNDED = 16.0  # times the squares that rounding may cause: residuals that are no more are rounding


def linear_coefficients(
    fit: LeastSquaresFit,
    terms: Sequence[str],
    n: int,
    fit_intercept: bool = True,
    alpha: float = 0.0,
    level: float = 0.95,
    outputs: Sequence[str] = (),
    covariances: Sequence[Covariance] = (),
    robust: Robust | None = None,
) -> Coefficients:
    """Return the coefficients of y = Wx + b + ε with ε ~ N(0, σ²/c), for rows of weights c.

    Weights tell how precise a row is, as in statsmodels' ``WLS``: twice the weights are the same errors.

    Args:
        fit: the exact solution.
        terms: (d,) the names of the features.
        n: the number of rows, without those of weight 0.
        fit_intercept: whether b is free.
        alpha: the penalty on weights; with one there are no errors.
        level: the probability with which an interval holds the true coefficient.
        outputs: (q,) the names of the targets.
        covariances: (q,) those of the targets, if errors are not classical; see ``linear_covariances``.
        robust: what they are robust to.

    Raises:
        OneLayerError: if ``level`` is not between 0 and 1.

    Example:
        >>> from onelayer import houses
        >>> from onelayer.inference import linear_coefficients
        >>> from onelayer.solvers.direct import least_squares
        >>> data = houses()
        >>> found = linear_coefficients(least_squares(data.train), data.names, len(data.train))
        >>> found.estimate.round(2)
        array([[76513.91,    95.92, -1085.82]])
    """
    d = fit.weight.shape[1]
    order = [d, *range(d)] if fit_intercept else list(range(d))
    robust = robust or Robust("classical", n)
    errors, rank = classical_errors(fit, n, fit_intercept, alpha)
    if robust.cov != "classical":
        errors = np.full_like(errors, np.nan)
        if covariances and not why_no_errors(n, rank, alpha):
            errors = np.stack([covariance.std_err() for covariance in covariances])
    return linear_table(
        with_intercept(terms, fit_intercept),
        np.column_stack([fit.weight, fit.bias])[:, order],
        errors[:, order],
        robust,
        rank,
        alpha,
        level,
        identified=fit.identified[order],
        is_perfect=residuals_are_rounding(fit),
        varies=fit.tss > 0,
        outputs=outputs,
    )


def classical_errors(
    fit: LeastSquaresFit, n: int, fit_intercept: bool, alpha: float
) -> tuple[Array, int | None]:
    """Return the errors (q, d + 1) of weights and bias, NaN if there are none, and how many coefficients there are.

    For arguments see ``linear_coefficients``; with a penalty all coefficients count. None is for not known.
    """
    d = fit.weight.shape[1]
    rank = None if fit.rank is None else (d if alpha else fit.rank) + int(fit_intercept)
    if rank is None or why_no_errors(n, rank, alpha):
        return np.full((len(fit.weight), d + 1), np.nan), rank
    return fit.std_err(n - rank), rank


def residuals_are_rounding(fit: LeastSquaresFit) -> NDArray[np.bool_]:
    """Return for which targets (q,) the residuals are no more than rounding."""
    return fit.rss <= ROUNDED * fit.rounding


def linear_covariances(fit: LeastSquaresFit, rows: Source, robust: Robust, alpha: float) -> list[Covariance]:
    """Return the covariance of the coefficients of each target (q,); none if there are no errors.

    Args:
        fit: the exact solution.
        rows: those of the fit.
        robust: what the errors are robust to.
        alpha: the penalty on weights.

    Raises:
        OneLayerError: for "HC2" and "HC3", if a row has a leverage of 1.
    """
    if fit.inverse is None or why_no_errors(robust.n, fit.inverse.size, alpha):
        return []
    inverse = fit.inverse.times_power(fit.exponent)
    if robust.cov == "classical":
        sigmas = fit.sigma(robust.n - inverse.size).tolist()
        return [Covariance.classical(inverse, sigma, robust.n) for sigma in sigmas]
    design = Design.of(rows, fit.weight, fit.bias, inverse)
    return [design.covariance(k, robust) for k in range(len(fit.weight))]


def why_no_errors(n: int, rank: int | None, alpha: float) -> str:
    """Return why a linear regression has no standard errors, or "" if it has.

    Args:
        n: the number of rows.
        rank: how many coefficients they determine, or None if that is not known.
        alpha: the penalty.
    """
    if alpha:
        return (
            "with a penalty (alpha) the weights are biased, and their errors are not those of the noise model"
        )
    if rank is None:
        return "there are too many sparse features for them"
    return "" if n > rank else f"{n} rows are not more than the coefficients"


def refuse_if(reason: str) -> None:
    """Raise OneLayerError if there is a reason why there are no errors."""
    if reason:
        raise OneLayerError(f"there are no standard errors: {reason}")


def linear_table(
    terms: tuple[str, ...],
    estimate: Array,
    std_err: Array,
    robust: Robust,
    rank: int | None,
    alpha: float,
    level: float,
    identified: NDArray[np.bool_],
    is_perfect: NDArray[np.bool_],
    varies: NDArray[np.bool_],
    outputs: Sequence[str] = (),
) -> Coefficients:
    """Return the coefficients of a linear regression, given their errors (q, p).

    Args:
        terms: (p,) the names of the coefficients.
        estimate: (q, p).
        std_err: (q, p).
        robust: what the errors are robust to.
        rank: how many coefficients the rows determine, or None if that is not known.
        alpha: the penalty.
        level: the probability with which an interval holds the true coefficient.
        identified: (p,) whether the rows determine a coefficient.
        is_perfect: (q,) whether residuals are rounding.
        varies: (q,) whether a target varies.
        outputs: (q,) the names of the targets; if there are none, y1, y2, …, or "" for a single one.
    """
    check_level(level)
    q = len(estimate)
    outputs = tuple(outputs) or (("",) if q == 1 else tuple(f"y{k + 1}" for k in range(q)))
    reason = why_no_errors(robust.n, rank, alpha)
    notes = [f"there are no standard errors: {reason}"] if reason else list(robust.notes())
    is_open = [] if reason else [term for term, known in zip(terms, identified, strict=True) if not known]
    if is_open:
        notes.append(
            f"not determined, for features are linearly dependent: {', '.join(is_open)}; of all the values that "
            "fit equally well, these are the smallest"
        )
    for name, perfect, does_vary in zip(outputs, is_perfect, varies, strict=True):
        prefix = f"{name}: " if name else ""
        if perfect and not does_vary:
            notes.append(f"{prefix}the target does not vary: there is nothing to explain, and no t and p")
        elif perfect:
            notes.append(
                f"{prefix}an essentially perfect fit: the residuals are rounding, and say nothing of t and p"
            )
    if not reason and np.isnan(std_err[:, identified]).any():
        notes.append("the groups are too few for two ways of grouping: some variances come out negative")
    degrees = np.nan if rank is None else float(robust.degrees(rank))
    return Coefficients(
        terms, outputs, None, estimate, std_err, "t", degrees, level, is_perfect, tuple(notes)
    )
