"""Softmax regression, to its minimum or by minibatch SGD, behind scikit-learn's contract."""

import warnings
from dataclasses import replace
from numbers import Integral, Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags, check_random_state
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from onelayer.data.rows import Rows
from onelayer.data.scaling import RunningMoments
from onelayer.errors import OneLayerError, torch_needed
from onelayer.estimators.files import BY_ONE_SOLVER, COVARIANCE
from onelayer.estimators.onnx_export import write_softmax_regression
from onelayer.estimators.parameters import (
    DTYPES,
    check_parameters,
    class_weights,
    plain_labels,
    refuse_unlike_numbers,
    unchanged_on_error,
)
from onelayer.estimators.softmax_inference import SoftmaxInference
from onelayer.losses import CrossEntropy
from onelayer.penalties import Ridge
from onelayer.solvers.epoch import LARGEST_LR, SMALLEST_LR
from onelayer.solvers.fit import Minimum
from onelayer.solvers.minimise import minimise

if TYPE_CHECKING:
    from onelayer.solvers.softmax_sgd import SoftmaxDescent

MAX_SEED = 2**31 - 1
NEVER = 1e4  # how far the logit of a class without any weight is below all others
STREAMING_SHARE = 0.1  # of the largest stable rate: the noise that stays is in proportion to it


class Progress(NamedTuple):
    """How far SGD has come, for ``partial_fit`` to go on.

    Attributes:
        n_seen: the number of rows seen; each counts once, however many passes were made over it.
        weight: the sum of their weights.
        n_measured: ``n_seen`` when the learning rate was last found.
        seed: sets the order of the rows.
    """

    n_seen: int
    weight: float
    n_measured: int
    seed: int


def _learns_by_sgd(model: "SoftmaxRegression") -> bool:
    if model.solver == "sgd":
        return True
    raise AttributeError(f"partial_fit needs SoftmaxRegression(solver='sgd'), not {model.solver!r}")


