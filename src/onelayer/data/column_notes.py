"""What is said of the columns of a table: what was read into them, and what is missing."""

from collections.abc import Iterator, Sequence

from onelayer.data.columns import Profile
from onelayer.data.dataset import Missing
from onelayer.data.encoding import Column, Encoding, Target
from onelayer.data.tables import quoted
from onelayer.errors import OneLayerError

WEEKDAYS = "; weekdays go from 0, Monday, to 6"


def formula_notes(encoding: Encoding) -> list[str]:
    """Return what the formula makes of the columns; an error if it cannot make anything."""
    if encoding.formula is None:
        return []
    dates = [column.name for column in encoding.columns if column.kind == "date"]
    if dates:
        raise OneLayerError(
            f"formula: {dates[0]!r} holds dates, of which a formula cannot take parts: leave it out"
        )
    features = encoding.features
    shown = ", ".join(features[:6]) + (", …" if len(features) > 6 else "")
    return [f"formula: {len(features):,} feature{'s' if len(features) > 1 else ''}: {shown}"]


def refuse_missing(profiles: Sequence[Profile]) -> None:
    """Raise OneLayerError if a column lacks values; it says how many, and where the first one is."""
    lacking = [profile for profile in profiles if profile.missing]
    if not lacking:
        return
    first, *rest = lacking
    more = "; ".join(f"{p.name!r} has {p.missing:,}" for p in rest[:4]) + (", …" if len(rest) > 4 else "")
    raise OneLayerError(
        f"column {first.name!r} has {gaps(first)}{'; ' + more if more else ''}; fill them in, or train with "
        "--missing mean or --missing drop"
    )


def gaps(profile: Profile) -> str:
    """Return how many values a column lacks, and where the first one is."""
    values = "value" if profile.missing == 1 else "values"
    return f"{profile.missing:,} missing {values}, the first in row {profile.first_missing:,}"


def role_notes(weight: str | None, offset: str | None, groups: Sequence[str], goal: Target) -> list[str]:
    """Return what columns say of rows that are not features."""
    goes_to = f"the logit of {goal.classes[1]!r}" if goal.classes else "the prediction"
    return [
        *([f"rows are weighted by {weight!r}"] if weight else []),
        *([f"{offset!r} is added to {goes_to} as it is (offset)"] if offset else []),
        *([f"rows are grouped by {' and by '.join(map(repr, groups))}"] if groups else []),
    ]


def column_notes(profile: Profile, column: Column | None, missing: Missing) -> Iterator[str]:
    """Yield what was read into a column, or put in the place of its values; ``column`` is that of a feature."""
    name, tokens = profile.name, ", ".join(map(repr, profile.tokens))
    spelling = str(profile.spellings[0]) if profile.spellings else ""
    if profile.kind == "number" and spelling:
        yield f"{name}: {spelling}"
    if column is not None and column.kind == "category":
        yield f"{name}: {len(column.levels):,} categories, relative to {column.reference!r}"
    if column is not None and column.kind == "boolean" and profile.levels:
        yield f"{name}: {quoted(profile.levels)} are read as false and true"
    if tokens and profile.kind in ("category", "code"):
        yield f"{name}: {tokens} is a category ({sum(profile.tokens.values()):,} rows); --na makes it a missing value"
    elif tokens:
        yield f"{name}: {tokens} in {sum(profile.tokens.values()):,} rows is a missing value"
    if profile.is_running_number and profile.n > 2 and column is not None:
        yield f"{name}: a running number; if it only counts rows, leave it out with --exclude"
    if column is not None and missing == "mean" and profile.missing:
        values = "value is" if profile.missing == 1 else "values are"
        what = "the mean" if column.kind != "category" else "the shares of the categories"
        yield f"{name}: {profile.missing:,} missing {values} filled with {what}"
    if column is not None and column.kind == "date":
        yield f"{name}: {', '.join(column.parts)}, a number each{WEEKDAYS if 'weekday' in column.parts else ''}"
