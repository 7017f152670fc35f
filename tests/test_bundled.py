"""The bundled data are the published ones."""

import numpy as np
import pytest

from onelayer import OneLayerError, fashion_mnist, houses, synthetic
from onelayer.data import bundled


def test_every_file_has_its_recorded_sha256():
    assert all(file.intact for file in bundled.verify())


def test_a_changed_byte_is_noticed(tmp_path, monkeypatch):
    for name in bundled.SHA256:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes((bundled.FILES / name).read_bytes())
    path = tmp_path / "houses/houses.csv"
    path.write_bytes(path.read_bytes().replace(b"215000", b"215001"))
    monkeypatch.setattr(bundled, "FILES", tmp_path)
    assert [file.name for file in bundled.verify() if not file.intact] == ["houses/houses.csv"]


def test_fashion_mnist_has_6000_and_1000_images_a_class():
    data = fashion_mnist()
    assert (
        data.train.X.shape == (60_000, 784) and data.train.X.dtype == np.uint8 and data.train.unit == 1 / 255
    )
    assert np.bincount(data.train.y).tolist() == [6000] * 10
    assert np.bincount(data.test.y).tolist() == [1000] * 10
    assert data.classes[9] == "ankle boot" and data.train.y[0] == 9


def test_export_writes_the_files_where_torchvision_looks_for_them(tmp_path):
    folder = tmp_path / "data/FashionMNIST/raw"
    written = bundled.export_fashion_mnist(tmp_path / "data")
    names = [f"{part}-{kind}-ubyte" for part in ("train", "t10k") for kind in ("images-idx3", "labels-idx1")]
    assert written == [folder / name for name in names]
    assert sorted(path.name for path in folder.iterdir()) == sorted(names)
    for name in names:
        assert (folder / name).read_bytes() == (bundled.FASHION_MNIST / name).read_bytes()
    assert bundled.export_fashion_mnist(tmp_path / "data") == []
    (folder / names[1]).unlink()
    assert bundled.export_fashion_mnist(tmp_path / "data") == [folder / names[1]]


@pytest.mark.parametrize("kind", ["other content", "folder", "dangling link"])
def test_export_overwrites_nothing_and_writes_all_or_none(kind, tmp_path):
    path = tmp_path / "FashionMNIST/raw/t10k-labels-idx1-ubyte"
    path.parent.mkdir(parents=True)
    if kind == "other content":
        path.write_bytes(b"mine")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("nowhere")
    with pytest.raises(OneLayerError, match="t10k-labels-idx1-ubyte: is there with other content"):
        bundled.export_fashion_mnist(tmp_path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert kind != "other content" or path.read_bytes() == b"mine"


def test_export_to_what_is_not_a_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OneLayerError, match=r"file.*: cannot be used"):
        bundled.export_fashion_mnist(tmp_path / "file")


def test_houses_has_2930_sales_of_two_features():
    data = houses()
    assert data.features == ("area", "age") and data.target == "price"
    assert data.train.X.shape == (2930, 2)
    assert data.train.X[0].tolist() == [1656, 50] and data.train.y[0].item() == 215000


def test_synthetic_follows_its_formula():
    data = synthetic(n=20_000, d=3, sigma=0.5)
    X, y = data.train.X, data.train.y
    noise = y - (X @ [[2.0], [-3.4], [2.0]] + 4.2)
    assert noise.mean() == pytest.approx(0, abs=0.02)
    assert noise.std() == pytest.approx(0.5, rel=0.02)
    assert np.corrcoef(noise[:, 0], X[:, 0])[0, 1] == pytest.approx(0, abs=0.03)
    assert np.array_equal(synthetic(seed=1).train.X, synthetic(seed=1).train.X)
    with pytest.raises(OneLayerError, match="n=0"):
        synthetic(n=0)


def test_hold_out_splits_every_row_once():
    data = synthetic(n=100)
    kept, held = data.hold_out(0.2, seed=0)
    assert len(kept.train) == 80 and len(held) == 20
    together = np.concatenate([kept.train.X, held.X])
    assert np.array_equal(np.sort(together, axis=0), np.sort(data.train.X, axis=0))
    with pytest.raises(OneLayerError, match="cannot hold out"):
        synthetic(n=2).hold_out(0.1, seed=0)
