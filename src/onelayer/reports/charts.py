"""One function for each picture of the page: arrays and labels in, SVG out."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from onelayer.diagnostics import Calibration, Curve, Trend
from onelayer.reports.svg import Plot, Range

Array = NDArray[np.float64]

COOK = (0.5, 1.0)  # the distances that are drawn as lines
MOST_STEPS = 300  # points of a curve
ROW = 21  # the height of a row of coefficients


def predicted_against_true(true: Array, predicted: Array, labels: tuple[str, str], about: str) -> str:
    """Draw predictions (m,) over true values (m,): a perfect model lies on the diagonal."""
    x, y = Range.of(true), Range.of(predicted)
    plot = Plot(x, y, *labels)
    plot.dots(true, predicted)
    ends = max(x.low, y.low), min(x.high, y.high)
    plot.line(ends, ends, "reference")
    return plot.svg(about)


def residuals(x: Array, residual: Array, trend: Trend, labels: tuple[str, str], about: str) -> str:
    """Draw residuals (m,) along x (m,), and their means in bins along it."""
    plot = Plot(Range.of(x), Range.of(residual), *labels)
    plot.dots(x, residual)
    plot.line((plot.x.low, plot.x.high), (0.0, 0.0), "reference")
    plot.line(trend.x, trend.mean, "trend")
    plot.dots(trend.x, trend.mean, "trend", 3)
    return plot.svg(about)


def normal_quantiles(
    normal: Array, residual: Array, centre: tuple[float, float], labels: tuple[str, str], about: str
) -> str:
    """Draw sorted residuals (m,) over what normal ones would be (m,), and the line of their mean and deviation."""
    plot = Plot(Range.of(normal), Range.of(residual), *labels)
    x = np.linspace(plot.x.low, plot.x.high, 200)
    plot.line(x, centre[0] + centre[1] * x, "reference")
    plot.dots(normal, residual)
    return plot.svg(about)


def leverage(leverage: Array, studentised: Array, rank: int, labels: tuple[str, str], about: str) -> str:
    """Draw studentised residuals (m,) over leverage (m,), with lines where Cook's distance is ½ and 1."""
    plot = Plot(Range.of([0.0], leverage), Range.of(studentised, [-2, 2]), *labels)
    plot.dots(leverage, studentised)
    h = np.linspace(max(plot.x.low, 1e-9), min(plot.x.high, 1 - 1e-9), 400)
    h = h[h > 0]
    for distance in COOK:
        bound = np.sqrt(distance * rank * (1 - h) / h)
        for sign in (1, -1):
            plot.line(h, sign * bound, "reference")
            if len(inside := np.flatnonzero(bound < plot.y.high if sign > 0 else -bound > plot.y.low)):
                at = inside[-1]
                plot.text(plot.across(h[at]) - 3, plot.up(sign * bound[at]) - 4, f"D = {distance:g}", "end")
    return plot.svg(about)


def coefficients(names: Sequence[str], estimate: Array, interval: Array, label: str, about: str) -> str:
    """Draw estimates (p,) with their intervals (p, 2), NaN where there is none, one below the other."""
    height = 62 + ROW * len(names)
    y = Range(-len(names) + 0.4, 0.6, ())
    plot = Plot(Range.of(estimate, interval, [0.0], most=4), y, label, "", height=height, rows=names)
    plot.spans([((0.0, y.low), (0.0, y.high))], "reference")
    places = -np.arange(len(names), dtype=float)
    ends = zip(interval.tolist(), places.tolist(), strict=True)
    plot.spans([((low, at), (high, at)) for (low, high), at in ends if np.isfinite([low, high]).all()])
    plot.dots(estimate, places, "dot", 3.5)
    return plot.svg(about)


def penalties(
    strength: Array, error: Array, ends: Array, chosen: float, labels: tuple[str, str], about: str
) -> str:
    """Draw errors (a,) over strengths of a penalty (a,), with a standard error to each side (a, 2), and the choice."""
    y = Range.of(error, ends)
    plot = Plot(Range.of(strength), y, *labels)
    places = zip(strength.tolist(), ends.tolist(), strict=True)
    plot.spans([((x, low), (x, high)) for x, (low, high) in places], "span thin")
    plot.line(strength, error)
    plot.dots(strength, error)
    plot.line((chosen, chosen), (y.low, y.high), "reference")
    return plot.svg(about)


def paths(strength: Array, effects: Array, chosen: float, labels: tuple[str, str], about: str) -> str:
    """Draw a line of effects for each feature (a, m) over strengths of a penalty (a,), and the choice."""
    y = Range.of(effects, [0.0])
    plot = Plot(Range.of(strength), y, *labels)
    plot.line((plot.x.low, plot.x.high), (0.0, 0.0), "axis")
    for values in effects.T:
        plot.line(strength, values, "line thin")
    plot.line((chosen, chosen), (y.low, y.high), "reference")
    return plot.svg(about)


def calibration(found: Calibration, labels: tuple[str, str], about: str) -> str:
    """Draw how often it was so over the probability that was given, with intervals: the diagonal is right."""
    plot = Plot(Range.shares(), Range.shares(), *labels)
    plot.line((0.0, 1.0), (0.0, 1.0), "reference")
    places = zip(found.predicted.tolist(), found.interval.tolist(), strict=True)
    plot.spans([((x, low), (x, high)) for x, (low, high) in places])
    plot.line(found.predicted, found.observed)
    plot.dots(found.predicted, found.observed, "dot", 3.5)
    return plot.svg(about)


def curve(found: Curve, reference: tuple[float, float], labels: tuple[str, str], about: str) -> str:
    """Draw a curve of shares, and the line, from left to right, of scores that say nothing."""
    plot = Plot(Range.shares(), Range.shares(), *labels)
    plot.line((0.0, 1.0), reference, "reference")
    shown = np.unique(np.linspace(0, len(found.x) - 1, MOST_STEPS).round().astype(int))
    plot.line(found.x[shown], found.y[shown])
    return plot.svg(about)


def epochs(
    epoch: Sequence[int], values: Sequence[Sequence[float]], labels: tuple[str, str], about: str
) -> str:
    """Draw one line of values over epochs, or two."""
    shown = np.unique(np.linspace(0, len(epoch) - 1, MOST_STEPS).round().astype(int))
    plot = Plot(Range.counts(max(epoch)), Range.of(*values), *labels)
    x = np.asarray(epoch, float)[shown]
    for order, every in zip(("first", "second"), values, strict=False):
        y = np.asarray(every, float)[shown]
        plot.line(x, y, f"line {order}")
        if len(x) <= 40:
            plot.dots(x, y, f"dot {order}", 2.6)
    return plot.svg(about)
