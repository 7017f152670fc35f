"""The book's drawing functions, over pyplot (sections 2.4 and 3.5)."""

import sys
from collections.abc import Iterable, Sequence
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from torch import Tensor

Limits = Sequence[float] | None

FMTS = ("-", "m--", "g-.", "r:")


def notebook_shell() -> Any:
    """Return the IPython shell of the Jupyter kernel that this code runs in, or None."""
    ipython = sys.modules.get("IPython")  # imported by every kernel before our code runs
    shell = ipython.get_ipython() if ipython else None
    return shell if getattr(shell, "kernel", None) is not None else None


def use_svg_display() -> None:
    """Draw figures as SVG, sharp at any size, in Jupyter. Elsewhere this has no effect (section 2.4.1).

    Example:
        >>> from onelayer import d2l
        >>> d2l.use_svg_display()
    """
    if notebook_shell():
        from matplotlib_inline.backend_inline import set_matplotlib_formats

        set_matplotlib_formats("svg")


def set_figsize(figsize: tuple[float, float] = (3.5, 2.5)) -> None:
    """Set the size in inches of the figures to come (section 2.4.1).

    Example:
        >>> from onelayer import d2l
        >>> d2l.set_figsize((4, 3))
        >>> d2l.plt.rcParams["figure.figsize"]
        [4.0, 3.0]
    """
    use_svg_display()
    plt.rcParams["figure.figsize"] = figsize


def set_axes(
    axes: Axes,
    xlabel: str | None,
    ylabel: str | None,
    xlim: Limits,
    ylim: Limits,
    xscale: str,
    yscale: str,
    legend: Sequence[str] | None,
) -> None:
    """Set labels, limits, scales, legend and grid of ``axes``; None leaves limits as they are (section 2.4.1).

    Example:
        >>> from onelayer import d2l
        >>> axes = d2l.plt.gca()
        >>> d2l.set_axes(axes, "epoch", "loss", [1, 10], [0.1, 2], "linear", "log", ["train"])
        >>> axes.get_xlabel(), axes.get_yscale()
        ('epoch', 'log')
    """
    axes.set(xlabel=xlabel or "", ylabel=ylabel or "", xscale=xscale, yscale=yscale)
    if xlim is not None and xlim[0] != xlim[1]:  # equal in a training of one epoch
        axes.set_xlim(*xlim)
    if ylim is not None:
        axes.set_ylim(*ylim)
    if legend:
        axes.legend(legend)
    axes.grid(True)


def plot(
    X: Any,
    Y: Any = None,
    xlabel: str | None = None,
    ylabel: str | None = None,
    legend: Sequence[str] | None = [],
    xlim: Limits = None,
    ylim: Limits = None,
    xscale: str = "linear",
    yscale: str = "linear",
    fmts: Sequence[str] = FMTS,
    figsize: tuple[float, float] = (3.5, 2.5),
    axes: Axes | None = None,
) -> None:
    """Draw one or several curves (section 2.4.1).

    Args:
        X: the points' x values (n,), shared by all curves, or a list of such; without Y, the y values.
        Y: the y values (n,) of a curve, or a list of such.
        xlabel: label of the x axis.
        ylabel: label of the y axis.
        legend: a name for each curve; none if it is empty or None, the default in the first edition.
        xlim: limits of the x axis.
        ylim: limits of the y axis.
        xscale: "linear" or "log".
        yscale: "linear" or "log".
        fmts: matplotlib's line formats, one a curve, used over again where there are more curves.
        figsize: width and height in inches.
        axes: where to draw; the current axes if None.

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> x = torch.arange(0, 3, 0.1)
        >>> d2l.plot(x, [x**2, 2 * x - 1], "x", "f(x)", legend=["f(x)", "tangent at 1"])
        >>> len(d2l.plt.gca().lines)
        2
    """
    set_figsize(figsize)
    if axes is None:
        axes = plt.gca()
        plt.gcf().set_layout_engine("constrained")  # a saved figure has its labels in full
    xs, ys = (_curves(X), _curves(Y)) if Y is not None else ([], _curves(X))
    if len(xs) != len(ys):
        xs = xs * len(ys)
    axes.cla()
    for i, (y, fmt) in enumerate(zip(ys, cycle(fmts), strict=False)):
        axes.plot(*([xs[i]] if xs else []), y, fmt)
    set_axes(axes, xlabel, ylabel, xlim, ylim, xscale, yscale, legend)


def _curves(values: Any) -> list[Any]:
    """Return the curves in ``values``, which are one curve's values (n,) or several curves."""
    if isinstance(values, Tensor):
        values = values.detach().cpu().numpy()
    if isinstance(values, np.ndarray):
        return [values] if values.ndim == 1 else list(values)
    curves = [v.detach().cpu().numpy() if isinstance(v, Tensor) else v for v in values]
    return [curves] if all(np.ndim(v) == 0 for v in curves) else curves


def show_images(
    imgs: Iterable[Any],
    num_rows: int,
    num_cols: int,
    titles: Sequence[str] | None = None,
    scale: float = 1.5,
) -> Any:
    """Draw images in a grid, each ``scale`` inches wide, and return its axes (num_rows·num_cols,) (section 3.5.1).

    An image is a tensor or array (h, w), (1, h, w) or (h, w, 3), or a PIL image.

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> axes = d2l.show_images(torch.rand(4, 28, 28), num_rows=1, num_cols=4, titles=["a", "b", "c", "d"])
        >>> axes.shape
        (4,)
    """
    _, axes = plt.subplots(num_rows, num_cols, figsize=(num_cols * scale, num_rows * scale), squeeze=False)
    axes = axes.flatten()
    for i, (ax, img) in enumerate(zip(axes, imgs, strict=False)):
        pixels = np.asarray(img.detach().cpu() if isinstance(img, Tensor) else img)
        ax.imshow(pixels[0] if pixels.ndim == 3 and len(pixels) == 1 else pixels)
        if titles:
            ax.set_title(titles[i])
    for ax in axes:
        ax.xaxis.set_visible(False)
        ax.yaxis.set_visible(False)
        ax.set_frame_on(bool(ax.images))  # no empty box where there are fewer images than places
    return axes
