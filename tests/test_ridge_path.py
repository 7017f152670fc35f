"""Leave-one-out and K-fold errors of ridge regression against models that are fitted without the rows."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import RidgeCV
from sklearn.model_selection import KFold, ShuffleSplit

from onelayer import OneLayerError
from onelayer.data.rows import Rows
from onelayer.solvers.direct import least_squares
from onelayer.solvers.ridge_folds import fold_errors
from onelayer.solvers.ridge_path import leave_one_out

ALPHAS = np.geomspace(1e-4, 1e4, 4)
SHAPES = [(205, 2), (30, 4), (30, 1), (25, 24), (24, 25), (20, 60), (2, 3)]


def problem(n, d, q=1, seed=0, weighted=True):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d)) + 2
    Y = X[:, :3].sum(axis=1, keepdims=True) + generator.normal(size=(n, q))
    return X, Y, generator.uniform(0.1, 3, n) if weighted else None


def brute_force(X, Y, c, alphas, fit_intercept):
    """Return the mean of each row's squared error by the model without it, and the standard error of the mean."""
    c = np.ones(len(X)) if c is None else c
    squares = np.zeros((len(alphas), len(X)))
    for a, alpha in enumerate(alphas):
        for i in range(len(X)):
            rest = np.arange(len(X)) != i
            fit = least_squares(Rows(X[rest], Y[rest], "regression", c[rest]), alpha, fit_intercept)
            squares[a, i] = np.square(Y[i] - fit.weight @ X[i] - fit.bias).mean()
    mean = squares @ c / c.sum()
    return mean, np.sqrt(np.square(squares - mean[:, None]) @ c / c.sum() / (len(X) - 1))


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("q", [1, 2])
@pytest.mark.parametrize(("n", "d"), SHAPES)
def test_errors_are_those_of_models_without_the_row(n, d, q, intercept, weighted):
    X, Y, c = problem(n, d, q, weighted=weighted)
    found = leave_one_out(Rows(X, Y, "regression", c), ALPHAS, intercept)
    error, standard_error = brute_force(X, Y, c, ALPHAS, intercept)
    np.testing.assert_allclose(found.error, error, rtol=1e-9)
    np.testing.assert_allclose(found.standard_error, standard_error, rtol=1e-7, atol=1e-7 * error.max())
    for alpha, weight, bias in zip(ALPHAS, found.path.weight, found.path.bias, strict=True):
        fit = least_squares(Rows(X, Y, "regression", c), alpha, intercept)
        np.testing.assert_allclose(weight, fit.weight, rtol=1e-8, atol=1e-12)
        np.testing.assert_allclose(bias, fit.bias, rtol=1e-8, atol=1e-12)


@pytest.mark.parametrize("unit", [1e-9, 1e9])
@pytest.mark.parametrize(("n", "d"), [(300, 4), (30, 4), (20, 60)])
def test_units_and_distance_from_0_cost_no_digits(n, d, unit):
    X, Y, c = problem(n, d)
    alphas = ALPHAS * unit**2
    plain = leave_one_out(Rows(X, Y, "regression", c), ALPHAS)
    scaled = leave_one_out(Rows(X * unit, Y * unit, "regression", c), alphas)
    np.testing.assert_allclose(scaled.error, plain.error * unit**2, rtol=1e-9)
    far = np.rint(X * 2**20) / 2**20 + 2.0**27  # exact in float64
    near = leave_one_out(Rows(far - 2.0**27, Y, "regression", c), ALPHAS)
    np.testing.assert_allclose(
        leave_one_out(Rows(far, Y, "regression", c), ALPHAS).error, near.error, rtol=1e-6
    )


