"""How long is an elastic-net path of 100 penalties, to the same objective, and a path of the multinomial lasso?

All minimise ‖y − Xw − b‖² / 2n + α (ρ ‖w‖₁ + (1 − ρ) ‖w‖² / 2), ρ = 0.9, for the same α and centred data without b; or
Σ ℓ(W xᵢ + b, yᵢ) + λ ‖W‖₁ for 20 values of λ. The tolerance of each is tightened by tens until no objective on the path is
further than 1e-6, relatively, above a lower bound: onelayer's certificate at a gap of 1e-10. At that tolerance it is timed.
"""

import subprocess
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import logsumexp

from _measure import Case, Contender, Equal, main, once, size

TARGET, TIGHTEST = 1e-6, 1e-13
RATIO = 0.9  # ρ
COUNT, LASSO_COUNT, CLASSES = size(100, 10), size(20, 5), 4

Array = np.ndarray[Any, Any]
Path_ = Callable[..., Any]  # from X, y, the penalties and a tolerance to coefficients

READ = """
library(glmnet); library(Matrix)
shape <- readBin("shape", "integer", 3); n <- shape[1]; d <- shape[2]; stored <- shape[3]
X <- if (stored == 0) matrix(readBin("values", "double", n * d), n, d) else
  new("dgCMatrix", x = readBin("values", "double", stored), i = readBin("rows", "integer", stored),
      p = readBin("starts", "integer", d + 1), Dim = c(n, d))
y <- readBin("y", "double", n); lambda <- readBin("lambda", "double", 1000)
thresh <- as.numeric(commandArgs(TRUE)[1])
"""
GLMNET = {
    "net": """
took <- system.time(fit <- glmnet(X, y, alpha = 0.9, lambda = lambda, standardize = FALSE, intercept = FALSE,
                                  thresh = thresh, maxit = 1e9))
B <- as(fit$beta, "CsparseMatrix")
writeBin(c(B@p, B@i), "indices"); writeBin(B@x, "found"); cat(took["elapsed"])
""",
    "lasso": """
took <- system.time(fit <- glmnet(X, y, "multinomial", lambda = lambda, standardize = FALSE, maxit = 1e9,
                                  thresh = thresh))
writeBin(c(sapply(fit$beta, as.matrix)), "found"); writeBin(c(fit$a0), "intercepts"); cat(took["elapsed"])
""",
}


# Paths of the elastic net: weights (d, m)


def onelayer() -> Path_:
    from onelayer.data.rows import Rows
    from onelayer.solvers.net_path import Family, elastic_net_path

    def path(X: Any, y: Array, alphas: Array, tol: float) -> Any:
        rows = Rows(sparse.csr_array(X) if sparse.issparse(X) else X, y[:, None], "regression")
        return elastic_net_path(rows, Family(RATIO), alphas * len(y), fit_intercept=False, tol=tol)

    return path


def scikit_learn() -> Path_:
    from sklearn.linear_model import enet_path

    return lambda X, y, alphas, tol: enet_path(X, y, l1_ratio=RATIO, alphas=alphas, tol=tol, max_iter=100_000)[1]


def celer() -> Path_:
    from celer.homotopy import celer_path

    return lambda X, y, alphas, tol: (
        celer_path(X, y, "lasso", l1_ratio=RATIO, alphas=alphas, tol=tol, max_iter=100)[1]
    )  # fmt: skip


def skglm() -> Path_:
    from skglm.datafits import Quadratic
    from skglm.penalties import L1_plus_L2
    from skglm.solvers import AndersonCD

    def path(X: Any, y: Array, alphas: Array, tol: float) -> Any:
        solver = AndersonCD(tol=tol, fit_intercept=False, max_iter=200, warm_start=True)
        return solver.path(X, y, Quadratic(), L1_plus_L2(1.0, RATIO), alphas.copy())[1]

    return path


