"""Files: what was changed after it was written is refused, and what is written badly is refused with a reason."""

import copy
import json
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.numpy
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onelayer import (
    LinearRegression,
    Model,
    OneLayerError,
    Settings,
    SoftmaxRegression,
    formats,
    models,
    open_data,
    train,
)
from onelayer.checkpoint_file import State
from onelayer.data.encoding import Column, Encoding
from onelayer.history import EpochRecord, History
from onelayer.model_file import FORMAT
from onelayer.module_state import arrays_of, put_into

NO_CHECKSUM = ".*without a checksum"
FIRST = Path(__file__).parent / "data/format-1"
NOTHING = {"hidden_weight": None, "hidden_bias": None, "image_shape": None, "encoding": None, "features": ()}
NAMES = {
    "data": "t",
    "target": "y",
    "classes": (),
    "feature_mean": None,
    "settings": {"lr": 0.1, "way": None},
}
LINEAR = Model(
    **NOTHING | NAMES | {"features": ("a",), "encoding": Encoding((Column("a"),))},
    weight=np.array([[2.0]]),
    bias=np.array([-1.0]),
    kind="linear",
)
IMAGES = Model(
    **NOTHING | NAMES | {"image_shape": (1, 2), "classes": ("cat", "dog", "hen")},
    weight=np.array([[0, 1], [1, 0], [2, -1]], np.float32),
    bias=np.zeros(3, np.float32),
    kind="softmax",
)


def with_errors(labels: list[object]) -> bytes:
    """A model of a table whose features are dependent, with what it keeps of its errors."""
    a = np.array([0.0, 1.0, 2.0, 4.0, 5.0, 7.0])
    table = pd.DataFrame({"a": a, "b": 2 * a, "y": labels})
    return train(open_data(table, target="y"), Settings(valid=0)).model.to_bytes()


def checkpoint() -> bytes:
    history = History(1.5, (EpochRecord(1, 1.25, 0.5, float("inf"), 0.25, 0.01),))
    return State({"lr": 0.1}, 7, history, arrays_of(models.softmax_regression(2, 2))).to_bytes()


def estimator(folder: Path) -> bytes:
    frame = pd.DataFrame({"a": [0.0, 1.0, 2.0, 4.0]})
    LinearRegression().fit(frame, [1.0, 3.0, 4.0, 9.0]).save(folder / "estimator")
    return (folder / "estimator").read_bytes()


def classifier(folder: Path) -> bytes:
    SoftmaxRegression(max_iter=9).fit([[0.0], [1.0], [2.0]], ["no", "yes", "yes"]).save(folder / "classifier")
    return (folder / "classifier").read_bytes()


CONTENTS = {
    "linear": (Model, lambda folder: LINEAR.to_bytes()),
    "images": (Model, lambda folder: IMAGES.to_bytes()),
    "numbers with errors": (Model, lambda folder: with_errors([1.0, 3.0, 4.0, 9.0, 9.0, 15.0])),
    "classes with errors": (Model, lambda folder: with_errors(["x", "y", "x", "y", "x", "y"])),
    "estimator": (LinearRegression, estimator),
    "classifier": (SoftmaxRegression, classifier),
    "checkpoint": (State, lambda folder: checkpoint()),
}


def opened(kind: type, path: Path) -> object:
    """Open a file, and use what it holds."""
    found = State.read(path) if kind is State else kind.load(path)
    if isinstance(found, Model):
        found.predict(np.ones((3, found.n_features)))
        if found.errors is not None:
            found.predict_interval(np.ones((3, found.n_features)))
    elif isinstance(found, State):
        put_into(found.arrays, models.softmax_regression(2, 2))
    else:
        found.predict(np.ones((3, found.n_features_in_)))
    return found


def every_flip(path: Path) -> Iterator[None]:
    """Flip each bit of a file in turn, in place, and flip it back."""
    content = path.read_bytes()
    with path.open("r+b", buffering=0) as file:
        for place, byte in enumerate(content):
            for written in (*(byte ^ 1 << bit for bit in range(8)), byte):
                file.seek(place)
                file.write(bytes([written]))
                if written != byte:
                    yield


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("name", CONTENTS)
def test_every_flipped_bit_is_found(name, tmp_path):
    kind, make = CONTENTS[name]
    content, path = make(tmp_path), tmp_path / "flipped"
    path.write_bytes(content)
    opened(kind, path)
    for _ in every_flip(path):
        with pytest.raises(OneLayerError, match="flipped: damaged"):
            opened(kind, path)
    assert path.read_bytes() == content


