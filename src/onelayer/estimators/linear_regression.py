"""Linear regression, exactly, behind scikit-learn's contract."""

from numbers import Real
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from onelayer.data.rows import Rows
from onelayer.errors import LinearDependenceWarning, OneLayerError, PrecisionWarning
from onelayer.estimators.array_api import DTYPES, fits_numpy, in_numpy, in_space, outputs_of, to_numpy
from onelayer.estimators.callbacks import CallbackSupportMixin, FitTask, with_callbacks
from onelayer.estimators.files import Saved
from onelayer.estimators.offsets import check_exports, check_has_offset, target_offset
from onelayer.estimators.onnx_export import write_linear_regression
from onelayer.estimators.parameters import (
    check_parameters,
    penalty_of_targets,
    refuse_unlike_numbers,
    warn_user,
)
from onelayer.estimators.sparse_coef import SparseCoefficients
from onelayer.estimators.summary import Summary
from onelayer.inference.coefficients import check_level
from onelayer.inference.linear import linear_coefficients, linear_table, why_no_errors
from onelayer.solvers.direct import least_squares
from onelayer.solvers.fit import LeastSquaresFit

IMPRECISE = 1e-9  # relative error of a solution that is worth a warning
SENSITIVE = 1e-3  # relative change by rounding of the data, likewise
FORMER_SOLVERS = ("cholesky", "qr")


