"""Pictures of the gallery: an example shows the figure that a cell ends with, as a notebook would."""

import ast
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from sphinx_gallery.scrapers import figure_rst

from onelayer.plots import png


def last_figure(block: Any, block_vars: dict[str, Any], gallery_conf: dict[str, Any]) -> str:
    """Save the figure that a cell's last line gives and return the reStructuredText that shows it."""
    figure = block_vars["example_globals"].get(
        "___"
    )  # sphinx-gallery's name for the value of the last expression
    if not isinstance(figure, Figure) or not isinstance(ast.parse(block.content).body[-1], ast.Expr):
        return ""
    path = next(block_vars["image_path_iterator"])
    Path(path).write_bytes(png(figure))
    return str(figure_rst([path], gallery_conf["src_dir"]))
