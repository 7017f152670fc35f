"""What scikit-learn's contract says beyond its own checks, for all estimators: those that choose a penalty too."""

import inspect
import pickle

import numpy as np
import onnxruntime
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone, is_classifier
from sklearn.ensemble import BaggingClassifier, BaggingRegressor, StackingClassifier, StackingRegressor
from sklearn.linear_model import RANSACRegressor
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

import onelayer
from onelayer import LinearRegression, LinearRegressionCV, SoftmaxRegression, SoftmaxRegressionCV
from onelayer.errors import OneLayerError
from onelayer.estimators.array_api import as_numpy

MODELS = {
    "linear": LinearRegression(),
    "lasso": LinearRegression(alpha=20.0, l1_ratio=1.0),
    "softmax": SoftmaxRegression(),
    "softmax lasso": SoftmaxRegression(C=0.2, l1_ratio=1.0),
    "ridge cv": LinearRegressionCV(),
    "lasso cv": LinearRegressionCV(alphas=8, l1_ratio=1.0, cv=3),
    "softmax cv": SoftmaxRegressionCV(Cs=4, cv=3),
    "softmax lasso cv": SoftmaxRegressionCV(Cs=4, cv=3, l1_ratio=1.0),
}
CHOOSING = [name for name in MODELS if name.endswith("cv")]
every = pytest.mark.parametrize("name", MODELS)
choosing = pytest.mark.parametrize("name", CHOOSING)


@pytest.fixture(scope="module")
def rows():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(120, 4)) * [1, 3, 1, 1]
    y = X @ [1.0, 0.5, 0.0, -1.0] + generator.normal(size=120)
    return X, y, np.array(["low", "mid", "top"])[np.digitize(y, [-1, 1])]


def targets(model, rows):
    return rows[2] if is_classifier(model) else rows[1]


@every
def test_parameters_and_clones(name, rows):
    model, X, y = MODELS[name], rows[0], targets(MODELS[name], rows)
    parameters = list(inspect.signature(type(model)).parameters.values())
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters)
    fitted = clone(model).fit(X, y)
    again = clone(fitted)
    assert again.get_params() == model.get_params() and not hasattr(again, "coef_")
    assert type(model).__name__ in fitted._repr_html_() and type(model).__name__ in again._repr_html_()


@every
def test_a_search_around_it_is_pickled(name, rows):
    model, X, y = MODELS[name], rows[0], targets(MODELS[name], rows)
    search = GridSearchCV(clone(model), {"fit_intercept": [True, False]}, cv=3).fit(X, y)
    found = pickle.loads(pickle.dumps(search))
    np.testing.assert_array_equal(found.predict(X), search.predict(X))
    assert found.score(X, y) == search.score(X, y) and found.best_params_ == search.best_params_


@every
def test_parts_of_ensembles(name, rows):
    model, X, y = MODELS[name], rows[0], targets(MODELS[name], rows)
    bag = (BaggingClassifier if is_classifier(model) else BaggingRegressor)(model, 2, random_state=0)
    stack = (StackingClassifier if is_classifier(model) else StackingRegressor)([("a", model)], model, cv=3)
    for ensemble in (bag, stack):
        assert ensemble.fit(X, y).score(X, y) > 0.6
    if not is_classifier(model):
        outliers = np.where(np.arange(120) % 20 == 0, 1e3, y)
        found = RANSACRegressor(model, min_samples=20, residual_threshold=200, random_state=0)
        found.fit(X, outliers)
        assert not found.inlier_mask_[::20].any() and found.inlier_mask_.sum() > 100


@every
def test_names_of_columns_pass_a_pipeline(name, rows):
    X, model = pd.DataFrame(rows[0], columns=list("abcd")), MODELS[name]
    y = targets(model, rows)
    pipeline = make_pipeline(StandardScaler(), clone(model)).set_output(transform="pandas").fit(X, y)
    assert list(pipeline[-1].feature_names_in_) == list("abcd")
    Z = StandardScaler().fit_transform(X)
    np.testing.assert_array_equal(pipeline.predict(X), clone(model).fit(Z, y).predict(Z))


@every
def test_weights_and_offsets_are_routed(name, rows):
    model, X, y = MODELS[name], rows[0], targets(MODELS[name], rows)
    generator = np.random.default_rng(1)
    c, offset = (
        generator.uniform(0.5, 2, 120),
        generator.normal(size=(120, 3) if is_classifier(model) else 120),
    )
    with sklearn.config_context(enable_metadata_routing=True):
        part = clone(model).set_fit_request(sample_weight=True, offset=True)
        part.set_predict_request(offset=True).set_score_request(sample_weight=True, offset=True)
        pipeline = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), part)
        pipeline.fit(X, y, sample_weight=c, offset=offset)
        Z = StandardScaler().fit_transform(X)
        alone = clone(model).fit(Z, y, c, offset)
        np.testing.assert_array_equal(pipeline.predict(X, offset=offset), alone.predict(Z, offset=offset))
        given = {"sample_weight": c, "offset": offset}
        assert pipeline.score(X, y, **given) == alone.score(Z, y, **given)
        scores = cross_validate(part, X, y, cv=KFold(3), params=given)["test_score"]
    train, test = next(KFold(3).split(X))
    first = clone(model).fit(X[train], y[train], c[train], offset[train])
    assert scores[0] == first.score(X[test], y[test], c[test], offset[test])


