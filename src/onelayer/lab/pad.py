"""A pad to draw a small image on, with the mouse, a finger or the keys, or to put an image file on.

Files are read, checked and shrunk in the browser: all that reaches the lab are 28 × 28 numbers.
"""

from pathlib import Path
from typing import Any

import anywidget
import traitlets

HERE = Path(__file__).parent
SIDE = 28


def _checked(proposal: dict[str, Any]) -> list[int]:
    """Return proposed pixels, or raise TraitError if they are no image: pages are not to be trusted."""
    pixels: list[int] = proposal["value"]
    if len(pixels) != SIDE**2 or not all(0 <= pixel <= 255 for pixel in pixels):
        raise traitlets.TraitError(f"pixels must be {SIDE**2} numbers from 0 to 255")
    return pixels


class Pad(anywidget.AnyWidget):
    """The pad.

    Attributes:
        pixels: 28 × 28 numbers row by row, from 0, paper, to 255, ink.
        words: the texts of its buttons and refusals, by name.
    """

    _esm = HERE / "pad.js"
    _css = HERE / "pad.css"
    pixels = traitlets.List(traitlets.Int()).tag(sync=True)
    words = traitlets.Dict().tag(sync=True)

    @traitlets.validate("pixels")
    def _valid_pixels(self, proposal: dict[str, Any]) -> list[int]:
        return _checked(proposal)
