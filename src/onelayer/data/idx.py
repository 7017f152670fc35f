"""Images and labels in IDX, the format of MNIST and its kin, raw or gzip-compressed.

Format: two zero bytes, a byte for the type (8: unsigned byte), a byte for the number of dimensions, each
dimension as a big-endian 32-bit integer, then the values (yann.lecun.com/exdb/mnist).
"""

import gzip
import math
import os
import re
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from onelayer.data.dataset import Dataset
from onelayer.data.rows import PIXEL_UNIT, Rows
from onelayer.errors import OneLayerError

UNSIGNED_BYTE = 8
Bytes = NDArray[np.uint8]
Labels = NDArray[np.int64]

RARE = 1e-3  # the share of examples below which a class is in doubt
PART_NAMES = {"train": "train", "test": "t10k|test"}


def read_idx(path: Path, dimensions: int) -> Bytes:
    """Return the values of an IDX file of bytes: (n,) labels or (n, height, width) images, as uint8.

    They are copied into memory: pages of a mapped file would change, or go, when somebody writes to it.

    Raises:
        OneLayerError: if the file cannot be read, is corrupt, is not an IDX file of bytes with that many
            dimensions, or has more or fewer values than its header says.
    """
    header_size = 4 + 4 * dimensions
    try:
        if path.suffix == ".gz":
            content = bytearray(gzip.decompress(path.read_bytes()))
            shape = _shape_in(path, bytes(content[:header_size]), dimensions, len(content))
            values = np.frombuffer(content, np.uint8, offset=header_size)
        else:
            with path.open("rb", buffering=0) as file:
                size = os.fstat(file.fileno()).st_size
                shape = _shape_in(path, file.read(header_size), dimensions, size)
                values = np.fromfile(file, np.uint8, size - header_size)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise OneLayerError(f"{path}: corrupt or truncated gzip file ({error})") from error
    except OSError as error:
        raise OneLayerError(f"{path}: cannot be read ({error})") from error
    if len(values) != math.prod(shape):
        raise OneLayerError(f"{path}: was truncated while it was read")
    return values.reshape(shape)


def _shape_in(path: Path, header: bytes, dimensions: int, size: int) -> tuple[int, ...]:
    """Return the shape that the header of a file of ``size`` bytes promises, if it fits that size."""
    if header[:4] != bytes([0, 0, UNSIGNED_BYTE, dimensions]) or len(header) < 4 + 4 * dimensions:
        raise OneLayerError(
            f"{path}: not an IDX file of bytes with {dimensions} dimension"
            f"{'s' if dimensions > 1 else ''}: it begins with {header[:4].hex(' ') or 'nothing'}, "
            f"expected 00 00 08 0{dimensions}"
        )
    shape = struct.unpack(f">{dimensions}I", header[4:])
    expected = len(header) + math.prod(shape)  # Python's integers: the product may exceed 64 bits
    if size != expected:
        raise OneLayerError(
            f"{path}: {'truncated' if size < expected else 'too long'}: its header promises "
            f"{expected:,} bytes ({' × '.join(map(str, shape))} values), it has {size:,}"
        )
    return shape


def read_images(path: Path) -> tuple[Bytes, tuple[int, int]]:
    """Return the images of an IDX file as rows of bytes (n, height·width), and (height, width)."""
    images = read_idx(path, 3)
    if not images.size:
        raise OneLayerError(f"{path}: has no images")
    n, height, width = images.shape
    return images.reshape(n, height * width), (height, width)


def open_idx_folder(path: Path, name: str, classes: tuple[str, ...] = ()) -> Dataset:
    """Return the training and test images of a folder of IDX files.

    ``path`` is the folder itself, torchvision's root above ``NAME/raw``, or, where a folder has several data
    sets side by side as EMNIST's does, the folder and the beginning of the file names.
    Without ``classes`` a class is named by its number.

    Raises:
        OneLayerError: if files are missing, ambiguous or malformed, if images and labels differ in number,
            if training and test images differ in size, or if a label is out of range.
    """
    files = _find_files(path)
    _require(files, "train", path)
    train, shape = _read_part(files, "train")
    names = classes or _class_names(train.y, files["train", "labels"])
    test = None
    if ("test", "images") in files:
        _require(files, "test", path)
        test, test_shape = _read_part(files, "test")
        if test_shape != shape:
            raise OneLayerError(
                f"{files['test', 'images']}: images are {test_shape[0]}×{test_shape[1]}, "
                f"those for training {shape[0]}×{shape[1]}"
            )
    _check_labels(train.y, len(names), files["train", "labels"])
    if test is not None:
        _check_labels(test.y, len(names), files["test", "labels"])
        _check_largest(train.y, test.y, files["train", "labels"])
    return Dataset(name, train, test, (), "label", names, image_shape=shape)


