"""Elastic net paths of 100 penalties: onelayer against scikit-learn, celer, skglm and glmnet, to the same objective.

    pip install celer skglm     # and R with glmnet (Debian: r-cran-glmnet); what is not installed is left out
    python benchmarks/elastic_net.py [dense | sparse | wide] [--runs 3] [--without celer] [--small]

All minimise ‖y − Xw‖² / 2n + α (ρ ‖w‖₁ + (1 − ρ) ‖w‖² / 2) for the same α, from the same arrays in memory, in one
process after another. One function evaluates the objectives of all. The tolerance of each is tightened by tens until no
objective on the path is further than TARGET, relatively, above a lower bound: that of onelayer's certificate at a gap
of 1e-10. At this tolerance it is timed: medians of some runs in turn, with one thread or as many as each takes. A
package whose path takes longer than MOST at a tolerance is left out, and that is said.
"""

import argparse
import signal
import subprocess
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.linear_model import enet_path

from onelayer.data.rows import Rows
from onelayer.solvers.net_path import Family, elastic_net_path

TARGET = 1e-6
RATIO = 0.9  # ρ
COUNT = 100
TIGHTEST = 1e-13
LONG = 30.0  # seconds, from which once is enough
MOST = 120  # seconds
GLMNET = """
library(glmnet); library(Matrix)
read <- function(name, what, n) readBin(name, what, n)
shape <- read("shape", "integer", 3)
n <- shape[1]; d <- shape[2]; stored <- shape[3]
X <- if (stored == 0) matrix(read("values", "double", n * d), n, d) else
  new("dgCMatrix", x = read("values", "double", stored), i = read("rows", "integer", stored),
      p = read("starts", "integer", d + 1), Dim = c(n, d))
y <- read("y", "double", n); lambda <- read("lambda", "double", 1000)
thresh <- as.numeric(commandArgs(TRUE)[1]); ratio <- as.numeric(commandArgs(TRUE)[2])
took <- system.time(fit <- glmnet(X, y, alpha = ratio, lambda = lambda, standardize = FALSE, intercept = FALSE,
                                  thresh = thresh, maxit = 1e9))
B <- as(fit$beta, "CsparseMatrix")
writeBin(c(B@p, B@i), "indices"); writeBin(B@x, "found"); cat(took["elapsed"])
"""

Array = np.ndarray[Any, Any]
Path_ = Callable[[float], tuple[float, Any]]  # from a tolerance to the seconds it took, and weights (d, m)


