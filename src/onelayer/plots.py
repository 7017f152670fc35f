"""Every picture, as a function from data to a matplotlib figure.

Figures are built without pyplot, so there is no window system and no global state. They have to be quick, for they
come after each run: layouts are fixed, and many images make one mosaic in one set of axes.
"""

import warnings
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import cycle
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator, StrMethodFormatter
from numpy.typing import NDArray

from onelayer.data.dataset import numbered_features
from onelayer.history import EpochRecord
from onelayer.plot_text import CJK_FONTS, families, shortened, width_of

Array = NDArray[Any]

# Okabe and Ito's palette: readers with any colour vision can tell these apart.
BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"
COLOURS = (BLUE, ORANGE, GREEN, "#CC79A7", "#E69F00", "#56B4E9", "#000000")  # of as many lines
PIXEL_COLOURS = ("#333333", *COLOURS[:-1], "#F0E442", "#8B4513", "#FFFFFF", "#7FFFD4")  # of classes of pixels
DPI = 100
MOST_NAMES = 50
SMALLEST_IMAGE, LARGEST_IMAGE = 28, 280
MOST_COUNTS = 7  # numbers above an axis
MOST_BARS = 40  # points of a curve that have a bar each for their standard error; more have a band


def png(figure: Figure) -> bytes:
    """Return the figure as the bytes of a PNG file.

    Example:
        >>> from onelayer import plots
        >>> plots.png(plots.network(3, 2))[1:4]
        b'PNG'
    """
    buffer = BytesIO()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        figure.savefig(buffer, format="png", dpi=DPI)
    glyphs = [w for w in caught if "missing from font" in str(w.message)]
    if glyphs:  # one for each character
        warnings.warn(
            "no installed font has some of the characters in a picture, which are drawn as boxes; for Chinese, install "
            f"one of {', '.join(CJK_FONTS[:3])}",
            UserWarning,
            stacklevel=2,
        )
    for other in caught:
        if other not in glyphs:
            warnings.warn_explicit(other.message, other.category, other.filename, other.lineno)
    return buffer.getvalue()


def curve(history: Sequence[EpochRecord], held_out_name: str) -> Figure:
    """Draw loss, and accuracy for classes, by epoch.

    Example:
        >>> from onelayer import Settings, plots, synthetic, train
        >>> run = train(synthetic(), Settings(solver="sgd", epochs=3))
        >>> figure = plots.curve(run.history.epochs, "held out")
        >>> figure.axes[0].get_ylabel()
        'loss'
    """
    epochs = [record.epoch for record in history]
    measures = ["loss"] if history[0].train_accuracy is None else ["loss", "accuracy"]
    figure = Figure(figsize=(1 + 4.2 * len(measures), 3.6))
    figure.subplots_adjust(left=0.7 / figure.get_figwidth(), right=0.98, bottom=0.15, top=0.96, wspace=0.25)
    for i, what in enumerate(measures):
        _lines(figure.add_subplot(1, len(measures), i + 1), epochs, what, history, held_out_name)
    return figure


def _lines(
    axes: Axes, epochs: list[int], what: str, history: Sequence[EpochRecord], held_out_name: str
) -> None:
    for part, label, colour, marker in (
        ("train", "train, while learning", BLUE, "o"),
        ("held_out", held_out_name, ORANGE, "s"),
    ):
        values = [getattr(record, f"{part}_{what}") for record in history]
        if values[0] is not None:
            axes.plot(epochs, values, color=colour, marker=marker, markersize=4, label=label)
    axes.set(xlabel="epoch", ylabel=what)
    axes.set_xlim(0.5, max(epochs) + 0.5)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.grid(alpha=0.3)
    axes.legend()


