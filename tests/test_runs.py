"""Runs that are killed, interrupted, resumed, started over or diverge: what they leave in their folder."""

import csv
import json
import os
import re
import signal
import subprocess
import sys
from io import StringIO

import numpy as np
import pytest
import safetensors.torch

from onelayer import Model, OneLayerError, Settings, houses, train
from onelayer.run_folder import CHECKPOINT_FILE, FILES, RESULTS, run_folder, unfinished_checkpoints

LATE = [
    "--lr",
    1.7,
    "--batch-size",
    3000,
    "--epochs",
    500,
]  # just beyond the limit 1.61: the loss grows slowly


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def results(folder):
    """Return what is in the files of a run, but for the seconds that it took and the command that began it."""
    found = {name: content for name, content in files(folder).items() if name in FILES}
    for name, content in found.items():
        if name.endswith(".safetensors"):
            tensors = safetensors.torch.load(content)
            found[name] = {key: tensor.numpy().tobytes() for key, tensor in tensors.items()}
        elif name.endswith(".csv"):
            rows = csv.DictReader(StringIO(content.decode()))
            found[name] = [{key: row[key] for key in row if key != "seconds"} for row in rows]
        elif name.endswith(".html"):
            found[name] = re.sub(rb"<code>onelayer train .*?</code>", b"", content)
    return found


def copy_of(folder, to):
    to.mkdir()
    for name, content in files(folder).items():
        (to / name).write_bytes(content)
    return to


# Killing

# Runs each of several command lines in a process of its own, forked so that torch is loaded once, and sends it a
# signal just before the n-th of the events that count: changes of the file system at paths that hold some text.
RUNNER = """
import json, os, signal, sys
import onelayer.cli, onelayer.reports
from onelayer import experiments

def run(arguments, events, text, last, number, report):
    n = 0
    def count(event, values):
        nonlocal n
        if event in events and text in f"{values[0]} {values[1]}":
            n += 1
            if n == last:
                os.kill(os.getpid(), number)
    sys.addaudithook(count)
    sys.argv = ["onelayer", *arguments]
    sys.stdout, sys.stderr = open(os.devnull, "w"), os.fdopen(report, "w")
    try:
        onelayer.cli.main()
    except SystemExit as exit:
        print(n, file=sys.stderr, flush=True)
        os._exit(exit.code or 0)

for line in sys.stdin:
    reader, writer = os.pipe()
    if not os.fork():
        run(*json.loads(line), writer)
    os.close(writer)
    with os.fdopen(reader) as report:
        err = report.read()
    print(json.dumps([os.waitstatus_to_exitcode(os.wait()[1]), err]), flush=True)
"""
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir", "open")


@pytest.fixture(scope="module")
def runner():
    """A function from arguments and when to send which signal to the exit code and standard error.

    The last line of standard error is the number of events, if the process came to its end.
    """
    environment = os.environ | {"OMP_NUM_THREADS": "1"}  # threads do not survive a fork
    command = [sys.executable, "-c", RUNNER]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:

        def run(arguments, events=CHANGES, text="", last=0, by=signal.SIGKILL):
            request = [list(map(str, arguments)), events, text, last, by]
            print(json.dumps(request), file=process.stdin, flush=True)
            return json.loads(process.stdout.readline())

        yield run
        process.stdin.close()


@pytest.fixture
def interrupted(runner, tmp_path):
    """A function that trains on houses, to tmp_path/run, and sends a signal before epoch n + 1 is saved."""

    def run(*arguments, after, by=signal.SIGKILL):
        command = ["train", "houses", "--solver", "sgd", "--out", tmp_path / "run", *arguments]
        # One renaming more, for the file that says that the run has begun.
        return runner(command, ("os.rename",), "checkpoint", after + 2, by)

    return run


