"""Axes, marks and text of a picture as SVG. Colours and fonts are the page's: marks have classes, not styles.

A picture without a script, a font file or an id of its own, and of a few dozen kilobytes: matplotlib's would need the
first second of a run for its import and drawing, and is of fixed colours.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, isfinite, log10
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.reports.text import MINUS, RAISED, clean, shortened, width

Array = NDArray[np.float64]

WIDTH, HEIGHT = 380, 270
LETTER = 7.0  # the width of a digit or a Latin letter of the ticks
TOP, RIGHT, BOTTOM = 12.0, 24.0, 44.0
LONGEST_LABEL, LONGEST_UPRIGHT = 46, 37


@dataclass(frozen=True)
class Range:
    """The numbers along an axis, and those at its ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]

    @staticmethod
    def of(*values: Any, most: int = 6, margin: float = 0.04) -> "Range":
        """Return the range of all finite values with a margin, and about ``most`` round ticks in it."""
        finite = np.concatenate([np.ravel(np.asarray(part, float)) for part in values])
        finite = finite[np.isfinite(finite)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
        # Of almost equal numbers no two ticks could be told apart.
        pad = (
            (high - low) * margin if high - low > 1e-9 * max(abs(low), abs(high)) else max(abs(low), 1e-9) / 2
        )
        return Range(low - pad, high + pad, _round_numbers(low - pad, high + pad, most))

    @staticmethod
    def shares() -> "Range":
        """Return the range from 0 to 1."""
        return Range(-0.02, 1.02, (0.0, 0.2, 0.4, 0.6, 0.8, 1.0))

    @staticmethod
    def counts(most: int) -> "Range":
        """Return the range of 1 to ``most``, with whole numbers at the ticks."""
        step = max(1.0, _round_step((most - 1) / 5))
        return Range(0.5, most + 0.5, tuple(t for t in _multiples(step, 0.5, most + 0.5)))


def _round_step(least: float) -> float:
    """Return the smallest of 1, 2, 5, 10, … times a power of ten that is at least ``least``."""
    if least <= 0:
        return 0.0
    power = 10.0 ** floor(log10(least))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= least * (1 - 1e-9))


def _round_numbers(low: float, high: float, most: int) -> tuple[float, ...]:
    return tuple(_multiples(_round_step((high - low) / most), low, high))


def _multiples(step: float, low: float, high: float) -> Iterable[float]:
    return [i * step for i in range(ceil(low / step - 1e-9), floor(high / step + 1e-9) + 1)]


def tick_labels(ticks: Sequence[float]) -> tuple[list[str], str]:
    """Return ticks as text, with as many decimals as their distance needs, and the power of ten that all are times."""
    largest = max((abs(tick) for tick in ticks), default=0.0)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else largest
    if not step:
        return ["0"] * len(ticks), ""
    power = 0 if step >= 1e-3 and largest < 1e6 else floor(log10(largest) + 1e-9)
    unit = 10.0**power
    decimals = max(0, -floor(log10(step / unit) + 1e-9))
    labels = [f"{tick / unit:,.{decimals}f}".replace("-", MINUS) for tick in ticks]
    return labels, f" (×10{str(power).translate(RAISED)})" if power else ""


