"""What a column is follows from all of its cells, by one rule; what it becomes is said, or refused with a cure."""

import datetime
import decimal

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from onelayer import OneLayerError, open_data
from onelayer.data.columns import FEW, MOST_LEVELS
from onelayer.data.decisions import outlook
from onelayer.data.reading import AS_FOUND, Reading
from onelayer.data.tables import open_table


def profile(cells, reading=AS_FOUND, **others):
    """Return what a column of these cells is, in a table with others."""
    table = open_table(pa.table({"x": pa.array(cells), **others}), reading)
    return table.profiles(table.columns)["x"]


@pytest.mark.parametrize(
    ("cells", "kind"),
    [
        (["1", "2.5", "-3e4", " 7 "], "number"),
        (["1", "+2", "3"], "number"),
        (["1", "NA", "3", "-", "", None], "number"),
        (["0", "0.5", "07"], "number"),
        (["007", "12"], "code"),
        (["9007199254740993", "1"], "code"),
        (["9007199254740993.5", "1"], "number"),
        (["inf", "1"], "number"),
        (["1,5", "2,25"], "number"),
        (["1,234.5", "2,345.0"], "number"),
        (["1.234,5", "2.345,0"], "number"),
        (["1 234,5", "2\u00a0345,0"], "number"),
        (["1'234.5", "2'345.0"], "number"),
        (["1,234", "2,345"], "ambiguous"),
        (["yes", "No", "YES", "n"], "boolean"),
        (["true", "false", "NA"], "boolean"),
        (["ja", "nein"], "boolean"),
        (["是", "否"], "boolean"),
        (["0", "1"], "number"),
        (["yes", "maybe"], "category"),
        (["2024-01-31", "2024-02-01T10:00:00Z"], "date"),
        (["31.12.2024", "1.1.2025"], "date"),
        (["13/02/2024", "2/3/2024"], "date"),
        (["2024-01-31", "later"], "category"),
        (["1", "2", "3", "four"], "mixed"),
        (["1", "two", "one", "two"], "category"),
        (["nan(9)", "1", "2"], "mixed"),
        (["1_000", "2", "3"], "mixed"),
        (["0x10", "2", "3"], "mixed"),
        (["NA", "NA"], "category"),
        ([None, ""], "empty"),
        (["red", "blue", "red"], "category"),
        (["a", "b", "c"], "text"),
        (["a", "b"], "category"),
    ],
)
def test_the_rule(cells, kind):
    assert profile(cells).kind == kind


def test_a_cell_counts_as_often_as_it_stands():
    assert profile(["1", "x"] * 40).kind == "category"
    found = profile(["1"] * 41 + ["x"] * 40)
    assert found.kind == "mixed" and found.example == (42, "x")


@pytest.mark.parametrize("n", [FEW, FEW + 1])
def test_few_values_may_be_categories_although_most_rows_differ(n):
    cells = [f"name {chr(97 + i)}" for i in range(n)]
    assert profile([*cells, cells[0]]).kind == ("category" if n == FEW else "text")


def test_codes_of_many_rows_are_text_from_a_tenth_of_the_rows_on():
    levels = [f"K{i}" for i in range(21)]
    assert profile(levels * 10).kind == "category"
    assert profile((levels * 10)[:-1]).kind == "text"


def test_the_most_levels():
    cells = [
        f"{a}{b}{c}{d}"
        for a in "abcdefghij"
        for b in "abcdefghij"
        for c in "abcdefghij"
        for d in "abcdefghij"
    ]
    assert len(cells) == MOST_LEVELS
    assert profile(cells * 2).kind == "category"
    assert profile([*cells, "zz"] * 2).kind == "text"


@pytest.mark.parametrize(
    ("cells", "others", "number"),
    [
        (["1,234", "2,345"], {"z": ["0,5", "1,5"]}, [1.234, 2.345]),
        (["1,234", "2,345"], {"z": ["1,234.5", "1.0"]}, [1234, 2345]),
        (["1.234", "2.345"], {"z": ["0,5", "1,5"]}, [1234, 2345]),
        (["1.234", "2.345"], {"z": ["0.5", "1.5"]}, [1.234, 2.345]),
        (["1234", "2345"], {"z": ["0,5", "1,5"]}, [1234, 2345]),
    ],
)
def test_the_other_columns_tell_how_numbers_are_spelled(cells, others, number):
    data = open_data(pa.table({"x": cells, **others, "y": [1, 2]}), "y")
    assert data.train.X[:, 0].tolist() == number


