"""What may be said against a fit: ours beside the exact one.

Each finding has a kind. Those of ``FAILURES`` are wrong answers; the others are for information.
"""

import math
import warnings
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from exact import Exact
from exact_softmax import SoftmaxMinimum
from onelayer.errors import LinearDependenceWarning, OneLayerError

SLACK = 4  # times what storing the coefficients may cost: an error of one unit in the last place each, not of half
EPS = 2.0**-52
CLOSE = 1e-8  # of coefficients, relative to the largest one, each times its column's length
WELL_POSED = 1e-9  # sensitivity to the rounding of X
UNDERFLOW = Fraction(1, 2**960)  # of a residual sum: of residuals whose squares are barely normal numbers
TINY = 1e-12  # of an objective, relative

FAILURES = {
    "error": "an exception, or a foreign warning",
    "not finite": "NaN or infinity among the results",
    "rss": "the residual sum is above the exact minimum, and storing W and b does not cost that",
    "rss near rounding": "as rss, but only where rank is counted with the usual tolerance, EPS · max(n, d) · σ₁",
    "coef": "a coefficient of a well-posed problem is off by more than 1e-8, without a warning",
    "rank": "rank_ is not the rank, and neither rounding nor the usual tolerance excuses it",
    "silent dependence": "rank_ is below d without a warning",
    "r2": "r2_ is not that of the stored coefficients",
    "gap": "objective_ - gap_ is above the minimum, or gap_ is NaN or negative",
    "gap stored": "the objective of the stored coefficients is above the minimum by more than gap_",
    "objective": "objective_ is below the minimum",
    "silent": "converged_ is False without a warning",
    "false convergence": "converged_ is True, but the objective is above the minimum by more than tol",
}
REMARKS = {
    "refused": "OneLayerError",
    "rss strict": "above by more than storing W and b costs, but a sum evaluated in float64 does not show it",
    "coef strict": "the problem is ill-posed, and a coefficient is off by more than that explains, without a warning",
    "depends by rounding": "independent as stored, but not after a change within rounding",
    "above by rank": "as depends by rounding, and the residual sum is above by more than storing W and b costs",
    "gap rounding": "gap or objective is wrong, but by no more than rounding of the logits explains",
    "false alarm": "converged_ is False, but the minimum is reached to a hundredth of tol",
    "no reference": "the reference did not converge",
}


@dataclass(frozen=True)
class Case:
    """A regression or classification problem, and where it comes from."""

    name: str
    X: np.ndarray
    y: np.ndarray
    c: np.ndarray | None = None
    fit_intercept: bool = True

    def __str__(self):
        n, d = self.X.shape
        weights = "" if self.c is None else ", weighted"
        return (
            f"{self.name} [{n} × {d} {self.X.dtype}{weights}{'' if self.fit_intercept else ', no intercept'}]"
        )


@dataclass(frozen=True)
class Finding:
    """One thing to say against a fit."""

    kind: str
    case: str
    how: str
    detail: str

    @property
    def is_failure(self):
        return self.kind in FAILURES


def number(value):
    """Return a fraction as float64, infinite where it is too large."""
    try:
        return float(value)
    except OverflowError:
        return math.inf


