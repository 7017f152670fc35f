"""The site's parts that can be wrong without a build being red, and what its own extensions do."""

import importlib
import re
import runpy
import sys
from pathlib import Path

import pytest

from onelayer import cli

DOCS = Path(__file__).parents[1] / "docs"
sys.path.insert(0, str(DOCS.parent / "tools"))

import check_links  # noqa: E402 - in tools/

PAGES = ("data", "d2l", "estimators", "exercises", "inference", "onelayer")
MODULES_WITHOUT_ALL = ("functional", "models", "plots", "training")


@pytest.mark.parametrize("page", PAGES + MODULES_WITHOUT_ALL)
def test_each_public_name_is_in_the_reference(page):
    module = importlib.import_module("onelayer" if page == "onelayer" else f"onelayer.{page}")
    names = getattr(module, "__all__", None) or [
        name
        for name, value in vars(module).items()
        if not name.startswith("_") and callable(value) and value.__module__ == module.__name__
    ]
    words = set(re.findall(r"\w+", (DOCS / f"reference/{page}.rst").read_text(encoding="utf-8")))
    assert set(names) <= words


def test_settings_can_be_read_and_name_what_there_is():
    settings = runpy.run_path(str(DOCS / "conf.py"))
    assert settings["html_math_renderer"] == "mathml"  # MathJax would be asked for elsewhere
    for name in ("commands", "lessons", "mathml", "figures"):
        assert (DOCS / f"_ext/{name}.py").is_file()
    assert all((DOCS / "_static" / name).is_file() for name in settings["html_css_files"])


def test_nothing_of_the_look_is_loaded_from_elsewhere():
    for folder in ("_static", "_templates"):
        for path in DOCS.glob(f"{folder}/**/*.*"):
            assert not re.search(r"https?:|@import", path.read_text(encoding="utf-8")), path


def test_links_that_lead_nowhere_are_found(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub/good.html").write_text('<h2 id="here">x</h2><a href="../index.html#top">up</a>')
    (tmp_path / "index.html").write_text(
        '<body id="top"><a href="sub/good.html#here">1</a><a href="sub/good.html#gone">2</a>'
        '<a href="absent.html">3</a><a href="https://example.org/a">4</a><a href="https://">5</a>'
        '<script src="https://example.org/a.js"></script><img src="data:image/png;base64,AA">'
        '<p style="background: url(absent.png)">6</p>'
    )
    (tmp_path / "a.css").write_text("@font-face { src: url(//example.org/a.woff2) }")
    assert list(check_links.mistakes(tmp_path)) == [
        "index.html: sub/good.html#gone is no place in that page",
        "index.html: absent.html is not there",
        "index.html: https:// is no address",
        "index.html: https://example.org/a.js is loaded from elsewhere",
        "index.html: absent.png is not there",
        "a.css: //example.org/a.woff2 is loaded from elsewhere",
    ]


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A small site with the extensions, and what its build warned of."""
    build = pytest.importorskip("sphinx.cmd.build")
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    (source / "conf.py").write_text(
        f"import sys\nsys.path.insert(0, {str(DOCS / '_ext')!r})\n"
        "extensions = ['myst_parser', 'commands', 'lessons', 'mathml']\n"
        "myst_enable_extensions = ['dollarmath']\nhtml_math_renderer = 'mathml'\n"
    )
    (source / "index.md").write_text(
        "# Title\n\nHere $w^\\top x$ and\n\n$$\\hat y = Xw + b$$\n\nbut $\\nonsense$.\n\n"
        "```{commands}\n```\n\n```{lessons} zh\n```\n"
    )
    assert build.build_main(["-q", "-w", str(site / "warnings"), str(source), str(site)]) == 0
    return (site / "index.html").read_text(encoding="utf-8"), (site / "warnings").read_text(), site


def test_formulas_are_mathml_in_the_projects_font(built):
    page, warnings, site = built
    assert '<math display="block">' in page and page.count("<math") == 2
    assert (site / "_static/math.css").is_file() and (site / "_static/math.woff2").is_file()
    assert re.search(r"index\.md:7: WARNING: the formula .*nonsense.* is not known here", warnings)


def test_all_commands_and_lessons_are_listed(built):
    page, _, _ = built
    for command in cli.app.registered_commands:
        assert f"onelayer {command.callback.__name__}" in page
    assert "onelayer cluster check" in page and "--memory" in page
    assert 'href="lessons/zh/sgd.html"' in page
