"""scikit-learn's LinearRegression, Ridge and LogisticRegression by their arguments, fitted with ours."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Self

import numpy as np
from scipy import sparse

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


class ElasticNet(Adapter, onelayer.LinearRegression):
    """With the parameters of scikit-learn's, whose penalty is for means over rows."""

    _parameter_constraints: dict[str, Any] = {}  # noqa: RUF012 - scikit-learn's form

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        precompute: Any = False,
        max_iter: int = 1000,
        copy_X: bool = True,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        self.alpha, self.l1_ratio, self.fit_intercept = alpha, l1_ratio, fit_intercept
        self.precompute, self.max_iter, self.copy_X, self.tol = precompute, max_iter, copy_X, tol
        self.warm_start, self.positive, self.random_state = warm_start, positive, random_state
        self.selection = selection

    def fit(self, X: Any, y: Any, sample_weight: Any = None, check_input: bool = True) -> Self:
        """Fit ours."""
        refuse(
            {"warm_start of least squares": self.warm_start, "precompute: a Gram matrix given": _given(self)}
        )
        weights = 1.0 if sample_weight is None else sample_weight
        self._rows_weigh = rows = float(np.broadcast_to(weights, np.shape(y)[:1]).sum())
        super().fit(X, y, sample_weight)
        if hasattr(self, "gap_"):
            self.dual_gap_ = self.gap_ / (2 * rows)
        self.n_iter_ = int(self.n_iter_[0])
        return self

    def _ours(self) -> dict[str, Any]:
        return {
            "alpha": self.alpha * self._rows_weigh,
            "l1_ratio": self.l1_ratio,
            "fit_intercept": self.fit_intercept,
            "positive": self.positive,
            "tol": min(self.tol**2, 1e-8),
            "max_iter": self.max_iter,
        }

    @property
    def sparse_coef_(self) -> Any:
        """The coefficients in CSR."""
        return sparse.csr_matrix(self.coef_)


class Lasso(ElasticNet):
    """Likewise."""

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        fit_intercept: bool = True,
        precompute: Any = False,
        copy_X: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
        warm_start: bool = False,
        positive: bool = False,
        random_state: Any = None,
        selection: str = "cyclic",
    ) -> None:
        given = {name: value for name, value in locals().items() if name not in ("self", "__class__")}
        ElasticNet.__init__(self, l1_ratio=1.0, **given)


def _given(model: ElasticNet) -> bool:
    return not isinstance(model.precompute, bool | str)


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
            # A gradient of tol is a distance from the minimum of about its square. Rounding is 1e-14, with l1 1e-13.
            "tol": float(np.clip(self.tol**2, 1e-12 if share else 5e-14, 1e-8)),
            "max_iter": self.max_iter * 50 if self.solver in STOCHASTIC else self.max_iter,
            "fit_intercept": self.fit_intercept,
            "class_weight": self.class_weight,
            "warm_start": self.warm_start,
            "l1_ratio": share,
        }


REPLACED = {
    "sklearn.linear_model": {
        "ElasticNet": ElasticNet,
        "Lasso": Lasso,
        "LinearRegression": LinearRegression,
        "Ridge": Ridge,
        "LogisticRegression": LogisticRegression,
    }
}

FLOAT64 = "coefficients of float32 features are float64: rounded apart they would predict worse"
ONE_WAY = "the solver that is asked for, its name, its steps, or its message: ours has others"
MORE = "something is refused, or warned of, that ours can do"
NAMES = "a private function, attribute, constraint or wording of scikit-learn's"
IN_PLACE = "copy_X=False: X is overwritten, which ours never does"
STEPS = "n_iter_ counts objectives, which are one more than steps; max_iter is at least 1"
UNFINISHED = "how far some steps come that do not reach the minimum"

APPLIES_NOT: dict[str, dict[str, str]] = {
    "sklearn.linear_model.tests.test_base": {
        "test_raises_value_error_if_positive_and_sparse": MORE,
        "test_inplace_data_preprocessing": IN_PLACE,
    },
    "sklearn.linear_model.tests.test_ridge": {
        r"test_dtype_match|compliance.*float32": FLOAT64,
        r"test_ridge_regression\[|test_n_iter|lbfgs_solver_error|error_and_warnings_for_solver": ONE_WAY,
        r"fit_intercept_sparse|positive_error_test": MORE,
        "test_ridge_shapes_type": "y of (n, 1) gives coefficients (1, d), as LinearRegression's, and not (d,)",
        "test_ridge_individual_penalties": NAMES,
    },
    "sklearn.linear_model.tests.test_coordinate_descent": {
        "test_enet_nonfinite_params": NAMES,
        "test_lasso_dual_gap|test_enet_multitarget": (
            "dual_gap_ to its last digit, or of each target: gap_ includes rounding, and is of all targets"
        ),
        "test_lasso_alpha_warning": MORE,
        "check_input_False|check_input_false": "check_input=False, with which scikit-learn trusts the caller",
    },
    "sklearn.linear_model.tests.test_logistic": {
        r"test_dtype_match|array_api_compliance.*float32": FLOAT64,
        r"test_max_iter|warns_with_n_jobs|fallback_to_lbfgs": ONE_WAY,
        r"test_large_sparse_matrix|elasticnet_l1_ratio_err|callback_support_warning": MORE,
        r"test_penalty_none|ratio_incompatible|penalty_deprecated|ratio_non_elasticnet|ratio_None": (
            "parameters that exclude each other or are deprecated: ours has C and l1_ratio alone"
        ),
        r"test_zero_max_iter|callback_support\[": STEPS,
        r"test_warm_start_newton|test_warm_start\[.*False-saga?": UNFINISHED,
        r"predict_proba_multinomial": NAMES,
        r"test_logistic_glmnet\[lbfgs": (
            "coefficients to 1e-8 by lbfgs: it ends where the objective is within 1e-13, which is 2e-8 of theirs"
        ),
        r"cv_multinomial_score": "the score at scikit-learn's tolerance, which is 3e-4 from that at the minimum",
    },
}