@choosing
def test_groups_are_routed(name, rows):
    model, X, y = clone(MODELS[name]).set_params(cv=GroupKFold(3)), rows[0], targets(MODELS[name], rows)
    groups = np.arange(120) // 10
    with sklearn.config_context(enable_metadata_routing=True):
        pipeline = make_pipeline(StandardScaler(), clone(model).set_fit_request(groups=True))
        pipeline.fit(X, y, groups=groups)
    Z = StandardScaler().fit_transform(X)
    splits = list(GroupKFold(3).split(Z, y, groups))
    by_hand = clone(model).set_params(cv=splits).fit(Z, y)
    np.testing.assert_array_equal(pipeline[-1].cv_results_["fold_errors"], by_hand.cv_results_["fold_errors"])


@choosing
@pytest.mark.parametrize("namespace", ["torch", "array_api_strict"])
def test_arrays_of_other_namespaces(name, rows, namespace, monkeypatch):
    xp = pytest.importorskip(namespace)
    monkeypatch.setenv("SCIPY_ARRAY_API", "1")
    device = xp.Device("device1") if hasattr(xp, "Device") else None
    X, y = rows[0], targets(MODELS[name], rows)
    y = np.unique(y, return_inverse=True)[1] if is_classifier(MODELS[name]) else y
    expected = clone(MODELS[name]).fit(X, y)
    with sklearn.config_context(array_api_dispatch=True):
        there, labels = xp.asarray(X, device=device), xp.asarray(y, device=device)
        found = clone(MODELS[name]).fit(there, labels)
        predicted = found.predict(there)
        assert type(found.coef_) is type(predicted) is type(there)
        np.testing.assert_allclose(as_numpy(predicted), expected.predict(X), rtol=1e-12)
        np.testing.assert_array_equal(as_numpy(found.coef_), expected.coef_)
        assert found.score(there, labels) == pytest.approx(expected.score(X, y))
        with pytest.raises(OneLayerError, match="sparsify"):
            found.sparsify()


@choosing
def test_sparse_coefficients(name, rows):
    model, X, y = MODELS[name], rows[0], targets(MODELS[name], rows)
    dense, found = clone(model).fit(X, y), clone(model).fit(X, y).sparsify()
    assert sparse.issparse(found.coef_)
    outputs = "decision_function" if is_classifier(model) else "predict"
    np.testing.assert_allclose(getattr(found, outputs)(X), getattr(dense, outputs)(X), rtol=1e-12, atol=1e-14)
    np.testing.assert_array_equal(found.densify().coef_, dense.coef_)


@every
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("several", [True, False])
def test_pipelines_as_onnx(name, rows, several):
    skl2onnx = pytest.importorskip("skl2onnx")
    onelayer.register_onnx()
    model, (X, y, labels) = clone(MODELS[name]), rows
    if is_classifier(model):
        y = labels if several else np.where(labels == "top", "top", "other")
    elif several:
        y = np.column_stack([y, X[:, 0] - y])
    pipeline = make_pipeline(StandardScaler(), model).fit(X, y)
    options = {id(model): {"zipmap": False}} if is_classifier(model) else None
    graph = skl2onnx.to_onnx(pipeline, X[:1], options=options)
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    first, *rest = session.run(None, {"X": X})
    if is_classifier(model):
        assert first.tolist() == pipeline.predict(X).tolist()
        np.testing.assert_allclose(rest[0], pipeline.predict_proba(X), atol=1e-6)
    else:
        np.testing.assert_allclose(first.reshape(y.shape), pipeline.predict(X), rtol=1e-10, atol=1e-10)


class Counter:
    """Counts the tasks that have ended, by name, and how many parts the whole was said to have."""

    def __init__(self):
        self.ended, self.parts = [], None

    def setup(self, estimator, context):
        pass

    def teardown(self, estimator, context):
        pass

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None):
        self.parts = context.max_subtasks if context.task_name == "fit" else self.parts

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None, metadata=None):
        self.ended.append(context.task_name)
        self.metadata = metadata


@choosing
def test_progress_of_a_choice(name, rows, capsys):
    callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks since 1.9")
    model, X, y = MODELS[name], rows[0], targets(MODELS[name], rows)
    seen, c = Counter(), np.ones(120)
    watched = clone(model).set_callbacks(seen, callback.ProgressBar()).fit(X, y, c)
    shown = capsys.readouterr().out
    assert f"{type(model).__name__} - fit" in shown and "100%" in shown
    # On the rows of 3 folds and on all, and one that shows that the last has ended.
    paths = seen.ended.count("path")
    assert (paths, seen.parts) == ((5, 5) if is_classifier(model) else (0, 0))
    assert seen.ended[-1] == "fit" and seen.metadata["sample_weight"] is c
    np.testing.assert_array_equal(watched.coef_, clone(model).fit(X, y, c).coef_)


# Weights of rows of 1e-4 beside 1e3, as one check has them, leave less of the gap to be seen than tol asks for.
@pytest.mark.filterwarnings("ignore:with 1 of 3 penalties:sklearn.exceptions.ConvergenceWarning")
@pytest.mark.filterwarnings("ignore::onelayer.errors.LinearDependenceWarning")
@parametrize_with_checks(
    [
        LinearRegressionCV(alphas=5),
        LinearRegressionCV(alphas=5, cv=3, rule="1se"),
        LinearRegressionCV(alphas=4, l1_ratio=[0.5, 1.0], cv=3),
        SoftmaxRegressionCV(Cs=3, cv=2),
        SoftmaxRegressionCV(Cs=3, cv=2, l1_ratio=0.5),
    ]
)
def test_scikit_learns_checks(estimator, check):
    check(estimator)
