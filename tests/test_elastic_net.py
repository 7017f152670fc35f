"""Least squares with an elastic net: optimality conditions, closed forms, scikit-learn, and the certificate."""

import warnings
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, sparse
from sklearn import linear_model
from sklearn.exceptions import ConvergenceWarning

from onelayer.data.rows import Rows
from onelayer.errors import OneLayerError
from onelayer.estimators import LinearRegression
from onelayer.penalties import ElasticNet
from onelayer.solvers import elastic_net as solver
from onelayer.solvers.elastic_net import elastic_net
from onelayer.solvers.kernels import plain
from onelayer.solvers.net_path import Family, elastic_net_path
from onelayer.solvers.standard_columns import DenseColumns, SparseColumns, SummedColumns, standard_columns


def data(seed, n=60, d=12, density=1.0, offset=1.0):
    """Return features (n, d), a target (n,) of a third of them, and weights (n,)."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d)) + offset * generator.normal(size=d)
    X = np.where(generator.uniform(size=(n, d)) < density, X, 0)
    weight = np.where(generator.uniform(size=d) < 0.4, generator.normal(size=d), 0)
    y = X @ weight + 3 + 0.5 * generator.normal(size=n)
    return X, y, generator.uniform(0.5, 2, n)


def exact_objective(X, y, c, w, b, penalty):
    """Return Σ c r² + 2 penalty(w) of stored numbers without rounding."""
    fractions = [[Fraction(float(v)) for v in row] for row in np.column_stack([X, np.ones(len(X)), y, c])]
    coefficients = [Fraction(float(v)) for v in np.append(w, b)]
    total = Fraction(0)
    for *row, target, weight in fractions:
        total += weight * (target - sum(v * a for v, a in zip(row, coefficients, strict=True))) ** 2
    parts = penalty.columns(len(w))
    for value, l1, l2 in zip(coefficients, parts.l1.tolist(), parts.l2.tolist(), strict=False):
        total += 2 * Fraction(l1) * abs(value) + Fraction(l2) * value**2
    return total


def least(X, y, c, penalty, fit_intercept):
    """Return the minimum by a reference, to about 15 digits: active sets are tried until the conditions hold.

    Each set of free weights, signs and bounds has equations of its own; a proximal gradient finds the set.
    """
    d, parts = X.shape[1], penalty.columns(X.shape[1])
    mean, y_mean = (c @ X / c.sum(), c @ y / c.sum()) if fit_intercept else (np.zeros(d), 0.0)
    Z, v = (X - mean) * np.sqrt(c)[:, None], (y - y_mean) * np.sqrt(c)
    H, g = Z.T @ Z, Z.T @ v
    rate = 1 / np.linalg.eigvalsh(H)[-1]
    w, t = np.clip(np.zeros(d), parts.lower, parts.upper), 1.0
    momentum = w
    for _ in range(1_000):
        new = parts.step((momentum + rate * (g - H @ momentum))[None], rate)[0]
        later = (1 + np.sqrt(1 + 4 * t * t)) / 2
        if (new - w) @ (momentum - new) > 0:
            later = 1.0  # start the momentum anew where it overshoots
        momentum, w, t = new + (t - 1) / later * (new - w), new, later
    free = (w != 0) & (w > parts.lower) & (w < parts.upper) | (parts.l1 == 0) & (w > parts.lower) & (
        w < parts.upper
    )
    if free.any():
        right = (g - H[:, ~free] @ w[~free] - parts.l1 * np.sign(w))[free]
        polished = w.copy()
        polished[free] = np.linalg.lstsq(H[np.ix_(free, free)] + np.diag(parts.l2[free]), right)[0]
        if ((np.sign(polished) == np.sign(w)) | (parts.l1 == 0)).all():
            w = np.clip(polished, parts.lower, parts.upper)
    return exact_objective(X, y, c, w, y_mean - mean @ w, penalty)


def optimality(X, y, c, model, alpha, l1_ratio, factor=None, lower=-np.inf, upper=np.inf):
    """Return by how much the subgradient conditions are violated, relative to ‖x‖ ‖r‖, with sums rounded once."""
    import math

    W, b = np.atleast_2d(model.coef_)[0], float(np.atleast_1d(model.intercept_)[0])
    terms = np.column_stack([y, -X * W, np.full(len(y), -b)])
    r = np.array([math.fsum(row) for row in terms.tolist()])
    slope = np.array([math.fsum((c * r * x).tolist()) for x in X.T])
    strength = alpha * (np.ones(len(W)) if factor is None else factor)
    slope -= strength * (1 - l1_ratio) * W
    l1, size = strength * l1_ratio, np.sqrt(c @ X**2) * np.sqrt(c @ r**2)
    lower, upper = np.broadcast_to(lower, W.shape), np.broadcast_to(upper, W.shape)
    up = np.where(upper > W, slope - np.where(W >= 0, l1, -l1), 0)  # what a step up gains, and down
    down = np.where(lower < W, -slope - np.where(W <= 0, l1, -l1), 0)
    found = np.maximum(np.maximum(up, down), 0) / np.where(size > 0, size, 1)
    total = abs(math.fsum((c * r).tolist())) / np.sqrt(c.sum() * (c @ r**2)) if model.fit_intercept else 0.0
    return max(float(found.max()), total)


CASES = [
    {"alpha": 5.0, "l1_ratio": 1.0},
    {"alpha": 5.0, "l1_ratio": 0.3},
    {"alpha": 0.1, "l1_ratio": 0.7, "fit_intercept": False},
    {"alpha": 5.0, "l1_ratio": 0.5, "penalty_factors": [0, 0, 3, *[1] * 9]},
    {"alpha": 5.0, "penalty_factors": [0, 0.5, 3, *[1] * 9]},
    {"alpha": 5.0, "l1_ratio": 1.0, "positive": True},
    {"positive": True},
    {"positive": True, "upper": 0.5, "fit_intercept": False},
    {"alpha": 2.0, "l1_ratio": 0.5, "lower": -0.2, "upper": [0.3] * 6 + [np.inf] * 6},
    {"alpha": 2.0, "l1_ratio": 0.5, "lower": [0.1] * 3 + [-np.inf] * 9},
    {"lower": -0.1, "upper": 0.1},
]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("is_sparse", [False, True])
def test_subgradients_hold(case, is_sparse):
    for seed in range(3):
        X, y, c = data(seed, density=0.5 if is_sparse else 1)
        model = LinearRegression(**case).fit(sparse.csr_array(X) if is_sparse else X, y, c)
        lower = np.asarray(case.get("lower", -np.inf))
        bounds = (np.maximum(lower, 0) if case.get("positive") else lower), case.get("upper", np.inf)
        factor = np.array(case["penalty_factors"]) if "penalty_factors" in case else None
        given = case.get("alpha", 0.0), case.get("l1_ratio", 0.0), factor, *bounds
        assert optimality(X, y, c, model, *given) < 1e-13
        assert model.gap_ <= 1e-12 * model.objective_ and model.converged_
        assert (model.coef_ >= bounds[0]).all() and (model.coef_ <= bounds[1]).all()


@pytest.mark.parametrize("case", CASES)
def test_the_objective_is_that_of_the_stored_coefficients(case):
    X, y, c = data(5)
    model = LinearRegression(**case).fit(X, y, c)
    factor = np.array(case.get("penalty_factors", 1.0))
    penalty = Family(case.get("l1_ratio", 0.0), factor).at(case.get("alpha", 0.0))
    exact = exact_objective(X, y, c, model.coef_, model.intercept_, penalty)
    assert abs(Fraction(model.objective_) - exact) <= Fraction(min(model.gap_, 1e-12 * model.objective_))


def test_orthonormal_columns_have_a_closed_form():
    generator = np.random.default_rng(0)
    Q = np.linalg.qr(np.column_stack([np.ones(40), generator.normal(size=(40, 8))]))[0][:, 1:]
    y = generator.normal(size=40) * 3 + 7
    for alpha, rho in ((1.0, 1.0), (1.0, 0.4), (0.3, 0.9)):
        model = LinearRegression(alpha=alpha, l1_ratio=rho).fit(Q, y)
        slope = Q.T @ y
        expected = np.sign(slope) * np.maximum(np.abs(slope) - alpha * rho, 0) / (1 + alpha * (1 - rho))
        np.testing.assert_allclose(model.coef_, expected, rtol=1e-13, atol=1e-14)
        assert model.intercept_ == pytest.approx(y.mean(), rel=1e-14)


@pytest.mark.parametrize("shape", [(80, 10), (30, 50)])
@pytest.mark.parametrize("intercept", [True, False])
def test_it_is_the_elastic_net_of_scikit_learn(shape, intercept):
    X, y, c = data(1, *shape)
    for a, rho in ((0.1, 1.0), (0.1, 0.5), (0.5, 0.1)):
        theirs = linear_model.ElasticNet(
            a, l1_ratio=rho, fit_intercept=intercept, tol=1e-14, max_iter=10**6
        ).fit(X, y, c)
        ours = LinearRegression(alpha=a * c.sum(), l1_ratio=rho, fit_intercept=intercept).fit(X, y, c)
        np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6, atol=1e-9)
        assert ours.intercept_ == pytest.approx(theirs.intercept_, rel=1e-7)


def test_it_is_the_lasso_of_scikit_learn_where_columns_outnumber_rows():
    X, y, c = data(1, 40, 700)
    theirs = linear_model.Lasso(0.3, tol=1e-14, max_iter=10**6).fit(X, y, c)
    ours = LinearRegression(alpha=0.3 * c.sum(), l1_ratio=1.0).fit(X, y, c)
    np.testing.assert_allclose(ours.coef_, theirs.coef_, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("alpha", [1e-2, 1e-3, 3e-4, 1e-4])
def test_weak_penalties_on_dependent_columns_are_not_given_up(alpha):
    """Sweeps come closer slowly here, and the gap shrinks only near the end."""
    generator = np.random.RandomState(42)
    X, y, times = generator.rand(15, 30), generator.randint(0, 3, 15), generator.randint(0, 5, 15)
    X, y = np.repeat(X, times, axis=0), np.repeat(y, times).astype(float)
    model = LinearRegression(alpha=alpha, l1_ratio=1.0).fit(X, y)
    theirs = linear_model.Lasso(alpha / len(y), tol=1e-12, max_iter=10**6).fit(X, y)
    value = np.square(y - theirs.predict(X)).sum() + 2 * alpha * np.abs(theirs.coef_).sum()
    assert model.converged_ and model.objective_ <= value + model.gap_


def test_it_is_the_lasso_and_the_non_negative_least_squares_of_scikit_learn():
    X, y, c = data(2)
    lasso = linear_model.Lasso(0.05, positive=True, tol=1e-14, max_iter=10**6).fit(X, y)
    ours = LinearRegression(alpha=0.05 * len(y), l1_ratio=1, positive=True).fit(X, y)
    np.testing.assert_allclose(ours.coef_, lasso.coef_, rtol=1e-7, atol=1e-10)
    plain_fit = linear_model.LinearRegression(positive=True).fit(X, y, c)
    ours = LinearRegression(positive=True).fit(X, y, c)
    np.testing.assert_allclose(ours.coef_, plain_fit.coef_, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("is_sparse", [False, True])
def test_without_l1_it_is_the_ridge(is_sparse):
    X, y, c = data(3)
    given = sparse.csr_array(X) if is_sparse else X
    ridge = LinearRegression(alpha=2.0).fit(given, y, c)
    factor = np.ones(X.shape[1])
    same = LinearRegression(alpha=2.0, penalty_factors=factor).fit(given, y, c)
    assert same.solver_ == "coordinate descent" and ridge.solver_ == "direct"
    np.testing.assert_allclose(same.coef_, ridge.coef_, rtol=1e-11)
    theirs = linear_model.Ridge(2.0).fit(X, y, c)
    np.testing.assert_allclose(same.coef_, theirs.coef_, rtol=1e-10)
    nearly = LinearRegression(alpha=2.0, l1_ratio=1e-12).fit(given, y, c)
    np.testing.assert_allclose(nearly.coef_, ridge.coef_, rtol=1e-9)


def test_without_a_penalty_it_is_least_squares():
    X, y, c = data(4)
    plainly = LinearRegression().fit(X, y, c)
    assert LinearRegression(l1_ratio=0.5).fit(X, y, c).solver_ == "direct"
    same = LinearRegression(l1_ratio=0.5, lower=-1e9).fit(X, y, c)
    assert same.solver_ == "coordinate descent"
    np.testing.assert_allclose(same.coef_, plainly.coef_, rtol=1e-11)
    free = LinearRegression(alpha=1e9, l1_ratio=1, penalty_factors=[0, 0] + [1] * 10).fit(X, y, c)
    two = LinearRegression().fit(X[:, :2], y, c)
    np.testing.assert_allclose(free.coef_[:2], two.coef_, rtol=1e-11)
    assert not free.coef_[2:].any()


# The certificate


@settings(max_examples=40)
@given(
    st.integers(0, 10**6),
    st.sampled_from([(20, 3), (12, 6), (8, 12)]),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.sampled_from([1e-3, 0.1, 3.0]),
    st.booleans(),
    st.sampled_from([(-np.inf, np.inf), (0, np.inf), (-0.3, 0.3)]),
    st.sampled_from([1e-2, 1e-5, 1e-12]),
)
def test_the_gap_is_never_less_than_what_is_missing(seed, shape, rho, alpha, intercept, box, tol):
    X, y, c = data(seed, *shape)
    penalty = Family(rho, lower=box[0], upper=box[1]).at(alpha)
    fit = elastic_net(Rows(X, y, "regression", c), penalty, intercept, tol)
    value = exact_objective(X, y, c, fit.weight[0], fit.bias[0], penalty)
    assert value - least(X, y, c, penalty, intercept) <= Fraction(float(fit.gap[0]))
    assert fit.gap[0] <= tol * fit.objective[0] or fit.gap[0] <= 1e-9 * fit.objective[0]


@pytest.mark.parametrize("sweeps", [1, 2, 5])
def test_the_gap_holds_where_the_solver_is_stopped(sweeps):
    for seed in range(5):
        X, y, c = data(seed, 40, 20)
        rows, penalty = Rows(X, y, "regression", c), ElasticNet(0.5, 0.1)
        stopped = elastic_net(rows, penalty, max_iter=sweeps, tol=0)
        best = elastic_net(rows, penalty)
        assert 0 <= stopped.objective[0] - best.objective[0] <= stopped.gap[0] + best.gap[0]
        assert stopped.n_iter[0] <= sweeps


def test_a_solver_that_is_stopped_says_so():
    X, y, c = data(0, 40, 20)
    with pytest.warns(ConvergenceWarning, match="max_iter was reached"):
        model = LinearRegression(alpha=1, l1_ratio=1, max_iter=1).fit(X, y, c)
    assert not model.converged_ and model.gap_ > 0


# The three kinds of columns, and both kinds of loops


KINDS = {
    "summed": lambda rows, intercept: SummedColumns.of(rows, intercept),
    "dense": lambda rows, intercept: DenseColumns(rows, intercept),
    "sparse": lambda rows, intercept: SparseColumns(
        Rows(sparse.csr_array(rows.X), rows.y, rows.task, rows.c), intercept
    ),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("has_products", [True, False])
def test_all_kinds_of_columns_lead_to_the_same(kind, intercept, has_products):
    if kind == "summed" and not has_products:
        pytest.skip("its Gram matrix is there")
    X, y, c = data(6, 50, 15, density=0.6)
    rows = Rows(X, np.column_stack([y, y[::-1]]), "regression", c)
    family = Family(0.8, np.r_[0.0, np.ones(14)], upper=1.0)
    expected = elastic_net(rows, family.at(2.0), intercept)
    columns = KINDS[kind](rows, intercept)
    columns.most_products = 4096 if has_products else 3
    net = solver.Net(columns, [family.at(2.0)], 1e-12, 10_000)
    net.solve_all(is_exact=True)
    found = net.fit(0)
    np.testing.assert_allclose(found.weight, expected.weight, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(found.objective, expected.objective, rtol=1e-11)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("distance", [1e-3, 1e-5, 1e-6])
@pytest.mark.parametrize("tol", [1e-4, 1e-8])
def test_the_gap_of_free_columns_that_nearly_depend_on_each_other_is_one(kind, distance, tol):
    generator = np.random.default_rng(0)
    X = generator.normal(size=(30, 5))
    X[:, 1] = X[:, 0] + distance * generator.normal(size=30)
    y = X.sum(axis=1) + generator.normal(size=30)
    basis = np.linalg.qr(X, mode="reduced")[0]
    least = np.square(y - basis @ (basis.T @ y)).sum()
    columns = KINDS[kind](Rows(X, y[:, None], "regression"), False)
    net = solver.Net(columns, [ElasticNet(0.0)], tol, 10_000)
    net.solve_all()
    found = net.fit(0)
    assert found.converged.all()
    assert found.objective - found.gap <= least * (1 + 1e-12)
    assert found.objective <= least * (1 + tol) * (1 + 1e-12)


def test_the_kind_of_columns_follows_the_shape():
    for shape, density, kind in (((50, 20), 1, SummedColumns), ((50, 600), 1, DenseColumns)):
        assert isinstance(standard_columns(Rows(*data(0, *shape, density)[:2]), True), kind)
    many = sparse.random_array((30, 2001), density=0.01, rng=np.random.default_rng(0)).tocsr()
    assert isinstance(standard_columns(Rows(many, np.ones(30), "regression"), True), SparseColumns)
    few = Rows(many[:, :400], np.ones(30), "regression")
    assert isinstance(standard_columns(few, True), SummedColumns)


def test_numpy_does_the_same_without_the_compiled_loops(monkeypatch):
    X, y, c = data(7, 40, 600)
    model = LinearRegression(alpha=3.0, l1_ratio=0.9)
    compiled = model.fit(X, y, c).coef_
    monkeypatch.setattr(solver, "descend_gram", plain.descend_gram)
    np.testing.assert_allclose(model.fit(X, y, c).coef_, compiled, rtol=1e-12, atol=1e-15)


# Hard data


def test_units_of_features_change_nothing_but_units():
    X, y, c = data(8)
    units = 10.0 ** np.random.default_rng(0).integers(-8, 9, X.shape[1])
    factor = np.ones(X.shape[1])
    for rho in (0.0, 1.0, 0.5):
        plainly = LinearRegression(alpha=3.0, l1_ratio=rho, penalty_factors=factor).fit(X, y, c)
        # |W| counts by the unit, W² by its square: the same penalty is another one of scaled columns.
        penalty = Family(rho, factor).at(3.0).columns(len(factor)).in_units(1 / units)
        scaled = elastic_net(Rows(X * units, y, "regression", c), penalty)
        np.testing.assert_allclose(scaled.weight[0] * units, plainly.coef_, rtol=1e-10, atol=1e-14)
        assert scaled.objective[0] == pytest.approx(plainly.objective_, rel=1e-13)
        assert scaled.gap[0] <= 1e-11 * scaled.objective[0]


def test_units_of_the_target_and_of_weights_change_nothing_but_units():
    X, y, c = data(9)
    plainly = LinearRegression(alpha=3.0, l1_ratio=1.0).fit(X, y, c)
    large = LinearRegression(alpha=3e100, l1_ratio=1.0).fit(X, y * 1e100, c)
    np.testing.assert_allclose(large.coef_, plainly.coef_ * 1e100, rtol=1e-12)
    heavy = LinearRegression(alpha=3.0 * 2.0**900, l1_ratio=1.0).fit(X, y, c * 2.0**900)
    np.testing.assert_array_equal(heavy.coef_, plainly.coef_)
    assert heavy.objective_ == plainly.objective_ * 2.0**900 and heavy.gap_ == plainly.gap_ * 2.0**900


@pytest.mark.parametrize("offset", [1e4, 1e8])
@pytest.mark.parametrize("shape", [(60, 12), (40, 600)])
def test_columns_far_from_0_keep_their_digits(offset, shape):
    X, y, c = data(10, *shape, offset=0.0)
    X = np.round(X * 2**20) / 2**20  # so that an offset takes no digits of the values
    near = LinearRegression(alpha=3.0, l1_ratio=1.0).fit(X, y, c)
    far = LinearRegression(alpha=3.0, l1_ratio=1.0).fit(X + offset, y, c)
    np.testing.assert_allclose(far.coef_, near.coef_, rtol=1e-9, atol=1e-12)
    assert far.gap_ <= 1e-9 * far.objective_


@pytest.mark.parametrize("wide", [False, True])
def test_constant_and_dependent_columns(wide):
    X, y, c = data(11, 40, 600 if wide else 10)
    repeated = np.column_stack([X, X[:, :3], np.full(len(X), 7.3), np.zeros(len(X)), X[:, 0] + X[:, 1]])
    plainly = LinearRegression(alpha=3.0, l1_ratio=1.0).fit(X, y, c)
    model = LinearRegression(alpha=3.0, l1_ratio=1.0).fit(repeated, y, c)
    assert model.objective_ <= plainly.objective_ * (1 + 1e-12) and model.converged_
    assert not model.coef_[-3:-1].any()
    ridge = LinearRegression(alpha=3.0, penalty_factors=np.ones(repeated.shape[1])).fit(repeated, y, c)
    assert ridge.converged_ and not ridge.coef_[-3:-1].any()
    if not wide:
        free = LinearRegression(alpha=3.0, l1_ratio=1.0, penalty_factors=[0] * 10 + [1] * 6).fit(
            repeated, y, c
        )
        np.testing.assert_allclose(free.coef_[:10], LinearRegression().fit(X, y, c).coef_, rtol=1e-9)
        held = LinearRegression(positive=True).fit(repeated, y, c)
        assert held.converged_
        assert held.objective_ == pytest.approx(
            LinearRegression(positive=True).fit(X, y, c).objective_, rel=1e-12
        )


def test_rows_of_weight_0_do_not_count():
    X, y, c = data(12)
    half = np.where(np.arange(len(y)) % 2, c, 0)
    model = LinearRegression(alpha=1.0, l1_ratio=0.5)
    there, gone = model.fit(X, y, half).coef_, model.fit(X[1::2], y[1::2], c[1::2]).coef_
    np.testing.assert_allclose(there, gone, rtol=1e-12)
    twice = model.fit(np.vstack([X, X]), np.r_[y, y], np.r_[c, c] / 2).coef_
    np.testing.assert_allclose(twice, model.fit(X, y, c).coef_, rtol=1e-11)


def test_a_target_that_does_not_vary_and_a_perfect_fit():
    X, _, c = data(13)
    model = LinearRegression(alpha=1.0, l1_ratio=1.0).fit(X, np.full(len(X), 5.0), c)
    assert not model.coef_.any() and model.intercept_ == pytest.approx(5) and model.gap_ <= 1e-25
    exact = LinearRegression(alpha=1e-9, l1_ratio=1.0).fit(X, X[:, 0] - 2 * X[:, 3] + 1, c)
    np.testing.assert_allclose(exact.coef_, [1, 0, 0, -2, *[0] * 8], atol=1e-9)


def test_float32_bytes_and_one_feature():
    X, y, c = data(14)
    model = LinearRegression(alpha=1.0, l1_ratio=0.5)
    single = model.fit(X.astype(np.float32), y, c).coef_
    np.testing.assert_allclose(single, model.fit(X.astype(np.float32).astype(float), y, c).coef_, rtol=1e-12)
    one = model.fit(X[:, :1], y, c)
    assert optimality(X[:, :1], y, c, one, 1.0, 0.5) < 1e-13
    pixels = np.random.default_rng(0).integers(0, 256, (40, 9), np.uint8)
    scaled = elastic_net(Rows(pixels, y[:40], "regression", unit=1 / 255), ElasticNet(0.5))
    np.testing.assert_allclose(
        scaled.weight,
        elastic_net(Rows(pixels / 255, y[:40], "regression"), ElasticNet(0.5)).weight,
        rtol=1e-9,
    )


def test_non_negative_least_squares_of_scipy():
    X, y, _ = data(15)
    model = LinearRegression(positive=True, fit_intercept=False).fit(X, y)
    np.testing.assert_allclose(model.coef_, optimize.nnls(X, y)[0], rtol=1e-10, atol=1e-13)
    assert model.gap_ <= 1e-12 * model.objective_


# Several targets and penalties


def test_each_target_has_its_own_penalty():
    X, y, c = data(16)
    Y = np.column_stack([y, 3 * y[::-1], y**2])
    together = LinearRegression(alpha=[1.0, 20.0, 5.0], l1_ratio=0.9).fit(X, Y, c)
    total = 0.0
    for k, alpha in enumerate((1.0, 20.0, 5.0)):
        alone = LinearRegression(alpha=alpha, l1_ratio=0.9).fit(X, Y[:, k], c)
        np.testing.assert_allclose(together.coef_[k], alone.coef_, rtol=1e-9, atol=1e-12)
        total += alone.objective_
    assert together.objective_ == pytest.approx(total, rel=1e-13)


def test_offsets_are_taken_from_the_target():
    X, y, c = data(17)
    offset = np.random.default_rng(0).normal(size=len(y))
    model = LinearRegression(alpha=1.0, l1_ratio=0.5).fit(X, y, c, offset=offset)
    np.testing.assert_array_equal(
        model.coef_, LinearRegression(alpha=1.0, l1_ratio=0.5).fit(X, y - offset, c).coef_
    )


# Paths


@pytest.mark.parametrize("shape", [(60, 12), (30, 600)])
@pytest.mark.parametrize("rho", [1.0, 0.5])
def test_a_path_is_the_fits_one_by_one(shape, rho):
    X, y, c = data(18, *shape)
    rows = Rows(X, y, "regression", c)
    path = elastic_net_path(rows, Family(rho), 12, tol=1e-10)
    assert (np.diff(path.alphas) < 0).all() and len(path.alphas) == 12
    assert (path.gap <= 1e-10 * path.objective).all()
    for alpha, weight, value in zip(path.alphas, path.weight, path.objective, strict=True):
        fit = elastic_net(rows, Family(rho).at(alpha))
        np.testing.assert_allclose(weight, fit.weight, rtol=1e-4, atol=1e-5)
        assert value == pytest.approx(fit.objective, rel=1e-10)


@pytest.mark.parametrize("shape", [(60, 12), (30, 600)])
@pytest.mark.parametrize("intercept", [True, False])
def test_a_path_starts_where_all_weights_are_0(shape, intercept):
    for seed in range(5):
        X, y, c = data(seed, *shape)
        rows = Rows(X, y, "regression", c)
        path = elastic_net_path(rows, Family(0.7), 3, fit_intercept=intercept)
        assert not path.weight[0].any() and path.weight[1].any()
        centred = (X - c @ X / c.sum(), y - c @ y / c.sum()) if intercept else (X, y)
        assert path.alphas[0] == pytest.approx(np.abs((c * centred[1]) @ centred[0]).max() / 0.7, rel=1e-12)
        assert elastic_net(rows, Family(0.7).at(path.alphas[0] * 0.999), intercept).weight.any()


def test_a_path_with_free_and_bounded_weights_starts_where_the_others_are_0():
    X, y, c = data(19)
    family = Family(1.0, np.r_[0, 0, np.ones(10)], lower=np.r_[np.full(6, -np.inf), np.zeros(6)])
    path = elastic_net_path(Rows(X, y, "regression", c), family, 5, tol=1e-12)
    np.testing.assert_allclose(path.weight[0, 0, :2], LinearRegression().fit(X[:, :2], y, c).coef_, rtol=1e-9)
    assert not path.weight[0, 0, 2:].any() and path.weight[1, 0, 2:].any()


def test_a_path_takes_penalties_that_are_given_down_to_0():
    X, y, c = data(20)
    path = elastic_net_path(Rows(X, y, "regression", c), None, [0.0, 3.0, 1.0], tol=1e-10)
    assert path.alphas.tolist() == [3, 1, 0]
    np.testing.assert_allclose(path.weight[-1, 0], LinearRegression().fit(X, y, c).coef_, rtol=1e-5)
    with pytest.raises(OneLayerError, match="finite and not negative"):
        elastic_net_path(Rows(X, y, "regression", c), None, [-1.0])


def test_a_ridge_path_starts_somewhere():
    X, y, c = data(21)
    path = elastic_net_path(Rows(X, y, "regression", c), Family(0.0), 4, tol=1e-10)
    for alpha, weight in zip(path.alphas, path.weight, strict=True):
        np.testing.assert_allclose(weight[0], LinearRegression(alpha=alpha).fit(X, y, c).coef_, rtol=1e-6)


# What is refused, and what is kept


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"l1_ratio": 1.5}, "l1_ratio"),
        ({"penalty_factors": [1, 2]}, "penalty_factors must be a number or one for each of the 12 features"),
        ({"penalty_factors": [-1] * 12}, "penalty_factors must be finite and not negative"),
        ({"lower": 2, "upper": 1}, "lower is above upper"),
        ({"upper": -1, "positive": True}, "lower is above upper"),
        ({"lower": [np.nan] * 12}, "must not be NaN"),
        ({"upper": "much"}, "upper"),
        ({"alpha": 1, "l1_ratio": 1, "solver": "direct"}, "solver 'direct' has neither l1_ratio"),
    ],
)
def test_parameters_that_make_no_sense_are_refused(parameters, message):
    X, y, _ = data(0)
    with pytest.raises(OneLayerError, match=message):
        LinearRegression(**parameters).fit(X, y)


def test_groups_are_for_several_outputs():
    X, y, _ = data(0)
    with pytest.raises(OneLayerError, match="may not be in groups"):
        elastic_net(Rows(X, y, "regression"), ElasticNet(1.0, is_grouped=True))


def test_there_are_no_standard_errors_of_bounded_or_penalised_coefficients():
    X, y, _ = data(0)
    model = LinearRegression(positive=True).fit(X, y)
    assert np.isnan(model.std_err_).all()
    with pytest.raises(OneLayerError, match="bounds"):
        model.summary()
    with pytest.raises(OneLayerError, match="penalty"):
        LinearRegression(alpha=1, l1_ratio=1).fit(X, y).summary()


def test_what_is_saved_comes_back(tmp_path):
    X, y, c = data(0)
    model = LinearRegression(alpha=1.0, l1_ratio=0.5, penalty_factors=[0.5] * 12, lower=-1.0).fit(X, y, c)
    model.save(tmp_path / "model.onelayer")
    loaded = LinearRegression.load(tmp_path / "model.onelayer")
    for name in ("coef_", "objective_", "gap_", "n_iter_", "solver_"):
        np.testing.assert_array_equal(getattr(loaded, name), getattr(model, name))
    assert not hasattr(model.set_params(l1_ratio=0, penalty_factors=None, lower=None).fit(X, y), "gap_")


def test_convergence_is_reached_without_a_word():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for seed in range(20):
            X, y, c = data(seed, 30, 25)
            LinearRegression(alpha=10.0 ** (seed % 7 - 4), l1_ratio=1.0).fit(X, y, c)


def test_dependent_features_with_bounds_move_no_further_than_they_have_to():
    generator = np.random.default_rng(42)
    X, y, c = (
        generator.random((15, 30)),
        generator.integers(0, 3, 15).astype(float),
        generator.integers(0, 5, 15),
    )
    weighed = LinearRegression(positive=True).fit(X, y, c)
    order = generator.permutation(c.sum())  # of the same rows as often as they weigh
    repeated = LinearRegression(positive=True).fit(X.repeat(c, axis=0)[order], y.repeat(c)[order])
    assert weighed.objective_ <= 1e-20 and np.abs(weighed.coef_).max() < 10
    np.testing.assert_allclose(weighed.predict(X), repeated.predict(X), rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("alpha", 10.0 ** np.arange(-4, 2))
def test_a_weak_l1_leaves_out_what_dependent_features_do_not_need(alpha):
    generator = np.random.default_rng(42)
    X, y = generator.random((15, 30)), generator.integers(0, 3, 15).astype(float)
    c = generator.integers(1, 5, 15)
    model = LinearRegression(alpha=alpha, l1_ratio=1.0).fit(np.tile(X, (3, 1)), np.tile(y, 3), np.tile(c, 3))
    assert model.converged_ and np.count_nonzero(model.coef_) < 15
    slope = 3 * X.T @ (c * (y - model.predict(X)))
    assert np.abs(slope).max() <= alpha * (1 + 1e-6)
    np.testing.assert_allclose(
        slope[model.coef_ != 0], alpha * np.sign(model.coef_[model.coef_ != 0]), rtol=1e-5
    )
