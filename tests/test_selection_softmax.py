"""Choosing the penalty of softmax regression: brute force with our own estimator, and scikit-learn's choices."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.linear_model import LogisticRegression, LogisticRegressionCV
from sklearn.metrics import log_loss
from sklearn.model_selection import GridSearchCV, GroupKFold, StratifiedKFold, cross_val_score

from onelayer import OneLayerError, SoftmaxRegression, SoftmaxRegressionCV
from onelayer.data.rows import Rows
from onelayer.data.spool import Spool, Storage
from onelayer.penalties import ElasticNet, Ridge
from onelayer.selection.softmax import choose_C
from onelayer.selection.splits import splits_by, spread

CS = np.array([0.02, 0.2, 2.0])
NAMES = np.array(["a", "b", "c"])


def problem(q=3, n=90, d=6, seed=0):
    """Return features (n, d), names of classes (n,), weights with zeros, and offsets."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d)) + generator.normal(size=d)
    offset = generator.normal(size=(n, q)) / 2
    W = np.where(np.arange(d) < 3, 1.5 * generator.normal(size=(q, d)), 0)
    labels = (X @ W.T + offset + generator.gumbel(size=(n, q))).argmax(axis=1)
    return X, NAMES[labels], generator.uniform(0.2, 2, n) * (np.arange(n) % 7 > 0), offset


KINDS = [
    {},
    {"fit_intercept": False},
    {"l1_ratio": 1.0},
    {"l1_ratio": 0.5, "grouped": True},
    {"l1_ratio": 0.3, "penalty_factors": [0.0, 2.0, 1.0, 1.0, 1.0, 1.0]},
    {"lower": -0.5, "upper": 0.5},
    {"class_weight": "balanced"},
    {"class_weight": {"a": 3.0}, "l1_ratio": 0.5},
]


def balanced(kind, y, c):
    """Return the kind with the weights that balance the classes of all rows, which those of a fold would not."""
    if kind.get("class_weight") != "balanced":
        return kind
    sums = {name: c[y == name].sum() for name in np.unique(y).tolist()}
    return {**kind, "class_weight": {name: c.sum() / len(sums) / total for name, total in sums.items()}}


@pytest.mark.parametrize("q", [2, 3])
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("kind", KINDS)
def test_errors_of_folds_are_those_of_models_of_the_other_folds(kind, form, q):
    X, y, c, offset = problem(q)
    splits = list(StratifiedKFold(3, shuffle=True, random_state=0).split(X, y))
    model = SoftmaxRegressionCV(Cs=CS, cv=splits, tol=1e-8, **kind).fit(form(X), y, c, offset)
    by_hand, expected = balanced(kind, y, c), np.zeros((3, 3))
    for k, (train, test) in enumerate(splits):
        for a, C in enumerate(CS):
            part = SoftmaxRegression(C=C, tol=1e-8, **by_hand).fit(
                X[train], y[train], c[train], offset[train]
            )
            p = part.predict_proba(X[test], offset=offset[test])
            expected[a, k] = log_loss(y[test], p, sample_weight=c[test], labels=NAMES[:q])
    np.testing.assert_allclose(model.cv_results_["fold_errors"], expected, rtol=3e-5)
    mean = np.average(expected, axis=1, weights=[c[test].sum() for _, test in splits])
    np.testing.assert_allclose(model.cv_results_["mean_error"], mean, rtol=1e-5)
    assert CS[mean.argmin()] == model.C_
    for C, coef, intercept in zip(CS, model.path_["coef"], model.path_["intercept"], strict=True):
        alone = SoftmaxRegression(C=C, tol=1e-8, **kind).fit(X, y, c, offset)
        np.testing.assert_allclose(coef, alone.coef_, atol=1e-4)
        np.testing.assert_allclose(intercept, alone.intercept_, atol=1e-4)
    chosen = SoftmaxRegression(C=model.C_, tol=1e-8, **kind).fit(form(X), y, c, offset)
    np.testing.assert_array_equal(model.coef_, chosen.coef_)
    for name in ("predict", "predict_proba", "predict_log_proba", "decision_function"):
        found = getattr(model, name)(form(X), offset)
        np.testing.assert_array_equal(found, getattr(chosen, name)(form(X), offset=offset))
    assert model.score(X, y, c, offset) == chosen.score(X, y, c, offset)


