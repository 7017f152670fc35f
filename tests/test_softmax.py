"""The minimum of softmax regression: against scikit-learn's, 40 digits, and its own certificate, on any table."""

import warnings

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import scipy.special
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.datasets import load_digits, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from exact_minimum import bound_holds, exact_minimum, exact_objective, not_below, relative_error
from onelayer.data.rows import Rows
from onelayer.data.scanning import scan
from onelayer.errors import OneLayerError
from onelayer.estimators import SoftmaxRegression
from onelayer.functional import cross_entropy
from onelayer.losses import CrossEntropy
from onelayer.penalties import Ridge
from onelayer.solvers.downhill import Sizes
from onelayer.solvers.minimise import minimise
from onelayer.solvers.scaling import RowsScaling

FORMS = {
    "rows": np.ascontiguousarray,
    "columns": np.asfortranarray,
    "sparse": sparse.csr_array,
}
WAYS = {
    "newton": {"solver": "newton"},
    "blocks": {"solver": "lbfgs"},
    "newton-cg": {"solver": "newton-cg"},
    "diagonal": {"solver": "lbfgs", "sizes": Sizes(block=0)},
    "float32": {"solver": "lbfgs", "sizes": Sizes(most_double=0)},
    "a sample": {"solver": "lbfgs", "sizes": Sizes(rows_per_column=10)},
}


def random_problem(n=300, d=6, q=4, seed=0):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d)) * 10.0 ** generator.integers(-3, 4, d) + generator.normal(size=d)
    Z = (X - X.mean(axis=0)) / X.std(axis=0)
    labels = (Z @ generator.normal(size=(d, q)) + generator.gumbel(size=(n, q))).argmax(axis=1)
    return X, labels, generator.uniform(0.2, 3, n)


def fitted(X, labels, q, c, strength, intercept=True, **how):
    return minimise(Rows(X, labels, "classes", c), CrossEntropy(q), Ridge(strength), intercept, **how)


def user_objective(W, b, X, labels, c, strength) -> float:
    """F by the book's losses, which are tested by themselves."""
    logits = torch.as_tensor(np.asarray(X @ W.T + b))
    if len(W) == 1:
        logits = torch.cat([torch.zeros_like(logits), logits], dim=1)
    losses = cross_entropy(logits, torch.as_tensor(labels), reduction="none").numpy()
    return float(c @ losses + (strength * W**2).sum() / 2)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("q", [2, 4])
@pytest.mark.parametrize("intercept", [True, False])
def test_each_way_finds_the_minimum_and_bounds_the_distance(way, q, intercept):
    X, labels, c = random_problem(q=q)
    best = fitted(X, labels, q, c, 0.5, intercept, tol=1e-11, **WAYS[way])
    assert best.converged and best.weight.shape == (1 if q == 2 else q, 6)
    value = user_objective(best.weight, best.bias, X, labels, c, 0.5)
    assert best.objective == pytest.approx(value, rel=1e-12)
    assert (np.diff(best.history) < 1e-6 * best.history[0]).all()  # float32 may be off by its rounding
    for max_iter in (2, 4, 8, 1000):
        for tol in (1e-1, 1e-3, 1e-6):
            fit = fitted(X, labels, q, c, 0.5, intercept, tol=tol, max_iter=max_iter, **WAYS[way])
            assert fit.converged == (fit.gap <= tol * fit.objective)
            assert -1e-12 * value <= fit.objective - value <= fit.gap + 1e-11 * value


@pytest.mark.parametrize("q", [2, 4])
@pytest.mark.parametrize("intercept", [True, False])
def test_the_minimum_is_scikit_learns(q, intercept):
    X, labels, c = random_problem(q=q)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    ours = fitted(X, labels, q, c, 1 / 3, intercept, tol=1e-12)
    theirs = LogisticRegression(C=3.0, fit_intercept=intercept, solver="newton-cg", tol=1e-10, max_iter=1000)
    theirs.fit(X, labels, c)
    np.testing.assert_allclose(ours.weight, theirs.coef_, atol=1e-6)
    np.testing.assert_allclose(
        ours.bias, theirs.intercept_ - (theirs.intercept_.mean() if q > 2 else 0), atol=1e-6
    )


