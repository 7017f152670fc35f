"""``torchvision.transforms``: ``ToTensor``, ``Resize`` and ``Compose``, for PIL images."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

from onelayer.d2l.names import no_stand_in
from onelayer.errors import OneLayerError

__all__ = ["Compose", "Resize", "ToTensor"]


class Compose:
    """Transforms one after the other.

    Attributes:
        transforms: the list of them.
    """

    def __init__(self, transforms: Iterable[Callable[[Any], Any]]) -> None:
        self.transforms = list(transforms)

    def __call__(self, img: Any) -> Any:
        """Return what the last transform makes of what the others made of ``img``."""
        for transform in self.transforms:
            img = transform(img)
        return img


class ToTensor:
    """From an image, PIL's or an array (h, w) or (h, w, c), to a tensor (c, h, w).

    Bytes are divided by 255, to numbers in [0, 1]; other types keep their values.
    """

    def __call__(self, pic: Image.Image | npt.NDArray[Any]) -> Tensor:
        """Return the tensor.

        Raises:
            OneLayerError: if ``pic`` is not an image.
        """
        pixels = np.array(pic) if isinstance(pic, Image.Image | np.ndarray) else np.empty(0)
        if pixels.ndim not in (2, 3):
            raise OneLayerError(
                f"ToTensor takes a PIL image or an array (h, w) or (h, w, c), not a {type(pic).__name__}"
            )
        if isinstance(pic, Image.Image) and pixels.dtype == bool:
            pixels = pixels * np.uint8(255)  # black and white
        if pixels.ndim == 2:
            pixels = pixels[:, :, None]
        tensor = torch.from_numpy(pixels).permute(2, 0, 1).contiguous()
        return tensor.to(torch.get_default_dtype()).div(255) if tensor.dtype == torch.uint8 else tensor


class Resize:
    """Scales PIL images by PIL's bilinear filter, which averages over the pixels that become one.

    Args:
        size: (height, width), or the length of the shorter side: the longer one keeps its proportion to it.
    """

    def __init__(self, size: int | Sequence[int]) -> None:
        self.size = size
        sides = [size] if isinstance(size, int) else list(size)
        if len(sides) not in (1, 2) or not all(isinstance(side, int) and side > 0 for side in sides):
            raise OneLayerError(f"size must be a side in pixels or (height, width), not {size!r}")
        self._sides = sides

    def __call__(self, img: Image.Image) -> Image.Image:
        """Return the image in the new size.

        Raises:
            OneLayerError: if ``img`` is not a PIL image.
        """
        if not isinstance(img, Image.Image):
            raise OneLayerError(
                f"Resize takes a PIL image, not a {type(img).__name__}: put it before ToTensor"
            )
        width, height = self._width_and_height(img)
        return img if img.size == (width, height) else img.resize((width, height), Image.Resampling.BILINEAR)

    def _width_and_height(self, img: Image.Image) -> tuple[int, int]:
        if len(self._sides) == 2:
            return self._sides[1], self._sides[0]
        [short] = self._sides
        long = int(short * max(img.size) / min(img.size))
        return (short, long) if img.width <= img.height else (long, short)


if not TYPE_CHECKING:  # a type checker is to see the names above and no others
    __getattr__ = no_stand_in("torchvision.transforms", __all__)
