"""How long does softmax regression take to within 1e-2, 1e-3, 1e-4 and 1e-6 of its minimum?

Every contender minimises ½ ‖W‖² / C + Σ ℓ(W xᵢ + b, yᵢ), b without a penalty. The minimum is known from
onelayer's certificate at a gap of 1e-8, relative. A solver that can be watched notes the time at which its
objective is first within each mark; one that cannot is fitted again with tolerances tightened by tens, and the
first fit within a mark counts. All are stopped after a while. Images are Fashion-MNIST's, as float32,
with which the peers are faster; MNIST is not at hand, and has their shape.
"""

import contextlib
import math
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse
from scipy.special import logsumexp

from _measure import Case, Contender, Equal, main, size

MARKS = (1e-2, 1e-3, 1e-4, 1e-6)
LONGEST, LONGER = size((15.0, 60.0), (1.0, 1.0))  # seconds, and those for all the images
TOLS = (1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8, 1e-9)

Solver = Callable[[Any, np.ndarray, float, "Watch"], None]  # minimises, and tells the watch of objectives


class ThereError(Exception):
    """Raised to stop a solver that is within all marks, or has taken too long."""


class Watch:
    """Notes when the objective is first within each mark of the minimum."""

    def __init__(self, minimum: float, longest: float) -> None:
        self.minimum, self.longest = minimum, longest
        self.seconds: dict[float, float] = {}
        self.least = math.inf
        self.start = time.perf_counter()

    def see(self, value: float, passed: float | None = None) -> None:
        """Note an objective, and when it was reached: now, or ``passed`` seconds after a start."""
        is_now = passed is None
        passed = time.perf_counter() - self.start if passed is None else passed
        self.least = min(self.least, value)
        for mark in MARKS:
            if value <= (1 + mark) * self.minimum:
                self.seconds.setdefault(mark, passed)
        if is_now and (len(self.seconds) == len(MARKS) or passed > self.longest):
            raise ThereError


def objective(X: Any, y: np.ndarray, C: float, weight: np.ndarray, bias: np.ndarray) -> float:
    """Return the objective of weights (q, d) and biases (q,); two classes have one output."""
    outputs = np.asarray(X @ np.asarray(weight, np.float64).T) + bias
    if outputs.shape[1] == 1:
        losses = np.logaddexp(0, np.where(y == 1, -1, 1) * outputs[:, 0])
    else:
        losses = logsumexp(outputs, axis=1) - outputs[np.arange(len(y)), y]
    return float(np.square(weight).sum() / 2 / C + losses.sum())


# Ours and its peers: each minimises and tells the watch.


def onelayer(X: Any, y: np.ndarray, C: float, watch: Watch) -> None:
    from onelayer import SoftmaxRegression

    class Steps:
        """A callback of scikit-learn's protocol that notes when each step has ended."""

        def __init__(self) -> None:
            self.start, self.times = time.perf_counter(), [0.0]

        def setup(self, *_: Any, **__: Any) -> None: ...
        def teardown(self, *_: Any, **__: Any) -> None: ...
        def on_fit_task_begin(self, *_: Any, **__: Any) -> None: ...
        def on_fit_task_end(self, estimator: Any, context: Any, **_: Any) -> bool:
            if context.parent is not None:
                self.times.append(time.perf_counter() - self.start)
            return False

    steps = Steps()
    model = SoftmaxRegression(C=C, tol=min(MARKS)).set_callbacks(steps).fit(X, y)
    ended = time.perf_counter() - steps.start
    for value, passed in zip(model.history_, steps.times, strict=False):
        watch.see(value / C, passed)
    watch.see(model.objective_ / C, ended)


def scikit_learn(solver: str, X: Any, y: np.ndarray, C: float, watch: Watch) -> None:
    from sklearn.linear_model import LogisticRegression
    from sklearn.linear_model._linear_loss import LinearModelLoss

    methods = {"loss": lambda found: found, "loss_gradient": lambda found: found[0]}
    originals = {name: getattr(LinearModelLoss, name) for name in methods}

    def reporting(name: str) -> Callable[..., Any]:
        def method(self: Any, *args: Any, **kwargs: Any) -> Any:
            found = originals[name](self, *args, **kwargs)
            watch.see(float(methods[name](found)) * len(y))  # the loss there is a mean
            return found

        return method

    for name in originals:
        setattr(LinearModelLoss, name, reporting(name))
    try:
        LogisticRegression(C=C, solver=solver, max_iter=10_000, tol=1e-12).fit(X, y)
    finally:
        for name, original in originals.items():
            setattr(LinearModelLoss, name, original)


