"""How much memory, beside the features themselves, and time do both estimators take on wide sparse features?

50,000 rows of 100,000 features in CSR, of which one in a thousand is stored, 77 MB; as dense float64 they would take 40 GB.
A number with a ridge, or 5 classes, depend on them. Extra memory is the peak during the fit above what was resident before it.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse

from _measure import Case, Contender, main, once, same_objective, size

N, D, DENSITY, CLASSES = *size((50_000, 100_000), (2_000, 3_000)), 1e-3, 5
ALPHA, C = 10.0, 0.1


def problem(are_classes: bool) -> tuple[Any, np.ndarray]:
    """Return N × D with the same number of stored values in each row, without making an N × D of anything."""
    generator = np.random.default_rng(0)
    a_row = round(D * DENSITY)
    columns = np.sort(generator.integers(0, D, (N, a_row)), axis=1).astype(np.int32)
    values = generator.exponential(size=N * a_row)
    X = sparse.csr_array((values, columns.ravel(), np.arange(0, N * a_row + 1, a_row, dtype=np.int32)), shape=(N, D))
    X.sum_duplicates()
    logits = X @ generator.normal(size=(D, CLASSES)) / 10
    noise = generator.gumbel(size=logits.shape)
    return X, (logits + noise).argmax(axis=1) if are_classes else logits[:, 0] + noise[:, 0]


def onelayer(kind: str, **how: Any) -> Callable[..., Any]:
    import onelayer

    return lambda X, y: getattr(onelayer, kind)(**how).fit(X, y)


def scikit_learn(kind: str, **how: Any) -> Callable[..., Any]:
    from sklearn import linear_model

    return lambda X, y: getattr(linear_model, kind)(**how).fit(X, y)


def squares(model: Any, X: Any, y: np.ndarray) -> float:
    """Return the objective of a ridge."""
    return float(np.square(y - model.predict(X)).sum() + ALPHA * np.square(model.coef_).sum())


def cross_entropy(model: Any, X: Any, y: np.ndarray) -> float:
    """Return the objective of softmax regression."""
    losses = -model.predict_log_proba(X)[np.arange(len(y)), y]
    return float(np.square(model.coef_).sum() / 2 + C * losses.sum())


CASES = [
    Case(
        "ridge",
        load=lambda folder: problem(False),
        contenders=[
            Contender("onelayer LinearRegression", partial(onelayer, "LinearRegression", alpha=ALPHA), role="ours"),
            *(Contender(f"scikit-learn Ridge, {solver}", partial(scikit_learn, "Ridge", alpha=ALPHA, solver=solver, tol=1e-8)) for solver in ("sparse_cg", "lsqr")),
        ],
        equal=same_objective("objective", 1e-4),
        judge=squares,
        measure=once,
        headlines=("extra MB", "seconds"),
    ),
    Case(
        f"softmax with {CLASSES} classes",
        load=lambda folder: problem(True),
        contenders=[
            Contender("onelayer SoftmaxRegression", partial(onelayer, "SoftmaxRegression", C=C, tol=1e-4), role="ours"),
            *(Contender(f"scikit-learn {solver}", partial(scikit_learn, "LogisticRegression", C=C, solver=solver, tol=1e-4, max_iter=1000)) for solver in ("lbfgs", "newton-cg")),
        ],
        equal=same_objective("objective", 1e-3),
        judge=cross_entropy,
        measure=once,
        headlines=("extra MB", "seconds"),
    ),
]  # fmt: skip

if __name__ == "__main__":
    main(__doc__, CASES)
