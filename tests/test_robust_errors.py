"""Errors of linear regression in 60 digits, and what holds whatever the rows: units, weights, dependent features."""

import pickle

import mpmath
import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from onelayer import LinearRegression, OneLayerError
from onelayer.data.rows import Rows
from onelayer.inference import linear_coefficients
from onelayer.inference.linear import linear_covariances
from onelayer.inference.robust import Robust
from onelayer.solvers.direct import least_squares


def close(ours, theirs, rtol=1e-8):
    np.testing.assert_allclose(ours, theirs, rtol=rtol)


# Exact numbers


def exact_sandwich(X, y, c, groups=None):
    """Return the squared errors (d + 1,), the intercept's first, of "HC0", or of groups, in 60 digits."""
    with mpmath.workdps(60):
        A = mpmath.matrix(np.column_stack([np.ones(len(X)), X]).tolist())
        weighted = mpmath.diag(c.tolist()) * A
        inverse = (A.T * weighted) ** -1
        y = mpmath.matrix(y.tolist())
        residuals = y - A * (inverse * (weighted.T * y))
        scores = mpmath.diag(list(residuals)) * weighted
        if groups is not None:
            scores = (
                mpmath.matrix((np.arange(groups.max() + 1)[:, None] == groups).astype(int).tolist()) * scores
            )
        V = inverse * (scores.T * scores) * inverse
        return np.array([float(V[j, j]) for j in range(len(V))])


@pytest.mark.parametrize("case", ["longley", "polynomial", "far"])
def test_robust_errors_keep_their_digits_where_features_are_nearly_dependent(case):
    random = np.random.default_rng(0)
    if case == "longley":
        data = sm.datasets.longley.load_pandas()
        X, y = data.exog.to_numpy(float), data.endog.to_numpy(float)
    elif case == "polynomial":
        X = np.linspace(-9, -3, 82)[:, None] ** np.arange(1, 9)
        y = random.normal(size=82)
    else:
        X = random.normal(size=(50, 2)) + 1e8
        y = X[:, 0] - X[:, 1] + random.normal(size=50)
    c, groups = random.uniform(0.5, 2, len(y)), np.arange(len(y)) % 13
    model = LinearRegression().fit(X, y, c)
    rtol = 1e-8 if case == "far" else 1e-10  # the intercept, far from 0, is rounded when it is stored
    close(model.summary(cov="HC0").std_err ** 2, exact_sandwich(X, y, c), rtol)
    factor = 13 / 12 * (len(y) - 1) / (len(y) - X.shape[1] - 1)
    close(
        model.summary(cov="cluster", groups=groups).std_err ** 2,
        exact_sandwich(X, y, c, groups) * factor,
        rtol,
    )


# Properties


def table(n=60, d=3, seed=0):
    random = np.random.default_rng(seed)
    X = random.normal(size=(n, d)) + random.normal(size=d)
    y = X @ np.arange(1, d + 1) + random.normal(size=n) * (1 + X[:, 0] ** 2)
    return X, y, random.integers(0, 4, n).astype(float)


def every_way(n, seed=0):
    groups = np.random.default_rng(seed).integers(0, [12, 9], (n, 2))
    return [
        *({"cov": f"HC{i}"} for i in range(4)),
        {"cov": "cluster", "groups": groups[:, 0]},
        {"cov": "cluster", "groups": groups},
        {"cov": "HAC", "lags": 3},
    ]


@settings(max_examples=25)
@given(st.lists(st.floats(-12, 12), min_size=4, max_size=4), st.floats(-1e6, 1e6), st.booleans())
def test_units_do_not_matter(exponents, offset, intercept):
    X, y, c = table()
    *scale, y_scale = 10.0 ** np.array(exponents)
    shift = offset * np.array(scale) if intercept else 0.0
    plain = LinearRegression(fit_intercept=intercept).fit(X, y, c + 1)
    other = LinearRegression(fit_intercept=intercept).fit(X * scale + shift, y * y_scale, (c + 1) * 1e-3)
    first = int(intercept)
    for how in every_way(60):
        one, two = plain.summary(**how), other.summary(**how)
        close(two.std_err[first:] * scale / y_scale, one.std_err[first:], 1e-7)
        close(two.p[first:], one.p[first:], 1e-6)
        close(two.f.statistic, one.f.statistic, 1e-7)
    one, two = (model.diagnostics() for model in (plain, other))
    close(two.influence.cooks_distance, one.influence.cooks_distance, 1e-6)
    close(
        two.collinearity.variance_inflation, one.collinearity.variance_inflation, 1e-7 if intercept else 1e-9
    )


