"""A run on files that is stopped at any moment goes on with --resume, and ends with the same bits."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from onelayer.engines.threads import Threads

pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # sockets of distributed
RUN = ["train", "lake", "--target", "k", "--exclude", "y", "--out", "run"]


@pytest.fixture(autouse=True)
def lake(tmp_path, monkeypatch):
    """A folder of files, in the current folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("onelayer.data.units.LEAST_UNIT", 3_000)
    (tmp_path / "lake").mkdir()
    generator = np.random.default_rng(5)
    for i in range(3):
        frame = pd.DataFrame(generator.normal(size=(4_000, 3)), columns=["a", "b", "c"])
        frame["y"] = frame["a"] + generator.normal(size=4_000)
        scores = frame[["a", "b", "c"]].to_numpy() + generator.gumbel(size=(4_000, 3))
        frame["k"] = np.array(["x", "y", "z"])[scores.argmax(axis=1)]
        pq.write_table(pa.Table.from_pandas(frame), tmp_path / f"lake/{i}.parquet", row_group_size=500)


def digest(path):
    return hashlib.sha256((path / "model.safetensors").read_bytes()).hexdigest()


class Stopped(BaseException):
    """What a process that is killed does not handle."""


def stopped_after(passes, monkeypatch):
    """Let the engine stop everything after some passes."""
    walk, done = Threads.sum, []

    def sum_or_stop(*args):
        if len(done) == passes:
            raise Stopped
        done.append(1)
        return walk(*args)

    monkeypatch.setattr(Threads, "sum", sum_or_stop)
    return done


@pytest.mark.parametrize("passes", [0, 1, 3, 7])
def test_it_ends_with_the_same_bits(onelayer, tmp_path, monkeypatch, passes):
    assert onelayer(*RUN, "--memory", "1GB").code == 0
    expected = digest(tmp_path / "run")
    assert not list((tmp_path / "run").glob("*unfinished*"))
    with monkeypatch.context() as context:
        stopped_after(passes, context)
        with pytest.raises(Stopped):
            onelayer(*RUN, "--memory", "1GB")
    assert (tmp_path / "run/passes.unfinished").is_dir() == (passes > 0)
    assert digest(tmp_path / "run") == expected
    with monkeypatch.context() as context:
        done = stopped_after(1_000, context)
        result = onelayer(*RUN, "--memory", "2GB", "--resume")
        assert result.code == 0, result.err
        n_all = len(done) + passes
        assert ("resumed" in result.err) == (passes > 0)
    assert digest(tmp_path / "run") == expected and n_all > 7
    assert not list((tmp_path / "run").glob("*unfinished*"))


def test_a_cluster_goes_on_where_one_process_stopped(onelayer, tmp_path, monkeypatch):
    assert onelayer(*RUN, "--memory", "1GB").code == 0
    expected = digest(tmp_path / "run")
    with monkeypatch.context() as context:
        stopped_after(4, context)
        with pytest.raises(Stopped):
            onelayer(*RUN, "--memory", "1GB")
    result = onelayer(*RUN, "--cluster", "local:2", "--resume")
    assert result.code == 0 and "the sums of 4 passes were there" in result.err
    assert digest(tmp_path / "run") == expected


def test_other_files_settings_or_damage_are_not_gone_on_with(onelayer, tmp_path, monkeypatch):
    with monkeypatch.context() as context:
        stopped_after(3, context)
        with pytest.raises(Stopped):
            onelayer(*RUN, "--memory", "1GB")
    how = ("--memory", "1GB", "--resume")
    assert "belongs to a run on other files or with other settings" in onelayer(*RUN, *how, "--C", "2").error
    assert (
        "belongs to a run on other files"
        in onelayer(*[x.replace("lake", "lake/*.parquet") for x in RUN], "--exclude", "a", *how).error
    )
    path = tmp_path / "run/passes.unfinished/00002.safetensors"
    content = path.read_bytes()
    for place in (len(content) - 3, 12, len(content) // 2):
        path.write_bytes(content[:place] + bytes([content[place] ^ 4]) + content[place + 1 :])
        assert "is damaged; leave out --resume" in onelayer(*RUN, *how).error
    path.write_bytes(content[:-5])
    assert "is damaged; leave out --resume" in onelayer(*RUN, *how).error
    assert "its run has not finished" in onelayer("evaluate", "run", "lake/0.parquet").error
    assert onelayer(*RUN, "--memory", "1GB").code == 0


def test_a_driver_that_is_killed_goes_on(tmp_path):
    command = [sys.executable, "-c", "from onelayer.cli import main; main()", *RUN, "--memory", "1GB"]
    subprocess.run(command, check=True, capture_output=True)
    expected = digest(tmp_path / "run")
    generator = np.random.default_rng(3)
    for _ in range(3):
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        journal = tmp_path / "run/passes.unfinished"
        while not (journal / "00001.safetensors").exists() and process.poll() is None:
            time.sleep(0.005)
        time.sleep(generator.uniform(0, 0.2))
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        done = subprocess.run([*command, "--resume", "--json"], check=True, capture_output=True, text=True)
        assert json.loads(done.stdout)["model"] == "softmax"
        assert digest(tmp_path / "run") == expected
