"""Results with statsmodels' names, whose numbers are ours: what all have in common, and those of least squares."""

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats
from statsmodels.formula._manager import FormulaManager
from statsmodels.stats.contrast import ContrastResults

from peers import does_not_apply, refuse, used

NORMAL = "use_t=False of least squares: p and intervals by the normal distribution, ours are by t and F"
GIVEN = "covariances of another scale, or that are given"
ROWS, COLUMNS, SQUARE = "rows", "columns", "cov"
HOW = {
    **dict.fromkeys(("params", "bse", "tvalues", "pvalues", "HC0_se", "HC1_se", "HC2_se", "HC3_se"), COLUMNS),
    **dict.fromkeys(("resid", "wresid", "fittedvalues", "resid_pearson", "resid_response"), ROWS),
    "normalized_cov_params": SQUARE,
}
KINDS = {  # of statistics that ours does not have, by what is in their names
    "summary": "summaries in statsmodels' layout",
    "compare": "nested models compared by their results",
    "resid": "residuals of logits, and the like",
    "el_": "empirical likelihood",
    "conf_int_el": "empirical likelihood",
    "remove_data": "results that leave their data, or are saved statsmodels' way",
    "save": "results that leave their data, or are saved statsmodels' way",
    "score_test": "score tests",
    "t_test_pairwise": "comparisons of many pairs",
    "mle": "what an optimiser says of its steps",
    "converged": "what an optimiser says of its steps",
}
OTHERWISE = "statistics that ours does not have"


class Results:
    """What fitting returns: statsmodels' names for what ours says, and a refusal of everything else."""

    model: Any

    def __getattribute__(self, name: str) -> Any:
        found = object.__getattribute__(self, name)
        if name.startswith("_"):
            return found
        used()
        wraps = name in HOW and vars(self).get("_wraps", True)
        return self.model.data.wrap_output(found, HOW[name]) if wraps else found

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        does_not_apply(next((kind for part, kind in KINDS.items() if part in name), OTHERWISE))

    @property
    def _results(self) -> Any:
        """The same, with arrays only, as statsmodels' functions of results ask for."""
        found = copy.copy(self)
        vars(found)["_wraps"] = False
        return found

    def _constraints(self, wanted: Any) -> tuple[Any, Any]:
        """Return R and r of hypotheses as statsmodels takes them."""
        names = self.model.data.cov_names
        if self._params.ndim == 2:
            names = [f"y{outcome}_{term}" for outcome, term in names]
        found = FormulaManager().get_linear_constraints(wanted, names)
        R = np.atleast_2d(np.asarray(found.constraint_matrix, float))
        given = found.constraint_values
        if R.shape[1] != self._params.size:
            raise ValueError("hypotheses have another number of coefficients")
        return R, np.zeros(len(R)) if given is None else np.asarray(given, float).ravel()

    def cov_params(
        self,
        r_matrix: Any = None,
        column: Any = None,
        scale: Any = None,
        cov_p: Any = None,
        other: Any = None,
    ) -> Any:
        """Return the covariance of coefficients, or of combinations of them."""
        refuse({GIVEN: scale is not None or cov_p is not None})
        V = self._cov
        if column is not None:
            return V[np.ix_(column, column)] if np.ndim(column) else V[column, column]
        if r_matrix is not None:
            R, S = np.asarray(r_matrix), np.asarray(r_matrix if other is None else other)
            return R @ V @ S.T
        return self.model.data.wrap_output(V, SQUARE)

    @property
    def params(self) -> Any:
        """The coefficients."""
        return self._params

    @property
    def tvalues(self) -> Any:
        """In units of their errors."""
        return self._table.statistic


@dataclass(frozen=True)
class Table:
    """Numbers of ours in the order of statsmodels' coefficients."""

    estimate: Any
    std_err: Any
    statistic: Any
    p: Any


@dataclass
class Prediction:
    """What ``get_prediction`` returns for least squares."""

    predicted_mean: Any
    se_mean: Any
    _interval: Any
    row_labels: Any = None

    def conf_int(self, obs: bool = False, alpha: float = 0.05) -> Any:
        """Return the intervals of means, or of further targets."""
        return self._interval("prediction" if obs else "confidence", 1 - alpha)

    def summary_frame(self, alpha: float = 0.05) -> Any:
        """Return all of it as a table."""
        import pandas as pd

        mean, obs = self.conf_int(False, alpha), self.conf_int(True, alpha)
        names = ["mean", "mean_se", "mean_ci_lower", "mean_ci_upper", "obs_ci_lower", "obs_ci_upper"]
        columns = [self.predicted_mean, self.se_mean, *mean.T, *obs.T]
        return pd.DataFrame(dict(zip(names, columns, strict=True)), index=self.row_labels)


