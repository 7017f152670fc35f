"""Linear regression that chooses its penalty by rows that the model has not seen."""

from numbers import Integral
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MultiOutputMixin, RegressorMixin
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from onelayer.data.rows import Rows
from onelayer.estimators.linear_regression import LinearRegression
from onelayer.estimators.offsets import target_offset
from onelayer.estimators.parameters import DTYPES, check_parameters, refuse_unlike_numbers
from onelayer.estimators.selection import (
    Candidates,
    Errors,
    checked_penalties,
    chosen,
    fold_weights,
    path_of,
    results,
    ridge_penalties,
    row_splits,
)
from onelayer.solvers.ridge_folds import fold_errors
from onelayer.solvers.ridge_path import leave_one_out

PENALTIES = 100
DECADES = 6  # of penalties below the squares of a usual column; above the sum of those of all there is one


class LinearRegressionCV(MultiOutputMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Least squares with the penalty that predicts best: ``LinearRegression(alpha=...)`` with alpha chosen.

    Every model minimises Σ cᵢ ‖yᵢ − W xᵢ − b‖² + alpha ‖W‖², over all rows or over those that a fold learns from: alpha
    is the same number for both, as in scikit-learn's ``RidgeCV`` and ``GridSearchCV``. Errors are means of squares over
    rows, by their weights, and over targets.

    Args:
        alphas: penalties to choose from, a list, or how many; None is 100. They are spread evenly in their logarithm,
            from 10 times the sum of squares of the centred features to 10⁻⁶ times that of a usual one, their median.
        cv: None for leave-one-out, in closed form; a number of folds, not shuffled; or what scikit-learn takes: a
            splitter, or pairs of row numbers.
        rule: "min" for the penalty of the least error; "1se" for the strongest one whose error is at most one standard
            error above that, which is as good as can be told, and simpler.
        fit_intercept: whether b is free; else it is 0.

    Attributes:
        alpha_: the penalty chosen.
        coef_, intercept_: of the model with it on all rows, as those of ``LinearRegression``.
        estimator_: that model, a ``LinearRegression`` with its summary and its file.
        cv_results_: ``alpha`` (a,) from the strongest to the weakest, ``mean_error`` (a,) and its ``standard_error``
            (a,), and with folds ``fold_errors`` (a, K).
        path_: ``alpha`` (a,), ``coef`` (a, d) or (a, q, d), ``intercept`` (a,) or (a, q) of the models of all rows, and
            ``n_features`` (a,), how many features are in.
        n_features_in_: the number of features d; their names are in ``feature_names_in_``.
    """

    _parameter_constraints = {  # noqa: RUF012 - scikit-learn's form
        "alphas": [None, Interval(Integral, 1, None, closed="left"), "array-like"],
        "cv": ["cv_object"],
        "rule": [StrOptions({"min", "1se"})],
        "fit_intercept": ["boolean"],
    }

    def __init__(
        self, *, alphas: Any = None, cv: Any = None, rule: str = "min", fit_intercept: bool = True
    ) -> None:
        self.alphas = alphas
        self.cv = cv
        self.rule = rule
        self.fit_intercept = fit_intercept

    def fit(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None, groups: Any = None) -> Self:
        """Choose the penalty and fit the model with it.

        Args:
            X: features (n, d).
            y: targets (n,) or (n, q).
            sample_weight: weights (n,).
            offset: as in ``LinearRegression.fit``.
            groups: (n,) for splitters that keep groups together.

        Raises:
            OneLayerError: if a parameter is out of range, or a fold or a row left out leaves nothing to learn from.
            ValueError: if X or y are malformed.
        """
        check_parameters(self, self._parameter_constraints)
        refuse_unlike_numbers(X)
        refuse_unlike_numbers(y)
        table, target = X, y
        how = {"accept_sparse": "csr", "dtype": DTYPES, "y_numeric": True, "multi_output": True}
        X, y = validate_data(self, X, y, ensure_min_samples=2, **how)
        c = None
        if sample_weight is not None:
            c = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        Y = np.asarray(y, np.float64).reshape(len(y), -1)
        rows = Rows(X, Y, "regression", c, offset=target_offset(offset, *Y.shape))
        alphas = self._penalties(rows)
        if self.cv is None:
            left_out = leave_one_out(rows, alphas, self.fit_intercept)
            errors, path = Errors(left_out.error, left_out.standard_error), left_out.path
        else:
            splits = row_splits(self.cv, X, y, groups)
            of_folds = fold_errors(rows, splits, alphas, self.fit_intercept)
            errors, path = Errors.of_folds(of_folds.errors, fold_weights(splits, c)), of_folds.path
        candidates = [Candidates(0.0, alphas, path.weight, path.bias, errors)]
        best, number = chosen(candidates, self.rule)
        self.alpha_ = float(best.penalties[number])
        self.cv_results_, self.path_ = results("alpha", candidates), path_of("alpha", best, y.ndim == 1)
        model = LinearRegression(alpha=self.alpha_, fit_intercept=self.fit_intercept)
        self.estimator_ = model.fit(table, target, sample_weight, offset=offset)
        self.coef_, self.intercept_ = model.coef_, model.intercept_
        return self

    def _penalties(self, rows: Rows) -> NDArray[np.float64]:
        """Return the penalties (a,), from the strongest to the weakest."""
        given = checked_penalties(self.alphas, "alphas")
        if given is not None:
            return np.sort(given)[::-1]
        n = PENALTIES if self.alphas is None else int(self.alphas)
        return ridge_penalties(rows, self.fit_intercept, n, DECADES)

    def predict(self, X: Any, offset: Any = None) -> NDArray[np.float64]:
        """Return the predicted targets (n,) or (n, q) for features X (n, d), with their offset if ``fit`` had one."""
        check_is_fitted(self)
        return np.asarray(self.estimator_.predict(X, offset=offset))

    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """Return R² of the predictions for X (n, d) against y (n,) or (n, q), with weights (n,)."""
        check_is_fitted(self)
        return float(self.estimator_.score(X, y, sample_weight, offset))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
