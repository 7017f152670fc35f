"""The experiments of the lesson on linear regression with PyTorch's own parts."""

import numpy as np
import pytest
import torch
from scipy.optimize import minimize
from torch import nn

from onelayer.lab.lessons.concise import experiment, training
from onelayer.lab.lessons.from_scratch import training as scratch


@pytest.fixture(scope="module")
def rows():
    return scratch.data()


@pytest.mark.parametrize("batch_size", experiment.BATCH_SIZES)
def test_the_loader_hands_out_the_batches_of_the_loop_from_scratch(rows, batch_size):
    np.testing.assert_array_equal(*training.epoch_both_ways(rows, batch_size))
    X, y = next(iter(training.load_array(rows, batch_size, seed=0, epoch=1)))
    assert X.shape == (batch_size, 2) and y.shape == (batch_size, 1)


@pytest.mark.parametrize("seed", [0, 3])
def test_the_network_starts_as_the_one_from_scratch(seed):
    net = training.build_net(2, seed)
    assert isinstance(net, nn.Sequential) and net[0].weight.shape == (1, 2)
    np.testing.assert_array_equal(
        training.parameters_of(net), scratch.flat(scratch.initial_parameters(2, seed=seed))
    )


@pytest.mark.parametrize("lr", [0.01, 0.03, 0.5])
@pytest.mark.parametrize("batch_size", experiment.BATCH_SIZES)
def test_half_the_rate_makes_up_for_the_missing_half(rows, lr, batch_size):
    ours = scratch.train(rows, scratch.initial_parameters(2), lr, batch_size, scratch.EPOCHS)
    theirs = training.train(rows, nn.MSELoss(), lr / 2, batch_size)
    np.testing.assert_allclose(theirs, ours, rtol=0, atol=1e-12)
    assert training.largest_gap(ours, theirs) == np.abs(ours - theirs).max()


@pytest.mark.parametrize("batch_size", experiment.BATCH_SIZES)
def test_mean_and_sum_coincide_when_the_rate_is_multiplied_by_the_batch_size(rows, batch_size):
    lr, mean = 0.03 / batch_size, nn.MSELoss(reduction="mean")
    summed = training.train(rows, nn.MSELoss(reduction="sum"), lr, batch_size)
    scaled = training.train(rows, mean, lr * batch_size, batch_size)
    np.testing.assert_allclose(summed, scaled, rtol=0, atol=1e-12)
    step, shorter = (
        np.diff(path[:2], axis=0) for path in (summed, training.train(rows, mean, lr, batch_size))
    )
    np.testing.assert_allclose(step, batch_size * shorter, rtol=1e-12)


def test_gradients_are_those_on_paper(rows):
    X, y = (t.numpy() for t in next(iter(training.load_array(rows, 10, seed=0, epoch=1))))
    at, A = training.parameters_of(training.build_net(2)), np.column_stack([X, np.ones(10)])
    expected = A.T @ (A @ at - y[:, 0]) / 10
    for name, times in (("formula", 1), ("half", 1), ("mse", 2), ("twice", 4)):
        np.testing.assert_allclose(
            training.batch_gradients(rows, 10)[name], times * expected, atol=1e-12, err_msg=name
        )


def test_a_gradient_is_there_between_backward_and_zero_grad(rows):
    states, once = training.gradient_states(rows, 10), training.batch_gradients(rows, 10)["mse"][:2]
    assert states["at-first"] is None and states["after-zero"] is None
    np.testing.assert_array_equal(states["after-one"], once)
    np.testing.assert_array_equal(states["after-two"], 2 * once)


@pytest.mark.parametrize("delta", [0.1, 1.0, 2.5])
def test_hubers_loss_is_pytorchs_and_smooth_l1_times_delta(delta):
    found = training.huber_both_ways(delta)
    np.testing.assert_allclose(found.ours, found.theirs, rtol=1e-14)
    np.testing.assert_allclose(found.our_slope, found.their_slope, rtol=1e-14)
    residual = torch.from_numpy(found.residual)
    smooth = nn.SmoothL1Loss(reduction="none", beta=delta)(residual, torch.zeros_like(residual))
    np.testing.assert_allclose(found.ours, delta * smooth, rtol=1e-14)


def test_shapes_of_the_losses():
    found = experiment.pull(2.0, 3.0)
    r = found["grid"]
    np.testing.assert_allclose(found["squared"], r**2 / 2)
    np.testing.assert_allclose(found["absolute"], np.abs(r))
    assert np.isnan(found["absolute_slope"][r == 0]).all() and set(found["absolute_slope"][r != 0]) == {-1, 1}
    np.testing.assert_allclose(found["huber"], np.where(np.abs(r) <= 2, r**2 / 2, 2 * np.abs(r) - 2))
    np.testing.assert_allclose(found["huber_slope"], np.clip(r, -2, 2))
    assert (found["value"], found["slope"], found["square"]) == (4.0, 2.0, 4.5)