@pytest.mark.parametrize("intercept", [True, False])
def test_rows_of_weight_0_are_not_there(intercept):
    X, y, c = table()
    whole, kept = (
        LinearRegression(fit_intercept=intercept).fit(*part)
        for part in ((X, y, c), (X[c > 0], y[c > 0], c[c > 0]))
    )
    for one, two in zip(every_way(60), every_way(60), strict=True):
        if one["cov"] == "HAC":  # they are times without a row
            continue
        if "groups" in two:
            two["groups"] = two["groups"][c > 0]
        one, two = whole.summary(**one), kept.summary(**two)
        close(one.std_err, two.std_err)
        close([one.f.p, one.log_likelihood, one.bic], [two.f.p, two.log_likelihood, two.bic])
    close(whole.diagnostics().influence.leverage[c > 0], kept.diagnostics().influence.leverage)


def test_whole_weights_are_not_repeated_rows_but_their_robust_scores_are_added():
    X, y, c = table()
    c += 1
    rows = np.repeat(np.arange(60), c.astype(int))
    weighted, repeated = LinearRegression().fit(X, y, c), LinearRegression().fit(X[rows], y[rows])
    factor = (59 / 56) / ((len(rows) - 1) / (len(rows) - 4))
    one = weighted.vcov("cluster", np.arange(60)) / factor
    close(one, repeated.vcov("cluster", rows), 1e-10)


@pytest.mark.parametrize("kind", ["sparse", "float32", "frame"])
def test_whatever_features_are_stored_in(kind):
    X, y, c = table(3_000, 4)
    X = np.where(X > 0.5, X, 0).astype(np.float32)
    given_as = {
        "sparse": sparse.csr_array(X.astype(float)),
        "float32": X,
        "frame": pd.DataFrame(X.astype(float), columns=list("abcd")),
    }[kind]
    one, two = LinearRegression().fit(given_as, y, c), LinearRegression().fit(X.astype(float), y, c)
    for how in every_way(3_000):
        close(one.summary(**how).std_err, two.summary(**how).std_err)
        close(
            one.predict(given_as[:5], "confidence", **how)[1],
            two.predict(X[:5].astype(float), "confidence", **how)[1],
        )
    for a, b in ((one.diagnostics(), two.diagnostics()),):
        close(a.influence.dffits, b.influence.dffits, 1e-7)
        close(a.collinearity.variance_inflation, b.collinearity.variance_inflation)
        close(a.collinearity.condition_number, b.collinearity.condition_number)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning:statsmodels")  # a variance below 0
def test_rows_in_many_shares_and_blocks():
    X, y, c = table(60_000, 5)
    c += 1
    model = LinearRegression().fit(X, y, c)
    theirs = sm.WLS(y, sm.add_constant(X), weights=c).fit()
    for how in every_way(len(y)):
        arguments = {
            "maxlags" if name == "lags" else name: value for name, value in how.items() if name != "cov"
        }
        close(model.summary(**how).std_err, theirs.get_robustcov_results(how["cov"], **arguments).bse)
    leverage = c * np.einsum(
        "ni,ij,nj->n", sm.add_constant(X), theirs.normalized_cov_params, sm.add_constant(X)
    )
    close(model.diagnostics().influence.leverage, leverage)


