"""From what the user names, a data set: a bundled name, a path, or a table from Python."""

import os
from collections.abc import Collection, Mapping, Sequence
from glob import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onelayer.data import bundled
from onelayer.data.dataset import Dataset, Missing
from onelayer.data.idx_folder import open_idx_folder
from onelayer.data.places import is_address
from onelayer.data.reading import AS_FOUND, Reading
from onelayer.data.table_names import SUFFIXES, is_table_path, stem
from onelayer.errors import OneLayerError

if TYPE_CHECKING:
    from onelayer.data.tables import Table

BUNDLED_TABLES = {"houses": "price", "synthetic": "y"}  # with their targets
NOT_IMAGES = "--transpose is for images, and the data are a table"
IN_MEMORY = "is images, which fit in memory: leave out --memory and --cluster"
BUNDLED = ("fashion-mnist", *BUNDLED_TABLES)


def open_data(
    source: Any,
    target: str | None = None,
    features: Sequence[str] | None = None,
    missing: Missing = "error",
    as_classes: bool = False,
    categorical: Collection[str] = (),
    *,
    transpose: bool = False,
    exclude: Collection[str] = (),
    references: Mapping[str, str] | None = None,
    date_parts: Sequence[str] = (),
    weight: str | None = None,
    offset: str | None = None,
    groups: Sequence[str] = (),
    formula: str | None = None,
    reading: Reading = AS_FOUND,
) -> Dataset:
    """Return the data set that ``source`` names.

    Args:
        source: ``"fashion-mnist"``, ``"houses"`` or ``"synthetic"``; the path of a folder of IDX files; the path of a
            table (text with any separator, compressed or not, Parquet, JSON lines, Excel, SQLite, DuckDB), of a folder
            of such files, or a pattern; or a pandas, polars or Arrow table.
        target: the column to predict; your own tables need it.
        features: the columns to predict from; all others if not given.
        missing: what to do with missing values in a table: ``"error"``, fill with the ``"mean"`` of the
            training rows, or ``"drop"`` the row.
        as_classes: treat a numeric target as class labels; a regression if not.
        categorical: columns that are categories although they look like numbers or text, such as postal codes.
        transpose: let rows and columns of each image change places; EMNIST's images lie on their side.
        exclude: columns that are not features.
        references: by column, the level of a category that the others are relative to; the first one if not given.
        date_parts: what of dates counts: some of days, year, month, day, weekday, hour.
        weight: the column of the rows' weights.
        offset: the column of what is known beforehand, and is added to the prediction or to the logit of the second of
            two classes, such as the logarithm of an exposure.
        groups: one column or two that say which rows depend on each other, for errors and for folds.
        formula: such as ``price ~ area * city + log(age)``, in the place of target and features.
        reading: how to read the table, where it does not say so itself.

    Raises:
        OneLayerError: if there is no such thing, or it cannot be used; the message says where and why.

    Example:
        >>> import pyarrow as pa
        >>> from onelayer import open_data
        >>> table = pa.table({"area": [70, 95, 120], "city": ["Ulm", "Bonn", "Ulm"], "price": [210, 330, 340]})
        >>> data = open_data(table, target="price")
        >>> data.features
        ('area', 'city=Ulm')
        >>> data.train.X
        array([[ 70.,   1.],
               [ 95.,   0.],
               [120.,   1.]])
    """
    if reading.sql is None and not is_table(source):
        images = open_images(source, transpose)
        if target is not None or features is not None:
            raise OneLayerError(f"{source} is images: --target and --features are for tables")
        return images
    if transpose:
        raise OneLayerError(NOT_IMAGES)
    from onelayer.data.decisions import Choices
    from onelayer.data.from_table import dataset_of

    name, table = open_table(source, reading)
    if target is None and formula is None and isinstance(source, str):
        target = BUNDLED_TABLES.get(source)
    choices = Choices(
        target,
        features,
        exclude,
        missing,
        as_classes,
        categorical,
        references or {},
        date_parts,
        weight,
        offset,
        groups,
        formula,
    )
    return dataset_of(table, name, choices)


def is_table(source: Any) -> bool:
    """Tell a table (from Python, bundled, or a file with a table's ending) from images."""
    if not isinstance(source, (str, Path)):
        return True
    return str(source) in BUNDLED_TABLES or is_table_path(str(source))


def open_table(source: Any, reading: Reading = AS_FOUND) -> "tuple[str, Table]":
    """Return a table and a name for what is made of it.

    Raises:
        OneLayerError: if it does not exist or is malformed.
    """
    # Arrow and DuckDB take 0.2 s to import; images do without them.
    from onelayer.data import frames, tables

    if reading.sql is not None:
        return "query", tables.open_table(None, reading)
    if not isinstance(source, (str, Path)):
        return "table", tables.open_table(source, reading)
    if str(source) == "houses":
        return "houses", tables.open_table(bundled.HOUSES)
    if str(source) == "synthetic":
        return "synthetic", tables.open_table(frames.arrow_of(bundled.synthetic()))
    if not set(str(source)) & set("*?[") and not is_address(str(source)):
        _refuse_nothing(Path(source))
    if str(source) != _readable(str(source)):
        raise OneLayerError(
            f"{source}: the name of the file is not in UTF-8, as DuckDB wants it; rename the file"
        )
    return stem(str(source)), tables.open_table(source, reading)


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
            f"{path}: expected a folder of IDX files, or a table that ends in {', '.join(SUFFIXES)}"
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
