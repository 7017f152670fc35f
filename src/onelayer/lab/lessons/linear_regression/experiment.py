"""The experiments of lesson 1, as its scenes show them: a line, a plane, their loss, and the solution in one step.

Throughout, ``weight`` is (2,): USD per square foot and USD per year of age; ``bias`` is in USD.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer import LinearRegression, Timer
from onelayer.data.rows import Rows
from onelayer.engines.threads import one_thread
from onelayer.lab.lessons.linear_regression.model import (
    best_bias,
    gradient,
    hessian,
    load,
    mean_loss,
    normal_equations,
    predict,
    predict_row_by_row,
    quadratic_rise,
)
from onelayer.lab.recording import machine
from onelayer.solvers.direct import least_squares

Array = NDArray[np.float64]

AREAS, AGES, PRICES = (500.0, 3000.0), (0.0, 130.0), (0.0, 500_000.0)  # the box around the plane
STICKS = 60  # houses whose residuals are drawn beside the line
SHOWN = 120  # houses that the picture of the plane has room for
FEW = 12  # houses among which one more counts
TILT = 0.35  # how much of the picture's height is the ground's depth
SQUARE_METRES = 0.09290304  # in a square foot
# Typical errors, in USD, that have a ring on the map
TYPICAL = (47e3, 50e3, 55e3, 60e3, 70e3, 80e3, 90e3, 100e3)
BILLION = 1e9
TIMED_ROWS = 4000  # of random numbers


@cache
def sales() -> dict[str, Any]:
    """Return all houses, and what every map of their loss has: its Hessian, its minimum and its rings, (8, 73) each."""
    X, y = load()
    model = LinearRegression().fit(X, y)
    minimum = np.append(model.coef_, model.intercept_)
    H, least = hessian(X), mean_loss(X, y, model.coef_, float(model.intercept_))
    rings = contours(X, minimum[:2], least)
    return {
        "area": X[:, 0].astype(np.float32),
        "age": X[:, 1].astype(np.float32),
        "price": y.astype(np.float32),
        "picked": np.arange(STICKS) * (len(y) // STICKS),
        "few": np.arange(FEW) * (len(y) // FEW) + 50,
        "shown": _in_the_box(X, y),
        "H": H,
        "curvature": np.linalg.eigvalsh(H),
        "noise": 3 * np.finfo(float).eps * np.linalg.eigvalsh(H)[-1],
        "minimum": minimum,
        "least": least / BILLION,
        "least_typical": np.sqrt(2 * least),
        "r2": model.r2_,
        "compared": ["1", "2", "3", "4", "5", "6", "all-rows"],
        "allowed": [*[1e-6] * 6, 1e-3],
        "ring_w1": rings[:, :, 0],
        "ring_w2": rings[:, :, 1],
        "ring_typical": TYPICAL[1:5],
        "ring_name_w1": [ring[:, 0][np.argmin(_beside(ring))] for ring in rings[1:5]],
        "ring_name_w2": [ring[:, 1][np.argmin(_beside(ring))] for ring in rings[1:5]],
    }


def contours(X: Array, middle: Array, least: float, points: int = 73) -> Array:
    """Return rings of equal typical error √(2L), (levels, points, 2), around weights; each pair has its best bias."""
    curvature, directions = np.linalg.eigh(np.cov(X.T, bias=True))
    angle = np.linspace(0, 2 * np.pi, points)
    circle = np.column_stack([np.cos(angle), np.sin(angle)])
    above = np.array(TYPICAL)[:, None, None] ** 2 / 2 - least
    rings: Array = middle + circle * np.sqrt(2 * above / curvature) @ directions.T
    return rings


def _beside(ring: Array) -> Array:
    """Return how far points of a ring (n, 2) are from a place below the middle of the map, where its number stands."""
    far: Array = np.abs(ring[:, 0] - 105) / 200 + 3 * (ring[:, 1] > -1100) + 3 * (ring[:, 1] < -2900)
    return far


def _in_the_box(X: Array, y: Array) -> NDArray[np.int64]:
    inside = (X[:, 0] > AREAS[0]) & (X[:, 0] < AREAS[1]) & (X[:, 1] >= AGES[0]) & (X[:, 1] < AGES[1])
    inside &= y < PRICES[1]
    return np.flatnonzero(inside)[:: int(inside.sum() / SHOWN)]


def example(at_area: float, at_price: float) -> dict[str, Any]:
    """Return the house that is nearest to a place in the picture."""
    X, y = load()
    i = int(np.argmin(((X[:, 0] - at_area) / 4000) ** 2 + ((y - at_price) / 600_000) ** 2))
    return {
        "chosen": [i],
        "number": i + 1,
        "area_here": X[i, 0],
        "age_here": X[i, 1],
        "price_here": y[i],
    }


def line(at_small: float, at_large: float) -> dict[str, Any]:
    """Return the line through its prices for 500 ft² and 3,000 ft², its residuals for some houses, its loss for all."""
    X, y = load()
    weight = (at_large - at_small) / (AREAS[1] - AREAS[0])
    bias = at_small - AREAS[0] * weight
    picked = sales()["picked"]
    foot, head = predict(X[picked, :1], np.array([weight]), bias), y[picked]
    errors = np.sort(foot - head)
    loss = mean_loss(X[:, :1], y, np.array([weight]), bias)
    return {
        "weight": weight,
        "bias": bias,
        "ends": [0, 4000],
        "prices_at_ends": [bias, bias + 4000 * weight],
        "areas": X[picked, 0],
        "heads": head,
        "feet": foot,
        "errors": errors,
        "losses": errors**2 / 2 / BILLION,
        "loss": loss / BILLION,
        "typical": np.sqrt(2 * loss),
    }


def pull(own_area: float, own_price: float) -> dict[str, Any]:
    """Return the best line through a few houses without one more and with it, solved and as a step from the former.

    ``leverage`` is the share of its price that it adds to its own prediction.
    """
    X, y = load()
    few = sales()["few"]
    areas, prices = X[few, :1], y[few]
    alone = LinearRegression().fit(areas, prices)
    joined = LinearRegression().fit(np.vstack([areas, [[own_area]]]), np.append(prices, own_price))
    without, here = (np.array([model.coef_[0], model.intercept_]) for model in (alone, joined))
    centre = areas.mean()
    spread = np.sum((areas - centre) ** 2)
    share = 1 / FEW + (own_area - centre) ** 2 / spread
    surprise = (own_price - without @ [own_area, 1]) / (1 + share)
    slope = (own_area - centre) / spread * surprise
    return {
        "areas": areas[:, 0],
        "prices": prices,
        "ends": [0, 4000],
        "line_without": without @ [[0, 4000], [1, 1]],
        "line_with": here @ [[0, 4000], [1, 1]],
        "foot": here @ [own_area, 1],
        "slope_without": without[0],
        "slope": here[0],
        "line_names": ["slope-of", "intercept-of"],
        "solved": here,
        "updated": without + np.array([slope, surprise / FEW - slope * centre]),
        "allowed": 1e-9 * (np.abs(without) + np.abs(here)),
        "leverage": share / (1 + share),
    }


def plane(w1: float, w2: float, turn: float) -> dict[str, Any]:
    """Return the plane with the best bias for its weights, and some houses, as they appear turned by some degrees."""
    X, y = load()
    weight = np.array([w1, w2])
    bias = best_bias(X, y, weight)
    loss = mean_loss(X, y, weight, bias)
    rows = sales()["shown"]
    foot = _project(X[rows], predict(X[rows], weight, bias), turn)
    head = _project(X[rows], y[rows], turn)
    sums, products = (f(X, weight, bias) for f in (predict_row_by_row, predict))
    starts, ends = _mesh()
    near, tips = np.array([[AREAS[0], AGES[0], 0.0]] * 3), np.array([[AREAS[0], AGES[0], 0.0]] * 3)
    tips[0, 0], tips[1, 1], tips[2, 2] = AREAS[1], AGES[1], PRICES[1]
    corner, tip = (_project(at[:, :2], at[:, 2], turn) for at in (near, tips))
    start, end = (_project(at, predict(at, weight, bias), turn) for at in (starts, ends))
    return {
        "bias": bias,
        "loss": loss / BILLION,
        "typical": np.sqrt(2 * loss),
        "head_x": head[:, 0],
        "head_y": head[:, 1],
        "foot_y": foot[:, 1],
        "mesh_x0": start[:, 0],
        "mesh_y0": start[:, 1],
        "mesh_x1": end[:, 0],
        "mesh_y1": end[:, 1],
        "corner_x": corner[:, 0],
        "corner_y": corner[:, 1],
        "tip_x": tip[:, 0],
        "tip_y": tip[:, 1],
        "tips": ["tip-area", "tip-age", "tip-price"],
        "sums": [*sums[:6], sums.sum()],
        "products": [*products[:6], products.sum()],
    }


def _mesh(lines: int = 7) -> tuple[Array, Array]:
    """Return where the plane's lines start and end over the ground, (2 · lines, 2) each."""
    areas, ages = (np.linspace(*ends, lines) for ends in (AREAS, AGES))
    starts = [(area, AGES[0]) for area in areas] + [(AREAS[0], age) for age in ages]
    ends = [(area, AGES[1]) for area in areas] + [(AREAS[1], age) for age in ages]
    return np.array(starts), np.array(ends)


