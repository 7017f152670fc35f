"""The experiments of the lesson on networks: a model as a network of inputs, outputs and connections."""

from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from onelayer import LinearRegression, linear_regression
from onelayer.lab.lessons.fashion_mnist.experiment import CLASSES
from onelayer.lab.lessons.linear_regression.model import load
from onelayer.lab.lessons.networks.layers import (
    SIDE,
    Images,
    band_edges,
    changes,
    connections,
    fitted,
    forward,
    height,
    image_network,
    jacobian,
    layers,
    load_images,
    merge,
    patterns,
    two_layers,
)
from onelayer.models import parameter_count

MOST_BANDS = 14
SHOWN = 20  # images that a page has
HOUSES = 8  # whose prices a page has
LEFT, RIGHT = 0.3, 0.6  # where inputs and outputs are drawn
THICKEST = 7.0  # pixels, of a connection's line
DOLLARS_A_PIXEL = 20_000.0


@cache
def _images() -> Images:
    return load_images()


@cache
def _network(d: int, q: int) -> nn.Linear:
    return image_network(_images(), d, q)


@cache
def prices() -> dict[str, Any]:
    """Return the network of house prices, and what ``LinearRegression`` predicts for some houses."""
    X, y = load()
    model = LinearRegression().fit(X, y)
    return {
        "house_weight": model.coef_,
        "house_bias": float(model.intercept_),
        "houses": X[:HOUSES],
        "library": model.predict(X[:HOUSES]),
        "house_names": [f"{area:,.0f} ft², {age:.0f}" for area, age in X[:HOUSES]],
    }


@cache
def pictured() -> dict[str, Any]:
    """Return images, and for each number of bands the fitted weights (10, d), biases (10,) and predictions (20, 10).

    The first entries, for 0 and 1 bands, are empty. The Jacobians of these networks are autograd's, at two images.
    """
    images, sizes = _images(), range(2, MOST_BANDS + 1)
    networks = {d: _network(d, len(CLASSES)) for d in sizes}
    features = {d: images.bands(d) for d in sizes}
    predicted = [fitted(images, d, len(CLASSES)).predict(features[d][:SHOWN].numpy()) for d in sizes]
    first, last = (
        [[], [], *(np.asarray(jacobian(networks[d], features[d][i])) for d in sizes)] for i in (0, -1)
    )
    return {
        "pixels": images.pixels[:SHOWN].reshape(SHOWN, -1).numpy(),
        "brightness": images.rows[:SHOWN].numpy(),
        "kinds": images.labels[:SHOWN].tolist(),
        "class_names": list(CLASSES),
        "weights": [[], [], *(networks[d].weight.detach().numpy() for d in sizes)],
        "biases": [[], [], *(networks[d].bias.detach().numpy() for d in sizes)],
        "predictions": [[], [], *predicted],
        "jacobian_first": first,
        "jacobian_last": last,
        "whole": parameter_count(linear_regression(SIDE * SIDE, len(CLASSES))),
    }


@cache
def merging() -> dict[str, Any]:
    """Return what two layers of random numbers, 14 → 6 → 10, amount to on the images."""
    found = two_layers(_images().bands(MOST_BANDS), 6, len(CLASSES))
    return {
        "two_parameters": found.parameters,
        "merged_parameters": found.merged_parameters,
        "farthest": found.farthest,
        "gap_with_relu": found.gap_with_relu,
        "rank": found.rank,
    }


@cache
def layer_patterns() -> dict[str, Any]:
    """Return the Jacobians (14, 14) of a dense and of a local layer, by autograd, and their sizes."""
    found = patterns(_images().bands(MOST_BANDS)[0])
    size = float(found["dense"].jacobian.abs().max())
    return {
        "dense_jacobian": found["dense"].jacobian.numpy() / size / 2,
        "local_jacobian": found["local"].jacobian.numpy(),
        "both_names": list(found),
        "line_counts": [pattern.connections for pattern in found.values()],
        "parameter_counts": [pattern.parameters for pattern in found.values()],
    }


