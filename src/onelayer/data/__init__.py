"""Data: what ships with the package, what the user brings, and rows in memory."""

from onelayer.data.bundled import fashion_mnist, houses, synthetic, verify
from onelayer.data.dataset import Dataset
from onelayer.data.rows import PIXEL_UNIT, Rows
from onelayer.data.sources import BUNDLED, open_data

__all__ = [
    "BUNDLED",
    "PIXEL_UNIT",
    "Dataset",
    "Rows",
    "fashion_mnist",
    "houses",
    "open_data",
    "synthetic",
    "verify",
]
