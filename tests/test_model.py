"""A trained model predicts what its weights say, in the user's units, from whatever the user has."""

import json
from dataclasses import replace
from decimal import Decimal, getcontext

import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import safetensors.torch
import torch

from onelayer import Model, OneLayerError, Settings, houses, open_data, train
from onelayer.data import PIXEL_UNIT, Dataset, Rows
from onelayer.model import log_softmax

EXACT = Settings(solver="auto", valid=0.0)
FRAME = pd.DataFrame(
    {
        "x": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, np.nan],
        "city": ["Bonn", "Köln", "Bonn", "Köln", None, "Bonn", "Köln"],
        "y": [1.0, 5.0, 3.0, 7.0, 5.0, 6.0, 9.0],  # where nothing is missing: 1 + x, and 3 more in Köln
    }
)


def model_of(weight, bias, **changes):
    """A model of a table without encoding, or another with ``changes``."""
    nothing = {
        "hidden_weight": None,
        "hidden_bias": None,
        "image_shape": None,
        "encoding": None,
        "features": (),
    }
    names = {"kind": "linear", "data": "", "target": "y", "classes": (), "feature_mean": None, "settings": {}}
    return Model(np.array(weight, float), np.array(bias, float), **(nothing | names | changes))


@pytest.fixture
def saved(tmp_path):
    model = train(houses(), EXACT).model
    path = tmp_path / "model.safetensors"
    model.save(path)
    return model, path


def test_a_loaded_model_is_the_saved_one(saved):
    model, path = saved
    again = Model.load(path)
    assert (again.weight == model.weight).all() and (again.bias == model.bias).all()
    assert again.encoding == model.encoding and again.features == ("area", "age")
    assert Model.load(path.parent).target == "price" and again.settings == model.settings
    X = np.array([[1000.0, 10.0], [2000.0, 50.0]])
    published = [[76513.9 + 95.915 * area - 1085.82 * age] for area, age in X.tolist()]
    np.testing.assert_allclose(again.outputs(X), published, rtol=1e-5)


def test_any_safetensors_reader_finds_weight_and_bias(saved):
    tensors = safetensors.torch.load_file(saved[1])
    assert tensors["weight"].shape == (1, 2) and tensors["bias"].shape == (1,)


def test_no_pickle_in_a_model_file(saved):
    header_size = int.from_bytes(saved[1].read_bytes()[:8], "little")
    json.loads(saved[1].read_bytes()[8 : 8 + header_size])
    numbers = sum(array.nbytes for array in saved[0].errors.arrays().values())
    assert saved[1].stat().st_size == 8 + header_size + 3 * 8 + numbers  # three coefficients and their errors


def test_equal_models_are_equal_files(saved):
    model, path = saved
    turned = dict(reversed(model.settings.items()))
    same = replace(model, weight=np.asfortranarray(model.weight.copy()), settings=turned)
    assert same.to_bytes() == Model.load(path).to_bytes() == path.read_bytes()


@pytest.mark.parametrize("settings", [Settings("mlp"), Settings("phm"), EXACT])
def test_every_network_predicts_the_same_after_loading(tmp_path, settings):
    run = train(houses(), settings)
    run.model.save(tmp_path / "m.safetensors")
    X = houses().train.X
    assert (Model.load(tmp_path / "m.safetensors").outputs(X) == run.model.outputs(X)).all()


def test_an_mlp_is_two_affine_maps_and_relu():
    generator = np.random.default_rng(0)
    W, b, V, c = (generator.normal(size=s) for s in ((5, 3), 5, (2, 5), 2))
    X = generator.normal(size=(3000, 3))
    hidden = {"hidden_weight": W, "hidden_bias": b, "kind": "mlp"}
    by_torch = torch.relu(torch.tensor(X) @ torch.tensor(W).T + torch.tensor(b)) @ torch.tensor(V).T
    np.testing.assert_allclose(
        model_of(V, c, **hidden).outputs(X), by_torch.numpy() + c, rtol=1e-12, atol=1e-12
    )


def test_standardisation_is_inside_the_saved_mlp():
    """The R² of the model in the user's units is the one that training in standard units reached."""
    run = train(houses(), Settings("mlp", epochs=20, valid=0.0))
    assert 1 - 2 * run.scores["train_loss"] == pytest.approx(run.scores["r2"], abs=1e-4)


