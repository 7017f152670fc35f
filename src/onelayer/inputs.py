"""Rows for a trained model: what the user names, brought into the form that the model learned."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.idx import read_images
from onelayer.data.idx_folder import read_evaluation_images, read_evaluation_part
from onelayer.data.reading import AS_FOUND, Reading
from onelayer.data.rows import Rows, block_rows, complete_rows
from onelayer.data.sources import IN_MEMORY, NOT_IMAGES, images_path, is_table, open_table
from onelayer.errors import OneLayerError, named

if TYPE_CHECKING:
    import pyarrow as pa

    from onelayer.data.cells import Unknown
    from onelayer.data.columns import Profile
    from onelayer.data.decisions import Decisions
    from onelayer.data.encoding import Encoding
    from onelayer.data.scan import Passage, Scan
    from onelayer.data.tables import Table
    from onelayer.model import Model

BATCH_CELLS = 1 << 20  # of a table that are in memory at once


@dataclass(frozen=True, eq=False)
class Inputs:
    """Features to predict from: of some rows, one after another in their source.

    Attributes:
        X: (m, d) floats or bytes, perhaps in CSR, of the rows that are complete enough to predict.
        kept: (n,) which of the rows these are: those that are complete, and have no unknown category.
        name: what errors call the source.
        start: how many rows of the source come before.
        rows: the n rows as they are stored, if they are wanted and those of a table.
        n_unknown: how many rows have a category that training did not have.
        offset: of the complete rows (m, 1), if the model has one.
    """

    X: Any
    kept: NDArray[np.bool_]
    name: str
    start: int = 0
    rows: "pa.RecordBatch | None" = None
    n_unknown: int = 0
    offset: NDArray[np.float64] | None = None

    @property
    def numbers(self) -> NDArray[np.int64]:
        """The numbers of the complete rows (m,) in the source, from 1."""
        return self.start + 1 + np.flatnonzero(self.kept)

    def aligned(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return values (m, …) of the complete rows as (n, …) of all rows, None or NaN for the others."""
        if self.kept.all():
            return values
        nothing = None if values.dtype == object else np.nan
        found = np.full((len(self.kept), *values.shape[1:]), nothing, values.dtype)
        found[self.kept] = values
        return found


def inputs_for(
    model: "Model",
    source: Any,
    reading: Reading = AS_FOUND,
    unknown: "Unknown | None" = None,
    with_rows: bool = False,
) -> Iterator[Inputs]:
    """Yield the features that ``model`` needs, of a table batch by batch, of an array or of images all at once.

    Of images with a test set, the test set is taken. A source that was read before is yielded as it is.

    Args:
        model: the model.
        source: where the rows come from.
        reading: how to read a table, where it does not say so itself.
        unknown: what to do with a row that has a category which training did not have: ``"error"``, or ``"ignore"``
            it, so that nothing is predicted for it. If it is not given, a model that was trained with
            ``missing="drop"`` ignores, and others raise an error.
        with_rows: whether the rows of a table are wanted too, with all columns.

    Raises:
        OneLayerError: if the source is of another kind or size, lacks a column, or cannot be read.
    """
    if isinstance(source, Inputs):
        yield source
    elif isinstance(source, np.ndarray):
        if model.offset is not None:
            raise OneLayerError(
                f"the model adds the offset {model.offset!r}, which an array lacks: give it a table"
            )
        yield _from_array(model, source)
    elif (encoding := _encoding_for(model, source, reading)) is None:
        path = images_path(source)
        read = read_images if path.is_file() else read_evaluation_images
        images, shape = read(path, model.is_transposed if reading.transpose is None else reading.transpose)
        _same_shape(model, shape, str(source))
        yield Inputs(images, np.ones(len(images), bool), str(source))
    else:
        unknown = unknown or ("ignore" if encoding.missing == "drop" else "error")
        yield from _Features(model, encoding, open_table(source, reading)[1], unknown).batches(with_rows)


