"""``onelayer lab``: the interactive lessons, in the browser, as a site, or as notebooks."""

import os
import sys
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Literal

import typer

from onelayer.cli.console import say
from onelayer.errors import OneLayerError

NEEDED = ("starlette", "uvicorn", "markdown", "latex2mathml", "torch")


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
    site: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write the lessons as plain files for any web host instead."),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="With --site: record each experiment in its first state only.")
    ] = False,
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
    if quick and site is None:
        raise OneLayerError("--quick goes with --site")
    if site is not None and export is not None:
        raise OneLayerError("--site and --export are two ways; choose one")
    if site is not None:
        # Lessons train small networks, for which threads are in each other's way. Libraries read this when they load.
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        from onelayer.lab.site import write_site

        write_site(site, quick, lambda what: say(what, stderr=True))
        say(site / "index.html")
    elif export is not None:
        from onelayer.lab.export import export_lessons

        for path in export_lessons(export, lang):
            say(path)
    else:
        _serve(lang, port, browser)


def _serve(lang: Literal["zh", "en"] | None, port: int | None, browser: bool) -> None:
    # The browser needs a core, and threads that wait for one hold each other up. Libraries read this when they load.
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, (os.cpu_count() or 1) - 1)))
    from onelayer.lab.server import serve

    with TemporaryDirectory(prefix="onelayer-") as folder:  # which only this user can read

        def opened(address: str) -> None:
            print(f"the lab is at {address} (Ctrl-C ends it)", flush=True)
            if browser:
                import webbrowser

                # The address has a token in it, and all users of a machine can read how a program was called.
                way = Path(folder) / "lab.html"
                way.write_text(f'<meta http-equiv="refresh" content="0; url={address}">', encoding="utf-8")
                webbrowser.open(way.as_uri())

        serve(lang, port, opened)
    sys.stdout.flush()
    os._exit(0)  # a lesson's thread may be inside native code, which the interpreter's own exit would abort
