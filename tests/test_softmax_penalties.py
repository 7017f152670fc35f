"""Softmax regression with an elastic net, in groups or bounds: optimality, scikit-learn, and the certificate."""

import warnings

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.special import softmax
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from exact_minimum import bound_holds, relative_error
from linear_programs import has_minimum
from onelayer.data.rows import Rows
from onelayer.errors import OneLayerError
from onelayer.estimators import SoftmaxRegression
from onelayer.losses import CrossEntropy
from onelayer.penalties import ElasticNet
from onelayer.solvers import quadratic
from onelayer.solvers.kernels import plain, plain_groups
from onelayer.solvers.minimise import minimise
from penalised_minimum import Reference, exact_value


def data(seed=0, n=150, d=8, q=3, density=1.0):
    """Return features (n, d), labels (n,) that half of them explain, and weights (n,)."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d)) + generator.normal(size=d)
    X = np.where(generator.uniform(size=(n, d)) < density, X, 0)
    W = generator.normal(size=(q, d)) * (np.arange(d) < d / 2)
    labels = ((X - X.mean(axis=0)) @ W.T + generator.gumbel(size=(n, q))).argmax(axis=1)
    labels[:q] = np.arange(q)
    return X, labels, generator.uniform(0.3, 2, n)


def slopes_of(model, X, labels, c, offset=0.0):
    """Return the gradient of the losses by coef_ (k, d) and by intercept_ (k,), by the definition."""
    logits = X @ model.coef_.T + model.intercept_ + offset
    if len(model.coef_) == 1:
        logits = np.column_stack([np.zeros(len(X)), logits])
    R = (softmax(logits, axis=1) - np.eye(logits.shape[1])[labels]) * c[:, None]
    R = R[:, -len(model.coef_) :]
    return R.T @ X, R.sum(axis=0)


def violation(model, X, labels, c):
    """Return the largest violation of the subgradient conditions, relative to Σ c |x|."""
    W, d, C = model.coef_, X.shape[1], model.C
    g, by_intercept = slopes_of(model, X, labels, c)
    factor = np.ones(d) if model.penalty_factors is None else np.asarray(model.penalty_factors, float)
    lower = -np.inf if model.lower is None else model.lower
    upper = np.inf if model.upper is None else model.upper
    lower, upper = np.broadcast_to(lower, W.shape), np.broadcast_to(upper, W.shape)
    l1, slope = model.l1_ratio * factor / C, g + (1 - model.l1_ratio) * factor / C * W
    if model.grouped:
        lengths = np.linalg.norm(W, axis=0)
        inside = slope + l1 * W / np.where(lengths > 0, lengths, 1)
        found = np.where(lengths > 0, np.linalg.norm(inside, axis=0), np.linalg.norm(slope, axis=0) - l1)
    else:
        up = np.where(upper > W, -slope - np.where(W >= 0, l1, -l1), 0)  # what a step up gains, and down
        down = np.where(lower < W, slope - np.where(W <= 0, l1, -l1), 0)
        found = np.maximum(up, down)
    size = c @ np.abs(X)
    total = np.abs(by_intercept).max() / c.sum() if model.fit_intercept else 0.0
    return max(float((np.maximum(found, 0) / size).max()), float(total))


CASES = [
    {"l1_ratio": 1.0},
    {"l1_ratio": 1.0, "C": 0.05},
    {"l1_ratio": 0.4, "C": 0.3},
    {"l1_ratio": 1.0, "C": 0.1, "fit_intercept": False},
    {"l1_ratio": 1.0, "C": 0.1, "grouped": True},
    {"l1_ratio": 0.5, "C": 0.2, "grouped": True, "fit_intercept": False},
    {"l1_ratio": 1.0, "C": 0.1, "penalty_factors": [0, 0, 5, 1, 1, 1, 0.1, 1]},
    {"l1_ratio": 1.0, "C": 0.1, "grouped": True, "penalty_factors": [0, 0, 5, 1, 1, 1, 0.1, 1]},
    {"l1_ratio": 0.5, "lower": 0, "upper": np.inf},
    {"l1_ratio": 1.0, "lower": -0.1, "upper": [0.2] * 4 + [np.inf] * 4},
    {"lower": -0.1, "upper": 0.1},
    {"C": np.inf, "lower": -np.inf, "upper": 0.3},
    {"l1_ratio": 1.0, "lower": 0.1, "upper": 0.5, "fit_intercept": False},
]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("q", [2, 3, 4])
@pytest.mark.parametrize("is_sparse", [False, True])
def test_subgradients_hold(case, q, is_sparse):
    X, labels, c = data(q, q=q, density=0.5 if is_sparse else 1)
    model = SoftmaxRegression(**case, tol=1e-11).fit(sparse.csr_array(X) if is_sparse else X, labels, c)
    assert model.converged_ and violation(model, X, labels, c) < 1e-6
    if case.get("grouped"):
        assert (model.coef_.any(axis=0) == model.coef_.all(axis=0)).all()
    lower, upper = case.get("lower", -np.inf), case.get("upper", np.inf)
    assert ((lower <= model.coef_) & (upper >= model.coef_)).all()


def user_objective(model, X, labels, c):
    """Return scikit-learn's objective at a model's coefficients."""
    logits = X @ model.coef_.T + model.intercept_
    logits = np.column_stack([np.zeros(len(X)), logits]) if len(model.coef_) == 1 else logits
    losses = -np.log(softmax(logits, axis=1)[np.arange(len(X)), labels])
    W, r = model.coef_, model.l1_ratio
    return model.C * float(c @ losses) + r * np.abs(W).sum() + (1 - r) / 2 * (W**2).sum()


@pytest.mark.parametrize("ratio", [1.0, 0.5])
@pytest.mark.parametrize("q", [2, 4])
@pytest.mark.parametrize("shape", [(150, 8), (40, 60)])
def test_it_is_at_most_what_saga_of_scikit_learn_reaches(ratio, q, shape):
    X, labels, c = data(1, *shape, q=q)
    ours = SoftmaxRegression(C=0.5, l1_ratio=ratio, tol=1e-9).fit(X, labels, c)
    theirs = LogisticRegression(
        C=0.5, l1_ratio=ratio, solver="saga", tol=1e-9, max_iter=20_000, random_state=0
    )
    theirs.fit(X, labels, c)
    reached = user_objective(theirs, X, labels, c)
    assert ours.objective_ == pytest.approx(user_objective(ours, X, labels, c), rel=1e-12)
    assert ours.objective_ <= reached + ours.gap_
    assert ours.objective_ == pytest.approx(reached, rel=1e-8)
    if ratio < 1:  # what is common to an even number of outputs is not determined by the lasso
        np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=2e-3)


@pytest.mark.parametrize("q", [2, 3])
@pytest.mark.parametrize("shape", [(150, 8), (30, 60)])
def test_without_l1_it_is_the_ridge(q, shape):
    X, labels, c = data(2, *shape, q=q)
    ridge = SoftmaxRegression(C=0.7, tol=1e-10).fit(X, labels, c)
    for ratio in (1e-13, 0.0):  # with bounds that hold nothing a ridge is solved like an elastic net
        lower = None if ratio else -1e9
        net = SoftmaxRegression(C=0.7, l1_ratio=ratio, lower=lower, solver="proximal", tol=1e-9)
        net.fit(X, labels, c)
        assert abs(net.objective_ - ridge.objective_) <= net.gap_ + ridge.gap_ + 1e-10 * ridge.objective_
        np.testing.assert_allclose(net.coef_, ridge.coef_, atol=1e-5)


def test_groups_of_one_output_are_the_lasso():
    X, labels, c = data(3, q=2)
    alone = SoftmaxRegression(C=0.1, l1_ratio=1.0, tol=1e-11).fit(X, labels, c)
    grouped = SoftmaxRegression(C=0.1, l1_ratio=1.0, grouped=True, tol=1e-11).fit(X, labels, c)
    np.testing.assert_allclose(grouped.coef_, alone.coef_, atol=1e-6)
    assert (grouped.coef_ == 0).any()


@pytest.mark.parametrize("grouped", [False, True])
def test_free_features_are_those_of_a_model_without_a_penalty(grouped):
    X, labels, c = data(4)
    given = {"l1_ratio": 1.0, "grouped": grouped, "tol": 1e-11}
    model = SoftmaxRegression(C=1e-6, penalty_factors=[0, 0] + [1] * 6, **given).fit(X, labels, c)
    free = SoftmaxRegression(C=np.inf, tol=1e-11).fit(X[:, :2], labels, c)
    assert not model.coef_[:, 2:].any()
    np.testing.assert_allclose(model.coef_[:, :2], free.coef_, atol=1e-6)


# The certificate


@st.composite
def problems(draw):
    generator = np.random.default_rng(draw(st.integers(0, 10**6)))
    n, d, q = draw(st.sampled_from([(30, 4, 3), (20, 6, 2), (15, 12, 3), (30, 4, 4)]))
    X = generator.normal(size=(n, d)) + draw(st.sampled_from([0.0, 5.0])) * generator.normal(size=d)
    labels = generator.permutation(np.arange(n) % q)
    spread, ratio = X.std(axis=0), draw(st.sampled_from([0.0, 0.3, 1.0]))
    strength = draw(st.sampled_from([0.05, 0.5, 5.0])) * spread * generator.uniform(0.5, 2, d)
    if draw(st.booleans()):
        strength[0] = 0
    grouped = bool(ratio) and draw(st.booleans())
    boxes = [(-np.inf, np.inf), (0.0, np.inf), (-0.3, 0.3), (0.1, 0.5), (-np.inf, 0.2)]
    box = boxes[0] if grouped else draw(st.sampled_from(boxes))
    penalty = ElasticNet(ratio * strength, (1 - ratio) * strength, *box, is_grouped=grouped)
    return X, labels, q, generator.uniform(0.2, 3, n), penalty, draw(st.booleans())


@settings(max_examples=40)
@given(
    problems(),
    st.sampled_from([np.array, sparse.csr_array]),
    st.sampled_from([(1e-2, 1000), (1e-6, 1000), (1e-10, 1000), (1e-10, 1), (1e-10, 3)]),
)
def test_the_gap_is_never_less_than_what_is_missing(problem, form, how):
    X, labels, q, c, penalty, intercept = problem
    assume(has_minimum(X, labels, q, penalty, intercept))
    tol, max_iter = how
    rows = Rows(form(X), labels, "classes", c)
    fit = minimise(rows, CrossEntropy(q), penalty, intercept, tol=tol, max_iter=max_iter)
    best = Reference(X, labels, q, c, penalty, intercept)
    least = exact_value(best.weight, best.bias, X, labels, c, penalty)
    stored = exact_value(fit.weight, fit.bias, X, labels, c, penalty)
    assert relative_error(fit.objective, stored) < 1e-13
    assert bound_holds(fit, least)  # the gap counts from the objective, which is rounded
    assert fit.gap <= fit.objective  # nothing is below 0
    assert float(least - stored) <= 1e-11 * fit.objective or max_iter < 1000
    if max_iter == 1000:
        assert fit.converged and fit.gap <= tol * fit.objective


@pytest.mark.parametrize("grouped", [True, False])
@pytest.mark.parametrize("seed", [13, 24, 61, 69])
def test_a_column_that_nothing_holds_moves_though_its_slope_is_small(seed, grouped):
    """What it leaves costs little by itself, and much by what it does to the others' bound."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(20, 6)) + 5 * generator.normal(size=6)
    labels = generator.permutation(np.arange(20) % 2)
    l1 = 5 * X.std(axis=0) * generator.uniform(0.5, 2, 6)
    l1[0] = 0
    penalty = ElasticNet(l1, np.zeros(6), is_grouped=grouped)
    fit = minimise(Rows(X, labels, "classes"), CrossEntropy(2), penalty, False, tol=1e-2, max_iter=1000)
    assert fit.converged and fit.gap <= 1e-2 * fit.objective


