"""Paths of softmax regression with a lasso, in groups or not: onelayer against scikit-learn's saga and glmnet.

    python benchmarks/elastic_net_softmax.py [dense | wide] [--runs 3] [--small]

glmnet (R; Debian: r-cran-glmnet) is left out if it is not installed, and saga where there are groups, which it has not.
Objectives, tolerances and medians are as in ``elastic_net.py``: Σ ℓᵢ + ‖W‖₁ / C, or its groups, for COUNT values of C,
each from the weights for the one before.
"""

import argparse
import subprocess
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from scipy.special import logsumexp
from sklearn.linear_model import LogisticRegression

from elastic_net import Array, Path_, report, tightened, timed
from onelayer.data.rows import Rows
from onelayer.losses import CrossEntropy
from onelayer.penalties import ElasticNet
from onelayer.solvers.penalty_path import minima, softmax_path

COUNT = 20
SHORTEST = 0.02
Q = 4
GLMNET = """
library(glmnet)
shape <- readBin("shape", "integer", 2)
X <- matrix(readBin("values", "double", prod(shape)), shape[1], shape[2])
y <- readBin("y", "double", shape[1]); lambda <- readBin("lambda", "double", 1000)
arguments <- commandArgs(TRUE)
took <- system.time(fit <- glmnet(X, y, "multinomial", lambda = lambda, standardize = FALSE, maxit = 1e9,
                                  thresh = as.numeric(arguments[1]), type.multinomial = arguments[2]))
writeBin(c(sapply(fit$beta, as.matrix)), "found"); writeBin(c(fit$a0), "intercepts"); cat(took["elapsed"])
"""


def problem(kind: str, small: bool) -> tuple[Array, Array]:
    """Return features and labels, which depend on 20 of them."""
    generator = np.random.default_rng(0)
    n, d = {"dense": (10_000, 200), "wide": (300, 5_000)}[kind]
    n, d = (n // 5, d // 5) if small else (n, d)
    X = generator.normal(size=(n, d))
    W = np.zeros((Q, d))
    W[:, generator.choice(d, 20, replace=False)] = generator.normal(size=(Q, 20))
    return X, (X @ W.T + generator.gumbel(size=(n, Q))).argmax(axis=1)


def objectives(
    X: Array, y: Array, strengths: Array, grouped: bool, models: list[tuple[Array, Array]]
) -> Array:
    """Return the objectives (m,) of weights (k, d) and intercepts (k,) for each strength."""
    found = []
    for strength, (W, b) in zip(strengths, models, strict=True):
        outputs = X @ W.T + b
        norm = (np.linalg.norm(W, axis=0) if grouped else np.abs(W)).sum()
        losses = logsumexp(outputs, axis=1) - outputs[np.arange(len(y)), y]
        found.append(losses.sum() + strength * norm)
    return np.array(found)


def paths(X: Array, y: Array, strengths: Array, grouped: bool, folder: Path) -> dict[str, Path_]:
    """Return what each package does, if it is installed."""
    rows, loss = Rows(X, y, "classes"), CrossEntropy(Q)
    penalties = [ElasticNet(strength, is_grouped=grouped) for strength in strengths.tolist()]

    def by_onelayer(tol: float) -> tuple[float, Any]:
        took, fits = timed(lambda: list(minima(rows, loss, penalties, tol=tol)))
        return took, [(fit.weight, fit.bias) for fit in fits]

    def by_saga(tol: float) -> tuple[float, Any]:
        model = LogisticRegression(
            solver="saga", l1_ratio=1.0, warm_start=True, tol=tol, max_iter=10_000, random_state=0
        )
        start, found = time.perf_counter(), []
        for strength in strengths.tolist():
            model.set_params(C=1 / strength).fit(X, y)
            found.append((model.coef_.copy(), model.intercept_.copy()))
        return time.perf_counter() - start, found

    ways: dict[str, Path_] = {"onelayer": by_onelayer}
    if not grouped:
        ways["saga"] = by_saga
    try:
        ways["glmnet"] = glmnet(X, y, strengths, grouped, folder)
    except (FileNotFoundError, subprocess.CalledProcessError):
        print("glmnet is not installed, and is left out")
    return ways


def glmnet(X: Array, y: Array, strengths: Array, grouped: bool, folder: Path) -> Path_:
    subprocess.run(["Rscript", "-e", "library(glmnet)"], check=True, capture_output=True)
    parts = {"shape": np.array(X.shape, np.int32), "values": X.ravel(order="F"), "y": y.astype(np.float64)}
    for name, values in (parts | {"lambda": strengths / len(y)}).items():
        values.tofile(folder / name)
    (folder / "path.R").write_text(GLMNET)
    kind, (m, d) = "grouped" if grouped else "ungrouped", (len(strengths), X.shape[1])

    def path(tol: float) -> tuple[float, Any]:
        program = ["Rscript", "path.R", str(tol), kind]
        took = subprocess.run(program, check=True, capture_output=True, text=True, cwd=folder).stdout
        weights = np.fromfile(folder / "found").reshape(Q, m, d)
        intercepts = np.fromfile(folder / "intercepts").reshape(m, Q)
        return float(took), [(weights[:, number], intercepts[number]) for number in range(m)]

    return path


def compare(kind: str, grouped: bool, runs: int, small: bool) -> None:
    X, y = problem(kind, small)
    penalty = ElasticNet(1.0, is_grouped=grouped)
    Cs, exact = softmax_path(Rows(X, y, "classes"), Q, penalty, COUNT, tol=1e-9, shortest=SHORTEST)
    least = np.array([fit.objective - fit.gap for fit in exact])
    n_used = int(exact[-1].weight.any(axis=0).sum())
    print(
        f"{kind}{', groups' * grouped}: {len(X):,} x {X.shape[1]:,}, {Q} classes, {n_used} features at the end"
    )
    with tempfile.TemporaryDirectory() as folder:
        ways, tols = paths(X, y, 1 / Cs, grouped, Path(folder)), {}
        for name, path in ways.items():
            start = {"onelayer": 1e-3, "glmnet": 1e-7}.get(name, 1e-3)
            tols[name] = tightened(
                name, path, lambda found: objectives(X, y, 1 / Cs, grouped, found), least, start
            )
        report(ways, tols, runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("kinds", nargs="*", default=["dense", "wide"])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--small", action="store_true", help="a fifth of the rows and columns, to try it out")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of peers at loose tolerances
    for kind in given.kinds:
        for grouped in (False, True):
            compare(kind, grouped, given.runs, given.small)


if __name__ == "__main__":
    main()