def templates(weight: Array, image_shape: tuple[int, int], classes: Sequence[str]) -> Figure:
    """Draw each class's weights (q, d) as an image: blue pixels speak for the class, red ones against it.

    Example:
        >>> import numpy as np
        >>> from onelayer import plots
        >>> figure = plots.templates(np.eye(2, 6), image_shape=(2, 3), classes=["first", "second"])
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['first', 'second']
    """
    largest = float(np.abs(weight).max()) or 1.0
    figure, image = _mosaic(
        weight, image_shape, classes, lines=1, margin=0.9, cmap="RdBu", vmin=-largest, vmax=largest
    )
    axes = figure.add_axes((1 - 0.8 / figure.get_figwidth(), 0.1, 0.015, 0.8))
    figure.colorbar(image, cax=axes, label="weight")
    return figure


def confusion(counts: Array, classes: Sequence[str], rows: str) -> Figure:
    """Draw how often each true class (row) was taken for each class (column), from counts (q, q).

    Example:
        >>> import numpy as np
        >>> from onelayer import plots
        >>> figure = plots.confusion(np.array([[8, 2], [1, 9]]), ["cat", "dog"], rows="test images")
        >>> figure.axes[0].get_title()
        '20 test images'
    """
    q = len(classes)
    side = min(max(4.5, 0.62 * q + 1.6), 16)
    classes = [shortened(name) for name in classes]
    margin = (0.6 + 0.085 * max(width_of(name) for name in classes)) / (side + 1.0)  # room for the names
    figure = Figure(figsize=(side + 1.0, side))
    figure.subplots_adjust(left=margin, right=0.99, bottom=margin, top=0.93)
    axes = figure.add_subplot()
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    fonts = families(*classes)
    named = range(0, q, -(-q // MOST_NAMES))
    names = [classes[i] for i in named]
    axes.set_xticks(named, names, rotation=45, ha="right", fontfamily=fonts)
    axes.set_yticks(named, names, fontfamily=fonts)
    axes.set(xlabel="predicted", ylabel="true", title=f"{counts.sum():,} {rows}")
    if q <= 20:
        for (row, column), count in np.ndenumerate(counts):
            colour = "white" if shares[row, column] > 0.5 else "black"
            if count:
                axes.text(column, row, f"{count}", ha="center", va="center", color=colour, fontsize=8)
    figure.colorbar(image, ax=axes, label="share of the true class", shrink=0.8)
    return figure


def images(pixels: Array, image_shape: tuple[int, int], titles: Sequence[str]) -> Figure:
    """Draw images from rows of bytes (m, d) in a grid, each with its title, of one or more lines.

    Example:
        >>> from onelayer import fashion_mnist, plots
        >>> data = fashion_mnist()
        >>> titles = [data.classes[label] for label in data.test.y[:4]]
        >>> figure = plots.images(data.test.X[:4], data.image_shape, titles)
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['ankle boot', 'pullover', 'trouser', 'trouser']
    """
    lines = max(title.count("\n") + 1 for title in titles)
    return _mosaic(pixels, image_shape, titles, lines, cmap="gray_r", vmin=0, vmax=255)[0]


def strips(rows: Mapping[str, Array]) -> Figure:
    """Draw rows of as many images each, (m, h, w) of bytes, below one another, each below its name.

    Example:
        >>> from onelayer import fashion_mnist, plots
        >>> pictures = fashion_mnist().test.X[:6].reshape(6, 28, 28)
        >>> figure = plots.strips({"as they are": pictures, "inverted": 255 - pictures})
        >>> [text.get_text() for text in figure.axes[0].texts]
        ['as they are', 'inverted']
    """
    m, h, w = next(iter(rows.values())).shape
    cell_height = round(1.35 * h)
    canvas = np.zeros((len(rows) * cell_height, m * w), np.uint8)
    figure = Figure(figsize=(canvas.shape[1] / 36, canvas.shape[0] / 36))
    axes = figure.add_axes((0.01, 0.005, 0.98, 0.99))
    axes.set_axis_off()
    for i, (name, pictures) in enumerate(rows.items(), start=1):
        bottom = i * cell_height
        canvas[bottom - h : bottom] = np.concatenate(list(pictures), axis=1)
        axes.text(0, bottom - h - 2, name, va="bottom", fontsize=9, fontfamily=families(name))
    axes.imshow(canvas, cmap="gray_r", vmin=0, vmax=255)
    return figure


def scenes(pixels: Array, labels: dict[str, Array], classes: Sequence[str]) -> Figure:
    """Draw pictures (n, h, w), bytes, over what each name says of their pixels: class numbers (n, h, w).

    Example:
        >>> import numpy as np
        >>> from onelayer import plots
        >>> pixels = np.zeros((2, 8, 8), np.uint8)
        >>> figure = plots.scenes(pixels, {"true": pixels // 255}, classes=["background", "garment"])
        >>> [axes.get_ylabel() for axes in figure.axes[::2]]
        ['scene', 'true']
    """
    rows, n, q = {"scene": pixels, **labels}, len(pixels), len(classes)
    colours = ListedColormap(PIXEL_COLOURS[:q])
    width, height = 1.4 + 1.1 * n, 0.4 + 1.1 * len(rows)
    figure = Figure(figsize=(width, height))
    figure.subplots_adjust(left=1.4 / width, right=1, bottom=0.4 / height, top=1, wspace=0.04, hspace=0.04)
    for line, (name, values) in zip(figure.subplots(len(rows), n, squeeze=False), rows.items(), strict=True):
        look: Any = {"cmap": "gray", "vmax": 255} if name == "scene" else {"cmap": colours, "vmax": q - 1}
        line[0].set_ylabel(name, rotation=0, ha="right", va="center")
        for axes, picture in zip(line, values, strict=True):
            axes.imshow(picture, vmin=0, interpolation="nearest", **look)
            axes.set(xticks=[], yticks=[])
    keys = [Patch(facecolor=c, edgecolor=GREY, label=k) for c, k in zip(PIXEL_COLOURS, classes, strict=False)]
    figure.legend(handles=keys, loc="lower center", ncols=q, fontsize=8, frameon=False, columnspacing=1)
    return figure


def predicted_against_true(prediction: Array, target: Array, name: str, rows: str) -> Figure:
    """Draw predictions (n,) over true values (n,): a perfect model lies on the diagonal.

    Example:
        >>> import numpy as np
        >>> from onelayer import plots
        >>> figure = plots.predicted_against_true(np.array([2.0, 3.0]), np.array([2.1, 2.8]), "price", "houses")
        >>> figure.axes[0].get_ylabel()
        'predicted price'
    """
    figure = Figure(figsize=(5.6, 4.8))
    figure.subplots_adjust(left=0.18, right=0.97, bottom=0.12, top=0.93)
    axes = figure.add_subplot()
    axes.scatter(target, prediction, s=8, alpha=_alpha(len(target)), color=BLUE, linewidths=0)
    ends = [float(target.min()), float(target.max())]
    axes.plot(ends, ends, color=ORANGE, linewidth=1.2, label="predicted = true")
    axes.set_xlabel(f"true {shortened(name)}", fontfamily=families(name))
    axes.set_ylabel(f"predicted {shortened(name)}", fontfamily=families(name))
    axes.set_title(f"{len(target):,} {rows}", fontsize=10)
    axes.legend()
    axes.grid(alpha=0.3)
    _readable_ticks(axes.xaxis, axes.yaxis)
    return figure


def residuals(prediction: Array, target: Array, name: str, rows: str) -> Figure:
    """Draw the residuals (n,), true minus predicted: over the prediction, and how they are distributed.

    Under the noise model y = Xw + b + ε of section 3.1.3 they look like one horizontal band, and their
    histogram like the normal density that is drawn over it.

    Example:
        >>> import numpy as np
        >>> from onelayer import plots
        >>> figure = plots.residuals(np.array([2.0, 3.0, 4.0]), np.array([2.1, 2.8, 4.3]), "price", "houses")
        >>> figure.axes[1].get_title()
        "normal with the residuals' σ = 0.20548"
    """
    errors = target - prediction
    mean, std = float(errors.mean()), float(errors.std())
    figure = Figure(figsize=(9.6, 3.8))
    figure.subplots_adjust(left=0.115, right=0.98, bottom=0.14, top=0.92, wspace=0.25)
    cloud, histogram = figure.subplots(1, 2)
    cloud.scatter(prediction, errors, s=8, alpha=_alpha(len(errors)), color=BLUE, linewidths=0)
    cloud.axhline(0, color=ORANGE, linewidth=1.2)
    cloud.set_xlabel(f"predicted {shortened(name)}", fontfamily=families(name))
    cloud.set_ylabel("residual: true − predicted")
    cloud.set_title(f"{len(errors):,} {rows}", fontsize=10)
    cloud.grid(alpha=0.3)
    bins = int(np.clip(np.sqrt(len(errors)), 8, 50))
    _, edges, _ = histogram.hist(errors, bins=bins, color=BLUE, alpha=0.6)
    if std > 0:
        x = np.linspace(edges[0], edges[-1], 300)
        density = np.exp(-(((x - mean) / std) ** 2) / 2) / (std * np.sqrt(2 * np.pi))
        histogram.plot(x, density * len(errors) * (edges[1] - edges[0]), color=ORANGE)
    histogram.set_title(f"normal with the residuals' σ = {std:,.6g}", fontsize=10, color=ORANGE)
    histogram.set(xlabel="residual", ylabel="rows")
    _readable_ticks(cloud.xaxis, cloud.yaxis, histogram.xaxis)
    return figure


def _readable_ticks(*each: Axis) -> None:
    """Show few numbers, up to a million with thousands separated, so that they do not overlap."""
    for axis in each:
        axis.set_major_locator(MaxNLocator(5))
        low, high = axis.get_view_interval()
        largest = max(abs(low), abs(high))
        if largest < 1e6 and high - low > 1e-4 * largest:  # six digits tell the ticks apart
            axis.set_major_formatter(StrMethodFormatter("{x:,.6g}"))


def selection(model: Any, deviation: Any = None) -> Figure:
    """Draw the error of each penalty with its standard error, and the coefficients along the path of the one chosen.

    Penalties are stronger to the right. Lines mark the one chosen, and with the rule "1se" that of the least error.
    Above the coefficients stand the numbers of features that are in, where these differ.

    Args:
        model: a fitted ``LinearRegressionCV`` or ``SoftmaxRegressionCV``.
        deviation: (d,) what coefficients are multiplied by, such as the standard deviations of the features, so that
            features in different units can be compared; None for 1.

    Example:
        >>> from sklearn.datasets import load_diabetes
        >>> from onelayer import LinearRegressionCV, plots
        >>> X, y = load_diabetes(return_X_y=True)
        >>> figure = plots.selection(LinearRegressionCV(l1_ratio=1.0, cv=5).fit(X, y))
        >>> figure.axes[0].get_ylabel()
        'error on rows left out'
    """
    name = "alpha" if "alpha" in model.path_ else "C"
    figure = Figure(figsize=(11.2, 4.4))
    figure.subplots_adjust(left=0.075, right=0.85, bottom=0.13, top=0.86, wspace=0.24)
    errors, paths = figure.subplots(1, 2)
    _draw_errors(errors, model, name)
    _draw_coefficients(paths, model, name, np.ones(1) if deviation is None else np.asarray(deviation, float))
    for axes in (errors, paths):
        axes.set_xscale("log")
        axes.set_xlabel(f"{name}: a stronger penalty to the right")
        if name == "C":
            axes.invert_xaxis()
        axes.grid(alpha=0.3)
    return figure


def _draw_errors(axes: Axes, model: Any, name: str) -> None:
    results, chosen = model.cv_results_, getattr(model, f"{name}_")
    ratios = results["l1_ratio"]
    ratio = getattr(model, "l1_ratio_", ratios[0])
    for other, style in zip(np.unique(ratios[ratios != ratio]), cycle((":", "-.", "--", "-"))):
        rows = ratios == other
        points = results[name][rows], results["mean_error"][rows]
        axes.plot(*points, color=GREY, linestyle=style, linewidth=1.2, label=f"l1_ratio {other:g}")
    rows = ratios == ratio
    strength, mean, spread = (results[key][rows] for key in (name, "mean_error", "standard_error"))
    label = f"l1_ratio {ratio:g}" if len(np.unique(ratios)) > 1 else "mean"
    axes.plot(strength, mean, color=BLUE, marker="o", markersize=3, label=label)
    said = "± its standard error"
    if len(mean) > MOST_BARS:
        axes.fill_between(
            strength, mean - spread, mean + spread, color=BLUE, alpha=0.25, linewidth=0, label=said
        )
    else:
        axes.errorbar(strength, mean, spread, fmt="none", capsize=2, color=BLUE, alpha=0.6, label=said)
    best = strength[mean.argmin()]
    if best != chosen:
        axes.axvline(best, color=GREY, linestyle="--", label=f"least error: {name} = {best:.3g}")
    axes.axvline(chosen, color=ORANGE, label=f"chosen: {name} = {chosen:.3g}")
    axes.set_ylabel("error on rows left out")
    axes.legend(fontsize=8)


def _draw_coefficients(axes: Axes, model: Any, name: str, deviation: Array) -> None:
    strength, coef = model.path_[name], model.path_["coef"] * deviation
    several = coef.ndim == 3 and coef.shape[1] > 1
    effects = np.linalg.norm(coef, axis=1) if several else coef.reshape(len(coef), -1)
    names = getattr(model, "feature_names_in_", numbered_features(effects.shape[1]))
    order = np.argsort(-np.abs(effects).max(axis=0), kind="stable")
    for j in order[len(COLOURS) :]:
        axes.plot(strength, effects[:, j], color=GREY, linewidth=0.6, alpha=0.6)
    for j, colour in zip(order, COLOURS, strict=False):
        axes.plot(strength, effects[:, j], color=colour, linewidth=1.4, label=shortened(str(names[j])))
    axes.axhline(0, color="black", linewidth=0.6)
    axes.axvline(getattr(model, f"{name}_"), color=ORANGE)
    what = "length of a feature's coefficients" if several else "coefficient"
    axes.set_ylabel(what + (" × deviation" if len(deviation) > 1 else ""))
    shown = [str(names[j]) for j in order[: len(COLOURS)]]
    fonts = {"family": families(*shown), "size": 8}
    title = "largest" if len(order) > len(COLOURS) else None
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.02), frameon=False, prop=fonts, title=title)
    counts = model.path_["n_features"]
    if counts.min() < counts.max():
        _draw_counts(axes, strength, counts)


