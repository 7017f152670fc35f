"""Formulas: LaTeX becomes MathML that browsers set as TeX would.

``latex2mathml`` reads the LaTeX. What it writes is mended here for MathML Core, which is what browsers know: letters
in bold or script are characters of their own, and a sign in the middle of a row cannot tell a minus from a
difference, or an opening bar from a closing one, unless it is told.
"""

import html
import re
import unicodedata
from xml.etree.ElementTree import Element, tostring

from latex2mathml.converter import Converter

from onelayer.errors import OneLayerError

VALUE = re.compile(r"\{\{([\w.]+)(?::([^{}]*))?\}\}")  # a field, and perhaps its format
_VALUE_MARK = "\ue000"  # a character for private use, before the name of a value
_GROUPED = re.compile(r"\d+(?:\{,\}\d{3})+(?:\.\d+)?")
_ALIGNED = re.compile(r"\\(begin|end)\{aligned\}")
_CENTRED_DOTS = re.compile(r"\\dots(?=\s*[-+=])")
_NUMBER = re.compile(r"[\d,.]+")

_ROWS = {"math", "mrow", "mtd", "msqrt", "mstyle"}  # their children stand in a line
_SCRIPTED = {"msub", "msup", "msubsup", "munder", "mover", "munderover"}  # their first child is the base
_PARTS = dict.fromkeys(_SCRIPTED | {"mfrac", "mroot"}, 2) | {"msubsup": 3, "munderover": 3}
_OPENING, _CLOSING, _BARS = "([{⌈⌊⟨", ")]}⌉⌋⟩", "|‖"
_BRACKETS = _OPENING + _CLOSING + _BARS
_BINARY = "+−±∓·×∗∘⊗⊕"  # between two operands; otherwise they belong to what follows
_LARGE = "∑∏∫∮"
_ORDINARY = "∂∇∞⊤∅…⋯⋮⋱"  # latex2mathml takes these for operators, and browsers would space them so
_THIN = "0.167em"  # TeX's thin space
# Characters that latex2mathml takes from the keyboard, where mathematics has its own.
_PROPER = {"*": "∗", "~": "∼"}
_ACCENTS = "^∼¯→˙¨ˇ˘´`˚"
_PROPER_ACCENT = {"^": "ˆ", "∼": "˜"}


def formula(latex: str, display: bool = False) -> str:
    """Return a formula as MathML, without inline styles.

    A value ``{{name}}`` in it becomes ``<mn data-value="name"></mn>``, empty, for a script to fill in.

    Args:
        latex: the formula, without dollar signs.
        display: whether it stands on a line of its own.

    Raises:
        OneLayerError: if it is not LaTeX, or has a command that is not known here.
    """
    source = VALUE.sub(rf"\\text{{{_VALUE_MARK}\1}}", latex)
    source = _GROUPED.sub(lambda number: rf"\text{{{number[0].replace('{,}', ',')}}}", source)
    source = _ALIGNED.sub(r"\\\1{align*}", source)
    source = _CENTRED_DOTS.sub(r"\\cdots", source)
    try:
        math = Converter(display="block" if display else "inline").convert_to_element(source)
    except Exception as error:  # its errors have no class in common
        raise OneLayerError(f"the formula {latex!r} cannot be read: {type(error).__name__}") from error
    math.attrib = {"display": "block"} if display else {}
    _refuse_leftovers(math, latex)
    _mend(math, in_script=False)
    _trim(math)
    return tostring(math, encoding="unicode", short_empty_elements=False)


def _refuse_leftovers(math: Element, latex: str) -> None:
    for element in math.iter():
        text = element.text or ""
        if "\\" in text or (text == "&" and element.tag != "mtext"):
            raise OneLayerError(f"the formula {latex!r} has {text}, which is not known here")
        if len(element) < _PARTS.get(element.tag, 0):
            raise OneLayerError(
                f"the formula {latex!r} breaks off: part of a fraction or a script is not there"
            )


def _mend(element: Element, in_script: bool) -> None:
    """Mend an element from the inside out: first what it has in it, then its text, then its row."""
    for place, child in enumerate(element):
        _mend(child, in_script or (element.tag in _SCRIPTED and place > 0))
    element[:] = [_unwrapped(child) for child in element]
    if element.tag == "math" and len(element) == 1 and element[0].tag == "mrow":
        element[:] = element[0][:]
    if element.text is not None:
        element.text = html.unescape(element.text)
        _mend_token(element)
    if element.tag == "msup" and (element[1].text or "-") in "′″‴":
        element.tag = "mrow"  # the font's prime is small and raised as it is
    if element.tag == "mover" and (element[1].text or "-") in _ACCENTS:
        _mend_accent(element)
    if element.tag in ("mtable", "mtd"):
        _mend_table(element)
    if element.tag in _ROWS:
        _join_upright_letters(element)
        _pair_bars(element)
        _space(element, in_script)


def _unwrapped(element: Element) -> Element:
    """Return what an ``mrow`` holds if that is one element, which needs no row around it."""
    return element[0] if element.tag == "mrow" and len(element) == 1 and not element.attrib else element


# One letter, number or sign


def _mend_token(token: Element) -> None:
    text = token.text or ""
    if token.tag == "mtext":
        _mend_text(token, text)
        return
    variant = token.attrib.pop("mathvariant", None)
    if variant == "normal" or (token.tag == "mi" and "Α" <= text <= "Ω"):  # Greek capitals are upright in TeX
        token.set("mathvariant", "normal")
    elif variant:
        text = "".join(_styled(character, variant) for character in text)
    elif text in _ORDINARY:
        token.tag = "mi"
    elif token.tag in ("mi", "mo") and not text.startswith("\\"):
        text = _PROPER.get(text, text)
        is_sign = len(text) == 1 and unicodedata.category(text)[0] in "SP" and text not in "%#$&"
        is_function = len(text) > 1 and text.isascii()
        if is_sign and text in _BRACKETS and (token.tag == "mi" or text == "‖"):
            token.set("stretchy", "false")
        token.tag = "mo" if is_sign or is_function else token.tag
    token.text = text


