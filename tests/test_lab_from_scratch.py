"""The experiments of the lesson on linear regression from scratch."""

import numpy as np
import pytest
import torch
from scipy.stats import linregress

from onelayer import DivergenceError, OneLayerError, Rows, fit, linear_regression
from onelayer.functional import squared_loss
from onelayer.lab.lessons.from_scratch import experiment, training
from onelayer.lab.lessons.from_scratch.training import BATCH_SIZE, EPOCHS, LR, TRUE


@pytest.fixture(scope="module")
def rows():
    return training.data()


def with_ones(rows):
    return np.column_stack([rows.X.numpy(), np.ones(len(rows))]), rows.y[:, 0].numpy()


@pytest.mark.parametrize("seed", range(21))
def test_the_sections_settings_recover_the_true_parameters(seed):
    rows = training.data(seed=seed)
    start = training.initial_parameters(2, seed=seed)
    path = training.train(rows, start, LR, BATCH_SIZE, EPOCHS, seed)
    assert path.shape == (1 + EPOCHS * 100, 3)
    np.testing.assert_allclose(path[-1], TRUE, atol=2e-3)


def test_without_noise_nothing_trembles_however_large_the_learning_rate_and_small_the_batch():
    path = training.train(training.data(sigma=0), training.initial_parameters(2), 1.0, 5, EPOCHS)
    np.testing.assert_allclose(path[-100:], np.tile(TRUE, (100, 1)), atol=1e-12)


def test_one_step_is_the_formulas(rows):
    A, y = with_ones(rows)
    path = training.train(rows, training.initial_parameters(2, std=0), lr=0.5, batch_size=1000, epochs=1)
    np.testing.assert_allclose(path, [np.zeros(3), 0.5 * A.T @ y / len(y)], atol=1e-12)


def test_the_loop_is_the_librarys(rows):
    model = linear_regression(2).double()
    path = training.train(rows, [p.detach().clone().requires_grad_() for p in model.parameters()], 0.1, 64, 2)
    fit(model, Rows(rows.X, rows.y), way="scratch", epochs=2, batch_size=64, lr=0.1)
    np.testing.assert_array_equal(path[-1], training.flat(list(model.parameters())))


@pytest.mark.parametrize("way", ["fused", "concise"])
def test_each_way_gives_the_same_numbers(rows, way):
    ours, theirs = training.fitted(rows, "scratch"), training.fitted(rows, way)
    np.testing.assert_allclose(ours[0], theirs[0], rtol=0, atol=1e-12)
    assert ours[1] == pytest.approx(theirs[1], abs=1e-12)


def test_losses_on_a_path_are_those_of_its_points(rows):
    A, y = with_ones(rows)
    path = np.array([[0.0, 0.0, 0.0], [1.0, -2.0, 3.0], TRUE])
    losses = training.losses_on(rows, path)
    np.testing.assert_allclose(losses, [0.5 * np.mean((A @ at - y) ** 2) for at in path], rtol=1e-12)
    # The noise has a variance of σ², so half of that is left at the true parameters, up to its sampling error.
    assert losses[2] == pytest.approx(0.01**2 / 2, rel=0.2)


def test_exact_is_least_squares(rows):
    A, y = with_ones(rows)
    np.testing.assert_allclose(training.exact(rows), np.linalg.lstsq(A, y, rcond=None)[0], rtol=1e-12)


@pytest.mark.parametrize(
    ("batch_size", "sizes"), [(300, [300, 300, 300, 100]), (2000, [1000]), (500, [500, 500])]
)
def test_an_epoch_visits_each_row_once(rows, batch_size, sizes):
    found, different = training.visits(rows, batch_size)
    assert found.tolist() == sizes and different == 1000


def test_autograd_and_the_formula_agree_with_finite_differences(rows):
    X, y = (t.numpy() for t in next(training.data_iter(rows, BATCH_SIZE, seed=0, epoch=1)))
    start = training.initial_parameters(2)
    at, step = training.flat(start), 1e-5

    def loss(p):
        return np.mean((X @ p[:2] + p[2] - y[:, 0]) ** 2) / 2

    expected = [(loss(at + step * e) - loss(at - step * e)) / (2 * step) for e in np.eye(3)]
    for gradient in training.both_gradients(rows, BATCH_SIZE, start, seed=0):
        np.testing.assert_allclose(gradient, expected, atol=1e-8)


