"""Choosing the penalty of least squares: brute force with our own estimators, scikit-learn's choices, and the rules."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import ElasticNetCV, LassoCV, Ridge, RidgeCV
from sklearn.model_selection import GridSearchCV, GroupKFold, KFold, ShuffleSplit

from onelayer import LinearRegression, LinearRegressionCV, OneLayerError
from onelayer.data.rows import Rows
from onelayer.data.spool import Spool, Storage
from onelayer.selection.choice import Candidates, Choice, Errors
from onelayer.selection.least_squares import choose_alpha
from onelayer.selection.splits import fold_weights, splits_by, spread
from onelayer.solvers.net_path import Family
from onelayer.solvers.standard_columns import DenseColumns, SparseColumns, SummedColumns, standard_columns

ALPHAS = np.array([50.0, 5.0, 0.5])


def problem(n=61, d=8, q=None, seed=0):
    """Return features (n, d) of which a third count, targets (n,) or (n, q), weights with zeros, and offsets."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d)) * np.geomspace(0.5, 2, d) + generator.normal(size=d)
    W = np.where(np.arange(d) % 3 == 0, generator.normal(size=(q or 1, d)), 0)
    Y = X @ W.T + 3 + generator.normal(size=(n, q or 1))
    c = generator.uniform(0.2, 2, n) * (np.arange(n) % 7 > 0)
    offset = generator.normal(size=Y.shape)
    return (X, Y, c, offset) if q else (X, Y[:, 0], c, offset[:, 0])


def brute_force(X, y, c, offset, splits, alphas, **kind):
    """Return the errors (a, K) of a model for each penalty and fold, by its estimator."""
    errors = np.zeros((len(alphas), len(splits)))
    for k, (train, test) in enumerate(splits):
        for a, alpha in enumerate(alphas):
            model = LinearRegression(alpha=alpha, **kind).fit(X[train], y[train], c[train], offset[train])
            squares = np.square(y[test] - model.predict(X[test], offset=offset[test])).reshape(len(test), -1)
            errors[a, k] = np.average(squares.mean(axis=1), weights=c[test])
    return errors


