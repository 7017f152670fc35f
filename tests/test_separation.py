"""What separates classes, against linear programs and regressions of what is left."""

import numpy as np
import pytest
import statsmodels.api as statsmodels
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from sklearn.datasets import load_iris

from linear_programs import largest, leads_of
from onelayer.data.rows import Rows
from onelayer.inference import separation_notes
from onelayer.losses import CrossEntropy
from onelayer.penalties import Ridge
from onelayer.solvers.minimise import minimise
from test_inference import CLASSES, features, of, problem


@pytest.mark.parametrize("solver", ["newton", "lbfgs", "newton-cg"])
@pytest.mark.parametrize("tol", [1e-6, 1e-12])
def test_what_separates_one_class_leaves_the_errors_between_the_others(solver, tol):
    X, y = load_iris(return_X_y=True)
    found = of(X, y, 3, None, tol=tol, solver=solver, reference="b")
    assert found.notes[0].startswith("x3 separates class a from the others: its weight has no finite")
    assert found.notes[1].startswith("x4 separates class a")
    assert np.isnan(found.std_err[0]).all() and found.outputs == ("a", "c")
    # What is left is the regression of the other two.
    two = statsmodels.Logit((y[50:] == 2).astype(int), statsmodels.add_constant(X[50:])).fit(disp=0)
    np.testing.assert_allclose(found.std_err[1], two.bse, rtol=0.05 if tol == 1e-6 else 1e-3)


def test_a_level_of_one_class_alone_is_quasi_separation():
    X, y, _ = problem(2)
    rare = np.zeros(300)
    rare[np.flatnonzero(y == 1)[:4]] = 1
    found = of(np.c_[X, rare], y, 2, tol=1e-6)
    assert found.notes[0].startswith(
        "x4 separates class a from class b but for rows where it is 0: its weight"
    )
    assert found.notes[1] == "not determined, for classes are separated or features linearly dependent: x4"
    others = rare == 0
    rest = statsmodels.Logit(y[others], statsmodels.add_constant(X[others])).fit(disp=0, tol=1e-14)
    np.testing.assert_allclose(found.std_err[0, :4], rest.bse, rtol=1e-4)
    assert np.isnan(found.std_err[0, 4])
    shifted = of(np.c_[X, rare + 5], y, 2, tol=1e-6)  # so that the intercept has to go along
    np.testing.assert_allclose(shifted.std_err[0, 1:4], rest.bse[1:], rtol=1e-4)
    assert np.isnan(shifted.std_err[0, [0, 4]]).all()


def test_what_varies_only_in_separated_rows_is_not_determined_either():
    X, y, _ = problem(2)
    rare = np.zeros(300)
    rare[np.flatnonzero(y == 1)[:9]] = 1
    inside = rare * np.random.default_rng(4).normal(size=300)
    found = of(np.c_[X, rare, inside], y, 2, tol=1e-9)
    assert np.isnan(found.std_err[0]).tolist() == [False] * 4 + [True] * 2


def test_classes_beyond_a_threshold_are_separated_together():
    generator = np.random.default_rng(5)
    x, y = np.r_[generator.uniform(-2, -1, 60), generator.uniform(1, 2, 60)], np.repeat([0, 2, 1, 3], 30)
    generator.shuffle(x[:60])
    generator.shuffle(x[60:])
    X = np.c_[x, generator.normal(size=120)]
    found = of(X, y, 4)
    assert found.notes[0].startswith("x1 separates classes a, c from the others: its weight")
    assert np.isnan(found.std_err).all(axis=1).tolist() == [True, False, True]  # c against a is known
    unfitted = np.zeros((4, 2)), np.zeros(4)
    notes = separation_notes(Rows(X, y, "classes"), *unfitted, features(2), CLASSES[:4])
    assert notes[0] == found.notes[0]


def test_complete_separation_by_a_combination():
    generator = np.random.default_rng(6)
    X = generator.normal(size=(200, 3))
    y = (X.sum(axis=1) > 0).astype(int)
    rows = Rows(X, y, "classes")
    fit = minimise(rows, CrossEntropy(2), Ridge(0.0))
    assert fit.is_unbounded
    [note] = separation_notes(rows, fit.weight, fit.bias, features(3), CLASSES[:2])
    assert note.startswith("the features together separate all classes: without a penalty")
    found = of(X, y, 2)
    assert np.isnan(found.std_err).all() and found.notes == (note,)


@pytest.mark.parametrize("solver", ["newton", "lbfgs", "newton-cg"])
@pytest.mark.parametrize("q", [2, 3])
def test_quasi_separation_by_a_combination(q, solver):
    """Ratings whose difference tells two classes apart, but for equal ones; a third class is anywhere."""
    generator = np.random.default_rng(7)
    ratings = generator.integers(1, 8, (400, 2)).astype(float)
    other = generator.normal(size=400)
    difference = ratings[:, 0] - ratings[:, 1]
    tied = difference == 0
    y = np.where(tied, generator.integers(0, 2, 400), difference > 0).astype(int)
    if q == 3:
        y = np.where(generator.random(400) < 0.3, 2, y)
    found = of(np.c_[ratings, other], y, q, tol=1e-6, solver=solver)
    if q == 3:
        assert not found.notes
        return
    said = "a combination of x1, x2 separates class a from class b but for rows on the boundary: it has no finite"
    assert found.notes[0].startswith(said)
    assert np.isnan(found.std_err[0]).tolist() == [False, True, True, False]
    # What is left is the regression of the ties.
    left = statsmodels.add_constant(np.c_[ratings[tied, 0], other[tied]])
    rest = statsmodels.Logit(y[tied], left).fit(disp=0, tol=1e-14)
    np.testing.assert_allclose(found.std_err[0, [0, 3]], rest.bse[[0, 2]], rtol=1e-3)


