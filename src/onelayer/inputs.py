"""Rows for a trained model: what the user names, brought into the form that the model learned."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.idx import read_images
from onelayer.data.idx_folder import read_evaluation_images, read_evaluation_part
from onelayer.data.sources import NOT_IMAGES, images_path, is_table, open_table
from onelayer.errors import OneLayerError

if TYPE_CHECKING:
    import pyarrow as pa

    from onelayer.model import Model


@dataclass(frozen=True, eq=False)
class Inputs:
    """Features to predict from.

    Attributes:
        X: (m, d) floats or bytes, of the rows that are complete enough to predict.
        kept: (n,) which rows of the source these are; all, unless the model was trained with ``drop``.
        table: the table that the rows are of; None for images and arrays.
        name: what errors call the source.
    """

    X: NDArray[Any]
    kept: NDArray[np.bool_]
    table: "pa.Table | None"
    name: str

    def aligned(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values (m, …) of the complete rows as (n, …) of all rows, None or NaN for the others."""
        if self.kept.all():
            return values
        nothing = None if values.dtype == object else np.nan
        found = np.full((len(self.kept), *values.shape[1:]), nothing, values.dtype)
        found[self.kept] = values
        return found


def inputs_for(model: "Model", source: Any, transpose: bool | None = None) -> Inputs:
    """Return the features that ``model`` needs from a table, an array, or images with or without labels.

    Of images with a test set, the test set is taken. A source that was read before is returned as it is. Rows and
    columns of images in files change places if ``transpose`` says so, or if it is None and they did in training.

    Raises:
        OneLayerError: if the source is of another kind or size, lacks a column, or cannot be read.
    """
    if isinstance(source, Inputs):
        return source
    if isinstance(source, np.ndarray):
        return _from_array(model, source)
    _same_kind(model, source)
    if model.encoding is None:
        path = images_path(source)
        read = read_images if path.is_file() else read_evaluation_images
        images, shape = read(path, model.is_transposed if transpose is None else transpose)
        _same_shape(model, shape, str(source))
        return Inputs(images, np.ones(len(images), bool), None, str(source))
    if transpose is not None:
        raise OneLayerError(NOT_IMAGES)
    from onelayer.data.encoding import Target

    # A file of new rows may look different from the training file: 007 alone would pass for a number. Text has to
    # stay text, so only columns that were numbers may be read as such.
    inferred = model.encoding.numeric
    if not Target(model.target, model.classes).is_text:
        inferred |= {model.target}
    name, table = open_table(source, lambda column: column not in inferred)
    X = model.encoding.encode(table, name)
    kept = _complete(model, X)
    return Inputs(X[kept], kept, table, name)


def labelled_inputs_for(
    model: "Model", source: Any, transpose: bool | None = None
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Return features (n, d) and target, labels (n,) or numbers (n, 1), in the user's units, to evaluate ``model`` on.

    See ``inputs_for`` for ``transpose``.

    Raises:
        OneLayerError: as ``inputs_for``, and if the target is absent or holds an unknown class.
    """
    _same_kind(model, source)
    if not model.classes and len(model.bias) > 1:
        raise OneLayerError(f"the model predicts {len(model.bias)} numbers a row; only one can be evaluated")
    if model.encoding is None:
        return _labelled_images(model, source, transpose)
    from onelayer.data.encoding import Target

    inputs = inputs_for(model, source, transpose)
    name = inputs.name
    target, has_target = Target(model.target, model.classes).encode(inputs.table, name)
    if model.encoding.missing != "drop" and not has_target.all():
        row = int(has_target.argmin()) + 1
        raise OneLayerError(f"{name}: the target {model.target!r} is missing, first in row {row}")
    X, y = inputs.X[has_target[inputs.kept]], target[has_target & inputs.kept]
    if not len(X):
        raise OneLayerError(f"{name}: no row is complete")
    return X, y


def _from_array(model: "Model", source: NDArray[Any]) -> Inputs:
    X = source.reshape(len(source), -1) if model.image_shape and source.ndim == 3 else source
    if X.dtype.kind not in "fiub" or X.ndim != 2 or X.shape[1] != model.n_features:
        raise OneLayerError(
            f"the model takes numbers (n, {model.n_features}), not an array {source.shape} of {source.dtype}"
        )
    if np.isinf(X).any():
        raise OneLayerError(
            f"the array: row {int(np.isinf(X).any(axis=1).argmax()) + 1} has an infinite value"
        )
    kept = _complete(model, X)
    if not kept.all() and (model.encoding is None or model.encoding.missing == "error"):
        raise OneLayerError(f"the array: row {int(kept.argmin()) + 1} has a missing value (NaN)")
    return Inputs(X[kept], kept, None, "the array")


def _complete(model: "Model", X: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which rows can be predicted from: all if the mean stands in for what is missing (n,)."""
    if model.feature_mean is not None:
        return np.ones(len(X), bool)
    complete: NDArray[np.bool_] = ~np.isnan(X).any(axis=1)
    return complete


def _labelled_images(
    model: "Model", source: str | Path, transpose: bool | None
) -> tuple[NDArray[Any], NDArray[Any]]:
    if not model.classes:
        raise OneLayerError("the model predicts numbers from images, whose files have labels of classes")
    is_transposed = model.is_transposed if transpose is None else transpose
    part = read_evaluation_part(images_path(source), is_transposed)
    _same_shape(model, part.shape, str(source))
    rows = part.rows(model.classes)
    return rows.X, rows.y


def _same_kind(model: "Model", source: Any) -> None:
    if model.encoding is None and model.image_shape is None:
        raise OneLayerError("the model has no names of features to find columns by; give it an array (n, d)")
    wants_table = model.encoding is not None
    if wants_table != is_table(source):
        kinds = ("images", "a table")
        raise OneLayerError(
            f"the model was trained on {kinds[wants_table]} ({model.data}), but "
            f"{source if isinstance(source, str | Path) else 'the data'} is {kinds[not wants_table]}"
        )


def _same_shape(model: "Model", shape: tuple[int, int], source: str) -> None:
    if shape != model.image_shape:
        trained = "×".join(map(str, model.image_shape or ()))
        raise OneLayerError(f"{source}: images are {shape[0]}×{shape[1]}, the model was trained on {trained}")
