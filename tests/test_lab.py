"""The lab without a browser or a server: prose, panels, export."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import altair as alt
import nbformat
import pytest
from nbclient import NotebookClient

from onelayer import OneLayerError
from onelayer.lab import pending, prose
from onelayer.lab.controls import run_button, slider
from onelayer.lab.course import COURSE, HERE, neighbours
from onelayer.lab.export import export_lessons
from onelayer.lab.interface import _WORDS, LANGUAGES
from onelayer.lab.lessons.fashion_mnist.experiment import CLASSES
from onelayer.lab.numbers import typeset
from onelayer.lab.panels import Comparison, claim, question, table
from onelayer.lab.prose import read_lesson

SLUGS = [entry.slug for entry in COURSE]
VEGA_LITE = "application/vnd.vegalite.v6+json"

# The course and its prose


def test_course_leads_from_its_first_lesson_to_its_last():
    there = {folder.name.replace("_", "-") for folder in (HERE / "lessons").iterdir() if folder.is_dir()}
    assert there - {"--pycache--"} == set(SLUGS) and len(set(SLUGS)) == len(SLUGS)
    after = [following.slug for slug in SLUGS if (following := neighbours(slug)[1])]
    assert after == SLUGS[1:]
    before = [previous.slug for slug in SLUGS if (previous := neighbours(slug)[0])]
    assert before == SLUGS[:-1]


@pytest.mark.parametrize("entry", COURSE, ids=lambda entry: entry.slug)
def test_each_lesson_has_both_languages_and_a_picture(entry):
    assert set(entry.title) == set(entry.summary) == set(LANGUAGES)
    assert entry.picture.startswith("<svg")


def test_each_word_of_the_interface_is_there_in_both_languages():
    assert all(set(texts) == set(LANGUAGES) and all(texts.values()) for texts in _WORDS.values())


@pytest.mark.parametrize("slug", SLUGS)
def test_both_languages_have_the_same_sections_values_and_labels(slug):
    english, chinese = read_lesson(slug, "en"), read_lesson(slug, "zh")
    assert list(english.sections) == list(chinese.sections)
    assert list(english.labels) == list(chinese.labels)
    for name, section in english.sections.items():
        other = chinese.sections[name]
        assert section.body and other.body, name
        assert bool(section.title) == bool(other.title), name
        values = [set(re.findall(r"\{\{(\w+)\}\}", text.body)) for text in (section, other)]
        assert values[0] == values[1], name


@pytest.mark.parametrize("slug", SLUGS)
def test_chinese_prose_has_full_width_punctuation(slug):
    text = (read_lesson(slug, "zh").entry.folder / "zh.md").read_text(encoding="utf-8")
    assert re.findall(r"[\u4e00-\u9fff][,;:?!.](?!\w)", text) == []


CONTROLS = ("slider", "pick", "choice", "button", "progress")  # each has a label of its name


def used_names(folder: Path) -> dict[str, set[str]]:
    """Return the constant names that the lesson's code asks the prose for: of sections and of labels."""
    names: dict[str, set[str]] = {"section": set(), "label": set()}
    for file in ("notebook.py", "charts.py"):
        for node in ast.walk(ast.parse((folder / file).read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            function = (
                node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            )
            strings = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
            if function in ("text", "body") and strings:
                names["section"].add(strings[0])
            if function == "question":
                names["section"] |= {f"question-{strings[0]}", f"answer-{strings[0]}"}
            if function in ("label", *CONTROLS) and strings:
                names["label"].add(strings[0])
    return names


@pytest.mark.parametrize("slug", SLUGS)
def test_every_section_that_the_code_asks_for_is_there_and_every_one_there_is_asked_for(slug):
    lesson = read_lesson(slug, "en")
    used = used_names(lesson.entry.folder)
    assert used["section"] == set(lesson.sections)
    assert used["label"] <= set(lesson.labels)
    code = "".join(file.read_text(encoding="utf-8") for file in lesson.entry.folder.glob("*.py"))
    pad = (HERE / "pad.js").read_text(encoding="utf-8")
    # What is left is asked for by a variable, or by the drawing pad.
    for name in set(lesson.labels) - used["label"] - set(CLASSES):
        if name.startswith("pad-"):
            assert re.search(rf'words(\.|\["){name.removeprefix("pad-")}\b', pad), name
            continue
        assert f'"{name}"' in code or f'"{name.partition("-")[2]}"' in code, name


def test_prose_that_does_not_fit_says_what_is_wrong():
    lesson = read_lesson("linear-regression", "en")
    with pytest.raises(OneLayerError, match=r"linear-regression/en.md needs a section named 'nonsense'"):
        lesson.text("nonsense")
    with pytest.raises(OneLayerError, match="a label named 'nonsense'"):
        lesson.label("nonsense")
    with pytest.raises(
        OneLayerError, match=r"asks for the values \['age', 'area', 'i', 'price'\], not \['i'\]"
    ):
        lesson.body("example", i="1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Hello\n## a: A\nb", "first line must be a heading"),
        ("", "first line must be a heading"),
        ("## a: A\nb\n## a: A\nc", "section 'a' is there twice"),
        ("## a: A\nb\n## labels:\n- x: 1\n- x: 2", "label 'x' is there twice"),
    ],
)
def test_prose_of_a_wrong_shape_is_refused(text, message, tmp_path, monkeypatch):
    class Place:
        folder = tmp_path

    (tmp_path / "en.md").write_text(text)
    monkeypatch.setattr(prose, "entry", lambda slug: Place())
    with pytest.raises(OneLayerError, match=message):
        prose.read_lesson("x", "en")


