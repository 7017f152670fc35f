"""A scan of Parquet files is the same rows as their table in memory, in bounded memory."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import sparse

from onelayer.data import tables
from onelayer.data.rows import Rows
from onelayer.data.scanning import scan
from onelayer.errors import OneLayerError
from onelayer.losses import CrossEntropy
from onelayer.penalties import Ridge
from onelayer.solvers.direct import least_squares
from onelayer.solvers.minimise import minimise

NIST = sorted((Path(__file__).parent / "data/nist-strd").glob("*.json"))


@pytest.fixture
def lake(tmp_path):
    """Three files of several row groups, and their rows in memory."""
    generator = np.random.default_rng(0)
    n = 30_000
    frame = pd.DataFrame(
        {
            "year": generator.integers(1990, 2020, n),
            "size": generator.normal(50, 20, n),
            "near": np.float32(generator.normal(3, 1, n)),
            "old": generator.random(n) < 0.3,
            "kind": pd.Series(generator.choice(["a", "b", "ç"], n), dtype="str"),
            "weight": generator.integers(0, 3, n).astype(float),
        }
    )
    frame["price"] = frame["year"] * 0.5 + frame["size"] * 3 + (frame["kind"] == "b") * 40
    frame["price"] += generator.normal(size=n)
    frame["sold"] = np.where(generator.random(n) < 0.4, "no", "yes")
    paths = []
    for i, part in enumerate(np.array_split(np.arange(n), 3)):
        paths.append(tmp_path / f"part{i}.parquet")
        pq.write_table(pa.Table.from_pandas(frame.iloc[part]), paths[-1], row_group_size=4_000)
    kinds = (frame["kind"].to_numpy()[:, None] == np.array(["b", "ç"])).astype(float)
    X = np.c_[frame[["year", "size", "near", "old"]].to_numpy(float), kinds]
    return paths, X, frame


FEATURES = ["year", "size", "near", "old", "kind"]


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("careful", [None, True])
def test_least_squares_of_files_is_that_of_their_rows(lake, weighted, careful):
    paths, X, frame = lake
    rows = scan(paths, "price", FEATURES, weight="weight" if weighted else None)
    assert len(rows) == 30_000 and rows.task == "regression"
    assert rows.made.encoding.features == ("year", "size", "near", "old", "kind=b", "kind=ç")
    c = frame["weight"].to_numpy() if weighted else None
    Y = frame[["price"]].to_numpy()
    found, expected = (
        least_squares(source, careful=careful) for source in (rows, Rows(X, Y, "regression", c))
    )
    assert found.rank == expected.rank == 6
    scale = np.ldexp(1.0, expected.exponent)
    np.testing.assert_allclose(found.weight, expected.weight, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(found.bias, expected.bias, rtol=1e-12)
    np.testing.assert_allclose(found.rss, expected.rss * scale, rtol=1e-10)


@pytest.mark.parametrize("solver", ["newton", "lbfgs", "newton-cg"])
@pytest.mark.parametrize("classes", ["sold", "kind"])
def test_softmax_regression_of_files_has_the_minimum_of_their_rows(lake, solver, classes):
    paths, X, frame = lake
    rows = scan(paths, classes, ["year", "size", "near"], weight="weight")
    y = np.searchsorted(rows.made.target.classes, frame[classes])
    held = Rows(X[:, :3], y, "classes", frame["weight"].to_numpy())
    loss = CrossEntropy(len(rows.made.target.classes))
    found, expected = (minimise(source, loss, Ridge(1.0), solver=solver) for source in (rows, held))
    assert found.converged and expected.converged
    assert abs(found.objective - expected.objective) <= found.gap + expected.gap + 1e-12 * expected.objective


@pytest.mark.parametrize("path", NIST, ids=lambda path: path.stem)
@pytest.mark.parametrize("source", ["rows", "columns first", "csr", "files"])
def test_nist_from_every_source_of_rows(path, source, tmp_path):
    """The same bits as from rows in memory, which are NIST's certified digits."""
    case = json.loads(path.read_text())
    X, y = np.array(case["x"], float), np.array(case["y"], float)[:, None]
    if case["degree"] > 1:
        X = np.hstack([X**k for k in range(1, case["degree"] + 1)])
    names = [f"x{j}" for j in range(X.shape[1])]
    pq.write_table(pa.table([*X.T, y[:, 0]], [*names, "y"]), tmp_path / "t.parquet", row_group_size=5)
    sources = {
        "rows": lambda: Rows(X, y, "regression"),
        "columns first": lambda: Rows(np.asfortranarray(X), y, "regression"),
        "csr": lambda: Rows(sparse.csr_array(X), y, "regression"),
        "files": lambda: scan([tmp_path / "t.parquet"], "y"),
    }
    fit = least_squares(sources[source](), fit_intercept=case["intercept"])
    found = np.r_[fit.bias, fit.weight[0]] if case["intercept"] else fit.weight[0]
    # Rounding NIST's decimals to float64 costs the intercept of norris its fourteenth digit, whatever the solver.
    rtol = 1.2e-14 if path.stem == "norris" else 1e-14
    np.testing.assert_allclose(found, case["certified"]["coefficients"], rtol=rtol)


