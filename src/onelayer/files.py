"""Files and folders that are written whole or not at all, whatever happens meanwhile."""

import errno
import os
import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from onelayer.errors import OneLayerError

PARTIAL = ".partial"
LEFTOVER_AGE = 60  # seconds; no file takes as long to write


def write_whole(files: Mapping[Path, bytes]) -> None:
    """Write files so that each appears complete or not at all, whatever happens meanwhile.

    They are first written beside their places, and take them only when all are on disk.

    Raises:
        OneLayerError: if one cannot be written: no permission, no space, not a folder.
    """
    partial: dict[Path, Path] = {}
    path = Path()
    try:
        for path, content in files.items():
            target = Path(os.path.realpath(path))  # a link stays a link
            if target.is_dir():
                raise IsADirectoryError(errno.EISDIR, "is a folder")
            partial[target] = _partial_in(target.parent)
            with partial[target].open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for path, written in partial.items():
            written.replace(path)
    except OSError as error:
        raise OneLayerError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        for leftover in partial.values():
            with suppress(OSError):
                leftover.unlink()


def _partial_in(folder: Path) -> Path:
    return folder / f".{uuid4().hex}{PARTIAL}"


def _remove_leftovers(folder: Path) -> None:
    """Remove what a run left that was killed while it wrote; what is young may belong to a run that lives."""
    for file in folder.glob(f".*{PARTIAL}"):
        if re.fullmatch(rf"\.[0-9a-f]{{32}}{re.escape(PARTIAL)}", file.name):
            with suppress(OSError):
                if time.time() - file.stat().st_mtime > LEFTOVER_AGE:
                    file.unlink()


@contextmanager
def output_folder(path: Path) -> Iterator[None]:
    """Make a folder to write to, with those above it; if an error follows, remove again what stayed empty.

    Raises:
        OneLayerError: if it cannot be made or written to; at once, before any work is done in vain.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OneLayerError(f"{path}: cannot be made ({error.strerror})") from error
    try:
        _remove_leftovers(path)
        probe = _partial_in(path)
        write_whole({probe: b""})
        probe.unlink(missing_ok=True)
        yield
    except BaseException:
        with suppress(OSError):  # a folder that is not empty stays
            for folder in missing:
                folder.rmdir()
        raise
