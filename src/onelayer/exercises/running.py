"""Running a learner's function: without a trace in its surroundings, and with errors turned into something to say."""

import dis
import inspect
import random
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch

from onelayer.exercises.exercise import Arguments, Exercise, Function, Observation

SEED = 20260101

# What a function consists of that only returns None or `...`, in the versions of Python that there are.
_IDLE = {"RESUME", "NOP", "LOAD_CONST", "RETURN_CONST", "RETURN_VALUE", "COPY_FREE_VARS"}


class GapError(Exception):
    """The learner has not filled the gap yet."""


@dataclass(frozen=True)
class Raised:
    """An error of a learner's function.

    Attributes:
        kind: the error's type.
        text: the first line of its message.
        line: the number of the line in the learner's file or cell, if it is known.
        source: that line.
    """

    kind: str
    text: str
    line: int | None = None
    source: str = ""


Outcome = Observation | Raised


def is_gap(function: Function) -> bool:
    """Return whether the function does nothing at all: its body is ``...``, ``pass`` or ``return ...``."""
    code = getattr(inspect.unwrap(function), "__code__", None)
    if code is None:
        return False
    return all(
        each.opname in _IDLE and (not each.opname.endswith("_CONST") or each.argval in (None, ...))
        for each in dis.get_instructions(code)
    )


def own_parameters(function: Function, n: int) -> str | None:
    """Return a function's parameters, such as ``(X, w)``, if it cannot be called with n values, else None."""
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # some functions in C do not say
        return None
    try:
        signature.bind(*range(n))
    except TypeError:
        return str(signature)
    return None


def run(exercise: Exercise, function: Function, arguments: Arguments) -> Outcome:
    """Call a function, with random generators seeded, and return what it did.

    Raises:
        GapError: if it is not done: it returns ``...``, computes with it, or raises NotImplementedError.
    """
    _seed()
    try:
        observation = exercise.observe(function, arguments)
    except Exception as error:
        if isinstance(error, GapError) or _comes_from_a_gap(error):
            raise GapError from error
        return _as_raised(error, function)
    if any(value is ... for value in observation.values.values()):
        raise GapError
    return observation


def _comes_from_a_gap(error: Exception) -> bool:
    if isinstance(
        error, NotImplementedError
    ):  # PyTorch raises it too, for a type that an operation does not take
        return "not implemented for" not in str(error) and "Could not run" not in str(error)
    return isinstance(error, TypeError | AttributeError) and "ellipsis" in str(error)


@contextmanager
def surroundings_kept() -> Iterator[None]:
    """Run the block with gradients and without warnings, and leave the random generators as they were.

    Warnings of PyTorch about a learner's mistake would be repeated for every input; the verdict says what is wrong.
    """
    states = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        with warnings.catch_warnings(), torch.enable_grad():
            warnings.simplefilter("ignore")
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])
        torch.set_rng_state(states[2])


def _seed() -> None:
    random.seed(SEED)
    np.random.seed(SEED)
    torch.default_generator.manual_seed(SEED)


def _as_raised(error: Exception, function: Function) -> Raised:
    code = getattr(inspect.unwrap(function), "__code__", None)
    own = [
        frame
        for frame in traceback.extract_tb(error.__traceback__)
        if code is not None and frame.filename == code.co_filename
    ]
    kind, text = type(error).__name__, str(error).partition("\n")[0]
    return Raised(kind, text, own[-1].lineno, own[-1].line or "") if own else Raised(kind, text)


def same_error(first: Outcome, second: Outcome) -> bool:
    """Return whether both functions raised, and the same."""
    both = isinstance(first, Raised) and isinstance(second, Raised)
    return both and (first.kind, first.text) == (second.kind, second.text)  # type: ignore[union-attr]
