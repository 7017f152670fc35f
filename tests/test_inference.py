"""Errors of coefficients: statsmodels' numbers, finite differences, 40 digits, and what has no finite value."""

import subprocess
import sys

import mpmath
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import statsmodels.api as statsmodels
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.special import softmax

from onelayer.data.rows import Rows
from onelayer.data.scanning import scan
from onelayer.errors import OneLayerError
from onelayer.inference import Coefficients, linear_coefficients, softmax_errors
from onelayer.inference.coefficients import said_p
from onelayer.losses import CrossEntropy, as_two_outputs
from onelayer.penalties import Ridge
from onelayer.solvers.direct import least_squares
from onelayer.solvers.minimise import minimise

CLASSES = ["a", "b", "c", "d", "e"]


def softmax_coefficients(*given, **how):
    return softmax_errors(*given, **how)[0]


def features(d):
    return [f"x{j + 1}" for j in range(d)]


def of_rows(rows, q, strength=0.0, intercept=True, tol=1e-13, solver="auto", **how):
    fit = minimise(rows, CrossEntropy(q), Ridge(strength), intercept, solver, tol)
    names = features(rows.n_features), CLASSES[:q]
    return softmax_coefficients(rows, fit.weight, fit.bias, Ridge(strength), *names, intercept, **how)


def of(X, y, q, c=None, *arguments, **how):
    return of_rows(Rows(X, y, "classes", c), q, *arguments, **how)


def problem(q, n=300, d=3, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d)) + generator.normal(size=d)
    outputs = X @ generator.normal(size=(d, q)) / 2
    return (
        X,
        (outputs + generator.gumbel(size=(n, q))).argmax(axis=1),
        generator.integers(0, 4, n).astype(float),
    )


def same(ours, theirs, rtol=1e-8):
    """Assert that coefficients are statsmodels', which has a column for each output."""
    for one, other in (
        (ours.estimate, theirs.params),
        (ours.std_err, theirs.bse),
        (ours.statistic, theirs.tvalues),
        (ours.p, theirs.pvalues),
    ):
        np.testing.assert_allclose(one, np.atleast_2d(np.asarray(other).T), rtol=rtol)
    interval = np.asarray(theirs.conf_int())
    np.testing.assert_allclose(ours.interval, interval.reshape(ours.interval.shape), rtol=rtol)
    assert not ours.notes


# Tails


def a_table(statistic, distribution, degrees, level=0.95):
    estimate = np.atleast_2d(statistic)
    ones, perfect = np.ones_like(estimate), np.zeros(len(estimate), bool)
    return Coefficients((), ("",), None, estimate, ones, distribution, degrees, level, perfect)


def student_tail(t, degrees):
    """P(|T| > |t|) in 40 digits, by integration from t on in steps of the density's own size."""
    with mpmath.workdps(40):
        t, degrees = abs(mpmath.mpf(t)), mpmath.mpf(degrees)
        scale = mpmath.gamma((degrees + 1) / 2) / mpmath.gamma(degrees / 2) / mpmath.sqrt(degrees * mpmath.pi)
        top = (1 + t * t / degrees) ** (-(degrees + 1) / 2)
        # x = t + s·unit, relative to the density at t
        unit = max(1, t) / max(1, min(t * t, degrees))

        def relative(s):
            x = t + s * unit
            return ((1 + x * x / degrees) / (1 + t * t / degrees)) ** (-(degrees + 1) / 2)

        return 2 * scale * top * unit * mpmath.quad(relative, [0, 1, 3, 10, 30, 100, 1e3, 1e6, mpmath.inf])


@pytest.mark.parametrize("degrees", [1, 2, 5, 30, 2927, 10**7])
def test_p_of_students_t_is_right_in_the_far_tail(degrees):
    for t in (1e-6, 0.5, -2.0, 7.0, 30.0, 1e3, 1e8, 1e50, 1e120):
        exact = student_tail(t, degrees)
        if exact > 1e-300:
            rel = 1e-11 if exact < 0.9 else 1e-8  # SciPy's, near 1
            assert a_table(t, "t", degrees).p[0, 0] == pytest.approx(float(exact), rel=rel, abs=0)


