"""The pictures of the lesson on every pixel: channels as colours, labels as colours, and two charts."""

from typing import Any

import altair as alt
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from onelayer.lab.charts import BLUE, GREEN, GREY, ORANGE, POWERS_OF_TEN, percent, sized, ticks
from onelayer.lab.lessons.every_pixel.experiment import KINDS
from onelayer.lab.prose import Lesson

COLOURS = {"background": "#DDDDDD", "trouser": BLUE, "bag": ORANGE, "ankle-boot": GREEN}


def coloured(image: Tensor) -> Image.Image:
    """Return channels (3, h, w) from 0 to 1 as red, green and blue; what is beyond is cut off."""
    return Image.fromarray(np.rint(255 * image.clamp(0, 1).permute(1, 2, 0).numpy()).astype(np.uint8))


def labelled(labels: NDArray[np.int64]) -> Image.Image:
    """Return labels (h, w) as an image, a colour for each class."""
    palette = np.array(
        [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in COLOURS.values()], np.uint8
    )
    return Image.fromarray(palette[labels])


def gaps(table: pa.Table, lesson: Lesson) -> Any:
    """Draw how far the learned weights are from the inverse, by epoch, on a logarithmic axis."""
    x = alt.X("epoch:Q", title=lesson.label("epoch")).axis(tickMinStep=1, format="d")
    y = alt.Y("gap:Q", title=lesson.label("gap")).scale(type="log", domain=[1e-7, 1], clamp=True)
    colour = alt.Color("share:N", title=lesson.label("share"))
    line = alt.Chart(table).mark_line(point=alt.OverlayMarkDef(filled=True, size=45))
    return sized(line.encode(x, y.axis(labelExpr=POWERS_OF_TEN), colour), 240)


def overlaps(overlap: NDArray[np.float64], lesson: Lesson) -> Any:
    """Draw the intersection over union of each class as a bar in the colour of its pixels."""
    names = [lesson.label(name) for name in ("background", *KINDS)]
    table = pa.table({"name": names, "overlap": overlap})
    x = percent("overlap", lesson.label("overlap"))
    y = alt.Y("name:N", title=None, sort=names)
    colour = alt.Color("name:N", legend=None).scale(domain=names, range=list(COLOURS.values()))
    bars = alt.Chart(table).mark_bar(stroke=GREY, strokeWidth=0.5).encode(x, y, colour)
    text = alt.Chart(table).mark_text(align="left", dx=4, color=GREY)
    return sized(alt.layer(bars, text.encode(x, y, alt.Text("overlap:Q", format=".1%"))), 150)


def by_window(table: pa.Table, lesson: Lesson) -> Any:
    """Draw the mean intersection over union by the side of the window."""
    x = alt.X("window:Q", title=lesson.label("window"))
    x = x.axis(**ticks(table["window"].to_pylist()))
    y = alt.Y("overlap:Q", title=lesson.label("mean-overlap")).scale(domain=[0, 1]).axis(format=".0%")
    line = alt.Chart(table).mark_line(color=BLUE, point=alt.OverlayMarkDef(filled=True, size=60, color=BLUE))
    return sized(line.encode(x, y), 220)
