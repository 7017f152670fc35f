"""The experiments of the lesson on normal noise, scene by scene.

Prices and residuals of houses are in 1,000 USD where a page shows them, and standardised where lines are fitted.
"""

import math
from functools import cache
from typing import Any

import numpy as np

from onelayer import LinearRegression
from onelayer.lab.lessons.linear_regression.model import load
from onelayer.lab.lessons.normal_noise.likelihood import (
    BIAS,
    DRAWS,
    REPEATS,
    SLOPE,
    Array,
    Evaluation,
    best_slope,
    by_slope,
    density,
    distance_from_normal,
    drawn,
    estimates,
    fit_noise_model,
    histogram,
    house_residuals,
    integrated_share,
    least_absolute_line,
    log_likelihood,
    log_likelihood_from_squares,
    maximise_likelihood,
    moments,
    most_likely_std,
    normal_share,
    simulate,
    squared_error,
    sums_of_small_errors,
)
from onelayer.lab.lessons.sgd.descent import contours, in_dollars, standardised

ENDS = np.array([-2.2, 2.2])  # of the lines in the picture
PROFILES = (-1.5, -0.25, 1.0)  # where the noise's density is drawn beside the line
WIDTH = 0.5  # of a profile with σ = 1, in units of x: the narrowest σ has room before the next profile
K_STEP = 0.01  # between the multiples of σ whose shares a page has
ASSUMED = {"narrow": 0.2, "wide": 2.0}  # σ in standard deviations of the price
FEW_ROWS = 10  # beside the one that is dragged


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
    both = [np.array(part, dtype=np.float32) for part in zip(*map(drawn, range(DRAWS)), strict=True)]
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
        evaluation: how often it has looked: the first time at 0.
    """
    X, y = standardised()
    seen = _climbed(assumed)[1][:evaluation]
    here, per_row, slope = seen[-1] if seen else (np.zeros(3), None, None)
    rings, model = contours(X, y), house_residuals()[1]
    return {
        "path_w1": [parameters[0] for parameters, *_ in seen],
        "path_w2": [parameters[1] for parameters, *_ in seen],
        "ring_w1": rings[:, :, 0].astype(np.float32),
        "ring_w2": rings[:, :, 1].astype(np.float32),
        "minimum": LinearRegression().fit(X, y).coef_,
        "first": float(X[0] @ here[:-1] + here[-1]),
        "loss": None if per_row is None else -per_row,
        "per_row": per_row,
        "downhill": None if slope is None else -slope,  # what backward() leaves in .grad
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


def small_samples(few: int, less: int) -> dict[str, Any]:
    """Return SSE/(n − c) of 20,000 data sets of a few rows n each: their histogram and their average.

    Args:
        few: n.
        less: c; with 0 it is σ̂².

    ``asked`` is the average of σ̂² for 5 rows, which the reader is asked for.
    """
    found = estimates(few) * few / (few - less)
    middles, counts, _ = histogram(found, 1.0, 60, 0.0, 3.0)
    mean, predicted = float(found.mean()), (few - 2) / (few - less)
    return {
        "middles": middles,
        "counts": counts / REPEATS,
        "mean": mean,
        "asked": (5 - 2) / 5,
        "predicted": predicted,
        "allowed": 4 * math.sqrt(2 * (few - 2) / REPEATS) / (few - less),  # four times its standard error
    }


def sums(kind: str, added: int) -> dict[str, Any]:
    """Return the histogram of sums of small errors, as a density, beside the normal one.

    Args:
        kind: what the errors look like.
        added: how many of them.
    """
    values = sums_of_small_errors(added, kind)
    middles, counts, _ = histogram(values, 1.0, 45, -4.5, 4.5)
    return {
        "middles": middles,
        "heights": (counts / len(values) / (middles[1] - middles[0])).astype(np.float32),
        "xs": normal()["xs"],
        "standard": normal()["standard"],
        "distance": distance_from_normal(values),
    }


def within(house_k: float) -> dict[str, Any]:
    """Return how many houses' residuals are within kσ̂, beside the normal distribution."""
    known = house_noise()
    far = house_k * known["root_mean_square"]
    beyond = int((known["sizes"].astype(np.float64) > far).sum())
    return {
        "left": -far,
        "right": far,
        "beyond": beyond,
        "tail": beyond / known["n"],
        "share": 1 - beyond / known["n"],
        "normal_share": (share := normal_share(house_k)),
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


def noise_models(power: float) -> dict[str, Any]:
    """Return the houses under normal noise, under Laplace's, and under one with another power of the residual.

    Residuals are from the line of that power, in σ̂ of the normal model; likelihoods are for prices in 1,000 USD.
    """
    X, y = standardised()
    squares, absolute, own = found = [fit_noise_model(one) for one in (2.0, 1.0, power)]
    in_thousands = len(y) * math.log(load()[1].std() / 1000)  # a density falls as its unit shrinks
    size, away = squares.scale / math.sqrt(2), np.linspace(-6, 6, 121)
    middles, counts, _ = histogram((y - X @ own.parameters[:2] - own.parameters[2]) / size, 1.0, 48, -6, 6)
    return {
        "likelihoods": [one.log_likelihood - in_thousands for one in found],
        "dollars": [in_dollars(one.parameters)[0] for one in found],
        "gain": absolute.log_likelihood - squares.log_likelihood,
        "better": "laplace" if absolute.log_likelihood > squares.log_likelihood else "normal",
        "middles": middles,
        "heights": np.where(counts, counts / len(y) / (middles[1] - middles[0]), np.nan),
        "away": away,
        "by_normal": _above_the_edge(size * squares.density(away * size)),
        "by_laplace": _above_the_edge(size * absolute.density(away * size)),
        "by_power": _above_the_edge(size * own.density(away * size)),
    }


def _above_the_edge(heights: Array) -> Array:
    """Return densities without those that are off the picture, which would be drawn along its edge."""
    return np.where(heights > 5e-5, heights, np.nan)