@pytest.mark.parametrize("strength", [1e-9, 1e-12])
@pytest.mark.parametrize("seed", range(3))
def test_newton_cg_needs_no_more_digits_where_classes_are_told_apart(strength, seed):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(60, 3))
    labels, c, strengths = (
        (X @ generator.normal(size=(3, 4))).argmax(axis=1),
        np.ones(60),
        np.full(3, strength),
    )
    fit = fitted(sparse.csr_array(X), labels, 4, c, strengths, solver="newton-cg")
    best = fitted(X, labels, 4, c, strengths, solver="newton", tol=1e-9)
    assert fit.converged and best.converged
    assert fit.objective == pytest.approx(best.objective, rel=1e-6)


# The bound, against 40 digits


@st.composite
def problems(draw):
    generator = np.random.default_rng(draw(st.integers(0, 10**6)))
    n, d, q = draw(st.integers(4, 10)), draw(st.integers(1, 2)), draw(st.integers(2, 3))
    scale = np.array([10.0 ** draw(st.integers(-10, 10)) for _ in range(d)])
    offset = np.array([draw(st.sampled_from([0.0, 1.0, 1e9, 1e18])) for _ in range(d)])
    X = generator.normal(size=(n, d)) * scale + offset
    labels = generator.permutation(np.arange(n) % q)
    c = generator.choice([1.0, 0.3, 7.0], n) if draw(st.booleans()) else np.ones(n)
    spread = X.std(axis=0) ** 2 if draw(st.booleans()) else np.ones(d)
    strength = 10.0 ** draw(st.integers(-12, 10)) * np.where(spread > 0, spread, 1)
    return X, labels, q, c, strength, draw(st.sampled_from(list(FORMS)))


def separable(values, labels, strength):
    """A problem of one column whose rows are told apart almost surely."""
    return np.array(values)[:, None], np.array(labels), 3, np.ones(4), np.array([strength]), "rows"


@settings(max_examples=25)
@given(problems())
@example(separable([-1215046.3, -1304980.2, 428897.7, -668445.8], [1, 2, 0, 0], 1.0))
@example(
    separable(
        [-8101.01144054719, 8522.007418331897, -1605.8419880945069, 8344.095342310306], [0, 1, 0, 2], 10.0
    )
)
def test_the_bound_is_a_theorem_at_any_offset_and_scale(problem):
    X, labels, q, c, strength, form = problem
    minimum = exact_minimum(X, labels, q, c, strength, intercept=True)
    for solver in ("newton", "lbfgs", "newton-cg"):
        for tol, max_iter in ((1e-6, 1000), (0.1, 2)):
            fit = fitted(FORMS[form](X), labels, q, c, strength, solver=solver, tol=tol, max_iter=max_iter)
            assert bound_holds(fit, minimum)
            stored = exact_objective(fit.weight, fit.bias, X, labels, c, strength)
            reach = np.abs(X) @ np.abs(fit.weight.T) + np.abs(fit.bias)  # what the logits are sums of
            rounding = 4 * np.finfo(float).eps * float(c @ reach.max(axis=1))
            assert abs(fit.objective - float(stored)) <= 1e-12 * fit.objective + rounding
            assert not_below(stored, minimum)


@pytest.mark.parametrize("solver", ["newton", "lbfgs", "newton-cg"])
@pytest.mark.parametrize("power", [-12, -6, 6, 12])
def test_the_bound_holds_with_hardly_a_penalty_or_hardly_anything_else(solver, power):
    generator = np.random.default_rng(3)
    X = generator.normal(size=(12, 2))
    labels, c = np.arange(12) % 3, generator.uniform(0.5, 2, 12)
    strength = np.full(2, 10.0**power)
    fit = fitted(X, labels, 3, c, strength, solver=solver)
    minimum = exact_minimum(X, labels, 3, c, strength, intercept=True)
    assert fit.converged and bound_holds(fit, minimum)
    assert relative_error(fit.objective, minimum) < 1e-6