def _project(rows: Array, height: Array, turn: float) -> Array:
    """Return where points over the ground appear in the picture, (n, 2), from 0 to 1."""
    area, age = ((rows[:, j] - low) / (high - low) - 0.5 for j, (low, high) in enumerate((AREAS, AGES)))
    angle = np.radians(turn)
    across = area * np.cos(angle) - age * np.sin(angle)
    depth = area * np.sin(angle) + age * np.cos(angle)
    return np.column_stack([(across + 0.8) / 1.6, (TILT * depth + height / PRICES[1] + 0.3) / 1.45])


def bowl(w1: float, w2: float) -> dict[str, Any]:
    """Return the loss above its minimum on the straight line from two weights through it. Biases are the best."""
    X, y = load()
    lowest = sales()["minimum"]
    start, end = np.array([w1, w2]), lowest[:2]
    shares = np.linspace(0, 2, 41)
    ways = start + shares[:, None] * (end - start)
    losses = np.array([mean_loss(X, y, weight, best_bias(X, y, weight)) for weight in ways])
    here = np.append(start, best_bias(X, y, start))
    expected = quadratic_rise(X, here - lowest)
    return {
        # The axis suits the weights: a power of two, so that it seldom changes under the hand
        "top": 2.0 ** np.ceil(np.log2(1.1 * expected / BILLION)),
        "shares": shares,
        "rises": (losses - mean_loss(X, y, end, lowest[2])) / BILLION,
        "way_w1": ways[[0, -1], 0],
        "way_w2": ways[[0, -1], 1],
        "rise_here": losses[0] - mean_loss(X, y, end, lowest[2]),
        "expected": expected,
        "allowed": 1e-9 * expected + 1e-5,
        "rise_billions": expected / BILLION,
    }


