"""Glow: each step backwards and its determinant by autograd, densities that integrate to 1, and a small run."""

import math
import re
from pathlib import Path

import matplotlib.image
import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from onelayer.data.bundled import fashion_mnist
from onelayer.examples.glow import run
from onelayer.examples.glow.flow import ActNorm, Coupling, Glow, InvertibleConv, Levels, Squeeze, Steps

COUNTS = torch.arange(256).flip(0) ** 2


def with_random_parameters(module: nn.Module) -> nn.Module:
    """Return a module in float64 whose parameters that learn are random, so that no step is the identity."""
    for parameter in module.double().parameters():
        if parameter.requires_grad:
            parameter.data = 0.3 * torch.randn_like(parameter)
    return module


def levels(m: int, side: int) -> torch.Tensor:
    """Return random levels with noise (m, 1, side, side), half of them of level 0."""
    level = torch.randint(0, 256, (m, 1, side, side)) * torch.randint(0, 2, (m, 1, side, side))
    return level + torch.rand(m, 1, side, side, dtype=torch.float64) * 0.98 + 0.01


STEPS = {
    "levels": (lambda: Levels(COUNTS), 1),
    "squeeze": (Squeeze, 1),
    "actnorm": (lambda: ActNorm(4, 1, 1), 4),
    "actnorm of each value": (lambda: ActNorm(4, 4, 4), 4),
    "convolution": (lambda: InvertibleConv(4), 4),
    "coupling": (lambda: Coupling(4, 8), 4),
    "coupling of one layer": (lambda: Coupling(4), 4),
    "several": (lambda: Steps(Squeeze(), ActNorm(8, 1, 1), InvertibleConv(8), Coupling(8, 4)), 2),
}


@pytest.fixture(params=STEPS)
def step_and_x(request):
    torch.manual_seed(3)
    make, channels = STEPS[request.param]
    step = with_random_parameters(make())
    return step, levels(5, 4) if channels == 1 else torch.randn(5, channels, 4, 4, dtype=torch.float64)


def test_each_step_goes_back(step_and_x):
    step, x = step_and_x
    with torch.no_grad():
        y, _ = step(x)
        torch.testing.assert_close(step.inverse(y), x, rtol=0, atol=1e-5)
        torch.testing.assert_close(step(step.inverse(y))[0], y, rtol=0, atol=1e-5)


def test_log_determinants_are_those_of_the_jacobian(step_and_x):
    step, x = step_and_x
    _, log_det = step(x)
    for image, found in zip(x, log_det, strict=True):
        jacobian = torch.autograd.functional.jacobian(lambda image: step(image[None])[0].flatten(), image)
        expected = torch.linalg.slogdet(jacobian.reshape(image.numel(), image.numel())).logabsdet
        torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-9)


def test_a_density_integrates_to_one():
    torch.manual_seed(0)
    steps = [step for _ in range(4) for step in (ActNorm(2, 1, 1), InvertibleConv(2), Coupling(2, 16))]
    flow = with_random_parameters(Steps(*steps))
    axis = torch.linspace(-12, 12, 301, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)[:, :, None, None]
    with torch.no_grad():
        z, log_det = flow(grid)
        density = torch.exp(log_det - 0.5 * (z**2).flatten(1).sum(1) - math.log(2 * math.pi))
    assert float(density.sum()) * float(axis[1] - axis[0]) ** 2 == pytest.approx(1, abs=1e-4)
    assert not torch.allclose(log_det, log_det[0]), "the flow is more than an affine map"


def test_the_density_of_levels_integrates_to_the_mass_inside():
    """What a normal y has between the first and the last level, ∫ N(y(x)) y'(x) dx over 0 to 256."""
    step = Levels(COUNTS).double()
    x = (torch.arange(256 * 400, dtype=torch.float64) + 0.5) / 400
    with torch.no_grad():
        y, log_det = step(x[:, None, None, None])
    density = torch.exp(log_det - 0.5 * y.flatten() ** 2) / math.sqrt(2 * math.pi)
    assert float(density.sum()) / 400 == pytest.approx(math.erf(math.sqrt(3 / 2)), abs=1e-5)


