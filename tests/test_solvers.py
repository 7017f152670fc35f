"""The three ways give the same numbers; the exact solver gives the exact ones; 2/λ_max is the limit."""

import copy

import numpy as np
import pytest
import torch
from torch import nn

from onelayer import fashion_mnist, models, synthetic
from onelayer.data import PIXEL_UNIT, Rows
from onelayer.functional import cross_entropy, squared_loss
from onelayer.solvers import concise
from onelayer.solvers.batches import Batches, epoch_order
from onelayer.solvers.direct import least_squares
from onelayer.solvers.fused import train_epoch
from onelayer.solvers.stability import largest_stable_lr
from onelayer.training import WAYS, fit


def random_rows(kind: str, n: int = 101, d: int = 5, q: int = 3, c: np.ndarray | None = None) -> Rows:
    generator = np.random.default_rng(0)
    X = generator.normal(size=(n, d)).astype(np.float32)
    if kind == "bytes to classes":
        X = generator.integers(0, 256, (n, d), dtype=np.uint8)
    unit = PIXEL_UNIT if kind == "bytes to classes" else 1.0
    if kind == "floats to numbers":
        return Rows(X, generator.normal(size=(n, q)), "regression", c, unit)
    return Rows(X, generator.integers(0, q, n), "classes", c, unit)


def mean_loss(outputs: torch.Tensor, y: torch.Tensor, c: torch.Tensor | None = None) -> torch.Tensor:
    """Cross-entropy for labels (n,), or ½(ŷ − y)² summed over the outputs for numbers (n, q)."""
    losses = cross_entropy(outputs, y, "none") if y.ndim == 1 else squared_loss(outputs, y).sum(dim=1)
    return losses.mean() if c is None else (c * losses).mean()


