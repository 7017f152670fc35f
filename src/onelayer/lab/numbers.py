"""Numbers as readers write them, not as Python prints them."""

import re

_MINUS = re.compile(r"(?:^|(?<=[\s(=]))-(?=[\d.])")
_EXPONENT = re.compile(r"(?<=\d)e([+-]\d+)\b")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def typeset(text: str) -> str:
    """Return a text with the signs and exponents of its numbers as in print: ``-2e-05`` becomes −2 × 10⁻⁵."""
    raised = _EXPONENT.sub(lambda match: f" × 10{str(int(match[1])).translate(_RAISED)}", text)
    return _MINUS.sub("−", raised)


def in_formula(number: float) -> str:
    """Return a number, rounded to an integer, for a formula of LaTeX, which would set a space after a bare comma."""
    return f"{number:,.0f}".replace(",", "{,}")
