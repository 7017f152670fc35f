"""The lesson on normal noise: densities, likelihoods and estimates against SciPy's and closed forms."""

import math

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import QuantileRegressor

from onelayer import LinearRegression
from onelayer.lab.lessons.normal_noise import experiment, likelihood
from onelayer.lab.lessons.sgd.descent import standardised


@pytest.mark.parametrize(("mean", "std"), [(0.0, 1.0), (-3.0, 0.2), (2.5, 3.0)])
def test_density_and_its_integrals_are_those_of_the_normal_distribution(mean, std):
    x = np.linspace(-6, 6, 25)
    np.testing.assert_allclose(likelihood.density(x, mean, std), stats.norm(mean, std).pdf(x), rtol=1e-12)
    found = likelihood.moments(mean, std)
    assert (found.total, found.mean, found.variance) == pytest.approx((1, mean, std**2), abs=1e-9)
    shares = [stats.norm.cdf(k) - stats.norm.cdf(-k) for k in (1, 2, 3)]
    assert found.within == pytest.approx(shares, abs=1e-9)
    assert [likelihood.normal_share(k) for k in (1, 2, 3)] == pytest.approx(shares, rel=1e-12)


def test_simulated_rows_have_the_noise_that_was_asked_for():
    x, y = likelihood.simulate(200, 0.5, draw=4)
    fewer, scaled = likelihood.simulate(50, 0.5, draw=4), likelihood.simulate(200, 1.5, draw=4)
    np.testing.assert_array_equal(fewer, (x[:50], y[:50]))
    noise = y - (likelihood.SLOPE * x + likelihood.BIAS)
    np.testing.assert_allclose(scaled[1] - (likelihood.SLOPE * x + likelihood.BIAS), 3 * noise, atol=1e-12)
    assert stats.kstest(noise / 0.5, "norm").pvalue > 0.01


@pytest.mark.parametrize("intercept", [-20.0, 1.0, 20.0])
def test_the_curves_reach_past_the_best_slope_wherever_it_is(intercept):
    x, y = likelihood.simulate(5, 2.0, draw=20)
    slopes, *_ = likelihood.by_slope(x, y, intercept, 1.0)
    assert slopes[0] < likelihood.best_slope(x, y, intercept) < slopes[-1]


@pytest.mark.parametrize("std", [0.2, 1.0, 3.0])
def test_log_likelihood_is_the_sum_of_scipys_and_a_function_of_the_squared_error(std):
    x, y = likelihood.simulate(60, 1.0, draw=0)
    prediction = 1.5 * x + 0.5
    expected = stats.norm(prediction, std).logpdf(y).sum()
    assert likelihood.log_likelihood(prediction, y, std) == pytest.approx(expected, rel=1e-12)
    error = likelihood.squared_error(prediction, y)
    assert likelihood.log_likelihood_from_squares(60, error, std) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("std", [0.3, 2.0])
