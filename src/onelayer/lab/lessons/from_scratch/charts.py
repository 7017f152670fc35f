"""The pictures of lesson 6: the data, the way to the true parameters, and what the questions' experiments show."""

from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa

from onelayer.lab.charts import BLUE, GREEN, GREY, ORANGE, POWERS_OF_TEN, PURPLE, RED, SKY, sized
from onelayer.lab.lessons.from_scratch.experiment import (
    FIRST_GUESS,
    RATES,
    Array,
    Spectrum,
    Trial,
    curves,
)
from onelayer.lab.prose import Lesson

PARAMETERS = ("w₁", "w₂", "b")
POWERS = alt.Axis(labelExpr=POWERS_OF_TEN)
LOWEST = 1e-6  # where the logarithmic axes of a run begin; σ = 0 leaves no loss at all


def data(points: pa.Table, lesson: Lesson) -> Any:
    """Draw the labels against each of the two features."""
    colour = alt.Color("feature:N", title=None).scale(domain=[0, 1], range=[BLUE, ORANGE])
    chart = alt.Chart(points).mark_circle(size=22, opacity=0.7, clip=True)
    chart = chart.encode(
        alt.X("x:Q", title=lesson.label("feature")).scale(domain=[-4, 4]),
        alt.Y("y:Q", title=lesson.label("label")).scale(domain=[-12, 20]),
        colour.legend(labelExpr="datum.value == 0 ? 'x₁' : 'x₂'"),
    )
    return sized(chart, 280)


def loss(steps: pa.Table, sigma: float, lesson: Lesson) -> Any:
    """Draw the loss over all rows after each step, and the height ½σ² of the noise below it."""
    line = alt.Chart(steps).mark_line(color=BLUE, clip=True)
    line = line.encode(
        alt.X("step:Q", title=lesson.label("step")),
        alt.Y("loss:Q", title=lesson.label("loss"), axis=POWERS).scale(
            type="log", domain=[LOWEST, 1e3], clamp=True
        ),
    )
    # The name is on the side where the loss is not: below the noise, unless that is 0 and below the axis.
    noise, name, dy = (sigma**2 / 2, "½σ²", 10) if sigma else (LOWEST, "½σ² = 0 ↓", -9)
    floor = alt.Chart(pa.table({"loss": [noise], "name": [name]})).encode(alt.Y("loss:Q"))
    rule = floor.mark_rule(color=GREY, strokeDash=[5, 4])
    text = floor.mark_text(align="right", dy=dy, color=GREY, fontSize=13, x="width")
    return sized(alt.layer(line, rule, text.encode(alt.Text("name:N"))), 240)


def errors(steps: pa.Table, lesson: Lesson) -> Any:
    """Draw how far each parameter is from the true one after each step."""
    names = " : ".join(f"datum.value == {i} ? '{name}'" for i, name in enumerate(PARAMETERS)) + " : ''"
    colour = alt.Color("parameter:N", title=None).scale(domain=[0, 1, 2], range=[BLUE, ORANGE, GREEN])
    chart = alt.Chart(steps).mark_line(clip=True, strokeWidth=1.5)
    chart = chart.encode(
        alt.X("step:Q", title=lesson.label("step")),
        alt.Y("error:Q", title=lesson.label("error"), axis=POWERS).scale(
            type="log", domain=[LOWEST, 100], clamp=True
        ),
        colour.legend(labelExpr=names),
    )
    return sized(chart, 240)


def rates(trials: list[Trial], lesson: Lesson) -> Any:
    """Draw the loss after each step for every learning rate."""
    colour = (
        alt.Color("lr:N", title=lesson.label("rate"), sort=None)
        .legend(columns=4)
        .scale(domain=[f"{lr:g}" for lr in RATES], range=[GREY, SKY, BLUE, GREEN, ORANGE, PURPLE, RED])
    )
    chart = alt.Chart(curves(trials)).mark_line(clip=True, strokeWidth=1.5)
    chart = chart.encode(
        alt.X("step:Q", title=lesson.label("step")),
        alt.Y("loss:Q", title=lesson.label("loss"), axis=POWERS).scale(type="log", domain=[1e-5, 1e6]),
        colour,
    )
    return sized(chart, 320)


def resistor(current: Array, voltage: Array, learned: Array, lesson: Lesson) -> Any:
    """Draw the measured voltages over the currents, and the learned line."""
    points = alt.Chart(pa.table({"current": current, "voltage": voltage})).mark_circle(color=GREY, size=22)
    ends = np.array([current.min(), current.max()])
    line = alt.Chart(pa.table({"current": ends, "voltage": learned[0] * ends + learned[1]})).mark_line(
        color=BLUE
    )
    x = alt.X("current:Q", title=lesson.label("current"))
    y = alt.Y("voltage:Q", title=lesson.label("voltage"))
    return sized(alt.layer(points.encode(x, y), line.encode(x, y)), 240)


def spectrum(found: Spectrum, lesson: Lesson) -> Any:
    """Draw the measured spectrum, the curve of the first guess, and that of the temperature found."""
    shown = {"first-guess": FIRST_GUESS, "found": float(found.temperatures[-1])}
    lines = [
        pa.table(
            {
                "wavelength": found.wavelength,
                "density": found.curve(at),
                "name": [name] * len(found.wavelength),
            }
        )
        for name, at in shown.items()
    ]
    measured = alt.Chart(pa.table({"wavelength": found.wavelength, "density": found.measured}))
    x = alt.X("wavelength:Q", title=lesson.label("wavelength"))
    y = alt.Y("density:Q", title=lesson.label("density"))
    colour = alt.Color("name:N", title=None, sort=None).scale(domain=list(shown), range=[ORANGE, BLUE])
    names = f"datum.value == 'found' ? '{lesson.label('found')}' : '{lesson.label('first-guess')}'"
    curves_shown = alt.Chart(pa.concat_tables(lines)).mark_line()
    return sized(
        alt.layer(
            measured.mark_circle(color=GREY, size=22).encode(x, y),
            curves_shown.encode(x, y, colour.legend(labelExpr=names)),
        ),
        260,
    )
