"""Exact linear regression on tall data: scikit-learn's ``LinearRegression`` against onelayer's.

    python benchmarks/least_squares.py

float64. Each fit has a process of its own, as in a script that fits once; a second fit in the same process finds its
memory ready, and is shown too. The coefficients must agree to 1e-9, and ours may take 100 MB beside the data.
"""

import resource
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from statistics import median

import numpy as np
import sklearn.linear_model

import onelayer.estimators
from onelayer import Timer

SHAPES = ((1_000_000, 20), (500_000, 100), (200_000, 400))
KINDS = {
    "scikit-learn": sklearn.linear_model.LinearRegression,
    "onelayer": onelayer.estimators.LinearRegression,
}
ROUNDS = 3


def fit_twice(name: str, n: int, d: int) -> tuple[list[float], float, np.ndarray]:
    """Return the seconds of two fits, what the first took of memory in MB, and the coefficients."""
    generator = np.random.default_rng(0)
    kind = KINDS[name]
    kind().fit(generator.normal(size=(5_000, 10)), generator.normal(size=5_000))  # imports, starts threads
    X = generator.normal(size=(n, d))
    y = X @ generator.normal(size=d) + generator.normal(size=n)
    timer = Timer()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(2):
        timer.start()
        model = kind().fit(X, y)
        timer.stop()
        if len(timer.times) == 1:
            extra = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    return timer.times, extra, model.coef_


def main() -> None:
    print(f"seconds, medians of {ROUNDS} processes each")
    print(
        f"{'rows':>9}{'features':>10}{'':12}{'scikit-learn':>14}{'onelayer':>10}{'times':>7}{'extra MB':>10}"
    )
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        for n, d in SHAPES:
            runs = {name: [pool.submit(fit_twice, name, n, d) for _ in range(ROUNDS)] for name in KINDS}
            results = {name: [run.result() for run in futures] for name, futures in runs.items()}
            theirs, ours = results.values()
            assert np.allclose(ours[0][2], theirs[0][2], rtol=1e-9, atol=0)
            for i, which in enumerate(("first fit", "second fit")):
                a, b = (median(times[i] for times, _, _ in result) for result in (theirs, ours))
                extra = f"{median(mb for _, mb, _ in ours):10.0f}" if i == 0 else ""
                print(f"{n:9,}{d:10}  {which:10}{a:14.3f}{b:10.3f}{a / b:7.1f}{extra}")


if __name__ == "__main__":
    main()
