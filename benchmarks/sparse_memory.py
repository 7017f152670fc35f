"""How much memory, beside the features themselves, and time do both estimators take on wide sparse features?

50,000 rows of 100,000 features in CSR, of which one in a thousand is stored: 77 MB, and 40 GB as dense float64.
A number, with a ridge, or 5 classes depend on them. Extra memory is the peak during the fit above what was
resident before. Coefficients of a ridge have to agree; scikit-learn's default tolerance of 1e-4 leaves three of their
digits, so a smaller one is tried too.
"""

from typing import Any

import numpy as np
from scipy import sparse

from _measure import Case, estimator, main, once, same_numbers, same_objective, size

N, D, DENSITY, CLASSES = *size((50_000, 100_000), (2_000, 3_000)), 1e-3, 5
RIDGE, SOFTMAX = {"alpha": 10.0}, {"C": 0.1, "tol": 1e-4}


def problem(are_classes: bool) -> tuple[Any, np.ndarray]:
    """Return N × D with the same number of stored values in each row, without making an N × D of anything."""
    generator = np.random.default_rng(0)
    a_row = round(D * DENSITY)
    columns = np.sort(generator.integers(0, D, (N, a_row)), axis=1).astype(np.int32)
    values, starts = generator.exponential(size=N * a_row), np.arange(0, N * a_row + 1, a_row, dtype=np.int32)
    X = sparse.csr_array((values, columns.ravel(), starts), shape=(N, D))
    X.sum_duplicates()
    logits = X @ generator.normal(size=(D, CLASSES)) / 10
    noise = generator.gumbel(size=logits.shape)
    return X, (logits + noise).argmax(axis=1) if are_classes else logits[:, 0] + noise[:, 0]


def cross_entropy(log_proba: Any, X: Any, y: np.ndarray) -> float:
    """Return the objective of softmax regression, given the method of a model for logarithms of probabilities."""
    losses = -log_proba(X)[np.arange(len(y)), y]
    return float(np.square(log_proba.__self__.coef_).sum() / 2 + SOFTMAX["C"] * losses.sum())


RIDGES = [
    estimator("onelayer LinearRegression", "onelayer.estimators.LinearRegression", role="ours", **RIDGE),
    *(
        estimator(
            f"scikit-learn Ridge, {solver}, tol={tol}",
            "sklearn.linear_model.Ridge",
            solver=solver,
            tol=tol,
            **RIDGE,
        )
        for solver in ("sparse_cg", "lsqr")
        for tol in (1e-4, 1e-8)
    ),
]
METHOD = "predict_log_proba"
SOFTMAXES = [
    estimator(
        "onelayer SoftmaxRegression", "onelayer.estimators.SoftmaxRegression", METHOD, "ours", **SOFTMAX
    ),
    *(
        estimator(
            f"scikit-learn {solver}",
            "sklearn.linear_model.LogisticRegression",
            METHOD,
            solver=solver,
            **SOFTMAX,
        )
        for solver in ("lbfgs", "newton-cg")
    ),
]
SAME = {"measure": once, "headlines": ("extra MB", "seconds")}
CASES = [
    Case(
        f"ridge on sparse {N:,} × {D:,}",
        lambda folder: problem(False),
        RIDGES,
        same_numbers("coefficients", 1e-6),
        **SAME,
    ),
    Case(
        f"softmax with {CLASSES} classes on sparse {N:,} × {D:,}",
        lambda folder: problem(True),
        SOFTMAXES,
        same_objective("objective", 1e-3),
        cross_entropy,
        **SAME,
    ),
]

if __name__ == "__main__":
    main(__doc__, CASES)
