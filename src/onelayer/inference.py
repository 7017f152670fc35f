"""What rows say of the coefficients of both models: standard errors, statistics, p and intervals, in the user's units.

For linear regression they follow from normal noise (section 3.1.3 of the book), for softmax regression from the
curvature of the likelihood where it is greatest (Agresti 2013, *Categorical Data Analysis*, sections 5.5 and 8.1).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import SHOWN, OneLayerError
from onelayer.solvers.fit import LeastSquaresFit

if TYPE_CHECKING:
    from onelayer.data.rows import Source
    from onelayer.penalties import Ridge
    from onelayer.solvers.information import Fitted
    from onelayer.solvers.separation import Separation, Split

Array = NDArray[np.float64]

ROUNDED = 16.0  # times the squares that rounding may cause: residuals that are no more are rounding
FAR_TAIL = 1e100  # of Student's t: beyond it the probability is a power of it to the last digit
MOST_COEFFICIENTS = 5_000  # the matrix of all pairs of them takes 200 MB, and its inverse as much
OFF = 0.05  # standard errors that a fit may be from its minimum without a word


@dataclass(frozen=True)
class Coefficients:
    """The coefficients of a model with what the rows say of their errors: k outputs with p coefficients each.

    Attributes:
        terms: (p,) "intercept" first, if it is free, then the features.
        outputs: (k,) names: targets, "" for the only one; of classes, all but the reference.
        reference: the class that the others are compared with, None for targets.
        estimate: (k, p). For classes, what a feature's unit adds to the logarithm of the odds of the output's class
            against the reference.
        std_err: (k, p); NaN where the rows do not determine a coefficient, or its error is not known.
        distribution: of the statistic, if the true coefficient is 0.
        degrees_of_freedom: of Student's t; infinite for the normal distribution.
        level: the probability with which an interval holds the true coefficient.
        is_perfect: (k,) whether residuals are no more than rounding; then they say nothing of errors.
        notes: sentences on what is not determined, and why, and on what the errors rest.
    """

    terms: tuple[str, ...]
    outputs: tuple[str, ...]
    reference: str | None
    estimate: Array
    std_err: Array
    distribution: Literal["t", "normal"]
    degrees_of_freedom: float
    level: float
    is_perfect: NDArray[np.bool_]
    notes: tuple[str, ...] = field(default=())

    @property
    def statistic(self) -> Array:
        """The estimates in units of their standard errors (k, p); NaN for a perfect fit."""
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.where(self.is_perfect[:, None], np.nan, self.estimate / self.std_err)

    @property
    def p(self) -> Array:
        """How probable a statistic at least this far from 0 is where the true coefficient is 0 (k, p)."""
        # SciPy takes as long to import as a table to solve, and its scipy.stats as long as PyTorch.
        from scipy.special import erfc, stdtr

        size = np.abs(self.statistic)
        if self.distribution == "normal":
            return np.asarray(erfc(size / np.sqrt(2)))
        degrees = self.degrees_of_freedom
        tail = 2 * stdtr(degrees, -np.minimum(size, FAR_TAIL))
        return np.asarray(tail * (FAR_TAIL / np.maximum(size, FAR_TAIL)) ** degrees)

    @property
    def interval(self) -> Array:
        """The lower and upper end of each confidence interval (k, p, 2)."""
        from scipy.special import ndtri, stdtrit

        tail = (1 - self.level) / 2
        is_normal = self.distribution == "normal"
        half = -(ndtri(tail) if is_normal else stdtrit(self.degrees_of_freedom, tail)) * self.std_err
        return np.stack([self.estimate - half, self.estimate + half], axis=-1)


# Linear regression


def linear_coefficients(
    fit: LeastSquaresFit,
    terms: Sequence[str],
    n: int,
    fit_intercept: bool = True,
    alpha: float = 0.0,
    level: float = 0.95,
    outputs: Sequence[str] = (),
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

    Raises:
        OneLayerError: if ``level`` is not between 0 and 1.
    """
    d = fit.weight.shape[1]
    order = [d, *range(d)] if fit_intercept else list(range(d))
    rank = None if fit.rank is None else (d if alpha else fit.rank) + int(fit_intercept)
    errors = np.full((len(fit.weight), d + 1), np.nan)
    if not why_no_errors(n, rank, alpha):
        errors = fit.std_err(n - (rank or 0))
    return linear_table(
        _with_intercept(terms, fit_intercept),
        np.column_stack([fit.weight, fit.bias])[:, order],
        errors[:, order],
        n,
        rank,
        alpha,
        level,
        is_perfect=fit.rss <= ROUNDED * fit.rounding,
        varies=fit.tss > 0,
        outputs=outputs,
    )


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


