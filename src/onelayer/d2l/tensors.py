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

    Example:
        >>> import numpy as np
        >>> from onelayer import d2l
        >>> d2l.tensor(np.array([[1, True], [0.5, False]], dtype=object), dtype=d2l.float32)
        tensor([[1.0000, 1.0000],
                [0.5000, 0.0000]])
    """
    if (
        isinstance(data, np.ndarray)
        and data.dtype == object
        and all(isinstance(x, NUMBERS) for x in data.flat)
    ):
        data = data.astype(np.float64)
    return torch.tensor(data, *args, **kwargs)


def meshgrid(*tensors: Tensor, indexing: str = "ij") -> tuple[Tensor, ...]:
    """Return the grid of the tensors' values: ``torch.meshgrid``, which warns if no indexing is given.

    Example:
        >>> from onelayer import d2l
        >>> rows, columns = d2l.meshgrid(d2l.arange(2), d2l.arange(3))
        >>> rows.shape, columns[0]
        (torch.Size([2, 3]), tensor([0, 1, 2]))
    """
    return torch.meshgrid(*tensors, indexing=indexing)


def numpy(x: Tensor, *args: Any, **kwargs: Any) -> npt.NDArray[Any]:
    """Return the values of ``x`` as a NumPy array, without its gradient.

    Example:
        >>> from onelayer import d2l
        >>> d2l.numpy(d2l.ones(2, requires_grad=True))
        array([1., 1.], dtype=float32)
    """
    return x.detach().numpy(*args, **kwargs)


def size(x: Tensor, *args: Any, **kwargs: Any) -> int:
    """Return the number of values in ``x``.

    Example:
        >>> from onelayer import d2l
        >>> d2l.size(d2l.ones(2, 3))
        6
    """
    return x.numel(*args, **kwargs)


def reshape(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return ``x.reshape(...)``.

    Example:
        >>> from onelayer import d2l
        >>> d2l.reshape(d2l.arange(6), (2, 3)).shape
        torch.Size([2, 3])
    """
    return x.reshape(*args, **kwargs)


def to(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return ``x.to(...)``: on another device or in another type.

    Example:
        >>> from onelayer import d2l
        >>> d2l.to(d2l.ones(2), d2l.cpu())
        tensor([1., 1.])
    """
    return x.to(*args, **kwargs)


def reduce_sum(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return ``x.sum(...)``.

    Example:
        >>> from onelayer import d2l
        >>> d2l.reduce_sum(d2l.ones(2, 3), dim=0)
        tensor([2., 2., 2.])
    """
    return x.sum(*args, **kwargs)


def reduce_mean(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return ``x.mean(...)``.

    Example:
        >>> from onelayer import d2l
        >>> d2l.reduce_mean(d2l.tensor([1.0, 4.0]))
        tensor(2.5000)
    """
    return x.mean(*args, **kwargs)


def argmax(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return ``x.argmax(...)``.

    Example:
        >>> from onelayer import d2l
        >>> d2l.argmax(d2l.tensor([[1, 3, 2]]), dim=1)
        tensor([1])
    """
    return x.argmax(*args, **kwargs)


def astype(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return ``x.type(...)``: in another type.

    Example:
        >>> from onelayer import d2l
        >>> d2l.astype(d2l.tensor([1.7]), d2l.int32)
        tensor([1], dtype=torch.int32)
    """
    converted: Tensor = x.type(*args, **kwargs)
    return converted


def transpose(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return the transpose of a matrix.

    Example:
        >>> from onelayer import d2l
        >>> d2l.transpose(d2l.ones(2, 3)).shape
        torch.Size([3, 2])
    """
    return x.t(*args, **kwargs)


def expand_dims(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return ``x.unsqueeze(...)``: with one more axis of length 1.

    Example:
        >>> from onelayer import d2l
        >>> d2l.expand_dims(d2l.ones(2), 1).shape
        torch.Size([2, 1])
    """
    return x.unsqueeze(*args, **kwargs)


def swapaxes(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return ``x`` with two axes exchanged.

    Example:
        >>> from onelayer import d2l
        >>> d2l.swapaxes(d2l.ones(2, 3, 4), 0, 2).shape
        torch.Size([4, 3, 2])
    """
    return x.swapaxes(*args, **kwargs)


def repeat(x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """Return ``x.repeat(...)``.

    Example:
        >>> from onelayer import d2l
        >>> d2l.repeat(d2l.tensor([1, 2]), 2)
        tensor([1, 2, 1, 2])
    """
    return x.repeat(*args, **kwargs)
