"""The command line, run as a user runs it: what it prints, what it writes, how it fails."""

import csv
import hashlib
import json
import math
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import torch

from conftest import idx_bytes
from onelayer import LinearRegression, Model, SoftmaxRegression


def test_train_fashion_mnist_writes_a_whole_run(onelayer, tmp_path):
    result = onelayer("train", "fashion-mnist")
    assert result.code == 0 and "test accuracy 0.8" in result.out
    folder = tmp_path / "runs/fashion-mnist-softmax"
    assert sorted(path.name for path in folder.iterdir()) == [
        "checkpoint.safetensors",
        "history.csv",
        "model.safetensors",
        "report.html",
    ]
    tensors = safetensors.torch.load_file(folder / "model.safetensors")
    assert tensors["weight"].shape == (10, 784) and tensors["bias"].shape == (10,)
    with (folder / "history.csv").open() as file:
        history = list(csv.DictReader(file))
    assert [row["epoch"] for row in history] == [str(i) for i in range(1, 11)]
    assert set(history[0]) == {
        "epoch",
        "train_loss",
        "train_accuracy",
        "test_loss",
        "test_accuracy",
        "seconds",
    }

    evaluated = json.loads(onelayer("evaluate", folder, "fashion-mnist", "--json").out)
    assert f"test accuracy {evaluated['accuracy']:.4f}" in result.out
    assert evaluated["accuracy"] == pytest.approx(float(history[-1]["test_accuracy"]), abs=1e-9)
    assert evaluated["rows"] == 10_000 and evaluated["classes"]["bag"]["rows"] == 1000

    predicted = onelayer("predict", folder, "fashion-mnist", "-o", "out.csv")
    assert predicted.code == 0
    labels = pd.read_csv(tmp_path / "out.csv")["predicted_label"]
    truth = [list(evaluated["classes"])[i] for i in onelayer_test_labels()]
    assert (labels == truth).mean() == pytest.approx(evaluated["accuracy"])


def onelayer_test_labels():
    from onelayer import fashion_mnist

    return fashion_mnist().test.y.tolist()


def test_json_is_one_object_with_what_was_promised(onelayer):
    values = json.loads(onelayer("train", "fashion-mnist", "--epochs", 2, "--json").out)
    promised = "data model way solver epochs parameters train_loss train_accuracy test_accuracy seconds out"
    assert set(promised.split()) <= set(values)
    assert values["parameters"] == 7850 and values["epochs"] == 2 and values["way"] == "fused"
    assert set(values["seconds"]) == {"load", "fit", "evaluate", "errors"}


def test_exact_houses_is_the_published_fit(onelayer, tmp_path):
    result = onelayer("train", "houses", "--solver", "exact", "--valid", 0)
    assert "R² 0.6591" in result.out
    model = Model.load(tmp_path / "runs/houses-linear")
    assert model.bias.item() == pytest.approx(76513.9, abs=0.05)
    assert model.weight[0].tolist() == pytest.approx([95.915, -1085.82], abs=0.005)
    values = json.loads(onelayer("train", "houses", "--solver", "exact", "--valid", 0, "--json").out)
    assert values["r2"] == pytest.approx(0.6591, abs=5e-5) and values["evaluated_on"] == "train"


def test_sgd_on_houses_comes_close_in_the_users_units(onelayer, tmp_path):
    values = json.loads(onelayer("train", "houses", "--valid", 0, "--lr", 0.01, "--epochs", 50, "--json").out)
    assert values["r2"] == pytest.approx(0.6591, abs=5e-4)
    model = Model.load(tmp_path / "runs/houses-linear")
    assert model.weight[0].tolist() == pytest.approx([95.915, -1085.82], rel=0.02)


