"""What the model gets right and wrong on the rows that it is judged by, as numbers to draw."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer import diagnostics
from onelayer.data.rows import Rows
from onelayer.data.scaling import RunningMoments
from onelayer.diagnostics import Calibration, Curve, Trend
from onelayer.experiments import Run
from onelayer.inference.design import Design
from onelayer.inference.influence import influence
from onelayer.model import Model, log_softmax
from onelayer.reports.terms import feature_names
from onelayer.scoring import confusion_counts
from onelayer.solvers.direct import least_squares

Array = NDArray[np.float64]

MOST_POINTS = 800  # in a picture
MOST_ROWS = 5000  # that trends are looked for in
MOST_CANDIDATES = 50  # features whose trends are looked for
MOST_FEATURES = 12  # that are drawn
LEAST_FEATURES = 3  # that are drawn, trend or not
CLEAR = 3
LARGEST_GRAM = 1000  # columns
MOST_WORK = 2**30  # multiplications, a second, for the influence of all rows
WORST_ROWS = 5
MOST_MISTAKES = 20
MOST_TEMPLATES = 20
LONGEST_SIDE = 112  # pixels of an image that is shown


@dataclass(frozen=True, eq=False)
class Points:
    """Some of ``total`` points (m,), (m,)."""

    x: Array
    y: Array
    total: int


@dataclass(frozen=True, eq=False)
class Residuals:
    """Residuals along a feature, or the prediction where ``feature`` is None; ``rows`` are those of the trend."""

    feature: str | None
    points: Points
    trend: Trend
    rows: int

    @property
    def is_clear(self) -> bool:
        """Whether the trend explains far more than that of a feature that says nothing would, on average."""
        return self.trend.share * (self.rows - 1) > CLEAR * (len(self.trend.x) - 1)


@dataclass(frozen=True, eq=False)
class Influential:
    """The influence of training rows on a least squares fit.

    Attributes:
        points: leverage and studentised residual of some of them.
        rank: how many coefficients they determine.
        worst: the largest: true and predicted value, leverage, Cook's distance, number of the row (w, 5).
    """

    points: Points
    rank: int
    worst: Array


@dataclass(frozen=True, eq=False)
class Regression:
    """How predicted numbers relate to the true ones.

    Attributes:
        fit: true (x) and predicted (y) numbers.
        residuals: along the prediction and the features with the clearest trends.
        quantiles: of residuals (y) against those of a normal distribution (x).
        centre: the mean and the standard deviation of the residuals.
        influential: rows of the training data, for an exact solution.
    """

    fit: Points
    residuals: tuple[Residuals, ...]
    quantiles: Points
    centre: tuple[float, float]
    influential: Influential | None


@dataclass(frozen=True, eq=False)
class Mistake:
    """An image that was taken for another class, with the probability that the model gave it."""

    pixels: NDArray[np.uint8]
    true: str
    predicted: str
    probability: float


@dataclass(frozen=True, eq=False)
class Classification:
    """How predicted classes relate to the true ones.

    Attributes:
        counts: how often each true class (row) was taken for each class (column) (q, q).
        largest: the share of the rows in the class that most training rows are of.
        calibration: of the probability of the second of two classes, or of the predicted one of more.
        roc: and
        precision_recall: of two classes.
        templates: the weights of the first classes as images (q, height, width).
        mistakes: the images that the model was surest of in error.
    """

    counts: NDArray[np.int64]
    largest: float
    calibration: Calibration
    roc: Curve | None
    precision_recall: Curve | None
    templates: Array | None
    mistakes: tuple[Mistake, ...]


def regression(run: Run, moments: RunningMoments | None) -> Regression:
    """Return how the numbers that a run predicts relate to the true ones, given the moments of a table's features."""
    part, rows = run.prepared.judged_by
    prediction, target = run.outputs[part][:, 0], rows.y[:, 0]
    errors = target - prediction
    shown = diagnostics.sample(len(rows), MOST_POINTS)
    ordered = np.sort(errors)
    normal = diagnostics.normal_order_statistics(len(rows), shown)
    return Regression(
        fit=Points(target[shown], prediction[shown], len(rows)),
        residuals=_residuals(run.model, rows, prediction, errors, moments),
        quantiles=Points(normal, ordered[shown], len(rows)),
        centre=(float(errors.mean()), float(errors.std())),
        influential=_influential(run) if run.plan.is_exact else None,
    )