@pytest.mark.parametrize("n", [40, 1100])
def test_dependent_features_of_many_units(n):
    """Products of these features have no digits of the smallest ones: they are left out one by one, or unsquared."""
    X, Y, c = problem(n, 4)
    X = np.column_stack([X, X[:, 0] - X[:, 1], np.ones(n)]) * [1, 1e5, 1e-2, 1, 1, 1]
    alphas = np.array([1e-6, 1e-2, 1e3])
    found = leave_one_out(Rows(X, Y, "regression", c), alphas)
    rows = np.arange(n) if n < 100 else np.arange(0)
    if len(rows):
        np.testing.assert_allclose(found.error, brute_force(X, Y, c, alphas, True)[0], rtol=1e-7)
    else:  # leverages by a pseudoinverse of rows with the penalty's below them
        for alpha, error in zip(alphas, found.error, strict=True):
            Z = np.column_stack([X - np.average(X, axis=0, weights=c), np.ones(n)]) * np.sqrt(c)[:, None]
            below = np.column_stack([np.eye(6) * np.sqrt(alpha), np.zeros(6)])
            Q, _ = np.linalg.qr(np.vstack([Z, below]) / [1, 1e5, 1e-2, 1, 1, 1, 1])
            V = np.sqrt(c)[:, None] * Y
            left_out = (V - Q[:n] @ (Q[:n].T @ V))[:, 0] / (1 - np.square(Q[:n]).sum(axis=1))
            assert error == pytest.approx(np.square(left_out).sum() / c.sum(), rel=1e-7)


def test_forms_of_rows_agree():
    X, Y, c = problem(60, 5)
    X[X < 1.5] = 0
    c[::7] = 0
    offset = np.random.default_rng(1).normal(size=60)
    dense = leave_one_out(Rows(X, Y, "regression", c), ALPHAS)
    for rows in (
        Rows(sparse.csr_array(X), Y, "regression", c),
        Rows(X[c > 0], Y[c > 0], "regression", 1e200 * c[c > 0]),
        Rows(X, Y + offset[:, None], "regression", c, offset=offset),
    ):
        is_scaled = rows.c.max() > 1e100
        found = leave_one_out(rows, ALPHAS * (1e200 if is_scaled else 1))
        np.testing.assert_allclose(found.error, dense.error, rtol=1e-9)
        np.testing.assert_allclose(found.path.weight, dense.path.weight, rtol=1e-9)


def test_several_blocks_and_shares():
    X, Y, c = problem(20_000, 3, 2)
    found = leave_one_out(Rows(X, Y, "regression", c), ALPHAS)
    Z = np.column_stack([X - np.average(X, axis=0, weights=c), np.ones(20_000)]) * np.sqrt(c)[:, None]
    for alpha, error in zip(ALPHAS, found.error, strict=True):
        inverse = np.linalg.inv(Z.T @ Z + alpha * np.diag([1, 1, 1, 0]))
        V = np.sqrt(c)[:, None] * Y
        rest = 1 - ((Z @ inverse) * Z).sum(axis=1)
        left_out = (V - Z @ (inverse @ (Z.T @ V))) / rest[:, None]
        assert error == pytest.approx(np.square(left_out).sum() / 2 / c.sum(), rel=1e-10)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize(("n", "d"), SHAPES[:-1])
def test_scikit_learn_has_the_same_curve(n, d, weighted):
    X, Y, c = problem(n, d, weighted=weighted)
    theirs = RidgeCV(ALPHAS, store_cv_results=True).fit(X, Y[:, 0], c)
    found = leave_one_out(Rows(X, Y, "regression", c), ALPHAS)
    total = n if c is None else c.sum()
    np.testing.assert_allclose(found.error, theirs.cv_results_.sum(axis=0) / total, rtol=1e-6)
    assert ALPHAS[found.error.argmin()] == theirs.alpha_


def test_what_is_refused():
    X, Y, _ = problem(5, 2)
    with pytest.raises(OneLayerError, match="above 0"):
        leave_one_out(Rows(X, Y), np.array([0.0, 1.0]))
    with pytest.raises(OneLayerError, match="two rows"):
        leave_one_out(Rows(X, Y, c=[0, 1, 0, 0, 0]), ALPHAS)


# Folds


