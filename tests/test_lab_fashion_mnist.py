"""The experiments of the lab's lesson on Fashion-MNIST, against the files' bytes and PIL."""

import base64
import re
from io import BytesIO

import numpy as np
import pytest
import torch
from PIL import Image

from onelayer.d2l.loaders import resize_images as resize
from onelayer.data.bundled import FASHION_MNIST
from onelayer.lab.images import gallery, grey
from onelayer.lab.lessons.fashion_mnist import experiment
from onelayer.solvers.batches import Batches

HEADER = 16  # bytes of an IDX file of images


@pytest.fixture(scope="module")
def rows():
    return experiment.training_images()


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


def test_each_way_of_reading_gives_the_batch_of_the_library(rows):
    shuffled = torch.randperm(60_000, generator=torch.Generator().manual_seed(0))[:100]
    in_order = torch.arange(300, 400)
    for read, index in ((experiment.read_one_by_one, shuffled), (experiment.read_neighbours, in_order)):
        for ours, expected in zip(read(rows, index), rows.batch(index), strict=True):
            assert torch.equal(ours, expected) and ours.dtype == expected.dtype


@pytest.fixture
def clock(monkeypatch) -> list[float]:
    """The time in seconds that timers see: it stands still unless a test moves it."""
    now = [0.0]
    monkeypatch.setattr("onelayer.timer.perf_counter", lambda: now[0])
    return now


def test_a_pass_takes_what_undisturbed_batches_take(clock):
    visited = []

    def read(index):
        visited.extend(index.tolist())
        clock[0] += 50 if len(visited) % 40 == 0 else 3  # every other batch waits for other work

    order = torch.randperm(200, generator=torch.Generator().manual_seed(0))
    assert experiment.pass_time(read, order, batch_size=20) == 10 * 3
    assert visited == order.tolist()


def test_times_of_reading_and_of_training_are_told_apart(clock, monkeypatch, rows):
    few, seen = rows.take(torch.arange(4 * 256)), []
    read = Batches.batch

    def slow_read(self, index):
        clock[0] += 2
        return read(self, index)

    def slow_training(model, rows, order, batch_size, lr):
        clock[0] += 1000  # before the first batch: no training yet
        for index in order.split(batch_size):
            seen.append(rows.batch(index))
            clock[0] += 7

    monkeypatch.setattr(Batches, "batch", slow_read)
    monkeypatch.setattr(experiment.concise, "train_epoch", slow_training)
    assert experiment.reading_and_training(None, few) == {"reading": 4 * 2, "training": 4 * 7}
    X, y = (torch.cat(parts) for parts in zip(*seen, strict=True))
    assert X.shape == (1024, 784) and sorted(y.tolist()) == sorted(few.y.tolist())


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
