"""The lab without a browser: prose, experiments, panels, export, and what the server lets in."""

import ast
import contextlib
import http.client
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import altair as alt
import nbformat
import numpy as np
import pyarrow as pa
import pytest
import uvicorn
from nbclient import NotebookClient
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from onelayer import OneLayerError
from onelayer.lab import prose
from onelayer.lab.controls import run_button, slider
from onelayer.lab.course import COURSE, HERE, neighbours
from onelayer.lab.export import export_lessons
from onelayer.lab.interface import _WORDS, LANGUAGES
from onelayer.lab.lessons.linear_regression import experiment
from onelayer.lab.panels import Comparison, claim, question
from onelayer.lab.prose import read_lesson
from onelayer.lab.server import create_app, open_port

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
            if function in ("label", "slider", "choice") and strings:
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
    for name in set(lesson.labels) - used["label"]:  # those asked for by a variable, or by the drawing pad
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


def test_lines_of_a_chinese_paragraph_are_joined_without_spaces(tmp_path, monkeypatch):
    class Place:
        folder = tmp_path

    text = "## a: 题\n一，\n二 $x$\n三\n\n四\n- 五\n- 六\n\n$$y$$\n\n七\nw 八\n\nLatin\nlines"
    (tmp_path / "zh.md").write_text(text, encoding="utf-8")
    monkeypatch.setattr(prose, "entry", lambda slug: Place())
    assert prose.read_lesson("x", "zh").sections["a"].body == (
        "一，二 $x$三\n\n四\n- 五\n- 六\n\n$$y$$\n\n七w 八\n\nLatin\nlines"
    )


# Panels and controls outside marimo


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


# Lesson 1


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    return experiment.load()


def test_normal_equations_agree_with_numpys_least_squares(data):
    X, y = data
    weight, bias = experiment.normal_equations(X, y)
    expected = np.linalg.lstsq(np.column_stack([X, np.ones(len(X))]), y, rcond=None)[0]
    np.testing.assert_allclose([*weight, bias], expected, rtol=1e-9)


def test_gradient_is_that_of_the_mean_loss(data):
    X, y = data
    at, h = np.array([40.0, -100.0, 1000.0]), 1e-2
    loss = lambda p: experiment.mean_loss(X, y, p[:2], p[2])  # noqa: E731
    expected = [(loss(at + h * e) - loss(at - h * e)) / (2 * h) for e in np.eye(3)]
    np.testing.assert_allclose(experiment.gradient(X, y, at[:2], at[2]), expected, rtol=1e-5)


def test_loss_rises_from_its_minimum_by_the_quadratic_form(data):
    X, y = data
    weight, bias = experiment.normal_equations(X, y)
    step = np.array([10.0, -200.0, 5000.0])
    rise = experiment.mean_loss(X, y, weight + step[:2], bias + step[2]) - experiment.mean_loss(
        X, y, weight, bias
    )
    assert experiment.quadratic_rise(X, step) == pytest.approx(rise, rel=1e-9)


def test_loss_surface_is_the_loss_with_the_best_bias(data):
    X, y = data
    grid = experiment.loss_surface(X, y, points=5).to_pylist()
    assert len(grid) == 25
    for cell in grid[::7]:
        weight = np.array(
            [(cell["area_low"] + cell["area_high"]) / 2, (cell["age_low"] + cell["age_high"]) / 2]
        )
        bias = experiment.best_bias(X, y, weight)
        assert cell["loss"] == pytest.approx(experiment.mean_loss(X, y, weight, bias), rel=1e-9)
        assert experiment.gradient(X, y, weight, bias)[-1] == pytest.approx(0, abs=1e-6)


def test_matrix_form_equals_row_by_row(data):
    X, _ = data
    weight = np.array([40.0, -100.0])
    np.testing.assert_allclose(
        experiment.predict(X, weight, 3.0), experiment.predict_row_by_row(X, weight, 3.0), rtol=1e-13
    )