def linear_table(
    terms: tuple[str, ...],
    estimate: Array,
    std_err: Array,
    n: int,
    rank: int | None,
    alpha: float,
    level: float,
    is_perfect: NDArray[np.bool_],
    varies: NDArray[np.bool_],
    outputs: Sequence[str] = (),
) -> Coefficients:
    """Return the coefficients of a linear regression, given their errors (q, p).

    Args:
        terms: (p,) the names of the coefficients.
        estimate: (q, p).
        std_err: (q, p).
        n: the number of rows.
        rank: how many coefficients they determine, or None if that is not known.
        alpha: the penalty.
        level: the probability with which an interval holds the true coefficient.
        is_perfect: (q,) whether residuals are rounding.
        varies: (q,) whether a target varies.
        outputs: (q,) the names of the targets; if there are none, y1, y2, …, or "" for a single one.
    """
    check_level(level)
    q = len(estimate)
    outputs = tuple(outputs) or (("",) if q == 1 else tuple(f"y{k + 1}" for k in range(q)))
    reason = why_no_errors(n, rank, alpha)
    notes = [f"there are no standard errors: {reason}"] if reason else []
    is_open = [] if reason else [term for term, e in zip(terms, std_err[0], strict=True) if np.isnan(e)]
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
    degrees = np.nan if rank is None else float(n - rank)
    return Coefficients(
        terms, outputs, None, estimate, std_err, "t", degrees, level, is_perfect, tuple(notes)
    )


def check_level(level: float, name: str = "level") -> None:
    """Raise OneLayerError if the probability of an interval is not between 0 and 1."""
    if not 0 < level < 1:
        raise OneLayerError(f"{name} must be between 0 and 1, such as 0.95, not {level}")


# Softmax regression


def softmax_coefficients(
    rows: "Source",
    fit_weight: Array,
    fit_bias: Array,
    penalty: "Ridge",
    terms: Sequence[str],
    classes: Sequence[Any],
    fit_intercept: bool = True,
    level: float = 0.95,
    reference: Any = None,
) -> Coefficients:
    """Return the logarithms of odds against a reference class, with errors from the observed information.

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

    Raises:
        OneLayerError: if ``level`` is not between 0 and 1, ``reference`` is not a class, or no row has a weight.
    """
    check_level(level)
    names, base = [str(name) for name in classes], _number_of(reference, classes)
    W, b = _of_all_classes(fit_weight, fit_bias)
    compared = [a for a in range(len(names)) if a != base]
    intercept = [b[compared] - b[base]] if fit_intercept else []
    estimate = np.column_stack([*intercept, W[compared] - W[base]])
    if estimate.size > MOST_COEFFICIENTS:
        std_err = np.full(estimate.shape, np.nan)
        notes = [
            f"there are no standard errors: they take a matrix of all pairs of the {estimate.size:,} coefficients, and "
            f"these are more than {MOST_COEFFICIENTS:,}"
        ]
    else:
        from onelayer.solvers.information import Fitted

        fitted = Fitted.of(rows, W, b, penalty, fit_intercept, base)
        std_err, notes = _softmax_errors(fitted, terms, names)
        std_err = np.roll(std_err, 1, axis=1) if fit_intercept else std_err
    return Coefficients(
        _with_intercept(terms, fit_intercept),
        tuple(names[a] for a in compared),
        names[base],
        estimate,
        std_err,
        "normal",
        np.inf,
        level,
        np.zeros(len(compared), bool),
        tuple(notes),
    )


