"""Lessons as Jupyter notebooks: the same cells, with the prose as Markdown and every control at its first value."""

import ast
import json
from pathlib import Path
from textwrap import dedent
from typing import Any

from onelayer.errors import OneLayerError
from onelayer.files import write_whole
from onelayer.lab.course import COURSE, Entry
from onelayer.lab.interface import LANGUAGES, Language
from onelayer.lab.prose import Lesson, read_lesson


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
    opening = f'open_lesson("{entry.slug}"'
    cells = []
    for i, source in enumerate(cell_sources(entry.notebook)):
        prose = _plain_prose(source, lesson)
        text = prose or source.replace(f"{opening})", f'{opening}, "{language}")')
        cell: dict[str, Any] = {"id": f"cell-{i + 1}", "metadata": {}, "source": text}
        more: dict[str, Any] = {"cell_type": "code", "execution_count": None, "outputs": []}
        cells.append(cell | ({"cell_type": "markdown"} if prose else more))
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    return {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}


def cell_sources(notebook: Path) -> list[str]:
    """Return what the cells of a marimo notebook hold, in order, without the ``return`` at their ends."""
    text = notebook.read_text(encoding="utf-8")
    lines = text.splitlines()
    sources = []
    for node in ast.parse(text).body:
        if not isinstance(node, ast.FunctionDef):
            continue
        body = [statement for statement in node.body if not isinstance(statement, ast.Return)]
        if body:
            sources.append(dedent("\n".join(lines[body[0].lineno - 1 : body[-1].end_lineno])))
    return sources


def _plain_prose(source: str, lesson: Lesson) -> str | None:
    """Return the Markdown of a cell that is just ``lesson.text("name")``, None for any other cell."""
    match ast.parse(source).body:
        case [
            ast.Expr(ast.Call(ast.Attribute(ast.Name("lesson"), "text"), [ast.Constant(str() as name)], []))
        ]:
            return lesson.text(name).source
    return None
