"""Linear regression, exactly, behind scikit-learn's contract."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, overload

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.metrics import r2_score
from sklearn.utils import Tags
from sklearn.utils._param_validation import StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from onelayer.data.rows import Block, Rows, Source, rows_counted
from onelayer.errors import LinearDependenceWarning, PrecisionWarning
from onelayer.estimators.array_api import (
    fits_numpy,
    in_numpy,
    in_space,
    outputs_of,
    plain,
    to_numpy,
)
from onelayer.estimators.callbacks import CallbackSupportMixin, FitTask, with_callbacks
from onelayer.estimators.linear_inference import INVERSE, LinearInference
from onelayer.estimators.linear_penalty import PENALTY_CONSTRAINTS
from onelayer.estimators.offsets import check_exports, check_has_offset, target_offset
from onelayer.estimators.onnx_export import write_linear_regression
from onelayer.estimators.parameters import (
    DTYPES,
    check_parameters,
    feature_names,
    validated_numbers,
    warn_user,
)
from onelayer.estimators.scans import (
    begin_with,
    check_features,
    check_scan,
    is_scan,
    of_each_row,
    r2_of_scan,
    refuse_beside_scan,
    write_of_scan,
)
from onelayer.estimators.sparse_coef import SparseCoefficients
from onelayer.inference.goodness import log_weights
from onelayer.inference.linear import classical_errors, residuals_are_rounding
from onelayer.solvers.fit import LeastSquaresFit

Array = NDArray[np.float64]

IMPRECISE = 1e-9  # relative error of a solution that is worth a warning
SENSITIVE = 1e-3  # relative change by rounding of the data, likewise
FORMER_SOLVERS = ("cholesky", "qr")


class LinearRegression(
    CallbackSupportMixin,  # type: ignore[misc]
    LinearInference,
    SparseCoefficients,
    MultiOutputMixin,  # type: ignore[misc]
    RegressorMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """Least squares: minimises Σ cᵢ ‖yᵢ − W xᵢ − b‖² + alpha ((1 − l1_ratio) ‖W‖² + 2 l1_ratio ‖W‖₁) (section 3.1.1).

    With ``alpha`` this is scikit-learn's ``Ridge``, without it ``LinearRegression``; and with ``l1_ratio`` its
    ``ElasticNet`` and ``Lasso``, whose penalty is alpha / Σ cᵢ. X is dense or sparse. Coefficients
    and predictions are float64, also for float32 features: rounded apart to float32, weights and intercept of features
    far from 0 would predict worse than ``sigma_`` says. With scikit-learn's ``array_api_dispatch`` X may be on another
    device: fitting is on the CPU, predictions are where X is.

    Args:
        fit_intercept: whether b is free; else it is 0.
        alpha: the penalty on weights, not on b; or (q,) one for each target.
        l1_ratio: how much of the penalty is the sum of weights' magnitudes, which leaves features out; from 0 to 1.
        penalty_factors: (d,) what alpha is multiplied by for each feature; 0 leaves its weight free. None is 1.
        positive: whether weights must not be negative.
        lower, upper: bounds of weights, a number or (d,); None is none.
        tol: the gap to reach with l1_ratio, penalty_factors or bounds, relative to the objective.
        max_iter: how many sweeps over features that may take.
        warm_start: with l1_ratio, penalty_factors or bounds: whether ``fit`` begins at the weights that an earlier one
            has found, if features and targets are as many, and they are better than zeros. The minimum is the same, the
            sweeps are fewer. The analytical solution has no start.
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
        rank_: the number of independent features; None where it was not found (many sparse features, or
            "coordinate descent").
        solver_: how the system was solved: "direct"; for more sparse features than a matrix of them takes "conjugate
            gradients", or "lsmr" without a penalty or with a small one; or "coordinate descent" with l1_ratio,
            penalty_factors or bounds.
        objective_: what was minimised, at the coefficients as they are ("coordinate descent"; likewise the next two).
        gap_: an upper bound on how far that is above the minimum.
        converged_: whether that is as small as ``tol`` asks for.
        n_iter_: the number of sweeps, or of corrections, as an array of one number.
        n_features_in_: the number of features d; their names are in ``feature_names_in_``.

    Example:
        >>> from onelayer import LinearRegression, houses
        >>> rows = houses().train
        >>> model = LinearRegression().fit(rows.X, rows.y[:, 0])
        >>> print(model.summary())
                   estimate  std. error        t          p  95% from        to
        intercept   76513.9        3194   23.953  6.14e-116   70250.6   82777.2
        x1          95.9151       1.758   54.559    <1e-300    92.468   99.3622
        x2         -1085.82       29.34  -37.011  2.64e-246  -1143.34  -1028.29
        2930 rows, 2927 degrees of freedom, σ = 46660.4, R² = 0.659081
        adjusted R² = 0.658848, F(2, 2927) = 2829.31, p < 1e-300 for all slopes
        log-likelihood -35655.4, AIC 71316.8, BIC 71334.7
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
        "objective_",
        "gap_",
        "converged_",
        "n_iter_",
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
        **PENALTY_CONSTRAINTS,
        "solver": [StrOptions({"auto", "direct", *FORMER_SOLVERS})],
    }

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        alpha: Any = 0.0,
        l1_ratio: float = 0.0,
        penalty_factors: Any = None,
        positive: bool = False,
        lower: Any = None,
        upper: Any = None,
        solver: str = "auto",
        tol: float = 1e-10,
        max_iter: int = 10_000,
        warm_start: bool = False,
    ) -> None:
        self.fit_intercept = fit_intercept
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.penalty_factors = penalty_factors
        self.positive = positive
        self.lower = lower
        self.upper = upper
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.solver = solver

    @with_callbacks  # type: ignore[untyped-decorator]
    @fits_numpy
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, offset: Any = None) -> Self:
        """Find the exact minimum for features X (n, d), targets y (n,) or (n, q) and weights (n,).

        Args:
            X: features; or the rows of ``onelayer.scan``, which have targets, weights and offset of their own.
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
            ConvergenceWarning: if coordinate descent did not come as near the minimum as ``tol`` asks for.
        """
        check_parameters(self, self._parameter_constraints)
        if self.solver in FORMER_SOLVERS:
            warn_user(f"solver={self.solver!r} is called 'direct' now", FutureWarning)
        given = {"sample_weight": sample_weight, "offset": offset}
        task = FitTask(self, X, y, given)
        if is_scan(X):
            begin_with(self, X, "regression", {"y": y, **given})
            return self._fit_rows(X.less_offset(), X.made.offset is not None, "float64", task)
        X, y = validated_numbers(self, X, y)
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        Y = np.asarray(y, np.float64).reshape(len(y), -1)
        known = target_offset(offset, *Y.shape)
        Y = Y if known is None else Y - known
        return self._fit_rows(
            Rows(X, Y, "regression", weight), known is not None, X.dtype.name, task, y.ndim == 1
        )

    def _fit_rows(
        self, rows: Source, has_offset: bool, dtype: str, task: FitTask, is_vector: bool = True
    ) -> Self:
        """Find the minimum for rows, of whose targets an offset is taken already."""
        self._rows, self._has_offset, self._dtype = rows, has_offset, dtype
        fit = self._minimum(rows)
        self._keep(fit, rows_counted(rows), is_vector)
        self._keep_certificate(fit)
        self._warn(fit)
        task.end()
        return self

    def _keep(self, fit: LeastSquaresFit, n: int, is_vector: bool) -> None:
        """Set the coefficients, and what the residuals say of the noise and of the errors of the coefficients."""
        q, asked = len(fit.weight), self._parameters()
        errors, rank = classical_errors(fit, n, asked.fit_intercept, asked.alpha)
        sigma = np.full(q, np.nan) if rank is None or n <= rank else fit.sigma(n - rank)
        with np.errstate(divide="ignore", invalid="ignore"):
            r2 = np.where(fit.tss > 0, 1 - fit.rss / fit.tss, np.nan)
        intercept, errors = errors[:, -1] if asked.fit_intercept else np.zeros(q), errors[:, :-1]
        self.coef_ = fit.weight[0] if is_vector else fit.weight
        self.intercept_ = fit.bias[0] if is_vector else fit.bias
        self.std_err_ = errors[0] if is_vector else errors
        self.intercept_std_err_ = intercept[0] if is_vector else intercept
        self.sigma_ = sigma[0] if is_vector else sigma
        self.r2_ = r2[0] if is_vector else r2
        self.rank_ = fit.rank
        self.solver_ = fit.solver
        self._n = n
        self._is_perfect = residuals_are_rounding(fit)
        self._log_weights = log_weights(self._rows)
        tss = np.ldexp(fit.tss, fit.exponent)
        self._tss = tss[0] if is_vector else tss
        self._keep_inverse(fit, asked)

    def _warn(self, fit: LeastSquaresFit) -> None:
        d = self.n_features_in_
        if fit.rank is not None and fit.rank < d:
            terms = [*feature_names(self), *(["intercept"] if self.fit_intercept else [])]
            names = [term for term, known in zip(terms, fit.identified, strict=False) if not known]
            warn_user(LinearDependenceWarning(d, fit.rank, names))
        if not fit.error <= IMPRECISE:
            warn_user(PrecisionWarning.of_solution(fit.error))
        elif fit.sensitivity > SENSITIVE and not np.any(self._alpha()):
            warn_user(PrecisionWarning.of_data(fit.sensitivity))

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
        if is_scan(X) and interval is None:
            check_features(self, X)
            refuse_beside_scan({"offset": offset})
            return of_each_row(X, self._predicted_of_block())
        predicted, space = outputs_of(self, X, "predict")
        check_has_offset(offset, self._has_offset)
        known = target_offset(
            to_numpy(offset), predicted.shape[0], predicted.shape[1] if predicted.ndim == 2 else 1
        )
        if known is not None:
            predicted = predicted + in_space(known.reshape(predicted.shape), space)
        if interval is None:
            return predicted
        estimator, numbers = plain(self), to_numpy(predicted)
        X = validate_data(estimator, to_numpy(X), accept_sparse="csr", dtype=DTYPES, reset=False)
        ends = estimator._intervals(X, numbers, interval, level, cov, groups, lags)
        return predicted, in_space(ends, space)

    def predict_to(self, rows: Any, path: str | Path) -> None:
        """Write the predicted targets of ``onelayer.scan``, however many, to a .parquet or .csv file.

        The column is called ``predicted_`` and the target. What the scan leaves out is left out. The file appears when
        it is complete, or not at all.

        Raises:
            OneLayerError: if the scan has other features, a row cannot be read, or the file cannot be written.
        """
        check_scan(self, rows)
        name, predicted = f"predicted_{rows.made.target.name}", self._predicted_of_block()
        write_of_scan(rows, path, lambda block: {name: predicted(block)})

    def score(self, X: Any, y: Any = None, sample_weight: Any = None, offset: Any = None) -> float:
        """Return R² of the predictions for X (n, d) against y (n,) or (n, q), with weights (n,); or for a scan."""
        if is_scan(X):
            check_features(self, X)
            refuse_beside_scan({"y": y, "sample_weight": sample_weight, "offset": offset})
            return r2_of_scan(X, self._predicted_of_block())
        return float(r2_score(y, self.predict(X, offset=offset), sample_weight=sample_weight))

    def _predicted_of_block(self) -> Callable[[Block], Array]:
        """Return what predicts the targets (m,) of a block of a scan."""
        weight, bias = np.ravel(plain(self).coef_), float(np.ravel(plain(self).intercept_)[0])

        def predicted(block: Block) -> Array:
            outputs = np.asarray(block.features() @ weight) + bias
            return outputs if block.offset is None else outputs + block.offset[:, 0]

        return predicted

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

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.array_api_support = True
        return tags
