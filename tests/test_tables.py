"""Tables become the numbers one would write down by hand, and each unusable cell is named."""

import datetime
import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from onelayer import OneLayerError, open_data
from onelayer.data import tables
from onelayer.data.encoding import Column, Encoding
from onelayer.data.tables import open_table

CSV = "size,garden,city,price\n10,true,Bonn,1.5\n20,false,Aachen,2\n30,true,Bonn,3.25\n"
FEATURES = ("size", "garden", "city=Bonn")  # relative to Aachen
X = [[10, 1, 1], [20, 0, 0], [30, 1, 1]]
PRICE = [[1.5], [2.0], [3.25]]


def write(tmp_path, text, name="table.csv"):
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def frame():
    return pd.DataFrame(
        {
            "size": [10, 20, 30],
            "garden": [True, False, True],
            "city": ["Bonn", "Aachen", "Bonn"],
            "price": [1.5, 2.0, 3.25],
        },
        index=[5, 6, 7],
    )


def parquet(tmp_path):
    path = tmp_path / "table.parquet"
    pq.write_table(pa.Table.from_pandas(frame(), preserve_index=False), path)
    return path


@pytest.mark.parametrize(
    "source",
    [
        lambda tmp: write(tmp, CSV),
        lambda tmp: write(tmp, "\ufeff" + CSV),
        lambda tmp: write(tmp, CSV.replace(",", "\t"), "table.tsv"),
        lambda tmp: write(tmp, CSV, "table.CSV"),
        lambda tmp: str(write(tmp, CSV.replace("Bonn", '"Bonn"'))),
        parquet,
        lambda tmp: frame(),
        lambda tmp: frame().astype({"city": "category"}),
        lambda tmp: pl.from_pandas(frame()),
        lambda tmp: pl.from_pandas(frame()).cast({"city": pl.Categorical}),
        lambda tmp: pa.Table.from_pandas(frame(), preserve_index=False),
    ],
    ids=[
        "csv",
        "bom",
        "tsv",
        "upper",
        "quoted",
        "parquet",
        "pandas",
        "category",
        "polars",
        "categorical",
        "arrow",
    ],
)
def test_every_kind_of_table_gives_the_same_numbers(tmp_path, source):
    data = open_data(source(tmp_path), target="price")
    assert data.features == FEATURES
    assert data.train.X.tolist() == X
    assert data.train.y.tolist() == PRICE
    assert data.classes == ()


def test_features_are_taken_in_the_order_asked_for(tmp_path):
    data = open_data(write(tmp_path, CSV), target="price", features=["city", "size"])
    assert data.features == ("city=Bonn", "size")


@pytest.mark.parametrize(
    ("target", "as_classes", "classes", "labels"),
    [
        ("city", False, ("Aachen", "Bonn"), [1, 0, 1]),
        ("garden", False, ("false", "true"), [1, 0, 1]),
        ("size", True, ("10", "20", "30"), [0, 1, 2]),
    ],
)
def test_targets_that_are_classes(tmp_path, target, as_classes, classes, labels):
    data = open_data(write(tmp_path, CSV), target=target, as_classes=as_classes)
    assert data.classes == classes
    assert data.train.y.tolist() == labels


def test_numeric_classes_are_ordered_by_size():
    table = pa.table({"x": [1.0, 2.0, 3.0], "y": [10.0, 9.0, 100.0]})
    assert open_data(table, "y", as_classes=True).classes == ("9", "10", "100")


def test_type_that_changes_after_the_first_block(tmp_path):
    rows = [f"{i},1" for i in range(200_000)] + ["0.5,2"]
    data = open_data(write(tmp_path, "x,y\n" + "\n".join(rows)), target="y")
    assert data.train.X[-1].item() == 0.5 and data.train.X[199_999].item() == 199_999


GAPS = "x,c,y\n1,a,1\n,b,2\n3,,3\nnan,a,4\n"


def test_missing_values_are_an_error_that_counts_them(tmp_path):
    with pytest.raises(OneLayerError) as error:
        open_data(write(tmp_path, GAPS), target="y")
    assert "column 'x' has 2 missing values, the first in row 2" in str(error.value)
    assert "; 'c' has 1; fill them in" in str(error.value)