class LinearJudge:
    """Holds fits of one problem against its exact solution, which is found once."""

    def __init__(self, case):
        self.case = case
        self.exact = Exact(case.X, case.y, case.c, fit_intercept=case.fit_intercept)
        self.dependent = self.exact.depends_by_rounding

    def judge(self, model, as_csr=False, least_size=0):
        """Return what is to be said against the fit of a model, whose parameter ``fit_intercept`` is set.

        Rows are repeated until X has at least ``least_size`` values, for large problems may be solved in other ways
        than small ones: the solution stays the same.
        """
        case = self.case
        repeats = max(1, math.ceil(least_size / max(1, case.X.size)))
        how = f"{model}{' CSR' if as_csr else ''}{', rows repeated' if least_size else ''}"
        X, y = np.tile(case.X, (repeats, 1)), np.tile(case.y, repeats)
        c = None if case.c is None else np.tile(case.c, repeats)
        model = clone(model).set_params(fit_intercept=case.fit_intercept)
        findings = self._findings(model, sparse.csr_array(X) if as_csr else X, y, c)
        return [Finding(kind, str(case), how, detail) for kind, detail in findings]

    def _findings(self, model, X, y, c):
        predictions, seen, objections = _attempt(lambda: model.fit(X, y, c).predict(X))
        yield from objections
        if predictions is None:
            return
        weight, bias = np.asarray(model.coef_), float(model.intercept_)
        if not (np.isfinite(weight).all() and np.isfinite(bias) and np.isfinite(predictions).all()):
            yield "not finite", f"coef_ {weight}, intercept_ {bias}"
            return
        warned = any(
            issubclass(w.category, ConvergenceWarning | LinearDependenceWarning) for w in seen
        ) or any("digits" in str(w.message) for w in seen)
        usual = EPS * max(X.shape) * float(self.exact.singular_values.max(initial=0))
        yield from self._residual_sum(model, weight, bias, usual)
        yield from self._coefficients(weight, bias, warned)
        yield from self._rank(model, seen, usual)
        yield from self._statistics(model, weight, bias)

    def _residual_sum(self, model, weight, bias, usual):
        """Compare residual sums, exactly.

        What storing costs is allowed, times ``SLACK``; then what is lost in evaluating the sum in float64, where a
        residual is a sum of d + 2 terms.
        """
        exact = self.exact
        cost = exact.storing_cost(_unit(model.coef_), _unit(model.intercept_))
        found = exact.residual_sum(weight, bias)
        above = found - exact.objective
        invisible = SLACK * ((len(weight) + 2) ** 2 * cost + Fraction(EPS) * exact.objective)
        detail = (
            f"residual sum {number(found):.6g}, exact {number(exact.objective):.6g}, total "
            f"{number(exact.total_sum):.6g}; above by {_over(above, cost):.2g} times what storing costs; rank "
            f"{exact.rank}, rank_ {model.rank_}; solver_ {model.solver_}"
        )
        if self.dependent:
            kind = "above by rank" if above > SLACK * cost + UNDERFLOW else "depends by rounding"
            yield kind, self._dependence(model, weight, found)
        if above <= SLACK * cost + UNDERFLOW:
            return
        if above <= invisible:
            yield "rss strict", detail
        elif not self._is_of_lower_rank(found, exact.noise, invisible):
            yield (
                "rss near rounding" if self._is_of_lower_rank(found, usual, invisible) else "rss",
                detail,
            )

    def _is_of_lower_rank(self, found, tolerance, invisible):
        """Whether a residual sum is that of a rank that does not count singular values up to a tolerance."""
        if self.exact.singular_values[-1:] > tolerance:
            return False
        return found <= self.exact.truncated_sum(tolerance) * (1 + Fraction(1, 10**9)) + invisible

    def _dependence(self, model, weight, found):
        """Return what becomes of columns that are independent as stored, but perhaps by rounding only."""
        exact = self.exact
        stored = exact.residual_sum(*exact.rounded())
        return (
            f"exact rank {exact.rank}, rank_ {model.rank_}, smallest singular value "
            f"{exact.singular_values[-1]:.1e}, rounding {exact.rounding:.1e}; largest coefficient, scaled: exact "
            f"{_largest(exact.rounded()[0] * exact.lengths):.1e}, ours {_largest(weight * exact.lengths):.1e}; "
            f"residual sum, over the exact minimum: ours {_over(found, exact.objective):.4g}, exact coefficients "
            f"stored {_over(stored, exact.objective):.4g}, of the rank that holds "
            f"{_over(exact.truncated_sum(exact.noise), exact.objective):.4g}"
        )

    def _coefficients(self, weight, bias, warned):
        exact = self.exact
        largest = _largest(exact.rounded()[0] * exact.lengths)
        errors = [abs(Fraction(float(w)) - e) for w, e in zip(weight, exact.weight, strict=True)]
        error = _largest([number(e) * s for e, s in zip(errors, exact.lengths, strict=True)])
        tolerance = max(CLOSE, SLACK * _unit(weight))
        if warned or not exact.rank or error <= tolerance * largest:
            return
        detail = f"off by {error / largest if largest else math.inf:.2g}; sensitivity {exact.sensitivity:.2g}"
        if exact.sensitivity < WELL_POSED:
            yield "coef", detail
        elif not self.dependent and error > max(tolerance, exact.sensitivity) * largest:
            yield "coef strict", detail

    def _rank(self, model, seen, usual):
        exact = self.exact
        d = self.case.X.shape[1]
        if model.rank_ is None:
            return
        certain = int((exact.singular_values > max(exact.noise, usual)).sum())
        if not certain <= model.rank_ <= exact.rank:
            yield "rank", f"rank_ {model.rank_}, exact {exact.rank}, singular values {exact.singular_values}"
        if model.rank_ < d and not any(w.category is LinearDependenceWarning for w in seen):
            yield "silent dependence", f"rank_ {model.rank_} of {d}"

    def _statistics(self, model, weight, bias):
        """Whether r2_ is that of the stored coefficients, to what their rounding allows."""
        exact = self.exact
        total, found = exact.total_sum, exact.residual_sum(weight, bias)
        cost = exact.storing_cost(_unit(model.coef_), _unit(model.intercept_))
        if total and np.isfinite(model.r2_):
            wrong = abs(Fraction(float(model.r2_)) - (1 - found / total))
            if wrong > Fraction(1, 10**9) * max(1, found / total) + SLACK * cost / total:
                yield "r2", f"r2_ {model.r2_}, of the stored coefficients {number(1 - found / total):.6g}"