def glum() -> Path_:
    from glum import GeneralizedLinearRegressor

    def path(X: Any, y: Array, alphas: Array, tol: float) -> Any:
        model = GeneralizedLinearRegressor(
            alpha_search=True, alphas=list(alphas), l1_ratio=RATIO, fit_intercept=False, gradient_tol=tol, max_iter=1000
        )
        return model.fit(X, y).coef_path_.T

    return path


def glmnet(kind: str) -> Path_:
    """Return glmnet in R, by whose clock it is timed: R's start and the exchange of files are not its work."""

    def path(X: Any, y: Array, lambdas: Array, tol: float) -> Any:
        stored = X.nnz if sparse.issparse(X) else 0
        parts = {"shape": np.array([*X.shape, stored], np.int32), "y": y.astype(float), "lambda": lambdas}
        if stored:
            parts |= {"values": X.data, "rows": X.indices.astype(np.int32), "starts": X.indptr.astype(np.int32)}
        else:
            parts |= {"values": np.asarray(X).ravel(order="F")}
        (d, m) = X.shape[1], len(lambdas)
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for part, values in parts.items():
                values.tofile(folder / part)
            (folder / "path.R").write_text(READ + GLMNET[kind])
            command = ["Rscript", "path.R", str(tol)]
            said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=folder).stdout
            path.seconds = float(said)  # type: ignore[attr-defined]
            found = np.fromfile(folder / "found")
            if kind == "net":
                indices = np.fromfile(folder / "indices", np.int32)
                return sparse.csc_array((found, indices[m + 1 :], indices[: m + 1]), (d, m))
            weights, biases = found.reshape(CLASSES, m, d), np.fromfile(folder / "intercepts").reshape(m, CLASSES)
            return [(weights[:, i], biases[i]) for i in range(m)]

    return path


def net_objectives(X: Any, y: Array, alphas: Array, coef: Any) -> Array:
    """Return the objectives (m,) of weights (d, m)."""
    coef = sparse.csc_array(coef)
    fitted = X @ coef
    residuals = y[:, None] - (fitted.toarray() if sparse.issparse(fitted) else fitted)
    l1, l2 = (np.asarray(part.sum(axis=0)).ravel() for part in (abs(coef), coef.power(2)))
    return np.square(residuals).sum(axis=0) / 2 / len(y) + alphas * (RATIO * l1 + (1 - RATIO) / 2 * l2)


# Paths of the multinomial lasso: a list of weights (q, d) and biases (q,)


def onelayer_lasso() -> Path_:
    from onelayer.data.rows import Rows
    from onelayer.losses import CrossEntropy
    from onelayer.penalties import ElasticNet
    from onelayer.solvers.penalty_path import PenaltyPath

    def path(X: Array, y: Array, strengths: Array, tol: float) -> Any:
        solver = PenaltyPath(Rows(X, y, "classes"), CrossEntropy(CLASSES))
        fits = [solver.minimum(ElasticNet(strength), tol) for strength in strengths.tolist()]
        return [(fit.weight, fit.bias) for fit in fits]

    return path


def saga() -> Path_:
    from sklearn.linear_model import LogisticRegression

    def path(X: Array, y: Array, strengths: Array, tol: float) -> Any:
        model = LogisticRegression(solver="saga", l1_ratio=1.0, warm_start=True, tol=tol, max_iter=10_000, random_state=0)
        fits = (model.set_params(C=1 / strength).fit(X, y) for strength in strengths.tolist())
        return [(fit.coef_.copy(), fit.intercept_.copy()) for fit in fits]

    return path


def lasso_objectives(X: Array, y: Array, strengths: Array, models: Any) -> Array:
    """Return the objectives (m,)."""
    found = []
    for strength, (W, b) in zip(strengths, models, strict=True):
        outputs = X @ W.T + b
        losses = logsumexp(outputs, axis=1) - outputs[np.arange(len(y)), y]
        found.append(losses.sum() + strength * np.abs(W).sum())
    return np.array(found)


# Data


