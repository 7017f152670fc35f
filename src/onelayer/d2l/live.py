"""Figures that grow while a model trains (section 3.6.6).

In Jupyter the figure is redrawn in place. Elsewhere a line of text follows it, and the figure stays pyplot's current
one, to be shown or saved when training is over.
"""

import atexit
import sys
from collections.abc import Sequence
from io import StringIO
from itertools import cycle
from time import perf_counter
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from torch import Tensor

from onelayer.d2l.figures import FMTS, Limits, notebook_shell, set_axes, use_svg_display
from onelayer.errors import OneLayerError

SECONDS_BETWEEN_REDRAWS = 0.2  # a redraw takes about 0.06 s: more of them would slow down short epochs


class LiveFigure:
    """Shows a figure while it grows, in Jupyter as SVG, as it does all figures from then on."""

    def __init__(self, figure: Figure) -> None:
        use_svg_display()
        self.figure: Any = figure
        self._handle: Any = None  # of the picture in the running cell of a notebook
        self._drawn = 0.0
        self._text = ""
        self._is_late = False

    def show(self, text: str, is_last: bool = False) -> None:
        """Show the figure as it is now. ``text`` says its newest points; ``is_last`` if no more are expected."""
        self._text = text
        shell = notebook_shell()
        if shell is None:
            LINE.show(text, is_last)
        elif self._handle is None:
            from IPython.display import display

            self._handle = display(self._picture(), raw=True, display_id=True)
            # Jupyter displays pyplot's figures at the end of the cell; this one is displayed already.
            self.figure._ipython_display_ = lambda: None
            shell.events.register("post_execute", self._end_of_cell)
        elif perf_counter() - self._drawn > SECONDS_BETWEEN_REDRAWS:
            self._redraw()
        else:
            self._is_late = True

    def _end_of_cell(self) -> None:
        """Bring the picture up to date; in another cell, the figure gets another picture."""
        notebook_shell().events.unregister("post_execute", self._end_of_cell)
        if self._is_late:
            self._redraw()
        del self.figure._ipython_display_
        self._handle = None

    def _redraw(self) -> None:
        self._handle.update(self._picture(), raw=True)
        self._is_late = False

    def _picture(self) -> dict[str, str]:
        buffer = StringIO()
        self.figure.savefig(buffer, format="svg", bbox_inches="tight")
        self._drawn = perf_counter()
        return {"image/svg+xml": buffer.getvalue(), "text/plain": self._text}


class LiveLine:
    """A line of text on standard output: in a terminal it is rewritten, in a file or a pipe it is repeated."""

    def __init__(self) -> None:
        self._width = 0  # of the text that stands on the terminal's unfinished line

    def show(self, text: str, is_last: bool) -> None:
        """Write the text in place of the one before, and end the line if this is the last one."""
        if not sys.stdout.isatty() or hasattr(sys, "ps1"):  # Python's prompt needs a line of its own
            print(text, flush=True)
            return
        print(f"\r{text:<{self._width}}", end="", flush=True)
        self._width = max(self._width, len(text))
        if is_last:
            self.end()

    def end(self) -> None:
        """End the line, if it is unfinished, so that what comes next has a line of its own."""
        if self._width:
            print(flush=True)
        self._width = 0


LINE = LiveLine()  # a terminal has one line to rewrite, whatever the number of figures
atexit.register(LINE.end)