KINDS = [
    {},
    {"l1_ratio": 1.0},
    {"l1_ratio": 0.5, "fit_intercept": False},
    {"l1_ratio": 0.5, "penalty_factors": np.array([0.0, 3.0, *[1.0] * 6])},
    {"penalty_factors": np.array([0.0, 3.0, *[1.0] * 6])},
    {"l1_ratio": 1.0, "positive": True},
    {"l1_ratio": 0.3, "lower": -0.2, "upper": np.array([np.inf] * 7 + [0.1])},
    {"positive": True},
]


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
@pytest.mark.parametrize("q", [None, 2])
@pytest.mark.parametrize("kind", KINDS)
def test_errors_of_folds_are_those_of_models_of_the_other_folds(kind, q, form):
    X, y, c, offset = problem(q=q)
    splits = list(KFold(4, shuffle=True, random_state=1).split(X))
    model = LinearRegressionCV(alphas=ALPHAS, cv=splits, tol=1e-12, **kind).fit(form(X), y, c, offset)
    expected = brute_force(X, y, c, offset, splits, ALPHAS, **kind)
    np.testing.assert_allclose(model.cv_results_["fold_errors"], expected, rtol=1e-6)
    weights = [c[test].sum() for _, test in splits]
    mean = np.average(expected, axis=1, weights=weights)
    np.testing.assert_allclose(model.cv_results_["mean_error"], mean, rtol=1e-6)
    assert model.alpha_ == ALPHAS[mean.argmin()]
    for alpha, coef, intercept in zip(
        ALPHAS, *(model.path_[name] for name in ("coef", "intercept")), strict=True
    ):
        alone = LinearRegression(alpha=alpha, **kind).fit(X, y, c, offset)
        np.testing.assert_allclose(coef, alone.coef_, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(intercept, alone.intercept_, rtol=1e-4, atol=1e-5)
    chosen = LinearRegression(alpha=model.alpha_, **kind).fit(form(X), y, c, offset)
    np.testing.assert_allclose(model.coef_, chosen.coef_, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(
        model.predict(form(X), offset), chosen.predict(form(X), offset=offset), rtol=1e-9
    )
    assert model.score(X, y, c, offset) == pytest.approx(chosen.score(X, y, c, offset), rel=1e-9)


@pytest.mark.parametrize(("n", "d", "form", "columns"), [
    (60, 600, np.asarray, DenseColumns),
    (60, 2100, sparse.csr_array, SparseColumns),
    (60, 600, sparse.csr_array, SummedColumns),
    (60, 20, np.asarray, SummedColumns),
    (60, 100, np.asarray, SummedColumns),
])  # fmt: skip
@pytest.mark.parametrize("splitter", [KFold(3), ShuffleSplit(2, random_state=0)], ids=["folds", "parts"])
def test_rows_of_all_shapes(n, d, form, columns, splitter):
    X, y, c, offset = problem(n, d)
    X[np.abs(X) < 1] = 0
    assert isinstance(standard_columns(Rows(form(X), y, "regression"), True), columns)
    splits, alphas = list(splitter.split(X)), 10 * ALPHAS
    model = LinearRegressionCV(alphas=alphas, l1_ratio=0.9, cv=splits, tol=1e-12).fit(form(X), y, c, offset)
    expected = brute_force(form(X), y, c, offset, splits, alphas, l1_ratio=0.9)
    np.testing.assert_allclose(model.cv_results_["fold_errors"], expected, rtol=1e-5)


@pytest.mark.parametrize("intercept", [True, False])
def test_leaving_out_each_row(intercept):
    X, y, c, offset = problem(40)
    each = list(KFold(40).split(X))
    model = LinearRegressionCV(alphas=ALPHAS, fit_intercept=intercept).fit(X, y, c, offset)
    by_folds = LinearRegressionCV(alphas=ALPHAS, cv=each, fit_intercept=intercept).fit(X, y, c, offset)
    kept = [split for split in each if c[split[1]].any()]
    expected = brute_force(X, y, c, offset, kept, ALPHAS, fit_intercept=intercept)
    mean = np.average(expected, axis=1, weights=c[c > 0])
    for found in (model, by_folds):
        np.testing.assert_allclose(found.cv_results_["mean_error"], mean, rtol=1e-9)
        assert found.alpha_ == ALPHAS[mean.argmin()]
    np.testing.assert_allclose(
        model.cv_results_["standard_error"], by_folds.cv_results_["standard_error"], rtol=1e-7
    )
    assert "fold_errors" not in model.cv_results_


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("q", [None, 3])
def test_leave_one_out_chooses_as_ridge_cv_does(q, weighted, intercept):
    for seed in range(5):
        X, y, c, _ = problem(q=q, seed=seed)
        c, alphas = np.where(c > 0, c, 1) if weighted else None, np.geomspace(1e-3, 1e4, 30)
        theirs = RidgeCV(alphas, fit_intercept=intercept).fit(X, y, c)
        model = LinearRegressionCV(alphas=alphas, fit_intercept=intercept).fit(X, y, c)
        assert model.alpha_ == theirs.alpha_
        np.testing.assert_allclose(model.coef_, theirs.coef_, rtol=1e-8, atol=1e-10)


def test_folds_of_a_ridge_choose_as_a_grid_search_does():
    X, y, _, _ = problem()
    alphas = np.geomspace(1e-3, 1e4, 20)[::-1]
    search = GridSearchCV(Ridge(), {"alpha": alphas}, cv=6, scoring="neg_mean_squared_error").fit(X, y)
    model = LinearRegressionCV(alphas=alphas, cv=6).fit(X, y)
    assert model.alpha_ == search.best_params_["alpha"]
    for k in range(6):
        theirs = -search.cv_results_[f"split{k}_test_score"]
        np.testing.assert_allclose(model.cv_results_["fold_errors"][:, k], theirs, rtol=1e-8)


def test_elastic_nets_choose_as_elastic_net_cv_does_in_like_folds():
    """Its penalty is per row, so that in a fold it is our alpha over the number of the fold's training rows."""
    X, y, _, _ = problem(60)
    strengths, rhos = np.geomspace(2, 1e-3, 20), [0.3, 0.9, 1.0]
    theirs = ElasticNetCV(alphas=strengths, l1_ratio=rhos, cv=5, tol=1e-12, max_iter=10**6).fit(X, y)
    model = LinearRegressionCV(alphas=48 * strengths, l1_ratio=rhos, cv=5, tol=1e-12).fit(X, y)
    np.testing.assert_allclose(model.cv_results_["fold_errors"], np.concatenate(theirs.mse_path_), rtol=1e-6)
    assert model.l1_ratio_ == theirs.l1_ratio_ and model.alpha_ == pytest.approx(48 * theirs.alpha_)
    same = LinearRegression(alpha=60 * theirs.alpha_, l1_ratio=theirs.l1_ratio_).fit(X, y)
    np.testing.assert_allclose(same.coef_, theirs.coef_, rtol=1e-7, atol=1e-9)


def test_the_path_of_chosen_penalties_starts_as_that_of_lasso_cv():
    X, y, c, _ = problem()
    theirs = LassoCV(cv=3).fit(X, y, c)
    model = LinearRegressionCV(l1_ratio=1.0, cv=3).fit(X, y, c)
    assert model.path_["alpha"][0] == pytest.approx(theirs.alphas_[0] * c.sum(), rel=1e-12)
    assert len(model.path_["alpha"]) == 100 and (np.diff(model.path_["alpha"]) < 0).all()
    assert model.path_["n_features"][0] == 0 and model.path_["n_features"][1] > 0
    assert (model.path_["n_features"] == (model.path_["coef"] != 0).sum(axis=1)).all()


def test_ratios_are_judged_together_and_the_best_one_has_the_path():
    X, y, _, _ = problem()
    given = {"alphas": ALPHAS, "cv": 4}
    both = LinearRegressionCV(l1_ratio=[1.0, 0.0], **given).fit(X, y)
    alone = [LinearRegressionCV(l1_ratio=ratio, **given).fit(X, y) for ratio in (1.0, 0.0)]
    for name, values in both.cv_results_.items():
        np.testing.assert_array_equal(values, np.concatenate([model.cv_results_[name] for model in alone]))
    best = min(alone, key=lambda model: model.cv_results_["mean_error"].min())
    assert (both.alpha_, both.l1_ratio_) == (best.alpha_, best.l1_ratio_)
    np.testing.assert_array_equal(both.path_["coef"], best.path_["coef"])


def test_without_folds_a_ridge_leaves_out_rows_and_others_take_five():
    X, y, _, _ = problem()
    assert "fold_errors" not in LinearRegressionCV().fit(X, y).cv_results_
    assert "fold_errors" not in LinearRegressionCV(penalty_factors=np.ones(8)).fit(X, y).cv_results_
    for kind in ({"l1_ratio": 0.5}, {"positive": True}, {"l1_ratio": [0.0, 1.0]}):
        by_none = LinearRegressionCV(alphas=ALPHAS, **kind).fit(X, y)
        by_five = LinearRegressionCV(alphas=ALPHAS, cv=5, **kind).fit(X, y)
        np.testing.assert_array_equal(by_none.cv_results_["fold_errors"], by_five.cv_results_["fold_errors"])


@pytest.mark.parametrize("kind", [{}, {"l1_ratio": 0.7}])
def test_a_weight_of_2_is_two_rows_in_the_same_fold(kind):
    X, y, _, _ = problem()
    twice = 1 + (np.arange(61) % 3 == 0)
    index, fold = np.repeat(np.arange(61), twice), np.arange(61) % 4
    weighted = LinearRegressionCV(alphas=ALPHAS, cv=splits_by(fold), **kind).fit(X, y, twice)
    repeated = LinearRegressionCV(alphas=ALPHAS, cv=splits_by(fold[index]), **kind).fit(X[index], y[index])
    for name in ("fold_errors", "mean_error", "standard_error"):
        np.testing.assert_allclose(weighted.cv_results_[name], repeated.cv_results_[name], rtol=1e-6)
    np.testing.assert_allclose(weighted.coef_, repeated.coef_, rtol=1e-8, atol=1e-12)


def test_groups_stay_together():
    X, y, _, _ = problem()
    groups = np.arange(61) // 5
    model = LinearRegressionCV(alphas=ALPHAS, cv=GroupKFold(4)).fit(X, y, groups=groups)
    splits = list(GroupKFold(4).split(X, y, groups))
    same = LinearRegressionCV(alphas=ALPHAS, cv=splits).fit(X, y)
    np.testing.assert_array_equal(model.cv_results_["fold_errors"], same.cv_results_["fold_errors"])


def test_an_offset_is_taken_from_the_target():
    X, y, c, offset = problem()
    for kind in ({}, {"l1_ratio": 0.5, "cv": 3}):
        model = LinearRegressionCV(alphas=ALPHAS, **kind).fit(X, y, c, offset)
        plain = LinearRegressionCV(alphas=ALPHAS, **kind).fit(X, y - offset, c)
        np.testing.assert_array_equal(model.cv_results_["mean_error"], plain.cv_results_["mean_error"])
        np.testing.assert_allclose(model.predict(X, offset), plain.predict(X) + offset, rtol=1e-14)


@pytest.mark.parametrize("unit", [1e-12, 1.0, 1e12])
def test_units_of_weights_move_the_penalties_alone(unit):
    X, y, c, _ = problem()
    for kind in ({}, {"l1_ratio": 0.5}):
        plain = LinearRegressionCV(alphas=20, cv=4, **kind).fit(X, y, c)
        scaled = LinearRegressionCV(alphas=20, cv=4, **kind).fit(X, y, unit * c)
        np.testing.assert_allclose(scaled.path_["alpha"], unit * plain.path_["alpha"], rtol=1e-9)
        np.testing.assert_allclose(
            scaled.cv_results_["mean_error"], plain.cv_results_["mean_error"], rtol=1e-6
        )


def test_a_target_that_does_not_vary_has_the_strongest_penalty():
    X, y, _, _ = problem()
    for kind in ({}, {"l1_ratio": 1.0}):
        model = LinearRegressionCV(**kind).fit(X, np.full(len(y), 3.0))
        assert model.alpha_ == model.path_["alpha"].max() > 0
        np.testing.assert_allclose(model.predict(X), 3.0)


def test_rows_of_a_file_are_those_in_memory():
    X, y, c, offset = problem()
    storage = Storage()
    storage.write(np.ascontiguousarray(X).tobytes())
    splits, families = splits_by(np.arange(61) % 3), [Family(0.0), Family(0.5)]
    memory = choose_alpha(Rows(X, y, "regression", c, offset=offset), families, 10, splits)
    spool = Rows(Spool(storage, 8, 61), y, "regression", c, offset=offset)
    from_file = choose_alpha(spool, families, 10, splits)
    assert (from_file.penalty, from_file.l1_ratio) == (memory.penalty, memory.l1_ratio)
    np.testing.assert_allclose(from_file.path.errors.folds, memory.path.errors.folds, rtol=1e-9)


# The rules


def test_one_standard_error_by_hand():
    """Means 4, 2, 3 and 5; deviations of the second from its mean are −1, 0 and 1, so its error is √(⅔ / 2)."""
    errors = np.array([[3.0, 4.0, 5.0], [1.0, 2.0, 3.0], [2.0, 3.0, 4.0], [5.0, 5.0, 5.0]])
    found = Errors.of_folds(errors, np.ones(3))
    np.testing.assert_allclose(found.mean, [4, 2, 3, 5])
    np.testing.assert_allclose(found.standard_error, [np.sqrt(1 / 3)] * 3 + [0])
    assert found.chosen("min") == 1 and found.chosen("1se") == 1
    wide = Errors(found.mean, np.array([0, 2.0, 0, 0]))
    assert wide.chosen("1se") == 0  # exactly one standard error above


def test_weights_of_folds_count_and_a_fold_without_any_does_not():
    errors = np.array([[1.0, 4.0, np.nan], [2.0, 2.0, np.nan]])
    found = Errors.of_folds(errors, np.array([2.0, 1.0, 0.0]))
    np.testing.assert_allclose(found.mean, [2, 2])
    np.testing.assert_allclose(found.standard_error, [np.sqrt((2 * 1 + 1 * 4) / 3 / 1), 0])
    assert found.chosen("min") == 0  # the strongest of several
    with pytest.raises(OneLayerError, match="fold 2 is not a number"):
        Errors.of_folds(np.array([[1.0, np.nan]]), np.ones(2))
    with pytest.raises(OneLayerError, match="no row that a fold judges by"):
        Errors.of_folds(errors, np.zeros(3))


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 3)), min_size=1, max_size=12))
def test_1se_is_the_strongest_that_is_not_worse_by_more_than_that(pairs):
    mean, error = np.array(pairs).T
    found = Errors(mean, error)
    best, simpler = found.chosen("min"), found.chosen("1se")
    assert mean[best] == mean.min() and (mean[:best] > mean[best]).all()
    limit = mean[best] + error[best]
    assert simpler <= best and mean[simpler] <= limit and (mean[:simpler] > limit).all()


