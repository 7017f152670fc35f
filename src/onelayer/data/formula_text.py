"""The language of formulas: from a string to terms.

``price ~ area * city + log(age)`` means what it does in R (Chambers and Hastie, Statistical Models in S, 1992, ch. 2):

    a + b, a - b       both; the terms of a without those of b
    a:b                the product; of categories, the combinations of their levels
    a * b              a + b + a:b
    (a + b + c)^2      the terms in parentheses and the products of up to two of them
    x^2, log(x)^2      a power of a column of numbers or of its function, in R I(x^2), which is read as well
    log(x)             the natural logarithm; ``FUNCTIONS`` has all functions, each of one column
    .                  all columns but the target, in the table's order
    + 1, - 1, + 0      with and without an intercept; there is one unless the formula says otherwise
    `area, m2`         a column whose name is not of letters, digits, _ and . alone; a backtick in it is written twice

``^`` binds first, then ``:``, then ``*``, last ``+`` and ``-``; ``**`` is ``^``. Where R finds a meaning that is hardly
meant, there is an error instead: ``x * x`` and ``(x)^2``, which R takes for x, and ``a - b``, which R takes for a.

A formula is never evaluated as Python. Its length, depth and number of terms are bounded, and terms are counted as they
come.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from onelayer.data.formula import (
    FUNCTIONS,
    MAX_DEGREE,
    MAX_LENGTH,
    MAX_POWER,
    MAX_TERMS,
    Factor,
    Formula,
    Term,
)
from onelayer.data.tables import quoted
from onelayer.data.tokens import BACKTICKS, NAMES, Reader, Token
from onelayer.errors import SHOWN, OneLayerError

MAX_PAIRS = 200_000  # of terms that are multiplied, and columns that stand for a dot: less than a second
MAX_DEPTH = 50  # parentheses in parentheses


@dataclass(frozen=True)
class FormulaText:
    """A formula as it is written: its grammar is checked, and its columns are not.

    Attributes:
        text: the formula.
        target: the column left of ``~``, or None if the formula does not name one.
    """

    text: str
    target: str | None

    def resolved(self, columns: Sequence[str], target: str | None = None) -> Formula:
        """Return the formula for a table.

        Args:
            columns: the names of the table's columns.
            target: the column to predict; it may be left out if the formula names it.

        Raises:
            OneLayerError: if a column is not in the table, the target is a feature, is named in two ways or not at
                all, or there are too many terms or none.
        """
        target = self.target if target is None else target
        if target != (self.target or target):
            raise OneLayerError(f"formula: predicts {self.target!r}, but the target is to be {target!r}")
        if target is None:
            raise OneLayerError("formula: lacks the column to predict; write it first: price ~ area + age")
        if target not in columns:
            raise OneLayerError(f"formula: {_unknown(target, columns)}")
        parser = _Parser(self.text, columns, target)
        _, terms = parser.formula()
        if not terms:
            raise OneLayerError("formula: has no feature; write a column right of ~, or . for all of them")
        by_degree = sorted(terms, key=lambda term: len(term.factors))
        return Formula(target, tuple(by_degree), parser.intercept, self.text)


def parse_formula(text: str) -> FormulaText:
    """Return a formula whose grammar is right; ``parse_formula(text).resolved(columns)`` has its terms.

    Raises:
        OneLayerError: with the number of the character, counted from 1, where the grammar is wrong.
    """
    target, _ = _Parser(text).formula()
    return FormulaText(text, target)


_TOKEN = re.compile(NAMES + r"|(?P<number>\d[\w.]*)|(?P<operator>\*\*|[-+*:^()~.])")
_INTERCEPT = "0 and 1 stand for the intercept, and not in products or parentheses"
_SQUARE = "the square of a column of numbers is x^2, without parentheses"


_Terms = dict[Term, None]  # a set in the order in which the terms were first written


class _Parser(Reader):
    """Recursive descent: a method for each rule of the grammar returns the terms of what it has read.

    Without ``columns`` the grammar alone is checked: a dot is a column like others, and terms mean nothing yet.
    """

    def __init__(self, text: str, columns: Iterable[str] | None = None, target: str | None = None) -> None:
        super().__init__("formula", text, _TOKEN, MAX_LENGTH)
        self.columns = None if columns is None else dict.fromkeys(columns)
        self.target = target
        self.intercept = True
        self.depth = 0
        self.pairs = 0

    def formula(self) -> tuple[str | None, _Terms]:
        """[[column] ~] sum."""
        target = None
        if any(token.is_operator("~") for token in self.tokens):
            if self._is_call():
                self.expected("the target, a column as it stands and not a function of it")
            if not self.take("~"):
                target = self._name()
                self.expect("~")
        terms = self._sum(is_outermost=True)
        if self.token.kind != "end":
            self.expected("+, -, *, : or the end")
        return target, terms

    def _sum(self, is_outermost: bool) -> _Terms:
        """[-] product {(+ | -) product}; 0 and 1 may stand for a product of the outermost sum."""
        terms: _Terms = {}
        is_added = not self.take("-")
        while True:
            first = self.token
            if is_outermost and first.kind == "number" and first.text in ("0", "1"):
                self.advance()
                self.intercept = is_added == (first.text == "1")
            elif is_added:
                terms |= self._product()
                self._check_number(terms, first)
            else:
                for term in self._product():
                    self._check_known(term in terms, first, f"{term.name} is taken out, but is not there")
                    terms.pop(term, None)
            operator = self.take("+", "-")
            if operator is None:
                return terms
            is_added = operator.text == "+"

    def _product(self) -> _Terms:
        """One or more interactions with * between them."""
        terms = self._interaction()
        while operator := self.take("*"):
            right = self._interaction()
            terms = terms | right | self._multiplied(terms, right, operator)
        return terms

    def _interaction(self) -> _Terms:
        """One or more powers with : between them."""
        terms = self._power()
        while operator := self.take(":"):
            terms = self._multiplied(terms, self._power(), operator)
        return terms

    def _power(self) -> _Terms:
        """(( sum ) | .) [^ degree] | factor."""
        if opening := self.take("("):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                self.fail(opening.start, f"more than {MAX_DEPTH} parentheses are open")
            terms = self._sum(is_outermost=False)
            self.expect(")")
            self.depth -= 1
        elif dot := self.take("."):
            terms = self._others(dot)
        else:
            return {Term((self._factor(),)): None}
        power = self.take("^", "**")
        return terms if power is None else self._crossed(terms, self._whole(MAX_DEGREE), power)

    def _factor(self) -> Factor:
        """Transformed [^ power] | I ( transformed [^ power] )."""
        is_protected = self._is_call() and self.token.text == "I"
        if is_protected:
            self.advance(2)
        function = None
        if self._is_call():
            function = self.token.text
            if function not in FUNCTIONS:
                self.expected(f"one of the functions {', '.join(FUNCTIONS)}")
            self.advance(2)
        factor = Factor(self._feature(), function)
        if function:
            self.expect(")", "; a function takes one column")
        if self.take("^", "**"):
            factor = Factor(factor.column, function, self._whole(MAX_POWER))
        if is_protected:
            self.expect(")", "; I() takes one column or function, or its power")
        return factor

    def _feature(self) -> str:
        token = self.token
        column = self._name()
        self._check_known(column != self.target, token, f"{column!r} is the target, and cannot be a feature")
        if self.columns is not None and column not in self.columns:
            self.fail(token.start, _unknown(column, self.columns))
        return column

    def _name(self) -> str:
        token = self.token
        if token.kind not in ("name", "quoted"):
            advice = {"0": _INTERCEPT, "1": _INTERCEPT}.get(token.text, BACKTICKS)
            self.expected("a column or a function", f"; {advice}" if token.kind == "number" else "")
        self.advance()
        return token.text

    def _others(self, dot: Token) -> _Terms:
        names = ["."] if self.columns is None else [c for c in self.columns if c != self.target]
        self._count_pairs(len(names), dot)
        return dict.fromkeys(Term((Factor(name),)) for name in names)

    def _crossed(self, terms: _Terms, degree: int, operator: Token) -> _Terms:
        self._check_known(len(terms) > 1, operator, f"there is one term to cross; {_SQUARE}")
        products = terms
        for _ in range(degree - 1):
            products = self._products(products, terms, operator)  # with a * a = a, of lower degree too
        return products

    def _multiplied(self, left: _Terms, right: _Terms, operator: Token) -> _Terms:
        if len(left) == 1 and left.keys() == right.keys():
            self._check_known(False, operator, f"{next(iter(left)).name} is multiplied by itself; {_SQUARE}")
        return self._products(left, right, operator)

    def _products(self, left: _Terms, right: _Terms, operator: Token) -> _Terms:
        self._count_pairs(len(left) * len(right), operator)
        products: _Terms = {}
        for a in left:
            for b in right:
                product = a * b
                if len(product.factors) > MAX_DEGREE:
                    self.fail(operator.start, f"a product has more than {MAX_DEGREE} factors")
                products[product] = None
            self._check_number(products, operator)
        return products

    def _check_number(self, terms: _Terms, token: Token) -> None:
        if len(terms) > MAX_TERMS:
            self.fail(token.start, f"there are more than {MAX_TERMS:,} terms")

    def _count_pairs(self, number: int, token: Token) -> None:
        self.pairs += number
        if self.pairs > MAX_PAIRS:
            self.fail(token.start, f"there are too many products: {self.pairs:,} terms to work out")

    def _check_known(self, fits: bool, token: Token, message: str) -> None:
        """Raise an error about the terms, if they are known."""
        if not fits and self.columns is not None:
            self.fail(token.start, message)

    def _is_call(self) -> bool:
        return self.token.kind == "name" and self.tokens[self.n_read + 1].is_operator("(")

    def _whole(self, most: int) -> int:
        token = self.token
        if token.kind != "number" or token.text not in map(str, range(1, most + 1)):
            self.expected(f"an integer from 1 to {most}")
        self.advance()
        return int(token.text)


def _unknown(column: str, columns: Iterable[str]) -> str:
    """Return that the table lacks a column, with the nearest names that it has, or its first ones."""
    by_lower_case = {name.casefold(): name for name in columns}
    near = [by_lower_case[name] for name in get_close_matches(column.casefold(), by_lower_case)]
    if near:
        return f"the table has no column {column!r}; did you mean {quoted(near)}?"
    names = list(columns)
    return f"the table has no column {column!r}; it has {quoted(names[:SHOWN])}{', …' if len(names) > SHOWN else ''}"
