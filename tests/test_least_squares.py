"""Exact least squares: against rational arithmetic, certified values, and other packages."""

import json
import math
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn import linear_model

import exact
from onelayer.data import houses
from onelayer.data.rows import Rows
from onelayer.double_double import DoubleDouble, Sliced, slice_bits, two_product, two_sum
from onelayer.solvers.direct import least_squares
from onelayer.solvers.fit import LeastSquaresFit


def solve(X, Y, c=None, alpha=0.0, intercept=True, careful=None) -> LeastSquaresFit:
    return least_squares(Rows(X, Y, "regression", c), alpha, intercept, careful)


NIST = sorted((Path(__file__).parent / "data/nist-strd").glob("*.json"))


# Twice the working precision

numbers = st.floats(-1e100, 1e100).filter(lambda x: x == 0 or abs(x) > 1e-100)


@given(numbers, numbers)
def test_sums_and_products_lose_nothing(a, b):
    total, error = two_sum(np.float64(a), np.float64(b))
    assert total == a + b and Fraction(float(total)) + Fraction(float(error)) == Fraction(a) + Fraction(b)
    product, error = two_product(np.float64(a), np.float64(b))
    assert product == a * b and Fraction(float(product)) + Fraction(float(error)) == Fraction(a) * Fraction(b)


def as_fraction(x: DoubleDouble) -> Fraction:
    return Fraction(float(x.high)) + Fraction(float(x.low))


@given(st.lists(st.integers(-(2**53), 2**53), min_size=1, max_size=40), st.integers(1, 2**53))
def test_double_double_has_thirty_digits(integers, divisor):
    values = np.array(integers, float) / 7
    exact = [Fraction(float(v)) for v in values]
    x, scale = DoubleDouble.of(values), sum(map(abs, exact))
    assert abs(as_fraction(x.sum()) - sum(exact)) <= scale * Fraction(1, 2**98)
    squares = (x * x).sum()
    assert abs(as_fraction(squares) - sum(v * v for v in exact)) <= sum(v * v for v in exact) * Fraction(
        1, 2**98
    )
    product = as_fraction((x * np.float64(divisor))[0])
    assert abs(product - exact[0] * divisor) <= abs(exact[0] * divisor) * Fraction(1, 2**98)
    difference = (x - values).sum()
    assert as_fraction(difference) == 0


@pytest.mark.parametrize("shape", [(7, 5, 2), (300, 4, 1), (5, 300, 1)])
def test_matrices_are_multiplied_with_thirty_digits(shape):
    m, k, q = shape
    generator = np.random.default_rng(0)
    A = generator.normal(size=(m, k)) * 10.0 ** generator.integers(-8, 9, k)
    B = generator.normal(size=(k, q))
    left = Sliced.of(A, slice_bits(max(m, k)))
    right = Sliced.of(DoubleDouble.of(B * left.scale[:, None]), left.bits)
    found = left.times(right)
    for i in range(m):
        for j in range(q):
            terms = [Fraction(a) * Fraction(b) for a, b in zip(A[i].tolist(), B[:, j].tolist(), strict=True)]
            error = as_fraction(found[i, j]) * Fraction(float(right.scale[j])) - sum(terms)
            assert abs(error) <= sum(map(abs, terms)) * Fraction(1, 2**98)
    back = left.transposed_times(Sliced.of(DoubleDouble.of(A[:, :1]), left.bits))
    scale = left.scale * Sliced.of(A[:, :1], left.bits).scale
    for j in range(k):
        terms = [Fraction(a) * Fraction(b) for a, b in zip(A[:, j].tolist(), A[:, 0].tolist(), strict=True)]
        error = as_fraction(back[j, 0]) * Fraction(float(scale[j])) - sum(terms)
        assert abs(error) <= sum(map(abs, terms)) * Fraction(1, 2**98)


# Against rational arithmetic, which rounds nothing


