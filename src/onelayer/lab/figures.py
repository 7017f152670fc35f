"""The pictures of scenes as SVG that stands still, for notebooks: what plots.js and grids.js draw, by Matplotlib."""

import warnings
from collections.abc import Callable
from html import escape
from io import StringIO
from itertools import zip_longest
from math import ceil
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

from onelayer.lab.numbers import filled, shown
from onelayer.lab.vocabulary import (
    Area,
    Axis,
    Band,
    Bars,
    Drawing,
    Handle,
    Images,
    Line,
    Matrix,
    Picture,
    Plot,
    Points,
    Raster,
    Rule,
    Segments,
    Table,
    Text,
)

COLORS = {
    "blue": "#0072b2",
    "orange": "#d55e00",
    "green": "#00825f",
    "red": "#c1121f",
    "purple": "#9b4a80",
    "grey": "#6b747d",
    "ink": "#1b1f24",
}
MARKERS = {"dot": "o", "cross": "x", "diamond": "D"}

Value = Callable[[Any], Any]
Label = Callable[[str], str]


def drawn(picture: Picture, value: Value, label: Label) -> str:
    """Return a picture as HTML: a plot or images as SVG, a table or a matrix as a table.

    Args:
        picture: as it is declared.
        value: looks a field up.
        label: looks a word up, and returns what is no word as it is.
    """
    match picture:
        case Plot():
            return _svg(lambda figure: _plot(figure, picture, value, label), (7, 4))
        case Images():
            images = [np.asarray(image) for image in value(picture.pixels)]
            high, wide = _grid(picture, images)
            return _svg(lambda figure: _images(figure, picture, images, value, label), (8, 9.6 * high / wide))
        case Table():
            columns = [list(np.atleast_1d(np.asarray(value(cell), object))) for cell in picture.cells]
            rows = [
                [_cell(part, spec, label) for part, spec in zip(row, picture.formats, strict=True)]
                for row in zip_longest(*columns, fillvalue="")
            ]
            return table([name and label(name) for name in picture.columns], rows)
        case Matrix():
            rows = [
                [label(name), *(shown(number, picture.format) for number in row)]
                for name, row in zip(picture.rows, np.asarray(value(picture.values)).tolist(), strict=False)
            ]
            return table(["", *map(label, picture.columns)], rows)
        case Drawing():
            pixels = [np.asarray(value(picture.pad))]
            return _svg(
                lambda figure: _images(figure, Images(picture.name, columns=1), pixels, value, label), (2, 2)
            )


def table(heads: list[str], rows: list[list[str]]) -> str:
    """Return a table of texts as HTML."""
    top = "".join(f"<th>{escape(head)}</th>" for head in heads)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><tr>{top}</tr>{body}</table>"


def _cell(part: Any, spec: str, label: Label) -> str:
    return label(part) if isinstance(part, str) else shown(part, spec)


def _svg(draw: Callable[[Figure], None], size: tuple[float, float]) -> str:
    # Text stays text, in the reader's own fonts, so that Chinese needs none of Matplotlib's.
    with mpl.rc_context({"svg.fonttype": "none", "font.family": "sans-serif", "font.size": 10}):
        figure = Figure(figsize=size, layout="constrained")
        FigureCanvasSVG(figure)
        draw(figure)
        file = StringIO()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph", UserWarning)  # Matplotlib's font is only measured with
            figure.savefig(file, format="svg")
    text = file.getvalue()
    return text[text.index("<svg") :]


def _plot(figure: Figure, plot: Plot, value: Value, label: Label) -> None:
    axes = figure.subplots()
    for axis, ranges, scales, titles, ticks in (
        (plot.x, axes.set_xlim, axes.set_xscale, axes.set_xlabel, axes.set_xticks),
        (plot.y, axes.set_ylim, axes.set_yscale, axes.set_ylabel, axes.set_yticks),
    ):
        _axis(axis, value, label, ranges, scales, titles, ticks)
    if plot.x is None and plot.y is None:
        axes.set_axis_off()
    if plot.square:
        axes.set_aspect("equal")
    for mark in plot.marks:
        _mark(axes, mark, value, label)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(frameon=False, fontsize=9)


def _axis(
    axis: Axis | None, value: Value, label: Label, ranges: Any, scales: Any, titles: Any, ticks: Any
) -> None:
    if axis is None:
        ranges(0, 1)
        return
    if axis.log:
        scales("log")
    if axis.categories:
        ranges(-0.6, len(axis.categories) - 0.4)
        ticks(range(len(axis.categories)), [label(name) for name in axis.categories])
    else:
        ranges(value(axis.low), value(axis.high))
    titles(axis.label and label(axis.label))


def _array(found: Any) -> Any:
    return np.atleast_1d(np.asarray(found, float))


