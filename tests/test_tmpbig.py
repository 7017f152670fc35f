"""Delimited text of any program is read cell by cell as it was written, or refused with the line and a cure."""

import bz2
import csv
import gzip
import io

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from conftest import zstandard
from onelayer import OneLayerError
from onelayer.data.reading import AS_FOUND, Reading
from onelayer.data.tables import open_table


def read(tmp_path, content, reading=AS_FOUND, name="t.csv"):
    """Return the names and rows of a file of this content, and the notes on it."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    table = open_table(path, reading)
    cells = [column.to_pylist() for column in table.held().columns]
    return [list(table.columns), *map(list, zip(*cells, strict=True))], table.notes


def refusal(tmp_path, content, reading=AS_FOUND):
    with pytest.raises(OneLayerError) as error:
        read(tmp_path, content, reading)
    assert "\n" not in str(error.value) and "t.csv" in str(error.value)
    return str(error.value).partition("t.csv: ")[2]


HEADER = ["name", "wert", "größe"]
ROWS = [["Köln, Süd", "1.5", "3"], ['5" pipe', "-2", "4"], ["two\nlines", "3e5", "5"], ["a;b|c\td", "0", "6"]]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "utf-32"]
COMPRESSIONS = {"plain": bytes, "gzip": gzip.compress, "zstd": zstandard, "bz2": bz2.compress}


def written(rows, encoding="utf-8", **dialect):
    """Return rows as Python's csv module writes them."""
    file = io.StringIO(newline="")
    csv.writer(file, **dialect).writerows(rows)
    return file.getvalue().encode(encoding)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
def test_dialects(tmp_path, encoding, separator, end, quoting):
    # Python does not quote a line feed where lines end with carriage returns.
    rows = [[cell.replace("\n", " ") for cell in row] for row in ROWS] if end == "\r" else ROWS
    content = written([HEADER, *rows], encoding, delimiter=separator, lineterminator=end, quoting=quoting)
    assert read(tmp_path, content)[0] == [HEADER, *rows]


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_compressions(tmp_path, compression):
    content = COMPRESSIONS[compression](written([HEADER, *ROWS]))
    found, notes = read(tmp_path, content)
    assert found == [HEADER, *ROWS]
    assert any(compression in note for note in notes) == (compression != "plain")


def test_chinese_windows(tmp_path):
    rows = [["城市", "面积"], ["北京", "16410"], ["上海", "6340"], ["哈尔滨㐀", "53100"]]
    found, notes = read(tmp_path, written(rows, "gb18030"))
    assert found == rows and "encoding gb18030" in notes


def test_windows_1252_is_not_taken_for_latin_1(tmp_path):
    rows = [["Preis €", "x"], ["„Köln“", "1"]]
    found, notes = read(tmp_path, written(rows, "cp1252"))
    assert found == rows and "encoding cp1252" in notes
    assert read(tmp_path, written(rows, "cp1252"), Reading(encoding="cp1252"))[0] == rows


LETTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\x85")
CELLS = st.text(st.one_of(st.sampled_from("ab12.,;|\t \"'\n-"), LETTERS), max_size=8)
NAMES = st.text(st.characters(categories=["Ll", "Lu"]), min_size=2, max_size=8).filter(
    lambda name: not name.isspace() and name.lower() not in ("sep",)
)


@settings(deadline=None, max_examples=4000, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(NAMES, min_size=2, max_size=5, unique=True).flatmap(
        lambda names: st.tuples(
            st.just(names), st.lists(st.lists(CELLS, min_size=len(names), max_size=len(names)), max_size=12)
        )
    ),
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["\n", "\r\n"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.booleans(),
)
def test_what_python_writes_is_read_again(tmp_path, table, separator, end, quoting, encoding, is_small):
    names, rows = table
    assume(not any(all(not cell for cell in row) for row in rows) or quoting != csv.QUOTE_MINIMAL)
    content = written([names, *rows], encoding, delimiter=separator, lineterminator=end, quoting=quoting)
    found = read(tmp_path, content, Reading(sep=separator) if is_small else AS_FOUND)[0]
    assert [[cell or "" for cell in row] for row in found] == [names, *rows]
