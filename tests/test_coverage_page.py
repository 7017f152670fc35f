"""The arithmetic of ``tools/coverage.py``: its data are what they are said to be, and shares are counted right."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize
from scipy.special import expit, softmax

PATH = Path(__file__).parents[1] / "tools/coverage.py"


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("coverage_page", PATH)  # another package is called coverage
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setitem(__import__("sys").modules, "coverage_page", module)
        spec.loader.exec_module(module)
        yield module


def test_noise_is_as_it_is_said_to_be(tool):
    random, n = np.random.default_rng(0), 200_000
    series = tool.autoregressive(random, n)
    assert np.var(series) == pytest.approx(1, abs=0.02)
    assert np.mean(series[1:] * series[:-1]) == pytest.approx(0.5, abs=0.02)
    for draw, variance in ((tool.linear_one_variance, 1.0), (tool.linear_clustered, 1.0)):
        sample = draw(random, n)
        noise = sample.y - 1 - sample.X @ tool.SLOPES
        assert np.var(noise) == pytest.approx(variance, abs=0.02)
    first, second = noise[0::10], noise[1::10]  # two of each group
    assert np.mean(first * second) == pytest.approx(0.5, abs=0.03)
    weighted = tool.linear_weighted(random, n)
    noise = weighted.y - 1 - weighted.X @ tool.SLOPES
    assert np.mean(noise**2 * weighted.c) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("name", ["softmax_right", "softmax_clustered", "softmax_in_time"])
def test_each_row_has_the_probabilities_of_the_model(tool, name):
    sample = getattr(tool, name)(np.random.default_rng(1), 400_000)
    P = softmax(sample.X @ tool.WEIGHTS + [0.0, 0.3, -0.2], axis=1)
    for k in range(3):
        assert np.mean(sample.y == k) == pytest.approx(P[:, k].mean(), abs=0.01)
        assert np.mean((sample.y == k) * sample.X[:, 0]) == pytest.approx(
            (P[:, k] * sample.X[:, 0]).mean(), abs=0.01
        )


def test_the_nearest_logistic_function_is_that_of_another_minimiser(tool):
    def loss(theta):
        p = expit(theta[0] + theta[1] * tool.VALUES)
        return -(tool.SHARES * np.log(p) + (1 - tool.SHARES) * np.log1p(-p)).sum()

    best = minimize(loss, np.zeros(2), tol=1e-12).x
    assert tool.nearest() == pytest.approx((best[1], expit(best.sum())), abs=1e-5)


def test_shares_are_counted_and_misses_named(tool, monkeypatch):
    assert tool.held(np.array([1.0, 2.0]), 2.0) == 1 and tool.held(np.array([1.0, 2.0]), 2.1) == 0
    assert np.isnan(tool.held(np.array([np.nan, 2.0]), 1.0))
    case = tool.Case("some data", 40, tool.linear_one_variance, ("classical", "HC1"), ("HC0",))
    monkeypatch.setattr(tool, "CASES", [case])
    number, found = tool.work((0, 0, 3))
    assert number == 0 and found.shape == (3, 3, 3) and set(np.unique(found[:, 0])) <= {0.0, 1.0}
    assert np.isnan(found[:, 1:, 2]).all()  # further observations have an interval of classical errors alone
    shares = [np.array([[0.95, 0.9, 0.965], [0.935, 0.966, np.nan], [0.5, 0.5, np.nan]])]
    assert tool.misses(shares) == [
        "some data, 40 rows, classical, at a row: 90.0 %",
        "some data, 40 rows, HC1, at a row: 96.6 %",
    ]
    lines = tool.table(shares, True)
    assert lines[2] == "| some data | 40 | classical | holds | 95.0 | **90.0** | 96.5 |"
    assert lines[4] == "| some data | 40 | HC0 | does not | **50.0** | **50.0** |  |"
    assert len(tool.table(shares, False)) == 2