def test_table_with_every_kind_of_column(onelayer, tmp_path):
    rows = [
        f"{i},{'true' if i % 2 else 'false'},{'ab'[i % 2]},{'yes' if i > 50 else 'no'}" for i in range(100)
    ]
    (tmp_path / "t.csv").write_text("x,flag,c,answer\n" + "\n".join(rows))
    values = json.loads(
        onelayer("train", "t.csv", "--target", "answer", "--epochs", 60, "--batch-size", 8, "--json").out
    )
    assert values["model"] == "softmax" and values["evaluated_on"] == "valid"
    assert values["valid_accuracy"] > 0.9 and values["test_accuracy"] is None
    (tmp_path / "new.csv").write_text("c,x,flag\na,0,false\nb,99,true\n")
    result = onelayer("predict", "runs/t-softmax", "new.csv")
    assert result.out.splitlines() == [
        "c,x,flag,predicted_answer",
        "a,0,false,no",
        "b,99,true,yes",
    ]


def test_exact_softmax_regression_and_its_probabilities(onelayer, tmp_path):
    rows = [
        f"{x},{label}" for x, label in ((0, "no"), (1, "no"), (1, "yes"), (2, "yes"), (3, "yes"), (0, "no"))
    ]
    (tmp_path / "t.csv").write_text("x,answer\n" + "\n".join(rows) + "\n")
    how = ["--target", "answer", "--solver", "auto", "--C", 1e6, "--valid", 0]
    values = json.loads(onelayer("train", "t.csv", *how, "--json").out)
    assert (values["solver"], values["epochs"]) == ("newton", 0)
    newton = json.loads(onelayer("train", "t.csv", *how, "--solver", "newton", "--json").out)
    assert {**newton, "seconds": None} == {**values, "seconds": None}
    # Where the data decide alone, one of two rows at x = 1 is "yes", so the model has to say a half there.
    assert values["train_loss"] == pytest.approx(2 * math.log(2) / 6, rel=1e-2)
    lines = onelayer("predict", "runs/t-softmax", "t.csv", "--proba").out.splitlines()
    assert lines[0] == "x,answer,predicted_answer,p_no,p_yes"
    assert [float(p) for p in lines[2].split(",")[3:]] == pytest.approx([0.5, 0.5], abs=1e-2)
    assert lines[1].startswith("0,no,no,0.99") and lines[5].split(",")[2] == "yes"
    assert onelayer("predict", "runs/t-softmax", "t.csv", "--proba", "-o", "p.parquet").code == 0
    frame = pd.read_parquet(tmp_path / "p.parquet")
    assert (frame["p_no"] + frame["p_yes"]).tolist() == pytest.approx([1.0] * 6)
    assert onelayer("train", "houses", "--solver", "exact").code == 0
    assert "--proba is for classes" in onelayer("predict", "runs/houses-linear", "t.csv", "--proba").error


