r"""The lessons' Markdown as HTML, with formulas between dollar signs and places for values that a script fills in.

Formulas are taken out before Markdown reads the text, and put back as MathML afterwards, so that no ``_`` or ``*`` of
theirs is taken for emphasis. A formula starts with ``$`` and no space, and ends with ``$`` after no space and before
no digit, so that "$5 or $6" is money. ``\$`` is always a dollar sign; in code each ``$`` is. Code stands between
backticks or in a block that is fenced by them, not in a block that is merely indented.

``{{name}}`` becomes an empty ``<span data-value="name"></span>``, in code as well, and in a formula
``<mn data-value="name"></mn>``; ``{{name:.2f}}`` has the attribute ``data-format=".2f"`` too.
"""

import re
from collections.abc import Callable
from html import escape

from markdown import markdown

from onelayer.lab.mathml import VALUE, formula

__all__ = ["formula", "label_html", "to_html"]

_PIECE = re.compile(
    r"""
    (?P<code>
        ^(?P<fence>[ ]*(?:`{3,}|~{3,})).*?^(?P=fence)     # a fenced block
        | (?<!`)(?P<ticks>`+)(?!`).+?(?<!`)(?P=ticks)(?!`)
    )
    | \\(?P<escaped>.)
    | \$\$(?P<display>[^$]+)\$\$
    | \$(?P<line>(?=\S)(?:[^$\\\n]|\\.|\n(?!\s*\n))+)(?<!\s)\$(?!\d)
    """,
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)
# While Markdown is at work a formula is a number between two characters for private use; the first says its kind.
_LONG, _SHORT, _DISPLAY, _END = "\ue001", "\ue002", "\ue003", "\ue004"
_HOLE = re.compile(rf"[{_LONG}{_SHORT}{_DISPLAY}](\d+){_END}")
_ALONE = re.compile(rf"<p>({_DISPLAY}\d+{_END})</p>")
# Browsers break lines between a formula and its punctuation, unless they are told not to.
_KEPT_LENGTH = 30  # of the LaTeX of a formula that fits into a line on a phone
_OPENING, _CLOSING = r"[(（《“‘「]", r"[,.;:!?)，。；：、！？）》”’」]"
_PUNCTUATED = re.compile(rf"{_OPENING}+{_SHORT}\d+{_END}{_CLOSING}*|{_SHORT}\d+{_END}{_CLOSING}+")


def to_html(text: str) -> str:
    """Return Markdown as HTML, with formulas and places for values.

    Raises:
        OneLayerError: if a formula cannot be read.
    """
    return _with_formulas(text, lambda rest: markdown(rest, extensions=["fenced_code", "sane_lists"]))


def label_html(text: str) -> str:
    """Return the words of a control or a heading as HTML: formulas and values as in ``to_html``, but no Markdown.

    Raises:
        OneLayerError: if a formula cannot be read.
    """
    return _with_formulas(text, lambda rest: escape(rest, quote=False))


def _with_formulas(text: str, render: Callable[[str], str]) -> str:
    """Render a text from which the formulas are taken out, and put them in again."""
    formulas: list[str] = []

    def take_out(piece: re.Match[str]) -> str:
        latex = piece["display"] or piece["line"]
        if latex is None:
            return "$" if piece["escaped"] == "$" else piece[0]
        formulas.append(formula(latex, display=piece["display"] is not None))
        kind = _DISPLAY if piece["display"] else _SHORT if len(latex) <= _KEPT_LENGTH else _LONG
        return f"{kind}{len(formulas) - 1}{_END}"

    rendered = VALUE.sub(_value, render(_PIECE.sub(take_out, text)))
    rendered = _PUNCTUATED.sub(r'<span class="lab-kept">\g<0></span>', _ALONE.sub(r"\1", rendered))
    return _HOLE.sub(lambda hole: formulas[int(hole[1])], rendered)


def _value(place: re.Match[str]) -> str:
    spec = f' data-format="{escape(place[2])}"' if place[2] else ""
    return f'<span data-value="{place[1]}"{spec}></span>'
