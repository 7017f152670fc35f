"""Checkpoints: the state of a run after its latest epoch, so that it can go on where it stopped."""

import zlib
from dataclasses import asdict, replace
from pathlib import Path

from torch import nn

from onelayer.checkpoint_file import State, arrays_of
from onelayer.data import Rows
from onelayer.errors import OneLayerError
from onelayer.files import write_whole
from onelayer.settings import Settings
from onelayer.training import Fit

FILE = "checkpoint.safetensors"


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
        state = State(self.settings, self.data, fit, arrays_of(module))
        try:
            write_whole({self.path: state.to_bytes()})
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
        try:
            state = State.read(self.path)
        except OneLayerError as error:
            raise OneLayerError(f"{error}; start without --resume") from error
        self._check_is_of_this_run(state)
        try:
            state.put_into(module)
        except OneLayerError as error:
            raise OneLayerError(f"{self.path}: damaged: {error}; start without --resume") from error
        self.kept, self.resumed = len(state.fit.history), True
        return state.fit

    def _check_is_of_this_run(self, state: State) -> None:
        for name in sorted(self.settings.keys() | state.settings.keys()):
            found, wanted = state.settings.get(name), self.settings.get(name)
            if found != wanted:
                raise OneLayerError(
                    f"{self.path}: is of a run with {name} {found}, not {wanted}; "
                    "use the same settings or start without --resume"
                )
        if state.data != self.data:
            raise OneLayerError(f"{self.path}: is of a run on other data; start without --resume")
        n = len(state.fit.history)
        if n > self.epochs:
            raise OneLayerError(
                f"{self.path}: has {n} epochs already, more than {self.epochs}; "
                "raise --epochs or start without --resume"
            )

    def discard(self) -> None:
        """Remove what this run wrote, unless it went on from a checkpoint of an earlier run."""
        if self.kept and not self.resumed:
            self.path.unlink(missing_ok=True)