def test_drop_leaves_a_prediction_empty_where_a_feature_is_missing(onelayer, tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n" + "\n".join(f"{i},{2 * i}" for i in range(20)) + "\n,1\n")
    assert onelayer("train", "t.csv", "--target", "y", "--solver", "exact", "--missing", "drop").code == 0
    (tmp_path / "new.csv").write_text('x\n5\n""\n7\n')
    assert onelayer("predict", "runs/t-linear", "new.csv", "-o", "out.parquet").code == 0
    found = pd.read_parquet(tmp_path / "out.parquet")["predicted_y"]
    assert found[[0, 2]].tolist() == pytest.approx([10, 14]) and pd.isna(found[1])


def test_idx_folder_trains_and_predicts_a_bare_image_file(onelayer, idx_folder, tmp_path):
    values = json.loads(onelayer("train", idx_folder, "--epochs", 30, "--batch-size", 4, "--json").out)
    assert values["data"] == "tiny" and values["test_accuracy"] == 1.0
    exact = json.loads(
        onelayer("train", idx_folder, "--solver", "exact", "--C", 1e4, "--out", "exact", "--json").out
    )
    assert exact["test_accuracy"] == 1.0 and exact["train_loss"] < values["train_loss"]
    result = onelayer("predict", "runs/tiny-softmax", idx_folder / "t10k-images-idx3-ubyte")
    assert result.out.splitlines()[1:3] == ["1,0", "2,1"]


def test_a_folder_of_test_files_alone_can_be_evaluated_and_predicted(onelayer, idx_folder):
    assert onelayer("train", idx_folder, "--epochs", 30, "--batch-size", 4).code == 0
    for file in idx_folder.glob("train*"):
        file.unlink()
    assert json.loads(onelayer("evaluate", "runs/tiny-softmax", idx_folder, "--json").out)["accuracy"] == 1
    (idx_folder / "t10k-labels-idx1-ubyte.gz").unlink()
    assert len(onelayer("predict", "runs/tiny-softmax", idx_folder).out.splitlines()) == 11
    assert "has no test labels" in onelayer("evaluate", "runs/tiny-softmax", idx_folder).error
    assert "has no train images" in onelayer("train", idx_folder).error


def test_images_on_their_side_are_turned_in_training_and_ever_after(onelayer, idx_folder, tmp_path):
    how = ["--epochs", 3, "--batch-size", 4, "--json"]
    plain = json.loads(onelayer("train", idx_folder, *how, "--out", "plain").out)
    upright = {part: onelayer_images(idx_folder, part) for part in ("train", "t10k")}
    for part, images in upright.items():
        path = idx_folder / f"{part}-images-idx3-ubyte"
        path.write_bytes(idx_bytes(images.transpose(0, 2, 1)))
    turned = json.loads(onelayer("train", idx_folder, "--transpose", *how, "--out", "turned").out)
    assert {**turned, "out": 0, "seconds": 0} == {**plain, "out": 0, "seconds": 0}
    evaluated = json.loads(onelayer("evaluate", "turned", idx_folder, "--json").out)
    assert evaluated["accuracy"] == plain["test_accuracy"]
    assert (
        json.loads(onelayer("evaluate", "plain", idx_folder, "--transpose", "--json").out)["loss"]
        == evaluated["loss"]
    )
    assert (
        onelayer("predict", "turned", idx_folder).out
        == onelayer("predict", "plain", idx_folder, "--transpose").out
    )
    assert "images are 2×3, the model was trained on 3×2" in onelayer("predict", "plain", idx_folder).error
    assert "2×3" in onelayer("evaluate", "turned", idx_folder, "--no-transpose").error
    trial = onelayer("tune", idx_folder, "--transpose", "--lr", "0.1", "--epochs", 1, "--json")
    assert not json.loads(trial.out)["best"]["diverged"]
    assert "is for images" in onelayer("compare", "houses", "--transpose").error
    assert onelayer("train", "houses", "--solver", "direct", "--out", "table").code == 0
    assert "is for images" in onelayer("predict", "table", "houses", "--transpose").error


def onelayer_images(folder, part):
    content = (folder / f"{part}-images-idx3-ubyte").read_bytes()
    return np.frombuffer(content, np.uint8, offset=16).reshape(-1, 3, 2)


def test_labels_that_do_not_count_from_0_are_classes_by_their_number(onelayer, idx_folder):
    for part, n in (("train", 40), ("t10k", 10)):
        (idx_folder / f"{part}-labels-idx1-ubyte.gz").write_bytes(idx_bytes(4 + 5 * (np.arange(n) % 2)))
    result = onelayer("train", idx_folder, "--epochs", 30, "--batch-size", 4, "--json")
    assert result.err == "tiny: the classes are the labels 4, 9\n"
    assert json.loads(result.out)["test_accuracy"] == 1
    assert onelayer("train", idx_folder, "--epochs", 1, "--out", "m").err == result.err
    evaluated = json.loads(onelayer("evaluate", "runs/tiny-softmax", idx_folder, "--json").out)
    assert evaluated["accuracy"] == 1 and list(evaluated["classes"]) == ["4", "9"]
    assert onelayer("predict", "runs/tiny-softmax", idx_folder).out.splitlines()[1:3] == ["1,4", "2,9"]
    (idx_folder / "t10k-labels-idx1-ubyte.gz").write_bytes(idx_bytes(np.arange(10)))
    for command in (["train", idx_folder], ["evaluate", "runs/tiny-softmax", idx_folder]):
        assert "label 0 in row 1 is not one of the classes 4, 9" in onelayer(*command).error


@pytest.mark.parametrize("model", ["mlp", "phm"])
def test_other_networks(onelayer, model):
    """A PHM layer is linear, so it tends to the same solution; an MLP fits the training rows better."""
    exact = json.loads(onelayer("train", "houses", "--solver", "auto", "--valid", "0.2", "--json").out)
    how = ["--epochs", 100, "--lr", 0.02, "--json"] if model == "phm" else ["--epochs", 60, "--json"]
    values = json.loads(onelayer("train", "houses", "--model", model, *how).out)
    assert values["way"] == "concise"
    if model == "phm":
        assert values["train_loss"] == pytest.approx(exact["train_loss"], rel=0.005)
    else:
        assert values["train_loss"] < 0.97 * exact["train_loss"]


def test_compare_shows_the_three_ways_equal(onelayer):
    values = json.loads(onelayer("compare", "houses", "--epochs", 5, "--json").out)
    linear = {row["way"]: row["r2"] for row in values["results"] if row["model"] == "linear"}
    assert linear["scratch"] == pytest.approx(linear["fused"], abs=1e-5)
    assert linear["concise"] == pytest.approx(linear["fused"], abs=1e-5)
    exact = json.loads(onelayer("train", "houses", "--json").out)["cross_validation"]
    assert linear[None] == exact["scores"]["r2"]
    scores = [row["r2"] for row in values["results"]]
    assert scores == sorted(scores, reverse=True)
    [mlp] = [row for row in values["results"] if row["model"] == "mlp"]
    assert mlp["parameters"] == 2 * 256 + 256 + 256 + 1


def test_tune_ranks_by_held_out_loss_and_marks_what_diverged(onelayer):
    values = json.loads(
        onelayer("tune", "houses", "--lr", "0.001,0.1,5", "--batch-size", "256", "--json").out
    )
    assert [trial["diverged"] for trial in values["trials"]] == [False, False, True]
    assert values["best"] == values["trials"][0] and values["best"]["lr"] == 0.1
    assert 1 < values["stable_lr"] < 5
    table = onelayer("tune", "houses", "--lr", "1e-3:1", "--epochs", 1).out
    assert "best: --lr" in table and "2/λ_max" in table


def test_vectorize_prints_measured_ratios(onelayer):
    values = json.loads(onelayer("vectorize", "--largest", 1000, "--json").out)
    assert [row["n"] for row in values["results"]] == [10, 100, 1000]
    for row in values["results"]:
        assert row["ratio"] == pytest.approx(row["loop"] / row["call"])


def test_data_lists_and_verifies(onelayer):
    result = onelayer("data", "--verify")
    assert "60,000" in result.out and "54.95 MB" in result.out and "5 files intact" in result.out


def test_data_exports_for_torchvision(onelayer, tmp_path):
    raw = tmp_path / "data/FashionMNIST/raw"
    assert onelayer("data", "--export", "data").out == "data/FashionMNIST/raw: 4 files written\n"
    assert len(list(raw.iterdir())) == 4
    assert "0 files written, 4 there already" in onelayer("data", "--export", "data").out
    (raw / "train-labels-idx1-ubyte").unlink()
    values = json.loads(onelayer("data", "--export", "data", "--json").out)
    assert values == {"folder": "data/FashionMNIST/raw", "written": ["train-labels-idx1-ubyte"]}
    (raw / "train-labels-idx1-ubyte").write_bytes(b"mine")
    assert "is there with other content" in onelayer("data", "--export", "data").error
    assert "leave out DATA" in onelayer("data", "houses", "--export", "data").error


def test_help_and_version(onelayer):
    assert "train" in onelayer("--help").out and "train" in onelayer().out
    assert onelayer("--version").out.strip() == "0.1.0"


def test_column_names_are_shown_as_they_are(onelayer, tmp_path):
    (tmp_path / "t.csv").write_text("area [m2],a [/b],y\n" + "\n".join(f"{i},{i * i},{i}" for i in range(9)))
    result = onelayer("train", "t.csv", "--target", "y", "--solver", "exact")
    assert "area [m2]" in result.out and "a [/b]" in result.out


def test_new_rows_are_read_as_the_training_rows_were(onelayer, tmp_path):
    """007 alone would pass for the number 7, and True and False alone for booleans."""
    rows = [f"{('007', '008')[i % 2]},{('True', 'False', 'Maybe')[i % 3]},{i},{i % 2}" for i in range(30)]
    (tmp_path / "t.csv").write_text("zip,flag,id,y\n" + "\n".join(rows))
    how = ["--target", "y", "--features", "zip,flag", "--categorical", "zip", "--solver", "exact"]
    assert onelayer("train", "t.csv", *how).code == 0
    (tmp_path / "new.csv").write_text("id,zip,flag\n01,007,True\n02,007,False\n")
    out = onelayer("predict", "runs/t-linear", "new.csv").out.replace('"', "").splitlines()
    assert [line.rsplit(",", 1)[0] for line in out[1:]] == ["01,007,True", "02,007,False"]
    assert [float(line.rsplit(",", 1)[1]) for line in out[1:]] == pytest.approx([0, 0], abs=1e-9)


def test_codes_as_classes_are_evaluated_on_the_file_they_were_learned_from(onelayer, tmp_path):
    (tmp_path / "t.csv").write_text("x,t\n" + "\n".join(f"{i},0{1 + (i > 25)}" for i in range(50)))
    assert onelayer("train", "t.csv", "--target", "t", "--categorical", "t", "--epochs", 50).code == 0
    result = json.loads(onelayer("evaluate", "runs/t-softmax", "t.csv", "--json").out)
    assert list(result["classes"]) == ["01", "02"] and result["accuracy"] > 0.8


def test_a_report_in_chinese_says_how_it_was_made(onelayer, tmp_path):
    result = onelayer("train", "houses", "--solver", "auto", "--lang", "zh", "--out", "a <b>")
    assert result.code == 0 and "report.html" in result.out
    source = (tmp_path / "a <b>/report.html").read_text(encoding="utf-8")
    assert '<html lang="zh-Hans">' in source and "预测" in source
    assert hashlib.sha256((tmp_path / "a <b>/model.safetensors").read_bytes()).hexdigest() in source
    assert "onelayer train houses --solver auto --lang zh --out &#x27;a &lt;b&gt;&#x27;" in source


def test_images_of_one_row_of_pixels(onelayer, tmp_path):
    for part in ("train", "t10k"):
        images = (np.arange(20 * 40).reshape(20, 1, 40) % 256) * (np.arange(20) % 2)[:, None, None]
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(idx_bytes(images))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx_bytes(np.arange(20) % 2))
    assert onelayer("train", tmp_path, "--epochs", 1, "--out", "wide").code == 0
    assert (tmp_path / "wide/report.html").read_text().count("<img ") >= 2


