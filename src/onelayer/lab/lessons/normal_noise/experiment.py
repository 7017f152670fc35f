"""The experiments of lesson 3, without a notebook: the normal density, noisy lines, and their likelihood."""

import math
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.linear_model import QuantileRegressor

from onelayer import LinearRegression, functional
from onelayer.lab.lessons.linear_regression.experiment import load
from onelayer.lab.lessons.sgd.experiment import standardised

Array = NDArray[np.float64]

SLOPE, BIAS = 2.0, 1.0  # of the line that the simulated rows come from
MOST_ROWS = 200
SLOPES = (-1.0, 5.0)  # that the curves of likelihood and squared error cover at least
REACH = 12.0  # standard deviations from the mean; beyond them the density is below rounding


def density(x: Array, mean: float, std: float) -> Array:
    """Return the density of N(μ, σ²) at each x, by ``onelayer.functional.normal_density``."""
    return np.asarray(functional.normal_density(torch.from_numpy(x), mean, std))


@dataclass(frozen=True)
class Moments:
    """Integrals over a normal density p, summed up numerically.

    Attributes:
        total: ∫ p(x) dx.
        mean: ∫ x p(x) dx.
        variance: ∫ (x − mean)² p(x) dx.
        within: the probability of 1, 2 and 3 standard deviations around the mean.
    """

    total: float
    mean: float
    variance: float
    within: tuple[float, ...]


def moments(mean: float, std: float) -> Moments:
    """Integrate the density of N(μ, σ²) with Simpson's rule, from μ − 12σ to μ + 12σ."""
    whole = mean + std * np.linspace(-REACH, REACH, 4001)
    p = density(whole, mean, std)
    centre = _simpson(whole * p, whole)
    within = []
    for k in (1, 2, 3):
        x = mean + std * np.linspace(-k, k, 401)
        within.append(_simpson(density(x, mean, std), x))
    return Moments(_simpson(p, whole), centre, _simpson((whole - centre) ** 2 * p, whole), tuple(within))


def _simpson(values: Array, x: Array) -> float:
    """Return the integral of values (2m + 1,) over evenly spaced x by Simpson's rule."""
    step = (x[-1] - x[0]) / (len(x) - 1)
    return float(step / 3 * (values[0] + 4 * values[1:-1:2].sum() + 2 * values[2:-1:2].sum() + values[-1]))


def normal_share(k: float) -> float:
    """Return the probability that a normal variable is within k standard deviations of its mean: erf(k/√2)."""
    return math.erf(k / math.sqrt(2))


def simulate(n: int, sigma: float, draw: int) -> tuple[Array, Array]:
    """Return n rows of y = 2x + 1 + ε with ε ~ N(0, σ²): x (n,) between −2 and 2, and y (n,).

    ``draw`` is the seed. More rows add to the earlier ones, and another σ scales the same noise.
    """
    generator = np.random.default_rng(draw)
    x, noise = generator.uniform(-2, 2, MOST_ROWS)[:n], generator.standard_normal(MOST_ROWS)[:n]
    return x, SLOPE * x + BIAS + sigma * noise


def log_likelihood(prediction: Array, y: Array, std: float) -> float:
    """Return Σ log p(y | x) for predictions and targets (n,) under noise of N(0, σ²), by ``onelayer.functional``."""
    return float(functional.normal_log_likelihood(torch.from_numpy(prediction), torch.from_numpy(y), std))


def squared_error(prediction: Array, y: Array) -> float:
    """Return SSE = Σ (ŷ − y)² of predictions and targets (n,)."""
    return float(((prediction - y) ** 2).sum())


def log_likelihood_from_squares(n: int, error: float, std: float) -> float:
    """Return −n/2 log 2πσ² − SSE/2σ²: the log-likelihood of n rows, given only their squared error."""
    return -n / 2 * math.log(2 * math.pi * std**2) - error / (2 * std**2)


def best_slope(x: Array, y: Array, bias: float) -> float:
    """Return the slope of least squares for rows (n,) and a bias that is given: Σ x (y − b) / Σ x²."""
    return float(x @ (y - bias) / (x @ x))


def by_slope(x: Array, y: Array, bias: float, std: float, points: int = 121) -> pa.Table:
    """Return ``log_likelihood`` and ``squared_error`` of the lines with each ``slope`` and one bias.

    The slopes reach past the best one, wherever it is.
    """
    best = best_slope(x, y, bias)
    slopes = np.linspace(min(SLOPES[0], best - 1), max(SLOPES[1], best + 1), points)
    return pa.table(
        {
            "slope": slopes,
            "log_likelihood": [log_likelihood(slope * x + bias, y, std) for slope in slopes],
            "squared_error": [squared_error(slope * x + bias, y) for slope in slopes],
        }
    )