def test_several_targets_are_as_many_regressions():
    X, y, c = table()
    Y = np.stack([y, y**2], axis=1)
    both = LinearRegression().fit(X, Y, c)
    mean, interval = both.predict(X, "prediction")
    assert mean.shape == (60, 2) and interval.shape == (60, 2, 2)
    for k in range(2):
        one = LinearRegression().fit(X, Y[:, k], c)
        for how in every_way(60):
            assert str(both.summary(k, **how)) == str(one.summary(**how))
            close(both.vcov(**how, target=k), one.vcov(**how))
        close(interval[:, k], one.predict(X, "prediction")[1])
        close(both.test("x1 = x2", target=k).p, one.test("x1 = x2").p)
        close(both.diagnostics(k).influence.dffits, one.diagnostics().influence.dffits)
    with pytest.raises(OneLayerError, match="target must be from 0 to 1, not 2"):
        both.summary(2)


# Dependent features


@pytest.mark.filterwarnings("ignore::onelayer.errors.LinearDependenceWarning")
@pytest.mark.parametrize("sizes", [1.0, [1, 1e9, 1, 1, 1]])
def test_dependent_features_leave_what_the_rows_determine(sizes):
    X, y, c = table()
    c += 1
    whole, wide = LinearRegression().fit(X, y, c), np.c_[X, X[:, 0] - X[:, 1], np.ones(60)] * sizes
    model = LinearRegression().fit(wide, y, c)
    for how in ({}, *every_way(60)):
        one, two = model.summary(**how), whole.summary(**how)
        close(one.std_err[3], two.std_err[3])
        assert np.isnan(one.std_err[[0, 1, 2, 4, 5]]).all() and np.isnan(model.vcov(**how)[1]).all()
        close([one.f.statistic, one.f.p], [two.f.statistic, two.f.p])
        close([one.log_likelihood, one.aic, one.adjusted_r2], [two.log_likelihood, two.aic, two.adjusted_r2])
        close(model.predict(wide[:9], "confidence", **how)[1], whole.predict(X[:9], "confidence", **how)[1])
        assert not any("negative" in note for note in one.coefficients.notes)
    outside = wide[:3].copy()
    outside[1, 3] += 1
    found = model.predict(outside, "prediction")[1]
    assert np.isnan(found).any(axis=1).tolist() == [False, True, False]
    assert model.test("x3").p == pytest.approx(whole.test("x3").p)
    with pytest.raises(OneLayerError, match="x1 = 1: the rows do not determine it"):
        model.test("x3, x1 = 1")
    diagnostics = model.diagnostics()
    for field in ("leverage", "studentised", "externally_studentised", "cooks_distance", "dffits", "rank"):
        close(*(getattr(found.influence, field) for found in (diagnostics, whole.diagnostics())), 1e-7)
    assert diagnostics.collinearity.condition_number == np.inf
    assert np.isinf(diagnostics.collinearity.variance_inflation).tolist() == [True, True, False, True, True]


@pytest.mark.filterwarnings("ignore::onelayer.errors.LinearDependenceWarning")
def test_more_columns_than_rows_of_few_directions():
    X, y, _ = table(200, 4)
    wide = X @ np.random.default_rng(1).normal(size=(4, 600))
    for how in ({}, {"cov": "HC3"}):
        found = LinearRegression().fit(wide, y).predict(wide[:5], "confidence", **how)[1]
        close(found, LinearRegression().fit(X, y).predict(X[:5], "confidence", **how)[1])


# What is said


def test_a_perfect_fit_has_no_tests():
    X, _, _ = table()
    model = LinearRegression().fit(X, X @ [1.0, 2, 3])
    for how in ({}, {"cov": "HC1"}):
        summary = model.summary(**how)
        assert np.isnan(
            [summary.f.statistic, summary.f.p, summary.log_likelihood, summary.aic, summary.bic]
        ).all()
        assert np.isnan(summary.t).all() and "perfect" in str(summary).splitlines()[-1]
    influence = model.diagnostics().influence
    assert np.isnan(influence.studentised).all() and np.isfinite(influence.leverage).all()


def test_tests_of_a_perfect_fit_say_so():
    X, _, _ = table()
    with pytest.raises(OneLayerError, match="the fit is perfect: the residuals are rounding"):
        LinearRegression().fit(X, X @ [1.0, 2, 3]).test("x1")


