"""The whole command, its report included, against importing torch: seconds and peak memory.

python benchmarks/command.py
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from onelayer import Timer

ROUNDS = 7
ONELAYER = str(Path(sys.executable).with_name("onelayer"))
COMMANDS = {
    "import torch": [sys.executable, "-c", "import torch"],
    "onelayer --help": [ONELAYER, "--help"],
    "onelayer train houses": [ONELAYER, "train", "houses"],
    "onelayer train fashion-mnist": [ONELAYER, "train", "fashion-mnist"],
}


def run(command: list[str], folder: str) -> tuple[float, float]:
    """Return the seconds a command takes and its peak resident memory in MB."""
    timer = Timer()
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    seconds = timer.stop()
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return seconds, usage.ru_maxrss / 1024


def main() -> None:
    results: dict[str, list[tuple[float, float]]] = {name: [] for name in COMMANDS}
    with tempfile.TemporaryDirectory() as folder:
        for command in COMMANDS.values():  # the files come from the cache from now on
            run(command, folder)
        for _ in range(ROUNDS):
            for name, command in COMMANDS.items():
                results[name].append(run(command, folder))
    base = [seconds for seconds, _ in results["import torch"]]
    print(f"medians of {ROUNDS} rounds")
    print(f"{'':38}{'seconds':>10}{'× import torch':>16}{'peak MB':>10}")
    for name, runs in results.items():
        seconds = [value for value, _ in runs]
        ratio = median(own / torch for own, torch in zip(seconds, base, strict=True))
        print(f"{name:38}{median(seconds):10.2f}{ratio:16.2f}{max(mb for _, mb in runs):10.0f}")


if __name__ == "__main__":
    main()
