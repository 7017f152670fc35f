"""The lab without a browser or a server: the course, what lessons declare, their prose, the site, and export."""

import json
import re
import subprocess
import sys

import nbformat
import numpy as np
import pytest
from nbclient import NotebookClient

from onelayer import OneLayerError, exercises
from onelayer.lab import prose, vocabulary
from onelayer.lab.course import COURSE, HERE, Entry, neighbours
from onelayer.lab.export import export_lessons, jupyter_notebook
from onelayer.lab.interface import _INTERFACE, _WORDS, LANGUAGES
from onelayer.lab.jupyter import show
from onelayer.lab.numbers import filled, shown, typeset
from onelayer.lab.pages import lesson_page, source_of
from onelayer.lab.prose import parts, read_lesson
from onelayer.lab.recording import encoded, key_of, scenes_of
from onelayer.lab.site import write_site
from onelayer.lab.vocabulary import Clock, Number, Scene, encode, several

SLUGS = [entry.slug for entry in COURSE]
SCENES = [
    pytest.param(entry, scene, id=f"{entry.slug}-{scene.name}")
    for entry in COURSE
    for scene in scenes_of(entry)
]
PLACE = re.compile(r"\{\{([\w.]+)(?::[^{}]*)?\}\}")

# The course


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


@pytest.mark.parametrize("words", [_WORDS, _INTERFACE])
def test_each_word_of_the_interface_is_there_in_both_languages(words):
    assert all(set(texts) == set(LANGUAGES) and all(texts.values()) for texts in words.values())


# What lessons declare


@pytest.mark.parametrize("entry", COURSE, ids=lambda entry: entry.slug)
def test_a_lesson_is_declared_in_few_lines(entry):
    assert len((entry.folder / "lesson.py").read_text(encoding="utf-8").splitlines()) <= 150


@pytest.mark.parametrize(("entry", "scene"), SCENES)
def test_a_scene_has_at_most_four_controls_and_two_pictures(entry, scene):
    assert sum(not isinstance(control, Number) or control.slider for control in scene.controls) <= 4
    assert len(several(scene.pictures)) <= 2
    names = {control.name for control in scene.controls}
    assert scene.run is None or set(scene.run.reads) <= names
    if scene.code and scene.code.steps:
        assert any(isinstance(control, Clock) for control in scene.controls)


@pytest.mark.parametrize(("entry", "scene"), SCENES)
def test_lit_lines_are_in_the_listing(entry, scene):
    if scene.code is None:
        return
    lines = "\n".join(source_of(name, bare=True) for name in scene.code.of).splitlines()
    for step in scene.code.steps:
        assert any(step.line in line for line in lines), step.line


@pytest.mark.parametrize("slug", SLUGS)
def test_each_lesson_has_something_to_grab_to_predict_and_to_do(slug):
    scenes = scenes_of(next(entry for entry in COURSE if entry.slug == slug))
    assert any(scene.ask for scene in scenes)
    if slug != "review":
        assert any(several(scene.missions) for scene in scenes)
        assert any(held(scene) for scene in scenes)


def held(scene: Scene) -> bool:
    """Whether a hand can grab something in a scene's pictures."""
    return any(
        isinstance(picture, vocabulary.Drawing)
        or getattr(picture, "turn", "")
        or getattr(picture, "pick", "")
        or any(isinstance(mark, vocabulary.Handle) for mark in getattr(picture, "marks", ()))
        for picture in several(scene.pictures)
    )


# Prose


def used_words(entry: Entry) -> set[str]:
    """Return the words that a lesson's declaration names."""
    used: set[str] = set()

    def label(name: str) -> str:
        used.add(name)
        return name

    for scene in scenes_of(entry):
        encode(scene, label)
    return used


@pytest.mark.parametrize("entry", COURSE, ids=lambda entry: entry.slug)
def test_prose_has_the_scenes_and_the_words_and_no_others(entry):
    lesson = read_lesson(entry.slug, "en")
    assert list(lesson.sections) == [scene.name for scene in scenes_of(entry)]
    used = used_words(entry)
    assert used <= set(lesson.labels)
    files = [entry.folder / "lesson.py", *entry.folder.parent.glob("*/*.py")]
    code = "".join(path.read_text(encoding="utf-8") for path in files)
    for name in set(lesson.labels) - used:  # a word in an outcome, or one whose name is put together
        assert f'"{name}"' in code or name.partition("-")[2] in code, name


