"""The edges of the command line: huge numbers, odd names, terminals, closed pipes, little memory."""

import json
import math
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from conftest import idx_bytes
from onelayer.cli.console import print_json, print_table, say
from onelayer.readable import shown

MAIN = "from onelayer.cli import main; main()"
CONTROLS = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
CLASSES = ("\x1b[31mred", "a\nb", "$x_{", "\x9b31m", "\u202eevil")


def start(*arguments, code=MAIN, **how):
    how = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | how
    return subprocess.Popen([sys.executable, "-c", code, *map(os.fspath, arguments)], **how)


BIG = 2**63


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "houses", "--lr", 1e308], "the learning rate must be from 1e-30 to 1e+30, not 1e+308"),
        (["train", "houses", "--lr", 1e-320], "the learning rate must be from 1e-30"),
        (["train", "houses", "--lr", "inf"], "the learning rate must be a positive number"),
        (["train", "houses", "--model", "mlp", "--hidden", BIG], "hidden must be at most 2,147,483,647"),
        (["train", "houses", "--epochs", BIG], "epochs must be at most 2,147,483,647"),
        (["train", "houses", "--batch-size", 10**30], "batch size must be at most 2,147,483,647"),
        (["train", "houses", "--model", "phm", "--phm-n", BIG], "n of a PHM layer must be 1 to 2"),
        (["train", "houses", "--seed", BIG], "--seed"),
        (["train", "houses", "--epochs", "1" + "0" * 5000], "--epochs"),
        (["tune", "houses", "--lr", "1e-300,1e300"], "the learning rate must be from 1e-30"),
        (["tune", "houses", "--lr", "1e-300:1e300"], "the learning rate must be from 1e-30"),
        (["tune", "houses", "--batch-size", BIG], "batch size must be at most"),
        (["tune", "houses", "--model", "mlp", "--hidden", BIG], "hidden must be at most"),
        (["compare", "houses", "--lr", 1e308], "the learning rate must be from 1e-30"),
        (["compare", "houses", "--hidden", BIG], "hidden must be at most"),
        (["vectorize", "--largest", 10**12], "10000000"),
        (["lab", "--port", 2**16], "65535"),
    ],
)
def test_numbers_beyond_any_use_are_refused_with_their_bound(onelayer, tmp_path, arguments, message):
    assert message in onelayer(*arguments).error
    assert not list(tmp_path.iterdir())


def test_shown_escapes_what_a_terminal_obeys_and_nothing_else():
    assert shown("a\x1b[31m\n\t\x9b\u2028\u202e\x7f\udce9") == r"a\x1b[31m\n\t\x9b\u2028\u202e\x7f\udce9"
    for name in ("面积 m²", "λ\u00a0\u3000é", "👩\u200d🔬", r"back\slash", ""):
        assert shown(name) == name


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float64("nan")])
def test_json_is_valid_whatever_the_numbers_are(capsys, value):
    def refused(name):
        raise AssertionError(f"{name} is not JSON")

    print_json({"a": value, "b": [value, {"c": (1.5, value)}], "d\x9b\udce9\n": "\u2028\x1b"})
    out = capsys.readouterr().out
    found = json.loads(out, parse_constant=refused)
    assert found == {"a": None, "b": [None, {"c": [1.5, None]}], "d\x9b\udce9\n": "\u2028\x1b"}
    assert not CONTROLS.search(out) and out.isascii()


def test_lines_and_tables_are_printed_without_controls(capsys):
    say("x\x1b[2J\ny")
    print_table(["a\x1b[1m", "b"], [["c\rd", "e\nf"]])
    out = capsys.readouterr().out
    assert not CONTROLS.search(out) and r"x\x1b[2J\ny" in out and r"c\rd" in out and r"e\nf" in out


@pytest.fixture
def odd_table(tmp_path):
    """A table whose column names, cells and classes are all that a terminal should not get."""
    rows = [f'{i},"{CLASSES[i % len(CLASSES)]}"' for i in range(60)]
    path = tmp_path / "odd\x1b[0m.csv"
    path.write_text('"x\x1b[2J","y\x07\nz"\n' + "\n".join(rows), newline="")
    return path


def test_odd_names_are_shown_escaped_by_every_command(onelayer, odd_table):
    target = ["--target", "y\x07\nz"]
    found = [
        onelayer("train", odd_table, *target, "--epochs", 2, "--out", "m\x1b[5m"),
        onelayer("train", odd_table, *target, "--epochs", 2, "--out", "m\x1b[5m", "--json"),
        onelayer("evaluate", "m\x1b[5m", odd_table),
        onelayer("evaluate", "m\x1b[5m", odd_table, "--json"),
        onelayer("tune", odd_table, *target, "--epochs", 1, "--lr", "0.1"),
        onelayer("compare", odd_table, *target, "--epochs", 1, "--json"),
    ]
    for result in found:
        assert result.code == 0 and not CONTROLS.search(result.out + result.err)
        assert "font" not in result.err  # pictures have the escapes too, not characters that no font has
    assert r"\x1b[31mred" in found[2].out and r"a\nb" in found[2].out
    assert set(json.loads(found[3].out)["classes"]) == set(CLASSES)
    for arguments in (
        ["train", odd_table, "--target", "\x1b[1m"],
        ["train", odd_table, *target, "--features", "\n\x9b"],
        ["train", "\x1b]0;title\x07"],
        ["tr\x1b[31m"],
        ["train", "houses", "--\x1b[31m"],
        ["train", "houses", "--model", "\x1b[31m\n"],
        ["tune", "houses", "--lr", "\x1b[31m\n"],
        ["predict", "\x1b[31m\n", "houses"],
        ["predict", "m\x1b[5m", odd_table, "-o", "\x1b.txt"],
    ):
        assert not CONTROLS.search(onelayer(*arguments).error)


