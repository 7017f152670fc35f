"""The lesson on minibatch SGD: its walks are the library's, and its bound is the eigenvalues'."""

import numpy as np
import pytest
import torch
from torch import nn

from onelayer import LinearRegression
from onelayer.data import Rows
from onelayer.functional import squared_loss
from onelayer.lab.lessons.linear_regression.model import hessian, load
from onelayer.lab.lessons.sgd import descent, experiment
from onelayer.solvers.batches import Batches, epoch_order
from onelayer.solvers.fused import train_epoch


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    return descent.standardised()


START = np.array([-1.0, 0.6, 0.0])


def test_data_are_standardised(data):
    X, y = data
    for column in (*X.T, y):
        assert column.mean() == pytest.approx(0, abs=1e-12) and column.std() == pytest.approx(1)


def test_minimum_in_dollars_is_the_exact_solution_of_the_raw_table(data):
    exact = LinearRegression().fit(*load())
    found = descent.in_dollars(descent.minimum(*data))
    np.testing.assert_allclose(found, [*exact.coef_, exact.intercept_], rtol=1e-9)


@pytest.mark.parametrize("batch_size", [1, 64, 2930])
def test_an_epoch_of_the_walk_is_an_epoch_of_the_librarys_sgd(data, batch_size):
    X, y = data
    model = nn.Linear(2, 1).double()
    with torch.no_grad():
        model.weight.copy_(torch.from_numpy(START[None, :2]))
        model.bias.zero_()
    rows = Batches.of(Rows(X, y, "regression"), dtype=torch.float64)
    train_epoch(model, rows, epoch_order(len(X), 3, 1), batch_size, 0.01)
    steps = -(-len(X) // batch_size)
    path = descent.descend(X, y, START, np.full(steps, 0.01), batch_size, seed=3)
    assert path.shape == (steps + 1, 3)
    np.testing.assert_allclose(
        path[-1], [*model.weight.detach()[0], model.bias.item()], rtol=1e-9, atol=1e-12
    )


def test_a_batch_of_all_rows_is_plain_gradient_descent(data):
    X, y = data
    by_batches = descent.descend(X, y, START, np.full(20, 0.3), len(X))
    np.testing.assert_allclose(descent.descend_on_all(X, y, START, 0.3, 20), by_batches, atol=1e-12)


def test_each_epoch_visits_every_row_once():
    batches = descent.batches(10, 4, seed=0)
    for _ in range(3):
        assert sorted(np.concatenate([next(batches) for _ in range(3)])) == list(range(10))


@pytest.mark.parametrize(("batch_size", "steps"), [(4, 0), (4, 2), (4, 3), (4, 8), (10, 5)])
def test_rows_read_are_those_of_the_batches(batch_size, steps):
    batches = descent.batches(10, batch_size, seed=0)
    read = sum(len(next(batches)) for _ in range(steps))
    assert descent.rows_read(10, batch_size, steps) == read


@pytest.mark.parametrize("lr", [0.05, 0.8, 1.6, 1.7])
def test_predicted_rise_is_that_of_the_walk(data, lr):
    X, y = data
    path = descent.descend_on_all(X, y, START, lr, 30)
    predicted = descent.predicted_rise(X, y, START, lr, 30)
    np.testing.assert_allclose(
        descent.rise(X, y, path), predicted, rtol=1e-9, atol=1e-20
    )  # rounding is 1e-16 of a distance
    assert descent.measured_rise(X, y, path[3]) == pytest.approx(predicted[3], rel=1e-9, abs=1e-14)


def test_bound_of_standardised_features_follows_from_their_correlation(data):
    # The Hessian is [[1, r, 0], [r, 1, 0], [0, 0, 1]], with eigenvalues 1 − r, 1 + r and 1.
    X, _ = data
    correlation = np.corrcoef(X.T)[0, 1]
    assert descent.stability_bound(X) == pytest.approx(2 / (1 + abs(correlation)), rel=1e-12)


@pytest.mark.parametrize("name", ["standardised", "raw"])
def test_largest_learning_rate_that_converges_is_the_bound(name):
    X, y = descent.scalings()[name]
    bound = descent.stability_bound(X)
    assert descent.largest_converging_lr(X, y) == pytest.approx(bound, rel=1e-6)
    assert descent.converges(X, y, 0.999 * bound) and not descent.converges(X, y, 1.001 * bound)
    assert descent.converges(X, y, 0.3 * bound), "a walk that has arrived has converged"


def test_a_walk_that_diverges_ends_while_its_numbers_are_finite(data):
    path = descent.descend(*data, START, np.full(1000, 5.0), 8)
    assert len(path) < 1000 and np.isfinite(path).all() and np.abs(path[-1]).max() > descent.FAR


def test_contours_are_places_of_equal_loss(data):
    X, y = data
    rings = descent.contours(X, y, levels=3, points=9)
    assert rings.shape == (3, 9, 2)
    for ring in rings:
        losses = [np.mean((X @ point - y) ** 2) / 2 for point in ring]
        assert losses == pytest.approx([losses[0]] * 9, rel=1e-12)
    assert len({round(np.mean((X @ ring[0] - y) ** 2), 9) for ring in rings}) == 3


def test_falling_learning_rates_lead_to_the_minimum_and_constant_ones_only_near_it(data):
    X, y = data
    best = descent.minimum(X, y)
    falling = descent.descend(X, y, START, descent.decreasing_lrs(0.5, 5, 3000), 64)[-1]
    constant = descent.descend(X, y, START, np.full(3000, 0.5), 64)[-100:]
    assert np.abs(falling - best).max() < 1e-3
    assert np.linalg.norm(constant - best, axis=1).mean() > 0.02
    assert descent.decreasing_lrs(0.5, 5, 6)[[0, 5]] == pytest.approx([0.5, 0.25])


def test_the_cloud_is_smaller_with_smaller_steps_and_larger_batches_and_vanishes_with_falling_rates():
    above = {
        (lr, size): experiment.settle(lr, size, "constant")["mean"] for lr in (0.2, 0.05) for size in (4, 64)
    }
    assert above[0.2, 4] > 2 * above[0.05, 4] and above[0.2, 64] > 2 * above[0.05, 64]
    assert above[0.2, 4] > 4 * above[0.2, 64] and above[0.05, 4] > 4 * above[0.05, 64]
    assert experiment.settle(0.5, 64, "falling")["mean"] < above[0.05, 64] / 10
    fates = [
        experiment.settle(lr, size, "constant")["fate"] for lr, size in ((0.2, 16), (0.2, "all"), (2, 16))
    ]
    assert fates == ["fate-hovers", "fate-arrives", "fate-leaves"]
    assert experiment.settle(0.2, 16, "constant")["asked"] == fates[0]
    on_the_way = experiment.settle(0.2, 16, "falling"), experiment.settle(0.01, "all", "constant")
    for found in on_the_way:
        assert found["fate"] == "fate-nears" and found["rises"][-1] < found["mean"]


def test_standardising_removes_the_condition_number_but_for_correlation():
    standard, raw = descent.compare_scalings(steps=10)
    assert standard.condition < 2 and raw.condition > 1e7
    # Each step leaves (κ − 1)/(κ + 1) of the slowest direction's distance, the square of that of its loss.
    assert standard.share[-1] / standard.share[-2] == pytest.approx(standard.factor**2, rel=1e-3)
    assert standard.factor**standard.steps_for_a_thousandth <= 1e-3
    assert standard.factor ** (standard.steps_for_a_thousandth - 1) > 1e-3


def test_learning_rates_diverge_above_the_bound_and_not_below():
    found = experiment.rates()
    for name in ("standardised", "raw"):
        assert ((found[name] > 1) == (found["lrs"] > found[f"{name}_bound"])).all()


def test_a_walk_that_is_shown_is_the_librarys(data):
    X, y = data
    found = experiment.walk(0.3, 16, -1.0, 0.6, 2, 5)
    path = descent.descend(X, y, START, np.full(6, 0.3), 16, seed=2)
    np.testing.assert_allclose(found["next"], path[-1])
    path = path[:-1]
    np.testing.assert_allclose(found["here"], path[-1])
    np.testing.assert_allclose(found["before"], path[-2])
    assert found["read"] == 80 and found["rows"] == 16 and len(set(found["lit"].tolist())) == 16
    residual = X[found["lit"]] @ path[-2][:2] + path[-2][2] - y[found["lit"]]
    np.testing.assert_allclose(
        found["slope"], [*(X[found["lit"]].T @ residual / 16), residual.mean()], rtol=1e-9
    )
    prediction = torch.from_numpy(X[found["lit"]]) @ (
        weight := torch.tensor(path[-2][:2], requires_grad=True)
    )
    squared_loss(prediction + path[-2][2], torch.from_numpy(y[found["lit"]]), reduction="sum").backward()
    np.testing.assert_allclose(found["summed"][:2], weight.grad, rtol=1e-9)  # as the lit line has made it


def test_a_walk_over_all_rows_is_predicted_for_every_learning_rate():
    found = experiment.by_rate(0.3, -1.0, 0.6)
    assert found["walked"] == pytest.approx(found["expected"], abs=found["rounding"])
    below = found["lrs"] < 1.9 * found["bound"] / 2
    np.testing.assert_allclose(
        found["measured"][below], np.array(found["predicted"])[below], rtol=1e-6, atol=1e-20
    )


def test_the_search_and_the_ends_of_walks_are_what_theory_says():
    found = experiment.search()
    assert (found["low"] < found["bound"]).all() and (found["high"] > found["bound"]).all()
    assert np.abs(np.array(found["found"]) / found["bounds"] - 1).max() < 1e-3


def test_walks_arrive_in_dollars_within_what_is_allowed(data):
    known, ends = experiment.destination(), experiment.arrived(0.5, 64)
    for reached, allowed in (("all_reached", "billionth"), ("sgd_reached", "tenth")):
        assert (np.abs(ends[reached] - known["analytic"]) <= known[allowed]).all()
    np.testing.assert_allclose(
        known["to_dollars"] @ [*descent.minimum(*data), 1], known["analytic"], rtol=1e-9
    )
    assert experiment.arrived(0.3, 4)["off"] < 0.2 < experiment.arrived(0.5, 4)["off"], (
        "the mission can be done"
    )
    # The slowest direction keeps |1 − ηλ| of its distance in a step.
    factor = np.abs(1 - 0.5 * np.linalg.eigvalsh(hessian(data[0]))).max()
    distance = np.sqrt(ends["by_all"] / ends["by_all"][0])
    assert (distance < 1e-6).argmax() == 26 and round(factor, 2) == 0.62 and ends["asked"] == "thirty"


def test_tuning_ranks_by_rows_that_were_held_out():
    found = experiment.tune(split=1, epochs=1)
    losses = np.array([found[f"batch_{size}"] for size in experiment.TRIED_BATCHES])
    assert losses.shape == (len(experiment.TRIED_BATCHES), len(experiment.TRIED_RATES))
    assert found["best_loss"] == np.nanmin(losses) and found["diverged"] == np.isnan(losses).sum()
    assert np.isnan(losses[:, np.array(found["lrs"]) > found["stable"]]).all()
    assert 0 < found["exact"] < 0.5, "better than the mean, whose loss is about one half"
