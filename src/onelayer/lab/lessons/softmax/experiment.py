"""The experiments of the lesson on softmax: one-hot labels, logits, probabilities, minibatches, PHM layers.

The classes are cat, chicken and dog, in this order; tensors are float64 where nothing is trained. The weights W are
(d, q), w_ij leads from feature i to output j, as in the notes; the library keeps the transpose, ``weight`` (q, d).
"""

from collections.abc import Iterator
from functools import cache
from math import ceil
from typing import Any

import torch
from torch import Tensor

from onelayer import fashion_mnist, fit, models
from onelayer.functional import one_hot, softmax
from onelayer.models import PHMLinear, parameter_count, phm
from onelayer.solvers import scratch
from onelayer.solvers.batches import seeded_generator

CLASSES = ("cat", "chicken", "dog")
PLACES = [0, 1, 2]  # of the classes on an axis
PIXELS = 4  # of an image of 2 × 2
IMAGES = 8  # of the minibatch, at most
LAYERS = {"output": (784, 10), "hidden": (784, 256), "square": (512, 512)}  # d → q
MOST_PARTS = 16  # of a PHM layer: the largest n that the lesson shows
LOWERED = "₀₁₂₃₄₅₆₇₈₉"

Outcome = dict[str, Any]

# A PHM layer


def phm_parameters(d: int, q: int, n: int) -> int:
    """Return how many numbers the weight of a PHM layer d → q takes by the formula: n³ + n ⌈q/n⌉ ⌈d/n⌉."""
    return n**3 + next_multiple(d, n) * next_multiple(q, n) // n


def next_multiple(number: int, n: int) -> int:
    """Return the smallest multiple of n that is at least ``number``."""
    return n * ceil(number / n)


@cache
def counted_parameters(d: int, q: int) -> list[int]:
    """Count the numbers in the weights of real PHM layers d → q, for n from 1 to 16."""
    return [parameter_count(PHMLinear(d, q, n)) - q for n in range(1, MOST_PARTS + 1)]


def kronecker_sum(layer: PHMLinear) -> Tensor:
    """Return Σᵢ Aᵢ ⊗ Sᵢ as it is written, cut to (q, d)."""
    products = [torch.kron(A, S) for A, S in zip(layer.A, layer.S, strict=True)]
    return torch.stack(products).sum(dim=0)[: layer.q, : layer.d]


def phm_layer(layer: str, parts: int) -> Outcome:
    """Return the parameters of PHM layers over n, beside dq/n, in thousands, and the weight of a small layer."""
    d, q = LAYERS[layer]
    counted, each = counted_parameters(d, q), range(1, MOST_PARTS + 1)
    built, small = phm(d, q, parts), phm(MOST_PARTS, MOST_PARTS, parts)
    return {
        "n": list(each),
        "thousands": [count / 1000 for count in counted],
        "dense_over_n": [d * q / n / 1000 for n in each],
        "lit": [parts - 1],
        "here": counted[parts - 1],
        "dense": d * q,
        "share": counted[parts - 1] / (d * q),
        "formula": phm_parameters(d, q, parts),
        "blocks": built.S.numel(),
        "rounded": next_multiple(d, parts) * next_multiple(q, parts) // parts,
        "gap": (kronecker_sum(built) - built.weight).abs().max().item(),
        "weight": [small.weight.detach().flatten().numpy()],
        "caption": ["small-weight"],
    }


def accuracy_by_parts(parts: tuple[int, ...] = (1, 2, 4, 8), epochs: int = 3) -> Iterator[Outcome]:
    """Train a PHM layer on all of Fashion-MNIST for several n, and measure it on the test images, one after another.

    The lists ``count`` of parameters (with the bias), ``score`` and ``names`` grow by an entry each time.
    """
    data = fashion_mnist()
    found: Outcome = {"count": [], "score": [], "names": []}
    for n in parts:
        model = phm(data.n_features, data.n_outputs, n)
        run = fit(model, data.train, data.test, way="concise", epochs=epochs)
        found["count"].append(parameter_count(model))
        found["score"].append(run.epochs[-1].held_out_accuracy)
        found["names"].append(f"n = {n}")
        yield found | {
            "above": [accuracy + 0.003 for accuracy in found["score"]],
            "connected": found["score"][0],
            "last": found["score"][-1],
            "last_share": found["count"][-1] / found["count"][0],
        }


# Labels