def _mend_text(token: Element, text: str) -> None:
    if text.startswith(_VALUE_MARK):
        token.tag, token.text = "mn", ""
        field, _, spec = text.removeprefix(_VALUE_MARK).partition(":")
        token.set("data-value", field)
        if spec:
            token.set("data-format", spec)
    elif _NUMBER.fullmatch(text):
        token.tag = "mn"


def _styled(character: str, variant: str) -> str:
    """Return a letter or digit in one of Unicode's mathematical alphabets, such as 𝐰 for w in bold.

    A character that the alphabet does not have stays as it is.
    """
    kind, _, letter = unicodedata.name(character, "").partition(" ")
    if kind == "DIGIT":
        letter = f"DIGIT {letter}"
    letter = letter.replace("LETTER ", "").replace("LUNATE EPSILON", "EPSILON")
    style = variant.upper().replace("-", " ").replace("DOUBLE STRUCK", "DOUBLE-STRUCK")
    older = style.replace("FRAKTUR", "BLACK-LETTER")  # some letters were in Unicode before the alphabets were
    for name in (f"MATHEMATICAL {style} {letter}", f"{older} {letter}"):
        try:
            return unicodedata.lookup(name)
        except KeyError:
            continue
    return character


def _mend_accent(over: Element) -> None:
    """Keep an accent over one letter as narrow as it is; browsers would stretch it to the letter's width."""
    base, accent = over
    over.set("accent", "true")
    if accent.text and len(base) == 0:
        accent.text = _PROPER_ACCENT.get(accent.text, accent.text)
        accent.set("stretchy", "false")


def _mend_table(element: Element) -> None:
    """Replace attributes that MathML Core does not have by classes, which ``math.css`` knows."""
    side = element.attrib.pop("columnalign", None)
    if side:
        element.set("class", f"lab-{side}")
    element.attrib.pop("rowspacing", None)  # as it is without
    if element.attrib.pop("columnspacing", None):
        element.set("class", "lab-aligned")


# A row of them


def _join_upright_letters(row: Element) -> None:
    r"""Make one word of the letters of ``\mathrm{SSE}``, which would be spaced as a product."""
    if len(row) > 1 and all(child.get("mathvariant") == "normal" and child.tag == "mi" for child in row):
        word = Element("mi")
        word.text = "".join(child.text or "" for child in row)
        row[:] = [word]


def _pair_bars(row: Element) -> None:
    """Tell bars that open from bars that close: they take turns."""
    bars = [core for child in row if (core := _operator(child)) is not None and (core.text or "-") in _BARS]
    if len(bars) % 2 == 0:
        for place, bar in enumerate(bars):
            bar.set("form", "postfix" if place % 2 else "prefix")


def _space(row: Element, in_script: bool) -> None:
    """Set the spaces of a row as TeX would: around functions and signs, and hardly any in a script."""
    for before, child, after in zip([None, *row], row, [*row[1:], None], strict=False):
        operator = _operator(child)
        if operator is None or not operator.text:
            continue
        is_unary = operator.text in _BINARY and not _ends_operand(before)
        if is_unary:
            operator.set("form", "prefix")
        if _is_function(operator):
            operator.set("lspace", _THIN if _ends_operand(before) or _is_unary(before) else "0")
            operator.set("rspace", _THIN if _starts_operand(after) else "0")
        elif is_unary or operator.text == "/" or (in_script and operator.text not in _BRACKETS):
            operator.set("lspace", "0")
            operator.set("rspace", "0")


def _trim(math: Element) -> None:
    """Set no space before the first sign and after the last one, as in "η =" before a number in the text."""
    if len(math) == 0:
        return
    for child, side in ((math[0], "lspace"), (math[-1], "rspace")):
        operator = _operator(child)
        if operator is not None and operator.get("form") is None and (operator.text or "(") not in _BRACKETS:
            operator.set(side, "0")


def _operator(element: Element) -> Element | None:
    """Return the sign at the core of an element, as the ∑ of a sum with limits, or None."""
    while element.tag in _SCRIPTED:
        element = element[0]
    return element if element.tag == "mo" else None


def _is_function(operator: Element) -> bool:
    """Return whether an operator takes what follows it, as log and ∑ do."""
    return len(operator.text or "") > 1 or (operator.text or "-") in _LARGE


def _is_unary(element: Element | None) -> bool:
    """Return whether an element is a sign with nothing on its left, as in −x."""
    return element is not None and element.get("form") == "prefix" and (element.text or "(") in _BINARY


def _ends_operand(element: Element | None) -> bool:
    """Return whether an element ends what an operator could take on its left."""
    if element is None or _is_gap(element):
        return False
    operator = _operator(element)
    return operator is None or operator.get("form") == "postfix" or (operator.text or "-") in _CLOSING


def _starts_operand(element: Element | None) -> bool:
    """Return whether an element starts what a function is applied to, without a bracket around it."""
    if element is None or _is_gap(element):
        return False
    while element.tag in _SCRIPTED | {"mrow"} and len(element):
        element = element[0]
    return element.tag != "mo" or _is_function(element) or (element.text or "-") in _BARS


def _is_gap(element: Element) -> bool:
    return element.tag == "mspace" or element.text == "\xa0"
