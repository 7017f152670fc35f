"""scikit-learn's callbacks: what they are told of a fit, and what they may ask of it."""

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from onelayer.errors import OneLayerError
from onelayer.estimators import LinearRegression, SoftmaxRegression

callback = pytest.importorskip("sklearn.callback", reason="scikit-learn has callbacks since 1.9")
SOLVERS = ["newton", "lbfgs", "newton-cg", "sgd"]


class Recorder:
    """Notes every call, the estimators that it is given, and stops after some steps."""

    def __init__(self, stop_after=None):
        self.calls, self.models, self.stop_after = [], [], stop_after

    def setup(self, estimator, context):
        self.calls.append(("setup", context.task_name))

    def teardown(self, estimator, context):
        self.calls.append(("teardown", context.task_name))

    def on_fit_task_begin(self, estimator, context, *, X=None, y=None):
        assert X is not None and len(X) == len(y)
        self.calls.append(("begin", context.task_name, context.max_subtasks))

    def on_fit_task_end(self, estimator, context, *, fitted_estimator=None, metadata=None):
        self.calls.append(("end", context.task_name))
        self.metadata = metadata
        if fitted_estimator is not None and context.parent is not None:
            self.models.append(fitted_estimator)
        return self.stop_after is not None and len(self.models) >= self.stop_after


@pytest.fixture(scope="module")
def rows():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(400, 3)) * [1, 10, 0.1] + [0, 5, 1]
    logits = (X - X.mean(axis=0)) / X.std(axis=0) @ generator.normal(size=(3, 3)) * 2
    return X, (logits + generator.gumbel(size=(400, 3))).argmax(axis=1)


def objective(model, X, y):
    P = model.predict_log_proba(X)
    return 0.5 * np.square(model.coef_).sum() - model.C * P[np.arange(len(y)), y].sum()


@pytest.mark.parametrize("solver", SOLVERS)
def test_each_step_is_told_and_its_model_predicts(rows, solver):
    X, y = rows
    seen = Recorder()
    model = SoftmaxRegression(solver=solver, epochs=4, random_state=0).set_callbacks(seen).fit(X, y)
    n_steps = len(seen.models)
    kind, most = ("epoch", 5) if solver == "sgd" else ("step", 1001)
    assert seen.calls[0] == ("setup", "fit") and seen.calls[-1] == ("teardown", "fit")
    assert seen.calls[1] == ("begin", "fit", most)
    assert [call[0] for call in seen.calls if call[1] == kind] == ["begin", "end"] * (n_steps + 1)
    assert n_steps == (4 if solver == "sgd" else len(model.history_) - 1)
    for step, found in enumerate(seen.models):
        assert found is not model and found.predict(X).shape == (400,)
        if solver != "sgd":
            assert objective(found, X, y) == pytest.approx(model.history_[step + 1], rel=1e-9)
    assert not [
        name for name in vars(model) if "callback_" in name
    ]  # nothing is left behind but the callbacks


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_fit_that_is_stopped_is_the_model_of_that_step_and_knows_its_gap(rows, solver):
    X, y = rows
    seen = Recorder(stop_after=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # who stops it need not be told that it has not converged
        model = SoftmaxRegression(solver=solver, random_state=0).set_callbacks(seen).fit(X, y)
    assert len(seen.models) == 2
    np.testing.assert_allclose(model.coef_, seen.models[-1].coef_, rtol=1e-12)
    assert model.objective_ == pytest.approx(objective(model, X, y), rel=1e-12)
    if solver != "sgd":
        best = SoftmaxRegression(tol=1e-12).fit(X, y).objective_
        assert not model.converged_ and best >= model.objective_ - model.gap_ - 1e-9 * best


def test_callbacks_change_no_digit(rows):
    X, y = rows
    for solver in SOLVERS:
        plain = SoftmaxRegression(solver=solver, epochs=3, random_state=0).fit(X, y)
        watched = clone(plain).set_callbacks(Recorder()).fit(X, y)
        np.testing.assert_array_equal(plain.coef_, watched.coef_)


def test_wide_rows_are_watched_in_their_own_columns():
    generator = np.random.default_rng(1)
    X, y = generator.normal(size=(30, 600)), np.arange(30) % 3
    seen = Recorder()
    model = SoftmaxRegression(tol=1e-10).set_callbacks(seen).fit(X, y)
    assert [found.coef_.shape for found in seen.models] == [(3, 600)] * len(seen.models)
    np.testing.assert_allclose(seen.models[-1].coef_, model.coef_, atol=1e-6)


def test_a_class_without_weight_is_in_the_models_of_steps(rows):
    X, y = rows
    seen = Recorder()
    SoftmaxRegression().set_callbacks(seen).fit(X, y, (y != 1).astype(float))
    assert seen.models[-1].coef_.shape == (3, 3) and set(seen.models[-1].predict(X)) == {0, 2}
    np.testing.assert_array_equal(seen.metadata["sample_weight"], y != 1)


def test_the_exact_solution_is_one_task(rows):
    X, y = rows
    seen = Recorder()
    LinearRegression().set_callbacks(seen).fit(X, y)
    assert seen.calls == [
        ("setup", "fit"),
        ("begin", "fit", 0),
        ("end", "fit"),
        ("teardown", "fit"),
    ]


@pytest.mark.parametrize("model", [LinearRegression(), SoftmaxRegression(), SoftmaxRegression(solver="sgd")])
def test_callbacks_are_torn_down_after_an_error(rows, model):
    X, y = rows
    seen = Recorder()
    with pytest.raises(ValueError, match="NaN"):
        clone(model).set_callbacks(seen).fit(np.full_like(X, np.nan), y)
    assert seen.calls[-1] == ("teardown", "fit")
    with pytest.raises(OneLayerError, match="fit_intercept"):
        clone(model).set_params(fit_intercept="yes").set_callbacks(Recorder()).fit(X, y)


def test_a_monitor_of_scores_in_a_pipeline(rows):
    X, y = pd.DataFrame(rows[0], columns=list("abc")), rows[1]
    monitor = callback.ScoringMonitor(scoring="neg_log_loss")
    model = SoftmaxRegression().set_callbacks(monitor)
    make_pipeline(StandardScaler(), model).fit(X, y)
    of_steps = [row["neg_log_loss"] for row in monitor.get_logs().data if row["task_name"] == "step"]
    assert len(of_steps) > 2 and of_steps[-1] > of_steps[0]
    model.fit(X, y)  # a table with names: the steps' models know them


def test_a_progress_bar_through_a_search(rows, capsys):
    X, y = rows
    search = GridSearchCV(SoftmaxRegression(max_iter=50), {"C": [0.1, 1.0]}, cv=2)
    search.set_callbacks(callback.ProgressBar(max_propagation_depth=None)).fit(X, y)
    shown = capsys.readouterr().out
    assert "GridSearchCV - fit" in shown and "SoftmaxRegression - fit" in shown and "100%" in shown
