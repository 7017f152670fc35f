"""Fitted estimators as files: a model, and beside it the parameters and what fitting found out."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from onelayer import formats
from onelayer.errors import OneLayerError
from onelayer.estimators.array_api import in_numpy
from onelayer.estimators.parameters import check_parameters
from onelayer.files import write_whole
from onelayer.model import Model
from onelayer.model_file import FORMAT, TENSORS
from onelayer.schema import (
    FLOATS,
    Array,
    Kind,
    anything,
    check_arrays,
    flag,
    items,
    list_of,
    mapping,
    maybe,
    number,
    record,
    scalar,
    text,
    whole,
)

FIRST_FORMAT = "onelayer-estimator-1"
PREFIX = "estimator."  # of the names of tensors that are not the model's
TARGET = "y"  # as scikit-learn calls it; an estimator is not told the name
LABELS = (
    "str",
    "object",
    "bool",
    "float64",
    "float32",
    *(f"{s}int{n}" for s in ("", "u") for n in (8, 16, 32, 64)),
)


def labels(value: Any, field: str) -> None:
    """The sorted classes, and the type of the array that they are kept in."""
    record({"dtype": text(*LABELS), "names": list_of(scalar, least=2)})(value, field)
    try:
        is_faithful = np.array(value["names"], value["dtype"]).tolist() == list(value["names"])
    except (TypeError, ValueError, OverflowError):
        is_faithful = False
    if not is_faithful:
        raise OneLayerError(f"{field}.names must be of type {value['dtype']}")


def parameter(value: Any, field: str) -> None:
    """A scalar, a list of them, or pairs: those of a dictionary, since JSON makes strings of its keys."""
    if not isinstance(value, list):
        scalar(value, field)
    else:
        list_of(items(scalar, scalar) if _is_dictionary(value) else scalar)(value, field)


def _is_dictionary(value: list[Any]) -> bool:
    """Return whether a parameter in a file is the pairs of a dictionary, not the numbers of an array."""
    return not value or isinstance(value[0], list)


# The covariance of contrasts of classes. Axes: s coefficients in all; m classes with p each; r directions.
COVARIANCE = {
    "_covariance_matrix": Array("s s"),
    "_covariance_null": Array("s r"),
    "_covariance_scale": Array("m p"),
    "_covariance_mean": Array("d"),
    "_covariance_column": Array("d"),
    "_covariance_is_open": Array("m p", ("bool",)),
}
# What an estimator keeps besides the model, if its _saved names it. Axes: d features; k targets; t likewise, but left
# out if y is (n,).
ARRAYS = {
    "std_err_": Array("t d", finite=False),
    "intercept_std_err_": Array("t", finite=False),
    "sigma_": Array("t", finite=False),
    "r2_": Array("t", finite=False),
    "_is_perfect": Array("k", ("bool",)),
    "_tss": Array("t", finite=False),
    "_half": Array("d r"),
    "_mean": Array("d"),
    "_basis": Array("d r"),
    "_size": Array("d"),
    "_column_means": Array("d"),
    "_column_variances": Array("d"),
    **COVARIANCE,
}
VALUES: dict[str, Kind] = {
    "classes_": labels,
    "rank_": maybe(whole()),
    "solver_": text(),
    "_n": whole(),
    "_log_weights": number(),
    "_level": maybe(number()),
    "_dtype": text(*FLOATS),
    "_has_offset": flag,
    "objective_": number(),
    "gap_": number(0, finite=False),
    "converged_": flag,
    "n_iter_": whole(),
    "history_": list_of(number()),
    "lr_": number(0),
    "_progress": items(whole(), number(0), whole(), whole()),
}
OF_INFERENCE = (
    "_tss",
    "_log_weights",
    "_half",
    "_mean",
    "_basis",
    "_size",
    "_level",
)  # where it is small enough
BY_ONE_SOLVER = (
    *("objective_", "gap_", "converged_", "n_iter_", "history_"),
    *("lr_", "_column_means", "_column_variances", "_progress"),
)
OPTIONAL = (  # files of earlier versions have no word on some of them
    *BY_ONE_SOLVER,
    *OF_INFERENCE,
    *COVARIANCE,
    "_has_offset",
)
PARAMETERS = mapping(parameter)
DESCRIPTION = record({"name": text(), "is_vector": flag, "params": PARAMETERS, "values": mapping(anything)})
FIRST_DESCRIPTION = record(
    {"kind": text(), "params": PARAMETERS, "attributes": mapping(anything), "of_objects": list_of(text())}
)


class UnfittedError(OneLayerError, NotFittedError):  # type: ignore[misc]
    """An estimator was asked for what only fitting brings."""


@dataclass(frozen=True)
class Parts:
    """What a fitted estimator consists of, in the types that a file can hold.

    Attributes:
        params: by name.
        coef: (t, d), or (d,) if y was (n,).
        intercept: (t,), or () likewise.
        features: the names of the features; empty if they have none.
        arrays: fitted attributes of ``ARRAYS``.
        values: fitted attributes of ``VALUES``.
    """

    params: Mapping[str, Any]
    coef: NDArray[Any]
    intercept: NDArray[Any]
    features: Sequence[str]
    arrays: Mapping[str, NDArray[Any]]
    values: Mapping[str, Any]

    def check(self, saved: Collection[str]) -> None:
        """Raise OneLayerError unless all is of its kind and fits; ``saved`` names what the estimator keeps."""
        sizes: dict[str, int | None] = {"t": None, "k": 1} if self.coef.ndim == 1 else {"k": len(self.coef)}
        coefficients = {"coef_": self.coef, "intercept_": self.intercept}
        check_arrays(coefficients, {"coef_": Array("t d"), "intercept_": Array("t")}, sizes)
        check_arrays(self.arrays, _expected(ARRAYS, saved, self.arrays), sizes)
        record(_expected(VALUES, saved, self.values))(self.values, "")
        PARAMETERS(self.params, "params")
        list_of(text())(self.features, "feature_names_in_")
        if self.features and len(self.features) != sizes["d"]:
            raise OneLayerError("feature_names_in_ and coef_ differ in number")
        n_classes = len(self.values["classes_"]["names"]) if "classes_" in saved else 0
        if n_classes and (sizes["t"], n_classes) != (1, 2) and sizes["t"] != n_classes:
            raise OneLayerError("classes_ and coef_ differ in number")

    def model(self) -> Model:
        """Return the model itself."""
        from onelayer.data.encoding import Column, Encoding

        classes = self.values["classes_"]["names"] if "classes_" in self.values else ()
        is_table = len(self.features) == len(set(self.features)) > 0
        return Model(
            weight=np.atleast_2d(self.coef),
            bias=np.atleast_1d(self.intercept),
            hidden_weight=None,
            hidden_bias=None,
            kind="softmax" if classes else "linear",
            data="",
            target=TARGET,
            classes=tuple(_class_name(label) for label in classes),
            features=tuple(self.features),
            image_shape=None,
            encoding=Encoding(tuple(map(Column, self.features))) if is_table else None,
            feature_mean=None,
            settings={},
        )


def _expected(kinds: Mapping[str, Any], saved: Collection[str], present: Collection[str]) -> dict[str, Any]:
    """Return the kinds of the attributes that an estimator has to have, and of those present that it may have."""
    return {
        name: kind
        for name, kind in kinds.items()
        if name in saved and (name in present or name not in OPTIONAL)
    }


def _class_name(label: Any) -> str:
    """Return a label as the command line reads it in a table: 3.0 as 3, True as true."""
    if isinstance(label, float) and label.is_integer():
        return str(int(label))
    return str(label).lower() if isinstance(label, bool) else str(label)


class Saved:
    """An estimator that can be saved and loaded.

    Subclasses name in ``_saved`` the fitted attributes that are kept; ``ARRAYS`` and ``VALUES`` say what they are.
    """

    _saved: tuple[str, ...]
    _parameter_constraints: dict[str, list[Any]]

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator to a file, whole or not at all.

        ``onelayer.Model.load`` opens it as well, and with it the command line, which finds columns by the names of the
        features. The target is called y there.

        Raises:
            OneLayerError: if it is not fitted (scikit-learn's ``NotFittedError`` too), if a parameter or a class is
                not a string, a number, a boolean or None, or if the file cannot be written.
        """
        if not hasattr(self, "coef_"):
            raise UnfittedError(f"this {type(self).__name__} is not fitted yet: call fit before save")
        parts = self._parts()
        try:
            parts.check(self._saved)
        except OneLayerError as error:
            raise OneLayerError(f"the {type(self).__name__} cannot be saved: {error}") from error
        about = {
            "name": type(self).__name__,
            "is_vector": parts.coef.ndim == 1,
            "params": parts.params,
            "values": parts.values,
        }
        arrays = {PREFIX + name: array for name, array in parts.arrays.items()}
        write_whole({Path(path): parts.model().to_bytes(about, arrays)})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Return the estimator that ``save`` wrote.

        Raises:
            OneLayerError: if the file cannot be read, is damaged, or holds something else.

        Warns:
            UserWarning: if it is of the first version, without a checksum.
        """
        content = formats.read(Path(path), FORMAT, FIRST_FORMAT)
        with formats.about_file(Path(path)):
            name, parts = _first_parts(content) if content.is_first else _parts(content)
            if name != cls.__name__:
                raise OneLayerError(f"it holds a {name}, not a {cls.__name__}")
            parts.check(cls._saved)
            found = cls._assembled(parts)
        formats.warn_of_no_checksum(content, Path(path))
        return found

    @in_numpy
    def _parts(self) -> Parts:
        fitted = {name: getattr(self, name) for name in self._saved if hasattr(self, name)}
        values = {name: _plain(fitted[name]) for name in VALUES if name in fitted}
        if "n_iter_" in fitted:
            [values["n_iter_"]] = values["n_iter_"]  # an array of one number, as scikit-learn has it
        if "classes_" in fitted:
            dtype = fitted["classes_"].dtype
            values["classes_"] = {
                "dtype": "str" if dtype.kind in "UT" else dtype.name,
                "names": values["classes_"],
            }
        return Parts(
            params={name: _plain(value) for name, value in self.get_params(deep=False).items()},  # type: ignore[attr-defined]
            coef=np.asarray(fitted["coef_"]),
            intercept=np.asarray(fitted["intercept_"]),
            features=[str(name) for name in fitted.get("feature_names_in_", ())],
            arrays={name: np.asarray(fitted[name]) for name in ARRAYS if name in fitted},
            values=values,
        )

    @classmethod
    def _assembled(cls, parts: Parts) -> Self:
        unknown = parts.params.keys() - cls().get_params(deep=False)  # type: ignore[attr-defined]
        if unknown:
            raise OneLayerError(f"{cls.__name__} has no parameter {', '.join(sorted(unknown))}")
        found = cls(**{name: _parameter(value) for name, value in parts.params.items()})
        check_parameters(found, cls._parameter_constraints)
        arrays = {"coef_": parts.coef, "intercept_": parts.intercept, **parts.arrays}
        attributes = {name: array.copy()[()] for name, array in arrays.items()} | dict(parts.values)
        if "n_iter_" in attributes:
            attributes["n_iter_"] = np.array([attributes["n_iter_"]], np.int32)
        if "classes_" in attributes:
            classes = attributes["classes_"]
            attributes["classes_"] = np.array(classes["names"], classes["dtype"])
        if parts.features:
            attributes["feature_names_in_"] = np.array(parts.features, object)
        attributes["n_features_in_"] = parts.coef.shape[-1]
        for name, value in attributes.items():
            setattr(found, name, value)
        return found


def _parts(content: formats.Content) -> tuple[str, Parts]:
    """Return the name of the estimator in a file, and its parts."""
    model, about = Model.from_content(content), content.description.get("estimator")
    if about is None:
        raise OneLayerError("it holds a model without an estimator; open it with onelayer.Model.load")
    DESCRIPTION(about, "estimator")
    coef, intercept = model.weight, model.bias
    if about["is_vector"]:
        if len(coef) > 1:
            raise OneLayerError("estimator.is_vector does not fit several targets")
        coef, intercept = coef[0], intercept.reshape(())
    rest = content.tensors.keys() - set(TENSORS)
    arrays = {name.removeprefix(PREFIX): content.tensors[name] for name in rest}
    return about["name"], Parts(about["params"], coef, intercept, model.features, arrays, about["values"])


def _first_parts(content: formats.Content) -> tuple[str, Parts]:
    """Return the same of a file of the first version, which kept numbers, names and classes in other places."""
    about = content.description
    FIRST_DESCRIPTION(about, "")
    values, arrays = dict(about["attributes"]), dict(content.tensors)
    for name in (*ARRAYS, "coef_", "intercept_"):
        if isinstance(values.get(name), float):
            arrays[name] = np.asarray(values.pop(name))
    for name in ("coef_", "intercept_"):
        if name not in arrays:
            raise OneLayerError(f"{name} is missing")
    if "classes_" in arrays:
        classes = arrays.pop("classes_")
        values["classes_"] = {"dtype": classes.dtype.name, "names": classes.tolist()}
    elif "classes_" in values:
        dtype = "object" if "classes_" in about["of_objects"] else "str"
        values["classes_"] = {"dtype": dtype, "names": values["classes_"]}
    coef, intercept = arrays.pop("coef_"), arrays.pop("intercept_")
    features = values.pop("feature_names_in_", [])
    values["_dtype"] = coef.dtype.name  # kept only since then
    if about["kind"] == "LinearRegression":  # likewise
        arrays["_is_perfect"] = np.zeros(len(np.atleast_2d(coef)), bool)
    if coef.shape[-1:] != (values.pop("n_features_in_", None),):
        raise OneLayerError("n_features_in_ and coef_ differ")
    return about["kind"], Parts(about["params"], coef, intercept, features, arrays, values)


def _parameter(value: Any) -> Any:
    """Return a parameter as the estimator takes it: a dictionary of pairs, an array of numbers."""
    if not isinstance(value, list):
        return value
    return dict(value) if _is_dictionary(value) else np.array(value)


def _plain(value: Any) -> Any:
    """Return NumPy's numbers and arrays as Python's, and a dictionary as pairs."""
    if isinstance(value, dict):
        return [[_plain(key), _plain(item)] for key, item in value.items()]
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value