def test_a_damaged_checkpoint(onelayer, tmp_path):
    assert onelayer("train", "houses", "--solver", "sgd", "--out", "m").code == 0
    path = tmp_path / "m/checkpoint.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    error = onelayer("train", "houses", "--solver", "sgd", "--out", "m", "--resume").error
    assert "checkpoint.safetensors: damaged" in error and "start without --resume" in error


def test_an_estimator_from_python_predicts_and_is_evaluated_by_the_names_of_its_features(onelayer, tmp_path):
    frame = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [1.0, 0.0, 0.0, 1.0]})
    LinearRegression().fit(frame, 2 * frame["a"] + 1).save(tmp_path / "linear")
    SoftmaxRegression().fit(frame, frame["a"] > 1.5).save(tmp_path / "softmax")
    frame[["b", "a"]].assign(y=2 * frame["a"] + 2).to_csv(tmp_path / "new.csv", index=False)
    rows = onelayer("predict", "linear", "new.csv").out.splitlines()
    assert rows[0] == "b,a,y,predicted_y"
    assert [float(row.split(",")[-1]) for row in rows[1:]] == pytest.approx([1, 3, 5, 7])
    assert json.loads(onelayer("evaluate", "linear", "new.csv", "--json").out)["rmse"] == pytest.approx(1)
    frame.assign(y=frame["a"] > 1.5).to_csv(tmp_path / "new.csv", index=False)
    rows = onelayer("predict", "softmax", "new.csv").out.splitlines()
    assert [row.split(",")[-1] for row in rows[1:]] == ["false", "false", "true", "true"]
    assert json.loads(onelayer("evaluate", "softmax", "new.csv", "--json").out)["accuracy"] == 1
    LinearRegression().fit(frame.to_numpy(), frame["a"]).save(tmp_path / "unnamed")
    assert "no names of features" in onelayer("predict", "unnamed", "new.csv").error
    LinearRegression().fit(frame, np.c_[frame["a"], frame["b"]]).save(tmp_path / "two")
    assert onelayer("predict", "two", "new.csv").out.splitlines()[0] == "a,b,y,predicted_y_1,predicted_y_2"
    assert "predicts 2 numbers a row" in onelayer("evaluate", "two", "new.csv").error


