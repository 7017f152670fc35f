"""Log-log pictures of benchmarks, as small SVG files that depend on their figures alone."""

from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt

COLOURS = ("#1f4e9c", "#c0392b", "#2e7d32", "#8e6c00", "#6a3d9a", "#555555", "#00838f", "#ad1457")


def panels(rows: int, columns: int, width: float, height: float) -> tuple[Any, Any]:
    """Return a figure and its panels (rows, columns), both axes of each logarithmic."""
    mpl.rcParams |= {"svg.hashsalt": "onelayer", "svg.fonttype": "none", "font.size": 8}
    drawn, axes = plt.subplots(rows, columns, figsize=(width, height), squeeze=False, layout="constrained")
    for axis in axes.flat:
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.grid(color="#dddddd", linewidth=0.5)
    return drawn, axes


def save(drawn: Any, path: Path) -> None:
    """Write a picture without the date."""
    path.parent.mkdir(exist_ok=True)
    drawn.savefig(path, metadata={"Date": None})
    plt.close(drawn)
