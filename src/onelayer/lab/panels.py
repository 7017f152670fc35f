"""The parts that all lessons are made of: claims, code, questions, tables, and the way from lesson to lesson.

Panels are HTML or Markdown that marimo and Jupyter both show. None of them needs marimo to be there.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from textwrap import dedent
from typing import Any

from onelayer.lab.controls import Control, is_live
from onelayer.lab.course import HERE, neighbours
from onelayer.lab.interface import LANGUAGES, Language, language_in, word
from onelayer.lab.numbers import typeset
from onelayer.lab.prose import Lesson, Markdown, read_lesson

CHART_MARGIN = 100  # pixels for the axis below a chart, and its legend or title above


@dataclass(frozen=True)
class Html:
    """HTML that a notebook shows as it is."""

    source: str

    def _repr_html_(self) -> str:
        return self.source


@dataclass(frozen=True)
class Stack:
    """Several things, one below the other, in a notebook without marimo."""

    items: tuple[object, ...]

    def _ipython_display_(self) -> None:
        from IPython.display import display

        for item in self.items:
            display(item)


@dataclass(frozen=True)
class Comparison:
    """Two numbers that a claim says are equal.

    Attributes:
        name: what is compared.
        left: its value on the left side.
        right: its value on the right side.
        tolerance: how far apart they may be, in the numbers' unit.
        digits: how the two are written, as a format specification.
    """

    name: str
    left: float
    right: float
    tolerance: float
    digits: str = ",.6g"

    @property
    def difference(self) -> float:
        """How far apart the two are."""
        return abs(self.left - self.right)

    @property
    def holds(self) -> bool:
        """Whether the two are equal within the tolerance; NaN never is."""
        return self.difference <= self.tolerance

    @property
    def allowed(self) -> str:
        """The tolerance as the reader sees it."""
        return f"{self.tolerance:.2g}"


@dataclass(frozen=True)
class AtLeast(Comparison):
    """Two numbers of which a claim says that the left one is at least the right one."""

    tolerance: float = 0.0

    @property
    def holds(self) -> bool:
        """Whether the left side is at least the right one; NaN never is."""
        return self.left >= self.right

    @property
    def allowed(self) -> str:
        """The relation that is claimed, in place of a tolerance."""
        return "≥"


def farthest_apart(left: Any, right: Any) -> tuple[float, float]:
    """Return the two elements, at the same place in arrays or tensors of one shape, that differ most."""
    at = int(abs(left - right).argmax())
    return float(left.flatten()[at]), float(right.flatten()[at])


def open_lesson(slug: str, language: Language | None = None) -> Lesson:
    """Read a lesson's prose, in the language of the page that asks if ``language`` is not given.

    It raises what ``read_lesson`` raises.
    """
    return read_lesson(slug, language or _page_language())


def _page_language() -> Language:
    """Return the language in the address of the page, ``/zh/…``; English for an address without one."""
    if is_live():
        import marimo

        request = marimo.app_meta().request
        if request:
            return language_in(str(request.url["path"])) or "en"
    return "en"


def stack(*items: object) -> object:
    """Show several things, one below the other. A chart has its height reserved, so that nothing jumps."""
    if not is_live():
        return Stack(items)
    import marimo

    return marimo.vstack([_reserved(item) for item in items], gap=0.75)


def roomy(item: object, lines: int) -> object:
    """Show a text that changes, with room for ``lines`` lines, so that nothing below it jumps."""
    if not is_live():
        return item
    import marimo

    return marimo.as_html(item).style({"min-height": f"{1.75 * lines}rem", "width": "100%"})


def _reserved(item: object) -> object:
    import marimo

    if isinstance(item, Markdown):  # in a block of its own, where the margins of its paragraphs collapse
        return marimo.as_html(item).style({"width": "100%"})
    height = getattr(item, "height", None)
    if not isinstance(height, int):
        return item
    return marimo.as_html(item).style({"min-height": f"{height + CHART_MARGIN}px", "width": "100%"})


def header(lesson: Lesson) -> Html:
    """Return the top of a lesson: title and summary; in the lab also the way back and the other language."""
    if is_live():
        return lab_header(lesson)
    style = "".join((HERE / file).read_text(encoding="utf-8") for file in ("jupyter.css", "panels.css"))
    return Html(f"<style>{style}</style>{_heading(lesson)}")


def lab_header(lesson: Lesson) -> Html:
    """Return the top of a lesson's page in the lab, with its links."""
    language = lesson.language
    others = language_links(language, f"{lesson.entry.slug}/")
    return Html(
        f'<header class="lab-header" data-testid="header">'
        f'<nav><a href="/{language}/">← {word("lessons", language)}</a><span>{others}</span></nav>'
        f"{_heading(lesson)}</header>"
    )


