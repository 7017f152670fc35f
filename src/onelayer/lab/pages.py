"""The lab's HTML pages: the index, the one for an unknown address, and a lesson's before its notebook runs."""

import re
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from onelayer.lab.course import COURSE, HERE, Entry
from onelayer.lab.interface import HTML_LANGUAGE, Language, word
from onelayer.lab.panels import lab_header, language_links
from onelayer.lab.prose import read_lesson

STYLE = (HERE / "lab.css").read_bytes() + (HERE / "panels.css").read_bytes()
SCRIPT = (HERE / "lab.js").read_bytes()
ICON = (HERE / "icon.svg").read_bytes()
MARIMO = "/marimo"  # where the server has marimo's scripts, styles and fonts, once for all lessons


def index_page(language: Language) -> str:
    """Return the page that lists the lessons.

    While the reader chooses one, the browser fetches what all of them need.
    """
    items = "".join(
        f'<li><a href="/{language}/{entry.slug}/">{entry.picture}<span><strong>{escape(entry.title[language])}'
        f"</strong><small>{escape(entry.summary[language])}</small></span></a></li>"
        for entry in COURSE
    )
    prefetch = "".join(f'<link rel="prefetch" href="{MARIMO}/{path}">' for path in _first_assets())
    return _page(
        language,
        f"<nav><span></span><span>{language_links(language)}</span></nav><h1>{word('lab', language)}</h1>"
        f'<p>{word("about", language)}</p><ol class="lab-lessons">{items}</ol>{prefetch}',
    )


def not_found_page(language: Language) -> str:
    """Return the page for an address that leads nowhere."""
    back = f'<a href="/{language}/">← {word("lessons", language)}</a>'
    return _page(language, f"<nav>{back}</nav><h1>404</h1><p>{word('not_found', language)}</p>")


def _page(language: Language, content: str) -> str:
    return Template((HERE / "page.html").read_text(encoding="utf-8")).substitute(
        html_language=HTML_LANGUAGE[language], title=word("lab", language), content=content
    )


@cache
def _first_assets() -> list[str]:
    """Return the paths of the scripts and styles that marimo's page loads first."""
    page = (files("marimo") / "_static" / "index.html").read_text(encoding="utf-8")
    return re.findall(r'(?:href|src)="\./(assets/[^"]+\.(?:js|css))"', page)


def lesson_page(page: str, entry: Entry, language: Language) -> str:
    """Return marimo's page for a lesson with its language, its title, the lab's style and the lesson's first prose.

    The prose can be read at once; the notebook needs some seconds to start and then shows the same in its place.
    """
    from markdown import markdown

    lesson = read_lesson(entry.slug, language)
    first = next(iter(lesson.sections.values()))
    opening = (
        f'<div id="lab-opening" class="lab-page"><main>{lab_header(lesson).source}'
        f"<h2>{escape(first.title)}</h2>{markdown(first.body)}"
        f'<p class="lab-hint">{word("starting", language)}</p></main></div>'
        f'<p id="lab-stopped" role="status">{word("stopped", language)}</p>'
    )
    page = page.replace('<html lang="en">', f'<html lang="{HTML_LANGUAGE[language]}">', 1)
    page = re.sub(r"<title>.*?</title>", lambda _: f"<title>{escape(lesson.title)}</title>", page, count=1)
    page = re.sub(r'<link rel="(?:icon|apple-touch-icon|manifest)"[^>]*>', "", page)
    added = '<link rel="stylesheet" href="/lab.css"><script type="module" src="/lab.js"></script>'
    page = page.replace("</head>", f"{added}</head>", 1)
    return re.sub(r"<body[^>]*>", lambda body: body[0] + opening, page, count=1)
