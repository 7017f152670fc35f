"""scikit-learn's LinearRegression, Ridge and LogisticRegression by their arguments, fitted with ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

import onelayer
from peers import refuse, used

NEWTON = ("newton-cg", "newton-cholesky")
STOCHASTIC = ("sag", "saga")


class Adapter:
    """An estimator with a peer's parameters, which are ours while it fits."""

    def _ours(self) -> dict[str, Any]:
        """Return our parameters, or end the test where there are none that say the same."""
        raise NotImplementedError

    @classmethod
    def _defaults(cls) -> dict[str, Any]:
        """Return what our parameters are where a peer has none."""
        ours = cls.__mro__[cls.__mro__.index(Adapter) + 1]
        return dict(ours().get_params())

    @contextmanager
    def _translated(self) -> Iterator[None]:
        used()
        before, ours = dict(vars(self)), {**self._defaults(), **self._ours()}
        vars(self).update(ours)
        try:
            yield
        finally:
            for name in ours:
                vars(self).pop(name, None)
                if name in before:
                    setattr(self, name, before[name])

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit ours."""
        with self._translated():
            return super().fit(X, y, sample_weight)  # type: ignore[misc, no-any-return]


class LinearRegression(Adapter, onelayer.LinearRegression):
    """With the parameters of scikit-learn's."""

    _parameter_constraints: dict[str, Any] = {}  # noqa: RUF012 - scikit-learn's form

    def __init__(
        self,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        tol: float = 1e-6,
        n_jobs: int | None = None,
        positive: bool = False,
    ) -> None:
        self.fit_intercept, self.copy_X, self.tol, self.n_jobs, self.positive = (
            *(fit_intercept, copy_X, tol, n_jobs),
            positive,
        )

    def _ours(self) -> dict[str, Any]:
        return {"fit_intercept": self.fit_intercept, "positive": self.positive}


class Ridge(Adapter, onelayer.LinearRegression):
    """With the parameters of scikit-learn's."""

    _parameter_constraints: dict[str, Any] = {}  # noqa: RUF012 - scikit-learn's form

    def __init__(
        self,
        alpha: Any = 1.0,
        *,
        fit_intercept: bool = True,
        copy_X: bool = True,
        max_iter: int | None = None,
        tol: float = 1e-4,
        solver: str = "auto",
        positive: bool = False,
        random_state: Any = None,
    ) -> None:
        self.alpha, self.fit_intercept, self.copy_X, self.max_iter = alpha, fit_intercept, copy_X, max_iter
        self.tol, self.solver, self.positive, self.random_state = tol, solver, positive, random_state

    def _ours(self) -> dict[str, Any]:
        return {"alpha": self.alpha, "fit_intercept": self.fit_intercept, "positive": self.positive}


class LogisticRegression(Adapter, onelayer.SoftmaxRegression):
    """With the parameters of scikit-learn's."""

    _parameter_constraints: dict[str, Any] = {}  # noqa: RUF012 - scikit-learn's form

    def __init__(
        self,
        penalty: Any = "deprecated",
        *,
        C: float = 1.0,
        l1_ratio: float | None = 0.0,
        dual: bool = False,
        tol: float = 1e-4,
        fit_intercept: bool = True,
        intercept_scaling: float = 1,
        class_weight: Any = None,
        random_state: Any = None,
        solver: str = "lbfgs",
        max_iter: int = 100,
        verbose: int = 0,
        warm_start: bool = False,
        n_jobs: int | None = None,
    ) -> None:
        self.penalty, self.C, self.l1_ratio, self.dual, self.tol = penalty, C, l1_ratio, dual, tol
        self.fit_intercept, self.intercept_scaling = fit_intercept, intercept_scaling
        self.class_weight, self.random_state, self.solver = class_weight, random_state, solver
        self.max_iter, self.verbose, self.warm_start, self.n_jobs = max_iter, verbose, warm_start, n_jobs

    def _ours(self) -> dict[str, Any]:
        share = {"l1": 1.0, "l2": 0.0, None: 0.0}.get(self.penalty, self.l1_ratio or 0.0)
        refuse(
            {
                "solver='liblinear': it penalises the intercept, and takes classes one by one": self.solver
                == "liblinear",
            }
        )
        solver = "lbfgs" if self.solver == "lbfgs" else "newton" if self.solver in NEWTON else "auto"
        return {
            "C": np.inf if self.penalty is None else self.C,
            "solver": "auto" if share else solver,
            # a gradient of tol is a distance from the minimum of about its square; rounding is some 1e-13
            "tol": float(np.clip(self.tol**2, 1e-12, 1e-8)),
            "max_iter": self.max_iter * 50 if self.solver in STOCHASTIC else self.max_iter,
            "fit_intercept": self.fit_intercept,
            "class_weight": self.class_weight,
            "warm_start": self.warm_start,
            "l1_ratio": share,
        }


REPLACED = {
    "sklearn.linear_model": {
        "LinearRegression": LinearRegression,
        "Ridge": Ridge,
        "LogisticRegression": LogisticRegression,
    }
}

APPLIES_NOT: dict[str, dict[str, str]] = {}