@pytest.mark.parametrize("name", CONTENTS)
def test_a_part_of_a_file_and_a_file_with_more_are_refused(name, tmp_path):
    kind, make = CONTENTS[name]
    content, path = make(tmp_path), tmp_path / "cut"
    parts = (content[:n] for n in range(0, len(content), 9))
    for wrong in (*parts, content[:-1], content + b"\0", b"PK\3\4" + content, content * 2):
        path.write_bytes(wrong)
        with pytest.raises(OneLayerError, match="cut: damaged"):
            opened(kind, path)


FIRST_KINDS = {
    "linear": Model,
    "two-classes": Model,
    "mlp": Model,
    "images": Model,
    "linear-regression": LinearRegression,
    "two-targets": LinearRegression,
    "softmax-regression": SoftmaxRegression,
    "streaming": SoftmaxRegression,
}


@pytest.mark.filterwarnings("ignore:X does not have valid feature names", f"ignore:{NO_CHECKSUM}")
@pytest.mark.parametrize("name", FIRST_KINDS)
def test_a_flipped_bit_in_a_file_of_the_first_version_is_no_traceback(name, tmp_path):
    """It has no checksum: a weight may be another one, but it is finite, and whatever is not a model is refused."""
    content, path = (FIRST / f"{name}.safetensors").read_bytes(), tmp_path / "flipped"
    path.write_bytes(content)
    n_refused = 0
    for _ in every_flip(path):
        try:
            opened(FIRST_KINDS[name], path)
        except OneLayerError:
            n_refused += 1
    assert n_refused > 4 * len(content)


# Files of the first version


@pytest.mark.filterwarnings(f"ignore:{NO_CHECKSUM}")
@pytest.mark.parametrize("name", ["linear", "two-classes", "mlp", "images"])
def test_models_of_the_first_version_predict_what_their_tensors_say(name):
    path = FIRST / f"{name}.safetensors"
    model, tensors = Model.load(path), safetensors.numpy.load_file(path)
    X = np.random.default_rng(0).uniform(0, 1, (20, model.n_features))
    h = X
    if "hidden_weight" in tensors:
        h = np.maximum(X @ tensors["hidden_weight"].T + tensors["hidden_bias"], 0)
    outputs = h @ tensors["weight"].T + tensors["bias"]
    np.testing.assert_allclose(model.outputs(X), outputs, rtol=1e-12)
    if model.classes:
        assert model.predict(X).tolist() == [model.classes[k] for k in outputs.argmax(axis=1)]
    if "feature_mean" in tensors:
        filled = model.outputs(tensors["feature_mean"][None])
        assert model.outputs(np.full((1, model.n_features), np.nan)) == filled
    again = formats.read(path, FORMAT, "onelayer-model-1").tensors
    assert all((again[name] == tensors[name]).all() for name in tensors)


@pytest.mark.filterwarnings(f"ignore:{NO_CHECKSUM}")
def test_images_of_the_first_version_are_bytes():
    model = Model.load(FIRST / "images.safetensors")
    X = np.random.default_rng(0).integers(0, 256, (20, 6), np.uint8)
    np.testing.assert_allclose(model.outputs(X), model.outputs(X / 255), rtol=1e-12)
    assert model.image_shape == (3, 2) and model.settings["batch_size"] == 8 and not model.is_transposed


@pytest.mark.filterwarnings(f"ignore:{NO_CHECKSUM}")
def test_tables_of_the_first_version_are_encoded_as_before():
    model = Model.load(FIRST / "linear.safetensors")
    table = pd.DataFrame({"city": ["Köln", None], "area": [np.nan, 50.0]})
    mean = model.feature_mean
    X = np.array([[mean[0], 0, 1], [50.0, mean[1], mean[2]]])
    np.testing.assert_array_equal(model.predict(table), model.outputs(X)[:, 0])