def test_1se_is_applied_to_the_path_of_the_least_error():
    errors = [Errors(np.array(m), np.full(2, s)) for m, s in (([1.0, 3.0], 9.0), ([1.5, 0.5], 2.0))]
    paths = [
        Candidates(r, np.array([2.0, 1.0]), np.zeros(0), np.zeros(0), e, np.ones(2, bool))
        for r, e in enumerate(errors)
    ]
    assert (Choice(paths, "min").l1_ratio, Choice(paths, "min").penalty) == (1, 1.0)
    assert (Choice(paths, "1se").l1_ratio, Choice(paths, "1se").penalty) == (1, 2.0)
    with pytest.raises(OneLayerError, match="rule must be one of min, 1se"):
        Choice(paths, "2se")


@pytest.mark.parametrize("kind", [{}, {"l1_ratio": 1.0}])
def test_1se_takes_a_stronger_penalty(kind):
    X, y, _, _ = problem()
    best, simpler = (LinearRegressionCV(cv=5, rule=rule, **kind).fit(X, y) for rule in ("min", "1se"))
    results = best.cv_results_
    at = results["mean_error"].argmin()
    within = results["mean_error"] <= results["mean_error"][at] + results["standard_error"][at]
    assert simpler.alpha_ == results["alpha"][within].max() > best.alpha_ == results["alpha"][at]


