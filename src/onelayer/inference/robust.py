"""The middle of sandwich covariances, robust to what the noise model says: the sum of the squares of the scores.

A covariance of estimates is H⁻¹ M H⁻¹, where H is the Hessian of the objective and M the sum of s sᵀ over what is
independent of each other: rows (White 1980), groups of rows (Liang and Zeger 1986), or rows that are further apart than
some lags (Newey and West 1987). This file knows of scores alone, and serves both models.
"""

import math
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args

import numpy as np
from numpy.typing import NDArray

from onelayer.data.rows import Block, Rows, Source, block_rows, rows_counted
from onelayer.engines.threads import added
from onelayer.errors import OneLayerError

Array = NDArray[np.float64]
Cov = Literal["classical", "HC0", "HC1", "HC2", "HC3", "cluster", "HAC"]
Scores = Callable[[Block], Array]

MOST_SUMS = 2**20  # numbers: so many sums of groups are kept at once in each thread


@dataclass(frozen=True, eq=False)
class Groups:
    """Rows in groups that are independent of each other.

    Attributes:
        codes: (n,) the number of each row's group, -1 for a row of weight 0.
        count: how many groups there are.
        sign: 1, or -1 for what two ways of grouping have in common.
    """

    codes: NDArray[np.intp]
    count: int
    sign: int = 1

    @property
    def correction(self) -> float:
        """What the sum over few groups is multiplied by, with the sign."""
        return self.sign * self.count / (self.count - 1)


@dataclass(frozen=True, eq=False)
class Robust:
    """What a covariance is robust to.

    Attributes:
        cov: "classical" if to nothing beyond the noise model; "HC0" to "HC3" to variances that differ from row to row;
            "cluster" to rows of a group that depend on each other; "HAC" to rows that depend on those shortly before.
        n: the number of rows whose weight is not 0.
        groups: one for "cluster"; for two ways of grouping three, of which the last is what both have in common.
        lags: for "HAC", how many rows before a row depend on it.
    """

    cov: Cov
    n: int
    groups: tuple[Groups, ...] = ()
    lags: int = 0

    @staticmethod
    def of(
        cov: str = "classical", groups: Any = None, lags: int | None = None, *, n: int, weight: Any = None
    ) -> "Robust":
        """Return what a user has asked for.

        Args:
            cov: "classical", "HC0", "HC1", "HC2", "HC3", "cluster" or "HAC".
            groups: for "cluster", the group of each row (n,), numbers or strings or whatever else; or for two ways
                (n, 2).
            lags: for "HAC"; floor(4 (n / 100)^(2/9)) if not given (Newey and West 1994).
            n: the number of rows.
            weight: of the rows (n,). Groups of rows of weight 0 alone do not count.

        Raises:
            OneLayerError: if ``cov`` is something else, if it does not go with groups or lags that are given, or if
                these are wrong.
        """
        if cov not in get_args(Cov):
            raise OneLayerError(f"cov must be one of {', '.join(get_args(Cov))}, not {cov!r}")
        kind = cast(Cov, cov)
        for name, value, owner in (("groups", groups, "cluster"), ("lags", lags, "HAC")):
            if value is not None and cov != owner:
                raise OneLayerError(f"{name} are for cov={owner!r}, not for {cov!r}")
        is_used = None if weight is None else np.asarray(weight) > 0
        used = n if is_used is None else int(is_used.sum())
        if cov == "cluster":
            return Robust(kind, used, _groups(groups, np.ones(n, bool) if is_used is None else is_used))
        if cov == "HAC":
            return Robust(kind, used, lags=_lags(lags, n))
        return Robust(kind, used)

    @staticmethod
    def for_rows(rows: Source, cov: str, groups: Any = None, lags: int | None = None) -> "Robust":
        """Return what a user has asked for, of rows in memory or in files; see ``of``.

        Raises:
            OneLayerError: as ``of``, and if rows in files would have to be looked at in pairs.
        """
        if isinstance(rows, Rows):
            return Robust.of(cov, groups, lags, n=len(rows), weight=rows.c)
        if cov in ("cluster", "HAC"):
            raise OneLayerError(
                f"cov={cov!r} looks at pairs of rows, which have to be in memory: use HC0 to HC3"
            )
        return Robust.of(cov, groups, lags, n=rows_counted(rows))

    @property
    def group_count(self) -> int:
        """The number of groups; of two ways, of the one with fewer."""
        return min(part.count for part in self.groups[:2])

    def correction(self, p: int) -> float:
        """Return what the covariance of p coefficients is multiplied by.

        n / (n − p) for "HC1", (n − 1) / (n − p) for "cluster", whose ``meat`` has a factor G / (G − 1) already (Stata
        and statsmodels take both; so does R's ``vcovCL`` of ``lm``), and 1 for the others.
        """
        if self.cov == "HC1":
            return self.n / (self.n - p)
        return (self.n - 1) / (self.n - p) if self.cov == "cluster" else 1.0

    def degrees(self, p: int) -> int:
        """Return the degrees of freedom of Student's t for p coefficients: n − p, or for G groups G − 1."""
        return self.group_count - 1 if self.cov == "cluster" else self.n - p

    def __str__(self) -> str:
        if self.cov == "cluster":
            return f"cluster, of {self._ways()} groups"
        return f"HAC, of {self.lags:,} lags" if self.cov == "HAC" else self.cov

    def _ways(self) -> str:
        return " and ".join(f"{part.count:,}" for part in self.groups[:2])

    def notes(self, has_degrees: bool = True) -> tuple[str, ...]:
        """Return a sentence on what errors are robust to, with the degrees of freedom of t, if it is one; or none."""
        if self.cov == "classical":
            return ()
        if self.cov == "cluster":
            degrees = f": t has {self.group_count - 1:,} degrees of freedom" if has_degrees else ""
            said = f"for rows that depend on each other within {self._ways()} groups{degrees}"
        elif self.cov == "HAC":
            said = f"for rows that depend on the {self.lags:,} before them (HAC, Newey and West)"
        else:
            said = f"for variances that differ from row to row ({self.cov})"
        return (f"errors hold {said}",)