def rational_solution(X, y, intercept: bool) -> list[float]:
    """Return the exact least squares coefficients, the intercept first, rounded once at the end."""
    A = [([Fraction(1)] if intercept else []) + [Fraction(float(v)) for v in row] for row in X]
    b = [Fraction(float(v)) for v in y]
    p = len(A[0])
    rows = [
        [sum(r[i] * r[j] for r in A) for j in range(p)] + [sum(r[i] * v for r, v in zip(A, b, strict=True))]
        for i in range(p)
    ]
    for i in range(p):
        pivot = next(r for r in range(i, p) if rows[r][i])
        rows[i], rows[pivot] = rows[pivot], rows[i]
        rows[i] = [v / rows[i][i] for v in rows[i]]
        for r in range(p):
            if r != i:
                rows[r] = [v - rows[r][i] * w for v, w in zip(rows[r], rows[i], strict=True)]
    return [float(row[p]) for row in rows]


def coefficients(X, y, intercept: bool = True, **how) -> np.ndarray:
    fit = solve(X, np.asarray(y, float)[:, None], intercept=intercept, **how)
    return np.r_[fit.bias, fit.weight[0]] if intercept else fit.weight[0]


@settings(max_examples=40)
@given(st.integers(0, 10**6), st.integers(1, 4), st.booleans())
def test_small_problems_are_solved_to_the_last_digit(seed, d, intercept):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(d + 3, d)) * 10.0 ** generator.integers(-6, 7, d) + generator.normal(size=d)
    y = generator.normal(size=d + 3) * 100
    expected = rational_solution(X, y, intercept)
    np.testing.assert_allclose(coefficients(X, y, intercept), expected, rtol=2.3e-16)


@pytest.mark.parametrize("degree", [5, 8, 10])
def test_polynomials_that_defeat_the_normal_equations(degree):
    x = np.linspace(-9, -3, 82)  # scaled, the condition of the tenth degree is 1e10
    X = np.stack([x**k for k in range(1, degree + 1)], axis=1)
    y = 0.8 + np.random.default_rng(0).normal(size=82)
    np.testing.assert_allclose(coefficients(X, y), rational_solution(X, y, True), rtol=1e-15)


# Certified by NIST


def nist(path: Path):
    case = json.loads(path.read_text())
    X, y = np.array(case["x"], float), np.array(case["y"], float)
    if case["degree"] > 1:
        X = np.hstack([X**k for k in range(1, case["degree"] + 1)])
    return X, y, case["intercept"], case["certified"]


def digits(found, certified) -> float:
    """Return how many digits of the worst value are right (the log relative error), at most 15.95."""
    pairs = zip(np.ravel(found).tolist(), np.ravel(certified).tolist(), strict=True)
    wrong = [abs(f - c) / abs(c) if c else abs(f) for f, c in pairs]
    return min([15.95, *(-math.log10(w) for w in wrong if w)])


@pytest.mark.parametrize("path", NIST, ids=lambda path: path.stem)
def test_nist_coefficients_are_exact(path):
    X, y, intercept, certified = nist(path)
    found = coefficients(X, y, intercept)
    np.testing.assert_array_equal(found, rational_solution(X, y, intercept))
    # Rounding NIST's decimals to float64 costs the intercept of norris its fourteenth digit, whatever the solver.
    assert digits(found, certified["coefficients"]) > (13.9 if path.stem == "norris" else 14)
    with_ones = np.c_[np.ones(len(X)), X] if intercept else X
    numpys = np.linalg.lstsq(with_ones, y, rcond=None)[0]
    assert digits(found, certified["coefficients"]) >= digits(numpys, certified["coefficients"])


@pytest.mark.parametrize("path", NIST, ids=lambda path: path.stem)
def test_nist_statistics(path):
    X, y, intercept, certified = nist(path)
    fit = solve(X, y[:, None], intercept=intercept)
    degrees = len(y) - X.shape[1] - intercept
    sigma = math.sqrt(fit.rss[0] / degrees)
    variances = fit.inverse.variances()
    errors = sigma * np.sqrt(np.roll(variances, 1) if intercept else variances[:-1])
    assert digits(sigma, certified["residual_standard_deviation"]) > 13.9
    assert digits(errors, certified["standard_errors"]) > 13.9
    assert digits(1 - fit.rss[0] / fit.tss[0], certified["r_squared"]) > 14


@pytest.mark.parametrize("times", [0.01, 1, 100])
def test_wampler_with_less_and_more_noise(times):
    """NIST's wampler3, 4 and 5: y = 1 + x + … + x⁵ plus noise that no polynomial of degree 5 explains."""
    X, y, _, _ = nist(next(path for path in NIST if path.stem == "wampler4"))
    trend = 1 + X.sum(axis=1)
    np.testing.assert_array_equal(coefficients(X, trend + times * (y - trend)), np.ones(6))


