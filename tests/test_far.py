"""Training beyond memory and beyond this machine, from the command line; and which clusters may be used."""

import json
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from onelayer import (
    LinearRegression,
    LinearRegressionCV,
    Model,
    OneLayerError,
    SoftmaxRegressionCV,
    scan,
    train,
)
from onelayer.data import open_data
from onelayer.engines.cluster import Cluster
from onelayer.engines.memory import bytes_in
from onelayer.settings import Settings

N = 6_000
pytestmark = pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # sockets of distributed


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lake")
    generator = np.random.default_rng(2)
    frame = pd.DataFrame(generator.normal(size=(N, 2)), columns=["a", "b"])
    frame["c"] = generator.choice(["x", "y"], N)
    frame["y"] = frame["a"] - 2 * frame["b"] + 3 * (frame["c"] == "y") + generator.normal(size=N)
    frame["k"] = np.where(frame["a"] + generator.logistic(size=N) > 0, "hi", "lo")
    frame["year"] = np.repeat([2024, 2025, 2026], N // 3)
    return written(folder, frame), frame


def written(folder, frame):
    """Write a file for each year, in a folder that says so, and return the folder of all."""
    for year, part in frame.groupby("year"):
        (folder / f"year={year}").mkdir()
        table = pa.Table.from_pandas(part.drop(columns="year"), preserve_index=False)
        pq.write_table(table, folder / f"year={year}" / "part.parquet", row_group_size=500)
    return folder


@pytest.fixture(autouse=True)
def many_units(monkeypatch):
    monkeypatch.setattr("onelayer.data.units.LEAST_UNIT", 3_000)


@pytest.mark.parametrize("target", ["y", "k"])
@pytest.mark.parametrize("missing", ["error", "mean", "drop"])
def test_a_run_on_files_is_the_run_on_their_rows(lake, onelayer, tmp_path, target, missing):
    folder, frame = lake
    if missing != "error":
        frame = frame.assign(a=frame["a"].mask(np.arange(N) % 97 == 3))
        (tmp_path / "gaps").mkdir()
        folder = written(tmp_path / "gaps", frame)
    other = {"y": "k", "k": "y"}[target]
    result = onelayer(
        *("train", str(folder), "--target", target, "--exclude", other, "--memory", "1GB", "--json"),
        *("--missing", missing, "--out", str(tmp_path / "run")),
    )
    assert result.code == 0, result.err
    found = json.loads(result.out)
    dataset = open_data(frame.drop(columns=other), target, missing=missing)
    run = train(dataset, Settings(valid=0.0))
    model = Model.load(tmp_path / "run")
    assert model.features == ("a", "b", "c=y", "year")
    np.testing.assert_allclose(model.weight, run.model.weight, rtol=1e-6, atol=1e-9)
    for name in ("r2", "rmse", "train_loss", "train_accuracy"):
        if name in run.scores:
            assert found[name] == pytest.approx(run.scores[name], rel=1e-6)
    theirs = run.coefficients.std_err
    ours = [[row["std_err"] for row in rows] for rows in found["coefficients"]["outputs"].values()]
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
    assert set(found["cross_validation"]["scores"]) == (
        {"rmse", "r2"} if target == "y" else {"accuracy", "loss"}
    )
    assert (tmp_path / "run/report.html").exists()
    ours, theirs = (m.outputs(dataset.train.X[:5]) for m in (model, run.model))
    np.testing.assert_allclose(ours, theirs, rtol=1e-6)


@pytest.mark.parametrize(("column", "row"), [("a", 700), ("y", 1_999)])
def test_nan_that_no_statistics_tell_is_named_with_its_file_and_row(lake, onelayer, tmp_path, column, row):
    folder = written(tmp_path, lake[1])
    path = folder / "year=2025/part.parquet"
    table = pq.read_table(path, partitioning=None)
    values = table[column].to_numpy().copy()
    values[row] = np.nan
    changed = table.set_column(table.column_names.index(column), column, pa.array(values, from_pandas=False))
    pq.write_table(changed, path, row_group_size=500)
    result = onelayer("train", str(folder), "--target", "y", "--exclude", "k", "--memory", "1GB")
    said = {
        "a": f"year=2025/part.parquet: column 'a', row {row + 1:,}: the value is missing",
        "y": f"year=2025/part.parquet: the target 'y' is missing, first in row {row + 1:,}",
    }
    assert said[column] in result.error


def test_a_cluster_of_processes_leaves_the_same_model(lake, onelayer, tmp_path):
    folder, _ = lake
    for name, how in (("here", ("--memory", "1GB")), ("there", ("--cluster", "local:2"))):
        assert not onelayer(
            "train", str(folder), "--target", "k", "--exclude", "y", *how, "--out", str(tmp_path / name)
        ).code
    here, there = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("here", "there"))
    assert here == there