def _draw_counts(axes: Axes, strength: Array, counts: Array) -> None:
    """Write above the axes how many features are in at some penalties."""
    at = np.unique(np.linspace(0, len(strength) - 1, MOST_COUNTS).round().astype(int))
    for i in at:
        axes.text(
            strength[i], 1.02, f"{counts[i]:,}", transform=axes.get_xaxis_transform(), ha="center", fontsize=8
        )
    axes.text(0.5, 1.08, "features in", transform=axes.transAxes, ha="center", fontsize=8)


def network(d: int, q: int, most: int = 12) -> Figure:
    """Draw a one-layer network of d inputs and q outputs with every connection (sections 3.1.4 and 3.4.3).

    A layer of more than ``most`` units is drawn with its first ones, dots, and its last one. Inputs are not
    counted as a layer: they compute nothing.

    Example:
        >>> from onelayer import plots
        >>> plots.network(3, 2).get_suptitle()
        'one layer, fully connected: 3 × 2 weights + 2 biases = 8 parameters'
    """
    inputs, outputs = _shown(d, most), _shown(q, most)
    width = max(6.4, 2.4 + 0.8 * max(len(inputs), len(outputs)))
    figure = Figure(figsize=(width, 3.4))
    axes = figure.add_axes((1.7 / width, 0, 1 - 1.8 / width, 0.9))
    places = {0: _spread(inputs), 1: _spread(outputs)}
    for x in places[0].values():
        for o in places[1].values():
            axes.plot([x, o], [0, 1], color=GREY, linewidth=0.8, zorder=1)
    for level, symbol, colour, size in ((0, "x", BLUE, d), (1, "o", ORANGE, q)):
        for unit, at in places[level].items():
            axes.scatter(at, level, s=620, color="white", edgecolors=colour, linewidths=1.8, zorder=2)
            axes.text(at, level, f"${symbol}_{{{unit}}}$", ha="center", va="center", fontsize=11)
        if size > most:
            last = list(places[level].values())[-2:]
            axes.text(sum(last) / 2, level, "···", ha="center", va="center", fontsize=14, zorder=3)
    for level, label in ((0, f"input layer: {d}"), (1, f"output layer: {q}")):
        axes.annotate(label, (-0.02, level), xycoords=("axes fraction", "data"), ha="right", va="center")
    parameters = f"{d} × {q} weights + {q} bias{'es' if q > 1 else ''}"
    figure.suptitle(f"one layer, fully connected: {parameters} = {d * q + q:,} parameters", fontsize=10)
    axes.set_ylim(-0.35, 1.35)
    axes.margins(x=0.12)
    axes.set_axis_off()
    return figure


