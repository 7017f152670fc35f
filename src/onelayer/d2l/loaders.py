"""Data loaders that take a whole batch at once: arrays, and Fashion-MNIST as section 3.5 loads it."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate
from torch.utils.data import DataLoader, Dataset, TensorDataset

from onelayer.data.bundled import FASHION_MNIST_CLASSES, fashion_mnist
from onelayer.errors import OneLayerError

Size = int | Sequence[int]


class BatchLoader(DataLoader[Any]):
    """A ``DataLoader`` that indexes its dataset with a tensor of row numbers, once a batch, in this process.

    It yields the batches that ``DataLoader`` yields, as lists ``[X, y]``, in the same order after the same
    ``torch.manual_seed``, but calls no Python for each example.
    """

    def __init__(self, dataset: Dataset[Any], batch_size: int, shuffle: bool) -> None:
        super().__init__(dataset, batch_size, shuffle)

    def __iter__(self) -> Iterator[list[Tensor]]:  # type: ignore[override]
        """Start a pass over all rows; if shuffled, in an order of its own."""
        # DataLoader draws a seed for its workers before the sampler draws one for the order.
        torch.empty((), dtype=torch.int64).random_()
        # Through NumPy, which reads a list of integers 5 times faster than PyTorch does.
        indices = (torch.from_numpy(np.array(rows, np.int64)) for rows in self.batch_sampler or ())
        return (list(self.dataset[index]) for index in indices)


class FashionMNISTImages(Dataset[tuple[Tensor, Tensor | int]]):
    """The training or test images, item by item or many at a time.

    Like ``torchvision.datasets.FashionMNIST`` with the transforms ``Resize`` and ``ToTensor``, from the
    bundled files.

    Attributes:
        data: the images (n, 28, 28) as bytes, not resized.
        targets: the labels (n,) as int64.
        classes: the text label of each class.
        resize: (height, width) of the images that are given out, or None for 28×28.
    """

    def __init__(self, train: bool, resize: Size | None = None) -> None:
        dataset = fashion_mnist()
        rows = dataset.train if train else dataset.test
        if rows is None or dataset.image_shape is None:
            raise OneLayerError("the bundled files of Fashion-MNIST are incomplete; install onelayer again")
        self.data = torch.from_numpy(rows.X).view(-1, *dataset.image_shape)
        self.targets = torch.from_numpy(rows.y)
        self.classes = list(dataset.classes)
        self.resize = _height_and_width(resize) if resize else None

    def __len__(self) -> int:
        return len(self.targets)

    def __getitem__(self, index: int | slice | Tensor) -> tuple[Tensor, Tensor | int]:
        """Return image (1, h, w) in [0, 1] and label of one example, or (b, 1, h, w) and (b,) of several."""
        if isinstance(index, Tensor) and index.dim():
            return self._images(self.data.index_select(0, index)), self.targets.index_select(0, index)
        if isinstance(index, slice):
            return self._images(self.data[index]), self.targets[index]
        return self._images(self.data[int(index)][None])[0], int(self.targets[int(index)])

    def _images(self, pixels: Tensor) -> Tensor:
        return (resize_images(pixels, self.resize) if self.resize else pixels)[:, None].float().div_(255)


def resize_images(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Return images (n, h, w) of bytes as (n, *size), scaled as PIL's bilinear filter scales them, to 1/255."""
    return interpolate(images[:, None], size, mode="bilinear", antialias=True)[:, 0]


def _height_and_width(resize: Size) -> tuple[int, int]:
    size = tuple(resize) if isinstance(resize, Sequence) else (resize, resize)
    if len(size) != 2 or not all(isinstance(side, int) and side > 0 for side in size):
        raise OneLayerError(f"resize must be a side in pixels or (height, width), not {resize!r}")
    return size[0], size[1]


def load_array(data_arrays: Sequence[Tensor], batch_size: int, is_train: bool = True) -> BatchLoader:
    """Return the rows of tensors (n, …) in batches, shuffled if ``is_train`` (section 3.3.2).

    Example:
        >>> import torch
        >>> from onelayer import d2l
        >>> batches = d2l.load_array((torch.ones(10, 2), torch.ones(10, 1)), batch_size=4)
        >>> [len(X) for X, y in batches]
        [4, 4, 2]
    """
    return BatchLoader(TensorDataset(*data_arrays), batch_size, is_train)


def load_data_fashion_mnist(batch_size: int, resize: Size | None = None) -> tuple[BatchLoader, BatchLoader]:
    """Return the training images, shuffled, and the test images in batches (section 3.5.3).

    A batch is ``[X, y]``: X (b, 1, h, w) float32 in [0, 1] and y (b,) int64; the last one is shorter. With
    ``resize``, a side in pixels or (height, width), images are scaled as PIL's bilinear filter scales them,
    to 1/255. Nothing is downloaded, and no worker processes are started.

    Raises:
        OneLayerError: if ``resize`` is not a size.
        ValueError: if ``batch_size`` is not positive.

    Example:
        >>> from onelayer import d2l
        >>> train_iter, test_iter = d2l.load_data_fashion_mnist(32, resize=64)
        >>> X, y = next(iter(train_iter))
        >>> X.shape, X.dtype, y.shape, y.dtype
        (torch.Size([32, 1, 64, 64]), torch.float32, torch.Size([32]), torch.int64)
    """
    return (
        BatchLoader(FashionMNISTImages(True, resize), batch_size, True),
        BatchLoader(FashionMNISTImages(False, resize), batch_size, False),
    )


def get_fashion_mnist_labels(labels: Sequence[int] | Tensor) -> list[str]:
    """Return the text label of each label number (section 3.5.1).

    Example:
        >>> from onelayer import d2l
        >>> d2l.get_fashion_mnist_labels([0, 9])
        ['t-shirt', 'ankle boot']
    """
    return [FASHION_MNIST_CLASSES[int(i)] for i in labels]


def get_dataloader_workers() -> int:
    """Return how many worker processes to read with: none, where the book has 4 (section 3.5.2).

    A batch is one indexing operation here. Workers would only add the time to start them and to hand tensors
    over, and fail in scripts without ``if __name__ == "__main__"`` on Windows and macOS.

    Example:
        >>> from onelayer import d2l
        >>> d2l.get_dataloader_workers()
        0
    """
    return 0
