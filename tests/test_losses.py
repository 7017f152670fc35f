"""Losses and penalties of the solvers: against the book's losses on tensors, and by differences."""

import numpy as np
import pytest
import torch

from onelayer import functional
from onelayer.losses import CrossEntropy, Squared, coupled_curvature, own_curvature
from onelayer.penalties import Ridge


def outputs_and_labels(q, m=50, size=3.0):
    generator = np.random.default_rng(q)
    labels = generator.integers(0, q, m)
    return size * generator.normal(size=(1 if q == 2 else q, m)), labels


def curvature(loss, outputs, y):
    """The Hessian (m, k, k) that h stands for."""
    h = loss.at(outputs, y)[2].T
    diagonal = np.einsum("mk,kj->mkj", h, np.eye(len(outputs)))
    return diagonal - h[:, :, None] * h[:, None, :] if loss.is_coupled else diagonal


@pytest.mark.parametrize("q", [2, 3, 5])
def test_cross_entropy_is_that_of_the_book(q):
    outputs, labels = outputs_and_labels(q)
    loss = CrossEntropy(q)
    losses, gradient, _ = loss.at(outputs, labels)
    logits = torch.as_tensor(np.vstack([np.zeros(50), outputs]) if q == 2 else outputs).T
    y = torch.as_tensor(labels)
    own = slice(1, None) if q == 2 else slice(None)
    np.testing.assert_allclose(losses, functional.cross_entropy(logits, y, "none"))
    np.testing.assert_allclose(gradient.T, functional.cross_entropy_gradient(logits, y)[:, own], atol=1e-15)
    hessian = functional.cross_entropy_hessian(logits)[:, own, own]
    np.testing.assert_allclose(curvature(loss, outputs, labels), hessian, atol=1e-15)


@pytest.mark.parametrize(
    "loss", [Squared(3), CrossEntropy(2), CrossEntropy(4), CrossEntropy(2, is_single=False)]
)
def test_derivatives_by_differences(loss):
    generator = np.random.default_rng(0)
    k = loss.n_outputs
    y = generator.normal(size=(20, k)) if isinstance(loss, Squared) else generator.integers(0, max(k, 2), 20)
    outputs, change = generator.normal(size=(2, k, 20))
    steps = [loss.at(outputs + t * change, y) for t in (-1e-4, 0, 1e-4)]
    slope = (steps[1][1] * change).sum(axis=0)
    np.testing.assert_allclose((steps[2][0] - steps[0][0]) / 2e-4, slope, rtol=1e-5, atol=1e-8)
    second = np.einsum("ki,ikj,ji->i", change, curvature(loss, outputs, y), change)
    slopes = [(step[1] * change).sum(axis=0) for step in steps]
    np.testing.assert_allclose((slopes[2] - slopes[0]) / 2e-4, second, rtol=1e-5, atol=1e-8)
    assert (np.linalg.norm(steps[1][1], axis=0) <= loss.steepness).all()


@pytest.mark.parametrize("q", [2, 3])
def test_the_third_derivative_is_bounded_by_the_second(q):
    """What the bound of the gap rests on, on random lines through random outputs."""
    loss, h = CrossEntropy(q), 1e-3
    for seed in range(20):
        generator = np.random.default_rng(seed)
        outputs, labels = outputs_and_labels(q, size=generator.choice([0.1, 1, 5]))
        change = generator.normal(size=outputs.shape)

        def second(t, outputs=outputs, change=change, labels=labels):
            return np.einsum("ki,ikj,ji->i", change, curvature(loss, outputs + t * change, labels), change)

        third = np.abs(second(h) - second(-h)) / (2 * h)
        assert (third <= loss.skewness * np.linalg.norm(change, axis=0) * second(0) * 1.001 + 1e-9).all()


def test_digits_hold_where_a_loss_is_tiny_or_huge():
    far = np.array([[0.0, 0, 0], [60, 800, -800]])
    two, single = CrossEntropy(2, is_single=False), CrossEntropy(2)
    for labels, expected in ((np.ones(3, int), [np.exp(-60), 0, 800]), (np.zeros(3, int), [60, 800, 0])):
        for losses, gradient, _ in (two.at(far, labels), single.at(far[1:], labels)):
            np.testing.assert_allclose(losses, expected, rtol=1e-14)
            np.testing.assert_allclose(np.abs(gradient[-1]), -np.expm1(-np.array(expected)), rtol=1e-14)


def test_curvature_keeps_its_digits_where_a_class_is_nearly_certain():
    outputs = np.array([[0.0], [-60.0], [-90.0]])
    second, third = np.exp(-60.0), np.exp(-90.0)  # of their squares no digit counts
    _, _, h = CrossEntropy(3).at(outputs, np.array([1]))
    np.testing.assert_allclose(own_curvature(h)[:, 0], [second + third, second, third], rtol=1e-13)
    expected = [[second + third, -second, -third], [-second, second, 0], [-third, 0, third]]
    np.testing.assert_allclose(coupled_curvature(h @ h.T), expected, rtol=1e-13, atol=second * third * 1.001)


def test_a_ridge_is_per_column_and_in_the_users_units():
    W = np.array([[1.0, 2.0], [3.0, 4.0]])
    assert Ridge(2.0).value(W) == pytest.approx(30) and Ridge(np.array([2.0, 0])).value(W) == pytest.approx(
        10
    )
    assert Ridge(0.0).value(W * 1e200) == 0
    assert Ridge(3.0).times_power(-1).columns(2).tolist() == [1.5, 1.5]