@pytest.mark.parametrize("q", [2, 3])
def test_it_chooses_as_logistic_regression_cv_does(q):
    X, y, _, _ = problem(q)
    Cs, splits = np.geomspace(1e-3, 10, 7), list(StratifiedKFold(4).split(X, y))
    how = {"scoring": "neg_log_loss", "use_legacy_attributes": False, "l1_ratios": (0.0,)}
    theirs = LogisticRegressionCV(Cs=Cs, cv=splits, tol=1e-10, max_iter=10_000, **how).fit(X, y)
    model = SoftmaxRegressionCV(Cs=Cs, cv=splits, tol=1e-10).fit(X, y)
    np.testing.assert_allclose(model.cv_results_["fold_errors"].T, -np.squeeze(theirs.scores_), rtol=1e-5)
    assert model.C_ == theirs.C_
    np.testing.assert_allclose(model.coef_, theirs.coef_, atol=1e-4)


@pytest.mark.parametrize("scoring", ["accuracy", "roc_auc_ovr", "neg_brier_score"])
def test_errors_may_be_scores(scoring):
    X, y, c, _ = problem()
    splits = splits_by(spread(np.unique(y, return_inverse=True)[1], 3))
    model = SoftmaxRegressionCV(Cs=CS, cv=3, scoring=scoring).fit(X, y)
    for a, C in enumerate(CS):
        scores = cross_val_score(SoftmaxRegression(C=C), X, y, cv=splits, scoring=scoring)
        np.testing.assert_allclose(model.cv_results_["fold_errors"][a], -scores, rtol=1e-5)
    search = GridSearchCV(LogisticRegression(), {"C": CS}, cv=splits, scoring="accuracy").fit(X, y)
    by_accuracy = SoftmaxRegressionCV(Cs=CS, cv=3, scoring="accuracy").fit(X, y)
    assert search.best_params_["C"] == by_accuracy.C_
    weighted = SoftmaxRegressionCV(Cs=CS, cv=splits, scoring=scoring).fit(X, y, c)
    assert (weighted.cv_results_["fold_errors"] != model.cv_results_["fold_errors"]).any()


def test_scorers_know_the_offset():
    X, y, _, offset = problem()
    splits = list(StratifiedKFold(3).split(X, y))
    by_score = SoftmaxRegressionCV(Cs=CS, cv=splits, scoring="neg_log_loss").fit(X, y, offset=offset)
    by_loss = SoftmaxRegressionCV(Cs=CS, cv=splits).fit(X, y, offset=offset)
    for name in ("fold_errors", "mean_error", "standard_error"):
        np.testing.assert_allclose(by_score.cv_results_[name], by_loss.cv_results_[name], rtol=1e-8)


@pytest.mark.parametrize("kind", [{}, {"l1_ratio": 0.7}])
def test_a_weight_of_2_is_two_rows_in_the_same_fold(kind):
    X, y, _, _ = problem()
    twice = 1 + (np.arange(90) % 3 == 0)
    index, fold = np.repeat(np.arange(90), twice), spread(np.unique(y, return_inverse=True)[1], 3)
    given = {"Cs": CS, "tol": 1e-10, **kind}
    weighted = SoftmaxRegressionCV(cv=splits_by(fold), **given).fit(X, y, twice)
    repeated = SoftmaxRegressionCV(cv=splits_by(fold[index]), **given).fit(X[index], y[index])
    for name in ("fold_errors", "mean_error", "standard_error"):
        found, expected = weighted.cv_results_[name], repeated.cv_results_[name]
        np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-12)


def test_groups_stay_together():
    X, y, _, _ = problem()
    groups = np.arange(90) // 5
    model = SoftmaxRegressionCV(Cs=CS, cv=GroupKFold(4)).fit(X, y, groups=groups)
    same = SoftmaxRegressionCV(Cs=CS, cv=list(GroupKFold(4).split(X, y, groups))).fit(X, y)
    np.testing.assert_array_equal(model.cv_results_["fold_errors"], same.cv_results_["fold_errors"])


def test_penalties_by_their_number():
    X, y, c, _ = problem()
    ridge, lasso = (SoftmaxRegressionCV(l1_ratio=ratio, cv=3).fit(X, y, c) for ratio in (0.0, 1.0))
    for model in (ridge, lasso):
        assert len(model.path_["C"]) == 20 and (np.diff(model.path_["C"]) > 0).all()
    assert np.abs(ridge.path_["coef"][0]).max() < 0.05 * np.abs(ridge.path_["coef"][-1]).max()
    for factor, count in ((0.999, 0), (1.001, 1)):  # the path starts where the first feature comes in
        near = SoftmaxRegression(C=factor * lasso.path_["C"][0], l1_ratio=1.0).fit(X, y, c)
        assert np.count_nonzero(near.coef_.any(axis=0)) == count


