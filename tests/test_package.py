"""The package as a whole: what importing costs, what the documents promise."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import onelayer
from listings import listings

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("statement", ["import onelayer", "import onelayer.cli"])
def test_torch_is_not_imported_until_it_is_needed(statement):
    code = (
        f"import sys; {statement}; print([m for m in ('torch', 'matplotlib', 'pyarrow') if m in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_every_public_name_is_there_and_documented():
    for name in onelayer.__all__:
        assert getattr(onelayer, name).__doc__, name
    assert set(onelayer.__all__) <= set(dir(onelayer))
    with pytest.raises(AttributeError, match="nonsense"):
        onelayer.nonsense  # noqa: B018


def test_version_is_the_one_of_the_project_file():
    assert f'version = "{onelayer.__version__}"' in (ROOT / "pyproject.toml").read_text()


def blocks(readme: str) -> list[tuple[str, str]]:
    """Return language and code of a README's blocks without their comments: what both languages share."""
    text = re.sub(r" +# .*$", "", (ROOT / readme).read_text(encoding="utf-8"), flags=re.MULTILINE)
    return [(found.language, found.code) for found in listings(text)]


def test_both_readmes_show_the_same_code():
    english, chinese = blocks("README.md"), blocks("README.zh-CN.md")
    assert english and english == chinese


def test_both_readmes_have_the_same_sections_and_figures():
    sections, figures = [], []
    for readme in ("README.md", "README.zh-CN.md"):
        text = (ROOT / readme).read_text(encoding="utf-8")
        sections.append(re.findall(r"^#+ ", text, re.MULTILINE))
        tables = "".join(line for line in text.splitlines(True) if line.startswith("|"))
        figures.append(re.findall(r"\d[\d.,]*\d|\d", tables))
    assert sections[0] == sections[1]
    assert figures[0] == figures[1]


def test_python_of_the_readme_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for language, code in blocks("README.md"):
        if language == "python":
            exec(compile(code, "README.md", "exec"), {})


def test_commands_of_the_readme_exist():
    code = "\n".join(code for _, code in blocks("README.md"))
    commands = set(re.findall(r"^(?:\.venv/bin/)?onelayer ([a-z]+)", code, re.MULTILINE))
    from onelayer.cli import app

    groups = {group.name for group in app.registered_groups}
    assert commands == groups | {command.callback.__name__ for command in app.registered_commands}
