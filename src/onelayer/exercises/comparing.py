"""Whether two values agree, and if not, in what way they differ."""

from types import GeneratorType
from typing import Any

import numpy as np
import torch
from torch import Tensor

RTOL, ATOL = 1e-4, 1e-5  # float32, with room for another order of operations
WORTH_A_FACTOR = 2  # values that share a factor or a difference by more than chance


def agree(got: Any, expected: Any, or_vector: bool = False) -> bool:
    """Return whether a learner's value is the expected one. The types of numbers do not matter.

    With ``or_vector`` a tensor (n, 1) may be (n,), and the other way round.
    """
    if isinstance(expected, dict) and isinstance(got, dict):
        return got.keys() == expected.keys() and all(agree(got[key], expected[key]) for key in got)
    if isinstance(expected, list) and isinstance(got, list):
        return len(got) == len(expected) and all(map(agree, got, expected))
    if isinstance(expected, Tensor):
        return _is_of_numbers(got) and _have_the_same_values(got, expected, or_vector)
    if isinstance(expected, float):
        number = number_of(got)
        return number is not None and abs(number - expected) <= ATOL + RTOL * abs(expected)
    return type(got) is type(expected) and bool(got == expected)


def alike(first: Any, second: Any) -> bool:
    """Return whether two values, both perhaps wrong, are the same: also not numbers, infinite, or of another type."""
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(alike(first[key], second[key]) for key in first)
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(map(alike, first, second))
    if isinstance(first, Tensor) and isinstance(second, Tensor):
        of_truths = (first.dtype is torch.bool) == (second.dtype is torch.bool)
        return of_truths and _have_the_same_values(first, second, or_nan=True)
    numbers = number_of(first), number_of(second)
    if numbers[0] is not None and numbers[1] is not None:
        return bool(np.isclose(numbers[0], numbers[1], rtol=RTOL, atol=ATOL, equal_nan=True))
    plain = isinstance(first, str | bool | None)
    return type(first) is type(second) and (
        bool(first == second) if plain else isinstance(first, GeneratorType)
    )


def number_of(value: Any) -> float | None:
    """Return a number, or a tensor that is one, as a float; None if it is something else, such as a truth value."""
    if isinstance(value, Tensor):
        return float(value) if _is_of_numbers(value) and value.numel() == 1 else None
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        return None
    return float(value)


def _is_of_numbers(value: Any) -> bool:
    if not isinstance(value, Tensor) or value.layout is not torch.strided:
        return False
    return value.dtype is not torch.bool and not value.is_complex()


def _have_the_same_values(a: Tensor, b: Tensor, or_vector: bool = False, or_nan: bool = False) -> bool:
    if a.shape != b.shape and not (or_vector and _is_column(a) and _is_column(b) and len(a) == len(b)):
        return False
    return torch.allclose(_plain(a), _plain(b).reshape(a.shape), RTOL, ATOL, equal_nan=or_nan)


def _is_column(values: Tensor) -> bool:
    return 0 < values.dim() <= 2 and values.numel() == len(values)


def _plain(values: Tensor) -> Tensor:
    return values.detach().cpu().double()


def difference(got: Any, expected: Any, or_vector: bool = False) -> tuple[str, dict[str, object]]:
    """Return how a wrong result differs from the expected one: a name in ``wording.KINDS``, and its values."""
    if got is None:
        return "nothing", {}
    if isinstance(got, GeneratorType):
        return "generator", {}
    if isinstance(expected, Tensor):
        if _is_of_numbers(got):
            same = or_vector and _is_column(got) and len(got) == len(expected)
            return _difference_of_tensors(got.reshape(expected.shape) if same else got, expected)
        return ("truths", {}) if isinstance(got, Tensor) else ("not a tensor", {"type": type(got).__name__})
    if number_of(got) is not None:
        return "values", {}
    if isinstance(got, Tensor):
        return "not one number", {"shape": tuple(got.shape)}
    return "not a number", {"type": type(got).__name__}


def _difference_of_tensors(got: Tensor, expected: Tensor) -> tuple[str, dict[str, object]]:
    if got.shape != expected.shape:
        shapes: dict[str, object] = {"got": tuple(got.shape), "expected": tuple(expected.shape)}
        turned = got.dim() == expected.dim() == 2 and _have_the_same_values(got.T, expected)
        return "transposed" if turned else "shape", shapes
    a, b = _plain(got), _plain(expected)
    if not a.isfinite().all():
        return "not finite", {}
    if not a.any():
        return "zero", {}
    nonzero = b.abs() > ATOL
    if int(nonzero.sum()) >= WORTH_A_FACTOR:
        factor = float((a[nonzero] / b[nonzero]).median())
        if torch.allclose(a, b * factor, RTOL, ATOL):
            return "factor", {"factor": f"{factor:.4g}"}
    if a.numel() >= WORTH_A_FACTOR and torch.allclose(a - b, (a - b).mean(), RTOL, ATOL):
        return "offset", {"offset": f"{float((a - b).mean()):+.4g}"}
    return "values", {}