class Plot:
    """One picture: axes, and what is drawn in them."""

    def __init__(
        self,
        x: Range,
        y: Range,
        x_label: str,
        y_label: str,
        *,
        height: float = HEIGHT,
        rows: Sequence[str] | None = None,
    ) -> None:
        """Draw the axes; ``rows`` names the places 0, 1, … of the vertical one, from the top, in place of ticks."""
        self.x, self.y, self.height = x, y, height
        y_texts, unit = tick_labels(y.ticks) if rows is None else ([shortened(name, 22) for name in rows], "")
        self.left = 14 + (18 if y_label else 0) + LETTER * max(map(width, y_texts), default=1)
        self.parts: list[str] = []
        self._axes(y_texts, x_label, y_label + unit if y_label else "", rows)

    def across(self, value: float) -> float:
        """Return where a value of the horizontal axis is."""
        return self.left + (value - self.x.low) / (self.x.high - self.x.low) * (WIDTH - RIGHT - self.left)

    def up(self, value: float) -> float:
        """Return where a value of the vertical axis is."""
        return TOP + (self.y.high - value) / (self.y.high - self.y.low) * (self.height - BOTTOM - TOP)

    def _axes(self, y_texts: list[str], x_label: str, y_label: str, names: Sequence[str] | None) -> None:
        bottom, right = self.height - BOTTOM, WIDTH - RIGHT
        grid = [f"M{self.across(tick):.1f} {TOP:g}V{bottom:g}" for tick in self.x.ticks]
        if names is None:
            grid += [f"M{self.left:.1f} {self.up(tick):.1f}H{right:g}" for tick in self.y.ticks]
        self.parts.append(f'<path class="rules" d="{"".join(grid)}"/>')
        x_texts, unit = tick_labels(self.x.ticks)
        for tick, label in zip(self.x.ticks, x_texts, strict=True):
            self.text(self.across(tick), bottom + 16, label, "middle")
        places = self.y.ticks if names is None else [-float(i) for i in range(len(names))]
        for i, (place, label) in enumerate(zip(places, y_texts, strict=True)):
            whole = None if names is None or label == clean(names[i]) else names[i]
            self.text(self.left - 7, self.up(place) + 4, label, "end", whole)
        room = LONGEST_LABEL - len(unit)
        short = shortened(x_label, room) + unit
        half = LETTER * width(short) / 2
        at = max(
            min((self.left + right) / 2, WIDTH - 4 - half), 4 + half
        )  # a long label stays in the picture
        self.text(at, self.height - 8, short, "middle", x_label if width(x_label) > room else None, "label")
        if y_label:
            middle = (TOP + bottom) / 2
            whole = y_label if width(y_label) > LONGEST_UPRIGHT else None
            turned = f' transform="rotate(-90 13 {middle:g})"'
            self.text(13, middle, shortened(y_label, LONGEST_UPRIGHT), "middle", whole, "label", turned)

    def text(
        self,
        x: float,
        y: float,
        text: str,
        anchor: str = "start",
        whole: str | None = None,
        css: str = "tick",
        more: str = "",
    ) -> None:
        """Write a text; ``whole`` is what it is short for."""
        title = f"<title>{escape(clean(whole))}</title>" if whole else ""
        self.parts.append(
            f'<text class="{css}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{title}{escape(text)}</text>'
        )

    def dots(self, x: Array, y: Array, css: str = "dot", radius: float = 2.2) -> None:
        """Draw a dot at each point (m,), (m,); the more there are, the fainter they are."""
        crowd = " faint" if len(x) > 200 else ""
        dots = "".join(
            f'<circle cx="{self.across(a):.1f}" cy="{self.up(b):.1f}" r="{radius:g}"/>'
            for a, b in zip(x.tolist(), y.tolist(), strict=True)
        )
        self.parts.append(f'<g class="{css}{crowd}">{dots}</g>')

    def line(self, x: Sequence[float] | Array, y: Sequence[float] | Array, css: str = "line") -> None:
        """Draw a line through points (m,), (m,), with a gap where one is not finite or outside of the axes."""
        path, is_down = "", False
        for a, b in zip(x, y, strict=True):
            if not (
                isfinite(a)
                and isfinite(b)
                and self.y.low <= b <= self.y.high
                and self.x.low <= a <= self.x.high
            ):
                is_down = False
                continue
            path += f"{'L' if is_down else 'M'}{self.across(a):.1f} {self.up(b):.1f}"
            is_down = True
        if path:
            self.parts.append(f'<path class="{css}" d="{path}"/>')

    def spans(
        self, ends: Iterable[tuple[tuple[float, float], tuple[float, float]]], css: str = "span"
    ) -> None:
        """Draw a straight line for each pair of ends."""
        path = "".join(
            f"M{self.across(a):.1f} {self.up(b):.1f}L{self.across(c):.1f} {self.up(d):.1f}"
            for (a, b), (c, d) in ends
        )
        self.parts.append(f'<path class="{css}" d="{path}"/>')

    def svg(self, description: str) -> str:
        """Return the picture; ``description`` is for those who do not see it."""
        return (
            f'<svg role="img" viewBox="0 0 {WIDTH} {self.height:g}" aria-label="{escape(clean(description))}">'
            f"{''.join(self.parts)}</svg>"
        )
