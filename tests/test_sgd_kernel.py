"""A pass of SGD: compiled and in NumPy it is what float64 and the definition say, on any number of threads."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from onelayer.solvers import kernels, sgd
from onelayer.solvers.kernels import plain_sgd

compiled = pytest.importorskip("onelayer.solvers.kernels.compiled_sgd", reason="there was no compiler")


def problem(seed, n, d, q, kind, real):
    generator = np.random.default_rng(seed)
    X = (
        generator.integers(0, 256, (n, d), np.uint8)
        if kind == "bytes"
        else generator.normal(size=(n, d)).astype(real)
    )
    y = (
        generator.integers(0, q, n)
        if generator.uniform() < 0.6
        else generator.normal(size=(n, q)).astype(real)
    )
    return X, y, generator.permutation(n), generator


def weights(generator, d, q, real, scale=0.01):
    whole = np.zeros((q, -(-(d + 1) // 32) * 32), real)
    whole[:, : d + 1] = scale * generator.normal(size=(q, d + 1))
    return whole


@settings(max_examples=150)
@given(
    seed=st.integers(0, 2**32),
    n=st.integers(1, 400),
    d=st.integers(1, 70),
    q=st.integers(1, 23),
    batch_size=st.integers(1, 450),
    kind=st.sampled_from(["bytes", "floats", "doubles"]),
    threads=st.integers(1, 8),
    is_weighted=st.booleans(),
    decays=st.booleans(),
)
def test_a_pass_is_that_of_float64(seed, n, d, q, batch_size, kind, threads, is_weighted, decays):
    real = np.float64 if kind == "doubles" else np.float32
    X, y, order, generator = problem(seed, n, d, q, kind, real)
    whole = weights(generator, d, q, real)
    factors = generator.uniform(size=n).astype(real) if is_weighted else None
    decay = generator.uniform(0.9, 1, whole.shape[1]).astype(real) if decays else None
    one = 255.0 if kind == "bytes" else 1.0
    rest = factors, decay, one, 0.05 / one**2, batch_size, threads
    exact = whole.astype(np.float64)
    loss, right = compiled.sgd_pass(X, y, order, whole, *rest)
    wide = [None if v is None else v.astype(np.float64) for v in rest[:2]]
    known, n_right = plain_sgd.sgd_pass(
        X, y if y.ndim == 1 else y.astype(np.float64), order, exact, *wide, *rest[2:]
    )
    assert loss == pytest.approx(known, rel=1e-4, abs=n * 1e-7)  # of what is nearly certain rounding is left
    assert abs(right - n_right) <= 2  # outputs that are equal but for rounding
    assert np.allclose(whole, exact, rtol=1e-3, atol=1e-4 / one)


@pytest.mark.parametrize("kind", ["bytes", "floats", "doubles"])
@pytest.mark.parametrize("batch_size", [1, 63, 256, 1000])
def test_bits_do_not_depend_on_threads(kind, batch_size):
    real = np.float64 if kind == "doubles" else np.float32
    found = []
    for threads in (1, 2, 3, 8):
        X, y, order, generator = problem(1, 1000, 300, 10, kind, real)
        whole = weights(generator, 300, 10, real)
        score = compiled.sgd_pass(X, y, order, whole, None, None, 1.0, 1e-6, batch_size, threads)
        found.append((score, whole.tobytes()))
    assert all(other == found[0] for other in found)


def test_with_a_step_of_0_rows_are_scored_alone():
    X, _, order, generator = problem(2, 700, 30, 7, "floats", np.float32)
    y, whole = generator.integers(0, 7, 700), weights(generator, 30, 7, np.float32, 1.0)
    before = whole.copy()
    loss, right = compiled.sgd_pass(X, y, order, whole, None, None, 1.0, 0.0, 10, 2)
    outputs = X.astype(np.float64) @ whole[:, :30].T.astype(np.float64) + whole[:, 30]
    losses = np.log(np.exp(outputs).sum(axis=1)) - outputs[np.arange(700), y]
    assert loss == pytest.approx(losses.sum(), rel=1e-5)
    assert right == (outputs.argmax(axis=1) == y).sum()
    assert (whole == before).all()


@pytest.mark.parametrize("module", [compiled, plain_sgd])
def test_outputs_that_are_not_finite_leave_no_finite_loss(module):
    X, _, order, generator = problem(3, 100, 5, 4, "floats", np.float32)
    for value in (np.inf, np.nan):
        whole = weights(generator, 5, 4, np.float32)
        whole[2, 1] = value
        loss, _ = module.sgd_pass(X, np.arange(100) % 4, order, whole, None, None, 1.0, 0.0, 10, 1)
        assert not np.isfinite(loss)


def test_exponentials_are_right_to_rounding_over_their_whole_range():
    """The derivative of the loss by an output is its probability: that of one far below the other is e^−x."""
    x = np.linspace(0, 79, 20_001, dtype=np.float32)[:, None]
    whole = np.zeros((2, 32), np.float32)
    whole[1, 0] = -1
    for i in range(0, len(x), 200):
        moved = whole.copy()
        row, label = np.array([0]), np.array([0])
        compiled.sgd_pass(x[i : i + 1], label, row, moved, None, None, 1.0, 1.0, 1, 1)
        probability = -(moved[1, 1] - whole[1, 1])  # against the constant feature
        exact = np.exp(-np.float64(x[i, 0])) / (1 + np.exp(-np.float64(x[i, 0])))
        assert probability == pytest.approx(exact, rel=4e-7)


@pytest.mark.parametrize(
    "wrong",
    [
        {"X": np.zeros((4, 3))},
        {"X": np.zeros((4, 3), np.int64)},
        {"X": np.zeros((4, 32), np.float32)},
        {"X": np.zeros((4, 6), np.float32)[:, ::2]},
        {"y": np.array([0, 1, 2, 3])},
        {"y": np.array([0, 1, 1, -1])},
        {"y": np.zeros(3, np.int64)},
        {"y": np.zeros((4, 3), np.float32)},
        {"y": np.zeros((4, 2))},
        {"order": np.array([0, 4])},
        {"order": np.array([-1])},
        {"order": np.array([0], np.int32)},
        {"weight": np.zeros((2, 20), np.float32)},
        {"weight": np.zeros((2, 32), np.float16)},
        {"factors": np.ones(3, np.float32)},
        {"factors": np.ones(4)},
        {"decay": np.ones(31, np.float32)},
        {"batch_size": 0},
    ],
)
def test_other_types_shapes_and_ranges_are_refused(wrong):
    right = {
        "X": np.zeros((4, 3), np.float32),
        "y": np.array([0, 1, 1, 0]),
        "order": np.array([3, 1]),
        "weight": np.zeros((2, 32), np.float32),
        "factors": np.ones(4, np.float32),
        "decay": np.ones(32, np.float32),
        "one": 1.0,
        "step": 0.1,
        "batch_size": 2,
        "threads": 1,
    }
    compiled.sgd_pass(*right.values())
    with pytest.raises(ValueError):
        compiled.sgd_pass(*(right | wrong).values())


@pytest.mark.parametrize("q", [3, 2000])
def test_an_epoch_is_the_same_where_nothing_is_compiled(q, monkeypatch):
    X, _, order, generator = problem(4, 300, 80, q, "bytes", np.float32)
    y, found = generator.integers(0, q, 300), []
    for module in (kernels, plain_sgd):
        monkeypatch.setattr(kernels, "sgd_pass", module.sgd_pass)
        weight, bias = np.zeros((q, 80), np.float32), np.zeros(q, np.float32)
        score = sgd.train_epoch(weight, bias, X, y, order, batch_size=32, lr=0.1, one=255.0)
        found.append((weight, bias, score.loss))
    for here, there in zip(*found, strict=True):
        assert np.allclose(here, there, rtol=1e-4, atol=1e-6)
