"""A table of text that does not fit memory, trained from exactly: seconds beside DuckDB's own scan, and peak memory.

    python benchmarks/large_table.py [--rows N]

5,000,000 rows of 20 features and a target (2 GB) in one CSV file, written to a temporary folder first.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

from onelayer import Timer

FEATURES = 20
ONELAYER = str(Path(sys.executable).with_name("onelayer"))


def write(path: Path, rows: int) -> None:
    """Write uniform features and a target that is their sum, but for noise."""
    columns = ", ".join(f"random() * {j + 1} as x{j}" for j in range(FEATURES))
    total = " + ".join(f"x{j}" for j in range(FEATURES))
    duckdb.sql(
        f"copy (select *, {total} + random() as y from (select {columns} from range({rows}))) to '{path}' (format csv)"
    )


def scan(path: Path) -> float:
    """Return the seconds that DuckDB takes to read all of the file as Arrow record batches."""
    timer = Timer()
    for _ in duckdb.connect().sql(f"from read_csv('{path}')").to_arrow_reader(65_536):
        pass
    return timer.stop()


def train(path: Path) -> tuple[float, float, str]:
    """Return the seconds and the peak memory in MB of the whole command, and what it says of its parts."""
    timer = Timer()
    command = [ONELAYER, "train", str(path), "--target", "y", "--out", str(path.with_name("run"))]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    parts = re.search(r"load .*", said)
    return timer.stop(), usage.ru_maxrss / 1024, parts[0] if parts else ""


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=5_000_000)
    rows = parser.parse_args().rows
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        write(path, rows)
        print(f"{rows:,} rows, {path.stat().st_size / 1e9:.2f} GB")
        scan(path)  # the file comes from the cache from now on
        before = scan(path)
        seconds, peak, parts = train(path)
        reading = min(before, scan(path))
    print(
        f"DuckDB's scan to Arrow {reading:.2f} s; onelayer train {seconds:.2f} s: {seconds / reading:.1f} times"
    )
    print(f"{parts}; {peak:.0f} MB at its peak")


if __name__ == "__main__":
    main()
