"""The estimators: scikit-learn's contract, and other packages' numbers."""

import re

import numpy as np
import pandas as pd
import polars
import pyarrow as pa
import pytest
import statsmodels.api as statsmodels
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from onelayer.data import houses
from onelayer.errors import LinearDependenceWarning, OneLayerError
from onelayer.estimators import (
    LinearRegression,
    LinearRegressionCV,
    SoftmaxRegression,
    SoftmaxRegressionCV,
)
from onelayer.model import Model

NAMES = np.array(["cat", "chicken", "dog"])


@pytest.mark.filterwarnings("ignore::onelayer.errors.LinearDependenceWarning")
@parametrize_with_checks(
    [
        LinearRegression(),
        LinearRegression(alpha=1.0, fit_intercept=False),
        SoftmaxRegression(),
        SoftmaxRegression(solver="sgd"),
        LinearRegressionCV(),
        LinearRegressionCV(alphas=[10.0, 1.0], l1_ratio=[0.5, 1.0], cv=3, rule="1se"),
        SoftmaxRegressionCV(Cs=[0.1, 1.0], cv=3),
        SoftmaxRegressionCV(Cs=[0.1, 1.0], cv=3, l1_ratio=0.5),
    ]
)
def test_scikit_learn_contract(estimator, check):
    check(estimator)


@pytest.fixture(scope="module")
def table():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(200, 3)) * [1, 10, 0.1] + [0, 5, 1]
    y = X @ [1.0, -0.2, 3.0] + 4 + generator.normal(size=200)
    return X, y, generator.uniform(0.5, 2, 200)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_summary_is_that_of_statsmodels(table, intercept, weighted):
    X, y, c = table
    A = statsmodels.add_constant(X) if intercept else X
    theirs = statsmodels.WLS(y, A, weights=c).fit() if weighted else statsmodels.OLS(y, A).fit()
    model = LinearRegression(fit_intercept=intercept).fit(X, y, c if weighted else None)
    summary = model.summary()
    for ours, other in (
        (summary.estimate, theirs.params),
        (summary.std_err, theirs.bse),
        (summary.t, theirs.tvalues),
        (summary.interval, theirs.conf_int()),
        (model.sigma_, np.sqrt(theirs.scale)),
        (model.r2_, theirs.rsquared),
    ):
        np.testing.assert_allclose(ours, other, rtol=1e-9)
    np.testing.assert_allclose(summary.p, theirs.pvalues, rtol=1e-6)
    np.testing.assert_allclose(model.summary(confidence=0.8).interval, theirs.conf_int(0.2), rtol=1e-9)
    assert (summary.n, summary.degrees_of_freedom) == (200, theirs.df_resid)
    assert summary.terms == (("intercept",) if intercept else ()) + ("x1", "x2", "x3")


def test_summary_as_text_has_names_and_numbers():
    data = houses().train
    frame = pd.DataFrame(data.X, columns=["area", "age"])
    lines = str(LinearRegression().fit(frame, data.y[:, 0]).summary()).splitlines()
    assert lines[0].split() == ["estimate", "std.", "error", "t", "p", "95%", "from", "to"]
    assert [line.split()[0] for line in lines[1:4]] == ["intercept", "area", "age"]
    assert lines[2].split()[1] == "95.9151" and lines[1].split()[1] == "76513.9"
    assert lines[4].startswith("2930 rows, 2927 degrees of freedom") and "R² = 0.659" in lines[4]


def test_several_targets_are_as_many_regressions(table):
    X, y, _ = table
    Y = np.stack([y, y**2], axis=1)
    both = LinearRegression().fit(X, Y)
    assert both.coef_.shape == (2, 3) and both.predict(X).shape == (200, 2)
    for k in range(2):
        one = LinearRegression().fit(X, Y[:, k])
        for name in ("coef_", "intercept_", "std_err_", "intercept_std_err_", "sigma_", "r2_"):
            np.testing.assert_allclose(getattr(both, name)[k], getattr(one, name), rtol=1e-9)
        np.testing.assert_allclose(both.summary(target=k).t, one.summary().t, rtol=1e-8)


def test_where_there_are_no_standard_errors_the_reason_is_said(table):
    X, y, _ = table
    for model, reason in (
        (LinearRegression(alpha=1.0).fit(X, y), "penalty"),
        (LinearRegression().fit(X[:4], y[:4]), "4 rows are not more"),
    ):
        assert np.isnan(model.std_err_).all()
        with pytest.raises(OneLayerError, match=reason):
            model.summary()
    for confidence in (95, 0, 1, float("nan")):
        with pytest.raises(OneLayerError, match="confidence must be between 0 and 1"):
            LinearRegression().fit(X, y).summary(confidence=confidence)


