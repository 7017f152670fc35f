"""Predictions beside the rows that they are for, batch by batch, so that there may be any number of them."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from onelayer.data.arrow import column_of
from onelayer.data.batches import Writer
from onelayer.data.cells import Unknown
from onelayer.data.reading import AS_FOUND, Reading
from onelayer.errors import OneLayerError, named
from onelayer.inference.covariance import Interval
from onelayer.inputs import Inputs, inputs_for

if TYPE_CHECKING:
    from onelayer.model import Model


@dataclass(frozen=True)
class Written:
    """How many rows were written.

    Attributes:
        rows: all of them.
        unknown: those without a prediction, for a category that training did not have.
        missing: those without a prediction, for a value is missing.
    """

    rows: int = 0
    unknown: int = 0
    missing: int = 0

    def __add__(self, other: "Written") -> "Written":
        return Written(self.rows + other.rows, self.unknown + other.unknown, self.missing + other.missing)


@dataclass(frozen=True)
class Wanted:
    """What is to be predicted for each row.

    Attributes:
        model: what predicts.
        proba: whether the probability of each class is wanted.
        interval: the kind of interval that is, of the number or of each probability; None for none.
        level: the probability with which an interval holds what it is for.

    Raises:
        OneLayerError: if the model has no such thing.
    """

    model: "Model"
    proba: bool = False
    interval: Interval | None = None
    level: float = 0.95

    def __post_init__(self) -> None:
        if self.proba:
            self.model.check_classes()
        if self.interval is not None:
            self.model.check_interval(self.interval, self.level)

    def columns(self, inputs: Inputs) -> dict[str, NDArray[Any]]:
        """Return by column name what is predicted for some rows (n,).

        The first column is the predicted class or number; the probability of each class follows, if it is wanted or
        has an interval, and then the ends of intervals.

        Raises:
            OneLayerError: as ``Model.predict``.
        """
        model, name = self.model, f"predicted_{self.model.target}"
        predicted = model.predict(inputs)
        columns = {name: predicted} if predicted.ndim == 1 else _numbered(name, predicted)
        if self.proba or (self.interval is not None and model.classes):
            columns |= _named([f"p_{c}" for c in model.classes], model.predict_proba(inputs))
        if self.interval is not None:
            ends = model.predict_interval(inputs, self.interval, self.level)
            names = [f"p_{c}" for c in model.classes] or [name]
            for k, ends_of in enumerate(np.moveaxis(ends, 1, 0) if model.classes else [ends]):
                columns |= _named([f"{names[k]}_low", f"{names[k]}_high"], ends_of)
        return columns


def _named(names: list[str], values: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return the columns of values (n, q) by name."""
    return dict(zip(names, values.T, strict=True))


def _numbered(name: str, values: NDArray[Any]) -> dict[str, NDArray[Any]]:
    """Return the columns of values (n, q), numbered from 1."""
    return _named([f"{name}_{k}" for k in range(1, values.shape[1] + 1)], values)


def write_predictions(
    wanted: Wanted,
    source: Any,
    writer: Writer,
    reading: Reading = AS_FOUND,
    unknown: Unknown | None = None,
) -> Written:
    """Write the rows of a source with columns of what is predicted for each, null where a row is incomplete.

    Args:
        wanted: what is to be predicted.
        source: see ``inputs_for``; of images the rows are numbers.
        writer: what takes them.
        reading: how to read a table, where it does not say so itself.
        unknown: see ``inputs_for``.

    Raises:
        OneLayerError: if a column that is predicted is there already, what is there cannot be written, and as
            ``Model.predict``.
    """
    written = Written()
    for inputs in inputs_for(wanted.model, source, reading, unknown, with_rows=True):
        found = wanted.columns(inputs)
        with named(inputs.name):
            writer.write(_beside(inputs, found))
        n = len(inputs.kept)
        written += Written(n, inputs.n_unknown, n - int(inputs.kept.sum()) - inputs.n_unknown)
    return written


def _beside(inputs: Inputs, found: dict[str, NDArray[Any]]) -> pa.RecordBatch:
    """Return rows with more columns; an image is its number."""
    rows = inputs.rows
    if rows is None:
        numbers = np.arange(inputs.start + 1, inputs.start + 1 + len(inputs.kept))
        rows = pa.RecordBatch.from_arrays([column_of(numbers)], ["image"])
    for name in found:
        if name in rows.schema.names:
            raise OneLayerError(f"already has a column {name!r}; rename or drop it")
    columns = [*rows.columns, *(column_of(values, inputs.kept) for values in found.values())]
    return pa.RecordBatch.from_arrays(columns, [*rows.schema.names, *found])
