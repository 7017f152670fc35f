"""Small images in a lesson: pixels and weights as PNG in the page itself, enlarged without blur, with captions."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from onelayer.lab.panels import Html

FOR, AGAINST = (0, 114, 178), (213, 94, 0)  # Okabe and Ito's blue and vermilion


def grey(pixels: NDArray[Any]) -> Image.Image:
    """Return bytes (h, w), 0 for paper and 255 for ink, as an image."""
    return Image.fromarray(255 - np.asarray(pixels, np.uint8))


def diverging(weights: NDArray[Any], largest: float) -> Image.Image:
    """Return weights (h, w) as an image: blue where positive, orange where negative, white at 0."""
    share = np.clip(np.asarray(weights, np.float64) / (largest or 1.0), -1, 1)[:, :, None]
    colour = np.where(share > 0, np.array(FOR), np.array(AGAINST))
    return Image.fromarray(np.rint(255 + np.abs(share) * (colour - 255)).astype(np.uint8))


def gallery(images: Sequence[Image.Image], captions: Sequence[str], width: int | None = None) -> Html:
    """Return images side by side with their captions, which are read aloud in their place too.

    Args:
        images: enlarged with sharp pixels.
        captions: as many.
        width: of each image in CSS pixels; None for five in a line.
    """
    style = "" if width is None else f' style="grid-template-columns: repeat(auto-fill, {width}px)"'
    figures = "".join(
        f'<figure><img src="{_address(image)}" alt="{escape(caption)}">'
        f"<figcaption aria-hidden=true>{escape(caption)}</figcaption></figure>"
        for image, caption in zip(images, captions, strict=True)
    )
    return Html(f'<div class="lab-gallery"{style}>{figures}</div>')


def _address(image: Image.Image) -> str:
    buffer = BytesIO()
    image.save(buffer, "PNG")
    return f"data:image/png;base64,{b64encode(buffer.getvalue()).decode()}"
