"""Arrays that are given as rows: what is wrong with them said at once, and the types that solvers take."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.data.spool import Spool
from onelayer.errors import OneLayerError

Array = NDArray[Any]

LARGEST_SHORT = np.iinfo(np.int32).max
NUMBERS = "; if these are numbers to predict, say so: Rows(X, y, 'regression')"


def array_of(values: Any, what: str) -> Array:
    """Return numbers as an array, in this machine's byte order and where it reads them at once.

    (A column of records, or a view of a file's bytes, may begin between two addresses of numbers.)
    """
    if type(values) is np.ndarray and values.dtype == np.float64 and values.flags.aligned:
        return values
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:  # a tensor on a GPU, ragged lists
        raise OneLayerError(f"{what} cannot be read as an array: {error}") from error
    if array.dtype.kind not in "biuf":
        raise OneLayerError(f"{what} must be numbers, not {array.dtype}")
    return np.require(array, array.dtype.newbyteorder("="), "A")


def features_of(X: Any) -> Any:
    """Return features (n, d): floats, bytes or CSR as they are, other numbers as float64."""
    if isinstance(X, Spool):
        return X
    if hasattr(X, "tocsr"):
        X = X.tocsr()
        if (
            not X.has_canonical_format
        ):  # values that are stored in two parts have other squares than their sum
            X = X.copy()
            X.sum_duplicates()
        index = np.int32 if max(X.nnz, *X.shape) <= LARGEST_SHORT else np.int64
        if X.indices.dtype != index:  # else each pass over the rows would make them shorter
            X = type(X)((X.data, X.indices.astype(index), X.indptr.astype(index)), shape=X.shape)
        return X if X.dtype in (np.float32, np.float64) else X.astype(np.float64)
    X = array_of(X, "the features")
    if X.ndim != 2:
        raise OneLayerError(f"features must be (n, d), not {X.shape}")
    return X if X.dtype in (np.uint8, np.float32, np.float64) else X.astype(np.float64)


def labels_of(y: Array) -> NDArray[np.int64]:
    """Return class numbers (n,) from 0."""
    if y.ndim != 1 or y.dtype.kind not in "biu":
        raise OneLayerError(f"class numbers must be whole numbers (n,), not {y.shape} of {y.dtype}")
    labels = y.astype(np.int64, copy=False)
    if len(labels) and labels.min() < 0:
        row = int((labels < 0).argmax())
        raise OneLayerError(f"label {labels[row]} in row {row + 1}: classes are numbered from 0{NUMBERS}")
    return labels


def numbers_of(y: Array) -> NDArray[np.float64]:
    """Return numbers to predict (n, q)."""
    if y.ndim not in (1, 2):
        raise OneLayerError(f"numbers to predict must be (n,) or (n, q), not {y.shape}")
    numbers = y.astype(np.float64, copy=False)
    return numbers[:, None] if y.ndim == 1 else numbers


def weights_of(c: Any) -> NDArray[np.float64]:
    """Return weights (n,)."""
    weights = array_of(c, "the weights").astype(np.float64, copy=False)
    if weights.ndim != 1 or not np.isfinite(weights).all() or (weights < 0).any():
        raise OneLayerError("weights must be numbers (n,), finite and not negative")
    return weights


def offset_of(offset: Any) -> NDArray[np.float64]:
    """Return offsets (n, k)."""
    values = array_of(offset, "the offset").astype(np.float64, copy=False)
    if values.ndim not in (1, 2) or not np.isfinite(values).all():
        raise OneLayerError("offsets must be numbers (n,) or (n, k), and finite")
    return values[:, None] if values.ndim == 1 else values
