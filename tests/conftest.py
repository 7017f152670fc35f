"""What several test files need: small data files of known content, and the command line as a function."""

import gzip
import struct
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import numpy as np
import pyarrow as pa
import pytest

from onelayer import cli

hypothesis.settings.register_profile("any machine", deadline=None)  # a test says what is true, not how soon
hypothesis.settings.load_profile("any machine")

if TYPE_CHECKING:  # tests of what needs no PyTorch and no browser run without them
    import torch
    from playwright.sync_api import Browser

    import browser
    from onelayer.data.tables import Table


def idx_bytes(values: np.ndarray) -> bytes:
    """Return an IDX file of bytes, written from the format's description and nothing of ours."""
    header = bytes([0, 0, 8, values.ndim]) + struct.pack(f">{values.ndim}I", *values.shape)
    return header + values.astype(np.uint8).tobytes()


def zstandard(content: bytes) -> bytes:
    """Return the content compressed by Zstandard."""
    stream = pa.BufferOutputStream()
    with pa.CompressedOutputStream(stream, "zstd") as compressed:
        compressed.write(content)
    return stream.getvalue().to_pybytes()


def held(table: "Table") -> pa.Table:
    """Return all of a table as it is stored."""
    schema = pa.schema(list(zip(table.columns, table.types, strict=True)))
    return pa.Table.from_batches(list(table.batches(table.columns, as_stored=True)), schema)


@pytest.fixture
def idx_folder(tmp_path: Path) -> Path:
    """A folder of tiny 3×2 images in 2 classes: 40 to train, 10 to test, half of the files compressed."""
    generator = np.random.default_rng(0)
    folder = tmp_path / "tiny"
    folder.mkdir()
    for part, n in (("train", 40), ("t10k", 10)):
        labels = np.arange(n) % 2
        images = generator.integers(0, 100, (n, 3, 2)) + 120 * labels[:, None, None]
        (folder / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(images))
        (folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(gzip.compress(idx_bytes(labels)))
    return folder


@dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def error(self) -> str:
        """The one error line of a command that failed as it should."""
        assert self.code == 1
        assert "Traceback" not in self.err
        lines = self.err.splitlines()
        assert len(lines) == 1 and lines[0].startswith("error: "), self.err
        return lines[0]


@pytest.fixture
def onelayer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Callable[..., Result]:
    """The command line, run in an empty folder: ``onelayer("train", "houses")``."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["onelayer", *map(str, arguments)])
        capfd.readouterr()
        with pytest.raises(SystemExit) as exit:
            cli.main()
        sys.stdout.flush()
        captured = capfd.readouterr()
        return Result(int(exit.value.code or 0), captured.out, captured.err)

    return run


def central_difference(
    function: "Callable[[torch.Tensor], torch.Tensor]", x: "torch.Tensor"
) -> "torch.Tensor":
    """Return the gradient of a scalar function by central differences, without autograd."""
    import torch

    h = 1e-5
    gradient = torch.zeros_like(x)
    for i in range(x.numel()):
        step = torch.zeros_like(x)
        step.view(-1)[i] = h
        gradient.view(-1)[i] = (function(x + step) - function(x - step)) / (2 * h)
    return gradient


# The lab in a browser


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The lab as a site that has each experiment in its first state."""
    from onelayer.lab.site import write_site

    folder = tmp_path_factory.mktemp("lab") / "site"
    write_site(folder, few=True)
    return folder


@pytest.fixture(scope="module")
def chromium() -> "Iterator[Browser]":
    """Chromium without a window."""
    import browser

    with browser.chromium() as found:
        yield found


@pytest.fixture
def watched(chromium: "Browser") -> "Iterator[browser.Watched]":
    """A page of a projector's size, without a network."""
    import browser

    context = chromium.new_context(viewport={"width": 1280, "height": 720}, offline=True)
    yield browser.Watched(context.new_page())
    context.close()