# Units


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("solver", ["newton", "lbfgs", "newton-cg"])
@pytest.mark.parametrize("q", [2, 3])
@pytest.mark.parametrize("power", [-6, 0])
def test_units_do_not_matter(form, solver, q, power):
    X, labels, c = random_problem(d=4, q=q)
    X = (X - X.mean(axis=0)) / X.std(axis=0)
    scale = np.array([1e10, 1e-10, 1e10, 1e150])
    shift = np.array([1e18, 0.0, 0.0, 0.0])
    moved = X * scale + shift
    X = (moved - shift) / scale  # what is left of it
    plain = fitted(X, labels, q, c, 10.0**power, solver=solver, tol=1e-9)
    other = fitted(FORMS[form](moved), labels, q, c, 10.0**power * scale**2, solver=solver, tol=1e-9)
    assert plain.converged and other.converged
    assert abs(other.objective - plain.objective) <= plain.gap + other.gap + 1e-13 * plain.objective
    assert len(other.history) <= 2 * len(plain.history)


def test_bytes_are_what_they_are_divided_by_255():
    digits = load_digits()
    pixels = (digits.data * 15).astype(np.uint8)
    rows = Rows(pixels, digits.target, "classes", unit=1 / 255)
    c = np.ones(len(pixels))
    as_floats = fitted(pixels / 255, digits.target, 10, c, 1.0, tol=1e-9)
    for sizes in (Sizes(), Sizes(most_double=0)):
        fit = minimise(rows, CrossEntropy(10), Ridge(1.0), tol=1e-9, sizes=sizes)
        assert fit.converged
        distance = np.linalg.norm(fit.weight - as_floats.weight)
        assert distance <= np.sqrt(2 * fit.gap) + np.sqrt(2 * as_floats.gap) < 1e-2
    assert fit.objective == pytest.approx(
        user_objective(fit.weight, fit.bias, pixels / 255, digits.target, c, 1.0)
    )


@pytest.mark.parametrize("size", [1e-300, 1e-30, 1e30, 1e300, 1e308])
def test_the_size_of_all_weights_changes_the_penalty_alone(size):
    X, labels, _ = random_problem()
    one = fitted(X, labels, 4, np.ones(300), 0.5, tol=1e-9)
    other = fitted(X, labels, 4, np.full(300, size), 0.5 * size, tol=1e-9)
    assert other.converged
    np.testing.assert_allclose(other.weight, one.weight, rtol=1e-4, atol=1e-6 * np.abs(one.weight).max())
    if size < 1e300:
        assert other.objective / size == pytest.approx(one.objective, rel=1e-8)


@pytest.mark.parametrize("solver", ["newton", "lbfgs", "newton-cg"])
@pytest.mark.parametrize("C", [1e-10, 1e-3, 1e3, 1e10, 1e30, np.inf])
@pytest.mark.parametrize("q", [2, 3])
def test_any_strength_converges_without_a_warning(solver, C, q):
    X, labels, c = random_problem(q=q)
    model = SoftmaxRegression(C=C, solver=solver).fit(X, labels, c)
    assert model.converged_ and model.gap_ <= 1e-6 * model.objective_


# Data that scikit-learn's own solvers do not like


def lowest(X, labels, c, strength, tries) -> float:
    """The lowest objective that scikit-learn's solvers reach, whatever they warn of."""
    values = []
    for how in tries:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            model = LogisticRegression(C=1 / strength, **how).fit(X, labels, c)
        values.append(user_objective(model.coef_, model.intercept_, X, labels, c, strength))
    return min(values)


SOLVERS = [
    {"solver": "lbfgs", "tol": 1e-10, "max_iter": 2_000},
    {"solver": "newton-cholesky", "tol": 1e-10, "max_iter": 200},
]


