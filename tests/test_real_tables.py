"""Regressions on real and on hostile tables, each against its exact answer; tools/sweep_tables.py tries all tables."""

from itertools import product

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import hostile
import real_tables
from judge import Case, LinearJudge, SoftmaxJudge
from onelayer import LinearRegression, SoftmaxRegression

# Small integers, years and dummies, columns that are sums or shares of others, few rows, constant columns, populations
# beside rates: of all data sets those that have shown the most faults, and a few that everybody knows.
TABLES = {
    "AER": ["Journals"],
    "DAAG": ["cuckoohosts"],
    "Ecdat": ["nuclearWeaponStates"],
    "HistData": ["Armada", "PolioTrials"],
    "Stat2Data": ["HeatingOil", "Jurors", "PeaceBridge2012", "RiverElements"],
    "datasets": ["airquality", "beaver1", "iris", "longley", "mtcars"],
    "dslabs": ["heights", "research_funding_rates"],
    "mosaicData": ["HeatX"],
    "mstate": ["aidssi2"],
    "openintro": ["hfi", "mariokart", "oscars"],
    "stevedata": ["fakeAPI", "fakeHappiness"],
    "tidyr": ["construction", "table4a"],
    "wooldridge": ["athlet1", "hseinv", "infmrt", "murder"],
}
LARGE = 6_000  # values of X, beyond which the solver takes its fast way


def failures(case):
    """Return what is wrong with the fits of a regression: dense and sparse, as it is and with rows repeated."""
    judge = LinearJudge(case)
    return [
        f
        for way in product((False, True), (0, LARGE))
        for f in judge.judge(LinearRegression(), *way)
        if f.is_failure
    ]


def softmax_failures(case, C=1.0, as_csr=False):
    return [f for f in SoftmaxJudge(case, C).judge(SoftmaxRegression(), as_csr) if f.is_failure]


@pytest.mark.parametrize(
    ("package", "item"), [(package, item) for package in TABLES for item in TABLES[package]]
)
def test_real_tables(package, item):
    for case in real_tables.regressions(package, item, most_rows=40):
        assert not failures(case)
    for case in real_tables.classifications(package, item, most_rows=40):
        assert not softmax_failures(case)


@pytest.mark.parametrize("family", hostile.FAMILIES, ids=lambda family: family.__name__)
def test_hostile_regressions(family):
    cases = list(hostile.regressions(family))
    step = 1 + len(cases) // 30
    assert not [finding for case in cases[::step] for finding in failures(case)]


def test_extreme_weights():
    assert not [finding for case in hostile.extreme_weights() for finding in failures(case)]


def test_hostile_classifications():
    cases = list(hostile.classifications())
    assert not [finding for case, C in cases[::4] for finding in softmax_failures(case, C)]


@st.composite
def problems(draw):
    """Draw a problem of any shape and rank, whose columns have offsets of 0 to 1e18 and scales of 1e-10 to 1e10."""
    r = np.random.default_rng(draw(st.integers(0, 2**32)))
    n, d = draw(st.integers(1, 25)), draw(st.integers(1, 6))
    rank = draw(st.integers(0, d))
    are_integers = draw(st.booleans())
    if are_integers:  # then columns depend on each other exactly as stored, and not only nearly
        X = (r.integers(-9, 10, (n, rank)) @ r.integers(-3, 4, (rank, d))).astype(float)
    else:
        X = r.normal(size=(n, rank)) @ r.normal(size=(rank, d))
    offsets = draw(
        st.lists(st.sampled_from([0.0, *(10.0**k for k in range(0, 19, 3))]), min_size=d, max_size=d)
    )
    scales = draw(st.lists(st.sampled_from([1e-10, 1e-5, 1.0, 1e5, 1e10]), min_size=d, max_size=d))
    X = X * scales + offsets
    weights = [None, r.integers(1, 4, n) * (r.random(n) < 0.8), 10.0 ** r.integers(-6, 7, n)]
    c = draw(st.sampled_from(weights))
    if c is not None and not c.any():
        c = None
    dtype = draw(st.sampled_from([np.float64, np.float32]))
    return Case(
        "drawn", X.astype(dtype), r.normal(size=n) * draw(st.sampled_from(scales)), c, draw(st.booleans())
    )


@settings(max_examples=100)
@given(problems())
def test_no_residual_sum_is_above_the_exact_one(case):
    assert not failures(case)


@settings(max_examples=40)
@given(problems(), st.integers(2, 3), st.sampled_from([1e-3, 1.0, 1e3]), st.booleans())
def test_the_gap_is_a_bound(case, n_classes, C, as_csr):
    labels = np.arange(len(case.y)) % n_classes
    used = labels if case.c is None else labels[case.c > 0]
    assume(len(np.unique(used)) == n_classes)
    assert not softmax_failures(Case("drawn", case.X, labels, case.c, case.fit_intercept), C, as_csr)


def test_dependent_columns_in_units_that_differ_by_19_digits():
    base, scales = np.array([-7.0, -3, 0, 4]), [1e-10, 1e-10, 1, 1e-10, 1e-10, 1e-10]
    X = np.outer(base, [1, 3, 3, 3, 2, -2]) * scales + [0, 0, 1e9, 0, 0, 1e3]
    y = 1e-11 * np.array([-2.1879166393254575, -12.459109472530653, -7.322673547034517, -5.442589828573099])
    assert not failures(Case("19 digits", X, y, None, True))
