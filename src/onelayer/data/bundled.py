"""The data that ship with the package: Fashion-MNIST, houses, and a synthetic generator."""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from onelayer.data.dataset import Dataset, random_stream
from onelayer.data.idx_folder import open_idx_folder
from onelayer.data.rows import Rows
from onelayer.errors import OneLayerError
from onelayer.files import write_whole

FILES = Path(__file__).parent / "files"
HOUSES = FILES / "houses/houses.csv"
FASHION_MNIST = FILES / "fashion-mnist"

FASHION_MNIST_CLASSES = (
    "t-shirt",
    "trouser",
    "pullover",
    "dress",
    "coat",
    "sandal",
    "shirt",
    "sneaker",
    "bag",
    "ankle boot",
)  # the text labels of section 3.5, in the order of the label numbers

FASHION_MNIST_FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

SHA256 = {
    "fashion-mnist/train-images-idx3-ubyte": (
        "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888"
    ),
    "fashion-mnist/train-labels-idx1-ubyte": (
        "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9"
    ),
    "fashion-mnist/t10k-images-idx3-ubyte": (
        "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b"
    ),
    "fashion-mnist/t10k-labels-idx1-ubyte": (
        "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34"
    ),
    "houses/houses.csv": "8eda81eaa4e983358f4afd5afa50635f7dde72ed11e4d3b3bfa750a71a576421",
}


def fashion_mnist() -> Dataset:
    """Return Fashion-MNIST: 60,000 training and 10,000 test images of 28×28 bytes in 10 classes.

    Source: Xiao, Rasul and Vollgraf 2017.

    Example:
        >>> from onelayer import fashion_mnist
        >>> data = fashion_mnist()
        >>> len(data.train), len(data.test), data.image_shape, data.classes[:3]
        (60000, 10000, (28, 28), ('t-shirt', 'trouser', 'pullover'))
    """
    return open_idx_folder(FASHION_MNIST, "fashion-mnist", FASHION_MNIST_CLASSES)


def houses() -> Dataset:
    """Return 2,930 house sales in Ames, Iowa: area (ft²) and age (years) to price (USD).

    Source: De Cock 2011, Journal of Statistics Education 19(3).

    Example:
        >>> from onelayer import houses
        >>> data = houses()
        >>> len(data.train), data.features, data.target
        (2930, ('area', 'age'), 'price')
    """
    # Arrow takes 0.1 s to import, and most of what this module offers does without it.
    from onelayer.data.decisions import Choices
    from onelayer.data.from_table import dataset_of
    from onelayer.data.tables import open_table

    return dataset_of(open_table(HOUSES), "houses", Choices("price"))


def synthetic(
    n: int = 1000,
    d: int = 2,
    weight: Sequence[float] = (2.0, -3.4),
    bias: float = 4.2,
    sigma: float = 0.01,
    seed: int = 0,
) -> Dataset:
    """Return y = Xw + b + ε with standard normal X (n, d) and ε ~ N(0, σ²) (section 3.2.1).

    ``weight`` is repeated or cut to d values: 2, −3.4, 2, −3.4, … The features are x1 … xd, the target y.

    Raises:
        OneLayerError: if n or d is not positive or sigma is negative.

    Example:
        >>> from onelayer import synthetic
        >>> data = synthetic(n=100, d=3)
        >>> data.train.X.shape, data.features
        ((100, 3), ('x1', 'x2', 'x3'))
    """
    from onelayer.data.encoding import Column, Encoding

    if n < 1 or d < 1 or sigma < 0:
        raise OneLayerError(f"need n ≥ 1, d ≥ 1 and sigma ≥ 0, not n={n}, d={d}, sigma={sigma}")
    generator = random_stream(seed)
    X = generator.standard_normal((n, d))
    noise = sigma * generator.standard_normal(n)
    w = np.array([weight[i % len(weight)] for i in range(d)])
    encoding = Encoding(tuple(Column(f"x{i + 1}") for i in range(d)))
    rows = Rows(X, X @ w + bias + noise, "regression")
    return Dataset("synthetic", rows, None, encoding.features, "y", (), encoding=encoding)


@dataclass(frozen=True)
class BundledFile:
    """What ``verify`` found of one file."""

    name: str
    size: int
    intact: bool


def verify() -> list[BundledFile]:
    """Compare the SHA-256 of each bundled file with the recorded one.

    Example:
        >>> from onelayer.data import verify
        >>> all(file.intact for file in verify())
        True
    """
    found = []
    for name, expected in SHA256.items():
        path = FILES / name
        content = path.read_bytes() if path.is_file() else b""
        intact = hashlib.sha256(content).hexdigest() == expected
        found.append(BundledFile(name, len(content), intact))
    return found


def torchvision_folder(root: Path) -> Path:
    """Return the folder in which ``torchvision.datasets.FashionMNIST(root)`` looks for its four files."""
    return root / "FashionMNIST/raw"


def export_fashion_mnist(root: Path) -> list[Path]:
    """Write the four files to where torchvision looks for them, all or none, and return those that were missing.

    Raises:
        OneLayerError: if a file is there with other content, which stays; if the folder cannot be written to; or if a
            bundled file is damaged.
    """
    damaged = [
        file.name for file in verify() if not file.intact and Path(file.name).name in FASHION_MNIST_FILES
    ]
    if damaged:
        raise OneLayerError(f"{', '.join(damaged)}: damaged or missing; install onelayer again")
    folder = torchvision_folder(root)
    contents = {folder / name: (FASHION_MNIST / name).read_bytes() for name in FASHION_MNIST_FILES}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        there = [path for path in contents if os.path.lexists(path)]
        for path in there:
            if not path.is_file() or path.read_bytes() != contents[path]:
                raise OneLayerError(
                    f"{path}: is there with other content; move it away, or choose another folder"
                )
    except OSError as error:
        raise OneLayerError(f"{error.filename or folder}: cannot be used ({error.strerror})") from error
    missing = {path: content for path, content in contents.items() if path not in there}
    write_whole(missing)
    return list(missing)


def size_on_disk(name: str) -> int:
    """Return the bytes of a bundled data set's files; 0 for one that is generated."""
    return sum((FILES / file).stat().st_size for file in SHA256 if file.startswith(f"{name}/"))
