"""How long do standard errors of multinomial regression take, and how much memory?

20 features, 10 classes, no penalty: fit, then the summary (errors, z, p, intervals), made and printed as a
string. statsmodels' MNLogit takes fewer rows than onelayer alone: its time and memory grow with rows × classes.
"""

import numpy as np

from _measure import Case, Contender, main, once, same_numbers, size

FEATURES, CLASSES = 20, 10


def problem(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return features (n, d) and labels (n,), made block by block, so that nothing as large as the features is left."""
    generator = np.random.default_rng(0)
    W = generator.normal(size=(FEATURES, CLASSES)) / 3
    X, y = np.empty((n, FEATURES)), np.empty(n, np.int64)
    for start in range(0, n, 10_000):
        block = generator.normal(size=(min(10_000, n - start), FEATURES))
        X[start : start + 10_000] = block
        y[start : start + 10_000] = (block @ W + generator.gumbel(size=(len(block), CLASSES))).argmax(axis=1)
    return X, y


def onelayer(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    from onelayer import SoftmaxRegression

    summary = SoftmaxRegression(C=np.inf, tol=1e-9).fit(X, y).summary()
    str(summary)
    return summary.std_err.ravel()


def statsmodels(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    from statsmodels.api import MNLogit, add_constant

    found = MNLogit(y, add_constant(X)).fit(method="newton", maxiter=100, disp=0)
    str(found.summary())
    return np.asarray(found.bse).T.ravel()


OURS = Contender("onelayer", onelayer, ("onelayer.estimators",), "ours")
MNLOGIT = Contender("statsmodels MNLogit", statsmodels, ("statsmodels.api",))


def case(n: int, contenders: list[Contender]) -> Case:
    return Case(
        f"multinomial fit and standard errors, {n:,} rows",
        make=lambda folder: problem(n),
        contenders=contenders,
        equal=same_numbers("standard errors", 1e-6),
        warm_up=lambda: problem(1_000),
        measure=once,
        headlines=("seconds", "extra MB"),
        limit=100.0,
    )


CASES = [case(size(40_000, 3_000), [OURS, MNLOGIT]), case(size(1_000_000, 10_000), [OURS])]

if __name__ == "__main__":
    main(__doc__, CASES)