def test_likelihood_is_highest_where_the_squared_error_is_lowest(std):
    x, y = likelihood.simulate(60, 1.0, draw=2)
    slopes, logs, error = likelihood.by_slope(x, y, 1.0, std)
    assert logs.argmax() == error.argmin()
    best = likelihood.best_slope(x, y, 1.0)
    assert abs(slopes[error.argmin()] - best) <= (slopes[1] - slopes[0]) / 2
    # The curves are mirror images but for scale and shift.
    np.testing.assert_allclose(np.diff(logs), -np.diff(error) / (2 * std**2), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("std", [0.2, 2.0])
def test_maximum_likelihood_is_least_squares(std):
    X, y = standardised()
    exact = LinearRegression().fit(X, y)
    found, seen = likelihood.maximise_likelihood(X, y, std)
    highest = max(per_row for _, per_row, _ in seen)
    assert seen[0][1] < seen[-1][1] == pytest.approx(highest, rel=1e-12)
    np.testing.assert_allclose(found, [*exact.coef_, exact.intercept_], rtol=1e-7, atol=1e-7)


def test_most_likely_std_is_the_root_mean_squared_residual():
    residuals, model = likelihood.house_residuals()
    found = likelihood.most_likely_std(residuals)
    assert found == pytest.approx(math.sqrt(np.mean(residuals**2)), rel=1e-6)
    n = len(residuals)
    assert found * math.sqrt(n / (n - 3)) == pytest.approx(model.sigma_, rel=1e-6)
    assert stats.norm.fit(residuals, floc=0)[1] == pytest.approx(found, rel=1e-6)


@pytest.mark.parametrize("n", [3, 5, 10, 30])
def test_estimates_of_the_variance_are_too_small_by_two_rows(n):
    assert likelihood.estimates(n).mean() == pytest.approx((n - 2) / n, rel=0.02)
    for less in (0, 1, 2):
        found = experiment.small_samples(n, less)
        assert abs(found["mean"] - found["predicted"]) <= found["allowed"]
        assert found["predicted"] == pytest.approx((n - 2) / (n - less))
    assert found["asked"] == experiment.small_samples(5, 0)["predicted"]


def test_histogram_counts_every_value_beside_what_is_expected():
    values = np.array([-0.6, -0.1, 0.1, 0.2])
    middles, counts, expected = likelihood.histogram(values, 1.0, 4, -1.0, 1.0)
    assert counts.tolist() == [1, 1, 2, 0]
    assert middles.tolist() == [-0.75, -0.25, 0.25, 0.75]
    np.testing.assert_allclose(expected, 4 * np.diff(stats.norm.cdf([-1, -0.5, 0, 0.5, 1])), rtol=1e-12)


@pytest.mark.parametrize(
    ("kind", "kurtosis", "near"), [("even", -1.2, 0.08), ("lopsided", 6.0, 0.8), ("forked", -1.5, 0.08)]
)
def test_sums_of_errors_have_variance_one_and_become_normal(kind, kurtosis, near):
    for parts in (1, 2, 12):
        sums = likelihood.sums_of_small_errors(parts, kind)
        assert np.mean(sums) == pytest.approx(0, abs=0.03) and np.var(sums) == pytest.approx(1, rel=0.05)
        # The excess kurtosis of a sum of k errors is that of one, divided by k.
        assert stats.kurtosis(sums) == pytest.approx(kurtosis / parts, abs=near)
        expected = stats.kstest(sums, "norm").statistic
        assert likelihood.distance_from_normal(sums) == pytest.approx(expected, rel=1e-9)


def test_the_mission_of_the_sums_can_be_done():
    assert any(
        experiment.sums(kind, added)["distance"] < 0.012 for kind in ("even", "forked") for added in range(5)
    )


@pytest.mark.parametrize("draw", range(5))
@pytest.mark.parametrize("far", [(1.6, 9.0), (-1.3, 6.5), (0.2, -7.0)])
def test_the_least_absolute_line_is_that_of_a_linear_program(draw, far):
    x, y = likelihood.simulate(experiment.FEW_ROWS, 0.6, draw)
    x, y = np.append(x, far[0]), np.append(y, far[1])
    slope, bias = likelihood.least_absolute_line(x, y)
    model = QuantileRegressor(quantile=0.5, alpha=0, solver="highs").fit(x[:, None], y)
    best = np.abs(y - model.predict(x[:, None])).sum()
    assert np.abs(y - slope * x - bias).sum() == pytest.approx(best, rel=1e-9)


def test_a_point_far_away_turns_the_squares_and_hardly_the_absolute_values():
    found = experiment.outlier(0, 1.6, -8.0)
    assert found["squares_off"] > 0.7 and found["absolute_off"] < 0.1


def test_the_likelihood_of_the_slope_falls_as_the_outcome_says():
    found = experiment.likelihood(1.0, 60, 0, 1.5, 1.0, 0.8)
    x, y = likelihood.simulate(60, 1.0, 0)
    highest = likelihood.log_likelihood(found["best"] * x + 1.0, y, 0.8)
    assert found["short"] == pytest.approx(highest - found["here"], rel=1e-9)
    wider = likelihood.by_slope(x, y, 1.0, 2 * 0.8)[1]
    assert found["peak"] == "peak-stays" and wider.argmax() == found["logs"].argmax()


def test_the_spread_of_the_houses_is_most_likely_where_it_is_said_to_be():
    best = experiment.house_noise()["root_mean_square"]
    assert experiment.spread(best)["short"] == pytest.approx(0, abs=1e-9)
    here, n = experiment.spread(80.0), experiment.house_noise()["n"]
    assert here["short"] == pytest.approx(n * (experiment.spread(best)["here"] - here["here"]), rel=1e-9)


def test_houses_beyond_three_standard_deviations_are_counted():
    residuals, _ = likelihood.house_residuals()
    beyond = int((np.abs(residuals) > 3 * np.sqrt(np.mean(residuals**2))).sum())
    assert experiment.within(3.0)["beyond"] == experiment.house_noise()["beyond_3"] == beyond


@pytest.mark.parametrize("power", [1.0, 1.5, 2.0, 4.0])
def test_noise_models_have_scipys_likelihoods_at_their_maxima(power):
    model = likelihood.fit_noise_model(power)
    X, y = standardised()
    residuals = y - X @ model.parameters[:2] - model.parameters[2]
    noise = stats.gennorm(power, scale=model.scale)
    assert model.log_likelihood == pytest.approx(noise.logpdf(residuals).sum(), rel=1e-9)
    np.testing.assert_allclose(model.density(residuals[:9]), noise.pdf(residuals[:9]), rtol=1e-9)
    for factor in (0.99, 1.01):
        other = stats.gennorm(power, scale=factor * model.scale)
        assert other.logpdf(residuals).sum() < model.log_likelihood
    for step in 0.01 * np.eye(3):  # no other line is as likely
        for other in (model.parameters + step, model.parameters - step):
            shifted = y - X @ other[:2] - other[2]
            assert noise.logpdf(shifted).sum() < model.log_likelihood


def test_normal_and_laplace_noise_are_the_second_and_the_first_power():
    normal, laplace = (likelihood.fit_noise_model(power) for power in (2.0, 1.0))
    X, y = standardised()
    for model, scale, distribution in (
        (normal, normal.scale / math.sqrt(2), stats.norm),
        (laplace, laplace.scale, stats.laplace),
    ):
        residuals = y - X @ model.parameters[:2] - model.parameters[2]
        assert scale == pytest.approx(distribution.fit(residuals, floc=0)[1], rel=1e-9)
    assert experiment.noise_models(4)["better"] == "laplace"


def test_the_search_is_shown_from_its_first_evaluation_at_zero():
    start, first = experiment.climb("narrow", 0), experiment.climb("narrow", 1)
    assert start["path_w1"] == [] and (first["path_w1"], first["first"]) == ([0.0], 0.0)
    X, y = standardised()
    # The derivatives of the mean of (ŷ − y)²/2σ² at 0
    np.testing.assert_allclose(first["downhill"][:2], -(X.T @ y) / len(y) / 0.2**2, rtol=1e-9)
    np.testing.assert_array_equal(first["slope"], -first["downhill"])
    assert first["loss"] == -first["per_row"]
