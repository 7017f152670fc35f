"""Segmentation: exact labels, what each rung can see, its score against scikit-learn's, and a run of the command."""

import importlib
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file
from sklearn.metrics import accuracy_score, jaccard_score
from torch.nn.functional import unfold

from onelayer import OneLayerError, Rows
from onelayer.examples.segmentation.ladder import Rung, Score, ladder, learn, measure, overfitted, up_and_down
from onelayer.examples.segmentation.networks import FCN, SoftmaxOfPatches, UNet
from onelayer.examples.segmentation.scenes import CLASSES, Scenes, compose, nuclei

BRIGHT = 180  # no background is as light, and no item of 255 as dark, whatever the noise


@pytest.fixture(scope="module")
def garments():
    from onelayer import fashion_mnist

    return fashion_mnist()


def items_of(*images):
    return Rows(
        np.stack([image.ravel() for image in images]).astype(np.uint8), np.arange(len(images)), unit=1 / 255
    )


def test_the_labels_of_a_scene_are_the_items_own_pixels():
    left_half, frame = np.zeros((28, 28)), np.full((28, 28), 255)
    left_half[:, :14] = 255
    frame[8:20, 8:20] = 0  # the hole shows what is behind
    scenes = compose(items_of(left_half, frame), 50, seed=1)
    assert scenes.pixels.shape == scenes.labels.shape == (50, 64, 64)
    assert scenes.pixels.dtype == scenes.labels.dtype == np.uint8
    np.testing.assert_array_equal(scenes.labels > 0, scenes.pixels > BRIGHT)
    assert set(np.unique(scenes.labels)) == {0, 1, 2}


def test_an_item_lies_at_most_eight_pixels_beyond_the_border_and_later_items_cover_earlier_ones():
    squares = [np.full((28, 28), 255)] * 3
    scenes = compose(items_of(*squares), 300, seed=2)
    sizes = [(scenes.labels == k).sum((1, 2)) for k in (1, 2, 3)]
    covered = (scenes.labels > 0).sum((1, 2))
    assert covered.min() >= 20 * 20 and covered.max() <= 6 * 28 * 28
    assert any(0 < size < 400 for size in np.concatenate(sizes)), "some item is covered in part"


def test_items_are_mirrored_half_of_the_time():
    wedge = np.where(np.arange(28) < 4, 255, 1) * np.ones((28, 1))  # bright at its left
    scenes = compose(items_of(wedge), 400, seed=3)
    bright = (scenes.pixels > BRIGHT) & (scenes.labels == 1)
    right_of_it = np.roll(scenes.labels, -5, axis=2) == 1
    left_of_it = np.roll(scenes.labels, 5, axis=2) == 1
    as_it_was = (bright & right_of_it & ~left_of_it).sum()
    mirrored = (bright & left_of_it & ~right_of_it).sum()
    assert 0.8 < as_it_was / mirrored < 1.25


