"""Checkpoints: the state of a run after its latest epoch, so that it can go on where it stopped."""

import zlib
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from torch import nn

from onelayer.artifacts import read_tensors, tensors_to_bytes
from onelayer.data import Rows
from onelayer.errors import OneLayerError
from onelayer.files import write_whole
from onelayer.settings import Settings
from onelayer.training import Fit

FILE = "checkpoint.safetensors"
FORMAT = "onelayer-checkpoint-1"


class Checkpoint:
    """The state of a run after its latest epoch, in one file.

    Args:
        path: the file.
        settings: of the run; a checkpoint of a run with others is refused.
        train: the rows to learn from, (n, d) and their targets; likewise, by their checksum.
    """

    def __init__(self, path: Path, settings: Settings, train: Rows) -> None:
        self.path = path
        self.epochs = settings.epochs
        self.kept = 0  # epochs in the file that this run wrote or went on from
        self.resumed = False
        # The number of epochs may grow and the device may change; everything else makes it another run.
        self.settings = asdict(replace(settings, epochs=0, device=""))
        X, y = (tensor.cpu().contiguous().numpy() for tensor in (train.X, train.y))
        self.data = zlib.crc32(y.data, zlib.crc32(X.data))

    def save(self, module: nn.Module, fit: Fit) -> None:
        """Write the module's weights and the fit so far in place of what was there.

        Raises:
            OneLayerError: if the file cannot be written.
        """
        about = {"settings": self.settings, "data": self.data, "fit": fit.to_json()}
        try:
            write_whole({self.path: tensors_to_bytes(FORMAT, module.state_dict(), about)})
        except OneLayerError as error:
            if not self.kept:
                raise
            hint = f"once that is mended, --resume goes on after epoch {self.kept}"
            raise OneLayerError(f"{error}; {hint}") from error
        self.kept = len(fit.history)

    def load(self, module: nn.Module) -> Fit | None:
        """Put the saved weights into the module and return the fit so far; None if nothing was saved.

        Raises:
            OneLayerError: if the file is damaged, or of a run with other settings or on other data.
        """
        if not self.path.exists():
            return None
        tensors, about = read_tensors(self.path, FORMAT)
        try:
            fit = self._checked(about)
            module.load_state_dict(tensors)
            if not all(tensor.isfinite().all() for tensor in tensors.values()):
                raise ValueError("its weights are not finite")
        except OneLayerError:
            raise
        except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
            raise OneLayerError(f"{self.path}: damaged ({error}); start without --resume") from error
        self.kept, self.resumed = len(fit.history), True
        return fit

    def _checked(self, about: dict[str, Any]) -> Fit:
        """Return the fit so far, if it is one of this run."""
        for name, value in self.settings.items():
            if about["settings"].get(name) != value:
                raise OneLayerError(
                    f"{self.path}: is of a run with {name} {about['settings'].get(name)}, not {value}; "
                    "use the same settings or start without --resume"
                )
        if about["data"] != self.data:
            raise OneLayerError(f"{self.path}: is of a run on other data; start without --resume")
        fit = Fit.from_json(about["fit"])
        if len(fit.history) > self.epochs:
            raise OneLayerError(
                f"{self.path}: has {len(fit.history)} epochs already, more than {self.epochs}; "
                "raise --epochs or start without --resume"
            )
        return fit

    def discard(self) -> None:
        """Remove what this run wrote, unless it went on from a checkpoint of an earlier run."""
        if self.kept and not self.resumed:
            self.path.unlink(missing_ok=True)