@pytest.mark.parametrize("slug", SLUGS)
def test_both_languages_have_the_same_sections_parts_values_and_labels(slug):
    english, chinese = read_lesson(slug, "en"), read_lesson(slug, "zh")
    assert list(english.sections) == list(chinese.sections)
    assert list(english.labels) == list(chinese.labels)
    for name, section in english.sections.items():
        other = chinese.sections[name]
        assert section.body and other.body, name
        assert bool(section.title) == bool(other.title), name
        values = [set(PLACE.findall(text.body)) for text in (section, other)]
        assert values[0] == values[1], name
        kinds = [[kind for kind, _, _ in parts(text.body)] for text in (section, other)]
        assert kinds[0] == kinds[1], name
    for name, text in english.labels.items():
        places = [sorted(re.findall(r"\{([\w.]+)", words)) for words in (text, chinese.labels[name])]
        assert places[0] == places[1], name


@pytest.mark.parametrize(("entry", "scene"), SCENES)
def test_an_answer_is_hidden_only_where_something_is_asked(entry, scene):
    kinds = [kind for kind, _, _ in parts(read_lesson(entry.slug, "en").section(scene.name).body)]
    assert "answer" in kinds or scene.ask is None
    assert scene.ask is not None or "answer" not in kinds


@pytest.mark.parametrize("slug", SLUGS)
def test_chinese_prose_has_full_width_punctuation(slug):
    text = (read_lesson(slug, "zh").entry.folder / "zh.md").read_text(encoding="utf-8")
    assert re.findall(r"[\u4e00-\u9fff][,;:?!.](?!\w)", text) == []


def test_prose_that_does_not_fit_says_what_is_wrong():
    lesson = read_lesson("sgd", "en")
    with pytest.raises(OneLayerError, match=r"sgd/en.md needs a section named 'nonsense'"):
        lesson.section("nonsense")
    with pytest.raises(OneLayerError, match="a label named 'nonsense'"):
        lesson.label("nonsense")


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


def test_a_section_is_cut_into_text_folds_and_answers():
    found = parts("a\n\n### deeper: Why\nb\n### answer:\nc\n### text:\nd")
    assert found == [("text", "", "a"), ("deeper", "Why", "b"), ("answer", "", "c"), ("text", "", "d")]
    assert parts("### answer:\na") == [("answer", "", "a")]


# Numbers


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


@pytest.mark.parametrize(
    ("value", "spec", "text"),
    [
        (1234.5, ",.1f", "1,234.5"),
        (-0.00002, ".2g", "−2 × 10⁻⁵"),
        (0.257, ".0%", "26%"),
        (3.0, ",d", "3"),
        (None, ".2f", "–"),
        (True, "", "✓"),
        ("a word", ".2f", "a word"),
        (np.float64(2), "", "2"),
    ],
)
def test_values_are_shown_in_their_format(value, spec, text):
    assert shown(value, spec) == text
    assert filled(f"x = {{a.b:{spec}}}!" if spec else "x = {a.b}!", lambda name: value) == f"x = {text}!"


def test_states_have_the_names_that_javascript_gives_them():
    assert (
        key_of(iter([0.1, 1.0, 16, "all", 1e-5, 0.30000000000000004]))
        == "0.1 1 16 all 0.00001 0.30000000000000004"
    )


def test_outcomes_are_json_whatever_numbers_they_have():
    found = encoded({"a": np.arange(3), "b": np.nan, "c": (1.5, -np.inf), "d": np.bool_(True), "e": None})
    assert json.loads(json.dumps(found, allow_nan=False)) == {
        "a": [0, 1, 2],
        "b": {"$": "number", "data": "NaN"},
        "c": [1.5, {"$": "number", "data": "-Infinity"}],
        "d": True,
        "e": None,
    }


# Pages and the site


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("slug", SLUGS)
def test_a_page_is_whole_and_harmless(slug, language):
    page = lesson_page(next(entry for entry in COURSE if entry.slug == slug), language)
    assert page.count('id="lesson"') == 1
    declared = page.split('id="lesson">')[1].split("</script>")[0]
    assert json.loads(declared)["slug"] == slug
    assert not re.findall(r"<script(?![^>]*(?:src=|application/json))", page), "no script stands in the page"
    assert not re.findall(r"<[^>]* (?:style|on\w+)=", page)
    assert not re.findall(r"{{|}}|\$\$|<mtext>\\\\", page.replace(declared, ""))
    outside = re.findall(r'(?:src|href)="(https?:[^"]+)"', page)
    assert all(re.search(f'<a href="{re.escape(address)}"', page) for address in outside), (
        "links lead there, nothing loads"
    )