# Against other packages


@pytest.fixture(scope="module")
def data():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(400, 30)) + 3
    Y = X @ generator.normal(size=(30, 2)) + generator.normal(size=(400, 2))
    return X, Y, generator.integers(0, 3, 400).astype(float)


@pytest.mark.parametrize("careful", [False, True])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 2.5])
@pytest.mark.parametrize("weighted", [True, False])
def test_both_ways_equal_scikit_learn(data, careful, intercept, alpha, weighted):
    X, Y, c = data
    c = c if weighted else None
    fit = solve(X, Y, c, alpha, intercept, careful)
    theirs = linear_model.Ridge(alpha, fit_intercept=intercept, solver="cholesky")
    theirs = theirs if alpha else linear_model.LinearRegression(fit_intercept=intercept)
    theirs.fit(X, Y, c)
    np.testing.assert_allclose(fit.weight, theirs.coef_, rtol=1e-10)
    np.testing.assert_allclose(fit.bias, theirs.intercept_, rtol=1e-10, atol=1e-14)
    residuals = Y - theirs.predict(X)
    ones = np.ones(len(X)) if c is None else c
    ones = np.ldexp(ones, -fit.exponent)
    np.testing.assert_allclose(fit.rss, ones @ residuals**2, rtol=1e-10)
    centre = np.average(Y, axis=0, weights=c) if intercept else 0
    np.testing.assert_allclose(fit.tss, ones @ (Y - centre) ** 2, rtol=1e-10)
    A = np.c_[X, np.ones(400)] if intercept else X
    penalty = np.ldexp(np.diag([alpha] * 30 + [0.0] * int(intercept)), -fit.exponent)
    p = A.shape[1]
    np.testing.assert_allclose(
        fit.inverse.matrix()[:p, :p],
        np.linalg.inv(A.T @ (ones[:, None] * A) + penalty),
        rtol=1e-7,
        atol=1e-12,
    )
    assert (fit.solver, fit.rank) == ("direct", 30)


def test_houses_is_the_published_fit():
    rows = houses().train
    fit = solve(rows.X, rows.y)
    assert fit.bias[0] == pytest.approx(76513.9, abs=0.05)
    assert fit.weight[0].tolist() == pytest.approx([95.915, -1085.82], abs=0.005)
    assert 1 - fit.rss[0] / fit.tss[0] == pytest.approx(0.6591, abs=5e-5)


def test_float32_features_are_summed_in_float64():
    generator = np.random.default_rng(1)
    X = (generator.normal(size=(20_000, 5)) + 1000).astype(np.float32)
    Y = X.astype(float) @ np.arange(1.0, 6.0)[:, None] + 7
    fit = solve(X, Y)
    assert fit.solver == "direct"
    np.testing.assert_allclose(fit.weight, [[1, 2, 3, 4, 5]], rtol=1e-12)
    np.testing.assert_allclose(fit.bias, 7, rtol=1e-8)


def test_columns_far_from_zero_and_of_all_sizes():
    generator = np.random.default_rng(2)
    X = generator.normal(size=(5_000, 6)) * 10.0 ** np.arange(-6, 6, 2) + [1, 1e3, 0, 1e6, 0, 1e9]
    true = np.arange(1.0, 7.0) / 10.0 ** np.arange(-6, 6, 2)
    fit = solve(X, (X @ true)[:, None])
    assert fit.solver == "direct"
    np.testing.assert_allclose(fit.weight[0], true, rtol=1e-6)


@pytest.mark.parametrize("n", [12, 2_000])
def test_dependent_columns_have_the_solution_of_least_norm(n):
    generator = np.random.default_rng(3)
    X = generator.normal(size=(n, 3))
    X = np.c_[X, X[:, 0], X @ [1, 2, 3], np.full(n, 0.1)]
    Y = generator.normal(size=(n, 2))
    fit = solve(X, Y)
    weight = np.linalg.pinv(X - X.mean(axis=0), rcond=1e-10) @ (Y - Y.mean(axis=0))
    np.testing.assert_allclose(fit.weight, weight.T, atol=1e-12)
    np.testing.assert_allclose(fit.bias, Y.mean(axis=0) - X.mean(axis=0) @ weight, atol=1e-12)
    assert fit.rank == 3


