"""Runs on a cluster whose workers, scheduler and driver are killed: all end with the bits of one process, or say why.

    python tools/kill_clusters.py [--megabytes 200] [--kills 20]

Everything is on this machine. Prints a line for each run and exits with 1 if one has failed.
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
PORT = 8799
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
    """A scheduler and two workers, each a process of its own, perhaps in a network namespace."""

    def __init__(self, host: str = "127.0.0.1", inside: tuple[str, ...] = ()) -> None:
        self.host, self.inside = host, inside

    def __enter__(self) -> "Processes":
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        python = [*self.inside, sys.executable, "-m"]
        where = ["--host", self.host, "--no-dashboard"]
        start = [*python, "distributed.cli.dask_scheduler", *where, "--port", str(PORT)]
        self.scheduler = subprocess.Popen(start, **quiet)
        work = [*python, "distributed.cli.dask_worker", f"tcp://{self.host}:{PORT}", *where]
        limits = ["--nthreads", "1", "--death-timeout", "20"]
        self.workers = [subprocess.Popen([*work, *limits], **quiet) for _ in range(2)]
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


def begun(folder: Path, host: str) -> "subprocess.Popen[str]":
    """Start to train on a cluster, and return when the first pass is written down."""
    driver = subprocess.Popen(
        command("train", "*.parquet", *RUN, "--cluster", f"tcp://{host}:{PORT}", "--insecure"),
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (folder / "run/passes.unfinished/00001.safetensors").exists() and driver.poll() is None:
        time.sleep(0.05)
    return driver


def run_and_kill(folder: Path, what: str, moment: float) -> tuple[str, float]:
    """Train on a cluster, kill the scheduler or the driver, and return what the command said, and after how long."""
    with Processes() as cluster:
        driver = begun(folder, "127.0.0.1")
        time.sleep(moment)
        (cluster.scheduler if what == "scheduler" else driver).kill()
        started = time.monotonic()
        _, said = driver.communicate(timeout=150)
        return said.strip(), time.monotonic() - started


def run_and_cut(folder: Path) -> tuple[str, float] | None:
    """Train on a cluster behind a pair of virtual links, cut it, and return the same; None if none may be made."""
    here, there, space = "onelayer-a", "onelayer-b", "onelayer-cut"
    inside = ("ip", "netns", "exec", space)
    setup = [
        ("ip", "netns", "add", space),
        ("ip", "link", "add", here, "type", "veth", "peer", "name", there, "netns", space),
        ("ip", "address", "add", "10.231.77.1/30", "dev", here),
        ("ip", "link", "set", here, "up"),
        (*inside, "ip", "address", "add", "10.231.77.2/30", "dev", there),
        (*inside, "ip", "link", "set", there, "up"),
        (*inside, "ip", "link", "set", "lo", "up"),
    ]
    try:
        for line in setup:
            if subprocess.run(line, capture_output=True).returncode:
                return None
        with Processes("10.231.77.2", inside):
            driver = begun(folder, "10.231.77.2")
            subprocess.run([*inside, "ip", "link", "set", there, "down"], check=True)
            started = time.monotonic()
            _, said = driver.communicate(timeout=300)
            return said.strip(), time.monotonic() - started
    finally:
        subprocess.run(["ip", "link", "delete", here], capture_output=True)
        subprocess.run(["ip", "netns", "delete", space], capture_output=True)


def others_killed(folder: Path, expected: str) -> int:
    """Kill the scheduler, the driver, the network, and go on with --resume; return how often it went wrong."""
    wrong = 0
    for what in ("scheduler", "driver", "scheduler", "network"):
        found = run_and_cut(folder) if what == "network" else run_and_kill(folder, what, random.uniform(0, 2))
        if found is None:
            print("network: skipped, for no link may be made")
            continue
        said, seconds = found
        print(f"{what} gone: after {seconds:.1f} s {said!r}", flush=True)
        with Processes():
            subprocess.run(
                command("train", "*.parquet", *RUN, "--cluster", f"tcp://127.0.0.1:{PORT}", "--resume"),
                cwd=folder,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        model = digest(np.frombuffer((folder / "run/model.safetensors").read_bytes(), np.uint8))
        print(f"  resumed: {model}, {'as' if model == expected else 'NOT as'} expected", flush=True)
        wrong += model != expected
        wrong += what != "driver" and not said.startswith("error: the cluster at")
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