@pytest.mark.filterwarnings(f"ignore:{NO_CHECKSUM}")
@pytest.mark.parametrize("name", ["linear-regression", "two-targets", "softmax-regression", "streaming"])
def test_estimators_of_the_first_version_are_as_they_were_saved(name, tmp_path):
    path, kind = FIRST / f"{name}.safetensors", FIRST_KINDS[name]
    model, tensors = kind.load(path), safetensors.numpy.load_file(path)
    header = json.loads(path.read_bytes()[8 : 8 + int.from_bytes(path.read_bytes()[:8], "little")])
    about = json.loads(header["__metadata__"]["onelayer"])
    model.save(tmp_path / "second")
    for estimator in (model, kind.load(tmp_path / "second")):
        for attribute, value in (tensors | about["attributes"]).items():
            found = getattr(estimator, attribute)
            assert np.array_equal(np.ravel(found), np.ravel(value)), attribute
            assert not isinstance(value, np.ndarray) or found.dtype == value.dtype
        given = {
            key: dict(value) if isinstance(value, list) else value for key, value in about["params"].items()
        }
        assert estimator.get_params() == kind().get_params() | given
    X = np.random.default_rng(0).normal(size=(9, model.n_features_in_)).astype(tensors["coef_"].dtype)
    if model.n_features_in_ == 2 and name != "softmax-regression":
        logits = X @ model.coef_.T + model.intercept_
        expected = logits if kind is LinearRegression else model.classes_[logits.argmax(axis=1)]
        np.testing.assert_array_equal(model.predict(X), expected)


@pytest.mark.filterwarnings(f"ignore:{NO_CHECKSUM}")
def test_a_streaming_estimator_of_the_first_version_goes_on_learning():
    model = SoftmaxRegression.load(FIRST / "streaming.safetensors")
    before = model.coef_.copy()
    model.partial_fit(np.ones((4, 2), np.float32), [0, 7, 14, 7])
    assert len(model.history_) == 3 and (model.coef_ != before).any()


def test_a_checkpoint_of_the_first_version_is_refused():
    """Nothing shows whether its weights are those that were saved, and a run would go on from them."""
    with pytest.raises(OneLayerError, match=r"earlier version, without a checksum; start without --resume"):
        State.read(FIRST / "checkpoint.safetensors")


def test_a_file_without_a_checksum_is_opened_with_a_warning():
    for kind, name in ((Model, "images"), (LinearRegression, "two-targets")):
        path = FIRST / f"{name}.safetensors"
        with pytest.warns(UserWarning, match=f"{name}.safetensors: .*without a checksum"):
            State.read(path) if kind is State else kind.load(path)


# Files with a checksum that is right and a content that is not


def description_of(content: bytes) -> dict:
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    about = json.loads(next(iter(header["__metadata__"].values())))
    return {name: value for name, value in about.items() if name not in ("sha256", "format")}


def rewritten(content: bytes, change) -> bytes:
    """The file with another description or other tensors, as a writer with errors would write it."""
    about, tensors = description_of(content), safetensors.numpy.load(content)
    change(about, tensors)
    header = json.loads(content[8 : 8 + int.from_bytes(content[:8], "little")])
    form = json.loads(header["__metadata__"]["onelayer-file"])["format"]
    return formats.to_bytes(form, about, tensors)


def put(*path):
    """A change that puts the last of ``path`` in the place that those before it lead to."""
    *way, name, value = path

    def change(about, tensors):
        for step in way:
            about = about[step]
        about[name] = value

    return change


def tensor(name, value):
    return lambda about, tensors: tensors.update({name: np.asarray(value)})


