"""Numbers as readers write them, not as Python prints them."""

import re

_MINUS = re.compile(r"(?:^|(?<=[\s(=]))-(?=[\d.])")
_SCIENTIFIC = re.compile(r"(\d+(?:\.\d+)?)e([+-]\d+)\b")
_LONGEST = 6  # digits of an integer that is written out
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def typeset(text: str) -> str:
    """Return a text with its numbers as in print: ``-2e-05`` becomes −2 × 10⁻⁵, and ``1.21e+03`` 1,210."""
    return _MINUS.sub("−", _SCIENTIFIC.sub(_in_print, text))


def _in_print(number: re.Match[str]) -> str:
    mantissa, exponent = number[1], int(number[2])
    if 0 <= exponent < _LONGEST:
        decimals = max(0, len(mantissa.partition(".")[2]) - exponent)
        return f"{float(number[0]):,.{decimals}f}"
    return f"{mantissa} × 10{str(exponent).translate(_RAISED)}"


def in_formula(number: float) -> str:
    """Return a number, rounded to an integer, for a formula of LaTeX, which would set a space after a bare comma."""
    return f"{number:,.0f}".replace(",", "{,}")
