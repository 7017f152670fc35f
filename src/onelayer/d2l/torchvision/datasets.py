"""``torchvision.datasets.FashionMNIST``, from files of the reader's or from the bundled ones."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from PIL import Image
from torch.utils.data import Dataset

from onelayer.d2l.names import no_stand_in
from onelayer.data.bundled import FASHION_MNIST, FASHION_MNIST_FILES, torchvision_folder
from onelayer.data.idx import read_images, read_labels
from onelayer.errors import OneLayerError

__all__ = ["FashionMNIST"]


class FashionMNIST(Dataset[tuple[Any, Any]]):
    """Fashion-MNIST as pairs (image, label): a PIL image of 28×28 bytes before ``transform``, and an int.

    The four files are read from ``root``/FashionMNIST/raw if they are all there, as torchvision leaves them and
    ``onelayer data --export`` writes them; else from the package, which has the same files. Nothing is downloaded.

    Args:
        root: the folder that has the folder FashionMNIST, or will not be needed.
        train: the 60,000 training images; else the 10,000 test images.
        transform: what to make of each image, for instance ``transforms.ToTensor()``.
        target_transform: what to make of each label.
        download: without effect, as all images are there.

    Attributes:
        data: the images (n, 28, 28) as bytes.
        targets: the labels (n,) as int64.
        classes: torchvision's names of the ten classes; ``class_to_idx`` has their numbers.

    Raises:
        OneLayerError: if a file in ``root`` is damaged.
    """

    classes: ClassVar = [
        "T-shirt/top",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ]

    def __init__(
        self,
        root: str | Path,
        train: bool = True,
        transform: Callable[[Any], Any] | None = None,
        target_transform: Callable[[Any], Any] | None = None,
        download: bool = False,
    ) -> None:
        self.root, self.train = str(root), train
        self.transform, self.target_transform = transform, target_transform
        folder = torchvision_folder(Path(root).expanduser())
        if not all((folder / name).is_file() for name in FASHION_MNIST_FILES):
            folder = FASHION_MNIST
        part = folder / ("train" if train else "t10k")
        images, size = read_images(part.with_name(f"{part.name}-images-idx3-ubyte"))
        self.data = torch.from_numpy(images).view(-1, *size)
        self.targets = torch.from_numpy(read_labels(part.with_name(f"{part.name}-labels-idx1-ubyte")))
        if len(self.data) != len(self.targets):
            raise OneLayerError(f"{folder}: has {len(self.data)} images and {len(self.targets)} labels")

    @property
    def class_to_idx(self) -> dict[str, int]:
        """The number of each class, by its name."""
        return {name: i for i, name in enumerate(self.classes)}

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        """Return image and label of one example, transformed."""
        image: Any = Image.fromarray(self.data[index].numpy())
        label: Any = int(self.targets[index])
        if self.transform is not None:
            image = self.transform(image)
        if self.target_transform is not None:
            label = self.target_transform(label)
        return image, label


if not TYPE_CHECKING:  # a type checker is to see the names above and no others
    __getattr__ = no_stand_in("torchvision.datasets", __all__)