def test_a_site_is_written_into_an_empty_folder_or_over_an_older_one(tmp_path, monkeypatch):
    monkeypatch.setattr(
        "onelayer.lab.site.contents",
        lambda few, told: iter([("index.html", b"x"), ("static/lesson.js", b"y")]),
    )
    assert {path.name for path in write_site(tmp_path / "new" / "site")} == {"index.html", "lesson.js"}
    write_site(tmp_path / "new" / "site")
    with pytest.raises(OneLayerError, match="holds something else"):
        write_site(tmp_path)
    (tmp_path / "file").write_text("")
    with pytest.raises(OneLayerError, match="file"):
        write_site(tmp_path / "file" / "x")


# Notebooks


@pytest.mark.parametrize(("entry", "scene"), SCENES)
def test_a_scene_is_shown_in_a_notebook_and_what_it_claims_holds(entry, scene):
    """In the state that it begins with; so every field that it names is there."""
    source = show(entry.slug, scene.name, "zh").source
    assert source.count('data-holds="true"') == len(several(scene.claims))
    assert len(re.findall("<svg|<table", source)) >= len(several(scene.pictures))


def test_a_state_that_is_not_the_scenes_is_refused():
    with pytest.raises(OneLayerError, match="walk has no speed; it has lr"):
        show("sgd", "walk", speed=3)


def test_a_check_says_in_a_notebook_what_it_compares_as_a_page_does():
    assert "shortest code ≥ entropy" in show("cross-entropy", "code").source


def test_lessons_are_exported_in_both_languages(tmp_path):
    files = export_lessons(tmp_path / "new" / "folder")
    assert [file.name for file in files] == [
        f"{slug}.{language}.ipynb" for slug in SLUGS for language in LANGUAGES
    ]
    for file in files:
        nbformat.validate(nbformat.read(file, as_version=4))
    assert export_lessons(tmp_path, "zh") == [tmp_path / f"{slug}.zh.ipynb" for slug in SLUGS]


def test_every_exercise_is_a_gap_of_one_lesson():
    cells = [cell["source"] for entry in COURSE for cell in jupyter_notebook(entry, "en")["cells"]]
    for name in exercises.names():
        assert sum(cell.startswith(f"def {name}(") for cell in cells) == 1
        assert sum(cell.startswith(f'exercises.check("{name}", {name}') for cell in cells) == 1


def test_an_exported_lesson_runs_in_jupyter_and_gaps_are_not_done_yet(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    export_lessons(tmp_path, "zh")
    notebook = nbformat.read(tmp_path / "linear-regression.zh.ipynb", as_version=4)
    NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    shown = [str(output.get("data", {}).get("text/html", "")) for output in outputs]
    assert any('data-holds="true"' in html for html in shown)
    assert not any('data-holds="false"' in html for html in shown)
    verdicts = [
        output.data["text/markdown"] for output in outputs if "text/markdown" in output.get("data", {})
    ]
    assert verdicts and all("还没有完成" in verdict for verdict in verdicts)


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


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (("--quick",), "error: --quick goes with --site"),
        (("--site", "a", "--export", "b"), "error: --site and --export are two ways; choose one"),
    ],
)
def test_options_that_do_not_go_together_are_one_clear_line(onelayer, options, error):
    assert onelayer("lab", *options).error == error


def test_without_the_extra_one_line_says_how_to_install_it(onelayer, monkeypatch):
    monkeypatch.setattr(sys.modules["onelayer.cli.lab"], "NEEDED", ("starlette", "no_such_module"))
    assert (
        onelayer("lab").error
        == "error: the lab needs no_such_module; install with: pip install 'onelayer[lab]'"
    )


def test_the_command_line_does_not_import_the_lab_until_it_is_asked_for():
    heavy = "('starlette', 'uvicorn', 'markdown', 'latex2mathml')"
    code = f"import sys, onelayer.cli; print([m for m in sys.modules if m.split('.')[0] in {heavy}])"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_page_is_made_without_pytorch():
    code = (
        "import sys; from onelayer.lab.course import COURSE; from onelayer.lab.pages import lesson_page\n"
        "for entry in COURSE: lesson_page(entry, 'zh', live=True)\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
