"""Softmax regression, to its minimum, behind scikit-learn's contract."""

import warnings
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags, compute_class_weight
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from onelayer.errors import OneLayerError
from onelayer.estimators.files import Saved
from onelayer.solvers.softmax import softmax_regression

DTYPES = (np.float64, np.float32)


class SoftmaxRegression(Saved, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Softmax regression: minimises ½ ‖W‖² + C Σ cᵢ ℓ(W xᵢ + b, yᵢ) with the cross-entropy ℓ (section 3.4).

    The objective is that of scikit-learn's ``LogisticRegression``; with two classes too, there is one output, the
    logit of the second. Features need not be scaled: the method does not depend on their units. X is dense or sparse;
    float32 features give float32 coefficients.

    Args:
        C: the weight of the data against the penalty on W; b is not penalised.
        fit_intercept: whether b is free; else it is 0.
        tol: how far from the minimum the objective may be, relative to itself.
        max_iter: the largest number of steps.
        class_weight: "balanced" for weights that make the classes count alike, a dictionary from class to weight,
            or None.

    Attributes:
        classes_: the classes (q,), sorted.
        coef_: W (q, d), or (1, d) with two classes.
        intercept_: b (q,), or (1,).
        objective_: the objective reached.
        gap_: an upper bound on how far that is above the minimum; both are of the coefficients before they are
            rounded to float32, if the features are float32.
        converged_: whether the gap is at most ``tol`` times the objective.
        n_iter_: how often the objective was evaluated.
        history_: the objective each time (n_iter_,).
        n_features_in_: the number of features d; their names are in ``feature_names_in_``.
    """

    _saved = (
        "coef_",
        "intercept_",
        "classes_",
        "objective_",
        "gap_",
        "converged_",
        "n_iter_",
        "history_",
        "n_features_in_",
        "feature_names_in_",
    )

    def __init__(
        self,
        C: float = 1.0,
        fit_intercept: bool = True,
        tol: float = 1e-6,
        max_iter: int = 1000,
        class_weight: Any = None,
    ) -> None:
        self.C = C
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.max_iter = max_iter
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Find the minimum for features X (n, d), labels y (n,) of any type, and weights (n,).

        Raises:
            OneLayerError: if a parameter is out of range, or y has one class only.
            ValueError: if X or y are malformed.

        Warns:
            ConvergenceWarning: if the gap is still larger than ``tol`` allows; it says how large.
        """
        for name, value, is_right in (
            ("C", self.C, 0 < self.C < np.inf),
            ("tol", self.tol, 0 < self.tol < np.inf),
            ("max_iter", self.max_iter, self.max_iter >= 1),
        ):
            if not is_right:
                raise OneLayerError(f"{name} must be a positive number, not {value!r}")
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=DTYPES)
        check_classification_targets(y)
        weights = np.ones(len(y))
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        self.classes_, labels = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise OneLayerError(f"y has one class only, {self.classes_[0]!r}: there is nothing to tell apart")
        if self.class_weight is not None:
            by_class = compute_class_weight(
                self.class_weight, classes=self.classes_, y=y, sample_weight=weights
            )
            weights = weights * by_class[labels]
        counted = weights > 0
        if not counted.all():
            X, labels, weights = X[counted], labels[counted], weights[counted]
        self._minimise(X, labels, weights)
        return self

    def _minimise(self, X: Any, labels: NDArray[np.int64], weights: NDArray[np.float64]) -> None:
        fit = softmax_regression(
            X, labels, len(self.classes_), weights, 1 / self.C, self.fit_intercept, self.tol, self.max_iter
        )
        self.coef_ = fit.weight.astype(X.dtype)
        self.intercept_ = fit.bias.astype(X.dtype)
        self.objective_, self.gap_ = self.C * fit.objective, self.C * fit.gap
        self.converged_ = bool(fit.converged)
        self.history_ = [self.C * value for value in fit.history]
        self.n_iter_ = len(self.history_)
        if not fit.converged:
            stopped = "max_iter was reached" if self.n_iter_ > self.max_iter else "rounding allows no more"
            warnings.warn(
                f"the objective, {self.objective_:.6g}, is above its minimum by at most {self.gap_:.2g}, or "
                f"{self.gap_ / self.objective_:.1e} of itself; tol asks for {self.tol:.1e}, but {stopped}",
                ConvergenceWarning,
                stacklevel=3,
            )

    def decision_function(self, X: Any) -> NDArray[Any]:
        """Return the logits (n, q) of features X (n, d), or (n,) with two classes."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=DTYPES, reset=False)
        logits = np.asarray(X @ self.coef_.T + self.intercept_)
        return logits[:, 0] if len(self.classes_) == 2 else logits

    def predict(self, X: Any) -> NDArray[Any]:
        """Return the most probable class (n,) for features X (n, d)."""
        logits = self.decision_function(X)
        return np.asarray(
            self.classes_[(logits > 0).astype(int) if logits.ndim == 1 else logits.argmax(axis=1)]
        )

    def predict_proba(self, X: Any) -> NDArray[Any]:
        """Return the probability of each class (n, q) for features X (n, d)."""
        logits = self.decision_function(X)
        if logits.ndim == 1:
            return np.stack([expit(-logits), expit(logits)], axis=1)
        return np.asarray(softmax(logits, axis=1))

    def predict_log_proba(self, X: Any) -> NDArray[Any]:
        """Return the logarithm of each class's probability (n, q) for features X (n, d)."""
        logits = self.decision_function(X)
        if logits.ndim == 1:
            return np.stack([log_expit(-logits), log_expit(logits)], axis=1)
        return np.asarray(log_softmax(logits, axis=1))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags
