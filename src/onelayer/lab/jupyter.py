"""Scenes in a notebook: ``show`` runs an experiment for the state that it is given, and shows what a page would."""

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from onelayer.errors import OneLayerError
from onelayer.lab.course import entry
from onelayer.lab.figures import drawn, table
from onelayer.lab.interface import Language, interface_words
from onelayer.lab.numbers import filled, shown
from onelayer.lab.prose import Lesson, read_lesson
from onelayer.lab.recording import first_state, function_of, outcome, scenes_of
from onelayer.lab.vocabulary import Claim, Kernel, Pad, Row, Scene, several

ROUGH = 1e-3  # a tolerance beyond this share of the value makes it "≈"


@dataclass(frozen=True)
class Html:
    """HTML that a notebook shows as it is."""

    source: str

    def _repr_html_(self) -> str:
        return self.source


def show(slug: str, name: str, language: Language = "en", **state: Any) -> Html:
    """Run a scene's experiment and return its pictures, its outcome and its checks.

    Args:
        slug: of the lesson.
        name: of the scene.
        language: of its words.
        **state: of its controls; those that are not named are as at first.

    Raises:
        OneLayerError: if the scene has no such control.
    """
    lesson, place = read_lesson(slug, language), entry(slug)
    scene = next(scene for scene in scenes_of(place) if scene.name == name)
    state = full_state(scene, slug, state)
    found: dict[str, Any] = {}
    if scene.run is not None:
        found |= outcome(place, scene.run.run, {name: state[name] for name in scene.run.reads})
        for data in scene.run.data if isinstance(scene.run, Kernel) else ():
            found = function_of(place, data)() | found

    def value(field: Any) -> Any:
        if not isinstance(field, str):
            return field
        name, *places = field.split(".")
        part: Any = found.get(name, state.get(name))
        for index in places if part is not None else ():
            part = part[int(state.get(index, index))]
        return part

    def worded(field: str) -> Any:
        said = value(field)
        return lesson.labels.get(said, said) if isinstance(said, str) else said

    pieces = [
        drawn(picture, value, lambda name: lesson.labels.get(name, name))
        for picture in several(scene.pictures)
    ]
    if scene.outcome:
        pieces.append(f"<p>{escape(filled(lesson.label(scene.outcome), worded))}</p>")
    pieces += [_check(claim, value, lesson) for claim in several(scene.claims)]
    return Html("".join(pieces))


def full_state(scene: Scene, slug: str, given: dict[str, Any]) -> dict[str, Any]:
    """Return the state of a scene's controls, those that are not given as at first.

    Raises:
        OneLayerError: if one that is given is not the scene's.
    """
    first = first_state(scene)
    for control in scene.controls:
        if isinstance(control, Pad):
            first[control.name] = function_of(entry(slug), control.first)()[control.first]
    if unknown := given.keys() - first.keys():
        raise OneLayerError(f"{scene.name} has no {', '.join(sorted(unknown))}; it has {', '.join(first)}")
    return first | given


def _check(claim: Claim, value: Any, lesson: Lesson) -> str:
    words = interface_words(lesson.language)
    left, right = lesson.label(claim.left), lesson.label(claim.right)
    lines, holds, roughly = [], True, False
    for row in claim.rows:
        for label, a, b, allowed in _compared(row, value, lesson):
            fits = a >= b if row.at_least else a == b or abs(a - b) <= allowed
            holds, roughly = holds and bool(fits), roughly or allowed > ROUGH * abs(b)
            tolerance = "≥" if row.at_least else shown(allowed, ".2g")
            lines.append(
                [label, shown(a, row.format), shown(b, row.format), shown(abs(a - b), ".2g"), tolerance]
            )
    heads = ["", left, right, words["difference"], words["tolerance"]]
    relation = "≥" if all(row.at_least for row in claim.rows) else "≈" if roughly else "="
    said = f"{'✓' if holds else '✗'} {escape(left)} {relation} {escape(right)}"
    return (
        f'<details data-holds="{str(holds).lower()}"><summary>{said}</summary>{table(heads, lines)}</details>'
    )


def _compared(row: Row, value: Any, lesson: Lesson) -> list[tuple[str, float, float, float]]:
    left, right, tolerance = np.broadcast_arrays(
        *(np.atleast_1d(value(side)) for side in (row.left, row.right, row.tolerance))
    )
    names = [*(value(row.labels) if row.labels else ()), *[row.label] * len(left)]
    allowed = tolerance * np.abs(right) if row.relative else tolerance
    return [
        (lesson.labels.get(name, name), float(a), float(b), float(c))
        for name, a, b, c in zip(names, left, right, allowed, strict=False)
    ]
