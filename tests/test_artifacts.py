"""Models survive the disk bit for bit, and a file that is no model of ours is refused."""

import json

import pytest
import safetensors.torch
import torch

from onelayer import OneLayerError, Settings, TrainedModel, houses, open_data, train

EXACT = Settings(solver="exact", valid=0.0)


@pytest.fixture
def saved(tmp_path):
    model = train(houses(), EXACT).model
    path = tmp_path / "model.safetensors"
    model.save(path)
    return model, path


def test_a_loaded_model_is_the_saved_one(saved):
    model, path = saved
    again = TrainedModel.load(path)
    assert torch.equal(again.weight, model.weight) and torch.equal(again.bias, model.bias)
    assert again.encoding == model.encoding and again.features == ("area", "age")
    assert TrainedModel.load(path.parent).target == "price"
    X = torch.tensor([[1000.0, 10.0], [2000.0, 50.0]])
    published = [[76513.9 + 95.915 * area - 1085.82 * age] for area, age in X.tolist()]
    assert torch.allclose(again.outputs(X), torch.tensor(published).double(), rtol=1e-5)


def test_any_safetensors_reader_finds_weight_and_bias(saved):
    tensors = safetensors.torch.load_file(saved[1])
    assert tensors["weight"].shape == (1, 2) and tensors["bias"].shape == (1,)


@pytest.mark.parametrize("settings", [Settings("mlp"), Settings("phm"), EXACT])
def test_every_network_predicts_the_same_after_loading(tmp_path, settings):
    run = train(houses(), settings)
    run.model.save(tmp_path / "m.safetensors")
    X = houses().train.X
    assert torch.equal(TrainedModel.load(tmp_path / "m.safetensors").outputs(X), run.model.outputs(X))


def test_standardisation_is_inside_the_saved_mlp(tmp_path):
    """The R² of the model in the user's units is the one that training in standard units reached."""
    run = train(houses(), Settings("mlp", epochs=20, valid=0.0))
    assert 1 - 2 * run.scores["train_loss"] == pytest.approx(run.scores["r2"], abs=1e-4)


def test_missing_features_are_filled_with_the_training_mean(tmp_path):
    csv = tmp_path / "gaps.csv"
    csv.write_text("x,y\n1,10\n2,20\n,30\n6,60\n")
    model = train(open_data(csv, "y", missing="mean"), EXACT).model
    nan = torch.tensor([[float("nan")]]).double()
    assert torch.equal(model.outputs(nan), model.outputs(torch.tensor([[3.0]]).double()))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda b: b[:-5], "damaged"),
        (lambda b: b[:20], "damaged"),
        (lambda b: b"", "damaged"),
        (lambda b: b"PK\x03\x04" + b, "not a safetensors file"),
        (lambda b: safetensors.torch.save({"weight": torch.ones(1, 2)}), "not written by this version"),
        (
            lambda b: safetensors.torch.save({"w": torch.ones(1)}, {"format": "pt"}),
            "not written by this version",
        ),
        (lambda b: b.replace(b'"bias"', b'"blas"'), "incomplete|damaged"),
        (lambda b: b.replace(b"kind", b"kink"), "incomplete"),
    ],
)
def test_a_file_that_is_no_model_of_ours(saved, damage, message):
    _, path = saved
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(OneLayerError, match=message) as error:
        TrainedModel.load(path)
    assert "model.safetensors" in str(error.value)


def test_no_model_there(tmp_path):
    with pytest.raises(OneLayerError, match="cannot be read"):
        TrainedModel.load(tmp_path)


def test_no_pickle_in_a_model_file(saved):
    header_size = int.from_bytes(saved[1].read_bytes()[:8], "little")
    json.loads(saved[1].read_bytes()[8 : 8 + header_size])
    assert saved[1].stat().st_size == 8 + header_size + 3 * 8  # three float64 numbers, nothing else