def test_missing_features_are_filled_with_the_training_mean(tmp_path):
    csv = tmp_path / "gaps.csv"
    csv.write_text("x,y\n1,10\n2,20\n,30\n6,60\n")
    model = train(open_data(csv, "y", missing="mean"), EXACT).model
    assert model.outputs(np.array([[np.nan]])) == model.outputs(np.array([[3.0]]))
    assert (
        model.predict(pd.DataFrame({"x": [None, 3.0]})).tolist()
        == [model.outputs(np.array([[3.0]]))[0, 0]] * 2
    )


def test_bytes_are_pixels_for_images_and_numbers_for_tables():
    X = np.array([[0, 255], [51, 102]], np.uint8)
    table = model_of([[0.0, 1.0]], [30.0])
    assert table.predict(X).tolist() == table.predict(X.astype(float)).tolist() == [285, 132]
    images = replace(table, image_shape=(1, 2))
    np.testing.assert_allclose(images.predict(X), [31, 30.4], rtol=1e-15)
    assert (images.predict(X / 255) == images.predict(X.reshape(2, 1, 2))).all()


@pytest.mark.parametrize("kind", [pd.DataFrame, polars.from_pandas, pa.Table.from_pandas])
def test_a_table_from_python_is_predicted_row_by_row(kind):
    model = train(open_data(FRAME, "y", missing="drop"), EXACT).model
    shuffled = FRAME[["city", "x"]].assign(note="not asked for")
    found = model.predict(kind(shuffled))
    np.testing.assert_allclose(found[[0, 1, 2, 3, 5]], [1, 5, 3, 7, 6], atol=1e-12)
    assert np.isnan(found[[4, 6]]).all() and found.shape == (7,)


def test_classes_are_predicted_by_name_with_probabilities_that_add_up():
    model = train(open_data(FRAME[["x", "y", "city"]].drop(index=4), "city", missing="drop"), EXACT).model
    found, probabilities = model.predict(FRAME), model.predict_proba(FRAME)
    assert found.tolist()[:4] == ["Bonn", "Köln", "Bonn", "Köln"] and found[6] is None
    assert np.isnan(probabilities[6]).all() and probabilities.shape == (7, 2)
    np.testing.assert_allclose(probabilities[:6].sum(axis=1), 1)
    complete = np.array(model.classes, object)[probabilities[:6].argmax(axis=1)]
    assert (complete == found[:6]).all()


def test_what_is_written_is_what_is_predicted(tmp_path):
    path = tmp_path / "new.parquet"
    FRAME.to_parquet(path)
    for missing, target in (("drop", "y"), ("drop", "city"), ("mean", "x")):
        rows = FRAME if missing == "drop" else FRAME.dropna()
        model = train(open_data(rows, target, missing=missing), EXACT).model
        written = model.predict_to(path, tmp_path / "out.parquet", proba=target == "city")
        columns = pq.read_table(tmp_path / "out.parquet")
        assert written.rows == len(columns) == 7
        pd.testing.assert_series_equal(
            columns[f"predicted_{target}"].to_pandas(),
            pd.Series(model.predict(FRAME)),
            check_dtype=False,
            check_names=False,
        )
        if target == "city":
            shares = np.stack([columns[f"p_{name}"].to_numpy() for name in model.classes], axis=1)
            np.testing.assert_array_equal(shares, model.predict_proba(FRAME))


def test_images_in_memory_and_on_disk(idx_folder):
    model = train(open_data(idx_folder), Settings(epochs=30, batch_size=4)).model
    images = open_data(idx_folder).test.X
    assert model.predict(idx_folder).tolist() == model.predict(images).tolist() == ["0", "1"] * 5
    assert model.predict(images.reshape(10, 3, 2)).tolist() == ["0", "1"] * 5


