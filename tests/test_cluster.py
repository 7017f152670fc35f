"""A cluster gives the bits of one process, whatever its size, and says what is wrong where it cannot."""

import hashlib
import os
import signal
from importlib.metadata import PackageNotFoundError

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from onelayer import LinearRegression, OneLayerError, Settings, SoftmaxRegression, open_data, scan, train
from onelayer.engines.threads import tree_sum
from onelayer.evaluation import evaluate
from onelayer.inputs import labelled_rows, labelled_scan

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # sockets of distributed

from onelayer.engines.dask import local_cluster  # noqa: E402

FEATURES = ["a", "b", "c"]
N = 40_000


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lake")
    generator = np.random.default_rng(1)
    for i in range(3):
        frame = pd.DataFrame(generator.normal(size=(N // 4, 2)), columns=["a", "b"])
        frame["c"] = generator.choice(["x", "y"], len(frame))
        frame["w"] = 0.0 if i == 1 else 1.0
        frame["y"] = frame["a"] - 2 * frame["b"] + 3 * (frame["c"] == "y") + generator.normal(size=len(frame))
        frame["k"] = np.digitize(frame["a"] + generator.gumbel(size=len(frame)), [-1, 1, 3 if i else np.inf])
        pq.write_table(pa.Table.from_pandas(frame), folder / f"{i}.parquet", row_group_size=1_000)
    return folder


@pytest.fixture(scope="module")
def clients():
    """Clusters of one worker and of two, of one thread each."""
    with (
        local_cluster(1) as one,
        local_cluster(2) as two,
        distributed.Client(one) as of_one,
        distributed.Client(two) as of_two,
    ):
        yield of_one, of_two


@pytest.fixture(autouse=True)
def many_units(monkeypatch):
    monkeypatch.setattr("onelayer.data.units.LEAST_UNIT", 6_000)


def digest(*arrays):
    return hashlib.sha256(b"".join(np.ascontiguousarray(array).tobytes() for array in arrays)).hexdigest()


def of(model, rows):
    model.fit(rows)
    return digest(model.coef_, model.intercept_)


@pytest.mark.parametrize(
    ("target", "model", "beside"),
    [
        ("y", LinearRegression(), {}),
        ("y", LinearRegression(), {"weight": "w"}),
        ("y", LinearRegression(alpha=10.0, l1_ratio=0.5), {}),
        ("k", SoftmaxRegression(), {}),
        ("k", SoftmaxRegression(solver="lbfgs"), {"weight": "w"}),
        ("k", SoftmaxRegression(l1_ratio=0.5, C=0.01), {}),
        ("k", SoftmaxRegression(class_weight="balanced", C=np.inf), {}),
    ],
    ids=str,
)
def test_the_same_bits_on_any_number_of_threads_and_workers(
    lake, clients, target, model, beside, monkeypatch
):
    rows = scan(lake, target, FEATURES, as_classes=target == "k", **beside)
    assert len(rows.units) > 16
    expected = of(model, rows)
    for how in ({"most": 1}, {"most": 1, "n_held": 3}, {"most": 2, "n_held": 100}):
        engine = type(rows.engine)(**how)
        assert of(model, rows.walked_by(engine)) == expected
    for client in clients:
        on_cluster = rows.on(client)
        assert on_cluster.engine.is_held
        assert of(model, on_cluster) == expected
        on_cluster.engine.is_held = False
        assert of(model, on_cluster) == expected


def test_errors_and_scores_are_those_of_one_process(lake, clients):
    rows = scan(lake, "k", FEATURES, as_classes=True)
    here, there = (SoftmaxRegression(C=np.inf).fit(source) for source in (rows, rows.on(clients[1])))
    for cov in ("classical", "HC0", "HC3"):
        ours, theirs = (m.summary(cov=cov).coefficients for m in (here, there))
        assert digest(ours.std_err) == digest(theirs.std_err)
    assert here.score(rows) == there.score(rows.on(clients[1]))
    assert digest(here.predict_proba(rows)) == digest(there.predict_proba(rows.on(clients[0])))


@pytest.mark.parametrize("target", ["y", "k"])
def test_a_model_is_evaluated_with_the_same_bits(lake, clients, target):
    data = open_data(lake, target, FEATURES, as_classes=target == "k")
    model = train(data, Settings(solver="auto", valid=0.0)).model
    rows = labelled_scan(model, lake)
    here, there = evaluate(rows, model), evaluate(rows.on(clients[1]), model)
    assert here.rows == there.rows == len(data.train) and here.scores == there.scores
    assert all((here.intervals[name] == ends).all() for name, ends in there.intervals.items())
    plain = evaluate(labelled_rows(model, lake), model)
    for name in {"r2", "rmse", "loss", "accuracy"} & set(plain.scores):
        assert plain.scores[name] == pytest.approx(here.scores[name], rel=1e-12)


@pytest.mark.parametrize("is_held", [False, True])
def test_a_worker_that_is_lost_changes_nothing(lake, clients, is_held):
    rows = scan(lake, "k", FEATURES, as_classes=True)
    expected, client = of(SoftmaxRegression(), rows), clients[1]
    on_cluster = rows.on(client)
    on_cluster.engine.is_held = is_held
    walk, passes = on_cluster.engine.sum, []

    def walk_and_kill(*args):
        passes.append(len(passes))
        if len(passes) == 3:
            os.kill(next(iter(client.run(os.getpid).values())), signal.SIGKILL)
        return walk(*args)

    on_cluster.engine.sum = walk_and_kill
    assert of(SoftmaxRegression(), on_cluster) == expected


@pytest.mark.parametrize("n_units", [2, 16])
def test_each_pass_is_shared_by_all_workers(lake, clients, n_units):
    rows = scan(lake, "y", FEATURES).take(np.arange(n_units)).on(clients[1], holds=False)
    pids = list(clients[1].run(os.getpid).values())
    for _ in range(8):
        [blocks] = rows.sum(lambda _: [np.array([os.getpid() == pid for pid in pids], float)])
        assert blocks.all()


def test_a_file_that_is_damaged_is_named_with_its_row_group(lake, clients, tmp_path):
    content = bytearray((lake / "0.parquet").read_bytes())
    file = pq.ParquetFile(lake / "0.parquet")
    chunk = file.metadata.row_group(2).column(0)
    start = chunk.dictionary_page_offset or chunk.data_page_offset
    content[start : start + chunk.total_compressed_size] = bytes(chunk.total_compressed_size)
    (tmp_path / "bad.parquet").write_bytes(content)
    rows = scan(tmp_path / "bad.parquet", "y", ["a", "b"])
    for source in (rows, rows.on(clients[0])):
        with pytest.raises(OneLayerError, match=r"bad\.parquet: row group 3 is damaged"):
            LinearRegression().fit(source)


def test_a_file_that_was_changed_or_is_gone_is_named(lake, clients, tmp_path):
    table = pq.read_table(lake / "0.parquet")
    for name in ("a", "b"):
        pq.write_table(table, tmp_path / f"{name}.parquet", row_group_size=1_000)
    rows = scan(tmp_path, "y", ["a", "b"])
    pq.write_table(table.slice(1), tmp_path / "b.parquet", row_group_size=1_000)
    for source in (rows, rows.on(clients[0])):
        with pytest.raises(OneLayerError, match=r"b\.parquet: has .* rows in row groups that had"):
            LinearRegression().fit(source)
    (tmp_path / "b.parquet").unlink()
    for source in (rows, rows.on(clients[0])):
        with pytest.raises(OneLayerError, match=r"b\.parquet: cannot be read as Parquet"):
            LinearRegression().fit(source)


def test_a_worker_without_the_package_or_with_another_version_says_so(lake, clients, monkeypatch):
    rows = scan(lake, "y", FEATURES)
    answers = {"onelayer": "0.0.9", "numpy": PackageNotFoundError("numpy")}
    monkeypatch.setattr(
        clients[0], "run", lambda function, package, on_error: {"tcp://it": answers.get(package)}
    )
    with pytest.raises(OneLayerError, match=r"the worker tcp://it has onelayer 0\.0\.9, and this process"):
        rows.on(clients[0])
    monkeypatch.setattr("onelayer.engines.dask.PACKAGES", ("numpy",))
    with pytest.raises(OneLayerError, match=r"the worker tcp://it has no numpy: install numpy==.* there"):
        rows.on(clients[0])


@pytest.mark.parametrize("error", [TimeoutError("no answer"), OSError("disk"), ZeroDivisionError("by 0")])
def test_an_error_of_a_worker_is_told_as_such(lake, clients, error):
    rows = scan(lake, "y", FEATURES).on(clients[0])

    def terms(block):
        raise error

    with pytest.raises(OneLayerError, match=rf"a worker failed \({type(error).__name__}: {error}\)"):
        rows.sum(terms)


def test_more_workers_than_units_and_files_without_rows(lake, clients, tmp_path, monkeypatch):
    monkeypatch.setattr("onelayer.data.units.LEAST_UNIT", 2**20)
    table = pq.read_table(lake / "0.parquet")
    for name, part in (("a", table.slice(0, 0)), ("b", table.slice(0, 500)), ("c", table.slice(0, 0))):
        pq.write_table(part, tmp_path / f"{name}.parquet")
    rows = scan(tmp_path, "y", FEATURES)
    assert len(rows.units) == 1 and len(rows) == 500
    expected = LinearRegression().fit(
        pd.DataFrame(table.slice(0, 500).to_pandas()[["a", "b"]]), table["y"][:500].to_numpy()
    )
    found = [
        LinearRegression().fit(scan(tmp_path, "y", ["a", "b"]).walked_by(e)).coef_
        for e in (rows.engine, rows.on(clients[1]).engine)
    ]
    np.testing.assert_array_equal(*found)
    np.testing.assert_allclose(found[0], expected.coef_, rtol=1e-10)
    for path in tmp_path.iterdir():
        pq.write_table(table.slice(0, 0), path)
    with pytest.raises(OneLayerError, match="has no rows"):
        scan(tmp_path, "y", FEATURES)


def test_no_worker_is_said_within_the_time_given(lake):
    with (
        distributed.LocalCluster(
            1, threads_per_worker=1, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        rows = scan(lake, "y", FEATURES).on(client)
        rows.engine.patience = 1.0
        cluster.scale(0)
        with pytest.raises(OneLayerError, match="has had no worker for 1 seconds"):
            LinearRegression().fit(rows)


@pytest.mark.parametrize("n", [0, 1, 2, 3, 5, 16, 17, 31, 33, 100, 257])
@pytest.mark.parametrize("fan", [2, 4, 16])
def test_sums_of_sums_of_a_power_of_two_parts_are_those_of_all(n, fan):
    values = np.random.default_rng(n).normal(size=(n, 3)) * 10.0 ** np.arange(3)

    def parts(source):
        return [[row.copy()] for row in source]

    whole = tree_sum(parts(values))
    grouped = parts(values)
    while len(grouped) > 1:
        grouped = [tree_sum(grouped[i : i + fan]) for i in range(0, len(grouped), fan)]
    assert [v.tolist() for v in whole] == ([v.tolist() for v in grouped[0]] if n else [])
    if n:
        np.testing.assert_allclose(whole[0], values.sum(axis=0), rtol=1e-12)
