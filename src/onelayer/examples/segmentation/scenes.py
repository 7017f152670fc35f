"""Pictures in which each pixel has a class: scenes of garments, composed here, and a picture of cell nuclei.

An image of Fashion-MNIST is 0 where the item is not, so the pixels of the item are known exactly, and so is the class
of each pixel of a scene that items are laid into.
"""

from collections.abc import Iterable
from importlib.util import find_spec
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from onelayer.data.bundled import FASHION_MNIST_CLASSES
from onelayer.data.dataset import random_stream
from onelayer.data.rows import Rows
from onelayer.errors import OneLayerError

CLASSES = ("background", *FASHION_MNIST_CLASSES)
NUCLEI_CLASSES = ("background", "nucleus")
SIDE, ITEM = 64, 28  # pixels of a scene and of an item, each way
FEWEST, MOST, PLACES = 3, 6, 4  # items in a scene, and places that each is tried at
CUT = 8  # rows or columns of an item that may lie beyond the border
LIGHT, NOISE = 80, 10  # of 255: the lightest background, and the standard deviation of the noise


class Scenes(NamedTuple):
    """Pictures and the classes of their pixels: bytes (n, h, w), both."""

    pixels: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    def first(self, n: int) -> "Scenes":
        """Return the first n scenes, or all if there are fewer."""
        return Scenes(self.pixels[:n], self.labels[:n])


def compose(items: Rows, n: int, seed: int) -> Scenes:
    """Return n scenes of 64 × 64 pixels, each of three to six items (m, 784) of classes 0 to 9.

    Items are drawn at random, mirrored half of the time, and laid one over another, with at least 20 rows and columns
    inside, each at the emptiest of four random places. An item's own pixels get its class plus 1. The background, class
    0, is shaded from corner to corner, and noise is over everything.
    """
    images = np.asarray(items.X, dtype=np.uint8).reshape(-1, ITEM, ITEM)
    draw = random_stream(seed, len(images))  # other places for other items
    scenes = Scenes(np.empty((n, SIDE, SIDE), np.uint8), np.empty((n, SIDE, SIDE), np.uint8))
    fade = np.stack([np.linspace(1, 0, SIDE), np.linspace(0, 1, SIDE)])  # from one side to the other
    inside = slice(ITEM, ITEM + SIDE)
    for i in range(n):
        scene = np.pad(fade.T @ draw.uniform(0, LIGHT, (2, 2)) @ fade, ITEM)  # with a frame beyond the border
        label = np.zeros(scene.shape, np.uint8)
        for k in draw.integers(len(images), size=draw.integers(FEWEST, MOST + 1)):
            item = images[k, :, ::-1] if draw.random() < 0.5 else images[k]
            corners = draw.integers(ITEM - CUT, SIDE + CUT + 1, size=(PLACES, 2))
            places = [np.s_[top : top + ITEM, left : left + ITEM] for top, left in corners]
            place = min(places, key=lambda place: np.count_nonzero(label[place]))
            scene[place][item > 0] = item[item > 0]
            label[place][item > 0] = items.y[k] + 1
        noise = NOISE * draw.standard_normal((SIDE, SIDE))
        scenes.pixels[i] = (scene[inside, inside] + noise).clip(0, 255)
        scenes.labels[i] = label[inside, inside]
    return scenes


def nuclei(n: int, seed: int) -> tuple[Scenes, Scenes]:
    """Return n crops from the left half of a microscope's picture of cell nuclei, and the right half, cut up.

    The picture has 512 × 512 pixels and is of the Data Science Bowl 2018 (Caicedo et al. 2019). The package stardist
    (BSD) ships it; it is read without importing stardist.

    Raises:
        OneLayerError: if stardist is not installed.
    """
    from PIL import Image  # matplotlib depends on it

    package = find_spec("stardist")
    if package is None or package.origin is None:
        raise OneLayerError(
            "--nuclei needs a picture of stardist's; install with: pip install --no-deps stardist"
        )
    files = [Path(package.origin).parent / f"data/images/{name}2d.tif" for name in ("img", "mask")]
    try:
        picture, cells = (np.asarray(Image.open(file)) for file in files)
    except OSError as error:
        raise OneLayerError(f"{files[0].parent}: the picture of nuclei cannot be read ({error})") from error
    both = picture.clip(0, 255).astype(np.uint8), (cells > 0).astype(np.uint8)

    def cut(corners: Iterable[tuple[int, int]]) -> Scenes:
        places = [np.s_[top : top + SIDE, left : left + SIDE] for top, left in corners]
        return Scenes(*(np.stack([values[place] for place in places]) for values in both))

    height, half = len(picture), len(picture) // 2
    corners = random_stream(seed).integers((height - SIDE + 1, half - SIDE + 1), size=(n, 2))
    return cut(corners.tolist()), cut(product(range(0, height, SIDE), range(half, height, SIDE)))