def _residuals(
    model: Model, rows: Rows, prediction: Array, errors: Array, moments: RunningMoments | None
) -> tuple[Residuals, ...]:
    """Return the residuals along the prediction, and along the features whose trends explain most of them."""
    along = [_along(None, prediction, errors, len(rows))]
    if moments is None:
        return tuple(along)
    chosen = diagnostics.sample(len(rows), MOST_ROWS)
    X, errors = rows.take(chosen).gathered().dense(), errors[chosen]
    there = _known_values(rows)
    deviation = np.sqrt(moments.variance)
    effect = np.abs(model.weight[0] * deviation) if model.hidden_weight is None else deviation
    candidates = np.argsort(-effect, kind="stable")[:MOST_CANDIDATES]
    names, found = feature_names(model), []
    for j in candidates.tolist():
        is_there = np.isfinite(X[:, j])
        if is_there.any() and np.ptp(X[is_there, j]) > 0:
            found.append(_along(names[j], X[is_there, j], errors[is_there], int(there[j])))
    found.sort(key=lambda one: -one.trend.share)
    shown = [one for i, one in enumerate(found[:MOST_FEATURES]) if i < LEAST_FEATURES or one.is_clear]
    return (*along, *shown)


def _known_values(rows: Rows) -> Array:
    """Return how many values of each feature are not missing (d,)."""
    if rows.is_sparse:
        return np.full(rows.n_features, len(rows))  # then none is: see Encoding.is_sparse
    known: Array = rows.sum(lambda block: [(~np.isnan(block.dense())).sum(axis=0)])[0]
    return known


def _along(feature: str | None, x: Array, errors: Array, total: int) -> Residuals:
    shown = diagnostics.sample(len(x), MOST_POINTS // 2)
    return Residuals(feature, Points(x[shown], errors[shown], total), diagnostics.trend(x, errors), len(x))


def _influential(run: Run) -> Influential | None:
    rows = run.prepared.train
    if rows.n_features > LARGEST_GRAM or len(rows) * rows.n_features**2 > MOST_WORK:
        return None
    target, prediction = rows.y[:, 0], run.outputs["train"][:, 0]
    fit = least_squares(rows, fit_intercept=run.prepared.fit_intercept)
    if fit.inverse is None:
        return None
    design = Design.of(rows, fit.weight, fit.bias, fit.inverse.times_power(fit.exponent))
    leverages, _ = design.leverages_and_residuals()
    found = influence(leverages, target - prediction, rows.c, design.rank)
    if not np.isfinite(found.studentised).any():
        return None
    worst = np.argsort(-np.nan_to_num(found.cooks_distance), kind="stable")[:WORST_ROWS]
    shown = diagnostics.sample(len(rows), MOST_POINTS, keep=worst)
    shown = shown[np.isfinite(found.studentised[shown])]
    points = Points(found.leverage[shown], found.studentised[shown], len(rows))
    table = np.stack(
        [target, prediction, found.leverage, found.cooks_distance, np.arange(1, len(rows) + 1)], axis=1
    )[worst]
    return Influential(points, found.rank, table)


def classification(run: Run) -> Classification:
    """Return how the classes that a run predicts relate to the true ones."""
    (part, rows), model = run.prepared.judged_by, run.model
    outputs = run.outputs[part]
    predicted, probability = outputs.argmax(axis=1), np.exp(log_softmax(outputs))
    counts = confusion_counts(rows.y, predicted, len(model.classes))
    is_right, surest = predicted == rows.y, probability.max(axis=1)
    is_binary = len(model.classes) == 2
    is_second, second = rows.y == 1, probability[:, 1]
    most_frequent = np.bincount(run.prepared.dataset.train.y, minlength=len(model.classes)).argmax()
    return Classification(
        counts=counts,
        largest=float((rows.y == most_frequent).mean()),
        calibration=diagnostics.calibration(*((second, is_second) if is_binary else (surest, is_right))),
        roc=diagnostics.roc_curve(is_second, second) if is_binary else None,
        precision_recall=diagnostics.precision_recall_curve(is_second, second) if is_binary else None,
        templates=_templates(model),
        mistakes=_mistakes(model, rows, predicted, surest),
    )


def _templates(model: Model) -> Array | None:
    if model.image_shape is None or model.hidden_weight is not None:
        return None
    images = model.weight.astype(np.float64).reshape(-1, *model.image_shape)[:MOST_TEMPLATES]
    return _smaller(images)


def _mistakes(
    model: Model, rows: Rows, predicted: NDArray[np.intp], probability: Array
) -> tuple[Mistake, ...]:
    """Return the wrong answers that the model was surest of."""
    if model.image_shape is None:
        return ()
    wrong = (predicted != rows.y).nonzero()[0]
    worst = wrong[np.argsort(-probability[wrong], kind="stable")[:MOST_MISTAKES]]
    pixels = _smaller(rows.X[worst].reshape(-1, *model.image_shape))
    if pixels.dtype != np.uint8:
        pixels = np.clip(np.rint(pixels * 255), 0, 255).astype(np.uint8)
    return tuple(
        Mistake(image, model.classes[rows.y[i]], model.classes[predicted[i]], float(probability[i]))
        for image, i in zip(pixels, worst.tolist(), strict=True)
    )


def _smaller(images: NDArray[Any]) -> NDArray[Any]:
    """Return images (m, height, width) with every second, third … pixel, if they are too large to show."""
    step = -(-max(images.shape[1:]) // LONGEST_SIDE)
    return images[:, ::step, ::step]
