"""Regressions on real and on hostile tables, each against its exact answer; tools/sweep_tables.py tries all tables."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hostile
import real_tables
from judge import Case, LinearJudge, SoftmaxJudge
from onelayer import LinearRegression, SoftmaxRegression

# Small integers, years and dummies, columns that are sums or shares of others, few rows, constant columns, populations
# beside rates: of all data sets those that have shown the most faults, and a few that everybody knows.
TABLES = """
datasets/longley datasets/iris datasets/beaver1 datasets/mtcars datasets/airquality AER/Journals DAAG/cuckoohosts
Ecdat/nuclearWeaponStates HistData/Armada HistData/PolioTrials Stat2Data/HeatingOil Stat2Data/Jurors
Stat2Data/PeaceBridge2012 Stat2Data/RiverElements dslabs/heights dslabs/research_funding_rates mosaicData/HeatX
mstate/aidssi2 openintro/hfi openintro/mariokart stevedata/fakeAPI stevedata/fakeHappiness tidyr/table4a
wooldridge/athlet1 wooldridge/hseinv wooldridge/infmrt
""".split()


def failures(judge, model, **how):
    return [finding for finding in judge.judge(model, **how) if finding.is_failure]


@pytest.mark.parametrize("table", TABLES)
def test_real_tables(table):
    package, item = table.split("/")
    for case in real_tables.regressions(package, item, most_rows=100):
        judge = LinearJudge(case)
        assert not failures(judge, LinearRegression())
        assert not failures(judge, LinearRegression(), as_csr=True, least_size=6_000)
    for case in real_tables.classifications(package, item, most_rows=60):
        assert not failures(SoftmaxJudge(case), SoftmaxRegression())


@pytest.mark.parametrize("family", hostile.FAMILIES, ids=lambda family: family.__name__)
def test_hostile_regressions(family):
    cases = list(hostile.regressions(families=[family]))
    assert not [
        f for case in cases[:: 1 + len(cases) // 60] for f in failures(LinearJudge(case), LinearRegression())
    ]


def test_hostile_classifications():
    cases = list(hostile.classifications())
    assert not [f for case, C in cases[::4] for f in failures(SoftmaxJudge(case, C), SoftmaxRegression())]


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


@settings(deadline=None, max_examples=150)
@given(problems(), st.booleans(), st.sampled_from([0, 6_000]))
def test_no_residual_sum_is_above_the_exact_one(case, as_csr, least_size):
    found = LinearJudge(case).judge(LinearRegression(), as_csr, least_size)
    assert not [finding for finding in found if finding.is_failure]


@settings(deadline=None, max_examples=40)
@given(problems(), st.integers(2, 3), st.sampled_from([1e-3, 1.0, 1e3]), st.booleans())
def test_the_gap_is_a_bound(case, n_classes, C, as_csr):
    labels = np.arange(len(case.y)) % n_classes
    used = labels if case.c is None else labels[case.c > 0]
    if len(np.unique(used)) < n_classes:
        return
    judge = SoftmaxJudge(Case("drawn", case.X, labels, case.c, case.fit_intercept), C)
    assert not [finding for finding in judge.judge(SoftmaxRegression(), as_csr) if finding.is_failure]
