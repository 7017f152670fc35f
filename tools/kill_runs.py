"""Kill training runs at random moments and check what they leave: ``python tools/kill_runs.py [KILLS] [SEED]``.

Two runs take turns in one folder, each over the files of the other. Each is killed three times, at a moment drawn
from the whole time that it works in the folder, the drawing of pictures and the swap included, and then goes on
to its end. After each kill the folder may hold files of one run only, whole or marked as unfinished; each run ends
with the bits of one that was never killed. Beside every third run a second one is started, which has to fail at once.
"""

import csv
import gzip
import random
import signal
import struct
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import safetensors.numpy

from onelayer.run_folder import FILES, LOCK, MODEL_FILE, PARTIAL_RESULTS, RESULTS

MAIN = [sys.executable, "-c", "from onelayer.cli import main; main()"]
EPOCHS = 150
KILLS_A_RUN = 3
USERS_OWN = "notes.txt"


def write_images(folder: Path) -> None:
    """Write 300 very noisy 8×8 images of 3 classes to train on, and 60 to test."""
    generator = np.random.default_rng(0)
    folder.mkdir()
    prototypes = generator.integers(0, 200, (3, 8, 8))
    for part, n in (("train", 300), ("t10k", 60)):
        labels = np.arange(n) % 3
        images = np.clip(prototypes[labels] + generator.normal(0, 400, (n, 8, 8)), 0, 255)
        for kind, values in (("images-idx3", images), ("labels-idx1", labels)):
            header = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
            content = gzip.compress(header + values.astype(np.uint8).tobytes())
            (folder / f"{part}-{kind}-ubyte.gz").write_bytes(content)


def results(folder: Path) -> dict[str, Any]:
    """Return what is in the files of a run, by name, but for the seconds that it took."""
    found: dict[str, Any] = {}
    for path in (folder / name for name in FILES if (folder / name).exists()):
        if path.suffix == ".safetensors":
            tensors = safetensors.numpy.load_file(path)
            found[path.name] = {name: tensor.tobytes() for name, tensor in tensors.items()}
        elif path.suffix == ".csv":
            with path.open() as file:
                rows = list(csv.DictReader(file))
            found[path.name] = [{key: row[key] for key in row if key != "seconds"} for row in rows]
        else:
            found[path.name] = path.read_bytes()
    return found


class Stress:
    """A folder in which two runs take turns, and what was seen there."""

    def __init__(self, place: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.place, self.folder = place, place / "run"
        self.seen: Counter[str] = Counter()
        write_images(place / "images")
        self.whole = {}
        for run in (1, 2):
            started = self.start(run, place / f"whole-{run}")
            begin = self.wait_for_lock(started, place / f"whole-{run}")
            assert started.wait() == 0
            self.seconds = time.monotonic() - begin
            self.whole[run] = results(place / f"whole-{run}")
        assert self.whole[1].keys() == self.whole[2].keys()
        assert all(self.whole[1][name] != self.whole[2][name] for name in self.whole[1])

    def start(self, run: int, folder: Path, *more: str) -> "subprocess.Popen[str]":
        """Start a run; the two differ in their seeds."""
        settings = ["--epochs", str(EPOCHS), "--batch-size", "8", "--seed", str(run), "--out", str(folder)]
        command = [*MAIN, "train", str(self.place / "images"), *settings, *more]
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def wait_for_lock(self, process: "subprocess.Popen[str]", folder: Path) -> float:
        """Return the time when a process begins to work in a folder."""
        (folder / LOCK).unlink(missing_ok=True)  # of a killed run
        while not (folder / LOCK).exists() and process.poll() is None:
            time.sleep(0.0005)
        return time.monotonic()

    def kill_one(self, run: int, resume: bool, beside: bool) -> bool:
        """Start a run, kill it at a random moment and check the folder; return whether it had begun."""
        process = self.start(run, self.folder, *["--resume"] * resume)
        self.wait_for_lock(process, self.folder)
        if beside:
            self.start_beside(run, process)
        time.sleep(self.random.uniform(0, self.seconds))
        process.send_signal(signal.SIGKILL)
        if process.wait() == -signal.SIGKILL:
            self.seen["kills"] += 1
            self.seen[self.stage()] += 1
        self.check(run)
        return any(self.folder.glob("*unfinished*")) or results(self.folder) == self.whole[run]

    def start_beside(self, run: int, first: "subprocess.Popen[str]") -> None:
        """Start a second run in the folder while the first one is stopped in its tracks."""
        while not any(self.folder.glob("*unfinished*")) and first.poll() is None:
            time.sleep(0.0005)  # the lock's file is there a moment before it is locked
        first.send_signal(signal.SIGSTOP)
        if (self.folder / LOCK).exists() and first.poll() is None:
            second = self.start(run, self.folder)
            _, err = second.communicate()
            assert second.returncode == 1 and err.startswith("error: ") and "another run is at work" in err, (
                err
            )
            assert err.count("\n") == 1, err
            self.seen["second runs refused"] += 1
        first.send_signal(signal.SIGCONT)

    def stage(self) -> str:
        """Return how far the killed run had come."""
        if (self.folder / RESULTS).exists():
            return "killed in the swap"
        if (self.folder / PARTIAL_RESULTS).exists():
            return "killed while it wrote its results"
        unfinished = list(self.folder.glob("checkpoint.unfinished-*"))
        if not unfinished:
            return "killed before it began, or after it ended"
        if not unfinished[0].stat().st_size:
            return "killed in its first epoch"
        epochs = unfinished[0].read_bytes().count(b"train_loss")
        return "killed while it drew" if epochs == EPOCHS else "killed while it trained"

    def check(self, run: int) -> None:
        """Raise AssertionError if the folder has files of two runs, or a part of one without a mark."""
        found, mine, other = results(self.folder), self.whole[run], self.whole[3 - run]
        assert found.items() <= mine.items() or found.items() <= other.items(), "files of two runs"
        assert found in ({}, mine, other) or (self.folder / RESULTS).exists(), (
            "a part of a run without a mark"
        )
        assert (self.folder / USERS_OWN).read_text() == "mine"
        self.seen["folders of one run"] += 1

    def one_run(self, run: int) -> None:
        """Kill a run some times and let it go on to its end."""
        has_begun = False
        for i in range(KILLS_A_RUN):
            has_begun = self.kill_one(run, has_begun, beside=i == 0)
        process = self.start(run, self.folder, *["--resume"] * has_begun)
        assert process.wait() == 0, process.stderr and process.stderr.read()
        assert results(self.folder) == self.whole[run], "resumed to other bits"
        left = {path.name for path in self.folder.iterdir()}
        assert left == {*self.whole[run], USERS_OWN}, left
        self.seen["resumed to the same bits"] += 1


def main() -> None:
    """Run until so many kills have come, and print what was seen."""
    kills = int(sys.argv[1]) if len(sys.argv) > 1 else 60
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with TemporaryDirectory() as place:
        stress = Stress(Path(place), seed)
        stress.folder.mkdir()
        (stress.folder / USERS_OWN).write_text("mine")
        run = 1
        while stress.seen["kills"] < kills:
            stress.one_run(run)
            run = 3 - run
        assert (stress.folder / MODEL_FILE).exists()
    for what, count in sorted(stress.seen.items(), key=lambda item: -item[1]):
        print(f"{count:4}  {what}")


if __name__ == "__main__":
    main()
