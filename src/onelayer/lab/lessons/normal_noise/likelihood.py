"""Noise and its likelihood: the normal density, simulated lines, maximum likelihood, sums of errors, other noise."""

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize, minimize_scalar
from scipy.special import ndtr
from sklearn.linear_model import QuantileRegressor

from onelayer import LinearRegression, functional
from onelayer.lab.lessons.linear_regression.model import load
from onelayer.lab.lessons.sgd.descent import standardised

Array = NDArray[np.float64]

SLOPE, BIAS = 2.0, 1.0  # of the line that the simulated rows come from
MOST_ROWS = 200
DRAWS = 21
SLOPES = (-1.0, 5.0)  # that the curves of likelihood and squared error cover at least
REACH = 12.0  # standard deviations from the mean; beyond them the density is below rounding
REPEATS = 20_000  # data sets
SUMS = (
    200_000  # of errors: chance then makes their shares wrong by 0.3% at most, nineteen times out of twenty
)


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
    within = tuple(integrated_share(mean, std, k) for k in (1, 2, 3))
    return Moments(_simpson(p, whole), centre, _simpson((whole - centre) ** 2 * p, whole), within)


def integrated_share(mean: float, std: float, k: float) -> float:
    """Integrate the density of N(μ, σ²) over k standard deviations to both sides of the mean."""
    x = mean + std * np.linspace(-k, k, 401)
    return _simpson(density(x, mean, std), x)


def _simpson(values: Array, x: Array) -> float:
    """Return the integral of values (2m + 1,) over evenly spaced x by Simpson's rule."""
    step = (x[-1] - x[0]) / (len(x) - 1)
    return float(step / 3 * (values[0] + 4 * values[1:-1:2].sum() + 2 * values[2:-1:2].sum() + values[-1]))


def normal_share(k: float) -> float:
    """Return the probability that a normal variable is within k standard deviations of its mean: erf(k/√2)."""
    return math.erf(k / math.sqrt(2))


@cache
def drawn(draw: int) -> tuple[Array, Array]:
    """Return x and the standard normal noise of all rows, (200,) each, in numbers that 32 bits hold."""
    generator = np.random.default_rng(draw)
    x, noise = generator.uniform(-2, 2, MOST_ROWS), generator.standard_normal(MOST_ROWS)
    return x.astype(np.float32).astype(np.float64), noise.astype(np.float32).astype(np.float64)


def simulate(n: int, sigma: float, draw: int) -> tuple[Array, Array]:
    """Return n rows of y = 2x + 1 + ε with ε ~ N(0, σ²): x (n,) between −2 and 2, and y (n,).

    ``draw`` is the seed. More rows add to the earlier ones, and another σ scales the same noise.
    """
    x, noise = (values[:n] for values in drawn(draw))
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


def by_slope(x: Array, y: Array, bias: float, std: float, points: int = 121) -> tuple[Array, Array, Array]:
    """Return slopes, and the log-likelihood and the squared error of the line with each slope and this bias.

    The slopes (points,) reach past the best one, wherever it is.
    """
    best = best_slope(x, y, bias)
    slopes = np.linspace(min(SLOPES[0], best - 1), max(SLOPES[1], best + 1), points)
    logs = np.array([log_likelihood(slope * x + bias, y, std) for slope in slopes])
    return slopes, logs, np.array([squared_error(slope * x + bias, y) for slope in slopes])


Evaluation = tuple[Array, float, Array]  # parameters (d + 1,), log L / n there, and its slope (d + 1,)


def maximise_likelihood(X: Array, y: Array, std: float) -> tuple[Array, list[Evaluation]]:
    """Return the weights and the bias (d + 1,) of maximum likelihood, and where the search has looked.

    L-BFGS climbs the log-likelihood under noise of N(0, σ²) by its gradient from autograd. It does not know that the
    objective contains squares.
    """
    features, target = torch.from_numpy(X), torch.from_numpy(y)
    parameters = torch.zeros(X.shape[1] + 1, dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [parameters], max_iter=200, tolerance_grad=1e-12, tolerance_change=0.0, line_search_fn="strong_wolfe"
    )
    seen: list[Evaluation] = []

    def negative_mean() -> torch.Tensor:
        optimizer.zero_grad()
        prediction = features @ parameters[:-1] + parameters[-1]
        loss = -functional.normal_log_likelihood(prediction, target, std) / len(y)
        loss.backward()
        seen.append((parameters.detach().numpy().copy(), -loss.item(), -np.asarray(parameters.grad)))
        return loss

    optimizer.step(negative_mean)
    return parameters.detach().numpy(), seen


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


@cache
def house_residuals() -> tuple[Array, LinearRegression]:
    """Return price − prediction (2930,) in USD for each house, and the least-squares model of area and age."""
    X, y = load()
    model = LinearRegression().fit(X, y)
    return y - model.predict(X), model