def test_more_features_than_rows():
    generator = np.random.default_rng(4)
    X, Y = generator.normal(size=(20, 50)), generator.normal(size=(20, 1))
    fit = solve(X, Y)
    np.testing.assert_allclose(X @ fit.weight.T + fit.bias, Y, atol=1e-12)
    weight = np.linalg.pinv(X - X.mean(axis=0), rcond=1e-10) @ (Y - Y.mean())
    np.testing.assert_allclose(fit.weight, weight.T, atol=1e-12)
    assert fit.rank == 19


@pytest.mark.parametrize("alpha", [0.0, 3.0])
@pytest.mark.parametrize("intercept", [True, False])
def test_wide_data_in_the_span_of_their_rows(alpha, intercept):
    generator = np.random.default_rng(5)
    X, Y, c = generator.normal(size=(40, 1_200)), generator.normal(size=(40, 2)), generator.integers(0, 3, 40)
    fit = solve(X, Y, c.astype(float), alpha, intercept)
    used = c > 0
    X, Y, c = X[used], Y[used], c[used]
    centre, y_centre = (
        np.average(A, axis=0, weights=c) if intercept else np.zeros(A.shape[1]) for A in (X, Y)
    )
    root = np.sqrt(c)[:, None]
    A, B = root * (X - centre), root * (Y - y_centre)
    expected = A.T @ np.linalg.pinv(A @ A.T + alpha * np.eye(len(A)), rcond=1e-10) @ B
    np.testing.assert_allclose(fit.weight, expected.T, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(fit.bias, y_centre - centre @ expected, rtol=1e-9, atol=1e-12)
    assert fit.rank == (1_200 if alpha else len(A) - intercept)


@pytest.mark.parametrize("alpha", [1, 10**4])
def test_a_wide_ridge_of_whole_numbers_in_exact_arithmetic(alpha):
    """W = Xᵀ (XXᵀ + alpha)⁻¹ y, of integers."""
    generator = np.random.default_rng(6)
    X, y = generator.integers(-50, 50, (12, 600)), generator.integers(-100, 100, 12)
    kernel = (X @ X.T + alpha * np.eye(12, dtype=int)).astype(object)
    z, denominator = exact.solve(kernel, y.astype(object))
    expected = [float(Fraction(int(v), int(denominator))) for v in X.T.astype(object) @ z]
    fit = solve(X.astype(float), y[:, None].astype(float), alpha=float(alpha), intercept=False)
    np.testing.assert_allclose(fit.weight[0], expected, rtol=1e-12, atol=1e-15 * np.abs(expected).max())


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("centre", [0, 40, 10**6])
@pytest.mark.parametrize("alpha", [2, 10**5])
def test_a_wide_ridge_with_weights_and_a_bias_in_exact_arithmetic(alpha, centre, dtype):
    """W = Xᵀa with (XXᵀ + alpha C⁻¹) a + b = y and Σ a = 0, of integers."""
    generator = np.random.default_rng(7)
    X, y = generator.integers(-50, 50, (12, 2_500)) + centre, generator.integers(900, 1_100, 12)
    c = generator.integers(1, 3, 12)
    system = np.zeros((13, 13), dtype=object)
    system[:12, :12] = (X @ X.T).astype(object) + np.diag(alpha // c).astype(object)
    system[12, :12] = system[:12, 12] = 1
    z, denominator = exact.solve(system, np.array([*y.tolist(), 0], dtype=object))
    expected = [float(Fraction(int(v), int(denominator))) for v in X.T.astype(object) @ z[:12]]
    fit = solve(X.astype(dtype), y[:, None].astype(float), c.astype(float), float(alpha))
    np.testing.assert_allclose(fit.weight[0], expected, rtol=1e-12, atol=1e-14 * np.abs(expected).max())
    bias = float(Fraction(int(z[12]), int(denominator)))
    np.testing.assert_allclose(fit.bias, bias, rtol=1e-12, atol=1e-12 * np.abs(expected).max() * centre)
    rss = sum(
        Fraction(int(a) ** 2 * alpha**2, int(w) * int(denominator) ** 2) for a, w in zip(z, c, strict=False)
    )
    assert np.ldexp(fit.rss[0], fit.exponent) == pytest.approx(float(rss), rel=1e-10)
    assert fit.error <= 1e-11 and fit.rank == 2_500


@pytest.mark.parametrize("alpha", [1e-3, 1.0, 1e4])
def test_a_wide_ridge_of_several_panels_is_that_of_the_careful_way(alpha, monkeypatch):
    generator = np.random.default_rng(8)
    X = generator.normal(size=(500, 5_000)) * 10.0 ** generator.integers(-1, 2, 5_000) + 1
    Y, c = generator.normal(size=(500, 2)), generator.integers(0, 3, 500).astype(float)
    fit = solve(X, Y, c, alpha)
    monkeypatch.setattr("onelayer.solvers.dual.solve_dual", lambda *given: None)
    careful = solve(X, Y, c, alpha)
    assert fit.inverse is None and careful.inverse is not None
    for name in ("weight", "bias", "rss", "tss", "rounding"):
        ours, theirs = getattr(fit, name), getattr(careful, name)
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-13 * np.abs(theirs).max())


def test_one_row_and_no_variation():
    fit = solve(np.array([[3.0, 4.0]]), np.array([[5.0]]))
    assert fit.weight.tolist() == [[0, 0]] and fit.bias.tolist() == [5] and fit.rank == 0


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 1.5])
def test_sparse_equals_dense(data, alpha, weighted):
    X, Y, c = data
    X = np.where(X > 3.5, X, 0)
    c = c if weighted else None
    ours, dense = (solve(A, Y, c, alpha) for A in (sparse.csr_array(X), X))
    for name in ("weight", "bias", "rss", "tss"):
        np.testing.assert_allclose(getattr(ours, name), getattr(dense, name), rtol=1e-8, atol=1e-12)
    np.testing.assert_allclose(ours.inverse.matrix(), dense.inverse.matrix(), rtol=1e-8, atol=1e-12)


