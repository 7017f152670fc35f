"""IDX files: what is read is what was written, and each kind of damage is named."""

import gzip
import os
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from conftest import idx_bytes, zstandard
from onelayer.data.idx import read_images, read_labels
from onelayer.data.idx_folder import class_numbers, open_idx_folder, read_evaluation_images
from onelayer.errors import OneLayerError

COMPRESSIONS = {"none": bytes, "gzip": gzip.compress, "zstandard": zstandard}


@pytest.mark.parametrize("name", ["images", "images.gz", "images.zst", "images.dat"])
@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_values_come_back_whatever_the_file_is_called(tmp_path, name, compression):
    values = np.arange(24).reshape(2, 3, 4)
    (tmp_path / name).write_bytes(COMPRESSIONS[compression](idx_bytes(values)))
    images, shape = read_images(tmp_path / name)
    assert images.dtype == np.uint8 and images.flags.writeable
    assert np.array_equal(images.reshape(2, *shape), values)
    images, shape = read_images(tmp_path / name, transpose=True)
    assert shape == (4, 3) and np.array_equal(images.reshape(2, *shape), values.transpose(0, 2, 1))


@pytest.mark.parametrize("parts", [1, 3])
def test_gzip_files_of_several_members_are_one_stream(tmp_path, parts):
    """RFC 1952: members follow one another; ``cat a.gz b.gz`` makes such files."""
    content = idx_bytes(np.arange(24).reshape(2, 3, 4))
    cut = np.array_split(np.frombuffer(content, np.uint8), parts)
    (tmp_path / "images").write_bytes(b"".join(gzip.compress(part.tobytes()) for part in cut))
    assert read_images(tmp_path / "images")[0].ravel().tolist() == [*range(24)]


@pytest.mark.parametrize(
    ("code", "form", "values"),
    [
        (0x08, ">B", [0, 9, 255]),
        (0x09, ">b", [-128, 0, 127]),
        (0x0B, ">h", [-(2**15), 300, 2**15 - 1]),
        (0x0C, ">i", [-(2**31), 4, 2**31 - 1]),
    ],
)
def test_labels_of_each_integer_type(tmp_path, code, form, values):
    content = bytes([0, 0, code, 1]) + struct.pack(">I", 3) + b"".join(struct.pack(form, v) for v in values)
    (tmp_path / "labels").write_bytes(content)
    found = read_labels(tmp_path / "labels")
    assert found.dtype == np.int64 and found.tolist() == values


@pytest.mark.parametrize("code", [0x0D, 0x0E, 0x0A, 0x00])
def test_labels_of_another_type_are_refused(tmp_path, code):
    (tmp_path / "labels").write_bytes(bytes([0, 0, code, 1]) + struct.pack(">I", 1) + bytes(8))
    with pytest.raises(OneLayerError, match="not an IDX file of integer labels"):
        read_labels(tmp_path / "labels")


def test_folder_has_both_parts(idx_folder):
    data = open_idx_folder(idx_folder, "tiny")
    assert data.train.X.shape == (40, 6) and data.test.X.shape == (10, 6)
    assert data.image_shape == (3, 2) and data.classes == ("0", "1")
    assert data.train.y.tolist() == [0, 1] * 20


@pytest.mark.parametrize("layout", ["Tiny/raw", "raw"])
def test_torchvision_layout(idx_folder, tmp_path, layout):
    raw = tmp_path / "root" / layout
    raw.parent.mkdir(parents=True)
    idx_folder.rename(raw)
    assert len(open_idx_folder(tmp_path / "root", "x").train) == 40
    assert len(open_idx_folder(raw, "x").train) == 40


def test_several_data_sets_in_a_folder_are_told_apart_by_their_prefix(idx_folder):
    for file in list(idx_folder.iterdir()):
        for prefix in ("emnist-letters", "emnist-digits"):
            (idx_folder / f"{prefix}-{file.name.replace('t10k', 'test')}").write_bytes(file.read_bytes())
        file.unlink()
    with pytest.raises(OneLayerError, match="several data sets"):
        open_idx_folder(idx_folder, "x")
    assert len(open_idx_folder(idx_folder / "emnist-letters", "x").test) == 10


