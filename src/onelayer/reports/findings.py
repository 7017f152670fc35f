"""What there is to tell about a finished run: numbers and names, without a sentence or a tag."""

import platform
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from onelayer import diagnostics
from onelayer.data.rows import Rows
from onelayer.data.scaling import RunningMoments
from onelayer.errors import OneLayerError
from onelayer.experiments import Run
from onelayer.inference import Coefficients
from onelayer.model import Model, log_softmax
from onelayer.reports.judged import Classification, Regression, classification, regression
from onelayer.reports.path import Path, path
from onelayer.reports.terms import Equation, Group, equations, feature_names, groups
from onelayer.scoring import regression_scores

Array = NDArray[np.float64]

MOST_COMPARED = 8  # columns whose means are shown
LEAST_ROWS = 10  # for each coefficient, by a rule of thumb


@dataclass(frozen=True, eq=False)
class Extras:
    """What a page may tell besides what the run itself says.

    Attributes:
        coefficients: how well the data determine them.
        notes: what was done to the data, a sentence each.
        warnings: what a reader should beware of, a sentence each.
        folds: the scores of each part of a cross-validation, by the names that ``Score`` has.
        pooled: the scores over the rows of all parts, likewise; the means of those of the parts if not given.
        command: what the user typed.
    """

    coefficients: Coefficients | None = None
    notes: Sequence[str] = ()
    warnings: Sequence[str] = ()
    folds: Sequence[Mapping[str, float]] = ()
    command: str = ""
    pooled: Mapping[str, float] = field(default_factory=dict)

    @staticmethod
    def of(run: Run, command: str) -> "Extras":
        """Return what is known of a run itself, and the command that began it."""
        dataset, validated = run.prepared.dataset, run.cross_validation
        folds = () if validated is None else validated.folds
        pooled = {} if validated is None else validated.scores
        return Extras(run.coefficients, dataset.notes, run.warnings, folds, command, pooled)


NOTHING_MORE = Extras()


@dataclass(frozen=True)
class Score:
    """How good the model is on some rows.

    Attributes:
        name: ``accuracy``, ``loss`` (mean cross-entropy, nats), ``r2`` or ``rmse``.
        part: ``train``, ``valid`` or ``test``; ``folds`` for a cross-validation.
        value: None for R² of a target that does not vary.
        interval: at ``diagnostics.LEVEL``, or None; of folds the lowest and the highest.
        rows: how many rows; of folds, how many folds.
    """

    name: str
    part: str
    value: float | None
    interval: tuple[float, float] | None
    rows: int


@dataclass(frozen=True)
class Compared:
    """A column's mean in the training rows and in those that the model is judged by."""

    feature: str
    means: tuple[float, float]
    difference: float
    is_large: bool


@dataclass(frozen=True, eq=False)
class Findings:
    """What there is to tell about a run.

    Attributes:
        run: the finished run: names, plan, history, and how many parameters.
        extras: what was given besides.
        rows: how many there are of each part.
        scores: those of the rows that the model is judged by, then the others.
        equations: what the model adds up; none for images and hidden layers.
        groups: its coefficients, likewise.
        path: the penalties that the model's was chosen from, if it was.
        columns: those whose means differ most between the training rows and the others.
        rows_per_coefficient: of the smallest class, if there are classes; None where that says nothing.
        results: how predictions relate to what is true.
        model_sha256: of the model's file.
        versions: of what computed it.
    """

    run: Run
    extras: Extras
    rows: dict[str, int]
    scores: tuple[Score, ...]
    equations: tuple[Equation, ...]
    groups: tuple[Group, ...]
    path: Path | None
    columns: tuple[Compared, ...]
    rows_per_coefficient: float | None
    results: Regression | Classification
    model_sha256: str
    versions: dict[str, str]

    @property
    def model(self) -> Model:
        """The trained model."""
        return self.run.model

    @property
    def judged_by(self) -> str:
        """The part whose rows the model is judged by."""
        return self.run.prepared.judged_by[0]

    @property
    def is_scarce(self) -> bool:
        """Whether there are few rows for so many coefficients."""
        return self.rows_per_coefficient is not None and self.rows_per_coefficient < LEAST_ROWS