def test_a_p_that_is_too_small_for_a_number_is_not_0():
    assert said_p(0.0123) == "p = 0.0123"
    assert said_p(0.0) == "p < 1e-300"


def test_p_of_the_normal_distribution_is_right_in_the_far_tail():
    for z in (0.0, 1e-6, 1.0, -3.0, 10.0, 25.0, 37.0):
        with mpmath.workdps(40):
            exact = mpmath.erfc(mpmath.mpf(abs(z)) / mpmath.sqrt(2))
        assert a_table(z, "normal", np.inf).p[0, 0] == pytest.approx(float(exact), rel=1e-12, abs=0)


@pytest.mark.parametrize(("distribution", "degrees"), [("t", 3), ("t", 200), ("normal", np.inf)])
@pytest.mark.parametrize("level", [0.5, 0.95, 1 - 1e-9])
def test_an_interval_ends_where_p_is_what_its_level_leaves(distribution, degrees, level):
    [[[low, high]]] = a_table(0.0, distribution, degrees, level).interval
    assert low == -high
    assert a_table(high, distribution, degrees).p[0, 0] == pytest.approx(1 - level, rel=1e-6)


# Linear regression


@pytest.mark.parametrize("intercept", [True, False])
def test_linear_coefficients_are_those_of_weighted_least_squares(intercept):
    X, _, c = problem(2)
    Y = X @ np.ones((3, 2)) + np.random.default_rng(1).normal(size=(300, 2))
    fit = least_squares(Rows(X, Y, "regression", c), 0.0, intercept)
    found = linear_coefficients(fit, features(3), int((c > 0).sum()), intercept, outputs=["u", "v"])
    kept = c > 0
    A = statsmodels.add_constant(X) if intercept else X
    for k in range(2):
        theirs = statsmodels.WLS(Y[kept, k], A[kept], weights=c[kept]).fit()
        np.testing.assert_allclose(found.std_err[k], theirs.bse, rtol=1e-9)
        np.testing.assert_allclose(found.p[k], theirs.pvalues, rtol=1e-7)
        np.testing.assert_allclose(found.interval[k], theirs.conf_int(), rtol=1e-8)
        assert found.degrees_of_freedom == theirs.df_resid
    assert found.terms == (("intercept",) if intercept else ()) + ("x1", "x2", "x3")
    assert found.outputs == ("u", "v") and found.reference is None and not found.notes


@pytest.mark.parametrize(
    ("n", "alpha", "reason"),
    [(300, 1.0, "with a penalty"), (4, 0.0, "4 rows are not more than the coefficients")],
)
def test_linear_coefficients_without_errors_say_why(n, alpha, reason):
    X, y, _ = problem(2)
    fit = least_squares(Rows(X[:n], y[:n], "regression"), alpha)
    found = linear_coefficients(fit, features(3), n, alpha=alpha)
    assert np.isnan(found.std_err).all() and np.isnan(found.interval).all() and found.outputs == ("",)
    assert reason in found.notes[0]


def test_a_target_without_noise_is_named_among_several():
    X, y, _ = problem(2)
    fit = least_squares(Rows(X, np.c_[X @ [1.0, 2, 3], y], "regression"))
    found = linear_coefficients(fit, features(3), 300)
    assert found.is_perfect.tolist() == [True, False]
    assert np.isnan(found.p[0]).all() and not np.isnan(found.p[1]).any()
    [note] = found.notes
    assert note.startswith("y1: an essentially perfect fit")


# Softmax regression