class Influences:
    """What ``get_influence`` returns."""

    def __init__(self, found: Any, p: int, degrees: float) -> None:
        self.hat_matrix_diag = found.leverage
        self.resid_studentized_internal = found.studentised
        self.resid_studentized = found.studentised
        self.resid_studentized_external = found.externally_studentised
        tail = stats.f.sf(found.cooks_distance, p, degrees)
        self.cooks_distance = found.cooks_distance, tail
        self.dffits = found.dffits, 2 * np.sqrt(p / len(found.leverage))

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        does_not_apply(OTHERWISE)


class LeastSquares(Results):
    """Of OLS and WLS."""

    def __init__(
        self, model: Any, ours: Any, robust: Any = None, cov_type: str = "", use_t: bool = True, **other: Any
    ) -> None:
        refuse({"results that are made of coefficients": bool(other) or robust is None})
        self.model, self.cov_type, self.use_t, self.cov_kwds = model, cov_type, use_t, dict(robust)
        self._ours, self._robust, self._summary = ours, robust, ours.summary(**robust)
        self._place, self._unit = model.place
        table = self._summary
        self._table = Table(*(x[self._place] for x in (table.estimate, table.std_err, table.t, table.p)))
        self._params, self._cov = self._table.estimate / self._unit, self._vcov(**robust)

    def _vcov(self, **robust: Any) -> Any:
        V = self._ours.vcov(**robust)[np.ix_(self._place, self._place)]
        return V / np.outer(self._unit, self._unit)

    def _by_t(self) -> None:
        refuse({NORMAL: not self.use_t})

    @property
    def bse(self) -> Any:
        """Standard errors."""
        return self._table.std_err / self._unit

    @property
    def pvalues(self) -> Any:
        """Of t."""
        self._by_t()
        return self._table.p

    def conf_int(self, alpha: float = 0.05, cols: Any = None) -> Any:
        """Return intervals of the coefficients."""
        self._by_t()
        found = self._ours.summary(confidence=1 - alpha, **self._robust).interval[self._place]
        found = found / self._unit[:, None]
        return self.model.data.wrap_output(found, COLUMNS) if cols is None else found[np.asarray(cols)]

    scale = property(lambda self: self._summary.sigma**2)
    mse_resid = scale
    nobs = property(lambda self: float(self._summary.n))
    df_resid = property(lambda self: float(self._summary.degrees_of_freedom))
    k_constant = property(lambda self: self.model.k_constant)
    df_model = property(lambda self: self.nobs - self.df_resid - self.model.k_constant)
    ssr = property(lambda self: self._summary.sigma**2 * self.df_resid)
    ess = property(lambda self: self._tss - self.ssr)
    mse_model = property(lambda self: self.ess / self.df_model if self.df_model else np.nan)
    mse_total = property(lambda self: self._tss / (self.df_model + self.df_resid))
    rsquared = property(lambda self: self._summary.r2)
    rsquared_adj = property(lambda self: self._summary.adjusted_r2)
    fvalue = property(lambda self: self._summary.f.statistic)
    llf = property(lambda self: self._summary.log_likelihood)
    aic = property(lambda self: self._summary.aic)
    bic = property(lambda self: self._summary.bic)
    normalized_cov_params = property(lambda self: self._vcov() / self._summary.sigma**2)
    fittedvalues = property(lambda self: self.model.exog @ self._params)
    resid = property(lambda self: self.model.endog - self.model.exog @ self._params)
    wresid = property(
        lambda self: np.sqrt(self.model.weights) * (self.model.endog - self.model.exog @ self._params)
    )
    resid_pearson = property(lambda self: np.asarray(self.wresid) / self._summary.sigma)
    _tss = property(lambda self: float(self._ours._tss))

    @property
    def f_pvalue(self) -> float:
        """Of F."""
        self._by_t()
        return float(self._summary.f.p)

    @property
    def centered_tss(self) -> float:
        """The squares about the mean."""
        refuse({"centred squares without a constant": not self.model.k_constant})
        return self._tss

    @property
    def uncentered_tss(self) -> float:
        """The squares about 0."""
        refuse({"uncentred squares beside a constant": self.model.k_constant})
        return self._tss

    def predict(self, exog: Any = None, transform: bool = True) -> Any:
        """Return predictions."""
        if exog is None:
            return self.fittedvalues
        return self.model.predict(self._params, self._exog(exog))

    def _exog(self, exog: Any) -> Any:
        refuse({"predictions for new rows of a formula": hasattr(self.model, "formula")})
        found = np.asarray(exog, float)
        return found[None] if found.ndim == 1 and self._params.size > 1 else found.reshape(len(found), -1)

    def f_test(self, r_matrix: Any, cov_p: Any = None, invcov: Any = None) -> Any:
        """Return the F test of hypotheses."""
        refuse({GIVEN: invcov is not None})
        found = self._test(*self._constraints(r_matrix), self._robust_of(cov_p))
        contrast = ContrastResults(
            F=found.f.statistic, df_denom=found.f.degrees[1], df_num=found.f.degrees[0]
        )
        contrast.pvalue = np.float64(found.p)
        return contrast

    def wald_test(
        self,
        r_matrix: Any,
        cov_p: Any = None,
        invcov: Any = None,
        use_f: Any = None,
        df_constraints: Any = None,
        scalar: Any = None,
    ) -> Any:
        """Return the F test of hypotheses."""
        refuse({NORMAL: not (self.use_t if use_f is None else use_f)})
        return self.f_test(r_matrix, cov_p, invcov)

    def t_test(self, r_matrix: Any, cov_p: Any = None, use_t: Any = None) -> Any:
        """Return the t tests of hypotheses one by one."""
        refuse({NORMAL: not (self.use_t if use_t is None else use_t)})
        R, r = self._constraints(r_matrix)
        robust = self._robust_of(cov_p)
        found = [self._test(R[[k]], r[[k]], robust) for k in range(len(R))]
        t, sd = (np.array([getattr(one, name)[0] for one in found]) for name in ("t", "std_err"))
        contrast = ContrastResults(effect=R @ self._params, t=t, sd=sd, df_denom=found[0].f.degrees[1])
        contrast.pvalue = np.array([one.p for one in found])
        return contrast

    def _test(self, R: Any, r: Any, robust: dict[str, Any]) -> Any:
        ordered = np.empty_like(R)
        ordered[:, self._place] = R / self._unit
        return self._ours.test(ordered, r, **robust)

    def _robust_of(self, cov_p: Any) -> dict[str, Any]:
        """Return which errors of ours have a covariance, or end the test."""
        if cov_p is None:
            return self._robust
        kinds = [self._robust, {}, *({"cov": kind} for kind in ("HC0", "HC1", "HC2", "HC3"))]
        found = [robust for robust in kinds if np.array_equal(self._vcov(**robust), cov_p)]
        refuse({GIVEN: not found})
        return found[0]

    def get_robustcov_results(self, cov_type: str = "HC1", use_t: Any = None, **asked: Any) -> Any:
        """Return the same fit with other errors."""
        use_t = self.use_t if use_t is None else use_t
        return LeastSquares(self.model, self._ours, robust_arguments(cov_type, asked), cov_type, use_t)

    def get_prediction(
        self,
        exog: Any = None,
        transform: bool = True,
        weights: Any = None,
        row_labels: Any = None,
        **other: Any,
    ) -> Any:
        """Return predictions with errors and intervals."""
        refuse({"predictions of rows with weights": weights is not None or bool(other)})
        self._by_t()
        X = self.model.exog if exog is None else self._exog(exog)
        others = np.delete(X, self.model.const, 1) if self.model.const is not None else X
        is_one = self.model.const is None or (X[:, self.model.const] == self._unit.max()).all()
        refuse({"predictions of rows without the constant": not is_one})
        if row_labels is None and exog is None:
            row_labels = self.model.data.row_labels

        def interval(kind: str, level: float) -> Any:
            weighted = not np.all(self.model.weights == 1)
            refuse({"predictions of rows with weights": kind == "prediction" and weighted})
            return self._ours.predict(others, kind, level, **self._robust)[1]

        half = np.ptp(interval("confidence", 0.95), axis=1) / 2
        degrees = self._ours.test(np.eye(len(self._params))[0], **self._robust).f.degrees[1]
        error = half / stats.t.ppf(0.975, degrees)
        return Prediction(X @ self._params, error, interval, row_labels)

    def get_influence(self) -> Any:
        """Return the influence of rows."""
        found = self._ours.diagnostics().influence
        return Influences(found, len(self._params), self.df_resid)


