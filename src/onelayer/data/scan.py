"""A scan of Parquet files: rows that are read again for each sum over them, and never held in memory as a whole.

A unit is a file and some of its row groups, of about the same size whatever the files' own division. Units are the
shares of such rows: they depend on the files alone, and are added in their order, so sums have the same bits again.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.decisions import Choices, Decisions, decide
from onelayer.data.from_table import joined, needed, pieces, stacked
from onelayer.data.parquet import batches, opened
from onelayer.data.rows import Block, Task, Terms, block_rows
from onelayer.data.tables import open_tables
from onelayer.engines.threads import added, sum_of
from onelayer.errors import OneLayerError, named

Array = NDArray[Any]

UNIT_VALUES = 2**24  # values of a unit: 128 MB as float64, of which a batch at a time is in memory


@dataclass(frozen=True)
class Unit:
    """Some row groups of a file that are read one after another.

    Attributes:
        path: the file.
        groups: the numbers of the row groups.
        start: the number of the first row, counted over all files.
    """

    path: Path
    groups: tuple[int, ...]
    start: int


@dataclass(frozen=True)
class Scan:
    """Rows of Parquet files, in the place of ``Rows`` where solvers ask for sums over them.

    Attributes:
        units: the shares.
        made: what becomes of the columns.
        n: the number of rows.
    """

    units: tuple[Unit, ...]
    made: Decisions
    n: int

    @property
    def in_memory(self) -> bool:
        """They are not."""
        return False

    @property
    def is_sparse(self) -> bool:
        """Whether there are so many categories that blocks are in CSR."""
        return self.made.encoding.is_sparse

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

    def weights_near_one(self) -> "tuple[Scan, int]":
        """Return the rows as they are: see ``Source``."""
        return self, 0

    def first(self) -> Block:
        """See ``Source``."""
        return next(self._blocks(self.units[0]))

    def gathered(self) -> Block:
        """See ``Source``."""
        parts = [block for unit in self.units for block in self._blocks(unit)]
        c, offset = (joined([getattr(part, name) for part in parts]) for name in ("c", "offset"))
        y = np.concatenate([part.y for part in parts])
        return Block(stacked([part.X for part in parts]), y, c, offset=offset)

    def sum(self, terms: Terms) -> list[Any]:
        """See ``Source``."""
        return sum_of(lambda unit: added(map(terms, self._blocks(unit))), self.units)

    def _blocks(self, unit: Unit) -> Iterator[Block]:
        start = unit.start
        found = batches(unit.path, unit.groups, needed(self.made), block_rows(self.n_features))
        with named(unit.path):
            for piece in pieces(self.made, found, start):
                yield Block(piece.X, piece.y, piece.c, 1.0, start, piece.offset)
                start += len(piece)


def scan(
    paths: Sequence[Path],
    target: str,
    features: Sequence[str] | None = None,
    weight: str | None = None,
    as_classes: bool = False,
    offset: str | None = None,
) -> Scan:
    """Return the rows of Parquet files of one schema, for solvers that sum over them.

    Numbers and booleans are features as they are; columns of strings become one feature for each category, which one
    pass over the files finds.

    Args:
        paths: the files, in order.
        target: the column to predict: classes if it holds strings or booleans.
        features: the columns to predict from; all others if not given.
        weight: the column of the rows' weights.
        as_classes: whether a target of numbers is one of classes.
        offset: the column of what is known beforehand of the outputs.

    Raises:
        OneLayerError: if there are no rows, a column is absent or of another type than numbers, booleans and strings.
    """
    if not paths:
        raise OneLayerError("there are no files to read")
    table = open_tables(list(map(str, paths)))
    made = decide(table, Choices(target, features, weight=weight, as_classes=as_classes, offset=offset))
    units, n = _units(paths, len(needed(made)))
    return Scan(units, made, n)


def _units(paths: Sequence[Path], columns: int) -> tuple[tuple[Unit, ...], int]:
    """Return the units of the files, and the number of rows."""
    units, start = [], 0
    for path in paths:
        with opened(path) as file:
            sizes = [file.metadata.row_group(i).num_rows for i in range(file.metadata.num_row_groups)]
        groups: list[int] = []
        rows = 0
        for i, size in enumerate(sizes):
            groups.append(i)
            rows += size
            if rows * columns >= UNIT_VALUES or i == len(sizes) - 1:
                if rows:
                    units.append(Unit(path, tuple(groups), start))
                start, groups, rows = start + rows, [], 0
    return tuple(units), start
