"""``SoftmaxRegression`` on its way to the minimum: where it begins, which classes have rows, and what it keeps."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from onelayer.data.rows import Rows, Source
from onelayer.estimators.array_api import plain
from onelayer.estimators.callbacks import FitTask
from onelayer.estimators.parameters import warn_user
from onelayer.estimators.softmax_streaming import told
from onelayer.losses import CrossEntropy
from onelayer.penalties import ElasticNet, Ridge
from onelayer.solvers.fit import Minimum
from onelayer.solvers.minimise import minimise

Array = NDArray[Any]
OfAll = Callable[[Array, Array], tuple[Array, Array]]  # W and b of all classes from those that have rows
NEVER = 1e4  # how far the logit of a class without any weight is below all others


class SoftmaxMinimum:
    """Finds the minimum, and keeps it with its certificate."""

    C: float
    fit_intercept: bool
    solver: str
    tol: float
    max_iter: int
    warm_start: bool
    classes_: NDArray[Any]
    coef_: Any
    intercept_: Any

    def _penalty(self, d: int) -> Ridge | ElasticNet:
        raise NotImplementedError

    def _start(self, d: int, classes: NDArray[Any] | None) -> tuple[NDArray[Any], NDArray[Any]] | None:
        """Return the coefficients to begin at, those before, if ``warm_start`` asks for it and they fit."""
        is_alike = classes is not None and np.array_equal(classes, self.classes_)
        if not (self.warm_start and is_alike and self.coef_.shape[1] == d):
            return None
        coef = plain(self).coef_
        return coef, self.intercept_ if self.fit_intercept else np.zeros_like(self.intercept_)

    def _minimise(self, rows: Rows, start: tuple[NDArray[Any], NDArray[Any]] | None, task: FitTask) -> None:
        q, d = len(self.classes_), rows.n_features
        weighed = np.bincount(rows.y, minlength=q) > 0  # other classes are left with a logit far below
        places, k = np.cumsum(weighed) - 1, int(weighed.sum())

        def of_all(weight: NDArray[np.float64], bias: NDArray[np.float64]) -> tuple[Any, Any]:
            if k == 1 and q == 2:
                return weight, np.array([NEVER if weighed[1] else -NEVER])
            if k == q:
                return weight, bias
            W, b = np.zeros((q, d)), np.full(q, bias.min() - NEVER)
            W[weighed], b[weighed] = weight, bias
            return W, b

        if k == 1:
            self._keep(Minimum(np.zeros((1, d)), np.zeros(1), "newton", 0.0, 0.0, [0.0], True), of_all)
            return
        if k < q:
            offset = None if rows.offset is None else rows.offset[:, weighed]
            rows = replace(rows, y=places[rows.y], offset=offset)
            start = None if start is None else (start[0][weighed], start[1][weighed])
        self._to_minimum(rows, start, task, of_all, k)

    def _to_minimum(
        self,
        rows: Source,
        start: tuple[Array, Array] | None,
        task: FitTask,
        of_all: OfAll,
        k: int | None = None,
    ) -> None:
        """Go to the minimum for rows of k of the classes, or all, and keep it."""
        q = len(self.classes_)
        loss, penalty = CrossEntropy(k or q, is_single=q == 2), self._penalty(rows.n_features)
        settings = self.fit_intercept, self.solver, self.tol, self.max_iter
        self._keep(minimise(rows, loss, penalty, *settings, start=start, watch=told(task, of_all)), of_all)

    def _keep(self, fit: Minimum, of_all: OfAll) -> None:
        """Set what was found, and warn if it is not the minimum."""
        self.coef_, self.intercept_ = of_all(fit.weight, fit.bias)
        scale = float(self.C) if np.isfinite(self.C) else 1.0
        self.objective_, self.gap_ = scale * fit.objective, scale * fit.gap
        self.converged_ = bool(fit.converged)
        self.history_ = [scale * value for value in fit.history]
        self.n_iter_ = np.array([len(self.history_)], np.int32)
        if not (fit.converged or fit.is_stopped):
            warn_user(self._why_not_converged(fit), ConvergenceWarning)

    def _why_not_converged(self, fit: Minimum) -> str:
        if fit.is_unbounded:
            return (
                "the classes can be separated by features without a penalty, so there is no finite minimum: the "
                f"objective falls to 0 as the coefficients grow, and was left at {self.objective_:.2g}; choose a "
                "finite C, and penalty_factors above 0"
            )
        stopped = "max_iter was reached" if fit.is_exhausted else "rounding allows no more"
        return (
            f"the objective, {self.objective_:.6g}, is above its minimum by at most {self.gap_:.2g}, or "
            f"{fit.gap / fit.objective:.1e} of itself; tol asks for {self.tol:.1e}, but {stopped}"
        )
