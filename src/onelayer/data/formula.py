"""Formulas: the terms that are added to predict a target, each a product of columns, perhaps transformed."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import OneLayerError
from onelayer.schema import flag, list_of, maybe, record, text, whole

# Each with the numbers that it takes.
FUNCTIONS: Mapping[str, tuple[np.ufunc, str]] = {
    "exp": (np.exp, "numbers"),
    "log": (np.log, "positive numbers"),
    "log10": (np.log10, "positive numbers"),
    "log1p": (np.log1p, "numbers above −1"),
    "log2": (np.log2, "positive numbers"),
    "sqrt": (np.sqrt, "numbers of at least 0"),
}
LARGEST = 1e100  # the square of a feature has to stay finite, and sums of such squares
MAX_POWER = 10
MAX_DEGREE = 6  # columns in a product
MAX_TERMS = 10_000
MAX_LENGTH = 100_000  # characters

FACTOR = record({"column": text(), "function": maybe(text(*FUNCTIONS)), "power": whole(1, MAX_POWER)})
FORMULA = record(
    {
        "text": text(),
        "target": text(),
        "intercept": flag,
        "terms": list_of(list_of(FACTOR, least=1), least=1),
    }
)


@dataclass(frozen=True)
class Factor:
    """A column, perhaps transformed: ``function(column) ** power``, the function first."""

    column: str
    function: str | None = None
    power: int = 1

    @property
    def name(self) -> str:
        """The factor as a formula has it: ``area``, ``log(area)^2``."""
        name = self.column if self.function is None else f"{self.function}({self.column})"
        return name if self.power == 1 else f"{name}^{self.power}"

    @property
    def is_transformed(self) -> bool:
        """Whether it is something else than the column as it stands."""
        return self.function is not None or self.power != 1

    def values(self, x: NDArray[np.float64], where: str) -> NDArray[np.float64]:
        """Return the factor (n,) of a column of numbers (n,); NaN stays NaN.

        Args:
            x: the column.
            where: the table, for an error.

        Raises:
            OneLayerError: with the row, if the function is not defined for a number, or the result is too large.
        """
        if not self.is_transformed:
            return x
        function, domain = (np.positive, "") if self.function is None else FUNCTIONS[self.function]
        with np.errstate(all="ignore"):
            transformed: NDArray[np.float64] = function(x)
            out = transformed**self.power
        wrong = ~(np.abs(out) <= LARGEST) & ~np.isnan(x)
        if wrong.any():
            row = int(wrong.argmax())
            is_undefined = np.isnan(transformed[row]) or transformed[row] == -np.inf
            why = (
                f"{self.function} takes {domain}"
                if is_undefined
                else f"{self.name} is too large to compute with"
            )
            raise OneLayerError(
                f"{where}: column {self.column!r}, row {row + 1}: the value is {x[row]:g}; {why}"
            )
        return out


@dataclass(frozen=True, eq=False)
class Term:
    """A product of different factors, in the order that they are written in; a:b equals b:a."""

    factors: tuple[Factor, ...]

    @property
    def name(self) -> str:
        """The term as a formula has it: ``area:city``."""
        return ":".join(factor.name for factor in self.factors)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Term) and frozenset(self.factors) == frozenset(other.factors)

    def __hash__(self) -> int:
        return hash(frozenset(self.factors))

    def __mul__(self, other: "Term") -> "Term":
        """Return the product, in which a factor of both stands once, as in R."""
        return Term(self.factors + tuple(f for f in other.factors if f not in self.factors))


@dataclass(frozen=True)
class Formula:
    """A formula whose columns are known to be in a table.

    Attributes:
        target: the column to predict.
        terms: what is added, main effects first, then products of two factors, and so on, as in R.
        intercept: whether a constant is added too.
        text: the formula as the user wrote it.
    """

    target: str
    terms: tuple[Term, ...]
    intercept: bool
    text: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the features are made of, in the order of the terms."""
        return tuple(dict.fromkeys(factor.column for term in self.terms for factor in term.factors))

    def to_json(self) -> dict[str, Any]:
        """Return the formula as JSON values, for a model file."""
        terms = [
            [{"column": f.column, "function": f.function, "power": f.power} for f in term.factors]
            for term in self.terms
        ]
        return {"text": self.text, "target": self.target, "intercept": self.intercept, "terms": terms}

    @staticmethod
    def from_json(values: Any) -> "Formula":
        """Return what ``to_json`` wrote.

        Raises:
            OneLayerError: if ``values`` is anything that it does not write.
        """
        FORMULA(values, "formula")
        terms = tuple(Term(tuple(Factor(**factor) for factor in term)) for term in values["terms"])
        formula = Formula(values["target"], terms, values["intercept"], values["text"])
        degrees = [len(term.factors) for term in terms]
        if len(formula.text) > MAX_LENGTH or len(terms) > MAX_TERMS or max(degrees) > MAX_DEGREE:
            raise OneLayerError("formula is longer than the longest that is written to a file")
        if degrees != sorted(degrees) or len(set(terms)) < len(terms):
            raise OneLayerError("formula.terms must be different, those of fewer factors first")
        if any(len(set(term.factors)) < len(term.factors) for term in terms):
            raise OneLayerError("formula.terms has a product of a factor with itself")
        if formula.target in formula.columns:
            raise OneLayerError(f"formula.target {formula.target!r} is among the features")
        return formula
