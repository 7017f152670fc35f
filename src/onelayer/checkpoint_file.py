"""The file that a checkpoint is kept in: what stands in it, and what each part has to be."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from onelayer import formats
from onelayer.errors import OneLayerError
from onelayer.history import History
from onelayer.schema import Array, check_arrays, list_of, mapping, maybe, number, record, scalar, whole

FORMAT = "onelayer-checkpoint-2"
FIRST_FORMAT = "onelayer-checkpoint-1"

EPOCH = record(
    {
        "epoch": whole(1),
        "train_loss": number(),
        "train_accuracy": maybe(number(0)),
        "held_out_loss": maybe(number(finite=False)),  # a single row may be too large for float32
        "held_out_accuracy": maybe(number(0)),
        "seconds": number(0),
    }
)
DESCRIPTION = record(
    {
        "settings": mapping(scalar),
        "data": whole(0, 2**32 - 1),
        "fit": record({"start_loss": number(), "history": list_of(EPOCH, least=1)}),
    }
)


@dataclass(frozen=True)
class State:
    """The state of a run after an epoch.

    Attributes:
        settings: of the run, by name.
        data: a checksum (CRC-32) of the rows that it learns from.
        history: the history so far.
        arrays: the parameters that are learned, by name, and what an optimizer keeps.
    """

    settings: Mapping[str, Any]
    data: int
    history: History
    arrays: Mapping[str, NDArray[Any]]

    def to_bytes(self) -> bytes:
        """Return the content of a file."""
        about = {"settings": dict(self.settings), "data": self.data, "fit": self.history.to_json()}
        return formats.to_bytes(FORMAT, about, self.arrays)

    @staticmethod
    def read(path: Path) -> "State":
        """Return what ``to_bytes`` made.

        Raises:
            OneLayerError: if the file cannot be read, a part of it is not as it has to be, or it is of the first
                version, whose weights had no checksum: a run must not go on from others without a word.
        """
        content = formats.read(path, FORMAT, FIRST_FORMAT)
        if content.is_first:
            raise OneLayerError(
                f"{path}: was written by an earlier version, without a checksum; start without --resume"
            )
        with formats.about_file(path):
            about: Any = content.description
            DESCRIPTION(about, "")
            history = History.from_json(about["fit"])
            if [record.epoch for record in history.epochs] != [*range(1, len(history.epochs) + 1)]:
                raise OneLayerError("the epochs of its history are not 1, 2, …")
        return State(about["settings"], about["data"], history, content.tensors)


def check_like(own: Mapping[str, NDArray[Any]], found: Mapping[str, NDArray[Any]]) -> None:
    """Raise OneLayerError unless arrays have the names, shapes and types of one's own, and are finite."""
    sizes: dict[str, int | None] = {str(size): size for array in own.values() for size in array.shape}
    kinds = {name: Array(" ".join(map(str, array.shape)), (array.dtype.name,)) for name, array in own.items()}
    check_arrays(found, kinds, sizes)
