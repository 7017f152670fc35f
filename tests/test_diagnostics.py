"""Diagnostics against scikit-learn, statsmodels and SciPy, and against the rates that intervals promise."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics
from sklearn.calibration import calibration_curve
from statsmodels.stats.proportion import proportion_confint
from statsmodels.stats.weightstats import DescrStatsW

from onelayer import diagnostics
from onelayer.data.scaling import RunningMoments

counts = st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


@given(counts, st.sampled_from([0.5, 0.9, 0.95, 0.999]))
def test_wilson_interval(count, level):
    low, high = diagnostics.wilson(*count, level)
    assert (low, high) == pytest.approx(proportion_confint(*count, 1 - level, "wilson"), abs=1e-12)
    assert 0 <= low <= count[0] / count[1] <= high <= 1


def test_wilson_interval_of_no_trials_is_everything():
    np.testing.assert_array_equal(diagnostics.wilson([0, 3], [0, 3])[0], [0, 1])


def test_interval_of_a_mean():
    values = np.random.default_rng(0).exponential(size=60)
    expected = DescrStatsW(values).zconfint_mean(alpha=0.05)
    np.testing.assert_allclose(diagnostics.mean_interval(values), expected, rtol=1e-12)
    assert diagnostics.mean_interval(values[:9]) is None


def test_intervals_of_regression_scores_hold_the_true_score_as_often_as_they_promise():
    """Of y = signal + noise, both of variance 1, R² is ½ and the RMSE 1; errors far from normal."""
    r = np.random.default_rng(0)
    held = np.zeros(2)
    for _ in range(400):
        noise = r.exponential(size=400) - 1
        target = r.normal(size=400) + noise
        found = diagnostics.ErrorMoments.of(noise, target)
        for i, (interval, truth) in enumerate(((found.r2_interval(), 0.5), (found.rmse_interval(), 1.0))):
            held[i] += interval[0] <= truth <= interval[1]
    # 400 trials of a probability of 0.95 have a standard error of 0.011; the approximation takes some of the rest.
    assert (held / 400 > 0.90).all() and (held / 400 < 0.985).all()


def test_r2_has_no_interval_without_variation_or_rows():
    assert diagnostics.ErrorMoments.of(np.ones(20), np.ones(20)).r2_interval() is None
    assert diagnostics.ErrorMoments.of(np.ones(9), np.arange(9.0)).r2_interval() is None


@given(st.integers(0, 10**6), st.booleans())
def test_curves_of_two_classes(seed, has_ties):
    r = np.random.default_rng(seed)
    n = int(r.integers(2, 60))
    is_positive, score = r.random(n) < 0.4, r.random(n)
    is_positive[:2] = True, False
    score = score.round(1) if has_ties else score
    roc = diagnostics.roc_curve(is_positive, score)
    fpr, tpr, _ = metrics.roc_curve(is_positive, score, drop_intermediate=False)
    np.testing.assert_allclose([roc.x, roc.y], [fpr, tpr], rtol=1e-12)
    assert roc.area == pytest.approx(metrics.roc_auc_score(is_positive, score))
    found = diagnostics.precision_recall_curve(is_positive, score)
    precision, recall, _ = metrics.precision_recall_curve(is_positive, score)
    np.testing.assert_allclose([found.x, found.y], [recall[::-1], precision[::-1]], rtol=1e-12)
    assert found.area == pytest.approx(metrics.average_precision_score(is_positive, score))


def test_there_are_no_curves_of_one_class():
    score = np.arange(3.0)
    assert diagnostics.roc_curve(np.ones(3, bool), score) is None
    assert diagnostics.roc_curve(np.zeros(3, bool), score) is None
    assert diagnostics.precision_recall_curve(np.zeros(3, bool), score) is None


@given(st.integers(0, 10**6))
def test_calibration(seed):
    r = np.random.default_rng(seed)
    probability = np.r_[0, 1, r.choice([0.1, 0.3, 0.7], 5), r.random(int(r.integers(1, 200)))]
    happened = r.random(len(probability)) < probability
    found = diagnostics.calibration(probability, happened)
    observed, predicted = calibration_curve(happened, probability, n_bins=10)
    np.testing.assert_allclose(
        [found.observed, found.predicted], [observed, predicted], rtol=1e-12, atol=1e-15
    )
    assert found.rows.sum() == len(probability)
    np.testing.assert_array_equal(
        found.interval, diagnostics.wilson(np.rint(found.observed * found.rows), found.rows)
    )


def test_drift_is_the_standardised_mean_difference():
    r = np.random.default_rng(2)
    train, others = r.normal(size=(500, 4)), r.normal(size=(300, 4)) + np.eye(4)[1]
    train[:, 2] = others[:, 2] = 7
    train[:100, 0] = np.nan
    drift = diagnostics.drift(RunningMoments.of(train), RunningMoments.of(others))
    for j in (0, 1, 3):
        a, b = train[~np.isnan(train[:, j]), j], others[:, j]
        expected = (b.mean() - a.mean()) / np.sqrt((a.var() + b.var()) / 2)
        assert drift.difference[j] == pytest.approx(expected)
        assert drift.error[j] == pytest.approx(np.sqrt(1 / len(a) + 1 / len(b)))
    assert drift.difference[2] == 0
    np.testing.assert_array_equal(drift.is_large(), [False, True, False, False])


def test_a_constant_that_changed_is_far_away():
    drift = diagnostics.drift(RunningMoments.of(np.ones((9, 1))), RunningMoments.of(np.full((9, 1), 2.0)))
    assert drift.difference[0] == np.inf and drift.is_large()[0]


def test_few_rows_do_not_drift_by_chance():
    r = np.random.default_rng(3)
    alarms = 0
    for _ in range(200):
        a, b = (RunningMoments.of(r.normal(size=(n, 10))) for n in (40, 10))
        alarms += diagnostics.drift(a, b).is_large().any()
    assert alarms < 40  # nearly 1 in 20 for many rows; one in five would be a plague


def test_a_rare_value_has_a_bin_of_its_own():
    x = np.zeros(100)
    x[7] = 1
    trend = diagnostics.trend(x, x * 5)
    np.testing.assert_array_equal([trend.x, trend.mean], [[0, 1], [0, 5]])
    assert trend.share == pytest.approx(1)


@given(st.integers(0, 10**6))
def test_a_trend_is_a_mean_in_each_bin(seed):
    r = np.random.default_rng(seed)
    x = r.normal(size=int(r.integers(1, 300))).round(int(r.integers(0, 3)))
    value = x**2 + r.normal(size=len(x))
    trend = diagnostics.trend(x, value)
    assert 1 <= len(trend.x) <= 10 and (np.diff(trend.x) > 0).all()
    assert -1e-12 <= trend.share <= 1 + 1e-12


def test_the_share_of_a_trend_is_the_correlation_ratio():
    x = np.repeat([0.0, 1.0], [30, 70])
    value = np.random.default_rng(4).normal(size=100) + x
    trend = diagnostics.trend(x, value)
    np.testing.assert_allclose(trend.mean, [value[:30].mean(), value[30:].mean()])
    f = stats.f_oneway(value[:30], value[30:]).statistic
    assert trend.share == pytest.approx(f / (f + 98))


def test_normal_order_statistics():
    expected = stats.norm.ppf((np.arange(50) + 0.625) / 50.25)
    np.testing.assert_allclose(diagnostics.normal_order_statistics(50, np.arange(50)), expected, rtol=1e-9)


def test_a_sample_is_the_same_each_time_and_keeps_what_it_must():
    keep = np.array([999, 3])
    first, second = (diagnostics.sample(1000, 50, keep) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert len(set(first)) == 50 and (np.diff(first) > 0).all() and {3, 999} <= set(first)
    np.testing.assert_array_equal(diagnostics.sample(5, 50), np.arange(5))