class Animator:
    """Curves that grow by a point at each ``add`` (section 3.6.6).

    Args:
        xlabel: label of the x axis; likewise ``ylabel``.
        legend: a name for each curve.
        xlim: limits of the x axis; likewise ``ylim``. The points choose them if None.
        xscale: "linear" or "log"; likewise ``yscale``.
        fmts: matplotlib's line formats, one a curve.
        nrows: rows of axes; likewise ``ncols``. The curves are drawn in the first one.
        figsize: width and height in inches.

    Attributes:
        fig: the matplotlib figure, and ``axes`` the list of its axes.
        X: the x values of each curve so far; likewise ``Y``.

    Example:
        >>> from onelayer import d2l
        >>> animator = d2l.Animator(xlabel="epoch", legend=["train loss", "test loss"])
        >>> animator.add(1, (0.8, 0.9))
        epoch 1: train loss 0.800, test loss 0.900
        >>> animator.add(2, (0.6, 0.8))
        epoch 2: train loss 0.600, test loss 0.800
    """

    def __init__(
        self,
        xlabel: str | None = None,
        ylabel: str | None = None,
        legend: Sequence[str] | None = None,
        xlim: Limits = None,
        ylim: Limits = None,
        xscale: str = "linear",
        yscale: str = "linear",
        fmts: Sequence[str] = FMTS,
        nrows: int = 1,
        ncols: int = 1,
        figsize: tuple[float, float] = (3.5, 2.5),
    ) -> None:
        self.fig, axes = plt.subplots(nrows, ncols, figsize=figsize, squeeze=False, layout="constrained")
        self.axes = list(axes.flatten())
        self.X: list[list[float]] = []
        self.Y: list[list[float]] = []
        self.fmts = fmts
        self._labels = xlabel or "x", list(legend or ())
        self._end = xlim[1] if xlim else None
        self._lines: list[Line2D] = []
        self._style = (xlabel, ylabel, xlim, ylim, xscale, yscale, legend)
        self._live = LiveFigure(self.fig)

    def add(self, x: Any, y: Any) -> None:
        """Add the point (x, y), or one point to each of several curves; None adds nothing to its curve.

        Raises:
            OneLayerError: if there are more or fewer points than curves.
        """
        ys = _listed(y)
        xs = _listed(x)
        xs = xs * len(ys) if len(xs) == 1 else xs
        if not self._lines:
            self.X, self.Y = [[] for _ in ys], [[] for _ in ys]
            self._lines = [
                self.axes[0].plot([], [], fmt)[0] for fmt, _ in zip(cycle(self.fmts), ys, strict=False)
            ]
            set_axes(self.axes[0], *self._style)
        if not len(xs) == len(ys) == len(self._lines):
            raise OneLayerError(
                f"{len(xs)} x and {len(ys)} y for {len(self._lines)} curves: None stands for no point"
            )
        new = [
            (i, float(a), float(b))
            for i, (a, b) in enumerate(zip(xs, ys, strict=True))
            if a is not None and b is not None
        ]
        for i, a, b in new:
            self.X[i].append(a)
            self.Y[i].append(b)
            self._lines[i].set_data(self.X[i], self.Y[i])
        if new:
            self.axes[0].relim()
            self.axes[0].autoscale_view()
            self._live.show(*self._news(new))

    def _news(self, new: list[tuple[int, float, float]]) -> tuple[str, bool]:
        """Return the new points in words, and whether they are at the end of the x axis."""
        xlabel, names = self._labels
        at = max(a for _, a, _ in new)
        values = {names[i] if i < len(names) else f"y{i + 1}": b for i, _, b in new}
        return in_words(xlabel, at, values), self._end is not None and at >= self._end


def in_words(xlabel: str, x: float, values: dict[str, float]) -> str:
    """Return the newest points of some curves as a line of text."""
    figures = (
        f"{name} {value:.3f}" if 1e-3 <= abs(value) < 1e4 else f"{name} {value:.3g}"
        for name, value in values.items()
    )
    return f"{xlabel} {x:g}: {', '.join(figures)}"


def _listed(values: Any) -> list[Any]:
    """Return numbers in a list, tuple, array or tensor, or a single number, as a list."""
    if isinstance(values, Tensor):
        values = values.detach().cpu().numpy()
    if isinstance(values, np.ndarray):
        return list(values.reshape(-1))
    return list(values) if hasattr(values, "__len__") else [values]