@pytest.mark.parametrize("seed", range(24))
def test_where_there_is_no_minimum_weights_stay_finite_and_the_bound_is_true(seed):
    """A feature that nothing holds tells one class from the others by its sign."""
    generator = np.random.default_rng(seed)
    n, d, q = int(generator.integers(8, 40)), int(generator.integers(1, 12)), 2 + seed % 2
    X = generator.normal(size=(n, d)) * 10.0 ** generator.integers(-2, 3, d)
    labels = generator.permutation(np.arange(n) % q)
    X[:, 0] = np.where(labels == 0, -1, 1) * np.abs(X[:, 0])
    strength, ratio = np.r_[0, np.full(d - 1, 10.0 ** generator.integers(-3, 3))], [0.0, 0.3, 1.0][seed % 3]
    penalty = ElasticNet(ratio * strength, (1 - ratio) * strength, is_grouped=ratio > 0 and seed % 4 > 1)
    assert not has_minimum(X, labels, q, penalty, False)
    rows = Rows(X, labels, "classes")
    for tol in (1e-2, 1e-10):
        fit = minimise(rows, CrossEntropy(q), penalty, False, tol=tol, max_iter=60)
        assert np.isfinite(fit.weight).all() and fit.gap <= fit.objective
        further = minimise(rows, CrossEntropy(q), penalty, False, tol=tol / 10, max_iter=120)
        least = exact_value(further.weight, further.bias, X, labels, np.ones(n), penalty)
        assert bound_holds(fit, least)