def house(area: float, age: float, term: int) -> dict[str, Any]:
    """Return the forward pass of the house network after some of its terms: what each line carries, and the sum so far.

    Args:
        area: in ft².
        age: in years.
        term: how many of the two products have been added to the bias.
    """
    known = prices()
    x, weight, bias = [area, age], known["house_weight"], known["house_bias"]
    carried = [float(w * value) for w, value in zip(weight, x, strict=True)]
    totals = [bias, bias + carried[0], bias + carried[0] + carried[1]]
    shown, whole = range(term), [totals[2]] if term == 2 else []
    starts = [0.0, *(totals[j] / 1000 for j in shown), *(0.0 for _ in whole)]
    ends = [total / 1000 for total in (*totals[: term + 1], *whole)]
    return {
        **_network_drawn(2, 1, right=0.85),
        "fader_low": [0.618, 0.07],
        "fader_high": [0.93, 0.421],
        "names": ["area", "age", "bias", "price-name"],
        "name_x": [LEFT, LEFT, 0.85, 0.85],
        "name_y": [0.87, 0.37, 0.93, 0.38],
        "numbers": [*x, *(carried[j] if j < term else None for j in range(2)), bias, totals[term]],
        "number_x": [LEFT, LEFT, 0.57, 0.57, 0.85, 0.85],
        "number_y": [0.63, 0.13, 0.69, 0.31, 0.84, 0.29],
        "thickness": [value / DOLLARS_A_PIXEL if j < term else 0.0 for j, value in enumerate(carried)],
        "bias_thickness": [bias / DOLLARS_A_PIXEL],
        "places": list(range(len(ends))),
        "starts": starts,
        "raised": [max(pair) for pair in zip(starts, ends, strict=True)],
        "lowered": [min(pair) for pair in zip(starts, ends, strict=True)],
        "w_now": float(weight[term - 1]) if term else None,
        "x_now": float(x[term - 1]) if term else None,
        "carried_now": carried[term - 1] if term else None,
        "total_now": totals[term],
        "stage": "in-all" if term == 2 else "so-far",
        "price": forward([weight], [bias], x)[0],
        "added": [forward([weight], [bias], row)[0] for row in known["houses"].tolist()],
    }


def image(bands: int, classes: int, picked: int, pair: int) -> dict[str, Any]:
    """Return the network from bands of an image to classes, after some lines of its forward pass.

    Args:
        bands: d, how many inputs.
        classes: q, how many outputs.
        picked: the image's number.
        pair: how many lines have been added up; all of them if there are fewer.
    """
    network = _network(bands, classes)
    weight, bias = network.weight.detach(), network.bias.detach()
    x, lines = _images().bands(bands)[picked], connections(weight)
    done = min(pair, bands * classes)
    full = done // bands  # outputs that are ready
    products = (weight * x).flatten()
    here = max(0, done - 1)
    k, j = divmod(here, bands)
    known = pictured()
    return {
        **_drawn(lines, weight, x.tolist(), done),
        "outputs": [value if k < full else None for k, value in enumerate(network(x).tolist())],
        "names": list(CLASSES[:classes]),
        "lines": bands * classes,
        "lit": [[lines[name][here]] if 0 < pair == done else [] for name in ("y0", "y1")],
        "w_now": weight[k, j].item(),
        "x_now": x[j].item(),
        "carried_now": products[here].item(),
        "total_now": (bias[k] + products[k * bands : done].sum()).item(),
        "images": [known["pixels"][picked], _banded(x.tolist(), bands)],
        "captions": [CLASSES[known["kinds"][picked]], "as-bands"],
        "largest": weight.abs().max().item(),
        "added": network(x).tolist(),
        "predicted": known["predictions"][bands][picked, :classes],
    }


def _drawn(lines: dict[str, list[float]], weight: Tensor, x: list[float], done: int) -> dict[str, Any]:
    """Return a layer's lines, units and inputs as a page draws them; lines that are not yet done are thin."""
    q, d = weight.shape
    largest = weight.abs().max().item()
    return {
        **_network_drawn(d, q),
        "thickness": [THICKEST * w / largest if i < done else 0.0 for i, w in enumerate(lines["weight"])],
        "bar_x": [0.12 + 0.13 * value for value in x],
        "features": x,
    }


