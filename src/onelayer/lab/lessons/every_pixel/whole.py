"""What whole networks of such layers learned: ``onelayer example``'s results, kept in ``results.npz``.

``tools/example_results.py`` writes that file from the folders of two runs.
"""

from functools import cache
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Of the background and the ten garments: bytes of red, green and blue (ColorBrewer's qualitative colours, on white).
PALETTE = (
    *((255, 255, 255), (31, 120, 180), (106, 61, 154), (51, 160, 44), (227, 26, 28), (178, 223, 138)),
    *((255, 127, 0), (166, 206, 227), (251, 154, 153), (177, 89, 40), (253, 191, 111)),
)

SIMPLEST = (
    "garments-fewest",
    "digits-fewest",
    "plain-fewest",
    "plain-fewest",
)  # of the last four of the bits
NETWORKS = ("softmax-1", "softmax-21", "fcn", "u-net")


@cache
def results() -> dict[str, NDArray[Any]]:
    """Return what the two runs left, by name."""
    with (files(__package__) / "results.npz").open("rb") as file, np.load(file, allow_pickle=False) as kept:
        return {name: kept[name] for name in kept.files}


def generated(strip: str) -> dict[str, Any]:
    """Return ten images that a Glow made, 28 × 28 bytes, and how many bits it gives to what it is shown."""
    bits = results()["bits"]
    return {
        "made": list(results()[f"made_{strip.replace('-', '_')}"].reshape(10, -1)),
        "sources": [f"source-{i}" for i in range(len(bits))],
        "bits": bits.tolist(),
        "simplest": SIMPLEST[int(bits[2:].argmin())],
    }


def seen(scene_number: int) -> dict[str, Any]:
    """Return a test scene, the class of each pixel, and what each network answers, as inks; and their scores."""
    kept, i = results(), scene_number - 1
    pictures = [inks_of_grey(kept["scenes"][i])] + [inks_of(labels) for labels in kept["labels"][:, i]]
    return {
        "pictures": pictures,
        "captions": ["whole-scene", "truth", *NETWORKS],
        "networks": list(NETWORKS),
        "mean_iou": kept["mean_iou"].tolist(),
        "accuracy": kept["accuracy"].tolist(),
    }


def inks_of(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return class numbers (h, w) as inks (3hw,), each class in its colour."""
    return (255 - np.array(PALETTE, np.uint8)[labels.ravel()]).T.ravel()


def inks_of_grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image of bytes (h, w), dark on light, as inks (3hw,)."""
    return np.tile(image.ravel(), 3)