def test_lines_of_a_chinese_paragraph_are_joined_where_no_space_is_meant(tmp_path, monkeypatch):
    class Place:
        folder = tmp_path

    text = "## a: 题\n一，\n二 $x$\n三\n，四\n\n五\n六\n**七**\n八\n- 九\n- 十\n\n$$y$$\n\n七\nw\n{{v}}，\n$z$\n\na\nb"
    (tmp_path / "zh.md").write_text(text, encoding="utf-8")
    monkeypatch.setattr(prose, "entry", lambda slug: Place())
    assert prose.read_lesson("x", "zh").sections["a"].body == (
        "一，二 $x$\n三，四\n\n五六**七**八\n- 九\n- 十\n\n$$y$$\n\n七\nw\n{{v}}，$z$\n\na\nb"
    )


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("对 $x$，求", "$x$，"),
        ("（$x$ 是）", "（$x$"),
        ("is ($x$), and", "($x$),"),
        ("$$y$$, $x$ 元", None),
        ("costs $5, or $6,", None),
        (rf"${'x' * 31}$，", None),
    ],
)
def test_a_short_formula_stays_with_its_punctuation(text, kept):
    shown = prose.Markdown(text)._repr_markdown_()
    assert shown == (text if kept is None else text.replace(kept, f'<span class="lab-kept">{kept}</span>'))


# Panels and controls outside marimo


@pytest.mark.parametrize(
    ("plain", "printed"),
    [
        ("-3.5", "−3.5"),
        ("-1e-05", "−1 × 10⁻⁵"),
        ("2.5e+16 USD", "2.5 × 10¹⁶ USD"),
        ("0.07, 1.21e+03", "0.07, 1,210"),
        ("-3.2e+02", "−320"),
        ("1.23456e+03", "1,234.56"),
        ("1e+06", "1 × 10⁶"),
        ("r = -5 (-0.4)", "r = −5 (−0.4)"),
        ("-b", "-b"),
        ("1-2", "1-2"),
        ("1e", "1e"),
        ("0xe-5", "0xe-5"),
    ],
)
def test_numbers_are_shown_as_in_print(plain, printed):
    assert typeset(plain) == printed
    assert f"<th scope=col>{printed}</th>" in table([plain], []).source
    assert f">{printed}</td>" in table([""], [[plain]]).source


@pytest.mark.parametrize(
    ("left", "right", "holds"),
    [(1.0, 1.05, True), (1.0, 1.2, False), (float("nan"), 1.0, False), (float("inf"), 1.0, False)],
)
def test_a_claim_holds_if_all_its_comparisons_do(left, right, holds):
    lesson = read_lesson("linear-regression", "zh")
    panel = claim(lesson, "x", "a", "<b>", [Comparison("y", 1, 1, 0), Comparison("z", left, right, 0.1)])
    assert f'data-testid="claim-x" data-holds="{str(holds).lower()}"' in panel.source
    assert ("✓ 成立" in panel.source) == holds and "&lt;b&gt;" in panel.source
    assert 'data-holds="false"' in claim(lesson, "x", "a", "b", []).source, "nothing compared is no claim"


def test_a_questions_answer_is_there_only_after_its_experiment_ran():
    lesson = read_lesson("linear-regression", "en")
    button = run_button(lesson)
    shown = question(lesson, "cost", button, lambda: "the result")
    assert "the result" in shown.items and lesson.body("answer-cost") in shown.items

    class Unpressed:
        value = False

    hidden = question(lesson, "cost", Unpressed(), lambda: pytest.fail("ran"))
    assert lesson.body("answer-cost") not in hidden.items


def test_a_control_outside_marimo_is_its_first_value():
    lesson = read_lesson("linear-regression", "en")
    control = slider(lesson, "bias", 0, 10, 1, 7)
    assert control.value == 7 and control._repr_html_() == "<p>b (USD): <strong>7</strong></p>"


# Work that nobody waits for


