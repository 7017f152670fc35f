"""Sums of products of columns: compiled and in NumPy they are what rational arithmetic says, wherever rows lie."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onelayer import LinearRegression
from onelayer.data import Rows
from onelayer.solvers import kernels, moments
from onelayer.solvers.kernels import plain_gram

compiled = pytest.importorskip("onelayer.solvers.kernels.compiled_gram", reason="there was no compiler")

BOTH = pytest.mark.parametrize("module", [compiled, plain_gram])


def products_of(module, X, Y, x_shift, y_shift, root=None):
    found = np.full([X.shape[1] + Y.shape[1] + 1] * 2, np.nan)
    module.sum_products(X, Y, x_shift, y_shift, found, root)
    return found


def whole_numbers(seed, n, d, q):
    """Return columns of small whole numbers, shifts, and roots of weights: sums of their products are exact."""
    generator = np.random.default_rng(seed)
    X, Y = (generator.integers(-9, 10, (n, k)).astype(float) for k in (d, q))
    shifts = (generator.integers(-3, 4, k).astype(float) for k in (d, q))
    return X, Y, *shifts, generator.integers(0, 4, n).astype(float)


@BOTH
@settings(max_examples=60)
@given(st.integers(0, 2**32), st.integers(0, 300), st.integers(0, 60), st.integers(0, 30), st.booleans())
def test_sums_of_whole_numbers_are_exact(module, seed, n, d, q, is_weighted):
    X, Y, x_shift, y_shift, root = whole_numbers(seed, n, d, q)
    root = root if is_weighted else None
    V = np.column_stack([X - x_shift, Y - y_shift, np.ones(n)]).astype(int)
    c = np.ones(n, int) if root is None else root.astype(int) ** 2
    assert (products_of(module, X, Y, x_shift, y_shift, root) == V.T @ (c[:, None] * V)).all()


@BOTH
@pytest.mark.parametrize("d", [1, 5, 40])  # pair by pair, and in panels
def test_sums_of_fractions_are_right_to_rounding(module, d):
    generator = np.random.default_rng(d)
    X, Y, root = generator.normal(size=(150, d)), generator.normal(size=(150, 2)), generator.uniform(size=150)
    shifts = generator.normal(size=d), generator.normal(size=2)
    V = np.column_stack([X - shifts[0], Y - shifts[1], np.ones(150)]) * root[:, None]
    exact = [
        [float(sum(Fraction(a) * Fraction(b) for a, b in zip(u, v, strict=True))) for u in V.T] for v in V.T
    ]
    size = np.abs(V).T @ np.abs(V)
    assert (np.abs(products_of(module, X, Y, *shifts, root) - exact) <= 20 * np.finfo(float).eps * size).all()


@BOTH
def test_rows_may_be_stored_in_any_order(module):
    X, Y, *rest = whole_numbers(0, 1000, 30, 3)
    known = products_of(module, X, Y, *rest)
    wide, tall = np.zeros((1000, 61)), np.zeros((3000, 30))
    wide[:, 1::2], tall[::3] = X, X
    for other in (np.asfortranarray(X), wide[:, 1::2], tall[::3], X[::-1][::-1]):
        assert (products_of(module, other, np.asfortranarray(Y), *rest) == known).all()


@BOTH
def test_what_is_not_finite_shows_in_the_sums_of_its_column(module):
    X, Y, *rest = whole_numbers(1, 200, 30, 1)
    X[7, 4] = np.nan
    assert np.isnan(products_of(module, X, Y, *rest)[4, 4])


@pytest.mark.parametrize(
    "wrong",
    [
        {"X": np.zeros((4, 3), np.float32)},
        {"X": np.zeros((4, 3), np.int64)},
        {"X": np.zeros((5, 3))},
        {"X": np.zeros(4)},
        {"Y": np.zeros((4, 2))},
        {"x_shift": np.zeros(2)},
        {"y_shift": np.zeros((1, 1))},
        {"products": np.zeros((5, 4))},
        {"products": np.zeros((5, 5)).T[::-1]},
        {"root": np.zeros(3)},
    ],
)
def test_other_types_and_shapes_are_refused(wrong):
    right = {
        "X": np.zeros((4, 3)),
        "Y": np.zeros((4, 1)),
        "x_shift": np.zeros(3),
        "y_shift": np.zeros(1),
        "products": np.zeros((5, 5)),
        "root": np.ones(4),
    }
    compiled.sum_products(*right.values())
    with pytest.raises(ValueError):
        compiled.sum_products(*(right | wrong).values())


@pytest.mark.parametrize("d", [20, 130])
def test_fits_are_those_of_numpy_where_nothing_is_compiled(d, monkeypatch):
    generator = np.random.default_rng(2)
    X = generator.normal(size=(20_000, d))
    rows = Rows(X, X @ generator.normal(size=(d, 2)) + generator.normal(size=(20_000, 2)), "regression")
    here = moments.sums_of(rows, True)
    monkeypatch.setattr(kernels, "sum_products", plain_gram.sum_products)
    there = moments.sums_of(rows, True)
    assert np.allclose(here[1], there[1], rtol=1e-12, atol=1e-9)
    assert np.allclose(here[2], there[2], rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("order", "CF")
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize(
    "shape, how",
    [
        ((10, 3), {}),
        ((3000, 20), {}),
        ((3000, 20), {"alpha": 1.0}),
        ((3000, 20), {"alpha": 1.0, "l1_ratio": 1.0}),
        ((3000, 20), {"positive": True}),
        ((90, 700), {}),
    ],
)
def test_a_value_that_is_not_finite_is_named_wherever_it_is_met(shape, how, bad, order):
    X = np.random.default_rng(3).normal(size=shape)
    X[7, 2] = bad
    for features in (np.asarray(X, order=order), np.asarray(X, np.float32, order=order)):
        with pytest.raises(ValueError, match=r"column 3, row 8 is (NaN|inf|-inf):"):
            LinearRegression(**how).fit(features, np.arange(len(X)))