def test_what_was_asked_for_at_fit_is_what_counts():
    X, y, _ = table()
    for how, reason in (({"alpha": 1.0}, "with a penalty"), ({"positive": True}, "coefficients have bounds")):
        model = LinearRegression(**how).fit(X, y).set_params(alpha=0.0, positive=False)
        with pytest.raises(OneLayerError, match=reason):
            model.summary()
    model = LinearRegression().fit(X, y)
    before = str(model.summary(cov="HC3"))
    model.set_params(alpha=3.0, fit_intercept=False, upper=0)
    assert str(model.summary(cov="HC3")) == before
    assert model.vcov().shape == (4, 4)


def test_factors_of_no_penalty_change_nothing():
    X, y, c = table()
    one, two = LinearRegression(penalty_factors=[1, 0, 2]).fit(X, y, c), LinearRegression().fit(X, y, c)
    assert str(one.summary()) == str(two.summary())


@pytest.mark.parametrize(
    ("ask", "message"),
    [
        (
            lambda m: m.summary(confidence="95%"),
            "confidence must be between 0 and 1, such as 0.95, not '95%'",
        ),
        (lambda m: m.summary("y"), "target must be from 0 to 0, not 'y'"),
        (lambda m: m.summary(cov="cluster", groups="firm"), "the group of each row, not 'firm' alone"),
        (lambda m: m.summary(cov="cluster", groups=3), "the group of each row, not 3 alone"),
        (lambda m: m.test(np.zeros((0, 4))), r"R must be \(k, 4\)"),
        (lambda m: m.test(np.full(4, np.nan)), "R and r must be finite"),
        (lambda m: m.test(["x1", "x2"]), "hypotheses are a string, such as"),
    ],
)
def test_wrong_arguments_are_named(ask, message):
    X, y, _ = table()
    with pytest.raises(OneLayerError, match=message):
        ask(LinearRegression().fit(X, y))


def test_a_row_that_alone_determines_a_coefficient_is_named():
    X, y, _ = table()
    X = np.c_[X, np.arange(60) == 7]
    model = LinearRegression().fit(X, y)
    for cov in ("HC2", "HC3"):
        with pytest.raises(OneLayerError, match="row 8 alone determines a coefficient"):
            model.summary(cov=cov)
    assert np.isfinite(model.summary(cov="HC1").p).all()
    influence = model.diagnostics().influence
    assert influence.leverage[7] == pytest.approx(1) and np.flatnonzero(
        np.isnan(influence.studentised)
    ).tolist() == [7]


def test_too_few_groups_for_a_test_of_all_slopes():
    X, y, _ = table(d=5)
    summary = LinearRegression().fit(X, y).summary(cov="cluster", groups=np.arange(60) % 4)
    assert np.isnan(summary.f.statistic) and np.isfinite(summary.p).all()
    assert "within 4 groups: t has 3 degrees of freedom" in str(summary)


def test_negative_variances_of_two_ways_are_said():
    X, y, _ = table(40, 1, seed=3)
    groups = np.stack([np.arange(40) // 20, np.arange(40) % 2], axis=1)
    for seed in range(20):
        y = np.random.default_rng(seed).normal(size=40)
        summary = LinearRegression().fit(X, y).summary(cov="cluster", groups=groups)
        if np.isnan(summary.std_err).any():
            break
    assert "some variances come out negative" in str(summary)


def test_where_there_are_no_errors_the_reason_is_said():
    X, y, _ = table()
    for model, reason in (
        (LinearRegression(alpha=1.0).fit(X, y), "with a penalty"),
        (LinearRegression().fit(X[:4], y[:4]), "4 rows are not more"),
    ):
        for ask in (
            lambda m: m.summary(cov="HC3"),
            lambda m: m.vcov(),
            lambda m: m.test("x1"),
            lambda m: m.diagnostics(),
            lambda m: m.predict(X, "confidence"),
        ):
            with pytest.raises(OneLayerError, match=f"there are no standard errors: {reason}"):
                ask(model)


def test_data_that_were_changed_in_place_are_noticed():
    X, y, _ = table()
    model = LinearRegression().fit(X, y)
    before = model.summary(cov="HC0").std_err
    X[3, 1] += 1e-3
    with pytest.raises(OneLayerError, match="changed in place since fit"):
        model.summary(cov="HC0")
    X[3, 1] -= 1e-3
    close(model.summary(cov="HC0").std_err, before)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"interval": "both"}, "interval must be confidence, prediction or None, not 'both'"),
        ({"interval": "confidence", "level": 95}, "level must be between 0 and 1"),
        ({"interval": "prediction", "cov": "HC3"}, "needs noise of a known variance"),
        ({"interval": "confidence", "cov": "HC9"}, "cov must be one of"),
    ],
)
def test_intervals_that_cannot_be_had(arguments, message):
    X, y, _ = table()
    with pytest.raises(OneLayerError, match=message):
        LinearRegression().fit(X, y).predict(X, **arguments)