def test_a_seed_gives_the_same_scenes_again(garments):
    first, again, other = (compose(garments.test, 5, seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(first.pixels, again.pixels)
    np.testing.assert_array_equal(first.labels, again.labels)
    assert (first.labels != other.labels).any()


@pytest.mark.parametrize("size", [1, 9, 21])
def test_the_first_rungs_are_softmax_regression_on_patches(size):
    model, X = SoftmaxOfPatches(size, 3).double(), torch.rand(2, 24, 24, dtype=torch.float64) * 255
    patches = unfold((X.unsqueeze(1) - 80) / 80, size, padding=size // 2)  # (m, size², h · w)
    weight = model.affine.weight.reshape(3, -1)
    expected = torch.einsum("qd,mdp->mqp", weight, patches) + model.affine.bias[:, None]
    torch.testing.assert_close(model(X), expected.reshape(2, 3, 24, 24))


@pytest.mark.parametrize("network", [SoftmaxOfPatches(9, 4), FCN(4, 8), UNet(4, 8)])
def test_there_are_logits_for_each_pixel(network):
    assert network(torch.zeros(2, 64, 64)).shape == (2, 4, 64, 64)
    assert network(torch.zeros(2, 32, 48)).shape == (2, 4, 32, 48)


def seen_by(network):
    """Return which pixels the logits of the pixel in the middle depend on."""
    X = torch.rand(1, 64, 64, generator=torch.Generator().manual_seed(0)) * 255
    X.requires_grad_()
    network.eval()(X)[0, :, 32, 32].square().sum().backward()
    return X.grad[0] != 0


def test_one_layer_sees_its_patch_and_no_more_and_a_u_net_sees_a_whole_item():
    seen = seen_by(SoftmaxOfPatches(21, 3))
    assert seen[22:43, 22:43].all() and seen.sum() == 21 * 21
    assert seen_by(UNet(3, 8))[32 - 14 : 32 + 14, 32 - 14 : 32 + 14].float().mean() > 0.9


def test_the_score_is_scikit_learns():
    draw = np.random.default_rng(0)
    true, answered = draw.integers(0, 4, 500), draw.integers(0, 4, 500)
    counts = np.zeros((4, 4), int)
    np.add.at(counts, (true, answered), 1)
    score = Score(counts)
    np.testing.assert_allclose(score.iou, jaccard_score(true, answered, average=None))
    assert score.mean_iou == pytest.approx(jaccard_score(true, answered, average="macro"))
    assert score.accuracy == pytest.approx(accuracy_score(true, answered))


def test_a_class_that_is_nowhere_does_not_count():
    score = Score(np.array([[3, 1, 0], [0, 4, 0], [0, 0, 0]]))
    assert score.mean_iou == pytest.approx((3 / 4 + 4 / 5) / 2)


def test_a_model_is_measured_on_every_pixel():
    class Bright(torch.nn.Module):
        """Class 1 where a pixel is light."""

        def __init__(self):
            super().__init__()
            self.threshold = torch.nn.Parameter(torch.tensor(100.0))

        def forward(self, X):
            return torch.stack([self.threshold.expand_as(X), X], dim=1)

    draw = np.random.default_rng(1)
    pixels, labels = (draw.integers(0, high, (120, 8, 8)).astype(np.uint8) for high in (256, 2))
    counts = measure(Bright(), Scenes(pixels, labels), 2).counts
    assert counts.sum() == labels.size
    assert counts[1, 1] == ((pixels > 100) & (labels == 1)).sum()


def test_the_rate_goes_up_and_comes_down_to_nothing():
    rates = [up_and_down(k / 1000) for k in range(1000)]
    assert rates[0] == 0 and max(rates) == pytest.approx(1) and rates[-1] < 1e-5
    assert np.argmax(rates) == 100


def test_a_u_net_learns_one_scene_by_heart(garments):
    torch.manual_seed(0)
    score = overfitted(UNet(len(CLASSES), 32), compose(garments.train, 1, seed=0), len(CLASSES), lr=0.012)
    assert score.mean_iou >= 0.94


def test_one_layer_cannot_name_a_garment_and_more_can(garments):
    """The chapter's point, on a few scenes of two garments that differ in their shapes alone: all are white."""
    kinds = [garments.test.y == k for k in (1, 8)]  # trousers and bags
    X = np.concatenate([np.asarray(garments.test.X)[kind] for kind in kinds])
    silhouettes = Rows(
        np.where(X > 0, 255, 0).astype(np.uint8), np.repeat([0, 1], [kind.sum() for kind in kinds])
    )
    train, test = compose(silhouettes, 600, seed=0), compose(silhouettes, 60, seed=1)
    found = []
    for rung in ladder(3, 600, 3, 16):
        torch.manual_seed(0)
        learn(rung, train, lr=0.012, batch_size=8)
        found.append(measure(rung.model, test, 3))
    pixel, *_, u_net = found
    assert pixel.iou[0] > 0.99, "light and dark are all that one pixel tells"
    assert min(pixel.iou[1:]) < 0.1 and u_net.mean_iou > pixel.mean_iou + 0.1


def test_the_command_trains_all_rungs_and_goes_on_where_it_stopped(onelayer, tmp_path):
    command = [
        "example",
        "segmentation",
        "--quick",
        "--scenes",
        60,
        "--epochs",
        1,
        "--width",
        4,
        "--device",
        "cpu",
    ]
    result = onelayer(*command)
    assert result.code == 0, result.err
    folder = tmp_path / "runs" / "example-segmentation"
    names = {"results.csv", "scenes.png", "confusion.png", "model.safetensors"}
    assert names <= {path.name for path in folder.iterdir()}
    lines = (folder / "results.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == [
        *("model", "softmax 1×1", "softmax 9×9", "softmax 21×21", "FCN", "U-Net")
    ]
    kept = load_file(folder / "model.safetensors")
    assert kept.keys() == UNet(11, 4).state_dict().keys()
    assert onelayer(*command, "--resume").code == 0
    for name, tensor in load_file(folder / "model.safetensors").items():
        np.testing.assert_array_equal(tensor, kept[name])


def test_a_device_that_is_not_there_is_an_error(onelayer):
    assert "tpu" in onelayer("example", "segmentation", "--quick", "--device", "tpu").error


def test_nuclei_need_stardist(onelayer, monkeypatch):
    monkeypatch.setattr(sys, "path", [p for p in sys.path if "stardist" not in p])
    if importlib.util.find_spec("stardist"):
        pytest.skip("stardist is installed")
    assert "pip install --no-deps stardist" in onelayer("example", "segmentation", "--nuclei").error


@pytest.fixture
def stardist(tmp_path, monkeypatch):
    """A package of this name, with a picture whose left half is dark and whose right half tells its place."""
    folder = tmp_path / "site" / "stardist" / "data" / "images"
    folder.mkdir(parents=True)
    (tmp_path / "site" / "stardist" / "__init__.py").write_text("raise RuntimeError('not to be imported')")
    picture = np.zeros((512, 512), np.uint16)
    picture[:, 256:] = np.arange(512)[:, None] % 200 + 1
    Image.fromarray(picture).save(folder / "img2d.tif")
    Image.fromarray((picture > 0) * np.uint16(300)).save(folder / "mask2d.tif")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return picture


def test_nuclei_are_learned_from_one_half_and_tested_on_the_other(stardist):
    train, test = nuclei(20, seed=0)
    assert train.pixels.shape == (20, 64, 64) and not train.pixels.any() and not train.labels.any()
    assert (test.labels == 1).all()
    whole = test.pixels.reshape(8, 4, 64, 64).transpose(0, 2, 1, 3).reshape(512, 256)
    np.testing.assert_array_equal(whole, stardist[:, 256:])


def test_a_picture_that_is_missing_is_an_error(stardist, tmp_path):
    (tmp_path / "site" / "stardist" / "data" / "images" / "mask2d.tif").unlink()
    with pytest.raises(OneLayerError, match="the picture of nuclei cannot be read"):
        nuclei(1, seed=0)


def test_a_rung_takes_the_first_scenes(garments):
    scenes = compose(garments.test, 6, seed=0)
    torch.manual_seed(0)
    one, other = SoftmaxOfPatches(1, 11), SoftmaxOfPatches(1, 11)
    other.load_state_dict(one.state_dict())
    learn(Rung("", one, 4, 1), scenes, lr=0.1, batch_size=2)
    learn(Rung("", other, 4, 1), scenes.first(4), lr=0.1, batch_size=2)
    torch.testing.assert_close(one.affine.weight, other.affine.weight)
