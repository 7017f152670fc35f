"""The lab's HTML pages: the index, and what a lesson's page shows before its notebook runs."""

import re
from html import escape
from string import Template

from onelayer.lab.course import COURSE, HERE, Entry
from onelayer.lab.interface import HTML_LANGUAGE, LANGUAGES, Language, word
from onelayer.lab.panels import lab_header
from onelayer.lab.prose import read_lesson

STYLE = (HERE / "lab.css").read_bytes()


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
    )


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
    )
    page = page.replace('<html lang="en">', f'<html lang="{HTML_LANGUAGE[language]}">', 1)
    page = re.sub(r"<title>.*?</title>", lambda _: f"<title>{escape(lesson.title)}</title>", page, count=1)
    page = page.replace("</head>", '<link rel="stylesheet" href="/lab.css"></head>', 1)
    return re.sub(r"<body[^>]*>", lambda body: body[0] + opening, page, count=1)