def test_work_is_outdated_once_one_of_its_controls_has_moved():
    request = b'{"objectIds": ["rate-0", "pad-0"], "values": [3, {}]}'
    with pending.open_page("s"):
        pending.note("s", request)
        pending.begin("s", {"rate-0", "size-0"})
        assert not pending.have_moved("s", {"rate-0", "size-0"}), "it begins with that value"
        assert pending.have_moved("s", {"pad-0"})
        pending.note("other", request)
        for wrong in (b"", b"[]", b"{}", b'{"objectIds": 3}', b"\xff"):
            pending.note("s", wrong)
        assert not pending.have_moved("s", {"rate-0"}) and pending.is_closed("other")
        pending.note("s", request)
        assert pending.have_moved("s", {"rate-0", "size-0"})
    assert pending.is_closed("s") and not pending.have_moved("s", {"rate-0"})


def test_a_page_that_connects_again_before_its_first_connection_ends_stays_open():
    first, second = pending.open_page("s"), pending.open_page("s")
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert not pending.is_closed("s")
    second.__exit__(None, None, None)
    assert pending.is_closed("s")


# Export


def test_lessons_are_exported_in_both_languages(tmp_path):
    files = export_lessons(tmp_path / "new" / "folder")
    assert [file.name for file in files] == [
        f"{slug}.{language}.ipynb" for slug in SLUGS for language in LANGUAGES
    ]
    for file in files:
        nbformat.validate(nbformat.read(file, as_version=4))
    assert export_lessons(tmp_path, "zh") == [tmp_path / f"{slug}.zh.ipynb" for slug in SLUGS]


@pytest.mark.parametrize(
    ("slug", "language"), [(slug, LANGUAGES[i % len(LANGUAGES)]) for i, slug in enumerate(SLUGS)]
)
def test_exported_lessons_run_in_jupyter_without_marimo_or_network(slug, language, tmp_path, monkeypatch):
    """Each in one of the languages, in turn: the cells with code are the same."""
    # Kernels that run side by side would wait for each other's threads.
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    export_lessons(tmp_path, language)
    notebook = nbformat.read(tmp_path / f"{slug}.{language}.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("import sys; print('marimo' in sys.modules)"))
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert outputs[-1].text == "False\n"
    shown = [str(output.get("data", {}).get("text/html", "")) for output in outputs]
    assert "<style>" in shown[0] and ".lab-claim" in shown[0], "claims and images look as in the lab"
    assert any('data-holds="true"' in html for html in shown)
    assert not any('data-holds="false"' in html for html in shown)
    assert not any("cdn." in html for html in shown), (
        "a chart that did not go through sized loads code from the network"
    )
    charts = [output.data[VEGA_LITE] for output in outputs if VEGA_LITE in output.get("data", {})]
    assert charts
    for chart in charts:
        alt.Chart.from_dict(chart)  # raises what Vega-Lite's schema does not allow


def test_export_into_a_file_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OneLayerError, match="file"):
        export_lessons(tmp_path / "file", "en")


def test_export_leaves_notebooks_that_the_reader_worked_in(tmp_path):
    *others, last = export_lessons(tmp_path, "en")
    others[0].unlink()
    last.write_text("my answers")
    with pytest.raises(OneLayerError, match=f"{last.name} is there already"):
        export_lessons(tmp_path, "en")
    assert last.read_text() == "my answers" and not others[0].exists(), "nothing is half written"
    last.unlink()
    assert export_lessons(tmp_path, "en") == [*others, last], "what is as exported is written again"


# Starting it


def test_an_unknown_language_is_one_clear_line(onelayer):
    error = onelayer("lab", "--lang", "xx").error
    assert error == "error: Invalid value for '--lang': 'xx' is not one of 'zh', 'en'."


def test_without_the_extra_one_line_says_how_to_install_it(onelayer, monkeypatch):
    monkeypatch.setattr(sys.modules["onelayer.cli.lab"], "NEEDED", ("marimo", "no_such_module"))
    assert (
        onelayer("lab").error
        == "error: the lab needs no_such_module; install with: pip install 'onelayer[lab]'"
    )


def test_the_command_line_does_not_import_the_lab_until_it_is_asked_for():
    heavy = "('marimo', 'starlette', 'altair', 'uvicorn')"
    code = f"import sys, onelayer.cli; print([m for m in sys.modules if m.split('.')[0] in {heavy}])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_lessons_leave_matplotlib_alone():
    """While one thread loads it, marimo's own look at it fails in another, and that page never opens."""
    modules = [
        f"onelayer.lab.lessons.{entry.folder.name}.{part}"
        for entry in COURSE
        for part in ("experiment", "charts")
    ]
    source = f"import sys, {', '.join(modules)}; sys.exit('matplotlib' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", source], check=False).returncode == 0