def test_sparse_columns_far_from_zero():
    generator = np.random.default_rng(7)
    x = generator.normal(size=(20_000, 1))
    Y = x + generator.normal(size=(20_000, 1))
    far, near = (solve(A, Y) for A in (sparse.csr_array(x + 1e7), x))
    np.testing.assert_allclose(far.weight, near.weight, rtol=1e-7)
    np.testing.assert_allclose(far.inverse.variances()[0], near.inverse.variances()[0], rtol=1e-6)
    constant = sparse.hstack([sparse.csr_array(x), np.full((20_000, 1), 0.1)], format="csr")
    assert solve(constant, Y).rank == 1


def test_sparse_with_dependent_columns_is_not_made_dense_at_once():
    generator = np.random.default_rng(5)
    X = sparse.random_array((3_000, 40), density=0.1, rng=generator, format="csr")
    X = sparse.hstack([X, X[:, :5]], format="csr")
    Y = generator.normal(size=(3_000, 1))
    fit = solve(X, Y)
    dense = X.toarray()
    weight = np.linalg.pinv(dense - dense.mean(axis=0), rcond=1e-10) @ (Y - Y.mean())
    np.testing.assert_allclose(fit.weight, weight.T, atol=1e-10)
    assert fit.rank == 40


@pytest.mark.parametrize("alpha", [0.0, 0.5])
@pytest.mark.parametrize("intercept", [True, False])
def test_sparse_with_many_features(alpha, intercept):
    generator = np.random.default_rng(6)
    X = sparse.random_array((300, 3_000), density=0.01, rng=generator, format="csr")
    Y, c = generator.normal(size=(300, 2)), generator.uniform(0.5, 2, 300)
    fit = solve(X, Y, c, alpha, intercept)
    mean, y_mean = (np.average(A, axis=0, weights=c) * intercept for A in (X.toarray(), Y))
    A, B = (np.sqrt(c)[:, None] * Z for Z in (X.toarray() - mean, Y - y_mean))
    weight = A.T @ np.linalg.pinv(A @ A.T + alpha * np.eye(300), rcond=1e-12) @ B
    np.testing.assert_allclose(fit.weight, weight.T, atol=1e-7)
    np.testing.assert_allclose(fit.bias, y_mean - mean @ weight, atol=1e-7)
    assert fit.solver == ("conjugate gradients" if alpha else "lsmr") and fit.rank is None


