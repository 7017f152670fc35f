"""Delimited text of any program is read cell by cell as it was written, or refused with the line and a cure."""

import bz2
import csv
import gzip
import io

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from conftest import held, zstandard
from onelayer import OneLayerError
from onelayer.data import tables
from onelayer.data.reading import AS_FOUND, Reading
from onelayer.data.tables import open_table


def read(tmp_path, content, reading=AS_FOUND, name="t.csv"):
    """Return the names and rows of a file of this content, and the notes on it."""
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    table = open_table(path, reading)
    cells = [column.to_pylist() for column in held(table).columns]
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


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
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


# As programs and people write it


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x;y\n1,5;2,5\n3,5;4,5\n", [["x", "y"], ["1,5", "2,5"], ["3,5", "4,5"]]),
        (
            "ort;x\nMitte, Berlin;1,5\nSüd, Köln;2,5\n",
            [["ort", "x"], ["Mitte, Berlin", "1,5"], ["Süd, Köln", "2,5"]],
        ),
        ("a\tb\nx, y\t1\nz, w\t2\n", [["a", "b"], ["x, y", "1"], ["z, w", "2"]]),
        ("a b\n1 2\n3 4\n", [["a", "b"], ["1", "2"], ["3", "4"]]),
        ("sep=;\na;b\n1;2\n", [["a", "b"], ["1", "2"]]),
        ("a,b\n1,2", [["a", "b"], ["1", "2"]]),
        ("a\n1\n2\n", [["a"], ["1"], ["2"]]),
        ("a\n1\n\n2\n", [["a"], ["1"], ["2"]]),
        ("x\n1,5\n2,5\n", [["x"], ["1,5"], ["2,5"]]),
        ("text\nhello there, you\nbye\n", [["text"], ["hello there, you"], ["bye"]]),
        ("a,b\n", [["a", "b"]]),
        ("a,b\n\n1,2\n\n\n3,4\n\n", [["a", "b"], ["1", "2"], ["3", "4"]]),
        ("country,2019,2020\nA,1,2\n", [["country", "2019", "2020"], ["A", "1", "2"]]),
        ("a,,c\n1,2,3\n", [["a", "column2", "c"], ["1", "2", "3"]]),
        ("a,b,c\n,,\n1,2,3\n", [["a", "b", "c"], [None] * 3, ["1", "2", "3"]]),
        ('a,b\n"",2\n3,""\n', [["a", "b"], ["", "2"], ["3", ""]]),
        ("name,n\nO'Neill,1\n'tis,2\n", [["name", "n"], ["O'Neill", "1"], ["'tis", "2"]]),
        ("a,b\n'x, y',1\n'z, w',2\n", [["a", "b"], ["x, y", "1"], ["z, w", "2"]]),
        ('a,b\n"say ""hi""",1\n', [["a", "b"], ['say "hi"', "1"]]),
        ('a,b\n"say \\"hi\\" twice",1\nz,2\n', [["a", "b"], ['say "hi" twice', "1"], ["z", "2"]]),
        ('path,n\n"C:\\x\\",1\n', [["path", "n"], ["C:\\x\\", "1"]]),
        ('"last, first",n\n"a, b",1\n', [["last, first", "n"], ["a, b", "1"]]),
        ('"two\nlines",n\nx,1\n', [["two\nlines", "n"], ["x", "1"]]),
    ],
)
def test_a_file_is_read_as_a_person_would(tmp_path, text, expected):
    assert read(tmp_path, text)[0] == expected


@pytest.mark.parametrize("cells", [['5" pipe', '6" pipe'], ['5" pipe', "pipe"], ['"pipe', "pipe", 'a "b']])
def test_a_stray_quote_does_not_join_rows(tmp_path, cells):
    text = "item,price\n" + "".join(f"{cell},{i}\n" for i, cell in enumerate(cells))
    assert read(tmp_path, text)[0][1:] == [[cell, str(i)] for i, cell in enumerate(cells)]


