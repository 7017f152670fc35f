"""Fitted estimators as files: one safetensors file with the coefficients and, as JSON, what they belong to."""

import json
from pathlib import Path
from typing import Any, Self

import numpy as np
import safetensors
from safetensors.numpy import save as to_bytes

from onelayer.artifacts import METADATA
from onelayer.errors import OneLayerError
from onelayer.files import write_whole

FORMAT = "onelayer-estimator-1"


def _plain(value: Any) -> Any:
    """Return NumPy's numbers and arrays as Python's, and a dictionary as pairs, for JSON makes texts of its keys."""
    if isinstance(value, dict):
        return [[_plain(key), _plain(item)] for key, item in value.items()]
    return value.tolist() if isinstance(value, np.ndarray | np.generic) else value


class Saved:
    """An estimator that can be saved and loaded.

    Subclasses name in ``_saved`` the fitted attributes that are kept: arrays, numbers, texts, or lists of these.
    """

    _saved: tuple[str, ...]

    def save(self, path: str | Path) -> None:
        """Write the fitted estimator to a file, whole or not at all.

        Raises:
            OneLayerError: if it is not fitted, the file cannot be written, or a parameter is nothing that JSON knows.
        """
        fitted = {name: getattr(self, name) for name in self._saved if hasattr(self, name)}
        if "coef_" not in fitted:
            raise OneLayerError(f"this {type(self).__name__} is not fitted yet: call fit before save")
        tensors, plain = {}, {}
        for name, value in fitted.items():
            is_tensor = isinstance(value, np.ndarray) and value.dtype.kind in "fiub"
            if is_tensor:
                tensors[name] = np.ascontiguousarray(value)
            else:
                plain[name] = _plain(value)
        given = self.get_params(deep=False)  # type: ignore[attr-defined]
        params = {name: _plain(value) for name, value in given.items()}
        of_objects = [name for name in plain if getattr(fitted[name], "dtype", None) == np.dtype(object)]
        metadata = {
            "format": FORMAT,
            "kind": type(self).__name__,
            "params": params,
            "attributes": plain,
            "of_objects": of_objects,
        }
        try:
            text = json.dumps(metadata)
        except TypeError as error:
            raise OneLayerError(f"cannot be saved: {error}") from error
        write_whole({Path(path): to_bytes(tensors, {METADATA: text})})

    @classmethod
    def load(cls, path: str | Path) -> Self:
        """Return the estimator that ``save`` wrote.

        Raises:
            OneLayerError: if the file cannot be read, or holds something else.
        """
        try:
            with safetensors.safe_open(path, "numpy") as file:
                metadata = json.loads((file.metadata() or {}).get(METADATA, "{}"))
                tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
        except (OSError, safetensors.SafetensorError, ValueError) as error:
            raise OneLayerError(f"{path}: cannot be read ({error})") from error
        if metadata.get("format") != FORMAT or metadata.get("kind") != cls.__name__:
            found = metadata.get("kind") or "something else"
            raise OneLayerError(f"{path}: holds {found}, not a {cls.__name__} of this version")
        params = metadata["params"].items()
        model = cls(**{name: dict(value) if isinstance(value, list) else value for name, value in params})
        for name, value in {**tensors, **metadata["attributes"]}.items():
            is_array = name in ("classes_", "feature_names_in_")
            dtype = object if name in metadata["of_objects"] else None
            setattr(model, name, np.array(value, dtype) if is_array else value)
        return model
