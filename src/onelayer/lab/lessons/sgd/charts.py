"""The charts of lesson 2, from the experiment's tables."""

from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa

from onelayer.lab.charts import BLUE, GREY, ORANGE, POWERS_OF_TEN, RED, landmarks, sized, ticks
from onelayer.lab.lessons.sgd.experiment import Array, Scaling, Tuned
from onelayer.lab.prose import Lesson

WEIGHTS = ((-1.4, 2.6), (-2.0, 1.2))  # what the map of the loss shows: the sliders' range and a little more
LEAST_SHOWN = 1e-14  # a rise of the loss below this is rounding
RISES = (LEAST_SHOWN, 1e6)  # that a picture has room for
DASHES = [5, 4]


def walk(contours: pa.Table, path: Array, minimum: Array, lesson: Lesson) -> Any:
    """Draw the path (steps + 1, 3) over the ellipses of equal loss, with its start and the minimum."""
    x = alt.X("w1:Q", title=lesson.label("w1-axis")).scale(domain=WEIGHTS[0], nice=False)
    y = alt.Y("w2:Q", title=lesson.label("w2-axis")).scale(domain=WEIGHTS[1], nice=False)
    loss = alt.Color("loss:Q", title=lesson.label("loss"))
    loss = loss.scale(scheme="viridis", reverse=True).legend(gradientLength=200)
    rings = alt.Chart(contours).mark_line(clip=True, strokeWidth=1.2)
    rings = rings.encode(x, y, loss, alt.Order("order:Q"), alt.Detail("loss:Q"))
    steps = pa.table({"w1": path[:, 0], "w2": path[:, 1], "step": np.arange(len(path))})
    line = (
        alt.Chart(steps).mark_line(color=ORANGE, clip=True, strokeWidth=1.5).encode(x, y, alt.Order("step:Q"))
    )
    dots = alt.Chart(steps).mark_circle(color=ORANGE, clip=True, size=22, opacity=0.9).encode(x, y)
    names = (lesson.label("start"), lesson.label("minimum"))
    marks = landmarks(("w1", "w2"), names, path[0, :2], minimum, GREY)
    return sized(alt.layer(rings, line, dots, *marks).resolve_scale(color="independent"), 380)


def descent(rises: Array, predicted: Array, lesson: Lesson) -> Any:
    """Draw how far the loss is above its minimum after each step, beside what full batches are predicted to do."""
    lines = {lesson.label("walked"): rises, lesson.label("predicted"): predicted}
    table = pa.concat_tables(
        pa.table(
            {"step": np.arange(len(line)), "rise": np.maximum(line, LEAST_SHOWN), "line": [name] * len(line)}
        )
        for name, line in lines.items()
    )
    chart = (
        alt.Chart(table)
        .mark_line(clip=True)
        .encode(
            alt.X("step:Q", title=lesson.label("step")).axis(tickMinStep=1),
            _rise_axis("rise", lesson.label("rise"), RISES),
            alt.Color("line:N", title=None, sort=None).scale(domain=list(lines), range=[ORANGE, BLUE]),
            alt.StrokeDash("line:N", title=None, sort=None).scale(domain=list(lines), range=[[1, 0], DASHES]),
        )
    )
    return sized(chart, 220)


def _rise_axis(column: str, title: str, domain: tuple[float, float]) -> Any:
    return alt.Y(f"{column}:Q", title=title).scale(type="log", domain=domain).axis(labelExpr=POWERS_OF_TEN)


def by_rate(rises: pa.Table, bound: float, here: float, lesson: Lesson) -> Any:
    """Draw the rise that is left for each learning rate: walked as points, predicted as a line, with the bound.

    What is too large or too small for the picture is drawn at its edge.
    """
    shown = {name: np.clip(rises[name].to_numpy(), *RISES) for name in ("measured", "predicted")}
    table = pa.table({"lr": rises["lr"], **shown})
    x = alt.X("lr:Q", title=lesson.label("lr")).scale(domain=[0, 2])
    line = alt.Chart(table).mark_line(color=BLUE)
    points = alt.Chart(table).mark_circle(color=ORANGE, size=30, opacity=0.9)
    return sized(
        alt.layer(
            line.encode(x, _rise_axis("predicted", lesson.label("rise-left"), RISES)),
            points.encode(x, _rise_axis("measured", lesson.label("rise-left"), RISES)),
            _upright(x, bound, RED, "2/λ_max"),
            _upright(x, here, ORANGE, lesson.label("your-lr"), 34, on_its_right=here < 1),
        ),
        260,
    )


def _upright(x: Any, at: float, color: str, name: str, y: int = 16, *, on_its_right: bool = False) -> Any:
    """Return a dashed vertical line at a learning rate, with its name ``y`` pixels below the top."""
    mark = alt.Chart(pa.table({"lr": [at], "name": [name]}))
    style: dict[str, Any] = {"dx": 6, "align": "left"} if on_its_right else {"dx": -6, "align": "right"}
    text = mark.mark_text(color=color, y=y, fontWeight="bold", **style).encode(x, alt.Text("name:N"))
    return mark.mark_rule(color=color, strokeDash=DASHES, strokeWidth=1.5).encode(x) + text


