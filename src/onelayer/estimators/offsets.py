"""Offsets: what is known beforehand of a row's mean or logits, given to ``fit`` and again to ``predict``."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import OneLayerError

Array = NDArray[np.float64]


def target_offset(offset: Any, n: int, q: int) -> Array | None:
    """Return an offset in the mean as (n, q), of one target given as (n,) too; None stays None.

    Raises:
        OneLayerError: if it is of another shape, or not of finite numbers.
    """
    return None if offset is None else _checked(offset, n, (q,), "target")


def logit_offset(offset: Any, n: int, q: int) -> Array | None:
    """Return an offset in the logits of q classes as (n, q), of two as (n, 1), that of the second; None stays None.

    Args:
        offset: (n, q), or for two classes (n,), that of the second, the first having 0.
        n: the number of rows.
        q: the number of classes.

    Raises:
        OneLayerError: if it is of another shape, or not of finite numbers.
    """
    if offset is None:
        return None
    if q != 2:
        return _checked(offset, n, (q,), "class")
    values = _checked(offset, n, (1, 2), "class")
    return values[:, 1:] - values[:, :1] if values.shape[1] == 2 else values


def check_has_offset(given: Any, is_needed: bool) -> None:
    """Raise OneLayerError if a model that was fitted with an offset is to predict without one."""
    if is_needed and given is None:
        raise OneLayerError(
            "the model was fitted with an offset, which predictions need too: give offset=..., zeros for none"
        )


def check_exports(has_offset: bool) -> None:
    """Raise OneLayerError if a model needs an offset: a file for another runtime has no place for it."""
    if has_offset:
        raise OneLayerError("the model was fitted with an offset, which ONNX files of it have no input for")


def _checked(offset: Any, n: int, widths: tuple[int, ...], what: str) -> Array:
    try:
        values = np.asarray(offset, np.float64)
    except (TypeError, ValueError) as error:
        raise OneLayerError(f"offset must be numbers: {error}") from None
    values = values[:, None] if values.ndim == 1 and 1 in widths else values
    if values.ndim != 2 or len(values) != n or values.shape[1] not in widths:
        wanted = f"({n},)" if 1 in widths else f"({n}, {widths[-1]}), one for each {what}"
        raise OneLayerError(f"offset must be {wanted}, not {np.shape(offset)}")
    if not np.isfinite(values).all():
        row = int(np.argwhere(~np.isfinite(values))[0, 0])
        raise OneLayerError(f"offset in row {row + 1} is {values[row].tolist()}: it must be finite")
    return values