def nested(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("model", "kind", "cubic"), "kind must be one of linear"),
        (put("model", "kind", ["linear"]), "kind must be one of linear"),
        (put("model", "kind", "mlp"), "lacks hidden_"),
        (put("model", "target", 3), "target must be a string"),
        (put("model", "classes", "ab"), "classes must be a list"),
        (put("model", "classes", ["a", "a"]), "classes must be a list without repetition"),
        (put("model", "features", [["a"]]), r"features\[0\] must be a string"),
        (put("model", "features", ["b"]), "features and encoding differ"),
        (put("model", "features", ["a", "b"]), "features and weight differ"),
        (put("model", "image_shape", [1]), "image_shape must be a list of 2"),
        (put("model", "image_shape", [-1, -1]), r"image_shape\[0\] must be an integer from 1"),
        (put("model", "image_shape", [1, True]), r"image_shape\[1\] must be an integer from 1"),
        (put("model", "image_shape", [2**63, 1]), r"image_shape\[0\] must be an integer"),
        (put("model", "image_shape", [1, 1]), "image_shape and encoding exclude"),
        (put("model", "is_transposed", True), "is_transposed is for images"),
        (put("model", "is_transposed", 0), "is_transposed must be true or false"),
        (put("model", "encoding", []), "encoding must be an object"),
        (put("model", "encoding", "missing", "guess"), "encoding.missing must be one of"),
        (put("model", "encoding", "missing", "mean"), "lacks feature_mean"),
        (put("model", "encoding", "columns", []), "encoding.columns must be a list of at least 1"),
        (
            put("model", "encoding", "columns", 0, "name", ["a"]),
            r"encoding.columns\[0\].name must be a string",
        ),
        (
            put("model", "encoding", "columns", 0, "kind", "category"),
            r"levels, reference and parts do not fit a column of kind category",
        ),
        (put("model", "encoding", "columns", 0, "colour", 1), r"encoding.columns\[0\] has \['colour'\]"),
        (put("model", "settings", "lr", float("nan")), "settings.lr must be a string, a number"),
        (put("model", "settings", "lr", nested(3)), "settings.lr must be a string, a number"),
        (put("model", "settings", "lr", nested(900)), "settings.lr must be|not valid JSON"),
        (put("model", "feature_unit", "pixel / 255"), "feature_unit and image_shape differ"),
        (put("model", "colour", "red"), r"has \['colour'\]"),
        (put("model", None), "the description|must be an object"),
        (put("model", 5), "must be an object"),
        (lambda about, tensors: about["model"].pop("data"), "lacks data"),
        (lambda about, tensors: about.pop("model"), "must be an object"),
        (lambda about, tensors: tensors.pop("bias"), "lacks bias"),
        (tensor("more", np.zeros(1)), r"has \['more'\]"),
        (tensor("weight", np.zeros((1, 0))), "weight must be of shape"),
        (tensor("weight", np.zeros((2, 1))), "bias must be of shape 2"),
        (tensor("weight", np.zeros((1, 2))), "features and weight differ"),
        (tensor("weight", np.zeros(1)), "weight must be of shape"),
        (tensor("weight", 1.0), "weight must be of shape"),
        (tensor("weight", np.zeros((1, 1), np.float16)), "type|dtype must be one of"),
        (tensor("weight", np.zeros((1, 1), int)), "weight must be of float64"),
        (tensor("bias", [np.nan]), "bias must be finite"),
        (tensor("bias", [-np.inf]), "bias must be finite"),
    ],
)
def test_a_model_that_is_written_badly(change, message, tmp_path):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(rewritten(LINEAR.to_bytes(), change))
    with pytest.raises(OneLayerError, match=f"bad.safetensors: damaged .*({message})"):
        Model.load(path)


