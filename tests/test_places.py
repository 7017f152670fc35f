"""Where files are: paths, folders, patterns and addresses of stores, of which that of this machine stands for all."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from onelayer import LinearRegression, OneLayerError, scan
from onelayer.data.places import files_of, is_address, partition_of
from onelayer.data.table_names import stem


@pytest.fixture
def lake(tmp_path):
    """Four files in folders that say something of them, and some that are not data."""
    for i, folder in enumerate(("year=2025/month=1", "year=2025/month=2", "year=2026/month=1")):
        (tmp_path / folder).mkdir(parents=True)
        table = pa.table({"x": [1.0 * i, 2.0, 4.0], "y": [1.0, 2.0 + i, 3.5]})
        pq.write_table(table, tmp_path / folder / "part.parquet")
    (tmp_path / "year=2025/_SUCCESS").touch()
    (tmp_path / "year=2025/month=1/.part.crc").touch()
    return tmp_path


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_files_are_found_in_order(lake, prefix):
    names = ["year=2025/month=1", "year=2025/month=2", "year=2026/month=1"]
    expected = [f"{prefix}{lake}/{name}/part.parquet" for name in names]
    assert files_of(f"{prefix}{lake}") == expected
    assert files_of(f"{prefix}{lake}/*/*/*.parquet") == expected
    assert files_of(f"{prefix}{lake}/year=2025/*/part.parquet") == expected[:2]
    assert files_of(expected[2]) == expected[2:]
    for nothing in ("*/*.parquet", "*.csv", "none", "year=2025/month=3"):
        with pytest.raises(OneLayerError):
            files_of(f"{prefix}{lake}/{nothing}")


@pytest.mark.parametrize("prefix", ["", "file://"])
def test_folders_say_what_all_rows_of_a_file_have(lake, prefix):
    rows = scan(f"{prefix}{lake}", "y")
    assert rows.features == ("x", "year", "month") and len(rows) == 9
    block = rows.gathered()
    assert block.X[:, 1].tolist() == [2025.0] * 6 + [2026.0] * 3
    assert block.X[:, 2].tolist() == [1.0] * 3 + [2.0] * 3 + [1.0] * 3
    assert LinearRegression().fit(rows).coef_.shape == (3,)


def test_a_column_of_the_file_itself_is_taken_before_its_folder(tmp_path):
    for year in (2025, 2026):
        (tmp_path / f"year={year}").mkdir()
        table = pa.table({"year": [1.0, 2.0 * year], "y": [1.0, 2.0]})
        pq.write_table(table, tmp_path / f"year={year}/t.parquet")
    assert scan(tmp_path, "y").gathered().X[:, 0].tolist() == [1.0, 4050.0, 1.0, 4052.0]


@pytest.mark.parametrize(
    ("place", "expected"),
    [
        ("a/year=2026/month=01/f.parquet", {"year": "2026", "month": "01"}),
        ("s3://b/city=K%C3%B6ln/f.parquet", {"city": "Köln"}),
        ("a/x=__HIVE_DEFAULT_PARTITION__/f=1.parquet", {"x": None}),
        ("a/b/f.parquet", {}),
        ("s3://b/y=1/f.parquet?endpoint_override=h/x=2/z", {"y": "1"}),
    ],
)
def test_what_folders_say(place, expected):
    assert partition_of(place) == expected


def test_addresses():
    assert (
        is_address("s3://b/x") and is_address("gs://b") and not is_address("C:/x") and not is_address("s3:/x")
    )
    assert stem("s3://bucket/sales?region=eu&scheme=http") == "sales"
    with pytest.raises(OneLayerError, match=r"s3://b\?scheme=nope: cannot be reached"):
        files_of("s3://b?scheme=nope")
