"""Glow: a network that runs both ways, from images to normal noise and from noise to images.

Each step is a bijection y = f(x) that also gives log |det ∂y/∂x| of each image (m,), so that the density is known:
log p(x) = log N(noise; 0, I) + Σ log |det ∂y/∂x|. Sources: NICE (Dinh 2015), RealNVP (Dinh 2017), Glow (Kingma 2018).
"""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d, pixel_shuffle, pixel_unshuffle

EVENNESS = 0.65  # of the levels' widths: 0 leaves them equal, 1 makes them as wide as they are frequent
BELL = 2.5  # standard deviations on either side that level 0 has room for
LARGEST_LOG_SCALE = 2.0  # in one coupling


class Levels(nn.Module):
    """Equalise the histogram: y = √12 (left_k + width_k g_k(u) − ½) for a pixel of level k and uniform noise u.

    Widths come from how often each level is in the training images, ``counts`` (256,). Half of all pixels are 0, and
    affine steps cannot make uniform noise normal, which would cost ¼ bit in each of them: so g_0 takes it to a normal
    distribution, cut off at ±``BELL`` deviations. Other levels have g_k(u) = u.
    """

    def __init__(self, counts: Tensor) -> None:
        super().__init__()
        width = (counts.double() + 1) ** EVENNESS
        self.width = nn.Parameter((width / width.sum()).float(), requires_grad=False)
        self.right = nn.Parameter((width.cumsum(0) / width.sum()).float(), requires_grad=False)
        self.area = math.erf(BELL / math.sqrt(2))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # x: k + u, (m, 1, h, w)
        k = x.long().clamp(0, 255)
        normal = torch.erfinv((2 * (x - k) - 1) * self.area) * math.sqrt(2)
        log_slope = 0.5 * normal**2 + math.log(self.area * math.sqrt(math.pi / 2) / BELL)
        g = torch.where(k == 0, 0.5 + normal / (2 * BELL), x - k)
        log_det = self.width[k].log() + torch.where(k == 0, log_slope, 0.0) + math.log(12) / 2
        return math.sqrt(12) * (self.right[k] - self.width[k] * (1 - g) - 0.5), log_det.flatten(1).sum(1)

    def inverse(self, y: Tensor) -> Tensor:  # beyond the first or last level, its end
        y = y.contiguous() / math.sqrt(12) + 0.5
        k = torch.searchsorted(self.right, y, right=True).clamp(max=255)
        g = (1 - (self.right[k] - y) / self.width[k]).clamp(0, 1)
        bell = 0.5 + torch.erf((2 * g - 1) * BELL / math.sqrt(2)) / (2 * self.area)
        return k + torch.where(k == 0, bell, g)


class Squeeze(nn.Module):
    """Make each square of 2 × 2 pixels one pixel of four times the channels: (m, c, h, w) to (m, 4c, h/2, w/2)."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # channels last, in which convolutions are faster
        return pixel_unshuffle(x, 2).contiguous(memory_format=torch.channels_last), x.new_zeros(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        return pixel_shuffle(y, 2)


class ActNorm(nn.Module):
    """Shift and scale: y = eˢ (x + b), with s and b of a shape such as (c, 1, 1) for one of each a channel.

    The first batch sets s and b, which are NaN before, so that its y have mean 0 and deviation 1. Then they learn.
    """

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.shift, self.log_scale = (nn.Parameter(torch.full(shape, math.nan)) for _ in range(2))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # its Jacobian is diagonal
        if self.shift.isnan().all():
            over = [0, *(axis for axis, size in enumerate(self.shift.shape, start=1) if size == 1)]
            self.shift.data = -x.detach().mean(over, keepdim=True)[0]
            self.log_scale.data = -x.detach().std(over, keepdim=True)[0].clamp(min=1e-6).log()
        log_det = self.log_scale.expand(x.shape[1:]).sum()
        return (x + self.shift) * self.log_scale.exp(), log_det.expand(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        return y * (-self.log_scale).exp() - self.shift


class InvertibleConv(nn.Module):
    """Mix the channels of each pixel: y = W x with W = P L (U + diag(σ eˢ)), at first a random rotation.

    P permutes and σ are signs, both fixed. L is lower triangular with ones on its diagonal, U strictly upper
    triangular: so log |det W| is Σ s, and no determinant is computed.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        permutation, lower, upper = torch.linalg.lu(torch.linalg.qr(torch.randn(channels, channels)).Q)
        self.permutation = nn.Parameter(permutation, requires_grad=False)
        self.sign = nn.Parameter(upper.diag().sign(), requires_grad=False)
        self.lower, self.upper = nn.Parameter(lower.tril(-1)), nn.Parameter(upper.triu(1))
        self.log_diagonal = nn.Parameter(upper.diag().abs().log())

    def weight(self) -> Tensor:
        lower = self.lower.tril(-1) + torch.ones_like(self.sign).diag()
        return self.permutation @ lower @ (self.upper.triu(1) + (self.sign * self.log_diagonal.exp()).diag())

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        log_det = self.log_diagonal.sum() * x[0, 0].numel()
        return conv2d(x, self.weight()[:, :, None, None]), log_det.expand(len(x))

    def inverse(self, y: Tensor) -> Tensor:
        return conv2d(y, torch.linalg.inv(self.weight())[:, :, None, None])


