"""The estimators as parts of scikit-learn's own: pipelines, searches, ensembles, inspection."""

import inspect

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingClassifier,
    BaggingRegressor,
    StackingClassifier,
    StackingRegressor,
    VotingClassifier,
)
from sklearn.feature_selection import RFE, SelectFromModel
from sklearn.inspection import partial_dependence, permutation_importance
from sklearn.linear_model import LinearRegression as TheirLinearRegression
from sklearn.linear_model import LogisticRegression, RANSACRegressor, RidgeCV
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_validate, learning_curve
from sklearn.multiclass import OneVsRestClassifier
from sklearn.multioutput import ClassifierChain, MultiOutputClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from onelayer.estimators import (
    LinearRegression,
    LinearRegressionCV,
    SoftmaxRegression,
    SoftmaxRegressionCV,
)


@pytest.fixture(scope="module")
def rows():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(240, 4)) * [1, 10, 0.1, 1]
    y = X @ [2.0, 0.3, 0.0, -1.0] + 3 + 0.1 * generator.normal(size=240)
    labels = np.digitize(y + generator.normal(size=240), [1.0, 4.0])
    return X, y, labels, generator.uniform(0.5, 2, 240)


@pytest.mark.parametrize(
    "estimator", [LinearRegression, SoftmaxRegression, LinearRegressionCV, SoftmaxRegressionCV]
)
def test_parameters_are_keyword_only(estimator):
    parameters = list(inspect.signature(estimator).parameters.values())
    assert parameters and all(p.kind is p.KEYWORD_ONLY for p in parameters)


def test_ransac_finds_the_line_that_outliers_hide(rows):
    X, y, _, c = rows
    spoilt = np.where(np.arange(240) % 5 == 0, 1000.0, y)
    model = RANSACRegressor(LinearRegression(), min_samples=5, random_state=0).fit(X, spoilt, sample_weight=c)
    assert not model.inlier_mask_[::5].any()
    inliers = model.inlier_mask_
    theirs = TheirLinearRegression().fit(X[inliers], y[inliers], c[inliers])
    np.testing.assert_allclose(model.estimator_.coef_, theirs.coef_, rtol=1e-9)


def test_bagging_and_boosting(rows):
    X, y, labels, c = rows
    ours = BaggingRegressor(LinearRegression(), 5, random_state=0).fit(X, y, c)
    theirs = BaggingRegressor(TheirLinearRegression(), 5, random_state=0).fit(X, y, c)
    np.testing.assert_allclose(ours.predict(X), theirs.predict(X), rtol=1e-8)
    bag = BaggingClassifier(SoftmaxRegression(tol=1e-12), 5, random_state=0).fit(X, labels)
    other = BaggingClassifier(LogisticRegression(tol=1e-10, max_iter=10_000), 5, random_state=0)
    np.testing.assert_allclose(bag.predict_proba(X), other.fit(X, labels).predict_proba(X), atol=1e-4)
    assert AdaBoostRegressor(LinearRegression(), n_estimators=3, random_state=0).fit(X, y).score(X, y) > 0.99


def test_stacking_and_voting(rows):
    X, y, labels, _ = rows
    stack = StackingRegressor([("a", LinearRegression()), ("b", LinearRegression(alpha=10.0))])
    assert stack.set_params(final_estimator=LinearRegression(alpha=1e-3)).fit(X, y).score(X, y) > 0.99
    parts = [("a", SoftmaxRegression()), ("b", SoftmaxRegression(solver="sgd", random_state=0))]
    stacked = StackingClassifier(parts, SoftmaxRegression()).fit(X, labels)
    voted = VotingClassifier(parts, voting="soft").fit(X, labels)
    for model in (stacked, voted):
        assert model.score(X, labels) > 0.6 and model.predict_proba(X).shape == (240, 3)


def test_a_search_that_routes_weights(rows):
    X, _, labels, c = rows
    # A row of weight 2 counts as two rows: in fits and in scores of each fold alike.
    twice = np.where(np.arange(240) % 3 == 0, 2.0, 1.0)
    grid = {"softmaxregression__C": [0.01, 1.0]}
    with sklearn.config_context(enable_metadata_routing=True):
        part = SoftmaxRegression().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        scaler = StandardScaler().set_fit_request(sample_weight=True)
        search = GridSearchCV(make_pipeline(scaler, part), grid, cv=[(np.arange(120), np.arange(120, 240))])
        search.fit(X, labels, sample_weight=twice)
        repeated = np.repeat(np.arange(240), twice.astype(int))
        first = int((repeated < 120).sum())
        folds = [(np.arange(first), np.arange(first, len(repeated)))]
        plain = GridSearchCV(make_pipeline(StandardScaler(), SoftmaxRegression()), grid, cv=folds)
        plain.fit(X[repeated], labels[repeated])
        np.testing.assert_allclose(
            search.cv_results_["mean_test_score"], plain.cv_results_["mean_test_score"], rtol=1e-9
        )
        linear = LinearRegression().set_fit_request(sample_weight=True).set_score_request(sample_weight=False)
        scores = cross_validate(linear, X, X[:, 0], params={"sample_weight": c}, cv=3)
        assert scores["test_score"].min() > 0.999


