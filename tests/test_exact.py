"""The oracle itself: against certified values, closed forms, and other packages on problems that are easy."""

import json
from fractions import Fraction
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.optimize import minimize
from scipy.special import log_softmax
from sklearn import linear_model

from exact import Exact, as_integers, independent_rows
from exact_softmax import SoftmaxMinimum
from judge import Case, LinearJudge, SoftmaxJudge
from onelayer import LinearRegression, SoftmaxRegression

NIST = sorted((Path(__file__).parent / "data/nist-strd").glob("*.json"))


@given(arrays(np.float64, 5, elements=st.floats(allow_nan=False, allow_infinity=False)))
def test_floats_are_integers_times_a_power_of_two(values):
    integers, exponent = as_integers(values)
    assert [Fraction(int(k)) * Fraction(2) ** exponent for k in integers] == [
        Fraction(v) for v in values.tolist()
    ]


@pytest.mark.parametrize("path", NIST, ids=lambda path: path.stem)
def test_nist(path):
    case = json.loads(path.read_text())
    X, y = np.array(case["x"], float), np.array(case["y"], float)
    if case["degree"] > 1:
        X = np.hstack([X**k for k in range(1, case["degree"] + 1)])
    exact = Exact(X, y, fit_intercept=case["intercept"])
    weight, bias = exact.rounded()
    found = np.r_[bias, weight] if case["intercept"] else weight
    np.testing.assert_allclose(found, case["certified"]["coefficients"], rtol=2e-14)
    degrees = len(y) - X.shape[1] - case["intercept"]
    sigma = float(exact.objective / degrees) ** 0.5
    np.testing.assert_allclose(sigma, case["certified"]["residual_standard_deviation"], rtol=1e-13)
    if case["intercept"]:
        np.testing.assert_allclose(
            float(1 - exact.objective / exact.total_sum), case["certified"]["r_squared"], rtol=1e-13
        )


def test_a_year_beside_a_flag():
    exact = Exact(np.array([[2001.0, 0], [2001, 0], [2002, 1]]), np.array([1.0, 2, 4]))
    assert exact.rank == 1 and exact.objective == Fraction(1, 2)
    assert exact.weight == [Fraction(5, 4), Fraction(5, 4)]
    assert exact.bias == Fraction(3, 2) - 2001 * Fraction(5, 4)


def test_least_norm_of_a_column_and_its_triple():
    x = np.array([1.0, 2, 4])
    exact = Exact(np.column_stack([x, 3 * x]), 20 * x + 7)
    assert exact.weight == [2, 6] and exact.bias == 7 and exact.objective == 0


def test_no_variation_and_one_row():
    exact = Exact(np.array([[3.0, 4.0]]), np.array([5.0]))
    assert exact.rank == 0 and exact.weight == [0, 0] and exact.bias == 5
    assert Exact(np.array([[3.0, 4.0]]), np.array([50.0]), fit_intercept=False).weight == [6, 8]


def test_ridge_of_one_column():
    """w = Σ x y / (Σ x² + alpha), centred."""
    exact = Exact(np.array([[0.0], [1], [2]]) + 7, np.array([0.0, 1, 5]), alpha=0.5)
    assert exact.weight == [2] and exact.bias == 2 - 8 * 2