def test_missing_drop_keeps_complete_rows(tmp_path):
    data = open_data(write(tmp_path, GAPS), target="y", missing="drop")
    assert data.train.X.tolist() == [[1, 0]] and data.train.y.tolist() == [[1.0]]


def test_missing_mean_keeps_gaps_for_the_standardizer(tmp_path):
    data = open_data(write(tmp_path, GAPS), target="y", missing="mean")
    assert np.isnan(data.train.X).tolist() == [
        [False, False],
        [True, False],
        [False, True],
        [True, False],
    ]


def test_a_missing_target_is_not_filled(tmp_path):
    path = write(tmp_path, "x,y\n1,2\n2,\n")
    with pytest.raises(OneLayerError, match="target cannot be filled"):
        open_data(path, target="y", missing="mean")
    assert len(open_data(path, target="y", missing="drop").train) == 1


@pytest.mark.parametrize(
    ("text", "target", "message"),
    [
        ("", "y", "has no rows"),
        ("x,y\n", "y", "has no rows"),
        ("x,y\n1,2\n", "price", "no target column 'price'; it has 'x', 'y'"),
        ("x,y\n1,2\n", None, "which column is to be predicted.*'x', 'y'"),
        ("x,x,y\n1,2,3\n", "y", "'x' stands more than once"),
        ("x,y\n1,2\n1,2,3\n", "y", r"line 3 \(row 2\) has 3 cells where there are 2 columns"),
        (
            "x,y\n1,1\n2,2\nthree,3\n",
            "y",
            "column 'x', row 3: 'three' is not a number, as most .*--na .*--categorical",
        ),
        ("x,y\n1,1\n2,inf\n", "y", "column 'y', row 2: the value is infinite"),
        ("x,y\n1,1\n-inf,2\n", "y", "column 'x', row 2: the value is infinite"),
        ("x,y\n,1\n,2\n", "y", "no column to predict from .*no row has a value"),
        ("d,y\n2020-01-01,1\n2020-01-02,2\n", "y", "column 'd' holds dates .*--date-parts"),
        ("y\n1\n", "y", "no column to predict from"),
        ("x,y\n1,a\n2,a\n", "y", "just one class, 'a'"),
        (
            "id,y\n" + "\n".join(f"n{i},{i}" for i in range(1001)),
            "y",
            "column 'id', row 1: 'n0' is neither .*1,001 of 1,001 rows .*--exclude",
        ),
    ],
)
def test_unusable_tables(tmp_path, text, target, message):
    path = write(tmp_path, text)
    with pytest.raises(OneLayerError, match=message) as error:
        open_data(path, target=target)
    assert "table" in str(error.value)


def test_a_pandas_index_in_a_parquet_file_is_not_a_feature(tmp_path):
    frame().to_parquet(tmp_path / "indexed.parquet")
    assert open_data(tmp_path / "indexed.parquet", "price").features == FEATURES


def test_an_unused_column_of_bytes_does_no_harm(tmp_path):
    table = pa.table({"x": [1, 2], "image": [b"\xff", b"\xfe"], "y": [1, 2]})
    pq.write_table(table, tmp_path / "t.parquet")
    assert open_data(tmp_path / "t.parquet", "y", features=["x"]).features == ("x",)
    with pytest.raises(OneLayerError, match="'image' is of type binary, from which nothing can be learned"):
        open_data(tmp_path / "t.parquet", "y")


@pytest.mark.parametrize(
    ("values", "classes"),
    [
        ([0, 1, None, 1], ("0", "1")),
        (["1", "2", "other", "1"], ("1", "2", "other")),
        ([1.0, 2.0, 10.0, 1.0], ("1", "2", "10")),
    ],
)
def test_classes_among_missing_values_numbers_and_strings(values, classes):
    table = pa.table({"x": [1.0, 2.0, 3.0, 4.0], "y": values})
    data = open_data(table, "y", missing="drop", as_classes=True)
    assert data.classes == classes and len(data.train) == 4 - values.count(None)


