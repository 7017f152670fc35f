"""The command line: one file a command, each of which parses, calls and shows.

Nothing here imports torch at the top, so that ``onelayer --help`` answers at once.
"""

import os
import sys
import warnings
from io import TextIOWrapper
from pathlib import Path

import typer
from typer.exceptions import TyperException

from onelayer.cli.compare import compare
from onelayer.cli.data import data
from onelayer.cli.evaluate import evaluate
from onelayer.cli.lab import lab
from onelayer.cli.predict import predict
from onelayer.cli.train import train
from onelayer.cli.tune import tune
from onelayer.cli.vectorize import vectorize
from onelayer.errors import OneLayerError, torch_needed

NO_MEMORY = "there is not enough memory for these data; leave columns out with --features, or take fewer rows"

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.callback(invoke_without_command=True)
def onelayer(
    context: typer.Context,
    version: bool = typer.Option(False, "--version", help="Print the version and stop."),
) -> None:
    """One-layer neural networks: linear regression and softmax regression, done properly."""
    if version:
        from onelayer import __version__

        print(__version__)
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


for command in (train, evaluate, predict, tune, compare, vectorize, data, lab):
    app.command()(command)


def main() -> None:
    """Run the command line. A mistake of the user's ends with one ``error:`` line and exit code 1."""
    sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115 (`>&-` closed it)
    sys.stderr = sys.stderr or Path(os.devnull).open("w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a console without λ or ² shows ? for them
            stream.reconfigure(errors="replace")
    warnings.showwarning = lambda message, *_: print("warning:", message, file=sys.stderr)
    try:
        with torch_needed(" ".join(["onelayer", *sys.argv[1:2]])):
            code = app(standalone_mode=False) or 0
        sys.stdout.flush()
        sys.exit(code)
    except OneLayerError as error:
        fail(str(error))
    except TyperException as error:  # a wrong option or argument
        fail(error.format_message().replace("Value error, ", ""))  # pydantic's own words
    except MemoryError:
        fail(NO_MEMORY)
    except RuntimeError as error:  # what torch raises in its place
        if "allocate memory" not in str(error) and "out of memory" not in str(error):
            raise
        fail(NO_MEMORY)
    except BrokenPipeError:  # as in `onelayer predict … | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except OSError as error:
        fail(f"{error.filename or 'the output'}: {error.strerror}")


def fail(message: str) -> None:
    """Print one ``error:`` line and exit with code 1."""
    print("error:", " ".join(message.split()), file=sys.stderr)
    sys.exit(1)