def test_a_score_that_does_not_exist_is_a_dash(onelayer, tmp_path):
    assert onelayer("train", "houses", "--solver", "exact", "--out", "m").code == 0
    (tmp_path / "one.csv").write_text("area,age,price\n1000,10,160000\n")
    assert onelayer("evaluate", "m", "one.csv").out.startswith("R² –, RMSE ")
    assert json.loads(onelayer("evaluate", "m", "one.csv", "--json").out)["r2"] is None
    (tmp_path / "constant.csv").write_text("x,y\n" + "\n".join(f"{i},0.1" for i in range(50)))
    assert "–" in onelayer("compare", "constant.csv", "--target", "y", "--epochs", 1).out


def test_compare_marks_what_diverged(onelayer):
    values = json.loads(
        onelayer("compare", "houses", "--lr", 1.2, "--batch-size", 8, "--epochs", 3, "--json").out
    )
    assert any(row["diverged"] for row in values["results"])
    assert "diverged" in onelayer("compare", "houses", "--lr", 1.2, "--batch-size", 8, "--epochs", 3).out


def test_predict_leaves_the_users_own_cells_as_they_are(onelayer, tmp_path):
    (tmp_path / "t.csv").write_text("x,y\n" + "\n".join(f"{i},{3 * i}" for i in range(20)))
    assert onelayer("train", "t.csv", "--target", "y", "--solver", "exact").code == 0
    rows = 'id,card,note,x\n0001,62220212345678900001,NA,1.50\n0002,,"a, ""b""",02\n'
    (tmp_path / "return.csv").write_bytes(b'note,x\n"a\rb",1\nc,2\n')
    assert onelayer("predict", "runs/t-linear", "return.csv", "-o", "out.csv").code == 0
    assert pd.read_csv(tmp_path / "out.csv")["note"].tolist() == ["a\rb", "c"]
    (tmp_path / "new.csv").write_text(rows)
    expected = rows.splitlines()
    out = onelayer("predict", "runs/t-linear", "new.csv").out.splitlines()
    assert [line.rpartition(",")[0] for line in out] == expected
    assert [float(line.rpartition(",")[2]) for line in out[1:]] == pytest.approx([4.5, 6.0])
    assert (
        "is the data themselves" in onelayer("predict", "runs/t-linear", "new.csv", "-o", "./new.csv").error
    )
    assert (tmp_path / "new.csv").read_text() == rows