def hard_problems():
    iris, digits = load_iris(), load_digits()
    generator = np.random.default_rng(0)
    X, labels, _ = random_problem()
    yield "digits", digits.data, digits.target, 1.0
    yield "separable", iris.data, (iris.target == 0).astype(int), 1e-4
    yield "separable in 3", iris.data[:, 2:] + 10 * np.eye(3)[iris.target][:, :2], iris.target, 1e-4
    yield "duplicated columns", np.c_[iris.data, iris.data], iris.target, 0.1
    yield "constant columns", np.c_[iris.data, np.full(150, 0.1), np.zeros(150)], iris.target, 0.1
    yield "a class of one row", iris.data, np.r_[iris.target[:-1], 3], 1.0
    yield "more features than rows", generator.normal(size=(30, 200)), np.arange(30) % 3, 0.01
    wide = generator.normal(size=(60, 4_000))
    yield "wide and separable", wide, np.arange(60) % 3, 1.0
    yield "wide, with hardly a penalty", generator.normal(size=(100, 130)), np.arange(100) % 3, 1e-8
    yield "units from 1e-6 to 1e6", X * 10.0 ** np.arange(-6, 6, 2), labels, 1.0


@pytest.mark.parametrize("problem", list(hard_problems()), ids=lambda problem: problem[0])
def test_hard_problems_converge_below_scikit_learn(problem):
    _, X, labels, strength = problem
    q, c = labels.max() + 1, np.ones(len(labels))
    fit = fitted(X, labels, q, c, strength, tol=1e-7)
    assert fit.converged
    # On the digits lbfgs takes half a minute; on many columns newton-cholesky would factor a huge matrix.
    tries = SOLVERS if X.shape[1] < 50 else SOLVERS[:1] if X.shape[1] > 1000 else SOLVERS[1:]
    assert fit.objective <= lowest(X, labels, c, strength, tries) * (1 + 1e-6)


@pytest.mark.parametrize("intercept", [True, False])
def test_wide_data_have_the_minimum_of_their_kernel(intercept):
    generator = np.random.default_rng(0)
    X, labels, c = generator.normal(size=(50, 800)), np.arange(50) % 4, generator.uniform(0.5, 2, 50)
    strength = generator.uniform(2, 8, 800)
    fit = fitted(X, labels, 4, c, strength, intercept, tol=1e-9)
    assert fit.converged and fit.weight.shape == (4, 800)
    assert fit.objective == pytest.approx(
        user_objective(fit.weight, fit.bias, X, labels, c, strength), rel=1e-12
    )
    P = scipy.special.softmax(X @ fit.weight.T + fit.bias, axis=1)
    residuals = c[:, None] * (P - np.eye(4)[labels])
    np.testing.assert_allclose(fit.weight, -residuals.T @ X / strength, atol=1e-5)  # where the gradient is 0
    assert not intercept or np.abs(residuals.sum(axis=0)).max() < 1e-6


@pytest.mark.parametrize(
    ("solver", "sizes"), [("lbfgs", Sizes()), ("lbfgs", Sizes(block=0)), ("newton-cg", Sizes())]
)
@pytest.mark.parametrize("q", [2, 3])
def test_sparse_finds_the_same_minimum(solver, sizes, q):
    generator = np.random.default_rng(2)
    X = sparse.random_array((400, 120), density=0.05, rng=generator, format="csr")
    labels = (X @ generator.normal(size=(120, q)) + 0.1 * generator.gumbel(size=(400, q))).argmax(axis=1)
    c = generator.uniform(0.5, 2, 400)
    ours = fitted(X, labels, q, c, 0.1, tol=1e-10, solver=solver, sizes=sizes)
    dense = fitted(X.toarray(), labels, q, c, 0.1, tol=1e-10)
    assert ours.converged and dense.converged
    # F rises by at least ½ λ ‖W − W*‖² away from its minimum, so the gap bounds the distance.
    distance = np.linalg.norm(ours.weight - dense.weight)
    assert distance <= np.sqrt(2 * ours.gap / 0.1) + np.sqrt(2 * dense.gap / 0.1) < 1e-3
    np.testing.assert_allclose(ours.bias, dense.bias, atol=1e-4)


