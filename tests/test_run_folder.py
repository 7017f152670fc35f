"""A run's folder: one run at a time, and never files of two runs as if they were one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from onelayer import OneLayerError
from onelayer.run_folder import (
    FILES,
    LOCK,
    MODEL_FILE,
    REPORT_FILE,
    RESULTS,
    model_in,
    replace_run,
    run_folder,
)

EARLIER = dict.fromkeys((MODEL_FILE, "history.csv", "checkpoint.safetensors"), b"old")
LATER = dict.fromkeys((MODEL_FILE, "history.csv", REPORT_FILE), b"new")
USERS_OWN = {"notes.txt": b"mine", "curve.svg": b"mine"}


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def test_a_run_replaces_an_earlier_one_and_nothing_else(tmp_path):
    for name, content in (EARLIER | USERS_OWN).items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / MODEL_FILE).chmod(0o640)
    with run_folder(tmp_path):
        replace_run(tmp_path, LATER)
    assert contents(tmp_path) == LATER | USERS_OWN
    assert (tmp_path / MODEL_FILE).stat().st_mode & 0o777 == 0o640
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


# Forks a process for each step at which the file system changes, and kills it just before that step.
KILLER = """
import json, os, shutil, signal, sys
from pathlib import Path
from onelayer.run_folder import replace_run, run_folder

place, earlier, later, own = Path(sys.argv[1]), *(json.loads(text) for text in sys.argv[2:])
STEPS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir", "open"}

def killed_at(step, folder):
    steps = 0
    def count(event, arguments):
        nonlocal steps
        if event in STEPS:
            steps += 1
            if steps == step:
                os.kill(os.getpid(), signal.SIGKILL)
    if not os.fork():
        sys.addaudithook(count)
        with run_folder(folder):
            replace_run(folder, {name: content.encode() for name, content in later.items()})
        os._exit(0)
    return os.wait()[1] != 0

step = 1
while True:
    folder = place / f"{step:03}"
    folder.mkdir()
    for name, content in (earlier | own).items():
        (folder / name).write_text(content)
    if not killed_at(step, folder):
        break
    step += 1
"""


def texts(files):
    return json.dumps({name: content.decode() for name, content in files.items()})


@pytest.mark.parametrize("earlier", [EARLIER, {}])
def test_killed_at_any_step_a_folder_has_one_run_or_says_that_it_is_unfinished(tmp_path, earlier):
    command = [sys.executable, "-c", KILLER, tmp_path, *map(texts, (earlier, LATER, USERS_OWN))]
    subprocess.run(command, check=True)
    folders = sorted(tmp_path.iterdir())
    assert len(folders) > 20
    replaced = []
    for folder in folders:
        found = {name: content for name, content in contents(folder).items() if name in FILES}
        assert set(found.values()) in ({b"old"}, {b"new"}, set())
        assert found in (earlier, LATER) or (folder / RESULTS).is_dir()
        if earlier:
            assert model_in(folder).exists()
        with run_folder(folder):  # whoever comes next completes it
            pass
        left = contents(folder)
        assert left in (earlier | USERS_OWN, LATER | USERS_OWN)
        assert {path.name for path in folder.iterdir()} == left.keys()
        replaced.append(LATER.items() <= left.items())
    assert replaced == sorted(replaced) and not replaced[0] and replaced[-1]


def test_results_that_cannot_be_written_leave_the_earlier_run(tmp_path):
    for name, content in EARLIER.items():
        (tmp_path / name).write_bytes(content)
    limited = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000));"
        "from pathlib import Path; from onelayer.run_folder import *\n"
        "with run_folder(Path(sys.argv[1])):\n"
        "    replace_run(Path(sys.argv[1]), {MODEL_FILE: b'', REPORT_FILE: bytes(2000)})"
    )
    result = subprocess.run([sys.executable, "-c", limited, tmp_path], capture_output=True, text=True)
    assert "report.html: cannot be written (File too large)" in result.stderr
    assert contents(tmp_path) == EARLIER and len(list(tmp_path.iterdir())) == len(EARLIER)


def test_a_second_run_is_refused_until_the_first_has_ended(tmp_path):
    with run_folder(tmp_path):
        with pytest.raises(OneLayerError, match="another run is at work"), run_folder(tmp_path):
            pass
        with pytest.raises(OneLayerError, match="another run is at work"), run_folder(tmp_path):
            pass
    with run_folder(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


def test_a_killed_run_holds_no_lock(tmp_path):
    kill = "import os, signal, sys; from pathlib import Path; from onelayer.run_folder import *\n"
    kill += "with run_folder(Path(sys.argv[1])): os.kill(os.getpid(), signal.SIGKILL)"
    subprocess.run([sys.executable, "-c", kill, tmp_path])
    assert (tmp_path / LOCK).exists()
    with run_folder(tmp_path):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "put",
    [
        lambda path: path.mkdir(),
        os.mkfifo,
        lambda path: path.symlink_to("/dev/null"),
        lambda path: path.symlink_to("x"),
    ],
)
def test_what_a_run_should_not_replace_is_named_before_any_work(tmp_path, put):
    put(tmp_path / REPORT_FILE)
    before = os.lstat(tmp_path / REPORT_FILE)
    with pytest.raises(OneLayerError, match=r"report\.html: is not a regular file"), run_folder(tmp_path):
        raise AssertionError
    assert os.lstat(tmp_path / REPORT_FILE) == before and len(list(tmp_path.iterdir())) == 1


def test_a_folder_goes_again_if_nothing_was_put_in(tmp_path):
    with pytest.raises(RuntimeError), run_folder(tmp_path / "a/b/c"):
        raise RuntimeError
    assert not (tmp_path / "a").exists()
    with run_folder(tmp_path / "a/b"):
        pass
    with pytest.raises(RuntimeError), run_folder(tmp_path / "a/b/c"):
        raise RuntimeError
    assert list((tmp_path / "a").iterdir()) == [tmp_path / "a/b"]
    (tmp_path / "file").write_text("")
    with pytest.raises(OneLayerError, match="cannot be made"), run_folder(tmp_path / "file/x"):
        pass


def test_the_model_of_a_run_that_has_not_finished(tmp_path):
    assert model_in(tmp_path) == tmp_path / MODEL_FILE
    (tmp_path / "checkpoint.unfinished-0123abcd.safetensors").write_bytes(b"")
    with pytest.raises(OneLayerError, match=r"has not finished; .* goes on with --resume"):
        model_in(tmp_path)
    (tmp_path / MODEL_FILE).write_bytes(b"")  # an earlier run's
    assert model_in(Path(tmp_path)) == tmp_path / MODEL_FILE