def net_problem(kind: str, n: int, d: int) -> tuple[Any, Array, Array]:
    """Return features, a target (n,) of which they explain most, and the penalties."""
    generator = np.random.default_rng(0)
    if kind == "sparse":
        X = sparse.csc_array(sparse.random_array((n, d), density=min(1.0, 100 / d), rng=generator, format="csc"))
        X = sparse.csc_matrix(X)
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


def lasso_problem(n: int, d: int) -> tuple[Array, Array, Array]:
    generator = np.random.default_rng(0)
    X, W = generator.normal(size=(n, d)), np.zeros((CLASSES, d))
    W[:, generator.choice(d, 20, replace=False)] = generator.normal(size=(CLASSES, 20))
    y = (X @ W.T + generator.gumbel(size=(n, CLASSES))).argmax(axis=1)
    slopes = X.T @ (np.eye(CLASSES)[y] - np.bincount(y, minlength=CLASSES) / n)
    return X, y, np.abs(slopes).max() * np.geomspace(1, 0.02, LASSO_COUNT)


def net_least(X: Any, y: Array, alphas: Array) -> Array:
    exact = onelayer()(X, y, alphas, 1e-10)
    return (exact.objective - exact.gap)[:, 0] / 2 / len(y)  # type: ignore[no-any-return]


def lasso_least(X: Array, y: Array, strengths: Array) -> Array:
    return lasso_objectives(X, y, strengths, onelayer_lasso()(X, y, strengths, 1e-10))


def case(
    label: str,
    problem: Callable[[], tuple[Any, Array, Array]],
    least: Callable[..., Array],
    objectives: Callable[..., Array],
    contenders: list[Contender],
    small: Callable[[], tuple[Any, Array, Array]],
) -> Case:
    def tightened(path: Path_, data: Any) -> tuple[dict[str, float], Any]:
        """Time the path at the first tolerance that is tight enough for all objectives."""
        *given, bound = data
        tol = 1e-3
        while True:
            found, answer = once(partial(path, tol=tol), given)
            coef = answer.weight[:, 0].T if hasattr(answer, "weight") else answer
            found["seconds"] = getattr(path, "seconds", found["seconds"])
            off = float((objectives(*given, coef) / bound - 1).max())
            if off <= TARGET or tol <= TIGHTEST:
                return found, off
            tol /= 10

    return Case(
        label,
        load=lambda folder: (*problem(), np.load(folder / "least.npy")),
        contenders=contenders,
        equal=Equal("objectives, the most that one on the path is above the least, relatively", TARGET, lambda answers, ours: answers),
        prepare=lambda folder: np.save(folder / "least", least(*problem())),
        warm_up=lambda: (*small(), least(*small())),
        measure=tightened,
        headlines=("seconds",),
        limit=100.0,
    )  # fmt: skip


NET = [
    Contender("onelayer", onelayer, role="ours"),
    Contender("scikit-learn", scikit_learn),
    Contender("celer", celer, ("celer",)),
    Contender("skglm", skglm, ("skglm",)),
    Contender("glum", glum, ("glum",)),
    Contender("glmnet", partial(glmnet, "net"), ("Rscript",)),
]
LASSO = [
    Contender("onelayer", onelayer_lasso, role="ours"),
    Contender("scikit-learn saga", saga),
    Contender("glmnet", partial(glmnet, "lasso"), ("Rscript",)),
]
SHAPES = {
    "dense": size((20_000, 1_000), (1_000, 50)),
    "wide": size((500, 20_000), (100, 500)),
    "sparse": size((50_000, 100_000), (1_000, 1_000)),
}
CASES = [
    *(
        case(f"{kind} {n:,} × {d:,}", partial(net_problem, kind, n, d), net_least, net_objectives, NET, partial(net_problem, kind, 200, 40))
        for kind, (n, d) in SHAPES.items()
    ),
    case("multinomial lasso {:,} × {:,}".format(*size((10_000, 200), (500, 30))), partial(lasso_problem, *size((10_000, 200), (500, 30))), lasso_least, lasso_objectives, LASSO, partial(lasso_problem, 200, 20)),
]  # fmt: skip

if __name__ == "__main__":
    main(__doc__, CASES)
