"""The pictures of lesson 7: runs with different losses and rates, and the losses themselves."""

from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa

from onelayer.lab.charts import BLUE, GREEN, ORANGE, POWERS_OF_TEN, SKY, sized
from onelayer.lab.lessons.from_scratch.experiment import Array, losses_on
from onelayer.lab.prose import Lesson
from onelayer.solvers.batches import Batches

DASHES = {0: [1, 0], 1: [2, 3], 2: [7, 5]}  # of the first, second and third run


def runs(rows: Batches, paths: dict[str, Array], lesson: Lesson) -> Any:
    """Draw the loss ½(ŷ − y)² over all rows after each step of some runs; their names are labels.

    The first run is a wide line, so that one that coincides with it can be seen on top.
    """
    tables = []
    for name, path in paths.items():
        columns = {"step": np.arange(len(path)), "loss": losses_on(rows, path), "run": [name] * len(path)}
        tables.append(pa.table(columns))
    names = [lesson.label(name) for name in paths]
    words = " : ".join(f"datum.value == '{name}' ? '{word}'" for name, word in zip(paths, names, strict=True))
    order = list(paths)
    legend = alt.Legend(
        labelExpr=f"{words} : ''", columns=1, symbolStrokeWidth=3, labelLimit=330, symbolSize=300
    )
    chart = alt.Chart(pa.concat_tables(tables)).mark_line(clip=True)
    chart = chart.encode(
        alt.X("step:Q", title=lesson.label("step")),
        alt.Y("loss:Q", title=lesson.label("loss"))
        .axis(labelExpr=POWERS_OF_TEN)
        .scale(type="log", domain=[1e-5, 100]),
        alt.Color("run:N", title=None, legend=legend).scale(domain=order, range=[SKY, ORANGE, BLUE]),
        alt.StrokeDash("run:N", title=None, legend=legend).scale(domain=order, range=list(DASHES.values())),
        alt.StrokeWidth("run:N", title=None, legend=legend).scale(domain=order, range=[6, 2, 2]),
    )
    return sized(chart, 280)


def losses(shapes: pa.Table, lesson: Lesson) -> Any:
    """Draw the squared, absolute and Huber losses over the residual."""
    names = ["squared", "absolute", "huber"]
    words = " : ".join(f"datum.value == '{name}' ? '{lesson.label(name)}'" for name in names)
    chart = alt.Chart(shapes).mark_line(clip=True)
    chart = chart.encode(
        alt.X("residual:Q", title=lesson.label("residual")),
        alt.Y("value:Q", title=lesson.label("value")).scale(domain=[0, 12]),
        alt.Color("loss:N", title=None)
        .scale(domain=names, range=[BLUE, ORANGE, GREEN])
        .legend(labelExpr=f"{words} : ''"),
    )
    return sized(chart, 240)
