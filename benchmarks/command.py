"""How long does a whole command take, its report included, and how much memory, against importing torch?

A large CSV file is against a script that reads it with polars and fits it with scikit-learn, without folds, errors
and a report; beside them is DuckDB's scan of it, for no command can be done before the file is read.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from _measure import Case, Contender, Equal, main, size
from reading import ROWS, write

ONELAYER = str(Path(sys.executable).with_name("onelayer"))
SCRIPT = """
import sys, polars
from sklearn.linear_model import LinearRegression
rows = polars.read_csv(sys.argv[1])
LinearRegression().fit(rows.drop("y").to_numpy(), rows["y"].to_numpy())
"""
SCAN = "import duckdb, sys; [0 for _ in duckdb.sql(f\"from '{sys.argv[1]}'\").to_arrow_reader(65_536)]"


def command(words: Sequence[str], *paths: Path) -> tuple[float, float]:
    """Run a command in a folder of its own, and return its seconds, and its peak memory in MB."""
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        line = [*words[:3], *map(str, paths), *words[3:]]
        process = subprocess.Popen(line, cwd=folder, stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert process.returncode == 0, words
        return time.perf_counter() - start, usage.ru_maxrss / 1024


def measured(run: Callable[..., tuple[float, float]], data: Sequence[Any]) -> tuple[dict[str, float], None]:
    run(*data)  # files come from the cache from now on
    seconds, peak = run(*data)
    return {"seconds": seconds, "peak MB": peak}, None


def case(label: str, ours: Sequence[str], *others: Contender, **more: Any) -> Case:
    contenders = [Contender("onelayer", partial(command, ours), role="ours"), *others]
    nothing = Equal("nothing but the machine", 0.0, lambda answers, ours: dict.fromkeys(answers, 0.0))
    return Case(
        **{"label": label, "make": lambda folder: (), "contenders": contenders, "equal": nothing}
        | {"measure": measured, "headlines": ("seconds", "peak MB")}
        | more
    )


def python(name: str, code: str, needs: tuple[str, ...], role: str = "peer") -> Contender:
    """Return the contender that runs some code in a fresh interpreter."""
    return Contender(name, partial(command, (sys.executable, "-c", code)), needs, role)


TORCH = python("import torch", "import torch", ("torch",))
SCIKIT_LEARN = python("import sklearn.linear_model", "import sklearn.linear_model", ("sklearn",))
CASES = [
    case("onelayer --help", (ONELAYER, "--help"), SCIKIT_LEARN),
    case("onelayer train houses", (ONELAYER, "train", "houses"), TORCH),
    case("onelayer train fashion-mnist", (ONELAYER, "train", "fashion-mnist"), TORCH),
    case(
        f"onelayer train, CSV of {ROWS:,} × 20",
        (ONELAYER, "train", "--target=y"),
        python("polars and scikit-learn, a script", SCRIPT, ("polars", "sklearn")),
        python("DuckDB's scan", SCAN, ("duckdb",), "floor"),
        make=lambda folder: (write(folder)["CSV"],),
    ),
][: size(4, 2)]

if __name__ == "__main__":
    main(__doc__, CASES)
