"""The notebooks: both languages run the same code, and it runs from top to bottom."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
SVG = "image/svg+xml"


def read(name: str) -> nbformat.NotebookNode:
    return nbformat.read(NOTEBOOKS / name, as_version=4)


def code(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def test_both_languages_have_the_same_code_and_headings():
    english, chinese = read("chapter3.ipynb"), read("chapter3.zh-CN.ipynb")
    assert code(english) == code(chinese)
    kinds = [
        [re.match(r"#*", cell.source).group() for cell in notebook.cells if cell.cell_type == "markdown"]
        for notebook in (english, chinese)
    ]
    assert kinds[0] == kinds[1]


@pytest.fixture(scope="module")
def executed() -> nbformat.NotebookNode:
    notebook = read("chapter3.ipynb")
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(NOTEBOOKS)}}).execute()
    return notebook


def outputs(notebook: nbformat.NotebookNode, part_of_code: str) -> list[nbformat.NotebookNode]:
    [cell] = [cell for cell in notebook.cells if cell.cell_type == "code" and part_of_code in cell.source]
    return cell.outputs


def test_no_cell_complains(executed):
    for cell in executed.cells:
        for output in cell.get("outputs", []):
            assert output.output_type != "error"
            assert output.get("name") != "stderr", output


@pytest.mark.parametrize(
    ("part_of_code", "curves"),
    [
        ("nn.Linear(784, 10))", 3),
        ("cross_entropy, 10, updater", 3),
        ("nn.ReLU()", 3),
        ("d2l.ProgressBoard", 2),
        ("d2l.LinearRegressionScratch", 2),
        ("d2l.SoftmaxRegression", 3),
    ],
)
def test_a_growing_figure_is_one_picture_redrawn_in_place(executed, part_of_code, curves):
    [picture] = outputs(executed, part_of_code)
    assert picture.output_type == "display_data"
    assert "<Figure" not in picture.data["text/plain"]
    namespace = {"svg": "http://www.w3.org/2000/svg"}
    root = ET.fromstring(picture.data[SVG])
    lines = [g for g in root.iterfind(".//svg:g", namespace) if re.fullmatch(r"line2d_\d+", g.get("id", ""))]
    long = [g for g in lines for path in g.iterfind("svg:path", namespace) if path.get("d").count("L") >= 2]
    assert len(long) >= curves, "the last state of all curves is shown"


def test_pyplot_can_save_a_growing_figure_in_its_cell_and_the_next_cell_shows_it_anew(tmp_path):
    notebook = nbformat.v4.new_notebook()
    notebook.cells = [
        nbformat.v4.new_code_cell(source)
        for source in (
            "from onelayer import d2l\nanimator = d2l.Animator()\nfor x in range(9):\n    animator.add(x, x)\n"
            "d2l.plt.savefig('saved.svg')",
            "animator.add(9, 9)",
            "animator.fig",
        )
    ]
    NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(tmp_path)}}).execute()
    first, second, third = (cell.outputs for cell in notebook.cells)
    assert "line2d" in (tmp_path / "saved.svg").read_text()
    assert [output.output_type for output in first + second] == ["display_data"] * 2
    assert first[0].data["text/plain"] == "x 8: y1 8.000" and second[0].data["text/plain"] == "x 9: y1 9.000"
    assert len(third) == 1  # the figure itself, as Jupyter shows any


def test_the_chapters_results(executed):
    last = outputs(executed, "cross_entropy, 10, updater")[0].data["text/plain"]
    assert last.startswith("epoch 10: train loss 0.4") and float(last.split()[-1]) > 0.8
    [said] = outputs(executed, "test accuracy")
    assert float(said.text.split()[-1]) > 0.8
    [shape] = outputs(executed, "resize=64")
    assert shape.text == "torch.Size([32, 1, 64, 64]) torch.float32 torch.Size([32]) torch.int64\n"
    errors = re.findall(r"-?\d\.\d+(?:e-\d+)?", outputs(executed, "error of w")[0].text)
    assert len(errors) == 3 and all(abs(float(error)) < 5e-3 for error in errors)
    for part_of_code in ("show_images(X.reshape", "predict_ch3", "data.visualize", "plt.scatter", "p(x)"):
        [picture] = outputs(executed, part_of_code)
        assert SVG in picture.data
