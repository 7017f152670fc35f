"""Softmax regression that chooses its penalty by rows that the model has not seen."""

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.metrics import get_scorer, get_scorer_names
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from onelayer.data.rows import Divisible, Rows
from onelayer.errors import OneLayerError
from onelayer.estimators.array_api import Space, to_numpy
from onelayer.estimators.callbacks import FitTask, with_callbacks
from onelayer.estimators.chosen_model import ChosenModel
from onelayer.estimators.offsets import logit_offset
from onelayer.estimators.parameters import (
    DTYPES,
    check_parameters,
    class_weights,
    plain_labels,
    refuse_unlike_numbers,
)
from onelayer.estimators.scans import begin_with, is_scan, labels_of_scan, weighed_classes
from onelayer.estimators.selection import (
    path_of,
    ratios,
    results,
    row_splits,
    scan_splits,
    warn_of_unconverged,
)
from onelayer.estimators.softmax_regression import SoftmaxRegression
from onelayer.selection.choice import Rule
from onelayer.selection.softmax import PENALTIES, choose_C
from onelayer.selection.splits import FOLDS, splits_by, spread
from onelayer.solvers.fit import Minimum
from onelayer.solvers.folds import Split

Array = NDArray[Any]


class SoftmaxRegressionCV(ChosenModel, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Softmax regression with the penalty that predicts best: ``SoftmaxRegression(C=...)`` with C chosen.

    Every model minimises C Σ cᵢ ℓᵢ + penalty(W), over all rows or over those that a fold learns from: C is the same
    number for both, as in scikit-learn's ``LogisticRegressionCV`` and ``GridSearchCV``. Each minimum is searched from
    the one with the next stronger penalty.

    Callbacks (``set_callbacks``, with scikit-learn 1.9 or later) are told when the models of a path have been found, on
    the rows of each fold and on all of them, for each ``l1_ratio``.

    Args:
        Cs: the C to choose from, a list, or how many; None is 20. They are spread evenly in their logarithm: for a
            ridge from what leaves nothing of the weights to 10⁻⁵ times the curvature along a usual feature; for an
            ``l1_ratio`` above 0 over 3 decades from where the first feature comes in.
        l1_ratio, grouped, penalty_factors, lower, upper: the kind of penalty, as in ``SoftmaxRegression``; ``l1_ratio``
            may be a list, to choose from too.
        cv: the number of folds, which share each class evenly; the only row of a class is never left out. Or what
            scikit-learn takes: a splitter, or pairs of row numbers. Of a scan parts of the files are left out.
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
            ``mean_error`` (a,) over rows, its ``standard_error`` (a,), whether all models with it have ``converged``
            (a,), and ``fold_errors`` (a, K).
        path_: of the ratio chosen ``C`` (a,), ``coef`` (a, k, d) and ``intercept`` (a, k) of the models of all rows,
            and ``n_features`` (a,), how many features are in.
        n_features_in_: the number of features d; their names are in ``feature_names_in_``.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from onelayer import SoftmaxRegressionCV
        >>> X, y = load_iris(return_X_y=True)
        >>> model = SoftmaxRegressionCV(cv=5).fit(X, y)
        >>> round(model.score(X, y), 3), len(model.path_["C"])
        (0.98, 20)
    """

    _parameter_constraints = {  # noqa: RUF012 - scikit-learn's form
        "Cs": [None, Interval(Integral, 1, None, closed="left"), "array-like"],
        "l1_ratio": [Interval(Real, 0, 1, closed="both"), "array-like"],
        "grouped": ["boolean"],
        "penalty_factors": ["array-like", None],
        "lower": [Real, "array-like", None],
        "upper": [Real, "array-like", None],
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
        lower: Any = None,
        upper: Any = None,
        cv: Any = FOLDS,
        rule: Rule = "min",
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
        self.lower = lower
        self.upper = upper
        self.cv = cv
        self.rule = rule
        self.scoring = scoring
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.max_iter = max_iter
        self.class_weight = class_weight

    @with_callbacks  # type: ignore[untyped-decorator]
    def fit(
        self, X: Any, y: Any = None, sample_weight: Any = None, offset: Any = None, groups: Any = None
    ) -> Self:
        """Choose the penalty and fit the model with it.

        Args:
            X: features (n, d), or the rows of ``onelayer.scan``, of which folds leave out parts of the files.
            y: labels (n,) of any type; None with a scan, which names its own.
            sample_weight: weights (n,).
            offset: as in ``SoftmaxRegression.fit``.
            groups: (n,) for splitters that keep groups together.

        Raises:
            OneLayerError: if a parameter is out of range, y has one class only, or a fold leaves a class out.
            ValueError: if X or y are malformed.

        Warns:
            ConvergenceWarning: if a model, of a fold too, is not as near its minimum as ``tol`` asks for.
        """
        check_parameters(self, self._parameter_constraints)
        given = {"sample_weight": sample_weight, "offset": offset, "groups": groups}
        if is_scan(X):
            begin_with(self, X, "classes", {"y": y, **given})
            self._fit_scan(X)
        else:
            self._fit_table(X, y, sample_weight, offset, groups)
        for name in ("classes_", "coef_", "intercept_", "objective_", "gap_", "n_iter_"):
            setattr(self, name, getattr(self.estimator_, name))
        return self

    def _fit_scan(self, rows: Any) -> None:
        if self.scoring is not None:
            raise OneLayerError("scorers take rows in memory: leave scoring out, or read the rows")
        self.classes_, splits = labels_of_scan(rows), scan_splits(self.cv, rows)
        task = self._task(rows, None, {}, splits)
        self._choose(weighed_classes(rows, self.class_weight, self.classes_), rows, splits, task)
        self.estimator_.fit(rows)
        task.end()

    def _fit_table(self, X: Any, y: Any, sample_weight: Any, offset: Any, groups: Any) -> None:
        data = X, y, {"sample_weight": sample_weight, "offset": offset, "groups": groups}
        X, y, sample_weight, offset, groups = map(to_numpy, (X, y, sample_weight, offset, groups))
        refuse_unlike_numbers(X)
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
        judged = Rows(X, labels, "classes", c, offset=logit_offset(offset, len(y), q))
        taught = judged
        if self.class_weight is not None:
            weights = c * class_weights(self.class_weight, self.classes_, labels, c)[labels]
            taught = Rows(X, labels, "classes", weights, offset=judged.offset)
        splits = self._splits(X, y, labels, groups)
        task = self._task(*data, splits)
        self._choose(taught, judged, splits, task)
        self.estimator_.fit(*data[:2], sample_weight, offset=offset)
        task.end()

    def _task(self, X: Any, y: Any, given: dict[str, Any], splits: list[Split]) -> FitTask:
        n_paths = len(ratios(self.l1_ratio)) * (len(splits) + 1)
        return FitTask(self, X, y, given, n_steps=n_paths, step_name="path")

    def _choose(self, taught: Divisible, judged: Divisible, splits: list[Split], task: FitTask) -> None:
        """Choose the penalty by models of rows with weights to learn by and to judge by, and make the model with it."""
        choice = choose_C(
            taught,
            self.classes_.tolist(),
            {ratio: self._model(1.0, ratio)._penalty(taught.n_features) for ratio in ratios(self.l1_ratio)},
            PENALTIES if self.Cs is None else self.Cs,
            splits,
            fit_intercept=self.fit_intercept,
            rule=self.rule,
            tol=self.tol,
            max_iter=self.max_iter,
            judged=judged,
            judge=None if self.scoring is None else self._scored,
            on_path=task.on_step,
        )
        warn_of_unconverged(choice, self.tol)
        self.C_, self.l1_ratio_ = choice.penalty, choice.l1_ratio
        self.cv_results_, self.path_ = results("C", choice), path_of("C", choice)
        self.estimator_ = self._model(self.C_, self.l1_ratio_)

    def _model(self, C: float, l1_ratio: float) -> SoftmaxRegression:
        return SoftmaxRegression(
            C=C,
            l1_ratio=l1_ratio,
            grouped=self.grouped,
            penalty_factors=self.penalty_factors,
            lower=self.lower,
            upper=self.upper,
            fit_intercept=self.fit_intercept,
            tol=self.tol,
            max_iter=self.max_iter,
            class_weight=self.class_weight,
        )

    def _splits(self, X: Any, y: Any, labels: NDArray[np.int64], groups: Any) -> list[Split]:
        cv = FOLDS if self.cv is None else self.cv
        if isinstance(cv, int | np.integer):
            return splits_by(spread(labels, int(cv)))
        return row_splits(cv, X, y, groups)

    def _scored(self, fit: Minimum, rows: Rows) -> float:
        """Return minus the score of a model on some rows."""
        model, c = _Judged(), rows.gathered().row_weights()
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


class _Judged(SoftmaxRegression):
    """A model for scorers, which know nothing of offsets: it has that of the rows it is judged on."""

    _known: Array | None

    def _logits(self, X: Any, offset: Any, method: str) -> tuple[Array, Space | None]:
        return super()._logits(X, self._known, method)