@pytest.mark.parametrize(("mark", "number"), [({"decimal": ","}, 1.234), ({"thousands": ","}, 1234)])
def test_who_reads_may_say_how_numbers_are_spelled(mark, number):
    table = pa.table({"x": ["1,234", "2,345"], "y": [1, 2]})
    with pytest.raises(OneLayerError, match=r"row 1: '1,234' may be a fraction or thousands: .*--decimal"):
        open_data(table, "y")
    assert open_data(table, "y", reading=Reading(**mark)).train.X[0, 0] == number


def test_na_is_a_value_of_a_category_and_missing_elsewhere():
    table = pa.table({"x": ["1", "NA", "3"], "c": ["a", "NA", "a"], "y": [1, 2, 3]})
    data = open_data(table, "y", missing="drop")
    assert data.features == ("x", "c=a") and len(data.train) == 2
    assert "x: 'NA' in 1 rows is a missing value" in data.notes
    assert any(note.startswith("c: 'NA' is a category (1 rows)") for note in data.notes)
    told = open_data(
        table, "y", missing="drop", reading=Reading(na=("NA",)), features=["x", "c"], exclude=["c"]
    )
    assert told.features == ("x",)


def test_spaces_around_cells_do_not_make_levels():
    data = open_data(pa.table({"c": ["a", " a", "b ", "b"], "y": [1, 2, 3, 4]}), "y")
    assert data.features == ("c=b",) and data.train.X.ravel().tolist() == [0, 0, 1, 1]
    chosen = open_data(pa.table({"c": ["a", "b", "c"] * 2, "y": range(6)}), "y", references={"c": "b"})
    assert chosen.features == ("c=a", "c=c") and chosen.train.X[:3].tolist() == [[1, 0], [0, 0], [0, 1]]


@pytest.mark.parametrize(
    ("table", "message"),
    [
        (
            {"x": ["n1", "n2", "n3"], "y": [1, 2, 3]},
            "column 'x', row 1: 'n1' is neither .* --categorical .* --exclude",
        ),
        ({"x": ["1", "2", "3", "four"], "y": [1, 2, 3, 4]}, "row 4: 'four' is not a number, as most .*--na"),
        ({"x": ["2024-01-01", "2024-01-02"], "y": [1, 2]}, "'x' holds dates .*--date-parts .*--date-as days"),
        ({"x": [2**53 + 1, 2], "y": [1, 2]}, "'x' holds integers beyond 2⁵³"),
        ({"x": [b"a", b"b"], "y": [1, 2]}, "'x' is of type binary"),
        ({"x": [[1], [2]], "y": [1, 2]}, "'x' is of type list"),
        ({"x": [{"a": 1}, {"a": 2}], "y": [1, 2]}, "'x' is of type struct"),
        ({"x": [datetime.timedelta(1), None], "y": [1, 2]}, "'x' is of type duration"),
        ({"x": [1, 1], "y": [1, 2]}, "'x': all rows have the same value"),
        ({"x": ["a", "a"], "y": [1, 2]}, "'x': all rows have the same value"),
        ({"x": [1.0, 2.0], "y": ["a", "a"]}, "just one class"),
        ({"x": [1.0, 2.0], "y": [None, None]}, "the target 'y' has no value"),
    ],
)
def test_what_stops(table, message):
    with pytest.raises(OneLayerError, match=message):
        open_data(pa.table(table), "y")