def fold_by_fold(X, Y, c, splits, alphas, fit_intercept):
    """Return the mean squared errors (a, K) of models that are fitted to each training set."""
    c = np.ones(len(X)) if c is None else c
    errors = np.zeros((len(alphas), len(splits)))
    for k, (train, test) in enumerate(splits):
        for a, alpha in enumerate(alphas):
            fit = least_squares(Rows(X[train], Y[train], "regression", c[train]), alpha, fit_intercept)
            squares = np.square(Y[test] - X[test] @ fit.weight.T - fit.bias).mean(axis=1)
            errors[a, k] = squares @ c[test] / c[test].sum()
    return errors


SPLITTERS = [KFold(3), KFold(5, shuffle=True, random_state=0), ShuffleSplit(3, test_size=0.2, random_state=0)]


@pytest.mark.parametrize("splitter", SPLITTERS, ids=lambda s: type(s).__name__)
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize(("n", "d", "q"), [(40, 4, 1), (40, 4, 2), (30, 50, 2), (20, 600, 1)])
def test_folds_are_those_of_models_of_the_other_folds(n, d, q, intercept, weighted, splitter):
    X, Y, c = problem(n, d, q, weighted=weighted)
    splits = list(splitter.split(X))
    found = fold_errors(Rows(X, Y, "regression", c), splits, ALPHAS, intercept).errors
    np.testing.assert_allclose(found, fold_by_fold(X, Y, c, splits, ALPHAS, intercept), rtol=1e-9)
    path = fold_errors(Rows(X, Y, "regression", c), splits, ALPHAS, intercept).path
    fit = least_squares(Rows(X, Y, "regression", c), ALPHAS[1], intercept)
    np.testing.assert_allclose(path.weight[1], fit.weight, rtol=1e-7, atol=1e-12)
    if d < 600:
        sparse_rows = Rows(sparse.csr_array(X), Y, "regression", c)
        np.testing.assert_allclose(
            fold_errors(sparse_rows, splits, ALPHAS, intercept).errors, found, rtol=1e-9
        )


@pytest.mark.parametrize("d", [4, 60])
def test_a_fold_of_huge_rows_costs_the_others_no_digits(d):
    """Taken away from the sums of all rows, that fold would leave nothing but rounding."""
    X, Y, c = problem(40, d)
    X[:8] *= 2.0**30
    Y[:8] *= 2.0**30
    splits = list(KFold(5).split(X))
    found = fold_errors(Rows(X, Y, "regression", c), splits, ALPHAS[2:]).errors
    np.testing.assert_allclose(found[:, 0], fold_by_fold(X, Y, c, splits, ALPHAS[2:], True)[:, 0], rtol=1e-8)


def test_constant_columns_weights_of_0_and_a_fold_without_any():
    X, Y, c = problem(40, 4)
    X[:, 1] = 5
    X[8:16, 2] = 0
    c[3] = 0
    splits = list(KFold(5).split(X))
    expected = fold_by_fold(X, Y, c, splits, ALPHAS, True)
    np.testing.assert_allclose(
        fold_errors(Rows(X, Y, "regression", c), splits, ALPHAS).errors, expected, rtol=1e-9
    )
    c[:8] = 0
    found = fold_errors(Rows(X, Y, "regression", c), splits, ALPHAS).errors
    assert (found[:, 0] == 0).all() and (found[:, 1:] > 0).all()
    c[:] = 0
    with pytest.raises(OneLayerError, match="fewer folds"):
        fold_errors(Rows(X, Y, "regression", c), splits, ALPHAS)


def test_folds_without_penalty_and_with_dependent_columns():
    X, Y, c = problem(40, 3)
    X = np.column_stack([X, X[:, 0] + X[:, 1]])
    splits = list(KFold(4).split(X))
    alphas = np.array([0.0, 1e-9, 1.0])
    found = fold_errors(Rows(X, Y, "regression", c), splits, alphas).errors
    np.testing.assert_allclose(found, fold_by_fold(X, Y, c, splits, alphas, True), rtol=1e-9)
