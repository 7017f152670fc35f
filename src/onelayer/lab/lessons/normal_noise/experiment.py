"""The experiments of the lesson on normal noise: the density, noisy lines and their likelihood, residuals of houses.

Prices and residuals of houses are in 1,000 USD where a page shows them, and standardised where lines are fitted.
"""

import math
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.linear_model import QuantileRegressor

from onelayer import LinearRegression, functional
from onelayer.lab.lessons.linear_regression.experiment import load
from onelayer.lab.lessons.sgd.experiment import contours, in_dollars, standardised

Array = NDArray[np.float64]

SLOPE, BIAS = 2.0, 1.0  # of the line that the simulated rows come from
MOST_ROWS = 200
DRAWS = 21
SLOPES = (-1.0, 5.0)  # that the curves of likelihood and squared error cover at least
REACH = 12.0  # standard deviations from the mean; beyond them the density is below rounding
ENDS = np.array([-2.2, 2.2])  # of the lines in the picture
PROFILES = (-1.5, -0.25, 1.0)  # where the noise's density is drawn beside the line
WIDTH = 0.5  # of a profile with σ = 1, in units of x: the narrowest σ has room before the next profile
K_STEP = 0.01  # between the multiples of σ whose shares a page has
ASSUMED = {"narrow": 0.2, "wide": 2.0}  # σ in standard deviations of the price
REPEATS = 20_000
FEW_ROWS = 10  # beside the one that is dragged


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
def _drawn(draw: int) -> tuple[Array, Array]:
    """Return x and the standard normal noise of all rows, (200,) each, in numbers that 32 bits hold."""
    generator = np.random.default_rng(draw)
    x, noise = generator.uniform(-2, 2, MOST_ROWS), generator.standard_normal(MOST_ROWS)
    return x.astype(np.float32).astype(np.float64), noise.astype(np.float32).astype(np.float64)


def simulate(n: int, sigma: float, draw: int) -> tuple[Array, Array]:
    """Return n rows of y = 2x + 1 + ε with ε ~ N(0, σ²): x (n,) between −2 and 2, and y (n,).

    ``draw`` is the seed. More rows add to the earlier ones, and another σ scales the same noise.
    """
    x, noise = (values[:n] for values in _drawn(draw))
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
    below = np.array([(1 + math.erf(edge / std / math.sqrt(2))) / 2 for edge in edges])
    return (edges[:-1] + edges[1:]) / 2, counts.astype(np.float64), len(values) * np.diff(below)


def small_errors(kind: str, parts: int, seed: int = 0) -> Array:
    """Return independent errors (20000, parts) with mean 0 and variance 1, none of them normal.

    Args:
        kind: "even", each value in an interval as probable as any other; "lopsided", exponential; "forked", most
            of them near the two ends of an interval (the cosine of a random angle).
        parts: how many errors.
        seed: of the draw.
    """
    generator, shape = np.random.default_rng(seed), (REPEATS, parts)
    if kind == "even":
        return generator.uniform(-math.sqrt(3), math.sqrt(3), shape)
    if kind == "lopsided":
        return generator.exponential(1, shape) - 1
    return math.sqrt(2) * np.cos(generator.uniform(0, np.pi, shape))


def sums_of_small_errors(parts: int, kind: str = "even") -> Array:
    """Return sums (20000,) of so many independent errors, scaled to variance 1 whatever their number."""
    sums: Array = small_errors(kind, parts).sum(axis=1) / math.sqrt(parts)
    return sums


def distance_from_normal(values: Array) -> float:
    """Return the largest difference between the share of values (n,) below a place and that of N(0, 1)."""
    below = np.array([(1 + math.erf(value / math.sqrt(2))) / 2 for value in np.sort(values)])
    n = len(values)
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


# What the lesson's scenes show


@cache
def normal() -> dict[str, Any]:
    """Return N(0, 1) on a grid, and the probability of k standard deviations around the mean, k from 0 to 4."""
    xs, ks = np.linspace(-6, 6, 241), np.arange(401) * K_STEP
    return {
        "xs": xs,
        "standard": density(xs, 0.0, 1.0),
        "ks": ks,
        "shares": np.array([normal_share(k) for k in ks]),
        "names": ["total", "mean", "variance", "within-1", "within-2", "within-3"],
    }


def draws() -> dict[str, Any]:
    """Return x and the standard normal noise of the rows of every draw, (21, 200) each."""
    both = [np.array(part, dtype=np.float32) for part in zip(*map(_drawn, range(DRAWS)), strict=True)]
    return {"drawn_x": both[0], "drawn_noise": both[1]}


