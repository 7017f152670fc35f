"""The charts of lesson 3, from the experiment's tables."""

from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa

from onelayer.lab.charts import BLUE, GREEN, GREY, ORANGE, RED, sized
from onelayer.lab.lessons.normal_noise.experiment import BIAS, SLOPE, Array, density
from onelayer.lab.prose import Lesson

DASHES = [5, 4]
ENDS = (-6.0, 6.0)  # of the density's picture
PROFILES = (-1.5, -0.25, 1.0)  # where the noise's density is drawn beside the line
WIDTH = 0.5  # of a profile with σ = 1, in units of x: the narrowest σ has room before the next profile


def bell(mean: float, std: float, lesson: Lesson) -> Any:
    """Draw the density of N(μ, σ²) with one standard deviation shaded, beside the standard normal density."""
    x = np.linspace(*ENDS, 241)
    inside = np.linspace(mean - std, mean + std, 61)
    across = alt.X("x:Q", title=lesson.label("x")).scale(domain=ENDS, nice=False)
    up = alt.Y("p:Q", title=lesson.label("density")).scale(domain=[0, 2], nice=False)
    shade = alt.Chart(pa.table({"x": inside, "p": density(inside, mean, std)}))
    area = shade.mark_area(color=BLUE, opacity=0.25, clip=True).encode(across, up)
    names = [lesson.label("standard"), lesson.label("yours")]
    lines = pa.concat_tables(
        pa.table({"x": x, "p": p, "name": [name] * len(x)})
        for name, p in zip(names, (density(x, 0.0, 1.0), density(x, mean, std)), strict=True)
    )
    curves = (
        alt.Chart(lines)
        .mark_line()
        .encode(
            across,
            up,
            alt.Color("name:N", title=None, sort=None).scale(domain=names, range=[GREY, BLUE]),
            alt.StrokeDash("name:N", title=None, sort=None).scale(domain=names, range=[DASHES, [1, 0]]),
        )
    )
    return sized(alt.layer(area, curves), 280)


def noisy_line(x: Array, y: Array, weight: float, bias: float, std: float, lesson: Lesson) -> Any:
    """Draw rows (n,), their residuals from the reader's line, and the density of the noise beside that line."""
    across = alt.X("x:Q", title="x").scale(domain=[-2, 2.4], nice=False)
    up = alt.Y("y:Q", title="y").scale(domain=[-10, 12], nice=False)
    rows = alt.Chart(pa.table({"x": x, "y": y, "fit": weight * x + bias}))
    sticks = rows.mark_rule(color=GREY, opacity=0.5, clip=True).encode(across, up, alt.Y2("fit"))
    dots = rows.mark_circle(color=ORANGE, size=30, opacity=0.9, clip=True).encode(across, up)
    names = [lesson.label("true-line"), lesson.label("your-line")]
    ends = np.array([-2.0, 2.0])
    lines = pa.concat_tables(
        pa.table({"x": ends, "y": height, "name": [name] * 2})
        for name, height in zip(names, (SLOPE * ends + BIAS, weight * ends + bias), strict=True)
    )
    line = (
        alt.Chart(lines)
        .mark_line(clip=True)
        .encode(
            across,
            up,
            alt.Color("name:N", title=None, sort=None).scale(domain=names, range=[GREEN, BLUE]),
            alt.StrokeDash("name:N", title=None, sort=None).scale(domain=names, range=[DASHES, [1, 0]]),
        )
    )
    profiles = alt.Chart(_profiles(weight, bias, std)).mark_line(color=BLUE, clip=True, strokeWidth=1.2)
    bells = profiles.encode(across, up, alt.Order("order:Q"), alt.Detail("at:Q"))
    return sized(alt.layer(sticks, dots, bells, line), 340)


def _profiles(weight: float, bias: float, std: float) -> pa.Table:
    """Return the density of the noise, turned on its side, at a few places of the line."""
    noise = std * np.linspace(-3.5, 3.5, 61)
    height = density(noise, 0.0, std) * WIDTH / density(np.zeros(1), 0.0, 1.0)
    return pa.concat_tables(
        pa.table(
            {
                "x": at + height,
                "y": weight * at + bias + noise,
                "order": noise,
                "at": np.full(len(noise), at),
            }
        )
        for at in PROFILES
    )


def likelihood_by_slope(table: pa.Table, n: int, best: float, here: float, lesson: Lesson) -> Any:
    """Draw the log-likelihood of n rows over the slope.

    However flat or steep the curve is, the axis reaches equally far below its peak: so one sees which it is.
    """
    peak = max(table["log_likelihood"].to_pylist())
    y = alt.Y("log_likelihood:Q", title=lesson.label("log-likelihood"))
    return _over_slope(table, y.scale(domain=[peak - 6 * n, peak + n / 4], nice=False), best, here, lesson)


def error_by_slope(table: pa.Table, best: float, here: float, lesson: Lesson) -> Any:
    """Draw the squared error over the slope."""
    y = alt.Y("squared_error:Q", title=lesson.label("squared-error"))
    return _over_slope(table, y.scale(zero=False), best, here, lesson)


def _over_slope(table: pa.Table, y: Any, best: float, here: float, lesson: Lesson) -> Any:
    """Draw a column over the slope, with the best slope and the reader's marked."""
    slopes = table["slope"].to_pylist()
    x = alt.X("slope:Q", title=lesson.label("slope-axis")).scale(domain=[slopes[0], slopes[-1]], nice=False)
    y = y.axis(minExtent=60)  # so that both pictures have the same width, and a slope the same place in them
    line = alt.Chart(table).mark_line(color=BLUE, clip=True).encode(x, y)
    names = [lesson.label("best"), lesson.label("your-slope")]
    marks = alt.Chart(pa.table({"slope": [best, here], "name": names}))
    rules = marks.mark_rule(strokeDash=DASHES, strokeWidth=1.5).encode(
        x, alt.Color("name:N", title=None, sort=None).scale(domain=names, range=[RED, ORANGE])
    )
    return sized(alt.layer(line, rules), 180)


def bars(counts: pa.Table, x_title: str, unit: float, lesson: Lesson, height: int = 260) -> Any:
    """Draw a histogram beside the counts that a normal distribution expects; values are divided by ``unit``."""
    low, high = counts["low"].to_numpy() / unit, counts["high"].to_numpy() / unit
    names = [lesson.label("counted"), lesson.label("expected")]
    table = pa.table({"low": low, "high": high, "middle": (low + high) / 2, "count": counts["count"]})
    x = alt.X("low:Q", title=x_title).scale(domain=[low[0], high[-1]], nice=False)
    y_title = lesson.label("count")
    colour = alt.Color("name:N", title=None, sort=None).scale(domain=names, range=[ORANGE, BLUE])
    counted = alt.Chart(table).transform_calculate(name=f"'{names[0]}'").mark_rect(opacity=0.75)
    boxes = counted.encode(x, alt.Y("count:Q", title=y_title), colour, alt.X2("high:Q"), alt.Y2Datum(0))
    expected = pa.table({"middle": table["middle"], "expected": counts["expected"]})
    curve = alt.Chart(expected).transform_calculate(name=f"'{names[1]}'").mark_line(strokeWidth=2)
    line = curve.encode(alt.X("middle:Q"), alt.Y("expected:Q", title=y_title), colour)
    return sized(alt.layer(boxes, line), height)
