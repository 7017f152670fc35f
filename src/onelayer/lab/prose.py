"""The prose of a lesson: one Markdown file for each language, cut into sections that have names.

A section starts with ``## name: Title``; its text goes on to the next one. ``{{name}}`` stands for a value that the
notebook computes. The section ``labels`` is a list of ``- name: text``: the words of controls and charts.
"""

import re
from dataclasses import dataclass
from typing import TypeVar

from onelayer.errors import OneLayerError
from onelayer.lab.course import Entry, entry
from onelayer.lab.interface import Language
from onelayer.lab.numbers import typeset

_HEADING = re.compile(r"^## ([a-z][a-z0-9-]*):[ ]*(.*)$", re.MULTILINE)
_LABEL = re.compile(r"^- ([a-z][a-z0-9_-]*): (.+)$", re.MULTILINE)
_HAN, _PUNCTUATION = r"[\u4e00-\u9fff]", r"[\u3000-\u303f\uff00-\uffef“”‘’…]"
_BLOCK = r"\s|[-*>] |#+ |\||\d+\. |\$\$|```"  # what a new block starts with
# Two Chinese characters, one of them perhaps bold, or anything and full-width punctuation, are set without a space.
_BROKEN_LINE = re.compile(
    rf"(?<={_HAN})\n(?=(?:\*\*)?{_HAN})|(?<={_HAN}\*\*)\n(?={_HAN})"
    rf"|(?<={_PUNCTUATION})\n(?!{_BLOCK})|(?<=\S)\n(?={_PUNCTUATION})"
)
_VALUE = re.compile(r"\{\{(\w+)\}\}")
# A formula in a line, short enough for a line of its own on a phone, with punctuation on at least one side.
_FORMULA = r"(?<![$\\])\$(?!\$)[^$\n]{1,30}\$(?!\$)"
_OPENING, _CLOSING = r"[(（《“‘「]", r"[,.;:!?)，。；：、！？）》”’」]"
_PUNCTUATED = re.compile(rf"{_OPENING}+{_FORMULA}{_CLOSING}*|{_FORMULA}{_CLOSING}+")

T = TypeVar("T")


@dataclass(frozen=True)
class Markdown:
    """Markdown text that a notebook shows formatted, formulas included."""

    source: str

    def _repr_markdown_(self) -> str:
        # Browsers break lines between a formula and its punctuation, unless they are told not to.
        return _PUNCTUATED.sub(r'<span class="lab-kept">\g<0></span>', self.source)


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
        labels: the words of controls and charts, by name.
    """

    entry: Entry
    language: Language
    sections: dict[str, Section]
    labels: dict[str, str]

    @property
    def title(self) -> str:
        """The lesson's title."""
        return self.entry.title[self.language]

    def text(self, name: str, **values: str) -> Markdown:
        """Return a section, its title as a heading, with its values filled in.

        Raises:
            OneLayerError: if there is no such section, or the values are not the ones it asks for.
        """
        section = self.section(name)
        heading = f"## {section.title}\n\n" if section.title else ""
        return Markdown(heading + self._filled(name, section.body, values))

    def body(self, name: str, **values: str) -> Markdown:
        """Return a section without its title. It raises what ``text`` raises."""
        return Markdown(self._filled(name, self.section(name).body, values))

    def section(self, name: str) -> Section:
        """Return a section as it stands in the file.

        Raises:
            OneLayerError: if there is no such section.
        """
        return _of(self.sections, name, f"a section named {name!r}", self)

    def label(self, name: str) -> str:
        """Return the words of a control or of a part of a chart.

        Raises:
            OneLayerError: if there is no such label.
        """
        return _of(self.labels, name, f"a label named {name!r}", self)

    def _filled(self, name: str, body: str, values: dict[str, str]) -> str:
        wanted = set(_VALUE.findall(body))
        if wanted != set(values):
            raise OneLayerError(
                f"{self.entry.slug}/{self.language}.md: the section {name!r} asks for the values "
                f"{sorted(wanted)}, not {sorted(values)}"
            )
        return _VALUE.sub(lambda match: typeset(values[match[1]]), body)


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
        raise OneLayerError(f"{where}: the first line must be a heading such as '## idea: The idea'")
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


def _joined(text: str) -> str:
    """Join the lines of Chinese paragraphs where a browser would show a line's end as a space that is not meant."""
    return _BROKEN_LINE.sub("", text)


def _refuse_repeats(names: list[str], what: str) -> None:
    for name in names:
        if names.count(name) > 1:
            raise OneLayerError(f"{what} {name!r} is there twice")