def test_what_is_left_out_is_said():
    text = "".join(f"{i},{i * 7 % 5},3,,{i}\n" for i in range(1, 9))
    data = open_data(_file(text, ",a,b,c,y"), "y")
    assert data.features == ("a",)
    for note in (
        "column 'column1' is left out: a running number without a name",
        "column 'b' is left out: all rows have the same value",
        "column 'c' is left out: no row has a value",
    ):
        assert note in data.notes


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def _file(rows, names):
    with open("t.csv", "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(names + "\n" + rows)
    return "t.csv"


def test_the_outlook_says_what_training_does():
    table = open_table(_file("".join(f"{i},n{i},{'ab'[i % 2]}\n" for i in range(5)), "x,name,kind"))
    profiles = table.profiles(table.columns)
    assert outlook(table, profiles["x"]) == "a feature"
    assert outlook(table, profiles["name"]).startswith("stops: row 1 is 'n0'")
    assert outlook(table, profiles["kind"]) == "1 feature, relative to 'a'"


# Dates


DAYS = st.datetimes(datetime.datetime(1600, 1, 1), datetime.datetime(2400, 1, 1))
SPELLINGS = ["%Y-%m-%d", "%d.%m.%Y", "%Y/%m/%d", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M", "%Y-%m-%d %H:%M:%S"]


@settings(max_examples=100)
@given(st.lists(DAYS, min_size=2, max_size=20), st.sampled_from(SPELLINGS))
def test_parts_of_dates_are_those_of_python(days, spelling):
    parts = ["days", "year", "month", "day", "weekday", "hour"]
    cells = [day.strftime(spelling) for day in days]
    assume(len(set(cells)) > 1)  # else the column is left out
    table = pa.table({"d": cells, "y": range(len(days))})
    X = open_data(table, "y", date_parts=parts).train.X
    read = [datetime.datetime.strptime(day.strftime(spelling), spelling) for day in days]
    expected = [
        [(d - datetime.datetime(1970, 1, 1)) / datetime.timedelta(1), d.year, d.month, d.day] for d in read
    ]
    expected = [[*row, d.weekday(), d.hour] for row, d in zip(expected, read, strict=True)]
    np.testing.assert_allclose(X, expected, rtol=0, atol=1e-9)


def test_typed_dates_are_the_same_as_their_spelling():
    days = [datetime.datetime(2024, 2, 29, 23, 59), datetime.datetime(1969, 12, 31, 1)]
    typed = [
        pa.table({"d": days, "y": [1, 2]}),
        pd.DataFrame({"d": days, "y": [1, 2]}),
        pl.DataFrame({"d": days, "y": [1, 2]}),
        pa.table({"d": [day.isoformat() for day in days], "y": [1, 2]}),
    ]
    found = [open_data(t, "y", date_parts=["days", "weekday", "hour"]).train.X for t in typed]
    for X in found[1:]:
        np.testing.assert_allclose(X, found[0], rtol=1e-15)
    assert found[0][0, 1:].tolist() == [3, 23]


@pytest.mark.parametrize(
    ("cells", "first"), [(["13/02/2024", "02/03/2024"], 2), (["02/13/2024", "03/02/2024"], 3)]
)
def test_a_cell_tells_whether_the_day_comes_first(cells, first):
    X = open_data(pa.table({"d": cells, "y": [1, 2]}), "y", date_parts=["month", "day"]).train.X
    assert X.tolist() == [[2, 13], [3, 2]]


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (["01/02/2024", "03/04/2024"], "does the day or the month come first"),
        (["2024-02-30", "2024-01-01"], "row 1: there is no day '2024-02-30'"),
        (["2023-02-29", "2024-01-01"], "row 1: there is no day '2023-02-29'"),
        (["2024-13-01", "2024-01-01"], "row 1: there is no day '2024-13-01'"),
        (["31.12.2024", "00.01.2024"], "row 2: there is no day '00.01.2024'"),
        (["13/02/2024", "02/13/2024"], "row 2: there is no day"),
        (["2024-01-01 25:00", "2024-01-01"], "row 1: there is no time of day in '2024-01-01 25:00'"),
    ],
)
def test_impossible_dates(cells, message):
    with pytest.raises(OneLayerError, match=message):
        open_data(pa.table({"d": cells, "y": [1, 2]}), "y", date_parts=["days"])


# Types of frames


