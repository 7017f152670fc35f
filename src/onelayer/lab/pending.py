"""What pages have asked for while their notebooks are busy: work for what they asked before need not be finished.

The server's thread writes, the notebooks' threads read; each call is one step for the interpreter. ``session`` is
marimo's name for a page that is open.
"""

import json
from collections.abc import Iterator, Set
from contextlib import contextmanager

_moved: dict[str, set[str]] = {}  # by session: the controls that were moved, by marimo's names for them


@contextmanager
def open_page(session: str) -> Iterator[None]:
    """Note that a page is open, for as long as the block runs."""
    mine: set[str] = set()
    _moved[session] = mine
    try:
        yield
    finally:
        if _moved.get(session) is mine:  # else the page has connected again
            del _moved[session]


def note(session: str, request: bytes) -> None:
    """Note the controls that a request of the page moves; what is no such request is left to marimo."""
    try:
        controls = json.loads(request)["objectIds"]
    except (ValueError, KeyError, TypeError):
        return
    if session in _moved and isinstance(controls, list):
        _moved[session].update(map(str, controls))


def begin(session: str, controls: Set[str]) -> None:
    """Note that work begins for what the controls are set to now."""
    if session in _moved:
        _moved[session].difference_update(controls)


def is_closed(session: str) -> bool:
    """Whether the page is closed."""
    return session not in _moved


def have_moved(session: str, controls: Set[str]) -> bool:
    """Whether one of the controls has been moved since work began."""
    return not _moved.get(session, set()).isdisjoint(controls)
