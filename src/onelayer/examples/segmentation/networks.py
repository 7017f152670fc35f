"""The networks, from pictures (m, h, w) of 0 to 255 to logits (m, q, h, w): softmax regression of every pixel, all."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (PyTorch's own idiom)

FOLD, GREY = 2, 80  # pixels that become channels, each way; what values are centred on, and divided by


class SoftmaxOfPatches(nn.Module):
    """One layer: softmax regression on the size × size pixels around each pixel, which is a convolution."""

    def __init__(self, size: int, q: int) -> None:
        super().__init__()
        self.affine = nn.Conv2d(1, q, size, padding=size // 2)

    def forward(self, X: Tensor) -> Tensor:
        """Map pictures to logits."""
        logits: Tensor = self.affine((X.unsqueeze(1) - GREY) / GREY)
        return logits


class Encoder(nn.Module):
    """Features on grids of 1/2, 1/4 and 1/8 of the pixels each way, in width, 2 width and 4 width channels.

    First each 2 × 2 pixels become four channels, which loses nothing and leaves a quarter of the places to work at.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.channels = width, 2 * width, 4 * width
        ends = zip((FOLD**2, width, 2 * width), self.channels, (1, 2, 2), strict=True)
        self.blocks = nn.ModuleList(convolutions(*each) for each in ends)
        self.context = convolutions(4 * width, 4 * width, 2)  # at 1/16, where an item is two places wide

    def forward(self, X: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the features, the finest first."""
        X = F.pixel_unshuffle((X.unsqueeze(1) - GREY) / GREY, FOLD)
        fine = self.blocks[0](X.contiguous(memory_format=torch.channels_last))  # which is faster on the CPU
        middle = self.blocks[1](F.max_pool2d(fine, 2))
        coarse = self.blocks[2](F.max_pool2d(middle, 2))
        context = self.context(F.max_pool2d(coarse, 2))
        return fine, middle, coarse + F.interpolate(context, scale_factor=2.0)


class FCN(nn.Module):
    """A fully convolutional network (Long, Shelhamer and Darrell 2015): logits of each grid, enlarged and added."""

    def __init__(self, q: int, width: int = 32) -> None:
        super().__init__()
        self.encoder = Encoder(width)
        self.logits = nn.ModuleList(nn.Conv2d(channels, q, 1) for channels in self.encoder.channels)

    def forward(self, X: Tensor) -> Tensor:
        """Map pictures to logits."""
        with bfloat16(X.device):
            fine, middle, total = (layer(x) for layer, x in zip(self.logits, self.encoder(X), strict=True))
            for beside in (middle, fine):
                total = beside + F.interpolate(total, scale_factor=2, mode="bilinear")
        return F.interpolate(total.float(), scale_factor=FOLD, mode="bilinear")


class UNet(nn.Module):
    """A U-Net (Ronneberger, Fischer and Brox 2015): coarse features are enlarged and convolved with the finer ones."""

    def __init__(self, q: int, width: int = 32) -> None:
        super().__init__()
        self.encoder = Encoder(width)
        fine, middle, coarse = self.encoder.channels
        steps = ((coarse, middle), (middle, fine))
        self.enlarge = nn.ModuleList(nn.ConvTranspose2d(*step, 2, stride=2) for step in steps)
        self.join = nn.ModuleList(convolutions(2 * to, to, 1) for _, to in steps)
        self.logits = nn.Conv2d(fine, q * FOLD**2, 1)  # of each of the 2 × 2 pixels

    def forward(self, X: Tensor) -> Tensor:
        """Map pictures to logits."""
        with bfloat16(X.device):
            fine, middle, X = self.encoder(X)
            for enlarge, join, beside in zip(self.enlarge, self.join, (middle, fine), strict=True):
                X = join(torch.cat([beside, enlarge(X)], dim=1))
            return F.pixel_shuffle(self.logits(X).float(), FOLD)


def convolutions(inputs: int, outputs: int, n: int) -> nn.Sequential:
    """Return n times: 3 × 3 convolution, batch normalisation, ReLU."""
    layers: list[nn.Module] = []
    for channels in [inputs] + [outputs] * (n - 1):
        layers += [nn.Conv2d(channels, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return nn.Sequential(*layers)


def bfloat16(device: torch.device) -> torch.autocast:
    """Return a context that multiplies 16-bit numbers and sums in 32 bits, if the device is known to be made for it."""
    able = device.type == "cuda" and torch.cuda.is_bf16_supported()
    if device.type == "cpu" and hasattr(torch.cpu, "get_capabilities"):  # newer PyTorch alone can tell
        able = any(torch.cpu.get_capabilities().get(name) for name in ("avx512_bf16", "amx_bf16"))
    return torch.autocast(device.type, torch.bfloat16, enabled=able)
