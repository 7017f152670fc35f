"""Files that are written whole or not at all, whatever happens meanwhile."""

import errno
import fcntl
import os
import re
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, BinaryIO
from uuid import uuid4

from onelayer.errors import OneLayerError

PARTIAL = ".partial"


def write_whole(files: Mapping[Path, bytes]) -> None:
    """Write files so that each appears complete or not at all, whatever happens meanwhile.

    They are first written beside their places, and take them only when all are on disk. A file that is replaced
    passes its mode and owner on, and a link stays a link. What is not a regular file, such as a pipe or a device,
    is written to as it is.

    Raises:
        OneLayerError: if one cannot be written: no permission, no space, a folder in its place.
    """
    path = Path()
    replacements: dict[Path, Path] = {}
    with ExitStack() as partials:
        try:
            for path, content in files.items():
                if not _is_stream(path):
                    target = _replaceable(path)
                    replacements[target], file = partials.enter_context(_partial(target))
                    _write_to_disk(file, content)
            for path in filter(_is_stream, files):
                _write_through(path, BytesIO(files[path]))
            for path, partial in replacements.items():
                partial.replace(path)
            for path in {target.parent for target in replacements}:
                sync_folder(path)
                remove_leftovers(path)
        except OSError as error:
            raise OneLayerError(f"{path}: cannot be written ({error.strerror})") from error


@contextmanager
def whole_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that is written part by part, and appears complete at the end of the block or not at all.

    It is as with ``write_whole``: what is not a regular file is written to when everything is there.

    Raises:
        OneLayerError: if it cannot be written.
    """
    try:
        if _is_stream(path):
            with TemporaryFile(prefix="onelayer-") as file:
                yield file
                file.seek(0)
                _write_through(path, file)
            return
        target = _replaceable(path)
        with _partial(target) as (partial, file):
            yield file
            _write_to_disk(file, b"")
            partial.replace(target)
            sync_folder(target.parent)
            remove_leftovers(target.parent)
    except OSError as error:
        raise OneLayerError(f"{path}: cannot be written ({error.strerror or error})") from error


def _is_stream(path: Path) -> bool:
    """Tell whether a path leads, perhaps by links, to something that is neither a file nor a folder."""
    return path.exists() and not path.is_file() and not path.is_dir()


def _write_through(path: Path, content: IO[bytes]) -> None:
    descriptor = os.open(path, os.O_WRONLY)  # Path.open would create it, were it gone by now
    with os.fdopen(descriptor, "wb") as stream:
        shutil.copyfileobj(content, stream)


def _replaceable(path: Path) -> Path:
    """Return what a path leads to by links, unless that may not be replaced by a file."""
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if target.is_dir():
        raise IsADirectoryError(errno.EISDIR, "is a folder")
    if target.exists() and not os.access(target, os.W_OK):  # replacing it would need no permission of its own
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
    return target


@contextmanager
def _partial(target: Path) -> Iterator[tuple[Path, BinaryIO]]:
    """Open a file beside ``target`` to write to, and remove it in the end unless it was renamed.

    Until then it is locked: that tells ``remove_leftovers`` that its writer lives.
    """
    while True:
        path = target.parent / f".{uuid4().hex}{PARTIAL}"
        file = _create(path, target)
        with suppress(OSError):  # a file system without locks; nobody can lock it to remove it, either
            fcntl.flock(file, fcntl.LOCK_EX)
        if path.exists():  # else it was taken for a leftover before it was locked
            break
        file.close()
    try:
        yield path, file
    finally:
        with suppress(OSError):  # what was to stay is on disk by now
            file.close()
        with suppress(OSError):
            path.unlink()


def remove_leftovers(folder: Path) -> None:
    """Remove the unfinished files of processes that were killed while they wrote to a folder."""
    for path in folder.glob(f".*{PARTIAL}"):
        if re.fullmatch(rf"\.[0-9a-f]{{32}}{re.escape(PARTIAL)}", path.name):
            with suppress(OSError), path.open("r+b") as file:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while its writer lives
                path.unlink()


def write_new(path: Path, content: bytes, like: Path) -> None:
    """Write a file that does not exist yet, on disk at once, with the mode and owner of ``like`` if that exists.

    Raises:
        OSError: if it cannot be written.
    """
    with _create(path, like) as file:
        _write_to_disk(file, content)


def _create(path: Path, like: Path) -> BinaryIO:
    """Open a new file with the mode and owner of ``like``, or with those of any new file if there is no ``like``."""
    earlier = like.stat() if like.exists() else None
    mode = 0o666 if earlier is None else stat.S_IMODE(earlier.st_mode)
    file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb")
    if earlier is not None:
        with suppress(PermissionError):  # only root may give files away
            os.fchown(file.fileno(), earlier.st_uid, earlier.st_gid)
        os.fchmod(file.fileno(), mode)  # without the umask
    return file


def _write_to_disk(file: BinaryIO, content: bytes) -> None:
    file.write(content)
    file.flush()
    os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring what was made, renamed and removed in a folder to disk."""
    try:
        descriptor = os.open(folder, os.O_RDONLY)
    except PermissionError:  # a folder to write to, but not to read
        return
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):  # a file system that syncs folders by itself
            raise
    finally:
        os.close(descriptor)
