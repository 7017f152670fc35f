"""Rows as tensors on a device, with random access to batches of them: what SGD takes beyond a sum over all rows."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from onelayer.data.rows import Array, Rows, Task
from onelayer.errors import OneLayerError, first_line
from onelayer.functional import cross_entropy, squared_loss

BLOCK_ROWS = 1024  # few enough for the floats of 784 pixels to stay in the cache
DEVICES = ("cpu", "cuda", "mps")


@dataclass(frozen=True, eq=False)
class Batches:
    """Rows as tensors.

    Attributes:
        X: features (n, d), floats of ``dtype`` or bytes, which stay bytes.
        y: class numbers (n,), or numbers (n, q) of ``dtype``.
        task: whether the target is a number or a class.
        dtype: the type of the model's parameters.
        unit: what a stored feature is multiplied by.
        c: weights (n,) of mean 1, or None for 1.
    """

    X: Tensor
    y: Tensor
    task: Task
    dtype: torch.dtype = torch.float32
    unit: float = 1.0
    c: Tensor | None = None

    @staticmethod
    def of(rows: Rows, device: str | torch.device = "cpu", dtype: torch.dtype = torch.float32) -> "Batches":
        """Return rows on a device, without a copy where they are there already in the right type.

        Raises:
            OneLayerError: if the features are sparse.
        """
        if rows.is_sparse:
            raise OneLayerError(
                "SGD takes no sparse features: use an exact solver, or X.toarray() if X is small"
            )
        if torch.device(device).type == "mps" and dtype == torch.float64:
            dtype = torch.float32  # MPS has no float64
        X, y = _tensor(rows.X), _tensor(rows.y)
        return Batches(
            X.to(device, dtype if X.is_floating_point() else None),
            y.to(device, None if rows.task == "classes" else dtype),
            rows.task,
            dtype,
            rows.unit,
            None if rows.c is None else _tensor(rows.c / rows.c.mean()).to(device, dtype),
        )

    @staticmethod
    def like(model: nn.Module, rows: "Rows | Batches") -> "Batches":
        """Return rows on the device and in the type of a model's parameters."""
        if isinstance(rows, Batches):
            return rows
        parameter = next(model.parameters())
        return Batches.of(rows, parameter.device, parameter.dtype)

    def __len__(self) -> int:
        return len(self.X)

    @property
    def are_classes(self) -> bool:
        """Whether the target is a class."""
        return self.task == "classes"

    @property
    def stored_one(self) -> float:
        """How the feature 1 is stored: 1, or 255 for pixels."""
        return 1 / self.unit

    def take(self, index: Tensor) -> "Batches":
        """Return the rows at ``index`` (m,), copied, as they are stored."""
        c = None if self.c is None else self.c.index_select(0, index)
        return replace(self, X=self.X.index_select(0, index), y=self.y.index_select(0, index), c=c)

    def batch(self, index: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features as floats (m, d) and the targets of the rows at ``index`` (m,)."""
        return self.as_floats(self.X.index_select(0, index)), self.y.index_select(0, index)

    def blocks(self, size: int = BLOCK_ROWS) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
        """Yield all rows in order as (features as floats, targets, weights), ``size`` rows at a time."""
        for i in range(0, len(self), size):
            c = None if self.c is None else self.c[i : i + size]
            yield self.as_floats(self.X[i : i + size]), self.y[i : i + size], c

    def mean_loss(self, outputs: Tensor, y: Tensor, c: Tensor | None = None) -> Tensor:
        """Return the mean loss of some rows, of weights c (m,): outputs (m, q) and targets to a scalar.

        That is cross-entropy for classes, and ½(ŷ − y)² summed over the q outputs for numbers.
        """
        losses = (
            cross_entropy(outputs, y, "none") if self.are_classes else squared_loss(outputs, y).sum(dim=1)
        )
        return losses.mean() if c is None else (c * losses).mean()

    def as_floats(self, X: Tensor) -> Tensor:
        """Return stored features as floats, pixels between 0 and 1."""
        if self.unit == 1:
            return X.to(self.dtype)
        return X.to(self.dtype, copy=True).div_(self.stored_one)  # 255 · (1/255) need not be 1 in float32


def choose_device(name: str) -> torch.device:
    """Return the device called ``name``; ``"auto"`` takes CUDA if there is one, else the CPU.

    Raises:
        OneLayerError: if there is no such device on this machine.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        if device.type not in DEVICES:
            raise RuntimeError(f"onelayer takes {', '.join(DEVICES)}")
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError) as error:
        raise OneLayerError(f"device {name!r} is not available: {first_line(error)}") from error
    return device


def epoch_order(n: int, seed: int, epoch: int) -> Tensor:
    """Return the order (n,) in which ``epoch`` (1, 2, …) visits n rows.

    It depends on nothing but its arguments: every way of training sees the same batches, and a run that
    resumes after an epoch goes on exactly as if it had never stopped.
    """
    return torch.randperm(n, generator=seeded_generator(seed, epoch))


def seeded_generator(seed: int, *stream: int) -> torch.Generator:
    """Return a generator for one of the independent random streams of a seed (NumPy's ``SeedSequence``)."""
    return torch.Generator().manual_seed(stream_seed(seed, *stream))


def stream_seed(seed: int, *stream: int) -> int:
    """Return what starts one of the random streams of a seed: 63 bits, of which PyTorch takes the last 32."""
    return int(np.random.SeedSequence(seed, spawn_key=stream).generate_state(1, np.uint64)[0]) >> 1


def _tensor(array: Array) -> Tensor:
    """Return an array as a tensor, copied if it is read-only or not contiguous."""
    return torch.from_numpy(np.require(array, requirements=["C", "W"]))
