"""Small images in a lesson: pixels and weights as PNG in the page itself, enlarged without blur, with captions."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from onelayer.lab.panels import Html

FOR, AGAINST = (0, 114, 178), (213, 94, 0)  # Okabe and Ito's blue and vermilion


@dataclass(frozen=True)
class Picture:
    """An image with its caption.

    Attributes:
        png: the address of the image, with the image in it.
        caption: stands below it; it is also what is read aloud in its place.
    """

    png: str
    caption: str


def grey(pixels: NDArray[Any]) -> str:
    """Return bytes (h, w), 0 for paper and 255 for ink, as the address of a PNG."""
    return _address(255 - np.asarray(pixels, np.uint8))


def diverging(weights: NDArray[Any], largest: float) -> str:
    """Return weights (h, w) as the address of a PNG: blue where positive, orange where negative, white at 0."""
    share = np.clip(np.asarray(weights, np.float64) / (largest or 1.0), -1, 1)[:, :, None]
    colour = np.where(share > 0, np.array(FOR), np.array(AGAINST))
    return _address(np.rint(255 + np.abs(share) * (colour - 255)).astype(np.uint8))


def _address(pixels: NDArray[np.uint8]) -> str:
    buffer = BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"


def gallery(pictures: Sequence[Picture], name: str) -> Html:
    """Return pictures side by side, as many in a line as there is room for; ``name`` is for tests."""
    figures = "".join(
        f'<figure><img src="{picture.png}" alt="{escape(picture.caption)}">'
        f"<figcaption>{escape(picture.caption)}</figcaption></figure>"
        for picture in pictures
    )
    return Html(f'<div class="lab-gallery" data-testid="{name}">{figures}</div>')
