"""Showing progress and tables: colours and bars on a terminal, plain text everywhere else."""

import json
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

if TYPE_CHECKING:
    from onelayer.training import Fit

PLAIN_WIDTH = 160
BAR_AFTER = 1.0  # seconds


def console(stderr: bool = False) -> Console:
    """Return a console that does not wrap or highlight text that goes to a file or a pipe."""
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, highlight=False, width=None if stream.isatty() else PLAIN_WIDTH)


def print_json(values: dict[str, Any]) -> None:
    """Print one JSON object."""
    print(json.dumps(values, ensure_ascii=False, indent=2))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], left: int = 1) -> None:
    """Print a table of texts; the first ``left`` columns are aligned left, the others right."""
    table = Table(box=SIMPLE, pad_edge=False)
    for i, column in enumerate(columns):
        table.add_column(column, justify="left" if i < left else "right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    console().print(table)


def tracked(items: Sequence[Any], what: str) -> Iterator[Any]:
    """Yield the items, with a progress bar on a terminal."""
    with _progress() as progress:
        yield from progress.track(items, description=what)


def _progress() -> Progress:
    bar = console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=bar,
        transient=True,
        disable=not bar.is_terminal,
    )


class EpochPrinter:
    """Print some ten lines on the epochs as they go by, and a bar once training takes more than a second."""

    def __init__(self, epochs: int, held_out: str, quiet: bool) -> None:
        self.epochs, self.held_out, self.quiet = epochs, held_out, quiet
        self.every = -(-epochs // 10)
        self.started = time.perf_counter()
        self.progress = _progress()
        self.task = self.progress.add_task("training", total=epochs)
        self.has_header = False

    def __enter__(self) -> "EpochPrinter":
        return self

    def __exit__(self, *error: object) -> None:
        self.progress.stop()

    def __call__(self, fit: "Fit") -> None:
        """Show the latest epoch of the fit."""
        record = fit.history[-1]
        if not self.progress.live.is_started and time.perf_counter() - self.started > BAR_AFTER:
            self.progress.start()
        self.progress.update(self.task, completed=record.epoch)
        last = record.epoch == self.epochs
        if self.quiet or not (last or record.epoch == 1 or record.epoch % self.every == 0):
            return
        cells = {
            "epoch": f"{record.epoch}",
            "train loss": _number(record.train_loss),
            "train accuracy": _number(record.train_accuracy),
            f"{self.held_out} loss": _number(record.held_out_loss),
            f"{self.held_out} accuracy": _number(record.held_out_accuracy),
            "seconds": f"{record.seconds:.3f}",
        }
        cells = {name: value for name, value in cells.items() if value}
        if not self.has_header:
            self._print("  ".join(cells))
            self.has_header = True
        self._print("  ".join(value.rjust(len(name)) for name, value in cells.items()))

    def _print(self, line: str) -> None:
        if self.progress.live.is_started:
            self.progress.console.print(line)
        else:
            print(line)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"