def read_evaluation_part(path: Path, need_labels: bool) -> tuple[Bytes, Labels | None, tuple[int, int]]:
    """Return images (n, height·width), labels (n,) and (height, width) of the test files of a folder.

    Where there are none, the training files serve; see ``open_idx_folder`` for ``path``. Labels are None if they are
    not needed.

    Raises:
        OneLayerError: as ``open_idx_folder``, about the files that are read.
    """
    files = _find_files(path)
    part = "test" if ("test", "images") in files else "train"
    _require(files, part, path, ("images", "labels") if need_labels else ("images",))
    if not need_labels:
        images, shape = read_images(files[part, "images"])
        return images, None, shape
    rows, shape = _read_part(files, part)
    return rows.X, rows.y, shape


def _read_part(files: dict[tuple[str, str], Path], part: str) -> tuple[Rows, tuple[int, int]]:
    images, shape = read_images(files[part, "images"])
    labels = read_idx(files[part, "labels"], 1).astype(np.int64)
    if len(images) != len(labels):
        raise OneLayerError(
            f"{files[part, 'images']}: {len(images):,} images, but {files[part, 'labels'].name} "
            f"has {len(labels):,} labels"
        )
    return Rows(images, labels, "classes", unit=PIXEL_UNIT), shape


def _class_names(labels: Labels, path: Path) -> tuple[str, ...]:
    """Name the classes 0 … largest label. Only class 0 may be without examples: EMNIST letters start at 1."""
    present = np.unique(labels).tolist()
    largest = present[-1]
    if not largest:
        raise OneLayerError(f"{path}: every label is 0: nothing to learn")
    missing = sorted(set(range(1, largest)) - set(present))
    if missing:
        odd = max(label for label in present if label > missing[0])
        raise OneLayerError(
            f"{path}: label {odd} at row {int((labels == odd).argmax()) + 1} is out of range: "
            f"no example has a label from {missing[0]} to {missing[-1]}"
        )
    return tuple(str(label) for label in range(largest + 1))


def _check_largest(train: Labels, test: Labels, path: Path) -> None:
    """Refuse a largest label that hardly any training example and no test example has: a slip, not a class."""
    largest = int(train.max())
    examples = np.flatnonzero(train == largest)
    if len(examples) < RARE * len(train) and largest > int(test.max()):
        raise OneLayerError(
            f"{path}: label {largest} at row {int(examples[0]) + 1} is out of range: only {len(examples)} of "
            f"{len(train):,} training examples and no test example have it"
        )


def _check_labels(labels: Labels, n_classes: int, path: Path) -> None:
    beyond = np.flatnonzero(labels >= n_classes)
    if len(beyond):
        row = int(beyond[0])
        raise OneLayerError(
            f"{path}: label {int(labels[row])} at row {row + 1} is out of range: "
            f"the classes are 0 to {n_classes - 1}"
        )


def _find_files(path: Path) -> dict[tuple[str, str], Path]:
    """Return the files as {(train or test, images or labels): path}; the test pair may be missing."""
    folder, prefix = (path, "") if path.is_dir() else (path.parent, path.name)
    raw = [*folder.glob("raw"), *folder.glob("*/raw")]
    kinds = [(part, kind) for part in PART_NAMES for kind in ("images", "labels")]
    if not prefix and not any(_matches(folder, *kind, prefix) for kind in kinds) and len(raw) == 1:
        folder = raw[0]
    found = {}
    for part, kind in kinds:
        matches = _matches(folder, part, kind, prefix)
        if len({match.name.removesuffix(".gz") for match in matches}) > 1:
            raise OneLayerError(
                f"{folder}: has several data sets ({', '.join(m.name for m in matches)}); "
                "add the beginning of the file names to the path to choose one"
            )
        if matches:
            found[part, kind] = min(matches, key=lambda match: match.suffix == ".gz")
    if ("test", "labels") in found and ("test", "images") not in found:
        _require(found, "test", path)
    return found


def _require(
    files: dict[tuple[str, str], Path], part: str, path: Path, kinds: tuple[str, ...] = ("images", "labels")
) -> None:
    """Raise OneLayerError if the files of a part are not there."""
    for kind in kinds:
        if (part, kind) not in files:
            number = "3" if kind == "images" else "1"
            raise OneLayerError(
                f"{path}: has no {part} {kind}; expected a file like "
                f"{part.replace('test', 't10k')}-{kind}-idx{number}-ubyte, raw or .gz"
            )


def _matches(folder: Path, part: str, kind: str, prefix: str) -> list[Path]:
    pattern = re.compile(
        rf"{re.escape(prefix)}.*?({PART_NAMES[part]})-{kind}[-.]idx\d-ubyte(\.gz)?"
        if prefix
        else rf"(.*-)?({PART_NAMES[part]})-{kind}[-.]idx\d-ubyte(\.gz)?"
    )
    return sorted(file for file in folder.iterdir() if pattern.fullmatch(file.name))
