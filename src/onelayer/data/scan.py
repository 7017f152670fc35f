"""Rows that are read again for each sum over them, and never held in memory as a whole: a scan of Parquet files.

A unit is a run of row groups, of one file or several small ones. Units are the shares of such rows: they depend on the
files alone, and one tree adds them, so sums have the same bits whoever walks them, in this process or on a cluster.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from math import prod
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from onelayer.data.batches import resized
from onelayer.data.decisions import Decisions
from onelayer.data.distinct import REPEATS, Combinations
from onelayer.data.from_table import Piece, joined, needed, pieces, stacked
from onelayer.data.parquet import batches
from onelayer.data.places import is_address
from onelayer.data.rows import Block, Rows, Task, Terms, block_rows
from onelayer.data.spool import Spool
from onelayer.data.tables import Table, with_columns
from onelayer.data.units import Part, Unit
from onelayer.engines.cluster import NO_PACKAGE
from onelayer.engines.memory import needed as memory_needed
from onelayer.engines.threads import Threads, Watch, tree_sum
from onelayer.errors import OneLayerError, named

Array = NDArray[Any]


class Engine(Protocol):
    """Who walks the units."""

    def tell(self, watch: Watch) -> None:
        """Tell of each unit that is done from now on: how many, and of how many."""
        ...

    def sum(self, read: Any, terms: Terms, units: Sequence[Unit]) -> list[Any]:
        """Return the sums of what ``terms`` returns for all blocks that ``read`` yields for each unit, by one tree."""
        ...


@dataclass(frozen=True)
class Recipe:
    """What becomes of the rows of a unit: all that a worker has to know.

    Attributes:
        made: what becomes of the columns.
        fill: what stands for missing values (d,), if they are filled.
        class_weights: what weights of rows are multiplied by, (q,), if classes do not count alike.
        is_less_offset: whether the offset is taken from numbers to predict, which says the same of squared errors.
        kept: all rows, features and target (n, d + 1), if they were kept when they were first read.
    """

    made: Decisions
    fill: NDArray[np.float64] | None = None
    class_weights: NDArray[np.float64] | None = None
    is_less_offset: bool = False
    kept: Spool | None = None

    def blocks(self, unit: Unit) -> Iterator[Block]:
        """Yield the rows of a unit in blocks that fit the processor's cache, whatever the size of its row groups.

        Raises:
            OneLayerError: if a file is damaged or was changed, or a value is missing or not what its column holds.
        """
        if self.kept is not None:
            yield from self._kept_blocks(self.kept, unit)
            return
        start, names = unit.start, needed(self.made)
        for part in unit.parts:
            constants, n = dict(part.constants), 0
            own = [name for name in names if name not in constants]
            found = batches(part.place, part.groups, own, self.rows_per_block)
            for batch in (with_columns(batch, names, constants) for batch in found):
                with named(part.place):
                    yield self.block(batch, part.before + n, start + n)
                n += len(batch)
            if n != part.n:
                raise OneLayerError(
                    f"{part.place}: has {n:,} rows in row groups that had {part.n:,}: the file was changed meanwhile"
                )
            start += n

    def _kept_blocks(self, kept: Spool, unit: Unit) -> Iterator[Block]:
        end = unit.start + unit.n
        for start in range(unit.start, end, self.rows_per_block):
            values = kept[start : min(start + self.rows_per_block, end)]
            X = np.ascontiguousarray(values[:, :-1])
            if self.fill is not None:
                X = np.where(np.isnan(X), self.fill, X)
            yield Block(X, values[:, -1:].copy(), None, 1.0, start)

    @property
    def rows_per_block(self) -> int:
        """How many rows are a block."""
        return block_rows(len(self.made.encoding.features))

    def block(self, batch: pa.RecordBatch, before: int, start: int) -> Block:
        """Return some rows with the columns of ``needed``, without those that lack a value.

        Args:
            batch: the rows.
            before: how many rows of their file or table come before, for errors.
            start: how many rows come before in all.

        Raises:
            OneLayerError: if a value is missing that may not be, or not what its column holds.
        """
        [found] = pieces(self.made, [batch], before)
        piece = _without_gaps(found, self.made, self.fill, before)
        y, c, offset = piece.y, piece.c, piece.offset
        if self.class_weights is not None:
            c = self.class_weights[y] * (1.0 if c is None else c)
        if self.is_less_offset and offset is not None:
            y, offset = y - offset, None
        return Block(piece.X, y, c, 1.0, start, offset)


@dataclass(frozen=True)
class Scan:
    """Rows of Parquet files, in the place of ``Rows`` where solvers ask for sums over them.

    Attributes:
        units: the shares.
        recipe: what becomes of the rows.
        n: the number of rows.
        engine: who walks the units.
        reading: bytes that a thread needs to read files.
        source: keeps temporary files alive, if the rows are in some.
    """

    units: tuple[Unit, ...]
    recipe: Recipe
    n: int
    engine: Engine = field(default_factory=Threads)
    reading: int = 0
    source: Any = None

    @property
    def made(self) -> Decisions:
        """What becomes of the columns."""
        return self.recipe.made

    @property
    def in_memory(self) -> bool:
        """They are not."""
        return False

    @property
    def is_sparse(self) -> bool:
        """Whether there are so many categories that blocks are in CSR."""
        return self.made.encoding.is_sparse

    @property
    def has_weights(self) -> bool:
        """Whether rows have weights."""
        return self.made.weight is not None or self.recipe.class_weights is not None

    def __len__(self) -> int:
        return self.n

    @property
    def n_features(self) -> int:
        """The number of features d."""
        return len(self.made.encoding.features)

    @property
    def task(self) -> Task:
        """What the target is."""
        return "classes" if self.made.target.classes else "regression"

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of the classes; none if the target is a number."""
        return self.made.target.classes

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the features (d,)."""
        return self.made.encoding.features

    @property
    def notes(self) -> tuple[str, ...]:
        """What was read into the columns, and what was left out, a line each."""
        return self.made.notes

    @property
    def places(self) -> tuple[str, ...]:
        """The paths and addresses of the files."""
        return tuple(dict.fromkeys(part.place for unit in self.units for part in unit.parts))

    def weights_near_one(self) -> "tuple[Scan, int]":
        """Return the rows as they are: see ``Source``."""
        return self, 0

    def distinct(self) -> "Scan | Rows":
        """See ``Source``: of categories that make few combinations one pass counts the rows of each."""
        combinations = Combinations.of(self.made.encoding, len(self.classes)) if self.classes else None
        if combinations is None or self.made.offset is not None:
            return self
        if prod(combinations.sizes) * REPEATS > len(self):
            return self
        [weights] = self.sum(lambda block: [combinations.weights(block)])
        numbers = np.flatnonzero(weights)
        return Rows(*combinations.features(numbers), "classes", weights[numbers])

    def less_offset(self) -> "Scan":
        """See ``Source``."""
        return replace(self, recipe=replace(self.recipe, is_less_offset=True))

    def with_class_weights(self, weights: Array) -> "Scan":
        """Return the rows with weights times those of their classes (q,)."""
        return replace(self, recipe=replace(self.recipe, class_weights=weights))

    def first(self) -> Block:
        """See ``Source``."""
        return _first((block for unit in self.units for block in self.recipe.blocks(unit)), "the scan")

    def gathered(self) -> Block:
        """See ``Source``."""
        rows = self.joined([block for unit in self.units for block in self.recipe.blocks(unit)])
        return rows.gathered()

    def joined(self, parts: Sequence[Block]) -> Rows:
        """Return rows that were read, in memory."""
        return together(parts, self.task)

    @property
    def n_parts(self) -> int:
        """See ``Divisible``."""
        return len(self.units)

    def take(self, index: NDArray[np.intp]) -> "Scan":
        """See ``Divisible``."""
        units = tuple(self.units[i] for i in index)
        return replace(self, units=units, n=sum(unit.n for unit in units))

    def weights_of(self, parts: Sequence[NDArray[np.intp]], n_classes: int = 1) -> NDArray[np.float64]:
        """See ``Divisible``."""
        if n_classes == 1 and not self.has_weights and self.made.encoding.missing != "drop":
            of_units = np.array([[float(unit.n)] for unit in self.units])
        else:
            of_units = self._class_weights if n_classes > 1 else self._class_weights.sum(axis=1)[:, None]
        return np.array([of_units[index].sum(axis=0) for index in parts])

    @cached_property
    def _class_weights(self) -> Array:
        """How much the rows of each class weigh in each unit (u, q); numbers to predict are all of one."""
        starts, n_classes = np.array([unit.start for unit in self.units]), len(self.classes) or 1
        is_number = not self.classes

        def terms(block: Block) -> list[Array]:
            sums = np.zeros((len(starts), n_classes))
            y = np.zeros(len(block), np.intp) if is_number else block.y
            unit = np.searchsorted(starts, block.start, side="right") - 1
            sums[unit] = np.bincount(y, block.row_weights(), n_classes)
            return [sums]

        [sums] = self.sum(terms)
        return np.asarray(sums)

    def sum(self, terms: Terms, walks: bool = False) -> list[Any]:
        """See ``Source``."""
        return self.engine.sum(self.recipe.blocks, terms, self.units)

    def walked_by(self, engine: Engine) -> "Scan":
        """Return the same rows, walked by another engine; files are named so that it finds them from anywhere."""
        units = tuple(replace(unit, parts=tuple(map(_anywhere, unit.parts))) for unit in self.units)
        return replace(self, units=units, engine=engine)

    def on(self, client: Any, holds: bool = True) -> "Scan":
        """Return the same rows, walked by the workers of a Dask cluster, which have to see the files.

        Args:
            client: a ``distributed.Client``.
            holds: whether rows stay in the workers' memory, if they fit into half of it.

        Raises:
            OneLayerError: if the extra ``onelayer[cluster]`` is not installed, rows are in a temporary file here, or a
                worker lacks memory, or the package, or has another version of it.
        """
        if self.source is not None:
            raise OneLayerError(
                "a cluster reads Parquet files, which all its workers see: write the table as such"
            )
        try:
            from onelayer.engines.dask import Workers
        except ImportError as error:
            raise OneLayerError(NO_PACKAGE) from error
        size = 8 * self.n * (self.n_features + 1 + (self.made.weight is not None)) if holds else None
        return self.walked_by(
            Workers.for_rows(client, size, memory_needed(self.reading, self.n_features + 1))
        )


@dataclass(frozen=True)
class Passage:
    """Rows of any table, text too, that one reader reads again for each sum over them.

    Attributes:
        table: the table.
        recipe: what becomes of the rows.
    """

    table: Table
    recipe: Recipe

    def first(self) -> Block:
        """See ``Source``."""
        return _first(self._blocks(), self.table.name)

    def sum(self, terms: Terms) -> list[Any]:
        """See ``Source``."""
        return tree_sum(map(terms, self._blocks()))

    def _blocks(self) -> Iterator[Block]:
        start = 0
        for batch in resized(self.table.batches(needed(self.recipe.made)), self.recipe.rows_per_block):
            with named(self.table.name):
                yield self.recipe.block(batch, start, start)
            start += len(batch)


def _first(blocks: Iterable[Block], name: str) -> Block:
    """Return the first block that has rows."""
    found = next((block for block in blocks if len(block)), None)
    if found is None:
        raise OneLayerError(f"{name}: no row is complete")
    return found


def _anywhere(part: Part) -> Part:
    return part if is_address(part.place) else replace(part, place=str(Path(part.place).resolve()))


def _without_gaps(piece: Piece, made: Decisions, fill: NDArray[np.float64] | None, start: int) -> Piece:
    """Return rows without missing values: they are left out, filled, or an error, as the encoding says."""
    if made.encoding.missing == "drop":
        return piece.complete()
    values = piece.X if isinstance(piece.X, np.ndarray) else piece.X.data
    has_gaps = np.isnan(values.sum())
    is_without = piece.y < 0 if piece.y.ndim == 1 else np.isnan(piece.y[:, 0])
    if is_without.any():
        row = int(is_without.argmax())
        raise OneLayerError(
            f"the target {made.target.name!r} is missing, first in row {start + row + 1:,}: mend it, or leave such "
            "rows out"
        )
    if made.encoding.missing == "error" and has_gaps:
        _refuse_gap(piece, made, start)
    if made.encoding.missing == "mean" and has_gaps and fill is not None:
        return replace(piece, X=np.where(np.isnan(piece.X), fill, piece.X))
    return piece


def _refuse_gap(piece: Piece, made: Decisions, start: int) -> None:
    """Raise OneLayerError that says where a feature is missing."""
    X = piece.X if isinstance(piece.X, np.ndarray) else piece.X.toarray()
    row, column = (int(i) for i in np.argwhere(np.isnan(X))[0])
    raise OneLayerError(
        f"column {made.encoding.features[column]!r}, row {start + row + 1:,}: the value is missing; leave such rows "
        "out with --missing drop (missing='drop' in Python), fill features with --missing mean, or mend it"
    )


def together(parts: Sequence[Block | Rows], task: Task) -> Rows:
    """Return several parts of rows as one."""
    c, offset = (joined([getattr(part, name) for part in parts]) for name in ("c", "offset"))
    y = np.concatenate([part.y for part in parts])
    return Rows(stacked([part.X for part in parts]), y, task, c, offset=offset)
