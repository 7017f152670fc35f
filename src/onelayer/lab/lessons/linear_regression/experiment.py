"""The experiments of lesson 1, without a notebook: house prices as a plane, its loss, and the solution in one step.

Throughout, ``weight`` is (2,): USD per square foot and USD per year of age; ``bias`` is in USD.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from onelayer import LinearRegression, Timer, houses
from onelayer.data.rows import Rows
from onelayer.engines.threads import one_thread
from onelayer.errors import LinearDependenceWarning
from onelayer.solvers.direct import least_squares

Array = NDArray[np.float64]

AREA_WEIGHTS = (0.0, 200.0)  # USD per ft²: what the sliders and the loss surface cover
AGE_WEIGHTS = (-3000.0, 1000.0)  # USD per year
AREAS, AGES, PRICES = (500.0, 3000.0), (0.0, 130.0), (0.0, 500_000.0)  # the box that the picture shows
SHOWN = 120  # rows that the picture has room for
TILT = 0.35  # how much of the picture's height is the ground's depth
SQUARE_METRES = 0.09290304  # in a square foot


def load() -> tuple[Array, Array]:
    """Return the features X (2930, 2), area in square feet and age in years, and the prices y (2930,) in USD."""
    rows = houses().train
    return rows.X, rows.y[:, 0]


def predict(X: Array, weight: Array, bias: float) -> Array:
    """Return the predictions ŷ = Xw + b (n,) for features X (n, d) (section 3.1.1.1)."""
    prediction: Array = X @ weight + bias
    return prediction


def predict_row_by_row(X: Array, weight: Array, bias: float) -> Array:
    """Return the same predictions (n,) with sums written out, one row and one feature at a time."""
    return np.array([sum(w * x for w, x in zip(weight, row, strict=True)) + bias for row in X])


def mean_loss(X: Array, y: Array, weight: Array, bias: float) -> float:
    """Return the mean over the rows of ½(ŷ − y)² (section 3.1.1.2)."""
    return float(np.mean((predict(X, weight, bias) - y) ** 2) / 2)


def best_bias(X: Array, y: Array, weight: Array) -> float:
    """Return the bias that makes the loss least for these weights: the mean of y − Xw."""
    return float(np.mean(y - X @ weight))


def gradient(X: Array, y: Array, weight: Array, bias: float) -> Array:
    """Return the derivatives of the mean loss by the weights and the bias, (d + 1,)."""
    residual = predict(X, weight, bias) - y
    return np.append(X.T @ residual, residual.sum()) / len(y)


def normal_equations(X: Array, y: Array) -> tuple[Array, float]:
    """Return weights (d,) and bias from AᵀA w = Aᵀy, where A is X with a column of ones (section 3.1.1.3).

    Raises:
        numpy.linalg.LinAlgError: if AᵀA is singular, as far as rounding lets one see.
    """
    A = np.column_stack([X, np.ones(len(X))])
    solution = np.linalg.solve(A.T @ A, A.T @ y)
    return solution[:-1], float(solution[-1])


def hessian(X: Array) -> Array:
    """Return the second derivatives AᵀA / n of the mean loss, (d + 1, d + 1): they depend on no weight."""
    A = np.column_stack([X, np.ones(len(X))])
    second: Array = A.T @ A / len(X)
    return second


def quadratic_rise(X: Array, step: Array) -> float:
    """Return ½ ΔᵀHΔ: how much the loss rises from its minimum when weights and bias (d + 1,) move by ``step``."""
    return float(step @ hessian(X) @ step / 2)


def loss_surface(X: Array, y: Array, points: int = 41) -> pa.Table:
    """Return the mean loss over a grid of the two weights, with the best bias for each pair.

    The columns are the edges of the grid's cells, ``area_low``, ``area_high``, ``age_low`` and ``age_high``, and
    ``loss`` in USD².
    """
    centred, target = X - X.mean(axis=0), y - y.mean()
    gram, border, corner = centred.T @ centred / len(y), centred.T @ target / len(y), target @ target / len(y)
    area, age = (np.linspace(*ends, points) for ends in (AREA_WEIGHTS, AGE_WEIGHTS))
    pairs = np.array([(w1, w2) for w1 in area for w2 in age])
    loss = (np.einsum("ij,jk,ik->i", pairs, gram, pairs) - 2 * pairs @ border + corner) / 2
    half = np.array([area[1] - area[0], age[1] - age[0]]) / 2
    low, high = pairs - half, pairs + half
    return pa.table(
        {
            "area_low": low[:, 0],
            "area_high": high[:, 0],
            "age_low": low[:, 1],
            "age_high": high[:, 1],
            "loss": loss,
        }
    )


def loss_on_the_way(X: Array, y: Array, start: Array, end: Array, points: int = 41) -> pa.Table:
    """Return how far the mean loss is above that at the end of a straight line between two pairs of weights (2,).

    Each pair has the best bias for it. The columns are ``share``, 0 at the start and 1 at the end, and ``rise``; the
    line goes on as far again behind its end.
    """
    shares = np.linspace(0, 2, points)
    losses = []
    for share in shares:
        weight = start + share * (end - start)
        losses.append(mean_loss(X, y, weight, best_bias(X, y, weight)))
    at_end = mean_loss(X, y, end, best_bias(X, y, end))
    return pa.table({"share": shares, "rise": np.array(losses) - at_end})


@dataclass(frozen=True)
class Scene:
    """The plane over the ground of area and age, seen from the side: tables of lines in picture coordinates.

    Attributes:
        mesh: the plane, as lines ``x``, ``y`` to ``x2``, ``y2``.
        residuals: from each row's point on the plane to its price, with ``side``: "above" or "below" the plane.
        houses: the prices themselves, as points ``x``, ``y`` with the same ``side``.
        ground: the edges of the box.
        corners: where the names of the axes stand: ``x``, ``y`` and ``axis``.
    """

    mesh: pa.Table
    residuals: pa.Table
    houses: pa.Table
    ground: pa.Table
    corners: pa.Table


def scene(X: Array, y: Array, weight: Array, bias: float, turn: float) -> Scene:
    """Return the plane ŷ = Xw + b, and some houses with their residuals, turned by ``turn`` degrees."""
    inside = (X[:, 0] > AREAS[0]) & (X[:, 0] < AREAS[1]) & (X[:, 1] < AGES[1]) & (y < PRICES[1])
    picked = np.flatnonzero(inside)[:: int(inside.sum() / SHOWN)]
    rows, prices = X[picked], y[picked]
    foot = _project(rows, predict(rows, weight, bias), turn)
    head = _project(rows, prices, turn)
    side = np.where(prices > predict(rows, weight, bias), "above", "below")
    residuals = _lines(foot, head).append_column("side", pa.array(side))
    shown = pa.table({"x": head[:, 0], "y": head[:, 1], "side": side})

    steps = np.linspace(0, 1, 7)
    areas, ages = (low + steps * (high - low) for low, high in (AREAS, AGES))
    starts = np.array([(area, AGES[0]) for area in areas] + [(AREAS[0], age) for age in ages])
    ends = np.array([(area, AGES[1]) for area in areas] + [(AREAS[1], age) for age in ages])
    mesh = _lines(
        _project(starts, predict(starts, weight, bias), turn),
        _project(ends, predict(ends, weight, bias), turn),
    )
    near = (AREAS[0], AGES[0])
    edges = np.array([(AREAS[1], AGES[0], 0.0), (AREAS[0], AGES[1], 0.0), (*near, PRICES[1])])
    origin = _project(np.array([near] * 3), np.zeros(3), turn)
    tips = _project(edges[:, :2], edges[:, 2], turn)
    names = pa.table({"x": tips[:, 0], "y": tips[:, 1], "axis": ["area", "age", "price"]})
    return Scene(mesh, residuals, shown, _lines(origin, tips), names)


def _project(rows: Array, height: Array, turn: float) -> Array:
    """Return where points over the ground appear in the picture, (n, 2)."""
    area, age = ((rows[:, j] - low) / (high - low) - 0.5 for j, (low, high) in enumerate((AREAS, AGES)))
    angle = np.radians(turn)
    across = area * np.cos(angle) - age * np.sin(angle)
    depth = area * np.sin(angle) + age * np.cos(angle)
    return np.column_stack([across, TILT * depth + height / PRICES[1]])


def _lines(start: Array, end: Array) -> pa.Table:
    return pa.table({"x": start[:, 0], "y": start[:, 1], "x2": end[:, 0], "y2": end[:, 1]})


@dataclass(frozen=True)
class Dependent:
    """What comes out when the area is there twice, in square feet and in square metres.

    Attributes:
        condition: the condition number of AᵀA, with a column of ones: digits lost.
        naive: the weights (3,) from the normal equations, or None if they cannot be solved.
        weight: the weights (3,) of ``LinearRegression``: of all that fit equally well, the smallest.
        warning: what ``LinearRegression`` says.
        largest_change: how far its predictions are from those with the area once, in USD.
    """

    condition: float
    naive: Array | None
    weight: Array
    warning: str
    largest_change: float


def with_square_metres(X: Array, y: Array) -> Dependent:
    """Add the area in square metres as a third feature, and solve again."""
    more = np.column_stack([X, X[:, 0] * SQUARE_METRES])
    A = np.column_stack([more, np.ones(len(more))])
    try:
        naive = normal_equations(more, y)[0]
    except np.linalg.LinAlgError:
        naive = None
    # The solver that LinearRegression uses: to catch a warning, Python changes what all threads see.
    fit = least_squares(Rows(more, y[:, None], "regression"))
    assert fit.rank is not None  # as it is for dense features
    weight, said = (
        fit.weight[0],
        str(LinearDependenceWarning(more.shape[1], fit.rank, ["x1", "x3"])),
    )
    change = np.abs(predict(more, weight, fit.bias[0]) - LinearRegression().fit(X, y).predict(X)).max()
    return Dependent(float(np.linalg.cond(A.T @ A)), naive, weight, said, float(change))


def cost_by_features(rows: int = 4000, features: tuple[int, ...] = (100, 200, 400, 800)) -> pa.Table:
    """Time the two parts of the solution on random data: XᵀX, which costs O(nd²), and solving, O(d³).

    The columns are ``features``, ``part`` ("gram" or "solve") and ``seconds``, the best of three.
    """
    generator = np.random.default_rng(0)
    with one_thread():  # threads that wait for one another would hide the arithmetic
        return _timed(generator, rows, features)


def _timed(generator: np.random.Generator, rows: int, features: tuple[int, ...]) -> pa.Table:
    measured: dict[str, list[object]] = {"features": [], "part": [], "seconds": []}
    for d in features:
        X = generator.standard_normal((rows, d))
        gram, timers = X.T @ X, {"gram": Timer(), "solve": Timer()}
        for _ in range(3):
            timers["gram"].start()
            gram = X.T @ X
            timers["gram"].stop()
            timers["solve"].start()
            np.linalg.solve(gram, X[0])
            timers["solve"].stop()
        for part, timer in timers.items():
            for column, value in zip(measured, (d, part, min(timer.times)), strict=True):
                measured[column].append(value)
    return pa.table(measured)


def last_growth(times: pa.Table) -> dict[str, float]:
    """Return, for each part in a table of ``cost_by_features``, the last of its times over the one before."""
    seconds: dict[str, list[float]] = {}
    for row in times.to_pylist():
        seconds.setdefault(row["part"], []).append(row["seconds"])
    return {part: found[-1] / found[-2] for part, found in seconds.items()}
