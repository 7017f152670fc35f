"""Inference for softmax regression: statsmodels' result classes on its data sets, R, finite differences, properties."""

import json
import pickle
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as statsmodels
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.linalg import sqrtm
from scipy.special import expit, logit, softmax
from sklearn.exceptions import ConvergenceWarning

import real_tables
from onelayer.errors import OneLayerError, SeparationWarning
from onelayer.estimators import SoftmaxRegression

SAME = {"rtol": 1e-8, "atol": 1e-300}


def datasets():
    """Return features and labels of statsmodels' data sets, by name."""
    spector = statsmodels.datasets.spector.load_pandas()
    fair = statsmodels.datasets.fair.load_pandas()
    anes = statsmodels.datasets.anes96.load_pandas()
    anes_X = anes.exog
    return {
        "spector": (spector.exog, spector.endog.astype(int)),
        "fair": (fair.exog, (fair.endog > 0).astype(int)),
        "anes96": (anes_X, anes.endog.astype(int)),
        "anes96, three parties": (anes_X, (anes.endog // 3).astype(int)),
    }


DATA = datasets()
BINARY = ["spector", "fair"]


def ours(X, y, **how):
    return SoftmaxRegression(C=np.inf, tol=1e-13, solver="newton", **how).fit(X, y)


def without_a_bound(X, y, **how):
    """Return a fit to data that leave some coefficients open, so that no bound says how near its minimum it is."""
    with pytest.warns(ConvergenceWarning):
        return ours(X, y, **how)


def theirs(X, y, intercept=True, **how):
    """Return statsmodels' fit, from where one more step of Newton's would not move."""
    A = statsmodels.add_constant(X) if intercept else X
    kind = statsmodels.Logit if len(np.unique(y)) == 2 else statsmodels.MNLogit
    model = kind(y, A)
    first = model.fit(disp=0, method="newton", tol=1e-14, maxiter=50)
    params = first.params.to_numpy().ravel(order="F")
    step = np.linalg.solve(model.hessian(params), model.score(params))
    return model.fit(disp=0, method="newton", start_params=params - step, tol=1e-14, **how)


def flat(values):
    """Return statsmodels' numbers of each coefficient in our order: a row for each output."""
    return np.atleast_2d(np.asarray(values).T)


def groups_of(n, seed=0, count=12):
    return np.random.default_rng(seed).integers(0, count, n)


def same_table(summary, results):
    np.testing.assert_allclose(summary.estimate, flat(results.params), **SAME)
    np.testing.assert_allclose(summary.std_err, flat(results.bse), **SAME)
    np.testing.assert_allclose(summary.z, flat(results.tvalues), **SAME)
    np.testing.assert_allclose(summary.p, flat(results.pvalues), rtol=1e-8, atol=1e-300)
    interval = np.asarray(results.conf_int()).reshape(summary.interval.shape)
    np.testing.assert_allclose(summary.interval, interval, **SAME)


# statsmodels. Its MNLogit gives HC0 under the names HC1, HC2 and HC3, and so does its Logit: these are exempt, and held
# against R instead.


@pytest.mark.parametrize("name", ["fair", "anes96"])
def test_statsmodels_has_one_sandwich_under_four_names(name):
    X, y = DATA[name]
    errors = [np.asarray(theirs(X, y, cov_type=f"HC{k}").bse) for k in range(4)]
    for other in errors[1:]:
        np.testing.assert_allclose(other, errors[0], rtol=1e-12)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("name", DATA)
def test_summary_is_that_of_statsmodels(name, intercept):
    X, y = DATA[name]
    results = theirs(X, y, intercept)
    found = ours(X, y, fit_intercept=intercept).summary()
    same_table(found, results)
    np.testing.assert_allclose(found.odds_ratio, np.exp(flat(results.params)), **SAME)
    np.testing.assert_allclose(found.odds_ratio_interval, np.exp(found.interval), rtol=1e-14)
    fit = found.likelihood
    assert fit.log_likelihood == pytest.approx(results.llf, rel=1e-10)
    assert fit.aic == pytest.approx(results.aic, rel=1e-10)
    assert fit.bic == pytest.approx(results.bic, rel=1e-10)
    assert found.n == len(y) and not found.notes
    if intercept:
        assert fit.null_log_likelihood == pytest.approx(results.llnull, rel=1e-8)
        assert fit.lr == pytest.approx(results.llr, rel=1e-8)
        assert fit.lr_p == pytest.approx(results.llr_pvalue, rel=1e-8)
        assert fit.mcfadden_r2 == pytest.approx(results.prsquared, rel=1e-8)
    else:  # theirs is of a model with an intercept, which this one does not contain
        assert fit.null_log_likelihood == pytest.approx(-len(y) * np.log(y.nunique()), rel=1e-14)
        assert fit.df == X.shape[1] * (y.nunique() - 1)


@pytest.mark.parametrize("name", DATA)
def test_robust_errors_are_those_of_statsmodels(name):
    X, y = DATA[name]
    model = ours(X, y)
    same_table(model.summary(cov="HC0"), theirs(X, y, cov_type="HC0"))
    one = groups_of(len(y))
    same_table(
        model.summary(cov="cluster", groups=one), theirs(X, y, cov_type="cluster", cov_kwds={"groups": one})
    )
    if name != "spector":  # too few rows for two ways
        two = np.column_stack([groups_of(len(y), seed, 90) for seed in (1, 2)])
        results = theirs(X, y, cov_type="cluster", cov_kwds={"groups": two})
        same_table(model.summary(cov="cluster", groups=two), results)
        results = theirs(X, y, cov_type="HAC", cov_kwds={"maxlags": 4})
        same_table(model.summary(cov="HAC", lags=4), results)


@pytest.mark.parametrize("name", DATA)
def test_covariance_and_wald_tests_are_those_of_statsmodels(name):
    X, y = DATA[name]
    model, results = ours(X, y), theirs(X, y, cov_type="HC0")
    expected = np.asarray(results.cov_params())
    scale = np.sqrt(expected.diagonal())
    np.testing.assert_allclose(
        model.vcov(cov="HC0") / np.outer(scale, scale), expected / np.outer(scale, scale), atol=1e-8
    )
    generator = np.random.default_rng(0)
    R = generator.normal(size=(3, len(expected))) / scale
    for r in (0.0, generator.normal(size=3)):
        wald = results.wald_test((R, np.broadcast_to(r, 3)), use_f=False, scalar=True)
        found = model.test(R, r, cov="HC0")
        assert found.statistic == pytest.approx(wald.statistic, rel=1e-8)
        assert found.p == pytest.approx(wald.pvalue, rel=1e-8)
        assert found.df == 3
    each = model.test(np.eye(len(expected))[2])
    assert each.statistic == pytest.approx(model.summary().z.ravel()[2] ** 2, rel=1e-9)


@pytest.mark.parametrize("at", ["average", "means"])
@pytest.mark.parametrize("name", DATA)
def test_marginal_effects_are_those_of_statsmodels(name, at):
    X, y = DATA[name]
    results = theirs(X, y, cov_type="HC0")
    effects = results.get_margeff(at={"average": "overall", "means": "mean"}[at])
    found = ours(X, y).marginal_effects(at, cov="HC0")
    shown = slice(1, None) if y.nunique() == 2 else slice(None)  # Logit gives the second class
    np.testing.assert_allclose(found.estimate[shown], flat(effects.margeff), rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(found.std_err[shown], flat(effects.margeff_se), rtol=1e-8)
    np.testing.assert_allclose(found.p[shown], flat(effects.pvalues), rtol=1e-8)
    interval = np.asarray(effects.conf_int())
    interval = interval.transpose(2, 0, 1) if interval.ndim == 3 else interval[None]
    np.testing.assert_allclose(found.interval[shown], interval, rtol=1e-8, atol=1e-12)


def test_discrete_effects_are_those_of_statsmodels():
    X, y = DATA["spector"]
    effects = theirs(X, y).get_margeff(dummy=True)
    found = ours(X, y).marginal_effects(discrete=["PSI"])
    np.testing.assert_allclose(found.estimate[1], effects.margeff, **SAME)
    np.testing.assert_allclose(found.std_err[1], effects.margeff_se, **SAME)


@pytest.mark.parametrize("name", BINARY)
def test_intervals_of_probabilities_are_those_of_statsmodels(name):
    X, y = DATA[name]
    results = theirs(X, y, cov_type="HC0")
    frame = results.get_prediction(statsmodels.add_constant(X)).summary_frame(alpha=0.1)
    found = ours(X, y).predict_interval(X, level=0.9, cov="HC0")
    np.testing.assert_allclose(found[:, 1, 0], frame["ci_lower"], **SAME)
    np.testing.assert_allclose(found[:, 1, 1], frame["ci_upper"], **SAME)
    np.testing.assert_allclose(found[:, 0], 1 - found[:, 1, ::-1], rtol=1e-12)


def test_frequencies_are_those_of_statsmodels():
    X, y = DATA["fair"]
    c = np.random.default_rng(0).integers(0, 4, len(y))
    binomial = statsmodels.families.Binomial()
    model = SoftmaxRegression(C=np.inf, tol=1e-13, solver="newton").fit(X, y, c)
    kept = c > 0
    for cov, kind in (({}, "nonrobust"), ({"cov": "HC0"}, "HC0")):
        glm = statsmodels.GLM(y[kept], statsmodels.add_constant(X)[kept], binomial, freq_weights=c[kept])
        results = glm.fit(tol=1e-13, tol_criterion="params", cov_type=kind)
        np.testing.assert_allclose(model.summary(**cov).std_err[0], results.bse, rtol=1e-8)
    assert model.summary().likelihood.log_likelihood == pytest.approx(results.llf, rel=1e-9)


# R


FITS = json.loads((Path(__file__).parent / "data/r_sandwich.json").read_text())["fits"]
R = [fit for fit in FITS if fit["method"] == "glm"]


def frame_of(fit):
    frame = real_tables.read(fit["package"], fit["item"])
    target, right = fit["formula"].split(" ~ ")
    if fit["weights"]:
        frame = frame[frame[fit["weights"]] > 0]
    return frame, frame[right.split(" + ")].astype(float), frame[target].to_numpy(str)


@pytest.mark.parametrize("fit", R, ids=lambda fit: fit["item"] + fit["weights"])
def test_sandwiches_are_those_of_r(fit):
    frame, X, y = frame_of(fit)
    weights = frame[fit["weights"]].to_numpy() if fit["weights"] else None
    model = SoftmaxRegression(C=np.inf, tol=1e-13, solver="newton").fit(X, y, weights)
    np.testing.assert_allclose(model.summary().estimate[0], fit["estimate"], rtol=1e-8)
    for call, expected in fit["errors"].items():
        if weights is not None:  # R's weights are not frequencies: the square of each row's counts
            found = model.summary(cov="cluster", groups=np.arange(len(y))).std_err[0]
            n, total, p = len(y), round(weights.sum()), len(expected)
            found = found / np.sqrt(n / (n - 1) * (total - 1) / (total - p))
        elif "vcovHC" in call:
            found = model.summary(cov=call.split("'")[1]).std_err[0]
        else:
            names = call.split("~ ")[1].split(",")[0].split(" + ")
            found = model.summary(cov="cluster", groups=frame[names]).std_err[0]
        np.testing.assert_allclose(found, expected, rtol=1e-7, err_msg=call)


@pytest.mark.parametrize("fit", [fit for fit in R if not fit["weights"]], ids=lambda fit: fit["item"])
def test_likelihoods_are_those_of_r(fit):
    _, X, y = frame_of(fit)
    found = ours(X, y).summary().likelihood
    expected = [found.log_likelihood, found.aic, found.bic, -2 * found.null_log_likelihood]
    np.testing.assert_allclose(expected, fit["fit"], rtol=1e-10)


# Closed forms and differences


def problem(q, n=200, d=3, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d)) + generator.normal(size=d)
    y = (X @ generator.normal(size=(d, q)) / 2 + generator.gumbel(size=(n, q))).argmax(axis=1)
    return X, np.array(list("abcde"))[y]


def contrasts_model(model, X, y):
    """Return contrasts θ (m, p), the design with the intercept first, residuals (n, m) and curvatures (n, m, m)."""
    A = np.column_stack([np.ones(len(X)), X])
    theta = model.summary().estimate
    P = softmax(np.column_stack([np.zeros(len(X)), A @ theta.T]), axis=1)[:, 1:]
    residuals = P - (y[:, None] == model.classes_[1:])
    return theta, A, residuals, P[:, :, None] * (np.eye(P.shape[1]) - P[:, None])


@pytest.mark.parametrize("q", [2, 3, 5])
@pytest.mark.parametrize("cov", ["HC0", "HC1", "HC2", "HC3"])
def test_robust_errors_written_out(q, cov):
    X, y = problem(q)
    model = ours(X, y)
    theta, A, residuals, W = contrasts_model(model, X, y)
    n, P = len(X), theta.size
    H = np.einsum("ni,nab,nj->aibj", A, W, A).reshape(P, P)
    inverse = np.linalg.inv(H)
    V = inverse.reshape(*theta.shape, *theta.shape)
    scores = []
    for a, r, w in zip(A, residuals, W, strict=True):
        left = np.eye(q - 1) - w @ np.einsum("i,aibj,j->ab", a, V, a)
        root = np.linalg.inv(sqrtm(left).real)
        r = {"HC2": root @ r, "HC3": root @ root @ r}.get(cov, r)
        scores.append(np.kron(r, a))
    S = np.array(scores)
    expected = inverse @ S.T @ S @ inverse * (n / (n - P) if cov == "HC1" else 1)
    scale = np.sqrt(expected.diagonal())
    np.testing.assert_allclose(
        model.vcov(cov=cov) / np.outer(scale, scale), expected / np.outer(scale, scale), atol=1e-9
    )


def numeric_jacobian(function, theta, h=1e-5):
    steps = h * np.eye(theta.size).reshape(-1, *theta.shape)
    return np.array([(function(theta + step) - function(theta - step)) / (2 * h) for step in steps])


def probabilities(theta, X, intercept=True):
    A = np.column_stack([np.ones(len(X)), X]) if intercept else X
    return softmax(np.column_stack([np.zeros(len(X)), A @ theta.T]), axis=1)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("C", [np.inf, 0.5])
@pytest.mark.parametrize("q", [2, 4])
def test_errors_by_the_delta_method_are_those_of_differences(q, C, intercept):
    X, y = problem(q)
    X[:, 2] = X[:, 2] > 0
    c = np.random.default_rng(1).integers(0, 3, len(X)).astype(float)
    model = SoftmaxRegression(C=C, tol=1e-13, solver="newton", fit_intercept=intercept).fit(X, y, c)
    theta, V = model.summary().estimate, model.vcov()

    def effects(theta, X=X, c=c):
        W = np.vstack([np.zeros(3), theta[:, -3:]])
        P = probabilities(theta, X, intercept)
        slopes = P[:, :, None] * (W - (P @ W)[:, None])
        high, low = X.copy(), X.copy()
        high[:, 2], low[:, 2] = 1, 0
        step = probabilities(theta, high, intercept) - probabilities(theta, low, intercept)
        return np.average(np.dstack([slopes[:, :, :2], step]), axis=0, weights=c).ravel()

    def at_means(theta):
        return effects(theta, np.average(X, axis=0, weights=c)[None], np.ones(1))

    def logits(theta):
        return logit(probabilities(theta, X[:7], intercept)).ravel()

    for found, function in (
        (model.marginal_effects(discrete=["x3"]), effects),
        (model.marginal_effects("means", discrete=["x3"]), at_means),
    ):
        J = numeric_jacobian(function, theta)
        np.testing.assert_allclose(found.estimate.ravel(), function(theta), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found.std_err.ravel(), np.sqrt(np.diag(J.T @ V @ J)), rtol=1e-6)
    J = numeric_jacobian(logits, theta)
    error = np.sqrt(np.diag(J.T @ V @ J))
    ends = expit(logits(theta)[:, None] + np.outer(error, [-1.959963984540054, 1.959963984540054]))
    np.testing.assert_allclose(model.predict_interval(X[:7]).reshape(-1, 2), ends, rtol=1e-6)


# Offsets


def test_offsets_are_those_of_statsmodels():
    X, y = DATA["fair"]
    known = np.random.default_rng(3).normal(size=len(y))
    logit = statsmodels.Logit(y, statsmodels.add_constant(X), offset=known)
    model = SoftmaxRegression(C=np.inf, tol=1e-13, solver="newton").fit(X, y, offset=known)
    for cov, kind in (("classical", "nonrobust"), ("HC0", "HC0")):
        results = logit.fit(disp=0, tol=1e-14, cov_type=kind)
        found = model.summary(cov=cov)
        np.testing.assert_allclose(found.std_err[0], results.bse, **SAME)
        np.testing.assert_allclose(found.p[0], results.pvalues, rtol=1e-6)
        fit = found.likelihood
        assert fit.log_likelihood == pytest.approx(results.llf, rel=1e-10)
        assert fit.null_log_likelihood == pytest.approx(results.llnull, rel=1e-8)
        assert fit.mcfadden_r2 == pytest.approx(results.prsquared, rel=1e-7)


@pytest.mark.parametrize("q", [2, 4])
def test_an_offset_in_the_span_of_the_features_changes_no_error(q):
    X, y = problem(q)
    w = np.random.default_rng(4).normal(size=(3, q))
    plain, shifted = ours(X, y), SoftmaxRegression(C=np.inf, tol=1e-13).fit(X, y, offset=X @ w)
    for how in ({}, {"cov": "HC0"}, {"cov": "HC3"}, {"cov": "cluster", "groups": np.arange(200) // 4}):
        np.testing.assert_allclose(shifted.summary(**how).std_err, plain.summary(**how).std_err, rtol=1e-6)
        np.testing.assert_allclose(
            shifted.predict_interval(X, **how, offset=X @ w), plain.predict_interval(X, **how), rtol=1e-6
        )
    with pytest.raises(OneLayerError, match="fitted with an offset"):
        shifted.predict_interval(X)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("q", [2, 3])
def test_effects_and_the_null_have_the_offset(q, intercept):
    X, y = problem(q)
    X[:, 2] = X[:, 2] > 0
    known = np.random.default_rng(5).normal(size=(200, q))
    model = SoftmaxRegression(C=np.inf, tol=1e-13, fit_intercept=intercept).fit(X, y, offset=known)
    theta, V = model.summary().estimate, model.vcov()

    def effects(theta, X=X, known=known):
        A = np.column_stack([np.ones(len(X)), X]) if intercept else X
        W = np.vstack([np.zeros(3), theta[:, -3:]])

        def probabilities(A):
            return softmax(np.column_stack([np.zeros(len(A)), A @ theta.T]) + known, axis=1)

        high, low = A.copy(), A.copy()
        high[:, -1], low[:, -1] = 1, 0
        P = probabilities(A)
        slopes = P[:, :, None] * (W - (P @ W)[:, None])
        step = probabilities(high) - probabilities(low)
        return np.dstack([slopes[:, :, :2], step]).mean(axis=0).ravel()

    at_means = (X.mean(axis=0)[None], known.mean(axis=0)[None])
    for found, function in (
        (model.marginal_effects(discrete=["x3"]), effects),
        (model.marginal_effects("means", discrete=["x3"]), lambda theta: effects(theta, *at_means)),
    ):
        J = numeric_jacobian(function, theta)
        np.testing.assert_allclose(found.estimate.ravel(), function(theta), rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(found.std_err.ravel(), np.sqrt(np.diag(J.T @ V @ J)), rtol=1e-6)
    null = SoftmaxRegression(C=np.inf, fit_intercept=intercept, tol=1e-12)
    null.fit(np.zeros((200, 1)), y, offset=known)
    assert model.summary().likelihood.null_log_likelihood == pytest.approx(-null.objective_, rel=1e-10)
    assert model.summary().likelihood.df == 3 * (q - 1)


# Properties


COVS = [{}, {"cov": "HC0"}, {"cov": "HC1"}, {"cov": "HC2"}, {"cov": "HC3"}, {"cov": "cluster"}]


@pytest.mark.parametrize("how", COVS, ids=lambda how: how.get("cov", "classical"))
@pytest.mark.parametrize("q", [2, 3])
def test_a_row_of_weight_two_is_two_rows(q, how):
    X, y = problem(q)
    c = np.random.default_rng(1).integers(0, 4, len(X))
    groups = np.random.default_rng(2).integers(0, 40, len(X))
    index = np.repeat(np.arange(len(X)), c)
    weighted, repeated = ours(X, y), ours(X[index], y[index])
    weighted.fit(X, y, c)
    is_grouped = how.get("cov") == "cluster"
    ways = [{"groups": part} if is_grouped else {} for part in (groups, groups[index])]
    one, other = weighted.summary(**how, **ways[0]), repeated.summary(**how, **ways[1])
    np.testing.assert_allclose(one.std_err, other.std_err, rtol=1e-9)
    for name in ("log_likelihood", "null_log_likelihood", "aic", "bic", "lr_p", "mcfadden_r2"):
        assert getattr(one.likelihood, name) == pytest.approx(getattr(other.likelihood, name), rel=1e-9)
    effects = [
        m.marginal_effects(**how, **way).std_err for m, way in zip((weighted, repeated), ways, strict=True)
    ]
    np.testing.assert_allclose(*effects, rtol=1e-8)


@pytest.mark.parametrize("q", [2, 4])
def test_rows_of_all_kinds_say_the_same(q):
    X, y = problem(q)
    X = np.round(X * 8) / 8 * (np.random.default_rng(3).random(X.shape) < 0.6)
    exact = ours(X, y)
    for other in (
        X.astype(np.float32),
        sparse.csr_array(X),
        sparse.csc_matrix(X),
        pd.DataFrame(X, columns=list("uvw")),
    ):
        model = ours(other, y)
        for cov in ("classical", "HC0", "HC3"):
            np.testing.assert_allclose(
                model.summary(cov=cov).std_err, exact.summary(cov=cov).std_err, rtol=1e-8
            )
        np.testing.assert_allclose(model.predict_interval(other), exact.predict_interval(X), rtol=1e-8)
        found, expected = model.marginal_effects(), exact.marginal_effects()
        np.testing.assert_allclose(found.std_err, expected.std_err, rtol=1e-8)


@given(
    powers=st.lists(st.integers(-10, 10), min_size=3, max_size=3),
    shifts=st.lists(st.sampled_from([0.0, 3.0, 1e3, 1e7]), min_size=3, max_size=3),
    q=st.sampled_from([2, 3]),
)
@settings(max_examples=15)
def test_units_and_offsets_do_not_matter(powers, shifts, q):
    X, y = problem(q)
    unit = 10.0 ** np.array(powers)
    X = np.round(X * 2**20) / 2**20  # so that offsets lose nothing
    moved = (X + shifts) * unit
    plain, found = ours(X, y), ours(moved, y)
    for cov in ("classical", "HC3"):
        errors = [model.summary(cov=cov).std_err[:, 1:] for model in (plain, found)]
        np.testing.assert_allclose(errors[1] * unit, errors[0], rtol=1e-6)
    np.testing.assert_allclose(found.predict_interval(moved), plain.predict_interval(X), rtol=1e-5)
    effects = plain.marginal_effects(), found.marginal_effects()
    np.testing.assert_allclose(effects[1].std_err * unit, effects[0].std_err, rtol=1e-5)
    R = np.zeros((2, plain.vcov().shape[0]))
    R[[0, 1], [1, 2]] = 1
    assert found.test(R).statistic == pytest.approx(plain.test(R).statistic, rel=1e-5)


@pytest.mark.parametrize("reference", list("abcd"))
def test_any_class_may_be_the_reference(reference):
    X, y = problem(4)
    model = ours(X, y)
    found, first = model.summary(reference, cov="HC1"), model.summary(cov="HC1")
    names, theta = ["a", *first.outputs], np.vstack([np.zeros(4), first.estimate])
    to = [names.index(name) for name in found.outputs]
    np.testing.assert_allclose(found.estimate, theta[to] - theta[names.index(reference)], rtol=1e-9)
    T = np.eye(4)[to] - np.eye(4)[names.index(reference)]
    T = np.kron(T[:, 1:], np.eye(4))
    np.testing.assert_allclose(
        model.vcov(reference, cov="HC1"), T @ model.vcov(cov="HC1") @ T.T, rtol=1e-8, atol=1e-12
    )
    slopes = np.kron(np.eye(3), np.eye(4)[1:])
    assert model.test(slopes, reference=reference).statistic == pytest.approx(
        model.test(slopes).statistic, rel=1e-9
    )


def test_effects_sum_to_zero_and_intervals_are_inside():
    X, y = problem(5)
    model = ours(X, y)
    found = model.marginal_effects()
    np.testing.assert_allclose(found.estimate.sum(axis=0), 0, atol=1e-15)
    far = np.vstack([X, 1e4 * X, -1e6 * X])
    ends, P = model.predict_interval(far), model.predict_proba(far)
    assert (ends >= 0).all() and (ends <= 1).all()
    assert (ends[..., 0] <= P * (1 + 1e-9)).all() and (ends[..., 1] >= P * (1 - 1e-9)).all()
    wide = model.predict_interval(X, level=0.99)
    assert (wide[..., 0] <= model.predict_interval(X)[..., 0]).all()


def test_dependent_features_leave_what_the_data_determine():
    X, y = problem(3)
    dummies = np.eye(3)[np.arange(len(X)) % 3]
    whole, trap = ours(np.c_[X, dummies[:, 1:]], y), without_a_bound(np.c_[X, dummies], y)
    assert np.isnan(trap.summary(cov="HC3").std_err[:, [0, 4, 5, 6]]).all()
    for cov in ("classical", "HC0", "HC3"):
        errors = whole.summary(cov=cov).std_err, trap.summary(cov=cov).std_err
        np.testing.assert_allclose(errors[1][:, 1:4], errors[0][:, 1:4], rtol=1e-7)
    one, other = whole.summary().likelihood, trap.summary().likelihood
    assert (other.df, other.effective) == (one.df, one.effective) == (10, 12)
    # Rows as they were are determined, and contrasts of dummies; a row of no category is not.
    inside, outside = np.c_[X, dummies], np.c_[X, np.zeros_like(dummies)]
    np.testing.assert_allclose(
        trap.predict_interval(inside), whole.predict_interval(np.c_[X, dummies[:, 1:]]), rtol=1e-7
    )
    assert np.isnan(trap.predict_interval(outside)).all()
    R = np.zeros(14)
    R[[5, 4]] = 1, -1
    assert trap.test(R).statistic == pytest.approx((whole.summary().z[0, 4]) ** 2, rel=1e-6)
    with pytest.raises(OneLayerError, match="the rows do not determine what hypothesis 1 is about"):
        trap.test(np.eye(14)[5])
    effects = trap.marginal_effects()
    np.testing.assert_allclose(effects.std_err[:, :3], whole.marginal_effects().std_err[:, :3], rtol=1e-7)
    assert np.isnan(effects.std_err[:, 3:]).all()


def test_constant_columns_change_nothing():
    X, y = problem(3)
    plain, more = ours(X, y), ours(np.c_[np.full(len(X), 7.0), X, np.zeros(len(X))], y)
    np.testing.assert_allclose(
        more.summary(cov="HC3").std_err[:, 2:5], plain.summary(cov="HC3").std_err[:, 1:], rtol=1e-8
    )
    same = np.c_[np.full(len(X), 7.0), X, np.zeros(len(X))]
    np.testing.assert_allclose(more.predict_interval(same), plain.predict_interval(X), rtol=1e-8)
    assert np.isnan(more.predict_interval(same + np.eye(5)[0])).all()


def test_weights_of_zero_leave_rows_and_their_groups_out():
    X, y = problem(3)
    c, groups = np.ones(len(X)), np.random.default_rng(0).integers(0, 30, len(X)).astype(object)
    c[::3] = 0
    groups[::3] = None  # of rows that do not count
    some = ours(X[c > 0], y[c > 0])
    whole = ours(X, y).fit(X, y, c)
    for how in ({"cov": "HC3"}, {"cov": "HAC"}):
        np.testing.assert_allclose(whole.summary(**how).std_err, some.summary(**how).std_err, rtol=1e-10)
    found = whole.summary(cov="cluster", groups=groups).std_err
    np.testing.assert_allclose(found, some.summary(cov="cluster", groups=groups[c > 0]).std_err, rtol=1e-10)


def test_a_penalty_counts_for_what_it_leaves_free():
    X, y = problem(3)
    likelihoods = [SoftmaxRegression(C=C, tol=1e-12).fit(X, y).summary().likelihood for C in (1e-8, 1.0, 1e8)]
    effective = [fit.effective for fit in likelihoods]
    assert effective[0] == pytest.approx(2, abs=1e-4)  # the intercepts
    assert effective[2] == pytest.approx(8, abs=1e-4)
    assert 2 < effective[1] < 8
    assert all(np.isnan(fit.lr_p) for fit in likelihoods)
    [note] = SoftmaxRegression().fit(X, y).summary().notes
    assert note.startswith(
        "with a penalty the weights are drawn towards 0: errors, p and intervals take the penalty"
    )
    [note] = SoftmaxRegression().fit(X, y).summary(cov="HC0").notes
    assert note.startswith("with a penalty the weights are drawn towards 0: robust errors say how")


@pytest.mark.parametrize("q", [2, 3])
def test_factors_of_the_penalty_are_units_of_the_features(q):
    X, y = problem(q)
    c, factors = np.random.default_rng(2).integers(0, 3, 200), np.array([0.25, 1.0, 9.0])
    found = SoftmaxRegression(C=0.3, tol=1e-13, penalty_factors=factors).fit(X, y, c)
    expected = SoftmaxRegression(C=0.3, tol=1e-13).fit(X / np.sqrt(factors), y, c)
    for how in ({}, {"cov": "HC3"}):
        one, other = found.summary(**how), expected.summary(**how)
        np.testing.assert_allclose(one.std_err[:, 1:] * np.sqrt(factors), other.std_err[:, 1:], rtol=1e-7)
        assert one.likelihood.effective == pytest.approx(other.likelihood.effective, rel=1e-7)
        assert one.notes == other.notes
    np.testing.assert_allclose(
        found.predict_interval(X), expected.predict_interval(X / np.sqrt(factors)), rtol=1e-7
    )
    found.set_params(penalty_factors=None, C=2)  # what was asked for at fit is what counts
    np.testing.assert_array_equal(found.summary(cov="HC3").std_err, one.std_err)


def test_a_factor_of_0_leaves_a_feature_free():
    X, y = problem(3)
    free = SoftmaxRegression(tol=1e-12, penalty_factors=[0, 1, 1]).fit(X, y).summary()
    small = SoftmaxRegression(tol=1e-12, penalty_factors=[1e-9, 1, 1]).fit(X, y).summary()
    np.testing.assert_allclose(free.std_err, small.std_err, rtol=1e-7)
    [note] = free.notes
    assert note.startswith("with a penalty")
    X[:, 0] = np.where(y == "a", X[:, 0].max() + 1, X[:, 0])
    for factors, is_held in (([0, 1, 1], False), ([1, 0, 1], True)):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # there is no minimum
            model = SoftmaxRegression(penalty_factors=factors).fit(X, y)
        with pytest.warns(SeparationWarning) as warned:
            found = model.summary()
        [said] = [str(warning.message) for warning in warned]
        assert said.startswith("x1 separates class a from the others: its weight has no finite")
        assert said.endswith(f"the penalty holds it at {model.coef_[0, 0]:.3g}") == is_held
        assert np.isfinite(found.std_err).all() == is_held
        assert np.isfinite(found.std_err[:, 2:]).all()


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        ({"l1_ratio": 0.5}, "with an l1 the same rows choose"),
        ({"l1_ratio": 1.0, "grouped": True}, "with an l1 the same rows choose"),
        ({"lower": 0, "upper": np.inf}, "coefficients have bounds"),
        ({"lower": -1, "upper": 1, "C": np.inf}, "coefficients have bounds"),
    ],
)
def test_there_are_no_errors_of_coefficients_that_are_left_out_or_bounded(how, reason, tmp_path):
    X, y = problem(3)
    model = SoftmaxRegression(**how).fit(X, y)
    model.set_params(
        l1_ratio=0.0, grouped=False, lower=None, upper=None
    )  # what was asked for at fit is what counts
    for ask in (
        model.summary,
        model.vcov,
        lambda: model.test(np.eye(8)[1]),
        lambda: model.predict_interval(X),
        model.marginal_effects,
    ):
        with pytest.raises(OneLayerError, match=f"there are no standard errors: {reason}"):
            ask()
    model.set_params(**how).save(tmp_path / "m")  # without a word: there is nothing to keep
    with pytest.raises(OneLayerError, match=reason):
        SoftmaxRegression.load(tmp_path / "m").predict_interval(X)


# What has no finite value


def test_separation_is_named_with_what_the_penalty_holds_it_at():
    X, y = problem(3)
    X[:, 0] = np.where(y == "a", X[:, 0].max() + 1, X[:, 0])
    model = SoftmaxRegression().fit(X, y)
    said = "x1 separates class a from the others: its weight has no finite maximum-likelihood value; C = 1 holds it at "
    said += f"{model.coef_[0, 0]:.3g}"
    with pytest.warns(SeparationWarning) as warned:
        found = model.summary()
    assert [str(warning.message) for warning in warned] == [said]
    assert found.notes[0] == said and np.isfinite(found.std_err).all()
    free = without_a_bound(X, y)
    with pytest.warns(
        SeparationWarning, match="x1 separates class a from the others: its weight has no finite"
    ):
        found = free.summary()
    assert np.isnan(found.std_err[:, 1]).all()
    assert found.likelihood.df == 6
    with pytest.raises(OneLayerError, match="the rows do not determine"):
        free.test(np.eye(8)[1])
    others, ends = y != "a", free.predict_interval(X)
    assert np.isnan(ends[:, 0]).all() and np.isnan(ends[~others]).all()
    # In the limit the others are told apart as if class a were not there (Geyer 2009).
    limit = ours(X[others], y[others]).predict_interval(X[others])
    np.testing.assert_allclose(ends[others, 1:], limit, rtol=1e-4)
    with pytest.warns(SeparationWarning):
        effects = free.marginal_effects()
    assert np.isnan(effects.std_err[0]).all()


def test_classes_of_one_row():
    X, y = problem(3)
    y[np.argsort(X[:, 0])[100]] = "d"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it may be separated
        model = SoftmaxRegression(C=np.inf, tol=1e-10).fit(X, y)
        found = model.summary(cov="HC3")
        classical = model.summary()
    without = ours(X[y != "d"], y[y != "d"]).summary()
    np.testing.assert_allclose(classical.std_err[:2], without.std_err, rtol=0.05)
    assert found.std_err.shape == (3, 4)


def test_a_class_without_weight():
    X, y = problem(4)
    c = (y != "c").astype(float)
    model = ours(X, y).fit(X, y, c)
    found, without = model.summary(), ours(X[y != "c"], y[y != "c"]).summary()
    np.testing.assert_allclose(found.std_err[[0, 2]], without.std_err, rtol=1e-8)
    assert np.isnan(found.std_err[1]).all()
    assert found.notes[0] == "class c has no rows: nothing is known of its coefficients"
    assert found.likelihood.log_likelihood == pytest.approx(without.likelihood.log_likelihood, rel=1e-12)
    assert found.likelihood.null_log_likelihood == pytest.approx(
        without.likelihood.null_log_likelihood, rel=1e-12
    )
    assert found.likelihood.df == without.likelihood.df
    ends = model.predict_interval(X)
    assert np.isnan(ends[:, 2]).all() and np.isfinite(ends[:, [0, 1, 3]]).all()


def test_more_coefficients_than_rows_say_so():
    generator = np.random.default_rng(0)
    X, y = generator.normal(size=(20, 30)), generator.integers(0, 3, 20)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SeparationWarning)
        found = SoftmaxRegression().fit(X, y).summary()
    assert any(note.startswith("62 coefficients are not fewer than the 20 rows") for note in found.notes)
    assert np.isfinite(found.std_err).all()


def test_groups_that_are_too_few_are_said():
    X, y = problem(3)
    model = ours(X, y)
    few, many = (model.summary(cov="cluster", groups=np.arange(200) % count) for count in (8, 9))
    assert few.notes[0].startswith("8 groups are not more than the 8 coefficients") and not many.notes
    assert "errors: cluster, of 9 groups" in str(many)
    assert "errors: HAC, of 3 lags" in str(model.summary(cov="HAC", lags=3))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SeparationWarning)
        text = str(ours(np.zeros((200, 1)), y).summary())
    assert "against no features" not in text  # there are none


def test_separation_is_said_where_it_was_asked_for():
    X, y = problem(3)
    X[:, 0] = np.where(y == "a", X[:, 0].max() + 1, X[:, 0])
    model = SoftmaxRegression().fit(X, y)
    for ask in (model.summary, model.vcov, model.marginal_effects, lambda: model.predict_interval(X)):
        model._covariance = None
        with pytest.warns(SeparationWarning) as warned:
            ask()
        assert {warning.filename for warning in warned} == {__file__}


# The contract


def test_what_needs_the_rows_says_so_without_them(tmp_path):
    X, y = problem(3)
    model = ours(X, y)
    ends, covariance = model.predict_interval(X), model.vcov()
    model.save(tmp_path / "m")
    for other in (SoftmaxRegression.load(tmp_path / "m"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(other.predict_interval(X), ends)
        np.testing.assert_array_equal(other.vcov(), covariance)
        assert other.test(np.eye(8)[1]).p == model.test(np.eye(8)[1]).p
        for ask in (other.summary, other.marginal_effects, lambda other=other: other.vcov(cov="HC0")):
            with pytest.raises(OneLayerError, match="this needs the rows of fit, which are not saved"):
                ask()
    other = SoftmaxRegression(solver="sgd").partial_fit(X, y, classes=list("abc"))
    with pytest.raises(OneLayerError, match="nor kept by partial_fit"):
        other.summary()


@pytest.mark.parametrize("intercept", [True, False])
def test_a_saved_model_keeps_intervals_that_were_not_asked_for(tmp_path, intercept):
    X, y = problem(3)
    X = np.c_[X, X[:, 0]]
    model = without_a_bound(X, y, fit_intercept=intercept)
    model.save(tmp_path / "m")
    np.testing.assert_array_equal(
        SoftmaxRegression.load(tmp_path / "m").predict_interval(X), model.predict_interval(X)
    )


def test_rows_that_have_changed_are_noticed(tmp_path):
    X, y = problem(3)
    model = ours(X, y)
    X[5:50] += 1
    with pytest.raises(OneLayerError, match="the rows or the coefficients have changed since fit"):
        model.summary()
    with pytest.warns(UserWarning, match="saved without the covariance of its coefficients: the rows"):
        model.save(tmp_path / "m")


def test_parameters_that_change_after_fit_change_nothing():
    X, y = problem(3)
    model = SoftmaxRegression(C=0.5).fit(X, y)
    before = model.summary().std_err
    model.set_params(C=100, fit_intercept=False)
    np.testing.assert_array_equal(model.summary().std_err, before)


def test_sgd_says_how_far_it_is_from_the_minimum():
    X, y = problem(3)
    model = SoftmaxRegression(solver="sgd", epochs=1, random_state=0).fit(X, y)
    assert any("standard errors from the minimum for these rows" in note for note in model.summary().notes)


def test_wrong_arguments_are_named():
    X, y = problem(3)
    model = ours(X, y)
    for ask, message in (
        (lambda: model.summary("z"), r"the reference 'z' is not one of the classes \['a', 'b', 'c'\]"),
        (lambda: model.summary(confidence=95), "confidence must be between 0 and 1"),
        (lambda: model.summary(cov="nonrobust"), "cov must be one of classical, HC0"),
        (
            lambda: model.summary(confidence="95%"),
            "confidence must be between 0 and 1, such as 0.95, not '95%'",
        ),
        (lambda: model.summary(cov="cluster"), "needs groups"),
        (lambda: model.summary(cov="cluster", groups="firm"), "the group of each row, not 'firm' alone"),
        (lambda: model.test(["x1", "x2"]), "hypotheses are a string, such as"),
        (lambda: model.test(np.zeros((0, 8))), "R must be finite numbers"),
        (lambda: model.summary(groups=y), "groups are for cov='cluster'"),
        (lambda: model.predict_interval(X, level=2), "level must be between 0 and 1"),
        (lambda: model.marginal_effects(at="median"), "at must be 'average' or 'means'"),
        (lambda: model.marginal_effects(discrete=["x1"]), "x1 has values other than 0 and 1 in 200 rows"),
        (lambda: model.marginal_effects(discrete="x1"), "discrete must be a list of names of features"),
        (lambda: model.test(np.eye(3)), r"R must be finite numbers \(h, 8\)"),
        (
            lambda: model.test(np.eye(8), np.zeros(3)),
            "r must be a finite number, or one for each of the 8 rows",
        ),
        (lambda: model.test(np.zeros(8)), "hypothesis 1 is about no coefficient"),
        (lambda: model.test(np.eye(8)[[0, 0]], [0, 1]), "the hypotheses contradict each other"),
    ):
        with pytest.raises(OneLayerError, match=message):
            ask()
    assert model.test(np.eye(8)[[0, 0]], [1, 1]).df == 1
    with pytest.raises(
        OneLayerError, match=r"HC1' corrects for few rows, and 8 \(.*\) are not more than the 8 coefficients"
    ):
        SoftmaxRegression().fit(X[:8], np.array(list("abcabcab"))).summary(cov="HC1")


def test_effects_as_they_are_printed():
    X, y = DATA["spector"]
    model = SoftmaxRegression().fit(X, y)
    effects = model.marginal_effects()
    lines = str(effects).splitlines()
    assert lines[0] == "0" and lines[1].split()[:4] == ["estimate", "std.", "error", "z"]
    assert [line.split()[0] for line in lines[2:5]] == ["GPA", "TUCE", "PSI"] and lines[6] == "1"
    assert lines[-1] == model.summary().notes[0] == effects.notes[0]


def test_the_summary_as_it_is_printed():
    X, y = DATA["spector"]
    text = str(ours(X, y).summary())
    assert "1 against 0" in text and "odds ratio" in text and "McFadden's R² = 0.374038" in text
    assert "32 rows, log-likelihood -12.8896" in text and "χ²(3) = 15.4042, p = 0.0015" in text
