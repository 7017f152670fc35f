"""Least squares of few rows, compiled: against rational arithmetic, and what it leaves to the careful way."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exact import Exact
from onelayer.data import Rows
from onelayer.solvers import direct, kernels, small
from onelayer.solvers.direct import least_squares

compiled = pytest.importorskip("onelayer.solvers.kernels.compiled_small", reason="there was no compiler")


def solved(X, Y, c=None, alpha=0.0, fit_intercept=True):
    return small.solve_small(Rows(X, Y, "regression", c), np.array([alpha]), fit_intercept)


@settings(max_examples=150)
@given(
    seed=st.integers(0, 2**32),
    d=st.integers(1, 5),
    more=st.integers(2, 20),
    q=st.integers(1, 2),
    alpha=st.sampled_from([0.0, 0.0, 0.5, 100.0]),
    is_weighted=st.booleans(),
    fit_intercept=st.booleans(),
    order=st.sampled_from("CF"),
)
def test_weights_bias_and_sums_are_right_to_the_last_digit(
    seed, d, more, q, alpha, is_weighted, fit_intercept, order
):
    generator = np.random.default_rng(seed)
    n = d + more
    X = np.asarray(generator.normal(size=(n, d)) * 10.0 ** generator.integers(-4, 5, d), order=order)
    X += generator.normal(size=d) * 10.0 ** generator.integers(-4, 5)
    Y = np.asarray(generator.normal(size=(n, q)) * 100, order=order)
    c = generator.integers(1, 9, n) / 8 if is_weighted else None
    fit = solved(X, Y, c, alpha, fit_intercept)
    if fit is None:  # a column is nearly a combination of others
        lengths = np.linalg.svd(X - X.mean(axis=0) * fit_intercept, compute_uv=False)
        assert lengths[-1] < 1e-4 * lengths[0]
        return
    for t in range(q):
        known = Exact(X, Y[:, t], c, alpha, fit_intercept)
        weight, bias = known.rounded()
        np.testing.assert_allclose(fit.weight[t], weight, rtol=2.3e-16)
        np.testing.assert_allclose(fit.bias[t], bias, rtol=2.3e-16)
        np.testing.assert_allclose(fit.rss[t], float(known.residual_sum(weight, bias)), rtol=1e-15)
        np.testing.assert_allclose(fit.tss[t], float(known.total_sum), rtol=1e-15)


@pytest.mark.parametrize("fit_intercept", [True, False])
def test_the_inverse_is_that_of_the_careful_way(fit_intercept):
    generator = np.random.default_rng(1)
    X, y, c = generator.normal(3, 1, size=(60, 4)), generator.normal(size=(60, 1)), generator.uniform(size=60)
    rows = Rows(X, y, "regression", c)
    here, there = solved(X, y, c, 0.0, fit_intercept), least_squares(rows, 0.0, fit_intercept, careful=True)
    np.testing.assert_allclose(here.inverse.variances(), there.inverse.variances(), rtol=1e-10)
    np.testing.assert_allclose(here.rounding, there.rounding, rtol=1e-6)
    assert here.rank == there.rank == 4


def test_what_it_does_not_know_is_for_the_careful_way():
    generator = np.random.default_rng(2)
    X, y = generator.normal(size=(40, 3)), generator.normal(size=(40, 1))
    dependent = np.column_stack([X, X[:, 0] - X[:, 1]])
    nearly = np.column_stack([X, X[:, 0] + 1e-7 * X[:, 1]])
    constant = np.column_stack([X, np.full(40, 2.5)])
    missing = np.where(np.arange(120).reshape(40, 3) == 7, np.nan, X)
    huge = X * [1, 1, 1e200]
    for features in (dependent, nearly, constant, missing, huge):
        assert solved(features, y) is None
    assert solved(X, np.full((40, 1), 3.0)) is None
    assert solved(X[:2], y[:2]) is None
    assert solved(X, y, np.zeros(40)) is None
    assert least_squares(Rows(dependent, y, "regression")).rank == 3


@pytest.mark.parametrize(
    "wrong",
    [
        {"X": np.zeros((5, 2), np.float32)},
        {"X": np.zeros(5)},
        {"Y": np.zeros((4, 1))},
        {"c": np.ones(4)},
        {"weight": np.zeros((2, 1))},
        {"bias": np.zeros(2)},
        {"half": np.zeros((2, 3))},
        {"half": np.zeros((4, 4))[::2, ::2]},
        {"means": np.zeros(2)},
        {"squares": np.zeros(4)},
        {"spread": np.zeros(3, np.float32)},
        {"rss": np.zeros((1, 1))},
    ],
)
def test_other_types_and_shapes_are_refused(wrong):
    right = {
        "X": np.arange(10.0).reshape(5, 2) ** 2,
        "Y": np.arange(5.0)[:, None] ** 3,
        "c": np.ones(5),
        "weight": np.zeros((1, 2)),
        "bias": np.zeros(1),
        "half": np.zeros((2, 2)),
        "means": np.zeros(3),
        "squares": np.zeros(3),
        "spread": np.zeros(3),
        "rss": np.zeros(1),
    }
    assert compiled.least_squares(*right.values(), 0.0, True) == 5
    with pytest.raises(ValueError):
        compiled.least_squares(*(right | wrong).values(), 0.0, True)


def test_without_a_compiler_the_careful_way_finds_the_same(monkeypatch):
    generator = np.random.default_rng(3)
    rows = Rows(generator.normal(size=(50, 3)), generator.normal(size=(50, 2)), "regression")
    here = least_squares(rows)
    monkeypatch.setattr(kernels, "least_squares", None)
    assert direct.solve_small(rows, np.zeros(1), True) is None
    there = least_squares(rows)
    assert (here.weight == there.weight).all() and (here.bias == there.bias).all()
