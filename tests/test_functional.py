"""Losses equal their closed forms, and each gradient equals finite differences of its loss."""

import math

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given
from hypothesis.extra import numpy as hnp

from conftest import central_difference
from onelayer import functional

LOGITS = torch.tensor([[1.0, 2.0, 3.0], [0.0, 0.0, 0.0], [-5.0, 4.0, 0.5]], dtype=torch.float64)
LABELS = torch.tensor([2, 0, 1])
finite_logits = hnp.arrays("float64", (4, 3), elements=st.floats(-50, 50))


def test_softmax_of_a_row_worked_out_by_hand():
    denominator = math.e + math.e**2 + math.e**3
    expected = [math.e / denominator, math.e**2 / denominator, math.e**3 / denominator]
    assert functional.softmax(LOGITS)[0].tolist() == pytest.approx(expected, rel=1e-12)
    assert functional.softmax(LOGITS)[1].tolist() == pytest.approx([1 / 3] * 3, rel=1e-12)


@given(finite_logits, st.floats(-100, 100))
def test_softmax_is_a_distribution_keeps_the_order_and_ignores_a_shift(values, shift):
    logits = torch.from_numpy(values)
    p = functional.softmax(logits)
    assert (p >= 0).all()
    assert torch.allclose(p.sum(dim=1), torch.ones(4, dtype=torch.float64), atol=1e-12)
    order = logits.argsort(dim=1)
    assert (p.gather(1, order).diff(dim=1) >= 0).all()
    assert torch.allclose(functional.softmax(logits + shift), p, atol=1e-10)


def test_softmax_and_cross_entropy_do_not_overflow():
    logits = torch.tensor([[1000.0, 0.0, -1000.0]])
    assert functional.softmax(logits).tolist() == [[1.0, 0.0, 0.0]]
    assert functional.cross_entropy(logits, torch.tensor([1])).item() == 1000.0


def test_minibatch_equals_row_by_row():
    rows = torch.stack([functional.softmax(row.unsqueeze(0))[0] for row in LOGITS])
    assert torch.equal(functional.softmax(LOGITS), rows)


def test_one_hot_of_cat_chicken_dog():
    assert functional.one_hot(torch.tensor([0, 1, 2]), 3).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1]]
    with pytest.raises(ValueError, match="0 to 2"):
        functional.one_hot(torch.tensor([3]), 3)


def test_cross_entropy_keeps_one_term_of_the_sum_over_classes():
    one_hot = functional.one_hot(LABELS, 3)
    full_sum = -(one_hot * functional.softmax(LOGITS).log()).sum(dim=1)
    assert torch.allclose(functional.cross_entropy(LOGITS, LABELS, "none"), full_sum)
    assert (full_sum >= 0).all()
    assert functional.cross_entropy(LOGITS[1:2], LABELS[1:2]).item() == pytest.approx(math.log(3))


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_cross_entropy_equals_pytorchs(reduction):
    expected = torch.nn.functional.cross_entropy(LOGITS, LABELS, reduction=reduction)
    assert torch.allclose(functional.cross_entropy(LOGITS, LABELS, reduction), expected)


def test_cross_entropy_gradient_is_softmax_minus_one_hot():
    numeric = central_difference(lambda o: functional.cross_entropy(o, LABELS, "sum"), LOGITS)
    assert torch.allclose(functional.cross_entropy_gradient(LOGITS, LABELS), numeric, atol=1e-8)


def test_cross_entropy_hessian_is_diag_p_minus_p_p():
    for row, hessian in zip(LOGITS, functional.cross_entropy_hessian(LOGITS), strict=True):
        for j in range(3):
            numeric = central_difference(
                lambda o, j=j: functional.cross_entropy_gradient(o.unsqueeze(0), LABELS[:1])[0, j], row
            )
            assert torch.allclose(hessian[j], numeric, atol=1e-6)


PREDICTION = torch.tensor([[2.5], [-1.0], [0.3], [4.0]], dtype=torch.float64)
TARGET = torch.tensor([[2.0], [1.0], [0.1], [0.5]], dtype=torch.float64)


@pytest.mark.parametrize(
    ("loss", "gradient", "expected"),
    [
        (functional.squared_loss, functional.squared_loss_gradient, [0.125, 2.0, 0.02, 6.125]),
        (functional.absolute_loss, functional.absolute_loss_gradient, [0.5, 2.0, 0.2, 3.5]),
        (functional.huber_loss, functional.huber_loss_gradient, [0.125, 1.5, 0.02, 3.0]),
    ],
)
def test_regression_losses_by_hand_and_their_gradients(loss, gradient, expected):
    assert loss(PREDICTION, TARGET).flatten().tolist() == pytest.approx(expected)
    numeric = central_difference(lambda p: loss(p, TARGET, reduction="sum"), PREDICTION)
    assert torch.allclose(gradient(PREDICTION, TARGET), numeric, atol=1e-8)
    assert loss(PREDICTION, TARGET, reduction="mean").item() == pytest.approx(sum(expected) / 4)


def test_huber_equals_pytorchs():
    expected = torch.nn.functional.huber_loss(PREDICTION, TARGET, delta=0.7, reduction="none")
    assert torch.allclose(functional.huber_loss(PREDICTION, TARGET, delta=0.7), expected)


def test_shapes_that_would_broadcast_are_refused():
    with pytest.raises(ValueError, match=r"\(4, 1\) and target \(4,\)"):
        functional.squared_loss(PREDICTION, TARGET.flatten())


def test_normal_density_at_the_mean_and_its_integral():
    at_mean = functional.normal_density(torch.tensor([3.0]), 3.0, 2.0).item()
    assert at_mean == pytest.approx(1 / (2 * math.sqrt(2 * math.pi)), rel=1e-6)
    x = torch.linspace(-20, 26, 20001, dtype=torch.float64)
    assert torch.trapezoid(functional.normal_density(x, 3.0, 2.0), x).item() == pytest.approx(1, abs=1e-12)
    with pytest.raises(ValueError, match="positive"):
        functional.normal_density(x, 0.0, 0.0)


def test_log_likelihood_equals_pytorchs_and_peaks_where_squares_are_least():
    normal = torch.distributions.Normal(PREDICTION, 1.5)
    assert functional.normal_log_likelihood(PREDICTION, TARGET, 1.5).item() == pytest.approx(
        normal.log_prob(TARGET).sum().item()
    )
    shifts = torch.linspace(-3, 3, 601, dtype=torch.float64)
    likelihood = [functional.normal_log_likelihood(PREDICTION + s, TARGET, 1.5).item() for s in shifts]
    squares = [functional.squared_loss(PREDICTION + s, TARGET, "sum").item() for s in shifts]
    assert likelihood.index(max(likelihood)) == squares.index(min(squares))


def test_maximum_likelihood_sigma_is_the_root_mean_squared_residual():
    best = (TARGET - PREDICTION).square().mean().sqrt().item()
    likelihood = {
        scale: functional.normal_log_likelihood(PREDICTION, TARGET, best * scale).item()
        for scale in (0.9, 0.99, 1.0, 1.01, 1.1)
    }
    assert max(likelihood, key=likelihood.get) == 1.0


def test_unknown_reduction():
    with pytest.raises(ValueError, match="'median'"):
        functional.squared_loss(TARGET, TARGET, reduction="median")
