"""Data: what ships with the package, what the user brings, and rows in memory."""

from onelayer.data.bundled import fashion_mnist, houses, synthetic, verify
from onelayer.data.rows import Dataset, Rows, epoch_order
from onelayer.data.sources import BUNDLED, open_data

__all__ = [
    "BUNDLED",
    "Dataset",
    "Rows",
    "epoch_order",
    "fashion_mnist",
    "houses",
    "open_data",
    "synthetic",
    "verify",
]
