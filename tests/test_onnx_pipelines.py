"""Whole pipelines through skl2onnx: onnxruntime computes what they predict."""

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import BaggingClassifier, StackingRegressor, VotingClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, PolynomialFeatures, StandardScaler

import onelayer
from onelayer.errors import OneLayerError
from onelayer.estimators import LinearRegression, SoftmaxRegression

skl2onnx = pytest.importorskip("skl2onnx", reason="skl2onnx is not installed")
LABELS = {"strings": ["猫", "dog", "cow"], "integers": [-7, 0, 2**40], "booleans": [False, True]}
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")


@pytest.fixture(scope="module", autouse=True)
def registered():
    onelayer.register_onnx()
    onelayer.register_onnx()  # once more does no harm


@pytest.fixture(scope="module")
def rows():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(200, 4)) * [1, 10, 0.1, 1] + [0, 5, 1, 0]
    return X, ((X - X.mean(axis=0)) / X.std(axis=0) @ generator.normal(size=(4, 3)) * 3).argmax(axis=1)


def run(model, given, **options):
    graph = skl2onnx.to_onnx(model, next(iter(given.values()))[:1] if "X" in given else None, **options)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, given)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("targets", [1, 3])
def test_a_regression_behind_other_steps(rows, dtype, targets):
    X = rows[0].astype(dtype)
    Y = (X @ np.arange(4.0 * targets).reshape(4, targets) + 5).astype(dtype)
    steps = [StandardScaler(), LinearRegression(alpha=1.0)]
    if dtype is np.float32:  # skl2onnx mixes types in PolynomialFeatures of float64
        steps.insert(1, PolynomialFeatures(2))
    model = make_pipeline(*steps)
    model.fit(X, Y[:, 0] if targets == 1 else Y)
    [found] = run(model, {"X": X})
    tolerance = 1e-4 if dtype is np.float32 else 1e-10
    np.testing.assert_allclose(
        found, model.predict(X).reshape(200, -1), rtol=tolerance, atol=tolerance * np.abs(Y).max()
    )
    assert found.dtype == dtype


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("kind", LABELS)
@pytest.mark.parametrize("zipmap", [True, False])
def test_a_classification_behind_other_steps(rows, dtype, kind, zipmap):
    if zipmap and dtype is np.float64:
        pytest.skip("ONNX's ZipMap is for float32")
    X, y = rows[0].astype(dtype), np.array(LABELS[kind])[np.minimum(rows[1], len(LABELS[kind]) - 1)]
    last = SoftmaxRegression()
    model = make_pipeline(StandardScaler(), last).fit(X, y)
    labels, given = run(model, {"X": X}, options={id(last): {"zipmap": zipmap}})
    probabilities = pd.DataFrame(given).to_numpy() if zipmap else given
    np.testing.assert_allclose(probabilities, model.predict_proba(X), atol=1e-5)
    assert labels.tolist() == model.predict(X).tolist()


def test_logits_and_numbers_of_classes(rows):
    X, y = rows[0].astype(np.float32), np.array(["a", "b", "c"])[rows[1]]
    model = SoftmaxRegression().fit(X, y)
    _, scores = run(model, {"X": X}, options={id(model): {"raw_scores": True, "zipmap": False}})
    np.testing.assert_allclose(scores, model.decision_function(X), rtol=1e-4, atol=1e-4)
    labels, _ = run(model, {"X": X}, options={id(model): {"nocl": True, "zipmap": False}})
    assert labels.tolist() == np.searchsorted(model.classes_, model.predict(X)).tolist()


def test_columns_of_several_kinds(rows):
    table = pd.DataFrame(rows[0].astype(np.float32), columns=list("abcd"))
    table["city"] = np.array(["x", "y", "z"])[np.arange(200) % 3]
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), list("abcd")), ("city", OneHotEncoder(), ["city"])]
    )
    last = SoftmaxRegression()
    model = make_pipeline(columns, last).fit(table, rows[1])
    types = [(name, skl2onnx.common.data_types.FloatTensorType([None, 1])) for name in "abcd"]
    types.append(("city", skl2onnx.common.data_types.StringTensorType([None, 1])))
    graph = skl2onnx.convert_sklearn(model, initial_types=types, options={id(last): {"zipmap": False}})
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    given = {name: table[[name]].to_numpy() for name in table}
    np.testing.assert_allclose(session.run(None, given)[1], model.predict_proba(table), atol=1e-5)


def test_integers_ensembles_and_sparse_coefficients(rows):
    X, y = rows[0].astype(np.float32), rows[1]
    whole = np.round(10 * rows[0]).astype(np.int64)
    model = LinearRegression().fit(whole, y)
    np.testing.assert_allclose(run(model, {"X": whole})[0][:, 0], model.predict(whole), atol=1e-4)
    plain = run(model, {"X": whole})
    np.testing.assert_array_equal(run(model.sparsify(), {"X": whole})[0], plain[0])
    for ensemble in (
        BaggingClassifier(SoftmaxRegression(), 3, random_state=0),
        VotingClassifier(
            [("a", SoftmaxRegression()), ("b", SoftmaxRegression(C=0.1))],
            voting="soft",
            flatten_transform=False,  # the other kind is not known to skl2onnx
        ),
    ):
        ensemble.fit(X, y)
        _, found = run(ensemble, {"X": X}, options={id(ensemble): {"zipmap": False}})
        np.testing.assert_allclose(found, ensemble.predict_proba(X), atol=1e-4)
    stack = StackingRegressor([("a", LinearRegression())], LinearRegression()).fit(X, X[:, 0])
    np.testing.assert_allclose(run(stack, {"X": X})[0][:, 0], stack.predict(X), atol=1e-3)


def test_a_model_with_an_offset_has_no_graph(rows):
    X, y = rows[0].astype(np.float32), rows[1]
    model = LinearRegression().fit(X, y, offset=np.ones(200))
    with pytest.raises(OneLayerError, match="offset"):
        run(model, {"X": X})
