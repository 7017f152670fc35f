"""Names and numbers as HTML: whatever a table calls its columns, it stays text that can be read, and short."""

import unicodedata
from html import escape
from math import floor, isfinite, log10

LONGEST_NAME = 32  # Latin letters
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
MINUS = "−"
NONE = "–"
# Letters that are not seen but turn the direction of what follows, beside control characters and half surrogates.
DIRECTIONS = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
HIDDEN = ("Cc", "Cs", "Co", "Cn", "Zl", "Zp")


def clean(text: str) -> str:
    r"""Return a text with what cannot be seen in it as in Python's strings, such as ``\x00``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(c) if c in DIRECTIONS or unicodedata.category(c) in HIDDEN else c for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()


def shortened(name: str, longest: int = LONGEST_NAME) -> str:
    """Return a clean name cut in its middle, if it is wider than ``longest`` Latin letters."""
    name = clean(name)
    if width(name) <= longest:
        return name
    head, tail = "", ""
    for character in name:
        if width(head + character) > longest * 2 // 3:
            break
        head += character
    for character in reversed(name):
        if width(character + tail) > longest // 3 - 1:
            break
        tail = character + tail
    return f"{head}…{tail}"


def width(text: str) -> int:
    """Return how many Latin letters a text is as wide as: a Chinese character is two."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def name_html(name: str, longest: int = LONGEST_NAME) -> str:
    """Return a name as HTML, isolated from the direction of the text around it; the whole of it is its title."""
    short = shortened(name, longest)
    title = f' title="{escape(clean(name))}"' if short != clean(name) else ""
    return f"<bdi{title}>{escape(short)}</bdi>"


def text_html(text: str) -> str:
    """Return a sentence that was given from outside as HTML."""
    return escape(clean(text))


def number(value: float | None, digits: int = 4) -> str:
    """Return a number with at least so many significant digits as in print: 12,345, −0.0123, 2.5 × 10⁻⁷."""
    if value is None or not isfinite(value):
        return NONE
    if value == 0:
        return "0"
    exponent = floor(log10(abs(value)))
    if -4 <= exponent < 9:
        text = f"{value:,.{max(0, digits - 1 - exponent)}f}"
    else:
        mantissa, _, power = f"{value:.{digits - 1}e}".partition("e")
        text = f"{mantissa} × 10{str(int(power)).translate(RAISED)}"
    return text.replace("-", MINUS)


def percent(share: float, digits: int = 1) -> str:
    """Return a share in per cent."""
    return f"{100 * share:.{digits}f}%" if isfinite(share) else NONE


def probability(p: float) -> str:
    """Return the p of a test, which is of no interest where it is very small."""
    if not isfinite(p):
        return NONE
    return "&lt; 0.001" if p < 0.001 else f"{p:.3f}"
