"""From what the user names, a data set: a bundled name, a path, or a table from Python."""

import os
from collections.abc import Callable, Collection, Iterable
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onelayer.data import bundled
from onelayer.data.dataset import Dataset, Missing
from onelayer.data.idx_folder import open_idx_folder
from onelayer.errors import OneLayerError

if TYPE_CHECKING:
    import pyarrow as pa

TABLE_SUFFIXES = (".csv", ".tsv", ".parquet")
BUNDLED_TABLES = {"houses": "price", "synthetic": "y"}  # with their targets
NOT_IMAGES = "--transpose is for images, and the data are a table"
BUNDLED = ("fashion-mnist", *BUNDLED_TABLES)


def open_data(
    source: Any,
    target: str | None = None,
    features: Iterable[str] | None = None,
    missing: Missing = "error",
    as_classes: bool = False,
    categorical: Collection[str] = (),
    transpose: bool = False,
) -> Dataset:
    """Return the data set that ``source`` names.

    Args:
        source: ``"fashion-mnist"``, ``"houses"`` or ``"synthetic"``; the path of a folder of IDX files, or of
            a CSV, TSV or Parquet file; or a pandas, polars or Arrow table.
        target: the column to predict; your own tables need it.
        features: the columns to predict from; all others if not given.
        missing: what to do with missing values in a table: ``"error"``, fill with the ``"mean"`` of the
            training rows, or ``"drop"`` the row.
        as_classes: treat a numeric target as class labels; a regression if not.
        categorical: columns to make one-hot although they look like numbers, such as postal codes.
        transpose: let rows and columns of each image change places; EMNIST's images lie on their side.

    Raises:
        OneLayerError: if there is no such thing, or it cannot be used; the message says where and why.
    """
    if not is_table(source):
        images = open_images(source, transpose)
        if target is not None or features is not None:
            raise OneLayerError(f"{source} is images: --target and --features are for tables")
        return images
    if transpose:
        raise OneLayerError(NOT_IMAGES)
    from onelayer.data.encoding import dataset_from_table

    name, table = open_table(source, lambda column: column in categorical)
    if target is None and isinstance(source, str):
        target = BUNDLED_TABLES.get(source)
    return dataset_from_table(table, name, target, features, missing, as_classes, categorical)


def is_table(source: Any) -> bool:
    """Tell a table (from Python, bundled, or a file with a table's ending) from images."""
    if not isinstance(source, (str, Path)):
        return True
    return str(source) in BUNDLED_TABLES or Path(source).suffix.lower() in TABLE_SUFFIXES


def open_table(source: Any, as_text: Callable[[str], bool] = lambda column: False) -> "tuple[str, pa.Table]":
    """Return a table and its name; see ``read_table`` for ``as_text``.

    Raises:
        OneLayerError: if it does not exist or is malformed.
    """
    # Arrow takes 0.1 s to import; images do without it.
    from onelayer.data.tables import read_table, table_from, table_of

    if not isinstance(source, (str, Path)):
        return "table", table_from(source)
    if str(source) == "houses":
        return "houses", read_table(bundled.HOUSES)
    if str(source) == "synthetic":
        return "synthetic", table_of(bundled.synthetic())
    path = Path(source)
    _refuse_nothing(path)
    if str(path) != _readable(str(path)):
        raise OneLayerError(
            f"{path}: the name of the file is not in UTF-8, as Arrow wants it; rename the file"
        )
    return path.stem, read_table(path, as_text)


def open_images(source: str | Path, transpose: bool = False) -> Dataset:
    """Return the data set of a bundled name or of a folder of IDX files; see ``open_data`` for ``transpose``.

    Raises:
        OneLayerError: if there is none, or its files are malformed.
    """
    path = images_path(source)
    if str(source) == "fashion-mnist":
        return open_idx_folder(path, "fashion-mnist", bundled.FASHION_MNIST_CLASSES, transpose)
    if path.is_file():
        raise OneLayerError(
            f"{path}: expected a folder of IDX files, or a table that ends in {', '.join(TABLE_SUFFIXES)}"
        )
    return open_idx_folder(path, _readable(path.resolve().name), transpose=transpose)


def images_path(source: str | Path) -> Path:
    """Return where the IDX files of a bundled name or a path are: a folder, a prefix of its files, or a file.

    Raises:
        OneLayerError: if there is nothing.
    """
    if str(source) == "fashion-mnist":
        return bundled.FASHION_MNIST
    path = Path(source)
    if not list(path.parent.glob(f"{escape(path.name)}*-images*")):
        _refuse_nothing(path)
    return path


def _readable(name: str) -> str:
    """Return the name of a file as text, with escapes in the place of bytes that are not UTF-8."""
    return os.fsencode(name).decode(errors="backslashreplace")


def _refuse_nothing(path: Path) -> None:
    if not path.exists():
        raise OneLayerError(
            f"there is no data set or file called {str(path)!r}; bundled are {', '.join(BUNDLED)}"
        )