def test_learning_rates_are_slow_then_fast_then_too_large(rows):
    trials = {trial.lr: trial for trial in training.try_rates(rows)}
    noise = 0.01**2 / 2
    assert trials[0.001].losses[-1] > 1000 * noise
    for slower, faster in ((0.001, 0.01), (0.01, 0.03), (0.03, 0.1), (0.1, 1.0)):
        arrival = [int(np.argmax(trials[lr].losses < 1.0)) or 301 for lr in (slower, faster)]
        assert arrival[1] < arrival[0]
    for lr in (0.03, 0.1, 1.0):
        assert trials[lr].losses[-1] < 2 * noise
    rises = np.diff(trials[1.4].losses[:6]) > 0
    assert rises.any() and not rises.all() and trials[1.4].lost_at is None
    assert trials[1.4].losses[100:].max() > 2 * trials[1.0].losses[100:].max()
    lost = trials[3.0].lost_at
    assert lost is not None and np.isnan(trials[3.0].losses[-1])
    assert np.isfinite(trials[3.0].losses[: lost - 1]).all()
    assert (np.diff(trials[3.0].losses[: lost - 1]) > 0).mean() > 0.8


def test_the_message_is_that_of_training(rows):
    with pytest.raises(DivergenceError) as caught:
        fit(
            linear_regression(2), Rows(rows.X, rows.y), way="scratch", epochs=1, batch_size=BATCH_SIZE, lr=3.0
        )
    stopped = training.divergence(rows, 3.0)
    assert stopped is not None and str(stopped) == str(caught.value)
    assert f"try --lr {stopped.largest_stable_lr / 2:.1g}" in str(stopped)  # half of it, as the prose says
    assert training.divergence(rows, 0.1) is None


def test_zero_weights_train_one_layer_and_never_move_in_two(rows):
    starts = {(start.hidden, start.zero): start for start in training.compare_starts(rows)}
    assert starts[False, True].loss == pytest.approx(starts[False, False].loss, rel=1e-3)
    assert starts[False, True].moved == 2
    stuck = starts[True, True]
    assert (stuck.moved, stuck.weights) == (0, 2 * 16 + 16)
    # Only the last bias learns; no constant has a smaller loss than half of the labels' variance.
    variance = float(rows.y.var(correction=0))
    assert variance / 2 <= stuck.loss < 1.01 * variance / 2
    assert starts[True, False].moved == stuck.weights and starts[True, False].loss < stuck.loss / 10


def test_broadcast_labels_teach_only_their_mean(rows):
    X, y = next(training.data_iter(rows, 100, seed=0, epoch=1))
    prediction = X @ torch.ones(2, 1, dtype=X.dtype)
    assert (prediction - y.flatten()).shape == (100, 100)  # which the library's loss does not let pass
    with pytest.raises(OneLayerError, match="must have one shape"):
        squared_loss(prediction, y.flatten())
    for start in ([0.0, 0.0], [6.0, 1.0], [-1.0, -6.0]):
        found = training.broadcast_mistake(rows, training.start_at(*start))[-1]
        np.testing.assert_allclose(found, [*TRUE[:2] / 100, rows.y.mean()], atol=0.1)


def test_broadcast_labels_shrink_the_weights_by_the_batch_size(rows):
    # Averaged over random minibatches, a row's covariance with their mean label is its own label's share of it.
    (X, y), size, draws = (rows.X.numpy(), rows.y[:, 0].numpy()), 10, np.random.default_rng(0)
    A, b = np.zeros((3, 3)), np.zeros(3)
    for _ in range(20_000):
        some = draws.choice(len(y), size, replace=False)
        ones = np.column_stack([X[some], np.ones(size)])
        A, b = A + ones.T @ ones, b + ones.T @ np.full(size, y[some].mean())
    np.testing.assert_allclose(np.linalg.solve(A, b)[:2], TRUE[:2] / size, atol=0.03)


def test_resistance_is_that_of_the_straight_line_through_the_measurements():
    rows = training.measure_resistor()
    line = linregress(rows.X[:, 0].numpy(), rows.y[:, 0].numpy())
    np.testing.assert_allclose(training.resistance_path(rows)[-1], [line.slope, line.intercept], atol=0.02)
    assert line.slope == pytest.approx(training.RESISTANCE, abs=0.03)


def test_plancks_law_peaks_where_wien_says_and_its_integral_is_stefan_boltzmanns():
    wavelength = torch.linspace(0.05, 200, 400_000, dtype=torch.float64)
    density = training.spectral_energy_density(wavelength, torch.tensor(5.772, dtype=torch.float64))
    assert wavelength[density.argmax()].item() == pytest.approx(2897.772 / 5772, rel=2e-3)
    # u = 4σT⁴/c, with CODATA's σ in W/m²K⁴; wavelengths are in µm, densities in kJ/m⁴.
    total = torch.trapezoid(density * 1e3, wavelength * 1e-6).item()
    assert total == pytest.approx(4 * 5.670374419e-8 * 5772**4 / 299_792_458, rel=1e-4)


def test_the_temperature_of_a_spectrum_is_found():
    found = training.learn_temperature()
    assert found.temperatures[0] == training.FIRST_GUESS
    assert found.temperatures[-1] == pytest.approx(training.TEMPERATURE, abs=0.02)
    residual = found.measured - found.curve(found.temperatures[-1])
    assert residual.std() == pytest.approx(0.02 * found.measured.max(), rel=0.3)


