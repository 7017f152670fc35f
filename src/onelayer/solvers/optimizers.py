"""Optimizers beside SGD for any module: made for its parameters, led by a schedule, and named for a checkpoint."""

import zlib
from collections.abc import Callable
from functools import partial
from typing import Any

from torch import nn
from torch.optim import Optimizer

from onelayer.errors import OneLayerError

MakeOptimizer = Callable[..., Optimizer]
Schedule = Callable[[float], float]


def made(make: MakeOptimizer, model: nn.Module, lr: float) -> Optimizer:
    """Return the optimizer of a model's parameters.

    Raises:
        OneLayerError: if what was made is not an optimizer.
    """
    optimizer = make(model.parameters(), lr=lr)
    if not isinstance(optimizer, Optimizer):
        raise OneLayerError(
            f"optimizer must make a torch.optim.Optimizer, such as torch.optim.Adam, not {type(optimizer).__name__}"
        )
    return optimizer


def follow(schedule: Schedule, optimizer: Optimizer, done: int, steps: int) -> None:
    """Let an optimizer multiply its learning rates before each step by what a schedule says.

    Args:
        schedule: from the share of steps that is done, 0 to below 1, to a factor.
        optimizer: changed in place.
        done: how many steps an earlier call made.
        steps: how many there are in all.
    """
    rates = [group["lr"] for group in optimizer.param_groups]

    def before_step(optimizer: Optimizer, *_: Any) -> None:
        nonlocal done
        for group, rate in zip(optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * schedule(done / steps)
        done += 1

    optimizer.register_step_pre_hook(before_step)


def names_of(model: nn.Module, *parts: object) -> dict[str, str]:
    """Return what a model and the loss, optimizer and schedule are called, to know a run by."""
    names = zip(("loss", "optimizer", "schedule"), parts, strict=True)
    about = f"{type(model).__name__} {zlib.crc32(str(model).encode()):08x}"
    return {"model": about, **{name: _name(part) for name, part in names}}


def _name(part: object) -> str:
    if isinstance(part, partial):
        given = ", ".join(f"{name}={value!r}" for name, value in sorted(part.keywords.items()))
        return f"{_name(part.func)}({given})"
    if isinstance(part, nn.Module):
        return str(part)
    return "" if part is None else str(getattr(part, "__qualname__", type(part).__name__))