def test_with_two_classes_one_logit_is_as_good_as_two():
    one = model_of([[2.0, -1.0]], [0.5], kind="softmax", classes=("no", "yes"))
    two = replace(one, weight=np.array([[0, 0], [2.0, -1.0]]), bias=np.array([0, 0.5]))
    X = np.random.default_rng(0).normal(size=(50, 2))
    assert (one.predict(X) == two.predict(X)).all()
    np.testing.assert_allclose(one.predict_proba(X)[:, 1], 1 / (1 + np.exp(-2 * X[:, 0] + X[:, 1] - 0.5)))
    np.testing.assert_array_equal(one.predict_proba(X), two.predict_proba(X))


def test_logarithms_of_probabilities_are_exact_for_logits_of_any_size():
    getcontext().prec = 400
    logits = np.array([[0.0, -700.0, 1.0], [1000.0, 1001.0, -1e4], [1e-300, 0.0, 5e-324]])
    exact = [
        [float(Decimal(z) - sum(Decimal(other).exp() for other in row).ln()) for z in row]
        for row in logits.tolist()
    ]
    np.testing.assert_allclose(log_softmax(logits), exact, rtol=1e-15)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (np.zeros((2, 3)), r"takes numbers \(n, 2\), not an array \(2, 3\)"),
        (np.zeros(2), r"not an array \(2,\)"),
        (np.zeros((2, 1, 2)), r"not an array \(2, 1, 2\)"),
        (np.array([["1", "2"]]), "not an array .* of <U1"),
        (np.array([["2024-01-01", "NaT"]], "datetime64[D]"), "of datetime64"),
        (np.array([[1, 2j]]), "of complex128"),
        (np.array([[0, 1], [np.nan, 1]]), "row 2 has a missing value"),
        (np.array([[0, 1], [-np.inf, 1]]), "row 2 has an infinite value"),
        (np.array([[1e200, 0]]), "row 1: a feature is missing or too large"),
        ("houses", "no names of features"),
        ([[1, 2]], "no names of features"),
    ],
)
def test_what_a_model_cannot_predict_from(wrong, message):
    with pytest.raises(OneLayerError, match=message):
        model_of([[1e200, 1.0]], [0.0]).predict(wrong)


def test_probabilities_of_a_number_do_not_exist():
    with pytest.raises(OneLayerError, match="this model predicts a number"):
        model_of([[1.0]], [0.0]).predict_proba(np.zeros((1, 1)))


def test_no_rows_are_no_predictions():
    assert model_of([[1.0]], [0.0]).predict(np.zeros((0, 1))).shape == (0,)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weight": np.array([[1, 2]])}, "weight must be of float64 or float32, not 'int64'"),
        ({"weight": np.array([[1.0, np.inf]])}, "weight must be finite"),
        ({"bias": np.zeros(2)}, "bias must be of shape 1"),
        ({"classes": ("a", "b")}, "classes and kind differ"),
        ({"kind": "mlp"}, "lacks hidden_"),
        ({"features": ("a",)}, "features and weight differ"),
        ({"image_shape": (1, 3)}, "image_shape and weight differ"),
        ({"image_shape": (-1, -2)}, r"image_shape\[0\] must be an integer from 1"),
        ({"target": "\ud800"}, "target must be a string"),
        ({"settings": {"lr": float("nan")}}, "settings.lr must be"),
        ({"settings": {"lr": [0.1]}}, "settings.lr must be"),
    ],
)
def test_a_model_whose_parts_do_not_fit_is_not_saved(tmp_path, change, message):
    model = replace(model_of([[1.0, 2.0]], [0.0]), **change)
    with pytest.raises(OneLayerError, match=f"cannot be saved: .*{message}"):
        model.save(tmp_path / "m")
    assert not list(tmp_path.iterdir())


def test_a_model_of_images_has_the_pixels_of_its_shape():
    rows = Rows(torch.zeros(4, 6, dtype=torch.uint8), torch.arange(4) % 2, unit=PIXEL_UNIT)
    data = Dataset("tiny", rows, None, (), "label", ("0", "1"), image_shape=(3, 2))
    model = train(data, Settings(epochs=1, valid=0.5)).model
    assert model.n_features == 6 and model.image_shape == (3, 2)
    with pytest.raises(OneLayerError, match=r"features \(n, 6\)"):
        model.outputs(np.zeros((1, 5)))


def test_no_model_there(tmp_path):
    with pytest.raises(OneLayerError, match="cannot be read"):
        Model.load(tmp_path)
