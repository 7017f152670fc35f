"""The page of a run: whole, self-contained, true to the run, and unmoved by what a table calls its columns."""

import hashlib
import re
from base64 import b64decode
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser
from importlib.resources import files
from io import BytesIO
from itertools import pairwise
from typing import get_args

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from onelayer import Dataset, Rows, Settings, fashion_mnist, houses, open_data, synthetic, train
from onelayer.errors import OneLayerError
from onelayer.reports import Extras, findings, page, words
from onelayer.reports import html as parts
from onelayer.reports.svg import Range, tick_labels
from onelayer.reports.text import clean, number, shortened, width
from onelayer.reports.words import WORDS, Language

HOSTILE = (
    "<script>alert(1)</script>",
    "\u202etxt.exe\x00\x1b[31m",
    "x" * 200,
    "\"' onload='alert(1)",
    "]]>--><![CDATA[",
    "客户年龄" * 20,
)
EMPTY = ("meta", "img", "br", "wbr", "circle", "path", "line")


class Parsed(HTMLParser):
    """A page as a list of elements and the text in them; fails where tags are not properly nested."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in EMPTY:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def of(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@dataclass
class Known:
    """Stands for what inference returns."""

    terms: tuple[str, ...]
    outputs: tuple[str, ...]
    reference: str | None
    estimate: np.ndarray
    std_err: np.ndarray
    level: float = 0.9
    notes: tuple[str, ...] = ("robust <errors>",)
    statistic: np.ndarray = field(init=False)
    p: np.ndarray = field(init=False)
    interval: np.ndarray = field(init=False)

    def __post_init__(self):
        self.statistic = self.estimate / self.std_err
        self.p = np.exp(-np.abs(self.statistic))
        self.interval = self.estimate[..., None] + self.std_err[..., None] * np.array([-2.0, 2.0])


def classes_of(names, features, n=120, seed=0):
    """A table of classes that their features tell apart more or less."""
    r = np.random.default_rng(seed)
    y = np.arange(n) % len(names)
    X = r.normal(size=(n, len(features))) + 0.7 * y[:, None]
    return Dataset("made up", Rows(X, y, "classes"), None, features, "kind", names)


def table_of(target, **more):
    """A table from Python, whose target is a number or a class."""
    r = np.random.default_rng(1)
    X, known = r.normal(size=(150, 4)), r.uniform(size=150)
    score = X @ [2.0, 1.0, 0.0, 0.0] + known + r.logistic(size=150)
    columns = dict(zip(HOSTILE[:4], X.T, strict=True)) | {"y": score, HOSTILE[5]: known}
    columns["kind"] = np.where(score > 1, "yes", "no") if target == "kind" else np.zeros(150)
    return open_data(pa.table(columns), target=target, features=list(HOSTILE[:4]), **more)


@pytest.fixture(scope="module")
def runs():
    r = np.random.default_rng(0)
    exact = Settings(solver="auto")
    pixels = Rows(r.integers(0, 256, (60, 6)).astype(np.uint8), np.arange(60) % 3, "classes", unit=1 / 255)
    images = Dataset("tiny", pixels, pixels, (), "label", ("a", "b", "c"), image_shape=(3, 2))
    many = classes_of(tuple(f"class {i}" for i in range(60)), ("a", "b"), 600)
    hostile = classes_of(HOSTILE[:3], HOSTILE)
    return {
        "houses": train(houses(), exact),
        "houses sgd": train(houses(), Settings(epochs=3)),
        "synthetic": train(synthetic(), Settings(solver="auto", valid=0)),
        "two classes": train(classes_of(("no", "yes"), ("a", "b")), exact),
        "many classes": train(many, exact),
        "images": train(images, Settings(epochs=2)),
        "mlp": train(classes_of(("no", "yes", "?"), ("a", "b")), Settings(model="mlp", epochs=2)),
        "hostile": train(replace(hostile, name=HOSTILE[0], target=HOSTILE[3]), exact),
        "lasso": train(table_of("y", offset=HOSTILE[5]), Settings(cv=3, l1_ratio=1.0)),
        "chosen classes": train(
            table_of("kind", offset=HOSTILE[5]), Settings(cv=3, l1_ratio=0.5, rule="1se")
        ),
    }


NAMES = (
    *("houses", "houses sgd", "synthetic", "two classes", "many classes", "images", "mlp", "hostile"),
    *("lasso", "chosen classes"),
)


@pytest.mark.parametrize("language", get_args(Language))
@pytest.mark.parametrize("name", NAMES)
def test_the_page_is_whole_and_self_contained(runs, name, language):
    source = page(findings(runs[name], Extras(command="onelayer train x")), language)
    assert source == page(findings(runs[name], Extras(command="onelayer train x")), language)
    assert source.startswith("<!DOCTYPE html>") and len(source) < 2_000_000
    parsed = Parsed(source)
    tags = {tag for tag, _ in parsed.elements}
    assert tags.isdisjoint({"script", "link", "iframe", "object", "embed", "form", "base", "a"})
    ids = [attributes["id"] for _, attributes in parsed.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in parsed.elements:
        assert not [key for key in attributes if key.startswith("on") or key in ("href", "style", "srcset")]
        assert (attributes.get("src") or "data:image/png;").startswith("data:image/png;")
    assert "http:" not in source and "https:" not in source and "url(" not in source
    assert "{" not in parsed.text and "nan" not in parsed.text.split()


@pytest.mark.parametrize("name", NAMES)
def test_the_policy_names_the_style_and_nothing_else(runs, name):
    source = page(findings(runs[name]), "en")
    policy = next(m["content"] for m in Parsed(source).of("meta") if "http-equiv" in m)
    style = re.search(r"<style>(.*?)</style>", source, re.S)[1]
    digest = b64decode(re.search(r"style-src 'sha256-([^']+)'", policy)[1])
    assert digest == hashlib.sha256(style.encode()).digest()
    assert "default-src 'none'" in policy and "unsafe" not in policy and "script" not in policy


@pytest.mark.parametrize("name", NAMES)
def test_the_page_can_be_read_with_a_screen_reader(runs, name):
    parsed = Parsed(page(findings(runs[name]), "en"))
    levels = [int(tag[1]) for tag, _ in parsed.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    assert all(th.get("scope") in ("col", "row", "rowgroup") for th in parsed.of("th"))
    assert all(svg["role"] == "img" and svg["aria-label"] for svg in parsed.of("svg"))
    assert all(image["alt"] for image in parsed.of("img"))
    assert parsed.of("html")[0]["lang"] == "en"


def test_numbers_on_the_page_are_those_of_the_run(runs):
    run = runs["houses"]
    found = findings(
        run, Extras(command="onelayer train houses", notes=["12 rows <dropped>"], warnings=["look out"])
    )
    text = Parsed(page(found, "en")).text
    assert f"{run.scores['r2']:.4f}" in text and f"{run.scores['rmse']:,.0f}" in text
    bias, area, age = run.model.bias[0], *run.model.weight[0]
    assert f"price = {bias:,.0f} + {area:.2f} × area − {-age:,.0f} × age" in text.replace(" )", ")")
    assert hashlib.sha256(run.model.to_bytes()).hexdigest() in text
    assert f"NumPy {np.__version__}" in text and "onelayer train houses" in text
    assert "12 rows <dropped>" in text and "look out" in text
    run = runs["images"]
    text = Parsed(page(findings(run), "en")).text
    assert f"{run.scores['test_accuracy']:.4f}" in text and f"{run.scores['train_loss']:.4f}" in text


def test_the_confusion_matrix_adds_up(runs):
    run = runs["two classes"]
    part, rows = run.prepared.judged_by
    found = findings(run)
    counts = found.results.counts
    assert part == "valid" and counts.sum() == len(rows)
    assert counts.trace() / counts.sum() == run.scores["valid_accuracy"]
    predicted = run.model.outputs(rows.X).argmax(axis=1)
    assert counts[0, 1] == ((rows.y == 0) & (predicted == 1)).sum()


def test_coefficients_are_shown_with_what_is_known_of_them(runs):
    run = runs["houses"]
    estimate = np.array([[run.model.bias[0], *run.model.weight[0]]])
    known = Known(
        ("(intercept)", "area", "age"), ("price",), None, estimate, np.array([[100.0, np.nan, 2.5]])
    )
    deviation = run.prepared.dataset.train.X.std(axis=0)
    group = findings(run, Extras(coefficients=known)).groups[0]
    assert [term.name for term in group.terms] == [None, "area", "age"], "the bias, then the largest effect"
    assert [term.effect for term in group.terms[1:]] == pytest.approx(run.model.weight[0] * deviation)
    source = page(findings(run, Extras(coefficients=known)), "en")
    text = Parsed(source).text
    assert "90% from" in text and "robust <errors>" in text
    assert number(estimate[0, 2] - 5) in text and number(estimate[0, 2] + 5) in text
    assert "–" in text, "no standard error of the area"


def test_coefficients_of_classes_are_relative_to_one(runs):
    run = runs["hostile"]
    names, features = run.model.classes, run.model.features
    estimate = np.arange(1.0, 15.0).reshape(2, 7)
    known = Known(("(intercept)", *features), names[1:], names[0], estimate, np.ones((2, 7)))
    found = findings(run, Extras(coefficients=known))
    assert [group.output for group in found.groups] == list(names[1:])
    assert "relative to the class <script>" in Parsed(page(found, "en")).text.replace("class  <", "class <")


def test_rows_without_others_to_judge_by_are_not_called_out_of_sample(runs):
    found = findings(runs["synthetic"])
    assert found.judged_by == "train" and all(score.interval is None for score in found.scores)
    assert "--valid 0.2" in page(found, "en") and "--valid 0.2" in page(found, "zh")


def test_folds_come_first_and_are_summarised(runs):
    folds = [{"r2": 0.5, "rmse": 3.0}, {"r2": 0.7, "rmse": 5.0}]
    found = findings(runs["houses"], Extras(folds=folds))
    first = found.scores[0]
    assert (first.name, first.part, first.value, first.interval) == (
        "r2",
        "folds",
        pytest.approx(0.6),
        (0.5, 0.7),
    )
    assert "cross-validation in 2 parts" in Parsed(page(found, "en")).text


def test_warnings_that_follow_from_the_data():
    r = np.random.default_rng(0)
    few = Rows(r.normal(size=(30, 5)), r.normal(size=30))
    far = Rows(r.normal(size=(30, 5)) + 9 * np.eye(5)[1], r.normal(size=30))
    data = Dataset("d", few, far, tuple("abcde"), "y", ())
    found = findings(train(data, Settings(solver="auto")))
    assert found.is_scarce and found.rows_per_coefficient == 5
    assert [column.feature for column in found.columns if column.is_large] == ["b"]
    warnings = Parsed(page(found, "en")).text
    assert "5.0 for each coefficient" in warnings and "more than by chance: b ." in warnings.replace(
        "b.", "b ."
    )
    plenty = Rows(r.normal(size=(300, 5)), r.normal(size=300))
    assert not findings(
        train(Dataset("d", plenty, plenty, tuple("abcde"), "y", ()), Settings(solver="auto"))
    ).is_scarce


def test_pictures_take_a_fixed_number_of_points_and_say_so():
    r = np.random.default_rng(0)
    X = r.normal(size=(20_000, 30))
    rows = Rows(X, X[:, 3] ** 2 + r.normal(size=20_000))
    data = Dataset("large", rows, rows, tuple(f"x{i}" for i in range(30)), "y", ())
    found = findings(train(data, Settings(solver="auto")))
    assert found.results.residuals[1].feature == "x3", "the square that the model lacks"
    source = page(found, "en")
    assert source.count("<circle") < 12_000 and len(source) < 1_000_000
    assert "800 of 20,000 points" in source and "of 5,000 rows, chosen at random" in source


def test_rows_without_a_value_are_not_said_to_be_left_out_by_chance():
    r = np.random.default_rng(0)
    a, b = r.normal(size=(2, 400))
    table = pa.table(
        {"a": pa.array(a, mask=np.arange(400) % 4 == 0), "b": b, "y": a + b + r.normal(size=400)}
    )
    run = train(open_data(table, "y", missing="mean"), Settings(solver="auto", valid=0.2))
    found = findings(run)
    along = {one.feature: one for one in found.results.residuals}
    there = int(np.isfinite(run.prepared.judged_by[1].X[:, 0]).sum())
    assert along["a"].points.total == len(along["a"].points.x) == there < 80 == along["b"].points.total
    source = page(found, "en")
    assert source.count("Rows without this feature are left out") == 1 and "chosen at random" not in source


def test_hostile_names_stay_text(runs):
    run = runs["hostile"]
    for language in get_args(Language):
        source = page(findings(run, Extras(notes=HOSTILE, warnings=HOSTILE, command=HOSTILE[0])), language)
        parsed = Parsed(source)
        assert not parsed.of("script")
        assert not [c for c in source if c < " " and c != "\n"] and "\u202e" not in source
        assert HOSTILE[0] in parsed.text and "x" * 200 in source
        titles = {attributes.get("title") for _, attributes in parsed.elements}
        assert {clean(name) for name in HOSTILE if len(name) > 40} <= titles
        longest = max(len(word) for word in parsed.text.replace("…", " ").split())
        assert longest <= max(len(HOSTILE[2]), 64)  # the note, and the SHA-256


def test_many_classes_have_their_most_frequent_mistakes(runs):
    text = Parsed(page(findings(runs["many classes"]), "en")).text
    assert "The most frequent mistakes" in text and "Confusion matrix" not in text
    assert "10 more" in text


def test_images_are_shown_as_they_are():
    pixels = np.arange(6, dtype=np.uint8).reshape(2, 3)
    colours = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    for expected in (pixels, colours):
        np.testing.assert_array_equal(np.asarray(Image.open(BytesIO(parts.png(expected)))), expected)


def test_fashion_mnist_has_templates_and_mistakes():
    data = fashion_mnist()
    small = replace(data, train=data.train.take(slice(0, 2000)), test=data.test.take(slice(0, 500)))
    run = train(small, Settings(epochs=2))
    found = findings(run)
    first = found.results.mistakes[0]
    rows = small.test
    probabilities = run.model.probabilities(rows.X)
    wrong = probabilities.argmax(axis=1) != rows.y
    assert first.probability == probabilities[wrong].max()
    np.testing.assert_allclose(found.results.templates[3].ravel(), run.model.weight[3])
    source = page(found, "zh")
    assert len(Parsed(source).of("img")) == 10 + 20 and len(source) < 5_000_000


def test_a_report_is_of_one_target():
    rows = Rows(np.eye(9), np.ones((9, 2)))
    run = train(Dataset("d", rows, None, (), "y", ()), Settings(solver="auto", valid=0))
    with pytest.raises(OneLayerError, match="predicts 2 numbers"):
        findings(run)


# Words and numbers


def test_both_languages_fill_in_the_same_values():
    for key, (english, chinese) in WORDS.items():
        assert english and chinese, key
        values = [sorted(set(re.findall(r"{(\w+)}", text))) for text in (english, chinese)]
        assert values[0] == values[1] or key == "coefficients.caption", key
        assert not re.search("[\u4e00-\u9fff]", english), key


def test_every_sentence_is_used_on_some_page(runs, monkeypatch):
    used = set()

    class Recorded(dict):
        def __getitem__(self, key):
            used.add(key)
            return super().__getitem__(key)

    monkeypatch.setattr(words, "WORDS", Recorded(WORDS))
    r = np.random.default_rng(0)
    X, far = r.normal(size=(6000, 70)), r.normal(size=(6000, 70)) + 2
    large = Dataset("", Rows(X, X[:, 0]), Rows(far, r.normal(size=6000)), tuple(map(str, range(70))), "y", ())
    phm, exact = Settings(model="phm", epochs=1), Settings(solver="auto")
    unpenalised = Rows(X[:400, :3], (X[:400, 0] + r.normal(size=400) > 0).astype(int), "classes")
    for run in (
        train(large, Settings(alpha=1.0, solver="auto")),
        train(
            Dataset("", unpenalised, None, tuple("abc"), "y", ("no", "yes")),
            Settings(C=np.inf, solver="auto"),
        ),
        *runs.values(),
        train(large, Settings(solver="auto")),
        train(classes_of(("no", "yes", "?"), ("a", "b")), phm),
        train(
            open_data(pa.table({"a": [None, 1.0, 2.0, 4.0] * 9, "y": np.arange(36.0)}), "y", missing="mean"),
            exact,
        ),
        train(classes_of(("no", "yes", "?"), tuple("abcdefghi"), 60), Settings(solver="auto", valid=0)),
        train(
            Dataset("", Rows(X[:60, :30], X[:60, 0]), None, tuple(map(str, range(30))), "y", ()),
            Settings(solver="auto"),
        ),
    ):
        page(findings(run, Extras(command="x", notes=["x"] * 60)), "en")
    run = runs["hostile"]
    known = Known(("", *run.model.features), run.model.classes[1:], run.model.classes[0], *np.ones((2, 2, 7)))
    for n_folds in (1, 2):
        page(findings(run, Extras(known, folds=[{"accuracy": 0.5}] * n_folds)), "zh")
    assert WORDS.keys() - used == set()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_can_be_told_from_its_background(scheme):
    """WCAG 2.2 asks for a contrast of 4.5 to 1."""
    style = files("onelayer.reports").joinpath("page.css").read_text()
    light, dark = (
        dict(re.findall(r"--([\w-]+): ([^;]+);", block))
        for block in re.findall(r":root \{(.*?)\}", style, re.S)
    )
    colours = light | (dark if scheme == "dark" else {})

    def rgb(name):
        return np.array([int(colours[name][i : i + 2], 16) for i in (1, 3, 5)]) / 255

    def luminance(colour):
        linear = np.where(colour <= 0.04045, colour / 12.92, ((colour + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    def contrast(a, b):
        low, high = sorted((luminance(a), luminance(b)))
        return (high + 0.05) / (low + 0.05)

    for text, back in (
        ("text", "back"),
        ("text", "panel"),
        ("text", "warn"),
        ("soft", "back"),
        ("soft", "panel"),
    ):
        assert contrast(rgb(text), rgb(back)) >= 4.5
    heat = np.array([int(part) for part in colours["heat"].split()]) / 255
    for share in map(float, re.findall(r"var\(--heat\) / (\d+)%", style)):
        assert contrast(rgb("text"), share / 100 * heat + (1 - share / 100) * rgb("back")) >= 4.5
    for mark in ("first", "second"):  # of a picture: 3 to 1
        assert contrast(rgb(mark), rgb("back")) >= 3


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (0, "0"),
        (12345.6, "12,346"),
        (-0.01234, "−0.01234"),
        (1.5, "1.500"),
        (3.19e-5, "3.190 × 10⁻⁵"),
        (-2.5e12, "−2.500 × 10¹²"),
        (np.nan, "–"),
        (None, "–"),
    ],
)
def test_numbers_in_print(value, expected):
    assert number(value) == expected


def test_names_are_cut_in_their_middle():
    assert shortened("area") == "area"
    assert shortened("a" * 40 + "end").startswith("aaa") and shortened("a" * 40 + "end").endswith("end")
    for name in HOSTILE:
        assert width(shortened(name)) <= 32
    assert clean("a\u202eb\x00") == "a\\u202eb\\x00"
    assert clean("عربى 客户 é 👩‍👩‍👧") == "عربى 客户 é 👩‍👩‍👧"


@pytest.mark.parametrize(
    "ends", [(0, 1), (-3e5, 6e5), (1e-7, 3e-7), (5, 5), (1e12, 1e12 + 1), (-2e15, 3e15), (0, 0)]
)
def test_ticks_are_round_distinct_and_inside(ends):
    scale = Range.of(ends)
    assert scale.low <= min(ends) <= max(ends) <= scale.high
    assert 2 <= len(scale.ticks) <= 9
    labels, _ = tick_labels(scale.ticks)
    assert len(set(labels)) == len(labels)
    assert all(scale.low - 1e-9 <= tick <= scale.high + abs(scale.high) * 1e-9 for tick in scale.ticks)
