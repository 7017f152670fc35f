"""Rows as tensors on a device, with random access to batches of them: what SGD takes beyond a sum over all rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import TensorDataset

from onelayer.data.rows import Array, Rows, Task
from onelayer.errors import OneLayerError, first_line
from onelayer.functional import cross_entropy, squared_loss
from onelayer.solvers import draws

BLOCK_ROWS, BLOCK_VALUES = 1024, 1024 * 784  # few enough for the floats of 784 pixels to stay in the cache
DEVICES = ("cpu", "cuda", "mps")

Loss = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, eq=False)
class Batches:
    """Rows as tensors.

    Attributes:
        X: features (n, d) or (n, …), floats of ``dtype``, or whole numbers as they were given.
        y: class numbers (n,) or (n, …), of any whole type, or numbers (n, q) or (n, …) of ``dtype``.
        task: whether the target is a number or a class.
        dtype: the type of the model's parameters.
        unit: what a stored feature is multiplied by.
        c: weights (n,) of mean 1, or None for 1.
        loss: what outputs cost, given the targets of a batch; its mean counts. None for what the task says.
    """

    X: Tensor
    y: Tensor
    task: Task
    dtype: torch.dtype = torch.float32
    unit: float = 1.0
    c: Tensor | None = None
    loss: Loss | None = None

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
    def of_tensors(data: TensorDataset, device: torch.device, dtype: torch.dtype) -> "Batches":
        """Return features (n, …) and targets (n, …) on a device; whole numbers are classes, and stay as they are.

        Raises:
            OneLayerError: if these are not two tensors, or a value is missing or infinite.
        """
        if len(data.tensors) != 2:
            raise OneLayerError(
                f"a TensorDataset to learn from has two tensors, features and targets, not {len(data.tensors)}"
            )
        for what, values in zip(("feature", "target"), data.tensors, strict=True):
            if values.is_floating_point() and not values.isfinite().all():
                place = ", ".join(str(int(i)) for i in (~values.isfinite()).nonzero()[0])
                raise OneLayerError(f"{what} [{place}] is not finite: fill it in or leave the row out")
        X, y = (v.to(device, dtype if v.is_floating_point() else None) for v in data.tensors)
        return Batches(X, y, "regression" if y.is_floating_point() else "classes", dtype)

    @staticmethod
    def like(model: nn.Module, rows: "Rows | TensorDataset | Batches") -> "Batches":
        """Return rows on the device and in the type of a model's parameters.

        Raises:
            OneLayerError: if the model has none, or the rows are not for SGD.
        """
        if isinstance(rows, Batches):
            return rows
        parameter = next(model.parameters(), None)
        if parameter is None:
            raise OneLayerError(f"{type(model).__name__} has no parameters to learn")
        make = Batches.of_tensors if isinstance(rows, TensorDataset) else Batches.of
        return make(rows, parameter.device, parameter.dtype)  # type: ignore[arg-type] # each its own kind

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
        return self.as_floats(self.X.index_select(0, index)), self._targets(self.y.index_select(0, index))

    def blocks(self, size: int | None = None) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
        """Yield all rows in order as (features as floats, targets, weights), ``size`` rows at a time."""
        size = size or max(1, min(BLOCK_ROWS, BLOCK_VALUES // max(1, self.X[:1].numel())))
        for i in range(0, len(self), size):
            c = None if self.c is None else self.c[i : i + size]
            yield self.as_floats(self.X[i : i + size]), self._targets(self.y[i : i + size]), c

    def mean_loss(self, outputs: Tensor, y: Tensor, c: Tensor | None = None) -> Tensor:
        """Return the mean loss of some rows, of weights c (m,): outputs (m, q) or (m, q, …) and targets to a scalar.

        Without a loss of their own that is cross-entropy for classes, and for numbers ½(ŷ − y)² summed over a row.
        """
        if self.loss is not None:
            losses = self.loss(outputs, y)
            if c is not None and losses.shape != c.shape:
                raise OneLayerError("the loss of rows with weights must be a number for each row")
        elif self.are_classes:
            logits = outputs.movedim(1, -1) if outputs.ndim > 2 else outputs
            losses = cross_entropy(logits, y, "none")
        else:
            losses = squared_loss(outputs, y).flatten(1).sum(dim=1)
        return losses.mean() if c is None else (c * losses).mean()

    def right(self, outputs: Tensor, y: Tensor) -> float | None:
        """Return how many rows of classes, or shares of them where a row has many, the largest output names.

        None for numbers, and where the outputs are not one for each class.
        """
        if not self.are_classes or outputs.ndim != y.ndim + 1:
            return None
        return int((outputs.argmax(dim=1) == y).sum()) / y[0].numel()

    def as_floats(self, X: Tensor) -> Tensor:
        """Return stored features as floats, pixels between 0 and 1; whole numbers other than bytes as they are."""
        if self.unit != 1:
            return X.to(self.dtype, copy=True).div_(self.stored_one)  # 255 · (1/255) need not be 1 in float32
        return X.to(self.dtype) if X.is_floating_point() or X.dtype == torch.uint8 else X

    def _targets(self, y: Tensor) -> Tensor:
        return y.long() if self.are_classes else y


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
    """Return the order (n,) in which ``epoch`` (1, 2, …) visits n rows: see ``draws.epoch_order``."""
    return torch.from_numpy(draws.epoch_order(n, seed, epoch))


def seeded_generator(seed: int, *stream: int) -> torch.Generator:
    """Return a generator for one of the independent random streams of a seed (NumPy's ``SeedSequence``)."""
    return torch.Generator().manual_seed(draws.stream_seed(seed, *stream))


def _tensor(array: Array) -> Tensor:
    """Return an array as a tensor, copied if it is read-only or not contiguous."""
    return torch.from_numpy(np.require(array, requirements=["C", "W"]))
