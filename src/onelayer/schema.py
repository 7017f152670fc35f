"""What the values in a file must be: kinds that are declared once, and checked before any value is used.

A kind of JSON value is a function of the value and of the name of the field it stands in; it raises OneLayerError
if the value is of another kind. A kind of array is an ``Array``.
"""

import math
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from reprlib import repr as short
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.errors import OneLayerError

Kind = Callable[[Any, str], None]

FLOATS = ("float64", "float32")


def text(*allowed: str) -> Kind:
    """A string of valid Unicode; one of those ``allowed``, if any are given."""

    def check(value: Any, field: str) -> None:
        is_text = isinstance(value, str)
        if allowed:
            _require(is_text and value in allowed, field, f"one of {', '.join(allowed)}", value)
        # Half of a surrogate pair can be neither written to a file nor printed.
        is_valid = is_text and not any("\ud800" <= character <= "\udfff" for character in value)
        _require(is_valid, field, "a string", value)

    return check


def whole(least: int = 0, most: int = 2**63 - 1) -> Kind:
    """An integer between two limits, both included."""

    def check(value: Any, field: str) -> None:
        fits = type(value) is int and least <= value <= most
        _require(fits, field, f"an integer from {least} to {most}", value)

    return check


def number(least: float = -math.inf, *, finite: bool = True) -> Kind:
    """A number of at least ``least``; also infinite or NaN, if it need not be ``finite``."""

    def check(value: Any, field: str) -> None:
        fits = type(value) in (int, float) and not value < least
        if finite or type(value) is int:  # an integer may be too large to become a float
            fits = fits and abs(value) <= sys.float_info.max
        what = f"a {'finite ' if finite else ''}number"
        _require(fits, field, what if least == -math.inf else f"{what} of at least {least:g}", value)

    return check


def flag(value: Any, field: str) -> None:
    """True or false."""
    _require(type(value) is bool, field, "true or false", value)


def anything(value: Any, field: str) -> None:
    """Any value: it is compared with a kind of its own later."""


def scalar(value: Any, field: str) -> None:
    """Null, true or false, a number other than NaN, or a string."""
    if isinstance(value, str):
        text()(value, field)
    fits = value is None or (isinstance(value, bool | int | float | str) and value == value)
    _require(fits, field, "a string, a number, true, false or null", value)


def maybe(kind: Kind) -> Kind:
    """Null, or a value of the given kind."""

    def check(value: Any, field: str) -> None:
        if value is not None:
            kind(value, field)

    return check


def either(first: Kind, second: Kind) -> Kind:
    """A value of one of two kinds; the first one's error is raised if it is of neither."""

    def check(value: Any, field: str) -> None:
        try:
            first(value, field)
        except OneLayerError as error:
            try:
                second(value, field)
            except OneLayerError:
                raise error from None

    return check


def items(*kinds: Kind) -> Kind:
    """A list of as many values as there are kinds, one of each."""

    def check(value: Any, field: str) -> None:
        fits = isinstance(value, list | tuple) and len(value) == len(kinds)
        _require(fits, field, f"a list of {len(kinds)} values", value)
        for i, (kind, item) in enumerate(zip(kinds, value, strict=True)):
            kind(item, f"{field}[{i}]")

    return check


def list_of(kind: Kind, *, least: int = 0, distinct: bool = False) -> Kind:
    """A list of values of one kind, ``least`` of them or more; ``distinct`` strings."""

    def check(value: Any, field: str) -> None:
        _require(isinstance(value, list | tuple), field, "a list", value)
        for i, item in enumerate(value):
            kind(item, f"{field}[{i}]")
        _require(len(value) >= least, field, f"a list of at least {least}", value)
        _require(not distinct or len(set(value)) == len(value), field, "a list without repetition", value)

    return check


def mapping(kind: Kind) -> Kind:
    """An object with any names and values of one kind."""

    def check(value: Any, field: str) -> None:
        _require(isinstance(value, dict), field, "an object", value)
        for name, item in value.items():
            text()(name, field)
            kind(item, f"{field}.{name}")

    return check


def record(kinds: Mapping[str, Kind], optional: Mapping[str, Kind] | None = None) -> Kind:
    """An object with exactly the given names, each with a value of its kind; those that are optional may be absent."""

    def check(value: Any, field: str) -> None:
        _require(isinstance(value, dict), field, "an object", value)
        present = {name: kind for name, kind in (optional or {}).items() if name in value}
        expected = {**kinds, **present}
        check_names(value, expected, field)
        for name, kind in expected.items():
            kind(value[name], f"{field}.{name}" if field else name)

    return check


def check_names(values: Mapping[str, Any], expected: Mapping[str, Any], field: str) -> None:
    """Raise OneLayerError unless ``values`` has exactly the names of ``expected``."""
    where = field or "the description"
    absent, unknown = (
        ", ".join(expected.keys() - values.keys()),
        short(sorted(values.keys() - expected.keys())),
    )
    if absent:
        raise OneLayerError(f"{where} lacks {absent}")
    if values.keys() - expected.keys():
        raise OneLayerError(f"{where} has {unknown}, which do not belong there")


@dataclass(frozen=True)
class Array:
    """An array, its axes named by words such as ``"q d"``: axes of one name have one size, of at least 1."""

    axes: str
    dtypes: tuple[str, ...] = FLOATS
    finite: bool = True

    def check(self, value: NDArray[Any], field: str, sizes: dict[str, int | None]) -> None:
        """Raise OneLayerError if an array is of another kind.

        Args:
            value: the array.
            field: its name.
            sizes: of the axes, by name; what is not yet in there is added. An axis of size None is left out.
        """
        _require(value.dtype.name in self.dtypes, field, f"of {' or '.join(self.dtypes)}", value.dtype.name)
        axes = [axis for axis in self.axes.split() if sizes.get(axis, 1) is not None]
        shape = "×".join(str(sizes.get(axis, axis)) for axis in axes) or "a single number"
        _require(value.ndim == len(axes), field, f"of shape {shape}", value.shape)
        for axis, size in zip(axes, value.shape, strict=True):
            _require(0 < size == sizes.setdefault(axis, size), field, f"of shape {shape}", value.shape)
        if self.finite and value.dtype.kind == "f" and not np.isfinite(value).all():
            raise OneLayerError(f"{field} must be finite, not NaN or infinite")


def check_arrays(
    values: Mapping[str, NDArray[Any]], kinds: Mapping[str, Array], sizes: dict[str, int | None]
) -> None:
    """Raise OneLayerError unless ``values`` has exactly the arrays of ``kinds``; see ``Array.check`` for ``sizes``."""
    check_names(values, kinds, "the list of tensors")
    for name, kind in kinds.items():
        kind.check(values[name], name, sizes)


def _require(fits: bool, field: str, expected: str, found: Any) -> None:
    if not fits:
        raise OneLayerError(f"{field} must be {expected}, not {short(found)}")
