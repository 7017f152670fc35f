"""A folder of IDX files: which of them belong together, and what their labels say."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from onelayer.data.dataset import Dataset
from onelayer.data.idx import Bytes, Labels, read_images, read_labels
from onelayer.data.rows import PIXEL_UNIT, Rows
from onelayer.errors import SHOWN, OneLayerError

MOST_CLASSES = 1000
RARE = 1e-3  # the share of examples below which a class is in doubt
PART_NAMES = {"train": "train", "test": "t10k|test"}
ENDING = r"\.(gz|zst)"  # of compressed files; what they are is told by their content


class Part(NamedTuple):
    """The training or the test images of a folder.

    Attributes:
        images: (n, height·width) bytes.
        shape: (height, width).
        labels: (n,) as they stand in the file.
        labels_path: that file.
    """

    images: Bytes
    shape: tuple[int, int]
    labels: Labels
    labels_path: Path

    def rows(self, classes: Sequence[str]) -> Rows:
        """Return the images with the numbers of their classes; see ``class_numbers`` for errors."""
        numbers = class_numbers(self.labels, classes, self.labels_path)
        return Rows(self.images, numbers, "classes", unit=PIXEL_UNIT)


def open_idx_folder(path: Path, name: str, classes: tuple[str, ...] = (), transpose: bool = False) -> Dataset:
    """Return the training and test images of a folder of IDX files.

    ``path`` is the folder itself, torchvision's root above ``NAME/raw``, or, where a folder has several data
    sets side by side as EMNIST's does, the folder and the beginning of the file names.
    Without ``classes`` they are the labels that the training images have, each named by its number.
    ``transpose`` is for images that lie on their side, as EMNIST's do.

    Raises:
        OneLayerError: if files are missing, ambiguous or malformed, if images and labels differ in number,
            if training and test images differ in size, or if a label is not one of the classes.
    """
    files = _find_files(path)
    train = _read_part(files, "train", path, transpose)
    names = classes or _class_names(train.labels, train.labels_path)
    train_rows, test_rows = train.rows(names), None
    if ("test", "images") in files:
        test = _read_part(files, "test", path, transpose)
        if test.shape != train.shape:
            raise OneLayerError(
                f"{files['test', 'images']}: images are {test.shape[0]}×{test.shape[1]}, "
                f"those for training {train.shape[0]}×{train.shape[1]}"
            )
        test_rows = test.rows(names)
        _refuse_slip(train, test.labels)
    return Dataset(
        name, train_rows, test_rows, (), "label", names, image_shape=train.shape, is_transposed=transpose
    )


def read_evaluation_images(path: Path, transpose: bool = False) -> tuple[Bytes, tuple[int, int]]:
    """Return the images (n, height·width) and (height, width) of the test files of a folder; labels are not needed.

    Where there are none, the training files serve; see ``open_idx_folder`` for ``path`` and ``transpose``.

    Raises:
        OneLayerError: as ``open_idx_folder``, about the file that is read.
    """
    files = _find_files(path)
    part = _evaluation_part(files)
    _require(files, part, path, ("images",))
    return read_images(files[part, "images"], transpose)


def read_evaluation_part(path: Path, transpose: bool = False) -> Part:
    """Return the same images with their labels.

    Raises:
        OneLayerError: as ``open_idx_folder``, about the files that are read.
    """
    files = _find_files(path)
    return _read_part(files, _evaluation_part(files), path, transpose)


def _evaluation_part(files: dict[tuple[str, str], Path]) -> str:
    return "test" if ("test", "images") in files else "train"


def class_numbers(labels: Labels, classes: Sequence[str], path: Path) -> Labels:
    """Return where each label (n,) stands among the classes, from 0.

    See ``label_numbers`` for the labels of classes.

    Raises:
        OneLayerError: if a label is not one of them; it names the first.
    """
    known = np.array(label_numbers(classes))
    order = np.argsort(known)
    places = np.minimum(np.searchsorted(known[order], labels), len(known) - 1)
    found: Labels = order[places]
    strange = np.flatnonzero(known[found] != labels)
    if len(strange):
        row = int(strange[0])
        raise OneLayerError(
            f"{path}: label {labels[row]} in row {row + 1} is not one of the classes {shown_labels(classes)}"
        )
    return found


def label_numbers(classes: Sequence[str]) -> list[int]:
    """Return the labels that classes (q,) have in IDX files: their names if these are numbers, else 0 to q − 1."""
    if all(re.fullmatch(r"-?[0-9]{1,10}", name) for name in classes):
        return [int(name) for name in classes]
    return list(range(len(classes)))


def shown_labels(classes: Sequence[str]) -> str:
    """Return the labels of classes for a message: a range, or the labels one by one as far as they are few."""
    labels = label_numbers(classes)
    if labels == list(range(labels[0], labels[0] + len(labels))) and len(labels) > 2:
        return f"{labels[0]} to {labels[-1]}"
    return ", ".join(map(str, labels[:SHOWN])) + (f", … {labels[-1]}" if len(labels) > SHOWN else "")


def _read_part(files: dict[tuple[str, str], Path], part: str, path: Path, transpose: bool) -> Part:
    _require(files, part, path)
    images, shape = read_images(files[part, "images"], transpose)
    labels = read_labels(files[part, "labels"])
    if len(images) != len(labels):
        raise OneLayerError(
            f"{files[part, 'images']}: {len(images):,} images, but {files[part, 'labels'].name} "
            f"has {len(labels):,} labels"
        )
    return Part(images, shape, labels, files[part, "labels"])


def _class_names(labels: Labels, path: Path) -> tuple[str, ...]:
    """Name the classes by the labels that there are."""
    present = np.unique(labels).tolist()
    if len(present) < 2:
        raise OneLayerError(f"{path}: every label is {present[0]}: nothing to learn")
    if len(present) > MOST_CLASSES:
        raise OneLayerError(f"{path}: has {len(present):,} different labels: too many classes")
    return tuple(map(str, present))


def _refuse_slip(train: Part, test_labels: Labels) -> None:
    """Refuse a label that hardly any training example and no test example has: a slip, not a class."""
    present, counts = np.unique(train.labels, return_counts=True)
    slips = present[(counts < RARE * len(train.labels)) & ~np.isin(present, test_labels)]
    if len(slips):
        examples = np.flatnonzero(train.labels == slips[0])
        raise OneLayerError(
            f"{train.labels_path}: label {slips[0]} in row {examples[0] + 1} is hardly a class: only {len(examples)} "
            f"of {len(train.labels):,} training examples and no test example have it"
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
        if len({re.sub(f"{ENDING}$", "", match.name) for match in matches}) > 1:
            raise OneLayerError(
                f"{folder}: has several data sets ({', '.join(m.name for m in matches)}); "
                "add the beginning of the file names to the path to choose one"
            )
        if matches:
            found[part, kind] = matches[0]  # in their order the one without an ending comes first
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
                f"{part.replace('test', 't10k')}-{kind}-idx{number}-ubyte, raw, .gz or .zst"
            )


def _matches(folder: Path, part: str, kind: str, prefix: str) -> list[Path]:
    start = rf"{re.escape(prefix)}.*?" if prefix else "(.*-)?"
    pattern = re.compile(rf"{start}({PART_NAMES[part]})-{kind}[-.]idx\d-ubyte({ENDING})?")
    return sorted(file for file in folder.iterdir() if pattern.fullmatch(file.name))
