"""The look of all charts: colours that everyone can tell apart, readable on a phone, in light and in dark.

A chart is as wide as its place and has a fixed height. Its text, axes and grid have no colour here: marimo gives them
one that fits the browser's light or dark scheme. Marks that a chart adds itself are of a colour below; all suit both.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

# Okabe and Ito's palette, without black; each is readable on white and on the dark page.
BLUE, ORANGE, GREEN, PURPLE, SKY, YELLOW, RED = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#F0E442",
    "#D55E00",
)
GREY = "#888888"
HEIGHT = 320  # pixels
JUPYTER_WIDTH = 640
VEGA_LITE = "application/vnd.vegalite.v{}+json"
EMBED = {"actions": False, "renderer": "svg"}  # no menu: it leads to a web site; sharp at any zoom

FONT = (
    "system-ui, -apple-system, 'Segoe UI', 'Noto Sans CJK SC', 'Noto Sans SC', 'PingFang SC', "
    "'Microsoft YaHei', sans-serif"
)


@alt.theme.register("onelayer", enable=True)
def _theme() -> alt.theme.ThemeConfig:
    axis: alt.theme.AxisConfigKwds = {
        "labelFontSize": 12,
        "titleFontSize": 13,
        "titleFontWeight": "normal",
        "titlePadding": 10,
        "gridOpacity": 0.25,
        "tickCount": 5,
    }
    legend: alt.theme.LegendConfigKwds = {"labelFontSize": 12, "titleFontSize": 12, "orient": "top"}
    return {
        "config": {
            "background": "transparent",
            "font": FONT,
            "axis": axis,
            "legend": legend,
            "view": {"stroke": "transparent", "continuousHeight": HEIGHT},
            "range": {"category": [BLUE, ORANGE, GREEN, PURPLE, SKY, RED, YELLOW]},
            "title": {"fontSize": 13, "fontWeight": "normal", "anchor": "start"},
        }
    }


@dataclass(frozen=True)
class Picture:
    """A finished chart, for marimo and for Jupyter.

    Attributes:
        spec: what Vega-Lite draws.
        height: in pixels, without axis and legend.
    """

    spec: dict[str, Any]
    height: int

    def _mime_(self) -> tuple[str, str]:
        """Return what marimo asks for."""
        return VEGA_LITE.format(alt.SCHEMA_VERSION[1]), json.dumps(self.spec)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        """Return what Jupyter asks for. It draws by itself; what Altair gives it loads code from the network."""
        fixed = self.spec | {"width": JUPYTER_WIDTH}  # an output cell has no width of its own
        # Before Vega-Lite 6 there was 5, and most JupyterLabs have that. What we use is in both.
        kinds = {VEGA_LITE.format(version): fixed for version in (5, 6)}
        return {**kinds, "text/plain": "a chart: open this notebook in JupyterLab"}


def ticks(values: Iterable[float]) -> dict[str, Any]:
    """Return what an axis needs to have its ticks at just these values: Vega leaves out those above its tick count."""
    places = list(values)
    return {"values": places, "tickCount": len(places)}


def _powers_of_ten() -> str:
    """Return Vega's expression for the label of a tick as it is in print: 3 × 10⁵ in place of 3e+5."""
    mantissa, exponent = (f"split(format(datum.value, '~e'), 'e')[{part}]" for part in (0, 1))
    for plain, raised in zip("+-0123456789", ["", *"⁻⁰¹²³⁴⁵⁶⁷⁸⁹"], strict=True):
        exponent = f"replace({exponent}, /[{plain}]/g, '{raised}')"
    return f"datum.value == 0 ? '0' : ({mantissa} == '1' ? '' : {mantissa} + ' × ') + '10' + {exponent}"


POWERS_OF_TEN = _powers_of_ten()


def percent(field: str, title: str) -> alt.X:
    """Return a horizontal axis from 0 to 100%, with room for the text at the end of a bar that is full."""
    return (
        alt.X(f"{field}:Q", title=title)
        .scale(domain=[0, 1.2])
        .axis(format=".0%", **ticks([0, 0.2, 0.4, 0.6, 0.8, 1]))
    )


def landmarks(
    fields: tuple[str, str],
    names: tuple[str, str],
    start: NDArray[np.float64],
    minimum: NDArray[np.float64],
    colour: str,
) -> list[alt.Chart]:
    """Return the marks of two places on a map of a loss: a circle, its name above it, and a diamond at the minimum.

    Args:
        fields: the map's names of x and y.
        names: of the start and of the minimum, as the reader sees them.
        start: x and y (2,) of the circle.
        minimum: x and y (2,) of the diamond.
        colour: of the circle.
    """
    columns = {field: [start[i], minimum[i]] for i, field in enumerate(fields)}
    x, y = (f"{field}:Q" for field in fields)
    at = alt.Chart(pa.table({**columns, "name": names})).encode(alt.X(x), alt.Y(y))
    marks = [
        at.mark_point(filled=True, opacity=1, stroke="white", strokeWidth=1.5).encode(
            shape=alt.Shape("name:N", legend=None, sort=None).scale(range=["circle", "diamond"]),
            size=alt.Size("name:N", legend=None, sort=None).scale(range=[130, 220]),
            fill=alt.Fill("name:N", legend=None, sort=None).scale(range=[colour, RED]),
        )
    ]
    for name, below in zip(names, (-16, 17), strict=True):  # so that both can be read where the two meet
        text = at.transform_filter(alt.datum.name == name).encode(alt.Text("name:N"))
        marks.append(text.mark_text(dy=below, stroke="white", strokeWidth=4, strokeJoin="round"))
        marks.append(text.mark_text(dy=below, color="black"))
    return marks


def sized(chart: Any, height: int = HEIGHT) -> Picture:
    """Return a chart as wide as its place, of a fixed height in pixels.

    It is not checked against Vega-Lite's schema: that takes longer than all the rest. Tests check it.
    """
    size = {"width": "container", "height": height, "usermeta": {"embedOptions": EMBED}}
    return Picture(chart.to_dict(validate=False) | size, height)
