"""Least squares of many sparse features: products of rows, compiled and in NumPy, and what conjugate gradients find."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from onelayer.data import Rows
from onelayer.engines.threads import one_thread
from onelayer.solvers.direct import least_squares
from onelayer.solvers.iterative import CentredColumns
from onelayer.solvers.kernels import plain_sparse

compiled = pytest.importorskip("onelayer.solvers.kernels.compiled_sparse", reason="there was no compiler")

BOTH = pytest.mark.parametrize("module", [compiled, plain_sparse])


def stored(X):
    return X.data, X.indices.astype(np.int32), X.indptr.astype(np.int64)


@BOTH
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 40), st.integers(1, 30), st.floats(0, 1))
def test_products_of_whole_numbers_are_exact(module, seed, n, d, density):
    generator = np.random.default_rng(seed)
    A = generator.integers(-9, 10, (n, d)) * (generator.random((n, d)) < density)
    c, w, before = generator.integers(0, 4, n), generator.integers(-9, 10, d), generator.integers(-9, 10, d)
    first, last = sorted(generator.integers(0, n + 1, 2).tolist())
    sums, X = before.astype(float), sparse.csr_array(A.astype(float))
    total = module.sparse_products(*stored(X), c.astype(float), w.astype(float), sums, first, last, 3.0)
    outputs = (c * (A @ w - 3))[first:last]
    assert total == outputs.sum()
    np.testing.assert_array_equal(sums, before + A[first:last].T @ outputs)


def test_wrong_arguments_are_refused():
    X = sparse.csr_array(np.eye(3))
    values, columns, starts = stored(X)
    ones, sums = np.ones(3), np.zeros(3)
    for given_, rows in [
        ((values[:2], columns, starts, ones), (0, 3)),
        ((values, columns, starts[:3], ones), (0, 3)),
        ((values, columns, starts, ones), (0, 4)),
        ((values, columns, starts, ones), (2, 1)),
        ((values, columns, starts + 1, ones), (0, 3)),
    ]:
        with pytest.raises(ValueError, match="type and shape"):
            compiled.sparse_products(*given_, ones, sums, *rows, 0.0)


def many_features(alpha, intercept):
    generator = np.random.default_rng(3)
    X = sparse.random_array((600, 2_400), density=0.05, rng=generator, format="csr")
    Y, c = generator.normal(size=(600, 2)), generator.uniform(0.5, 2, 600)
    return X, Y, c, least_squares(Rows(X, Y, "regression", c), alpha, intercept)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("alpha", [1e-1, 10.0])
def test_conjugate_gradients_are_as_near_the_minimum_as_they_say(alpha, intercept):
    """W = Zᵀ (ZZᵀ + alpha)⁻¹ V of dense rows."""
    X, Y, c, fit = many_features(alpha, intercept)
    mean, y_mean = (np.average(A, axis=0, weights=c) * intercept for A in (X.toarray(), Y))
    Z, V = (np.sqrt(c)[:, None] * A for A in (X.toarray() - mean, Y - y_mean))
    weight = Z.T @ np.linalg.solve(Z @ Z.T + alpha * np.eye(600), V)
    apart = np.linalg.norm(fit.weight - weight.T) / np.linalg.norm(weight)
    assert fit.solver == "conjugate gradients" and fit.error <= 1e-11 and apart <= fit.error + 1e-13
    np.testing.assert_allclose(fit.bias, y_mean - mean @ weight, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        np.ldexp(fit.rss, fit.exponent), ((V - Z @ weight) ** 2).sum(axis=0), rtol=1e-9
    )


def test_the_bits_are_the_same_for_any_number_of_threads():
    with one_thread():
        alone = many_features(1.0, True)[-1]
    np.testing.assert_array_equal(alone.weight, many_features(1.0, True)[-1].weight)


def test_a_penalty_that_conditions_ill_is_left_to_lsmr():
    """Two columns that differ by a little, in a penalty that is small beside that: their weights are those of both."""
    generator = np.random.default_rng(4)
    X, more = (sparse.random_array((2_600, d), density=0.01, rng=generator, format="csr") for d in (2_400, 1))
    X = sparse.hstack([X, X[:, :1] + 1e-3 * more], format="csr")
    weight = generator.integers(-9, 10, 2_401) / 8
    fit = least_squares(Rows(X, (X @ weight)[:, None], "regression"), 1e-14)
    assert fit.solver == "lsmr"
    np.testing.assert_allclose(fit.weight[0], weight, atol=1e-6)


def test_the_gram_operator_is_that_of_centred_columns():
    generator = np.random.default_rng(5)
    X = sparse.random_array((50, 20), density=0.3, rng=generator, format="csr")
    c, w = generator.uniform(0.5, 2, 50), generator.normal(size=20)
    columns = CentredColumns(Rows(X, np.zeros((50, 1)), "regression", c), True)
    whole = columns.operator(2.0)
    np.testing.assert_allclose(columns.gram(2.0).times(w), whole.rmatvec(whole.matvec(w)), rtol=1e-12)