def test_estimators_that_choose_their_penalty_are_parts_too(rows):
    X, y, labels, c = rows
    stack = StackingRegressor([("a", LinearRegression()), ("b", LinearRegressionCV(l1_ratio=1.0, cv=3))])
    stack.set_params(final_estimator=LinearRegressionCV()).fit(X, y)
    theirs = StackingRegressor(stack.estimators, RidgeCV(stack.final_estimator_.path_["alpha"])).fit(X, y)
    np.testing.assert_allclose(stack.predict(X), theirs.predict(X), rtol=1e-6)
    grid = {"softmaxregressioncv__l1_ratio": [0.0, 1.0]}
    parts = make_pipeline(StandardScaler(), SoftmaxRegressionCV(Cs=[0.1, 1.0], cv=3))
    search = GridSearchCV(parts, grid, cv=3).fit(X, labels)
    assert search.best_estimator_.score(X, labels) > 0.6
    with sklearn.config_context(enable_metadata_routing=True):
        by_group = LinearRegressionCV(alphas=5, cv=GroupKFold(3))
        by_group.set_fit_request(sample_weight=True, groups=True)
        piped = make_pipeline(by_group).fit(X, y, sample_weight=c, groups=np.arange(240) // 10)
        alone = LinearRegressionCV(alphas=5, cv=GroupKFold(3)).fit(X, y, c, groups=np.arange(240) // 10)
        np.testing.assert_array_equal(piped[-1].cv_results_["mean_error"], alone.cv_results_["mean_error"])


def test_calibration_chains_and_one_against_the_rest(rows):
    X, _, labels, c = rows
    calibrated = CalibratedClassifierCV(SoftmaxRegression(), cv=3, ensemble=False).fit(X, labels, c)
    np.testing.assert_allclose(calibrated.predict_proba(X).sum(axis=1), 1)
    rest = OneVsRestClassifier(SoftmaxRegression(tol=1e-10)).fit(X, labels)
    for k, model in enumerate(rest.estimators_):
        np.testing.assert_allclose(
            model.coef_, SoftmaxRegression(tol=1e-10).fit(X, labels == k).coef_, rtol=1e-6
        )
    several = np.column_stack([labels > 0, labels > 1])
    for model in (MultiOutputClassifier(SoftmaxRegression()), ClassifierChain(SoftmaxRegression())):
        assert model.fit(X, several).predict(X).shape == (240, 2)


def test_columns_of_several_kinds_in_a_table(rows):
    X, y, labels, _ = rows
    table = pd.DataFrame(X, columns=list("abcd")).assign(city=np.array(["x", "y", "z"])[np.arange(240) % 3])
    columns = ColumnTransformer(
        [("numbers", StandardScaler(), list("abcd")), ("city", OneHotEncoder(drop="first"), ["city"])]
    )
    model = make_pipeline(columns, LinearRegression()).fit(table, y)
    dummies = np.c_[X, np.arange(240) % 3 == 1, np.arange(240) % 3 == 2]
    np.testing.assert_allclose(
        model.predict(table), TheirLinearRegression().fit(dummies, y).predict(dummies), rtol=1e-9
    )
    named = columns.set_output(transform="pandas").set_params(city__sparse_output=False)
    classifier = make_pipeline(named, SoftmaxRegression()).fit(table, labels)
    assert classifier[-1].feature_names_in_.tolist()[0] == "numbers__a"
    assert classifier.score(table, labels) > 0.6


def test_importance_selection_and_dependence(rows):
    X, y, labels, c = rows
    model = LinearRegression().fit(X, y)
    importance = permutation_importance(model, X, y, n_repeats=5, random_state=0, sample_weight=c)
    assert importance.importances_mean.argmax() == 1 and abs(importance.importances_mean[2]) < 1e-3
    by_label = permutation_importance(SoftmaxRegression().fit(X, labels), X, labels, random_state=0)
    assert by_label.importances_mean.argmin() == 2
    assert RFE(LinearRegression(), n_features_to_select=2).fit(X / X.std(axis=0), y).support_[1]
    chosen = SelectFromModel(LinearRegression(), threshold=0.2).fit(X, y)
    assert chosen.get_support().tolist() == (np.abs(model.coef_) >= 0.2).tolist()
    curve = partial_dependence(model, X, [0], kind="average")
    slope = np.diff(curve["average"][0]) / np.diff(curve["grid_values"][0])
    np.testing.assert_allclose(slope, model.coef_[0], rtol=1e-6)


def test_targets_transformed_and_curves_of_learning(rows):
    X, y, labels, _ = rows
    positive = np.exp(y / 10)
    model = TransformedTargetRegressor(LinearRegression(), func=np.log, inverse_func=np.exp).fit(X, positive)
    assert model.score(X, positive) > 0.99
    sizes, _, scores = learning_curve(SoftmaxRegression(), X, labels, train_sizes=[0.3, 1.0], cv=3)
    assert len(sizes) == 2 and np.isfinite(scores).all()
