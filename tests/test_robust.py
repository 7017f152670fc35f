"""The sums in the middle of sandwich covariances, held against statsmodels' and against sums written out."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.stats.sandwich_covariance as theirs
from scipy import sparse

from onelayer import OneLayerError
from onelayer.data.rows import Rows
from onelayer.inference import robust
from onelayer.inference.robust import Robust, meat


def problem(n, P=4, seed=0):
    """Return rows whose features are scores, and the scores."""
    S = np.random.default_rng(seed).normal(size=(n, P))
    return Rows(S, np.zeros(n), "regression"), S


def features(block):
    return block.dense()


def close(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-11, atol=1e-11 * np.abs(expected).max())


@pytest.mark.parametrize("cov", ["classical", "HC0", "HC1", "HC2", "HC3"])
def test_over_rows(cov):
    rows, S = problem(300_000, 2)
    close(meat(rows, features, Robust.of(cov, n=len(S))), S.T @ S)


@pytest.mark.parametrize("most", [robust.MOST_SUMS, 30])
@pytest.mark.parametrize("n", [40, 20_000])
def test_over_groups(n, most, monkeypatch):
    monkeypatch.setattr(robust, "MOST_SUMS", most)
    rows, S = problem(n)
    g = np.random.default_rng(1).integers(0, 30, n)
    G = len(np.unique(g))
    found = meat(rows, features, Robust.of("cluster", g, n=n))
    close(found, theirs.S_crosssection(S, g) * G / (G - 1))
    as_sparse = Rows(sparse.csr_array(S), rows.y, "regression")
    close(meat(as_sparse, features, Robust.of("cluster", [f"g{i}" for i in g], n=n)), found)


def test_over_two_ways_of_grouping():
    rows, S = problem(5_000)
    both = np.random.default_rng(1).integers(0, [40, 7], (5_000, 2))
    common = theirs.combine_indices(both)[0]
    expected = sum(
        sign * theirs.S_crosssection(S, codes) * (G := codes.max() + 1) / (G - 1)
        for sign, codes in ((1, both[:, 0]), (1, both[:, 1]), (-1, common))
    )
    found = Robust.of("cluster", both, n=5_000)
    close(meat(rows, features, found), expected)
    assert found.group_count == 7 and found.degrees(4) == 6
    frame = pd.DataFrame({"a": both[:, 0].astype(str), "b": pd.Categorical(both[:, 1])})
    close(meat(rows, features, Robust.of("cluster", frame, n=5_000)), expected)


@pytest.mark.parametrize(("n", "lags"), [(7, 0), (7, 1), (7, 6), (20_000, 3), (20_000, 1_500)])
def test_with_lags(n, lags):
    rows, S = problem(n)
    close(meat(rows, features, Robust.of("HAC", lags=lags, n=n)), theirs.S_hac_simple(S, lags))


def test_lags_that_are_not_given_are_those_of_newey_and_west():
    rows, S = problem(1_234)
    close(meat(rows, features, Robust.of("HAC", n=1_234)), theirs.S_hac_simple(S))


def test_rows_of_weight_0_are_in_no_group():
    rows, S = problem(6)
    weight = [1, 1, 1, 1, 0, 0]
    found = Robust.of("cluster", ["a", "a", "b", "b", "c", None], n=6, weight=weight)
    assert found.group_count == 2 and found.n == 4
    close(meat(rows, features, found), 2 * theirs.S_crosssection(S[:4], np.array([0, 0, 1, 1])))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"cov": "HC4"}, "cov must be one of classical, HC0, HC1, HC2, HC3, cluster, HAC, not 'HC4'"),
        ({"cov": "nonrobust"}, "cov must be one of"),
        ({"cov": "cluster"}, "needs groups"),
        ({"cov": "HC3", "groups": [1, 2, 3]}, "groups are for cov='cluster', not for 'HC3'"),
        ({"cov": "cluster", "groups": [1, 2, 3], "lags": 1}, "lags are for cov='HAC', not for 'cluster'"),
        ({"cov": "cluster", "groups": ["a", None, "b"]}, "groups have None in row 2"),
        ({"cov": "cluster", "groups": [1.0, 2.0, float("nan")]}, "groups have nan in row 3"),
        ({"cov": "cluster", "groups": np.array([1.0, np.nan, 2])}, "groups have nan in row 2"),
        ({"cov": "cluster", "groups": pd.Series([1, None, 2], dtype="Int64")}, "groups have .* in row 2"),
        ({"cov": "cluster", "groups": ["a", "a", "a"]}, "the groups are all one"),
        ({"cov": "cluster", "groups": [[1, 1], [2, 1], [3, 1]]}, "the second groups are all one"),
        ({"cov": "cluster", "groups": [1, 2]}, r"not of shape \(2, 1\)"),
        ({"cov": "cluster", "groups": [[1, 2, 3]] * 3}, r"not of shape \(3, 3\)"),
        ({"cov": "cluster", "groups": [{}, {1}, {2}]}, "groups must be numbers, strings or other plain"),
        ({"cov": "HAC", "lags": 3}, "lags must be an integer from 0 to 2"),
        ({"cov": "HAC", "lags": -1}, "lags must be an integer"),
        ({"cov": "HAC", "lags": 1.5}, "lags must be an integer"),
        ({"cov": "HAC", "lags": True}, "lags must be an integer"),
    ],
)
def test_what_is_wrong_is_said(arguments, message):
    with pytest.raises(OneLayerError, match=message):
        Robust.of(n=3, **arguments)
