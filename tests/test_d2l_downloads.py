"""Files that the book downloads, from a folder of the reader's; and modules that the book's module has names for."""

import hashlib
import inspect
import socket
import subprocess
import sys
import tarfile
import zipfile

import numpy as np
import pytest
import torch

from onelayer import OneLayerError, d2l
from onelayer.d2l import downloads

CONTENT = b"Id,SalePrice\n1,208500\n"
SHA1 = hashlib.sha1(CONTENT).hexdigest()
URL = d2l.DATA_URL + "prices.csv"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A reader's folder, in whose parent the folder data has the files; without a network."""
    for name in ("data", "notebook"):
        (tmp_path / name).mkdir()
    monkeypatch.chdir(tmp_path / "notebook")
    monkeypatch.setattr(socket, "socket", None)
    (tmp_path / "data/prices.csv").write_bytes(CONTENT)
    monkeypatch.setattr(downloads, "DATA_HUB", {"prices": (URL, SHA1)})
    return tmp_path / "data"


def test_the_hub_has_the_house_prices_and_signatures_are_the_books():
    names = [url.removeprefix(d2l.DATA_URL) for url, _ in d2l.DATA_HUB.values()]
    assert list(d2l.DATA_HUB) == ["kaggle_house_train", "kaggle_house_test"]
    assert names == ["kaggle_house_pred_train.csv", "kaggle_house_pred_test.csv"]
    for function, parameters in (
        (d2l.download, ["url", "folder", "sha1_hash"]),
        (d2l.extract, ["filename", "folder"]),
        (d2l.download_extract, ["name", "folder"]),
        (d2l.download_all, []),
    ):
        assert list(inspect.signature(function).parameters) == parameters


def test_a_file_that_is_there_is_found(folder, tmp_path):
    assert (
        d2l.download("prices")
        == d2l.download(URL, sha1_hash=SHA1)
        == d2l.download(URL)
        == "../data/prices.csv"
    )
    assert d2l.download("prices", str(folder)) == str(folder / "prices.csv")
    d2l.download_all()


def test_a_missing_file_is_named_with_its_url_and_place(folder):
    (folder / "prices.csv").unlink()
    with pytest.raises(OneLayerError) as raised:
        d2l.download("prices")
    message = str(raised.value)
    assert f"{folder / 'prices.csv'}: is not there" in message and URL in message and "\n" not in message
    assert "downloads nothing" in message and list(folder.iterdir()) == []
    with pytest.raises(OneLayerError, match="is not there"):
        d2l.download_all()


def test_another_file_is_refused_and_kept(folder):
    (folder / "prices.csv").write_bytes(b"other")
    with pytest.raises(OneLayerError, match=f"SHA-1 is {hashlib.sha1(b'other').hexdigest()}, not {SHA1}"):
        d2l.download("prices")
    assert (folder / "prices.csv").read_bytes() == b"other"
    with pytest.raises(OneLayerError, match=r"DATA_HUB has no 'flats', only prices"):
        d2l.download("flats")


@pytest.mark.parametrize("ending", ["zip", "tar", "tar.gz"])
def test_archives_are_unpacked_beside_themselves(ending, folder, monkeypatch):
    archive = folder / f"prices.{ending}"
    if ending == "zip":
        with zipfile.ZipFile(archive, "w") as file:
            file.writestr("prices/2026.csv", CONTENT)
    else:
        (folder / "2026.csv").write_bytes(CONTENT)
        with tarfile.open(archive, "w:gz" if ending == "tar.gz" else "w") as file:
            file.add(folder / "2026.csv", "prices/2026.csv")
    sha1 = hashlib.sha1(archive.read_bytes()).hexdigest()
    monkeypatch.setitem(downloads.DATA_HUB, "archive", (f"{d2l.DATA_URL}prices.{ending}", sha1))
    path = d2l.download_extract("archive")
    assert path == f"../data/prices.{ending}".rsplit(".", 1)[0]
    assert (folder / "prices/2026.csv").read_bytes() == CONTENT
    assert d2l.download_extract("archive", "prices") == "../data/prices"
    d2l.extract(str(archive), str(folder / "elsewhere"))
    assert (folder / "elsewhere/prices/2026.csv").read_bytes() == CONTENT


def test_archives_that_are_damaged_or_reach_outside_are_refused(folder):
    for name in ("a.zip", "a.tar", "a.tar.gz"):
        (folder / name).write_bytes(b"damaged")
        with pytest.raises(OneLayerError, match=rf"{name}: cannot be unpacked"):
            d2l.extract(str(folder / name))
    with pytest.raises(OneLayerError, match="only"):
        d2l.extract(str(folder / "prices.csv"))
    with tarfile.open(folder / "outside.tar", "w") as file:
        file.add(folder / "prices.csv", "../outside.csv")
    with pytest.raises(OneLayerError, match="cannot be unpacked"):
        d2l.extract(str(folder / "outside.tar"))
    assert not (folder.parent / "outside.csv").exists()


# Modules


def test_modules_of_the_books_module():
    import math
    import os
    import random

    import pandas
    from IPython import display
    from torch.utils import data

    for name, module in (
        ("os", os),
        ("math", math),
        ("random", random),
        ("pd", pandas),
        ("display", display),
        ("data", data),
    ):
        assert getattr(d2l, name) is module
    assert {"pd", "display", "requests", "download"} <= set(dir(d2l))


def test_slow_modules_are_imported_when_asked_for_and_named_when_missing():
    code = """
import sys
from onelayer import d2l
print([name for name in ("pandas", "IPython", "requests") if name in sys.modules])
sys.modules["pandas"] = None  # as if it were not installed
try:
    d2l.pd
except ModuleNotFoundError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\nd2l.pd needs pandas; install with: pip install 'onelayer[torch]'\n"


def test_a_tensor_of_numbers_beside_truth_values():
    values = np.array([[1.5, True], [np.float32(2), np.bool_(False)]], dtype=object)
    assert torch.equal(d2l.tensor(values, dtype=d2l.float32), torch.tensor([[1.5, 1], [2, 0]]))
    assert d2l.tensor([1, 2]).dtype == torch.int64 and d2l.tensor(np.ones(2)).dtype == torch.float64
    with pytest.raises(TypeError):
        d2l.tensor(np.array(["3"], dtype=object))
