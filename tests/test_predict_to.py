"""Predictions written batch by batch are those of the whole table, beside rows that stay as they are."""

import sqlite3
import subprocess
import sys
import weakref

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import held
from onelayer import (
    LinearRegression,
    Model,
    OneLayerError,
    Settings,
    SoftmaxRegression,
    open_data,
    scan,
    train,
)
from onelayer.data.reading import AS_FOUND, Reading
from onelayer.data.tables import Found, one_table, open_table

EXACT = Settings(solver="auto", valid=0.0)
N = 60


def table_of(n, seed=0):
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "id": [f"00{i}" for i in range(n)],
            "x": generator.normal(size=n).round(4),
            "size": generator.integers(1, 99, n),
            "city": generator.choice(["Bonn", "Köln", "Ulm"], n),
            "off": generator.normal(size=n).round(3),
            "w": generator.integers(1, 4, n),
        }
    )
    noise = generator.normal(size=n)
    frame["y"] = (
        3 + 2 * frame["x"] - 0.1 * frame["size"] + 4 * (frame["city"] == "Ulm") + frame["off"] + noise
    )
    frame["sold"] = np.where(frame["x"] + noise > 0, "no", "yes")
    frame["kind"] = np.array(["a", "b", "c"])[np.digitize(frame["x"] + noise, [-1, 1])]
    return frame


LEARNED = table_of(400)
NEW = table_of(N, 1).drop(columns=["w", "y", "sold", "kind"])  # neither weights nor targets
FEATURES = ["x", "size", "city"]
MODELS = {
    "numbers": {"target": "y"},
    "weights": {"target": "y", "weight": "w"},
    "offset": {"target": "y", "offset": "off"},
    "two classes": {"target": "sold"},
    "two classes with an offset": {"target": "sold", "offset": "off"},
    "classes": {"target": "kind"},
    "formula": {"target": None, "features": None, "formula": "y ~ x * city + log(size)"},
}


def model_of(missing="error", **how):
    how = {"features": FEATURES} | how
    return train(open_data(LEARNED, missing=missing, **how), EXACT).model


@pytest.fixture
def few(monkeypatch):
    """Batches of a few rows, some of which are put together to a row group."""
    monkeypatch.setattr("onelayer.inputs.BATCH_CELLS", 40)
    monkeypatch.setattr("onelayer.data.batches.GROUP_ROWS", 20)
    monkeypatch.setattr("onelayer.data.batches.CSV_ROWS", 3)


def text(folder):
    NEW.to_csv(folder / "t.csv", index=False)
    return folder / "t.csv"


def parquet(folder):
    pq.write_table(pa.Table.from_pandas(NEW), folder / "t.parquet", row_group_size=7)
    return folder / "t.parquet"


def several(folder):
    (folder / "all").mkdir()
    for i, part in enumerate(np.array_split(np.arange(N), 3)):
        pq.write_table(pa.Table.from_pandas(NEW.iloc[part]), folder / f"all/{i}.parquet", row_group_size=9)
    return folder / "all"


def pattern(folder):
    for i, part in enumerate(np.array_split(np.arange(N), 3)):
        NEW.iloc[part].to_csv(folder / f"part-{i}.csv", index=False, sep=";")
    return f"{folder}/part-*.csv"


def frame(_):
    return pa.Table.from_pandas(NEW, preserve_index=False)


def database(folder):
    with sqlite3.connect(folder / "t.sqlite") as connection:
        NEW.to_sql("rows", connection, index=False)
    return folder / "t.sqlite"


SOURCES = [text, parquet, several, pattern, frame, database]


