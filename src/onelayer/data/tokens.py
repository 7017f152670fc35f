"""Strings as tokens, and who reads these from left to right: for the small languages of formulas and hypotheses."""

import re
from dataclasses import dataclass
from typing import NoReturn

from onelayer.errors import OneLayerError

NAMES = r"(?P<name>[^\W\d][\w.]*)|`(?P<quoted>(?:[^`]|``)+)`"  # a backtick in a quoted name is written twice
BACKTICKS = "a name that is not of letters, digits, _ and . alone stands in backticks: `area, m2`"


@dataclass(frozen=True)
class Token:
    """A piece of a string that means something.

    Attributes:
        kind: name, quoted (a name in backticks), number, operator or end.
        text: what is written, of a quoted name the name.
        start: the number of its first character, from 0.
    """

    kind: str
    text: str
    start: int

    def is_operator(self, *operators: str) -> bool:
        """Return whether it is one of these operators."""
        return self.kind == "operator" and self.text in operators

    def __str__(self) -> str:
        return "the end" if self.kind == "end" else repr(self.text)


class Reader:
    """Tokens with a place among them, for parsers by recursive descent.

    Args:
        what: the string is, for messages: "formula".
        text: the string.
        pattern: of a token, with the groups name, quoted, number and operator.
        max_length: of the string, in characters.

    Raises:
        OneLayerError: if the string is too long, or has a character that no token begins with.
    """

    def __init__(self, what: str, text: str, pattern: re.Pattern[str], max_length: int) -> None:
        self.what = what
        if len(text) > max_length:
            raise OneLayerError(f"{what}: has {len(text):,} characters, more than {max_length:,}")
        self.tokens = self._tokens(text, pattern)
        self.token = self.tokens[0]
        self.n_read = 0

    def _tokens(self, text: str, pattern: re.Pattern[str]) -> list[Token]:
        tokens = []
        start, end = 0, len(text.rstrip())
        while start < end:
            if text[start].isspace():
                start += 1
                continue
            match = pattern.match(text, start)
            if match is None:
                found = "a backtick without a second one" if text[start] == "`" else repr(text[start])
                self.fail(start, f"found {found}; {BACKTICKS}")
            kind = str(match.lastgroup)
            content = match[kind].replace("``", "`") if kind == "quoted" else match[kind]
            tokens.append(Token(kind, content, start))
            start = match.end()
        return [*tokens, Token("end", "", end)]

    def take(self, *operators: str) -> Token | None:
        """Return the next token and go on, if it is one of these operators."""
        token = self.token
        if not token.is_operator(*operators):
            return None
        self.advance()
        return token

    def advance(self, number: int = 1) -> None:
        """Go on by so many tokens."""
        self.n_read += number
        self.token = self.tokens[self.n_read]

    def expect(self, operator: str, advice: str = "") -> None:
        """Go on over an operator that has to be next."""
        if not self.take(operator):
            self.expected(repr(operator), advice)

    def expected(self, expected: str, advice: str = "") -> NoReturn:
        """Raise an error: something else was to be next."""
        self.fail(self.token.start, f"expected {expected}, found {self.token}{advice}")

    def fail(self, start: int, message: str) -> NoReturn:
        """Raise an error about the character with a number, from 0."""
        raise OneLayerError(f"{self.what}, character {start + 1}: {message}")
