"""The experiments of the lab's lesson on cross-entropy, against closed forms, autograd, PyTorch and SciPy."""

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from hypothesis import given
from hypothesis import strategies as st

from onelayer.lab.lessons.cross_entropy import experiment

VALUES = st.lists(st.floats(-5, 5), min_size=3, max_size=3)
LOGITS = VALUES.map(lambda values: torch.tensor(values, dtype=torch.float64))
LABELS = st.integers(0, 2)
NAMES = st.sampled_from(experiment.CLASSES)


@given(st.floats(0.01, 0.99), LABELS)
def test_a_prediction_sums_to_one_and_its_loss_is_the_logarithm_of_the_truths(probability, label):
    prediction = experiment.prediction(probability, label)
    assert math.isclose(prediction.sum(), 1) and prediction[label] == probability
    assert math.isclose(experiment.loss_of(prediction.log(), label), -math.log(probability), abs_tol=1e-12)


@given(NAMES, st.floats(0.01, 0.99))
def test_of_the_loss_one_term_is_left(truth, of_truth):
    found = experiment.surprise(truth, of_truth)
    assert found["left"] == 1 and found["loss"] >= 0
    assert found["whole"] == pytest.approx(-math.log(of_truth)) == pytest.approx(found["loss"])
    assert sum(found["said"]) == pytest.approx(1) and found["y"][found["names"].index(truth)] == 1
    assert np.allclose(np.exp(-np.array(found["minus_log"])), found["p"])


@pytest.mark.parametrize("classes", [2, 10, 20])
def test_a_guess_costs_the_logarithm_of_the_number_of_classes(classes):
    found = experiment.guess(classes)
    assert found["loss"] == pytest.approx(math.log(classes)) and found["ten"] == pytest.approx(math.log(10))
    assert np.allclose(found["losses"], np.log(found["counts"]))


@given(st.tuples(*[st.floats(0.01, 1)] * 5))
def test_the_losses_sum_to_minus_the_logarithm_of_the_likelihood(probabilities):
    found = experiment.likelihood(*probabilities)
    assert found["total"] == pytest.approx(found["minus_log"], abs=1e-12)
    assert found["product"] == pytest.approx(np.prod(probabilities))
    assert found["second"] == np.sort(probabilities)[1]


@given(LOGITS, LABELS)
def test_differences_agree_with_autograd_to_a_millionth(logits, label):
    def loss(o):
        return torch.nn.functional.cross_entropy(o, torch.tensor(label))

    gradient = torch.func.grad(loss)(logits)
    hessian = torch.autograd.functional.hessian(loss, logits)
    assert torch.allclose(experiment.gradient_by_differences(logits, label), gradient, rtol=0, atol=1e-6)
    assert torch.allclose(experiment.hessian_by_differences(logits, label), hessian, rtol=0, atol=1e-6)


@given(NAMES, VALUES)
def test_the_derivative_is_negative_for_the_truth_alone(truth, values):
    found = experiment.slope(truth, *values)
    assert [g < 0 for g in found["gradient"]] == [name == truth for name in experiment.CLASSES]
    assert abs(found["together"]) < 1e-12
    assert np.allclose(found["gradient"], found["differences"], rtol=0, atol=1e-6)


@given(NAMES, st.floats(0.05, 3), VALUES)
def test_descent_line_by_line_is_descent_with_the_librarys_gradient(truth, lr, values):
    found = experiment.descend(truth, lr, *values, 40)
    assert np.allclose(found["logits"], found["by_library"], rtol=0, atol=1e-12)
    assert np.all(np.diff(found["rising"]) > -1e-15)  # the loss falls with each step
    assert found["rising"][-1] == found["of_truth"] == pytest.approx(math.exp(-found["loss"]))


def test_a_step_of_descent_is_shown_in_its_parts():
    nothing, first = (experiment.descend("dog", 0.5, 2.0, 1.0, -1.0, step) for step in (0, 1))
    assert nothing["gradient"] == [] and nothing["logits"] == [2, 1, -1]
    p = scipy.special.softmax([2, 1, -1])
    assert np.allclose(first["exponentials"], np.exp([2, 1, -1])) and np.allclose(first["before"], p)
    assert np.allclose(first["after"], [2, 1, -1] - 0.5 * (p - [0, 0, 1]))


@given(LOGITS)
def test_the_covariance_of_one_hot_labels_is_diag_p_minus_p_p(logits):
    p = logits.softmax(0).numpy()
    assert np.allclose(experiment.covariance(torch.from_numpy(p)), np.diag(p) - np.outer(p, p), atol=1e-15)


@given(VALUES)
def test_the_second_derivative_is_the_covariance_of_the_labels(values):
    found = experiment.curvature(*values, 10)
    assert np.allclose(found["second"], found["covariance"], rtol=0, atol=1e-12)
    assert np.allclose(found["second"], found["differences"], rtol=0, atol=1e-6)