def by_hand(model, frame=NEW):
    """Return the outputs of a model without a formula from its weights and the columns."""
    levels = [feature.partition("=")[2] for feature in model.features if "=" in feature]
    X = np.c_[frame[["x", "size"]].to_numpy(float), frame["city"].to_numpy()[:, None] == np.array(levels)]
    outputs = X @ model.weight.T + model.bias
    if model.classes and len(model.bias) == 1:
        outputs = np.c_[np.zeros(len(outputs)), outputs]
    if model.offset:
        outputs[:, -1] += frame["off"]
    return outputs


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("made", SOURCES)
@pytest.mark.parametrize("how", MODELS)
def test_the_rows_of_any_table_with_what_its_model_says(tmp_path, made, how):
    model, source = model_of(**MODELS[how]), made(tmp_path)
    is_class = bool(model.classes)
    written = model.predict_to(source, tmp_path / "out.parquet", proba=is_class, interval="confidence")
    assert (written.rows, written.unknown, written.missing) == (N, 0, 0)
    found, stored = pq.read_table(tmp_path / "out.parquet"), held(open_table(source))
    assert found.select(stored.column_names).equals(stored)
    name = f"predicted_{model.target}"
    assert found[name].to_pylist() == model.predict(source).tolist()
    if how != "formula":
        outputs = by_hand(model)
        expected = np.array(model.classes, object)[outputs.argmax(axis=1)] if is_class else outputs[:, 0]
        assert found[name].to_pylist() == (
            expected.tolist() if is_class else pytest.approx(expected, abs=1e-12)
        )
    ends = model.predict_interval(source).reshape(N, -1)
    names = [f"p_{c}" for c in model.classes] or [name]
    assert found.column_names == [
        *stored.column_names,
        name,
        *(names if is_class else []),
        *(f"{n}_{end}" for n in names for end in ("low", "high")),
    ]
    assert np.array_equal(np.stack([found[f"{n}_{e}"] for n in names for e in ("low", "high")], 1), ends)
    if is_class:
        assert np.array_equal(np.stack([found[n] for n in names], 1), model.predict_proba(source))


@pytest.mark.parametrize("made", SOURCES)
def test_however_the_rows_are_cut_predictions_are_the_same(tmp_path, made, monkeypatch):
    model, source = model_of(target="kind"), made(tmp_path)
    model.predict_to(source, tmp_path / "whole.csv", proba=True)
    monkeypatch.setattr("onelayer.inputs.BATCH_CELLS", 40)
    model.predict_to(source, tmp_path / "parts.csv", proba=True)
    whole, parts = (pd.read_csv(tmp_path / f"{name}.csv", dtype={"id": str}) for name in ("whole", "parts"))
    pd.testing.assert_frame_equal(whole, parts, rtol=1e-13)


@pytest.mark.usefixtures("few")
def test_the_command_writes_the_same_to_a_file_and_to_standard_output(onelayer, tmp_path):
    source = text(tmp_path)
    model_of(target="y").save(tmp_path / "model.safetensors")
    assert onelayer("predict", "model.safetensors", source, "-o", "out.csv").out == (
        f"wrote {N} predictions to out.csv\n"
    )
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert onelayer("predict", "model.safetensors", source).out.splitlines() == lines
    assert [
        line.rpartition(",")[0] for line in lines
    ] == source.read_text().splitlines()  # as they stand there
    Model.load(tmp_path).predict_to(source, tmp_path / "again.csv")
    assert (tmp_path / "again.csv").read_bytes() == (tmp_path / "out.csv").read_bytes()


GAPS = NEW.assign(
    x=NEW["x"].where(np.arange(N) % 7 != 3), city=NEW["city"].where(np.arange(N) % 11 != 5, "Kiel")
)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("kind", ["csv", "parquet"])
@pytest.mark.parametrize("target", ["y", "kind"])
def test_missing_values_and_unknown_categories(tmp_path, kind, target):
    source, out = tmp_path / f"t.{kind}", tmp_path / "out.parquet"
    GAPS.to_csv(source, index=False) if kind == "csv" else GAPS.to_parquet(source)
    is_missing, is_unknown = np.arange(N) % 7 == 3, np.arange(N) % 11 == 5

    dropping = model_of("drop", target=target)
    written = dropping.predict_to(source, out)
    assert (written.rows, written.unknown) == (N, is_unknown.sum())
    assert written.missing == (is_missing & ~is_unknown).sum()
    found = pq.read_table(out)[f"predicted_{target}"]
    assert (found.is_null().to_numpy() == (is_missing | is_unknown)).all()
    assert found.drop_null().to_pylist() == dropping.predict(source)[~(is_missing | is_unknown)].tolist()
    with pytest.raises(
        OneLayerError, match=r"t\.\w+: column 'city', row 6: 'Kiel' is not one of the 3 known"
    ):
        dropping.predict_to(source, out, unknown="error")

    filling = model_of("mean", target=target)
    written = filling.predict_to(source, out, unknown="ignore")
    assert (written.unknown, written.missing) == (is_unknown.sum(), 0)
    found = pq.read_table(out)[f"predicted_{target}"]
    assert (found.is_null().to_numpy() == is_unknown).all()
    known = GAPS[~is_unknown].fillna({"x": LEARNED["x"].mean()})
    outputs = by_hand(filling, known)
    if target == "y":
        np.testing.assert_allclose(found.drop_null(), outputs[:, 0], rtol=1e-12)
    else:
        assert found.drop_null().to_pylist() == [filling.classes[k] for k in outputs.argmax(axis=1)]

    with pytest.raises(OneLayerError, match=r"t\.\w+: column 'x' has 9 missing values, the first in row 4"):
        model_of(target=target).predict_to(source, out)


