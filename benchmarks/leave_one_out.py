"""How long does the leave-one-out choice among 100 ridge penalties take?

RidgeCV in each of its modes against LinearRegressionCV: the same penalties, and mean squared errors of the rows
left out.
"""

from functools import partial
from typing import Any

import numpy as np

from _measure import Case, Contender, main, once, same_numbers, size

ALPHAS = np.geomspace(1e6, 1e-2, 100)
SHAPES = size([(100_000, 20), (20_000, 200), (5_000, 1_000), (500, 2_000)], [(2_000, 20), (50, 200)])


def problem(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features (n, d) that depend on each other, and targets (n,) of which they explain about half."""
    generator = np.random.default_rng(0)
    X = generator.normal(size=(n, d)) @ generator.normal(size=(d, d)) / np.sqrt(d) + generator.normal(size=d)
    signal = X @ generator.normal(size=d)
    return X, signal + signal.std() * generator.normal(size=n)


def onelayer(X: Any, y: Any) -> Any:
    from onelayer.estimators import LinearRegressionCV

    return LinearRegressionCV(alphas=ALPHAS).fit(X, y).cv_results_["mean_error"]


def ridge_cv(mode: str, X: Any, y: Any) -> Any:
    from sklearn.linear_model import RidgeCV

    return RidgeCV(ALPHAS, gcv_mode=mode, store_cv_results=True).fit(X, y).cv_results_.mean(axis=0)


CONTENDERS = [
    Contender("onelayer", onelayer, ("onelayer.estimators",), "ours"),
    *(Contender(f"scikit-learn RidgeCV, {mode}", partial(ridge_cv, mode)) for mode in ("eigen", "svd")),
]
CASES = [
    Case(
        f"leave-one-out of 100 ridges, {n:,} × {d:,}",
        make=lambda folder, n=n, d=d: problem(n, d),  # type: ignore[misc]
        contenders=CONTENDERS,
        equal=same_numbers("errors of all penalties", 1e-6),
        warm_up=lambda: problem(100, 5),
        measure=once,
        headlines=("seconds",),
    )
    for n, d in SHAPES
]

if __name__ == "__main__":
    main(__doc__, CASES)
