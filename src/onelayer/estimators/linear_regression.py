"""Linear regression, exactly, behind scikit-learn's contract."""

import warnings
from numbers import Real
from pathlib import Path
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from onelayer.data.rows import Rows
from onelayer.errors import LinearDependenceWarning, PrecisionWarning
from onelayer.estimators.linear_inference import INVERSE, LinearInference
from onelayer.estimators.offsets import check_exports, check_has_offset, target_offset
from onelayer.estimators.onnx_export import write_linear_regression
from onelayer.estimators.parameters import check_parameters, refuse_unlike_numbers
from onelayer.inference.goodness import log_weights
from onelayer.inference.linear import linear_coefficients
from onelayer.solvers.direct import least_squares
from onelayer.solvers.fit import LeastSquaresFit

Array = NDArray[np.float64]

DTYPES = (np.float64, np.float32)
IMPRECISE = 1e-9  # relative error of a solution that is worth a warning
SENSITIVE = 1e-3  # relative change by rounding of the data, likewise
FORMER_SOLVERS = ("cholesky", "qr")


class LinearRegression(LinearInference, MultiOutputMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Least squares: minimises Σ cᵢ ‖yᵢ − W xᵢ − b‖² + alpha ‖W‖² exactly (section 3.1.1).

    With ``alpha`` this is scikit-learn's ``Ridge``, without it ``LinearRegression``. X is dense or sparse. Coefficients
    and predictions are float64, also for float32 features: rounded apart to float32, weights and intercept of features
    far from 0 would predict worse than ``sigma_`` says.

    Args:
        fit_intercept: whether b is free; else it is 0.
        alpha: the penalty on weights, not on b.
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
        "_tss",
        "_log_weights",
        *INVERSE,
        "_dtype",
        "_has_offset",
    )

    _has_offset = False

    _parameter_constraints = {  # noqa: RUF012 - scikit-learn's form
        "fit_intercept": ["boolean"],
        "alpha": [Interval(Real, 0, None, closed="left")],
        "solver": [StrOptions({"auto", "direct", *FORMER_SOLVERS})],
    }

    def __init__(self, *, fit_intercept: bool = True, alpha: float = 0.0, solver: str = "auto") -> None:
        self.fit_intercept = fit_intercept
        self.alpha = alpha
        self.solver = solver

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
            warnings.warn(f"solver={self.solver!r} is called 'direct' now", FutureWarning, stacklevel=2)
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
        self._rows = Rows(X, Y, "regression", weight)
        fit = least_squares(self._rows, float(self.alpha), self.fit_intercept)
        self._dtype = X.dtype.name
        n = len(Y) if weight is None else int((weight > 0).sum())
        self._keep(fit, n, y.ndim == 1)
        self._warn(fit)
        return self

    def _keep(self, fit: LeastSquaresFit, n: int, is_vector: bool) -> None:
        """Set the coefficients, and what the residuals say of the noise and of the errors of the coefficients."""
        q, names = len(fit.weight), self._features()
        found = linear_coefficients(fit, names, n, self.fit_intercept, float(self.alpha))
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
        self._log_weights = log_weights(self._rows)
        tss = np.ldexp(fit.tss, fit.exponent)
        self._tss = tss[0] if is_vector else tss
        self._keep_inverse(fit)

    def _warn(self, fit: LeastSquaresFit) -> None:
        d = self.n_features_in_
        if fit.rank is not None and fit.rank < d:
            terms = [*self._features(), *(["intercept"] if self.fit_intercept else [])]
            names = [term for term, known in zip(terms, fit.identified, strict=False) if not known]
            warnings.warn(LinearDependenceWarning(d, fit.rank, names), stacklevel=3)
        if not fit.error <= IMPRECISE:
            warnings.warn(PrecisionWarning.of_solution(fit.error), stacklevel=3)
        elif fit.sensitivity > SENSITIVE and not self.alpha:
            warnings.warn(PrecisionWarning.of_data(fit.sensitivity), stacklevel=3)

    @overload
    def predict(self, X: Any, interval: None = None, *, offset: Any = None) -> Array: ...

    @overload
    def predict(
        self,
        X: Any,
        interval: str,
        level: float = 0.95,
        cov: str = "classical",
        groups: Any = None,
        lags: int | None = None,
        *,
        offset: Any = None,
    ) -> tuple[Array, Array]: ...

    def predict(
        self,
        X: Any,
        interval: str | None = None,
        level: float = 0.95,
        cov: str = "classical",
        groups: Any = None,
        lags: int | None = None,
        *,
        offset: Any = None,
    ) -> Array | tuple[Array, Array]:
        """Return the predicted targets (n,) or (n, q) for features X (n, d); and if they are asked for, intervals.

        Args:
            X: the features.
            interval: "confidence" for intervals of the means of targets with these features, "prediction" for those of
                further targets, whose noise is that of a row of weight 1; None for predictions alone.
            level: the probability with which an interval holds what it is of.
            cov: what intervals of means are robust to, as for ``summary``.
            groups: likewise.
            lags: likewise.
            offset: as in ``fit``, if the model was fitted with one.

        Returns:
            The predictions; with an interval (predictions, intervals), where these are (n, 2) or (n, q, 2), the lower
            end first. They are NaN for rows whose mean the rows of ``fit`` leave open, for features are dependent.

        Raises:
            OneLayerError: as ``summary`` does, if an interval is asked for.
        """
        check_is_fitted(self)
        check_has_offset(offset, self._has_offset)
        refuse_unlike_numbers(X)
        X = validate_data(self, X, accept_sparse="csr", dtype=DTYPES, reset=False)
        prediction = np.asarray(X @ self.coef_.T + self.intercept_)
        known = target_offset(offset, len(prediction), len(np.atleast_2d(self.coef_)))
        if known is not None:
            prediction += known.reshape(prediction.shape)
        if interval is None:
            return prediction
        return prediction, self._intervals(X, prediction, interval, level, cov, groups, lags)

    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """Return R² of the predictions for X (n, d) against y (n,) or (n, q), with weights (n,)."""
        return float(r2_score(y, self.predict(X, offset=offset), sample_weight=sample_weight))

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

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
