"""The lab's lesson on networks: drawings, counts and derivatives are those of the models."""

import numpy as np
import pytest
import torch
from torch import nn

from onelayer import LinearRegression, houses, models
from onelayer.lab.lessons.networks import experiment, layers


@pytest.fixture(scope="module")
def images():
    return layers.load_images()


def house_network():
    rows = houses().train
    return layers.module_of(LinearRegression().fit(rows.X, rows.y[:, 0]))


def test_bands_are_means_of_rows_of_pixels(images):
    pixels = images.pixels[3].numpy() / 255
    assert images.bands(28)[3].numpy() == pytest.approx(pixels.mean(axis=1))
    assert images.bands(2)[3].numpy() == pytest.approx([pixels[:14].mean(), pixels[14:].mean()])
    assert layers.band_edges(5) == [0, 6, 11, 17, 22, 28]


def test_houses_as_a_network_predict_what_the_estimator_predicts():
    rows = houses().train
    X, y = rows.X, rows.y[:, 0]
    predicted = house_network()(torch.from_numpy(X)).detach().numpy()[:, 0]
    assert predicted == pytest.approx(LinearRegression().fit(X, y).predict(X), rel=1e-12)


@pytest.mark.parametrize(("d", "q"), [(2, 1), (6, 4), (14, 10)])
def test_each_output_is_a_least_squares_fit_by_itself(images, d, q):
    network = layers.image_network(images, d, q)
    assert network.weight.shape == (q, d) and models.parameter_count(network) == d * q + q
    A = np.column_stack([images.bands(d).numpy(), np.ones(len(images.labels))])
    for k in range(q):
        solution = np.linalg.lstsq(A, (images.labels == k).numpy().astype(float), rcond=None)[0]
        assert network.weight[k].tolist() == pytest.approx(solution[:-1], abs=1e-9)
        assert network.bias[k].item() == pytest.approx(solution[-1], abs=1e-9)


def test_every_pair_of_input_and_output_is_one_line():
    weight = torch.tensor([[1.0, -2.0, 3.0], [4.0, 5.0, -6.0]])
    lines = layers.connections(weight)
    pairs = list(zip(lines["input"], lines["output"], strict=True))
    assert set(pairs) == {(j, k) for j in (1, 2, 3) for k in (1, 2)} and len(pairs) == 6
    assert lines["weight"] == [weight[k - 1, j - 1] for j, k in pairs]
    assert lines["y0"][:3] == pytest.approx([5 / 6, 1 / 2, 1 / 6])
    assert lines["y1"] == [0.75] * 3 + [0.25] * 3


def test_layers_are_those_with_weights_and_hooks_are_gone_afterwards():
    x = torch.zeros(4, dtype=torch.float64)
    network = models.linear_regression(4, 3).double()
    assert layers.layers(network, x) == [layers.Layer("Linear", 4, 3, 15)]
    assert not network._forward_hooks
    assert layers.layers(models.mlp(4, 5, 3).double(), x) == [
        layers.Layer("Linear", 4, 5, 25),
        layers.Layer("Linear", 5, 3, 18),
    ]


def test_the_jacobian_is_the_weight_matrix_everywhere(images):
    network = layers.image_network(images, 5, 3)
    for x in images.bands(5)[:3]:
        assert torch.equal(layers.jacobian(network, x), network.weight)


def test_the_jacobian_agrees_with_finite_differences_where_it_is_not_constant():
    network = models.mlp(4, 6, 3).double()
    x, step = torch.tensor([0.3, -0.2, 0.9, 0.1], dtype=torch.float64), 1e-6
    columns = [layers.changes(network, x, j, step) / step for j in range(4)]
    assert torch.allclose(layers.jacobian(network, x), torch.stack(columns, dim=1), atol=1e-8)


def test_the_price_of_a_small_old_house_is_negative():
    price = house_network()(torch.tensor([400.0, 130.0], dtype=torch.float64)).item()
    assert price == pytest.approx(76_513.9 + 95.915 * 400 - 1_085.82 * 130, abs=1) and price < 0


def test_a_change_of_one_input_changes_outputs_by_its_weights():
    network = house_network()
    x = torch.tensor([1500.0, 30.0], dtype=torch.float64)
    assert layers.changes(network, x, 0, 100.0).item() == pytest.approx(9591.5, abs=0.05)
    assert x.tolist() == [1500.0, 30.0]


