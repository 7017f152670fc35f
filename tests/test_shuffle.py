"""SGD on files that are sorted by class learns as on rows in a full shuffle: an external shuffle is one."""

import csv
import json

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from onelayer import Model, OneLayerError, SoftmaxRegression, scan
from onelayer.data.shuffle import ShuffledRows

pytest.importorskip("torch")
N, NAMES = 12_000, ["a", "b", "c", "d"]


@pytest.fixture(scope="module")
def sorted_rows(tmp_path_factory):
    """Rows in files that are sorted by class, and a full shuffle of them in memory."""
    folder = tmp_path_factory.mktemp("sorted")
    generator = np.random.default_rng(8)
    X = generator.normal(size=(N, 4)) * [1, 10, 0.1, 1] + [0, 50, 0, -3]
    scores = (X - X.mean(axis=0)) / X.std(axis=0) @ generator.normal(size=(4, 3)) + generator.gumbel(
        size=(N, 3)
    )
    frame = pd.DataFrame(X, columns=NAMES).assign(k=scores.argmax(axis=1), w=generator.integers(1, 4, N))
    frame = frame.sort_values("k", kind="stable", ignore_index=True)
    for i, part in enumerate(np.array_split(np.arange(N), 6)):
        pq.write_table(pa.Table.from_pandas(frame.iloc[part]), folder / f"{i}.parquet", row_group_size=500)
    return folder, frame


@pytest.fixture(autouse=True)
def small(monkeypatch):
    monkeypatch.setattr("onelayer.data.units.LEAST_UNIT", 2_000)
    monkeypatch.setattr("onelayer.data.shuffle.BUCKET", 40_000)  # ten buckets
    monkeypatch.setattr("onelayer.data.shuffle.BUFFER", 1_000)


@pytest.mark.parametrize("weight", [None, "w"])
def test_buckets_hold_every_row_once_and_of_each_class_its_share(sorted_rows, weight):
    folder, frame = sorted_rows
    shuffled = ShuffledRows(scan(folder, "k", NAMES, as_classes=True, weight=weight), seed=3)
    parts = list(shuffled.buckets(0, 1))
    assert shuffled.n_buckets == len(parts) > 9
    X, y = np.concatenate([part.X for part in parts]), np.concatenate([part.y for part in parts])
    found = pd.DataFrame(X, columns=NAMES).assign(k=y)
    if weight:
        found["w"] = np.concatenate([part.c for part in parts])
    columns = [*NAMES, "k", *([weight] if weight else [])]
    expected = frame[columns].astype(float).sort_values(NAMES, ignore_index=True)
    pd.testing.assert_frame_equal(found.astype(float).sort_values(NAMES, ignore_index=True), expected)
    shares = np.bincount(frame["k"]) / N
    for part in parts:  # five deviations of a share
        apart = np.bincount(part.y, minlength=3) / len(part) - shares
        assert (np.abs(apart) < 5 * np.sqrt(shares * (1 - shares) / len(part))).all()
    sizes = [[len(part) for part in shuffled.buckets(epoch, 256)] for epoch in range(4)]
    assert all(sum(of_pass) == N and not any(n % 256 for n in of_pass[:-1]) for of_pass in sizes)
    first = [next(shuffled.buckets(epoch, 256)).X[0].tolist() for epoch in (0, 0, 1)]
    assert first[0] == first[1] != first[2]
    again = ShuffledRows(scan(folder, "k", NAMES, as_classes=True, weight=weight), seed=3)
    np.testing.assert_array_equal(again.bucket(4).X, shuffled.bucket(4).X)


def test_the_curve_is_that_of_a_full_shuffle(sorted_rows):
    folder, frame = sorted_rows
    rows = scan(folder, "k", NAMES, as_classes=True)
    X, y = frame[NAMES].to_numpy(), frame["k"].to_numpy()
    curves = []
    for seed in range(6):
        in_memory = SoftmaxRegression(solver="sgd", epochs=5, lr=0.1, random_state=seed).fit(X, y)
        curves.append(in_memory.history_)
    curves = np.array(curves)
    found = SoftmaxRegression(solver="sgd", epochs=5, lr=0.1, random_state=0).fit(rows)
    spread = curves.max(axis=0) - curves.min(axis=0)
    assert (np.abs(found.history_ - curves.mean(axis=0)) < 3 * spread + 1e-3).all()
    exact = SoftmaxRegression().fit(rows)
    assert exact.objective_ <= found.objective_ < 1.02 * exact.objective_
    assert found.score(rows) == pytest.approx(exact.score(rows), abs=0.01)
    in_order = SoftmaxRegression(solver="sgd", random_state=0, lr=0.1)  # as the files have it, it is far off
    for start in range(0, N, 500):
        in_order.partial_fit(X[start : start + 500], y[start : start + 500], classes=[0, 1, 2])
    assert exact.score(rows) - in_order.score(X, y) > 0.1


