"""The charts of lesson 1, from the experiment's tables."""

from typing import Any

import altair as alt
import pyarrow as pa

from onelayer.lab.charts import BLUE, GREEN, GREY, ORANGE, POWERS_OF_TEN, landmarks, sized
from onelayer.lab.lessons.linear_regression.experiment import AGE_WEIGHTS, AREA_WEIGHTS, Array, Scene
from onelayer.lab.prose import Lesson

BILLION = "datum.value / 1e9"


def plane(scene: Scene, lesson: Lesson) -> Any:
    """Draw the plane, houses above and below it, and their residuals."""
    x = alt.X("x:Q", axis=None).scale(domain=[-0.8, 0.8])
    y = alt.Y("y:Q", axis=None).scale(domain=[-0.3, 1.15])
    mesh = alt.Chart(scene.mesh).mark_rule(color=BLUE, clip=True).encode(x, y, alt.X2("x2"), alt.Y2("y2"))
    ground = alt.Chart(scene.ground).mark_rule(color=GREY).encode(x, y, alt.X2("x2"), alt.Y2("y2"))
    side = alt.Color("side:N").scale(domain=["above", "below"], range=[ORANGE, GREEN])
    side = side.legend(
        title=None,
        labelExpr=f"datum.value == 'above' ? '{lesson.label('above')}' : '{lesson.label('below')}'",
    )
    residuals = (
        alt.Chart(scene.residuals)
        .mark_rule(opacity=0.6, clip=True)
        .encode(x, y, side, alt.X2("x2"), alt.Y2("y2"))
    )
    houses = alt.Chart(scene.houses).mark_circle(size=28, clip=True, opacity=0.9).encode(x, y, side)
    named = scene.corners.set_column(
        2, "name", pa.array([lesson.label(f"axis-{axis}") for axis in scene.corners["axis"].to_pylist()])
    )
    names = alt.Chart(named).mark_text(dy=-8, fontSize=12, color=GREY).encode(x, y, alt.Text("name:N"))
    return sized(alt.layer(ground, residuals, mesh, houses, names), 380)


def surface(grid: pa.Table, here: Array, minimum: Array, lesson: Lesson) -> Any:
    """Draw the loss over the two weights, with where the sliders are and where the minimum is."""
    x = alt.X("area_low:Q", title=lesson.label("area-weight-axis")).scale(domain=AREA_WEIGHTS, nice=False)
    y = alt.Y("age_low:Q", title=lesson.label("age-weight-axis")).scale(domain=AGE_WEIGHTS, nice=False)
    colour = alt.Color("loss:Q", title=lesson.label("loss")).scale(type="log", scheme="viridis", reverse=True)
    colour = colour.legend(
        orient="top", gradientLength=200, labelExpr=BILLION, values=[1.2e9, 2e9, 3e9, 4e9, 5e9]
    )
    # Each cell reaches a pixel under its neighbours, so that the page does not shine through between them.
    cells = alt.Chart(grid).mark_rect(clip=True, x2Offset=1, yOffset=1)
    cells = cells.encode(x, y, colour, alt.X2("area_high"), alt.Y2("age_high"))
    marks = landmarks(("area", "age"), (lesson.label("here"), lesson.label("minimum")), here, minimum, ORANGE)
    return sized(alt.layer(cells, *marks).resolve_scale(color="independent"), 340)


def way(losses: pa.Table, lesson: Lesson) -> Any:
    """Draw how far the loss is above its minimum on the straight line from the sliders' weights through it."""
    chart = alt.Chart(losses).mark_line(color=BLUE)
    axis = alt.Axis(
        values=[0, 1, 2],
        labelExpr=f"datum.value == 0 ? '{lesson.label('here')}' : datum.value == 1 ? '{lesson.label('minimum')}' : ''",
    )
    chart = chart.encode(
        alt.X("share:Q", title=lesson.label("way"), axis=axis),
        alt.Y("rise:Q", title=lesson.label("above-minimum")).axis(labelExpr=POWERS_OF_TEN, minExtent=70),
    )
    return sized(chart, 200)


def cost(times: pa.Table, lesson: Lesson) -> Any:
    """Draw the seconds of both parts of the solution over the number of features, both axes logarithmic."""
    names = f"datum.value == 'gram' ? '{lesson.label('gram')}' : '{lesson.label('solve')}'"
    chart = alt.Chart(times).mark_line(point=True)
    chart = chart.encode(
        alt.X("features:Q", title=lesson.label("features"))
        .scale(type="log")
        .axis(values=[100, 200, 400, 800]),
        alt.Y("seconds:Q", title=lesson.label("seconds")).scale(type="log").axis(labelExpr=POWERS_OF_TEN),
        alt.Color("part:N", title=None).legend(labelExpr=names),
    )
    return sized(chart, 240)
