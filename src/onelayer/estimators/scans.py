"""Estimators that take the rows of a scan in the place of X and y."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from onelayer.data.rows import Block
from onelayer.diagnostics import ErrorMoments
from onelayer.errors import OneLayerError
from onelayer.estimators.parameters import class_weights
from onelayer.files import whole_file

Array = NDArray[np.float64]


def is_scan(X: Any) -> bool:
    """Tell the rows of ``onelayer.scan``, without importing what reads them."""
    return type(X).__module__ == "onelayer.data.scan"


def begin_with(estimator: Any, rows: Any, task: str, given: Mapping[str, Any]) -> None:
    """Set what an estimator knows of its features, if the rows of a scan are for it.

    Raises:
        OneLayerError: if they are for another task, or something is given that the scan names itself.
    """
    kinds = {"regression": "numbers", "classes": "classes"}
    if rows.task != task:
        raise OneLayerError(
            f"the target {rows.made.target.name!r} holds {kinds[rows.task]}, and {type(estimator).__name__} predicts "
            f"{kinds[task]}"
            + ("; as_classes=True in scan makes classes of numbers" if task == "classes" else "")
        )
    refuse_beside_scan(given)
    estimator.n_features_in_ = rows.n_features
    estimator.feature_names_in_ = np.array(rows.features, object)


def check_features(estimator: Any, rows: Any) -> None:
    """Raise OneLayerError if the features of a scan are not those that an estimator was fitted to."""
    check_is_fitted(estimator)
    known = getattr(estimator, "feature_names_in_", None)
    if rows.n_features != estimator.n_features_in_:
        raise OneLayerError(
            f"the scan has {rows.n_features} features, and {type(estimator).__name__} was fitted to "
            f"{estimator.n_features_in_}"
        )
    strange = [] if known is None else [f for f, old in zip(rows.features, known, strict=True) if f != old]
    if strange:
        raise OneLayerError(
            f"the scan has other features than {type(estimator).__name__} was fitted to, such as {strange[0]!r}"
        )


def refuse_beside_scan(given: Mapping[str, Any]) -> None:
    """Raise OneLayerError if something is given that a scan names itself."""
    for name, value in given.items():
        if value is not None:
            raise OneLayerError(
                f"a scan has its own {name}: name the column in onelayer.scan, and leave {name} out"
            )


def labels_of_scan(rows: Any) -> NDArray[Any]:
    """Return the classes (q,) of a scan in order: numbers if the column holds numbers, else strings."""
    names = list(rows.classes)
    kind = rows.made.profiles[rows.made.target.name].type_name
    if kind.startswith(("int", "uint")):
        return np.array([int(name) for name in names])
    if kind == "bool":
        return np.array([name == "true" for name in names])
    return np.array(names)


def weighed_classes(rows: Any, given: Any, classes: NDArray[Any]) -> Any:
    """Return the rows with the weights that the parameter ``class_weight`` gives to classes, if it does.

    Raises:
        OneLayerError: if it is malformed, or a class has no row with a weight.
    """
    if not rows.has_weights and rows.made.encoding.missing != "drop" and given is None:
        return rows
    [sums] = rows.weights_of([np.arange(rows.n_parts)], len(classes))
    if given is not None:
        rows = rows.with_class_weights(class_weights(given, classes, np.arange(len(classes)), sums))
        sums = sums * rows.recipe.class_weights
    if not sums.all():
        raise OneLayerError(
            f"no row of class {classes.tolist()[int(sums.argmin())]!r} has a weight: leave such rows out"
        )
    return rows


def of_each_row(rows: Any, predict: Callable[[Block], NDArray[Any]]) -> NDArray[Any]:
    """Return what is predicted for each row (n, …), in order."""
    [parts] = rows.sum(lambda block: [[predict(block)]])
    return np.concatenate(parts)


def check_scan(estimator: Any, rows: Any) -> None:
    """Raise OneLayerError if something is not a scan of the features that an estimator was fitted to."""
    if not is_scan(rows):
        raise OneLayerError(f"predict_to takes the rows of onelayer.scan, not {type(rows).__name__}")
    check_features(estimator, rows)


def write_of_scan(
    rows: Any, path: str | Path, predict: Callable[[Block], Mapping[str, NDArray[Any]]]
) -> None:
    """Write what is predicted for the rows of a scan, by the names of columns, block by block.

    Raises:
        OneLayerError: if a row cannot be read, or the file cannot be written.
    """
    import pyarrow as pa

    from onelayer.data.batches import writer_for

    writer_to = writer_for(Path(path))
    with whole_file(Path(path)) as file, writer_to(file) as writer:
        for block in (block for unit in rows.units for block in rows.recipe.blocks(unit) if len(block)):
            writer.write(pa.RecordBatch.from_pydict({k: _column(v) for k, v in predict(block).items()}))


def _column(values: NDArray[Any]) -> Any:
    """Return numbers or labels (n,) as an Arrow array."""
    import pyarrow as pa

    from onelayer.data.arrow import column_of

    return column_of(values) if values.dtype.kind in "fiu" else pa.array(values.tolist())


def r2_of_scan(rows: Any, predict: Callable[[Block], NDArray[Any]]) -> float:
    """Return R² of predictions (m,) for the blocks of rows, by their weights."""
    _, moments = ErrorMoments.of_blocks(rows, lambda block: predict(block) - block.y[:, 0])
    return float("nan") if moments.r2 is None else moments.r2


def accuracy_of_scan(rows: Any, predict: Callable[[Block], NDArray[np.int64]]) -> float:
    """Return the share of rows, by their weights, whose predicted class number is right."""

    def terms(block: Block) -> list[float]:
        c = block.row_weights()
        return [float(c.sum()), float(c @ (predict(block) == block.y))]

    total, right = rows.sum(terms)
    return float(right / total)
