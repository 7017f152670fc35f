"""Scores by sums over batches are those of all rows at once, whoever walks them."""

import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from onelayer import OneLayerError, Settings, open_data, train
from onelayer.data.rows import Rows
from onelayer.data.tables import Found, one_table
from onelayer.diagnostics import ErrorMoments, Near, wilson, z_of
from onelayer.evaluation import evaluate
from onelayer.inputs import labelled_rows, labelled_scan

N = 3_000


def frame_of(seed):
    generator = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "x": generator.normal(size=N),
            "kind": generator.choice(["a", "b", "c"], N),
            "off": generator.normal(size=N).round(3),
        }
    )
    frame["y"] = (
        1e4 + 2 * frame["x"] + 3 * (frame["kind"] == "c") + frame["off"] + generator.exponential(size=N)
    )
    frame["three"] = np.array(["no", "so so", "yes"])[
        np.digitize(frame["x"] + generator.normal(size=N), [-1, 1])
    ]
    frame["two"] = np.where(frame["x"] + frame["off"] + generator.normal(size=N) > 0, "no", "yes")
    return frame


LEARNED, NEW = frame_of(0), frame_of(1)
GAPS = NEW.assign(
    x=NEW["x"].where(np.arange(N) % 7 != 3),
    kind=NEW["kind"].where(np.arange(N) % 11 != 5, "unknown"),
    y=NEW["y"].where(np.arange(N) % 13 != 5),
    three=NEW["three"].where(np.arange(N) % 13 != 5),
)


def model_of(target, missing="error", **how):
    data = open_data(LEARNED, target, ["x", "kind"], missing=missing, **how)
    return train(data, Settings(solver="auto", valid=0.0)).model


def written(frame, folder, how):
    """Write a table as text, as Parquet or as several files."""
    if how == "text":
        frame.to_csv(folder / "t.csv", index=False)
        return folder / "t.csv"
    if how == "parquet":
        pq.write_table(pa.Table.from_pandas(frame), folder / "t.parquet", row_group_size=500)
        return folder / "t.parquet"
    (folder / "all").mkdir(exist_ok=True)
    for i, part in enumerate(np.array_split(np.arange(N), 3)):
        pq.write_table(
            pa.Table.from_pandas(frame.iloc[part]), folder / f"all/{i}.parquet", row_group_size=300
        )
    return folder / "all"


def scores_of(model, frame):
    """Return scores and intervals of complete rows by their definitions, all rows at once."""
    target = frame[model.target].to_numpy()
    if not model.classes:
        e, n = model.predict(frame) - target, len(frame)
        spread = np.square(target - target.mean())
        ratio = np.square(e).mean() / spread.mean()
        half = z_of() * np.std(np.square(e) - ratio * spread, ddof=1) / np.sqrt(n) / spread.mean()
        of_square = z_of() * np.std(np.square(e), ddof=1) / np.sqrt(n)
        ends = np.sqrt(np.square(e).mean() + np.array([-of_square, of_square]))
        return {"r2": metrics.r2_score(target, target + e), "rmse": np.sqrt(np.square(e).mean())}, {
            "r2": [1 - ratio - half, 1 - ratio + half],
            "rmse": ends.tolist(),
        }
    is_right = model.predict(frame) == target
    loss = metrics.log_loss(target, model.predict_proba(frame), labels=list(model.classes))
    classes = {
        c: {"rows": (target == c).sum(), "accuracy": is_right[target == c].mean()} for c in model.classes
    }
    scores = {"accuracy": is_right.mean(), "loss": loss, "classes": classes}
    return scores, {"accuracy": wilson(is_right.sum(), len(frame)).tolist()}


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr("onelayer.data.scan.block_rows", lambda d: 128)
    monkeypatch.setattr("onelayer.data.units.LEAST_UNIT", 2_000)


@pytest.mark.parametrize("kind", ["text", "parquet", "several"])
@pytest.mark.parametrize(
    ("target", "how"),
    [("y", {}), ("y", {"offset": "off"}), ("two", {}), ("two", {"offset": "off"}), ("three", {})],
)
def test_scores_of_every_kind_of_table(tmp_path, kind, target, how):
    model = model_of(target, **how)
    source = written(NEW, tmp_path, kind)
    scores, intervals = scores_of(model, NEW)
    for rows in (labelled_rows(model, source), labelled_scan(model, source)):
        found = evaluate(rows, model)
        assert found.rows == N
        assert found.scores.pop("classes", None) == scores.get("classes")
        for name, value in found.scores.items():
            assert value == pytest.approx(scores[name], rel=1e-9)
        for name, ends in intervals.items():
            assert found.intervals[name].tolist() == pytest.approx(ends, rel=1e-9)