def test_dependent_features_leave_the_errors_of_the_others(table):
    X, y, _ = table
    whole = LinearRegression().fit(X, y)
    with pytest.warns(LinearDependenceWarning, match="rank 3.* not determined by the data: x1, x4$"):
        twice = LinearRegression().fit(np.c_[X, X[:, 0]], y)
    assert twice.sigma_ == pytest.approx(whole.sigma_) and twice.r2_ == pytest.approx(whole.r2_)
    np.testing.assert_allclose(twice.std_err_, [np.nan, *whole.std_err_[1:], np.nan])
    assert twice.intercept_std_err_ == pytest.approx(whole.intercept_std_err_)
    lines = str(twice.summary()).splitlines()
    assert lines[2].split()[0] == "x1" and lines[2].split()[2:] == ["–"] * 5
    assert lines[-1].startswith("not determined, for features are linearly dependent: x1, x4;")


@pytest.mark.filterwarnings("ignore::onelayer.errors.LinearDependenceWarning")
def test_a_column_of_ones_beside_the_intercept_and_a_year_beside_its_dummies(table):
    X, y, _ = table
    whole = LinearRegression().fit(X, y)
    ones = LinearRegression().fit(np.c_[X, np.ones(200)], y)
    np.testing.assert_allclose(ones.std_err_, [*whole.std_err_, np.nan])
    assert np.isnan(ones.intercept_std_err_) and ones.coef_[3] == 0
    year = 2000 + np.arange(200) % 4
    dummies = LinearRegression().fit(np.c_[X, year, year[:, None] == np.unique(year)], y)
    baseline = LinearRegression().fit(np.c_[X, year[:, None] == np.unique(year)[1:]], y)
    np.testing.assert_allclose(dummies.std_err_[:3], baseline.std_err_[:3], rtol=1e-9)
    assert np.isnan(dummies.std_err_[3:]).all() and np.isnan(dummies.intercept_std_err_)
    assert dummies.sigma_ == pytest.approx(baseline.sigma_)


def test_a_perfect_fit_and_a_constant_target_have_no_t_and_p(table):
    X, y, _ = table
    for target, note in (
        (np.full(200, 3.7), "the target does not vary"),
        (X @ [1.0, 2.0, 3.0] + 4, "an essentially perfect fit"),
        (np.zeros(200), "the target does not vary"),
    ):
        summary = LinearRegression().fit(X, target).summary()
        assert np.isnan(summary.t).all() and np.isnan(summary.p).all()
        assert note in str(summary).splitlines()[-1]
    assert "perfect" not in str(LinearRegression().fit(X, y).summary())


@pytest.mark.parametrize(
    "wrong",
    [{"solver": "lbfgs"}, {"alpha": -1.0}, {"alpha": float("nan")}, {"alpha": "1"}, {"fit_intercept": None}],
)
def test_parameters_of_a_wrong_type_or_out_of_range(table, wrong):
    [(name, value)] = wrong.items()
    message = f"The '{name}' parameter of LinearRegression must be .* Got {value!r} instead"
    with pytest.raises(OneLayerError, match=message):
        LinearRegression(**wrong).fit(*table[:2])


def test_former_names_of_solvers_still_work(table):
    for name in ("cholesky", "qr"):
        with pytest.warns(FutureWarning, match=f"solver='{name}' is called 'direct' now"):
            assert LinearRegression(solver=name).fit(*table[:2]).solver_ == "direct"


def test_r2_of_a_target_that_does_not_vary_is_nan(table):
    X, y, c = table
    for constant in (3.0, 0.1, 1e9 / 3):
        same = np.full(200, constant)
        for weights in (None, c):
            assert np.isnan(LinearRegression().fit(X, same, weights).r2_)
        varied = LinearRegression().fit(X, np.stack([same, y], axis=1))
        assert np.isnan(varied.r2_[0]) and varied.r2_[1] > 0.5
    nearly = 1e6 + 1e-4 * y  # varies by little, but by more than rounding
    exact = LinearRegression().fit(X, nearly - 1e6)
    assert LinearRegression().fit(X, nearly).r2_ == pytest.approx(exact.r2_, rel=1e-6)
    assert np.isnan(LinearRegression(fit_intercept=False).fit(X, 0 * y).r2_)