class LinearRegression(
    CallbackSupportMixin,  # type: ignore[misc]
    Saved,
    SparseCoefficients,
    MultiOutputMixin,  # type: ignore[misc]
    RegressorMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """Least squares: minimises Σ cᵢ ‖yᵢ − W xᵢ − b‖² + alpha ‖W‖² exactly (section 3.1.1).

    With ``alpha`` this is scikit-learn's ``Ridge``, without it ``LinearRegression``. X is dense or sparse. Coefficients
    and predictions are float64, also for float32 features: rounded apart to float32, weights and intercept of features
    far from 0 would predict worse than ``sigma_`` says. With scikit-learn's ``array_api_dispatch`` X may be on another
    device: fitting is on the CPU, predictions are where X is.

    Args:
        fit_intercept: whether b is free; else it is 0.
        alpha: the penalty on weights, not on b; or (q,) one for each target.
        solver: "auto", which is "direct": the analytic solution. Where the problem is small or its features are nearly
            dependent it is that of the stored numbers, rounded once.

    Attributes:
        coef_: weights (d,), or (q, d) if y is (n, q).
        intercept_: bias, or (q,).
        std_err_: standard errors of the weights, in the shape of ``coef_``; likewise ``intercept_std_err_``. They
            are NaN where the noise model does not give them: with a penalty, with no more rows than coefficients, and
            for coefficients that dependent features leave undetermined.
        sigma_: the estimate of the noise's standard deviation, or (q,).
        r2_: the share of y's variance that is explained, or (q,); NaN if y does not vary.
        rank_: the number of independent features; None where it was not found (many sparse features).
        solver_: how the system was solved: "direct", or "lsmr" for more sparse features than a matrix of them takes.
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
        "_is_perfect",
        "_dtype",
        "_has_offset",
    )

    _has_offset = False

    _parameter_constraints = {  # noqa: RUF012 - scikit-learn's form
        "fit_intercept": ["boolean"],
        "alpha": [Interval(Real, 0, None, closed="left"), "array-like"],
        "solver": [StrOptions({"auto", "direct", *FORMER_SOLVERS})],
    }

    def __init__(self, *, fit_intercept: bool = True, alpha: Any = 0.0, solver: str = "auto") -> None:
        self.fit_intercept = fit_intercept
        self.alpha = alpha
        self.solver = solver

    @with_callbacks  # type: ignore[untyped-decorator]
    @fits_numpy
    def fit(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> Self:
        """Find the exact minimum for features X (n, d), targets y (n,) or (n, q) and weights (n,).

        Args:
            X: features.
            y: targets.
            sample_weight: weights.
            offset: what is known beforehand of the mean and added to W x + b, in the shape of y. Then ``r2_`` and
                ``summary`` speak of y less its offset, which is what is fitted.

        Raises:
            OneLayerError: if a parameter is of a wrong type or out of range, X or y holds dates or integers that
                float64 does not tell apart, or no row has any weight.
            ValueError: if X or y are malformed.

        Warns:
            LinearDependenceWarning: if features are linearly dependent: then the weights are those of least norm.
            PrecisionWarning: if rounding leaves few digits of the coefficients.
        """
        check_parameters(self, self._parameter_constraints)
        if self.solver in FORMER_SOLVERS:
            warn_user(f"solver={self.solver!r} is called 'direct' now", FutureWarning)
        task = FitTask(self, X, y, {"sample_weight": sample_weight, "offset": offset})
        refuse_unlike_numbers(X)
        refuse_unlike_numbers(y)
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=DTYPES, y_numeric=True, multi_output=True)
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        Y = np.asarray(y, np.float64).reshape(len(y), -1)
        known = target_offset(offset, *Y.shape)
        Y = Y if known is None else Y - known
        self._has_offset = known is not None
        penalty = penalty_of_targets(self.alpha, Y.shape[1])
        fit = least_squares(Rows(X, Y, "regression", weight), penalty, self.fit_intercept)
        self._dtype = X.dtype.name
        n = len(Y) if weight is None else int((weight > 0).sum())
        self._keep(fit, n, y.ndim == 1)
        self._warn(fit)
        task.end()
        return self

    def _keep(self, fit: LeastSquaresFit, n: int, is_vector: bool) -> None:
        """Set the coefficients, and what the residuals say of the noise and of the errors of the coefficients."""
        q, names = len(fit.weight), self._features()
        found = linear_coefficients(fit, names, n, self.fit_intercept, float(np.max(self.alpha)))
        degrees = found.degrees_of_freedom
        sigma = fit.sigma(int(degrees)) if degrees > 0 else np.full(q, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            r2 = np.where(fit.tss > 0, 1 - fit.rss / fit.tss, np.nan)
        errors = found.std_err
        intercept, errors = (errors[:, 0], errors[:, 1:]) if self.fit_intercept else (np.zeros(q), errors)
        self.coef_ = fit.weight[0] if is_vector else fit.weight
        self.intercept_ = fit.bias[0] if is_vector else fit.bias
        self.std_err_ = errors[0] if is_vector else errors
        self.intercept_std_err_ = intercept[0] if is_vector else intercept
        self.sigma_ = sigma[0] if is_vector else sigma
        self.r2_ = r2[0] if is_vector else r2
        self.rank_ = fit.rank
        self.solver_ = fit.solver
        self._n = n
        self._is_perfect = found.is_perfect

    def _warn(self, fit: LeastSquaresFit) -> None:
        d = self.n_features_in_
        if fit.rank is not None and fit.rank < d:
            terms = [*self._features(), *(["intercept"] if self.fit_intercept else [])]
            names = [term for term, known in zip(terms, fit.identified, strict=False) if not known]
            warn_user(LinearDependenceWarning(d, fit.rank, names))
        if not fit.error <= IMPRECISE:
            warn_user(PrecisionWarning.of_solution(fit.error))
        elif fit.sensitivity > SENSITIVE and not np.any(self.alpha):
            warn_user(PrecisionWarning.of_data(fit.sensitivity))

    def _features(self) -> list[str]:
        names = getattr(self, "feature_names_in_", [f"x{j + 1}" for j in range(self.n_features_in_)])
        return [str(name) for name in names]

    def predict(self, X: Any, offset: Any = None) -> NDArray[np.float64]:
        """Return the predicted targets (n,) or (n, q) for features X (n, d), with their offset if ``fit`` had one."""
        predicted, space = outputs_of(self, X, "predict")
        check_has_offset(offset, self._has_offset)
        known = target_offset(
            to_numpy(offset), predicted.shape[0], predicted.shape[1] if predicted.ndim == 2 else 1
        )
        return predicted if known is None else predicted + in_space(known.reshape(predicted.shape), space)

    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """Return R² of the predictions for X (n, d) against y (n,) or (n, q), with weights (n,)."""
        return float(r2_score(y, self.predict(X, offset=offset), sample_weight=sample_weight))

    @in_numpy
    def to_onnx(self, path: str | Path) -> None:
        """Write the fitted model for ONNX runtimes, from "X" (n, d) to "variable" (n, q), in the type of the features.

        Raises:
            OneLayerError: if the extra ``onelayer[onnx]`` is not installed, the model has an offset, or the file
                cannot be written.
        """
        check_is_fitted(self)
        check_exports(self._has_offset)
        weight, bias = np.atleast_2d(self.coef_), np.atleast_1d(self.intercept_)
        write_linear_regression(path, weight.astype(self._dtype), bias.astype(self._dtype))

    @in_numpy
    def summary(self, target: int = 0, confidence: float = 0.95) -> Summary:
        """Return the table of coefficients with standard errors, t, p and confidence intervals.

        Coefficients that dependent features leave undetermined have none of these.

        Args:
            target: which target, if y had several.
            confidence: the probability with which an interval holds the true coefficient.

        Raises:
            OneLayerError: if the noise model does not give standard errors, with the reason.
        """
        check_is_fitted(self)
        check_level(confidence, "confidence")
        rank = None if self.rank_ is None else self.rank_ + int(self.fit_intercept)
        alpha = float(np.max(self.alpha))
        reason = why_no_errors(self._n, rank, alpha)
        if reason:
            raise OneLayerError(f"there are no standard errors: {reason}")
        terms, estimate = self._features(), np.atleast_2d(self.coef_)[target]
        errors = np.atleast_2d(self.std_err_)[target]
        if self.fit_intercept:
            terms = ["intercept", *terms]
            estimate = np.r_[np.atleast_1d(self.intercept_)[target], estimate]
            errors = np.r_[np.atleast_1d(self.intercept_std_err_)[target], errors]
        sigma, r2 = (float(np.atleast_1d(value)[target]) for value in (self.sigma_, self.r2_))
        coefficients = linear_table(
            tuple(terms),
            estimate[None],
            errors[None],
            self._n,
            rank,
            alpha,
            confidence,
            is_perfect=self._is_perfect[[target]],
            varies=np.array([not np.isnan(r2)]),
        )
        return Summary(coefficients, self._n, sigma, r2)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.array_api_support = True
        return tags
