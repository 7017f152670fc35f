"""How long is an elastic-net path of 100 penalties, to the same objective?

All minimise ‖y − Xw‖² / 2n + α (ρ ‖w‖₁ + (1 − ρ) ‖w‖² / 2), ρ = 0.9, for the same α. From 1e-4, glmnet's from its
own default of 1e-7, the tolerance of each is tightened by tens until no objective on the path is further than 1e-6,
relatively, above a lower bound: onelayer's certificate at a gap of 1e-10. At that tolerance it is timed.
"""

import math
import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from _measure import Case, Contender, Equal, main, once, size

TARGET, TIGHTEST = 1e-6, 1e-13
LOOSEST = {"glmnet": 1e-7}
RATIO = 0.9  # ρ
COUNT = size(100, 10)

Array = np.ndarray[Any, Any]
Path_ = Callable[..., Any]  # from X, y, the penalties and a tolerance to weights (d, m)

GLMNET = """
library(glmnet); library(Matrix)
shape <- readBin("shape", "integer", 3); n <- shape[1]; d <- shape[2]; stored <- shape[3]
X <- if (stored == 0) matrix(readBin("values", "double", n * d), n, d) else
  new("dgCMatrix", x = readBin("values", "double", stored), i = readBin("rows", "integer", stored),
      p = readBin("starts", "integer", d + 1), Dim = c(n, d))
y <- readBin("y", "double", n); lambda <- readBin("lambda", "double", 1000)
took <- system.time(fit <- glmnet(X, y, alpha = 0.9, lambda = lambda, standardize = FALSE, intercept = FALSE,
                                  thresh = as.numeric(commandArgs(TRUE)[1]), maxit = 1e9))
B <- as(fit$beta, "CsparseMatrix")
writeBin(c(B@p, B@i), "indices"); writeBin(B@x, "found"); cat(took["elapsed"])
"""


def onelayer(X: Any, y: Array, alphas: Array, tol: float) -> Any:
    from onelayer.data.rows import Rows
    from onelayer.solvers.net_path import Family, elastic_net_path

    rows = Rows(sparse.csr_array(X) if sparse.issparse(X) else X, y[:, None], "regression")
    return elastic_net_path(rows, Family(RATIO), alphas * len(y), fit_intercept=False, tol=tol)


def scikit_learn(X: Any, y: Any, alphas: Any, tol: Any) -> Any:
    from sklearn.linear_model import enet_path

    return enet_path(X, y, l1_ratio=RATIO, alphas=alphas, tol=tol, max_iter=100_000)[1]


def celer(X: Any, y: Any, alphas: Any, tol: Any) -> Any:
    from celer.homotopy import celer_path

    return celer_path(X, y, "lasso", l1_ratio=RATIO, alphas=alphas, tol=tol, max_iter=100)[1]


def skglm(X: Any, y: Array, alphas: Array, tol: float) -> Any:
    from skglm.datafits import Quadratic
    from skglm.penalties import L1_plus_L2
    from skglm.solvers import AndersonCD

    solver = AndersonCD(tol=tol, fit_intercept=False, max_iter=200, warm_start=True)
    return solver.path(X, y, Quadratic(), L1_plus_L2(1.0, RATIO), alphas.copy())[1]


def glum(X: Any, y: Array, alphas: Array, tol: float) -> Any:
    from glum import GeneralizedLinearRegressor

    model = GeneralizedLinearRegressor(
        alpha_search=True,
        alphas=list(alphas),
        l1_ratio=RATIO,
        fit_intercept=False,
        gradient_tol=tol,
        max_iter=1000,
    )
    return model.fit(X, y).coef_path_.T


def glmnet(X: Any, y: Array, lambdas: Array, tol: float) -> Any:
    """Return glmnet in R, by whose clock it is timed: R's start and the exchange of files are not its work."""
    parts = {"shape": np.array([*X.shape, 0], np.int32), "y": y, "lambda": lambdas}
    if sparse.issparse(X):
        parts["shape"][2] = X.nnz
        parts |= {"values": X.data, "rows": np.int32(X.indices), "starts": np.int32(X.indptr)}
    else:
        parts |= {"values": np.asarray(X).ravel(order="F")}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part, values in parts.items():
            values.tofile(folder / part)
        (folder / "path.R").write_text(GLMNET)
        command = ["Rscript", "path.R", str(tol)]
        said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder).stdout
        glmnet.seconds = float(said)  # type: ignore[attr-defined]
        found, indices = np.fromfile(folder / "found"), np.fromfile(folder / "indices", np.int32)
    m = len(lambdas)
    return sparse.csc_array((found, indices[m + 1 :], indices[: m + 1]), (X.shape[1], m))


