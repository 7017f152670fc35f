"""The command line: one file a command, each of which parses, calls and shows.

Nothing here imports torch at the top, so that ``onelayer --help`` answers at once.
"""

import os
import sys
import warnings
from io import TextIOWrapper
from pathlib import Path
from typing import NoReturn

import typer
from typer.exceptions import TyperException

from onelayer.cli.cluster import app as cluster
from onelayer.cli.compare import compare
from onelayer.cli.console import say
from onelayer.cli.data import data
from onelayer.cli.evaluate import evaluate
from onelayer.cli.example import app as example
from onelayer.cli.lab import lab
from onelayer.cli.predict import predict
from onelayer.cli.train import train
from onelayer.cli.tune import tune
from onelayer.cli.vectorize import vectorize
from onelayer.errors import OneLayerError, torch_needed

NO_MEMORY = (
    "there is not enough memory for this; take fewer rows, fewer columns (--features), or a smaller network"
)
NO_ROOM = (  # what libraries say in the place of MemoryError
    *("allocate memory", "out of memory", "bad_alloc"),
    *("failed to map segment", "start new thread", "launch worker thread"),
)
INTERRUPTED = 130  # as shells have it: 128 and the number of SIGINT

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def onelayer(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and stop."),
) -> None:
    """One-layer neural networks: linear regression and softmax regression, done properly."""
    if version:
        from onelayer import __version__

        say(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


for command in (train, evaluate, predict, tune, compare, vectorize, data, lab):
    app.command()(command)
app.add_typer(cluster, name="cluster")
app.add_typer(example, name="example")


def main() -> None:
    """Run the command line. A mistake of the user's ends with one ``error:`` line and exit code 1."""
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115 (`>&-` closed it)
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a console without λ or ² shows ? for them
            stream.reconfigure(errors="replace")
    warnings.showwarning = lambda message, *_: say(f"warning: {message}", stderr=True)
    try:
        code = _run()
        sys.stdout.flush()
    except BrokenPipeError:  # as in `onelayer predict … | head`
        code = 1
    except OSError as error:
        code = _failed(f"{error.filename or 'the output'}: {error.strerror}")
    except KeyboardInterrupt:
        code = INTERRUPTED
    _leave(code)


def _run() -> int:
    """Run the command that was given and return the exit code; errors of the system are left to the caller."""
    try:
        with torch_needed(" ".join(["onelayer", *sys.argv[1:2]])):
            return int(app(standalone_mode=False) or 0)
    except OneLayerError as error:
        return _failed(str(error))
    except TyperException as error:  # a wrong option or argument
        message = error.format_message().replace("Value error, ", "")  # pydantic's own words
        return _failed(" ".join(message.split()))
    except Exception as error:
        if not isinstance(error, MemoryError) and not any(words in str(error) for words in NO_ROOM):
            raise
        return _failed(NO_MEMORY)


def _failed(message: str) -> int:
    """Print one ``error:`` line and return exit code 1."""
    say(f"error: {message}", stderr=True)
    return 1


def _leave(code: int) -> NoReturn:
    """Exit, and let what nobody reads any more go: Python would complain of it on its way out."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
    sys.exit(code)
