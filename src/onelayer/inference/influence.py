"""How much each row moves a least squares fit, and how far its features depend on each other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onelayer.data.scaling import RunningMoments
from onelayer.inference.design import ALONE, Design

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Influence:
    """How much each row moves a least squares fit of one target.

    Of weighted rows, residuals are those of y √c on x √c.

    Attributes:
        leverage: hᵢᵢ of the hat matrix (n,): how far the features of a row are from the others'.
        residual: y less the prediction (n,).
        studentised: residuals in units of their standard errors (n,); NaN where the leverage is 1.
        externally_studentised: likewise, with the noise estimated without the row (n,).
        cooks_distance: how far all predictions move without the row, over what they vary by (n,).
        dffits: how many standard errors its own prediction moves without the row (n,).
        rank: how many coefficients the rows determine, the intercept among them.
    """

    leverage: Array
    residual: Array
    studentised: Array
    externally_studentised: Array
    cooks_distance: Array
    dffits: Array
    rank: int


def influence(
    leverage: Array, residual: Array, c: Array | None, rank: int, is_perfect: bool = False
) -> Influence:
    """Return the influence of rows on a fit.

    Source: Belsley, Kuh and Welsch, Regression Diagnostics, 1980, chapter 2; Cook, Detection of Influential
    Observation in Linear Regression, Technometrics 1977.

    Args:
        leverage: of the rows (n,).
        residual: of a target (n,).
        c: the weights of the rows (n,), or None for 1.
        rank: how many coefficients they determine.
        is_perfect: whether residuals are rounding: then in units of their errors they are NaN.
    """
    degrees = (len(residual) if c is None else int((c > 0).sum())) - rank
    weighted = residual if c is None else residual * np.sqrt(c)
    rss = np.nan if is_perfect or degrees < 1 else float(np.square(weighted).sum())
    rest = np.where(leverage < 1 - ALONE, 1 - leverage, np.nan)
    # What is left of the squares without a row: those of the rows that are fitted then.
    without = np.maximum(rss - np.square(weighted) / rest, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        studentised = weighted / np.sqrt(rest * rss / max(degrees, 1))
        external = weighted / np.sqrt(rest * without / (degrees - 1 if degrees > 1 else np.nan))
    return Influence(
        leverage,
        residual,
        studentised,
        external,
        np.square(studentised) * leverage / rest / rank,
        external * np.sqrt(leverage / rest),
        rank,
    )


@dataclass(frozen=True, eq=False)
class Collinearity:
    """How far features depend on each other.

    Attributes:
        variance_inflation: 1 / (1 − R²) of each feature on the others (d,): by so much the variance of its weight is
            larger than if it were at right angles to them; infinite for one that depends on them.
        condition_number: of the features, and the ones of the intercept, as columns of length 1; infinite if they are
            dependent. From about 30 on weights are ill-determined (Belsley, Kuh and Welsch 1980, section 3.2).
    """

    variance_inflation: Array
    condition_number: float


def collinearity(design: Design) -> Collinearity:
    """Return how far the features of a design depend on each other; units do not matter, nor do weights' size."""
    inverse, has_intercept = design.inverse, design.inverse.level is not None
    moments = RunningMoments.of_rows(design.rows)
    squares = moments.total * (moments.variance + moments.mean**2)
    spread = moments.total * moments.variance if has_intercept else squares
    J = inverse.coefficients() @ design.turn
    variances = np.square(J).sum(axis=1)[:-1]
    identified = inverse.identified()
    vif = np.where(identified[:-1], variances * spread, np.inf)
    if not identified.all():
        return Collinearity(vif, np.inf)
    # Columns of length 1 are an orthonormal matrix times the inverse of this one.
    size = np.sqrt(np.append(squares, moments.total[:1])) if has_intercept else np.sqrt(squares)
    values = np.linalg.svd(J[: len(size)] * size[:, None], compute_uv=False)
    return Collinearity(vif, float(values[0] / values[-1]))
