"""The prose of a lesson: one Markdown file for each language, cut into sections that have names.

A section starts with ``## name: Title``; its text goes on to the next one. ``{{name}}`` stands for a field of its
scene's outcome. The section ``labels`` is a list of ``- name: text``: the words of controls and pictures.
"""

import re
from dataclasses import dataclass
from typing import Literal, TypeVar

from onelayer.errors import OneLayerError
from onelayer.lab.course import Entry, entry
from onelayer.lab.interface import Language

_HEADING = re.compile(r"^## ([a-z][a-z0-9-]*):[ ]*(.*)$", re.MULTILINE)
_LABEL = re.compile(r"^- ([a-z][a-z0-9_-]*): (.+)$", re.MULTILINE)
_HAN, _PUNCTUATION = r"[\u4e00-\u9fff]", r"[\u3000-\u303f\uff00-\uffef“”‘’…]"
_BLOCK = r"\s|[-*>] |#+ |\||\d+\. |\$\$|```"  # what a new block starts with
# Two Chinese characters, one of them perhaps bold, or anything and full-width punctuation, are set without a space.
_BROKEN_LINE = re.compile(
    rf"(?<={_HAN})\n(?=(?:\*\*)?{_HAN})|(?<={_HAN}\*\*)\n(?={_HAN})"
    rf"|(?<={_PUNCTUATION})\n(?!{_BLOCK})|(?<=\S)\n(?={_PUNCTUATION})"
)
_PART = re.compile(r"^### (text|deeper|answer):[ ]*(.*)$", re.MULTILINE)

T = TypeVar("T")


@dataclass(frozen=True)
class Section:
    """One named section: its title, and its Markdown."""

    title: str
    body: str


@dataclass(frozen=True)
class Lesson:
    """One lesson in one language.

    Attributes:
        entry: the lesson's place in the course.
        language: the language.
        sections: the sections by name, in the file's order, without ``labels``.
        labels: the words of controls and pictures, by name.
    """

    entry: Entry
    language: Language
    sections: dict[str, Section]
    labels: dict[str, str]

    @property
    def title(self) -> str:
        """The lesson's title."""
        return self.entry.title[self.language]

    def section(self, name: str) -> Section:
        """Return a section as it stands in the file.

        Raises:
            OneLayerError: if there is no such section.
        """
        return _of(self.sections, name, f"a section named {name!r}", self)

    def label(self, name: str) -> str:
        """Return the words of a control or of a part of a picture.

        Raises:
            OneLayerError: if there is no such label.
        """
        return _of(self.labels, name, f"a label named {name!r}", self)


def _of(items: dict[str, T], name: str, what: str, lesson: Lesson) -> T:
    if name not in items:
        raise OneLayerError(
            f"{lesson.entry.slug}/{lesson.language}.md needs {what}; it has {', '.join(items)}"
        )
    return items[name]


def read_lesson(slug: str, language: Language) -> Lesson:
    """Read a lesson's prose in one language.

    Raises:
        KeyError: if there is no such lesson.
        OneLayerError: if the file does not start with a section, or has a section or a label twice.
    """
    place = entry(slug)
    path = place.folder / f"{language}.md"
    before, *parts = _HEADING.split(path.read_text(encoding="utf-8"))
    where = f"{slug}/{language}.md"
    if before.strip() or not parts:
        raise OneLayerError(f"{where}: the first line must be a heading such as '## walk: Walk downhill'")
    names, titles, bodies = parts[::3], parts[1::3], parts[2::3]
    _refuse_repeats(names, f"{where}: section")
    sections = {
        name: Section(title.strip(), body.strip())
        for name, title, body in zip(names, titles, bodies, strict=True)
    }
    labels = _LABEL.findall(sections.pop("labels").body) if "labels" in sections else []
    _refuse_repeats([name for name, _ in labels], f"{where}: label")
    sections = {name: Section(section.title, _joined(section.body)) for name, section in sections.items()}
    return Lesson(place, language, sections, dict(labels))


def parts(body: str) -> list[tuple[Literal["text", "deeper", "answer"], str, str]]:
    """Return the parts of a section: its text, its folds ``### deeper: Title``, and its ``### answer:``, in order.

    Each is its kind, its title and its Markdown. A part ends where the next one starts, or at ``### text:``.
    """
    first, *rest = _PART.split(body)
    found = [("text", "", first)]
    for kind, title, text in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        found.append((kind, title.strip(), text))
    return [(kind, title, text.strip()) for kind, title, text in found if text.strip()]  # type: ignore[misc]


def _joined(text: str) -> str:
    """Join the lines of Chinese paragraphs where a browser would show a line's end as a space that is not meant."""
    return _BROKEN_LINE.sub("", text)


def _refuse_repeats(names: list[str], what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise OneLayerError(f"{what} {name!r} is there twice")
