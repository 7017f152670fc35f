"""The lab's HTML pages: the index, and what a lesson's page shows before its notebook runs."""

import re
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from onelayer.lab.course import COURSE, HERE, Entry
from onelayer.lab.interface import HTML_LANGUAGE, LANGUAGES, Language, word
from onelayer.lab.panels import lab_header
from onelayer.lab.prose import read_lesson

STYLE = (HERE / "lab.css").read_bytes() + (HERE / "panels.css").read_bytes()
ICON = (HERE / "icon.svg").read_bytes()
MARIMO = "/marimo"  # where the server has marimo's scripts, styles and fonts, once for all lessons


def index_page(language: Language) -> str:
    """Return the page that lists the lessons."""
    items = "".join(
        f'<li><a href="/{language}/{entry.slug}/">{entry.picture}<span><strong>{escape(entry.title[language])}'
        f"</strong><small>{escape(entry.summary[language])}</small></span></a></li>"
        for entry in COURSE
    )
    languages = " · ".join(
        f'<a href="/{other}/" lang="{other}">{word("language", other)}</a>'
        for other in LANGUAGES
        if other != language
    )
    return Template((HERE / "index.html").read_text(encoding="utf-8")).substitute(
        html_language=HTML_LANGUAGE[language],
        lab=word("lab", language),
        about=word("about", language),
        languages=languages,
        lessons=items,
        prefetch="".join(f'<link rel="prefetch" href="{MARIMO}/{path}">' for path in _first_assets()),
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
    page = page.replace("</head>", '<link rel="stylesheet" href="/lab.css"></head>', 1)
    return re.sub(r"<body[^>]*>", lambda body: body[0] + opening, page, count=1)