class Coupling(nn.Module):
    """Leave the first half of the channels; shift and scale the other by what a network makes of the first.

    y₁ = x₁, y₂ = eˢ (x₂ + t), where (t, s) = network(x₁) and |s| < ``LARGEST_LOG_SCALE``. The network's last layer
    begins with zeros and the step therefore as the identity. Without a width, that layer is all there is.
    """

    def __init__(self, channels: int, width: int = 0) -> None:
        super().__init__()
        half = channels // 2
        last = nn.Conv2d(width or half, channels, 3, padding=1)
        for parameter in last.parameters():
            nn.init.zeros_(parameter)
        self.network = nn.Sequential(last)
        if width:
            first, second = nn.Conv2d(half, width, 3, padding=1), nn.Conv2d(width, width, 1)
            self.network = nn.Sequential(first, nn.ReLU(), second, nn.ReLU(), last)

    def shift_and_log_scale(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        shift, log_scale = self.network(kept).chunk(2, 1)
        return shift, LARGEST_LOG_SCALE * torch.tanh(log_scale / LARGEST_LOG_SCALE)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:  # its Jacobian is triangular
        kept, other = x.chunk(2, 1)
        shift, log_scale = self.shift_and_log_scale(kept)
        return torch.cat([kept, (other + shift) * log_scale.exp()], 1), log_scale.flatten(1).sum(1)

    def inverse(self, y: Tensor) -> Tensor:  # what is kept gives the same shift and scale again
        kept, other = y.chunk(2, 1)
        shift, log_scale = self.shift_and_log_scale(kept)
        return torch.cat([kept, other * (-log_scale).exp() - shift], 1)


class Steps(nn.Sequential):
    """One step after another: logarithms of determinants add up."""

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        total = x.new_zeros(len(x))
        for step in self:
            x, log_det = step(x)
            total = total + log_det
        return x, total

    def inverse(self, y: Tensor) -> Tensor:
        for step in reversed(list(self)):
            y = step.inverse(y)  # type: ignore[operator] # mypy takes it for a Tensor
        return y


class Glow(nn.Module):
    """A Glow of two scales for images of 28 × 28 bytes; ``forward`` gives their bits per dimension.

    The first scale ends with a split: half of its 4 × 14 × 14 values leave as noise, after a coupling with the others,
    which is a learned prior for them. The others go on to the second scale, whose top is a learned normal
    distribution for each of 8 × 7 × 7 values. K (``n_steps``) steps are in each scale.
    """

    def __init__(self, counts: Tensor, n_steps: int, width: int) -> None:
        super().__init__()
        four, eight = (
            [Steps(ActNorm(c, 1, 1), InvertibleConv(c), Coupling(c, width)) for _ in range(n_steps)]
            for c in (4, 8)
        )
        self.first = Steps(Levels(counts), Squeeze(), *four, Coupling(4))
        self.second = Steps(Squeeze(), *eight, ActNorm(8, 7, 7))

    def to_noise(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the noise (m, 784) and log |det| (m,) of levels with noise of their own (m, 1, 28, 28)."""
        values, log_det = self.first(x)
        others, leaving = values.chunk(2, 1)
        top, more = self.second(others)
        return torch.cat([leaving.flatten(1), top.flatten(1)], 1), log_det + more

    def to_levels(self, noise: Tensor) -> Tensor:
        """Return levels (m, 1, 28, 28), whose whole parts are bytes, from noise (m, 784)."""
        leaving, top = noise.chunk(2, 1)
        others = self.second.inverse(top.unflatten(1, (8, 7, 7)))
        return self.first.inverse(torch.cat([others, leaving.unflatten(1, (2, 14, 14))], 1))

    def forward(self, images: Tensor) -> Tensor:
        """Return −log₂ p(k + u) / 784 (m,) of bytes k as floats (m, 1, 28, 28), with one draw of uniform noise u.

        Its mean bounds that of −log₂ P(k) from above, for P(k) = ∫ p(k + u) du (Jensen's inequality).
        """
        noise, log_det = self.to_noise(images + torch.rand_like(images))
        log_density = log_det - 0.5 * (noise**2 + math.log(2 * math.pi)).sum(1)
        return -log_density / (noise.shape[1] * math.log(2))