def test_a_query_and_one_table_of_several(tmp_path):
    model, source = model_of(target="y"), text(tmp_path)
    with duckdb.connect(tmp_path / "t.duckdb") as connection:
        connection.execute(f"create table a as from '{source}'; create table b as from a limit 5")
    for data, reading, n in (
        (None, Reading(sql=f"from '{source}' where x > 0"), int((NEW["x"] > 0).sum())),
        (tmp_path / "t.duckdb", Reading(table="b"), 5),
    ):
        assert model.predict_to(data, tmp_path / "out.csv", reading=reading).rows == n
        assert len(pd.read_csv(tmp_path / "out.csv")) == n


def test_cells_that_mean_a_missing_value_stay_as_they_stand_in_several_files(tmp_path):
    for i in range(2):
        (tmp_path / f"{i}.csv").write_text("x,size,city\n-9,1,Bonn\n2,-9,Ulm\n3,3,Ulm\n")
    model = model_of("drop", target="y")
    written = model.predict_to(f"{tmp_path}/*.csv", tmp_path / "out.parquet", reading=Reading(na=("-9",)))
    found = pq.read_table(tmp_path / "out.parquet")
    assert written.missing == 4 and found["x"].to_pylist() == ["-9", "2", "3"] * 2
    assert found["predicted_y"].is_null().to_pylist() == [True, True, False] * 2


def test_strings_and_categories_of_several_files_are_one_column(tmp_path):
    words = [pa.array(["Ulm"]), pa.array(["Bonn"]).dictionary_encode(), pa.array(["Köln"], pa.large_string())]
    for i, word in enumerate(words):
        pq.write_table(pa.table({"x": [1.0], "size": [2], "city": word}), tmp_path / f"{i}.parquet")
    model = model_of(target="y")
    model.predict_to(f"{tmp_path}/?.parquet", tmp_path / "out.parquet")
    found = pq.read_table(tmp_path / "out.parquet")
    assert found["city"].to_pylist() == ["Ulm", "Bonn", "Köln"]
    expected = by_hand(model, found.to_pandas())[:, 0]
    np.testing.assert_allclose(found["predicted_y"], expected, rtol=1e-12)


# Failing


def broken_text(folder):
    """A row of too few cells at the end, which is seen when columns are looked at."""
    lines = [*(f"{i},1,Ulm,note" for i in range(N)), "7,1,Ulm"]
    (folder / "t.csv").write_text("x,size,city,note\n" + "\n".join(lines) + "\n")
    return folder / "t.csv", rf"t\.csv: line {N + 2} \(row {N + 1}\) has 3 cells"


def broken_group(folder):
    """A damaged column that is no feature, which is seen when most has been written."""
    path = folder / "t.parquet"
    columns = {"x": np.arange(N) * 1.0, "size": np.ones(N), "city": ["Ulm"] * N}
    pq.write_table(pa.table(columns | {"note": np.random.default_rng(0).random(N)}), path, row_group_size=10)
    chunk = pq.ParquetFile(path).metadata.row_group(5).column(3)
    content, start = bytearray(path.read_bytes()), chunk.dictionary_page_offset or chunk.data_page_offset
    content[start : start + chunk.total_compressed_size] = bytes(chunk.total_compressed_size)
    path.write_bytes(content)
    return path, r"t\.parquet: row group 6 is damaged"


