"""Where files are: on this machine, or in a store that an address names, such as s3://bucket/sales."""

from collections.abc import Iterator
from fnmatch import fnmatch
from functools import lru_cache
from glob import glob
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote

from onelayer.errors import OneLayerError, first_line

ADDRESSES = ("s3://", "gs://", "gcs://", "abfs://", "abfss://", "hdfs://", "file://")
NOT_DATA = (".", "_")  # how the names of files begin that other programs keep beside the data
NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def is_address(source: str) -> bool:
    """Tell the address of a store from a path on this machine."""
    return source.startswith(ADDRESSES)


def files_of(source: str) -> list[str]:
    """Return the files that a path, a folder, a pattern such as ``data/*.csv`` or an address names, in order.

    Raises:
        OneLayerError: if there are none.
    """
    if is_address(source):
        return _files_of_address(source)
    path = Path(source)
    if path.is_dir():
        found = sorted(p for p in path.rglob("*") if p.is_file() and not p.name.startswith(NOT_DATA))
        if not found:
            raise OneLayerError(f"{source}: there is no file in this folder")
        return list(map(str, found))
    if path.exists() or not set(source) & set("*?["):
        if not path.exists():
            raise OneLayerError(f"there is no file called {source!r}")
        return [source]
    matching = sorted(found for found in map(Path, glob(source, recursive=True)) if found.is_file())  # noqa: PTH207 (any path)
    if not matching:
        raise OneLayerError(f"no file matches {source!r}")
    return list(map(str, matching))


def partition_of(place: str) -> dict[str, str | None]:
    """Return what the folders of a file say of its rows, as in ``year=2026/month=11/part-0.parquet``."""
    found: dict[str, str | None] = {}
    for part in PurePosixPath(place.partition("?")[0]).parts[:-1]:
        name, separator, value = part.partition("=")
        if separator and name:
            found[unquote(name)] = None if value == NO_VALUE else unquote(value)
    return found


def store_of(address: str) -> tuple[Any, str]:
    """Return the Arrow file system of an address, and the path there.

    Raises:
        OneLayerError: if there is none.
    """
    scheme, _, rest = address.partition("://")
    path, mark, options = rest.partition("?")
    bucket, _, _ = path.partition("/")
    try:
        if scheme == "file":
            return _store("file:///"), path
        return _store(f"{scheme}://{bucket}{mark}{options}"), path
    except (OSError, ValueError, ImportError) as error:
        raise OneLayerError(f"{address}: cannot be reached ({first_line(error)})") from error


@lru_cache(maxsize=8)
def _store(address: str) -> Any:
    from pyarrow import fs

    return fs.FileSystem.from_uri(address)[0]


def _files_of_address(source: str) -> list[str]:
    scheme, _, rest = source.partition("://")
    path, mark, options = rest.partition("?")

    def addresses(paths: list[str]) -> list[str]:
        return [f"{scheme}://{found}{mark}{options}" for found in paths]

    store, _ = store_of(source)
    is_pattern = bool(set(path) & set("*["))
    folder = str(PurePosixPath(*_plain_parts(path))) if is_pattern else path.rstrip("/")
    from pyarrow import fs

    try:
        if not is_pattern and store.get_file_info(folder).type == fs.FileType.File:
            return addresses([folder])
        infos = store.get_file_info(fs.FileSelector(folder, recursive=True))
    except OSError as error:
        raise OneLayerError(f"{source}: cannot be read ({first_line(error)})") from error
    names = sorted(info.path for info in infos if info.is_file)
    names = [name for name in names if not PurePosixPath(name).name.startswith(NOT_DATA)]
    if is_pattern:
        names = [name for name in names if _matches(name, path)]
    if not names:
        raise OneLayerError(
            f"no file matches {source!r}" if is_pattern else f"{source}: there is no file here"
        )
    return addresses(names)


def _plain_parts(path: str) -> Iterator[str]:
    """Yield the folders of a pattern up to the first that is one."""
    for part in PurePosixPath(path).parts[:-1]:
        if set(part) & set("*["):
            return
        yield part


def _matches(name: str, pattern: str) -> bool:
    """Tell whether a path matches a pattern, in which * stands for anything within a folder's name."""
    names, patterns = PurePosixPath(name).parts, PurePosixPath(pattern).parts
    return len(names) == len(patterns) and all(map(fnmatch, names, patterns))