def maximise_likelihood(X: Array, y: Array, std: float) -> Array:
    """Return the weights and the bias (d + 1,) of maximum likelihood for features (n, d) and noise of N(0, σ²).

    L-BFGS climbs the log-likelihood by its gradient from autograd; it is not told that this is least squares.
    """
    features, target = torch.from_numpy(X), torch.from_numpy(y)
    parameters = torch.zeros(X.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [parameters], max_iter=200, tolerance_grad=1e-12, tolerance_change=0.0, line_search_fn="strong_wolfe"
    )

    def negative_mean() -> torch.Tensor:
        optimizer.zero_grad()
        prediction = features @ parameters[:-1] + parameters[-1]
        loss = -functional.normal_log_likelihood(prediction, target, std) / len(y)
        loss.backward()
        return loss

    optimizer.step(negative_mean)
    return parameters.detach().numpy()


def most_likely_std(residuals: Array) -> float:
    """Return the σ at which the likelihood of residuals (n,) is greatest, by a search over log σ."""
    zeros, centre = np.zeros_like(residuals), math.log(np.abs(residuals).max())
    found = minimize_scalar(
        lambda log_std: -log_likelihood(zeros, residuals, math.exp(log_std)) / len(residuals),
        bounds=(centre - 10, centre + 1),
        method="bounded",
        options={"xatol": 1e-10},
    )
    return math.exp(found.x)


def house_residuals() -> tuple[Array, LinearRegression]:
    """Return price − prediction (2930,) in USD for each house, and the least-squares model of area and age."""
    X, y = load()
    model = LinearRegression().fit(X, y)
    return y - model.predict(X), model


def histogram(values: Array, std: float, bins: int, low: float, high: float) -> pa.Table:
    """Count values (n,) in bins between two ends, beside what N(0, σ²) expects of n values.

    The columns are the bins' edges ``low`` and ``high``, ``count`` and ``expected``.
    """
    counts, edges = np.histogram(values, bins, (low, high))
    below = np.array([(1 + math.erf(edge / std / math.sqrt(2))) / 2 for edge in edges])
    return pa.table(
        {"low": edges[:-1], "high": edges[1:], "count": counts, "expected": len(values) * np.diff(below)}
    )


def sums_of_small_errors(parts: int, count: int = 20_000, seed: int = 0) -> Array:
    """Return sums (count,) of independent errors, evenly distributed, scaled to variance 1 whatever their number."""
    errors = np.random.default_rng(seed).uniform(-1, 1, (count, parts))
    sums: Array = errors.sum(axis=1) / math.sqrt(parts / 3)
    return sums


def mean_of_estimates(n: int, repeats: int = 20_000, seed: int = 0) -> float:
    """Return the mean of σ̂² = SSE/n over many data sets of n rows with true σ² = 1, a line fitted to each."""
    generator = np.random.default_rng(seed)
    A = np.column_stack([generator.uniform(-2, 2, n), np.ones(n)])
    noise = generator.standard_normal((n, repeats))
    residuals = noise - A @ np.linalg.lstsq(A, noise, rcond=None)[0]
    return float(np.mean(residuals**2))


@dataclass(frozen=True)
class NoiseModel:
    """The houses under one model of the noise.

    Attributes:
        name: "normal" or "laplace".
        parameters: (3,) the most likely weights and bias, of standardised features and prices.
        scale: the most likely σ, or mean absolute residual.
        log_likelihood: the greatest log-likelihood.
    """

    name: str
    parameters: Array
    scale: float
    log_likelihood: float


def compare_noise_models() -> list[NoiseModel]:
    """Fit the houses by maximum likelihood under normal noise and under Laplace's, p(ε) = exp(−|ε|/s) / 2s."""
    X, y = standardised()
    squares = LinearRegression().fit(X, y)
    residuals = y - squares.predict(X)
    std = math.sqrt(float(np.mean(residuals**2)))
    normal = log_likelihood_from_squares(len(y), float((residuals**2).sum()), std)
    absolute = QuantileRegressor(quantile=0.5, alpha=0, solver="highs").fit(X, y)
    scale = float(np.abs(y - absolute.predict(X)).mean())
    laplace = -len(y) * (math.log(2 * scale) + 1)
    return [
        NoiseModel("normal", np.append(squares.coef_, squares.intercept_), std, normal),
        NoiseModel("laplace", np.append(absolute.coef_, absolute.intercept_), scale, laplace),
    ]
