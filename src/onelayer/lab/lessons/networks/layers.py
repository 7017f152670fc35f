"""Networks of houses and of images, and what is found out about layers: connections, derivatives, what two amount to.

Images are 28×28 pixels of clothes from Fashion-MNIST. To have few enough inputs to draw, an image is cut into
horizontal bands, and each band's mean brightness, 0 for black to 1 for white, is one feature.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

from onelayer import LinearRegression, fashion_mnist, linear_regression
from onelayer.lab.lessons.fashion_mnist.experiment import CLASSES
from onelayer.models import parameter_count

SIDE = 28  # pixels
EVERY = 10  # of the 60,000 training images every tenth is enough for so few features

Row = Sequence[float]


def module_of(model: LinearRegression) -> nn.Linear:
    """Return a fitted linear regression as a PyTorch layer, float64."""
    weight, bias = np.atleast_2d(model.coef_), np.atleast_1d(model.intercept_)
    module = linear_regression(weight.shape[1], weight.shape[0]).double()
    module.load_state_dict({"weight": torch.from_numpy(weight), "bias": torch.from_numpy(bias)})
    return module


@dataclass(frozen=True)
class Images:
    """Images of clothes and their classes.

    Attributes:
        pixels: (n, 28, 28), bytes from 0 for black to 255 for white.
        labels: the classes (n,), from 0 to 9.
        rows: the mean brightness (n, 28) of each row of pixels, from 0 to 1.
    """

    pixels: Tensor
    labels: Tensor
    rows: Tensor

    def bands(self, d: int) -> Tensor:
        """Return the features (n, d): the mean brightness of d horizontal bands, from top to bottom."""
        edges = band_edges(d)
        parts = [self.rows[:, top:end].mean(dim=1) for top, end in pairwise(edges)]
        return torch.stack(parts, dim=1)


def load_images() -> Images:
    """Return every tenth image of Fashion-MNIST's training set."""
    train = fashion_mnist().train
    pixels = torch.from_numpy(train.X[::EVERY]).reshape(-1, SIDE, SIDE)
    labels = torch.from_numpy(train.y[::EVERY].copy())
    return Images(pixels, labels, pixels.double().mean(dim=2) / 255)


def band_edges(d: int) -> list[int]:
    """Return where d bands of 28 rows of pixels begin, and where the last one ends."""
    return [round(SIDE * j / d) for j in range(d + 1)]


def image_network(images: Images, d: int, q: int) -> nn.Linear:
    """Return the network of d bands and q outputs: output k estimates 1 for an image of class k, 0 for others.

    Each output is a linear regression by itself, fitted by least squares to all the images.
    """
    return module_of(fitted(images, d, q))


def fitted(images: Images, d: int, q: int) -> LinearRegression:
    """Return the estimator that the network of d bands and q outputs is made from."""
    targets = nn.functional.one_hot(images.labels, len(CLASSES))[:, :q].double()
    model: LinearRegression = LinearRegression().fit(images.bands(d).numpy(), targets.numpy())
    return model


def connections(weight: Tensor) -> dict[str, list[float]]:
    """Return the lines of the drawing of a layer with weight (q, d): one for each input and output, output by output.

    ``input`` and ``output`` are counted from 1; the line goes from the height ``y0`` to the height ``y1``.
    """
    q, d = weight.shape
    pairs = [(j, k) for k in range(q) for j in range(d)]
    return {
        "input": [j + 1 for j, _ in pairs],
        "output": [k + 1 for _, k in pairs],
        "weight": weight.flatten().tolist(),
        "y0": [height(j, d) for j, _ in pairs],
        "y1": [height(k, q) for _, k in pairs],
    }


def height(unit: int, units: int) -> float:
    """Return how high in the picture a unit of a layer is, the first one at the top: between 0 and 1."""
    return 1 - (unit + 0.5) / units


@dataclass(frozen=True)
class Layer:
    """What one layer of a network did with an input.

    Attributes:
        name: its type.
        inputs: how many numbers it was given.
        outputs: how many it returned.
        parameters: how many it has learned.
    """

    name: str
    inputs: int
    outputs: int
    parameters: int


def layers(module: nn.Module, x: Tensor) -> list[Layer]:
    """Send features x (d,) through a network and return the layers that computed something from weights."""
    found: list[Layer] = []

    def note(layer: nn.Module, given: tuple[Tensor, ...], returned: Tensor) -> None:
        found.append(Layer(type(layer).__name__, given[0].numel(), returned.numel(), parameter_count(layer)))

    with_weights = [part for part in module.modules() if list(part.parameters(recurse=False))]
    handles = [part.register_forward_hook(note) for part in with_weights]
    try:
        module(x)
    finally:
        for handle in handles:
            handle.remove()
    return found


