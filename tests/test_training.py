"""The epoch loop: resuming changes nothing, divergence is noticed, wrong settings are refused."""

import math

import numpy as np
import pytest
import torch
from torch import nn

from onelayer import DivergenceError, OneLayerError, evaluate, fashion_mnist, fit, models, synthetic
from onelayer.data import Rows
from onelayer.history import History
from onelayer.solvers.batches import choose_device
from onelayer.training import WAYS

IMAGES = fashion_mnist()
SMALL = IMAGES.train.take(slice(2000))
POINTS = synthetic(n=300).train


@pytest.mark.parametrize("way", WAYS)
def test_a_resumed_run_ends_with_the_same_bits(way):
    whole = models.softmax_regression(784, 10)
    expected = fit(whole, SMALL, SMALL, way=way, epochs=5)

    parts = models.softmax_regression(784, 10)
    first = fit(parts, SMALL, SMALL, way=way, epochs=2)
    kept = {name: tensor.clone() for name, tensor in parts.state_dict().items()}
    resumed = models.softmax_regression(784, 10, seed=99)
    resumed.load_state_dict(kept)
    found = fit(resumed, SMALL, SMALL, way=way, epochs=5, after=History.from_json(first.to_json()))

    assert torch.equal(whole.weight, resumed.weight) and torch.equal(whole.bias, resumed.bias)
    assert [r.train_loss for r in found.epochs] == [r.train_loss for r in expected.epochs]
    assert [r.epoch for r in found.epochs] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("rows", "build", "lr"),
    [
        (POINTS, lambda: models.linear_regression(2), 5.0),
        (SMALL, lambda: models.softmax_regression(784, 10), 10),
    ],
)
def test_divergence_stops_and_names_a_rate_that_works(way, rows, build, lr):
    model = build()
    with pytest.raises(DivergenceError, match="the largest stable learning rate") as error:
        fit(model, rows, way=way, lr=lr, epochs=20)
    assert torch.equal(model.weight, build().weight), "the weights must be those before training"
    limit = error.value.largest_stable_lr
    assert error.value.lr == lr and limit < lr
    history = fit(build(), rows, way=way, lr=limit / 2, epochs=20).epochs
    assert history[-1].train_loss < history[0].train_loss


def test_a_loss_that_overflows_is_divergence_too():
    with pytest.raises(DivergenceError, match=r"to (inf|nan)"):
        fit(models.linear_regression(2), POINTS, lr=1e30, batch_size=10)


def test_the_advice_is_never_to_raise_the_rate():
    """Single rows see far larger curvatures here than the average row."""
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(500, 1, generator=generator).mul(2).exp()
    X = (X - X.mean()) / X.std()
    with pytest.raises(DivergenceError, match="batch-size") as error:
        fit(models.linear_regression(1), Rows(X, X.clone()), lr=0.5, batch_size=1, epochs=20)
    assert error.value.largest_stable_lr > 0.5
    assert "try --lr 0.2 or" in str(error.value) or "try --lr 0.3 or" in str(error.value)


def test_the_learning_rates_of_the_book_do_not_count_as_divergence():
    for lr in (0.01, 0.1, 0.5):
        fit(models.softmax_regression(784, 10), IMAGES.train, lr=lr, epochs=1)


def test_any_module_trains_the_concise_way():
    model = nn.Sequential(nn.Linear(784, 20), nn.Tanh(), nn.Dropout(0.1), nn.Linear(20, 10))
    history = fit(model, SMALL, way="concise", epochs=3, lr=0.3).epochs
    assert history[-1].train_loss < history[0].train_loss
    with pytest.raises(OneLayerError, match="only the concise way trains Sequential"):
        fit(model, SMALL, way="fused")


def test_evaluate_equals_one_call_on_everything():
    model = models.softmax_regression(784, 10)
    found = evaluate(model, IMAGES.test)
    outputs, y = model(torch.from_numpy(IMAGES.test.X).float() / 255), torch.from_numpy(IMAGES.test.y)
    expected = nn.functional.cross_entropy(outputs, y).item()
    assert found.loss == pytest.approx(expected, rel=1e-5)
    assert found.accuracy == (outputs.argmax(dim=1) == y).double().mean().item()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"epochs": 0}, "epochs"),
        ({"batch_size": 0}, "batch size"),
        ({"lr": -1.0}, "learning rate"),
        ({"lr": math.nan}, "learning rate"),
        ({"way": "magic"}, "fused, scratch, concise"),
    ],
)
def test_settings_out_of_range(settings, message):
    with pytest.raises(OneLayerError, match=message):
        fit(models.softmax_regression(784, 10), SMALL, **settings)


