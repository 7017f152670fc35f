"""Rows for a trained model: what the user names, brought into the form that the model learned."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.idx import read_images
from onelayer.data.idx_folder import read_evaluation_images, read_evaluation_part
from onelayer.data.reading import AS_FOUND, Reading
from onelayer.data.rows import Rows, complete_rows
from onelayer.data.sources import NOT_IMAGES, images_path, is_table, open_table
from onelayer.errors import OneLayerError, named

if TYPE_CHECKING:
    from onelayer.data.encoding import Encoding, Unknown
    from onelayer.data.tables import Table
    from onelayer.model import Model


@dataclass(frozen=True, eq=False)
class Inputs:
    """Features to predict from.

    Attributes:
        X: (m, d) floats or bytes, perhaps in CSR, of the rows that are complete enough to predict.
        kept: (n,) which rows of the source these are: those that are complete, and have no unknown category.
        table: the table that the rows are of; None for images and arrays.
        name: what errors call the source.
        n_unknown: how many rows have a category that training did not have.
        offset: of these rows (m, 1), if the model has one.
    """

    X: Any
    kept: NDArray[np.bool_]
    table: "Table | None"
    name: str
    n_unknown: int = 0
    offset: NDArray[np.float64] | None = None

    def aligned(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values (m, …) of the complete rows as (n, …) of all rows, None or NaN for the others."""
        if self.kept.all():
            return values
        nothing = None if values.dtype == object else np.nan
        found = np.full((len(self.kept), *values.shape[1:]), nothing, values.dtype)
        found[self.kept] = values
        return found


def inputs_for(
    model: "Model", source: Any, reading: Reading = AS_FOUND, unknown: "Unknown | None" = None
) -> Inputs:
    """Return the features that ``model`` needs from a table, an array, or images with or without labels.

    Of images with a test set, the test set is taken. A source that was read before is returned as it is.

    Args:
        model: the model.
        source: where the rows come from.
        reading: how to read a table, where it does not say so itself.
        unknown: what to do with a row that has a category which training did not have: ``"error"``, or ``"ignore"``
            it, so that nothing is predicted for it. If it is not given, a model that was trained with
            ``missing="drop"`` ignores, and others raise an error.

    Raises:
        OneLayerError: if the source is of another kind or size, lacks a column, or cannot be read.
    """
    if isinstance(source, Inputs):
        return source
    if isinstance(source, np.ndarray):
        if model.offset is not None:
            raise OneLayerError(
                f"the model adds the offset {model.offset!r}, which an array lacks: give it a table"
            )
        return _from_array(model, source)
    _same_kind(model, source)
    if model.encoding is None:
        path = images_path(source)
        read = read_images if path.is_file() else read_evaluation_images
        images, shape = read(path, model.is_transposed if reading.transpose is None else reading.transpose)
        _same_shape(model, shape, str(source))
        return Inputs(images, np.ones(len(images), bool), None, str(source))
    if reading.transpose is not None:
        raise OneLayerError(NOT_IMAGES)
    return _of_table(model, model.encoding, open_table(source, reading)[1], unknown)


def _of_table(model: "Model", encoding: "Encoding", table: "Table", unknown: "Unknown | None") -> Inputs:
    from onelayer.data.decisions import check_readable
    from onelayer.data.from_table import Features, offsets_in
    from onelayer.data.spelling import Spelling

    unknown = unknown or ("ignore" if encoding.missing == "drop" else "error")
    expected = {c.name: Spelling(c.decimal, c.thousands) for c in encoding.columns if c.kind == "number"}
    more = [] if model.offset is None else [model.offset]
    for name in more:
        table.place(name, "offset column")
    profiles = table.profiles([*encoding.names, *more], encoding.categories, expected)
    features, start, strange = Features(), 0, list[NDArray[np.bool_]]()
    offsets = list[NDArray[np.float64]]()
    with named(table.name):
        check_readable(encoding, profiles)
        for batch in table.batches([*encoding.names, *more]):
            X, is_unknown = encoding.encode(batch.select(encoding.names), profiles, start, unknown)
            features.add(X)
            for name in more:
                may_lack = encoding.missing == "drop"
                offsets.append(offsets_in(batch.column(name), profiles[name], start, may_lack))
            start += len(batch)
            strange.append(is_unknown)
    X, has_unknown = features.all(), np.concatenate(strange)
    kept = ~has_unknown if model.feature_mean is not None else ~has_unknown & complete_rows(X)
    offset = np.concatenate(offsets)[:, None] if offsets else None
    if offset is not None:
        kept &= ~np.isnan(offset[:, 0])
        offset = offset[kept]
    return Inputs(X if kept.all() else X[kept], kept, table, table.name, int(has_unknown.sum()), offset)


def labelled_inputs_for(model: "Model", source: Any, reading: Reading = AS_FOUND) -> Rows:
    """Return rows in the user's units to evaluate ``model`` on.

    Raises:
        OneLayerError: as ``inputs_for``, and if the target is absent or holds an unknown class.
    """
    _same_kind(model, source)
    if not model.classes and len(model.bias) > 1:
        raise OneLayerError(f"the model predicts {len(model.bias)} numbers a row; only one can be evaluated")
    if model.encoding is None:
        return _labelled_images(model, source, reading.transpose)
    from onelayer.data.encoding import Target

    _, table = open_table(source, reading)
    inputs = _of_table(model, model.encoding, table, None)
    target = Target(model.target, model.classes)
    table.place(model.target, "target column")
    profiles = table.profiles([model.target], [model.target] if model.classes else [])
    parts, start = [], 0
    with named(table.name):
        for batch in table.batches([model.target]):
            parts.append(target.encode(batch.column(0), profiles[model.target], start))
            start += len(batch)
    y = np.concatenate(parts)
    has_target = y >= 0 if y.ndim == 1 else ~np.isnan(y).any(axis=1)
    if model.encoding.missing != "drop" and not has_target.all():
        row = int(has_target.argmin()) + 1
        raise OneLayerError(f"{table.name}: the target {model.target!r} is missing, first in row {row}")
    is_used, y = has_target[inputs.kept], y[has_target & inputs.kept]
    if not len(y):
        raise OneLayerError(f"{table.name}: no row is complete")
    offset = None if inputs.offset is None else inputs.offset[is_used]
    return Rows(inputs.X[is_used], y, "classes" if model.classes else "regression", offset=offset)


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
    kept = complete_rows(X) if model.feature_mean is None else np.ones(len(X), bool)
    if not kept.all() and (model.encoding is None or model.encoding.missing == "error"):
        raise OneLayerError(f"the array: row {int(kept.argmin()) + 1} has a missing value (NaN)")
    return Inputs(X[kept], kept, None, "the array")


def _labelled_images(model: "Model", source: str | Path, transpose: bool | None) -> Rows:
    if not model.classes:
        raise OneLayerError("the model predicts numbers from images, whose files have labels of classes")
    is_transposed = model.is_transposed if transpose is None else transpose
    part = read_evaluation_part(images_path(source), is_transposed)
    _same_shape(model, part.shape, str(source))
    return part.rows(model.classes)


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
