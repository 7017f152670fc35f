"""The page: findings in, one HTML document out, which needs nothing else and runs nothing."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from html import escape
from importlib.resources import files

from onelayer.reports import html
from onelayer.reports.about import Writer
from onelayer.reports.chosen import penalty
from onelayer.reports.findings import Findings
from onelayer.reports.shown import results
from onelayer.reports.text import shortened
from onelayer.reports.words import Language

LANGUAGE_TAGS: dict[Language, str] = {"en": "en", "zh": "zh-Hans"}


def page(findings: Findings, language: Language) -> str:
    """Return the page on a run. The same findings give the same page.

    The browser is told to load nothing but images that are in the page, and to apply no style but the page's own.
    """
    writer = Writer(findings, language)
    style, digest = _style()
    title = writer.say("title", target=shortened(findings.model.target), data=shortened(findings.model.data))
    parts = (
        writer.head(),
        writer.warnings(),
        results(writer),
        writer.model(),
        penalty(writer),
        writer.coefficients(),
        writer.data(),
        writer.training(),
        writer.scores(),
        writer.reproduction(),
    )
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; base-uri 'none'; form-action 'none'"
    )
    return (
        f'<!DOCTYPE html>\n<html lang="{LANGUAGE_TAGS[language]}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(part for part in parts if part)
        + f"\n</main>\n<footer>{html.paragraph(writer.say('made'))}</footer>\n</body>\n</html>\n"
    )


@cache
def _style() -> tuple[str, str]:
    """Return the style sheet and its SHA-256 in base64, by which a browser knows it."""
    style = files("onelayer.reports").joinpath("page.css").read_text(encoding="utf-8")
    return style, b64encode(sha256(style.encode()).digest()).decode()
