"""The lesson on linear regression: its experiments, without a browser."""

import numpy as np
import pytest

from onelayer import LinearRegression
from onelayer.errors import LinearDependenceWarning
from onelayer.lab.lessons.linear_regression import experiment, model


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    return model.load()


def test_normal_equations_agree_with_numpys_least_squares(data):
    X, y = data
    weight, bias = model.normal_equations(X, y)
    expected = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), y, rcond=None)[0]
    np.testing.assert_allclose([*weight, bias], expected, rtol=1e-9)


def test_gradient_is_that_of_the_mean_loss(data):
    X, y = data
    at, h = np.array([40.0, -100.0, 1000.0]), 1e-2
    loss = lambda p: model.mean_loss(X, y, p[:2], p[2])  # noqa: E731
    expected = [(loss(at + h * e) - loss(at - h * e)) / (2 * h) for e in np.eye(3)]
    np.testing.assert_allclose(model.gradient(X, y, at[:2], at[2]), expected, rtol=1e-5)


def test_loss_rises_from_its_minimum_by_the_quadratic_form(data):
    X, y = data
    weight, bias = model.normal_equations(X, y)
    step = np.array([10.0, -200.0, 5000.0])
    rise = model.mean_loss(X, y, weight + step[:2], bias + step[2]) - model.mean_loss(X, y, weight, bias)
    assert model.quadratic_rise(X, step) == pytest.approx(rise, rel=1e-9)


def test_rings_are_places_of_one_typical_error(data):
    X, y = data
    found = experiment.sales()
    for level, typical in enumerate(experiment.TYPICAL):
        for place in (0, 20, 50):
            weight = np.array([found["ring_w1"][level, place], found["ring_w2"][level, place]])
            bias = model.best_bias(X, y, weight)
            assert np.sqrt(2 * model.mean_loss(X, y, weight, bias)) == pytest.approx(typical, rel=1e-9)
            assert model.gradient(X, y, weight, bias)[-1] == pytest.approx(0, abs=1e-6)


def test_matrix_form_equals_row_by_row(data):
    X, _ = data
    weight = np.array([40.0, -100.0])
    np.testing.assert_allclose(
        model.predict(X, weight, 3.0), model.predict_row_by_row(X, weight, 3.0), rtol=1e-13
    )


def test_the_house_pointed_at_is_the_nearest(data):
    X, y = data
    for i in (0, 1, 700, 2928, 2929):
        found = experiment.example(X[i, 0], y[i])
        assert (found["area_here"], found["price_here"]) == (X[i, 0], y[i]), "or its twin"


def test_a_line_has_the_prices_of_its_handles_and_squares_its_residuals():
    found = experiment.line(100_000, 300_000)
    assert found["weight"] * 500 + found["bias"] == 100_000
    assert found["weight"] * 3000 + found["bias"] == 300_000
    errors = np.sort(found["feet"] - found["heads"])
    np.testing.assert_array_equal(found["errors"], errors)
    np.testing.assert_allclose(found["losses"], errors**2 / 2e9)


@pytest.mark.parametrize(("area", "price"), [(400, 500_000), (1500, 0), (4000, 0)])
def test_one_more_house_moves_the_line_by_its_leverage(area, price):
    found = experiment.pull(area, price)
    np.testing.assert_allclose(found["updated"], found["solved"], rtol=1e-9)
    above = experiment.pull(area, price + 1000.0)["foot"] - found["foot"]
    assert above == pytest.approx(1000 * found["leverage"], rel=1e-6)


@pytest.mark.parametrize("start", [(40.0, 0.0), (96.0, -1080.0)])
def test_the_way_through_the_minimum_is_a_parabola(start):
    found = experiment.bowl(*start)
    rises = found["rises"]
    np.testing.assert_allclose(rises, rises[0] * (found["shares"] - 1) ** 2, atol=1e-14)
    assert found["rise_here"] == pytest.approx(found["expected"], abs=found["allowed"])
    assert found["top"] / 2.2 <= rises.max() <= found["top"] / 1.05, "the axis suits the curve"


