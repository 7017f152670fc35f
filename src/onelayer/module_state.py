"""What a checkpoint keeps of a module and its optimizer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.optim import Optimizer

from onelayer.checkpoint_file import check_like
from onelayer.errors import OneLayerError

OPTIMIZER = "optimizer/"  # of names of arrays; those of parameters have dots


def put_into(
    arrays: Mapping[str, NDArray[Any]], module: nn.Module, optimizer: Optimizer | None = None
) -> None:
    """Give a module the parameters, and its optimizer what it kept, as ``arrays_of`` returned them.

    Raises:
        OneLayerError: unless they have the names, shapes and types of the module's own, and are finite.
    """
    own = arrays_of(module)
    kept = {name: array for name, array in arrays.items() if name.startswith(OPTIMIZER)}
    check_like(own, {name: array for name, array in arrays.items() if name not in kept})
    if optimizer is not None:
        _restore(optimizer, kept)
    module.load_state_dict({name: torch.from_numpy(arrays[name].copy()) for name in own})


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
