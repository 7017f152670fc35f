"""The experiments of the lesson on every pixel, against closed forms and scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.metrics import confusion_matrix, jaccard_score

from onelayer import fashion_mnist
from onelayer.examples.segmentation.scenes import compose
from onelayer.lab.lessons.every_pixel import experiment, segmentation, whole
from onelayer.lab.lessons.every_pixel.segmentation import Scenes, Segmented


def test_a_convolution_of_one_pixel_is_a_linear_layer():
    image, weight = torch.rand(3, 5, 7), torch.randn(4, 3)
    by_convolution, by_layer = experiment.convolution_and_layer(weight, image)
    expected = torch.einsum("qc,chw->qhw", weight, image)
    for found in (by_convolution, by_layer, experiment.at_every_pixel(image, weight)):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("share", [0.0, 0.35, 1.0])
def test_mixing_keeps_grey_and_has_the_determinant_of_the_prose(share):
    M = experiment.mixing(share)
    torch.testing.assert_close(M.sum(dim=1), torch.ones(3, dtype=torch.float64))
    assert float(M.det()) == pytest.approx((1 - share) ** 2, abs=1e-6)


def test_the_determinant_of_the_whole_map_is_that_of_each_pixel():
    weight = torch.randn(2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = 9 * float(weight.det().abs().log())
    assert experiment.map_log_determinant(weight, 3) == pytest.approx(expected, abs=1e-12)


def test_each_pixel_is_a_row_of_mixed_channels_with_its_true_ones():
    rows, picture = experiment.pixel_rows(0.5), experiment.colour_pictures()[1]
    at = 28 * 28 + 28 * 10 + 15  # the second picture's pixel in row 10, column 15
    np.testing.assert_allclose(rows.y[at], picture[:, 10, 15], rtol=1e-6)
    mixed = 0.5 * picture[:, 10, 15] + 0.5 * picture[:, 10, 15].mean()
    np.testing.assert_allclose(rows.X[at], mixed, rtol=1e-6)


def test_training_undoes_an_easy_mixture():
    found = experiment.unmix(0.3, 0.2, 10)
    assert found["gap"][1] > 0.9 and found["gap"][0] == found["gaps"][10] < 1e-3
    original = experiment.glow(0.3)["images"][0]
    np.testing.assert_allclose(found["images"][1], original, atol=255e-3)
    np.testing.assert_allclose(found["images"][0], experiment.glow(0.3)["images"][1])


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_least_squares_finds_the_inverse(share):
    inverse = np.linalg.inv(experiment.mixing(share).double().numpy())
    np.testing.assert_allclose(experiment.exact_unmixing(share), inverse, atol=1e-4)


def test_the_harder_the_mixture_the_longer_it_takes():
    last = [experiment.gaps_of(share)[-1] for share in experiment.SHARES]
    assert last == sorted(last) and experiment.mixtures()["worst"] == "strong-worst"
    assert experiment.gaps_of(0.8, 1.0)[-1] < 0.01  # the mission can be done


@pytest.mark.parametrize("share", [0.0, 0.5, 0.95])
def test_the_inverse_is_as_the_prose_says(share):
    found = experiment.exact(share)["found"]
    assert found[0, 0] == pytest.approx(1 + 2 / 3 * share / (1 - share), abs=1e-9)
    glow = experiment.glow(share)
    assert glow["det"] == pytest.approx((1 - share) ** 2)
    assert glow["on"] + 2 * glow["off"] == pytest.approx(1)


def test_a_channel_is_drawn_as_far_as_the_layer_has_come():
    found = experiment.convolution(1, 0, -1, 300)
    output = found["images"][1].reshape(3, 784)
    assert not output[:, 300:].any() and (output[:, 299] == 255).all()  # where the layer is
    cyan, magenta, yellow = experiment.colour_pictures()[experiment.SHOWN].view(3, 784).numpy()
    expected = (cyan - yellow)[:299]
    np.testing.assert_allclose(output[0, :299] / 255, np.where(expected > 0, expected, -expected * 42 / 255))
    assert found["x"].tolist() == [cyan[299], magenta[299], yellow[299]] and found["o"] == pytest.approx(
        cyan[299] - yellow[299]
    )


def test_a_window_is_what_surrounds_its_pixel():
    image = np.arange(1, 13, dtype=np.uint8).reshape(1, 3, 4)
    rows = segmentation.window_rows(Scenes(image, np.arange(12).reshape(1, 3, 4)), 3)
    assert rows.X.shape == (12, 9) and rows.X.dtype == np.uint8
    assert rows.X[0].tolist() == [0, 0, 0, 0, 1, 2, 0, 5, 6]
    assert rows.X[5].tolist() == [1, 2, 3, 5, 6, 7, 9, 10, 11]
    assert rows.y.tolist() == list(range(12))
    only = segmentation.window_rows(Scenes(image, np.zeros((1, 3, 4), np.int64)), 1)
    assert only.X[:, 0].tolist() == image.ravel().tolist()


def test_scenes_have_a_label_for_each_pixel_and_share_no_picture():
    train, test = segmentation.scenes("train"), segmentation.scenes("test")
    for part in (train, test):
        assert part.images.shape == part.labels.shape == (3 * segmentation.SCENES, 28, 28)
        assert ((part.labels > 0) == (part.images > 0)).all()
        assert [set(np.unique(part.labels[i * segmentation.SCENES])) - {0} for i in range(3)] == [
            {1},
            {2},
            {3},
        ]
    assert not {image.tobytes() for image in train.images} & {image.tobytes() for image in test.images}


def test_intersection_over_union_is_the_jaccard_score():
    random = np.random.default_rng(0)
    true, predicted = random.integers(0, 4, (2, 500))
    found = segmentation.intersection_over_union(confusion_matrix(true, predicted))
    np.testing.assert_allclose(found, jaccard_score(true, predicted, average=None))


@pytest.mark.parametrize("window", [1, 5])
def test_one_convolution_gives_the_logits_of_all_rows(window):
    random = torch.Generator().manual_seed(0)
    model = Segmented(
        torch.randn(4, window**2, generator=random),
        torch.randn(4, generator=random),
        np.empty(0),
        np.empty(0),
    )
    by_convolution, by_rows = segmentation.logits_both_ways(model, window)
    assert by_convolution.shape == (4, 28, 28)
    torch.testing.assert_close(by_convolution, by_rows, atol=1e-12, rtol=0)


def test_a_pixel_alone_knows_ink_from_paper_and_nothing_else():
    alone, wide = segmentation.segment(1), segmentation.segment(9)
    assert alone.overlap[0] > 0.8 and sorted(alone.overlap[1:])[:2] == [0, 0]
    assert wide.overlap.mean() > alone.overlap.mean()
    said = {tuple(alone.labels[segmentation.scenes("test").images == byte]) for byte in (0, 255)}
    assert all(len(set(labels)) == 1 for labels in said)  # equal bytes, equal labels


def test_labels_are_inks_of_their_colours():
    image, labels = np.zeros((28, 28), np.uint8), np.zeros((28, 28), np.int64)
    image[0, 1], labels[0, 1], labels[0, 2] = 255, 1, 3
    inks = experiment.labelled_inks(image, labels).reshape(3, 784)
    assert (255 - inks[:, 0]).tolist() == [239, 239, 239]
    assert (255 - inks[:, 2]).tolist() == [0, 158, 115]
    assert (255 - inks[:, 1]).round().tolist() == [0, 46, 71]  # two fifths of the light of (0, 114, 178)


def test_a_look_at_a_pixel_is_what_the_trained_model_says():
    number, (row, column) = experiment.examples()[3], (12, 9)
    found = experiment.look(9, 4, row, column)
    rows = segmentation.window_rows(
        Scenes(segmentation.scenes("test").images[[number]], segmentation.scenes("test").labels[[number]]), 9
    )
    x = torch.from_numpy(rows.X[28 * (row - 1) + column - 1]).float() / 255
    model = segmentation.segment(9)
    expected = torch.softmax(model.weight @ x + model.bias, 0).numpy()
    np.testing.assert_allclose([found[f"p{i}"][0] for i in range(4)], expected, atol=1e-5)
    assert found["said"] == segmentation.CLASSES[expected.argmax()]
    assert found["right"] == pytest.approx(
        (model.labels[number] == segmentation.scenes("test").labels[number]).mean(), abs=2 / 784
    )


def test_the_missions_can_be_done():
    assert max(experiment.look(21, example, 1, 1)["right"] for example in range(1, 16)) > 0.99
    bar = np.zeros((28, 28), np.uint8)
    bar[2:27, 12:16] = 200
    found = experiment.drawn(bar.ravel(), 21)
    assert found["trousers"] > 0.8
    assert sum(found[name] for name in ("paper", "trousers", "bags", "boots")) == pytest.approx(1)
    assert experiment.drawn(np.zeros(784, np.uint8), 9)["bags"] == 0


def test_the_background_is_found_best_with_any_window():
    for window in experiment.WINDOWS:
        found = experiment.overlaps(window)
        assert found["best"] == "background" and found["accuracy"] > found["things"]


def test_the_kept_scenes_are_those_of_the_example():
    kept = whole.results()
    scenes = compose(fashion_mnist().test, 6, seed=0)
    assert np.array_equal(kept["scenes"], scenes.pixels) and np.array_equal(kept["labels"][0], scenes.labels)


def test_what_sees_a_shape_names_more_pixels_of_the_kept_scenes():
    truth, *answers = whole.results()["labels"]
    right = [float((answer == truth).mean()) for answer in answers]
    assert right == sorted(right)
    for scores in ("mean_iou", "accuracy"):
        assert list(whole.results()[scores]) == sorted(whole.results()[scores])


@pytest.mark.parametrize(
    "strip", ["at-06", "at-08", "at-10", "t-shirt-to-dress", "sneaker-to-boot", "more-dress"]
)
def test_a_glow_needs_fewer_bits_than_zlib_and_fewest_for_nothing(strip):
    found = whole.generated(strip)
    zlib, independent, garments, digits, _, black = found["bits"]
    assert black < digits < garments < independent < zlib and found["simplest"] == "plain-fewest"
    assert len(found["made"]) == 10 and all(len(image) == 784 for image in found["made"])


def test_inks_are_what_colours_lack():
    labels = np.arange(11, dtype=np.uint8).reshape(1, 11)
    inks = whole.inks_of(labels).reshape(3, 11)
    assert np.array_equal(255 - inks.T, whole.PALETTE) and not inks[:, 0].any()
