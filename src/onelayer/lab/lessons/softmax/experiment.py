"""The experiments of the lesson on softmax, without a notebook: one-hot labels, logits, probabilities, cross-entropy.

The classes are cat, chicken and dog, in this order; tensors are float64 throughout. ``weight`` is (q, d), as in the
library, where the notes write its transpose W (d, q).
"""

from heapq import heapify, heappop, heappush
from math import ceil, log, log2

import pyarrow as pa
import torch
from torch import Tensor

from onelayer import fashion_mnist, fit
from onelayer.functional import cross_entropy, log_sum_exp, softmax
from onelayer.models import PHMLinear, parameter_count, phm
from onelayer.solvers.batches import seeded_generator

CLASSES = ("cat", "chicken", "dog")
PIXELS = 4  # of an image of 2 × 2
LAYERS = {"layer-small": (784, 10), "layer-hidden": (784, 256), "layer-square": (512, 512)}  # d → q
MOST_PARTS = 16  # of a PHM layer: the largest n that the lesson shows
STEP = 1e-3  # of finite differences; their error is of the order of its square

# A PHM layer


def phm_parameters(d: int, q: int, n: int) -> int:
    """Return how many numbers the weight of a PHM layer d → q takes by the formula: n³ + n ⌈q/n⌉ ⌈d/n⌉."""
    return n**3 + next_multiple(d, n) * next_multiple(q, n) // n


def next_multiple(number: int, n: int) -> int:
    """Return the smallest multiple of n that is at least ``number``."""
    return n * ceil(number / n)


def counted_parameters(d: int, q: int) -> pa.Table:
    """Count the numbers in the weights of real PHM layers d → q, for n from 1 to 16.

    The columns are ``n``, ``counted`` and ``share``, which is dq/n.
    """
    each = range(1, MOST_PARTS + 1)
    counted = [parameter_count(PHMLinear(d, q, n)) - q for n in each]
    return pa.table({"n": list(each), "counted": counted, "share": [d * q / n for n in each]})


def kronecker_sum(layer: PHMLinear) -> Tensor:
    """Return Σᵢ Aᵢ ⊗ Sᵢ as it is written, cut to (q, d)."""
    products = [torch.kron(A, S) for A, S in zip(layer.A, layer.S, strict=True)]
    return torch.stack(products).sum(dim=0)[: layer.q, : layer.d]


def accuracy_by_parts(parts: tuple[int, ...] = (1, 2, 4, 8), epochs: int = 3) -> pa.Table:
    """Train a PHM layer on all of Fashion-MNIST for several n, and measure it on the test images.

    The columns are ``n``, ``parameters`` (with the bias) and ``accuracy``.
    """
    data = fashion_mnist()
    models = [phm(data.n_features, data.n_outputs, n) for n in parts]
    fits = [fit(model, data.train, data.test, way="concise", epochs=epochs) for model in models]
    return pa.table(
        {
            "n": list(parts),
            "parameters": [parameter_count(model) for model in models],
            "accuracy": [run.epochs[-1].held_out_accuracy for run in fits],
        }
    )


# Softmax


def naive_softmax(logits: Tensor) -> Tensor:
    """Return exp(oⱼ) / Σₖ exp(oₖ) of each row, (n, q), just as the formula says; exp overflows above 709."""
    exponentials = logits.exp()
    return exponentials / exponentials.sum(dim=-1, keepdim=True)


def ranks(values: Tensor) -> list[int]:
    """Return the rank of each of q values: 1 for the largest."""
    return [1 + int((values > value).sum()) for value in values]