@pytest.mark.parametrize("least", [1, 30_000, 2**20])
def test_blocks_are_the_rows_in_order_whatever_the_division(lake, least, monkeypatch):
    paths, X, frame = lake
    monkeypatch.setattr("onelayer.data.units.LEAST_UNIT", least)
    rows = scan(paths, "sold", FEATURES)
    assert rows.task == "classes" and rows.made.target.classes == ("no", "yes")
    whole = rows.gathered()
    np.testing.assert_array_equal(whole.X, X)
    np.testing.assert_array_equal(whole.y, (frame["sold"] == "yes").to_numpy())
    assert len(rows.units) == {1: 9, 30_000: 9, 2**20: 1}[least]
    assert np.cumsum([0, *(unit.n for unit in rows.units)]).tolist() == [
        *(unit.start for unit in rows.units),
        30_000,
    ]
    ends = rows.sum(lambda block: [float(len(block)), block.X.sum(axis=0)])
    assert ends[0] == 30_000
    np.testing.assert_allclose(ends[1], X.sum(axis=0))


def test_numbers_as_classes_are_ordered_by_size(lake):
    paths, _, frame = lake
    rows = scan(paths, "year", ["size"], as_classes=True)
    assert rows.made.target.classes == tuple(str(year) for year in range(1990, 2020))
    np.testing.assert_array_equal(rows.gathered().y, frame["year"] - 1990)


def test_what_cannot_be_scanned(lake, tmp_path):
    paths, _, frame = lake
    with pytest.raises(OneLayerError, match="has no target column 'cost'; it has 'year'"):
        scan(paths, "cost")
    with pytest.raises(OneLayerError, match="there are no files"):
        scan([], "price")
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"year": [1.0]}), other)
    with pytest.raises(OneLayerError, match=r"other\.parquet: has other columns"):
        scan([*paths, other], "price")
    times = tmp_path / "times.parquet"
    pq.write_table(pa.table({"day": pd.date_range("2020", periods=3), "y": [1.0, 2, 3]}), times)
    with pytest.raises(OneLayerError, match=r"'day' holds dates, .*--date-parts"):
        scan([times], "y")
    gap = tmp_path / "gap.parquet"
    pq.write_table(pa.table({"x": [1.0, None, 3], "y": [1.0, 2, 3]}), gap)
    with pytest.raises(
        OneLayerError, match=r"gap\.parquet: column 'x' has 1 missing value, the first in row 2"
    ):
        least_squares(scan([gap], "y"))
    (tmp_path / "text.parquet").write_text("no")
    with pytest.raises(OneLayerError, match=r"text\.parquet: cannot be read as Parquet"):
        scan([tmp_path / "text.parquet"], "y")
    damaged = tmp_path / "damaged.parquet"
    content = bytearray(paths[0].read_bytes())
    content[1000:9000] = bytes(8000)
    damaged.write_bytes(content)
    with pytest.raises(OneLayerError, match=r"damaged\.parquet"):
        least_squares(scan([damaged], "price", ["year", "size"]))
    empty = tmp_path / "empty.parquet"
    pq.write_table(pa.Table.from_pandas(frame.iloc[:0]), empty)
    with pytest.raises(OneLayerError, match=r"empty\.parquet: has no rows"):
        scan([empty], "price", ["year"])


@pytest.mark.parametrize("held", [0, 1 << 26])  # bytes: what is kept of a large file is numbers, else Parquet
@pytest.mark.parametrize("missing", ["error", "mean"])
def test_a_scan_of_text_has_its_numbers_to_the_last_bit(tmp_path, monkeypatch, held, missing):
    monkeypatch.setattr(tables, "HELD", held)
    frame = pd.DataFrame(
        np.random.default_rng(0).normal(size=(20_000, 4)) * [1, 1e-9, 1e6, 1], columns=[*"abcy"]
    )
    if missing == "mean":
        frame.loc[::5, "b"] = np.nan
    frame.to_csv(tmp_path / "t.csv", index=False)
    rows = scan(tmp_path / "t.csv", target="y", missing=missing)
    assert (rows.recipe.kept is None) == (held > 0)
    block, X = rows.gathered(), frame[[*"abc"]].to_numpy()
    is_known = ~np.isnan(X)
    np.testing.assert_array_equal(block.X[is_known], X[is_known])
    np.testing.assert_allclose(block.X[~is_known], frame["b"].mean(), rtol=1e-12)
    np.testing.assert_array_equal(block.y[:, 0], frame["y"])
