"""Which share of the machine's rate of operations, and of its bandwidth, does each kernel reach?

The rates are measured in the same run: a large matrix product in the kernel's type, and reading a large array
(a triad, which writes too, is beside it). Operations are those that a kernel cannot do without, and bytes those
of its input, read once; a kernel may do more of both.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from _measure import QUICK, ROUNDS, result_of, show, size
from _pictures import COLOURS, panels, save
from _tables import figure, table

Work = Callable[[], Any]


@dataclass(frozen=True)
class Kernel:
    """A kernel: what it does, with how many operations on how many bytes, and in which type."""

    name: str
    work: Work
    operations: float
    bytes: float
    dtype: str = "float64"


def seconds(work: Work) -> float:
    """Return the median time of some rounds, after one that is not measured."""
    times = []
    for _ in range(ROUNDS + 1):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return median(times[1:])


def rates() -> dict[str, float]:
    """Return the operations and the bytes a second that this machine reaches."""
    import torch

    m, n = size(2_000, 500), size(40_000_000, 2_000_000)
    generator = np.random.default_rng(0)
    found = {}
    for name in ("float64", "float32"):
        A = generator.normal(size=(m, m)).astype(name)
        B = torch.from_numpy(A)
        found[name] = 2 * m**3 / min(seconds(lambda A=A: A @ A), seconds(lambda B=B: B @ B))  # type: ignore[misc]
    a, b, c = (torch.ones(n, dtype=torch.float64) for _ in range(3))
    found["read"] = 8 * n / seconds(a.sum)
    found["triad"] = 24 * n / seconds(lambda: torch.add(a, b, alpha=3.0, out=c))
    return found


def gram() -> Kernel:
    from onelayer.data.rows import Rows
    from onelayer.solvers.moments import sums_of

    n, d = size((500_000, 100), (20_000, 50))
    rows = Rows(np.random.default_rng(0).normal(size=(n, d)), np.zeros((n, 1)), "regression")
    return Kernel("Gram product", lambda: sums_of(rows, True), n * d * (d + 1), 8 * n * d)


def losses(hessian: bool) -> Kernel:
    from onelayer.data.rows import Rows
    from onelayer.losses import CrossEntropy
    from onelayer.penalties import Ridge
    from onelayer.solvers.objective import Objective
    from onelayer.solvers.scaling import RowsScaling

    n, d, q = (
        size((200_000, 50, 5), (10_000, 20, 3)) if hessian else size((200_000, 100, 10), (10_000, 50, 5))
    )
    generator = np.random.default_rng(0)
    rows = Rows(generator.normal(size=(n, d)), generator.integers(q, size=n), "classes")
    objective = Objective(rows, CrossEntropy(q), Ridge(1.0), RowsScaling.of(rows), True)
    V = generator.normal(size=objective.shape) / 10
    if not hessian:
        name = "softmax loss and gradient"
        return Kernel(name, lambda: objective.at(V), 4 * n * d * q, 8 * n * d)
    pairs = q * (q - 1) / 2 * d * (d + 1)  # of distinct entries of blocks of contrasts, two operations each
    return Kernel("softmax Hessian", lambda: objective.at(V, hessian=True), n * pairs, 8 * n * d)


def sgd() -> Kernel:
    from sgd_epoch import IMAGES, data, onelayer

    given, epoch = data(), partial(onelayer, "fused")
    return Kernel("SGD epoch", lambda: epoch(*given), 4 * IMAGES * 785 * 10, IMAGES * 784, "float32")


def one_hot() -> Kernel:
    from onelayer.data.distinct import Combinations
    from onelayer.data.rows import Rows

    n, levels = size(2_000_000, 100_000), 8
    generator = np.random.default_rng(0)
    X = np.zeros((n, levels - 1))
    numbers = generator.integers(levels, size=n)
    X[np.flatnonzero(numbers), numbers[numbers > 0] - 1] = 1
    rows = Rows(X, generator.integers(2, size=n), "classes")
    counts = Combinations((levels, 2), 2 * np.arange(1.0, levels))
    return Kernel(
        "one-hot counts", lambda: rows.sum(lambda block: [counts.weights(block)]), n * levels, X.nbytes
    )


def coordinates() -> Kernel:
    from onelayer.solvers.kernels import descend_gram

    m, sweeps = size(1_500, 200), size(20, 2)
    Z = np.random.default_rng(0).normal(size=(2 * m, m))
    G, ones = Z.T @ Z, np.ones(m)

    def work() -> None:
        weight, slope = np.zeros(m), Z.T @ Z[:, :5].sum(axis=1)
        descend_gram(G, slope, weight, 0 * ones, ones, -np.inf * ones, np.inf * ones, 0.0, sweeps)

    return Kernel("coordinate loop", work, 2 * m * m * sweeps, 8 * m * m * sweeps)


def predict() -> Kernel:
    import onelayer

    n, d, q = size((500_000, 100, 10), (20_000, 50, 5))
    generator = np.random.default_rng(0)
    X, y = generator.normal(size=(n, d)), generator.integers(q, size=n)
    model = onelayer.SoftmaxRegression().fit(X[:2_000], y[:2_000])
    return Kernel("predict", lambda: model.predict(X), 2 * n * d * q, X.nbytes)


def draw(rate: dict[str, float], found: list[tuple[Kernel, float]], path: Path) -> None:
    """Draw kernels below the roofs of float64 and float32."""
    drawn, axes = panels(1, 1, 6, 4)
    axis = axes[0, 0]
    intensity = np.geomspace(0.05, 500, 100)
    for name, style in (("float64", "-"), ("float32", "--")):
        roof = np.minimum(intensity * rate["read"], rate[name])
        axis.plot(intensity, roof / 1e9, style, color="#888888", label=f"roof, {name}")
    for i, (kernel, took) in enumerate(found):
        at = kernel.operations / kernel.bytes, kernel.operations / took / 1e9
        axis.plot(*at, "o", color=COLOURS[i % len(COLOURS)], label=kernel.name)
    axis.set_xlabel("operations a byte of input")
    axis.set_ylabel("GFLOP/s")
    axis.legend(frameon=False, fontsize=7)
    save(drawn, path)


def main() -> None:
    assert __doc__ is not None
    rate = rates()
    makers = (gram, lambda: losses(False), lambda: losses(True), sgd, one_hot, coordinates, predict)
    found = []
    for make in makers:
        kernel = make()
        found.append((kernel, seconds(kernel.work)))
    rows = [
        [
            kernel.name, figure("s", took), f"{kernel.operations / took / 1e9:.3g}",
            f"{kernel.operations / took / rate[kernel.dtype]:.0%}", f"{kernel.bytes / took / 1e9:.3g}",
            f"{kernel.bytes / took / rate['read']:.0%}",
        ]
        for kernel, took in found
    ]  # fmt: skip
    rows += [
        [f"matrix product, {name}", "", f"{rate[name] / 1e9:.3g}", "100%", "", ""]
        for name in ("float64", "float32")
    ]
    rows += [
        [name, "", "", "", f"{rate[name] / 1e9:.3g}", f"{rate[name] / rate['read']:.0%}"]
        for name in ("read", "triad")
    ]
    if not QUICK:
        draw(rate, found, Path(__file__).with_name("results") / "roofline.svg")
    head = ["", "time", "GFLOP/s", "share", "GB/s", "share of reading"]
    kernels = [
        {"name": kernel.name, "seconds": took, "operations": kernel.operations, "bytes": kernel.bytes}
        for kernel, took in found
    ]
    show(
        result_of(
            "roofline.py",
            __doc__,
            [],
            rates=rate,
            kernels=kernels,
            tables=[table(head, rows)],
            picture="roofline.svg",
        )
    )


if __name__ == "__main__":
    main()