def mixture(mix: float) -> Outcome:
    """Return the average label of cats and dogs, one-hot; as a number it is ``mix``, from 0 (cats) to 2 (dogs)."""
    encoded = one_hot(torch.arange(3), 3).double()
    dogs = mix / 2
    pairs = ((0, 1), (0, 2), (1, 2))
    return {
        "places": PLACES,
        "names": list(CLASSES),
        "fulcrum_x": [mix, mix - 0.16, mix + 0.16, mix],  # its tip is under the beam that carries the bars
        "fulcrum_y": [0, -0.19, -0.19, 0],
        "beside": mix + 0.22,
        "dogs": dogs,
        "average": ((1 - dogs) * encoded[0] + dogs * encoded[2]).tolist(),
        "says": CLASSES[int(mix + 0.5)],
        "ones": (encoded == 1).sum(dim=1).tolist(),
        "zeros": (encoded == 0).sum(dim=1).tolist(),
        "pairs": [f"{CLASSES[a]}-{CLASSES[b]}" for a, b in pairs],
        "distances": [(encoded[a] - encoded[b]).norm().item() for a, b in pairs],
        "root": 2**0.5,
    }


# The network


def network(inputs: int, outputs: int, pick: float) -> Outcome:
    """Return the drawing of a network of one layer, and how many numbers it learns.

    Args:
        inputs: d, on the left.
        outputs: q, on the right.
        pick: a height from 0 to 1; the output nearest to it is lit, with its d weights.
    """
    input_y, output_y = ([1 - (i + 1) / (count + 1) for i in range(count)] for count in (inputs, outputs))
    names = [f"x{LOWERED[i + 1]}" for i in range(inputs)] + [f"o{LOWERED[j + 1]}" for j in range(outputs)]
    lit = min(range(outputs), key=lambda j: abs(output_y[j] - pick))
    model = models.softmax_regression(inputs, outputs)
    terms = [f"{name}w{name[1]}{LOWERED[lit + 1]}" for name in names[:inputs]]
    return {
        "input_y": input_y,
        "node_x": [0.15] * inputs + [0.8] * outputs,
        "node_y": input_y + output_y,
        "name_x": [0.09] * inputs + [0.86] * outputs,
        "node_names": names,
        "from_y": [y for y in input_y for _ in output_y],
        "to_y": output_y * inputs,
        "lit_y": output_y[lit],
        "sum": f"o{LOWERED[lit + 1]} = {' + '.join(terms)} + b{LOWERED[lit + 1]}",
        "rows": ["weights", "biases", "together"],
        "counted": [model.weight.numel(), model.bias.numel(), parameter_count(model)],
        "formula": [inputs * outputs, outputs, inputs * outputs + outputs],
        "learned": inputs * outputs + outputs,
        "four_to_three": 15,
    }


# Softmax


def naive_softmax(logits: Tensor) -> Tensor:
    """Return exp(oⱼ) / Σₖ exp(oₖ) of each row, (n, q), just as the formula says; exp overflows above 709."""
    exponentials = logits.exp()
    total = exponentials.sum(dim=-1, keepdim=True)
    return exponentials / total


def ranks(values: Tensor) -> list[int]:
    """Return the rank of each of q values: 1 for the largest."""
    return [1 + int((values > value).sum()) for value in values]


def logits_of(logit_cat: float, logit_chicken: float, logit_dog: float) -> Tensor:
    """Return three logits as a tensor (3,)."""
    return torch.tensor([logit_cat, logit_chicken, logit_dog], dtype=torch.float64)


def in_stages(logit_cat: float, logit_chicken: float, logit_dog: float, stage: int) -> Outcome:
    """Return softmax of three logits, and the bars of what is there after a stage: 1 for exp, 2 sum, 3 divide."""
    logits = logits_of(logit_cat, logit_chicken, logit_dog)
    exponentials, probabilities = logits.exp(), softmax(logits)
    total, whole = exponentials.sum().item(), probabilities.sum().item()
    bars = [[], exponentials.tolist(), [*exponentials.tolist(), total], [*probabilities.tolist(), whole]][
        stage
    ]
    high = 1.15 if stage == 3 else 1.15 * total
    said = [
        ["", f"exp = {e:,.3f}", f"{e:,.3f}", f"{p:.1%}"][stage]
        for e, p in zip(exponentials.tolist(), probabilities.tolist(), strict=True)
    ]
    return {
        "places": PLACES,
        "names": list(CLASSES),
        "logits": logits.tolist(),
        "exponentials": exponentials.tolist(),
        "total": total,
        "probabilities": probabilities.tolist(),
        "said": said,
        "divided": [f"÷ {total:,.3f}" if stage == 2 else ""] * 3,
        "known_exponentials": exponentials.tolist() if stage > 0 else [None] * 3,
        "known_total": total if stage > 1 else None,
        "known_probabilities": probabilities.tolist() if stage > 2 else [None] * 3,
        "bars": bars,
        "bar_places": list(range(len(bars))),
        "above": [bar + high / 22 for bar in bars],
        "high": high,
        "largest": logits.max().item(),
        "least": probabilities.min().item(),
        "whole": whole,
        "by_logit": ranks(logits),
        "by_probability": ranks(probabilities),
    }