# As many columns as rows, or a few more


def met_by_whole_numbers(generator, n, d, intercept, centre):
    """Return X (n, d), Y (n, 2), and the weights of least norm (2, d) and the bias (2,) that meet all, of integers.

    Combinations of the rows, which sum to 0 where there is a bias, have the least norm of all that say the same.
    """
    X, a = generator.integers(-9, 10, (n, d)) + centre, generator.integers(-2, 3, (2, n))
    a[:, 0] -= a.sum(axis=1) if intercept else 0
    W, b = a @ X, generator.integers(-99, 100, 2) * int(intercept)
    return X.astype(float), (X @ W.T + b).astype(float), W, b


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize(("n", "d"), [(280, 280), (270, 300), (281, 280)])
@pytest.mark.parametrize("centre", [0, 1_000])
def test_as_many_columns_as_rows_meet_every_target_with_the_least_norm(n, d, intercept, centre):
    if n - intercept > d:
        return
    X, Y, W, b = met_by_whole_numbers(np.random.default_rng(11), n, d, intercept, centre)
    fit = solve(X, Y, intercept=intercept)
    np.testing.assert_allclose(fit.weight, W, rtol=0, atol=1e-16 * np.abs(W).max())
    np.testing.assert_allclose(fit.bias, b, rtol=0, atol=1e-16 * np.abs(Y).max())
    assert fit.inverse is None and fit.rank == n - intercept and fit.error < 1e-19
    assert (fit.rss <= 1e-24 * fit.tss).all()
    careful = solve(X, Y, intercept=intercept, careful=True)
    np.testing.assert_array_equal(fit.identified, careful.identified)
    assert fit.sensitivity == pytest.approx(careful.sensitivity, rel=20)


def test_weights_of_rows_that_are_met_change_nothing_and_those_of_weight_0_are_left_out():
    generator = np.random.default_rng(12)
    X, Y, W, b = met_by_whole_numbers(generator, 280, 300, True, 0)
    X, W = np.c_[X, np.full(280, 0.1)], np.c_[W, np.zeros(2)]  # a column that does not vary has no weight
    X, Y = np.r_[X, X[:20] + 1], np.r_[Y, Y[:20]]
    fit = solve(X, Y, np.r_[generator.uniform(1, 9, 280), np.zeros(20)])
    np.testing.assert_allclose(fit.weight, W, rtol=0, atol=1e-16 * np.abs(W).max())
    np.testing.assert_allclose(fit.bias, b, rtol=0, atol=1e-16 * np.abs(Y).max())
    assert fit.inverse is None and fit.rank == 279


@pytest.mark.parametrize("kind", ["equal rows", "columns of all sizes", "constant target"])
def test_what_is_not_clear_of_as_many_columns_as_rows_is_for_the_careful_way(kind):
    generator = np.random.default_rng(13)
    X, Y = generator.normal(size=(280, 280)), generator.normal(size=(280, 1))
    if kind == "equal rows":
        X[7] = X[8]
    elif kind == "columns of all sizes":
        X *= 10.0 ** generator.integers(-6, 7, 280)
    else:
        Y[:] = 3.0
    fit, careful = solve(X, Y), solve(X, Y, careful=True)
    assert fit.inverse is not None and fit.rank == careful.rank == 279 - (kind == "equal rows")
    np.testing.assert_array_equal(fit.weight, careful.weight)


# Dependence and rounding


def float32_differences():
    """Columns that are differences of others, each rounded to float32: dependent to seven digits, not to sixteen."""
    generator, n = np.random.default_rng(9), 12

    def single(values):
        return np.asarray(values).astype("f4")

    a, b = (single(generator.normal(mean, 2, n).round(2)) for mean in (5, 3))
    c = single(a - b)
    steps = [single(np.diff(column, prepend=first)) for column, first in ((a, 5), (b, 3), (c, 2))]
    return np.stack([a, b, c, *steps], axis=1).astype(float), generator.normal(size=n)


def test_columns_that_are_dependent_but_for_their_rounding():
    X, y = float32_differences()
    fit = solve(X, y[:, None])
    np.testing.assert_allclose(np.r_[fit.bias, fit.weight[0]], rational_solution(X, y, True), rtol=1e-15)
    assert fit.rank == 6 and fit.error < 1e-20