def meat(rows: Source, scores: Scores, robust: Robust) -> Array:
    """Return the sum of the squares of scores (P, P): over rows, over groups, or with lags.

    Over groups it is Σ s sᵀ of the groups' sums, times G / (G − 1); of two ways, the sum of both less that over what
    they have in common (Cameron, Gelbach and Miller 2011). With lags, Σ s sᵀ and the products with earlier rows, whose
    weights decline (Bartlett). Memory is that of some blocks, and of the sums of some groups at once.

    Args:
        rows: the rows, in the order of time if there are lags.
        scores: from a block to the scores (m, P) of its rows. Blocks may be of any rows, and of none.
        robust: which sum.
    """
    size = block_rows(scores(rows.first().part(0, 0)).shape[1])

    def over(part_sums: Callable[[Block], Array]) -> Array:
        [found] = rows.sum(lambda block: added([part_sums(part)] for part in block.split(size)))
        return np.asarray(found, np.float64)

    if robust.cov == "HAC":
        return over(lambda part: _lagged(rows, part, scores, robust.lags))
    if robust.cov == "cluster":
        sums = [part.correction * _grouped(rows, scores, part, size) for part in robust.groups]
        return np.asarray(np.sum(sums, axis=0))
    return over(lambda part: _square(scores(part)))


def _square(S: Array) -> Array:
    return np.asarray(S.T @ S)


def _lagged(rows: Source, block: Block, scores: Scores, lags: int) -> Array:
    """Return the products of the scores of a block with themselves and with those of rows before, weighted (P, P)."""
    S = scores(block)
    before = scores(rows.gathered().part(max(0, block.start - lags), block.start))
    past, shares = np.concatenate([before, S]), S / 2
    for lag in range(1, min(lags, len(past) - 1) + 1):
        missing = max(0, lag - len(before))  # rows that have none so long before
        first = len(before) + missing - lag
        shares[missing:] += (1 - lag / (lags + 1)) * past[first : first + len(S) - missing]
    half = S.T @ shares
    return np.asarray(half + half.T)