@dataclass(frozen=True)
class _Features:
    """How the rows of a table become features for a model."""

    model: "Model"
    encoding: "Encoding"
    table: "Table"
    unknown: "Unknown"

    def batches(self, with_rows: bool) -> Iterator[Inputs]:
        """Yield all rows; see ``inputs_for``."""
        from onelayer.data.batches import resized

        table, names = self.table, _columns(self.model, self.encoding)
        profiles = _profiles(self.model, self.encoding, table, names)
        # The last bits of a product depend on where blocks are cut: that must not depend on what is read.
        size = max(1, min(block_rows(self.model.n_features), BATCH_CELLS // len(table.columns)))
        start = 0
        for rows in resized(table.batches(table.columns if with_rows else names, as_stored=True), size):
            with named(table.name):
                yield self._of_batch(rows, profiles, start, with_rows)
            start += len(rows)

    def _of_batch(
        self, rows: "pa.RecordBatch", profiles: "Mapping[str, Profile]", start: int, with_rows: bool
    ) -> Inputs:
        from onelayer.data.from_table import offsets_in

        model, encoding = self.model, self.encoding
        batch = self.table.with_missing(rows.select(_columns(model, encoding)))
        X, is_unknown = encoding.encode(batch.select(encoding.names), profiles, start, self.unknown)
        kept = ~is_unknown if model.feature_mean is not None else ~is_unknown & complete_rows(X)
        offset = None
        if model.offset is not None:
            values, may_lack = batch.column(model.offset), encoding.missing == "drop"
            offset = offsets_in(values, profiles[model.offset], start, may_lack)[:, None]
            kept &= ~np.isnan(offset[:, 0])
            offset = offset[kept]
        X = X if kept.all() else X[kept]
        stored = rows if with_rows else None
        return Inputs(X, kept, self.table.name, start, stored, int(is_unknown.sum()), offset)


def _columns(model: "Model", encoding: "Encoding") -> list[str]:
    """Return the columns that a model predicts from."""
    return [*encoding.names, *([] if model.offset is None else [model.offset])]


def _profiles(
    model: "Model", encoding: "Encoding", table: "Table", names: "Sequence[str]"
) -> "dict[str, Profile]":
    """Return what the columns of a table are, to a model that learned from such.

    Raises:
        OneLayerError: if one is absent, or lacks values that the model needs.
    """
    from onelayer.data.decisions import check_readable
    from onelayer.data.spelling import Spelling

    if model.offset is not None:
        table.place(model.offset, "offset column")
    expected = {c.name: Spelling(c.decimal, c.thousands) for c in encoding.columns if c.kind == "number"}
    chosen = [*encoding.categories, *([model.target] if model.classes else [])]
    profiles = table.profiles(names, chosen, expected)
    with named(table.name):
        check_readable(encoding, profiles)
    return profiles


def labelled_rows(model: "Model", source: Any, reading: Reading = AS_FOUND) -> "Rows | Passage":
    """Return rows in the user's units to evaluate ``model`` on: images in memory, or a table that is read as needed.

    Raises:
        OneLayerError: as ``inputs_for``, and if the target is absent or holds an unknown class.
    """
    encoding = _encoding_for(model, source, reading)
    if encoding is None:
        return _labelled_images(model, source, reading.transpose)
    from onelayer.data.scan import Passage, Recipe

    table = open_table(source, reading)[1]
    return Passage(table, Recipe(_made_for(model, encoding, table)))


def labelled_scan(
    model: "Model", source: Any, reading: Reading = AS_FOUND, memory: int | None = None
) -> "Scan":
    """Return the same rows of a table as a scan, which threads or a cluster walk.

    Args:
        model: the model.
        source: a table; see ``onelayer.scan``.
        reading: how to read it, where it does not say so itself.
        memory: bytes that the process may take.

    Raises:
        OneLayerError: as ``labelled_rows``, and if the source is images.
    """
    encoding = _encoding_for(model, source, reading)
    if encoding is None:
        raise OneLayerError(f"{source} {IN_MEMORY}")
    from onelayer.data.scanning import found, scan_as

    files = found(source, reading)
    return scan_as(files, _made_for(model, encoding, files.table), memory)


def _made_for(model: "Model", encoding: "Encoding", table: "Table") -> "Decisions":
    """Return what the columns of a table are to a trained model, the target among them."""
    from onelayer.data.decisions import Decisions
    from onelayer.data.encoding import Target

    if not model.classes and len(model.bias) > 1:
        raise OneLayerError(f"the model predicts {len(model.bias)} numbers a row; only one can be evaluated")
    table.place(model.target, "target column")
    names = list(dict.fromkeys([*_columns(model, encoding), model.target]))
    profiles = _profiles(model, encoding, table, names)
    return Decisions(encoding, Target(model.target, model.classes), None, model.offset, (), profiles, ())


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
    return Inputs(X[kept], kept, "the array")


def _labelled_images(model: "Model", source: str | Path, transpose: bool | None) -> Rows:
    if not model.classes:
        raise OneLayerError("the model predicts numbers from images, whose files have labels of classes")
    is_transposed = model.is_transposed if transpose is None else transpose
    part = read_evaluation_part(images_path(source), is_transposed)
    _same_shape(model, part.shape, str(source))
    return part.rows(model.classes)


def _encoding_for(model: "Model", source: Any, reading: Reading) -> "Encoding | None":
    """Return how a table becomes features, or None where the source is images, as the model takes them.

    Raises:
        OneLayerError: if the source is of another kind than in training.
    """
    _same_kind(model, source)
    if model.encoding is not None and reading.transpose is not None:
        raise OneLayerError(NOT_IMAGES)
    return model.encoding


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
