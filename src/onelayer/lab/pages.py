"""The lab's pages: the index, a lesson, and the one for an unknown address, in a site as in the app."""

import ast
import json
from functools import cache
from html import escape
from string import Template
from textwrap import dedent
from typing import Any

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from onelayer.lab.course import COURSE, HERE, Entry, neighbours
from onelayer.lab.interface import HTML_LANGUAGE, LANGUAGES, Language, interface_words, word
from onelayer.lab.markup import label_html, to_html
from onelayer.lab.prose import Lesson, parts, read_lesson
from onelayer.lab.recording import scenes_of
from onelayer.lab.vocabulary import Listing, Scene, encode

STATIC = HERE / "static"
SCRIPTS = (
    "numbers.js",
    "data.js",
    "address.js",
    "elements.js",
    "plots.js",
    "grids.js",
    "pad.js",
    "controls.js",
    "claims.js",
    "questions.js",
    "presenting.js",
    "tools.js",
)
# A page loads what lies beside it and nothing else; frames are refused by a header, which a file cannot have.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",
        "font-src 'self'",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    )
)


def _page(
    language: Language, title: str, content: str, scripts: tuple[str, ...] = (), root: str = ".."
) -> str:
    return Template((STATIC / "page.html").read_text(encoding="utf-8")).substitute(
        policy=CONTENT_SECURITY_POLICY,
        language=HTML_LANGUAGE[language],
        title=escape(title),
        content=content,
        root=root,
        scripts="".join(f'<script defer src="{root}/{script}"></script>' for script in scripts),
    )


def index_page(language: Language) -> str:
    """Return the page that lists the lessons."""
    items = "".join(
        f'<li><a href="{entry.slug}.html" data-lesson="{entry.slug}">{entry.picture}<span>'
        f"<strong>{escape(entry.title[language])}</strong><small>{escape(entry.summary[language])}</small></span></a></li>"
        for entry in COURSE
    )
    content = (
        f'<header class="top"><nav>{_languages(language, "index")}</nav></header>'
        f'<main class="index"><h1>{word("lab", language)}</h1><p>{word("about", language)}</p>'
        f'<ol class="lessons">{items}</ol><p class="legend" hidden>{word("marks", language)}</p></main>'
    )
    return _page(language, word("lab", language), content, ("static/index.js",))


def start_page() -> str:
    """Return the page at the root of a site: it leads to the reader's language."""
    links = "".join(
        f'<li><a href="{tongue}/index.html" lang="{HTML_LANGUAGE[tongue]}" hreflang="{HTML_LANGUAGE[tongue]}">'
        f"{word('language', tongue)}</a></li>"
        for tongue in LANGUAGES
    )
    content = f'<main class="index"><h1>onelayer</h1><ul>{links}</ul></main>'
    return _page("en", "onelayer", content, ("static/start.js",), root=".")


def not_found_page(language: Language) -> str:
    """Return the page for an address that leads nowhere."""
    back = f'<a href="/{language}/index.html">← {word("lessons", language)}</a>'
    content = f'<main class="index"><h1>404</h1><p>{word("not_found", language)}</p><p>{back}</p></main>'
    return _page(language, "404", content, root="")


def lesson_page(entry: Entry, language: Language, live: bool = False) -> str:
    """Return a lesson's page.

    Args:
        entry: the lesson.
        language: of its words.
        live: whether the library answers at ``../run``.
    """
    lesson, scenes = read_lesson(entry.slug, language), scenes_of(entry)
    content = (
        f"{_top(lesson, scenes)}<main>"
        f'<div class="opening"><h1>{escape(lesson.title)}</h1>'
        f"<p>{escape(entry.summary[language])} {_sections(entry, language)}</p></div>"
        f"{''.join(_scene(lesson, scene) for scene in scenes)}</main>{_ways_on(entry, language)}"
        f'<script type="application/json" id="lesson">{_declared(lesson, scenes, live)}</script>'
    )
    own = (f"data/{entry.slug}.js", f"data/{entry.slug}.kernels.js")
    scripts = (*(f"static/{name}" for name in SCRIPTS), *own, "static/lesson.js")
    return _page(language, lesson.title, content, scripts)


def _top(lesson: Lesson, scenes: tuple[Scene, ...]) -> str:
    """Return the bar at the top: the way back, the scenes, presenting, and the other languages."""
    names = ("lessons", "contents", "present", "keys", "keys_do")
    said = {name: word(name, lesson.language) for name in names}
    contents = "".join(
        f'<li><a href="#{scene.name}" data-scene="{scene.name}">{label_html(lesson.section(scene.name).title)}</a></li>'
        for scene in scenes
    )
    return (
        f'<header class="top"><nav><a href="index.html">← {said["lessons"]}</a>'
        f'<details class="contents"><summary>{said["contents"]}</summary><ol>{contents}</ol></details>'
        f'<span class="spacer"></span><button type="button" id="present" title="{said["keys_do"]}">{said["present"]}'
        f' <kbd>P</kbd></button><label class="keys" title="{said["keys_do"]}"><input type="checkbox" id="keys">'
        f" {said['keys']}</label>"
        f"{_languages(lesson.language, lesson.entry.slug)}</nav></header>"
    )


