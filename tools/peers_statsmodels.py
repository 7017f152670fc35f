"""statsmodels' OLS, WLS, Logit and MNLogit by their arguments, fitted with ours."""

import warnings
from functools import cached_property
from typing import Any

import numpy as np
from statsmodels.discrete import discrete_model
from statsmodels.regression import linear_model
from statsmodels.stats.outliers_influence import OLSInfluence

import onelayer
from peers import refuse, used
from peers_logits import Logits
from peers_results import LeastSquares, robust_arguments

DEPENDENT = "columns that depend on each other: ours gives no errors of what they leave open"


class Design:
    """A model of statsmodels' whose constant, if it has one, is our intercept."""

    exog: Any
    k_constant: int
    data: Any

    @cached_property
    def const(self) -> int | None:
        """The number of the constant column."""
        found = np.flatnonzero((self.exog == self.exog[0]).all(axis=0) & (self.exog[0] != 0))
        return int(found[0]) if self.k_constant and len(found) else None

    @property
    def others(self) -> Any:
        """The columns but for the constant."""
        return self.exog if self.const is None else np.delete(self.exog, self.const, 1)

    @cached_property
    def place(self) -> tuple[Any, Any]:
        """Where each coefficient is among ours, which begin with the intercept, and in units of what it is there."""
        p = self.exog.shape[1]
        place, unit = np.arange(p), np.ones(p)
        if self.const is not None:
            place[: self.const], place[self.const] = np.arange(1, self.const + 1), 0
            unit[self.const] = self.exog[0, self.const]
        return place, unit

    def checked(self) -> None:
        """End the test if there is nothing of ours that is the same."""
        used()
        refuse({"a constant that several columns make up": bool(self.k_constant) and self.const is None})
        refuse({"models without a feature": self.others.shape[1] == 0})


class Squares(Design):
    """OLS and WLS."""

    def fit(
        self,
        method: str = "pinv",
        cov_type: str = "nonrobust",
        cov_kwds: Any = None,
        use_t: Any = None,
        **other: Any,
    ) -> Any:
        """Fit ours."""
        if method not in ("pinv", "qr"):
            raise ValueError("method must be pinv or qr")
        self.checked()
        robust = robust_arguments(cov_type, {**(cov_kwds or {}), **other})
        refuse({"targets in several columns": np.ndim(self.endog) > 1})  # type: ignore[attr-defined]
        weights = np.broadcast_to(self.weights, len(self.exog))  # type: ignore[attr-defined]
        c = None if (weights == 1).all() else weights
        model = onelayer.LinearRegression(fit_intercept=self.const is not None)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(self.others, self.endog, c)  # type: ignore[attr-defined]
        refuse({DEPENDENT: model.rank_ < self.others.shape[1]})
        refuse({"no more rows than coefficients": len(self.exog) <= self.exog.shape[1]})
        use_t = cov_type == "nonrobust" if use_t is None else use_t
        return LeastSquares(self, model, robust, cov_type, use_t)


class OLS(Squares, linear_model.OLS):
    """With the arguments of statsmodels'."""


class WLS(Squares, linear_model.WLS):
    """Likewise."""


class Odds(Design):
    """Logit and MNLogit."""

    is_multinomial = False

    def fit(
        self,
        start_params: Any = None,
        method: str = "newton",
        maxiter: int = 35,
        full_output: Any = 1,
        disp: Any = 1,
        callback: Any = None,
        cov_type: str = "nonrobust",
        cov_kwds: Any = None,
        **other: Any,
    ) -> Any:
        """Fit ours."""
        self.checked()
        labels = np.asarray(self.endog)  # type: ignore[attr-defined]
        refuse({"outcomes that are shares, not classes": not np.isin(labels, np.arange(len(labels))).all()})
        refuse({"offsets of logits, or constraints": getattr(self, "offset", None) is not None})
        robust = robust_arguments(cov_type, cov_kwds)
        model = onelayer.SoftmaxRegression(C=np.inf, fit_intercept=self.const is not None, tol=1e-13)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model.fit(self.others, labels.astype(int))
            table = model.summary()
        refuse({DEPENDENT: bool(np.isnan(table.std_err).any())})
        return Logits(self, model, robust, cov_type)


class Logit(Odds, discrete_model.Logit):
    """With the arguments of statsmodels'."""


class MNLogit(Odds, discrete_model.MNLogit):
    """Likewise."""

    is_multinomial = True


_theirs = OLSInfluence


def influence_of(results: Any, *arguments: Any, **named: Any) -> Any:
    """Return ours of results of ours, and statsmodels' of other ones."""
    if isinstance(results, LeastSquares):
        return results.get_influence()
    return _theirs(results, *arguments, **named)


REPLACED = {
    "statsmodels.regression.linear_model": {"OLS": OLS, "WLS": WLS},
    "statsmodels.discrete.discrete_model": {"Logit": Logit, "MNLogit": MNLogit},
}
KEPT = {  # while tests run: they look these up there
    "statsmodels.stats.outliers_influence": {"OLSInfluence": influence_of},
    "statsmodels.api": {"OLS": OLS, "WLS": WLS, "Logit": Logit, "MNLogit": MNLogit},
    "statsmodels.formula.api": {
        "ols": OLS.from_formula,
        "wls": WLS.from_formula,
        "logit": Logit.from_formula,
        "mnlogit": MNLogit.from_formula,
    },
}

PRIVATE = "a private function or wording of statsmodels'"

APPLIES_NOT: dict[str, dict[str, str]] = {
    "statsmodels.regression.tests.test_regression": {
        "test_degrees": "degrees of freedom that a test sets on the model by hand",
    },
    "statsmodels.regression.tests.test_robustcov": {
        "TestWLSOLSRobustSmall::test_all": "a p of 1e-33 to 13 digits: two ways to it are 1.6e-13 of it apart",
        "test_description_matches_cov_type": PRIVATE,
    },
    "statsmodels.discrete.tests.test_discrete": {"test_endog_names": PRIVATE},
}
