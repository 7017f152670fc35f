"""Units: runs of row groups, of one file or several small ones, that depend on the files alone."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from onelayer.data.tables import Found

UNITS = 32  # that few data are cut into, so that several workers have something to share
LEAST_UNIT, MOST_UNIT = 2**20, 2**24  # values of a unit: 8 to 128 MB as float64, but for larger row groups


@dataclass(frozen=True)
class Part:
    """Some row groups of a file.

    Attributes:
        place: the path of the file, or its address.
        groups: the numbers of the row groups.
        n: how many rows they have.
        before: how many rows of the file come before.
        constants: columns that its folders say are the same in all rows.
    """

    place: str
    groups: tuple[int, ...]
    n: int
    before: int = 0
    constants: tuple[tuple[str, str | None], ...] = ()


@dataclass(frozen=True)
class Unit:
    """Parts of files that are read one after another.

    Attributes:
        parts: these.
        start: the number of the first row, counted over all files.
    """

    parts: tuple[Part, ...]
    start: int

    @property
    def n(self) -> int:
        """How many rows there are."""
        return sum(part.n for part in self.parts)


def planned(files: Sequence[Found], columns: int) -> tuple[Unit, ...]:
    """Return the units of Parquet files of which some columns are read, which depend on the files alone."""
    total = sum(sum(found.groups) for found in files) * columns
    size = min(max(total // UNITS, LEAST_UNIT), MOST_UNIT)
    units: list[Unit] = []
    parts: list[Part] = []
    start = rows = 0
    for part in (part for found in files for part in _groups_of(found)):
        if rows and (rows + part.n) * columns > size:
            units.append(Unit(tuple(parts), start))
            parts, start, rows = [], start + rows, 0
        if parts and parts[-1].place == part.place:
            last = parts.pop()
            part = replace(last, groups=last.groups + part.groups, n=last.n + part.n)
            rows -= last.n
        parts.append(part)
        rows += part.n
    return (*units, Unit(tuple(parts), start)) if rows else tuple(units)


def _groups_of(found: Found) -> Iterator[Part]:
    """Yield each row group of a file that has rows."""
    before = 0
    for i, n in enumerate(found.groups):
        if n:
            yield Part(found.name, (i,), n, before, tuple(found.constants.items()))
        before += n
