"""Numbers as readers write them, not as Python prints them."""

import re
from collections.abc import Callable
from typing import Any

import numpy as np

_PLACE = re.compile(r"\{([\w.]+)(?::([^}]*))?\}")
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


def shown(value: Any, spec: str = "") -> str:
    """Return a value in a format of Python's, as in print; a string stays as it is, and None is a dash."""
    if value is None:
        return "–"
    if isinstance(value, bool | np.bool_):
        return "✓" if value else "✗"
    if isinstance(value, str):
        return value
    if spec.endswith("d"):
        return typeset(format(round(value), spec))
    return typeset(format(value, spec or ".6g"))


def filled(text: str, value: Callable[[str], Any]) -> str:
    """Fill in a text: ``{name}`` or ``{name:format}``."""
    return _PLACE.sub(lambda place: shown(value(place[1]), place[2] or ""), text)
