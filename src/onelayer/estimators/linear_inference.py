"""What the rows say of a fitted linear regression: errors, tests, intervals, influence of rows."""

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, get_args

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.validation import check_is_fitted

from onelayer.data.rows import Rows
from onelayer.errors import OneLayerError
from onelayer.estimators.array_api import in_numpy
from onelayer.estimators.files import Parts, Saved
from onelayer.estimators.linear_penalty import Penalised
from onelayer.estimators.parameters import feature_names
from onelayer.estimators.rows_of_fit import RowsOfFit
from onelayer.estimators.summary import Summary
from onelayer.inference.coefficients import check_level, with_intercept
from onelayer.inference.covariance import Covariance, FTest, Interval, WaldTest, prediction_interval, wald
from onelayer.inference.design import Design
from onelayer.inference.goodness import Goodness
from onelayer.inference.hypothesis import parse_hypotheses
from onelayer.inference.influence import Collinearity, Influence, collinearity, influence
from onelayer.inference.linear import linear_table, refuse_if, why_no_errors
from onelayer.inference.robust import Robust
from onelayer.solvers.fit import LeastSquaresFit
from onelayer.solvers.inverse import Inverse, Span

Array = NDArray[np.float64]


MOST_SAVED = 2**20  # values of the inverse that a file takes: 8 MB
INVERSE = ("_half", "_mean", "_basis", "_size", "_level")


@dataclass(frozen=True, eq=False)
class Diagnostics:
    """What ``LinearRegression.diagnostics`` returns.

    Attributes:
        influence: how much each row moves the fit.
        collinearity: how far features depend on each other.
    """

    influence: Influence
    collinearity: Collinearity


class Asked(NamedTuple):
    """What the parameters of a linear regression ask for.

    Attributes:
        alpha: the largest penalty of a target.
        is_constrained: whether coefficients have bounds.
        fit_intercept: whether b is free.
    """

    alpha: float
    is_constrained: bool
    fit_intercept: bool


