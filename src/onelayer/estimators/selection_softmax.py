"""Softmax regression that chooses its penalty by rows that the model has not seen."""

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from onelayer.data.rows import Block, Rows
from onelayer.errors import OneLayerError
from onelayer.estimators.offsets import logit_offset
from onelayer.estimators.parameters import (
    DTYPES,
    check_parameters,
    class_weights,
    plain_labels,
    refuse_unlike_numbers,
)
from onelayer.estimators.selection import (
    FOLDS,
    Candidates,
    Errors,
    Split,
    checked_penalties,
    chosen,
    class_splits,
    fold_weights,
    path_of,
    ratios,
    results,
    ridge_penalties,
)
from onelayer.estimators.softmax_regression import SoftmaxRegression
from onelayer.losses import CrossEntropy
from onelayer.penalties import ElasticNet
from onelayer.solvers.fit import Minimum
from onelayer.solvers.penalty_path import PenaltyPath
from onelayer.solvers.warm_starts import minima

Array = NDArray[Any]

PENALTIES = 20
STRONGEST, WEAKEST = (
    10.0,
    1e-6,
)  # ridges beside the sum of the eigenvalues of the Hessian of a model without weights
DECADES = 5  # of ridges below the curvature along a usual feature; above the sum of those of all there is one
SHORTEST = 1e-3  # l1: the weakest beside the strongest, which leaves all features out


