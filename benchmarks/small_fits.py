"""How long do thousands of small least-squares fits take, one by one and as the groups of a table?

Each fit is of 100 rows and 5 features with an intercept, as in rolling windows or a model for each shop. "All
at once" is NumPy on a stack of problems of one size: what a person writes who knows that all are alike and
well-conditioned.
"""

from dataclasses import replace
from typing import Any

import numpy as np

from _measure import Case, Contender, main, once, same_numbers, size
from least_squares import INTELEX, LSTSQ, OLS, OURS, SCIKIT_LEARN

FITS, ROWS, FEATURES = size(2_000, 100), 100, 5
NAMES = [f"x{j}" for j in range(FEATURES)]


def problems(fits: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features (fits, n, d) and targets (fits, n)."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(fits, ROWS, FEATURES)) + 3
    return X, X @ np.arange(1.0, FEATURES + 1) + generator.normal(size=(fits, ROWS))


def one_by_one(one: Contender) -> Contender:
    """Return the contender that fits problem by problem."""
    return replace(one, fit=lambda X, y: [one.fit(a, b) for a, b in zip(X, y, strict=True)])


def by_group(one: Contender) -> Contender:
    """Return the contender that fits group by group of a table, whose groups are slices once it is sorted."""

    def fit(rows: Any) -> list[Any]:
        rows = rows.sort("group", maintain_order=True)
        group = rows["group"].to_numpy()
        starts = np.flatnonzero(group[1:] != group[:-1]) + 1
        parts = (np.split(rows[names].to_numpy(), starts) for names in (NAMES, "y"))
        return [one.fit(X, y) for X, y in zip(*parts, strict=True)]

    return replace(one, name=f"{one.name}, a fit a group", fit=fit, needs=(*one.needs, "polars"))


def numpy_stack(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    Z = X - X.mean(axis=1, keepdims=True)
    cross = Z.transpose(0, 2, 1) @ (y - y.mean(axis=1, keepdims=True))[..., None]
    return np.linalg.solve(Z.transpose(0, 2, 1) @ Z, cross)[..., 0]


def table(X: np.ndarray, y: np.ndarray) -> Any:
    """Return the problems as one table with a column of their numbers."""
    import polars as pl

    columns = dict(zip(NAMES, X.reshape(-1, FEATURES).T, strict=True))
    return pl.DataFrame({"group": np.repeat(np.arange(len(X)), ROWS), **columns, "y": y.ravel()})


def polars_groups(rows: Any) -> np.ndarray:
    import polars as pl
    from polars_ols import compute_least_squares

    w = compute_least_squares(
        pl.col("y"), *map(pl.col, NAMES), add_intercept=True, mode="coefficients"
    ).alias("w")
    found = rows.group_by("group", maintain_order=True).agg(w.first())
    return found.unnest("w").select(NAMES).to_numpy()


CASES = [
    Case(
        f"{FITS:,} fits of {ROWS} × {FEATURES}",
        make=lambda folder: problems(FITS),
        contenders=[
            *map(one_by_one, (OURS, SCIKIT_LEARN, INTELEX, OLS, LSTSQ)),
            Contender("NumPy, all at once", numpy_stack, role="other"),
        ],
        equal=same_numbers("coefficients", 1e-9),
        warm_up=lambda: problems(5),
        measure=once,
        headlines=("seconds",),
    ),
    Case(
        f"{FITS:,} groups of {ROWS} × {FEATURES}",
        make=lambda folder: (table(*problems(FITS)),),
        contenders=[
            *map(by_group, (OURS, SCIKIT_LEARN)),
            Contender("polars-ols, group_by", polars_groups, ("polars_ols",)),
        ],
        equal=same_numbers("coefficients", 1e-9),
        warm_up=lambda: (table(*problems(5)),),
        measure=once,
        headlines=("seconds",),
    ),
]

if __name__ == "__main__":
    main(__doc__, CASES)