def test_levels_are_in_order_and_frequent_ones_have_room():
    step = Levels(torch.tensor([1000.0, *[1.0] * 255]))
    with torch.no_grad():
        y = step(torch.linspace(0.001, 255.999, 2000)[:, None, None, None])[0].flatten()
    assert (y.diff() > 0).all()
    assert step.width[0] > 10 * step.width[1] and step.width[1] == step.width[2]
    assert float(step.width.sum()) == pytest.approx(1)


def test_level_0_is_normal():
    """Uniform noise of level 0 comes out normal: no skewness, no excess kurtosis but for its cut."""
    torch.manual_seed(0)
    step = Levels(COUNTS)
    with torch.no_grad():
        y = step(torch.rand(100_000)[:, None, None, None])[0].flatten()
    z = (y - y.mean()) / y.std()
    assert abs(float((z**3).mean())) < 0.05
    assert -0.6 < float((z**4).mean()) - 3 < 0.1, "uniform has −1.2"


def test_the_weight_of_a_convolution_begins_as_a_rotation():
    torch.manual_seed(1)
    weight = InvertibleConv(6).weight().detach()
    torch.testing.assert_close(weight @ weight.T, torch.eye(6), atol=1e-5, rtol=0)


def test_a_new_coupling_changes_nothing_and_a_log_scale_has_a_bound():
    x = torch.randn(3, 4, 5, 5)
    step = Coupling(4, 8)
    y, log_det = step(x)
    assert torch.equal(y, x) and not log_det.any()
    nn.init.constant_(step.network[-1].bias, 1e6)
    _, log_scale = step.shift_and_log_scale(x[:, :2])
    assert float(log_scale.detach().max()) == pytest.approx(2)


def test_actnorm_starts_from_its_first_batch_alone():
    torch.manual_seed(0)
    step, x = ActNorm(3, 1, 1), 5 + 7 * torch.randn(200, 3, 2, 2)
    y, _ = step(x)
    torch.testing.assert_close(y.mean((0, 2, 3)), torch.zeros(3), atol=1e-5, rtol=0)
    torch.testing.assert_close(y.std((0, 2, 3)), torch.ones(3), atol=1e-5, rtol=0)
    before = step.shift.clone()
    step(100 * x)
    assert torch.equal(step.shift, before)


def small_glow() -> Glow:
    torch.manual_seed(0)
    model = Glow(COUNTS, 2, 8)
    model(levels(20, 28).float().floor())
    for parameter in model.parameters():
        if parameter.requires_grad:
            parameter.data += 0.05 * torch.randn_like(parameter)
    return model


@torch.no_grad()
def test_an_image_goes_to_noise_and_comes_back():
    model, images = small_glow().double(), levels(8, 28).floor()
    noise, _ = model.to_noise(images + 0.5)
    assert noise.shape == (8, 784)
    torch.testing.assert_close(model.to_levels(noise), images + 0.5, atol=1e-5, rtol=0)


@torch.no_grad()
def test_any_noise_is_an_image():
    """Even far out, where levels end."""
    found = small_glow().to_levels(5 * torch.randn(8, 784))
    assert found.shape == (8, 1, 28, 28)
    assert float(found.min()) >= 0 and float(found.max()) <= 256


@torch.no_grad()
def test_bits_are_the_mean_of_minus_log2_of_the_density():
    """For a model whose flow is elementwise, p is a product that can be written down."""
    model = Glow(torch.ones(256), 1, 1).double()
    for step in model.modules():
        if isinstance(step, ActNorm):
            step.shift.zero_()
            step.log_scale.zero_()
        if isinstance(step, InvertibleConv):
            step.permutation.copy_(torch.eye(len(step.sign)))
            step.lower.zero_()
            step.upper.zero_()
            step.log_diagonal.zero_()
    images = levels(4, 28).floor().clamp(min=1)  # no bell
    torch.manual_seed(5)
    found = model(images)
    torch.manual_seed(5)
    y = math.sqrt(12) * ((images + torch.rand_like(images)) / 256 - 0.5)
    log_density = -0.5 * y**2 - 0.5 * math.log(2 * math.pi) + math.log(math.sqrt(12) / 256)
    torch.testing.assert_close(found, -log_density.flatten(1).mean(1) / math.log(2), rtol=1e-6, atol=1e-6)


