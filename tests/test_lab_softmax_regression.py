"""The lesson on training: its experiments by themselves."""

import numpy as np
import pytest
import torch
from torch import nn

from onelayer import d2l, functional, models, training
from onelayer.lab.lessons.softmax_regression import experiment, learned, runs
from onelayer.lab.lessons.softmax_regression.lesson import SCENES
from onelayer.lab.lessons.softmax_regression.runs import Setting

ONE_EPOCH = Setting("softmax", lr=0.1, batch_size=256, epochs=1, whole=True)


@pytest.fixture(scope="module")
def trained():
    return runs.train(ONE_EPOCH)


def test_training_learns_and_counts_every_test_image(trained):
    rows = runs.test_rows()
    predicted, probability = learned.judge(trained.model, rows)
    assert len(predicted) == len(probability) == 10_000 and (probability >= 0.1).all()
    accuracy = trained.test[-1].accuracy
    assert np.mean(predicted == rows.y) == pytest.approx(accuracy)
    assert accuracy > 0.7


def test_the_worst_mistakes_are_those_that_the_network_was_surest_of():
    found, rows = learned.answers(), runs.test_rows()
    assert found["counts"].sum(axis=1).tolist() == [1_000] * 10
    assert (found["worst_true"] != found["worst_predicted"]).all()
    predicted, probability = learned.judge(learned.book_network(), rows)
    np.testing.assert_array_equal(found["worst_sureness"], np.sort(probability[predicted != rows.y])[:-11:-1])


def test_a_fused_and_a_concise_epoch_are_the_same_training(trained):
    model = runs.new_model("softmax")
    training.fit(model, runs.dataset().train, way="concise", epochs=1, batch_size=256, lr=0.1, seed=runs.SEED)
    torch.testing.assert_close(model.weight, trained.model.weight, atol=1e-5, rtol=0)


def test_epochs_one_by_one_are_the_training_in_one_go():
    *_, last = runs.stages(Setting("softmax", 0.1, 1024, 3))
    model = runs.new_model("softmax")
    rows, valid = runs.split()
    history = training.fit(model, rows, valid, epochs=3, batch_size=1024, lr=0.1, seed=runs.SEED)
    assert torch.equal(model.weight, last.model.weight)
    assert [record.held_out_accuracy for record in history.epochs] == [s.accuracy for s in last.valid[1:]]


def test_a_sixth_of_the_training_images_is_held_out():
    rows, valid = runs.split()
    assert (len(rows), len(valid)) == (50_000, 10_000)
    assert np.bincount(valid.y).tolist() == [1_000] * 10


def test_divergence_ends_a_run_and_leaves_finite_weights():
    *_, last = experiment.run(10, 256)
    assert last["diverged"] and last["last"] == 0 and last["fate"] == "diverged"
    wild = runs.train(Setting("softmax", 10, 256, experiment.EPOCHS))
    torch.testing.assert_close(wild.model.weight, runs.new_model("softmax").weight, atol=0, rtol=0)
    assert wild.diverged is not None and wild.diverged.lr == 10


def test_a_run_grows_epoch_by_epoch_from_before_the_first():
    found = experiment.run(0.1, 4096)
    first, second = next(found), next(found)
    assert first["last"] == 0 and second["last"] == 1
    assert first["train_loss"][0] == pytest.approx(np.log(10), rel=0.01)  # ten classes, nothing known
    assert second["train_loss"][0] == first["train_loss"][0]
    for part in ("train", "valid", "test"):
        assert len(second[f"{part}_loss"]) == len(second[f"{part}_accuracy"]) == 2


def test_rates_stop_where_training_diverges(monkeypatch):
    monkeypatch.setattr(experiment, "FEW", 1)
    *_, found = experiment.rates()
    losses = dict(zip(found["lrs"], found["losses"], strict=True))
    assert np.isnan(losses[10]) and losses[0.1] < losses[0.001]
    assert 0.1 < found["largest"] < 0.2


@pytest.mark.parametrize("n", [1, 2, 3, 5, 14])
def test_phm_parameters(n):
    assert models.parameter_count(runs.new_model("phm", n)) == experiment.phm_parameters(n)


def test_the_perceptron_of_the_notes():
    network = runs.MLP()
    assert models.parameter_count(network) == 784 * 256 + 256 + 256 * 10 + 10
    assert network(torch.zeros(3, 784)).shape == (3, 10)
    torch.testing.assert_close(
        network(torch.ones(1, 784)), network.fc2(network.fc1(torch.ones(1, 784)).clamp(min=0))
    )


def test_the_listing_of_the_notes_runs():
    torch.manual_seed(0)
    train_iter, test_iter = d2l.load_data_fashion_mnist(64)
    net = experiment.softmax_concise(train_iter, test_iter, num_epochs=3)
    assert d2l.evaluate_accuracy(net, test_iter) > 0.75


def test_a_pass_of_the_listing_is_the_one_of_the_notes():
    found = []
    for one_pass in (experiment.one_pass, d2l.train_epoch_ch3):
        torch.manual_seed(0)
        data = torch.utils.data.TensorDataset(torch.rand(50, 3), torch.randint(4, (50,)))
        net, loss = nn.Linear(3, 4), nn.CrossEntropyLoss(reduction="none")
        loader = torch.utils.data.DataLoader(data, batch_size=8)
        scores = one_pass(net, loader, loss, torch.optim.SGD(net.parameters(), lr=0.1))
        found.append(torch.cat([net.weight.detach().flatten(), torch.tensor(scores)]))
    torch.testing.assert_close(*found)


