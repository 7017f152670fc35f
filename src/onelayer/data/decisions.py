"""What becomes of the columns of a table: which are features, which are left out, and what is said of it."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import get_args

from onelayer.data.column_notes import column_notes, formula_notes, gaps, refuse_missing, role_notes
from onelayer.data.columns import Profile
from onelayer.data.dataset import Missing
from onelayer.data.encoding import DATE_PARTS, Column, Encoding, Target
from onelayer.data.formula import Formula
from onelayer.data.formula_text import parse_formula
from onelayer.data.scaling import CONSTANT
from onelayer.data.spelling import POINT
from onelayer.data.spool import NumbersKept
from onelayer.data.tables import Table, quoted
from onelayer.errors import OneLayerError, named

MOST_CLASSES = 1_000


@dataclass(frozen=True)
class Choices:
    """What of a table is to be learned from.

    Attributes:
        target: the column to predict.
        features: the columns to predict from; all others if None.
        exclude: columns that are not.
        missing: what to do with a row that lacks a value.
        as_classes: whether a target of numbers is one of classes.
        categorical: columns that are categories although they look like numbers or text.
        references: by column, the level of a category that the others are relative to; the first one otherwise.
        date_parts: what becomes of dates: some of days, year, month, day, weekday, hour.
        weight: the column of the rows' weights.
        offset: the column of what is known beforehand of the prediction, or of the logit of the second class.
        groups: one or two columns that say which rows depend on each other.
        formula: such as ``price ~ area * city + log(age)``, in the place of target and features.
    """

    target: str | None = None
    features: Sequence[str] | None = None
    exclude: Collection[str] = ()
    missing: Missing = "error"
    as_classes: bool = False
    categorical: Collection[str] = ()
    references: Mapping[str, str] = field(default_factory=dict)
    date_parts: Sequence[str] = ()
    weight: str | None = None
    offset: str | None = None
    groups: Sequence[str] = ()
    formula: str | None = None

    def __post_init__(self) -> None:
        if self.missing not in get_args(Missing):
            raise OneLayerError(
                f"missing must be one of {', '.join(get_args(Missing))}, not {self.missing!r}"
            )
        for part in self.date_parts:
            if part not in DATE_PARTS:
                raise OneLayerError(f"a date has no part {part!r}; there are {', '.join(DATE_PARTS)}")
        if self.formula is not None and self.features is not None:
            raise OneLayerError("a formula names the features itself: leave the list of features out")
        for given in (self.features, self.categorical, self.exclude, self.groups):
            if isinstance(given, str):
                raise OneLayerError(f"columns must be a list of names, such as [{given!r}]")
        if len(self.groups) > 2 or len(set(self.groups)) < len(self.groups):
            raise OneLayerError(f"rows are grouped by one column or two, not by {quoted(self.groups)}")

    @property
    def aside(self) -> list[str]:
        """The columns that say something of rows, and are not features unless they are named as such."""
        return [column for column in (self.weight, self.offset, *self.groups) if column is not None]


@dataclass(frozen=True)
class Decisions:
    """What the columns of a table are to a model.

    Attributes:
        encoding: how columns become features.
        target: what is predicted.
        weight: the column of the rows' weights, or None.
        offset: the column of what is known beforehand, or None.
        groups: the columns that say which rows depend on each other.
        profiles: of all these columns.
        notes: what was read into them, and what was left out.
        kept: the columns that are numbers, where reading them again would take long.
    """

    encoding: Encoding
    target: Target
    weight: str | None
    offset: str | None
    groups: tuple[str, ...]
    profiles: Mapping[str, Profile]
    notes: tuple[str, ...]
    kept: NumbersKept | None = None


def decide(table: Table, choices: Choices, trusts_statistics: bool = False) -> Decisions:
    """Return what becomes of the columns of a table, after one look at all of it.

    Args:
        table: the table.
        choices: what of it is to be learned from.
        trusts_statistics: whether what files say of columns of numbers will do for these; see ``Table.profiles``.

    Raises:
        OneLayerError: if a column is absent or cannot be used, or values are missing and ``missing`` does not say what
            to do; it says which and what would help.
    """
    choices, formula = _with_formula(table, choices)
    target, candidates = _candidates(table, choices)
    categorical = {*choices.categorical, *([target] if choices.as_classes else [])}
    kept = NumbersKept() if table.is_slow else None
    looked_at = list(dict.fromkeys([*candidates, target, *choices.aside]))
    trusts_statistics = trusts_statistics and choices.missing == "error"
    profiles = table.profiles(looked_at, categorical, kept=kept, trusts_statistics=trusts_statistics)
    with named(table.name):
        chosen, notes = _chosen(table, candidates, profiles, choices, formula is not None)
        encoding = Encoding(tuple(_column(profiles[c], choices) for c in chosen), choices.missing, formula)
        notes += formula_notes(encoding)
        goal = _target(profiles[target], choices.as_classes)
        _refuse_missing(choices, profiles, chosen, target)
        _check_offset(choices.offset, profiles, goal)
        not_used = sorted(choices.references.keys() - set(chosen))
        if not_used:
            raise OneLayerError(f"{quoted(not_used)} has no reference level, for it is not a feature")
    notes += role_notes(choices.weight, choices.offset, choices.groups, goal)
    columns = {column.name: column for column in encoding.columns}
    for name in (*chosen, target, choices.weight, choices.offset):
        notes += [] if name is None else column_notes(profiles[name], columns.get(name), choices.missing)
    return Decisions(
        encoding,
        goal,
        choices.weight,
        choices.offset,
        tuple(choices.groups),
        profiles,
        (*table.notes, *notes),
        kept,
    )


def _with_formula(table: Table, choices: Choices) -> tuple[Choices, Formula | None]:
    """Return the choices with the target and the features that a formula names, if there is one, and the formula."""
    if choices.formula is None:
        return choices, None
    parsed = parse_formula(choices.formula)
    target = parsed.target if choices.target is None else choices.target
    with named(table.name):
        aside = {*choices.exclude, *table.index, *table.unnamed, *choices.aside}
        formula = parsed.resolved([c for c in table.columns if c not in aside], target)
    return replace(choices, target=formula.target, features=formula.columns, formula=None), formula


def _refuse_missing(
    choices: Choices, profiles: Mapping[str, Profile], chosen: Sequence[str], target: str
) -> None:
    """Raise OneLayerError if values are missing and the choices do not say what to do."""
    if choices.missing == "error":
        refuse_missing([profiles[c] for c in (*chosen, target)])
    if choices.missing == "mean" and profiles[target].missing:
        raise OneLayerError(
            f"the target {target!r} has {gaps(profiles[target])}; a target cannot be filled: leave such rows out, "
            "or train with --missing drop"
        )


# Which columns


def _candidates(table: Table, choices: Choices) -> tuple[str, list[str]]:
    """Return the target and the columns that may be features, if they are all there and make sense."""
    if choices.target is None:
        raise OneLayerError(
            f"{table.name}: which column is to be predicted? Name it with --target (target= in Python); there are "
            f"{quoted(table.columns)}"
        )
    target = choices.target
    named_ones = [
        ("target column", [target]),
        ("feature column", choices.features or ()),
        ("column to exclude", choices.exclude),
        ("categorical column", choices.categorical),
        ("category", choices.references),
        ("weight column", [choices.weight] if choices.weight else ()),
        ("offset column", [choices.offset] if choices.offset else ()),
        ("column of groups", choices.groups),
    ]
    for what, columns in named_ones:
        for column in columns:
            table.place(column, what)
    for what, given in (("weight of the rows", choices.weight), ("offset", choices.offset)):
        if given == target:
            raise OneLayerError(f"{table.name}: the target {target!r} cannot be the {what}")
    if target in choices.groups:
        raise OneLayerError(f"{table.name}: rows cannot be grouped by the target {target!r}")
    if choices.offset is not None and choices.offset in (choices.features or ()):
        raise OneLayerError(f"{table.name}: the offset {choices.offset!r} cannot be a feature too")
    if target in choices.exclude:
        raise OneLayerError(f"{table.name}: the target {target!r} cannot be excluded")
    excluded = {target, choices.weight, choices.offset, *choices.exclude}
    if choices.features is None:
        aside = excluded | {*choices.groups, *table.index}
        return target, [c for c in table.columns if c not in aside]
    if len(set(choices.features)) < len(choices.features):
        raise OneLayerError(f"{table.name}: a feature is named twice in {quoted(choices.features)}")
    if not choices.features or target in choices.features:
        raise OneLayerError(f"{table.name}: the target {target!r} cannot be the only feature or one of them")
    return target, [c for c in choices.features if c not in excluded]


def _chosen(
    table: Table,
    candidates: Sequence[str],
    profiles: Mapping[str, Profile],
    choices: Choices,
    is_formula: bool,
) -> tuple[list[str], list[str]]:
    """Return the columns that are features, and notes on those that are left out."""
    why = (
        dict.fromkeys(sorted(table.index), "an index that pandas stored") if choices.features is None else {}
    )
    for column in candidates:
        reason = _why_left_out(table, profiles[column], is_formula)
        if reason:
            why[column] = reason
    chosen = [column for column in candidates if column not in why]
    if not chosen:
        reasons = "; ".join(f"{column!r}: {reason}" for column, reason in list(why.items())[:3])
        seen = f"; how it was read: {'; '.join(table.notes)}" if table.notes else ""
        raise OneLayerError(f"there is no column to predict from{f' ({reasons})' if reasons else ''}{seen}")
    return chosen, [f"column {column!r} is left out: {reason}" for column, reason in why.items()]


def _why_left_out(table: Table, profile: Profile, is_formula: bool = False) -> str:
    """Return why nothing can be learned from a column, "" if something can; a formula names its columns itself."""
    if is_formula:
        return ""
    if profile.name in table.index:
        return "an index that pandas stored"
    if profile.name in table.unnamed and profile.is_running_number:
        return "a running number without a name"
    if profile.name in table.unnamed and profile.kind == "text":
        return "names of the rows, in a column without a name"
    if profile.kind == "empty":
        return "no row has a value"
    if profile.is_constant:
        return "all rows have the same value"
    return "its values differ by rounding only" if _is_nearly_constant(profile) else ""


def _is_nearly_constant(profile: Profile) -> bool:
    """Whether numbers differ by no more than their own rounding, so that nothing can be learned from them."""
    if profile.low is None or profile.high is None or profile.missing == profile.n:
        return False
    return profile.high - profile.low <= CONSTANT * max(abs(profile.low), abs(profile.high))


def outlook(table: Table, profile: Profile) -> str:
    """Return what training will do with a column that is a feature, in a few words."""
    reason = _why_left_out(table, profile)
    if reason:
        return f"left out: {reason}"
    row, cell = profile.example or (1, "")
    shown = f"row {row:,} is {cell[:20]!r}"
    stops = {
        "date": "stops: dates need --date-parts or --date-as",
        "text": f"stops: {shown}, neither a number nor one of few categories",
        "mixed": f"stops: {shown}, not a number",
        "ambiguous": "stops: decimal marks, or between thousands? Needs --decimal or --thousands",
        "other": "stops: of a type that is neither numbers nor strings",
    }
    if profile.kind in stops:
        return stops[profile.kind]
    if profile.kind == "code" and not profile.levels:
        return "stops: integers beyond 2⁵³, which float64 merges"
    column = _column(profile, Choices())
    if column.kind == "category":
        n = len(column.features)
        token = "".join(f"; {cell!r} is one of the categories" for cell in profile.tokens)
        return f"{n:,} feature{'s' if n != 1 else ''}, relative to {column.reference!r}{token}"
    if column.kind == "boolean":
        return f"a feature: {quoted(profile.levels)} as 0 and 1"
    spelling = str(profile.spellings[0])
    return f"a feature{f', {spelling}' if spelling else ''}"


def _column(profile: Profile, choices: Choices) -> Column:
    """Return what becomes of a column of features."""
    name, kind = profile.name, profile.kind
    if name in choices.references and kind not in ("category", "code"):
        raise OneLayerError(f"column {name!r} is a {kind}, not a category, so it has no reference level")
    if kind == "number":
        spelling = profile.spellings[0] if profile.spellings else POINT
        return Column(name, decimal=spelling.decimal, thousands=spelling.thousands)
    if kind == "boolean":
        return Column(name, "boolean")
    if kind == "date" and choices.date_parts:
        return Column(name, "date", parts=tuple(choices.date_parts))
    if kind in ("category", "code") and profile.levels:
        reference = choices.references.get(name, profile.levels[0])
        if reference not in profile.levels:
            raise OneLayerError(
                f"column {name!r} has no level {reference!r}; it has {quoted(profile.levels)}"
            )
        return Column(name, "category", profile.levels, reference)
    raise OneLayerError(f"column {name!r}{_problem(profile)}, or leave it out with --exclude")


def _problem(profile: Profile) -> str:
    """Return what is wrong with a column that cannot be a feature as it is, and what would help."""
    row, cell = profile.example or (1, "")
    where = f", row {row:,}: {cell[:60]!r}"
    if profile.kind == "date":
        shown = f" ({cell!r})" if cell else ""
        return (
            f" holds dates{shown}, which are not numbers: say what of them counts with --date-parts "
            "day,weekday,year or --date-as days"
        )
    if profile.kind == "empty":
        return " has no value in any row"
    if profile.kind == "ambiguous":
        if profile.example is None:
            return ": are the points in it decimal marks, or between thousands? Say so with --decimal or --thousands"
        return f"{where} may be a fraction or thousands: say so with --decimal or --thousands"
    if profile.kind == "mixed":
        return (
            f"{where} is not a number, as most of its cells are: mend it, say with --na that it means a missing "
            "value, or name the column with --categorical if these are categories"
        )
    if profile.kind == "code":
        return (
            " holds integers beyond 2⁵³, which float64 merges: name it with --categorical if they are codes"
        )
    if profile.kind == "text":
        differ = f"{profile.distinct:,} of " if profile.distinct is not None else "too many of "
        return (
            f"{where} is neither a number nor one of few categories ({differ}{profile.n:,} rows differ): write numbers "
            "without units, name the column with --categorical if these are categories"
        )
    return f" is of type {profile.type_name}, from which nothing can be learned: convert it to numbers or strings"


def _target(profile: Profile, as_classes: bool) -> Target:
    name = profile.name
    if profile.kind == "number" and not as_classes:
        return Target(name)
    if profile.kind == "empty":
        raise OneLayerError(f"the target {name!r} has no value in any row")
    if not profile.levels:
        raise OneLayerError(f"the target: column {name!r}{_problem(profile)}")
    if len(profile.levels) < 2:
        raise OneLayerError(f"target {name!r} has just one class, {profile.levels[0]!r}: nothing to learn")
    fractions = [level for level in profile.levels if as_classes and _is_fraction(level)]
    if fractions or len(profile.levels) > MOST_CLASSES:
        why = (
            f"{fractions[0]} is not a whole number" if fractions else f"{len(profile.levels):,} are too many"
        )
        raise OneLayerError(f"the values of target {name!r} are not classes: {why}; use --model linear")
    return Target(name, profile.levels)


def _check_offset(offset: str | None, profiles: Mapping[str, Profile], goal: Target) -> None:
    """Raise OneLayerError if a column cannot be an offset: if it is not of numbers, or there are several logits."""
    if offset is None:
        return
    profile = profiles[offset]
    if profile.kind in ("category", "code"):
        raise OneLayerError(
            f"the offset: column {offset!r} holds categories, and an offset is a number of each row"
        )
    if profile.kind not in ("number", "boolean"):
        raise OneLayerError(f"the offset: column {offset!r}{_problem(profile)}")
    if len(goal.classes) > 2:
        raise OneLayerError(
            f"the offset {offset!r} is one number a row, which is added to the logit of the second of two classes; "
            f"the target {goal.name!r} has {len(goal.classes)} (the estimators take an offset for each)"
        )


def _is_fraction(level: str) -> bool:
    try:
        return not float(level).is_integer()
    except (ValueError, OverflowError):
        return False


def check_readable(encoding: Encoding, profiles: Mapping[str, Profile]) -> None:
    """Raise OneLayerError if columns to predict from lack values that the model needs, or cannot be read for sure."""
    used = [profiles[name] for name in encoding.names]
    for profile in used:
        if profile.kind == "ambiguous":
            raise OneLayerError(f"column {profile.name!r}{_problem(profile)}")
    if encoding.missing == "error":
        refuse_missing(used)
