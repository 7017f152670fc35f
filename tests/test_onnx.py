"""ONNX files: onnxruntime computes from them what the estimators predict."""

import sys

import numpy as np
import onnx
import onnxruntime
import pytest

import onelayer
from onelayer.errors import OneLayerError
from onelayer.estimators import LinearRegression, SoftmaxRegression

DTYPES = [np.float32, np.float64]
LABELS = {
    "text": np.array(["猫", "chicken", "dog", "cow"]),
    "objects": np.array(["a", "b", "c", "d"], dtype=object),
    "integers": np.array([-7, 0, 3, 2**40]),
    "booleans": np.array([False, True, True, True]),
    "floats": np.array([1.0, 2.0, 5.0, 9.0]),
}


@pytest.fixture(scope="module")
def rows():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(300, 4)) * [1, 10, 0.1, 1]
    return X, (X / [1, 10, 0.1, 1] @ generator.normal(size=(4, 4)) * 3).argmax(axis=1)


def run(path, X):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    assert [given.name for given in session.get_inputs()] == ["X"]
    values = session.run(None, {"X": X})
    return dict(zip([output.name for output in session.get_outputs()], values, strict=True))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("targets", [None, 1, 3])
@pytest.mark.parametrize("intercept", [True, False])
def test_linear_regression(rows, dtype, targets, intercept, tmp_path):
    X = rows[0].astype(dtype)
    y = X @ np.arange(4 * (targets or 1)).reshape(4, -1) + 5
    model = LinearRegression(fit_intercept=intercept).fit(X, y[:, 0] if targets is None else y)
    model.to_onnx(tmp_path / "m.onnx")
    found = run(tmp_path / "m.onnx", X)["variable"]
    assert found.dtype == dtype and found.shape == (300, targets or 1)
    np.testing.assert_allclose(found, model.predict(X).reshape(300, -1), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("q", [2, 4])
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("solver", ["newton", "sgd"])
def test_softmax_regression(rows, dtype, q, kind, solver, tmp_path):
    X, y = rows[0].astype(dtype), LABELS[kind][np.minimum(rows[1], q - 1)]
    model = SoftmaxRegression(solver=solver, random_state=0).fit(X, y)
    model.to_onnx(tmp_path / "m.onnx")
    found = run(tmp_path / "m.onnx", X)
    assert found["probabilities"].dtype == dtype
    np.testing.assert_allclose(found["probabilities"], model.predict_proba(X), atol=1e-5)
    assert found["label"].tolist() == model.predict(X).tolist()
    assert found["label"].dtype == (object if kind in ("text", "objects") else np.int64)


def test_the_file_says_who_made_it_and_uses_standard_operators(rows, tmp_path):
    SoftmaxRegression().fit(*rows).to_onnx(tmp_path / "m.onnx")
    model = onnx.load(tmp_path / "m.onnx")
    assert (model.producer_name, model.producer_version) == ("onelayer", onelayer.__version__)
    assert [(opset.domain, opset.version) for opset in model.opset_import] == [("", 13)]
    assert {node.op_type for node in model.graph.node} == {"Gemm", "Softmax", "ArgMax", "Gather"}


def test_what_cannot_be_written(rows, tmp_path, monkeypatch):
    X, labels = rows
    with pytest.raises(OneLayerError, match="cannot be written"):
        LinearRegression().fit(X, labels).to_onnx(tmp_path / "absent" / "m.onnx")
    mixed = SoftmaxRegression().fit(X, labels)
    mixed.classes_ = np.array(["a", 1, 2, None], dtype=object)
    with pytest.raises(OneLayerError, match=r"texts or integers, not .*None"):
        mixed.to_onnx(tmp_path / "m.onnx")
    monkeypatch.setitem(sys.modules, "onnx", None)
    monkeypatch.setitem(sys.modules, "onnx.helper", None)
    for model in (LinearRegression().fit(X, labels), SoftmaxRegression().fit(X, labels)):
        with pytest.raises(OneLayerError, match=r"pip install 'onelayer\[onnx\]'"):
            model.to_onnx(tmp_path / "m.onnx")
    assert not list(tmp_path.iterdir())
