"""The file that a checkpoint is kept in: what stands in it, and what each part has to be."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim import Optimizer

from onelayer import formats
from onelayer.errors import OneLayerError
from onelayer.history import History
from onelayer.schema import Array, check_arrays, list_of, mapping, maybe, number, record, scalar, whole

FORMAT = "onelayer-checkpoint-2"
FIRST_FORMAT = "onelayer-checkpoint-1"
OPTIMIZER = "optimizer/"  # of names of arrays; those of parameters have dots

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
        arrays: the parameters of the module, by name, and what its optimizer keeps, under ``optimizer/…``.
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

    def put_into(self, module: nn.Module, optimizer: Optimizer | None = None) -> None:
        """Give a module the parameters, and its optimizer what it kept.

        Raises:
            OneLayerError: unless they have the names, shapes and types of the module's own, and are finite.
        """
        own = arrays_of(module)
        kept = {name: array for name, array in self.arrays.items() if name.startswith(OPTIMIZER)}
        _check_like(own, {name: array for name, array in self.arrays.items() if name not in kept})
        if optimizer is not None:
            _restore(optimizer, kept)
        module.load_state_dict({name: torch.from_numpy(self.arrays[name].copy()) for name in own})


def arrays_of(module: nn.Module, optimizer: Optimizer | None = None) -> dict[str, NDArray[Any]]:
    """Return the parameters of a module, by name, and what its optimizer keeps of each of them, if there is one.

    Raises:
        OneLayerError: if the optimizer keeps anything but tensors.
    """
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in module.state_dict().items()}
    for i, values in {} if optimizer is None else optimizer.state_dict()["state"].items():
        for name, value in values.items():
            if value is None:  # the momentum of a parameter without a gradient
                continue
            if not isinstance(value, torch.Tensor):
                raise OneLayerError(
                    f"{type(optimizer).__name__} keeps {name}, which is not a tensor: leave out the checkpoint"
                )
            arrays[f"{OPTIMIZER}{i}/{name}"] = value.detach().cpu().numpy()
    return arrays


def _restore(optimizer: Optimizer, kept: Mapping[str, NDArray[Any]]) -> None:
    """Give an optimizer what it kept of each parameter, numbers of one value or of the parameter's shape."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, array in kept.items():
        index, _, name = key.removeprefix(OPTIMIZER).partition("/")
        if not (index.isdecimal() and int(index) < len(parameters)):
            raise OneLayerError(f"{key} is of no parameter of the optimizer")
        parameter = parameters[int(index)]
        if array.shape not in ((), tuple(parameter.shape)) or not np.isfinite(array).all():
            raise OneLayerError(
                f"{key} must be finite and have the shape of its parameter, not {array.shape}"
            )
        state.setdefault(int(index), {})[name] = torch.from_numpy(array.copy())
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})


def _check_like(own: Mapping[str, NDArray[Any]], found: Mapping[str, NDArray[Any]]) -> None:
    sizes: dict[str, int | None] = {str(size): size for array in own.values() for size in array.shape}
    kinds = {name: Array(" ".join(map(str, array.shape)), (array.dtype.name,)) for name, array in own.items()}
    check_arrays(found, kinds, sizes)
