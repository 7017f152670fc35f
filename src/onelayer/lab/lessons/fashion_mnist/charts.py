"""The charts of the lesson on Fashion-MNIST: an image as numbers, and how long reading takes."""

import json
from collections.abc import Sequence
from typing import Any

import altair as alt
import pyarrow as pa

from onelayer.lab.charts import BLUE, GREY, ORANGE, RED, sized, ticks
from onelayer.lab.lessons.fashion_mnist.experiment import BATCH_SIZE, SIDE, feature_number
from onelayer.lab.prose import Lesson

IMAGE = 280  # screen pixels: 10 for each of 28
DECADES = [10.0**n for n in range(-4, 4)]  # seconds


def image(pixels: pa.Table, row: int, column: int, lesson: Lesson) -> Any:
    """Draw an image pixel by pixel, as large squares that show their numbers; one of them is framed."""
    axis = alt.Axis(values=[1, 7, 14, 21, 28], grid=False, labelAngle=0)
    x = alt.X("column:O", title=lesson.label("column"), axis=axis)
    x = x.scale(paddingInner=0, paddingOuter=0, range=[0, IMAGE])
    y = alt.Y("row:O", title=lesson.label("row"), axis=axis).scale(paddingInner=0, paddingOuter=0)
    tooltips = [
        alt.Tooltip(f"{name}:Q", title=lesson.label(name), format=digits)
        for name, digits in (("row", "d"), ("column", "d"), ("feature", "d"), ("byte", "d"), ("value", ".3f"))
    ]
    shade = alt.Color("byte:Q", legend=None).scale(domain=[0, 255], range=["white", "black"])
    squares = alt.Chart(pixels).mark_rect(strokeWidth=0).encode(x, y, shade, tooltip=tooltips)
    picked = alt.Chart(pa.table({"row": [row], "column": [column]}))
    frame = picked.mark_rect(filled=False, stroke=RED, strokeWidth=2.5).encode(x, y)
    return sized(alt.layer(squares, frame), IMAGE)


def features(pixels: pa.Table, row: int, column: int, lesson: Lesson) -> Any:
    """Draw the features of an image as a row of 784 numbers; one of them is marked."""
    x = alt.X("feature:Q", title=lesson.label("feature")).scale(domain=[0, SIDE**2 + 1], nice=False)
    bars = (
        alt.Chart(pixels)
        .mark_rule(color=BLUE, strokeWidth=1)
        .encode(x, alt.Y("value:Q", title=lesson.label("value")).scale(domain=[0, 1]), y2=alt.datum(0))
    )
    picked = alt.Chart(pa.table({"feature": [feature_number(row, column)]}))
    return sized(alt.layer(bars, picked.mark_rule(color=RED, strokeWidth=2).encode(x)), 140)


def batch(counts: list[int], names: list[str], lesson: Lesson) -> Any:
    """Draw how many images of each class a batch has."""
    rows = pa.table({"name": names, "count": counts})
    chart = (
        alt.Chart(rows)
        .mark_bar(color=BLUE)
        .encode(
            alt.Y("name:N", sort=None, title=None),
            alt.X("count:Q", title=lesson.label("images-in-batch")).scale(
                domainMax=max(2.5 * sum(counts) / len(counts), 10)
            ),
        )
    )
    mean = alt.Chart(pa.table({"count": [sum(counts) / len(counts)]}))
    return sized(
        alt.layer(chart, mean.mark_rule(color=GREY, strokeDash=[6, 4]).encode(alt.X("count:Q"))), 260
    )


def times(seconds: dict[str, float], picked: Sequence[str], lesson: Lesson) -> Any:
    """Draw the seconds of several things as bars with their numbers; those picked are of another colour."""
    rows = pa.table({"name": [lesson.label(name) for name in seconds], "seconds": list(seconds.values())})
    base = alt.Chart(rows).encode(
        alt.Y("name:N", sort=None, title=None).axis(labelLimit=150),
        alt.X("seconds:Q", title=lesson.label("seconds"))
        .scale(domainMax=1.5 * max(seconds.values()))
        .axis(tickCount=4),
    )
    names = json.dumps([lesson.label(name) for name in picked])
    stands_out = {"test": f"indexof({names}, datum.name) >= 0", "value": ORANGE}
    bars = base.mark_bar(size=22).encode(alt.ColorValue(BLUE, condition=stands_out))
    numbers = base.mark_text(align="left", dx=5, color=GREY, fontSize=12)
    return sized(alt.layer(bars, numbers.encode(alt.Text("seconds:Q", format=".3g"))), 40 * len(seconds))


def by_batch_size(seconds: dict[int, float], lesson: Lesson) -> Any:
    """Draw the seconds of a pass over the batch size, both axes logarithmic."""
    rows = pa.table({"size": list(seconds), "seconds": list(seconds.values())})
    base = alt.Chart(rows).encode(
        alt.X("size:Q", title=lesson.label("batch-size"))
        .scale(type="log", nice=False)
        .axis(**ticks(seconds), labelFlush=False, labelExpr="datum.value"),
        alt.Y("seconds:Q", title=lesson.label("seconds")).scale(type="log").axis(values=DECADES, format="~g"),
    )
    points = base.mark_point(filled=True, size=80, opacity=1).encode(
        alt.ColorValue(BLUE, condition={"test": f"datum.size == {BATCH_SIZE}", "value": ORANGE})
    )
    return sized(alt.layer(base.mark_line(color=BLUE), points), 260)