def restlessness(rises: pa.Table, lesson: Lesson) -> Any:
    """Draw how far above the minimum SGD stays, over the learning rate, a line for each batch size."""
    chart = (
        alt.Chart(rises)
        .mark_line(point=True)
        .encode(
            alt.X("lr:Q", title=lesson.label("lr"))
            .scale(type="log")
            .axis(values=[0.025, 0.05, 0.1, 0.2, 0.4]),
            _rise_axis("rise", lesson.label("mean-rise"), (1e-6, 1)),
            alt.Color("batch_size:N", title=lesson.label("batch-size")),
        )
    )
    return sized(chart, 260)


def rates(shares: pa.Table, bounds: dict[str, float], lesson: Lesson) -> Any:
    """Draw the share of the rise that is left for each learning rate and scaling, with the notes' range shaded."""
    colour = alt.Color("scaling:N", title=None).scale(domain=list(bounds), range=[BLUE, ORANGE])
    colour = colour.legend(labelExpr=_scaling_names(lesson))
    x = alt.X("lr:Q", title=lesson.label("lr")).scale(type="log", domain=[1e-8, 10], nice=False)
    x = x.axis(labelExpr=POWERS_OF_TEN, values=[1e-8, 1e-5, 1e-3, 1e-1, 10], labelOverlap=False)
    y = alt.Y("shown:Q", title=lesson.label("share-left")).scale(type="log", domain=[1e-9, 1e3])
    clipped = np.clip(shares["share"].to_numpy(), 1e-9, 1e3)  # JSON has no infinity
    shown = shares.drop_columns("share").append_column("shown", pa.array(clipped))
    points = (
        alt.Chart(shown)
        .mark_point(size=45, filled=True, opacity=0.9)
        .encode(
            x,
            y.axis(labelExpr=POWERS_OF_TEN, values=[1e-9, 1e-6, 1e-3, 1, 1e3]),
            colour,
            alt.Shape("diverged:N", legend=None).scale(domain=[False, True], range=["circle", "cross"]),
        )
    )
    notes = alt.Chart(pa.table({"lr": [1e-5], "end": [1e-1]})).mark_rect(color=GREY, opacity=0.2)
    ends = pa.table({"lr": list(bounds.values()), "scaling": list(bounds)})
    rules = alt.Chart(ends).mark_rule(strokeDash=DASHES, strokeWidth=1.5).encode(x, colour)
    return sized(alt.layer(notes.encode(x, alt.X2("end")), points, rules), 280)


def _scaling_names(lesson: Lesson) -> str:
    standard, raw = lesson.label("standardised"), lesson.label("raw")
    return f"datum.value == 'standardised' ? '{standard}' : '{raw}'"


def scalings(found: list[Scaling], lesson: Lesson) -> Any:
    """Draw the share of the rise that is left after each step, for each scaling."""
    table = pa.concat_tables(
        pa.table(
            {
                "step": np.arange(len(one.share)),
                "share": np.maximum(one.share, LEAST_SHOWN),
                "scaling": [one.name] * len(one.share),
            }
        )
        for one in found
    )
    chart = (
        alt.Chart(table)
        .mark_line()
        .encode(
            alt.X("step:Q", title=lesson.label("step"))
            .scale(type="symlog")
            .axis(values=[0, 1, 10, 100, 1000]),
            _rise_axis("share", lesson.label("share-left"), (LEAST_SHOWN, 10)),
            alt.Color("scaling:N", title=None)
            .scale(domain=[one.name for one in found], range=[BLUE, ORANGE])
            .legend(labelExpr=_scaling_names(lesson)),
        )
    )
    return sized(chart, 240)


def tuned(found: Tuned, lesson: Lesson) -> Any:
    """Draw the loss on the validation rows over the learning rate, with the exact solution's and the best trial."""
    y = alt.Y("valid_loss:Q", title=lesson.label("valid-loss")).scale(type="log", domain=[0.1, 10])
    y = y.axis(**ticks([0.1, 0.2, 0.5, 1, 2, 5, 10]))
    x = alt.X("lr:Q", title=lesson.label("lr")).scale(type="log", domain=[1e-4, 10], nice=False)
    x = x.axis(labelExpr=POWERS_OF_TEN, **ticks([1e-4, 1e-3, 1e-2, 1e-1, 1, 10]))
    lines = alt.Chart(found.trials).mark_line(point=True, clip=True)
    lines = lines.encode(x, y, alt.Color("batch_size:N", title=lesson.label("batch-size")))
    best = alt.Chart(pa.Table.from_pylist([found.best]))
    diamond = best.mark_point(shape="diamond", size=170, color=RED, strokeWidth=2.5).encode(x, y)
    exact = alt.Chart(pa.table({"valid_loss": [found.exact], "name": [lesson.label("exact")]}))
    rule = exact.mark_rule(color=GREY, strokeDash=DASHES).encode(y)
    name = exact.mark_text(color=GREY, align="left", dx=4, dy=12, x=0).encode(y, alt.Text("name:N"))
    return sized(alt.layer(rule, name, lines, diamond, _upright(x, found.stable, GREY, "2/λ_max")), 280)
