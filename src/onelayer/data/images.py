"""Images as bytes: scaling them to another size."""

from torch import Tensor
from torch.nn.functional import interpolate


def resize(images: Tensor, size: tuple[int, int]) -> Tensor:
    """Return images (n, h, w) of bytes as (n, *size), scaled as PIL's bilinear filter scales them, to 1/255."""
    return interpolate(images[:, None], size, mode="bilinear", antialias=True)[:, 0]