def objectives(X: Any, y: Array, alphas: Array, coef: Any) -> Array:
    """Return the objectives (m,) of weights (d, m)."""
    coef = sparse.csc_array(coef)
    fitted = X @ coef
    residuals = y[:, None] - (fitted.toarray() if sparse.issparse(fitted) else fitted)
    l1, l2 = (np.asarray(part.sum(axis=0)).ravel() for part in (abs(coef), coef.power(2)))
    return np.square(residuals).sum(axis=0) / 2 / len(y) + alphas * (RATIO * l1 + (1 - RATIO) / 2 * l2)


def problem(kind: str, n: int, d: int) -> tuple[Any, Array, Array]:
    """Return features, a target (n,) of which they explain most, and the penalties."""
    generator = np.random.default_rng(0)
    if kind == "sparse":
        X = sparse.csc_matrix(sparse.random_array((n, d), density=min(1.0, 100 / d), rng=generator))
    else:
        X = generator.normal(size=(n, d))
        X[:, 1:] += 0.5 * X[:, :-1]  # neighbours depend on each other
        X = np.asfortranarray(X - X.mean(axis=0))
    used = generator.choice(d, d // 20 if kind == "dense" else min(100, d), replace=False)
    signal = X[:, used] @ generator.normal(size=len(used))
    y = signal + 0.5 * signal.std() * generator.normal(size=n)
    y -= y.mean()
    y /= np.sqrt(np.square(y).mean())  # the unit in which glmnet's λ counts
    first = np.abs(X.T @ y).max() / n / RATIO
    return X, y, first * np.geomspace(1, 1e-3 if kind == "dense" else 1e-2, COUNT)


def known(*given: Any) -> tuple[Any, ...]:
    """Return a problem with lower bounds (m,) of its objectives."""
    X, y, alphas = given
    exact = onelayer(X, y, alphas, 1e-10)
    return X, y, alphas, (exact.objective - exact.gap)[:, 0] / 2 / len(y)


def tightened(path: Path_, data: Any) -> tuple[dict[str, float], Any]:
    """Time the path at the first tolerance that is tight enough for all objectives."""
    *given, bound = data
    tol = LOOSEST.get(path.__name__, 1e-4)
    while True:
        found, answer = once(partial(path, tol=tol), given)
        found["seconds"] = getattr(path, "seconds", found["seconds"])
        coef = answer.weight[:, 0].T if hasattr(answer, "weight") else answer
        off = float((objectives(*given, coef) / bound - 1).max())
        if off <= TARGET or tol <= TIGHTEST:
            return found, off
        tol /= 10


def warm_up(kind: str) -> tuple[Any, ...]:
    """Return a small problem, of which any answer is near enough: each warms up at its first tolerance."""
    return *problem(kind, 200, 40), math.inf


def case(kind: str, n: int, d: int, *more: Contender) -> Case:
    return Case(
        f"elastic-net path, {kind} {n:,} × {d:,}",
        make=lambda folder: known(*problem(kind, n, d)),
        contenders=[*CONTENDERS, *more],
        equal=Equal(
            "objectives, the most that one is above the least, relatively", TARGET, lambda off, ours: off
        ),
        warm_up=partial(warm_up, kind),
        measure=tightened,
        headlines=("seconds",),
    )


CONTENDERS = [
    Contender("onelayer", onelayer, role="ours"),
    Contender("scikit-learn", scikit_learn),
    Contender("celer", celer, ("celer",)),
    Contender("skglm", skglm, ("skglm",)),
    Contender("glmnet", glmnet, ("Rscript",)),
]
CASES = [
    case("dense", *size((20_000, 500), (1_000, 50)), Contender("glum", glum, ("glum",))),
    case("wide", *size((500, 10_000), (100, 500))),
    case("sparse", *size((20_000, 50_000), (1_000, 1_000))),
]

if __name__ == "__main__":
    main(__doc__, CASES)
