"""Runs on a cluster whose workers, scheduler and driver are killed: all end with the bits of one process, or say why.

    python tools/kill_clusters.py [--megabytes 200] [--kills 20]

Everything is on 127.0.0.1. Prints a line for each run and exits with 1 if one has failed.
"""

import argparse
import hashlib
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from distributed import Client

from onelayer import SoftmaxRegression, scan
from onelayer.engines.dask import local_cluster

FEATURES, CLASSES, FILES = 40, 5, 8
NAMES = [f"x{j}" for j in range(FEATURES)]
RUN = ["--target", "label", "--exclude", "y", "--out", "run"]


def write(folder: Path, megabytes: int) -> None:
    """Write files of so many megabytes as float64."""
    rows = megabytes * 10**6 // (8 * FEATURES * FILES)
    for i in range(FILES):
        generator = np.random.default_rng(i)
        Z = generator.normal(size=(rows, FEATURES))
        scores = Z[:, :CLASSES] + generator.gumbel(size=(rows, CLASSES))
        columns = dict(zip(NAMES, Z.T, strict=True))
        columns["label"] = np.array([f"class {k}" for k in range(CLASSES)])[scores.argmax(axis=1)]
        columns["y"] = Z @ np.linspace(-1, 1, FEATURES) + generator.normal(size=rows)
        pq.write_table(pa.table(columns), folder / f"{i}.parquet", row_group_size=20_000)


def digest(*arrays: np.ndarray) -> str:
    """Return a short digest of arrays."""
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()[
        :12
    ]


def fitted(rows: object) -> tuple[str, float, float]:
    """Return the digest of softmax regression on rows, its gap, and seconds."""
    started = time.monotonic()
    model = SoftmaxRegression().fit(rows)
    return digest(model.coef_, model.intercept_), model.gap_ / model.objective_, time.monotonic() - started


def workers_killed(rows: object, expected: str, seconds: float, kills: int) -> int:
    """Fit again and again while a random worker is killed at a random moment; return how often it went wrong."""
    wrong = 0
    for kill in range(kills):
        with local_cluster(2) as cluster, Client(cluster) as client:
            there = rows.on(client)
            there.engine.is_held = bool(kill % 2)
            victim = random.choice(sorted(client.run(os.getpid).values()))
            moment = random.uniform(0, seconds)
            killer = subprocess.Popen(["sh", "-c", f"sleep {moment:.2f}; kill -9 {victim}"])
            try:
                found, gap, took = fitted(there)
                is_right = found == expected
                wrong += not is_right
                said = f"{found}, gap {gap:.0e}, {took:.1f} s"
            except Exception as error:
                wrong += 1
                said = f"{type(error).__name__}: {error}"
            killer.wait()
        print(
            f"worker killed after {moment:.1f} s, {'held' if kill % 2 else 'read again'}: {said}", flush=True
        )
    return wrong


def command(*arguments: str) -> list[str]:
    """Return a command of onelayer."""
    return [sys.executable, "-c", "from onelayer.cli import main; main()", *arguments]


class Processes:
    """A scheduler and two workers, each a process of its own."""

    def __enter__(self) -> "Processes":
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        start = [
            sys.executable,
            "-m",
            "distributed.cli.dask_scheduler",
            "--host",
            "127.0.0.1",
            "--port",
            "8799",
        ]
        self.scheduler = subprocess.Popen([*start, "--no-dashboard"], **quiet)
        work = [
            sys.executable,
            "-m",
            "distributed.cli.dask_worker",
            "tcp://127.0.0.1:8799",
            "--nthreads",
            "1",
        ]
        where = ["--host", "127.0.0.1", "--no-dashboard", "--death-timeout", "20"]
        self.workers = [subprocess.Popen([*work, *where], **quiet) for _ in range(2)]
        return self

    def __exit__(self, *_: object) -> None:
        for process in (*self.workers, self.scheduler):
            if process.poll() is None:
                process.terminate()
        for process in (*self.workers, self.scheduler):
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()


def run_and_kill(folder: Path, what: str, moment: float) -> tuple[str, float]:
    """Train on a cluster, kill the scheduler or the driver, and return what the command said, and after how long."""
    with Processes() as cluster:
        driver = subprocess.Popen(
            command("train", "*.parquet", *RUN, "--cluster", "tcp://127.0.0.1:8799"),
            cwd=folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        while not (folder / "run/passes.unfinished/00001.safetensors").exists() and driver.poll() is None:
            time.sleep(0.05)
        time.sleep(moment)
        (cluster.scheduler if what == "scheduler" else driver).kill()
        started = time.monotonic()
        _, said = driver.communicate(timeout=150)
        return said.strip(), time.monotonic() - started


def others_killed(folder: Path, expected: str) -> int:
    """Kill the scheduler, and the driver, and go on with --resume; return how often it went wrong."""
    wrong = 0
    for what in ("scheduler", "driver", "scheduler"):
        said, seconds = run_and_kill(folder, what, random.uniform(0, 2))
        print(f"{what} killed: after {seconds:.1f} s {said!r}", flush=True)
        with Processes():
            subprocess.run(
                command("train", "*.parquet", *RUN, "--cluster", "tcp://127.0.0.1:8799", "--resume"),
                cwd=folder,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        found = digest(np.frombuffer((folder / "run/model.safetensors").read_bytes(), np.uint8))
        print(f"  resumed: {found}, {'as' if found == expected else 'NOT as'} expected", flush=True)
        wrong += found != expected
        wrong += what == "scheduler" and not said.startswith("error: the cluster at")
    return wrong


def main() -> None:
    """Write the files, and kill."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--kills", type=int, default=20)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write(folder, given.megabytes)
        rows = scan(f"{folder}/*.parquet", "label", NAMES)
        expected, gap, seconds = fitted(rows)
        print(
            f"{len(rows):,} rows in {len(rows.units)} units; one process: {expected}, gap {gap:.0e}, {seconds:.1f} s"
        )
        wrong = 0
        for n in (1, 2, 4):
            with local_cluster(n) as cluster, Client(cluster) as client:
                found, gap, seconds = fitted(rows.on(client))
            wrong += found != expected
            print(f"{n} workers: {found}, gap {gap:.0e}, {seconds:.1f} s", flush=True)
        wrong += workers_killed(rows, expected, seconds, given.kills)
        subprocess.run(
            command("train", "*.parquet", *RUN, "--memory", "2GB"),
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        model = digest(np.frombuffer((folder / "run/model.safetensors").read_bytes(), np.uint8))
        wrong += others_killed(folder, model)
    print("all as expected" if not wrong else f"{wrong} NOT as expected")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
