"""The READMEs quote ``benchmarks/RESULTS.md``: a row that names a benchmark has the figures of its summary."""

import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks/RESULTS.md"


@pytest.fixture(scope="module")
def quote():
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import quote
    finally:
        sys.path.pop(0)
    return quote


def read(name):
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.skipif(not RESULTS.exists(), reason="make bench has not been run")
def test_readmes_have_the_figures_of_the_results(quote):
    english, chinese = read("README.md"), read("README.zh-CN.md")
    assert quote.rows(english)
    assert quote.quoted(english, chinese, read(RESULTS)) == (english, chinese)


def test_no_other_row_names_a_benchmark(quote):
    for name in ("README.md", "README.zh-CN.md"):
        named = [line for line in read(name).splitlines() if line.startswith("|") and "`benchmarks/" in line]
        assert len(named) == len(quote.rows(read(name)))


def test_scripts_that_are_named_exist(quote):
    for _, script, *_ in quote.rows(read("README.md")):
        assert (ROOT / script.strip("`")).exists()


def test_figures_are_replaced_in_both_languages(quote):
    row = "| {} | `benchmarks/x.py` | {} | {} | {} |"
    results = row.format("a fit", "2 s", "1 s, other", "0.5×, slower")
    english, chinese = quote.quoted(row.format("a fit", 1, 1, 1), row.format("一次拟合", 1, 1, 1), results)
    assert english == results
    assert chinese == row.format("一次拟合", "2 s", "1 s, other", "0.5×，更慢")
    assert re.findall(r"[\d.]+", english) == re.findall(r"[\d.]+", chinese)


def test_a_row_that_the_results_have_not_is_an_error(quote):
    with pytest.raises(LookupError, match="no row"):
        quote.quoted("| a | `benchmarks/x.py` | 1 | 1 | 1 |", "| 一 | `benchmarks/x.py` | 1 | 1 | 1 |", "")
