"""The experiments of the lab's lesson on softmax, against closed forms, PyTorch and SciPy."""

import numpy as np
import pytest
import scipy.special
import torch
from hypothesis import given
from hypothesis import strategies as st

from onelayer import functional, models
from onelayer.lab.lessons.softmax import experiment

LOGITS = st.lists(st.floats(-5, 5), min_size=3, max_size=3).map(
    lambda values: torch.tensor(values, dtype=torch.float64)
)


@pytest.mark.parametrize(("d", "q"), experiment.LAYERS.values())
def test_a_phm_layer_has_as_many_parameters_as_its_formula_says(d, q):
    formula = [experiment.phm_parameters(d, q, n) for n in range(1, 17)]
    assert experiment.counted_parameters(d, q) == formula
    # Rounding the blocks up adds fewer than d + q + n numbers, as the lesson says.
    extra = [count - n**3 - d * q / n for n, count in enumerate(formula, start=1)]
    assert all(0 <= more < d + q + n for n, more in enumerate(extra, start=1))


@pytest.mark.parametrize("layer", experiment.LAYERS)
@pytest.mark.parametrize("parts", [1, 5, 16])
def test_what_is_shown_of_a_phm_layer_is_counted_in_it(layer, parts):
    found, (d, q) = experiment.phm_layer(layer, parts), experiment.LAYERS[layer]
    assert found["here"] == found["formula"] and found["blocks"] == found["rounded"]
    assert found["gap"] < 1e-6
    assert found["share"] == pytest.approx(found["here"] / (d * q))
    assert np.allclose(found["dense_over_n"], [d * q / n / 1000 for n in range(1, 17)])


def test_the_picture_of_a_phm_layer_is_a_weight_of_few_blocks():
    weight = experiment.phm_layer("square", 4)["weight"][0].reshape(16, 16)
    blocks = {weight[i : i + 4, j : j + 4].tobytes() for i in range(0, 16, 4) for j in range(0, 16, 4)}
    assert len(blocks) == 4


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
    X, W, b = experiment.minibatch(n)
    assert X.shape == (n, 4) and W.shape == (4, 3) and b.shape == (3,)
    logits, probabilities = experiment.row_by_row(X, W, b)
    expected = torch.nn.functional.linear(X, W.T, b)
    assert torch.allclose(logits, expected, rtol=1e-13)
    assert torch.allclose(probabilities, expected.softmax(1), rtol=1e-13)


def test_the_minibatchs_first_row_is_there_once_it_is_computed():
    nothing, first = experiment.by_rows(3, 0), experiment.by_rows(3, 1)
    assert nothing["x"] == [] and nothing["captions"] == ["not-yet"] * 3
    X, W, b = experiment.minibatch(3)
    assert np.allclose(first["o"], X[0].numpy() @ W.numpy() + b.numpy(), rtol=1e-13)
    assert first["shape"] == ["(3, 4)", "(4, 3)", "(1, 3)", "(3, 3)", "(3, 3)"]


def test_the_images_show_each_class():
    assert set(experiment.by_rows(5, 5)["captions"]) == set(experiment.CLASSES)


@given(st.floats(0, 2))
def test_an_average_label_has_the_shares_of_the_classes(mix):
    found = experiment.mixture(mix)
    assert np.allclose(found["average"], [1 - mix / 2, 0, mix / 2])
    assert found["average"] @ np.arange(3) == pytest.approx(mix)  # the number says the same, less of it


def test_one_hot_labels_are_as_the_lesson_says():
    found = experiment.mixture(1.0)
    assert found["ones"] == [1, 1, 1] and found["zeros"] == [2, 2, 2] and found["says"] == "chicken"
    assert np.allclose(found["distances"], np.sqrt(2))


@pytest.mark.parametrize(("d", "q"), [(1, 2), (4, 3), (6, 6), (8, 6)])
def test_the_drawn_network_has_a_line_for_each_weight(d, q):
    found = experiment.network(d, q, 0.4)
    assert len(found["from_y"]) == len(found["to_y"]) == found["counted"][0] == d * q
    assert found["counted"] == found["formula"] and found["learned"] == d * q + q
    assert found["lit_y"] == min(found["to_y"], key=lambda y: abs(y - 0.4))


def test_the_lit_output_is_spelt_out_with_the_features_index_first():
    assert experiment.network(2, 3, 0.0)["sum"] == "o₃ = x₁w₁₃ + x₂w₂₃ + b₃"


@given(st.tuples(*[st.floats(-5, 5)] * 3))
def test_the_stages_of_softmax_end_with_its_probabilities(logits):
    stages = [experiment.in_stages(*logits, stage)["bars"] for stage in range(4)]
    assert stages[0] == [] and np.allclose(stages[1], np.exp(logits))
    assert np.allclose(stages[2], [*np.exp(logits), np.exp(logits).sum()])
    assert np.allclose(stages[3], [*scipy.special.softmax(logits), 1])


def test_what_is_said_of_a_logit_is_what_is_known_by_then():
    said = [experiment.in_stages(np.log(3.0), 0.0, 0.0, stage)["said"][0] for stage in range(4)]
    assert said == ["", "exp = 3.000", "3.000", "60.0%"]
    early = experiment.in_stages(0.0, 0.0, 0.0, 2)
    assert early["divided"] == ["÷ 3.000"] * 3
    assert early["known_total"] == pytest.approx(3) and early["known_probabilities"] == [None] * 3


@given(st.floats(0, 2))
def test_the_bars_balance_on_the_average_label(mix):
    found = experiment.mixture(mix)
    tip = found["fulcrum_x"][0]
    assert sum(share * (place - tip) for place, share in enumerate(found["average"])) == pytest.approx(0)


@pytest.mark.parametrize(
    ("shift", "fate"),
    [(0, "works"), (700, "works"), (-700, "works"), (710, "overflows"), (-1000, "vanishes")],
)
def test_a_shift_breaks_the_formula_but_not_the_librarys_softmax(shift, fate):
    found = experiment.shifted(2.0, 1.0, -1.0, shift)
    assert found["fate"] == fate
    assert np.isnan(found["naive"]).any() == (fate != "works")
    assert np.allclose(found["library"], scipy.special.softmax([2, 1, -1]), rtol=0, atol=1e-12)
    assert np.allclose(found["thousand"], found["small"], rtol=0, atol=1e-12)
