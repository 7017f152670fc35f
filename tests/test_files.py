"""Files appear whole or not at all, whatever happens meanwhile."""

import os
import resource
from concurrent.futures import ThreadPoolExecutor

import pytest

from onelayer import OneLayerError
from onelayer.files import output_folder, write_whole


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


def test_only_old_leftovers_of_our_own_are_removed(tmp_path):
    old, young = (tmp_path / f".{character * 32}.partial" for character in "ab")
    foreign = tmp_path / ".download.partial"
    for file in (old, young, foreign):
        file.write_text("")
    os.utime(old, (0, 0))
    os.utime(foreign, (0, 0))
    with output_folder(tmp_path):
        pass
    assert set(tmp_path.iterdir()) == {young, foreign}


def test_output_folder_goes_again_if_nothing_was_put_in(tmp_path):
    with pytest.raises(RuntimeError), output_folder(tmp_path / "a/b/c"):
        raise RuntimeError
    assert not (tmp_path / "a").exists()
    with output_folder(tmp_path / "a/b"):
        pass
    with pytest.raises(RuntimeError), output_folder(tmp_path / "a/b/c"):
        raise RuntimeError
    assert list((tmp_path / "a").iterdir()) == [tmp_path / "a/b"]
    (tmp_path / "file").write_text("")
    with pytest.raises(OneLayerError, match="cannot be made"), output_folder(tmp_path / "file/x"):
        pass