def jacobian(module: nn.Module, x: Tensor) -> Tensor:
    """Return the derivatives of all outputs by all inputs at x (d,), by autograd: (q, d)."""
    derivatives: Tensor = torch.func.jacrev(module)(x)
    return derivatives.detach()


def changes(module: nn.Module, x: Tensor, j: int, step: float) -> Tensor:
    """Return by how much each output (q,) changes when feature j of x (d,), counted from 0, goes up by ``step``."""
    moved = x.clone()
    moved[j] += step
    with torch.no_grad():
        change: Tensor = module(moved) - module(x)
    return change


@dataclass(frozen=True)
class TwoLayers:
    """Two layers in a row, and the one layer that they amount to.

    Attributes:
        parameters: how many numbers the two layers have.
        merged_parameters: how many the one layer has.
        farthest: of all their outputs the one that differs most, from the two layers and from the one.
        gap_with_relu: the largest difference with max(0, ·) between the two layers, as a share of the largest output.
        rank: the rank of the merged weight.
    """

    parameters: int
    merged_parameters: int
    farthest: tuple[float, float]
    gap_with_relu: float
    rank: int


def merge(first: nn.Linear, second: nn.Linear) -> nn.Linear:
    """Return the one layer that computes what ``second`` makes of ``first``: weight W₂W₁, bias W₂b₁ + b₂."""
    merged = linear_regression(first.in_features, second.out_features).to(first.weight.dtype)
    bias = second.weight @ first.bias + second.bias
    merged.load_state_dict({"weight": second.weight @ first.weight, "bias": bias})
    return merged


def two_layers(X: Tensor, hidden: int, q: int) -> TwoLayers:
    """Compare two layers of random numbers, d → hidden → q, with the one that they amount to, on features X (n, d)."""
    first, second = linear_regression(X.shape[1], hidden).double(), linear_regression(hidden, q).double()
    generator = torch.Generator().manual_seed(1)
    for parameter in (*first.parameters(), *second.parameters()):
        nn.init.normal_(parameter, generator=generator)  # biases of 0 would not show that they are merged too
    merged = merge(first, second)
    with torch.no_grad():
        plain, one = second(first(X)), merged(X)
        bent = second(torch.relu(first(X)))
    worst = int((plain - one).abs().argmax())
    return TwoLayers(
        parameter_count(nn.Sequential(first, second)),
        parameter_count(merged),
        (plain.flatten()[worst].item(), one.flatten()[worst].item()),
        float((bent - one).abs().max() / plain.abs().max()),
        int(torch.linalg.matrix_rank(merged.weight)),
    )


def local_layer(d: int) -> nn.Module:
    """Return a layer whose output k depends on the inputs k − 1, k and k + 1 only: a convolution, float64."""
    convolution = nn.Conv1d(1, 1, kernel_size=3, padding=1).double()
    convolution.load_state_dict({"weight": torch.tensor([[[0.25, 0.5, 0.25]]]), "bias": torch.zeros(1)})
    return nn.Sequential(nn.Unflatten(-1, (1, d)), convolution, nn.Flatten(-2))


@dataclass(frozen=True)
class Pattern:
    """Which outputs of a layer depend on which inputs.

    Attributes:
        jacobian: the derivatives of the outputs by the inputs (q, d).
        parameters: how many numbers the layer learns.
    """

    jacobian: Tensor
    parameters: int

    @property
    def connections(self) -> int:
        """How many derivatives are not zero."""
        return int((self.jacobian != 0).sum())


def patterns(x: Tensor) -> dict[str, Pattern]:
    """Return the patterns of a dense and of a local layer from d to d units, at x (d,)."""
    d = len(x)
    both = {"dense": linear_regression(d, d).double(), "local": local_layer(d)}
    return {name: Pattern(jacobian(module, x), parameter_count(module)) for name, module in both.items()}


def forward(weight: Sequence[Row], bias: Row, x: Row) -> list[float]:
    """Return the outputs (q,) of a layer with weight (q, d) and bias (q,) for features x (d,), line by line."""
    outputs = []
    for row, b in zip(weight, bias, strict=True):
        total = b
        for w, value in zip(row, x, strict=True):
            carried = w * value
            total = total + carried
        outputs.append(total)
    return outputs