def test_two_layers_amount_to_one_unless_something_bends_between_them():
    X = torch.randn(50, 14, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    found = layers.two_layers(X, hidden=6, q=10)
    assert found.parameters == 14 * 6 + 6 + 6 * 10 + 10 and found.merged_parameters == 150
    assert found.farthest[0] == pytest.approx(found.farthest[1], abs=1e-12)
    assert found.gap_with_relu > 1e-2
    assert found.rank == 6


def test_merging_keeps_biases():
    first, second = models.linear_regression(2, 3), models.linear_regression(3, 1)
    nn.init.ones_(first.bias)
    nn.init.ones_(second.bias)
    x = torch.tensor([0.5, -2.0])
    assert torch.allclose(layers.merge(first, second)(x), second(first(x)))


def test_a_convolution_has_three_lines_for_each_output_and_two_at_the_ends():
    x = torch.linspace(0, 1, 9, dtype=torch.float64)
    found = layers.patterns(x)
    assert found["dense"].connections == 81 and found["dense"].parameters == 90
    assert found["local"].connections == 3 * 9 - 2 and found["local"].parameters == 4
    expected = np.diag([0.5] * 9) + np.diag([0.25] * 8, 1) + np.diag([0.25] * 8, -1)
    assert torch.equal(found["local"].jacobian, torch.from_numpy(expected))


def test_the_forward_pass_line_by_line_is_the_layer(images):
    network = layers.image_network(images, 5, 3)
    x = images.bands(5)[7]
    outputs = layers.forward(network.weight.tolist(), network.bias.tolist(), x.tolist())
    assert outputs == pytest.approx(network(x).tolist(), rel=1e-12)


def test_the_terms_of_a_house_add_up_to_what_the_estimator_predicts():
    rows = houses().train
    area, age = rows.X[5]
    steps = [experiment.house(float(area), float(age), term) for term in range(3)]
    predicted = LinearRegression().fit(rows.X, rows.y[:, 0]).predict(rows.X[5:6])[0]
    assert steps[2]["total_now"] == pytest.approx(predicted, rel=1e-12) == steps[0]["price"]
    assert steps[1]["total_now"] - steps[0]["total_now"] == pytest.approx(steps[1]["carried_now"])
    assert [len(step["places"]) for step in steps] == [1, 2, 4]
    assert [step["stage"] for step in steps] == ["so-far", "so-far", "in-all"]
    height = np.array(steps[2]["raised"]) - steps[2]["lowered"]
    assert height[1:3] == pytest.approx([abs(step["carried_now"]) / 1000 for step in steps[1:]])


def test_the_forward_pass_of_an_image_ends_where_the_whole_drawing_is():
    whole, last, nothing = (experiment.image(5, 3, 2, pair) for pair in (1000, 15, 0))
    assert whole["outputs"] == last["outputs"] and whole["thickness"] == last["thickness"]
    assert nothing["outputs"] == [None] * 3 and not any(nothing["thickness"])
    early = experiment.image(5, 3, 2, 7)  # two lines into the second output
    assert early["outputs"] == [whole["outputs"][0], None, None]
    assert sum(size != 0 for size in early["thickness"]) == 7
    assert last["total_now"] == pytest.approx(whole["outputs"][2], rel=1e-12)
    assert whole["added"] == pytest.approx(whole["predicted"].tolist(), abs=1e-12)


def test_the_drawing_has_a_line_for_every_weight_and_one_inputs_stand_out():
    found = experiment.dense(14, 10, 0, touched=2, change=0.3)
    assert len(found["x0"]) == 140 and found["changed"] == 10
    thick = [found["y0"][i] for i, size in enumerate(found["thickness"]) if size]
    assert len(thick) == 10 and set(thick) == {found["touched_y"]}
    assert found["differences"] == pytest.approx(found["products"], abs=1e-12)
    assert np.array(found["found"]) == pytest.approx(found["expected"], abs=1e-12)


@pytest.mark.parametrize(("touched", "changed"), [(1, 2), (5, 3), (14, 2)])
def test_a_local_layer_passes_a_change_on_to_neighbours_only(touched, changed):
    found = experiment.local("local", touched, 0.25)
    assert found["changed"] == found["neighbours"] == changed
    assert len(found["x0"]) == 3 * 14 - 2
    assert experiment.local("dense", touched, 0.25)["changed"] == 14


@pytest.mark.parametrize("hidden", range(4))
def test_a_network_has_a_layer_less_than_columns(hidden):
    found = experiment.stacked(hidden)
    assert found["layers"] == found["columns"] - 1 == hidden + 1
    assert found["found"] == found["expected"]
    assert len(found["x0"]) == (12 if hidden == 0 else 4 * 5 + 25 * (hidden - 1) + 5 * 3)


def test_counts_agree_with_the_formula():
    found = experiment.counting(14, 3)
    assert found["counted"] == found["formula"] and found["parameters"] == 45


def test_two_small_layers_are_a_line_and_with_relu_a_bent_one():
    plain, bent = (experiment.bend(between, 2.0) for between in ("nothing", "relu"))
    assert plain["two"] == pytest.approx(plain["one"], abs=1e-12)
    assert plain["verdict"] == bent["verdict"] == "one-does"
    kinks = np.flatnonzero(np.abs(np.diff(bent["two"], 2)) > 1e-9) + 1
    assert bent["inputs"][kinks] == pytest.approx([-2.0, -1.0, 1.0])
    assert experiment.bend("relu", 0.5)["gap"] < 1e-9 < bent["gap"]


def test_bands_of_an_image_have_its_brightness(images):
    found = experiment.image(4, 2, 3, 0)
    assert np.mean(found["images"][1]) == pytest.approx(images.pixels[3].numpy().mean(), rel=1e-12)