def by_tolerance(
    fit: Callable[[Any, np.ndarray, float, float], tuple[Any, Any]],
    X: Any,
    y: np.ndarray,
    C: float,
    watch: Watch,
) -> None:
    """Fit again and again, each time to a smaller tolerance."""
    begun = time.perf_counter()
    for tol in TOLS:
        start = time.perf_counter()
        weight, bias = fit(X, y, C, tol)
        passed = time.perf_counter() - start
        watch.see(objective(X, y, C, np.atleast_2d(weight), np.atleast_1d(bias)), passed)
        if len(watch.seconds) == len(MARKS) or time.perf_counter() - begun > watch.longest:
            return


def intelex(X: Any, y: np.ndarray, C: float, tol: float) -> tuple[Any, Any]:
    from sklearnex.linear_model import LogisticRegression

    model = LogisticRegression(C=C, tol=tol, max_iter=10_000).fit(X, y)
    return model.coef_, model.intercept_


def glum(X: Any, y: np.ndarray, C: float, tol: float) -> tuple[Any, Any]:
    from glum import GeneralizedLinearRegressor

    model = GeneralizedLinearRegressor(
        alpha=1 / C / len(y), family="binomial", gradient_tol=tol, max_iter=1000
    )
    model.fit(X, y.astype(np.float64))
    return model.coef_, model.intercept_


def skglm(X: Any, y: np.ndarray, C: float, tol: float) -> tuple[Any, Any]:
    from skglm.datafits import Logistic
    from skglm.penalties import L2
    from skglm.solvers import LBFGS

    ones = np.ones((len(y), 1))  # LBFGS has no intercept: a column of tens is nearly free
    design = sparse.hstack([X, 10 * ones], "csc") if sparse.issparse(X) else np.hstack([X, 10 * ones])
    signs = np.where(y == 1, 1.0, -1.0)
    coef = LBFGS(max_iter=10_000, tol=tol).solve(design, signs, Logistic(), L2(1 / C / len(y)))[0]
    return coef[:-1], coef[-1] * 10


def jax(X: Any, y: np.ndarray, C: float, watch: Watch) -> None:
    import jax
    import jax.numpy as jnp
    import optax

    jax.config.update("jax_enable_x64", True)
    A, labels, n = jnp.asarray(X), jnp.asarray(y), len(y)
    q = int(y.max()) + 1

    def loss(parameters: tuple[Any, Any]) -> Any:
        weight, bias = parameters
        outputs = A @ weight.T + bias
        picked = jnp.take_along_axis(outputs, labels[:, None], 1)[:, 0]
        mean = (jax.nn.logsumexp(outputs, axis=1) - picked).mean()
        return mean + jnp.square(weight).sum() / 2 / C / n

    solver = optax.lbfgs()
    both = optax.value_and_grad_from_state(loss)

    @jax.jit
    def step(parameters: Any, state: Any) -> tuple[Any, Any, Any]:
        value, gradient = both(parameters, state=state)
        moved, state = solver.update(gradient, state, parameters, value=value, grad=gradient, value_fn=loss)
        return optax.apply_updates(parameters, moved), state, value

    zeros = jnp.zeros((q, X.shape[1]), A.dtype), jnp.zeros(q, A.dtype)
    parameters, state = zeros, solver.init(zeros)
    for _ in range(2):  # compiles for the first state, and for those that follow it; this is not counted
        parameters, state, _ = step(parameters, state)
    parameters, state = zeros, solver.init(zeros)
    watch.start = time.perf_counter()
    while True:
        parameters, state, value = step(parameters, state)
        watch.see(float(value) * n)


def torch_lbfgs(device: str, X: Any, y: np.ndarray, C: float, watch: Watch) -> None:
    import torch
    from torch.nn import functional as F  # noqa: N812

    A, labels, n = torch.from_numpy(X).to(device), torch.from_numpy(y.astype(np.int64)).to(device), len(y)
    weight = torch.zeros(int(y.max()) + 1, X.shape[1], dtype=A.dtype, device=device, requires_grad=True)
    bias = torch.zeros(len(weight), dtype=A.dtype, device=device, requires_grad=True)
    optimizer = torch.optim.LBFGS(
        [weight, bias], max_iter=10_000, history_size=10, tolerance_grad=0, tolerance_change=0,
        line_search_fn="strong_wolfe",
    )  # fmt: skip

    def closure() -> Any:
        optimizer.zero_grad()
        loss = F.cross_entropy(A @ weight.T + bias, labels) + weight.square().sum() / 2 / C / n
        loss.backward()
        watch.see(float(loss) * n)
        return loss

    optimizer.step(closure)


def to_marks(longest: float, solve: Solver, data: Sequence[Any]) -> tuple[dict[str, float], float]:
    """Return the seconds to each mark, infinite if it was not reached, and the least objective."""
    *given, minimum = data
    watch = Watch(minimum, longest)
    with contextlib.suppress(ThereError):
        solve(*given, watch)
    return {f"to {mark:g}": watch.seconds.get(mark, math.inf) for mark in MARKS}, watch.least


# Data