# Splits


def test_folds_by_number():
    splits = splits_by(np.array([0, 1, -1, 0]))
    assert [(train.tolist(), test.tolist()) for train, test in splits] == [([1, 2], [0, 3]), ([0, 2, 3], [1])]
    for c, sums in (([1.0, 2.0, 4.0, 8.0], [9, 2]), (None, [2, 1])):
        rows = Rows(np.ones((4, 1)), np.ones(4), "regression", c)
        np.testing.assert_allclose(fold_weights(rows, splits), sums)
    for fold in ([0, 0], [-1, -1], [0, 2]):
        with pytest.raises(OneLayerError, match="no rows to learn from or to judge by"):
            splits_by(np.array(fold))


@given(st.lists(st.integers(0, 4), min_size=4, max_size=40), st.integers(2, 4))
def test_classes_are_spread(labels, n_folds):
    labels = np.array(labels)
    fold = spread(labels, n_folds)
    for label in range(5):
        inside = fold[labels == label]
        counts = np.bincount(inside[inside >= 0], minlength=n_folds)
        assert len(inside) != 1 or inside[0] == -1
        assert len(inside) < 2 or (counts.max() - counts.min() <= 1 and counts.sum() == len(inside))


# What is refused


@pytest.mark.parametrize(("given", "message"), [
    ({"alphas": [1.0, 0.0]}, "positive numbers"),
    ({"alphas": [1.0, 1.0]}, "a penalty twice"),
    ({"alphas": []}, "positive numbers"),
    ({"alphas": [[1.0]]}, "positive numbers"),
    ({"alphas": ["strong"]}, "positive numbers"),
    ({"alphas": 0}, "alphas"),
    ({"l1_ratio": 1.5}, "l1_ratio"),
        ({"l1_ratio": [1.5]}, "l1_ratio must be a number from 0 to 1"),
    ({"l1_ratio": []}, "l1_ratio must be a number from 0 to 1"),
    ({"l1_ratio": [0.5, 0.5]}, "l1_ratio must be a number from 0 to 1"),
    ({"l1_ratio": ["a"]}, "l1_ratio must be a number from 0 to 1"),
    ({"rule": "2se"}, "rule"),
    ({"penalty_factors": [1.0]}, "penalty_factors must be a number or one for each of the 8 features"),
    ({"lower": 2.0, "upper": 1.0}, "lower is above upper"),
    ({"cv": [(np.arange(61), np.arange(0))]}, "no rows to learn from or to judge by"),
    ({"cv": []}, "no rows to learn from or to judge by"),
    ({"tol": -1.0}, "tol"),
])  # fmt: skip
def test_what_cannot_be_is_refused(given, message):
    X, y, _, _ = problem()
    with pytest.raises(OneLayerError, match=message):
        LinearRegressionCV(**given).fit(X, y)


