"""How long do thousands of small least-squares fits take, one by one and as the groups of a table?

Each fit is of 100 rows and 5 features with an intercept, as in rolling windows or a model for each shop. "All at once"
is NumPy on a stack of problems of one size: what a person writes who knows that all are alike and well-conditioned.
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from _measure import Case, Contender, main, same_numbers, size

FITS, ROWS, FEATURES = size(2_000, 100), 100, 5
NAMES = [f"x{j}" for j in range(FEATURES)]

Fit = Callable[..., Any]


def problems(fits: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features (fits, n, d) and targets (fits, n)."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(fits, ROWS, FEATURES)) + 3
    return X, X @ np.arange(1.0, FEATURES + 1) + generator.normal(size=(fits, ROWS))


def one_by_one(fit: Fit) -> Fit:
    return lambda X, y: [fit(a, b) for a, b in zip(X, y, strict=True)]


def onelayer() -> Fit:
    from onelayer import LinearRegression

    return one_by_one(lambda X, y: LinearRegression().fit(X, y).coef_)


def scikit_learn() -> Fit:
    from sklearn.linear_model import LinearRegression

    return one_by_one(lambda X, y: LinearRegression().fit(X, y).coef_)


def intelex() -> Fit:
    from sklearnex.linear_model import LinearRegression

    return one_by_one(lambda X, y: LinearRegression().fit(X, y).coef_)


def statsmodels() -> Fit:
    from statsmodels.api import OLS, add_constant

    return one_by_one(lambda X, y: OLS(y, add_constant(X)).fit().params[1:])


def numpy_lstsq() -> Fit:
    return one_by_one(lambda X, y: np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), y)[0][:-1])


def numpy_stack() -> Fit:
    def fit(X: np.ndarray, y: np.ndarray) -> np.ndarray:
        Z = X - X.mean(axis=1, keepdims=True)
        cross = Z.transpose(0, 2, 1) @ (y - y.mean(axis=1, keepdims=True))[..., None]
        return np.linalg.solve(Z.transpose(0, 2, 1) @ Z, cross)[..., 0]

    return fit


def table(X: np.ndarray, y: np.ndarray) -> Any:
    """Return the problems as one table with a column of their numbers."""
    import polars as pl

    columns = dict(zip(NAMES, X.reshape(-1, FEATURES).T, strict=True))
    return pl.DataFrame({"group": np.repeat(np.arange(len(X)), ROWS), **columns, "y": y.ravel()})


def by_group(fit: Fit) -> Fit:
    return lambda rows: [
        fit(part.select(NAMES).to_numpy(), part["y"].to_numpy())
        for part in rows.partition_by("group", maintain_order=True)
    ]


def onelayer_groups() -> Fit:
    from onelayer import LinearRegression

    return by_group(lambda X, y: LinearRegression().fit(X, y).coef_)


def scikit_learn_groups() -> Fit:
    from sklearn.linear_model import LinearRegression

    return by_group(lambda X, y: LinearRegression().fit(X, y).coef_)


def polars_groups() -> Fit:
    import polars as pl
    from polars_ols import compute_least_squares

    def fit(rows: Any) -> np.ndarray:
        w = compute_least_squares(
            pl.col("y"), *map(pl.col, NAMES), add_intercept=True, mode="coefficients"
        ).alias("w")
        found = rows.group_by("group", maintain_order=True).agg(w.first())
        return found.unnest("w").select(NAMES).to_numpy()

    return fit


CASES = [
    Case(
        f"{FITS:,} fits of {ROWS} × {FEATURES}",
        load=lambda folder: problems(FITS),
        contenders=[
            Contender("onelayer", onelayer, role="ours"),
            Contender("scikit-learn", scikit_learn),
            Contender("scikit-learn-intelex", intelex, ("sklearnex",)),
            Contender("statsmodels OLS", statsmodels, ("statsmodels",)),
            Contender("numpy.linalg.lstsq", numpy_lstsq),
            Contender("NumPy, all at once", numpy_stack, role="other"),
        ],
        equal=same_numbers("coefficients", 1e-9),
        warm_up=lambda: problems(5),
        headlines=("second fit",),
    ),
    Case(
        f"{FITS:,} groups of {ROWS} × {FEATURES}",
        load=lambda folder: (table(*problems(FITS)),),
        contenders=[
            Contender("onelayer, a fit a group", onelayer_groups, ("polars",), role="ours"),
            Contender("scikit-learn, a fit a group", scikit_learn_groups, ("polars",)),
            Contender("polars-ols, group_by", polars_groups, ("polars_ols",)),
        ],
        equal=same_numbers("coefficients", 1e-9),
        warm_up=lambda: (table(*problems(5)),),
        headlines=("second fit",),
    ),
]

if __name__ == "__main__":
    main(__doc__, CASES)
