"""Random numbers without PyTorch are PyTorch's."""

import numpy as np
import pytest
import torch

from onelayer.solvers import draws, kernels
from onelayer.solvers.kernels import plain_sgd

SEEDS = [0, 5, 2**40 + 3, 2**63 - 1]


def generator(seed):
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("n", [0, 1, 2, 5, 101, 60_000])
def test_orders_are_those_of_randperm(n, seed, monkeypatch):
    known = torch.randperm(n, generator=generator(seed)).numpy()
    assert (draws.permutation(n, seed) == known).all()
    monkeypatch.setattr(kernels, "shuffle", plain_sgd.shuffle)
    assert (draws.permutation(n, seed) == known).all()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("count", [*range(1, 36), 7840])
def test_normal_numbers_are_those_of_tensors_but_for_rounding(count, seed):
    known = torch.empty(count).normal_(0, 0.01, generator=generator(seed)).numpy()
    assert np.allclose(draws.normals(count, 0.01, seed), known, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("jumps", [[0], [0, 3, 0], [0, -1, 0], [4, 0, 0], [0, 0, 2], [0, 0, 0, 0]])
def test_jumps_beyond_the_order_are_refused(jumps):
    compiled = pytest.importorskip("onelayer.solvers.kernels.compiled_sgd", reason="there was no compiler")
    with pytest.raises(ValueError, match="jumps"):
        compiled.shuffle(np.arange(4), np.array(jumps))
