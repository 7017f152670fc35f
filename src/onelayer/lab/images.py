"""Small greyscale images in a lesson: as HTML, each with its caption, which is its text alternative too."""

from base64 import b64encode
from collections.abc import Sequence
from html import escape
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from onelayer.lab.panels import Html


def png(pixels: NDArray[np.uint8]) -> bytes:
    """Return an image (h, w) of bytes as a PNG file: 0 is white and 255 black, as ink on paper."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(255 - pixels).save(buffer, "png")
    return buffer.getvalue()


def gallery(images: Sequence[NDArray[np.uint8]], captions: Sequence[str], width: int = 72) -> Html:
    """Return images (h, w) of bytes side by side, each ``width`` CSS pixels wide, its pixels sharp."""
    figures = "".join(
        f'<figure style="width: {width}px"><img alt="{escape(caption)}" '
        f'src="data:image/png;base64,{b64encode(png(image)).decode()}">'
        f"<figcaption aria-hidden=true>{escape(caption)}</figcaption></figure>"
        for image, caption in zip(images, captions, strict=True)
    )
    return Html(f'<div class="lab-images">{figures}</div>')
