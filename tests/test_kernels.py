"""The inner loops of coordinate descent: compiled and in NumPy they do the same, and what they find is a minimum."""

import subprocess
import sys
import threading

import numpy as np
import pytest
from scipy import sparse

from onelayer.penalties import ElasticNet
from onelayer.solvers import kernels
from onelayer.solvers.kernels import plain

compiled = pytest.importorskip("onelayer.solvers.kernels.compiled", reason="there was no compiler")

INFINITE = np.inf


def problem(seed, n=30, m=8):
    """Return centred columns of length 1 (n, m), row weights' roots, S of Z = S − root meanᵀ, its mean, and r (n,)."""
    generator = np.random.default_rng(seed)
    root = np.sqrt(generator.uniform(0.2, 1, n))
    S = generator.normal(size=(n, m)) * (generator.uniform(size=(n, m)) < 0.4) * root[:, None]
    mean = root @ S / (root @ root)
    length = np.linalg.norm(S - np.outer(root, mean), axis=0)
    S, mean = S / length, mean / length
    Z = S - np.outer(root, mean)
    y = Z @ generator.normal(size=m) + 0.3 * generator.normal(size=n)
    y -= root * (root @ y) / (root @ root)
    return Z, root, sparse.csc_array(S), mean, y


def penalties(seed, m=8):
    generator = np.random.default_rng(seed)
    lower, upper = -generator.choice([0, 0.3, INFINITE], m), generator.choice([0.3, INFINITE], m)
    return generator.choice([0, 0.1, 0.5], m), generator.choice([0, 0.2], m), lower, upper


def by_gram(module, Z, root, S, mean, y, *rest):
    weight, slope = np.zeros(Z.shape[1]), Z.T @ y
    sweeps = module.descend_gram(Z.T @ Z, slope, weight, *rest)
    return weight, slope, sweeps


def by_column(module, Z, root, S, mean, y, *rest):
    weight, residual = np.zeros(Z.shape[1]), y.copy()
    sweeps = module.descend_dense(np.ascontiguousarray(Z.T), np.ones(len(weight)), residual, weight, *rest)
    return weight, Z.T @ residual, sweeps


def by_sparse_column(module, Z, root, S, mean, y, *rest):
    weight, residual = np.zeros(Z.shape[1]), y.copy()
    arrays = S.data, S.indices.astype(np.int32), S.indptr.astype(np.int64), mean, root, np.ones(len(weight))
    sweeps = module.descend_sparse(*arrays, residual, weight, *rest)
    return weight, Z.T @ residual, sweeps


WAYS = [by_gram, by_column, by_sparse_column]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", range(6))
def test_numpy_and_c_do_the_same(way, seed):
    arguments = (*problem(seed), *penalties(seed), 1e-9, 50)
    ours, slope, sweeps = way(compiled, *arguments)
    theirs, their_slope, their_sweeps = way(plain, *arguments)
    assert sweeps == their_sweeps
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=0 if way is by_gram else 1e-13)
    np.testing.assert_allclose(slope, their_slope, rtol=0, atol=0 if way is by_gram else 1e-13)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("seed", range(6))
def test_what_they_find_is_a_minimum(way, seed):
    given, penalty = problem(seed), penalties(seed)
    weight, slope, _ = way(compiled, *given, *penalty, 0.0, 10_000)
    assert slope == pytest.approx(given[0].T @ (given[-1] - given[0] @ weight), abs=1e-13)
    # A minimum is what a proximal step leaves where it is.
    np.testing.assert_allclose(ElasticNet(*penalty).step((weight + slope)[None])[0], weight, atol=1e-12)


@pytest.mark.parametrize("module", [compiled, plain])
def test_they_stop_after_so_many_sweeps(module):
    assert by_gram(module, *problem(0), *penalties(0), 0.0, 3)[2] == 3
    assert by_gram(module, *problem(0), *penalties(0), INFINITE, 3)[2] == 1


def test_a_column_of_zeros_stays_at_0():
    arrays = [np.zeros(1) for _ in range(4)]
    for module in (compiled, plain):
        weight, slope = np.zeros(1), np.ones(1)
        module.descend_gram(
            np.zeros((1, 1)), slope, weight, *arrays[:2], arrays[2] - 1, arrays[3] + 1, 0.0, 5
        )
        assert weight == 0 and slope == 1


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({0: np.eye(3)}, ValueError),
        ({0: np.eye(8, dtype=np.float32)}, ValueError),
        ({3: np.zeros(7)}, ValueError),
        ({0: np.asfortranarray(np.arange(64.0).reshape(8, 8))}, ValueError),
        ({0: "gram"}, TypeError),
        ({7: "tol"}, TypeError),
        ({8: None}, TypeError),
    ],
)
def test_wrong_buffers_are_refused(change, error):
    arguments = [np.eye(8), np.ones(8), np.zeros(8), *penalties(0), 0.0, 5]
    for position, value in change.items():
        arguments[position] = value
    with pytest.raises(error):
        compiled.descend_gram(*arguments)
    with pytest.raises(TypeError, match="9 arguments"):
        compiled.descend_gram(*arguments[:-1])


def test_sparse_columns_beyond_their_buffers_are_refused():
    _, root, S, mean, y = problem(0)
    for bad in ({1: 99}, {2: -1}, {2: 10**6}):
        arrays = [S.data, S.indices.astype(np.int32), S.indptr.astype(np.int64), mean, root, np.ones(8)]
        for position, value in bad.items():
            arrays[position][3] = value
        with pytest.raises(ValueError, match="CSC"):
            compiled.descend_sparse(*arrays, y.copy(), np.zeros(8), *penalties(0), 0.0, 5)


def test_other_threads_run_meanwhile():
    m = 200
    G = 0.999 * np.ones((m, m)) + 0.001 * np.eye(m)
    slope, weight = np.random.default_rng(0).normal(size=m), np.zeros(m)
    rest = np.zeros(m), np.zeros(m), np.full(m, -INFINITE), np.full(m, INFINITE)
    thread = threading.Thread(target=compiled.descend_gram, args=(G, slope, weight, *rest, -1.0, 3000))
    thread.start()
    # With the lock held, this thread would not get here before the loop has ended.
    assert thread.is_alive()
    thread.join()
    assert weight.any()


def test_it_works_without_the_compiled_file():
    code = (
        "import sys; sys.modules['onelayer.solvers.kernels.compiled'] = None;"
        "from onelayer.solvers import kernels; print(kernels.IS_COMPILED, kernels.descend_gram.__module__)"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["False", "onelayer.solvers.kernels.plain"]
    assert kernels.IS_COMPILED