@cache
def solved() -> dict[str, Any]:
    """Return the system AᵀA w = Aᵀy of all houses, its solution and that of ``LinearRegression``, with the gradient."""
    X, y = load()
    A = np.column_stack([X, np.ones(len(X))])
    weight, bias = normal_equations(X, y)
    model = LinearRegression().fit(X, y)
    fitted = np.append(model.coef_, model.intercept_)
    return {
        "full_system": np.column_stack([A.T @ A, A.T @ y]),
        "rows": len(y),
        "solved": np.append(weight, bias),
        "fitted": fitted,
        "names": ["area-weight", "age-weight", "bias"],
        "tolerance": 1e-9 * np.abs(fitted),
        "found_names": ["area-weight", "age-weight", "bias", "r2"],
        "found": [*fitted, model.r2_],
        "known": [95.915, -1085.82, 76_513.9, 0.6591],
        "known_allowed": [0.0005, 0.005, 0.05, 0.00005],
        "slopes": gradient(X, y, model.coef_, float(model.intercept_)),
        "slopes_allowed": 1e-9 * np.abs(gradient(X, y, np.zeros(2), 0.0)),
        "slope_names": ["by-area-weight", "by-age-weight", "by-bias"],
    }


def solving(w1: float, w2: float, code_line: int) -> dict[str, Any]:
    """Return what each line of ``normal_equations`` has made once ``code_line`` of them have run."""
    found = solved()
    solution, cheaper = (found["solved"], -found["solved"][1]) if code_line > 2 else ([None] * 3, None)
    return {
        "system": found["full_system"] if code_line > 1 else [],
        "solution": solution,
        "cheaper": cheaper,  # a year of age
        "start_w1": w1 if code_line > 2 else None,
        "start_w2": w2 if code_line > 2 else None,
    }