def test_residual_sticks_are_vertical_and_as_long_as_the_residuals(data):
    X, y = data
    scene = experiment.scene(X, y, np.array([95.0, -1000.0]), 76_000.0, turn=30)
    for stick in scene.residuals.to_pylist():
        assert stick["x"] == stick["x2"] and (stick["y2"] > stick["y"]) == (stick["side"] == "above")
    level = experiment.scene(X, y, np.zeros(2), 0.0, turn=30).residuals.to_pylist()
    lengths = {round((stick["y2"] - stick["y"]) * experiment.PRICES[1]) for stick in level}
    assert lengths <= {round(price) for price in y}


def test_area_in_two_units_leaves_predictions_and_moves_weights(data):
    X, y = data
    found = experiment.with_square_metres(X, y)
    weight, _ = experiment.normal_equations(X, y)
    assert found.condition > 1e15 and "linearly dependent" in found.warning
    assert found.largest_change < 1e-6
    assert found.weight[0] + found.weight[2] * experiment.SQUARE_METRES == pytest.approx(weight[0], rel=1e-9)
    # Of all pairs with that sum, the one of least norm is in proportion to the two units.
    assert found.weight[2] / found.weight[0] == pytest.approx(experiment.SQUARE_METRES, rel=1e-6)


def test_growth_is_the_last_time_over_the_one_before():
    times = [{"part": part, "seconds": d**power} for d in (1, 2, 4) for part, power in (("a", 2), ("b", 3))]
    assert experiment.last_growth(pa.Table.from_pylist(times)) == {"a": 4, "b": 8}


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
def test_exported_lessons_run_in_jupyter_without_marimo_or_network(slug, language, tmp_path):
    """Each in one of the languages, in turn: the cells with code are the same."""
    export_lessons(tmp_path, language)
    notebook = nbformat.read(tmp_path / f"{slug}.{language}.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("import sys; print('marimo' in sys.modules)"))
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert outputs[-1].text == "False\n"
    shown = [str(output.get("data", {}).get("text/html", "")) for output in outputs]
    shown = [
        html for html in shown if "claim-reading" not in html
    ]  # a race of two times, on a machine that is busy
    assert "<style>" in shown[0] and ".lab-claim" in shown[0], "claims and images look as in the lab"
    assert any('data-holds="true"' in html for html in shown)
    assert not any('data-holds="false"' in html or "cdn." in html for html in shown)
    charts = [output.data[VEGA_LITE] for output in outputs if VEGA_LITE in output.get("data", {})]
    assert charts
    for chart in charts:
        alt.Chart.from_dict(chart)  # raises what Vega-Lite's schema does not allow


def test_export_into_a_file_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OneLayerError, match="file"):
        export_lessons(tmp_path / "file", "en")


# The server


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The lab on a free port, in a thread."""
    listener = open_port(0)
    server = uvicorn.Server(uvicorn.Config(create_app(), log_level="critical", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield listener.getsockname()[1]
    server.should_exit = True
    thread.join()
    listener.close()


def ask(port: int, path: str, method: str = "GET", **headers: str) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.putrequest(method, path, skip_host="Host" in headers)
        for name, value in headers.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        answer = connection.getresponse()
        found = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, found, answer.read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("accepted", "language"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("de,en;q=0.5", "en"),
        ("en;q=0.1,zh;q=0.2", "zh"),
        ("fr", "en"),
        ("", "en"),
    ],
)
def test_the_start_leads_to_the_browsers_language(port, accepted, language):
    status, headers, _ = ask(port, "/", Accept_Language=accepted)
    assert status == 307 and headers["location"] == f"/{language}/"


@pytest.mark.parametrize("language", LANGUAGES)
def test_index_lists_the_lessons_and_each_has_its_page(port, language):
    status, _, page = ask(port, f"/{language}/")
    assert status == 200 and re.findall(rf'href="/{language}/([^"]+)/"', page) == SLUGS
    for slug in SLUGS:
        status, _, page = ask(port, f"/{language}/{slug}/")
        lesson = read_lesson(slug, language)
        assert status == 200 and f"<title>{lesson.title}</title>" in page
        assert next(iter(lesson.sections.values())).title in page, "prose comes with the page"
        assert f'<html lang="{"zh-CN" if language == "zh" else "en"}">' in page


@pytest.mark.parametrize(
    "path",
    [
        "/de/",
        "/zh/nonsense/",
        "/nonsense",
        "/zh/linear-regression/nonsense",
        "/marimo/assets/nonsense",
        "/marimo/assets/../index.html",
        "/marimo/index.html",
    ],
)
def test_anything_else_is_not_found(port, path):
    assert ask(port, path)[0] == 404


def test_scripts_have_one_address_for_all_lessons_and_stay_in_the_browser(port):
    script = re.compile(r'src="(/marimo/assets/[^"]+\.js)"')
    pages = [ask(port, f"/{language}/{slug}/")[2] for slug in SLUGS[:2] for language in LANGUAGES]
    first, *others = [script.findall(page) for page in pages]
    assert first and all(other == first for other in others)
    assert f'<link rel="prefetch" href="{first[0]}">' in ask(port, "/en/")[2]
    status, headers, _ = ask(port, first[0])
    assert status == 200 and "immutable" in headers["cache-control"]


def test_answers_are_not_held_back():
    """asyncio turns off Nagle's algorithm only for sockets that name their protocol."""
    with open_port(0) as listener:
        assert listener.proto == socket.IPPROTO_TCP