def language_links(language: Language, page: str = "") -> str:
    """Return the links to a page of the lab, the index if none is named, in the languages other than this one."""
    return " · ".join(
        f'<a href="/{other}/{page}" lang="{other}">{word("language", other)}</a>'
        for other in LANGUAGES
        if other != language
    )


def _heading(lesson: Lesson) -> str:
    numbers = lesson.entry.sections
    sections = word("sections", lesson.language).format(sections=numbers) if numbers else ""
    summary = escape(lesson.entry.summary[lesson.language])
    return f"<h1>{escape(lesson.title)}</h1><p>{summary} <small>{sections}</small></p>"


def footer(lesson: Lesson) -> Html:
    """Return the links to the lessons before and after; nothing outside the lab."""
    language = lesson.language
    before, after = neighbours(lesson.entry.slug) if is_live() else (None, None)
    links = [
        f'<a href="/{language}/{entry.slug}/" rel="{rel}"><small>{word(name, language)}</small>'
        f"{escape(entry.title[language])}</a>"
        for entry, rel, name in ((before, "prev", "previous"), (after, "next", "next"))
        if entry
    ]
    return Html(f'<nav class="lab-footer" data-testid="footer">{"".join(links)}</nav>')


def claim(lesson: Lesson, name: str, left: str, right: str, comparisons: Sequence[Comparison]) -> Html:
    """Return the panel that shows whether a claim holds: both sides, their difference, and the verdict.

    Args:
        lesson: the lesson.
        name: the claim's own name in the page, for tests and links.
        left: what the left side is.
        right: what the right side is.
        comparisons: the numbers; the claim holds if all do.
    """
    language = lesson.language
    holds = bool(comparisons) and all(comparison.holds for comparison in comparisons)
    heads = (left, right, word("difference", language), word("tolerance", language))
    rows = [
        (
            item.name,
            *(f"{side:{item.digits}}" for side in (item.left, item.right)),
            f"{item.difference:.2g}",
            item.allowed,
        )
        for item in comparisons
    ]
    return Html(
        f'<section class="lab-claim" data-testid="claim-{name}" data-holds="{str(holds).lower()}">'
        f"<p><strong>{word('claim', language)}</strong> "
        f'<span class="lab-verdict">{word("holds" if holds else "fails", language)}</span></p>'
        f"{table(('', *heads), rows).source}</section>"
    )


def table(columns: Sequence[str], rows: Sequence[Sequence[str]], picked: int | None = None) -> Html:
    """Return a table of texts, their numbers as in print; the row ``picked`` stands out."""
    columns = [escape(typeset(column)) for column in columns]
    head = "".join(f"<th scope=col>{column}</th>" for column in columns)
    body = "".join(
        f"<tr{' class=lab-picked' if i == picked else ''}>"
        + "".join(
            f'<td data-head="{column}">{escape(typeset(cell))}</td>'
            for column, cell in zip(columns, row, strict=True)
        )
        + "</tr>"
        for i, row in enumerate(rows)
    )
    return Html(f'<div class="lab-wide"><table><tr>{head}</tr>{body}</table></div>')


def code(lesson: Lesson, *objects: Callable[..., Any] | type) -> Markdown:
    """Return the source of functions or classes as it stands in the library, folded up."""
    names = " ".join(f"<code>{item.__module__}.{item.__qualname__}</code>" for item in objects)
    source = "\n\n".join(dedent(inspect.getsource(item)).rstrip() for item in objects)
    return Markdown(
        f'<details class="lab-code" markdown="1"><summary>{word("code", lesson.language)} {names}</summary>\n\n'
        f"```python\n{source}\n```\n\n</details>"
    )


def _show_meanwhile(item: object) -> None:
    """Show something in the cell that runs, until it is done."""
    if is_live():
        import marimo

        marimo.output.replace(item)


def question(
    lesson: Lesson, name: str, button: Control, experiment: Callable[[], object], **values: str
) -> object:
    """Show a question; once its button is pressed, run the experiment and reveal the answer below its result.

    The prose has it as two sections, ``question-name`` and ``answer-name``; the question's title is the question.
    ``values`` are those that the answer asks for.
    """
    asked = lesson.section(f"question-{name}")
    heading = Html(f'<p class="lab-question">{word("question", lesson.language)}</p>')
    top = (heading, Markdown(f"### {asked.title}\n\n{asked.body}"), button)
    if not button.value:
        hint = word("not_run", lesson.language)
        return stack(*top, Html(f'<p class="lab-hint" data-testid="question-{name}">{hint}</p>'))
    _show_meanwhile(stack(*top))
    answer = Html(f'<p class="lab-answer" data-testid="answer-{name}">{word("answer", lesson.language)}</p>')
    return stack(*top, experiment(), answer, lesson.body(f"answer-{name}", **values))