def test_the_baselines_have_closed_forms():
    """Pixels that never vary cost next to nothing; of two equally frequent values, a bit."""
    coin = torch.randint(0, 2, (4000, 1, 28, 28), generator=torch.Generator().manual_seed(0)).byte()
    assert run.independent_bits(coin, coin) == pytest.approx(1 + math.log2(4256 / 4002), abs=2e-3)
    assert run.zlib_bits(torch.zeros(3, 1, 28, 28, dtype=torch.uint8)) < 0.2


def test_digits_are_white_strokes_that_differ():
    digits = run.digits(6)
    assert digits.shape == (6, 1, 28, 28) and digits.dtype == torch.uint8
    assert (digits.flatten(1).max(1).values == 255).all()
    assert ((digits > 0).float().mean((1, 2, 3)) > 0.05).all()
    assert ((digits > 0).float().mean((1, 2, 3)) < 0.4).all()
    assert len({digit.numpy().tobytes() for digit in digits}) == 6


def test_a_run_that_is_resumed_ends_with_the_same_bits(tmp_path):
    class StopError(Exception):
        pass

    def stop(history):
        raise StopError

    rows = run.images(fashion_mnist().train, 500)
    how = {"epochs": 2, "batch_size": 50, "lr": 0.01, "seed": 1}
    whole = run.train(rows, 1, 8, torch.device("cpu"), **how)
    path = tmp_path / "checkpoint.safetensors"
    with pytest.raises(StopError):
        run.train(rows, 1, 8, torch.device("cpu"), checkpoint=path, on_epoch=stop, **how)
    resumed = run.train(rows, 1, 8, torch.device("cpu"), checkpoint=path, resume=True, **how)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_the_command_learns_a_density_that_likes_simple_pictures(onelayer):
    """A small run beats zlib and independent pixels, and finds digits, which it never saw, likelier than garments."""
    result = onelayer("example", "glow", "--quick", "--out", "run")
    assert result.code == 0, result.err
    bits = {
        name.strip(): float(value)
        for name, value in re.findall(r"^ ?(\S.*?) {2,}(\d\.\d{3}) *$", result.out, re.MULTILINE)
    }
    assert bits["test images"] < min(
        bits["test images, pixels independent"], bits["test images, each by zlib"]
    )
    assert bits["all black"] < bits["digits of white strokes"] < bits["test images"]
    assert bits["test images, a quarter as bright"] < bits["test images"]
    assert sorted(p.name for p in Path("run").iterdir()) == [
        "checkpoint.safetensors",
        "glow.png",
        "model.safetensors",
    ]
    image = matplotlib.image.imread("run/glow.png")
    assert 0.1 < (image[..., 0] < 0.5).mean() < 0.9

    model = Glow(torch.ones(256), 2, 16)
    model.load_state_dict(load_file("run/model.safetensors"))
    test = run.images(fashion_mnist().test, 1_000)
    assert run.bits(model, test.tensors[0]) == pytest.approx(bits["test images"], abs=5e-4)

    again = onelayer("example", "glow", "--quick", "--out", "run", "--resume")
    assert again.code == 0 and "epoch" not in again.out, "it had finished"
    assert again.out.splitlines()[-8:] == result.out.splitlines()[-8:]


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["--device", "abacus"], "device 'abacus' is not available"),
        (["--lr", "-1"], "the learning rate must be a positive number"),
        (["--quick", "--out", "/dev/null/x"], "/dev/null/x"),
    ],
)
def test_mistakes_end_with_one_line(onelayer, arguments, words):
    assert words in onelayer("example", "glow", *arguments).error