@pytest.mark.parametrize(("n", "d"), [(30, 4), (6, 9)])
@pytest.mark.parametrize("rank", [2, 4])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 0.7])
def test_easy_problems_equal_numpy(n, d, rank, weighted, fit_intercept, alpha):
    r = np.random.default_rng([n, rank])
    X = (r.integers(-5, 6, (n, rank)) @ r.integers(-5, 6, (rank, d))).astype(float)
    y, c = r.normal(size=n), r.integers(1, 5, n).astype(float) if weighted else np.ones(n)
    exact = Exact(X, y, c if weighted else None, alpha, fit_intercept)
    x_mean, y_mean = (np.average(a, axis=0, weights=c) if fit_intercept else 0 * a[0] for a in (X, y))
    A = np.vstack([np.sqrt(c)[:, None] * (X - x_mean), np.sqrt(alpha) * np.eye(d)])
    weight = np.linalg.pinv(A, rcond=1e-10) @ np.r_[np.sqrt(c) * (y - y_mean), np.zeros(d)]
    bias = y_mean - x_mean @ weight
    np.testing.assert_allclose(exact.rounded()[0], weight, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(float(exact.bias), bias, rtol=1e-10, atol=1e-12)
    objective = c @ (y - X @ weight - bias) ** 2 + alpha * weight @ weight
    np.testing.assert_allclose(float(exact.objective), objective, rtol=1e-10, atol=1e-12)
    assert exact.rank == np.linalg.matrix_rank(X - x_mean, tol=1e-9) == len(exact.singular_values)


def test_the_residual_sum_of_stored_coefficients():
    X, y, c = np.array([[1.0, 2], [3, 4], [1e18, 0]]), np.array([1.0, 2, 3]), np.array([1.0, 0.5, 2])
    by_hand = sum(
        Fraction(k)
        * (Fraction(t) - Fraction(0.1) * Fraction(a) - Fraction(0.2) * Fraction(b) - Fraction(0.3)) ** 2
        for (a, b), t, k in zip(X.tolist(), y.tolist(), c.tolist(), strict=True)
    )
    assert Exact(X, y, c).residual_sum(np.array([0.1, 0.2]), 0.3) == by_hand


@given(st.integers(0, 10**6), st.sampled_from([np.float64, np.float32]))
def test_storing_costs_no_more_than_its_bound(seed, dtype):
    r = np.random.default_rng(seed)
    X = r.normal(size=(8, 3)) * 10.0 ** r.integers(-5, 6, 3) + 10.0 ** r.integers(0, 6)
    exact = Exact(X, r.normal(size=8), r.lognormal(size=8))
    unit = float(np.finfo(dtype).eps) / 2
    above = exact.residual_sum(*exact.rounded(dtype)) - exact.objective
    assert 0 <= above <= exact.storing_cost(unit, unit) * (1 + Fraction(1, 10**6))


def test_columns_that_rounding_made_independent():
    r = np.random.default_rng(0)
    parts = r.integers(1, 1000, (30, 2)) / 100
    y = r.normal(size=30)
    summed, apart = (Exact(np.column_stack([parts, c]), y) for c in (parts.sum(axis=1), parts[:, 0] ** 2))
    assert summed.rank == 3 and summed.depends_by_rounding and summed.sensitivity > 0.1
    assert apart.rank == 3 and not apart.depends_by_rounding and apart.sensitivity < 1e-13
    np.testing.assert_allclose(
        float(summed.truncated_sum(summed.noise)), float(Exact(parts, y).objective), rtol=1e-12
    )


def test_independent_rows():
    rows = np.array([[0, 0], [2, 4], [1, 2], [3, 5]]).astype(object)
    assert independent_rows(rows) == [1, 3]


# Softmax


@pytest.mark.parametrize("q", [2, 3])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_minimum_is_what_a_general_optimiser_finds(q, fit_intercept):
    r = np.random.default_rng(q)
    y = r.integers(0, q, 40)
    X, c, C = r.normal(size=(40, 2)) + 0.5 * y[:, None], r.lognormal(size=40), 1.7
    k = 1 if q == 2 else q

    def objective(theta):
        W, b = theta[: 2 * k].reshape(k, 2), theta[2 * k :] * fit_intercept
        logits = X @ W.T + b
        logits = np.column_stack([np.zeros(40), logits]) if k == 1 else logits
        return W.ravel() @ W.ravel() / 2 - C * c @ log_softmax(logits, axis=1)[np.arange(40), y]

    theirs = minimize(objective, np.zeros(3 * k), method="BFGS", options={"gtol": 1e-8})
    minimum = SoftmaxMinimum(X, y, C, c, fit_intercept)
    assert 0 <= minimum.high - minimum.low < 1e-20 * minimum.high
    np.testing.assert_allclose(float(minimum.low), theirs.fun, rtol=1e-11)
    theta = theirs.x
    np.testing.assert_allclose(
        float(minimum.objective(theta[: 2 * k].reshape(k, 2), theta[2 * k :] * fit_intercept)),
        theirs.fun,
        rtol=1e-13,
    )


def test_a_logit_without_features():
    """With features that say nothing only b is left: the loss is the entropy of the classes."""
    minimum = SoftmaxMinimum(np.zeros((8, 1)), np.array([0, 0, 0, 0, 1, 1, 2, 2]), C=3.0)
    np.testing.assert_allclose(float(minimum.low), 3 * 8 * 1.5 * np.log(2), rtol=1e-15)


def test_offsets_do_not_change_the_minimum():
    r = np.random.default_rng(5)
    y, X = r.integers(0, 2, 50), r.integers(-9, 10, (50, 2)) * 1024.0
    near, far = (SoftmaxMinimum(X + offset, y).low for offset in (0, 2.0**60))
    assert abs(near - far) < 1e-20 * near


# The judge


class Changed:
    """A fit whose results are changed."""

    changes: ClassVar = {}

    def fit(self, X, y, sample_weight=None):
        super().fit(X, y, sample_weight)
        for name, change in self.changes.items():
            setattr(self, name, change(getattr(self, name)))
        return self


def failures(judge, base, **changes):
    model = type("Model", (Changed, base), {"changes": changes})()
    return {finding.kind for finding in judge.judge(model) if finding.is_failure}


def test_the_judge_finds_what_is_wrong():
    r = np.random.default_rng(0)
    X = r.normal(size=(40, 3))
    judge = LinearJudge(Case("normal", X, X @ [1, 2, 3] + r.normal(size=40)))
    assert failures(judge, LinearRegression) == set()
    assert failures(judge, LinearRegression, coef_=lambda w: w * (1 + 1e-7)) == {"rss", "coef"}
    assert failures(judge, LinearRegression, coef_=lambda w: w * [1, 1, np.nan]) == {"not finite"}
    assert failures(judge, LinearRegression, intercept_=lambda b: b + 1e-6) == {"rss"}
    assert failures(judge, LinearRegression, rank_=lambda rank: rank - 1) == {"rank", "silent dependence"}
    assert failures(judge, LinearRegression, r2_=lambda r2: r2 + 1e-6) == {"r2"}


def test_the_judge_finds_what_is_wrong_with_a_classification():
    r = np.random.default_rng(1)
    labels = r.integers(0, 3, 60)
    judge = SoftmaxJudge(Case("normal", r.normal(size=(60, 2)) + labels[:, None], labels))
    assert failures(judge, SoftmaxRegression) == set()
    assert failures(judge, SoftmaxRegression, gap_=lambda gap: -1.0) == {"gap", "gap stored"}
    assert failures(judge, SoftmaxRegression, objective_=lambda value: value * (1 - 1e-9)) == {"objective"}
    assert failures(judge, SoftmaxRegression, coef_=lambda w: w + np.eye(3, 2) / 50) == {"gap stored"}
    assert failures(judge, SoftmaxRegression, converged_=lambda _: False) == {"silent"}
    found = failures(judge, SoftmaxRegression, objective_=lambda value: value * (1 + 1e-5))
    assert found == {"gap", "false convergence"}


def test_scikit_learn_passes_where_it_is_easy():
    """The judge is not made for one solver: it takes scikit-learn's coefficients for right."""
    r = np.random.default_rng(2)
    X, y = r.normal(size=(50, 4)), r.normal(size=50)
    theirs, exact = linear_model.LinearRegression().fit(X, y), Exact(X, y)
    above = exact.residual_sum(theirs.coef_, theirs.intercept_) - exact.objective
    assert 0 <= above <= 100 * exact.storing_cost()