@cache
def house_noise() -> dict[str, Any]:
    """Return the residuals of the houses in 1,000 USD, sizes and histogram, and what σ they say."""
    residuals, model = house_residuals()
    thousands = residuals / 1000
    n, std = len(residuals), math.sqrt(float(np.mean(thousands**2)))
    searched = most_likely_std(thousands)
    middles, counts, expected = histogram(thousands, std, 100, -250.0, 250.0)
    sizes = np.sort(np.abs(thousands)).astype(np.float32)
    return {
        "n": n,
        "sizes": sizes,
        "error_sum": float((thousands**2).sum()),
        "root_mean_square": std,
        "sigma_names": ["sigma-row", "sigma-unbiased"],
        "searched": [searched, searched * math.sqrt(n / (n - 3))],
        "computed": [std, model.sigma_ / 1000],
        "middles": middles,
        "counts": counts,
        "expected": expected,
        "largest": float(sizes[-1]) / std,
        "beyond_3": int((sizes > 3 * std).sum()),
        "normal_beyond_3": n * (1 - normal_share(3)),
        "tail_ks": (ks := np.arange(81) * 0.05),
        "tail_houses": np.array([np.mean(sizes > k * std) for k in ks]),
        "tail_normal": np.array([1 - normal_share(k) for k in ks]),
    }


def bell(mu: float, sigma: float, k: float) -> dict[str, Any]:
    """Return the density of N(μ, σ²), the part within kσ, and integrals over it."""
    found, inside = moments(mu, sigma), mu + sigma * np.linspace(-k, k, 61)
    heights = density(np.array([mu, mu + sigma], dtype=np.float64), mu, sigma)
    return {
        "p": density(normal()["xs"], mu, sigma),
        "inside_x": inside,
        "inside_p": density(inside, mu, sigma),
        "peak": heights[0],
        "edge": heights[1],
        "share": integrated_share(mu, sigma, k),
        "integrals": [found.total, found.mean, found.variance, *found.within],
        "exact": [1.0, mu, sigma**2, normal_share(1), normal_share(2), normal_share(3)],
    }


def noise(
    noise_sigma: float, rows: int, draw: int, weight: float, bias: float, model_sigma: float
) -> dict[str, Any]:
    """Return simulated rows, the reader's line, and the density of its noise, turned on its side at three places."""
    x, y = simulate(rows, noise_sigma, draw)
    fit = weight * x + bias
    away = model_sigma * np.linspace(-3.5, 3.5, 61)
    height = density(away, 0.0, model_sigma) * WIDTH / density(np.zeros(1), 0.0, 1.0)
    inside = int((np.abs(y - fit) <= model_sigma).sum())
    line = weight * ENDS + bias
    return {
        "x": x,
        "y": y,
        "fit": fit,
        "ends": ENDS,
        "line": line,
        "edges": [line - model_sigma, line + model_sigma],
        "truth": SLOPE * ENDS + BIAS,
        "bells_x": [at + height for at in PROFILES],
        "bells_y": [weight * at + bias + away for at in PROFILES],
        "level": weight * PROFILES[0] + bias,
        "inside": inside,
        "share": inside / rows,
    }


def likelihood(
    noise_sigma: float, rows: int, draw: int, weight: float, bias: float, model_sigma: float
) -> dict[str, Any]:
    """Return log-likelihood and squared error over the slope, and at the reader's."""
    x, y = simulate(rows, noise_sigma, draw)
    slopes, logs, squares = by_slope(x, y, bias, model_sigma)
    best, prediction = best_slope(x, y, bias), weight * x + bias
    highest, here = (
        log_likelihood(best * x + bias, y, model_sigma),
        log_likelihood(prediction, y, model_sigma),
    )
    error = squared_error(prediction, y)
    return {
        "slopes": slopes,
        "logs": logs,
        "squares": squares,
        "best": best,
        "log_low": highest - 6 * rows,
        "log_high": highest + rows / 4,
        "square_high": squares.max() * 1.05,
        "here": here,
        "error": error,
        "from_squares": log_likelihood_from_squares(rows, error, model_sigma),
        "product": math.exp(here),
        "short": float(x @ x)
        * (weight - best) ** 2
        / (2 * model_sigma**2),  # in the digits that a difference lacks
        "peak": "peak-stays",
        "allowed": 1e-9 * abs(here),
    }


@cache
def _climbed(assumed: str) -> tuple[Array, list[Evaluation]]:
    return maximise_likelihood(*standardised(), ASSUMED[assumed])


def climb(assumed: str, evaluation: int) -> dict[str, Any]:
    """Return where L-BFGS has looked for the most likely line of the houses, beside least squares.

    Args:
        assumed: which σ the noise is taken to have.
        evaluation: how often it has looked.
    """
    X, y = standardised()
    seen = _climbed(assumed)[1]
    now = min(evaluation, len(seen) - 1)
    here, per_row, slope = seen[now]
    rings, model = contours(X, y), house_residuals()[1]
    return {
        "path_w1": [parameters[0] for parameters, *_ in seen[: now + 1]],
        "path_w2": [parameters[1] for parameters, *_ in seen[: now + 1]],
        "ring_w1": rings[:, :, 0].astype(np.float32),
        "ring_w2": rings[:, :, 1].astype(np.float32),
        "minimum": LinearRegression().fit(X, y).coef_,
        "first": float(X[0] @ here[:-1] + here[-1]),
        "per_row": per_row,
        "slope": slope,
        "names": ["w1-narrow", "w2-narrow", "b-narrow", "w1-wide", "w2-wide", "b-wide"],
        "found": [value for one in ASSUMED for value in in_dollars(_climbed(one)[0])],
        "exact": 2 * [*model.coef_, model.intercept_],
    }