VALUES = [3, 1, None, 2]
FRAMES = {
    "int8": pa.array(VALUES, pa.int8()),
    "uint64": pa.array(VALUES, pa.uint64()),
    "half": pa.array(np.array([3, 1, np.nan, 2], np.float16)),
    "float": pa.array(VALUES, pa.float32()),
    "decimal": pa.array([None if v is None else decimal.Decimal(v) for v in VALUES], pa.decimal128(9, 2)),
    "string": pa.array([None if v is None else str(v) for v in VALUES], pa.string()),
    "large": pa.array([None if v is None else str(v) for v in VALUES], pa.large_string()),
    "view": pa.array([None if v is None else str(v) for v in VALUES], pa.string_view()),
    "nullable": pd.Series(VALUES, dtype="Int64"),
    "arrow": pd.Series(VALUES, dtype="int64[pyarrow]"),
    "object": pd.Series(VALUES, dtype=object),
    "polars": pl.Series(VALUES),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_numbers_of_any_type(kind):
    column = FRAMES[kind]
    frame = pl.DataFrame if isinstance(column, pl.Series) else pd.DataFrame
    table = pa.table if isinstance(column, pa.Array) else frame
    data = open_data(table({"x": column, "y": [1, 2, 3, 4]}), "y", missing="mean")
    assert data.train.X[[0, 1, 3], 0].tolist() == [3, 1, 2] and np.isnan(data.train.X[2, 0])


LEVELS = ["b", None, "a", "b"]
CATEGORIES = {
    "dictionary": pa.array(LEVELS).dictionary_encode(),
    "view": pa.array(LEVELS, pa.string_view()),
    "pandas": pd.Series(LEVELS, dtype="category"),
    "str": pd.Series(LEVELS, dtype="str"),
    "arrow": pd.Series(LEVELS, dtype="string[pyarrow]"),
    "polars": pl.Series(LEVELS, dtype=pl.Categorical),
    "enum": pl.Series(LEVELS, dtype=pl.Enum(["z", "a", "b"])),
}


@pytest.mark.parametrize("kind", CATEGORIES)
def test_categories_of_any_type(kind):
    column = CATEGORIES[kind]
    frame = pl.DataFrame if isinstance(column, pl.Series) else pd.DataFrame
    table = pa.table if isinstance(column, pa.Array | pa.ChunkedArray) else frame
    data = open_data(table({"x": column, "y": [1, 2, 3, 4]}), "y", missing="drop")
    assert data.features == ("x=b",) and data.train.X.ravel().tolist() == [1, 0, 1]


def test_ordered_categories_keep_their_order():
    columns = {
        "enum": pl.DataFrame(
            {"x": pl.Series(["b", "a", "c"], dtype=pl.Enum(["c", "b", "a", "z"])), "y": [1, 2, 3]}
        ),
        "pandas": pd.DataFrame(
            {"x": pd.Categorical(["b", "a", "c"], ["c", "b", "a", "z"], ordered=True), "y": [1, 2, 3]}
        ),
    }
    for frame in columns.values():
        data = open_data(frame, "y")
        assert data.features == ("x=b", "x=a") and data.train.X.tolist() == [[1, 0], [0, 1], [0, 0]]


def test_numbers_that_are_declared_categories():
    frame = pd.DataFrame({"x": pd.Categorical([10, 9, 100, 9]), "y": [1, 2, 3, 4]})
    assert open_data(frame, "y").features == ("x=10", "x=100")
    floats = pa.table({"x": pa.chunked_array([[1.0, 2.0], [0.5, 1.0]]), "y": [1, 2, 3, 4]})
    assert open_data(floats, "y", categorical=["x"]).features == ("x=1", "x=2")


def test_invalid_utf8_and_damaged_metadata(tmp_path):
    raw = pa.StringArray.from_buffers(2, pa.py_buffer(np.array([0, 1, 2], np.int32)), pa.py_buffer(b"\xffa"))
    table = pa.table({"x": raw, "y": [1.0, 2.0]})
    with pytest.raises(OneLayerError, match="UTF8"):
        open_data(table, "y")
    for metadata in (b"[1", b"[]", b"3", b'{"index_columns": 7}', b"\xff"):
        pq.write_table(
            pa.table({"x": [1, 2], "y": [1, 2]}).replace_schema_metadata({"pandas": metadata}), "t.parquet"
        )
        with pytest.raises(OneLayerError, match=r"t\.parquet: what pandas wrote"):
            open_data("t.parquet", "y")