def test_residual_sticks_are_upright_and_as_long_as_the_residuals(data):
    X, y = data
    rows = experiment.sales()["shown"]
    found = experiment.plane(95.0, -1000.0, 30.0)
    residual = model.predict(X[rows], np.array([95.0, -1000.0]), found["bias"]) - y[rows]
    height = (found["foot_y"] - found["head_y"]) * 1.45 * experiment.PRICES[1]
    np.testing.assert_allclose(height, residual, rtol=1e-6, atol=1e-6)


def test_turning_the_plane_moves_points_across_and_keeps_their_heights():
    straight, turned = (experiment.plane(95.0, 0.0, turn) for turn in (0.0, 40.0))
    assert not np.allclose(straight["head_x"], turned["head_x"])
    for found in (straight, turned):
        assert found["tip_x"][2] == pytest.approx(found["corner_x"][2]), "the price's axis is upright"


def test_code_has_made_what_its_lines_so_far_make():
    before, after = experiment.solving(40.0, 0.0, 2), experiment.solving(40.0, 0.0, 3)
    assert before["solution"] == [None] * 3 and before["system"].shape == (3, 4)
    gram, moments = after["system"][:, :3], after["system"][:, 3]
    np.testing.assert_allclose(gram @ after["solution"], moments, rtol=1e-9)


def test_area_in_two_units_leaves_predictions_and_moves_weights(data):
    X, y = data
    found = experiment.twice()
    weight, _ = model.normal_equations(X, y)
    with pytest.warns(LinearDependenceWarning) as said:
        LinearRegression().fit(np.column_stack([X, X[:, 0] * experiment.SQUARE_METRES]), y)
    assert found["condition"] > 1e15
    assert str(said[0].message).endswith("not determined by the data: x1, x3")
    assert found["change"] < 1e-6
    first, _, third = found["smallest"]
    assert first + third * experiment.SQUARE_METRES == pytest.approx(weight[0], rel=1e-9)
    # Of all pairs with that sum, the one of least norm is in proportion to the two units.
    assert third / first == pytest.approx(experiment.SQUARE_METRES, rel=1e-6)


def test_the_valleys_lines_are_places_of_one_typical_error():
    found = experiment.twice()
    for line, typical in zip((4, 5, 6), experiment.TYPICAL[1:4], strict=True):
        for other in (line, 6 - line):
            feet, metres = (found[name][other][1] for name in ("valley_feet", "valley_metres"))
            here = experiment.valley(feet, feet + metres * experiment.SQUARE_METRES)
            assert here["typical"] == pytest.approx(typical, rel=1e-9)
            assert here["w_metres"] == pytest.approx(metres, rel=1e-9)
    floor = experiment.valley(100.0, experiment.sales()["minimum"][0])
    assert floor["loss"] == pytest.approx(experiment.sales()["least"], rel=1e-12)


def test_weight_moved_from_one_column_to_the_other_changes_nothing():
    here, there = experiment.valley(200.0, 130.0), experiment.valley(-50.0, 130.0)
    assert here["loss"] == there["loss"] and here["w_metres"] != there["w_metres"]


def test_times_go_on_from_the_last_one_as_powers(monkeypatch):
    monkeypatch.setattr(experiment, "times", lambda: ([1.0, 4.0, 16.0, 64.0], [1.0, 8.0, 64.0, 512.0]))
    found = experiment.cost(1600)
    assert (found["forming_here"], found["solving_here"]) == (4 * 64, 8 * 512)
    assert (found["forming_grown"], found["solving_grown"]) == (4, 8)
    assert found["gigabytes"] == pytest.approx(0.02048)


def test_both_parts_of_the_solution_are_timed():
    forming, solving = experiment.times((10, 20))
    assert len(forming) == len(solving) == 2 and min(*forming, *solving) > 0