def test_without_an_intercept_only_0_separates():
    x = np.r_[np.linspace(1, 2, 20), np.linspace(3, 4, 20)]
    X, y = np.c_[x, np.random.default_rng(8).normal(size=40)], np.repeat([0, 1], 20)
    with_intercept = separation_notes(Rows(X, y, "classes"), np.zeros((1, 2)), np.zeros(1), features(2), "ab")
    without = separation_notes(
        Rows(X, y, "classes"), np.zeros((1, 2)), np.zeros(1), features(2), "ab", fit_intercept=False
    )
    assert with_intercept[0].startswith("x1 separates class a from class b:") and not without
    X[:, 0] -= 2.5
    found = of(X, y, 2, None, 0.0, False)
    assert found.notes[0].startswith("x1 separates class a from class b:")


def test_rows_of_weight_0_and_zeros_of_sparse_rows_count_as_they_should():
    X, y, _ = problem(2)
    X[:, 0] = np.where(y == 1, np.abs(X[:, 0]), 0)  # zeros are not stored
    X[0], y[0] = [5, 0, 0], 0
    weights = np.r_[0.0, np.ones(299)]
    for kind in (np.asarray, sparse.csr_array):
        separated, not_separated = (
            separation_notes(Rows(kind(X), y, "classes", c), np.zeros((1, 3)), np.zeros(1), features(3), "ab")
            for c in (weights, None)
        )
        assert separated[0].startswith("x1 separates class a from class b:") and not any(
            note.startswith("x1 separates") for note in not_separated
        )


@given(st.integers(0, 10**6), st.sampled_from([2, 3]), st.sampled_from([2, 3, 4]))
@settings(max_examples=60)
def test_one_feature_separates_if_and_only_if_a_linear_program_says_so(seed, q, values):
    generator = np.random.default_rng(seed)
    x, y = generator.integers(0, values, 7).astype(float), generator.integers(0, q, 7)
    unfitted = np.zeros((q, 1)), np.zeros(q)
    notes = separation_notes(Rows(x[:, None], y, "classes"), *unfitted, ["x"], CLASSES[:q])
    found = any(note.startswith("x separates") for note in notes)
    present = np.unique(y).tolist()
    if len(present) < 2 or len(np.unique(x)) < 2:
        assert not found
        return
    leads = leads_of(np.c_[x, np.ones(7)], y, present)
    assert found == (largest(leads.sum(axis=0), leads) > 1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_coefficients_without_a_finite_value_are_those_that_linear_programs_find(seed):
    generator = np.random.default_rng(seed)
    q, n, d = (int(generator.integers(*ends)) for ends in ((2, 4), (8, 40), (1, 4)))
    X = generator.integers(0, 5, (n, d)).astype(float)
    outputs = X @ generator.normal(size=(d, q)) * generator.choice([1, 3, 30])
    y = (outputs - outputs.mean(axis=0) + generator.gumbel(size=(n, q))).argmax(axis=1)
    y[:q] = range(q)
    leads = leads_of(np.c_[np.ones(n), X], y, list(range(q)))[:, d + 1 :]  # the reference has zeros
    both_ways = [max(largest(e, leads), largest(-e, leads)) for e in np.eye(leads.shape[1])]
    found = of(X, y, q, tol=1e-6, solver="newton")
    assert np.isnan(found.std_err).ravel().tolist() == [value > 1e-7 for value in both_ways]
    is_separated = largest(leads.sum(axis=0), leads) > 1e-7
    assert any(" separate" in note for note in found.notes) == is_separated
    for strength in (1e-3, 1.0, 30.0):
        penalised = of(X, y, q, None, strength)
        assert np.isfinite(penalised.std_err).all()
        assert any(" separate" in note for note in penalised.notes) == is_separated
        held = [note for note in penalised.notes if " separate" in note]
        assert all("holds" in note for note in held)


@pytest.mark.parametrize("strength", [0.0, 0.1, 10.0])
@pytest.mark.parametrize("margin", [0.0, 0.5])
def test_a_class_that_a_combination_separates_is_named(strength, margin):
    generator = np.random.default_rng(9)
    X = generator.integers(-4, 5, (300, 3)).astype(float)
    side = X[:, 0] + X[:, 1]
    y = np.where(side > 1, 1, np.where(generator.random(300) < 0.5, 0, 2))
    y[side == 1] = generator.integers(0, 3, 300)[side == 1] if margin == 0 else 0
    notes = of(X, y, 3, None, strength, tol=1e-6).notes
    said = "a combination of x1, x2, intercept separates class b from the others"
    said += f"{'' if margin else ' but for rows on the boundary'}: it has no finite maximum-likelihood value"
    assert notes[0] == said + (f"; C = {1 / strength:g} holds it back" if strength else "")


def test_classes_that_a_feature_does_not_tell_apart_are_not_said_to_be():
    X, y, _ = problem(3)
    X[:, 0] = (np.arange(300) % 3 == 0) & (y == 0)  # 0 in the classes b and c
    [note] = [note for note in of(X, y, 3, None, 1.0).notes if "separates" in note]
    assert note.startswith("x1 separates class a from the others but for rows where it is 0: its weight")


def test_a_constant_column_does_not_hide_that_there_is_no_minimum():
    X, y, _ = problem(2)
    y = (X.sum(axis=1) > 0).astype(int)
    for columns in (X, np.c_[X, np.ones(300)]):
        fit = minimise(Rows(columns, y, "classes"), CrossEntropy(2), Ridge(0.0))
        assert fit.is_unbounded and not fit.converged
