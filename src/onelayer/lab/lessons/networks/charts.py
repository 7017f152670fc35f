"""The pictures of lesson 5: networks with every connection, what a change does, and which outputs see which inputs."""

from typing import Any

import altair as alt
import pyarrow as pa
from torch import Tensor

from onelayer.lab.charts import BLUE, GREEN, GREY, ORANGE, sized
from onelayer.lab.lessons.fashion_mnist.experiment import CLASSES
from onelayer.lab.lessons.networks.experiment import (
    SIDE,
    Pattern,
    band_edges,
    connections,
    height,
)
from onelayer.lab.numbers import typeset
from onelayer.lab.panels import Html
from onelayer.lab.prose import Lesson

MOST_DOLLARS = 300_000.0  # what the thickest line of the house network carries
SUBSCRIPTS = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
FILLED = alt.Fill("value:Q", legend=None).scale(
    domain=[0, 1], range=["black", "white"], clamp=True, interpolate="rgb"
)


def houses(products: Tensor, inputs: list[str], price: str, lesson: Lesson) -> Any:
    """Draw the network of two inputs and one output, each line as thick as what it carries, (1, 2) in USD."""
    x = alt.X("x:Q", axis=None).scale(domain=[-0.25, 1.35])
    lines = connections(products)
    carried = pa.table(
        {
            "x": [0.5] * 2,
            "y": [
                (y + y2) / 2 for y, y2 in zip(*(lines[name].to_pylist() for name in ("y", "y2")), strict=True)
            ],
            "name": [typeset(f"{value:+z,.0f}") for value in lines["weight"].to_pylist()],
        }
    )
    names = pa.table(
        {"x": [0.0, 0.0, 1.0], "y": [height(0, 2), height(1, 2), height(0, 1)], "name": [*inputs, price]}
    )
    text = alt.Chart(names).mark_text(dy=-30, color=GREY, fontSize=12)
    along = alt.Chart(carried).mark_text(dy=-20, color=GREY, fontSize=12)
    return sized(
        alt.layer(
            _lines(lines, x, MOST_DOLLARS, lesson, carries=True),
            _circles("x", _numbers(2), x, [1.0] * 2),
            _circles("o", _numbers(1), x, [1.0]),
            text.encode(x, _level(), alt.Text("name:N")),
            along.encode(x, _level(), alt.Text("name:N")),
        ),
        240,
    )


def network(
    weight: Tensor, features: Tensor, outputs: Tensor, lesson: Lesson, touched: int | None = None
) -> Any:
    """Draw the network from bands of an image to classes.

    Args:
        weight: (q, d): the thickness and colour of the lines.
        features: (d,): the brightness of the inputs.
        outputs: (q,): written beside the outputs.
        lesson: the lesson.
        touched: the input, counted from 1, whose lines stand out; None for all.
    """
    x = alt.X("x:Q", axis=None).scale(domain=[-0.08, 1.65])
    q, d = weight.shape
    beside = pa.table(
        {
            "x": [1.0] * q,
            "y": [height(k, q) for k in range(q)],
            "name": [
                typeset(f"{name} {value:z.2f}")
                for name, value in zip(class_names(lesson), outputs.tolist(), strict=False)
            ],
        }
    )
    text = alt.Chart(beside).mark_text(align="left", dx=16, color=GREY, fontSize=12)
    return sized(
        alt.layer(
            _lines(connections(weight), x, float(weight.abs().max()), lesson, touched),
            _circles("x", _numbers(d), x, features.tolist()),
            _circles("o", _numbers(q), x, [1.0] * q),
            text.encode(x, _level(), alt.Text("name:N")),
        ),
        400,
    )


def class_names(lesson: Lesson) -> list[str]:
    """Return the names of the ten classes."""
    return [lesson.label(name) for name in CLASSES]


def _level() -> Any:
    return alt.Y("y:Q", axis=None).scale(domain=[0, 1])


def _numbers(units: int) -> list[str]:
    return [str(unit + 1).translate(SUBSCRIPTS) for unit in range(units)]


def _lines(
    lines: pa.Table, x: Any, largest: float, lesson: Lesson, touched: int | None = None, carries: bool = False
) -> Any:
    weights, count = lines["weight"].to_pylist(), len(lines)
    drawn = lines.append_column("x", [[0.0] * count]).append_column("x2", [[1.0] * count])
    drawn = drawn.append_column("sign", [["negative" if value < 0 else "positive" for value in weights]])
    drawn = drawn.append_column("size", [[abs(value) for value in weights]])
    stands_out = [touched in (None, number) for number in lines["input"].to_pylist()]
    drawn = drawn.append_column("opacity", [[0.85 if out else 0.08 for out in stands_out]])
    names = ("carries-up", "carries-down") if carries else ("positive", "negative")
    up, down = (lesson.label(name) for name in names)
    sign = alt.Color("sign:N", title=None).scale(domain=["positive", "negative"], range=[BLUE, ORANGE])
    sign = sign.legend(labelExpr=f"datum.value == 'positive' ? '{up}' : '{down}'", symbolType="stroke")
    width = alt.StrokeWidth("size:Q", legend=None).scale(domain=[0, largest], range=[0.4, 7], clamp=True)
    opacity = alt.Opacity("opacity:Q", legend=None).scale(None)
    return alt.Chart(drawn).mark_rule().encode(x, _level(), sign, width, opacity, alt.X2("x2"), alt.Y2("y2"))