class SoftmaxRegressionCV(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Softmax regression with the penalty that predicts best: ``SoftmaxRegression(C=...)`` with C chosen.

    Every model minimises C Σ cᵢ ℓᵢ + penalty(W), over all rows or over those that a fold learns from: C is the same
    number for both, as in scikit-learn's ``LogisticRegressionCV`` and ``GridSearchCV``. Each minimum is searched from
    the one with the next stronger penalty.

    Args:
        Cs: the C to choose from, a list, or how many; None is 20. They are spread evenly in their logarithm: for a
            ridge from what leaves nothing of the weights to 10⁻⁵ times the curvature along a usual feature; for an
            ``l1_ratio`` above 0 over 3 decades from where the first feature comes in.
        l1_ratio, grouped, penalty_factors, bounds: the kind of penalty, as in ``SoftmaxRegression``; ``l1_ratio`` may
            be a list, to choose from too.
        cv: the number of folds, which share each class evenly; the only row of a class is never left out. Or what
            scikit-learn takes: a splitter, or pairs of row numbers.
        rule: "min" for the penalty of the least error; "1se" for the strongest one whose error is at most one standard
            error above that, which is as good as can be told, and simpler.
        scoring: None for the mean cross-entropy, in nats. Or the name of a scorer of scikit-learn, or one itself; then
            the error is minus its score.
        fit_intercept, tol, max_iter, class_weight: as in ``SoftmaxRegression``. Classes are weighed by ``class_weight``
            in learning, with "balanced" by all rows, and not in judging.

    Attributes:
        C_, l1_ratio_: those chosen.
        classes_: the classes (q,), sorted.
        coef_, intercept_, objective_, gap_, n_iter_: of the model with them on all rows, as in ``SoftmaxRegression``.
        estimator_: that model, a ``SoftmaxRegression`` with its file and more.
        cv_results_: ``C`` and ``l1_ratio`` (a,), from the strongest penalty to the weakest for each ratio,
            ``mean_error`` (a,) over rows, its ``standard_error`` (a,), and ``fold_errors`` (a, K).
        path_: of the ratio chosen ``C`` (a,), ``coef`` (a, k, d) and ``intercept`` (a, k) of the models of all rows,
            and ``n_features`` (a,), how many features are in.
        n_features_in_: the number of features d; their names are in ``feature_names_in_``.
    """

    _parameter_constraints = {  # noqa: RUF012 - scikit-learn's form
        "Cs": [None, Interval(Integral, 1, None, closed="left"), "array-like"],
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), "array-like"],
        "grouped": ["boolean"],
        "penalty_factors": ["array-like", None],
        "bounds": [tuple, list, None],
        "cv": ["cv_object"],
        "rule": [StrOptions({"min", "1se"})],
        "scoring": [StrOptions(set(get_scorer_names())), callable, None],
        "fit_intercept": ["boolean"],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [StrOptions({"balanced"}), dict, None],
    }

    def __init__(
        self,
        *,
        Cs: Any = None,
        l1_ratio: Any = 0.0,
        grouped: bool = False,
        penalty_factors: Any = None,
        bounds: Any = None,
        cv: Any = FOLDS,
        rule: str = "min",
        scoring: Any = None,
        fit_intercept: bool = True,
        tol: float = 1e-6,
        max_iter: int = 1000,
        class_weight: Any = None,
    ) -> None:
        self.Cs = Cs
        self.l1_ratio = l1_ratio
        self.grouped = grouped
        self.penalty_factors = penalty_factors
        self.bounds = bounds
        self.cv = cv
        self.rule = rule
        self.scoring = scoring
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.max_iter = max_iter
        self.class_weight = class_weight

    def fit(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None, groups: Any = None) -> Self:
        """Choose the penalty and fit the model with it.

        Args:
            X: features (n, d).
            y: labels (n,) of any type.
            sample_weight: weights (n,).
            offset: as in ``SoftmaxRegression.fit``.
            groups: (n,) for splitters that keep groups together.

        Raises:
            OneLayerError: if a parameter is out of range, y has one class only, or a fold leaves a class out.
            ValueError: if X or y are malformed.

        Warns:
            ConvergenceWarning: if the model chosen is not as near its minimum as ``tol`` asks for.
        """
        check_parameters(self, self._parameter_constraints)
        refuse_unlike_numbers(X)
        table, target = X, y
        X, y = validate_data(
            self, X, plain_labels(y), accept_sparse="csr", dtype=DTYPES, ensure_min_samples=2
        )
        X = sparse.csr_array(X) if sparse.issparse(X) else X
        check_classification_targets(y)
        self.classes_, labels = np.unique(y, return_inverse=True)
        q = len(self.classes_)
        if q < 2:
            raise OneLayerError(
                f"y has one class only, {self.classes_.tolist()[0]!r}: there is nothing to tell apart"
            )
        c = np.ones(len(y))
        if sample_weight is not None:
            c = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        splits = class_splits(FOLDS if self.cv is None else self.cv, X, y, labels, c, groups)
        judged = Rows(X, labels, "classes", c, offset=logit_offset(offset, len(y), q))
        taught = judged
        if self.class_weight is not None:
            weights = c * class_weights(self.class_weight, self.classes_, labels, c)[labels]
            taught = Rows(X, labels, "classes", weights, offset=judged.offset)
        candidates = [self._candidates(taught, judged, splits, ratio) for ratio in ratios(self.l1_ratio)]
        best, number = chosen(candidates, self.rule)
        self.C_, self.l1_ratio_ = float(best.penalties[number]), best.l1_ratio
        self.cv_results_, self.path_ = results("C", candidates), path_of("C", best)
        self.estimator_ = self._model(self.C_, self.l1_ratio_)
        self.estimator_.fit(table, target, sample_weight, offset=offset)
        for name in ("coef_", "intercept_", "objective_", "gap_", "n_iter_"):
            setattr(self, name, getattr(self.estimator_, name))
        return self

    def _model(self, C: float, l1_ratio: float) -> SoftmaxRegression:
        return SoftmaxRegression(
            C=C,
            l1_ratio=l1_ratio,
            grouped=self.grouped,
            penalty_factors=self.penalty_factors,
            bounds=self.bounds,
            fit_intercept=self.fit_intercept,
            tol=self.tol,
            max_iter=self.max_iter,
            class_weight=self.class_weight,
        )

    def _candidates(self, taught: Rows, judged: Rows, splits: Sequence[Split], ratio: float) -> Candidates:
        """Return the path for one kind of penalty, and its errors by folds."""
        Cs, d = self._penalties(taught, ratio), taught.n_features
        penalties = [self._model(float(C), ratio)._penalty(d) for C in Cs]
        errors = np.empty((len(Cs), len(splits)))
        for k, (train, test) in enumerate(splits):
            fits = self._minima(taught.take(train), penalties)
            errors[:, k] = [self._error(fit, judged.take(test)) for fit in fits]
        fits = self._minima(taught, penalties)
        weight, bias = np.stack([fit.weight for fit in fits]), np.stack([fit.bias for fit in fits])
        return Candidates(ratio, Cs, weight, bias, Errors.of_folds(errors, fold_weights(splits, judged.c)))

    def _minima(self, rows: Rows, penalties: Sequence[Any]) -> list[Minimum]:
        rows = rows if rows.c is None or rows.c.all() else rows.take(rows.c > 0)
        loss = CrossEntropy(len(self.classes_))
        return list(minima(rows, loss, penalties, self.fit_intercept, self.tol, self.max_iter))

    def _penalties(self, rows: Rows, ratio: float) -> Array:
        """Return the C (a,), from the strongest penalty to the weakest."""
        given = checked_penalties(self.Cs, "Cs")
        if given is not None:
            return np.sort(given)
        n, q = PENALTIES if self.Cs is None else int(self.Cs), len(self.classes_)
        penalty = self._model(1.0, ratio)._penalty(rows.n_features)
        if isinstance(penalty, ElasticNet) and np.any(penalty.l1):
            critical = PenaltyPath(rows, CrossEntropy(q), self.fit_intercept).critical(penalty)
            return np.geomspace(1, 1 / SHORTEST, n) / (critical or 1.0)
        curvature = (1 - 1 / q) / q  # of the loss, where all classes are as probable
        return 1 / (curvature * ridge_penalties(rows, self.fit_intercept, n, DECADES))

    def _error(self, fit: Minimum, rows: Rows) -> float:
        """Return the mean error of a model on some rows, 0 if none has a weight."""
        c = rows.gathered().row_weights()
        if not c.any():
            return 0.0
        if self.scoring is None:
            return _cross_entropy(fit, rows, len(self.classes_)) / float(c.sum())
        model = _Judged()
        model.classes_, model.n_features_in_ = self.classes_, rows.n_features
        model.coef_, model.intercept_, model._known = fit.weight, fit.bias, rows.offset
        weighed = {} if (c == 1).all() else {"sample_weight": c}
        return -float(get_scorer(self.scoring)(model, rows.X, self.classes_[rows.y], **weighed))

    def decision_function(self, X: Any, offset: Any = None) -> Any:
        """Return the logits (n, q) of features X (n, d), or (n,) with two classes; see ``SoftmaxRegression``."""
        check_is_fitted(self)
        return self.estimator_.decision_function(X, offset=offset)

    def predict(self, X: Any, offset: Any = None) -> Any:
        """Return the most probable class (n,) for features X (n, d)."""
        check_is_fitted(self)
        return self.estimator_.predict(X, offset=offset)

    def predict_proba(self, X: Any, offset: Any = None) -> Any:
        """Return the probability of each class (n, q) for features X (n, d)."""
        check_is_fitted(self)
        return self.estimator_.predict_proba(X, offset=offset)

    def predict_log_proba(self, X: Any, offset: Any = None) -> Any:
        """Return the logarithm of each class's probability (n, q) for features X (n, d)."""
        check_is_fitted(self)
        return self.estimator_.predict_log_proba(X, offset=offset)

    def score(self, X: Any, y: Any, sample_weight: Any = None, offset: Any = None) -> float:
        """Return the share of the rows X (n, d), y (n,), in proportion to their weights (n,), whose class is right."""
        check_is_fitted(self)
        return float(self.estimator_.score(X, y, sample_weight, offset))

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class _Judged(SoftmaxRegression):
    """A model for scorers, which know nothing of offsets: it has that of the rows it is judged on."""

    _known: Array | None

    def decision_function(self, X: Any, offset: Any = None) -> Any:
        """Return the logits with the offset."""
        return super().decision_function(X, offset=self._known)


def _cross_entropy(fit: Minimum, rows: Rows, q: int) -> float:
    """Return the sum over rows, by their weights, of the cross-entropy of a model."""
    loss = CrossEntropy(q)

    def terms(block: Block) -> list[float]:
        outputs = np.ascontiguousarray((block.features() @ fit.weight.T + fit.bias).T)
        outputs = outputs if block.offset is None else outputs + block.offset.T
        return [float(block.row_weights() @ loss.at(outputs, block.y)[0])]

    return float(rows.sum(terms)[0])
