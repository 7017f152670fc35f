"""The tensor functions that the book's module offers under names of its own: PyTorch's, or methods as functions."""

from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

ones_like = torch.ones_like
ones = torch.ones
zeros_like = torch.zeros_like
zeros = torch.zeros
arange = torch.arange
sin = torch.sin
sinh = torch.sinh
cos = torch.cos
cosh = torch.cosh
tanh = torch.tanh
sigmoid = torch.sigmoid
linspace = torch.linspace
exp = torch.exp
log = torch.log
normal = torch.normal
rand = torch.rand
randn = torch.randn
matmul = torch.matmul
batch_matmul = torch.bmm
int32 = torch.int32
int64 = torch.int64
float32 = torch.float32
concat = torch.cat
stack = torch.stack
abs = torch.abs
eye = torch.eye

NUMBERS = (Real, np.bool_)


def tensor(data: Any, *args: Any, **kwargs: Any) -> Tensor:
    """Return ``torch.tensor(...)``; it may be of an array of Python objects too, if all of them are numbers.

    Such are the values of a pandas table with columns of numbers and of truth values (section 4.10 in the first
    edition).
    """
    if (
        isinstance(data, np.ndarray)
        and data.dtype == object
        and all(isinstance(x, NUMBERS) for x in data.flat)
    ):
        data = data.astype(np.float64)
    return torch.tensor(data, *args, **kwargs)


def meshgrid(*tensors: Tensor, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Return the grid of the tensors' values: ``torch.meshgrid``, which warns if no indexing is given."""
    return torch.meshgrid(*tensors, indexing=indexing)


def numpy(x: Tensor, *args: Any, **kwargs: Any) -> npt.NDArray[Any]:
    """Return the values of ``x`` as a NumPy array, without its gradient."""
    return x.detach().numpy(*args, **kwargs)


def size(x: Tensor, *args: Any, **kwargs: Any) -> int:
    """Return the number of values in ``x``."""
    return x.numel(*args, **kwargs)


def reshape(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return ``x.reshape(...)``."""
    return x.reshape(*args, **kwargs)


def to(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return ``x.to(...)``: on another device or in another type."""
    return x.to(*args, **kwargs)


def reduce_sum(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return ``x.sum(...)``."""
    return x.sum(*args, **kwargs)


def reduce_mean(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return ``x.mean(...)``."""
    return x.mean(*args, **kwargs)


def argmax(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return ``x.argmax(...)``."""
    return x.argmax(*args, **kwargs)


def astype(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return ``x.type(...)``: in another type."""
    converted: Tensor = x.type(*args, **kwargs)
    return converted


def transpose(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return the transpose of a matrix."""
    return x.t(*args, **kwargs)


def expand_dims(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return ``x.unsqueeze(...)``: with one more axis of length 1."""
    return x.unsqueeze(*args, **kwargs)


def swapaxes(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return ``x`` with two axes exchanged."""
    return x.swapaxes(*args, **kwargs)


def repeat(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return ``x.repeat(...)``."""
    return x.repeat(*args, **kwargs)
