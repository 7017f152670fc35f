"""SGD of one layer on NumPy: runs are those of PyTorch's modules, to float rounding, and go on where they stopped."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from onelayer import Settings, fashion_mnist, houses, layer_runs, models, sgd_runs
from onelayer.checkpoints import Checkpoint
from onelayer.data import Dataset, Rows
from onelayer.errors import DivergenceError, OneLayerError
from onelayer.preparing import prepare
from onelayer.solvers.curvature import largest_stable_lr
from onelayer.solvers.stability import largest_stable_lr as by_autograd


def weighted_flowers() -> Dataset:
    generator = np.random.default_rng(0)
    X, y = generator.normal(size=(300, 4)), generator.integers(0, 3, 300)
    return Dataset(
        "flowers", Rows(X, y, c=generator.uniform(size=300)), None, tuple("abcd"), "y", tuple("pqr")
    )


DATA = {"images": fashion_mnist, "prices": houses, "weighted": weighted_flowers}


def prepared_for(name, **settings):
    dataset = DATA[name]()
    plan = Settings(solver="sgd", seed=3, epochs=3, **settings).for_data(dataset)
    return prepare(dataset, plan), plan


@pytest.mark.parametrize("name", DATA)
def test_weights_and_history_are_those_of_a_module(name):
    prepared, plan = prepared_for(name)
    layers, history = layer_runs.descend(prepared, plan)
    module, known = sgd_runs.descend(prepared, plan)
    other = sgd_runs.in_user_units(module, prepared)
    assert np.allclose(layers.weight, other.weight, rtol=1e-3, atol=1e-5 * np.abs(other.weight).max())
    assert np.allclose(layers.bias, other.bias, rtol=1e-3, atol=1e-5 * np.abs(other.bias).max())
    assert layers.parameters == other.parameters
    for ours, theirs in zip(history.epochs, known.epochs, strict=True):
        for measure in ("train_loss", "train_accuracy", "held_out_loss", "held_out_accuracy"):
            found, wanted = getattr(ours, measure), getattr(theirs, measure)
            assert found is wanted is None or found == pytest.approx(wanted, rel=1e-3)


def test_initial_weights_are_those_of_a_module():
    prepared, plan = prepared_for("images")
    module = models.softmax_regression(784, 10, plan.seed)
    found = layer_runs._LayerLearner(prepared, plan).weight
    assert np.allclose(found, module.weight.detach().numpy(), rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("name", DATA)
def test_a_run_goes_on_to_the_same_bits(name, tmp_path):
    prepared, plan = prepared_for(name)

    def checkpoint(path, epochs):
        return Checkpoint(tmp_path / path, {}, 0, epochs)

    whole, history = layer_runs.descend(prepared, plan, checkpoint("whole", 3))
    first = checkpoint("parts", 2)
    layer_runs.descend(prepared, replace(plan, epochs=2), first)
    first.finish()
    found, resumed = layer_runs.descend(prepared, plan, checkpoint("parts", 3), resume=True)
    assert found.weight.tobytes() == whole.weight.tobytes()
    assert found.bias.tobytes() == whole.bias.tobytes()
    assert [r.train_loss for r in resumed.epochs] == [r.train_loss for r in history.epochs]


def test_a_checkpoint_of_a_module_is_one_of_a_layer(tmp_path):
    prepared, plan = prepared_for("weighted")
    first = Checkpoint(tmp_path / "file", {}, 0, 2)
    sgd_runs.descend(prepared, replace(plan, epochs=2), first)
    first.finish()
    found, _ = layer_runs.descend(prepared, plan, Checkpoint(tmp_path / "file", {}, 0, 3), resume=True)
    whole, _ = layer_runs.descend(prepared, plan)
    assert np.allclose(found.weight, whole.weight, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", DATA)
def test_a_run_that_diverges_names_the_largest_stable_rate(name):
    prepared, plan = prepared_for(name)
    limit = layer_runs.stable_lr(prepared, plan)
    assert limit == pytest.approx(sgd_runs.stable_lr(prepared, plan), rel=1e-2)
    with pytest.raises(DivergenceError) as error:
        layer_runs.descend(prepared, replace(plan, lr=1000 * limit))
    assert error.value.largest_stable_lr == pytest.approx(limit)


@pytest.mark.parametrize("are_classes", [True, False])
@pytest.mark.parametrize("is_weighted", [True, False])
def test_the_curvature_is_that_of_autograd(are_classes, is_weighted):
    generator = np.random.default_rng(5)
    X = generator.normal(size=(200, 6)) * [1, 2, 3, 1, 1, 5]
    y = generator.integers(0, 4, 200) if are_classes else generator.normal(size=(200, 4))
    c = generator.uniform(size=200) if is_weighted else None
    model = torch.nn.Linear(6, 4).double()
    rows = Rows(X, y, "classes" if are_classes else "regression", c)
    weight, bias = model.weight.detach().numpy(), model.bias.detach().numpy()
    mean_one = None if c is None else c / c.mean()
    found = largest_stable_lr(weight, bias, X, are_classes, mean_one)
    assert found == pytest.approx(by_autograd(model, rows), rel=1e-3)


def test_without_any_curvature_every_rate_is_stable():
    zero = np.zeros((2, 3))
    assert largest_stable_lr(zero[:1] * 0, np.zeros(1), np.zeros((5, 3)), True, None) == np.inf


def test_missing_values_and_other_devices_are_not_for_it():
    _, plan = prepared_for("prices")
    assert layer_runs.is_for_numpy(plan)
    assert not layer_runs.is_for_numpy(replace(plan, device="cuda"))
    assert not layer_runs.is_for_numpy(replace(plan, way="scratch"))
    X = np.ones((20, 2))
    X[3, 1] = np.nan
    dataset = Dataset("holes", Rows(X, np.arange(20.0)), None, ("a", "b"), "y", ())
    with pytest.raises(OneLayerError):
        layer_runs.descend(prepare(dataset, plan), plan)