def test_quotes_far_below_the_first_lines(tmp_path):
    rows = [
        ["a", "b"],
        *([str(i), "x"] for i in range(30_000)),
        ["1", 'two\nlines, and a "quote"'],
        ["2", "y"],
    ]
    assert read(tmp_path, written(rows))[0] == rows
    text = "".join(f"{i},x\n" for i in range(30_000))
    assert len(read(tmp_path, f'a,b\n{text}1,5" pipe\n2,"pipe\n')[0]) == 30_003


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("Sales 2024\n\na,b\n1,2\n3,4\n", "lines 1 to 2 are skipped ('Sales 2024'): the header is line 3"),
        ("Sales;;\n;;\na;b;c\n1;2;3\n4;5;6\n", "lines 1 to 2 are skipped ('Sales'): the header is line 3"),
        (
            "# made by x, y\n% z\na,b\n1,2\n",
            "lines 1 to 2 are skipped ('# made by x y'): the header is line 3",
        ),
        (
            "No:;12\nTime:;3\n\na;b;c\n1;2;3\n4;5;6\n",
            "lines 1 to 3 are skipped ('No: 12'): the header is line 4",
        ),
        ('"a" "b"\n"r" 1 2\n"s" 3 4\n', "the first column has no name: it has the names of the rows"),
        ("a\tb\nMazda RX4\t1\t2\nFiat\t3\t4\n", "the first column has no name: it has the names of the rows"),
        ("a,b\n1,2,\n3,4,\n", "a separator at the end of each row is left out"),
        ("a;b;c;\n1;2;3\n3;4;5\n", "a separator at the end of the names is left out"),
        ("a|b\n1|2\n", "separator vertical bar"),
    ],
)
def test_what_was_decided_is_said(tmp_path, text, note):
    found, notes = read(tmp_path, text)
    assert note in notes
    header, first = found[0], [cell for cell in found[1] if cell not in ("r", "Mazda RX4")]
    assert [name for name in header if name != "column1"] == ["a", "b", "c"][: len(first)]
    assert first == ["1", "2", "3"][: len(first)]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a,b,c\n1,2,3\n4,5\n6,7,8\n", r"line 3 (row 2) has 2 cells where there are 3 columns; mend the row"),
        ("a,b\n\n1,2\n\n\n3\n", "line 6 (row 2) has 1 cell "),
        ("a,b\r\n\r\n1,2\r\n\r\n\r\n3\r\n", "line 6 (row 2) has 1 cell "),
        ("a,b\r\r1,2\r\r\r3\r", "line 6 (row 2) has 1 cell "),
        ("a,b\n1,2,3\n4,5\n7,8\n", "line 2 (row 1) has 3 cells "),
        ("a,b\n1,2\n3,4\n(2 rows)\n", "line 4 (row 3) has 1 cell "),
        ("a,b\n1,2\n# note\n3,4\n", "if it is a comment, say so with --comment '#'"),
        ('a,b\n"x\ny",1\nz\n', "line 4 has 1 cell "),
        ('a,b\n"Hello there,1\nBye",2\n', 'line 2: does a quote (") begin a cell of several lines'),
        (
            "1,2\n3,4\n",
            "line 1 should have the names of the columns, but has numbers ('1'); say with --header-row",
        ),
        ("anna,2\nbert,4\n", "line 1 should have the names"),
        ("Report, of sales\na,b,c\n1,2,3\n4,5,6\n", "line 1 has 2 cells where most lines have 3"),
        ("a,b\n1,5,2\n3,5,4\n", "line 1 has 2 cells where most lines have 3"),
        ("x    y\n1    2\n10   20\n", "its columns are aligned by several spaces"),
        ("a,a,b\n1,2,3\n", "the column name 'a' stands more than once"),
        ("", "has no rows"),
        ("\n\n\r\n", "has no rows"),
        (b"a,b\n1,\x002\n", "is not a text file: it has bytes of 0"),
        (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(40), "is not a text file"),
        ('{"a": 1}\n{"a": 2}\n', "begins as JSON does"),
        ("<html><table></table></html>\n", "begins as HTML or XML does"),
        ("城市,y\n北京,2\n".encode("utf-16-le")[:-1], ""),
        (gzip.compress(b"a,b\n1,2\n", mtime=0)[:-9], ""),
    ],
)
def test_what_is_not_a_table_is_refused_with_its_line(tmp_path, content, message):
    assert message in refusal(tmp_path, content)


def test_options(tmp_path):
    assert read(tmp_path, "a;b,c\n1;2,3\n", Reading(sep=","))[0] == [["a;b", "c"], ["1;2", "3"]]
    assert read(tmp_path, "1,2\n3,4\n", Reading(header_row=0))[0][0] == ["column1", "column2"]
    assert read(tmp_path, "u,v\nx,y\n1,2\n", Reading(header_row=2))[0] == [["x", "y"], ["1", "2"]]
    assert "line 3 does not begin a row" in refusal(tmp_path, "u,v\nx,y\n\n1,2\n", Reading(header_row=3))
    commented, notes = read(tmp_path, "# top\na,b\n1,#f00\n# mid, dle\n3,x#y\n", Reading(comment="#"))
    assert commented == [["a", "b"], ["1", "#f00"], ["3", "x#y"]]
    assert "2 lines that are comments are left out" in notes
    assert "line 5 (row 2) has 1 cell" in refusal(tmp_path, "a,b\n1,2\n\n# c\n3\n", Reading(comment="#"))
    assert "no encoding called 'klingon'" in refusal(tmp_path, "a,b\n", Reading(encoding="klingon"))
    assert "is not in ascii" in refusal(tmp_path, "ä,b\n", Reading(encoding="ascii"))


def test_wide_tables_and_long_names(tmp_path):
    names = [f"{'x' * 100}{i}" for i in range(3_000)]
    rows = [[str(i * j) for j in range(3_000)] for i in range(20)]
    assert read(tmp_path, written([names, *rows]))[0] == [names, *rows]


def test_what_becomes_too_large_is_refused(tmp_path):
    bomb = gzip.compress(b"a,b\n" + b"0,0\n" * (65 << 20), 1)
    assert "inflates to more than 200 times its size" in refusal(tmp_path, bomb)
    text = "a,b\n1,2\n3," + "x" * (40 << 20) + "\n"
    assert "line 3 is longer than 16 MB" in refusal(tmp_path, text)


@pytest.mark.parametrize(
    "start", ['"two\nlines",n\n', 'a "title\n\nname,n\n', '"title\nname,n\n', "'t,\nname,n\n"]
)
def test_quotes_above_the_rows_do_not_hide_one(tmp_path, start):
    assert read(tmp_path, start + "x,1\ny,2\n")[0][1:] == [["x", "1"], ["y", "2"]]


def test_a_broken_row_far_below_the_first_lines(tmp_path):
    text = "a,b\n" + "1,2\n" * 200_000 + "3\n" + "1,2\n" * 10
    assert "line 200,002 (row 200,001) has 1 cell where there are 2 columns" in refusal(tmp_path, text)


def test_a_file_that_changes_between_passes_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(tables, "HELD", 0)
    path = tmp_path / "t.csv"
    path.write_text("a,b\n" + "1,2\n" * 1_000)
    table = open_table(path)
    assert len(held(table)) == 1_000
    with path.open("a") as file:
        file.write("3,4\n")
    with pytest.raises(OneLayerError, match=r"t\.csv: was changed while it was read"):
        held(table)