@pytest.mark.parametrize("intercept", [True, False])
def test_two_classes_are_statsmodels_logit(intercept):
    X, y, _ = problem(2)
    A = statsmodels.add_constant(X) if intercept else X
    found = of(X, y, 2, None, 0.0, intercept)
    same(found, statsmodels.Logit(y, A).fit(disp=0, tol=1e-14))
    assert found.outputs == ("b",) and found.reference == "a"


@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("q", [3, 5])
def test_several_classes_are_statsmodels_mnlogit(q, intercept):
    X, y, _ = problem(q)
    A = statsmodels.add_constant(X) if intercept else X
    found = of(X, y, q, None, 0.0, intercept)
    same(found, statsmodels.MNLogit(y, A).fit(disp=0, tol=1e-14))
    assert found.outputs == tuple(CLASSES[1:q]) and found.distribution == "normal"


def test_weights_are_frequencies():
    X, y, c = problem(2)
    family = statsmodels.families.Binomial()
    theirs = statsmodels.GLM(y, statsmodels.add_constant(X), family, freq_weights=c).fit(
        tol=1e-12, tol_criterion="params"
    )
    same(of(X, y, 2, c), theirs, rtol=1e-6)
    X, y, c = problem(4)
    index = np.repeat(np.arange(300), c.astype(int))
    weighted, repeated = of(X, y, 4, c), of(X[index], y[index], 4)
    np.testing.assert_allclose(weighted.std_err, repeated.std_err, rtol=1e-9)
    for power in (-300, 301):  # far beyond what squares of sums may be
        found = of(X, y, 4, np.ldexp(c, power))
        np.testing.assert_allclose(found.std_err, weighted.std_err * 2.0 ** (-power / 2), rtol=1e-9)


def covariance_by_differences(W, b, X, y, strength):
    """The contrasts' covariance from central differences of the gradient, all outputs free, in the user's units."""
    Z, (q, d) = np.c_[X, np.ones(len(X))], W.shape
    labels, ridge = np.eye(q)[y], np.r_[np.full(d, strength), 0]

    def gradient(theta):
        V = theta.reshape(q, d + 1)
        return ((softmax(Z @ V.T, axis=1) - labels).T @ Z + ridge * V).ravel()

    theta, h = np.c_[W, b].ravel(), 1e-5
    H = np.array([gradient(theta + h * e) - gradient(theta - h * e) for e in np.eye(len(theta))]) / (2 * h)
    contrasts = np.kron(np.eye(q)[1:] - np.eye(q)[0], np.eye(d + 1))
    return contrasts @ np.linalg.pinv((H + H.T) / 2, rcond=1e-9) @ contrasts.T


@pytest.mark.parametrize("strength", [0.0, 0.7, 30.0])
def test_the_information_is_what_differences_of_the_gradient_say(strength):
    X, y, _ = problem(4)
    fit = minimise(Rows(X, y, "classes"), CrossEntropy(4), Ridge(strength), tol=1e-13)
    found = of(X, y, 4, None, strength)
    covariance = covariance_by_differences(fit.weight, fit.bias, X, y, strength)
    errors = np.sqrt(covariance.diagonal()).reshape(3, 4)[:, [3, 0, 1, 2]]
    np.testing.assert_allclose(found.std_err, errors, rtol=1e-7)
    assert [note.startswith("with a penalty") for note in found.notes] == [True] * (strength > 0)


def test_a_penalty_on_two_classes_is_on_their_one_logit():
    X, y, _ = problem(2)
    fit = minimise(Rows(X, y, "classes"), CrossEntropy(2), Ridge(3.0), tol=1e-13)
    Z = np.c_[np.ones(300), X]
    p = 1 / (1 + np.exp(-(X @ fit.weight[0] + fit.bias)))
    H = (Z.T * (p * (1 - p))) @ Z + np.diag([0.0, 3, 3, 3])
    expected = np.sqrt(np.linalg.inv(H).diagonal())[None]
    two = as_two_outputs(fit.weight, fit.bias)
    for weight, bias in ((fit.weight, fit.bias), two):
        found = softmax_coefficients(
            Rows(X, y, "classes"), weight, bias, Ridge(3.0), features(3), [False, True]
        )
        np.testing.assert_allclose(found.std_err, expected, rtol=1e-9)
        np.testing.assert_allclose(found.estimate, np.r_[fit.bias, fit.weight[0]][None], rtol=1e-12)