@pytest.mark.parametrize("kind", ["text", "parquet", "several"])
@pytest.mark.parametrize("target", ["y", "three"])
def test_rows_that_lack_a_value(tmp_path, kind, target):
    source = written(GAPS, tmp_path, kind)
    dropping = model_of(target, "drop")
    complete = GAPS[GAPS["x"].notna() & GAPS[target].notna() & (GAPS["kind"] != "unknown")]
    scores, _ = scores_of(dropping, complete)
    for rows in (labelled_rows(dropping, source), labelled_scan(dropping, source)):
        found = evaluate(rows, dropping)
        assert found.rows == len(complete)
        for name in {"rmse", "r2", "loss", "accuracy"} & set(scores):
            assert found.scores[name] == pytest.approx(scores[name], rel=1e-9)

    filling = model_of(target, "mean")
    named = GAPS.assign(kind=NEW["kind"])
    source = written(named.assign(**{target: NEW[target]}), tmp_path, kind)
    scores, _ = scores_of(filling, NEW.assign(x=GAPS["x"].fillna(LEARNED["x"].mean())))
    for rows in (labelled_rows(filling, source), labelled_scan(filling, source)):
        found = evaluate(rows, filling)
        assert found.rows == N
        for name in {"rmse", "r2", "loss", "accuracy"} & set(scores):
            assert found.scores[name] == pytest.approx(scores[name], rel=1e-9)
    source = written(named, tmp_path, kind)
    for open_rows in (labelled_rows, labelled_scan):
        with pytest.raises(OneLayerError, match=f"the target '{target}' is missing, first in row 6"):
            evaluate(open_rows(filling, source), filling)
    strict, source = model_of(target), written(GAPS.assign(x=NEW["x"]), tmp_path, kind)
    for open_rows in (labelled_rows, labelled_scan):
        with pytest.raises(OneLayerError, match="'kind', row 6: 'unknown' is not one of the 3 known values"):
            evaluate(open_rows(strict, source), strict)
    with pytest.raises(OneLayerError, match="'x' has 429 missing values, the first in row 4"):
        labelled_scan(strict, written(GAPS, tmp_path, kind))


def test_the_command_says_the_same_with_and_without_a_limit_of_memory(onelayer, tmp_path):
    for target in ("y", "three"):
        model_of(target).save(tmp_path / "m")
        for kind in ("text", "parquet"):
            source = written(NEW, tmp_path, kind)
            plain, far = (
                json.loads(onelayer("evaluate", "m", source, "--json", *limit).out)
                for limit in ((), ("--memory", "400MB"))
            )
            assert far.keys() == plain.keys() and far.get("classes") == plain.get("classes")
            for name in {"r2", "rmse", "accuracy", "loss", "rows"} & set(plain):
                assert far[name] == pytest.approx(plain[name], rel=1e-12)
            for name, ends in plain["intervals"].items():
                assert far["intervals"][name] == pytest.approx(ends, rel=1e-12)
    assert onelayer("evaluate", "m", source, "--memory", "400MB").out == onelayer("evaluate", "m", source).out
    assert "memory must be at least" in onelayer("evaluate", "m", source, "--memory", "1MB").error
    text = written(NEW, tmp_path, "text")
    assert "reads Parquet files" in onelayer("evaluate", "m", text, "--cluster", "local:1").error


def test_what_cannot_be_evaluated(onelayer, tmp_path, idx_folder):
    model = model_of("y", "drop")
    for rows in (labelled_rows, labelled_scan):
        with pytest.raises(OneLayerError, match="no row is complete"):
            evaluate(rows(model, NEW.assign(kind="unknown")), model)
        with pytest.raises(OneLayerError, match="has no target column 'y'"):
            rows(model, NEW.drop(columns="y"))
    assert onelayer("train", idx_folder, "--epochs", 1, "--out", "images").code == 0
    for far in (("--memory", "1GB"), ("--cluster", "local:1")):
        assert "is images, which fit in memory" in onelayer("evaluate", "images", idx_folder, *far).error


