"""Leave-one-out ridge regression for 100 penalties: scikit-learn's RidgeCV against onelayer's LinearRegressionCV.

    python benchmarks/leave_one_out.py

Each of RidgeCV's modes (gcv_mode) that takes the data is run, and the fastest counts. Both choose from the same
penalties; the errors they choose by are compared. Medians of RUNS runs in turn. On small data the choice is compared
with that of models that are fitted without each row, one by one.
"""

import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.linear_model import Ridge, RidgeCV

from onelayer.estimators import LinearRegressionCV

RUNS = 3
SHAPES = [(100_000, 20), (20_000, 200), (5_000, 1_000), (1_000, 5_000)]
ALPHAS = np.geomspace(1e6, 1e-2, 100)  # as cv_results_ has them


def problem(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features (n, d) that depend on each other, and targets (n,) of which they explain about half."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(n, d)) @ generator.normal(size=(d, d)) / np.sqrt(d) + generator.normal(size=d)
    signal = X @ generator.normal(size=d)
    return X, signal + signal.std() * generator.normal(size=n)


def seconds(fit: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    found = fit()
    return time.perf_counter() - start, found


def compare(n: int, d: int) -> None:
    X, y = problem(n, d)
    modes = ["eigen", "svd"]
    times: dict[str, list[float]] = {}
    for _ in range(RUNS):
        for mode in modes:
            model = RidgeCV(ALPHAS, gcv_mode=mode, store_cv_results=True)
            took, theirs = seconds(lambda model=model: model.fit(X, y))  # type: ignore[misc]
            times.setdefault(mode, []).append(took)
        took, ours = seconds(lambda: LinearRegressionCV(alphas=ALPHAS).fit(X, y))
        times.setdefault("onelayer", []).append(took)
    medians = {name: float(np.median(values)) for name, values in times.items()}
    mine = medians.pop("onelayer")
    n_times = min(medians.values()) / mine
    best = min(medians, key=lambda mode: medians[mode])
    off = np.abs(ours.cv_results_["mean_error"] / theirs.cv_results_.mean(axis=0) - 1).max()
    print(
        f"{n:7,} x {d:5,}: RidgeCV {medians[best]:7.2f} s ({best}), onelayer {mine:6.2f} s: {n_times:5.1f} "
        f"times faster; alpha {theirs.alpha_:.4g} and {ours.alpha_:.4g}, errors within {off:.0e}",
        flush=True,
    )


def by_brute_force(n: int = 60, d: int = 8) -> None:
    X, y = problem(n, d)
    errors = np.zeros(len(ALPHAS))
    for i in range(n):
        rest = np.arange(n) != i
        for a, alpha in enumerate(ALPHAS):
            errors[a] += (
                y[i] - Ridge(alpha, solver="cholesky").fit(X[rest], y[rest]).predict(X[[i]])[0]
            ) ** 2 / n
    ours = LinearRegressionCV(alphas=ALPHAS).fit(X, y)
    off = np.abs(ours.cv_results_["mean_error"] / errors - 1).max()
    chosen = ALPHAS[errors.argmin()]
    print(f"brute force, {n} x {d}: alpha {chosen:.4g} and {ours.alpha_:.4g}, errors within {off:.0e}")


def main() -> None:
    by_brute_force()
    for n, d in SHAPES:
        compare(n, d)


if __name__ == "__main__":
    main()
