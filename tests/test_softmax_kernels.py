"""Sums that kernels make of rows: those of NumPy, of slopes and of more digits."""

import numpy as np
import pytest

from onelayer import Rows, SoftmaxRegression
from onelayer.losses import CrossEntropy
from onelayer.penalties import Ridge
from onelayer.solvers import kernels
from onelayer.solvers.kernels import plain_moments, plain_softmax
from onelayer.solvers.objective import Objective
from onelayer.solvers.scaling import RowsScaling


def sums_of(function, X, y, weight, c):
    outputs = np.empty((len(X), len(weight)), weight.dtype)
    gradient, products = np.zeros(weight.shape), np.zeros((len(weight), len(weight)))
    loss = function(X, y, weight, c, outputs, gradient, products)
    return loss, outputs, gradient, products


@pytest.mark.parametrize("is_weighted", [False, True])
@pytest.mark.parametrize("shape", [(1, 0, 1), (7, 31, 2), (301, 40, 3), (100, 785, 10), (50, 5, 17)])
@pytest.mark.parametrize("real", ["f4", "f8"])
@pytest.mark.parametrize("stored", ["u1", "f4", "f8"])
def test_softmax_sums_are_those_of_numpy(stored, real, shape, is_weighted):
    (m, d, q), generator = shape, np.random.default_rng(0)
    X = (generator.random((m, d)) * (255 if stored == "u1" else 2)).astype(stored)
    y, c = generator.integers(max(q, 2), size=m), generator.random(m) if is_weighted else None
    weight = np.zeros((q, -(-(d + 1) // 32) * 32), real)
    weight[:, : d + 1] = generator.normal(size=(q, d + 1)) / (100 if stored == "u1" else 1)
    found = sums_of(kernels.softmax_sums, X, y, weight, c)
    precise = sums_of(plain_softmax.softmax_sums, X.astype("f8"), y, weight.astype("f8"), c)
    for value, expected in zip(found, precise, strict=True):
        size = max(1.0, np.abs(expected).max(initial=0))
        np.testing.assert_allclose(value, expected, rtol=0, atol=size * (1e-4 if real == "f4" else 1e-12))


def test_losses_keep_their_digits_where_the_label_is_nearly_certain_or_hopeless():
    X, weight = np.array([[30.0], [-1000.0]]), np.zeros((3, 32))
    weight[:, 0] = 1, 0, 0
    loss, _, gradient, _ = sums_of(kernels.softmax_sums, X[:1], np.array([0]), weight, None)
    assert loss == pytest.approx(2 * np.exp(-30.0), rel=1e-12)
    assert gradient[0, 1] == pytest.approx(-2 * np.exp(-30.0), rel=1e-12)
    loss, *_ = sums_of(kernels.softmax_sums, X[1:], np.array([0]), weight, None)
    assert loss == pytest.approx(1000 + np.log(2), rel=1e-14)


@pytest.mark.parametrize(
    "change", [lambda y: y + 1, lambda y: y - 1, lambda y: y.astype("f8"), lambda y: y[:-1]]
)
def test_softmax_sums_refuse_labels_without_an_output(change):
    X, y, weight = np.ones((4, 3)), np.array([0, 1, 2, 0]), np.zeros((3, 32))
    if kernels.IS_COMPILED:
        with pytest.raises(ValueError, match="argument"):
            sums_of(kernels.softmax_sums, X, change(y), weight, None)


@pytest.mark.parametrize("stored", ["u1", "f4", "f8"])
def test_moments_are_those_of_numpy(stored):
    generator = np.random.default_rng(1)
    X, w = (generator.random((403, 600)) * 200).astype(stored), generator.random(403)
    times, less = 2.0 ** generator.integers(-3, 3, 600), generator.normal(size=600)
    found, expected = (np.zeros(600), np.zeros(600)), (np.zeros(600), np.zeros(600))
    kernels.column_moments(X, w, times, less, *found)
    plain_moments.column_moments(X, w, times, less, *expected)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("unit", [1.0, 1 / 255])
def test_bytes_are_scaled_as_the_numbers_they_stand_for(unit):
    X = np.random.default_rng(2).integers(0, 256, (500, 4)).astype(np.uint8)
    y = np.zeros(500, int)
    found, expected = RowsScaling.of(Rows(X, y, unit=unit)), RowsScaling.of(Rows(X * unit, y))
    np.testing.assert_allclose(found.mean, expected.mean, rtol=1e-14)
    np.testing.assert_allclose(found.scale, expected.scale, rtol=1e-14)


def test_curvature_of_many_outputs_waits_and_is_the_same():
    generator, k = np.random.default_rng(3), 70
    rows = Rows(generator.normal(size=(300, 3)), np.arange(300) % k, "classes", generator.random(300))
    objective = Objective(rows, CrossEntropy(k), Ridge(1.0), RowsScaling.of(rows), True)
    point = objective.at(generator.normal(size=objective.shape), inner=True)
    assert not len(point.inner)
    h = np.exp(objective.outputs_at(point, rows.first()).astype(np.longdouble))
    h /= h.sum(axis=0)
    expected = np.diag((h * rows.c).sum(axis=1)) - (h * rows.c) @ h.T
    np.testing.assert_allclose(objective.spread_at(point), expected.diagonal(), rtol=1e-10)
    np.testing.assert_allclose(objective.inner_at(point), expected.astype(float), atol=1e-12)


def test_many_classes_come_to_the_minimum_from_far_off_curvature():
    generator, q = np.random.default_rng(0), 90
    centres = 3 * generator.normal(size=(q, 8))
    y = np.concatenate([np.arange(q), generator.integers(q, size=2000)])
    X = centres[y] + generator.normal(size=(len(y), 8))
    first, second = (SoftmaxRegression(C=c, tol=1e-8, solver="lbfgs").fit(X, y) for c in (10.0, 10.0))
    assert first.converged_
    assert first.gap_ <= 1e-8 * first.objective_
    np.testing.assert_array_equal(first.coef_, second.coef_)
