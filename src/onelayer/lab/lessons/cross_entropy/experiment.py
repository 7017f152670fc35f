"""The experiments of the lesson on the cross-entropy loss: the loss, its derivatives, bits of a code, a soft maximum.

The classes are cat, chicken and dog, in this order; tensors are float64 throughout.
"""

from heapq import heapify, heappop, heappush
from itertools import product
from math import ceil, log2, prod
from typing import Any

import torch
from torch import Tensor

from onelayer.functional import (
    cross_entropy,
    cross_entropy_gradient,
    cross_entropy_hessian,
    log_sum_exp,
    one_hot,
    softmax,
)
from onelayer.lab.lessons.softmax.experiment import CLASSES, PLACES, logits_of
from onelayer.solvers.batches import seeded_generator

STEP = 1e-3  # of finite differences; their error is of the order of its square
SHOWN = 8  # decimals of finite differences: what comes after them is rounding
STEPS = 40  # of gradient descent on three logits
DRAWS = 4000  # of labels
MOST_CLASSES = 20  # of a guess
SHARED = 5  # observations that share a word, at most
PAIRS = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))

Outcome = dict[str, Any]

# The loss


def prediction(of_true_class: float, label: int) -> Tensor:
    """Return probabilities (3,): a given one for the true class, and the rest shared equally by the others."""
    others = (1 - of_true_class) / (len(CLASSES) - 1)
    probabilities = torch.full((len(CLASSES),), others, dtype=torch.float64)
    probabilities[label] = of_true_class
    return probabilities


def loss_of(logits: Tensor, label: int) -> Tensor:
    """Return the cross-entropy of one example with logits (q,), a scalar."""
    return cross_entropy(logits[None], torch.tensor([label]))


def truth_vector(label: int) -> Tensor:
    """Return a label as a one-hot vector (3,)."""
    return one_hot(torch.tensor([label]), len(CLASSES))[0].double()


def surprise(truth: str, of_truth: float) -> Outcome:
    """Return the loss of a prediction that gives the true class a probability, term by term, and its curve."""
    label = CLASSES.index(truth)
    said, y = prediction(of_truth, label), truth_vector(label)
    terms = -y * said.log()
    losses = torch.linspace(0, 5, 61, dtype=torch.float64)
    return {
        "p": (-losses).exp().tolist(),
        "minus_log": losses.tolist(),
        "names": list(CLASSES),
        "y": y.tolist(),
        "said": said.tolist(),
        "log": said.log().tolist(),
        "terms": terms.abs().tolist(),  # without a −0
        "whole": terms.sum().item(),
        "left": int((terms != 0).sum()),
        "loss": loss_of(said.log(), label).item(),
    }


def guess(classes: int) -> Outcome:
    """Return the loss of a model that gives each of some classes the same probability."""
    losses = [loss_of(torch.zeros(q, dtype=torch.float64), 0).item() for q in range(2, MOST_CLASSES + 1)]
    return {
        "counts": list(range(2, MOST_CLASSES + 1)),
        "losses": losses,
        "loss": losses[classes - 2],
        "share": 1 / classes,
        "ten": losses[10 - 2],
    }


def likelihood(of_1: float, of_2: float, of_3: float, of_4: float, of_5: float) -> Outcome:
    """Return the probability that a model gives to five labels together, and the sum of their losses.

    Each argument is the probability of one picture's true class; all others share the rest.
    """
    probabilities = [of_1, of_2, of_3, of_4, of_5]
    p = torch.tensor(probabilities, dtype=torch.float64)
    labels = torch.zeros(len(p), dtype=torch.long)
    losses = cross_entropy(torch.stack([p, 1 - p], dim=1).log(), labels, reduction="none")
    return {
        "numbers": [1, 2, 3, 4, 5],
        "probabilities": probabilities,
        "losses": losses.tolist(),
        "product": prod(probabilities),
        "minus_log": -p.prod().log().item(),
        "total": losses.sum().item(),
        "second": sorted(probabilities)[1],
    }


# Its derivatives


def gradient_by_differences(logits: Tensor, label: int) -> Tensor:
    """Return ∂l/∂o (q,) of one example from differences of the loss at o ± h."""
    steps = torch.eye(len(logits), dtype=logits.dtype) * STEP
    rises = [loss_of(logits + step, label) - loss_of(logits - step, label) for step in steps]
    return torch.stack(rises) / (2 * STEP)


