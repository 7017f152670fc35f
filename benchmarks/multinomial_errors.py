"""Multinomial regression with standard errors: statsmodels' MNLogit against onelayer's SoftmaxRegression.

    python benchmarks/multinomial_errors.py

20 features and 10 classes without a penalty, so that there are 189 coefficients. Each model is fitted in a process of
its own, and its summary (errors, z, p, intervals) is made and printed as a string. onelayer takes 1,000,000 rows,
statsmodels as many as SMALL says: its time grows with the rows, and that of the most of them is taken times what is
missing to a million ("extrapolated"). Memory is the peak of the process from the moment when the data are there: data,
Python and its packages included. statsmodels' is measured for its rows, and not extrapolated.
"""

import json
import subprocess
import sys
import time
import warnings
from pathlib import Path

import numpy as np

ROWS, FEATURES, CLASSES = 1_000_000, 20, 10
SMALL = [20_000, 40_000, 80_000]
RUNS = 3
MB = 2**20


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


def resident(kind: str) -> float:
    """Return "VmRSS", the resident memory, or "VmHWM", its peak, in MB (Linux)."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(kind)]
    return int(line.split()[1]) * 1024 / MB


def measure(package: str, n: int) -> dict[str, float]:
    """Return what fitting and summing up took in this process: seconds and MB."""
    if package == "onelayer":
        from onelayer.estimators import SoftmaxRegression
    else:
        from statsmodels.api import MNLogit, add_constant
    X, y = problem(n)
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    start = time.perf_counter()
    if package == "onelayer":
        ours = SoftmaxRegression(C=np.inf).fit(X, y)
        fitted = time.perf_counter()
        summary = ours.summary()
        errors = summary.std_err.ravel()
    else:
        theirs = MNLogit(y, add_constant(X)).fit(method="newton", maxiter=100, disp=0)
        fitted = time.perf_counter()
        summary = theirs.summary()
        errors = np.asarray(theirs.bse).T.ravel()
    str(summary)
    end = time.perf_counter()
    return {
        "fit": fitted - start,
        "summary": end - fitted,
        "peak": resident("VmHWM"),
        "data": (X.nbytes + y.nbytes) / MB,
        "first": float(errors[0]),
        "last": float(errors[-1]),
    }


def median_of(package: str, n: int) -> dict[str, float]:
    """Return the medians of RUNS processes."""
    command = [sys.executable, __file__, package, str(n)]
    runs = [
        json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout) for _ in range(RUNS)
    ]
    return {name: float(np.median([run[name] for run in runs])) for name in runs[0]}


def main() -> None:
    print(f"{'':12}{'rows':>10}{'fit s':>9}{'summary s':>11}{'peak MB':>9}{'data MB':>9}")
    found = {}
    for package, n in [("onelayer", SMALL[0]), *(("statsmodels", n) for n in SMALL), ("onelayer", ROWS)]:
        found[package, n] = one = median_of(package, n)
        print(
            f"{package:12}{n:10,}{one['fit']:9.2f}{one['summary']:11.2f}{one['peak']:9.0f}{one['data']:9.0f}",
            flush=True,
        )
    ours, theirs, times = found["onelayer", ROWS], found["statsmodels", SMALL[-1]], ROWS / SMALL[-1]
    same = [
        found["onelayer", SMALL[0]][name] / found["statsmodels", SMALL[0]][name] for name in ("first", "last")
    ]
    print(f"standard errors of {SMALL[0]:,} rows, ours over theirs: {same[0]:.9f} and {same[1]:.9f}")
    for name, parts in (("fit and summary", ("fit", "summary")), ("summary", ("summary",))):
        mine, its = sum(ours[part] for part in parts), times * sum(theirs[part] for part in parts)
        print(f"{name}: {mine:.2f} s against {its:.0f} s (extrapolated): {its / mine:.0f} times faster")
    print(f"memory: {ours['peak']:.0f} MB at most, of which {ours['data']:.0f} MB are the data")


if __name__ == "__main__":
    if len(sys.argv) > 1:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            print(json.dumps(measure(sys.argv[1], int(sys.argv[2]))))
    else:
        main()