@pytest.mark.parametrize("delta", [0.1, 1.0, 5.0])
def test_hubers_line_has_the_smallest_loss(delta):
    given = experiment.line()
    x, y = np.append(given["x"], 3.5), np.append(given["y"], -18.0)
    found = experiment.huber_line(x, y, delta)

    def loss(at):
        r = np.abs(at[0] * x + at[1] - y)
        return np.where(r <= delta, r**2 / 2, delta * (r - delta / 2)).sum()

    assert (
        loss(found) <= minimize(loss, found + 0.3, method="Nelder-Mead", options={"xatol": 1e-9}).fun + 1e-9
    )


def test_the_dragged_point_swings_the_line_of_least_squares():
    near, far = experiment.drag(2.5, 9.2, 1.0), experiment.drag(3.5, -18.0, 1.0)
    assert max(near["squares_moved"], near["huber_moved"]) < 0.1
    assert far["squares_moved"] > 5 and far["huber_moved"] < 0.3
    assert far["cut"] == 1.0
    np.testing.assert_allclose(far["squares_fit"], np.polyfit(*with_point(3.5, -18.0), 1), rtol=1e-10)


def with_point(x, y):
    given = experiment.line()
    return np.append(given["x"], x), np.append(given["y"], y)


def test_missions_can_be_fulfilled():
    assert experiment.both(0.03, 0.5, 10, 5.0, -1.0, 40)["gap"] < 1e-12
    assert experiment.means(200, 200, 0)["gap"] < 1e-12
    pulled = experiment.pull(0.3, 5.0)
    assert pulled["square"] > 12 and 0 < pulled["slope"] < 0.5


def test_what_is_asked_has_the_answer_that_the_prose_gives():
    assert experiment.both(0.03, 1.0, 10, 0.0, 0.0, 0)["wanted"] == 0.5
    means = experiment.means(10, 10, 0)
    assert means["wanted"] == means["rate"] == pytest.approx(0.02)
    assert experiment.gradients()["which"] == "adds"
    wrong = experiment.wrong_labels()
    assert wrong["lift"] == pytest.approx(20 * 0.05, abs=0.1)
    assert wrong["squared_b"][1] - scratch.TRUE[-1] == pytest.approx(wrong["lift"], abs=0.01)  # what is shown


def test_the_lines_of_build_net_are_shown_as_they_work():
    found = experiment.parts()
    _, made, drawn, built, net = found["values"]
    np.testing.assert_array_equal(net, training.parameters_of(training.build_net(2)))
    assert np.abs(made).min() > 0.1 and np.abs(drawn[:2]).max() < 0.05
    assert drawn[2] == made[2] and built[2] == 0


def test_the_gradient_is_shown_after_each_call():
    found = experiment.gradients()
    _, first, once, twice, cleared = found["heights"]
    assert first == cleared == [0, 0] and found["none"][1] == found["none"][4] == ["None"] * 2
    np.testing.assert_array_equal(found["once"][3], once)
    np.testing.assert_array_equal(twice, 2 * once)


def test_loading_is_timed_or_said_to_be_impossible():
    found = experiment.loading(workers=1)
    assert found["times"][0] > 0 and found["times"][1] > found["times"][0]

    def refuse():
        raise OSError("no processes here")

    assert np.isnan(experiment.milliseconds(refuse))


def test_pytorch_itself_walks_the_path_from_scratch():
    found = experiment.checked()
    assert max(found["halves"]) < 1e-12 and set(found["loaded"]) == {1000}
    np.testing.assert_allclose(found["mse"], found["twice"], atol=1e-12)
    offered = experiment.offered()
    np.testing.assert_allclose(offered["theirs"], offered["ours"], atol=1e-12)


def test_outliers_move_the_squared_loss_more(rows):
    wrong = training.with_outliers(rows, 0.05)
    assert ((wrong.y - rows.y) == training.OUTLIER).sum() <= 50  # adding 20 rounds
    assert (wrong.y != rows.y).sum() == 50
    clean, some = training.compare_robustness(rows, 0.0), training.compare_robustness(rows, 0.05)
    # Within δ Huber's loss is ½r², which has the gradient of MSELoss at half the rate.
    np.testing.assert_allclose(clean.squared, clean.huber, atol=1e-3)
    np.testing.assert_allclose(clean.squared, scratch.TRUE, atol=5e-3)
    squared, huber = some.distances
    assert squared == np.linalg.norm(some.squared - scratch.TRUE) and huber < squared / 5


def test_what_the_framework_offers():
    assert {"MSELoss", "L1Loss", "HuberLoss", "SmoothL1Loss", "CrossEntropyLoss"} <= set(
        training.offered_losses()
    )
    assert {"normal_", "zeros_", "xavier_uniform_", "kaiming_normal_"} <= set(training.offered_initialisers())
    assert all(callable(getattr(nn.init, name)) for name in training.offered_initialisers())