def test_tables_of_all_kinds(table):
    X, y, _ = table
    names = ["a", "b", "c"]
    expected = LinearRegression().fit(X, y)
    columns = dict(zip(names, X.T, strict=True))
    for frame in (pd.DataFrame(columns), polars.DataFrame(columns), pa.table(columns)):
        model = LinearRegression().fit(frame, y)
        np.testing.assert_allclose(model.coef_, expected.coef_)
        np.testing.assert_allclose(model.predict(frame), expected.predict(X))
        assert list(model.feature_names_in_) == names


def test_float32_features_lose_nothing(table):
    X, y, _ = table
    X, y = X.astype(np.float32), y.astype(np.float32)
    model, wide = LinearRegression().fit(X, y), LinearRegression().fit(X.astype(float), y.astype(float))
    assert model.coef_.dtype == model.predict(X).dtype == np.float64
    np.testing.assert_array_equal(model.coef_, wide.coef_)
    np.testing.assert_array_equal(model.predict(X), wide.predict(X.astype(float)))


def test_residuals_of_features_far_from_zero_are_as_sigma_says():
    generator = np.random.default_rng(0)
    day = (20240000 + generator.integers(0, 2000, 300)).astype(np.float32)[:, None]
    y = 0.013 * (day[:, 0].astype(float) - 20240000) + 1e-3 * generator.normal(size=300)
    model = LinearRegression().fit(day, y)
    residuals = y - model.predict(day)
    assert model.sigma_ == pytest.approx(np.sqrt(residuals @ residuals / 298), rel=1e-6)


@pytest.fixture(scope="module")
def classes():
    generator = np.random.default_rng(1)
    X = generator.normal(size=(400, 5))
    labels = (X @ generator.normal(size=(5, 3)) + generator.gumbel(size=(400, 3))).argmax(axis=1)
    return X, NAMES[labels], generator.uniform(0.2, 2, 400)


@pytest.mark.parametrize("q", [2, 3])
@pytest.mark.parametrize("class_weight", [None, "balanced", {"cat": 3.0, "chicken": 0.5}])
@pytest.mark.parametrize("weighted", [True, False])
def test_softmax_regression_is_scikit_learns(classes, q, class_weight, weighted):
    X, y, c = classes
    if q == 2:
        X, y, c = X[y != "dog"], y[y != "dog"], c[y != "dog"]
    c = c if weighted else None
    ours = SoftmaxRegression(C=0.7, class_weight=class_weight, tol=1e-12).fit(X, y, c)
    theirs = LogisticRegression(C=0.7, class_weight=class_weight, tol=1e-10, max_iter=5_000).fit(X, y, c)
    assert ours.coef_.shape == theirs.coef_.shape and list(ours.classes_) == list(theirs.classes_)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=1e-5)
    for name in ("decision_function", "predict_proba", "predict_log_proba"):
        found, expected = getattr(ours, name)(X), getattr(theirs, name)(X)
        centre = found.mean(axis=1, keepdims=True) if name == "decision_function" and q > 2 else 0
        other = expected.mean(axis=1, keepdims=True) if name == "decision_function" and q > 2 else 0
        np.testing.assert_allclose(found - centre, expected - other, atol=1e-5)
    assert (ours.predict(X) == theirs.predict(X)).all()


def test_softmax_regression_says_how_far_it_is_from_the_minimum(classes):
    X, y, _ = classes
    best = SoftmaxRegression(tol=1e-12).fit(X, y)
    log_p = best.predict_log_proba(X)[np.arange(400), np.searchsorted(best.classes_, y)]
    assert best.objective_ == pytest.approx((best.coef_**2).sum() / 2 - log_p.sum())
    assert best.converged_ and best.gap_ <= 1e-12 * best.objective_
    assert best.n_iter_ == len(best.history_) and best.history_[-1] == pytest.approx(best.objective_)
    with pytest.warns(
        ConvergenceWarning, match=r"above its minimum by at most .* of itself.*max_iter was reached"
    ) as caught:
        short = SoftmaxRegression(max_iter=2).fit(X, y)
    assert caught[0].filename == __file__
    assert not short.converged_ and short.gap_ > short.objective_ - best.objective_ > 0