def test_rounding_of_a_mean_is_not_a_direction():
    fit = solve(np.array([[2001.0, 0], [2001, 0], [2002, 1]]), np.array([[1.0], [2], [4]]))
    assert fit.rank == 1 and fit.weight.tolist() == [[1.25, 1.25]]
    np.testing.assert_allclose(fit.weight[0] @ [2002, 1] + fit.bias, 4, rtol=1e-12)


@pytest.mark.parametrize("offset", [0.0, 2e3, 1e9, 1e15])
@pytest.mark.parametrize("seed", range(5))
def test_a_year_beside_its_dummies(seed, offset):
    """A column at any offset, and a column for each of its values: the same predictions as the dummies alone."""
    generator = np.random.default_rng(seed)
    year = offset + generator.integers(1990, 2000, 40) % 100
    dummies = (year[:, None] == np.unique(year)).astype(float)
    y = generator.normal(size=(40, 1))
    fit = solve(np.c_[year, dummies], y)
    means = dummies @ ((dummies.T @ y) / dummies.sum(axis=0)[:, None])
    assert fit.rank == dummies.shape[1] - 1
    storing = np.finfo(float).eps * offset * np.abs(fit.weight[0, 0])
    np.testing.assert_allclose(
        np.c_[year, dummies] @ fit.weight.T + fit.bias, means, atol=1e-12 + 2 * storing
    )
    assert fit.rss == pytest.approx(((y - means) ** 2).sum(), rel=1e-9, abs=40 * storing**2)
    assert not fit.identified.any()


@pytest.mark.parametrize("n", [1, 2, 12, 600])
def test_more_integers_than_rows_are_met_exactly(n):
    generator = np.random.default_rng(n)
    X = generator.integers(1990, 2020, (n, n + 30)).astype(float)
    y = generator.normal(size=(n, 1))
    fit = solve(X, y)
    assert fit.rank == n - 1
    np.testing.assert_allclose(X @ fit.weight.T + fit.bias, y, atol=1e-9)


@pytest.mark.parametrize("scales", [1, 1e10, 1e-10])
@pytest.mark.parametrize("sparse_too", [False, True])
def test_nearly_equal_columns(scales, sparse_too):
    generator = np.random.default_rng(0)
    x, noise = generator.normal(size=60), generator.normal(size=60)
    for share in 10.0 ** -np.arange(1, 15):
        X = np.stack([x, x + share * noise], axis=1) * [1, scales]
        y = generator.normal(size=60)
        form = sparse.csr_array(X) if sparse_too else X
        fit = solve(form, y[:, None])
        np.testing.assert_allclose(np.r_[fit.bias, fit.weight[0]], rational_solution(X, y, True), rtol=1e-14)


def test_weights_of_any_size_are_only_relative(data):
    X, Y, c = data
    usual = solve(X, Y, c, 2.0)
    for exponent in (-1020, -900, 900, 1015):
        fit = solve(X, Y, np.ldexp(c, exponent), float(np.ldexp(2.0, exponent)))
        np.testing.assert_array_equal(fit.weight, usual.weight)
        np.testing.assert_array_equal(fit.rss, usual.rss)
        np.testing.assert_array_equal(fit.std_err(10), usual.std_err(10))
        np.testing.assert_allclose(
            np.log2(fit.sigma(10)) - exponent / 2, np.log2(usual.sigma(10)), atol=1e-12
        )


def test_a_clock_among_many_sparse_features():
    generator = np.random.default_rng(0)
    X = sparse.random_array((3_000, 2_400), density=0.004, rng=generator, format="csr")
    clock = 1.7e12 + generator.uniform(0, 1e10, (3_000, 1))
    X = sparse.hstack([X, sparse.csr_array(clock)], format="csr")
    weight = np.r_[np.ones(2_400), 1e-9]
    fit = solve(X, (X @ weight)[:, None] + 3)
    used = np.r_[np.bincount(X.indices, minlength=2_401)[:-1] > 0, True]
    np.testing.assert_allclose(fit.weight[0][used], weight[used], rtol=1e-6)
    assert fit.solver == "lsmr" and fit.error < 1e-10
