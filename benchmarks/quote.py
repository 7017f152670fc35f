"""Puts the figures of RESULTS.md into the tables of the READMEs that name a benchmark.

A row of README.md says what was measured in the very words of the summary, and names the script; its other
cells are the summary's. The rows of README.zh-CN.md are in the same order, and have the same figures.
``tests/test_results.py`` checks both.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
CHINESE = {"slower": "更慢", "the same": "相同", "more": "更多"}


def rows(text: str) -> list[list[str]]:
    """Return the cells of rows that name a benchmark in the second of five cells."""
    found = [
        [cell.strip() for cell in line.strip("| ").split(" | ")]
        for line in text.splitlines()
        if line.startswith("|")
    ]
    return [cells for cells in found if len(cells) == 5 and re.fullmatch(r"`benchmarks/\w+\.py`", cells[1])]


def in_chinese(cell: str) -> str:
    """Return a cell with its words about the ratio in Chinese."""
    value, comma, word = cell.partition(", ")
    return f"{value}，{CHINESE[word]}" if comma and word in CHINESE else cell


def quoted(english: str, chinese: str, results: str) -> tuple[str, str]:
    """Return both READMEs with the figures of the results.

    Raises:
        LookupError: for a row that the summary has not, or READMEs of which one has more rows.
    """
    known = {tuple(cells[:2]): cells[2:] for cells in rows(results)}
    ours, theirs = rows(english), rows(chinese)
    if len(ours) != len(theirs):
        raise LookupError(f"{len(ours)} rows in README.md, {len(theirs)} in README.zh-CN.md")
    for own, other in zip(ours, theirs, strict=True):
        if tuple(own[:2]) not in known:
            raise LookupError(f"RESULTS.md has no row {own[:2]}")
        figures = known[tuple(own[:2])]
        english = english.replace(_line(own), _line([*own[:2], *figures]))
        chinese = chinese.replace(_line(other), _line([*other[:2], *map(in_chinese, figures)]))
    return english, chinese


def _line(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    paths = [ROOT / "README.md", ROOT / "README.zh-CN.md"]
    texts = [path.read_text(encoding="utf-8") for path in (*paths, ROOT / "benchmarks/RESULTS.md")]
    for path, text in zip(paths, quoted(*texts), strict=True):
        path.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