def test_a_solver_that_is_stopped_says_so_and_keeps_a_true_gap():
    X, labels, c = data(5, 60, 20)
    best = SoftmaxRegression(l1_ratio=1.0, tol=1e-11).fit(X, labels, c)
    for grouped in (False, True):
        for steps in (1, 2, 4):
            model = SoftmaxRegression(l1_ratio=1.0, grouped=grouped, max_iter=steps, tol=1e-9)
            with pytest.warns(ConvergenceWarning, match="max_iter was reached"):
                model.fit(X, labels, c)
            assert not model.converged_ and model.n_iter_[0] <= steps + 1
            if not grouped:
                assert 0 <= model.objective_ - best.objective_ + best.gap_ <= model.gap_ + best.gap_
    with pytest.warns(ConvergenceWarning, match="rounding allows no more"):
        model = SoftmaxRegression(l1_ratio=1.0, tol=1e-16).fit(X, labels, c)
    assert model.gap_ < 1e-11 * model.objective_


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("strength", [1e-3, 1e-9, 1e-15])
def test_a_small_l1_needs_no_bound_that_is_as_small(grouped, strength):
    """Slopes are rounded by more than such an l1, and the minimum is nearly that of the losses alone."""
    X, labels, c = data(6)
    model = SoftmaxRegression(C=1 / strength, l1_ratio=1.0, grouped=grouped, tol=1e-8).fit(X, labels, c)
    free = SoftmaxRegression(C=np.inf, tol=1e-12).fit(X, labels, c)
    assert model.converged_ and model.n_iter_[0] < 100
    assert model.objective_ * strength >= free.objective_ * (1 - 1e-12)


