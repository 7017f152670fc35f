"""Training on a data set: what is held out stays out, and everything ends in the user's units."""

from dataclasses import replace

import pytest
import torch

from onelayer import Dataset, OneLayerError, Rows, Settings, fashion_mnist, houses, synthetic, train
from onelayer.experiments import descend, prepare


def test_tuning_never_sees_the_test_set():
    """A test set that no model could be evaluated on does not disturb it."""
    data = fashion_mnist()
    few = Rows(data.train.X[:500], data.train.y[:500])
    poisoned = replace(data, train=few, test=Rows(torch.zeros(3, 1), torch.zeros(3, dtype=torch.int64)))
    settings = Settings(valid=0.2, epochs=1).for_data(poisoned)
    _, fit = descend(prepare(poisoned, settings), settings)
    assert fit.history[0].held_out_accuracy is not None


def test_validation_rows_do_not_move_the_standardisation():
    data = houses()
    settings = Settings(valid=0.25)
    prepared = prepare(data, settings)
    kept, held = data.hold_out(0.25, seed=0)
    assert torch.allclose(prepared.scaler.mean, kept.train.X.mean(dim=0), rtol=1e-12)
    assert torch.equal(prepared.held_out_raw.X, held.X)


def test_scores_are_those_of_the_rows_held_out():
    data = houses()
    run = train(data, Settings(solver="exact", valid=0.25))
    _, held = data.hold_out(0.25, seed=0)
    prediction = torch.from_numpy(held.X.numpy() @ run.model.weight.T + run.model.bias)
    errors = (held.y - prediction).square()
    assert run.scores["rmse"] == pytest.approx(errors.mean().sqrt().item())
    expected = 1 - errors.sum().item() / (held.y - held.y.mean()).square().sum().item()
    assert run.scores["r2"] == pytest.approx(expected)


def test_defaults_follow_from_the_data():
    assert Settings().for_data(houses()) == Settings("linear", "fused", valid=0.2)
    assert Settings().for_data(fashion_mnist()) == Settings("softmax", "fused", valid=0.0)
    assert Settings("mlp").for_data(houses()).way == "concise"


def test_rows_of_any_layout_train_with_a_checkpoint(tmp_path):
    X = torch.randint(0, 255, (6, 50), dtype=torch.uint8).T  # not contiguous
    data = Dataset("mine", Rows(X, torch.arange(50) % 2), None, (), "y", ("a", "b"), image_shape=(2, 3))
    train(data, Settings(epochs=1), checkpoint=tmp_path / "checkpoint")
    assert (tmp_path / "checkpoint").exists()


def test_a_constant_target_has_no_r2():
    data = synthetic(n=50)
    constant = replace(data, train=Rows(data.train.X, torch.full((50, 1), 0.1).double()))
    assert train(constant, Settings(solver="exact", valid=0)).scores["r2"] is None


def test_settings_that_do_not_fit():
    with pytest.raises(OneLayerError, match="use --model linear"):
        train(houses(), Settings("softmax"))
    with pytest.raises(OneLayerError, match="exact solver"):
        train(houses(), Settings("mlp", solver="exact"))