def write_labels(folder, train, test):
    for part, labels in (("train", train), ("t10k", test)):
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(
            idx_bytes(np.resize(labels, 40 if part == "train" else 10))
        )


@pytest.mark.parametrize("present", [[4, 9], [9, 2, 7], [*range(1, 27)], [0, 255]])
def test_the_classes_are_the_labels_that_are_there(idx_folder, present):
    """Two digits of MNIST, EMNIST's letters from 1 to 26: each class is named by its number, in their order."""
    write_labels(idx_folder, present, present[:2])
    data = open_idx_folder(idx_folder, "x")
    assert data.classes == tuple(str(label) for label in sorted(present))
    assert [int(data.classes[k]) for k in data.train.y] == np.resize(present, 40).tolist()
    assert [int(data.classes[k]) for k in data.test.y] == np.resize(present[:2], 10).tolist()


def test_labels_in_another_order_than_the_classes_names():
    classes = ("10", "9", "-3")
    assert class_numbers(np.array([9, -3, 10, 9]), classes, Path("y")).tolist() == [1, 2, 0, 1]
    assert class_numbers(np.array([2, 0]), ("cat", "dog", "7"), Path("y")).tolist() == [2, 0]
    for label in (-4, 0, 11, 2**40):
        with pytest.raises(
            OneLayerError, match=f"y: label {label} in row 2 is not one of the classes 10, 9, -3"
        ):
            class_numbers(np.array([9, label]), classes, Path("y"))


def test_one_label_and_too_many_are_no_classes(idx_folder):
    write_labels(idx_folder, [7], [7])
    with pytest.raises(OneLayerError, match="every label is 7"):
        open_idx_folder(idx_folder, "x")
    n = 1001
    (idx_folder / IMAGES).write_bytes(idx_bytes(np.zeros((n, 3, 2))))
    labels = bytes([0, 0, 0x0C, 1]) + struct.pack(">I", n) + np.arange(n, dtype=">i4").tobytes()
    (idx_folder / LABELS).write_bytes(labels)
    with pytest.raises(OneLayerError, match="1,001 different labels"):
        open_idx_folder(idx_folder, "x")


IMAGES = "train-images-idx3-ubyte"
LABELS = "train-labels-idx1-ubyte.gz"


@pytest.mark.parametrize(
    ("file", "damage", "message"),
    [
        (
            IMAGES,
            lambda b: b[:-1],
            "truncated: its header promises 256 bytes .40 × 3 × 2 values., it has 255",
        ),
        (IMAGES, lambda b: b + b"x", "too long"),
        (IMAGES, lambda b: b"\0\0\x08\x01" + b[4:], "begins with 00 00 08 01, expected 00 00 08 03"),
        (IMAGES, lambda b: b"PNG", "not an IDX file"),
        (IMAGES, lambda b: b"", "begins with nothing"),
        (IMAGES, lambda b: b[:10], "not an IDX file"),
        (IMAGES, lambda b: idx_bytes(np.zeros((39, 3, 2))), "39 images, but .* has 40 labels"),
        (IMAGES, lambda b: idx_bytes(np.zeros((0, 3, 2))), "has no images"),
        (LABELS, lambda b: b[:-10], "corrupt or truncated gzip"),
        (LABELS, lambda b: b[:20] + b"\xff\xff" + b[22:], "corrupt or truncated gzip"),
        (LABELS, lambda b: b + b"x", "corrupt or truncated gzip"),
        (LABELS, lambda b: gzip.compress(gzip.decompress(b) + b"x"), "too long: .* it has more"),
        (LABELS, lambda b: gzip.compress(gzip.decompress(b)[:-1]), "truncated: .* 48 bytes .* it has 47"),
        (LABELS, lambda b: zstandard(gzip.decompress(b))[:-1], "cannot be read .Truncated compressed"),
        (LABELS, lambda b: zstandard(gzip.decompress(b) + b"x"), "too long"),
        (
            "t10k-labels-idx1-ubyte.gz",
            lambda b: gzip.compress(idx_bytes(np.array([0, 1] * 4 + [1, 2]))),
            "label 2 in row 10 is not one of the classes 0, 1",
        ),
        (
            "t10k-images-idx3-ubyte",
            lambda b: idx_bytes(np.zeros((10, 2, 2))),
            "images are 2×2, those for training 3×2",
        ),
    ],
)
def test_damage_is_named(idx_folder, file, damage, message):
    path = idx_folder / file
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(OneLayerError, match=message) as error:
        open_idx_folder(idx_folder, "tiny")
    assert "-ubyte" in str(error.value)


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(
    "shape",
    [(2**31, 2**31, 4), (2**32 - 1, 2**32 - 1, 2**32 - 1), (2**32 - 1, 1, 1), (2**16, 2**16, 2**32 - 1)],
)
def test_dimensions_beyond_any_file_are_named_and_nothing_is_allocated(idx_folder, shape, suffix):
    """The first product is 0 modulo 2⁶⁴, so that in 64 bits it would fit a file without values."""
    content = bytes([0, 0, 8, 3]) + struct.pack(">3I", *shape)
    (idx_folder / IMAGES).unlink()
    (idx_folder / (IMAGES + suffix)).write_bytes(gzip.compress(content) if suffix else content)
    tracemalloc.start()
    promised = f"{16 + shape[0] * shape[1] * shape[2]:,} bytes"
    with pytest.raises(OneLayerError, match=f"truncated: its header promises {promised}"):
        open_idx_folder(idx_folder, "tiny")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**22