def hessian_by_differences(logits: Tensor, label: int) -> Tensor:
    """Return ∂²l/∂o² (q, q) of one example from differences of its gradient at o ± h."""
    labels, steps = torch.tensor([label]), torch.eye(len(logits), dtype=logits.dtype) * STEP

    def gradient(at: Tensor) -> Tensor:
        return cross_entropy_gradient(at[None], labels)[0]

    return torch.stack([gradient(logits + step) - gradient(logits - step) for step in steps]) / (2 * STEP)


def slope(truth: str, logit_cat: float, logit_chicken: float, logit_dog: float) -> Outcome:
    """Return the derivative of the loss by each logit, from its formula and from differences of the loss."""
    label, logits = CLASSES.index(truth), logits_of(logit_cat, logit_chicken, logit_dog)
    gradient = cross_entropy_gradient(logits[None], torch.tensor([label]))[0]
    return {
        "places": PLACES,
        "names": list(CLASSES),
        "logits": logits.tolist(),
        "probabilities": softmax(logits).tolist(),
        "gradient": gradient.tolist(),
        "above": [g + 0.1 if g >= 0 else g - 0.1 for g in gradient.tolist()],
        "differences": [round(g, SHOWN) for g in gradient_by_differences(logits, label).tolist()],
        "together": gradient.sum().item(),
        "size": gradient.abs().max().item(),
        "loss": loss_of(logits, label).item(),
        "negative": "only-the-truth",
    }


def descent_step(o: Tensor, y: Tensor, lr: float) -> Tensor:
    """Return logits o (q,) after a step of gradient descent on the loss for a one-hot label y (q,)."""
    e = o.exp()
    total = e.sum()
    y_hat = e / total
    gradient = y_hat - y
    return o - lr * gradient


def descend(
    truth: str, lr: float, logit_cat: float, logit_chicken: float, logit_dog: float, step: int
) -> Outcome:
    """Return the true class's probability over 40 steps of gradient descent on the logits, and one step in parts."""
    label, start = CLASSES.index(truth), logits_of(logit_cat, logit_chicken, logit_dog)
    path, y = [start], truth_vector(label)
    for _ in range(STEPS):
        path.append(descent_step(path[-1], y, lr))
    by_library = start
    for _ in range(step):
        by_library = by_library - lr * cross_entropy_gradient(by_library[None], torch.tensor([label]))[0]
    before = path[max(0, step - 1)]
    parts = {
        "exponentials": before.exp(),
        "before": softmax(before),
        "gradient": softmax(before) - y,
        "after": path[step],
    }
    return {
        "places": PLACES,
        "names": list(CLASSES),
        "logits": path[step].tolist(),
        "probabilities": softmax(path[step]).tolist(),
        "rising": [softmax(o)[label].item() for o in path],
        "by_library": by_library.tolist(),
        "of_truth": softmax(path[step])[label].item(),
        "loss": loss_of(path[step], label).item(),
        "first_loss": loss_of(start, label).item(),
        "total": before.exp().sum().item() if step else [],
        **{name: part.tolist() if step else [] for name, part in parts.items()},
    }


def covariance(probabilities: Tensor) -> Tensor:
    """Return the covariance (q, q) of one-hot labels y with these probabilities (q,): Σₖ pₖ (eₖ − p)(eₖ − p)ᵀ."""
    deviations = torch.eye(len(probabilities), dtype=probabilities.dtype) - probabilities
    return (probabilities[:, None, None] * deviations[:, :, None] * deviations[:, None, :]).sum(dim=0)


def chances() -> Outcome:
    """Return random numbers from 0 to 1, (4000,): each draws a label, whatever the probabilities are."""
    return {"chance": torch.rand(DRAWS, generator=seeded_generator(0)).numpy()}


def drawn_labels(probabilities: Tensor, n: int) -> Tensor:
    """Draw n labels with these probabilities (q,), one-hot (n, q)."""
    chance = torch.from_numpy(chances()["chance"])[:n].double()
    labels = (chance[:, None] > probabilities.cumsum(0)[:-1]).sum(dim=1)
    return torch.eye(len(probabilities), dtype=probabilities.dtype)[labels]


