"""Which names of files are those of tables."""

import gzip
import zlib
from pathlib import Path

from onelayer.data.places import is_address

SUFFIXES = (
    *(".csv", ".tsv", ".txt", ".tab", ".dat", ".psv"),
    *(".parquet", ".jsonl", ".ndjson", ".xlsx", ".sqlite", ".sqlite3", ".db", ".duckdb"),
)
COMPRESSED = (".gz", ".zst", ".bz2")


def is_table_path(path: str) -> bool:
    """Tell whether a path is that of a table by its ending or its first bytes, or by the endings in a folder."""
    if is_address(path):
        return True
    if Path(path).is_dir():
        return any(_has_ending(child.name) for child in Path(path).rglob("*") if child.is_file())
    return _has_ending(path) or _may_be_table(Path(path))


def _has_ending(path: str) -> bool:
    return _without_compression(path).lower().endswith(SUFFIXES)


def _may_be_table(path: Path) -> bool:
    """Tell whether a path is a file of unknown kind that does not begin as IDX files do, perhaps compressed."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
        if start[:2] == b"\x1f\x8b":
            with gzip.open(path) as file:
                start = file.read(4)
    except (OSError, EOFError, zlib.error):
        return False
    return bool(start) and not start.startswith((b"\0\0", b"\x28\xb5\x2f\xfd")) and "idx" not in path.name


def stem(path: str) -> str:
    """Return a short name for what is made of a table: that of its file without endings, or of its folder."""
    path = path.partition("?")[0] if is_address(path) else path
    name = Path(_without_compression(path)).stem.strip("*?[]. ")
    return name or Path(path).resolve().parent.name


def _without_compression(path: str) -> str:
    for ending in COMPRESSED:
        path = path.removesuffix(ending)
    return path