def test_ratios_and_1se():
    X, y, _, _ = problem(seed=3)
    both = SoftmaxRegressionCV(Cs=8, l1_ratio=[0.0, 1.0], cv=5).fit(X, y)
    assert both.cv_results_["l1_ratio"].tolist() == [0.0] * 8 + [1.0] * 8
    at = both.cv_results_["mean_error"].argmin()
    assert (both.C_, both.l1_ratio_) == (both.cv_results_["C"][at], both.cv_results_["l1_ratio"][at])
    simpler = SoftmaxRegressionCV(Cs=8, l1_ratio=[0.0, 1.0], cv=5, rule="1se").fit(X, y)
    inside = both.cv_results_["l1_ratio"] == both.l1_ratio_
    limit = both.cv_results_["mean_error"][at] + both.cv_results_["standard_error"][at]
    within = inside & (both.cv_results_["mean_error"] <= limit)
    assert simpler.C_ == both.cv_results_["C"][within].min() < both.C_


def test_the_only_row_of_a_class_is_always_learned_from():
    X, y, _, _ = problem()
    y = np.where(np.arange(90) == 4, "alone", y)
    model = SoftmaxRegressionCV(Cs=CS, cv=3).fit(X, y)
    labels = np.unique(y, return_inverse=True)[1]
    same = SoftmaxRegressionCV(Cs=CS, cv=splits_by(spread(labels, 3))).fit(X, y)
    assert np.isfinite(model.cv_results_["fold_errors"]).all() and spread(labels, 3)[4] == -1
    np.testing.assert_array_equal(model.cv_results_["fold_errors"], same.cv_results_["fold_errors"])


def test_rows_of_a_file_are_those_in_memory():
    X, y, c, offset = problem()
    storage, labels = Storage(), np.unique(y, return_inverse=True)[1]
    storage.write(np.ascontiguousarray(X).tobytes())
    splits, kinds = splits_by(spread(labels, 3)), {0.0: Ridge(1.0), 0.5: ElasticNet(0.5, 0.5)}
    memory = choose_C(Rows(X, labels, "classes", c, offset=offset), NAMES, kinds, 4, splits)
    spool = Rows(Spool(storage, 6, 90), labels, "classes", c, offset=offset)
    from_file = choose_C(spool, NAMES, kinds, 4, splits)
    assert (from_file.penalty, from_file.l1_ratio) == (memory.penalty, memory.l1_ratio)
    np.testing.assert_allclose(from_file.path.errors.folds, memory.path.errors.folds, rtol=1e-4)


@pytest.mark.parametrize(("given", "message"), [
    ({"Cs": [1.0, -1.0]}, "positive numbers"),
    ({"Cs": [1.0, 1.0]}, "a penalty twice"),
    ({"Cs": [np.inf]}, "positive numbers"),
    ({"l1_ratio": [2.0]}, "l1_ratio must be a number from 0 to 1"),
    ({"rule": "2se"}, "rule"),
    ({"cv": 1}, "cv"),
    ({"cv": 91}, "cv must be from 2 to the number of rows, 90"),
    ({"scoring": "luck"}, "scoring"),
    ({"grouped": True}, "l1_ratio above 0"),
    ({"penalty_factors": [1.0]}, "penalty_factors must be a number or one for each of the 6 features"),
])  # fmt: skip
def test_what_cannot_be_is_refused(given, message):
    X, y, _, _ = problem()
    with pytest.raises(OneLayerError, match=message):
        SoftmaxRegressionCV(**given).fit(X, y)


def test_classes_that_folds_lack_are_refused_by_name():
    X, y, c, _ = problem()
    away = [(np.flatnonzero(y != "b"), np.flatnonzero(y == "b"))]
    with pytest.raises(OneLayerError, match="fold 1 leaves out all rows of class 'b'"):
        SoftmaxRegressionCV(cv=away).fit(X, y)
    with pytest.raises(OneLayerError, match="the rows of class 'b' have no weight"):
        SoftmaxRegressionCV().fit(X, y, np.where(y == "b", 0, c))
    with pytest.raises(OneLayerError, match="one class only, 'a'"):
        SoftmaxRegressionCV().fit(X, np.full(90, "a"))


def test_a_score_that_is_not_a_number_is_refused():
    X, y, _, _ = problem()
    with pytest.raises(OneLayerError, match="the error on the rows of fold 1 is not a number"):
        SoftmaxRegressionCV(Cs=CS, scoring=lambda model, X, y: np.nan).fit(X, y)
