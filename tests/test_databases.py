"""Excel, SQLite, DuckDB, JSON lines, queries, folders and patterns give the rows that are in them."""

import datetime
import gzip
import sqlite3

import duckdb
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import held, zstandard
from onelayer import OneLayerError, open_data
from onelayer.data.reading import AS_FOUND, Reading
from onelayer.data.tables import open_table

NAMES = ["size", "city", "y"]
ROWS = [[10, "Bonn", 1.5], [20, "Ulm", 2.0], [None, "Bonn", 3.25]]


def cells(source, reading=AS_FOUND):
    table = open_table(source, reading)
    return [list(table.columns), *map(list, zip(*(c.to_pylist() for c in held(table).columns), strict=True))]


def workbook(path, *sheets):
    book = openpyxl.Workbook()
    book.remove(book.active)
    for name, rows in sheets:
        sheet = book.create_sheet(name)
        for row in rows:
            sheet.append(row)
    book.save(path)
    return path


def test_excel(tmp_path):
    path = workbook(tmp_path / "t.xlsx", ("first", [NAMES, *ROWS]), ("other", [["a", "b"], [1, 2], [3, 4]]))
    assert cells(path) == [NAMES, *ROWS]
    assert cells(path, Reading(sheet="other")) == [["a", "b"], [1, 2], [3, 4]]
    assert "sheet 'first'; there is also 'other'" in open_table(path).notes
    with pytest.raises(OneLayerError, match="has no sheet 'third'; it has 'first', 'other'"):
        open_table(path, Reading(sheet="third"))


def test_excel_as_people_have_it(tmp_path):
    path = workbook(
        tmp_path / "t.xlsx",
        ("s", [["Sales of 2024"], [], ["day", "n", None], [datetime.date(2024, 1, 2), "5", 1]]),
    )
    table = open_table(path)
    assert table.columns == ("day", "n", "column3") and "1 row of a single cell left out" in table.notes
    assert cells(path)[1] == [datetime.datetime(2024, 1, 2), "5", 1]
    mixed = workbook(tmp_path / "m.xlsx", ("s", [["x", "y"], [1, 1], [2.5, 2], ["n/a", 3]]))
    data = open_data(mixed, "y", missing="drop")
    assert data.train.X.tolist() == [[1], [2.5]]
    empty = workbook(tmp_path / "e.xlsx", ("s", []))
    with pytest.raises(OneLayerError, match="the sheet has no rows"):
        open_table(empty)
    (tmp_path / "no.xlsx").write_bytes(b"PK\x03\x04 something else")
    with pytest.raises(OneLayerError, match=r"no\.xlsx: is not an Excel workbook"):
        open_table(tmp_path / "no.xlsx")


def sqlite(path, **tables):
    with sqlite3.connect(path) as connection:
        for name, rows in tables.items():
            table = name.replace('"', '""')
            connection.execute(f'create table "{table}" ({", ".join(rows[0])})')
            connection.executemany(
                f'insert into "{table}" values ({", ".join("?" * len(rows[0]))})', rows[1:]
            )
    connection.close()
    return path


def test_sqlite(tmp_path):
    path = sqlite(tmp_path / "t.db", sales=[NAMES, *ROWS])
    assert cells(path) == [NAMES, *ROWS]
    sqlite(path, **{'odd "name"': [["a"], [1]]})
    with pytest.raises(
        OneLayerError, match="has several tables; name one with --table: 'sales', 'odd \"name\"'"
    ):
        open_table(path)
    assert cells(path, Reading(table="sales")) == [NAMES, *ROWS]
    assert cells(path, Reading(table='odd "name"')) == [["a"], [1]]
    with pytest.raises(OneLayerError, match="has no table 'x'"):
        open_table(path, Reading(table="x"))
    mixed = sqlite(tmp_path / "m.db", t=[["x", "y"], [1, 1], ["NA", 2], [2.5, 3], [4, 4]])
    assert open_data(mixed, "y", missing="drop").train.X.ravel().tolist() == [1, 2.5, 4]
    (tmp_path / "bad.db").write_bytes(path.read_bytes()[:300])
    with pytest.raises(OneLayerError, match=r"bad\.db: cannot be read"):
        open_table(tmp_path / "bad.db")


