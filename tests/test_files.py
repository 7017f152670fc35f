"""Files appear whole or not at all, and as what they were: mode, owner, links, pipes."""

import os
import pty
import resource
import signal
import stat
import subprocess
import sys
import tempfile
import tty
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import pytest

from onelayer import LinearRegression, OneLayerError
from onelayer.files import remove_leftovers, whole_file, write_whole


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_files_appear_together_or_not_at_all(tmp_path):
    (tmp_path / "b").mkdir()  # a folder cannot be replaced by a file
    (tmp_path / "a").write_bytes(b"old")
    with pytest.raises(OneLayerError, match="b: cannot be written"):
        write_whole({tmp_path / "a": b"new", tmp_path / "b": b"new"})
    assert (tmp_path / "a").read_bytes() == b"old"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_many_writers_of_one_file_leave_one_whole_file(tmp_path):
    contents = [bytes([i]) * 100_000 for i in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda content: write_whole({tmp_path / "file": content}), contents * 5))
    assert (tmp_path / "file").read_bytes() in contents
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_no_room_leaves_nothing(tmp_path):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(OneLayerError, match="big: cannot be written"):
            write_whole({tmp_path / "small": b"x", tmp_path / "big": bytes(2000)})
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert not list(tmp_path.iterdir())


def test_mode_and_owner_stay_and_a_new_file_has_those_of_any_other(tmp_path):
    replaced, new, other = (tmp_path / name for name in ("replaced", "new", "other"))
    replaced.write_bytes(b"old")
    replaced.chmod(0o640)
    if os.getuid() == 0:
        os.chown(replaced, 12345, 23456)
    owner = replaced.stat().st_uid, replaced.stat().st_gid
    umask = os.umask(0o027)
    try:
        write_whole({replaced: b"new", new: b"new"})
        other.write_bytes(b"")
    finally:
        os.umask(umask)
    assert mode(replaced) == 0o640 and (replaced.stat().st_uid, replaced.stat().st_gid) == owner
    assert mode(new) == mode(other) == 0o640
    replaced.chmod(0o666)  # more than the umask lets a new file have
    write_whole({replaced: b"newer"})
    assert mode(replaced) == 0o666 and replaced.read_bytes() == b"newer"


def test_a_file_that_is_written_part_by_part_appears_at_the_end(tmp_path):
    path, link = tmp_path / "file", tmp_path / "link"
    link.symlink_to("file")
    path.write_bytes(b"old")
    path.chmod(0o640)
    with whole_file(link) as file:
        for part in (b"ne", b"w"):
            file.write(part)
            assert path.read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 3
    assert path.read_bytes() == b"new" and mode(path) == 0o640 and link.is_symlink()
    assert {found.name for found in tmp_path.iterdir()} == {"file", "link"}


@pytest.mark.parametrize("error", [OneLayerError, KeyboardInterrupt, OSError])
def test_a_file_that_is_given_up_leaves_what_was_there(tmp_path, error):
    for content in (None, b"old"):
        if content:
            (tmp_path / "file").write_bytes(content)
        with (
            pytest.raises(OneLayerError if error is OSError else error),
            whole_file(tmp_path / "file") as file,
        ):
            file.write(b"half")
            raise error(5, "lost")
        assert [path.read_bytes() for path in tmp_path.iterdir()] == ([content] if content else [])


