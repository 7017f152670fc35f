"""Rows for a trained model: what the user names, brought into the form that the model learned."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from onelayer.artifacts import TrainedModel
from onelayer.data.idx import read_evaluation_part, read_images
from onelayer.data.rows import Rows
from onelayer.data.sources import images_path, is_table, open_table
from onelayer.errors import OneLayerError

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class Inputs:
    """Features to predict from.

    Attributes:
        X: (m, d) floats or bytes, of the rows that are complete enough to predict.
        kept: (n,) which rows of the source these are; all, unless the model was trained with ``drop``.
        table: the table that the rows are of; None for images.
        name: what errors call the source.
    """

    X: Tensor
    kept: Tensor
    table: "pa.Table | None"
    name: str


def inputs_for(model: TrainedModel, source: Any) -> Inputs:
    """Return the features that ``model`` needs from a table, or from images with or without labels.

    Of images with a test set, the test set is taken.

    Raises:
        OneLayerError: if the source is of another kind or size, lacks a column, or cannot be read.
    """
    _same_kind(model, source)
    if model.encoding is None:
        path = images_path(source)
        X, shape = read_images(path) if path.is_file() else read_evaluation_part(path, need_labels=False)[::2]
        _same_shape(model, shape, str(source))
        return Inputs(X, torch.ones(len(X), dtype=torch.bool), None, str(source))
    from onelayer.data.encoding import Target

    # A file of new rows may look different from the training file: 007 alone would pass for a number. Text has to
    # stay text, so only columns that were numbers may be read as such.
    inferred = model.encoding.numeric
    if not Target(model.target, model.classes).is_text:
        inferred |= {model.target}
    name, table = open_table(source, lambda column: column not in inferred)
    X = torch.from_numpy(model.encoding.encode(table, name))
    kept = torch.ones(len(X), dtype=torch.bool)
    if model.encoding.missing == "drop":
        kept = ~X.isnan().any(dim=1)
    return Inputs(X[kept], kept, table, name)


def labelled_rows_for(model: TrainedModel, source: Any) -> Rows:
    """Return features and target, in the user's units, to evaluate ``model`` on.

    Raises:
        OneLayerError: as ``inputs_for``, and if the target is absent or holds an unknown class.
    """
    _same_kind(model, source)
    if model.encoding is None:
        return _labelled_images(model, source)
    from onelayer.data.encoding import Target

    inputs = inputs_for(model, source)
    name = inputs.name
    y, known = Target(model.target, model.classes).encode(inputs.table, name)
    has_target = torch.from_numpy(known)
    if model.encoding.missing != "drop" and not has_target.all():
        row = int((~has_target).nonzero()[0]) + 1
        raise OneLayerError(f"{name}: the target {model.target!r} is missing, first in row {row}")
    rows = Rows(inputs.X[has_target[inputs.kept]], y[has_target & inputs.kept])
    if not len(rows):
        raise OneLayerError(f"{name}: no row is complete")
    return rows


def _labelled_images(model: TrainedModel, source: str | Path) -> Rows:
    X, y, shape = read_evaluation_part(images_path(source), need_labels=True)
    assert y is not None
    _same_shape(model, shape, str(source))
    largest = int(y.max())
    if largest >= len(model.classes):
        raise OneLayerError(f"{source}: has a label {largest}, the model knows 0 to {len(model.classes) - 1}")
    return Rows(X, y)


def _same_kind(model: TrainedModel, source: Any) -> None:
    wants_table = model.encoding is not None
    if wants_table != is_table(source):
        kinds = ("images", "a table")
        raise OneLayerError(
            f"the model was trained on {kinds[wants_table]} ({model.data}), but "
            f"{source if isinstance(source, str | Path) else 'the data'} is {kinds[not wants_table]}"
        )


def _same_shape(model: TrainedModel, shape: tuple[int, int], source: str) -> None:
    if shape != model.image_shape:
        trained = "×".join(map(str, model.image_shape or ()))
        raise OneLayerError(f"{source}: images are {shape[0]}×{shape[1]}, the model was trained on {trained}")
