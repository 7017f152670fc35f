"""Checkpoints: the state of a run after its latest epoch, so that it can go on where it stopped."""

import json
import zlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from onelayer.artifacts import read_tensors, tensors_to_bytes
from onelayer.data import Rows
from onelayer.errors import OneLayerError
from onelayer.files import write_whole
from onelayer.run_folder import unfinished_checkpoint, unfinished_checkpoints
from onelayer.settings import Settings
from onelayer.training import Fit

FORMAT = "onelayer-checkpoint-1"


class Checkpoint:
    """The state of a run after its latest epoch, in one file.

    Until the run has finished, the file has a name of the run's own, so that it destroys nothing that an earlier run
    with other settings or on other data left: neither if it diverges nor if it is killed.

    Args:
        path: the file that a finished run leaves; unfinished ones are beside it.
        settings: of the run; a checkpoint of a run with others is refused.
        train: the rows to learn from, (n, d) and their targets; likewise, by their checksum.

    Attributes:
        latest: what the file holds, or would, after the latest epoch.
    """

    def __init__(self, path: Path, settings: Settings, train: Rows) -> None:
        self.path = path
        self.epochs = settings.epochs
        # The number of epochs may grow and the device may change; everything else makes it another run.
        self.settings = asdict(replace(settings, epochs=0, device=""))
        X, y = (tensor.cpu().contiguous().numpy() for tensor in (train.X, train.y))
        self.data = zlib.crc32(y.data, zlib.crc32(X.data))
        run = zlib.crc32(json.dumps([self.settings, self.data]).encode())
        self.unfinished = unfinished_checkpoint(path, run)
        self.is_new = not (self.unfinished.exists() and self.unfinished.stat().st_size)
        self.kept = 0 if self.is_new else self._epochs_left()
        self.latest = b""

    def _epochs_left(self) -> int:
        """Return after how many epochs this very run was stopped before, as far as can be read."""
        try:
            return len(self._read(self.unfinished)[1].history)
        except OneLayerError:
            return 0

    def begin(self) -> None:
        """Leave an empty file, so that --resume knows this run even if it is killed in its first epoch.

        Raises:
            OneLayerError: if it cannot be written.
        """
        if self.is_new:
            write_whole({self.unfinished: b""})

    def save(self, module: nn.Module, fit: Fit) -> None:
        """Write the module's weights and the fit so far, unless this run got further before it was stopped.

        Raises:
            OneLayerError: if the file cannot be written.
        """
        self.latest = self._to_bytes(module, fit)
        if len(fit.history) <= self.kept:
            return
        try:
            write_whole({self.unfinished: self.latest})
        except OneLayerError as error:
            if not self.kept:
                raise
            hint = f"once that is mended, --resume goes on after epoch {self.kept}"
            raise OneLayerError(f"{error}; {hint}") from error
        self.kept = len(fit.history)

    def _to_bytes(self, module: nn.Module, fit: Fit) -> bytes:
        about = {"settings": self.settings, "data": self.data, "fit": fit.to_json()}
        return tensors_to_bytes(FORMAT, module.state_dict(), about)

    @property
    def source(self) -> Path | None:
        """The file to go on from: this run's, else the one that finished last, else that of another run; or None."""
        if self.unfinished.exists():
            return self.unfinished if self.unfinished.stat().st_size else None
        candidates = (self.path, *unfinished_checkpoints(self.path))
        return next((path for path in candidates if path.exists()), None)

    def load(self, module: nn.Module) -> Fit | None:
        """Put the saved weights into the module and return the fit so far; None if nothing was saved.

        Raises:
            OneLayerError: if the file is damaged, or of a run with other settings or on other data.
        """
        path = self.source
        if path is None:
            return None
        tensors, fit = self._read(path)
        if len(fit.history) > self.epochs:
            raise OneLayerError(
                f"{path}: has {len(fit.history)} epochs already, more than {self.epochs}; "
                "raise --epochs or start without --resume"
            )
        try:
            module.load_state_dict(tensors)
        except RuntimeError as error:
            raise OneLayerError(f"{path}: damaged ({error}); start without --resume") from error
        self.kept, self.latest = len(fit.history), self._to_bytes(module, fit)
        return fit

    def _read(self, path: Path) -> tuple[dict[str, Tensor], Fit]:
        """Return the weights and the fit so far in a file, if it is one of this run."""
        tensors, about = read_tensors(path, FORMAT)
        try:
            fit = self._checked(path, about)
            if not all(tensor.isfinite().all() for tensor in tensors.values()):
                raise ValueError("its weights are not finite")
        except OneLayerError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise OneLayerError(f"{path}: damaged ({error}); start without --resume") from error
        return tensors, fit

    def _checked(self, path: Path, about: dict[str, Any]) -> Fit:
        """Return the fit so far, if it is one of this run."""
        for name, value in self.settings.items():
            if about["settings"].get(name) != value:
                raise OneLayerError(
                    f"{path}: is of a run with {name} {about['settings'].get(name)}, not {value}; "
                    "use the same settings or start without --resume"
                )
        if about["data"] != self.data:
            raise OneLayerError(f"{path}: is of a run on other data; start without --resume")
        return Fit.from_json(about["fit"])

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
