"""Softmax regression, to its minimum or by minibatch SGD, behind scikit-learn's contract."""

from numbers import Integral, Real
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import Tags
from sklearn.utils._param_validation import Interval, StrOptions
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import _check_partial_fit_first_call, check_classification_targets
from sklearn.utils.validation import _check_sample_weight, validate_data

from onelayer.data.rows import Block, Rows, Source
from onelayer.errors import OneLayerError
from onelayer.estimators.array_api import (
    fits_numpy,
)
from onelayer.estimators.callbacks import CallbackSupportMixin, FitTask, with_callbacks
from onelayer.estimators.files import BY_ONE_SOLVER, COVARIANCE
from onelayer.estimators.offsets import logit_offset
from onelayer.estimators.parameters import (
    DTYPES,
    check_parameters,
    class_weights,
    estimator_penalty,
    plain_labels,
    refuse_unlike_numbers,
    unchanged_on_error,
)
from onelayer.estimators.scans import begin_with, is_scan, labels_of_scan, weighed_classes
from onelayer.estimators.softmax_inference import SoftmaxInference
from onelayer.estimators.softmax_minimum import SoftmaxMinimum
from onelayer.estimators.softmax_predictions import SoftmaxPredictions
from onelayer.estimators.softmax_streaming import SoftmaxStreaming
from onelayer.estimators.sparse_coef import SparseCoefficients
from onelayer.losses import CrossEntropy
from onelayer.penalties import ElasticNet, Ridge
from onelayer.solvers.epoch import LARGEST_LR, SMALLEST_LR


def _learns_by_sgd(model: "SoftmaxRegression") -> bool:
    if model.solver == "sgd":
        return True
    raise AttributeError(f"partial_fit needs SoftmaxRegression(solver='sgd'), not {model.solver!r}")