def test_predictions_are_raw_in_a_pipe_and_escaped_on_a_terminal(onelayer, odd_table, tmp_path):
    assert onelayer("train", odd_table, "--target", "y\x07\nz", "--epochs", 1, "--out", "m").code == 0
    assert "\x1b[31mred" in onelayer("predict", "m", odd_table).out
    near, far = pty.openpty()
    process = start("predict", "m", odd_table, stdout=far, cwd=tmp_path)
    os.close(far)
    parts = []
    while True:
        try:
            parts.append(os.read(near, 4096))
        except OSError:  # what Linux says when the other end is closed
            break
    os.close(near)
    process.communicate()
    assert process.returncode == 0
    out = b"".join(parts).decode().replace("\r\n", "\n")
    assert not CONTROLS.search(out) and r"\x1b[31mred" in out


def test_file_names_that_are_not_utf8(onelayer, idx_folder, tmp_path):
    folder, model = os.fsdecode(b"img\xe9"), os.fsdecode(b"m\xe9")
    idx_folder.rename(tmp_path / folder)
    result = onelayer("train", folder, "--epochs", 1, "--out", model)
    assert result.code == 0 and r"wrote m\udce9/" in result.out
    assert json.loads(onelayer("train", folder, "--epochs", 1, "--json").out)["data"] == r"img\xe9"
    assert (tmp_path / r"runs/img\xe9-softmax/report.html").exists()
    evaluated = json.loads(onelayer("evaluate", model, folder, "--json").out)
    assert (evaluated["model"], evaluated["data"]) == (model, folder)
    assert onelayer("predict", model, folder, "-o", os.fsdecode(b"p\xe9.csv")).code == 0
    assert (tmp_path / os.fsdecode(b"p\xe9.csv")).exists()
    (tmp_path / os.fsdecode(b"t\xe9.csv")).write_text("x,y\n1,2\n3,4\n")
    error = onelayer("train", os.fsdecode(b"t\xe9.csv"), "--target", "y").error
    assert r"t\udce9.csv: the name of the file is not in UTF-8" in error


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["train", "houses", "--epochs", "2"], 1),
        (["train", "houses", "--lr", "50"], 1),
        (["data", "--json"], 1),
        (["--help"], 1),
    ],
)
def test_nobody_reads_what_is_printed(tmp_path, arguments, code):
    reading, writing = os.pipe()
    os.close(reading)
    process = start(*arguments, stdout=writing, cwd=tmp_path)
    os.close(writing)
    _, err = process.communicate()
    assert process.returncode == code
    assert b"Traceback" not in err and b"Broken pipe" not in err and b"Exception ignored" not in err


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-", "> /dev/full", "2> /dev/full"])
def test_closed_streams_and_exit_codes(tmp_path, closed):
    for arguments, code in (("data", int(closed == "> /dev/full")), ("train nowhere", 1)):
        command = f'exec "{sys.executable}" -c "{MAIN}" {arguments} {closed}'
        result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path)
        assert result.returncode == code, (arguments, result.stderr)
        assert "Traceback" not in result.stderr and result.stderr.count("\n") <= 1


def test_ctrl_c(tmp_path):
    """It ends the command without a traceback, and says how to go on where there is a checkpoint."""
    process = start("train", "fashion-mnist", "--epochs", "100000", "--out", "m", cwd=tmp_path)
    process.stdout.readline()
    while not list(tmp_path.glob("m/checkpoint.unfinished-*")):
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    assert err.decode().strip() == "interrupted; the same command with --resume goes on"


LITTLE = """
import resource, sys
import onelayer.cli, onelayer.cli.train, onelayer.experiments, onelayer.sgd_runs, torch
used = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (used + 20_000_000, -1))
onelayer.cli.main()
"""


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="there is no /proc here")
@pytest.mark.parametrize("arguments", [[], ["--solver", "lbfgs"]])
def test_little_memory(tmp_path, arguments):
    process = start("train", "fashion-mnist", *arguments, code=LITTLE, cwd=tmp_path)
    _, err = process.communicate()
    assert process.returncode == 1
    assert err.startswith(b"error: there is not enough memory") and err.count(b"\n") == 1
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (MemoryError(), "not enough memory"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "not enough memory"),
        (RuntimeError("can't start new thread"), "not enough memory"),
        (OSError(12, "Cannot allocate memory"), "not enough memory"),
        (OSError(28, "No space left on device"), "the output: No space left on device"),
    ],
)
def test_what_the_system_refuses_is_one_line(onelayer, monkeypatch, error, message):
    def refused(*_):
        raise error

    monkeypatch.setattr("onelayer.data.open_data", refused)
    assert message in onelayer("data").error


def test_other_errors_of_ours_stay_visible(onelayer, monkeypatch):
    def broken(*_):
        raise RuntimeError("a mistake in the program")

    monkeypatch.setattr("onelayer.data.open_data", broken)
    with pytest.raises(RuntimeError, match="a mistake in the program"):
        onelayer("data")


def test_images_whose_labels_are_odd_are_said_on_standard_error_alone(onelayer, idx_folder):
    for part, n in (("train", 40), ("t10k", 10)):
        (idx_folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx_bytes(1 + np.arange(n) % 5))
    result = onelayer("tune", idx_folder, "--lr", "0.1", "--epochs", 1, "--json")
    assert result.err == "tiny: the classes are the labels 1 to 5\n" and json.loads(result.out)
