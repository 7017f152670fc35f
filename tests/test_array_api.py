"""Arrays of other namespaces: as scikit-learn's own checks ask, and the numbers are those of NumPy."""

import importlib.util
import pickle
import warnings

import numpy as np
import pytest
import sklearn
import torch
from scipy import sparse
from sklearn.utils import estimator_checks

from onelayer.errors import LinearDependenceWarning, OneLayerError
from onelayer.estimators import LinearRegression, SoftmaxRegression
from onelayer.estimators.array_api import as_numpy

MODELS = {
    "linear": LinearRegression(),
    "ridge": LinearRegression(alpha=1.0, fit_intercept=False),
    "softmax": SoftmaxRegression(),
    "sgd": SoftmaxRegression(solver="sgd", epochs=3, random_state=0),
}
METHODS = ("predict", "decision_function", "predict_proba", "predict_log_proba")


@pytest.fixture(params=["torch", "array_api_strict"])
def xp(request, monkeypatch):
    if importlib.util.find_spec(request.param) is None:
        pytest.skip(f"{request.param} is not installed")
    # scikit-learn dispatches only where SciPy might; nothing here asks SciPy for it
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    return importlib.import_module(request.param)


@pytest.fixture
def dispatch():
    with sklearn.config_context(array_api_dispatch=True):
        yield


@pytest.fixture(scope="module")
def rows():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(300, 4)) * [1, 10, 0.1, 1] + [0, 5, 1, 1e3]
    logits = (X - X.mean(axis=0)) / X.std(axis=0) @ generator.normal(size=(4, 3)) * 2
    return X, (logits + generator.gumbel(size=(300, 3))).argmax(axis=1), generator.uniform(0.5, 2, 300)


@pytest.mark.parametrize("name", MODELS)
def test_scikit_learns_checks(xp, name):
    device = "CPU_DEVICE" if xp.__name__ == "array_api_strict" else "cpu"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LinearDependenceWarning)  # of the checks' own data
        _check(name, xp, device)


def _check(name, xp, device):
    for dtype in ("float32", "float64"):
        estimator_checks.check_array_api_input_and_values(name, MODELS[name], xp.__name__, device, dtype)
    if hasattr(estimator_checks, "check_array_api_same_namespace"):
        estimator_checks.check_array_api_same_namespace(
            type(MODELS[name]).__name__, MODELS[name], xp.__name__
        )


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("q", [2, 3])
def test_numbers_are_those_of_numpy(xp, dispatch, rows, name, q):
    X, y, c = rows
    y = np.minimum(y, q - 1)
    with sklearn.config_context(array_api_dispatch=False):
        expected = sklearn.clone(MODELS[name]).fit(X, y, c)
    found = sklearn.clone(MODELS[name]).fit(*(xp.asarray(values) for values in (X, y, c)))
    namespace = type(xp.asarray(X))
    assert isinstance(found.coef_, namespace)
    np.testing.assert_array_equal(np.asarray(found.coef_), expected.coef_)
    for method in METHODS:
        if hasattr(found, method):
            there = getattr(found, method)(xp.asarray(X))
            assert isinstance(there, namespace)
            np.testing.assert_allclose(np.asarray(there), getattr(expected, method)(X), rtol=1e-9, atol=1e-12)
    assert found.score(xp.asarray(X), xp.asarray(y)) == pytest.approx(expected.score(X, y), rel=1e-6)


def test_extreme_logits_stay_probabilities(xp, dispatch):
    X, y = np.array([[-1.0], [1.0]] * 20), np.array([0, 1] * 20)
    for classes in (y, np.r_[y[:-1], 2]):
        model = SoftmaxRegression(C=1e4).fit(xp.asarray(X), xp.asarray(classes))
        far = xp.asarray([[-1e5], [1e5], [0.0]])
        P, logs = np.asarray(model.predict_proba(far)), np.asarray(model.predict_log_proba(far))
        np.testing.assert_allclose(P.sum(axis=1), 1)
        assert np.isfinite(logs).all() and logs.min() < -1e4


def test_classes_that_are_strings_and_targets_elsewhere(xp, dispatch, rows):
    X, y, c = rows
    names = np.array(["a", "b", "c"])[y]
    model = SoftmaxRegression().fit(xp.asarray(X), names, c)
    assert model.classes_.tolist() == ["a", "b", "c"]
    labels = model.predict(xp.asarray(X))
    assert isinstance(labels, np.ndarray) and model.score(xp.asarray(X), names) == (labels == names).mean()
    here = SoftmaxRegression().fit(X, xp.asarray(y), xp.asarray(c))  # everything follows X
    assert isinstance(here.coef_, np.ndarray)
    np.testing.assert_array_equal(here.coef_, np.asarray(model.coef_))