def broken_category(folder):
    """A category that the model does not know, in the last row of the last file."""
    (folder / "all").mkdir()
    for i, last in enumerate(("Ulm", "Kiel")):
        rows = pd.DataFrame({"x": np.arange(N), "size": 1, "city": ["Ulm"] * (N - 1) + [last]})
        rows.to_csv(folder / f"all/{i}.csv", index=False)
    return folder / "all", f"all: column 'city', row {2 * N}: 'Kiel' is not one of"


def broken_time(folder):
    """A time that Python has no form for, in the last row."""
    columns = {"x": np.arange(N) * 1.0, "size": np.ones(N), "city": ["Ulm"] * N}
    days = pa.array([0] * (N - 1) + [2**60], pa.timestamp("s"))
    pq.write_table(pa.table(columns | {"day": days}), folder / "t.parquet")
    return folder / "t.parquet", r"t\.parquet: does not fit into CSV"


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("broken", [broken_text, broken_group, broken_category])
@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_a_broken_last_row_is_named_and_leaves_no_file(tmp_path, broken, name):
    source, message = broken(tmp_path)
    model, folder = model_of(target="y"), tmp_path / "there"
    folder.mkdir()
    with pytest.raises(OneLayerError, match=message):
        model.predict_to(source, folder / name)
    assert not list(folder.iterdir())
    (folder / name).write_text("of yesterday")
    with pytest.raises(OneLayerError, match=message):
        model.predict_to(source, folder / name)
    assert [path.read_text() for path in folder.iterdir()] == ["of yesterday"]


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize("broken", [broken_text, broken_group, broken_category])
def test_a_broken_last_row_leaves_standard_output_empty(onelayer, tmp_path, broken):
    source, _ = broken(tmp_path)
    model_of(target="y").save(tmp_path / "m")
    result = onelayer("predict", "m", source)
    assert result.error and not result.out


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"path": "out.txt"}, r"out\.txt: the name must end in \.csv or \.parquet"),
        ({"path": "no/out.csv"}, r"no/out\.csv: cannot be written \(No such file"),
        ({"proba": True}, "probabilities are for classes"),
        ({"interval": "guess"}, "interval must be confidence or prediction, not 'guess'"),
        ({"interval": "confidence", "level": 95}, "level must be"),
        (
            {"source": NEW.assign(predicted_y=0)},
            "the table: already has a column 'predicted_y'; rename or drop",
        ),
        ({"source": NEW.iloc[:0]}, "the table: has no rows"),
        ({"source": NEW.drop(columns="x")}, "the table: has no column 'x'"),
    ],
)
def test_what_cannot_be_written(tmp_path, monkeypatch, how, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(OneLayerError, match=message):
        model_of(target="y").predict_to(**{"source": NEW, "path": "out.csv"} | how)
    assert not list(tmp_path.iterdir())


def test_a_row_that_overflows_is_called_by_its_number_in_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr("onelayer.inputs.BATCH_CELLS", 4)
    huge = model_of("drop", target="y", features=["x"])
    object.__setattr__(huge, "weight", np.array([[1e300]]))
    for x in ([1.0, None, 2, None, 3, 1e20], [None] * 5 + [1e20]):
        with pytest.raises(OneLayerError, match="the table: row 6: a feature is missing or too large"):
            huge.predict_to(pd.DataFrame({"x": x}, dtype=float), tmp_path / "out.csv")


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_a_full_disk_is_one_line(tmp_path, name):
    """A file-size limit, as far as a program can see, is a disk that is full after so many bytes."""
    model_of(target="y").save(tmp_path / "m")
    table_of(5_000, 2).to_csv(tmp_path / "t.csv")
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000));"
    command = limit + "from onelayer.cli import main; main()"
    result = subprocess.run(
        [sys.executable, "-c", command, "predict", "m", "t.csv", "-o", name],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert (result.returncode, result.stderr) == (1, f"error: {name}: cannot be written (File too large)\n")
    assert {path.name for path in tmp_path.iterdir()} == {"m", "t.csv"}


# Memory


class Counted:
    """A table of many batches that knows how many of them are alive."""

    def __init__(self, batches=200, rows=100):
        self.alive = self.most = 0
        self.sizes = [rows] * batches

    def _column(self, values):
        """Return an Arrow array in memory of NumPy's, which tells when it goes."""
        self.alive += 1
        weakref.finalize(values, self._gone)
        return pa.Array.from_buffers(pa.float64(), len(values), [None, pa.py_buffer(values)])

    def _gone(self):
        self.alive -= 1

    def table(self):
        def read(places, _=()):
            generator = np.random.default_rng(0)
            for n in self.sizes:
                self.most = max(self.most, self.alive)
                yield pa.RecordBatch.from_arrays(
                    [self._column(generator.normal(size=n)) for _ in places], list("xy")[: len(places)]
                )

        return one_table([Found("counted", ["x", "y"], [pa.float64()] * 2, read)])


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
@pytest.mark.parametrize("batches", [50, 400])
def test_as_many_rows_are_in_memory_however_many_there_are(tmp_path, monkeypatch, name, batches):
    model, counted = model_of(target="y", features=["x"]), Counted(batches)
    monkeypatch.setattr("onelayer.inputs.open_table", lambda *_: ("counted", counted.table()))
    monkeypatch.setattr("onelayer.inputs.BATCH_CELLS", 600)  # 300 rows
    monkeypatch.setattr("onelayer.data.batches.GROUP_ROWS", 500)
    assert model.predict_to("counted.csv", tmp_path / name).rows == 100 * batches
    assert counted.most <= 2 * 12  # columns of batches of 100 rows: two row groups, and what comes next
    assert counted.alive <= 2 * 12


# Estimators


@pytest.fixture
def lake(tmp_path, monkeypatch):
    monkeypatch.setattr("onelayer.data.units.LEAST_UNIT", 50)
    LEARNED["number"] = LEARNED["kind"].map({"a": 3, "b": 5, "c": 9})
    pq.write_table(pa.Table.from_pandas(LEARNED), tmp_path / "t.parquet", row_group_size=30)
    return tmp_path / "t.parquet"


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
@pytest.mark.parametrize(
    ("target", "offset"), [("y", None), ("y", "off"), ("kind", None), ("number", None), ("sold", "off")]
)
def test_estimators_write_what_they_predict_for_a_scan(lake, tmp_path, name, target, offset):
    rows = scan(lake, target, FEATURES, as_classes=target == "number", offset=offset)
    assert len(rows.units) > 2
    is_class = target != "y"
    model = (SoftmaxRegression() if is_class else LinearRegression()).fit(rows)
    model.predict_to(rows, tmp_path / name, **({"proba": True} if is_class else {}))
    read = pd.read_csv if name.endswith("csv") else pd.read_parquet
    found = read(tmp_path / name)
    expected = model.predict(rows)
    if not is_class:
        np.testing.assert_array_equal(found.pop("predicted_y"), expected)
    else:
        assert found.pop(f"predicted_{target}").tolist() == np.asarray(expected).tolist()
        assert found.columns.tolist() == [f"p_{c}" for c in model.classes_]
        np.testing.assert_array_equal(found.to_numpy(), model.predict_proba(rows))
    other = scan(lake, target, ["x"], as_classes=target == "number")
    with pytest.raises(OneLayerError, match="has 1 features"):
        model.predict_to(other, tmp_path / "other.csv")
    with pytest.raises(OneLayerError, match=r"takes the rows of onelayer\.scan, not DataFrame"):
        model.predict_to(LEARNED, tmp_path / "other.csv")
    assert not (tmp_path / "other.csv").exists()


def test_values_that_mean_a_missing_one_are_missing_in_a_scan_of_parquet_too(tmp_path):
    pq.write_table(pa.table({"x": [1.0, -9, 3, 4], "y": [1.0, 2, 3, 4]}), tmp_path / "t.parquet")
    for reading, n in ((AS_FOUND, 4), (Reading(na=("-9",)), 3)):
        assert len(scan(tmp_path / "t.parquet", "y", missing="drop", reading=reading)) == n
