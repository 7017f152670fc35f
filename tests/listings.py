"""The code of Markdown pages: found in them, and run from top to bottom in an empty folder, as a reader would.

Blocks of ``python`` share their names. Of ``sh``, commands of onelayer run in this process and others in a shell. A
block whose caption is the name of a file is that file. A block of ``text`` is what the one before prints, with … for
what differs from run to run. A comment ``<!-- not run: why -->`` before a block leaves it out.
"""

import contextlib
import io
import re
import shlex
import subprocess
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_FENCE = re.compile(
    r"^(?P<skip><!-- not run: [^\n]+-->\n)?```(?P<head>[^\n]*)\n(?::caption: (?P<file>\S+)\n\n?)?(?P<body>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
_DIRECTIVE = re.compile(r"\{code-block\} *")
_RUN = ("python", "sh")
_FAILED = "error: "


@dataclass(frozen=True)
class Listing:
    """A block of code in a page.

    Attributes:
        language: as the page has it, such as "python".
        code: what is in the block.
        file: the file that it is, or None.
        line: of the page, where it starts.
        is_run: whether a reader is to run it.
    """

    language: str
    code: str
    file: str | None
    line: int
    is_run: bool


def listings(page: str) -> list[Listing]:
    """Return the blocks of a page, from top to bottom."""
    return [
        Listing(
            language := _DIRECTIVE.sub("", found["head"]).strip(),
            found["body"],
            found["file"],
            page.count("\n", 0, found.start()) + 1,
            language in _RUN and not found["skip"] and not found["file"],
        )
        for found in _FENCE.finditer(page)
    ]


def prose(page: str) -> str:
    """Return a page without its blocks."""
    return _FENCE.sub("", page)


def outputs(page: str, command: Callable[..., Any]) -> Iterator[tuple[Listing, Listing | None, str]]:
    """Run a page in the current folder: yield each block that runs, that of its output if shown, and what it printed.

    Args:
        page: the page.
        command: the fixture ``onelayer``.
    """
    found, names = listings(page), {"__name__": "__main__"}
    for block, after in zip(found, [*found[1:], None], strict=True):
        if block.file:
            path = Path(block.file)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.code, encoding="utf-8")
        if block.is_run:
            shown = after if after is not None and after.language == "text" and not after.file else None
            may_fail = shown is not None and _FAILED in shown.code
            with _told_of_line(block):
                printed = (
                    of_python(block.code, names)
                    if block.language == "python"
                    else _of_shell(block.code, command, may_fail)
                )
            yield block, shown, _tidy(printed)


def agree(shown: str, printed: str) -> bool:
    """Return whether a page shows what was printed, … being anything."""
    return re.fullmatch(re.escape(_tidy(shown)).replace("…", ".*"), printed, re.DOTALL) is not None


def of_python(code: str, names: dict[str, Any]) -> str:
    """Return what Python code prints, its warnings too."""
    printed = io.StringIO()

    def show(message: Warning | str, category: type[Warning], *_: Any, **__: Any) -> None:
        printed.write(f"{category.__name__}: {message}\n")

    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("default")
        warnings.showwarning = show
        exec(compile(code, "page", "exec"), names)
    return printed.getvalue()


def _of_shell(code: str, command: Callable[..., Any], may_fail: bool) -> str:
    printed = ""
    for line in code.replace("\\\n", " ").splitlines():
        program, *arguments = shlex.split(line, comments=True) or [""]
        if program == "onelayer":
            result = command(*arguments)
            assert result.code == 0 or may_fail, result.err
            printed += result.out + result.err
        elif program:
            printed += subprocess.run(line, shell=True, capture_output=True, text=True, check=True).stdout
    return printed


@contextlib.contextmanager
def _told_of_line(block: Listing) -> Iterator[None]:
    try:
        yield
    except BaseException as error:
        error.add_note(f"in the block at line {block.line}")
        raise


def _tidy(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.strip("\n").splitlines()).strip("\n")