def _largest(values):
    return float(np.max(np.abs(values), initial=0))


def _over(value, unit):
    return number(value / unit) if unit else math.inf if value else 0.0


def _unit(stored):
    return float(np.finfo(np.asarray(stored).dtype).eps) / 2


def _attempt(fit_and_predict):
    """Return predictions, or None if there were none, with all warnings, and what is to be said against both."""
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        try:
            predictions = fit_and_predict()
        except OneLayerError as error:
            return None, seen, [("refused", str(error))]
        except Exception as error:
            return None, seen, [("error", f"{type(error).__name__}: {error}")]
    return predictions, seen, [*_foreign(seen)]


def _foreign(seen):
    """Yield warnings that say nothing to a user: those of NumPy and SciPy about their own arithmetic."""
    foreign = {
        f"{warning.category.__name__}: {warning.message}"
        for warning in seen
        if issubclass(warning.category, RuntimeWarning | DeprecationWarning)
    }
    if foreign:
        yield "error", "; ".join(sorted(foreign))


class SoftmaxJudge:
    """Holds fits of one problem against the minimum, which is found once."""

    def __init__(self, case, C=1.0):
        self.case, self.C = case, C
        self.minimum = SoftmaxMinimum(case.X, case.y, C, case.c, case.fit_intercept)
        self.has_reference = self.minimum.high - self.minimum.low <= 1e-13 * self.minimum.high

    def judge(self, model, as_csr=False):
        """Return what is to be said against the fit of a model, whose C and ``fit_intercept`` are set."""
        case = self.case
        how = f"{model}{' CSR' if as_csr else ''}"
        if not self.has_reference:
            return [Finding("no reference", str(case), how, f"{self.minimum.low} to {self.minimum.high}")]
        X = sparse.csr_array(case.X) if as_csr else case.X
        model = clone(model).set_params(C=self.C, fit_intercept=case.fit_intercept)
        return [Finding(kind, str(case), how, detail) for kind, detail in self._findings(model, X)]

    def _findings(self, model, X):
        probabilities, seen, objections = _attempt(
            lambda: model.fit(X, self.case.y, self.case.c).predict_proba(X)
        )
        yield from objections
        if probabilities is None:
            return
        results = (model.coef_, model.intercept_, model.objective_, probabilities)
        if not all(np.isfinite(part).all() for part in results):
            yield "not finite", f"objective_ {model.objective_}"
            return
        low, high = number(self.minimum.low), number(self.minimum.high)
        stored = number(self.minimum.objective(model.coef_, model.intercept_))
        reached, gap, tiny = float(model.objective_), float(model.gap_), TINY * high
        rounding = tiny + self._rounding(model)
        detail = (
            f"C {self.C:g}, objective_ {reached:.9g}, {reached - low:.2g} above the minimum, stored {stored - low:.2g} "
            f"above, gap_ {gap:.2g}, rounding {rounding:.2g}, converged_ {model.converged_}, n_iter_ {model.n_iter_}"
        )
        wrong = {"gap": reached - gap - high, "gap stored": stored - gap - high, "objective": low - reached}
        for kind, amount in wrong.items():
            if amount > rounding or (kind == "gap" and not gap >= 0):
                yield kind, detail
            elif amount > tiny:
                yield "gap rounding", f"{kind}: {detail}"
        if not model.converged_ and not any(issubclass(w.category, ConvergenceWarning) for w in seen):
            yield "silent", detail
        if model.converged_ and reached - low > model.tol * reached + rounding:
            yield "false convergence", detail
        if not model.converged_ and stored - low <= model.tol / 100 * high:
            yield "false alarm", detail

    def _rounding(self, model):
        """Return what rounding of the coefficients, or of the logits, may change in the objective.

        A logit moves by at most unit (|w|·|x| + |b|), and a loss by at most twice the largest change of a logit.
        """
        minimum = self.minimum
        size = np.abs(minimum.X) @ np.abs(model.coef_.T.astype(float)) + np.abs(model.intercept_)
        penalty = float((model.coef_.astype(float) ** 2).sum())
        losses = minimum.c @ (1 + size.max(axis=1))
        return 2 * _unit(model.coef_) * (2 * self.C * float(losses) + penalty)