def test_features_named_wrongly():
    with pytest.raises(OneLayerError, match="must be a list"):
        open_data(frame(), "price", features="size")
    with pytest.raises(OneLayerError, match="named twice"):
        open_data(frame(), "price", features=["size", "size"])


def test_numbers_in_disguise_are_named(tmp_path):
    cells = ["$1,101", "1,250", "12%", "1.5", "7"]
    path = write(tmp_path, "x,y\n" + "\n".join(f'"{cell}",1' for cell in cells))
    with pytest.raises(
        OneLayerError, match=r"column 'x', row 1: '\$1,101' is neither a number .*--categorical"
    ):
        open_data(path, "y")


def test_codes_that_look_like_numbers_can_be_categories(tmp_path):
    path = write(tmp_path, "zip,month,y\n007,1,1\n07,12,2\n007,2,3\n")
    data = open_data(path, "y", categorical=["zip", "month"])
    assert data.features == ("zip=07", "month=2", "month=12")
    frame = pd.DataFrame({"month": [1, 12, 2], "y": [1, 2, 3]})
    assert open_data(frame, "y", categorical=["month"]).features == ("month=2", "month=12")
    with pytest.raises(OneLayerError, match="no categorical column 'city'"):
        open_data(path, "y", categorical=["city"])


def test_columns_that_cannot_be_categories(tmp_path):
    intervals = pd.DataFrame({"x": pd.cut([1.0, 2.0, 3.0], 2), "y": [1, 2, 3]})
    with pytest.raises(OneLayerError, match=r"'x' is of type .*, from which nothing can be learned"):
        open_data(intervals, "y")
    lists = pa.table({"x": [[1], [2]], "y": [1, 2]})
    with pytest.raises(OneLayerError, match=r"'x' is of type .*, from which nothing can be learned"):
        open_data(lists, "y", categorical=["x"])
    times = pa.table({"x": [datetime.date(2020, 1, 1), datetime.date(2020, 1, 2)], "y": [1, 2]})
    assert open_data(times, "y", categorical=["x"]).features == ("x=2020-01-02",)


def test_semicolons(tmp_path):
    data = open_data(write(tmp_path, "a;b\n1;2\n3;4\n"), target="b")
    assert data.train.X.tolist() == [[1], [3]] and "separator semicolon" in data.notes


def test_numbers_that_are_not_classes(tmp_path):
    with pytest.raises(OneLayerError, match=r"not classes: 1\.5 is not a whole number"):
        open_data(write(tmp_path, CSV), target="price", as_classes=True)


@pytest.mark.parametrize(
    ("text", "features"),
    [
        ("城市,y\n北京,1\n上海,2\n", ("城市=北京",)),
        ("city,y\n北京,1\n上海,2\n", ("city=北京",)),
        ("面积,y\n1,2\n2,3\n", ("面积",)),
    ],
)
def test_chinese_windows(tmp_path, text, features):
    path = tmp_path / "gbk.csv"
    path.write_bytes(text.encode("gbk"))
    data = open_data(path, target="y")
    assert data.features == features and "encoding gb18030" in data.notes