def test_drawn_labels_come_close_to_the_covariance():
    n = experiment.DRAWS
    found = experiment.curvature(2.0, 1.0, -1.0, n)
    far = np.abs(np.subtract(found["sampled"], found["covariance"])).max()
    assert 0 < far < 5 * 0.5 / math.sqrt(n)  # no entry has a standard deviation above 0.5 / √n
    assert np.isnan(experiment.curvature(2.0, 1.0, -1.0, 0)["sampled"]).all()


def test_drawn_labels_have_the_probabilities_they_are_drawn_with():
    drawn = experiment.drawn_labels(torch.tensor([0.7, 0.2, 0.1], dtype=torch.float64), experiment.DRAWS)
    assert np.allclose(drawn.mean(dim=0), [0.7, 0.2, 0.1], atol=5 * 0.5 / math.sqrt(experiment.DRAWS))
    assert experiment.drawn_labels(torch.eye(3)[2].double(), 5).argmax(1).tolist() == [2] * 5


@pytest.mark.parametrize(
    ("probabilities", "lengths"),
    [
        ([0.5, 0.25, 0.125, 0.125], [1, 2, 3, 3]),  # powers of ½: the code reaches the entropy
        ([0.4, 0.6], [1, 1]),
        ([1.0], [0]),
    ],
)
def test_shortest_codes_that_are_known(probabilities, lengths):
    assert experiment.shortest_code(probabilities) == lengths


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=40))
def test_a_shortest_code_is_a_complete_prefix_code_within_a_bit_of_the_entropy(weights):
    p = np.array(weights) / sum(weights)
    lengths = np.array(experiment.shortest_code(p.tolist()))
    assert math.isclose((0.5**lengths).sum(), 1)  # Kraft
    assert scipy.stats.entropy(p, base=2) - 1e-9 <= p @ lengths < scipy.stats.entropy(p, base=2) + 1


@given(st.lists(st.floats(0.01, 1), min_size=2, max_size=9))
def test_no_word_of_a_code_begins_another(weights):
    p = np.array(weights) / sum(weights)
    lengths = experiment.shortest_code(p.tolist())
    found = experiment.words(lengths)
    assert [len(word) for word in found] == lengths
    assert not any(a != b and b.startswith(a) for a in found for b in found)


def test_bits_per_observation_have_their_closed_forms():
    found = experiment.bits_per_observation([1 / 3] * 3, 6)
    for n, fixed, shortest in zip(range(1, 7), found["fixed"], found["shortest"], strict=True):
        outcomes = 3**n
        short = outcomes.bit_length() - 1  # words have this many bits or one more
        assert shortest * n == pytest.approx(short + 2 * (outcomes - 2**short) / outcomes)
        assert fixed * n == pytest.approx(short + 1)
        assert math.log2(3) < shortest <= fixed < math.log2(3) + 1 / n


@given(VALUES)
def test_the_bits_of_a_label_are_at_least_the_entropy(values):
    found = experiment.bits(*values)
    p = scipy.special.softmax(values)
    assert found["entropy"] == pytest.approx(scipy.stats.entropy(p, base=2))
    assert found["natural"] == pytest.approx(scipy.stats.entropy(p))
    each = zip(found["observations"], found["shortest"], strict=True)
    assert all(found["entropy"] - 1e-9 <= mean < found["entropy"] + 1 / n for n, mean in each)


def test_classes_with_probabilities_that_are_powers_of_a_half_waste_nothing():
    found = experiment.bits(math.log(2), 0.0, 0.0)
    assert abs(found["waste"]) < 1e-12 and found["words"] == ["0", "10", "11"]
    assert experiment.bits(0.0, 0.0, 0.0)["shortest"][0] == pytest.approx(5 / 3)


@given(VALUES, st.floats(0.2, 10))
def test_the_soft_maximum_stays_within_its_bounds(values, sharpness):
    found = experiment.softest(*values, sharpness)
    lambdas, logits = np.array(found["lambdas"]), np.array(values)
    assert np.allclose(found["softly"], scipy.special.logsumexp(np.outer(lambdas, logits), axis=1) / lambdas)
    assert np.allclose(found["least"], -scipy.special.logsumexp(-np.outer(lambdas, logits), axis=1) / lambdas)
    assert np.all(np.array(found["lower"]) <= np.array(found["softly"]) + 1e-12)
    assert np.all(np.array(found["softly"]) <= np.array(found["upper"]) + 1e-12)
    assert found["lower"][0] == logits.max() and found["upper"][-1] == pytest.approx(
        logits.max() + math.log(3) / 10
    )
    assert -1e-12 <= found["gap"] <= found["bound"] + 1e-12 == pytest.approx(math.log(3) / sharpness)
