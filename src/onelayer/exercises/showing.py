"""Values as lines of text, in full: tensors with their shape, lists item by item."""

from reprlib import Repr
from typing import Any

from torch import Tensor

MOST_LINES = 12  # a result of the wrong shape may be large

_SHORT = Repr()
_SHORT.maxstring = _SHORT.maxother = 60


def lines_of(name: str, value: Any, language: str) -> list[str]:
    """Return lines such as ``w = tensor([1., 2.])  # shape (2,)``; a gradient that the value has follows it."""
    if isinstance(value, dict):
        return [line for key, item in value.items() for line in lines_of(key, item, language)]
    if isinstance(value, list):
        return [line for i, item in enumerate(value) for line in lines_of(f"{name}[{i}]", item, language)]
    lines = _assigned(name, value, language)
    if isinstance(value, Tensor) and value.is_leaf and value.grad is not None:
        lines += _assigned(f"{name}.grad", value.grad, language)
    return lines


def lines_of_all(values: dict[str, Any], language: str) -> list[str]:
    """Return the lines of several values, one after another."""
    return [line for name, value in values.items() for line in lines_of(name, value, language)]


def _assigned(name: str, value: Any, language: str) -> list[str]:
    start = f"{name} = "
    first, *more = text_of(value, language).split("\n")
    return [start + first, *(" " * len(start) + line for line in more)]


def text_of(value: Any, language: str) -> str:
    """Return a value as text, a tensor with its shape."""
    if not isinstance(value, Tensor):
        return f"{value:.6g}" if isinstance(value, float) else _SHORT.repr(value)
    lines = str(value.detach()).split("\n")
    if len(lines) > MOST_LINES:
        lines = [*lines[:MOST_LINES], "..."]
    word = "形状" if language == "zh" else "shape"
    return "\n".join(lines) + (f"  # {word} {tuple(value.shape)}" if value.dim() else "")