def test_any_class_may_be_the_reference():
    X, y, _ = problem(4)
    first, third = of(X, y, 4), of(X, y, 4, reference="c")
    assert third.outputs == ("a", "b", "d") and third.reference == "c"
    np.testing.assert_allclose(third.estimate[0], -first.estimate[1], rtol=1e-12)
    np.testing.assert_allclose(third.std_err[0], first.std_err[1], rtol=1e-9)
    theirs = statsmodels.MNLogit((y - 2) % 4, statsmodels.add_constant(X)).fit(disp=0, tol=1e-14)
    np.testing.assert_allclose(third.std_err, theirs.bse.T[[1, 2, 0]], rtol=1e-8)
    two = of(*problem(2)[:2], 2, reference="b")
    np.testing.assert_allclose(two.estimate, -of(*problem(2)[:2], 2).estimate, rtol=1e-12)
    with pytest.raises(OneLayerError, match=r"the reference 'z' is not one of the classes \['a', 'b'"):
        of(X, y, 4, reference="z")
    with pytest.raises(OneLayerError, match="level must be between 0 and 1"):
        of(X, y, 4, level=95)


@given(
    powers=st.lists(st.integers(-10, 10), min_size=3, max_size=3),
    shifts=st.lists(st.integers(-5, 5), min_size=3, max_size=3),
    strength=st.sampled_from([0.0, 1.0]),
    q=st.sampled_from([2, 3]),
)
@settings(max_examples=20)
def test_units_do_not_matter(powers, shifts, strength, q):
    X, y, _ = problem(q, n=100)
    unit = 10.0 ** np.array(powers)
    plain = of(X, y, q, None, strength)
    # A penalty in the user's units is another one in other units.
    found = of((X + shifts) * unit, y, q, None, strength * unit**2 if strength else 0.0)
    np.testing.assert_allclose(found.std_err[:, 1:] * unit, plain.std_err[:, 1:], rtol=1e-7)
    np.testing.assert_allclose(found.statistic[:, 1:], plain.statistic[:, 1:], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("q", [2, 4])
def test_rows_of_all_kinds_say_the_same(q, tmp_path):
    X, y, c = problem(q)
    X = np.round(X * 8) / 8 * (np.random.default_rng(3).random(X.shape) < 0.6)
    exact = of(X, y, q, c)
    table = pa.table(dict(zip(features(3), X.T, strict=True)) | {"y": np.array(CLASSES)[y], "c": c})
    pq.write_table(table, tmp_path / "t.parquet", row_group_size=100)
    for rows in (
        Rows(X.astype(np.float32), y, "classes", c),
        Rows(sparse.csr_array(X), y, "classes", c),
        scan([tmp_path / "t.parquet"], "y", weight="c"),
    ):
        found = of_rows(rows, q)
        np.testing.assert_allclose(found.std_err, exact.std_err, rtol=1e-8)
        assert not found.notes
    pixels = Rows(np.uint8(X * 8 + 60), y, "classes", c, unit=1 / 255)
    np.testing.assert_allclose(of_rows(pixels, q).statistic[:, 1:], exact.statistic[:, 1:], rtol=1e-6)


@pytest.mark.parametrize("q", [2, 3])
def test_dependent_features_leave_the_errors_of_the_others(q):
    X, y, _ = problem(q)
    level = np.arange(300) % 3
    dummies = (level[:, None] == np.arange(3)).astype(float)
    whole = of(np.c_[X, dummies[:, 1:]], y, q)
    trap = of(np.c_[X, dummies], y, q)
    assert np.isnan(trap.std_err[:, [0, 4, 5, 6]]).all()
    np.testing.assert_allclose(trap.std_err[:, 1:4], whole.std_err[:, 1:4], rtol=1e-8)
    [note] = trap.notes
    assert note.startswith("not determined, for features are linearly dependent: x4, x5, x6, intercept;")
    ones = of(np.c_[X, np.full(300, 7.0), np.zeros(300)], y, q)
    assert np.isnan(ones.std_err[:, [0, 4, 5]]).all()
    np.testing.assert_allclose(ones.std_err[:, 1:4], of(X, y, q).std_err[:, 1:], rtol=1e-9)
    zeros = of(np.c_[X, np.zeros(300)], y, q)
    np.testing.assert_allclose(zeros.std_err[:, :4], of(X, y, q).std_err, rtol=1e-9)
    assert np.isnan(zeros.std_err[:, 4]).all()


def test_a_penalty_determines_dependent_features():
    X, y, _ = problem(3)
    fit = minimise(Rows(np.c_[X, X[:, 0]], y, "classes"), CrossEntropy(3), Ridge(0.5), tol=1e-13)
    covariance = covariance_by_differences(fit.weight, fit.bias, np.c_[X, X[:, 0]], y, 0.5)
    found = of(np.c_[X, X[:, 0]], y, 3, None, 0.5)
    np.testing.assert_allclose(
        found.std_err[:, 1:], np.sqrt(covariance.diagonal()).reshape(2, 5)[:, :4], rtol=1e-6
    )


# Reports


def test_a_class_without_rows_has_no_errors_and_the_others_do():
    X, y, _ = problem(3)
    fit = minimise(Rows(X, y, "classes"), CrossEntropy(3), Ridge(0.0), tol=1e-13)
    weight, bias = np.vstack([fit.weight, np.zeros(3)]), np.append(fit.bias, -1e4)
    found = softmax_coefficients(Rows(X, y, "classes"), weight, bias, Ridge(0.0), features(3), "abcd")
    assert np.isnan(found.std_err[2]).all()
    np.testing.assert_allclose(found.std_err[:2], of(X, y, 3).std_err, rtol=1e-8)
    assert found.notes[0] == "class d has no rows: nothing is known of its coefficients"


def test_a_fit_far_from_its_minimum_is_told_from_one_at_it():
    X, y, _ = problem(2)
    rows = Rows(X, y, "classes")
    fit = minimise(rows, CrossEntropy(2), Ridge(0.0), tol=1e-13)
    found = of(X, y, 2)
    off = fit.weight + np.array([0.0, 0.2 * found.std_err[0, 2], 0.0])
    note = softmax_coefficients(rows, off, fit.bias, Ridge(0.0), features(3), "ab").notes[0]
    distance = float(note.removeprefix("a combination of coefficients is ").split()[0])
    assert distance >= 0.19  # at least that of the one coefficient
    assert not found.notes


def test_too_many_coefficients_have_no_errors():
    X = np.eye(40, 1700)
    weight, bias = np.zeros((4, 1700)), np.zeros(4)
    rows = Rows(X, np.arange(40) % 4, "classes")
    found = softmax_coefficients(rows, weight, bias, Ridge(1.0), features(1700), CLASSES[:4])
    assert np.isnan(found.std_err).all() and "5,103 coefficients" in found.notes[0]


def test_no_other_package_is_imported_than_is_needed():
    code = """
import sys
import numpy as np
from onelayer.data.rows import Rows
from onelayer.inference import linear_coefficients
from onelayer.solvers.direct import least_squares
X = np.random.default_rng(0).normal(size=(9, 2))
found = linear_coefficients(least_squares(Rows(X, X[:, 0] ** 2, "regression")), ["u", "v"], 9)
assert "scipy" not in sys.modules
found.p, found.interval
assert not {"scipy.stats", "torch", "sklearn", "pandas"} & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
