"""How figures are written: seconds, memory, ratios, and tables for the terminal and for Markdown alike."""

import math
from collections.abc import Sequence
from typing import Any

SAME = 0.05  # a ratio this near to 1 says that there is no difference


def figure(metric: str, value: float) -> str:
    """Return a value with its unit, to three digits: MB if the metric's name ends so, else seconds."""
    if math.isnan(value):
        return "–"
    if math.isinf(value):
        return "not reached"
    if metric.endswith("MB"):
        return f"{value:,.0f} MB"
    return (
        f"{value * 1000:.3g} ms"
        if value < 0.01
        else f"{value:,.0f} s"
        if value >= 999.5
        else f"{value:.3g} s"
    )


def cells(metric: str, ours: float, theirs: float, limit: float) -> tuple[str, str]:
    """Return two figures; what is infinite did not end within the limit."""
    found = (f"> {limit:g} s" if math.isinf(value) else figure(metric, value) for value in (ours, theirs))
    first, second = found
    return first, second


def ratio_cell(metric: str, ours: float, theirs: float, limit: float) -> str:
    """Return how many times ours goes into theirs, and in words if ours is not less."""
    worse = "slower"
    if metric.endswith("MB"):  # less than one is none that can be measured
        worse, ours, theirs = "more", max(ours, 1.0), max(theirs, 1.0)
    if math.isinf(ours):
        return worse if math.isfinite(theirs) else "–"
    ratio = min(theirs, limit) / ours if math.isinf(theirs) else theirs / ours
    sign = "> " if math.isinf(theirs) else ""
    text = f"{sign}{ratio:,.0f}×" if ratio >= 99.5 else f"{sign}{ratio:.2g}×"
    if ratio < 1 - SAME:
        return f"{text}, {worse}"
    return f"{text}, the same" if ratio < 1 + SAME else text


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table whose columns are also aligned as plain text."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    lines = [list(head), ["-" * max(3, width) for width in widths], *rows]
    widths = [max(3, width) for width in widths]
    return "\n".join(
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |"
        for line in lines
    )


def _spread(metric: str, found: dict[str, float]) -> str:
    value = figure(metric, found["median"])
    if found["rounds"] < 2 or metric.endswith("MB"):
        return value
    return f"{value} ({figure(metric, found['low'])} to {figure(metric, found['high'])})"


def case_table(case: dict[str, Any]) -> str:
    """Return the table of a case: each contender's medians with quartiles, and how far apart its answer is."""
    metrics = list(dict.fromkeys(metric for one in case["contenders"] for metric in one["metrics"]))
    rows = []
    for one in case["contenders"]:
        values = [_spread(m, one["metrics"][m]) if m in one["metrics"] else "" for m in metrics]
        rounds = next((str(found["rounds"]) for found in one["metrics"].values()), "")
        apart = "" if one["apart"] is None else f"{one['apart']:.0e}"
        note = {"other": "not counted", "floor": "floor"}.get(one["role"], "")
        state = note if one["state"] == "ran" else one["state"]
        rows.append([one["name"], *values, rounds, apart, state])
    return table(["", *metrics, "rounds", "apart", ""], rows)


def print_case(case: dict[str, Any]) -> None:
    """Show a case on the terminal."""
    print(f"\n{case['label']}\n{case_table(case)}")
    print(f"equal: {case['equal']}")
    for row in case["rows"]:
        print(f"{row['what']}: {row['ours']} against {row['theirs']}: {row['ratio']}", flush=True)