def test_other_places_than_those_of_fit_are_refused(xp, dispatch, rows):
    X, y, _ = rows
    model = LinearRegression().fit(xp.asarray(X), xp.asarray(y))
    with pytest.raises(ValueError, match=r"LinearRegression.predict\(\) must use the same namespace"):
        model.predict(X)
    with pytest.raises(ValueError, match="fitted with NumPy"):
        LinearRegression().fit(X, y).predict(xp.asarray(X))
    with pytest.raises(OneLayerError, match="sparsify is for estimators fitted with NumPy"):
        model.sparsify()
    with pytest.raises(ValueError, match="NaN"):
        LinearRegression().fit(xp.asarray(np.full((3, 2), np.nan)), xp.asarray(np.ones(3)))
    with pytest.raises(OneLayerError, match="float64 does not tell"):
        LinearRegression().fit(xp.asarray(np.array([[2**53 + 1], [0]])), xp.asarray(np.ones(2)))


def test_partial_fit_goes_on_and_an_error_leaves_the_model(xp, dispatch, rows):
    X, y, _ = rows
    model = SoftmaxRegression(solver="sgd", random_state=0)
    there = [xp.asarray(X), xp.asarray(y)]
    model.partial_fit(*there, classes=xp.asarray(np.arange(3)))
    before = model.coef_
    with pytest.raises(ValueError, match="NaN"):
        model.partial_fit(xp.asarray(np.full_like(X, np.nan)), there[1])
    assert model.coef_ is before
    model.partial_fit(*there)
    with sklearn.config_context(array_api_dispatch=False):
        plain = SoftmaxRegression(solver="sgd", random_state=0).partial_fit(X, y, classes=np.arange(3))
        plain.partial_fit(X, y)
    np.testing.assert_array_equal(np.asarray(model.coef_), plain.coef_)


def test_files_onnx_and_tables_of_such_a_model(xp, rows, tmp_path):
    X, y, _ = rows
    for model in (LinearRegression(), SoftmaxRegression()):
        with sklearn.config_context(array_api_dispatch=True):
            model.fit(xp.asarray(X), xp.asarray(y))
        expected = sklearn.clone(model).fit(X, y)
        model.save(tmp_path / "model")
        loaded = type(model).load(tmp_path / "model")
        np.testing.assert_array_equal(loaded.predict(X), expected.predict(X))
        model.to_onnx(tmp_path / "model.onnx")
        np.testing.assert_array_equal(np.asarray(pickle.loads(pickle.dumps(model)).coef_), expected.coef_)
    with sklearn.config_context(array_api_dispatch=True):
        linear = LinearRegression().fit(xp.asarray(X), xp.asarray(y))
    np.testing.assert_array_equal(linear.summary().p, LinearRegression().fit(X, y).summary().p)


def test_without_dispatch_a_tensor_is_an_array(rows):
    X, y, c = rows
    given = [torch.from_numpy(values) for values in (X, y, c)]
    for model in MODELS.values():
        found, expected = sklearn.clone(model).fit(*given), sklearn.clone(model).fit(X, y, c)
        assert isinstance(found.coef_, np.ndarray)
        np.testing.assert_array_equal(found.predict(given[0]), expected.predict(X))


def test_sparse_features_with_dispatch_are_as_ever(xp, dispatch, rows):
    X, y, _ = rows
    model = SoftmaxRegression().fit(sparse.csr_array(X), y)
    np.testing.assert_allclose(model.predict_proba(sparse.csr_array(X)), model.predict_proba(X), rtol=1e-9)


def elsewhere(xp, values):
    """Return values on a device that NumPy cannot read from, where there is one."""
    return xp.asarray(values, device=xp.Device("device1") if hasattr(xp, "Device") else None)


def test_what_is_asked_of_a_model_that_learned_on_a_device(xp, dispatch, rows):
    X, y, _ = rows
    for model in (LinearRegression(), SoftmaxRegression()):
        there = sklearn.clone(model).fit(elsewhere(xp, X), elsewhere(xp, y))
        here = model.fit(X, y)
        np.testing.assert_array_equal(there.summary().p, here.summary().p)
        with sklearn.config_context(array_api_dispatch=False):
            np.testing.assert_array_equal(there.summary(cov="HC1").std_err, here.summary(cov="HC1").std_err)


@pytest.mark.parametrize("l1_ratio", [0.0, 0.5])
def test_penalties_of_targets_are_where_they_are(xp, dispatch, rows, l1_ratio):
    X, y, _ = rows
    Y, alpha = np.c_[y, X[:, 0]], np.array([1.0, 20.0])
    model = LinearRegression(alpha=elsewhere(xp, alpha), l1_ratio=l1_ratio)
    found = as_numpy(model.fit(elsewhere(xp, X), elsewhere(xp, Y)).coef_)
    np.testing.assert_array_equal(found, LinearRegression(alpha=alpha, l1_ratio=l1_ratio).fit(X, Y).coef_)
    with pytest.raises(OneLayerError, match="no standard errors"):
        model.summary()