def test_models_that_did_not_converge_are_told_of():
    X, y, _, _ = problem(100, 40)
    model = LinearRegressionCV(alphas=[1.0, 1e12], l1_ratio=0.5, cv=3, max_iter=1, tol=1e-12)
    with pytest.warns(ConvergenceWarning) as caught:
        model.fit(X @ X[:40], y)
    assert "with 1 of 2 penalties, a model on some of the rows" in str(caught[0].message)
    assert model.cv_results_["converged"].tolist() == [True, False]


def test_folds_without_weights_are_refused():
    X, y, _, _ = problem()
    fold = np.arange(61) % 2
    for kind in ({}, {"l1_ratio": 1.0}):
        model = LinearRegressionCV(cv=splits_by(fold), **kind)
        with pytest.raises(OneLayerError, match="no row that a fold learns from has a weight"):
            model.fit(X, y, (fold == 0).astype(float))
        only = LinearRegressionCV(cv=[(np.arange(30), np.arange(30, 61))], **kind)
        with pytest.raises(OneLayerError, match="no row that a fold judges by has a weight"):
            only.fit(X, y, (np.arange(61) < 30).astype(float))
    with pytest.raises(OneLayerError, match="leave-one-out is for a ridge alone"):
        choose_alpha(Rows(X, y), [Family(1.0)])
