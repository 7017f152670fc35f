"""From a table to rows to learn from, in memory or, where they are too many, in a file."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy import sparse

from onelayer.data.arrow import first_true
from onelayer.data.arrow_types import as_strings
from onelayer.data.cells import Unknown, numbers_in
from onelayer.data.columns import Profile
from onelayer.data.dataset import Dataset
from onelayer.data.decisions import Choices, Decisions, decide
from onelayer.data.encoding import Encoding, Target
from onelayer.data.formula import LARGEST
from onelayer.data.rows import Rows, Task, complete_rows
from onelayer.data.spelling import POINT, trimmed
from onelayer.data.spool import Spool, SpoolWriter
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
    return Dataset(
        *(name, rows, None, features, goal.name, goal.classes),
        encoding=made.encoding,
        notes=notes,
        offset=made.offset,
    )


@dataclass(frozen=True, eq=False)
class Piece:
    """Some rows of a table.

    Attributes:
        X: features (m, d).
        y: class numbers (m,), −1 where missing, or numbers (m, 1), NaN where missing.
        c: weights (m,), or None for 1.
        offset: (m, 1), or None for 0.
        groups: an Arrow array (m,) of strings for each way of grouping.
    """

    X: Any
    y: NDArray[Any]
    c: NDArray[np.float64] | None
    offset: NDArray[np.float64] | None
    groups: tuple[Any, ...]

    def __len__(self) -> int:
        return len(self.y)

    def complete(self) -> "Piece":
        """Return the rows in which no value is missing."""
        keep = self.y >= 0 if self.y.ndim == 1 else ~np.isnan(self.y).any(axis=1)
        keep &= complete_rows(self.X)
        for values in (self.c, self.offset):
            keep &= True if values is None else ~np.isnan(values.reshape(len(keep)))
        for strings in self.groups:
            keep &= strings.is_valid().to_numpy(zero_copy_only=False)
        if keep.all():
            return self
        c, offset = (None if values is None else values[keep] for values in (self.c, self.offset))
        groups = tuple(strings.filter(pa.array(keep)) for strings in self.groups)
        return Piece(self.X[keep], self.y[keep], c, offset, groups)


def pieces(made: Decisions, batches: Iterable[pa.RecordBatch], start: int = 0) -> Iterator[Piece]:
    """Yield the rows of batches with the columns of ``needed``.

    A category that training did not have is a missing value where rows that lack one are left out, else an error.

    Raises:
        OneLayerError: if a value is not what its column holds; it says where.
    """
    k = len(made.encoding.columns)
    names, may_lack = needed(made), made.encoding.missing == "drop"
    unknown: Unknown = "ignore" if may_lack else "error"
    for batch in batches:
        X, _ = made.encoding.encode(batch.select(range(k)), made.profiles, start, unknown)

        def values(name: str, batch: pa.RecordBatch = batch) -> Any:
            return batch.column(names.index(name))

        y = made.target.encode(values(made.target.name), made.profiles[made.target.name], start)
        c, offset = None, None
        if made.weight is not None:
            c = _weights(values(made.weight), made.profiles[made.weight], start, may_lack)
        if made.offset is not None:
            offset = offsets_in(values(made.offset), made.profiles[made.offset], start, may_lack)[:, None]
        groups = tuple(_groups(values(name), name, start, may_lack) for name in made.groups)
        yield Piece(X, y, c, offset, groups)
        start += len(batch)


def needed(made: Decisions) -> list[str]:
    """Return the columns that rows are made of, first those of the features."""
    aside = [column for column in (made.weight, made.offset, *made.groups) if column is not None]
    return list(dict.fromkeys([*made.encoding.names, made.target.name, *aside]))


def _rows(table: Table, made: Decisions) -> tuple[Rows, list[str]]:
    """Return the rows, in memory or in a file, and notes on those that were dropped."""
    as_read = _rows_as_read(made)
    if as_read is not None:
        return as_read, []
    features, rest = Features(), list[Piece]()
    n = 0
    with named(table.name):
        plain = [
            c for c in needed(made) if made.profiles[c].is_plain and made.profiles[c].spellings == (POINT,)
        ]
        for piece in pieces(made, table.batches(needed(made), plain)):
            n += len(piece)
            complete = piece.complete() if made.encoding.missing == "drop" else piece
            features.add(complete.X)
            rest.append(replace(complete, X=None))
        y = np.concatenate([piece.y for piece in rest])
        if not len(y):
            raise OneLayerError("every row has a missing value; none is left")
    c, offset = (joined([getattr(piece, name) for piece in rest]) for name in ("c", "offset"))
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
    task: Task = "classes" if made.target.classes else "regression"
    return Rows(X, y, task, c, offset=offset, groups=_numbered([piece.groups for piece in rest])), notes


def as_read(made: Decisions) -> Spool | None:
    """Return the features and the target, last, if all are numbers that were kept when first read, and are in order."""
    encoding, profiles = made.encoding, [made.profiles[name] for name in needed(made)]
    is_plain = all(
        p.kind == "number" and p.low is not None and p.high is not None and max(-p.low, p.high) <= LARGEST
        for p in profiles
    )
    has_more = made.weight is not None or made.offset is not None or made.groups
    is_simple = encoding.formula is None and not has_more and not made.target.classes
    if made.kept is None or not is_plain or not is_simple or encoding.missing == "drop":
        return None
    return made.kept.of([*encoding.names, made.target.name])


def _rows_as_read(made: Decisions) -> Rows | None:
    """Return the rows as ``as_read`` does, in memory unless they are too many."""
    together = as_read(made)
    if together is None or made.kept is None:
        return None
    if len(together) * len(made.encoding.names) <= MOST_IN_MEMORY:
        values = together[:]
        return Rows(values[:, :-1], values[:, -1].copy(), "regression")
    X, target = made.kept.of(made.encoding.names), made.kept.of([made.target.name])
    return None if X is None or target is None else Rows(X, target[:, 0], "regression")


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


def stacked(parts: Sequence[Any]) -> Any:
    """Return features of several blocks, all dense or all in CSR, as one."""
    if len(parts) == 1:
        return parts[0]
    return sparse.csr_array(sparse.vstack(parts)) if sparse.issparse(parts[0]) else np.concatenate(parts)


def joined(parts: Sequence[Any]) -> Any:
    """Return arrays of several blocks as one, or None if there are none."""
    return None if parts[0] is None else np.concatenate(parts)


def _numbered(parts: Sequence[tuple[Any, ...]]) -> NDArray[np.int64] | None:
    """Return the number of each row's group (n, w), by the strings of several blocks; None if there are none."""
    ways = list(zip(*parts, strict=True))
    if not ways:
        return None
    codes = [pa.chunked_array(list(way)).combine_chunks().dictionary_encode().indices for way in ways]
    return np.column_stack([np.asarray(found, np.int64) for found in codes])


