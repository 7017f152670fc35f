"""The errors of softmax regression's coefficients, from the curvature of the likelihood, and what separates classes.

The coefficients are logarithms of odds against a reference class (Agresti 2013, *Categorical Data Analysis*, sections
5.5 and 8.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Source
from onelayer.errors import OneLayerError
from onelayer.inference.coefficients import Coefficients, check_level, with_intercept
from onelayer.inference.information import Fitted
from onelayer.inference.robust import Robust
from onelayer.inference.separation import Separation, separations
from onelayer.inference.separation_words import listed, separation_sentences
from onelayer.inference.softmax_covariance import Covariance, covariance, unknown
from onelayer.penalties import ElasticNet, Ridge

Array = NDArray[np.float64]

MOST_COEFFICIENTS = 5_000  # the matrix of all pairs of them takes 200 MB, and its inverse as much
PENALISED = (
    "with a penalty the weights are drawn towards 0: errors, p and intervals take the penalty for what was known "
    "before the rows (Laplace's approximation), and do not say how estimates differ between samples"
)
PENALISED_ROBUST = (
    "with a penalty the weights are drawn towards 0: robust errors say how the drawn estimates differ between samples, "
    "and intervals are about what these tend to, not about the true coefficients"
)
CHOSEN = "there are no standard errors: with an l1 the same rows choose the features and draw their weights towards 0"
BOUNDED = "there are no standard errors: coefficients have bounds, near which estimates are not normally distributed"
OFF = 0.05  # standard errors that a fit may be from its minimum without a word


@dataclass(frozen=True, eq=False)
class Spread:
    """How well rows determine the contrasts of a softmax regression.

    Attributes:
        covariance: of the contrasts.
        rank: how many coefficients the data determine, or would if classes were not separated.
        effective: how many free parameters the fit is worth.
        separated: sentences that name what separates classes.
        notes: sentences on what else is not determined, and on what the errors rest.
        robust: what the errors are robust to.
    """

    covariance: Covariance
    rank: int
    effective: float
    separated: tuple[str, ...]
    notes: tuple[str, ...]
    robust: Robust


def softmax_errors(
    rows: Source,
    fit_weight: Array,
    fit_bias: Array,
    penalty: Ridge,
    terms: Sequence[str],
    classes: Sequence[Any],
    fit_intercept: bool = True,
    level: float = 0.95,
    reference: Any = None,
    robust: Robust | None = None,
) -> tuple[Coefficients, Covariance | None]:
    """Return the logarithms of odds against a reference class, with their errors, and the covariance of these.

    Weights of rows are frequencies, as statsmodels' ``freq_weights``: a row of weight 2 is two rows. It takes a few
    passes over the rows, and a matrix of all pairs of coefficients.

    Args:
        rows: those of the fit.
        fit_weight: (q, d), or (1, d) for the logit of the second of two classes.
        fit_bias: (q,) or (1,).
        penalty: that of the fit; with two classes that on the one logit. With a penalty the errors are those of the
            penalised information: the spread of the posterior by Laplace's approximation, where the penalty is the
            prior (Bishop 2006, *Pattern Recognition and Machine Learning*, section 4.5.1).
        terms: (d,) the names of the features.
        classes: (q,) in the order of their numbers in the rows.
        fit_intercept: whether the bias is free; else it is 0.
        level: the probability with which an interval holds the true coefficient.
        reference: the one of the classes that the others are compared with; the first if it is not given.
        robust: what the errors are robust to; if it is not given, to nothing: from the observed information.

    Raises:
        OneLayerError: if ``level`` is not between 0 and 1, ``reference`` is not a class, or no row has a weight.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from onelayer import Rows, SoftmaxRegression
        >>> from onelayer.inference import softmax_errors
        >>> from onelayer.penalties import Ridge
        >>> iris = load_iris()
        >>> model = SoftmaxRegression(C=1.0).fit(iris.data, iris.target)
        >>> rows, W, b = Rows(iris.data, iris.target), model.coef_, model.intercept_
        >>> found, _ = softmax_errors(rows, W, b, Ridge(1.0), iris.feature_names, iris.target_names)
        >>> found.reference, found.outputs, found.std_err[:, 1].round(3)
        ('setosa', ('versicolor', 'virginica'), array([1.09 , 1.124]))
    """
    check_level(level)
    names, base = [str(name) for name in classes], number_of(reference, classes)
    W, b = of_all_classes(fit_weight, fit_bias)
    if (len(W) - 1) * (W.shape[1] + int(fit_intercept)) > MOST_COEFFICIENTS:
        return table(W, b, None, terms, names, fit_intercept, level, base), None
    spread = softmax_spread(Fitted.of(rows, W, b, penalty, fit_intercept, base), terms, names, robust)
    found = table(W, b, spread, terms, names, fit_intercept, level, base)
    if robust is not None:
        found = replace(found, notes=(*found.notes, *robust.notes(has_degrees=False)))
    return found, spread.covariance


def net_coefficients(
    fit_weight: Array,
    fit_bias: Array,
    terms: Sequence[str],
    classes: Sequence[Any],
    fit_intercept: bool = True,
    reference: Any = None,
) -> Coefficients:
    """Return the logarithms of odds of a fit with an l1, which have no errors; see ``softmax_errors``."""
    names, base = [str(name) for name in classes], number_of(reference, classes)
    W, b = of_all_classes(fit_weight, fit_bias)
    return replace(table(W, b, None, terms, names, fit_intercept, 0.95, base), notes=(CHOSEN,))


def table(
    W: Array,
    b: Array,
    spread: Spread | None,
    terms: Sequence[str],
    names: Sequence[str],
    fit_intercept: bool,
    level: float,
    reference: int,
) -> Coefficients:
    """Return the coefficients of weights W (q, d) and bias b (q,), with their errors if they are known."""
    compared = [a for a in range(len(names)) if a != reference]
    intercept = [b[compared] - b[reference]] if fit_intercept else []
    estimate = np.column_stack([*intercept, W[compared] - W[reference]])
    std_err = np.full(estimate.shape, np.nan)
    notes: tuple[str, ...] = (too_many(estimate.size),)
    if spread is not None:
        std_err, notes = spread.covariance.std_err(), spread.separated + spread.notes
        std_err = np.roll(std_err, 1, axis=1) if fit_intercept else std_err
    return Coefficients(
        with_intercept(terms, fit_intercept),
        tuple(names[a] for a in compared),
        names[reference],
        estimate,
        std_err,
        "normal",
        np.inf,
        level,
        np.zeros(len(compared), bool),
        notes,
    )


def too_many(count: int) -> str:
    """Return why so many coefficients have no errors."""
    return (
        f"there are no standard errors: they take a matrix of all pairs of the {count:,} coefficients, and these are "
        f"more than {MOST_COEFFICIENTS:,}"
    )


def separation_notes(
    rows: Source,
    fit_weight: Array,
    fit_bias: Array,
    terms: Sequence[str],
    classes: Sequence[Any],
    fit_intercept: bool = True,
) -> tuple[str, ...]:
    """Return sentences that name the features that separate classes, so that without a penalty no fit is finite.

    What one feature separates by itself is found exactly, what takes several from the fit.

    Args:
        rows: those of the fit.
        fit_weight: (q, d), or (1, d) for two classes, without a penalty; at the minimum or as near as it came.
        fit_bias: (q,) or (1,).
        terms: (d,) the names of the features.
        classes: (q,) in the order of their numbers in the rows.
        fit_intercept: whether the bias is free.

    Raises:
        OneLayerError: if no row has a weight.

    Example:
        >>> from onelayer import Rows, SoftmaxRegression
        >>> from onelayer.inference import separation_notes
        >>> X, y = [[1.0], [2.0], [3.0], [4.0]], [0, 0, 1, 1]
        >>> model = SoftmaxRegression(C=100.0).fit(X, y)
        >>> separation_notes(Rows(X, y), model.coef_, model.intercept_, ["age"], ["no", "yes"])[0]
        'age separates class no from class yes: its weight has no finite maximum-likelihood value'
    """
    W, b = of_all_classes(fit_weight, fit_bias)
    found, _ = separations(Fitted.of(rows, W, b, Ridge(0.0), fit_intercept))
    return tuple(separation_sentences(found, terms, [str(name) for name in classes]))


def number_of(reference: Any, classes: Sequence[Any]) -> int:
    """Return the number of the reference among the classes; 0 if it is None.

    Raises:
        OneLayerError: if it is not one of them.
    """
    for number, name in enumerate(classes):
        if reference is None or name == reference or str(name) == reference:
            return number
    raise OneLayerError(f"the reference {reference!r} is not one of the classes {[str(c) for c in classes]}")


def ridge_of(penalty: Ridge | ElasticNet) -> Ridge:
    """Return a penalty that has a theory of errors.

    Raises:
        OneLayerError: if it leaves coefficients out, or holds them in bounds.
    """
    if isinstance(penalty, Ridge):
        return penalty
    if np.any(penalty.l1):
        raise OneLayerError(CHOSEN)
    if penalty.has_bounds:
        raise OneLayerError(BOUNDED)
    return Ridge(penalty.l2)


def of_all_classes(weight: Array, bias: Array) -> tuple[Array, Array]:
    """Return weights (q, d) and bias (q,) of all classes; the logit of the second of two is that beside 0."""
    if len(weight) > 1:
        return weight, bias
    return np.vstack([np.zeros_like(weight), weight]), np.append(0.0, bias)


def softmax_spread(
    fitted: Fitted, terms: Sequence[str], names: Sequence[str], robust: Robust | None = None
) -> Spread:
    """Return how well the rows determine the contrasts, and what is to be said of it.

    Raises:
        OneLayerError: if a small-sample correction needs more rows.
    """
    robust = robust or Robust("classical", fitted.n)
    found, held = separations(fitted)
    compared = [a for a in range(len(names)) if a != fitted.reference]
    is_empty = fitted.totals[compared] == 0
    if found.ascent is not None and not found.ascent.takes_part[~is_empty].any():
        found = replace(found, ascent=None)  # a class without rows is not separated from the others
    is_open = np.tile(is_empty[:, None], fitted.V.shape[1])
    if found.ascent is not None:
        is_open |= found.ascent.takes_part
    information = found.information
    spread = unknown(fitted)
    if information is not None and found.limit is not None:
        spread = covariance(found.limit, information, is_open, robust)
    if information is None or found.splits or found.ascent is not None:
        information = fitted.at(np.zeros_like(fitted.V)).information()  # where no probability is 0
    notes = _notes(fitted, found, spread, terms, names)
    rank = is_open.size - information.null.shape[2]
    if robust.cov == "cluster" and robust.group_count <= rank:
        notes.append(
            f"{robust.group_count:,} groups are not more than the {rank:,} coefficients: errors, p and intervals, "
            "which hold for many groups, say little"
        )
    if np.any(fitted.objective.penalty.strength):
        notes.append(PENALISED if robust.cov == "classical" else PENALISED_ROBUST)
    separated = *separation_sentences(found, terms, names), *separation_sentences(held, terms, names, fitted)
    return Spread(spread, rank, information.effective, separated, tuple(notes), robust)


def _notes(
    fitted: Fitted, found: Separation, spread: Covariance, terms: Sequence[str], names: Sequence[str]
) -> list[str]:
    """Return sentences on what is not determined, unless they are of separation."""
    notes = [
        f"class {name} has no rows: nothing is known of its coefficients"
        for name, total in zip(names, fitted.totals, strict=True)
        if total == 0
    ]
    outputs = [name for a, name in enumerate(names) if a != fitted.reference]
    notes += _open_sentences(np.isnan(spread.std_err()), found, terms, outputs)
    count = spread.scale.size
    if count >= fitted.n:
        notes.append(
            f"{count:,} coefficients are not fewer than the {fitted.n:,} rows: errors, p and intervals, which "
            "hold for many rows, say little"
        )
    if found.information is not None and found.ascent is None:
        distance = found.information.distance()
        if distance > OFF:
            notes.append(
                f"a combination of coefficients is {distance:.2g} standard errors from the minimum for these rows: "
                "a smaller tol, or of sgd more epochs, brings the fit nearer"
            )
    return notes


def _open_sentences(
    is_open: NDArray[np.bool_], found: Separation, terms: Sequence[str], outputs: Sequence[str]
) -> list[str]:
    """Return which coefficients have no errors, and why, unless separation has said it of all."""
    if found.is_complete or not is_open.any():
        return []
    everywhere, columns = is_open.all(axis=0), [*terms, "intercept"]
    open_ones = [columns[j] for j in np.flatnonzero(everywhere)]
    open_ones += [
        f"{columns[j]} of {outputs[a]}" for a, j in np.argwhere(is_open & ~everywhere) if len(outputs) > 1
    ]
    shown = listed(open_ones)
    if found.splits or found.ascent is not None:
        return [f"not determined, for classes are separated or features linearly dependent: {shown}"]
    return [f"not determined, for features are linearly dependent: {shown}; other values fit equally well"]
