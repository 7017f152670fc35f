"""What the file of a model has to have: its description and its tensors, and how they fit each other."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, get_args

from numpy.typing import NDArray

from onelayer.data.dataset import Missing
from onelayer.data.formula import FORMULA
from onelayer.errors import OneLayerError
from onelayer.schema import (
    Array,
    anything,
    check_arrays,
    either,
    flag,
    items,
    list_of,
    mapping,
    maybe,
    record,
    scalar,
    text,
    whole,
)

if TYPE_CHECKING:
    from onelayer.data.encoding import Encoding
    from onelayer.intervals import Errors

FORMAT = "onelayer-model-2"
FIRST_FORMAT = "onelayer-model-1"
UNITS = ("pixel / 255", "as in the table")

LEVELS = list_of(text(), distinct=True)
COLUMN = record(
    {
        "name": text(),
        "kind": text("number", "boolean", "category", "date"),
        "levels": LEVELS,
        "reference": maybe(text()),
        "parts": list_of(text(), distinct=True),
        "decimal": text(".", ","),
        "thousands": text("", ",", ".", " ", "'"),
    }
)
FIRST_COLUMN = record({"name": text(), "categories": maybe(LEVELS)})  # of earlier versions
ENCODING = record(
    {"missing": text(*get_args(Missing)), "columns": list_of(COLUMN, least=1), "formula": maybe(FORMULA)}
)
FIRST_ENCODING = record({"missing": text(*get_args(Missing)), "columns": list_of(FIRST_COLUMN, least=1)})
DESCRIPTION = record(
    {
        "kind": text("linear", "softmax", "mlp", "phm"),
        "data": text(),
        "target": text(),
        "classes": list_of(text(), distinct=True),
        "features": list_of(text()),
        "image_shape": maybe(items(whole(1), whole(1))),
        "encoding": maybe(either(ENCODING, FIRST_ENCODING)),
        "settings": mapping(scalar),
        "feature_unit": text(*UNITS),
    },
    optional={  # files had none at first
        "is_transposed": flag,
        "offset": maybe(text()),
        "errors": maybe(anything),
    },
)
ONE_LAYER = {"weight": Array("q d"), "bias": Array("q")}
TWO_LAYERS = {
    "weight": Array("q h"),
    "bias": Array("q"),
    "hidden_weight": Array("h d"),
    "hidden_bias": Array("h"),
}
FILLED = {"feature_mean": Array("d")}
TENSORS = (*TWO_LAYERS, *FILLED)


def checked(about: Any, tensors: Mapping[str, NDArray[Any]]) -> "tuple[Encoding | None, Errors | None]":
    """Return the encoding and the errors of a model with this description and these tensors.

    Raises:
        OneLayerError: if a part is of a wrong type or shape, or the parts do not fit each other.
    """
    DESCRIPTION(about, "")
    encoding, is_mean = None, False
    if about["encoding"] is not None:
        from onelayer.data.encoding import Encoding

        encoding = Encoding.from_json(about["encoding"])
        is_mean = encoding.missing == "mean"
    layers = TWO_LAYERS if about["kind"] == "mlp" else ONE_LAYER
    sizes: dict[str, Any] = {}
    kinds, about_errors = layers | FILLED if is_mean else layers, about.get("errors")
    if about_errors is not None:
        from onelayer.intervals import errors_in, expected

        kinds = kinds | expected(about_errors, tensors)
    check_arrays(tensors, kinds, sizes)
    classes, features, shape = about["classes"], about["features"], about["image_shape"]
    columns = [] if encoding is None else encoding.names
    for fits, problem in (
        (
            (about["kind"], bool(classes)) not in (("linear", True), ("softmax", False)),
            "classes and kind differ",
        ),
        *_column_checks(encoding),
        (len(classes) != 1, "there is one class only"),
        (
            not classes or (sizes["q"], len(classes)) == (1, 2) or sizes["q"] == len(classes),
            "classes and weight differ in number",
        ),
        (not features or len(features) == sizes["d"], "features and weight differ in number"),
        (shape is None or shape[0] * shape[1] == sizes["d"], "image_shape and weight differ"),
        (shape is not None or not about.get("is_transposed"), "is_transposed is for images"),
        (shape is None or encoding is None, "image_shape and encoding exclude each other"),
        (encoding is None or tuple(features) == encoding.features, "features and encoding differ"),
        (len(set(columns)) == len(columns), "a column is named twice"),
        (about["feature_unit"] == UNITS[shape is None], "feature_unit and image_shape differ"),
        (about.get("offset") not in columns, "the offset is a feature too"),
        (about.get("offset") is None or len(classes) <= 2, "an offset is for two classes, not more"),
        (about_errors is None or shape is None, "errors are not for images"),
    ):
        if not fits:
            raise OneLayerError(problem)
    errors = None if about_errors is None else errors_in(about_errors, tensors, len(classes))
    return encoding, errors


def _column_checks(encoding: "Encoding | None") -> Iterator[tuple[bool, str]]:
    """Yield whether what is said of each column fits its kind, and the problem if not."""
    for column in () if encoding is None else encoding.columns:
        is_known = column.reference is None or column.reference in column.levels
        has_levels, has_parts = (bool(column.levels), is_known), bool(column.parts)
        fits = has_levels == (column.kind == "category", True) and has_parts == (column.kind == "date")
        yield fits, f"levels, reference and parts do not fit a column of kind {column.kind}: {column.name!r}"
