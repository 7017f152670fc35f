"""Linear regression, exactly, behind scikit-learn's contract."""

import warnings
from numbers import Real
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from onelayer.errors import LinearDependenceWarning, OneLayerError
from onelayer.estimators.files import Saved
from onelayer.estimators.onnx_export import write_linear_regression
from onelayer.estimators.parameters import check_parameters
from onelayer.estimators.summary import Summary
from onelayer.solvers.least_squares import LeastSquaresFit, Problem, least_squares

ROUNDING = 16 * float(np.finfo(np.float64).eps)  # how far apart, relatively, rounding may bring equal numbers


class LinearRegression(Saved, MultiOutputMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Least squares: minimises Σ cᵢ ‖yᵢ − W xᵢ − b‖² + alpha ‖W‖² exactly (section 3.1.1).

    With ``alpha`` this is scikit-learn's ``Ridge``, without it ``LinearRegression``. X is dense or sparse; float32
    features give float32 coefficients, summed in float64.

    Args:
        fit_intercept: whether b is free; else it is 0.
        alpha: the penalty on weights, not on b.
        solver: "cholesky" is fast, "qr" is careful: its answer is that of the stored numbers, rounded once.
            "auto" takes the careful way where the problem is small or its features nearly dependent.

    Attributes:
        coef_: weights (d,), or (q, d) if y is (n, q).
        intercept_: bias, or (q,).
        std_err_: standard errors of the weights, in the shape of ``coef_``; likewise ``intercept_std_err_``. They
            are NaN where the noise model does not give them: with a penalty, with dependent features, or with no
            more rows than coefficients.
        sigma_: the estimate of the noise's standard deviation, or (q,).
        r2_: the share of y's variance that is explained, or (q,); NaN if y does not vary.
        rank_: the number of independent features; None where it was not found (many sparse features).
        solver_: how the system was solved: "cholesky", "qr", "svd" or "lsmr".
        n_features_in_: the number of features d; their names are in ``feature_names_in_``.
    """

    _saved = (
        "coef_",
        "intercept_",
        "std_err_",
        "intercept_std_err_",
        "sigma_",
        "r2_",
        "rank_",
        "solver_",
        "n_features_in_",
        "feature_names_in_",
        "_n",
    )

    _parameter_constraints = {  # noqa: RUF012 - scikit-learn's form
        "fit_intercept": ["boolean"],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "solver": [StrOptions({"auto", "cholesky", "qr"})],
    }

    def __init__(self, fit_intercept: bool = True, alpha: float = 0.0, solver: str = "auto") -> None:
        self.fit_intercept = fit_intercept
        self.alpha = alpha
        self.solver = solver

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Find the exact minimum for features X (n, d), targets y (n,) or (n, q) and weights (n,).

        Raises:
            OneLayerError: if a parameter is of a wrong type or out of range.
            ValueError: if X or y are malformed.

        Warns:
            LinearDependenceWarning: if features are linearly dependent: then the weights are those of least norm.
        """
        check_parameters(self, self._parameter_constraints)
        X, y = validate_data(
            self, X, y, accept_sparse="csr", dtype=(np.float64, np.float32), y_numeric=True, multi_output=True
        )
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        Y = np.asarray(y, np.float64).reshape(len(y), -1)
        fit = least_squares(Problem(X, Y, weight, float(self.alpha), self.fit_intercept), self.solver)
        self._keep(fit, X.dtype, y.ndim == 1)
        self._judge(fit, Y if weight is None else Y[weight > 0], y.ndim == 1)
        if fit.rank is not None and fit.rank < X.shape[1]:
            warnings.warn(LinearDependenceWarning(X.shape[1], fit.rank), stacklevel=2)
        return self

    def _keep(self, fit: LeastSquaresFit, dtype: np.dtype[Any], is_vector: bool) -> None:
        self.coef_ = (fit.weight[0] if is_vector else fit.weight).astype(dtype)
        bias = fit.bias.astype(dtype)
        self.intercept_ = bias[0] if is_vector else bias
        self.rank_ = fit.rank
        self.solver_ = fit.method

    def _judge(self, fit: LeastSquaresFit, Y: NDArray[np.float64], is_vector: bool) -> None:
        """Set what the residuals of targets (n, q) say of the noise and of the errors of the coefficients."""
        (q, d), n = fit.weight.shape, len(Y)
        degrees = n - d - int(self.fit_intercept)
        sigma, errors = np.full(q, np.nan), np.full((q, d + int(self.fit_intercept)), np.nan)
        if fit.inverse is not None and degrees > 0:
            sigma = np.sqrt(fit.rss / degrees)
            if not self.alpha:
                errors = np.outer(sigma, np.sqrt(fit.inverse.diagonal()))
        elif fit.rank is not None and n > fit.rank + int(self.fit_intercept):
            sigma = np.sqrt(fit.rss / (n - fit.rank - int(self.fit_intercept)))
        varies = np.ptp(Y, axis=0) > ROUNDING * np.abs(Y).max(axis=0) if self.fit_intercept else Y.any(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            r2 = np.where(varies & (fit.tss > 0), 1 - fit.rss / fit.tss, np.nan)
        intercept = errors[:, -1] if self.fit_intercept else np.zeros(q)
        self.std_err_ = errors[0, :d] if is_vector else errors[:, :d]
        self.intercept_std_err_ = intercept[0] if is_vector else intercept
        self.sigma_ = sigma[0] if is_vector else sigma
        self.r2_ = r2[0] if is_vector else r2
        self._n = n

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the predicted targets (n,) or (n, q) for features X (n, d)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=(np.float64, np.float32), reset=False)
        return np.asarray(X @ self.coef_.T + self.intercept_)

    def to_onnx(self, path: str | Path) -> None:
        """Write the fitted model for ONNX runtimes, from "X" (n, d) to "variable" (n, q), in the type of ``coef_``.

        Raises:
            OneLayerError: if the extra ``onelayer[onnx]`` is not installed or the file cannot be written.
        """
        check_is_fitted(self)
        write_linear_regression(path, np.atleast_2d(self.coef_), np.atleast_1d(self.intercept_))

    def summary(self, target: int = 0, confidence: float = 0.95) -> Summary:
        """Return the table of coefficients with standard errors, t, p and confidence intervals.

        Args:
            target: which target, if y had several.
            confidence: the probability with which an interval holds the true coefficient.

        Raises:
            OneLayerError: if the noise model does not give standard errors, with the reason.
        """
        check_is_fitted(self)
        errors = np.atleast_2d(self.std_err_)[target]
        if np.isnan(errors).any():
            raise OneLayerError(f"there are no standard errors: {self._why_no_errors()}")
        names = getattr(self, "feature_names_in_", [f"x{j + 1}" for j in range(self.n_features_in_)])
        terms, estimate = tuple(map(str, names)), np.atleast_2d(self.coef_)[target]
        if self.fit_intercept:
            terms = ("intercept", *terms)
            estimate = np.r_[np.atleast_1d(self.intercept_)[target], estimate]
            errors = np.r_[np.atleast_1d(self.intercept_std_err_)[target], errors]
        sigma, r2 = (float(np.atleast_1d(value)[target]) for value in (self.sigma_, self.r2_))
        return Summary(terms, estimate.astype(float), errors, self._n, sigma, r2, confidence)

    def _why_no_errors(self) -> str:
        if self.alpha:
            return "with a penalty (alpha) the weights are biased, and their errors are not those of the noise model"
        if self.rank_ is None:
            return f"{self.n_features_in_} sparse features are too many for them"
        if self.rank_ < self.n_features_in_:
            return (
                f"the features are linearly dependent, of rank {self.rank_} instead of {self.n_features_in_}"
            )
        return f"{self._n} rows are not more than the coefficients"

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