class SoftmaxRegression(SoftmaxInference, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Softmax regression: minimises ½ ‖W‖² + C Σ cᵢ ℓ(W xᵢ + b, yᵢ) with the cross-entropy ℓ (section 3.4).

    The objective is that of scikit-learn's ``LogisticRegression``; with two classes too, there is one output, the
    logit of the second. Features need not be scaled: no solver depends on their units. X is dense, or for the exact
    solvers sparse. Coefficients and predictions are float64, also for float32 features: rounded apart to float32,
    weights and intercept of features far from 0 would lose what they have in common.

    Args:
        C: the weight of the data against the penalty on W; b is not penalised. Infinite: no penalty, and the objective
            is Σ cᵢ ℓᵢ; then classes that can be separated have no finite minimum.
        fit_intercept: whether b is free; else it is 0.
        solver: "auto" goes to the minimum, on the CPU in float64, by one of two ways. "newton" forms a matrix of all
            coefficients in each step, and is best for hundreds; it refuses more than 10,000. "lbfgs" is for many. "sgd"
            is minibatch SGD (section 3.6) on features that are standardised on the way; it makes few passes, can go on
            with new rows (``partial_fit``), and comes near the minimum.
        tol: newton, lbfgs: how far from the minimum the objective may be, relative to itself.
        max_iter: newton, lbfgs: the largest number of steps.
        class_weight: "balanced" for weights that make the classes count alike, a dictionary from class to weight,
            or None.
        lr: sgd: the learning rate η, constant, for standardised features and the mean loss. "auto" finds the
            largest stable one from the curvature of the data. ``fit`` starts with it and lets it fall linearly over the
            epochs, so that the noise of the batches dies away; ``partial_fit`` takes a tenth of it.
        batch_size: sgd: rows per step.
        epochs: sgd: passes of ``fit`` over the rows.
        random_state: sgd: sets the order of the rows, as everywhere in scikit-learn.
        device: sgd: "auto" (CUDA if there is one), "cpu", "cuda" or "mps". Only the CPU is tested.

    Attributes:
        classes_: the classes (q,), sorted.
        coef_: W (q, d), or (1, d) with two classes.
        intercept_: b (q,), or (1,).
        objective_: the objective reached. After ``partial_fit`` there is none, for earlier rows are gone.
        gap_: newton, lbfgs: an upper bound on how far that is above the minimum, rounding included; both are of the
            coefficients as they are stored. SGD knows no such bound.
        converged_: newton, lbfgs: whether the gap is at most ``tol`` times the objective, or nothing beside the
            rounding of one of a model that knows nothing.
        n_iter_: (1,) newton, lbfgs: how many objectives are in ``history_``; sgd: passes over rows.
        history_: newton, lbfgs: the objective before each step and at the end (n_iter_,); sgd: the mean loss in each
            pass (n_iter_,), that of each batch before its step.
        lr_: sgd: the learning rate that was given, or with "auto" the largest stable one.
        n_features_in_: the number of features d; their names are in ``feature_names_in_``.
    """

    _saved = (
        "coef_",
        "intercept_",
        "classes_",
        "n_features_in_",
        "feature_names_in_",
        "_dtype",
        *BY_ONE_SOLVER,
        *COVARIANCE,
    )

    _parameter_constraints = {  # noqa: RUF012 - scikit-learn's form
        "C": [Interval(Real, 0, None, closed="right")],
        "fit_intercept": ["boolean"],
        "solver": [StrOptions({"auto", "newton", "lbfgs", "sgd"})],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "class_weight": [StrOptions({"balanced"}), dict, None],
        "lr": [StrOptions({"auto"}), Interval(Real, SMALLEST_LR, LARGEST_LR, closed="both")],
        "batch_size": [Interval(Integral, 1, None, closed="left")],
        "epochs": [Interval(Integral, 1, None, closed="left")],
        "random_state": ["random_state"],
        "device": [str],
    }

    def __init__(
        self,
        *,
        C: float = 1.0,
        fit_intercept: bool = True,
        solver: str = "auto",
        tol: float = 1e-6,
        max_iter: int = 1000,
        class_weight: Any = None,
        lr: float | str = "auto",
        batch_size: int = 32,
        epochs: int = 50,
        random_state: Any = None,
        device: str = "auto",
    ) -> None:
        self.C = C
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.class_weight = class_weight
        self.lr = lr
        self.batch_size = batch_size
        self.epochs = epochs
        self.random_state = random_state
        self.device = device

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Learn from features X (n, d), labels y (n,) of any type, and weights (n,); what was learned before is lost.

        Raises:
            OneLayerError: if a parameter is out of range, y has one class only, or no row has any weight.
            DivergenceError: if ``lr`` is too large for the data.
            ValueError: if X or y are malformed.

        Warns:
            ConvergenceWarning: if newton or lbfgs did not come as near the minimum as ``tol`` asks for.
        """
        with unchanged_on_error(self):
            self._check_parameters()
            X, y = self._validated(X, y, reset=True)
            self.classes_, labels = np.unique(y, return_inverse=True)
            X, labels, weights = self._weighted(X, labels, sample_weight)
            self._forget("coef_", "intercept_", *BY_ONE_SOLVER)
            X = sparse.csr_array(X) if sparse.issparse(X) else X
            kept = Rows(X, labels, "classes", None if (weights == 1).all() else weights)
            self._keep_rows(kept)
            if self.solver == "sgd":
                self._begin(X.shape[1])
                rows = self._learn(X, labels, weights, are_all=True)
                penalty = 0.5 * float(np.square(self.coef_, dtype=np.float64).sum())
                self.objective_ = self.C * float(weights.sum()) * rows.loss() + penalty
            else:
                self._minimise(kept)
        return self

    @available_if(_learns_by_sgd)  # type: ignore[untyped-decorator]
    def partial_fit(self, X: Any, y: Any, classes: Any = None, sample_weight: Any = None) -> Self:
        """Make one pass of SGD over rows X (n, d), y (n,), of weights (n,), and go on from what was learned before.

        The objective is that of all rows seen so far: the penalty's share of a row falls as they grow. With "auto"
        the learning rate is found anew whenever twice as many rows have been seen; it does not fall to 0, so the
        model follows data that change.

        Args:
            X: features, dense.
            y: labels.
            classes: all classes (q,), at the first call; later they may be left out.
            sample_weight: weights.

        Raises:
            OneLayerError, DivergenceError: as ``fit``; then the model is as before.
            ValueError: if X, y or ``classes`` are malformed.
        """
        with unchanged_on_error(self):
            self._check_parameters()
            if isinstance(self.class_weight, str):
                raise OneLayerError(
                    "class_weight='balanced' needs all rows at once: give partial_fit the weights as a dictionary"
                )
            is_first = not hasattr(self, "classes_")
            X, y = self._validated(X, y, reset=is_first)
            _check_partial_fit_first_call(self, None if classes is None else plain_labels(classes))
            known = self.classes_.tolist()
            unknown = [label for label in np.unique(y).tolist() if label not in known]
            if unknown:
                raise OneLayerError(f"y has {unknown[0]!r}, which is not one of the classes {known}")
            X, labels, weights = self._weighted(X, np.searchsorted(self.classes_, y), sample_weight)
            if not hasattr(self, "_progress"):
                self._forget(*BY_ONE_SOLVER)
                self._begin(X.shape[1])
            self._learn(X, labels, weights, are_all=False)
            self._forget("objective_")
            self._keep_rows(None)
        return self

    def _check_parameters(self) -> None:
        check_parameters(self, self._parameter_constraints)
        if self.solver != "sgd" and self.device not in ("auto", "cpu"):
            raise OneLayerError(
                f"device={self.device!r} is for solver='sgd': the others compute on the CPU, in float64"
            )

    def _validated(self, X: Any, y: Any, reset: bool) -> tuple[Any, NDArray[Any]]:
        if self.solver == "sgd" and sparse.issparse(X):
            raise OneLayerError(
                "solver='sgd' takes no sparse features: use solver='auto', or X.toarray() if X is small"
            )
        refuse_unlike_numbers(X)
        X, y = validate_data(self, X, plain_labels(y), accept_sparse="csr", dtype=DTYPES, reset=reset)
        if reset:
            self._dtype = X.dtype.name
        check_classification_targets(y)
        return X, y

    def _weighted(
        self, X: Any, labels: NDArray[np.int64], sample_weight: Any
    ) -> tuple[Any, NDArray[np.int64], NDArray[np.float64]]:
        """Return the rows that have a weight, with those of their classes worked into it."""
        if len(self.classes_) < 2:
            [name] = self.classes_.tolist()
            raise OneLayerError(f"y has one class only, {name!r}: there is nothing to tell apart")
        weights = np.ones(len(labels))
        if sample_weight is not None:
            weights = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        if self.class_weight is not None:
            weights = weights * class_weights(self.class_weight, self.classes_, labels, weights)[labels]
        counted = weights > 0
        if not counted.any():
            raise OneLayerError("no row has a weight above 0 (sample_weight times class_weight)")
        if counted.all():
            self._used = None
            return X, labels, weights
        self._used = counted
        return X[counted], labels[counted], weights[counted]

    def _forget(self, *names: str) -> None:
        for name in names:
            self.__dict__.pop(name, None)

    def _begin(self, d: int) -> None:
        """Set what SGD goes on from to none; coefficients, if there are any, stay."""
        self._column_means, self._column_variances = np.zeros(d), np.zeros(d)
        self._progress = Progress(0, 0.0, 0, int(check_random_state(self.random_state).randint(MAX_SEED)))
        self.history_: list[float] = []

    def _learn(
        self, X: NDArray[Any], labels: NDArray[np.int64], weights: NDArray[np.float64], are_all: bool
    ) -> "SoftmaxDescent":
        """Make passes of SGD over the rows, ``epochs`` if they are all that there are, else one."""
        with torch_needed("SoftmaxRegression(solver='sgd')"):
            from onelayer.solvers.softmax_sgd import Coefficients, SoftmaxDescent

        q, d, before = len(self.classes_), X.shape[1], Progress(*self._progress)
        k = 1 if q == 2 else q
        seen = RunningMoments(np.full(d, before.weight), self._column_means, self._column_variances)
        moments, total = seen.with_rows(X, weights), before.weight + float(weights.sum())
        start = Coefficients(
            getattr(self, "coef_", np.zeros((k, d))), getattr(self, "intercept_", np.zeros(k))
        )
        scaling = moments.scaling(centred=self.fit_intercept)
        rows = SoftmaxDescent(
            Rows(X, labels, "classes", weights), scaling, start, q, self.fit_intercept, self.device
        )
        n_seen, n_measured = before.n_seen + len(X), before.n_measured
        if not isinstance(self.lr, str):
            self.lr_ = float(self.lr)
        elif n_seen >= 2 * n_measured:
            self.lr_, n_measured = rows.learning_rate(self.batch_size, are_all), n_seen
        lrs = np.full(self.epochs if are_all else 1, self.lr_)
        if isinstance(self.lr, str):
            lrs *= 1 - np.arange(self.epochs) / self.epochs if are_all else STREAMING_SHARE
        decay = 1 / (self.C * total)
        losses = rows.descend(lrs.tolist(), self.batch_size, decay, before.seed, len(self.history_) + 1)
        found = rows.coefficients()
        self.coef_, self.intercept_ = found.weight, found.bias
        self.history_ = [*self.history_, *losses]
        self.n_iter_ = np.array([len(self.history_)], np.int32)
        self._column_means, self._column_variances = moments.mean, moments.variance
        self._progress = Progress(n_seen, total, n_measured, before.seed)
        return rows

    def _minimise(self, rows: Rows) -> None:
        q, d = len(self.classes_), rows.n_features
        weighed = np.bincount(rows.y, minlength=q) > 0  # other classes are left with a logit far below
        places, k = np.cumsum(weighed) - 1, int(weighed.sum())
        if k == 1:
            fit = Minimum(np.zeros((1, d)), np.zeros(1), "newton", 0.0, 0.0, [0.0], True)
        else:
            loss, penalty = CrossEntropy(k, is_single=q == 2), Ridge(1 / float(self.C))
            rows = rows if k == q else replace(rows, y=places[rows.y])
            fit = minimise(rows, loss, penalty, self.fit_intercept, self.solver, self.tol, self.max_iter)
        self.coef_, self.intercept_ = fit.weight, fit.bias
        if k == 1 and q == 2:
            self.intercept_ = np.array([NEVER if weighed[1] else -NEVER])
        elif k < q:
            self.coef_, self.intercept_ = np.zeros((q, d)), np.full(q, fit.bias.min() - NEVER)
            self.coef_[weighed], self.intercept_[weighed] = fit.weight, fit.bias
        scale = float(self.C) if np.isfinite(self.C) else 1.0
        self.objective_, self.gap_ = scale * fit.objective, scale * fit.gap
        self.converged_ = bool(fit.converged)
        self.history_ = [scale * value for value in fit.history]
        self.n_iter_ = np.array([len(self.history_)], np.int32)
        if not fit.converged:
            warnings.warn(self._why_not_converged(fit), ConvergenceWarning, stacklevel=3)

    def _why_not_converged(self, fit: Minimum) -> str:
        if fit.is_unbounded:
            return (
                "the classes can be separated and C is infinite, so there is no finite minimum: the objective falls to "
                f"0 as the coefficients grow, and was left at {self.objective_:.2g}; choose a finite C"
            )
        stopped = "max_iter was reached" if fit.is_exhausted else "rounding allows no more"
        return (
            f"the objective, {self.objective_:.6g}, is above its minimum by at most {self.gap_:.2g}, or "
            f"{fit.gap / fit.objective:.1e} of itself; tol asks for {self.tol:.1e}, but {stopped}"
        )

    def decision_function(self, X: Any) -> NDArray[Any]:
        """Return the logits (n, q) of features X (n, d), or (n,) with two classes."""
        check_is_fitted(self)
        refuse_unlike_numbers(X)
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

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Return the share of the rows X (n, d), y (n,), in proportion to their weights (n,), whose class is right."""
        return float(super().score(X, plain_labels(y), sample_weight))

    def to_onnx(self, path: str | Path) -> None:
        """Write the fitted model for ONNX runtimes, from "X" (n, d) to "label" (n,) and "probabilities" (n, q).

        Features and probabilities are of the type of the features at fit, to which the coefficients are rounded; labels
        are strings or int64, the classes themselves.

        Raises:
            OneLayerError: if the extra ``onelayer[onnx]`` is not installed, a class is neither a string nor an integer,
                or the file cannot be written.
        """
        check_is_fitted(self)
        weight, bias = self.coef_.astype(self._dtype), self.intercept_.astype(self._dtype)
        write_softmax_regression(path, weight, bias, self.classes_)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.solver != "sgd"
        return tags