def _circles(symbol: str, numbers: list[str], x: Any, values: list[float]) -> Any:
    """Draw the units of the inputs "x" or of the outputs "o"; each is as bright as its value, 0 to 1."""
    units = len(numbers)
    table = pa.table(
        {
            "x": [0.0 if symbol == "x" else 1.0] * units,
            "y": [height(unit, units) for unit in range(units)],
            "name": [symbol + number for number in numbers],
            "value": values,
        }
    )
    base = alt.Chart(table).encode(x, _level())
    circles = base.mark_point(size=480, opacity=1, strokeWidth=2, stroke=BLUE if symbol == "x" else ORANGE)
    ink = alt.ColorValue("black", condition={"test": "datum.value < 0.5", "value": "white"})
    return circles.encode(FILLED) + base.mark_text(fontSize=11).encode(alt.Text("name:N"), ink)


def image(pixels: Tensor, d: int) -> Html:
    """Draw an image of bytes (28, 28), cut into d bands."""
    cells = "".join(
        f'<rect x="{x}" y="{y}" width="1" height="1" fill="rgb({value},{value},{value})"/>'
        for y, row in enumerate(pixels.tolist())
        for x, value in enumerate(row)
        if value
    )
    cuts = "".join(
        f'<path d="M0 {edge}H{SIDE}" stroke="{BLUE}" stroke-width=".3"/>' for edge in band_edges(d)
    )
    return Html(
        f'<svg width="168" height="168" viewBox="0 -.2 {SIDE} {SIDE + 0.4}" shape-rendering="crispEdges" role="img">'
        f'<rect width="{SIDE}" height="{SIDE}"/>{cells}{cuts}</svg>'
    )


def changes(measured: Tensor, predicted: Tensor, largest: float, lesson: Lesson) -> Any:
    """Draw by how much each output changed as bars, and weight times change as ticks; both (q,)."""
    names = class_names(lesson)[: len(measured)]
    table = pa.table({"name": names, "measured": measured.tolist(), "predicted": predicted.tolist()})
    y = alt.Y("name:N", title=None, sort=names).axis(ticks=False, domain=False)
    x = alt.X("measured:Q", title=lesson.label("change")).scale(domain=[-largest, largest])
    key = alt.Color("key:N", title=None).scale(domain=["measured", "predicted"], range=[BLUE, GREEN])
    shown = f"datum.value == 'measured' ? '{lesson.label('measured')}' : '{lesson.label('predicted')}'"
    chart = alt.Chart(table)
    bars = chart.transform_calculate(key="'measured'").mark_bar(height={"band": 0.6}, clip=True)
    ticks = chart.transform_calculate(key="'predicted'").mark_tick(thickness=4, clip=True, bandSize=22)
    return sized(
        alt.layer(bars.encode(x, y, key.legend(labelExpr=shown)), ticks.encode(alt.X("predicted:Q"), y, key)),
        300,
    )


def patterns(found: dict[str, Pattern], lesson: Lesson) -> Any:
    """Draw for each layer which outputs (rows) depend on which inputs (columns)."""
    cells: dict[str, list[Any]] = {name: [] for name in ("x", "x2", "y", "y2", "depends")}
    starts = []
    for number, pattern in enumerate(found.values()):
        q, d = pattern.jacobian.shape
        starts.append(number * (d + 2))
        for k in range(q):
            for j in range(d):
                cells["x"].append(starts[-1] + j + 0.06)
                cells["x2"].append(starts[-1] + j + 0.94)
                cells["y"].append(-k - 0.06)
                cells["y2"].append(-k - 0.94)
                cells["depends"].append("yes" if pattern.jacobian[k, j] != 0 else "no")
    x, y = alt.X("x:Q", axis=None), alt.Y("y:Q", axis=None)
    depends = alt.Color("depends:N", title=None).scale(domain=["yes", "no"], range=[BLUE, "#88888844"])
    depends = depends.legend(
        labelExpr=f"datum.value == 'yes' ? '{lesson.label('depends')}' : '{lesson.label('independent')}'"
    )
    squares = alt.Chart(pa.table(cells)).mark_rect().encode(x, y, depends, alt.X2("x2"), alt.Y2("y2"))
    heads = pa.table({"x": starts, "y": [0.8] * len(starts), "name": [lesson.label(name) for name in found]})
    names = alt.Chart(heads).mark_text(align="left", color=GREY, fontSize=13).encode(x, y, alt.Text("name:N"))
    return sized(alt.layer(squares, names), 220)