def test_softmax_regression_in_pipelines_and_searches(classes):
    X, y, c = classes
    frame = pd.DataFrame(X, columns=list("abcde"))
    scores = []
    for model in (SoftmaxRegression(tol=1e-10), LogisticRegression(tol=1e-8, max_iter=1_000)):
        pipeline = Pipeline([("scale", StandardScaler()), ("model", model)])
        search = GridSearchCV(pipeline, {"model__C": [0.001, 0.1, 10.0]}).fit(frame, y)
        scores.append(search.cv_results_["mean_test_score"].tolist())
    assert scores[0] == pytest.approx(scores[1])
    assert cross_val_score(SoftmaxRegression(), X, y).mean() > 0.6
    for table in (frame, polars.DataFrame(frame), pa.Table.from_pandas(frame)):
        model = SoftmaxRegression().fit(table, y, sample_weight=c)
        assert list(model.feature_names_in_) == list("abcde")
        np.testing.assert_allclose(model.predict_proba(table).sum(axis=1), 1)
    assert SoftmaxRegression().fit(X.astype(np.float32), y).coef_.dtype == np.float64


def test_rows_of_weight_zero_do_not_count(classes):
    X, y, _ = classes
    c = np.r_[np.ones(300), np.zeros(100)]
    np.testing.assert_allclose(
        SoftmaxRegression().fit(X, y, c).coef_, SoftmaxRegression().fit(X[:300], y[:300]).coef_, atol=1e-3
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"C": 0},
        {"C": "1"},
        {"tol": -1.0},
        {"tol": None},
        {"max_iter": 0},
        {"max_iter": 1.5},
        {"solver": "saga"},
        {"class_weight": [1, 2, 3]},
        {"lr": 0.0},
        {"lr": "fast"},
        {"batch_size": 0},
        {"epochs": 2.0},
        {"random_state": "now"},
        {"device": None},
    ],
)
def test_softmax_parameters_of_a_wrong_type_or_out_of_range(classes, wrong):
    [(name, value)] = wrong.items()
    message = f"The '{name}' parameter of SoftmaxRegression must be .* Got {re.escape(repr(value))} instead"
    with pytest.raises(OneLayerError, match=message):
        SoftmaxRegression(**wrong).fit(*classes[:2])


@pytest.mark.parametrize("solver", ["newton", "sgd"])
def test_class_weights_that_make_no_sense(classes, solver):
    X, y, _ = classes
    for wrong, message in (
        ({"cat": 0, "chicken": 0, "dog": 0}, "no row has a weight above 0"),
        ({"cat": -1.0}, "class_weight must be finite and not negative"),
        ({"dog": float("nan")}, "class_weight must be finite and not negative"),
        ({"dog": "heavy"}, "class_weight: could not convert"),
        ({"dog": None}, "class_weight must be finite and not negative"),
        ({"horse": 1.0}, "class_weight: The classes"),
    ):
        with pytest.raises(OneLayerError, match=message):
            SoftmaxRegression(solver=solver, class_weight=wrong).fit(X, y)


def test_predictions_come_in_no_containers_so_there_is_no_set_output(table):
    """scikit-learn's ``set_output`` is for transformers: what ``predict`` returns is an array for every input."""
    X, y, _ = table
    for model in (LinearRegression(), SoftmaxRegression()):
        assert not hasattr(model, "set_output") and not hasattr(model, "transform")
    frame = pd.DataFrame(X, columns=list("abc"))
    assert type(LinearRegression().fit(frame, y).predict(frame)) is np.ndarray


def test_one_class_is_nothing_to_learn(classes):
    with pytest.raises(OneLayerError, match="one class only"):
        SoftmaxRegression().fit(classes[0], ["cat"] * 400)


@pytest.mark.parametrize(
    "labels", ["text", "objects", "integers", "small integers", "booleans", "whole floats"]
)
def test_a_saved_classifier_predicts_as_before(classes, labels, tmp_path):
    X, y, _ = classes
    y = {
        "text": y,
        "objects": y.astype(object),
        "integers": np.searchsorted(NAMES, y) * 7,
        "small integers": np.searchsorted(NAMES, y).astype(np.int8),
        "booleans": y == "cat",
        "whole floats": np.searchsorted(NAMES, y).astype(np.float32),
    }[labels]
    model = SoftmaxRegression(C=0.5, class_weight={y[0]: 2.0}).fit(pd.DataFrame(X, columns=list("abcde")), y)
    model.save(tmp_path / "model.safetensors")
    loaded = SoftmaxRegression.load(tmp_path / "model.safetensors")
    frame = pd.DataFrame(X, columns=list("abcde"))
    assert (loaded.predict(frame) == model.predict(frame)).all() and loaded.predict(frame).dtype == y.dtype
    np.testing.assert_array_equal(loaded.predict_proba(frame), model.predict_proba(frame))
    assert loaded.get_params() == model.get_params() and loaded.gap_ == model.gap_
    assert loaded.feature_names_in_.dtype == model.feature_names_in_.dtype == object