@pytest.mark.parametrize("target", ["y", "k"])
def test_a_penalty_is_chosen_by_parts_of_the_files(lake, onelayer, tmp_path, target):
    folder, _ = lake
    rows = scan(folder, target, ["a", "b", "c"])
    for name, how in (("here", ("--memory", "1GB")), ("there", ("--cluster", "local:2"))):
        result = onelayer(
            *("train", str(folder), "--target", target, "--features", "a,b,c", "--cv", "3", *how),
            *("--out", str(tmp_path / name), "--json"),
        )
        assert result.code == 0, result.err
    here, there = ((tmp_path / name / "model.safetensors").read_bytes() for name in ("here", "there"))
    assert here == there
    found = json.loads(result.out)
    expected = (LinearRegressionCV(cv=3) if target == "y" else SoftmaxRegressionCV(cv=3)).fit(rows)
    chosen = expected.alpha_ if target == "y" else expected.C_
    assert found["penalty"]["alpha" if target == "y" else "C"] == pytest.approx(chosen)
    assert "on rows left out" in (tmp_path / "here/report.html").read_text()


def test_text_and_queries_are_kept_as_parquet_meanwhile(lake, onelayer, tmp_path):
    folder, frame = lake
    frame.to_csv(tmp_path / "t.csv", index=False)
    expected = LinearRegression().fit(scan(folder, "y", ["a", "b", "c"]))
    found = LinearRegression().fit(scan(tmp_path / "t.csv", "y", ["a", "b", "c"]))
    np.testing.assert_allclose(found.coef_, expected.coef_, rtol=1e-12)
    rows = scan(tmp_path / "t.csv", "y", ["a", "b", "c"])
    with pytest.raises(OneLayerError, match="a cluster reads Parquet files, which all its workers see"):
        rows.on(None)
    query = f"select * from '{folder}/*/*.parquet' where a > 0"
    how = "--target", "y", "--exclude", "k", "--memory", "1GB", "--out", str(tmp_path / "run")
    assert not onelayer("train", "--sql", query, *how).code
    part = frame[frame["a"] > 0].drop(columns="k")
    run = train(open_data(part, "y"), Settings(valid=0.0))
    np.testing.assert_allclose(Model.load(tmp_path / "run").weight, run.model.weight, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--memory", "much"), "memory must be such as 2GB or 500MB, not 'much'"),
        (("--memory", "50MB"), "memory must be at least 3..MB for these files"),
        (("--memory", "1GB", "--cv", "50"), "50 folds of the files need as many parts, and there are 12"),
        (("--memory", "500MB", "--solver", "sgd"), "memory must be at least 6..MB for SGD"),
        (("--memory", "1GB", "--cov", "HAC"), "--cov HAC takes rows in memory"),
        (("--memory", "1GB", "--groups", "c"), "rows of groups have to fit in memory"),
        (("--memory", "1GB", "--sql", "select 1"), "--sql names the data itself: leave out"),
        (("--memory", "1GB", "--transpose"), "--transpose is for images"),
        (("--cluster", "many"), "the cluster 'many' must be local:N"),
        (("--cluster", "tcp://10.0.0.1:8786"), "is not encrypted: .*--insecure"),
        (("--cluster", "tls://10.0.0.1:8786", "--tls-ca", "ca.pem"), "TLS takes three files"),
        (("--cluster", "tcp://127.0.0.1:1"), "no scheduler at tcp://127.0.0.1:1 is to be had"),
    ],
)
def test_what_cannot_be_done_beyond_memory(lake, onelayer, tmp_path, options, message, monkeypatch):
    monkeypatch.setattr("onelayer.engines.cluster.TIMEOUT", 1.0)
    folder, _ = lake
    out = tmp_path / "run"
    result = onelayer("train", str(folder), "--target", "y", "--exclude", "k", *options, "--out", str(out))
    assert result.code == 1 and re.search(f"^error: .*{message}", result.err), result.err
    assert "Traceback" not in result.err
    assert not out.exists()


def test_the_task_is_that_of_a_table_in_memory(lake, onelayer, tmp_path):
    folder, _ = lake
    how = ("--memory", "1GB", "--features", "a,b", "--dry-run", "--json")
    found = onelayer("train", str(folder), "--target", "year", "--task", "classification", *how)
    assert json.loads(found.out)["classes"] == ["2024", "2025", "2026"]
    wrong = onelayer(
        "train", str(folder), "--target", "k", "--exclude", "y", "--task", "regression", "--memory", "1GB"
    )
    assert "--task regression: the target 'k' is a class, not a number" in wrong.error