def test_as_many_rows_are_in_memory_however_many_there_are(monkeypatch):
    """A batch is made once the last one but one has gone: pyarrow's own count of bytes says so."""
    model, most = model_of("y"), []

    def read(places, _=()):
        start = pa.total_allocated_bytes()
        for _ in range(300):
            most.append(pa.total_allocated_bytes() - start)
            columns = [pa.array(NEW[name].iloc[:100]) for name in ("x", "kind", "y")]
            yield pa.RecordBatch.from_arrays([columns[i] for i in places], ["x", "kind", "y"][: len(places)])

    table = one_table([Found("t", ["x", "kind", "y"], [pa.float64(), pa.string(), pa.float64()], read)])
    monkeypatch.setattr("onelayer.inputs.open_table", lambda *_: ("t", table))
    assert evaluate(labelled_rows(model, "t.csv"), model).rows == 30_000
    assert max(most) < 100_000  # a batch of 100 rows has 2,700 bytes, all of them 800,000


# The sums behind


@given(
    st.integers(0, 10**6),
    st.integers(10, 500),
    st.sampled_from([0.0, 1.0, 1e6]),
    st.sampled_from([1e-3, 1.0, 1e5]),
    st.sampled_from([0.01, 1.0, 30.0]),
)
def test_moments_give_the_intervals_of_all_values(seed, n, level, unit, noise):
    generator = np.random.default_rng(seed)
    y = unit * (level + generator.gamma(1.0, size=n))
    e = unit * noise * generator.normal(size=n)
    near = Near.of(e[:5], y[:5])
    cut = generator.integers(0, n)
    parts = [near.sums(e[part], y[part], np.ones(len(y[part]))) for part in (slice(cut), slice(cut, n))]
    found = ErrorMoments(near, parts[0] + parts[1])
    exact = y - y[0]  # the mean of numbers far from 0 is rounded too much
    spread = np.square(exact - exact.mean())
    ratio = np.square(e).mean() / spread.mean()
    half = z_of() * np.std(np.square(e) - ratio * spread, ddof=1) / np.sqrt(n) / spread.mean()
    of_square = z_of() * np.std(np.square(e), ddof=1) / np.sqrt(n)
    assert found.r2 == pytest.approx(1 - ratio, rel=1e-9, abs=1e-9)
    assert found.r2_interval().tolist() == pytest.approx(
        [1 - ratio - half, min(1, 1 - ratio + half)], rel=1e-9, abs=1e-9
    )
    ends = np.sqrt(np.maximum(np.square(e).mean() + np.array([-of_square, of_square]), 0))
    np.testing.assert_allclose(found.rmse_interval(), ends, rtol=1e-9, atol=1e-9 * unit * noise)


def test_a_first_block_far_from_all_others_costs_no_digits():
    generator = np.random.default_rng(0)
    y, e = generator.normal(size=10**6), generator.normal(size=10**6)
    y[:100] += 1e5
    e[:100] *= 1e4
    near = Near.of(e[:100], y[:100])
    found, expected = ErrorMoments(near, near.sums(e, y, np.ones(len(y)))), ErrorMoments.of(e, y)
    np.testing.assert_allclose(found.r2_interval(), expected.r2_interval(), rtol=1e-9)
    np.testing.assert_allclose(found.rmse_interval(), expected.rmse_interval(), rtol=1e-9)
    assert expected.r2 == pytest.approx(1 - np.square(e).sum() / np.square(y - y.mean()).sum(), rel=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e9 + 0.3, -7e-9])
def test_a_constant_target_has_no_r2(value):
    e = np.random.default_rng(0).normal(size=50)
    found = ErrorMoments.of(e, np.full(50, value))
    assert found.r2 is None and found.r2_interval() is None
    assert found.rmse_interval() is not None


def test_weights_count_as_rows_do():
    model, c = model_of("y"), np.arange(N) % 4
    X = np.c_[NEW["x"], NEW["kind"] == "b", NEW["kind"] == "c"].astype(float)
    weighted = evaluate(Rows(X, NEW["y"], "regression", c), model)
    repeated = evaluate(Rows(np.repeat(X, c, axis=0), np.repeat(NEW["y"], c), "regression"), model)
    for name in ("r2", "rmse"):
        assert weighted.scores[name] == pytest.approx(repeated.scores[name], rel=1e-12)
