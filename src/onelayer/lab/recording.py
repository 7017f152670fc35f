"""What experiments find: outcomes, as pages have them, computed when asked or for every state of a site."""

import inspect
import json
import os
import platform
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from itertools import product
from math import isfinite
from typing import Any

import numpy as np

from onelayer.lab.course import Entry
from onelayer.lab.vocabulary import Choice, Clock, Kernel, Live, Number, Pad, Recorded, Scene

LONG = 32  # numbers beyond which an array goes as its bytes
LARGE = 4096  # bytes beyond which a file has them packed, if that saves a fifth
TYPES = {"float64": "f8", "float32": "f4", "float16": "f2", "uint8": "u1", "int32": "i4", "uint32": "u4"}

State = dict[str, Any]
Outcome = Mapping[str, Any]


def scenes_of(entry: Entry) -> tuple[Scene, ...]:
    """Return the scenes of a lesson, as its ``lesson.py`` declares them."""
    scenes: tuple[Scene, ...] = import_module(f"onelayer.lab.lessons.{entry.folder.name}.lesson").SCENES
    return scenes


def function_of(entry: Entry, name: str) -> Callable[..., Any]:
    """Return a function of a lesson's ``experiment.py``."""
    function: Callable[..., Any] = getattr(
        import_module(f"onelayer.lab.lessons.{entry.folder.name}.experiment"), name
    )
    return function


def outcomes(entry: Entry, name: str, state: State) -> Iterator[Outcome]:
    """Yield what an experiment finds for a state, growing if its function yields."""
    found = function_of(entry, name)(**state)
    if inspect.isgenerator(found):
        yield from found
    else:
        yield found


def outcome(entry: Entry, name: str, state: State) -> Outcome:
    """Return what an experiment finds for a state, in the end."""
    *_, last = outcomes(entry, name, state)
    return last


def first_state(scene: Scene) -> State:
    """Return the controls of a scene as they are at first, without pads."""
    return {control.name: control.value for control in scene.controls if not isinstance(control, Pad)}


def states(scene: Scene, few: bool) -> Iterator[State]:
    """Yield every state of the controls that an experiment reads, or just the one that it begins with."""
    assert isinstance(scene.run, Recorded | Live)
    controls = {control.name: control for control in scene.controls}
    first = first_state(scene)
    choices = [[first[name]] if few else _values(controls[name]) for name in scene.run.reads]
    for values in product(*choices):
        yield dict(zip(scene.run.reads, values, strict=True))


def _values(control: Any) -> list[Any]:
    match control:
        case Choice():
            return list(control.options)
        case Number(values=values) if values:
            return list(values)
        case Number():
            steps = round((control.high - control.low) / control.step)
            return [round(control.low + i * control.step, 10) for i in range(steps + 1)]
        case Clock(last=int() as last):
            return list(range(last + 1))
    raise TypeError(f"{control.name}: an experiment cannot be recorded for every {type(control).__name__}")


def key_of(values: Iterator[Any]) -> str:
    """Return the name of a state in a page's recordings: its values as JavaScript writes them."""
    return " ".join(
        np.format_float_positional(value, trim="-") if isinstance(value, float) else str(value)
        for value in values
    )


def data_of(
    entry: Entry, live: bool = False, few: bool = False, told: Callable[[str], None] = lambda _: None
) -> str:
    """Return the script that gives a lesson's page its data, and its recordings if no library is at hand.

    Args:
        entry: the lesson.
        live: whether the library is at hand: then nothing is recorded.
        few: whether each experiment is recorded in the state that it begins with only.
        told: called with the name of each experiment before it is recorded.
    """
    scenes = scenes_of(entry)
    names = {name for scene in scenes if isinstance(scene.run, Kernel) for name in scene.run.data}
    names |= {control.first for scene in scenes for control in scene.controls if isinstance(control, Pad)}
    content: dict[str, Any] = {name: function_of(entry, name)() for name in sorted(names)}
    if not live:
        content |= {"machine": machine(), "recordings": {}}
        for scene in scenes:
            if isinstance(scene.run, Recorded | Live) and scene.run.run not in content["recordings"]:
                told(f"{entry.slug}: {scene.run.run}")
                content["recordings"][scene.run.run] = _recorded(entry, scene, few)
    text = json.dumps(
        encoded(content, packed=True), ensure_ascii=False, separators=(",", ":"), allow_nan=False
    )
    return f'onelayer.register("{entry.slug}",{text});\n'


def _recorded(entry: Entry, scene: Scene, few: bool) -> dict[str, Any]:
    """Return an experiment's outcomes by their states; fields that all have are there once, as "all"."""
    assert isinstance(scene.run, Recorded | Live)
    run = scene.run.run
    found = {
        key_of(iter(state.values())): encoded(outcome(entry, run, state), packed=True)
        for state in states(scene, few)
    }
    first, *others = found.values()
    shared = {
        name: value for name, value in first.items() if all(other.get(name) == value for other in others)
    }
    shared = shared if others else {}
    rest = {
        key: {name: v for name, v in fields.items() if name not in shared} for key, fields in found.items()
    }
    return {"all": shared, **rest}


def machine() -> str:
    """Return what this machine is, as far as times go."""
    return (
        f"{platform.machine()}, {os.cpu_count()} CPU, {platform.system()}, Python {platform.python_version()}"
    )


def encoded(value: Any, packed: bool = False) -> Any:
    """Return a value as JSON has it; a long array becomes the base64 of its bytes, with its type and shape.

    Args:
        value: of numbers, strings, lists, arrays and dicts.
        packed: whether large arrays are deflated (zlib); a page unpacks the files of its data only.
    """
    if isinstance(value, Mapping):
        return {str(name): encoded(part, packed) for name, part in value.items()}
    if isinstance(value, np.ndarray):
        if value.size > LONG and value.dtype.name in TYPES:
            little = np.ascontiguousarray(value, value.dtype.newbyteorder("<"))
            plain = little.tobytes()
            small = zlib.compress(plain, 9) if packed and len(plain) > LARGE else plain
            name, data = ("packed", small) if len(small) < 0.8 * len(plain) else ("data", plain)
            return {"$": TYPES[value.dtype.name], "shape": list(value.shape), name: b64encode(data).decode()}
        return encoded(value.tolist())
    if isinstance(value, list | tuple):
        return [encoded(part, packed) for part in value]
    if isinstance(value, np.generic):
        return encoded(value.item())
    if isinstance(value, float) and not isfinite(value):
        return {"$": "number", "data": str(value).replace("inf", "Infinity").replace("nan", "NaN")}
    return value
