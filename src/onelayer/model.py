"""A trained model in the user's units: what it predicts, and the file it is kept in."""

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from onelayer import formats
from onelayer.data.reading import AS_FOUND, Reading
from onelayer.data.rows import PIXEL_UNIT, block_rows
from onelayer.engines.threads import one_thread
from onelayer.errors import OneLayerError, named
from onelayer.files import whole_file, write_whole
from onelayer.model_file import FIRST_FORMAT, FORMAT, TENSORS, UNITS, checked
from onelayer.run_folder import model_in

if TYPE_CHECKING:
    from onelayer.data.cells import Unknown
    from onelayer.data.encoding import Encoding
    from onelayer.inference.covariance import Interval
    from onelayer.inputs import Inputs
    from onelayer.intervals import Errors
    from onelayer.predictions import Written


@dataclass(frozen=True, eq=False)
class Model:
    """A trained model in the user's units: raw table columns, or pixels between 0 and 1.

    Attributes:
        weight: (q, h) and
        bias: (q,) of the output layer. With two classes q may be 1: then the output is the logit of the second.
        hidden_weight: (h, d) and
        hidden_bias: (h,) of an MLP's hidden layer, else None; then h is d.
        kind: ``"linear"``, ``"softmax"``, ``"mlp"`` or ``"phm"``; a PHM layer is kept as its whole weight.
        data: the name of the data set it was trained on.
        target: the name of the target.
        classes: the names of the classes; empty for regression.
        features: the names of the features; empty for images, and where they have none.
        image_shape: (height, width) of the images it takes, or None.
        encoding: how table columns become features, or None.
        feature_mean: (d,) what stands in for a missing feature, or None.
        settings: how it was trained.
        is_transposed: whether rows and columns of its images change places when they are read from IDX files, as they
            did in training.
        offset: the name of the column that is added to the prediction, or to the logit of the second of two classes.
        errors: how far the coefficients may be from the true ones, where it is known.

    Example:
        >>> import pyarrow as pa
        >>> from onelayer import houses, train
        >>> model = train(houses()).model
        >>> model.predict(pa.table({"area": [1500, 900], "age": [20, 50]})).round(1)
        array([198670.2, 108546.6])
    """

    weight: NDArray[np.floating]
    bias: NDArray[np.floating]
    hidden_weight: NDArray[np.floating] | None
    hidden_bias: NDArray[np.floating] | None
    kind: str
    data: str
    target: str
    classes: tuple[str, ...]
    features: tuple[str, ...]
    image_shape: tuple[int, int] | None
    encoding: "Encoding | None"
    feature_mean: NDArray[np.floating] | None
    settings: Mapping[str, Any]
    is_transposed: bool = False
    offset: str | None = None
    errors: "Errors | None" = None

    @property
    def n_features(self) -> int:
        """The number of features d it takes."""
        return int((self.weight if self.hidden_weight is None else self.hidden_weight).shape[1])

    def predict(self, source: Any) -> NDArray[Any]:
        """Return what is predicted for each row: names of classes (n,), or numbers (n,), or (n, q) of q targets.

        Args:
            source: a pandas, polars or Arrow table with the columns that the model was trained on, in any order and
                perhaps with others; a path or the name of a bundled data set, as on the command line; or an array
                (n, d) of features, or of images as bytes or as floats between 0 and 1. Images in files are transposed
                if those for training were; an array is taken as it is.

        Returns:
            An array aligned with the rows. Of a model that was trained with ``missing="drop"``, an incomplete row has
            None for its class, or NaN for its number.

        Raises:
            OneLayerError: if the source is of another kind or size than in training, lacks a column or a value, or
                cannot be read.
        """
        return self._each(source, self._predicted)

    def predict_proba(self, source: Any) -> NDArray[np.float64]:
        """Return the probability of each class (n, q), NaN for an incomplete row; see ``predict``.

        Raises:
            OneLayerError: if the model predicts a number, and as ``predict``.
        """
        self.check_classes()
        return self._each(source, lambda inputs: np.exp(log_softmax(self._outputs_of(inputs))))

    def predict_interval(
        self, source: Any, interval: "Interval" = "confidence", level: float = 0.95
    ) -> NDArray[np.float64]:
        """Return the lower and upper end of an interval for each row (n, 2), or of classes for each of q (n, q, 2).

        The errors are those that training found, classical or robust. Incomplete rows, and what the training rows did
        not determine, are NaN.

        Args:
            source: see ``predict``.
            interval: ``"confidence"`` for the mean of a number, or the probability of each class; ``"prediction"`` for
                a new observation of a number.
            level: the probability with which an interval holds what it is for.

        Raises:
            OneLayerError: if the model keeps no errors, with the reason; if ``level`` is not between 0 and 1; and as
                ``predict``.
        """
        self.check_interval(interval, level)
        return self._each(source, lambda inputs: self._interval(inputs, interval, level))

    def predict_to(
        self,
        source: Any,
        path: str | Path,
        proba: bool = False,
        interval: "Interval | None" = None,
        level: float = 0.95,
        unknown: "Unknown | None" = None,
        *,
        reading: Reading = AS_FOUND,
    ) -> "Written":
        """Write the rows of a table, of any size, with columns of what is predicted for each, to a file.

        The table is read and written batch by batch. Its columns stay as they are; what is predicted for an incomplete
        row is null. The file appears when it is complete, or not at all.

        Args:
            source: see ``predict``; a folder of files, a pattern, a database or, by ``reading``, a query too.
            path: of the file, which ends in ``.csv`` or ``.parquet``.
            proba: whether a column for the probability of each class is wanted.
            interval: whether columns for the ends of an interval are; see ``predict_interval``.
            level: the probability with which an interval holds what it is for.
            unknown: what to do with a row that has a category which training did not have: ``"error"``, or
                ``"ignore"`` it, so that nothing is predicted for it. If it is not given, a model that was trained with
                ``missing="drop"`` ignores, and others raise an error.
            reading: how to read the table, where it does not say so itself.

        Returns:
            How many rows were written, and for how many of them nothing is predicted.

        Raises:
            OneLayerError: if the file cannot be written, a column of the table has the name of one that is predicted,
                and as ``predict``, ``predict_proba`` and ``predict_interval``.
        """
        from onelayer.data.batches import writer_for
        from onelayer.predictions import Wanted, write_predictions

        wanted, writer_to = Wanted(self, proba, interval, level), writer_for(Path(path))
        with whole_file(Path(path)) as file, writer_to(file) as writer:
            return write_predictions(wanted, source, writer, reading, unknown)

    def _each(self, source: Any, of: "Callable[[Inputs], NDArray[Any]]") -> NDArray[Any]:
        """Return what a function finds for the complete rows (m, …) of each batch of a source, for all rows (n, …)."""
        from onelayer.inputs import inputs_for

        parts = []
        for inputs in inputs_for(self, source):
            with named(inputs.name):
                parts.append(inputs.aligned(of(inputs)))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _outputs_of(self, inputs: "Inputs") -> NDArray[np.float64]:
        return self.outputs(inputs.X, inputs.offset, inputs.numbers)

    def _predicted(self, inputs: "Inputs") -> NDArray[Any]:
        """Return the names of classes (m,), or numbers (m,) or (m, q)."""
        outputs: NDArray[Any] = self._outputs_of(inputs)
        if self.classes:
            return np.asarray(np.array(self.classes, object)[outputs.argmax(axis=1)])
        return outputs[:, 0] if len(self.bias) == 1 else outputs

    def _interval(self, inputs: "Inputs", interval: "Interval", level: float) -> NDArray[np.float64]:
        assert self.errors is not None
        outputs, X = self._outputs_of(inputs), self._filled(inputs.X.astype(np.float64, copy=False))
        if not self.classes:
            return self.errors.of_means(X, outputs[:, 0], interval, level)
        weight, bias = self.weight.astype(np.float64), self.bias.astype(np.float64)
        offset = inputs.offset if len(self.bias) == 1 else self._added(inputs.offset)
        return self.errors.of_probabilities(X, weight, bias, offset, level)

    def check_interval(self, interval: "Interval", level: float) -> None:
        """Raise OneLayerError if the model has no such intervals; see ``predict_interval``."""
        from onelayer.inference.coefficients import check_level

        check_level(level)
        if interval not in ("confidence", "prediction"):
            raise OneLayerError(f"interval must be confidence or prediction, not {interval!r}")
        if self.classes and interval == "prediction":
            raise OneLayerError(
                "intervals are of the classes' probabilities (confidence); a class itself has none"
            )
        if self.errors is None:
            raise OneLayerError(
                "the model keeps no errors of its coefficients: only one layer on a table has them, solved exactly "
                "and without a penalty"
            )

    def check_classes(self) -> None:
        """Raise OneLayerError if the model predicts a number, which has no probabilities."""
        if not self.classes:
            raise OneLayerError("probabilities are for classes; this model predicts a number")

    def outputs(
        self,
        X: Any,
        offset: NDArray[np.float64] | None = None,
        numbers: NDArray[np.int64] | None = None,
    ) -> NDArray[np.float64]:
        """Return the logits (n, q), or the predicted numbers (n, q), of features X (n, d), computed in float64.

        X is dense, or for one layer perhaps in CSR.

        Bytes are pixels, worth 1/255 each, if the model is one of images.

        Args:
            X: features (n, d).
            offset: what the rows have in the column ``offset`` (n, 1), of a model that has one.
            numbers: what errors call the rows (n,); 1 to n if they are not given.

        Raises:
            OneLayerError: if X has another shape, the offset is missing, or an output is not finite.
        """
        if (offset is None) != (self.offset is None):
            raise OneLayerError(
                "the model has no offset"
                if self.offset is None
                else f"the model adds the offset {self.offset!r} to its outputs, and needs that of each row"
            )
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise OneLayerError(f"the model takes features (n, {self.n_features}), not an array {X.shape}")
        size = block_rows(max(self.n_features, self.weight.shape[1]))
        starts = range(0, max(1, X.shape[0]), size)
        # Products with a thin weight are too small to share: threads would wait for each other.
        is_thin, first = self.hidden_weight is None, self._first_weight(X.dtype)
        with one_thread() if is_thin else nullcontext(), np.errstate(over="ignore", invalid="ignore"):
            found = np.concatenate([self._outputs(X[start : start + size], first) for start in starts])
        if offset is not None:
            found = found + self._added(offset)
        if not np.isfinite(found).all():
            place = int(np.argmin(np.isfinite(found).all(axis=1)))
            row = place + 1 if numbers is None else int(numbers[place])
            raise OneLayerError(f"row {row}: a feature is missing or too large to compute with")
        return found

    def _outputs(self, stored: Any, first: NDArray[np.float64]) -> NDArray[np.float64]:
        X = self._filled(stored.astype(np.float64, copy=False))
        if self.hidden_bias is not None:
            X = np.maximum(X @ first.T + self.hidden_bias, 0)
            first = self.weight.astype(np.float64)
        outputs: NDArray[np.float64] = X @ first.T + self.bias
        if len(self.classes) == 2 and len(self.bias) == 1:
            return np.hstack([np.zeros_like(outputs), outputs])
        return outputs

    def _filled(self, X: Any) -> Any:
        """Return features with the mean of the training rows in the place of missing ones."""
        return X if self.feature_mean is None else np.where(np.isnan(X), self.feature_mean, X)

    def _added(self, offset: NDArray[np.float64] | None) -> NDArray[np.float64] | None:
        """Return what an offset (n, 1) adds to the outputs: of two classes, to that of the second."""
        return np.hstack([np.zeros_like(offset), offset]) if self.classes and offset is not None else offset

    def _first_weight(self, stored: np.dtype[Any]) -> NDArray[np.float64]:
        """Return the weight of the first layer, for features as they are stored."""
        weight = (self.weight if self.hidden_weight is None else self.hidden_weight).astype(np.float64)
        return weight * PIXEL_UNIT if self.image_shape is not None and stored == np.uint8 else weight

    def probabilities(self, X: Any, offset: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """Return the probability of each class (n, q) for features X (n, d).

        Raises:
            OneLayerError: if the model predicts a number, and as ``outputs``.
        """
        self.check_classes()
        return np.exp(log_softmax(self.outputs(X, offset)))

    def save(self, path: str | Path) -> None:
        """Write the model as one safetensors file.

        Raises:
            OneLayerError: if the file cannot be written, or the parts of the model do not fit each other.
        """
        write_whole({Path(path): self.to_bytes()})

    def to_bytes(
        self, estimator: Mapping[str, Any] | None = None, arrays: Mapping[str, NDArray[Any]] | None = None
    ) -> bytes:
        """Return the content of the file that ``save`` writes, together with what an estimator adds to it.

        Raises:
            OneLayerError: if the parts of the model do not fit each other.
        """
        tensors = {name: value for name in TENSORS if (value := getattr(self, name)) is not None}
        about = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in TENSORS}
        about["settings"] = {name: self.settings[name] for name in sorted(self.settings)}
        about["encoding"] = None if self.encoding is None else self.encoding.to_json()
        about["errors"] = None
        if self.errors is not None:
            about["errors"] = self.errors.about()
            tensors |= self.errors.arrays()
        about["feature_unit"] = UNITS[self.image_shape is None]
        try:
            checked(about, tensors)
            description = {"model": about, "estimator": estimator}
            return formats.to_bytes(FORMAT, description, {**tensors, **(arrays or {})})
        except OneLayerError as error:
            raise OneLayerError(f"the model cannot be saved: {error}") from error

    @staticmethod
    def load(path: str | Path) -> "Model":
        """Read a model, or the model in a fitted estimator; ``path`` is the file or the folder it is in.

        Raises:
            OneLayerError: if the file is missing, damaged or not a model of onelayer, or its run has not finished.

        Warns:
            UserWarning: if it is of the first version, without a checksum.
        """
        path = Path(path)
        if path.is_dir():
            path = model_in(path)
        content = formats.read(path, FORMAT, FIRST_FORMAT)
        with formats.about_file(path):
            model = Model.from_content(content)
        formats.warn_of_no_checksum(content, path)
        estimator: Any = content.description.get("estimator")
        values = estimator.get("values") if isinstance(estimator, dict) else None
        if isinstance(values, dict) and values.get("_has_offset"):
            raise OneLayerError(
                f"{path}: the model was fitted by an estimator with an offset, for which no column is named: open it "
                "with that estimator's load"
            )
        return model

    @staticmethod
    def from_content(content: formats.Content) -> "Model":
        """Return the model in a file; tensors that ``to_bytes`` added for an estimator are left to it.

        Raises:
            OneLayerError: if a part is of a wrong type or shape, or the parts do not fit each other.
        """
        about: Any = content.description.get("about" if content.is_first else "model")
        tensors = content.tensors
        if content.description.get("estimator") is not None:
            tensors = {name: tensor for name, tensor in tensors.items() if name in TENSORS}
        encoding, errors = checked(about, tensors)
        return Model(
            **{name: tensors.get(name) for name in TENSORS},  # type: ignore[arg-type]
            kind=about["kind"],
            data=about["data"],
            target=about["target"],
            classes=tuple(about["classes"]),
            features=tuple(about["features"]),
            image_shape=None if about["image_shape"] is None else tuple(about["image_shape"]),
            encoding=encoding,
            settings=about["settings"],
            is_transposed=about.get("is_transposed", False),
            offset=about.get("offset"),
            errors=errors,
        )


def log_softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the logarithms of the probabilities (n, q) that logits (n, q) stand for, however large they are."""
    below_largest = logits - logits.max(axis=1, keepdims=True)
    found: NDArray[np.float64] = below_largest - np.log(np.exp(below_largest).sum(axis=1, keepdims=True))
    return found
