"""The lab as plain files, which any web host serves and a browser opens from disk."""

from collections.abc import Callable, Iterator
from pathlib import Path

from onelayer.errors import OneLayerError
from onelayer.files import write_whole
from onelayer.lab.course import COURSE
from onelayer.lab.interface import LANGUAGES
from onelayer.lab.pages import STATIC, index_page, lesson_page, start_page
from onelayer.lab.recording import data_of


def write_site(folder: Path, few: bool = False, told: Callable[[str], None] = lambda _: None) -> list[Path]:
    """Write the lessons in both languages, with what the library finds for every state of their controls.

    Args:
        folder: where to; it may exist, but must be empty or hold such a site.
        few: whether experiments are recorded in the state that they begin with only, for a quick look.
        told: called with what is computed next.

    Returns:
        The files.

    Raises:
        OneLayerError: if the folder holds something else, or cannot be written to.
    """
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "static" / "lesson.js").is_file():
        raise OneLayerError(f"{folder} holds something else; choose an empty folder")
    files = {folder / name: content for name, content in contents(few, told)}
    try:
        for parent in {path.parent for path in files}:
            parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OneLayerError(f"{folder}: cannot be made ({error.strerror})") from error
    write_whole(files)
    return list(files)


def contents(few: bool, told: Callable[[str], None]) -> Iterator[tuple[str, bytes]]:
    """Yield the site's files, each as its path and what it holds."""
    yield "index.html", start_page().encode()
    for path in sorted(STATIC.iterdir()):
        if path.name != "page.html":
            yield f"static/{path.name}", path.read_bytes()
    for language in LANGUAGES:
        yield f"{language}/index.html", index_page(language).encode()
        for entry in COURSE:
            yield f"{language}/{entry.slug}.html", lesson_page(entry, language).encode()
    for entry in COURSE:
        yield f"data/{entry.slug}.js", data_of(entry, few=few, told=told).encode()
        yield f"data/{entry.slug}.kernels.js", entry.kernels
