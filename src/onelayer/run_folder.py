"""The folder of a run: one run at a time works in it, and its files take the place of an earlier run's as one.

A run that is killed at any moment leaves one whole run, or an entry with ``unfinished`` in its name:

1. While a run trains, its checkpoint is ``checkpoint.unfinished-….safetensors``, empty before the first epoch has
   ended. An earlier run's files stay. Of a run on files the sums of its passes are kept in ``passes.unfinished``.
2. When it ends, all its files are written to ``.results.partial``, which then becomes ``results.unfinished``.
3. The earlier run's files go, all but the model; the new model replaces the old one; the other files follow.
   So at no moment are there files of two runs side by side.

Whoever works in the folder next first completes step 3 where it was begun.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path

from onelayer.errors import OneLayerError
from onelayer.files import remove_leftovers, sync_folder, write_new

MODEL_FILE = "model.safetensors"
HISTORY_FILE = "history.csv"
REPORT_FILE = "report.html"
CHECKPOINT_FILE = "checkpoint.safetensors"
FILES = (MODEL_FILE, HISTORY_FILE, CHECKPOINT_FILE, REPORT_FILE)  # all that a run may leave

LOCK = ".onelayer.lock"
PARTIAL_RESULTS = ".results.partial"
RESULTS = "results.unfinished"
PASSES = "passes.unfinished"  # the journal of a run on files


@contextmanager
def run_folder(path: Path) -> Iterator[None]:
    """Make a folder for a run, with those above it, and keep other runs out of it meanwhile.

    What a killed run left half done is completed or removed first. If an error follows, folders that were made and
    stayed empty are removed again.

    Raises:
        OneLayerError: if another run is at work there, or the folder cannot be made or written to; at once, before
            any work is done in vain.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        path.mkdir(parents=True, exist_ok=True)
        for folder in missing:
            sync_folder(folder.parent)
    except OSError as error:
        raise OneLayerError(f"{path}: cannot be made ({error.strerror})") from error
    try:
        with _locked(path):
            _check_what_is_there(path)
            try:
                shutil.rmtree(path / PARTIAL_RESULTS, ignore_errors=True)
                remove_leftovers(path)
                _move_results_in(path)
            except OSError as error:
                raise OneLayerError(f"{path}: cannot be written to ({error.strerror})") from error
            yield
    except BaseException:
        with suppress(OSError):  # a folder that is not empty stays
            for folder in missing:
                folder.rmdir()
        raise


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder. The kernel releases it when the process ends, however that comes about."""
    path = folder / LOCK
    held = False
    while not held:
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        except OSError as error:
            raise OneLayerError(f"{folder}: cannot be written to ({error.strerror})") from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held = _leads_to(path, descriptor)  # whoever held the lock until now has removed the file
        except BlockingIOError:
            raise OneLayerError(
                f"{folder}: another run is at work in this folder; wait for it, or choose another with --out"
            ) from None
        except OSError as error:
            raise OneLayerError(
                f"{folder}: cannot be locked ({error.strerror}); choose a folder on another disk with --out"
            ) from error
        finally:
            if not held:
                os.close(descriptor)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _leads_to(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def _check_what_is_there(folder: Path) -> None:
    """Raise OneLayerError if there is something that a run should not replace in silence."""
    for path in (folder / name for name in FILES):
        is_replaceable = path.is_file() and not path.is_symlink() and os.access(path, os.W_OK)
        if os.path.lexists(path) and not is_replaceable:
            raise OneLayerError(
                f"{path}: is not a regular file that may be written, and a run would replace it; move it, "
                "or choose another folder with --out"
            )


def replace_run(folder: Path, files: Mapping[str, bytes]) -> None:
    """Put a run's files, by name, in the place of all that an earlier run left; other files stay.

    Raises:
        OneLayerError: if a file cannot be written; then the earlier run stays as it is.
    """
    assert MODEL_FILE in files and files.keys() <= set(FILES), "step 3 rests on these names"
    partial, path = folder / PARTIAL_RESULTS, folder
    try:
        partial.mkdir()
        for name, content in files.items():
            path = folder / name
            write_new(partial / name, content, like=path)
        sync_folder(partial)
        path = folder
        partial.rename(folder / RESULTS)
        sync_folder(folder)
        _move_results_in(folder)
    except OSError as error:
        raise OneLayerError(f"{path}: cannot be written ({error.strerror})") from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _move_results_in(folder: Path) -> None:
    """Let the files in ``results.unfinished``, if it is there, take the place of an earlier run's."""
    results = folder / RESULTS
    if not results.is_dir():
        return
    # While the new model is not moved in, nothing is, and all that is in the folder is the earlier run's.
    if (results / MODEL_FILE).exists():
        for path in (*(folder / name for name in FILES), *unfinished_checkpoints(folder / CHECKPOINT_FILE)):
            if path.name != MODEL_FILE:
                path.unlink(missing_ok=True)
        sync_folder(folder)
        (results / MODEL_FILE).replace(folder / MODEL_FILE)
        sync_folder(folder)
    for path in sorted(results.iterdir()):
        path.replace(folder / path.name)
    sync_folder(folder)
    results.rmdir()


def unfinished_checkpoint(path: Path, run: int) -> Path:
    """Return where the checkpoint of a run, known by a number, is kept until it becomes the file ``path``."""
    return path.with_name(f"{path.stem}.unfinished-{run:08x}{path.suffix}")


def unfinished_checkpoints(path: Path) -> list[Path]:
    """Return those that there are."""
    pattern = f"{escape(path.stem)}.unfinished-{'[0-9a-f]' * 8}{escape(path.suffix)}"
    return sorted(path.parent.glob(pattern))


def model_in(folder: Path) -> Path:
    """Return where the model is in the folder of a run.

    Raises:
        OneLayerError: if the folder has none because its run has not finished.
    """
    path = folder / MODEL_FILE
    begun = [*unfinished_checkpoints(folder / CHECKPOINT_FILE), *folder.glob(RESULTS), *folder.glob(PASSES)]
    if begun and not path.exists():
        raise OneLayerError(
            f"{folder}: its run has not finished; the command that began it goes on with --resume"
        )
    return path