def findings(run: Run, extras: Extras = NOTHING_MORE) -> Findings:
    """Return what there is to tell about a finished run.

    Raises:
        OneLayerError: if the model predicts several numbers a row.
    """
    model, prepared = run.model, run.prepared
    if not model.classes and len(model.bias) > 1:
        raise OneLayerError(f"a report is of one target; this model predicts {len(model.bias)} numbers a row")
    is_table = model.image_shape is None
    is_one_layer = is_table and model.hidden_weight is None
    moments = RunningMoments.of_rows(prepared.dataset.train) if is_table else None
    deviation = None if moments is None else np.sqrt(moments.variance)
    named = deviation if is_one_layer else None
    parts = {"train": prepared.dataset.train, "valid": None, "test": prepared.dataset.test}
    if prepared.held_out_raw is not None:
        parts[prepared.held_out_name] = prepared.held_out_raw
    return Findings(
        run=run,
        extras=extras,
        rows={part: len(rows) for part, rows in parts.items() if rows is not None}
        | {"train": len(prepared.all_rows)},
        scores=(*_folds(extras.folds, extras.pooled), *_scores(run, parts)),
        equations=() if named is None else equations(model, named),
        groups=() if named is None else groups(model, named, extras.coefficients),
        path=None if named is None else path(run, named),
        columns=() if moments is None else _columns(run, moments),
        rows_per_coefficient=_rows_per_coefficient(run) if is_one_layer else None,
        results=classification(run) if model.classes else regression(run, moments),
        model_sha256=sha256(model.to_bytes()).hexdigest(),
        versions={
            "onelayer": version("onelayer"),
            "Python": platform.python_version(),
            "NumPy": np.__version__,
        },
    )


def _folds(folds: Sequence[Mapping[str, float]], pooled: Mapping[str, float]) -> list[Score]:
    """Return each score over all folds, and the lowest and the highest if there are several."""
    found = []
    for name in folds[0] if folds else ():
        values = [fold[name] for fold in folds]
        value = pooled.get(name, float(np.mean(values)))
        found.append(
            Score(name, "folds", value, (min(values), max(values)) if len(folds) > 1 else None, len(folds))
        )
    return found


def _scores(run: Run, parts: Mapping[str, Rows | None]) -> list[Score]:
    """Return the scores of each part, first those of the rows that the model is judged by."""
    judged, rows = run.prepared.judged_by
    found = []
    for part in (judged, *(other for other in parts if other != judged)):
        of_part = rows if part == judged else parts[part]
        if of_part is not None:
            found += (_of_classes if run.model.classes else _of_numbers)(
                run, part, of_part, part == judged != "train"
            )
    return found


def _of_numbers(run: Run, part: str, rows: Rows, is_out_of_sample: bool) -> list[Score]:
    scores = regression_scores(run.outputs[part], rows.y, rows.c)
    r2, rmse = None, None
    if is_out_of_sample and rows.c is None:
        errors = (rows.y - run.outputs[part])[:, 0]
        moments = diagnostics.ErrorMoments.of(errors, rows.y[:, 0])
        r2, rmse = moments.r2_interval(), moments.rmse_interval()
    return [
        Score("r2", part, scores["r2"], None if scores["r2"] is None else _ends(r2), len(rows)),
        Score("rmse", part, scores["rmse"], _ends(rmse), len(rows)),
    ]


def _of_classes(run: Run, part: str, rows: Rows, is_out_of_sample: bool) -> list[Score]:
    accuracy, loss = run.scores[f"{part}_accuracy"], run.scores[f"{part}_loss"]
    interval, loss_interval = None, None
    if is_out_of_sample:
        interval = diagnostics.wilson(round(accuracy * len(rows)), len(rows))
        each = -log_softmax(run.outputs[part])[np.arange(len(rows)), rows.y]
        loss_interval = diagnostics.mean_interval(each)
    return [
        Score("accuracy", part, accuracy, _ends(interval), len(rows)),
        Score("loss", part, loss, _ends(loss_interval), len(rows)),
    ]


def _ends(interval: Array | None) -> tuple[float, float] | None:
    return None if interval is None else (float(interval[0]), float(interval[1]))


def _columns(run: Run, train: RunningMoments) -> tuple[Compared, ...]:
    """Return the columns that differ most between training rows and those that the model is judged by."""
    part, rows = run.prepared.judged_by
    if part == "train":
        return ()
    drift = diagnostics.drift(train, RunningMoments.of_rows(rows))
    is_large, names = drift.is_large(), feature_names(run.model)
    order = np.argsort(-np.abs(np.nan_to_num(drift.difference, posinf=1e300, neginf=-1e300)), kind="stable")
    return tuple(
        Compared(
            names[j],
            (float(drift.means[0, j]), float(drift.means[1, j])),
            float(drift.difference[j]),
            bool(is_large[j]),
        )
        for j in order[:MOST_COMPARED].tolist()
    )


def _rows_per_coefficient(run: Run) -> float:
    rows = run.prepared.dataset.train
    n = int(np.bincount(rows.y, minlength=len(run.model.classes)).min()) if run.model.classes else len(rows)
    n = n * len(run.prepared.all_rows) // len(rows)  # they may be a sample
    return n / (run.model.n_features + 1)