def minibatch(n: int, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Return n images of 2 × 2 pixels as features X (n, 4), a weight (3, 4) and a bias (3,), all random."""
    generator = seeded_generator(seed)
    X = torch.rand(n, PIXELS, generator=generator, dtype=torch.float64)
    weight = torch.randn(len(CLASSES), PIXELS, generator=generator, dtype=torch.float64)
    return X, weight, torch.randn(len(CLASSES), generator=generator, dtype=torch.float64)


def row_by_row(X: Tensor, weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Return logits and probabilities, both (n, q), computed for one row and one output unit at a time."""
    logits = torch.stack([torch.stack([row @ w + b for w, b in zip(weight, bias, strict=True)]) for row in X])
    return logits, torch.stack([softmax(row) for row in logits])


# Cross-entropy


def drawn_labels(probabilities: Tensor, seed: int = 0) -> Tensor:
    """Draw a label for each row of probabilities (n, q), as (n,)."""
    return torch.multinomial(probabilities, 1, generator=seeded_generator(seed)).squeeze(1)


def prediction(of_true_class: float, label: int) -> Tensor:
    """Return probabilities (3,): a given one for the true class, and the rest shared equally by the others."""
    others = (1 - of_true_class) / (len(CLASSES) - 1)
    probabilities = torch.full((len(CLASSES),), others, dtype=torch.float64)
    probabilities[label] = of_true_class
    return probabilities


def loss_curve(points: int = 99) -> pa.Table:
    """Return −log ŷ over the ``probability`` of the true class, from 0.01 to 1, as ``loss``."""
    probabilities = torch.logspace(-2, 0, points, dtype=torch.float64)
    return pa.table({"probability": probabilities.numpy(), "loss": -probabilities.log().numpy()})


def loss_of(logits: Tensor, label: int) -> Tensor:
    """Return the cross-entropy of one example with logits (q,), a scalar."""
    return cross_entropy(logits[None], torch.tensor([label]))


def gradient_by_differences(logits: Tensor, label: int) -> Tensor:
    """Return ∂l/∂o (q,) of one example from differences of the loss at o ± h."""
    steps = torch.eye(len(logits), dtype=logits.dtype) * STEP
    rises = [loss_of(logits + step, label) - loss_of(logits - step, label) for step in steps]
    return torch.stack(rises) / (2 * STEP)


def hessian_by_differences(logits: Tensor, label: int) -> Tensor:
    """Return ∂²l/∂o² (q, q) of one example from differences of the loss at o ± h in two directions."""
    steps = torch.eye(len(logits), dtype=logits.dtype) * STEP

    def second(a: Tensor, b: Tensor) -> Tensor:
        same = loss_of(logits + a + b, label) + loss_of(logits - a - b, label)
        return same - loss_of(logits + a - b, label) - loss_of(logits - a + b, label)

    return torch.stack([torch.stack([second(a, b) for b in steps]) for a in steps]) / (4 * STEP**2)


# The questions


def covariance(probabilities: Tensor) -> Tensor:
    """Return the covariance (q, q) of one-hot labels y with these probabilities (q,): Σₖ pₖ (eₖ − p)(eₖ − p)ᵀ."""
    deviations = torch.eye(len(probabilities), dtype=probabilities.dtype) - probabilities
    return (probabilities[:, None, None] * deviations[:, :, None] * deviations[:, None, :]).sum(dim=0)


def sampled_covariance(probabilities: Tensor, n: int, seed: int = 0) -> Tensor:
    """Draw n one-hot labels with these probabilities (q,) and return their covariance (q, q)."""
    drawn = torch.multinomial(probabilities, n, replacement=True, generator=seeded_generator(seed))
    labels = torch.eye(len(probabilities), dtype=probabilities.dtype)[drawn]
    return torch.cov(labels.T, correction=0)


def shortest_code(probabilities: list[float]) -> list[int]:
    """Return the length in bits of each outcome's word in a shortest binary code (Huffman 1952)."""
    lengths = [0] * len(probabilities)
    groups = [(p, [i]) for i, p in enumerate(probabilities)]
    heapify(groups)
    while len(groups) > 1:  # the two least likely groups are told apart by one more bit
        (p, first), (r, second) = heappop(groups), heappop(groups)
        for outcome in first + second:
            lengths[outcome] += 1
        heappush(groups, (p + r, first + second))
    return lengths


def bits_per_observation(most: int = 6) -> pa.Table:
    """Return the bits that one of three equally likely classes takes when ``observations`` share a word.

    ``fixed`` is for words of one length, ``shortest`` for a shortest code; no code beats ``entropy``, log₂ 3.
    """
    each = range(1, most + 1)
    outcomes = [3**n for n in each]
    return pa.table(
        {
            "observations": list(each),
            "fixed": [ceil(log2(count)) / n for n, count in zip(each, outcomes, strict=True)],
            "shortest": [
                sum(shortest_code([1 / count] * count)) / count / n
                for n, count in zip(each, outcomes, strict=True)
            ],
            "entropy": [log2(3)] * most,
        }
    )


def soft_maximum(logits: Tensor, sharpness: Tensor) -> Tensor:
    """Return log Σⱼ exp(λoⱼ) / λ of logits (q,) for each λ of ``sharpness`` (m,), as (m,)."""
    return log_sum_exp(sharpness[:, None] * logits).squeeze(-1) / sharpness


def soft_maximum_curve(logits: Tensor, points: int = 61) -> pa.Table:
    """Return the soft maximum over λ from 0.1 to 100, with its bounds: ``lower``, the maximum, and ``upper``.

    ``minimum`` is the soft minimum −log Σⱼ exp(−λoⱼ) / λ.
    """
    sharpness = torch.logspace(-1, 2, points, dtype=torch.float64)
    largest = logits.max()
    return pa.table(
        {
            "sharpness": sharpness.numpy(),
            "maximum": soft_maximum(logits, sharpness).numpy(),
            "minimum": -soft_maximum(-logits, sharpness).numpy(),
            "lower": largest.expand(points).numpy(),
            "upper": (largest + log(len(logits)) / sharpness).numpy(),
        }
    )