def shifted(logit_cat: float, logit_chicken: float, logit_dog: float, shift: int) -> Outcome:
    """Return softmax of logits to all of which a number is added, by the formula as it stands and by the library."""
    logits = logits_of(logit_cat, logit_chicken, logit_dog)
    exponentials = (logits + shift).exp()
    total, naive = exponentials.sum().item(), naive_softmax(logits + shift)
    thousand = torch.tensor([1000, 1001, 1002], dtype=torch.float64)
    return {
        "places": PLACES,
        "logits": logits.tolist(),
        "left": [place - 0.2 for place in PLACES],
        "right": [place + 0.2 for place in PLACES],
        "names": list(CLASSES),
        "exponentials": exponentials.tolist(),
        "total": total,
        "naive": naive.tolist(),
        "above": (naive.nan_to_num(0) + 0.05).tolist(),
        "library": softmax(logits + shift).tolist(),
        "probabilities": softmax(logits).tolist(),
        "fate": "overflows" if total == torch.inf else "vanishes" if total == 0 else "works",
        "gains": "none-gains",
        "thousand": softmax(thousand).tolist(),
        "small": naive_softmax(thousand - 1000).tolist(),
    }


# A minibatch


@cache
def images() -> Outcome:
    """Return images of 2 × 2 pixels as features X (8, 4), weights W (4, 3) and biases b (3,), all random."""
    generator = seeded_generator(9)  # with which the model chooses each of the classes
    X = torch.rand(IMAGES, PIXELS, generator=generator, dtype=torch.float64)
    W = torch.randn(PIXELS, len(CLASSES), generator=generator, dtype=torch.float64)
    b = torch.randn(len(CLASSES), generator=generator, dtype=torch.float64)
    return {"X": X.tolist(), "W": W.tolist(), "b": b.tolist()}


def minibatch(n: int) -> tuple[Tensor, Tensor, Tensor]:
    """Return the first n of the images, X (n, 4), with weights W (4, 3) and biases b (3,)."""
    X, W, b = (torch.tensor(values, dtype=torch.float64) for values in images().values())
    return X[:n], W, b


def row_by_row(X: Tensor, W: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """Return logits and probabilities, both (n, q), computed for one row of X (n, d) at a time."""
    logits, probabilities = [], []
    for x in X:
        logits.append(x @ W + b)
        probabilities.append(softmax(logits[-1]))
    return torch.stack(logits), torch.stack(probabilities)


def by_rows(rows: int, row: int) -> Outcome:
    """Return a minibatch of ``rows`` images, computed in one call and up to ``row`` of them one at a time."""
    X, W, b = minibatch(rows)
    done, here = min(row, rows), max(0, min(row, rows) - 1)
    O = scratch.affine(X, W.T, b)  # noqa: E741 (the notes' name)
    Y, (logits, probabilities) = softmax(O), row_by_row(X, W, b)
    return {
        "pixels": (255 * X).tolist(),
        "captions": [CLASSES[int(y.argmax())] if i < done else "not-yet" for i, y in enumerate(Y)],
        "numbers": list(range(1, done + 1)),
        **{f"p_{name}": Y[:done, j].tolist() for j, name in enumerate(CLASSES)},
        "shape": [f"({len(M)}, {M.shape[1]})" for M in (X, W, b[None], O, Y)],
        "x": X[here].tolist() if done else [],
        "o": logits[here].tolist() if done else [],
        "y": probabilities[here].tolist() if done else [],
        "names": list(CLASSES),
        "one_call": Y[here].tolist(),
        "row_alone": probabilities[here].tolist(),
    }