def _mark(axes: Any, mark: Any, value: Value, label: Label) -> None:
    color = COLORS[getattr(mark, "color", "ink")]
    name = label(mark.label) if getattr(mark, "label", "") else None
    upto = int(value(mark.upto)) + 1 if getattr(mark, "upto", "") else None
    match mark:
        case Raster():
            low, high = axes.get_xlim(), axes.get_ylim()
            _show_image(axes, np.asarray(value(mark.pixels)), mark.scale, extent=(*low, *high), aspect="auto")
        case Line():
            ys = value(mark.y)
            many = ys if np.ndim(ys) > 1 else [ys]
            for i, y in enumerate(many):
                xs = range(len(y)) if mark.x == "" else value(mark.x)
                xs = xs[i] if np.ndim(xs) > 1 else xs
                style = {"ls": "--" if mark.dash else "-", "marker": "o" if mark.dots else None, "ms": 3}
                axes.plot(
                    _array(xs)[:upto],
                    _array(y)[:upto],
                    color=color,
                    lw=mark.width,
                    alpha=mark.opacity,
                    label=None if i else name,
                    **style,
                )
        case Handle():
            (x0, y0), (x, y) = map(value, mark.origin), (value(mark.x), value(mark.y))
            axes.scatter(x0 + mark.unit[0] * x, y0 + mark.unit[1] * y, s=60, color=color, label=name)
        case Points():
            x, y = np.broadcast_arrays(_array(value(mark.x)), _array(value(mark.y)))
            size = 3 * getattr(mark, "size", 4.0) ** 2
            axes.scatter(
                x[:upto],
                y[:upto],
                s=size,
                color=color,
                marker=MARKERS[getattr(mark, "shape", "dot")],
                label=name,
            )
        case Segments():
            places = (value(end) for end in (mark.x0, mark.y0, mark.x1, mark.y1, mark.weight or 1.0))
            for x0, y0, x1, y1, weight in zip(*np.broadcast_arrays(*map(_array, places)), strict=True):
                shade = color if not mark.weight else COLORS["orange" if weight < 0 else "blue"]
                axes.plot(
                    [x0, x1], [y0, y1], color=shade, lw=min(8, abs(weight) * mark.width), alpha=mark.opacity
                )
        case Bars():
            y, base = _array(value(mark.y)), _array(value(mark.base))
            axes.bar(
                _array(value(mark.x)),
                y - base,
                value(mark.width),
                base,
                color=color,
                alpha=mark.opacity,
                label=name,
            )
        case Area():
            axes.fill_between(
                value(mark.x), value(mark.low), value(mark.high), color=color, alpha=mark.opacity, label=name
            )
        case Band():
            axes.axvspan(value(mark.low), value(mark.high), color=color, alpha=0.15, label=name)
        case Rule(x=None):
            axes.axhline(value(mark.y), color=color, ls="--", label=name and filled(name, value))
        case Rule():
            axes.axvline(value(mark.x), color=color, ls="--", label=name and filled(name, value))
        case Text():
            _texts(axes, mark, value, label)


def _texts(axes: Any, mark: Text, value: Value, label: Label) -> None:
    found = value(mark.text)
    texts = [mark.text] if found is None else np.atleast_1d(np.asarray(found, object)).tolist()
    xs, ys, _ = np.broadcast_arrays(_array(value(mark.x)), _array(value(mark.y)), np.zeros(len(texts)))
    place = {"start": "left", "middle": "center", "end": "right"}[mark.anchor]
    for x, y, text in zip(xs, ys, texts, strict=True):
        axes.text(x, y, _cell(text, mark.format, label), color=COLORS[mark.color], ha=place, va="center")


def _grid(picture: Images, images: list[Any]) -> tuple[int, int]:
    """Return the rows and columns of a grid of images; as many as make a square where the picture leaves it open."""
    columns = picture.columns or ceil(len(images) ** 0.5) or 1
    return ceil(len(images) / columns) or 1, columns


def _images(figure: Figure, picture: Images, images: list[Any], value: Value, label: Label) -> None:
    captions = list(value(picture.captions) or []) if picture.captions else []
    grid = figure.subplots(*_grid(picture, images), squeeze=False).ravel()
    most = _strong(images)
    for place in grid:
        place.set_axis_off()
    for place, image, i in zip(grid, images, range(len(images)), strict=False):
        _show_image(place, image, picture.scale, most)
        if i < len(captions):
            place.set_title(_cell(captions[i], "", label), fontsize=8)


def _strong(images: list[Any]) -> float:
    """Return what most numbers are below: the few strongest would leave the others pale."""
    return float(np.quantile(np.abs(np.concatenate(images)), 0.995)) or 1.0 if images else 1.0


def _show_image(place: Any, pixels: Any, scale: str, most: float | None = None, **more: Any) -> None:
    """Draw an image's numbers: ink on paper, three inks on paper, or blue above 0 and orange below."""
    if scale == "inks":
        side = round((pixels.size / 3) ** 0.5)
        place.imshow(1 - pixels.reshape(3, side, side).transpose(1, 2, 0) / 255, **more)
        return
    side = round(pixels.size**0.5)
    if scale == "ink":
        place.imshow(pixels.reshape(side, side), cmap="gray_r", vmin=0, vmax=255, **more)
    else:
        most = most or _strong([pixels])
        place.imshow(pixels.reshape(side, side), cmap="PuOr", vmin=-most, vmax=most, **more)