def test_as_many_rows_come_out_as_go_in(onelayer, linear, tmp_path):
    rows = ["1000,10,pipe", "1500,20,ok", "2000,30,ok", '1700,5,"two\nlines"', "1700,5,last"]
    (tmp_path / "new.csv").write_text("area,age,note\n" + "\n".join(rows) + "\n")
    assert onelayer("predict", linear, "new.csv", "-o", "out.csv").code == 0
    assert len(pd.read_csv(tmp_path / "out.csv")) == 5
    for first, third in (('"5 inch', '6" wide'), ('"5 inch', '6"'), ('"', '"')):
        stray = [rows[0].replace("pipe", first), rows[1], rows[2].replace("ok", third), *rows[3:]]
        (tmp_path / "new.csv").write_text("area,age,note\n" + "\n".join(stray) + "\n")
        error = onelayer("predict", linear, "new.csv").error
        assert "new.csv: line 2: " in error and 'a quote (") begin' in error


@pytest.mark.parametrize("cell", [b"b", b"\xff"])
def test_columns_of_bytes(onelayer, linear, tmp_path, cell):
    """As a feature they are not numbers; as another column they have no form in CSV, but one in Parquet."""
    pd.DataFrame({"area": [cell], "age": [10]}).to_parquet(tmp_path / "bytes.parquet")
    assert (
        "column 'area' is of type binary, not a number" in onelayer("predict", linear, "bytes.parquet").error
    )
    pd.DataFrame({"area": [1000], "age": [10], "blob": [cell]}).to_parquet(tmp_path / "bytes.parquet")
    assert "column 'blob' holds bytes" in onelayer("predict", linear, "bytes.parquet").error
    assert onelayer("predict", linear, "bytes.parquet", "-o", "out.parquet").code == 0
    assert pd.read_parquet(tmp_path / "out.parquet")["blob"].tolist() == [cell]