@cache
def twice() -> dict[str, Any]:
    """Return what comes out when the area is there twice, and lines of equal loss over its two weights.

    ``condition`` is the condition number of AᵀA, with a column of ones; ``naive`` the weights (3,) of the normal
    equations, or nothing if they cannot be solved; ``smallest`` those of ``LinearRegression``: of all that fit equally
    well, the ones of least norm; ``change`` how far its predictions are from those with the area once, in USD.
    """
    X, y = load()
    more = np.column_stack([X, X[:, 0] * SQUARE_METRES])
    A = np.column_stack([more, np.ones(len(more))])
    try:
        naive: Any = normal_equations(more, y)[0]
    except np.linalg.LinAlgError:
        naive = [None] * 3
    # The solver that LinearRegression uses: to catch a warning, Python changes what all threads see.
    fit = least_squares(Rows(more, y[:, None], "regression"))
    once = LinearRegression().fit(X, y)
    return {
        "condition": np.linalg.cond(A.T @ A),
        "naive": naive,
        "smallest": fit.weight[0],
        "change": np.abs(predict(more, fit.weight[0], fit.bias[0]) - once.predict(X)).max(),
        "truth": "undetermined",
        **_valley(X, y),
    }


def _valley(X: Array, y: Array) -> dict[str, Any]:
    """Return lines of equal loss (7, 2) over the weights of the area in ft² and in m², the others the best."""
    found = sales()
    covariance = np.cov(X.T, bias=True)
    curvature = covariance[0, 0] - covariance[0, 1] ** 2 / covariance[1, 1]
    away = np.sqrt((np.array(TYPICAL[1:4]) ** 2 - found["least_typical"] ** 2) / curvature)
    together = found["minimum"][0] + np.concatenate([-away[::-1], [0], away])
    feet = np.array([-200.0, 400.0])
    return {"valley_feet": np.tile(feet, (7, 1)), "valley_metres": (together[:, None] - feet) / SQUARE_METRES}


def valley(w_feet: float, together: float) -> dict[str, Any]:
    """Return the least loss for two weights of the area, in ft² and in m²: with the best weight of age and bias.

    Args:
        w_feet: the weight of the area in ft².
        together: what both weights make of one ft² more: predictions depend on this sum alone.
    """
    X, y = load()
    ends = np.array([-200.0, 400.0])
    covariance, of_price = np.cov(X.T, bias=True), np.mean((X[:, 1] - X[:, 1].mean()) * y)
    weight = np.array([together, (of_price - together * covariance[0, 1]) / covariance[1, 1]])
    loss = mean_loss(X, y, weight, best_bias(X, y, weight))
    return {
        "w_metres": (together - w_feet) / SQUARE_METRES,
        "ends": ends,
        "same_predictions": (together - ends) / SQUARE_METRES,
        "shifted": -380 / SQUARE_METRES,
        "typical": np.sqrt(2 * loss),
        "loss": loss / BILLION,
    }


@cache
def times(features: tuple[int, ...] = (100, 200, 400, 800)) -> tuple[list[float], list[float]]:
    """Return the seconds of both parts of the solution on random data: XᵀX, O(nd²), and solving, O(d³).

    For each number of features d it is the best of three.
    """
    generator = np.random.default_rng(0)
    forming, solving = [], []
    with one_thread():  # threads that wait for one another would hide the arithmetic
        for d in features:
            X = generator.standard_normal((TIMED_ROWS, d))
            gram = X.T @ X
            forming.append(_best_of_three(partial(np.matmul, X.T, X)))
            solving.append(_best_of_three(partial(np.linalg.solve, gram, X[0])))
    return forming, solving


def _best_of_three(work: Callable[[], object]) -> float:
    timer = Timer()
    for _ in range(3):
        timer.start()
        work()
        timer.stop()
    return min(timer.times)


def cost(features: float) -> dict[str, Any]:
    """Return the seconds measured, and what they come to for d features if they grow as d² and d³ from the last on."""
    timed, (forming, solving) = [100, 200, 400, 800], times()
    ends = np.array([timed[-1], 1e6])
    grown = np.array([features, *ends]) / timed[-1]
    gram, solve = forming[-1] * grown**2, solving[-1] * grown**3
    return {
        "timed": timed,
        "forming": forming,
        "solving": solving,
        "ends": ends,
        "lines": [gram[1:], solve[1:]],
        "forming_here": gram[0],
        "solving_here": solve[0],
        "forming_grown": forming[-1] / forming[-2],
        "solving_grown": solving[-1] / solving[-2],
        "gigabytes": 8 * features**2 / BILLION,
        "doubled": 2**3,
        "machine": machine(),
    }
