"""The language of linear hypotheses: from ``area = 2 * age`` to a row of a matrix and a number.

    area = 2 * age             both sides are sums of coefficients, by their names, and of numbers
    area, age                  several hypotheses; without = the value is 0
    2 * (area - age) / 3 = 1   numbers multiply and divide what is in parentheses too
    intercept = 0              the bias, if it is free
    `city=Ulm` = 0             a name that is not of letters, digits, _ and . alone; a backtick in it is written twice
    [b]age = 2 * [c]age        the coefficient of age for class b, against the reference; in a class ] is written twice
    age                        of several classes, the hypothesis for each of them: that age does not matter at all

A hypothesis is never evaluated as Python. Its length and depth are bounded.
"""

import math
import re
from collections.abc import Sequence
from difflib import get_close_matches

import numpy as np
from numpy.typing import NDArray

from onelayer.data.tokens import NAMES, Reader, Token
from onelayer.errors import SHOWN, OneLayerError

Array = NDArray[np.float64]

MAX_LENGTH = 10_000  # characters
MAX_DEPTH = 50  # parentheses in parentheses
_NUMBER = r"|(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)"
_CLASS = r"|\[(?P<label>(?:[^\]]|\]\])+)\]"
_TOKEN = re.compile(NAMES + _NUMBER + _CLASS + r"|(?P<operator>[-+*/=(),])")


def parse_hypotheses(
    text: str, names: Sequence[str], outputs: Sequence[str] = ("",), reference: str | None = None
) -> tuple[Array, Array, tuple[str, ...]]:
    """Return hypotheses Rβ = r on coefficients β: R (k, m p), r (k,) and what was written of each (k,).

    Args:
        text: the hypotheses.
        names: (p,) of the coefficients of each output.
        outputs: (m,) the classes, whose coefficients follow one another in β.
        reference: the class that they are compared with; None if outputs are not classes.

    Raises:
        OneLayerError: with the number of the character, counted from 1, where the grammar is wrong, a name is not that
            of one coefficient, or a hypothesis says nothing of coefficients.
    """
    found = _Parser(text, names, outputs, reference).hypotheses()
    rows = np.array([row for row, _ in found])
    if not np.isfinite(rows).all():
        raise OneLayerError("hypothesis: has numbers beyond those of float64")
    # Each row is what is left when its right side is taken to the left: coefficients, and last a number.
    return rows[:, :-1], -rows[:, -1], tuple(written for _, written in found)


class _Parser(Reader):
    """Recursive descent: a method for each rule returns a sum: of each coefficient so many, and a number.

    Sums are (p + m p + 1,): the first p are of coefficients whose class is not named.
    """

    def __init__(
        self, text: str, names: Sequence[str], outputs: Sequence[str], reference: str | None
    ) -> None:
        super().__init__("hypothesis", text, _TOKEN, MAX_LENGTH)
        self.text = text
        self.names, self.outputs, self.reference = list(names), list(outputs), reference
        self.depth = 0

    def hypotheses(self) -> list[tuple[Array, str]]:
        """Hypothesis {, hypothesis}."""
        found = self._hypothesis()
        while self.take(","):
            found += self._hypothesis()
        if self.token.kind != "end":
            self.expected("+, -, *, /, =, a comma or the end")
        return found

    def _hypothesis(self) -> list[tuple[Array, str]]:
        """Sum [= sum]; it is as many as there are classes, if it names none."""
        first = self.token
        total = self._sum()
        if self.take("="):
            total = total - self._sum()
        if not total[:-1].any():
            self.fail(first.start, "it says nothing of any coefficient")
        written = self.text[first.start : self.token.start].strip()
        p, m = len(self.names), len(self.outputs)
        of_any, of_class = total[:p], total[p:]
        if not of_any.any():
            return [(of_class, written)]
        if m > 1 and of_class[:-1].any():
            self.fail(first.start, "it names the class of some coefficients, and not that of others")
        each = np.kron(np.eye(m), of_any) + (of_class[:-1] if m == 1 else 0.0)
        names = [f"{written}, of {output}" for output in self.outputs] if m > 1 else [written]
        return [(np.append(row, total[-1]), name) for row, name in zip(each, names, strict=True)]

    def _sum(self) -> Array:
        """[+ | -] product {(+ | -) product}."""
        sign = self.take("+", "-")
        total = self._product() * (-1 if sign and sign.text == "-" else 1)
        while operator := self.take("+", "-"):
            product = self._product()
            total = total + product if operator.text == "+" else total - product
        return total

    def _product(self) -> Array:
        """Value {(* | /) value}, of which one alone has coefficients."""
        total = self._value()
        while operator := self.take("*", "/"):
            value = self._value()
            if operator.text == "/":
                if value[:-1].any() or not value[-1]:
                    self.fail(operator.start, "only a number that is not 0 may divide")
                total = total / value[-1]
            elif total[:-1].any() and value[:-1].any():
                self.fail(operator.start, "coefficients are multiplied by each other: that is not linear")
            else:
                total = total * value[-1] if total[:-1].any() else value * total[-1]
        return total

    def _value(self) -> Array:
        """( sum ) | number | [class] name."""
        token = self.token
        if self.take("("):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                self.fail(token.start, f"more than {MAX_DEPTH} parentheses are open")
            total = self._sum()
            self.expect(")")
            self.depth -= 1
            return total
        block = 0
        if token.kind == "label":
            block = self._block(token)
            self.advance()
            token = self.token
        if token.kind not in ("name", "quoted", "number") or (block and token.kind == "number"):
            self.expected("the name of a coefficient" if block else "a coefficient or a number")
        self.advance()
        total = np.zeros(len(self.names) * (1 + len(self.outputs)) + 1)
        if token.kind == "number":
            total[-1] = float(token.text)
            if not math.isfinite(total[-1]):
                self.fail(token.start, f"{token.text} is beyond the numbers of float64")
        else:
            total[block * len(self.names) + self._place(token)] = 1.0
        return total

    def _block(self, token: Token) -> int:
        """Return the number of a class, from 1."""
        label = token.text.replace("]]", "]")
        if self.reference is None:
            self.fail(token.start, f"[{label}] names a class, and here are none: write the coefficient alone")
        if label == self.reference:
            self.fail(
                token.start,
                f"{label!r} is the reference: the others are compared with it, and its coefficients are 0",
            )
        return self._number(token.start, label, self.outputs, "class") + 1

    def _place(self, token: Token) -> int:
        """Return the number of the coefficient with a name."""
        count = self.names.count(token.text)
        if count > 1:
            self.fail(
                token.start,
                f"{count} coefficients are called {token.text!r}; give a matrix in place of names",
            )
        return self._number(token.start, token.text, self.names, "coefficient")

    def _number(self, start: int, name: str, names: list[str], what: str) -> int:
        """Return the number of a name, or fail with those that are near it."""
        if name not in names:
            near = get_close_matches(name, names)
            shown = ", ".join(map(repr, near or names[:SHOWN]))
            rest = f"did you mean {shown}?" if near else f"there are {shown}{', …' * (len(names) > SHOWN)}"
            self.fail(start, f"there is no {what} {name!r}; {rest}")
        return names.index(name)
