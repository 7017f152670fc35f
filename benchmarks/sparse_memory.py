"""Sparse features: the memory and time that both estimators take beyond the features themselves.

    python benchmarks/sparse_memory.py

50,000 rows of 100,000 features in CSR, of which one in a thousand is stored, and 5 classes or a number that depend on
them. As dense float64 they would take 40 GB. Each estimator runs in a process of its own; its extra memory is the peak
of the resident memory during ``fit`` above what was resident before it.
"""

import subprocess
import sys
import time
from pathlib import Path

import numpy as np
from scipy import sparse

from onelayer.estimators import LinearRegression, SoftmaxRegression

N, D, DENSITY, CLASSES = 50_000, 100_000, 1e-3, 5
MB = 2**20


def features(generator: np.random.Generator) -> sparse.csr_array:
    """Return N × D with the same number of stored values in each row, without making an N × D of anything."""
    a_row = round(D * DENSITY)
    columns = np.sort(generator.integers(0, D, (N, a_row)), axis=1).astype(np.int32)
    values = generator.exponential(size=N * a_row)
    X = sparse.csr_array((values, columns.ravel(), np.arange(0, N * a_row + 1, a_row)), shape=(N, D))
    X.sum_duplicates()
    return X


def resident(kind: str) -> float:
    """Return "VmRSS", the resident memory, or "VmHWM", its peak, in MB (Linux)."""
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(kind)]
    return int(line.split()[1]) * 1024 / MB


def measure(name: str) -> None:
    """Fit one estimator and print what it took."""
    generator = np.random.default_rng(0)
    X = features(generator)
    logits = X @ generator.normal(size=(D, CLASSES)) / 10
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
    start = time.perf_counter()
    if name == "SoftmaxRegression":
        y = (logits + generator.gumbel(size=logits.shape)).argmax(axis=1)
        softmax = SoftmaxRegression(C=0.1, tol=1e-4).fit(X, y)
        quality = f"gap {softmax.gap_ / softmax.objective_:.1e} of the objective"
    else:
        y = logits[:, 0] + generator.normal(size=N)
        linear = LinearRegression(alpha=10.0).fit(X, y)
        gradient = X.T @ (linear.predict(X) - y) + 10 * linear.coef_
        quality = f"gradient {np.abs(gradient).max() / np.abs(X.T @ (y - y.mean())).max():.1e} of that at 0"
    seconds = time.perf_counter() - start
    size = (X.data.nbytes + X.indices.nbytes + X.indptr.nbytes) / MB
    extra = resident("VmHWM") - before
    print(f"{name:20}{size:12.0f}{extra:12.0f}{seconds:10.1f}   {quality}", flush=True)


def main() -> None:
    print(f"{'':20}{'input MB':>12}{'extra MB':>12}{'seconds':>10}")
    for name in ("LinearRegression", "SoftmaxRegression"):
        subprocess.run([sys.executable, __file__, name], check=True)


if __name__ == "__main__":
    measure(sys.argv[1]) if len(sys.argv) > 1 else main()
