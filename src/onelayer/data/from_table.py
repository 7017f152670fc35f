"""From a table to rows to learn from, in memory or, where they are too many, in a file."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from onelayer.data.columns import Profile
from onelayer.data.dataset import Dataset, Missing
from onelayer.data.decisions import Choices, Decisions, decide
from onelayer.data.encoding import Encoding, Target, numbers_in
from onelayer.data.formula import LARGEST
from onelayer.data.rows import Rows, complete_rows
from onelayer.data.spelling import POINT
from onelayer.data.spool import SpoolWriter
from onelayer.data.tables import Table, quoted
from onelayer.errors import OneLayerError, named

MOST_IN_MEMORY = 2**25  # features, 256 MB: more of them are kept in a file


def dataset_of(table: Table, name: str, choices: Choices) -> Dataset:
    """Return a table as a data set without a test set, with a note on all that was done to it.

    Raises:
        OneLayerError: as ``decide``, and if a row is broken or no row is complete.
    """
    made = decide(table, choices)
    rows, dropped = _rows(table, made)
    features, goal = made.encoding.features, made.target
    notes = (*made.notes, *dropped)
    return Dataset(name, rows, None, features, goal.name, goal.classes, encoding=made.encoding, notes=notes)


def blocks(
    made: Decisions, batches: Iterable[pa.RecordBatch], start: int = 0
) -> Iterator[tuple[Any, NDArray[Any], NDArray[np.float64] | None]]:
    """Yield features (m, d), targets and weights (m,), if there are any, of batches with the columns of ``needed``.

    Raises:
        OneLayerError: if a value is not what its column holds; it says where.
    """
    k = len(made.encoding.columns)
    for batch in batches:
        X, _ = made.encoding.encode(batch.select(range(k)), made.profiles, start)
        y = made.target.encode(batch.column(k), made.profiles[made.target.name], start)
        c = None
        if made.weight is not None:
            may_lack = made.encoding.missing == "drop"
            c = _weights(batch.column(k + 1), made.profiles[made.weight], start, may_lack)
        yield X, y, c
        start += len(batch)


def needed(made: Decisions) -> list[str]:
    """Return the columns that rows are made of, in the order in which ``blocks`` takes them."""
    return [*made.encoding.names, made.target.name, *([made.weight] if made.weight else [])]


def _rows(table: Table, made: Decisions) -> tuple[Rows, list[str]]:
    """Return the rows, in memory or in a file, and notes on those that were dropped."""
    as_read = _rows_as_read(made)
    if as_read is not None:
        return as_read, []
    features, targets, weights = Features(), list[NDArray[Any]](), list[NDArray[np.float64]]()
    n = 0
    with named(table.name):
        plain = [
            c for c in needed(made) if made.profiles[c].is_plain and made.profiles[c].spellings == (POINT,)
        ]
        for X, y, c in blocks(made, table.batches(needed(made), plain)):
            keep = _complete(X, y, c, made.encoding.missing)
            n += len(keep)
            features.add(X if keep.all() else X[keep])
            targets.append(y[keep])
            if c is not None:
                weights.append(c[keep])
        y = np.concatenate(targets)
        if not len(y):
            raise OneLayerError("every row has a missing value; none is left")
    c = np.concatenate(weights) if weights else None
    X = features.all()
    notes = []
    if len(y) < n:
        notes = [
            f"{n - len(y):,} of {n:,} rows are dropped: a value is missing",
            *_lost_levels(X, made.encoding),
        ]
    if c is not None and not c.all():
        notes.append(f"{int((c == 0).sum()):,} rows have the weight 0")
    notes += _rare_classes(y, made.target) if made.target.classes else []
    return Rows(X, y, "classes" if made.target.classes else "regression", c), notes


def _rows_as_read(made: Decisions) -> Rows | None:
    """Return the rows if all columns are numbers that were kept when they were first read, and need no more care."""
    encoding, profiles = made.encoding, [made.profiles[name] for name in needed(made)]
    is_plain = all(
        p.kind == "number" and p.low is not None and p.high is not None and max(-p.low, p.high) <= LARGEST
        for p in profiles
    )
    is_simple = encoding.formula is None and made.weight is None and not made.target.classes
    if made.kept is None or not is_plain or not is_simple or encoding.missing == "drop":
        return None
    X, target = made.kept.of(encoding.names), made.kept.of([made.target.name])
    if X is None or target is None:
        return None
    return Rows(X if X.shape[0] * X.shape[1] > MOST_IN_MEMORY else X[:], target[:, 0], "regression")


class Features:
    """Collects features block by block: in memory, or in a file if they are dense and too many."""

    def __init__(self) -> None:
        self.parts: list[Any] = []
        self.size = 0
        self.writer: SpoolWriter | None = None

    def add(self, X: Any) -> None:
        """Take in more rows (m, d)."""
        if self.writer is not None:
            self.writer.add(X)
            return
        self.parts.append(X)
        self.size += X.size
        if self.size > MOST_IN_MEMORY and not sparse.issparse(X):
            self.writer = SpoolWriter(X.shape[1])
            for part in self.parts:
                self.writer.add(part)
            self.parts = []

    def all(self) -> Any:
        """Return all rows (n, d)."""
        return stacked(self.parts) if self.writer is None else self.writer.spool()


def _lost_levels(X: Any, encoding: Encoding) -> list[str]:
    """Return notes on categories of which no row is left in the features X (n, d)."""
    notes: list[str] = []
    place = 0
    for column in encoding.columns if encoding.formula is None else ():
        end = place + len(column.features)
        if column.kind == "category":
            counts = dict(zip(column.features, np.asarray(X[:, place:end].sum(axis=0)).ravel(), strict=True))
            rest = X.shape[0] - sum(counts.values())
            lost = [level for level in column.levels if not counts.get(f"{column.name}={level}", rest)]
            notes += [f"{column.name}: no row is left of {quoted(lost)}"] if lost else []
        place = end
    return notes


def _rare_classes(y: NDArray[np.int64], target: Target) -> list[str]:
    """Return notes on classes of which hardly anything can be learned."""
    counts = np.bincount(y, minlength=len(target.classes))
    words = {0: "no row is left", 1: "there is just one row"}
    return [
        f"class {target.classes[k]!r}: {words[count]}"
        for k, count in enumerate(counts.tolist())
        if count in words
    ]


def _complete(X: Any, y: NDArray[Any], c: NDArray[np.float64] | None, missing: Missing) -> NDArray[np.bool_]:
    """Return which rows are to be kept (n,)."""
    if missing != "drop":
        return np.ones(len(y), bool)
    known: NDArray[np.bool_] = y >= 0 if y.ndim == 1 else ~np.isnan(y).any(axis=1)
    return known & complete_rows(X) & (~np.isnan(c) if c is not None else True)


def stacked(parts: Sequence[Any]) -> Any:
    """Return features of several blocks, all dense or all in CSR, as one."""
    if len(parts) == 1:
        return parts[0]
    return sparse.csr_array(sparse.vstack(parts)) if sparse.issparse(parts[0]) else np.concatenate(parts)


def _weights(values: pa.Array, profile: Profile, start: int, may_lack: bool) -> NDArray[np.float64]:
    weights = numbers_in(values, profile, start)
    wrong = weights < 0 if may_lack else np.isnan(weights) | (weights < 0)
    if wrong.any():
        row = start + int(wrong.argmax()) + 1
        raise OneLayerError(
            f"the weight {profile.name!r} in row {row:,} is missing or negative: mend it, or leave the row out"
        )
    return weights
