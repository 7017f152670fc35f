"""The experiments of the lab's lesson on Fashion-MNIST, against the files' bytes and PIL."""

import base64
import re
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from onelayer import Timer, fashion_mnist
from onelayer.data.bundled import FASHION_MNIST, FASHION_MNIST_CLASSES
from onelayer.data.images import resize
from onelayer.lab.images import gallery, grey
from onelayer.lab.lessons.fashion_mnist import experiment

HEADER = 16  # bytes of an IDX file of images


@pytest.fixture(scope="module")
def rows():
    return fashion_mnist().train


def test_the_classes_are_those_of_the_data_in_their_order():
    assert [name.replace("-", " ") for name in experiment.CLASSES] == [
        name.replace("-", " ") for name in FASHION_MNIST_CLASSES
    ]
    assert list(experiment.CLASSES.values()) == list(range(10))


def test_images_are_the_bytes_of_the_file(rows):
    stored = np.fromfile(FASHION_MNIST / "train-images-idx3-ubyte", np.uint8, offset=HEADER)
    images = experiment.images_of(rows)
    assert images.shape == (60_000, 28, 28)
    for i in (0, 59_999):
        assert np.array_equal(images[i].flatten(), stored[784 * i : 784 * (i + 1)])


def test_numbers_of_a_class_are_the_rows_with_its_label(rows):
    labels = np.fromfile(FASHION_MNIST / "train-labels-idx1-ubyte", np.uint8, offset=8)
    assert np.array_equal(experiment.numbers_of_class(rows, 9), np.flatnonzero(labels == 9))
    assert experiment.class_counts(rows) == [6000] * 10
    assert (
        experiment.class_counts(rows.take(torch.arange(3))) == np.bincount(labels[:3], minlength=10).tolist()
    )


def test_the_table_of_pixels_numbers_features_as_flattening_does(rows):
    image = experiment.images_of(rows)[0]
    table = experiment.pixels(image).to_pylist()
    assert len(table) == 784
    for line in table:
        assert line["byte"] == int(image[line["row"] - 1, line["column"] - 1])
        assert line["byte"] == int(rows.X[0, line["feature"] - 1])
        assert line["feature"] == experiment.feature_number(line["row"], line["column"])
        assert line["value"] == line["byte"] / 255
    assert (table[0]["feature"], table[-1]["feature"]) == (1, 784)


def test_the_neighbourhood_ends_at_the_edge():
    image = torch.arange(784).view(28, 28)
    assert experiment.neighbourhood(image, 3, 3) == image[:5, :5].tolist()
    corner = experiment.neighbourhood(image, 28, 1)
    assert corner[2] == [None, None, 756, 757, 758]
    assert corner[3] == corner[4] == [None] * 5


def test_each_way_of_reading_visits_each_row_once(rows, monkeypatch):
    few = rows.take(torch.arange(1000))
    order = torch.randperm(1000, generator=torch.Generator().manual_seed(0))
    seen: list[int] = []

    class Recording:
        """Rows that note which of them are asked for."""

        def batch(self, index):
            seen.extend(index.tolist())
            return few.batch(index)

        def take(self, index):
            seen.extend(index.tolist())
            return few.take(index)

    for read in (experiment.read_batches, experiment.read_bytes):
        seen.clear()
        read(Recording(), order)
        assert seen == order.tolist()


def test_the_shortest_of_the_rounds_is_kept(monkeypatch):
    laps = iter([3.0, 20.0, 1.0, 30.0])
    monkeypatch.setattr(Timer, "stop", lambda self: self.times.append(next(laps)))
    calls = []
    times = experiment.shortest_times(
        {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}, rounds=2
    )
    assert times == {"a": 1.0, "b": 20.0} and calls == ["a", "b"] * 2


@pytest.mark.parametrize("size", [(64, 64), (14, 14), (40, 20)])
def test_resize_is_pils_bilinear_filter(rows, size):
    images = experiment.images_of(rows)[:20]
    scaled = resize(images, size)
    assert scaled.shape == (20, *size) and scaled.dtype == torch.uint8
    for ours, image in zip(scaled.numpy(), images.numpy(), strict=True):
        pils = np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR))
        assert np.abs(ours.astype(int) - pils).max() <= 1


def test_pictures_are_the_pixels_as_ink_on_paper():
    pixels = np.arange(12, dtype=np.uint8).reshape(3, 4) * 20
    assert np.array_equal(np.asarray(grey(pixels)), 255 - pixels)


def test_a_gallery_has_each_image_with_a_text_alternative():
    pixels = np.zeros((2, 2), np.uint8)
    source = gallery([grey(pixels), grey(pixels + 255)], ["a <b>", "c"], width=50).source
    assert re.findall(r'alt="([^"]*)"', source) == ["a &lt;b&gt;", "c"]
    files = [base64.b64decode(data) for data in re.findall(r"base64,([^\"]+)", source)]
    assert [np.asarray(Image.open(BytesIO(file)))[0, 0] for file in files] == [255, 0]
    with pytest.raises(ValueError, match="zip"):
        gallery([grey(pixels)], [])