def histogram(values: Array, std: float, bins: int, low: float, high: float) -> tuple[Array, Array, Array]:
    """Count values (n,) in bins between two ends, beside what N(0, σ²) expects of n values.

    Returns the middles of the bins, the counts, and the expected counts, (bins,) each.
    """
    counts, edges = np.histogram(values, bins, (low, high))
    below = ndtr(edges / std)
    return (edges[:-1] + edges[1:]) / 2, counts.astype(np.float64), len(values) * np.diff(below)


def small_errors(kind: str, parts: int, seed: int = 0) -> Array:
    """Return independent errors (200000, parts) with mean 0 and variance 1, none of them normal.

    Args:
        kind: "even", each value in an interval as probable as any other; "lopsided", exponential; "forked", most
            of them near the two ends of an interval (the cosine of a random angle).
        parts: how many errors.
        seed: of the draw.
    """
    generator, shape = np.random.default_rng(seed), (SUMS, parts)
    if kind == "even":
        return generator.uniform(-math.sqrt(3), math.sqrt(3), shape)
    if kind == "lopsided":
        return generator.exponential(1, shape) - 1
    return math.sqrt(2) * np.cos(generator.uniform(0, np.pi, shape))


def sums_of_small_errors(parts: int, kind: str = "even") -> Array:
    """Return sums (200000,) of so many independent errors, scaled to variance 1 whatever their number; of none, 0."""
    sums: Array = small_errors(kind, parts).sum(axis=1) / math.sqrt(max(parts, 1))
    return sums


def distance_from_normal(values: Array) -> float:
    """Return the largest difference between the share of values (n,) below a place and that of N(0, 1)."""
    below, n = ndtr(np.sort(values)), len(values)
    return float(max((np.arange(1, n + 1) / n - below).max(), (below - np.arange(n) / n).max()))


def estimates(n: int, seed: int = 0) -> Array:
    """Return σ̂² = SSE/n (20000,) of as many data sets of n rows with true σ² = 1, a line fitted to each."""
    generator = np.random.default_rng(seed)
    A = np.column_stack([generator.uniform(-2, 2, n), np.ones(n)])
    noise = generator.standard_normal((n, REPEATS))
    residuals = noise - A @ np.linalg.lstsq(A, noise, rcond=None)[0]
    found: Array = np.mean(residuals**2, axis=0)
    return found


def least_absolute_line(x: Array, y: Array) -> tuple[float, float]:
    """Return slope and bias of the line with the least sum of |y − ŷ| for rows (n,).

    One of the best lines goes through two of the points, so it is enough to try each pair.
    """
    best = (math.inf, 0.0, 0.0)
    for i in range(len(x)):
        for j in range(i):
            slope = (y[i] - y[j]) / (x[i] - x[j])
            bias = y[i] - slope * x[i]
            error = float(np.abs(y - slope * x - bias).sum())
            if error < best[0]:
                best = (error, float(slope), float(bias))
    return best[1:]


@dataclass(frozen=True)
class NoiseModel:
    """The houses under noise with the density p(ε) = exp(−|ε/s|ᵖ) / (2 s Γ(1 + 1/p)).

    Attributes:
        power: p: 1 is Laplace's noise, 2 the normal one.
        parameters: (3,) the most likely weights and bias, of standardised features and prices.
        scale: the most likely s; of normal noise it is √2 σ, of Laplace's the mean absolute residual.
        log_likelihood: the greatest log-likelihood.
    """

    power: float
    parameters: Array
    scale: float
    log_likelihood: float

    def density(self, x: Array) -> Array:
        """Return the density at each x."""
        found: Array = np.exp(-(np.abs(x / self.scale) ** self.power))
        return found / (2 * self.scale * math.gamma(1 + 1 / self.power))


@cache
def fit_noise_model(power: float) -> NoiseModel:
    """Fit the houses by maximum likelihood: the line has the least sum of |y − ŷ|ᵖ, p at least 1."""
    X, y = standardised()
    A = np.column_stack([X, np.ones(len(X))])

    def mean_power(parameters: Array) -> tuple[float, Array]:
        residual = A @ parameters - y
        slope = power * np.sign(residual) * np.abs(residual) ** (power - 1)
        return float(np.mean(np.abs(residual) ** power)), A.T @ slope / len(y)

    if power == 1:  # there is no derivative at 0
        absolute = QuantileRegressor(quantile=0.5, alpha=0, solver="highs").fit(X, y)
        parameters = np.append(absolute.coef_, absolute.intercept_)
    else:
        squares = LinearRegression().fit(X, y)
        start = np.append(squares.coef_, squares.intercept_)
        parameters = minimize(mean_power, start, jac=True, method="BFGS", options={"gtol": 1e-9}).x
    scale = (power * mean_power(parameters)[0]) ** (1 / power)
    log_of_top = -math.log(2 * scale) - math.lgamma(1 + 1 / power)
    return NoiseModel(power, parameters, scale, len(y) * (log_of_top - 1 / power))
