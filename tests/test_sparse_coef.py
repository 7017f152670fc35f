"""Sparse coefficients: everything is as with dense ones."""

import pickle

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from onelayer.estimators import LinearRegression, SoftmaxRegression

MODELS = [LinearRegression(), SoftmaxRegression(), SoftmaxRegression(solver="sgd", epochs=2, random_state=0)]


@pytest.fixture(scope="module")
def rows():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(60, 5)) * (generator.uniform(size=(60, 5)) < 0.5)
    return X, generator.integers(0, 3, 60)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("targets", ["vector", "matrix", "two"])
def test_predictions_and_files_are_as_before(rows, model, targets, tmp_path):
    X, y = rows
    if targets == "matrix":
        y = np.eye(3)[y] if isinstance(model, LinearRegression) else y
    elif targets == "two":
        y = y[:, None] * 1.0 if isinstance(model, LinearRegression) else y > 0
    dense = clone(model).fit(X, y)
    found = pickle.loads(pickle.dumps(dense)).sparsify()
    assert sparse.issparse(found.coef_) and found.sparsify() is found
    methods = [name for name in ("predict", "predict_proba", "decision_function") if hasattr(model, name)]
    for rows_given in (X, sparse.csr_array(X)):
        for method in methods:
            there = getattr(found, method)(rows_given)
            assert type(there) is np.ndarray
            np.testing.assert_allclose(there, getattr(dense, method)(X), rtol=1e-12, atol=1e-14)
    assert found.score(X, y) == pytest.approx(dense.score(X, y))
    found.save(tmp_path / "model")
    np.testing.assert_array_equal(type(model).load(tmp_path / "model").coef_, dense.coef_)
    found.to_onnx(tmp_path / "sparse.onnx")
    dense.to_onnx(tmp_path / "dense.onnx")
    assert (tmp_path / "sparse.onnx").read_bytes() == (tmp_path / "dense.onnx").read_bytes()
    np.testing.assert_array_equal(found.densify().coef_, dense.coef_)
    np.testing.assert_array_equal(found.densify().fit(X, y).coef_, dense.coef_)


def test_the_table_of_coefficients(rows):
    X, y = rows
    dense, found = LinearRegression().fit(X, y), LinearRegression().fit(X, y).sparsify()
    assert str(found.summary()) == str(dense.summary())


def test_rows_that_come_later_go_on_from_sparse_coefficients(rows):
    X, y = rows
    model = SoftmaxRegression(solver="sgd", random_state=0)
    one, other = (clone(model).partial_fit(X, y, classes=[0, 1, 2]) for _ in range(2))
    np.testing.assert_array_equal(one.sparsify().partial_fit(X, y).coef_, other.partial_fit(X, y).coef_)


def test_before_fit_there_are_none():
    for model in MODELS:
        for method in ("sparsify", "densify"):
            with pytest.raises(NotFittedError):
                getattr(clone(model), method)()