def test_where_no_bound_exists_the_gap_is_the_whole_objective():
    X, labels, c = data(7)
    twice = np.column_stack([X, X[:, 0]])
    model = SoftmaxRegression(l1_ratio=1.0, penalty_factors=[0] + [1] * 7 + [0])
    with pytest.warns(ConvergenceWarning, match="rounding allows no more"):
        model.fit(twice, labels, c)
    assert model.gap_ == model.objective_
    once = SoftmaxRegression(l1_ratio=1.0, penalty_factors=[0] + [1] * 7, tol=1e-10).fit(X, labels, c)
    assert model.objective_ == pytest.approx(once.objective_, rel=1e-5)


@pytest.mark.parametrize(
    "given", [{"C": np.inf, "lower": 0, "upper": np.inf}, {"l1_ratio": 1.0, "penalty_factors": [0] + [1] * 7}]
)
def test_classes_that_free_features_separate_have_no_minimum(given):
    X, _, _ = data(8)
    with pytest.warns(ConvergenceWarning, match="can be separated .* no finite minimum"):
        model = SoftmaxRegression(**given).fit(X, X[:, 0] > 0)
    assert not model.converged_ and model.score(X, X[:, 0] > 0) == 1
    given |= {"lower": 0, "upper": 9}
    assert SoftmaxRegression(**given).fit(X, X[:, 0] > 0).converged_


