"""The charts of lesson 4: times as bars and lines, on logarithmic axes."""

from typing import Any

import altair as alt
import pyarrow as pa

from onelayer.lab.charts import BLUE, GREY, ORANGE, sized, ticks
from onelayer.lab.lessons.vectorization.experiment import PARTS, SWEEP, Sweep, shown
from onelayer.lab.prose import Lesson

WAYS = {"loop": ORANGE, "call": BLUE}
SECONDS = "format(datum.value, '~s') + 's'"  # 1µs, 10µs, 1ms: an axis of times
ROOM = 44  # pixels for the labels of the heights: the two charts over n stand exactly below each other


def both(seconds: dict[str, float], lesson: Lesson) -> Any:
    """Draw the best lap of the loop and of the one call as bars, from 0.1 µs to 1 s."""
    colours = [WAYS[way] for way in seconds]
    return sized(_bars(seconds, colours, (1e-7, 10), lesson.label("seconds"), lesson), 130)


def turn(seconds: dict[str, float], lesson: Lesson) -> Any:
    """Draw what one turn of the loop is made of, and the one call, as bars of time per element."""
    colours = [ORANGE if part == "turn" else BLUE if part == "call" else GREY for part in PARTS]
    return sized(_bars(seconds, colours, (1e-11, 1e-3), lesson.label("per-element"), lesson), 290)


def _bars(
    seconds: dict[str, float], colours: list[str], ends: tuple[float, float], title: str, lesson: Lesson
) -> Any:
    names = [lesson.label(name) for name in seconds]
    bars = pa.table(
        {
            "name": names,
            "start": [ends[0]] * len(seconds),
            "seconds": list(seconds.values()),
            "shown": [shown(value) for value in seconds.values()],
        }
    )
    x = alt.X("start:Q", title=title).scale(type="log", domain=ends).axis(labelExpr=SECONDS, tickCount=5)
    y = alt.Y("name:N", title=None, sort=names).axis(labelLimit=130, ticks=False, domain=False)
    chart = alt.Chart(bars).encode(y=y)
    colour = alt.Color("name:N", legend=None).scale(domain=names, range=colours)
    rows = chart.mark_bar(height={"band": 0.62}).encode(x, colour, alt.X2("seconds"))
    values = chart.mark_text(align="left", dx=6, color=GREY, fontSize=12)
    return alt.layer(rows, values.encode(alt.X("seconds:Q"), alt.Text("shown:N")))


def times(measured: Sweep, lesson: Lesson) -> Any:
    """Draw the seconds of both ways over the length of the vectors."""
    way = alt.Color("way:N", title=None).scale(domain=list(WAYS), range=list(WAYS.values()))
    way = way.legend(labelExpr=f"datum.value == 'loop' ? '{lesson.label('loop')}' : '{lesson.label('call')}'")
    y = alt.Y("seconds:Q", title=lesson.label("seconds"))
    chart = alt.Chart(measured.times()).mark_line(point=True)
    y = y.scale(type="log", domain=(1e-7, 10)).axis(labelExpr=SECONDS, minExtent=ROOM)
    return sized(chart.encode(_lengths(lesson), y, way), 240)


def ratios(measured: Sweep, lesson: Lesson) -> Any:
    """Draw over the length of the vectors how many times faster the one call is."""
    table = pa.table({"n": measured.lengths, "ratio": measured.ratios})
    y = alt.Y("ratio:Q", title=lesson.label("faster")).scale(type="log").axis(format="~s", minExtent=ROOM)
    return sized(alt.Chart(table).mark_line(point=True, color=BLUE).encode(_lengths(lesson), y), 200)


def _lengths(lesson: Lesson) -> Any:
    x = alt.X("n:Q", title=lesson.label("length"))
    return x.scale(type="log").axis(**ticks(SWEEP), format="~s")