def separation_notes(
    rows: "Source",
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
    """
    from onelayer.penalties import Ridge
    from onelayer.solvers.information import Fitted
    from onelayer.solvers.separation import separation

    W, b = _of_all_classes(fit_weight, fit_bias)
    found = separation(Fitted.of(rows, W, b, Ridge(0.0), fit_intercept))
    return tuple(_separation_sentences(found, terms, [str(name) for name in classes]))


def _number_of(reference: Any, classes: Sequence[Any]) -> int:
    for number, name in enumerate(classes):
        if reference is None or name == reference or str(name) == reference:
            return number
    raise OneLayerError(f"the reference {reference!r} is not one of the classes {[str(c) for c in classes]}")


def _of_all_classes(weight: Array, bias: Array) -> tuple[Array, Array]:
    """Return weights (q, d) and bias (q,) of all classes; the logit of the second of two is that beside 0."""
    if len(weight) > 1:
        return weight, bias
    return np.vstack([np.zeros_like(weight), weight]), np.append(0.0, bias)


def _with_intercept(terms: Sequence[str], fit_intercept: bool) -> tuple[str, ...]:
    return ("intercept", *terms) if fit_intercept else tuple(terms)


def _softmax_errors(fitted: "Fitted", terms: Sequence[str], names: Sequence[str]) -> tuple[Array, list[str]]:
    """Return the standard errors (m, p), the intercept's last, and what is to be said of them."""
    from onelayer.solvers.separation import Separation, separation

    is_penalised = bool(np.any(fitted.objective.penalty.strength))
    found = Separation([], False, None, fitted.information()) if is_penalised else separation(fitted)
    std_err = np.full((len(fitted.contrasts), fitted.V.shape[1]), np.nan)
    if found.information is not None:
        std_err = found.information.std_err()
    if found.ascent is not None:
        std_err[found.ascent.takes_part] = np.nan
    compared = [a for a in range(len(names)) if a != fitted.reference]
    std_err[fitted.totals[compared] == 0] = np.nan
    notes = [
        f"class {name} has no rows: nothing is known of its coefficients"
        for name, total in zip(names, fitted.totals, strict=True)
        if total == 0
    ]
    notes += _separation_sentences(found, terms, names)
    notes += _open_sentences(std_err, found, terms, [names[a] for a in compared])
    if is_penalised:
        notes.append(
            "with a penalty the weights are drawn towards 0: errors, p and intervals take the penalty for what was "
            "known before the rows (Laplace's approximation), and do not say how estimates differ between samples"
        )
    if found.information is not None and found.ascent is None:
        distance = found.information.distance()
        if distance > OFF:
            notes.append(
                f"a combination of coefficients is {distance:.2g} standard errors from the minimum for these rows: "
                "a smaller tol brings the fit nearer"
            )
    return std_err, notes


def _open_sentences(
    std_err: Array, found: "Separation", terms: Sequence[str], outputs: Sequence[str]
) -> list[str]:
    """Return which coefficients have no errors, and why, unless separation has said it of all."""
    is_open = np.isnan(std_err)
    if found.is_complete or not is_open.any():
        return []
    everywhere, columns = is_open.all(axis=0), [*terms, "intercept"]
    open_ones = [columns[j] for j in np.flatnonzero(everywhere)]
    open_ones += [
        f"{columns[j]} of {outputs[a]}" for a, j in np.argwhere(is_open & ~everywhere) if len(outputs) > 1
    ]
    shown = _listed(open_ones)
    if found.splits or found.ascent is not None:
        return [f"not determined, for classes are separated or features linearly dependent: {shown}"]
    return [f"not determined, for features are linearly dependent: {shown}; other values fit equally well"]


def _separation_sentences(found: "Separation", terms: Sequence[str], names: Sequence[str]) -> list[str]:
    sentences = [
        f"{terms[split.feature]} separates {_sides(split, names)}: its weight has no finite maximum-likelihood value"
        for split in found.splits[:SHOWN]
    ]
    if len(found.splits) > SHOWN:
        more = sorted({terms[split.feature] for split in found.splits[SHOWN:]})
        sentences.append(f"so do {_listed(more)}")
    if found.is_complete:
        sentences.append(
            "the features together separate all classes: no coefficient has a finite maximum-likelihood value, and "
            "those shown are where the solver stopped; a penalty (a finite C) gives finite ones"
        )
    if found.ascent is not None:
        columns = [*terms, "intercept"]
        part = [columns[j] for j in np.flatnonzero(found.ascent.takes_part.any(axis=0))]
        sentences.append(
            f"a combination of {_listed(part)} separates classes: it has no finite maximum-likelihood value"
            if found.ascent.is_separation
            else f"the fit is not at a minimum, and there may be none: {_listed(part)} still move its probabilities"
        )
    return sentences


def _sides(split: "Split", names: Sequence[str]) -> str:
    """Return which classes a feature keeps apart, and where they meet if they do."""
    above = [names[a] for a in split.above]
    below = [name for a, name in enumerate(names) if a not in split.above]
    one, other = (above, below) if len(above) <= len(below) else (below, above)
    rest = f"class {other[0]}" if len(names) == 2 else "the others"
    kept_apart = f"{'class' if len(one) == 1 else 'classes'} {_listed(one)} from {rest}"
    return kept_apart + (f" but for rows where it is {split.low:g}" if split.low == split.high else "")


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")