@pytest.mark.parametrize("compression", ["gzip", "zstandard"])
def test_what_inflates_beyond_its_header_is_not_inflated(idx_folder, compression):
    """64 MB of zeros after the images: a fraction of that is enough to see that the file is too long."""
    content = idx_bytes(np.zeros((40, 3, 2))) + bytes(2**26)
    (idx_folder / IMAGES).write_bytes(COMPRESSIONS[compression](content))
    del content
    tracemalloc.start()
    with pytest.raises(OneLayerError, match="too long"):
        open_idx_folder(idx_folder, "tiny")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**22


def test_what_is_not_a_file_is_not_waited_for(idx_folder):
    (idx_folder / IMAGES).unlink()
    os.mkfifo(idx_folder / IMAGES)
    with pytest.raises(OneLayerError, match="is not a regular file"):
        open_idx_folder(idx_folder, "tiny")


@pytest.mark.parametrize(
    "damage", [lambda path: path.write_bytes(b""), lambda path: path.write_bytes(bytes(256))]
)
def test_what_was_read_stays_when_the_file_changes(idx_folder, damage):
    """A mapped file would end in SIGBUS, or in other pixels."""
    data = open_idx_folder(idx_folder, "tiny")
    before = data.train.X.copy()
    damage(idx_folder / IMAGES)
    assert np.array_equal(data.train.X, before)


@pytest.mark.parametrize(
    ("file", "message"),
    [(IMAGES, "no train images"), (LABELS, "no train labels"), ("t10k-images-idx3-ubyte", "no test images")],
)
def test_missing_file(idx_folder, file, message):
    (idx_folder / file).unlink()
    with pytest.raises(OneLayerError, match=message):
        open_idx_folder(idx_folder, "tiny")


def test_another_data_set_in_a_subfolder_is_left_alone(idx_folder, tmp_path):
    raw = idx_folder / "raw"
    raw.mkdir()
    for file in idx_folder.glob("train*"):
        file.rename(raw / file.name)
    images, _ = read_evaluation_images(idx_folder)
    assert len(images) == 10


@pytest.mark.parametrize("stray", [0, 3, 7])
def test_a_stray_label_is_a_slip(tmp_path, stray):
    labels = np.array([2, 5])[np.arange(3000) % 2]
    labels[41] = stray
    for part, y in (("train", labels), ("t10k", np.array([2, 5]))):
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(np.zeros((len(y), 1, 1))))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(y))
    with pytest.raises(OneLayerError, match=f"label {stray} in row 42 is hardly a class: only 1 of 3,000"):
        open_idx_folder(tmp_path, "x")


def test_a_folder_without_test_files_has_no_test_set(idx_folder):
    for file in idx_folder.glob("t10k*"):
        file.unlink()
    assert open_idx_folder(idx_folder, "tiny").test is None