@pytest.mark.parametrize("is_complete", [True, False])
def test_a_pipe_gets_all_that_was_written_part_by_part_or_nothing(tmp_path, is_complete):
    os.mkfifo(tmp_path / "pipe")
    reader = os.open(tmp_path / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    with suppress(OneLayerError), whole_file(tmp_path / "pipe") as file:
        file.write(b"content")
        assert not os.read(reader, 100)  # nobody has opened it yet
        if not is_complete:
            raise OneLayerError("lost")
    assert os.read(reader, 100) == (b"content" if is_complete else b"")
    os.close(reader)
    assert [path.is_fifo() for path in tmp_path.iterdir()] == [True]


UNPRIVILEGED = """
import os, sys
from pathlib import Path
from onelayer.files import write_whole
if os.getuid() == 0:
    os.setgid(65534), os.setuid(65534)
try:
    write_whole({Path(sys.argv[1]): b"new"})
except ValueError as error:
    print(error, end="")
"""


@pytest.mark.parametrize(("of_folder", "of_file"), [(0o755, 0o444), (0o555, 0o666)])
def test_what_may_not_be_written_stays(of_folder, of_file):
    with (
        tempfile.TemporaryDirectory() as temporary
    ):  # unlike tmp_path not below a folder that is root's alone
        folder = Path(temporary)
        file = folder / "file"
        file.write_bytes(b"old")
        file.chmod(of_file)
        folder.chmod(of_folder)
        result = subprocess.run(
            [sys.executable, "-c", UNPRIVILEGED, file], capture_output=True, text=True, check=True
        )
        folder.chmod(0o755)
        assert result.stdout == f"{file}: cannot be written (Permission denied)"
        assert file.read_bytes() == b"old" and list(folder.iterdir()) == [file]


def received(pipe):
    """Return a future of what a reader of a pipe gets."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(pipe.read_bytes)
    pool.shutdown(wait=False)
    return future


@pytest.mark.parametrize("name", ["pipe", "link", "link-to-link"])
def test_a_pipe_is_written_to_and_stays(tmp_path, name):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    (tmp_path / "link-to-link").symlink_to(tmp_path / "link")
    future = received(tmp_path / "pipe")
    write_whole({tmp_path / name: b"content", tmp_path / "file": b"file"})
    assert future.result(timeout=10) == b"content"
    assert (tmp_path / "pipe").is_fifo() and (tmp_path / name).is_symlink() == (name != "pipe")
    assert (tmp_path / "file").read_bytes() == b"file"
    assert {path.name for path in tmp_path.iterdir()} == {"pipe", "link", "link-to-link", "file"}


def test_a_device_is_written_to_and_stays(tmp_path):
    """A terminal of our own is the device: nothing else is on it."""
    ours, theirs = pty.openpty()
    try:
        tty.setraw(theirs)
        link = tmp_path / "link"
        link.symlink_to(os.ttyname(theirs))
        write_whole({link: b"content"})
        assert os.read(ours, 100) == b"content"
        assert link.is_symlink() and link.is_char_device()
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_model_goes_through_a_pipe(tmp_path):
    model = LinearRegression().fit([[0.0], [1.0], [3.0]], [1.0, 3.0, 7.0])
    os.mkfifo(tmp_path / "pipe")
    future = received(tmp_path / "pipe")
    model.save(tmp_path / "pipe")
    (tmp_path / "model").write_bytes(future.result(timeout=10))
    assert LinearRegression.load(tmp_path / "model").coef_ == pytest.approx([2.0])


def test_a_link_stays_a_link_even_if_it_leads_nowhere_yet(tmp_path):
    (tmp_path / "link").symlink_to("file")
    for content in (b"new", b"newer"):
        write_whole({tmp_path / "link": content})
        assert (tmp_path / "link").is_symlink() and (tmp_path / "file").read_bytes() == content
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(OneLayerError, match="loop: cannot be written"):
        write_whole({tmp_path / "loop": b""})


KILLED = """
import os, signal, sys
from pathlib import Path
from onelayer.files import write_whole
def kill(event, arguments):
    if event == "os.rename":
        print("ready", flush=True)
        sys.stdin.read()
sys.addaudithook(kill)
write_whole({Path(sys.argv[1]): b"content"})
"""


def test_leftovers_of_the_killed_are_removed_and_files_of_the_living_are_not(tmp_path):
    """A writer is stopped just before its file takes its place; then it is killed."""
    foreign = tmp_path / ".download.partial"
    foreign.write_text("")
    command = [sys.executable, "-c", KILLED, tmp_path / "file"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout.readline() == b"ready\n"
        remove_leftovers(tmp_path)
        write_whole({tmp_path / "other": b""})
        assert len(list(tmp_path.iterdir())) == 3  # the file that is being written is still there
        writer.send_signal(signal.SIGKILL)
    write_whole({tmp_path / "other": b""})
    assert set(tmp_path.iterdir()) == {foreign, tmp_path / "other"}
    subprocess.run(command, input=b"", check=True, stdout=subprocess.DEVNULL)
    assert Path(tmp_path / "file").read_bytes() == b"content"