def test_images_stay_in_memory(onelayer):
    assert "is images, which fit in memory" in onelayer("train", "fashion-mnist", "--memory", "1GB").err


@pytest.mark.parametrize(
    ("text", "expected"),
    [("2GB", 2 * 10**9), ("1.5 GiB", 3 * 2**29), ("500mb", 500 * 10**6), ("100000000", 10**8), (7, 7)],
)
def test_sizes(text, expected):
    assert bytes_in(text) == expected


@pytest.mark.parametrize("text", ["", "GB", "-1GB", "0", "2 XB", "1e9", None])
def test_what_is_not_a_size(text):
    with pytest.raises(OneLayerError, match="memory must be such as"):
        bytes_in(text)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Return the paths of a certificate authority, and of a certificate of it and its key."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    folder = tmp_path_factory.mktemp("tls")
    new = ["openssl", "req", "-newkey", "rsa:2048", "-nodes"]
    commands = [
        [*new, "-x509", "-days", "2", "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem"],
        [*new, "-subj", "/CN=node", "-keyout", "node.key", "-out", "node.csr"],
        [
            "openssl",
            "x509",
            "-req",
            "-days",
            "2",
            "-in",
            "node.csr",
            "-CA",
            "ca.pem",
            "-CAkey",
            "ca.key",
            "-CAcreateserial",
            "-out",
            "node.pem",
        ],
    ]
    for command in commands:
        subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return tuple(str(folder / name) for name in ("ca.pem", "node.pem", "node.key"))


def test_certificates_are_needed_and_enough(lake, certificates, monkeypatch):
    distributed = pytest.importorskip("distributed")
    monkeypatch.setattr("onelayer.engines.cluster.TIMEOUT", 3.0)
    ca, certificate, key = certificates
    security = distributed.Security(
        require_encryption=True,
        tls_ca_file=ca,
        **{f"tls_{who}_cert": certificate for who in ("scheduler", "worker", "client")},
        **{f"tls_{who}_key": key for who in ("scheduler", "worker", "client")},
    )
    here = {"host": "127.0.0.1", "dashboard_address": "127.0.0.1:0", "scheduler_kwargs": {"dashboard": False}}
    rows = scan(lake[0], "y", ["a", "b", "c"])
    expected = LinearRegression().fit(rows).coef_
    with distributed.LocalCluster(n_workers=1, protocol="tls", security=security, **here) as cluster:
        address = cluster.scheduler_address
        with Cluster(address, False, *certificates).client() as client:
            np.testing.assert_array_equal(LinearRegression().fit(rows.on(client)).coef_, expected)
        for refused in (Cluster(address), Cluster(address.replace("tls", "tcp"))):
            with pytest.raises(OneLayerError, match=r"no scheduler at .* is to be had"), refused.client():
                pass


def test_a_cluster_is_checked_before_it_is_used(lake, onelayer, tmp_path):
    folder, _ = lake
    result = onelayer("cluster", "check", "local:2", str(folder), "--target", "y", "--json")
    assert result.code == 0, result.err
    found = json.loads(result.out)
    assert len(found["workers"]) == 2 and all(worker["threads"] == 1 for worker in found["workers"])
    assert (found["files"], found["rows"]) == (3, N)
    assert found["pass_seconds"] == pytest.approx(N / found["rows_per_second"])
    shown = onelayer("cluster", "check", "local:1", str(folder), "--target", "y")
    assert f"all see 3 files of {N:,} rows" in shown.out
    assert "no scheduler at" in onelayer("cluster", "check", "tls://127.0.0.1:1").error


def test_a_worker_that_does_not_see_a_file_says_so(monkeypatch, tmp_path):
    dask = pytest.importorskip("onelayer.engines.dask")
    path = tmp_path / "t.parquet"
    path.write_bytes(b"12345")

    class OtherDisk:
        def __init__(self, *sizes):
            self.sizes = sizes

        def run(self, function, paths):
            return {"tcp://it": list(self.sizes)}

    dask.check_files(OtherDisk(5), [str(path)])
    with pytest.raises(
        OneLayerError, match=r"the worker tcp://it does not see .*t.parquet: put it where all"
    ):
        dask.check_files(OtherDisk(None), [str(path)])
    with pytest.raises(OneLayerError, match=r"the worker tcp://it sees another file at .*t.parquet"):
        dask.check_files(OtherDisk(7), [str(path)])