def test_intervals_come_through_a_pipeline():
    X, y, _ = table()
    mean, interval = (
        make_pipeline(StandardScaler(), LinearRegression()).fit(X, y).predict(X, interval="confidence")
    )
    expected = LinearRegression().fit(X, y).predict(X, interval="confidence")
    close(mean, expected[0])
    close(interval, expected[1])


# Files and copies


@pytest.mark.filterwarnings("ignore::onelayer.errors.LinearDependenceWarning")
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("is_dependent", [True, False])
def test_a_saved_model_has_intervals_and_tests(intercept, is_dependent, tmp_path):
    X, y, c = table()
    X = np.c_[X, X[:, 0]] if is_dependent else X
    model = LinearRegression(fit_intercept=intercept).fit(X, np.stack([y, -(y**2)], axis=1), c * 1e-200)
    model.save(tmp_path / "m")
    outside = np.r_[X[:3], [[1.0] * X.shape[1]], [np.arange(X.shape[1]) + 1.0]]
    for copy in (LinearRegression.load(tmp_path / "m"), pickle.loads(pickle.dumps(model))):
        assert not hasattr(copy, "_rows")
        assert str(copy.summary(1)) == str(model.summary(1))
        for kind in ("confidence", "prediction"):
            np.testing.assert_array_equal(copy.predict(outside, kind)[1], model.predict(outside, kind)[1])
        np.testing.assert_array_equal(copy.vcov(target=1), model.vcov(target=1))
        assert str(copy.test("x2 = x3")) == str(model.test("x2 = x3"))
        for ask in (lambda m: m.summary(cov="HC3"), lambda m: m.diagnostics()):
            with pytest.raises(OneLayerError, match="need the rows of fit"):
                ask(copy)


def test_a_model_is_fitted_again_without_what_it_knew(tmp_path):
    X, y, _ = table()
    model = LinearRegression().fit(X, y)
    model.set_params(alpha=1.0).fit(X, y).save(tmp_path / "m")
    assert not hasattr(LinearRegression.load(tmp_path / "m"), "_half")


# For a run


@pytest.mark.parametrize("scale", [1.0, 2.0**300])
def test_robust_coefficients_for_a_run(scale):
    X, y, c = table()
    rows = Rows(X, np.stack([y, y**2], axis=1), "regression", c * scale)
    model = LinearRegression().fit(X, rows.y, c)
    for how in every_way(60):
        robust = Robust.of(**how, n=60, weight=rows.c)
        fit = least_squares(rows)
        covariances = linear_covariances(fit, rows, robust, 0.0)
        found = linear_coefficients(fit, ["a", "b", "c"], robust.n, covariances=covariances, robust=robust)
        for k in range(2):
            expected = model.summary(k, **how)
            close(found.std_err[k], expected.std_err)
            close(found.p[k], expected.p, 1e-7)
        assert found.notes == expected.coefficients.notes and len(found.notes) == 1


def test_groups_of_unequal_shapes_are_refused():
    X, y = np.random.default_rng(0).normal(size=(2, 40, 1))
    first = np.arange(40) // 8
    with pytest.raises(OneLayerError, match="column_stack"):
        LinearRegression().fit(X, y[:, 0]).summary(cov="cluster", groups=(first, first[:, None]))