def test_the_learning_rate_is_found_and_passes_can_go_on(sorted_rows):
    folder, frame = sorted_rows
    rows = scan(folder, "k", NAMES, as_classes=True, weight="w")
    found = SoftmaxRegression(solver="sgd", epochs=10, random_state=1).fit(rows)
    exact = SoftmaxRegression().fit(rows)
    assert found.lr_ > 0 and found.n_iter_[0] == 10
    assert exact.objective_ <= found.objective_ < 1.01 * exact.objective_
    found.partial_fit(frame[NAMES][:500], frame["k"].to_numpy()[:500], sample_weight=frame["w"][:500])
    assert found.n_iter_[0] == 11


def test_an_offset_is_not_for_sgd(sorted_rows, tmp_path):
    _, frame = sorted_rows
    part = frame.assign(k=frame["k"] > 0)
    pq.write_table(pa.Table.from_pandas(part), tmp_path / "t.parquet")
    rows = scan(tmp_path / "t.parquet", "k", NAMES, offset="w")
    with pytest.raises(OneLayerError, match="dense rows without an offset"):
        SoftmaxRegression(solver="sgd").fit(rows)


def curve_of(run):
    with (run / "history.csv").open() as file:
        return [float(row["train_loss"]) for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    ("target", "model"), [("k", "softmax"), ("k", "mlp"), ("number", "linear"), ("number", "phm")]
)
def test_networks_learn_from_files_as_from_rows(sorted_rows, onelayer, tmp_path, target, model):
    _, frame = sorted_rows
    classes = frame["k"].map({0: "x", 1: "y", 2: "z"})
    frame = frame[NAMES].assign(k=classes, number=frame["a"] - frame["b"] / 10 + frame["k"])
    frame = frame.sort_values(target, ignore_index=True)
    pq.write_table(pa.Table.from_pandas(frame), tmp_path / "t.parquet", row_group_size=500)
    exclude = {"k": "number", "number": "k"}[target]
    common = ("--target", target, "--exclude", exclude, "--model", model, "--epochs", "4", "--solver", "sgd")
    curves, rows = (
        [],
        {"there": ["--memory", "1GB"]} | {f"here{seed}": ["--seed", str(seed)] for seed in range(3)},
    )
    for name, how in rows.items():
        phm = ["--phm-n", "1"] if model == "phm" else []
        out = tmp_path / name
        result = onelayer(
            *("train", str(tmp_path / "t.parquet"), *common, *how, *phm, "--valid", "0", "--lr", "0.05"),
            *("--out", str(out), "--json"),
        )
        assert result.code == 0, result.err
        curves.append(curve_of(out))
    there, here = np.array(curves[0]), np.array(curves[1:])
    spread = here.max(axis=0) - here.min(axis=0)
    assert (np.abs(there - here.mean(axis=0)) < 3 * spread + 0.002 * here.mean(axis=0)).all()
    found = json.loads(
        onelayer("evaluate", str(tmp_path / "there"), str(tmp_path / "t.parquet"), "--json").out
    )
    assert Model.load(tmp_path / "there").kind == model
    assert found["accuracy"] > 0.6 if target == "k" else found["r2"] > 0.7


def test_a_run_by_sgd_on_files_goes_on_where_it_stopped(sorted_rows, onelayer, tmp_path):
    folder, _ = sorted_rows
    how = ("train", str(folder), "--target", "a", "--exclude", "k", "--weight", "w", "--solver", "sgd")
    how = (*how, "--memory", "1GB", "--lr", "0.01")
    for epochs, out, more in (("4", "whole", ()), ("2", "parts", ()), ("4", "parts", ("--resume",))):
        result = onelayer(*how, "--epochs", epochs, "--out", str(tmp_path / out), *more)
        assert result.code == 0, result.err
    whole, parts = (Model.load(tmp_path / name) for name in ("whole", "parts"))
    np.testing.assert_array_equal(whole.weight, parts.weight)
    assert curve_of(tmp_path / "whole") == curve_of(tmp_path / "parts")


def test_units_are_held_out(sorted_rows, onelayer, tmp_path):
    folder, frame = sorted_rows
    how = ("train", str(folder), "--target", "a", "--exclude", "k,w", "--memory", "1GB", "--json")
    found = json.loads(onelayer(*how, "--valid", "0.25", "--out", str(tmp_path / "run")).out)
    rows = scan(folder, "a", ["b", "c", "d"])
    is_kept = np.repeat(np.arange(len(rows.units)) % 4 != 3, [unit.n for unit in rows.units])
    X, y = np.c_[np.ones(N), frame[["b", "c", "d"]]], frame["a"].to_numpy()
    theta = np.linalg.lstsq(X[is_kept], y[is_kept])[0]
    errors = y[~is_kept] - X[~is_kept] @ theta
    assert found["evaluated_on"] == "valid" and found["cross_validation"] is None
    assert found["rmse"] == pytest.approx(np.sqrt(np.mean(errors**2)), rel=1e-9)
    assert found["r2"] == pytest.approx(1 - np.mean(errors**2) / y[~is_kept].var(), rel=1e-9)
    result = onelayer(*how, "--valid", "0.001", "--out", str(tmp_path / "none"))
    assert "a share of 0.001 of" in result.error and not (tmp_path / "none").exists()