KINDS = ["bytes to classes", "floats to classes", "floats to numbers"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("batch_size", [1, 10, 101, 1000])
def test_a_fused_epoch_equals_autograd_in_float64(kind, batch_size):
    """101 rows: the last batch of 10 has one row."""
    rows = Batches.of(random_rows(kind), dtype=torch.float32)
    fused = models.softmax_regression(5, 3)
    order = epoch_order(101, seed=0, epoch=1)
    found = train_epoch(fused, rows, order, batch_size, lr=0.2)

    exact = models.softmax_regression(5, 3).double()
    X = (rows.X / 255 if rows.X.dtype == torch.uint8 else rows.X).double()
    y = rows.y if rows.are_classes else rows.y.double()
    loss_sum = correct = 0.0
    for index in order.split(batch_size):
        outputs = exact(X[index])
        loss = mean_loss(outputs, y[index])
        gradients = torch.autograd.grad(loss, [exact.weight, exact.bias])
        with torch.no_grad():
            for parameter, gradient in zip(exact.parameters(), gradients, strict=True):
                parameter -= 0.2 * gradient
        loss_sum += loss.item() * len(index)
        if rows.are_classes:
            correct += (outputs.argmax(dim=1) == y[index]).sum().item()
    assert torch.allclose(fused.weight.double(), exact.weight, atol=1e-5)
    assert torch.allclose(fused.bias.double(), exact.bias, atol=1e-5)
    assert found.loss == pytest.approx(loss_sum / 101, rel=1e-5)
    assert found.accuracy == (correct / 101 if rows.are_classes else None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("bias", [True, False])
def test_row_weights_and_the_penalty_in_a_fused_epoch_equal_autograd_in_float64(kind, bias):
    generator = torch.Generator().manual_seed(1)
    c, penalty = torch.rand(101, generator=generator), torch.rand(5, generator=generator)
    rows = Batches.of(random_rows(kind, c=c.numpy()))
    c = c.double() / c.double().mean()
    fused = nn.Linear(5, 3, bias=bias)
    exact = copy.deepcopy(fused).double()
    order = epoch_order(101, seed=0, epoch=1)
    found = train_epoch(fused, rows, order, 8, 0.2, penalty=penalty)

    losses = []
    for index in order.split(8):
        X, y = rows.batch(index)
        loss = mean_loss(exact(X.double()), y if rows.are_classes else y.double(), c[index])
        gradients = torch.autograd.grad(loss, list(exact.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(exact.parameters(), gradients, strict=True):
                parameter -= 0.2 * gradient
            exact.weight /= 1 + 0.2 * penalty
        losses.append(loss.item() * len(index))
    for ours, other in zip(fused.parameters(), exact.parameters(), strict=True):
        assert torch.allclose(ours.double(), other, atol=1e-5)
    assert found.loss == pytest.approx(sum(losses) / 101, rel=1e-5)


def test_three_ways_agree_on_fashion_mnist_after_three_epochs():
    data = fashion_mnist()
    fits, weights = {}, {}
    for way in WAYS:
        model = models.softmax_regression(784, 10)
        fits[way] = fit(model, data.train, data.test, way=way, epochs=3)
        weights[way] = torch.cat([model.weight.detach().flatten(), model.bias.detach()])
    for way in ("scratch", "concise"):
        assert (weights[way] - weights["fused"]).abs().max() < 1e-5
        for ours, fused in zip(fits[way].epochs, fits["fused"].epochs, strict=True):
            for measure in ("train_loss", "train_accuracy", "held_out_loss", "held_out_accuracy"):
                assert getattr(ours, measure) == pytest.approx(getattr(fused, measure), abs=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_three_ways_agree_on_small_data_too(kind):
    rows = random_rows(kind)
    results = {}
    for way in WAYS:
        model = models.softmax_regression(5, 3, seed=1)
        history = fit(model, rows, way=way, epochs=5, batch_size=8).epochs
        results[way] = (model.weight.detach(), history[-1].train_loss)
    for way in ("scratch", "concise"):
        assert torch.allclose(results[way][0], results["fused"][0], atol=1e-5)
        assert results[way][1] == pytest.approx(results["fused"][1], abs=1e-5)


def test_concise_loss_is_half_the_mean_square_of_one_output():
    loss = concise.HalfSquaredLoss()
    y, target = torch.tensor([[1.0], [3.0]]), torch.tensor([[0.0], [1.0]])
    assert loss(y, target).item() == pytest.approx(nn.MSELoss()(y, target).item() / 2)


def full_hessian_limit(rows: Rows) -> float:
    """2/λ_max of linear regression's Hessian [X 1]ᵀ[X 1]/n, from its eigenvalues."""
    with_ones = np.hstack([rows.X, np.ones((len(rows), 1))]).astype(float)
    return 2 / np.linalg.eigvalsh(with_ones.T @ with_ones / len(rows))[-1]


def test_stable_lr_of_linear_regression_comes_from_the_largest_eigenvalue():
    rows = random_rows("floats to numbers", q=1)
    found = largest_stable_lr(models.linear_regression(5), rows)
    assert found == pytest.approx(full_hessian_limit(rows), rel=1e-3)


def test_stable_lr_of_softmax_regression_equals_that_of_the_full_hessian():
    rows = random_rows("bytes to classes")
    model = models.softmax_regression(5, 3)
    X, y = Batches.of(rows).batch(torch.arange(101))

    def loss(flat):
        weight, bias = flat[:15].view(3, 5), flat[15:]
        return mean_loss(X @ weight.T + bias, y)

    flat = torch.cat([model.weight.detach().flatten(), model.bias.detach()])
    hessian = torch.autograd.functional.hessian(loss, flat)
    expected = 2 / torch.linalg.eigvalsh(hessian)[-1].item()
    assert largest_stable_lr(model, rows) == pytest.approx(expected, rel=1e-2)


@pytest.mark.parametrize(("share", "converges"), [(0.98, True), (1.02, False)])
def test_gradient_descent_converges_exactly_below_the_limit(share, converges):
    rows = synthetic(n=200, d=4, sigma=1.0).train
    rows = Rows((rows.X * [1.0, 2.0, 3.0, 4.0]).astype(np.float32), rows.y, "regression")
    lr = share * full_hessian_limit(rows)
    model = models.linear_regression(4)
    best = least_squares(rows)
    best_weight = torch.from_numpy(best.weight)
    batches, order = Batches.of(rows), torch.arange(200)
    distances = []
    for _ in range(400):
        train_epoch(model, batches, order, batch_size=200, lr=lr)
        distances.append((model.weight - best_weight).norm().item())
    assert (distances[-1] < 1e-2) == converges
    assert (distances[-1] > distances[200]) == (not converges)
