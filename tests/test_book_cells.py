"""The chapter on multilayer perceptrons, and the listings that use torchvision: as a script and in Jupyter.

The cells are ours, in the manner of the book: its names, its order, few epochs.
"""

import re
import warnings
from pathlib import Path

import matplotlib
import nbformat
import pytest
import torch
from matplotlib import pyplot as plt
from nbclient import NotebookClient

from onelayer import d2l

CELLS = Path(__file__).parent / "book"
EDITIONS = ("first_edition", "second_edition")
HOUSES = "Id,Area,Street,Rooms,SalePrice\n" + "".join(
    f"{i},{800 + 100 * i},{'paved' if i % 3 else 'gravel'},{'' if i == 5 else 3 + i % 4},{90_000 + 11_000 * i}\n"
    for i in range(12)
)


def cells(edition: str) -> list[str]:
    """Return the code of each cell."""
    return re.split(r"^# %%.*\n", (CELLS / f"{edition}.py").read_text(), flags=re.M)[1:]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A reader's folder: beside it the data, as the book has it."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data/houses.csv").write_text(HOUSES)
    (tmp_path / "notebook").mkdir()
    monkeypatch.chdir(tmp_path / "notebook")
    return tmp_path / "notebook"


@pytest.mark.parametrize("edition", EDITIONS)
def test_cells_run_as_a_script(edition, folder, monkeypatch, capsys):
    matplotlib.use("Agg")
    monkeypatch.setattr(d2l.downloads, "DATA_HUB", dict(d2l.DATA_HUB))
    monkeypatch.setattr(d2l, "DATA_HUB", d2l.downloads.DATA_HUB)
    torch.manual_seed(0)
    variables = {"__name__": "__main__"}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for i, cell in enumerate(cells(edition)):
            exec(compile(cell, f"{edition}, cell {i + 1}", "exec"), variables)
    plt.close("all")
    matplotlib.rcdefaults()
    assert {warning.category for warning in caught} <= {d2l.TrainingWarning}
    assert "epoch 1: train" in capsys.readouterr().out


def test_cells_run_in_jupyter(folder):
    notebook = nbformat.v4.new_notebook()
    sources = ["%matplotlib inline\nimport torch\n_ = torch.manual_seed(0)"]
    sources += [cell for edition in EDITIONS for cell in cells(edition)]
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in sources]
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(folder)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.outputs]
    said = [output.text for output in outputs if output.get("name") == "stderr"]
    warned = [text for text in said if "Warning" in text]  # beside what matplotlib logs of its cache of fonts
    assert all("TrainingWarning" in text for text in warned)
    pictures = [output.data for output in outputs if output.output_type == "display_data"]
    assert len(pictures) >= 17 and all("image/svg+xml" in data for data in pictures)
