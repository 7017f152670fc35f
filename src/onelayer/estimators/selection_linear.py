"""Linear regression that chooses its penalty by rows that the model has not seen."""

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from onelayer.data.rows import Divisible, Rows
from onelayer.estimators.array_api import to_numpy
from onelayer.estimators.callbacks import FitTask, with_callbacks
from onelayer.estimators.chosen_model import ChosenModel
from onelayer.estimators.linear_penalty import PENALTY_CONSTRAINTS
from onelayer.estimators.linear_regression import LinearRegression
from onelayer.estimators.offsets import target_offset
from onelayer.estimators.parameters import DTYPES, check_parameters, refuse_unlike_numbers
from onelayer.estimators.scans import begin_with, is_scan
from onelayer.estimators.selection import (
    path_of,
    ratios,
    results,
    row_splits,
    scan_splits,
    warn_of_unconverged,
)
from onelayer.selection.choice import Rule
from onelayer.selection.least_squares import PENALTIES, choose_alpha, is_ridge
from onelayer.selection.splits import FOLDS
from onelayer.solvers.folds import Split
from onelayer.solvers.net_path import Family


class LinearRegressionCV(
    ChosenModel,
    MultiOutputMixin,  # type: ignore[misc]
    RegressorMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """Least squares with the penalty that predicts best: ``LinearRegression(alpha=...)`` with alpha chosen.

    Every model minimises Σ cᵢ ‖yᵢ − W xᵢ − b‖² + alpha ((1 − l1_ratio) ‖W‖² + 2 l1_ratio ‖W‖₁), over all rows or over
    those that a fold learns from: alpha is the same number for both, as in scikit-learn's ``RidgeCV``,
    ``LogisticRegressionCV`` and ``GridSearchCV``. Its ``ElasticNetCV``, and R's ``cv.glmnet``, hold the penalty per row
    a = alpha / Σ cᵢ instead: of K like folds, their a says in a fold what our alpha = a Σ cᵢ (K − 1) / K does. Errors
    are means of squares over rows, by their weights, and over targets.

    Args:
        alphas: penalties to choose from, a list, or how many; None is 100. They are spread evenly in their logarithm:
            those of a ridge from 10 times the sum of squares of the centred features to 10⁻⁶ times that of a usual one,
            their median; with an ``l1_ratio`` from the least that leaves all features out to 10⁻⁴ of it, or 10⁻² if
            features outnumber rows.
        l1_ratio, penalty_factors, positive, lower, upper: the kind of penalty, as in ``LinearRegression``; ``l1_ratio``
            may be a list, to choose from too.
        cv: a number of folds, not shuffled; or what scikit-learn takes: a splitter, or pairs of row numbers. None is
            leave-one-out, in closed form, for a ridge alone, and 5 folds for other kinds of penalties and for scans.
        rule: "min" for the penalty of the least error; "1se" for the strongest one whose error is at most one standard
            error above that, which is as good as can be told, and simpler.
        fit_intercept: whether b is free; else it is 0.
        tol: the gap to reach with l1_ratio, penalty_factors or bounds, relative to the objective, by each model.
        max_iter: how many sweeps over features that may take.

    Attributes:
        alpha_, l1_ratio_: those chosen.
        coef_, intercept_, n_iter_: of the model with them on all rows, as those of ``LinearRegression``.
        estimator_: that model, a ``LinearRegression`` with its summary and its file.
        cv_results_: ``alpha`` and ``l1_ratio`` (a,), from the strongest penalty to the weakest for each ratio,
            ``mean_error`` (a,) over rows, its ``standard_error`` (a,), whether all models with it have
            ``converged`` (a,), and with folds ``fold_errors`` (a, K).
        path_: of the ratio chosen ``alpha`` (a,), ``coef`` (a, d) or (a, q, d), ``intercept`` (a,) or (a, q) of the
            models of all rows, and ``n_features`` (a,), how many features are in.
        n_features_in_: the number of features d; their names are in ``feature_names_in_``.

    Example:
        >>> from sklearn.datasets import load_diabetes
        >>> from onelayer import LinearRegressionCV
        >>> X, y = load_diabetes(return_X_y=True)
        >>> model = LinearRegressionCV(l1_ratio=1.0, cv=5, rule="1se").fit(X, y)
        >>> int((model.coef_ != 0).sum()), round(model.score(X, y), 3)
        (6, 0.5)
    """

    _parameter_constraints = {  # noqa: RUF012 - scikit-learn's form
        **{
            name: PENALTY_CONSTRAINTS[name]
            for name in PENALTY_CONSTRAINTS
            if name not in ("alpha", "warm_start")
        },
        "alphas": [None, Interval(Integral, 1, None, closed="left"), "array-like"],
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), "array-like"],
        "cv": ["cv_object"],
        "rule": [StrOptions({"min", "1se"})],
        "fit_intercept": ["boolean"],
    }

    def __init__(
        self,
        *,
        alphas: Any = None,
        l1_ratio: Any = 0.0,
        penalty_factors: Any = None,
        positive: bool = False,
        lower: Any = None,
        upper: Any = None,
        cv: Any = None,
        rule: Rule = "min",
        fit_intercept: bool = True,
        tol: float = 1e-8,
        max_iter: int = 10_000,
    ) -> None:
        self.alphas = alphas
        self.l1_ratio = l1_ratio
        self.penalty_factors = penalty_factors
        self.positive = positive
        self.lower = lower
        self.upper = upper
        self.cv = cv
        self.rule = rule
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.max_iter = max_iter

    @with_callbacks  # type: ignore[untyped-decorator]
    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, offset: Any = None, groups: Any = None
    ) -> Self:
        """Choose the penalty and fit the model with it.

        Args:
            X: features (n, d), or the rows of ``onelayer.scan``, of which folds leave out parts of the files.
            y: targets (n,) or (n, q); None with a scan, which names its own.
            sample_weight: weights (n,).
            offset: as in ``LinearRegression.fit``.
            groups: (n,) for splitters that keep groups together.

        Raises:
            OneLayerError: if a parameter is out of range, or a fold or a row left out leaves nothing to learn from.
            ValueError: if X or y are malformed.

        Warns:
            ConvergenceWarning: if a model, of a fold too, is not as near its minimum as ``tol`` asks for.
        """
        check_parameters(self, self._parameter_constraints)
        given = {"sample_weight": sample_weight, "offset": offset, "groups": groups}
        task = FitTask(self, X, y, given)
        if is_scan(X):
            begin_with(self, X, "regression", {"y": y, **given})
            self._choose(X, scan_splits(self.cv, X), True)
            self.estimator_.fit(X)
        else:
            self._fit_table(X, y, sample_weight, offset, groups)
        for name in ("coef_", "intercept_", "n_iter_"):
            setattr(self, name, getattr(self.estimator_, name))
        task.end()
        return self

    def _fit_table(self, X: Any, y: Any, sample_weight: Any, offset: Any, groups: Any) -> None:
        table, target = X, y
        X, y, sample_weight, offset, groups = map(to_numpy, (X, y, sample_weight, offset, groups))
        refuse_unlike_numbers(X)
        refuse_unlike_numbers(y)
        how = {"accept_sparse": "csr", "dtype": DTYPES, "y_numeric": True, "multi_output": True}
        X, y = validate_data(self, X, y, ensure_min_samples=2, **how)
        c = None
        if sample_weight is not None:
            c = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        Y = np.asarray(y, np.float64).reshape(len(y), -1)
        rows = Rows(X, Y, "regression", c, offset=target_offset(offset, *Y.shape))
        cv = FOLDS if self.cv is None and not all(map(is_ridge, self._families(rows))) else self.cv
        self._choose(rows, None if cv is None else row_splits(cv, X, y, groups), y.ndim == 1)
        self.estimator_.fit(table, target, sample_weight, offset=offset)

    def _families(self, rows: Divisible) -> list[Family]:
        return [self._model(1.0, ratio)._family(rows.n_features) for ratio in ratios(self.l1_ratio)]

    def _choose(self, rows: Divisible, splits: list[Split] | None, is_vector: bool) -> None:
        """Choose the penalty, and make the model that is to be fitted with it."""
        choice = choose_alpha(
            rows,
            self._families(rows),
            PENALTIES if self.alphas is None else self.alphas,
            splits,
            fit_intercept=self.fit_intercept,
            rule=self.rule,
            tol=float(self.tol),
            max_iter=int(self.max_iter),
        )
        warn_of_unconverged(choice, self.tol)
        self.alpha_, self.l1_ratio_ = choice.penalty, choice.l1_ratio
        self.cv_results_, self.path_ = results("alpha", choice), path_of("alpha", choice, is_vector)
        self.estimator_ = self._model(self.alpha_, self.l1_ratio_)

    def _model(self, alpha: float, l1_ratio: float) -> LinearRegression:
        return LinearRegression(
            alpha=alpha,
            l1_ratio=l1_ratio,
            penalty_factors=self.penalty_factors,
            positive=self.positive,
            lower=self.lower,
            upper=self.upper,
            fit_intercept=self.fit_intercept,
            tol=self.tol,
            max_iter=self.max_iter,
        )

    def predict(self, X: Any, offset: Any = None) -> Any:
        """Return the predicted targets (n,) or (n, q) for features X (n, d), with their offset if ``fit`` had one."""
        check_is_fitted(self)
        return self.estimator_.predict(X, offset=offset)

    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """Return R² of the predictions for X (n, d) against y (n,) or (n, q), with weights (n,)."""
        check_is_fitted(self)
        return float(self.estimator_.score(X, y, sample_weight, offset))
