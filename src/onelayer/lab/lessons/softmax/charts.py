"""The charts of the lesson on softmax: from what its experiments return to Altair."""

import json
from typing import Any

import altair as alt
import pyarrow as pa
from torch import Tensor

from onelayer.lab.charts import BLUE, GREEN, GREY, ORANGE, RED, sized
from onelayer.lab.lessons.softmax.experiment import CLASSES
from onelayer.lab.prose import Lesson

CLASS_COLOURS = (BLUE, ORANGE, GREEN)
BAR = 34  # pixels of a bar's thickness
DASHES = [6, 4]
PHM_COLOURS = {"share": GREY, "counted": BLUE}
CODE_COLOURS = {"fixed": ORANGE, "shortest": BLUE, "entropy": GREY}
MAXIMUM_COLOURS = {"bounds": GREY, "soft-maximum": BLUE, "soft-minimum": ORANGE}
LOWER = "₀₁₂₃₄₅₆₇₈₉"


def class_names(lesson: Lesson) -> list[str]:
    """Return the names of the three classes in the lesson's language."""
    return [lesson.label(name) for name in CLASSES]


def network(d: int, q: int, lesson: Lesson) -> Any:
    """Draw d inputs, q output units and every connection between them, coloured by the unit that it leads to."""
    inputs, outputs = ([(i + 1) / (count + 1) for i in range(count)] for count in (d, q))
    names = [f"o{LOWER[j + 1]}" for j in range(q)]
    lines = pa.table(
        {
            "x": [x for x in inputs for _ in outputs],
            "y": [0.0] * d * q,
            "x2": [o for _ in inputs for o in outputs],
            "y2": [1.0] * d * q,
            "unit": names * d,
        }
    )
    units = pa.table(
        {
            "x": [*inputs, *outputs],
            "y": [0.0] * d + [1.0] * q,
            "name": [f"x{LOWER[i + 1]}" for i in range(d)] + names,
            "unit": [None] * d + names,
        }
    )
    x = alt.X("x:Q", axis=None).scale(domain=[0, 1])
    y = alt.Y("y:Q", axis=None).scale(domain=[-0.25, 1.25])
    unit = alt.Color("unit:N", legend=None).scale(domain=names)
    connections = alt.Chart(lines).mark_rule(strokeWidth=1.5).encode(x, y, unit, alt.X2("x2"), alt.Y2("y2"))
    places = alt.Chart(units).encode(x, y)
    circles = places.mark_circle(size=800, opacity=1).encode(
        alt.Color("unit:N", condition={"test": "datum.unit == null", "value": GREY}).scale(domain=names)
    )
    labels = places.mark_text(color="white", fontSize=14, fontWeight="bold").encode(alt.Text("name:N"))
    return sized(alt.layer(connections, circles, labels), 240)


def phm(counts: pa.Table, n: int, lesson: Lesson) -> Any:
    """Draw how many parameters the weight of a PHM layer has over n, beside dq/n; both axes are logarithmic."""
    x = alt.X("n:Q", title=lesson.label("parts")).scale(type="log", base=2, domain=[0.9, 18])
    x = x.axis(values=[1, 2, 4, 8, 16])
    title = lesson.label("weight-parameters")
    share, counted = (
        _series(alt.Chart(counts), lesson, column, PHM_COLOURS).encode(
            x, alt.Y(f"{column}:Q", title=title).scale(type="log", zero=False).axis(format="~s")
        )
        for column in PHM_COLOURS
    )
    points = counted.mark_point(filled=True, opacity=1).encode(
        alt.SizeValue(50, condition={"test": f"datum.n == {n}", "value": 220}),
        tooltip=[alt.Tooltip("n:Q"), alt.Tooltip("counted:Q", format=",")],
    )
    return sized(alt.layer(share.mark_line(strokeDash=DASHES), points), 260)


def _series(chart: Any, lesson: Lesson, name: str, colours: dict[str, str]) -> Any:
    """Give a chart the colour and the legend's entry of one of several series, whose label is ``name``."""
    names = [lesson.label(each) for each in colours]
    colour = alt.Color("series:N").scale(domain=names, range=list(colours.values()))
    colour = colour.legend(title=None, symbolOpacity=1, columns=2)
    return chart.transform_calculate(series=json.dumps(lesson.label(name))).encode(colour)


