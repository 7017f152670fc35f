"""Products of sparse rows, compiled and in NumPy, and what conjugate gradients find by them for many features."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from onelayer.data import Rows
from onelayer.engines.threads import one_thread
from onelayer.losses import CrossEntropy
from onelayer.penalties import Ridge
from onelayer.solvers.direct import least_squares
from onelayer.solvers.iterative import CentredColumns
from onelayer.solvers.kernels import plain_sparse
from onelayer.solvers.minimise import minimise

compiled = pytest.importorskip("onelayer.solvers.kernels.compiled_sparse", reason="there was no compiler")

BOTH = pytest.mark.parametrize("module", [compiled, plain_sparse])


def stored(X):
    return X.data, X.indices.astype(np.int32), X.indptr.astype(np.int64)


PROBLEM = given(st.integers(0, 2**32), st.integers(0, 40), st.integers(1, 30), st.floats(0, 1))


def whole_numbers(seed, n, d, density):
    """Return rows (n, d) of whole numbers, which no precision rounds, the ends of some of them, and a generator."""
    generator = np.random.default_rng(seed)
    A = generator.integers(-9, 10, (n, d)) * (generator.random((n, d)) < density)
    return A.astype(float), sorted(generator.integers(0, n + 1, 2).tolist()), generator


@BOTH
@settings(max_examples=60, deadline=None)
@PROBLEM
def test_products_of_whole_numbers_are_exact(module, seed, n, d, density):
    A, (first, last), generator = whole_numbers(seed, n, d, density)
    c, w, before = generator.integers(0, 4, n), generator.integers(-9, 10, d), generator.integers(-9, 10, d)
    values, columns, starts = stored(sparse.csr_array(A))
    sums, rough = before.astype(np.float32), (values.astype(np.float32), columns, starts)
    total = module.sparse_products(*rough, c.astype(float), w.astype(np.float32), sums, first, last, 3.0)
    outputs = (c * (A @ w - 3))[first:last]
    assert total == outputs.sum()
    np.testing.assert_array_equal(sums, before + A[first:last].T @ outputs)


@BOTH
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(("kind", "taken"), [("v", np.asarray), ("a", np.abs), ("s", np.square)])
@settings(max_examples=30, deadline=None)
@PROBLEM
def test_thin_products_of_whole_numbers_are_exact(module, dtype, kind, taken, seed, n, d, density):
    A, (first, last), generator = whole_numbers(seed, n, d, density)
    k, X, is_float = int(generator.integers(1, 20)), sparse.csr_array(A), dtype == np.float32
    W, R = (generator.integers(-9, 10, (m, k)).astype(dtype) for m in (d, last - first))
    products, sums = np.empty((last - first, k), dtype), np.ones((d, k), dtype)
    module.sparse_forward(*stored(X), W, products, k, first, last, kind, is_float)
    module.sparse_backward(*stored(X), R, sums, k, first, last, kind, is_float)
    np.testing.assert_array_equal(products, taken(A)[first:last] @ W)
    np.testing.assert_array_equal(sums, 1 + taken(A)[first:last].T @ R)


def test_wrong_arguments_are_refused():
    X = sparse.csr_array(np.eye(3))
    values, columns, starts = stored(X)
    rough, ones, w, sums = (
        values.astype(np.float32),
        np.ones(3),
        np.ones(3, np.float32),
        np.zeros(3, np.float32),
    )
    for given_, rows in [
        ((rough[:2], columns, starts, ones), (0, 3)),
        ((values, columns, starts, ones), (0, 3)),
        ((rough, columns, starts[:3], ones), (0, 3)),
        ((rough, columns, starts, ones), (0, 4)),
        ((rough, columns, starts, ones), (2, 1)),
        ((rough, columns, starts + 1, ones), (0, 3)),
    ]:
        with pytest.raises(ValueError, match="type and shape"):
            compiled.sparse_products(*given_, w, sums, *rows, 0.0)
    for W, found, k, kind in [
        (np.ones((3, 2)), np.ones((2, 2)), 2, "v"),
        (np.ones((3, 2)), np.ones((3, 2)), 0, "v"),
        (np.ones(5), np.ones((3, 2)), 2, "v"),
        (np.ones((3, 2)), np.ones((3, 2)), 2, "x"),
    ]:
        with pytest.raises(ValueError, match="type and shape"):
            compiled.sparse_forward(values, columns, starts, W, found, k, 0, 3, kind, False)


def test_values_that_are_stored_in_parts_count_as_their_sum():
    """Else their squares, by which columns are scaled, would be others."""
    generator = np.random.default_rng(6)
    whole = sparse.random_array((200, 30), density=0.2, rng=generator, format="csr")
    halves = sparse.csr_array(
        (np.repeat(whole.data / 2, 2), np.repeat(whole.indices, 2), 2 * whole.indptr), shape=whole.shape
    )
    labels = generator.integers(0, 3, 200)
    first, second = (minimise(Rows(X, labels), CrossEntropy(3), Ridge(1.0)) for X in (whole, halves))
    np.testing.assert_array_equal(first.weight, second.weight)
    assert halves.nnz == 2 * whole.nnz


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
    product = columns.gram(2.0).times(w.astype(np.float32))
    np.testing.assert_allclose(product, whole.rmatvec(whole.matvec(w)), rtol=1e-5, atol=1e-5)
    Z = (X.toarray() - np.average(X.toarray(), axis=0, weights=c)) / columns.size
    np.testing.assert_allclose(whole.matvec(w)[:50], np.sqrt(c) * (Z @ w), rtol=1e-12, atol=1e-12)
