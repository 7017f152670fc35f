"""Random numbers of a seed as PyTorch's generator draws them on the CPU, without PyTorch.

So ways of training with it and without it start from the same weights and see the same batches. PyTorch's generator is
the Mersenne Twister, which NumPy has too.
"""

import math

import numpy as np
from numpy.typing import NDArray

from onelayer.solvers import kernels

GROUP = 16  # numbers that are drawn together, if there are so many


def stream_seed(seed: int, *stream: int) -> int:
    """Return what starts one of the random streams of a seed: 63 bits, of which PyTorch takes the last 32."""
    return int(np.random.SeedSequence(seed, spawn_key=stream).generate_state(1, np.uint64)[0]) >> 1


def epoch_order(n: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """Return the order (n,) in which ``epoch`` (1, 2, …) visits n rows.

    It depends on nothing but its arguments: every way of training sees the same batches, and a run that resumes after
    an epoch goes on exactly as if it had never stopped.
    """
    return permutation(n, stream_seed(seed, epoch))


def permutation(n: int, seed: int) -> NDArray[np.int64]:
    """Return the numbers 0 to n − 1 in a random order, that of ``torch.randperm`` (Fisher and Yates)."""
    order = np.arange(n, dtype=np.int64)
    if n > 1:
        kernels.shuffle(order, _integers(n - 1, seed).astype(np.int64) % (n - order[:-1]))
    return order


def normals(count: int, std: float, seed: int) -> NDArray[np.float32]:
    """Return numbers (count,) from N(0, std²), those of ``torch.Tensor.normal_`` but for rounding (Box and Muller)."""
    if count < GROUP:
        return _few_normals(count, std, seed)
    left = count % GROUP
    share = (_integers(count + (GROUP if left else 0), seed) & 0xFFFFFF).astype(np.float32) * np.float32(
        2**-24
    )
    found = np.empty(count, np.float32)
    found[: count - left] = _in_groups(share[: count - left])
    if left:  # the last group is drawn anew
        found[-GROUP:] = _in_groups(share[count:])
    return found * np.float32(std)


def _in_groups(share: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return standard normal numbers from uniform ones in [0, 1), by halves of each group."""
    first, second = np.split(share.reshape(-1, GROUP), 2, axis=1)
    radius = np.sqrt(np.float32(-2) * np.log(1 - first))
    angle = np.float32(2 * np.pi) * second
    return np.concatenate([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()


def _few_normals(count: int, std: float, seed: int) -> NDArray[np.float32]:
    """Return normal numbers, each pair from two uniform ones of 53 bits."""
    pairs = -(-count // 2)
    raw = _integers(4 * pairs, seed).reshape(pairs, 2, 2)
    whole = (raw[:, :, 0] << np.uint64(32) | raw[:, :, 1]) & np.uint64(2**53 - 1)
    angle, share = (whole * 2.0**-53).T
    radius, angle = np.sqrt(-2 * np.log1p(-share)), 2 * math.pi * angle
    found = np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1).ravel()[:count]
    return (std * found).astype(np.float32)


def _integers(count: int, seed: int) -> NDArray[np.uint64]:
    """Return integers (count,) of 32 random bits."""
    state = np.random.RandomState(seed & 0xFFFFFFFF)
    return np.frombuffer(state.bytes(4 * count), "<u4").astype(np.uint64)