@pytest.mark.filterwarnings("always")
def test_a_model_without_a_checksum_is_said_to_have_none(onelayer, idx_folder):
    model = Path(__file__).parent / "data/format-1/images.safetensors"
    result = onelayer("predict", model, idx_folder)
    assert result.code == 0 and len(result.out.splitlines()) == 11
    assert (
        result.err.startswith("warning: ")
        and "without a checksum" in result.err
        and result.err.count("\n") == 1
    )


def test_predict_writes_through_a_link(onelayer, linear, tmp_path):
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to("real.csv")
    assert onelayer("predict", linear, "houses", "-o", "link.csv").code == 0
    assert (tmp_path / "link.csv").is_symlink() and "predicted_price" in (tmp_path / "real.csv").read_text()


def test_predict_writes_to_a_pipe(onelayer, linear, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link.csv").symlink_to("pipe")
    with ThreadPoolExecutor(1) as pool:
        received = pool.submit((tmp_path / "pipe").read_text)
        result = onelayer("predict", linear, "houses", "-o", "link.csv")
        assert (result.code, result.out) == (0, "")  # nothing beside what may go the same way
        assert received.result(timeout=10) == onelayer("predict", linear, "houses").out
    assert (tmp_path / "pipe").is_fifo() and (tmp_path / "link.csv").is_symlink()


# Failing


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "nowhere"], "no data set or file called 'nowhere'"),
        (["train", "houses", "--target", "rent"], "it has 'area', 'age', 'price'"),
        (["train", "houses", "--features", "area,rooms"], "no feature column 'rooms'"),
        (
            ["train", "houses", "--model", "softmax"],
            "are not classes: 1,032 are too many; use --model linear",
        ),
        (["train", "fashion-mnist", "--model", "linear"], "use --model softmax"),
        (["train", "fashion-mnist", "--target", "label"], "--target is for tables"),
        (
            ["train", "fashion-mnist", "--model", "mlp", "--solver", "exact"],
            "exact solvers are for one layer",
        ),
        (["train", "fashion-mnist", "--model", "mlp", "--solver", "newton"], "whose solvers are auto, sgd"),
        (["train", "houses", "--solver", "newton"], "whose solvers are auto, direct, sgd"),
        (["train", "fashion-mnist", "--solver", "exact", "--C", "0"], "C must be a positive number"),
        (["train", "houses", "--model", "mlp", "--way", "fused"], "only --way concise"),
        (["train", "houses", "--lr", "5"], "largest stable learning rate for these data is about 1.6"),
        (["train", "houses", "--epochs", "0"], "epochs must be at least 1"),
        (["train", "houses", "--epochs", "many"], "valid integer"),
        (["train", "houses", "--valid", "1"], "valid must be"),
        (["train", "houses", "--device", "toaster"], "toaster"),
        (["train", "houses", "--model", "phm", "--phm-n", "99"], "n of a PHM layer must be 1 to 2"),
        (["train", "houses", "--seed", "99999999999999999999"], "--seed"),
        (["train", "houses", "--solver", "direct", "--resume"], "no epochs to resume"),
        (["train", "houses", "--colour", "red"], "No such option"),
        (["trian"], "Did you mean"),
        (["train"], "DATA"),
        (["tune", "houses", "--lr", "fast"], "expected LOW:HIGH"),
        (["tune", "houses", "--lr", "50,60"], "every learning rate diverged"),
        (["compare", "houses", "--phm-n", "two"], "whole numbers"),
        (["predict", "nothing", "houses"], "cannot be read"),
        (["predict", "nothing", "houses", "-o", "x.txt"], "must end in .csv or .parquet"),
        (["train", "houses", "--out", "/proc/nowhere"], "cannot be made"),
    ],
)
def test_a_mistake_ends_with_one_line_and_leaves_nothing(onelayer, tmp_path, arguments, message):
    result = onelayer(*arguments)
    assert message in result.error
    assert not list(tmp_path.iterdir())


