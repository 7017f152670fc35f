"""What a fitted softmax regression predicts: logits, classes, probabilities and its accuracy; and its graph in ONNX."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, log_expit, log_softmax, softmax
from sklearn.metrics import accuracy_score
from sklearn.utils.validation import check_is_fitted

from onelayer.data.rows import Block
from onelayer.estimators.array_api import (
    Space,
    in_numpy,
    in_space,
    labels_of,
    log_probabilities,
    outputs_of,
    plain,
    probabilities,
    to_numpy,
)
from onelayer.estimators.offsets import check_exports, check_has_offset, logit_offset
from onelayer.estimators.onnx_export import write_softmax_regression
from onelayer.estimators.parameters import plain_labels
from onelayer.estimators.scans import (
    accuracy_of_scan,
    check_features,
    check_scan,
    is_scan,
    of_each_row,
    refuse_beside_scan,
    write_of_scan,
)


class SoftmaxPredictions:
    """The methods of ``SoftmaxRegression`` that take new features."""

    classes_: NDArray[Any]
    coef_: Any
    intercept_: Any
    _dtype: str
    _has_offset: bool

    def decision_function(self, X: Any, offset: Any = None) -> NDArray[Any]:
        """Return the logits (n, q) of features X (n, d), or (n,) with two classes.

        Args:
            X: features.
            offset: as in ``fit``, if the model was fitted with one; likewise for all predictions.
        """
        logits, _ = self._logits(X, offset, "decision_function")
        return logits

    def predict(self, X: Any, offset: Any = None) -> NDArray[Any]:
        """Return the most probable class (n,) for features X (n, d)."""
        logits, space = self._logits(X, offset, "predict")
        if space is not None:
            return labels_of(logits, self.classes_, space)
        return np.asarray(self.classes_[_numbers_of_classes(logits)])

    def predict_proba(self, X: Any, offset: Any = None) -> NDArray[Any]:
        """Return the probability of each class (n, q) for features X (n, d)."""
        logits, space = self._logits(X, offset, "predict_proba")
        return _probabilities(logits) if space is None else probabilities(logits, space)

    def predict_log_proba(self, X: Any, offset: Any = None) -> NDArray[Any]:
        """Return the logarithm of each class's probability (n, q) for features X (n, d)."""
        logits, space = self._logits(X, offset, "predict_log_proba")
        if space is not None:
            return log_probabilities(logits, space)
        if logits.ndim == 1:
            return np.stack([log_expit(-logits), log_expit(logits)], axis=1)
        return np.asarray(log_softmax(logits, axis=1))

    def predict_to(self, rows: Any, path: str | Path, proba: bool = False) -> None:
        """Write the most probable classes of ``onelayer.scan``, of any number of rows, to a .parquet or .csv file.

        The column is called ``predicted_`` and the target; with ``proba`` one for the probability of each class
        follows, called ``p_`` and the class. What the scan leaves out is left out. The file appears when it is
        complete, or not at all.

        Raises:
            OneLayerError: if the scan has other features, a row cannot be read, or the file cannot be written.
        """
        check_scan(self, rows)
        classes, name, logits_of = (
            self.classes_,
            f"predicted_{rows.made.target.name}",
            self._logits_of_block(),
        )

        def columns(block: Block) -> dict[str, NDArray[Any]]:
            logits = logits_of(block)
            found = {name: np.asarray(classes[_numbers_of_classes(logits)])}
            if proba:
                found |= {f"p_{c}": p for c, p in zip(classes, _probabilities(logits).T, strict=True)}
            return found

        write_of_scan(rows, path, columns)

    def score(self, X: Any, y: Any = None, sample_weight: Any = None, offset: Any = None) -> float:
        """Return the share of the rows X (n, d), y (n,), or of a scan, by their weights (n,), whose class is right."""
        if is_scan(X):
            check_features(self, X)
            refuse_beside_scan({"y": y, "sample_weight": sample_weight, "offset": offset})
            logits_of = self._logits_of_block()
            return accuracy_of_scan(X, lambda block: _numbers_of_classes(logits_of(block)))
        predicted = self.predict(X, offset=offset)
        return float(
            accuracy_score(y if Space.of(y) else plain_labels(y), predicted, sample_weight=sample_weight)
        )

    def _logits(self, X: Any, offset: Any, method: str) -> tuple[NDArray[Any], Space | None]:
        """Return the logits (n, q), or (n,) with two classes, and where they are if not in NumPy."""
        if is_scan(X):
            check_features(self, X)
            refuse_beside_scan({"offset": offset})
            return of_each_row(X, self._logits_of_block()), None
        logits, space = outputs_of(self, X, method)
        check_has_offset(offset, self._has_offset)
        known = logit_offset(to_numpy(offset), logits.shape[0], self.classes_.shape[0])
        logits = logits if known is None else logits + in_space(known, space)
        return (logits[:, 0] if self.classes_.shape[0] == 2 else logits), space

    def _logits_of_block(self) -> Callable[[Block], NDArray[Any]]:
        """Return what predicts the logits of a block of a scan, (m, q), or (m,) with two classes."""
        weight, bias = plain(self).coef_, plain(self).intercept_

        def logits_of(block: Block) -> NDArray[Any]:
            logits: NDArray[Any] = np.asarray(block.features() @ weight.T) + bias
            logits = logits if block.offset is None else logits + block.offset
            return logits[:, 0] if len(bias) == 1 else logits

        return logits_of

    @in_numpy
    def to_onnx(self, path: str | Path) -> None:
        """Write the fitted model for ONNX runtimes, from "X" (n, d) to "label" (n,) and "probabilities" (n, q).

        Features and probabilities are of the type of the features at fit, to which the coefficients are rounded; labels
        are strings or int64, the classes themselves.

        Raises:
            OneLayerError: if the extra ``onelayer[onnx]`` is not installed, the model has an offset, a class is neither
                a string nor an integer, or the file cannot be written.
        """
        check_is_fitted(self)
        check_exports(self._has_offset)
        weight, bias = self.coef_.astype(self._dtype), self.intercept_.astype(self._dtype)
        write_softmax_regression(path, weight, bias, self.classes_)


def _probabilities(logits: NDArray[Any]) -> NDArray[Any]:
    """Return the probabilities (n, q) of logits (n, q), or (n,) with two classes."""
    if logits.ndim == 1:
        return np.stack([expit(-logits), expit(logits)], axis=1)
    return np.asarray(softmax(logits, axis=1))


def _numbers_of_classes(logits: NDArray[Any]) -> NDArray[np.int64]:
    """Return the number of the most probable class (n,) by logits (n, q), or (n,) with two classes."""
    return (logits > 0).astype(np.int64) if logits.ndim == 1 else np.asarray(logits.argmax(axis=1))