def test_damaged_parquet(tmp_path):
    path = parquet(tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(OneLayerError, match=r"table\.parquet"):
        open_data(path, target="price")


def test_nothing_there(tmp_path):
    with pytest.raises(OneLayerError, match="no data set or file"):
        open_data(tmp_path / "absent.csv", target="y")
    with pytest.raises(OneLayerError, match="bundled are fashion-mnist, houses, synthetic"):
        open_data("cifar")
    with pytest.raises(OneLayerError, match="from list"):
        open_data([1, 2], target="y")


def test_encoding_survives_json():
    city = Column("city", "category", ("Aachen", "Bonn"), "Bonn")
    encoding = Encoding((Column("size"), city, Column("day", "date", parts=("days", "weekday"))), "mean")
    assert Encoding.from_json(json.loads(json.dumps(encoding.to_json()))) == encoding


def test_an_encoding_of_an_earlier_version_has_a_feature_for_each_level():
    columns = [{"name": "size", "categories": None}, {"name": "city", "categories": ["Aachen", "Bonn"]}]
    encoding = Encoding.from_json({"missing": "error", "columns": columns})
    assert encoding.features == ("size", "city=Aachen", "city=Bonn")
    assert encoded(encoding, {"size": [7, 8], "city": ["Bonn", "Aachen"]}) == [[7, 0, 1], [8, 1, 0]]


def encoded(encoding, columns, unknown="error"):
    table = open_table(pa.table(columns))
    profiles = table.profiles(encoding.names, encoding.categories)
    [batch] = table.batches(encoding.names)
    return encoding.encode(batch, profiles, unknown=unknown)[0].tolist()


def test_new_rows_are_encoded_as_the_training_rows_were():
    encoding = Encoding((Column("size"), Column("city", "category", ("Aachen", "Bonn", "Celle"), "Bonn")))
    new = {"city": ["Bonn", "Celle "], "extra": [datetime.date(2020, 1, 1)] * 2, "size": [7, 8]}
    assert encoded(encoding, new) == [[7, 0, 0], [8, 0, 1]]
    with pytest.raises(OneLayerError, match="has no column 'city'; it has 'size'"):
        encoded(encoding, {"size": [7]})
    with pytest.raises(OneLayerError, match="row 1: 'Köln' is not one of the 3 known values"):
        encoded(encoding, {"size": [7], "city": ["Köln"]})
    with pytest.raises(OneLayerError, match="row 1: 'large' is not a number"):
        encoded(encoding, {"size": ["large"], "city": ["Bonn"]})
    ignored = encoded(encoding, {"size": [7, 8], "city": ["Köln", "Bonn"]}, "ignore")
    assert np.isnan(ignored[0][1:]).all() and ignored[1] == [8, 0, 0]


def test_damaged_parquet_is_one_error(tmp_path):
    path = tmp_path / "t.parquet"
    table = pa.table({"x": [1.0, 2.0], "y": [1.0, 2.0]})
    pq.write_table(table.replace_schema_metadata({"pandas": "{no json"}), path)
    with pytest.raises(OneLayerError, match=r"t\.parquet: what pandas wrote about its columns is damaged"):
        open_data(path, "y")
    raw = pa.StringArray.from_buffers(2, pa.py_buffer(np.array([0, 1, 2], np.int32)), pa.py_buffer(b"\xffa"))
    pq.write_table(pa.table({"x": raw, "y": [1.0, 2.0]}), path)
    with pytest.raises(OneLayerError, match=r"t\.parquet: .*UTF8"):
        open_data(path, "y")


@pytest.mark.parametrize("missing", ["error", "mean", "drop"])
@pytest.mark.parametrize(
    "columns", [["x1", "y", "x2"], ["y", "x1", "x2", "city"], ["x1", "x2", "y", "as_text"]]
)
def test_long_tables_are_read_once_where_all_are_numbers(tmp_path, monkeypatch, missing, columns):
    n, r = 5_000, np.random.default_rng(0)
    x1 = [f"{x:.3f}" for x in r.normal(size=n)]
    x2 = [str(x) for x in r.integers(-9, 9, size=n)]
    if missing != "error":
        x1[4_500] = ""
    cells = {
        "x1": x1,
        "x2": x2,
        "y": [f"{y:.2f}" for y in r.normal(size=n)],
        "city": [f"city {i % 3}" for i in range(n)],
        "as_text": ["1"] * (n - 1) + ["1,5"],
    }
    path = tmp_path / "t.csv"
    lines = [",".join(columns), *(",".join(f'"{cells[c][i]}"' for c in columns) for i in range(n))]
    path.write_text("\n".join(lines))
    how = {"missing": missing, "exclude": ["as_text"] if "as_text" in columns else []}
    expected = open_data(path, "y", **how).train
    monkeypatch.setattr(tables, "HELD", 0)
    found = open_data(path, "y", **how).train
    np.testing.assert_array_equal(found.X, expected.X)
    np.testing.assert_array_equal(found.y, expected.y)
