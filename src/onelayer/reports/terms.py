"""The model as terms: what is added up for each output, the largest first, and how well the data determine it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from onelayer.data.dataset import numbered_features
from onelayer.inference import Coefficients
from onelayer.model import Model

Array = NDArray[np.float64]

MOST_IN_FORMULA = 8
MOST_IN_EACH_OF_MANY = 4
MOST_FORMULAS = 6
MOST_TERMS = 60  # in the table, of all outputs together
LEAST_TERMS = 5  # in the table, of each output


@dataclass(frozen=True)
class Equation:
    """One output as a sum.

    Attributes:
        output: the class that it speaks for; None for a number.
        against: the class that it is compared with, where there are two.
        bias: the constant.
        terms: names of features and their weights, the largest effect first.
        more: how many smaller terms there are besides.
    """

    output: str | None
    against: str | None
    bias: float
    terms: tuple[tuple[str, float], ...]
    more: int


@dataclass(frozen=True)
class Term:
    """A coefficient. What is not known of it is NaN.

    Attributes:
        name: of the feature; None for the bias.
        estimate: in units of the output per unit of the feature.
        std_err: its standard error.
        statistic: the estimate in units of that.
        p: how probable a statistic this large is where the true coefficient is 0.
        interval: its lower and upper end.
        deviation: the standard deviation of the feature; NaN for the bias.
    """

    name: str | None
    estimate: float
    std_err: float
    statistic: float
    p: float
    interval: tuple[float, float]
    deviation: float

    @property
    def effect(self) -> float:
        """How much the output changes with one standard deviation of the feature; 0 for the bias."""
        return 0.0 if self.name is None else self.estimate * self.deviation


@dataclass(frozen=True)
class Group:
    """The coefficients of an output: the bias, then the largest effects; ``more`` are left out."""

    output: str | None
    terms: tuple[Term, ...]
    more: int


def feature_names(model: Model) -> tuple[str, ...]:
    """Return the names of the features (d,), x₁ to x_d where they have none."""
    return model.features or numbered_features(model.n_features)


def equations(model: Model, deviation: Array) -> tuple[Equation, ...]:
    """Return the first outputs of a one-layer model as sums; ``deviation`` (d,) is that of each feature."""
    names = feature_names(model)
    outputs, weight, bias = _outputs(model)
    most = MOST_IN_FORMULA if len(outputs) == 1 else MOST_IN_EACH_OF_MANY
    found = []
    for output, w, b in list(zip(outputs, weight, bias, strict=True))[:MOST_FORMULAS]:
        order = _by_effect(w * deviation)
        terms = tuple((names[j], float(w[j])) for j in order[:most])
        against = model.classes[0] if len(model.classes) == 2 else None
        found.append(Equation(output, against, float(b), terms, len(order) - len(terms)))
    return tuple(found)


def groups(model: Model, deviation: Array, coefficients: Coefficients | None) -> tuple[Group, ...]:
    """Return the coefficients of a one-layer model, with what is known of how well the data determine them."""
    known = _numbers_of(coefficients) if coefficients else _estimates_only(model)
    by_name = dict(zip(feature_names(model), deviation.tolist(), strict=True))
    most = max(LEAST_TERMS, MOST_TERMS // len(known))
    found = []
    for output, rows in known[: MOST_TERMS // LEAST_TERMS]:
        terms = [
            Term(name if name in by_name else None, *values, (low, high), by_name.get(name, np.nan))
            for name, values, (low, high) in rows
        ]
        terms.sort(key=lambda term: (term.name is not None, -abs(term.effect)))  # the bias first
        found.append(Group(output, tuple(terms[:most]), max(0, len(terms) - most)))
    return tuple(found)


# For each output: the name of each term, its estimate, standard error, statistic and p, and its interval.
Values = tuple[float, float, float, float]
Numbers = list[tuple[str | None, list[tuple[str, Values, tuple[float, float]]]]]


def _numbers_of(known: Coefficients) -> Numbers:
    arrays, intervals = (known.estimate, known.std_err, known.statistic, known.p), known.interval

    def term(i: int, j: int) -> tuple[str, Values, tuple[float, float]]:
        estimate, error, statistic, p = (float(array[i, j]) for array in arrays)
        low, high = intervals[i, j].tolist()
        return str(known.terms[j]), (estimate, error, statistic, p), (low, high)

    is_named = len(known.outputs) > 1 or known.reference is not None
    return [
        (str(output) if is_named else None, [term(i, j) for j in range(len(known.terms))])
        for i, output in enumerate(known.outputs)
    ]


def _estimates_only(model: Model) -> Numbers:
    outputs, weight, bias = _outputs(model)
    names, unknown = ("", *feature_names(model)), (np.nan, np.nan, np.nan)
    return [
        (
            output,
            [
                (name, (float(value), *unknown), unknown[:2])
                for name, value in zip(names, np.r_[b, w], strict=True)
            ],
        )
        for output, w, b in zip(outputs, weight, bias, strict=True)
    ]


def _outputs(model: Model) -> tuple[tuple[str | None, ...], Array, Array]:
    """Return the names (k,), weights (k, d) and biases (k,) of what the model adds up: two classes are one logit."""
    weight, bias = model.weight.astype(np.float64), model.bias.astype(np.float64)
    if not model.classes:
        return (None,) * len(bias), weight, bias
    if len(model.classes) > 2:
        return model.classes, weight, bias
    if len(bias) == 2:
        weight, bias = weight[1:] - weight[:1], bias[1:] - bias[:1]
    return model.classes[1:], weight, bias


def _by_effect(effect: Array) -> list[int]:
    """Return the places of the effects (d,) that are not 0, the largest first."""
    order = np.argsort(-np.abs(effect), kind="stable")
    return [int(j) for j in order if effect[j]]
