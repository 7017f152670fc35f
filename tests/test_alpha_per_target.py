"""A penalty for each target: each is the exact solution of its own problem."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV

from exact import Exact
from onelayer.data.rows import Rows
from onelayer.errors import LinearDependenceWarning, OneLayerError
from onelayer.estimators import LinearRegression
from onelayer.solvers import direct
from onelayer.solvers.direct import least_squares

ALPHA = np.array([1.0, 0.0, 1.0, 30.0, 1e-3])


def problem(n, d, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d)) * 10.0 ** generator.uniform(-2, 2, d) + 3
    return X, generator.normal(size=(n, len(ALPHA))) + X[:, :1], generator.uniform(0.5, 2, n)


@pytest.mark.parametrize("intercept", [True, False])
def test_small_problems_are_solved_to_the_last_digit(intercept):
    X, Y, c = problem(40, 4)
    model = LinearRegression(alpha=ALPHA, fit_intercept=intercept).fit(X, Y, c)
    for k, alpha in enumerate(ALPHA):
        weight, bias = Exact(X, Y[:, k], c, alpha, intercept).rounded()
        np.testing.assert_array_equal(model.coef_[k], weight)
        assert model.intercept_[k] == bias


@pytest.mark.parametrize(("n", "d"), [(3000, 6), (60, 700)], ids=["tall", "wide"])
@pytest.mark.parametrize("intercept", [True, False])
def test_each_is_what_it_would_be_alone(n, d, intercept):
    X, Y, c = problem(n, d)
    alpha = np.maximum(ALPHA, 1e-3)
    both = LinearRegression(alpha=alpha, fit_intercept=intercept).fit(X, Y, c)
    for k in range(len(alpha)):
        one = LinearRegression(alpha=alpha[k], fit_intercept=intercept).fit(X, Y[:, k], c)
        np.testing.assert_allclose(both.coef_[k], one.coef_, rtol=1e-11, atol=1e-13)
        assert both.intercept_[k] == pytest.approx(one.intercept_, rel=1e-11, abs=1e-11)
        assert both.r2_[k] == pytest.approx(one.r2_, rel=1e-11)
    theirs = Ridge(alpha=alpha, fit_intercept=intercept, solver="svd").fit(X, Y, c)
    np.testing.assert_allclose(both.predict(X), theirs.predict(X), rtol=1e-7, atol=1e-7)


def test_many_sparse_features():
    X = sparse.random(500, 2500, 0.01, random_state=0, format="csr")
    Y = np.random.default_rng(0).normal(size=(500, 3))
    both = LinearRegression(alpha=[1.0, 2.0, 1.0]).fit(X, Y)
    for k, alpha in enumerate([1.0, 2.0, 1.0]):
        one = LinearRegression(alpha=alpha).fit(X, Y[:, k])
        np.testing.assert_allclose(both.coef_[k], one.coef_, rtol=1e-9, atol=1e-12)


def test_an_ill_conditioned_target_does_not_spoil_the_others(monkeypatch):
    X, Y, _ = problem(3000, 3)
    X = np.c_[X, X[:, 0] + 1e-7 * X[:, 1]]  # too nearly dependent for the fast way, but for a penalty
    alpha = np.array([1.0, 0.0, 1.0, 30.0, 2.0])
    fit = least_squares(Rows(X, Y, "regression"), alpha)
    for k in range(5):
        alone = least_squares(Rows(X, Y[:, [k]], "regression"), float(alpha[k]), careful=True)
        np.testing.assert_allclose(fit.weight[k], alone.weight[0], rtol=1e-9)
    monkeypatch.setattr(direct, "MOST_FACTORED", 0)  # no room for several factors at once
    one_by_one = least_squares(Rows(X, Y, "regression"), alpha)
    np.testing.assert_allclose(one_by_one.weight, fit.weight, rtol=1e-9)


def test_dependent_columns_are_said_of_the_target_without_penalty():
    X, Y, _ = problem(50, 3)
    X = np.c_[X, X[:, 0]]
    with pytest.warns(LinearDependenceWarning, match="x1, x4"):
        model = LinearRegression(alpha=ALPHA).fit(X, Y)
    assert model.rank_ == 3 and model.coef_[1, 0] == pytest.approx(model.coef_[1, 3])


def test_equal_penalties_are_one():
    X, Y, _ = problem(100, 3)
    for alpha in (0.0, 2.0):
        each = LinearRegression(alpha=np.full(5, alpha)).fit(X, Y)
        one = LinearRegression(alpha=alpha).fit(X, Y)
        np.testing.assert_array_equal(each.coef_, one.coef_)
        np.testing.assert_array_equal(each.std_err_, one.std_err_)
    single = LinearRegression(alpha=np.array([2.0])).fit(X, Y[:, 0])
    np.testing.assert_array_equal(single.coef_, one.coef_[0])


def test_penalties_that_do_not_fit_are_refused():
    X, Y, _ = problem(30, 3)
    for alpha, match in (
        ([1.0, 2.0], "alpha has 2 penalties, and y 5 targets"),
        ([1.0, -1, 1, 1, 1], "finite and not negative"),
        ([np.inf, 1, 1, 1, 1], "finite and not negative"),
        (["a"] * 5, "alpha must be a number"),
        ("a", "'alpha' parameter"),
        (-1.0, "'alpha' parameter"),
    ):
        with pytest.raises(OneLayerError, match=match):
            LinearRegression(alpha=alpha).fit(X, Y)


def test_files_and_searches(tmp_path):
    X, Y, _ = problem(60, 3)
    model = LinearRegression(alpha=ALPHA).fit(X, Y)
    model.save(tmp_path / "model")
    loaded = LinearRegression.load(tmp_path / "model")
    np.testing.assert_array_equal(loaded.alpha, ALPHA)
    np.testing.assert_array_equal(loaded.coef_, model.coef_)
    np.testing.assert_array_equal(loaded.fit(X, Y).coef_, model.coef_)
    with pytest.raises(OneLayerError, match="no standard errors"):
        model.summary()
    search = GridSearchCV(LinearRegression(), {"alpha": [ALPHA, 10 * ALPHA, 0.0]}, cv=3).fit(X, Y)
    assert search.best_estimator_.coef_.shape == (5, 3)