def curvature(logit_cat: float, logit_chicken: float, logit_dog: float, draws: int) -> Outcome:
    """Return the second derivative of the loss beside the covariance of one-hot labels, exact and of drawn ones."""
    logits = logits_of(logit_cat, logit_chicken, logit_dog)
    probabilities = softmax(logits)
    drawn = drawn_labels(probabilities, draws)
    sampled = torch.cov(drawn.T, correction=0) if draws else torch.full((3, 3), torch.nan)
    second, exact = cross_entropy_hessian(logits[None])[0], covariance(probabilities)
    by_differences = hessian_by_differences(logits, 0)
    return {
        "places": PLACES,
        "logits": logits.tolist(),
        "probabilities": probabilities.tolist(),
        "pairs": [f"{CLASSES[i]}-{CLASSES[j]}" for i, j in PAIRS],
        "second": [second[pair].item() for pair in PAIRS],
        "covariance": [exact[pair].item() for pair in PAIRS],
        "sampled": [sampled[pair].item() for pair in PAIRS],
        "differences": [round(by_differences[pair].item(), SHOWN) for pair in PAIRS],
    }


# Bits of a code


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


def words(lengths: list[int]) -> list[str]:
    """Return words of these lengths, of which none begins another: shorter ones first, then in order."""
    found, word, before = [""] * len(lengths), 0, 0
    for i in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        word <<= lengths[i] - before
        before = lengths[i]
        found[i] = format(word, f"0{before}b")
        word += 1
    return found


def bits_per_observation(probabilities: list[float], most: int = SHARED) -> dict[str, list[float]]:
    """Return the bits that one of q classes takes on average when 1, 2 … ``most`` observations share a word.

    ``fixed`` is for words of one length, ``shortest`` for a shortest code.
    """
    fixed, shortest = [], []
    for n in range(1, most + 1):
        outcomes = [prod(each) for each in product(probabilities, repeat=n)]
        lengths = shortest_code(outcomes)
        fixed.append(ceil(log2(len(outcomes))) / n)
        shortest.append(sum(p * length for p, length in zip(outcomes, lengths, strict=True)) / n)
    return {"fixed": fixed, "shortest": shortest}


def bits(logit_cat: float, logit_chicken: float, logit_dog: float) -> Outcome:
    """Return the bits of a label of one of three classes, with these logits."""
    logits = logits_of(logit_cat, logit_chicken, logit_dog)
    p = softmax(logits)
    entropy = -(p * p.log2()).sum().item()
    found = bits_per_observation(p.tolist())
    return {
        "places": PLACES,
        "logits": logits.tolist(),
        "probabilities": p.tolist(),
        "observations": (sizes := list(range(1, SHARED + 1))),
        "sizes": [f"n = {n}" for n in sizes],
        **found,
        "entropy": entropy,
        "natural": -(p * p.log()).sum().item(),
        "three": log2(3),
        "words": words(shortest_code(p.tolist())),
        "waste": found["shortest"][0] - entropy,
    }


# A soft maximum


def soft_maximum(logits: Tensor, sharpness: Tensor) -> Tensor:
    """Return log Σⱼ exp(λoⱼ) / λ of logits (q,) for each λ of ``sharpness`` (m,), as (m,)."""
    return log_sum_exp(sharpness[:, None] * logits).squeeze(-1) / sharpness


def softest(logit_cat: float, logit_chicken: float, logit_dog: float, sharpness: float) -> Outcome:
    """Return the soft maximum and the soft minimum of three logits over λ, with the bounds of the maximum."""
    logits = logits_of(logit_cat, logit_chicken, logit_dog)
    lambdas = torch.linspace(0.2, 10, 50, dtype=torch.float64)
    largest, here = logits.max().item(), torch.tensor([sharpness], dtype=torch.float64)
    room = torch.tensor(len(logits), dtype=torch.float64).log()
    return {
        "places": PLACES,
        "logits": logits.tolist(),
        "probabilities": softmax(sharpness * logits).tolist(),
        "lambdas": lambdas.tolist(),
        "softly": soft_maximum(logits, lambdas).tolist(),
        "least": (-soft_maximum(-logits, lambdas)).tolist(),
        "lower": [largest] * len(lambdas),
        "upper": (largest + room / lambdas).tolist(),
        "largest": largest,
        "soft": (soft := soft_maximum(logits, here).item()),
        "gap": soft - largest,
        "bound": (room / sharpness).item(),
        "limit": "the-maximum",
    }