def test_a_very_cold_first_guess_does_not_move():
    wavelength = torch.linspace(0.2, 2.5, 100, dtype=torch.float64)
    cold = torch.tensor(0.1, dtype=torch.float64, requires_grad=True)
    density = training.spectral_energy_density(wavelength, cold)
    density.sum().backward()
    assert density.max() < 1e-9 and cold.grad.abs() < 1e-9


def test_second_derivatives_are_those_of_the_formula(rows):
    A, _ = with_ones(rows)
    vector = np.array([1.0, -1.0, 2.0])
    matrix, product = training.second_derivatives(rows, vector)
    np.testing.assert_allclose(matrix, A.T @ A / len(A), atol=1e-12)
    np.testing.assert_allclose(product, matrix @ vector, atol=1e-12)


def test_sizes_of_derivatives():
    sizes = training.hessian_sizes()
    assert sizes["parameters"] == [3, 785, 7850, 784 * 256 + 256 + 256 * 10 + 10]
    assert sizes["hessian"][2] == 4 * 7850 * 7850


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (36, "36 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (999_999, "1 MB"),
        (2_464_900, "2.46 MB"),
        (165_697_843_600, "166 GB"),
    ],
)
def test_sizes_are_shown_in_a_unit_that_suits_them(count, text):
    assert training.size_shown(count) == text


def test_turned_the_right_way_the_cloud_is_a_line_whose_slope_tells_the_weights():
    cloud, line = experiment.turn(0, 0.01), experiment.turn(-59.5, 0.01)
    assert line["spread"] < 0.05 < cloud["spread"]
    found = line["slope"] * np.array([line["cosine"], line["sine"]])
    np.testing.assert_allclose(found, TRUE[:2], atol=0.01)


def test_one_example_differentiated_by_hand():
    found = experiment.backward(-1.0)
    (x1, x2), y = found["x"], found["y"]
    w1, w2, b, prediction, loss = found["forward"]
    assert prediction == pytest.approx(w1 * x1 + w2 * x2 + b) and loss == pytest.approx(
        (prediction - y) ** 2 / 2
    )
    residual = prediction - y
    np.testing.assert_allclose(
        found["back"], [residual * x1, residual * x2, residual, residual, 1], rtol=1e-12
    )
    assert found["quotient"] == pytest.approx(found["slope"], abs=1e-6)


def test_a_step_of_the_loop_is_what_its_lines_make(rows):
    found = experiment.loop(0.03, 10, 0.01, 0.5, -0.5, 120)
    assert (found["epoch"], found["rows"], found["read"], found["taken"]) == (2, 10, 1200, 300)
    A, y = with_ones(rows)
    residual = A[found["lit"]] @ found["before"] - y[found["lit"]]
    assert found["batch_loss"] == pytest.approx((residual**2).sum() / 2)
    np.testing.assert_allclose(found["slope"], A[found["lit"]].T @ residual, rtol=1e-10)
    np.testing.assert_allclose(found["here"], found["before"] - 0.03 * found["slope"] / 10, rtol=1e-12)
    assert experiment.loop(3, 10, 0.01, 0, 0, 300)["taken"] < 300  # diverged


def test_missions_can_be_fulfilled():
    few = experiment.loop(0.3, 10, 0.01, 0.0154, -0.0029, 48)
    assert few["loss"] < 1e-4 and few["read"] < 500
    assert experiment.loop(0.3, 10, 0.0, 0, 0, 300)["error"] < 1e-10
    assert abs(experiment.backward(2.0)["slope"]) < 0.05
    by_hand = experiment.ohm(9.4, 0)
    assert by_hand["guess_loss"] < by_hand["enough"]
    assert experiment.planck(0.6, 0)["moved"] < 0.001


def test_what_is_asked_has_the_answer_that_the_prose_gives():
    recovered = experiment.recovered()
    assert recovered["typical"] == "a-thousandth"
    assert len(recovered["errors"]) == len(recovered["places"]) == 63
    assert max(recovered["errors"]) == recovered["worst"]
    assert experiment.zero()["which"] == "only-one"
    assert experiment.epoch(64, 0)["rest"] == 40
    rates = experiment.rates()
    assert rates["lost_at"] < 300 and 1.8 < rates["stable"] < 2


def test_each_way_ends_with_the_same_numbers_on_the_page():
    found = experiment.ways()
    for way in ("fused", "concise"):
        np.testing.assert_allclose(found["scratch"], found[way], rtol=0, atol=1e-12)
    np.testing.assert_allclose(found["autograd"], found["formula"], rtol=0, atol=1e-12)
    curved = experiment.second()
    np.testing.assert_allclose(curved["matrix"], curved["matrix_formula"], atol=1e-12)
    np.testing.assert_allclose(curved["product"], curved["product_formula"], atol=1e-12)