def test_a_scan_of_files_has_the_same_minimum(tmp_path):
    X, labels, _ = random_problem(n=3_000, q=3)
    columns = {f"x{j}": X[:, j] for j in range(6)}
    pq.write_table(
        pa.table({**columns, "y": labels.astype(str)}), tmp_path / "rows.parquet", row_group_size=700
    )
    rows = scan([tmp_path / "rows.parquet"], "y", as_classes=True)
    for solver in ("newton", "lbfgs", "newton-cg"):
        fit = minimise(rows, CrossEntropy(3), Ridge(1.0), solver=solver)
        memory = fitted(X, labels, 3, None, 1.0, solver=solver)
        assert fit.converged and abs(fit.objective - memory.objective) <= fit.gap + memory.gap


# Without a finite minimum, or without weight


@pytest.mark.parametrize("solver", ["newton", "lbfgs", "newton-cg"])
@pytest.mark.parametrize("q", [2, 3])
def test_separable_classes_without_a_penalty_are_said_to_be_so(solver, q):
    X = np.arange(30.0)[:, None]
    labels = np.repeat(np.arange(q), 30 // q)
    with pytest.warns(ConvergenceWarning, match="can be separated .* no finite minimum"):
        model = SoftmaxRegression(C=np.inf, solver=solver).fit(X, labels)
    assert not model.converged_ and (model.predict(X) == labels).all()
    assert SoftmaxRegression(C=1e6, solver=solver).fit(X, labels).converged_


@pytest.mark.parametrize("solver", ["newton", "lbfgs", "newton-cg"])
@pytest.mark.parametrize("absent", [1, 2])
def test_a_class_without_weight_is_never_predicted(solver, absent):
    X, labels, _ = random_problem(q=3)
    c = np.isin(labels, [0, 1, 2][: 3 - absent]).astype(float)
    model = SoftmaxRegression(class_weight="balanced", solver=solver).fit(X, labels, c)
    assert model.converged_ and model.coef_.shape == (3, 6)
    assert model.predict_proba(X)[:, 3 - absent :].max() < 1e-300
    binary = SoftmaxRegression(class_weight="balanced").fit(X, labels > 0, labels > 0)
    assert binary.predict(X).all()


def test_newton_refuses_what_would_not_fit_in_memory():
    rows = Rows(np.zeros((7_000, 6_000), np.uint8), np.arange(7_000) % 3, "classes")
    with pytest.raises(OneLayerError, match=r"18003 parameters.*use 'lbfgs'"):
        minimise(rows, CrossEntropy(3), Ridge(1.0), solver="newton")


def test_scales_that_squares_cannot_reach():
    generator = np.random.default_rng(0)
    X = generator.normal(size=(500, 3))
    powers = np.array([1e-250, 1.0, 1e250])
    scaling, plain = (RowsScaling.of(Rows(Z, np.zeros(500, int), "classes")) for Z in (X * powers, X))
    np.testing.assert_allclose(scaling.scale / powers, plain.scale, rtol=1e-14)
    far = RowsScaling.of(Rows(X + 1e18, np.zeros(500, int), "classes"))
    assert np.isinf(far.scale).all()  # all that is left of the columns is rounding


@settings(max_examples=30)
@given(st.integers(0, 10**6), st.sampled_from([0, 1e3, 1e15]))
def test_weights_in_the_users_units_lose_nothing_but_their_last_digit(seed, offset):
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(50, 3)) * [1e5, 1.0, 1e-5] + [offset, 0, 1]
    scaling = RowsScaling.of(Rows(X, np.zeros(50, int), "classes"))
    V, b = generator.normal(size=(2, 3)), generator.normal(size=2)
    W, stored = scaling.input_to_user(V, b)
    there, back = scaling.input_to_standard(W, stored)
    np.testing.assert_allclose(there, V, rtol=1e-15)
    assert (np.abs(back - b) <= np.spacing(np.abs(stored)) + 1e-15).all()