def _shown(count: int, most: int) -> list[int]:
    return list(range(1, count + 1)) if count <= most else [*range(1, most - 1), count]


def _spread(units: list[int]) -> dict[int, float]:
    """Return a place on a line around 0 for each unit; where numbers are skipped, leave room for dots."""
    places, at = {}, 0.0
    for previous, unit in zip([units[0] - 1, *units], units, strict=False):
        at += 1.0 if unit - previous == 1 else 2.0
        places[unit] = at
    middle = (at + 1.0) / 2
    return {unit: place - middle for unit, place in places.items()}


def _mosaic(
    rows: Array,
    image_shape: tuple[int, int],
    titles: Sequence[str],
    lines: int,
    margin: float = 0.0,
    columns: int = 5,
    **how: Any,
) -> tuple[Figure, AxesImage]:
    """Draw rows (m, d) as images in a grid, each below its title of so many lines, in one set of axes.

    ``margin`` is the room left on the right, in inches.
    """
    # Images of a few pixels are enlarged, so that the gaps between them have a pixel, and titles have room.
    zoom = max(1, min(-(-SMALLEST_IMAGE // min(image_shape)), LARGEST_IMAGE // max(image_shape)))
    height, width = zoom * image_shape[0], zoom * image_shape[1]
    side = max(height, width)
    across = min(columns, len(rows))
    down = -(-len(rows) // across)
    cell_height = height + 0.17 * lines * side
    cell_width = max(width * 1.12, 0.9 * side)  # a narrow image still has a title
    canvas = np.full((round(down * cell_height), round(across * cell_width)), np.nan)
    scale = 1.55 / side  # inches a pixel
    image_width = canvas.shape[1] * scale
    figure = Figure(figsize=(image_width + margin, canvas.shape[0] * scale))
    axes = figure.add_axes((0.01, 0.01, 0.98 * image_width / (image_width + margin), 0.97))
    axes.set_axis_off()
    for i, (row, title) in enumerate(zip(rows, titles, strict=False)):
        bottom = round((i // across + 1) * cell_height)
        left = round((i % across) * cell_width)
        canvas[bottom - height : bottom, left : left + width] = np.kron(
            row.reshape(image_shape), np.ones((zoom, zoom), row.dtype)
        )
        axes.text(
            left + width / 2,
            bottom - height - 1,
            "\n".join(shortened(line) for line in title.split("\n")),
            ha="center",
            va="bottom",
            fontsize=9,
            fontfamily=families(title),
        )
    return figure, axes.imshow(canvas, **how)


def _alpha(n: int) -> float:
    """Make points the more transparent the more there are."""
    return float(np.clip(600 / n, 0.1, 0.6))