def _grouped(rows: Source, scores: Scores, groups: Groups, size: int) -> Array:
    """Return the sum of the squares of the sums of groups (P, P), some groups at a time."""
    P = scores(rows.first().part(0, 0)).shape[1]
    at_once = max(1, MOST_SUMS // max(1, P))
    total = np.zeros((P, P))
    for first in range(0, groups.count, at_once):
        end = min(first + at_once, groups.count)

        def terms(block: Block, first: int = first, end: int = end) -> list[Array]:
            sums = np.zeros((end - first, P))
            codes = groups.codes[block.start : block.start + len(block)]
            chosen = np.flatnonzero((codes >= first) & (codes < end))
            chosen = chosen[np.argsort(codes[chosen], kind="stable")]
            for i in range(0, len(chosen), size):
                index = chosen[i : i + size]
                starts = np.flatnonzero(np.diff(codes[index], prepend=-1))
                sums[codes[index[starts]] - first] += np.add.reduceat(scores(block.take(index)), starts)
            return [sums]

        [sums] = rows.sum(terms)
        total += _square(sums)
    return total


def _lags(lags: Any, n: int) -> int:
    if lags is None:
        return min(int(4 * math.pow(n / 100, 2 / 9)), max(n - 1, 0))
    if isinstance(lags, bool) or not isinstance(lags, int | np.integer) or not 0 <= lags < n:
        raise OneLayerError(
            f"lags must be an integer from 0 to {n - 1:,}, one less than the rows, not {lags!r}"
        )
    return int(lags)


def _groups(groups: Any, is_used: NDArray[np.bool_]) -> tuple[Groups, ...]:
    """Return the groups of rows (n,), or of two ways (n, 2) these and what they have in common."""
    if groups is None:
        raise OneLayerError("cov='cluster' needs groups: the group of each row (n,), or two of each (n, 2)")
    columns, n = _columns(groups), len(is_used)
    if not 1 <= len(columns) <= 2 or any(column.shape != (n,) for column in columns):
        shape = (len(columns[0]), len(columns)) if columns else ()
        raise OneLayerError(
            f"groups must be one of each row ({n},), or two of each ({n}, 2), not of shape {shape}"
        )
    ways = [_numbered(column, is_used) for column in columns]
    for name, (_, count) in zip(("", "first ", "second ")[len(ways) > 1 :], ways, strict=False):
        if count < 2:
            raise OneLayerError(f"the {name}groups are all one: errors need two groups or more")
    if len(ways) == 2:
        common, codes = np.unique(ways[0][0] * ways[1][1] + ways[1][0], return_inverse=True)
        ways.append((codes, len(common)))
    found = []
    for sign, (codes, count) in zip((1, 1, -1), ways, strict=False):
        whole = np.full(n, -1, np.intp)
        whole[is_used] = codes
        found.append(Groups(whole, count, sign))
    return tuple(found)


def _columns(groups: Any) -> list[NDArray[Any]]:
    """Return the columns (n,) of groups in an array, a list or a table of any kind."""
    names = getattr(groups, "columns", None)
    if names is not None and hasattr(groups, "__getitem__"):
        return [np.asarray(groups[name]) for name in names]
    try:
        array = np.array(groups, object) if isinstance(groups, list | tuple) else np.asarray(groups)
    except ValueError:
        raise OneLayerError(
            "groups are of unequal lengths or shapes: give two of each row as np.column_stack([first, second])"
        ) from None
    if not array.ndim:
        raise OneLayerError(f"groups must be the group of each row, not {groups!r} alone")
    return [array] if array.ndim == 1 else list(array.reshape(len(array), -1).T)


def _numbered(column: NDArray[Any], is_used: NDArray[np.bool_]) -> tuple[NDArray[np.intp], int]:
    """Return the number of the group of each row that is used (m,), and how many groups there are."""
    is_missing = _missing(column) & is_used
    if is_missing.any():
        row = int(is_missing.argmax())
        raise OneLayerError(f"groups have {column[row]} in row {row + 1}: which group is that row in?")
    column = column[is_used]
    if column.dtype.kind != "O":
        values, codes = np.unique(column, return_inverse=True)
        return codes.ravel(), len(values)
    numbers: dict[Hashable, int] = {}
    try:
        codes = np.array([numbers.setdefault(value, len(numbers)) for value in column], np.intp)
    except TypeError:
        raise OneLayerError("groups must be numbers, strings or other plain values") from None
    return codes, len(numbers)


def _missing(column: NDArray[Any]) -> NDArray[np.bool_]:
    """Return which rows have no group (n,)."""
    if column.dtype.kind == "O":
        return np.array(
            [value is None or type(value).__name__ == "NAType" or value != value for value in column]
        )
    return (
        np.isnan(column)
        if column.dtype.kind == "f"
        else np.isnat(column)
        if column.dtype.kind in "Mm"
        else (np.zeros(len(column), bool))
    )