def test_the_weights_of_the_page_are_those_of_the_training_in_float16():
    found = learned.book()
    assert found["weights"].dtype == np.float16 and found["weights"].shape == (6, 10, 784)
    exact = runs.train(runs.BOOK).model
    np.testing.assert_allclose(found["weights"][-1], exact.weight.detach(), rtol=1e-3, atol=1e-7)
    assert found["tested"][-1] == training.evaluate(learned.book_network(), runs.test_rows()).accuracy
    assert 0.81 < found["tested"][-1] < 0.85
    assert found["tested"] == pytest.approx(
        [score.accuracy for i, score in enumerate(runs.train(runs.BOOK).test) if i in learned.SNAPSHOTS],
        abs=2e-3,
    )


def test_cells_have_images_of_their_confusion():
    found, rows = learned.answers(), runs.test_rows()
    assert found["counts"].sum() == 10_000
    kept = np.bincount(found["cells"], minlength=100)
    assert (kept == np.minimum(found["counts"].ravel(), learned.CELL)).all()
    images = {image.tobytes(): label for image, label in zip(rows.X, rows.y, strict=True)}
    cells = zip(found["cell_images"], found["cells"], strict=True)
    assert all(images[image.tobytes()] == cell // 10 for image, cell in cells)


def test_sums_are_the_logits_of_the_network():
    pixels = experiment.garments()["examples"]
    with torch.inference_mode():
        logits = learned.book_network()(torch.from_numpy(pixels).float() / 255)
    for k, name in enumerate(experiment.CLASSES):
        found = experiment.sums(name, 28)
        np.testing.assert_allclose(found["logits"], logits[k], atol=1e-4)
        np.testing.assert_allclose(found["probability"], functional.softmax(logits)[k], atol=1e-5)
    nothing = experiment.sums("bag", 0)
    assert not nothing["parts"].any()
    np.testing.assert_array_equal(nothing["logits"], learned.book()["biases"][-1])


def test_the_cell_that_is_lit_at_first_is_the_answers():
    found, scene = learned.answers(), next(scene for scene in SCENES if scene.name == "confusion")
    true, predicted = (int(control.value) for control in scene.controls)
    between = found["counts"] + found["counts"].T - 2 * np.diag(np.diag(found["counts"]))
    assert between[true, predicted] == between.max() == found["pair_both"]
    assert found["counts"][true, predicted] == max(found["pair_there"], found["pair_back"])


def test_the_parts_of_a_unit_add_up_to_its_sum():
    pixels, mlp = experiment.drawing()["drawing"], learned.perceptron()
    for unit in range(learned.SHOWN):
        found = experiment.units(pixels, unit)
        (at,) = np.flatnonzero((mlp["hidden"] == found["units"][unit]).all(axis=1))
        assert found["unit_sum"] == pytest.approx(found["unit_parts"][0].sum() + mlp["hidden_bias"][at])
        assert (
            found["passes_on"] == max(0, found["unit_sum"])
            and found["passed"][unit] == f"{found['passes_on']:.1f}"
        )


def test_a_mistake_leads_over_the_truth():
    for i in range(learned.SHOWN):
        found = experiment.mistake(i)
        assert found["lead"] > 0 and found["is"] != found["said"]


def test_a_drawing_is_made_to_fill_the_image():
    pixels = np.zeros((28, 28), np.uint8)
    pixels[3:9, 20:24] = 200  # 6 high, 4 wide
    rows, columns = np.nonzero(experiment.fitted(pixels))
    assert (rows.min(), rows.max()) == (0, 27)
    assert columns.max() - columns.min() + 1 == 19  # 28 · 4/6
    assert columns.min() + columns.max() in (26, 27, 28)
    assert experiment.fitted(np.zeros((28, 28), np.uint8)).sum() == 0


def test_the_noise_of_a_photo_is_no_part_of_the_drawing():
    pixels = np.random.default_rng(0).integers(0, experiment.FAINT, (28, 28), np.uint8)
    pixels[3:9, 20:24] = 200
    found = experiment.fitted(pixels)
    assert (found[:, :4] == 0).all() and (found[:, 14] > 150).all()


def test_most_images_of_the_data_fill_their_frame_already():
    images = runs.test_rows().X[:200]
    fitted = np.stack([experiment.fitted(image.reshape(28, 28)).ravel() for image in images])
    with torch.inference_mode():
        same = [
            learned.book_network()(torch.from_numpy(pixels).float() / 255).argmax(1)
            for pixels in (images, fitted)
        ]
    assert (same[0] == same[1]).float().mean() > 0.85


def test_the_optimum_is_below_sgd():
    found = experiment.optimum()
    assert isinstance(learned.book_network(), nn.Linear)
    objective = found["by_exact"][0]
    assert 0.3498 < objective - found["gap"] <= objective < found["by_sgd"][0]
    assert found["gap"] < 1e-4
    sgd, exact = found["tested"]
    assert 0.8 < sgd < exact < 0.9 and found["rise"] == (
        "rise-some" if exact - sgd >= 0.01 else "rise-little"
    )
    assert 0.4 < found["by_exact"][1] < found["by_sgd"][1]