def test_pages_forbid_other_hosts(port):
    for path in ("/en/", "/en/linear-regression/", "/lab.css", "/favicon.ico"):
        headers = ask(port, path)[1]
        assert "default-src 'self'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    "host", ["example.com", "127.0.0.1.example.com", "localhost.example.com:80", "", "[::1"]
)
def test_other_names_for_this_machine_are_refused(port, host):
    assert ask(port, "/en/", Host=host)[0] == 403


def test_requests_from_other_origins_are_refused(port):
    page = "/en/linear-regression/"
    own = f"http://127.0.0.1:{port}"
    assert ask(port, page, Origin=own)[0] == 200
    for origin in ("http://example.com", "null", f"https://127.0.0.1:{port}", "http://127.0.0.1:1"):
        assert ask(port, page, Origin=origin)[0] == 403
        assert ask(port, f"{page}api/kernel/instantiate", "POST", Origin=origin)[0] == 403
    assert ask(port, f"{page}api/kernel/instantiate", "POST")[0] == 403, "a post says where it comes from"


@pytest.mark.parametrize("size", ["50000000", "many", None])
def test_a_request_that_is_too_large_is_refused(port, size):
    """Of 50 MB by its own account, of no account at all, and of 2 MB that it sends piece by piece."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.putrequest("POST", "/en/linear-regression/api/kernel/set_ui_element_value")
    connection.putheader("Origin", f"http://127.0.0.1:{port}")
    if size is None:
        connection.putheader("Transfer-Encoding", "chunked")
    else:
        connection.putheader("Content-Length", size)
    connection.endheaders()
    if size is None:
        chunk = b"x" * 500_000
        with contextlib.suppress(OSError):
            for _ in range(4):
                connection.send(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            connection.send(b"0\r\n\r\n")
    assert connection.getresponse().status == (400 if size == "many" else 413)
    connection.close()


def test_websockets_of_other_origins_are_refused(port):
    address = f"ws://127.0.0.1:{port}/en/linear-regression/ws?session_id=s_test"
    for origin in (None, "http://example.com", "null"):
        with pytest.raises(InvalidStatus) as refused:
            connect(address, origin=origin)
        assert refused.value.response.status_code == 403
    with connect(address, origin=f"http://127.0.0.1:{port}") as session:
        assert "kernel-ready" in str(session.recv(timeout=20))


def test_a_busy_port_is_one_clear_line(onelayer):
    with open_port(0) as listener:
        busy = listener.getsockname()[1]
        assert onelayer("lab", "--no-browser", "--port", busy).error == (
            f"error: port {busy} is in use on 127.0.0.1; choose another with --port, or --port 0 for any"
        )


def test_the_first_free_port_is_taken_and_only_on_this_machine():
    with open_port(None) as first, open_port(None) as second:
        assert first.getsockname()[0] == second.getsockname()[0] == "127.0.0.1"
        assert second.getsockname()[1] > first.getsockname()[1] >= 8017


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
