"""The experiments of the lesson on Fashion-MNIST, against the files' bytes and PIL."""

import numpy as np
import pytest
import torch
from PIL import Image

from onelayer.d2l.loaders import resize_images as resize
from onelayer.data.bundled import FASHION_MNIST
from onelayer.lab.lessons.fashion_mnist import experiment, timing
from onelayer.solvers.batches import Batches, epoch_order

HEADER = 16  # bytes of an IDX file of images


@pytest.fixture(scope="module")
def rows():
    return timing.training_images()


def test_images_are_the_bytes_of_the_file(rows):
    stored = np.fromfile(FASHION_MNIST / "train-images-idx3-ubyte", np.uint8, offset=HEADER)
    assert rows.X.shape == (60_000, 784)
    for i in (0, 59_999):
        assert np.array_equal(rows.X[i], stored[784 * i : 784 * (i + 1)])


def test_numbers_of_a_class_are_the_rows_with_its_label(rows):
    labels = np.fromfile(FASHION_MNIST / "train-labels-idx1-ubyte", np.uint8, offset=8)
    assert np.array_equal(experiment.numbers_of_class(rows, 9), np.flatnonzero(labels == 9))
    assert experiment.class_counts(rows) == [6000] * 10
    assert (
        experiment.class_counts(rows.take(torch.arange(3))) == np.bincount(labels[:3], minlength=10).tolist()
    )


def test_the_stored_images_are_the_first_of_each_class(rows):
    images, numbers = experiment.stored()["images"], experiment.stored()["numbers"]
    assert images.shape == (1000, 784) and images.dtype == np.uint8
    assert np.array_equal(images, rows.X[numbers].numpy())
    assert np.array_equal(rows.y[numbers], np.repeat(np.arange(10), 100))
    assert all(np.all(np.diff(numbers[100 * label :][:100]) > 0) for label in range(10))
    shown = experiment.browse("bag", 2, 3)
    assert shown["number"] == numbers[823] + 1 and shown["captions"][3] == f"{numbers[823] + 1:,}"
    assert shown["ink"] == pytest.approx(images[823].mean() / 255)
    assert experiment.CLASSES[shown["class"]] == "bag"
    assert images.mean(axis=1).max() > 0.6 * 255  # the mission can be done


def test_features_are_numbered_as_flattening_does(rows):
    image = experiment.image_of("sandal", 1, 2)
    for place in (1, 28, 29, 400, 784):
        found = experiment.flatten("sandal", 1, 2, place)
        assert place == experiment.feature_number(found["row"], found["column"])
        assert found["at_place"] == found["at_feature"] == found["features"][place]
        pixel = experiment.pixel("sandal", 1, 2, found["row"], found["column"])
        assert (pixel["feature"], pixel["byte"]) == (place, found["byte"])
    assert len(found["features"]) == 785 and found["byte"] == int(image[27, 27])


def test_an_edge_is_the_largest_step_to_a_neighbour():
    image = experiment.image_of("ankle-boot", 1, 0).int()
    found = experiment.pixel("ankle-boot", 1, 0, 1, 28)
    assert found["step"] == max(abs(image[0, 27] - image[0, 26]), abs(image[0, 27] - image[1, 27]))
    steps = [experiment.pixel("ankle-boot", 1, 4, r, c)["step"] for r in range(1, 29) for c in range(1, 29)]
    assert max(steps) > 200  # the mission can be done


def test_swaps_give_an_order_of_all_pixels():
    assert np.array_equal(experiment.pixel_order(0), np.arange(784))
    order = experiment.pixel_order(784)
    assert sorted(order) == list(range(784)) and (order != np.arange(784)).mean() > 0.99
    shown = experiment.scramble(7, 784)["pixels"]
    assert np.array_equal(shown[3], experiment.stored()["images"][306][order])


def test_softmax_regression_does_not_mind_the_order_of_pixels():
    found = experiment.permuted(epochs=1)
    assert found["difference"] == "same" and found["gap"] < 1e-5
    assert found["plain"][0] > 0.7 and abs(found["plain"][0] - found["shuffled"][0]) < 1e-3
    assert np.allclose(found["templates"][:10], found["templates"][20:], atol=1e-3)
    assert not np.allclose(found["templates"][:10], found["templates"][10:20], atol=1e-3)


def test_an_epoch_of_batches_visits_each_image_once(rows):
    few = rows.take(torch.arange(100))
    read = list(experiment.read_epoch(few, 32, 0, 1))
    assert [len(y) for _, y in read] == [32, 32, 32, 4]
    order = epoch_order(100, 0, 1)
    for (X, y), index in zip(read, order.split(32), strict=True):
        for ours, theirs in zip((X, y), few.batch(index), strict=True):
            assert torch.equal(ours, theirs) and ours.dtype == theirs.dtype
    found = experiment.batches(64, 3, 16)
    assert found["counted"] == found["expected"] == [16, 40, 1000] and found["seen"] == 1000
    assert experiment.batches(64, 3, 0)["rows"] == 0
    assert any(
        experiment.batches(32, 1, batch)["least"] == 0 for batch in range(1, 31)
    )  # the mission can be done


def test_resizing_is_that_of_the_library_before_it_rounds():
    for side in (5, 14, 28, 40):
        scaled = experiment.resize("dress", 1, 0, side)["images"][1].reshape(side, side)
        bytes_of_library = resize(experiment.image_of("dress", 1, 0)[None], (side, side))[0].numpy()
        assert np.abs(np.rint(scaled) - bytes_of_library).max() <= 1
    assert experiment.resize("dress", 1, 0, 9)["parameters"] == 820


def test_the_neighbourhood_ends_at_the_edge():
    image = torch.arange(784).view(28, 28)
    assert experiment.neighbourhood(image, 3, 3) == image[:5, :5].tolist()
    corner = experiment.neighbourhood(image, 28, 1)
    assert corner[2] == [None, None, 756, 757, 758]
    assert corner[3] == corner[4] == [None] * 5


def test_each_way_of_reading_gives_the_batch_of_the_library(rows):
    shuffled = torch.randperm(60_000, generator=torch.Generator().manual_seed(0))[:100]
    in_order = torch.arange(300, 400)
    for read, index in ((timing.read_one_by_one, shuffled), (timing.read_neighbours, in_order)):
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
    assert timing.pass_time(read, order, batch_size=20) == 10 * 3
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
    monkeypatch.setattr(timing.concise, "train_epoch", slow_training)
    assert timing.reading_and_training(None, few) == {"reading": 4 * 2, "training": 4 * 7}
    X, y = (torch.cat(parts) for parts in zip(*seen, strict=True))
    assert X.shape == (1024, 784) and sorted(y.tolist()) == sorted(few.y.tolist())


@pytest.mark.parametrize("size", [(64, 64), (14, 14), (40, 20)])
def test_resize_is_pils_bilinear_filter(rows, size):
    images = rows.X[:20].view(-1, 28, 28)
    scaled = resize(images, size)
    assert scaled.shape == (20, *size) and scaled.dtype == torch.uint8
    for ours, image in zip(scaled.numpy(), images.numpy(), strict=True):
        pils = np.asarray(Image.fromarray(image).resize(size[::-1], Image.Resampling.BILINEAR))
        assert np.abs(ours.astype(int) - pils).max() <= 1