def _network_drawn(d: int, q: int, left: float = LEFT, right: float = RIGHT) -> dict[str, list[float]]:
    """Return the lines of a layer from (x0, y0) to (x1, y1), and the places of its inputs and of its outputs."""
    lines = connections(torch.zeros(q, d))
    return {
        "x0": [left] * (d * q),
        "y0": lines["y0"],
        "x1": [right] * (d * q),
        "y1": lines["y1"],
        "input_x": [left] * d,
        "input_y": [height(j, d) for j in range(d)],
        "unit_x": [right] * q,
        "unit_y": [height(k, q) for k in range(q)],
    }


def _banded(x: list[float], d: int) -> NDArray[np.float64]:
    """Return an image (784,) of bytes in which each band has its mean brightness."""
    edges = band_edges(d)
    heights = [end - top for top, end in pairwise(edges)]
    return np.repeat(255 * np.array(x), [SIDE * rows for rows in heights])


def counting(bands: int, classes: int) -> dict[str, Any]:
    """Return how many lines, weights, biases and parameters a network has: counted, and by the formula."""
    network = _network(bands, classes)
    lines = connections(network.weight)
    counted = [len(lines["input"]), network.weight.numel(), network.bias.numel(), parameter_count(network)]
    return {
        **_network_drawn(bands, classes, 0.15, 0.85),
        "count_names": ["connections", "weights", "biases", "parameters", "parameters-whole"],
        "counted": [*counted, pictured()["whole"]],
        "formula": [bands * classes, bands * classes, classes, bands * classes + classes, 784 * 10 + 10],
        "parameters": counted[-1],
    }


def stacked(hidden: int) -> dict[str, Any]:
    """Return a network of 4 inputs, hidden layers of 5 units with ReLU, and 3 outputs: its drawing, and who computes.

    Args:
        hidden: how many hidden layers.
    """
    sizes = [4, *[5] * hidden, 3]
    parts: list[nn.Module] = []
    for d, q in pairwise(sizes):
        parts += [linear_regression(d, q).double(), nn.ReLU()]
    network = nn.Sequential(*parts[:-1])
    found = layers(network, torch.zeros(4, dtype=torch.float64))
    xs = [0.1 + 0.8 * i / (len(sizes) - 1) for i in range(len(sizes))]
    drawn = [
        _network_drawn(*pairwise_sizes, *ends)
        for pairwise_sizes, ends in zip(pairwise(sizes), pairwise(xs), strict=True)
    ]
    return {
        **{
            name: [v for one in drawn for v in one[name]]
            for name in ("x0", "y0", "x1", "y1", "unit_x", "unit_y")
        },
        "input_x": drawn[0]["input_x"],
        "input_y": drawn[0]["input_y"],
        "columns": len(sizes),
        "layers": len(found),
        "layer_names": [layer.name for layer in found],
        "layer_shapes": [f"{layer.inputs} → {layer.outputs}" for layer in found],
        "layer_parameters": [layer.parameters for layer in found],
        "found": [len(found), parameter_count(network) - sum(layer.parameters for layer in found)],
        "expected": [hidden + 1, 0],
        "found_names": ["layers-here", "of-inputs"],
    }


def dense(bands: int, classes: int, picked: int, touched: int, change: float) -> dict[str, Any]:
    """Return the network when one input is changed, by how much each output changes, and what is expected.

    Args:
        bands: d.
        classes: q.
        picked: the image's number.
        touched: the input, counted from 1; the last one if there are fewer.
        change: of its brightness.
    """
    network = _network(bands, classes)
    weight, j = network.weight.detach(), min(touched, bands) - 1
    x = _images().bands(bands)[picked]
    moved = x.clone()
    moved[j] += change
    measured, expected = changes(network, x, j, change), weight[:, j] * change
    known, lines = pictured(), connections(weight)
    here, last = (known[name][bands][:classes] for name in ("jacobian_first", "jacobian_last"))
    return {
        **_touched(lines, weight, moved.tolist(), j),
        "outputs": network(moved).tolist(),
        "names": list(CLASSES[:classes]),
        "numbers": list(range(1, classes + 1)),
        "differences": measured.tolist(),
        "products": expected.tolist(),
        "span": [-0.55 * (largest := weight.abs().max().item()), 0.55 * largest],
        "changed": int((measured.abs() > 1e-9).sum()),
        "found": [
            int((here != 0).sum()),
            float(np.abs(here - weight.numpy()).max()),
            float(np.abs(here - last).max()),
            float((measured - expected).abs().max()),
        ],
        "expected": [bands * classes, 0, 0, 0],
        "allowed": [0, 1e-12, 0, 1e-12],
        "dense_names": ["nonzero", "jacobian-gap", "elsewhere-gap", "change-gap"],
    }