def test_bounds_that_hold_all_weights_are_the_minimum():
    X, labels, c = data(9)
    for bounds in ((0, 0), (0.3, 0.3)):
        model = SoftmaxRegression(l1_ratio=1.0, lower=bounds[0], upper=bounds[1]).fit(X, labels, c)
        assert model.converged_ and (model.coef_ == bounds[0]).all()
        assert np.abs(slopes_of(model, X, labels, c)[1]).max() < 1e-2
    for bounds in ((-1e-3, 1e-3), (3, 4)):  # slopes beyond l1 are held by the bounds
        model = SoftmaxRegression(l1_ratio=1.0, lower=bounds[0], upper=bounds[1]).fit(X, labels, c)
        assert model.converged_ and model.n_iter_[0] < 50


# Forms and units of the same data


@pytest.mark.parametrize("case", CASES[:10])
def test_sparse_features_are_the_dense_ones(case):
    X, labels, c = data(10, density=0.3)
    dense = SoftmaxRegression(**case, tol=1e-11).fit(X, labels, c)
    same = SoftmaxRegression(**case, tol=1e-11).fit(sparse.csr_array(X), labels, c)
    np.testing.assert_allclose(same.coef_, dense.coef_, atol=2e-5)
    assert abs(same.objective_ - dense.objective_) <= same.gap_ + dense.gap_


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("form", [np.array, sparse.csr_array])
def test_wide_features(grouped, form):
    X, labels, c = data(11, 40, 1500, density=0.05 if form is sparse.csr_array else 1)
    X[:, ::3] = 0  # columns that do not vary
    model = SoftmaxRegression(C=0.3, l1_ratio=1.0, grouped=grouped, tol=1e-10).fit(form(X), labels, c)
    varies = X.any(axis=0)
    assert model.converged_ and not model.coef_[:, ~varies].any() and model.n_iter_[0] < 200
    assert 0 < model.coef_.any(axis=0).sum() <= 150
    few = X[:, varies]
    alone = SoftmaxRegression(C=0.3, l1_ratio=1.0, grouped=grouped, tol=1e-10).fit(form(few), labels, c)
    assert violation(alone, few, labels, c) < 1e-6
    assert abs(alone.objective_ - model.objective_) <= alone.gap_ + model.gap_


def test_a_feature_that_does_not_vary_is_held_by_its_bounds_alone():
    X, labels, c = data(12)
    X[:, 3] = 7
    model = SoftmaxRegression(l1_ratio=1.0, tol=1e-10).fit(X, labels, c)
    assert model.converged_ and not model.coef_[:, 3].any()
    bound = [-np.inf] * 3 + [0.5] + [-np.inf] * 4
    bounded = SoftmaxRegression(l1_ratio=1.0, lower=bound, tol=1e-10).fit(X, labels, c)
    assert (bounded.coef_[:, 3] == 0.5).all()
    assert bounded.objective_ == pytest.approx(model.objective_ + 3 * 0.5, rel=1e-9)


@pytest.mark.parametrize("grouped", [False, True])
def test_units_of_features_change_nothing_but_units(grouped):
    X, labels, c = data(13)
    units = 10.0 ** np.random.default_rng(0).integers(-8, 9, X.shape[1])
    rows, loss = Rows(X, labels, "classes", c), CrossEntropy(3)
    penalty = ElasticNet(np.linspace(0.5, 5, 8), 0.3, is_grouped=grouped)
    plainly = minimise(rows, loss, penalty, tol=1e-11)
    # |W| counts by the unit, W² by its square: the same penalty is another one of scaled columns.
    other = penalty.columns(8).in_units(1 / units)
    scaled = minimise(Rows(X * units, labels, "classes", c), loss, other, tol=1e-11)
    np.testing.assert_allclose(scaled.weight * units, plainly.weight, atol=1e-6)
    assert abs(scaled.objective - plainly.objective) <= scaled.gap + plainly.gap


def test_units_of_weights_change_nothing_but_units():
    X, labels, c = data(14)
    model = SoftmaxRegression(C=0.2, l1_ratio=1.0).fit(X, labels, c)
    heavy = SoftmaxRegression(C=0.2 / 2.0**900, l1_ratio=1.0).fit(X, labels, c * 2.0**900)
    np.testing.assert_array_equal(heavy.coef_, model.coef_)
    assert heavy.objective_ == pytest.approx(model.objective_, rel=1e-14)


