"""IDX files: what is read is what was written, and each kind of damage is named."""

import gzip
import struct

import numpy as np
import pytest

from conftest import idx_bytes
from onelayer.data.idx import open_idx_folder, read_evaluation_part, read_idx
from onelayer.errors import OneLayerError


@pytest.mark.parametrize("compress", [False, True])
def test_values_come_back(tmp_path, compress):
    values = np.arange(24).reshape(2, 3, 4)
    content = idx_bytes(values)
    path = tmp_path / ("images.gz" if compress else "images")
    path.write_bytes(gzip.compress(content) if compress else content)
    found = read_idx(path, 3)
    assert found.dtype == np.uint8
    assert np.array_equal(found, values)


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


def test_first_class_may_be_empty_as_in_emnist_letters(idx_folder):
    (idx_folder / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(np.arange(40) % 3 + 1)))
    assert open_idx_folder(idx_folder, "x").classes == ("0", "1", "2", "3")


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
        (LABELS, lambda b: gzip.decompress(b), "corrupt or truncated gzip"),
        (
            LABELS,
            lambda b: gzip.compress(idx_bytes(np.array([0, 1] * 19 + [7, 0]))),
            "label 7 at row 39 is out of range",
        ),
        (
            "t10k-labels-idx1-ubyte.gz",
            lambda b: gzip.compress(idx_bytes(np.array([0, 1] * 4 + [1, 2]))),
            "label 2 at row 10 is out of range: the classes are 0 to 1",
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
    promised = f"{16 + shape[0] * shape[1] * shape[2]:,} bytes"
    with pytest.raises(OneLayerError, match=f"truncated: its header promises {promised}"):
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
    images, _, _ = read_evaluation_part(idx_folder, need_labels=True)
    assert len(images) == 10


def test_a_stray_largest_label_is_a_slip(tmp_path):
    labels = np.arange(3000) % 2
    labels[41] = 2
    for part, y in (("train", labels), ("t10k", np.array([0, 1]))):
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(np.zeros((len(y), 1, 1))))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(y))
    with pytest.raises(OneLayerError, match="label 2 at row 42 is out of range: only 1 of 3,000"):
        open_idx_folder(tmp_path, "x")


def test_a_folder_without_test_files_has_no_test_set(idx_folder):
    for file in idx_folder.glob("t10k*"):
        file.unlink()
    assert open_idx_folder(idx_folder, "tiny").test is None
