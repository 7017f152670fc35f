"""The chapter's claims that no other file checks, each by running it."""

import pytest
import torch

from onelayer import models, synthetic
from onelayer.functional import squared_loss
from onelayer.solvers import scratch
from onelayer.solvers.batches import Batches, epoch_order
from onelayer.solvers.direct import least_squares
from onelayer.training import WAYS, fit


@pytest.mark.parametrize("way", WAYS)
def test_three_epochs_from_scratch_recover_weight_and_bias(way):
    """Section 3.2: 1,000 examples, learning rate 0.03, batches of 10."""
    data = synthetic().train
    model = models.linear_regression(2)
    fit(model, data, way=way, epochs=3, lr=0.03, batch_size=10)
    assert model.weight[0].tolist() == pytest.approx([2.0, -3.4], abs=3e-3)
    assert model.bias.item() == pytest.approx(4.2, abs=3e-3)


def test_sgd_tends_to_the_analytic_solution():
    """Section 3.1.1.4: the minimum is where gradient descent ends."""
    data = synthetic(sigma=1.0).train
    model = models.linear_regression(2)
    fit(model, data, epochs=300, lr=0.5, batch_size=1000)
    exact = least_squares(data)
    assert model.weight[0].tolist() == pytest.approx(exact.weight[0].tolist(), abs=1e-5)
    assert model.bias.item() == pytest.approx(exact.bias.item(), abs=1e-5)


def test_squared_loss_is_convex_along_any_line():
    data = Batches.of(synthetic(n=50).train, dtype=torch.float64)
    generator = torch.Generator().manual_seed(0)
    for _ in range(20):
        a, b = torch.randn(2, 3, 1, generator=generator, dtype=torch.float64)

        def loss(w):
            return squared_loss(data.X @ w[:2] + w[2], data.y, "mean")

        assert loss((a + b) / 2) <= (loss(a) + loss(b)) / 2


def test_sum_and_mean_coincide_step_by_step_when_the_rate_is_scaled_by_the_batch_size():
    """Section 3.3, question: η_mean = η_sum · |B|."""
    data = Batches.of(synthetic(n=120).train, dtype=torch.float64)
    by_mean, by_sum = models.linear_regression(2).double(), models.linear_regression(2).double()
    for index in epoch_order(120, 0, 1).split(10):
        X, y = data.batch(index)
        for model, reduction, lr in ((by_mean, "mean", 0.3), (by_sum, "sum", 0.3 / 10)):
            loss = squared_loss(model(X), y, reduction)
            gradients = torch.autograd.grad(loss, list(model.parameters()))
            with torch.no_grad():
                for parameter, gradient in zip(model.parameters(), gradients, strict=True):
                    parameter -= lr * gradient
        assert torch.allclose(by_mean.weight, by_sum.weight, atol=1e-12)


def test_mse_loss_doubles_the_gradient():
    """Section 3.3: nn.MSELoss has no ½."""
    data = Batches.of(synthetic(n=20).train, dtype=torch.float64)
    model = models.linear_regression(2).double()
    prediction = model(data.X)
    (half,) = torch.autograd.grad(squared_loss(prediction, data.y, "mean"), model.weight, retain_graph=True)
    (whole,) = torch.autograd.grad(torch.nn.MSELoss()(prediction, data.y), model.weight)
    assert torch.allclose(whole, 2 * half)


def test_one_matrix_product_equals_row_by_row():
    X = torch.randn(6, 4, generator=torch.Generator().manual_seed(0))
    weight, bias = torch.arange(12.0).view(3, 4), torch.tensor([1.0, 2.0, 3.0])
    by_row = torch.stack(
        [torch.stack([(w * x).sum() + b for w, b in zip(weight, bias, strict=True)]) for x in X]
    )
    assert torch.allclose(scratch.affine(X, weight, bias), by_row, atol=1e-5)


def test_softmax_regression_reaches_the_books_accuracy():
    """Section 3.7: about 0.83 to 0.84 after 10 epochs at learning rate 0.1, batches of 256."""
    from onelayer import fashion_mnist

    data = fashion_mnist()
    for seed in range(5):
        model = models.softmax_regression(784, 10, seed=seed)
        accuracy = fit(model, data.train, data.test, seed=seed).epochs[-1].held_out_accuracy
        assert 0.82 <= accuracy <= 0.85, f"seed {seed}"
