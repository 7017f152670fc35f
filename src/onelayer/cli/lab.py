"""``onelayer lab``: the interactive lessons, in the browser."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

import typer

from onelayer.cli.console import say
from onelayer.errors import OneLayerError

NEEDED = ("marimo", "altair", "torch")


def lab(
    lang: Annotated[
        Literal["zh", "en"] | None, typer.Option(help="The language; without it, the browser's.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            min=0, max=65535, help="The port; without it, the first free one from 8017.", show_default=False
        ),
    ] = None,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the browser.")] = True,
    export: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the lessons as Jupyter notebooks instead.")
    ] = None,
) -> None:
    """Open the interactive lessons in the browser, served on this machine only, without a network."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    if missing:
        raise OneLayerError(
            f"the lab needs {' and '.join(missing)}; install with: pip install 'onelayer[lab]'"
        )
    if export is not None:
        from onelayer.lab.export import export_lessons

        for path in export_lessons(export, lang):
            say(path)
        return
    # The browser needs a core, and threads that wait for one hold each other up. Libraries read this when they load.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) - 1)))
    from onelayer.lab.server import serve

    def opened(address: str) -> None:
        print(f"the lab is at {address} (Ctrl-C ends it)", flush=True)
        if browser:
            import webbrowser

            webbrowser.open(address)

    serve(lang, port, opened)
    sys.stdout.flush()
    os._exit(0)  # a lesson's thread may be inside native code, which the interpreter's own exit would abort