def _touched(lines: dict[str, list[float]], weight: Tensor, x: list[float], j: int) -> dict[str, Any]:
    """Return the drawing of a layer in which only the lines of input j are thick, and where that input is."""
    drawn = _drawn(lines, weight, x, len(lines["input"]))
    mine = [number == j + 1 for number in lines["input"]]
    return {
        **drawn,
        "thickness": [size if own else 0.0 for size, own in zip(drawn["thickness"], mine, strict=True)],
        "touched_y": height(j, weight.shape[1]),
        "track": [height(j, weight.shape[1]) - 0.15, height(j, weight.shape[1]) + 0.15],
    }


def local(kind: str, touched: int, change: float) -> dict[str, Any]:
    """Return a dense or a local layer of 14 units when one input is changed, and which outputs change.

    Args:
        kind: "dense" or "local".
        touched: the input, counted from 1.
        change: of that input.
    """
    known = layer_patterns()
    weight, j = torch.from_numpy(known[f"{kind}_jacobian"]), touched - 1
    lines = connections(weight)
    there = [i for i, value in enumerate(lines["weight"]) if value]
    drawn = _touched(lines, weight, [0.5 + (change if i == j else 0) for i in range(MOST_BANDS)], j)
    moved = (weight[:, j] * change).tolist()
    return {
        **drawn,
        **{name: [drawn[name][i] for i in there] for name in ("x0", "y0", "x1", "y1", "thickness")},
        "changes_x": [0.65 + 0.5 * value for value in moved],
        "changed": sum(abs(value) > 0 for value in moved),
        "neighbours": int((known["local_jacobian"][:, j] != 0).sum()),
        "jacobians": [known["dense_jacobian"].flatten(), known["local_jacobian"].flatten()],
    }


def bend(between: str, value: float) -> dict[str, Any]:
    """Return two small layers in a row, 1 → 3 → 1, and the one layer that they amount to, over their input.

    Args:
        between: what stands between them: "nothing" or "relu".
        value: the input.
    """
    first, second = linear_regression(1, 3).double(), linear_regression(3, 1).double()
    with torch.no_grad():
        first.weight[:, 0] = torch.tensor([1.0, -1.0, 0.5])
        first.bias[:] = 1.0
        second.weight[0] = torch.tensor([1.0, 2.0, -1.5])
        second.bias[:] = 0.5
    inputs = torch.linspace(-3, 3, 121, dtype=torch.float64)
    one = merge(first, second)
    with torch.no_grad():
        hidden = first(torch.cat([inputs, torch.tensor([value], dtype=torch.float64)])[:, None])
        plain = second(hidden)[:-1, 0]
        hidden = torch.relu(hidden) if between == "relu" else hidden
        outputs = second(hidden)[:, 0]
        merged = one(torch.tensor([[value]], dtype=torch.float64)).item()
        line = one(inputs[:, None])[:, 0]
    numbers = [*first.weight[:, 0].tolist(), *second.weight[0].tolist()]
    unit_y = [height(k, 3) for k in range(3)]
    return {
        "inputs": inputs.numpy(),
        "two": outputs[:-1].numpy(),
        "one": line.numpy(),
        "here": outputs[-1].item(),
        "merged": merged,
        "gap": abs(outputs[-1].item() - merged),
        "verdict": "one-does" if bool((plain - line).abs().max() < 1e-9) else "none-does",
        "x0": [0.12] * 3 + [0.5] * 3,
        "y0": [0.5] * 3 + unit_y,
        "x1": [0.5] * 3 + [0.86] * 3,
        "y1": unit_y + [0.5] * 3,
        "thickness": [2.5 * number for number in numbers],
        "input_x": [0.12],
        "input_y": [0.5],
        "unit_x": [0.5, 0.5, 0.5, 0.86],
        "unit_y": [*unit_y, 0.5],
        "number_x": [0.12, 0.5, 0.5, 0.5, 0.86],
        "number_y": [0.6, *(y + 0.09 for y in unit_y), 0.6],
        "numbers": [value, *hidden[-1].tolist(), outputs[-1].item()],
    }