def test_a_model_from_before_images_were_transposed(tmp_path):
    path = tmp_path / "earlier.safetensors"
    path.write_bytes(rewritten(LINEAR.to_bytes(), lambda about, _: about["model"].pop("is_transposed")))
    assert Model.load(path).is_transposed is False


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("estimator", "name", "Ridge"), "holds a Ridge, not a LinearRegression"),
        (put("estimator", "is_vector", 1), "is_vector must be true or false"),
        (put("estimator", "params", "colour", 1), "LinearRegression has no parameter colour"),
        (put("estimator", "params", "alpha", "a lot"), "The 'alpha' parameter"),
        (put("estimator", "params", "alpha", float("nan")), "params.alpha must be"),
        (put("estimator", "params", "alpha", {"a": 1}), "params.alpha must be"),
        (put("estimator", "params", "alpha", [[1, [2]]]), r"params.alpha\[0\]\[1\] must be"),
        (put("estimator", "values", "__class__", 1), r"has \['__class__'\]"),
        (put("estimator", "values", "predict", 1), r"has \['predict'\]"),
        (put("estimator", "values", "coef_", 1), r"has \['coef_'\]"),
        (put("estimator", "values", "_n", -1), "_n must be an integer from 0"),
        (put("estimator", "values", "rank_", "two"), "rank_ must be an integer"),
        (put("estimator", "values", "solver_", None), "solver_ must be a string"),
        (lambda about, tensors: tensors.pop("estimator.sigma_"), "lacks sigma_"),
        (tensor("estimator.sigma_", [1.0]), "sigma_ must be of shape a single number"),
        (tensor("estimator.std_err_", [1.0, 2.0]), "std_err_ must be of shape 1"),
        (tensor("estimator.predict", [1.0]), r"has \['predict'\]"),
        (tensor("weight", [[np.nan]]), "weight must be finite"),
    ],
)
def test_an_estimator_that_is_written_badly(change, message, tmp_path):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(rewritten(estimator(tmp_path), change))
    with pytest.raises(OneLayerError, match=f"bad.safetensors: damaged .*{message}"):
        LinearRegression.load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            put("estimator", "values", "classes_", "names", ["no"]),
            "classes_.names must be a list of at least 2",
        ),
        (put("estimator", "values", "classes_", "names", ["no", 1]), "classes_.names must be of type str"),
        (put("estimator", "values", "classes_", "names", [[], []]), r"classes_.names\[0\] must be a string"),
        (put("estimator", "values", "classes_", "names", ["a", "b", "c"]), "classes_ and coef_ differ"),
        (put("estimator", "values", "classes_", "dtype", "int64"), "classes_.names must be of type int64"),
        (put("estimator", "values", "classes_", "dtype", "O,O"), "classes_.dtype must be one of"),
        (put("estimator", "values", "history_", [None]), r"history_\[0\] must be a finite number"),
        (put("estimator", "values", "gap_", float("nan")), "never"),
        (put("estimator", "values", "objective_", 10**400), "objective_ must be a finite number"),
        (put("estimator", "values", "converged_", "yes"), "converged_ must be true or false"),
        (put("estimator", "values", "_progress", [1, 2, 3]), "_progress must be a list of 4"),
    ],
)
def test_a_classifier_that_is_written_badly(change, message, tmp_path):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(rewritten(classifier(tmp_path), change))
    if message == "never":  # no bound at all
        assert np.isnan(SoftmaxRegression.load(path).gap_)
        return
    with pytest.raises(OneLayerError, match=f"bad.safetensors: damaged .*{message}"):
        SoftmaxRegression.load(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("fit", "history", []), "fit.history must be a list of at least 1"),
        (put("fit", "history", 0, "train_loss", [1]), r"fit.history\[0\].train_loss must be a finite number"),
        (put("fit", "history", 0, "train_loss", float("inf")), r"train_loss must be a finite number"),
        (put("fit", "history", 0, "epoch", 2), "epochs of its history are not 1, 2"),
        (put("fit", "history", 0, "epoch", 1.0), r"epoch must be an integer"),
        (put("fit", "history", 0, "mood", "good"), r"fit.history\[0\] has \['mood'\]"),
        (put("fit", "start_loss", None), "fit.start_loss must be a finite number"),
        (put("fit", None), "fit must be an object"),
        (put("data", -1), "data must be an integer from 0"),
        (put("settings", "lr", {}), "settings.lr must be"),
        (put("settings", 1), "settings must be an object"),
    ],
)
def test_a_checkpoint_that_is_written_badly(change, message, tmp_path):
    path = tmp_path / "bad.safetensors"
    path.write_bytes(rewritten(checkpoint(), change))
    with pytest.raises(OneLayerError, match=f"bad.safetensors: damaged .*{message}"):
        State.read(path)


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"weight": np.zeros((2, 3), "f4"), "bias": np.zeros(2, "f4")}, "weight must be of shape 2×2"),
        ({"weight": np.zeros((2, 2)), "bias": np.zeros(2, "f4")}, "weight must be of float32"),
        ({"weight": np.full((2, 2), np.nan, "f4"), "bias": np.zeros(2, "f4")}, "weight must be finite"),
        ({"weight": np.zeros((2, 2), "f4")}, "lacks bias"),
        ({"weight": np.zeros((2, 2), "f4"), "bias": np.zeros(2, "f4"), "c": np.zeros(2)}, r"has \['c'\]"),
    ],
)
def test_parameters_that_are_not_the_modules(arrays, message):
    module = models.softmax_regression(2, 2)
    before = module.weight.clone()
    with pytest.raises(OneLayerError, match=message):
        put_into(arrays, module)
    assert torch.equal(module.weight, before)