@pytest.fixture
def linear(onelayer, tmp_path):
    assert onelayer("train", "houses", "--solver", "exact", "--out", "model").code == 0
    return tmp_path / "model/model.safetensors"


def test_a_model_for_other_data(onelayer, linear, tmp_path, idx_folder):
    assert "was trained on a table (houses)" in onelayer("evaluate", linear, "fashion-mnist").error
    (tmp_path / "t.csv").write_text("area,price\n1,2\n")
    assert "has no column 'age'; it has 'area', 'price'" in onelayer("predict", linear, "t.csv").error
    (tmp_path / "t.csv").write_text("area,age\n1,2\n")
    assert "has no target column 'price'" in onelayer("evaluate", linear, "t.csv").error
    (tmp_path / "t.csv").write_text("area,age\n1,\n")
    assert "'age' has 1 missing value" in onelayer("predict", linear, "t.csv").error
    assert onelayer("train", idx_folder, "--epochs", 1, "--out", "tiny-model").code == 0
    assert "images are 28×28" in onelayer("evaluate", "tiny-model", "fashion-mnist").error
    (tmp_path / "wide").write_bytes(idx_bytes(torch.zeros(1, 5, 5).numpy()))
    assert "images are 5×5" in onelayer("predict", "tiny-model", "wide").error


def test_a_truncated_model(onelayer, linear):
    linear.write_bytes(linear.read_bytes()[:-3])
    assert "damaged" in onelayer("predict", linear, "houses").error


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_behind_standard_output(linear, tmp_path):
    code = "from onelayer.cli import main; main()"
    with Path("/dev/full").open("w") as full:
        result = subprocess.run(
            [sys.executable, "-c", code, "predict", linear, "houses"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
        )
    assert result.returncode == 1
    assert result.stderr == "error: the output: No space left on device\n"


def test_a_full_disk(onelayer, tmp_path):
    """A file-size limit, as far as a program can see, is a disk that is full after so many bytes."""
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000));"
    result = subprocess.run(
        [sys.executable, "-c", limit + "from onelayer.cli import main; main()", "train", "fashion-mnist"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert result.returncode == 1
    assert result.stderr.startswith("error: ") and "cannot be written" in result.stderr
    assert not list(tmp_path.iterdir())
