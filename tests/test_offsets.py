"""Offsets: what is known of the mean or the logits beforehand, in every solver and in both estimators."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import sparse
from scipy.special import softmax
from sklearn.linear_model import PoissonRegressor

from onelayer import LinearRegression, OneLayerError, SoftmaxRegression
from onelayer.data.rows import Rows
from onelayer.losses import CrossEntropy, Squared
from onelayer.penalties import Ridge
from onelayer.solvers.direct import least_squares
from onelayer.solvers.downhill import Sizes
from onelayer.solvers.minimise import minimise
from test_other_losses import Poisson

WAYS = [
    ("newton", Sizes()),
    ("lbfgs", Sizes()),
    ("newton-cg", Sizes()),
    ("lbfgs", Sizes(block=0)),
    ("lbfgs", Sizes(most_double=0)),  # begins in float32
]


@pytest.fixture(scope="module")
def table():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(300, 4)) * [1, 10, 0.1, 1e3] + [0, 5, 1, 1e4]
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    offset = generator.normal(size=(300, 3)) * 2
    logits = Z @ generator.normal(size=(4, 3)) + offset
    labels = (logits + generator.gumbel(size=(300, 3))).argmax(axis=1)
    return X, labels, generator.uniform(0.5, 2, 300), offset


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_least_squares_is_that_of_y_less_the_offset(table, form):
    X, _, c, offset = table
    y = X @ [1, 2, 3, 4e-3] + offset[:, 0] + np.sin(np.arange(300))
    model = LinearRegression(alpha=0.5).fit(form(X), y, c, offset=offset[:, 0])
    plain = LinearRegression(alpha=0.5).fit(form(X), y - offset[:, 0], c)
    np.testing.assert_array_equal(model.coef_, plain.coef_)
    np.testing.assert_array_equal(model.intercept_, plain.intercept_)
    predicted = model.predict(form(X), offset=offset[:, 0])
    np.testing.assert_allclose(predicted, plain.predict(form(X)) + offset[:, 0], rtol=1e-15)
    rest = np.average((y - predicted) ** 2, weights=c) / np.average(
        (y - np.average(y, weights=c)) ** 2, weights=c
    )
    assert model.score(form(X), y, c, offset=offset[:, 0]) == pytest.approx(1 - rest, rel=1e-12)


def test_several_targets_have_an_offset_each(table):
    X, _, c, offset = table
    Y = np.random.default_rng(1).normal(size=(300, 3))
    model = LinearRegression().fit(X, Y, c, offset=offset)
    for k in range(3):
        alone = LinearRegression().fit(X, Y[:, k], c, offset=offset[:, k])
        np.testing.assert_allclose(model.coef_[k], alone.coef_, rtol=1e-12)
        expected = alone.predict(X, offset=offset[:, k])
        np.testing.assert_allclose(model.predict(X, offset=offset)[:, k], expected, rtol=1e-10)
    rows = Rows(X, Y, "regression", c, offset=offset)
    np.testing.assert_array_equal(least_squares(rows).weight, model.coef_)


@pytest.mark.parametrize(("solver", "sizes"), WAYS)
def test_iterations_on_squares_agree_with_the_direct_way(table, solver, sizes):
    X, _, c, offset = table
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    Y = np.random.default_rng(1).normal(size=(300, 3))
    rows = Rows(Z, Y, "regression", c, offset=offset)
    fit = minimise(rows, Squared(3), Ridge(2.0), True, solver, tol=1e-13, sizes=sizes)
    exact = least_squares(rows, alpha=2.0)
    np.testing.assert_allclose(fit.weight, exact.weight, atol=1e-6)
    np.testing.assert_allclose(fit.bias, exact.bias, atol=1e-6)


def test_two_classes_as_statsmodels_has_them(table):
    X, labels, c, offset = table
    y, known = (labels == 1).astype(int), offset[:, 1]
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    theirs = sm.Logit(y, sm.add_constant(Z), offset=known).fit(disp=0, tol=1e-12)
    model = SoftmaxRegression(C=np.inf, tol=1e-12).fit(Z, y, offset=known)
    np.testing.assert_allclose(np.r_[model.intercept_, model.coef_[0]], theirs.params, rtol=1e-7)
    probabilities = model.predict_proba(Z, offset=known)[:, 1]
    np.testing.assert_allclose(probabilities, theirs.predict(sm.add_constant(Z), offset=known), rtol=1e-7)
    assert model.objective_ == pytest.approx(-theirs.llf, rel=1e-10)
    weighed = sm.GLM(y, sm.add_constant(Z), sm.families.Binomial(), offset=known, freq_weights=c)
    theirs = weighed.fit(tol=1e-14)
    model = SoftmaxRegression(C=np.inf, tol=1e-12).fit(Z, y, c, offset=known)
    np.testing.assert_allclose(np.r_[model.intercept_, model.coef_[0]], theirs.params, rtol=1e-7)


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize(("solver", "sizes"), WAYS)
@pytest.mark.parametrize("form", [np.asarray, sparse.csr_array])
def test_several_classes_at_a_minimum_within_the_gap(table, solver, sizes, intercept, form):
    """The gradient at the minimum, written out, is 0; and no earlier gap is smaller than what is left."""
    X, labels, c, offset = table
    Z = (X - X.mean(axis=0)) / X.std(axis=0) + [0, 1, 0, 3]
    rows = Rows(form(Z), labels, "classes", c, offset=offset)
    fit = minimise(rows, CrossEntropy(3), Ridge(0.5), intercept, solver, 1e-13, sizes=sizes)
    P = softmax(Z @ fit.weight.T + fit.bias + offset, axis=1)
    R = (P - np.eye(3)[labels]) * c[:, None]
    np.testing.assert_allclose(R.T @ Z + 0.5 * fit.weight, 0, atol=1e-4)
    assert not intercept or np.abs(R.sum(axis=0)).max() < 1e-4
    value = -(c * np.log(P[np.arange(300), labels])).sum() + 0.25 * (fit.weight**2).sum()
    assert fit.objective == pytest.approx(value, rel=1e-12)
    for max_iter in (1, 2, 3):
        early = minimise(rows, CrossEntropy(3), Ridge(0.5), intercept, solver, max_iter=max_iter, sizes=sizes)
        assert early.objective - early.gap <= fit.objective <= early.objective * (1 + 1e-15)


@pytest.mark.parametrize("q", [2, 3])
def test_wide_data_keep_their_offset(q):
    generator = np.random.default_rng(3)
    X, offset = generator.normal(size=(40, 700)), generator.normal(size=(40, q))
    labels = np.arange(40) % q
    model = SoftmaxRegression(tol=1e-10).fit(X, labels, offset=offset)
    P = model.predict_proba(X, offset=offset)
    R = P - np.eye(q)[labels]
    gradient = (R.T @ X)[-len(model.coef_) :] + model.coef_
    np.testing.assert_allclose(gradient, 0, atol=1e-4)
    assert model.converged_


def test_an_offset_in_the_span_of_the_features_moves_their_weights(table):
    X, labels, c, _ = table
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    w = np.array([0.3, -0.2, 0.5, 0.1])
    known = np.stack([Z @ w, np.zeros(300), -(Z @ w)], axis=1)
    shifted = SoftmaxRegression(C=np.inf, tol=1e-13).fit(Z, labels, c, offset=known)
    plain = SoftmaxRegression(C=np.inf, tol=1e-13).fit(Z, labels, c)
    total = shifted.coef_ + np.stack([w, np.zeros(4), -w])
    np.testing.assert_allclose(total - total.mean(axis=0), plain.coef_ - plain.coef_.mean(axis=0), atol=1e-5)
    assert shifted.objective_ == pytest.approx(plain.objective_, rel=1e-10)


@pytest.mark.parametrize(("solver", "sizes"), WAYS)
def test_counts_with_an_exposure(table, solver, sizes):
    """log exposure as the offset of counts is a regression of rates, weighted by exposure."""
    X, _, _, _ = table
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    generator = np.random.default_rng(5)
    exposure = generator.uniform(1, 20, 300)
    counts = generator.poisson(exposure * np.exp(Z @ [0.3, -0.5, 0.2, 0.1]))
    rows = Rows(Z, counts[:, None].astype(float), "regression", offset=np.log(exposure))
    fit = minimise(rows, Poisson(), Ridge(3.0), True, solver, tol=1e-11, sizes=sizes)
    theirs = PoissonRegressor(alpha=3.0 / exposure.sum(), tol=1e-12, max_iter=10_000)
    theirs.fit(Z, counts / exposure, exposure)
    np.testing.assert_allclose(fit.weight[0], theirs.coef_, atol=1e-5)
    np.testing.assert_allclose(fit.bias[0], theirs.intercept_, atol=1e-5)


def test_two_classes_take_the_second_ones_offset_or_both(table):
    X, labels, c, offset = table
    y = np.array(["no", "yes"])[(labels == 1).astype(int)]
    both = SoftmaxRegression().fit(X, y, c, offset=offset[:, :2])
    second = SoftmaxRegression().fit(X, y, c, offset=offset[:, 1] - offset[:, 0])
    np.testing.assert_array_equal(both.coef_, second.coef_)
    np.testing.assert_array_equal(
        both.predict_log_proba(X, offset=offset[:, :2]),
        second.predict_log_proba(X, offset=offset[:, 1] - offset[:, 0]),
    )


def test_rows_and_classes_without_a_weight_do_not_disturb(table):
    X, labels, c, offset = table
    c = np.where(labels == 1, 0, c)
    model = SoftmaxRegression(tol=1e-10).fit(X, labels, c, offset=offset)
    kept = labels != 1
    known = offset[kept, 2] - offset[kept, 0]
    two = SoftmaxRegression(C=2.0, tol=1e-10).fit(X[kept], labels[kept], c[kept], offset=known)
    found = model.coef_[2] - model.coef_[0]
    np.testing.assert_allclose(
        found, two.coef_[0], rtol=1e-3, atol=1e-8
    )  # ½‖W‖² of two outputs is half that of one


@pytest.mark.parametrize("q", [2, 3])
def test_with_all_features_left_out_the_intercept_is_that_of_the_offset_alone(table, q):
    X, labels, c, offset = table
    y = labels % q
    lasso = SoftmaxRegression(C=1e-9, l1_ratio=1.0, tol=1e-10).fit(X, y, c, offset=offset[:, :q])
    alone = SoftmaxRegression(tol=1e-12).fit(np.zeros((300, 1)), y, c, offset=offset[:, :q])
    assert not lasso.coef_.any() and lasso.converged_
    np.testing.assert_allclose(lasso.intercept_, alone.intercept_, atol=1e-4)


def test_huge_offsets_stay_exact():
    """Without features to speak of, the intercept of two classes balances logits of 1e8 either way."""
    y = np.array([0, 1, 0, 1])
    model = SoftmaxRegression(C=np.inf, tol=1e-5).fit(np.zeros((4, 1)), y, offset=np.full(4, 1e8))
    assert model.intercept_[0] == pytest.approx(-1e8, abs=1e-3)


def test_what_is_refused(table):
    X, labels, _, offset = table
    with pytest.raises(OneLayerError, match="sgd"):
        SoftmaxRegression(solver="sgd").fit(X, labels, offset=offset)
    with pytest.raises(OneLayerError, match=r"one for each class"):
        SoftmaxRegression().fit(X, labels, offset=offset[:, 0])
    with pytest.raises(OneLayerError, match=r"row 4"):
        LinearRegression().fit(X, labels, offset=np.where(np.arange(300) == 3, np.nan, 0))
    model = SoftmaxRegression().fit(X, labels, offset=offset)
    with pytest.raises(OneLayerError, match="fitted with an offset"):
        model.predict(X)
    linear = LinearRegression().fit(X, labels, offset=offset[:, 0])
    with pytest.raises(OneLayerError, match="fitted with an offset"):
        linear.score(X, labels)
    with pytest.raises(OneLayerError, match="ONNX"):
        linear.to_onnx("nowhere")
    with pytest.raises(OneLayerError, match="one for each output"):
        minimise(Rows(X, labels, "classes", offset=offset[:, 0]), CrossEntropy(3), Ridge(1.0))


def test_a_saved_model_still_asks_for_its_offset(table, tmp_path):
    X, labels, _, offset = table
    SoftmaxRegression().fit(X, labels, offset=offset).save(tmp_path / "model")
    with pytest.raises(OneLayerError, match="fitted with an offset"):
        SoftmaxRegression.load(tmp_path / "model").predict(X)


# Warm starts


@pytest.mark.parametrize("q", [2, 3])
@pytest.mark.parametrize("solver", ["newton", "lbfgs", "newton-cg"])
@pytest.mark.parametrize("d", [4, 700])
def test_a_warm_start_takes_fewer_steps_to_the_same_minimum(q, solver, d):
    generator = np.random.default_rng(7)
    X = generator.normal(size=(60, d)) + 3
    y = (X[:, 0] + generator.normal(size=60) > 3).astype(int) + (np.arange(60) % 3 == 0) * (q == 3)
    model = SoftmaxRegression(solver=solver, warm_start=True, tol=1e-9).fit(X, y)
    cold = SoftmaxRegression(solver=solver, C=1.05, tol=1e-9).fit(X, y)
    model.set_params(C=1.05).fit(X, y)
    assert model.n_iter_[0] < cold.n_iter_[0]
    assert abs(model.objective_ - cold.objective_) <= model.gap_ + cold.gap_
    again = model.n_iter_[0]
    model.fit(X, y)
    assert model.n_iter_[0] <= min(again, 2)


@pytest.mark.parametrize(
    "kind", [{"l1_ratio": 0.5}, {"l1_ratio": 0.5, "grouped": True}, {"lower": -0.3, "upper": 1}]
)
@pytest.mark.parametrize("q", [2, 3])
def test_a_warm_start_of_elastic_nets_of_classes(table, q, kind):
    X, labels, c, offset = table
    model = SoftmaxRegression(warm_start=True, tol=1e-8, **kind).fit(X, labels % q, c, offset[:, :q])
    cold = SoftmaxRegression(C=1.05, tol=1e-8, **kind).fit(X, labels % q, c, offset[:, :q])
    model.set_params(C=1.05).fit(X, labels % q, c, offset[:, :q])
    assert model.n_iter_[0] < cold.n_iter_[0]
    assert abs(model.objective_ - cold.objective_) <= model.gap_ + cold.gap_


@pytest.mark.parametrize(
    "kind", [{"l1_ratio": 0.9}, {"penalty_factors": np.arange(40) % 2}, {"positive": True}]
)
@pytest.mark.parametrize("q", [1, 2])
def test_a_warm_start_of_least_squares_takes_fewer_sweeps_to_the_same_minimum(kind, q):
    generator = np.random.default_rng(8)
    X = generator.normal(size=(80, 40)) @ generator.normal(size=(40, 40))
    Y = X @ generator.normal(size=(40, q)) + 20 * generator.normal(size=(80, q))
    Y = Y[:, 0] if q == 1 else Y
    cold = LinearRegression(alpha=1.05, **kind).fit(X, Y)
    model = LinearRegression(warm_start=True, alpha=1.0, **kind).fit(X, Y)
    np.testing.assert_array_equal(model.coef_, LinearRegression(alpha=1.0, **kind).fit(X, Y).coef_)
    model.set_params(alpha=1.05).fit(X, Y)
    assert model.n_iter_[0] <= cold.n_iter_[0]
    assert abs(model.objective_ - cold.objective_) <= model.gap_ + cold.gap_
    assert model.fit(X, Y).n_iter_[0] < cold.n_iter_[0]
    np.testing.assert_allclose(model.coef_, cold.coef_, rtol=1e-8, atol=1e-10)
    away = LinearRegression(alpha=1.0, **kind).fit(-1e3 * X, Y)  # where the start is worse than zeros
    np.testing.assert_array_equal(model.set_params(alpha=1.0).fit(-1e3 * X, Y).coef_, away.coef_)
    fewer = LinearRegression(alpha=1.0).fit(X[:, :3], Y)  # of other features: nothing to start from
    np.testing.assert_array_equal(
        model.set_params(l1_ratio=0.0, penalty_factors=None, positive=False).fit(X[:, :3], Y).coef_,
        fewer.coef_,
    )


def test_a_bad_start_is_no_worse_than_none(table):
    X, labels, c, _ = table
    model = SoftmaxRegression(warm_start=True).fit(X, labels, c)
    cold = SoftmaxRegression().fit(X * -1e3, labels, c)
    model.fit(X * -1e3, labels, c)
    np.testing.assert_array_equal(model.coef_, cold.coef_)
    model.fit(X[:, :2], labels, c)  # of other features: nothing to start from
    np.testing.assert_array_equal(model.coef_, SoftmaxRegression().fit(X[:, :2], labels, c).coef_)
