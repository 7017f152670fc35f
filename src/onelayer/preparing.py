"""From a data set to rows that are ready to train on: some held out, a table standardised."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from onelayer.data.dataset import Dataset
from onelayer.data.rows import Divisible, Rows
from onelayer.data.scaling import TableScaling
from onelayer.data.spool import Spool
from onelayer.settings import Plan


@dataclass(frozen=True)
class Prepared:
    """Rows ready to train on.

    Attributes:
        dataset: the data set, its training rows without those held out, in the user's units.
        train: its training rows, or a sample of them, as the solver takes them: for SGD a table is in standard units,
            for the exact solvers in the user's. Missing values are filled; images stay bytes.
        held_out: the rows to measure on after each epoch, likewise; None if there are none.
        held_out_raw: the same in the user's units.
        held_out_name: ``"valid"``, ``"test"``, or ``"train"`` where there are no other rows.
        scaling: what standardises a table; None for images.
        whole: all rows to learn from, where they are in files and the training rows are a sample of them.
        whole_held_out: likewise all that were held out, if any were.
    """

    dataset: Dataset
    train: Rows
    held_out: Rows | None
    held_out_raw: Rows | None
    held_out_name: str
    scaling: TableScaling | None
    whole: Divisible | None = None
    whole_held_out: Divisible | None = None

    @property
    def all_rows(self) -> Divisible:
        """The rows that an exact solver goes by."""
        return self.train if self.whole is None else self.whole

    @property
    def fit_intercept(self) -> bool:
        """Whether the bias is free; a formula may say that it is 0."""
        return self.dataset.encoding is None or self.dataset.encoding.fit_intercept

    @property
    def has_held_out(self) -> bool:
        """Whether there are rows that were not trained on."""
        return self.held_out is not None

    @property
    def parts(self) -> dict[str, Rows]:
        """The rows of each part that there is, in the user's units: ``"train"``, ``"valid"``, ``"test"``."""
        found = {"train": self.dataset.train, "test": self.dataset.test}
        if self.held_out_raw is not None:
            found[self.held_out_name] = self.held_out_raw
        return {name: rows for name, rows in found.items() if rows is not None}

    @property
    def judged_by(self) -> tuple[str, Rows]:
        """The rows, in the user's units, that a run is judged by: those of ``"test"``, ``"valid"`` or ``"train"``."""
        if self.dataset.test is not None:
            return "test", self.dataset.test
        if self.held_out_raw is not None:
            return "valid", self.held_out_raw
        return "train", self.dataset.train


def prepare(dataset: Dataset, plan: Plan) -> Prepared:
    """Hold rows out and bring a table to the units that the solver takes.

    Raises:
        OneLayerError: if a side of the split would be empty.
    """
    dataset, valid = dataset.hold_out(plan.valid, plan.seed)
    held_out = valid if valid is not None else dataset.test
    name = "valid" if valid is not None else "test" if held_out is not None else "train"
    encoding = dataset.encoding
    if encoding is None:
        return Prepared(dataset, dataset.train, held_out, held_out, name, None)
    if not plan.is_exact:
        dataset = replace(dataset, train=dataset.train.dense())
    scaling = TableScaling(dataset.train)

    def ready(rows: Rows) -> Rows:
        if not plan.is_exact:
            return scaling.apply(rows.dense(), np.float32)
        return _filled(rows, scaling.features.mean) if encoding.missing == "mean" else rows

    held = None if held_out is None else ready(held_out)
    return Prepared(dataset, ready(dataset.train), held, held_out, name, scaling)


def _filled(rows: Rows, mean: NDArray[np.float64]) -> Rows:
    """Return the rows with the mean (d,) of the training rows in the place of missing values."""
    if isinstance(rows.X, Spool):
        return replace(rows, X=rows.X.filled(mean))
    missing = np.isnan(rows.X)
    return replace(rows, X=np.where(missing, mean, rows.X)) if missing.any() else rows
