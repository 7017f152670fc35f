"""How long does exact least squares take: tall, square, wide and sparse; the first fit in a process, and the second?

float64, with an intercept. Beside each tall shape are floors: the Gram matrix alone by the fastest BLAS at
hand, and one pass over the data. DuckDB's aggregates (regr_slope and its like) know one feature, and have a
case of their own.
"""

from typing import Any

import numpy as np
from scipy import sparse

from _measure import Case, Contender, estimator, main, same_numbers, size

RIDGE = 1.0


def tall(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features (n, d) and a target (n,) that depends on all."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(n, d))
    return X, X @ generator.normal(size=d) + generator.normal(size=n)


def three_lines(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    Z = X - X.mean(axis=0)
    return np.linalg.solve(Z.T @ Z, Z.T @ (y - y.mean()))


def three_lines_wide(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    Z = X - X.mean(axis=0)
    return Z.T @ np.linalg.solve(Z @ Z.T + RIDGE * np.eye(len(Z)), y - y.mean())


def numpy_lstsq(X: Any, y: Any) -> Any:
    return np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), y)[0][:-1]


def numpy_lstsq_centred(X: Any, y: Any) -> Any:
    return np.linalg.lstsq(X - X.mean(axis=0), y - y.mean())[0]


def torch_lstsq(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    import torch

    A, b = torch.from_numpy(X), torch.from_numpy(y)
    A = torch.cat([A, torch.ones(len(A), 1, dtype=A.dtype)], 1)
    return torch.linalg.lstsq(A, b[:, None], driver="gels").solution[:-1, 0].numpy()


def torch_normal(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    import torch

    A, b = torch.from_numpy(X), torch.from_numpy(y)
    Z = A - A.mean(0)
    return torch.linalg.solve(Z.T @ Z, Z.T @ (b - b.mean())).numpy()


def polars_ols(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    import polars as pl
    from polars_ols import compute_least_squares

    table = pl.from_numpy(X)
    names = table.columns
    found = table.with_columns(y=pl.Series(y)).select(
        compute_least_squares(
            pl.col("y"), *map(pl.col, names), add_intercept=True, mode="coefficients"
        ).alias("w")
    )
    return found.unnest("w").select(names).row(0)


def statsmodels(X: Any, y: Any) -> Any:
    from statsmodels.api import OLS, add_constant

    return OLS(y, add_constant(X)).fit().params[1:]


def lsmr(X: Any, y: np.ndarray) -> np.ndarray:
    from scipy.sparse.linalg import LinearOperator
    from scipy.sparse.linalg import lsmr as solve

    (n, d), mean = X.shape, X.mean(axis=0)
    Z = LinearOperator((n, d), matvec=lambda v: X @ v - mean @ v, rmatvec=lambda u: X.T @ u - mean * u.sum())
    return solve(Z, y - y.mean(), damp=RIDGE**0.5, atol=1e-12, btol=1e-12, maxiter=1000)[0]


def duckdb(X: np.ndarray, y: np.ndarray) -> list[float]:
    import duckdb as database
    import pyarrow as pa

    rows = pa.table({"x": X[:, 0], "y": y})  # noqa: F841 - DuckDB finds it by its name
    return [database.sql("select regr_slope(y, x) from rows").fetchall()[0][0]]


def gram_numpy(X: Any, y: Any) -> Any:
    return X.T @ X


def gram_torch(X: Any, y: Any) -> Any:
    import torch

    return torch.from_numpy(X).T @ torch.from_numpy(X)


def read_once(X: Any, y: Any) -> Any:
    import torch

    return torch.from_numpy(X).sum()


TORCH = ("torch",)
FLOORS = [
    Contender("X.T @ X, NumPy", gram_numpy, role="floor"),
    Contender("X.T @ X, torch", gram_torch, TORCH, role="floor"),
    Contender("one pass over X, torch", read_once, TORCH, role="floor"),
]
OURS = estimator("onelayer", "onelayer.estimators.LinearRegression", role="ours")
SCIKIT_LEARN = estimator("scikit-learn", "sklearn.linear_model.LinearRegression")
INTELEX = estimator("scikit-learn-intelex", "sklearnex.linear_model.LinearRegression")
THREE_LINES = Contender("NumPy, three lines", three_lines)
LSTSQ = Contender("numpy.linalg.lstsq", numpy_lstsq)
POLARS = Contender("polars-ols", polars_ols, ("polars_ols",))
OLS = Contender("statsmodels OLS", statsmodels, ("statsmodels.api",))
EXACT = [
    *(OURS, SCIKIT_LEARN, INTELEX, THREE_LINES, LSTSQ, POLARS, OLS),
    Contender("torch, normal equations", torch_normal, TORCH),
    Contender("torch.linalg.lstsq", torch_lstsq, TORCH),
]
ONE_FEATURE = [OURS, SCIKIT_LEARN, INTELEX, THREE_LINES, POLARS, Contender("DuckDB", duckdb)]
SQUARE = [OURS, SCIKIT_LEARN, INTELEX, OLS, Contender("numpy.linalg.lstsq, centred", numpy_lstsq_centred)]
RIDGES = [
    estimator("onelayer", "onelayer.estimators.LinearRegression", role="ours", alpha=RIDGE),
    estimator("scikit-learn Ridge", "sklearn.linear_model.Ridge", alpha=RIDGE),
    estimator("scikit-learn-intelex Ridge", "sklearnex.linear_model.Ridge", alpha=RIDGE),
]
WIDE = [*RIDGES, Contender("NumPy, three lines", three_lines_wide)]
TIGHT = {"alpha": RIDGE, "tol": 1e-12}
SPARSE = [
    RIDGES[0],
    estimator("scikit-learn Ridge, sparse_cg", "sklearn.linear_model.Ridge", solver="sparse_cg", **TIGHT),
    estimator("scikit-learn Ridge, lsqr", "sklearn.linear_model.Ridge", solver="lsqr", **TIGHT),
    Contender("scipy lsmr, centred", lsmr),
]


def sparse_rows(n: int, d: int, density: float) -> tuple[Any, np.ndarray]:
    generator = np.random.default_rng(0)
    X = sparse.random_array((n, d), density=density, rng=generator, format="csr")
    return X, X @ generator.normal(size=d) + generator.normal(size=n)


def case(label: str, n: int, d: int, contenders: list[Contender], within: float) -> Case:
    return Case(
        f"least squares, {label} {n:,} × {d:,}",
        make=lambda folder: tall(n, d),
        contenders=contenders,
        equal=same_numbers("coefficients", within),
        limit=8.0,
        warm_up=lambda: tall(5_000, 10) if contenders is not WIDE else tall(20, 100),
    )


def sparse_case(n: int, d: int, density: float) -> Case:
    return Case(
        f"ridge, sparse {n:,} × {d:,}, {density:.1%} stored",
        make=lambda folder: sparse_rows(n, d, density),
        contenders=SPARSE,
        equal=same_numbers("coefficients", 1e-6),
        warm_up=lambda: sparse_rows(1_000, 20, 0.1),
    )


TALL = size([(1_000_000, 20), (500_000, 100), (200_000, 400)], [(50_000, 20), (20_000, 100)])
CASES = [
    *(case("tall", n, d, [*EXACT, *FLOORS], 1e-9) for n, d in TALL),
    case("square", *size((3_000, 3_000), (300, 300)), SQUARE, 1e-6),
    case("wide with a ridge,", *size((500, 20_000), (100, 2_000)), WIDE, 1e-8),
    sparse_case(*size((200_000, 20_000, 0.001), (5_000, 500, 0.01))),
    case("one feature,", size(2_000_000, 50_000), 1, ONE_FEATURE, 1e-8),
]

if __name__ == "__main__":
    main(__doc__, CASES)