def test_model_and_rows_of_different_widths():
    with pytest.raises(OneLayerError, match="takes 3 features, the rows have 784"):
        fit(models.softmax_regression(3, 10), SMALL)


def test_labels_beyond_the_outputs():
    with pytest.raises(OneLayerError, match="3 outputs, but there is a label 9, first in row 1"):
        fit(models.softmax_regression(784, 3), SMALL)


@pytest.mark.parametrize(
    ("X", "y", "message"),
    [
        ([[0.0, 1.0], [np.nan, 1.0]], [0, 1], "feature in column 1, row 2 is NaN"),
        ([[0.0, 1.0], [1.0, -np.inf]], [0, 1], "feature in column 2, row 2 is -inf"),
        ([[0.0, 1.0], [1.0, 1.0]], [0.0, np.nan], "target in column 1, row 2 is NaN"),
    ],
)
@pytest.mark.parametrize("part", ["train", "held out"])
def test_a_missing_value_is_named_and_the_learning_rate_not_blamed(X, y, message, part):
    rows = Rows(X, y)
    whole = (
        Rows(np.ones((2, 2)), rows.y, rows.task)
        if rows.task == "classes"
        else Rows(np.ones((2, 2)), [0.0, 1.0])
    )
    model = models.softmax_regression(2, 2) if rows.task == "classes" else models.linear_regression(2)
    with pytest.raises(OneLayerError, match=message) as error:
        fit(model, *((rows,) if part == "train" else (whole, rows)))
    assert not isinstance(error.value, DivergenceError)


def test_labels_beyond_the_outputs_of_any_module_are_named():
    model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 2))
    with pytest.raises(OneLayerError, match="2 outputs, but there is a label 5, first in row 3"):
        fit(model, Rows(np.ones((4, 2)), [0, 1, 5, 7]), way="concise")


def test_weights_of_rows_count_as_repetitions_do():
    """With one batch of all rows, twice the weight is the same row twice."""
    X, y = np.random.default_rng(0).normal(size=(6, 2)), np.array([0, 1, 0, 1, 1, 0])
    weighted, repeated = models.softmax_regression(2, 2).double(), models.softmax_regression(2, 2).double()
    fit(weighted, Rows(X, y, c=[1, 2, 1, 1, 3, 1]), epochs=5)
    index = [0, 1, 1, 2, 3, 4, 4, 4, 5]
    fit(repeated, Rows(X[index], y[index]), epochs=5)
    assert torch.allclose(weighted.weight, repeated.weight, atol=1e-12)
    with pytest.raises(OneLayerError, match="only the fused way heeds the weights"):
        fit(weighted, Rows(X, y, c=[1, 2, 1, 1, 3, 1]), way="concise")


def test_rows_are_brought_to_the_models_float_type():
    singles = Rows(POINTS.X.astype("f4"), POINTS.y, "regression")
    single, double = models.linear_regression(2), models.linear_regression(2).double()
    fit(single, POINTS, epochs=2)
    fit(double, singles, epochs=2)
    assert torch.allclose(single.weight.double(), double.weight, atol=1e-6)


def test_a_module_with_an_unused_parameter_diverges_with_advice_too():
    model = nn.Linear(2, 1)
    model.register_parameter("unused", nn.Parameter(torch.ones(1)))
    with pytest.raises(DivergenceError):
        fit(model, POINTS, lr=5.0, way="concise")


def test_empty_rows():
    nothing = SMALL.take(slice(0))
    with pytest.raises(OneLayerError, match="no rows"):
        fit(models.softmax_regression(784, 10), nothing)
    with pytest.raises(OneLayerError, match="no rows"):
        evaluate(models.softmax_regression(784, 10), nothing)


def test_devices():
    assert choose_device("cpu").type == "cpu"
    assert choose_device("auto").type in ("cpu", "cuda")
    with pytest.raises(OneLayerError, match="'toaster' is not available"):
        choose_device("toaster")
