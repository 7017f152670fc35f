"""What people read: lines, tables and progress; colours and bars on a terminal, plain text everywhere else."""

import json
import math
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from tempfile import TemporaryFile
from threading import Timer
from typing import IO, TYPE_CHECKING, Any, Protocol

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from onelayer.readable import CONTROLS, shown

if TYPE_CHECKING:
    from onelayer.history import History

PLAIN_WIDTH = 160
WIDEST_TABLE = 1_000
SHOWN_AFTER = 1.0  # seconds


def say(text: object = "", stderr: bool = False) -> None:
    """Print a line, whatever the names in it are made of."""
    print(shown(text), file=sys.stderr if stderr else sys.stdout)


def say_interrupted() -> None:
    """Say how a run that Ctrl-C has ended goes on."""
    say(stderr=True)
    say("interrupted; the same command with --resume goes on", stderr=True)


@contextmanager
def data_output() -> Iterator[IO[bytes]]:
    """Open a file for text in UTF-8, which goes to standard output at the end of the block, whole or not at all.

    It goes as it is to a file or a pipe, and line by line as ``shown`` to a terminal.
    """
    with TemporaryFile(prefix="onelayer-") as file:
        yield file
        file.seek(0)
        if not sys.stdout.isatty():
            shutil.copyfileobj(file, sys.stdout.buffer)
            return
        for line in file:
            say(line.decode().removesuffix("\n"))


def console(stderr: bool = False) -> Console:
    """Return a console that does not wrap or highlight text that goes to a file or a pipe."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(
        stderr=stderr,
        highlight=False,
        markup=False,
        emoji=False,
        width=None if stream.isatty() else PLAIN_WIDTH,
    )


def print_json(values: dict[str, Any]) -> None:
    """Print one JSON object (RFC 8259): a number that is not finite is null, and control characters are escaped."""
    text = json.dumps(_finite(values), ensure_ascii=False, allow_nan=False, indent=2)
    for line in text.split("\n"):
        print(CONTROLS.sub(lambda found: f"\\u{ord(found[0]):04x}", line))


def _finite(value: Any) -> Any:
    """Return a JSON value with null in the place of numbers that JSON does not have."""
    if isinstance(value, dict):
        return {name: _finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> None:
    """Print a table of strings; the first ``left`` columns are aligned left, the others right."""
    table = Table(box=SIMPLE, pad_edge=False)
    for i, column in enumerate(columns):
        table.add_column(shown(column), justify="left" if i < left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*map(shown, row))
    out = console()
    natural = out.measure(table, options=out.options.update_width(WIDEST_TABLE)).maximum
    out.width = max(
        out.width, natural
    )  # a narrow terminal wraps lines; Rich would cut names and numbers short
    out.print(table)


def counted(n: int, what: str) -> str:
    """Return a number of things: 1 row, 2 rows."""
    return f"{n:,} {what}{'' if n == 1 else 's'}"


def decimal(value: float | None) -> str:
    """Return a number with four decimals, and a dash where there is none."""
    return "–" if value is None else f"{value:.4f}"


@contextmanager
def busy(what: str) -> Iterator[None]:
    """Show on a terminal that work is going on, if it takes more than a second."""
    with _later(console(stderr=True).status(shown(what))):
        yield


def tracked(items: Sequence[Any], what: str) -> Iterator[Any]:
    """Yield the items, with a progress bar on a terminal if they take more than a second."""
    progress = _progress()
    with _later(progress):
        yield from progress.track(items, description=shown(what))


@contextmanager
def passes() -> Iterator[Callable[[str, int, int], None]]:
    """Show a progress bar on a terminal, if it takes more than a second, and yield what sets it: text, done, of all."""
    progress = _progress()
    task = progress.add_task("")

    def show(text: str, done: int, total: int) -> None:
        if done == 1:
            progress.reset(task)
        progress.update(task, description=shown(text), completed=done, total=total)

    with _later(progress):
        yield show


class _Display(Protocol):
    """What Rich can show for a while."""

    def start(self) -> None: ...

    def stop(self) -> None: ...


@contextmanager
def _later(display: _Display) -> Iterator[None]:
    """Start a display on the terminal after a second, and take it away at the end."""
    if not sys.stderr.isatty():
        yield
        return
    started = False

    def start() -> None:
        nonlocal started
        started = True
        display.start()

    timer = Timer(SHOWN_AFTER, start)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
        if started:
            display.stop()


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),  # print() goes above the bar, but into a file if stdout is one
    )


class EpochPrinter:
    """Print some ten lines on the epochs as they go by, under a progress bar on a terminal."""

    def __init__(self, epochs: int, held_out: str, quiet: bool) -> None:
        self.epochs, self.held_out, self.quiet = epochs, held_out, quiet
        self.every = -(-epochs // 10)
        self.progress = _progress()
        self.task = self.progress.add_task("training", total=epochs)
        self.display = _later(self.progress)
        self.has_header = False

    def __enter__(self) -> "EpochPrinter":
        self.display.__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        self.display.__exit__(*error)

    def __call__(self, history: "History") -> None:
        """Show the latest epoch of the history."""
        record = history.epochs[-1]
        self.progress.update(self.task, completed=record.epoch)
        last = record.epoch == self.epochs
        if self.quiet or not (last or record.epoch == 1 or record.epoch % self.every == 0):
            return
        cells = {
            "epoch": f"{record.epoch}",
            "train loss": decimal(record.train_loss),
            "train accuracy": decimal(record.train_accuracy),
            f"{self.held_out} loss": decimal(record.held_out_loss),
            f"{self.held_out} accuracy": decimal(record.held_out_accuracy),
            "seconds": f"{record.seconds:.3f}",
        }
        cells = {name: value for name, value in cells.items() if value != decimal(None)}
        if not self.has_header:
            print("  ".join(cells))
            self.has_header = True
        print("  ".join(value.rjust(len(name)) for name, value in cells.items()))