def images(dtype: Any) -> tuple[Any, np.ndarray, float]:
    from onelayer import fashion_mnist

    rows = fashion_mnist().train.take(slice(0, size(60_000, 300)))
    return rows.X / dtype(255), rows.y, 1.0


def shirts() -> tuple[Any, np.ndarray, float]:
    """Return T-shirts and shirts, the two classes that are the hardest to tell apart."""
    X, y, C = images(np.float64)
    chosen = (y == 0) | (y == 6)
    return X[chosen], (y[chosen] == 6).astype(np.int64), C


def few_rows() -> tuple[Any, np.ndarray, float]:
    """Return a few rows of two classes, to warm up."""
    X = np.random.default_rng(0).normal(size=(200, 10))
    return X, (X[:, 0] > 0.1).astype(np.int64), 1.0


def words(n: int, d: int, q: int = 20) -> tuple[Any, np.ndarray, float]:
    """Return counts of words (n, d) by Zipf's law, as tf–idf of unit length, and topics that shift some words."""
    generator = np.random.default_rng(0)
    popular = 1 / np.arange(1, d + 1)
    of_topic = popular * np.exp(generator.normal(size=(q, d)))
    y = np.sort(generator.integers(q, size=n))
    lengths = generator.poisson(120, size=n) + 10
    columns = [
        generator.choice(d, lengths[y == k].sum(), p=of_topic[k] / of_topic[k].sum()) for k in range(q)
    ]
    indices = np.concatenate(columns)
    counts = sparse.csr_array((np.ones(len(indices)), (np.repeat(np.arange(n), lengths), indices)), (n, d))
    counts.sum_duplicates()
    idf = np.log(n / (1 + np.diff(counts.tocsc().indptr))) + 1
    X = sparse.csr_array(counts.multiply(np.maximum(idf, 0)[None, :]))
    order = generator.permutation(n)
    return sparse.csr_array(X / np.sqrt(X.power(2).sum(axis=1))[:, None])[order], y[order], 10.0


def many_classes(n: int, d: int, q: int) -> tuple[Any, np.ndarray, float]:
    generator = np.random.default_rng(0)
    centres = generator.normal(size=(q, d))
    y = np.concatenate([np.arange(q), generator.integers(q, size=n - q)])
    return centres[y] + 1.5 * generator.normal(size=(n, d)), y, 1.0


def with_minimum(X: Any, y: np.ndarray, C: float) -> tuple[Any, np.ndarray, float, float]:
    """Return the problem and a lower bound of its objective that is next to it."""
    from onelayer import SoftmaxRegression

    found = SoftmaxRegression(C=C, tol=1e-8).fit(X, y)
    return X, y, C, (found.objective_ - found.gap_) / C


def case(
    label: str,
    data: Callable[[], tuple[Any, np.ndarray, float]],
    contenders: list[Contender],
    longest: float = LONGEST,
) -> Case:
    return Case(
        label,
        make=lambda folder: with_minimum(*data()),
        contenders=contenders,
        equal=Equal("objective, relatively above the minimum", max(MARKS), lambda answers, ours: answers),
        judge=lambda least, *data: least / data[-1] - 1,
        warm_up=lambda: (*few_rows(), 1e9),
        measure=partial(to_marks, longest),
        headlines=tuple(f"to {mark:g}" for mark in MARKS),
        limit=longest,
        slack=longest,
        far=1.0,  # fits are long: only who is the fastest to a mark runs again
    )


OURS = Contender("onelayer", onelayer, role="ours")
NEWTON_CG, LBFGS, CHOLESKY = (
    Contender(f"scikit-learn {solver}", partial(scikit_learn, solver))
    for solver in ("newton-cg", "lbfgs", "newton-cholesky")
)
INTELEX = Contender("scikit-learn-intelex lbfgs", partial(by_tolerance, intelex), ("sklearnex",))
JAX = Contender("JAX, optax lbfgs", jax, ("jax", "optax"))
TORCH = Contender("torch LBFGS", partial(torch_lbfgs, "cpu"), ("torch",))
GLUM = Contender("glum", partial(by_tolerance, glum), ("glum",))
SKGLM = Contender("skglm LBFGS", partial(by_tolerance, skglm), ("skglm",))
MANY = size((20_000, 50, 1_000), (500, 10, 50))

CASES = [
    case("softmax minimum, Fashion-MNIST", lambda: images(np.float32), [OURS, NEWTON_CG, LBFGS], LONGER),
    case("softmax minimum, two classes of it", shirts, [OURS, NEWTON_CG, LBFGS, CHOLESKY, INTELEX, GLUM, SKGLM]),
    case("softmax minimum, sparse text", lambda: words(*size((10_000, 50_000), (200, 500))), [OURS, NEWTON_CG, LBFGS]),
    case("softmax minimum, 1,000 classes", lambda: many_classes(*MANY), [OURS, NEWTON_CG, LBFGS, JAX, TORCH]),
]  # fmt: skip

if __name__ == "__main__":
    main(__doc__, CASES)
