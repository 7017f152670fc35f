"""Design matrices: the features that a formula makes of columns, block by block.

Categories have treatment coding, as in R (Chambers and Hastie, Statistical Models in S, 1992, section 2.3.2): a feature
for each level, or for each but the reference where that is enough. It is enough if the intercept or an earlier term
spans what is left of the term without the category: in ``~ city`` and in ``~ area + area:city``, but not in
``~ city - 1``, in ``~ area:city``, or for either category of ``~ city:kind``.

So the features span the products of all levels, in every formula. They are not R's where R takes a number for a
category, so that they would span less (``~ 0 + x:a + a:b``), or keeps a level too many without an intercept
(``~ 0 + x + x:a``). As in R, they are linearly dependent if a product of categories stands without its margins:
``~ city:kind`` is the intercept and all combinations.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import chain, combinations, product
from math import prod
from typing import Any

import numpy as np

from onelayer.data.formula import LARGEST, Factor, Formula, Term
from onelayer.errors import OneLayerError

MAX_FEATURES = 100_000


@dataclass(frozen=True)
class Levels:
    """The levels of a category.

    Attributes:
        names: the names (k,).
        reference: the number of the level that has no feature where all the others are enough.
    """

    names: tuple[str, ...]
    reference: int = 0


@dataclass(frozen=True)
class Design:
    """How columns become the features of a formula. Nothing in it depends on the rows.

    Args:
        formula: the formula.
        levels: the columns that are categories, by name; the others are numbers.

    Raises:
        OneLayerError: if a function or a power is of a category, two features have one name, or there are none or
            more than ``MAX_FEATURES``.
    """

    formula: Formula
    levels: Mapping[str, Levels]

    def __post_init__(self) -> None:
        for factor in (f for term in self.formula.terms for f in term.factors):
            if factor.is_transformed and factor.column in self.levels:
                raise OneLayerError(
                    f"formula: {factor.name} needs numbers, and {factor.column!r} is a category; leave it as it is, or "
                    "cross it with another column by : or *"
                )
        count = sum(prod(self._size(f, code) for f, code in term) for term in self._coded)
        if not 0 < count <= MAX_FEATURES:
            raise OneLayerError(f"formula: makes {count:,} features, not between 1 and {MAX_FEATURES:,}")
        (name, times), *_ = Counter(self.features).most_common(1)
        if times > 1:
            raise OneLayerError(f"formula: {times} features have the name {name!r}; rename a column")

    @cached_property
    def features(self) -> tuple[str, ...]:
        """The names of the features (d,), such as ``area:city=Ulm``; the first factor's levels change fastest."""
        names = []
        for term in self._coded:
            levels = [self._names(factor, is_reduced) for factor, is_reduced in reversed(term)]
            names += [":".join(reversed(combination)) for combination in product(*levels)]
        return tuple(names)

    def matrix(self, columns: Mapping[str, Any], where: str) -> Any:
        """Return the features (n, d) of a block of rows, without the intercept: CSR if a column is, else an array.

        Args:
            columns: each column of the formula by its name: numbers (n,), or the levels (n, k) of a category, a 1 and
                zeros in a row, as an array or in CSR. What is missing is NaN, a category in all its levels; then at
                least one feature of the row is NaN.
            where: the table, for an error.

        Raises:
            OneLayerError: with the row, if a function is not defined for a number, or a feature is too large.
        """
        parts = [self._product(term, columns, where) for term in self._coded]
        if all(isinstance(part, np.ndarray) for part in parts):
            return np.hstack(parts)
        from scipy import sparse  # takes a moment, which dense tables need not spend

        return sparse.hstack([sparse.csr_array(part) for part in parts], format="csr")

    @cached_property
    def _coded(self) -> tuple[tuple[tuple[Factor, bool], ...], ...]:
        """The factors of each term, each with whether its reference level is left out."""
        spanned = {frozenset[Factor]()} if self.formula.intercept else set()
        coded = []
        for term in self.formula.terms:
            factors = frozenset(term.factors)
            categories = [f for f in term.factors if f.column in self.levels]
            coded.append(tuple((f, f in categories and factors - {f} in spanned) for f in term.factors))
            # Features of all levels add up to 1, so a term spans what it is without any of its categories.
            subsets = chain.from_iterable(combinations(categories, n) for n in range(len(categories) + 1))
            spanned |= {factors.difference(subset) for subset in subsets}
        return tuple(coded)

    def _size(self, factor: Factor, is_reduced: bool) -> int:
        levels = self.levels.get(factor.column)
        return 1 if levels is None else len(levels.names) - is_reduced

    def _names(self, factor: Factor, is_reduced: bool) -> list[str]:
        levels = self.levels.get(factor.column)
        if levels is None:
            return [factor.name]
        names = [f"{factor.column}={name}" for name in levels.names]
        if is_reduced:
            del names[levels.reference]
        return names

    def _product(self, term: tuple[tuple[Factor, bool], ...], columns: Mapping[str, Any], where: str) -> Any:
        """Return the features of one term."""
        features = reduce(_products, [self._values(f, code, columns[f.column], where) for f, code in term])
        is_dense = isinstance(features, np.ndarray)
        excessive = np.abs(features if is_dense else features.data) > LARGEST
        if excessive.any():
            first = int(excessive.argmax())
            row = first // features.shape[1] if is_dense else features.indptr.searchsorted(first, "right") - 1
            name = Term(tuple(factor for factor, _ in term)).name
            raise OneLayerError(f"{where}: row {row + 1}: {name} is too large to compute with")
        return features

    def _values(self, factor: Factor, is_reduced: bool, column: Any, where: str) -> Any:
        """Return the features (n, k) of one factor."""
        levels = self.levels.get(factor.column)
        if levels is None:
            return factor.values(column, where)[:, None]
        return column[:, np.delete(np.arange(len(levels.names)), levels.reference)] if is_reduced else column


def _products(A: Any, B: Any) -> Any:
    """Return the products (n, a * b) of each column of A (n, a) and of B (n, b), A's columns changing fastest.

    In CSR if A or B is. It is the face-splitting product: the Khatri-Rao product of the transposed matrices.
    """
    if isinstance(A, np.ndarray) and isinstance(B, np.ndarray):
        return (B[:, :, None] * A[:, None, :]).reshape(len(A), A.shape[1] * B.shape[1])
    from scipy import sparse

    A, B = sparse.csr_array(A), sparse.csr_array(B)
    counts_a, counts_b = np.diff(A.indptr), np.diff(B.indptr)
    # An entry of B meets each entry of A in its row: a and b are the places of the two.
    met = np.repeat(counts_a, counts_b)
    b = np.repeat(np.arange(B.nnz), met)
    first_met = np.repeat(A.indptr[:-1], counts_b)
    a = np.repeat(first_met - (np.cumsum(met) - met), met) + np.arange(len(b))
    indptr = np.concatenate([[0], np.cumsum(counts_a * counts_b)])
    indices = A.indices[a] + A.shape[1] * B.indices[b]
    return sparse.csr_array(
        (A.data[a] * B.data[b], indices, indptr), shape=(len(counts_a), A.shape[1] * B.shape[1])
    )
