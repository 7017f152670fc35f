"""Sentences that name what separates classes."""

from collections.abc import Sequence

import numpy as np

from onelayer.errors import SHOWN
from onelayer.inference.information import Fitted
from onelayer.inference.separation import Ascent, Separation, Split


def separation_sentences(
    found: Separation, terms: Sequence[str], names: Sequence[str], held: Fitted | None = None
) -> list[str]:
    """Return a sentence for each thing that separates classes.

    Args:
        found: what separates them.
        terms: (d,) the names of the features.
        names: (q,) those of the classes.
        held: the regression whose penalty keeps the weights finite nevertheless.
    """
    sentences: list[str] = []
    if not (found.splits or found.is_complete or found.ascent):
        return sentences
    by = "" if held is None else _holder(held)
    for split in found.splits[:SHOWN]:
        said = f"{terms[split.feature]} separates {_sides_of(split, names)}: its weight has "
        said += "no finite maximum-likelihood value"
        sentences.append(said + ("" if held is None else f"; {by} holds it {_where(split, held)}"))
    if len(found.splits) > SHOWN:
        more = sorted({terms[split.feature] for split in found.splits[SHOWN:]})
        sentences.append(f"so do {listed(more)}")
    if found.is_complete:
        finite = f"; {by} holds them back" if by else ""
        sentences.append(
            "the features together separate all classes: without a penalty (a finite C) no coefficient has a finite "
            f"value{finite}"
        )
    if found.ascent is not None:
        sentences.append(_of_ascent(found.ascent, terms, names) + (f"; {by} holds it back" if by else ""))
    return sentences


def listed(names: Sequence[str]) -> str:
    """Return the first few names, with commas between them."""
    return ", ".join(names[:SHOWN]) + (", …" if len(names) > SHOWN else "")


def _of_ascent(ascent: Ascent, terms: Sequence[str], names: Sequence[str]) -> str:
    columns = [*terms, "intercept"]
    part = f"a combination of {listed([columns[j] for j in np.flatnonzero(ascent.takes_part.any(axis=0))])}"
    if not ascent.is_separation:
        return f"the fit is not at a minimum, and there may be none: {part} may separate classes"
    but = "" if ascent.is_complete else " but for rows on the boundary"
    if len(ascent.sides) == 2:
        side, other = sorted(ascent.sides, key=len)
        apart = _apart(side, [name for name in names if names.index(name) in (*side, *other)], names)
    else:
        sides = [" with ".join(names[a] for a in side) for side in ascent.sides]
        apart = f"classes {listed(sides)} from each other"
    return f"{part} separates {apart}{but}: it has no finite maximum-likelihood value"


def _holder(held: Fitted) -> str:
    """Return what keeps weights finite: C, or the penalty where it has a factor for each feature."""
    strength = np.asarray(held.objective.penalty.strength) * 2.0**held.exponent
    return f"C = {1 / strength:g}" if strength.ndim == 0 else "the penalty"


def _where(split: Split, held: Fitted) -> str:
    """Return at which value the penalty holds the weight of what one feature separates from all others."""
    side = _smaller(split, len(held.totals))
    if len(side) > 1:
        return "back"
    weights = held.V[:, split.feature] / held.objective.scaling.scale[split.feature]
    return f"at {weights[side[0] if len(weights) > 1 else 0]:.3g}"


def _sides_of(split: Split, names: Sequence[str]) -> str:
    """Return which classes a feature keeps apart, and where they meet if they do."""
    kept_apart = _apart(_smaller(split, len(names)), names, names)
    return kept_apart + (f" but for rows where it is {split.low:g}" if split.low == split.high else "")


def _apart(side: Sequence[int], present: Sequence[str], names: Sequence[str]) -> str:
    """Return that the classes on a side are apart from the others that are ``present``."""
    one = [names[a] for a in side]
    other = [name for name in present if name not in one]
    rest = f"class {other[0]}" if len(present) == 2 else "the others"
    return f"{'class' if len(one) == 1 else 'classes'} {listed(one)} from {rest}"


def _smaller(split: Split, n_classes: int) -> list[int]:
    """Return the classes on the side that has fewer."""
    below = [a for a in range(n_classes) if a not in split.above]
    return below if len(below) <= len(split.above) else list(split.above)
