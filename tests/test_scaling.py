"""Standardising changes the units and nothing else."""

import hypothesis.strategies as st
import torch
from hypothesis import given

from onelayer.data import Rows
from onelayer.data.scaling import Standardizer

NAN = float("nan")


def rows(seed: int, n: int = 50, d: int = 3, scale: float = 1.0) -> Rows:
    generator = torch.Generator().manual_seed(seed)
    X = torch.randn(n, d, generator=generator, dtype=torch.float64) * scale + 7 * scale
    return Rows(X, X @ torch.ones(d, 1, dtype=torch.float64) * 3 - 5)


def test_standard_units_have_mean_0_and_variance_1():
    standard = Standardizer.fit(rows(0)).transform(rows(0), torch.float64)
    for values in (standard.X, standard.y):
        assert torch.allclose(values.mean(dim=0), torch.zeros(values.shape[1]).double(), atol=1e-12)
        assert torch.allclose(values.var(dim=0, correction=0), torch.ones(values.shape[1]).double())


@given(st.integers(0, 1000), st.sampled_from([1e-6, 1.0, 1e6]))
def test_unscaled_weights_predict_in_the_users_units(seed, scale):
    raw = rows(seed, scale=scale)
    scaler = Standardizer.fit(raw)
    standard = scaler.transform(raw, torch.float64)
    generator = torch.Generator().manual_seed(seed)
    weight = torch.randn(1, 3, generator=generator, dtype=torch.float64)
    bias = torch.randn(1, generator=generator, dtype=torch.float64)
    expected = (standard.X @ weight.T + bias) * scaler.target_std + scaler.target_mean
    raw_weight, raw_bias = scaler.unscale_output(*scaler.unscale_input(weight, bias))
    assert torch.allclose(raw.X @ raw_weight.T + raw_bias, expected, rtol=1e-9)


def test_missing_values_become_the_mean_of_the_others():
    raw = Rows(torch.tensor([[1.0, 5.0], [NAN, 6.0], [3.0, 10.0]]).double(), torch.zeros(3, 1).double())
    scaler = Standardizer.fit(raw)
    assert scaler.mean.tolist() == [2.0, 7.0]
    assert scaler.transform(raw, torch.float32).X[1, 0] == 0


def test_a_constant_feature_gets_weight_0():
    raw = Rows(torch.tensor([[0.1, 1.0]] * 3 + [[0.1, 2.0]]).double(), torch.zeros(4, 1).double())
    scaler = Standardizer.fit(raw)
    assert scaler.transform(raw, torch.float32).X[:, 0].tolist() == [0.0] * 4
    weight, _ = scaler.unscale_input(torch.ones(1, 2), torch.ones(1))
    assert weight[0, 0] == 0