class LinearInference(RowsOfFit, Saved, Penalised):
    """The methods of ``LinearRegression`` that ask how well the rows determine its coefficients.

    Fitting sets the parts of an ``Inverse``, which files have too unless they are large: ``_half`` (d, r), ``_mean``
    (d,), ``_level``, and of dependent features ``_basis`` (d, r) and ``_size`` (d,).
    """

    coef_: Any
    intercept_: Any
    std_err_: Any
    intercept_std_err_: Any
    sigma_: Any
    rank_: int | None
    n_features_in_: int
    _n: int
    _is_perfect: NDArray[np.bool_]
    _tss: Any
    _log_weights: float
    _half: Array
    _mean: Array
    _level: float | None
    _basis: Array
    _size: Array

    @in_numpy
    def summary(
        self,
        target: int = 0,
        confidence: float = 0.95,
        cov: str = "classical",
        groups: Any = None,
        lags: int | None = None,
    ) -> Summary:
        """Return the table of coefficients with standard errors, t, p and confidence intervals, and how well it fits.

        Coefficients that dependent features leave undetermined have none of these. Robust errors need the rows of
        ``fit``, and so cannot be had of a model that was loaded.

        The corrections for small samples are those of statsmodels' ``fit(cov_type=..., use_t=True)``: for p
        coefficients of n rows, n / (n − p) with "HC1"; (n − 1) / (n − p) · G / (G − 1) with "cluster" of G groups,
        where t has G − 1 degrees of freedom, of two ways of grouping those of the fewer; none with "HC0", "HC2", "HC3"
        and "HAC". In R they are ``vcovHC(type = ...)``, ``vcovCL(type = "HC1")`` and ``NeweyWest(prewhite = FALSE)``.
        Rows of weight 0 do not count.

        Args:
            target: which target, if y had several.
            confidence: the probability with which an interval holds the true coefficient.
            cov: "classical" for noise of one variance, over the weight of a row; "HC0" to "HC3" for variances that
                differ from row to row (White 1980; MacKinnon and White 1985); "cluster" for rows that depend on others
                of their group (Cameron, Gelbach and Miller 2011); "HAC" for rows in the order of time that depend on
                those shortly before (Newey and West 1987, with Bartlett's weights).
            groups: for "cluster", the group of each row (n,), of any type; or for two ways of grouping (n, 2).
            lags: for "HAC"; floor(4 (n / 100)^(2/9)) if not given.

        Raises:
            OneLayerError: if there are no standard errors, with the reason; if the rows of ``fit`` are needed and are
                not there, or have been changed in place since; if an argument is wrong.
        """
        k = self._checked(target)
        check_level(confidence, "confidence")
        robust, errors, f = Robust("classical", self._n), self._classical_errors(k), None
        if (cov, groups, lags) != ("classical", None, None):
            covariance, robust, f = self._robust(k, cov, groups, lags)
            errors = covariance.std_err()
        order, rank, tss = self._order(), self._rank(), float(np.atleast_1d(self._tss)[k])
        is_perfect = self._is_perfect[[k]]
        coefficients = linear_table(
            self._terms(),
            self._coefficients()[[k]][:, order],
            errors[None, order],
            robust,
            rank,
            0.0,
            confidence,
            identified=~np.isnan(self._classical_errors(k)[order]),
            is_perfect=is_perfect,
            varies=np.array([tss > 0]),
        )
        goodness = Goodness.of(
            self._n,
            rank,
            self._asked().fit_intercept,
            self._sigma(k),
            tss,
            self._log_weights,
            f,
            bool(is_perfect[0]),
        )
        return Summary(coefficients, goodness)

    @in_numpy
    def vcov(
        self, cov: str = "classical", groups: Any = None, lags: int | None = None, *, target: int = 0
    ) -> Array:
        """Return the covariance matrix (p, p) of the coefficients, in the order of ``summary().terms``.

        Rows and columns of coefficients that the rows do not determine are NaN. For arguments and errors see
        ``summary``.
        """
        order = self._order()
        return self._covariance(self._checked(target), cov, groups, lags).matrix()[np.ix_(order, order)]

    @in_numpy
    def test(
        self,
        hypotheses: str | ArrayLike,
        r: ArrayLike | None = None,
        *,
        target: int = 0,
        cov: str = "classical",
        groups: Any = None,
        lags: int | None = None,
    ) -> WaldTest:
        """Return the Wald test of linear hypotheses on the coefficients, all of them together by an F.

        Args:
            hypotheses: in words, "area = 2 * age" or several with commas between them; names are those of
                ``summary().terms``, in backticks if they are not of letters, digits, _ and . alone. Or a matrix R
                (k, p) or (p,) for Rβ = r, in their order.
            r: (k,) for a matrix; 0 if not given.
            target: which target, if y had several.
            cov: what the test is robust to, as for ``summary``.
            groups: likewise.
            lags: likewise.

        Raises:
            OneLayerError: if a hypothesis is badly written, is on what the rows do not determine, or follows from the
                others; and as ``summary`` does.
        """
        k = self._checked(target)
        if self._is_perfect[k]:
            raise OneLayerError("the fit is perfect: the residuals are rounding, and tests say nothing")
        if isinstance(hypotheses, str):
            if r is not None:
                raise OneLayerError("r goes with a matrix; in words, the value stands right of =")
            R, values, written = parse_hypotheses(hypotheses, self._terms())
        else:
            R, values, written = self._matrix(hypotheses, r)
        order, coefficients = self._order(), self._coefficients()[k]
        whole = np.zeros((len(R), len(coefficients)))
        whole[:, order] = R
        difference = R @ coefficients[order] - values
        return self._covariance(k, cov, groups, lags).test(whole, difference, written)

    @in_numpy
    def diagnostics(self, target: int = 0) -> Diagnostics:
        """Return how much each row moves the fit, and how far features depend on each other.

        Raises:
            OneLayerError: if there is a penalty, if there are no more rows than coefficients, or if the rows of
                ``fit`` are not there or have been changed in place since.
        """
        k = self._checked(target)
        rows = self._rows_for("diagnostics")
        if not isinstance(rows, Rows):
            raise OneLayerError(
                "diagnostics are of each row, and the rows are in files: fit a sample of them"
            )
        design = self._design(k)
        leverages, residuals = design.leverages_and_residuals()
        c, is_perfect = rows.c, bool(self._is_perfect[k])
        found = influence(leverages, residuals[:, k], c, design.rank, is_perfect)
        return Diagnostics(found, collinearity(design))

    def _intervals(
        self, X: Any, prediction: Array, interval: str, level: float, cov: str, groups: Any, lags: int | None
    ) -> Array:
        """Return the intervals of predictions (n,) or (n, q) for validated X (n, d), with an axis of two ends more."""
        if interval not in get_args(Interval):
            raise OneLayerError(f"interval must be confidence, prediction or None, not {interval!r}")
        check_level(level)
        if interval == "prediction" and cov != "classical":
            raise OneLayerError(
                f"an interval of predictions needs noise of a known variance: with cov={cov!r} there are those of "
                "means, interval='confidence'"
            )
        kind: Interval = "prediction" if interval == "prediction" else "confidence"
        columns = prediction.reshape(len(prediction), -1)
        found = []
        for k, column in enumerate(columns.T):
            covariance = self._covariance(self._checked(k), cov, groups, lags)
            found.append(prediction_interval(covariance, X, column, kind, level, self._sigma(k)))
        return np.stack(found, axis=1).reshape(*prediction.shape, 2)

    def _keep_inverse(self, fit: LeastSquaresFit, asked: Asked) -> None:
        """Set what was asked for, and the parts of the inverse, unless there are no errors."""
        for name in INVERSE:
            vars(self).pop(name, None)
        self._fitted_with = asked
        if fit.inverse is None or asked.alpha:
            return
        inverse = fit.inverse.times_power(fit.exponent)
        self._half, self._mean, self._level = inverse.half, inverse.mean, inverse.level
        if inverse.span is not None:
            self._basis, self._size = inverse.span.basis, inverse.span.size

    def _known_inverse(self) -> Inverse:
        if not hasattr(self, "_half"):
            raise OneLayerError(
                "the file of the model lacks the covariance of its coefficients: fit it again"
            )
        return Inverse(
            self._half,
            self._mean,
            self._level,
            Span(self._basis, self._size) if hasattr(self, "_basis") else None,
        )

    def _parts(self) -> Parts:
        parts = super()._parts()
        if 0 < parts.arrays.get("_half", np.zeros(0)).size <= MOST_SAVED:
            return parts
        return replace(parts, arrays={name: a for name, a in parts.arrays.items() if name not in INVERSE})

    def _covariance(self, k: int, cov: str, groups: Any, lags: int | None) -> Covariance:
        if (cov, groups, lags) != ("classical", None, None):
            return self._robust(k, cov, groups, lags)[0]
        return Covariance.classical(self._known_inverse(), self._sigma(k), self._n)

    def _robust(self, k: int, cov: str, groups: Any, lags: int | None) -> tuple[Covariance, Robust, FTest]:
        """Return a covariance from the rows, what it is robust to, and the test of all slopes."""
        rows = self._rows_for("robust errors")
        robust = Robust.for_rows(rows, cov, groups, lags)
        design = self._design(k)
        covariance = design.covariance(k, robust)
        slopes = design.slopes[:, k]
        r = len(slopes)
        return covariance, robust, wald(slopes, covariance.middle[:r, :r], covariance.degrees)

    def _design(self, k: int) -> Design:
        """Return the rows of the fit, if they still are those of target k."""
        coefficients = self._coefficients()
        rows = self._rows_for("robust errors and diagnostics")
        design = Design.of(rows, coefficients[:, :-1], coefficients[:, -1], self._known_inverse())
        if not design.is_of_these_rows[k]:
            raise OneLayerError(
                "the data have been changed in place since fit, and the coefficients are not theirs: fit again"
            )
        return design

    def _checked(self, target: int) -> int:
        """Return the number of a target that has standard errors."""
        check_is_fitted(self)
        q = len(np.atleast_2d(self.coef_))
        if not isinstance(target, int | np.integer) or not 0 <= target < q:
            raise OneLayerError(f"target must be from 0 to {q - 1}, not {target!r}")
        rank = None if self.rank_ is None else self._rank()
        asked = self._asked()
        reason = why_no_errors(self._n, rank, asked.alpha)
        if asked.is_constrained and not asked.alpha:
            reason = "coefficients have bounds, which the noise model does not know"
        refuse_if(reason)
        return target

    def _asked(self) -> Asked:
        """Return what the parameters asked for at fit."""
        return getattr(self, "_fitted_with", None) or self._parameters()

    def _parameters(self) -> Asked:
        alpha = self._alpha()
        largest = alpha if isinstance(alpha, float) else float(np.max(alpha))
        return Asked(largest, self._is_constrained, bool(self.fit_intercept))

    def _matrix(self, matrix: ArrayLike, r: ArrayLike | None) -> tuple[Array, Array, tuple[str, ...]]:
        """Return R (k, p), r (k,) and names (k,) of hypotheses that are given as a matrix."""
        p = len(self._terms())
        try:
            R = np.atleast_2d(np.asarray(matrix, np.float64))
            values = np.broadcast_to(np.asarray(0.0 if r is None else r, np.float64), len(R))
        except (TypeError, ValueError) as error:
            raise OneLayerError(
                f"hypotheses are a string, such as 'x1 = 2 * x2, x3', or numbers R (k, p) with r (k,): {error}"
            ) from None
        if R.ndim != 2 or R.shape[1] != p or not len(R):
            raise OneLayerError(f"R must be (k, {p}), a column for each coefficient, not {R.shape}")
        if not (np.isfinite(R).all() and np.isfinite(values).all()):
            raise OneLayerError("R and r must be finite")
        return R, values, tuple(f"row {i + 1}" for i in range(len(R)))

    def _coefficients(self) -> Array:
        """Return the weights and the bias (q, d + 1)."""
        return np.column_stack([np.atleast_2d(self.coef_), np.atleast_1d(self.intercept_)])

    def _classical_errors(self, k: int) -> Array:
        """Return those of the weights and the bias (d + 1,)."""
        return np.append(np.atleast_2d(self.std_err_)[k], np.atleast_1d(self.intercept_std_err_)[k])

    def _sigma(self, k: int) -> float:
        return float(np.atleast_1d(self.sigma_)[k])

    def _rank(self) -> int:
        return (self.rank_ or 0) + int(self._asked().fit_intercept)

    def _order(self) -> list[int]:
        """Return the places of the terms among the weights and the bias."""
        d = np.atleast_2d(self.coef_).shape[1]
        return [d, *range(d)] if self._asked().fit_intercept else list(range(d))

    def _terms(self) -> tuple[str, ...]:
        return with_intercept(feature_names(self), self._asked().fit_intercept)