for _kind in ("HC0", "HC1", "HC2", "HC3"):

    def _matrix(self: LeastSquares, kind: str = _kind) -> Any:
        return self._vcov(cov=kind)

    setattr(LeastSquares, f"cov_{_kind}", property(_matrix))
    setattr(LeastSquares, f"{_kind}_se", property(lambda self, f=_matrix: np.sqrt(f(self).diagonal())))


def robust_arguments(cov_type: str, asked: dict[str, Any] | None) -> dict[str, Any]:
    """Return ours for a kind of errors of statsmodels', or end the test."""
    asked = dict(asked or {})
    kind = {"nonrobust": "classical"}.get(cov_type, cov_type)
    robust: dict[str, Any] = {"cov": kind} if kind != "classical" else {}
    if kind == "HAC":
        robust["lags"] = asked.pop("maxlags", None)
        refuse({"HAC with a kernel other than Bartlett's": asked.pop("kernel", "bartlett") != "bartlett"})
        refuse({"HAC with a correction for small samples": asked.pop("use_correction", False)})
    elif kind == "cluster":
        groups = asked.pop("groups", None)
        robust["groups"] = np.column_stack(groups) if isinstance(groups, tuple) else groups
        is_corrected = asked.pop("use_correction", True) and asked.pop("df_correction", True) is not False
        refuse({"cluster without its correction for small samples": not is_corrected})
    known = ("classical", "HC0", "HC1", "HC2", "HC3", "HAC", "cluster")
    refuse({"errors of panels, of a fixed scale, or by jackknife": kind not in known})
    refuse({"errors of panels, of a fixed scale, or by jackknife": bool(set(asked) - {"use_t"})})
    return robust