class SoftmaxRegression(
    CallbackSupportMixin,  # type: ignore[misc]
    SoftmaxMinimum,
    SoftmaxStreaming,
    SoftmaxPredictions,
    SoftmaxInference,
    SparseCoefficients,
    ClassifierMixin,  # type: ignore[misc]
    BaseEstimator,  # type: ignore[misc]
):
    """Softmax regression: minimises ½ ‖W‖² + C Σ cᵢ ℓ(W xᵢ + b, yᵢ) with the cross-entropy ℓ (section 3.4).

    With an ``l1_ratio`` r the penalty is r ‖W‖₁ + ½ (1 − r) ‖W‖², the elastic net, which leaves coefficients out. The
    objective is that of scikit-learn's ``LogisticRegression``; with two classes too, there is one output, the logit of
    the second. Features need not be scaled: no solver depends on their units. X is dense, or for the exact
    solvers sparse. Coefficients and predictions are float64, also for float32 features: rounded apart to float32,
    weights and intercept of features far from 0 would lose what they have in common. With scikit-learn's
    ``array_api_dispatch`` X may be on another device: fitting is on the CPU, predictions are where X is.

    Callbacks (``set_callbacks``, with scikit-learn 1.9 or later) are told of each step of newton, lbfgs and newton-cg
    and of each epoch of sgd. If one asks to stop, the model is the one that the step has come to: ``gap_`` is then a
    bound for it.

    Args:
        C: the weight of the data against the penalty on W; b is not penalised. Infinite: no penalty, and the objective
            is Σ cᵢ ℓᵢ; then classes that can be separated have no finite minimum.
        l1_ratio: r, from 0 (a ridge) to 1 (the lasso).
        grouped: whether the first norm is Σⱼ ‖W·ⱼ‖₂, so that a feature is in for all classes or for none.
        penalty_factors: what each feature's penalty is multiplied by (d,), or None for 1; with 0 it is free.
        lower, upper: bounds of coefficients, a number or one for each feature (d,); None is none. With lower=0 they are
            not negative. Groups have none.
        fit_intercept: whether b is free; else it is 0.
        solver: "auto" goes to the minimum, on the CPU in float64, by one of four ways. "newton" forms a matrix of all
            coefficients in each step, and is best for hundreds; it refuses more than 10,000. "lbfgs" is for many,
            or many rows of several classes. "newton-cg" is for thousands of sparse features, such as words. "proximal",
            for an ``l1_ratio`` or bounds, works with the features that are not left out. "sgd" is minibatch SGD
            (section 3.6) on features standardised on the way: few passes lead near, and ``partial_fit`` goes on.
        tol: all but sgd: how far from the minimum the objective may be, relative to itself.
        max_iter: all but sgd: the largest number of steps.
        warm_start: all but sgd: whether ``fit`` begins at the coefficients that an earlier one has found, if classes
            and features are as many, and they are better than zeros. The minimum is the same, the steps are fewer.
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
        gap_: all but sgd: an upper bound on how far that is above the minimum, rounding included; both are of the
            coefficients as they are stored. SGD knows no such bound.
        converged_: all but sgd: whether the gap is at most ``tol`` times the objective, or nothing beside the
            rounding of one of a model that knows nothing.
        n_iter_: (1,) all but sgd: how many objectives are in ``history_``; sgd: passes over rows.
        history_: all but sgd: the objective before each step and at the end, ``n_iter_`` of them; sgd: the mean loss
            in each pass, that of each batch before its step.
        lr_: sgd: the learning rate that was given, or with "auto" the largest stable one.
        n_features_in_: the number of features d; their names are in ``feature_names_in_``.

    Example:
        >>> from sklearn.datasets import load_iris
        >>> from onelayer import SoftmaxRegression
        >>> X, y = load_iris(return_X_y=True)
        >>> model = SoftmaxRegression(C=1.0).fit(X, y)
        >>> round(model.objective_, 4), model.gap_ < 1e-6, round(model.score(X, y), 4)
        (28.8863, True, 0.9733)
    """

    _saved = (
        "coef_",
        "intercept_",
        "classes_",
        "n_features_in_",
        "feature_names_in_",
        "_dtype",
        "_has_offset",
        *BY_ONE_SOLVER,
        *COVARIANCE,
    )

    _has_offset = False

    _parameter_constraints = {  # noqa: RUF012 - scikit-learn's form
        "C": [Interval(Real, 0, None, closed="right")],
        "l1_ratio": [Interval(Real, 0, 1, closed="both")],
        "grouped": ["boolean"],
        "penalty_factors": ["array-like", None],
        "lower": [Real, "array-like", None],
        "upper": [Real, "array-like", None],
        "fit_intercept": ["boolean"],
        "solver": [StrOptions({"auto", "newton", "lbfgs", "newton-cg", "proximal", "sgd"})],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
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
        l1_ratio: float = 0.0,
        grouped: bool = False,
        penalty_factors: Any = None,
        lower: Any = None,
        upper: Any = None,
        fit_intercept: bool = True,
        solver: str = "auto",
        tol: float = 1e-6,
        max_iter: int = 1000,
        warm_start: bool = False,
        class_weight: Any = None,
        lr: float | str = "auto",
        batch_size: int = 32,
        epochs: int = 50,
        random_state: Any = None,
        device: str = "auto",
    ) -> None:
        self.C = C
        self.l1_ratio = l1_ratio
        self.grouped = grouped
        self.penalty_factors = penalty_factors
        self.lower = lower
        self.upper = upper
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.warm_start = warm_start
        self.class_weight = class_weight
        self.lr = lr
        self.batch_size = batch_size
        self.epochs = epochs
        self.random_state = random_state
        self.device = device

    @with_callbacks  # type: ignore[untyped-decorator]
    @fits_numpy
    def fit(self, X: Any, y: Any = None, sample_weight: Any = None, offset: Any = None) -> Self:
        """Learn from features X (n, d), labels y (n,) of any type, and weights (n,); what was learned before is lost.

        Args:
            X: features; or the rows of ``onelayer.scan``, which have labels, weights and offset of their own. sgd
                shuffles these on disk, in a temporary folder.
            y: labels.
            sample_weight: weights.
            offset: all but sgd: what is known beforehand of the logits and added to W x + b: (n, q), a column for
                each class in their order, or for two classes (n,), that of the second.

        Raises:
            OneLayerError: if a parameter is out of range or not for the solver, y has one class only, or no row has any
                weight.
            DivergenceError: if ``lr`` is too large for the data.
            ValueError: if X or y are malformed.

        Warns:
            ConvergenceWarning: if newton, lbfgs or newton-cg did not come as near the minimum as ``tol`` asks for.
        """
        self._check_parameters()
        by_sgd = self.solver == "sgd"
        task = FitTask(
            *(self, X, y, {"sample_weight": sample_weight, "offset": offset}),
            n_steps=self.epochs if by_sgd else self.max_iter,
            step_name="epoch" if by_sgd else "step",
        )
        with unchanged_on_error(self):
            if offset is not None and by_sgd:
                raise OneLayerError(
                    "solver='sgd' takes no offset: use solver='auto', which goes to the minimum"
                )
            before = getattr(self, "classes_", None)
            if is_scan(X):
                self._fit_scan(X, {"y": y, "sample_weight": sample_weight, "offset": offset}, before, task)
                task.end()
                return self
            X, y = self._validated(X, y, reset=True)
            self.classes_, labels = np.unique(y, return_inverse=True)
            known = logit_offset(offset, len(labels), len(self.classes_))
            X, labels, weights, known = self._weighted(X, labels, sample_weight, known)
            start = self._start(X.shape[1], before)
            self._forget("coef_", "intercept_", *BY_ONE_SOLVER)
            self._has_offset = known is not None
            X = sparse.csr_array(X) if sparse.issparse(X) else X
            kept = Rows(X, labels, "classes", None if (weights == 1).all() else weights, offset=known)
            self._keep_rows(kept)
            if by_sgd:
                self._begin(X.shape[1])
                rows = self._learn(X, labels, weights, are_all=True, task=task)
                scale = float(self.C) if np.isfinite(self.C) else 1.0
                loss = float(weights.sum()) * rows.loss()
                self.objective_ = scale * (loss + self._penalty(X.shape[1]).value(self.coef_))
            else:
                self._minimise(kept, start, task)
            task.end()
        return self

    def _fit_scan(self, rows: Any, given: dict[str, Any], before: Any, task: FitTask) -> None:
        """Go to the minimum for the rows of a scan, or near it by SGD."""
        begin_with(self, rows, "classes", given)
        by_sgd = self.solver == "sgd"
        if by_sgd and (rows.is_sparse or rows.made.offset is not None):
            raise OneLayerError("solver='sgd' takes dense rows without an offset: use solver='auto'")
        self.classes_ = labels_of_scan(rows)
        rows = weighed_classes(rows, self.class_weight, self.classes_)
        start = self._start(rows.n_features, before)
        self._forget("coef_", "intercept_", *BY_ONE_SOLVER)
        self._has_offset, self._used, self._dtype = rows.made.offset is not None, None, "float64"
        self._keep_rows(rows)
        if by_sgd:
            self._begin(rows.n_features)
            self._learn_scan(rows, task)
            self._keep_objective(rows)
        else:
            self._to_minimum(rows, start, task, lambda weight, bias: (weight, bias))

    def _keep_objective(self, rows: Source) -> None:
        """Set the objective at the coefficients."""
        loss, weight, bias = CrossEntropy(len(self.classes_)), self.coef_, self.intercept_[:, None]

        def losses(block: Block) -> list[float]:
            found, _, _ = loss.at(weight @ block.dense().T + bias, block.y)
            return [float(block.row_weights() @ found)]

        value = rows.sum(losses)[0] + self._penalty(rows.n_features).value(weight)
        self.objective_ = (float(self.C) if np.isfinite(self.C) else 1.0) * value

    @available_if(_learns_by_sgd)  # type: ignore[untyped-decorator]
    @fits_numpy
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
            labels = np.searchsorted(self.classes_, y)
            X, labels, weights, _ = self._weighted(X, labels, sample_weight, None)
            if not hasattr(self, "_progress"):
                self._forget(*BY_ONE_SOLVER)
                self._has_offset = False
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

        if self.solver == "sgd":
            given = {"l1_ratio": self.l1_ratio != 0, "penalty_factors": self.penalty_factors is not None}
            given |= {
                "lower": self.lower is not None,
                "upper": self.upper is not None,
                "grouped": self.grouped,
            }
            for name in (name for name, is_given in given.items() if is_given):
                raise OneLayerError(
                    f"{name} is not for solver='sgd', which has a ridge alone: use solver='auto'"
                )
        if self.grouped and not self.l1_ratio:
            raise OneLayerError("grouped=True is for an l1_ratio above 0: a ridge leaves no feature out")

    def _penalty(self, d: int) -> Ridge | ElasticNet:
        """Return the penalty on W (k, d) for a weight of 1 of the data, a ridge if it is one."""
        return estimator_penalty(
            *(1 / float(self.C), float(self.l1_ratio), self.grouped),
            *(self.penalty_factors, self.lower, self.upper, d),
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
        self, X: Any, labels: NDArray[np.int64], sample_weight: Any, offset: NDArray[np.float64] | None
    ) -> tuple[Any, NDArray[np.int64], NDArray[np.float64], NDArray[np.float64] | None]:
        """Return the rows that have a weight, with those of their classes worked into it, and their offset."""
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
            return X, labels, weights, offset
        self._used = counted
        return X[counted], labels[counted], weights[counted], None if offset is None else offset[counted]

    def _forget(self, *names: str) -> None:
        for name in names:
            self.__dict__.pop(name, None)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = self.solver != "sgd"
        tags.array_api_support = True
        return tags