def phm_accuracy(measured: pa.Table, lesson: Lesson) -> Any:
    """Draw the test accuracy of softmax regression with a PHM layer over its number of parameters."""
    base = alt.Chart(measured).encode(
        alt.X("parameters:Q", title=lesson.label("all-parameters")).scale(type="log", domain=[1500, 10_000]),
        alt.Y("accuracy:Q", title=lesson.label("test-accuracy"))
        .scale(zero=False, padding=25)
        .axis(format="%"),
    )
    points = base.mark_circle(size=90, color=BLUE, opacity=1)
    names = base.transform_calculate(name="'n = ' + datum.n").mark_text(dy=-14, color=GREY, fontSize=12)
    return sized(alt.layer(points, names.encode(alt.Text("name:N"))), 240)


def probabilities(values: Tensor, lesson: Lesson) -> Any:
    """Draw the probability of each class (3,) as a bar."""
    return _bars(values, lesson, lesson.label("probability"), (0, 1.2), ".3f")


def gradient(values: Tensor, lesson: Lesson) -> Any:
    """Draw the derivative of the loss by each logit (3,) as a bar to the left or right of 0."""
    return _bars(values, lesson, lesson.label("slope"), (-1.9, 1.9), "+.3f")


def _bars(values: Tensor, lesson: Lesson, title: str, domain: tuple[float, float], digits: str) -> Any:
    names = class_names(lesson)
    rows = pa.table({"name": names, "value": values.numpy()})
    base = alt.Chart(rows).encode(
        alt.Y("name:N", sort=None, title=None).axis(labelFontSize=13),
        alt.X("value:Q", title=title).scale(domain=domain).axis(values=[-1, -0.5, 0, 0.5, 1], format="~g"),
    )
    colour = alt.Color("name:N", legend=None).scale(domain=names, range=CLASS_COLOURS)
    bars = base.mark_bar(size=BAR).encode(colour)
    numbers = base.mark_text(
        align=alt.expr("datum.value < 0 ? 'right' : 'left'"),
        dx=alt.expr("datum.value < 0 ? -6 : 6"),
        color=GREY,
        fontSize=13,
        fontWeight="bold",
    )
    return sized(alt.layer(bars, numbers.encode(alt.Text("value:Q", format=digits))), 190)


def loss(curve: pa.Table, probability: float, of_true_class: float, lesson: Lesson) -> Any:
    """Draw −log ŷ over the probability of the true class, and where the slider is."""
    x = alt.X("probability:Q", title=lesson.label("true-probability")).scale(domain=[0, 1])
    y = alt.Y("loss:Q", title=lesson.label("loss")).scale(domain=[0, 5])
    line = alt.Chart(curve).mark_line(color=BLUE, strokeWidth=2.5).encode(x, y)
    here = alt.Chart(pa.table({"probability": [probability], "loss": [of_true_class]}))
    stick = here.mark_rule(color=RED, strokeDash=[5, 4]).encode(x, y, y2=alt.datum(0))
    point = here.mark_point(color=RED, filled=True, size=140, opacity=1).encode(x, y)
    return sized(alt.layer(line, stick, point), 260)


def code(bits: pa.Table, lesson: Lesson) -> Any:
    """Draw the bits an observation takes over how many share a word, above the entropy log₂ 3."""
    x = alt.X("observations:Q", title=lesson.label("observations")).axis(tickMinStep=1)
    y = {
        name: alt.Y(f"{name}:Q", title=lesson.label("bits")).scale(domain=[1.5, 2.05])
        for name in CODE_COLOURS
    }
    lines = {
        name: _series(alt.Chart(bits), lesson, name, CODE_COLOURS).encode(x, y[name]) for name in CODE_COLOURS
    }
    words = [lines[name].mark_line(point=True) for name in ("fixed", "shortest")]
    return sized(alt.layer(*words, lines["entropy"].mark_line(strokeDash=DASHES)), 260)


def soft_maximum(curve: pa.Table, lesson: Lesson) -> Any:
    """Draw the soft maximum and the soft minimum over the sharpness λ, and the bounds of the maximum."""
    x = alt.X("sharpness:Q", title=lesson.label("sharpness")).scale(type="log").axis(values=[0.1, 1, 10, 100])
    y = alt.Y("lower:Q", title=lesson.label("logit-scale"))
    bounds, largest, least = (
        _series(alt.Chart(curve), lesson, name, MAXIMUM_COLOURS).encode(x) for name in MAXIMUM_COLOURS
    )
    return sized(
        alt.layer(
            bounds.mark_area(opacity=0.3).encode(y, alt.Y2("upper:Q")),
            largest.mark_line(strokeWidth=2.5).encode(alt.Y("maximum:Q")),
            least.mark_line(strokeWidth=2.5).encode(alt.Y("minimum:Q")),
        ),
        300,
    )
