"""SGD on files that are sorted by class learns as on rows in a full shuffle: an external shuffle is one."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from onelayer import OneLayerError, SoftmaxRegression, scan
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
    monkeypatch.setattr("onelayer.data.scan.LEAST_UNIT", 2_000)
    monkeypatch.setattr("onelayer.data.shuffle.BUCKET", 40_000)  # ten buckets


@pytest.mark.parametrize("weight", [None, "w"])
def test_buckets_hold_every_row_once_and_of_each_class_its_share(sorted_rows, weight):
    folder, frame = sorted_rows
    shuffled = ShuffledRows(scan(folder, "k", NAMES, as_classes=True, weight=weight), seed=3)
    parts = list(shuffled.buckets(0))
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
    orders = [[len(part) for part in shuffled.buckets(epoch)] for epoch in range(4)]
    assert len(set(map(tuple, orders))) > 1
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