def problem(kind: str, small: bool) -> tuple[Any, Array, float]:
    """Return features, a target (n,) of which they explain most, and the last penalty as a share of the first."""
    generator = np.random.default_rng(0)
    n, d = {"dense": (20_000, 1_000), "sparse": (50_000, 100_000), "wide": (500, 20_000)}[kind]
    n, d = (n // 10, d // 10) if small else (n, d)
    if kind == "sparse":
        X = sparse.random_array((n, d), density=min(1.0, 100 / d), rng=generator, format="csc")
        X = sparse.csc_array(X)
    else:
        X = generator.normal(size=(n, d))
        X[:, 1:] += 0.5 * X[:, :-1]  # neighbours depend on each other
        X = np.asfortranarray(X - X.mean(axis=0))
    used = generator.choice(d, d // 20 if kind == "dense" else 100, replace=False)
    signal = X[:, used] @ generator.normal(size=len(used))
    y = signal + 0.5 * signal.std() * generator.normal(size=n)
    y -= y.mean()
    y /= np.sqrt(np.square(y).mean())  # the unit in which glmnet's λ counts
    return X, y, 1e-3 if kind == "dense" else 1e-2


def objectives(X: Any, y: Array, alphas: Array, coef: Any) -> Array:
    """Return the objectives (m,) of weights (d, m) for penalties (m,)."""
    coef = sparse.csc_array(coef)
    residuals = y[:, None] - (X @ coef if not sparse.issparse(X) else (X @ coef).toarray())
    l1, l2 = (np.asarray(part.sum(axis=0)).ravel() for part in (abs(coef), coef.power(2)))
    return np.square(residuals).sum(axis=0) / 2 / len(y) + alphas * (RATIO * l1 + (1 - RATIO) / 2 * l2)


def timed(fit: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    found = fit()
    return time.perf_counter() - start, found


def onelayer_path(X: Any, y: Array, alphas: Array, tol: float) -> Any:
    rows = Rows(sparse.csr_array(X) if sparse.issparse(X) else X, y[:, None], "regression")
    return elastic_net_path(rows, Family(RATIO), alphas * len(y), fit_intercept=False, tol=tol)


def paths(X: Any, y: Array, alphas: Array, folder: Path) -> dict[str, Path_]:
    """Return what each package does, if it is installed."""

    def by_onelayer(tol: float) -> tuple[float, Any]:
        took, path = timed(lambda: onelayer_path(X, y, alphas, tol))
        return took, path.weight[:, 0].T

    def by_scikit_learn(tol: float) -> tuple[float, Any]:
        took, found = timed(lambda: enet_path(X, y, l1_ratio=RATIO, alphas=alphas, tol=tol, max_iter=100_000))
        return took, found[1]

    found: dict[str, Path_] = {"onelayer": by_onelayer, "scikit-learn": by_scikit_learn}
    for name, make in (("celer", celer), ("skglm", skglm), ("glmnet", glmnet)):
        try:
            found[name] = make(X, y, alphas, folder)
        except (ImportError, FileNotFoundError, subprocess.CalledProcessError):
            print(f"{name} is not installed, and is left out")
    return found


def celer(X: Any, y: Array, alphas: Array, folder: Path) -> Path_:
    from celer.homotopy import celer_path

    X = sparse.csc_matrix(X) if sparse.issparse(X) else X

    def path(tol: float) -> tuple[float, Any]:
        took, found = timed(
            lambda: celer_path(X, y, "lasso", l1_ratio=RATIO, alphas=alphas, tol=tol, max_iter=100)
        )
        return took, found[1]

    path(0.1)  # compiles
    return path


def skglm(X: Any, y: Array, alphas: Array, folder: Path) -> Path_:
    from skglm.datafits import Quadratic
    from skglm.penalties import L1_plus_L2
    from skglm.solvers import AndersonCD

    X = sparse.csc_matrix(X) if sparse.issparse(X) else X

    def path(tol: float) -> tuple[float, Any]:
        solver = AndersonCD(tol=tol, fit_intercept=False, max_iter=200, warm_start=True)
        took, found = timed(lambda: solver.path(X, y, Quadratic(), L1_plus_L2(1.0, RATIO), alphas.copy()))
        return took, found[1]

    path(0.1)  # compiles
    return path


def glmnet(X: Any, y: Array, alphas: Array, folder: Path) -> Path_:
    subprocess.run(["Rscript", "-e", "library(glmnet)"], check=True, capture_output=True)
    stored = X.nnz if sparse.issparse(X) else 0
    parts = {"shape": np.array([*X.shape, stored], np.int32), "y": y, "lambda": alphas}
    if stored:
        parts |= {"values": X.data, "rows": X.indices.astype(np.int32), "starts": X.indptr.astype(np.int32)}
    else:
        parts |= {"values": np.asarray(X).ravel(order="F")}
    for name, values in parts.items():
        values.tofile(folder / name)
    (folder / "path.R").write_text(GLMNET)

    def path(tol: float) -> tuple[float, Any]:
        program = ["Rscript", "path.R", str(tol), str(RATIO)]
        took = subprocess.run(program, check=True, capture_output=True, text=True, cwd=folder).stdout
        indices, values = np.fromfile(folder / "indices", np.int32), np.fromfile(folder / "found")
        starts, rows = indices[: len(alphas) + 1], indices[len(alphas) + 1 :]
        return float(took), sparse.csc_array((values, rows, starts), (X.shape[1], len(alphas)))

    return path


def give_up(*_: Any) -> None:
    raise TimeoutError


def tightened(
    name: str, path: Path_, objectives_of: Callable[[Any], Array], least: Array, tol: float
) -> tuple[float, float] | None:
    """Return the first tolerance by tens that is tight enough for all objectives (m,), and the seconds it took.

    None if one takes too long.
    """
    signal.signal(signal.SIGALRM, give_up)
    while True:
        signal.alarm(MOST)
        try:
            took, found = path(tol)
        except TimeoutError:
            print(f"  {name}: longer than {MOST} s at tol = {tol:.0e}, and is left out", flush=True)
            return None
        finally:
            signal.alarm(0)
        off = float((objectives_of(found) / least - 1).max())
        if off <= TARGET or tol <= TIGHTEST:
            print(f"  {name}: within {off:.0e} at tol = {tol:.0e}, once in {took:.2f} s", flush=True)
            return tol, took
        tol /= 10


def report(ways: dict[str, Path_], found: dict[str, tuple[float, float]], runs: int) -> None:
    """Time all in turn at tolerances that were found, but for those that took longer than LONG, and print medians."""
    times = {name: [took] if took > LONG else [] for name, (_, took) in found.items()}
    for _ in range(runs):
        for name, path in ways.items():
            if found[name][1] <= LONG:
                times[name].append(path(found[name][0])[0])
    medians = {name: float(np.median(values)) for name, values in times.items()}
    others = [name for name in medians if name != "onelayer"]
    fastest = min(others, key=lambda name: medians[name])
    print("  " + ", ".join(f"{name} {value:.2f} s" for name, value in medians.items()))
    ratio = medians[fastest] / medians["onelayer"]
    print(f"  {ratio:.1f} times as fast as {fastest}, the fastest of the others", flush=True)


def compare(kind: str, runs: int, without: list[str], small: bool) -> None:
    X, y, shortest = problem(kind, small)
    first = np.abs(X.T @ y).max() / len(y) / RATIO
    alphas = first * np.geomspace(1, shortest, COUNT)
    exact = onelayer_path(X, y, alphas, 1e-10)
    least = (exact.objective - exact.gap)[:, 0] / 2 / len(y)
    print(f"{kind}: {X.shape[0]:,} x {X.shape[1]:,}, {(exact.weight[-1] != 0).sum():,} weights at the end")
    with tempfile.TemporaryDirectory() as folder:
        ways, tols = paths(X, y, alphas, Path(folder)), {}
        ways = {name: path for name, path in ways.items() if name not in without}
        for name, path in ways.items():
            start = {"glmnet": 1e-7}.get(name, 1e-3)
            reached = tightened(name, path, lambda coef: objectives(X, y, alphas, coef), least, start)
            tols |= {} if reached is None else {name: reached}
        report({name: ways[name] for name in tols}, tols, runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("kinds", nargs="*", default=["dense", "sparse", "wide"])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--without", nargs="*", default=[], help="packages to leave out")
    parser.add_argument("--small", action="store_true", help="a tenth of the rows and columns, to try it out")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # of peers at loose tolerances
    for kind in given.kinds:
        compare(kind, given.runs, given.without, given.small)


if __name__ == "__main__":
    main()
