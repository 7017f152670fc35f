"""Lessons as Jupyter notebooks: prose, a cell for each scene, whose numbers the reader can change, and gaps to fill."""

import json
import re
from pathlib import Path
from typing import Any

from onelayer import exercises
from onelayer.errors import OneLayerError
from onelayer.files import write_whole
from onelayer.lab.course import COURSE, Entry
from onelayer.lab.interface import LANGUAGES, Language, word
from onelayer.lab.pages import source_of
from onelayer.lab.prose import parts, read_lesson
from onelayer.lab.recording import first_state, scenes_of
from onelayer.lab.vocabulary import Scene

_PLACE = re.compile(r"\{\{([\w.]+)(?::[^{}]*)?\}\}")

# The functions that a learner writes, by the lesson that comes to them
GAPS = {
    "linear-regression": ("linreg", "squared_loss"),
    "from-scratch": ("data_iter", "sgd"),
    "softmax": ("one_hot", "softmax", "net"),
    "cross-entropy": ("cross_entropy", "cross_entropy_gradient"),
    "softmax-regression": ("accuracy", "train_epoch"),
}


def export_lessons(folder: Path, language: Language | None = None) -> list[Path]:
    """Write each lesson to ``folder`` as a Jupyter notebook, in one language or in all, and return the files.

    Raises:
        OneLayerError: if the folder cannot be written to, or has a notebook of that name with other contents, which
            is left as it is.
    """
    files = {
        folder / f"{entry.slug}.{tongue}.ipynb": _encoded(jupyter_notebook(entry, tongue))
        for entry in COURSE
        for tongue in ([language] if language else LANGUAGES)
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OneLayerError(f"{folder}: cannot be made ({error.strerror})") from error
    for path, content in files.items():
        if path.is_file() and path.read_bytes() != content:
            raise OneLayerError(
                f"{path} is there already and differs, so it may hold work of yours; move it, or export elsewhere"
            )
    write_whole(files)
    return list(files)


def _encoded(notebook: dict[str, Any]) -> bytes:
    return (json.dumps(notebook, ensure_ascii=False, indent=1) + "\n").encode()


def jupyter_notebook(entry: Entry, language: Language) -> dict[str, Any]:
    """Return a lesson in Jupyter's format, version 4.5, without outputs."""
    lesson = read_lesson(entry.slug, language)
    cells = [
        _prose(f"# {lesson.title}\n\n{entry.summary[language]}"),
        _code("import onelayer\nfrom onelayer import exercises\nfrom onelayer.lab.jupyter import show"),
    ]
    for scene in scenes_of(entry):
        section = lesson.section(scene.name)
        cells.append(_prose(f"## {section.title}\n\n{_plain(section.body, word('answer', language))}"))
        if scene.run is not None:
            cells.append(_code(_call(entry.slug, scene, language)))
        if scene.code is not None:
            source = "\n\n\n".join(source_of(name) for name in scene.code.of)
            cells.append(_prose(f"{word('code', language)}\n\n```python\n{source}\n```"))
    for name in GAPS.get(entry.slug, ()):
        cells += [_prose(exercises.task(name, language)), _code(exercises.stub(name, language))]
        cells.append(_code(f'exercises.check("{name}", {name}, language="{language}")'))
    numbered = [cell | {"id": f"cell-{i + 1}"} for i, cell in enumerate(cells)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": numbered, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def _prose(source: str) -> dict[str, Any]:
    return {"cell_type": "markdown", "metadata": {}, "source": source}


def _code(source: str) -> dict[str, Any]:
    return {"cell_type": "code", "metadata": {}, "source": source, "execution_count": None, "outputs": []}


def _plain(body: str, answer: str) -> str:
    """Return a section's Markdown: folds and answers as such, and fields by their names."""
    pieces = []
    for kind, title, text in parts(body):
        shown = _PLACE.sub(r"`\1`", text)
        summary = {"deeper": title, "answer": answer}.get(kind)
        folded = f"<details><summary>{summary}</summary>\n\n{shown}\n\n</details>"
        pieces.append(folded if summary else shown)
    return "\n\n".join(pieces)


def _call(slug: str, scene: Scene, language: Language) -> str:
    """Return the line that shows a scene, with the state that it begins with to be changed."""
    state = "".join(f", {name}={value!r}" for name, value in first_state(scene).items())
    return f'show("{slug}", "{scene.name}", "{language}"{state})'
