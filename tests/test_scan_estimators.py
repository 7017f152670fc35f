"""Estimators that are given a scan learn what they learn from the same rows as arrays, and say the same of it."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from onelayer import (
    LinearRegression,
    LinearRegressionCV,
    OneLayerError,
    SoftmaxRegression,
    SoftmaxRegressionCV,
    scan,
)
from onelayer.engines.threads import Threads
from onelayer.selection.splits import splits_by

FEATURES = ["a", "b", "c"]
N = 3_000


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """A folder of three files of several row groups, their rows, and the features as arrays."""
    folder = tmp_path_factory.mktemp("lake")
    generator = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "a": generator.normal(size=N),
            "b": generator.integers(0, 9, N),
            "c": generator.choice(["x", "y", "z"], N),
            "w": generator.integers(0, 3, N).astype(float),
            "off": generator.normal(size=N),
        }
    )
    frame["y"] = (
        2 * frame["a"] + frame["b"] - 3 * (frame["c"] == "y") + frame["off"] + generator.normal(size=N)
    )
    scores = frame["a"].to_numpy()[:, None] * [0, 1, -1] + generator.gumbel(size=(N, 3))
    frame["k"] = scores.argmax(axis=1)
    frame["two"] = np.where(scores[:, 0] + frame["off"] > scores[:, 1], "no", "yes")
    for i, part in enumerate(np.array_split(np.arange(N), 3)):
        table = pa.Table.from_pandas(frame.iloc[part])
        pq.write_table(table, folder / f"{i}.parquet", row_group_size=400)
    X = np.c_[frame["a"], frame["b"], frame["c"] == "y", frame["c"] == "z"].astype(float)
    return folder, frame, X


@pytest.fixture(autouse=True)
def many_units(monkeypatch):
    monkeypatch.setattr("onelayer.data.units.LEAST_UNIT", 3_000)


def arrays_for(frame, beside):
    """Return what arrays need beside X and y for what a scan is told."""
    weight = frame["w"].to_numpy() if "weight" in beside else None
    return {"sample_weight": weight, "offset": frame["off"].to_numpy() if "offset" in beside else None}


@pytest.mark.parametrize("beside", [{}, {"weight": "w"}, {"offset": "off"}, {"weight": "w", "offset": "off"}])
def test_linear_regression(lake, beside):
    folder, frame, X = lake
    rows, given = scan(folder, "y", FEATURES, **beside), arrays_for(frame, beside)
    assert len(rows.units) > 3
    found, expected = LinearRegression().fit(rows), LinearRegression().fit(X, frame["y"], **given)
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=1e-11)
    np.testing.assert_allclose(found.intercept_, expected.intercept_, rtol=1e-11)
    assert found.feature_names_in_.tolist() == ["a", "b", "c=y", "c=z"]
    for cov in ("classical", "HC0", "HC1", "HC2", "HC3"):
        theirs = expected.summary(cov=cov)
        np.testing.assert_allclose(found.summary(cov=cov).std_err, theirs.std_err, rtol=1e-9)
    goodness = found.summary().goodness
    assert goodness.log_likelihood == pytest.approx(expected.summary().goodness.log_likelihood, rel=1e-10)
    assert found.score(rows) == pytest.approx(expected.score(X, frame["y"], **given), rel=1e-10)
    predicted = expected.predict(X, offset=given["offset"])
    np.testing.assert_allclose(found.predict(rows), predicted, rtol=1e-10)


@pytest.mark.parametrize("how", [{"l1_ratio": 0.5, "alpha": 100.0}, {"positive": True}, {"alpha": 3.0}])
def test_linear_regression_with_a_penalty(lake, how):
    folder, frame, X = lake
    found, expected = (
        LinearRegression(**how).fit(scan(folder, "y", FEATURES)),
        LinearRegression(**how).fit(X, frame["y"]),
    )
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-7)


@pytest.mark.parametrize("beside", [{}, {"weight": "w"}, {"offset": "off"}])
@pytest.mark.parametrize("target", ["k", "two"])
@pytest.mark.parametrize(
    "how",
    [
        {},
        {"C": np.inf},
        {"l1_ratio": 0.5, "C": 0.1},
        {"class_weight": "balanced"},
        {"solver": "lbfgs", "tol": 1e-9},
    ],
)
def test_softmax_regression(lake, target, beside, how):
    folder, frame, X = lake
    if target == "k" and "offset" in beside:
        pytest.skip("a column is the offset of one logit, and here are three")
    rows, given = scan(folder, target, FEATURES, as_classes=True, **beside), arrays_for(frame, beside)
    found = SoftmaxRegression(**{"tol": 1e-11, **how}).fit(rows)
    expected = SoftmaxRegression(**{"tol": 1e-11, **how}).fit(X, frame[target], **given)
    assert found.classes_.tolist() == expected.classes_.tolist()
    apart = abs(found.objective_ - expected.objective_)
    assert apart <= found.gap_ + expected.gap_ + 1e-12 * expected.objective_
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-4)
    proba = expected.predict_proba(X, offset=given["offset"])
    np.testing.assert_allclose(found.predict_proba(rows), proba, atol=1e-4)
    first, second = np.sort(proba, axis=1)[:, :-3:-1].T
    undecided = int((first - second <= 2e-4).sum())
    score = expected.score(X, frame[target], **given)
    assert found.score(rows) == pytest.approx(score, abs=(1 + undecided) / N)
    if "l1_ratio" not in how:
        for cov in ("classical", "HC1", "HC3"):
            theirs = expected.summary(cov=cov).coefficients.std_err
            np.testing.assert_allclose(found.summary(cov=cov).coefficients.std_err, theirs, rtol=1e-4)


def test_what_a_scan_cannot_be_asked(lake):
    folder, frame, X = lake
    numbers, classes = scan(folder, "y", FEATURES), scan(folder, "two", FEATURES)
    with pytest.raises(OneLayerError, match="'two' holds classes, and LinearRegression predicts numbers"):
        LinearRegression().fit(classes)
    with pytest.raises(OneLayerError, match=r"'y' holds numbers, .*as_classes=True"):
        SoftmaxRegression().fit(numbers)
    with pytest.raises(OneLayerError, match="a scan has its own y"):
        LinearRegression().fit(numbers, frame["y"])
    with pytest.raises(OneLayerError, match="a scan has its own sample_weight"):
        SoftmaxRegression().fit(classes, sample_weight=np.ones(N))
    fitted = LinearRegression().fit(numbers)
    with pytest.raises(OneLayerError, match="such as 'off'"):
        fitted.predict(scan(folder, "y", ["a", "b", "off", "w"]))
    with pytest.raises(OneLayerError, match="has 2 features, and LinearRegression was fitted to 4"):
        fitted.score(scan(folder, "y", ["a", "b"]))
    for cov in ("cluster", "HAC"):
        with pytest.raises(OneLayerError, match="have to be in memory: use HC0 to HC3"):
            fitted.summary(cov=cov, groups=frame["c"] if cov == "cluster" else None)
    with pytest.raises(OneLayerError, match="the rows are in files: fit a sample"):
        fitted.diagnostics()
    named = pd.DataFrame(X, columns=fitted.feature_names_in_)
    np.testing.assert_allclose(fitted.predict(named), fitted.predict(numbers), rtol=1e-12)


def test_a_class_of_which_no_row_has_a_weight_is_named(lake, tmp_path):
    _, frame, _ = lake
    changed = frame.assign(w=np.where(frame["k"] == 1, 0.0, 1.0))
    pq.write_table(pa.Table.from_pandas(changed), tmp_path / "t.parquet")
    rows = scan(tmp_path / "t.parquet", "k", FEATURES, as_classes=True, weight="w")
    with pytest.raises(OneLayerError, match="no row of class 1 has a weight"):
        SoftmaxRegression().fit(rows)


@pytest.fixture(scope="module")
def categories(tmp_path_factory):
    """A file of categories and booleans, with few combinations."""
    folder, generator, n = tmp_path_factory.mktemp("categories"), np.random.default_rng(4), 20_000
    frame = pd.DataFrame(
        {
            "a": generator.choice(["p", "q", "r"], n),
            "b": generator.choice([False, True], n),
            "c": generator.choice(["u", "v"], n),
            "w": generator.integers(0, 4, n).astype(float),
        }
    )
    scores = (frame["a"] == "q").to_numpy()[:, None] * [0, 1, 2] + frame["b"].to_numpy()[:, None] * [1, 0, -1]
    frame["k"] = np.array(["x", "y", "z"])[(scores + generator.gumbel(size=(n, 3))).argmax(axis=1)]
    pq.write_table(pa.Table.from_pandas(frame), folder / "t.parquet", row_group_size=1_000)
    return folder, frame


@pytest.mark.parametrize("weight", [None, "w"])
@pytest.mark.parametrize("how", [{}, {"l1_ratio": 0.5, "C": 0.1}, {"C": np.inf, "class_weight": "balanced"}])
def test_rows_that_repeat_are_counted_once(categories, monkeypatch, weight, how):
    folder, frame = categories
    rows = scan(folder, "k", ["a", "b", "c"], weight=weight)
    walk, passes = Threads.sum, []
    monkeypatch.setattr(Threads, "sum", lambda *args: passes.append(1) or walk(*args))
    found = SoftmaxRegression(tol=1e-9, **how).fit(rows)
    assert len(passes) <= 3
    X = np.c_[frame["a"] == "q", frame["a"] == "r", frame["b"], frame["c"] == "v"].astype(float)
    c = None if weight is None else frame["w"].to_numpy()
    expected = SoftmaxRegression(tol=1e-9, **how).fit(X, frame["k"], sample_weight=c)
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=2e-5)
    assert found.objective_ == pytest.approx(expected.objective_, rel=2e-9)
    for cov in ("classical", "HC3") if "l1_ratio" not in how else ():
        ours, theirs = found.summary(cov=cov), expected.summary(cov=cov)
        np.testing.assert_allclose(ours.std_err, theirs.std_err, rtol=1e-4)


def test_combinations_are_numbered(categories):
    rows = scan(categories[0], "k", ["a", "b", "c"])
    alike = rows.distinct()
    assert len(alike) == 3 * 2 * 2 * 3 and alike.c.sum() == 20_000
    frame = categories[1]
    X = np.c_[frame["a"] == "q", frame["a"] == "r", frame["b"], frame["c"] == "v"].astype(int)
    table = np.c_[X, frame["k"].map({"x": 0, "y": 1, "z": 2})]
    expected = {tuple(row): n for row, n in zip(*np.unique(table, axis=0, return_counts=True), strict=True)}
    found = {tuple(row): n for row, n in zip(np.c_[alike.X, alike.y].astype(int), alike.c, strict=True)}
    assert found == expected


def test_numbers_and_many_combinations_are_not_counted(lake, categories, monkeypatch):
    rows = scan(lake[0], "two", FEATURES)
    assert rows.distinct() is rows
    rows = scan(categories[0], "k", ["a", "b", "c"])
    monkeypatch.setattr("onelayer.data.distinct.MOST", 4 * 36 - 1)
    assert rows.distinct() is rows
    monkeypatch.undo()
    monkeypatch.setattr("onelayer.data.scan.REPEATS", 20_000 // 36 + 1)
    assert rows.distinct() is rows


def folds_of_units(rows, n_folds):
    """Return splits of the rows that leave out every K-th unit, as a scan does."""
    return splits_by(np.repeat(np.arange(len(rows.units)) % n_folds, [unit.n for unit in rows.units]))


@pytest.mark.parametrize("beside", [{}, {"weight": "w"}, {"offset": "off"}, {"weight": "w", "offset": "off"}])
@pytest.mark.parametrize("how", [{}, {"l1_ratio": [0.0, 0.5]}, {"positive": True, "rule": "1se"}])
def test_a_penalty_of_least_squares_is_chosen_by_units(lake, beside, how):
    folder, frame, X = lake
    rows, given = scan(folder, "y", FEATURES, **beside), arrays_for(frame, beside)
    found = LinearRegressionCV(alphas=8, cv=3, **how).fit(rows)
    expected = LinearRegressionCV(alphas=8, cv=folds_of_units(rows, 3), **how).fit(X, frame["y"], **given)
    for name in ("alpha", "mean_error", "standard_error", "fold_errors"):
        np.testing.assert_allclose(found.cv_results_[name], expected.cv_results_[name], rtol=1e-6)
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-7)
    assert (found.alpha_, found.l1_ratio_) == pytest.approx((expected.alpha_, expected.l1_ratio_))


@pytest.mark.parametrize("beside", [{}, {"weight": "w"}])
@pytest.mark.parametrize("how", [{}, {"l1_ratio": 0.5}, {"class_weight": "balanced"}])
def test_a_penalty_of_softmax_regression_is_chosen_by_units(lake, beside, how):
    folder, frame, X = lake
    rows, given = scan(folder, "two", FEATURES, **beside), arrays_for(frame, beside)
    found = SoftmaxRegressionCV(Cs=4, cv=3, tol=1e-9, **how).fit(rows)
    splits = folds_of_units(rows, 3)
    expected = SoftmaxRegressionCV(Cs=4, cv=splits, tol=1e-9, **how).fit(X, frame["two"], **given)
    for name in ("C", "mean_error", "standard_error", "fold_errors"):
        np.testing.assert_allclose(found.cv_results_[name], expected.cv_results_[name], rtol=1e-5)
    assert pytest.approx(expected.C_) == found.C_ and found.classes_.tolist() == ["no", "yes"]
    np.testing.assert_allclose(found.coef_, expected.coef_, atol=1e-4)


def test_folds_of_a_scan_are_parts_of_files(lake, tmp_path):
    folder, frame, _ = lake
    rows = scan(folder, "y", FEATURES)
    with pytest.raises(
        OneLayerError, match=r"100 folds of the files need as many parts, and there are \d+: choose"
    ):
        LinearRegressionCV(cv=100).fit(rows)
    with pytest.raises(OneLayerError, match="cv is their number"):
        LinearRegressionCV(cv=[([0], [1])]).fit(rows)
    with pytest.raises(OneLayerError, match="a scan has its own sample_weight"):
        LinearRegressionCV(cv=2).fit(rows, None, np.ones(N))
    with pytest.raises(OneLayerError, match="leave scoring out"):
        SoftmaxRegressionCV(scoring="accuracy").fit(scan(folder, "two", FEATURES))
    table = pa.Table.from_pandas(frame.sort_values("two"))
    pq.write_table(table, tmp_path / "sorted.parquet", row_group_size=1_000)
    with pytest.raises(OneLayerError, match="fold 1 leaves out all rows of class 'no'"):
        SoftmaxRegressionCV(cv=2).fit(scan(tmp_path, "two", FEATURES).take(np.array([0, 2])))
