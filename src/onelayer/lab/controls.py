"""The controls of a lesson: sliders, choices and buttons of marimo, or their first values where marimo is not running.

In an exported notebook a control is a constant: it shows its label and its value, and ``.value`` is what the lesson
starts with. So the same cells run in both.
"""

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from typing import Any, Protocol

from onelayer.lab import pending
from onelayer.lab.interface import word
from onelayer.lab.prose import Lesson


class Control(Protocol):
    """What a cell can ask of a control."""

    @property
    def value(self) -> Any:
        """What the control is set to."""


@dataclass(frozen=True)
class Fixed:
    """A control that stays as it is, for notebooks without marimo."""

    label: str
    value: Any
    shown: str

    def _repr_html_(self) -> str:
        return f"<p>{escape(self.label)}: <strong>{escape(self.shown)}</strong></p>"


def is_live() -> bool:
    """Whether marimo runs the notebook that calls this, so that controls move."""
    if "marimo" not in sys.modules:
        return False
    import marimo

    return bool(marimo.running_in_notebook())


def slider(lesson: Lesson, name: str, start: float, stop: float, step: float, value: float) -> Control:
    """Return a slider from ``start`` to ``stop`` that is set to ``value``; ``name`` is its label's.

    Its value reaches the notebook while it is being dragged.
    """
    label = lesson.label(name)
    if not is_live():
        return Fixed(label, value, f"{value:,.6g}")
    import marimo

    control: Control = marimo.ui.slider(
        start, stop, step, value, label=label, show_value=True, full_width=True
    )
    return control


def choice(lesson: Lesson, name: str, options: Mapping[str, Any], value: str) -> Control:
    """Return a menu; ``options`` are the values by the names of their labels, ``value`` the name to start with."""
    label, shown = lesson.label(name), {lesson.label(option): item for option, item in options.items()}
    start = lesson.label(value)
    if not is_live():
        return Fixed(label, shown[start], start)
    import marimo

    control: Control = marimo.ui.dropdown(shown, start, label=label)
    return control


def button(lesson: Lesson, name: str) -> Control:
    """Return a button; its value is how often it was pressed, and each click runs the cells that read it."""
    label = lesson.label(name)
    if not is_live():
        return Fixed(label, 0, "–")
    import marimo

    control: Control = marimo.ui.button(value=0, on_click=lambda clicks: clicks + 1, label=label)
    return control


def run_button(lesson: Lesson) -> Control:
    """Return the button that runs a question's experiment: its value is True from the first click on."""
    label = word("run", lesson.language)
    if not is_live():
        return Fixed(label, True, "✓")
    import marimo

    control: Control = marimo.ui.button(value=False, on_click=lambda _: True, label=label, kind="success")
    return control


def pick(lesson: Lesson, name: str, values: Sequence[float], value: float) -> Control:
    """Return a slider over ``values``, which may be unevenly spaced. It reaches the notebook when it is let go."""
    label = lesson.label(name)
    if not is_live():
        return Fixed(label, value, f"{value:,.6g}")
    import marimo

    control: Control = marimo.ui.slider(
        steps=list(values), value=value, debounce=True, label=label, show_value=True, full_width=True
    )
    return control


def pad(lesson: Lesson, pixels: Sequence[int]) -> Control:
    """Return a pad to draw on or to put an image on; its value has "pixels", 28 × 28 from 0 (paper) to 255 (ink).

    Its words are the labels that start with ``pad-``.
    """
    if not is_live():
        return Fixed(lesson.label("pad-canvas"), {"pixels": list(pixels)}, "28 × 28")
    import marimo

    from onelayer.lab.pad import Pad

    words = {
        name.removeprefix("pad-"): text for name, text in lesson.labels.items() if name.startswith("pad-")
    }
    control: Control = marimo.ui.anywidget(Pad(pixels=list(pixels), words=words))
    return control


class OutdatedError(Exception):
    """The reader has moved a control again: what is being computed is for a setting that is no longer wanted."""


@contextmanager
def progress(
    lesson: Lesson, name: str, total: int, controls: Sequence[Control] = ()
) -> Iterator[Callable[[], None]]:
    """Yield a function to call after each of ``total`` steps: it moves a bar with the label ``name``.

    The function also ends work that has lost its point: without a word if the page is closed.

    Raises:
        OutdatedError: by the function, once one of ``controls`` has been moved again.
    """
    label = lesson.label(name)
    if not is_live():
        yield lambda: None
        return
    import marimo

    request = marimo.app_meta().request
    session = str(request.meta["session"]) if request and "session" in request.meta else None
    names = {control._id for control in controls}  # type: ignore[attr-defined] # of marimo's own
    if session is not None:  # which the lab's server has given; `marimo edit` gives none
        pending.begin(session, names)

    def step() -> None:
        bar.update()
        if session is not None:
            marimo.stop(pending.is_closed(session))
            if pending.have_moved(session, names):
                raise OutdatedError

    with marimo.status.progress_bar(
        total=total, title=label, show_rate=False, show_eta=False, remove_on_exit=True
    ) as bar:
        yield step
