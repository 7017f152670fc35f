"""Standardising changes the units and nothing else."""

import hypothesis.strategies as st
import numpy as np
from hypothesis import given

from onelayer.data import Rows
from onelayer.data.scaling import TableScaling


def rows(seed: int, n: int = 50, d: int = 3, scale: float = 1.0) -> Rows:
    X = np.random.default_rng(seed).normal(7, 1, (n, d)) * scale
    return Rows(X, 3 * X.sum(axis=1) - 5, "regression")


def test_standard_units_have_mean_0_and_variance_1():
    standard = TableScaling(rows(0)).apply(rows(0), np.float64)
    for values in (standard.X, standard.y):
        np.testing.assert_allclose(values.mean(axis=0), 0, atol=1e-12)
        np.testing.assert_allclose(values.var(axis=0), 1)


@given(st.integers(0, 1000), st.sampled_from([1e-6, 1.0, 1e6]))
def test_unscaled_weights_predict_in_the_users_units(seed, scale):
    raw = rows(seed, scale=scale)
    scaling = TableScaling(raw)
    standard = scaling.apply(raw, np.float64)
    generator = np.random.default_rng(seed)
    weight, bias = generator.normal(size=(1, 3)), generator.normal(size=1)
    expected = (standard.X @ weight.T + bias) * scaling.target.scale + scaling.target.mean
    raw_weight, raw_bias = scaling.target.output_to_user(*scaling.features.input_to_user(weight, bias))
    np.testing.assert_allclose(raw.X @ raw_weight.T + raw_bias, expected, rtol=1e-9)
    again, bias_again = scaling.features.input_to_standard(*scaling.features.input_to_user(weight, bias))
    np.testing.assert_allclose(again, weight, rtol=1e-9)
    np.testing.assert_allclose(bias_again, bias, rtol=1e-9, atol=1e-9)


def test_missing_values_become_the_mean_of_the_others():
    raw = Rows([[1.0, 5.0], [np.nan, 6.0], [3.0, 10.0]], np.zeros(3))
    scaling = TableScaling(raw)
    assert scaling.features.mean.tolist() == [2.0, 7.0]
    assert scaling.apply(raw, np.float32).X[1, 0] == 0


def test_a_constant_feature_gets_weight_0():
    """The mean of 0.1 repeated has a rounding error in most orders of addition."""
    raw = Rows(np.c_[np.full(10_001, 0.1), np.arange(10_001)], np.zeros(10_001))
    scaling = TableScaling(raw)
    assert not scaling.apply(raw, np.float32).X[:, 0].any()
    weight, _ = scaling.features.input_to_user(np.ones((1, 2)), np.ones(1))
    assert weight[0, 0] == 0