def _groups(values: Any, name: str, start: int, may_lack: bool) -> Any:
    """Return the names of groups as Arrow strings (m,)."""
    found = trimmed(as_strings(values))
    row = -1 if may_lack or not found.null_count else first_true(found.is_null())
    if row >= 0:
        raise OneLayerError(
            f"the group {name!r} in row {start + row + 1:,} is missing: say which group the row is in, or leave it out"
        )
    return found


def offsets_in(
    values: pa.Array, profile: Profile, start: int = 0, may_lack: bool = False
) -> NDArray[np.float64]:
    """Return the offsets (m,) of some rows.

    Raises:
        OneLayerError: if one is not a number, or missing where it may not be.
    """
    offsets = numbers_in(values, profile, start)
    if not may_lack and np.isnan(offsets).any():
        row = start + int(np.isnan(offsets).argmax()) + 1
        raise OneLayerError(
            f"the offset {profile.name!r} in row {row:,} is missing: mend it, or leave the row out"
        )
    return offsets


def _weights(values: pa.Array, profile: Profile, start: int, may_lack: bool) -> NDArray[np.float64]:
    weights = numbers_in(values, profile, start)
    wrong = weights < 0 if may_lack else np.isnan(weights) | (weights < 0)
    if wrong.any():
        row = start + int(wrong.argmax()) + 1
        raise OneLayerError(
            f"the weight {profile.name!r} in row {row:,} is missing or negative: mend it, or leave the row out"
        )
    return weights