def test_killed_at_any_step_it_resumes_to_the_same_bits(runner, tmp_path):
    """Steps from the lock to the last file that moves, over the files of an earlier run."""
    later_run = ["train", "houses", "--epochs", 4, "--seed", 2]
    runner(["train", "houses", "--epochs", 2, "--seed", 1, "--out", tmp_path / "earlier"])
    folder = copy_of(tmp_path / "earlier", tmp_path / "later")
    code, err = runner([*later_run, "--out", folder], text=str(folder))
    assert code == 0
    n_steps = int(err)
    earlier, later = results(tmp_path / "earlier"), results(tmp_path / "later")
    assert earlier.keys() == later.keys() and all(earlier[name] != later[name] for name in later)
    for step in range(2, n_steps + 1, n_steps // 4):
        folder = copy_of(tmp_path / "earlier", tmp_path / f"{step}")
        (folder / "notes.txt").write_text("mine")
        assert runner([*later_run, "--out", folder], text=str(folder), last=step) == [-signal.SIGKILL, ""]
        found = results(folder)
        assert found in (earlier, later) or (folder / RESULTS).exists()
        assert any(found.items() <= of_one_run.items() for of_one_run in (earlier, later))
        has_begun = found == later or any(folder.glob("*unfinished*"))
        assert runner([*later_run, "--out", folder, *["--resume"] * has_begun])[0] == 0
        assert results(folder) == later
        assert {path.name for path in folder.iterdir()} == {*later, "notes.txt"}


def test_a_run_that_was_killed_says_so_and_goes_on(onelayer, interrupted, tmp_path):
    how = ["train", "houses", "--epochs", 5, "--out", "run"]
    interrupted("--epochs", 5, after=2)
    for command in ("evaluate", "predict"):
        assert (
            "has not finished; the command that began it goes on with --resume"
            in onelayer(command, "run", "houses").error
        )
    resumed = onelayer(*how, "--resume")
    assert (
        resumed.code == 0
        and resumed.err.startswith("warning: the loss was still falling")
        and "\n    3  " in resumed.out
        and "\n    2  " not in resumed.out
    )
    assert onelayer(*how[:-1], "whole").code == 0
    assert results(tmp_path / "run") == results(tmp_path / "whole")


@pytest.mark.parametrize("after", [0, 2])
def test_control_c_ends_with_what_to_do(onelayer, interrupted, tmp_path, after):
    code, err = interrupted("--epochs", 5, after=after, by=signal.SIGINT)
    assert code == 130 and err.startswith("\ninterrupted; the same command with --resume goes on\n")
    left = unfinished_checkpoints(tmp_path / "run" / CHECKPOINT_FILE)
    assert len(left) == 1 and list((tmp_path / "run").iterdir()) == left
    assert onelayer("train", "houses", "--epochs", 5, "--out", "run", "--resume").code == 0


def test_a_second_run_in_the_same_folder_fails_at_once(onelayer, tmp_path):
    (tmp_path / "run").mkdir()
    with run_folder(tmp_path / "run"):
        for more in ([], ["--resume"], ["--solver", "auto"]):
            assert "run: another run is at work" in onelayer("train", "houses", "--out", "run", *more).error
    assert onelayer("train", "houses", "--out", "run").code == 0


# Starting over, and diverging


def test_a_run_that_diverges_leaves_what_an_earlier_one_left(onelayer, tmp_path):
    assert onelayer("train", "houses", "--epochs", 3).code == 0
    folder = tmp_path / "runs/houses-linear"
    before = files(folder)
    assert "diverged in epoch 1 " in onelayer("train", "houses", "--lr", 5).error
    assert "diverged in epoch 1 " not in onelayer("train", "houses", *LATE).error
    assert files(folder) == before
    assert onelayer("train", "houses", "--epochs", 6, "--resume").code == 0
    assert onelayer("train", "houses", "--epochs", 6, "--out", "whole").code == 0
    assert results(folder) == results(tmp_path / "whole")


def test_a_run_that_diverges_leaves_the_checkpoint_of_one_that_was_killed(onelayer, interrupted, tmp_path):
    how = ["train", "houses", "--epochs", 5, "--out", "run"]
    interrupted("--epochs", 5, after=2)
    before = files(tmp_path / "run")
    assert "diverged" in onelayer("train", "houses", *LATE, "--out", "run").error
    assert files(tmp_path / "run").items() <= before.items()  # the dead run's lock is gone
    assert onelayer(*how, "--resume").code == onelayer(*how[:-1], "whole").code == 0
    assert results(tmp_path / "run") == results(tmp_path / "whole")


def test_a_run_that_diverges_late_leaves_nothing(onelayer, interrupted, tmp_path):
    assert "diverged in epoch 1 " not in onelayer("train", "houses", *LATE).error
    assert not list(tmp_path.iterdir())
    interrupted(*LATE, after=0)
    assert "diverged" in onelayer("train", "houses", *LATE, "--out", "run").error
    assert not list((tmp_path / "run").iterdir())


def test_starting_over_keeps_the_checkpoint_that_is_further(onelayer, interrupted, tmp_path):
    """Killed after 4 epochs and started over, it saves nothing before the fifth."""
    how = ["train", "houses", "--epochs", 6, "--out", "run"]
    interrupted("--epochs", 6, after=4)
    (left,) = unfinished_checkpoints(tmp_path / "run" / CHECKPOINT_FILE)
    content = left.read_bytes()
    assert interrupted("--epochs", 6, after=-1)[0] == -signal.SIGKILL  # before it saves anything
    assert left.read_bytes() == content
    resumed = onelayer(*how, "--resume")
    assert "\n    5  " in resumed.out and "\n    4  " not in resumed.out
    left.write_bytes(content[:-1])  # a damaged one is replaced
    assert "damaged" in onelayer(*how, "--resume").error
    assert onelayer(*how).code == 0 and not left.exists()


def test_a_run_that_ends_replaces_all_that_earlier_ones_left(onelayer, interrupted, tmp_path):
    interrupted(after=2)
    assert onelayer("train", "houses", "--lr", 0.2, "--out", "run").code == 0
    assert {path.name for path in (tmp_path / "run").iterdir()} == results(tmp_path / "run").keys()
    assert onelayer("train", "houses", "--solver", "auto", "--out", "run").code == 0
    assert {"history.csv", CHECKPOINT_FILE}.isdisjoint(files(tmp_path / "run"))


def test_rows_that_diverge_keep_the_checkpoint_of_an_earlier_call(tmp_path):
    """In Python, where the checkpoint is a file anywhere."""
    path = tmp_path / "state"
    train(houses(), Settings(epochs=2), checkpoint=path)
    before = files(tmp_path)
    assert before.keys() == {"state"}
    with pytest.raises(OneLayerError, match="diverged"):
        train(houses(), Settings(lr=1.7, batch_size=3000, epochs=500), checkpoint=path)
    assert files(tmp_path) == before
    on_from_there = train(houses(), Settings(epochs=4), checkpoint=path, resume=True)
    assert np.array_equal(on_from_there.model.weight, train(houses(), Settings(epochs=4)).model.weight)


# Resuming


def test_nothing_to_resume_is_said(onelayer, tmp_path):
    how = ["train", "houses", "--solver", "sgd", "--out"]
    result = onelayer(*how, "a", "--resume", "--json")
    assert result.code == 0 and json.loads(result.out)["epochs"] == 10
    assert result.err == "there is nothing to resume in a: training from the first epoch\n"
    assert onelayer(*how, "a", "--resume").err == ""
    assert onelayer(*how, "b").err == ""
    assert results(tmp_path / "a") == results(tmp_path / "b")


def test_resume_goes_on_to_more_epochs_and_refuses_other_settings(onelayer, interrupted, tmp_path):
    assert onelayer("train", "houses", "--epochs", 3, "--out", "a").code == 0
    assert onelayer("train", "houses", "--epochs", 6, "--out", "a", "--resume").code == 0
    assert onelayer("train", "houses", "--epochs", 6, "--out", "b").code == 0
    one, other = (Model.load(tmp_path / name) for name in "ab")
    assert np.array_equal(one.weight, other.weight)
    assert "lr 0.1, not 0.2" in onelayer("train", "houses", "--out", "a", "--resume", "--lr", 0.2).error
    assert "6 epochs already" in onelayer("train", "houses", "--out", "a", "--resume", "--epochs", 5).error
    other = onelayer("train", "houses", "--solver", "sgd", "--features", "age", "--out", "a", "--resume")
    assert "other data" in other.error
    interrupted(after=2)
    assert "lr 0.1, not 0.2" in onelayer("train", "houses", "--out", "run", "--resume", "--lr", 0.2).error