def spread(house_sigma: float) -> dict[str, Any]:
    """Return the log-likelihood per house of the residuals over σ, and at the reader's σ, in 1,000 USD."""
    n, error, best = (house_noise()[name] for name in ("n", "error_sum", "root_mean_square"))
    sigmas = np.linspace(20, 120, 101)
    return {
        "sigmas": sigmas,
        "logs": [log_likelihood_from_squares(n, error, sigma) / n for sigma in sigmas],
        "here": log_likelihood_from_squares(n, error, house_sigma) / n,
        "short": n * (math.log(house_sigma / best) + (best**2 / house_sigma**2 - 1) / 2),
    }


def small_samples(few: int) -> dict[str, Any]:
    """Return σ̂² of 20,000 data sets of a few rows each: their histogram and their average.

    ``asked`` is the average of those of 5 rows, which the reader is asked for.
    """
    found = estimates(few)
    middles, counts, _ = histogram(found, 1.0, 60, 0.0, 3.0)
    mean, predicted = float(found.mean()), (few - 2) / few
    return {
        "middles": middles,
        "counts": counts / REPEATS,
        "mean": mean,
        "asked": (5 - 2) / 5,
        "unbiased": mean / predicted,
        "predicted": predicted,
        "allowed": 4 * math.sqrt(2 * (few - 2) / REPEATS) / few,  # four times its standard error
    }


def sums(kind: str, added: int) -> dict[str, Any]:
    """Return the histogram of sums of small errors, as a density, beside the normal one.

    Args:
        kind: what the errors look like.
        added: how many are added to the first.
    """
    values = sums_of_small_errors(added + 1, kind)
    middles, counts, _ = histogram(values, 1.0, 45, -4.5, 4.5)
    return {
        "middles": middles,
        "heights": (counts / REPEATS / (middles[1] - middles[0])).astype(np.float32),
        "xs": normal()["xs"],
        "standard": normal()["standard"],
        "parts": added + 1,
        "distance": distance_from_normal(values),
    }


def within(k: float) -> dict[str, Any]:
    """Return how many houses' residuals are within kσ̂, beside the normal distribution."""
    known = house_noise()
    far = k * known["root_mean_square"]
    beyond = int((known["sizes"].astype(np.float64) > far).sum())
    return {
        "left": -far,
        "right": far,
        "beyond": beyond,
        "tail": beyond / known["n"],
        "share": 1 - beyond / known["n"],
        "normal_share": (share := normal_share(k)),
        "normal_beyond": known["n"] * (1 - share),
    }


def outlier(draw: int, far_x: float, far_y: float) -> dict[str, Any]:
    """Return the least-squares and the least-absolute line of a few rows and one more, and of those rows alone."""
    few_x, few_y = simulate(FEW_ROWS, 0.6, draw)
    x, y = np.append(few_x, far_x), np.append(few_y, far_y)
    found: dict[str, Any] = {"x": few_x, "y": few_y, "ends": ENDS, "truth": SLOPE * ENDS + BIAS}
    for name, line in (("squares", _least_squares_line), ("absolute", least_absolute_line)):
        slope, bias = line(x, y)
        off = abs(slope - line(few_x, few_y)[0])
        found |= {name: slope * ENDS + bias, f"{name}_slope": slope, f"{name}_off": off}
    return found


def _least_squares_line(x: Array, y: Array) -> tuple[float, float]:
    model = LinearRegression().fit(x[:, None], y)
    return float(model.coef_[0]), float(model.intercept_)


def noise_models() -> dict[str, Any]:
    """Return the houses under normal and under Laplace noise: parameters, likelihoods, and residuals."""
    X, y = standardised()
    found = compare_noise_models()
    normal_one, laplace_one = found
    in_thousands = len(y) * math.log(load()[1].std() / 1000)  # a density falls as its unit shrinks
    size, away = normal_one.scale, np.linspace(-6, 6, 121)
    parameters, scale = laplace_one.parameters, laplace_one.scale / normal_one.scale
    middles, counts, _ = histogram((y - X @ parameters[:2] - parameters[2]) / size, 1.0, 48, -6, 6)
    return {
        "normal_dollars": in_dollars(normal_one.parameters),
        "laplace_dollars": in_dollars(laplace_one.parameters),
        "likelihoods": [one.log_likelihood - in_thousands for one in found],
        "gain": laplace_one.log_likelihood - normal_one.log_likelihood,
        "better": max(found, key=lambda one: one.log_likelihood).name,
        "middles": middles,
        "heights": np.where(counts, counts / len(y) / (middles[1] - middles[0]), np.nan),
        "away": away,
        "by_normal": np.where(
            np.abs(away) < 4, density(away, 0.0, 1.0), np.nan
        ),  # beyond, it is off the picture
        "by_laplace": np.exp(-np.abs(away) / scale) / (2 * scale),
    }