def _languages(language: Language, page: str) -> str:
    """Return the links to a page in the other languages."""
    return " ".join(
        f'<a href="../{other}/{page}.html" lang="{HTML_LANGUAGE[other]}" data-language>{word("language", other)}</a>'
        for other in LANGUAGES
        if other != language
    )


def _sections(entry: Entry, language: Language) -> str:
    return (
        f"<small>{word('sections', language).format(sections=entry.sections)}</small>"
        if entry.sections
        else ""
    )


def _ways_on(entry: Entry, language: Language) -> str:
    before, after = neighbours(entry.slug)
    links = "".join(
        f'<a href="{other.slug}.html" rel="{rel}"><small>{word(name, language)}</small>'
        f"{escape(other.title[language])}</a>"
        for other, rel, name in ((before, "prev", "previous"), (after, "next", "next"))
        if other
    )
    return f'<footer class="ways">{links}</footer>'


def _scene(lesson: Lesson, scene: Scene) -> str:
    section_title = lesson.section(scene.name).title
    pieces = [f"<h2>{label_html(section_title)}</h2>"]
    asked = False
    for kind, title, text in parts(lesson.section(scene.name).body):
        if kind == "answer" and not asked:
            pieces.append('<div class="ask"></div>')
            asked = True
        body = to_html(text)
        if kind == "deeper":
            body = f'<details class="deeper"><summary>{escape(title)}</summary>{body}</details>'
        elif kind == "answer":
            body = f'<div class="answer">{body}</div>'
        pieces.append(body)
    if scene.ask and not asked:
        pieces.append('<div class="ask"></div>')
    stepping = ""
    if scene.code and scene.code.steps:
        stepping = f'<div class="stepping">{_code(scene.code, lesson)}</div>'
    elif scene.code:
        names = " ".join(f"<code>{escape(name.partition(':')[2])}</code>" for name in scene.code.of)
        pieces.append(
            f'<details class="listing"><summary>{word("code", lesson.language)} {names}</summary>'
            f"{_code(scene.code, lesson)}</details>"
        )
    body = f'<div class="prose">{"".join(pieces)}</div><div class="panel">{stepping}</div>'
    section = f'<section class="scene" id="{scene.name}">{body}</section>'
    if scene.folded:
        return f'<details class="further"><summary>{label_html(section_title)}</summary>{section}</details>'
    return section


def _code(code: Listing, lesson: Lesson) -> str:
    name = word("code", lesson.language)  # what scrolls has to be reached by the keys
    return f'<div class="code" tabindex="0" role="region" aria-label="{name}">{listing(code)}</div>'


def _declared(lesson: Lesson, scenes: tuple[Scene, ...], live: bool) -> str:
    """Return what the page's script is to know, as JSON that may stand in HTML."""
    declared: dict[str, Any] = {
        "slug": lesson.entry.slug,
        "live": live,
        "scenes": [encode(scene, lesson.label) for scene in scenes],
        "words": interface_words(lesson.language),
        "labels": lesson.labels,
    }
    return json.dumps(declared, ensure_ascii=False, allow_nan=False).replace("<", "\\u003c")


def listing(code: Listing) -> str:
    """Return source as HTML, a ``span`` of class ``line`` for each line; without docstrings where lines are lit."""
    source = ("\n\n" if code.steps else "\n\n\n").join(
        source_of(name, bare=bool(code.steps)) for name in code.of
    )
    lines = highlight(source, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True)).rstrip("\n").split("\n")
    return "<pre>" + "".join(f'<span class="line">{line or " "}</span>' for line in lines) + "</pre>"


@cache
def source_of(name: str, bare: bool = False) -> str:
    """Return the source of a function or a class, ``module:name`` or ``module:Class.method``, without importing it.

    Args:
        name: of what.
        bare: whether its docstring is left out.

    Raises:
        LookupError: if there is none.
    """
    module, _, path = name.partition(":")
    file = (
        HERE.parents[1].joinpath(*module.split(".")).with_suffix(".py")
    )  # to look for it would import packages
    if not file.is_file():
        raise LookupError(f"there is no module {module}")
    text = file.read_text(encoding="utf-8")
    node: Any = ast.parse(text)
    for part in path.split("."):
        found = [item for item in node.body if getattr(item, "name", None) == part]
        if not found:
            raise LookupError(f"{module} has no {path}")
        node = found[0]
    first = min([node.lineno, *(item.lineno for item in node.decorator_list)])
    lines = text.splitlines()[: node.end_lineno]
    if bare and ast.get_docstring(node) is not None:
        said = node.body[0]
        del lines[said.lineno - 1 : said.end_lineno]
    return dedent("\n".join(lines[first - 1 :]))
