"""What all columns of a table are: shown to profilers batch by batch, they tell each other how numbers are spelled."""

from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from typing import Any

import pyarrow as pa

from onelayer.data.columns import Profile
from onelayer.data.reading import Reading
from onelayer.data.spelling import POINT, Spelling
from onelayer.data.spool import NumbersKept
from onelayer.data.string_columns import Profiler


def show_all(
    batches: Iterable[pa.RecordBatch], profilers: Mapping[str, Profiler], kept: NumbersKept | None
) -> int:
    """Show all rows to the profilers of their columns, and return how many there are.

    Args:
        batches: the rows.
        profilers: in the order of the columns.
        kept: takes in all columns that are strings and numbers, if it is given.
    """
    n = 0
    running: list[Future[dict[str, Any]]] = []
    with ThreadPoolExecutor(2) as pool:
        for batch in chain(batches, [None]):
            looked = [half.result() for half in running]  # while they ran, the batch was read
            if batch is not None:
                n += len(batch)
                pairs = list(zip(profilers.values(), batch.columns, strict=True))
                running = [pool.submit(_add, half) for half in (pairs[::2], pairs[1::2])]
            if kept is not None and looked:
                both = looked[0] | looked[1]  # in the table's order features are a slice of what is kept
                kept.add({name: both[name] for name in profilers})
    return n


def _add(pairs: Sequence[tuple[Profiler, pa.Array]]) -> dict[str, Any]:
    """Show columns to profilers; return those that are strings and numbers by name, as float64 or None."""
    return {profiler.name: profiler.add(values) for profiler, values in pairs}


def settled(
    profiles: dict[str, Profile], reading: Reading, likely: str, expected: Mapping[str, Spelling]
) -> dict[str, Profile]:
    """Return profiles in which each column of numbers has one spelling; what the table's other columns tell counts.

    Args:
        profiles: with all spellings that a column's numbers may be in.
        reading: what the user says.
        likely: the decimal mark that goes with the separator of cells.
        expected: by column, the spelling that a model has learned from.
    """
    spelled = {name: p for name, p in profiles.items() if p.kind == "number" and not p.type_name}
    allowed = {name: _allowed(p.spellings, reading) for name, p in spelled.items()}
    certain = {found[0] for found in allowed.values() if len({s.decimal for s in found}) == 1}
    marks = {spelling.decimal for spelling in certain if spelling.decimal != "." or spelling.thousands}
    for name, found in allowed.items():
        profile, told = profiles[name], [s for s in found if s.decimal in marks] if len(marks) == 1 else []
        is_open = len({s.decimal for s in found}) > 1 and (profile.has_points or found[0] != POINT)
        known = expected.get(name)
        if not found:
            profiles[name] = replace(profile, kind="mixed")
        elif not is_open:
            profiles[name] = _in(found[0], profile)
        elif told or known in found:
            profiles[name] = _in(told[0] if told else next(s for s in found if s == known), profile)
        elif found[0] == POINT and (likely == "." or POINT in certain or reading.decimal):
            profiles[name] = _in(POINT, profile)
        else:
            profiles[name] = replace(profile, spellings=tuple(found), kind="ambiguous")
    return profiles


def _in(spelling: Spelling, profile: Profile) -> Profile:
    """Return a profile whose numbers are in one spelling; the range is known only of plain ones."""
    limits = (profile.low, profile.high) if spelling == POINT else (None, None)
    return replace(profile, spellings=(spelling,), low=limits[0], high=limits[1])


def _allowed(spellings: Sequence[Spelling], reading: Reading) -> list[Spelling]:
    return [
        s
        for s in spellings
        if reading.decimal in (None, s.decimal)
        and reading.thousands != s.decimal
        and (reading.thousands is None or s.thousands in ("", reading.thousands))
    ]
