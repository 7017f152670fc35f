"""Networks compute what their formulas say, with the parameters that the book counts."""

import pytest
import torch

from onelayer import models


def test_parameters_of_four_inputs_and_three_outputs():
    model = models.softmax_regression(4, 3)
    assert model.weight.shape == (3, 4) and model.bias.shape == (3,)
    assert model.weight.numel() == 12 and model.bias.numel() == 3
    assert models.parameter_count(model) == 15


def test_linear_regression_is_the_weighted_sum_of_its_features():
    model = models.linear_regression(2)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[2.0, -3.4]]))
        model.bias.fill_(4.2)
    X = torch.tensor([[1.0, 2.0], [0.5, -1.0], [0.0, 0.0]])
    by_row = [[2.0 * x1 - 3.4 * x2 + 4.2] for x1, x2 in X.tolist()]
    assert torch.allclose(model(X), torch.tensor(by_row))


def test_weights_start_small_biases_at_zero_and_only_the_seed_matters():
    torch.manual_seed(1)
    first = models.softmax_regression(784, 10, seed=3)
    torch.manual_seed(2)
    again = models.softmax_regression(784, 10, seed=3)
    assert torch.equal(first.weight, again.weight)
    assert not torch.equal(first.weight, models.softmax_regression(784, 10, seed=4).weight)
    assert first.weight.std().item() == pytest.approx(0.01, rel=0.05)
    assert not first.bias.any()


def test_building_a_model_leaves_the_global_generator_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    models.mlp(4, 3, 2)
    assert torch.equal(torch.rand(3), expected)


def test_mlp_is_two_affine_maps_with_relu_between():
    model = models.mlp(4, 5, 3)
    X = torch.randn(7, 4, generator=torch.Generator().manual_seed(0))
    hidden = (X @ model.fc1.weight.T + model.fc1.bias).clamp(min=0)
    assert torch.allclose(model(X), hidden @ model.fc2.weight.T + model.fc2.bias)
    assert models.parameter_count(models.mlp(784, 256, 10)) == 784 * 256 + 256 + 256 * 10 + 10


@pytest.mark.parametrize("n", [1, 2, 3, 6])
def test_phm_weight_is_a_sum_of_kronecker_products(n):
    layer = models.phm(12, 6, n)
    with torch.no_grad():
        layer.A.normal_(generator=torch.Generator().manual_seed(0))
        expected = sum(torch.kron(A, S) for A, S in zip(layer.A, layer.S, strict=True))
        assert layer.weight.shape == (6, 12)
        assert torch.allclose(layer.weight, expected, atol=1e-6)
        X = torch.randn(5, 12, generator=torch.Generator().manual_seed(1))
        assert torch.allclose(layer(X), X @ expected.T + layer.bias, atol=1e-6)


def test_phm_parameters_fall_as_one_over_n():
    for n in (1, 2, 3, 6):
        assert models.parameter_count(models.phm(1200, 600, n)) == n**3 + 1200 * 600 // n + 600


def test_phm_of_sizes_that_n_does_not_divide():
    layer = models.phm(784, 10, 4)
    assert layer.weight.shape == (10, 784)
    assert models.parameter_count(layer) == 4**3 + 4 * 3 * 196 + 10


def test_phm_starts_with_each_block_one_of_its_parts():
    layer = models.phm(4, 4, 2)
    S0, S1 = layer.S.detach()
    expected = torch.cat([torch.cat([S0, S1], dim=1), torch.cat([S1, S0], dim=1)])
    assert torch.equal(layer.weight.detach(), expected)


def test_phm_refuses_an_n_beyond_its_sizes():
    with pytest.raises(ValueError, match="1 to 12"):
        models.phm(12, 6, 13)
