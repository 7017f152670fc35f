"""The charts of the lesson on training."""

from typing import Any, Literal

import altair as alt
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from onelayer.lab.charts import BLUE, GREY, ORANGE, RED, percent, sized, ticks
from onelayer.lab.lessons.fashion_mnist.experiment import CLASSES
from onelayer.lab.prose import Lesson


def curves(history: pa.Table, epochs: int, lesson: Lesson) -> Any:
    """Draw accuracy over loss, by epoch, on training and test images."""
    x = alt.X("epoch:Q", title=lesson.label("epoch")).scale(domain=[0.5, epochs + 0.5], nice=False)
    x = x.axis(tickMinStep=1, format="d")
    colour = alt.Color("part:N", title=None).scale(domain=["train", "test"], range=[BLUE, ORANGE])
    colour = colour.legend(labelExpr=_named({part: lesson.label(part) for part in ("train", "test")}))
    shape = alt.Shape("part:N", legend=None).scale(domain=["train", "test"], range=["circle", "square"])
    base = alt.Chart(history)
    parts = []
    for what, form in (("accuracy", ".0%"), ("loss", ".2f")):
        y = alt.Y(f"{what}:Q", title=lesson.label(what)).scale(zero=False, nice=True).axis(format=form)
        line = base.mark_line().encode(x, y, colour)
        points = base.mark_point(filled=True, size=45, opacity=1).encode(
            x, y, colour, shape, tooltip=[alt.Tooltip("epoch:Q"), alt.Tooltip(f"{what}:Q", format=".4f")]
        )
        parts.append(sized(alt.layer(line, points), 200))
    return parts


def confusion(counts: NDArray[np.int64], lesson: Lesson) -> Any:
    """Draw how often each true class was taken for each class."""
    names = [lesson.label(name) for name in CLASSES]
    q = len(names)
    table = pa.table(
        {
            "true": [names[i] for i in range(q) for _ in range(q)],
            "predicted": [names[j] for _ in range(q) for j in range(q)],
            "count": counts.ravel(),
        }
    )
    x = alt.X("predicted:N", title=lesson.label("predicted"), sort=names).axis(labelAngle=-50)
    y = alt.Y("true:N", title=lesson.label("true"), sort=names)
    colour = alt.Color("count:Q", legend=None).scale(range=["#f7fbff", "#08306b"], domain=[0, 1000])
    cells = (
        alt.Chart(table)
        .mark_rect()
        .encode(x, y, colour, tooltip=[alt.Tooltip("true"), alt.Tooltip("predicted"), alt.Tooltip("count")])
    )
    text = (
        alt.Chart(table)
        .transform_filter("datum.count > 0")
        .mark_text(fontSize=10)
        .encode(
            x,
            y,
            alt.Text("count:Q"),
            alt.ColorValue("black", condition={"test": "datum.count > 500", "value": "white"}),
        )
    )
    return sized(alt.layer(cells, text), 380)


def probabilities(probability: NDArray[np.float32], lesson: Lesson) -> Any:
    """Draw the probability of each class as bars."""
    names = [lesson.label(name) for name in CLASSES]
    table = pa.table({"name": names, "probability": probability.astype(float)})
    x = percent("probability", lesson.label("probability"))
    y = alt.Y("name:N", title=None, sort=names)
    bars = alt.Chart(table).mark_bar(color=BLUE).encode(x, y)
    text = alt.Chart(table).mark_text(align="left", dx=4, color=GREY)
    return sized(alt.layer(bars, text.encode(x, y, alt.Text("probability:Q", format=".1%"))), 280)


def swept(
    results: pa.Table,
    by: str,
    lesson: Lesson,
    what: Literal["accuracy", "seconds"] = "accuracy",
    bound: float | None = None,
) -> Any:
    """Draw an outcome over a setting, on a logarithmic axis, and a bound; what diverged has no point."""
    settings = results[by].to_pylist()
    x = alt.X(f"{by}:Q", title=lesson.label(by)).axis(**ticks(settings), format="~g", labelOverlap=True)
    x = x.scale(type="log", domain=[settings[0], settings[-1]], nice=False, padding=12)
    y = alt.Y(f"{what}:Q", title=lesson.label(f"swept-{what}"))
    y = y.scale(zero=what == "seconds", padding=12).axis(format="~g" if what == "seconds" else ".1%")
    line = alt.Chart(results).mark_line(
        color=BLUE, point=alt.OverlayMarkDef(filled=True, size=60, color=BLUE)
    )
    parts = [line.encode(x, y)]
    if bound is not None:
        table = alt.Chart(pa.table({by: [bound], "name": ["2/λ_max"]}))
        text = table.mark_text(align="left", baseline="top", dx=5, y=0, color=GREY)
        parts += [table.mark_rule(color=RED, strokeDash=[5, 4]).encode(x), text.encode(x, alt.Text("name:N"))]
    return sized(alt.layer(*parts), 220)


def _named(names: dict[str, str]) -> str:
    """Return Vega's expression for the name of a value."""
    return "".join(f"datum.value == '{value}' ? '{name}' : " for value, name in names.items()) + "datum.value"