def test_weights_count_rows():
    X, labels, _ = data(15)
    times = np.random.default_rng(0).integers(0, 4, len(X))
    times[:3] = 1
    weighed = SoftmaxRegression(C=0.2, l1_ratio=1.0, tol=1e-11).fit(X, labels, times)
    repeated = SoftmaxRegression(C=0.2, l1_ratio=1.0, tol=1e-11)
    repeated.fit(np.repeat(X, times, axis=0), np.repeat(labels, times))
    np.testing.assert_allclose(weighed.coef_, repeated.coef_, atol=1e-6)
    assert abs(weighed.objective_ - repeated.objective_) <= weighed.gap_ + repeated.gap_


@pytest.mark.parametrize("given", [{}, {"grouped": True}, {"lower": -0.2, "upper": 0.2}])
def test_an_offset_is_part_of_the_logits(given):
    X, labels, c = data(16)
    offset = np.random.default_rng(1).normal(size=(len(X), 3))
    model = SoftmaxRegression(C=0.1, l1_ratio=1.0, tol=1e-10, **given).fit(X, labels, c, offset=offset)
    bounds = given.get("lower", -np.inf), given.get("upper", np.inf)
    penalty = ElasticNet(10.0, 0.0, *bounds, is_grouped="grouped" in given)
    best = Reference(X, labels, 3, c, penalty, offset=offset)
    np.testing.assert_allclose(model.coef_, best.weight, atol=1e-5)
    assert np.abs(slopes_of(model, X, labels, c, offset)[1]).max() < 1e-3


def test_float32_and_a_class_without_weight():
    X, labels, c = data(17)
    X = X.astype(np.float32)
    model = SoftmaxRegression(C=0.2, l1_ratio=1.0).fit(X, labels, c)
    same = SoftmaxRegression(C=0.2, l1_ratio=1.0).fit(X.astype(np.float64), labels, c)
    np.testing.assert_allclose(model.coef_, same.coef_, atol=1e-8)
    absent = SoftmaxRegression(C=0.2, l1_ratio=1.0, tol=1e-10).fit(X, labels, c * (labels != 1))
    assert absent.converged_ and not absent.coef_[1].any()


def test_numpy_does_the_same_without_the_compiled_loops(monkeypatch):
    X, labels, c = data(18)
    models = [SoftmaxRegression(C=0.1, l1_ratio=1.0, grouped=grouped) for grouped in (False, True)]
    compiled = [model.fit(X, labels, c).coef_ for model in models]
    monkeypatch.setattr(quadratic, "descend_gram", plain.descend_gram)
    monkeypatch.setattr(quadratic, "descend_groups", plain_groups.descend_groups)
    for model, coef in zip(models, compiled, strict=True):
        np.testing.assert_allclose(model.fit(X, labels, c).coef_, coef, rtol=1e-9, atol=1e-12)


# Parameters


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"grouped": True}, "l1_ratio above 0"),
        ({"l1_ratio": 1.0, "solver": "newton"}, "'proximal'"),
        ({"l1_ratio": 1.0, "solver": "sgd"}, "not for solver='sgd'"),
        ({"solver": "proximal"}, "'newton', 'lbfgs' or 'newton-cg'"),
        ({"l1_ratio": 1.0, "penalty_factors": [1, 2]}, "penalty_factors"),
        ({"l1_ratio": 1.0, "penalty_factors": [-1] * 8}, "not negative"),
        ({"lower": 1, "upper": 0}, "lower is above upper"),
        ({"lower": [0, 1, 2]}, "lower must be a number or one for each"),
        ({"l1_ratio": 1.0, "grouped": True, "lower": 0, "upper": 1}, "no bounds"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters, message):
    X, labels, _ = data()
    with pytest.raises(OneLayerError, match=message):
        SoftmaxRegression(**parameters).fit(X, labels)


def test_convergence_is_reached_without_a_word():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(5):
            X, labels, c = data(seed, 30, 100)
            for case in ({}, {"grouped": True}, {"lower": -0.05, "upper": 0.05}):
                assert SoftmaxRegression(C=3.0, l1_ratio=0.9, **case).fit(X, labels, c).converged_
