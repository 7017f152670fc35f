"""The lesson on training: its experiments by themselves."""

import numpy as np
import pytest
import torch
from torch import nn

pytest.importorskip("marimo", reason="the extra onelayer[lab] is not installed")
traitlets = pytest.importorskip("traitlets")

from onelayer import functional, models  # noqa: E402
from onelayer.lab.images import diverging  # noqa: E402
from onelayer.lab.lessons.softmax_regression import experiment  # noqa: E402
from onelayer.lab.lessons.softmax_regression.experiment import Setting  # noqa: E402
from onelayer.lab.pad import Pad  # noqa: E402

ONE_EPOCH = Setting("softmax", lr=0.1, batch_size=256, epochs=1)


@pytest.fixture(scope="module")
def trained():
    return experiment.train(ONE_EPOCH)


def test_training_learns_and_counts_every_test_image(trained):
    judged = experiment.judge(trained.model)
    assert judged.counts.sum(axis=1).tolist() == [1_000] * 10
    accuracy = trained.history.epochs[-1].held_out_accuracy
    assert judged.counts.trace() / 10_000 == pytest.approx(accuracy)
    assert accuracy > 0.7
    labels = experiment.test_rows().y
    assert (judged.predicted[judged.worst] != labels[judged.worst]).all()
    wrong = judged.predicted != labels
    assert judged.probability[judged.worst].min() >= np.sort(judged.probability[wrong])[-10]


def test_a_fused_and_a_concise_epoch_are_the_same_training(trained):
    model = experiment.new_model("softmax")
    from onelayer import training

    training.fit(
        model, experiment.data().train, way="concise", epochs=1, batch_size=256, lr=0.1, seed=experiment.SEED
    )
    torch.testing.assert_close(model.weight, trained.model.weight, atol=1e-5, rtol=0)


def test_divergence_leaves_the_first_weights():
    wild = experiment.train(Setting("softmax", lr=10, batch_size=256, epochs=2))
    assert wild.diverged is not None and wild.diverged.lr == 10
    torch.testing.assert_close(wild.model.weight, experiment.new_model("softmax").weight, atol=0, rtol=0)
    assert wild.history.epochs == ()
    assert experiment.curve(wild.history).num_rows == 0


def test_curve_has_both_parts(trained):
    table = experiment.curve(trained.history).to_pydict()
    assert table["part"] == ["train", "test"] and table["epoch"] == [1, 1]


def test_sweep_marks_what_diverged():
    results = experiment.sweep([ONE_EPOCH, Setting("softmax", 10, 256, 1)]).to_pydict()
    assert results["accuracy"][0] > 0.7 and results["accuracy"][1] is None
    assert results["seconds"][0] > 0 and results["seconds"][1] is None


@pytest.mark.parametrize("n", [1, 2, 3, 5, 14])
def test_phm_parameters(n):
    assert models.parameter_count(experiment.new_model("phm", n)) == experiment.phm_parameters(n)


def test_templates_are_the_weights_or_the_units_that_count_most(trained):
    assert torch.equal(
        torch.from_numpy(experiment.templates(trained.model)).view(10, 784), trained.model.weight.detach()
    )
    network = experiment.new_model("mlp")
    with torch.no_grad():
        network.hidden.weight[7] *= 100
    np.testing.assert_array_equal(
        experiment.templates(network)[0].ravel(), network.hidden.weight[7].detach().numpy()
    )


def test_classify_is_the_softmax_of_the_pixels_over_255(trained):
    pixels = experiment.test_rows().X[5].reshape(28, 28)
    logits = trained.model(torch.from_numpy(pixels.reshape(1, -1) / np.float32(255)))
    np.testing.assert_allclose(
        experiment.classify(trained.model, pixels), functional.softmax(logits)[0].detach().numpy(), rtol=1e-5
    )


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


def test_training_that_takes_a_while_is_known_beforehand():
    assert not Setting("softmax", 0.1, 256, 5).is_slow
    assert Setting("softmax", 0.1, 32, 2).is_slow and Setting("mlp", 0.1, 8192, 1).is_slow


def test_most_images_of_the_data_fill_their_frame_already(trained):
    rows = experiment.test_rows()
    same = [
        experiment.classify(trained.model, image).argmax()
        == experiment.classify(trained.model, experiment.fitted(image)).argmax()
        for image in rows.X[:200].reshape(-1, 28, 28)
    ]
    assert np.mean(same) > 0.85


def test_the_optimum_is_below_sgd(trained):
    found = experiment.optimum(trained.model)
    assert isinstance(trained.model, nn.Linear)
    assert 0.3498 < found.objective - found.gap <= found.objective < found.sgd_objective
    assert found.gap < 1e-4
    assert 0.8 < found.test.accuracy < 0.9
    assert 0.4 < found.test.loss < found.sgd_test.loss


def test_weights_as_colours():
    colours = np.asarray(diverging(np.array([[-2.0, 0.0, 1.0]]), 1.0))[0].tolist()
    assert colours == [[213, 94, 0], [255, 255, 255], [0, 114, 178]]


@pytest.mark.parametrize("pixels", [[0] * 783, [256] * 784, [-1] + [0] * 783])
def test_a_page_cannot_send_what_is_no_image(pixels):
    pad = Pad(pixels=[0] * 784, words={})
    with pytest.raises(traitlets.TraitError, match="784 numbers"):
        pad.pixels = pixels
