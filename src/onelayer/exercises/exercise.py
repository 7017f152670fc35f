"""What an exercise is: a function to write, inputs to try it on, the truth, and the mistakes that learners make."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor

from onelayer.exercises.showing import lines_of_all

Language = Literal["en", "zh"]
Function = Callable[..., Any]
Arguments = dict[str, Any]


class Words(NamedTuple):
    """The same words in English and in Chinese. What stands in braces is filled in."""

    en: str
    zh: str

    def of(self, language: Language, **values: object) -> str:
        """Return the words in one language, with their values filled in."""
        return (self.zh if language == "zh" else self.en).format(**values)


class Mistake(NamedTuple):
    """A typical wrong answer. A learner's function that does what it does has made this mistake.

    Attributes:
        name: what a verdict calls it.
        made: a function with the mistake.
        hint: where to look; it does not say what to write.
        is_forgiven: whether such a function passes, with the hint as a remark: the book's own makes it.
    """

    name: str
    made: Function
    hint: Words
    is_forgiven: bool = False


class Observation(NamedTuple):
    """What a function did with one input.

    Attributes:
        values: what is compared with the truth, by name, in the order in which it is judged.
        shown: what to show of it, by name, where the values themselves would say too little.
    """

    values: dict[str, Any]
    shown: dict[str, Any] | None = None


def given(**arguments: Any) -> Callable[[], Arguments]:
    """Return a function that makes these arguments anew, so that nobody changes those of the next call."""
    return lambda: {name: _anew(value) for name, value in arguments.items()}


def _anew(value: Any) -> Any:
    if isinstance(value, list):
        return [_anew(item) for item in value]
    if not isinstance(value, Tensor):
        return value
    copy = value.detach().clone().requires_grad_(value.requires_grad)
    if value.grad is not None:
        copy.grad = value.grad.clone()
    return copy


def observe_result(function: Function, arguments: Arguments) -> Observation:
    """Observe what is returned, its gradient with respect to inputs that want one, and which inputs are changed."""
    before = {name: value.detach().clone() for name, value in arguments.items() if isinstance(value, Tensor)}
    result = function(*arguments.values())
    values = {"result": result}
    changed = [name for name, value in before.items() if not torch.equal(value, arguments[name])]
    if not changed:  # or there would be no gradient to ask for
        values |= _gradients(result, arguments)
    return Observation(values | {"changed": changed})


def _gradients(result: Any, arguments: Arguments) -> dict[str, dict[str, Tensor | None]]:
    """Return ∂(Σₖ k · resultₖ)/∂x by the names of the inputs x that want it: a plain sum of softmax is constant."""
    wanted = {name: x for name, x in arguments.items() if isinstance(x, Tensor) and x.requires_grad}
    if not wanted:
        return {}
    if not isinstance(result, Tensor) or not result.requires_grad:
        return {"gradient": dict.fromkeys(wanted)}
    factors = torch.arange(1, result.numel() + 1, dtype=result.dtype)
    found = torch.autograd.grad((result.reshape(-1) * factors).sum(), [*wanted.values()], allow_unused=True)
    return {"gradient": dict(zip(wanted, found, strict=True))}


@dataclass(frozen=True)
class Exercise:
    """A function of the chapter that a learner writes.

    Attributes:
        name: the function's name.
        section: where the book has it (first edition).
        task: what it has to do, a sentence a line.
        arguments: its parameters in order, and what each is.
        returns: what it returns.
        inputs: what makes the arguments of each call, small and readable ones first.
        truth: a function that is right.
        mistakes: typical wrong answers.
        otherwise: the hint for wrong values that no mistake explains.
        or_vector: whether a result (n, 1) may come as (n,), and the other way round.
        observe: calls a function and says what it did.
        differs: what it means that a value of the observation is not the expected one.
        show: the lines that show an input in full.
    """

    name: str
    section: str
    task: Words
    arguments: Mapping[str, Words]
    returns: Words
    inputs: tuple[Callable[[], Arguments], ...]
    truth: Function
    mistakes: tuple[Mistake, ...]
    otherwise: Words
    or_vector: bool = False
    observe: Callable[[Function, Arguments], Observation] = observe_result
    differs: Mapping[str, Words] = field(default_factory=dict)
    show: Callable[[Arguments, Language], list[str]] = lines_of_all

    @property
    def signature(self) -> str:
        """The call, such as ``linreg(X, w, b)``."""
        return f"{self.name}({', '.join(self.arguments)})"
