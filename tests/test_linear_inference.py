"""Errors, tests, intervals and diagnostics of linear regression: statsmodels' numbers, computed when the tests run.

statsmodels solves by a pseudo-inverse of the columns as they are, which costs it digits where they are nearly dependent
(longley, star98). It is given these centred and scaled, which changes no number of a slope but for its unit; that our
numbers are those of the columns as they are is tested in 60 digits
in ``test_robust_errors.py``.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.outliers_influence import OLSInfluence, variance_inflation_factor

import real_tables
from onelayer import LinearRegression

pytestmark = pytest.mark.filterwarnings(
    "ignore:invalid value:RuntimeWarning:statsmodels"
)  # variances below 0

CLOSE = 1e-8  # relative
SETS = ["longley", "stackloss", "star98", "grunfeld", "engel", "ccard"]
NEARLY_DEPENDENT = ("longley", "star98")
COVARIANCES = [
    ("classical", {}),
    ("HC0", {}),
    ("HC1", {}),
    ("HC2", {}),
    ("HC3", {}),
    ("cluster", {"ways": 1}),
    ("cluster", {"ways": 2}),
    ("HAC", {"lags": 0}),
    ("HAC", {"lags": 1}),
    ("HAC", {"lags": 5}),
]


@dataclass
class Problem:
    """A data set of statsmodels, with weights and two ways of grouping its rows."""

    X: pd.DataFrame
    y: np.ndarray
    c: np.ndarray | None
    groups: np.ndarray
    shift: np.ndarray
    scale: np.ndarray

    def ours(self):
        return LinearRegression().fit(self.X, self.y, self.c)

    def their_columns(self, X=None):
        return sm.add_constant(
            (np.asarray(self.X if X is None else X) - self.shift) / self.scale, has_constant="add"
        )

    def theirs(self, cov="classical", ways=0, lags=None):
        A = self.their_columns()
        fit = (sm.OLS(self.y, A) if self.c is None else sm.WLS(self.y, A, weights=self.c)).fit()
        if cov == "classical":
            return fit
        how = {"HAC": {"maxlags": lags}, "cluster": {"groups": self.groups[:, :ways].squeeze()}}
        return fit.get_robustcov_results(cov, use_t=True, **how.get(cov, {}))

    def how(self, cov, ways=0, lags=None):
        """Return the arguments of ours for these of theirs."""
        groups = (
            np.array([f"group {g}" for g in self.groups[:, :ways].ravel()]).reshape(-1, ways).squeeze()
            if ways
            else None
        )
        return {"cov": cov, "groups": groups, "lags": lags}

    def slopes(self, values):
        """Return what is theirs of the slopes, in our units."""
        return np.asarray(values)[1:] / self.scale.reshape(-1, *[1] * (np.ndim(values) - 1))


@pytest.fixture(scope="module", params=SETS)
def name(request):
    return request.param


@pytest.fixture(scope="module", params=[False, True], ids=["ols", "wls"])
def problem(request, name):
    data = getattr(sm.datasets, name).load_pandas()
    X, y = data.exog, data.endog if data.endog.ndim == 1 else data.endog.iloc[:, 0]
    random = np.random.default_rng(0)
    groups = random.integers(0, [max(len(y) // 2, 8), 8], (len(y), 2))
    if name == "grunfeld":
        X, groups = (
            X[["value", "capital"]],
            np.stack([pd.factorize(X[g])[0] for g in ("firm", "year")], axis=1),
        )
    X = X.loc[:, X.std() > 0].astype(float)
    d = X.shape[1]
    shift, scale = (
        (X.mean().to_numpy(), X.std().to_numpy()) if name in NEARLY_DEPENDENT else (np.zeros(d), np.ones(d))
    )
    c = random.uniform(0.5, 2, len(y)) if request.param else None
    return Problem(X, y.to_numpy(float), c, groups, shift, scale)


def close(ours, theirs, rtol=CLOSE):
    np.testing.assert_allclose(ours, theirs, rtol=rtol)


@pytest.mark.parametrize(("cov", "how"), COVARIANCES, ids=str)
def test_a_summary_has_statsmodels_numbers(problem, cov, how):
    ours, theirs = problem.ours().summary(**problem.how(cov, **how)), problem.theirs(cov, **how)
    first = 1 if problem.shift.any() else 0  # the intercept of shifted columns is another
    for one, other in (
        (ours.estimate, theirs.params),
        (ours.std_err, theirs.bse),
        (ours.interval, theirs.conf_int()),
    ):
        close(one[1:], problem.slopes(other))
        close(one[: 1 - first], np.asarray(other)[: 1 - first])
    close(ours.t[first:], theirs.tvalues[first:])
    close(ours.p[first:], theirs.pvalues[first:])
    vcov = problem.ours().vcov(**problem.how(cov, **how))[1:, 1:] * np.outer(problem.scale, problem.scale)
    expected = theirs.cov_params()[1:, 1:]
    size = np.sqrt(np.outer(*[np.abs(expected.diagonal())] * 2))
    np.testing.assert_allclose(vcov / size, expected / size, rtol=CLOSE, atol=CLOSE)


@pytest.mark.parametrize(("cov", "how"), COVARIANCES, ids=str)
def test_how_well_it_fits_in_statsmodels_numbers(problem, cov, how):
    ours, theirs = problem.ours().summary(**problem.how(cov, **how)), problem.theirs(cov, **how)
    for one, other in (
        (ours.r2, theirs.rsquared),
        (ours.adjusted_r2, theirs.rsquared_adj),
        (ours.sigma, np.sqrt(theirs.mse_resid)),
        (ours.log_likelihood, theirs.llf),
        (ours.aic, theirs.aic),
        (ours.bic, theirs.bic),
    ):
        close(one, other)
    assert (ours.n, ours.degrees_of_freedom) == (theirs.nobs, theirs.nobs - len(theirs.params))
    slopes = problem.X.shape[1]
    if cov == "cluster" and ours.f.degrees[1] <= slopes:
        return  # too few groups: statsmodels inverts what it can, and ours is NaN
    if np.linalg.eigvalsh(theirs.cov_params()[1:, 1:])[0] < 0:  # of two ways of grouping
        assert np.isnan(ours.f.statistic)
        return
    close(ours.f.statistic, float(np.squeeze(theirs.fvalue)))
    close(ours.f.p, float(theirs.f_pvalue))
    assert ours.f.degrees[0] == slopes


@pytest.mark.parametrize(("cov", "how"), COVARIANCES, ids=str)
def test_wald_tests_are_statsmodels(problem, cov, how):
    model, theirs = problem.ours(), problem.theirs(cov, **how)
    d = problem.X.shape[1]
    R = np.zeros((2, d + 1))
    R[0, 1], R[-1, -1] = 2.0, -3.0
    R, r = (R, [0.1, -0.2]) if d > 1 else (R[:1] + R[1:], [0.1])
    found = model.test(R, r, **problem.how(cov, **how))
    scaled = np.column_stack([R[:, :1], R[:, 1:] / problem.scale])
    expected = theirs.f_test((scaled, r))
    close(found.f.statistic, float(np.squeeze(expected.fvalue)))
    close(found.p, float(expected.pvalue))
    assert found.f.degrees == (expected.df_num, expected.df_denom)
    single = theirs.t_test((scaled, r))
    close(found.estimate, np.atleast_1d(single.effect) - r)
    close(found.std_err, np.atleast_1d(np.squeeze(single.sd)))
    close(found.t, np.atleast_1d(np.squeeze(single.tvalue)))
    close(found.interval(0.9) + np.array(r)[:, None], single.conf_int(0.1))


@pytest.mark.parametrize(("cov", "how"), COVARIANCES, ids=str)
def test_intervals_of_predictions_are_statsmodels(problem, cov, how):
    model, theirs = problem.ours(), problem.theirs(cov, **how)
    X = problem.X.to_numpy()[:7] + problem.X.std().to_numpy() * np.random.default_rng(1).normal(
        size=(min(7, len(problem.X)), 1)
    )
    expected = theirs.get_prediction(problem.their_columns(X), weights=1).summary_frame(alpha=0.1)
    frame = pd.DataFrame(X, columns=problem.X.columns)
    mean, interval = model.predict(frame, interval="confidence", level=0.9, **problem.how(cov, **how))
    close(mean, expected["mean"])
    np.testing.assert_array_equal(mean, model.predict(frame))
    # Its intervals of predictions have n − p degrees of freedom even where those of coefficients have G − 1.
    degrees = theirs.df_resid_inference if cov == "cluster" else theirs.df_resid
    half = stats.t.ppf(0.95, degrees) * expected["mean_se"].to_numpy()
    close(interval - mean[:, None], np.stack([-half, half], axis=1))
    if cov == "classical":
        _, interval = model.predict(frame, interval="prediction", level=0.9)
        close(interval, expected[["obs_ci_lower", "obs_ci_upper"]])


def test_influence_is_statsmodels(problem):
    root = np.ones(len(problem.y)) if problem.c is None else np.sqrt(problem.c)
    # Its influence of WLS mixes weighted and unweighted columns; that of OLS on weighted ones does not.
    theirs = OLSInfluence(sm.OLS(problem.y * root, problem.their_columns() * root[:, None]).fit())
    ours = problem.ours().diagnostics().influence
    for one, other in (
        (ours.leverage, theirs.hat_matrix_diag),
        (ours.residual * root, theirs.resid),
        (ours.studentised, theirs.resid_studentized_internal),
        (ours.externally_studentised, theirs.resid_studentized_external),
        (ours.cooks_distance, theirs.cooks_distance[0]),
        (ours.dffits, theirs.dffits[0]),
    ):
        np.testing.assert_allclose(one, other, rtol=CLOSE, atol=1e-10 * np.abs(other).max())
    assert ours.leverage.sum() == pytest.approx(ours.rank) == problem.X.shape[1] + 1


def test_collinearity_is_statsmodels(problem):
    ours = problem.ours().diagnostics().collinearity
    root = np.ones(len(problem.y)) if problem.c is None else np.sqrt(problem.c)
    A = problem.their_columns()
    d = problem.X.shape[1]
    if problem.c is None:
        expected = [variance_inflation_factor(A, j + 1) for j in range(d)]
    else:  # which it does not have with weights; but the R² of a feature on the others it has
        weighted = (
            sm.WLS(A[:, j + 1], np.delete(A, j + 1, axis=1), weights=problem.c).fit() for j in range(d)
        )
        expected = [1 / (1 - fit.rsquared) for fit in weighted]
    close(ours.variance_inflation, expected)
    B = (A if not problem.shift.any() else sm.add_constant(problem.X.to_numpy())) * root[:, None]
    B /= np.linalg.norm(B, axis=0)
    if not problem.shift.any():
        close(ours.condition_number, sm.OLS(problem.y, B).fit().condition_number)
    close(ours.condition_number, np.linalg.cond(B))


# R, whose numbers ``tools/r_sandwich.py`` has stored


R = json.loads((Path(__file__).parent / "data/r_sandwich.json").read_text())["fits"]


@pytest.mark.parametrize("fit", [fit for fit in R if fit["method"] == "lm"], ids=lambda fit: fit["item"])
def test_sandwiches_of_lm_are_those_of_r(fit):
    frame = real_tables.read(fit["package"], fit["item"])
    target, right = fit["formula"].split(" ~ ")
    weights = frame[fit["weights"]].to_numpy(float) if fit["weights"] else None
    model = LinearRegression().fit(frame[right.split(" + ")].astype(float), frame[target], weights)
    summary = model.summary()
    close(summary.estimate, fit["estimate"])
    n, p = len(frame), len(summary.terms)
    found = [summary.log_likelihood, summary.aic + 2, summary.bic + np.log(n), summary.adjusted_r2]
    close(found, fit["fit"])  # R counts σ as a parameter
    for call, expected in fit["errors"].items():
        if "vcovHC" in call:
            how = {"cov": call.split("'")[1]}
        elif "NeweyWest" in call:
            how = {"cov": "HAC", "lags": int(call.split("lag = ")[1].split(",")[0])}
        else:
            how = {"cov": "cluster", "groups": frame[call.split("~ ")[1].split(",")[0].split(" + ")]}
        np.testing.assert_allclose(model.summary(**how).std_err, expected, rtol=1e-8, err_msg=call)
    assert len(fit["errors"]) > 5 and len(expected) == p
