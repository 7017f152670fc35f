"""Results of Logit and MNLogit with statsmodels' names, whose numbers are ours."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from statsmodels.stats.contrast import ContrastResults

from peers import does_not_apply, refuse
from peers_results import COLUMNS, GIVEN, Results, Table


@dataclass
class Effects:
    """What ``get_margeff`` returns."""

    margeff: Any
    margeff_se: Any
    tvalues: Any
    pvalues: Any

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        does_not_apply("summaries in statsmodels' layout")


class Logits(Results):
    """Of Logit and MNLogit: coefficients (p,) or (p, m) against the first outcome."""

    use_t = False

    def __init__(self, model: Any, ours: Any, robust: dict[str, Any], cov_type: str) -> None:
        self.model, self.cov_type, self.cov_kwds = model, cov_type, dict(robust)
        self._ours, self._robust, self._summary = ours, robust, ours.summary(**robust)
        self._place, self._unit = model.place
        found = self._summary
        parts = (self._ordered(x) for x in (found.estimate, found.std_err, found.z, found.p))
        self._table = Table(*parts)
        divided = self._divided()
        self._params = self._table.estimate / divided

    def _divided(self) -> Any:
        return self._unit[:, None] if self.model.is_multinomial else self._unit

    def _ordered(self, values: Any) -> Any:
        """Return values (m, p) of ours as (p,) or (p, m)."""
        found = values[:, self._place]
        return found.T if self.model.is_multinomial else found[0]

    @property
    def _cov(self) -> Any:
        m, p = self._summary.estimate.shape
        at = (np.arange(m)[:, None] * p + np.asarray(self._place)).ravel()
        unit = np.tile(self._unit, m)
        return self._ours.vcov(**self._robust)[np.ix_(at, at)] / np.outer(unit, unit)

    normalized_cov_params = property(lambda self: self._cov)
    bse = property(lambda self: self._table.std_err / self._divided())
    pvalues = property(lambda self: self._table.p)
    nobs = property(lambda self: float(self._summary.n))
    llf = property(lambda self: self._summary.likelihood.log_likelihood)
    llr = property(lambda self: self._summary.likelihood.lr)
    llr_pvalue = property(lambda self: self._summary.likelihood.lr_p)
    prsquared = property(lambda self: self._summary.likelihood.mcfadden_r2)
    aic = property(lambda self: self._summary.likelihood.aic)
    bic = property(lambda self: self._summary.likelihood.bic)
    df_model = property(lambda self: float(self._summary.likelihood.df))
    df_resid = property(lambda self: self.nobs - self._summary.estimate.size)

    @property
    def llnull(self) -> float:
        """The likelihood without features."""
        refuse({"the null of a model without a constant": not self.model.k_constant})
        return float(self._summary.likelihood.null_log_likelihood)

    def conf_int(self, alpha: float = 0.05, cols: Any = None) -> Any:
        """Return intervals: (p, 2), or (m, p, 2)."""
        found = self._ours.summary(confidence=1 - alpha, **self._robust).interval[:, self._place]
        found = found / self._unit[:, None]
        if self.model.is_multinomial:
            return found if cols is None else found[:, np.asarray(cols)]
        return self.model.data.wrap_output(found[0], COLUMNS) if cols is None else found[0][np.asarray(cols)]

    def predict(self, exog: Any = None, transform: bool = True, which: str = "mean", **other: Any) -> Any:
        """Return probabilities, or logits."""
        refuse({"predictions for new rows of a formula": exog is not None and hasattr(self.model, "formula")})
        refuse(
            {"predictions with an offset, or of variances": bool(other) or which not in ("mean", "linear")}
        )
        return self.model.predict(self._params, exog, which=which)

    @property
    def fittedvalues(self) -> Any:
        """Logits."""
        return self.model.exog @ self._params

    def pred_table(self, threshold: float = 0.5) -> Any:
        """Return how often each outcome was predicted."""
        p, seen = self._ours.predict_proba(self.model.others), self.model.endog.astype(int)
        chosen = p.argmax(1) if self.model.is_multinomial else (p[:, 1] > threshold).astype(int)
        counts = np.zeros((p.shape[1], p.shape[1]))
        np.add.at(counts, (seen, chosen), 1)
        return counts

    def wald_test(
        self,
        r_matrix: Any,
        cov_p: Any = None,
        invcov: Any = None,
        use_f: Any = None,
        df_constraints: Any = None,
        scalar: Any = None,
    ) -> Any:
        """Return the χ² test of hypotheses."""
        refuse({"F and t for logits: ours are χ² and z": bool(use_f)})
        refuse({GIVEN: cov_p is not None or invcov is not None})
        R, r = self._constraints(r_matrix)
        found = self._test(R, r)
        contrast = ContrastResults(
            chi2=found.statistic,
            statistic=np.float64(found.statistic),
            df_denom=found.df,
            distribution="chi2",
        )
        contrast.pvalue = np.float64(found.p)
        return contrast

    def t_test(self, r_matrix: Any, cov_p: Any = None, use_t: Any = None) -> Any:
        """Return the z tests of hypotheses one by one."""
        refuse({"F and t for logits: ours are χ² and z": bool(use_t)})
        refuse({GIVEN: cov_p is not None})
        R, r = self._constraints(r_matrix)
        effect = R @ self._params.ravel(order="F")
        found = [self._test(R[[k]], r[[k]]) for k in range(len(R))]
        z = np.sign(effect - r) * np.sqrt([one.statistic for one in found])
        sd = np.sqrt(np.einsum("ij,jk,ik->i", R, self._cov, R))
        contrast = ContrastResults(effect=effect, statistic=z, sd=sd, df_denom=np.inf, distribution="norm")
        contrast.pvalue = np.array([one.p for one in found])
        return contrast

    def f_test(self, r_matrix: Any, cov_p: Any = None, invcov: Any = None) -> Any:
        """Refuse."""
        does_not_apply("F and t for logits: ours are χ² and z")

    def _test(self, R: Any, r: Any) -> Any:
        m, p = self._summary.estimate.shape
        whole, ordered = (R / np.tile(self._unit, m)).reshape(len(R), m, p), np.empty((len(R), m, p))
        ordered[:, :, self._place] = whole
        return self._ours.test(ordered.reshape(len(R), -1), r, **self._robust)

    def get_margeff(
        self,
        at: str = "overall",
        method: str = "dydx",
        atexog: Any = None,
        dummy: bool = False,
        count: bool = False,
    ) -> Any:
        """Return marginal effects."""
        where = {"overall": "average", "mean": "means"}.get(at)
        refuse(
            {
                "marginal effects at medians, zeros or given rows, of counts, or as elasticities": where
                is None
                or method != "dydx"
                or atexog is not None
                or count
            }
        )
        X = self.model.others
        names = [f"x{j + 1}" for j in range(X.shape[1])]
        discrete = [name for name, x in zip(names, X.T, strict=True) if dummy and np.isin(x, (0, 1)).all()]
        found = self._ours.marginal_effects(where, discrete, **self._robust)
        parts = (found.estimate, found.std_err, found.statistic, found.p)
        return Effects(*(x.T if self.model.is_multinomial else x[1] for x in parts))
