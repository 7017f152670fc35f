"""The experiments of the lab's lesson on softmax, against closed forms, autograd, PyTorch and SciPy."""

import math

import numpy as np
import pytest
import scipy.special
import scipy.stats
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from onelayer import functional, models
from onelayer.lab.lessons.softmax import experiment

LOGITS = st.lists(st.floats(-5, 5), min_size=3, max_size=3).map(
    lambda values: torch.tensor(values, dtype=torch.float64)
)
LABELS = st.integers(0, 2)


@pytest.mark.parametrize(("d", "q"), experiment.LAYERS.values())
def test_a_phm_layer_has_as_many_parameters_as_its_formula_says(d, q):
    table = experiment.counted_parameters(d, q)
    assert table["n"].to_pylist() == list(range(1, 17))
    formula = [experiment.phm_parameters(d, q, n) for n in range(1, 17)]
    assert table["counted"].to_pylist() == formula
    assert np.allclose(table["share"], [d * q / n for n in range(1, 17)])
    # Rounding the blocks up adds fewer than d + q + n numbers, as the lesson says.
    extra = [count - n**3 - d * q / n for n, count in enumerate(formula, start=1)]
    assert all(0 <= more < d + q + n for n, more in enumerate(extra, start=1))


def test_the_next_multiple_is_the_number_itself_or_above_it():
    found = [experiment.next_multiple(number, n) for number, n in ((784, 16), (10, 16), (10, 4), (512, 1))]
    assert found == [784, 16, 12, 512]


@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_the_weight_of_a_phm_layer_is_the_sum_of_its_kronecker_products(n):
    layer = models.phm(7, 5, n)
    with torch.no_grad():
        layer.A.normal_(generator=torch.Generator().manual_seed(n))
    expected = sum(
        np.kron(A, S) for A, S in zip(layer.A.detach().numpy(), layer.S.detach().numpy(), strict=True)
    )
    assert np.allclose(experiment.kronecker_sum(layer).detach(), expected[:5, :7], atol=1e-6)


@given(LOGITS)
def test_naive_softmax_is_softmax_where_nothing_overflows(logits):
    assert np.allclose(experiment.naive_softmax(logits), scipy.special.softmax(logits.numpy()), rtol=1e-13)


def test_naive_softmax_overflows_where_the_librarys_does_not():
    logits = torch.tensor([1000.0, 1001, 1002], dtype=torch.float64)
    assert experiment.naive_softmax(logits).isnan().all()
    assert experiment.naive_softmax(logits - 2000).isnan().all()
    assert np.allclose(functional.softmax(logits), scipy.special.softmax([0.0, 1, 2]), rtol=1e-12)


@given(LOGITS)
def test_softmax_keeps_the_ranks(logits):
    logits = logits.round(decimals=1)  # as on the sliders; closer ones may round to one probability
    assert experiment.ranks(functional.softmax(logits)) == experiment.ranks(logits)


def test_ranks_count_from_the_largest_and_ties_share_one():
    assert experiment.ranks(torch.tensor([0.1, 3.0, -1.0])) == [2, 1, 3]
    assert experiment.ranks(torch.tensor([1.0, 1.0, 0.0])) == [1, 1, 3]


@pytest.mark.parametrize("n", [1, 8])
def test_row_by_row_is_what_pytorchs_linear_layer_computes(n):
    X, weight, bias = experiment.minibatch(n)
    assert X.shape == (n, 4) and weight.shape == (3, 4) and bias.shape == (3,)
    logits, probabilities = experiment.row_by_row(X, weight, bias)
    expected = torch.nn.functional.linear(X, weight, bias)
    assert torch.allclose(logits, expected, rtol=1e-13)
    assert torch.allclose(probabilities, expected.softmax(1), rtol=1e-13)


def test_drawn_labels_have_the_probabilities_they_are_drawn_with():
    certain = torch.eye(3)[[2, 0, 1, 1]]
    assert experiment.drawn_labels(certain).tolist() == [2, 0, 1, 1]


@given(st.floats(0.01, 0.99), LABELS)
def test_a_prediction_sums_to_one_and_its_loss_is_the_logarithm_of_the_truths(probability, label):
    prediction = experiment.prediction(probability, label)
    assert math.isclose(prediction.sum(), 1) and prediction[label] == probability
    assert math.isclose(experiment.loss_of(prediction.log(), label), -math.log(probability), abs_tol=1e-12)


def test_the_loss_curve_is_the_logarithm():
    curve = experiment.loss_curve()
    assert np.allclose(np.exp(-curve["loss"].to_numpy()), curve["probability"])
    assert math.isclose(curve["probability"][0].as_py(), 0.01) and curve["loss"][-1].as_py() == 0


@settings(deadline=None)
@given(LOGITS, LABELS)
def test_differences_agree_with_autograd_to_a_millionth(logits, label):
    def loss(o):
        return torch.nn.functional.cross_entropy(o, torch.tensor(label))

    gradient = torch.func.grad(loss)(logits)
    hessian = torch.autograd.functional.hessian(loss, logits)
    assert torch.allclose(experiment.gradient_by_differences(logits, label), gradient, rtol=0, atol=1e-6)
    assert torch.allclose(experiment.hessian_by_differences(logits, label), hessian, rtol=0, atol=1e-6)


@given(LOGITS)
def test_the_covariance_of_one_hot_labels_is_diag_p_minus_p_p(logits):
    p = logits.softmax(0).numpy()
    assert np.allclose(experiment.covariance(torch.from_numpy(p)), np.diag(p) - np.outer(p, p), atol=1e-15)


def test_drawn_labels_come_close_to_the_covariance():
    p, n = torch.tensor([0.7, 0.2, 0.1], dtype=torch.float64), 100_000
    far = (experiment.sampled_covariance(p, n) - experiment.covariance(p)).abs().max()
    assert 0 < far < 5 * 0.5 / math.sqrt(n)  # no entry has a standard deviation above 0.5 / √n


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


def test_bits_per_observation_have_their_closed_forms():
    for row in experiment.bits_per_observation().to_pylist():
        n, outcomes = row["observations"], 3 ** row["observations"]
        short = outcomes.bit_length() - 1  # words have this many bits or one more
        assert math.isclose(row["shortest"] * n, short + 2 * (outcomes - 2**short) / outcomes)
        assert row["fixed"] * n == pytest.approx(short + 1)
        assert row["entropy"] == math.log2(3) < row["shortest"] <= row["fixed"]


@given(LOGITS)
def test_the_soft_maximum_stays_within_its_bounds(logits):
    curve = experiment.soft_maximum_curve(logits).to_pydict()
    sharpness = np.array(curve["sharpness"])
    assert np.allclose(
        curve["maximum"], scipy.special.logsumexp(np.outer(sharpness, logits), axis=1) / sharpness
    )
    assert np.allclose(
        curve["minimum"], -scipy.special.logsumexp(-np.outer(sharpness, logits), axis=1) / sharpness
    )
    assert np.all(np.array(curve["lower"]) <= np.array(curve["maximum"]) + 1e-12)
    assert np.all(np.array(curve["maximum"]) <= np.array(curve["upper"]) + 1e-12)
    assert curve["lower"][0] == logits.max() and math.isclose(
        curve["upper"][-1], logits.max() + math.log(3) / 100, abs_tol=1e-12
    )
