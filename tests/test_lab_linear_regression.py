"""The lesson on linear regression: its experiments, without a browser."""

import numpy as np
import pyarrow as pa
import pytest

from onelayer import LinearRegression
from onelayer.errors import LinearDependenceWarning
from onelayer.lab.lessons.linear_regression import experiment


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    return experiment.load()


def test_normal_equations_agree_with_numpys_least_squares(data):
    X, y = data
    weight, bias = experiment.normal_equations(X, y)
    expected = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), y, rcond=None)[0]
    np.testing.assert_allclose([*weight, bias], expected, rtol=1e-9)


def test_gradient_is_that_of_the_mean_loss(data):
    X, y = data
    at, h = np.array([40.0, -100.0, 1000.0]), 1e-2
    loss = lambda p: experiment.mean_loss(X, y, p[:2], p[2])  # noqa: E731
    expected = [(loss(at + h * e) - loss(at - h * e)) / (2 * h) for e in np.eye(3)]
    np.testing.assert_allclose(experiment.gradient(X, y, at[:2], at[2]), expected, rtol=1e-5)


def test_loss_rises_from_its_minimum_by_the_quadratic_form(data):
    X, y = data
    weight, bias = experiment.normal_equations(X, y)
    step = np.array([10.0, -200.0, 5000.0])
    rise = experiment.mean_loss(X, y, weight + step[:2], bias + step[2]) - experiment.mean_loss(
        X, y, weight, bias
    )
    assert experiment.quadratic_rise(X, step) == pytest.approx(rise, rel=1e-9)


def test_loss_surface_is_the_loss_with_the_best_bias(data):
    X, y = data
    grid = experiment.loss_surface(X, y, points=5).to_pylist()
    assert len(grid) == 25
    for cell in grid[::7]:
        weight = np.array(
            [(cell["area_low"] + cell["area_high"]) / 2, (cell["age_low"] + cell["age_high"]) / 2]
        )
        bias = experiment.best_bias(X, y, weight)
        assert cell["loss"] == pytest.approx(experiment.mean_loss(X, y, weight, bias), rel=1e-9)
        assert experiment.gradient(X, y, weight, bias)[-1] == pytest.approx(0, abs=1e-6)


def test_matrix_form_equals_row_by_row(data):
    X, _ = data
    weight = np.array([40.0, -100.0])
    np.testing.assert_allclose(
        experiment.predict(X, weight, 3.0), experiment.predict_row_by_row(X, weight, 3.0), rtol=1e-13
    )


@pytest.mark.parametrize("start", [(40.0, 0.0), (96.0, -1080.0)])
def test_the_way_through_the_minimum_is_a_parabola(data, start):
    X, y = data
    minimum, _ = experiment.normal_equations(X, y)
    rise = experiment.loss_on_the_way(X, y, np.array(start), minimum)["rise"].to_numpy()
    share = np.linspace(0, 2, len(rise))
    np.testing.assert_allclose(rise, rise[0] * (share - 1) ** 2, atol=1e-5)  # of losses of 10⁹, to rounding


def test_residual_sticks_are_vertical_and_as_long_as_the_residuals(data):
    X, y = data
    scene = experiment.scene(X, y, np.array([95.0, -1000.0]), 76_000.0, turn=30)
    for stick in scene.residuals.to_pylist():
        assert stick["x"] == stick["x2"] and (stick["y2"] > stick["y"]) == (stick["side"] == "above")
    level = experiment.scene(X, y, np.zeros(2), 0.0, turn=30).residuals.to_pylist()
    lengths = {round((stick["y2"] - stick["y"]) * experiment.PRICES[1]) for stick in level}
    assert lengths <= {round(price) for price in y}


def test_area_in_two_units_leaves_predictions_and_moves_weights(data):
    X, y = data
    found = experiment.with_square_metres(X, y)
    weight, _ = experiment.normal_equations(X, y)
    with pytest.warns(LinearDependenceWarning) as said:
        LinearRegression().fit(np.column_stack([X, X[:, 0] * experiment.SQUARE_METRES]), y)
    assert found.condition > 1e15 and found.warning == str(said[0].message)
    assert found.largest_change < 1e-6
    assert found.weight[0] + found.weight[2] * experiment.SQUARE_METRES == pytest.approx(weight[0], rel=1e-9)
    # Of all pairs with that sum, the one of least norm is in proportion to the two units.
    assert found.weight[2] / found.weight[0] == pytest.approx(experiment.SQUARE_METRES, rel=1e-6)


def test_growth_is_the_last_time_over_the_one_before():
    times = [{"part": part, "seconds": d**power} for d in (1, 2, 4) for part, power in (("a", 2), ("b", 3))]
    assert experiment.last_growth(pa.Table.from_pylist(times)) == {"a": 4, "b": 8}
