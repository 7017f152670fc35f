"""Checkpoints: the state of a run after its latest epoch, so that it can go on where it stopped."""

import json
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from onelayer.checkpoint_file import State
from onelayer.errors import OneLayerError
from onelayer.files import write_whole
from onelayer.history import History
from onelayer.run_folder import unfinished_checkpoint, unfinished_checkpoints


def checksum(*arrays: NDArray[Any]) -> int:
    """Return the CRC-32 of what arrays hold, one after another."""
    found = 0
    for array in arrays:
        found = zlib.crc32(np.ascontiguousarray(array).data, found)
    return found


class Checkpoint:
    """The state of a run after its latest epoch, in one file.

    Until the run has finished, the file has a name of the run's own, so that it destroys nothing that an earlier run
    with other settings or on other data left: neither if it diverges nor if it is killed.

    Args:
        path: the file that a finished run leaves; unfinished ones are beside it.
        settings: all that the run depends on but the data and the number of epochs, which may grow; a checkpoint of a
            run with others is refused.
        data: the ``checksum`` of the rows to learn from; likewise.
        epochs: passes over the rows in total.

    Attributes:
        latest: what the file holds, or would, after the latest epoch.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any], data: int, epochs: int) -> None:
        self.path, self.epochs = path, epochs
        self.settings, self.data = dict(settings), data
        run = zlib.crc32(json.dumps([self.settings, self.data]).encode())
        self.unfinished = unfinished_checkpoint(path, run)
        self.is_new = not (self.unfinished.exists() and self.unfinished.stat().st_size)
        self.kept = 0 if self.is_new else self._epochs_left()
        self.latest = b""

    def _epochs_left(self) -> int:
        """Return after how many epochs this very run was stopped before, as far as can be read."""
        try:
            return len(self._read(self.unfinished).history.epochs)
        except OneLayerError:
            return 0

    def begin(self) -> None:
        """Leave an empty file, so that --resume knows this run even if it is killed in its first epoch.

        Raises:
            OneLayerError: if it cannot be written.
        """
        if self.is_new:
            write_whole({self.unfinished: b""})

    def save(self, arrays: Mapping[str, NDArray[Any]], history: History) -> None:
        """Write what has been learned and the history, unless this run got further before it was stopped.

        Raises:
            OneLayerError: if the file cannot be written.
        """
        self.latest = State(self.settings, self.data, history, arrays).to_bytes()
        if len(history.epochs) <= self.kept:
            return
        try:
            write_whole({self.unfinished: self.latest})
        except OneLayerError as error:
            if not self.kept:
                raise
            hint = f"once that is mended, --resume goes on after epoch {self.kept}"
            raise OneLayerError(f"{error}; {hint}") from error
        self.kept = len(history.epochs)

    @property
    def source(self) -> Path | None:
        """The file to go on from: this run's, else the one that finished last, else that of another run; or None."""
        if self.unfinished.exists():
            return self.unfinished if self.unfinished.stat().st_size else None
        candidates = (self.path, *unfinished_checkpoints(self.path))
        return next((path for path in candidates if path.exists()), None)

    def load(self, put: Callable[[Mapping[str, NDArray[Any]]], None]) -> History | None:
        """Call ``put`` with the arrays that were saved, and return the history so far; None if nothing was saved.

        Raises:
            OneLayerError: if the file is damaged, or of a run with other settings or on other data.
        """
        path = self.source
        if path is None:
            return None
        state = self._read(path)
        if len(state.history.epochs) > self.epochs:
            raise OneLayerError(
                f"{path}: has {len(state.history.epochs)} epochs already, more than {self.epochs}; "
                "raise --epochs or start without --resume"
            )
        try:
            put(state.arrays)
        except OneLayerError as error:
            raise OneLayerError(f"{path}: damaged: {error}; start without --resume") from error
        self.kept, self.latest = len(state.history.epochs), state.to_bytes()
        return state.history

    def _read(self, path: Path) -> State:
        """Return what a file holds, if it is of this run."""
        try:
            state = State.read(path)
        except OneLayerError as error:
            raise OneLayerError(f"{error}; start without --resume") from error
        for name in sorted(self.settings.keys() | state.settings.keys()):
            found, wanted = state.settings.get(name), self.settings.get(name)
            if found != wanted:
                raise OneLayerError(
                    f"{path}: is of a run with {name} {found}, not {wanted}; "
                    "use the same settings or start without --resume"
                )
        if state.data != self.data:
            raise OneLayerError(f"{path}: is of a run on other data; start without --resume")
        return state

    def discard(self) -> None:
        """Remove what this run wrote, unless it was stopped before: what that left would be removed with it."""
        if self.is_new:
            self.unfinished.unlink(missing_ok=True)

    def finish(self) -> None:
        """Let the state after the last epoch take the place of all that earlier runs left.

        Raises:
            OneLayerError: if the file cannot be written.
        """
        write_whole({self.path: self.latest})
        for path in unfinished_checkpoints(self.path):
            path.unlink(missing_ok=True)
