"""The pages of docs/: their code runs and prints what they show, and their formulas can be set."""

import re
from pathlib import Path

import pytest

from listings import agree, outputs, prose

DOCS = Path(__file__).parents[1] / "docs"
ROOMS = ("tutorials", "how-to", "zh")
RUN = sorted([DOCS / "building.md", *(path for room in ROOMS for path in (DOCS / room).rglob("*.md"))])
WRITTEN = sorted([*RUN, *(DOCS / "mathematics").glob("*.md"), *DOCS.glob("*.md")])


def name(path: Path) -> str:
    return str(path.relative_to(DOCS))


@pytest.mark.parametrize("path", RUN, ids=name)
def test_a_page_prints_what_it_shows(path, onelayer):
    for block, shown, printed in outputs(path.read_text(encoding="utf-8"), onelayer):
        assert shown is None or agree(shown.code, printed), (
            f"{name(path)}:{block.line} prints\n{printed}\nand shows\n{shown.code}"
        )


@pytest.mark.parametrize("path", WRITTEN, ids=name)
def test_formulas_can_be_set(path):
    mathml = pytest.importorskip("onelayer.lab.mathml")
    text = re.sub(r"`[^`\n]+`", "", prose(path.read_text(encoding="utf-8")))
    for display, inline in re.findall(r"\$\$(.+?)\$\$|\$([^$]+)\$", text, re.DOTALL):
        mathml.formula(display or inline, bool(display))


@pytest.mark.parametrize("path", WRITTEN, ids=name)
def test_links_to_pages_lead_somewhere(path):
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", prose(path.read_text(encoding="utf-8"))):
        assert (path.parent / target).exists(), target