def test_a_saved_regression_has_its_statistics(table, tmp_path):
    X, y, _ = table
    for targets in (y, np.stack([y, -y], axis=1)):
        model = LinearRegression().fit(X, targets)
        model.save(tmp_path / "m")
        loaded = LinearRegression.load(tmp_path / "m")
        np.testing.assert_array_equal(loaded.predict(X), model.predict(X))
        assert str(loaded.summary()) == str(model.summary())


def test_parameters_from_numpy_are_saved_as_pythons(classes, tmp_path):
    X, y, _ = classes
    weights = dict(zip(NAMES, np.array([1, 2, 3], np.float32), strict=True))
    model = SoftmaxRegression(C=np.float32(2), max_iter=np.int64(500), class_weight=weights).fit(X, y)
    model.save(tmp_path / "m")
    loaded = SoftmaxRegression.load(tmp_path / "m")
    assert loaded.get_params() == model.get_params() and loaded.history_ == model.history_
    assert type(loaded.C) is float and type(loaded.max_iter) is int
    np.testing.assert_array_equal(loaded.fit(X, y).coef_, model.coef_)


def test_what_has_no_form_in_a_file_is_named(classes, tmp_path):
    X, y, _ = classes
    generator = np.random.RandomState(0)
    stream = SoftmaxRegression(solver="sgd", epochs=1, random_state=generator).fit(X, y)
    with pytest.raises(OneLayerError, match=r"cannot be saved: params\.random_state must be"):
        stream.save(tmp_path / "m")
    model = LinearRegression().fit(X, X[:, 0])
    model.coef_[1] = np.nan
    with pytest.raises(OneLayerError, match="cannot be saved: coef_ must be finite"):
        model.save(tmp_path / "m")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("q", [2, 3])
def test_a_saved_classifier_is_a_model(classes, q, tmp_path):
    X, y, _ = classes
    frame, y = pd.DataFrame(X, columns=list("abcde")), np.where(y == NAMES[q % 3], "cow", y)
    model = SoftmaxRegression().fit(frame, y)
    model.save(tmp_path / "m")
    same = Model.load(tmp_path / "m")
    assert same.predict(frame).tolist() == model.predict(frame).tolist()
    np.testing.assert_allclose(same.predict_proba(X), model.predict_proba(frame), rtol=1e-13)


def test_files_that_are_no_such_estimator(classes, tmp_path):
    for kind in (OneLayerError, NotFittedError):
        with pytest.raises(kind, match="not fitted"):
            LinearRegression().save(tmp_path / "m")
    assert not list(tmp_path.iterdir())
    SoftmaxRegression().fit(*classes[:2]).save(tmp_path / "m")
    with pytest.raises(OneLayerError, match="holds a SoftmaxRegression, not a LinearRegression"):
        LinearRegression.load(tmp_path / "m")
    (tmp_path / "n").write_text("nothing")
    with pytest.raises(OneLayerError, match="n: damaged or not a file of onelayer"):
        LinearRegression.load(tmp_path / "n")
    with pytest.raises(OneLayerError, match="cannot be read"):
        LinearRegression.load(tmp_path / "absent")


@pytest.mark.parametrize("kind", [LinearRegression, SoftmaxRegression])
def test_dates_and_integers_that_would_merge_are_refused(kind):
    days = pd.date_range("2024-01-01", periods=6)
    y = np.arange(6) % 2
    gap = days.to_series().reset_index(drop=True)
    gap[2] = pd.NaT
    for wrong in (days.to_numpy()[:, None], pd.DataFrame({"day": days}), pd.DataFrame({"day": gap, "x": y})):
        with pytest.raises(OneLayerError, match="dates or times, which are not numbers"):
            kind().fit(wrong, y)
    model = kind().fit(np.arange(6.0)[:, None], y)
    with pytest.raises(OneLayerError, match="dates or times"):
        model.predict(days.to_numpy("datetime64[ns]")[:, None])
    with pytest.raises(OneLayerError, match="the integer 9007199254740993"):
        kind().fit(np.full((6, 1), 2**53 + 1) + np.arange(6)[:, None] * 2, y)
    kind().fit(2**53 + np.arange(6)[:, None] * 2**50, y)


def test_dates_are_no_target():
    with pytest.raises(OneLayerError, match="dates or times"):
        LinearRegression().fit(np.arange(6.0)[:, None], pd.date_range("2024-01-01", periods=6))
