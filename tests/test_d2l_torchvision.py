"""The stand-ins for torchvision: the same bits as its definitions, Pillow and, where it is installed, its own code."""

import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from onelayer import OneLayerError, d2l
from onelayer.d2l import torchvision, transforms
from onelayer.data.bundled import FASHION_MNIST

FashionMNIST = torchvision.datasets.FashionMNIST
GENERATOR = np.random.default_rng(0)
PICTURES = {
    "grey": Image.fromarray(GENERATOR.integers(0, 256, (31, 17), np.uint8)),
    "colour": Image.fromarray(GENERATOR.integers(0, 256, (17, 31, 3), np.uint8)),
    "black and white": Image.fromarray(GENERATOR.random((4, 6)) > 0.5),
    "integers": Image.fromarray(GENERATOR.integers(0, 9999, (4, 6), np.int32)),
    "floats": Image.fromarray(GENERATOR.random((4, 6)).astype(np.float32)),
}
SIZES = [5, [40], (9, 33), (17, 31)]


def raw_images(name: str) -> np.ndarray:
    """Return the bytes of a bundled file of images, from the format's description."""
    return np.frombuffer((FASHION_MNIST / name).read_bytes(), np.uint8, offset=16).reshape(-1, 28, 28)


@pytest.mark.parametrize(("train", "name", "n"), [(True, "train", 60_000), (False, "t10k", 10_000)])
def test_fashion_mnist_without_a_transform(train, name, n, tmp_path):
    dataset = FashionMNIST(root=str(tmp_path), train=train, download=True)
    images = raw_images(f"{name}-images-idx3-ubyte")
    labels = np.frombuffer((FASHION_MNIST / f"{name}-labels-idx1-ubyte").read_bytes(), np.uint8, offset=8)
    assert len(dataset) == n and dataset.targets.dtype == torch.int64
    np.testing.assert_array_equal(dataset.data, images)
    np.testing.assert_array_equal(dataset.targets, labels)
    for i in (0, 7, -1):
        image, label = dataset[i]
        assert isinstance(image, Image.Image) and image.mode == "L" and type(label) is int
        np.testing.assert_array_equal(np.asarray(image), images[i])
        assert label == labels[i]
    assert dataset.classes[9] == "Ankle boot" and dataset.class_to_idx["T-shirt/top"] == 0
    with pytest.raises(IndexError):
        dataset[n]


def test_fashion_mnist_with_transforms_and_in_worker_processes():
    dataset = FashionMNIST("../data", False, transforms.ToTensor(), lambda label: -label)
    X, y = next(iter(DataLoader(dataset, 50, num_workers=1)))
    truth, labels = next(iter(d2l.load_data_fashion_mnist(50)[1]))
    assert torch.equal(X, truth) and torch.equal(y, -labels)
    del dataset.target_transform
    dataset.target_transform = None
    assert torch.equal(pickle.loads(pickle.dumps(dataset))[3][0], truth[3])


def test_fashion_mnist_from_the_readers_files(tmp_path):
    raw = tmp_path / "FashionMNIST/raw"
    raw.mkdir(parents=True)
    for file in FASHION_MNIST.glob("*ubyte"):
        (raw / file.name).write_bytes(file.read_bytes())
    changed = bytearray((raw / "t10k-images-idx3-ubyte").read_bytes())
    changed[16] = 77
    (raw / "t10k-images-idx3-ubyte").write_bytes(changed)
    assert FashionMNIST(tmp_path, train=False).data[0, 0, 0] == 77
    (raw / "train-labels-idx1-ubyte").unlink()  # torchvision wants all four
    assert FashionMNIST(tmp_path, train=False).data[0, 0, 0] == 0
    (raw / "train-labels-idx1-ubyte").write_bytes(b"\0\0\x08\1\0\0\0\2ab")
    with pytest.raises(OneLayerError, match="60000 images and 2 labels"):
        FashionMNIST(tmp_path)


@pytest.mark.parametrize("name", PICTURES)
def test_to_tensor_by_its_definition(name):
    picture = PICTURES[name]
    pixels = np.asarray(picture)
    tensor = transforms.ToTensor()(picture)
    channels = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
    if pixels.dtype == np.uint8:
        channels = channels.astype(np.float32) / np.float32(255)
    assert tensor.dtype == (torch.int32 if name == "integers" else torch.float32) and tensor.is_contiguous()
    np.testing.assert_array_equal(tensor, channels)


def test_to_tensor_of_arrays():
    pixels = GENERATOR.integers(0, 256, (4, 6, 3), np.uint8)
    tensor = transforms.ToTensor()(pixels)
    np.testing.assert_array_equal(tensor, pixels.transpose(2, 0, 1).astype(np.float32) / np.float32(255))
    assert transforms.ToTensor()(pixels[:, :, 0] / 2.0).dtype == torch.float64  # only bytes are divided
    for wrong in (torch.ones(2, 2), np.ones(3), "image"):
        with pytest.raises(OneLayerError, match="ToTensor takes a PIL image or an array"):
            transforms.ToTensor()(wrong)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("name", ["grey", "colour"])
def test_resize_is_pillows_bilinear_filter(name, size):
    picture = PICTURES[name]
    width, height = picture.size
    if isinstance(size, tuple):
        truth = size[::-1]
    else:
        side = size if isinstance(size, int) else size[0]
        truth = (side, int(side * height / width)) if width <= height else (int(side * width / height), side)
    scaled = transforms.Resize(size)(picture)
    assert scaled.size == truth
    np.testing.assert_array_equal(
        np.asarray(scaled), np.asarray(picture.resize(truth, Image.Resampling.BILINEAR))
    )


def test_compose_and_what_resize_refuses():
    steps = transforms.Compose([transforms.Resize((8, 9)), transforms.ToTensor()])
    assert steps(PICTURES["grey"]).shape == (1, 8, 9) and len(steps.transforms) == 2
    with pytest.raises(OneLayerError, match="put it before ToTensor"):
        transforms.Resize(8)(torch.ones(1, 4, 4))
    for size in (0, (1, 2, 3), (4, -1), 2.5):
        with pytest.raises((OneLayerError, TypeError)):
            transforms.Resize(size)


def test_other_names_say_what_is_here():
    with pytest.raises(AttributeError, match=r"torchvision\.models, only for datasets, transforms"):
        torchvision.models  # noqa: B018
    with pytest.raises(AttributeError, match=r"transforms\.RandomCrop, only for Compose, Resize, ToTensor"):
        transforms.RandomCrop  # noqa: B018
    with pytest.raises(AttributeError, match=r"datasets\.MNIST, only for FashionMNIST"):
        torchvision.datasets.MNIST  # noqa: B018
    assert d2l.torchvision is torchvision and d2l.transforms is transforms


@pytest.mark.parametrize("size", [None, *SIZES])
@pytest.mark.parametrize("name", PICTURES)
def test_the_same_bits_as_torchvision(name, size):
    real = pytest.importorskip(
        "torchvision", reason="torchvision is not installed", exc_type=(ImportError, RuntimeError)
    ).transforms
    tensors = [
        module.Compose([*([module.Resize(size)] if size else []), module.ToTensor()])(PICTURES[name])
        for module in (real, transforms)
    ]
    assert torch.equal(*tensors) and tensors[0].dtype == tensors[1].dtype