def headed(header: str | bytes, data: bytes = b"") -> bytes:
    encoded = header.encode() if isinstance(header, str) else header
    return len(encoded).to_bytes(8, "little") + encoded + data


def entry(description: str) -> str:
    return f'{{"__metadata__":{{"onelayer":{json.dumps(description)}}}}}'


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\0" * 8,
        b"\xff" * 8,
        headed("{}"),
        headed("[]"),
        headed("{" * 100_000),
        headed('{"a":' * 5000 + "1" + "}" * 5000),
        headed(b"\xff\xfe{\0}\0"),
        headed(b'{"\xff":1}'),
        headed('{"__metadata__":1}'),
        headed('{"__metadata__":{"onelayer":1}}'),
        headed('{"__metadata__":{"onelayer":"\\ud800"}}'),
        headed('{"__metadata__":{"onelayer":"{}","onelayer":"{}"}}'),
        headed('{"__metadata__":{"onelayer":"{}","another":"{}"}}'),
        headed(entry("[]")),
        headed(entry("[" * 100_000)),
        headed(entry('{"format": "onelayer-model-1"}')),
        headed(entry('{"format": "onelayer-model-1", "about": {}, "about": {}}')),
        headed(entry('{"format": "onelayer-model-1", "about": ' + "9" * 5000 + "}")),
        headed(entry('{"format": "onelayer-model-2", "model": {}}')),
        headed('{"weight":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}}', b"\0"),
        headed('{"weight":{"dtype":"F64","shape":[-1],"data_offsets":[0,8]}}', b"\0" * 8),
        headed('{"weight":{"dtype":"F64","shape":[9223372036854775807,9],"data_offsets":[0,8]}}', b"\0" * 8),
        headed('{"weight":{"dtype":"F64","shape":[1],"data_offsets":[0,8]},"weight":1}', b"\0" * 8),
        headed('{"weight":{"dtype":"F64","shape":[1.0],"data_offsets":[0,8]}}', b"\0" * 8),
        headed('{"weight":null}'),
    ],
    ids=range(26),
)
def test_no_file_at_all(content, tmp_path):
    path = tmp_path / "bad"
    path.write_bytes(content)
    for kind in (Model, LinearRegression, State):
        with pytest.raises(OneLayerError, match="bad: damaged") as error:
            opened(kind, path)
        assert "\n" not in str(error.value) and len(str(error.value)) < 500


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("abc"), inner, max_size=3),
    max_leaves=4,
)


def places(value, way=()):
    """Every place in a JSON value, as the names and numbers that lead there."""
    if isinstance(value, dict | list):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*way, step)
            yield from places(item, (*way, step))


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("name", CONTENTS)
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_other_value_anywhere_is_an_error_or_a_model(name, data, tmp_path):
    kind, make = CONTENTS[name]
    content, path = make(tmp_path), tmp_path / "changed"
    way = data.draw(st.sampled_from(list(places(description_of(content)))))
    value = data.draw(JSON)
    path.write_bytes(
        rewritten(content, lambda about, tensors: put(*way, copy.deepcopy(value))(about, tensors))
    )
    with suppress(OneLayerError):
        opened(kind, path)


def test_a_damaged_checkpoint_says_how_to_go_on(tmp_path):
    from onelayer import houses, train

    path = tmp_path / "checkpoint.safetensors"
    train(houses(), Settings(epochs=1), checkpoint=path)
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(OneLayerError, match=r"checkpoint.safetensors: damaged .*; start without --resume"):
        train(houses(), Settings(epochs=1), checkpoint=path, resume=True)