def test_duckdb(tmp_path):
    path = tmp_path / "t.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table sales (size integer, city varchar, y double)")
        connection.executemany("insert into sales values (?, ?, ?)", ROWS)
    assert cells(path) == [NAMES, *ROWS]
    with duckdb.connect(str(path)) as connection:
        connection.execute("create table other (a integer)")
        connection.execute("create view totals as select 1 as n, 2 as m")
    with pytest.raises(OneLayerError, match="has several tables"):
        open_table(path)
    assert cells(path, Reading(table="sales")) == [NAMES, *ROWS]
    assert cells(path, Reading(table="totals")) == [["n", "m"], [1, 2]]
    (tmp_path / "bad.duckdb").write_bytes(b"12345678DUCK" + bytes(5000))
    with pytest.raises(OneLayerError, match=r"bad\.duckdb: cannot be opened"):
        open_table(tmp_path / "bad.duckdb")


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard])
def test_json_lines(tmp_path, compress):
    path = tmp_path / ("t.jsonl" + {bytes: "", gzip.compress: ".gz", zstandard: ".zst"}[compress])
    path.write_bytes(compress(b'{"x": 1, "y": 2.5}\n{"x": null, "y": 3}\n{"y": 4, "x": 7}\n'))
    assert cells(path) == [["x", "y"], [1, 2.5], [None, 3.0], [7, 4.0]]


def test_json_lines_that_are_broken(tmp_path):
    path = tmp_path / "t.ndjson"
    path.write_text('{"x": 1}\n{"x": \n')
    with pytest.raises(OneLayerError, match=r"t\.ndjson: .*Malformed JSON .*line") as error:
        open_table(path)
    assert "\n" not in str(error.value)


def test_json_line_of_a_later_type_is_not_lost(tmp_path):
    path = tmp_path / "t.jsonl"
    lines = [f'{{"x": {i}, "y": {i}}}' for i in range(30_000)]
    path.write_text("\n".join([*lines, '{"x": 0.5, "y": 1, "z": 3}']))
    assert cells(path)[0] == ["x", "y", "z"] and cells(path)[-1] == [0.5, 1, 3]


def test_queries(tmp_path):
    pq.write_table(pa.table({"a": [1, 2, 3], "b": [2, 3, 5]}), tmp_path / "t.parquet")
    sql = f"select a, b * 2 as c from '{tmp_path / 't.parquet'}' where a > 1 order by a"
    assert cells(None, Reading(sql=sql)) == [["a", "c"], [2, 6], [3, 10]]
    for wrong in (
        "select nothing",
        "selec 1",
        "drop table t",
        "select 1; select 2",
        f"from '{tmp_path}/no.parquet'",
    ):
        with pytest.raises(OneLayerError, match="the query: ") as error:
            open_table(None, Reading(sql=wrong))
        assert "\n" not in str(error.value)


def test_folders_and_patterns(tmp_path):
    folder = tmp_path / "data"
    (folder / "b").mkdir(parents=True)
    for name, text in (("a.csv", "x,y\n1,2\n"), ("b/c.csv", "y,x\n4,3\n"), (".hidden", "no"), ("_log", "no")):
        (folder / name).write_text(text)
    for source in (folder, f"{folder}/**/*.csv"):
        assert cells(source) == [["x", "y"], ["1", "2"], ["3", "4"]]
    assert "2 files" in open_table(folder).notes
    (folder / "d.csv").write_text("x,z\n1,2\n")
    with pytest.raises(OneLayerError, match=r"d\.csv: has other columns than .*: they differ in 'y', 'z'"):
        open_table(folder)
    with pytest.raises(OneLayerError, match="no file matches"):
        open_table(f"{folder}/*.parquet")
    (folder / "d.csv").write_text("x,y\n1,2\n3\n")
    with pytest.raises(OneLayerError, match=r"d\.csv: line 3 \(row 2\)"):
        held(open_table(folder))


def test_files_of_several_kinds_of_numbers_are_one_table(tmp_path):
    for i, values in enumerate(([1, 2], [0.5, 1.5])):
        pq.write_table(pa.table({"x": values, "y": [1, 2]}), tmp_path / f"{i}.parquet")
    data = open_data(f"{tmp_path}/*.parquet", "y")
    assert data.train.X.ravel().tolist() == [1, 2, 0.5, 1.5]
    pq.write_table(pa.table({"x": ["a", "b"], "y": [1, 2]}), tmp_path / "2.parquet")
    with pytest.raises(
        OneLayerError,
        match=r"2\.parquet: column 'x' is of type string, in the files before it of type double",
    ):
        open_data(f"{tmp_path}/*.parquet", "y")
